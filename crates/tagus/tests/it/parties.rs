//! Parties at the server: who hears what in which order over every socket, listings, and what wrong requests are answered.

use std::collections::BTreeSet;
use std::sync::Barrier;

use bytes::Bytes;
use serde_json::json;
use tagus::wire::api::Rpc;
use tagus::wire::realtime::envelope::Message;
use tagus::wire::realtime::{
    Envelope, PartyAccept, PartyClose, PartyCreate, PartyDataSend, PartyJoin, PartyJoinRequestList,
    PartyLeave, PartyMatchmakerAdd, PartyPromote, PartyRemove, PartyUpdate, Ping, UserPresence,
};
use tagus::{ApiError, PartyFilter, PartySettings, RpcCall, Tagus};

use crate::server::{Server, bearer, server_key};
use crate::socket::{Client, Kind};

const KINDS: [Kind; 3] = [Kind::Json, Kind::Protobuf, Kind::Tcp];

/// A player on a socket.
struct Player {
    client: Client,
    token: String,
    /// As others see them, once they were in a party.
    presence: Option<UserPresence>,
}

impl Player {
    fn open(server: &Server, kind: Kind, name: &str) -> Self {
        let path = format!("/v2/account/authenticate/device?username={name}");
        let body = json!({ "id": format!("device-of-{name}") }).to_string();
        let token = server
            .call("POST", &path, &server_key(), body.as_bytes())
            .text("token");
        Self {
            client: Client::open(server, kind, &token),
            token,
            presence: None,
        }
    }

    /// Asks, and reads so many messages: a `c` marks the answer.
    fn ask(&mut self, message: Message, count: usize) -> Vec<String> {
        self.client.ask("c", message);
        self.hear(count)
    }

    fn hear(&mut self, count: usize) -> Vec<String> {
        (0..count).map(|_| shown(self.client.envelope())).collect()
    }

    /// Makes a party and reads all of it; returns its id.
    fn create(&mut self, create: PartyCreate) -> String {
        self.client.ask("c", Message::PartyCreate(create));
        let Some(Message::Party(party)) = self.client.envelope().message else {
            panic!("no party");
        };
        assert!(self.hear(1)[0].starts_with("party"));
        assert!(self.hear(1)[0].starts_with('+'));
        self.presence = party.self_;
        party.party_id
    }

    /// Asks to join a closed party.
    fn wish(&mut self, party_id: &str) {
        let join = join(party_id);
        assert_eq!(self.ask(join, 1), ["c ok"]);
    }

    fn presence(&self) -> Option<UserPresence> {
        self.presence.clone()
    }
}

fn join(party_id: &str) -> Message {
    Message::PartyJoin(PartyJoin {
        party_id: party_id.to_owned(),
    })
}

fn leave(party_id: &str) -> Message {
    Message::PartyLeave(PartyLeave {
        party_id: party_id.to_owned(),
    })
}

fn close(party_id: &str) -> Message {
    Message::PartyClose(PartyClose {
        party_id: party_id.to_owned(),
    })
}

fn requests(party_id: &str) -> Message {
    Message::PartyJoinRequestList(PartyJoinRequestList {
        party_id: party_id.to_owned(),
    })
}

fn accept(party_id: &str, presence: Option<UserPresence>) -> Message {
    Message::PartyAccept(PartyAccept {
        party_id: party_id.to_owned(),
        presence,
    })
}

fn remove(party_id: &str, presence: Option<UserPresence>) -> Message {
    Message::PartyRemove(PartyRemove {
        party_id: party_id.to_owned(),
        presence,
    })
}

fn promote(party_id: &str, presence: Option<UserPresence>) -> Message {
    Message::PartyPromote(PartyPromote {
        party_id: party_id.to_owned(),
        presence,
    })
}

fn update(party_id: &str, label: &str) -> Message {
    Message::PartyUpdate(PartyUpdate {
        party_id: party_id.to_owned(),
        label: label.to_owned(),
        open: true,
        hidden: true,
    })
}

fn data(party_id: &str, op_code: i64, data: &'static [u8]) -> Message {
    Message::PartyDataSend(PartyDataSend {
        party_id: party_id.to_owned(),
        op_code,
        data: Bytes::from_static(data),
    })
}

fn closed(max_size: i32) -> PartyCreate {
    PartyCreate {
        max_size,
        ..PartyCreate::default()
    }
}

fn open(label: &str) -> PartyCreate {
    PartyCreate {
        open: true,
        label: label.to_owned(),
        ..PartyCreate::default()
    }
}

/// A message in short.
fn shown(envelope: Envelope) -> String {
    let name = |one: Option<UserPresence>| one.unwrap().username;
    let names = |people: Vec<UserPresence>| {
        let names: Vec<String> = people.into_iter().map(|one| one.username).collect();
        names.join(",")
    };
    let text = match envelope.message {
        None => "ok".to_owned(),
        Some(Message::Error(error)) => format!("error {} {}", error.code, error.message),
        Some(Message::Party(party)) => format!(
            "party of {} led by {} for {}, {} of {}, {}{}",
            names(party.presences),
            name(party.leader),
            name(party.self_),
            if party.open { "open" } else { "closed" },
            party.max_size,
            if party.hidden { "hidden " } else { "" },
            party.label,
        ),
        Some(Message::PartyPresenceEvent(event)) => {
            format!("+{} -{}", names(event.joins), names(event.leaves))
        }
        Some(Message::PartyLeader(leader)) => format!("leader {}", name(leader.presence)),
        Some(Message::PartyJoinRequest(request)) => format!("asking: {}", names(request.presences)),
        Some(Message::PartyClose(_)) => "close".to_owned(),
        Some(Message::PartyUpdate(update)) => {
            format!("update {} {} {}", update.open, update.hidden, update.label)
        }
        Some(Message::PartyData(data)) => {
            let text = String::from_utf8_lossy(&data.data).into_owned();
            format!("{}: {} {text}", name(data.presence), data.op_code)
        }
        other => format!("{other:?}"),
    };
    match envelope.cid.as_str() {
        "" => text,
        cid => format!("{cid} {text}"),
    }
}

#[test]
fn an_open_party_lives_over_all_sockets() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    for turn in 0..3 {
        let names = ["ann", "bob", "cyd"].map(|name| format!("{name}{turn}"));
        let [a, b, c] = &names;
        let player = |number: usize| {
            let kind = KINDS[(turn + number) % 3];
            Player::open(&server, kind, &names[number])
        };
        let (mut ann, mut bob, mut cyd) = (player(0), player(1), player(2));
        let creation = PartyCreate {
            max_size: 3,
            ..open("lobby")
        };
        // The answer, the party once more, and then the own presence.
        ann.client.ask("c", Message::PartyCreate(creation));
        let answer = ann.client.envelope();
        let Some(Message::Party(party)) = &answer.message else {
            panic!("{answer:?}");
        };
        let id = party.party_id.clone();
        let (uuid, node) = id.split_once('.').unwrap();
        assert_eq!((uuid.len(), node), (36, "tagus"));
        ann.presence = party.self_.clone();
        let whole = format!("party of {a} led by {a} for {a}, open of 3, lobby");
        assert_eq!(shown(answer), format!("c {whole}"));
        assert_eq!(ann.hear(2), [whole, format!("+{a} -")]);

        let whole = format!("party of {a},{b} led by {a} for {b}, open of 3, lobby");
        let came = format!("+{b} -");
        assert_eq!(
            bob.ask(join(&id), 3),
            ["c ok".to_owned(), whole, came.clone()]
        );
        assert_eq!(ann.hear(1), [came]);
        let whole = format!("party of {a},{b},{c} led by {a} for {c}, open of 3, lobby");
        let came = format!("+{c} -");
        assert_eq!(
            cyd.ask(join(&id), 3),
            ["c ok".to_owned(), whole, came.clone()]
        );
        for other in [&mut ann, &mut bob] {
            assert_eq!(other.hear(1)[0], came);
        }

        // Data without a cid is answered with an empty envelope, too.
        bob.client.ask("", data(&id, -7, b"hi"));
        assert_eq!(bob.hear(1), ["ok"]);
        for other in [&mut ann, &mut cyd] {
            assert_eq!(other.hear(1), [format!("{b}: -7 hi")]);
        }

        let updated = "update true true {\"mode\":\"duel\"}".to_owned();
        let heard = ann.ask(update(&id, r#"{"mode":"duel"}"#), 2);
        assert_eq!(heard, [updated.clone(), "c ok".to_owned()]);
        for other in [&mut bob, &mut cyd] {
            assert_eq!(other.hear(1)[0], updated);
        }

        // The oldest follows the leader who goes, and then leads.
        assert_eq!(ann.ask(leave(&id), 1), ["c ok"]);
        for other in [&mut bob, &mut cyd] {
            assert_eq!(other.hear(2), [format!("leader {b}"), format!("+ -{a}")]);
        }
        assert_eq!(
            ann.ask(leave(&id), 1),
            ["c ok"],
            "there is nothing to leave"
        );
        drop(bob);
        assert_eq!(cyd.hear(2), [format!("leader {c}"), format!("+ -{b}")]);
        assert_eq!(cyd.ask(close(&id), 2), ["close", "c ok"]);
        assert_eq!(cyd.ask(close(&id), 1), ["c error 3 Party not found"]);
        ann.client.ping();
        cyd.client.ping();
    }
}

#[test]
fn a_closed_party_is_led_over_all_sockets() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    for turn in 0..3 {
        let names = ["ann", "bob", "cyd"].map(|name| format!("{name}{turn}"));
        let [a, b, c] = &names;
        let player = |number: usize| {
            let kind = KINDS[(turn + number) % 3];
            Player::open(&server, kind, &names[number])
        };
        let (mut ann, mut bob, mut cyd) = (player(0), player(1), player(2));
        // Each learns its own presence from a party of its own.
        for one in [&mut bob, &mut cyd] {
            let id = one.create(closed(1));
            assert_eq!(one.ask(leave(&id), 1), ["c ok"]);
        }
        let id = ann.create(closed(0));
        bob.wish(&id);
        assert_eq!(ann.hear(1), [format!("asking: {b}")]);
        cyd.wish(&id);
        assert_eq!(ann.hear(1), [format!("asking: {c}")]);
        assert_eq!(ann.ask(requests(&id), 1), [format!("c asking: {b},{c}")]);

        let came = format!("+{b} -");
        let heard = ann.ask(accept(&id, bob.presence()), 2);
        assert_eq!(heard, ["c ok".to_owned(), came.clone()]);
        let whole = format!("party of {a},{b} led by {a} for {b}, closed of 256, ");
        assert_eq!(bob.hear(2), [whole, came]);

        // The leader tells who leads on, before the answer.
        let heard = ann.ask(promote(&id, bob.presence()), 2);
        assert_eq!(heard, [format!("leader {b}"), "c ok".to_owned()]);
        assert_eq!(bob.hear(1), [format!("leader {b}")]);
        let refused = ann.ask(accept(&id, cyd.presence()), 1);
        assert_eq!(refused, ["c error 3 Party leader only"]);
        assert_eq!(bob.ask(requests(&id), 1), [format!("c asking: {c}")]);
        // Turned down: the wish is gone, and may come again.
        assert_eq!(bob.ask(remove(&id, cyd.presence()), 1), ["c ok"]);
        assert_eq!(bob.ask(requests(&id), 1), ["c asking: "]);
        cyd.wish(&id);
        assert_eq!(bob.hear(1), [format!("asking: {c}")]);
        assert_eq!(bob.ask(accept(&id, cyd.presence()), 2).len(), 2);
        assert_eq!(cyd.hear(2)[1], format!("+{c} -"));
        assert_eq!(ann.hear(1), [format!("+{c} -")]);

        // Who is removed is told, and hears no more.
        let left = format!("+ -{a}");
        let heard = bob.ask(remove(&id, ann.presence()), 2);
        assert_eq!(heard, [left.clone(), "c ok".to_owned()]);
        assert_eq!(ann.hear(1)[0], left);
        assert_eq!(cyd.hear(1), [left]);
        assert_eq!(bob.ask(data(&id, 1, b"x"), 1), ["c ok"]);
        assert_eq!(cyd.hear(1), [format!("{b}: 1 x")]);
        let refused = ann.ask(data(&id, 1, b"x"), 1);
        assert_eq!(refused, ["c error 3 Party member not found"]);

        // All hear of the end.
        assert_eq!(bob.ask(close(&id), 2), ["close", "c ok"]);
        assert_eq!(cyd.hear(1), ["close"]);
        for one in [&mut ann, &mut bob, &mut cyd] {
            one.client.ping();
        }
    }
}

#[test]
fn wrong_requests_are_answered_and_nobody_hears_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let mut ann = Player::open(&server, Kind::Json, "ann");
    let mut bob = Player::open(&server, Kind::Protobuf, "bob");
    let mut cyd = Player::open(&server, Kind::Tcp, "cyd");
    let own = bob.create(open(""));
    let full = ann.create(PartyCreate {
        max_size: 1,
        ..open("")
    });
    let id = ann.create(closed(1));
    cyd.create(open(""));
    cyd.wish(&id);
    assert_eq!(ann.hear(1), ["asking: cyd"]);
    let unknown = "0189f7ea-ae2c-4a3b-9d1e-00ff10a0b0c0.tagus";
    let elsewhere = format!("{}.tagus2", &id[..36]);
    let malformed = UserPresence {
        session_id: "x".to_owned(),
        ..UserPresence::default()
    };
    let create = |max_size, label: usize| {
        Message::PartyCreate(PartyCreate {
            max_size,
            ..open(&"x".repeat(label))
        })
    };
    let with_ids = |id: &str| {
        vec![
            join(id),
            accept(id, ann.presence()),
            remove(id, ann.presence()),
            promote(id, ann.presence()),
            close(id),
            update(id, ""),
            requests(id),
            data(id, 1, b""),
        ]
    };
    // Of bob, who leads another party and is no member of this one.
    let mut cases: Vec<(Message, &str)> = Vec::new();
    for bad in ["", "bad", &id[..36], ".tagus", "x.tagus"] {
        cases.extend(
            with_ids(bad)
                .into_iter()
                .map(|one| (one, "Invalid party ID")),
        );
        cases.push((leave(bad), "Invalid party ID"));
    }
    for nowhere in [unknown, &elsewhere] {
        let all = with_ids(nowhere).into_iter();
        cases.extend(all.map(|one| (one, "Party not found")));
    }
    for foreign in [
        accept(&id, cyd.presence()),
        remove(&id, cyd.presence()),
        promote(&id, bob.presence()),
        close(&id),
        update(&id, ""),
        requests(&id),
    ] {
        cases.push((foreign, "Party leader only"));
    }
    cases.extend([
        (data(&id, 1, b""), "Party member not found"),
        (join(&full), "Party full"),
        (join(&own), "Already a member of the party"),
        (accept(&own, None), "Missing presence"),
        (promote(&own, None), "Missing presence"),
        (remove(&own, Some(malformed.clone())), "Invalid presence"),
        (accept(&own, Some(malformed)), "Invalid presence"),
        (accept(&own, cyd.presence()), "Party join request not found"),
        (promote(&own, cyd.presence()), "Party member not found"),
        (remove(&own, cyd.presence()), "Party member not found"),
        (
            remove(&own, bob.presence()),
            "Party leader cannot be removed",
        ),
        (
            create(-1, 0),
            "Invalid party max size, must be between 0 and 256",
        ),
        (
            create(257, 0),
            "Invalid party max size, must be between 0 and 256",
        ),
        (
            create(1, 2_049),
            "Invalid party label, must be at most 2048 bytes",
        ),
        (
            update(&own, &"x".repeat(2_049)),
            "Invalid party label, must be at most 2048 bytes",
        ),
    ]);
    for (message, expected) in cases {
        let shown = format!("{message:?}");
        let heard = bob.ask(message, 1);
        assert_eq!(heard, [format!("c error 3 {expected}")], "{shown}");
    }
    let refused = cyd.ask(join(&id), 1);
    assert_eq!(refused, ["c error 3 Already asked to join the party"]);
    let refused = ann.ask(accept(&id, cyd.presence()), 1);
    assert_eq!(refused, ["c error 3 Party full"]);
    // Without a cid the error has none either.
    bob.client.ask("", data("bad", 1, b""));
    assert_eq!(bob.hear(1), ["error 3 Invalid party ID"]);
    let add = PartyMatchmakerAdd {
        party_id: own,
        ..PartyMatchmakerAdd::default()
    };
    let refused = bob.ask(Message::PartyMatchmakerAdd(add), 1);
    assert_eq!(refused, ["c error 3 Invalid minimum count, must be >= 2"]);
    // One is there already.
    for _ in 1..16 {
        bob.create(open(""));
    }
    let refused = bob.ask(create(1, 0), 1);
    let expected = "c error 3 At most 16 parties may be joined at once";
    assert_eq!(refused, [expected]);
    for one in [&mut ann, &mut bob, &mut cyd] {
        one.client.ping();
    }
}

/// Who is in a party, as one learns it from what one is told.
#[derive(Default)]
struct View(BTreeSet<String>);

impl View {
    fn apply(&mut self, message: Option<Message>) {
        let names = |people: Vec<UserPresence>| people.into_iter().map(|one| one.username);
        match message {
            Some(Message::Party(party)) => self.0 = names(party.presences).collect(),
            Some(Message::PartyPresenceEvent(event)) => {
                self.0.extend(names(event.joins));
                for name in names(event.leaves) {
                    self.0.remove(&name);
                }
            }
            Some(Message::PartyLeader(_)) | None => {}
            other => panic!("{other:?}"),
        }
    }

    /// Reads up to the welcome that follows the answer to the last join.
    fn welcomed(&mut self, client: &mut Client, name: &str) {
        loop {
            let message = client.envelope().message;
            let is_own = match &message {
                Some(Message::PartyPresenceEvent(event)) => {
                    event.joins.iter().any(|one| one.username == name)
                }
                _ => false,
            };
            self.apply(message);
            if is_own {
                return;
            }
        }
    }

    /// Reads all that was sent; everybody must be in then, or be told to be at once.
    fn settle(&mut self, client: &mut Client) {
        client.ask("end", Message::Ping(Ping {}));
        self.until("end", client);
        while !self.0.iter().eq(["ann", "bob0", "bob1", "bob2", "bob3"]) {
            self.apply(client.envelope().message);
        }
    }

    /// Everything up to the answer.
    fn until(&mut self, cid: &str, client: &mut Client) {
        loop {
            let envelope = client.envelope();
            let is_answer = envelope.cid == cid;
            if is_answer && matches!(envelope.message, Some(Message::Pong(_))) {
                return;
            }
            self.apply(envelope.message);
            if is_answer {
                return;
            }
        }
    }
}

#[test]
fn everybody_sees_the_same_members_after_a_crowd_came_and_went() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let mut ann = Player::open(&server, Kind::Json, "ann");
    let id = ann.create(open(""));
    let all_in = Barrier::new(4);
    std::thread::scope(|scope| {
        let crowd = (0..4).map(|number| {
            let name = format!("bob{number}");
            let mut one = Player::open(&server, KINDS[number % 3], &name);
            let (id, all_in) = (&id, &all_in);
            scope.spawn(move || {
                let mut view = View::default();
                for _ in 0..25 {
                    one.client.ask("in", join(id));
                    view.until("in", &mut one.client);
                    one.client.ask("out", leave(id));
                    view.until("out", &mut one.client);
                }
                one.client.ask("in", join(id));
                view.until("in", &mut one.client);
                view.welcomed(&mut one.client, &name);
                all_in.wait();
                view.settle(&mut one.client);
                // It must still be there when the others look.
                one
            })
        });
        let crowd: Vec<_> = crowd.collect();
        let crowd = crowd.into_iter().map(|one| one.join().unwrap());
        let _crowd: Vec<Player> = crowd.collect();
        View(BTreeSet::from(["ann".to_owned()])).settle(&mut ann.client);
    });
}

/// What a listing answers: the labels, and the cursor.
fn listed(server: &Server, token: &str, query: &str) -> (Vec<String>, String) {
    let path = format!("/v2/party?{query}");
    let answer = server.call("GET", &path, &bearer(token), b"");
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    let page = answer.json();
    let parties = page["parties"].as_array().into_iter().flatten();
    let labels = parties.map(|party| {
        assert!(party["party_id"].as_str().unwrap().ends_with(".tagus"));
        party["label"].as_str().unwrap_or_default().to_owned()
    });
    (labels.collect(), answer.text("cursor"))
}

#[test]
fn parties_are_listed_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let mut ann = Player::open(&server, Kind::Json, "ann");
    let token = ann.token.clone();
    let nothing = server.call("GET", "/v2/party", &bearer(&token), b"");
    assert_eq!((nothing.status, nothing.body.as_str()), (200, "{}"));
    let (duel, race) = (r#"{"mode":"duel"}"#, r#"{"mode":"race"}"#);
    let first = ann.create(open(duel));
    ann.create(PartyCreate {
        open: false,
        max_size: 4,
        ..open(race)
    });
    ann.create(PartyCreate {
        hidden: true,
        ..open("secret")
    });
    let plain = ann.create(open("plain"));
    let labels = |query: &str| listed(&server, &token, query).0;
    assert_eq!(labels(""), ["plain", race, duel]);
    assert_eq!(labels("open=true"), ["plain", duel]);
    assert_eq!(labels("open=false"), [race]);
    assert_eq!(labels("query=label.mode:duel"), [duel]);
    assert_eq!(labels("query=label.mode:*%20-label.mode:duel"), [race]);
    assert_eq!(labels("query=label:plain"), ["plain"]);
    assert_eq!(labels("query=label:secret"), [""; 0]);
    let (page, cursor) = listed(&server, &token, "limit=2");
    assert_eq!(page, ["plain", race]);
    let (page, end) = listed(&server, &token, &format!("limit=2&cursor={cursor}"));
    assert_eq!((page, end.as_str()), (vec![duel.to_owned()], ""));

    assert_eq!(ann.ask(update(&first, "secret"), 2).len(), 2);
    assert_eq!(labels("query=label.mode:duel"), [""; 0]);
    // A lost connection takes the parties along that nobody else is in.
    let mut bob = Player::open(&server, Kind::Tcp, "bob");
    assert_eq!(bob.ask(join(&plain), 3).len(), 3);
    drop(ann);
    assert_eq!(bob.hear(2), ["leader bob", "+ -ann"]);
    assert_eq!(labels(""), ["plain"]);

    let long = format!("query={}", "a".repeat(8_193));
    let other = format!("open=true&cursor={cursor}");
    for (query, text) in [
        ("limit=0", "Invalid limit"),
        ("limit=101", "Invalid limit"),
        ("limit=-1", "Invalid limit"),
        ("limit=x", ""),
        ("open=x", ""),
        ("query=a:/(/", "Invalid query: "),
        ("query=a:%22", "Invalid query: "),
        (&long, ""),
        ("cursor=bad", "Malformed cursor"),
        (&other, "Malformed cursor"),
    ] {
        let path = format!("/v2/party?{query}");
        let answer = server.call("GET", &path, &bearer(&token), b"");
        assert_eq!((answer.status, &answer.json()["code"]), (400, &json!(3)));
        assert!(answer.text("message").starts_with(text), "{}", answer.body);
    }
    let foreign = server.call("GET", "/v2/party", &server_key(), b"");
    assert_eq!(foreign.status, 401);
}

/// What server code does with the party that a client names.
async fn serve(call: RpcCall) -> Result<String, ApiError> {
    let (verb, id) = call.payload.split_once(' ').unwrap();
    let tagus = &call.tagus;
    let page = tagus.parties(&PartyFilter {
        limit: 10,
        hidden: Some(true),
        ..PartyFilter::default()
    })?;
    let id = id.parse().unwrap();
    assert_eq!(page.parties[0].id, id);
    match verb {
        "update" => tagus.party_update(
            &id,
            PartySettings {
                hidden: true,
                label: "by the server".into(),
                ..PartySettings::default()
            },
        )?,
        "kick" => tagus.stream_leave(&id.stream(), call.caller.session_id.unwrap()),
        "close" => tagus.party_close(&id)?,
        other => panic!("{other}"),
    }
    let party = tagus.party(&id);
    Ok(party.map_or(0, |party| party.members.len()).to_string())
}

#[test]
fn server_code_sees_and_ends_parties() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::own(folder.path(), |server| server.rpc("serve", serve));
    let mut ann = Player::open(&server, Kind::Json, "ann");
    let mut bob = Player::open(&server, Kind::Protobuf, "bob");
    let id = ann.create(PartyCreate {
        hidden: true,
        ..open("")
    });
    assert_eq!(bob.ask(join(&id), 3).len(), 3);
    assert_eq!(ann.hear(1), ["+bob -"]);
    let call = |player: &mut Player, verb: &str, count: usize| {
        let rpc = Rpc {
            id: "serve".to_owned(),
            payload: format!("{verb} {id}"),
            ..Rpc::default()
        };
        player.client.ask("c", Message::Rpc(rpc));
        let before = player.hear(count);
        match player.client.envelope().message {
            Some(Message::Rpc(answer)) => (before, answer.payload),
            other => panic!("{other:?}"),
        }
    };
    let updated = vec!["update false true by the server".to_owned()];
    assert_eq!(
        call(&mut bob, "update", 1),
        (updated.clone(), "2".to_owned())
    );
    assert_eq!(ann.hear(1), updated);
    assert_eq!(call(&mut ann, "kick", 0), (Vec::new(), "1".to_owned()));
    assert_eq!(bob.hear(2), ["leader bob", "+ -ann"]);
    let closed = (vec!["close".to_owned()], "0".to_owned());
    assert_eq!(call(&mut bob, "close", 1), closed);
    ann.client.ping();
    bob.client.ping();
}

#[test]
fn hooks_around_parties_change_refuse_and_look() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::own(folder.path(), |server| {
        server
            .before_message(async |_, _, mut create: PartyCreate| {
                if create.label == "rude" {
                    return Err(ApiError::invalid("not this label"));
                }
                create.max_size = 2;
                Ok(Some(create))
            })
            .after_message(
                async |tagus: Tagus, _, _: PartyCreate, answer: Option<Message>| {
                    let Some(Message::Party(party)) = answer else {
                        panic!("{answer:?}");
                    };
                    // The creator is in, and is welcomed after this.
                    let id = party.party_id.parse().unwrap();
                    let party = tagus.party(&id).unwrap();
                    let settings = PartySettings {
                        label: party.members[0].username.as_ref().into(),
                        ..party.settings
                    };
                    tagus.party_update(&id, settings).unwrap();
                },
            )
    });
    let mut ann = Player::open(&server, Kind::Json, "ann");
    let refused = ann.ask(Message::PartyCreate(open("rude")), 1);
    assert_eq!(refused, ["c error 7 not this label"]);
    let heard = ann.ask(Message::PartyCreate(open("")), 4);
    let expected = [
        "update true false ann",
        "c party of ann led by ann for ann, open of 2, ",
        "party of ann led by ann for ann, open of 2, ann",
        "+ann -",
    ];
    assert_eq!(heard, expected);
}
