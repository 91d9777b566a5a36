//! Storage and wallets at the server: what clients may do and see, what wrong input is answered, what server code changes.

use serde_json::{Value, json};
use tagus::{
    ApiError, ExpectedVersion, MultiUpdate, NewObject, ObjectId, OldObject, ReadPermission,
    RpcCall, SERVER_OWNER, WalletUpdate, WritePermission,
};

use crate::server::{Answer, Server, bearer};

/// A player's authorization and id.
struct Player {
    bearer: String,
    id: String,
}

fn player(server: &Server, device: &str) -> Player {
    let bearer = bearer(&server.token(device));
    let account = server.call("GET", "/v2/account", &bearer, b"").json();
    let id = account["user"]["id"].as_str().unwrap().to_owned();
    Player { bearer, id }
}

fn call(server: &Server, player: &Player, verb: &str, path: &str, body: &Value) -> Answer {
    let body = match body {
        Value::Null => Vec::new(),
        body => body.to_string().into_bytes(),
    };
    server.call(verb, path, &player.bearer, &body)
}

fn good(answer: Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()
}

fn write(server: &Server, player: &Player, objects: Value) -> Answer {
    let body = json!({ "objects": objects });
    call(server, player, "PUT", "/v2/storage", &body)
}

fn read(server: &Server, player: &Player, ids: Value) -> Value {
    let body = json!({ "object_ids": ids });
    good(call(server, player, "POST", "/v2/storage", &body))
}

fn object(key: &str, value: &str) -> Value {
    json!({ "collection": "saves", "key": key, "value": value })
}

#[test]
fn objects_are_written_read_listed_and_deleted() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let [ana, rui] = ["device-storage-ana", "device-storage-rui"].map(|id| player(&server, id));
    let mut public = object("open", r#"{"n": 1}"#);
    public["permission_read"] = json!(2);
    let objects = json!([public, object("own", "{}")]);
    let acks = good(write(&server, &ana, objects));
    let ack = &acks["acks"][0];
    assert_eq!(ack["collection"], "saves");
    assert_eq!(ack["key"], "open");
    assert_eq!(ack["user_id"], ana.id.as_str());
    assert_eq!(ack["version"], "96d730b7a405ed0e9cb1068b43e06fe4");
    assert!(ack["create_time"].is_string() && ack["create_time"] == ack["update_time"]);

    let of = |owner: &Player, key: &str| json!({ "collection": "saves", "key": key, "user_id": owner.id });
    let both = json!([of(&ana, "own"), of(&ana, "open"), of(&ana, "absent")]);
    let seen = read(&server, &ana, both.clone());
    let keys = |objects: &Value| -> Vec<String> {
        let objects = objects["objects"].as_array().unwrap().iter();
        objects
            .map(|object| object["key"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(keys(&seen), ["own", "open"]);
    let open = &seen["objects"][1];
    assert_eq!(open["value"], r#"{"n": 1}"#);
    assert_eq!(open["permission_read"], 2);
    assert_eq!(open["permission_write"], 1);
    assert_eq!(keys(&read(&server, &rui, both)), ["open"]);
    assert_eq!(read(&server, &rui, json!([of(&ana, "own")])), json!({}));

    let list = |player: &Player, path: &str| {
        good(call(
            &server,
            player,
            "GET",
            &format!("/v2/storage/{path}"),
            &Value::Null,
        ))
    };
    let own = format!("saves/{}?limit=1", ana.id);
    let first = list(&ana, &own);
    assert_eq!(keys(&first), ["open"]);
    let cursor = first["cursor"].as_str().unwrap();
    let second = list(&ana, &format!("{own}&cursor={cursor}"));
    assert_eq!(
        (keys(&second), &second["cursor"]),
        (vec!["own".to_owned()], &Value::Null)
    );
    assert_eq!(keys(&list(&rui, "saves?limit=100")), ["open"]);
    assert_eq!(
        keys(&list(&rui, &format!("saves?user_id={}&limit=100", ana.id))),
        ["open"]
    );
    assert_eq!(list(&rui, &format!("saves/{}", rui.id)), json!({}));
    assert_eq!(list(&rui, "empty"), json!({}));
    let foreign = format!("/v2/storage/saves/{}?limit=1&cursor={cursor}", rui.id);
    let answer = call(&server, &rui, "GET", &foreign, &Value::Null);
    assert_eq!(answer.text("message"), "Malformed cursor was used.");

    let ids = json!({ "object_ids": [{ "collection": "saves", "key": "open" }] });
    let path = "/v2/storage/delete";
    assert_eq!(good(call(&server, &ana, "PUT", path, &ids)), json!({}));
    let again = call(&server, &ana, "PUT", path, &ids);
    assert_eq!(
        (again.status, again.text("message").as_str()),
        (
            400,
            "Storage delete rejected - not found, version check failed, or permission denied."
        )
    );
}

#[test]
fn versions_and_permissions_refuse_the_whole_batch() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let ana = player(&server, "device-versions-ana");
    let mut once = object("k", "{}");
    once["version"] = json!("*");
    let mut kept = object("kept", "{}");
    kept["permission_write"] = json!(0);
    good(write(&server, &ana, json!([once, kept])));
    let mut stale = object("k", r#"{"new":1}"#);
    stale["version"] = json!("99914b932bd37a50b983c5e7c90ae93a");
    let version = "Storage write rejected - version check failed.";
    let permission = "Storage write rejected - permission denied.";
    for (bad, message) in [
        (once, version),
        (stale.clone(), version),
        (object("kept", r#"{"new":1}"#), permission),
    ] {
        let answer = write(&server, &ana, json!([object("beside", "{}"), bad]));
        let found = (
            answer.status,
            answer.json()["code"].clone(),
            answer.text("message"),
        );
        assert_eq!(found, (400, json!(3), message.to_owned()));
    }
    let id = |key: &str| json!({ "collection": "saves", "key": key, "user_id": ana.id });
    assert_eq!(read(&server, &ana, json!([id("beside")])), json!({}));
    stale["version"] = json!("99914b932bd37a50b983c5e7c90ae93b");
    good(write(&server, &ana, json!([stale])));
}

#[test]
fn wrong_requests_are_answered_and_change_nothing() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let ana = player(&server, "device-wrong-ana");
    let long = "k".repeat(129);
    let names = "Invalid collection or key value supplied. They must be set.";
    let lengths = "Invalid collection or key value supplied. They must be 1-128 bytes.";
    let value = "Value must be a JSON object.";
    let user = "Invalid user ID - make sure user ID is a valid UUID.";
    let limit = "Invalid limit - limit must be between 1 and 100.";
    let count = "At most 100 storage objects may be named at once.";
    let with = |member: &str, wrong: Value| {
        let mut object = object("k", "{}");
        object[member] = wrong;
        json!({ "objects": [object] })
    };
    let ids = |id: Value| json!({ "object_ids": [id] });
    let many: Vec<Value> = (0..101)
        .map(|number| object(&number.to_string(), "{}"))
        .collect();
    let path = "/v2/storage";
    let delete = "/v2/storage/delete";
    let list = |query: &str| format!("/v2/storage/saves{query}");
    let read_permission = "Invalid Read permission supplied. It must be either 0, 1 or 2.";
    let write_permission = "Invalid Write permission supplied. It must be either 0 or 1.";
    let cases: Vec<(&str, String, Value, &str)> = vec![
        ("PUT", path.into(), with("collection", json!("")), names),
        ("PUT", path.into(), with("key", Value::Null), names),
        ("PUT", path.into(), with("key", json!(long)), lengths),
        ("PUT", path.into(), with("collection", json!(long)), lengths),
        (
            "PUT",
            path.into(),
            with("key", json!("a\0")),
            "Text invalid, must not contain null characters.",
        ),
        ("PUT", path.into(), with("key", json!(1)), ""),
        ("PUT", path.into(), with("value", json!("")), value),
        ("PUT", path.into(), with("value", json!("[1]")), value),
        ("PUT", path.into(), with("value", json!("{\"a\":}")), value),
        ("PUT", path.into(), with("value", json!({})), ""),
        (
            "PUT",
            path.into(),
            with("permission_read", json!(3)),
            read_permission,
        ),
        (
            "PUT",
            path.into(),
            with("permission_read", json!(-1)),
            read_permission,
        ),
        (
            "PUT",
            path.into(),
            with("permission_write", json!(2)),
            write_permission,
        ),
        ("PUT", path.into(), json!({ "objects": many }), count),
        ("PUT", path.into(), json!({ "objects": {} }), ""),
        (
            "POST",
            path.into(),
            ids(json!({ "collection": "c" })),
            names,
        ),
        (
            "POST",
            path.into(),
            ids(json!({ "collection": "c", "key": "k", "user_id": "me" })),
            user,
        ),
        ("POST", path.into(), json!({ "object_ids": many }), count),
        ("PUT", delete.into(), ids(json!({ "key": "k" })), names),
        ("PUT", delete.into(), json!({ "object_ids": many }), count),
        ("GET", list("?limit=0"), Value::Null, limit),
        ("GET", list("?limit=101"), Value::Null, limit),
        ("GET", list("?limit=-1"), Value::Null, limit),
        ("GET", list("?limit=x"), Value::Null, ""),
        (
            "GET",
            list("?cursor=x"),
            Value::Null,
            "Malformed cursor was used.",
        ),
        ("GET", list("?user_id=me"), Value::Null, user),
        ("GET", list("/me"), Value::Null, user),
        ("GET", format!("/v2/storage/{long}"), Value::Null, lengths),
    ];
    for (verb, path, body, message) in cases {
        let answer = call(&server, &ana, verb, &path, &body);
        let case = format!("{verb} {path} {body}: {}", answer.body);
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (400, &json!(3)),
            "{case}"
        );
        assert!(
            message.is_empty() || answer.text("message") == message,
            "{case}"
        );
        let answer = server.call(verb, &path, "", body.to_string().as_bytes());
        assert_eq!(answer.status, 401, "{case}");
    }
    let all = format!("/v2/storage/saves/{}?limit=100", ana.id);
    assert_eq!(
        good(call(&server, &ana, "GET", &all, &Value::Null)),
        json!({})
    );
    assert_eq!(good(write(&server, &ana, json!([]))), json!({}));
    // The largest value is what fits into a request.
    let room = 262_144
        - json!({ "objects": [object("k", "{\"a\":\"\"}")] })
            .to_string()
            .len();
    for (bytes, status) in [(room, 200), (room + 1, 400)] {
        let value = format!("{{\"a\":\"{}\"}}", "x".repeat(bytes));
        assert_eq!(
            write(&server, &ana, json!([object("k", &value)])).status,
            status
        );
    }
}

/// What the payload asks for: `coins` are paid to the caller, all of them or none.
async fn pay(call: RpcCall) -> Result<String, ApiError> {
    let user_id = call.caller.user_id.expect("called by a user");
    let coins: i64 = call
        .payload
        .parse()
        .map_err(|_| ApiError::invalid("coins"))?;
    let update = WalletUpdate {
        user_id,
        changeset: [("coins".to_owned(), coins)].into(),
        ledger: Some(r#"{"from":"pay"}"#.to_owned()),
    };
    let updated = call.tagus.wallet_update(update).await?;
    let page = call.tagus.wallet_ledger_list(user_id, 1, "").await?;
    let entry = page.entries.first().expect("this change");
    let entry = call
        .tagus
        .wallet_ledger_update(entry.id, r#"{"seen":true}"#.to_owned());
    Ok(format!("{:?} {}", updated.updated, entry.await?.metadata))
}

/// Publishes a message of the day, and takes the caller's own object `spent` and five coins.
async fn publish(call: RpcCall) -> Result<String, ApiError> {
    let user_id = call.caller.user_id.expect("called by a user");
    let id = |key: &str, owner| ObjectId::new("saves", key, owner);
    let motd = id("motd", SERVER_OWNER)?;
    let all = MultiUpdate {
        writes: vec![NewObject {
            id: motd.clone(),
            value: call.payload,
            version: ExpectedVersion::Any,
            read: ReadPermission::Everybody,
            write: WritePermission::Nobody,
        }],
        deletes: vec![OldObject {
            id: id("spent", user_id)?,
            version: None,
        }],
        wallets: vec![WalletUpdate {
            user_id,
            changeset: [("coins".to_owned(), -5)].into(),
            ledger: None,
        }],
        ..MultiUpdate::default()
    };
    call.tagus.multi_update(all).await?;
    let listed = call.tagus.storage_list(None, "saves", 100, "").await?;
    let found = call.tagus.storage_read(&[motd]).await?;
    assert_eq!(listed.objects, found);
    Ok(found[0].version.clone())
}

#[test]
fn server_code_changes_wallets_and_any_object() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::own(data.path(), |server| {
        server.rpc("pay", pay).rpc("publish", publish)
    });
    let ana = player(&server, "device-wallets-ana");
    let rpc = |id: &str, payload: &str| {
        let path = format!("/v2/rpc/{id}");
        call(&server, &ana, "POST", &path, &json!(payload))
    };
    let wallet = || {
        let account = server.call("GET", "/v2/account", &ana.bearer, b"").json();
        account["wallet"].as_str().unwrap().to_owned()
    };
    assert_eq!(wallet(), "{}");
    let paid = good(rpc("pay", "4"));
    assert_eq!(paid["payload"], r#"{"coins": 4} {"seen":true}"#);
    assert_eq!(wallet(), r#"{"coins":4}"#);
    let refused = rpc("pay", "-5");
    let message = "wallet update rejected negative value at path 'coins'";
    assert_eq!(
        (refused.status, refused.text("message").as_str()),
        (400, message)
    );
    assert_eq!(refused.json()["code"], 9);

    good(write(&server, &ana, json!([object("spent", "{}")])));
    let refused = rpc("publish", "{}");
    assert_eq!(refused.text("message"), message);
    let motd = json!([{ "collection": "saves", "key": "motd" }]);
    assert_eq!(read(&server, &ana, motd.clone()), json!({}));
    good(rpc("pay", "3"));
    let version = good(rpc("publish", r#"{"say":"olá"}"#))["payload"].clone();
    assert_eq!(wallet(), r#"{"coins":2}"#);
    let seen = read(&server, &ana, motd);
    assert_eq!(seen["objects"][0]["value"], r#"{"say":"olá"}"#);
    assert_eq!(seen["objects"][0]["version"], version);
    assert_eq!(
        seen["objects"][0]["user_id"],
        "00000000-0000-0000-0000-000000000000"
    );
    let spent = json!([{ "collection": "saves", "key": "spent", "user_id": ana.id }]);
    assert_eq!(read(&server, &ana, spent), json!({}));
}
