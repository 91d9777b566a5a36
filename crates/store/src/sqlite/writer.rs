//! The thread that alone writes: it takes what waits, commits it as one group and answers everybody.

use std::fs::File;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use crate::batch::Outcome;
use crate::config::SqliteConfig;
use crate::error::StoreError;
use crate::metrics::StoreMetrics;
use crate::sql::Plan;
use crate::sqlite::pool::Pool;
use crate::sqlite::{Connection, failed, write};

/// Called once with what became of a batch.
pub(crate) type Answer = Box<dyn FnOnce(Result<Outcome, StoreError>) + Send>;

/// A batch that waits for the writer.
pub(crate) struct Job {
    pub(crate) plan: Plan,
    pub(crate) answer: Answer,
    pub(crate) arrived: Instant,
}

pub(crate) struct Writer {
    connection: Connection,
    jobs: Receiver<Job>,
    readers: Arc<Pool>,
    group_commits_max: usize,
    idle: Duration,
    wal_pages_max: i64,
    /// Groups committed since the size of the log was looked at.
    groups_unchecked: u32,
    /// The log may hold what the database does not.
    dirty: bool,
    metrics: StoreMetrics,
    /// Held for its lock, and last: the database is closed before another server may open it.
    _lock: File,
}

impl Writer {
    pub(crate) fn new(
        (connection, lock): (Connection, File),
        jobs: Receiver<Job>,
        readers: Arc<Pool>,
        config: &SqliteConfig,
        metrics: StoreMetrics,
    ) -> Self {
        Self {
            connection,
            jobs,
            readers,
            group_commits_max: config.group_commits_max,
            idle: config.idle,
            wal_pages_max: i64::try_from(config.wal_bytes_max / PAGE_BYTES).unwrap_or(i64::MAX),
            groups_unchecked: 0,
            dirty: true,
            metrics,
            _lock: lock,
        }
    }

    /// Runs until every sender of jobs is gone and nothing waits.
    pub(crate) fn run(mut self) -> Result<(), StoreError> {
        let mut group = Vec::new();
        loop {
            match self.next_job() {
                Ok(job) => self.commit_with(job, &mut group),
                Err(RecvTimeoutError::Timeout) => self.checkpoint_or_warn(),
                Err(RecvTimeoutError::Disconnected) => return self.checkpoint("truncate"),
            }
        }
    }

    /// Waits for a job; gives up after `idle` where there is something to do in the meantime.
    fn next_job(&self) -> Result<Job, RecvTimeoutError> {
        if self.dirty {
            self.jobs.recv_timeout(self.idle)
        } else {
            self.jobs.recv().map_err(|_| RecvTimeoutError::Disconnected)
        }
    }

    fn commit_with(&mut self, first: Job, group: &mut Vec<Job>) {
        group.push(first);
        group.extend(self.jobs.try_iter().take(self.group_commits_max - 1));
        let size = group.len();
        // Both numbers are small: the queue's limit is 65,536.
        self.metrics
            .queue_batches
            .dec_by(i64::try_from(size).unwrap_or(i64::MAX));
        self.metrics.group_batches.observe(size as f64);
        let mut results = Vec::with_capacity(size);
        let plans = group.iter().map(|job| &job.plan);
        write::commit_group(&self.connection, plans, &mut results);
        self.readers.committed();
        debug_assert_eq!(results.len(), size);
        for (job, result) in group.drain(..).zip(results) {
            self.metrics.observe(&result);
            let seconds = job.arrived.elapsed().as_secs_f64();
            self.metrics.commit_seconds.observe(seconds);
            (job.answer)(result);
        }
        self.dirty = true;
        self.groups_unchecked += 1;
        if self.groups_unchecked >= GROUPS_PER_LOOK && self.log_is_large() {
            self.checkpoint_or_warn();
        }
    }

    /// Looks at how much of the log is not in the database yet.
    fn log_is_large(&mut self) -> bool {
        self.groups_unchecked = 0;
        let pages = self
            .connection
            .query_row("PRAGMA wal_checkpoint(noop)", [], |row| {
                Ok(row.get::<_, i64>(1)? - row.get::<_, i64>(2)?)
            });
        pages.is_ok_and(|pages| pages >= self.wal_pages_max)
    }

    /// Moves the log into the database, after the answers and before the next group.
    /// Where that fails the log only grows: nothing is lost, and the next occasion tries again.
    fn checkpoint_or_warn(&mut self) {
        if let Err(err) = self.checkpoint("passive") {
            tracing::warn!(error = &err as &dyn std::error::Error, "checkpoint failed");
        }
    }

    fn checkpoint(&mut self, mode: &str) -> Result<(), StoreError> {
        let started = Instant::now();
        let sql = format!("PRAGMA wal_checkpoint({mode})");
        // Before it so that nobody holds pages back, and after it so that the log can begin anew: who reads next needs
        // nothing of it.
        self.readers.let_go();
        let done = self.connection.query_row(&sql, [], |_| Ok(()));
        self.readers.let_go();
        self.metrics
            .checkpoint_seconds
            .observe(started.elapsed().as_secs_f64());
        // Tried once, then again only after the next commit: a reader that holds pages back,
        // such as a backup, would keep an idle writer busy.
        self.dirty = false;
        self.groups_unchecked = 0;
        done.map_err(|err| {
            self.metrics.failures.inc();
            failed("move the write-ahead log into the database")(err)
        })
    }
}

/// SQLite's page size; the database is made with the default.
const PAGE_BYTES: u64 = 4_096;

/// Groups after which the size of the log is looked at, which costs some microseconds.
const GROUPS_PER_LOOK: u32 = 16;
