//! SQLite: the rows in one file, or in memory.

pub(crate) mod backup;
pub(crate) mod file;
pub(crate) mod memory;
pub(crate) mod migrate;
mod pool;
pub(crate) mod read;
mod write;
mod writer;

use std::path::Path;
use std::sync::Arc;

use rusqlite::OpenFlags;
use rusqlite::config::DbConfig;

use crate::config::{SqliteConfig, Synchronous};
use crate::error::StoreError;

pub(crate) use rusqlite::Connection;

/// Turns a database's error into ours, naming what was attempted.
pub(crate) fn failed(doing: &'static str) -> impl Fn(rusqlite::Error) -> StoreError + Copy {
    move |err| StoreError::Database {
        doing,
        source: Arc::new(err),
    }
}

/// Turns an error of the file system into ours.
fn file_failed(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> StoreError {
    let path = path.to_owned();
    move |err| StoreError::File {
        doing,
        path,
        source: Arc::new(err),
    }
}

/// A connection that makes the file where it does not exist.
fn open_to_write(config: &SqliteConfig) -> Result<Connection, StoreError> {
    let open = || {
        let connection = Connection::open_with_flags(
            &config.path,
            OpenFlags::SQLITE_OPEN_READ_WRITE
                | OpenFlags::SQLITE_OPEN_CREATE
                | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?;
        set_up(&connection)?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "wal_autocheckpoint", 0)?;
        // After a burst the log's file shrinks to this size again.
        let wal_bytes_max = i64::try_from(config.wal_bytes_max).unwrap_or(i64::MAX);
        connection.pragma_update(None, "journal_size_limit", wal_bytes_max)?;
        connection.pragma_update(None, "cache_size", -i64::from(config.cache_kib))?;
        let synchronous = match config.synchronous {
            Synchronous::Full => "full",
            Synchronous::Off => "off",
        };
        connection.pragma_update(None, "synchronous", synchronous)?;
        // On macOS only this reaches the disk; elsewhere it changes nothing.
        connection.pragma_update(None, "fullfsync", true)?;
        connection.pragma_update(None, "checkpoint_fullfsync", true)?;
        Ok(connection)
    };
    open().map_err(failed("open the database"))
}

/// A connection that only reads, to a database that another connection opened to write.
fn open_to_read(config: &SqliteConfig) -> Result<Connection, StoreError> {
    let open = || {
        let connection = open_existing(&config.path)?;
        connection.pragma_update(None, "query_only", true)?;
        connection.pragma_update(None, "cache_size", -i64::from(config.cache_kib))?;
        Ok(connection)
    };
    open().map_err(failed("open the database for reading"))
}

/// A connection to an existing file. The write-ahead log's index needs write access even for reading.
fn open_existing(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    set_up(&connection)?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    Ok(connection)
}

fn set_up(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_CACHED);
    // Else a statement is planned anew when it is given other values, which costs more than most reads.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update(None, "foreign_keys", true)
}

/// How long a connection waits for another process that has the database locked, such as a backup that ends.
const BUSY_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(5);

/// Prepared statements kept per connection; there are fewer different ones.
const STATEMENTS_CACHED: usize = 512;

/// SQLite numbers `$n` by first appearance, so they must appear in order.
fn check_placeholders(sql: &str) {
    debug_assert!(
        crate::sql::placeholders_in_order(sql),
        "placeholders out of order: {sql}"
    );
}
