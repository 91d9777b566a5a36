//! Memory for what is short and soon forgotten.

use bytes::{Bytes, BytesMut};

/// Memory that many short byte strings share: it is had in pieces, and a piece whose strings are all forgotten is used
/// again. In the steady state nothing is allocated.
#[derive(Debug)]
pub(crate) struct Memory {
    piece: BytesMut,
    piece_bytes: usize,
    /// What is longer has memory of its own.
    sharing_bytes_max: usize,
}

impl Memory {
    /// Who keeps a few bytes keeps their whole piece: pieces are as small as the time is long that they may be kept for.
    pub(crate) fn new(piece_bytes: usize, sharing_bytes_max: usize) -> Self {
        assert!(sharing_bytes_max <= piece_bytes, "a piece has room for one");
        Self {
            piece: BytesMut::new(),
            piece_bytes,
            sharing_bytes_max,
        }
    }

    /// The same bytes, to be kept.
    pub(crate) fn keep(&mut self, bytes: &[u8]) -> Bytes {
        if bytes.len() > self.sharing_bytes_max {
            return Bytes::copy_from_slice(bytes);
        }
        if self.piece.capacity() < bytes.len() {
            self.piece.reserve(self.piece_bytes);
        }
        self.piece.extend_from_slice(bytes);
        self.piece.split().freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_bytes_outlive_what_is_kept_after_them_and_forgotten_pieces_are_used_again() {
        let mut memory = Memory::new(4_096, 256);
        let kept: Vec<Bytes> = (0..3_000_usize)
            .map(|index| memory.keep(&index.to_le_bytes()))
            .collect();
        for (index, bytes) in kept.iter().enumerate() {
            assert_eq!(bytes[..], index.to_le_bytes());
        }
        drop(kept);
        for bytes in [256, 257] {
            assert_eq!(memory.keep(&vec![1; bytes])[..], vec![1; bytes]);
        }
        // What is kept in one tick fits into a piece: the next tick's is where it was.
        let mut places = std::collections::BTreeSet::new();
        for _ in 0..100 {
            let tick: Vec<Bytes> = (0..40_u8).map(|input| memory.keep(&[input; 64])).collect();
            places.extend(tick.iter().map(|bytes| bytes.as_ptr() as usize));
        }
        assert!(places.len() < 500, "{} places", places.len());
    }
}
