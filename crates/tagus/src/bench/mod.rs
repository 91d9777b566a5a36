//! `tagus bench`: workloads against a server of its own, so that the server's CPU time and memory are the server's alone.
//!
//! With `--json` each row is one object on one line; `docs/benchmarks.md` says what its keys mean.

use std::path::PathBuf;

use anyhow::bail;
use clap::{Args, Subcommand};

mod api;
#[cfg(feature = "arcade")]
mod arena;
mod colyseus;
mod connect;
mod crowd;
mod exchange;
mod fanout;
mod framing;
mod http;
mod limits;
mod load;
mod matchmaker;
#[cfg(feature = "arcade")]
mod physics;
mod proc;
mod progress;
mod proxy;
mod raw;
mod report;
mod rooms;
mod row;
mod server;
mod tally;
mod world;

use api::ApiArgs;
use colyseus::ColyseusArgs;
use connect::ConnectArgs;
use fanout::FanoutArgs;
use matchmaker::MatchmakerArgs;
pub use raw::obey;
use report::Reporter;
use world::{RoomsArgs, WorldArgs};

/// Measure this machine's server: a child process on free ports, with its own data folder.
#[derive(Args, Debug)]
pub struct BenchArgs {
    #[command(subcommand)]
    workload: Workload,
    /// Print each row as one JSON object on one line; docs/benchmarks.md says what its keys mean.
    #[arg(long, global = true)]
    json: bool,
    /// Output of an earlier run with --json: say what has changed since.
    #[arg(long, global = true, value_name = "FILE")]
    compare: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Workload {
    /// Clients in relayed matches, each sending at a rate to all others of its match.
    Fanout(FanoutArgs),
    /// Idle sockets: memory of each, and how fast they open.
    Connect(ConnectArgs),
    /// Requests over kept HTTP connections, beside what the disk and the database allow.
    Api(ApiArgs),
    /// One large room of people who walk, each seeing what is near.
    World(WorldArgs),
    /// Many small rooms of people who all see each other.
    Rooms(RoomsArgs),
    /// One arena full of players.
    #[cfg(feature = "arcade")]
    Arena(arena::ArenaArgs),
    /// What a shot costs, and tables of pool at which two people each play.
    #[cfg(feature = "arcade")]
    Physics(physics::PhysicsArgs),
    /// The people of `world` on a Colyseus server that runs already; `cargo xtask colyseus` starts one.
    #[command(hide = true)]
    Colyseus(ColyseusArgs),
    /// A day of players who look for others, in virtual time and without a server, beside a model of an interval
    /// matchmaker.
    Matchmaker(MatchmakerArgs),
    /// No workload, but a bad line: passes connections on to a server, late, unevenly and with losses.
    Proxy(proxy::ProxyArgs),
}

/// Runs a workload and prints its rows.
///
/// # Errors
/// The server did not start, a client was refused or lost, the machine has too few open files, or somebody pressed
/// Ctrl-C. The server is ended and its folder removed in any case.
pub fn run(args: BenchArgs) -> anyhow::Result<()> {
    tagus_net::raise_open_files()?;
    let reporter = Reporter::new(args.json, args.compare)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async {
        let workload = async {
            match args.workload {
                Workload::Fanout(fanout) => fanout::run(fanout, &reporter).await,
                Workload::Connect(connect) => connect::run(connect, &reporter).await,
                Workload::Api(api) => api::run(api, &reporter).await,
                Workload::World(world) => world::run_world(world, &reporter).await,
                Workload::Rooms(rooms) => world::run_rooms(rooms, &reporter).await,
                #[cfg(feature = "arcade")]
                Workload::Arena(arena) => arena::run(arena, &reporter).await,
                #[cfg(feature = "arcade")]
                Workload::Physics(physics) => physics::run(physics, &reporter).await,
                Workload::Colyseus(colyseus) => colyseus::run(colyseus, &reporter).await,
                Workload::Matchmaker(matchmaker) => matchmaker::run(matchmaker, &reporter).await,
                Workload::Proxy(proxy) => proxy::run(proxy).await,
            }
        };
        tokio::select! {
            ended = workload => ended,
            stopped = crate::serve::stop_signal() => {
                stopped?;
                bail!("stopped before the end")
            }
        }
    })
}

/// A number with its unit, or that this system cannot tell.
fn or_not_available(value: Option<f64>, unit: &str) -> String {
    value.map_or_else(|| "n/a".to_owned(), |value| format!("{value:.2}{unit}"))
}

fn median(values: &[f64]) -> Option<f64> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// Exact up to 2^53.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of one run are far below 2^53"
)]
const fn float(value: u64) -> f64 {
    value as f64
}

#[expect(clippy::print_stdout, reason = "a command's result is for its caller")]
fn say(text: &str) {
    println!("{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_the_rounds_counts() {
        assert_eq!(median(&[9.0, 1.0, 5.0]), Some(5.0));
        assert_eq!(median(&[]), None);
    }
}
