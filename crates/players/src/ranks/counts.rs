//! Sums over the chunks of a board's order.

use super::bytes_of;

/// Where in the order something is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    pub(super) chunk: usize,
    pub(super) offset: usize,
}

/// How many records there are in and before each chunk: a Fenwick tree.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// The place `i` has the sum of the `lowest_bit(i + 1)` chunks that end with chunk `i`.
    tree: Vec<u32>,
}

impl Counts {
    pub(super) fn rebuild(&mut self, chunks: &[Vec<u32>]) {
        self.tree.clear();
        // No chunk is longer than `CHUNK_LEN_MAX`.
        self.tree
            .extend(chunks.iter().map(|chunk| chunk.len() as u32));
        for number in 1..=self.tree.len() {
            let above = number + lowest_bit(number);
            if above <= self.tree.len() {
                self.tree[above - 1] += self.tree[number - 1];
            }
        }
    }

    pub(super) fn add(&mut self, chunk: usize, count: u32) {
        self.for_sums_with(chunk, |sum| *sum += count);
    }

    pub(super) fn remove(&mut self, chunk: usize, count: u32) {
        self.for_sums_with(chunk, |sum| *sum -= count);
    }

    fn for_sums_with(&mut self, chunk: usize, change: impl Fn(&mut u32)) {
        let mut number = chunk + 1;
        while let Some(sum) = self.tree.get_mut(number - 1) {
            change(sum);
            number += lowest_bit(number);
        }
    }

    /// How many records there are before a chunk.
    pub(super) fn before(&self, chunk: usize) -> u64 {
        let mut number = chunk;
        let mut sum = 0;
        while number > 0 {
            sum += u64::from(self.tree[number - 1]);
            number -= lowest_bit(number);
        }
        sum
    }

    /// Where the record is that has so many before it, of which there are enough.
    pub(super) fn find(&self, mut before: u64) -> Place {
        let mut chunk = 0;
        let mut step = self.tree.len().checked_ilog2().map_or(0, |log| 1 << log);
        while step > 0 {
            if let Some(sum) = self.tree.get(chunk + step - 1) {
                let sum = u64::from(*sum);
                if sum <= before {
                    before -= sum;
                    chunk += step;
                }
            }
            step /= 2;
        }
        let offset = before as usize;
        Place { chunk, offset }
    }

    pub(super) fn memory_bytes(&self) -> usize {
        bytes_of(&self.tree)
    }
}

const fn lowest_bit(number: usize) -> usize {
    number & number.wrapping_neg()
}
