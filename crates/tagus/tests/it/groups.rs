//! Groups at the server: what clients are told and may do, what wrong requests are answered, and what server code may.

use serde_json::{Value, json};
use tagus::wire::realtime::ChannelJoin;
use tagus::wire::realtime::envelope::Message;
use tagus::{ApiError, GroupRole, GroupUpdate, GroupVerb, NewGroup, RpcCall};

use crate::server::{Answer, Server, bearer};
use crate::social::{Player, player};
use crate::socket::{Client, Kind};

fn call(server: &Server, player: &Player, verb: &str, path: &str, body: &Value) -> Answer {
    let body = match body {
        Value::Null => String::new(),
        body => body.to_string(),
    };
    server.call(verb, path, &bearer(&player.token), body.as_bytes())
}

fn get(server: &Server, player: &Player, path: &str) -> Value {
    let answer = call(server, player, "GET", path, &Value::Null);
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    answer.json()
}

fn post(server: &Server, player: &Player, path: &str) {
    let answer = call(server, player, "POST", path, &Value::Null);
    assert_eq!((answer.status, answer.body.as_str()), (200, "{}"), "{path}");
}

fn create(server: &Server, player: &Player, group: &Value) -> Value {
    let answer = call(server, player, "POST", "/v2/group", group);
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()
}

/// The state of a player in a group, as the group's list has it.
fn state(server: &Server, group: &str, of: &Player) -> Option<i64> {
    let list = get(server, of, &format!("/v2/group/{group}/user"));
    let users = list["group_users"].as_array().cloned().unwrap_or_default();
    let user = users.iter().find(|one| one["user"]["id"] == of.id.as_str());
    user.and_then(|one| one["state"].as_i64())
}

#[test]
fn a_group_is_made_changed_joined_and_deleted() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let [one, two] = ["device-group-one", "device-group-two"].map(|id| player(&server, id));
    let wish = json!({ "name": "Otters", "description": "fish", "open": true, "max_count": 7 });
    let group = create(&server, &one, &wish);
    let id = group["id"].as_str().unwrap();
    assert_eq!(group["creator_id"], one.id.as_str());
    assert_eq!(
        (&group["name"], &group["open"]),
        (&json!("Otters"), &json!(true))
    );
    assert_eq!(
        (&group["lang_tag"], &group["metadata"]),
        (&json!("en"), &json!("{}"))
    );
    assert_eq!(
        (&group["edge_count"], &group["max_count"]),
        (&json!(1), &json!(7))
    );
    assert_eq!(
        get(&server, &two, "/v2/group?name=OTT%25")["groups"],
        json!([group])
    );
    assert_eq!(get(&server, &two, "/v2/group?name=nobody"), json!({}));
    assert_eq!(
        get(&server, &two, &format!("/v2/user/{}/group", two.id)),
        json!({})
    );

    post(&server, &two, &format!("/v2/group/{id}/join"));
    let users = get(&server, &two, &format!("/v2/group/{id}/user?limit=1"));
    assert_eq!(users["group_users"][0]["user"]["id"], one.id.as_str());
    assert_eq!(users["group_users"][0]["state"], 0);
    let cursor = users["cursor"].as_str().unwrap();
    let users = get(
        &server,
        &two,
        &format!("/v2/group/{id}/user?limit=1&cursor={cursor}"),
    );
    assert_eq!(users["group_users"][0]["user"]["id"], two.id.as_str());
    assert_eq!(users["cursor"], Value::Null);
    let mine = get(&server, &one, &format!("/v2/user/{}/group?state=2", two.id));
    assert_eq!(mine["user_groups"][0]["group"]["edge_count"], 2);
    assert_eq!(mine["user_groups"][0]["state"], 2);

    let path = format!("/v2/group/{id}");
    let change = json!({ "description": "", "open": false });
    let answer = call(&server, &one, "PUT", &path, &change);
    assert_eq!((answer.status, answer.body.as_str()), (200, "{}"));
    let found = get(&server, &one, "/v2/group?open=false")["groups"][0].clone();
    assert_eq!(
        (&found["name"], &found["description"]),
        (&json!("Otters"), &Value::Null)
    );
    let answer = call(&server, &one, "DELETE", &path, &Value::Null);
    assert_eq!((answer.status, answer.body.as_str()), (200, "{}"));
    assert_eq!(get(&server, &one, "/v2/group"), json!({}));
}

#[test]
fn a_groups_channel_hears_what_happens_and_loses_who_goes() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let [one, two] = ["device-heard-one", "device-heard-two"].map(|id| player(&server, id));
    let group = create(&server, &one, &json!({ "name": "Otters", "open": true }));
    let id = group["id"].as_str().unwrap().to_owned();
    post(&server, &two, &format!("/v2/group/{id}/join"));
    let mut sockets = [(Kind::Json, &one), (Kind::Tcp, &two)].map(|(kind, player)| {
        let mut socket = Client::open(&server, kind, &player.token);
        let join = ChannelJoin {
            target: id.clone(),
            r#type: 3,
            ..ChannelJoin::default()
        };
        socket.ask("c", Message::ChannelJoin(join));
        socket.until(|message| match message {
            Message::Channel(channel) => Some(channel),
            _ => None,
        });
        socket
    });
    let heard = |socket: &mut Client| {
        socket.until(|message| match message {
            Message::ChannelMessage(one) => Some((one.code, one.sender_id, one.group_id)),
            _ => None,
        })
    };
    for (verb, code) in [("promote", 7), ("demote", 9), ("ban", 8)] {
        post(
            &server,
            &one,
            &format!("/v2/group/{id}/{verb}?user_ids={}", two.id),
        );
        for socket in &mut sockets {
            assert_eq!(heard(socket), (Some(code), two.id.clone(), id.clone()));
        }
    }
    let [first, second] = &mut sockets;
    let gone = first.until(|message| match message {
        Message::ChannelPresenceEvent(event) => event.leaves.into_iter().next(),
        _ => None,
    });
    assert_eq!(gone.user_id, two.id);
    post(
        &server,
        &one,
        &format!("/v2/group/{id}/kick?user_ids={}", two.id),
    );
    post(
        &server,
        &one,
        &format!("/v2/group/{id}/add?user_ids={}", two.id),
    );
    assert_eq!(heard(first).0, Some(4));
    // Outside the channel there is the notification alone.
    let told = second.until(|message| match message {
        Message::Notifications(told) => Some(told.notifications),
        Message::ChannelMessage(one) => panic!("{one:?}"),
        _ => None,
    });
    assert_eq!(told[0].code, -4);
    assert_eq!(told[0].subject, "You've been added to group Otters");
    second.ping();

    let channel = format!("/v2/channel/3.{id}..?limit=10");
    let codes = |list: Value| {
        let messages = list["messages"].as_array().cloned().unwrap_or_default();
        let codes = messages.iter().map(|one| one["code"].as_i64());
        codes.collect::<Vec<_>>()
    };
    let kept = codes(get(&server, &one, &channel));
    assert_eq!(kept, [3, 7, 9, 8, 4].map(Some));
    let answer = call(
        &server,
        &one,
        "DELETE",
        &format!("/v2/group/{id}"),
        &Value::Null,
    );
    assert_eq!(answer.status, 200);
    let gone = first.until(|message| match message {
        Message::ChannelPresenceEvent(event) => event.leaves.into_iter().next(),
        _ => None,
    });
    assert_eq!(gone.user_id, one.id);
}

#[test]
fn a_deleted_account_leaves_its_groups() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let [one, two] = ["device-heir-one", "device-heir-two"].map(|id| player(&server, id));
    let shared = create(&server, &one, &json!({ "name": "Otters", "open": true }));
    create(&server, &one, &json!({ "name": "Hermits" }));
    let id = shared["id"].as_str().unwrap();
    post(&server, &two, &format!("/v2/group/{id}/join"));
    let answer = call(&server, &one, "DELETE", "/v2/account", &Value::Null);
    assert_eq!(answer.status, 200, "{}", answer.body);
    let left = get(&server, &two, "/v2/group");
    assert_eq!(left["groups"].as_array().unwrap().len(), 1);
    assert_eq!(left["groups"][0]["edge_count"], 1);
    assert_eq!(state(&server, id, &two), Some(0));
}

#[test]
fn wrong_requests_are_answered_and_change_nothing() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let [one, two, three, far] =
        ["one", "two", "three", "far"].map(|name| player(&server, &format!("device-wrong-{name}")));
    let group = create(
        &server,
        &one,
        &json!({ "name": "Otters", "open": true, "max_count": 3 }),
    );
    create(&server, &one, &json!({ "name": "Minks" }));
    let id = group["id"].as_str().unwrap();
    let of = format!("/v2/group/{id}");
    post(&server, &two, &format!("{of}/join"));
    post(&server, &three, &format!("{of}/join"));
    post(&server, &one, &format!("{of}/promote?user_ids={}", two.id));

    let unknown = "00000000-0000-4000-8000-000000000000";
    let name = |bytes: usize| json!({ "name": "n".repeat(bytes) });
    let users = |verb: &str, ids: &str| format!("{of}/{verb}?user_ids={ids}");
    let many = format!("user_ids={}&", two.id).repeat(81);
    let (no, none) = (Value::Null, Value::Null);
    let cursor = get(&server, &one, "/v2/group?limit=1")["cursor"].clone();
    let cursor = cursor.as_str().unwrap();
    let permission = "Group not found or permission denied.";
    let update = "Group not found or you're not allowed to update.";
    let delete = "Group not found or you're not allowed to delete.";
    let lower = "Only users of a lower role may be changed.";
    let limit = "Invalid limit - limit must be between 1 and 100.";
    let states = "Invalid state - state must be between 0 and 3.";
    let malformed = "Malformed cursor was used.";
    let group_id = "Group ID must be a valid ID.";
    let user_id = "User ID must be a valid ID.";
    let named = "The name filter cannot be combined with any other filter.";
    #[rustfmt::skip]
    let mut cases: Vec<(&Player, &str, String, Value, u16, i64, &str)> = vec![
        (&one, "POST", "/v2/group".into(), json!({}), 400, 3, "Group name invalid, must be 1-255 bytes."),
        (&one, "POST", "/v2/group".into(), name(256), 400, 3, "Group name invalid, must be 1-255 bytes."),
        (&one, "POST", "/v2/group".into(), json!({ "name": 7 }), 400, 3, ""),
        (&one, "POST", "/v2/group".into(), json!([]), 400, 3, ""),
        (&one, "POST", "/v2/group".into(), json!({ "name": "a", "open": "yes" }), 400, 3, ""),
        (&one, "POST", "/v2/group".into(), json!({ "name": "a\u{0}" }), 400, 3, "Text invalid, must not contain null characters."),
        (&one, "POST", "/v2/group".into(), json!({ "name": "a", "max_count": -1 }), 400, 3, "Max count invalid, must be between 1 and 1000000."),
        (&one, "POST", "/v2/group".into(), json!({ "name": "a", "lang_tag": "l".repeat(19) }), 400, 3, "Group language tag invalid, must be at most 18 bytes."),
        (&one, "POST", "/v2/group".into(), json!({ "name": "a", "description": "d".repeat(256) }), 400, 3, "Group description invalid, must be at most 255 bytes."),
        (&one, "POST", "/v2/group".into(), json!({ "name": "a", "avatar_url": "u".repeat(513) }), 400, 3, "Group avatar URL invalid, must be at most 512 bytes."),
        (&two, "POST", "/v2/group".into(), json!({ "name": "Otters" }), 409, 6, "Group name is in use."),
        (&one, "PUT", "/v2/group/no".into(), name(1), 400, 3, group_id),
        (&one, "PUT", of.clone(), json!({}), 400, 3, "Specify at least one field to update."),
        (&one, "PUT", of.clone(), name(0), 400, 3, "Group name invalid, must be 1-255 bytes."),
        (&one, "PUT", of.clone(), json!({ "lang_tag": "" }), 400, 3, "Group language must not be empty."),
        (&one, "PUT", of.clone(), json!({ "name": "Minks" }), 409, 6, "Group name is in use."),
        (&one, "PUT", format!("/v2/group/{unknown}"), name(1), 404, 5, update),
        (&three, "PUT", of.clone(), name(1), 404, 5, update),
        (&far, "PUT", of.clone(), name(1), 404, 5, update),
        (&one, "DELETE", "/v2/group/no".into(), none.clone(), 400, 3, group_id),
        (&one, "DELETE", format!("/v2/group/{unknown}"), none.clone(), 404, 5, delete),
        (&two, "DELETE", of.clone(), none.clone(), 404, 5, delete),
        (&far, "POST", "/v2/group/no/join".into(), none.clone(), 400, 3, group_id),
        (&far, "POST", format!("/v2/group/{unknown}/join"), none.clone(), 404, 5, "Group not found."),
        (&far, "POST", format!("{of}/join"), none.clone(), 400, 3, "Group is full."),
        (&far, "POST", "/v2/group/no/leave".into(), none.clone(), 400, 3, group_id),
        (&far, "POST", format!("/v2/group/{unknown}/leave"), none.clone(), 404, 5, "Group not found."),
        (&one, "POST", format!("{of}/leave"), none.clone(), 400, 3, "Cannot leave group when you are the last superadmin."),
        (&one, "POST", users("add", &far.id), none.clone(), 400, 3, "Group is full."),
        (&two, "POST", users("promote", &two.id), none.clone(), 403, 7, lower),
        (&two, "POST", users("demote", &one.id), none.clone(), 403, 7, lower),
        (&two, "POST", users("kick", &one.id), none.clone(), 403, 7, lower),
        (&two, "POST", users("ban", &one.id), none.clone(), 403, 7, lower),
        (&two, "POST", users("kick", &two.id), none.clone(), 400, 3, "Cannot kick self."),
        (&two, "POST", users("ban", &two.id), none.clone(), 400, 3, "Cannot ban self."),
        (&one, "POST", users("demote", &one.id), none.clone(), 400, 3, "Cannot demote the last superadmin."),
        (&one, "GET", "/v2/group?limit=0".into(), none.clone(), 400, 3, limit),
        (&one, "GET", "/v2/group?limit=101".into(), none.clone(), 400, 3, limit),
        (&one, "GET", "/v2/group?limit=x".into(), none.clone(), 400, 3, ""),
        (&one, "GET", "/v2/group?name=a&lang_tag=en".into(), none.clone(), 400, 3, named),
        (&one, "GET", "/v2/group?name=a&open=true".into(), none.clone(), 400, 3, named),
        (&one, "GET", "/v2/group?name=a&members=3".into(), none.clone(), 400, 3, named),
        (&one, "GET", "/v2/group?members=0".into(), none.clone(), 400, 3, "Invalid members - members must be at least 1."),
        (&one, "GET", "/v2/group?cursor=AAAA".into(), none.clone(), 400, 3, malformed),
        (&one, "GET", format!("/v2/group?open=true&cursor={cursor}"), none.clone(), 400, 3, malformed),
        (&one, "GET", "/v2/group/no/user".into(), none.clone(), 400, 3, group_id),
        (&one, "GET", format!("/v2/group/{unknown}/user"), none.clone(), 404, 5, "Group not found."),
        (&one, "GET", format!("{of}/user?limit=101"), none.clone(), 400, 3, limit),
        (&one, "GET", format!("{of}/user?state=4"), none.clone(), 400, 3, states),
        (&one, "GET", format!("{of}/user?state=-1"), none.clone(), 400, 3, states),
        (&one, "GET", format!("{of}/user?cursor={cursor}"), none.clone(), 400, 3, malformed),
        (&one, "GET", "/v2/user/no/group".into(), none.clone(), 400, 3, user_id),
        (&one, "GET", format!("/v2/user/{}/group?limit=0", one.id), none.clone(), 400, 3, limit),
        (&one, "GET", format!("/v2/user/{}/group?state=4", one.id), none.clone(), 400, 3, states),
        (&one, "GET", format!("/v2/user/{}/group?cursor=?", one.id), none.clone(), 400, 3, malformed),
    ];
    for verb in ["add", "kick", "ban", "promote", "demote"] {
        let path = format!("{of}/{verb}");
        #[rustfmt::skip]
        let of_verb = [
            (&one, "POST", format!("/v2/group/no/{verb}?user_ids={}", two.id), no.clone(), 400, 3, group_id),
            (&one, "POST", path.clone(), no.clone(), 400, 3, "User IDs must be set."),
            (&one, "POST", format!("{path}?user_ids=no"), no.clone(), 400, 3, user_id),
            (&one, "POST", format!("{path}?{many}"), no.clone(), 400, 3, "At most 80 users may be changed at once."),
            (&one, "POST", format!("{path}?user_ids={unknown}"), no.clone(), 404, 5, "User not found."),
            (&one, "POST", format!("/v2/group/{unknown}/{verb}?user_ids={}", two.id), no.clone(), 404, 5, permission),
            (&three, "POST", format!("{path}?user_ids={}", far.id), no.clone(), 404, 5, permission),
            (&far, "POST", format!("{path}?user_ids={}", three.id), no.clone(), 404, 5, permission),
        ];
        cases.extend(of_verb);
    }
    let before = get(&server, &one, &format!("{of}/user"));
    for (who, verb, path, body, status, code, message) in cases {
        let answer = call(&server, who, verb, &path, &body);
        let found = answer.json();
        assert_eq!(
            (answer.status, found["code"].as_i64()),
            (status, Some(code)),
            "{verb} {path} {body}: {}",
            answer.body
        );
        assert!(!answer.text("message").is_empty());
        if !message.is_empty() {
            assert_eq!(answer.text("message"), message, "{verb} {path} {body}");
        }
        assert_eq!(
            server.call(verb, &path, "", b"").status,
            401,
            "{verb} {path}"
        );
    }
    assert_eq!(get(&server, &one, &format!("{of}/user")), before);
    assert_eq!(
        get(&server, &one, "/v2/group?name=Otters")["groups"][0]["edge_count"],
        3
    );

    post(&server, &one, &users("ban", &three.id));
    let banned = call(&server, &three, "POST", &format!("{of}/join"), &no);
    assert_eq!(
        (banned.status, banned.json()["code"].as_i64()),
        (403, Some(7))
    );
    assert_eq!(banned.text("message"), "User is banned from the group.");
    assert_eq!(state(&server, id, &three), None);
}

/// Runs a group's life without asking for anybody's rights.
async fn house_party(call: RpcCall) -> Result<String, ApiError> {
    let (tagus, caller) = (&call.tagus, call.caller.user_id.expect("called by a user"));
    let guest = call.payload.parse().expect("a user's id");
    let new = NewGroup {
        name: "House".to_owned(),
        metadata: r#"{"level":3}"#.to_owned(),
        ..NewGroup::default()
    };
    let id = tagus.group_create(caller, new).await?.id;
    let change = async |verb| tagus.group_users_change(id, None, verb, &[guest]).await;
    change(GroupVerb::Add).await?;
    change(GroupVerb::Promote).await?;
    change(GroupVerb::Promote).await?;
    assert_eq!(
        tagus.group_role(id, guest).await?,
        Some(GroupRole::Superadmin)
    );
    change(GroupVerb::Ban).await?;
    let banned = tagus
        .group_users(id, 10, Some(GroupRole::Banned), "")
        .await?;
    assert_eq!(banned.users.len(), 1);
    let host = [caller];
    let by_guest = tagus.group_users_change(id, Some(guest), GroupVerb::Kick, &host);
    assert_eq!(by_guest.await.map_err(|error| error.code), Err(5));
    let update = GroupUpdate {
        metadata: Some(r#"{"level":4}"#.to_owned()),
        max_count: Some(1),
        ..GroupUpdate::default()
    };
    tagus.group_update(id, None, update).await?;
    let group = tagus.groups_get(&[id]).await?.remove(0);
    assert_eq!(
        tagus.user_groups(caller, 10, None, "").await?.groups.len(),
        1
    );
    tagus.group_delete(id, None).await?;
    Ok(format!("{} {}", group.metadata, group.max_count))
}

#[test]
fn server_code_needs_no_rights() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::own(data.path(), |server| server.rpc("house_party", house_party));
    let [one, two] = ["device-party-one", "device-party-two"].map(|id| player(&server, id));
    let body = json!(two.id);
    let answer = call(&server, &one, "POST", "/v2/rpc/house_party", &body);
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.text("payload"), r#"{"level":4} 1"#);
    assert_eq!(get(&server, &one, "/v2/group"), json!({}));
}
