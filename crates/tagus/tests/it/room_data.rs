//! Data by a room's number, its delivery class, and what becomes of connections that end while they wait.

use std::sync::Arc;
use std::time::Duration;

use tagus::base::SeatIndex;
use tagus::room::{
    Class, Game, InitError, Input, LeaveReason, RestoreError, Room, Settings, Setup, To,
};
use tagus_wire::api::Rpc;
use tagus_wire::ext::RoomData;
use tagus_wire::realtime::envelope::Message;
use tokio::sync::Semaphore;

use crate::server::Server;
use crate::socket::{Client, Kind};

/// Sends each message back in the class that its op code names; says who left; takes its time when asked to.
struct Classes;

const LEFT: i64 = 100;
/// The tick takes longer than a sixtieth of a second.
const SLOW: i64 = 101;

impl Game for Classes {
    fn init(_: Setup<'_>) -> Result<(Self, Settings), InitError> {
        let settings = Settings {
            tick_rate_hz: 60,
            ..Settings::default()
        };
        Ok((Self, settings))
    }

    fn join(&mut self, _: &mut Room<'_>, _: SeatIndex) {}

    fn leave(&mut self, room: &mut Room<'_>, seat: SeatIndex, _: LeaveReason) {
        room.send(To::AllBut(seat), LEFT, seat.0.to_string());
    }

    fn tick(&mut self, room: &mut Room<'_>, inputs: &[Input]) {
        for input in inputs {
            let Input::Message(message) = input else {
                continue;
            };
            if message.op == SLOW {
                std::thread::sleep(Duration::from_millis(20));
            }
            let class = match message.op {
                0 => Class::ReliableOrdered,
                1 => Class::ReliableUnordered,
                2 => Class::Sequenced,
                _ => Class::Unreliable,
            };
            let to = To::One(message.seat);
            room.send_class(to, class, message.op, message.data.clone());
        }
    }

    fn snapshot(&self, _: &mut Vec<u8>) {}

    fn restore(_: u32, _: &[u8]) -> Result<Self, RestoreError> {
        Ok(Self)
    }
}

fn start(data: &std::path::Path) -> Server {
    // Answers nothing while the server lives.
    let never = Arc::new(Semaphore::new(0));
    Server::own(data, |server| {
        server
            .game::<Classes>("classes")
            .room("classes", "classes")
            .rpc("never", move |_: tagus::RpcCall| {
                let never = never.clone();
                async move {
                    drop(never.acquire().await);
                    Ok(String::new())
                }
            })
    })
}

/// A client with extensions in the room; and the room's number.
fn extended(server: &Server, device: &str) -> (Client, u32) {
    let query = format!("token={}&ext=1", server.token(device));
    let mut client = Client::upgrade(server, Kind::Json, &query);
    client.join("classes");
    let room = client.until(|message| match message {
        Message::RoomNumber(number) => Some(number.room),
        _ => None,
    });
    (client, room)
}

fn data(room: u32, op_code: i64, class: u32) -> Message {
    Message::RoomData(RoomData {
        room,
        op_code,
        data: "data".into(),
        class,
        applied_tick: 0,
    })
}

fn error_code(client: &mut Client) -> i32 {
    client.until(|message| match message {
        Message::Error(error) => Some(error.code),
        Message::RoomData(data) => panic!("{data:?} in place of an error"),
        _ => None,
    })
}

#[test]
fn classes_reach_the_client_and_unknown_ones_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path());
    let (mut client, room) = extended(&server, "device-of-classes");
    for class in 0..4 {
        client.ask("", data(room, class.into(), class));
        let back = client.until(|message| match message {
            Message::RoomData(data) => Some(data),
            _ => None,
        });
        assert_eq!((back.op_code, back.class), (class.into(), class));
    }
    for class in [4, u32::MAX] {
        client.ask("", data(room, 0, class));
        assert_eq!(error_code(&mut client), 3);
    }
    client.ask("", data(room + 1, 0, 0));
    assert_eq!(error_code(&mut client), 4, "no room of this number");
    client.ping();
}

#[test]
fn data_by_number_needs_the_extensions() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path());
    let token = server.token("device-without-ext");
    for kind in [Kind::Json, Kind::Protobuf, Kind::Tcp] {
        let mut client = Client::open(&server, kind, &token);
        client.ask("numbered", data(1, 0, 0));
        let answer = client.envelope();
        let Some(Message::Error(error)) = answer.message else {
            panic!("{answer:?} in place of an error");
        };
        assert_eq!((error.code, answer.cid.as_str()), (3, "numbered"));
        client.ping();
    }
}

#[test]
fn a_connection_that_ends_while_it_waits_loses_its_seat_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path());
    let (mut witness, _) = extended(&server, "device-that-sees");
    let (mut waiting, _) = extended(&server, "device-that-waits");
    // More requests than a connection may have waiting: the last of them are not even read.
    for _ in 0..64 {
        let call = Rpc {
            id: "never".to_owned(),
            ..Default::default()
        };
        waiting.ask("", Message::Rpc(call));
    }
    drop(waiting);
    let left = witness.until(|message| match message {
        Message::RoomData(data) if data.op_code == LEFT => Some(data.data),
        _ => None,
    });
    assert_eq!(left, "1");
}

#[test]
fn slow_ticks_and_drops_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path());
    let metric = |name: &str| {
        let text = server.admin("/metrics").body;
        let found = text.lines().find_map(|line| line.strip_prefix(name));
        let value = found.unwrap_or_else(|| panic!("{name} in {text}"));
        value.trim().parse::<u64>().unwrap()
    };
    let overruns = metric("tagus_shard_tick_overruns_total ");
    let malformed = "tagus_shard_drops_total{reason=\"malformed\"} ";
    assert_eq!(metric(malformed), 0);
    let (mut client, room) = extended(&server, "device-of-slow-ticks");
    client.ask("", data(room, SLOW, 0));
    client.until(|message| match message {
        Message::RoomData(data) => Some(data),
        _ => None,
    });
    assert!(metric("tagus_shard_tick_overruns_total ") > overruns);
    client.send(&crate::socket::ws_frame(0x81, b"nonsense"));
    assert_eq!(error_code(&mut client), 3);
    assert_eq!(metric(malformed), 1);
}
