//! Friends and notifications at the server: what clients are told, and what wrong input is answered.

use serde_json::{Value, json};
use tagus::wire::realtime::envelope::Message;

use crate::server::{Server, bearer};
use crate::socket::{Client, Kind};

/// A player: their token, id and name.
pub(crate) struct Player {
    pub(crate) token: String,
    pub(crate) id: String,
    pub(crate) name: String,
}

pub(crate) fn player(server: &Server, device: &str) -> Player {
    let token = server.token(device);
    let account = server
        .call("GET", "/v2/account", &bearer(&token), b"")
        .json();
    let text = |member: &str| account["user"][member].as_str().unwrap().to_owned();
    Player {
        token,
        id: text("id"),
        name: text("username"),
    }
}

fn get(server: &Server, player: &Player, path: &str) -> Value {
    let answer = server.call("GET", path, &bearer(&player.token), b"");
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    answer.json()
}

fn post(server: &Server, player: &Player, path: &str) {
    let answer = server.call("POST", path, &bearer(&player.token), b"");
    assert_eq!((answer.status, answer.body.as_str()), (200, "{}"), "{path}");
}

#[test]
fn an_invitation_reaches_the_other_and_waits() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let [one, other] = ["device-social-one", "device-social-other"].map(|id| player(&server, id));
    let mut sockets = [Kind::Json, Kind::Tcp].map(|kind| Client::open(&server, kind, &other.token));
    post(
        &server,
        &one,
        &format!(
            "/v2/friend?usernames={}&metadata=%7B%22a%22%3A1%7D",
            other.name
        ),
    );
    for socket in &mut sockets {
        let told = socket.until(|message| match message {
            Message::Notifications(told) => Some(told.notifications),
            _ => None,
        });
        let [told] = &told[..] else {
            panic!("{told:?}");
        };
        assert_eq!(
            (told.code, &told.sender_id, told.persistent),
            (-2, &one.id, true)
        );
        assert_eq!(told.content, json!({ "username": one.name }).to_string());
    }
    let friends = get(&server, &one, "/v2/friend");
    let sent = &friends["friends"][0];
    assert_eq!(sent["state"], 1);
    assert_eq!(sent["metadata"], r#"{"a":1}"#);
    assert_eq!(sent["user"]["id"], other.id.as_str());
    assert_eq!(
        get(&server, &other, "/v2/friend?state=2")["friends"][0]["metadata"],
        "{}"
    );
    assert_eq!(get(&server, &other, "/v2/friend?state=0"), json!({}));

    post(&server, &other, &format!("/v2/friend?ids={}", one.id));
    assert_eq!(
        get(&server, &one, "/v2/friend?state=0")["friends"][0]["state"],
        0
    );
    assert_eq!(get(&server, &one, "/v2/account")["user"]["edge_count"], 1);
    let waiting = get(&server, &one, "/v2/notification?limit=10");
    let accepted = &waiting["notifications"][0];
    assert_eq!(accepted["code"], -3);
    let id = accepted["id"].as_str().unwrap();
    let path = format!("/v2/notification?ids={id}");
    let foreign = server.call("DELETE", &path, &bearer(&other.token), b"");
    assert_eq!(foreign.status, 200, "one that is not theirs is passed over");
    assert_eq!(get(&server, &one, "/v2/notification?limit=10"), waiting);
    assert_eq!(
        server
            .call("DELETE", &path, &bearer(&one.token), b"")
            .status,
        200
    );
    let cursor = waiting["cacheable_cursor"].as_str().unwrap();
    let path = format!("/v2/notification?limit=10&cacheable_cursor={cursor}");
    let since = get(&server, &one, &path);
    assert_eq!(since, json!({ "cacheable_cursor": cursor }));
}

#[test]
fn friends_are_shown_online() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let [one, other] = ["device-online-one", "device-online-other"].map(|id| player(&server, id));
    let online = |player: &Player| get(&server, &one, &format!("/v2/user?ids={}", player.id));
    assert_eq!(online(&other)["users"][0]["online"], Value::Null);
    let query = format!("token={}&status=true", other.token);
    let mut socket = Client::upgrade(&server, Kind::Json, &query);
    socket.until(|message| match message {
        Message::StatusPresenceEvent(event) => Some(event),
        _ => None,
    });
    assert_eq!(online(&other)["users"][0]["online"], true);
}

#[test]
fn friends_of_friends_are_listed_with_who_knows_them() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let [one, near, far] =
        ["device-far-one1", "device-far-near", "device-far-far1"].map(|id| player(&server, id));
    for (a, b) in [(&one, &near), (&near, &far)] {
        post(&server, a, &format!("/v2/friend?ids={}", b.id));
        post(&server, b, &format!("/v2/friend?ids={}", a.id));
    }
    let list = get(&server, &one, "/v2/friend/friends?limit=10");
    let entry = &list["friends_of_friends"][0];
    assert_eq!(entry["referrer"], near.id.as_str());
    assert_eq!(entry["user"]["id"], far.id.as_str());
    post(&server, &far, &format!("/v2/friend/block?ids={}", one.id));
    assert_eq!(get(&server, &one, "/v2/friend/friends?limit=10"), json!({}));
}

#[test]
fn wrong_requests_are_answered_and_change_nothing() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let [one, other] = ["device-wrong-one", "device-wrong-other"].map(|id| player(&server, id));
    let own = format!("/v2/friend?ids={}", one.id);
    let block_own = format!("/v2/friend/block?ids={}", one.id);
    let unknown = "/v2/friend?ids=00000000-0000-4000-8000-000000000000";
    let metadata = format!("/v2/friend?ids={}&metadata=1", other.id);
    let cases: [(&str, &str, u16, i64); 22] = [
        ("POST", "/v2/friend", 400, 3),
        ("POST", "/v2/friend?ids=no", 400, 3),
        ("POST", &own, 400, 3),
        ("POST", unknown, 404, 5),
        ("POST", "/v2/friend?usernames=nobody-at-all", 404, 5),
        ("POST", &metadata, 400, 3),
        ("DELETE", "/v2/friend", 400, 3),
        ("DELETE", "/v2/friend?ids=no", 400, 3),
        ("POST", "/v2/friend/block", 400, 3),
        ("POST", &block_own, 400, 3),
        (
            "POST",
            "/v2/friend/block?ids=00000000-0000-4000-8000-000000000000",
            404,
            5,
        ),
        ("GET", "/v2/friend?limit=0", 400, 3),
        ("GET", "/v2/friend?limit=1001", 400, 3),
        ("GET", "/v2/friend?limit=x", 400, 3),
        ("GET", "/v2/friend?state=4", 400, 3),
        ("GET", "/v2/friend?cursor=AAAA", 400, 3),
        ("GET", "/v2/friend/friends?limit=-1", 400, 3),
        ("GET", "/v2/notification?limit=0", 400, 3),
        ("GET", "/v2/notification?limit=1001", 400, 3),
        ("GET", "/v2/notification?cacheable_cursor=?", 400, 3),
        ("DELETE", "/v2/notification", 400, 3),
        ("DELETE", "/v2/notification?ids=no", 400, 3),
    ];
    for (verb, path, status, code) in cases {
        let answer = server.call(verb, path, &bearer(&one.token), b"");
        let body = answer.json();
        assert_eq!(
            (answer.status, body["code"].as_i64()),
            (status, Some(code)),
            "{verb} {path}"
        );
        assert!(!answer.text("message").is_empty(), "{verb} {path}");
        assert_eq!(
            server.call(verb, path, "", b"").status,
            401,
            "{verb} {path}"
        );
    }
    assert_eq!(get(&server, &one, "/v2/friend"), json!({}));
    assert_eq!(
        get(&server, &other, "/v2/notification?limit=1")["notifications"],
        Value::Null
    );
}

#[test]
fn a_sink_hears_of_each_notification_and_who_is_away() {
    let data = tempfile::tempdir().unwrap();
    let (heard, hears) = std::sync::mpsc::channel();
    let server = Server::own(data.path(), |server| {
        server.notification_sink(move |_, sent: tagus::SentNotification| {
            let user_id = sent.notification.user_id.to_string();
            heard
                .send((user_id, sent.notification.code, sent.is_connected))
                .unwrap();
            async {}
        })
    });
    let [one, other] = ["device-sink-one", "device-sink-other"].map(|id| player(&server, id));
    let next = || hears.recv_timeout(crate::server::PATIENCE).unwrap();
    post(&server, &one, &format!("/v2/friend?ids={}", other.id));
    assert_eq!(next(), (other.id.clone(), -2, false));
    let mut socket = Client::open(&server, Kind::Json, &one.token);
    socket.ping();
    post(&server, &other, &format!("/v2/friend?ids={}", one.id));
    assert_eq!(next(), (one.id.clone(), -3, true));
    let counted = server.admin("/metrics").body;
    assert!(counted.contains("tagus_notification_sink_queued_total 2"));
}

#[test]
fn who_is_connected_hears_what_comes_at_once() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let one = player(&server, "device-at-once");
    for number in 0..30 {
        let other = player(&server, &format!("device-at-once-{number}"));
        let mut socket = Client::open(&server, Kind::Json, &other.token);
        post(&server, &one, &format!("/v2/friend?ids={}", other.id));
        socket.until(|message| match message {
            Message::Notifications(_) => Some(()),
            _ => None,
        });
    }
}
