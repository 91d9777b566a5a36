//! Migrations: forward only, embedded, each applied once in a transaction of its own.

use std::path::Path;

use rusqlite::{ErrorCode, params};

use crate::error::StoreError;
use crate::sqlite::{Connection, failed, open_existing};

/// One migration and whether a database has it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MigrationStatus {
    /// Its number, from 1 without gaps.
    pub version: u32,
    /// What it is about.
    pub name: String,
    /// Whether the database has it.
    pub state: MigrationState,
}

/// Whether a database has a migration.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MigrationState {
    /// It will be applied at the next start.
    Pending,
    /// The database has it.
    Applied,
    /// The database has another migration of this number: this program refuses to start on it.
    Changed,
    /// The database has it and this program does not know it: a newer program was here, this one refuses to start.
    Unknown,
}

pub(crate) struct Migration {
    pub(crate) version: u32,
    pub(crate) name: &'static str,
    pub(crate) sql: &'static str,
}

/// All migrations, in order. An entry that was released is never changed or removed.
pub(crate) const MIGRATIONS: &[Migration] = &[Migration {
    version: 1,
    name: "accounts",
    sql: include_str!("../../migrations/sqlite/0001_accounts.sql"),
}];

struct Applied {
    version: u32,
    name: String,
    checksum: String,
}

/// Applies what the database lacks.
pub(crate) fn run(connection: &mut Connection) -> Result<(), StoreError> {
    run_list(connection, MIGRATIONS)
}

fn run_list(connection: &mut Connection, migrations: &[Migration]) -> Result<(), StoreError> {
    let doing = failed("apply a migration");
    let applied = applied(connection).map_err(doing)?;
    check(&applied, migrations)?;
    for migration in &migrations[applied.len()..] {
        let transaction = connection.transaction().map_err(doing)?;
        transaction.execute_batch(APPLIED_TABLE).map_err(doing)?;
        transaction.execute_batch(migration.sql).map_err(doing)?;
        transaction
            .execute(
                "INSERT INTO migration (version, name, checksum, applied_time)
                 VALUES (?1, ?2, ?3, CAST(unixepoch('subsec') * 1000 AS INTEGER))",
                params![migration.version, migration.name, checksum(migration.sql)],
            )
            .map_err(doing)?;
        transaction.commit().map_err(doing)?;
        let (version, name) = (migration.version, migration.name);
        tracing::info!(version, name, "migration applied");
    }
    Ok(())
}

/// Refuses a database that this program does not understand.
fn check(applied: &[Applied], migrations: &[Migration]) -> Result<(), StoreError> {
    let known = migrations.last().map_or(0, |migration| migration.version);
    let found = applied.last().map_or(0, |migration| migration.version);
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    for (applied, migration) in applied.iter().zip(migrations) {
        if applied.version != migration.version || applied.checksum != checksum(migration.sql) {
            let version = applied.version;
            return Err(StoreError::MigrationChanged { version });
        }
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
    check(&applied, MIGRATIONS)
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
    Ok(status(&applied, MIGRATIONS))
}

fn status(applied: &[Applied], migrations: &[Migration]) -> Vec<MigrationStatus> {
    let known = migrations.iter().enumerate().map(|(index, migration)| {
        let state = match applied.get(index) {
            None => MigrationState::Pending,
            Some(applied) if applied.checksum == checksum(migration.sql) => MigrationState::Applied,
            Some(_) => MigrationState::Changed,
        };
        MigrationStatus {
            version: migration.version,
            name: migration.name.to_owned(),
            state,
        }
    });
    let unknown = applied.iter().skip(migrations.len());
    let unknown = unknown.map(|applied| MigrationStatus {
        version: applied.version,
        name: applied.name.clone(),
        state: MigrationState::Unknown,
    });
    known.chain(unknown).collect()
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

/// FNV-1a of the text, which finds an edited file and need not withstand an attacker.
/// Carriage returns do not count: a checkout on Windows may add them.
fn checksum(sql: &str) -> String {
    let bytes = sql.bytes().filter(|byte| *byte != b'\r');
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("{hash:016x}")
}

const APPLIED_TABLE: &str = "CREATE TABLE IF NOT EXISTS migration (
    version      INTEGER NOT NULL PRIMARY KEY,
    name         TEXT    NOT NULL,
    checksum     TEXT    NOT NULL,
    applied_time INTEGER NOT NULL
) STRICT";

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Migration = Migration {
        version: 1,
        name: "one",
        sql: "CREATE TABLE one (a INTEGER);",
    };
    const TWO: Migration = Migration {
        version: 2,
        name: "two",
        sql: "CREATE TABLE two (a INTEGER);",
    };
    const BROKEN: Migration = Migration {
        version: 2,
        name: "broken",
        sql: "CREATE TABLE two (a INTEGER); CREATE TABLE one (a INTEGER);",
    };

    fn states(connection: &Connection, migrations: &[Migration]) -> Vec<MigrationState> {
        let status = status(&applied(connection).unwrap(), migrations);
        status.iter().map(|status| status.state).collect()
    }

    #[test]
    fn versions_count_from_one() {
        let versions = MIGRATIONS.iter().map(|migration| migration.version);
        assert!(versions.eq(1..=u32::try_from(MIGRATIONS.len()).unwrap()));
    }

    #[test]
    fn released_migrations_are_never_edited() {
        let released = ["b765d087c050166a"];
        let checksums: Vec<_> = MIGRATIONS
            .iter()
            .map(|migration| checksum(migration.sql))
            .collect();
        assert_eq!(checksums, released);
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

    #[test]
    fn line_ends_do_not_count() {
        assert_eq!(checksum("a\r\nb"), checksum("a\nb"));
        assert_ne!(checksum("a b"), checksum("a  b"));
    }
}
