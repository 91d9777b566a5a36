//! What bots of every sport have: a strength, an eye for directions, and an arm that is not quite exact.

use tagus_base::Rng;
use tagus_physics::{Vec2, direction};

use crate::stroke::Stroke;

/// How good a bot is: how many shots it thinks of, and how exactly it plays the best of them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub enum Strength {
    /// Knows where to aim, and often misses.
    Weak = 1,
    /// Does what is easy.
    Fair = 2,
    /// Thinks of what comes next, too.
    Strong = 3,
}

impl Strength {
    pub(crate) const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::Weak,
            2 => Self::Fair,
            3 => Self::Strong,
            _ => return None,
        })
    }
}

/// How exactly a bot plays what it means to.
#[derive(Clone, Copy, Debug)]
pub struct Arm {
    /// Standard deviation of the direction, in degrees.
    pub angle_error: f64,
    /// Standard deviation of the power, as a part of it.
    pub power_error: f64,
}

impl Arm {
    /// The stroke as this arm plays it.
    #[must_use]
    pub fn play(&self, stroke: &Stroke, rng: &mut Rng) -> Stroke {
        let turn = (self.angle_error * DEGREE * normal(rng)) as i32;
        let power = f64::from(stroke.shot.power) * (1.0 + self.power_error * normal(rng));
        let mut out = *stroke;
        out.shot.angle = out.shot.angle.wrapping_add_signed(turn);
        out.shot.power = (power as u16).max(1);
        out
    }

    /// What a stroke is worth on the average of so many `tries`, at least one: the first as it is meant, the others as
    /// this arm plays it.
    pub fn average(
        &self,
        stroke: &Stroke,
        tries: u32,
        rng: &mut Rng,
        worth: impl Fn(&Stroke) -> f64,
    ) -> f64 {
        let mut sum = worth(stroke);
        for _ in 1..tries {
            sum += worth(&self.play(stroke, rng));
        }
        sum / f64::from(tries)
    }
}

/// The direction of a vector in 2⁻³² turns, found among those that the physics has.
#[must_use]
pub fn angle_of(way: Vec2) -> u32 {
    let (mut way, mut angle) = (way, 0_u32);
    // Into the first quarter.
    while !(way.x > 0.0 && way.y >= 0.0) {
        if way == Vec2::ZERO {
            return 0;
        }
        way = -way.left();
        angle = angle.wrapping_add(QUARTER);
    }
    let (mut low, mut high) = (0, QUARTER);
    while low + 1 < high {
        let middle = low + (high - low) / 2;
        if direction(middle).cross(way) >= 0.0 {
            low = middle;
        } else {
            high = middle;
        }
    }
    angle.wrapping_add(low)
}

/// About normally distributed, with a standard deviation of 1 and never beyond 3.5.
fn normal(rng: &mut Rng) -> f64 {
    let sum: f32 = (0..4).map(|_| rng.unit_f32()).sum();
    f64::from(sum - 2.0) * 1.732
}

const QUARTER: u32 = 1 << 30;
/// In 2⁻³² turns.
const DEGREE: f64 = 4_294_967_296.0 / 360.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn angles_of_vectors_are_those_of_directions() {
        for index in 0..4_096_u32 {
            let angle = index.wrapping_mul(0x0010_0007);
            let off = angle_of(direction(angle) * 0.7).wrapping_sub(angle) as i32;
            assert!(off.abs() <= 4, "{angle}: {off}");
        }
        for (turn, (x, y)) in (0_u32..).zip([(1.0, 0.0), (0.0, 2.0), (-0.5, 0.0), (0.0, -1.0)]) {
            assert_eq!(angle_of(Vec2::new(x, y)), turn << 30);
        }
        assert_eq!(angle_of(Vec2::ZERO), 0);
    }

    #[test]
    fn the_first_try_is_as_it_is_meant_and_the_others_as_the_arm_plays_them() {
        let arm = Arm {
            angle_error: 1.0,
            power_error: 0.1,
        };
        let mut stroke = Stroke::default();
        stroke.shot.power = 20_000;
        let power = |tried: &Stroke| f64::from(tried.shot.power);
        assert_eq!(arm.average(&stroke, 1, &mut Rng::new(1), power), 20_000.0);
        let mut rng = Rng::new(1);
        let played = [(); 2].map(|()| power(&arm.play(&stroke, &mut rng)));
        assert_ne!(played[0], played[1]);
        let average = (20_000.0 + played[0] + played[1]) / 3.0;
        assert_eq!(arm.average(&stroke, 3, &mut Rng::new(1), power), average);
    }
}
