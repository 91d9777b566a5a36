//! Seats that server code keeps free for some, while others come too.

use std::path::Path;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tagus::RpcCall;
use tagus::base::{RoomId, SeatIndex, UserId};
use tagus::room::{Game, InitError, Input, LeaveReason, RestoreError, Room, Settings, Setup};
use tagus_wire::realtime::MatchCreate;
use tagus_wire::realtime::envelope::Message;

use crate::server::{Answer, PATIENCE, Server, bearer};
use crate::socket::{Client, Kind};

/// A table with eight seats at which nothing happens.
struct Table;

impl Game for Table {
    fn init(_: Setup<'_>) -> Result<(Self, Settings), InitError> {
        let settings = Settings {
            seats_max: 8,
            empty_ms: 0,
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

/// What a call says: the room and the people.
fn wish(call: &RpcCall) -> (RoomId, Vec<UserId>, Duration) {
    let wish: Value = serde_json::from_str(&call.payload).unwrap();
    let users = wish["users"].as_array().unwrap().iter();
    let users = users.map(|user| user.as_str().unwrap().parse().unwrap());
    let hold = Duration::from_millis(wish["hold_ms"].as_u64().unwrap());
    let room = wish["room"].as_str().unwrap().parse().unwrap();
    (room, users.collect(), hold)
}

fn start(data: &Path) -> Server {
    Server::own(data, |server| {
        server
            .game::<Table>("table")
            .rpc("open", async |call: RpcCall| {
                let id = call.tagus.room_create("table", "").await?;
                Ok(id.to_string())
            })
            .rpc("reserve", async |call: RpcCall| {
                let (room, users, hold) = wish(&call);
                call.tagus.room_reserve(room, &users, hold).await?;
                let listed = call.tagus.room(&room).map(|listed| listed.reserved);
                Ok(json!(listed).to_string())
            })
            .rpc("unreserve", async |call: RpcCall| {
                let (room, users, _) = wish(&call);
                call.tagus.room_unreserve(room, &users);
                Ok(String::new())
            })
            .rpc("room", async |call: RpcCall| {
                let id = call.payload.parse().unwrap();
                let listed = call.tagus.room(&id).map(|room| (room.size, room.reserved));
                Ok(json!(listed).to_string())
            })
    })
}

fn rpc(server: &Server, bearer: &str, id: &str, payload: &str) -> Answer {
    let path = format!("/v2/rpc/{id}?unwrap");
    server.call("POST", &path, bearer, payload.as_bytes())
}

fn reserve(server: &Server, bearer: &str, room: &str, users: &[&str]) -> Answer {
    let wish = json!({ "room": room, "users": users, "hold_ms": 60_000 });
    rpc(server, bearer, "reserve", &wish.to_string())
}

/// Seats taken, and reserved.
fn listed(server: &Server, bearer: &str, room: &str) -> Value {
    rpc(server, bearer, "room", room).json()
}

fn open(server: &Server, bearer: &str) -> String {
    rpc(server, bearer, "open", "").body
}

/// An account with a socket.
struct Guest {
    user_id: String,
    bearer: String,
    client: Client,
}

impl Guest {
    fn new(server: &Server, number: usize) -> Self {
        let token = server.token(&format!("device-of-guest-{number}"));
        let bearer = bearer(&token);
        let account = server.call("GET", "/v2/account", &bearer, b"").json();
        let kind = [Kind::Json, Kind::Protobuf, Kind::Tcp][number % 3];
        Self {
            user_id: account["user"]["id"].as_str().unwrap().to_owned(),
            bearer,
            client: Client::open(server, kind, &token),
        }
    }

    /// Its session if there was a seat.
    fn join(&mut self, room: &str) -> Option<String> {
        self.client.join(room);
        self.client.until(|message| match message {
            Message::Match(joined) => Some(Some(joined.self_.unwrap().session_id)),
            Message::Error(error) => {
                assert_eq!(error.message, "the room is full");
                Some(None)
            }
            _ => None,
        })
    }
}

fn guests(server: &Server, count: usize) -> Vec<Guest> {
    (0..count)
        .map(|number| Guest::new(server, number))
        .collect()
}

#[test]
fn of_many_who_rush_in_the_expected_have_their_seats() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path());
    let mut guests = guests(&server, 64);
    let own = guests[0].bearer.clone();
    let room = open(&server, &own);
    // Those who start last.
    let expected: Vec<String> = guests[60..].iter().map(|one| one.user_id.clone()).collect();
    let names: Vec<&str> = expected.iter().map(String::as_str).collect();
    assert_eq!(reserve(&server, &own, &room, &names).json(), json!(4));

    let barrier = Barrier::new(guests.len());
    let mut seated = Vec::new();
    std::thread::scope(|scope| {
        let rushing: Vec<_> = guests
            .iter_mut()
            .map(|guest| {
                let (barrier, room) = (&barrier, &room);
                scope.spawn(move || {
                    barrier.wait();
                    let session = guest.join(room)?;
                    Some((guest.user_id.clone(), session))
                })
            })
            .collect();
        seated.extend(rushing.into_iter().filter_map(|one| one.join().unwrap()));
    });
    assert_eq!(seated.len(), 8);
    for user_id in &expected {
        assert!(seated.iter().any(|(seated, _)| seated == user_id));
    }
    seated.sort_unstable_by(|one, other| one.1.cmp(&other.1));
    seated.dedup_by(|one, other| one.1 == other.1);
    assert_eq!(seated.len(), 8, "nobody twice");
    assert_eq!(listed(&server, &own, &room), json!([8, 0]));
}

#[test]
fn no_seat_is_sold_twice_while_some_reserve_and_others_join() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path());
    let mut guests = guests(&server, 32);
    let own = guests[0].bearer.clone();
    let room = open(&server, &own);
    let (invited, others) = guests.split_at_mut(16);
    let barrier = Barrier::new(8 + others.len());
    let (mut promised, mut walked_in) = (Vec::new(), 0);
    std::thread::scope(|scope| {
        let (barrier, room, server, own) = (&barrier, &room, &server, &own);
        let pairs: Vec<_> = invited
            .chunks_mut(2)
            .map(|pair| {
                scope.spawn(move || {
                    barrier.wait();
                    let users = [&*pair[0].user_id, &pair[1].user_id];
                    let status = reserve(server, own, room, &users).status;
                    assert!([200, 429].contains(&status), "{status}");
                    (pair, status == 200)
                })
            })
            .collect();
        let walks: Vec<_> = others
            .iter_mut()
            .map(|guest| {
                scope.spawn(move || {
                    barrier.wait();
                    guest.join(room).is_some()
                })
            })
            .collect();
        promised.extend(pairs.into_iter().map(|pair| pair.join().unwrap()));
        let walks = walks.into_iter().map(|walk| walk.join().unwrap());
        walked_in = walks.filter(|seated| *seated).count();
    });
    let reserved = 2 * promised.iter().filter(|(_, granted)| *granted).count();
    assert_eq!(walked_in + reserved, 8);
    assert_eq!(listed(&server, &own, &room), json!([walked_in, reserved]));
    promised.sort_unstable_by_key(|(_, granted)| *granted);
    for (pair, granted) in promised {
        for guest in pair {
            assert_eq!(guest.join(&room).is_some(), granted);
        }
    }
    assert_eq!(listed(&server, &own, &room), json!([8, 0]));
}

#[test]
fn reservations_are_refused_taken_back_and_run_out() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path());
    let mut guest = Guest::new(&server, 0);
    let own = guest.bearer.clone();
    let name = |number: u8| tagus::base::Uuid([number; 16]).to_string();
    let names: Vec<String> = (1..=9).map(name).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let room = open(&server, &own);
    let refused = |answer: Answer| {
        let code = answer.json()["code"].as_i64();
        (answer.status, code, answer.text("message"))
    };
    let full = "The match has too few free seats.";
    assert_eq!(
        refused(reserve(&server, &own, &room, &names)),
        (429, Some(8), full.to_owned())
    );
    assert_eq!(listed(&server, &own, &room), json!([0, 0]));
    assert_eq!(reserve(&server, &own, &room, &names[..8]).json(), json!(8));
    assert_eq!(guest.join(&room), None);
    let wish = json!({ "room": room, "users": [names[0], names[8]], "hold_ms": 0 });
    rpc(&server, &own, "unreserve", &wish.to_string());
    assert!(guest.join(&room).is_some());
    assert_eq!(listed(&server, &own, &room), json!([1, 7]));

    // Another room, where nobody ever is.
    let room = open(&server, &own);
    let wish = json!({ "room": room, "users": names[..8], "hold_ms": 1 });
    assert_eq!(rpc(&server, &own, "reserve", &wish.to_string()).status, 200);
    let until = Instant::now() + PATIENCE;
    while listed(&server, &own, &room) != json!([0, 0]) {
        assert!(Instant::now() < until, "they never end");
    }

    let nowhere = room.replace(&room[..8], "00000000");
    assert_eq!(
        refused(reserve(&server, &own, &nowhere, &names[..1])),
        (404, Some(5), "Match not found.".to_owned())
    );
    let create = Message::MatchCreate(MatchCreate::default());
    guest.client.ask("relayed", create);
    let relayed = guest.client.until(|message| match message {
        Message::Match(made) => Some(made.match_id),
        _ => None,
    });
    let text = "A relayed match has no seats to reserve.";
    assert_eq!(
        refused(reserve(&server, &own, &relayed, &names[..1])),
        (400, Some(9), text.to_owned())
    );
}
