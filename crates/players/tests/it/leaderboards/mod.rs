//! Leaderboards and tournaments, against a model that sorts.

mod model;

use tagus_base::{UnixMillis, UserId, Uuid};
use tagus_players::leaderboards::{
    BoardEventKind, BoardKind, Leaderboard, Leaderboards, NewScore, Operator, Record, RecordPage,
    RecordQuery, TournamentFilter, TournamentRules, Writer,
};
use tagus_players::ranks::Direction;
use tagus_players::{PlayersError, Schedule};
use tagus_store::{AccountOp, AccountRow, SqliteConfig, Store, block_on};

use crate::house::{join_all, refusal};

/// Monday, 23 November 2026, 13:00.
const NOW: UnixMillis = UnixMillis((1_795_392_000 + 13 * 3_600) * 1_000);
const BOARD: (BoardKind, &str) = (BoardKind::Leaderboard, "b");
const CUP: (BoardKind, &str) = (BoardKind::Tournament, "cup");

fn owner(number: u8) -> UserId {
    UserId(Uuid([number; 16]))
}

/// Boards over a store with some accounts.
fn boards(store: &Store, accounts: u8) -> Leaderboards {
    let account = |number| {
        let row = AccountRow::new(owner(number), format!("user{number}"), NOW);
        AccountOp::Insert(Box::new(row))
    };
    let all = (1..=accounts).map(account);
    store.commit_blocking(all.collect()).unwrap();
    block_on(Leaderboards::load(store.clone())).unwrap()
}

fn memory(accounts: u8, definition: Leaderboard) -> Leaderboards {
    let boards = boards(&Store::memory().unwrap(), accounts);
    block_on(boards.create(NOW, definition)).unwrap();
    boards
}

fn cup(rules: TournamentRules) -> Leaderboard {
    Leaderboard {
        tournament: Some(TournamentRules {
            duration_secs: 3_600,
            ..rules
        }),
        ..Leaderboard::new("cup")
    }
}

fn score(score: i64, subscore: i64) -> NewScore<'static> {
    NewScore {
        score,
        subscore,
        ..NewScore::default()
    }
}

fn write(
    boards: &Leaderboards,
    board: (BoardKind, &str),
    number: u8,
    new: NewScore<'_>,
) -> Result<Record, PlayersError> {
    let who = (owner(number), "name");
    block_on(boards.write(NOW, board, who, new, Writer::Player))
}

fn list(boards: &Leaderboards, limit: i32, cursor: &str) -> RecordPage {
    let query = RecordQuery {
        limit: Some(limit),
        cursor,
        ..RecordQuery::default()
    };
    block_on(boards.records(NOW, BOARD, query)).unwrap()
}

// --- The model.

#[test]
fn leaderboards_refuse_what_they_must() {
    let boards = memory(1, Leaderboard::new("b"));
    let server_only = Leaderboard {
        authoritative: true,
        ..Leaderboard::new("server")
    };
    block_on(boards.create(NOW, server_only)).unwrap();
    let refused = |board, number, new| refusal(write(&boards, board, number, new));
    let with = |metadata| NewScore {
        metadata,
        ..score(1, 1)
    };
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(16_384 - 8));
    assert_eq!(refused(BOARD, 1, with(&long)).0, 0);
    let too_long = format!("{long} ");
    assert_eq!(refused(BOARD, 1, with(&too_long)).0, 3);
    for wrong in ["x", "[]", "1", "null", "{"] {
        let expected = (3, "Metadata value must be JSON, if provided.");
        assert_eq!(refused(BOARD, 1, with(wrong)), expected, "{wrong}");
    }
    assert_eq!(
        refused(BOARD, 1, score(-1, 0)),
        (3, "Score value must be greater than or equal to 0.")
    );
    assert_eq!(
        refused(BOARD, 1, score(0, i64::MIN)),
        (3, "Subscore value must be greater than or equal to 0.")
    );
    assert_eq!(
        refused((BOARD.0, "none"), 1, score(1, 1)),
        (5, "Leaderboard not found.")
    );
    assert_eq!(
        refused((CUP.0, "b"), 1, score(1, 1)),
        (5, "Tournament not found.")
    );
    let server = (BOARD.0, "server");
    let denied = (
        7,
        "Leaderboard only allows authoritative score submissions.",
    );
    assert_eq!(refused(server, 1, score(1, 1)), denied);
    let delete = |writer| {
        refusal(block_on(boards.delete_record(
            NOW,
            server,
            owner(1),
            writer,
        )))
    };
    assert_eq!(delete(Writer::Player), denied);
    let by_server = boards.write(NOW, server, (owner(1), "n"), score(1, 1), Writer::Server);
    assert_eq!(block_on(by_server).unwrap().score, 1);
    assert_eq!(delete(Writer::Server).0, 0);
    // An account that is gone.
    assert_eq!(refused(BOARD, 9, score(1, 1)).0, 5);
}

#[test]
fn lists_refuse_what_they_must() {
    let boards = memory(2, Leaderboard::new("b"));
    block_on(boards.create(NOW, Leaderboard::new("other"))).unwrap();
    for number in 1..=2 {
        write(&boards, BOARD, number, score(1, 1)).unwrap();
    }
    let listed = |board, query| refusal(block_on(boards.records(NOW, board, query)));
    let limited = |limit| RecordQuery {
        limit: Some(limit),
        ..RecordQuery::default()
    };
    let limits = (3, "Invalid limit - limit must be between 1 and 1000.");
    for (limit, expected) in [
        (0, limits),
        (1, (0, "")),
        (1_000, (0, "")),
        (1_001, limits),
        (-1, limits),
    ] {
        assert_eq!(listed(BOARD, limited(limit)), expected, "{limit}");
    }
    let around = |limit| {
        refusal(block_on(boards.records_around(
            NOW,
            BOARD,
            owner(1),
            limited(limit),
        )))
    };
    let limits = (3, "Invalid limit - limit must be between 1 and 100.");
    for (limit, expected) in [(0, limits), (1, (0, "")), (100, (0, "")), (101, limits)] {
        assert_eq!(around(limit), expected, "{limit}");
    }
    let cursor = list(&boards, 1, "").next_cursor;
    let malformed = (3, "Malformed cursor was used.");
    let from = |cursor| RecordQuery {
        cursor,
        ..limited(1)
    };
    assert_eq!(listed(BOARD, from("x")), malformed);
    assert_eq!(listed((BOARD.0, "other"), from(&cursor)), malformed);
    assert_eq!(listed(BOARD, from(&cursor)), (0, ""));
    let expired = RecordQuery {
        expiry_secs: -1,
        ..limited(1)
    };
    assert_eq!(listed(BOARD, expired).0, 3);
    let filter = |start, end| TournamentFilter {
        category_start: start,
        category_end: end,
        ..TournamentFilter::default()
    };
    let tournaments =
        |filter, limit| refusal(block_on(boards.tournaments(NOW, filter, limit, ""))).0;
    assert_eq!(tournaments(filter(Some(128), None), 1), 3);
    assert_eq!(tournaments(filter(None, Some(128)), 1), 3);
    assert_eq!(tournaments(filter(Some(3), Some(2)), 1), 3);
    assert_eq!(tournaments(filter(Some(127), Some(127)), 100), 0);
    assert_eq!(tournaments(filter(None, None), 101), 3);
}

#[test]
fn only_owners_may_be_asked_for() {
    let boards = memory(3, Leaderboard::new("b"));
    for number in 1..=3 {
        write(&boards, BOARD, number, score(number.into(), 0)).unwrap();
    }
    let owners = [owner(1), owner(9), owner(3)];
    let query = RecordQuery {
        owners: &owners,
        ..RecordQuery::default()
    };
    let page = block_on(boards.records(NOW, BOARD, query)).unwrap();
    let found: Vec<_> = page
        .owner_records
        .iter()
        .map(|one| (one.owner_id, one.rank))
        .collect();
    assert_eq!(found, [(owner(1), 3), (owner(3), 1)]);
    assert_eq!((page.records, page.rank_count), (Vec::new(), 3));
    let default = block_on(boards.records(NOW, BOARD, RecordQuery::default())).unwrap();
    assert_eq!(default.records.len(), 1);
}

#[test]
fn definitions_are_made_once() {
    let boards = memory(0, Leaderboard::new("b"));
    let again = Leaderboard::new("b").sorted(Direction::Ascending);
    assert_eq!(
        block_on(boards.create(NOW, again)).unwrap().sort,
        Direction::Descending
    );
    let refused = |definition| refusal(block_on(boards.create(NOW, definition))).0;
    assert_eq!(refused(cup(TournamentRules::default())), 0);
    assert_eq!(refused(Leaderboard::new("cup")), 6);
    assert_eq!(refused(Leaderboard::new("")), 3);
    assert_eq!(refused(Leaderboard::new("x".repeat(128))), 0);
    assert_eq!(refused(Leaderboard::new("x".repeat(129))), 3);
    let wrong = [
        TournamentRules {
            category: 128,
            ..TournamentRules::default()
        },
        TournamentRules {
            end_time: UnixMillis(NOW.0 - 1_000),
            ..TournamentRules::default()
        },
        TournamentRules {
            start_time: NOW.plus_secs(9),
            end_time: NOW.plus_secs(9),
            ..TournamentRules::default()
        },
    ];
    for rules in wrong {
        let definition = Leaderboard {
            id: "wrong".into(),
            ..cup(rules.clone())
        };
        assert_eq!(refused(definition), 3, "{rules:?}");
    }
    let kinds = |board: (BoardKind, &str)| boards.get(board.0, board.1).is_some();
    assert!(kinds(BOARD) && kinds(CUP) && !kinds((CUP.0, "b")));
    assert_eq!(boards.list(1, "").unwrap().leaderboards[0].id, "b");
    assert_eq!(refusal(block_on(boards.delete(CUP.0, "b"))).0, 5);
    block_on(boards.delete(BOARD.0, "b")).unwrap();
    block_on(boards.delete(BOARD.0, "b")).unwrap();
    assert!(!kinds(BOARD));
}

// --- Tournaments.

#[test]
fn who_must_join_joins_first() {
    let boards = memory(
        3,
        cup(TournamentRules {
            join_required: true,
            size_max: 2,
            attempts_max: 2,
            ..TournamentRules::default()
        }),
    );
    let join = |number| refusal(block_on(boards.join(NOW, "cup", (owner(number), "n"))));
    let first = || refusal(write(&boards, CUP, 1, score(5, 0)));
    assert_eq!(
        first(),
        (3, "Must join tournament before attempting to write value.")
    );
    assert_eq!((join(1).0, join(1).0, join(2).0), (0, 0, 0));
    assert_eq!(
        join(3),
        (
            3,
            "Tournament cannot be joined as it has reached its max size."
        )
    );
    let shown = || block_on(boards.tournaments_by_ids(NOW, &["cup", "none"])).unwrap();
    assert_eq!(
        (shown().len(), shown()[0].size, shown()[0].can_enter),
        (1, 2, false)
    );
    let all = || {
        let query = RecordQuery {
            limit: Some(9),
            ..RecordQuery::default()
        };
        let page = block_on(boards.records(NOW, CUP, query)).unwrap().records;
        page.iter()
            .map(|one| (one.owner_id, one.score, one.num_score))
            .collect::<Vec<_>>()
    };
    assert_eq!(all(), [(owner(1), 0, 0), (owner(2), 0, 0)]);
    assert_eq!((first().0, first().0), (0, 0));
    assert_eq!(
        first(),
        (3, "Reached allowed max number of score attempts.")
    );
    assert_eq!(all(), [(owner(1), 5, 2), (owner(2), 0, 0)]);
    block_on(boards.add_attempts(NOW, "cup", owner(1), 1)).unwrap();
    assert_eq!((first().0, first().0), (0, 3));
    let missing = boards.add_attempts(NOW, "cup", owner(3), 1);
    assert_eq!(refusal(block_on(missing)).0, 5);
    block_on(boards.delete_record(NOW, CUP, owner(2), Writer::Player)).unwrap();
    assert_eq!((shown()[0].can_enter, join(3).0), (true, 0));
}

#[test]
fn who_joined_a_race_is_behind_those_who_ran() {
    let race = Leaderboard {
        ..cup(TournamentRules {
            join_required: true,
            ..TournamentRules::default()
        })
    };
    let boards = memory(2, race.sorted(Direction::Ascending));
    for number in 1..=2 {
        block_on(boards.join(NOW, "cup", (owner(number), "n"))).unwrap();
    }
    let ran = write(&boards, CUP, 2, score(90, 0)).unwrap();
    assert_eq!((ran.score, ran.rank), (90, 1));
    assert_eq!(write(&boards, CUP, 1, score(80, 0)).unwrap().rank, 1);
}

#[test]
fn a_tournament_that_is_not_on_takes_nothing() {
    let boards = memory(
        1,
        cup(TournamentRules {
            start_time: NOW.plus_secs(10),
            join_required: true,
            ..TournamentRules::default()
        }),
    );
    let at = |secs| NOW.plus_secs(secs);
    let join = |now| refusal(block_on(boards.join(now, "cup", (owner(1), "n"))));
    let closed = (3, "Tournament is not active and cannot accept new joins.");
    assert_eq!((join(at(9)), join(at(10)).0), (closed, 0));
    assert_eq!(join(at(3_610)), closed);
    let write = |now| {
        refusal(block_on(boards.write(
            now,
            CUP,
            (owner(1), "n"),
            score(1, 1),
            Writer::Server,
        )))
    };
    let closed = (3, "Tournament is not active and cannot accept new scores.");
    assert_eq!((write(at(3_609)).0, write(at(3_610))), (0, closed));
    // Its records stay to be seen.
    let query = RecordQuery {
        limit: Some(9),
        ..RecordQuery::default()
    };
    let page = block_on(boards.records(at(90_000), CUP, query)).unwrap();
    assert_eq!((page.records.len(), page.rank_count), (1, 1));
}

#[test]
fn tournaments_are_listed_by_category_and_time() {
    let boards = boards(&Store::memory().unwrap(), 0);
    let make = |id: &str, category, start: u64, end: u64| {
        let time = |secs| {
            if secs == 0 {
                UnixMillis(0)
            } else {
                NOW.plus_secs(secs)
            }
        };
        let definition = Leaderboard {
            id: id.into(),
            reset_schedule: Schedule::parse("0 12 * * *").ok(),
            ..cup(TournamentRules {
                category,
                start_time: time(start),
                end_time: time(end),
                ..TournamentRules::default()
            })
        };
        block_on(boards.create(NOW, definition)).unwrap();
    };
    make("a", 1, 0, 0);
    make("b", 2, 100, 1_000);
    make("c", 3, 200, 0);
    let listed = |now, filter: TournamentFilter| -> String {
        let (mut all, mut cursor) = (String::new(), String::new());
        loop {
            let page = block_on(boards.tournaments(now, filter, 1, &cursor)).unwrap();
            all.extend(page.tournaments.into_iter().map(|one| one.board.id));
            if page.cursor.is_empty() {
                return all;
            }
            cursor = page.cursor;
        }
    };
    let any = TournamentFilter::default();
    assert_eq!(listed(NOW, any), "abc");
    assert_eq!(listed(NOW.plus_secs(1_000), any), "ac");
    let category = TournamentFilter {
        category_start: Some(2),
        category_end: Some(3),
        ..any
    };
    assert_eq!(listed(NOW, category), "bc");
    let start = TournamentFilter {
        start_time: Some(NOW.plus_secs(150)),
        ..any
    };
    assert_eq!(listed(NOW, start), "c");
    let never = TournamentFilter {
        end_time: Some(UnixMillis(0)),
        ..any
    };
    assert_eq!(listed(NOW, never), "ac");
    let until = |secs| TournamentFilter {
        end_time: Some(NOW.plus_secs(secs)),
        ..any
    };
    assert_eq!(
        (
            listed(NOW, until(999)).as_str(),
            listed(NOW, until(1_000)).as_str()
        ),
        ("", "b")
    );
}

// --- Time, memory and restarts.

#[test]
fn a_reset_begins_a_new_period_and_is_told_until_it_is_marked() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(SqliteConfig::new(folder.path().join("tagus.db"))).unwrap();
    let before = boards(&store, 2);
    let daily = Leaderboard {
        reset_schedule: Schedule::parse("0 0 * * *").ok(),
        ..Leaderboard::new("b")
    };
    block_on(before.create(NOW, daily)).unwrap();
    assert_eq!(block_on(before.tick(NOW)).unwrap(), []);
    let at = |now, boards: &Leaderboards, number| {
        let written = boards.write(
            now,
            BOARD,
            (owner(number), "n"),
            score(1, 0),
            Writer::Player,
        );
        block_on(written).unwrap()
    };
    let midnight = UnixMillis(NOW.0 + 11 * 3_600_000);
    assert_eq!(at(NOW, &before, 1).expiry_time, midnight);
    assert_eq!(at(NOW, &before, 2).rank, 2);
    let next = at(midnight, &before, 2);
    assert_eq!(
        (next.expiry_time, next.rank),
        (midnight.plus_secs(86_400), 1)
    );
    // Noticed after a restart, and again where it was not marked.
    let after = block_on(Leaderboards::load(store.clone())).unwrap();
    let events = block_on(after.tick(midnight)).unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!(
        (events[0].kind, events[0].time, events[0].expiry),
        (BoardEventKind::Reset, midnight, midnight)
    );
    assert_eq!(block_on(after.tick(midnight)).unwrap(), [], "not at once");
    assert_eq!(block_on(after.tick(midnight.plus_secs(2))).unwrap(), events);
    block_on(after.mark(&events[0])).unwrap();
    assert_eq!(block_on(after.tick(midnight.plus_secs(6))).unwrap(), []);
    let again = block_on(Leaderboards::load(store)).unwrap();
    assert_eq!(block_on(again.tick(midnight.plus_secs(6))).unwrap(), []);
    let missed = block_on(again.tick(midnight.plus_secs(2 * 86_400))).unwrap();
    assert_eq!(missed.len(), 2);
    // The past period is out of memory, and its ranks are still known.
    let query = RecordQuery {
        limit: Some(9),
        expiry_secs: midnight.as_secs() as i64,
        ..RecordQuery::default()
    };
    let past = block_on(again.records(midnight, BOARD, query)).unwrap();
    let ranks: Vec<_> = past
        .records
        .iter()
        .map(|one| (one.owner_id, one.rank))
        .collect();
    assert_eq!(
        (ranks, past.rank_count),
        (vec![(owner(1), 1), (owner(2), 2)], 2)
    );
}

#[test]
fn a_deleted_account_leaves_its_ranks_and_places() {
    let store = Store::memory().unwrap();
    let boards = boards(&store, 3);
    block_on(boards.create(NOW, Leaderboard::new("b"))).unwrap();
    block_on(boards.tick(NOW)).unwrap();
    for number in 1..=3 {
        write(&boards, BOARD, number, score(number.into(), 0)).unwrap();
    }
    let exported = || block_on(boards.export(owner(3))).unwrap().len();
    assert_eq!(exported(), 1);
    let gone = AccountOp::Delete {
        id: owner(3),
        tombstone_time: NOW,
    };
    store.commit_blocking(gone.into()).unwrap();
    block_on(boards.forget(owner(3)));
    assert_eq!(exported(), 0);
    let ranked = boards.ranked_owners(NOW, BOARD.0, BOARD.1);
    assert_eq!(ranked, Some(vec![owner(2).0, owner(1).0]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_at_once_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(SqliteConfig::new(folder.path().join("tagus.db"))).unwrap();
    let boards = tokio::task::block_in_place(|| boards(&store, 64));
    boards.create(NOW, Leaderboard::new("b")).await.unwrap();
    let rules = TournamentRules {
        size_max: 64,
        ..TournamentRules::default()
    };
    boards.create(NOW, cup(rules)).await.unwrap();
    for number in 1..64 {
        write_async(&boards, CUP, number, score(1, 0))
            .await
            .unwrap();
    }
    // One place is left for one of those without a record: 64 writers for three owners, two of whom are not in it.
    let more = AccountOp::Insert(Box::new(AccountRow::new(owner(99), "late", NOW)));
    store.commit(more.into()).await.unwrap();
    let counting = NewScore {
        operator: Some(Operator::Increment),
        ..score(1, 1)
    };
    // Ranks are loaded while all of them write.
    let ticking = boards.tick(NOW);
    let counted = (0..64).map(|_| write_async(&boards, BOARD, 1, counting));
    let moved =
        (0..64).map(|number| write_async(&boards, BOARD, 2 + number % 8, score(number.into(), 0)));
    let late = (0..64).map(|number| {
        write_async(
            &boards,
            CUP,
            if number % 2 == 0 { 64 } else { 99 },
            counting,
        )
    });
    let (ticked, counted, moved, late) = tokio::join!(
        ticking,
        join_all(counted.collect()),
        join_all(moved.collect()),
        join_all(late.collect()),
    );
    ticked.unwrap();
    assert!(counted.iter().chain(&moved).all(Result::is_ok));
    assert_eq!(
        late.iter().filter(|one| one.is_ok()).count(),
        32,
        "one of the two got in"
    );
    let sum = write_async(
        &boards,
        BOARD,
        1,
        NewScore {
            operator: Some(Operator::Increment),
            ..score(0, 0)
        },
    )
    .await;
    assert_eq!(sum.unwrap().score, 64);
    let size = boards.tournaments_by_ids(NOW, &["cup"]).await.unwrap()[0].size;
    assert_eq!(size, 64);
    for (kind, id) in [BOARD, CUP] {
        let query = RecordQuery {
            limit: Some(1_000),
            ..RecordQuery::default()
        };
        let page = boards.records(NOW, (kind, id), query).await.unwrap();
        let stored: Vec<Uuid> = page.records.iter().map(|one| one.owner_id.0).collect();
        assert_eq!(boards.ranked_owners(NOW, kind, id), Some(stored));
    }
}

async fn write_async(
    boards: &Leaderboards,
    board: (BoardKind, &str),
    number: u8,
    new: NewScore<'_>,
) -> Result<Record, PlayersError> {
    let who = (owner(number), "name");
    boards.write(NOW, board, who, new, Writer::Player).await
}
