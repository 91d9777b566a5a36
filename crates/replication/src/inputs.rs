//! A player's inputs on their way into ticks.

use alloc::collections::BTreeMap;

/// Inputs of one player, numbered by its client, one for each tick.
///
/// A client sends every input that is not known to have arrived, so the same may come often and in any order.
/// Once a tick [`take`](Self::take) gives the next; [`last_taken`](Self::last_taken) belongs into the player's snapshots.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct InputBuffer<I> {
    waiting: BTreeMap<u32, I>,
    last_taken: u32,
    depth_target: u8,
    /// Of this window: the fewest that waited, and whether one was missing.
    depth_min: usize,
    was_missing: bool,
    window: u8,
    pace: Pace,
}

/// What a client should do with its clock, so that its inputs arrive just in time.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Pace {
    /// Its inputs come too late: run one or two per cent faster.
    Faster,
    /// Go on.
    #[default]
    Even,
    /// They wait longer than they must: run one or two per cent slower.
    Slower,
}

impl<I> InputBuffer<I> {
    /// An empty buffer in which `depth_target` inputs should wait: 1 for a steady line, 2 or 3 for one that jitters.
    #[must_use]
    pub const fn new(depth_target: u8) -> Self {
        Self {
            waiting: BTreeMap::new(),
            last_taken: 0,
            depth_target,
            depth_min: usize::MAX,
            was_missing: false,
            window: 0,
            pace: Pace::Even,
        }
    }

    /// An input has arrived; numbers begin with 1. Answers whether it is kept: one that is known or too late is not,
    /// and neither is one that is [`INPUTS_MAX`] or more ahead of the last that was taken, unless nothing was taken yet.
    pub fn push(&mut self, number: u32, input: I) -> bool {
        let is_ahead = number.checked_sub(self.last_taken).is_some_and(|by| by > 0);
        let is_near = self.last_taken == 0 || number.saturating_sub(self.last_taken) < INPUTS_MAX;
        let is_known = self.waiting.contains_key(&number);
        let is_full = self.waiting.len() >= INPUTS_MAX as usize;
        if !is_ahead || !is_near || is_known || is_full {
            return false;
        }
        self.waiting.insert(number, input);
        true
    }

    /// The input for this tick. None when it has not arrived: repeat the last one for a few ticks, then none.
    /// Missing numbers are passed over when later ones wait.
    pub fn take(&mut self) -> Option<I> {
        self.depth_min = self.depth_min.min(self.waiting.len());
        let taken = self.waiting.pop_first();
        // A player that has never sent anything is not late.
        self.was_missing |= taken.is_none() && self.last_taken > 0;
        self.window += 1;
        if self.window == WINDOW_TICKS {
            self.pace = match self.depth_min {
                _ if self.was_missing => Pace::Faster,
                depth if depth > usize::from(self.depth_target) => Pace::Slower,
                _ => Pace::Even,
            };
            self.window = 0;
            self.depth_min = usize::MAX;
            self.was_missing = false;
        }
        let (number, input) = taken?;
        self.last_taken = number;
        Some(input)
    }

    /// The number of the last input that was taken; 0 before the first.
    #[must_use]
    pub const fn last_taken(&self) -> u32 {
        self.last_taken
    }

    /// What the last full window of ticks says about the client's clock.
    #[must_use]
    pub const fn pace(&self) -> Pace {
        self.pace
    }

    /// Inputs that wait.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.waiting.len()
    }
}

/// Inputs of a player that wait, at most; further ones are not kept.
pub const INPUTS_MAX: u32 = 32;
/// Ticks after which the pace is judged.
const WINDOW_TICKS: u8 = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_are_taken_once_and_in_order() {
        let mut buffer = InputBuffer::new(1);
        assert!(buffer.push(2, 'b'));
        assert!(buffer.push(1, 'a'));
        assert!(!buffer.push(2, 'x'), "known");
        assert_eq!(buffer.take(), Some('a'));
        assert!(!buffer.push(1, 'x'), "too late");
        assert_eq!((buffer.take(), buffer.last_taken()), (Some('b'), 2));
        assert!(buffer.push(4, 'd'));
        assert_eq!(buffer.take(), Some('d'), "3 is passed over");
        assert!(!buffer.push(3, 'c'));
        assert_eq!((buffer.take(), buffer.last_taken()), (None, 4));
        assert!(buffer.push(4 + INPUTS_MAX - 1, 'y'));
        assert!(!buffer.push(4 + INPUTS_MAX, 'z'), "too far ahead");
    }

    #[test]
    fn a_buffer_is_full_at_its_limit() {
        let mut buffer = InputBuffer::new(1);
        let kept = (1..100).filter(|number| buffer.push(*number, ())).count();
        assert_eq!(kept, INPUTS_MAX as usize);
        assert!(!InputBuffer::new(1).push(0, ()), "numbers begin with 1");
    }

    #[test]
    fn the_pace_keeps_the_depth() {
        let run = |ahead: u32, lost: u32| {
            let mut buffer = InputBuffer::new(2);
            for number in 1..=ahead {
                buffer.push(number, ());
            }
            for tick in 1..=64 {
                if tick != lost {
                    buffer.push(ahead + tick, ());
                }
                buffer.take();
            }
            buffer.pace()
        };
        assert_eq!(run(1, 0), Pace::Even);
        assert_eq!(run(2, 0), Pace::Slower);
        assert_eq!(run(0, 40), Pace::Faster);
        assert_eq!(run(0, 20), Pace::Even, "long ago");
        let mut silent = InputBuffer::<()>::new(1);
        (0..64).for_each(|_| assert_eq!(silent.take(), None));
        assert_eq!(silent.pace(), Pace::Even);
    }
}
