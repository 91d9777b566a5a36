//! One board in memory: its definition and the ranks of its periods.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tagus_base::{UnixMillis, UserId, Uuid};
use tagus_store::RecordOrder;

use super::definition::{Leaderboard, Marks};
use crate::ranks::{Direction, RankOrder, Ranks, Standing};

/// A board. What happens to one owner's record is told in its order: the caller sees to it.
#[derive(Debug)]
pub(super) struct Board {
    pub(super) definition: Leaderboard,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    marks: Marks,
    /// By expiry. A period that is not here, or is being loaded, has its ranks in the database alone.
    periods: BTreeMap<UnixMillis, PeriodRanks>,
}

#[derive(Debug)]
struct PeriodRanks {
    ranks: Ranks,
    /// While the period is being loaded: who was written or removed meanwhile, of whom the pages may know less.
    loading: Option<BTreeSet<UserId>>,
}

impl Board {
    pub(super) fn new(definition: Leaderboard, marks: Marks) -> Self {
        let periods = BTreeMap::new();
        Self {
            definition,
            state: Mutex::new(State { marks, periods }),
        }
    }

    pub(super) fn marks(&self) -> Marks {
        self.state().marks
    }

    pub(super) fn set_marks(&self, marks: Marks) {
        self.state().marks = marks;
    }

    /// What a record became, or that it is gone.
    pub(super) fn apply(&self, expiry: UnixMillis, owner: UserId, order: Option<RecordOrder>) {
        if !self.definition.ranks {
            return;
        }
        let mut state = self.state();
        let period = self.period(&mut state, expiry);
        match order {
            Some(order) => {
                period.ranks.set(owner.0, standing(order));
            }
            None => {
                period.ranks.remove(owner.0);
            }
        }
        if let Some(known) = &mut period.loading {
            known.insert(owner);
        }
    }

    /// Forgets an owner in all periods.
    pub(super) fn forget(&self, owner: UserId) {
        for period in self.state().periods.values_mut() {
            period.ranks.remove(owner.0);
            if let Some(known) = &mut period.loading {
                known.insert(owner);
            }
        }
    }

    /// Whether the ranks of a period must be loaded; then they are expected.
    pub(super) fn begin_load(&self, expiry: UnixMillis) -> bool {
        if !self.definition.ranks {
            return false;
        }
        let mut state = self.state();
        self.period(&mut state, expiry).loading.is_some()
    }

    /// A page of the database for a period that is being loaded.
    pub(super) fn load(
        &self,
        expiry: UnixMillis,
        page: impl IntoIterator<Item = (RecordOrder, UserId)>,
    ) {
        let mut state = self.state();
        let period = self.period(&mut state, expiry);
        let Some(known) = &period.loading else {
            return;
        };
        for (order, owner) in page {
            if !known.contains(&owner) {
                period.ranks.set(owner.0, standing(order));
            }
        }
    }

    /// All pages were there: from here on ranks come from memory.
    pub(super) fn end_load(&self, expiry: UnixMillis) {
        if let Some(period) = self.state().periods.get_mut(&expiry) {
            period.loading = None;
        }
    }

    /// Drops the ranks of all periods but this one.
    pub(super) fn keep_only(&self, expiry: UnixMillis) {
        self.state().periods.retain(|of, _| *of == expiry);
    }

    /// Ranks of owners in a period and how many records it has; none where memory does not know them.
    pub(super) fn ranks(
        &self,
        expiry: UnixMillis,
        owners: impl IntoIterator<Item = UserId>,
    ) -> Option<(Vec<u64>, u64)> {
        let state = self.state();
        let period = state.periods.get(&expiry)?;
        if period.loading.is_some() {
            return None;
        }
        let rank = |owner: UserId| period.ranks.rank(owner.0).unwrap_or_default();
        let ranks = owners.into_iter().map(rank).collect();
        Some((ranks, period.ranks.len()))
    }

    /// All owners of a period in their order, for tests.
    pub(super) fn owners(&self, expiry: UnixMillis) -> Option<Vec<Uuid>> {
        let state = self.state();
        let period = state.periods.get(&expiry)?;
        let all = period.ranks.range(1..u64::MAX);
        period
            .loading
            .is_none()
            .then(|| all.map(|ranked| ranked.owner).collect())
    }

    fn period<'a>(&self, state: &'a mut State, expiry: UnixMillis) -> &'a mut PeriodRanks {
        state.periods.entry(expiry).or_insert_with(|| PeriodRanks {
            // What the database orders by is ascending on every board.
            ranks: Ranks::new(RankOrder {
                ties: self.definition.ties,
                ..RankOrder::by_score(Direction::Ascending)
            }),
            loading: Some(BTreeSet::new()),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const fn standing(order: RecordOrder) -> Standing {
    Standing {
        score: order.score,
        subscore: order.subscore,
        updated: order.time.unsigned_abs(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_while_pages_are_read_counts_more_than_the_pages() {
        let marks = Marks {
            reset: UnixMillis(0),
            end: UnixMillis(0),
        };
        let board = Board::new(Leaderboard::new("b"), marks);
        let owner = |number| UserId(Uuid([number; 16]));
        let order = |score| RecordOrder {
            score,
            subscore: 0,
            time: 0,
        };
        let at = UnixMillis(9);
        assert!(board.begin_load(at));
        board.load(at, [(order(1), owner(1)), (order(2), owner(2))]);
        board.apply(at, owner(1), Some(order(30)));
        board.apply(at, owner(3), Some(order(0)));
        board.apply(at, owner(4), None);
        assert_eq!(board.ranks(at, [owner(1)]), None, "not yet");
        let late = [3, 4, 5].map(|number| (order(50), owner(number)));
        board.load(at, late);
        board.end_load(at);
        board.load(at, [(order(0), owner(9))]);
        let expected = [3, 2, 1, 5].map(|number| owner(number).0);
        assert_eq!(board.owners(at), Some(expected.to_vec()));
        assert_eq!(board.ranks(at, [owner(5), owner(4)]), Some((vec![4, 0], 4)));
        assert!(!board.begin_load(at));
        board.forget(owner(3));
        assert_eq!(board.ranks(at, [owner(2)]), Some((vec![1], 3)));
        board.keep_only(UnixMillis(10));
        assert_eq!(board.ranks(at, []), None);
    }
}
