//! What is on the table between two shots: integers only.

use alloc::vec::Vec;

use crate::number::round;
use crate::table::Table;
use crate::vector::Vec2;

/// Units of a position in a metre: 2²⁰, so that a unit is just below a micrometre and converts to `f64` exactly.
pub const UNITS_PER_METRE: i32 = 1 << 20;
/// The most bodies a state may have.
pub const BODIES_MAX: usize = 32;

/// All bodies, by number, at rest.
///
/// There is nothing in it that could be a NaN, and nothing that two computers could write differently.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct State {
    bodies: Vec<Body>,
}

/// One body at rest.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Body {
    /// Its kind, an index into [`Table::kinds`].
    pub kind: u8,
    /// Where it is.
    pub place: Place,
}

/// Where a body is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Place {
    /// On the table, its middle at this position, in units of 1 / [`UNITS_PER_METRE`].
    On {
        /// Along the long side.
        x: i32,
        /// Across it.
        y: i32,
    },
    /// In the pocket with this number.
    Pocket(u8),
    /// In no pocket and not on the table: in hand, or not in play.
    Off,
}

impl State {
    /// A state of these bodies. It is not checked against a table; [`State::check`] does that.
    ///
    /// # Panics
    /// With more than [`BODIES_MAX`] bodies.
    #[must_use]
    pub fn new(bodies: Vec<Body>) -> Self {
        assert!(bodies.len() <= BODIES_MAX, "at most {BODIES_MAX} bodies");
        Self { bodies }
    }

    /// All bodies, by number.
    #[must_use]
    pub fn bodies(&self) -> &[Body] {
        &self.bodies
    }

    /// Where the body with this number is; [`Place::Off`] when there is none.
    #[must_use]
    pub fn place(&self, body: u8) -> Place {
        let body = self.bodies.get(usize::from(body));
        body.map_or(Place::Off, |body| body.place)
    }

    /// Puts a body at a position, as with ball in hand. Which positions the rules allow is the caller's business.
    ///
    /// # Errors
    /// There is no such body, or it would lie in a wall, over a pocket, outside, or in another body. The state is then
    /// as it was.
    pub fn put(&mut self, table: &Table, body: u8, place: Place) -> Result<(), PlaceError> {
        let index = usize::from(body);
        let Some(found) = self.bodies.get(index) else {
            return Err(PlaceError::Body);
        };
        let moved = Body {
            kind: found.kind,
            place,
        };
        fits(table, &moved)?;
        let others = self.bodies.iter().enumerate();
        for (_, other) in others.filter(|(at, _)| *at != index) {
            apart(table, &moved, other)?;
        }
        self.bodies[index] = moved;
        Ok(())
    }

    /// Takes a body from the table. Nothing happens when there is no such body.
    pub fn take_off(&mut self, body: u8) {
        if let Some(body) = self.bodies.get_mut(usize::from(body)) {
            body.place = Place::Off;
        }
    }

    /// Whether this is a state of that table.
    ///
    /// # Errors
    /// The number of the first body of an unknown kind, in an unknown pocket, outside, or in another body.
    pub fn check(&self, table: &Table) -> Result<(), StateError> {
        for (index, body) in self.bodies.iter().enumerate() {
            let at_fault = |_| StateError::Body(index as u8);
            fits(table, body).map_err(at_fault)?;
            for other in &self.bodies[..index] {
                apart(table, body, other).map_err(at_fault)?;
            }
        }
        Ok(())
    }

    /// Appends the state as bytes: their count, then for each its kind, its place (254 off, 255 on the table, else the
    /// pocket) and two `i32`, all little-endian.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.bodies.len() as u8);
        for body in &self.bodies {
            let (place, x, y) = body.place.numbers();
            let ([x0, x1, x2, x3], [y0, y1, y2, y3]) = (x.to_le_bytes(), y.to_le_bytes());
            out.extend_from_slice(&[body.kind, place, x0, x1, x2, x3, y0, y1, y2, y3]);
        }
    }

    /// Reads what [`State::encode`] wrote, and checks it.
    ///
    /// # Errors
    /// The bytes are cut off, too many, or no state of that table.
    pub fn decode(table: &Table, bytes: &[u8]) -> Result<Self, StateError> {
        let (count, rest) = bytes.split_first().ok_or(StateError::Length)?;
        let (rows, tail) = rest.as_chunks::<BODY_BYTES>();
        let count = usize::from(*count);
        if !tail.is_empty() || rows.len() != count || count > BODIES_MAX {
            return Err(StateError::Length);
        }
        let mut bodies = Vec::with_capacity(count);
        for (index, row) in rows.iter().enumerate() {
            let [kind, place, x0, x1, x2, x3, y0, y1, y2, y3] = *row;
            let x = i32::from_le_bytes([x0, x1, x2, x3]);
            let y = i32::from_le_bytes([y0, y1, y2, y3]);
            let place = match place {
                ON => Place::On { x, y },
                // What is not on the table has one way to be written.
                _ if (x, y) != (0, 0) => return Err(StateError::Body(index as u8)),
                OFF => Place::Off,
                pocket => Place::Pocket(pocket),
            };
            bodies.push(Body { kind, place });
        }
        let state = Self { bodies };
        state.check(table)?;
        Ok(state)
    }

    pub(crate) fn bodies_mut(&mut self) -> &mut [Body] {
        &mut self.bodies
    }
}

impl Body {
    /// A body of this kind at this place.
    #[must_use]
    pub const fn new(kind: u8, place: Place) -> Self {
        Self { kind, place }
    }
}

impl Place {
    /// On the table, at the units nearest to a position in metres.
    #[must_use]
    #[inline(never)]
    pub fn at(position: Vec2) -> Self {
        Self::On {
            x: round(position.x * UNITS),
            y: round(position.y * UNITS),
        }
    }

    /// The position in metres, for a body on the table.
    #[must_use]
    #[inline(never)]
    pub fn position(self) -> Option<Vec2> {
        match self {
            Self::On { x, y } => Some(Vec2::new(
                f64::from(x) * (1.0 / UNITS),
                f64::from(y) * (1.0 / UNITS),
            )),
            Self::Pocket(_) | Self::Off => None,
        }
    }

    pub(crate) fn numbers(self) -> (u8, i32, i32) {
        match self {
            Self::On { x, y } => (ON, x, y),
            Self::Pocket(pocket) => (pocket, 0, 0),
            Self::Off => (OFF, 0, 0),
        }
    }
}

fn fits(table: &Table, body: &Body) -> Result<(), PlaceError> {
    if usize::from(body.kind) >= table.kinds.len() {
        return Err(PlaceError::Body);
    }
    match body.place {
        Place::Pocket(pocket) if usize::from(pocket) >= table.pockets.len() => {
            Err(PlaceError::Pocket)
        }
        Place::Pocket(_) | Place::Off => Ok(()),
        Place::On { .. } => {
            let at = body.place.position().unwrap_or_default();
            let is_free = table.holds(body.kind, at, SLACK);
            if is_free {
                Ok(())
            } else {
                Err(PlaceError::Outside)
            }
        }
    }
}

fn apart(table: &Table, body: &Body, other: &Body) -> Result<(), PlaceError> {
    let (Some(here), Some(there)) = (body.place.position(), other.place.position()) else {
        return Ok(());
    };
    let radius = |body: &Body| table.kinds[usize::from(body.kind)].radius;
    let (gap, reach) = (here - there, radius(body) + radius(other) - SLACK);
    if gap.dot(gap) < reach * reach {
        return Err(PlaceError::Taken);
    }
    Ok(())
}

/// Why a body cannot be put somewhere.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum PlaceError {
    /// There is no such body, or no such kind.
    Body,
    /// There is no such pocket.
    Pocket,
    /// The position is outside, in a wall, or over a pocket.
    Outside,
    /// Another body lies there.
    Taken,
}

/// Why bytes are no state.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum StateError {
    /// Too few or too many bytes for the bodies they announce, or too many bodies.
    Length,
    /// The body with this number has no place on this table.
    Body(u8),
}

impl core::fmt::Display for PlaceError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Body => "there is no such body",
            Self::Pocket => "there is no such pocket",
            Self::Outside => "the position is outside the playing surface",
            Self::Taken => "another body lies there",
        })
    }
}

impl core::fmt::Display for StateError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Length => f.write_str("the state has a wrong length"),
            Self::Body(body) => write!(f, "body {body} has no place on this table"),
        }
    }
}

impl core::error::Error for PlaceError {}

impl core::error::Error for StateError {}

const BODY_BYTES: usize = 10;
const ON: u8 = 255;
const OFF: u8 = 254;
const UNITS: f64 = UNITS_PER_METRE as f64;
/// In metres: rounding two positions to units brings bodies at most √2 units closer.
const SLACK: f64 = 2.0 / UNITS;
