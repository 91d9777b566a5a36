//! A player that plans with the same physics: it thinks of flicks, plays each on a copy of the pitch, and takes the best.

use tagus_base::Rng;
use tagus_duel::{Arm, Chair, Sport, Strength, Stroke, Turn, angle_of};
use tagus_physics::{Mouth, Shot, Table, Vec2};

use crate::frame::{Frame, Goal};

/// What a strength is made of.
struct Skill {
    /// Ways to hit the ball from each disc, the plainest first.
    ways: usize,
    /// Powers of each, in 1/65,535.
    powers: &'static [u16],
    /// Flicks in any direction besides.
    kicks: u32,
    /// Times that each is tried, with the errors of its own arm.
    tries: u32,
    /// The best so many are looked at again, with what the other could do next.
    replies: usize,
    arm: Arm,
}

const fn skill_of(strength: Strength) -> Skill {
    match strength {
        Strength::Weak => Skill {
            ways: 1,
            powers: &[34_000],
            kicks: 4,
            tries: 1,
            replies: 0,
            arm: Arm {
                angle_error: 4.5,
                power_error: 0.15,
            },
        },
        Strength::Fair => Skill {
            ways: 4,
            powers: &[26_000, 48_000],
            kicks: 10,
            tries: 2,
            replies: 0,
            arm: Arm {
                angle_error: 1.5,
                power_error: 0.07,
            },
        },
        Strength::Strong => Skill {
            ways: 9,
            powers: &[18_000, 30_000, 45_000, 65_535],
            kicks: 40,
            tries: 3,
            replies: 16,
            arm: Arm {
                angle_error: 0.9,
                power_error: 0.05,
            },
        },
    }
}

/// The bot's stroke for the player whose turn it is; none when the game is over.
/// The same frame, strength and seed give the same stroke. It may take some ten milliseconds.
#[must_use]
pub fn plan(frame: &Frame, strength: Strength, seed: u64) -> Option<Stroke> {
    frame.must_be_played().ok()?;
    let (skill, mut rng) = (skill_of(strength), Rng::new(seed));
    let worth = |tried: &Stroke| outcome(frame, tried).1;
    let mut ideas: Vec<(f64, Stroke)> = Vec::new();
    for stroke in strokes(frame, &skill, &mut rng) {
        let value = skill.arm.average(&stroke, skill.tries, &mut rng, worth);
        ideas.push((value, stroke));
    }
    // Of several as good the first.
    ideas.sort_by(|one, two| two.0.total_cmp(&one.0));
    for (value, stroke) in ideas.iter_mut().take(skill.replies) {
        *value -= danger(frame, stroke);
    }
    ideas.truncate(skill.replies.max(1));
    let mut best: Option<(f64, Stroke)> = None;
    for (value, stroke) in ideas {
        if best.is_none_or(|(most, _)| value > most) {
            best = Some((value, stroke));
        }
    }
    best.map(|(_, stroke)| skill.arm.play(&stroke, &mut rng))
}

/// Flicks to think about: those that send the ball somewhere, and some that do not mean anything.
fn strokes(frame: &Frame, skill: &Skill, rng: &mut Rng) -> Vec<Stroke> {
    let mut out = Vec::new();
    for (disc, angle) in ways(frame, frame.player(), skill.ways) {
        out.extend(skill.powers.iter().map(|power| flick(disc, angle, *power)));
    }
    let discs: Vec<u8> = Frame::discs(frame.player()).collect();
    for _ in 0..skill.kicks {
        let disc = discs[rng.below(discs.len() as u32) as usize];
        let angle = (rng.next_u64() >> 32) as u32;
        out.push(flick(disc, angle, 20_000 + rng.below(40_000) as u16));
    }
    out
}

/// Discs of a player and directions in which they send the ball: at the middle of the goal, beside it, by way of a side,
/// and straight at the ball.
fn ways(frame: &Frame, chair: Chair, count: usize) -> Vec<(u8, u32)> {
    let (table, state) = (frame.table(), frame.state());
    let Some(ball) = state.place(0).position() else {
        return Vec::new();
    };
    let touch = table.kinds[0].radius + table.kinds[1].radius;
    let goal = goal_of(table, Frame::target(chair));
    let beside = Vec2::new(0.0, 0.3 * GOAL_WIDTH);
    let mirrored = |side: f64| Vec2::new(goal.x, 2.0 * side - goal.y);
    let (low, high) = (table.kinds[0].radius, table.size.y - table.kinds[0].radius);
    let targets = [
        goal,
        goal + beside,
        goal - beside,
        mirrored(low),
        mirrored(high),
        goal + beside * 0.5,
        goal - beside * 0.5,
        mirrored(low) + beside,
    ];
    let mut out = Vec::new();
    for disc in Frame::discs(chair) {
        let Some(from) = state.place(disc).position() else {
            continue;
        };
        let ghosts = targets.map(|target| ball - (target - ball).unit() * touch);
        // A disc that stands before the ball cannot send it forward.
        let is_behind = |ghost: &Vec2| (*ghost - from).dot(ball - *ghost) > 0.0;
        let places = ghosts.into_iter().filter(is_behind).chain([ball]);
        let angles = places.take(count).map(|place| angle_of(place - from));
        out.extend(angles.map(|angle| (disc, angle)));
    }
    out
}

/// The game after a flick, and what that is worth to who has flicked.
fn outcome(frame: &Frame, stroke: &Stroke) -> (Frame, f64) {
    let mut next = frame.clone();
    let Ok(Some(verdict)) = next.apply(Turn::Stroke(*stroke)) else {
        return (next, -2_000.0);
    };
    let goal = goal_of(frame.table(), Frame::target(frame.player()));
    let value = if verdict.ruling == Goal::Own as u8 {
        1_000.0
    } else if verdict.ruling == Goal::Other as u8 {
        -1_000.0
    } else {
        let ball = next.state().place(0).position().unwrap_or(goal);
        -60.0 * (goal - ball).length() / frame.table().size.x
    };
    (next, value)
}

/// How likely the other scores after this flick, and what that costs.
fn danger(frame: &Frame, stroke: &Stroke) -> f64 {
    let (next, _) = outcome(frame, stroke);
    if next.must_be_played().is_err() || next.player() == frame.player() || next.is_kick_off() {
        return 0.0;
    }
    let mut goals = 0;
    for (disc, angle) in ways(&next, next.player(), REPLY_WAYS) {
        for power in REPLY_POWERS {
            let (_, value) = outcome(&next, &flick(disc, angle, power));
            goals += u32::from(value >= 1_000.0);
        }
    }
    DANGER * f64::from(goals.min(REPLY_GOALS_MAX)) / f64::from(REPLY_GOALS_MAX)
}

fn goal_of(table: &Table, pocket: u8) -> Vec2 {
    match &table.pockets[usize::from(pocket)].mouth {
        Mouth::Hole { centre, .. } => *centre,
        Mouth::Gate {
            from,
            along,
            length,
        } => *from + *along * (0.5 * length),
    }
}

fn flick(disc: u8, angle: u32, power: u16) -> Stroke {
    let shot = Shot {
        table: TABLE,
        body: disc,
        angle,
        power,
        ..Shot::default()
    };
    Stroke {
        shot,
        ..Stroke::default()
    }
}

/// The pitch's version.
const TABLE: u16 = 101;
/// About the width of the goals, in metres.
const GOAL_WIDTH: f64 = 0.44;
const REPLY_WAYS: usize = 3;
const REPLY_POWERS: [u16; 2] = [30_000, 60_000];
/// So many ways to score are as bad as more.
const REPLY_GOALS_MAX: u32 = 4;
const DANGER: f64 = 300.0;
