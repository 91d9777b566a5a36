//! Which connection a batch or a read gets.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::error::StoreError;
use crate::postgres::connect::{Connection, Connector};

/// Connections for batches, lent to one batch at a time.
#[derive(Debug)]
pub(crate) struct Writers {
    permits: Semaphore,
    /// The last one used is the next: under little load few connections stay busy.
    idle: Mutex<Vec<Connection>>,
}

/// A connection for one batch.
pub(crate) struct Writing<'a> {
    pool: &'a Writers,
    pub(crate) connection: Connection,
    _permit: SemaphorePermit<'a>,
}

impl Writers {
    pub(crate) const fn new(connections_max: usize) -> Self {
        Self {
            permits: Semaphore::const_new(connections_max),
            idle: Mutex::new(Vec::new()),
        }
    }

    /// A connection, when one is free.
    pub(crate) async fn take(&self, connector: &Connector) -> Result<Writing<'_>, StoreError> {
        let permit = self.permits.acquire().await;
        let permit = permit.map_err(|_| StoreError::Closed)?;
        let connection = match self.take_idle() {
            Some(connection) => connection,
            None => connector.connect().await?,
        };
        Ok(Writing {
            pool: self,
            connection,
            _permit: permit,
        })
    }

    fn take_idle(&self) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|connection| !connection.is_closed());
        idle.pop()
    }
}

impl Writing<'_> {
    /// Brings the connection back, outside of any transaction.
    pub(crate) fn give_back(self) {
        let idle = self.pool.idle.lock();
        let mut idle = idle.unwrap_or_else(PoisonError::into_inner);
        idle.push(self.connection);
    }
}

/// Connections for reads, each shared by many reads whose answers come one after the other.
#[derive(Debug)]
pub(crate) struct Readers {
    slots: Vec<Slot>,
}

#[derive(Debug, Default)]
struct Slot {
    /// Locked for the time of connecting.
    connection: tokio::sync::Mutex<Option<Arc<Connection>>>,
    reads: AtomicUsize,
}

/// A connection for one read.
pub(crate) struct Reading<'a> {
    pub(crate) connection: Arc<Connection>,
    _counted: Counted<'a>,
}

/// One read of a connection, until it goes.
struct Counted<'a>(&'a AtomicUsize);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Readers {
    pub(crate) fn new(connections: usize) -> Self {
        let slots = std::iter::repeat_with(Slot::default);
        Self {
            slots: slots.take(connections).collect(),
        }
    }

    /// The connection with the fewest reads under way.
    pub(crate) async fn take(&self, connector: &Connector) -> Result<Reading<'_>, StoreError> {
        let slots = self.slots.iter();
        let slot = slots.min_by_key(|slot| slot.reads.load(Ordering::Relaxed));
        let slot = slot.ok_or(StoreError::Closed)?;
        slot.reads.fetch_add(1, Ordering::Relaxed);
        let counted = Counted(&slot.reads);
        let mut place = slot.connection.lock().await;
        let connection = match &*place {
            Some(connection) if !connection.is_closed() => connection.clone(),
            _ => place.insert(Arc::new(connector.connect().await?)).clone(),
        };
        Ok(Reading {
            connection,
            _counted: counted,
        })
    }
}
