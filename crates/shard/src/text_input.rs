//! Data of a client to its room in JSON, read into memory that is used again.

use tagus_wire::realtime::UserPresence;
use tagus_wire::{JsonError, JsonReader};

use crate::input::{Input, MatchInput, RoomInput};

/// Reads what [`Input::of_envelope`] reads, as text.
#[derive(Debug, Default)]
pub(crate) struct TextReader {
    match_id: String,
    data: Vec<u8>,
    op: i64,
    reliable: bool,
    room: u32,
    class: u32,
    applied_tick: u32,
    /// It says more than a [`RoomInput`] or a [`MatchInput`] can.
    has_more: bool,
}

impl TextReader {
    /// Reads an envelope that begins with one of the messages, as programs write it, and holds nothing else.
    /// None for everything that is otherwise in any way, right or wrong: it is for the general decoder to say.
    pub(crate) fn read(&mut self, envelope: &[u8]) -> Option<Input<'_>> {
        let is_room = envelope.starts_with(ROOM_DATA_START);
        if !is_room && !envelope.starts_with(MATCH_DATA_SEND_START) {
            return None;
        }
        self.clear();
        let mut members = 0;
        let mut reader = JsonReader::new(envelope).ok()?;
        let mut member = |_: &str, reader: &mut JsonReader<'_>| {
            members += 1;
            match is_room {
                _ if members > 1 => reader.skip(),
                true => reader.members(&mut |key, reader| self.room_member(key, reader)),
                false => reader.members(&mut |key, reader| self.match_member(key, reader)),
            }
        };
        reader.members(&mut member).ok()?;
        reader.finish().ok()?;
        if members > 1 || self.has_more {
            return None;
        }
        Some(if is_room {
            Input::Room(RoomInput {
                room: self.room,
                op: self.op,
                data: &self.data,
                class: self.class,
                applied_tick: self.applied_tick,
            })
        } else {
            Input::Match(MatchInput {
                match_id: &self.match_id,
                op: self.op,
                data: &self.data,
                reliable: self.reliable,
            })
        })
    }

    fn room_member(&mut self, key: &str, reader: &mut JsonReader<'_>) -> Result<(), JsonError> {
        match key {
            "room" => self.room = reader.uint32()?.unwrap_or_default(),
            "op_code" | "opCode" => self.op = reader.int64()?.unwrap_or_default(),
            "data" => reader.bytes_into(&mut self.data)?,
            "class" => self.class = reader.uint32()?.unwrap_or_default(),
            "applied_tick" | "appliedTick" => {
                self.applied_tick = reader.uint32()?.unwrap_or_default();
            }
            _ => reader.skip()?,
        }
        Ok(())
    }

    fn match_member(&mut self, key: &str, reader: &mut JsonReader<'_>) -> Result<(), JsonError> {
        match key {
            "match_id" | "matchId" => reader.string_into(&mut self.match_id)?,
            "op_code" | "opCode" => self.op = reader.int64()?.unwrap_or_default(),
            "data" => reader.bytes_into(&mut self.data)?,
            "presences" => self.has_more = !reader.messages::<UserPresence>()?.is_empty(),
            "reliable" => self.reliable = reader.bool()?.unwrap_or_default(),
            _ => reader.skip()?,
        }
        Ok(())
    }

    /// Forgets the message before, but for memory that is not unusually large.
    fn clear(&mut self) {
        let mut match_id = std::mem::take(&mut self.match_id);
        let mut data = std::mem::take(&mut self.data);
        match_id.clear();
        match_id.shrink_to(BYTES_KEPT_MAX);
        data.clear();
        data.shrink_to(BYTES_KEPT_MAX);
        *self = Self {
            match_id,
            data,
            ..Self::default()
        };
    }
}

const ROOM_DATA_START: &[u8] = br#"{"room_data":"#;
const MATCH_DATA_SEND_START: &[u8] = br#"{"match_data_send":"#;
const BYTES_KEPT_MAX: usize = 64 * 1_024;

#[cfg(test)]
mod tests {
    use tagus_base::Rng;
    use tagus_wire::realtime::Envelope;
    use tagus_wire::{from_json, to_json};

    use super::*;
    use crate::input::tests::{data, message};

    /// Texts that a client may well write, and what a mischievous one does to them.
    const TEXTS: &[&str] = &[
        r#"{"match_data_send":{}}"#,
        r#"{"match_data_send": {"matchId": "a\u0062c", "opCode": 7, "data": null, "unknown": [{}]} }"#,
        r#"{"match_data_send":{"match_id":"m","op_code":"-1","presences":[],"reliable":true}}"#,
        r#"{"match_data_send":{"op_code":1,"op_code":2,"data":"AAA=","data":"-_8"}}"#,
        r#"{"room_data":{"room":3,"op_code":"5","data":"","class":1,"appliedTick":9}}"#,
    ];

    const FOR_THE_GENERAL: &[&str] = &[
        r#"{"match_data_send":{"presences":[{}]}}"#,
        r#"{"match_data_send":null}"#,
        r#"{"match_data_send":{},"cid":"1"}"#,
        r#"{"match_data_send":{},"unknown":1}"#,
        r#"{"match_data_send":{},"match_data_send":{}}"#,
        r#"{"match_data_send":{"data":"?"}}"#,
        r#"{"match_data_send":{}} more"#,
        r#"{"cid":"","match_data_send":{}}"#,
        r#"{"matchDataSend":{}}"#,
        r#"{"room_data":{"room":-1}}"#,
        r#"{"ping":{}}"#,
    ];

    /// What is read is what the general decoder reads.
    fn check(reader: &mut TextReader, text: &[u8]) -> bool {
        let Some(input) = reader.read(text) else {
            return false;
        };
        let envelope: Envelope = from_json(text).unwrap();
        assert_eq!(envelope.cid, "");
        assert_eq!(envelope.message, Some(message(input)));
        true
    }

    #[test]
    fn whatever_is_read_is_what_the_general_decoder_reads() {
        let mut reader = TextReader::default();
        for text in TEXTS {
            assert!(check(&mut reader, text.as_bytes()), "{text}");
        }
        for text in FOR_THE_GENERAL {
            assert!(!check(&mut reader, text.as_bytes()), "{text}");
        }
        let mut read = 0;
        for seed in 0..20_000 {
            let mut rng = Rng::new(seed);
            let message = Some(data(&mut rng));
            let cid = String::new();
            let mut text = to_json(&Envelope { cid, message });
            for _ in 0..rng.below(3) {
                let at = rng.below(text.len() as u32) as usize;
                text[at] = br#""{}[]:,0aA\ -"#[rng.below(13) as usize];
            }
            read += u32::from(check(&mut reader, &text));
        }
        assert!(read > 7_000, "{read}");
    }
}
