//! How messages lie in the WebSocket frames of a server whose players are played.

use super::colyseus::code;
use super::load::{OPCODE_BINARY, put_frame};

/// A server's way to put messages into frames.
#[derive(Clone, Copy, Debug)]
pub(super) enum Framing {
    /// Envelopes with data of a room.
    Tagus,
    /// A code, and what belongs to it; Colyseus 0.18.
    Colyseus,
}

impl Framing {
    /// Appends a masked frame with a player's message: to a room, of a type, with data.
    ///
    /// For Colyseus the type is a number below 128 and the data is MessagePack; the room is the connection's.
    pub(super) fn put(self, room: u32, op: i64, data: &[u8], out: &mut Vec<u8>) {
        match self {
            Self::Tagus => put_room_data(room, op, data, out),
            Self::Colyseus => put_colyseus(op, data, out),
        }
    }

    /// What the server said in a frame: the type and the data of a room's message; for Colyseus the code of any frame
    /// and what follows.
    pub(super) fn message(self, payload: &[u8]) -> Option<(i64, &[u8])> {
        match self {
            Self::Tagus => room_data(payload),
            Self::Colyseus => {
                let (first, rest) = payload.split_first()?;
                Some((i64::from(first & code::MASK), rest))
            }
        }
    }
}

/// A masked frame with data to a room, as clients with extensions send it.
fn put_room_data(room: u32, op: i64, data: &[u8], out: &mut Vec<u8>) {
    use prost::Message as _;
    let envelope = tagus_wire::realtime::Envelope {
        cid: String::new(),
        message: Some(tagus_wire::realtime::envelope::Message::RoomData(
            tagus_wire::ext::RoomData {
                room,
                op_code: op,
                data: bytes::Bytes::copy_from_slice(data),
                ..tagus_wire::ext::RoomData::default()
            },
        )),
    };
    put_frame(OPCODE_BINARY, &envelope.encode_to_vec(), out);
}

/// Op code and data, if an envelope holds data of a room. It is taken apart by hand, since whole envelopes own theirs.
fn room_data(envelope: &[u8]) -> Option<(i64, &[u8])> {
    let mut rest = envelope;
    if varint(&mut rest)? != ROOM_DATA_KEY {
        return None;
    }
    let length = usize::try_from(varint(&mut rest)?).ok()?;
    let mut rest = rest.get(..length)?;
    let (mut op, mut data) = (0, &[][..]);
    while !rest.is_empty() {
        match varint(&mut rest)? {
            OP_CODE_KEY => op = varint(&mut rest)?.cast_signed(),
            DATA_KEY => {
                let length = usize::try_from(varint(&mut rest)?).ok()?;
                (data, rest) = rest.split_at_checked(length)?;
            }
            key if key & 7 == 0 => drop(varint(&mut rest)?),
            _ => return None,
        }
    }
    Some((op, data))
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, left) = rest.split_first()?;
        *rest = left;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// A frame with a message of a type, as `room.send(op, …)` of Colyseus' SDK makes it.
fn put_colyseus(op: i64, data: &[u8], out: &mut Vec<u8>) {
    let op = u8::try_from(op).ok().filter(|op| *op < 128);
    let op = op.expect("the op codes of the bench's own script");
    let mut message = vec![code::ROOM_DATA, op];
    message.extend_from_slice(data);
    put_frame(OPCODE_BINARY, &message, out);
}

/// Field 1000 of the envelope, with a length.
const ROOM_DATA_KEY: u64 = 1_000 << 3 | 2;
/// Field 2 of the data, a number.
const OP_CODE_KEY: u64 = 2 << 3;
/// Field 3 of the data, with a length.
const DATA_KEY: u64 = 3 << 3 | 2;

#[cfg(test)]
mod tests {
    use super::super::load::parse_header;
    use super::*;

    /// The payload of a masked frame.
    fn unmasked(frame: &[u8]) -> Vec<u8> {
        let (opcode, header, payload) = parse_header(frame).unwrap();
        assert_eq!(opcode, OPCODE_BINARY);
        let (mask, payload) = frame[header..].split_at(frame.len() - header - payload);
        let bytes = payload.iter().zip(mask.iter().cycle());
        bytes.map(|(byte, mask)| byte ^ mask).collect()
    }

    #[test]
    fn data_of_a_room_is_found_in_its_envelope() {
        for (room, op, data) in [(1, 17, &b"abc"[..]), (70_000, -5, b""), (0, 0, &[7; 300])] {
            let mut frame = Vec::new();
            Framing::Tagus.put(room, op, data, &mut frame);
            let envelope = unmasked(&frame);
            assert_eq!(Framing::Tagus.message(&envelope), Some((op, data)));
            for cut in 1..envelope.len() {
                assert_eq!(Framing::Tagus.message(&envelope[..cut]), None);
            }
        }
        assert_eq!(Framing::Tagus.message(&[0x0a, 1, b'1']), None);
    }

    #[test]
    fn colyseus_frames_begin_with_their_code() {
        // What its SDK sends for `room.send(1, [-5, 127])`.
        let mut frame = Vec::new();
        Framing::Colyseus.put(9, 1, &[0x92, 0xfb, 0x7f], &mut frame);
        assert_eq!(unmasked(&frame), [13, 1, 0x92, 0xfb, 0x7f]);

        let message = |payload| Framing::Colyseus.message(payload);
        assert_eq!(message(&[15, 255, 0]), Some((15, &[255, 0][..])));
        // With the bit for a time before the data.
        assert_eq!(message(&[15 | 0x80]), Some((15, &[][..])));
        assert_eq!(message(&[]), None);
    }
}
