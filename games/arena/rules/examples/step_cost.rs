//! Prints what a tick costs: `cargo run --release -p tagus-arena --example step_cost`.
//!
//! 500 scripted players who steer, split and eject; budget: step and all views in 25 ms.
//! They eat each other quickly, so each world is left after a few seconds for a fresh one.

#![expect(clippy::print_stdout, reason = "it is a program that prints")]

use std::time::{Duration, Instant};

use tagus_arena::{Config, PlayerKey, PlayerName, Vec2, World};
use tagus_base::Rng;

const PLAYERS: u16 = 500;
const ROUNDS: u64 = 20;
const TICKS_PER_ROUND: usize = 100;

fn main() {
    for (world_size, pellets, mass_start) in [
        (6_000, 2_000, 40),
        (6_000, 4_000, 150),
        (14_000, 4_000, 300),
    ] {
        let player_limit = u32::from(PLAYERS);
        let config = Config {
            world_size,
            pellets,
            player_limit,
            mass_start,
            ..Config::default()
        };
        println!("world {world_size}, {pellets} pellets, {PLAYERS} players of mass {mass_start}");
        let mut costs = Costs::default();
        for round in 0..ROUNDS {
            costs.measure(World::new(config.clone(), Rng::new(round)));
        }
        costs.print();
    }
}

#[derive(Default)]
struct Costs {
    step: Vec<Duration>,
    views: Vec<Duration>,
    cells: Vec<usize>,
    bytes: usize,
}

impl Costs {
    fn measure(&mut self, mut world: World) {
        let mut rng = Rng::new(2);
        for key in 0..PLAYERS {
            world.join(PlayerKey(key), PlayerName::nameless());
        }
        let mut out = Vec::new();
        for _ in 0..TICKS_PER_ROUND {
            play(&mut world, &mut rng);
            let begin = Instant::now();
            world.step();
            let stepped = Instant::now();
            for key in 0..PLAYERS {
                out.clear();
                world.view_of(PlayerKey(key), &mut out);
                self.bytes += out.len();
            }
            self.views.push(stepped.elapsed());
            self.step.push(stepped - begin);
            self.cells.push(world.cells().len());
        }
    }

    fn print(mut self) {
        let bytes = self.bytes / (self.views.len() * usize::from(PLAYERS));
        self.cells.sort_unstable();
        println!(
            "  cells: p50 {}, max {}; view: {bytes} bytes",
            self.cells[self.cells.len() / 2],
            self.cells[self.cells.len() - 1]
        );
        for (name, mut times) in [("step", self.step), ("views", self.views)] {
            times.sort_unstable();
            let at = |share: usize| times[(times.len() - 1) * share / 100].as_secs_f64() * 1_000.0;
            println!(
                "  {name}: p50 {:.2} ms, p99 {:.2} ms, max {:.2} ms",
                at(50),
                at(99),
                at(100)
            );
        }
    }
}

/// Everybody alive, a tenth of them steering anew, a few splitting and ejecting.
fn play(world: &mut World, rng: &mut Rng) {
    let size = world.config().world_size as f32;
    for key in (0..PLAYERS).map(PlayerKey) {
        if world.player(key).is_none_or(|player| !player.is_alive()) {
            world.spawn(key, rng.below(256) as u8, PlayerName::nameless());
        }
        match rng.below(100) {
            0..10 => world.steer(key, Vec2::new(rng.unit_f32() * size, rng.unit_f32() * size)),
            10..15 => world.split(key),
            15..18 => world.eject(key),
            _ => {}
        }
    }
}
