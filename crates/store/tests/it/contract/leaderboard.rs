//! Leaderboards, tournaments and their records.

use tagus_base::{UnixMillis, UserId, Uuid};
use tagus_store::{
    AccountOp, AccountRow, Batch, Bounded, Conflict, LeaderboardOp, LeaderboardRecordKey,
    LeaderboardRecordOp, LeaderboardRecordRow, LeaderboardRow, RecordChange, RecordOrder, Store,
    TournamentColumns, block_on,
};

use super::commit;

pub(super) fn run(open: &dyn Fn() -> Store) {
    definitions(&open());
    writes(&open());
    sums_stay_in_bounds(&open());
    places_are_limited(&open());
    order(&open());
    everything_goes_with_board_and_account(&open());
    nothing_is_lost(&open());
}

fn definitions(store: &Store) {
    let mut cup = board("cup");
    cup.reset_schedule = "0 0 * * *".to_owned();
    cup.tournament = Some(TournamentColumns {
        title: "A cup".to_owned(),
        description: "Long".to_owned(),
        category: 3,
        start_time: UnixMillis(4),
        end_time: UnixMillis(5),
        duration_secs: 6,
        join_required: true,
        size_max: 7,
        attempts_max: 8,
    });
    for row in [board("b"), cup.clone(), board("a")] {
        insert(store, row);
    }
    let again = LeaderboardOp::Insert(Box::new(board("cup")));
    assert_eq!(commit(store, again), Err((0, Conflict::Changed)));
    let listed = |after, limit| block_on(store.leaderboards(after, limit)).unwrap();
    assert_eq!(listed("", 2), [board("a"), board("b")]);
    assert_eq!(listed("b", 2), [cup.clone()]);
    let mark = |id: &str, reset, end| LeaderboardOp::Mark {
        id: id.to_owned(),
        reset: UnixMillis(reset),
        end: UnixMillis(end),
    };
    commit(store, mark("cup", 20, 0)).unwrap();
    commit(store, mark("cup", 10, 30)).unwrap();
    (cup.reset_mark, cup.end_mark) = (UnixMillis(20), UnixMillis(30));
    assert_eq!(block_on(store.leaderboard("cup")).unwrap(), Some(cup));
    assert_eq!(
        commit(store, mark("none", 1, 1)),
        Err((0, Conflict::Missing))
    );
}

fn writes(store: &Store) {
    insert(store, board("b"));
    let owner = account(store, 1);
    let row = |score, subscore, time| record("b", owner, (score, subscore, time));
    let written = write(store, row(5, 5, 1), RecordChange::Best, true);
    assert_eq!(written, Ok(row(5, 5, 1)));
    // Worse: only the attempt counts. Each of the two scores is the best by itself.
    let mut worse = row(6, 6, 2);
    worse.metadata = r#"{"worse":1}"#.to_owned();
    let mut expected = row(5, 5, 1);
    expected.num_score = 2;
    assert_eq!(
        write(store, worse, RecordChange::Best, true),
        Ok(expected.clone())
    );
    let mut mixed = row(9, 3, 3);
    mixed.username = String::new();
    mixed.metadata = r#"{"mixed":1}"#.to_owned();
    expected = LeaderboardRecordRow {
        order: order_of(5, 3, 3),
        metadata: mixed.metadata.clone(),
        num_score: 3,
        ..expected
    };
    assert_eq!(
        write(store, mixed.clone(), RecordChange::Best, true),
        Ok(expected.clone())
    );
    mixed.order = order_of(50, 50, 4);
    mixed.metadata = "{}".to_owned();
    expected = LeaderboardRecordRow {
        order: order_of(50, 50, 4),
        num_score: 4,
        ..expected
    };
    assert_eq!(write(store, mixed, RecordChange::Set, false), Ok(expected));
    let stranger = record("b", UserId(Uuid([9; 16])), (1, 1, 1));
    assert_eq!(
        write(store, stranger, RecordChange::Set, true),
        Err(Conflict::Missing)
    );
    let nowhere = record("none", owner, (1, 1, 1));
    assert_eq!(
        write(store, nowhere, RecordChange::Set, true),
        Err(Conflict::Missing)
    );
}

fn sums_stay_in_bounds(store: &Store) {
    insert(store, board("b"));
    let upwards = |add| Bounded {
        add,
        least: 0,
        greatest: i64::MAX,
    };
    let downwards = |add| Bounded {
        add,
        least: -i64::MAX,
        greatest: 0,
    };
    // (start, sum, expected)
    let cases = [
        (5, upwards(3), 8),
        (5, upwards(-3), 2),
        (5, upwards(-6), 0),
        (5, upwards(-i64::MAX), 0),
        (i64::MAX - 1, upwards(1), i64::MAX),
        (i64::MAX - 1, upwards(2), i64::MAX),
        (i64::MAX, upwards(i64::MAX), i64::MAX),
        (0, upwards(i64::MAX), i64::MAX),
        (-5, downwards(-3), -8),
        (-5, downwards(3), -2),
        (-5, downwards(6), 0),
        (-5, downwards(i64::MAX), 0),
        (-i64::MAX, downwards(-1), -i64::MAX),
        (-i64::MAX, downwards(-i64::MAX), -i64::MAX),
        (0, downwards(0), 0),
    ];
    for (number, (start, sum, expected)) in (1..).zip(cases) {
        let owner = account(store, number);
        write(
            store,
            record("b", owner, (start, start, 1)),
            RecordChange::Set,
            false,
        )
        .unwrap();
        let change = RecordChange::Add {
            score: sum,
            subscore: sum,
        };
        let row = write(store, record("b", owner, (7, 7, 2)), change, false).unwrap();
        assert_eq!(
            row.order,
            order_of(expected, expected, 2),
            "{start} {sum:?}"
        );
    }
}

fn places_are_limited(store: &Store) {
    insert(store, board("cup"));
    let join = |owner, size_max| LeaderboardRecordOp::Join {
        row: Box::new(LeaderboardRecordRow {
            num_score: 0,
            max_num_score: 2,
            ..record("cup", owner, (0, 0, 1))
        }),
        size_max,
    };
    let (one, two, three) = (account(store, 1), account(store, 2), account(store, 3));
    let existing = |owner| LeaderboardRecordOp::Write {
        row: Box::new(record("cup", owner, (-4, 0, 2))),
        change: RecordChange::Best,
        metadata: false,
        existing: true,
    };
    assert_eq!(commit(store, existing(one)), Err((0, Conflict::Missing)));
    commit(store, join(one, 2)).unwrap();
    assert_eq!(commit(store, join(one, 2)), Err((0, Conflict::Changed)));
    commit(store, join(two, 2)).unwrap();
    assert_eq!(
        commit(store, join(three, 2)),
        Err((0, Conflict::LimitReached))
    );
    let size = || block_on(store.tournament_sizes(&[("cup", EXPIRY), ("none", EXPIRY)])).unwrap();
    assert_eq!(size(), [2, 0]);
    // Attempts, of which more may be given.
    commit(store, existing(one)).unwrap();
    commit(store, existing(one)).unwrap();
    assert_eq!(
        commit(store, existing(one)),
        Err((0, Conflict::LimitReached))
    );
    let key = |owner| record("cup", owner, (0, 0, 0)).key;
    let more = |owner, count| LeaderboardRecordOp::AddAttempts {
        key: key(owner),
        count,
    };
    commit(store, more(one, 1)).unwrap();
    commit(store, existing(one)).unwrap();
    assert_eq!(
        commit(store, existing(one)),
        Err((0, Conflict::LimitReached))
    );
    assert_eq!(commit(store, more(three, 1)), Err((0, Conflict::Missing)));
    // Who leaves, leaves a place.
    let delete = |owner| LeaderboardRecordOp::Delete { key: key(owner) };
    commit(store, delete(two)).unwrap();
    assert_eq!(commit(store, delete(two)), Err((0, Conflict::Missing)));
    assert_eq!(size(), [1, 0]);
    commit(store, join(three, 2)).unwrap();
    delete_account(store, three);
    assert_eq!(size(), [1, 0]);
    let joined: Vec<_> = (10..13)
        .map(|number| commit(store, join(account(store, number), 0)))
        .collect();
    assert!(joined.iter().all(Result::is_ok), "no limit");
    assert_eq!(size(), [4, 0]);
}

fn order(store: &Store) {
    insert(store, board("b"));
    let orders = [(-9, 0, 5), (-5, -1, 9), (-5, 0, -2), (-5, 0, 1), (0, 0, 0)];
    let mut rows = Vec::new();
    for (number, order) in (1..).zip(orders) {
        rows.push(record("b", account(store, number), order));
    }
    // Alike in everything but the owner.
    rows.push(record("b", account(store, 100), (0, 0, 0)));
    for row in rows.iter().rev() {
        write(store, row.clone(), RecordChange::Set, true).unwrap();
    }
    let period = ("b", EXPIRY);
    let place = |index: usize| (rows[index].order, rows[index].key.owner_id);
    for after in 0..=rows.len() {
        let from = after.checked_sub(1).map(place);
        let found = block_on(store.leaderboard_records_after(period, from, 3)).unwrap();
        assert_eq!(found, rows[after..(after + 3).min(rows.len())]);
        let places: Vec<_> = found
            .iter()
            .map(|row| (row.order, row.key.owner_id))
            .collect();
        let found = block_on(store.leaderboard_places_after(period, from, 3)).unwrap();
        assert_eq!(found, places);
    }
    for before in 0..rows.len() {
        let found = block_on(store.leaderboard_records_before(period, place(before), 3)).unwrap();
        let expected: Vec<_> = rows[..before].iter().rev().take(3).cloned().collect();
        assert_eq!(found, expected);
        let between = |from| {
            block_on(store.leaderboard_records_between(period, from, place(before))).unwrap()
        };
        assert_eq!(between(None), before as u64);
        assert_eq!(
            between(Some(place(before / 2))),
            (before - before / 2) as u64
        );
    }
    assert_eq!(
        block_on(store.leaderboard_records_count(period)).unwrap(),
        6
    );
    let owners = [
        rows[3].key.owner_id,
        UserId(Uuid([77; 16])),
        rows[0].key.owner_id,
    ];
    let found = block_on(store.leaderboard_records_of(period, &owners)).unwrap();
    assert_eq!(found, [rows[3].clone(), rows[0].clone()]);
    let elsewhere = ("b", UnixMillis(EXPIRY.0 + 1));
    assert_eq!(
        block_on(store.leaderboard_records_after(elsewhere, None, 3)).unwrap(),
        []
    );
}

fn everything_goes_with_board_and_account(store: &Store) {
    let owner = account(store, 1);
    for id in ["a", "b"] {
        insert(store, board(id));
        write(store, record(id, owner, (1, 1, 1)), RecordChange::Set, true).unwrap();
    }
    let all = |after| {
        block_on(store.leaderboard_records_of_owner(owner, after, 9))
            .unwrap()
            .len()
    };
    assert_eq!(all(("", UnixMillis(0))), 2);
    assert_eq!(all(("a", EXPIRY)), 1);
    commit(store, LeaderboardOp::Delete { id: "a".to_owned() }).unwrap();
    let again = LeaderboardOp::Delete { id: "a".to_owned() };
    assert_eq!(commit(store, again), Err((0, Conflict::Missing)));
    assert_eq!(all(("", UnixMillis(0))), 1);
    delete_account(store, owner);
    assert_eq!(
        block_on(store.leaderboard_records_count(("b", EXPIRY))).unwrap(),
        0
    );
}

/// 64 writers of one record, and 64 who want the last place.
fn nothing_is_lost(store: &Store) {
    insert(store, board("b"));
    insert(store, board("cup"));
    let owners: Vec<UserId> = (1..=64).map(|number| UserId(Uuid([number; 16]))).collect();
    let insert = |id: &UserId| {
        AccountOp::Insert(Box::new(AccountRow::new(
            *id,
            id.to_string(),
            UnixMillis(1),
        )))
    };
    store
        .commit_blocking(owners.iter().map(insert).collect())
        .unwrap();
    let one = Bounded {
        add: 1,
        least: 0,
        greatest: i64::MAX,
    };
    let change = RecordChange::Add {
        score: one,
        subscore: one,
    };
    let places: usize = std::thread::scope(|scope| {
        let writers: Vec<_> = owners
            .iter()
            .map(|owner| {
                let first = owners[0];
                scope.spawn(move || {
                    let counted = write(store, record("b", first, (1, 1, 1)), change, false);
                    counted.unwrap();
                    let join = LeaderboardRecordOp::Join {
                        row: Box::new(record("cup", *owner, (0, 0, 1))),
                        size_max: 1,
                    };
                    usize::from(commit(store, join).is_ok())
                })
            })
            .collect();
        writers
            .into_iter()
            .map(|writer| writer.join().unwrap())
            .sum()
    });
    assert_eq!(places, 1);
    let sum = block_on(store.leaderboard_records_after(("b", EXPIRY), None, 2)).unwrap();
    assert_eq!(
        (sum.len(), sum[0].order.score, sum[0].num_score),
        (1, 64, 64)
    );
    assert_eq!(
        block_on(store.leaderboard_records_count(("cup", EXPIRY))).unwrap(),
        1
    );
    assert_eq!(
        block_on(store.tournament_sizes(&[("cup", EXPIRY)])).unwrap(),
        [1]
    );
}

const EXPIRY: UnixMillis = UnixMillis(86_400_000);

fn board(id: &str) -> LeaderboardRow {
    LeaderboardRow {
        id: id.to_owned(),
        authoritative: true,
        sort_order: 1,
        subscore_order: 0,
        tie_order: 1,
        operator: 3,
        reset_schedule: String::new(),
        ranks: true,
        metadata: "{}".to_owned(),
        create_time: UnixMillis(1),
        reset_mark: UnixMillis(2),
        end_mark: UnixMillis(3),
        tournament: None,
    }
}

fn insert(store: &Store, row: LeaderboardRow) {
    commit(store, LeaderboardOp::Insert(Box::new(row))).unwrap();
}

fn account(store: &Store, number: u8) -> UserId {
    let id = UserId(Uuid([number; 16]));
    let row = AccountRow::new(id, format!("user{number}"), UnixMillis(1));
    commit(store, AccountOp::Insert(Box::new(row))).unwrap();
    id
}

fn delete_account(store: &Store, id: UserId) {
    let tombstone_time = UnixMillis(9);
    commit(store, AccountOp::Delete { id, tombstone_time }).unwrap();
}

fn order_of(score: i64, subscore: i64, time: i64) -> RecordOrder {
    RecordOrder {
        score,
        subscore,
        time,
    }
}

fn record(
    id: &str,
    owner_id: UserId,
    (score, subscore, time): (i64, i64, i64),
) -> LeaderboardRecordRow {
    LeaderboardRecordRow {
        key: LeaderboardRecordKey {
            leaderboard_id: id.to_owned(),
            expiry_time: EXPIRY,
            owner_id,
        },
        username: "name".to_owned(),
        order: order_of(score, subscore, time),
        num_score: 1,
        max_num_score: 0,
        metadata: r#"{"first":1}"#.to_owned(),
        create_time: UnixMillis(1),
    }
}

fn write(
    store: &Store,
    row: LeaderboardRecordRow,
    change: RecordChange,
    metadata: bool,
) -> Result<LeaderboardRecordRow, Conflict> {
    let op = LeaderboardRecordOp::Write {
        row: Box::new(row),
        change,
        metadata,
        existing: false,
    };
    let outcome = store.commit_blocking(Batch::from(op));
    let rows = outcome
        .map_err(|err| err.conflict().unwrap())?
        .leaderboard_records()
        .unwrap();
    assert_eq!(rows.len(), 1);
    Ok(rows.into_iter().next().unwrap())
}
