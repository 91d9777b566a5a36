//! Accounts and devices.

use tagus_base::{UnixMillis, UserId};
use tagus_store::{
    AccountOp, AccountPatch, AccountRow, Batch, Conflict, Counts, DeviceOp, Op, Store, block_on,
};

use super::{commit, commit_all};
use crate::{account, first_login, user};

pub(super) fn run(open: &dyn Fn() -> Store) {
    accounts_come_back_as_they_were_written(&open());
    every_column_can_be_changed_and_cleared(&open());
    unique_columns_conflict_by_name(&open());
    missing_rows_conflict(&open());
    deleting_an_account_frees_what_it_held(&open());
}

pub(super) fn insert(row: AccountRow) -> Op {
    AccountOp::Insert(Box::new(row)).into()
}

pub(super) fn update(id: UserId, patch: AccountPatch) -> Op {
    Op::Account(AccountOp::Update {
        id,
        patch: Box::new(patch),
    })
}

fn full_account() -> AccountRow {
    AccountRow {
        display_name: "Zoë 'Z' \u{1F43E}".to_owned(),
        avatar_url: "https://example.org/a.png".to_owned(),
        lang_tag: "pt".to_owned(),
        location: "Tejo".to_owned(),
        timezone: "Europe/Lisbon".to_owned(),
        metadata: r#"{"a":1}"#.to_owned(),
        wallet: r#"{"coins":5}"#.to_owned(),
        email: Some("a@example.org".to_owned()),
        password: Some("$argon2id$".to_owned()),
        custom_id: Some("custom-1".to_owned()),
        update_time: UnixMillis(2_000),
        verify_time: UnixMillis(3_000),
        disable_time: UnixMillis(4_000),
        ..account(1)
    }
}

fn accounts_come_back_as_they_were_written(store: &Store) {
    let row = full_account();
    let batch = Batch::from(insert(row.clone())).with(DeviceOp::Insert {
        id: "d".to_owned(),
        user: row.id,
    });
    assert_eq!(commit_all(store, batch), Ok(2));
    commit_all(store, first_login(2)).unwrap();
    let found = Some(row.clone());
    assert_eq!(block_on(store.account_by_id(row.id)).unwrap(), found);
    assert_eq!(
        block_on(store.account_by_username("user-1")).unwrap(),
        found
    );
    assert_eq!(block_on(store.account_by_device("d")).unwrap(), found);
    assert_eq!(
        block_on(store.account_by_custom("custom-1")).unwrap(),
        found
    );
    assert_eq!(
        block_on(store.account_by_email("a@example.org")).unwrap(),
        found
    );
    assert_eq!(block_on(store.account_by_username("USER-1")).unwrap(), None);
    assert_eq!(block_on(store.account_by_email("")).unwrap(), None);
    assert_eq!(
        block_on(store.accounts_by_ids(&[user(2), user(9), row.id])).unwrap(),
        [account(2), row.clone()]
    );
    assert_eq!(
        block_on(store.accounts_by_usernames(&["user-1", "nobody", "user-2"])).unwrap(),
        [row, account(2)]
    );
    let counts = Counts {
        accounts: 2,
        devices: 2,
        ..Counts::default()
    };
    assert_eq!(block_on(store.counts()).unwrap(), counts);
}

fn every_column_can_be_changed_and_cleared(store: &Store) {
    commit(store, insert(account(1))).unwrap();
    let full = full_account();
    let patch = AccountPatch {
        username: Some("new".to_owned()),
        display_name: Some(full.display_name.clone()),
        avatar_url: Some(full.avatar_url.clone()),
        lang_tag: Some(full.lang_tag.clone()),
        location: Some(full.location.clone()),
        timezone: Some(full.timezone.clone()),
        metadata: Some(full.metadata.clone()),
        email: Some(full.email.clone()),
        password: Some(full.password.clone()),
        custom_id: Some(full.custom_id.clone()),
        verify_time: Some(full.verify_time),
        disable_time: Some(full.disable_time),
        update_time: full.update_time,
    };
    commit(store, update(user(1), patch)).unwrap();
    let mut expected = AccountRow {
        username: "new".to_owned(),
        wallet: "{}".to_owned(),
        ..full
    };
    assert_eq!(
        block_on(store.account_by_id(user(1))).unwrap(),
        Some(expected.clone())
    );

    let nothing = AccountPatch {
        update_time: UnixMillis(5_000),
        ..AccountPatch::default()
    };
    commit(store, update(user(1), nothing.clone())).unwrap();
    expected.update_time = UnixMillis(5_000);
    assert_eq!(
        block_on(store.account_by_id(user(1))).unwrap(),
        Some(expected.clone())
    );

    let clear = AccountPatch {
        email: Some(None),
        password: Some(None),
        custom_id: Some(None),
        ..nothing
    };
    commit(store, update(user(1), clear)).unwrap();
    (expected.email, expected.password, expected.custom_id) = (None, None, None);
    assert_eq!(
        block_on(store.account_by_id(user(1))).unwrap(),
        Some(expected)
    );
}

fn unique_columns_conflict_by_name(store: &Store) {
    let first = full_account();
    commit(store, insert(first.clone())).unwrap();
    commit_all(store, first_login(2)).unwrap();
    let cases = [
        (
            AccountRow {
                id: first.id,
                ..account(3)
            },
            Conflict::IdTaken,
        ),
        (
            AccountRow {
                username: first.username.clone(),
                ..account(3)
            },
            Conflict::UsernameTaken,
        ),
        (
            AccountRow {
                email: first.email.clone(),
                ..account(3)
            },
            Conflict::EmailTaken,
        ),
        (
            AccountRow {
                custom_id: first.custom_id.clone(),
                ..account(3)
            },
            Conflict::CustomIdTaken,
        ),
    ];
    for (row, conflict) in cases {
        assert_eq!(commit(store, insert(row)), Err((0, conflict)));
    }
    let patches = [
        (
            AccountPatch {
                username: Some(first.username),
                ..AccountPatch::default()
            },
            Conflict::UsernameTaken,
        ),
        (
            AccountPatch {
                email: Some(first.email),
                ..AccountPatch::default()
            },
            Conflict::EmailTaken,
        ),
        (
            AccountPatch {
                custom_id: Some(first.custom_id),
                ..AccountPatch::default()
            },
            Conflict::CustomIdTaken,
        ),
    ];
    for (patch, conflict) in patches {
        assert_eq!(commit(store, update(user(2), patch)), Err((0, conflict)));
    }
    for owner in [user(2), first.id] {
        let op = DeviceOp::Insert {
            id: "device-2".to_owned(),
            user: owner,
        };
        assert_eq!(commit(store, op), Err((0, Conflict::DeviceTaken)));
    }
    // One's own values are not taken.
    let own = AccountPatch {
        username: Some("user-2".to_owned()),
        ..AccountPatch::default()
    };
    commit(store, update(user(2), own)).unwrap();
    commit(
        store,
        insert(AccountRow {
            username: "User-1".to_owned(),
            ..account(3)
        }),
    )
    .unwrap();
}

fn missing_rows_conflict(store: &Store) {
    commit_all(store, first_login(1)).unwrap();
    commit(store, insert(account(2))).unwrap();
    let ops = [
        update(user(9), AccountPatch::default()),
        AccountOp::Delete {
            id: user(9),
            tombstone_time: UnixMillis(1),
        }
        .into(),
        DeviceOp::Insert {
            id: "other".to_owned(),
            user: user(9),
        }
        .into(),
        DeviceOp::Delete {
            id: "other".to_owned(),
            user: user(1),
        }
        .into(),
        DeviceOp::Delete {
            id: "device-1".to_owned(),
            user: user(2),
        }
        .into(),
    ];
    for op in ops {
        assert_eq!(
            commit(store, op.clone()),
            Err((0, Conflict::Missing)),
            "{op:?}"
        );
    }
    let counts = Counts {
        accounts: 2,
        devices: 1,
        ..Counts::default()
    };
    assert_eq!(block_on(store.counts()).unwrap(), counts);
}

fn deleting_an_account_frees_what_it_held(store: &Store) {
    let row = full_account();
    commit(store, insert(row.clone())).unwrap();
    commit(
        store,
        DeviceOp::Insert {
            id: "b".to_owned(),
            user: row.id,
        },
    )
    .unwrap();
    commit(
        store,
        DeviceOp::Insert {
            id: "a".to_owned(),
            user: row.id,
        },
    )
    .unwrap();
    assert_eq!(block_on(store.devices_of(row.id)).unwrap(), ["a", "b"]);
    assert_eq!(block_on(store.tombstone_of(row.id)).unwrap(), None);
    commit(
        store,
        AccountOp::Delete {
            id: row.id,
            tombstone_time: UnixMillis(7),
        },
    )
    .unwrap();
    assert_eq!(
        block_on(store.tombstone_of(row.id)).unwrap(),
        Some(UnixMillis(7))
    );
    assert_eq!(block_on(store.account_by_device("a")).unwrap(), None);
    assert!(block_on(store.devices_of(row.id)).unwrap().is_empty());
    let again = AccountRow { id: user(2), ..row };
    commit(store, insert(again)).unwrap();
    commit(
        store,
        DeviceOp::Insert {
            id: "a".to_owned(),
            user: user(2),
        },
    )
    .unwrap();
}
