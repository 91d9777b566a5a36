//! Rooms that ask server code.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tagus::base::SeatIndex;
use tagus::room::{
    CALL_BYTES_MAX, CALLS_WAITING_MAX, CallFailed, Game, InitError, Input, LeaveReason, Message,
    RestoreError, Room, Settings, Setup, To,
};
use tagus::{ApiError, RoomCall};
use tagus_wire::realtime::MatchDataSend;
use tagus_wire::realtime::envelope;
use tokio::sync::Barrier;

use crate::server::Server;
use crate::socket::{Client, Kind};

/// Asks what its players say, a name and what follows it, and tells them what comes of it.
struct Caller;

/// The room asks and closes.
const LAST: i64 = -1;

impl Game for Caller {
    fn init(_: Setup<'_>) -> Result<(Self, Settings), InitError> {
        let settings = Settings {
            tick_rate_hz: 60,
            ..Settings::default()
        };
        Ok((Self, settings))
    }

    fn join(&mut self, _: &mut Room<'_>, _: SeatIndex) {}

    fn leave(&mut self, _: &mut Room<'_>, _: SeatIndex, _: LeaveReason) {}

    fn tick(&mut self, room: &mut Room<'_>, inputs: &[Input]) {
        for input in inputs {
            match input {
                Input::Message(Message { op, data, .. }) => {
                    let text = str::from_utf8(data).unwrap();
                    let (name, asked) = text.split_once(' ').unwrap();
                    let token = op.unsigned_abs();
                    room.call(token, name, asked.to_owned()).unwrap();
                    if *op == LAST {
                        room.close();
                    }
                }
                Input::Called { token, result } => {
                    let told = match result {
                        Ok(data) => data.clone(),
                        Err(CallFailed { reason }) => format!("failed: {reason}").into(),
                    };
                    room.send(To::All, token.cast_signed(), told);
                }
                Input::Computed { .. } | Input::Stored { .. } => {}
            }
        }
    }

    fn terminate(&mut self, room: &mut Room<'_>, _: u32) {
        room.call(1, "note", "the end").unwrap();
        room.close();
    }

    fn snapshot(&self, _: &mut Vec<u8>) {}

    fn restore(_: u32, _: &[u8]) -> Result<Self, RestoreError> {
        Ok(Self)
    }
}

fn start(build: impl FnOnce(tagus::Server) -> tagus::Server) -> (Server, tempfile::TempDir) {
    let data = tempfile::tempdir().unwrap();
    let server = Server::own(data.path(), |server| {
        let rooms = server.game::<Caller>("caller").room("one", "caller");
        build(rooms.room("two", "caller"))
    });
    (server, data)
}

/// Somebody in a room.
struct Player {
    client: Client,
    match_id: String,
}

impl Player {
    fn join(server: &Server, room: &str) -> Self {
        let token = server.token(&format!("device-of-{room}-{room}"));
        let mut client = Client::open(server, Kind::Tcp, &token);
        client.join(room);
        let match_id = client.until(|message| match message {
            envelope::Message::Match(joined) => Some(joined.match_id),
            _ => None,
        });
        Self { client, match_id }
    }

    fn say(&mut self, op_code: i64, text: &str) {
        let send = MatchDataSend {
            match_id: self.match_id.clone(),
            op_code,
            data: text.to_owned().into(),
            ..Default::default()
        };
        self.client.ask("", envelope::Message::MatchDataSend(send));
    }

    fn told(&mut self) -> (i64, String) {
        self.client.until(|message| match message {
            envelope::Message::MatchData(data) => {
                let text = String::from_utf8_lossy(&data.data).into_owned();
                Some((data.op_code, text))
            }
            _ => None,
        })
    }
}

#[test]
fn a_rooms_calls_run_one_after_the_other() {
    let running = Arc::new(AtomicUsize::new(0));
    let (server, _data) = start(|server| {
        server.room_call("slower_first", move |call: RoomCall| {
            let running = running.clone();
            async move {
                assert_eq!(running.fetch_add(1, Ordering::SeqCst), 0, "at once");
                let number: u64 = str::from_utf8(&call.data).unwrap().parse().unwrap();
                let wait = CALLS_WAITING_MAX as u64 - number;
                tokio::time::sleep(Duration::from_millis(wait)).await;
                running.fetch_sub(1, Ordering::SeqCst);
                Ok(call.data.to_vec())
            }
        })
    });
    let mut player = Player::join(&server, "one");
    for number in 0..CALLS_WAITING_MAX as i64 {
        player.say(number, &format!("slower_first {number}"));
    }
    for number in 0..CALLS_WAITING_MAX as i64 {
        assert_eq!(player.told(), (number, number.to_string()));
    }
}

#[test]
fn those_of_different_rooms_run_at_once() {
    let both = Arc::new(Barrier::new(2));
    let (server, _data) = start(|server| {
        server.room_call("meet", move |call: RoomCall| {
            let both = both.clone();
            async move {
                both.wait().await;
                Ok(format!("{} of {}", call.name, call.game).into_bytes())
            }
        })
    });
    let mut players = ["one", "two"].map(|room| Player::join(&server, room));
    for player in &mut players {
        player.say(7, "meet ");
    }
    let told = players.map(|mut player| player.told());
    let met = |room: &str| (7, format!("{room} of caller"));
    assert_eq!(told, [met("one"), met("two")]);
}

#[test]
fn what_goes_wrong_is_a_failure_and_nothing_else() {
    let (server, _data) = start(|server| {
        server
            .room_call("echo", async |call: RoomCall| Ok(call.data.to_vec()))
            .room_call("error", async |_| Err(ApiError::new(5, "no such thing")))
            .room_call("panic", async |call: RoomCall| {
                assert!(call.data.is_empty(), "the test wants it");
                Ok(Vec::new())
            })
            .room_call("long", async |call: RoomCall| {
                let more = usize::from(!call.data.is_empty());
                Ok(vec![b'x'; CALL_BYTES_MAX + more])
            })
            .room_call("room", async |call: RoomCall| {
                let found = call.tagus.room(&call.room);
                Ok(found.map_or_else(Vec::new, |room| room.id.to_string().into_bytes()))
            })
    });
    let mut player = Player::join(&server, "one");
    let asked = [
        ("nothing of this name", "failed: no such function"),
        ("Echo case", "failed: no such function"),
        ("error ", "failed: no such thing"),
        ("panic now", "failed: the function panicked"),
        ("long more", "failed: the answer is longer than 65536 bytes"),
        ("panic ", ""),
        ("echo hello", "hello"),
    ];
    for (op, (text, _)) in (1..).zip(asked) {
        player.say(op, text);
    }
    for (op, (_, told)) in (1..).zip(asked) {
        assert_eq!(player.told(), (op, told.to_owned()));
    }
    player.say(8, "long ");
    assert_eq!(player.told().1.len(), CALL_BYTES_MAX);
    player.say(9, "room ");
    assert_eq!(player.told(), (9, player.match_id.clone()));
}

#[test]
fn what_a_room_asks_as_its_last_act_is_done() {
    let noted = Arc::new(Mutex::new(String::new()));
    let note = noted.clone();
    let (server, _data) = start(|server| {
        server.room_call("note", move |call: RoomCall| {
            let note = note.clone();
            async move {
                // Longer than the room lives.
                while call.tagus.room(&call.room).is_some() {
                    tokio::task::yield_now().await;
                }
                note.lock()
                    .unwrap()
                    .push_str(str::from_utf8(&call.data).unwrap());
                Ok(Vec::new())
            }
        })
    });
    let mut player = Player::join(&server, "one");
    player.say(LAST, "note gone");
    while noted.lock().unwrap().is_empty() {
        std::thread::yield_now();
    }
    assert_eq!(*noted.lock().unwrap(), "gone");
}

/// Not a test of its own, but the server process of the one that needs it to end.
#[test]
fn a_server_of_its_own() {
    if let Some(config) = Server::config_of_process() {
        let note = config.data.join("note");
        let server = tagus::Server::new(config).game::<Caller>("caller");
        let server = server.room("one", "caller");
        let server = server.room_call("note", move |call: RoomCall| {
            let note = note.clone();
            async move {
                tokio::time::sleep(Duration::from_millis(50)).await;
                std::fs::write(note, &call.data).map_err(|_| ApiError::internal())?;
                Ok(Vec::new())
            }
        });
        server.run().unwrap();
    }
}

#[test]
fn the_end_of_the_server_waits_for_it() {
    let data = tempfile::tempdir().unwrap();
    let mut server = Server::process(data.path(), "room_calls::a_server_of_its_own");
    let note = || std::fs::read_to_string(Path::new(data.path()).join("note")).ok();
    assert_eq!(note(), None);
    server.interrupt();
    assert!(server.wait().success());
    assert_eq!(note().as_deref(), Some("the end"));
}
