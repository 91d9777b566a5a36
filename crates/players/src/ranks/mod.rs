//! Who stands where on a board: an order-statistics structure over records of owners.
//!
//! Records lie in pages and are named by their index, four bytes. The order is a list of chunks of such indices,
//! with a Fenwick tree over the lengths of the chunks; a hash table finds an owner's record.
//! A rank is one look into the table, a search over chunks, a search in one chunk and a sum in the tree.

#![warn(
    clippy::disallowed_methods,
    clippy::iter_over_hash_type,
    clippy::wildcard_enum_match_arm
)]

mod counts;
mod records;

use std::cmp::Ordering;
use std::iter::FusedIterator;
use std::mem;
use std::ops::Range;

use tagus_base::Uuid;

use counts::{Counts, Place};
use records::{Owners, Record, Records};

/// What a record is ranked by.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Standing {
    /// Compared first.
    pub score: i64,
    /// Compared where scores are equal.
    pub subscore: i64,
    /// When the record got its scores, in any unit that grows. Compared where subscores are equal too.
    pub updated: u64,
}

/// How the records of a board are ordered.
/// Records alike in everything are ordered by the bytes of their owners, so that no two share a rank.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RankOrder {
    /// Which scores come first.
    pub score: Direction,
    /// Which subscores come first.
    pub subscore: Direction,
    /// Who comes first among equal scores and subscores.
    pub ties: Ties,
}

/// Which numbers come first.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Direction {
    /// Small ones.
    Ascending,
    /// Large ones.
    Descending,
}

/// Who comes first among equals.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Ties {
    /// Whoever was there first.
    #[default]
    EarlierFirst,
    /// Whoever came last.
    LaterFirst,
}

/// A record and its rank.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Ranked {
    /// The rank; 1 is the first.
    pub rank: u64,
    /// Whose record it is.
    pub owner: Uuid,
    /// What it is ranked by.
    pub standing: Standing,
}

/// The records of one board in their order, one per owner.
///
/// Holds at most 2³² - 1 records, some 250 GiB, and panics at the next.
/// Memory of removed records is kept for later ones.
#[derive(Debug)]
pub struct Ranks {
    order: RankOrder,
    records: Records,
    owners: Owners,
    /// Indices of the records in their order. No chunk is empty or longer than `CHUNK_LEN_MAX`.
    chunks: Vec<Vec<u32>>,
    counts: Counts,
}

impl RankOrder {
    /// Scores and subscores in the same direction, earlier records first among equals.
    #[must_use]
    pub const fn by_score(direction: Direction) -> Self {
        Self {
            score: direction,
            subscore: direction,
            ties: Ties::EarlierFirst,
        }
    }

    fn compare(self, left: &Record, right: &Record) -> Ordering {
        let (one, other) = (&left.standing, &right.standing);
        let score = self.score.apply(one.score.cmp(&other.score));
        let subscore = || self.subscore.apply(one.subscore.cmp(&other.subscore));
        let updated = || match self.ties {
            Ties::EarlierFirst => one.updated.cmp(&other.updated),
            Ties::LaterFirst => other.updated.cmp(&one.updated),
        };
        score
            .then_with(subscore)
            .then_with(updated)
            .then_with(|| left.owner.cmp(&right.owner))
    }
}

impl Direction {
    const fn apply(self, ordering: Ordering) -> Ordering {
        match self {
            Self::Ascending => ordering,
            Self::Descending => ordering.reverse(),
        }
    }
}

impl Ranks {
    /// A board without records.
    #[must_use]
    pub fn new(order: RankOrder) -> Self {
        Self {
            order,
            records: Records::default(),
            owners: Owners::default(),
            chunks: Vec::new(),
            counts: Counts::default(),
        }
    }

    /// A board with these records; of several records of an owner the last counts.
    /// Takes linear time where they come in their order or in its reverse.
    #[must_use]
    pub fn load(order: RankOrder, records: impl IntoIterator<Item = (Uuid, Standing)>) -> Self {
        let mut ranks = Self::new(order);
        for (owner, standing) in records {
            match ranks.owners.find(owner, &ranks.records) {
                Some(index) => ranks.records.get_mut(index).standing = standing,
                None => {
                    let index = ranks.records.add(Record { standing, owner });
                    ranks.owners.add(index, &ranks.records);
                }
            }
        }
        let mut sorted: Vec<u32> = (0..ranks.records.len()).collect();
        sorted.sort_unstable_by(|left, right| {
            order.compare(ranks.records.get(*left), ranks.records.get(*right))
        });
        ranks.chunks = sorted
            .chunks(CHUNK_LEN_LOADED)
            .map(<[u32]>::to_vec)
            .collect();
        ranks.counts.rebuild(&ranks.chunks);
        ranks
    }

    /// The order of the records.
    #[must_use]
    pub const fn order(&self) -> RankOrder {
        self.order
    }

    /// How many records there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.owners.len()
    }

    /// Whether there are no records.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Sets what an owner's record is ranked by, and returns what it was ranked by before.
    pub fn set(&mut self, owner: Uuid, standing: Standing) -> Option<Standing> {
        let Some(index) = self.owners.find(owner, &self.records) else {
            let index = self.records.add(Record { standing, owner });
            self.owners.add(index, &self.records);
            self.attach(index);
            return None;
        };
        if self.records.get(index).standing == standing {
            return Some(standing);
        }
        self.detach(index);
        let before = mem::replace(&mut self.records.get_mut(index).standing, standing);
        self.attach(index);
        Some(before)
    }

    /// Removes an owner's record, and returns what it was ranked by.
    pub fn remove(&mut self, owner: Uuid) -> Option<Standing> {
        let index = self.owners.find(owner, &self.records)?;
        self.detach(index);
        self.owners.remove(index, &self.records);
        self.records.remove(index);
        Some(self.records.get(index).standing)
    }

    /// What an owner's record is ranked by.
    #[must_use]
    pub fn standing(&self, owner: Uuid) -> Option<Standing> {
        let index = self.owners.find(owner, &self.records)?;
        Some(self.records.get(index).standing)
    }

    /// The rank of an owner's record; 1 is the first.
    #[must_use]
    pub fn rank(&self, owner: Uuid) -> Option<u64> {
        let index = self.owners.find(owner, &self.records)?;
        let place = self.place(self.records.get(index));
        Some(self.counts.before(place.chunk) + place.offset as u64 + 1)
    }

    /// The record of this rank.
    #[must_use]
    pub fn at(&self, rank: u64) -> Option<Ranked> {
        self.range(rank..rank.checked_add(1)?).next()
    }

    /// The records of these ranks, from either end. There is no rank 0, and none above [`Ranks::len`].
    #[must_use]
    pub fn range(&self, ranks: Range<u64>) -> RankedIter<'_> {
        let first = ranks.start.max(1);
        let end = ranks.end.min(self.len() + 1);
        let remaining = end.saturating_sub(first);
        let (front, back) = match remaining {
            0 => (Place::default(), Place::default()),
            _ => (self.counts.find(first - 1), self.counts.find(end - 2)),
        };
        RankedIter {
            ranks: self,
            front,
            back,
            rank: first,
            remaining,
        }
    }

    /// Memory in use, in bytes, without what the allocator adds.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let chunks = self.chunks.iter().map(bytes_of);
        chunks.sum::<usize>()
            + bytes_of(&self.chunks)
            + self.counts.memory_bytes()
            + self.records.memory_bytes()
            + self.owners.memory_bytes()
    }

    /// Where the record is, or where it would have to be.
    fn place(&self, record: &Record) -> Place {
        let before = |index: &u32| self.order.compare(self.records.get(*index), record).is_lt();
        let chunk = self
            .chunks
            .partition_point(|chunk| chunk.last().is_some_and(before))
            .min(self.chunks.len().saturating_sub(1));
        let offset = self
            .chunks
            .get(chunk)
            .map_or(0, |chunk| chunk.partition_point(before));
        Place { chunk, offset }
    }

    /// Puts a record into the order.
    fn attach(&mut self, index: u32) {
        let Place { chunk, offset } = self.place(self.records.get(index));
        if self.chunks.is_empty() {
            self.chunks.push(Vec::new());
            self.counts.rebuild(&self.chunks);
        }
        let here = &mut self.chunks[chunk];
        if here.len() < CHUNK_LEN_MAX {
            here.insert(offset, index);
            self.counts.add(chunk, 1);
            return;
        }
        let mut behind = here.split_off(CHUNK_LEN_MAX / 2);
        match offset.checked_sub(here.len()) {
            Some(offset) => behind.insert(offset, index),
            None => here.insert(offset, index),
        }
        self.chunks.insert(chunk + 1, behind);
        self.counts.rebuild(&self.chunks);
    }

    /// Takes a record out of the order.
    fn detach(&mut self, index: u32) {
        let Place { chunk, offset } = self.place(self.records.get(index));
        let taken = self.chunks[chunk].remove(offset);
        debug_assert_eq!(taken, index);
        let length = |chunk: usize| self.chunks.get(chunk).map_or(CHUNK_LEN_MAX, Vec::len);
        let before = length(chunk.wrapping_sub(1));
        let (here, behind) = (length(chunk), length(chunk + 1));
        if here == 0 {
            self.chunks.remove(chunk);
            self.counts.rebuild(&self.chunks);
        } else if here + behind <= CHUNK_LEN_MERGED {
            self.merge_with_next(chunk);
        } else if before + here <= CHUNK_LEN_MERGED {
            self.merge_with_next(chunk - 1);
        } else {
            self.counts.remove(chunk, 1);
        }
    }

    fn merge_with_next(&mut self, chunk: usize) {
        let behind = self.chunks.remove(chunk + 1);
        self.chunks[chunk].extend(behind);
        self.counts.rebuild(&self.chunks);
    }
}

/// Records of a range of ranks. See [`Ranks::range`].
#[derive(Clone, Debug)]
pub struct RankedIter<'a> {
    ranks: &'a Ranks,
    /// The next record.
    front: Place,
    /// The next record from behind.
    back: Place,
    /// The rank of `front`.
    rank: u64,
    remaining: u64,
}

impl RankedIter<'_> {
    fn ranked(&self, place: Place, rank: u64) -> Ranked {
        let index = self.ranks.chunks[place.chunk][place.offset];
        let Record { standing, owner } = *self.ranks.records.get(index);
        Ranked {
            rank,
            owner,
            standing,
        }
    }
}

impl Iterator for RankedIter<'_> {
    type Item = Ranked;

    fn next(&mut self) -> Option<Ranked> {
        self.remaining = self.remaining.checked_sub(1)?;
        let ranked = self.ranked(self.front, self.rank);
        self.rank += 1;
        self.front.offset += 1;
        if self.front.offset == self.ranks.chunks[self.front.chunk].len() {
            self.front.chunk += 1;
            self.front.offset = 0;
        }
        Some(ranked)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let remaining = usize::try_from(self.remaining);
        (remaining.unwrap_or(usize::MAX), remaining.ok())
    }
}

impl DoubleEndedIterator for RankedIter<'_> {
    fn next_back(&mut self) -> Option<Ranked> {
        self.remaining = self.remaining.checked_sub(1)?;
        let ranked = self.ranked(self.back, self.rank + self.remaining);
        if self.back.offset > 0 {
            self.back.offset -= 1;
        } else if self.back.chunk > 0 {
            self.back.chunk -= 1;
            self.back.offset = self.ranks.chunks[self.back.chunk].len() - 1;
        }
        Some(ranked)
    }
}

impl FusedIterator for RankedIter<'_> {}

fn bytes_of<T>(items: &Vec<T>) -> usize {
    items.capacity() * size_of::<T>()
}

/// Longest chunk; a longer one becomes two. Tests have short ones, to see many.
const CHUNK_LEN_MAX: usize = if cfg!(test) { 8 } else { 512 };

/// Length of chunks at first.
const CHUNK_LEN_LOADED: usize = CHUNK_LEN_MAX / 2;

/// Two neighbours that are together no longer become one.
const CHUNK_LEN_MERGED: usize = CHUNK_LEN_MAX / 2;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What is believed of the insides.
    fn check(ranks: &Ranks) {
        let lengths: Vec<usize> = ranks.chunks.iter().map(Vec::len).collect();
        assert!(
            lengths
                .iter()
                .all(|length| (1..=CHUNK_LEN_MAX).contains(length)),
            "{lengths:?}"
        );
        assert_eq!(lengths.iter().sum::<usize>() as u64, ranks.len());
        let mut before = 0;
        for (chunk, length) in lengths.into_iter().enumerate() {
            assert_eq!(ranks.counts.before(chunk), before);
            for offset in 0..length {
                let place = ranks.counts.find(before);
                assert_eq!((place.chunk, place.offset), (chunk, offset));
                before += 1;
            }
        }
    }

    fn owner(number: u8) -> Uuid {
        Uuid([number; 16])
    }

    fn standing(score: i64) -> Standing {
        Standing {
            score,
            subscore: 0,
            updated: 0,
        }
    }

    proptest! {
        #[test]
        fn chunks_split_and_merge(steps in prop::collection::vec((any::<bool>(), 0..80_u8, 0..20_i64), 0..400)) {
            let mut ranks = Ranks::new(RankOrder::by_score(Direction::Ascending));
            for (add, number, score) in steps {
                match add {
                    true => ranks.set(owner(number), standing(score)),
                    false => ranks.remove(owner(number)),
                };
                check(&ranks);
            }
        }
    }

    #[test]
    fn few_records_lie_in_few_chunks() {
        let upward = 0..=u8::MAX;
        for removed in [upward.clone().collect::<Vec<_>>(), upward.rev().collect()] {
            let mut ranks = Ranks::new(RankOrder::by_score(Direction::Ascending));
            for number in 0..=u8::MAX {
                ranks.set(owner(number), standing(number.into()));
            }
            for number in removed.into_iter().filter(|number| number % 32 != 0) {
                ranks.remove(owner(number));
                check(&ranks);
            }
            assert_eq!(ranks.len(), 8);
            assert!(ranks.chunks.len() <= 4, "{:?}", ranks.chunks);
        }
    }

    #[test]
    fn indices_of_removed_records_are_taken_again() {
        let mut ranks = Ranks::new(RankOrder::by_score(Direction::Descending));
        for round in 0..10 {
            for number in 0..100 {
                ranks.set(owner(number), standing(round));
            }
            for number in 0..100 {
                ranks.remove(owner(number));
            }
        }
        assert_eq!(ranks.records.len(), 100);
        assert!(ranks.is_empty());
        check(&ranks);
    }
}
