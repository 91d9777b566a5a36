//! What the store says about itself.

use tagus_telemetry::metrics::{Counter, Gauge, Histogram, Registry, seconds_histogram};

use crate::batch::Outcome;
use crate::error::StoreError;

/// Metrics of one store; clones share their values.
#[derive(Clone, Debug)]
pub struct StoreMetrics {
    /// Time from a batch's arrival to its answer, in seconds.
    /// How long does a player wait for the disk? Alert above 0.25 s at the 99th percentile.
    pub commit_seconds: Histogram,
    /// Batches that shared one commit. Do callers share the cost of a sync?
    pub group_batches: Histogram,
    /// Time of one move of the write-ahead log into the database, in seconds. Do checkpoints hold commits up?
    pub checkpoint_seconds: Histogram,
    /// Batches that wait for the writer. Does the disk keep up?
    pub queue_batches: Gauge,
    /// Batches refused because the queue was full. Alert above 0.
    pub busy: Counter,
    /// Batches that failed by a conflict of rows; a part of ordinary life.
    pub conflicts: Counter,
    /// Batches and checkpoints that failed by an error of the database. Alert above 0.
    pub failures: Counter,
    /// Batches tried again because another transaction was in their way; PostgreSQL only. Do operations lock in
    /// different orders?
    pub retries: Counter,
    /// Open connections to PostgreSQL. Do the nodes together stay below the server's limit?
    pub connections: Gauge,
}

impl Default for StoreMetrics {
    fn default() -> Self {
        Self {
            commit_seconds: seconds_histogram(),
            group_batches: Histogram::new(GROUP_BUCKETS),
            checkpoint_seconds: seconds_histogram(),
            queue_batches: Gauge::default(),
            busy: Counter::default(),
            conflicts: Counter::default(),
            failures: Counter::default(),
            retries: Counter::default(),
            connections: Gauge::default(),
        }
    }
}

impl StoreMetrics {
    /// Counts what became of a batch.
    pub(crate) fn observe(&self, result: &Result<Outcome, StoreError>) {
        match result {
            Ok(_) => {}
            Err(StoreError::Conflict { .. }) => drop(self.conflicts.inc()),
            Err(_) => drop(self.failures.inc()),
        }
    }

    /// Makes the metrics visible as `tagus_store_*`.
    pub fn register(&self, registry: &mut Registry) {
        let sub = registry.sub_registry_with_prefix("tagus_store");
        sub.register(
            "commit_seconds",
            "Time from a batch's arrival to its answer",
            self.commit_seconds.clone(),
        );
        sub.register(
            "group_batches",
            "Batches that shared one commit",
            self.group_batches.clone(),
        );
        sub.register(
            "checkpoint_seconds",
            "Time of one checkpoint",
            self.checkpoint_seconds.clone(),
        );
        sub.register(
            "queue_batches",
            "Batches that wait for the writer",
            self.queue_batches.clone(),
        );
        sub.register(
            "busy",
            "Batches refused because the queue was full",
            self.busy.clone(),
        );
        sub.register(
            "conflicts",
            "Batches that failed by a conflict of rows",
            self.conflicts.clone(),
        );
        sub.register(
            "failures",
            "Batches and checkpoints that failed by an error of the database",
            self.failures.clone(),
        );
        sub.register(
            "retries",
            "Batches tried again because another transaction was in their way",
            self.retries.clone(),
        );
        sub.register(
            "connections",
            "Open connections to PostgreSQL",
            self.connections.clone(),
        );
    }
}

/// Upper bounds for the number of batches in a group.
const GROUP_BUCKETS: [f64; 10] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 4096.0];
