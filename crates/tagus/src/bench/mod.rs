//! `tagus bench`: workloads against a server of its own, so that the server's CPU time and memory are the server's alone.
//!
//! With `--json` each row is one object on one line; `docs/benchmarks.md` says what its keys mean.

use anyhow::bail;
use clap::{Args, Subcommand};

mod api;
mod connect;
mod fanout;
mod http;
mod limits;
mod load;
mod proc;
mod progress;
mod raw;
mod server;
mod tally;

use api::ApiArgs;
use connect::ConnectArgs;
use fanout::FanoutArgs;
pub use raw::obey;

/// Measure this machine's server: a child process on free ports, with its own data folder.
#[derive(Args, Debug)]
pub struct BenchArgs {
    #[command(subcommand)]
    workload: Workload,
    /// Print each row as one JSON object on one line; docs/benchmarks.md says what its keys mean.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Workload {
    /// Clients in relayed matches, each sending at a rate to all others of its match.
    Fanout(FanoutArgs),
    /// Idle sockets: memory of each, and how fast they open.
    Connect(ConnectArgs),
    /// Requests over kept HTTP connections, beside what the disk and the database allow.
    Api(ApiArgs),
}

/// Runs a workload and prints its rows.
///
/// # Errors
/// The server did not start, a client was refused or lost, the machine has too few open files, or somebody pressed
/// Ctrl-C. The server is ended and its folder removed in any case.
pub fn run(args: BenchArgs) -> anyhow::Result<()> {
    tagus_net::raise_open_files()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async {
        let workload = async {
            match args.workload {
                Workload::Fanout(fanout) => fanout::run(fanout, args.json).await,
                Workload::Connect(connect) => connect::run(connect, args.json).await,
                Workload::Api(api) => api::run(api, args.json).await,
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
