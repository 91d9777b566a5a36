//! Envelopes to frames: each distinct message is encoded once for each kind of client that gets it.

use bytes::Bytes;
use prost::encoding::{encode_varint, encoded_len_varint};
use tagus_net::{WsOpcode, ws_frame_into};
use tagus_room::Class;
use tagus_wire::realtime::Envelope;
use tagus_wire::realtime::envelope::Message;
use tagus_wire::{Format, encode_envelope, tcp};

use crate::input::ROOM_DATA_KEY;
use crate::memory::Memory;

/// How a client wants its frames.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Lane {
    WsJson { ext: bool },
    WsProtobuf { ext: bool },
    Tcp { ext: bool },
}

impl Lane {
    pub(crate) const fn web_socket(format: Format, ext: bool) -> Self {
        match format {
            Format::Json => Self::WsJson { ext },
            Format::Protobuf => Self::WsProtobuf { ext },
        }
    }

    pub(crate) const fn format(self) -> Format {
        match self {
            Self::WsJson { .. } => Format::Json,
            Self::WsProtobuf { .. } | Self::Tcp { .. } => Format::Protobuf,
        }
    }

    pub(crate) const fn ext(self) -> bool {
        match self {
            Self::WsJson { ext } | Self::WsProtobuf { ext } | Self::Tcp { ext } => ext,
        }
    }

    const fn slot(self) -> usize {
        match self {
            Self::WsJson { .. } => 0,
            Self::WsProtobuf { .. } => 1,
            Self::Tcp { .. } => 2,
        }
    }
}

/// A delivery class as `room_data` has it.
pub(crate) const fn class_number(class: Class) -> u32 {
    match class {
        Class::ReliableOrdered => 0,
        Class::ReliableUnordered => 1,
        Class::Sequenced => 2,
        Class::Unreliable => 3,
    }
}

/// The delivery class of this number, if there is one.
pub(crate) const fn class_of(number: u32) -> Option<Class> {
    match number {
        0 => Some(Class::ReliableOrdered),
        1 => Some(Class::ReliableUnordered),
        2 => Some(Class::Sequenced),
        3 => Some(Class::Unreliable),
        _ => None,
    }
}

/// Makes frames, in memory that they share.
#[derive(Debug)]
pub(crate) struct Frames {
    pub(crate) memory: Memory,
    /// Scratch of [`Self::put`].
    payload: Vec<u8>,
    /// Scratch of [`Self::frame`].
    frame: Vec<u8>,
}

impl Default for Frames {
    fn default() -> Self {
        Self {
            memory: Memory::new(FRAME_PIECE_BYTES, FRAME_SHARING_BYTES_MAX),
            payload: Vec::new(),
            frame: Vec::new(),
        }
    }
}

impl Frames {
    /// One frame for one kind of client.
    pub(crate) fn frame(&mut self, lane: Lane, envelope: &Envelope) -> Bytes {
        let mut frame = std::mem::take(&mut self.frame);
        self.put(lane, envelope, &mut frame);
        let bytes = self.memory.keep(&frame);
        frame.clear();
        frame.shrink_to(SCRATCH_KEPT_MAX);
        self.frame = frame;
        bytes
    }

    /// Appends such a frame.
    pub(crate) fn put(&mut self, lane: Lane, envelope: &Envelope, out: &mut Vec<u8>) {
        encode_envelope(lane.format(), envelope, &mut self.payload);
        match lane {
            Lane::WsJson { .. } => ws_frame_into(WsOpcode::Text, self.payload.len(), out),
            Lane::WsProtobuf { .. } => ws_frame_into(WsOpcode::Binary, self.payload.len(), out),
            Lane::Tcp { .. } => encode_varint(self.payload.len() as u64, out),
        }
        out.extend_from_slice(&self.payload);
        self.payload.clear();
        self.payload.shrink_to(SCRATCH_KEPT_MAX);
    }
}

/// Appends the frame of data to a client with extensions in protobuf, as [`Frames`] would make it of an envelope.
pub(crate) fn put_room_data_frame(lane: Lane, room: u32, op: i64, data: &[u8], out: &mut Vec<u8>) {
    let op = op.cast_unsigned();
    let numbers = |number: u64| {
        if number == 0 {
            0
        } else {
            1 + encoded_len_varint(number)
        }
    };
    let inner = numbers(room.into())
        + numbers(op)
        + if data.is_empty() {
            0
        } else {
            1 + encoded_len_varint(data.len() as u64) + data.len()
        };
    let payload = ROOM_DATA_KEY.len() + encoded_len_varint(inner as u64) + inner;
    match lane {
        Lane::WsJson { .. } | Lane::WsProtobuf { .. } => {
            ws_frame_into(WsOpcode::Binary, payload, out);
        }
        Lane::Tcp { .. } => encode_varint(payload as u64, out),
    }
    out.extend_from_slice(&ROOM_DATA_KEY);
    encode_varint(inner as u64, out);
    for (key, number) in [(ROOM_KEY, room.into()), (OP_CODE_KEY, op)] {
        if number != 0 {
            out.push(key);
            encode_varint(number, out);
        }
    }
    if !data.is_empty() {
        out.push(DATA_KEY);
        encode_varint(data.len() as u64, out);
        out.extend_from_slice(data);
    }
}

/// Field 1 of the data, a number.
const ROOM_KEY: u8 = 1 << 3;
/// Field 2 of the data, a number.
const OP_CODE_KEY: u8 = 2 << 3;
/// Field 3 of the data, with a length.
const DATA_KEY: u8 = 3 << 3 | 2;

/// A payload with its length before it.
pub(crate) fn tcp_frame(payload: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(payload.len() + 5);
    tcp::write_frame(payload, &mut out);
    Bytes::from(out)
}

/// One message for many: encoded when the first client of a kind asks for it.
pub(crate) struct Shared {
    envelope: Envelope,
    frames: [Option<Bytes>; 3],
}

impl Shared {
    pub(crate) const fn new(envelope: Envelope) -> Self {
        Self {
            envelope,
            frames: [None, None, None],
        }
    }

    pub(crate) fn frame(&mut self, lane: Lane, frames: &mut Frames) -> Bytes {
        let slot = &mut self.frames[lane.slot()];
        slot.get_or_insert_with(|| frames.frame(lane, &self.envelope))
            .clone()
    }

    /// What was lent to it, back again.
    pub(crate) fn into_message(self) -> Option<Message> {
        self.envelope.message
    }
}

/// Frames are written in the turn that made them, or get memory of their own.
const FRAME_PIECE_BYTES: usize = 32 * 1_024;
/// A longer frame has memory of its own.
pub(crate) const FRAME_SHARING_BYTES_MAX: usize = 4_096;
/// Room of scratch memory that is kept for the next frame.
const SCRATCH_KEPT_MAX: usize = 64 * 1_024;

#[cfg(test)]
mod tests {
    use super::*;
    use tagus_wire::ext::RoomData;

    #[test]
    fn data_written_by_hand_is_what_the_envelope_would_be() {
        for lane in [Lane::WsProtobuf { ext: true }, Lane::Tcp { ext: true }] {
            for (room, op, bytes) in [
                (1, 17, 3),
                (0, 0, 0),
                (300, -1, 120),
                (u32::MAX, 1 << 40, 70_000),
            ] {
                let data = Bytes::from(vec![0x5a; bytes]);
                let envelope = Envelope {
                    cid: String::new(),
                    message: Some(Message::RoomData(RoomData {
                        room,
                        op_code: op,
                        data: data.clone(),
                        ..RoomData::default()
                    })),
                };
                let mut out = b"before".to_vec();
                put_room_data_frame(lane, room, op, &data, &mut out);
                let framed = Frames::default().frame(lane, &envelope);
                assert_eq!(out[6..], framed[..], "{room} {op} {bytes}");
            }
        }
    }
}
