//! The rows in memory: one connection, no thread.

use std::sync::{Mutex, PoisonError};

use crate::batch::Outcome;
use crate::error::StoreError;
use crate::metrics::StoreMetrics;
use crate::sql::Plan;
use crate::sqlite::{Connection, failed, migrate, set_up, write};

#[derive(Debug)]
pub(crate) struct MemoryBackend {
    /// None after close.
    connection: Mutex<Option<Connection>>,
    metrics: StoreMetrics,
}

impl MemoryBackend {
    pub(crate) fn open(metrics: StoreMetrics) -> Result<Self, StoreError> {
        let open = || {
            let connection = Connection::open_in_memory()?;
            set_up(&connection)?;
            Ok(connection)
        };
        let mut connection = open().map_err(failed("open a database in memory"))?;
        migrate::run(&mut connection)?;
        Ok(Self {
            connection: Mutex::new(Some(connection)),
            metrics,
        })
    }

    pub(crate) fn commit(&self, plan: Plan) -> Result<Outcome, StoreError> {
        let started = std::time::Instant::now();
        let mut results = self.with(|connection| {
            let mut results = Vec::with_capacity(1);
            write::commit_group(connection, std::iter::once(&plan), &mut results);
            Ok(results)
        })?;
        let result = results.pop().unwrap_or(Err(StoreError::Closed));
        self.metrics.observe(&result);
        let seconds = started.elapsed().as_secs_f64();
        self.metrics.commit_seconds.observe(seconds);
        self.metrics.group_batches.observe(1.0);
        result
    }

    pub(crate) fn with<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let connection = self.connection.lock();
        let connection = connection.unwrap_or_else(PoisonError::into_inner);
        work(connection.as_ref().ok_or(StoreError::Closed)?)
    }

    pub(crate) fn close(&self) {
        let connection = self.connection.lock();
        *connection.unwrap_or_else(PoisonError::into_inner) = None;
    }
}
