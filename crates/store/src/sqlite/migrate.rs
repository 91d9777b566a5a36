//! Migrations of SQLite.

use std::path::Path;

use rusqlite::{ErrorCode, params};

use crate::error::StoreError;
use crate::migrate::{
    Applied, Dialect, MIGRATIONS, Migration, MigrationStatus, checksum, lacking, status,
};
use crate::sqlite::{Connection, failed, open_existing};

/// Applies what the database lacks.
pub(crate) fn run(connection: &mut Connection) -> Result<(), StoreError> {
    run_list(connection, MIGRATIONS)
}

fn run_list(connection: &mut Connection, migrations: &[Migration]) -> Result<(), StoreError> {
    let doing = failed("apply a migration");
    let applied = applied(connection).map_err(doing)?;
    for migration in lacking(&applied, migrations, SQL)? {
        let transaction = connection.transaction().map_err(doing)?;
        transaction.execute_batch(APPLIED_TABLE).map_err(doing)?;
        transaction.execute_batch(migration.sqlite).map_err(doing)?;
        transaction
            .execute(
                "INSERT INTO migration (version, name, checksum, applied_time)
                 VALUES (?1, ?2, ?3, CAST(unixepoch('subsec') * 1000 AS INTEGER))",
                params![
                    migration.version,
                    migration.name,
                    checksum(migration.sqlite)
                ],
            )
            .map_err(doing)?;
        transaction.commit().map_err(doing)?;
        let (version, name) = (migration.version, migration.name);
        tracing::info!(version, name, "migration applied");
    }
    Ok(())
}

/// Refuses a database that this program would not open, or that is no database of this server.
pub(crate) fn check_known(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let applied = applied(connection).map_err(|err| damaged(path, &err))?;
    if applied.is_empty() {
        return Err(StoreError::Damaged {
            path: path.to_owned(),
            reason: "it has no migrations".to_owned(),
        });
    }
    lacking(&applied, MIGRATIONS, SQL).map(drop)
}

/// The error for a file that does not read as a database.
pub(crate) fn damaged(path: &Path, err: &rusqlite::Error) -> StoreError {
    StoreError::Damaged {
        path: path.to_owned(),
        reason: err.to_string(),
    }
}

pub(crate) fn migration_status(path: &Path) -> Result<Vec<MigrationStatus>, StoreError> {
    let applied = match open_existing(path) {
        Ok(connection) => applied(&connection).map_err(failed("read the migrations"))?,
        Err(err) if err.sqlite_error_code() == Some(ErrorCode::CannotOpen) && !path.exists() => {
            Vec::new()
        }
        Err(err) => return Err(failed("open the database")(err)),
    };
    Ok(status(&applied, MIGRATIONS, SQL))
}

fn applied(connection: &Connection) -> rusqlite::Result<Vec<Applied>> {
    if !connection.table_exists(None, "migration")? {
        return Ok(Vec::new());
    }
    connection
        .prepare("SELECT version, name, checksum FROM migration ORDER BY version")?
        .query_map([], |row| {
            Ok(Applied {
                version: row.get(0)?,
                name: row.get(1)?,
                checksum: row.get(2)?,
            })
        })?
        .collect()
}

const SQL: Dialect = |migration| migration.sqlite;

const APPLIED_TABLE: &str = "CREATE TABLE IF NOT EXISTS migration (
    version      INTEGER NOT NULL PRIMARY KEY,
    name         TEXT    NOT NULL,
    checksum     TEXT    NOT NULL,
    applied_time INTEGER NOT NULL
) STRICT";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migrate::MigrationState;

    const ONE: Migration = Migration {
        version: 1,
        name: "one",
        sqlite: "CREATE TABLE one (a INTEGER);",
        postgres: "",
    };
    const TWO: Migration = Migration {
        version: 2,
        name: "two",
        sqlite: "CREATE TABLE two (a INTEGER);",
        postgres: "",
    };
    const BROKEN: Migration = Migration {
        version: 2,
        name: "broken",
        sqlite: "CREATE TABLE two (a INTEGER); CREATE TABLE one (a INTEGER);",
        postgres: "",
    };

    fn states(connection: &Connection, migrations: &[Migration]) -> Vec<MigrationState> {
        let status = status(&applied(connection).unwrap(), migrations, SQL);
        status.iter().map(|status| status.state).collect()
    }

    #[test]
    fn only_what_is_lacking_is_applied() {
        use MigrationState::{Applied, Pending};
        let mut connection = Connection::open_in_memory().unwrap();
        assert_eq!(states(&connection, &[ONE, TWO]), [Pending, Pending]);
        run_list(&mut connection, &[ONE]).unwrap();
        assert_eq!(states(&connection, &[ONE, TWO]), [Applied, Pending]);
        run_list(&mut connection, &[ONE, TWO]).unwrap();
        run_list(&mut connection, &[ONE, TWO]).unwrap();
        assert_eq!(states(&connection, &[ONE, TWO]), [Applied, Applied]);
    }

    #[test]
    fn a_broken_migration_leaves_nothing_behind() {
        let mut connection = Connection::open_in_memory().unwrap();
        run_list(&mut connection, &[ONE]).unwrap();
        assert!(run_list(&mut connection, &[ONE, BROKEN]).is_err());
        run_list(&mut connection, &[ONE, TWO]).unwrap();
    }

    #[test]
    fn newer_and_changed_databases_are_refused() {
        let mut connection = Connection::open_in_memory().unwrap();
        run_list(&mut connection, &[ONE, TWO]).unwrap();
        let newer = run_list(&mut connection, &[ONE]).unwrap_err();
        assert!(matches!(newer, StoreError::Newer { found: 2, known: 1 }));
        assert_eq!(states(&connection, &[ONE])[1], MigrationState::Unknown);
        let changed = run_list(&mut connection, &[ONE, BROKEN]).unwrap_err();
        assert!(matches!(
            changed,
            StoreError::MigrationChanged { version: 2 }
        ));
        assert_eq!(
            states(&connection, &[ONE, BROKEN])[1],
            MigrationState::Changed
        );
    }
}
