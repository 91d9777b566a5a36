//! From corners to walls: a polygon with each corner rounded.

use alloc::vec::Vec;

use crate::table::{Shape, Wall};
use crate::vector::{Bounds, Vec2};

/// A corner of a table's outline.
#[derive(Clone, Copy, Debug)]
pub struct Corner {
    /// Where the sides would meet if the corner were sharp.
    pub at: Vec2,
    /// The radius it is rounded with, in metres. A corner that juts into the inside needs one above zero.
    pub radius: f64,
    /// The number of the cushion that the corner and the side after it belong to; 255 for none.
    pub cushion: u8,
}

/// The walls of a closed outline: for each corner its arc, if it has one, then the side that follows.
pub(crate) fn walls_of(corners: &[Corner]) -> Vec<Wall> {
    let count = corners.len();
    let at = |index: usize| &corners[index % count];
    let mut out = Vec::with_capacity(2 * count);
    for index in 0..count {
        let (corner, next) = (at(index), at(index + 1));
        let round = Round::new(at(index + count - 1).at, corner, next.at);
        out.extend(round.arc(corner.cushion));
        let from = round.centre + round.leaving.left() * -round.side;
        let end = Round::new(corner.at, next, at(index + 2).at);
        let to = end.centre + end.arriving.left() * -end.side;
        let length = (to - from).dot(round.leaving);
        assert!(length > 0.0, "corners overlap");
        out.push(Wall {
            bounds: Bounds::of(&[from, to]),
            cushion: corner.cushion,
            shape: Shape::Line {
                from,
                along: round.leaving,
                length,
            },
        });
    }
    out
}

/// A corner between its two sides, rounded.
struct Round {
    /// The directions of the sides.
    arriving: Vec2,
    leaving: Vec2,
    /// The middle of the circle that rounds it; the corner itself if it is sharp.
    centre: Vec2,
    /// How far the circle's middle is to the left of both sides: its radius, negative where the corner juts in.
    side: f64,
}

impl Round {
    #[inline(never)]
    fn new(before: Vec2, corner: &Corner, after: Vec2) -> Self {
        let arriving = (corner.at - before).unit();
        let leaving = (after - corner.at).unit();
        let turn = arriving.cross(leaving);
        let side = if turn > 0.0 {
            corner.radius
        } else {
            -corner.radius
        };
        // What rounding takes from each side is r · tan(turn / 2).
        let cut = side * turn / (1.0 + arriving.dot(leaving));
        Self {
            arriving,
            leaving,
            centre: corner.at - arriving * cut + arriving.left() * side,
            side,
        }
    }

    fn arc(&self, cushion: u8) -> Option<Wall> {
        let is_hollow = self.arriving.cross(self.leaving) > 0.0;
        let (radius, from, to) = if is_hollow {
            (self.side, -self.arriving.left(), -self.leaving.left())
        } else {
            (-self.side, self.leaving.left(), self.arriving.left())
        };
        if radius <= 0.0 {
            assert!(is_hollow, "a sharp corner juts in");
            return None;
        }
        Some(Wall {
            // A box around the whole circle: too large, which only costs a search now and then.
            bounds: Bounds::of(&[self.centre]).grown(radius),
            cushion,
            shape: Shape::Arc {
                centre: self.centre,
                radius,
                from,
                to,
                is_hollow,
            },
        })
    }
}
