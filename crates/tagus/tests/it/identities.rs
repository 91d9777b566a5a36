//! Linking, unlinking, and the switches of sessions.

use serde_json::json;
use tagus_wire::realtime::envelope::Message;

use crate::server::{Server, bearer, server_key};
use crate::socket::{Client, Heard, Kind};

fn post(server: &Server, token: &str, path: &str, body: &str) -> (u16, i64, String) {
    let path = format!("/v2/account/{path}");
    let answer = server.call("POST", &path, &bearer(token), body.as_bytes());
    let code = answer.json()["code"].as_i64().unwrap_or_default();
    (answer.status, code, answer.text("message"))
}

#[test]
fn wrong_links_are_refused_with_the_protocol_s_words() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let token = server.token("device-of-ann");
    let other = server.token("device-of-bob");
    let link = |kind: &str, body: &str| post(&server, &other, &format!("link/{kind}"), body);
    assert_eq!(link("custom", r#"{"id":"custom-bob"}"#).0, 200);
    let address = r#"{"email":"bob@example.org","password":"password"}"#;
    assert_eq!(link("email", address).0, 200);
    let long = format!(r#"{{"id":"{}"}}"#, "x".repeat(129));
    let email = |address: &str, password: &str| {
        json!({ "email": address, "password": password }).to_string()
    };
    let last = "Cannot unlink last account identifier. Check profile exists and is not last link.";
    let both = "Email address and password is required.";
    for (path, body, expected) in [
        ("link/device", "{}", (400, 3, "Device ID is required.")),
        (
            "link/device",
            r#"{"id":"short"}"#,
            (400, 3, "Device ID invalid, must be 10-128 bytes."),
        ),
        (
            "link/device",
            &long,
            (400, 3, "Device ID invalid, must be 10-128 bytes."),
        ),
        (
            "link/device",
            r#"{"id":"device-of-bob"}"#,
            (409, 6, "Device ID already in use."),
        ),
        ("link/custom", "{}", (400, 3, "Custom ID is required.")),
        (
            "link/custom",
            &long,
            (400, 3, "Custom ID invalid, must be 6-128 bytes."),
        ),
        (
            "link/custom",
            r#"{"id":"custom-bob"}"#,
            (409, 6, "Custom ID is already in use."),
        ),
        ("link/email", "{}", (400, 3, both)),
        ("link/email", &email("ann@example.org", ""), (400, 3, both)),
        (
            "link/email",
            &email("ann@example.org", "seven77"),
            (400, 3, "Password must be at least 8 characters long."),
        ),
        (
            "link/email",
            &email("annexample.org", "password"),
            (400, 3, "Invalid email address format."),
        ),
        (
            "link/email",
            &email("bob@example.org", "password"),
            (409, 6, "Email is already in use."),
        ),
        ("unlink/device", "{}", (400, 3, "Device ID is required.")),
        ("unlink/device", r#"{"id":"device-of-ann"}"#, (403, 7, last)),
        ("unlink/device", r#"{"id":"device-of-bob"}"#, (403, 7, last)),
        ("unlink/custom", r#"{"id":"custom-bob"}"#, (403, 7, last)),
        (
            "unlink/email",
            r#"{"email":"bob@example.org"}"#,
            (403, 7, last),
        ),
    ] {
        let (status, code, message) = post(&server, &token, path, body);
        assert_eq!((status, code, message.as_str()), expected, "{path} {body}");
    }
    for path in ["link/device", "link/custom", "unlink/email"] {
        let (status, code, _) = post(&server, &token, path, r#"{"id":7,"email":7}"#);
        assert_eq!((status, code), (400, 3), "{path}");
        let path = format!("/v2/account/{path}");
        assert_eq!(server.call("POST", &path, "", b"{}").status, 401);
    }
    let account = server
        .call("GET", "/v2/account", &bearer(&token), b"")
        .json();
    assert_eq!(account["devices"], json!([{ "id": "device-of-ann" }]));
    assert_eq!(account.get("custom_id"), None);
}

fn codes_of(client: &mut Client) -> i32 {
    client.until(|message| match message {
        Message::Notifications(told) => told.notifications.first().map(|one| one.code),
        _ => None,
    })
}

/// Skips what was sent before the goodbye.
fn closed(client: &mut Client) -> Heard {
    loop {
        match client.hear() {
            Heard::Envelope(_) => {}
            end => return end,
        }
    }
}

#[test]
fn a_single_socket_replaces_the_older_ones() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start_with(data.path(), &[("SESSION__SINGLE_SOCKET", "true")]);
    let token = server.token("device-of-ann");
    let mut other = Client::open(&server, Kind::Json, &server.token("device-of-bob"));
    for (older, newer) in [
        (Kind::Json, Kind::Protobuf),
        (Kind::Protobuf, Kind::Tcp),
        (Kind::Tcp, Kind::Json),
    ] {
        let mut first = Client::open(&server, older, &token);
        first.ping();
        let mut second = Client::open(&server, newer, &server.token("device-of-ann"));
        assert_eq!(codes_of(&mut first), -7, "{older:?}");
        let end = if older == Kind::Tcp {
            Heard::End
        } else {
            Heard::Close(1000)
        };
        assert_eq!(closed(&mut first), end);
        second.ping();
    }
    other.ping();
}

#[test]
fn a_single_session_ends_the_other_logins() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start_with(data.path(), &[("SESSION__SINGLE_SESSION", "true")]);
    let first = server.login("device-of-ann");
    let mut socket = Client::open(&server, Kind::Json, &first.text("token"));
    socket.ping();
    let mut other = Client::open(&server, Kind::Json, &server.token("device-of-bob"));
    let second = server.token("device-of-ann");
    assert_eq!(closed(&mut socket), Heard::Close(1000));
    let account = |token: &str| {
        server
            .call("GET", "/v2/account", &bearer(token), b"")
            .status
    };
    assert_eq!(account(&first.text("token")), 401);
    assert_eq!(account(&second), 200);
    let body = json!({ "token": first.text("refresh_token") }).to_string();
    let path = "/v2/account/session/refresh";
    let refreshed = server.call("POST", path, &server_key(), body.as_bytes());
    assert_eq!(refreshed.status, 401);
    Client::open(&server, Kind::Tcp, &second).ping();
    other.ping();
}
