//! Prints what one big world costs: bytes for each viewer and second, nanoseconds for each viewer and entity.
//!
//! `cargo run --release -p tagus-replication --example world`

#![expect(clippy::print_stdout, reason = "it is there to print")]
#![expect(
    clippy::disallowed_methods,
    reason = "an example is not the crate: it measures"
)]

use std::time::{Duration, Instant};

use tagus_base::{Rng, Tick};
use tagus_replication::{Field, Grid, Kind, KindIndex, Replica, Schema, View, Viewer, World};

const SIDE: f64 = 10_000.0;
const VIEW_HALF: f64 = 1_000.0;
const RATE_HZ: u64 = 20;
const SECONDS_WARM: u64 = 5;
const SECONDS: u64 = 15;
/// Units per second.
const SPEED: f64 = 200.0;
/// Mean time between two changes of heading.
const TURN_SECONDS: u32 = 3;

fn main() {
    println!(
        "world {SIDE}², view {}², {RATE_HZ} Hz, a turn every {TURN_SECONDS} s",
        VIEW_HALF * 2.0
    );
    println!(
        "players  cell  seen   B/s/viewer  end µs/frame  encode µs/viewer  ns/pair  decode µs"
    );
    for players in [800, 2_000, 4_000, 6_000] {
        for cell in [250.0, 400.0, 500.0, 700.0] {
            measure(players, cell);
        }
    }
}

struct Walker {
    at: [f64; 2],
    velocity: [f64; 2],
}

impl Walker {
    fn new(rng: &mut Rng) -> Self {
        let mut walker = Self {
            at: [0, 1].map(|_| f64::from(rng.unit_f32()) * SIDE),
            velocity: [0.0; 2],
        };
        walker.turn(rng);
        walker
    }

    fn turn(&mut self, rng: &mut Rng) {
        let heading = f64::from(rng.unit_f32()) * std::f64::consts::TAU;
        let step = SPEED / RATE_HZ as f64;
        self.velocity = [heading.cos() * step, heading.sin() * step];
    }

    fn walk(&mut self, rng: &mut Rng) {
        if rng.below(TURN_SECONDS * RATE_HZ as u32) == 0 {
            self.turn(rng);
        }
        for (at, velocity) in self.at.iter_mut().zip(&mut self.velocity) {
            *at += *velocity;
            if *at < 0.0 || *at > SIDE {
                *velocity = -*velocity;
                *at = at.clamp(0.0, SIDE);
            }
        }
    }
}

fn measure(players: u32, cell: f64) {
    let grid = Grid {
        min: [0.0; 2],
        size: [SIDE; 2],
        step: 0.125,
        cell,
        margin: cell / 16.0,
    };
    let kind = Kind::new("walker").field(Field::whole("hue", 0..=255).group(1));
    let schema = Schema::new(&grid, vec![kind], 1).expect("the numbers above are possible");
    let mut rng = Rng::new(1);
    let mut walkers: Vec<Walker> = (0..players).map(|_| Walker::new(&mut rng)).collect();
    let mut viewers: Vec<Viewer> = (0..players).map(|_| Viewer::new()).collect();
    // Twenty of them are looked at from the other end too.
    let every = players as usize / 20;
    let mut replicas = vec![Replica::new(schema.clone()); 20];
    let mut world = World::new(schema);
    let mut out = Vec::new();
    let (mut bytes, mut seen) = (0, 0);
    let [mut end, mut encode, mut decode] = [Duration::ZERO; 3];
    for frame in 1..=(SECONDS_WARM + SECONDS) * RATE_HZ {
        let is_warm = frame > SECONDS_WARM * RATE_HZ;
        for walker in &mut walkers {
            walker.walk(&mut rng);
        }
        let start = Instant::now();
        world.begin(Tick(frame));
        for (id, walker) in walkers.iter().enumerate() {
            let values = [walker.at[0], walker.at[1], (id % 256) as f64];
            world.put(id as u32, KindIndex(0), &values);
        }
        world.end();
        let ended = Instant::now();
        for (id, viewer) in viewers.iter_mut().enumerate() {
            out.clear();
            let view = View {
                centre: walkers[id].at,
                half: [VIEW_HALF; 2],
                mask: 0,
                own_id: Some(id as u32),
                last_input: frame as u32 / 2,
                own: &[],
                bytes_max: 16_384,
                entities_max: 1_000,
            };
            viewer.encode(&mut world, &view, &mut out);
            if is_warm {
                bytes += out.len();
            }
            if id % every == 0 {
                let replica = &mut replicas[id / every];
                let start = Instant::now();
                replica.apply(&out).expect("our own snapshot");
                if is_warm {
                    seen += replica.len();
                    decode += start.elapsed();
                }
            }
        }
        if is_warm {
            end += ended - start;
            encode += ended.elapsed();
        }
    }
    let frames = (SECONDS * RATE_HZ) as f64;
    let micros = |time: Duration| time.as_secs_f64() * 1e6;
    let seen = seen as f64 / frames / 20.0;
    let each = micros(encode - decode) / frames / f64::from(players);
    println!(
        "{players:7} {cell:5} {seen:5.0} {:12.0} {:13.1} {each:17.3} {:8.2} {:10.2}",
        bytes as f64 / SECONDS as f64 / f64::from(players),
        micros(end) / frames,
        each * 1000.0 / seen,
        micros(decode) / frames / 20.0,
    );
}
