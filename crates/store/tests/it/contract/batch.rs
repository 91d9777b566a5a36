//! What holds for every batch.

use tagus_base::UnixMillis;
use tagus_store::{Batch, Conflict, DeviceOp, LogoutOp, Store, StoreError, block_on};

use super::commit_all;
use crate::{account, first_login, user};

pub(super) fn run(open: &dyn Fn() -> Store) {
    batches_are_all_or_nothing(&open());
    batches_have_a_limit(&open());
    async_and_blocking_commits_are_the_same(&open());
    a_closed_store_refuses(&open());
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
