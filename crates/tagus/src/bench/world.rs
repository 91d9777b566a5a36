//! One large room, or many small ones, of people who walk.

use std::time::Duration;

use clap::Args;
use serde_json::json;
use tagus_base::Rng;

use super::crowd::Script;
use super::report::Reporter;
use super::rooms::{Place, RoomBench, measure};

/// What `tagus bench world` runs.
#[derive(Args, Clone, Debug)]
pub(super) struct WorldArgs {
    /// People in the one room.
    #[arg(long, default_value_t = 800, value_parser = clap::value_parser!(u32).range(1..=16_384))]
    players: u32,
    /// Side of the square world, in units; people walk 300 a second.
    #[arg(long, default_value_t = 10_000)]
    size: u32,
    /// Side of the square that each person sees, in units.
    #[arg(long, default_value_t = 2_000)]
    view: u32,
    #[command(flatten)]
    pace: PaceArgs,
}

/// What `tagus bench rooms` runs.
#[derive(Args, Clone, Debug)]
pub(super) struct RoomsArgs {
    /// Rooms.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=2_000))]
    rooms: u32,
    /// People in each room, who all see each other.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    players: u32,
    #[command(flatten)]
    pace: PaceArgs,
}

/// How often things happen, and for how long.
#[derive(Args, Clone, Debug)]
pub(super) struct PaceArgs {
    /// Ticks of a room per second, each with a snapshot for everybody.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=60))]
    rate: u32,
    /// Inputs of each person per second.
    #[arg(long, default_value_t = 10.0)]
    inputs: f64,
    /// Seconds between two changes of a person's direction, on average.
    #[arg(long, default_value_t = 3.0)]
    heading: f64,
    #[command(flatten)]
    pub(super) place: Place,
}

pub(super) async fn run_world(args: WorldArgs, reporter: &Reporter) -> anyhow::Result<()> {
    let params = json!({
        "size": args.size,
        "view": args.view,
        "tick_rate_hz": args.pace.rate,
        "seats_max": args.players,
    });
    let bench = RoomBench {
        name: "world",
        plan: json!({
            "players": args.players,
            "size": args.size,
            "view": args.view,
            "rate": args.pace.rate,
            "inputs": args.pace.inputs,
        }),
        game: "open-world",
        params: params.to_string(),
        rooms: 1,
        players: args.players,
        rate_hz: args.pace.rate,
        inputs_hz: args.pace.inputs,
        accounts: 1,
        settle: Duration::from_secs(3),
    };
    let walkers = Walkers::new(args.players, args.pace.inputs, args.pace.heading);
    measure(&bench, &args.pace.place, walkers, reporter).await
}

pub(super) async fn run_rooms(args: RoomsArgs, reporter: &Reporter) -> anyhow::Result<()> {
    let params = json!({
        "size": SMALL_ROOM,
        "view": SMALL_ROOM * 2,
        "tick_rate_hz": args.pace.rate,
        "seats_max": args.players,
    });
    let players = args.rooms * args.players;
    let bench = RoomBench {
        name: "rooms",
        plan: json!({
            "rooms": args.rooms,
            "players": players,
            "rate": args.pace.rate,
            "inputs": args.pace.inputs,
        }),
        game: "open-world",
        params: params.to_string(),
        rooms: args.rooms,
        players,
        rate_hz: args.pace.rate,
        inputs_hz: args.pace.inputs,
        accounts: 1,
        settle: Duration::from_secs(3),
    };
    let walkers = Walkers::new(players, args.pace.inputs, args.pace.heading);
    measure(&bench, &args.pace.place, walkers, reporter).await
}

/// People who walk straight on and now and then another way.
pub(super) struct Walkers {
    rng: Rng,
    directions: Vec<[u8; 2]>,
    /// One of so many inputs changes the direction.
    change_in: u32,
}

impl Walkers {
    /// So many, with so many inputs a second, who take another way after so many seconds on average.
    pub(super) fn new(players: u32, inputs_hz: f64, heading_secs: f64) -> Self {
        let mut rng = Rng::new(1);
        let directions = (0..players).map(|_| direction(&mut rng)).collect();
        let change_in = (inputs_hz * heading_secs).max(1.0) as u32;
        Self {
            rng,
            directions,
            change_in,
        }
    }

    /// The next input of one of them: a direction of any length, as two `i8`.
    pub(super) fn walk(&mut self, player: usize) -> [u8; 2] {
        if self.rng.below(self.change_in) == 0 {
            self.directions[player] = direction(&mut self.rng);
        }
        self.directions[player]
    }
}

impl Script for Walkers {
    fn speak(&mut self, player: usize, out: &mut Vec<u8>) -> i64 {
        out.extend_from_slice(&self.walk(player));
        op::WALK
    }

    fn hears(&mut self, _player: usize, op: i64, _data: &[u8]) -> bool {
        op == op::SNAPSHOT
    }
}

fn direction(rng: &mut Rng) -> [u8; 2] {
    loop {
        let drawn = [rng.below(256) as u8, rng.below(256) as u8];
        if drawn != [0, 0] {
            return drawn;
        }
    }
}

/// The open world's op codes, in `games/open-world/PROTOCOL.md`.
mod op {
    pub(super) const WALK: i64 = 1;
    pub(super) const SNAPSHOT: i64 = 17;
}

/// Side of a small room's square, in units.
const SMALL_ROOM: u32 = 2_000;
