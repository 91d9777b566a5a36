//! Messages in channels.

use tagus_base::{UnixMillis, UserId, Uuid};
use tagus_store::{ChannelMessageRow, ChannelOp, Conflict, Store, StoreError, block_on};

use super::commit;
use crate::user;

pub(super) fn run(open: &dyn Fn() -> Store) {
    // One store for all: each case has channels, ids and writers of its own.
    let store = open();
    messages_are_read_from_either_end(&store);
    messages_are_changed_in_their_channel_alone(&store);
    what_was_written_is_found(&store);
    writers_at_once_leave_no_gap(&store);
    a_reader_misses_nothing(&store);
}

fn id(number: u32) -> Uuid {
    user(number).0
}

fn message(channel: &str, number: u32, sender: u32) -> ChannelMessageRow {
    ChannelMessageRow {
        channel: channel.to_owned(),
        id: id(number),
        code: 0,
        sender_id: user(sender),
        username: format!("name-{sender}"),
        content: format!(r#"{{"text":"ä {number}"}}"#),
        // Clocks go back: the order does not hang on them.
        create_time: UnixMillis(1_000_000 - u64::from(number)),
        update_time: UnixMillis(2_000_000),
    }
}

fn insert(channel: &str, number: u32, sender: u32) -> ChannelOp {
    ChannelOp::Insert(Box::new(message(channel, number, sender)))
}

fn ids(rows: Result<Vec<(i64, ChannelMessageRow)>, StoreError>) -> Vec<(i64, Uuid)> {
    let rows = rows.unwrap().into_iter();
    rows.map(|(number, row)| (number, row.id)).collect()
}

fn messages_are_read_from_either_end(store: &Store) {
    for (channel, number) in [("2...a", 1), ("2...b", 2), ("2...a", 3), ("2...a", 4)] {
        commit(store, insert(channel, number, 9)).unwrap();
    }
    let after = |number, limit| {
        ids(block_on(
            store.channel_messages_after("2...a", number, limit),
        ))
    };
    let before = |number, limit| {
        ids(block_on(
            store.channel_messages_before("2...a", number, limit),
        ))
    };
    let all = [(1, id(1)), (2, id(3)), (3, id(4))];
    assert_eq!(after(0, 10), all);
    assert_eq!(after(1, 1), [all[1]]);
    assert_eq!(after(3, 10), []);
    assert_eq!(before(i64::MAX, 2), [all[2], all[1]]);
    assert_eq!(before(2, 10), [all[0]]);
    let read = block_on(store.channel_message("2...a", id(3))).unwrap();
    assert_eq!(read, Some(message("2...a", 3, 9)));
    assert_eq!(
        block_on(store.channel_message("2...b", id(3))).unwrap(),
        None
    );
    // A number is never given again.
    let remove = ChannelOp::Remove {
        channel: "2...a".to_owned(),
        id: id(4),
    };
    commit(store, remove).unwrap();
    commit(store, insert("2...a", 5, 9)).unwrap();
    assert_eq!(after(2, 10), [(4, id(5))]);
}

fn messages_are_changed_in_their_channel_alone(store: &Store) {
    commit(store, insert("2...c", 11, 9)).unwrap();
    let update = |channel: &str| ChannelOp::Update {
        channel: channel.to_owned(),
        id: id(11),
        content: "{}".to_owned(),
        update_time: UnixMillis(3),
    };
    let remove = |channel: &str| ChannelOp::Remove {
        channel: channel.to_owned(),
        id: id(11),
    };
    for wrong in [update("2...d"), remove("2...d")] {
        assert_eq!(commit(store, wrong), Err((0, Conflict::Missing)));
    }
    commit(store, update("2...c")).unwrap();
    let changed = ChannelMessageRow {
        content: "{}".to_owned(),
        update_time: UnixMillis(3),
        ..message("2...c", 11, 9)
    };
    let read = || block_on(store.channel_message("2...c", id(11))).unwrap();
    assert_eq!(read(), Some(changed));
    commit(store, remove("2...c")).unwrap();
    assert_eq!(read(), None);
    for late in [update("2...c"), remove("2...c")] {
        assert_eq!(commit(store, late), Err((0, Conflict::Missing)));
    }
}

fn what_was_written_is_found(store: &Store) {
    for (channel, number, sender) in [
        ("2...f", 21, 7),
        ("2...e", 22, 7),
        ("2...e", 23, 8),
        ("2...e", 24, 7),
    ] {
        commit(store, insert(channel, number, sender)).unwrap();
    }
    let of = |sender: UserId, after, limit| {
        ids(block_on(store.channel_messages_of(sender, after, limit)))
    };
    assert_eq!(
        of(user(7), ("", 0), 10),
        [(1, id(22)), (3, id(24)), (1, id(21))]
    );
    assert_eq!(of(user(7), ("2...e", 1), 1), [(3, id(24))]);
    assert_eq!(of(user(7), ("2...e", 3), 10), [(1, id(21))]);
    assert_eq!(of(user(1), ("", 0), 10), []);
}

fn writers_at_once_leave_no_gap(store: &Store) {
    std::thread::scope(|scope| write_at_once(scope, store, "2...g", 100));
    let rows = block_on(store.channel_messages_after("2...g", 0, 1_000)).unwrap();
    let numbers = rows.iter().map(|(number, _)| *number);
    assert!(numbers.eq(1..=i64::from(WRITERS * EACH)));
    for writer in 0..WRITERS {
        let first = 100 + writer * EACH;
        let own = rows.iter().filter(|(_, row)| row.sender_id == user(first));
        let expected = (first..first + EACH).map(id);
        assert!(
            own.map(|(_, row)| row.id).eq(expected),
            "in the order of writing"
        );
    }
}

/// Reading on from the last number that was seen gives every message once, in order, while others write.
fn a_reader_misses_nothing(store: &Store) {
    let mut seen = Vec::new();
    std::thread::scope(|scope| {
        write_at_once(scope, store, "2...h", 200);
        while seen.len() < (WRITERS * EACH) as usize {
            let last = seen.last().map_or(0, |(number, _)| *number);
            let next = block_on(store.channel_messages_after("2...h", last, 3));
            seen.extend(ids(next));
        }
    });
    let all = ids(block_on(store.channel_messages_after("2...h", 0, 1_000)));
    assert_eq!(seen, all);
}

/// Some writers, each with messages of its own, numbered from `from` on; the number of its first names the writer.
fn write_at_once<'s>(
    scope: &'s std::thread::Scope<'s, '_>,
    store: &'s Store,
    channel: &'s str,
    from: u32,
) {
    for writer in 0..WRITERS {
        let first = from + writer * EACH;
        scope.spawn(move || {
            for number in first..first + EACH {
                commit(store, insert(channel, number, first)).unwrap();
            }
        });
    }
}

const WRITERS: u32 = 4;
const EACH: u32 = 8;
