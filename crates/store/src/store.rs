//! The store as its callers see it, whatever database is behind it.

use std::path::Path;
use std::sync::Arc;

use crate::batch::{Batch, Outcome};
use crate::config::Config;
use crate::error::StoreError;
use crate::metrics::StoreMetrics;
use crate::migrate::MigrationStatus;
use crate::postgres::{self, PostgresBackend};
use crate::sql::{Plan, Query, Value};
use crate::sqlite::backup::{BackupReport, backup_connection};
use crate::sqlite::file::FileBackend;
use crate::sqlite::memory::MemoryBackend;
use crate::sqlite::migrate::migration_status;
use crate::sqlite::{Connection, read};
use crate::wait::block_on;

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
    Postgres(PostgresBackend),
}

impl Store {
    /// Opens the database, makes it if it does not exist, brings it to the newest migration, and starts
    /// the thread `store-writer`.
    ///
    /// # Errors
    ///
    /// `Config`, `InUse`, `Newer`, `MigrationChanged`, `Damaged`, `File`, `Database`.
    pub fn open(config: impl Into<Config>) -> Result<Self, StoreError> {
        let metrics = StoreMetrics::default();
        let backend = match config.into() {
            Config::Sqlite(config) => Backend::File(FileBackend::open(&config, metrics.clone())?),
            Config::Postgres(config) => {
                Backend::Postgres(PostgresBackend::open(&config, metrics.clone())?)
            }
        };
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

    /// Which migrations the database has and which it lacks. Changes nothing.
    ///
    /// # Errors
    ///
    /// `Database` where it cannot be read, `Unreachable`, `Config`; a file that does not exist has no migration.
    pub fn migration_status(config: impl Into<Config>) -> Result<Vec<MigrationStatus>, StoreError> {
        match config.into() {
            Config::Sqlite(config) => migration_status(&config.path),
            Config::Postgres(config) => postgres::migration_status(&config),
        }
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
        self.commit_plan(Plan::of(batch)?).await
    }

    /// [`Store::commit`] of a batch that is statements already.
    pub(crate) async fn commit_plan(&self, plan: Plan) -> Result<Outcome, StoreError> {
        match &self.inner.backend {
            Backend::Memory(memory) => memory.commit(plan),
            Backend::Postgres(postgres) => postgres.commit(plan).await,
            Backend::File(file) => {
                let (answer, wait) = tokio::sync::oneshot::channel();
                // A caller that gave up does not read its answer.
                file.enqueue(plan, Box::new(move |result| drop(answer.send(result))))?;
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
        block_on(self.commit(batch))
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
            Backend::Postgres(_) => Err(StoreError::Config(
                "a backup of PostgreSQL is made with its own tools, such as pg_dump",
            )),
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
            Backend::Postgres(postgres) => {
                postgres.close();
                Ok(())
            }
        }
    }

    /// Which database this is, without passwords.
    pub(crate) fn name(&self) -> String {
        match &self.inner.backend {
            Backend::File(file) => {
                let path = file.path();
                let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
                format!("sqlite:{}", path.display())
            }
            Backend::Memory(_) => "memory".to_owned(),
            Backend::Postgres(postgres) => postgres.name(),
        }
    }

    /// The first row of a query.
    pub(crate) async fn first<T>(&self, query: Query<T>) -> Result<Option<T>, StoreError> {
        Ok(self.all(query).await?.into_iter().next())
    }

    /// All rows of a query.
    pub(crate) async fn all<T>(&self, query: Query<T>) -> Result<Vec<T>, StoreError> {
        self.each(vec![query]).await
    }

    /// All rows of some queries, those of the first query first. It is open whether a batch that is committed in the
    /// meantime is seen by all of them or only by the later ones.
    pub(crate) async fn each<T>(&self, queries: Vec<Query<T>>) -> Result<Vec<T>, StoreError> {
        let mut params = queries.iter().flat_map(|query| &query.params);
        if params.any(Value::holds_nul) {
            return Err(StoreError::NulInText);
        }
        let read = |connection: &Connection| {
            read::each(connection, &queries).map_err(crate::sqlite::failed("read rows"))
        };
        match &self.inner.backend {
            Backend::File(file) => file.with_reader(read),
            Backend::Memory(memory) => memory.with(read),
            Backend::Postgres(postgres) => postgres.each(&queries).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::PostgresConfig;
    use crate::error::Conflict;
    use crate::sql::{Row, Sql, Step, locking, params};

    #[test]
    fn steps_find_return_and_refuse_in_memory() {
        check_steps(&Store::memory().unwrap());
    }

    #[test]
    #[ignore = "needs PostgreSQL"]
    fn steps_find_return_and_refuse_on_postgres() {
        let url = std::env::var("TAGUS_TEST_POSTGRES").unwrap();
        let schema = format!("tagus_steps_{}", std::process::id());
        let execute = |sql: String| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let connected = tokio_postgres::connect(&url, tokio_postgres::NoTls).await;
                let (client, driver) = connected.unwrap();
                drop(tokio::spawn(driver));
                client.batch_execute(&sql).await.unwrap();
            });
        };
        execute(format!("CREATE SCHEMA {schema}"));
        let config = PostgresConfig::new(format!("{url}?options=-csearch_path%3D{schema}"));
        check_steps(&Store::open(config).unwrap());
        execute(format!("DROP SCHEMA {schema} CASCADE"));
    }

    fn check_steps(store: &Store) {
        let commit = |steps: Vec<Step>| {
            let committed = block_on(store.commit_plan(Plan::from(steps)));
            committed.map_err(|err| err.conflict().unwrap())
        };
        let table = "CREATE TABLE steps (id BIGINT PRIMARY KEY, name TEXT, data BYTEA)";
        let table = Sql::Differs {
            sqlite: "CREATE TEMPORARY TABLE steps (id INTEGER PRIMARY KEY, name TEXT, data BLOB)",
            postgres: table,
        };
        commit(vec![Step::write(table, Vec::new())]).unwrap();
        let add = |id: i64, name: Option<&str>| {
            let sql = "INSERT INTO steps (id, name, data) VALUES ($1, $2, $3) RETURNING id + 1, name, data";
            Step::returning(sql, params![id, name, bytes::Bytes::from_static(b"\0\xff")])
        };
        let find =
            |id: i64| Step::check(locking!("SELECT 1 FROM steps WHERE id = $1"), params![id]);
        let outcome = commit(vec![
            add(1, Some("a")),
            find(1).or(Conflict::Missing),
            add(2, None),
        ]);
        let outcome = outcome.unwrap();
        assert_eq!(outcome.rows_changed, 2);
        let row = |id: i64, name: Option<&str>| {
            (
                0,
                Row::new(params![id, name, bytes::Bytes::from_static(b"\0\xff")]),
            )
        };
        assert_eq!(outcome.returned, [row(2, Some("a")), row(3, None)]);

        // What a later step finds missing undoes the earlier ones.
        let refused = commit(vec![add(3, None), find(4).or(Conflict::Missing)]);
        assert_eq!(refused, Err(Conflict::Missing));
        let refused = commit(vec![add(3, None), find(3).or_if_found(Conflict::IdTaken)]);
        assert_eq!(refused, Err(Conflict::IdTaken));
        assert_eq!(
            commit(vec![find(3).or(Conflict::Missing)]),
            Err(Conflict::Missing)
        );
        // The first that fails is the one named.
        let rename = |id: i64| {
            let sql = "UPDATE steps SET name = 'b' WHERE id = $1 RETURNING name";
            Step::returning(sql, params![id]).or(Conflict::UsernameTaken)
        };
        let refused = commit(vec![find(1), rename(9), find(9).or(Conflict::Missing)]);
        assert_eq!(refused, Err(Conflict::UsernameTaken));
        assert_eq!(commit(vec![rename(9)]), Err(Conflict::UsernameTaken));
        let named = commit(vec![rename(1)]).unwrap();
        assert_eq!(named.returned, [(0, Row::new(params!["b"]))]);
        let ids = Query::new("SELECT id FROM steps ORDER BY id", Vec::new(), |row| {
            row.int(0)
        });
        assert_eq!(block_on(store.all(ids)).unwrap(), [1, 2]);
    }
}
