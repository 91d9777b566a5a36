//! When a body will meet a wall, a pocket or another body.

use crate::motion::Motion;
use crate::roots::{Quartic, first_fall, value};
use crate::table::{Kind, Mouth, Pocket, Shape, Table, Wall};
use crate::vector::{Bounds, Vec2};

/// What ends the phase of a body without another body.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Own {
    /// Sliding turns to rolling, or rolling to rest.
    Phase,
    Wall(usize),
    Pocket(usize),
}

/// The next event of one body alone: when, and what. Infinite for a body at rest.
pub(crate) fn alone(table: &Table, kind_index: u8, motion: &Motion) -> (f64, Own) {
    let mut best = (motion.end, Own::Phase);
    if motion.is_rest() {
        return best;
    }
    let kind = &table.kinds[usize::from(kind_index)];
    let path = Path::new(motion, motion.start);
    let mut bounds = motion.bounds(best.0).grown(kind.radius);
    for (index, wall) in table.walls.iter().enumerate() {
        if !wall.bounds.meets(&bounds) {
            continue;
        }
        if let Some(after) = path.wall(wall, kind, best.0 - motion.start) {
            best = (motion.start + after, Own::Wall(index));
            bounds = motion.bounds(best.0).grown(kind.radius);
        }
    }
    for (index, pocket) in table.pockets.iter().enumerate() {
        if !pocket.takes(kind_index) || !pocket.bounds().meets(&bounds) {
            continue;
        }
        if let Some(after) = path.pocket(pocket, kind, best.0 - motion.start) {
            best = (motion.start + after, Own::Pocket(index));
            bounds = motion.bounds(best.0).grown(kind.radius);
        }
    }
    best
}

/// When two bodies meet after `now` and before `end`; infinite if they do not.
pub(crate) fn of_two(now: f64, end: f64, radii: f64, one: &Motion, two: &Motion) -> f64 {
    if end <= now || (one.is_rest() && two.is_rest()) {
        return f64::INFINITY;
    }
    let (one, two) = (Path::new(one, now), Path::new(two, now));
    let between = Path {
        at: one.at - two.at,
        velocity: one.velocity - two.velocity,
        half: one.half - two.half,
    };
    let gap = between.square_gap(Vec2::ZERO, radii);
    first_fall(&gap, end - now, &mut |_| true).map_or(f64::INFINITY, |after| now + after)
}

/// at + velocity · t + half · t².
struct Path {
    at: Vec2,
    velocity: Vec2,
    half: Vec2,
}

impl Path {
    fn new(motion: &Motion, now: f64) -> Self {
        let moment = motion.moment(now);
        Self {
            at: moment.at,
            velocity: moment.velocity,
            half: motion.acceleration * 0.5,
        }
    }

    fn position(&self, t: f64) -> Vec2 {
        self.at + (self.velocity + self.half * t) * t
    }

    /// The square of the distance from a point, less that of `reach`.
    fn square_gap(&self, from: Vec2, reach: f64) -> Quartic {
        let offset = self.at - from;
        [
            offset.dot(offset) - reach * reach,
            2.0 * offset.dot(self.velocity),
            self.velocity.dot(self.velocity) + 2.0 * offset.dot(self.half),
            2.0 * self.velocity.dot(self.half),
            self.half.dot(self.half),
        ]
    }

    /// The height above a line.
    fn height(&self, from: Vec2, up: Vec2, less: f64) -> Quartic {
        [
            (self.at - from).dot(up) - less,
            self.velocity.dot(up),
            self.half.dot(up),
            0.0,
            0.0,
        ]
    }

    fn wall(&self, wall: &Wall, kind: &Kind, end: f64) -> Option<f64> {
        match &wall.shape {
            Shape::Line {
                from,
                along,
                length,
            } => {
                let gap = self.height(*from, along.left(), kind.radius);
                first_fall(&gap, end, &mut |t| {
                    let reach = (self.position(t) - *from).dot(*along);
                    let is_beside = reach >= -SEAM && reach <= length + SEAM;
                    is_beside && value(&gap, t) > -0.5 * kind.radius
                })
            }
            Shape::Arc {
                centre,
                radius,
                from,
                to,
                is_hollow,
            } => {
                let reach = if *is_hollow {
                    radius - kind.radius
                } else {
                    radius + kind.radius
                };
                // A body larger than the corner touches both sides before the arc.
                if reach <= 0.0 {
                    return None;
                }
                let mut gap = self.square_gap(*centre, reach);
                if *is_hollow {
                    gap = gap.map(|part| -part);
                }
                first_fall(&gap, end, &mut |t| {
                    let out = self.position(t) - *centre;
                    let is_beside = from.cross(out) >= -SEAM && out.cross(*to) >= -SEAM;
                    is_beside && value(&gap, t) > -0.5 * kind.radius * reach
                })
            }
        }
    }

    fn pocket(&self, pocket: &Pocket, kind: &Kind, end: f64) -> Option<f64> {
        match &pocket.mouth {
            Mouth::Hole { centre, radius } => {
                first_fall(&self.square_gap(*centre, *radius), end, &mut |_| true)
            }
            Mouth::Gate {
                from,
                along,
                length,
            } => {
                let gap = self.height(*from, along.left(), -kind.radius);
                first_fall(&gap, end, &mut |t| {
                    let reach = (self.position(t) - *from).dot(*along);
                    reach >= 0.0 && reach <= *length
                })
            }
        }
    }
}

impl Pocket {
    fn bounds(&self) -> Bounds {
        match &self.mouth {
            Mouth::Hole { centre, radius } => Bounds::of(&[*centre]).grown(*radius),
            Mouth::Gate {
                from,
                along,
                length,
            } => Bounds::of(&[*from, *from + *along * *length]),
        }
    }
}

/// In metres: how far walls reach beyond their ends, so that rounding leaves no seam between two of them.
const SEAM: f64 = 1e-9;
