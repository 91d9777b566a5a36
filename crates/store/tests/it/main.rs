//! Behaviour of the store through its public API.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod backup;
mod contract;
mod copy;
mod disk;
mod group;
mod invariants;
mod kill;
mod mixed;
mod postgres;
mod power;
mod workload;

use std::path::Path;

use tagus_base::{UnixMillis, UserId, Uuid};
use tagus_store::{AccountOp, AccountRow, Batch, DeviceOp, SqliteConfig, Store, block_on};

fn user(number: u32) -> UserId {
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    UserId(Uuid::from_random(bytes))
}

fn account(number: u32) -> AccountRow {
    AccountRow::new(user(number), format!("user-{number}"), UnixMillis(1_000))
}

/// A new account with its device, as a first login makes it.
fn first_login(number: u32) -> Batch {
    Batch::from(AccountOp::Insert(Box::new(account(number)))).with(DeviceOp::Insert {
        id: format!("device-{number}"),
        user: user(number),
    })
}

fn has_login(store: &Store, number: u32) -> bool {
    let found = block_on(store.account_by_device(&format!("device-{number}")));
    found.unwrap() == Some(account(number))
}

fn config(folder: &Path) -> SqliteConfig {
    SqliteConfig::new(folder.join("tagus.db"))
}
