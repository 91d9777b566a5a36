//! The state that both ends keep of one field, and how they predict its next level.
//!
//! A field in linear motion is known as a fixed-point number with a velocity per frame.
//! Both ends add the velocity; what is sent is by how many levels that missed, most often nothing.
//! A miss of more than one level means that the entity turned: the velocity becomes what was seen in this frame.
//! A miss of one level changes it by half a level, by a quarter after the next one, and so on, as a search by halves would;
//! or, when the room sees it move steadily, the velocity is told as exactly as it is known.

use crate::schema::{Field, Motion};

/// What both ends know of one field of one entity.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Axis {
    /// The level; in linear motion with [`FRACTION_BITS`] binary places.
    pub(crate) at: u32,
    /// Per frame, with the same binary places. Zero in other motions.
    pub(crate) velocity: i32,
    /// A miss of one level changes the velocity by one level shifted right by this.
    pub(crate) gain: u8,
}

impl Axis {
    /// A field of which nothing but its level is known.
    pub(crate) const fn still(field: &Field, level: u32) -> Self {
        match field.motion {
            Motion::Linear => Self {
                at: middle(level),
                velocity: 0,
                gain: GAIN_FIRST,
            },
            Motion::Near | Motion::Any => Self {
                at: level,
                velocity: 0,
                gain: 0,
            },
        }
    }

    /// The level that viewers are told.
    #[inline]
    pub(crate) const fn level(self, field: &Field) -> u32 {
        match field.motion {
            Motion::Linear => self.at >> FRACTION_BITS,
            Motion::Near | Motion::Any => self.at,
        }
    }

    /// Moves on by one frame as predicted. Answers the level before.
    #[inline]
    pub(crate) fn predict(&mut self, field: &Field) -> u32 {
        if self.velocity == 0 {
            return self.level(field);
        }
        let before = self.level(field);
        let end = (i64::from(field.level_max) + 1) << FRACTION_BITS;
        let moved = i64::from(self.at) + i64::from(self.velocity);
        // The velocity is less than the whole range, so one turn at most is to be undone.
        let moved = match field.wraps {
            true if moved < 0 => moved + end,
            true if moved >= end => moved - end,
            true => moved,
            false => moved.clamp(0, end - 1),
        };
        self.at = moved as u32;
        before
    }

    /// Where so many frames take it, all as predicted.
    #[inline]
    pub(crate) fn predicted(self, field: &Field, frames: u32) -> Self {
        if self.velocity == 0 {
            return self;
        }
        let end = (i64::from(field.level_max) + 1) << FRACTION_BITS;
        let moved = i64::from(self.at) + i64::from(self.velocity) * i64::from(frames);
        let at = match field.wraps {
            true => moved.rem_euclid(end),
            false => moved.clamp(0, end - 1),
        };
        Self {
            at: at as u32,
            ..self
        }
    }

    /// Who is told the one knows the other: where what moves is exactly, of what stands the level.
    #[inline]
    pub(crate) fn is_same(self, field: &Field, other: Self) -> bool {
        match self.velocity {
            0 => other.velocity == 0 && self.level(field) == other.level(field),
            velocity => velocity == other.velocity && self.at == other.at,
        }
    }

    /// It is exactly at `at`, and was told to move so.
    pub(crate) const fn tell(&mut self, at: u32, velocity: i32) {
        self.at = at;
        self.velocity = velocity;
        self.gain = GAIN_MAX;
    }

    /// The prediction missed by `residual` levels, which is not 0: the level is `actual`, and was `before` a frame ago.
    pub(crate) fn correct(&mut self, field: &Field, before: u32, actual: u32, residual: i32) {
        if field.motion != Motion::Linear {
            self.at = actual;
            return;
        }
        let moved = field.difference(before, actual);
        self.at = match residual {
            1 => actual << FRACTION_BITS,
            -1 => (actual << FRACTION_BITS) | (ONE as u32 - 1),
            _ => middle(actual),
        };
        if residual.abs() > 1 {
            self.velocity = moved * ONE;
            self.gain = GAIN_FIRST;
        } else {
            let limit = field.velocity_max();
            let changed = self.velocity + residual * (ONE >> self.gain);
            self.gain = (self.gain + 1).min(GAIN_MAX);
            // It was seen to stand still: hardly moving is taken for standing.
            let stands = moved == 0 && changed.abs() < VELOCITY_MIN;
            self.velocity = match stands {
                true => 0,
                false => changed.clamp(-limit, limit),
            };
        }
    }
}

/// What a room knows of a field in linear motion besides.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Track {
    /// In the last frame, with binary places.
    last: u32,
    /// Into the last frame.
    velocity: i32,
}

/// By how much a prediction missed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Miss {
    /// In levels; 1 for any change of [`Motion::Any`].
    pub(crate) residual: i32,
    /// By how much the velocity changes, when it is told exactly.
    pub(crate) told: Option<i32>,
}

impl Miss {
    pub(crate) const fn of(residual: i32) -> Self {
        Self {
            residual,
            told: None,
        }
    }
}

impl Track {
    pub(crate) const fn start(&mut self, at: u32) {
        self.last = at;
        self.velocity = 0;
    }

    /// Moves an axis one frame on, to where the field is now.
    #[inline]
    pub(crate) fn advance(&mut self, axis: &mut Axis, field: &Field, now: u32) -> Miss {
        let before = axis.predict(field);
        let actual = now >> FRACTION_BITS;
        let residual = field.difference(axis.level(field), actual);
        let velocity = field.fine_difference(self.last, now);
        let is_steady = velocity.abs_diff(self.velocity) <= STEADY_MAX;
        self.last = now;
        self.velocity = velocity;
        let mut told = None;
        if residual.abs() == 1 && is_steady && velocity != axis.velocity {
            told = Some(velocity - axis.velocity);
            axis.tell(now, velocity);
        } else if residual != 0 {
            axis.correct(field, before, actual, residual);
        }
        Miss { residual, told }
    }
}

const fn middle(level: u32) -> u32 {
    (level << FRACTION_BITS) | (ONE as u32 / 2)
}

/// Binary places of a level in linear motion.
pub(crate) const FRACTION_BITS: u32 = 6;
/// The binary places of what is in linear motion.
pub(crate) const FRACTION_MASK: u32 = (1 << FRACTION_BITS) - 1;
/// One level.
pub(crate) const ONE: i32 = 1 << FRACTION_BITS;
/// Below this a field that was seen to stand still stands still.
const VELOCITY_MIN: i32 = ONE / 8;
/// A velocity that changes by no more than this in a frame is worth telling.
const STEADY_MAX: u32 = 4;
const GAIN_FIRST: u8 = 1;
/// Changes never become smaller than this.
pub(crate) const GAIN_MAX: u8 = 6;
/// Bits of a gain.
pub(crate) const GAIN_BITS: u32 = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    /// The frames in which a field that is at `at(frame)` must be corrected.
    fn corrections(field: &Field, at: impl Fn(u32) -> f64, frames: u32) -> Vec<u32> {
        let mut axis = Axis::still(field, field.level_of(at(0)));
        let mut track = Track::default();
        track.start(field.fine_of(at(0)));
        let mut out = Vec::new();
        for frame in 1..frames {
            let miss = track.advance(&mut axis, field, field.fine_of(at(frame)));
            if miss.residual != 0 {
                out.push(frame);
            }
            assert_eq!(axis.level(field), field.level_of(at(frame)));
        }
        out
    }

    #[test]
    fn what_moves_straight_soon_needs_no_correction() {
        let field = Field::real("x", 0.0..=1_000.0, 0.125).linear();
        for (speed, count_max) in [(0.013, 12), (0.3, 10), (1.77, 10), (9.99, 10)] {
            let seen = corrections(&field, |frame| 3.0 + f64::from(frame) * speed, 100);
            assert!(seen.len() <= count_max, "{speed}: {seen:?}");
        }
    }

    #[test]
    fn what_stops_stays() {
        let field = Field::real("x", 0.0..=1_000.0, 0.125).linear();
        for speed in [0.05, 0.3, 1.77, 9.99] {
            let at = |frame: u32| 3.0 + f64::from(frame.min(40)) * speed;
            let late = corrections(&field, at, 1_000);
            let late = late.into_iter().filter(|frame| *frame > 43).count();
            assert_eq!(late, 0, "{speed}");
        }
    }

    #[test]
    fn an_angle_goes_round() {
        let field = Field::angle("heading", 256).linear();
        let seen = corrections(&field, |frame| f64::from(frame) * 0.37, 200);
        assert!(seen.len() < 12, "{seen:?}");
        let seen = corrections(&field, |frame| f64::from(frame) * -0.37, 200);
        assert!(seen.len() < 12, "{seen:?}");
    }

    #[test]
    fn many_frames_at_once_are_one_after_the_other() {
        let straight = Field::real("x", 0.0..=10.0, 1.0).linear();
        for field in [straight, Field::angle("a", 16).linear()] {
            for velocity in [-700, -64, -5, 0, 3, 64, 500] {
                let mut axis = Axis::still(&field, 3);
                axis.velocity = velocity;
                let first = axis;
                for frames in 0..40 {
                    assert_eq!(first.predicted(&field, frames), axis, "{velocity} {frames}");
                    axis.predict(&field);
                }
            }
        }
    }

    #[test]
    fn the_border_holds() {
        let field = Field::real("x", 0.0..=10.0, 1.0).linear();
        let at = |frame: u32| f64::from(frame).min(10.0);
        assert!(corrections(&field, at, 100).len() < 8);
    }
}
