//! Durable values of rooms: they outlive the server, and the recording proves what the game made of them.

use std::path::Path;

use tagus::base::{RoomId, SeatIndex};
use tagus::room::{
    Factory, Game, InitError, Input, LeaveReason, RestoreError, Room, STORE_OPS_WAITING_MAX,
    STORE_VALUES_MAX, Settings, Setup, StoreFailed, StoreOp, StoreResult, To, replay,
};
use tagus_wire::api::Rpc;
use tagus_wire::realtime::MatchDataSend;
use tagus_wire::realtime::envelope::Message;

use crate::server::Server;
use crate::socket::{Client, Kind};

/// Counts the joins of all times, and fills its store when asked to.
#[derive(Default)]
struct Counter {
    joins: u32,
    /// Closes with the last seat.
    goes: bool,
}

const READ: u64 = 1;
const WRITTEN: u64 = 2;
const FILLED: u64 = 100;

impl Game for Counter {
    fn init(setup: Setup<'_>) -> Result<(Self, Settings), InitError> {
        let settings = Settings {
            tick_rate_hz: 60,
            recording_bytes_max: 1 << 20,
            empty_ms: 0,
            ..Settings::default()
        };
        let game = Self {
            goes: !setup.params.is_empty(),
            ..Self::default()
        };
        Ok((game, settings))
    }

    fn join(&mut self, room: &mut Room<'_>, _: SeatIndex) {
        let key = "joins".to_owned();
        room.store(READ, StoreOp::Get { key }).unwrap();
    }

    fn leave(&mut self, room: &mut Room<'_>, _: SeatIndex, _: LeaveReason) {
        if self.goes && room.seat_count() == 1 {
            room.close();
        }
    }

    fn tick(&mut self, room: &mut Room<'_>, inputs: &[Input]) {
        for input in inputs {
            match input {
                Input::Stored { token, result } => self.stored(room, *token, result),
                Input::Message(message) => {
                    let key = format!("filler {}", message.op);
                    let value = message.data.clone();
                    let token = FILLED + message.op.unsigned_abs();
                    room.store(token, StoreOp::Put { key, value }).unwrap();
                }
                Input::Computed { .. } | Input::Called { .. } => {}
            }
        }
    }

    fn terminate(&mut self, room: &mut Room<'_>, _: u32) {
        room.close();
    }

    fn snapshot(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.joins.to_le_bytes());
        out.push(u8::from(self.goes));
    }

    fn restore(_: u32, bytes: &[u8]) -> Result<Self, RestoreError> {
        let Some((joins, [goes])) = bytes.split_first_chunk() else {
            return Err(RestoreError::new("length"));
        };
        Ok(Self {
            joins: u32::from_le_bytes(*joins),
            goes: *goes != 0,
        })
    }
}

impl Counter {
    fn stored(&mut self, room: &mut Room<'_>, token: u64, result: &StoreResult) {
        let told = match (token, result) {
            (READ, Ok(values)) => {
                let old = values
                    .get("joins")
                    .map_or("0", |text| str::from_utf8(text).unwrap());
                self.joins = old.parse::<u32>().unwrap() + 1;
                let (key, value) = ("joins".to_owned(), self.joins.to_string().into());
                return room.store(WRITTEN, StoreOp::Put { key, value }).unwrap();
            }
            (WRITTEN, Ok(_)) => self.joins.to_string(),
            (_, Ok(_)) => "filled".to_owned(),
            (_, Err(StoreFailed { reason })) => reason.clone(),
        };
        room.send(To::All, 1, told);
    }
}

fn server(server: tagus::Server) -> tagus::Server {
    server
        .game::<Counter>("counter")
        .room("counter", "counter")
        .rpc("open", async |call: tagus::RpcCall| {
            let id = call.tagus.room_create("counter", "goes when empty").await?;
            Ok(id.to_string())
        })
        .rpc("is_open", async |call: tagus::RpcCall| {
            let id: Option<RoomId> = call.payload.parse().ok();
            let open = id.is_some_and(|id| call.tagus.room(&id).is_some());
            Ok(open.to_string())
        })
}

/// Not a test of its own, but the server process of the one that needs it to end.
#[test]
fn a_server_of_its_own() {
    if let Some(config) = Server::config_of_process() {
        server(tagus::Server::new(config)).run().unwrap();
    }
}

fn start(data: &Path) -> Server {
    Server::process(data, "room_store::a_server_of_its_own")
}

fn told(client: &mut Client) -> String {
    client.until(|message| match message {
        Message::MatchData(data) if data.op_code == 1 => {
            Some(String::from_utf8_lossy(&data.data).into_owned())
        }
        _ => None,
    })
}

#[test]
fn a_named_rooms_values_outlive_the_server() {
    let data = tempfile::tempdir().unwrap();
    for joins in ["1", "2"] {
        let server = start(data.path());
        let token = server.token("device-of-the-counter");
        let mut client = Client::open(&server, Kind::Json, &token);
        client.join("counter");
        assert_eq!(told(&mut client), joins);

        let answer = server.admin("/rooms/counter/recording");
        assert_eq!(answer.status, 200, "{}", answer.body);
        let report = replay(&answer.bytes, |_| Some(Factory::of::<Counter>())).unwrap();
        // The join and two results, and the hashes at both ends at least.
        assert_eq!(report.inputs, 3);
        assert!(report.hashes_proven >= 2, "{report:?}");
        drop(client);
        assert_eq!(values_after(server, data.path()), 1);
    }
}

#[test]
fn a_room_without_a_name_takes_its_values_along() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path());
    let mut client = Client::open(&server, Kind::Tcp, &server.token("device-of-no-name"));
    let id = rpc(&mut client, "open", "");
    client.join(&id);
    assert_eq!(told(&mut client), "1");
    // The second of these reads what the first wrote, so the values belong to the room while it lives.
    let mut second = Client::open(&server, Kind::Tcp, &server.token("device-of-no-name"));
    second.join(&id);
    assert_eq!(told(&mut second), "2");
    drop((client, second));
    let mut asker = Client::open(&server, Kind::Tcp, &server.token("device-that-asks"));
    while rpc(&mut asker, "is_open", &id) == "true" {
        std::thread::yield_now();
    }
    drop(asker);
    assert_eq!(values_after(server, data.path()), 0);
}

#[test]
fn one_value_too_many_is_a_failure_that_the_room_is_told() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::own(data.path(), server);
    let mut client = Client::open(&server, Kind::Tcp, &server.token("device-that-fills"));
    client.join("counter");
    let match_id = client.until(|message| match message {
        Message::Match(joined) => Some(joined.match_id),
        _ => None,
    });
    assert_eq!(told(&mut client), "1");
    let mut fill = |numbers: &[i64]| {
        for op_code in numbers {
            let send = MatchDataSend {
                match_id: match_id.clone(),
                op_code: *op_code,
                data: "x".into(),
                ..Default::default()
            };
            client.ask("", Message::MatchDataSend(send));
        }
        let answers = numbers.iter().map(|_| told(&mut client));
        answers.collect::<Vec<_>>()
    };
    // One value is there already.
    let numbers: Vec<i64> = (1..STORE_VALUES_MAX as i64).collect();
    for some in numbers.chunks(STORE_OPS_WAITING_MAX) {
        assert_eq!(fill(some), vec!["filled"; some.len()]);
    }
    let refused = "a room keeps at most 64 values";
    // A key that is there is no further value.
    assert_eq!(fill(&[0, 1]), [refused, "filled"]);
}

/// Stops the server; answers how many values of rooms are in its database.
fn values_after(mut server: Server, data: &Path) -> u64 {
    server.interrupt();
    assert!(server.wait().success());
    let config = tagus_store::SqliteConfig::new(data.join("tagus.db"));
    let store = tagus_store::Store::open(config).unwrap();
    tagus_store::block_on(store.counts()).unwrap().room_values
}

fn rpc(client: &mut Client, id: &str, payload: &str) -> String {
    let call = Rpc {
        id: id.to_owned(),
        payload: payload.to_owned(),
        ..Default::default()
    };
    client.ask("", Message::Rpc(call));
    client.until(|message| match message {
        Message::Rpc(answer) => Some(answer.payload),
        Message::Error(error) => panic!("{error:?}"),
        _ => None,
    })
}
