//! The store as its callers see it, whatever database is behind it.

use std::path::Path;
use std::sync::Arc;

use tagus_base::{UnixMillis, UserId};

use crate::batch::{Batch, Outcome};
use crate::config::Config;
use crate::error::StoreError;
use crate::metrics::StoreMetrics;
use crate::row::{AccountRow, Counts, LogoutRow, RoomDataRow};
use crate::sqlite::backup::{BackupReport, backup_connection};
use crate::sqlite::file::FileBackend;
use crate::sqlite::memory::MemoryBackend;
use crate::sqlite::migrate::{MigrationStatus, migration_status};
use crate::sqlite::{Connection, read};

/// Rows that survive. Clones are the same store; the last one to go closes it.
///
/// Reads block for microseconds, or until one of the reading connections is free; a read sees every batch
/// that was acknowledged before it began.
#[derive(Clone, Debug)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    backend: Backend,
    metrics: StoreMetrics,
}

#[derive(Debug)]
enum Backend {
    File(FileBackend),
    Memory(MemoryBackend),
}

impl Store {
    /// Opens the database, makes it if it does not exist, brings it to the newest migration, and starts
    /// the thread `store-writer`.
    ///
    /// # Errors
    ///
    /// `Config`, `InUse`, `Newer`, `MigrationChanged`, `Damaged`, `File`, `Database`.
    pub fn open(config: Config) -> Result<Self, StoreError> {
        let metrics = StoreMetrics::default();
        let backend = Backend::File(FileBackend::open(&config, metrics.clone())?);
        Ok(Self {
            inner: Arc::new(Inner { backend, metrics }),
        })
    }

    /// A store in memory on one connection and without a thread: what is committed is there when the call returns,
    /// and everything is gone with the last clone.
    ///
    /// # Errors
    ///
    /// `Database`.
    pub fn memory() -> Result<Self, StoreError> {
        let metrics = StoreMetrics::default();
        let backend = Backend::Memory(MemoryBackend::open(metrics.clone())?);
        Ok(Self {
            inner: Arc::new(Inner { backend, metrics }),
        })
    }

    /// Which migrations the database at `path` has and which it lacks. Changes nothing.
    ///
    /// # Errors
    ///
    /// `Database` where the file cannot be read; a file that does not exist has no migration.
    pub fn migration_status(path: &Path) -> Result<Vec<MigrationStatus>, StoreError> {
        migration_status(path)
    }

    /// The store's metrics, to be registered by whoever shows them.
    #[must_use]
    pub fn metrics(&self) -> &StoreMetrics {
        &self.inner.metrics
    }

    /// Writes the batch, wholly or not at all; when this returns `Ok` the rows survive a loss of power.
    /// A caller that gives up waiting does not call the batch back.
    ///
    /// # Errors
    ///
    /// `Conflict` where rows do not fit, `Busy` at the limit of waiting batches, `BatchTooLarge`, `Closed`, and
    /// `Database`, which everybody in the same group gets.
    pub async fn commit(&self, batch: Batch) -> Result<Outcome, StoreError> {
        match &self.inner.backend {
            Backend::Memory(memory) => memory.commit(batch),
            Backend::File(file) => {
                let (answer, wait) = tokio::sync::oneshot::channel();
                // A caller that gave up does not read its answer.
                file.enqueue(batch, Box::new(move |result| drop(answer.send(result))))?;
                wait.await.unwrap_or(Err(StoreError::Closed))
            }
        }
    }

    /// [`Store::commit`] for threads that may wait. Not for a task of an async runtime.
    ///
    /// # Errors
    ///
    /// Those of [`Store::commit`].
    pub fn commit_blocking(&self, batch: Batch) -> Result<Outcome, StoreError> {
        match &self.inner.backend {
            Backend::Memory(memory) => memory.commit(batch),
            Backend::File(file) => {
                let (answer, wait) = std::sync::mpsc::sync_channel(1);
                file.enqueue(batch, Box::new(move |result| drop(answer.send(result))))?;
                wait.recv().unwrap_or(Err(StoreError::Closed))
            }
        }
    }

    /// The account with this id.
    ///
    /// # Errors
    ///
    /// `Database`, `Closed`, as of every read.
    pub fn account_by_id(&self, id: UserId) -> Result<Option<AccountRow>, StoreError> {
        self.read(|connection| read::account_by_id(connection, id))
    }

    /// The account with exactly this user name.
    ///
    /// # Errors
    ///
    /// As [`Store::account_by_id`].
    pub fn account_by_username(&self, username: &str) -> Result<Option<AccountRow>, StoreError> {
        self.read(|connection| read::account_by_username(connection, username))
    }

    /// The account that has this device.
    ///
    /// # Errors
    ///
    /// As [`Store::account_by_id`].
    pub fn account_by_device(&self, device: &str) -> Result<Option<AccountRow>, StoreError> {
        self.read(|connection| read::account_by_device(connection, device))
    }

    /// The account with this custom id.
    ///
    /// # Errors
    ///
    /// As [`Store::account_by_id`].
    pub fn account_by_custom(&self, custom_id: &str) -> Result<Option<AccountRow>, StoreError> {
        self.read(|connection| read::account_by_custom(connection, custom_id))
    }

    /// The account with exactly this mail address.
    ///
    /// # Errors
    ///
    /// As [`Store::account_by_id`].
    pub fn account_by_email(&self, email: &str) -> Result<Option<AccountRow>, StoreError> {
        self.read(|connection| read::account_by_email(connection, email))
    }

    /// The accounts with these ids, in the order of the ids; unknown ids are left out.
    /// The caller bounds how many it asks for.
    ///
    /// # Errors
    ///
    /// As [`Store::account_by_id`].
    pub fn accounts_by_ids(&self, ids: &[UserId]) -> Result<Vec<AccountRow>, StoreError> {
        self.read(|connection| {
            let found = ids.iter().map(|id| read::account_by_id(connection, *id));
            found.filter_map(Result::transpose).collect()
        })
    }

    /// The accounts with these user names, in the order of the names; unknown names are left out.
    /// The caller bounds how many it asks for.
    ///
    /// # Errors
    ///
    /// As [`Store::account_by_id`].
    pub fn accounts_by_usernames(&self, names: &[&str]) -> Result<Vec<AccountRow>, StoreError> {
        self.read(|connection| {
            let found = names.iter();
            let found = found.map(|name| read::account_by_username(connection, name));
            found.filter_map(Result::transpose).collect()
        })
    }

    /// The devices of an account, in the order of their ids.
    ///
    /// # Errors
    ///
    /// As [`Store::account_by_id`].
    pub fn devices_of(&self, user: UserId) -> Result<Vec<String>, StoreError> {
        self.read(|connection| read::devices_of(connection, user))
    }

    /// When the account was deleted, if it was.
    ///
    /// # Errors
    ///
    /// As [`Store::account_by_id`].
    pub fn tombstone_of(&self, user: UserId) -> Result<Option<UnixMillis>, StoreError> {
        self.read(|connection| read::tombstone_of(connection, user))
    }

    /// The logouts that have not expired at `now`, to be loaded at start, in a fixed order.
    ///
    /// # Errors
    ///
    /// As [`Store::account_by_id`].
    pub fn logouts(&self, now: UnixMillis) -> Result<Vec<LogoutRow>, StoreError> {
        self.read(|connection| read::logouts(connection, now))
    }

    /// The durable values of a room, in the order of their keys.
    ///
    /// # Errors
    ///
    /// As [`Store::account_by_id`].
    pub fn room_data(&self, room_key: &str) -> Result<Vec<RoomDataRow>, StoreError> {
        self.read(|connection| read::room_data(connection, room_key))
    }

    /// How many rows there are. Looks at every row: for operators, not for requests.
    ///
    /// # Errors
    ///
    /// As [`Store::account_by_id`].
    pub fn counts(&self) -> Result<Counts, StoreError> {
        self.read(read::counts)
    }

    /// Copies the database into a new file while it is in use, and checks the copy; see [`crate::backup()`].
    ///
    /// # Errors
    ///
    /// Those of [`crate::backup()`].
    pub fn backup(
        &self,
        dest: &Path,
        progress: impl FnMut(u64, u64),
    ) -> Result<BackupReport, StoreError> {
        match &self.inner.backend {
            Backend::File(file) => crate::sqlite::backup::backup(file.path(), dest, progress),
            Backend::Memory(memory) => {
                memory.with(|connection| backup_connection(connection, dest, progress))
            }
        }
    }

    /// Commits what waits, moves the write-ahead log into the database and ends the writer.
    /// Batches and reads after that get `Closed`; a second call does nothing.
    ///
    /// # Errors
    ///
    /// `Database` where the last checkpoint failed; acknowledged rows are safe even so.
    pub fn close(&self) -> Result<(), StoreError> {
        match &self.inner.backend {
            Backend::File(file) => file.close(),
            Backend::Memory(memory) => {
                memory.close();
                Ok(())
            }
        }
    }

    fn read<T>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let query =
            |connection: &Connection| query(connection).map_err(crate::sqlite::failed("read rows"));
        match &self.inner.backend {
            Backend::File(file) => file.with_reader(query),
            Backend::Memory(memory) => memory.with(query),
        }
    }
}
