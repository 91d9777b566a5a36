//! Rooms that act ahead of their beat.

use tagus::base::SeatIndex;
use tagus::room::{Game, InitError, Input, LeaveReason, RestoreError, Room, Settings, Setup, To};
use tagus_wire::realtime::MatchDataSend;
use tagus_wire::realtime::envelope::Message;

use crate::server::Server;
use crate::socket::{Client, Kind};

/// Sends each message back, in a tick every second.
struct Echo<const AHEAD_TICKS: u8>;

impl<const AHEAD_TICKS: u8> Game for Echo<AHEAD_TICKS> {
    fn init(_: Setup<'_>) -> Result<(Self, Settings), InitError> {
        let settings = Settings {
            tick_rate_hz: 1,
            ahead_ticks: AHEAD_TICKS,
            ..Settings::default()
        };
        Ok((Self, settings))
    }

    fn join(&mut self, _: &mut Room<'_>, _: SeatIndex) {}

    fn leave(&mut self, _: &mut Room<'_>, _: SeatIndex, _: LeaveReason) {}

    fn tick(&mut self, room: &mut Room<'_>, inputs: &[Input]) {
        for input in inputs {
            if let Input::Message(message) = input {
                room.send(To::All, message.op, message.data.clone());
            }
        }
    }

    fn snapshot(&self, _: &mut Vec<u8>) {}

    fn restore(_: u32, _: &[u8]) -> Result<Self, RestoreError> {
        Ok(Self)
    }
}

/// The room on its beat is joined and asked first and answers a second after the join; the other one has a second to be
/// quicker, which takes it as long as a message takes.
#[test]
fn an_answer_does_not_wait_for_the_beat() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::own(data.path(), |server| {
        let games = server.game::<Echo<0>>("steady").game::<Echo<1>>("quick");
        games.room("steady", "steady").room("quick", "quick")
    });
    let mut client = Client::open(&server, Kind::Tcp, &server.token("device-in-a-hurry"));
    for (op_code, room) in [(1, "steady"), (2, "quick")] {
        client.join(room);
        let match_id = client.until(|message| match message {
            Message::Match(joined) => Some(joined.match_id),
            _ => None,
        });
        let send = MatchDataSend {
            match_id,
            op_code,
            ..Default::default()
        };
        client.ask("", Message::MatchDataSend(send));
    }
    let mut answer = || {
        client.until(|message| match message {
            Message::MatchData(data) => Some(data.op_code),
            _ => None,
        })
    };
    assert_eq!([answer(), answer()], [2, 1]);
}
