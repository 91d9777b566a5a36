//! Settings of the database.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use tagus_store::{PostgresConfig, SqliteConfig, StoreError};

/// Where the database is and how it is used.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoreSettings {
    /// The database; none: `tagus.db` in the data folder.
    pub url: Option<StoreUrl>,
    /// Batches that are committed together at most (1..=4,096).
    pub group_commits_max: usize,
    /// Batches that wait for the writer at most (1..=65,536); one more is refused as busy.
    pub queue_batches_max: usize,
    /// Connections for reads (1..=64).
    pub readers: usize,
    /// File of the certificate authorities that PostgreSQL's certificate is checked with, in PEM; none: the system's.
    pub ca_path: Option<PathBuf>,
    /// Connections to PostgreSQL for batches at most (1..=1,024).
    pub connections_max: usize,
    /// Time that one statement of PostgreSQL may take, in milliseconds (1..=3,600,000).
    pub statement_ms_max: u32,
    /// Time that connecting to PostgreSQL may take, in milliseconds (1..=3,600,000).
    pub connect_ms_max: u32,
    /// Size of SQLite's write-ahead log, in bytes, from which it is moved into the database even while commits wait.
    pub wal_bytes_max: u64,
    /// SQLite's page cache of one connection, in KiB (64..=1,048,576).
    pub cache_kib: u32,
}

impl Default for StoreSettings {
    fn default() -> Self {
        let sqlite = SqliteConfig::new(PathBuf::new());
        let postgres = PostgresConfig::new(String::new());
        Self {
            url: None,
            group_commits_max: sqlite.group_commits_max,
            queue_batches_max: sqlite.queue_batches_max,
            readers: sqlite.readers,
            ca_path: None,
            connections_max: postgres.connections_max,
            statement_ms_max: postgres.statement_ms_max,
            connect_ms_max: postgres.connect_ms_max,
            wal_bytes_max: sqlite.wal_bytes_max,
            cache_kib: sqlite.cache_kib,
        }
    }
}

impl StoreSettings {
    /// What the store is opened with, for a server whose durable things lie in the folder `data`.
    ///
    /// # Errors
    /// The address is one that the store does not know.
    pub(crate) fn database(&self, data: &Path) -> Result<tagus_store::Config, StoreError> {
        let mut database = match &self.url {
            Some(url) => tagus_store::Config::parse(url.as_str())?,
            None => SqliteConfig::new(data.join("tagus.db")).into(),
        };
        match &mut database {
            tagus_store::Config::Sqlite(sqlite) => {
                sqlite.group_commits_max = self.group_commits_max;
                sqlite.queue_batches_max = self.queue_batches_max;
                sqlite.readers = self.readers;
                sqlite.wal_bytes_max = self.wal_bytes_max;
                sqlite.cache_kib = self.cache_kib;
            }
            tagus_store::Config::Postgres(postgres) => {
                postgres.queue_batches_max = self.queue_batches_max;
                postgres.read_connections = self.readers;
                postgres.ca_path.clone_from(&self.ca_path);
                postgres.connections_max = self.connections_max;
                postgres.statement_ms_max = self.statement_ms_max;
                postgres.connect_ms_max = self.connect_ms_max;
            }
            _ => {}
        }
        Ok(database)
    }
}

/// `sqlite:FILE` or `postgres://…`. It may hold a password, so it is shown by [`StoreUrl::as_str`] only.
#[derive(Clone, Eq, PartialEq)]
pub struct StoreUrl(String);

impl StoreUrl {
    /// The whole URL. Not for logs.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for StoreUrl {
    type Err = String;

    fn from_str(url: &str) -> Result<Self, String> {
        let known = SCHEMES.iter().any(|scheme| {
            url.strip_prefix(scheme)
                .is_some_and(|rest| !rest.is_empty())
        });
        if known {
            Ok(Self(url.to_owned()))
        } else {
            Err(
                "must begin with sqlite: or postgres://, for example sqlite:data/tagus.db"
                    .to_owned(),
            )
        }
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreUrl(***)")
    }
}

const SCHEMES: [&str; 3] = ["sqlite:", "postgres://", "postgresql://"];
