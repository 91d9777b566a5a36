//! The running server: its parts are started in one order, and taken down in the other.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use bytes::Bytes;
use tagus_base::NodeId;
use tagus_bus::Bus;
use tagus_net::TcpDoorHandle;
use tagus_players::leaderboards::Leaderboards;
use tagus_players::{
    Accounts, Chat, Codes, Friends, Groups, Hasher, HasherThreads, Jobs, Keys, LoginConfig, Logins,
    Notifications, PlayersMetrics, Random, Ratings, SharedStreams, Sqids, Storage, Wallets,
};
use tagus_room::Factory;
use tagus_shard::{ShardMetrics, ShardThreads, Upstream};
use tagus_store::Store;
use tagus_telemetry::metrics::Registry;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::admin::{self, AdminDoor, Readiness};
use crate::assets::Pages;
use crate::boards::{self, LOADING_RANKS};
use crate::config::{CODE_LENGTH_MIN, Config};
use crate::directory::Directory;
use crate::doors::Doors;
use crate::entry::Entry;
use crate::gateway::{Door, Gateway, fill_random, named_room, unix_now};
use crate::hooks::Hooks;
use crate::join_codes::LiveJoinCodes;
use crate::live::Live;
use crate::matchmaker::{self, LiveMatchmaker};
use crate::parties::LiveParties;
use crate::remote::Remotes;
use crate::room_calls::RoomCalls;
use crate::room_values::RoomValues;
use crate::scheduler::Scheduler;
use crate::server::Server;
use crate::server_code::Running;
use crate::sessions::Sessions;
use crate::storage_index::{self, LOADING_INDEXES};
use crate::tagus::Tagus;
use crate::work_queue::WorkQueue;

impl Server {
    /// Runs until Ctrl-C or SIGTERM, then drains and stops within the configured grace.
    ///
    /// # Errors
    /// A setting that makes no sense, a port that is taken, a database that cannot be opened: each says what to do.
    pub fn run(self) -> anyhow::Result<()> {
        let started = Instant::now();
        self.config.check()?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(API_THREADS)
            .max_blocking_threads(JOB_THREADS_MAX)
            .thread_name("api")
            .enable_all()
            .build()
            .context("start the API's threads")?;
        let handle = runtime.handle().clone();
        let served = runtime.block_on(self.serve(handle, started));
        runtime.shutdown_timeout(Duration::from_secs(1));
        served
    }

    async fn serve(self, runtime: tokio::runtime::Handle, started: Instant) -> anyhow::Result<()> {
        let mut config = self.config;
        match tagus_net::raise_open_files() {
            Ok((files_max, _)) => clamp_connections(&mut config.limits, files_max),
            Err(error) => tracing::warn!(%error, "raise the limit of open files"),
        }
        std::fs::create_dir_all(config.data.join("recordings"))
            .with_context(|| format!("create the data folder {}", config.data.display()))?;
        let listen = |address: IpAddr, port: u16| {
            let at = SocketAddr::new(address, port);
            TcpListener::bind(at).with_context(|| {
                format!("listen on {at}; is another server running? Choose another port")
            })
        };
        let (http, admin, tcp) = (
            listen(config.address, config.http_port)?,
            listen(config.admin_address, config.admin_port)?,
            listen(config.address, config.tcp_port)?,
        );
        let addresses = Places {
            http: http.local_addr()?,
            admin: admin.local_addr()?,
            tcp: tcp.local_addr()?,
        };
        let tls = match &config.tls {
            Some((chain, key)) => Some(tagus_net::tls_load(chain, key)?),
            None => None,
        };

        let mut registry = Registry::default();
        let metrics = ShardMetrics::register(&mut registry);
        let store =
            Store::open(config.store.database(&config.data)?).context("open the database")?;
        if store.is_half_copied().await? {
            bail!("the database is a half-finished copy: run the same `tagus migrate copy` again");
        }
        store.metrics().register(&mut registry);
        let random: Random = Arc::new(fill_random);
        let players_metrics = PlayersMetrics::default();
        players_metrics.register(&mut registry);
        let (hasher, hasher_threads) =
            Hasher::start(config.passwords, random.clone(), &players_metrics)?;
        let unstarted = tagus_shard::prepare(config.shards, &metrics)?;
        let shards = unstarted.shards.clone();
        let gateway = Arc::new(
            build(
                config.clone(),
                (self.games, self.hooks, self.pages),
                &store,
                (hasher, random),
                shards.clone(),
                runtime,
            )
            .await?,
        );
        let upstream: Arc<dyn Upstream> = Arc::new(Door(gateway.clone()));
        let shard_threads = unstarted.start(shard_config(&config), &upstream, &metrics)?;

        let tagus = Tagus::of(&gateway);
        for room in &config.rooms {
            let id = named_room(&room.name);
            tagus
                .open(id, &room.name, &room.game, Bytes::from(room.params.clone()))
                .await
                .with_context(|| format!("open the room {:?} of the configuration", room.name))?;
        }

        let code = Running::start(&gateway, &mut registry)
            .await
            .context("run the handlers of the start")?;
        let (drain, draining) = watch::channel(false);
        let doors = Doors::open((http, tcp), &gateway, tls, &mut registry, &draining)?;
        admin.set_nonblocking(true)?;
        let readiness = Arc::new(Readiness::default());
        if !gateway.leaderboards.is_empty() {
            readiness.wait_for(LOADING_RANKS);
        }
        let boards = boards::drive(gateway.clone(), readiness.clone(), draining.clone());
        let mut draining_tasks = vec![
            ("HTTP requests", doors.serving),
            ("hooks of leaderboards", tokio::spawn(boards)),
            (
                "matchmaker",
                tokio::spawn(matchmaker::drive(gateway.clone(), draining.clone())),
            ),
        ];
        if !gateway.storage_indexes.is_empty() {
            readiness.wait_for(LOADING_INDEXES);
            let driven = storage_index::drive(gateway.clone(), readiness.clone(), draining.clone());
            draining_tasks.push(("storage indexes", tokio::spawn(driven)));
        }
        let admin_door = Arc::new(AdminDoor {
            registry,
            readiness: readiness.clone(),
            tagus: tagus.clone(),
        });
        let admin_listener = tokio::net::TcpListener::from_std(admin)?;
        let admin_task = tokio::spawn(admin::serve(admin_door.clone(), admin_listener, draining));
        let sweeper = tokio::spawn(sweep_logouts(gateway.clone()));
        addresses.announce(&config, started)?;

        stop_signal().await?;
        eprint_line("stopping: telling the players; press Ctrl-C again to stop at once");
        readiness.wait_for("stopping");
        let grace = Duration::from_millis(config.grace_ms.into());
        let stopping = stop(Parts {
            gateway,
            grace,
            code,
            drain,
            doors: doors.handles,
            draining_tasks,
            admin_task,
            sweeper,
            shard_threads,
            hasher_threads,
            store,
        });
        tokio::select! {
            stopped = stopping => stopped,
            again = stop_signal() => again,
        }
    }
}

/// A connection needs a file: no more of them than there are files, but for those of the server itself.
fn clamp_connections(limits: &mut tagus_net::Limits, files_max: u64) {
    let most = files_max.saturating_sub(FILES_RESERVED).max(1);
    let most = u32::try_from(most).unwrap_or(u32::MAX);
    if most < limits.connections_max {
        let wanted = limits.connections_max;
        tracing::warn!(
            wanted,
            most,
            "fewer connections: the limit of open files is low (ulimit -n)"
        );
        limits.connections_max = most;
    }
}

struct Places {
    http: SocketAddr,
    admin: SocketAddr,
    tcp: SocketAddr,
}

impl Places {
    /// Tells people and, through the ready file, programs where the doors are.
    fn announce(&self, config: &Config, started: Instant) -> anyhow::Result<()> {
        let scheme = if config.tls.is_some() {
            "https"
        } else {
            "http"
        };
        let data = config
            .data
            .canonicalize()
            .unwrap_or_else(|_| config.data.clone());
        let open = if cfg!(feature = "arcade") {
            "play here"
        } else {
            "API and sockets"
        };
        let lines = format!(
            "tagus {} is up in {} ms\n  {open:<16} {scheme}://{}/\n  health, metrics  http://{}/metrics\n  TCP              {}\n  data             {}\n",
            env!("CARGO_PKG_VERSION"),
            started.elapsed().as_millis(),
            self.http,
            self.admin,
            self.tcp,
            data.display(),
        );
        print_text(&lines);
        if let Some(path) = &config.ready_file {
            let ready = serde_json::json!({
                "http": self.http.to_string(),
                "admin": self.admin.to_string(),
                "tcp": self.tcp.to_string(),
            });
            let partial = path.with_extension("partial");
            std::fs::write(&partial, ready.to_string())?;
            std::fs::rename(&partial, path)?;
        }
        Ok(())
    }
}

async fn build(
    config: Config,
    (games, hooks, pages): (BTreeMap<String, Factory>, Hooks, Pages),
    store: &Store,
    (hasher, random): (Hasher, Random),
    shards: tagus_shard::Shards,
    runtime: tokio::runtime::Handle,
) -> anyhow::Result<Gateway> {
    let node: NodeId = config.node.parse()?;
    check_modes(&config, &games)?;
    let keys = Keys {
        session: config.keys.session.clone(),
        refresh: config.keys.refresh.clone(),
    };
    let lives = LoginConfig {
        session_secs: config.session_secs,
        refresh_secs: config.refresh_secs,
        logouts_max: config.logouts_max,
        single_session: config.single_session,
    };
    let logins = Arc::new(Logins::load(&keys, lives, store.clone(), unix_now())?);
    let notifications = Notifications::new(store.clone(), random.clone());
    let chat = Chat::new(store.clone(), random.clone(), notifications.clone());
    let groups = Groups::new(
        store.clone(),
        notifications.clone(),
        chat.clone(),
        random.clone(),
    );
    let friends = Friends::new(store.clone(), notifications.clone());
    let storage_indexes = hooks.code.storage_indexes.build(store.clone())?;
    let mut storage = Storage::new(store.clone());
    if !storage_indexes.is_empty() {
        storage = storage.watched_by(storage_indexes.watch());
    }
    let wallets = Wallets::new(store.clone(), random.clone());
    let ratings = Ratings::new(store.clone(), random.clone());
    let leaderboards = Leaderboards::load(store.clone()).await?;
    let streams = SharedStreams::new(config.streams, hasher.metrics());
    let sqids = Sqids::new(&config.codes_alphabet, CODE_LENGTH_MIN)?;
    let join_codes = Arc::new(LiveJoinCodes::new(sqids.clone()));
    let codes = Codes::new(store.clone(), random.clone(), sqids);
    let entry = Entry::load(store.clone(), &config.client).await?;
    let events = WorkQueue::new(&config.server_code, hooks.code.event.clone());
    let scheduler = Scheduler::new(Jobs::new(store.clone(), random.clone()));
    let remotes = remotes_of(&config, &hooks)?;
    let accounts = Accounts::new(store.clone(), hasher, logins.clone(), random)
        .with_failed_passwords(config.failed_passwords);
    let recordings = config.data.join("recordings");
    let room_values = RoomValues::new(store.clone(), shards.clone(), runtime.clone());
    let bus = Bus::new(config.bus);
    let sent = hooks.code.notification.clone();
    let sent_notifications = Arc::new(WorkQueue::new(&config.server_code, sent));
    let (live, listener) = Live::start(shards.clone(), streams, &bus, sent_notifications.clone())?;
    let matchmaker = Arc::new(LiveMatchmaker::new(&config, live.clone()));
    let directory = Directory::new(config.matchmaker.private_rooms_max as usize);
    let parties = LiveParties::new(node, live.clone(), matchmaker.clone(), join_codes.clone())
        .with_single(config.single_party);
    Ok(Gateway {
        config,
        node,
        shards,
        accounts,
        logins,
        notifications,
        friends,
        storage,
        storage_indexes,
        wallets,
        ratings,
        leaderboards,
        chat,
        groups,
        codes,
        join_codes,
        entry,
        sessions: Sessions::default(),
        parties,
        matchmaker,
        live,
        _listener: listener,
        directory,
        seeks: crate::seeks::Seeks::default(),
        games,
        events,
        sent_notifications,
        scheduler,
        remotes,
        hooks,
        pages,
        runtime,
        recordings,
        room_values,
        room_calls: RoomCalls::default(),
    })
}

/// What modes open rooms of is there.
fn check_modes(config: &Config, games: &BTreeMap<String, Factory>) -> anyhow::Result<()> {
    let modes = config.matchmaker.modes.iter();
    let mut unknown = modes.filter(|mode| !mode.game.is_empty() && !games.contains_key(&mode.game));
    unknown.next().map_or(Ok(()), |mode| {
        let (name, game) = (&mode.name, &mode.game);
        bail!(
            "the mode {name:?} of matchmaker.modes wants the game {game:?}, which is not registered"
        )
    })
}

/// The services of the configuration. The routes and functions that they do not share are checked here, too.
fn remotes_of(config: &Config, hooks: &Hooks) -> anyhow::Result<Remotes> {
    hooks.code.routes.check()?;
    let remotes = Remotes::new(&config.remotes)?;
    if let Some(id) = remotes.rpc_ids().find(|id| hooks.rpc(id).is_some()) {
        bail!(
            "the RPC function {id:?} is both a service's and this server's; name one of them differently"
        );
    }
    Ok(remotes)
}

fn shard_config(config: &Config) -> tagus_shard::Config {
    let limits = &config.limits;
    let millis = |value: u32| Duration::from_millis(value.into());
    let named = config.rooms.iter();
    tagus_shard::Config {
        shard_count: config.shards,
        message_bytes_max: limits.message_bytes_max as usize,
        queue_bytes_max: limits.queue_bytes_max as usize,
        unsent_bytes_max: limits.unsent_bytes_max,
        hello_timeout: millis(limits.hello_timeout_ms),
        ping_interval: millis(limits.ping_interval_ms),
        pong_wait: millis(limits.pong_wait_ms),
        close_linger: millis(limits.close_linger_ms),
        tick_ms_max: config.tick_ms_max,
        relayed_gather_ms: config.relayed_gather_ms,
        snapshot_lag_ms_max: config.snapshot_lag_ms_max,
        single_match: config.single_match,
        named_rooms: named
            .map(|room| (room.name.clone(), named_room(&room.name)))
            .collect(),
    }
}

struct Parts {
    gateway: Arc<Gateway>,
    grace: Duration,
    code: Running,
    drain: watch::Sender<bool>,
    doors: Vec<TcpDoorHandle>,
    /// Tasks that end by themselves once `drain` is set, and what to call them if they are late.
    draining_tasks: Vec<(&'static str, JoinHandle<()>)>,
    admin_task: JoinHandle<()>,
    sweeper: JoinHandle<()>,
    shard_threads: ShardThreads,
    hasher_threads: HasherThreads,
    store: Store,
}

/// Stop accepting, tell the rooms, close the connections, end the threads, close the store.
async fn stop(parts: Parts) -> anyhow::Result<()> {
    let deadline = tokio::time::Instant::now() + parts.grace;
    for door in parts.doors {
        if door.close().is_err() {
            tracing::error!("a door's thread panicked");
        }
    }
    parts.drain.send_replace(true);
    parts.gateway.shards.terminate(parts.grace);
    let anybody = || {
        parts
            .gateway
            .directory
            .list(&everything())
            .iter()
            .any(|room| room.size > 0)
    };
    let emptied = async {
        while anybody() && tokio::time::Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::join!(emptied, parts.code.stop(deadline));
    parts.gateway.shards.stop();
    let shards = tokio::task::spawn_blocking(move || parts.shard_threads.join());
    let late = deadline + Duration::from_secs(1);
    for (name, task) in parts.draining_tasks {
        if tokio::time::timeout_at(late, task).await.is_err() {
            tracing::warn!("still open: {name}");
        }
    }
    if tokio::time::timeout_at(late, shards).await.is_err() {
        tracing::warn!("still open: shards");
    }
    let calls = parts.gateway.room_calls.idle();
    if tokio::time::timeout_at(late, calls).await.is_err() {
        tracing::warn!("still open: calls of rooms to server code");
    }
    let values = parts.gateway.room_values.idle();
    if tokio::time::timeout_at(late, values).await.is_err() {
        tracing::warn!("still open: store operations of rooms");
    }
    parts.admin_task.abort();
    parts.sweeper.abort();
    parts.hasher_threads.stop();
    parts.store.close().context("close the database")?;
    eprint_line("stopped");
    Ok(())
}

/// Forgets logouts whose tokens have expired, once an hour.
async fn sweep_logouts(gateway: Arc<Gateway>) {
    let mut hourly = tokio::time::interval(Duration::from_secs(3_600));
    loop {
        hourly.tick().await;
        if let Err(error) = gateway.logins.sweep(unix_now()).await {
            tracing::warn!(%error, "sweep expired logouts");
        }
    }
}

fn everything() -> crate::directory::RoomFilter {
    crate::directory::RoomFilter {
        limit: usize::MAX,
        private: true,
        ..Default::default()
    }
}

#[cfg(unix)]
pub(crate) async fn stop_signal() -> anyhow::Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => Ok(pressed?),
        _ = terminate.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
pub(crate) async fn stop_signal() -> anyhow::Result<()> {
    Ok(tokio::signal::ctrl_c().await?)
}

#[expect(
    clippy::print_stdout,
    reason = "the one place that tells a person where the server is"
)]
fn print_text(text: &str) {
    print!("{text}");
}

#[expect(clippy::print_stderr, reason = "said to the person who pressed Ctrl-C")]
fn eprint_line(text: &str) {
    eprintln!("{text}");
}

/// Files for the database, listeners, recordings and logs.
const FILES_RESERVED: u64 = 64;
/// Threads at most for the jobs of rooms and what else would block others; further jobs wait. More than processors, so
/// that a bot's long plan delays nobody's shot.
const JOB_THREADS_MAX: usize = 32;
/// Threads for HTTP, database calls and server code.
const API_THREADS: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_fit_into_the_open_files() {
        let mut limits = tagus_net::Limits {
            connections_max: 1_000,
            ..Default::default()
        };
        clamp_connections(&mut limits, 1_064);
        assert_eq!(limits.connections_max, 1_000);
        clamp_connections(&mut limits, 1_063);
        assert_eq!(limits.connections_max, 999);
        clamp_connections(&mut limits, 0);
        assert_eq!(limits.connections_max, 1);
    }
}
