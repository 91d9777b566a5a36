//! Groups, batches and steps on SQLite.

use rusqlite::{ErrorCode, ffi, params_from_iter};

use crate::batch::Outcome;
use crate::error::{Conflict, StoreError};
use crate::sql::{Kind, Plan, Row, Step, conflict_of_constraint};
use crate::sqlite::read::row_from;
use crate::sqlite::{Connection, check_placeholders, failed};

/// Writes the batches in one transaction, each wholly or not at all, and appends what became of each to `results`.
/// Where the transaction itself fails, all of them failed, those with a conflict too: what they met may be gone.
pub(crate) fn commit_group<'a>(
    connection: &Connection,
    batches: impl ExactSizeIterator<Item = &'a Plan>,
    results: &mut Vec<Result<Outcome, StoreError>>,
) {
    let count = batches.len();
    let Err(err) = try_commit_group(connection, batches, results) else {
        return;
    };
    if !connection.is_autocommit()
        && let Err(err) = connection.execute_batch("ROLLBACK")
    {
        tracing::error!(error = &err as &dyn std::error::Error, "rollback failed");
    }
    results.clear();
    results.resize_with(count, || Err(err.clone()));
}

fn try_commit_group<'a>(
    connection: &Connection,
    batches: impl Iterator<Item = &'a Plan>,
    results: &mut Vec<Result<Outcome, StoreError>>,
) -> Result<(), StoreError> {
    run(connection, "BEGIN IMMEDIATE").map_err(failed("begin a group commit"))?;
    for batch in batches {
        results.push(match apply_batch(connection, batch) {
            Err(err @ StoreError::Database { .. }) => return Err(err),
            decided => decided,
        });
    }
    run(connection, "COMMIT").map_err(failed("commit a group"))
}

fn apply_batch(connection: &Connection, plan: &Plan) -> Result<Outcome, StoreError> {
    // A single statement that fails writes nothing by itself.
    if plan.steps.len() <= 1 {
        return apply_steps(connection, plan);
    }
    let doing = "set a savepoint";
    run(connection, "SAVEPOINT batch").map_err(failed(doing))?;
    let outcome = apply_steps(connection, plan);
    if let Err(StoreError::Conflict { .. }) = outcome {
        run(connection, "ROLLBACK TO batch").map_err(failed(doing))?;
    }
    run(connection, "RELEASE batch").map_err(failed(doing))?;
    outcome
}

fn apply_steps(connection: &Connection, plan: &Plan) -> Result<Outcome, StoreError> {
    let mut outcome = Outcome::default();
    for (op_index, step) in &plan.steps {
        let op_index = *op_index;
        let done = match apply(connection, step) {
            Ok(done) => done,
            Err(err) => {
                return Err(match conflict_of(&err) {
                    Some(conflict) => StoreError::Conflict { op_index, conflict },
                    None => failed("write a row")(err),
                });
            }
        };
        if let Some(conflict) = step.expect.conflict(done.rows) {
            return Err(StoreError::Conflict { op_index, conflict });
        }
        outcome.take(op_index, step.kind, done.rows, done.returned);
    }
    Ok(outcome)
}

fn run(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(drop)
}

/// What a statement did.
struct Done {
    /// Rows changed, returned or found.
    rows: u64,
    returned: Vec<Row>,
}

fn apply(connection: &Connection, step: &Step) -> rusqlite::Result<Done> {
    let sql = step.sql.sqlite();
    check_placeholders(sql);
    let mut statement = connection.prepare_cached(sql)?;
    let params = params_from_iter(&step.params);
    let mut returned = Vec::new();
    let rows = match step.kind {
        Kind::Write => statement.execute(params)?,
        Kind::Check => usize::from(statement.exists(params)?),
        Kind::WriteReturning => {
            let columns = statement.column_count();
            let mut rows = statement.query(params)?;
            while let Some(row) = rows.next()? {
                returned.push(row_from(row, columns)?);
            }
            returned.len()
        }
    };
    Ok(Done {
        rows: u64::try_from(rows).unwrap_or(u64::MAX),
        returned,
    })
}

/// Which conflict of rows an error means; none where the database itself failed.
fn conflict_of(err: &rusqlite::Error) -> Option<Conflict> {
    let rusqlite::Error::SqliteFailure(code, Some(message)) = err else {
        return None;
    };
    if code.code != ErrorCode::ConstraintViolation {
        return None;
    }
    if code.extended_code == ffi::SQLITE_CONSTRAINT_FOREIGNKEY {
        return Some(Conflict::Missing);
    }
    conflict_of_constraint(message.strip_prefix("UNIQUE constraint failed: ")?)
}
