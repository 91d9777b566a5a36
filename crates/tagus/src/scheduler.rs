//! Runs the studio's jobs when they are due: one task that sleeps until the next one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tagus_base::UnixMillis;
use tagus_players::{JobEnd, JobRun, Jobs, RENEW_MS};
use tagus_telemetry::metrics::{Counter, Family, Registry};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};

use crate::api::ApiError;
use crate::gateway::{Gateway, unix_now};
use crate::hooks::{BoxFuture, caught};
use crate::tagus::Tagus;

/// One run of a job.
#[derive(Clone)]
pub struct JobCall {
    /// The server's own functions.
    pub tagus: Tagus,
    /// The job's name.
    pub name: String,
    /// What was planned with it.
    pub payload: String,
    /// The time that this run is for: long ago if the server was down meanwhile.
    pub planned_time: UnixMillis,
    /// Which try it is, from 1.
    pub attempt: u32,
}

pub(crate) type JobFn = Arc<dyn Fn(JobCall) -> BoxFuture<Result<(), ApiError>> + Send + Sync>;

/// The plan, and what of it runs on this node.
pub(crate) struct Scheduler {
    pub(crate) jobs: Jobs,
    wake: Notify,
    /// By numbers that count up.
    running: Mutex<BTreeMap<u64, JobRun>>,
    metrics: JobMetrics,
}

/// What is counted of jobs.
#[derive(Default)]
struct JobMetrics {
    /// Runs by how they ended. Alert on `given_up`.
    runs: Family<[(&'static str, &'static str); 1], Counter>,
}

impl Scheduler {
    pub(crate) fn new(jobs: Jobs) -> Self {
        Self {
            jobs,
            wake: Notify::new(),
            running: Mutex::default(),
            metrics: JobMetrics::default(),
        }
    }

    pub(crate) fn register(&self, registry: &mut Registry) {
        let sub = registry.sub_registry_with_prefix("tagus_jobs");
        let runs = "Runs of scheduled jobs, by how they ended";
        sub.register("runs", runs, self.metrics.runs.clone());
    }

    /// The plan has changed: the next job may be due earlier.
    pub(crate) fn changed(&self) {
        self.wake.notify_one();
    }

    /// Gives back what was cut off, and names it.
    pub(crate) async fn give_back(&self) {
        let cut_off = std::mem::take(&mut *self.running());
        for run in cut_off.into_values() {
            tracing::warn!(name = run.name(), "a job was cut off: it is due again");
            if let Err(error) = self.jobs.give_back(unix_now(), run).await {
                tracing::warn!(%error, "give a job back");
            }
        }
    }

    fn running(&self) -> MutexGuard<'_, BTreeMap<u64, JobRun>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ended(&self, name: &str, end: JobEnd, error: Option<&str>) {
        let outcome = match end {
            JobEnd::Done => "done",
            JobEnd::Retry(_) => "retried",
            JobEnd::GivenUp => "given_up",
            JobEnd::Superseded => "superseded",
        };
        let labels = [("outcome", outcome)];
        self.metrics.runs.get_or_create(&labels).inc();
        match (end, error) {
            (JobEnd::GivenUp, error) => {
                tracing::error!(name, error, "a job failed and is given up")
            }
            (_, Some(error)) => tracing::warn!(name, error, outcome, "a job failed"),
            (_, None) => tracing::debug!(name, outcome, "a job ran"),
        }
    }
}

/// Runs jobs until it is told to stop, and then until those that run have ended.
pub(crate) async fn run(gateway: Arc<Gateway>, mut stopping: watch::Receiver<bool>) {
    let most = gateway.config.server_code.jobs_running_max;
    let mut runs = JoinSet::new();
    let mut number = 0;
    while !*stopping.borrow() {
        let wait = begin(&gateway, &mut runs, &mut number).await;
        let is_full = runs.len() >= most;
        tokio::select! {
            _ = stopping.changed() => {}
            _ = runs.join_next(), if !runs.is_empty() => {}
            () = gateway.scheduler.wake.notified(), if !is_full => {}
            () = tokio::time::sleep(wait), if !is_full => {}
        }
    }
    while runs.join_next().await.is_some() {}
}

/// Begins what is due and fits. Answers how long nothing is due.
async fn begin(gateway: &Arc<Gateway>, runs: &mut JoinSet<()>, number: &mut u64) -> Duration {
    let free = gateway.config.server_code.jobs_running_max - runs.len();
    let free = u32::try_from(free).unwrap_or(u32::MAX);
    if free == 0 {
        return LOOK_WAIT;
    }
    let jobs = &gateway.scheduler.jobs;
    let handlers = &gateway.hooks.code.jobs;
    let begun = jobs.begin(unix_now(), free, |kind| handlers.contains_key(kind));
    let begun = match begun.await {
        Ok(begun) => begun,
        Err(error) => {
            tracing::warn!(%error, "look for jobs that are due");
            return STORE_WAIT;
        }
    };
    for run in begun {
        if let Some(handler) = handlers.get(run.kind()) {
            *number += 1;
            gateway.scheduler.running().insert(*number, run.clone());
            runs.spawn(one(gateway.clone(), handler.clone(), run, *number));
        }
    }
    match jobs.next_due().await {
        Ok(None) => LOOK_WAIT,
        Ok(Some(due)) => {
            let wait = due.0.saturating_sub(unix_now().0);
            Duration::from_millis(wait).min(LOOK_WAIT)
        }
        Err(error) => {
            tracing::warn!(%error, "look for the next job");
            STORE_WAIT
        }
    }
}

async fn one(gateway: Arc<Gateway>, handler: JobFn, run: JobRun, number: u64) {
    let name = run.name().to_owned();
    let call = JobCall {
        tagus: Tagus::of(&gateway),
        name: name.clone(),
        payload: run.payload().to_owned(),
        planned_time: run.planned_time(),
        attempt: run.attempt(),
    };
    let work = caught(async move { handler(call).await });
    let result = watched(&gateway, &run, work).await;
    let error = result.as_ref().err().cloned();
    let scheduler = &gateway.scheduler;
    match scheduler.jobs.end(unix_now(), run, result).await {
        Ok(end) => scheduler.ended(&name, end, error.as_deref()),
        Err(error) => tracing::warn!(name, %error, "end a job: it will run again"),
    }
    scheduler.running().remove(&number);
    scheduler.changed();
}

/// Renews the claim while the work goes on, and ends it when it takes too long.
async fn watched(
    gateway: &Gateway,
    run: &JobRun,
    work: impl Future<Output = Result<Result<(), ApiError>, crate::hooks::Panicked>>,
) -> Result<(), String> {
    let secs_max = gateway.config.server_code.job_secs_max;
    let late = tokio::time::sleep(Duration::from_secs(secs_max));
    let every = Duration::from_millis(RENEW_MS);
    let mut renew = tokio::time::interval_at(Instant::now() + every, every);
    renew.set_missed_tick_behavior(MissedTickBehavior::Delay);
    tokio::pin!(work, late);
    loop {
        tokio::select! {
            done = &mut work => return match done {
                Ok(result) => result.map_err(|error| error.message),
                Err(_) => Err("the handler panicked".to_owned()),
            },
            () = &mut late => return Err(format!("it took longer than {secs_max} s")),
            _ = renew.tick() => {
                match gateway.scheduler.jobs.renew(unix_now(), run).await {
                    Ok(true) => {}
                    Ok(false) => tracing::debug!(name = run.name(), "a job was replaced while it runs"),
                    Err(error) => tracing::warn!(name = run.name(), %error, "renew a job's claim"),
                }
            }
        }
    }
}

/// Longest sleep: another node may have planned a job and died, and calendars are set.
const LOOK_WAIT: Duration = Duration::from_secs(60);
/// Wait after the database failed.
const STORE_WAIT: Duration = Duration::from_secs(1);
