//! When a distance first falls to zero: the one question that every event of the simulation asks.

/// Coefficients of a quartic in time, lowest power first.
pub(crate) type Quartic = [f64; 5];

/// The first time in `0.0..=end` at which `f` falls from above zero to zero, or is at most zero and falls, and which
/// `accept` agrees to.
///
/// Such a time is a contact of two bodies when `f` is the gap between them. That contacts are *falls* is what makes
/// touching bodies harmless: a pair that separates has none, however the last bits of its gap were rounded, and a pair
/// that comes closer again has one as soon as it does.
///
/// The quartic is written in Bernstein's basis and halved until each part has a sign or is monotone, from the left, so
/// that nothing is found out of order and nothing lies between two samples. Then Newton's method finishes, kept inside
/// the bracket. Source: Lane and Riesenfeld, "Bounds on a polynomial" (1981).
pub(crate) fn first_fall(
    f: &Quartic,
    end: f64,
    accept: &mut dyn FnMut(f64) -> bool,
) -> Option<f64> {
    let whole = Part {
        begin: 0.0,
        length: end,
        splits: 0,
        weights: bernstein(f, end),
    };
    whole.first_fall(f, accept)
}

pub(crate) fn value(f: &Quartic, t: f64) -> f64 {
    f[0] + t * (f[1] + t * (f[2] + t * (f[3] + t * f[4])))
}

/// The root of a function that falls from above zero to at most zero, to within [`SECONDS_ERROR`] or its rounding.
fn root_between(f: &Quartic, mut low: f64, mut high: f64) -> f64 {
    let mut t = low;
    for _ in 0..STEPS_MAX {
        let height = value(f, t);
        if height > 0.0 {
            low = t;
        } else if height < 0.0 {
            high = t;
        } else {
            break;
        }
        let slope = f[1] + t * (2.0 * f[2] + t * (3.0 * f[3] + t * (4.0 * f[4])));
        let mut next = t - height / slope;
        // A slope of zero gives no number that passes this.
        if !(next > low && next < high) {
            next = 0.5 * (low + high);
        }
        let moved = if next > t { next - t } else { t - next };
        t = next;
        if moved <= SECONDS_ERROR {
            break;
        }
    }
    t
}

fn bernstein(f: &Quartic, end: f64) -> [f64; 5] {
    let c1 = f[1] * end;
    let c2 = f[2] * (end * end);
    let c3 = f[3] * (end * end * end);
    let c4 = f[4] * (end * end * end * end);
    [
        f[0],
        f[0] + 0.25 * c1,
        f[0] + 0.5 * c1 + c2 * (1.0 / 6.0),
        f[0] + 0.75 * c1 + 0.5 * c2 + 0.25 * c3,
        f[0] + c1 + c2 + c3 + c4,
    ]
}

struct Part {
    begin: f64,
    length: f64,
    splits: u32,
    weights: [f64; 5],
}

impl Part {
    fn first_fall(&self, f: &Quartic, accept: &mut dyn FnMut(f64) -> bool) -> Option<f64> {
        let b = &self.weights;
        let is_above = b[0] > 0.0 && b[1] > 0.0 && b[2] > 0.0 && b[3] > 0.0 && b[4] > 0.0;
        let rises = b[0] <= b[1] && b[1] <= b[2] && b[2] <= b[3] && b[3] <= b[4];
        if is_above || rises {
            return None;
        }
        let falls = b[0] >= b[1] && b[1] >= b[2] && b[2] >= b[3] && b[3] >= b[4];
        if falls {
            let time = if b[0] > 0.0 {
                root_between(f, self.begin, self.begin + self.length)
            } else {
                self.begin
            };
            return accept(time).then_some(time);
        }
        // What is neither after so many halvings touches zero within rounding; the part after it tells whether it falls.
        if self.splits == SPLITS_MAX {
            return None;
        }
        let (left, right) = self.halves();
        left.first_fall(f, accept)
            .or_else(|| right.first_fall(f, accept))
    }

    /// De Casteljau's halving.
    fn halves(&self) -> (Self, Self) {
        let mut row = self.weights;
        let mut left = [row[0]; 5];
        let mut right = [row[4]; 5];
        for level in 1..5 {
            for index in 0..5 - level {
                row[index] = 0.5 * (row[index] + row[index + 1]);
            }
            left[level] = row[0];
            right[4 - level] = row[4 - level];
        }
        let length = 0.5 * self.length;
        let half = |begin, weights| Self {
            begin,
            length,
            splits: self.splits + 1,
            weights,
        };
        (half(self.begin, left), half(self.begin + length, right))
    }
}

/// 2⁻⁴⁰ of a phase of ten seconds is 10⁻¹¹ s.
const SPLITS_MAX: u32 = 40;
const STEPS_MAX: u32 = 64;
/// In seconds. At 10 m/s it is 10⁻¹² m.
const SECONDS_ERROR: f64 = 1e-13;

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use crate::chance::Chance;

    /// Looks at many moments, one after the other.
    fn by_looking(f: &Quartic, end: f64) -> Option<f64> {
        let step = end / f64::from(LOOKS);
        let height = |index: u32| value(f, f64::from(index) * step);
        let falls = |index: &u32| {
            let (now, next) = (height(*index), height(index + 1));
            (now > 0.0 && next <= 0.0) || (now <= 0.0 && next < now)
        };
        let found = (0..LOOKS).find(falls)?;
        Some(f64::from(found) * step)
    }

    #[test]
    fn falls_are_those_that_looking_finds() {
        let mut chance = Chance::new(1);
        let mut number = |scale: f64| (chance.next() >> 11) as f64 / TWO_53 * scale - 0.5 * scale;
        let mut found_some = 0;
        for _ in 0..2_000 {
            let end = 1.0 + number(1.5);
            let f = [
                number(1.0),
                number(8.0),
                number(16.0),
                number(16.0),
                number(8.0),
            ];
            let found = first_fall(&f, end, &mut |_| true);
            let looked = by_looking(&f, end);
            let step = end / f64::from(LOOKS);
            match (found, looked) {
                (Some(found), Some(looked)) => {
                    assert!(
                        found >= looked - step && found <= looked + 2.0 * step,
                        "{f:?} {end}"
                    );
                    let height = value(&f, found);
                    assert!(height < 1e-11, "{f:?} {end}: {height:e}");
                    found_some += 1;
                }
                // Between two looks it fell and rose again.
                (Some(found), None) => assert!(value(&f, found) < 1e-11, "{f:?} {end}"),
                (None, Some(looked)) => assert!(looked > end - 2.0 * step, "{f:?} {end} {looked}"),
                (None, None) => {}
            }
        }
        assert!(found_some > 500, "{found_some}");
    }

    #[test]
    fn known_roots_are_found_in_order() {
        // −(t − 1)(t − 2)(t − 3)(t − 4) falls through zero at 2 and at 4.
        let f = [-24.0, 50.0, -35.0, 10.0, -1.0];
        // At 0 it is below zero and rises.
        let first = first_fall(&f, 5.0, &mut |_| true).unwrap();
        assert!((first - 2.0).abs() < 1e-12, "{first}");
        let second = first_fall(&f, 5.0, &mut |t| t > 3.0).unwrap();
        assert!((second - 4.0).abs() < 1e-12, "{second}");
        assert_eq!(first_fall(&f, 1.9, &mut |_| true), None);
        assert_eq!(first_fall(&f, 5.0, &mut |_| false), None);
    }

    #[test]
    fn touching_is_a_contact_only_when_it_comes_closer() {
        let check = |f: Quartic| first_fall(&f, 2.0, &mut |_| true);
        assert_eq!(check([0.0, 1.0, 0.0, 0.0, 0.0]), None);
        assert_eq!(check([-1e-12, 1.0, 0.0, 0.0, 0.0]), None);
        assert_eq!(check([0.0, -1.0, 0.0, 0.0, 0.0]), Some(0.0));
        assert_eq!(check([-1e-12, -1.0, 0.0, 0.0, 0.0]), Some(0.0));
        assert_eq!(check([0.0; 5]), None);
        // Apart and together again: t − t².
        let back = check([0.0, 1.0, -1.0, 0.0, 0.0]).unwrap();
        assert!((back - 1.0).abs() < 1e-12, "{back}");
        // Never apart, but closer again from the top of a curve below zero on.
        let top = check([-0.3, 1.0, -1.0, 0.0, 0.0]).unwrap();
        assert!((top - 0.5).abs() < 1e-6, "{top}");
        // To pass by at a millionth of a millionth is no contact; to touch is one.
        assert_eq!(check([1.0 + 1e-12, -2.0, 1.0, 0.0, 0.0]), None);
        let touched = check([1.0, -2.0, 1.0, 0.0, 0.0]).unwrap();
        assert!((touched - 1.0).abs() < 1e-6, "{touched}");
    }

    const LOOKS: u32 = 4_000;
    const TWO_53: f64 = 9_007_199_254_740_992.0;
}
