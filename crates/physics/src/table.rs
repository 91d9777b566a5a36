//! What a shot is played on: walls, pockets, kinds of bodies and what they are made of.

use alloc::vec::Vec;

use crate::outline::{Corner, walls_of};
use crate::vector::{Bounds, Vec2};

/// A table: its geometry, materials and the kinds of bodies on it.
///
/// Two tables of the same version are equal. Nothing of a table changes during a game.
#[derive(Clone, Debug)]
pub struct Table {
    /// Names geometry and materials for ever: a shot carries it, so that no two sides simulate on different tables.
    pub version: u16,
    /// Long and short side of the playing area, in metres; its low corner is the origin.
    pub size: Vec2,
    /// The closed outline of the surface, with its inside to the left.
    pub walls: Vec<Wall>,
    /// Where bodies leave the table, by number.
    pub pockets: Vec<Pocket>,
    /// Kinds of bodies, by number.
    pub kinds: Vec<Kind>,
    /// How bodies and walls meet.
    pub materials: Materials,
    /// How a body is set in motion.
    pub striker: Striker,
    pub(crate) outline: Vec<Vec2>,
}

impl Table {
    /// A table with this closed outline, which goes around its inside to the left; without pockets, kinds of bodies and
    /// version, and with the materials of a pool table. Its fields take the rest.
    ///
    /// # Panics
    /// With fewer than three corners, sides shorter than what rounding takes from them, or a corner that juts into the
    /// inside and is not rounded.
    #[must_use]
    pub fn new(corners: &[Corner]) -> Self {
        assert!(corners.len() >= 3, "too few corners");
        Self {
            version: 0,
            size: Vec2::ZERO,
            walls: walls_of(corners),
            pockets: Vec::new(),
            kinds: Vec::new(),
            materials: Materials::POOL,
            striker: Striker::Flick { speed_max: 0.0 },
            outline: corners.iter().map(|corner| corner.at).collect(),
        }
    }

    /// Whether a body of this radius fits at `at`: inside the outline, clear of walls and of what would take it.
    /// Touching within `slack` metres is clear.
    pub(crate) fn holds(&self, kind: u8, at: Vec2, slack: f64) -> bool {
        let radius = self.kinds[usize::from(kind)].radius;
        let clear = |wall: &Wall| wall.distance(at) >= radius - slack;
        let taken = |pocket: &Pocket| pocket.takes(kind) && pocket.has(at, radius);
        self.is_inside(at) && self.walls.iter().all(clear) && !self.pockets.iter().any(taken)
    }

    /// Whether the point lies inside the outline, its corners taken as sharp.
    fn is_inside(&self, at: Vec2) -> bool {
        let mut inside = false;
        let mut from = self.outline[self.outline.len() - 1];
        for to in &self.outline {
            if (from.y > at.y) != (to.y > at.y) {
                let x = from.x + (to.x - from.x) * ((at.y - from.y) / (to.y - from.y));
                inside ^= at.x < x;
            }
            from = *to;
        }
        inside
    }
}

/// A piece of the outline.
#[derive(Clone, Debug)]
pub struct Wall {
    /// Where it is.
    pub shape: Shape,
    /// The cushion that it is part of; 255 for what no rule counts, the back of a pocket for one.
    pub cushion: u8,
    pub(crate) bounds: Bounds,
}

/// The shape of a wall.
#[derive(Clone, Debug)]
pub enum Shape {
    /// Straight.
    Line {
        /// Its first end.
        from: Vec2,
        /// The unit vector to its other end. The inside of the table lies to its left.
        along: Vec2,
        /// Its length in metres.
        length: f64,
    },
    /// Part of a circle, less than half of it.
    Arc {
        /// The circle's centre.
        centre: Vec2,
        /// Its radius in metres.
        radius: f64,
        /// The unit vector from the centre to its first end; the arc goes on to the left.
        from: Vec2,
        /// The unit vector from the centre to its other end.
        to: Vec2,
        /// Whether the inside of the table is inside the circle, as in a rounded corner.
        is_hollow: bool,
    },
}

impl Wall {
    /// How far the point is from the nearest point of this wall, in metres.
    pub(crate) fn distance(&self, at: Vec2) -> f64 {
        match &self.shape {
            Shape::Line {
                from,
                along,
                length,
            } => {
                let offset = at - *from;
                let reach = offset.dot(*along);
                if reach < 0.0 {
                    offset.length()
                } else if reach > *length {
                    (offset - *along * *length).length()
                } else {
                    let height = offset.dot(along.left());
                    if height < 0.0 { -height } else { height }
                }
            }
            Shape::Arc {
                centre,
                radius,
                from,
                to,
                ..
            } => {
                let offset = at - *centre;
                if from.cross(offset) >= 0.0 && offset.cross(*to) >= 0.0 {
                    let gap = offset.length() - radius;
                    return if gap < 0.0 { -gap } else { gap };
                }
                let first = (offset - *from * *radius).length();
                let second = (offset - *to * *radius).length();
                if second < first { second } else { first }
            }
        }
    }

    /// Of the path of a body along the inside of a hollow wall, in 1/m; 0 along any other.
    pub(crate) fn curvature(&self, body_radius: f64) -> f64 {
        match &self.shape {
            Shape::Arc {
                radius,
                is_hollow: true,
                ..
            } => 1.0 / (radius - body_radius),
            Shape::Line { .. } | Shape::Arc { .. } => 0.0,
        }
    }

    /// The unit vector that points from the wall to a body that touches it.
    pub(crate) fn normal(&self, at: Vec2) -> Vec2 {
        match &self.shape {
            Shape::Line { along, .. } => along.left(),
            Shape::Arc {
                centre, is_hollow, ..
            } => {
                let out = (at - *centre).unit();
                if *is_hollow { -out } else { out }
            }
        }
    }
}

/// Where bodies leave the table.
#[derive(Clone, Debug)]
pub struct Pocket {
    /// Its shape.
    pub mouth: Mouth,
    /// The kinds of bodies that it takes, a bit each, the lowest for kind 0; others pass over it.
    pub kinds: u8,
}

/// What takes a body.
#[derive(Clone, Debug)]
pub enum Mouth {
    /// A hole: it takes a body whose centre comes over it.
    Hole {
        /// Its centre.
        centre: Vec2,
        /// Its radius in metres.
        radius: f64,
    },
    /// A line: it takes a body that has wholly crossed it.
    Gate {
        /// One end.
        from: Vec2,
        /// The unit vector to the other end. Bodies come from its left.
        along: Vec2,
        /// Its length in metres.
        length: f64,
    },
}

impl Pocket {
    pub(crate) fn takes(&self, kind: u8) -> bool {
        self.kinds >> kind & 1 == 1
    }

    /// Whether a body there would be taken.
    pub(crate) fn has(&self, at: Vec2, body_radius: f64) -> bool {
        match &self.mouth {
            Mouth::Hole { centre, radius } => (at - *centre).length() <= *radius,
            Mouth::Gate {
                from,
                along,
                length,
            } => {
                let offset = at - *from;
                let reach = offset.dot(*along);
                let is_between = reach >= 0.0 && reach <= *length;
                is_between && along.cross(offset) <= -body_radius
            }
        }
    }

    /// Where a body that it took is shown.
    pub(crate) fn middle(&self) -> Vec2 {
        match &self.mouth {
            Mouth::Hole { centre, .. } => *centre,
            Mouth::Gate {
                from,
                along,
                length,
            } => *from + *along * (0.5 * length),
        }
    }
}

/// A kind of body: all balls of a pool table are of one kind, the discs of table soccer of another than its ball.
#[derive(Clone, Debug)]
pub struct Kind {
    /// In metres.
    pub radius: f64,
    /// In kilograms.
    pub mass: f64,
    /// What it does on the surface.
    pub surface: Surface,
}

/// How a body moves on the surface. The gravity is [`Materials::gravity`].
#[derive(Clone, Debug)]
pub enum Surface {
    /// A ball, which slides until it rolls.
    Ball {
        /// Coefficient of sliding friction.
        sliding: f64,
        /// Coefficient of rolling resistance.
        rolling: f64,
        /// Loss of spin about the vertical, in rad/s².
        spinning: f64,
    },
    /// A flat disc, which slides until it stops.
    Disc {
        /// Coefficient of sliding friction.
        sliding: f64,
        /// Loss of spin about the vertical, in rad/s².
        spinning: f64,
    },
}

impl Kind {
    /// m r² over the moment of inertia: 5/2 for a ball, 2 for a disc.
    pub(crate) fn stiffness(&self) -> f64 {
        match self.surface {
            Surface::Ball { .. } => 2.5,
            Surface::Disc { .. } => 2.0,
        }
    }

    pub(crate) fn is_ball(&self) -> bool {
        matches!(self.surface, Surface::Ball { .. })
    }

    /// Translation and rotation, in joules.
    #[inline(never)]
    pub(crate) fn energy(&self, velocity: Vec2, spin: [f64; 3]) -> f64 {
        let [x, y, z] = spin;
        let turning = self.radius * self.radius * (x * x + y * y + z * z) / self.stiffness();
        0.5 * self.mass * (velocity.dot(velocity) + turning)
    }
}

/// How bodies and walls meet.
#[derive(Clone, Debug)]
pub struct Materials {
    /// In m/s².
    pub gravity: f64,
    /// Restitution between two bodies, `0.0..=1.0`.
    pub body_restitution: f64,
    /// Friction between two bodies at the slip speed v m/s: `floor + rise · e^(−fall · v)`.
    pub body_friction: Friction,
    /// Restitution at a wall, `0.0..=1.0`.
    pub wall_restitution: f64,
    /// Coefficient of friction at a wall.
    pub wall_friction: f64,
    /// The sine of the angle at which a wall's nose meets a ball above its middle: height over radius, less 1.
    pub nose_sine: f64,
}

/// Friction that falls with the speed of slip.
#[derive(Clone, Debug)]
pub struct Friction {
    /// What is left at high speed.
    pub floor: f64,
    /// How much more it is at rest.
    pub rise: f64,
    /// How fast that goes, in s/m.
    pub fall: f64,
}

impl Materials {
    /// Phenolic balls on cloth, cushions 63.5 % of a ball high. `docs/physics.md` has the source of each.
    pub const POOL: Self = Self {
        gravity: 9.81,
        body_restitution: 0.95,
        body_friction: Friction {
            floor: 9.951e-3,
            rise: 0.108,
            fall: 1.088,
        },
        wall_restitution: 0.85,
        wall_friction: 0.2,
        nose_sine: 0.27,
    };
}

/// How a body is set in motion.
#[derive(Clone, Debug)]
pub enum Striker {
    /// A level cue, which may strike beside the middle.
    Cue {
        /// Its speed at full power, in m/s.
        speed_max: f64,
        /// Its mass in kilograms.
        mass: f64,
        /// Restitution of its tip.
        restitution: f64,
        /// How far from the middle it may strike, as a part of the ball's radius.
        offset_max: f64,
    },
    /// The body itself gets the speed, through its middle.
    Flick {
        /// At full power, in m/s.
        speed_max: f64,
    },
}
