//! Stored objects.

use tagus_base::{UnixMillis, UserId, Uuid};
use tagus_store::{AccountOp, Batch, Conflict, Overwrite, StorageOp, StorageRow, Store, block_on};

use super::{commit, commit_all};
use crate::{first_login, user};

pub(super) fn run(open: &dyn Fn() -> Store) {
    objects_come_back_as_they_were_written(&open());
    versions_guard_objects(&open());
    permissions_guard_objects(&open());
    one_of_many_writers_of_a_version_wins(&open());
    one_of_many_makers_wins(&open());
    listings_are_in_order_and_go_on(&open());
    objects_go_with_their_account(&open());
}

const SERVER: UserId = UserId(Uuid::NIL);

fn row(owner: UserId, key: &str, version: &str) -> StorageRow {
    StorageRow {
        collection: "c".to_owned(),
        owner,
        key: key.to_owned(),
        value: format!("{{\"is\":\"{version}\"}}"),
        version: version.to_owned(),
        permission_read: 1,
        permission_write: 1,
        create_time: UnixMillis(1_000),
        update_time: UnixMillis(1_000),
    }
}

fn put(row: StorageRow, over: Overwrite) -> StorageOp {
    StorageOp::Put {
        row: Box::new(row),
        over,
        permission_write_min: 1,
    }
}

fn delete(owner: UserId, key: &str, version: Option<&str>) -> StorageOp {
    StorageOp::Delete {
        collection: "c".to_owned(),
        owner,
        key: key.to_owned(),
        version: version.map(str::to_owned),
        permission_write_min: 1,
    }
}

fn version(text: &str) -> Overwrite {
    Overwrite::Version(text.to_owned())
}

fn object(store: &Store, owner: UserId, key: &str) -> Option<StorageRow> {
    let found = block_on(store.storage_objects(&[("c", owner, key, 0)]));
    found.unwrap().pop()
}

fn keys(rows: Result<Vec<StorageRow>, tagus_store::StoreError>) -> Vec<String> {
    rows.unwrap().into_iter().map(|row| row.key).collect()
}

const CHANGED: Result<u64, (usize, Conflict)> = Err((0, Conflict::Changed));

fn objects_come_back_as_they_were_written(store: &Store) {
    store.commit_blocking(first_login(1)).unwrap();
    let owned = row(user(1), "k", "1");
    let servers = StorageRow {
        value: r#"{"é":"\u0000"}"#.to_owned(),
        permission_read: 2,
        permission_write: 0,
        ..row(SERVER, "k", "2")
    };
    for one in [&owned, &servers] {
        assert_eq!(commit(store, put(one.clone(), Overwrite::Any)), Ok(1));
    }
    let ids = [
        ("c", SERVER, "k", 2),
        ("c", user(1), "K", 0),
        ("c", user(1), "k", 1),
        ("c", user(1), "k", 2),
        ("d", user(1), "k", 0),
    ];
    let found = block_on(store.storage_objects(&ids)).unwrap();
    assert_eq!(found, [servers, owned.clone()]);
    let later = StorageRow {
        value: "{}".to_owned(),
        permission_read: 0,
        create_time: UnixMillis(2_000),
        update_time: UnixMillis(2_000),
        ..row(user(1), "k", "3")
    };
    let new = row(user(1), "new", "4");
    let batch = Batch::from(put(later.clone(), Overwrite::Any))
        .with(delete(user(1), "k", Some("3")))
        .with(put(new, Overwrite::Absent))
        .with(put(later.clone(), Overwrite::Absent))
        .with(put(later.clone(), version("3")));
    let outcome = store.commit_blocking(batch).unwrap();
    assert_eq!(outcome.rows_changed, 5);
    let times = outcome.storage_create_times().unwrap();
    assert_eq!(times, [1_000, 1_000, 2_000, 2_000].map(UnixMillis));
    assert_eq!(object(store, user(1), "k"), Some(later));
    let nobody = put(row(user(9), "k", "1"), Overwrite::Any);
    assert_eq!(commit(store, nobody), Err((0, Conflict::Missing)));
}

fn versions_guard_objects(store: &Store) {
    let new = |version: &str| row(SERVER, "k", version);
    assert_eq!(commit(store, put(new("1"), version("1"))), CHANGED);
    assert_eq!(commit(store, delete(SERVER, "k", None)), CHANGED);
    assert_eq!(commit(store, put(new("1"), Overwrite::Absent)), Ok(1));
    assert_eq!(commit(store, put(new("2"), Overwrite::Absent)), CHANGED);
    assert_eq!(commit(store, put(new("2"), version("0"))), CHANGED);
    assert_eq!(commit(store, put(new("2"), version("1"))), Ok(1));
    assert_eq!(commit(store, put(new("3"), version("1"))), CHANGED);
    assert_eq!(commit(store, delete(SERVER, "k", Some("1"))), CHANGED);
    assert_eq!(commit(store, delete(SERVER, "k", Some(""))), CHANGED);
    // Of a batch nothing stays where the last one fails.
    let batch = Batch::from(put(new("3"), Overwrite::Any)).with(delete(SERVER, "other", None));
    assert_eq!(commit_all(store, batch), Err((1, Conflict::Changed)));
    assert_eq!(object(store, SERVER, "k"), Some(new("2")));
    assert_eq!(commit(store, delete(SERVER, "k", Some("2"))), Ok(1));
    assert_eq!(object(store, SERVER, "k"), None);
}

fn permissions_guard_objects(store: &Store) {
    let guarded = StorageRow {
        permission_write: 0,
        ..row(SERVER, "k", "1")
    };
    commit(store, put(guarded.clone(), Overwrite::Any)).unwrap();
    for over in [Overwrite::Any, Overwrite::Absent, version("1")] {
        assert_eq!(commit(store, put(row(SERVER, "k", "2"), over)), CHANGED);
    }
    assert_eq!(commit(store, delete(SERVER, "k", None)), CHANGED);
    assert_eq!(object(store, SERVER, "k"), Some(guarded.clone()));
    let unguarded = |over| StorageOp::Put {
        row: Box::new(guarded.clone()),
        over,
        permission_write_min: 0,
    };
    assert_eq!(commit(store, unguarded(Overwrite::Any)), Ok(1));
    assert_eq!(commit(store, unguarded(version("1"))), Ok(1));
    let delete = StorageOp::Delete {
        collection: "c".to_owned(),
        owner: SERVER,
        key: "k".to_owned(),
        version: None,
        permission_write_min: 0,
    };
    assert_eq!(commit(store, delete), Ok(1));
}

/// How many of 64 writers at once succeed with what `op` gives them.
fn winners(store: &Store, op: impl Fn(usize) -> StorageOp + Sync) -> Vec<usize> {
    let writers = std::sync::Barrier::new(64);
    std::thread::scope(|scope| {
        let (op, writers) = (&op, &writers);
        let tries = (0..64).map(|writer| {
            scope.spawn(move || {
                writers.wait();
                let written = commit(store, op(writer));
                assert!(matches!(written, Ok(1) | CHANGED), "{written:?}");
                written.is_ok().then_some(writer)
            })
        });
        let tries: Vec<_> = tries.collect();
        let winners = tries
            .into_iter()
            .filter_map(|writer| writer.join().unwrap());
        winners.collect()
    })
}

fn one_of_many_writers_of_a_version_wins(store: &Store) {
    commit(store, put(row(SERVER, "k", "old"), Overwrite::Any)).unwrap();
    let new = |writer: usize| row(SERVER, "k", &writer.to_string());
    let winners = winners(store, |writer| put(new(writer), version("old")));
    assert_eq!(winners.len(), 1, "{winners:?}");
    assert_eq!(object(store, SERVER, "k"), Some(new(winners[0])));
}

fn one_of_many_makers_wins(store: &Store) {
    let new = |writer: usize| row(SERVER, "k", &writer.to_string());
    let makers = winners(store, |writer| put(new(writer), Overwrite::Absent));
    assert_eq!(makers.len(), 1, "{makers:?}");
    assert_eq!(object(store, SERVER, "k"), Some(new(makers[0])));
    let deleters = winners(store, |_| delete(SERVER, "k", None));
    assert_eq!(deleters.len(), 1, "{deleters:?}");
}

fn listings_are_in_order_and_go_on(store: &Store) {
    store.commit_blocking(first_login(1)).unwrap();
    store.commit_blocking(first_login(2)).unwrap();
    for (owner, key, permission_read, collection) in [
        (user(1), "b", 2, "c"),
        (user(1), "B", 0, "c"),
        (user(1), "ä", 1, "c"),
        (user(1), "a", 1, "c"),
        (user(2), "b", 2, "c"),
        (user(2), "a", 1, "c"),
        (SERVER, "z", 2, "c"),
        (user(1), "d", 2, "d"),
    ] {
        let object = StorageRow {
            permission_read,
            collection: collection.to_owned(),
            ..row(owner, key, "1")
        };
        commit(store, put(object, Overwrite::Any)).unwrap();
    }
    let own = |least, after, limit| {
        keys(block_on(store.storage_of_owner(
            "c",
            user(1),
            least,
            after,
            limit,
        )))
    };
    assert_eq!(own(0, "", 9), ["B", "a", "b", "ä"]);
    assert_eq!(own(1, "", 2), ["a", "b"]);
    assert_eq!(own(1, "b", 2), ["ä"]);
    assert_eq!(own(2, "", 9), ["b"]);
    let public = |after, limit| {
        let rows = block_on(store.storage_public("c", after, limit)).unwrap();
        let places = rows.into_iter().map(|row| (row.key, row.owner));
        places.collect::<Vec<_>>()
    };
    let place = |key: &str, owner| (key.to_owned(), owner);
    let all = [place("b", user(1)), place("b", user(2)), place("z", SERVER)];
    assert_eq!(public(("", SERVER), 9), all);
    assert_eq!(public(("b", user(1)), 1), all[1..2]);
    let of_all = |after, limit| keys(block_on(store.storage_of_collection("c", after, limit)));
    assert_eq!(of_all((SERVER, ""), 4), ["z", "B", "a", "b"]);
    assert_eq!(of_all((user(1), "b"), 9), ["ä", "a", "b"]);
    let of_account = |after, limit| keys(block_on(store.storage_of_account(user(1), after, limit)));
    assert_eq!(of_account(("", ""), 9), ["B", "a", "b", "ä", "d"]);
    assert_eq!(of_account(("c", "b"), 9), ["ä", "d"]);
}

fn objects_go_with_their_account(store: &Store) {
    store.commit_blocking(first_login(1)).unwrap();
    store.commit_blocking(first_login(2)).unwrap();
    for owner in [user(1), user(2), SERVER] {
        commit(store, put(row(owner, "k", "1"), Overwrite::Any)).unwrap();
    }
    let deleted = AccountOp::Delete {
        id: user(1),
        tombstone_time: UnixMillis(2_000),
    };
    commit(store, deleted).unwrap();
    assert_eq!(object(store, user(1), "k"), None);
    assert!(object(store, user(2), "k").is_some() && object(store, SERVER, "k").is_some());
}
