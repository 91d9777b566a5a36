//! What a room has asked of others, and what came of it.

use crate::codec::{Reader, put_u64};

/// Requests under way and results that wait for the next tick; at most `MAX` of both, since they may end up in one tick.
pub(crate) struct Asked<T, const MAX: usize> {
    /// Tokens of those under way.
    tokens: Vec<u64>,
    /// Results with their place in the order of arrival and their tokens.
    results: Vec<(u64, u64, T)>,
}

impl<T, const MAX: usize> Asked<T, MAX> {
    pub(crate) const fn new() -> Self {
        Self {
            tokens: Vec::new(),
            results: Vec::new(),
        }
    }

    pub(crate) const fn is_full(&self) -> bool {
        self.tokens.len() + self.results.len() >= MAX
    }

    pub(crate) fn begin(&mut self, token: u64) {
        self.tokens.push(token);
    }

    /// Tokens of those under way, in the order they were begun.
    pub(crate) fn tokens(&self) -> &[u64] {
        &self.tokens
    }

    /// Queues a result as the next in `arrivals`. One that was never asked for is ignored.
    pub(crate) fn done(&mut self, token: u64, result: T, arrivals: &mut u64) {
        let Some(at) = self.tokens.iter().position(|known| *known == token) else {
            return;
        };
        self.tokens.remove(at);
        self.results.push((*arrivals, token, result));
        *arrivals += 1;
    }

    pub(crate) const fn has_results(&self) -> bool {
        !self.results.is_empty()
    }

    /// Takes the results, each as what `input` makes of its token and itself.
    pub(crate) fn drain<I>(
        &mut self,
        input: impl Fn(u64, T) -> I,
    ) -> impl Iterator<Item = (u64, I)> {
        let results = self.results.drain(..);
        results.map(move |(arrival, token, result)| (arrival, input(token, result)))
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>, write: impl Fn(&T, &mut Vec<u8>)) {
        put_u64(out, self.tokens.len() as u64);
        for token in &self.tokens {
            put_u64(out, *token);
        }
        put_u64(out, self.results.len() as u64);
        for (arrival, token, result) in &self.results {
            put_u64(out, *arrival);
            put_u64(out, *token);
            write(result, out);
        }
    }

    /// Reads what [`Self::write`] wrote; none for more than `MAX`, too.
    pub(crate) fn read<'a>(
        reader: &mut Reader<'a>,
        read: impl Fn(&mut Reader<'a>) -> Option<T>,
    ) -> Option<Self> {
        let mut asked = Self::new();
        for _ in 0..reader.u64()? {
            if asked.is_full() {
                return None;
            }
            asked.tokens.push(reader.u64()?);
        }
        for _ in 0..reader.u64()? {
            if asked.is_full() {
                return None;
            }
            let result = (reader.u64()?, reader.u64()?, read(reader)?);
            asked.results.push(result);
        }
        Some(asked)
    }
}
