//! One arena full of players who steer, and split if asked to.

use std::time::Duration;

use clap::Args;
use serde_json::json;
use tagus_arena::{Command, Own, TICK_RATE_HZ, op};
use tagus_base::Rng;

use super::crowd::Script;
use super::report::Reporter;
use super::rooms::{Place, RoomBench, measure};

/// What `tagus bench arena` runs.
#[derive(Args, Clone, Debug)]
pub(super) struct ArenaArgs {
    /// Players in the one arena.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=4_096))]
    players: u32,
    /// Light players: they begin small and never split. Otherwise they begin with a mass of 225 and split every 5 s.
    #[arg(long)]
    light: bool,
    /// Side of the square world, in units.
    #[arg(long, default_value_t = 14_142)]
    size: u32,
    /// Pellets.
    #[arg(long, default_value_t = 1_000)]
    pellets: u32,
    /// Pointer positions of each player per second.
    #[arg(long, default_value_t = 20.0)]
    inputs: f64,
    /// Age of the game when it is measured, in seconds.
    #[arg(long, default_value_t = 15)]
    age: u64,
    #[command(flatten)]
    place: Place,
}

pub(super) async fn run(args: ArenaArgs, reporter: &Reporter) -> anyhow::Result<()> {
    let params = json!({
        "world_size": args.size,
        "pellets": args.pellets,
        "player_limit": args.players,
        "bots_fill": 0,
        "mass_start": if args.light { 10 } else { 225 },
        "recording_bytes_max": 0,
    });
    let bench = RoomBench {
        name: "arena",
        plan: json!({
            "players": args.players,
            "size": args.size,
            "inputs": args.inputs,
            "splits": !args.light,
        }),
        game: "arena",
        params: params.to_string(),
        rooms: 1,
        players: args.players,
        rate_hz: u32::from(TICK_RATE_HZ),
        inputs_hz: args.inputs,
        accounts: args.players,
        settle: Duration::from_secs(args.age),
    };
    let pointers = Pointers::new(&args);
    measure(&bench, &args.place, pointers, reporter).await
}

/// Players who head for a random place, and for another one every three seconds.
struct Pointers {
    rng: Rng,
    players: Vec<Pointer>,
    inputs_hz: u32,
    splits: bool,
}

#[derive(Clone, Copy, Default)]
struct Pointer {
    x: u16,
    y: u16,
    alive: bool,
    /// Inputs so far.
    turn: u32,
}

impl Pointers {
    fn new(args: &ArenaArgs) -> Self {
        let mut rng = Rng::new(1);
        let inputs_hz = args.inputs.max(1.0) as u32;
        let players = (0..args.players).map(|_| Pointer {
            turn: rng.below(inputs_hz * SPLIT_SECS),
            ..Pointer::default()
        });
        Self {
            players: players.collect(),
            rng,
            inputs_hz,
            splits: !args.light,
        }
    }
}

impl Script for Pointers {
    fn speak(&mut self, player: usize, out: &mut Vec<u8>) -> i64 {
        let pointer = &mut self.players[player];
        if !pointer.alive {
            // As people do, everybody keeps a colour: names and colours are told to all when they change.
            let hue = player as u8;
            return Command::Spawn { hue, name: "" }.encode(out);
        }
        pointer.turn += 1;
        if self.splits && pointer.turn.is_multiple_of(self.inputs_hz * SPLIT_SECS) {
            return Command::Split.encode(out);
        }
        if pointer.turn.is_multiple_of(self.inputs_hz * TARGET_SECS) {
            pointer.x = self.rng.below(65_536) as u16;
            pointer.y = self.rng.below(65_536) as u16;
        }
        let (x, y) = (pointer.x, pointer.y);
        Command::Steer { x, y }.encode(out)
    }

    fn hears(&mut self, player: usize, op: i64, data: &[u8]) -> bool {
        let pointer = &mut self.players[player];
        match op {
            op::VIEW => {
                if let Some(own) = Own::peek(data) {
                    pointer.alive = own.alive;
                }
                true
            }
            op::DIED => {
                pointer.alive = false;
                false
            }
            _ => false,
        }
    }
}

const SPLIT_SECS: u32 = 5;
const TARGET_SECS: u32 = 3;
