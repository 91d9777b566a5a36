//! What only PostgreSQL does; and the server that the tests with `postgres` in their names talk to.

use std::sync::atomic::{AtomicU32, Ordering};

use tagus_store::{
    AccountOp, AccountPatch, Batch, MigrationState, PostgresConfig, Store, StoreError,
};
use tokio_postgres::NoTls;

use crate::{first_login, has_login, user};

#[test]
#[ignore = "needs PostgreSQL"]
fn a_server_that_comes_back_is_found_again() {
    let schema = Schema::new();
    let store = schema.open();
    store.commit_blocking(first_login(1)).unwrap();
    assert!(has_login(&store, 1));
    for round in 2..5 {
        schema.disconnect();
        // Whoever is the first to notice may be told so; nobody is told so for ever.
        let mut login = store.commit_blocking(first_login(round));
        if let Err(StoreError::Unreachable { in_commit, .. }) = login {
            let is_written = has_login(&store, round);
            assert!(in_commit || !is_written);
            login = store.commit_blocking(first_login(round));
        }
        login.unwrap();
        assert!(has_login(&store, 1) && has_login(&store, round));
    }
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = port.local_addr().unwrap();
    drop(port);
    let config = PostgresConfig::new(format!("postgres://me:secret@{address}/tagus"));
    let err = Store::open(config.clone()).unwrap_err();
    let StoreError::Unreachable {
        server, in_commit, ..
    } = &err
    else {
        panic!("{err:?}");
    };
    assert_eq!(
        (server.as_str(), *in_commit),
        (&*address.to_string(), false)
    );
    assert!(!format!("{err} {err:?} {config:?}").contains("secret"));
}

#[test]
fn settings_out_of_range_are_refused() {
    let good = PostgresConfig::new("postgres://me@127.0.0.1/tagus");
    let bad = [
        PostgresConfig {
            connections_max: 0,
            ..good.clone()
        },
        PostgresConfig {
            connections_max: 1_025,
            ..good.clone()
        },
        PostgresConfig {
            read_connections: 65,
            ..good.clone()
        },
        PostgresConfig {
            queue_batches_max: 65_537,
            ..good.clone()
        },
        PostgresConfig {
            statement_ms_max: 0,
            ..good.clone()
        },
        PostgresConfig {
            connect_ms_max: 3_600_001,
            ..good.clone()
        },
        PostgresConfig {
            url: "mysql://me@127.0.0.1/tagus".to_owned(),
            ..good.clone()
        },
        PostgresConfig {
            url: "postgres://me@db.example/tagus".to_owned(),
            ca_path: Some("/nowhere/ca.pem".into()),
            ..good
        },
    ];
    for config in bad {
        assert!(matches!(Store::open(config), Err(StoreError::Config(_))));
    }
}

#[test]
#[ignore = "needs PostgreSQL"]
fn waiting_has_its_limits() {
    let schema = Schema::new();
    let config = PostgresConfig {
        queue_batches_max: 1,
        statement_ms_max: 300,
        ..schema.config()
    };
    let store = Store::open(config).unwrap();
    store.commit_blocking(first_login(1)).unwrap();
    let (locked, lock) = std::sync::mpsc::channel();
    let (unlock, unlocked) = tokio::sync::oneshot::channel::<()>();
    std::thread::scope(|scope| {
        let schema = &schema;
        scope.spawn(move || {
            schema.locked("account", || locked.send(()).unwrap(), unlocked);
        });
        lock.recv().unwrap();
        let waits = scope.spawn(|| store.commit_blocking(first_login(2)));
        while store.metrics().connections.get() < 1 || store.metrics().queue_batches.get() > 0 {
            std::thread::yield_now();
        }
        let waited = waits.join().unwrap().unwrap_err();
        assert!(matches!(waited, StoreError::Database { .. }), "{waited:?}");
        let mut first = Box::pin(store.commit(first_login(3)));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(first.as_mut().poll(&mut context).is_pending());
        let second = store.commit_blocking(first_login(4)).unwrap_err();
        assert!(matches!(second, StoreError::Busy), "{second:?}");
        unlock.send(()).unwrap();
        // A caller that gives up does not call its batch back.
        drop(first);
    });
    store.close().unwrap();
    assert!(has_login(&schema.open(), 3));
    assert_eq!(store.metrics().busy.get(), 1);
}

#[test]
#[ignore = "needs PostgreSQL"]
fn batches_that_block_each_other_are_tried_again() {
    let schema = Schema::new();
    let store = schema.open();
    for number in 0..2 {
        store.commit_blocking(first_login(number)).unwrap();
    }
    std::thread::scope(|scope| {
        for thread in 0..8_u32 {
            let store = &store;
            scope.spawn(move || {
                for _ in 0..20 {
                    let order = [user(thread % 2), user(1 - thread % 2)];
                    let batch = order.into_iter().map(|id| AccountOp::Update {
                        id,
                        patch: Box::new(AccountPatch::default()),
                    });
                    store.commit_blocking(batch.collect::<Batch>()).unwrap();
                }
            });
        }
    });
    assert!(store.metrics().retries.get() > 0, "nobody was in the way");
    assert_eq!(store.metrics().failures.get(), 0);
}

#[test]
#[ignore = "needs PostgreSQL"]
fn several_nodes_start_at_once() {
    let schema = Schema::new();
    let states = || {
        let status = Store::migration_status(schema.config()).unwrap();
        let states = status.iter().map(|status| status.state);
        states.collect::<Vec<_>>()
    };
    assert!(
        states()
            .iter()
            .all(|state| *state == MigrationState::Pending)
    );
    std::thread::scope(|scope| {
        let nodes: Vec<_> = (0..6).map(|_| scope.spawn(|| schema.open())).collect();
        for (number, node) in (0..).zip(nodes) {
            let store = node.join().unwrap();
            store.commit_blocking(first_login(number)).unwrap();
            assert!((0..=number).all(|number| has_login(&store, number)));
        }
    });
    assert!(
        states()
            .iter()
            .all(|state| *state == MigrationState::Applied)
    );
    schema.execute("INSERT INTO migration VALUES (99, 'later', '', 0)");
    let err = Store::open(schema.config()).unwrap_err();
    assert!(matches!(err, StoreError::Newer { found: 99, .. }), "{err}");
    schema.execute("DELETE FROM migration WHERE version = 99; UPDATE migration SET checksum = ''");
    let err = Store::open(schema.config()).unwrap_err();
    assert!(
        matches!(err, StoreError::MigrationChanged { version: 1 }),
        "{err}"
    );
}

#[test]
#[ignore = "needs PostgreSQL"]
fn tables_are_the_same_in_postgres_and_sqlite() {
    let schema = Schema::new();
    schema.open().close().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let config = crate::config(folder.path());
    Store::open(config.clone()).unwrap().close().unwrap();
    let sqlite = rusqlite::Connection::open(config.path).unwrap();
    let sql = "SELECT tables.name || '.' || columns.name || ' ' || columns.type
            || iif(columns.\"notnull\", ' not null', '') || iif(columns.pk, ' key ' || columns.pk, '')
        FROM sqlite_schema AS tables, pragma_table_info(tables.name) AS columns
        WHERE tables.type = 'table' AND tables.name NOT LIKE 'sqlite%'";
    let mut statement = sqlite.prepare(sql).unwrap();
    let mut of_sqlite = statement
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<Vec<String>, _>>()
        .unwrap();
    // Text is by bytes, and everything else has one type.
    let sql = format!(
        "SELECT columns.table_name || '.' || columns.column_name || ' '
            || CASE columns.data_type WHEN 'bigint' THEN 'INTEGER' WHEN 'bytea' THEN 'BLOB'
                WHEN 'text' THEN CASE collation_name WHEN 'C' THEN 'TEXT' ELSE 'TEXT COLLATE' END
                ELSE columns.data_type END
            || CASE columns.is_nullable WHEN 'NO' THEN ' not null' ELSE '' END
            || coalesce(' key ' || keys.ordinal_position, '')
        FROM information_schema.columns AS columns
        LEFT JOIN (information_schema.key_column_usage AS keys
            JOIN information_schema.table_constraints AS constraints
            ON constraints.constraint_name = keys.constraint_name
                AND constraints.table_schema = keys.table_schema
                AND constraints.constraint_type = 'PRIMARY KEY')
        ON keys.table_schema = columns.table_schema AND keys.table_name = columns.table_name
            AND keys.column_name = columns.column_name
        WHERE columns.table_schema = '{}' AND columns.is_generated = 'NEVER'",
        schema.name
    );
    let mut of_postgres = Vec::new();
    with_client(async |client| {
        let rows = client.query(&sql, &[]).await.unwrap();
        of_postgres = rows.iter().map(|row| row.get::<_, String>(0)).collect();
    });
    of_sqlite.sort();
    of_postgres.sort();
    for (sqlite, postgres) in of_sqlite.iter().zip(&of_postgres) {
        assert_eq!(sqlite, postgres);
    }
    assert_eq!(of_sqlite.len(), of_postgres.len());
}

/// A schema of a test's own on the server that `TAGUS_TEST_POSTGRES` names; it goes with this.
pub(crate) struct Schema {
    name: String,
}

impl Schema {
    /// An empty one.
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("tagus_{}_{count}", std::process::id());
        execute(&format!(
            "DROP SCHEMA IF EXISTS {name} CASCADE; CREATE SCHEMA {name}"
        ));
        Self { name }
    }

    /// How a store gets there.
    pub(crate) fn config(&self) -> PostgresConfig {
        PostgresConfig::new(self.url())
    }

    /// The address of the schema.
    pub(crate) fn url(&self) -> String {
        let url = server();
        let joint = if url.contains('?') { '&' } else { '?' };
        let name = &self.name;
        // Short, because tests provoke deadlocks.
        let options = format!("-csearch_path%3D{name}%20-cdeadlock_timeout%3D20ms");
        format!("{url}{joint}application_name={name}&options={options}")
    }

    /// A store in it.
    pub(crate) fn open(&self) -> Store {
        Store::open(self.config()).unwrap()
    }

    /// Ends all connections of the stores in it, as a server does that stops.
    pub(crate) fn disconnect(&self) {
        execute(&format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{}'",
            self.name
        ));
    }

    /// Runs statements in it.
    pub(crate) fn execute(&self, sql: &str) {
        execute(&format!("SET search_path = {}; {sql}", self.name));
    }
}

impl Schema {
    /// Locks a table, says so, and holds it until it is told.
    fn locked(&self, table: &str, say: impl FnOnce(), until: tokio::sync::oneshot::Receiver<()>) {
        let lock = format!("BEGIN; LOCK TABLE {}.{table}", self.name);
        with_client(async |client| {
            client.batch_execute(&lock).await.unwrap();
            say();
            until.await.unwrap();
            client.batch_execute("ROLLBACK").await.unwrap();
        });
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        execute(&format!("DROP SCHEMA {} CASCADE", self.name));
    }
}

fn server() -> String {
    let url = std::env::var("TAGUS_TEST_POSTGRES");
    url.expect("TAGUS_TEST_POSTGRES names a server, as postgres://user:password@host/name")
}

/// Runs statements on a connection of their own.
fn execute(sql: &str) {
    with_client(async |client| client.batch_execute(sql).await.unwrap());
}

fn with_client(work: impl AsyncFnOnce(&tokio_postgres::Client)) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (client, driver) = tokio_postgres::connect(&server(), NoTls).await.unwrap();
        let driver = tokio::spawn(driver);
        work(&client).await;
        drop(client);
        driver.await.unwrap().unwrap();
    });
}
