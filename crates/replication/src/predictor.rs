//! A client's own entity, ahead of the server.

use alloc::collections::VecDeque;

/// What the player steers, shown at once and put right when the server's word comes.
///
/// `step` is the rule by which an input moves the state; room and client must share it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Predictor<S, I> {
    state: S,
    /// Inputs that the server's word does not contain yet, oldest first, by number.
    pending: VecDeque<(u32, I)>,
    last_number: u32,
}

impl<S, I> Predictor<S, I> {
    /// From what the server said first.
    #[must_use]
    pub const fn new(state: S) -> Self {
        Self {
            state,
            pending: VecDeque::new(),
            last_number: 0,
        }
    }

    /// The state with all inputs.
    #[must_use]
    pub const fn state(&self) -> &S {
        &self.state
    }

    /// Applies an input at once. Answers its number, to be sent with it.
    /// Of more than [`PENDING_MAX`] unanswered ones the oldest is forgotten.
    pub fn predict(&mut self, input: I, step: impl Fn(&mut S, &I)) -> u32 {
        step(&mut self.state, &input);
        self.last_number += 1;
        if self.pending.len() == PENDING_MAX {
            self.pending.pop_front();
        }
        self.pending.push_back((self.last_number, input));
        self.last_number
    }

    /// The inputs that are not answered, oldest first: each message repeats them all, so that none is missed.
    pub fn pending(&self) -> impl Iterator<Item = &(u32, I)> {
        self.pending.iter()
    }

    /// The server's word: this was the state after input `last_input`. Those after it are applied again.
    /// What the difference to the old state is, is best let fade over some frames rather than shown at once.
    pub fn reconcile(&mut self, last_input: u32, state: S, step: impl Fn(&mut S, &I)) {
        self.state = state;
        let is_answered = |(number, _): &(u32, I)| *number <= last_input;
        while self.pending.front().is_some_and(is_answered) {
            self.pending.pop_front();
        }
        for (_, input) in &self.pending {
            step(&mut self.state, input);
        }
    }
}

/// Unanswered inputs at most.
pub const PENDING_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn step(state: &mut i32, input: &i32) {
        *state = *state * 2 + input;
    }

    #[test]
    fn what_is_not_answered_is_applied_again() {
        let mut predictor = Predictor::new(1);
        assert_eq!(
            [1, 0, 1].map(|input| predictor.predict(input, step)),
            [1, 2, 3]
        );
        assert_eq!(*predictor.state(), 13);
        predictor.reconcile(1, 3, step);
        assert_eq!(*predictor.state(), 13, "as predicted");
        predictor.reconcile(2, 100, step);
        assert_eq!(*predictor.state(), 201, "the server knows better");
        let pending: Vec<_> = predictor.pending().copied().collect();
        assert_eq!(pending, [(3, 1)]);
        predictor.reconcile(9, 5, step);
        assert_eq!((*predictor.state(), predictor.pending().count()), (5, 0));
    }

    #[test]
    fn silence_is_bounded() {
        let mut predictor = Predictor::new(0);
        for _ in 0..=PENDING_MAX {
            predictor.predict(0, step);
        }
        assert_eq!(predictor.pending().count(), PENDING_MAX);
        assert_eq!(predictor.pending().next(), Some(&(2, 0)));
    }
}
