//! Settings of the store.

use std::path::PathBuf;
use std::time::Duration;

/// Which database, and its settings.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Config {
    /// SQLite, in a file.
    Sqlite(SqliteConfig),
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

/// Whether a commit waits for the disk.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Synchronous {
    /// Every group is synced before it is acknowledged.
    Full,
    /// Nothing is synced: a power loss takes acknowledged rows. For tests only.
    Off,
}
