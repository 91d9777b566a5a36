//! Clients in relayed matches.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use clap::{Args, ValueEnum};
use hdrhistogram::Histogram;
use tagus_client::Client;
use tagus_wire::realtime::envelope::Message;
use tagus_wire::realtime::{Envelope, MatchCreate, MatchDataSend, MatchJoin, match_join};
use tagus_wire::{Format, decode_envelope};
use tokio::task::JoinSet;

use super::load::LoadSocket;
use super::progress::Progress;
use super::raw::{Order, Written};
use super::report::Reporter;
use super::server::{BenchServer, Plan};
use super::tally::{self, Row, Sample, Span, Totals};

/// What `tagus bench fanout` runs.
#[derive(Args, Clone, Debug)]
pub(super) struct FanoutArgs {
    /// Relayed matches.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    pub(super) matches: u16,
    /// Clients in each match.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(2..=1_000))]
    pub(super) clients: u16,
    /// Messages per second from each client.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    pub(super) rate: u16,
    /// Bytes of data in each message; the first eight are the time of sending.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(8..=2_048))]
    pub(super) bytes: u16,
    /// Seconds measured for each format, in five rounds.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=3_600))]
    pub(super) seconds: u16,
    /// Threads of the server that own connections and rooms.
    #[arg(long, default_value_t = 1)]
    pub(super) shards: usize,
    /// Milliseconds that a delivery may wait so that several share a write, as `relayed_gather_ms` of the server.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=1_000))]
    pub(super) gather_ms: u16,
    /// Wakes per second of the plain writer; default: as many as the server's shards have.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    raw_wakes: Option<u32>,
    /// Format of the sockets.
    #[arg(long, value_enum, default_value_t = BenchFormat::Both)]
    format: BenchFormat,
}

/// Formats of the measured sockets.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum BenchFormat {
    /// JSON text.
    Json,
    /// Protobuf bytes.
    Protobuf,
    /// One after the other, each with a server of its own.
    Both,
}

pub(super) async fn run(args: FanoutArgs, reporter: &Reporter) -> anyhow::Result<()> {
    let formats: &[Format] = match args.format {
        BenchFormat::Json => &[Format::Json],
        BenchFormat::Protobuf => &[Format::Protobuf],
        BenchFormat::Both => &[Format::Json, Format::Protobuf],
    };
    let round = Duration::from_secs(args.seconds.into()) / ROUNDS;
    let pauses = (WARM_UP + COOL_DOWN) * 2;
    let one = (round + COOL_DOWN) * 2 + WARM_UP;
    let progress = Progress::new((one * ROUNDS + pauses) * u32::try_from(formats.len())?);
    let plan = Plan {
        shards: args.shards,
        relayed_gather_ms: args.gather_ms,
        ..Plan::default()
    };
    if !reporter.json() {
        progress.say(&tally::header(&args));
    }
    for format in formats {
        let row = measure(&args, *format, &plan, &progress).await?;
        reporter.report(&progress, &row.json(&args), &row.text());
    }
    Ok(())
}

async fn measure(
    args: &FanoutArgs,
    format: Format,
    plan: &Plan,
    progress: &Progress,
) -> anyhow::Result<Row> {
    progress.show("warming up");
    let mut server = BenchServer::start(plan).await?;
    let (sockets, match_ids, frame_bytes) = enter_matches(args, format, &server).await?;
    let ports = sockets.iter().map(LoadSocket::port);
    let ports = ports.collect::<std::io::Result<Vec<u16>>>()?;
    let load = Rc::new(Load::new()?);
    let mut tasks = JoinSet::new();
    let period = Duration::from_secs(1) / u32::from(args.rate);
    let count = u32::try_from(sockets.len())?;
    let begin = Instant::now();
    for (index, (socket, match_id)) in (0..count).zip(sockets.into_iter().zip(match_ids)) {
        // Spread over the period, neighbours in time being of different matches: the load's timers have steps of a
        // millisecond, and messages of one match in one step would share a write.
        let (clients, matches) = (u32::from(args.clients), u32::from(args.matches));
        let turn = index % clients * matches + index / clients;
        let first = begin + period * turn / count;
        let player = Player {
            load: load.clone(),
            socket,
            format,
            match_id,
            bytes: args.bytes.into(),
        };
        tasks.spawn_local(player.play(first, period));
    }
    let round = Duration::from_secs(args.seconds.into()) / ROUNDS;
    let mut order = Order {
        groups: ports
            .chunks(args.clients.into())
            .map(<[u16]>::to_vec)
            .collect(),
        frame_bytes,
        messages_per_s: f64::from(args.rate) * f64::from(count),
        wakes_per_s: 0.0,
        length_ms: u64::try_from(round.as_millis())?,
    };
    // What is not known of a system is taken as once for each message.
    let warm = workload(&load, &server, WARM_UP).await?;
    let wakes_per_s = |span: &Span| {
        let set = args.raw_wakes.map(f64::from);
        let own = || Some(span.server_wakes_per_s()?.max(WAKES_PER_S_MIN));
        set.or_else(own)
    };
    order.wakes_per_s = wakes_per_s(&warm).unwrap_or(order.messages_per_s);
    let mut totals = Totals::default();
    for number in 1..=ROUNDS {
        let alternation = format!("{}: alternation {number}/{ROUNDS}", tally::name(format));
        progress.show(&format!("{alternation}, plain writes"));
        let raw = plain_writes(&load, &mut server, &order).await?;
        progress.show(&format!("{alternation}, clients"));
        let served = workload(&load, &server, round).await?;
        order.wakes_per_s = wakes_per_s(&served).unwrap_or(order.wakes_per_s);
        totals.add(&raw, &served);
        if let Some(ended) = tasks.try_join_next() {
            ended?.context("a client was lost")?;
        }
    }
    let latency_us = load.latency_us.borrow();
    Ok(totals.row(format, frame_bytes, args, &latency_us))
}

/// Lets the clients send.
async fn workload(load: &Load, server: &BenchServer, length: Duration) -> anyhow::Result<Span> {
    load.sending.set(true);
    tokio::time::sleep(WARM_UP).await;
    let before = Sample::take(load, server).await?;
    load.measuring.set(true);
    tokio::time::sleep(length).await;
    load.measuring.set(false);
    let after = Sample::take(load, server).await?;
    load.sending.set(false);
    tokio::time::sleep(COOL_DOWN).await;
    Ok(Span { before, after })
}

/// Has the server write to the same clients without being asked to by any of them.
async fn plain_writes(
    load: &Load,
    server: &mut BenchServer,
    order: &Order,
) -> anyhow::Result<(Span, Written)> {
    let before = Sample::take(load, server).await?;
    let written = server.write_raw(order).await?;
    tokio::time::sleep(COOL_DOWN).await;
    let after = Sample::take(load, server).await?;
    let received = after.delivered - before.delivered;
    ensure!(
        received == written.writes,
        "{received} of {} plain writes arrived",
        written.writes
    );
    Ok((Span { before, after }, written))
}

/// Logs everybody in, fills the matches, and learns from one message how long a delivery is.
async fn enter_matches(
    args: &FanoutArgs,
    format: Format,
    server: &BenchServer,
) -> anyhow::Result<(Vec<LoadSocket>, Vec<String>, usize)> {
    let client = Client::new(&format!("http://{}", server.http), "defaultkey")?;
    let (mut sockets, mut match_ids) = (Vec::new(), Vec::new());
    for _ in 0..args.matches {
        let mut match_id = String::new();
        for seat in 0..args.clients {
            let device = format!("bench-device-{:06}", sockets.len());
            let session = client.authenticate_device(&device, true, None).await?;
            let mut socket = LoadSocket::open(server.http, &session.token, format, false).await?;
            let entrance = if seat == 0 {
                Message::MatchCreate(MatchCreate::default())
            } else {
                let id = Some(match_join::Id::MatchId(match_id));
                Message::MatchJoin(MatchJoin {
                    id,
                    ..Default::default()
                })
            };
            match_id = socket.enter(entrance).await?.match_id;
            sockets.push(socket);
            match_ids.push(match_id.clone());
        }
    }
    sockets[0].send(&data_message(&match_ids[0], args.bytes.into(), 0))?;
    let frame_bytes = loop {
        if let (Message::MatchData(_), frame_bytes) = sockets[1].receive().await? {
            break frame_bytes;
        }
    };
    Ok((sockets, match_ids, frame_bytes))
}

fn data_message(match_id: &str, bytes: usize, sent_ns: u64) -> Envelope {
    let mut data = sent_ns.to_le_bytes().to_vec();
    data.resize(bytes, 0x7a);
    let send = MatchDataSend {
        match_id: match_id.to_owned(),
        op_code: 1,
        data: Bytes::from(data),
        presences: Vec::new(),
        reliable: true,
    };
    Envelope {
        cid: String::new(),
        message: Some(Message::MatchDataSend(send)),
    }
}

/// What all clients share.
pub(super) struct Load {
    start: Instant,
    sending: Cell<bool>,
    measuring: Cell<bool>,
    pub(super) sent: Cell<u64>,
    pub(super) delivered: Cell<u64>,
    pub(super) reads: Cell<u64>,
    latency_us: RefCell<Histogram<u64>>,
}

impl Load {
    fn new() -> anyhow::Result<Self> {
        Ok(Self {
            start: Instant::now(),
            sending: Cell::new(false),
            measuring: Cell::new(false),
            sent: Cell::new(0),
            delivered: Cell::new(0),
            reads: Cell::new(0),
            latency_us: RefCell::new(Histogram::new_with_bounds(1, LATENCY_US_MAX, 3)?),
        })
    }

    fn now_ns(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn deliver(&self, format: Format, payload: &Bytes) -> anyhow::Result<()> {
        let number = self.delivered.get() + 1;
        self.delivered.set(number);
        if !self.measuring.get() || !number.is_multiple_of(LATENCY_SAMPLED_EVERY) {
            return Ok(());
        }
        if let Some(Message::MatchData(data)) = decode_envelope(format, payload)?.message {
            let stamp = data
                .data
                .first_chunk()
                .context("a delivery without its stamp")?;
            let latency_ns = self.now_ns().saturating_sub(u64::from_le_bytes(*stamp));
            self.latency_us
                .borrow_mut()
                .saturating_record(latency_ns / 1_000);
        }
        Ok(())
    }
}

/// One client.
struct Player {
    load: Rc<Load>,
    socket: LoadSocket,
    format: Format,
    match_id: String,
    bytes: usize,
}

impl Player {
    async fn play(mut self, first: Instant, period: Duration) -> anyhow::Result<()> {
        let mut due = tokio::time::interval_at(first.into(), period);
        loop {
            tokio::select! {
                _ = due.tick() => self.send()?,
                readable = self.socket.readable() => {
                    readable?;
                    if self.socket.fill()? {
                        self.load.reads.set(self.load.reads.get() + 1);
                    }
                    while let Some((payload, _)) = self.socket.next_frame()? {
                        self.load.deliver(self.format, &payload)?;
                    }
                }
            }
        }
    }

    fn send(&mut self) -> anyhow::Result<()> {
        if self.load.sending.get() {
            let message = data_message(&self.match_id, self.bytes, self.load.now_ns());
            self.socket.send(&message)?;
            self.load.sent.set(self.load.sent.get() + 1);
        }
        Ok(())
    }
}

/// Plain writes and the server are measured in turn, so that a noisy minute hits both.
pub(super) const ROUNDS: u32 = 5;
const WARM_UP: Duration = Duration::from_millis(300);
const COOL_DOWN: Duration = Duration::from_millis(200);
/// A shard that never finds the time to sleep is not followed into that: what is due at once must fit into the sockets.
const WAKES_PER_S_MIN: f64 = 100.0;
const LATENCY_SAMPLED_EVERY: u64 = 8;
const LATENCY_US_MAX: u64 = 60_000_000;
