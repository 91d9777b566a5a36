//! What operators do: bans, exports, maintenance, versions; and the calls beside the protocol.

use std::process::Output;
use std::sync::mpsc;

use serde_json::{Value, json};
use tagus_wire::realtime::envelope::Message;

use crate::server::{Answer, Server, bearer, command, server_key};
use crate::socket::{Client, Heard, Kind};

const KEY: &str = "defaultadminkey";

fn operate(server: &Server, verb: &str, path: &str, body: &str) -> Answer {
    server.operate(verb, path, &bearer(KEY), body.as_bytes())
}

fn id_of(server: &Server, token: &str) -> String {
    let account = server
        .call("GET", "/v2/account", &bearer(token), b"")
        .json();
    account["user"]["id"].as_str().unwrap().to_owned()
}

fn login(server: &Server, device: &str) -> Answer {
    let body = json!({ "id": device }).to_string();
    let path = "/v2/account/authenticate/device";
    server.call("POST", path, &server_key(), body.as_bytes())
}

fn refusal(answer: &Answer) -> (u16, i64, String) {
    let code = answer.json()["code"].as_i64().unwrap_or_default();
    (answer.status, code, answer.text("message"))
}

fn admin(server: &Server, words: &[&str]) -> Output {
    let address = ["admin", "--address", &server.admin];
    command(&[&address, words].concat()).output().unwrap()
}

fn said(output: &Output) -> String {
    let bytes = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    String::from_utf8(bytes).unwrap().trim_end().to_owned()
}

#[test]
fn a_ban_closes_connections_and_refuses_logins() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let session = server.login("device-of-ann");
    let token = session.text("token");
    let id = id_of(&server, &token);
    let mut sockets =
        [Kind::Json, Kind::Protobuf, Kind::Tcp].map(|kind| Client::open(&server, kind, &token));
    for socket in &mut sockets {
        socket.ping();
    }
    let mut other = Client::open(&server, Kind::Json, &server.token("device-of-bob"));
    let path = format!("/v2/admin/users/{id}/ban");
    assert_eq!(operate(&server, "POST", &path, "").status, 200);
    for socket in &mut sockets {
        let code = socket.until(|message| match message {
            Message::Notifications(told) => told.notifications.first().map(|one| one.code),
            _ => None,
        });
        assert_eq!(code, -8);
        let end = loop {
            match socket.hear() {
                Heard::Envelope(_) => {}
                end => break end,
            }
        };
        assert_ne!(matches!(end, Heard::Close(1000)), socket.kind == Kind::Tcp);
    }
    other.ping();
    let banned = (403, 7, "User account banned.".to_owned());
    assert_eq!(refusal(&login(&server, "device-of-ann")), banned);
    assert_eq!(
        server
            .call("GET", "/v2/account", &bearer(&token), b"")
            .status,
        401
    );

    // It outlives the server.
    drop(server);
    let server = Server::start(data.path());
    assert_eq!(refusal(&login(&server, "device-of-ann")), banned);
    let path = format!("/v2/admin/users/{id}/unban");
    assert_eq!(operate(&server, "POST", &path, "").status, 200);
    assert_eq!(login(&server, "device-of-ann").status, 200);
}

#[test]
fn the_admin_door_wants_its_key_and_good_calls() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let token = server.token("device-of-ann");
    let user = format!("/v2/admin/users/{}", id_of(&server, &token));
    for (authorization, text) in [
        (String::new(), "Admin key required"),
        ("Basic xyz".to_owned(), "Admin key required"),
        (bearer("wrong"), "Admin key invalid"),
        (bearer(&format!("{KEY}x")), "Admin key invalid"),
        (bearer(&token), "Admin key invalid"),
    ] {
        let answer = server.operate("GET", &user, &authorization, b"");
        assert_eq!(refusal(&answer), (401, 16, text.to_owned()));
    }
    let nobody = "00000000-0000-4000-8000-000000000000";
    let not_found = (404, 5, "User account not found.");
    let metadata = "Metadata must be a JSON object of at most 16384 bytes.";
    for (verb, path, body, expected) in [
        ("GET", "users/x", "", (400, 3, "ID must be a valid UUID.")),
        (
            "POST",
            "users/x/ban",
            "",
            (400, 3, "ID must be a valid UUID."),
        ),
        (
            "GET",
            &format!("users/{nobody}"),
            "",
            (404, 5, "Account not found."),
        ),
        (
            "GET",
            &format!("users/{nobody}/export"),
            "",
            (404, 5, "Account not found."),
        ),
        ("POST", &format!("users/{nobody}/ban"), "", not_found),
        ("POST", &format!("users/{nobody}/unban"), "", not_found),
        ("PUT", &format!("users/{nobody}/metadata"), "{}", not_found),
        (
            "PUT",
            &format!("users/{nobody}/metadata"),
            "[]",
            (400, 3, metadata),
        ),
        ("GET", "users", "", (400, 3, "Name a user: ?username=NAME.")),
        (
            "GET",
            "users?username=nobody",
            "",
            (404, 5, "User not found."),
        ),
        (
            "PUT",
            "maintenance",
            "{\"message\":\"\"}",
            (400, 3, "The message must be 1 to 255 bytes."),
        ),
        (
            "PUT",
            "maintenance",
            "{\"retry_secs\":0}",
            (400, 3, "retry_secs must be 1 to 86400."),
        ),
        ("GET", "", "", (404, 5, "Not Found")),
        ("PATCH", "maintenance", "", (404, 5, "Not Found")),
    ] {
        let answer = operate(&server, verb, &format!("/v2/admin/{path}"), body);
        let expected = (expected.0, expected.1, expected.2.to_owned());
        assert_eq!(refusal(&answer), expected, "{verb} {path}");
    }
    let large = format!("{{\"a\":\"{}\"}}", "x".repeat(70_000));
    let answer = operate(&server, "PUT", &format!("{user}/metadata"), &large);
    assert_eq!(refusal(&answer).1, 3);
    let answer = operate(&server, "PUT", "/v2/admin/maintenance", "{\"drian\":true}");
    assert_eq!(refusal(&answer).1, 3);
    let set = operate(&server, "PUT", &format!("{user}/metadata"), "{\"rank\":1}");
    assert_eq!(set.status, 200);
    let account = operate(&server, "GET", &user, "").json();
    assert_eq!(account["user"]["metadata"], "{\"rank\":1}");
}

#[test]
fn operators_work_from_the_command_line() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let token = server.token("device-of-ann");
    let name = "ann of ä".replace(' ', "_");
    let body = json!({ "username": name }).to_string();
    let renamed = server.call("PUT", "/v2/account", &bearer(&token), body.as_bytes());
    assert_eq!(renamed.status, 200);
    let id = id_of(&server, &token);
    let shown = said(&admin(&server, &["user", "find", &name]));
    assert!(
        shown.contains(&id) && shown.contains("device-of-ann"),
        "{shown}"
    );
    assert_eq!(said(&admin(&server, &["user", "ban", &id])), "banned");
    assert!(said(&admin(&server, &["user", "get", &id])).contains("banned since"));
    let json = admin(&server, &["user", "get", &id, "--json"]);
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert!(json["disable_time"].is_string());
    assert_eq!(
        said(&admin(&server, &["user", "unban", &id])),
        "no longer banned"
    );
    let export = admin(&server, &["user", "export", &id]);
    let export: Value = serde_json::from_slice(&export.stdout).unwrap();
    assert_eq!(export["account"]["user"]["id"], id.as_str());
    assert_eq!(
        (&export["friends"], &export["notifications"]),
        (&json!([]), &json!([]))
    );
    let metadata = ["user", "metadata", &id, "{\"a\":1}"];
    assert_eq!(said(&admin(&server, &metadata)), "metadata replaced");

    let token = server.token("device-of-ann");
    let mut socket = Client::open(&server, Kind::Json, &token);
    let unsure = admin(&server, &["user", "delete", &id]);
    assert!(!unsure.status.success() && said(&unsure).contains("--yes"));
    socket.ping();
    assert_eq!(
        said(&admin(&server, &["user", "delete", &id, "--yes"])),
        "deleted"
    );
    assert!(matches!(socket.hear(), Heard::Envelope(_)));
    assert_eq!(socket.hear(), Heard::Close(1000));
    let gone = admin(&server, &["user", "get", &id]);
    assert!(!gone.status.success());
    assert!(
        said(&gone).contains("Account not found."),
        "{}",
        said(&gone)
    );

    let bad = said(&admin(&server, &["user", "ban", "ann"]));
    assert!(bad.contains("user find"), "{bad}");
    let mut wrong = command(&["admin", "--address", &server.admin, "maintenance", "status"]);
    let wrong = said(&wrong.env("TAGUS_KEYS__ADMIN", "wrong").output().unwrap());
    assert!(wrong.contains("TAGUS_KEYS__ADMIN"), "{wrong}");
    let address = server.admin.clone();
    drop(server);
    let nobody = command(&["admin", "--address", &address, "maintenance", "off"]).output();
    assert!(said(&nobody.unwrap()).contains("is the server running?"));
}

#[test]
fn an_export_has_every_subject() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let (ann, bob) = (server.token("device-of-ann"), server.token("device-of-bob"));
    let path = format!("/v2/friend?ids={}", id_of(&server, &bob));
    assert_eq!(server.call("POST", &path, &bearer(&ann), b"").status, 200);
    let export = |token: &str| {
        let path = format!("/v2/admin/users/{}/export", id_of(&server, token));
        operate(&server, "GET", &path, "").json()
    };
    let group = br#"{"name":"g"}"#;
    let made = server.call("POST", "/v2/group", &bearer(&ann), group);
    assert_eq!(made.status, 200);
    let object = br#"{"objects":[{"collection":"c","key":"k","value":"{}"}]}"#;
    let kept = server.call("PUT", "/v2/storage", &bearer(&ann), object);
    assert_eq!(kept.status, 200);
    let of_ann = export(&ann);
    assert_eq!(of_ann["groups"][0]["group"]["name"], "g");
    assert_eq!(of_ann["objects"][0]["key"], "k");
    let empty = [
        "leaderboard_records",
        "messages",
        "notifications",
        "ratings",
        "wallet_ledgers",
    ];
    for member in empty {
        assert_eq!(of_ann[member], json!([]), "{member}");
    }
    assert_eq!(of_ann["friends"][0]["state"], 1);
    assert_eq!(of_ann["friends"][0]["user"]["id"], id_of(&server, &bob));
    let of_bob = export(&bob);
    assert_eq!(of_bob["notifications"][0]["code"], -2);
}

#[test]
fn maintenance_lets_nobody_in_and_outlives_a_restart() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let session = server.login("device-of-ann");
    let token = session.text("token");
    let mut inside = Client::open(&server, Kind::Json, &token);
    let words = [
        "maintenance",
        "on",
        "--message",
        "Back at nine.",
        "--retry-secs",
        "90",
    ];
    assert!(admin(&server, &words).status.success());
    inside.ping();
    assert_eq!(
        server
            .call("GET", "/v2/account", &bearer(&token), b"")
            .status,
        200
    );
    drop(server);
    let server = Server::start(data.path());
    let status = said(&admin(&server, &["maintenance", "status"]));
    assert_eq!(status, "under maintenance: Back at nine.");

    let refused = login(&server, "device-of-new");
    assert_eq!(refusal(&refused), (503, 14, "Back at nine.".to_owned()));
    assert!(refused.head.contains("retry-after: 90"), "{}", refused.head);
    let refused = upgrade(&server, &token, "");
    assert_eq!(refusal(&refused), (503, 14, "Back at nine.".to_owned()));
    assert!(refused.head.contains("retry-after: 90"), "{}", refused.head);
    let mut tcp = Client::tcp(&server);
    tcp.hello(&token, false);
    let refuse = tcp.hear_refuse();
    assert_eq!((refuse.code, refuse.retry_ms), (14, 90_000));
    assert_eq!(refuse.reason, "Back at nine.");

    assert!(admin(&server, &["maintenance", "off"]).status.success());
    let mut inside = Client::open(&server, Kind::Tcp, &token);
    inside.ping();
    assert!(
        admin(&server, &["maintenance", "on", "--drain"])
            .status
            .success()
    );
    assert_eq!(inside.hear(), Heard::End);
    assert_eq!(
        said(&admin(&server, &["maintenance", "off"])),
        "everybody is let in again"
    );
    Client::open(&server, Kind::Json, &token).ping();
}

/// Asks for a WebSocket with another header.
fn upgrade(server: &Server, token: &str, header: &str) -> Answer {
    let head =
        format!("GET /ws?token={token} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{header}");
    server.exchange(&head, b"")
}

#[test]
fn old_clients_are_refused_at_login_and_socket() {
    let data = tempfile::tempdir().unwrap();
    let settings = [("CLIENT__VERSION_MIN", "1.4.2")];
    let old = (
        400,
        9,
        "Client version 1.2 is too old, at least 1.4.2 is needed.".to_owned(),
    );
    let with = |server: &Server, vars: &str| {
        let body = format!(r#"{{"id":"device-of-ann","vars":{{{vars}}}}}"#);
        let path = "/v2/account/authenticate/device";
        server.call("POST", path, &server_key(), body.as_bytes())
    };
    let server = Server::start(data.path());
    let token = with(&server, r#""client_version":"1.2""#).text("token");
    let refresh_token = login(&server, "device-of-ann").text("refresh_token");
    drop(server);
    let server = Server::start_with(data.path(), &settings);
    assert_eq!(refusal(&with(&server, r#""client_version":"1.2""#)), old);
    assert_eq!(with(&server, r#""client_version":"1.10""#).status, 200);
    let session = with(&server, "");
    assert_eq!(session.status, 200);
    let untold = session.text("token");
    assert_eq!(refusal(&upgrade(&server, &token, "")), old);
    assert_eq!(
        refusal(&upgrade(&server, &untold, "x-client-version: 1.2\r\n")),
        old
    );
    let good = upgrade(&server, &untold, "x-client-version: 2\r\n");
    assert_ne!(good.text("message"), old.2);
    let mut tcp = Client::tcp(&server);
    tcp.hello(&token, false);
    let refuse = tcp.hear_refuse();
    assert_eq!(
        (i64::from(refuse.code), refuse.reason),
        (old.1, old.2.clone())
    );
    let body = json!({ "token": refresh_token, "vars": { "client_version": "1.2" } });
    let path = "/v2/account/session/refresh";
    let refreshed = server.call("POST", path, &server_key(), body.to_string().as_bytes());
    assert_eq!(refusal(&refreshed), old);
    drop(server);

    let required = [settings[0], ("CLIENT__VERSION_REQUIRED", "true")];
    let server = Server::start_with(data.path(), &required);
    let text = "Client version is required, at least 1.4.2 is needed.".to_owned();
    assert_eq!(refusal(&with(&server, "")), (400, 9, text));
}

#[test]
fn codes_make_friends_and_open_groups() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let (ann, bob) = (server.token("device-of-ann"), server.token("device-of-bob"));
    let x = |verb: &str, path: &str, token: &str| {
        server.call(verb, &format!("/v2/x/{path}"), &bearer(token), b"")
    };
    let code = x("GET", "code", &ann).text("code");
    assert_eq!(x("GET", "code", &ann).text("code"), code);
    let lower = code.to_lowercase();
    let added = x("POST", &format!("friend/{lower}"), &bob);
    assert_eq!(
        added.text("user_id"),
        id_of(&server, &ann),
        "{}",
        added.body
    );
    let of_bob = x("GET", "code", &bob).text("code");
    assert_eq!(x("POST", &format!("friend/{of_bob}"), &ann).status, 200);
    let friends = server.call("GET", "/v2/friend", &bearer(&ann), b"").json();
    assert_eq!(friends["friends"][0]["state"], 0);

    let unknown = (404, 5, "Code not found.".to_owned());
    assert_eq!(refusal(&x("POST", "friend/NOCODE", &bob)), unknown);
    let own = refusal(&x("POST", &format!("friend/{code}"), &ann));
    assert_eq!(own, (400, 3, "Cannot add self as friend.".to_owned()));
    assert_eq!(x("DELETE", "code", &ann).status, 200);
    assert_eq!(
        refusal(&x("POST", &format!("friend/{code}"), &bob)),
        unknown
    );
    assert_eq!(x("PUT", "code", &ann).status, 501);
    assert_eq!(server.call("GET", "/v2/x/code", "", b"").status, 401);

    let group = server.call(
        "POST",
        "/v2/group",
        &bearer(&ann),
        br#"{"name":"g","open":true}"#,
    );
    let id = group.text("id");
    let of_group = x("GET", &format!("group/{id}/code"), &ann).text("code");
    let none = "Group not found, or the caller is none of its admins.".to_owned();
    for verb in ["GET", "DELETE"] {
        let refused = x(verb, &format!("group/{id}/code"), &bob);
        assert_eq!(refusal(&refused), (403, 7, none.clone()));
    }
    assert_eq!(refusal(&x("GET", "group/x/code", &ann)).1, 3);
    assert_eq!(
        refusal(&x("POST", &format!("friend/{of_group}"), &bob)),
        unknown
    );
    let joined = x("POST", &format!("group/{of_group}"), &bob);
    assert_eq!(joined.text("group_id"), id, "{}", joined.body);
    let path = format!("/v2/group/{id}/user");
    let members = server.call("GET", &path, &bearer(&ann), b"").json();
    assert_eq!(members["group_users"].as_array().map(Vec::len), Some(2));
    assert_eq!(x("DELETE", &format!("group/{id}/code"), &ann).status, 200);
    assert_eq!(
        refusal(&x("POST", &format!("group/{of_group}"), &bob)),
        unknown
    );
    let again = x("GET", &format!("group/{id}/code"), &ann).text("code");
    assert_ne!(again, of_group);
    let path = format!("/v2/group/{id}");
    assert_eq!(server.call("DELETE", &path, &bearer(&ann), b"").status, 200);
    let gone = x("POST", &format!("group/{again}"), &bob);
    assert_eq!(refusal(&gone), unknown);
}

#[test]
fn the_time_is_everybody_s() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let time = server.call("GET", "/v2/x/time", "", b"");
    let time = time.json()["unix_ms"].as_u64().unwrap();
    let now = std::time::SystemTime::now();
    let now = now
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_millis();
    assert!(now.abs_diff(time.into()) < 60_000);
    assert_eq!(server.call("POST", "/v2/x/time", "", b"").status, 501);
    assert_eq!(server.call("GET", "/v2/x/nothing", "", b"").status, 404);
}

#[test]
fn sessions_begin_before_they_end() {
    let data = tempfile::tempdir().unwrap();
    let (sender, heard) = mpsc::channel();
    let server = Server::own(data.path(), |server| {
        let (start, end) = (sender.clone(), sender);
        server
            .session_start(move |_, caller| {
                let start = start.clone();
                async move {
                    // Slower than the connection's life.
                    tokio::task::yield_now().await;
                    start.send(("start", caller.session_id)).unwrap();
                }
            })
            .session_end(move |_, caller| {
                let end = end.clone();
                async move { end.send(("end", caller.session_id)).unwrap() }
            })
    });
    let token = server.token("device-of-ann");
    for _ in 0..20 {
        drop(Client::open(&server, Kind::Json, &token));
    }
    let mut open = std::collections::BTreeSet::new();
    for _ in 0..40 {
        let (what, session_id) = heard.recv_timeout(crate::server::PATIENCE).unwrap();
        let session_id = session_id.unwrap();
        match what {
            "start" => assert!(open.insert(session_id)),
            _ => assert!(open.remove(&session_id)),
        }
    }
    assert!(open.is_empty());
}
