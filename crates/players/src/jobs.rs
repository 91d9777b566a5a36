//! Work that is planned for a time, and survives the server: when it is due, who runs it, and what a failure means.
//!
//! A job is run at least once for each of its times. Whoever runs it claims it for [`CLAIM_MS`] in the database and
//! renews the claim while the work goes on; when a server dies, the claim ends and the job is due again.
//! Times are those of the server that asks. Servers on one database may differ in their clocks by less than
//! [`CLAIM_MS`] minus [`RENEW_MS`]; where they differ by more, a job that takes long may run twice at once.

use std::time::Duration;

use tagus_base::{UnixMillis, Uuid};
use tagus_store::{Batch, Conflict, JobOp, JobRow, Store, StoreError};

use crate::{PlayersError, Random, Schedule, random_uuid};

/// Bytes of a job's name, and of its kind (1 to this many).
pub const JOB_NAME_BYTES_MAX: usize = 128;
/// Bytes of a job's payload; a longer one is refused.
pub const JOB_PAYLOAD_BYTES_MAX: usize = 65_536;
/// Runs begun for one time of a job; when the last one fails it is given up.
pub const JOB_ATTEMPTS_MAX: u32 = 10;
/// Jobs listed at once.
pub const JOBS_LIST_MAX: u32 = 1_000;
/// How long a claim holds, in milliseconds: so long after a server died its jobs are due again.
pub const CLAIM_MS: u64 = 30_000;
/// How often a claim is to be renewed, in milliseconds.
pub const RENEW_MS: u64 = 10_000;

/// How a job repeats.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Every {
    /// At a distance of so many milliseconds (1,000 to [`PERIOD_MS_MAX`]), counted from when it was planned first.
    Millis(u64),
    /// At the times of a schedule.
    Cron(Schedule),
}

/// What is planned.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NewJob<'a> {
    /// Its name; a job of this name is replaced.
    pub name: &'a str,
    /// What kind of work it is.
    pub kind: &'a str,
    /// What the work is given.
    pub payload: &'a str,
}

/// A job as it stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Job {
    /// Its name.
    pub name: String,
    /// What kind of work it is.
    pub kind: String,
    /// What the work is given.
    pub payload: String,
    /// How it repeats; none: it is done once.
    pub every: Option<Every>,
    /// The time that it is done for.
    pub planned_time: UnixMillis,
    /// Runs begun for that time.
    pub attempts: u32,
    /// How it stands.
    pub state: JobState,
    /// Why its last run failed; empty when it did not. A repeated job keeps it until its next run.
    pub error: String,
}

/// How a job stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum JobState {
    /// It is due at this time.
    Waiting(UnixMillis),
    /// It runs, or its server died and it is due again at this time.
    Running(UnixMillis),
    /// It was given up, and stays until it is planned anew or removed.
    Failed,
}

/// A run that was begun and must be ended by [`Jobs::end`] or [`Jobs::give_back`].
#[derive(Clone, Debug)]
pub struct JobRun {
    row: JobRow,
    claim: Uuid,
}

impl JobRun {
    /// The job's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.row.name
    }

    /// What kind of work it is.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.row.kind
    }

    /// What the work is given.
    #[must_use]
    pub fn payload(&self) -> &str {
        &self.row.payload
    }

    /// The time that it is done for.
    #[must_use]
    pub const fn planned_time(&self) -> UnixMillis {
        self.row.planned_time
    }

    /// Which try it is, from 1.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        count(self.row.attempts)
    }
}

/// What became of a run that ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum JobEnd {
    /// The job is done, or planned for its next time.
    Done,
    /// It failed and is tried again at this time.
    Retry(UnixMillis),
    /// It failed once too often: it was given up, or goes on with its next time if it repeats.
    GivenUp,
    /// The job was planned anew or removed while it ran, or somebody else runs it: nothing was changed.
    Superseded,
}

/// The plan of all jobs. Cheap to clone.
#[derive(Clone)]
pub struct Jobs {
    store: Store,
    random: Random,
}

impl Jobs {
    /// The plan in this store.
    #[must_use]
    pub const fn new(store: Store, random: Random) -> Self {
        Self { store, random }
    }

    /// Plans a job for one time, in the place of any other of its name. A time that is over is due at once.
    ///
    /// # Errors
    /// A name, kind or payload out of its range; the database.
    pub async fn put_at(&self, new: NewJob<'_>, at: UnixMillis) -> Result<(), PlayersError> {
        self.put(new, None, at).await
    }

    /// Plans a job for again and again. A job of this name that repeats in the same way keeps its next time, so that
    /// this may be said at every start.
    ///
    /// # Errors
    /// A name, kind, payload or period out of its range; the database.
    pub async fn put_every(
        &self,
        now: UnixMillis,
        new: NewJob<'_>,
        every: &Every,
    ) -> Result<(), PlayersError> {
        every.check()?;
        let first = every
            .next_after(now, now)
            .ok_or(PlayersError::InvalidArgument("The job would never run."))?;
        self.put(new, Some(every.text()), first).await
    }

    async fn put(
        &self,
        new: NewJob<'_>,
        period: Option<String>,
        first: UnixMillis,
    ) -> Result<(), PlayersError> {
        check(&new)?;
        let row = JobRow {
            name: new.name.to_owned(),
            kind: new.kind.to_owned(),
            payload: new.payload.to_owned(),
            period,
            due_time: first,
            planned_time: first,
            attempts: 0,
            error: String::new(),
            claim: None,
            is_failed: false,
        };
        self.commit(JobOp::Put(Box::new(row)).into(), "plan a job")
            .await
            .map(drop)
    }

    /// Forgets a job; answers whether there was one. A run that is under way goes on to its end.
    ///
    /// # Errors
    /// The database.
    pub async fn remove(&self, name: &str) -> Result<bool, PlayersError> {
        let name = name.to_owned();
        let op = JobOp::Delete { name };
        self.commit(op.into(), "remove a job").await
    }

    /// Jobs after the given name in order of their names, at most `limit`.
    ///
    /// # Errors
    /// A limit that is not in 1..=[`JOBS_LIST_MAX`]; the database.
    pub async fn list(&self, after: &str, limit: u32) -> Result<Vec<Job>, PlayersError> {
        if !(1..=JOBS_LIST_MAX).contains(&limit) {
            return Err(PlayersError::InvalidArgument(
                "Invalid limit - limit must be between 1 and 1000.",
            ));
        }
        let rows = self.store.jobs(after, limit).await;
        let rows = rows.map_err(|source| failed("list jobs", source))?;
        Ok(rows.into_iter().map(Job::from).collect())
    }

    /// When the next job is due; none when there is none.
    ///
    /// # Errors
    /// The database.
    pub async fn next_due(&self) -> Result<Option<UnixMillis>, PlayersError> {
        let next = self.store.job_next_due().await;
        next.map_err(|source| failed("find the next job", source))
    }

    /// Begins what is due, at most `limit` runs. Jobs of a kind that is not `known` are put off by [`UNKNOWN_MS`]:
    /// another server may know them.
    ///
    /// # Errors
    /// The database, before any run was begun.
    pub async fn begin(
        &self,
        now: UnixMillis,
        limit: u32,
        known: impl Fn(&str) -> bool,
    ) -> Result<Vec<JobRun>, PlayersError> {
        let due = self.store.jobs_due(now, limit).await;
        let mut begun = Vec::new();
        for mut row in due.map_err(|source| failed("find due jobs", source))? {
            let claim = known(&row.kind).then(|| random_uuid(&self.random));
            let wait = if claim.is_some() {
                CLAIM_MS
            } else {
                UNKNOWN_MS
            };
            let op = JobOp::Claim {
                name: row.name.clone(),
                seen_due: row.due_time,
                claim,
                until: plus(now, wait),
            };
            let won = match self.commit(op.into(), "begin a job").await {
                Ok(won) => won,
                Err(error) if begun.is_empty() => return Err(error),
                Err(error) => {
                    // What was begun must be run; the others are still due.
                    tracing::warn!(%error, "begin a job");
                    break;
                }
            };
            match claim {
                Some(claim) if won => {
                    row.attempts = row.attempts.saturating_add(1);
                    begun.push(JobRun { row, claim });
                }
                Some(_) => {}
                None => {
                    let (name, kind) = (row.name, row.kind);
                    tracing::warn!(
                        name,
                        kind,
                        "a job is due that this server has no handler for"
                    );
                }
            }
        }
        Ok(begun)
    }

    /// Keeps a run's claim for another [`CLAIM_MS`]. Answers whether the run is still this one's.
    ///
    /// # Errors
    /// The database.
    pub async fn renew(&self, now: UnixMillis, run: &JobRun) -> Result<bool, PlayersError> {
        let op = JobOp::Renew {
            name: run.row.name.clone(),
            claim: run.claim,
            until: plus(now, CLAIM_MS),
        };
        self.commit(op.into(), "go on with a job").await
    }

    /// Ends a run: forgets the job, or plans its next time, or another try.
    ///
    /// # Errors
    /// The database; then the job is due again when the claim ends.
    pub async fn end(
        &self,
        now: UnixMillis,
        run: JobRun,
        result: Result<(), String>,
    ) -> Result<JobEnd, PlayersError> {
        let JobRun { mut row, claim } = run;
        let (op, end) = match (result, next_time(&row, now)) {
            (Ok(()), None) => {
                let name = row.name;
                (JobOp::Done { name, claim }, JobEnd::Done)
            }
            (Ok(()), Some(next)) => {
                row.error.clear();
                (go_on(row, claim, next), JobEnd::Done)
            }
            (Err(error), next) => {
                row.error = shortened(error);
                let attempts = count(row.attempts);
                if attempts < JOB_ATTEMPTS_MAX {
                    let at = plus(now, retry_ms(attempts));
                    row.due_time = at;
                    let row = Box::new(row);
                    (JobOp::End { row, claim }, JobEnd::Retry(at))
                } else if let Some(next) = next {
                    (go_on(row, claim, next), JobEnd::GivenUp)
                } else {
                    row.is_failed = true;
                    let row = Box::new(row);
                    (JobOp::End { row, claim }, JobEnd::GivenUp)
                }
            }
        };
        let won = self.commit(op.into(), "end a job").await?;
        Ok(if won { end } else { JobEnd::Superseded })
    }

    /// Ends a run that was cut off, as if it had not begun: the job is due at once.
    ///
    /// # Errors
    /// The database; then the job is due again when the claim ends.
    pub async fn give_back(&self, now: UnixMillis, run: JobRun) -> Result<(), PlayersError> {
        let JobRun { mut row, claim } = run;
        row.attempts = row.attempts.saturating_sub(1);
        row.due_time = now;
        let row = Box::new(row);
        let op = JobOp::End { row, claim };
        self.commit(op.into(), "give a job back").await.map(drop)
    }

    /// Whether the precondition held.
    async fn commit(&self, batch: Batch, attempt: &'static str) -> Result<bool, PlayersError> {
        match self.store.commit(batch).await {
            Ok(_) => Ok(true),
            Err(error) => match error.conflict() {
                Some(Conflict::Changed | Conflict::Missing) => Ok(false),
                _ => Err(failed(attempt, error)),
            },
        }
    }
}

impl From<Duration> for Every {
    fn from(period: Duration) -> Self {
        Self::Millis(u64::try_from(period.as_millis()).unwrap_or(u64::MAX))
    }
}

impl From<Schedule> for Every {
    fn from(schedule: Schedule) -> Self {
        Self::Cron(schedule)
    }
}

impl Every {
    /// The first time after `now`, for a period on the grid through `planned`; none where there is no such time.
    #[must_use]
    pub fn next_after(&self, planned: UnixMillis, now: UnixMillis) -> Option<UnixMillis> {
        match self {
            Self::Millis(period) => {
                let missed = now.0.saturating_sub(planned.0) / period.max(&1);
                let steps = missed.checked_add(1)?;
                let next = planned.0.checked_add(steps.checked_mul(*period)?)?;
                Some(UnixMillis(next))
            }
            Self::Cron(schedule) => {
                let next = schedule.next_after(now.as_secs())?;
                Some(UnixMillis::default().plus_secs(next))
            }
        }
    }

    fn check(&self) -> Result<(), PlayersError> {
        match self {
            Self::Millis(PERIOD_MS_MIN..=PERIOD_MS_MAX) | Self::Cron(_) => Ok(()),
            Self::Millis(_) => Err(PlayersError::InvalidArgument(
                "The period must be between one second and ten years.",
            )),
        }
    }

    /// As it is stored.
    fn text(&self) -> String {
        match self {
            Self::Millis(period) => format!("{PERIOD_WORD}{period}"),
            Self::Cron(schedule) => schedule.as_str().to_owned(),
        }
    }

    fn read(text: &str) -> Option<Self> {
        match text.strip_prefix(PERIOD_WORD) {
            Some(period) => period.parse().ok().map(Self::Millis),
            None => Schedule::parse(text).ok().map(Self::Cron),
        }
    }
}

impl From<JobRow> for Job {
    fn from(row: JobRow) -> Self {
        let state = match row.claim {
            _ if row.is_failed => JobState::Failed,
            Some(_) => JobState::Running(row.due_time),
            None => JobState::Waiting(row.due_time),
        };
        Self {
            every: row.period.as_deref().and_then(Every::read),
            attempts: count(row.attempts),
            planned_time: row.planned_time,
            name: row.name,
            kind: row.kind,
            payload: row.payload,
            error: row.error,
            state,
        }
    }
}

/// When a job that repeats is due after its present time; times that are over by now are left out.
fn next_time(row: &JobRow, now: UnixMillis) -> Option<UnixMillis> {
    let every = Every::read(row.period.as_deref()?);
    if every.is_none() {
        tracing::error!(
            name = row.name,
            period = row.period,
            "a job's period cannot be read"
        );
    }
    every?.next_after(row.planned_time, now)
}

/// The row for the job's next time.
fn go_on(mut row: JobRow, claim: Uuid, next: UnixMillis) -> JobOp {
    row.due_time = next;
    row.planned_time = next;
    row.attempts = 0;
    JobOp::End {
        row: Box::new(row),
        claim,
    }
}

fn check(new: &NewJob<'_>) -> Result<(), PlayersError> {
    let fits = |text: &str| (1..=JOB_NAME_BYTES_MAX).contains(&text.len()) && !text.contains('\0');
    if !fits(new.name) || !fits(new.kind) {
        return Err(PlayersError::InvalidArgument(
            "A job's name and kind must be 1 to 128 bytes.",
        ));
    }
    if new.payload.len() > JOB_PAYLOAD_BYTES_MAX || new.payload.contains('\0') {
        return Err(PlayersError::InvalidArgument(
            "A job's payload must be at most 65536 bytes.",
        ));
    }
    Ok(())
}

/// Time until the next try after so many.
fn retry_ms(attempts: u32) -> u64 {
    let doublings = attempts.saturating_sub(1).min(20);
    (RETRY_MS << doublings).min(RETRY_MS_MAX)
}

fn shortened(mut error: String) -> String {
    error.retain(|letter| letter != '\0');
    let end = error.floor_char_boundary(ERROR_BYTES_MAX);
    error.truncate(end);
    error
}

fn plus(time: UnixMillis, millis: u64) -> UnixMillis {
    UnixMillis(time.0.saturating_add(millis))
}

fn count(attempts: i64) -> u32 {
    u32::try_from(attempts.max(0)).unwrap_or(u32::MAX)
}

fn failed(attempt: &'static str, source: StoreError) -> PlayersError {
    PlayersError::Store { attempt, source }
}

/// How long a job of an unknown kind is put off.
pub const UNKNOWN_MS: u64 = 60_000;
/// Wait after the first failure, in milliseconds; it doubles with each further one.
const RETRY_MS: u64 = 5_000;
/// Longest wait between two tries.
const RETRY_MS_MAX: u64 = 3_600_000;
/// Bytes of an error that are kept.
const ERROR_BYTES_MAX: usize = 1_024;
const PERIOD_MS_MIN: u64 = 1_000;
/// Longest period: ten years.
pub const PERIOD_MS_MAX: u64 = 315_360_000_000;
const PERIOD_WORD: &str = "every ";

const _: () = assert!(RENEW_MS * 2 < CLAIM_MS);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_time_is_on_the_grid_and_after_now() {
        let every = Every::Millis(1_000);
        for (planned, now, next) in [
            (5_000, 0, 6_000),
            (5_000, 5_000, 6_000),
            (5_000, 5_999, 6_000),
            (5_000, 6_000, 7_000),
            (5_000, 86_405_123, 86_406_000),
        ] {
            let found = every.next_after(UnixMillis(planned), UnixMillis(now));
            assert_eq!(found, Some(UnixMillis(next)), "{planned} {now}");
        }
        let end = UnixMillis(u64::MAX);
        assert_eq!(every.next_after(end, end), None);
    }

    #[test]
    fn schedules_are_in_minutes_of_utc() {
        let daily = Every::Cron(Schedule::parse("30 4 * * *").unwrap());
        let at = |now| daily.next_after(UnixMillis(0), UnixMillis(now));
        assert_eq!(at(0), Some(UnixMillis(16_200_000)));
        assert_eq!(at(16_199_999), Some(UnixMillis(16_200_000)));
        assert_eq!(at(16_200_000), Some(UnixMillis(102_600_000)));
        assert_eq!(at(16_200_999), Some(UnixMillis(102_600_000)));
    }

    #[test]
    fn waits_double_to_an_hour() {
        let waits: Vec<u64> = (1..=12).map(retry_ms).collect();
        assert_eq!(waits[..4], [5_000, 10_000, 20_000, 40_000]);
        assert_eq!(waits[9..], [2_560_000, 3_600_000, 3_600_000]);
        assert_eq!(retry_ms(u32::MAX), RETRY_MS_MAX);
    }

    #[test]
    fn periods_keep_their_text() {
        let daily = Schedule::parse("30 4 * * *").unwrap();
        for every in [Every::Millis(90_000), Every::Cron(daily)] {
            assert_eq!(Every::read(&every.text()), Some(every));
        }
        for bad in ["every x", "every ", "", "1 2 3"] {
            assert_eq!(Every::read(bad), None, "{bad}");
        }
    }
}
