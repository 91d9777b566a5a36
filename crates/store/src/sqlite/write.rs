//! Groups, batches and operations as SQL.

use rusqlite::{ErrorCode, ffi, named_params, params};
use tagus_base::{UnixMillis, UserId};

use crate::batch::{Batch, Op, Outcome};
use crate::error::{Conflict, StoreError};
use crate::metrics::StoreMetrics;
use crate::row::{AccountPatch, AccountRow, Logout, LogoutRow};
use crate::sqlite::{Connection, failed};

/// Writes the batches in one transaction, each wholly or not at all, and appends what became of each to `results`.
/// Where the transaction itself fails, all of them failed, those with a conflict too: what they met may be gone.
pub(crate) fn commit_group<'a>(
    connection: &Connection,
    batches: impl ExactSizeIterator<Item = &'a Batch>,
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
    batches: impl Iterator<Item = &'a Batch>,
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

fn apply_batch(connection: &Connection, batch: &Batch) -> Result<Outcome, StoreError> {
    let doing = "set a savepoint";
    if batch.ops.len() > Batch::OPS_MAX {
        let ops = batch.ops.len();
        return Err(StoreError::BatchTooLarge { ops });
    }
    run(connection, "SAVEPOINT batch").map_err(failed(doing))?;
    let changes_before = connection.total_changes();
    for (op_index, op) in batch.ops.iter().enumerate() {
        let Err(err) = apply(connection, op) else {
            continue;
        };
        let Some(conflict) = conflict_of(&err) else {
            return Err(failed("write a row")(err));
        };
        run(connection, "ROLLBACK TO batch").map_err(failed(doing))?;
        run(connection, "RELEASE batch").map_err(failed(doing))?;
        return Err(StoreError::Conflict { op_index, conflict });
    }
    run(connection, "RELEASE batch").map_err(failed(doing))?;
    Ok(Outcome {
        rows_changed: connection.total_changes() - changes_before,
    })
}

fn run(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(drop)
}

/// Counts what became of a batch.
pub(crate) fn observe(metrics: &StoreMetrics, result: &Result<Outcome, StoreError>) {
    match result {
        Ok(_) => {}
        Err(StoreError::Conflict { .. }) => drop(metrics.conflicts.inc()),
        Err(_) => drop(metrics.failures.inc()),
    }
}

fn apply(connection: &Connection, op: &Op) -> rusqlite::Result<()> {
    match op {
        Op::AccountInsert(row) => account_insert(connection, row),
        Op::AccountUpdate { id, patch } => account_update(connection, *id, patch),
        Op::AccountDelete { id, tombstone_time } => {
            account_delete(connection, *id, *tombstone_time)
        }
        Op::DeviceInsert { id, user } => connection
            .prepare_cached("INSERT INTO device (id, user_id) VALUES (?1, ?2)")?
            .execute(params![id, user.0.0])
            .map(drop),
        Op::DeviceDelete { id, user } => one_row(
            connection
                .prepare_cached("DELETE FROM device WHERE id = ?1 AND user_id = ?2")?
                .execute(params![id, user.0.0])?,
        ),
        Op::LogoutInsert(row) => logout_insert(connection, row),
        Op::LogoutSweep { before } => connection
            .prepare_cached("DELETE FROM logout WHERE expires_at < ?1")?
            .execute(params![to_sql(*before)])
            .map(drop),
        Op::RoomDataPut {
            room_key,
            key,
            value,
        } => connection
            .prepare_cached(
                "INSERT INTO room_data (room_key, key, value) VALUES (?1, ?2, ?3)
                 ON CONFLICT DO UPDATE SET value = excluded.value",
            )?
            .execute(params![room_key, key, value.as_ref()])
            .map(drop),
        Op::RoomDataDelete { room_key, key } => connection
            .prepare_cached("DELETE FROM room_data WHERE room_key = ?1 AND key = ?2")?
            .execute(params![room_key, key])
            .map(drop),
    }
}

fn account_insert(connection: &Connection, row: &AccountRow) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO account (id, username, display_name, avatar_url, lang_tag, location, timezone,
            metadata, wallet, email, password, custom_id,
            create_time, update_time, verify_time, disable_time)
         VALUES (:id, :username, :display_name, :avatar_url, :lang_tag, :location, :timezone,
            :metadata, :wallet, :email, :password, :custom_id,
            :create_time, :update_time, :verify_time, :disable_time)",
    )?;
    statement.execute(named_params! {
        ":id": row.id.0.0,
        ":username": row.username,
        ":display_name": row.display_name,
        ":avatar_url": row.avatar_url,
        ":lang_tag": row.lang_tag,
        ":location": row.location,
        ":timezone": row.timezone,
        ":metadata": row.metadata,
        ":wallet": row.wallet,
        ":email": row.email,
        ":password": row.password,
        ":custom_id": row.custom_id,
        ":create_time": to_sql(row.create_time),
        ":update_time": to_sql(row.update_time),
        ":verify_time": to_sql(row.verify_time),
        ":disable_time": to_sql(row.disable_time),
    })?;
    Ok(())
}

fn account_update(
    connection: &Connection,
    id: UserId,
    patch: &AccountPatch,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "UPDATE account SET
            username = coalesce(:username, username),
            display_name = coalesce(:display_name, display_name),
            avatar_url = coalesce(:avatar_url, avatar_url),
            lang_tag = coalesce(:lang_tag, lang_tag),
            location = coalesce(:location, location),
            timezone = coalesce(:timezone, timezone),
            metadata = coalesce(:metadata, metadata),
            email = iif(:email_set, :email, email),
            password = iif(:password_set, :password, password),
            custom_id = iif(:custom_id_set, :custom_id, custom_id),
            verify_time = coalesce(:verify_time, verify_time),
            disable_time = coalesce(:disable_time, disable_time),
            update_time = :update_time
         WHERE id = :id",
    )?;
    one_row(statement.execute(named_params! {
        ":id": id.0.0,
        ":username": patch.username,
        ":display_name": patch.display_name,
        ":avatar_url": patch.avatar_url,
        ":lang_tag": patch.lang_tag,
        ":location": patch.location,
        ":timezone": patch.timezone,
        ":metadata": patch.metadata,
        ":email_set": patch.email.is_some(),
        ":email": patch.email.as_ref().and_then(Option::as_ref),
        ":password_set": patch.password.is_some(),
        ":password": patch.password.as_ref().and_then(Option::as_ref),
        ":custom_id_set": patch.custom_id.is_some(),
        ":custom_id": patch.custom_id.as_ref().and_then(Option::as_ref),
        ":verify_time": patch.verify_time.map(to_sql),
        ":disable_time": patch.disable_time.map(to_sql),
        ":update_time": to_sql(patch.update_time),
    })?)
}

fn account_delete(
    connection: &Connection,
    id: UserId,
    tombstone_time: UnixMillis,
) -> rusqlite::Result<()> {
    one_row(
        connection
            .prepare_cached("DELETE FROM account WHERE id = ?1")?
            .execute(params![id.0.0])?,
    )?;
    connection
        .prepare_cached(
            "INSERT INTO tombstone (user_id, time) VALUES (?1, ?2)
             ON CONFLICT DO UPDATE SET time = excluded.time",
        )?
        .execute(params![id.0.0, to_sql(tombstone_time)])?;
    Ok(())
}

fn logout_insert(connection: &Connection, row: &LogoutRow) -> rusqlite::Result<()> {
    let (kind, id, issued_before) = match row.logout {
        Logout::Token(token) => (LOGOUT_TOKEN, token.0, UnixMillis(0)),
        Logout::UserBefore { user, before } => (LOGOUT_USER, user.0.0, before),
    };
    connection
        .prepare_cached(
            "INSERT INTO logout (kind, id, issued_before, expires_at) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET
                issued_before = max(issued_before, excluded.issued_before),
                expires_at = max(expires_at, excluded.expires_at)",
        )?
        .execute(params![
            kind,
            id,
            to_sql(issued_before),
            to_sql(row.expires_at)
        ])?;
    Ok(())
}

/// The row to change was there. Its absence travels as the error that a read of no row gives.
fn one_row(changed: usize) -> rusqlite::Result<()> {
    if changed == 0 {
        return Err(rusqlite::Error::QueryReturnedNoRows);
    }
    Ok(())
}

/// Which conflict of rows an error means; none where the database itself failed.
fn conflict_of(err: &rusqlite::Error) -> Option<Conflict> {
    let (code, message) = match err {
        rusqlite::Error::QueryReturnedNoRows => return Some(Conflict::Missing),
        rusqlite::Error::SqliteFailure(code, Some(message)) => (code, message),
        _ => return None,
    };
    if code.code != ErrorCode::ConstraintViolation {
        return None;
    }
    if code.extended_code == ffi::SQLITE_CONSTRAINT_FOREIGNKEY {
        return Some(Conflict::Missing);
    }
    let column = message.strip_prefix("UNIQUE constraint failed: ")?;
    match column {
        "account.id" => Some(Conflict::IdTaken),
        "account.username" => Some(Conflict::UsernameTaken),
        "account.email" => Some(Conflict::EmailTaken),
        "account.custom_id" => Some(Conflict::CustomIdTaken),
        "device.id" => Some(Conflict::DeviceTaken),
        _ => None,
    }
}

/// Times beyond what SQLite's integers hold, some 292 million years from now, become the last one it holds.
pub(crate) fn to_sql(time: UnixMillis) -> i64 {
    i64::try_from(time.0).unwrap_or(i64::MAX)
}

/// `logout.kind` of a token.
pub(crate) const LOGOUT_TOKEN: i64 = 0;

/// `logout.kind` of a user.
pub(crate) const LOGOUT_USER: i64 = 1;
