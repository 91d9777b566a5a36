//! Connections for reads, lent for one read each.
//!
//! A connection keeps its transaction, and with it what it sees of the database, until something is committed: to begin
//! and to end one takes locks of the file, which costs as much as a small read. A transaction holds checkpoints up, so
//! the writer has all of them end around one.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::error::StoreError;
use crate::sqlite::{Connection, failed};

#[derive(Debug)]
pub(crate) struct Pool {
    /// Connections that nobody uses; None after close.
    idle: Mutex<Option<Vec<Reader>>>,
    freed: Condvar,
    /// Moves on with each commit and checkpoint.
    epoch: AtomicU64,
}

#[derive(Debug)]
struct Reader {
    connection: Connection,
    /// The epoch before its transaction began, where it has one: what it sees is at least as new.
    seen: Option<u64>,
}

impl Pool {
    pub(crate) fn new(connections: Vec<Connection>) -> Self {
        let readers = connections.into_iter().map(|connection| Reader {
            connection,
            seen: None,
        });
        Self {
            idle: Mutex::new(Some(readers.collect())),
            freed: Condvar::new(),
            epoch: AtomicU64::new(0),
        }
    }

    /// Runs `work` on a connection, waiting until one is free. It sees all commits of before.
    pub(crate) fn with<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut lent = Lent {
            pool: self,
            reader: Some(self.take()?),
        };
        let reader = lent.reader.as_mut().ok_or(StoreError::Closed)?;
        reader.see(self.epoch.load(Ordering::Acquire))?;
        work(&reader.connection)
    }

    /// To be called after a commit and before anybody learns of it.
    pub(crate) fn committed(&self) {
        self.epoch.fetch_add(1, Ordering::Release);
    }

    /// Ends all transactions but those of reads under way, which end with them.
    pub(crate) fn let_go(&self) {
        let mut idle = self.idle();
        self.committed();
        for reader in idle.iter_mut().flatten() {
            reader.let_go_or_warn();
        }
    }

    /// Lets idle connections go; those in use go when they come back.
    pub(crate) fn close(&self) {
        *self.idle() = None;
        self.freed.notify_all();
    }

    fn idle(&self) -> MutexGuard<'_, Option<Vec<Reader>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Result<Reader, StoreError> {
        let mut idle = self.idle();
        loop {
            if let Some(reader) = idle.as_mut().ok_or(StoreError::Closed)?.pop() {
                return Ok(reader);
            }
            let woken = self.freed.wait(idle);
            idle = woken.unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Reader {
    /// Makes sure that the transaction is not older than the epoch.
    fn see(&mut self, epoch: u64) -> Result<(), StoreError> {
        // An error may have ended the transaction.
        if self.seen == Some(epoch) && !self.connection.is_autocommit() {
            return Ok(());
        }
        let begin = |reader: &mut Self| {
            reader.let_go()?;
            reader.run("BEGIN")
        };
        begin(self).map_err(failed("begin to read"))?;
        self.seen = Some(epoch);
        Ok(())
    }

    fn let_go(&mut self) -> rusqlite::Result<()> {
        self.seen = None;
        if self.connection.is_autocommit() {
            return Ok(());
        }
        self.run("COMMIT")
    }

    /// A transaction that does not end delays the next checkpoint, and is tried again with the next read.
    fn let_go_or_warn(&mut self) {
        if let Err(err) = self.let_go() {
            tracing::warn!(error = &err as &dyn std::error::Error, "a read did not end");
        }
    }

    fn run(&self, sql: &str) -> rusqlite::Result<()> {
        self.connection.prepare_cached(sql)?.execute([]).map(drop)
    }
}

/// Brings a connection back, also when the work with it panicked.
struct Lent<'a> {
    pool: &'a Pool,
    reader: Option<Reader>,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let mut idle = self.pool.idle();
        if let (Some(idle), Some(mut reader)) = (idle.as_mut(), self.reader.take()) {
            // Nobody knows when this connection is used next.
            if reader.seen != Some(self.pool.epoch.load(Ordering::Acquire)) {
                reader.let_go_or_warn();
            }
            idle.push(reader);
        }
        drop(idle);
        self.pool.freed.notify_one();
    }
}
