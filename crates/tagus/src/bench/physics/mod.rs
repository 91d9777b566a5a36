//! Turn-based physics: what a shot costs one core, and a server full of tables of pool.

mod player;
mod shots;
mod table;
mod tables;
mod tally;

use clap::Args;

use super::report::Reporter;

/// What `tagus bench physics` runs.
#[derive(Args, Clone, Debug)]
pub(super) struct PhysicsArgs {
    /// Tables of pool, each with two players.
    #[arg(long, default_value_t = 3_000, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    tables: u32,
    /// Seconds between two shots of a table. Balls that still run, or a game that begins, make it longer.
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u16).range(1..=40))]
    every: u16,
    /// Seconds measured, after the first shot of each table.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=3_600))]
    seconds: u16,
    /// How often a player says what is aimed at before each shot, every 110 ms as the page does.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(0..=100))]
    aims: u16,
    /// Ticks of a table per second [default: the game's own].
    #[arg(long)]
    rate: Option<u8>,
    /// The same seed gives the same shots on one core, and the same wishes of the players.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Threads of the server that own connections and rooms.
    #[arg(long, default_value_t = 1)]
    shards: usize,
    /// Processors of the server, as `taskset -c` takes them; run the bench itself by `taskset` on another.
    #[arg(long, value_name = "LIST")]
    server_cpus: Option<String>,
    /// Measure shots on one core only, without a server.
    #[arg(long)]
    no_tables: bool,
}

/// Shots on one core, then tables.
pub(super) async fn run(args: PhysicsArgs, reporter: &Reporter) -> anyhow::Result<()> {
    shots::run(args.seed, reporter);
    if args.no_tables {
        return Ok(());
    }
    tables::run(&args, reporter).await
}
