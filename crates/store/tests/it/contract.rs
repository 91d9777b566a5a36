//! What every backend must do. A backend passes by `run(open)`, where `open` makes an empty store.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use tagus_base::{Rng, UnixMillis, UserId, Uuid};
use tagus_store::{
    AccountPatch, AccountRow, Batch, Conflict, Counts, Logout, LogoutRow, Op, Outcome, RoomDataRow,
    Store, StoreError,
};

use crate::{account, config, first_login, user};

#[test]
fn memory_keeps_the_contract() {
    run(&|| Store::memory().unwrap());
}

#[test]
fn file_keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let opened = std::cell::Cell::new(0);
    run(&|| {
        opened.set(opened.get() + 1);
        let path = folder.path().join(format!("{}.db", opened.get()));
        Store::open(tagus_store::Config {
            path,
            ..config(folder.path())
        })
        .unwrap()
    });
}

fn run(open: &dyn Fn() -> Store) {
    accounts_come_back_as_they_were_written(&open());
    every_column_can_be_changed_and_cleared(&open());
    unique_columns_conflict_by_name(&open());
    missing_rows_conflict(&open());
    batches_are_all_or_nothing(&open());
    deleting_an_account_frees_what_it_held(&open());
    logouts_keep_the_later_times(&open());
    room_values_are_replaced_and_removed(&open());
    batches_have_a_limit(&open());
    async_and_blocking_commits_are_the_same(&open());
    a_closed_store_refuses(&open());
    for seed in 0..8 {
        random_batches_match_the_model(&open(), seed);
    }
}

fn commit(store: &Store, op: Op) -> Result<Outcome, (usize, Conflict)> {
    commit_all(store, Batch::from(op))
}

fn commit_all(store: &Store, batch: Batch) -> Result<Outcome, (usize, Conflict)> {
    store.commit_blocking(batch).map_err(|err| match err {
        StoreError::Conflict { op_index, conflict } => (op_index, conflict),
        err => panic!("{err:?}"),
    })
}

fn insert(row: AccountRow) -> Op {
    Op::AccountInsert(Box::new(row))
}

fn update(id: UserId, patch: AccountPatch) -> Op {
    Op::AccountUpdate {
        id,
        patch: Box::new(patch),
    }
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
    let batch = Batch::from(insert(row.clone())).with(Op::DeviceInsert {
        id: "d".to_owned(),
        user: row.id,
    });
    assert_eq!(commit_all(store, batch), Ok(Outcome { rows_changed: 2 }));
    commit_all(store, first_login(2)).unwrap();
    let found = Some(row.clone());
    assert_eq!(store.account_by_id(row.id).unwrap(), found);
    assert_eq!(store.account_by_username("user-1").unwrap(), found);
    assert_eq!(store.account_by_device("d").unwrap(), found);
    assert_eq!(store.account_by_custom("custom-1").unwrap(), found);
    assert_eq!(store.account_by_email("a@example.org").unwrap(), found);
    assert_eq!(store.account_by_username("USER-1").unwrap(), None);
    assert_eq!(store.account_by_email("").unwrap(), None);
    assert_eq!(
        store.accounts_by_ids(&[user(2), user(9), row.id]).unwrap(),
        [account(2), row.clone()]
    );
    assert_eq!(
        store
            .accounts_by_usernames(&["user-1", "nobody", "user-2"])
            .unwrap(),
        [row, account(2)]
    );
    let counts = Counts {
        accounts: 2,
        devices: 2,
        ..Counts::default()
    };
    assert_eq!(store.counts().unwrap(), counts);
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
        store.account_by_id(user(1)).unwrap(),
        Some(expected.clone())
    );

    let nothing = AccountPatch {
        update_time: UnixMillis(5_000),
        ..AccountPatch::default()
    };
    commit(store, update(user(1), nothing.clone())).unwrap();
    expected.update_time = UnixMillis(5_000);
    assert_eq!(
        store.account_by_id(user(1)).unwrap(),
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
    assert_eq!(store.account_by_id(user(1)).unwrap(), Some(expected));
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
        let op = Op::DeviceInsert {
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
        Op::AccountDelete {
            id: user(9),
            tombstone_time: UnixMillis(1),
        },
        Op::DeviceInsert {
            id: "other".to_owned(),
            user: user(9),
        },
        Op::DeviceDelete {
            id: "other".to_owned(),
            user: user(1),
        },
        Op::DeviceDelete {
            id: "device-1".to_owned(),
            user: user(2),
        },
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
    assert_eq!(store.counts().unwrap(), counts);
}

fn batches_are_all_or_nothing(store: &Store) {
    commit_all(store, first_login(1)).unwrap();
    let batch = first_login(2).with(Op::DeviceInsert {
        id: "device-1".to_owned(),
        user: user(2),
    });
    assert_eq!(commit_all(store, batch), Err((2, Conflict::DeviceTaken)));
    assert_eq!(store.account_by_id(user(2)).unwrap(), None);
    assert_eq!(
        commit_all(store, Batch::new()),
        Ok(Outcome { rows_changed: 0 })
    );
    // The id is free again, and the same batch without the fault goes through.
    commit_all(store, first_login(2)).unwrap();
}

fn deleting_an_account_frees_what_it_held(store: &Store) {
    let row = full_account();
    commit(store, insert(row.clone())).unwrap();
    commit(
        store,
        Op::DeviceInsert {
            id: "b".to_owned(),
            user: row.id,
        },
    )
    .unwrap();
    commit(
        store,
        Op::DeviceInsert {
            id: "a".to_owned(),
            user: row.id,
        },
    )
    .unwrap();
    assert_eq!(store.devices_of(row.id).unwrap(), ["a", "b"]);
    assert_eq!(store.tombstone_of(row.id).unwrap(), None);
    commit(
        store,
        Op::AccountDelete {
            id: row.id,
            tombstone_time: UnixMillis(7),
        },
    )
    .unwrap();
    assert_eq!(store.tombstone_of(row.id).unwrap(), Some(UnixMillis(7)));
    assert_eq!(store.account_by_device("a").unwrap(), None);
    assert!(store.devices_of(row.id).unwrap().is_empty());
    let again = AccountRow { id: user(2), ..row };
    commit(store, insert(again)).unwrap();
    commit(
        store,
        Op::DeviceInsert {
            id: "a".to_owned(),
            user: user(2),
        },
    )
    .unwrap();
}

fn logouts_keep_the_later_times(store: &Store) {
    let before = |before, expires_at| LogoutRow {
        logout: Logout::UserBefore {
            user: user(1),
            before: UnixMillis(before),
        },
        expires_at: UnixMillis(expires_at),
    };
    let token = LogoutRow {
        logout: Logout::Token(Uuid([1; 16])),
        expires_at: UnixMillis(100),
    };
    for row in [token, before(50, 300), before(60, 200), before(40, 250)] {
        commit(store, Op::LogoutInsert(row)).unwrap();
    }
    assert_eq!(
        store.logouts(UnixMillis(100)).unwrap(),
        [token, before(60, 300)]
    );
    assert_eq!(store.logouts(UnixMillis(101)).unwrap(), [before(60, 300)]);
    commit(
        store,
        Op::LogoutSweep {
            before: UnixMillis(100),
        },
    )
    .unwrap();
    assert_eq!(store.counts().unwrap().logouts, 2);
    commit(
        store,
        Op::LogoutSweep {
            before: UnixMillis(101),
        },
    )
    .unwrap();
    assert_eq!(store.logouts(UnixMillis(0)).unwrap(), [before(60, 300)]);
    let for_ever = LogoutRow {
        logout: Logout::Token(Uuid([2; 16])),
        expires_at: UnixMillis(u64::MAX),
    };
    commit(store, Op::LogoutInsert(for_ever)).unwrap();
    assert_eq!(store.logouts(UnixMillis(u64::MAX)).unwrap().len(), 1);
}

fn room_values_are_replaced_and_removed(store: &Store) {
    let put = |room_key: &str, key: &str, value: &'static [u8]| Op::RoomDataPut {
        room_key: room_key.to_owned(),
        key: key.to_owned(),
        value: Bytes::from_static(value),
    };
    let row = |key: &str, value: &'static [u8]| RoomDataRow {
        key: key.to_owned(),
        value: Bytes::from_static(value),
    };
    for op in [
        put("r", "b", b"1"),
        put("r", "a", b""),
        put("r", "b", b"\0\xff"),
        put("s", "b", b"3"),
    ] {
        commit(store, op).unwrap();
    }
    assert_eq!(
        store.room_data("r").unwrap(),
        [row("a", b""), row("b", b"\0\xff")]
    );
    for _ in 0..2 {
        commit(
            store,
            Op::RoomDataDelete {
                room_key: "r".to_owned(),
                key: "b".to_owned(),
            },
        )
        .unwrap();
    }
    assert_eq!(store.room_data("r").unwrap(), [row("a", b"")]);
    assert_eq!(store.room_data("s").unwrap(), [row("b", b"3")]);
}

fn batches_have_a_limit(store: &Store) {
    let batch = |ops: usize| {
        (0..ops)
            .map(|_| Op::LogoutSweep {
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
    let again = Op::DeviceInsert {
        id: "device-1".to_owned(),
        user: user(1),
    };
    let err = runtime.block_on(store.commit(again.into())).unwrap_err();
    assert_eq!(err.conflict(), Some(Conflict::DeviceTaken));
    assert_eq!(store.account_by_id(user(1)).unwrap(), Some(account(1)));
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
        clone.account_by_id(user(1)),
        Err(StoreError::Closed)
    ));
}

/// The same rules, as plainly as can be.
#[derive(Clone, Default)]
struct Model {
    accounts: BTreeMap<UserId, AccountRow>,
    devices: BTreeMap<String, UserId>,
}

impl Model {
    /// Applies an operation, or says which conflicts it may report.
    fn apply(&mut self, op: &Op) -> Result<(), Vec<Conflict>> {
        match op {
            Op::AccountInsert(row) => {
                let mut conflicts = self.taken(row, None);
                conflicts.extend(
                    self.accounts
                        .contains_key(&row.id)
                        .then_some(Conflict::IdTaken),
                );
                none(conflicts)?;
                self.accounts.insert(row.id, (**row).clone());
            }
            Op::AccountUpdate { id, patch } => {
                let mut row = self
                    .accounts
                    .get(id)
                    .cloned()
                    .ok_or(vec![Conflict::Missing])?;
                row.username = patch.username.clone().unwrap_or(row.username);
                row.email = patch.email.clone().unwrap_or(row.email);
                row.update_time = patch.update_time;
                none(self.taken(&row, Some(*id)))?;
                self.accounts.insert(*id, row);
            }
            Op::AccountDelete { id, .. } => {
                self.accounts.remove(id).ok_or(vec![Conflict::Missing])?;
                self.devices.retain(|_, owner| owner != id);
            }
            Op::DeviceInsert { id, user } => {
                let missing = (!self.accounts.contains_key(user)).then_some(Conflict::Missing);
                let taken = self
                    .devices
                    .contains_key(id)
                    .then_some(Conflict::DeviceTaken);
                none(missing.into_iter().chain(taken).collect())?;
                self.devices.insert(id.clone(), *user);
            }
            Op::DeviceDelete { id, user } => {
                none(
                    (self.devices.get(id) != Some(user))
                        .then_some(Conflict::Missing)
                        .into_iter()
                        .collect(),
                )?;
                self.devices.remove(id);
            }
            op => panic!("the model does not know {op:?}"),
        }
        Ok(())
    }

    /// Conflicts of the row with accounts other than `own`.
    fn taken(&self, row: &AccountRow, own: Option<UserId>) -> Vec<Conflict> {
        let others = || self.accounts.values().filter(|other| Some(other.id) != own);
        let username = others().any(|other| other.username == row.username);
        let email = others().any(|other| other.email.is_some() && other.email == row.email);
        let username = username.then_some(Conflict::UsernameTaken);
        username
            .into_iter()
            .chain(email.then_some(Conflict::EmailTaken))
            .collect()
    }
}

fn none(conflicts: Vec<Conflict>) -> Result<(), Vec<Conflict>> {
    if conflicts.is_empty() {
        Ok(())
    } else {
        Err(conflicts)
    }
}

fn random_op(rng: &mut Rng) -> Op {
    let id = user(rng.below(5));
    let name = format!("name-{}", rng.below(6));
    let email = (rng.below(2) == 0).then(|| format!("mail-{}", rng.below(4)));
    let device = format!("device-{}", rng.below(6));
    let update_time = UnixMillis(u64::from(rng.below(1_000)));
    match rng.below(8) {
        0..=1 => insert(AccountRow {
            email,
            ..AccountRow::new(id, name, UnixMillis(1))
        }),
        2..=3 => {
            let username = (rng.below(2) == 0).then_some(name);
            update(
                id,
                AccountPatch {
                    username,
                    email: Some(email),
                    update_time,
                    ..AccountPatch::default()
                },
            )
        }
        4 => Op::AccountDelete {
            id,
            tombstone_time: update_time,
        },
        5..=6 => Op::DeviceInsert {
            id: device,
            user: id,
        },
        _ => Op::DeviceDelete {
            id: device,
            user: id,
        },
    }
}

fn random_batches_match_the_model(store: &Store, seed: u64) {
    let mut rng = Rng::new(seed);
    let mut model = Model::default();
    let mut outcomes = BTreeSet::new();
    for step in 0..100 {
        let batch: Batch = (0..1 + rng.below(3)).map(|_| random_op(&mut rng)).collect();
        let mut next = model.clone();
        let expected = batch
            .ops
            .iter()
            .enumerate()
            .try_for_each(|(index, op)| next.apply(op).map_err(|conflicts| (index, conflicts)));
        let found = commit_all(store, batch.clone());
        outcomes.insert(found.is_ok());
        match (&expected, &found) {
            (Ok(()), Ok(_)) => model = next,
            (Err((index, allowed)), Err((at, conflict)))
                if at == index && allowed.contains(conflict) => {}
            _ => {
                panic!("seed {seed}, step {step}: {batch:?} gave {found:?}, expected {expected:?}")
            }
        }
        for number in 0..5 {
            let id = user(number);
            assert_eq!(
                store.account_by_id(id).unwrap().as_ref(),
                model.accounts.get(&id),
                "seed {seed}, step {step}"
            );
            let devices = model
                .devices
                .iter()
                .filter(|(_, owner)| **owner == id)
                .map(|(device, _)| device.clone());
            assert_eq!(
                store.devices_of(id).unwrap(),
                devices.collect::<Vec<_>>(),
                "seed {seed}, step {step}"
            );
        }
    }
    assert_eq!(
        outcomes.len(),
        2,
        "seed {seed} never failed or never succeeded"
    );
}
