//! Work that is to be done at a time, once or again and again.

use tagus_base::{UnixMillis, Uuid};

use crate::error::{Conflict, StoreError};
use crate::sql::{Query, Row, RowError, Step, params};
use crate::store::Store;

/// A job.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct JobRow {
    /// Its name; no other job has it.
    pub name: String,
    /// What kind of work it is.
    pub kind: String,
    /// What the work is given.
    pub payload: String,
    /// How it repeats; none: it is done once. What the text means is known above.
    pub period: Option<String>,
    /// When it is looked at next: at its time, for another try, or at the end of a claim.
    pub due_time: UnixMillis,
    /// The time that it is done for.
    pub planned_time: UnixMillis,
    /// Runs begun for that time.
    pub attempts: i64,
    /// Why the last run failed; empty when it did not.
    pub error: String,
    /// Whose run is under way until `due_time`.
    pub claim: Option<Uuid>,
    /// Given up: it is never due.
    pub is_failed: bool,
}

/// What is written of jobs.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum JobOp {
    /// Adds a job, or puts it in the place of the one that has its name.
    /// Where that one repeats in the same way, only kind and payload change: its time, its tries and a run that is
    /// under way stay.
    Put(Box<JobRow>),
    /// Begins a run.
    /// Conflicts: `Changed` where the job is not due at `seen_due`, or given up.
    Claim {
        /// Which.
        name: String,
        /// Its due time as it was read; it is another one after every change.
        seen_due: UnixMillis,
        /// Who runs it; none: nobody does, it is only put off.
        claim: Option<Uuid>,
        /// Until when nobody else looks at it.
        until: UnixMillis,
    },
    /// Lets a run go on.
    /// Conflicts: `Changed` where the run is no longer this one's.
    Renew {
        /// Which.
        name: String,
        /// Whose run it must be.
        claim: Uuid,
        /// Until when nobody else looks at it.
        until: UnixMillis,
    },
    /// Ends a run; the job goes on as it stands in the row, apart from name, kind, payload and period.
    /// Conflicts: `Changed` where the run is no longer this one's.
    End {
        /// The job as it shall be; its claim is none.
        row: Box<JobRow>,
        /// Whose run it must be.
        claim: Uuid,
    },
    /// Ends a run and forgets the job.
    /// Conflicts: `Changed` where the run is no longer this one's.
    Done {
        /// Which.
        name: String,
        /// Whose run it must be.
        claim: Uuid,
    },
    /// Forgets a job, whatever its state.
    /// Conflicts: `Missing` without it.
    Delete {
        /// Which.
        name: String,
    },
}

impl JobOp {
    pub(crate) fn into_steps(self, out: &mut Vec<Step>) {
        out.push(match self {
            Self::Put(row) => put(*row),
            Self::Claim {
                name,
                seen_due,
                claim,
                until,
            } => {
                let begun = i64::from(claim.is_some());
                Step::write(
                    "UPDATE job SET claim = $1, due_time = $2, attempts = attempts + $3
                     WHERE name = $4 AND due_time = $5 AND is_failed = 0",
                    params![claim, until, begun, name, seen_due],
                )
                .or(Conflict::Changed)
            }
            Self::Renew { name, claim, until } => Step::write(
                "UPDATE job SET due_time = $1 WHERE name = $2 AND claim = $3",
                params![until, name, claim],
            )
            .or(Conflict::Changed),
            Self::End { row, claim } => Step::write(
                "UPDATE job SET due_time = $1, planned_time = $2, attempts = $3, error = $4, is_failed = $5, claim = NULL
                 WHERE name = $6 AND claim = $7",
                params![
                    row.due_time,
                    row.planned_time,
                    row.attempts,
                    row.error,
                    row.is_failed,
                    row.name,
                    claim
                ],
            )
            .or(Conflict::Changed),
            Self::Done { name, claim } => Step::write(
                "DELETE FROM job WHERE name = $1 AND claim = $2",
                params![name, claim],
            )
            .or(Conflict::Changed),
            Self::Delete { name } => {
                Step::write("DELETE FROM job WHERE name = $1", params![name]).or(Conflict::Missing)
            }
        });
    }
}

fn put(row: JobRow) -> Step {
    // Without a period the comparison gives no truth, and the job starts anew.
    Step::write(
        "INSERT INTO job (name, kind, payload, period, due_time, planned_time, attempts, error, claim, is_failed)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT (name) DO UPDATE SET
           kind = excluded.kind,
           payload = excluded.payload,
           period = excluded.period,
           due_time = CASE WHEN job.period = excluded.period THEN job.due_time ELSE excluded.due_time END,
           planned_time = CASE WHEN job.period = excluded.period THEN job.planned_time ELSE excluded.planned_time END,
           attempts = CASE WHEN job.period = excluded.period THEN job.attempts ELSE excluded.attempts END,
           error = CASE WHEN job.period = excluded.period THEN job.error ELSE excluded.error END,
           claim = CASE WHEN job.period = excluded.period THEN job.claim ELSE excluded.claim END,
           is_failed = CASE WHEN job.period = excluded.period THEN job.is_failed ELSE excluded.is_failed END",
        params![
            row.name,
            row.kind,
            row.payload,
            row.period,
            row.due_time,
            row.planned_time,
            row.attempts,
            row.error,
            row.claim,
            row.is_failed
        ],
    )
}

impl Store {
    /// Jobs that are due, the longest due first, at most `limit`.
    ///
    /// # Errors
    ///
    /// As [`Store::account_by_id`].
    pub async fn jobs_due(&self, now: UnixMillis, limit: u32) -> Result<Vec<JobRow>, StoreError> {
        let sql = "SELECT name, kind, payload, period, due_time, planned_time, attempts, error, claim, is_failed
             FROM job WHERE is_failed = 0 AND due_time <= $1 ORDER BY due_time, name LIMIT $2";
        let params = params![now, i64::from(limit)];
        self.all(Query::new(sql, params, decode)).await
    }

    /// When the next job is due; none without jobs.
    ///
    /// # Errors
    ///
    /// As [`Store::account_by_id`].
    pub async fn job_next_due(&self) -> Result<Option<UnixMillis>, StoreError> {
        let sql = "SELECT due_time FROM job WHERE is_failed = 0 ORDER BY due_time LIMIT 1";
        self.first(Query::new(sql, Vec::new(), |row| row.time(0)))
            .await
    }

    /// All jobs after the given name in order of their names, at most `limit`.
    ///
    /// # Errors
    ///
    /// As [`Store::account_by_id`].
    pub async fn jobs(&self, after: &str, limit: u32) -> Result<Vec<JobRow>, StoreError> {
        let sql = "SELECT name, kind, payload, period, due_time, planned_time, attempts, error, claim, is_failed
             FROM job WHERE name > $1 ORDER BY name LIMIT $2";
        let params = params![after, i64::from(limit)];
        self.all(Query::new(sql, params, decode)).await
    }
}

fn decode(row: &mut Row) -> Result<JobRow, RowError> {
    Ok(JobRow {
        name: row.text(0)?,
        kind: row.text(1)?,
        payload: row.text(2)?,
        period: row.opt_text(3)?,
        due_time: row.time(4)?,
        planned_time: row.time(5)?,
        attempts: row.int(6)?,
        error: row.text(7)?,
        claim: row.opt_uuid(8)?,
        is_failed: row.int(9)? != 0,
    })
}
