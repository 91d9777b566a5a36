//! What `simulate` takes of one core.

use std::hint::black_box;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tagus_base::Rng;
use tagus_physics::{Limits, Place, PoolSize, Shot, State, TWO_AND_TWO, Table, simulate};

use super::super::float;
use super::super::progress::Progress;
use super::super::report::Reporter;

/// Breaks, shots after them, and shots of table soccer, each measured once.
pub(super) fn run(seed: u64, reporter: &Reporter) {
    let mut rng = Rng::new(seed);
    let (breaks, shots) = pool(&mut rng);
    let rows = [
        (row("break", breaks), BREAK_GOAL_US),
        (row("shot", shots), SHOT_GOAL_US),
        (row("soccer", soccer(&mut rng)), SHOT_GOAL_US),
    ];
    let progress = Progress::new(Duration::ZERO);
    for (mut row, goal_us) in rows {
        row["seed"] = seed.into();
        reporter.report(&progress, &row, &text(&row, goal_us));
    }
}

/// Times of simulating these shots; those that cannot be played are left out.
pub(super) fn times(table: &Table, shots: &[(State, Shot)]) -> Vec<Duration> {
    let shots = shots.iter().cloned();
    let times = shots.map(|(mut state, shot)| timed(table, &mut state, &shot));
    times.flatten().collect()
}

/// Games of eight-ball: a break straight at the rack with all power, then shots in any direction, with any power and
/// spin. Returns the times of the breaks and those of the shots.
fn pool(rng: &mut Rng) -> (Vec<Duration>, Vec<Duration>) {
    let table = Table::pool(PoolSize::EightFoot);
    let (mut breaks, mut shots) = (Vec::new(), Vec::new());
    for _ in 0..RACKS {
        let mut state = State::eight_ball(&table, rng.next_u64());
        let mut shot = Shot {
            table: table.version,
            angle: rng.below(BREAK_ANGLES).wrapping_sub(BREAK_ANGLES / 2),
            power: u16::MAX,
            ..Shot::default()
        };
        breaks.extend(timed(&table, &mut state, &shot));
        for _ in 1..TURNS {
            if !matches!(state.place(0), Place::On { .. }) {
                break;
            }
            let word = rng.next_u64();
            shot.angle = rng.next_u64() as u32;
            shot.power = word as u16;
            shot.side = (word >> 16) as i16 / 2;
            shot.height = (word >> 32) as i16 / 2;
            shots.extend(timed(&table, &mut state, &shot));
        }
    }
    (breaks, shots)
}

/// Games of soccer: any disc in any direction with any power.
fn soccer(rng: &mut Rng) -> Vec<Duration> {
    let table = Table::soccer();
    let mut times = Vec::new();
    for _ in 0..RACKS {
        let mut state = State::kick_off(&table, &TWO_AND_TWO);
        let discs = state.bodies().len() as u32 - 1;
        for _ in 0..TURNS {
            let word = rng.next_u64();
            let shot = Shot {
                table: table.version,
                body: 1 + rng.below(discs) as u8,
                angle: (word >> 32) as u32,
                power: word as u16,
                ..Shot::default()
            };
            times.extend(timed(&table, &mut state, &shot));
        }
    }
    times
}

/// The best of some times, since whatever else runs on the machine only adds to them. None: the shot cannot be played.
fn timed(table: &Table, state: &mut State, shot: &Shot) -> Option<Duration> {
    let mut best = Duration::MAX;
    let mut after = None;
    for _ in 0..TIMES {
        let mut state = state.clone();
        let begin = Instant::now();
        let outcome = simulate(table, &mut state, black_box(shot), Limits::default());
        best = best.min(begin.elapsed());
        black_box(outcome).ok()?;
        after = Some(state);
    }
    *state = after?;
    Some(best)
}

fn row(what: &str, mut times: Vec<Duration>) -> Value {
    times.sort_unstable();
    let last = times.len().saturating_sub(1);
    let us = |time: Option<&Duration>| time.map(|time| time.as_secs_f64() * 1e6);
    let sum: Duration = times.iter().sum();
    json!({
        "bench": "physics",
        "what": what,
        "shots": times.len(),
        "mean_us": sum.as_secs_f64() * 1e6 / float(times.len().max(1) as u64),
        "p50_us": us(times.get(last / 2)),
        "p99_us": us(times.get(last * 99 / 100)),
        "max_us": us(times.last()),
    })
}

fn text(row: &Value, goal_us: u32) -> String {
    let us = |key: &str| row[key].as_f64().unwrap_or_default();
    format!(
        "{:<7} on one core    mean {:.1} µs, p50 {:.1}, p99 {:.1}, max {:.1}, of {} shots; goal {goal_us} µs",
        row["what"].as_str().unwrap_or_default(),
        us("mean_us"),
        us("p50_us"),
        us("p99_us"),
        us("max_us"),
        row["shots"],
    )
}

/// Each shot is simulated so often.
const TIMES: u32 = 3;
const RACKS: u32 = 300;
/// Shots of a game, the break among them.
const TURNS: u32 = 10;
/// About a degree to each side of the rack, in 2⁻³² turns.
const BREAK_ANGLES: u32 = 1 << 24;
const SHOT_GOAL_US: u32 = 2_000;
const BREAK_GOAL_US: u32 = 5_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shot_is_played_and_breaks_cost_more() {
        let mut rng = Rng::new(3);
        let (breaks, shots) = pool(&mut rng);
        assert_eq!(breaks.len(), RACKS as usize);
        assert!(shots.len() > 1_000, "{}", shots.len());
        assert_eq!(soccer(&mut rng).len(), (RACKS * TURNS) as usize);
        let row = row("break", breaks);
        let us = |key: &str| row[key].as_f64().unwrap();
        assert!(us("p50_us") <= us("p99_us") && us("p99_us") <= us("max_us"));
    }
}
