//! Idle sockets.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use clap::Args;
use hdrhistogram::Histogram;
use tagus_client::Client;
use tagus_wire::Format;
use tokio::task::JoinSet;

use super::load::LoadSocket;
use super::progress::Progress;
use super::report::Reporter;
use super::server::{BenchServer, Plan};
use super::{float, or_not_available};

/// What `tagus bench connect` runs.
#[derive(Args, Clone, Debug)]
pub(super) struct ConnectArgs {
    /// Sockets to open.
    #[arg(long, default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(1..=60_000))]
    count: u32,
    /// Threads of the server that own connections and rooms.
    #[arg(long, default_value_t = 1)]
    shards: usize,
}

pub(super) async fn run(args: ConnectArgs, reporter: &Reporter) -> anyhow::Result<()> {
    let (_, open_files_max) = tagus_net::raise_open_files()?;
    let needed = u64::from(args.count + SOCKETS_BEFORE) + 100;
    if open_files_max < needed {
        bail!(
            "{needed} open files are needed and {open_files_max} are allowed; raise the hard limit or lower --count"
        );
    }
    let progress = Progress::new(SETTLE * 2 + OPEN_TIME);
    progress.show("opening sockets");
    let plan = Plan {
        shards: args.shards,
        ..Plan::default()
    };
    let server = BenchServer::start(&plan).await?;
    let client = Client::new(&format!("http://{}", server.http), "defaultkey")?;
    let session = client
        .authenticate_device("bench-device-000000", true, None)
        .await?;

    let mut idle = JoinSet::new();
    // The first sockets also pay for code and tables that are touched once.
    let first = open(&server, &session.token, SOCKETS_BEFORE).await?;
    keep(&mut idle, first.sockets);
    tokio::time::sleep(SETTLE).await;
    let rss_before = server.process.rss_bytes();
    let opened = open(&server, &session.token, args.count).await?;
    keep(&mut idle, opened.sockets);
    tokio::time::sleep(SETTLE).await;
    let rss_after = server.process.rss_bytes();
    if let Some(ended) = idle.try_join_next() {
        ended?.context("an idle socket was lost")?;
    }

    let connects_per_s = f64::from(args.count) / opened.elapsed.as_secs_f64();
    let per_socket = rss_before
        .zip(rss_after)
        .map(|(before, after)| float(after.saturating_sub(before)) / f64::from(args.count));
    let [p50, p99] = [0.5, 0.99].map(|quantile| opened.latency_us.value_at_quantile(quantile));
    let row = serde_json::json!({
        "bench": "connect",
        "format": "protobuf",
        "shards": args.shards,
        "count": args.count,
        "connects_per_s": connects_per_s,
        "connect_p50_us": p50,
        "connect_p99_us": p99,
        "rss_before_bytes": rss_before,
        "rss_after_bytes": rss_after,
        "rss_per_socket_bytes": per_socket,
    });
    let mib = |value: Option<u64>| {
        or_not_available(value.map(|value| float(value) / 1_048_576.0), " MiB")
    };
    let text = format!(
        "connect: {} idle sockets, {AT_ONCE} opened at a time, {} shard(s)\n\
         connects per second  {connects_per_s:.0}\n\
         time of a connect    p50 {p50} µs, p99 {p99} µs\n\
         resident memory      {} with {SOCKETS_BEFORE} sockets, {} with all\n\
         per socket           {}",
        args.count,
        args.shards,
        mib(rss_before),
        mib(rss_after),
        or_not_available(per_socket.map(|bytes| bytes / 1_024.0), " KiB"),
    );
    reporter.report(&progress, &row, &text);
    Ok(())
}

struct Opened {
    sockets: Vec<LoadSocket>,
    elapsed: Duration,
    latency_us: Histogram<u64>,
}

async fn open(server: &BenchServer, token: &str, count: u32) -> anyhow::Result<Opened> {
    let left = Rc::new(Cell::new(count));
    let sockets = Rc::new(RefCell::new(Vec::new()));
    let latency_us = Rc::new(RefCell::new(Histogram::new_with_bounds(
        1,
        LATENCY_US_MAX,
        3,
    )?));
    let mut openers = JoinSet::new();
    let start = Instant::now();
    for _ in 0..AT_ONCE {
        let (left, sockets, latency_us) = (left.clone(), sockets.clone(), latency_us.clone());
        let (address, token) = (server.http, token.to_owned());
        openers.spawn_local(async move {
            while let Some(rest) = left.get().checked_sub(1) {
                left.set(rest);
                let began = Instant::now();
                let socket = LoadSocket::open(address, &token, Format::Protobuf, false).await?;
                let took_us = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
                latency_us.borrow_mut().saturating_record(took_us);
                sockets.borrow_mut().push(socket);
            }
            anyhow::Ok(())
        });
    }
    while let Some(ended) = openers.join_next().await {
        ended??;
    }
    Ok(Opened {
        sockets: sockets.take(),
        elapsed: start.elapsed(),
        latency_us: latency_us.borrow().clone(),
    })
}

/// Lets the sockets answer pings; each task ends only when its socket is lost.
fn keep(idle: &mut JoinSet<anyhow::Result<()>>, sockets: Vec<LoadSocket>) {
    for mut socket in sockets {
        idle.spawn_local(async move {
            loop {
                socket.receive().await?;
            }
        });
    }
}

/// Sockets that are being opened at any moment.
const AT_ONCE: u32 = 64;
const SOCKETS_BEFORE: u32 = 64;
/// About what opening takes.
const OPEN_TIME: Duration = Duration::from_secs(1);
const SETTLE: Duration = Duration::from_millis(1_500);
const LATENCY_US_MAX: u64 = 60_000_000;
