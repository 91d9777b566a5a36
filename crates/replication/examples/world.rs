//! Prints what one big world costs: bytes for each viewer and second, nanoseconds for each viewer and entity.
//!
//! `cargo run --release -p tagus-replication --example world`

#![expect(clippy::print_stdout, reason = "it is there to print")]
#![expect(
    clippy::disallowed_methods,
    reason = "an example is not the crate: it measures"
)]

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use tagus_base::{Rng, Tick};
use tagus_replication::{
    Ack, Field, Grid, Kind, KindIndex, Replica, Schema, SlotReplica, SlotViewer, View, Viewer,
    World,
};

const SIDE: f64 = 10_000.0;
const VIEW_HALF: f64 = 1_000.0;
const RATE_HZ: u64 = 20;
const SECONDS_WARM: u64 = 5;
const SECONDS: u64 = 10;
/// Units per second.
const SPEED: f64 = 200.0;
/// Mean time between two changes of heading.
const TURN_SECONDS: u32 = 3;

fn main() {
    println!(
        "world {SIDE}², view {}², {RATE_HZ} Hz, a turn every {TURN_SECONDS} s",
        VIEW_HALF * 2.0
    );
    println!("\nviewers that share cells, on a line that loses nothing");
    println!("{HEAD}");
    for players in [800, 2_000, 4_000, 6_000] {
        for cell in [250.0, 400.0, 500.0, 700.0] {
            measure::<Shared>(players, cell, usize::MAX);
        }
    }
    println!(
        "\nviewers of slots, acknowledged after {ACK_FRAMES} frames, one in {LOSS} snapshots lost"
    );
    println!("{HEAD}");
    for players in [800, 2_000, 4_000] {
        for bytes_max in [16_384, 1_150, 768] {
            measure::<Slots>(players, 500.0, bytes_max);
        }
    }
}

/// One viewer, and perhaps the client at its other end: with all of them the caches would be those of the clients.
trait Seat {
    fn new(schema: Option<&Schema>) -> Self;
    fn encode(&mut self, world: &mut World, view: &View<'_>, out: &mut Vec<u8>);
    /// The client takes a snapshot of this frame. Answers how many entities it knows, if there is one.
    fn take(&mut self, frame: u64, bytes: &[u8]) -> Option<usize>;
}

struct Shared {
    viewer: Viewer,
    replica: Option<Replica>,
}

impl Seat for Shared {
    fn new(schema: Option<&Schema>) -> Self {
        Self {
            viewer: Viewer::new(),
            replica: schema.cloned().map(Replica::new),
        }
    }

    fn encode(&mut self, world: &mut World, view: &View<'_>, out: &mut Vec<u8>) {
        self.viewer.encode(world, view, out);
    }

    fn take(&mut self, _: u64, bytes: &[u8]) -> Option<usize> {
        let replica = self.replica.as_mut()?;
        replica.apply(bytes).expect("our own snapshot");
        Some(replica.len())
    }
}

struct Slots {
    viewer: SlotViewer,
    replica: Option<SlotReplica>,
    /// What arrived of the last frames, newest lowest.
    arrived: u64,
    acks: VecDeque<Ack>,
    rng: Rng,
}

impl Seat for Slots {
    fn new(schema: Option<&Schema>) -> Self {
        Self {
            viewer: SlotViewer::new(),
            replica: schema.cloned().map(SlotReplica::new),
            arrived: 0,
            acks: VecDeque::new(),
            rng: Rng::new(1),
        }
    }

    fn encode(&mut self, world: &mut World, view: &View<'_>, out: &mut Vec<u8>) {
        if self.acks.len() >= ACK_FRAMES
            && let Some(ack) = self.acks.pop_front()
        {
            self.viewer.acked(ack);
        }
        self.viewer.encode(world, view, out);
    }

    fn take(&mut self, frame: u64, bytes: &[u8]) -> Option<usize> {
        self.arrived <<= 1;
        if self.rng.below(LOSS) != 0 {
            self.arrived |= 1;
            if let Some(replica) = &mut self.replica {
                replica.apply(bytes).expect("our own snapshot");
            }
        }
        let since = self.arrived.trailing_zeros();
        if since < 32 {
            self.acks.push_back(Ack {
                frame: (frame - u64::from(since)) as u16,
                earlier: (self.arrived >> since >> 1) as u32,
            });
        }
        self.replica.as_ref().map(SlotReplica::len)
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

fn measure<S: Seat>(players: u32, cell: f64, bytes_max: usize) {
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
    let seat = |id| S::new((id % (players / SAMPLE) == 0).then_some(&schema));
    let mut seats: Vec<S> = (0..players).map(seat).collect();
    let mut world = World::new(schema);
    let mut snapshots = vec![Vec::new(); seats.len()];
    let (mut bytes, mut seen) = (0, 0);
    let [mut end, mut encode, mut decode] = [Duration::ZERO; 3];
    for frame in 1..=(SECONDS_WARM + SECONDS) * RATE_HZ {
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
        for (id, (seat, out)) in seats.iter_mut().zip(&mut snapshots).enumerate() {
            out.clear();
            let view = View {
                centre: walkers[id].at,
                half: [VIEW_HALF; 2],
                mask: 0,
                own_id: Some(id as u32),
                last_input: frame as u32 / 2,
                own: &[],
                bytes_max,
                entities_max: 1_000,
            };
            seat.encode(&mut world, &view, out);
        }
        let encoded = Instant::now();
        let mut known = 0;
        for (seat, snapshot) in seats.iter_mut().zip(&snapshots) {
            known += seat.take(frame, snapshot).unwrap_or_default();
        }
        if frame > SECONDS_WARM * RATE_HZ {
            end += ended - start;
            encode += encoded - ended;
            decode += encoded.elapsed();
            bytes += snapshots.iter().map(Vec::len).sum::<usize>();
            seen += known;
        }
    }
    let frames = (SECONDS * RATE_HZ) as f64;
    let viewers = f64::from(players);
    let micros = |time: Duration| time.as_secs_f64() * 1e6 / frames;
    let seen = seen as f64 / frames / f64::from(SAMPLE);
    let each = micros(encode) / viewers;
    let limit = match bytes_max {
        usize::MAX => "none".to_owned(),
        limit => limit.to_string(),
    };
    println!(
        "{players:7} {cell:5} {limit:>6} {seen:5.0} {:12.0} {:13.1} {each:17.3} {:8.2} {:10.2}",
        bytes as f64 / SECONDS as f64 / viewers,
        micros(end),
        each * 1000.0 / seen,
        micros(decode) / f64::from(SAMPLE),
    );
}

const HEAD: &str =
    "players  cell  limit  seen   B/s/viewer  end µs/frame  encode µs/viewer  ns/pair  decode µs";
/// So many of them have a client.
const SAMPLE: u32 = 20;
/// Until an acknowledgement is there: a tenth of a second.
const ACK_FRAMES: usize = 2;
/// Of so many snapshots one is lost.
const LOSS: u32 = 50;
