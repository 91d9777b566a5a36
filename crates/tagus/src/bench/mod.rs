//! `tagus bench`: workloads against a server of its own, so that the server's CPU time and memory are the server's alone.
//!
//! With `--json` each row is one object on one line; a value that this system cannot tell is null.
//!
//! | keys of `fanout` | meaning |
//! | --- | --- |
//! | `bench`, `format`, `shards`, `matches`, `clients`, `rate`, `bytes`, `seconds` | what was run |
//! | `frame_bytes` | bytes of one delivery, frame header included |
//! | `sent_per_s`, `delivered_per_s`, `expected_per_s` | messages sent, deliveries received, and those the sent ones should become |
//! | `delivered_per_read` | deliveries that one read of the load found; well above 1, they came in shared writes or the load was late |
//! | `delivered_per_write` | frames that the server queued for each of its write calls |
//! | `latency_p50_us`, `latency_p99_us`, `latency_max_us` | from before the send to after the receipt, of one delivery in eight |
//! | `server_cpu_us` | CPU time of the server per delivery, median of the rounds |
//! | `raw_cpu_us` | CPU time of the server per plain write of as many bytes to the same sockets at the same rate, median of the rounds |
//! | `raw_thread_cpu_us` | the same of the writing thread alone |
//! | `ratio` | `server_cpu_us / raw_cpu_us` |
//! | `load_cpu_us` | CPU time of the load itself per delivery |
//! | `server_wakes_per_s`, `raw_wakes_per_s` | how often the server's shards woke, and the plain writer |
//! | `load_wakes_per_s`, `raw_load_wakes_per_s` | how often the load woke beside each of the two |
//!
//! | keys of `connect` | meaning |
//! | --- | --- |
//! | `bench`, `format`, `shards`, `count` | what was run |
//! | `connects_per_s` | sockets opened per second, 64 at a time |
//! | `connect_p50_us`, `connect_p99_us` | time for one, from the TCP connection to the accepted upgrade |
//! | `rss_before_bytes`, `rss_after_bytes` | resident memory of the server with 64 sockets, and with `count` more |
//! | `rss_per_socket_bytes` | the difference per socket |
//!
//! | keys of `api` | meaning |
//! | --- | --- |
//! | `bench`, `store`, `seconds`, `connections` | what was run; `store` is `file` or `url` |
//! | `request` | `fixed` (an answer that is always the same), `new_account` (a device that nobody has), `login` (one that is known), `read_account` |
//! | `requests_per_s`, `latency_p50_us`, `latency_p99_us` | median of the rounds; from before the request to after its answer |
//! | `server_cpu_us`, `load_cpu_us` | CPU time of the server and of the load per request |
//! | `of_fixed` | `requests_per_s` as a part of that of `fixed` |
//! | `sync_us`, `insert_us` | of `new_account` on a file: an append of 4 KiB with its sync; the insert of an account with its device in a large transaction in memory |
//! | `limit_per_s`, `of_limit` | `connections / (sync + connections × insert)`, and the part of it that was reached |

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
    /// Print each row as one JSON object on one line; the keys are documented at the module `tagus::bench`.
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
            stopped = crate::server::stop_signal() => {
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
