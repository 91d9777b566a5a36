//! Which snapshots have arrived.

use alloc::vec::Vec;

use crate::error::DecodeError;

/// Which of the last snapshots a client has applied, said anew with each of its inputs, so that no single one matters.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Ack {
    /// The newest frame that was applied: the lowest 16 bits of its number.
    pub frame: u16,
    /// Bit n: the frame n + 1 before it was applied too.
    pub earlier: u32,
}

impl Ack {
    /// Appends it: [`ACK_BYTES`] bytes, both numbers with their lowest byte first.
    pub fn write(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.frame.to_le_bytes());
        out.extend_from_slice(&self.earlier.to_le_bytes());
    }

    /// Takes it off the front.
    ///
    /// # Errors
    /// There are fewer bytes than [`ACK_BYTES`].
    pub fn read(bytes: &mut &[u8]) -> Result<Self, DecodeError> {
        let (frame, rest) = bytes
            .split_first_chunk::<2>()
            .ok_or(DecodeError::Truncated)?;
        let (earlier, rest) = rest
            .split_first_chunk::<4>()
            .ok_or(DecodeError::Truncated)?;
        *bytes = rest;
        Ok(Self {
            frame: u16::from_le_bytes(*frame),
            earlier: u32::from_le_bytes(*earlier),
        })
    }
}

/// Length of an [`Ack`] as bytes.
pub const ACK_BYTES: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_six_bytes_at_the_front() {
        let ack = Ack {
            frame: 0x0201,
            earlier: 0x0605_0403,
        };
        let mut bytes = Vec::new();
        ack.write(&mut bytes);
        assert_eq!(bytes, [1, 2, 3, 4, 5, 6]);
        assert_eq!(bytes.len(), ACK_BYTES);
        bytes.push(9);
        let mut rest = bytes.as_slice();
        assert_eq!(Ack::read(&mut rest), Ok(ack));
        assert_eq!(rest, [9]);
        let mut short = bytes.get(..5).unwrap();
        assert_eq!(Ack::read(&mut short), Err(DecodeError::Truncated));
        assert_eq!(short.len(), 5);
    }
}
