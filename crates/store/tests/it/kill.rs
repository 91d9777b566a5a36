//! A server that is killed while it commits has every row it acknowledged.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use tagus_store::{Config, Store, block_on};

use crate::postgres::Schema;
use crate::{config, first_login, has_login};

/// Set in the process that is to be killed: its first number, and the address of its database.
const TASK: &str = "TAGUS_TEST_KILLED_STORE";

#[test]
fn acknowledged_rows_survive_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    survive(&format!("sqlite:{}", config(folder.path()).path.display()));
}

#[test]
#[ignore = "needs PostgreSQL"]
fn rows_acknowledged_by_postgres_survive_a_kill_of_its_client() {
    let schema = Schema::new();
    survive(&schema.url());
}

fn survive(address: &str) {
    let mut seen = 0;
    // Each round goes on with the database that the kill before it left.
    for acks_before_kill in [1, 100, 300] {
        let test = "kill::child_commits_until_killed";
        let task = format!("{seen}@{address}");
        let acknowledged = killed_after(test, (TASK, &task), acks_before_kill);
        assert!(acknowledged.len() >= acks_before_kill);
        let store = Store::open(Config::parse(address).unwrap()).unwrap();
        for number in &acknowledged {
            assert!(
                has_login(&store, number.parse().unwrap()),
                "{number} was acknowledged and is gone"
            );
        }
        let counts = block_on(store.counts()).unwrap();
        assert_eq!(counts.accounts, counts.devices, "half a batch");
        seen += 1_000_000;
    }
}

/// Runs a test of this program in a child with this variable set until it has acknowledged so much, kills it, and returns
/// all that it acknowledged.
pub(crate) fn killed_after(test: &str, (variable, task): (&str, &str), acks: usize) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env(variable, task)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut acknowledged = Vec::new();
    let mut killed = false;
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        // The harness writes lines of its own, and the kill may cut the last one short.
        if let Some(ack) = line
            .strip_prefix("ack ")
            .and_then(|line| line.strip_suffix(" ."))
        {
            acknowledged.push(ack.to_owned());
        }
        if acknowledged.len() >= acks && !killed {
            child.kill().unwrap();
            killed = true;
        }
    }
    assert!(!child.wait().unwrap().success());
    acknowledged
}

/// Tells the parent, in a child.
pub(crate) fn acknowledge(ack: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("\nack {ack} .\n").as_bytes())
        .unwrap();
    out.flush().unwrap();
}

#[test]
fn child_commits_until_killed() {
    let Ok(task) = std::env::var(TASK) else {
        return;
    };
    let (first, address) = task.split_once('@').unwrap();
    let first: u32 = first.parse().unwrap();
    let store = Store::open(Config::parse(address).unwrap()).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let store = &store;
            scope.spawn(move || {
                // A bound, so that a child whose parent died ends.
                for index in 0..100_000 / 8 {
                    let number = first + index * 8 + thread;
                    store.commit_blocking(first_login(number)).unwrap();
                    acknowledge(&number.to_string());
                }
            });
        }
    });
}
