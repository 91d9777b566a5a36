//! Streams of bits, lowest bit first, and whole numbers in as many bytes as they need.

#![warn(clippy::cast_possible_truncation, clippy::indexing_slicing)]

use alloc::vec::Vec;

use crate::DecodeError;

/// Where an encoder's bits go.
pub(crate) trait Sink {
    /// Appends the `bits` (0..=32) lowest bits of `value`; higher ones must be zero.
    fn bits(&mut self, value: u32, bits: u32);

    /// Appends one bit.
    fn flag(&mut self, value: bool) {
        self.bits(u32::from(value), 1);
    }

    /// Appends an exponential Golomb code of order `order` (0..=16): short for small numbers.
    /// Of order 0, `value` is less than 2³² - 1.
    fn golomb(&mut self, value: u32, order: u32) {
        debug_assert!(value >> order < u32::MAX);
        let high = (value >> order) + 1;
        let length = high.ilog2();
        self.bits(1 << length, length + 1);
        self.bits(high & !(1 << length), length);
        self.bits(value & ((1 << order) - 1), order);
    }

    /// [`Sink::golomb`] of a signed number, by its distance from zero.
    fn golomb_signed(&mut self, value: i32, order: u32) {
        self.golomb(zigzag(value), order);
    }
}

/// Takes bits and keeps none, for what nobody watches.
pub(crate) struct Nowhere;

impl Sink for Nowhere {
    fn bits(&mut self, _: u32, _: u32) {}
    fn golomb(&mut self, _: u32, _: u32) {}
}

/// Appends bits to bytes; the last byte is filled up with zeros.
pub(crate) struct BitWriter<'a> {
    out: &'a mut Vec<u8>,
    /// Of `out`, before the first bit.
    begin: usize,
    word: u64,
    used: u32,
}

impl<'a> BitWriter<'a> {
    pub(crate) const fn new(out: &'a mut Vec<u8>) -> Self {
        Self {
            begin: out.len(),
            out,
            word: 0,
            used: 0,
        }
    }

    /// How many bits were written.
    pub(crate) const fn len(&self) -> usize {
        (self.out.len() - self.begin) * 8 + self.used as usize
    }

    /// Appends `count` bits of a stream, from its bit `begin` on.
    pub(crate) fn copy(&mut self, bytes: &[u8], begin: usize, count: usize) {
        let mut reader = BitReader { bytes, at: begin };
        let mut rest = count;
        while rest > 0 {
            let part = rest.min(32);
            rest -= part;
            let word = reader.peek() & ((1_u64 << part) - 1);
            reader.at += part;
            self.bits(low(word), low(part as u64));
        }
    }

    pub(crate) fn finish(self) {
        let bytes = self.used.div_ceil(8);
        let rest = self.word.to_le_bytes();
        self.out.extend(rest.iter().take(bytes as usize));
    }
}

impl Sink for BitWriter<'_> {
    #[inline]
    fn bits(&mut self, value: u32, bits: u32) {
        debug_assert!(bits == 32 || value >> bits == 0);
        self.word |= u64::from(value) << self.used;
        self.used += bits;
        if self.used >= 32 {
            self.out.extend_from_slice(&low(self.word).to_le_bytes());
            self.word >>= 32;
            self.used -= 32;
        }
    }
}

/// Reads what a [`BitWriter`] wrote.
pub(crate) struct BitReader<'a> {
    bytes: &'a [u8],
    /// In bits.
    at: usize,
}

impl<'a> BitReader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The next 57 bits or more; zeros behind the end.
    fn peek(&self) -> u64 {
        let rest = self.bytes.get(self.at / 8..).unwrap_or_default();
        let word = match rest.first_chunk::<8>() {
            Some(chunk) => u64::from_le_bytes(*chunk),
            None => rest
                .iter()
                .rev()
                .fold(0, |word, byte| (word << 8) | u64::from(*byte)),
        };
        word >> (self.at % 8)
    }

    fn skip(&mut self, bits: u32) -> Result<(), DecodeError> {
        self.at += bits as usize;
        if self.at > self.bytes.len() * 8 {
            return Err(DecodeError::Truncated);
        }
        Ok(())
    }

    /// The next `bits` (0..=32) bits.
    pub(crate) fn bits(&mut self, bits: u32) -> Result<u32, DecodeError> {
        let word = self.peek() & ((1_u64 << bits) - 1);
        self.skip(bits)?;
        Ok(low(word))
    }

    pub(crate) fn flag(&mut self) -> Result<bool, DecodeError> {
        Ok(self.bits(1)? == 1)
    }

    pub(crate) fn golomb(&mut self, order: u32) -> Result<u32, DecodeError> {
        let length = self.peek().trailing_zeros();
        if length > 31 {
            return Err(DecodeError::Number);
        }
        self.skip(length + 1)?;
        let high = (1_u64 << length) + u64::from(self.bits(length)?) - 1;
        let rest = u64::from(self.bits(order)?);
        u32::try_from((high << order) | rest).map_err(|_| DecodeError::Number)
    }

    pub(crate) fn golomb_signed(&mut self, order: u32) -> Result<i32, DecodeError> {
        self.golomb(order).map(unzigzag)
    }

    /// Ends on a byte's border; what is left of the last byte must be zero. Answers the bytes behind.
    pub(crate) fn finish(mut self) -> Result<&'a [u8], DecodeError> {
        let rest = (8 - self.at % 8) % 8;
        if self.bits(low(rest as u64))? != 0 {
            return Err(DecodeError::Number);
        }
        Ok(self.bytes.get(self.at / 8..).unwrap_or_default())
    }
}

/// Appends seven bits a byte, lowest first; the highest bit says that more follow.
pub(crate) fn put_varint(out: &mut Vec<u8>, value: u64) {
    let mut rest = value;
    while rest >= 0x80 {
        out.push(rest.to_le_bytes()[0] | 0x80);
        rest >>= 7;
    }
    out.push(rest.to_le_bytes()[0]);
}

/// Takes a number of [`put_varint`] off the front; at most 2⁵³ - 1, which every language can hold.
pub(crate) fn take_varint(bytes: &mut &[u8]) -> Result<u64, DecodeError> {
    let mut value = 0_u64;
    for shift in (0..56).step_by(7) {
        let byte = take_byte(bytes)?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return match value >> 53 {
                0 => Ok(value),
                _ => Err(DecodeError::Number),
            };
        }
    }
    Err(DecodeError::Number)
}

/// [`take_varint`] for numbers that index something.
pub(crate) fn take_varint_u32(bytes: &mut &[u8]) -> Result<u32, DecodeError> {
    u32::try_from(take_varint(bytes)?).map_err(|_| DecodeError::Number)
}

pub(crate) fn take_byte(bytes: &mut &[u8]) -> Result<u8, DecodeError> {
    let (first, rest) = bytes.split_first().ok_or(DecodeError::Truncated)?;
    *bytes = rest;
    Ok(*first)
}

pub(crate) fn take_bytes<'a>(bytes: &mut &'a [u8], count: usize) -> Result<&'a [u8], DecodeError> {
    let (head, rest) = bytes
        .split_at_checked(count)
        .ok_or(DecodeError::Truncated)?;
    *bytes = rest;
    Ok(head)
}

/// The bits that [`Sink::golomb`] of order 0 takes.
pub(crate) const fn golomb_bits(value: u32) -> u32 {
    2 * (value + 1).ilog2() + 1
}

/// The bits that a number in `0..=max` needs.
pub(crate) const fn bits_for(max: u32) -> u32 {
    32 - max.leading_zeros()
}

const fn zigzag(value: i32) -> u32 {
    ((value << 1) ^ (value >> 31)).cast_unsigned()
}

const fn unzigzag(value: u32) -> i32 {
    (value >> 1).cast_signed() ^ -((value & 1).cast_signed())
}

/// The lower half.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the lower half is what is asked for"
)]
const fn low(word: u64) -> u32 {
    word as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn codes_are_frozen() {
        let mut out = Vec::new();
        let mut writer = BitWriter::new(&mut out);
        writer.golomb(0, 0); // 1
        writer.golomb(1, 0); // 01 0
        writer.golomb(4, 0); // 001 10, lowest bit first
        writer.golomb_signed(-1, 2); // 1, then 01 as two bits
        writer.bits(0b101, 3);
        writer.finish();
        assert_eq!(out, [0b1100_0101, 0b0101_0110]);
    }

    #[test]
    fn a_varint_ends_at_2_to_the_53() {
        let mut out = Vec::new();
        put_varint(&mut out, (1 << 53) - 1);
        assert_eq!(take_varint(&mut out.as_slice()), Ok((1 << 53) - 1));
        out.clear();
        put_varint(&mut out, 1 << 53);
        assert_eq!(take_varint(&mut out.as_slice()), Err(DecodeError::Number));
        assert_eq!(
            take_varint(&mut [0x80; 9].as_slice()),
            Err(DecodeError::Number)
        );
        assert_eq!(
            take_varint(&mut [0x80].as_slice()),
            Err(DecodeError::Truncated)
        );
    }

    #[test]
    fn the_end_is_noticed() {
        assert_eq!(BitReader::new(&[0xff]).bits(9), Err(DecodeError::Truncated));
        assert_eq!(BitReader::new(&[]).golomb(0), Err(DecodeError::Number));
        assert_eq!(BitReader::new(&[0; 16]).golomb(0), Err(DecodeError::Number));
        assert_eq!(
            BitReader::new(&[0x80]).golomb(0),
            Err(DecodeError::Truncated)
        );
        let mut reader = BitReader::new(&[0b10]);
        assert_eq!(reader.flag(), Ok(false));
        assert_eq!(reader.finish(), Err(DecodeError::Number));
    }

    #[test]
    fn a_golomb_code_is_as_long_as_it_says() {
        for value in (0..40).chain([1_023, 1_024, u32::MAX - 1]) {
            let mut out = Vec::new();
            let mut writer = BitWriter::new(&mut out);
            writer.golomb(value, 0);
            assert_eq!(writer.len(), golomb_bits(value) as usize, "{value}");
        }
    }

    proptest! {
        #[test]
        fn what_is_copied_is_the_same(bytes: Vec<u8>, shift in 0_u32..32, begin in 0_usize..300, count in 0_usize..300) {
            let end = (bytes.len() * 8).min(begin + count);
            let begin = begin.min(end);
            let mut out = Vec::new();
            let mut writer = BitWriter::new(&mut out);
            writer.bits(0, shift);
            writer.copy(&bytes, begin, end - begin);
            prop_assert_eq!(writer.len(), shift as usize + end - begin);
            writer.finish();
            let mut reader = BitReader::new(&out);
            reader.skip(shift).unwrap();
            for at in begin..end {
                let bit = bytes.get(at / 8).is_some_and(|byte| byte >> (at % 8) & 1 == 1);
                prop_assert_eq!(reader.flag(), Ok(bit));
            }
            prop_assert_eq!(reader.finish(), Ok(&[][..]));
        }

        #[test]
        fn what_is_written_is_read(list in prop::collection::vec((any::<u32>(), any::<i32>(), 0_u32..17, 0_u32..33), 0..40)) {
            let mut out = Vec::new();
            let mut writer = BitWriter::new(&mut out);
            for (number, signed, order, bits) in &list {
                let number = number >> 1;
                writer.golomb(number, *order);
                writer.golomb_signed(*signed >> 1, *order);
                writer.bits(low(u64::from(number) & ((1 << bits) - 1)), *bits);
            }
            writer.finish();
            let mut reader = BitReader::new(&out);
            for (number, signed, order, bits) in &list {
                let number = number >> 1;
                prop_assert_eq!(reader.golomb(*order), Ok(number));
                prop_assert_eq!(reader.golomb_signed(*order), Ok(*signed >> 1));
                prop_assert_eq!(reader.bits(*bits), Ok(low(u64::from(number) & ((1 << bits) - 1))));
            }
            prop_assert_eq!(reader.finish(), Ok(&[][..]));
        }
    }
}
