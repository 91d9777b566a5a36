//! What a room's entities are made of: the grid, the kinds and their fields.

use alloc::string::String;
use alloc::vec::Vec;
use core::ops::RangeInclusive;

use crate::axis::{FRACTION_BITS, ONE};
use crate::error::SchemaError;

/// The world and how it is cut into squares.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    /// The smallest x and y, in units.
    pub min: [f64; 2],
    /// Width and height, in units.
    pub size: [f64; 2],
    /// What a position is rounded to, in units.
    pub step: f64,
    /// The side of a square, in units. A quarter of the view's width is a good one:
    /// larger squares show more than is asked for, smaller ones cost more of their own.
    pub cell: f64,
    /// How far an entity goes beyond its square before it belongs to the next, in units; a sixteenth of a side is plenty.
    pub margin: f64,
}

/// How a field changes from frame to frame, which decides how its changes are written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Motion {
    /// As in the frame before: both ends predict it, and what is sent is the difference. At most 2²³ levels.
    Linear,
    /// It stays, or changes by little. At most 2²⁴ levels.
    Near,
    /// It stays, or changes to anything: a colour, an owner. At most 2³² levels.
    Any,
}

/// What a client shows between two snapshots.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Blend {
    /// The older value until the newer one's time.
    Step,
    /// The value between.
    Linear,
    /// The value between, the shorter way round.
    Angle,
}

/// One number of an entity: its range, its precision and how it changes.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    pub(crate) name: String,
    pub(crate) min: f64,
    pub(crate) step: f64,
    pub(crate) level_max: u32,
    pub(crate) motion: Motion,
    pub(crate) blend: Blend,
    /// The level behind the last is the first.
    pub(crate) wraps: bool,
    pub(crate) group: u8,
}

impl Field {
    /// A number of `range`, rounded to a multiple of `step`. What is outside becomes the nearest that is inside.
    pub fn real(name: &str, range: RangeInclusive<f64>, step: f64) -> Self {
        let levels = (range.end() - range.start()) / step;
        Self {
            name: name.into(),
            min: *range.start(),
            step,
            // Not a number becomes 0, which is refused by `Schema::new`.
            level_max: (levels + 0.5) as u32,
            motion: Motion::Near,
            blend: Blend::Linear,
            wraps: false,
            group: 0,
        }
    }

    /// A whole number of `range` that changes to anything.
    pub fn whole(name: &str, range: RangeInclusive<u32>) -> Self {
        Self {
            motion: Motion::Any,
            blend: Blend::Step,
            level_max: range.end().saturating_sub(*range.start()),
            ..Self::real(
                name,
                f64::from(*range.start())..=f64::from(*range.end()),
                1.0,
            )
        }
    }

    /// An angle in radians, in `levels` parts of a turn.
    pub fn angle(name: &str, levels: u32) -> Self {
        Self {
            step: core::f64::consts::TAU / f64::from(levels),
            level_max: levels.saturating_sub(1),
            blend: Blend::Angle,
            wraps: true,
            ..Self::real(name, 0.0..=1.0, 1.0)
        }
    }

    /// Predicted from its last two values, as positions are.
    #[must_use]
    pub fn linear(self) -> Self {
        Self {
            motion: Motion::Linear,
            ..self
        }
    }

    /// Changes by little, when it changes.
    #[must_use]
    pub fn near(self) -> Self {
        Self {
            motion: Motion::Near,
            ..self
        }
    }

    /// Changes to anything.
    #[must_use]
    pub fn any(self) -> Self {
        Self {
            motion: Motion::Any,
            ..self
        }
    }

    /// In this change group, 0..[`crate::GROUPS_MAX`]: an entity that changes says of each group, in a bit,
    /// whether something in it did. Positions are in group 0, and so is what is not told otherwise.
    #[must_use]
    pub fn group(self, group: u8) -> Self {
        Self { group, ..self }
    }

    /// What clients show between two snapshots.
    #[must_use]
    pub fn blend(self, blend: Blend) -> Self {
        Self { blend, ..self }
    }

    /// The name that clients find it by.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What a client shows between two snapshots.
    #[must_use]
    pub const fn blending(&self) -> Blend {
        self.blend
    }

    /// A whole turn, for what goes round; else 0.
    #[must_use]
    pub fn turn(&self) -> f64 {
        match self.wraps {
            true => self.step * (f64::from(self.level_max) + 1.0),
            false => 0.0,
        }
    }

    /// The level nearest to `value`. Not a number is the lowest.
    #[inline]
    #[must_use]
    pub fn level_of(&self, value: f64) -> u32 {
        let level = (value - self.min) / self.step + 0.5;
        if self.wraps {
            let truncated = level as i64;
            let floor = truncated - i64::from(truncated as f64 > level);
            return floor.rem_euclid(i64::from(self.level_max) + 1) as u32;
        }
        (level as u32).min(self.level_max)
    }

    /// [`level_of`](Self::level_of) with [`FRACTION_BITS`] binary places, for linear motion.
    #[inline]
    pub(crate) fn fine_of(&self, value: f64) -> u32 {
        let fine = ((value - self.min) / self.step + 0.5) * f64::from(ONE);
        let end = (i64::from(self.level_max) + 1) << FRACTION_BITS;
        if self.wraps {
            let truncated = fine as i64;
            let floor = truncated - i64::from(truncated as f64 > fine);
            return floor.rem_euclid(end) as u32;
        }
        (fine as u32).min(end as u32 - 1)
    }

    /// What a world keeps of a value: its level, in linear motion with binary places.
    #[inline]
    pub(crate) fn next_of(&self, value: f64) -> u32 {
        match self.motion {
            Motion::Linear => self.fine_of(value),
            Motion::Near | Motion::Any => self.level_of(value),
        }
    }

    /// The level of what [`next_of`](Self::next_of) made.
    pub(crate) const fn level_of_next(&self, next: u32) -> u32 {
        match self.motion {
            Motion::Linear => next >> FRACTION_BITS,
            Motion::Near | Motion::Any => next,
        }
    }

    /// How far it is from one fine level to another, the shorter way where it goes round.
    pub(crate) fn fine_difference(&self, from: u32, to: u32) -> i32 {
        let plain = to.cast_signed() - from.cast_signed();
        let end = (self.level_max.cast_signed() + 1) << FRACTION_BITS;
        let limit = self.velocity_max();
        match self.wraps {
            true if plain > end / 2 => plain - end,
            true if plain < -(end / 2) => plain + end,
            _ => plain.clamp(-limit, limit),
        }
    }

    /// The value of a level.
    #[inline]
    #[must_use]
    pub fn value_of(&self, level: u32) -> f64 {
        self.min + f64::from(level) * self.step
    }

    /// How far it is from one level to another, the shorter way where it goes round.
    #[inline]
    pub(crate) const fn difference(&self, from: u32, to: u32) -> i32 {
        let plain = to.wrapping_sub(from).cast_signed();
        if !self.wraps {
            return plain;
        }
        let count = self.level_max.wrapping_add(1).cast_signed();
        if plain > count / 2 {
            plain - count
        } else if plain < -(count / 2) {
            plain + count
        } else {
            plain
        }
    }

    /// The level so far from another, if there is one.
    pub(crate) fn offset(&self, from: u32, residual: i32) -> Option<u32> {
        let level = i64::from(from) + i64::from(residual);
        let level = match self.wraps {
            true => level.rem_euclid(i64::from(self.level_max) + 1),
            false => level,
        };
        u32::try_from(level)
            .ok()
            .filter(|level| *level <= self.level_max)
    }

    /// In linear motion.
    pub(crate) const fn velocity_max(&self) -> i32 {
        (self.level_max << FRACTION_BITS).cast_signed()
    }

    /// A velocity of linear motion that can be.
    pub(crate) const fn can_move(&self, velocity: i32) -> bool {
        velocity.unsigned_abs() <= self.velocity_max().cast_unsigned()
    }

    pub(crate) fn check(&self) -> Result<(), SchemaError> {
        let levels_max = match self.motion {
            Motion::Linear => 1 << 23,
            Motion::Near => 1 << 24,
            Motion::Any => 1 << 32,
        };
        let levels = u64::from(self.level_max) + 1;
        let is_step = self.step.is_finite() && self.step > 0.0;
        if !self.min.is_finite() || !is_step {
            return Err(SchemaError::Range);
        }
        if !(2..=levels_max).contains(&levels) || (self.wraps && levels > 1 << 23) {
            return Err(SchemaError::Range);
        }
        if self.group >= GROUPS_MAX {
            return Err(SchemaError::Group);
        }
        check_name(&self.name)
    }
}

/// A kind of entity: a name and the fields that every entity of it has, behind x and y.
#[derive(Clone, Debug, PartialEq)]
pub struct Kind {
    pub(crate) name: String,
    /// x and y first.
    pub(crate) fields: Vec<Field>,
    pub(crate) groups: u8,
    /// Seen by all, wherever they look.
    pub(crate) everywhere: bool,
    /// A room's affair: clients are not told.
    pub(crate) priority: u8,
}

impl Kind {
    /// A kind with a position and nothing else.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            fields: Vec::new(),
            groups: 1,
            everywhere: false,
            priority: PRIORITY_DEFAULT,
        }
    }

    /// One more field. Values are given in the order in which their fields were declared, behind x and y.
    #[must_use]
    pub fn field(mut self, field: Field) -> Self {
        self.groups = self.groups.max(field.group.saturating_add(1));
        self.fields.push(field);
        self
    }

    /// Every viewer sees these, wherever it looks.
    #[must_use]
    pub fn everywhere(mut self) -> Self {
        self.everywhere = true;
        self
    }

    /// How urgent news of these are beside those of other kinds, where a snapshot or a view has no room for all:
    /// twice the number is heard twice as often. It is 16 when nothing is said, and never less than 1.
    /// Only [`crate::SlotViewer`] looks at it; a client is not told.
    #[must_use]
    pub fn priority(self, priority: u8) -> Self {
        let priority = priority.max(1);
        Self { priority, ..self }
    }

    /// The name that clients find it by.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its fields; x and y first.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }
}

/// Which kind: its place in the list given to [`Schema::new`].
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct KindIndex(pub u8);

/// What a room's entities are made of. Server and clients have the same; see [`Schema::describe`].
#[derive(Clone, Debug, PartialEq)]
pub struct Schema {
    pub(crate) kinds: Vec<Kind>,
    pub(crate) squares: Squares,
    pub(crate) frame_ticks: u8,
}

impl Schema {
    /// A schema of these kinds, at most [`KINDS_MAX`]. A frame is made every `frame_ticks` ticks.
    ///
    /// # Errors
    /// The rule that is broken.
    pub fn new(grid: &Grid, kinds: Vec<Kind>, frame_ticks: u8) -> Result<Self, SchemaError> {
        let squares = Squares::new(grid)?;
        let mut kinds = kinds;
        for kind in &mut kinds {
            kind.fields.splice(0..0, squares.axes.clone());
        }
        Self::checked(kinds, squares, frame_ticks)
    }

    pub(crate) fn checked(
        kinds: Vec<Kind>,
        squares: Squares,
        frame_ticks: u8,
    ) -> Result<Self, SchemaError> {
        if kinds.is_empty() || kinds.len() > KINDS_MAX {
            return Err(SchemaError::Kinds);
        }
        for kind in &kinds {
            if kind.fields.len() > FIELDS_MAX {
                return Err(SchemaError::Fields);
            }
            check_name(&kind.name)?;
            kind.fields.iter().try_for_each(Field::check)?;
        }
        if frame_ticks == 0 {
            return Err(SchemaError::FrameTicks);
        }
        Ok(Self {
            kinds,
            squares,
            frame_ticks,
        })
    }

    /// A kind, if there is one.
    #[must_use]
    pub fn kind(&self, index: KindIndex) -> Option<&Kind> {
        self.kinds.get(usize::from(index.0))
    }

    /// Ticks from one frame to the next.
    #[must_use]
    pub const fn frame_ticks(&self) -> u8 {
        self.frame_ticks
    }

    /// The most fields that a kind has.
    pub(crate) fn fields_max(&self) -> usize {
        let counts = self.kinds.iter().map(|kind| kind.fields.len());
        counts.max().unwrap_or_default()
    }

    pub(crate) fn kind_bits(&self) -> u32 {
        crate::bits::bits_for(self.kinds.len() as u32 - 1)
    }
}

/// The grid in levels of position.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Squares {
    /// x and y.
    pub(crate) axes: [Field; 2],
    /// Of a square, in levels.
    pub(crate) side: u32,
    /// In levels.
    pub(crate) margin: u32,
    pub(crate) columns: u32,
    pub(crate) rows: u32,
}

impl Squares {
    fn new(grid: &Grid) -> Result<Self, SchemaError> {
        let axis = |name, index: usize| {
            let min = grid.min[index];
            Field::real(name, min..=min + grid.size[index], grid.step).linear()
        };
        let levels = |units: f64| (units / grid.step + 0.5) as u32;
        Self::checked(
            [axis("x", 0), axis("y", 1)],
            levels(grid.cell),
            levels(grid.margin),
        )
    }

    pub(crate) fn checked(axes: [Field; 2], side: u32, margin: u32) -> Result<Self, SchemaError> {
        let is_axis = |axis: &Field| {
            let is_plain = axis.motion == Motion::Linear && !axis.wraps && axis.group == 0;
            is_plain && axis.check().is_ok()
        };
        if !axes.iter().all(is_axis) {
            return Err(SchemaError::Grid);
        }
        if side == 0 || side > 1 << 23 || margin >= side.div_ceil(2) {
            return Err(SchemaError::Grid);
        }
        let [columns, rows] = [0, 1].map(|axis: usize| axes[axis].level_max / side + 1);
        if u64::from(columns) * u64::from(rows) > SQUARES_MAX {
            return Err(SchemaError::Grid);
        }
        Ok(Self {
            axes,
            side,
            margin,
            columns,
            rows,
        })
    }

    pub(crate) const fn count(&self) -> u32 {
        self.columns * self.rows
    }

    /// The square of a position.
    #[inline]
    pub(crate) const fn square_at(&self, x: u32, y: u32) -> u32 {
        (y / self.side) * self.columns + x / self.side
    }

    /// The square of a point in units.
    pub(crate) fn square_of(&self, [x, y]: [f64; 2]) -> u32 {
        self.square_at(self.axes[0].level_of(x), self.axes[1].level_of(y))
    }

    /// How far two squares are apart: the square of the distance, in sides.
    pub(crate) const fn distance(&self, from: u32, to: u32) -> u32 {
        let ([a, b], [c, d]) = (self.place(from), self.place(to));
        let (across, down) = (a.abs_diff(c), b.abs_diff(d));
        across
            .saturating_mul(across)
            .saturating_add(down.saturating_mul(down))
    }

    /// The corner of a square, less the margin: what is in it is at most [`Self::reach`] levels further.
    #[inline]
    pub(crate) const fn corner(&self, square: u32) -> [i32; 2] {
        let [column, row] = self.place(square);
        let margin = self.margin.cast_signed();
        [
            (column * self.side).cast_signed() - margin,
            (row * self.side).cast_signed() - margin,
        ]
    }

    /// Column and row.
    #[inline]
    pub(crate) const fn place(&self, square: u32) -> [u32; 2] {
        [square % self.columns, square / self.columns]
    }

    /// The largest distance from a square's corner along an axis.
    #[inline]
    pub(crate) const fn reach(&self) -> u32 {
        self.side + 2 * self.margin - 1
    }
}

const fn check_name(name: &str) -> Result<(), SchemaError> {
    match name.len() <= NAME_BYTES_MAX {
        true => Ok(()),
        false => Err(SchemaError::Name),
    }
}

/// Kinds of a schema at most.
pub const KINDS_MAX: usize = 64;
/// Fields of a kind at most, x and y included.
pub const FIELDS_MAX: usize = 16;
/// Change groups of a kind at most.
pub const GROUPS_MAX: u8 = 8;
/// Length of a name at most, in bytes.
pub const NAME_BYTES_MAX: usize = 64;
const PRIORITY_DEFAULT: u8 = 16;
/// Squares of a grid at most.
const SQUARES_MAX: u64 = 65_536;
