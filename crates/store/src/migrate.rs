//! Migrations: forward only, embedded, each applied once in a transaction of its own.

use crate::error::StoreError;

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

/// A change of the tables, for each database.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Migration {
    pub(crate) version: u32,
    pub(crate) name: &'static str,
    pub(crate) sqlite: &'static str,
    pub(crate) postgres: &'static str,
}

macro_rules! migration {
    ($version:literal, $name:literal, $file:literal) => {
        Migration {
            version: $version,
            name: $name,
            sqlite: include_str!(concat!("../migrations/sqlite/", $file)),
            postgres: include_str!(concat!("../migrations/postgres/", $file)),
        }
    };
}

/// All migrations, in order. An entry that was released is never changed or removed.
pub(crate) const MIGRATIONS: &[Migration] = &[
    migration!(1, "accounts", "0001_accounts.sql"),
    migration!(2, "friends", "0002_friends.sql"),
    migration!(3, "channels", "0003_channels.sql"),
    migration!(4, "groups", "0004_groups.sql"),
    migration!(5, "storage", "0005_storage.sql"),
    migration!(6, "leaderboards", "0006_leaderboards.sql"),
    migration!(7, "codes", "0007_codes.sql"),
    migration!(8, "jobs", "0008_jobs.sql"),
    migration!(9, "ratings", "0009_ratings.sql"),
];

/// One of the two texts of a migration.
pub(crate) type Dialect = fn(&Migration) -> &'static str;

/// A migration that a database has.
pub(crate) struct Applied {
    pub(crate) version: u32,
    pub(crate) name: String,
    pub(crate) checksum: String,
}

/// What a database lacks, or why this program does not understand it.
pub(crate) fn lacking<'a>(
    applied: &[Applied],
    migrations: &'a [Migration],
    dialect: Dialect,
) -> Result<&'a [Migration], StoreError> {
    let known = migrations.last().map_or(0, |migration| migration.version);
    let found = applied.last().map_or(0, |migration| migration.version);
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    for (applied, migration) in applied.iter().zip(migrations) {
        if applied.version != migration.version || applied.checksum != checksum(dialect(migration))
        {
            let version = applied.version;
            return Err(StoreError::MigrationChanged { version });
        }
    }
    Ok(migrations.get(applied.len()..).unwrap_or_default())
}

/// How a database stands to the migrations.
pub(crate) fn status(
    applied: &[Applied],
    migrations: &[Migration],
    dialect: Dialect,
) -> Vec<MigrationStatus> {
    let known = migrations.iter().enumerate().map(|(index, migration)| {
        let state = match applied.get(index) {
            None => MigrationState::Pending,
            Some(applied) if applied.checksum == checksum(dialect(migration)) => {
                MigrationState::Applied
            }
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

/// FNV-1a of the text, which finds an edited file and need not withstand an attacker.
/// Carriage returns do not count: a checkout on Windows may add them.
pub(crate) fn checksum(sql: &str) -> String {
    let bytes = sql.bytes().filter(|byte| *byte != b'\r');
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_count_from_one() {
        let versions = MIGRATIONS.iter().map(|migration| migration.version);
        assert!(versions.eq(1..=u32::try_from(MIGRATIONS.len()).unwrap()));
    }

    #[test]
    fn released_migrations_are_never_edited() {
        let released = [("b765d087c050166a", "2bee1a7c084971e5")];
        for (migration, checksums) in MIGRATIONS.iter().zip(released) {
            let found = (checksum(migration.sqlite), checksum(migration.postgres));
            assert_eq!((found.0.as_str(), found.1.as_str()), checksums);
        }
    }

    #[test]
    fn line_ends_do_not_count() {
        assert_eq!(checksum("a\r\nb"), checksum("a\nb"));
        assert_ne!(checksum("a b"), checksum("a  b"));
    }
}
