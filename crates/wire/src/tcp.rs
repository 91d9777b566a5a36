//! Framing on TCP: each frame is its length as a varint, then that many bytes.

/// Longest length prefix, in bytes.
pub const HEADER_BYTES_MAX: usize = 5;

/// Why a stream of frames is broken. There is no way to go on after it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// The length prefix does not end within [`HEADER_BYTES_MAX`] bytes.
    #[error("length prefix is longer than {HEADER_BYTES_MAX} bytes")]
    Prefix,
    /// The frame is longer than allowed.
    #[error("frame of {bytes} bytes is longer than {bytes_max}")]
    TooLong {
        /// Length in the prefix.
        bytes: u64,
        /// The limit given to [`split_frame`].
        bytes_max: usize,
    },
}

/// Looks for one whole frame at the start of `input`: its header's and its payload's length in bytes, or `None` when more
/// input is needed. A bad length is refused as soon as the prefix is there, before the payload is.
///
/// # Errors
/// When the prefix is too long or tells of more than `frame_bytes_max` bytes of payload.
pub fn split_frame(
    input: &[u8],
    frame_bytes_max: usize,
) -> Result<Option<(usize, usize)>, FrameError> {
    let mut value = 0_u64;
    let mut header = 0;
    for byte in input.iter().take(HEADER_BYTES_MAX) {
        value |= u64::from(byte & 0x7f) << (7 * header);
        header += 1;
        if byte & 0x80 != 0 {
            continue;
        }
        let too_long = FrameError::TooLong {
            bytes: value,
            bytes_max: frame_bytes_max,
        };
        let payload = usize::try_from(value).map_err(|_| too_long)?;
        if payload > frame_bytes_max {
            return Err(too_long);
        }
        return Ok((input.len() - header >= payload).then_some((header, payload)));
    }
    if header == HEADER_BYTES_MAX {
        Err(FrameError::Prefix)
    } else {
        Ok(None)
    }
}

/// Appends a frame.
pub fn write_frame(payload: &[u8], out: &mut Vec<u8>) {
    let mut rest = payload.len();
    out.reserve(HEADER_BYTES_MAX + rest);
    loop {
        let [low, ..] = rest.to_le_bytes();
        rest >>= 7;
        if rest == 0 {
            out.push(low & 0x7f);
            break;
        }
        out.push(low | 0x80);
    }
    out.extend_from_slice(payload);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn limits() {
        let mut frame = Vec::new();
        write_frame(&[7; 300], &mut frame);
        assert_eq!(frame.get(..2), Some(&[0xac, 0x02][..]));
        assert_eq!(split_frame(&frame, 300), Ok(Some((2, 300))));
        let too_long = Err(FrameError::TooLong {
            bytes: 300,
            bytes_max: 299,
        });
        assert_eq!(split_frame(&frame, 299), too_long);
        // Two bytes are enough to know.
        assert_eq!(split_frame(&[0xac, 0x02], 299), too_long);
        assert_eq!(split_frame(&[0xac], 299), Ok(None));
        assert_eq!(split_frame(&[0xac, 0x02], 300), Ok(None));
    }

    #[test]
    fn prefixes() {
        assert_eq!(split_frame(&[], 10), Ok(None));
        assert_eq!(split_frame(&[0], 10), Ok(Some((1, 0))));
        assert_eq!(split_frame(&[0x80; 4], 10), Ok(None));
        assert_eq!(split_frame(&[0x80; 5], 10), Err(FrameError::Prefix));
        assert_eq!(
            split_frame(&[0x80, 0x80, 0x80, 0x80, 0x00], 10),
            Ok(Some((5, 0)))
        );
        let most = FrameError::TooLong {
            bytes: (1 << 35) - 1,
            bytes_max: 10,
        };
        assert_eq!(split_frame(&[0xff, 0xff, 0xff, 0xff, 0x7f], 10), Err(most));
    }

    proptest! {
        #[test]
        fn split_what_was_written(payload in prop::collection::vec(any::<u8>(), 0..20_000), more in 0_usize..9) {
            let mut frame = Vec::new();
            write_frame(&payload, &mut frame);
            for cut in [0, 1, frame.len() - 1] {
                prop_assert!(cut == frame.len() || split_frame(frame.get(..cut).unwrap(), 20_000) == Ok(None));
            }
            let whole = frame.len();
            frame.resize(whole + more, 0xff);
            let (header, length) = split_frame(&frame, 20_000).unwrap().unwrap();
            prop_assert_eq!(header + length, whole);
            prop_assert_eq!(frame.get(header..whole), Some(&payload[..]));
        }

        #[test]
        fn garbage_never_panics(input in prop::collection::vec(any::<u8>(), 0..12), max: usize) {
            if let Ok(Some((header, payload))) = split_frame(&input, max) {
                prop_assert!(header + payload <= input.len());
            }
        }
    }
}
