//! Short texts for numbers, by the public rules of Sqids, one number each.
//!
//! The alphabet has no vowels and one case, so that no text is a word and none is misread: instead of a list of words to
//! avoid.

/// A way to write numbers, given by an alphabet.
#[derive(Clone, Debug)]
pub struct Sqids {
    /// Shuffled by its own order.
    alphabet: Vec<u8>,
    length_min: usize,
}

/// Why an alphabet cannot be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "must be {} to 36 different ones of A-Z and 0-9",
    Sqids::ALPHABET_LEN_MIN
)]
pub struct AlphabetError;

impl Sqids {
    /// Characters of an alphabet, at least: fewer make long texts.
    pub const ALPHABET_LEN_MIN: usize = 16;

    /// An alphabet of capital letters and digits, each once. Another order of the same ones gives other texts.
    ///
    /// # Errors
    /// Other characters, the same one twice, or too few.
    pub fn new(alphabet: &str, length_min: usize) -> Result<Self, AlphabetError> {
        let bytes = alphabet.as_bytes();
        let good = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
        let distinct: std::collections::BTreeSet<&u8> = bytes.iter().collect();
        let enough = bytes.len() >= Self::ALPHABET_LEN_MIN;
        if !enough || distinct.len() < bytes.len() || !bytes.iter().all(good) {
            return Err(AlphabetError);
        }
        Ok(Self::of(bytes, length_min))
    }

    fn of(alphabet: &[u8], length_min: usize) -> Self {
        let mut alphabet = alphabet.to_vec();
        shuffle(&mut alphabet);
        Self {
            alphabet,
            length_min,
        }
    }

    /// The text of a number.
    #[must_use]
    pub fn encode(&self, number: u32) -> String {
        let count = self.alphabet.len();
        let first = number as usize % count;
        let offset = (1 + usize::from(self.alphabet[first])) % count;
        let mut alphabet = self.turned(offset);
        let mut text = vec![alphabet[0]];
        alphabet.reverse();
        text.extend(digits(number, &alphabet[1..]));
        if text.len() < self.length_min {
            // The separator, then filling up to the least length.
            text.push(alphabet[0]);
            while text.len() < self.length_min {
                shuffle(&mut alphabet);
                let lacking = self.length_min - text.len();
                text.extend(alphabet.iter().take(lacking));
            }
        }
        text.into_iter().map(char::from).collect()
    }

    /// The number of a text in either case; none for what no number is written as.
    #[must_use]
    pub fn decode(&self, text: &str) -> Option<u32> {
        if text.len() > TEXT_BYTES_MAX {
            return None;
        }
        let text = text.to_ascii_uppercase();
        let (first, rest) = text.as_bytes().split_first()?;
        let offset = self.alphabet.iter().position(|letter| letter == first)?;
        let mut alphabet = self.turned(offset);
        alphabet.reverse();
        let (separator, letters) = alphabet.split_first()?;
        let written = rest.split(|letter| letter == separator).next()?;
        let mut number: u64 = 0;
        for byte in written {
            let digit = letters.iter().position(|letter| letter == byte)?;
            let count = letters.len() as u64;
            number = number.checked_mul(count)?.checked_add(digit as u64)?;
        }
        let number = u32::try_from(number).ok()?;
        // Many texts would read as the same number; one of them is its own.
        (self.encode(number) == text).then_some(number)
    }

    fn turned(&self, offset: usize) -> Vec<u8> {
        let mut alphabet = self.alphabet.clone();
        alphabet.rotate_left(offset);
        alphabet
    }
}

/// A longer text than any number has, whatever the alphabet.
const TEXT_BYTES_MAX: usize = 64;

fn digits(mut number: u32, letters: &[u8]) -> Vec<u8> {
    let count = letters.len();
    let mut digits = Vec::new();
    loop {
        digits.push(letters[number as usize % count]);
        number /= count as u32;
        if number == 0 {
            break;
        }
    }
    digits.reverse();
    digits
}

/// The same order for the same letters, always.
fn shuffle(alphabet: &mut [u8]) {
    let count = alphabet.len();
    for low in 0..count - 1 {
        let high = count - 1 - low;
        let sum = low * high + usize::from(alphabet[low]) + usize::from(alphabet[high]);
        alphabet.swap(low, sum % count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_those_of_the_public_rules() {
        let usual = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
        let sqids = Sqids::of(usual, 0);
        for (number, text) in [(0, "bM"), (1, "Uk"), (2, "gb"), (3, "Ef"), (4, "Vq")] {
            assert_eq!(sqids.encode(number), text);
        }
    }

    #[test]
    fn every_number_reads_back_in_either_case() {
        let sqids = Sqids::new("BCDFGHJKMNPQRSTVWXYZ23456789", 6).unwrap();
        let mut number = 1_u32;
        for step in 0..20_000_u32 {
            let text = sqids.encode(number);
            assert!((6..=8).contains(&text.len()), "{text}");
            assert_eq!(sqids.decode(&text), Some(number));
            assert_eq!(sqids.decode(&text.to_lowercase()), Some(number));
            number = number.wrapping_mul(2_654_435_761).wrapping_add(step);
        }
        for number in [0, u32::MAX] {
            assert_eq!(sqids.decode(&sqids.encode(number)), Some(number));
        }
    }

    #[test]
    fn one_text_a_number_and_no_other() {
        let sqids = Sqids::new("BCDFGHJKMNPQRSTVWXYZ23456789", 6).unwrap();
        let text = sqids.encode(77);
        for wrong in [
            String::new(),
            text[..5].to_owned(),
            format!("{text}B"),
            text.replace(&text[5..], if text.ends_with('B') { "C" } else { "B" }),
            "AAAAAA".to_owned(),
            "ü23456".to_owned(),
            "9".repeat(10_000),
        ] {
            assert_eq!(sqids.decode(&wrong), None, "{wrong}");
        }
    }

    #[test]
    fn alphabets_are_checked_and_orders_differ() {
        for bad in [
            "",
            "BCDFGHJKMNPQRST",
            "BBCDFGHJKMNPQRSTV",
            "bcdfghjkmnpqrstvwxyz",
        ] {
            assert!(Sqids::new(bad, 6).is_err(), "{bad}");
        }
        let one = Sqids::new("BCDFGHJKMNPQRSTV", 6).unwrap();
        let other = Sqids::new("VBCDFGHJKMNPQRST", 6).unwrap();
        assert_ne!(one.encode(1), other.encode(1));
    }
}
