//! Frames frozen in files. A changed file is a changed protocol.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::fs;
use std::path::PathBuf;

use tagus_wire::realtime::{Envelope, envelope::Message};
use tagus_wire::{Json, MessageKind, api, ext, from_json, realtime, to_json};

fn golden(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("golden/v1")
        .join(name);
    fs::read(&path).unwrap_or_else(|err| panic!("{}: {err}", path.display()))
}

fn unhex(text: &[u8]) -> Vec<u8> {
    let digits: Vec<u32> = text
        .iter()
        .filter_map(|byte| char::from(*byte).to_digit(16))
        .collect();
    digits
        .chunks_exact(2)
        .map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap())
        .collect()
}

fn check_protobuf<M: prost::Message + Default + PartialEq + Debug>(name: &str, message: &M) {
    let expected = unhex(&golden(&format!("{name}.hex")));
    let hex: String = message
        .encode_to_vec()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(message.encode_to_vec(), expected, "{name} encodes to {hex}");
    assert_eq!(&M::decode(expected.as_slice()).unwrap(), message, "{name}");
}

fn check_json<M: Json + PartialEq + Debug>(name: &str, message: &M) {
    let expected = golden(&format!("{name}.json"));
    let expected = expected.trim_ascii();
    let text = String::from_utf8(to_json(message)).unwrap();
    assert_eq!(text, String::from_utf8_lossy(expected), "{name}");
    assert_eq!(&from_json::<M>(expected).unwrap(), message, "{name}");
}

fn check_envelope(name: &str, cid: &str, message: Message) {
    let envelope = Envelope {
        cid: cid.into(),
        message: Some(message),
    };
    check_protobuf(name, &envelope);
    check_json(name, &envelope);
}

fn presence() -> realtime::UserPresence {
    realtime::UserPresence {
        user_id: "u1".into(),
        session_id: "s1".into(),
        username: "ana".into(),
        ..Default::default()
    }
}

#[test]
fn handshake() {
    let hello = ext::Hello {
        version: 1,
        token: "t.o.k".into(),
        status: true,
        lang: "pt".into(),
        ext: true,
    };
    check_protobuf("hello", &hello);
    let limits = ext::Limits {
        message_bytes_max: 4_096,
        queue_bytes_max: 65_536,
    };
    let welcome = ext::Welcome {
        session_id: "s1".into(),
        server_unix_ms: 1_800_000_000_000,
        limits: Some(limits),
    };
    check_protobuf("welcome", &welcome);
    check_protobuf(
        "refuse",
        &ext::Refuse {
            code: 429,
            reason: "busy".into(),
            retry_ms: 1_500,
        },
    );
}

#[test]
fn envelopes() {
    check_envelope("ping", "1", Message::Ping(realtime::Ping {}));
    check_envelope("pong", "1", Message::Pong(realtime::Pong {}));
    let error = realtime::Error {
        code: 4,
        message: "Match not found".into(),
        ..Default::default()
    };
    check_envelope("error", "9", Message::Error(error));
    let room = realtime::Match {
        match_id: "m1.".into(),
        label: Some(String::new()),
        size: 1,
        presences: vec![presence()],
        self_: Some(presence()),
        ..Default::default()
    };
    check_envelope("match", "6", Message::Match(room));
    let data = realtime::MatchData {
        match_id: "m1.".into(),
        presence: Some(presence()),
        op_code: 300,
        data: b"\x00\xffab".as_slice().into(),
        reliable: true,
    };
    check_envelope("match_data", "", Message::MatchData(data));
    let event = realtime::MatchPresenceEvent {
        match_id: "m1.".into(),
        joins: vec![presence()],
        leaves: vec![realtime::UserPresence {
            session_id: "s0".into(),
            ..presence()
        }],
    };
    check_envelope(
        "match_presence_event",
        "",
        Message::MatchPresenceEvent(event),
    );
}

/// What a client sends; the SDK for browsers is held against the same files.
#[test]
fn requests() {
    let join = realtime::MatchJoin {
        metadata: [("team".into(), "red".into())].into(),
        id: Some(realtime::match_join::Id::MatchId("m1.".into())),
    };
    check_envelope("match_join", "2", Message::MatchJoin(join));
    let data = realtime::MatchDataSend {
        match_id: "m1.".into(),
        op_code: 300,
        data: b"\x00\xffab".as_slice().into(),
        ..Default::default()
    };
    check_envelope("match_data_send", "", Message::MatchDataSend(data));
    let rpc = api::Rpc {
        id: "echo".into(),
        payload: r#"{"a":1}"#.into(),
        ..Default::default()
    };
    check_envelope("rpc", "3", Message::Rpc(rpc));
    let leave = realtime::MatchLeave {
        match_id: "m1.".into(),
    };
    check_envelope("match_leave", "4", Message::MatchLeave(leave));
}

#[test]
fn extensions() {
    let data = ext::RoomData {
        room: 7,
        op_code: -1,
        data: b"abc".as_slice().into(),
        class: 2,
        applied_tick: 0,
    };
    check_envelope("room_data", "", Message::RoomData(data.clone()));
    let applied_tick = 1_000;
    let applied = ext::RoomData {
        applied_tick,
        ..data
    };
    check_envelope("room_data_applied", "", Message::RoomData(applied));
    let quality = ext::MatchQuality {
        ticket: "t1".into(),
        wait_ms: 250,
        wait_ms_max: 3_000,
        favourite_wins: Some(0.625),
        region: "east".into(),
        rtt_ms_min: 20,
        rtt_ms_max: 45,
        teams: vec![
            ext::MatchTeam {
                session_ids: vec!["s1".into()],
            },
            ext::MatchTeam {
                session_ids: vec!["s2".into()],
            },
        ],
        mode: "duel".into(),
    };
    check_envelope("match_quality", "", Message::MatchQuality(quality));
}

/// Every message of the socket, with all fields set and with all at their edges. The SDK for browsers reads and writes
/// the same lines.
#[test]
fn every_envelope() {
    let (lines, hex) = (golden("envelopes.jsonl"), golden("envelopes.hex"));
    let (lines, hex) = (
        str::from_utf8(&lines).unwrap(),
        str::from_utf8(&hex).unwrap(),
    );
    assert_eq!(lines.lines().count(), hex.lines().count());
    let mut kinds = BTreeSet::new();
    for (line, hex) in lines.lines().zip(hex.lines()) {
        let envelope: Envelope = from_json(line.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(to_json(&envelope)).unwrap(), line);
        let bytes = unhex(hex.as_bytes());
        assert_eq!(prost::Message::encode_to_vec(&envelope), bytes, "{line}");
        let decoded: Envelope = prost::Message::decode(bytes.as_slice()).unwrap();
        assert_eq!(decoded, envelope, "{line}");
        kinds.extend(envelope.message.as_ref().map(MessageKind::of));
    }
    assert!(
        kinds.iter().eq(MessageKind::ALL),
        "some message has no line"
    );
}
