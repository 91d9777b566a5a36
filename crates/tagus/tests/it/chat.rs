//! Chat at the server: who hears what in which order, histories, and what wrong requests are answered.

use serde_json::{Value, json};
use tagus::wire::api::Rpc;
use tagus::wire::realtime::envelope::Message;
use tagus::wire::realtime::{
    Channel, ChannelJoin, ChannelLeave, ChannelMessageAck, ChannelMessageRemove,
    ChannelMessageSend, ChannelMessageUpdate, ChannelPresenceEvent,
};
use tagus::{ApiError, ChannelKind, RpcCall};

use crate::server::{Server, bearer};
use crate::social::{Player, player};
use crate::socket::{Client, Kind};

const KINDS: [Kind; 3] = [Kind::Json, Kind::Protobuf, Kind::Tcp];
const ROOM: i32 = 1;
const DIRECT: i32 = 2;
const GROUP: i32 = 3;

fn rest(server: &Server, player: &Player, verb: &str, path: &str, body: &str) -> Value {
    let answer = server.call(verb, path, &bearer(&player.token), body.as_bytes());
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    answer.json()
}

/// What came before the answer, and the answer.
fn ask(client: &mut Client, message: Message) -> (Vec<Message>, Option<Message>) {
    client.ask("c", message);
    let mut before = Vec::new();
    loop {
        let envelope = client.envelope();
        if envelope.cid == "c" {
            return (before, envelope.message);
        }
        before.extend(envelope.message);
    }
}

fn join_of(target: &str, kind: i32) -> ChannelJoin {
    ChannelJoin {
        target: target.to_owned(),
        r#type: kind,
        ..ChannelJoin::default()
    }
}

fn join(client: &mut Client, join: ChannelJoin) -> Channel {
    match ask(client, Message::ChannelJoin(join)).1 {
        Some(Message::Channel(channel)) => channel,
        other => panic!("{other:?}"),
    }
}

fn send_of(channel: &str, content: &str) -> Message {
    Message::ChannelMessageSend(ChannelMessageSend {
        channel_id: channel.to_owned(),
        content: content.to_owned(),
    })
}

fn update_of(channel: &str, id: &str, content: &str) -> Message {
    Message::ChannelMessageUpdate(ChannelMessageUpdate {
        channel_id: channel.to_owned(),
        message_id: id.to_owned(),
        content: content.to_owned(),
    })
}

fn remove_of(channel: &str, id: &str) -> Message {
    Message::ChannelMessageRemove(ChannelMessageRemove {
        channel_id: channel.to_owned(),
        message_id: id.to_owned(),
    })
}

/// The acknowledgement; whoever asks must have heard the message itself before.
fn acknowledged(client: &mut Client, message: Message) -> ChannelMessageAck {
    let (before, answer) = ask(client, message);
    let Some(Message::ChannelMessageAck(ack)) = answer else {
        panic!("{answer:?}");
    };
    let is_it = |message: &Message| match message {
        Message::ChannelMessage(message) => {
            (&message.message_id, message.code) == (&ack.message_id, ack.code)
        }
        _ => false,
    };
    assert_eq!(before.iter().filter(|one| is_it(one)).count(), 1);
    ack
}

/// Code and text of the refusal.
fn refused(client: &mut Client, message: Message) -> (i32, String) {
    match ask(client, message).1 {
        Some(Message::Error(error)) => (error.code, error.message),
        other => panic!("{other:?}"),
    }
}

fn heard(client: &mut Client) -> tagus::wire::api::ChannelMessage {
    client.until(|message| match message {
        Message::ChannelMessage(message) => Some(message),
        _ => None,
    })
}

fn presence(client: &mut Client) -> ChannelPresenceEvent {
    client.until(|message| match message {
        Message::ChannelPresenceEvent(event) => Some(event),
        _ => None,
    })
}

fn history(server: &Server, player: &Player, channel: &str, query: &str) -> Value {
    let path = format!("/v2/channel/{channel}?{query}");
    rest(server, player, "GET", &path, "")
}

fn contents(page: &Value) -> Vec<&str> {
    let messages = page["messages"].as_array().into_iter().flatten();
    messages.filter_map(|one| one["content"].as_str()).collect()
}

#[test]
fn a_room_is_heard_over_all_sockets() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let players = ["device-chat-one1", "device-chat-two2", "device-chat-three"];
    let players = players.map(|device| player(&server, device));
    let mut members: Vec<Client> = KINDS
        .iter()
        .zip(&players)
        .map(|(kind, player)| Client::open(&server, *kind, &player.token))
        .collect();
    for (index, member) in members.iter_mut().enumerate() {
        let channel = join(member, join_of("lobby", ROOM));
        assert_eq!((&*channel.id, &*channel.room_name), ("2...lobby", "lobby"));
        let own = channel.self_.unwrap();
        assert_eq!(own.user_id, players[index].id);
        assert!(own.persistence);
        let mut there: Vec<String> = channel
            .presences
            .into_iter()
            .map(|one| one.username)
            .collect();
        let mut expected: Vec<String> = players[..index]
            .iter()
            .map(|one| one.name.clone())
            .collect();
        there.sort();
        expected.sort();
        assert_eq!(there, expected);
        // The answer first, then the own presence.
        let event = presence(member);
        assert_eq!(event.joins, [own]);
        assert_eq!(event.channel_id, "2...lobby");
    }
    let again = join(&mut members[0], join_of("lobby", ROOM));
    assert_eq!(again.presences.len(), 3, "who is there already sees itself");

    let mut hidden = Client::open(&server, Kind::Json, &server.token("device-chat-hidden"));
    let quiet = ChannelJoin {
        hidden: Some(true),
        ..join_of("lobby", ROOM)
    };
    assert_eq!(join(&mut hidden, quiet).presences.len(), 3);

    for writer in 0..3 {
        let content = format!(r#"{{"from":{writer}}}"#);
        let ack = acknowledged(&mut members[writer], send_of("2...lobby", &content));
        assert_eq!((ack.code, ack.persistent), (Some(0), Some(true)));
        assert_eq!(ack.username, players[writer].name);
        let others = members.iter_mut().enumerate();
        let others = others.filter(|(index, _)| *index != writer);
        for hearer in others.map(|(_, one)| one).chain([&mut hidden]) {
            let message = heard(hearer);
            assert_eq!(message.message_id, ack.message_id);
            assert_eq!(message.sender_id, players[writer].id);
            assert_eq!(
                (message.content, message.room_name),
                (content.clone(), "lobby".to_owned())
            );
            assert_eq!(message.create_time, ack.create_time);
        }
    }
    // What the hidden one says is heard.
    let told = acknowledged(&mut hidden, send_of("2...lobby", "{}"));
    for hearer in &mut members {
        assert_eq!(heard(hearer).message_id, told.message_id);
    }

    let leave = Message::ChannelLeave(ChannelLeave {
        channel_id: "2...lobby".to_owned(),
    });
    assert_eq!(ask(&mut members[2], leave.clone()).1, None);
    assert_eq!(ask(&mut hidden, leave).1, None);
    let left = loop {
        let event = presence(&mut members[0]);
        if !event.leaves.is_empty() {
            break event;
        }
    };
    assert_eq!(left.leaves[0].user_id, players[2].id);
    let (code, text) = refused(&mut members[2], send_of("2...lobby", "{}"));
    assert_eq!(code, 3);
    assert!(text.starts_with("Must join channel"), "{text}");
}

#[test]
fn history_is_read_both_ways_and_follows_changes() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let [one, other] = ["device-history-one", "device-history-two"].map(|id| player(&server, id));
    let mut writer = Client::open(&server, Kind::Json, &one.token);
    let mut reader = Client::open(&server, Kind::Protobuf, &other.token);
    for client in [&mut writer, &mut reader] {
        join(client, join_of("ä room/1.2", ROOM));
    }
    let (channel, path) = ("2...ä room/1.2", "2...%C3%A4%20room%2F1.2");
    let mut ids = Vec::new();
    for number in 0..5 {
        let content = format!(r#"{{"n":{number}}}"#);
        ids.push(acknowledged(&mut writer, send_of(channel, &content)).message_id);
    }
    assert_eq!(
        contents(&history(&server, &other, path, "")),
        [r#"{"n":0}"#]
    );
    let first = history(&server, &other, path, "limit=3&forward=false");
    assert_eq!(contents(&first), [r#"{"n":4}"#, r#"{"n":3}"#, r#"{"n":2}"#]);
    assert_eq!(first["messages"][0]["code"], 0);
    assert_eq!(first["messages"][0]["persistent"], true);
    assert_eq!(first["messages"][0]["room_name"], "ä room/1.2");
    assert_eq!(first.get("prev_cursor"), None);
    let follow = |page: &Value, name: &str, query: &str| {
        let cursor = page[name].as_str().unwrap();
        history(
            &server,
            &other,
            path,
            &format!("limit=3&{query}&cursor={cursor}"),
        )
    };
    let second = follow(&first, "next_cursor", "forward=false");
    assert_eq!(contents(&second), [r#"{"n":1}"#, r#"{"n":0}"#]);
    assert_eq!(second.get("next_cursor"), None);
    let back = follow(&second, "prev_cursor", "forward=false");
    assert_eq!(contents(&back), contents(&first));

    let changed = acknowledged(&mut writer, update_of(channel, &ids[1], r#"{"n":"one"}"#));
    assert_eq!((changed.code, changed.persistent), (Some(1), Some(true)));
    let removed = acknowledged(&mut writer, remove_of(channel, &ids[2]));
    assert_eq!(removed.code, Some(2));
    let codes: Vec<i32> = (0..7).map(|_| heard(&mut reader).code.unwrap()).collect();
    assert_eq!(codes, [0, 0, 0, 0, 0, 1, 2]);
    acknowledged(&mut writer, send_of(channel, r#"{"n":5}"#));
    let since = follow(&first, "cacheable_cursor", "forward=true");
    assert_eq!(contents(&since), [r#"{"n":5}"#]);
    let all = history(&server, &other, path, "limit=100&forward=true");
    let expected = [
        r#"{"n":0}"#,
        r#"{"n":"one"}"#,
        r#"{"n":3}"#,
        r#"{"n":4}"#,
        r#"{"n":5}"#,
    ];
    assert_eq!(contents(&all), expected);

    // Others change nothing, and what was said under a name keeps it.
    for foreign in [
        update_of(channel, &ids[0], "{}"),
        remove_of(channel, &ids[0]),
    ] {
        let (code, text) = refused(&mut reader, foreign);
        assert_eq!(code, 3);
        assert!(text.starts_with("Could not find message"), "{text}");
    }
    let renamed = json!({ "username": "another-name" }).to_string();
    rest(&server, &one, "PUT", "/v2/account", &renamed);
    let all = history(&server, &other, path, "limit=100&forward=true");
    assert_eq!(all["messages"][0]["username"], one.name.as_str());
}

#[test]
fn what_a_connection_does_not_want_kept_is_not() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let one = player(&server, "device-transient");
    let mut client = Client::open(&server, Kind::Json, &one.token);
    let transient = ChannelJoin {
        persistence: Some(false),
        ..join_of("smoke", ROOM)
    };
    assert!(!join(&mut client, transient).self_.unwrap().persistence);
    let ack = acknowledged(&mut client, send_of("2...smoke", "{}"));
    assert_eq!(ack.persistent, Some(false));
    assert_eq!(
        contents(&history(&server, &one, "2...smoke", "limit=9")),
        [""; 0]
    );
    let update = update_of("2...smoke", &ack.message_id, "{}");
    assert_eq!(refused(&mut client, update).0, 3);
}

#[test]
fn a_direct_chat_calls_the_other_and_ends_with_a_block() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let [one, other] = ["device-direct-one", "device-direct-two"].map(|id| player(&server, id));
    let mut caller = Client::open(&server, Kind::Json, &one.token);
    let mut called = Client::open(&server, Kind::Tcp, &other.token);
    let channel = join(&mut caller, join_of(&other.id, DIRECT));
    let (low, high) = (
        one.id.as_str().min(&other.id),
        one.id.as_str().max(&other.id),
    );
    assert_eq!(channel.id, format!("4.{low}.{high}."));
    assert_eq!((&*channel.user_id_one, &*channel.user_id_two), (low, high));
    let told = called.until(|message| match message {
        Message::Notifications(told) => Some(told.notifications),
        _ => None,
    });
    assert_eq!((told[0].code, &told[0].sender_id), (-1, &one.id));
    assert_eq!(told[0].content, json!({ "username": one.name }).to_string());
    // Who calls already calls once, from however many connections.
    let mut second = Client::open(&server, Kind::Protobuf, &one.token);
    assert_eq!(
        join(&mut second, join_of(&other.id, DIRECT))
            .presences
            .len(),
        1
    );
    let joined = join(&mut called, join_of(&one.id, DIRECT));
    assert_eq!(joined.presences.len(), 2);
    // Both are there: joining again calls nobody.
    join(&mut caller, join_of(&other.id, DIRECT));
    let waiting = rest(&server, &other, "GET", "/v2/notification?limit=10", "");
    assert_eq!(waiting["notifications"].as_array().unwrap().len(), 1);
    assert_eq!(
        rest(&server, &one, "GET", "/v2/notification?limit=10", "").get("notifications"),
        None
    );

    let ack = acknowledged(&mut called, send_of(&channel.id, r#"{"hi":1}"#));
    let message = heard(&mut caller);
    assert_eq!(message.message_id, ack.message_id);
    assert_eq!((&*message.user_id_one, &*message.user_id_two), (low, high));
    let stranger = player(&server, "device-direct-stranger");
    let mut outside = Client::open(&server, Kind::Json, &stranger.token);
    assert_eq!(refused(&mut outside, send_of(&channel.id, "{}")).0, 3);

    let block = format!("/v2/friend/block?ids={}", one.id);
    rest(&server, &other, "POST", &block, "");
    for client in [&mut caller, &mut called] {
        let (code, _) = refused(client, send_of(&channel.id, "{}"));
        assert_eq!(code, 3, "both are out");
    }
    let rejoin = Message::ChannelJoin(join_of(&other.id, DIRECT));
    let unknown = (3, "User not found.".to_owned());
    assert_eq!(refused(&mut caller, rejoin), unknown);
    let kept = history(&server, &one, &channel.id, "limit=10");
    assert_eq!(contents(&kept), [r#"{"hi":1}"#]);
}

#[test]
fn wrong_requests_are_answered() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let [one, other] = ["device-wrong-one", "device-wrong-other"].map(|id| player(&server, id));
    let stranger = player(&server, "device-wrong-third");
    let mut client = Client::open(&server, Kind::Json, &one.token);
    let nobody = "00000000-0000-4000-8000-000000000000";
    let (long, longest) = ("x".repeat(65), "x".repeat(64));
    for (target, kind) in [
        ("lobby", 0),
        ("lobby", 4),
        ("lobby", -1),
        ("", ROOM),
        ("a\u{7}b", ROOM),
        (&long, ROOM),
        ("", DIRECT),
        ("somebody", DIRECT),
        (&one.id, DIRECT),
        (nobody, DIRECT),
        ("", GROUP),
        ("friends", GROUP),
        (nobody, GROUP),
    ] {
        let (code, _) = refused(&mut client, Message::ChannelJoin(join_of(target, kind)));
        assert_eq!(code, 3, "{target} {kind}");
    }
    join(&mut client, join_of(&longest, ROOM));
    let lobby = join(&mut client, join_of("lobby", ROOM)).id;
    for wrong in [
        send_of("", "{}"),
        send_of("lobby", "{}"),
        send_of("2...another", "{}"),
        send_of(&lobby, ""),
        send_of(&lobby, "7"),
        send_of(&lobby, "[]"),
        send_of(&lobby, "{"),
        update_of(&lobby, "no id", "{}"),
        update_of(&lobby, nobody, "{}"),
        update_of("2...another", nobody, "{}"),
        remove_of(&lobby, "no id"),
        remove_of(&lobby, nobody),
        remove_of("2...another", nobody),
        Message::ChannelLeave(ChannelLeave {
            channel_id: "0...".to_owned(),
        }),
    ] {
        assert_eq!(refused(&mut client, wrong.clone()).0, 3, "{wrong:?}");
    }
    client.ping();

    let mut pair = [&one.id, &other.id];
    pair.sort();
    let direct = format!("4.{}.{}.", pair[0], pair[1]);
    let own = history(&server, &one, &lobby, "limit=1");
    let cursor = own["cacheable_cursor"].as_str().unwrap();
    let group = format!("3.{nobody}..");
    let cases = [
        ("lobby", String::new(), "Invalid channel ID."),
        ("2...", String::new(), "Invalid channel ID."),
        ("200...x", String::new(), "Invalid channel ID."),
        (&*direct, String::new(), "Invalid channel ID."),
        (&*group, String::new(), "Group not found."),
        (
            &*lobby,
            "limit=0".to_owned(),
            "Invalid limit - limit must be between 1 and 100.",
        ),
        (
            &*lobby,
            "limit=101".to_owned(),
            "Invalid limit - limit must be between 1 and 100.",
        ),
        (&*lobby, "limit=x".to_owned(), ""),
        (&*lobby, "cursor=x".to_owned(), "Malformed cursor was used."),
        (
            &*lobby,
            format!("forward=false&cursor={cursor}"),
            "Malformed cursor was used.",
        ),
        (
            "2...another",
            format!("cursor={cursor}"),
            "Malformed cursor was used.",
        ),
    ];
    for (channel, query, text) in cases {
        let path = format!("/v2/channel/{channel}?{query}");
        let answer = server.call("GET", &path, &bearer(&stranger.token), b"");
        let code = answer.json()["code"].as_i64();
        assert_eq!((answer.status, code), (400, Some(3)), "{path}");
        assert!(answer.text("message").contains(text), "{}", answer.body);
    }
    let path = format!("/v2/channel/{lobby}");
    assert_eq!(server.call("GET", &path, "", b"").status, 401);
    assert_eq!(contents(&history(&server, &one, &direct, "")), [""; 0]);
}

#[test]
fn a_full_room_is_an_error() {
    let data = tempfile::tempdir().unwrap();
    let settings = [("STREAMS__MEMBERS_MAX", "2")];
    let server = Server::start_with(data.path(), &settings);
    let tokens = ["device-full-one", "device-full-two", "device-full-three"];
    let mut clients = tokens.map(|device| {
        let token = server.token(device);
        Client::open(&server, Kind::Json, &token)
    });
    for client in &mut clients[..2] {
        join(client, join_of("small", ROOM));
    }
    let (code, text) = refused(
        &mut clients[2],
        Message::ChannelJoin(join_of("small", ROOM)),
    );
    assert_eq!(code, 3, "{text}");
    // One who is there may join again.
    join(&mut clients[0], join_of("small", ROOM));
}

async fn speak(call: RpcCall) -> Result<String, ApiError> {
    let tagus = &call.tagus;
    let channel = tagus.channel_id_build(None, "news", ChannelKind::Room)?;
    let first = tagus
        .channel_message_send(&channel, None, r#"{"n":1}"#, true)
        .await?;
    let second = tagus
        .channel_message_send(&channel, None, r#"{"n":2}"#, true)
        .await?;
    let updated = tagus
        .channel_message_update(&channel, first.id, r#"{"n":3}"#)
        .await?;
    assert_eq!(updated.code, 1);
    tagus.channel_message_remove(&channel, second.id).await?;
    let page = tagus.channel_messages(&channel, 100, false, "").await?;
    let contents: Vec<String> = page.messages.into_iter().map(|one| one.content).collect();
    Ok(contents.join(" "))
}

async fn export(call: RpcCall) -> Result<String, ApiError> {
    let user_id = call.caller.user_id.expect("called by a user");
    let kept = call.tagus.account_export(user_id).await?;
    Ok(kept["messages"].to_string())
}

#[test]
fn server_code_speaks_without_being_there() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::own(data.path(), |server| {
        server.rpc("speak", speak).rpc("export", export)
    });
    let mut client = Client::open(&server, Kind::Json, &server.token("device-of-listener"));
    join(&mut client, join_of("news", ROOM));
    let call = Message::Rpc(Rpc {
        id: "speak".to_owned(),
        ..Rpc::default()
    });
    let (before, answer) = ask(&mut client, call);
    let Some(Message::Rpc(answer)) = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(answer.payload, r#"{"n":3}"#);
    let told = before.into_iter().filter_map(|message| match message {
        Message::ChannelMessage(message) => {
            assert_eq!((&*message.sender_id, &*message.username), ("", ""));
            Some((message.code.unwrap(), message.content))
        }
        _ => None,
    });
    let expected = [
        (0, r#"{"n":1}"#),
        (0, r#"{"n":2}"#),
        (1, r#"{"n":3}"#),
        (2, "{}"),
    ];
    let expected = expected.map(|(code, content)| (code, content.to_owned()));
    assert_eq!(told.collect::<Vec<_>>(), expected);

    let ack = acknowledged(&mut client, send_of("2...news", r#"{"own":1}"#));
    let call = Message::Rpc(Rpc {
        id: "export".to_owned(),
        ..Rpc::default()
    });
    let Some(Message::Rpc(answer)) = ask(&mut client, call).1 else {
        panic!("no answer");
    };
    let written: Value = serde_json::from_str(&answer.payload).unwrap();
    assert_eq!(written.as_array().unwrap().len(), 1, "only their own");
    assert_eq!(written[0]["message_id"], ack.message_id.as_str());
    assert_eq!(written[0]["channel_id"], "2...news");
}
