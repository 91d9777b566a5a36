//! The most frequent message of all, data of a client to its room: read where it was received, without an envelope.

use tagus_wire::MessageKind;

/// Data of a client, as one of the two messages has it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Input<'a> {
    Room(RoomInput<'a>),
    Match(MatchInput<'a>),
}

/// What `room_data` says.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct RoomInput<'a> {
    pub(crate) room: u32,
    pub(crate) op: i64,
    pub(crate) data: &'a [u8],
    pub(crate) class: u32,
    pub(crate) applied_tick: u32,
}

/// What `match_data_send` says to everybody, without a list of receivers.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct MatchInput<'a> {
    pub(crate) match_id: &'a str,
    pub(crate) op: i64,
    pub(crate) data: &'a [u8],
    pub(crate) reliable: bool,
}

impl<'a> Input<'a> {
    /// Reads an envelope in protobuf that holds one of these messages and nothing else.
    /// None for everything that is otherwise in any way, right or wrong: it is for the general decoder to say.
    pub(crate) fn of_envelope(envelope: &'a [u8]) -> Option<Self> {
        if let Some(mut rest) = envelope.strip_prefix(&ROOM_DATA_KEY) {
            whole(&mut rest)?;
            return RoomInput::read(rest).map(Self::Room);
        }
        let mut rest = envelope.strip_prefix(&[MATCH_DATA_SEND_KEY])?;
        whole(&mut rest)?;
        MatchInput::read(rest).map(Self::Match)
    }
}

impl Input<'_> {
    pub(crate) const fn kind(self) -> MessageKind {
        match self {
            Self::Room(_) => MessageKind::RoomData,
            Self::Match(_) => MessageKind::MatchDataSend,
        }
    }
}

impl<'a> RoomInput<'a> {
    fn read(mut rest: &'a [u8]) -> Option<Self> {
        let mut input = Self::default();
        while !rest.is_empty() {
            match varint(&mut rest)? {
                ROOM_KEY => input.room = varint(&mut rest)? as u32,
                OP_CODE_KEY => input.op = varint(&mut rest)?.cast_signed(),
                DATA_KEY => input.data = bytes(&mut rest)?,
                CLASS_KEY => input.class = varint(&mut rest)? as u32,
                APPLIED_TICK_KEY => input.applied_tick = varint(&mut rest)? as u32,
                _ => return None,
            }
        }
        Some(input)
    }
}

impl<'a> MatchInput<'a> {
    fn read(mut rest: &'a [u8]) -> Option<Self> {
        let mut input = Self::default();
        while !rest.is_empty() {
            match varint(&mut rest)? {
                MATCH_ID_KEY => input.match_id = str::from_utf8(bytes(&mut rest)?).ok()?,
                OP_CODE_KEY => input.op = varint(&mut rest)?.cast_signed(),
                DATA_KEY => input.data = bytes(&mut rest)?,
                RELIABLE_KEY => input.reliable = varint(&mut rest)? != 0,
                _ => return None,
            }
        }
        Some(input)
    }
}

/// Takes a length; none when it is not the length of all that follows.
fn whole(rest: &mut &[u8]) -> Option<()> {
    (varint(rest)? == rest.len() as u64).then_some(())
}

/// Takes a length and so many bytes.
fn bytes<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(varint(rest)?).ok()?;
    let taken;
    (taken, *rest) = rest.split_at_checked(length)?;
    Some(taken)
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

/// Field 1000 of the envelope, with a length, as bytes on the wire.
pub(crate) const ROOM_DATA_KEY: [u8; 2] = [0xc2, 0x3e];
/// Field 15 of the envelope, with a length.
const MATCH_DATA_SEND_KEY: u8 = 15 << 3 | 2;
const ROOM_KEY: u64 = 1 << 3;
const MATCH_ID_KEY: u64 = 1 << 3 | 2;
const OP_CODE_KEY: u64 = 2 << 3;
const DATA_KEY: u64 = 3 << 3 | 2;
const CLASS_KEY: u64 = 4 << 3;
const APPLIED_TICK_KEY: u64 = 5 << 3;
const RELIABLE_KEY: u64 = 5 << 3;
/// A tenth byte would hold bits beyond the 64th; the general decoder knows what is right there.
const VARINT_BYTES_MAX: usize = 9;

#[cfg(test)]
pub(crate) mod tests {
    use bytes::Bytes;
    use tagus_base::Rng;
    use tagus_wire::ext::RoomData;
    use tagus_wire::realtime::envelope::Message;
    use tagus_wire::realtime::{Envelope, MatchDataSend, UserPresence};
    use tagus_wire::{Format, decode_envelope, encode_envelope};

    use super::*;

    fn encoded(cid: &str, message: Message) -> Vec<u8> {
        let envelope = Envelope {
            cid: cid.to_owned(),
            message: Some(message),
        };
        let mut out = Vec::new();
        encode_envelope(Format::Protobuf, &envelope, &mut out);
        out
    }

    pub(crate) fn data(rng: &mut Rng) -> Message {
        let mut number = |bits: u32| rng.next_u64() >> (64 - bits);
        let (op_code, length) = (number(20).cast_signed() - 1_000, number(9) as usize);
        let data = Bytes::from(vec![number(8) as u8; length]);
        if number(1) == 0 {
            return Message::RoomData(RoomData {
                room: number(17) as u32,
                op_code,
                data,
                class: number(2) as u32,
                applied_tick: number(31) as u32,
            });
        }
        Message::MatchDataSend(MatchDataSend {
            match_id: "match-\u{e9}".repeat(number(3) as usize),
            op_code,
            data,
            presences: Vec::new(),
            reliable: number(1) == 0,
        })
    }

    /// The message that the general decoder would make of it.
    pub(crate) fn message(input: Input<'_>) -> Message {
        match input {
            Input::Room(input) => Message::RoomData(RoomData {
                room: input.room,
                op_code: input.op,
                data: Bytes::copy_from_slice(input.data),
                class: input.class,
                applied_tick: input.applied_tick,
            }),
            Input::Match(input) => Message::MatchDataSend(MatchDataSend {
                match_id: input.match_id.to_owned(),
                op_code: input.op,
                data: Bytes::copy_from_slice(input.data),
                presences: Vec::new(),
                reliable: input.reliable,
            }),
        }
    }

    #[test]
    fn whatever_is_read_is_what_the_general_decoder_reads() {
        let mut read = [0; 2];
        for seed in 0..20_000 {
            let mut rng = Rng::new(seed);
            let mut bytes = encoded("", data(&mut rng));
            for _ in 0..rng.below(3) {
                let at = rng.below(bytes.len().min(24) as u32) as usize;
                bytes[at] = rng.next_u64() as u8;
            }
            let Some(input) = Input::of_envelope(&bytes) else {
                continue;
            };
            read[usize::from(matches!(input, Input::Match(_)))] += 1;
            let envelope = decode_envelope(Format::Protobuf, &bytes.clone().into()).unwrap();
            assert_eq!(envelope.cid, "", "seed {seed}");
            assert_eq!(envelope.message, Some(message(input)), "seed {seed}");
        }
        assert!(read.iter().all(|count| *count > 3_500), "{read:?}");
    }

    #[test]
    fn data_that_is_cut_or_asks_for_an_answer_is_for_the_general_decoder() {
        for seed in 0..20 {
            let data = data(&mut Rng::new(seed));
            let bytes = encoded("", data.clone());
            assert!(Input::of_envelope(&bytes).is_some());
            for cut in 0..bytes.len() {
                assert_eq!(Input::of_envelope(&bytes[..cut]), None, "{cut}");
            }
            assert_eq!(Input::of_envelope(&encoded("1", data)), None);
        }
    }

    #[test]
    fn data_for_some_is_for_the_general_decoder() {
        let send = |presences: usize| {
            let presences = vec![UserPresence::default(); presences];
            encoded(
                "",
                Message::MatchDataSend(MatchDataSend {
                    presences,
                    ..Default::default()
                }),
            )
        };
        assert!(Input::of_envelope(&send(0)).is_some());
        assert_eq!(Input::of_envelope(&send(1)), None);
    }
}
