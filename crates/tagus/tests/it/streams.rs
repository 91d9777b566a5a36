//! Streams and status: who is seen where, and what members are told.

use std::sync::{Arc, Mutex};

use tagus::wire::api::Rpc;
use tagus::wire::realtime::envelope::Message;
use tagus::wire::realtime::{
    StatusFollow, StatusPresenceEvent, StatusUnfollow, StatusUpdate, StreamPresenceEvent,
};
use tagus::{ApiError, Appearance, RpcCall, StreamId, StreamMode};
use tagus_base::Uuid;

use crate::server::Server;
use crate::socket::{Client, Kind};

const KINDS: [Kind; 3] = [Kind::Json, Kind::Protobuf, Kind::Tcp];

fn channel(label: &str) -> StreamId {
    StreamId {
        mode: StreamMode(200),
        subject: Uuid::NIL,
        subcontext: Uuid([7; 16]),
        label: label.to_owned(),
    }
}

async fn join(call: RpcCall) -> Result<String, ApiError> {
    let session_id = call.caller.session_id.expect("called over a socket");
    let appearance = Appearance {
        hidden: call.payload == "hidden",
        ..Appearance::default()
    };
    let joined = call
        .tagus
        .stream_join(&channel("lobby"), session_id, appearance);
    joined
        .map(|newly| newly.to_string())
        .map_err(|error| ApiError::invalid(error.to_string()))
}

async fn leave(call: RpcCall) -> Result<String, ApiError> {
    let session_id = call.caller.session_id.expect("called over a socket");
    call.tagus.stream_leave(&channel("lobby"), session_id);
    Ok(String::new())
}

async fn say(call: RpcCall) -> Result<String, ApiError> {
    let (stream, tagus) = (channel("lobby"), &call.tagus);
    tagus.stream_send(&stream, &[], call.payload);
    let seen = tagus.stream_members(&stream, false).len();
    assert_eq!(seen, tagus.stream_count(&stream));
    let all = tagus.stream_members(&stream, true).len();
    Ok(format!("{seen} of {all}"))
}

fn call(client: &mut Client, id: &str, payload: &str) -> String {
    client.ask(
        "c",
        Message::Rpc(Rpc {
            id: id.to_owned(),
            payload: payload.to_owned(),
            http_key: String::new(),
        }),
    );
    client.until(|message| match message {
        Message::Rpc(answer) => Some(answer.payload),
        Message::Error(error) => Some(error.message),
        _ => None,
    })
}

fn presence_event(client: &mut Client) -> StreamPresenceEvent {
    client.until(|message| match message {
        Message::StreamPresenceEvent(event) => Some(event),
        _ => None,
    })
}

#[test]
fn server_code_uses_streams_over_all_sockets() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::own(data.path(), |server| {
        server.rpc("join", join).rpc("leave", leave).rpc("say", say)
    });
    let mut members: Vec<Client> = KINDS
        .iter()
        .map(|kind| {
            let token = server.token(&format!("device-of-streams-{kind:?}"));
            Client::open(&server, *kind, &token)
        })
        .collect();
    for (index, member) in members.iter_mut().enumerate() {
        assert_eq!(call(member, "join", ""), "true", "{index}");
        assert_eq!(call(member, "join", ""), "false", "{index}");
    }
    // The first hears of each who came after, once: the second joins changed nothing.
    let event = presence_event(&mut members[0]);
    let stream = event.stream.unwrap();
    assert_eq!(
        (stream.mode, stream.subject.as_str(), stream.label.as_str()),
        (200, "", "lobby")
    );
    assert_eq!(stream.subcontext, Uuid([7; 16]).to_string());
    assert_eq!((event.joins.len(), event.leaves.len()), (1, 0));
    let last = presence_event(&mut members[0]).joins.remove(0);

    let hidden_token = server.token("device-of-streams-hidden");
    let mut hidden = Client::open(&server, Kind::Json, &hidden_token);
    assert_eq!(call(&mut hidden, "join", "hidden"), "true");
    assert_eq!(call(&mut members[0], "say", "hello"), "3 of 4");
    let data = |message| match message {
        Message::StreamData(data) => Some((data.data, data.sender)),
        _ => None,
    };
    for hearer in members[1..].iter_mut().chain([&mut hidden]) {
        assert_eq!(hearer.until(data), ("hello".to_owned(), None));
    }

    // One leaves, one is cut off: both are told to the rest.
    call(&mut members[1], "leave", "");
    let first_left = presence_event(&mut members[0]);
    assert_eq!((first_left.joins.len(), first_left.leaves.len()), (0, 1));
    drop(members.pop());
    assert_eq!(presence_event(&mut members[0]).leaves, [last]);
    assert_eq!(call(&mut members[0], "say", ""), "1 of 2");
}

fn status_event(client: &mut Client) -> StatusPresenceEvent {
    client.until(|message| match message {
        Message::StatusPresenceEvent(event) => Some(event),
        _ => None,
    })
}

fn statuses(event: &StatusPresenceEvent) -> (Vec<Option<&str>>, Vec<Option<&str>>) {
    (
        event
            .joins
            .iter()
            .map(|one| one.status.as_deref())
            .collect(),
        event
            .leaves
            .iter()
            .map(|one| one.status.as_deref())
            .collect(),
    )
}

#[test]
fn followers_see_a_status_change_and_end() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let (star_token, fan_token) = (
        server.token("device-of-star"),
        server.token("device-of-fan"),
    );
    let mut star = Client::upgrade(
        &server,
        Kind::Json,
        &format!("token={star_token}&status=true"),
    );
    let own = status_event(&mut star);
    assert_eq!(statuses(&own), (vec![Some("")], vec![]));
    let star_id = own.joins[0].user_id.clone();

    let mut fan = Client::open(&server, Kind::Protobuf, &fan_token);
    let follow = |ids: &[&str]| {
        Message::StatusFollow(StatusFollow {
            user_ids: ids.iter().map(|id| (*id).to_owned()).collect(),
            usernames: Vec::new(),
        })
    };
    fan.ask("1", follow(&[&star_id, &Uuid([9; 16]).to_string()]));
    let online = fan.until(|message| match message {
        Message::Status(status) => Some(status.presences),
        _ => None,
    });
    assert_eq!(online, own.joins);

    let update = |status: Option<&str>| {
        Message::StatusUpdate(StatusUpdate {
            status: status.map(str::to_owned),
        })
    };
    star.ask("2", update(Some("hi")));
    assert_eq!(
        star.envelope().cid,
        "2",
        "the answer comes before the event"
    );
    for client in [&mut star, &mut fan] {
        let event = status_event(client);
        assert_eq!(statuses(&event), (vec![Some("hi")], vec![Some("")]));
    }
    star.ask("3", update(None));
    assert_eq!(
        statuses(&status_event(&mut fan)),
        (vec![], vec![Some("hi")])
    );

    fan.ask(
        "4",
        Message::StatusUnfollow(StatusUnfollow {
            user_ids: vec![star_id],
        }),
    );
    assert_eq!(fan.envelope().cid, "4");
    star.ask("5", update(Some("unseen")));
    fan.ask("6", follow(&["no id"]));
    let next = fan.envelope();
    let Some(Message::Error(error)) = next.message else {
        panic!("an event after unfollowing: {next:?}");
    };
    assert_eq!((next.cid.as_str(), error.code), ("6", 3));
    let long = "x".repeat(2_049);
    star.ask("7", update(Some(&long)));
    let code = star.until(|message| match message {
        Message::Error(error) => Some(error.code),
        _ => None,
    });
    assert_eq!(code, 3);
}

#[test]
fn a_hook_after_a_message_sees_its_answer() {
    let data = tempfile::tempdir().unwrap();
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let note = {
        let seen = seen.clone();
        move |text: String| seen.lock().unwrap().push(text)
    };
    let noted = note.clone();
    let server = Server::own(data.path(), |server| {
        server
            .rpc("seen", move |_| {
                let text = seen.lock().unwrap().join(",");
                async move { Ok(text) }
            })
            .after_message(move |_, _, status: StatusUpdate, answer| {
                let text = status.status.unwrap_or_default();
                note(format!("{text} {}", answer.is_none()));
                async {}
            })
            .after_message(move |_, caller, call: Rpc, answer| {
                assert!(caller.session_id.is_some());
                match answer {
                    Some(Message::Rpc(answer)) if call.payload == "note" => {
                        noted(format!("rpc {:?}", answer.payload));
                    }
                    Some(Message::Rpc(_)) => {}
                    _ => noted("no answer".to_owned()),
                }
                async {}
            })
    });
    let token = server.token("device-of-after");
    let mut client = Client::open(&server, Kind::Tcp, &token);
    client.ask(
        "1",
        Message::StatusUpdate(StatusUpdate {
            status: Some("busy".to_owned()),
        }),
    );
    assert_eq!(client.envelope().cid, "1");
    assert_eq!(call(&mut client, "seen", "note"), "busy true");
    assert_eq!(call(&mut client, "seen", ""), "busy true,rpc \"busy true\"");
}
