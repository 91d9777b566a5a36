//! A loss of power after any acknowledgement leaves every acknowledged row.

use std::sync::Mutex;
use std::time::Duration;

use tagus_base::Rng;
use tagus_store::{Config, Store, Synchronous};

use crate::{config, disk, first_login};

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

struct Run {
    /// Acknowledged rows that a loss of power right after the acknowledgement would have taken.
    lost: usize,
    /// Syncs of the database file.
    checkpoints: usize,
}

fn run(synchronous: Synchronous, seed: u64) -> Run {
    let folder = tempfile::tempdir().unwrap();
    disk::watch(folder.path());
    let config = Config {
        synchronous,
        wal_bytes_max: 32 << 10,
        idle: Duration::from_millis(1),
        ..config(folder.path())
    };
    let store = Store::open(config).unwrap();
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
    store.close().unwrap();
    Run {
        lost: state.into_inner().unwrap().1,
        checkpoints: disk::syncs(folder.path(), "tagus.db"),
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
