//! Ranks beside a sorted list.

use std::cmp::Reverse;

use proptest::prelude::*;
use tagus_base::{Rng, Uuid};
use tagus_players::ranks::{Direction, RankOrder, Ranked, Ranks, Standing, Ties};

fn owner(number: u32) -> Uuid {
    let mut bytes = [7; 16];
    bytes[12..].copy_from_slice(&number.to_be_bytes());
    Uuid(bytes)
}

fn standing(score: i64, subscore: i64, updated: u64) -> Standing {
    Standing {
        score,
        subscore,
        updated,
    }
}

/// The order, said in another way: what comes first has the smaller key.
fn key(order: RankOrder, owner: Uuid, standing: Standing) -> (i128, i128, i128, Uuid) {
    let directed = |direction, number: i64| match direction {
        Direction::Ascending => i128::from(number),
        Direction::Descending => -i128::from(number),
    };
    let updated = match order.ties {
        Ties::EarlierFirst => i128::from(standing.updated),
        Ties::LaterFirst => -i128::from(standing.updated),
    };
    let score = directed(order.score, standing.score);
    (
        score,
        directed(order.subscore, standing.subscore),
        updated,
        owner,
    )
}

/// A list that is sorted again after each change.
struct Twin {
    order: RankOrder,
    records: Vec<(Uuid, Standing)>,
}

impl Twin {
    fn position(&self, owner: Uuid) -> Option<usize> {
        self.records.iter().position(|record| record.0 == owner)
    }

    fn remove(&mut self, owner: Uuid) -> Option<Standing> {
        self.position(owner)
            .map(|position| self.records.remove(position).1)
    }

    fn set(&mut self, owner: Uuid, standing: Standing) -> Option<Standing> {
        let before = self.remove(owner);
        self.records.push((owner, standing));
        self.records
            .sort_by_key(|record| key(self.order, record.0, record.1));
        before
    }

    fn ranked(&self) -> Vec<Ranked> {
        let ranked = (1..)
            .zip(&self.records)
            .map(|(rank, (owner, standing))| Ranked {
                rank,
                owner: *owner,
                standing: *standing,
            });
        ranked.collect()
    }

    fn compare(&self, ranks: &Ranks) {
        let all = self.ranked();
        assert_eq!(ranks.len(), all.len() as u64);
        assert_eq!(ranks.range(0..u64::MAX).collect::<Vec<_>>(), all);
        let backward: Vec<_> = ranks.range(0..u64::MAX).rev().collect();
        assert_eq!(backward, all.iter().rev().copied().collect::<Vec<_>>());
        for ranked in &all {
            assert_eq!(ranks.rank(ranked.owner), Some(ranked.rank));
            assert_eq!(ranks.standing(ranked.owner), Some(ranked.standing));
            assert_eq!(ranks.at(ranked.rank), Some(*ranked));
        }
        assert_eq!(ranks.at(0), None);
        assert_eq!(ranks.at(ranks.len() + 1), None);
    }
}

fn orders() -> impl Strategy<Value = RankOrder> {
    let direction = || prop::sample::select(&[Direction::Ascending, Direction::Descending][..]);
    let ties = prop::sample::select(&[Ties::EarlierFirst, Ties::LaterFirst][..]);
    (direction(), direction(), ties).prop_map(|(score, subscore, ties)| RankOrder {
        score,
        subscore,
        ties,
    })
}

fn standings() -> impl Strategy<Value = Standing> {
    let number = || prop_oneof![8 => -2..3_i64, 1 => Just(i64::MIN), 1 => Just(i64::MAX)];
    (number(), number(), 0..3_u64)
        .prop_map(|(score, subscore, updated)| standing(score, subscore, updated))
}

proptest! {
    #[test]
    fn ranks_are_positions_in_a_sorted_list(
        order in orders(),
        steps in prop::collection::vec((0..30_u32, prop::option::weighted(0.7, standings())), 0..100),
    ) {
        let mut ranks = Ranks::new(order);
        let mut twin = Twin { order, records: Vec::new() };
        for (number, standing) in steps {
            let owner = owner(number);
            match standing {
                Some(standing) => assert_eq!(ranks.set(owner, standing), twin.set(owner, standing)),
                None => assert_eq!(ranks.remove(owner), twin.remove(owner)),
            }
            assert_eq!(ranks.rank(owner), twin.position(owner).map(|position| position as u64 + 1));
        }
        twin.compare(&ranks);
        twin.compare(&Ranks::load(order, twin.records.iter().copied()));
        twin.compare(&Ranks::load(order, twin.records.iter().rev().copied()));
    }

    #[test]
    fn ranges_are_slices(first in 0..30_u64, length in 0..30_u64, turns: Vec<bool>) {
        let order = RankOrder::by_score(Direction::Descending);
        let records = (0..20).map(|number| (owner(number), standing(number.into(), 0, 0)));
        let ranks = Ranks::load(order, records);
        let mut expected: std::collections::VecDeque<u64> =
            (first..first + length).filter(|rank| (1..=20).contains(rank)).collect();
        let mut range = ranks.range(first..first + length);
        for forward in turns.into_iter().chain([true; 20]) {
            assert_eq!(range.size_hint(), (expected.len(), Some(expected.len())));
            let (found, wanted) = match forward {
                true => (range.next(), expected.pop_front()),
                false => (range.next_back(), expected.pop_back()),
            };
            assert_eq!(found.map(|ranked| ranked.rank), wanted);
            if let Some(ranked) = found {
                assert_eq!(ranked.standing.score, 20 - ranked.rank as i64);
            }
        }
    }
}

#[test]
fn thousands_of_records_with_chunks_of_full_length() {
    let order = RankOrder {
        score: Direction::Descending,
        subscore: Direction::Ascending,
        ties: Ties::EarlierFirst,
    };
    let mut rng = Rng::new(5);
    let mut ranks = Ranks::new(order);
    let mut records = std::collections::BTreeMap::new();
    for step in 0..12_000 {
        let owner = owner(rng.below(4_000));
        if rng.below(4) == 0 || step > 9_000 {
            assert_eq!(ranks.remove(owner), records.remove(&owner));
        } else {
            let standing = standing(rng.below(500).into(), rng.below(3).into(), step);
            assert_eq!(ranks.set(owner, standing), records.insert(owner, standing));
        }
        if step % 3_000 == 2_999 {
            let mut sorted: Vec<_> = records.iter().map(|(owner, it)| (*owner, *it)).collect();
            sorted.sort_by_key(|(owner, it)| (Reverse(it.score), it.subscore, it.updated, *owner));
            let found: Vec<_> = ranks
                .range(1..u64::MAX)
                .map(|it| (it.owner, it.standing))
                .collect();
            assert_eq!(found, sorted);
            for (rank, (owner, _)) in (1..).zip(&sorted) {
                assert_eq!(ranks.rank(*owner), Some(rank));
            }
        }
    }
}

#[test]
fn ties_are_ordered_and_not_shared() {
    let mut earlier = Ranks::new(RankOrder::by_score(Direction::Descending));
    let mut later = Ranks::new(RankOrder {
        ties: Ties::LaterFirst,
        ..earlier.order()
    });
    for ranks in [&mut earlier, &mut later] {
        ranks.set(owner(3), standing(10, 0, 1));
        ranks.set(owner(1), standing(10, 0, 2));
        ranks.set(owner(2), standing(10, 0, 2));
    }
    let owners = |ranks: &Ranks| ranks.range(1..9).map(|it| it.owner).collect::<Vec<_>>();
    assert_eq!(owners(&earlier), [owner(3), owner(1), owner(2)]);
    assert_eq!(owners(&later), [owner(1), owner(2), owner(3)]);
}

#[test]
fn of_several_loaded_records_of_an_owner_the_last_counts() {
    let order = RankOrder::by_score(Direction::Ascending);
    let records = [(owner(1), 5), (owner(2), 3), (owner(1), 1), (owner(2), 9)];
    let ranks = Ranks::load(
        order,
        records.map(|(owner, score)| (owner, standing(score, 0, 0))),
    );
    assert_eq!(ranks.len(), 2);
    assert_eq!(ranks.rank(owner(1)), Some(1));
    assert_eq!(ranks.standing(owner(2)), Some(standing(9, 0, 0)));
}

#[test]
fn an_empty_board_has_nothing() {
    let ranks = Ranks::load(RankOrder::by_score(Direction::Ascending), []);
    assert!(ranks.is_empty());
    assert_eq!(ranks.rank(owner(1)), None);
    assert_eq!(ranks.at(1), None);
    assert_eq!(ranks.at(u64::MAX), None);
    let backwards = std::ops::Range { start: 5, end: 2 };
    assert_eq!(ranks.range(backwards).count(), 0);
}
