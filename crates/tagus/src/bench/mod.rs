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
//! | `latency_p50_us`, `latency_p99_us`, `latency_max_us` | from before the send to after the receipt, of one delivery in eight |
//! | `server_cpu_us` | CPU time of the server per delivery, median of the rounds |
//! | `raw_cpu_us` | CPU time of one plain write of as many bytes to a socket at the same rate, median of the rounds |
//! | `ratio` | `server_cpu_us / raw_cpu_us` |
//! | `load_cpu_us` | CPU time of the load itself per delivery |
//!
//! | keys of `connect` | meaning |
//! | --- | --- |
//! | `bench`, `format`, `shards`, `count` | what was run |
//! | `connects_per_s` | sockets opened per second, 64 at a time |
//! | `connect_p50_us`, `connect_p99_us` | time for one, from the TCP connection to the accepted upgrade |
//! | `rss_before_bytes`, `rss_after_bytes` | resident memory of the server with 64 sockets, and with `count` more |
//! | `rss_per_socket_bytes` | the difference per socket |

use clap::{Args, Subcommand};

mod connect;
mod fanout;
mod load;
mod proc;
mod raw;
mod server;

use connect::ConnectArgs;
use fanout::FanoutArgs;

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
}

/// Runs a workload and prints its rows.
///
/// # Errors
/// The server did not start, a client was refused or lost, or the machine has too few open files.
pub fn run(args: BenchArgs) -> anyhow::Result<()> {
    tagus_net::raise_open_files()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async {
        match args.workload {
            Workload::Fanout(fanout) => fanout::run(fanout, args.json).await,
            Workload::Connect(connect) => connect::run(connect, args.json).await,
        }
    })
}

/// A number with its unit, or that this system cannot tell.
fn or_not_available(value: Option<f64>, unit: &str) -> String {
    value.map_or_else(|| "n/a".to_owned(), |value| format!("{value:.2}{unit}"))
}

#[expect(clippy::print_stdout, reason = "a command's result is for its caller")]
fn say(text: &str) {
    println!("{text}");
}
