//! A player that plans with the same physics: it thinks of shots, plays each on a copy of the table, and takes the best.

use tagus_base::Rng;
use tagus_duel::{Arm, Sport, Strength, Stroke, Turn, angle_of};
use tagus_physics::{Mouth, Place, Shot, Table, Vec2};

use crate::frame::{Frame, Hand};
use crate::table::{CUE, head_string};

/// What a strength is made of.
struct Skill {
    /// Balls and pockets to look at, best first.
    aims: usize,
    /// Powers of each, in 1/65,535.
    powers: &'static [u16],
    /// Heights of the cue for each.
    heights: &'static [i16],
    /// Times that each is tried, with the errors of its own arm.
    tries: u32,
    /// What it gives for a good next shot, or for leaving none.
    position: f64,
    arm: Arm,
}

const fn skill_of(strength: Strength) -> Skill {
    match strength {
        Strength::Weak => Skill {
            aims: 3,
            powers: &[16_000],
            heights: &[0],
            tries: 1,
            position: 0.0,
            arm: Arm {
                angle_error: 1.2,
                power_error: 0.12,
            },
        },
        Strength::Fair => Skill {
            aims: 6,
            powers: &[11_000, 20_000],
            heights: &[0],
            tries: 1,
            position: 5.0,
            arm: Arm {
                angle_error: 0.45,
                power_error: 0.06,
            },
        },
        Strength::Strong => Skill {
            aims: 8,
            powers: &[9_000, 15_000, 24_000],
            heights: &[0, 12_000, -14_000],
            tries: 3,
            position: 25.0,
            arm: Arm {
                angle_error: 0.1,
                power_error: 0.02,
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
    let mut ideas = if frame.is_break() {
        breaks(frame, &skill, &mut rng)
    } else {
        aimed(frame, &skill, &mut rng)
    };
    if ideas.is_empty() {
        ideas = kicks(frame, &skill, &mut rng);
    }
    let worth = |tried: &Stroke| outcome(frame, tried, &skill);
    let mut best: Option<(f64, Stroke)> = None;
    for idea in ideas {
        let value = skill.arm.average(&idea, skill.tries, &mut rng, worth);
        if best.is_none_or(|(most, _)| value > most) {
            best = Some((value, idea));
        }
    }
    best.map(|(_, idea)| skill.arm.play(&idea, &mut rng))
}

/// Breaks from different places behind the head string, at the first ball of the rack.
fn breaks(frame: &Frame, skill: &Skill, rng: &mut Rng) -> Vec<Stroke> {
    let (table, head) = (frame.table(), frame.table().head_spot());
    let mut out = Vec::new();
    for _ in 0..skill.aims {
        let at = Vec2::new(head.x, head.y + 0.2 * spread(rng));
        let aim = angle_of(table.foot_spot() - at);
        let power = 65_535 - rng.below(9_000) as u16;
        let place = units(at);
        let stroke = stroke(frame, Some(place), None, shot(table, aim, power, 0));
        out.extend(checked(frame, stroke));
    }
    out
}

/// Shots that send a ball into a pocket, the easiest first.
fn aimed(frame: &Frame, skill: &Skill, rng: &mut Rng) -> Vec<Stroke> {
    let mut aims: Vec<Aim> = Vec::new();
    for (place, from) in stands(frame, rng) {
        aims.extend(aims_from(frame, place, from));
    }
    aims.sort_by(|one, two| two.ease.total_cmp(&one.ease));
    aims.truncate(skill.aims);
    let mut out = Vec::new();
    for aim in aims {
        for power in skill.powers {
            for height in skill.heights {
                let shot = shot(frame.table(), aim.angle, *power, *height);
                let stroke = stroke(frame, aim.place, Some(aim.pocket), shot);
                out.extend(checked(frame, stroke));
            }
        }
    }
    out
}

/// Where the cue ball may lie: where it does, or where it can be put.
fn stands(frame: &Frame, rng: &mut Rng) -> Vec<(Option<(i32, i32)>, Vec2)> {
    let table = frame.table();
    if frame.hand() == Hand::No {
        let at = frame.state().place(CUE).position();
        return at.map(|at| (None, at)).into_iter().collect();
    }
    let mut out = Vec::new();
    for (ball, pocket) in balls_and_pockets(frame) {
        let along = (hole(table, pocket) - ball).unit();
        for distance in [0.2, 0.35] {
            out.push(ball - along * distance);
        }
    }
    let limit = if frame.hand() == Hand::Kitchen {
        table.head_spot().x
    } else {
        table.size.x
    };
    for _ in 0..RANDOM_STANDS {
        let x = limit * f64::from(rng.unit_f32());
        out.push(Vec2::new(x, table.size.y * f64::from(rng.unit_f32())));
    }
    out.into_iter().map(|at| (Some(units(at)), at)).collect()
}

/// A way to pocket a ball.
struct Aim {
    place: Option<(i32, i32)>,
    angle: u32,
    pocket: u8,
    /// From 0, hopeless, to 1, a short straight one.
    ease: f64,
}

fn aims_from(frame: &Frame, place: Option<(i32, i32)>, from: Vec2) -> Vec<Aim> {
    let table = frame.table();
    let diameter = 2.0 * table.kinds[0].radius;
    if let Some((x, _)) = place
        && frame.hand() == Hand::Kitchen
        && x > head_string(table)
    {
        return Vec::new();
    }
    let mut out = Vec::new();
    for (ball, pocket) in balls_and_pockets(frame) {
        let run = hole(table, pocket) - ball;
        let ghost = ball - run.unit() * diameter;
        let way = ghost - from;
        let cut = way.unit().dot(run.unit());
        if cut < CUT_MIN || way.length() < 0.02 {
            continue;
        }
        let is_clear = is_free(frame, from, ghost, ball) && is_free(frame, ball, ball + run, ball);
        if is_clear {
            out.push(Aim {
                place,
                angle: angle_of(way),
                pocket,
                ease: ease(table, cut, way.length(), run, pocket),
            });
        }
    }
    out
}

/// How easy a shot is, from 0 to 1: the error of the direction grows with both ways and with the cut; a side pocket
/// takes what comes straight.
fn ease(table: &Table, cut: f64, way: f64, run: Vec2, pocket: u8) -> f64 {
    let entry = match pocket {
        1 | 4 => run.unit().y.abs(),
        _ => 1.0,
    };
    let entry = if entry < SIDE_ENTRY_MIN { 0.05 } else { entry };
    let length = table.size.x;
    cut * cut * entry / (1.0 + 3.0 * way / length + 6.0 * run.length() / length)
}

fn balls_and_pockets(frame: &Frame) -> impl Iterator<Item = (Vec2, u8)> + '_ {
    let balls = (1..frame.state().bodies().len() as u8).filter(|ball| frame.is_ball_on(*ball));
    let places = balls.filter_map(|ball| frame.state().place(ball).position());
    let pockets = frame.table().pockets.len() as u8;
    places.flat_map(move |at| (0..pockets).map(move |pocket| (at, pocket)))
}

/// Is no ball but that at `own` in the way of one that goes straight?
fn is_free(frame: &Frame, from: Vec2, to: Vec2, own: Vec2) -> bool {
    let (way, diameter) = (to - from, 2.0 * frame.table().kinds[0].radius);
    let (along, length) = (way.unit(), way.length());
    let others = (1..frame.state().bodies().len() as u8)
        .filter_map(|ball| frame.state().place(ball).position())
        .filter(|at| *at != own);
    others.into_iter().all(|at| {
        let offset = at - from;
        let reach = offset.dot(along).clamp(0.0, length);
        (offset - along * reach).length() > diameter
    })
}

/// Shots without a plan: straight at the balls that are on, and in any direction.
fn kicks(frame: &Frame, skill: &Skill, rng: &mut Rng) -> Vec<Stroke> {
    let mut out = Vec::new();
    for (place, from) in stands(frame, rng) {
        let straight = balls_and_pockets(frame)
            .step_by(frame.table().pockets.len())
            .map(|(ball, _)| angle_of(ball - from));
        let any = (0..KICKS).map(|_| (rng.next_u64() >> 32) as u32);
        let angles: Vec<u32> = straight.chain(any).collect();
        for angle in angles {
            for power in skill.powers {
                let shot = shot(frame.table(), angle, *power, 0);
                out.extend(checked(frame, stroke(frame, place, Some(0), shot)));
            }
        }
        if out.len() >= KICKS_MAX {
            break;
        }
    }
    out
}

/// What a stroke brings.
fn outcome(frame: &Frame, stroke: &Stroke, skill: &Skill) -> f64 {
    let mut next = frame.clone();
    let Ok(Some(verdict)) = next.apply(Turn::Stroke(*stroke)) else {
        return -2_000.0;
    };
    if let Some(end) = next.course().end {
        return match end.winner {
            Some(winner) if winner == frame.player() => 1_000.0,
            Some(_) => -1_000.0,
            None => 0.0,
        };
    }
    let ease = if skill.position > 0.0 {
        skill.position * best_ease(&next)
    } else {
        0.0
    };
    if verdict.ruling > 0 {
        return -60.0 - ease;
    }
    let balls = 5.0 * verdict.pocketed.len() as f64;
    if next.player() == frame.player() {
        40.0 + balls + ease
    } else {
        -ease
    }
}

/// How easy the easiest shot of the player is who comes next.
fn best_ease(frame: &Frame) -> f64 {
    if frame.hand() != Hand::No {
        return 1.0;
    }
    let Some(at) = frame.state().place(CUE).position() else {
        return 1.0;
    };
    let aims = aims_from(frame, None, at);
    aims.iter().map(|aim| aim.ease).fold(0.0, f64::max)
}

/// The stroke, with a call only where one is wanted.
fn stroke(frame: &Frame, place: Option<(i32, i32)>, pocket: Option<u8>, shot: Shot) -> Stroke {
    let call = pocket.filter(|_| frame.is_black_on());
    Stroke { place, call, shot }
}

fn checked(frame: &Frame, stroke: Stroke) -> Option<Stroke> {
    frame.check(&stroke).is_ok().then_some(stroke)
}

fn shot(table: &Table, angle: u32, power: u16, height: i16) -> Shot {
    Shot {
        table: table.version,
        body: CUE,
        angle,
        power,
        side: 0,
        height,
    }
}

fn hole(table: &Table, pocket: u8) -> Vec2 {
    match &table.pockets[usize::from(pocket)].mouth {
        Mouth::Hole { centre, .. } => *centre,
        Mouth::Gate { from, .. } => *from,
    }
}

fn units(at: Vec2) -> (i32, i32) {
    match Place::at(at) {
        Place::On { x, y } => (x, y),
        Place::Pocket(_) | Place::Off => (0, 0),
    }
}

/// From −1 to 1.
fn spread(rng: &mut Rng) -> f64 {
    f64::from(2.0 * rng.unit_f32() - 1.0)
}

/// Cosine of the thinnest cut that is tried.
const CUT_MIN: f64 = 0.25;
/// Sine of the flattest way into a side pocket.
const SIDE_ENTRY_MIN: f64 = 0.6;
const RANDOM_STANDS: usize = 12;
const KICKS: usize = 24;
const KICKS_MAX: usize = 120;
