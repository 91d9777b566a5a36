//! What no good client sends: each case has one answer, and nobody else notices.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use prost::Message as _;
use ring::hmac;
use serde_json::{Value, json};
use tagus_wire::ext::Hello;
use tagus_wire::realtime::envelope::Message;
use tagus_wire::realtime::{Envelope, Match};

use crate::server::{Answer, Server, basic, bearer, server_key};
use crate::socket::{Client, Heard, Kind, tcp_frame, ws_frame};

#[test]
fn bad_input_is_answered_and_harms_nobody() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let token = server.token("device-good-one");
    let mut bystander = Client::open(&server, Kind::Json, &server.token("device-bystander"));
    bystander.ping();

    let mut count = rest(&server, &token);
    count += upgrades(&server, &token);
    count += web_sockets(&server, &token, Kind::Json, &json_cases());
    count += web_sockets(&server, &token, Kind::Protobuf, &protobuf_cases());
    count += web_sockets(&server, &token, Kind::Tcp, &tcp_cases());
    count += hellos(&server);
    assert!(count >= 60, "only {count} cases");

    bystander.ping();
    assert_eq!(server.call("GET", "/healthcheck", "", b"").status, 200);
    assert!(!server.token("device-afterwards").is_empty());
}

/// Every case: verb, path, authorization, body, HTTP status, gRPC code (0: the body is not looked at).
fn rest(server: &Server, token: &str) -> usize {
    let good = bearer(token);
    let key = server_key();
    let wrong_key = basic("wrongkey");
    let device = "/v2/account/authenticate/device";
    let custom = "/v2/account/authenticate/custom";
    let email = "/v2/account/authenticate/email";
    let refresh = "/v2/account/session/refresh";
    let expired = bearer(&resigned(token, b"defaultencryptionkey", 1));
    let foreign = bearer(&resigned(token, b"another key", 4_000_000_000));
    let id = |length: usize| json!({ "id": "d".repeat(length) }).to_string();
    let mail = |address: &str, password: &str| {
        json!({ "email": address, "password": password }).to_string()
    };
    let padded = |bytes: usize| id(20) + &" ".repeat(bytes - id(20).len());
    let deep = "[".repeat(5_000);
    let many = format!("/v2/user?{}", "ids=x&".repeat(1_001));
    let cases: Vec<(&str, &str, &str, String, u16, i64)> = vec![
        ("GET", "/v2/nowhere", &good, String::new(), 404, 5),
        ("GET", "/v2/account/", &good, String::new(), 404, 5),
        ("POST", "/v2/account", &good, String::new(), 501, 12),
        ("DELETE", device, &key, String::new(), 501, 12),
        (
            "GET",
            "/v2/iap/subscription/p1",
            &good,
            String::new(),
            501,
            12,
        ),
        ("GET", "/v2/account", "", String::new(), 401, 16),
        ("GET", "/v2/account", "Bearer", String::new(), 401, 16),
        (
            "GET",
            "/v2/account",
            "Bearer garbage",
            String::new(),
            401,
            16,
        ),
        ("GET", "/v2/account", "Bearer a.b.c", String::new(), 401, 16),
        ("GET", "/v2/account", &key, String::new(), 401, 16),
        ("GET", "/v2/account", &expired, String::new(), 401, 16),
        ("GET", "/v2/account", &foreign, String::new(), 401, 16),
        ("POST", device, "", id(20), 401, 16),
        ("POST", device, &good, id(20), 401, 16),
        ("POST", device, &wrong_key, id(20), 401, 16),
        ("POST", device, "Basic %%%", id(20), 401, 16),
        ("POST", device, &key, String::new(), 400, 3),
        ("POST", device, &key, "{".into(), 400, 3),
        ("POST", device, &key, "{\"id\":}".into(), 400, 3),
        (
            "POST",
            device,
            &key,
            "{\"id\":\"device-good-one\"} x".into(),
            400,
            3,
        ),
        ("POST", device, &key, "[]".into(), 400, 3),
        ("POST", device, &key, "\"text\"".into(), 400, 3),
        ("POST", device, &key, deep, 400, 3),
        ("POST", device, &key, "{\"id\":[1]}".into(), 400, 3),
        ("POST", device, &key, "{\"id\":{}}".into(), 400, 3),
        (
            "POST",
            device,
            &key,
            "{\"id\":\"device-good-one\",\"vars\":7}".into(),
            400,
            3,
        ),
        ("POST", device, &key, id(9), 400, 3),
        ("POST", device, &key, id(10), 200, 0),
        ("POST", device, &key, id(128), 200, 0),
        ("POST", device, &key, id(129), 400, 3),
        (
            "POST",
            device,
            &key,
            json!({ "id": "device\u{7}control" }).to_string(),
            400,
            3,
        ),
        (
            "POST",
            device,
            &key,
            json!({ "id": "device with spaces" }).to_string(),
            400,
            3,
        ),
        (
            "POST",
            device,
            &key,
            json!({ "id": "device-good-one", "x": { "y": [1] } }).to_string(),
            200,
            0,
        ),
        ("POST", device, &key, padded(262_144), 200, 0),
        ("POST", device, &key, padded(262_145), 400, 3),
        (
            "POST",
            "/v2/account/authenticate/device?create=maybe",
            &key,
            id(20),
            400,
            3,
        ),
        (
            "POST",
            "/v2/account/authenticate/device?create=false",
            &key,
            id(40),
            404,
            5,
        ),
        (
            "POST",
            "/v2/account/authenticate/device?username=a%20b",
            &key,
            id(41),
            400,
            3,
        ),
        (
            "POST",
            "/v2/account/authenticate/device?username=%zz",
            &key,
            id(42),
            400,
            3,
        ),
        ("POST", custom, &key, id(5), 400, 3),
        ("POST", custom, &key, id(129), 400, 3),
        (
            "POST",
            email,
            &key,
            mail("not-an-address", "password"),
            400,
            3,
        ),
        (
            "POST",
            email,
            &key,
            mail("some@one.example", "short"),
            400,
            3,
        ),
        (
            "POST",
            email,
            &key,
            mail("some@one.example", &"p".repeat(1_025)),
            400,
            3,
        ),
        ("POST", email, &key, mail("", "password"), 400, 3),
        (
            "POST",
            refresh,
            &key,
            json!({ "token": "garbage" }).to_string(),
            401,
            16,
        ),
        (
            "POST",
            refresh,
            &key,
            json!({ "token": token }).to_string(),
            401,
            16,
        ),
        (
            "PUT",
            "/v2/account",
            &good,
            json!({ "username": "a b" }).to_string(),
            400,
            3,
        ),
        ("GET", "/v2/user?ids=x", &good, String::new(), 400, 3),
        ("GET", &many, &good, String::new(), 400, 3),
        ("GET", "/v2/match?limit=0", &good, String::new(), 400, 3),
        ("GET", "/v2/match?limit=101", &good, String::new(), 400, 3),
        ("GET", "/v2/match?limit=100", &good, String::new(), 200, 0),
        ("GET", "/v2/match?limit=ten", &good, String::new(), 400, 3),
        (
            "GET",
            "/v2/match?limit=1&min_size=-1",
            &good,
            String::new(),
            400,
            3,
        ),
        ("POST", "/v2/rpc/nowhere", &good, "\"\"".into(), 404, 5),
        ("GET", "/v2/rpc/nowhere", "", String::new(), 401, 16),
        (
            "GET",
            "/v2/rpc/nowhere?http_key=wrong",
            "",
            String::new(),
            401,
            16,
        ),
        (
            "GET",
            "/v2/rpc/nowhere?http_key=defaulthttpkey",
            "",
            String::new(),
            404,
            5,
        ),
        ("POST", "/v2/rpc/nowhere", &good, "{\"a\":1}".into(), 400, 3),
        ("DELETE", "/v2/rpc/nowhere", &good, String::new(), 501, 12),
    ];
    let mut faults = Vec::new();
    for (verb, path, authorization, body, status, code) in &cases {
        let answer = server.call(verb, path, authorization, body.as_bytes());
        let path = &path[..path.len().min(80)];
        let shown = &body[..body.len().min(80)];
        let case = format!("{verb} {path} {shown}");
        faults.extend(fault(&case, &answer, *status, *code));
        if path.starts_with("/v2/rpc/") && *status != 200 {
            assert_eq!(answer.json()["error"], answer.json()["message"], "{path}");
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
    cases.len()
}

/// What is wrong with the answer, if anything.
fn fault(case: &str, answer: &Answer, status: u16, code: i64) -> Option<String> {
    let is_good = answer.status == status
        && (code == 0
            || answer.json()["code"] == json!(code) && !answer.text("message").is_empty());
    let (found, body) = (answer.status, &answer.body);
    (!is_good).then(|| format!("{case}: {found} {body}, not {status} with code {code}"))
}

/// Every case: query, headers, status.
fn upgrades(server: &Server, token: &str) -> usize {
    let good = format!("token={token}");
    let format_bad = format!("token={token}&format=xml");
    let both = "connection: close, Upgrade\r\nupgrade: websocket\r\n";
    let version = "sec-websocket-version: 13\r\n";
    let key = "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let whole = format!("{both}{version}{key}");
    let cases = [
        ("", whole.clone(), 401),
        ("token=garbage", whole.clone(), 401),
        (&*format_bad, whole.clone(), 400),
        (&*good, String::new(), 400),
        (&*good, format!("upgrade: websocket\r\n{version}{key}"), 400),
        (
            &*good,
            format!("{both}sec-websocket-version: 8\r\n{key}"),
            426,
        ),
        (&*good, format!("{both}{version}"), 400),
        (
            &*good,
            format!("{both}{version}sec-websocket-key: c2hvcnQ=\r\n"),
            400,
        ),
    ];
    for (query, headers, status) in &cases {
        let head = format!("GET /ws?{query} HTTP/1.1\r\nhost: test\r\n{headers}");
        let ending = if headers.contains("connection:") {
            ""
        } else {
            "connection: close\r\n"
        };
        let answer = server.exchange(&format!("{head}{ending}"), b"");
        assert_eq!(answer.status, *status, "{headers}: {}", answer.body);
        assert!(answer.head.contains("text/plain"), "{}", answer.head);
        // Whoever speaks another version is told which one is spoken here.
        let version = answer.head.contains("\r\nsec-websocket-version: 13\r\n");
        assert_eq!(version, *status == 426, "{}", answer.head);
    }
    cases.len()
}

/// What is sent, then the error's code (none: no error, but an answer), then how the socket ends, if it does.
type SocketCase = (&'static str, Vec<u8>, Option<i32>, Option<u16>);

fn web_sockets(server: &Server, token: &str, kind: Kind, cases: &[SocketCase]) -> usize {
    for (case, bytes, code, close) in cases {
        let mut client = Client::open(server, kind, token);
        client.send(bytes);
        let envelope = client.envelope();
        let found = match &envelope.message {
            Some(Message::Error(error)) => Some(error.code),
            _ => None,
        };
        assert_eq!(found, *code, "{kind:?} {case}: {envelope:?}");
        match close {
            None => client.ping(),
            Some(_) if kind == Kind::Tcp => assert_eq!(client.hear(), Heard::End, "{case}"),
            Some(close) => assert_eq!(client.hear(), Heard::Close(*close), "{kind:?} {case}"),
        }
    }
    cases.len()
}

fn json_cases() -> Vec<SocketCase> {
    let text = |json: &str| ws_frame(0x81, json.as_bytes());
    let say = |value: Value| ws_frame(0x81, value.to_string().as_bytes());
    let ping = |bytes: usize| text(&format!("{:<bytes$}", "{\"cid\":\"1\",\"ping\":{}}"));
    let nowhere = "6a7f6c50-8f0a-4b0e-9d66-0b7a3f0f1c01.";
    let send =
        |id: &str| json!({ "match_data_send": { "match_id": id, "op_code": "1", "data": "YQ==" } });
    let to = json!({ "match_data_send": { "match_id": nowhere, "presences": [{ "session_id": "me" }] } });
    let deep = format!("{{\"rpc\":{}", "[".repeat(2_000));
    vec![
        ("empty object", text("{}"), Some(2), Some(1000)),
        ("no message", text("{\"cid\":\"1\"}"), Some(2), Some(1000)),
        (
            "unknown message",
            text("{\"teleport\":{}}"),
            Some(2),
            Some(1000),
        ),
        (
            "server's message",
            text("{\"match\":{}}"),
            Some(1),
            Some(1000),
        ),
        (
            "server's error",
            text("{\"error\":{\"code\":1}}"),
            Some(1),
            Some(1000),
        ),
        ("no JSON", text("hello"), Some(3), Some(1000)),
        ("nothing", text(""), Some(3), Some(1000)),
        ("a list", text("[]"), Some(3), Some(1000)),
        ("cut short", text("{\"ping\":{"), Some(3), Some(1000)),
        (
            "something behind",
            text("{\"ping\":{}}x"),
            Some(3),
            Some(1000),
        ),
        (
            "wrong type",
            text("{\"match_join\":5}"),
            Some(3),
            Some(1000),
        ),
        (
            "bad base64",
            text("{\"match_data_send\":{\"data\":\"%\"}}"),
            Some(3),
            Some(1000),
        ),
        ("depth", text(&deep), Some(3), Some(1000)),
        ("binary frame", ws_frame(0x82, b"{}"), Some(3), Some(1000)),
        (
            "not masked",
            vec![0x81, 0x02, b'{', b'}'],
            Some(3),
            Some(1002),
        ),
        ("reserved bit", ws_frame(0xc1, b"{}"), Some(3), Some(1002)),
        ("unknown opcode", ws_frame(0x83, b"{}"), Some(3), Some(1002)),
        (
            "continuation of nothing",
            ws_frame(0x80, b"{}"),
            Some(3),
            Some(1002),
        ),
        ("fragmented ping", ws_frame(0x09, b""), Some(3), Some(1002)),
        (
            "long ping",
            ws_frame(0x89, &[b'a'; 126]),
            Some(3),
            Some(1002),
        ),
        (
            "wasteful length",
            vec![0x81, 0xfe, 0, 2, 0, 0, 0, 0, b'{', b'}'],
            Some(3),
            Some(1002),
        ),
        (
            "no UTF-8",
            ws_frame(0x81, &[0xff, 0xfe]),
            Some(3),
            Some(1007),
        ),
        ("largest", ping(4_096), None, None),
        ("too large", ping(4_097), Some(3), Some(1009)),
        (
            "huge, by its header",
            vec![0x81, 0xff, 0x7f, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4],
            Some(3),
            Some(1009),
        ),
        (
            "join bad id",
            say(json!({ "match_join": { "match_id": "bad" } })),
            Some(3),
            None,
        ),
        (
            "join nowhere",
            say(json!({ "match_join": { "match_id": nowhere } })),
            Some(4),
            None,
        ),
        (
            "join nothing",
            say(json!({ "match_join": {} })),
            Some(3),
            None,
        ),
        (
            "join bad token",
            say(json!({ "match_join": { "token": "x.y.z" } })),
            Some(3),
            None,
        ),
        ("data to bad id", say(send("bad")), Some(3), None),
        ("data, not joined", say(send(nowhere)), Some(4), None),
        ("data to bad presence", say(to), Some(3), None),
        (
            "leave bad id",
            say(json!({ "match_leave": { "match_id": "bad" } })),
            Some(3),
            None,
        ),
        (
            "leave nowhere",
            say(json!({ "cid": "1", "match_leave": { "match_id": nowhere } })),
            None,
            None,
        ),
        (
            "unknown function",
            say(json!({ "rpc": { "id": "nowhere" } })),
            Some(6),
            None,
        ),
        (
            "data by number without extensions",
            say(json!({ "room_data": { "room": 99 } })),
            Some(3),
            None,
        ),
        (
            "ticket of no party",
            say(json!({ "party_matchmaker_remove": { "party_id": "x", "ticket": "x" } })),
            Some(3),
            None,
        ),
    ]
}

fn protobuf_cases() -> Vec<SocketCase> {
    let frame = |payload: &[u8]| ws_frame(0x82, payload);
    vec![
        ("no message", frame(b""), Some(2), Some(1000)),
        ("garbage", frame(&[0xff; 9]), Some(3), Some(1000)),
        ("cut short", frame(&[0x0a, 0x05, b'1']), Some(3), Some(1000)),
        ("text frame", ws_frame(0x81, b"{}"), Some(3), Some(1000)),
        ("server's message", frame(&a_match()), Some(1), Some(1000)),
        ("too large", frame(&[0; 4_097]), Some(3), Some(1009)),
        (
            "join bad id",
            frame(b"\x82\x01\x05\x0a\x03bad"),
            Some(3),
            None,
        ),
        (
            "unknown function",
            frame(b"\xc2\x01\x03\x0a\x01x"),
            Some(6),
            None,
        ),
    ]
}

fn tcp_cases() -> Vec<SocketCase> {
    vec![
        ("no message", tcp_frame(b""), Some(2), Some(0)),
        ("garbage", tcp_frame(&[0xff; 9]), Some(3), Some(0)),
        ("server's message", tcp_frame(&a_match()), Some(1), Some(0)),
        ("too large", vec![0x81, 0x20], Some(3), Some(0)),
        ("overlong length", vec![0x80; 5], Some(3), Some(0)),
        ("huge", vec![0xff, 0xff, 0xff, 0xff, 0x7f], Some(3), Some(0)),
        (
            "join bad id",
            tcp_frame(b"\x82\x01\x05\x0a\x03bad"),
            Some(3),
            None,
        ),
        (
            "unknown function",
            tcp_frame(b"\xc2\x01\x03\x0a\x01x"),
            Some(6),
            None,
        ),
    ]
}

fn a_match() -> Vec<u8> {
    let message = Some(Message::Match(Match::default()));
    let cid = "1".to_owned();
    Envelope { cid, message }.encode_to_vec()
}

/// First words on TCP: each is refused, and that is the end.
fn hellos(server: &Server) -> usize {
    let hello = |version: u32, token: &str| {
        let token = token.to_owned();
        let hello = Hello {
            version,
            token,
            ..Default::default()
        };
        tcp_frame(&hello.encode_to_vec())
    };
    let cases = [
        ("an envelope", tcp_frame(b"\x0a\x011\x82\x02\x00"), 3),
        ("nothing", tcp_frame(b""), 3),
        ("version 0", hello(0, "x"), 3),
        ("version 2", hello(2, "x"), 3),
        ("no token", hello(1, ""), 16),
        ("bad token", hello(1, "garbage"), 16),
        ("too large", vec![0x81, 0x20], 3),
        ("overlong length", vec![0x80; 5], 3),
        ("an HTTP request", b"GET / HTTP/1.1\r\nhost: wrong-door.example\r\naccept: */*\r\nuser-agent: a browser\r\n\r\n".to_vec(), 3),
    ];
    for (case, bytes, code) in &cases {
        let mut client = Client::tcp(server);
        client.send(bytes);
        let refuse = client.hear_refuse();
        assert_eq!(refuse.code, *code, "{case}: {refuse:?}");
        assert!(!refuse.reason.is_empty(), "{case}");
        assert_eq!(client.hear(), Heard::End, "{case}");
    }
    cases.len()
}

/// The token's claims with another expiry, signed with `key`.
fn resigned(token: &str, key: &[u8], expiry: u64) -> String {
    let mut parts = token.split('.');
    let (head, claims) = (parts.next().unwrap(), parts.next().unwrap());
    let mut claims: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    assert!(claims["exp"].is_number(), "{claims}");
    claims["exp"] = json!(expiry);
    let text = format!("{head}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes());
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(tag))
}
