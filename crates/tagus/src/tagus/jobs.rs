//! Planned work and events, for server code.

use tagus_base::UnixMillis;
use tagus_players::{Every, Job, NewJob};

use super::Tagus;
use crate::api::ApiError;
use crate::events::Event;
use crate::gateway::unix_now;

impl Tagus {
    /// Plans a job for one time, in the place of any other job of its name. A time that is over is due at once.
    /// It is kept in the database and run at least once, by one of the servers that use it.
    ///
    /// # Errors
    /// NOT_FOUND for a kind that [`crate::Server::job`] does not know, INVALID_ARGUMENT for a name of more than 128
    /// bytes or a payload of more than 64 KiB.
    pub async fn schedule_at(&self, job: NewJob<'_>, at: UnixMillis) -> Result<(), ApiError> {
        self.check_kind(job.kind)?;
        let scheduler = &self.gateway.scheduler;
        scheduler.jobs.put_at(job, at).await?;
        scheduler.changed();
        Ok(())
    }

    /// Plans a job for again and again. A job of this name that repeats in the same way keeps its next time, so that
    /// this may be called at every start. Times at which no server was up are made up for by one run.
    ///
    /// # Errors
    /// As [`Tagus::schedule_at`], and INVALID_ARGUMENT for a period that is not between a second and ten years.
    pub async fn schedule_every(
        &self,
        job: NewJob<'_>,
        every: impl Into<Every>,
    ) -> Result<(), ApiError> {
        self.check_kind(job.kind)?;
        let scheduler = &self.gateway.scheduler;
        scheduler
            .jobs
            .put_every(unix_now(), job, &every.into())
            .await?;
        scheduler.changed();
        Ok(())
    }

    /// Forgets a job; answers whether there was one. A run that is under way goes on to its end.
    ///
    /// # Errors
    /// The database failed.
    pub async fn unschedule(&self, name: &str) -> Result<bool, ApiError> {
        Ok(self.gateway.scheduler.jobs.remove(name).await?)
    }

    /// Jobs after the given name, in order of their names; also those that were given up.
    ///
    /// # Errors
    /// A limit that is not in 1..=1000.
    pub async fn scheduled(&self, after: &str, limit: u32) -> Result<Vec<Job>, ApiError> {
        Ok(self.gateway.scheduler.jobs.list(after, limit).await?)
    }

    /// Hands an event to the handler of [`crate::Server::on_event`], which runs later; without one it is forgotten.
    ///
    /// # Errors
    /// RESOURCE_EXHAUSTED when too many wait; the event was dropped and counted.
    pub fn event(&self, event: Event) -> Result<(), ApiError> {
        Ok(self.gateway.events.send(event)?)
    }

    fn check_kind(&self, kind: &str) -> Result<(), ApiError> {
        if self.gateway.hooks.code.jobs.contains_key(kind) {
            return Ok(());
        }
        Err(ApiError::not_found(format!(
            "no handler for jobs of the kind {kind:?} is registered"
        )))
    }
}
