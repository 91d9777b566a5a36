//! The JSON dialect: exact text out, every accepted form in, and refusals with their place.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::Value;
use tagus_wire::json::JSON_DEPTH_MAX;
use tagus_wire::realtime::{Envelope, envelope::Message};
use tagus_wire::{Format, Timestamp, api, decode_envelope, from_json, realtime, to_json};

fn text(message: &impl tagus_wire::Json) -> String {
    String::from_utf8(to_json(message)).unwrap()
}

fn refusal<M: tagus_wire::Json>(input: &str) -> String {
    match from_json::<M>(input.as_bytes()) {
        Ok(_) => "accepted".to_owned(),
        Err(err) => err.to_string(),
    }
}

#[test]
fn written_forms() {
    assert_eq!(text(&()), "{}");
    assert_eq!(text(&realtime::UserPresence::default()), "{}");
    let presence = realtime::UserPresence {
        user_id: "u".into(),
        persistence: true,
        status: Some(String::new()),
        ..Default::default()
    };
    assert_eq!(
        text(&presence),
        r#"{"user_id":"u","persistence":true,"status":""}"#
    );
    let message = api::ChannelMessage {
        code: Some(0),
        persistent: Some(false),
        create_time: Some(Timestamp {
            seconds: 0,
            nanos: 0,
        }),
        content: "{\"t\":1}\n\u{1}é".into(),
        ..Default::default()
    };
    assert_eq!(
        text(&message),
        concat!(
            r#"{"code":0,"content":"{\"t\":1}\n\u0001é","create_time":"1970-01-01T00:00:00Z","#,
            r#""persistent":false}"#
        )
    );
    let data = realtime::MatchDataSend {
        op_code: -1,
        data: b"a".as_slice().into(),
        presences: vec![Default::default(), presence],
        ..Default::default()
    };
    assert_eq!(
        text(&data),
        r#"{"op_code":"-1","data":"YQ==","presences":[{},{"user_id":"u","persistence":true,"status":""}]}"#
    );
    let add = realtime::MatchmakerAdd {
        min_count: 2,
        numeric_properties: BTreeMap::from([("b".into(), 0.5), ("a".into(), 0.0)]),
        string_properties: BTreeMap::from([("k\"".into(), String::new())]),
        ..Default::default()
    };
    assert_eq!(
        text(&add),
        r#"{"min_count":2,"string_properties":{"k\"":""},"numeric_properties":{"a":0,"b":0.5}}"#
    );
    let board = api::Leaderboard {
        operator: 2,
        sort_order: u32::MAX,
        ..Default::default()
    };
    assert_eq!(text(&board), r#"{"sort_order":4294967295,"operator":2}"#);
    let join = realtime::MatchJoin {
        id: Some(realtime::match_join::Id::Token(String::new())),
        ..Default::default()
    };
    assert_eq!(text(&join), r#"{"token":""}"#);
    let ping = Envelope {
        message: Some(Message::Ping(realtime::Ping {})),
        ..Default::default()
    };
    assert_eq!(text(&ping), r#"{"ping":{}}"#);
}

#[test]
fn accepted_forms() {
    let data = |input: &str| from_json::<realtime::MatchDataSend>(input.as_bytes()).unwrap();
    for input in [
        r#"{"op_code":5}"#,
        r#"{"op_code":"5"}"#,
        r#"{"opCode":5.0}"#,
        r#"{"op_code":50e-1}"#,
        r#"{"op_code":4,"opCode":null,"op_code":"5"}"#,
        " {\t\"op_code\" :\r\n5 , \"unknown\" : [ {\"x\":[1,-0.5e+3,\"\\u0041\"]} , true , false , null ] } ",
    ] {
        assert_eq!(data(input).op_code, 5, "{input}");
    }
    assert_eq!(data(r#"{"op_code":9007199254740992.0}"#).op_code, 1 << 53);
    assert_eq!(
        data(r#"{"op_code":"-9223372036854775808"}"#).op_code,
        i64::MIN
    );
    for input in ["+/+/YQ==", "-_-_YQ", "-_-_YQ==", "+/+/YQ"] {
        assert_eq!(
            data(&format!("{{\"data\":\"{input}\"}}")).data,
            b"\xfb\xff\xbfa".as_slice(),
            "{input}"
        );
    }
    let string = r#"{"match_id":"\"\\\/\b\f\n\r\t\u00e9\ud83d\uDE00 é"}"#;
    assert_eq!(data(string).match_id, "\"\\/\u{8}\u{c}\n\r\té\u{1f600} é");
    assert!(
        data(r#"{"presences":null,"match_id":null,"reliable":null,"data":null}"#)
            == Default::default()
    );
    assert_eq!(data(r#"{"m\u0061tch_id":"x"}"#).match_id, "x");

    let board = |input: &str| from_json::<api::Leaderboard>(input.as_bytes()).unwrap();
    assert_eq!(
        board(r#"{"operator":"INCREMENT","createTime":"1970-01-01T01:00:00+01:00"}"#).operator,
        3
    );
    assert_eq!(board(r#"{"operator":77}"#).operator, 77);
    let update =
        from_json::<api::UpdateAccountRequest>(br#"{"displayName":"","location":null}"#).unwrap();
    assert_eq!(
        (update.display_name.as_deref(), update.location),
        (Some(""), None)
    );
    let add = br#"{"numericProperties":{"a":"1.5","b":"-Infinity","c":2}}"#;
    let add = from_json::<realtime::MatchmakerAdd>(add).unwrap();
    assert_eq!(
        add.numeric_properties.into_values().collect::<Vec<_>>(),
        [1.5, f64::NEG_INFINITY, 2.0]
    );
}

#[test]
fn refused_forms() {
    let envelope = refusal::<Envelope>;
    assert_eq!(envelope(""), "unexpected end of text at byte 0");
    assert_eq!(envelope("null"), "expected an object at byte 0");
    assert_eq!(envelope("{} x"), "trailing text at byte 3");
    assert_eq!(envelope("{}{}"), "trailing text at byte 2");
    assert_eq!(envelope("{\"cid\":\"a"), "unexpected end of text at byte 9");
    assert_eq!(
        envelope("{\"cid\":\"a\nb\"}"),
        "bad character or escape in a string at byte 9"
    );
    assert_eq!(envelope("{\"cid\":5}"), "expected a string at byte 7");
    assert_eq!(
        envelope("{\"cid\":\"\",}"),
        "expected a member name at byte 10"
    );
    assert_eq!(envelope("{,}"), "expected a member name at byte 1");
    assert_eq!(envelope("{\"x\":[1,]}"), "expected a value at byte 8");
    assert_eq!(
        envelope("{\"x\":nulls}"),
        "expected a comma or the end of the object at byte 9"
    );
    assert_eq!(envelope("{\"x\" 1}"), "expected a colon at byte 5");
    assert_eq!(envelope("{\"status\":[]}"), "expected an object at byte 10");
    assert_eq!(envelope("\u{feff}{}"), "expected an object at byte 0");
    for bad in [
        "\\u12",
        "\\ud800",
        "\\ud800\\u0041",
        "\\udc00",
        "\\x",
        "\\",
        "\\u+123",
    ] {
        let text = format!("{{\"cid\":\"{bad}\"}}");
        assert!(from_json::<Envelope>(text.as_bytes()).is_err(), "{bad}");
    }
    for bad in [
        "01", "1.", ".5", "+1", "-", "1e", "0x1", "NaN", "Infinity", "tru", "1 2",
    ] {
        let text = format!("{{\"x\":{bad}}}");
        assert!(from_json::<Envelope>(text.as_bytes()).is_err(), "{bad}");
    }
    let err = from_json::<Envelope>(b"{\"cid\":\"\xff\"}").unwrap_err();
    assert_eq!(err.to_string(), "text is not utf-8 at byte 8");

    let data = refusal::<realtime::MatchDataSend>;
    assert_eq!(data(r#"{"op_code":1.5}"#), "number out of range at byte 11");
    assert_eq!(
        data(r#"{"op_code":9223372036854775808}"#),
        "number out of range at byte 11"
    );
    assert_eq!(
        data(r#"{"op_code":1e99}"#),
        "number out of range at byte 11"
    );
    assert_eq!(data(r#"{"op_code":" 1"}"#), "expected a number at byte 11");
    assert_eq!(data(r#"{"op_code":"+1"}"#), "expected a number at byte 11");
    assert_eq!(data(r#"{"data":"a*=="}"#), "bad base64 at byte 8");
    assert_eq!(
        data(r#"{"reliable":"true"}"#),
        "expected true or false at byte 12"
    );
    assert_eq!(data(r#"{"presences":{}}"#), "expected a list at byte 13");
    assert_eq!(
        data(r#"{"presences":[null]}"#),
        "expected an object at byte 14"
    );
    let board = refusal::<api::Leaderboard>;
    assert_eq!(
        board(r#"{"sort_order":-1}"#),
        "number out of range at byte 14"
    );
    assert_eq!(
        board(r#"{"operator":"WORST"}"#),
        "unknown enum name at byte 12"
    );
    assert_eq!(board(r#"{"operator":"1"}"#), "unknown enum name at byte 12");
    assert_eq!(board(r#"{"create_time":"now"}"#), "bad time at byte 15");
    let ints = refusal::<realtime::MatchmakerAdd>;
    assert_eq!(
        ints(r#"{"min_count":2147483648}"#),
        "number out of range at byte 13"
    );
    assert_eq!(
        ints(r#"{"numeric_properties":{"a":1e999}}"#),
        "number out of range at byte 27"
    );
}

#[test]
fn nesting_has_a_limit() {
    let nested = |depth: usize| format!("{{\"x\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(refusal::<Envelope>(&nested(JSON_DEPTH_MAX - 1)), "accepted");
    assert!(refusal::<Envelope>(&nested(JSON_DEPTH_MAX)).starts_with("nested deeper than 64"));
    assert!(refusal::<Envelope>(&nested(1_000_000)).starts_with("nested deeper than 64"));
}

#[test]
fn unknown_members_alone_are_no_message() {
    let json = bytes::Bytes::from_static(br#"{"cid":"7","telepathy":{"to":["all"]}}"#);
    let envelope = decode_envelope(Format::Json, &json).unwrap();
    assert_eq!((envelope.cid.as_str(), envelope.message), ("7", None));
    // Field 900, an empty message.
    let protobuf = bytes::Bytes::from_static(&[0x0a, 0x01, b'7', 0xa2, 0x38, 0x00]);
    let envelope = decode_envelope(Format::Protobuf, &protobuf).unwrap();
    assert_eq!((envelope.cid.as_str(), envelope.message), ("7", None));
}

/// Any JSON value that nests a little.
fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>()
            .prop_filter("finite", |number| number.is_finite())
            .prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn reads_what_another_writer_wrote(
        cid: String, id: String, op_code: i64, size: i32, map: BTreeMap<String, f64>, unknown in any_value(), pretty: bool,
    ) {
        prop_assume!(map.values().all(|number| number.is_finite()));
        let value = serde_json::json!({
            "cid": cid,
            "?": unknown,
            "matchmaker_add": { "query": id, "min_count": size, "numericProperties": map, "?": unknown },
        });
        let input = if pretty { serde_json::to_vec_pretty(&value) } else { serde_json::to_vec(&value) }.unwrap();
        let envelope: Envelope = from_json(&input).unwrap();
        prop_assert_eq!(envelope.cid, cid);
        let Some(Message::MatchmakerAdd(add)) = envelope.message else { panic!("no message") };
        prop_assert_eq!((add.query, add.min_count, add.numeric_properties), (id, size, map));
        let data: realtime::MatchData =
            from_json(&serde_json::to_vec(&serde_json::json!({"op_code": op_code})).unwrap()).unwrap();
        prop_assert_eq!(data.op_code, op_code);
    }

    #[test]
    fn another_reader_reads_what_we_wrote(
        cid: String, id: String, op_code: i64, data: Vec<u8>, status: Option<String>, reliable: bool,
    ) {
        let presence = realtime::UserPresence { username: id.clone(), status: status.clone(), ..Default::default() };
        let envelope = Envelope {
            cid: cid.clone(),
            message: Some(Message::MatchData(realtime::MatchData {
                match_id: id.clone(), presence: Some(presence), op_code, data: data.into(), reliable,
            })),
        };
        let written = to_json(&envelope);
        let value: Value = serde_json::from_slice(&written).unwrap();
        prop_assert_eq!(value["cid"].as_str().unwrap_or_default(), cid);
        let inner = &value["match_data"];
        prop_assert_eq!(inner["match_id"].as_str().unwrap_or_default(), id);
        prop_assert_eq!(inner["presence"]["status"].as_str(), status.as_deref());
        prop_assert_eq!(inner["op_code"].as_str().unwrap_or("0").parse::<i64>().unwrap(), op_code);
        prop_assert_eq!(inner["reliable"].as_bool().unwrap_or(false), reliable);
        prop_assert_eq!(from_json::<Envelope>(&written).unwrap(), envelope);
    }
}
