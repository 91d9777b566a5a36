//! Pool tables and their racks.

use alloc::vec::Vec;

use crate::chance::Chance;
use crate::outline::Corner;
use crate::state::{Body, Place, State};
use crate::table::{Kind, Materials, Mouth, Pocket, Striker, Surface, Table};
use crate::vector::Vec2;

/// Common sizes of pool tables, by the name players give them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PoolSize {
    /// 78 × 39 inches between the cushions.
    SevenFoot,
    /// 88 × 44 inches.
    EightFoot,
    /// 100 × 50 inches.
    NineFoot,
}

/// Bodies of eight-ball: the cue ball is 0, and each other has its number.
pub const EIGHT_BALLS: usize = 16;
/// Bodies of nine-ball: the cue ball is 0, and each other has its number.
pub const NINE_BALLS: usize = 10;

impl Table {
    /// A pool table: six cushions, numbered from the low long side to the left around; pocket 0 lies at the origin, the
    /// others follow the same way, so that 1 and 4 are the side pockets.
    ///
    /// Source of the measures: WPA, "Equipment specifications"; where it gives a range, a value in it.
    #[must_use]
    pub fn pool(size: PoolSize) -> Self {
        let (version, length) = match size {
            PoolSize::SevenFoot => (1, 78.0 * INCH),
            PoolSize::EightFoot => (2, 88.0 * INCH),
            PoolSize::NineFoot => (3, 100.0 * INCH),
        };
        let size = Vec2::new(length, 0.5 * length);
        let mut table = Self::new(&corners(size));
        table.version = version;
        table.size = size;
        table.pockets = pockets(size);
        table.kinds.push(Kind {
            radius: BALL_RADIUS,
            mass: 0.17,
            surface: Surface::Ball {
                sliding: 0.2,
                rolling: 0.01,
                spinning: 10.0,
            },
        });
        table.materials = Materials::POOL;
        table.striker = Striker::Cue {
            speed_max: 8.2,
            mass: 0.54,
            restitution: 0.75,
            offset_max: 0.5,
        };
        table
    }

    /// Where the cue ball starts: the middle of the head string.
    #[must_use]
    pub fn head_spot(&self) -> Vec2 {
        Vec2::new(0.25 * self.size.x, 0.5 * self.size.y)
    }

    /// Where the first ball of a rack lies.
    #[must_use]
    pub fn foot_spot(&self) -> Vec2 {
        Vec2::new(0.75 * self.size.x, 0.5 * self.size.y)
    }
}

impl State {
    /// The rack of eight-ball: the black in the middle, one ball of each group in the corners behind, the others as the
    /// seed has it. Each ball lies up to 0.05 mm off its place, so that no two breaks are alike.
    #[must_use]
    pub fn eight_ball(table: &Table, seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let mut balls = [1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, BLACK];
        chance.shuffle(&mut balls[..14]);
        balls.swap(BLACK_INDEX, 14);
        // The last row begins at 10.
        let is_solid = |ball: u8| ball < BLACK;
        if is_solid(balls[10]) == is_solid(balls[14]) {
            let wanted: fn(u8) -> bool = if is_solid(balls[14]) {
                |ball| ball > BLACK
            } else {
                |ball| ball < BLACK
            };
            bring(&mut balls, 10, wanted);
        }
        rack(table, &balls, &[1, 2, 3, 4, 5], &mut chance)
    }

    /// The rack of nine-ball: the one in front, the nine in the middle, the others as the seed has it, each up to
    /// 0.05 mm off its place.
    #[must_use]
    pub fn nine_ball(table: &Table, seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let mut balls = [1, 2, 3, 4, 9, 5, 6, 7, 8];
        chance.shuffle(&mut balls[1..]);
        bring(&mut balls, 4, |ball| ball == 9);
        rack(table, &balls, &[1, 2, 3, 2, 1], &mut chance)
    }
}

/// Swaps the first ball that is wanted to `index`.
#[inline(never)]
fn bring(balls: &mut [u8], index: usize, is_wanted: fn(u8) -> bool) {
    if let Some(found) = balls.iter().position(|ball| is_wanted(*ball)) {
        balls.swap(index, found);
    }
}

fn rack(table: &Table, balls: &[u8], rows: &[u8], chance: &mut Chance) -> State {
    let mut bodies = Vec::with_capacity(balls.len() + 1);
    bodies.resize(balls.len() + 1, Body::new(0, Place::at(table.head_spot())));
    let mut next = balls.iter();
    for (row, count) in rows.iter().enumerate() {
        for column in 0..*count {
            let Some(ball) = next.next() else { continue };
            let offset = Vec2::new(
                row as f64 * SQRT_3_HALF,
                f64::from(column) - 0.5 * f64::from(count - 1),
            );
            let mut off = || (f64::from(chance.below(2_001)) - 1_000.0) * (OFF_PLACE_MAX / 1_000.0);
            let nudge = Vec2::new(off(), off());
            let spot = table.foot_spot() + offset * SPACING + nudge;
            bodies[usize::from(*ball)].place = Place::at(spot);
        }
    }
    State::new(bodies)
}

fn corners(size: Vec2) -> Vec<Corner> {
    // A cushion for each of the six gaps between pockets: its two noses, and whether the pocket at each is a side one.
    let c = CORNER_MOUTH * SQRT_HALF;
    let s = 0.5 * SIDE_MOUTH;
    let (x, y) = (size.x, size.y);
    let middle = 0.5 * x;
    let noses = [
        ((c, 0.0), (middle - s, 0.0), &CORNER, &SIDE),
        ((middle + s, 0.0), (x - c, 0.0), &SIDE, &CORNER),
        ((x, c), (x, y - c), &CORNER, &CORNER),
        ((x - c, y), (middle + s, y), &CORNER, &SIDE),
        ((middle - s, y), (c, y), &SIDE, &CORNER),
        ((0.0, y - c), (0.0, c), &CORNER, &CORNER),
    ];
    let mut out = Vec::with_capacity(24);
    for (cushion, (first, second, before, after)) in (0..).zip(noses) {
        let first = Vec2::new(first.0, first.1);
        let second = Vec2::new(second.0, second.1);
        let along = (second - first).unit();
        let out_of_play = -along.left();
        let facing = |jaw: &Jaw, along: Vec2| (along * jaw.cos + out_of_play * jaw.sin) * jaw.depth;
        let corner = |at, radius, cushion| Corner {
            at,
            radius,
            cushion,
        };
        out.extend_from_slice(&[
            corner(first + facing(before, -along), 0.0, cushion),
            corner(first, NOSE_RADIUS, cushion),
            corner(second, NOSE_RADIUS, cushion),
            corner(second + facing(after, along), 0.0, u8::MAX),
        ]);
    }
    out
}

fn pockets(size: Vec2) -> Vec<Pocket> {
    // From the middle of a corner's mouth outwards along the diagonal, to the hole's middle.
    let mouth = 0.5 * CORNER_MOUTH * SQRT_HALF;
    let corner = (CORNER_SHELF + HOLE_RADIUS) * SQRT_HALF - mouth;
    let side = SIDE_SHELF + HOLE_RADIUS;
    let (x, y) = (size.x, size.y);
    let centres = [
        (-corner, -corner),
        (0.5 * x, -side),
        (x + corner, -corner),
        (x + corner, y + corner),
        (0.5 * x, y + side),
        (-corner, y + corner),
    ];
    let pocket = |(x, y)| Pocket {
        mouth: Mouth::Hole {
            centre: Vec2::new(x, y),
            radius: HOLE_RADIUS,
        },
        kinds: 1,
    };
    centres.map(pocket).into()
}

/// How a cushion turns into a pocket: cosine and sine of that angle, and the length of the facing.
struct Jaw {
    cos: f64,
    sin: f64,
    depth: f64,
}

/// 142° between cushion and facing.
static CORNER: Jaw = Jaw {
    cos: 0.788_010_753_606_722,
    sin: 0.615_661_475_325_658_3,
    depth: 0.09,
};
/// 104° between cushion and facing.
static SIDE: Jaw = Jaw {
    cos: 0.241_921_895_599_667_73,
    sin: 0.970_295_726_275_996_5,
    depth: 0.07,
};
const INCH: f64 = 0.0254;
const BALL_RADIUS: f64 = 1.125 * INCH;
const CORNER_MOUTH: f64 = 4.5625 * INCH;
const SIDE_MOUTH: f64 = 5.0625 * INCH;
const CORNER_SHELF: f64 = 1.5 * INCH;
const SIDE_SHELF: f64 = 0.1875 * INCH;
const HOLE_RADIUS: f64 = 0.06;
const NOSE_RADIUS: f64 = 0.008;
/// Between the middles of two balls of a rack: a diameter and what two balls may lie off their places.
const SPACING: f64 = 2.0 * BALL_RADIUS + 3.0 * OFF_PLACE_MAX;
const OFF_PLACE_MAX: f64 = 0.000_05;
const SQRT_HALF: f64 = core::f64::consts::FRAC_1_SQRT_2;
const SQRT_3_HALF: f64 = 0.866_025_403_784_438_6;
const BLACK: u8 = 8;
/// The middle of the third row.
const BLACK_INDEX: usize = 4;
