//! Connections: making one, its prepared statements, its errors.

use std::collections::HashMap;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Statement};

use crate::config::PostgresConfig;
use crate::error::StoreError;
use crate::metrics::StoreMetrics;
use crate::postgres::tls::Tls;
use crate::postgres::value::row_from;
use crate::sql::{Row, Value, placeholders_in_order};

/// Makes connections.
#[derive(Clone, Debug)]
pub(crate) struct Connector {
    config: tokio_postgres::Config,
    tls: Tls,
    /// What every connection is told first.
    set_up: String,
    /// Host and port, for errors.
    server: Arc<str>,
    connect_time_max: Duration,
    pub(crate) runtime: Handle,
    metrics: StoreMetrics,
}

impl Connector {
    pub(crate) fn new(
        config: &PostgresConfig,
        runtime: Handle,
        metrics: StoreMetrics,
    ) -> Result<Self, StoreError> {
        let bad = "the address of PostgreSQL does not parse; it looks like postgres://user:password@host:5432/name";
        let mut server: tokio_postgres::Config =
            config.url.parse().map_err(|_| StoreError::Config(bad))?;
        if server.get_hosts().is_empty() {
            return Err(StoreError::Config(bad));
        }
        let is_local = server.get_hosts().iter().all(is_local);
        let mode = match server.get_ssl_mode() {
            SslMode::Prefer if is_local => SslMode::Disable,
            SslMode::Disable => SslMode::Disable,
            _ => SslMode::Require,
        };
        let tls = match mode {
            SslMode::Disable => Tls::none()?,
            _ => Tls::load(config.ca_path.as_deref())?,
        };
        let statement_ms_max = config.statement_ms_max;
        let silence_max = Duration::from_millis(u64::from(statement_ms_max)) + SILENCE_MORE;
        if server.get_application_name().is_none() {
            server.application_name("tagus");
        }
        server
            .ssl_mode(mode)
            .tcp_user_timeout(silence_max)
            .keepalives_idle(KEEPALIVE_IDLE)
            .keepalives_interval(KEEPALIVE_INTERVAL)
            .keepalives_retries(KEEPALIVE_RETRIES);
        let set_up = format!(
            "SET statement_timeout = {statement_ms_max};
             SET idle_in_transaction_session_timeout = {statement_ms_max};
             SET default_transaction_isolation = 'read committed'"
        );
        Ok(Self {
            tls,
            set_up,
            server: name_of(&server).into(),
            connect_time_max: Duration::from_millis(u64::from(config.connect_ms_max)),
            config: server,
            runtime,
            metrics,
        })
    }

    /// Server, database and options.
    pub(crate) fn name(&self) -> String {
        let database = self.config.get_dbname().unwrap_or_default();
        let options = self.config.get_options().unwrap_or_default();
        format!("postgres:{}/{database} {options}", self.server)
    }

    /// A new connection, driven by the store's thread.
    pub(crate) async fn connect(&self) -> Result<Connection, StoreError> {
        let this = self.clone();
        let connecting = self.runtime.spawn(async move {
            let time_max = this.connect_time_max;
            match tokio::time::timeout(time_max, this.connect_here()).await {
                Ok(connected) => connected.map_err(|err| unreachable(&this.server, false, err)),
                Err(elapsed) => Err(unreachable(&this.server, false, elapsed)),
            }
        });
        connecting.await.unwrap_or(Err(StoreError::Closed))
    }

    async fn connect_here(&self) -> Result<Connection, tokio_postgres::Error> {
        let (client, driver) = self.config.connect(self.tls.clone()).await?;
        let connections = self.metrics.connections.clone();
        // Ends with its client or with the runtime.
        let driver = self.runtime.spawn(async move {
            connections.inc();
            if let Err(err) = driver.await {
                tracing::debug!(error = &err as &dyn Error, "a database connection ended");
            }
            connections.dec();
        });
        let connection = Connection {
            client,
            statements: Mutex::default(),
            server: self.server.clone(),
            _driver: driver,
        };
        connection.client.batch_execute(&self.set_up).await?;
        Ok(connection)
    }
}

/// A connection with its prepared statements.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) client: Client,
    /// One per text; there are as many as there are texts in this crate.
    statements: Mutex<HashMap<&'static str, Statement>>,
    server: Arc<str>,
    _driver: tokio::task::JoinHandle<()>,
}

impl Connection {
    pub(crate) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// The statement of a text, prepared at its first use.
    pub(crate) async fn prepared(
        &self,
        sql: &'static str,
    ) -> Result<Statement, tokio_postgres::Error> {
        let statements = || {
            let statements = self.statements.lock();
            statements.unwrap_or_else(PoisonError::into_inner)
        };
        if let Some(statement) = statements().get(sql) {
            return Ok(statement.clone());
        }
        debug_assert!(placeholders_in_order(sql), "placeholders: {sql}");
        let statement = self.client.prepare(sql).await?;
        statements().insert(sql, statement.clone());
        Ok(statement)
    }

    pub(crate) async fn rows(
        &self,
        statement: &Statement,
        params: &[Value],
    ) -> Result<Vec<Row>, Failure> {
        let params: Vec<&(dyn ToSql + Sync)> = params.iter().map(|param| param as _).collect();
        let rows = self.client.query(statement, &params).await?;
        rows.iter().map(|row| Ok(row_from(row)?)).collect()
    }

    pub(crate) async fn execute(
        &self,
        statement: &Statement,
        params: &[Value],
    ) -> Result<u64, Failure> {
        Ok(self.client.execute_raw(statement, params).await?)
    }

    /// Turns an error of this connection into ours, naming what was attempted.
    pub(crate) fn failed(&self, doing: &'static str, err: impl Into<Failure>) -> StoreError {
        match err.into() {
            Failure::Row(err) => failed(doing)(err),
            Failure::Database(err) if is_connection_lost(&err) => {
                unreachable(&self.server, false, err)
            }
            Failure::Database(err) => failed(doing)(err),
        }
    }

    /// [`Connection::failed`] where the batch may be committed even so.
    pub(crate) fn failed_in_commit(&self, doing: &'static str, err: Failure) -> StoreError {
        match err {
            Failure::Database(err) if is_connection_lost(&err) => {
                unreachable(&self.server, true, err)
            }
            err => self.failed(doing, err),
        }
    }
}

/// What can go wrong with rows.
#[derive(Debug)]
pub(crate) enum Failure {
    Database(tokio_postgres::Error),
    Row(crate::postgres::value::ColumnError),
}

impl From<tokio_postgres::Error> for Failure {
    fn from(err: tokio_postgres::Error) -> Self {
        Self::Database(err)
    }
}

impl From<crate::postgres::value::ColumnError> for Failure {
    fn from(err: crate::postgres::value::ColumnError) -> Self {
        Self::Row(err)
    }
}

/// Turns an error into ours, naming what was attempted.
pub(crate) fn failed<E: Error + Send + Sync + 'static>(
    doing: &'static str,
) -> impl Fn(E) -> StoreError + Copy {
    move |err| StoreError::Database {
        doing,
        source: Arc::new(err),
    }
}

fn unreachable(
    server: &str,
    in_commit: bool,
    err: impl Error + Send + Sync + 'static,
) -> StoreError {
    StoreError::Unreachable {
        server: server.to_owned(),
        in_commit,
        source: Arc::new(err),
    }
}

/// The connection is gone, or the server is about to end it.
fn is_connection_lost(err: &tokio_postgres::Error) -> bool {
    let Some(state) = err.code() else {
        return true;
    };
    let ending = [
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
        SqlState::CANNOT_CONNECT_NOW,
        SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
    ];
    ending.contains(state)
}

fn is_local(host: &Host) -> bool {
    match host {
        Host::Tcp(host) => {
            let address = host.parse::<std::net::IpAddr>();
            host == "localhost" || address.is_ok_and(|address| address.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

fn name_of(config: &tokio_postgres::Config) -> String {
    let port = config.get_ports().first().copied().unwrap_or(5_432);
    match config.get_hosts().first() {
        Some(Host::Tcp(host)) => format!("{host}:{port}"),
        #[cfg(unix)]
        Some(Host::Unix(path)) => format!("{}:{port}", path.display()),
        None => String::new(),
    }
}

/// How much longer than a statement may take the other side may be silent about bytes sent to it.
const SILENCE_MORE: Duration = Duration::from_secs(5);
const KEEPALIVE_IDLE: Duration = Duration::from_secs(30);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);
const KEEPALIVE_RETRIES: u32 = 3;
