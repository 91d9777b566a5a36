//! Listings of matches by query.

use serde_json::{Value, json};
use tagus::base::SeatIndex;
use tagus::query::Query;
use tagus::room::{Game, InitError, Input, LeaveReason, RestoreError, Room, Settings, Setup, To};
use tagus::{ApiError, RoomFilter, RpcCall};
use tagus_wire::realtime::MatchDataSend;
use tagus_wire::realtime::envelope::Message;

use crate::server::{Answer, Server, bearer};
use crate::socket::{Client, Kind};

/// A game whose parameters are its label. Each message is answered to all, and then it is the label, as is a signal.
struct Labelled;

impl Game for Labelled {
    fn init(setup: Setup<'_>) -> Result<(Self, Settings), InitError> {
        let settings = Settings {
            tick_rate_hz: 60,
            label: String::from_utf8_lossy(setup.params).into_owned(),
            ..Settings::default()
        };
        Ok((Self, settings))
    }

    fn join(&mut self, _: &mut Room<'_>, _: SeatIndex) {}

    fn leave(&mut self, _: &mut Room<'_>, _: SeatIndex, _: LeaveReason) {}

    fn tick(&mut self, room: &mut Room<'_>, inputs: &[Input]) {
        for input in inputs {
            if let Input::Message(message) = input {
                let label = String::from_utf8_lossy(&message.data).into_owned();
                room.send(To::All, 1, label.clone());
                room.set_label(label).unwrap();
            }
        }
    }

    fn signal(&mut self, room: &mut Room<'_>, data: &[u8]) -> Vec<u8> {
        let label = String::from_utf8_lossy(data).into_owned();
        room.set_label(label).unwrap();
        Vec::new()
    }

    fn snapshot(&self, _: &mut Vec<u8>) {}

    fn restore(_: u32, _: &[u8]) -> Result<Self, RestoreError> {
        Ok(Self)
    }
}

fn start(data: &std::path::Path) -> Server {
    Server::own(data, |server| {
        server
            .game::<Labelled>("labelled")
            .rpc("open", async |call: RpcCall| {
                let id = call.tagus.room_create("labelled", call.payload).await?;
                Ok(id.to_string())
            })
            .rpc("open_and_list", async |call: RpcCall| {
                let mut found = Vec::new();
                for number in 0..50 {
                    let label = format!("{}{number}", call.payload);
                    let id = call.tagus.room_create("labelled", label.clone()).await?;
                    let filter = RoomFilter {
                        limit: 1,
                        label: Some(label),
                        ..RoomFilter::default()
                    };
                    let listed = call.tagus.rooms(&filter);
                    found.push(listed.first().is_some_and(|room| room.id == id));
                }
                Ok(found.iter().filter(|found| **found).count().to_string())
            })
            .rpc("relabel", async |call: RpcCall| {
                let (id, label) = call.payload.split_once(' ').unwrap_or_default();
                let id = call.tagus.room_id(id).unwrap();
                call.tagus.room_signal(id, label).await;
                let listed = call.tagus.room(&id).and_then(|room| room.label);
                Ok(listed.unwrap_or_default().to_string())
            })
            .rpc("rooms", async |call: RpcCall| {
                let query = Query::parse(&call.payload);
                let filter = RoomFilter {
                    limit: 100,
                    query: Some(query.map_err(|error| ApiError::invalid(error.to_string()))?),
                    ..RoomFilter::default()
                };
                Ok(call.tagus.rooms(&filter).len().to_string())
            })
    })
}

fn rpc(server: &Server, bearer: &str, id: &str, payload: &str) -> String {
    let path = format!("/v2/rpc/{id}?unwrap");
    let answer = server.call("POST", &path, bearer, payload.as_bytes());
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body
}

fn list(server: &Server, bearer: &str, query: &str, more: &str) -> Answer {
    let query: String = query.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let path = format!("/v2/match?limit=100&query={query}{more}");
    server.call("GET", &path, bearer, b"")
}

/// The labels of what is found, without their quotation marks.
fn labels(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let matches = answer.json()["matches"].as_array().cloned();
    let matches = matches.unwrap_or_default().into_iter();
    let label = |found: Value| found["label"].as_str().map(|label| label.replace('"', ""));
    matches
        .map(|found| label(found).unwrap_or_default())
        .collect()
}

#[test]
fn matches_are_found_by_their_labels() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path());
    let token = server.token("device-finds-matches");
    let ana = bearer(&token);
    for label in [
        r#"{"mode":"duel","rank":5}"#,
        r#"{"mode":"duel","rank":9}"#,
        r#"{"mode":"race"}"#,
        "duel",
    ] {
        rpc(&server, &ana, "open", label);
    }
    let mut client = Client::open(&server, Kind::Json, &token);
    client.ask("1", Message::MatchCreate(Default::default()));
    client.envelope();
    for (query, expected) in [
        ("label.mode:race", &["{mode:race}"][..]),
        ("+label.mode:duel +label.rank:>=6", &["{mode:duel,rank:9}"]),
        (
            "label.rank:<6^2 label.mode:/dua?el/ label.mode:race^0.5",
            &["{mode:duel,rank:5}", "{mode:duel,rank:9}", "{mode:race}"],
        ),
        ("label.mode:none", &[]),
        ("mode:duel", &[]),
        ("+handler_name:labelled -label.mode:*", &["duel"]),
    ] {
        assert_eq!(labels(&list(&server, &ana, query, "")), expected, "{query}");
    }
    // The relayed match is in the listings that ask for nothing.
    for query in ["", "*"] {
        assert_eq!(labels(&list(&server, &ana, query, "")).len(), 5);
    }
    let relayed = list(&server, &ana, "label.mode:*", "&authoritative=false");
    assert_eq!(relayed.json(), json!({}));
    let text = list(&server, &ana, "+tick_rate:60", "&label=duel");
    assert_eq!(labels(&text), ["duel"]);
    let full = list(&server, &ana, "label.mode:duel", "&min_size=1");
    assert_eq!(labels(&full).len(), 0);
    assert_eq!(rpc(&server, &ana, "rooms", "label.mode:duel"), "2");
}

#[test]
fn what_is_known_of_a_room_is_in_the_listings() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path());
    let token = server.token("device-looks-at-once");
    let ana = bearer(&token);
    assert_eq!(rpc(&server, &ana, "open_and_list", "room "), "50");
    let id = rpc(&server, &ana, "open", "first");
    let mut client = Client::open(&server, Kind::Json, &token);
    client.join(&id);
    client.until(|message| matches!(message, Message::Match(_)).then_some(()));
    let listed = list(&server, &ana, "+handler_name:labelled", "&min_size=1");
    assert_eq!(
        labels(&listed),
        ["first"],
        "the answer to the join came after"
    );
    for number in 0..50 {
        let label = json!({ "number": number }).to_string();
        let send = MatchDataSend {
            match_id: id.clone(),
            data: label.clone().into(),
            ..MatchDataSend::default()
        };
        client.ask("", Message::MatchDataSend(send));
        let told = client.until(|message| match message {
            Message::MatchData(data) => Some(data.data),
            _ => None,
        });
        assert_eq!(told, label);
        // Both by the query and by the label itself.
        let found = list(&server, &ana, &format!("label.number:{number}"), "");
        assert_eq!(labels(&found), [format!("{{number:{number}}}")]);
        let old = list(&server, &ana, &format!("label.number:<{number}"), "");
        assert_eq!(labels(&old), [""; 0]);
        let text = format!("signal {number}");
        assert_eq!(rpc(&server, &ana, "relabel", &format!("{id} {text}")), text);
    }
}

#[test]
fn bad_queries_are_refused_with_their_place() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path());
    let ana = bearer(&server.token("device-asks-badly"));
    let many = "* ".repeat(257);
    let regexps = "label.a:/x/ ".repeat(9);
    for (query, message) in [
        ("label.a:", "a value is expected at byte 8."),
        (
            "label.a:1 +label.b:\"x",
            "the quotation mark is never closed at byte 19.",
        ),
        (
            "label.a:/(/",
            "the regular expression cannot be read at byte 8.",
        ),
        (
            &regexps,
            "the query has more than 8 regular expressions at byte 104.",
        ),
        (&many, "the query has more than 256 clauses at byte 512."),
    ] {
        let answer = list(&server, &ana, query, "");
        let code = answer.json()["code"].clone();
        let refused = (answer.status, code, answer.text("message"));
        let message = format!("Invalid query: {message}");
        assert_eq!(refused, (400, json!(3), message), "{query}");
    }
}

#[test]
fn a_query_that_takes_too_long_is_refused() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path());
    let ana = bearer(&server.token("device-asks-much"));
    let label = json!({ "text": "x".repeat(2_000) }).to_string();
    for _ in 0..70 {
        rpc(&server, &ana, "open", &label);
    }
    let one = "label.text:/(x*)*y/ ";
    assert_eq!(list(&server, &ana, one, "").status, 200);
    let answer = list(&server, &ana, &one.repeat(8), "");
    let code = answer.json()["code"].clone();
    let text = "The query takes too much work on so many matches, use fewer patterns.";
    assert_eq!(
        (answer.status, code, answer.text("message")),
        (400, json!(9), text.to_owned())
    );
    // What is filtered out beforehand is no work.
    let answer = list(&server, &ana, &one.repeat(8), "&min_size=1");
    assert_eq!(labels(&answer).len(), 0);
}
