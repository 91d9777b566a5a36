//! Named events of clients and of server code, on their way to the studio's handler: one bounded queue, some workers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tagus_base::UnixMillis;
use tagus_telemetry::metrics::{Counter, Registry};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;

use crate::api::{ApiError, CODE_RESOURCE_EXHAUSTED};
use crate::config::ServerCodeConfig;
use crate::hooks::{BoxFuture, Caller, caught};
use crate::tagus::Tagus;

/// Something that happened, for statistics and the like.
#[derive(Clone, Debug, Default)]
pub struct Event {
    /// Its name.
    pub name: String,
    /// What there is to say about it.
    pub properties: BTreeMap<String, String>,
    /// When it happened, as its sender says.
    pub time: UnixMillis,
    /// Whether it came from a client, which may say anything.
    pub external: bool,
    /// Who sent it; nobody for server code.
    pub caller: Caller,
}

pub(crate) type EventFn = Arc<dyn Fn(Tagus, Event) -> BoxFuture<()> + Send + Sync>;

/// The queue. Without a handler events are taken and forgotten.
pub(crate) struct Events {
    has_handler: bool,
    /// None without a handler, and after the end.
    sender: Mutex<Option<mpsc::Sender<Queued>>>,
    /// None after the start of the workers.
    source: Mutex<Option<EventSource>>,
    bytes: Arc<Semaphore>,
    metrics: EventMetrics,
}

/// An event that waits, and its share of the bytes that may wait.
struct Queued {
    event: Event,
    share: OwnedSemaphorePermit,
}

/// What is counted of events.
#[derive(Default)]
struct EventMetrics {
    /// Events taken into the queue.
    queued: Counter,
    /// Events that a worker took. Those that wait are the difference.
    begun: Counter,
    /// Events refused because the queue was full. Alert when it rises: more workers, or a quicker handler.
    dropped: Counter,
    /// Events whose handler panicked.
    failed: Counter,
}

impl EventMetrics {
    fn register(&self, registry: &mut Registry) {
        let sub = registry.sub_registry_with_prefix("tagus_events");
        sub.register("queued", "Events taken into the queue", self.queued.clone());
        let begun = "Events that a worker took from the queue";
        sub.register("begun", begun, self.begun.clone());
        let full = "Events refused because the queue was full";
        sub.register("dropped", full, self.dropped.clone());
        let failed = "Events whose handler panicked";
        sub.register("failed", failed, self.failed.clone());
    }
}

/// The queue's other end, until its workers start.
struct EventSource {
    receiver: mpsc::Receiver<Queued>,
    handler: EventFn,
    workers: usize,
}

impl Events {
    pub(crate) fn new(config: &ServerCodeConfig, handler: Option<EventFn>) -> Self {
        let (sender, source) = match handler {
            None => (None, None),
            Some(handler) => {
                let (sender, receiver) = mpsc::channel(config.events_queue_max);
                let workers = config.event_workers;
                let source = EventSource {
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
            metrics: EventMetrics::default(),
        }
    }

    pub(crate) fn register(&self, registry: &mut Registry) {
        self.metrics.register(registry);
    }

    /// Starts the workers; they end after [`Self::close`], or when the set is dropped.
    pub(crate) fn start(&self, tagus: &Tagus) -> JoinSet<()> {
        let mut source = self.source.lock().unwrap_or_else(PoisonError::into_inner);
        let mut workers = JoinSet::new();
        if let Some(source) = source.take() {
            let receiver = Arc::new(tokio::sync::Mutex::new(source.receiver));
            for _ in 0..source.workers {
                let (receiver, handler) = (receiver.clone(), source.handler.clone());
                workers.spawn(work(tagus.clone(), receiver, handler));
            }
        }
        workers
    }

    /// Events that wait.
    pub(crate) fn waiting(&self) -> u64 {
        self.metrics
            .queued
            .get()
            .saturating_sub(self.metrics.begun.get())
    }

    /// Takes an event.
    ///
    /// # Errors
    /// RESOURCE_EXHAUSTED where the queue is full, UNAVAILABLE when the server stops.
    pub(crate) fn send(&self, event: Event) -> Result<(), ApiError> {
        let sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(sender) = sender.as_ref() else {
            return if self.has_handler {
                Err(ApiError::unavailable("The server stops."))
            } else {
                Ok(())
            };
        };
        let bytes = bytes_of(&event);
        let queued = self.bytes.clone().try_acquire_many_owned(bytes).ok();
        let queued = queued.and_then(|share| sender.try_send(Queued { event, share }).ok());
        if queued.is_none() {
            self.metrics.dropped.inc();
            let text = "Too many events, try again later.";
            return Err(ApiError::new(CODE_RESOURCE_EXHAUSTED, text));
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

async fn work(
    tagus: Tagus,
    receiver: Arc<tokio::sync::Mutex<mpsc::Receiver<Queued>>>,
    handler: EventFn,
) {
    loop {
        let next = receiver.lock().await.recv().await;
        let Some(Queued { event, share }) = next else {
            return;
        };
        drop(share);
        tagus.gateway.events.metrics.begun.inc();
        let name = event.name.clone();
        let handled = {
            let (tagus, handler) = (tagus.clone(), handler.clone());
            caught(async move { handler(tagus, event).await })
        };
        if handled.await.is_err() {
            tracing::error!(name, "the handler of an event panicked");
            tagus.gateway.events.metrics.failed.inc();
        }
    }
}

/// Bytes of the texts, and something for each of them.
fn bytes_of(event: &Event) -> u32 {
    let pairs = event.properties.iter();
    let texts: usize = pairs
        .map(|(key, value)| key.len() + value.len() + TEXT_BYTES)
        .sum();
    u32::try_from(texts + event.name.len() + TEXT_BYTES).unwrap_or(u32::MAX)
}

/// What an event or a property takes beside its text.
const TEXT_BYTES: usize = 64;
