//! Migrations of PostgreSQL: several nodes may start at once, one of them applies.

use crate::error::StoreError;
use crate::migrate::{Applied, Dialect, MIGRATIONS, MigrationStatus, checksum, lacking, status};
use crate::postgres::connect::{Connection, Connector, failed};
use crate::sql::Value;

/// Applies what the database lacks.
pub(crate) async fn run(connector: &Connector) -> Result<(), StoreError> {
    let connection = connector.connect().await?;
    check_server(&connection).await?;
    let doing = failed("apply a migration");
    // Held until the connection goes; a node that waits for another one waits as long as that takes.
    let lock = format!("SET statement_timeout = 0; SELECT pg_advisory_lock({LOCK})");
    connection
        .client
        .batch_execute(&lock)
        .await
        .map_err(doing)?;
    for migration in lacking(&applied(&connection).await?, MIGRATIONS, SQL)? {
        let (version, name) = (migration.version, migration.name);
        let (sql, checksum) = (migration.postgres, checksum(migration.postgres));
        let sql = format!(
            "BEGIN;
             {APPLIED_TABLE};
             {sql};
             INSERT INTO migration (version, name, checksum, applied_time)
             VALUES ({version}, '{name}', '{checksum}',
                 CAST(extract(epoch FROM now()) * 1000 AS BIGINT));
             COMMIT"
        );
        connection.client.batch_execute(&sql).await.map_err(doing)?;
        tracing::info!(version, name, "migration applied");
    }
    Ok(())
}

/// How the database stands to the migrations. Changes nothing.
pub(crate) async fn state(connector: &Connector) -> Result<Vec<MigrationStatus>, StoreError> {
    let connection = connector.connect().await?;
    Ok(status(&applied(&connection).await?, MIGRATIONS, SQL))
}

/// Refuses a server that would keep other rows than SQLite does.
async fn check_server(connection: &Connection) -> Result<(), StoreError> {
    let sql =
        "SELECT current_setting('server_version_num')::bigint, current_setting('server_encoding')";
    let mut rows = rows(connection, sql).await?;
    let row = rows.first_mut().ok_or(StoreError::Closed)?;
    let doing = failed("look at the server's settings");
    if row.int(0).map_err(doing)? < VERSION_MIN {
        return Err(StoreError::Config("PostgreSQL 15 or newer is needed"));
    }
    if row.text(1).map_err(doing)? != "UTF8" {
        return Err(StoreError::Config("the database's encoding must be UTF8"));
    }
    Ok(())
}

async fn applied(connection: &Connection) -> Result<Vec<Applied>, StoreError> {
    let doing = failed("read the migrations");
    let mut found = rows(connection, "SELECT to_regclass('migration')::text").await?;
    let found = found.first_mut().ok_or(StoreError::Closed)?;
    if found.opt_text(0).map_err(doing)?.is_none() {
        return Ok(Vec::new());
    }
    let sql = "SELECT version, name, checksum FROM migration ORDER BY version";
    let rows = rows(connection, sql).await?.into_iter();
    let applied = rows.map(|mut row| {
        Ok(Applied {
            version: u32::try_from(row.int(0)?).unwrap_or(u32::MAX),
            name: row.text(1)?,
            checksum: row.text(2)?,
        })
    });
    applied.collect::<Result<_, _>>().map_err(doing)
}

async fn rows(
    connection: &Connection,
    sql: &'static str,
) -> Result<Vec<crate::sql::Row>, StoreError> {
    let doing = "read the migrations";
    let statement = connection.prepared(sql).await;
    let statement = statement.map_err(|err| connection.failed(doing, err))?;
    let none: &[Value] = &[];
    let rows = connection.rows(&statement, none).await;
    rows.map_err(|err| connection.failed(doing, err))
}

const SQL: Dialect = |migration| migration.postgres;

/// Any number that nothing else on the server locks by.
const LOCK: i64 = 0x7461_6775_7321;

const VERSION_MIN: i64 = 150_000;

const APPLIED_TABLE: &str = "CREATE TABLE IF NOT EXISTS migration (
    version      BIGINT NOT NULL PRIMARY KEY,
    name         TEXT   COLLATE \"C\" NOT NULL,
    checksum     TEXT   COLLATE \"C\" NOT NULL,
    applied_time BIGINT NOT NULL
)";
