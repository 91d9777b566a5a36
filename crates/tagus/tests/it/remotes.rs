//! RPC functions and hooks that a service of the studio answers.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tagus::wire::api::Rpc;
use tagus::wire::realtime::envelope::Message;
use tagus::wire::realtime::{Envelope, StatusUpdate};
use tagus::wire::{METHODS, MessageKind, Segment, from_json};
use tagus::{RemoteConfig, RpcCall, Secret};

use crate::server::{Answer, PATIENCE, Server, basic, bearer, server_key};
use crate::service::{Reaction, SECRET, Service};
use crate::social::player;
use crate::socket::{Client, Kind};

fn said(value: &Value) -> Reaction {
    Reaction::Answer(200, value.to_string())
}

fn texts(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// A server that asks this service.
fn start(
    data: &std::path::Path,
    service: &Service,
    configure: impl FnOnce(&mut RemoteConfig),
) -> Server {
    let mut remote = RemoteConfig::new(&service.url, Secret::new(SECRET));
    remote.timeout_ms = 10_000;
    configure(&mut remote);
    Server::own_with(
        data,
        |config| config.remotes = vec![remote],
        |server| server,
    )
}

fn rpc(server: &Server, token: &str, id: &str, payload: &str) -> Answer {
    let path = format!("/v2/rpc/{id}?unwrap");
    server.call("POST", &path, &bearer(token), payload.as_bytes())
}

#[test]
fn a_service_answers_functions_over_http_and_the_socket() {
    let service = Service::start(|question| match question["payload"].as_str() {
        Some("refuse") => said(&json!({"error": {"code": 9, "message": "not today"}})),
        Some("nothing") => said(&json!({})),
        Some("object") => said(&json!({"payload": {"a": 1}})),
        Some(payload) => said(&json!({"payload": format!("heard {payload}")})),
        None => Reaction::Answer(500, String::new()),
    });
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path(), &service, |remote| {
        remote.rpcs = texts(&["Shop.Buy"])
    });
    let buyer = player(&server, "device-of-a-buyer");
    let answer = rpc(&server, &buyer.token, "shop.buy", "\"two\"");
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (200, "heard \"two\"")
    );
    let question = service.asked().remove(0);
    assert_eq!(
        (&question["kind"], &question["id"]),
        (&json!("rpc"), &json!("shop.buy"))
    );
    assert_eq!(question["caller"]["user_id"], buyer.id.as_str());
    assert_eq!(question["caller"]["username"], buyer.name.as_str());
    assert_eq!(question["caller"]["session_id"], Value::Null);
    assert_eq!(question["call_id"].as_str().unwrap().len(), 36);

    let path = "/v2/rpc/shop.buy?http_key=defaulthttpkey&unwrap&color=red";
    assert_eq!(server.call("POST", path, "", b"nothing").body, "");
    let question = service.asked().remove(1);
    assert_eq!(question["caller"]["user_id"], Value::Null);
    assert_eq!(question["query"], json!([["unwrap", ""], ["color", "red"]]));
    let answer = rpc(&server, &buyer.token, "shop.buy", "object");
    assert_eq!(answer.body, r#"{"a":1}"#);
    let refused = rpc(&server, &buyer.token, "shop.buy", "refuse");
    assert_eq!(
        (refused.status, refused.text("message").as_str()),
        (400, "not today")
    );
    assert_eq!(refused.json()["code"], 9);
    assert_eq!(rpc(&server, &buyer.token, "shop.sell", "").status, 404);

    let mut client = Client::open(&server, Kind::Tcp, &buyer.token);
    let mut ask = |payload: &str| {
        let (id, payload) = ("shop.buy".to_owned(), payload.to_owned());
        let http_key = String::new();
        client.ask(
            "1",
            Message::Rpc(Rpc {
                id,
                payload,
                http_key,
            }),
        );
        client.until(|message| match message {
            Message::Rpc(rpc) => Some(Ok(rpc.payload)),
            Message::Error(error) => Some(Err((error.code, error.message))),
            _ => None,
        })
    };
    assert_eq!(ask("one"), Ok("heard one".to_owned()));
    assert_eq!(ask("refuse"), Err((7, "not today".to_owned())));
    let asked = service.asked();
    assert_eq!(
        asked.last().unwrap()["caller"]["session_id"]
            .as_str()
            .unwrap()
            .len(),
        36
    );
}

#[test]
fn only_what_may_be_done_twice_is_asked_twice() {
    let breaks = Arc::new(AtomicBool::new(true));
    let breaking = breaks.clone();
    let service = Service::start(move |_| {
        if breaking.swap(false, Ordering::Relaxed) {
            return Reaction::Break;
        }
        said(&json!({"payload": "done"}))
    });
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path(), &service, |remote| {
        remote.rpcs = texts(&["look", "buy"]);
        remote.idempotent = texts(&["look"]);
    });
    let token = server.token("device-of-retries");
    assert_eq!(rpc(&server, &token, "look", "").body, "done");
    let asked = service.asked();
    assert_eq!(asked.len(), 2);
    assert_eq!(
        asked[0]["call_id"], asked[1]["call_id"],
        "it is the same call"
    );
    breaks.store(true, Ordering::Relaxed);
    let failed = rpc(&server, &token, "buy", "");
    assert_eq!(
        (failed.status, failed.json()["code"].as_i64()),
        (503, Some(14))
    );
    assert_eq!(service.asked().len(), 3);
    assert_eq!(rpc(&server, &token, "buy", "").body, "done");
}

#[test]
fn answers_that_are_none_are_failures() {
    let service = Service::start(|question| match question["payload"].as_str() {
        Some("no json") => Reaction::Answer(200, "<html>".to_owned()),
        Some("a list") => Reaction::Answer(200, "[]".to_owned()),
        Some("long") => {
            let long = "x".repeat(1 << 20);
            Reaction::Answer(200, json!({ "payload": long }).to_string())
        }
        Some("nearly too long") => {
            let long = "x".repeat((1 << 20) - 14);
            Reaction::Answer(200, json!({ "payload": long }).to_string())
        }
        Some("elsewhere") => Reaction::Answer(302, String::new()),
        _ => Reaction::Answer(404, "{}".to_owned()),
    });
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path(), &service, |remote| {
        remote.rpcs = texts(&["rpc"]);
        remote.failures_max = 100;
    });
    let token = server.token("device-of-answers");
    let status = |payload| rpc(&server, &token, "rpc", payload).status;
    for payload in ["no json", "a list", "long", "elsewhere", "missing"] {
        assert_eq!(status(payload), 503, "{payload}");
    }
    assert_eq!(status("nearly too long"), 200);
    assert_eq!(service.asked().len(), 6, "no call was made twice");
}

#[test]
fn a_wrong_secret_is_refused_by_the_service() {
    let service = Service::start(|_| said(&json!({})));
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path(), &service, |remote| {
        remote.rpcs = texts(&["rpc"]);
        remote.secret = Secret::new("another secret, quite wrong");
    });
    let token = server.token("device-of-secrets");
    assert_eq!(rpc(&server, &token, "rpc", "").status, 503);
    assert!(service.asked().is_empty());
}

#[test]
fn a_service_that_does_not_answer_is_left_alone_until_it_is_back() {
    let hangs = Arc::new(AtomicBool::new(true));
    let hanging = hangs.clone();
    let service = Service::start(move |_| {
        if hanging.load(Ordering::Relaxed) {
            return Reaction::Hang;
        }
        said(&json!({"payload": "back"}))
    });
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path(), &service, |remote| {
        remote.rpcs = texts(&["rpc"]);
        remote.timeout_ms = 30;
        remote.failures_max = 3;
        remote.pause_ms = 600_000;
    });
    let token = server.token("device-of-a-pause");
    for _ in 0..3 {
        let late = rpc(&server, &token, "rpc", "");
        let message = late.text("message");
        assert_eq!(
            (late.status, message.as_str()),
            (503, "The service did not answer in time.")
        );
    }
    let asked = service.asked().len();
    let paused = rpc(&server, &token, "rpc", "");
    assert_eq!(paused.status, 503);
    assert!(paused.head.contains("retry-after: "), "{}", paused.head);
    assert_eq!(service.asked().len(), asked, "it was not asked again");
    let metrics = server.admin("/metrics").body;
    for line in [
        r#"tagus_remote_calls_total{outcome="failed"} 3"#,
        r#"tagus_remote_calls_total{outcome="paused"} 1"#,
    ] {
        assert!(metrics.contains(line), "{line}");
    }

    // Another server, which waits less long.
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path(), &service, |remote| {
        remote.rpcs = texts(&["rpc"]);
        remote.timeout_ms = 1_000;
        remote.failures_max = 1;
        remote.pause_ms = 100;
    });
    let token = server.token("device-of-a-pause");
    assert_eq!(rpc(&server, &token, "rpc", "").status, 503);
    hangs.store(false, Ordering::Relaxed);
    let started = Instant::now();
    while rpc(&server, &token, "rpc", "").body != "back" {
        assert!(started.elapsed() < PATIENCE, "it never came back");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_service_behind_tls_is_believed_by_its_authority_only() {
    let data = tempfile::tempdir().unwrap();
    let authority = data.path().join("authority.pem");
    let service = Service::start_tls(&authority, |_| said(&json!({"payload": "in private"})));
    let server = start(data.path(), &service, |remote| {
        remote.rpcs = texts(&["rpc"]);
        remote.ca_path = Some(authority);
    });
    let token = server.token("device-of-privacy");
    assert_eq!(rpc(&server, &token, "rpc", "").body, "in private");

    // Another authority's certificate for the same name.
    let data = tempfile::tempdir().unwrap();
    let other = data.path().join("other.pem");
    drop(Service::start_tls(&other, |_| Reaction::Hang));
    let server = start(data.path(), &service, |remote| {
        remote.rpcs = texts(&["rpc"]);
        remote.ca_path = Some(other);
    });
    let token = server.token("device-of-privacy");
    assert_eq!(rpc(&server, &token, "rpc", "").status, 503);
    assert_eq!(service.asked().len(), 1);
}

#[test]
fn many_callers_share_a_few_connections() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let peak = most.clone();
    let service = Service::start(move |question| {
        // One thread answers, so this counts questions and not overlaps.
        peak.fetch_max(now.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
        said(&json!({"payload": question["payload"]}))
    });
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path(), &service, |remote| {
        remote.rpcs = texts(&["echo"]);
        remote.calls_max = 8;
    });
    let token = server.token("device-of-many-callers");
    std::thread::scope(|scope| {
        for caller in 0..64 {
            let (server, token) = (&server, &token);
            scope.spawn(move || {
                for round in 0..4 {
                    let payload = format!("{caller}.{round}");
                    assert_eq!(rpc(server, token, "echo", &payload).body, payload);
                }
            });
        }
    });
    assert_eq!(most.load(Ordering::Relaxed), 256);
    let connections = service.connections();
    assert!((1..=8).contains(&connections), "{connections} connections");
}

#[test]
fn a_service_changes_and_refuses_what_clients_ask() {
    let service = Service::start(|question| {
        let request = &question["request"];
        match (question["kind"].as_str(), question["id"].as_str()) {
            (Some("before"), Some("UpdateAccount")) => match request["location"].as_str() {
                Some("nowhere") => said(&json!({"error": {"code": 7, "message": "no"}})),
                Some("secret") => said(&json!({"request": null})),
                Some("wrong") => said(&json!({"request": {"location": 5}})),
                Some("same") => said(&json!({})),
                _ => said(&json!({"request": {"display_name": "by the service"}})),
            },
            (Some("after"), Some("GetAccount")) => {
                let mut response = question["response"].clone();
                response["custom_id"] = json!("from the service");
                said(&json!({ "response": response }))
            }
            (Some("after"), Some("DeleteNotifications")) => Reaction::Answer(500, String::new()),
            (Some("before"), Some("status_update")) => {
                match request["status_update"]["status"].as_str() {
                    Some("refused") => said(&json!({"error": {"code": 3, "message": "no"}})),
                    Some("other") => said(&json!({"request": {"status_follow": {}}})),
                    Some("disabled") => said(&json!({"request": null})),
                    _ => said(&json!({"request": {"status_update": {"status": "changed"}}})),
                }
            }
            _ => said(&json!({})),
        }
    });
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path(), &service, |remote| {
        remote.before = texts(&["UpdateAccount", "status_update"]);
        remote.after = texts(&["GetAccount", "DeleteNotifications", "status_update"]);
    });
    let one = player(&server, "device-of-hooks-by-http");
    let update = |location: &str| {
        let body = json!({ "location": location }).to_string();
        server.call("PUT", "/v2/account", &bearer(&one.token), body.as_bytes())
    };
    assert_eq!(update("here").status, 200);
    assert_eq!(update("same").status, 200);
    let refused = update("nowhere");
    assert_eq!(
        (refused.status, refused.text("message").as_str()),
        (403, "no")
    );
    assert_eq!(update("secret").status, 404);
    assert_eq!(update("wrong").status, 500);
    let account = server
        .call("GET", "/v2/account", &bearer(&one.token), b"")
        .json();
    assert_eq!(account["user"]["display_name"], "by the service");
    assert_eq!(account["user"]["location"], "same");
    assert_eq!(account["custom_id"], "from the service");
    let path = "/v2/notification?ids=11111111-1111-4111-8111-111111111111";
    let deleted = server.call("DELETE", path, &bearer(&one.token), b"");
    assert_eq!(
        (deleted.status, deleted.body.as_str()),
        (200, "{}"),
        "it was done"
    );

    let mut client = Client::open(&server, Kind::Protobuf, &one.token);
    let mut set = |status: &str| {
        let status = Some(status.to_owned());
        client.ask("1", Message::StatusUpdate(StatusUpdate { status }));
        client.until(|message| match message {
            Message::StatusPresenceEvent(event) => Some(Ok(event.joins[0].status.clone())),
            Message::Error(error) => Some(Err((error.code, error.message))),
            _ => None,
        })
    };
    assert_eq!(set("mine"), Ok(Some("changed".to_owned())));
    assert_eq!(set("refused"), Err((7, "no".to_owned())));
    assert_eq!(set("other"), Err((7, "Internal server error.".to_owned())));
    assert_eq!(set("disabled").unwrap_err().0, 1);
    let told = service.asked();
    let after = told
        .iter()
        .find(|one| one["kind"] == "after" && one["id"] == "status_update");
    assert_eq!(
        after.unwrap()["request"],
        json!({"status_update": {"status": "changed"}})
    );
}

/// Whatever is answered at all can be refused by a service first.
#[test]
fn every_call_and_message_has_a_hook() {
    let refuses = Arc::new(AtomicBool::new(false));
    let heard = Arc::new(Mutex::new(BTreeSet::new()));
    let (refusing, hearing) = (refuses.clone(), heard.clone());
    let service = Service::start(move |question| {
        if !refusing.load(Ordering::Relaxed) {
            return said(&json!({}));
        }
        let id = question["id"].as_str().unwrap().to_owned();
        let message = format!("hooked {id}");
        hearing.lock().unwrap().insert(id);
        said(&json!({"error": {"code": 9, "message": message}}))
    });
    let data = tempfile::tempdir().unwrap();
    let kinds = || MessageKind::ALL.iter().filter(|kind| kind.from_client());
    let mut remote = RemoteConfig::new(&service.url, Secret::new(SECRET));
    remote.timeout_ms = 10_000;
    let methods = METHODS.iter().map(|method| method.name.to_owned());
    remote.before = methods
        .chain(kinds().map(|kind| kind.name().to_owned()))
        .collect();
    let server = Server::own_with(
        data.path(),
        |config| config.remotes = vec![remote],
        |server| server.rpc("x", async |call: RpcCall| Ok(call.payload)),
    );
    let token = server.token("device-of-every-hook");
    let mut client = Client::open(&server, Kind::Json, &token);
    refuses.store(true, Ordering::Relaxed);
    let mut missing = Vec::new();
    for method in METHODS {
        for route in method.routes {
            let path: Vec<&str> = route
                .path
                .iter()
                .map(|part| match part {
                    Segment::Literal(text) => text,
                    Segment::Param(_) => "x",
                })
                .collect();
            let path = format!("/{}", path.join("/"));
            let authorization = match method.auth {
                tagus::wire::Auth::ServerKey => server_key(),
                tagus::wire::Auth::None => basic("nobody"),
                _ => bearer(&token),
            };
            let answer = server.call(route.verb.name(), &path, &authorization, b"");
            if answer.status == 501 {
                missing.push(method.name);
                continue;
            }
            let found = (answer.status, answer.text("message"));
            assert_eq!(found, (400, format!("hooked {}", method.name)), "{path}");
        }
    }
    for kind in kinds() {
        let text = json!({"cid": "1", kind.name(): {}}).to_string();
        client.say(&from_json::<Envelope>(text.as_bytes()).unwrap());
        let error = client.until(|message| match message {
            Message::Error(error) => Some((error.code, error.message)),
            _ => None,
        });
        assert_eq!(error, (7, format!("hooked {}", kind.name())));
    }
    let heard = heard.lock().unwrap();
    assert_eq!(heard.len(), METHODS.len() - missing.len() + kinds().count());
    assert!(heard.len() > 50, "{missing:?}");
}
