//! What an account is known by: linking and unlinking.

use std::sync::Barrier;

use tagus_base::UnixMillis;
use tagus_store::{AccountOp, AccountPatch, Batch, Conflict, DeviceOp, Store, block_on};

use super::account::update;
use super::{commit, commit_all};
use crate::{first_login, user};

pub(super) fn run(open: &dyn Fn() -> Store) {
    a_device_is_linked_once(&open());
    devices_have_a_limit(&open());
    unlinking_names_what_is_there(&open());
    the_last_identity_stays(&open());
    of_two_at_once_one_identity_stays(&open());
}

fn touch(number: u32) -> Batch {
    let patch = AccountPatch {
        update_time: UnixMillis(7),
        ..AccountPatch::default()
    };
    Batch::from(update(user(number), patch))
}

fn link(number: u32, id: &str, devices_max: u32) -> Batch {
    touch(number).with(DeviceOp::Link {
        id: id.to_owned(),
        user: user(number),
        devices_max,
    })
}

fn keep(number: u32) -> AccountOp {
    AccountOp::KeepIdentity { id: user(number) }
}

fn unlink_device(number: u32, id: &str) -> Batch {
    let delete = DeviceOp::Delete {
        id: id.to_owned(),
        user: user(number),
    };
    touch(number).with(delete).with(keep(number))
}

fn unlink_custom(number: u32, custom_id: Option<&str>) -> Batch {
    let unlink = AccountOp::UnlinkCustom {
        id: user(number),
        custom_id: custom_id.map(str::to_owned),
        update_time: UnixMillis(8),
    };
    Batch::from(unlink).with(keep(number))
}

fn unlink_email(number: u32, email: Option<&str>) -> Batch {
    let unlink = AccountOp::UnlinkEmail {
        id: user(number),
        email: email.map(str::to_owned),
        update_time: UnixMillis(9),
    };
    Batch::from(unlink).with(keep(number))
}

/// Gives an account a custom id and an address.
fn name(store: &Store, number: u32) {
    let patch = AccountPatch {
        custom_id: Some(Some(format!("custom-{number}"))),
        email: Some(Some(format!("{number}@example.org"))),
        password: Some(Some("hash".to_owned())),
        verify_time: Some(UnixMillis(5)),
        ..AccountPatch::default()
    };
    commit(store, update(user(number), patch)).unwrap();
}

fn a_device_is_linked_once(store: &Store) {
    commit_all(store, first_login(1)).unwrap();
    commit_all(store, first_login(2)).unwrap();
    commit_all(store, link(1, "second", 9)).unwrap();
    commit_all(store, link(1, "second", 9)).unwrap();
    let devices = block_on(store.devices_of(user(1))).unwrap();
    assert_eq!(devices, ["device-1", "second"]);
    let taken = commit_all(store, link(1, "device-2", 9));
    assert_eq!(taken, Err((1, Conflict::DeviceTaken)));
    let nobody = commit_all(store, link(3, "third", 9));
    assert_eq!(nobody, Err((0, Conflict::Missing)));
    let row = block_on(store.account_by_device("second"))
        .unwrap()
        .unwrap();
    assert_eq!((row.id, row.update_time), (user(1), UnixMillis(7)));
}

fn devices_have_a_limit(store: &Store) {
    commit_all(store, first_login(1)).unwrap();
    commit_all(store, link(1, "second", 2)).unwrap();
    let third = commit_all(store, link(1, "third", 2));
    assert_eq!(third, Err((1, Conflict::DevicesFull)));
    commit_all(store, link(1, "second", 2)).unwrap();
    assert_eq!(block_on(store.devices_of(user(1))).unwrap().len(), 2);
}

fn unlinking_names_what_is_there(store: &Store) {
    commit_all(store, first_login(1)).unwrap();
    let missing = Err((0, Conflict::Missing));
    assert_eq!(commit_all(store, unlink_custom(1, None)), missing);
    assert_eq!(commit_all(store, unlink_email(1, None)), missing);
    name(store, 1);
    assert_eq!(commit_all(store, unlink_custom(1, Some("other"))), missing);
    assert_eq!(commit_all(store, unlink_email(1, Some("other"))), missing);
    commit_all(store, unlink_custom(1, Some("custom-1"))).unwrap();
    commit_all(store, unlink_email(1, None)).unwrap();
    let row = block_on(store.account_by_id(user(1))).unwrap().unwrap();
    assert_eq!((row.custom_id, row.email, row.password), (None, None, None));
    assert_eq!(
        (row.verify_time, row.update_time),
        (UnixMillis(0), UnixMillis(9))
    );
    let others = commit_all(store, unlink_device(1, "device-2"));
    assert_eq!(others, Err((1, Conflict::Missing)));
}

fn the_last_identity_stays(store: &Store) {
    commit_all(store, first_login(1)).unwrap();
    let last = commit_all(store, unlink_device(1, "device-1"));
    assert_eq!(last, Err((2, Conflict::LastIdentity)));
    assert_eq!(block_on(store.devices_of(user(1))).unwrap(), ["device-1"]);
    name(store, 1);
    commit_all(store, unlink_device(1, "device-1")).unwrap();
    commit_all(store, unlink_custom(1, None)).unwrap();
    let last = commit_all(store, unlink_email(1, None));
    assert_eq!(last, Err((1, Conflict::LastIdentity)));
    assert!(
        block_on(store.account_by_email("1@example.org"))
            .unwrap()
            .is_some()
    );
}

/// Each thread takes another one of the last two.
fn of_two_at_once_one_identity_stays(store: &Store) {
    for number in 0..20 {
        commit_all(store, first_login(number)).unwrap();
        let patch = AccountPatch {
            custom_id: Some(Some(format!("custom-{number}"))),
            ..AccountPatch::default()
        };
        commit(store, update(user(number), patch)).unwrap();
        let batches = [
            unlink_device(number, &format!("device-{number}")),
            unlink_custom(number, None),
        ];
        let start = Barrier::new(2);
        let done = std::thread::scope(|scope| {
            let threads = batches.map(|batch| {
                let start = &start;
                scope.spawn(move || {
                    start.wait();
                    store.commit_blocking(batch).is_ok()
                })
            });
            threads.map(|thread| thread.join().unwrap())
        });
        assert_ne!(done[0], done[1], "account {number}");
        let row = block_on(store.account_by_id(user(number)))
            .unwrap()
            .unwrap();
        let devices = block_on(store.devices_of(user(number))).unwrap();
        assert_eq!(devices.len() + usize::from(row.custom_id.is_some()), 1);
    }
}
