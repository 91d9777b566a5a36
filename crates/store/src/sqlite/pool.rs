//! Connections for reads, lent for one read each.

use std::sync::{Condvar, Mutex, PoisonError};

use crate::error::StoreError;
use crate::sqlite::Connection;

#[derive(Debug)]
pub(crate) struct Pool {
    /// Connections that nobody uses; None after close.
    idle: Mutex<Option<Vec<Connection>>>,
    freed: Condvar,
}

impl Pool {
    pub(crate) const fn new(connections: Vec<Connection>) -> Self {
        Self {
            idle: Mutex::new(Some(connections)),
            freed: Condvar::new(),
        }
    }

    /// Runs `work` on a connection, waiting until one is free.
    pub(crate) fn with<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let lent = Lent {
            pool: self,
            connection: Some(self.take()?),
        };
        work(lent.connection.as_ref().ok_or(StoreError::Closed)?)
    }

    /// Lets idle connections go; those in use go when they come back.
    pub(crate) fn close(&self) {
        let idle = self.idle.lock();
        *idle.unwrap_or_else(PoisonError::into_inner) = None;
        self.freed.notify_all();
    }

    fn take(&self) -> Result<Connection, StoreError> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(connection) = idle.as_mut().ok_or(StoreError::Closed)?.pop() {
                return Ok(connection);
            }
            let woken = self.freed.wait(idle);
            idle = woken.unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Brings a connection back, also when the work with it panicked.
struct Lent<'a> {
    pool: &'a Pool,
    connection: Option<Connection>,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let idle = self.pool.idle.lock();
        let mut idle = idle.unwrap_or_else(PoisonError::into_inner);
        if let (Some(idle), Some(connection)) = (idle.as_mut(), self.connection.take()) {
            idle.push(connection);
        }
        drop(idle);
        self.pool.freed.notify_one();
    }
}
