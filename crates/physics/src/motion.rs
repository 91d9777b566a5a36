//! How a body moves until the next event: a quadratic in time.

use crate::table::{Kind, Materials, Surface};
use crate::vector::{Bounds, Vec2};

/// One phase of a body's motion, valid from `start` to `end`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Motion {
    /// Seconds since the shot.
    pub(crate) start: f64,
    /// When the phase ends by itself; infinite at rest.
    pub(crate) end: f64,
    pub(crate) at: Vec2,
    pub(crate) velocity: Vec2,
    pub(crate) acceleration: Vec2,
    /// In rad/s; the third is about the vertical.
    pub(crate) spin: [f64; 3],
    /// Of the first two.
    pub(crate) spin_change: Vec2,
    /// How fast the third goes to zero, in rad/s².
    pub(crate) spin_loss: f64,
    /// Whether a ball rolls when the phase ends; else it rests.
    pub(crate) is_sliding: bool,
}

/// Position, velocity and spin at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) at: Vec2,
    pub(crate) velocity: Vec2,
    pub(crate) spin: [f64; 3],
}

impl Motion {
    pub(crate) fn at_rest(start: f64, at: Vec2) -> Self {
        Self {
            start,
            end: f64::INFINITY,
            at,
            velocity: Vec2::ZERO,
            acceleration: Vec2::ZERO,
            spin: [0.0; 3],
            spin_change: Vec2::ZERO,
            spin_loss: 0.0,
            is_sliding: false,
        }
    }

    /// What a body does from this moment on.
    ///
    /// A ball slides while its lowest point slips: friction pushes it against the slip, whose direction never changes
    /// and whose speed falls by 7/2 μ g. Then it rolls until it stops. A disc slides until it stops.
    pub(crate) fn new(materials: &Materials, kind: &Kind, start: f64, from: Moment) -> Self {
        let mut out = Self {
            velocity: from.velocity,
            spin: from.spin,
            ..Self::at_rest(start, from.at)
        };
        let gravity = materials.gravity;
        let drag = match kind.surface {
            Surface::Ball {
                sliding,
                rolling,
                spinning,
            } => {
                out.spin_loss = spinning;
                let slip = slip(kind, &from);
                let speed = slip.length();
                if speed > SLIP_MIN {
                    out.is_sliding = true;
                    let friction = slip * (-sliding * gravity / speed);
                    out.acceleration = friction;
                    // The torque of the friction about the middle, r × F over the moment of inertia.
                    out.spin_change = friction.left() * (-kind.stiffness() / kind.radius);
                    out.end = start + speed / ((1.0 + kind.stiffness()) * sliding * gravity);
                    return out;
                }
                rolling * gravity
            }
            Surface::Disc { sliding, spinning } => {
                out.spin_loss = spinning;
                sliding * gravity
            }
        };
        let speed = from.velocity.length();
        if speed <= SPEED_MIN {
            out.velocity = Vec2::ZERO;
            out.spin = [0.0, 0.0, from.spin[2]];
            return out;
        }
        if kind.is_ball() {
            let roll = from.velocity.left() * (1.0 / kind.radius);
            out.spin = [roll.x, roll.y, from.spin[2]];
        }
        out.acceleration = from.velocity * (-drag / speed);
        out.spin_change = if kind.is_ball() {
            out.acceleration.left() * (1.0 / kind.radius)
        } else {
            Vec2::ZERO
        };
        out.end = start + speed / drag;
        out
    }

    pub(crate) fn is_rest(&self) -> bool {
        self.end == f64::INFINITY
    }

    /// The phase that follows when this one ends by itself.
    pub(crate) fn next(&self, materials: &Materials, kind: &Kind) -> Self {
        let mut moment = self.moment(self.end);
        if self.is_sliding {
            let roll = moment.velocity.left() * (1.0 / kind.radius);
            moment.spin = [roll.x, roll.y, moment.spin[2]];
        } else {
            moment.velocity = Vec2::ZERO;
            moment.spin = [0.0, 0.0, moment.spin[2]];
        }
        Self::new(materials, kind, self.end, moment)
    }

    pub(crate) fn moment(&self, time: f64) -> Moment {
        let t = time - self.start;
        let [x, y, z] = self.spin;
        let lost = self.spin_loss * t;
        let z = if z > lost {
            z - lost
        } else if z < -lost {
            z + lost
        } else {
            0.0
        };
        Moment {
            at: self.at + (self.velocity + self.acceleration * (0.5 * t)) * t,
            velocity: self.velocity + self.acceleration * t,
            spin: [x + self.spin_change.x * t, y + self.spin_change.y * t, z],
        }
    }

    /// A box around all positions from `start` to `time`.
    pub(crate) fn bounds(&self, time: f64) -> Bounds {
        let t = time - self.start;
        let (begin, end) = (self.at, self.moment(time).at);
        // Where a part of the velocity changes its sign, that part of the position turns.
        let turn = |at: f64, velocity: f64, acceleration: f64, otherwise: f64| {
            let when = -velocity / acceleration;
            if when > 0.0 && when < t {
                at + 0.5 * velocity * when
            } else {
                otherwise
            }
        };
        let turning = Vec2::new(
            turn(begin.x, self.velocity.x, self.acceleration.x, end.x),
            turn(begin.y, self.velocity.y, self.acceleration.y, end.y),
        );
        Bounds::of(&[begin, end, turning])
    }
}

/// The velocity of the lowest point of a ball.
pub(crate) fn slip(kind: &Kind, moment: &Moment) -> Vec2 {
    let [x, y, _] = moment.spin;
    moment.velocity + Vec2::new(-y, x) * kind.radius
}

/// In m/s: below it a ball counts as rolling.
const SLIP_MIN: f64 = 1e-9;
/// In m/s: below it a body counts as resting. A ball at that speed rolls for 5 · 10⁻¹⁰ m.
const SPEED_MIN: f64 = 1e-5;
