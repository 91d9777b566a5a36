//! Input that is broken in random ways: decoders refuse it, and never panic. Also the body of the fuzz targets.

use bytes::Bytes;
use proptest::prelude::*;
use tagus_wire::{Format, MessageKind, decode_envelope, encode_envelope, from_json, realtime};

/// Frames to break.
const SEEDS: [&[u8]; 4] = [
    br#"{"cid":"4","match_data_send":{"match_id":"m.","op_code":"12","data":"YWJj","presences":[{"user_id":"u"}]}}"#,
    br#"{"cid":"\ud83d\ude00","matchmaker_add":{"min_count":2,"numeric_properties":{"a":1.5e3,"b":"NaN"}}}"#,
    br#"{"error":{"code":3,"context":{"k":"v"}},"x":[true,false,null,-0.1,{"y":"\n"}]}"#,
    b"\x0a\x014\x7a\x12\x0a\x02m.\x10\x0c\x1a\x03abc\x22\x03\x0a\x01u\x28\x01",
];

fn decode_all(input: &[u8]) {
    let bytes = Bytes::copy_from_slice(input);
    for format in [Format::Json, Format::Protobuf] {
        if let Ok(envelope) = decode_envelope(format, &bytes) {
            let mut again = Vec::new();
            encode_envelope(format, &envelope, &mut again);
            let second = decode_envelope(format, &again.into()).unwrap();
            // Not-a-number is not equal to itself, so what is compared is the printed form.
            assert_eq!(format!("{envelope:?}"), format!("{second:?}"));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn random_bytes(input in prop::collection::vec(any::<u8>(), 0..200)) {
        decode_all(&input);
    }

    #[test]
    fn damaged_frames(
        seed in prop::sample::select(&SEEDS[..]),
        hits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in any::<prop::sample::Index>(),
        shorten: bool,
    ) {
        let mut input = seed.to_vec();
        for (at, byte) in hits {
            let at = at.index(input.len());
            input[at] = byte;
        }
        if shorten {
            input.truncate(cut.index(input.len()));
        }
        decode_all(&input);
    }

    /// Strictness: skipping a value accepts exactly what another reader accepts.
    #[test]
    fn as_strict_as_another_reader(
        value in "[\\[\\]{}:,0-2.eE+ \\-\"\\\\untrfalsé]{0,14}|-?[0-9]{1,3}(\\.[0-9]{0,2})?([eE][+-]?[0-9]{0,2})?",
    ) {
        let text = format!("{{\"?\":{value}}}");
        // The other reader also refuses numbers beyond 64-bit floats, which cannot be written in this few characters.
        let expected = serde_json::from_str::<std::collections::BTreeMap<String, serde_json::Value>>(&text).is_ok();
        prop_assert_eq!(from_json::<()>(text.as_bytes()).is_ok(), expected, "{}", text);
    }
}

#[test]
fn kinds_know_their_senders() {
    let client = MessageKind::ALL
        .iter()
        .filter(|kind| kind.from_client())
        .count();
    assert_eq!((MessageKind::ALL.len(), client), (52, 30));
    let ping = realtime::envelope::Message::Ping(realtime::Ping {});
    assert_eq!(MessageKind::of(&ping).name(), "ping");
    assert!(MessageKind::Ping.from_client() && MessageKind::Rpc.from_client());
    assert!(!MessageKind::Match.from_client() && !MessageKind::RoomNumber.from_client());
}
