//! What holds for every batch.

use tagus_base::UnixMillis;
use tagus_store::{
    AccountOp, AccountPatch, AccountRow, Batch, Conflict, DeviceOp, LogoutOp, Store, StoreError,
    block_on,
};

use super::commit_all;
use crate::{account, first_login, user};

pub(super) fn run(open: &dyn Fn() -> Store) {
    batches_are_all_or_nothing(&open());
    batches_have_a_limit(&open());
    async_and_blocking_commits_are_the_same(&open());
    a_closed_store_refuses(&open());
    texts_with_nul_are_refused(&open());
    one_of_many_writers_wins(&open());
    many_writers_lose_nothing(&open());
}

fn batches_are_all_or_nothing(store: &Store) {
    commit_all(store, first_login(1)).unwrap();
    let batch = first_login(2).with(DeviceOp::Insert {
        id: "device-1".to_owned(),
        user: user(2),
    });
    assert_eq!(commit_all(store, batch), Err((2, Conflict::DeviceTaken)));
    assert_eq!(block_on(store.account_by_id(user(2))).unwrap(), None);
    assert_eq!(commit_all(store, Batch::new()), Ok(0));
    // The id is free again, and the same batch without the fault goes through.
    commit_all(store, first_login(2)).unwrap();
}

fn batches_have_a_limit(store: &Store) {
    let batch = |ops: usize| {
        (0..ops)
            .map(|_| LogoutOp::Sweep {
                before: UnixMillis(0),
            })
            .collect::<Batch>()
    };
    commit_all(store, batch(Batch::OPS_MAX)).unwrap();
    let err = store
        .commit_blocking(batch(Batch::OPS_MAX + 1))
        .unwrap_err();
    assert!(matches!(err, StoreError::BatchTooLarge { ops } if ops == Batch::OPS_MAX + 1));
}

fn async_and_blocking_commits_are_the_same(store: &Store) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(store.commit(first_login(1))).unwrap();
    let again = DeviceOp::Insert {
        id: "device-1".to_owned(),
        user: user(1),
    };
    let err = runtime.block_on(store.commit(again.into())).unwrap_err();
    assert_eq!(err.conflict(), Some(Conflict::DeviceTaken));
    assert_eq!(
        block_on(store.account_by_id(user(1))).unwrap(),
        Some(account(1))
    );
}

fn a_closed_store_refuses(store: &Store) {
    commit_all(store, first_login(1)).unwrap();
    let clone = store.clone();
    store.close().unwrap();
    clone.close().unwrap();
    assert!(matches!(
        clone.commit_blocking(first_login(2)),
        Err(StoreError::Closed)
    ));
    assert!(matches!(
        block_on(clone.account_by_id(user(1))),
        Err(StoreError::Closed)
    ));
}

fn texts_with_nul_are_refused(store: &Store) {
    let batch = first_login(1).with(DeviceOp::Insert {
        id: "a\0b".to_owned(),
        user: user(1),
    });
    let err = store.commit_blocking(batch).unwrap_err();
    assert!(matches!(err, StoreError::NulInText), "{err:?}");
    let err = block_on(store.account_by_username("\0")).unwrap_err();
    assert!(matches!(err, StoreError::NulInText), "{err:?}");
    assert_eq!(block_on(store.counts()).unwrap().accounts, 0);
}

pub(super) const WRITERS: u32 = 64;

/// What the writers got, in the order of their numbers, when all of them write at once.
pub(super) fn at_once<T: Send>(store: &Store, write: impl Fn(&Store, u32) -> T + Sync) -> Vec<T> {
    let start = std::sync::Barrier::new(WRITERS as usize);
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|number| {
                let (start, write) = (&start, &write);
                scope.spawn(move || {
                    start.wait();
                    write(store, number)
                })
            })
            .collect();
        let writers = writers.into_iter();
        writers.map(|writer| writer.join().unwrap()).collect()
    })
}

fn one_of_many_writers_wins(store: &Store) {
    let results = at_once(store, |store, number| {
        let row = AccountRow {
            username: "wanted".to_owned(),
            ..account(number)
        };
        let batch = Batch::from(AccountOp::Insert(Box::new(row))).with(DeviceOp::Insert {
            id: format!("device-{number}"),
            user: user(number),
        });
        commit_all(store, batch)
    });
    let won = results.iter().filter(|result| **result == Ok(2)).count();
    let lost = results.iter();
    let lost = lost.filter(|result| **result == Err((0, Conflict::UsernameTaken)));
    assert_eq!((won, lost.count()), (1, WRITERS as usize - 1));
    let counts = block_on(store.counts()).unwrap();
    assert_eq!((counts.accounts, counts.devices), (1, 1));
}

/// All change one row; each change adds a device, and half of them then fail.
fn many_writers_lose_nothing(store: &Store) {
    commit_all(store, first_login(1)).unwrap();
    let results = at_once(store, |store, number| {
        let patch = Box::new(AccountPatch::default());
        let own = DeviceOp::Insert {
            id: format!("own-{number}"),
            user: user(1),
        };
        let batch = Batch::from(AccountOp::Update { id: user(1), patch }).with(own);
        let batch = if number % 2 == 0 {
            batch
        } else {
            batch.with(DeviceOp::Delete {
                id: "nobody's".to_owned(),
                user: user(1),
            })
        };
        commit_all(store, batch)
    });
    for (number, result) in (0..).zip(results) {
        let expected = if number % 2 == 0 {
            Ok(2)
        } else {
            Err((2, Conflict::Missing))
        };
        assert_eq!(result, expected, "{number}");
    }
    let devices = block_on(store.devices_of(user(1))).unwrap();
    assert_eq!(devices.len(), 1 + WRITERS as usize / 2);
}
