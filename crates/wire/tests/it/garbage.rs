//! Input that is broken in random ways: decoders refuse it, and never panic.

use proptest::prelude::*;
use proptest::sample::Index;
use tagus_wire::tcp::write_frame;
use tagus_wire::{METHODS, MessageKind, from_json, realtime};

use crate::bodies;

/// Frames to break.
const SEEDS: [&[u8]; 4] = [
    br#"{"cid":"4","match_data_send":{"match_id":"m.","op_code":"12","data":"YWJj","presences":[{"user_id":"u"}]}}"#,
    br#"{"cid":"\ud83d\ude00","matchmaker_add":{"min_count":2,"numeric_properties":{"a":1.5e3,"b":"NaN"}}}"#,
    br#"{"error":{"code":3,"context":{"k":"v"}},"x":[true,false,null,-0.1,{"y":"\n"}]}"#,
    b"\x0a\x014\x7a\x12\x0a\x02m.\x10\x0c\x1a\x03abc\x22\x03\x0a\x01u\x28\x01",
];

/// Bodies of requests to break, each behind its query.
const REQUESTS: [&[u8]; 3] = [
    b"create=true&username=a%20b\n{\"id\":\"device\",\"vars\":{\"k\":\"v\"}}",
    b"account.id=x&limit=10&ids=a&ids=b\n\"text\"",
    b"\n{\"objects\":[{\"collection\":\"c\",\"version\":\"*\",\"permission_read\":1}],\"open\":null}",
];

fn decode_all(input: &[u8]) {
    bodies::json_envelope(input);
    bodies::protobuf_envelope(input);
    bodies::tcp_framing(input);
    bodies::rest_body(input);
}

/// Changes some bytes, and cuts perhaps.
fn damage(seed: &[u8], hits: Vec<(Index, u8)>, cut: Option<Index>) -> Vec<u8> {
    let mut input = seed.to_vec();
    for (at, byte) in hits {
        let at = at.index(input.len());
        input[at] = byte;
    }
    if let Some(cut) = cut {
        input.truncate(cut.index(input.len()));
    }
    input
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
        hits in prop::collection::vec((any::<Index>(), any::<u8>()), 0..4),
        cut: Option<Index>,
    ) {
        decode_all(&damage(seed, hits, cut));
    }

    #[test]
    fn damaged_requests(
        method: u8,
        route: u8,
        seed in prop::sample::select(&REQUESTS[..]),
        hits in prop::collection::vec((any::<Index>(), any::<u8>()), 0..4),
        cut: Option<Index>,
    ) {
        let rest = damage(seed, hits, cut);
        bodies::rest_body(&[&[method, route], &rest[..]].concat());
    }

    #[test]
    fn streams_of_frames(
        frames in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..200), 0_u8..3), 0..6),
        frame_bytes_max: u8,
    ) {
        let mut input = vec![frame_bytes_max];
        for (payload, longer) in frames {
            write_frame(&payload, &mut input);
            // A prefix in more bytes than it needs.
            for _ in 0..longer {
                let end = input.len() - payload.len();
                input[end - 1] |= 0x80;
                input.insert(end, 0);
            }
        }
        bodies::tcp_framing(&input);
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
fn the_bodies_know_every_method() {
    let names: Vec<&str> = METHODS.iter().map(|info| info.name).collect();
    let known: Vec<&str> = bodies::METHODS.iter().map(|(info, _)| info.name).collect();
    assert_eq!(known, names);
}

#[test]
fn kinds_know_their_senders() {
    let client = MessageKind::ALL
        .iter()
        .filter(|kind| kind.from_client())
        .count();
    assert_eq!((MessageKind::ALL.len(), client), (53, 30));
    let ping = realtime::envelope::Message::Ping(realtime::Ping {});
    assert_eq!(MessageKind::of(&ping).name(), "ping");
    assert!(MessageKind::Ping.from_client() && MessageKind::Rpc.from_client());
    assert!(!MessageKind::Match.from_client() && !MessageKind::RoomNumber.from_client());
}
