//! Random deeds beside a model that sorts.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use proptest::prelude::*;
use tagus_base::{UnixMillis, UserId, Uuid};
use tagus_players::leaderboards::*;
use tagus_players::ranks::{Direction, Ties};
use tagus_store::block_on;

use super::*;

#[derive(Clone, Debug)]
enum Deed {
    Write(u8, i64, i64, Option<Operator>),
    Delete(u8),
    Wait(u8),
    /// Loads ranks; before that they are counted.
    Tick,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Entry {
    owner: UserId,
    score: i64,
    subscore: i64,
    written: u64,
    count: i32,
}

fn deed() -> impl Strategy<Value = Deed> {
    let number = prop_oneof![0_i64..4, Just(i64::MAX - 1), Just(i64::MAX)];
    let operator = prop_oneof![
        Just(None),
        Just(Some(Operator::Best)),
        Just(Some(Operator::Set)),
        Just(Some(Operator::Increment)),
        Just(Some(Operator::Decrement)),
    ];
    prop_oneof![
        8 => (1_u8..9, number.clone(), number, operator)
            .prop_map(|(who, score, subscore, operator)| Deed::Write(who, score, subscore, operator)),
        1 => (1_u8..9).prop_map(Deed::Delete),
        2 => (0_u8..3).prop_map(Deed::Wait),
        1 => Just(Deed::Tick),
    ]
}

fn definition() -> impl Strategy<Value = Leaderboard> {
    let direction = || prop_oneof![Just(Direction::Ascending), Just(Direction::Descending)];
    let ties = prop_oneof![Just(Ties::EarlierFirst), Just(Ties::LaterFirst)];
    (direction(), direction(), ties).prop_map(|(sort, subscore_sort, ties)| Leaderboard {
        sort,
        subscore_sort,
        ties,
        ..Leaderboard::new("b")
    })
}

fn by(direction: Direction, ordering: Ordering) -> Ordering {
    match direction {
        Direction::Ascending => ordering,
        Direction::Descending => ordering.reverse(),
    }
}

fn compare(board: &Leaderboard, one: &Entry, other: &Entry) -> Ordering {
    let time = one.written.cmp(&other.written);
    by(board.sort, one.score.cmp(&other.score))
        .then(by(board.subscore_sort, one.subscore.cmp(&other.subscore)))
        .then(if board.ties == Ties::EarlierFirst {
            time
        } else {
            time.reverse()
        })
        .then(one.owner.cmp(&other.owner))
}

fn model_write(board: &Leaderboard, old: Option<Entry>, new: Entry, operator: Operator) -> Entry {
    let Some(old) = old else {
        return match operator {
            Operator::Decrement => Entry {
                score: 0,
                subscore: 0,
                ..new
            },
            _ => new,
        };
    };
    let best = |direction, old: i64, new: i64| {
        if by(direction, new.cmp(&old)).is_lt() {
            new
        } else {
            old
        }
    };
    let (score, subscore) = match operator {
        Operator::Best => (
            best(board.sort, old.score, new.score),
            best(board.subscore_sort, old.subscore, new.subscore),
        ),
        Operator::Set => (new.score, new.subscore),
        Operator::Increment => (
            old.score.saturating_add(new.score),
            old.subscore.saturating_add(new.subscore),
        ),
        Operator::Decrement => (
            (old.score - new.score).max(0),
            (old.subscore - new.subscore).max(0),
        ),
    };
    let beaten = (score, subscore) != (old.score, old.subscore);
    let written = if operator == Operator::Best && !beaten {
        old.written
    } else {
        new.written
    };
    Entry {
        owner: old.owner,
        score,
        subscore,
        written,
        count: old.count + 1,
    }
}

fn entry(record: &Record) -> Entry {
    Entry {
        owner: record.owner_id,
        score: record.score,
        subscore: record.subscore,
        written: record.update_time.0,
        count: record.num_score,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn boards_do_what_the_model_does(
        definition in definition(),
        deeds in prop::collection::vec(deed(), 1..40),
        limit in 1_i32..5,
    ) {
        let boards = memory(8, definition.clone());
        let mut model: BTreeMap<UserId, Entry> = BTreeMap::new();
        let mut now = NOW;
        for deed in deeds {
            match deed {
                Deed::Write(who, score, subscore, operator) => {
                    let owner = owner(who);
                    let new = NewScore { score, subscore, operator, ..NewScore::default() };
                    let written = block_on(boards.write(now, BOARD, (owner, "n"), new, Writer::Player)).unwrap();
                    let fresh = Entry { owner, score, subscore, written: now.0, count: 1 };
                    let operator = operator.unwrap_or(definition.operator);
                    let expected = model_write(&definition, model.get(&owner).copied(), fresh, operator);
                    model.insert(owner, expected);
                    prop_assert_eq!(entry(&written), expected);
                    let before = model.values().filter(|one| compare(&definition, one, &expected).is_lt());
                    prop_assert_eq!(written.rank, before.count() as u64 + 1);
                }
                Deed::Delete(who) => {
                    let gone = boards.delete_record(now, BOARD, owner(who), Writer::Player);
                    block_on(gone).unwrap();
                    model.remove(&owner(who));
                }
                Deed::Wait(millis) => now = UnixMillis(now.0 + u64::from(millis)),
                Deed::Tick => drop(block_on(boards.tick(now)).unwrap()),
            }
        }
        let mut sorted: Vec<Entry> = model.values().copied().collect();
        sorted.sort_by(|one, other| compare(&definition, one, other));
        for loaded in [false, true] {
            check_pages(&boards, &sorted, limit);
            for around in 0..sorted.len() {
                check_around(&boards, &sorted, around, limit);
            }
            if !loaded {
                block_on(boards.tick(now)).unwrap();
            }
        }
        let owners: Vec<Uuid> = sorted.iter().map(|one| one.owner.0).collect();
        prop_assert_eq!(boards.ranked_owners(now, BOARD.0, BOARD.1), Some(owners));
    }
}

/// All pages forwards, and from the last one back.
fn check_pages(boards: &Leaderboards, sorted: &[Entry], limit: i32) {
    let step = limit.unsigned_abs() as usize;
    let check = |page: &RecordPage, start: usize| {
        let expected = &sorted[start..(start + step).min(sorted.len())];
        let found: Vec<Entry> = page.records.iter().map(entry).collect();
        assert_eq!(found, expected);
        let ranks: Vec<u64> = page.records.iter().map(|record| record.rank).collect();
        let expected: Vec<u64> = (start as u64 + 1..).take(ranks.len()).collect();
        assert_eq!(ranks, expected);
        assert_eq!(page.rank_count, sorted.len() as u64);
        assert_eq!(page.prev_cursor.is_empty(), start == 0);
        assert_eq!(page.next_cursor.is_empty(), start + step >= sorted.len());
    };
    let (mut start, mut page) = (0, list(boards, limit, ""));
    check(&page, start);
    while !page.next_cursor.is_empty() {
        start += step;
        page = list(boards, limit, &page.next_cursor);
        check(&page, start);
    }
    while !page.prev_cursor.is_empty() {
        start -= step;
        page = list(boards, limit, &page.prev_cursor);
        check(&page, start);
    }
    assert_eq!(start, 0);
}

fn check_around(boards: &Leaderboards, sorted: &[Entry], at: usize, limit: i32) {
    let query = RecordQuery {
        limit: Some(limit),
        ..RecordQuery::default()
    };
    let around = boards.records_around(NOW, BOARD, sorted[at].owner, query);
    let page = block_on(around).unwrap();
    let size = limit.unsigned_abs() as usize;
    let start = at
        .saturating_sub(size / 2)
        .min(sorted.len().saturating_sub(size));
    let expected = &sorted[start..(start + size).min(sorted.len())];
    let found: Vec<Entry> = page.records.iter().map(entry).collect();
    assert_eq!(found, expected, "around {at} of {}", sorted.len());
    assert_eq!(page.records[0].rank, start as u64 + 1);
    assert_eq!(page.prev_cursor.is_empty(), start == 0);
    assert_eq!(page.next_cursor.is_empty(), start + size >= sorted.len());
}

// --- Refusals.
