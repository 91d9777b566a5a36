//! What a table costs its server: `cargo bench -p tagus-pool`.
//! Budget: a shot from its message to its verdict ≤ 2 ms of one core; 3,000 tables with a shot every 15 s on one core.
//!
//! Rooms are driven as a shard drives them, without sockets. Shots are those of the fair bot, whose planning is not
//! counted among them, and in rooms shots in any direction.

#![expect(clippy::print_stdout, reason = "the figures are the output")]
#![expect(
    clippy::disallowed_methods,
    reason = "what is measured is time on a clock"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tagus_base::{Rng, SeatIndex, SessionId, UserId, Uuid};
use tagus_duel::{Chair, Command, Sport, Strength, Stroke, Turn, op};
use tagus_physics::{PoolSize, Table};
use tagus_pool::{Frame, Pool, Rules, plan};
use tagus_room::{Effect, Factory, Host, Metadata, Opening, Person};

fn main() {
    // The test command may run benches as well, without this.
    if std::env::args().any(|argument| argument == "--bench") {
        shots();
        for strength in [Strength::Weak, Strength::Fair, Strength::Strong] {
            plans(strength);
        }
        tables();
    }
}

/// Whole games by the rules alone: check, simulate, settle, and the bytes between.
fn shots() {
    let mut times = Vec::new();
    for seed in 0..GAMES {
        let mut frame = frame(seed);
        while frame.course().end.is_none() {
            let Some(stroke) = plan(&frame, Strength::Fair, seed + u64::from(frame.turn())) else {
                break;
            };
            let begin = Instant::now();
            let verdict = frame.apply(Turn::Stroke(stroke));
            times.push(begin.elapsed());
            assert!(verdict.is_ok());
        }
    }
    say("a shot by the rules alone", times);
}

fn plans(strength: Strength) {
    let mut times = Vec::new();
    for seed in 0..4 {
        let mut frame = frame(seed);
        while frame.course().end.is_none() {
            let begin = Instant::now();
            let stroke = plan(&frame, strength, seed + u64::from(frame.turn()));
            times.push(begin.elapsed());
            let Some(stroke) = stroke else { break };
            assert!(frame.apply(Turn::Stroke(stroke)).is_ok());
        }
    }
    say(&format!("a plan of the bot, {strength:?}"), times);
}

/// Many rooms in which two people each play whole games, on one thread.
fn tables() {
    let mut rooms: Vec<Seated> = (0..ROOMS).map(Seated::new).collect();
    let (mut idle, mut ticks) = (Duration::ZERO, 0_u32);
    let (mut times, mut now) = (Vec::new(), Duration::ZERO);
    for tick in 0..TICKS {
        now += PERIOD;
        for (index, room) in rooms.iter_mut().enumerate() {
            // Each shoots once in so many ticks, at its own.
            if (tick + index * 7) % SHOT_EVERY_TICKS == 0 {
                times.extend(room.shoot(now, PERIOD));
                continue;
            }
            let begin = Instant::now();
            room.host.tick(now, &mut room.out);
            idle += begin.elapsed();
            ticks += 1;
            room.listen();
        }
    }
    say(
        "a shot in a room: message, tick, job, verdict",
        times.clone(),
    );
    let tick = idle.as_secs_f64() / f64::from(ticks);
    let shot = times.iter().sum::<Duration>().as_secs_f64() / times.len() as f64;
    println!("a tick in which nothing happens: {:.2} µs", tick * 1e6);
    for rate in [10, 30, 60] {
        let cost = f64::from(rate) * tick + shot / 15.0;
        println!(
            "{rate} ticks a second, a shot every 15 s: {:.0} µs a second, {:.0} tables a core",
            cost * 1e6,
            1.0 / cost
        );
    }
}

/// A room with two people, and what they were told last.
struct Seated {
    host: Host,
    out: Vec<Effect>,
    rng: Rng,
    turn: u16,
    player: u8,
    must_place: bool,
}

impl Seated {
    fn new(number: usize) -> Self {
        let opening = Opening {
            seed: number as u64,
            params: Bytes::from_static(br#"{"turn_s":600}"#),
            now: Duration::ZERO,
        };
        let host = Host::open(&Factory::of::<Pool>(), opening);
        let mut room = Self {
            host: host.expect("these parameters are good"),
            out: Vec::new(),
            rng: Rng::new(number as u64),
            turn: 0,
            player: 0,
            must_place: false,
        };
        for person in 1..=2 {
            let person = Person {
                user_id: UserId(Uuid([person; 16])),
                session_id: SessionId(Uuid([person; 16])),
                username: "somebody".into(),
            };
            let joined = room
                .host
                .join(Duration::ZERO, person, Metadata::new(), &mut room.out);
            assert!(joined.is_ok());
        }
        room.listen();
        room
    }

    /// A shot in any direction, from its message to the tick that sends the verdict; none when it is not taken.
    fn shoot(&mut self, now: Duration, period: Duration) -> Option<Duration> {
        let mut stroke = Stroke {
            place: self.must_place.then_some((500_000, 400_000)),
            ..Stroke::default()
        };
        stroke.shot.table = 2;
        stroke.shot.angle = (self.rng.next_u64() >> 32) as u32;
        stroke.shot.power = 15_000 + self.rng.below(50_000) as u16;
        let (game, turn) = (0, self.turn);
        let mut data = Vec::new();
        let op = Command::Shoot { game, turn, stroke }.encode(&mut data);
        let begin = Instant::now();
        let seat = SeatIndex(u16::from(self.player));
        assert!(self.host.message(seat, op, data.into()).is_ok());
        self.host.tick(now, &mut self.out);
        let effects = std::mem::take(&mut self.out);
        for effect in effects {
            if let Effect::Compute { token, job } = effect {
                self.host.computed(token, job.run());
            }
        }
        self.host.tick(now + period, &mut self.out);
        let time = begin.elapsed();
        self.listen().then_some(time)
    }

    /// Reads turn blocks; was there a verdict?
    fn listen(&mut self) -> bool {
        let mut is_told = false;
        for effect in self.out.drain(..) {
            let Effect::Send { op, data, .. } = effect else {
                continue;
            };
            let at = match op {
                op::TABLE => 8,
                op::VERDICT => 18 + 2 * usize::from(data[17]),
                _ => continue,
            };
            is_told |= op == op::VERDICT;
            self.turn = u16::from_le_bytes([data[at + 2], data[at + 3]]);
            self.player = data[at + 5];
            self.must_place = data[at + 7] & 8 != 0;
        }
        is_told
    }
}

fn frame(seed: u64) -> Frame {
    let table = Arc::new(Table::pool(PoolSize::EightFoot));
    Frame::new(table, Rules::Eight, seed, Chair::First)
}

fn say(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let count = times.len().max(1);
    let mean = times.iter().sum::<Duration>().as_secs_f64() * 1e6 / count as f64;
    let at = |part: usize| times.get(count * part / 1_000).copied().unwrap_or_default();
    println!(
        "{what}: {count} times, mean {mean:.1} µs, half below {:.1} µs, 99 of 100 below {:.1} µs",
        at(500).as_secs_f64() * 1e6,
        at(990).as_secs_f64() * 1e6
    );
}

const PERIOD: Duration = Duration::from_millis(100);
const GAMES: u64 = 40;
const ROOMS: usize = 300;
const TICKS: usize = 2_000;
const SHOT_EVERY_TICKS: usize = 150;
