//! Clients in relayed matches.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use bytes::Bytes;
use clap::{Args, ValueEnum};
use hdrhistogram::Histogram;
use tagus_client::Client;
use tagus_wire::realtime::envelope::Message;
use tagus_wire::realtime::{Envelope, MatchCreate, MatchDataSend, MatchJoin, match_join};
use tagus_wire::{Format, decode_envelope};
use tokio::task::JoinSet;

use super::load::LoadSocket;
use super::proc::Process;
use super::raw::{Pattern, RawSockets};
use super::server::BenchServer;
use super::{or_not_available, say};

/// What `tagus bench fanout` runs.
#[derive(Args, Clone, Debug)]
pub(super) struct FanoutArgs {
    /// Relayed matches.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    matches: u16,
    /// Clients in each match.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(2..=1_000))]
    clients: u16,
    /// Messages per second from each client.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    rate: u16,
    /// Bytes of data in each message; the first eight are the time of sending.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(8..=2_048))]
    bytes: u16,
    /// Seconds measured for each format, in five rounds.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=3_600))]
    seconds: u16,
    /// Threads of the server that own connections and rooms.
    #[arg(long, default_value_t = 1)]
    shards: usize,
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

pub(super) async fn run(args: FanoutArgs, json: bool) -> anyhow::Result<()> {
    let formats: &[Format] = match args.format {
        BenchFormat::Json => &[Format::Json],
        BenchFormat::Protobuf => &[Format::Protobuf],
        BenchFormat::Both => &[Format::Json, Format::Protobuf],
    };
    if !json {
        say(&header(&args));
    }
    for format in formats {
        let row = measure(&args, *format).await?;
        say(&if json { row.json(&args) } else { row.text() });
    }
    Ok(())
}

async fn measure(args: &FanoutArgs, format: Format) -> anyhow::Result<Row> {
    let server = BenchServer::start(args.shards).await?;
    let (sockets, match_ids, frame_bytes) = enter_matches(args, format, &server).await?;
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
    let pattern = Pattern {
        groups: args.matches.into(),
        group_size: args.clients.into(),
        frame_bytes,
        bursts_per_s: f64::from(args.rate) * f64::from(count),
    };
    let mut raw = RawSockets::connect(pattern)?;
    let me = Process::of(std::process::id());
    let mut totals = Totals::default();
    for _ in 0..ROUNDS {
        totals.raw_us.extend(raw.round(RAW_ROUND)?);
        load.sending.set(true);
        tokio::time::sleep(WARM_UP).await;
        let before = Sample::take(&load, &server.process, &me);
        load.measuring.set(true);
        tokio::time::sleep(Duration::from_secs(args.seconds.into()) / ROUNDS).await;
        load.measuring.set(false);
        totals.add(&before, &Sample::take(&load, &server.process, &me));
        load.sending.set(false);
        if let Some(ended) = tasks.try_join_next() {
            ended?.context("a client was lost")?;
        }
        tokio::time::sleep(COOL_DOWN).await;
    }
    raw.close()?;
    let latency_us = load.latency_us.borrow();
    Ok(totals.row(format, frame_bytes, args, &latency_us))
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
            let mut socket = LoadSocket::open(server.http, &session.token, format).await?;
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
struct Load {
    start: Instant,
    sending: Cell<bool>,
    measuring: Cell<bool>,
    sent: Cell<u64>,
    delivered: Cell<u64>,
    reads: Cell<u64>,
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

/// The counts at one moment.
struct Sample {
    at: Instant,
    sent: u64,
    delivered: u64,
    reads: u64,
    server_cpu_us: Option<f64>,
    load_cpu_us: Option<f64>,
}

impl Sample {
    fn take(load: &Load, server: &Process, me: &Process) -> Self {
        Self {
            at: Instant::now(),
            sent: load.sent.get(),
            delivered: load.delivered.get(),
            reads: load.reads.get(),
            server_cpu_us: server.cpu_us(),
            load_cpu_us: me.cpu_us(),
        }
    }
}

/// The rounds so far.
#[derive(Default)]
struct Totals {
    seconds: f64,
    sent: f64,
    delivered: f64,
    reads: f64,
    server_us: Vec<f64>,
    load_us: Vec<f64>,
    raw_us: Vec<f64>,
}

impl Totals {
    fn add(&mut self, before: &Sample, after: &Sample) {
        let delivered = count(after.delivered - before.delivered);
        self.seconds += (after.at - before.at).as_secs_f64();
        self.sent += count(after.sent - before.sent);
        self.delivered += delivered;
        self.reads += count(after.reads - before.reads);
        let cost = |before: Option<f64>, after: Option<f64>| Some((after? - before?) / delivered);
        self.server_us
            .extend(cost(before.server_cpu_us, after.server_cpu_us));
        self.load_us
            .extend(cost(before.load_cpu_us, after.load_cpu_us));
    }

    fn row(
        self,
        format: Format,
        frame_bytes: usize,
        args: &FanoutArgs,
        latency_us: &Histogram<u64>,
    ) -> Row {
        let (server_cpu_us, raw_cpu_us) = (median(self.server_us), median(self.raw_us));
        Row {
            format,
            frame_bytes,
            sent_per_s: self.sent / self.seconds,
            delivered_per_s: self.delivered / self.seconds,
            expected_per_s: self.sent / self.seconds * (f64::from(args.clients) - 1.0),
            delivered_per_read: self.delivered / self.reads,
            latency_us: [
                latency_us.value_at_quantile(0.5),
                latency_us.value_at_quantile(0.99),
                latency_us.max(),
            ],
            server_cpu_us,
            raw_cpu_us,
            ratio: server_cpu_us
                .zip(raw_cpu_us)
                .map(|(server, raw)| server / raw),
            load_cpu_us: median(self.load_us),
        }
    }
}

/// One line of the result.
struct Row {
    format: Format,
    frame_bytes: usize,
    sent_per_s: f64,
    delivered_per_s: f64,
    expected_per_s: f64,
    delivered_per_read: f64,
    latency_us: [u64; 3],
    server_cpu_us: Option<f64>,
    raw_cpu_us: Option<f64>,
    ratio: Option<f64>,
    load_cpu_us: Option<f64>,
}

impl Row {
    fn json(&self, args: &FanoutArgs) -> String {
        serde_json::json!({
            "bench": "fanout",
            "format": name(self.format),
            "shards": args.shards,
            "matches": args.matches,
            "clients": args.clients,
            "rate": args.rate,
            "bytes": args.bytes,
            "seconds": args.seconds,
            "frame_bytes": self.frame_bytes,
            "sent_per_s": self.sent_per_s,
            "delivered_per_s": self.delivered_per_s,
            "expected_per_s": self.expected_per_s,
            "delivered_per_read": self.delivered_per_read,
            "latency_p50_us": self.latency_us[0],
            "latency_p99_us": self.latency_us[1],
            "latency_max_us": self.latency_us[2],
            "server_cpu_us": self.server_cpu_us,
            "raw_cpu_us": self.raw_cpu_us,
            "ratio": self.ratio,
            "load_cpu_us": self.load_cpu_us,
        })
        .to_string()
    }

    fn text(&self) -> String {
        format!(
            "{:<9} {:>6} {:>12.0} {:>12.0} {:>6.2} {:>9} {:>9} {:>10} {:>10} {:>7} {:>9}",
            name(self.format),
            self.frame_bytes,
            self.delivered_per_s,
            self.expected_per_s,
            self.delivered_per_read,
            self.latency_us[0],
            self.latency_us[1],
            or_not_available(self.server_cpu_us, ""),
            or_not_available(self.raw_cpu_us, ""),
            or_not_available(self.ratio, ""),
            or_not_available(self.load_cpu_us, ""),
        )
    }
}

fn header(args: &FanoutArgs) -> String {
    let FanoutArgs {
        matches,
        clients,
        rate,
        bytes,
        seconds,
        shards,
        ..
    } = args;
    format!(
        "fanout: {matches} matches of {clients} clients, {rate} messages a second of {bytes} bytes from each, \
         {seconds} s in {ROUNDS} rounds, {shards} shard(s)\n\
         latency in microseconds; CPU in microseconds per delivery: the server's, one plain write's, the load's own\n\
         {:<9} {:>6} {:>12} {:>12} {:>6} {:>9} {:>9} {:>10} {:>10} {:>7} {:>9}",
        "format",
        "frame",
        "delivered/s",
        "expected/s",
        "/read",
        "p50",
        "p99",
        "server",
        "raw",
        "ratio",
        "load",
    )
}

const fn name(format: Format) -> &'static str {
    match format {
        Format::Json => "json",
        Format::Protobuf => "protobuf",
    }
}

/// Exact up to 2^53.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of one run are far below 2^53"
)]
const fn count(value: u64) -> f64 {
    value as f64
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// Plain writes and the server are measured in turn, so that a noisy minute hits both.
const ROUNDS: u32 = 5;
const RAW_ROUND: Duration = Duration::from_millis(600);
const WARM_UP: Duration = Duration::from_millis(300);
const COOL_DOWN: Duration = Duration::from_millis(100);
const LATENCY_SAMPLED_EVERY: u64 = 8;
const LATENCY_US_MAX: u64 = 60_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_the_rounds_counts() {
        assert_eq!(median(vec![9.0, 1.0, 5.0]), Some(5.0));
        assert_eq!(median(Vec::new()), None);
    }

    #[test]
    fn costs_are_per_delivery_of_a_round() {
        let at = Instant::now();
        let before = Sample {
            at,
            sent: 10,
            delivered: 100,
            reads: 50,
            server_cpu_us: Some(1e3),
            load_cpu_us: None,
        };
        let after = Sample {
            at: at + Duration::from_secs(2),
            sent: 30,
            delivered: 300,
            reads: 150,
            server_cpu_us: Some(2e3),
            load_cpu_us: Some(1.0),
        };
        let mut totals = Totals::default();
        totals.add(&before, &after);
        assert_eq!((totals.server_us, totals.load_us), (vec![5.0], vec![]));
        assert_eq!(
            (totals.sent, totals.delivered, totals.reads),
            (20.0, 200.0, 100.0)
        );
    }
}
