//! A room that holds seats, as its players see it.

use std::path::Path;
use std::time::Instant;

use tagus::base::SeatIndex;
use tagus::room::{
    Game, InitError, Input, LeaveReason, Metadata, Person, Refusal, RestoreError, Room, Settings,
    Setup, To,
};
use tagus_wire::realtime::envelope::Message;
use tagus_wire::realtime::{
    Match, MatchDataSend, MatchJoin, MatchLeave, MatchPresenceEvent, match_join,
};

use crate::server::{PATIENCE, Server};
use crate::socket::{Client, Kind};

/// Counts each seat's messages, and what happened to connections. Every message is answered to its seat with all of it.
#[derive(Default)]
struct Counting<const HOLD_MS: u32> {
    counts: [u8; 8],
    lost: u8,
    back: u8,
}

impl<const HOLD_MS: u32> Game for Counting<HOLD_MS> {
    fn init(_: Setup<'_>) -> Result<(Self, Settings), InitError> {
        let settings = Settings {
            tick_rate_hz: 60,
            seats_max: 8,
            seat_hold_ms: HOLD_MS,
            empty_ms: 0,
            ..Settings::default()
        };
        Ok((Self::default(), settings))
    }

    /// Whoever pushes gets the first seat.
    fn join_attempt(
        &mut self,
        room: &mut Room<'_>,
        _: &Person,
        metadata: &Metadata,
    ) -> Result<(), Refusal> {
        if metadata.contains_key("push") {
            room.kick(SeatIndex(0), "pushed away");
        }
        Ok(())
    }

    fn join(&mut self, _: &mut Room<'_>, seat: SeatIndex) {
        self.counts[usize::from(seat.0)] = 0;
    }

    fn leave(&mut self, _: &mut Room<'_>, _: SeatIndex, _: LeaveReason) {}

    fn connection_lost(&mut self, _: &mut Room<'_>, _: SeatIndex) {
        self.lost += 1;
    }

    fn connection_back(&mut self, _: &mut Room<'_>, _: SeatIndex) {
        self.back += 1;
    }

    fn tick(&mut self, room: &mut Room<'_>, inputs: &[Input]) {
        for input in inputs {
            let Input::Message(message) = input else {
                continue;
            };
            let count = &mut self.counts[usize::from(message.seat.0)];
            *count = count.wrapping_add(1);
            let seat = u8::try_from(message.seat.0).unwrap();
            let answer = vec![seat, *count, self.lost, self.back];
            room.send(To::One(message.seat), 1, answer);
        }
    }

    fn snapshot(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.counts);
        out.extend_from_slice(&[self.lost, self.back]);
    }

    fn restore(_: u32, _: &[u8]) -> Result<Self, RestoreError> {
        Err(RestoreError::new("this test restores nothing"))
    }
}

/// What the game answered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Told {
    seat: u8,
    count: u8,
    lost: u8,
    back: u8,
}

fn start(data: &Path) -> Server {
    Server::own(data, |server| {
        server
            .game::<Counting<60_000>>("patient")
            .game::<Counting<300>>("hasty")
            .room("patient", "patient")
            .room("hasty", "hasty")
    })
}

/// A player in one of the rooms.
struct Player {
    client: Client,
    joined: Match,
}

impl Player {
    fn join(server: &Server, kind: Kind, device: &str, room: &str) -> Self {
        let mut client = Client::open(server, kind, &server.token(device));
        client.join(room);
        let answer = client.envelope();
        let Some(Message::Match(joined)) = answer.message else {
            panic!("{answer:?} in place of the join's answer");
        };
        Self { client, joined }
    }

    /// Joins as somebody new, which the newcomer hears of too.
    fn new(server: &Server, kind: Kind, device: &str, room: &str) -> Self {
        let mut player = Self::join(server, kind, device, room);
        let event = player.event();
        assert_eq!(event.joins.len(), 1);
        assert_eq!(event.joins[0].session_id, player.session_id());
        player
    }

    fn session_id(&self) -> String {
        self.joined.self_.as_ref().unwrap().session_id.clone()
    }

    fn send(&mut self) {
        let send = MatchDataSend {
            match_id: self.joined.match_id.clone(),
            op_code: 1,
            ..Default::default()
        };
        self.client.ask("", Message::MatchDataSend(send));
    }

    /// Asks the game, through the room; nothing else may have come before the answer.
    fn ask(&mut self) -> Told {
        self.send();
        match self.client.envelope().message {
            Some(Message::MatchData(answer)) => {
                let [seat, count, lost, back] = answer.data[..] else {
                    panic!("{answer:?}");
                };
                Told {
                    seat,
                    count,
                    lost,
                    back,
                }
            }
            other => panic!("{other:?} in place of the game's answer"),
        }
    }

    /// The next message, which is about who came and went.
    fn event(&mut self) -> MatchPresenceEvent {
        match self.client.envelope().message {
            Some(Message::MatchPresenceEvent(event)) => event,
            other => panic!("{other:?} in place of a presence event"),
        }
    }
}

#[test]
fn a_lost_connection_comes_back_and_nobody_saw_it_go() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path());
    let mut other = Player::new(&server, Kind::Json, "device-watching", "patient");
    let kinds = [Kind::Tcp, Kind::Protobuf, Kind::Json];
    let mut lost = Player::new(&server, kinds[0], "device-resuming", "patient");
    let session_id = lost.session_id();
    assert_eq!(other.event().joins[0].session_id, session_id);
    let before = lost.ask();
    assert_ne!(other.ask().seat, before.seat);

    for (turn, kind) in (1..).zip(kinds) {
        drop(lost);
        let since = Instant::now();
        while other.ask().lost < turn {
            assert!(since.elapsed() < PATIENCE, "the loss was never noticed");
        }
        lost = Player::join(&server, kind, "device-resuming", "patient");
        assert_eq!(lost.session_id(), session_id);
        assert_eq!((lost.joined.size, lost.joined.presences.len()), (2, 1));
        let expected = Told {
            seat: before.seat,
            count: before.count + turn,
            lost: turn,
            back: turn,
        };
        // Its answer came with nothing before it, and so does the other's.
        assert_eq!(lost.ask(), expected);
        assert_eq!(other.ask().back, turn);
    }
}

#[test]
fn a_seat_that_nobody_comes_back_to_is_freed() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path());
    let mut other = Player::new(&server, Kind::Protobuf, "device-watching", "hasty");
    let mut lost = Player::new(&server, Kind::Json, "device-too-late", "hasty");
    let session_id = lost.session_id();
    assert_eq!(other.event().joins[0].session_id, session_id);
    assert_eq!(lost.ask().count, 1);
    drop(lost);

    let gone = other.event();
    assert!(gone.joins.is_empty());
    assert_eq!(gone.leaves.len(), 1);
    assert_eq!(gone.leaves[0].session_id, session_id);
    let told = other.ask();
    assert_eq!((told.lost, told.back), (1, 0));

    // Who comes later is new, to the game and to the others.
    let mut late = Player::new(&server, Kind::Json, "device-too-late", "hasty");
    assert_ne!(late.session_id(), session_id);
    assert_eq!(other.event().joins[0].session_id, late.session_id());
    let told = late.ask();
    assert_eq!((told.count, told.back), (1, 0));
}

#[test]
fn two_connections_of_one_player_never_share_a_seat() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path());
    let mut other = Player::new(&server, Kind::Json, "device-watching", "patient");
    let mut earlier = Player::new(&server, Kind::Json, "device-at-two-desks", "patient");
    let session_id = earlier.session_id();
    assert_eq!(other.event().joins[0].session_id, session_id);
    let before = earlier.ask();

    let mut later = Player::join(&server, Kind::Tcp, "device-at-two-desks", "patient");
    assert_eq!((later.joined.size, later.session_id()), (2, session_id));
    // The earlier one is told that its seat is gone, and has none.
    let gone = earlier.event();
    assert!(gone.joins.is_empty());
    assert_eq!(gone.leaves[0].session_id, later.session_id());
    earlier.send();
    let answer = earlier.client.envelope();
    assert!(
        matches!(&answer.message, Some(Message::Error(error)) if error.code == 4),
        "{answer:?}"
    );
    let match_id = earlier.joined.match_id.clone();
    let leave = Message::MatchLeave(MatchLeave { match_id });
    earlier.client.ask("leave", leave);
    assert_eq!(earlier.client.envelope().cid, "leave");
    earlier.client.ping();
    drop(earlier);

    let told = later.ask();
    assert_eq!((told.seat, told.count), (before.seat, before.count + 1));
    assert_eq!((told.lost, told.back), (0, 1));
    // Nobody else saw any of it.
    assert_eq!(other.ask().back, 1);
}

#[test]
fn a_newcomer_may_push_somebody_off_a_seat() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path());
    let mut first = Player::new(&server, Kind::Json, "device-of-the-first", "patient");
    let mut other = Player::new(&server, Kind::Tcp, "device-watching", "patient");
    assert_eq!(first.event().joins[0].session_id, other.session_id());

    let mut client = Client::open(&server, Kind::Protobuf, &server.token("device-pushing"));
    let join = MatchJoin {
        id: Some(match_join::Id::MatchId("patient".to_owned())),
        metadata: [("push".to_owned(), String::new())].into(),
    };
    client.ask("join", Message::MatchJoin(join));
    let Some(Message::Match(joined)) = client.envelope().message else {
        panic!("no answer to the join");
    };
    let mut pushing = Player { client, joined };
    let present: Vec<&str> = pushing
        .joined
        .presences
        .iter()
        .map(|one| &*one.session_id)
        .collect();
    assert_eq!(
        (pushing.joined.size, present),
        (2, vec![&*other.session_id()])
    );
    assert_ne!(pushing.session_id(), first.session_id());
    assert_eq!(pushing.event().joins[0].session_id, pushing.session_id());
    assert_eq!(pushing.ask().seat, 0);
    // The others see one go and one come, and the one who went is told.
    assert_eq!(other.event().leaves[0].session_id, first.session_id());
    assert_eq!(other.event().joins[0].session_id, pushing.session_id());
    assert_eq!(other.ask().seat, 1);
    assert_eq!(first.event().leaves[0].session_id, first.session_id());
    first.client.ping();
}
