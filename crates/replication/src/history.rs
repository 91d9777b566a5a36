//! Where things were: what lag compensation asks.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use tagus_base::Tick;

use crate::bits::{put_varint, take_varint, take_varint_u32};
use crate::error::DecodeError;

/// The last ticks of what can be hit, as `N` rounded numbers for each id, of which the first two are x and y.
///
/// A game whose rules ask it keeps it in its state: it is small, and [`write`](Self::write) puts it into a snapshot.
/// A shot is judged at the tick that its shooter saw, and a limit of some 200 ms keeps the others from being hit
/// long after they took cover: ask no further back than that, whatever a client says.
#[derive(Clone, Debug, PartialEq)]
pub struct History<const N: usize> {
    steps: [f32; N],
    ticks_max: usize,
    /// Oldest first, one for each tick without a gap.
    ticks: VecDeque<Vec<Entry<N>>>,
    newest: Tick,
}

/// By id.
type Entry<const N: usize> = (u32, [i32; N]);

impl<const N: usize> History<N> {
    /// A history of the last `ticks_max` (1..=256) ticks. The numbers are rounded to multiples of `steps`.
    #[must_use]
    pub fn new(steps: [f32; N], ticks_max: usize) -> Self {
        const { assert!(N >= 2) };
        Self {
            steps,
            ticks_max: ticks_max.clamp(1, HISTORY_TICKS_MAX),
            ticks: VecDeque::new(),
            newest: Tick(0),
        }
    }

    /// Adds a tick. One that does not follow the newest begins anew.
    /// Of an id that comes twice the first counts.
    pub fn record(&mut self, tick: Tick, things: impl IntoIterator<Item = (u32, [f32; N])>) {
        let mut entries = match self.ticks.len() < self.ticks_max {
            true => Vec::new(),
            false => self.ticks.pop_front().unwrap_or_default(),
        };
        entries.clear();
        if tick != self.newest.next() {
            self.ticks.clear();
        }
        let steps = self.steps;
        entries.extend(things.into_iter().map(|(id, numbers)| {
            let rounded = |axis: usize| {
                let scaled = numbers[axis] / steps[axis];
                (scaled + if scaled < 0.0 { -0.5 } else { 0.5 }) as i32
            };
            (id, core::array::from_fn(rounded))
        }));
        entries.sort_by_key(|(id, _)| *id);
        entries.dedup_by_key(|(id, _)| *id);
        self.ticks.push_back(entries);
        self.newest = tick;
    }

    /// The oldest and the newest tick that can be asked for; none before the first.
    #[must_use]
    pub fn ticks(&self) -> Option<(Tick, Tick)> {
        let count = (self.ticks.len() as u64).checked_sub(1)?;
        Some((Tick(self.newest.0 - count), self.newest))
    }

    /// Where something was `fraction` (0.0..1.0) of the way from `tick` to the next one.
    /// None when it was not there, or the tick is not known. Of a fraction behind the newest tick only 0 is known.
    #[must_use]
    pub fn at(&self, tick: Tick, fraction: f32, id: u32) -> Option<[f32; N]> {
        let (before, after) = self.around(tick)?;
        let entry = find(before, id)?;
        Some(self.between(entry, after, fraction))
    }

    /// What was within `radius` of a point at that time, in the order of ids.
    pub fn within(
        &self,
        tick: Tick,
        fraction: f32,
        centre: [f32; 2],
        radius: f32,
    ) -> impl Iterator<Item = (u32, [f32; N])> {
        let (before, after) = self.around(tick).unwrap_or_default();
        let all = before
            .iter()
            .map(move |entry| (entry.0, self.between(entry, after, fraction)));
        all.filter(move |(_, numbers)| {
            let (x, y) = (numbers[0] - centre[0], numbers[1] - centre[1]);
            x * x + y * y <= radius * radius
        })
    }

    /// A tick and the one behind it, which for the newest is itself.
    fn around(&self, tick: Tick) -> Option<(&[Entry<N>], &[Entry<N>])> {
        let (oldest, _) = self.ticks()?;
        let index = usize::try_from(tick.0.checked_sub(oldest.0)?).ok()?;
        let before = self.ticks.get(index)?;
        let after = self.ticks.get(index + 1).unwrap_or(before);
        Some((before, after))
    }

    /// What was gone a tick later stays where it was.
    fn between(&self, entry: &Entry<N>, after: &[Entry<N>], fraction: f32) -> [f32; N] {
        let later = find(after, entry.0).unwrap_or(entry);
        let part = fraction.clamp(0.0, 1.0);
        core::array::from_fn(|axis| {
            let (from, to) = (entry.1[axis] as f32, later.1[axis] as f32);
            (from + (to - from) * part) * self.steps[axis]
        })
    }

    /// Appends everything, to be part of a game's snapshot.
    pub fn write(&self, out: &mut Vec<u8>) {
        put_varint(out, self.newest.0);
        put_varint(out, self.ticks.len() as u64);
        for entries in &self.ticks {
            put_varint(out, entries.len() as u64);
            for (id, numbers) in entries {
                out.extend_from_slice(&id.to_le_bytes());
                for number in numbers {
                    out.extend_from_slice(&number.to_le_bytes());
                }
            }
        }
    }

    /// Takes what [`write`](Self::write) appended off the front, into a history made by the same [`new`](Self::new).
    ///
    /// # Errors
    /// The bytes are cut short or impossible; then the history is empty.
    pub fn read(&mut self, bytes: &mut &[u8]) -> Result<(), DecodeError> {
        self.ticks.clear();
        let newest = Tick(take_varint(bytes)?);
        let count = take_varint(bytes)?;
        if count > self.ticks_max as u64 || count > newest.0 + 1 {
            return Err(DecodeError::Limit);
        }
        let mut ticks = VecDeque::new();
        for _ in 0..count {
            ticks.push_back(take_entries(bytes)?);
        }
        self.ticks = ticks;
        self.newest = newest;
        Ok(())
    }
}

fn take_entries<const N: usize>(bytes: &mut &[u8]) -> Result<Vec<Entry<N>>, DecodeError> {
    let count = take_varint_u32(bytes)?;
    let mut entries: Vec<Entry<N>> = Vec::new();
    for _ in 0..count {
        let id = take_i32(bytes)?.cast_unsigned();
        if entries.last().is_some_and(|last| last.0 >= id) {
            return Err(DecodeError::OutOfOrder);
        }
        let mut numbers = [0; N];
        for number in &mut numbers {
            *number = take_i32(bytes)?;
        }
        entries.push((id, numbers));
    }
    Ok(entries)
}

fn take_i32(bytes: &mut &[u8]) -> Result<i32, DecodeError> {
    let (head, rest) = bytes
        .split_first_chunk::<4>()
        .ok_or(DecodeError::Truncated)?;
    *bytes = rest;
    Ok(i32::from_le_bytes(*head))
}

fn find<const N: usize>(entries: &[Entry<N>], id: u32) -> Option<&Entry<N>> {
    let index = entries.binary_search_by_key(&id, |entry| entry.0).ok()?;
    entries.get(index)
}

/// Ticks of a history at most.
pub const HISTORY_TICKS_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn walked() -> History<2> {
        let mut history = History::new([0.5, 0.5], 4);
        for tick in 1..=6_u64 {
            let x = tick as f32 * 10.0;
            let mut things = alloc::vec![(7, [x, -1.0]), (3, [0.2, 0.3]), (7, [9.0, 9.0])];
            if tick < 6 {
                things.push((9, [-x, 5.0]));
            }
            history.record(Tick(tick), things);
        }
        history
    }

    #[test]
    fn the_past_is_between_its_ticks() {
        let history = walked();
        assert_eq!(history.ticks(), Some((Tick(3), Tick(6))));
        assert_eq!(history.at(Tick(4), 0.0, 7), Some([40.0, -1.0]));
        assert_eq!(history.at(Tick(4), 0.25, 7), Some([42.5, -1.0]));
        assert_eq!(history.at(Tick(4), 7.0, 7), Some([50.0, -1.0]));
        assert_eq!(history.at(Tick(6), 0.5, 7), Some([60.0, -1.0]));
        assert_eq!(history.at(Tick(5), 0.5, 3), Some([0.0, 0.5]), "rounded");
        assert_eq!(history.at(Tick(5), 0.5, 9), Some([-50.0, 5.0]), "gone then");
        assert_eq!(history.at(Tick(6), 0.0, 9), None);
        assert_eq!(history.at(Tick(2), 0.9, 7), None);
        assert_eq!(history.at(Tick(7), 0.0, 7), None);
    }

    #[test]
    fn a_circle_has_what_is_in_it() {
        let history = walked();
        let seen = |radius| {
            let near = history.within(Tick(4), 0.5, [45.0, 2.0], radius);
            near.map(|(id, _)| id).collect::<Vec<_>>()
        };
        assert_eq!(seen(2.9), [0; 0]);
        assert_eq!(seen(3.0), [7]);
        assert_eq!(seen(50.0), [3, 7]);
        assert_eq!(seen(1_000.0), [3, 7, 9], "each once");
        assert_eq!(history.within(Tick(9), 0.0, [0.0; 2], 1e9).count(), 0);
    }

    #[test]
    fn a_gap_begins_anew() {
        let mut history = walked();
        history.record(Tick(8), [(1, [0.0; 2])]);
        assert_eq!(history.ticks(), Some((Tick(8), Tick(8))));
        assert_eq!(History::<2>::new([1.0; 2], 3).ticks(), None);
    }

    #[test]
    fn what_is_written_is_read() {
        let history = walked();
        let mut bytes = Vec::new();
        history.write(&mut bytes);
        let mut twin = History::new([0.5, 0.5], 4);
        assert_eq!(twin.read(&mut bytes.as_slice()), Ok(()));
        assert_eq!(twin, history);
        for length in 0..bytes.len() {
            assert!(twin.read(&mut &bytes[..length]).is_err(), "{length}");
        }
        let mut smaller = History::<2>::new([0.5, 0.5], 3);
        let refused = smaller.read(&mut bytes.as_slice());
        assert_eq!(refused, Err(DecodeError::Limit));
    }
}
