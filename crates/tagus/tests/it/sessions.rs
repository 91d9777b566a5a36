//! Log-ins, the commands beside `serve`, slow readers, and how a server stops.

use serde_json::json;
use tagus_wire::realtime::envelope::Message;
use tagus_wire::realtime::{MatchCreate, MatchDataSend};

use crate::server::{Answer, Server, bearer, run, server_key};
use crate::socket::{Client, Heard, Kind};

#[test]
fn logout_closes_its_socket_and_survives_a_restart() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let session = server.login("device-logging-out");
    let (token, refresh_token) = (session.text("token"), session.text("refresh_token"));
    let kept = server.token("device-logging-out");
    let mut socket = Client::open(&server, Kind::Json, &token);
    let mut other = Client::open(&server, Kind::Tcp, &kept);
    socket.ping();

    let body = json!({ "token": token, "refresh_token": refresh_token }).to_string();
    let answer = server.call(
        "POST",
        "/v2/session/logout",
        &bearer(&token),
        body.as_bytes(),
    );
    assert_eq!(answer.status, 200, "{}", answer.body);
    let envelope = socket.envelope();
    assert!(
        matches!(envelope.message, Some(Message::Error(_))),
        "{envelope:?}"
    );
    assert_eq!(socket.hear(), Heard::Close(1000));
    other.ping();
    assert_eq!(account(&server, &token).status, 401);

    drop(server);
    let server = Server::start(data.path());
    assert_eq!(account(&server, &token).status, 401);
    assert_eq!(refresh(&server, &refresh_token).status, 401);
    assert_eq!(account(&server, &kept).status, 200);
}

#[test]
fn refresh_gives_a_token_of_the_same_account() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let session = server.login("device-refreshing");
    let answer = refresh(&server, &session.text("refresh_token"));
    assert_eq!(answer.status, 200, "{}", answer.body);
    let id = |token: &str| account(&server, token).json()["user"]["id"].clone();
    assert!(id(&answer.text("token")).is_string());
    assert_eq!(id(&answer.text("token")), id(&session.text("token")));
}

#[test]
fn wrong_passwords_are_limited() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let good = "the right password";
    assert_eq!(email(&server, good).status, 200);
    for _ in 0..5 {
        assert_eq!(email(&server, "a wrong password").status, 401);
    }
    // The sixth failure starts the wait; the answer after it says so, even to the right password.
    assert_eq!(email(&server, "a wrong password").status, 401);
    let limited = email(&server, good);
    assert_eq!(limited.status, 429, "{}", limited.body);
    assert_eq!(limited.json()["code"], json!(8));
    assert!(limited.head.contains("retry-after: "), "{}", limited.head);
}

fn account(server: &Server, token: &str) -> Answer {
    server.call("GET", "/v2/account", &bearer(token), b"")
}

fn refresh(server: &Server, token: &str) -> Answer {
    let body = json!({ "token": token }).to_string();
    let path = "/v2/account/session/refresh";
    server.call("POST", path, &server_key(), body.as_bytes())
}

fn email(server: &Server, password: &str) -> Answer {
    let body = json!({ "email": "some@one.example", "password": password }).to_string();
    let path = "/v2/account/authenticate/email";
    server.call("POST", path, &server_key(), body.as_bytes())
}

#[test]
fn public_keys_stay_on_loopback() {
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().to_str().unwrap();
    for command in ["serve", "check-config"] {
        let refused = run(&[command, "--address", "0.0.0.0", "--data", folder]);
        assert!(!refused.status.success());
        let text = String::from_utf8_lossy(&refused.stderr);
        assert!(text.contains("keys.server"), "{text}");
        assert!(text.contains("TAGUS_KEYS__SERVER"), "{text}");
    }
    assert!(run(&["check-config", "--data", folder]).status.success());
    assert!(!run(&["check-config", "--shards", "0"]).status.success());
}

#[test]
fn a_backup_restores_the_accounts() {
    let folders = tempfile::tempdir().unwrap();
    let (data, copy) = (folders.path().join("data"), folders.path().join("copy"));
    let file = folders.path().join("backup.db");
    let text = |path: &std::path::Path| path.to_str().unwrap().to_owned();
    let server = Server::start(&data);
    assert!(
        run(&["healthcheck", "--address", &server.admin])
            .status
            .success()
    );
    server.token("device-backed-up");
    let backup = ["backup", &text(&file), "--data", &text(&data)];
    let done = run(&backup);
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    assert!(!run(&backup).status.success(), "the file is there already");
    let admin = server.admin.clone();
    drop(server);
    assert!(!run(&["healthcheck", "--address", &admin]).status.success());

    let restore = ["restore", &text(&file), "--data", &text(&copy)];
    let done = run(&restore);
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    assert!(
        !run(&restore).status.success(),
        "a database is there already"
    );
    let server = Server::start(&copy);
    let found = server.login("device-backed-up");
    assert_eq!(
        found.json()["created"],
        serde_json::Value::Null,
        "{}",
        found.body
    );
}

#[test]
fn a_slow_reader_is_closed_and_the_others_miss_nothing() {
    let kinds = [Kind::Json, Kind::Protobuf, Kind::Tcp];
    std::thread::scope(|scope| {
        for kind in kinds {
            scope.spawn(move || slow_reader(kind));
        }
    });
}

fn slow_reader(kind: Kind) {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start_with(data.path(), &[("LIMITS__QUEUE_BYTES_MAX", "65536")]);
    let mut sender = Client::open(&server, Kind::Tcp, &server.token("device-sender"));
    let mut reader = Client::open(&server, Kind::Protobuf, &server.token("device-reader"));
    let mut slow = Client::open(&server, kind, &server.token("device-slow"));
    sender.ask("", Message::MatchCreate(MatchCreate::default()));
    let match_id = sender.until(|message| match message {
        Message::Match(joined) => Some(joined.match_id),
        _ => None,
    });
    reader.join(&match_id);
    slow.join(&match_id);
    slow.envelope();

    // The system's buffers hold some megabytes for the one who does not read.
    let mut heard = 0_i64;
    let mut gone = None;
    for op_code in 0..20_000 {
        let send = MatchDataSend {
            match_id: match_id.clone(),
            op_code,
            data: vec![b'x'; 4_000].into(),
            ..Default::default()
        };
        sender.ask("", Message::MatchDataSend(send));
        while heard <= op_code {
            match reader.envelope().message {
                Some(Message::MatchData(data)) => {
                    assert_eq!(data.op_code, heard);
                    heard += 1;
                }
                Some(Message::MatchPresenceEvent(event)) if !event.leaves.is_empty() => {
                    gone = Some(op_code);
                }
                _ => {}
            }
        }
        if gone.is_some_and(|at| op_code > at + 100) {
            break;
        }
    }
    assert!(gone.is_some(), "the slow reader was never closed");
    sender.until(|message| match message {
        Message::MatchPresenceEvent(event) if !event.leaves.is_empty() => Some(()),
        _ => None,
    });
    // What the system's buffers held still comes, then why it ends, and the end.
    let (mut count, mut last) = (0, None);
    let end = loop {
        match slow.hear() {
            Heard::Envelope(envelope) => last = envelope.message,
            end => break end,
        }
        count += 1;
    };
    assert!(count < heard);
    let Some(Message::Error(error)) = last else {
        panic!("{kind:?}: {last:?} in place of an error");
    };
    assert!(error.message.contains("too slowly"), "{error:?}");
    let expected = if kind == Kind::Tcp {
        Heard::End
    } else {
        Heard::Close(1000)
    };
    assert_eq!(end, expected);
    let metrics = server.admin("/metrics").body;
    let counted = |line: &str| line.contains("slow_reader") && line.ends_with(" 1");
    assert!(metrics.lines().any(counted), "{metrics}");
}

#[test]
fn ctrl_c_tells_the_sockets_and_ends_well() {
    let data = tempfile::tempdir().unwrap();
    let mut server = Server::start_with(data.path(), &[("GRACE_MS", "500")]);
    let mut sockets = [Kind::Json, Kind::Protobuf, Kind::Tcp].map(|kind| {
        let token = server.token(&format!("device-of-{kind:?}"));
        let mut socket = Client::open(&server, kind, &token);
        socket.ping();
        socket
    });
    // One sits in a room, which is told first.
    sockets[0].join("arena");
    sockets[0].until(|message| matches!(message, Message::Match(_)).then_some(()));
    server.interrupt();
    for socket in &mut sockets {
        let ended = loop {
            match socket.hear() {
                Heard::Envelope(_) => {}
                ended => break ended,
            }
        };
        let expected = if socket.kind == Kind::Tcp {
            Heard::End
        } else {
            Heard::Close(1001)
        };
        assert_eq!(ended, expected, "{:?}", socket.kind);
    }
    drop(sockets);
    assert_eq!(server.wait().code(), Some(0));
}
