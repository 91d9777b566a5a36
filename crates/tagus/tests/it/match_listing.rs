//! Listings of matches by query.

use serde_json::{Value, json};
use tagus::base::SeatIndex;
use tagus::query::Query;
use tagus::room::{Game, InitError, Input, LeaveReason, RestoreError, Room, Settings, Setup};
use tagus::{ApiError, RoomFilter, RpcCall};

use crate::server::{Answer, Server, bearer};
use crate::socket::{Client, Kind};

/// A game that does nothing; its parameters are its label.
struct Labelled;

impl Game for Labelled {
    fn init(setup: Setup<'_>) -> Result<(Self, Settings), InitError> {
        let settings = Settings {
            label: String::from_utf8_lossy(setup.params).into_owned(),
            ..Settings::default()
        };
        Ok((Self, settings))
    }

    fn join(&mut self, _: &mut Room<'_>, _: SeatIndex) {}

    fn leave(&mut self, _: &mut Room<'_>, _: SeatIndex, _: LeaveReason) {}

    fn tick(&mut self, _: &mut Room<'_>, _: &[Input]) {}

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
    client.ask(
        "1",
        tagus_wire::realtime::envelope::Message::MatchCreate(Default::default()),
    );
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
    let text = list(&server, &ana, "+tick_rate:10", "&label=duel");
    assert_eq!(labels(&text), ["duel"]);
    let full = list(&server, &ana, "label.mode:duel", "&min_size=1");
    assert_eq!(labels(&full).len(), 0);
    assert_eq!(rpc(&server, &ana, "rooms", "label.mode:duel"), "2");
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
