//! Players in authoritative rooms: what they get, what it costs, and what the machine would allow.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Args;
use serde_json::Value;
use tagus_client::Client;
use tagus_wire::Format;
use tokio::task::JoinSet;

use super::crowd::{Crowd, Script, Seat};
use super::exchange::{Exchange, RAW_OP};
use super::load::LoadSocket;
use super::progress::Progress;
use super::report::Reporter;
use super::row::{Row, Served, span};
use super::server::{BenchServer, Busy, Plan};

/// Where and how long rooms are measured.
#[derive(Args, Clone, Debug)]
pub(super) struct Place {
    /// Seconds measured.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=3_600))]
    seconds: u16,
    /// Threads of the server that own connections and rooms.
    #[arg(long, default_value_t = 1)]
    shards: usize,
    /// Processors of the server, as `taskset -c` takes them; run the bench itself by `taskset` on another.
    #[arg(long, value_name = "LIST")]
    server_cpus: Option<String>,
    /// A busy loop beside the server on the same processors, which halves its share of one.
    #[arg(long, requires = "server_cpus")]
    contend: bool,
}

/// Rooms and who plays in them.
pub(super) struct RoomBench {
    /// As `tagus bench` calls it.
    pub(super) name: &'static str,
    /// What is run, for the row.
    pub(super) plan: Value,
    pub(super) game: &'static str,
    /// Parameters of each room.
    pub(super) params: String,
    pub(super) rooms: u32,
    /// In all rooms together.
    pub(super) players: u32,
    /// Updates of each player per second.
    pub(super) rate_hz: u32,
    /// Inputs of each player per second.
    pub(super) inputs_hz: f64,
    /// Different accounts; a room that holds seats wants one for each player.
    pub(super) accounts: u32,
    /// Time between the last join and the measurement.
    pub(super) settle: Duration,
}

/// Fills the rooms, measures, and measures the machine.
pub(super) async fn measure(
    bench: &RoomBench,
    place: &Place,
    script: impl Script,
    reporter: &Reporter,
) -> anyhow::Result<()> {
    let length = Duration::from_secs(place.seconds.into());
    let progress = Progress::new(bench.settle + length * 2 + RAW_SETTLE + JOIN_TIME);
    progress.show("players join");
    let plan = Plan {
        shards: place.shards,
        rooms: Some(bench.room_list()),
        cpus: place.server_cpus.clone(),
        ..Plan::default()
    };
    let mut server = BenchServer::start(&plan).await?;
    let seats = bench.sit(&server).await?;
    let crowd = Crowd::start(seats, script, bench.inputs_hz)?;
    let busy = match (&place.server_cpus, place.contend) {
        (Some(cpus), true) => Some(Busy::start(cpus)?),
        _ => None,
    };
    progress.show("settling");
    tokio::time::sleep(bench.settle).await;
    progress.show("measuring");
    let before = (server.shard_counts().await?, Instant::now());
    let served = span(&crowd, &server.process, length).await?;
    let after = (server.shard_counts().await?, Instant::now());
    let ticks = (after.0.ticks - before.0.ticks) / (after.1 - before.1).as_secs_f64();
    let rss_bytes = server.process.rss_bytes();
    drop(busy);
    drop(crowd);
    progress.show("plain writes and reads");
    let payload_bytes = served.heard.update_bytes / served.heard.updates_all().max(1);
    let raw = bench
        .raw(&mut server, usize::try_from(payload_bytes)?, length)
        .await?;
    let mut plan = bench.plan.clone();
    plan["shards"] = place.shards.into();
    plan["contended"] = place.contend.into();
    let row = Row {
        name: bench.name,
        plan,
        seconds: place.seconds,
        players: bench.players,
        rate_hz: bench.rate_hz,
        tick_hz: Some(ticks / f64::from(bench.rooms)),
        served,
        raw: Some(raw),
        rss_bytes,
    };
    reporter.report(&progress, &row.json(), &row.text());
    Ok(())
}

impl RoomBench {
    fn room_list(&self) -> String {
        let rooms = (0..self.rooms).map(|number| {
            format!(
                "{{ name = \"{}\", game = \"{}\", params = '{}' }}",
                room_name(number),
                self.game,
                self.params
            )
        });
        format!("[{}]", rooms.collect::<Vec<_>>().join(", "))
    }

    /// Logs everybody in and seats them, those of a room beside each other in the list.
    async fn sit(&self, server: &BenchServer) -> anyhow::Result<Vec<Seat>> {
        let client = Client::new(&format!("http://{}", server.http), "defaultkey")?;
        let mut tokens = Vec::new();
        for number in 0..self.accounts {
            let device = format!("bench-device-{number:06}");
            let session = client.authenticate_device(&device, true, None).await?;
            tokens.push(session.token);
        }
        let mut sitting = JoinSet::new();
        let mut seats: Vec<Option<Seat>> = (0..self.players).map(|_| None).collect();
        for number in 0..self.players {
            if sitting.len() >= AT_ONCE {
                keep(&mut seats, sitting.join_next().await)?;
            }
            let token = tokens[(number % self.accounts) as usize].clone();
            let room = room_name(number * self.rooms / self.players);
            let http = server.http;
            sitting.spawn_local(async move {
                let socket = LoadSocket::open(http, &token, Format::Protobuf, true).await?;
                anyhow::Ok((number, socket.sit(&room).await?))
            });
        }
        while let Some(sat) = sitting.join_next().await {
            keep(&mut seats, Some(sat))?;
        }
        let seats: Option<Vec<Seat>> = seats.into_iter().collect();
        seats.context("somebody did not sit down")
    }

    /// The same numbers of bytes, plainly.
    async fn raw(
        &self,
        server: &mut BenchServer,
        payload_bytes: usize,
        length: Duration,
    ) -> anyhow::Result<Served> {
        let exchange = Exchange {
            players: self.players as usize,
            groups: self.rooms as usize,
            rate_hz: self.rate_hz,
            payload_bytes,
            length_ms: u64::try_from((length + RAW_SETTLE).as_millis())?,
        };
        let address = server.begin_exchange(&exchange).await?;
        let seats = (0..self.players).map(|_| raw_seat(address));
        let seats = seats.collect::<anyhow::Result<Vec<Seat>>>()?;
        let crowd = Crowd::start(seats, RawScript, self.inputs_hz)?;
        tokio::time::sleep(RAW_SETTLE / 2).await;
        let raw = span(&crowd, &server.process, length).await?;
        server.end_exchange().await?;
        Ok(raw)
    }
}

fn keep(
    seats: &mut [Option<Seat>],
    sat: Option<Result<anyhow::Result<(u32, Seat)>, tokio::task::JoinError>>,
) -> anyhow::Result<()> {
    if let Some(sat) = sat {
        let (number, seat) = sat??;
        seats[number as usize] = Some(seat);
    }
    Ok(())
}

fn raw_seat(address: SocketAddr) -> anyhow::Result<Seat> {
    let stream = std::net::TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    Ok(Seat {
        stream,
        leftover: Vec::new(),
        room: 1,
    })
}

fn room_name(number: u32) -> String {
    format!("bench-{number}")
}

/// Players of the plain exchange.
struct RawScript;

impl Script for RawScript {
    fn speak(&mut self, _player: usize, out: &mut Vec<u8>) -> i64 {
        out.extend_from_slice(&[0, 0]);
        1
    }

    fn hears(&mut self, _player: usize, op: i64, _data: &[u8]) -> bool {
        op == RAW_OP
    }
}

/// Sockets that are being opened at any moment.
const AT_ONCE: usize = 64;
/// About what joining takes.
const JOIN_TIME: Duration = Duration::from_secs(5);
const RAW_SETTLE: Duration = Duration::from_secs(2);
