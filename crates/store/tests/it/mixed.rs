//! Work on all subjects at once, cut off at any moment: nothing acknowledged is lost, nothing is half done, and every
//! invariant holds.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use tagus_base::Rng;
use tagus_store::{Config, SqliteConfig, Store, Synchronous};
use tempfile::TempDir;

use crate::invariants::{Cell, Database, Failure, Rows, breaches, kinds_of_breaches};
use crate::postgres::Schema;
use crate::workload::{self, Family, STEPS_IN_CYCLE};
use crate::{config, disk, kill};

/// Set in the process that is to be killed: its round, and the address of its database.
const TASK: &str = "TAGUS_TEST_KILLED_MIXED";
const THREADS: u32 = 4;

#[test]
fn fifty_kills_leave_all_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    survive(
        &format!("sqlite:{}", config(folder.path()).path.display()),
        50,
    );
}

#[test]
#[ignore = "needs PostgreSQL"]
fn kills_of_the_client_leave_all_that_postgres_acknowledged() {
    let schema = Schema::new();
    survive(&schema.url(), 10);
}

/// Kills the workload in each round at another place; each round goes on with what the one before left.
fn survive(address: &str, rounds: u32) {
    let store = Store::open(Config::parse(address).unwrap()).unwrap();
    workload::found(&store);
    store.close().unwrap();
    drop(store);
    let mut model = Model::new();
    let mut rng = Rng::new(7);
    let mut all = BTreeMap::new();
    for round in 0..rounds {
        let mut acknowledged: BTreeMap<Family, u32> =
            families(round).map(|family| (family, 0)).collect();
        let task = format!("{round}@{address}");
        let acks = 1 + rng.below(200) as usize;
        let test = "mixed::child_works_until_killed";
        for ack in kill::killed_after(test, (TASK, &task), acks) {
            let (thread, steps) = ack.split_once(' ').unwrap();
            let family = families(round).nth(thread.parse().unwrap()).unwrap();
            acknowledged.insert(family, steps.parse().unwrap());
        }
        let database = Database::open(address).unwrap();
        assert_eq!(breaches(&database).unwrap(), [""; 0], "round {round}");
        for (family, steps) in &acknowledged {
            model.check(&database, *family, *steps);
        }
        all.append(&mut acknowledged);
    }
    let steps: u32 = all.values().sum();
    assert!(
        steps > rounds * STEPS_IN_CYCLE,
        "the rounds were too short: {steps} steps"
    );
    let database = Database::open(address).unwrap();
    for (family, steps) in all {
        model.check(&database, family, steps);
    }
}

#[test]
fn child_works_until_killed() {
    let Ok(task) = std::env::var(TASK) else {
        return;
    };
    let (round, address) = task.split_once('@').unwrap();
    let store = Store::open(Config::parse(address).unwrap()).unwrap();
    std::thread::scope(|scope| {
        for (thread, family) in families(round.parse().unwrap()).enumerate() {
            let store = &store;
            scope.spawn(move || {
                // A bound, so that a child whose parent died ends.
                for step in 0..5_000 {
                    workload::run(store, family, step);
                    kill::acknowledge(&format!("{thread} {}", step + 1));
                }
            });
        }
    });
}

/// Those of a round's threads.
fn families(round: u32) -> impl Iterator<Item = Family> {
    (0..THREADS).map(move |thread| Family(round * THREADS + thread))
}

#[test]
fn a_loss_of_power_leaves_all_that_was_acknowledged() {
    for seed in 0..4 {
        assert_eq!(lose_power(Synchronous::Full, seed), [""; 0], "seed {seed}");
    }
}

#[test]
fn without_syncs_a_loss_of_power_is_noticed() {
    assert!(!lose_power(Synchronous::Off, 0).is_empty());
}

const POWER_STEPS: u32 = 3 * STEPS_IN_CYCLE;
const POWER_THREADS: u32 = 3;

/// What a loss of power would have broken, tried after every few acknowledgements.
fn lose_power(synchronous: Synchronous, seed: u64) -> Vec<String> {
    let mut model = Model::new();
    let kept: Vec<Vec<Dump>> = (0..POWER_THREADS)
        .map(|thread| {
            let family = Family(thread);
            let steps = 0..=POWER_STEPS;
            steps
                .map(|step| {
                    model.advance(family, step);
                    model.dump(family)
                })
                .collect()
        })
        .collect();
    let folder = tempfile::tempdir().unwrap();
    disk::watch(folder.path());
    let config = SqliteConfig {
        synchronous,
        wal_bytes_max: 64 << 10,
        idle: Duration::from_millis(1),
        ..config(folder.path())
    };
    let store = Store::open(config).unwrap();
    workload::found(&store);
    let state = Mutex::new((vec![0; POWER_THREADS as usize], Vec::new(), Rng::new(seed)));
    std::thread::scope(|scope| {
        for thread in 0..POWER_THREADS {
            let (store, state, folder, kept) = (&store, &state, folder.path(), &kept);
            scope.spawn(move || {
                for step in 0..POWER_STEPS {
                    workload::run(store, Family(thread), step);
                    let mut state = state.lock().unwrap();
                    let (acknowledged, broken, rng) = &mut *state;
                    acknowledged[thread as usize] = step as usize + 1;
                    if rng.below(4) == 0 {
                        broken.extend(broken_now(folder, acknowledged, kept, rng));
                    }
                }
            });
        }
    });
    state.into_inner().unwrap().1
}

/// What is broken when the power fails now.
fn broken_now(
    folder: &Path,
    acknowledged: &[usize],
    kept: &[Vec<Dump>],
    rng: &mut Rng,
) -> Vec<String> {
    let crashed = tempfile::tempdir().unwrap();
    disk::rebuild(folder, crashed.path(), rng);
    let look = || {
        let database = Database::file(&config(crashed.path()).path)?;
        let mut broken = breaches(&database)?;
        for (thread, steps) in acknowledged.iter().enumerate() {
            let found = dump(&database, Family(u32::try_from(thread)?))?;
            // One step more may be on disk before anybody was told.
            let good = kept[thread].iter().skip(*steps).take(2);
            if !good.into_iter().any(|kept| *kept == found) {
                broken.push(format!("thread {thread} lost what {steps} steps did"));
            }
        }
        Ok(broken)
    };
    look().unwrap_or_else(|err: Failure| vec![err.to_string()])
}

/// All rows that belong to a family, table by table.
type Dump = Vec<Rows>;

fn dump(database: &Database, family: Family) -> Result<Dump, Failure> {
    let by_id = family.ids().map(|id| Cell::Blob(id.to_vec()));
    let by_name = family.names().map(Cell::Text);
    let mut tables = Vec::new();
    for sql in BY_ID {
        tables.push(database.rows(sql, &by_id)?);
    }
    tables.push(database.rows(JOBS, &by_name)?);
    Ok(tables)
}

/// The rows of ids in a range; what depends on other families is left out.
const BY_ID: &[&str] = &[
    "SELECT id, username, wallet, update_time FROM account WHERE id >= $1 AND id < $2 ORDER BY id",
    "SELECT id, user_id FROM device WHERE user_id >= $1 AND user_id < $2 ORDER BY id",
    "SELECT user_id, time FROM tombstone WHERE user_id >= $1 AND user_id < $2 ORDER BY user_id",
    "SELECT source, destination, state, update_time FROM friend WHERE source >= $1 AND source < $2
     ORDER BY source, destination",
    "SELECT id, user_id, subject, sender_id FROM notification WHERE id >= $1 AND id < $2 ORDER BY id",
    "SELECT owner, collection, key, value, version, create_time, update_time FROM storage
     WHERE owner >= $1 AND owner < $2 ORDER BY owner, collection, key",
    "SELECT id, user_id, changeset, create_time FROM wallet_ledger WHERE id >= $1 AND id < $2 ORDER BY id",
    "SELECT id, name, edge_count, update_time FROM player_group WHERE id >= $1 AND id < $2 ORDER BY id",
    "SELECT user_id, group_id, state, update_time FROM group_edge WHERE user_id >= $1 AND user_id < $2
     ORDER BY user_id, group_id",
    "SELECT id, channel, sender_id, content, update_time FROM channel_message WHERE id >= $1 AND id < $2 ORDER BY id",
    "SELECT owner_id, leaderboard_id, expiry_time, score_order, subscore_order, num_score FROM leaderboard_record
     WHERE owner_id >= $1 AND owner_id < $2 ORDER BY owner_id, leaderboard_id, expiry_time",
    "SELECT user_id, mode, mu_micros, games, update_time FROM rating WHERE user_id >= $1 AND user_id < $2
     ORDER BY user_id, mode",
    "SELECT subject, kind, number FROM code WHERE subject >= $1 AND subject < $2 ORDER BY subject",
];
const JOBS: &str = "SELECT name, payload, due_time, attempts, claim FROM job WHERE name >= $1 AND name < $2 ORDER BY name";

/// The same work on a database that nobody cuts off.
struct Model {
    folder: TempDir,
    store: Store,
    steps: BTreeMap<Family, u32>,
}

impl Model {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(SqliteConfig {
            synchronous: Synchronous::Off,
            ..config(folder.path())
        });
        let store = store.unwrap();
        workload::found(&store);
        Self {
            folder,
            store,
            steps: BTreeMap::new(),
        }
    }

    /// Does a family's work up to this many steps; it never goes back.
    fn advance(&mut self, family: Family, steps: u32) {
        let done = self.steps.entry(family).or_default();
        while *done < steps {
            workload::run(&self.store, family, *done);
            *done += 1;
        }
    }

    fn dump(&self, family: Family) -> Dump {
        let database = Database::file(&config(self.folder.path()).path).unwrap();
        dump(&database, family).unwrap()
    }

    /// Fails unless a family's rows are those after `acknowledged` steps, or after the one that was under way as well.
    fn check(&mut self, database: &Database, family: Family, acknowledged: u32) {
        let found = dump(database, family).unwrap();
        self.advance(family, acknowledged);
        if self.dump(family) != found {
            self.advance(family, acknowledged + 1);
        }
        assert_eq!(
            found,
            self.dump(family),
            "{family:?}, {acknowledged} steps were acknowledged"
        );
    }
}

/// What is done to a healthy database, and the breaches that must be told of it.
const DAMAGES: &[(&str, &[&str])] = &[
    (
        "DELETE FROM friend WHERE state = 0 AND source < destination",
        &["edge of friends without its other side"],
    ),
    (
        "UPDATE friend SET state = 1 WHERE state = 0",
        &["edge of friends without its other side"],
    ),
    (
        "UPDATE friend SET state = 3 WHERE state = 0 AND source < destination",
        &["edge of friends without its other side"],
    ),
    (
        "UPDATE friend SET state = 9",
        &["edge of friends without its other side"],
    ),
    (
        "UPDATE friend SET destination = source WHERE state = 0 AND source < destination",
        &["friend of itself", "edge of friends without its other side"],
    ),
    (
        "DELETE FROM account",
        &[
            "edge of friends without an account",
            "device without an account",
            "notification without an account",
            "edge of a group without account or group",
            "stored object without an account",
            "entry of the ledger without an account",
            "record without an account",
            "rating without an account",
            "code of an account or group that is not there",
            "wallet is not the sum of its ledger",
        ],
    ),
    (
        "INSERT INTO tombstone SELECT id, 0 FROM account WHERE true",
        &["account that was deleted and is there"],
    ),
    (
        "DELETE FROM player_group",
        &[
            "edge of a group without account or group",
            "code of an account or group that is not there",
        ],
    ),
    (
        "UPDATE player_group SET edge_count = edge_count + 1",
        &["count of a group is not that of its edges"],
    ),
    (
        "UPDATE player_group SET max_count = 1",
        &["group with too many members"],
    ),
    (
        "UPDATE group_edge SET state = 1 WHERE state = 0",
        &["group without an owner"],
    ),
    (
        "UPDATE channel SET last_number = 1",
        &["message beyond the last number of its channel"],
    ),
    (
        "DELETE FROM channel",
        &["message beyond the last number of its channel"],
    ),
    (
        "DELETE FROM leaderboard",
        &["record without its leaderboard"],
    ),
    (
        "UPDATE leaderboard_record SET max_num_score = 1",
        &["record with attempts out of their range"],
    ),
    (
        "UPDATE leaderboard_record SET num_score = -1",
        &["record with attempts out of their range"],
    ),
    (
        "UPDATE leaderboard_size SET size = size + 1",
        &["size of a tournament is not that of its records"],
    ),
    (
        "DELETE FROM leaderboard_size",
        &["size of a tournament is not that of its records"],
    ),
    (
        "DELETE FROM leaderboard_record WHERE leaderboard_id = 'tournament'",
        &["size of a tournament is not that of its records"],
    ),
    (
        "UPDATE job SET is_failed = 1",
        &["job with attempts out of their range"],
    ),
    (
        "UPDATE storage SET value = value || ' '",
        &["version is not the MD5 of its value"],
    ),
    (
        "UPDATE account SET wallet = '{}'",
        &["wallet is not the sum of its ledger"],
    ),
    (
        "DELETE FROM wallet_ledger",
        &["wallet is not the sum of its ledger"],
    ),
];

#[test]
fn every_damage_is_noticed() {
    let mut model = Model::new();
    model.advance(Family(0), 6 * STEPS_IN_CYCLE - 1);
    let path = config(model.folder.path()).path;
    let mut told = BTreeSet::new();
    for (damage, expected) in DAMAGES {
        let connection = rusqlite::Connection::open(&path).unwrap();
        let damaged = format!("PRAGMA foreign_keys = OFF; BEGIN; {damage}");
        connection.execute_batch(&damaged).unwrap();
        assert!(connection.changes() > 0, "nothing was done by {damage}");
        // What is not committed goes with its connection.
        let found = breaches(&Database::Sqlite(connection)).unwrap();
        for what in *expected {
            let is_told = found.iter().any(|breach| breach.starts_with(what));
            assert!(is_told, "{damage}: {found:?}");
            told.insert(*what);
        }
    }
    assert_eq!(
        told,
        kinds_of_breaches().collect(),
        "a breach that no damage shows"
    );
    let database = Database::file(&path).unwrap();
    assert_eq!(breaches(&database).unwrap(), [""; 0]);
}
