//! Reads as SQL.

use bytes::Bytes;
use rusqlite::{OptionalExtension, Params, Row, params};
use tagus_base::{UnixMillis, UserId, Uuid};

use crate::row::{AccountRow, Counts, Logout, LogoutRow, RoomDataRow};
use crate::sqlite::Connection;
use crate::sqlite::write::{LOGOUT_TOKEN, to_sql};

macro_rules! account_where {
    ($condition:literal) => {
        concat!(
            "SELECT account.id, username, display_name, avatar_url, lang_tag, location, timezone, metadata, wallet, ",
            "email, password, custom_id, create_time, update_time, verify_time, disable_time FROM account ",
            $condition
        )
    };
}

pub(crate) fn account_by_id(
    connection: &Connection,
    id: UserId,
) -> rusqlite::Result<Option<AccountRow>> {
    account(connection, account_where!("WHERE id = ?1"), params![id.0.0])
}

pub(crate) fn account_by_username(
    connection: &Connection,
    username: &str,
) -> rusqlite::Result<Option<AccountRow>> {
    account(
        connection,
        account_where!("WHERE username = ?1"),
        [username],
    )
}

pub(crate) fn account_by_device(
    connection: &Connection,
    device: &str,
) -> rusqlite::Result<Option<AccountRow>> {
    let sql = account_where!("JOIN device ON device.user_id = account.id WHERE device.id = ?1");
    account(connection, sql, [device])
}

pub(crate) fn account_by_custom(
    connection: &Connection,
    custom_id: &str,
) -> rusqlite::Result<Option<AccountRow>> {
    account(
        connection,
        account_where!("WHERE custom_id = ?1"),
        [custom_id],
    )
}

pub(crate) fn account_by_email(
    connection: &Connection,
    email: &str,
) -> rusqlite::Result<Option<AccountRow>> {
    account(connection, account_where!("WHERE email = ?1"), [email])
}

fn account(
    connection: &Connection,
    sql: &str,
    params: impl Params,
) -> rusqlite::Result<Option<AccountRow>> {
    let mut statement = connection.prepare_cached(sql)?;
    statement.query_row(params, account_from).optional()
}

fn account_from(row: &Row<'_>) -> rusqlite::Result<AccountRow> {
    Ok(AccountRow {
        id: UserId(Uuid(row.get(0)?)),
        username: row.get(1)?,
        display_name: row.get(2)?,
        avatar_url: row.get(3)?,
        lang_tag: row.get(4)?,
        location: row.get(5)?,
        timezone: row.get(6)?,
        metadata: row.get(7)?,
        wallet: row.get(8)?,
        email: row.get(9)?,
        password: row.get(10)?,
        custom_id: row.get(11)?,
        create_time: time(row, 12)?,
        update_time: time(row, 13)?,
        verify_time: time(row, 14)?,
        disable_time: time(row, 15)?,
    })
}

pub(crate) fn devices_of(connection: &Connection, user: UserId) -> rusqlite::Result<Vec<String>> {
    connection
        .prepare_cached("SELECT id FROM device WHERE user_id = ?1 ORDER BY id")?
        .query_map(params![user.0.0], |row| row.get(0))?
        .collect()
}

pub(crate) fn tombstone_of(
    connection: &Connection,
    user: UserId,
) -> rusqlite::Result<Option<UnixMillis>> {
    connection
        .prepare_cached("SELECT time FROM tombstone WHERE user_id = ?1")?
        .query_row(params![user.0.0], |row| time(row, 0))
        .optional()
}

pub(crate) fn logouts(
    connection: &Connection,
    now: UnixMillis,
) -> rusqlite::Result<Vec<LogoutRow>> {
    connection
        .prepare_cached(
            "SELECT kind, id, issued_before, expires_at FROM logout WHERE expires_at >= ?1 ORDER BY kind, id",
        )?
        .query_map([to_sql(now)], |row| {
            let id = Uuid(row.get(1)?);
            let logout = if row.get::<_, i64>(0)? == LOGOUT_TOKEN {
                Logout::Token(id)
            } else {
                Logout::UserBefore { user: UserId(id), before: time(row, 2)? }
            };
            Ok(LogoutRow { logout, expires_at: time(row, 3)? })
        })?
        .collect()
}

pub(crate) fn room_data(
    connection: &Connection,
    room_key: &str,
) -> rusqlite::Result<Vec<RoomDataRow>> {
    connection
        .prepare_cached("SELECT key, value FROM room_data WHERE room_key = ?1 ORDER BY key")?
        .query_map([room_key], |row| {
            Ok(RoomDataRow {
                key: row.get(0)?,
                value: Bytes::from(row.get::<_, Vec<u8>>(1)?),
            })
        })?
        .collect()
}

pub(crate) fn counts(connection: &Connection) -> rusqlite::Result<Counts> {
    connection
        .prepare_cached(
            "SELECT (SELECT count(*) FROM account), (SELECT count(*) FROM device),
                (SELECT count(*) FROM tombstone), (SELECT count(*) FROM logout), (SELECT count(*) FROM room_data)",
        )?
        .query_row([], |row| {
            let count = |index| row.get::<_, i64>(index).map(i64::unsigned_abs);
            Ok(Counts {
                accounts: count(0)?,
                devices: count(1)?,
                tombstones: count(2)?,
                logouts: count(3)?,
                room_values: count(4)?,
            })
        })
}

/// A time column. Only times that are not negative are ever written.
fn time(row: &Row<'_>, index: usize) -> rusqlite::Result<UnixMillis> {
    row.get::<_, i64>(index)
        .map(|time| UnixMillis(time.unsigned_abs()))
}
