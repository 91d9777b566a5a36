//! What was wrong with a stroke.

use tagus_duel::Played;

use crate::table::CUE;

/// What was wrong with a stroke; of several the first of this list.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub enum Foul {
    /// The cue ball went into a pocket.
    Scratch = 1,
    /// It met no ball.
    NoBall = 2,
    /// It first met a ball that was not on.
    WrongBall = 3,
    /// After it met a ball, none met a cushion and none was pocketed.
    NoCushion = 4,
    /// A break after which less than four balls had met a cushion and none was pocketed.
    WeakBreak = 5,
}

impl Foul {
    /// The foul of a number that a verdict has; none of 0, and of others.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::Scratch,
            2 => Self::NoBall,
            3 => Self::WrongBall,
            4 => Self::NoCushion,
            5 => Self::WeakBreak,
            _ => return None,
        })
    }

    /// The foul of a stroke, where `is_on` says which balls may be met first.
    pub(crate) fn of(
        played: &Played,
        is_break: bool,
        is_on: impl FnOnce(u8) -> bool,
    ) -> Option<Self> {
        if played.pocketed.iter().any(|(ball, _)| *ball == CUE) {
            return Some(Self::Scratch);
        }
        match played.first {
            None => return Some(Self::NoBall),
            Some(ball) if !is_on(ball) => return Some(Self::WrongBall),
            Some(_) => (),
        }
        if !played.pocketed.is_empty() {
            return None;
        }
        let object_balls = played.cushioned & !(1 << CUE);
        if is_break {
            (object_balls.count_ones() < BREAK_CUSHIONS).then_some(Self::WeakBreak)
        } else {
            (played.cushioned_after == 0).then_some(Self::NoCushion)
        }
    }
}

/// Balls, the cue ball not counted, that a break must send to a cushion if it pockets none.
pub(crate) const BREAK_CUSHIONS: u32 = 4;

#[cfg(test)]
mod tests {
    use tagus_physics::State;

    use super::*;

    #[test]
    fn the_first_foul_of_the_list_counts() {
        let check =
            |first, cushioned, cushioned_after, pocketed: &[(u8, u8)], is_break, expected| {
                let played = Played {
                    state: State::default(),
                    hash: 0,
                    rest_ms: 0,
                    first,
                    cushioned,
                    cushioned_after,
                    pocketed: pocketed.to_vec(),
                };
                let found = Foul::of(&played, is_break, |ball| ball == 3);
                assert_eq!(found, expected, "{played:?} break {is_break}");
            };
        use Foul::{NoBall, NoCushion, Scratch, WeakBreak, WrongBall};
        // first, cushioned, cushioned after the hit, pocketed, break
        check(Some(3), 0b1, 0b1, &[], false, None);
        check(Some(3), 0b1000, 0b1000, &[], false, None);
        check(Some(3), 0, 0, &[(3, 1)], false, None);
        check(Some(3), 0, 0, &[(5, 1)], false, None);
        check(Some(3), 0b1, 0, &[], false, Some(NoCushion));
        check(Some(3), 0, 0, &[], false, Some(NoCushion));
        check(Some(4), 0b1, 0b1, &[(4, 0)], false, Some(WrongBall));
        check(None, 0b1, 0, &[], false, Some(NoBall));
        check(None, 0, 0, &[(0, 2)], false, Some(Scratch));
        check(Some(4), 0, 0, &[(4, 0), (0, 2)], false, Some(Scratch));
        check(Some(3), 0b1_1110, 0b1_1110, &[], true, None);
        check(Some(3), 0b1111, 0b1111, &[], true, Some(WeakBreak));
        check(Some(3), 0, 0, &[(9, 0)], true, None);
        check(Some(4), 0b1_1110, 0b1_1110, &[], true, Some(WrongBall));
        check(None, 0, 0, &[], true, Some(NoBall));
    }
}
