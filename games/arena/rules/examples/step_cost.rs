//! Prints what a tick costs, part by part: `cargo run --release -p tagus-arena --example step_cost`.
//!
//! Scripted players who steer, and split or not, as those of `tagus bench arena`;
//! what is left of the 40 ms of a tick is for inputs and for writing.

#![expect(clippy::print_stdout, reason = "it is a program that prints")]

use std::time::{Duration, Instant};

use tagus_arena::{Config, PlayerKey, PlayerName, Sight, Vec2, World, schema};
use tagus_base::{Rng, Tick};
use tagus_replication::Replica;

/// Ticks before anything is measured.
const TICKS_WARM: u64 = 375;
const TICKS: u64 = 250;
/// Replicas are many times slower than the encoder; so many say what is seen.
const REPLICAS: u16 = 10;

fn main() {
    println!(
        "players splits    cells  seen  bytes   step ms (p99)  encoder ms (p99)  views ms (p99)"
    );
    for (players, splits, mass_start) in [(500, true, 225), (1_500, true, 225), (3_000, false, 10)]
    {
        let config = Config {
            world_size: 14_142,
            pellets: 1_000,
            player_limit: u32::from(players),
            bots_fill: 0,
            mass_start,
            ..Config::default()
        };
        Costs::default().measure(players, splits, &config);
    }
}

#[derive(Default)]
struct Costs {
    step: Vec<Duration>,
    encoder: Vec<Duration>,
    views: Vec<Duration>,
    bytes: usize,
    seen: usize,
    cells: usize,
}

impl Costs {
    fn measure(&mut self, players: u16, splits: bool, config: &Config) {
        let mut world = World::new(config.clone(), Rng::new(1));
        let schema = schema(config).expect("the numbers above make a grid");
        let mut sight = Sight::new(schema.clone());
        let mut replicas = vec![Replica::new(schema); usize::from(REPLICAS)];
        let mut rng = Rng::new(2);
        for key in (0..players).map(PlayerKey) {
            world.join(key, PlayerName::nameless());
            sight.open(key);
        }
        let mut out = Vec::new();
        for tick in 1..=TICKS_WARM + TICKS {
            play(&mut world, &mut rng, players, splits);
            let begin = Instant::now();
            world.step();
            let stepped = Instant::now();
            sight.tick(&world, Tick(tick));
            let encoded = Instant::now();
            let is_warm = tick > TICKS_WARM;
            for key in REPLICAS..players {
                out.clear();
                sight.view(&world, PlayerKey(key), &mut out);
                self.bytes += out.len() * usize::from(is_warm);
            }
            let viewed = Instant::now();
            for key in 0..REPLICAS {
                out.clear();
                sight.view(&world, PlayerKey(key), &mut out);
                let replica = &mut replicas[usize::from(key)];
                replica.apply(&out).expect("our own snapshot");
                self.seen += replica.len() * usize::from(is_warm);
            }
            if is_warm {
                self.step.push(stepped - begin);
                self.encoder.push(encoded - stepped);
                self.views.push(viewed - encoded);
                self.cells += world.cells().len();
            }
        }
        self.print(players, splits);
    }

    fn print(&mut self, players: u16, splits: bool) {
        let ticks = TICKS as usize;
        let figures = [&mut self.step, &mut self.encoder, &mut self.views].map(|times| {
            times.sort_unstable();
            let mean = times.iter().sum::<Duration>().as_secs_f64() * 1e3 / times.len() as f64;
            let p99 = times[(times.len() - 1) * 99 / 100].as_secs_f64() * 1e3;
            format!("{mean:6.2} ({p99:5.2})")
        });
        println!(
            "{players:7} {splits:6} {:8} {:5} {:6} {} {:>17} {:>15}",
            self.cells / ticks,
            self.seen / ticks / usize::from(REPLICAS),
            self.bytes / ticks / usize::from(players - REPLICAS),
            figures[0],
            figures[1],
            figures[2],
        );
    }
}

/// Everybody alive, heading for another place every three seconds and splitting every five.
fn play(world: &mut World, rng: &mut Rng, players: u16, splits: bool) {
    let size = world.config().world_size as f32;
    for key in (0..players).map(PlayerKey) {
        if world.player(key).is_none_or(|player| !player.is_alive()) {
            world.spawn(key, rng.below(256) as u8, PlayerName::nameless());
        }
        if rng.below(75) == 0 {
            world.steer(key, Vec2::new(rng.unit_f32() * size, rng.unit_f32() * size));
        }
        if splits && rng.below(125) == 0 {
            world.split(key);
        }
    }
}
