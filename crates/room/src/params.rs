//! What the parameters of most games need: numbers that are kept in their ranges.

use std::ops::RangeInclusive;

/// A number of a game's parameters is out of its range.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{key} is {value}, allowed are {min} to {max}")]
pub struct OutOfRange {
    /// The key.
    pub key: &'static str,
    /// Its value.
    pub value: u32,
    /// Smallest allowed value.
    pub min: u32,
    /// Largest allowed value.
    pub max: u32,
}

/// Checks numbers of a game's parameters, each with its key and range.
///
/// # Errors
/// The first that is out of its range.
pub fn check_ranges(
    numbers: impl IntoIterator<Item = (&'static str, u32, RangeInclusive<u32>)>,
) -> Result<(), OutOfRange> {
    for (key, value, range) in numbers {
        if !range.contains(&value) {
            return Err(OutOfRange {
                key,
                value,
                min: *range.start(),
                max: *range.end(),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_number_out_of_its_range_is_named() {
        assert_eq!(check_ranges([("a", 1, 1..=3), ("b", 3, 1..=3)]), Ok(()));
        for (value, text) in [
            (0, "b is 0, allowed are 1 to 3"),
            (4, "b is 4, allowed are 1 to 3"),
        ] {
            let error = check_ranges([("a", 1, 1..=3), ("b", value, 1..=3), ("c", 9, 0..=0)]);
            assert_eq!(error.unwrap_err().to_string(), text);
        }
    }
}
