//! A loss of power after any acknowledgement leaves every acknowledged row.

use std::sync::Mutex;
use std::time::Duration;

use tagus_base::Rng;
use tagus_store::{SqliteConfig, Store, StoreError, Synchronous, block_on};

use crate::{config, disk, first_login, has_login};

#[test]
fn acknowledged_rows_survive_a_loss_of_power() {
    for seed in 0..4 {
        let run = run(Synchronous::Full, seed);
        assert_eq!(run.lost, 0, "seed {seed}");
        assert!(
            run.checkpoints > 0,
            "seed {seed}: the database itself was never synced"
        );
    }
}

#[test]
fn without_syncs_the_same_test_finds_lost_rows() {
    assert!(run(Synchronous::Off, 0).lost > 0);
}

#[test]
fn a_failed_group_fails_every_caller_and_the_store_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    disk::watch(folder.path());
    let store = Store::open(config(folder.path())).unwrap();
    store.commit_blocking(first_login(0)).unwrap();
    disk::fail_syncs(folder.path(), true);
    std::thread::scope(|scope| {
        // Two of them want the same account; none may hear of a conflict with a row that was never written.
        for number in [1, 1, 2, 3] {
            let store = &store;
            scope.spawn(move || {
                let err = store.commit_blocking(first_login(number)).unwrap_err();
                assert!(matches!(err, StoreError::Database { .. }), "{err:?}");
            });
        }
    });
    assert_eq!(block_on(store.counts()).unwrap().accounts, 1);
    disk::fail_syncs(folder.path(), false);
    for number in 1..4 {
        store.commit_blocking(first_login(number)).unwrap();
    }
    assert_eq!(store.metrics().failures.get(), 4);
    drop(store);
    let store = Store::open(config(folder.path())).unwrap();
    assert!((0..4).all(|number| has_login(&store, number)));
}

struct Run {
    /// Acknowledged rows that a loss of power right after the acknowledgement would have taken.
    lost: usize,
    /// Syncs of the database file while commits went on.
    checkpoints: usize,
}

fn run(synchronous: Synchronous, seed: u64) -> Run {
    let folder = tempfile::tempdir().unwrap();
    disk::watch(folder.path());
    let config = SqliteConfig {
        synchronous,
        wal_bytes_max: 32 << 10,
        idle: Duration::from_millis(1),
        ..config(folder.path())
    };
    let store = Store::open(config).unwrap();
    let syncs_at_start = disk::syncs(folder.path(), "tagus.db");
    let state = Mutex::new((Vec::new(), 0, Rng::new(seed)));
    std::thread::scope(|scope| {
        for thread in 0..3 {
            let (store, state, folder) = (&store, &state, folder.path());
            scope.spawn(move || {
                for index in 0..20 {
                    let number = index * 3 + thread;
                    store.commit_blocking(first_login(number)).unwrap();
                    let mut state = state.lock().unwrap();
                    let (acknowledged, lost, rng) = &mut *state;
                    acknowledged.push(number);
                    *lost += lost_now(folder, acknowledged, rng);
                }
            });
        }
    });
    Run {
        lost: state.into_inner().unwrap().1,
        checkpoints: disk::syncs(folder.path(), "tagus.db") - syncs_at_start,
    }
}

/// How many of these rows are gone when the power fails now.
fn lost_now(folder: &std::path::Path, acknowledged: &[u32], rng: &mut Rng) -> usize {
    let crashed = tempfile::tempdir().unwrap();
    disk::rebuild(folder, crashed.path(), rng);
    let Ok(connection) = rusqlite::Connection::open(crashed.path().join("tagus.db")) else {
        return acknowledged.len();
    };
    let sql =
        "SELECT count(*) FROM device JOIN account ON account.id = user_id WHERE device.id = ?1";
    let Ok(mut statement) = connection.prepare(sql) else {
        return acknowledged.len();
    };
    let mut is_lost = |number: &u32| {
        let found = statement.query_row([format!("device-{number}")], |row| row.get::<_, i64>(0));
        found != Ok(1)
    };
    acknowledged.iter().filter(|number| is_lost(number)).count()
}
