//! Work for the studio's handlers that nobody waits for: one bounded queue for each kind, some workers.

use std::sync::{Arc, Mutex, PoisonError};

use tagus_telemetry::metrics::{Counter, Registry};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;

use crate::config::ServerCodeConfig;
use crate::hooks::{BoxFuture, caught};
use crate::tagus::Tagus;

/// Something that waits for a handler.
pub(crate) trait Work: Send + 'static {
    /// Prefix of the queue's metrics.
    const METRICS: &'static str;

    /// What it is called in the log.
    fn name(&self) -> String;

    /// Bytes of its texts, and something for each of them.
    fn bytes(&self) -> usize;
}

pub(crate) type WorkFn<T> = Arc<dyn Fn(Tagus, T) -> BoxFuture<()> + Send + Sync>;

/// The queue. Without a handler work is taken and forgotten.
pub(crate) struct WorkQueue<T> {
    has_handler: bool,
    /// None without a handler, and after the end.
    sender: Mutex<Option<mpsc::Sender<Queued<T>>>>,
    /// None after the start of the workers.
    source: Mutex<Option<Source<T>>>,
    bytes: Arc<Semaphore>,
    metrics: WorkMetrics,
}

/// Work that waits, and its share of the bytes that may wait.
struct Queued<T> {
    work: T,
    share: OwnedSemaphorePermit,
}

/// The queue's other end, until its workers start.
struct Source<T> {
    receiver: mpsc::Receiver<Queued<T>>,
    handler: WorkFn<T>,
    workers: usize,
}

/// Why work was not taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum NotTaken {
    /// Too much waits.
    Full,
    /// The server stops.
    Closed,
}

/// What is counted.
#[derive(Clone, Default)]
struct WorkMetrics {
    /// Taken into the queue.
    queued: Counter,
    /// Taken by a worker. What waits is the difference.
    begun: Counter,
    /// Refused because the queue was full. Alert when it rises: more workers, or a quicker handler.
    dropped: Counter,
    /// Whose handler panicked.
    failed: Counter,
}

impl<T: Work> WorkQueue<T> {
    pub(crate) fn new(config: &ServerCodeConfig, handler: Option<WorkFn<T>>) -> Self {
        let (sender, source) = match handler {
            None => (None, None),
            Some(handler) => {
                let (sender, receiver) = mpsc::channel(config.events_queue_max);
                let workers = config.event_workers;
                let source = Source {
                    receiver,
                    handler,
                    workers,
                };
                (Some(sender), Some(source))
            }
        };
        Self {
            has_handler: sender.is_some(),
            sender: Mutex::new(sender),
            source: Mutex::new(source),
            bytes: Arc::new(Semaphore::new(config.events_queue_bytes_max as usize)),
            metrics: WorkMetrics::default(),
        }
    }

    pub(crate) fn register(&self, registry: &mut Registry) {
        let sub = registry.sub_registry_with_prefix(T::METRICS);
        let metrics = &self.metrics;
        sub.register("queued", "Taken into the queue", metrics.queued.clone());
        let begun = "Taken from the queue by a worker";
        sub.register("begun", begun, metrics.begun.clone());
        let full = "Refused because the queue was full";
        sub.register("dropped", full, metrics.dropped.clone());
        let failed = "Whose handler panicked";
        sub.register("failed", failed, metrics.failed.clone());
    }

    /// Starts the workers; they end after [`Self::close`], or when the set is dropped.
    pub(crate) fn start(&self, tagus: &Tagus) -> JoinSet<()> {
        let mut source = self.source.lock().unwrap_or_else(PoisonError::into_inner);
        let mut workers = JoinSet::new();
        if let Some(source) = source.take() {
            let receiver = Arc::new(tokio::sync::Mutex::new(source.receiver));
            for _ in 0..source.workers {
                let (receiver, handler) = (receiver.clone(), source.handler.clone());
                let metrics = self.metrics.clone();
                workers.spawn(run(tagus.clone(), receiver, handler, metrics));
            }
        }
        workers
    }

    /// How much waits.
    pub(crate) fn waiting(&self) -> u64 {
        let queued = self.metrics.queued.get();
        queued.saturating_sub(self.metrics.begun.get())
    }

    /// Takes work, without waiting.
    pub(crate) fn send(&self, work: T) -> Result<(), NotTaken> {
        let sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(sender) = sender.as_ref() else {
            return if self.has_handler {
                Err(NotTaken::Closed)
            } else {
                Ok(())
            };
        };
        let bytes = u32::try_from(work.bytes()).unwrap_or(u32::MAX);
        let share = self.bytes.clone().try_acquire_many_owned(bytes).ok();
        let queued = share.and_then(|share| sender.try_send(Queued { work, share }).ok());
        if queued.is_none() {
            self.metrics.dropped.inc();
            return Err(NotTaken::Full);
        }
        self.metrics.queued.inc();
        Ok(())
    }

    /// Takes no more; the workers end when they have handled what waits.
    pub(crate) fn close(&self) {
        let mut sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner);
        *sender = None;
    }
}

async fn run<T: Work>(
    tagus: Tagus,
    receiver: Arc<tokio::sync::Mutex<mpsc::Receiver<Queued<T>>>>,
    handler: WorkFn<T>,
    metrics: WorkMetrics,
) {
    loop {
        let next = receiver.lock().await.recv().await;
        let Some(Queued { work, share }) = next else {
            return;
        };
        drop(share);
        metrics.begun.inc();
        let name = work.name();
        let handled = {
            let (tagus, handler) = (tagus.clone(), handler.clone());
            caught(async move { handler(tagus, work).await })
        };
        if handled.await.is_err() {
            tracing::error!(queue = T::METRICS, name, "a handler panicked");
            metrics.failed.inc();
        }
    }
}

/// What one piece of work or a property takes beside its text.
pub(crate) const TEXT_BYTES: usize = 64;
