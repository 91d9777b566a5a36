//! Batches on PostgreSQL.
//!
//! `READ COMMITTED` is enough: a condition stands in the `WHERE` of the row that it guards, which PostgreSQL looks at
//! again after it waited for that row; uniqueness and references are the server's; what depends on other rows locks
//! them in a statement before, and each statement sees what was committed before it began.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use tokio_postgres::Statement;
use tokio_postgres::error::SqlState;

use crate::batch::Outcome;
use crate::error::{Conflict, StoreError};
use crate::postgres::Shared;
use crate::postgres::connect::{Connection, Failure};
use crate::sql::{Expect, Kind, Plan, Row, Step, conflict_of_constraint};

/// Writes a batch, again where another transaction was in its way.
pub(super) async fn commit(shared: &Shared, plan: &Plan) -> Result<Outcome, StoreError> {
    let mut attempt = 0;
    loop {
        let writing = shared.writers.take(&shared.connector).await;
        if attempt == 0 {
            shared.metrics.queue_batches.dec();
        }
        let writing = writing?;
        let result = try_commit(&writing.connection, plan).await;
        if !writing.connection.is_closed() {
            writing.give_back();
        }
        match result {
            Ok(outcome) => return Ok(outcome),
            Err(Refused::Final(err)) => return Err(err),
            Err(Refused::Again(err)) if attempt >= RETRIES_MAX => return Err(err),
            Err(Refused::Again(_)) => {
                attempt += 1;
                shared.metrics.retries.inc();
                tokio::time::sleep(shared.pause(RETRY_PAUSE_MAX * 2_u32.pow(attempt))).await;
            }
        }
    }
}

enum Refused {
    Final(StoreError),
    /// Another transaction was in the way; nothing was written.
    Again(StoreError),
}

/// What a statement did.
#[derive(Default)]
struct Done {
    /// Rows changed, returned or found.
    rows: u64,
    returned: Vec<Row>,
}

async fn try_commit(connection: &Connection, plan: &Plan) -> Result<Outcome, Refused> {
    let mut statements = Vec::with_capacity(plan.steps.len());
    for (_, step) in &plan.steps {
        let statement = connection.prepared(step.sql.postgres()).await;
        let statement = statement
            .map_err(|err| Refused::Final(connection.failed("prepare a statement", err)))?;
        statements.push(statement);
    }
    let calls = plan.steps.iter().zip(&statements);
    let calls = calls.map(|((_, step), statement)| apply(connection, step, statement));
    // One statement is a transaction of its own; where it does not find what it must, it wrote nothing.
    if plan.steps.len() <= 1 {
        let done = pipelined(calls.map(boxed).collect()).await;
        return settle(connection, plan, done, Sent::Commit);
    }
    let begin = std::iter::once(boxed(control(connection, "BEGIN")));
    let calls = begin.chain(calls.map(boxed));
    if plan
        .steps
        .iter()
        .all(|(_, step)| step.expect == Expect::Any)
    {
        // Where a statement fails the server makes a rollback of the commit, so nobody need look before it.
        let commit = std::iter::once(boxed(control(connection, "COMMIT")));
        let mut done = pipelined(calls.chain(commit).collect()).await;
        let committed = done.pop();
        let begun = done.remove(0);
        let outcome = settle(connection, plan, done, Sent::Commit)?;
        let ends = [Some(begun), committed].into_iter().flatten();
        let ended: Result<Vec<_>, _> = ends.collect();
        ended.map_err(|err| refused(connection, 0, err, Sent::Commit))?;
        return Ok(outcome);
    }
    let mut done = pipelined(calls.collect()).await;
    let begun = done.remove(0);
    let begun = begun.map_err(|err| refused(connection, 0, err, Sent::Nothing));
    let settled = begun.and_then(|_| settle(connection, plan, done, Sent::Nothing));
    let end = if settled.is_ok() {
        "COMMIT"
    } else {
        "ROLLBACK"
    };
    let ended = control(connection, end).await;
    let outcome = settled?;
    ended.map_err(|err| refused(connection, 0, err, Sent::Commit))?;
    Ok(outcome)
}

/// What a failure leaves open.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Sent {
    /// The batch is not written.
    Nothing,
    /// Where the connection broke nobody knows.
    Commit,
}

/// What the steps of the batch came to; the first one that failed decides.
fn settle(
    connection: &Connection,
    plan: &Plan,
    done: Vec<Result<Done, Failure>>,
    sent: Sent,
) -> Result<Outcome, Refused> {
    let mut outcome = Outcome::default();
    for ((op_index, step), done) in plan.steps.iter().zip(done) {
        let op_index = *op_index;
        let done = done.map_err(|err| refused(connection, op_index, err, sent))?;
        if let Some(conflict) = step.expect.conflict(done.rows) {
            return Err(Refused::Final(StoreError::Conflict { op_index, conflict }));
        }
        outcome.take(op_index, step.kind, done.rows, done.returned);
    }
    Ok(outcome)
}

fn refused(connection: &Connection, op_index: usize, err: Failure, sent: Sent) -> Refused {
    let Failure::Database(database) = &err else {
        return Refused::Final(connection.failed("read returned rows", err));
    };
    if let Some(conflict) = conflict_of(database) {
        return Refused::Final(StoreError::Conflict { op_index, conflict });
    }
    let transient = [
        &SqlState::T_R_SERIALIZATION_FAILURE,
        &SqlState::T_R_DEADLOCK_DETECTED,
    ];
    let is_transient = database
        .code()
        .is_some_and(|code| transient.contains(&code));
    let err = match sent {
        Sent::Nothing => connection.failed("write a row", err),
        Sent::Commit => connection.failed_in_commit("write a row", err),
    };
    if is_transient {
        Refused::Again(err)
    } else {
        Refused::Final(err)
    }
}

/// Which conflict of rows an error means; none where the database itself failed.
fn conflict_of(err: &tokio_postgres::Error) -> Option<Conflict> {
    let err = err.as_db_error()?;
    match *err.code() {
        SqlState::FOREIGN_KEY_VIOLATION => Some(Conflict::Missing),
        SqlState::UNIQUE_VIOLATION => conflict_of_constraint(err.constraint()?),
        _ => None,
    }
}

async fn apply(
    connection: &Connection,
    step: &Step,
    statement: &Statement,
) -> Result<Done, Failure> {
    match step.kind {
        Kind::Write | Kind::Check => Ok(Done {
            rows: connection.execute(statement, &step.params).await?,
            returned: Vec::new(),
        }),
        Kind::WriteReturning => {
            let returned = connection.rows(statement, &step.params).await?;
            let rows = u64::try_from(returned.len()).unwrap_or(u64::MAX);
            Ok(Done { rows, returned })
        }
    }
}

/// Begins or ends a transaction.
async fn control(connection: &Connection, sql: &str) -> Result<Done, Failure> {
    connection.client.batch_execute(sql).await?;
    Ok(Done::default())
}

type Call<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

pub(super) fn boxed<'a, T>(call: impl Future<Output = T> + Send + 'a) -> Call<'a, T> {
    Box::pin(call)
}

/// Sends all calls in their order before it waits for the first answer. A call sends when it is first polled, and the
/// answers come in the same order.
pub(super) async fn pipelined<T>(mut calls: Vec<Call<'_, T>>) -> Vec<T> {
    let mut early = Vec::with_capacity(calls.len());
    poll_fn(|context| {
        early.extend(calls.iter_mut().map(|call| call.as_mut().poll(context)));
        Poll::Ready(())
    })
    .await;
    let mut answers = Vec::with_capacity(calls.len());
    for (call, early) in calls.into_iter().zip(early) {
        answers.push(match early {
            Poll::Ready(answer) => answer,
            Poll::Pending => call.await,
        });
    }
    answers
}

/// How often a batch is tried again after a deadlock.
const RETRIES_MAX: u32 = 8;

/// Half the longest pause before the first of these; it doubles with each.
const RETRY_PAUSE_MAX: Duration = Duration::from_millis(4);
