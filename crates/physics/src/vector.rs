//! Vectors of the table's plane.

use core::ops::{Add, Mul, Neg, Sub};

use crate::number::sqrt;

/// A vector in the table's plane: metres, or metres a second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Vec2 {
    /// Along the long side of the table.
    pub x: f64,
    /// Across it, to the left of `x`.
    pub y: f64,
}

impl Vec2 {
    /// The null vector.
    pub const ZERO: Self = Self::new(0.0, 0.0);

    /// From its two parts.
    #[must_use]
    pub const fn new(x: f64, y: f64) -> Self {
        Self { x, y }
    }

    /// The scalar product.
    #[must_use]
    pub fn dot(self, other: Self) -> f64 {
        self.x * other.x + self.y * other.y
    }

    /// The height of the vector product: positive when `other` lies to the left of `self`.
    #[must_use]
    pub fn cross(self, other: Self) -> f64 {
        self.x * other.y - self.y * other.x
    }

    /// Turned by a quarter to the left.
    #[must_use]
    pub fn left(self) -> Self {
        Self::new(-self.y, self.x)
    }

    /// The length.
    #[must_use]
    #[inline(never)]
    pub fn length(self) -> f64 {
        sqrt(self.dot(self))
    }

    /// The vector of length 1 in this direction; along `x` for the null vector.
    #[must_use]
    #[inline(never)]
    pub fn unit(self) -> Self {
        let length = self.length();
        if length > 0.0 {
            self * (1.0 / length)
        } else {
            Self::new(1.0, 0.0)
        }
    }
}

impl Add for Vec2 {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self::new(self.x + other.x, self.y + other.y)
    }
}

impl Sub for Vec2 {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self::new(self.x - other.x, self.y - other.y)
    }
}

impl Mul<f64> for Vec2 {
    type Output = Self;

    fn mul(self, factor: f64) -> Self {
        Self::new(self.x * factor, self.y * factor)
    }
}

impl Neg for Vec2 {
    type Output = Self;

    fn neg(self) -> Self {
        Self::new(-self.x, -self.y)
    }
}

/// A box with sides along the axes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) low: Vec2,
    pub(crate) high: Vec2,
}

impl Bounds {
    pub(crate) fn of(points: &[Vec2]) -> Self {
        let mut out = Self {
            low: points[0],
            high: points[0],
        };
        for point in points {
            out.low = Vec2::new(least(out.low.x, point.x), least(out.low.y, point.y));
            out.high = Vec2::new(most(out.high.x, point.x), most(out.high.y, point.y));
        }
        out
    }

    pub(crate) fn grown(self, by: f64) -> Self {
        let by = Vec2::new(by, by);
        Self {
            low: self.low - by,
            high: self.high + by,
        }
    }

    pub(crate) fn meets(&self, other: &Self) -> bool {
        self.low.x <= other.high.x
            && other.low.x <= self.high.x
            && self.low.y <= other.high.y
            && other.low.y <= self.high.y
    }
}

// Written out: which zero `f64::min` gives for two zeros of different sign is left open.
pub(crate) fn least(a: f64, b: f64) -> f64 {
    if b < a { b } else { a }
}

pub(crate) fn most(a: f64, b: f64) -> f64 {
    if b > a { b } else { a }
}
