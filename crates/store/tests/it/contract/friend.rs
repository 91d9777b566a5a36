//! Friends and notifications.

use tagus_base::{UnixMillis, UserId, Uuid};
use tagus_store::{
    AccountOp, AccountRow, Conflict, FriendOp, FriendRow, NotificationOp, NotificationRow, Store,
    block_on,
};

use super::commit;
use crate::user;

pub(super) fn run(open: &dyn Fn() -> Store) {
    an_edge_changes_only_from_the_state_it_has(&open());
    lists_go_on_where_they_ended(&open());
    friends_of_friends_are_strangers(&open());
    edges_go_with_their_account(&open());
    notifications_wait_in_order(&open());
}

const FRIEND: i64 = 0;

fn people(store: &Store, numbers: std::ops::RangeInclusive<u32>) {
    for number in numbers {
        let row = AccountRow::new(user(number), format!("user{number}"), UnixMillis(1));
        commit(store, AccountOp::Insert(Box::new(row))).unwrap();
    }
}

fn edge(source: u32, destination: u32, state: i64, time: u64) -> FriendRow {
    FriendRow {
        source: user(source),
        destination: user(destination),
        state,
        metadata: "{}".to_owned(),
        update_time: UnixMillis(time),
    }
}

fn insert(row: FriendRow) -> FriendOp {
    FriendOp::Insert(Box::new(row))
}

fn an_edge_changes_only_from_the_state_it_has(store: &Store) {
    people(store, 1..=2);
    let stranger = commit(store, insert(edge(1, 9, 1, 1)));
    assert_eq!(stranger, Err((0, Conflict::Missing)));
    commit(store, insert(edge(1, 2, 1, 5))).unwrap();
    let again = commit(store, insert(edge(1, 2, 1, 6)));
    assert_eq!(again, Err((0, Conflict::Changed)));
    let to = |state, from| FriendOp::Move {
        row: Box::new(edge(1, 2, state, 7)),
        from,
    };
    assert_eq!(commit(store, to(0, 2)), Err((0, Conflict::Changed)));
    commit(store, to(0, 1)).unwrap();
    let edges = block_on(store.friend_edges(user(2), user(1))).unwrap();
    assert_eq!(edges, [None, Some(edge(1, 2, 0, 7))]);
    let delete = |from| FriendOp::Delete {
        source: user(1),
        destination: user(2),
        from,
    };
    assert_eq!(commit(store, delete(1)), Err((0, Conflict::Changed)));
    assert_eq!(commit(store, delete(0)), Ok(1));
    assert_eq!(commit(store, delete(0)), Err((0, Conflict::Changed)));
}

fn lists_go_on_where_they_ended(store: &Store) {
    people(store, 1..=6);
    for row in [
        edge(1, 2, 3, 10),
        edge(1, 3, 0, 30),
        edge(1, 4, 0, 20),
        edge(1, 5, 0, 20),
        edge(1, 6, 1, 5),
        edge(2, 1, 0, 1),
    ] {
        commit(store, insert(row)).unwrap();
    }
    let list = |state, limit| {
        let mut after = (i64::MIN, UnixMillis(0), UserId(Uuid::NIL));
        let mut seen = Vec::new();
        loop {
            let page = block_on(store.friends(user(1), state, after, limit)).unwrap();
            let Some(last) = page.last() else {
                return seen;
            };
            after = (last.state, last.update_time, last.destination);
            assert!(page.len() <= limit as usize);
            seen.extend(page.into_iter().map(|row| row.destination));
        }
    };
    for limit in 1..=6 {
        assert_eq!(list(None, limit), [4, 5, 3, 6, 2].map(user), "{limit}");
        assert_eq!(list(Some(0), limit), [4, 5, 3].map(user));
    }
    let counts = block_on(store.friend_counts(&[user(2), user(1), user(3)])).unwrap();
    assert_eq!(counts, [1, 5, 0]);
}

fn friends_of_friends_are_strangers(store: &Store) {
    people(store, 1..=7);
    // 1 knows 2 and 3; both know 4; 2 knows 5, whom 1 blocked; 3 knows 6, who blocked 1; 3 invited 7.
    for (one, other) in [(1, 2), (1, 3), (2, 4), (3, 4), (2, 5), (3, 6)] {
        commit(store, insert(edge(one, other, FRIEND, 1))).unwrap();
        commit(store, insert(edge(other, one, FRIEND, 1))).unwrap();
    }
    for row in [edge(1, 5, 3, 1), edge(6, 1, 3, 1), edge(3, 7, 1, 1)] {
        commit(store, insert(row)).unwrap();
    }
    let far = |after| block_on(store.friends_of_friends(user(1), FRIEND, after, 10)).unwrap();
    assert_eq!(far(UserId(Uuid::NIL)), [(user(4), user(2))]);
    assert_eq!(far(user(4)), []);
}

fn edges_go_with_their_account(store: &Store) {
    people(store, 1..=3);
    for row in [edge(1, 2, 0, 1), edge(2, 1, 0, 1), edge(1, 3, 0, 1)] {
        commit(store, insert(row)).unwrap();
    }
    let delete = AccountOp::Delete {
        id: user(2),
        tombstone_time: UnixMillis(9),
    };
    commit(store, delete).unwrap();
    let counts = block_on(store.friend_counts(&[user(1), user(2)])).unwrap();
    assert_eq!(counts, [1, 0]);
}

fn notifications_wait_in_order(store: &Store) {
    people(store, 1..=2);
    let row = |id: u8, time| NotificationRow {
        id: Uuid([id; 16]),
        user_id: user(1),
        subject: "s".to_owned(),
        content: "{}".to_owned(),
        code: -2,
        sender_id: (id > 1).then(|| user(2)),
        create_time: UnixMillis(time),
    };
    let rows = [row(9, 10), row(1, 20), row(2, 20)];
    for row in [&rows[2], &rows[0], &rows[1], &rows[1]] {
        let insert = NotificationOp::Insert(Box::new(row.clone()));
        commit(store, insert).unwrap();
    }
    let nobody = NotificationRow {
        id: Uuid([3; 16]),
        user_id: user(8),
        ..row(3, 1)
    };
    let refused = commit(store, NotificationOp::Insert(Box::new(nobody)));
    assert_eq!(refused, Err((0, Conflict::Missing)));
    let list = |after, limit| block_on(store.notifications(user(1), after, limit)).unwrap();
    let start = (UnixMillis(0), Uuid::NIL);
    assert_eq!(list(start, 10), rows);
    assert_eq!(list(start, 1), rows[..1]);
    assert_eq!(list((UnixMillis(20), rows[1].id), 10), rows[2..]);
    let delete = |user_id| NotificationOp::Delete {
        user_id,
        id: rows[1].id,
    };
    assert_eq!(commit(store, delete(user(2))), Ok(0), "not theirs");
    assert_eq!(commit(store, delete(user(1))), Ok(1));
    assert_eq!(list(start, 10).len(), 2);
}
