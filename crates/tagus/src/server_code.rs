//! What a studio's own server registers beside games, RPC functions and hooks, and how it runs.

use std::collections::{BTreeSet, HashMap};
use std::future::Future;
use std::sync::Arc;

use tagus_telemetry::metrics::Registry;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, timeout_at};

use crate::api::ApiError;
use crate::events::{Event, SentNotification};
use crate::gateway::Gateway;
use crate::hooks::{BoxFuture, caught};
use crate::routes::{HttpCall, HttpReply, Routes};
use crate::scheduler::{self, JobCall, JobFn};
use crate::server::Server;
use crate::storage_index::Declared;
use crate::tagus::Tagus;
use crate::work_queue::WorkFn;

type StartFn = Box<dyn Fn(Tagus) -> BoxFuture<Result<(), ApiError>> + Send + Sync>;
type ShutdownFn = Arc<dyn Fn(Tagus) -> BoxFuture<()> + Send + Sync>;

/// See the module.
#[derive(Default)]
pub(crate) struct ServerCode {
    pub(crate) routes: Routes,
    pub(crate) jobs: HashMap<String, JobFn>,
    pub(crate) event: Option<WorkFn<Event>>,
    pub(crate) notification: Option<WorkFn<SentNotification>>,
    pub(crate) storage_indexes: Declared,
    pub(crate) guarded_collections: BTreeSet<String>,
    start: Vec<StartFn>,
    shutdown: Vec<(String, ShutdownFn)>,
}

impl Server {
    /// Runs `handler` for each event that a client or server code sends, some at once and in no certain order.
    #[must_use]
    pub fn on_event<F, Fut>(mut self, handler: F) -> Self
    where
        F: Fn(Tagus, Event) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.hooks.code.event = Some(Arc::new(move |tagus, event| {
            Box::pin(handler(tagus, event))
        }));
        self
    }

    /// Runs `handler` for each notification once it was sent, for a service that pushes to phones: it is told whether
    /// the receiver hears it anyway. Some run at once and in no certain order; where too many wait, the handler is
    /// spared those that are new, and they are counted. What is persistent waits for its receiver in any case.
    #[must_use]
    pub fn notification_sink<F, Fut>(mut self, handler: F) -> Self
    where
        F: Fn(Tagus, SentNotification) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.hooks.code.notification = Some(Arc::new(move |tagus, notification| {
            Box::pin(handler(tagus, notification))
        }));
        self
    }

    /// Answers HTTP requests of one method (`GET`, which is also `HEAD`, `POST`, `PUT`, `DELETE`) to a path.
    /// A part of the path in braces is a parameter: `/shop/{id}`. The first route that suits answers, after the API's
    /// own paths and before pages. An error becomes the answer that API calls have; a panic is answered 500.
    #[must_use]
    pub fn route<F, Fut>(mut self, method: &str, path: &str, handler: F) -> Self
    where
        F: Fn(HttpCall) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<HttpReply, ApiError>> + Send + 'static,
    {
        let handler = Arc::new(move |call| -> BoxFuture<_> { Box::pin(handler(call)) });
        self.hooks.code.routes.add(method, path, handler);
        self
    }

    /// Lets only server code write objects of this collection, for what players own and must not make up. Reading is as the
    /// objects' permissions say.
    #[must_use]
    pub fn guarded_collection(mut self, name: &str) -> Self {
        self.hooks.code.guarded_collections.insert(name.to_owned());
        self
    }

    /// Says how jobs of a kind are done, which [`Tagus::schedule_at`] and [`Tagus::schedule_every`] plan.
    /// A run that fails, panics or is cut off is done again, so it should do no harm twice.
    #[must_use]
    pub fn job<F, Fut>(mut self, kind: &str, handler: F) -> Self
    where
        F: Fn(JobCall) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), ApiError>> + Send + 'static,
    {
        let handler = Arc::new(move |call| -> BoxFuture<_> { Box::pin(handler(call)) });
        self.hooks.code.jobs.insert(kind.to_owned(), handler);
        self
    }

    /// Runs `handler` at each start before anybody can connect; handlers run in the order in which they were added.
    /// An error ends the start.
    #[must_use]
    pub fn on_start<F, Fut>(mut self, handler: F) -> Self
    where
        F: Fn(Tagus) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), ApiError>> + Send + 'static,
    {
        let handler = move |tagus| -> BoxFuture<_> { Box::pin(handler(tagus)) };
        self.hooks.code.start.push(Box::new(handler));
        self
    }

    /// Runs `handler` when the server stops: after the rooms were told, while the database is open, within
    /// `grace_ms`. Handlers run at once; one that takes longer is cut off and its name is logged.
    #[must_use]
    pub fn on_shutdown<F, Fut>(mut self, name: &str, handler: F) -> Self
    where
        F: Fn(Tagus) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let handler = Arc::new(move |tagus| -> BoxFuture<()> { Box::pin(handler(tagus)) });
        self.hooks.code.shutdown.push((name.to_owned(), handler));
        self
    }
}

/// The tasks of server code.
pub(crate) struct Running {
    gateway: Arc<Gateway>,
    scheduler: JoinHandle<()>,
    stopping: watch::Sender<bool>,
    /// Of the events and of the notifications' sink.
    workers: [JoinSet<()>; 2],
}

impl Running {
    /// Runs the handlers of the start, then starts the workers and the scheduler.
    pub(crate) async fn start(
        gateway: &Arc<Gateway>,
        registry: &mut Registry,
    ) -> Result<Self, ApiError> {
        gateway.events.register(registry);
        gateway.sent_notifications.register(registry);
        gateway.scheduler.register(registry);
        gateway.remotes.register(registry);
        gateway.matchmaker.register(registry);
        let tagus = Tagus::of(gateway);
        for handler in &gateway.hooks.code.start {
            handler(tagus.clone()).await?;
        }
        let (stopping, stop) = watch::channel(false);
        Ok(Self {
            workers: [
                gateway.events.start(&tagus),
                gateway.sent_notifications.start(&tagus),
            ],
            scheduler: tokio::spawn(scheduler::run(gateway.clone(), stop)),
            stopping,
            gateway: gateway.clone(),
        })
    }

    /// Runs the handlers of the end and lets jobs and events come to theirs, until the deadline.
    pub(crate) async fn stop(mut self, deadline: Instant) {
        self.stopping.send_replace(true);
        shut_down(&self.gateway, deadline).await;
        if timeout_at(deadline, &mut self.scheduler).await.is_err() {
            self.scheduler.abort();
            // Its end, so that none of its jobs runs on.
            drop(self.scheduler.await);
        }
        self.gateway.scheduler.give_back().await;
        let (events, sent) = (&self.gateway.events, &self.gateway.sent_notifications);
        events.close();
        sent.close();
        let drained = async {
            for workers in &mut self.workers {
                while workers.join_next().await.is_some() {}
            }
        };
        drop(timeout_at(deadline, drained).await);
        let (events, notifications) = (events.waiting(), sent.waiting());
        if events + notifications > 0 {
            tracing::warn!(events, notifications, "not handled before the end");
        }
    }
}

/// Runs all handlers of the end at once, and names those that are late or panicked.
async fn shut_down(gateway: &Arc<Gateway>, deadline: Instant) {
    let mut handlers = JoinSet::new();
    for (name, handler) in &gateway.hooks.code.shutdown {
        let (name, handler) = (name.clone(), handler.clone());
        let tagus = Tagus::of(gateway);
        let run = caught(async move { handler(tagus).await });
        handlers.spawn(async move {
            match timeout_at(deadline, run).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => tracing::error!(name, "a handler of the shutdown panicked"),
                Err(_) => tracing::warn!(name, "a handler of the shutdown was late and is cut off"),
            }
        });
    }
    while handlers.join_next().await.is_some() {}
}
