//! Numbers as nodes of a tree over all of them, so that a set of slots at each node answers both
//! "whose number lies in this range" and "whose range contains this number" by joining a few sets.
//! A node stands for neighbouring numbers: answers contain what is asked for, and a little beside it.

/// Bits of a number that count: sign, exponent and nine bits of precision, which tells 1000 from 1001.
const BITS: u32 = 21;

/// A node has eight children.
const LEVEL_BITS: u32 = 3;

/// Levels below the root, of which there is no need.
const LEVELS: u32 = BITS / LEVEL_BITS;

/// A node: its level, 0 at the leaves, and which one of the level's it is.
pub(super) type Node = (u32, u32);

/// The nodes above a number, its leaf first.
pub(super) fn path(number: f64) -> impl Iterator<Item = Node> {
    let leaf = leaf(number);
    (0..LEVELS).map(move |level| (level, leaf >> (level * LEVEL_BITS)))
}

/// Fewest nodes that together stand for the numbers from `low` to `high` and hardly others.
/// None if there is no number between them.
pub(super) fn cover(low: f64, high: f64) -> Vec<Node> {
    const LAST: u32 = (1 << LEVEL_BITS) - 1;
    let mut nodes = Vec::new();
    if low > high {
        return nodes;
    }
    // `end` is one behind the last.
    let (mut begin, mut end) = (leaf(low), leaf(high) + 1);
    for level in 0..LEVELS {
        let top = level + 1 == LEVELS;
        while begin < end && (top || begin & LAST != 0) {
            nodes.push((level, begin));
            begin += 1;
        }
        while begin < end && end & LAST != 0 {
            end -= 1;
            nodes.push((level, end));
        }
        begin >>= LEVEL_BITS;
        end >>= LEVEL_BITS;
    }
    nodes
}

/// The number's leaf: leaves are in the order of numbers.
fn leaf(number: f64) -> u32 {
    // Both zeros are the same number.
    let bits = (number + 0.0).to_bits();
    let ordered = if bits >> 63 == 0 {
        bits | 1 << 63
    } else {
        !bits
    };
    (ordered >> (u64::BITS - BITS)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meets(number: f64, low: f64, high: f64) -> bool {
        let nodes = cover(low, high);
        path(number).any(|node| nodes.contains(&node))
    }

    proptest::proptest! {
        #[test]
        fn ranges_contain_their_numbers(
            number in proptest::num::f64::NORMAL | proptest::num::f64::ZERO,
            low in proptest::num::f64::NORMAL,
            high in proptest::num::f64::NORMAL,
        ) {
            if low <= number && number <= high {
                assert!(meets(number, low, high));
            }
            assert!(meets(number, number, number));
            assert!(meets(number, f64::NEG_INFINITY, number));
            assert!(meets(number, number, f64::INFINITY));
        }

        #[test]
        fn ranges_contain_hardly_others(number in 0.0..5_000.0_f64, low in 0.0..5_000.0_f64, wide in 0.0..500.0_f64) {
            let high = low + wide;
            let slack = number / 500.0 + 1e-9;
            if number + slack < low || number > high + slack {
                assert!(!meets(number, low, high), "{number} {low} {high}");
            }
        }
    }

    #[test]
    fn the_ends() {
        assert!(cover(1.0, 0.5).is_empty());
        assert!(meets(-0.0, 0.0, 0.0));
        assert!(meets(f64::MAX, f64::MAX, f64::INFINITY));
        assert!(meets(f64::MIN, f64::NEG_INFINITY, f64::INFINITY));
        assert!(cover(900.0, 1_100.0).len() <= 30);
        assert!(cover(f64::MIN_POSITIVE, f64::MAX).len() <= 60);
    }
}
