//! A copy from one database to another is whole, goes on where it was interrupted, and never mixes rows.

use tagus_base::{UnixMillis, UserId, Uuid};
use tagus_store::{
    AccountOp, Batch, CopyStage, Logout, LogoutOp, LogoutRow, Overwrite, RoomDataOp, SqliteConfig,
    StorageOp, StorageRow, Store, StoreError, block_on, copy,
};

use crate::postgres::Schema;
use crate::{account, first_login, has_login, user};

const ACCOUNTS: u32 = 450;

fn full(store: &Store) {
    for number in 0..ACCOUNTS {
        store.commit_blocking(first_login(number)).unwrap();
    }
    let mut batch = Batch::from(AccountOp::Delete {
        id: user(7),
        tombstone_time: UnixMillis(5),
    });
    for number in 0..3 {
        batch = batch
            .with(LogoutOp::Insert(LogoutRow {
                logout: Logout::Token(Uuid([number; 16])),
                expires_at: UnixMillis(u64::MAX),
            }))
            .with(RoomDataOp::Put {
                room_key: "röm".to_owned(),
                key: format!("key {number}"),
                value: vec![number, 0, 255].into(),
            });
    }
    for owner in owners() {
        batch = batch.with(StorageOp::Put {
            row: Box::new(StorageRow {
                collection: "saves".to_owned(),
                owner,
                key: "k".to_owned(),
                value: "{}".to_owned(),
                version: "1".to_owned(),
                permission_read: 2,
                permission_write: 1,
                create_time: UnixMillis(1),
                update_time: UnixMillis(2),
            }),
            over: Overwrite::Any,
            permission_write_min: 0,
        });
    }
    store.commit_blocking(batch).unwrap();
}

/// An account, and the server.
fn owners() -> [UserId; 2] {
    [user(1), UserId(Uuid::NIL)]
}

fn same(from: &Store, to: &Store) {
    let counts = block_on(from.counts()).unwrap();
    assert_eq!(block_on(to.counts()).unwrap(), counts);
    assert!((0..ACCOUNTS).all(|number| has_login(to, number) == (number != 7)));
    let objects = |store: &Store| {
        let ids = owners().map(|owner| ("saves", owner, "k", 0));
        block_on(store.storage_objects(&ids)).unwrap()
    };
    assert_eq!((objects(to), objects(to).len()), (objects(from), 2));
    let values = block_on(from.room_data("röm")).unwrap();
    assert_eq!(block_on(to.room_data("röm")).unwrap(), values);
}

fn file(folder: &tempfile::TempDir, name: &str) -> Store {
    let config = SqliteConfig {
        synchronous: tagus_store::Synchronous::Off,
        ..SqliteConfig::new(folder.path().join(name))
    };
    Store::open(config).unwrap()
}

fn keeps_the_rules(from: &Store, to: &Store) {
    full(from);
    // Interrupted after two pages of the first table that has as many.
    let mut pages = 0;
    let stopped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        block_on(copy(from, to, |_| {
            pages += 1;
            assert!(pages < 3, "interrupted by the test");
        }))
    }));
    assert!(stopped.is_err());
    // Another source does not go on there.
    let other = Store::memory().unwrap();
    let err = block_on(copy(&other, to, |_| {})).unwrap_err();
    assert!(matches!(err, StoreError::NotEmpty), "{err:?}");

    let mut verified = 0;
    let report = block_on(copy(from, to, |progress| {
        verified += u32::from(progress.stage == CopyStage::Verifying);
    }))
    .unwrap();
    same(from, to);
    assert!(verified >= 5);
    assert!(report.rows_copied < report.rows, "it began anew");
    let counts = block_on(from.counts()).unwrap();
    let rows = counts.accounts + counts.devices + counts.tombstones;
    assert!(report.rows >= rows + counts.logouts + counts.room_values);

    let err = block_on(copy(from, to, |_| {})).unwrap_err();
    assert!(matches!(err, StoreError::NotEmpty), "{err:?}");
    to.commit_blocking(first_login(ACCOUNTS)).unwrap();
}

#[test]
fn a_copy_between_files_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    keeps_the_rules(&file(&folder, "a.db"), &file(&folder, "b.db"));
}

#[test]
fn rows_that_change_meanwhile_are_found_out() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (file(&folder, "a.db"), file(&folder, "b.db"));
    full(&from);
    let mut is_changed = false;
    let err = block_on(copy(&from, &to, |progress| {
        if progress.table == "device" && !std::mem::replace(&mut is_changed, true) {
            let row = Box::new(account(ACCOUNTS));
            from.commit_blocking(AccountOp::Insert(row).into()).unwrap();
        }
    }))
    .unwrap_err();
    assert!(
        matches!(&err, StoreError::CopyDiffers { table } if table == "account"),
        "{err:?}"
    );
}

#[test]
#[ignore = "needs PostgreSQL"]
fn a_copy_to_postgres_and_back_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let (schema, from, back) = (Schema::new(), file(&folder, "a.db"), file(&folder, "b.db"));
    let postgres = schema.open();
    keeps_the_rules(&from, &postgres);
    postgres
        .commit_blocking(
            AccountOp::Delete {
                id: user(ACCOUNTS),
                tombstone_time: UnixMillis(6),
            }
            .into(),
        )
        .unwrap();
    block_on(copy(&postgres, &back, |_| {})).unwrap();
    same(&postgres, &back);
}
