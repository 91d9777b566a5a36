//! Join codes of parties and matches, private matches, and connections that are in one party or match at a time.

use std::time::{Duration, Instant};

use serde_json::json;
use tagus::room::{Game, InitError, Input, LeaveReason, RestoreError, Room, Settings, Setup};
use tagus::{ApiError, Config, Mode, RoomFilter, RpcCall};
use tagus_base::SeatIndex;
use tagus_wire::realtime::envelope::Message;
use tagus_wire::realtime::{
    Match, MatchCreate, MatchLeave, Party, PartyClose, PartyCreate, PartyJoin, PartyLeave,
};

use crate::server::{Answer, PATIENCE, Server, bearer};
use crate::socket::{Client, Kind};

/// A game that does nothing. Its parameters say when it closes while it is empty, in milliseconds.
struct Quiet;

impl Game for Quiet {
    fn init(setup: Setup<'_>) -> Result<(Self, Settings), InitError> {
        let text = std::str::from_utf8(setup.params).unwrap_or_default();
        let empty_ms = text.parse().map_err(|_| InitError::new("no number"))?;
        let settings = Settings {
            tick_rate_hz: 60,
            empty_ms,
            label: r#"{"mode":"quiet"}"#.to_owned(),
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

fn start(data: &std::path::Path, configure: impl FnOnce(&mut Config)) -> Server {
    let mode = |name: &str, params: &str, private| Mode {
        name: name.to_owned(),
        game: "quiet".to_owned(),
        params: params.to_owned(),
        private,
        ..Mode::default()
    };
    let settings = |config: &mut Config| {
        config.matchmaker.modes = vec![
            mode("friends", "60000", true),
            mode("short", "1", true),
            mode("broken", "x", true),
            mode("public", "60000", false),
        ];
        config.matchmaker.private_rooms_max = 2;
        configure(config);
    };
    Server::own_with(data, settings, |server| {
        server
            .game::<Quiet>("quiet")
            .rpc("open", async |call: RpcCall| {
                let id = call.tagus.room_create("quiet", "60000").await?;
                Ok(id.to_string())
            })
            .rpc("rooms", async |call: RpcCall| {
                let filter = RoomFilter {
                    limit: 100,
                    private: call.payload == "all",
                    ..RoomFilter::default()
                };
                let rooms = call.tagus.rooms(&filter);
                let private = rooms.iter().filter(|room| room.private).count();
                Ok(format!("{private} of {}", rooms.len()))
            })
            .rpc("codes", async |call: RpcCall| {
                let (party, room) = call.payload.split_once(' ').unwrap_or_default();
                let party = party.parse().map_err(|_| ApiError::invalid("party"))?;
                let room = call.tagus.room_id(room);
                let room = room.ok_or_else(|| ApiError::invalid("room"))?;
                let of_party = call.tagus.party_code(&party)?;
                Ok(format!("{of_party} {}", call.tagus.room_code(room)?))
            })
    })
}

fn get(server: &Server, token: &str, path: &str) -> Answer {
    server.call("GET", path, &bearer(token), b"")
}

fn rpc(server: &Server, token: &str, id: &str, payload: &str) -> String {
    let path = format!("/v2/rpc/{id}?unwrap");
    let answer = server.call("POST", &path, &bearer(token), payload.as_bytes());
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body
}

fn open_private(server: &Server, token: &str, mode: &str) -> Answer {
    let path = format!("/v2/x/match/{mode}");
    server.call("POST", &path, &bearer(token), b"")
}

/// Status, code and message of an error.
fn error(answer: &Answer) -> (u16, i64, String) {
    let code = answer.json()["code"].as_i64().unwrap_or_default();
    (answer.status, code, answer.text("message"))
}

fn create_party(client: &mut Client, open: bool) -> Party {
    let create = PartyCreate {
        open,
        hidden: true,
        max_size: 4,
        ..PartyCreate::default()
    };
    client.ask("p", Message::PartyCreate(create));
    loop {
        let envelope = client.envelope();
        // Without a cid the party that was made earlier comes once more.
        if let ("p", Some(Message::Party(party))) = (envelope.cid.as_str(), envelope.message) {
            return party;
        }
    }
}

fn join_party(client: &mut Client, name: &str) {
    let party_id = name.to_owned();
    client.ask("j", Message::PartyJoin(PartyJoin { party_id }));
}

/// The answer to a request, in short; messages before it are passed over.
fn answer(client: &mut Client, cid: &str) -> String {
    loop {
        let envelope = client.envelope();
        if envelope.cid != cid {
            continue;
        }
        return match envelope.message {
            None => "ok".to_owned(),
            Some(Message::Error(error)) => format!("{} {}", error.code, error.message),
            Some(Message::PartyJoin(join)) => join.party_id,
            Some(Message::Match(found)) => found.match_id,
            other => format!("{other:?}"),
        };
    }
}

fn create_match(client: &mut Client) -> Match {
    client.ask("m", Message::MatchCreate(MatchCreate::default()));
    client.until(|message| match message {
        Message::Match(found) => Some(found),
        _ => None,
    })
}

#[test]
fn a_party_is_joined_by_its_code_on_every_socket() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path(), |_| {});
    let ann = server.token("device-of-ann");
    for (turn, kind) in [Kind::Json, Kind::Protobuf, Kind::Tcp]
        .into_iter()
        .enumerate()
    {
        let bob = server.token(&format!("device-of-bob-{turn}"));
        let (mut leader, mut friend) = (
            Client::open(&server, kind, &ann),
            Client::open(&server, kind, &bob),
        );
        let party = create_party(&mut leader, true).party_id;
        let path = format!("/v2/x/party/{party}/code");
        let code = get(&server, &ann, &path).text("code");
        assert!(code.len() >= 6, "{code}");
        assert_eq!(get(&server, &ann, &path).text("code"), code, "it is kept");
        // Who is not in it does not learn it, nor whether there is such a party.
        let refused = error(&get(&server, &bob, &path));
        let text = "Party not found, or the caller is not in it.";
        assert_eq!(refused, (403, 7, text.to_owned()));

        join_party(&mut friend, &code.to_lowercase());
        assert_eq!(answer(&mut friend, "j"), party);
        let joined = friend.until(|message| match message {
            Message::Party(party) => Some(party),
            _ => None,
        });
        assert_eq!((&joined.party_id, joined.presences.len()), (&party, 2));
        assert_eq!(get(&server, &bob, &path).text("code"), code, "for members");

        // Only the leader revokes it; then there is another.
        let refused = error(&server.call("DELETE", &path, &bearer(&bob), b""));
        let text = "Party not found, or the caller does not lead it.";
        assert_eq!(refused, (403, 7, text.to_owned()));
        let party_id = party.clone();
        friend.ask("l", Message::PartyLeave(PartyLeave { party_id }));
        assert_eq!(answer(&mut friend, "l"), "ok");
        assert_eq!(server.call("DELETE", &path, &bearer(&ann), b"").body, "{}");
        join_party(&mut friend, &code);
        assert_eq!(answer(&mut friend, "j"), "3 Party not found");
        let next = get(&server, &ann, &path).text("code");
        assert_ne!(next, code);

        // It ends with the party.
        let party_id = party.clone();
        leader.ask("e", Message::PartyClose(PartyClose { party_id }));
        assert_eq!(answer(&mut leader, "e"), "ok");
        join_party(&mut friend, &next);
        assert_eq!(answer(&mut friend, "j"), "3 Party not found");
        assert_eq!(get(&server, &ann, &path).status, 403);
    }
}

#[test]
fn the_code_of_a_closed_party_asks_its_leader_and_ends_with_the_last_member() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path(), |_| {});
    let (ann, bob) = (server.token("device-of-ann"), server.token("device-of-bob"));
    let mut leader = Client::open(&server, Kind::Json, &ann);
    let mut friend = Client::open(&server, Kind::Json, &bob);
    let party = create_party(&mut leader, false).party_id;
    let code = get(&server, &ann, &format!("/v2/x/party/{party}/code")).text("code");
    join_party(&mut friend, &code);
    assert_eq!(answer(&mut friend, "j"), party);
    let request = leader.until(|message| match message {
        Message::PartyJoinRequest(request) => Some(request),
        _ => None,
    });
    assert_eq!((&request.party_id, request.presences.len()), (&party, 1));
    // The code of a party is none of a match.
    friend.join(&code);
    assert_eq!(answer(&mut friend, "join"), "4 Match not found");
    drop(leader);
    let started = Instant::now();
    loop {
        join_party(&mut friend, &code);
        let heard = answer(&mut friend, "j");
        if heard == "3 Party not found" {
            break;
        }
        assert_eq!(heard, "3 Already asked to join the party");
        assert!(started.elapsed() < PATIENCE);
    }
}

#[test]
fn a_match_is_joined_by_the_code_that_those_who_sit_there_get() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path(), |_| {});
    let (ann, bob) = (server.token("device-of-ann"), server.token("device-of-bob"));
    let mut one = Client::open(&server, Kind::Tcp, &ann);
    let mut other = Client::open(&server, Kind::Json, &bob);
    let relayed = create_match(&mut one).match_id;
    let hosted = rpc(&server, &ann, "open", "");
    one.join(&hosted);
    assert_eq!(answer(&mut one, "join"), hosted);
    for id in [relayed, hosted] {
        let path = format!("/v2/x/match/{id}/code");
        let refused = error(&get(&server, &bob, &path));
        let text = "Match not found, or the caller does not sit in it.";
        assert_eq!(refused, (403, 7, text.to_owned()));
        let code = get(&server, &ann, &path).text("code");
        other.join(&code.to_lowercase());
        assert_eq!(answer(&mut other, "join"), id);
        assert_eq!(get(&server, &bob, &path).text("code"), code);
    }
    // A relayed match ends with its last member, and so does its code.
    let id = create_match(&mut one).match_id;
    let code = get(&server, &ann, &format!("/v2/x/match/{id}/code")).text("code");
    one.ask("l", Message::MatchLeave(MatchLeave { match_id: id }));
    assert_eq!(answer(&mut one, "l"), "ok");
    other.join(&code);
    assert_eq!(answer(&mut other, "join"), "4 Match not found");
}

#[test]
fn a_private_match_is_found_by_its_id_and_code_alone() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path(), |_| {});
    let (ann, bob) = (server.token("device-of-ann"), server.token("device-of-bob"));
    let opened = open_private(&server, &ann, "friends");
    assert_eq!(opened.status, 200, "{}", opened.body);
    let (id, code) = (opened.text("match_id"), opened.text("code"));
    for query in ["", "?query=label.mode%3Aquiet&limit=100", "?limit=100"] {
        let listed = get(&server, &ann, &format!("/v2/match{query}"));
        assert_eq!(listed.json(), json!({}), "{query}");
    }
    let arcade = get(&server, &ann, "/v2/x/arcade").json();
    assert_eq!(arcade["rooms"], json!([]));
    assert_eq!(rpc(&server, &ann, "rooms", ""), "0 of 0");
    assert_eq!(rpc(&server, &ann, "rooms", "all"), "1 of 1");

    let mut friend = Client::open(&server, Kind::Protobuf, &bob);
    friend.join(&code);
    assert_eq!(answer(&mut friend, "join"), id);
    let mut own = Client::open(&server, Kind::Json, &ann);
    own.join(&id);
    assert_eq!(answer(&mut own, "join"), id);
    // Server code gets the codes that players get.
    let party = create_party(&mut own, true).party_id;
    let codes = rpc(&server, &ann, "codes", &format!("{party} {id}"));
    let of_party = get(&server, &bob, &format!("/v2/x/party/{party}/code"));
    assert_eq!(of_party.status, 403);
    let of_party = get(&server, &ann, &format!("/v2/x/party/{party}/code")).text("code");
    assert_eq!(codes, format!("{of_party} {code}"));
}

#[test]
fn private_matches_are_counted_and_end_unvisited() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path(), |_| {});
    let (ann, bob) = (server.token("device-of-ann"), server.token("device-of-bob"));
    let none = "There is no such mode, or it has no private matches.";
    for mode in ["public", "unknown", "%20"] {
        let refused = error(&open_private(&server, &ann, mode));
        assert_eq!(refused, (404, 5, none.to_owned()), "{mode}");
    }
    assert_eq!(open_private(&server, "bad", "friends").status, 401);
    // What is not opened is not counted.
    for _ in 0..3 {
        let refused = error(&open_private(&server, &ann, "broken"));
        assert_eq!(refused, (400, 3, "no number".to_owned()));
    }
    for _ in 0..2 {
        assert_eq!(open_private(&server, &ann, "friends").status, 200);
    }
    let full = "Too many private matches are open, let one of them end.";
    let refused = error(&open_private(&server, &ann, "short"));
    assert_eq!(refused, (429, 8, full.to_owned()));
    // Others have their own. Nobody comes: each ends, and its code with it.
    let mut codes = Vec::new();
    let started = Instant::now();
    while codes.len() < 6 {
        let opened = open_private(&server, &bob, "short");
        match opened.status {
            200 => codes.push(opened.text("code")),
            status => assert_eq!((status, opened.text("message")), (429, full.to_owned())),
        }
        assert!(started.elapsed() < PATIENCE);
    }
    while rpc(&server, &bob, "rooms", "all") != "2 of 2" {
        assert!(started.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(5));
    }
    let mut client = Client::open(&server, Kind::Json, &bob);
    for code in &codes {
        client.join(code);
        assert_eq!(answer(&mut client, "join"), "4 Match not found");
    }
}

#[test]
fn wrong_codes_are_told_apart_and_make_who_tries_them_wait() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path(), |_| {});
    let (ann, bob) = (server.token("device-of-ann"), server.token("device-of-bob"));
    for (path, text) in [
        ("/v2/x/party/bad/code", "Invalid party ID"),
        ("/v2/x/match/bad/code", "Invalid match ID"),
    ] {
        let refused = error(&get(&server, &ann, path));
        assert_eq!(refused, (400, 3, text.to_owned()));
    }
    let codes: Vec<String> = (0..2)
        .map(|_| open_private(&server, &ann, "friends").text("code"))
        .collect();
    let mut client = Client::open(&server, Kind::Json, &bob);
    // What is no code costs nothing.
    for text in ["", "bad", "AEIOU", "…", &"B".repeat(3_000)] {
        client.join(text);
        assert_eq!(answer(&mut client, "join"), "3 Invalid match ID");
        join_party(&mut client, text);
        assert_eq!(answer(&mut client, "j"), "3 Invalid party ID");
    }
    // Matches' codes are no parties'.
    for turn in 0..=tagus_players::WRONG_CODES_FREE_MAX as usize {
        join_party(&mut client, &codes[turn % 2]);
        assert_eq!(answer(&mut client, "j"), "3 Party not found");
    }
    let wait = "3 Too many wrong join codes, try again later.";
    client.join(&codes[0]);
    assert_eq!(answer(&mut client, "join"), wait);
    let mut again = Client::open(&server, Kind::Tcp, &bob);
    join_party(&mut again, &codes[0]);
    assert_eq!(answer(&mut again, "j"), wait);
    let mut other = Client::open(&server, Kind::Tcp, &ann);
    other.join(&codes[0]);
    assert!(answer(&mut other, "join").ends_with(".tagus"));
}

#[test]
fn a_single_party_or_match_takes_the_place_of_the_earlier_one() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path(), |config| {
        config.single_party = true;
        config.single_match = true;
    });
    let (ann, bob) = (server.token("device-of-ann"), server.token("device-of-bob"));
    for kind in [Kind::Json, Kind::Protobuf, Kind::Tcp] {
        let mut one = Client::open(&server, kind, &ann);
        let mut other = Client::open(&server, kind, &bob);
        let first = create_party(&mut one, true).party_id;
        join_party(&mut other, &first);
        assert_eq!(answer(&mut other, "j"), "ok");
        let second = create_party(&mut one, true).party_id;
        let leader = other.until(|message| match message {
            Message::PartyLeader(leader) => Some(leader),
            _ => None,
        });
        assert_eq!(leader.party_id, first);
        let leaves = |client: &mut Client| {
            client.until(|message| match message {
                Message::PartyPresenceEvent(event) if !event.leaves.is_empty() => Some(event),
                _ => None,
            })
        };
        assert_eq!(leaves(&mut other).party_id, first);
        // Whoever is alone in a party leaves nothing of it.
        join_party(&mut other, &second);
        assert_eq!(answer(&mut other, "j"), "ok");
        join_party(&mut one, &first);
        assert_eq!(answer(&mut one, "j"), "3 Party not found");
        // What is joined already is not left.
        join_party(&mut one, &second);
        assert_ne!(answer(&mut one, "j"), "ok");
        let path = format!("/v2/x/party/{second}/code");
        assert_eq!(get(&server, &ann, &path).status, 200);

        let earlier = create_match(&mut one).match_id;
        other.join(&earlier);
        assert_eq!(answer(&mut other, "join"), earlier);
        let later = rpc(&server, &ann, "open", "");
        one.join(&later);
        assert_eq!(answer(&mut one, "join"), later);
        let left = other.until(|message| match message {
            Message::MatchPresenceEvent(event) if !event.leaves.is_empty() => Some(event),
            _ => None,
        });
        assert_eq!(left.match_id, earlier);
        assert_eq!(
            get(&server, &ann, &format!("/v2/x/match/{earlier}/code")).status,
            403
        );
        // The match that one sits in is not left for itself.
        one.join(&later);
        assert_eq!(answer(&mut one, "join"), later);
        assert_eq!(
            get(&server, &ann, &format!("/v2/x/match/{later}/code")).status,
            200
        );
        // Another connection of the same account has its own.
        let mut third = Client::open(&server, kind, &ann);
        create_party(&mut third, true);
        create_match(&mut third);
        assert_eq!(get(&server, &ann, &path).status, 200);
        assert_eq!(
            get(&server, &ann, &format!("/v2/x/match/{later}/code")).status,
            200
        );
    }
}
