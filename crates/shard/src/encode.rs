//! Envelopes to frames: each distinct message is encoded once for each kind of client that gets it.

use bytes::Bytes;
use tagus_net::{WsOpcode, ws_frame};
use tagus_room::Class;
use tagus_wire::realtime::Envelope;
use tagus_wire::{Format, encode_envelope, tcp};

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

/// One frame for one kind of client.
pub(crate) fn frame(lane: Lane, envelope: &Envelope) -> Bytes {
    let mut payload = Vec::new();
    encode_envelope(lane.format(), envelope, &mut payload);
    match lane {
        Lane::WsJson { .. } => ws_frame(WsOpcode::Text, &payload),
        Lane::WsProtobuf { .. } => ws_frame(WsOpcode::Binary, &payload),
        Lane::Tcp { .. } => tcp_frame(&payload),
    }
}

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

    pub(crate) fn frame(&mut self, lane: Lane) -> Bytes {
        let slot = &mut self.frames[lane.slot()];
        slot.get_or_insert_with(|| frame(lane, &self.envelope))
            .clone()
    }
}
