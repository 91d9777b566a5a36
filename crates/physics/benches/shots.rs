//! What a shot costs: `cargo bench -p tagus-physics`, with `-- golden` only the games that WebAssembly is measured with.
//! Budgets: a typical pool shot ≤ 2 ms and a full break ≤ 5 ms of one core.
//!
//! A typical shot is one of the nine after a break, in any direction and of any power: the mean over many racks.

#![expect(clippy::print_stdout, reason = "the figures are the output")]

#[path = "../tests/it/games.rs"]
mod games;

use std::time::{Duration, Instant};

use tagus_physics::{
    Limits, Outcome, Place, PoolSize, Shot, State, TWO_AND_TWO, Table, Trace, simulate,
    simulate_traced,
};

fn main() {
    // The test command may run benches as well, without this.
    let asked = |word: &str| std::env::args().any(|argument| argument == word);
    if asked("golden") {
        golden();
    } else if asked("--bench") {
        let pool = Table::pool(PoolSize::EightFoot);
        let soccer = Table::soccer();
        racks("pool, eight-ball", &pool, State::eight_ball);
        racks("pool, nine-ball", &pool, State::nine_ball);
        racks("soccer", &soccer, |table, _| {
            State::kick_off(table, &TWO_AND_TWO)
        });
        golden();
    }
}

/// The games that `crates/physics-wasm/bench.mjs` plays, traced as there.
fn golden() {
    let mut best: Vec<Duration> = Vec::new();
    let mut events = 0;
    for round in 0..GOLDEN_ROUNDS {
        let mut index = 0;
        for number in 0..GOLDEN_GAMES {
            let mut game = games::Game::new(number);
            let mut trace = Trace::default();
            while let Some(shot) = game.next_shot() {
                let (table, state, limits) = (&game.table, &mut game.state, Limits::default());
                let begin = Instant::now();
                let outcome = simulate_traced(table, state, &shot, limits, &mut trace);
                let time = begin.elapsed();
                if round == 0 {
                    best.push(time);
                    events += outcome.map_or(0, |outcome| outcome.event_count);
                }
                best[index] = best[index].min(time);
                index += 1;
            }
        }
    }
    let sum = best.iter().sum::<Duration>().as_secs_f64();
    let count = best.len() as f64;
    println!("{count} shots of {GOLDEN_GAMES} golden games, each its best of {GOLDEN_ROUNDS}:");
    println!(
        "  mean {:.1} µs, {:.0} ns an event",
        sum * 1e6 / count,
        sum * 1e9 / f64::from(events)
    );
}

fn racks(name: &str, table: &Table, rack: fn(&Table, u64) -> State) {
    let mut breaks = Times::default();
    let mut shots = Times::default();
    let mut traced = Times::default();
    let mut random = Random(7);
    for seed in 0..RACKS {
        let mut state = rack(table, seed);
        for turn in 0..TURNS {
            let mut shot = random.shot(table, &state);
            if turn == 0 {
                shot.power = u16::MAX;
                shot.angle = shot.angle % (1 << 20) + u32::MAX / 2 * u32::from(table.version > 100);
                shot.angle = shot.angle.wrapping_sub(1 << 19);
                (shot.side, shot.height) = (0, 0);
            }
            let mut again = state.clone();
            let begin = Instant::now();
            let outcome = simulate(table, &mut state, &shot, Limits::default());
            let time = begin.elapsed();
            let Ok(outcome) = outcome else { break };
            let kept = if turn == 0 { &mut breaks } else { &mut shots };
            kept.add(time, &outcome);
            let mut trace = Trace::default();
            let begin = Instant::now();
            let outcome = simulate_traced(table, &mut again, &shot, Limits::default(), &mut trace);
            let time = begin.elapsed();
            let Ok(outcome) = outcome else { break };
            traced.add(time, &outcome);
            if !matches!(state.place(0), Place::On { .. }) {
                break;
            }
        }
    }
    println!("{name}");
    breaks.print("break");
    shots.print("shot");
    traced.print("any, traced");
}

#[derive(Default)]
struct Times {
    each: Vec<Duration>,
    events: u64,
    seconds: f64,
}

impl Times {
    fn add(&mut self, time: Duration, outcome: &Outcome) {
        self.each.push(time);
        self.events += u64::from(outcome.event_count);
        self.seconds += outcome.seconds;
    }

    fn print(&mut self, name: &str) {
        self.each.sort_unstable();
        let count = self.each.len() as f64;
        let sum = self.each.iter().sum::<Duration>().as_secs_f64();
        let at = |per_mille: usize| {
            self.each[(self.each.len() - 1) * per_mille / 1_000].as_secs_f64() * 1e6
        };
        println!(
            "  {name:<12} {count:>6} of {:.1} s: mean {:.0} µs, p50 {:.0}, p99 {:.0}, most {:.0}; {:.0} events, {:.0} ns each",
            self.seconds / count,
            sum * 1e6 / count,
            at(500),
            at(990),
            at(1_000),
            self.events as f64 / count,
            sum * 1e9 / self.events as f64
        );
    }
}

/// Any numbers will do (xorshift64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn shot(&mut self, table: &Table, state: &State) -> Shot {
        let word = self.next();
        let is_pool = table.version < 100;
        let spin = |shift: u32| {
            if is_pool {
                (word >> shift) as i16 / 2
            } else {
                0
            }
        };
        Shot {
            table: table.version,
            body: if is_pool {
                0
            } else {
                1 + (word % (state.bodies().len() as u64 - 1)) as u8
            },
            angle: self.next() as u32,
            power: (word >> 48) as u16,
            side: spin(16),
            height: spin(32),
        }
    }
}

const RACKS: u64 = 300;
const TURNS: u32 = 10;
const GOLDEN_GAMES: u64 = 200;
const GOLDEN_ROUNDS: u32 = 7;
