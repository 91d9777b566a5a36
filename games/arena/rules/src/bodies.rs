//! What is in the world: cells, pellets, ejected mass and viruses, and how each moves by itself.

use crate::players::PlayerKey;
use crate::rules::{BOOST_DECAY, EJECTED_MASS, VIRUS_MASS, radius_of, speed_of};

/// A point or a displacement, in units; x to the right, y downwards.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Vec2 {
    /// To the right.
    pub x: f32,
    /// Downwards.
    pub y: f32,
}

impl Vec2 {
    /// The origin: the world's top left corner, or no displacement.
    pub const ZERO: Self = Self { x: 0.0, y: 0.0 };

    /// A point or displacement.
    #[must_use]
    pub const fn new(x: f32, y: f32) -> Self {
        Self { x, y }
    }

    /// This plus `direction` times `length`.
    pub(crate) fn plus(self, direction: Self, length: f32) -> Self {
        Self::new(self.x + direction.x * length, self.y + direction.y * length)
    }

    /// The displacement that leads from `from` to this.
    pub(crate) fn from(self, from: Self) -> Self {
        Self::new(self.x - from.x, self.y - from.y)
    }

    pub(crate) fn times(self, factor: f32) -> Self {
        Self::new(self.x * factor, self.y * factor)
    }

    pub(crate) fn length_squared(self) -> f32 {
        self.x * self.x + self.y * self.y
    }

    pub(crate) fn length(self) -> f32 {
        self.length_squared().sqrt()
    }

    /// The same direction with length 1; `(1, 0)` when this is too short to have a direction.
    pub(crate) fn unit(self) -> Self {
        let length = self.length();
        if length < 1e-3 {
            Self::new(1.0, 0.0)
        } else {
            self.times(1.0 / length)
        }
    }

    /// This point, moved into the square from `margin` to `size - margin`; the centre where that is empty.
    pub(crate) fn clamped(self, margin: f32, size: f32) -> Self {
        let low = if margin < size * 0.5 {
            margin
        } else {
            size * 0.5
        };
        let high = size - low;
        // Compared by hand: of two zeros `f32::max` may answer either.
        let confined = |value: f32| {
            if value < low {
                low
            } else if value > high {
                high
            } else {
                value
            }
        };
        Self::new(confined(self.x), confined(self.y))
    }
}

/// A part of a player.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// Its name on the wire; not used twice while anybody remembers it.
    pub id: u32,
    /// Whose it is.
    pub owner: PlayerKey,
    /// Colour.
    pub hue: u8,
    /// Centre.
    pub at: Vec2,
    /// What it still has to travel from a split or burst.
    pub boost: Vec2,
    /// Mass, more than 0 and at most [`crate::MASS_MAX`].
    pub mass: f32,
    /// Radius, which follows from the mass.
    pub radius: f32,
    /// Ticks since it was born or split.
    pub age: u32,
    /// Eaten or merged in this tick; never seen between ticks.
    pub(crate) gone: bool,
}

impl Cell {
    /// Sets the mass, and the radius with it.
    pub(crate) fn set_mass(&mut self, mass: f32) {
        self.mass = mass.min(crate::rules::MASS_MAX);
        self.radius = radius_of(self.mass);
    }

    /// One tick towards `target`: never past it, and slower when larger.
    pub(crate) fn advance(&mut self, target: Vec2, size: f32) {
        let way = target.from(self.at);
        let distance = way.length();
        if distance >= 1.0 {
            let step = speed_of(self.radius).min(distance);
            self.at = self.at.plus(way, step / distance);
        }
        coast(&mut self.at, &mut self.boost);
        self.confine(size);
        self.age = self.age.saturating_add(1);
    }

    /// Keeps the centre half a radius inside the world.
    pub(crate) fn confine(&mut self, size: f32) {
        self.at = self.at.clamped(self.radius * 0.5, size);
    }
}

/// Food that lies still.
#[derive(Clone, Debug, PartialEq)]
pub struct Pellet {
    /// Its name on the wire.
    pub id: u32,
    /// Centre.
    pub at: Vec2,
    /// Colour.
    pub hue: u8,
    pub(crate) gone: bool,
}

impl Pellet {
    pub(crate) const fn new(id: u32, at: Vec2, hue: u8) -> Self {
        Self {
            id,
            at,
            hue,
            gone: false,
        }
    }
}

/// Mass that a player threw away.
#[derive(Clone, Debug, PartialEq)]
pub struct Ejected {
    /// Its name on the wire.
    pub id: u32,
    /// Centre.
    pub at: Vec2,
    /// What it still has to travel.
    pub boost: Vec2,
    /// Direction in which it was thrown, of length 1.
    pub direction: Vec2,
    /// Colour, 1..=255.
    pub hue: u8,
    pub(crate) gone: bool,
}

impl Ejected {
    /// Radius of every ejected piece, in units.
    #[must_use]
    pub fn radius() -> f32 {
        radius_of(EJECTED_MASS)
    }

    pub(crate) fn advance(&mut self, size: f32) {
        coast(&mut self.at, &mut self.boost);
        self.at = self.at.clamped(0.0, size);
    }
}

/// A green ball that bursts larger cells and hides smaller ones.
#[derive(Clone, Debug, PartialEq)]
pub struct Virus {
    /// Its name on the wire.
    pub id: u32,
    /// Centre.
    pub at: Vec2,
    /// What it still has to travel after it was shot.
    pub boost: Vec2,
    /// Ejected pieces it has eaten since it last shot.
    pub fed: u8,
    pub(crate) gone: bool,
}

impl Virus {
    /// Its mass: a fed one is larger.
    #[must_use]
    pub fn mass(&self) -> f32 {
        VIRUS_MASS + f32::from(self.fed) * EJECTED_MASS
    }

    /// Its radius, in units.
    #[must_use]
    pub fn radius(&self) -> f32 {
        radius_of(self.mass())
    }

    pub(crate) fn advance(&mut self, size: f32) {
        coast(&mut self.at, &mut self.boost);
        self.at = self.at.clamped(0.0, size);
    }
}

/// Moves a body by its part of the boost that is left; a rest below one unit ends it.
fn coast(at: &mut Vec2, boost: &mut Vec2) {
    if *boost == Vec2::ZERO {
        return;
    }
    *at = at.plus(*boost, BOOST_DECAY);
    *boost = boost.times(1.0 - BOOST_DECAY);
    if boost.length_squared() < 1.0 {
        *boost = Vec2::ZERO;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(x: f32, mass: f32) -> Cell {
        let mut cell = Cell {
            id: 1,
            owner: PlayerKey(0),
            hue: 0,
            at: Vec2::new(x, 500.0),
            boost: Vec2::ZERO,
            mass,
            radius: 0.0,
            age: 0,
            gone: false,
        };
        cell.set_mass(mass);
        cell
    }

    #[test]
    fn a_cell_stops_at_its_target() {
        let mut cell = cell(500.0, 20.0);
        for _ in 0..100 {
            cell.advance(Vec2::new(600.0, 500.0), 1_000.0);
        }
        assert!((cell.at.x - 600.0).abs() <= 1.0);
        assert_eq!(cell.at.y, 500.0);
    }

    #[test]
    fn a_boost_carries_its_length_and_ends() {
        let (mut at, mut boost) = (Vec2::ZERO, Vec2::new(780.0, 0.0));
        for _ in 0..60 {
            coast(&mut at, &mut boost);
        }
        assert_eq!(boost, Vec2::ZERO);
        assert!((778.0..=780.0).contains(&at.x), "{}", at.x);
    }

    #[test]
    fn the_border_holds_even_for_a_cell_larger_than_the_world() {
        let mut small = cell(500.0, 20.0);
        small.boost = Vec2::new(-90_000.0, 0.0);
        small.advance(Vec2::ZERO, 1_000.0);
        assert_eq!(small.at.x, small.radius * 0.5);
        let mut giant = cell(10.0, crate::rules::MASS_MAX);
        giant.advance(Vec2::ZERO, 1_000.0);
        assert_eq!(giant.at, Vec2::new(500.0, 500.0));
    }
}
