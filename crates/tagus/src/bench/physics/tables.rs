//! Many tables of pool on a server.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::ensure;
use serde_json::json;
use tagus_base::Rng;
use tagus_client::Client;
use tagus_wire::Format;
use tokio::task::JoinSet;

use super::super::load::LoadSocket;
use super::super::proc::Process;
use super::super::progress::Progress;
use super::super::report::Reporter;
use super::super::server::{BenchServer, Plan};
use super::PhysicsArgs;
use super::player;
use super::shots;
use super::table::{AIM_EVERY, Hours, LAST_VERDICTS, Playing, Sockets};
use super::tally::{Row, Tally};

/// Fills the tables, measures them quiet and played on, and simulates the same shots.
pub(super) async fn run(args: &PhysicsArgs, reporter: &Reporter) -> anyhow::Result<()> {
    let (every, length) = (
        Duration::from_secs(args.every.into()),
        Duration::from_secs(args.seconds.into()),
    );
    let (_, open_files_max) = tagus_net::raise_open_files()?;
    ensure!(
        open_files_max > u64::from(args.tables) * 2 + 200,
        "too few open files are allowed: {open_files_max}; raise the hard limit or lower --tables"
    );
    let progress = Progress::new(JOIN_TIME + SETTLE + IDLE + every + length + LAST_VERDICTS);
    progress.show("players join");
    let plan = Plan {
        shards: args.shards,
        rooms: Some(room_list(args)),
        cpus: args.server_cpus.clone(),
        ..Plan::default()
    };
    let server = BenchServer::start(&plan).await?;
    let tables = sit(args, &server).await?;
    let start = Instant::now() + SETTLE + IDLE;
    let from = start + every;
    let hours = Rc::new(Hours {
        table: player::table(),
        start,
        every,
        aiming: AIM_EVERY * args.aims.into(),
        from,
        until: from + length,
        tally: RefCell::new(Tally::new()?),
    });
    let mut playing = JoinSet::new();
    for (number, sockets) in (0..).zip(tables) {
        let rng = Rng::new(args.seed.wrapping_add(u64::from(number)));
        let due = start + every * number / args.tables;
        let table = Playing::new(hours.clone(), sockets, rng, due);
        playing.spawn_local(table.play());
    }
    progress.show("nobody plays");
    tokio::time::sleep(SETTLE).await;
    let quiet = Used::in_span(&server.process, start - IDLE, IDLE).await;
    progress.show("the first shot of each table");
    tokio::time::sleep_until(from.into()).await;
    progress.show("measuring");
    let used = Used::in_span(&server.process, from, length).await;
    let rss_bytes = server.process.rss_bytes();
    let mut failure = String::new();
    while let Some(ended) = playing.join_next().await {
        if let Err(error) = ended?
            && failure.is_empty()
        {
            failure = format!("{error:#}");
        }
    }
    drop(server);

    let tally = hours.tally.replace(Tally::new()?);
    let alone = shots::times(&hours.table, &tally.played);
    let alone_count = super::super::float(alone.len() as u64);
    let alone_us = alone.iter().sum::<Duration>().as_secs_f64() * 1e6;
    let row = Row {
        plan: json!({
            "tables": args.tables,
            "every": args.every,
            "aims": args.aims,
            "rate": args.rate,
            "shards": args.shards,
            "seed": args.seed,
        }),
        tables: args.tables,
        seconds: used.seconds,
        server_us: used.server_us,
        idle_us: quiet.server_us,
        load_us: used.load_us,
        rss_bytes,
        simulate_us: (!alone.is_empty()).then(|| alone_us / alone_count),
        failure,
        tally,
    };
    reporter.report(&progress, &row.json(), &row.text());
    Ok(())
}

fn room_list(args: &PhysicsArgs) -> String {
    let params = match args.rate {
        Some(rate) => json!({ "tick_rate_hz": rate }).to_string(),
        None => "{}".to_owned(),
    };
    let rooms = (0..args.tables).map(|number| {
        let name = room_name(number);
        format!("{{ name = \"{name}\", game = \"pool\", params = '{params}' }}")
    });
    format!("[{}]", rooms.collect::<Vec<_>>().join(", "))
}

fn room_name(number: u32) -> String {
    format!("bench-{number}")
}

/// Logs everybody in, with an account for each, and then seats two at each table. Who sits is not listened to before
/// all do, so that takes a few seconds at most.
async fn sit(args: &PhysicsArgs, server: &BenchServer) -> anyhow::Result<Vec<Sockets>> {
    let client = Client::new(&format!("http://{}", server.http), "defaultkey")?;
    let mut tokens = Vec::new();
    for player in 0..args.tables * 2 {
        let device = format!("bench-device-{player:06}");
        let session = client.authenticate_device(&device, true, None).await?;
        tokens.push(session.token);
    }
    let mut tables = Vec::new();
    let mut sitting = JoinSet::new();
    for (number, pair) in (0..).zip(tokens.chunks_exact(2)) {
        if sitting.len() >= AT_ONCE {
            tables.extend(sitting.join_next().await.transpose()?.transpose()?);
        }
        let (http, pair) = (server.http, pair.to_vec());
        sitting.spawn_local(async move {
            let join = async |token: &str| {
                let mut socket = LoadSocket::open(http, token, Format::Protobuf, true).await?;
                let room = socket.join(&room_name(number)).await?;
                anyhow::Ok((socket, room))
            };
            anyhow::Ok([join(&pair[0]).await?, join(&pair[1]).await?])
        });
    }
    while let Some(sat) = sitting.join_next().await {
        tables.push(sat??);
    }
    Ok(tables)
}

/// CPU time in a span, per second of it.
struct Used {
    seconds: f64,
    server_us: Option<f64>,
    load_us: Option<f64>,
}

impl Used {
    async fn in_span(server: &Process, from: Instant, length: Duration) -> Self {
        let load = Process::of(std::process::id());
        let cpu = || (server.cpu_us(), load.cpu_us(), Instant::now());
        let before = cpu();
        tokio::time::sleep_until((from + length).into()).await;
        let after = cpu();
        let seconds = (after.2 - before.2).as_secs_f64();
        let spent = |after: Option<f64>, before: Option<f64>| Some((after? - before?) / seconds);
        Self {
            seconds,
            server_us: spent(after.0, before.0),
            load_us: spent(after.1, before.1),
        }
    }
}

/// Tables whose players are being seated at any moment.
const AT_ONCE: usize = 32;
/// About what joining takes.
const JOIN_TIME: Duration = Duration::from_secs(5);
/// Until the first turn of the last game may be played.
const SETTLE: Duration = Duration::from_millis(2_500);
/// How long it is measured what nobody causes.
const IDLE: Duration = Duration::from_secs(4);
