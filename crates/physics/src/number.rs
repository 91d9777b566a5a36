//! Functions that the platform must not compute: square root, direction, exponential. Each is made of `+ - * /` and
//! integers, so that its bits are the same everywhere.

use crate::vector::Vec2;

/// The square root, rounded to nearest as IEEE 754 has it. Zero for what is not above 2⁻¹⁰²², negative numbers too:
/// those come from rounding what is zero.
pub(crate) fn sqrt(x: f64) -> f64 {
    if x < f64::MIN_POSITIVE {
        return 0.0;
    }
    let bits = x.to_bits();
    let mut exponent = (bits >> 52) as i64 - 1023;
    let mut mantissa = (bits & MANTISSA) | (1 << 52);
    if exponent & 1 != 0 {
        mantissa <<= 1;
        exponent -= 1;
    }
    // x = mantissa · 2^(exponent − 52), so the root is √(mantissa · 2⁵²) · 2^(exponent / 2 − 52).
    let scaled = mantissa as f64 * (1.0 / TWO_52);
    let mut inverse = f64::from_bits(INVERSE_ROOT - (scaled.to_bits() >> 1));
    for _ in 0..4 {
        inverse *= 1.5 - 0.5 * scaled * inverse * inverse;
    }
    let mut root = (scaled * inverse * TWO_52) as u64;
    // The guess is off by a few units at most, so this difference fits although neither of its terms does.
    let mut rest = (mantissa << 52).wrapping_sub(root.wrapping_mul(root)) as i64;
    while rest < 0 {
        root -= 1;
        rest += 2 * root as i64 + 1;
    }
    while rest > 2 * root as i64 {
        rest -= 2 * root as i64 + 1;
        root += 1;
    }
    if rest > root as i64 {
        root += 1;
    }
    let power = f64::from_bits(((exponent / 2 - 52 + 1023) as u64) << 52);
    root as f64 * power
}

/// The unit vector at an angle counted from `x` to the left, as a fraction of a turn in units of 2⁻³².
///
/// The error is below 3 · 10⁻¹⁶; multiples of a quarter turn are exact.
#[must_use]
pub fn direction(angle: u32) -> Vec2 {
    let quarter = angle >> 30;
    let rest = angle & (QUARTER - 1);
    // Reduced in integers to at most an eighth of a turn, where the series are short.
    let (cos, sin) = if rest > QUARTER / 2 {
        let (cos, sin) = cos_sin(QUARTER - rest);
        (sin, cos)
    } else {
        cos_sin(rest)
    };
    let along = Vec2::new(cos, sin);
    match quarter {
        0 => along,
        1 => along.left(),
        2 => -along,
        _ => -along.left(),
    }
}

#[inline(never)]
fn cos_sin(angle: u32) -> (f64, f64) {
    let x = f64::from(angle) * RADIANS;
    let square = x * x;
    let series = |terms: &[f64]| {
        let sum = |sum: f64, term: &f64| sum * square + term;
        terms.iter().rev().fold(0.0, sum)
    };
    (series(&COSINE), series(&SINE) * x)
}

/// e to the power of −x, for `x` in `0.0..=100.0`, with an error below 10⁻⁹.
pub(crate) fn decay(x: f64) -> f64 {
    let y = x * (1.0 / 64.0);
    let mut power =
        1.0 + y * (1.0 + y * (0.5 + y * (1.0 / 6.0 + y * (1.0 / 24.0 + y * (1.0 / 120.0)))));
    for _ in 0..6 {
        power *= power;
    }
    1.0 / power
}

/// To the nearest integer, halves away from zero; saturates. No −0.0 survives it.
pub(crate) fn round(x: f64) -> i32 {
    let half = if x < 0.0 { -0.5 } else { 0.5 };
    (x + half) as i32
}

const MANTISSA: u64 = (1 << 52) - 1;
const TWO_52: f64 = 4_503_599_627_370_496.0;
/// First guess of 1/√x: minus half the bits of x. Source: Lomont, "Fast inverse square root" (2003), for `f64`.
const INVERSE_ROOT: u64 = 0x5fe6_eb50_c7b5_37a9;
const QUARTER: u32 = 1 << 30;
/// 2π / 2³².
const RADIANS: f64 = 1.462_918_079_267_159_7e-9;
const COSINE: [f64; 9] = [
    1.0,
    -1.0 / 2.0,
    1.0 / 24.0,
    -1.0 / 720.0,
    1.0 / 40_320.0,
    -1.0 / 3_628_800.0,
    1.0 / 479_001_600.0,
    -1.0 / 87_178_291_200.0,
    1.0 / 20_922_789_888_000.0,
];
const SINE: [f64; 9] = [
    1.0,
    -1.0 / 6.0,
    1.0 / 120.0,
    -1.0 / 5_040.0,
    1.0 / 362_880.0,
    -1.0 / 39_916_800.0,
    1.0 / 6_227_020_800.0,
    -1.0 / 1_307_674_368_000.0,
    1.0 / 355_687_428_096_000.0,
];

#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    reason = "what is ours is compared with what the platform has"
)]
mod tests {
    extern crate std;

    use super::*;
    use crate::chance::Chance;

    #[test]
    fn roots_are_those_of_the_processor() {
        let check = |x: f64| assert_eq!(sqrt(x).to_bits(), x.sqrt().to_bits(), "{x:e}");
        let mut chance = Chance::new(1);
        for _ in 0..200_000 {
            // Every exponent above the subnormal ones, any mantissa.
            let exponent = 1 + chance.next() % 2046;
            check(f64::from_bits(exponent << 52 | chance.next() & MANTISSA));
        }
        for x in [1.0, 2.0, 4.0, 0.25, f64::MIN_POSITIVE, f64::MAX, 1e-300] {
            check(x);
            check(f64::from_bits(x.to_bits() - u64::from(x > 1e-299)));
        }
        for x in 0..10_000_u32 {
            let x = f64::from(x);
            assert_eq!(sqrt(x * x), x);
        }
        for x in [0.0, -0.0, -1.0, 1e-310] {
            assert_eq!(sqrt(x).to_bits(), 0, "{x}");
        }
    }

    #[test]
    fn directions_are_those_of_the_library_within_rounding() {
        for index in 0..1_000_000_u32 {
            let angle = index.wrapping_mul(4_295).wrapping_add(index);
            let radians = f64::from(angle) * core::f64::consts::TAU / 4_294_967_296.0;
            let found = direction(angle);
            let error = (found.x - radians.cos()).abs() + (found.y - radians.sin()).abs();
            assert!(error < 2e-15, "{angle}: {error:e}");
            assert!((found.dot(found) - 1.0).abs() < 6e-16, "{angle}");
        }
        let quarters = [(1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0)];
        for (turn, (x, y)) in (0_u32..4).zip(quarters) {
            assert_eq!(direction(turn << 30), Vec2::new(x, y));
        }
    }

    #[test]
    fn decay_is_the_exponential() {
        for index in 0..=10_000 {
            let x = f64::from(index) * 0.01;
            let error = (decay(x) - (-x).exp()).abs();
            assert!(error < 1e-8 * (-x).exp() + 1e-9, "{x}: {error:e}");
        }
    }

    #[test]
    fn rounding_goes_to_the_nearest_and_saturates() {
        for (x, rounded) in [
            (0.4, 0),
            (0.5, 1),
            (-0.4, 0),
            (-0.5, -1),
            (2.5, 3),
            (1e12, i32::MAX),
            (-1e12, i32::MIN),
        ] {
            assert_eq!(round(x), rounded, "{x}");
        }
    }
}
