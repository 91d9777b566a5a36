//! PostgreSQL: the rows in a database server that several nodes share.
//!
//! Connections live on one thread of their own, `store-postgres`: batches run there, reads on the caller's task over
//! connections that many reads share. The server's default for `synchronous_commit` is left alone; it waits for the disk.

mod connect;
mod migrate;
mod pool;
mod tls;
mod value;
mod write;

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tagus_base::Rng;
use tokio::runtime::{Builder, Handle};
use tokio::sync::{Semaphore, TryAcquireError, oneshot};

use crate::batch::Outcome;
use crate::config::PostgresConfig;
use crate::error::StoreError;
use crate::metrics::StoreMetrics;
use crate::migrate::MigrationStatus;
use crate::postgres::connect::{Connection, Connector, failed};
use crate::postgres::pool::{Readers, Writers};
use crate::sql::{Plan, Query, Row};
use crate::wait::block_on;

#[derive(Debug)]
pub(crate) struct PostgresBackend {
    shared: Arc<Shared>,
    /// One permit per batch that waits or runs.
    batches: Arc<Semaphore>,
    batches_max: u32,
    thread: Mutex<Option<Thread>>,
}

/// What batches and reads need.
#[derive(Debug)]
struct Shared {
    connector: Connector,
    writers: Writers,
    readers: Readers,
    closed: AtomicBool,
    /// For pauses; those of two nodes differ.
    rng: Mutex<Rng>,
    metrics: StoreMetrics,
}

impl Shared {
    /// A random time up to `longest`, so that batches in each other's way do not meet again.
    fn pause(&self, longest: Duration) -> Duration {
        let mut rng = self.rng.lock().unwrap_or_else(PoisonError::into_inner);
        longest.mul_f64(f64::from(rng.below(1 << 16)) / 65_536.0)
    }
}

/// The thread with all connections; it ends when `stop` goes.
#[derive(Debug)]
struct Thread {
    stop: oneshot::Sender<()>,
    handle: JoinHandle<()>,
}

impl PostgresBackend {
    /// Starts the thread, connects, and brings the database to the newest migration.
    pub(crate) fn open(config: &PostgresConfig, metrics: StoreMetrics) -> Result<Self, StoreError> {
        if let Some(fault) = config.fault() {
            return Err(StoreError::Config(fault));
        }
        let (thread, runtime) = start_thread()?;
        let shared = Arc::new(Shared {
            connector: Connector::new(config, runtime.clone(), metrics.clone())?,
            writers: Writers::new(config.connections_max),
            readers: Readers::new(config.read_connections),
            closed: AtomicBool::new(false),
            rng: Mutex::new(Rng::new(RandomState::new().build_hasher().finish())),
            metrics,
        });
        let backend = Self {
            shared: shared.clone(),
            batches: Arc::new(Semaphore::new(config.queue_batches_max)),
            batches_max: u32::try_from(config.queue_batches_max).unwrap_or(u32::MAX),
            thread: Mutex::new(Some(thread)),
        };
        block_on(async { migrate::run(&shared.connector).await })?;
        Ok(backend)
    }

    pub(crate) async fn commit(&self, plan: Plan) -> Result<Outcome, StoreError> {
        let metrics = &self.shared.metrics;
        let permit = match self.batches.clone().try_acquire_owned() {
            Ok(permit) => permit,
            Err(TryAcquireError::Closed) => return Err(StoreError::Closed),
            Err(TryAcquireError::NoPermits) => {
                metrics.busy.inc();
                return Err(StoreError::Busy);
            }
        };
        metrics.queue_batches.inc();
        let shared = self.shared.clone();
        // A task of the store's own thread, so that a caller that gives up does not leave half a batch.
        let batch = self.shared.connector.runtime.spawn(async move {
            let started = Instant::now();
            let result = write::commit(&shared, &plan).await;
            let seconds = started.elapsed().as_secs_f64();
            shared.metrics.commit_seconds.observe(seconds);
            shared.metrics.group_batches.observe(1.0);
            shared.metrics.observe(&result);
            drop(permit);
            result
        });
        batch.await.unwrap_or(Err(StoreError::Closed))
    }

    /// All rows of the queries, those of the first one first, in one flight.
    pub(crate) async fn each<T>(&self, queries: &[Query<T>]) -> Result<Vec<T>, StoreError> {
        let shared = &self.shared;
        let mut is_again = false;
        loop {
            if shared.closed.load(Ordering::Acquire) {
                return Err(StoreError::Closed);
            }
            let lent = shared.readers.take(&shared.connector).await?;
            let found = read(&lent.connection, queries).await;
            match found {
                // The server went away between two reads; it may be back already.
                Err(_) if lent.connection.is_closed() && !is_again => is_again = true,
                found => return found,
            }
        }
    }

    /// Which database this is, without passwords.
    pub(crate) fn name(&self) -> String {
        self.shared.connector.name()
    }

    /// Waits for the batches under way, then ends the thread.
    pub(crate) fn close(&self) {
        let thread = self.thread.lock();
        let Some(thread) = thread.unwrap_or_else(PoisonError::into_inner).take() else {
            return;
        };
        self.shared.closed.store(true, Ordering::Release);
        let (batches, batches_max) = (self.batches.clone(), self.batches_max);
        let idle = self.shared.connector.runtime.spawn(async move {
            let all = batches.acquire_many(batches_max);
            let idle = tokio::time::timeout(CLOSE_WAIT_MAX, all).await.is_ok();
            batches.close();
            idle
        });
        if !block_on(idle).unwrap_or(false) {
            tracing::warn!("the store closes while batches are under way");
        }
        thread.end();
    }
}

impl Drop for PostgresBackend {
    fn drop(&mut self) {
        self.close();
    }
}

/// How the database stands to the migrations. Changes nothing.
pub(crate) fn migration_status(
    config: &PostgresConfig,
) -> Result<Vec<MigrationStatus>, StoreError> {
    let (thread, runtime) = start_thread()?;
    let status = Connector::new(config, runtime, StoreMetrics::default())
        .and_then(|connector| block_on(migrate::state(&connector)));
    thread.end();
    status
}

impl Thread {
    fn end(self) {
        drop(self.stop);
        // A thread that panicked has said so.
        drop(self.handle.join());
    }
}

fn start_thread() -> Result<(Thread, Handle), StoreError> {
    let started = Builder::new_current_thread()
        .enable_all()
        .build()
        .and_then(|runtime| {
            let (stop, stopped) = oneshot::channel::<()>();
            let handle = runtime.handle().clone();
            let thread = std::thread::Builder::new()
                .name("store-postgres".to_owned())
                .spawn(move || {
                    // Ends by the sender's end, which is the only thing that it can say.
                    drop(runtime.block_on(stopped));
                })?;
            Ok((
                Thread {
                    stop,
                    handle: thread,
                },
                handle,
            ))
        });
    started.map_err(|err| StoreError::Database {
        doing: "start the thread of the database's connections",
        source: Arc::new(err),
    })
}

async fn read<T>(connection: &Connection, queries: &[Query<T>]) -> Result<Vec<T>, StoreError> {
    let doing = "read rows";
    let mut calls = Vec::with_capacity(queries.len());
    for query in queries {
        let statement = connection.prepared(query.sql.postgres()).await;
        let statement = statement.map_err(|err| connection.failed(doing, err))?;
        calls.push(write::boxed(async move {
            connection.rows(&statement, &query.params).await
        }));
    }
    let mut found = Vec::new();
    for (rows, query) in write::pipelined(calls).await.into_iter().zip(queries) {
        let rows: Vec<Row> = rows.map_err(|err| connection.failed(doing, err))?;
        for mut row in rows {
            found.push((query.decode)(&mut row).map_err(failed(doing))?);
        }
    }
    Ok(found)
}

/// How long closing waits for the batches under way.
const CLOSE_WAIT_MAX: Duration = Duration::from_secs(10);
