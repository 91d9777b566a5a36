//! A uniform grid over the world: which points lie in a rectangle.

use crate::bodies::Vec2;

/// A rectangle, borders included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rect {
    pub(crate) min: Vec2,
    pub(crate) max: Vec2,
}

impl Rect {
    /// The rectangle with this centre that reaches `half_width` and `half_height` from it.
    pub(crate) fn around(centre: Vec2, half_width: f32, half_height: f32) -> Self {
        Self {
            min: Vec2::new(centre.x - half_width, centre.y - half_height),
            max: Vec2::new(centre.x + half_width, centre.y + half_height),
        }
    }

    /// This rectangle, `margin` units larger on every side.
    pub(crate) fn grown(self, margin: f32) -> Self {
        Self {
            min: Vec2::new(self.min.x - margin, self.min.y - margin),
            max: Vec2::new(self.max.x + margin, self.max.y + margin),
        }
    }

    /// This rectangle, stretched to a point.
    pub(crate) fn with(self, point: Vec2) -> Self {
        Self {
            min: Vec2::new(self.min.x.min(point.x), self.min.y.min(point.y)),
            max: Vec2::new(self.max.x.max(point.x), self.max.y.max(point.y)),
        }
    }

    /// Whether the square around a circle touches this.
    pub(crate) fn touches(&self, at: Vec2, radius: f32) -> bool {
        at.x + radius >= self.min.x
            && at.x - radius <= self.max.x
            && at.y + radius >= self.min.y
            && at.y - radius <= self.max.y
    }
}

/// Indexes of points, sorted by square; rebuilt from all points, in one pass over reused buffers.
///
/// A row of squares is one run of `items`, so a query reads one slice a row.
#[derive(Clone, Debug)]
pub(crate) struct Grid {
    squares_per_side: usize,
    squares_per_unit: f32,
    starts: Vec<u32>,
    items: Vec<u32>,
}

impl Grid {
    /// An empty grid over a world of this size.
    pub(crate) fn new(size: f32) -> Self {
        let squares_per_side = ((size / SQUARE) as usize).clamp(1, SQUARES_PER_SIDE_MAX);
        Self {
            squares_per_side,
            squares_per_unit: squares_per_side as f32 / size,
            starts: vec![0; squares_per_side * squares_per_side + 1],
            items: Vec::new(),
        }
    }

    /// Forgets everything and takes the points of these bodies, known by their place in the slice.
    pub(crate) fn rebuild<T>(&mut self, bodies: &[T], at: impl Fn(&T) -> Vec2) {
        self.starts.fill(0);
        for body in bodies {
            let square = self.square(at(body));
            self.starts[square + 1] += 1;
        }
        let mut sum = 0;
        for start in &mut self.starts {
            sum += *start;
            *start = sum;
        }
        self.items.clear();
        self.items.resize(bodies.len(), 0);
        for (index, body) in bodies.iter().enumerate() {
            let square = self.square(at(body));
            let place = &mut self.starts[square];
            self.items[*place as usize] = index as u32;
            *place += 1;
        }
        // Filling moved each start to its square's end, which is where the next square begins.
        let last = self.starts.len() - 1;
        self.starts.copy_within(0..last, 1);
        self.starts[0] = 0;
    }

    /// Indexes of the points in the squares that `rect` touches: all inside it, and some beside it.
    /// Ordered by row, then square, then place in the slice.
    pub(crate) fn near(&self, rect: Rect) -> impl Iterator<Item = usize> + '_ {
        let (left, right) = (self.column(rect.min.x), self.column(rect.max.x));
        let (top, bottom) = (self.column(rect.min.y), self.column(rect.max.y));
        (top..=bottom).flat_map(move |row| {
            let row = row * self.squares_per_side;
            let run = self.starts[row + left] as usize..self.starts[row + right + 1] as usize;
            self.items[run].iter().map(|index| *index as usize)
        })
    }

    fn square(&self, point: Vec2) -> usize {
        self.column(point.y) * self.squares_per_side + self.column(point.x)
    }

    /// The column of an x, or the row of a y; what lies outside counts to the border's squares.
    fn column(&self, coordinate: f32) -> usize {
        // A float to integer cast saturates, so that a negative coordinate is column 0.
        ((coordinate * self.squares_per_unit) as usize).min(self.squares_per_side - 1)
    }
}

/// Side of a square in units, where the world is not so large that squares grow.
const SQUARE: f32 = 128.0;
const SQUARES_PER_SIDE_MAX: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_query_finds_what_a_scan_finds(
            points in prop::collection::vec((0.0_f32..=3_000.0, 0.0_f32..=3_000.0), 0..200),
            centre in (-500.0_f32..3_500.0, -500.0_f32..3_500.0),
            half in (0.0_f32..2_000.0, 0.0_f32..2_000.0),
        ) {
            let points: Vec<Vec2> = points.into_iter().map(|(x, y)| Vec2::new(x, y)).collect();
            let mut grid = Grid::new(3_000.0);
            grid.rebuild(&points[..points.len() / 2], |point| *point);
            grid.rebuild(&points, |point| *point);
            let rect = Rect::around(Vec2::new(centre.0, centre.1), half.0, half.1);
            let mut found: Vec<usize> = grid.near(rect).filter(|i| rect.touches(points[*i], 0.0)).collect();
            found.sort_unstable();
            let scanned: Vec<usize> = (0..points.len()).filter(|i| rect.touches(points[*i], 0.0)).collect();
            prop_assert_eq!(found, scanned);
            let everything = Rect::around(Vec2::new(1_500.0, 1_500.0), 9_000.0, 9_000.0);
            prop_assert_eq!(grid.near(everything).count(), points.len());
        }
    }
}
