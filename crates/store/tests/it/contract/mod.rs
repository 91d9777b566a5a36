//! What every database must do. One passes by `run(open)`, where `open` makes an empty store.

mod account;
mod batch;
mod channel;
mod code;
mod friend;
mod group;
mod identity;
mod job;
mod leaderboard;
mod logout;
mod model;
mod rating;
mod room_data;
mod storage;
mod wallet;

use std::cell::RefCell;

use tagus_store::{Batch, Conflict, Op, SqliteConfig, Store, StoreError};

use crate::postgres::Schema;

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
        Store::open(SqliteConfig::new(path)).unwrap()
    });
}

#[test]
#[ignore = "needs PostgreSQL"]
fn postgres_keeps_the_contract() {
    let schemas = RefCell::new(Vec::new());
    run(&|| {
        let schema = Schema::new();
        let store = schema.open();
        schemas.borrow_mut().push(schema);
        store
    });
}

fn run(open: &dyn Fn() -> Store) {
    account::run(open);
    batch::run(open);
    channel::run(open);
    code::run(open);
    friend::run(open);
    identity::run(open);
    group::run(open);
    job::run(open);
    leaderboard::run(open);
    logout::run(open);
    rating::run(open);
    room_data::run(open);
    storage::run(open);
    wallet::run(open);
    model::run(open);
}

fn commit(store: &Store, op: impl Into<Op>) -> Result<u64, (usize, Conflict)> {
    commit_all(store, Batch::from(op))
}

/// Rows changed, or the index of the operation and its conflict.
fn commit_all(store: &Store, batch: Batch) -> Result<u64, (usize, Conflict)> {
    let committed = store.commit_blocking(batch);
    let changed = committed.map(|outcome| outcome.rows_changed);
    changed.map_err(|err| match err {
        StoreError::Conflict { op_index, conflict } => (op_index, conflict),
        err => panic!("{err:?}"),
    })
}
