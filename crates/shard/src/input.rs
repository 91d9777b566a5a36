//! The most frequent message of all, data of a client to its room: read where it was received, without an envelope.

use bytes::{Bytes, BytesMut};

/// What `room_data` says.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct RoomInput<'a> {
    pub(crate) room: u32,
    pub(crate) op: i64,
    pub(crate) data: &'a [u8],
    pub(crate) class: u32,
    pub(crate) applied_tick: u32,
}

impl<'a> RoomInput<'a> {
    /// Reads an envelope in protobuf that holds `room_data` and nothing else.
    /// None for everything that is otherwise in any way, right or wrong: it is for the general decoder to say.
    pub(crate) fn of_envelope(envelope: &'a [u8]) -> Option<Self> {
        let mut rest = envelope.strip_prefix(&ROOM_DATA_KEY)?;
        if varint(&mut rest)? != rest.len() as u64 {
            return None;
        }
        let mut input = Self::default();
        while !rest.is_empty() {
            match varint(&mut rest)? {
                ROOM_KEY => input.room = varint(&mut rest)? as u32,
                OP_CODE_KEY => input.op = varint(&mut rest)?.cast_signed(),
                DATA_KEY => {
                    let length = usize::try_from(varint(&mut rest)?).ok()?;
                    (input.data, rest) = rest.split_at_checked(length)?;
                }
                CLASS_KEY => input.class = varint(&mut rest)? as u32,
                APPLIED_TICK_KEY => input.applied_tick = varint(&mut rest)? as u32,
                _ => return None,
            }
        }
        Some(input)
    }
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for (index, byte) in rest.iter().take(VARINT_BYTES_MAX).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            *rest = &rest[index + 1..];
            return Some(value);
        }
    }
    None
}

/// Memory for the data of clients, which many share: it is had in pieces, and a piece whose data is all forgotten is
/// used again.
#[derive(Debug, Default)]
pub(crate) struct InputMemory(BytesMut);

impl InputMemory {
    /// The same bytes, to be kept. Who keeps a few keeps the whole piece, hence pieces are small.
    pub(crate) fn keep(&mut self, data: &[u8]) -> Bytes {
        if data.len() > SHARING_BYTES_MAX {
            return Bytes::copy_from_slice(data);
        }
        if self.0.capacity() < data.len() {
            self.0.reserve(PIECE_BYTES);
        }
        self.0.extend_from_slice(data);
        self.0.split().freeze()
    }
}

/// Field 1000 of the envelope, with a length, as bytes on the wire.
pub(crate) const ROOM_DATA_KEY: [u8; 2] = [0xc2, 0x3e];
const ROOM_KEY: u64 = 1 << 3;
const OP_CODE_KEY: u64 = 2 << 3;
const DATA_KEY: u64 = 3 << 3 | 2;
const CLASS_KEY: u64 = 4 << 3;
const APPLIED_TICK_KEY: u64 = 5 << 3;
/// A tenth byte would hold bits beyond the 64th; the general decoder knows what is right there.
const VARINT_BYTES_MAX: usize = 9;
const PIECE_BYTES: usize = 4_096;
/// Longer data has memory of its own.
const SHARING_BYTES_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use tagus_base::Rng;
    use tagus_wire::ext::RoomData;
    use tagus_wire::realtime::Envelope;
    use tagus_wire::realtime::envelope::Message;
    use tagus_wire::{Format, decode_envelope, encode_envelope};

    use super::*;

    fn encoded(cid: &str, data: RoomData) -> Vec<u8> {
        let envelope = Envelope {
            cid: cid.to_owned(),
            message: Some(Message::RoomData(data)),
        };
        let mut out = Vec::new();
        encode_envelope(Format::Protobuf, &envelope, &mut out);
        out
    }

    fn data(rng: &mut Rng) -> RoomData {
        let mut number = |bits: u32| rng.next_u64() >> (64 - bits);
        let length = number(9) as usize;
        RoomData {
            room: number(17) as u32,
            op_code: number(20).cast_signed() - 1_000,
            data: vec![number(8) as u8; length].into(),
            class: number(2) as u32,
            applied_tick: number(31) as u32,
        }
    }

    #[test]
    fn whatever_is_read_is_what_the_general_decoder_reads() {
        let mut read = 0;
        for seed in 0..20_000 {
            let mut rng = Rng::new(seed);
            let mut bytes = encoded("", data(&mut rng));
            for _ in 0..rng.below(3) {
                let at = rng.below(bytes.len().min(24) as u32) as usize;
                bytes[at] = rng.next_u64() as u8;
            }
            let Some(input) = RoomInput::of_envelope(&bytes) else {
                continue;
            };
            read += 1;
            let envelope = decode_envelope(Format::Protobuf, &bytes.clone().into()).unwrap();
            let expected = RoomData {
                room: input.room,
                op_code: input.op,
                data: Bytes::copy_from_slice(input.data),
                class: input.class,
                applied_tick: input.applied_tick,
            };
            assert_eq!(envelope.cid, "", "seed {seed}");
            assert_eq!(
                envelope.message,
                Some(Message::RoomData(expected)),
                "seed {seed}"
            );
        }
        assert!(read > 7_000, "{read}");
    }

    #[test]
    fn data_that_is_cut_or_asks_for_an_answer_is_for_the_general_decoder() {
        let bytes = encoded("", data(&mut Rng::new(7)));
        assert!(RoomInput::of_envelope(&bytes).is_some());
        for cut in 0..bytes.len() {
            assert_eq!(RoomInput::of_envelope(&bytes[..cut]), None, "{cut}");
        }
        assert_eq!(
            RoomInput::of_envelope(&encoded("1", data(&mut Rng::new(7)))),
            None
        );
    }

    #[test]
    fn kept_data_outlives_what_is_kept_after_it_and_forgotten_pieces_are_used_again() {
        let mut memory = InputMemory::default();
        let kept: Vec<Bytes> = (0..3_000_usize)
            .map(|index| memory.keep(&index.to_le_bytes()))
            .collect();
        for (index, bytes) in kept.iter().enumerate() {
            assert_eq!(bytes[..], index.to_le_bytes());
        }
        drop(kept);
        assert_eq!(
            memory.keep(&[1; SHARING_BYTES_MAX + 1]).len(),
            SHARING_BYTES_MAX + 1
        );
        // Inputs of one tick fit into a piece: the next tick's are where they were.
        let mut places = std::collections::BTreeSet::new();
        for _ in 0..100 {
            let tick: Vec<Bytes> = (0..40_u8).map(|input| memory.keep(&[input; 64])).collect();
            places.extend(tick.iter().map(|bytes| bytes.as_ptr() as usize));
        }
        assert!(places.len() < 500, "{} places", places.len());
    }
}
