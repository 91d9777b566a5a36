//! The rows in a file: one writer thread, some connections for reads.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use crate::config::SqliteConfig;
use crate::error::StoreError;
use crate::metrics::StoreMetrics;
use crate::sql::Plan;
use crate::sqlite::pool::Pool;
use crate::sqlite::writer::{Answer, Job, Writer};
use crate::sqlite::{Connection, file_failed, migrate, open_to_read, open_to_write};

#[derive(Debug)]
pub(crate) struct FileBackend {
    path: PathBuf,
    /// None after close, which is how the writer learns of it.
    queue: Mutex<Option<SyncSender<Job>>>,
    writer: Mutex<Option<JoinHandle<Result<(), StoreError>>>>,
    readers: Arc<Pool>,
    metrics: StoreMetrics,
}

impl FileBackend {
    pub(crate) fn open(config: &SqliteConfig, metrics: StoreMetrics) -> Result<Self, StoreError> {
        if let Some(fault) = config.fault() {
            return Err(StoreError::Config(fault));
        }
        let lock = lock(&config.path)?;
        let mut connection = open_to_write(config)?;
        migrate::run(&mut connection)?;
        let readers = (0..config.readers).map(|_| open_to_read(config));
        let readers = Arc::new(Pool::new(readers.collect::<Result<_, _>>()?));
        let (queue, jobs) = sync_channel(config.queue_batches_max);
        let writer = Writer::new(
            (connection, lock),
            jobs,
            readers.clone(),
            config,
            metrics.clone(),
        );
        let writer = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || writer.run())
            .map_err(file_failed("start the writer of", &config.path))?;
        Ok(Self {
            path: config.path.clone(),
            queue: Mutex::new(Some(queue)),
            writer: Mutex::new(Some(writer)),
            readers,
            metrics,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Hands a batch to the writer, which calls `answer` once; where it cannot, it drops it.
    pub(crate) fn enqueue(&self, plan: Plan, answer: Answer) -> Result<(), StoreError> {
        let queue = self.queue.lock();
        let queue = queue.unwrap_or_else(PoisonError::into_inner);
        let job = Job {
            plan,
            answer,
            arrived: Instant::now(),
        };
        // Counted before the writer can take it, so that the gauge never falls below 0.
        self.metrics.queue_batches.inc();
        let sent = queue.as_ref().ok_or(StoreError::Closed).and_then(|queue| {
            queue.try_send(job).map_err(|err| match err {
                TrySendError::Full(_) => StoreError::Busy,
                TrySendError::Disconnected(_) => StoreError::Closed,
            })
        });
        if let Err(err) = &sent {
            self.metrics.queue_batches.dec();
            if matches!(err, StoreError::Busy) {
                self.metrics.busy.inc();
            }
        }
        sent
    }

    pub(crate) fn with_reader<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.readers.with(work)
    }

    pub(crate) fn close(&self) -> Result<(), StoreError> {
        let queue = self.queue.lock();
        *queue.unwrap_or_else(PoisonError::into_inner) = None;
        self.readers.close();
        let writer = self.writer.lock();
        let writer = writer.unwrap_or_else(PoisonError::into_inner).take();
        // A writer that panicked has nothing more to say than its callers, who got `Closed`.
        writer.map_or(Ok(()), |writer| {
            writer.join().unwrap_or(Err(StoreError::Closed))
        })
    }
}

impl Drop for FileBackend {
    fn drop(&mut self) {
        if let Err(err) = self.close() {
            tracing::warn!(
                error = &err as &dyn std::error::Error,
                "the store did not close cleanly"
            );
        }
    }
}

/// Keeps other servers away from the database at `path` for as long as the file lives; the system lets go of it
/// when the process ends, however it ends.
pub(crate) fn lock(path: &Path) -> Result<File, StoreError> {
    let lock_path = beside(path, "-lock");
    let doing = "lock the database with";
    let file = File::create(&lock_path).map_err(file_failed(doing, &lock_path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse {
            path: path.to_owned(),
        }),
        Err(TryLockError::Error(err)) => Err(file_failed(doing, &lock_path)(err)),
    }
}

/// The file beside `path` whose name has `suffix` more.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
