//! Storage indexes of a studio's own server.

use std::time::Instant;

use serde_json::{Value, json};
use tagus::{ApiError, RpcCall, StorageIndex, StorageIndexQuery};

use crate::server::{Answer, PATIENCE, Server, bearer};

/// A server whose RPC `find` searches for what the payload says, with the caller's rights.
fn start(data: &std::path::Path) -> Server {
    Server::own(data, |server| {
        server
            .storage_index(StorageIndex {
                name: "loadouts".to_owned(),
                collection: "loadouts".to_owned(),
                fields: ["class", "level"].map(str::to_owned).to_vec(),
                sortable_fields: vec!["level".to_owned()],
                max_entries: 100,
                ..StorageIndex::default()
            })
            .storage_index_filter("loadouts", |object| {
                assert!(!object.value.contains("panic"), "the filter's own fault");
                !object.value.contains("draft")
            })
            .rpc("find", find)
    })
}

async fn find(call: RpcCall) -> Result<String, ApiError> {
    let payload: Value = serde_json::from_str(&call.payload)
        .map_err(|_| ApiError::invalid("the payload is not JSON"))?;
    let text = |name: &str| payload[name].as_str().unwrap_or_default();
    let order: Vec<&str> = text("order").split_whitespace().collect();
    let query = StorageIndexQuery {
        query: text("query"),
        caller: call.caller.user_id,
        limit: 2,
        order: &order,
        cursor: text("cursor"),
    };
    let page = call.tagus.storage_index_list("loadouts", &query).await?;
    let keys: Vec<&str> = page.objects.iter().map(|object| object.id.key()).collect();
    Ok(json!({ "keys": keys, "cursor": page.cursor }).to_string())
}

fn write(server: &Server, bearer: &str, key: &str, read: i32, value: &Value) {
    let object = json!({
        "collection": "loadouts", "key": key, "permission_read": read, "value": value.to_string(),
    });
    let body = json!({ "objects": [object] }).to_string();
    let answer = server.call("PUT", "/v2/storage", bearer, body.as_bytes());
    assert_eq!(answer.status, 200, "{}", answer.body);
}

fn search(server: &Server, bearer: &str, payload: &Value) -> Answer {
    let body = payload.to_string();
    server.call("POST", "/v2/rpc/find?unwrap", bearer, body.as_bytes())
}

fn found(server: &Server, bearer: &str, query: &str) -> Value {
    let payload = json!({ "query": query, "order": "-value.level" });
    let answer = search(server, bearer, &payload);
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()["keys"].clone()
}

#[test]
fn server_code_finds_objects_as_soon_as_they_are_written() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path());
    let [ana, rui] = ["ana", "rui"].map(|name| bearer(&server.token(&format!("device-{name}-0"))));
    write(
        &server,
        &ana,
        "mage",
        2,
        &json!({"class": "mage", "level": 7, "runes": ["fire"]}),
    );
    write(
        &server,
        &ana,
        "thief",
        1,
        &json!({"class": "thief", "level": 9}),
    );
    write(
        &server,
        &ana,
        "draft",
        2,
        &json!({"class": "mage", "level": 1, "note": "draft"}),
    );
    write(
        &server,
        &ana,
        "panic",
        2,
        &json!({"class": "mage", "level": 1, "note": "panic"}),
    );
    write(&server, &rui, "none", 2, &json!({"runes": ["fire"]}));
    assert_eq!(
        found(&server, &ana, "value.class:*"),
        json!(["thief", "mage"])
    );
    assert_eq!(found(&server, &rui, "value.class:*"), json!(["mage"]));
    assert_eq!(found(&server, &ana, "value.runes:fire"), json!([]));
    for level in 0..10 {
        write(
            &server,
            &ana,
            "mage",
            2,
            &json!({"class": "mage", "level": level}),
        );
        let query = format!("+value.class:mage +value.level:{level}");
        assert_eq!(found(&server, &rui, &query), json!(["mage"]));
    }

    write(&server, &ana, "third", 2, &json!({"level": 3}));
    let payload = json!({ "order": "value.level" });
    let first = search(&server, &ana, &payload).json();
    assert_eq!(first["keys"], json!(["third", "mage"]));
    let payload = json!({ "order": "value.level", "cursor": first["cursor"] });
    let second = search(&server, &ana, &payload).json();
    assert_eq!(second, json!({ "keys": ["thief"], "cursor": "" }));

    for (payload, message) in [
        (
            json!({ "query": "+value.level:>x" }),
            "Invalid query: a number or a date in quotation marks is expected at byte 14.",
        ),
        (
            json!({ "order": "value.class" }),
            "A storage index can only be sorted by its sortable fields.",
        ),
        (
            json!({ "cursor": first["cursor"] }),
            "Malformed cursor was used.",
        ),
    ] {
        let answer = search(&server, &ana, &payload);
        let code = answer.json()["code"].clone();
        let refused = (answer.status, code, answer.text("message"));
        assert_eq!(refused, (400, json!(3), message.to_owned()));
    }

    let ids = json!({ "object_ids": [{ "collection": "loadouts", "key": "third" }] }).to_string();
    let deleted = server.call("PUT", "/v2/storage/delete", &ana, ids.as_bytes());
    assert_eq!(deleted.status, 200);
    assert_eq!(found(&server, &rui, ""), json!(["mage"]));
    let gone = server.call("DELETE", "/v2/account", &ana, b"");
    assert_eq!(gone.status, 200, "{}", gone.body);
    assert_eq!(found(&server, &rui, ""), json!([]));
}

#[test]
fn a_start_finds_what_was_written_before() {
    let data = tempfile::tempdir().unwrap();
    let mut before = Server::start(data.path());
    let ana = bearer(&before.token("device-before"));
    write(&before, &ana, "mage", 2, &json!({"class": "mage"}));
    before.interrupt();
    assert_eq!(before.wait().code(), Some(0));

    let server = start(data.path());
    let started = Instant::now();
    while server.admin("/readyz").status != 200 {
        assert!(started.elapsed() < PATIENCE, "the server is not ready");
        std::thread::yield_now();
    }
    let rui = bearer(&server.token("device-after"));
    assert_eq!(found(&server, &rui, "value.class:mage"), json!(["mage"]));
}
