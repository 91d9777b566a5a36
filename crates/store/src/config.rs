//! Settings of the store.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::error::StoreError;

/// Which database, and its settings.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Config {
    /// SQLite, in a file.
    Sqlite(SqliteConfig),
    /// PostgreSQL 15 or newer.
    Postgres(PostgresConfig),
}

impl Config {
    /// The database of an address, with the defaults: `sqlite:` and the path of a file, or `postgres://…`.
    ///
    /// # Errors
    ///
    /// `Config` where it is neither.
    pub fn parse(address: &str) -> Result<Self, StoreError> {
        if let Some(path) = address
            .strip_prefix("sqlite:")
            .filter(|path| !path.is_empty())
        {
            return Ok(SqliteConfig::new(path).into());
        }
        if address.starts_with("postgres://") || address.starts_with("postgresql://") {
            return Ok(PostgresConfig::new(address).into());
        }
        Err(StoreError::Config(
            "an address of a database is sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/NAME",
        ))
    }
}

impl From<PostgresConfig> for Config {
    fn from(config: PostgresConfig) -> Self {
        Self::Postgres(config)
    }
}

impl From<SqliteConfig> for Config {
    fn from(config: SqliteConfig) -> Self {
        Self::Sqlite(config)
    }
}

/// Settings of the store on disk.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SqliteConfig {
    /// The database file; its folder must exist.
    /// Beside it lie `-wal` and `-shm`, which belong to it, and `-lock`, which keeps a second server out.
    pub path: PathBuf,
    /// Batches that are committed together at most (1..=4096).
    /// More make a sync cheaper per batch and the first caller's wait longer.
    pub group_commits_max: usize,
    /// Batches that wait for the writer at most (1..=65_536); one more is refused with `StoreError::Busy`.
    pub queue_batches_max: usize,
    /// Connections for reads (1..=64); when all are taken a reader waits for one.
    pub readers: usize,
    /// Size of the write-ahead log, in bytes, from which it is moved into the database even while commits wait.
    /// Below it that happens when the writer is idle.
    pub wal_bytes_max: u64,
    /// Page cache of one connection, in KiB (64..=1_048_576).
    pub cache_kib: u32,
    /// How long the writer must be without work before it moves the write-ahead log into the database.
    pub idle: Duration,
    /// Whether a commit waits for the disk.
    pub synchronous: Synchronous,
}

impl SqliteConfig {
    /// The defaults for a database at `path`.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            group_commits_max: 256,
            queue_batches_max: 4_096,
            readers: 4,
            wal_bytes_max: 16 << 20,
            cache_kib: 2_048,
            idle: Duration::from_millis(200),
            synchronous: Synchronous::Full,
        }
    }

    /// The first setting that is out of its range, as a sentence for an operator.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        if !(1..=4_096).contains(&self.group_commits_max) {
            return Some("group_commits_max must be 1 to 4096");
        }
        if !(1..=65_536).contains(&self.queue_batches_max) {
            return Some("queue_batches_max must be 1 to 65536");
        }
        if !(1..=64).contains(&self.readers) {
            return Some("readers must be 1 to 64");
        }
        if !(64..=1_048_576).contains(&self.cache_kib) {
            return Some("cache_kib must be 64 to 1048576");
        }
        None
    }
}

/// Settings of the store on PostgreSQL.
#[derive(Clone, Eq, PartialEq)]
pub struct PostgresConfig {
    /// Where the server is, as `postgres://user:password@host:5432/name`; not to be shown.
    /// Unless `sslmode=disable` is in it, a server on another machine is spoken to by TLS, and its certificate is verified.
    pub url: String,
    /// File of the certificate authorities to trust, in PEM; without one those of the system.
    pub ca_path: Option<PathBuf>,
    /// Connections for batches at most (1..=1024); a batch waits for one to be free.
    pub connections_max: usize,
    /// Connections for reads (1..=64), each shared by many reads at once.
    pub read_connections: usize,
    /// Batches that wait or run at most (1..=65_536); one more is refused with `StoreError::Busy`.
    pub queue_batches_max: usize,
    /// How long one statement may take, waiting for other transactions included, in milliseconds (1..=3_600_000).
    pub statement_ms_max: u32,
    /// How long connecting may take, in milliseconds (1..=3_600_000).
    pub connect_ms_max: u32,
}

impl PostgresConfig {
    /// The defaults for the server at `url`.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            ca_path: None,
            connections_max: 16,
            read_connections: 4,
            queue_batches_max: 4_096,
            statement_ms_max: 10_000,
            connect_ms_max: 5_000,
        }
    }

    /// The first setting that is out of its range, as a sentence for an operator.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        if !(1..=1_024).contains(&self.connections_max) {
            return Some("connections_max must be 1 to 1024");
        }
        if !(1..=64).contains(&self.read_connections) {
            return Some("read_connections must be 1 to 64");
        }
        if !(1..=65_536).contains(&self.queue_batches_max) {
            return Some("queue_batches_max must be 1 to 65536");
        }
        if !(1..=3_600_000).contains(&self.statement_ms_max) {
            return Some("statement_ms_max must be 1 to 3600000");
        }
        if !(1..=3_600_000).contains(&self.connect_ms_max) {
            return Some("connect_ms_max must be 1 to 3600000");
        }
        None
    }
}

impl fmt::Debug for PostgresConfig {
    /// Without the address, which has a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresConfig").finish_non_exhaustive()
    }
}

/// Whether a commit waits for the disk.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Synchronous {
    /// Every group is synced before it is acknowledged.
    Full,
    /// Nothing is synced: a power loss takes acknowledged rows. For tests only.
    Off,
}
