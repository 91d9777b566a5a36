//! The pitch of table soccer.

use alloc::vec;

use crate::outline::Corner;
use crate::state::{Body, Place, State};
use crate::table::{Friction, Kind, Materials, Mouth, Pocket, Striker, Surface, Table};
use crate::vector::Vec2;

/// Discs of a team.
pub const SOCCER_TEAM: usize = 5;
/// Bodies on a pitch: the ball is 0, then come the discs of the team that defends the low end, then the others.
pub const SOCCER_BODIES: usize = 2 * SOCCER_TEAM + 1;

impl Table {
    /// The pitch of table soccer: kind 0 is the ball, kind 1 a disc. Pocket 0 is the goal at the low end of `x`,
    /// pocket 1 the other; both take the ball only, and discs that slide into a goal stay on the pitch.
    ///
    /// Measures and materials are ours: it is a game, and no sport has a rule for them.
    #[must_use]
    pub fn soccer() -> Self {
        let mut table = Self::new(&CORNERS);
        table.version = 101;
        table.size = PITCH;
        let gate = |x, y, along_y| Pocket {
            mouth: Mouth::Gate {
                from: Vec2::new(x, y),
                along: Vec2::new(0.0, along_y),
                length: GOAL_WIDTH,
            },
            kinds: 1,
        };
        let middle = 0.5 * PITCH.y;
        table.pockets = [
            gate(0.0, middle + 0.5 * GOAL_WIDTH, -1.0),
            gate(PITCH.x, middle - 0.5 * GOAL_WIDTH, 1.0),
        ]
        .into();
        let disc = |radius, mass, sliding| Kind {
            radius,
            mass,
            surface: Surface::Disc {
                sliding,
                spinning: 12.0,
            },
        };
        table.kinds = [disc(BALL_RADIUS, 0.04, 0.045), disc(DISC_RADIUS, 0.1, 0.12)].into();
        table.materials = Materials {
            gravity: 9.81,
            body_restitution: 0.9,
            body_friction: Friction {
                floor: 0.08,
                rise: 0.0,
                fall: 0.0,
            },
            wall_restitution: 0.75,
            wall_friction: 0.1,
            nose_sine: 0.0,
        };
        table.striker = Striker::Flick { speed_max: 4.5 };
        table
    }
}

impl State {
    /// The kick-off: the ball in the middle, each team as `formation` has it, as seen by the team that defends the low
    /// end; the other stands mirrored at the middle.
    #[must_use]
    pub fn kick_off(table: &Table, formation: &[Vec2; SOCCER_TEAM]) -> Self {
        let mut bodies = vec![Body::new(0, Place::at(table.size * 0.5)); SOCCER_BODIES];
        for (index, body) in bodies.iter_mut().enumerate().skip(1) {
            let spot = formation[(index - 1) % SOCCER_TEAM];
            let is_high = index > SOCCER_TEAM;
            let spot = if is_high { table.size - spot } else { spot };
            *body = Body::new(1, Place::at(spot));
        }
        Self::new(bodies)
    }
}

const PITCH: Vec2 = Vec2::new(2.2, 1.32);
const GOAL_WIDTH: f64 = 0.44;
const GOAL_DEPTH: f64 = 0.17;
const CORNER_RADIUS: f64 = 0.14;
const POST_RADIUS: f64 = 0.012;
const BALL_RADIUS: f64 = 0.033;
const DISC_RADIUS: f64 = 0.055;
/// A formation to begin with: a keeper, two behind, two in front.
pub const TWO_AND_TWO: [Vec2; SOCCER_TEAM] = [
    Vec2::new(0.05 * PITCH.x, 0.5 * PITCH.y),
    Vec2::new(0.2 * PITCH.x, 0.28 * PITCH.y),
    Vec2::new(0.2 * PITCH.x, 0.72 * PITCH.y),
    Vec2::new(0.38 * PITCH.x, 0.36 * PITCH.y),
    Vec2::new(0.38 * PITCH.x, 0.64 * PITCH.y),
];
const LOW: f64 = 0.5 * (PITCH.y - GOAL_WIDTH);
const HIGH: f64 = 0.5 * (PITCH.y + GOAL_WIDTH);
/// The low side, the goal at the far end, the high side, the goal at the near end.
static CORNERS: [Corner; 12] = [
    corner(0.0, 0.0, CORNER_RADIUS, 0),
    corner(PITCH.x, 0.0, CORNER_RADIUS, 1),
    corner(PITCH.x, LOW, POST_RADIUS, 1),
    corner(PITCH.x + GOAL_DEPTH, LOW, 0.0, 2),
    corner(PITCH.x + GOAL_DEPTH, HIGH, 0.0, 2),
    corner(PITCH.x, HIGH, POST_RADIUS, 1),
    corner(PITCH.x, PITCH.y, CORNER_RADIUS, 3),
    corner(0.0, PITCH.y, CORNER_RADIUS, 4),
    corner(0.0, HIGH, POST_RADIUS, 4),
    corner(-GOAL_DEPTH, HIGH, 0.0, 5),
    corner(-GOAL_DEPTH, LOW, 0.0, 5),
    corner(0.0, LOW, POST_RADIUS, 4),
];

const fn corner(x: f64, y: f64, radius: f64, cushion: u8) -> Corner {
    Corner {
        at: Vec2::new(x, y),
        radius,
        cushion,
    }
}
