//! Which cells are in a view, with the hysteresis that keeps them from coming and going; and what in it is urgent.

use crate::cell::EVERYWHERE;
use crate::schema::Squares;
use crate::viewer::View;
use crate::world::World;

/// A cell that a viewer has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Open {
    pub(crate) cell: u32,
    pub(crate) square: u32,
}

impl Open {
    /// How far it is from the middle of the view; what is in no square is nowhere far.
    pub(crate) fn distance(&self, world: &World, view: &View<'_>) -> u32 {
        let squares = &world.schema().squares;
        match self.square {
            EVERYWHERE => 0,
            square => 1 + squares.distance(squares.square_of(view.centre), square),
        }
    }

    /// How many entities in it count towards a crowd.
    pub(crate) fn count(&self, world: &World) -> usize {
        match self.square {
            EVERYWHERE => 0,
            _ => world.count_in(self.cell),
        }
    }
}

/// What decides which cells a view has. While it is the same, so are they.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Settled {
    layout: u64,
    pub(crate) mask: u32,
    /// Cells within come into sight.
    pub(crate) enter: Area,
    /// Cells within stay in sight.
    stay: Area,
}

impl Settled {
    pub(crate) fn of(world: &World, view: &View<'_>) -> Self {
        let squares = &world.schema().squares;
        Self {
            layout: world.layout(),
            mask: view.mask,
            // What is in view may be as far outside its square as the margin.
            enter: Area::around(squares, view, squares.margin),
            stay: Area::around(squares, view, squares.margin + squares.side / 4),
        }
    }

    /// A cell that is in sight stays there.
    pub(crate) fn keeps(&self, world: &World, open: &Open) -> bool {
        let squares = &world.schema().squares;
        let is_near = open.square == EVERYWHERE || self.stay.has(squares, open.square);
        is_near && world.cell_is_seen(open.cell, open.square, self.mask)
    }
}

/// A rectangle of squares, borders included.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Area {
    first: [u32; 2],
    last: [u32; 2],
}

impl Area {
    /// The squares that a view touches when it is grown by so many levels; around its centre, when they are too many.
    fn around(squares: &Squares, view: &View<'_>, grown: u32) -> Self {
        let span = |axis: usize| {
            let field = &squares.axes[axis];
            let middle = field.level_of(view.centre[axis]);
            let low = field.level_of(view.centre[axis] - view.half[axis]);
            let high = field.level_of(view.centre[axis] + view.half[axis]);
            let (first, last, middle) = (
                low.saturating_sub(grown) / squares.side,
                high.saturating_add(grown).min(field.level_max) / squares.side,
                middle / squares.side,
            );
            let half = SPAN_MAX / 2;
            [
                first.max(middle.saturating_sub(half)),
                last.min(middle + half - 1).max(first),
            ]
        };
        let ([left, right], [top, bottom]) = (span(0), span(1));
        Self {
            first: [left, top],
            last: [right, bottom],
        }
    }

    fn has(&self, squares: &Squares, square: u32) -> bool {
        let [column, row] = squares.place(square);
        (self.first[0]..=self.last[0]).contains(&column)
            && (self.first[1]..=self.last[1]).contains(&row)
    }

    pub(crate) fn squares(self, squares: &Squares) -> impl Iterator<Item = u32> {
        let columns = squares.columns;
        (self.first[1]..=self.last[1]).flat_map(move |row| {
            (self.first[0]..=self.last[0]).map(move |column| row * columns + column)
        })
    }
}

/// Weighs entities for a viewer.
pub(crate) struct Eye {
    own: Option<u32>,
    centre: [u32; 2],
    /// How far the view goes, in levels.
    reach: u64,
}

impl Eye {
    pub(crate) fn new(world: &World, view: &View<'_>) -> Self {
        let axes = &world.schema().squares.axes;
        let reach = [0, 1].map(|axis| (view.half[axis] / axes[axis].step) as u64);
        Self {
            own: view.own_id.and_then(|id| world.slot_of(id)),
            centre: [0, 1].map(|axis| axes[axis].level_of(view.centre[axis])),
            reach: reach[0].max(reach[1]) + 1,
        }
    }

    /// How urgent an entity is: eight times as much in the middle as at the border of the view.
    pub(crate) fn weight(&self, world: &World, index: u32) -> u64 {
        if self.own == Some(index) {
            return u64::MAX;
        }
        let schema = world.schema();
        let kind = &schema.kinds[usize::from(world.entity(index).kind)];
        let near = match kind.everywhere {
            true => self.reach,
            false => {
                let axes = world.table.known(index).iter().zip(&kind.fields);
                let places = axes.zip(self.centre);
                let distances =
                    places.map(|((axis, field), centre)| axis.level(field).abs_diff(centre));
                let distance = distances.max().unwrap_or_default();
                self.reach.saturating_sub(u64::from(distance))
            }
        };
        u64::from(kind.priority) * (NEAR_MIN + NEAR_MIN * 7 * near / self.reach)
    }
}

/// Squares along an axis of a view at most.
const SPAN_MAX: u32 = 64;
/// The weight at the border of a view.
const NEAR_MIN: u64 = 64;
