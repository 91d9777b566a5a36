//! A room with people, as tests of every sport drive it, and what a client reads out of its messages, written from the
//! protocol alone.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tagus_base::{SeatIndex, SessionId, UserId, Uuid};
use tagus_duel::{Command, Duel, Sport, Stroke, op};
use tagus_physics::{State, Table as Physics};
use tagus_room::{
    CallResult, Effect, Factory, Host, How, Job, LeaveReason, Metadata, Opening, Person, To,
};

/// A room, its clock, and what it sent.
pub(crate) struct Table<S> {
    pub(crate) host: Host,
    pub(crate) now: Duration,
    pub(crate) sent: Vec<(To, i64, Bytes)>,
    pub(crate) jobs: Vec<(u64, Job)>,
    /// Calls of server code that wait for an answer.
    pub(crate) calls: Vec<(u64, String, Bytes)>,
    /// Jobs and calls stay where they are until [`Self::run_jobs`] and [`Self::answer`].
    pub(crate) is_slow: bool,
    pub(crate) is_closed: bool,
    pub(crate) period: Duration,
    sport: PhantomData<S>,
}

impl<S: Sport> Table<S> {
    pub(crate) fn open(params: &str, seed: u64) -> Self {
        let opening = Opening {
            seed,
            params: Bytes::copy_from_slice(params.as_bytes()),
            now: Duration::ZERO,
        };
        let host = Host::open(&Factory::of::<Duel<S>>(), opening).unwrap();
        let rate = u64::from(host.settings().tick_rate_hz);
        Self {
            host,
            now: Duration::ZERO,
            sent: Vec::new(),
            jobs: Vec::new(),
            calls: Vec::new(),
            is_slow: false,
            is_closed: false,
            period: Duration::from_micros(1_000_000 / rate + 1),
            sport: PhantomData,
        }
    }

    /// Do these parameters make a room?
    pub(crate) fn opens(params: &str) -> bool {
        let opening = Opening {
            params: Bytes::copy_from_slice(params.as_bytes()),
            ..Opening::default()
        };
        Host::open(&Factory::of::<Duel<S>>(), opening).is_ok()
    }

    /// A table at which two people have sat down and the first turn has begun.
    pub(crate) fn of_two(params: &str, seed: u64) -> Self {
        let mut table = Self::open(params, seed);
        assert_eq!(table.join(1), (SeatIndex(0), How::New));
        assert_eq!(table.join(2), (SeatIndex(1), How::New));
        table.wait(2_100);
        table
    }

    pub(crate) fn join(&mut self, number: u8) -> (SeatIndex, How) {
        self.join_as(number, number)
    }

    /// The account of this number, with another connection.
    pub(crate) fn join_as(&mut self, number: u8, connection: u8) -> (SeatIndex, How) {
        self.try_to_join(number, connection).unwrap()
    }

    /// The same; none where it is refused.
    pub(crate) fn try_to_join(&mut self, number: u8, connection: u8) -> Option<(SeatIndex, How)> {
        let person = Person {
            user_id: user(number),
            session_id: SessionId(Uuid([connection; 16])),
            username: format!("person {number}").into(),
        };
        let mut out = Vec::new();
        let joined = self.host.join(self.now, person, Metadata::new(), &mut out);
        self.keep(out);
        let joined = joined.ok()?;
        Some((joined.seat, joined.how))
    }

    pub(crate) fn leave(&mut self, seat: u16) {
        let mut out = Vec::new();
        self.host
            .leave(self.now, SeatIndex(seat), LeaveReason::Left, &mut out);
        self.keep(out);
    }

    pub(crate) fn lose_connection(&mut self, seat: u16) {
        let mut out = Vec::new();
        self.host
            .connection_lost(self.now, SeatIndex(seat), &mut out);
        self.keep(out);
    }

    pub(crate) fn say(&mut self, seat: u16, command: Command<'_>) {
        let mut data = Vec::new();
        let op = command.encode(&mut data);
        self.say_bytes(seat, op, data);
    }

    pub(crate) fn say_bytes(&mut self, seat: u16, op: i64, data: Vec<u8>) {
        self.host.message(SeatIndex(seat), op, data.into()).unwrap();
    }

    pub(crate) fn tick(&mut self) {
        self.now += self.period;
        let mut out = Vec::new();
        self.host.tick(self.now, &mut out);
        self.keep(out);
        if !self.is_slow {
            self.run_jobs();
            self.answer(&Ok(Bytes::new()));
        }
    }

    /// Ticks for so many milliseconds.
    pub(crate) fn wait(&mut self, time_ms: u64) {
        let until = self.now + Duration::from_millis(time_ms);
        while self.now < until {
            self.tick();
        }
    }

    pub(crate) fn run_jobs(&mut self) {
        for (token, job) in std::mem::take(&mut self.jobs) {
            self.host.computed(token, job.run());
        }
    }

    /// Answers every call that waits.
    pub(crate) fn answer(&mut self, result: &CallResult) {
        for (token, ..) in std::mem::take(&mut self.calls) {
            self.host.called(self.now, token, result.clone());
        }
    }

    /// Shoots and waits until the bodies rest; the verdict.
    pub(crate) fn play(&mut self, seat: u16, stroke: Stroke) -> Told {
        let (game, turn) = (self.turn().game, self.turn().turn);
        self.say(seat, Command::Shoot { game, turn, stroke });
        self.tick();
        self.tick();
        self.tick();
        let (_, verdict) = self.take(op::VERDICT).pop().unwrap();
        let told = Self::told_of(&verdict);
        self.wait(u64::from(told.turn.wait_ms));
        told
    }

    /// The game as a newcomer would be told it.
    pub(crate) fn turn(&mut self) -> Turn {
        let (seat, _) = self.join(99);
        let tables: Vec<_> = self.take_for(seat.0, op::TABLE);
        let verdict = self.take_for(seat.0, op::VERDICT).pop();
        self.take_for(seat.0, op::SHOT);
        self.leave(seat.0);
        let turn = verdict.map_or_else(
            || Self::turn_of(tables.last().unwrap()),
            |bytes| Self::told_of(&bytes).turn,
        );
        self.sent.retain(|(_, sent, _)| *sent != op::PEOPLE);
        turn
    }

    /// A room that is restored from what this one is goes on as this one does, tick by tick, when the same happens to
    /// both; from less than all of it no room is restored.
    pub(crate) fn check_restoring(&mut self, happen: impl Fn(&mut Host, Duration), ticks: usize) {
        let bytes = self.host.snapshot();
        let factory = Factory::of::<Duel<S>>();
        let mut other = Host::restore(&factory, &bytes, self.now).unwrap();
        assert_eq!(other.state_hash(), self.host.state_hash());
        for host in [&mut self.host, &mut other] {
            happen(host, self.now);
        }
        for _ in 0..ticks {
            self.now += self.period;
            let (mut one, mut two) = (Vec::new(), Vec::new());
            self.host.tick(self.now, &mut one);
            other.tick(self.now, &mut two);
            assert_eq!(format!("{one:?}"), format!("{two:?}"));
            assert_eq!(other.state_hash(), self.host.state_hash());
        }
        for length in 0..bytes.len() {
            assert!(Host::restore(&factory, &bytes[..length], self.now).is_err());
        }
    }

    /// Reads op 16.
    pub(crate) fn turn_of(bytes: &[u8]) -> Turn {
        let physics = Self::physics();
        assert_eq!(number(bytes, 4, 2), u64::from(physics.version));
        Turn::decode(&physics, &bytes[8..])
    }

    /// Reads op 18.
    pub(crate) fn told_of(bytes: &[u8]) -> Told {
        Told::decode(&Self::physics(), bytes)
    }

    /// The table that is played on when the parameters say nothing else.
    fn physics() -> Arc<Physics> {
        let variant = S::variant(serde_json::Map::new()).unwrap();
        S::table_of(variant).unwrap()
    }

    fn keep(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Send { to, op, data, .. } => self.sent.push((to, op, data)),
                Effect::Compute { token, job } => self.jobs.push((token, job)),
                Effect::Call { token, name, data } => self.calls.push((token, name, data)),
                Effect::Closed => self.is_closed = true,
                _ => (),
            }
        }
    }

    pub(crate) fn take(&mut self, op: i64) -> Vec<(To, Bytes)> {
        let all = std::mem::take(&mut self.sent);
        let (taken, kept): (Vec<_>, Vec<_>) = all.into_iter().partition(|(_, sent, _)| *sent == op);
        self.sent = kept;
        taken.into_iter().map(|(to, _, data)| (to, data)).collect()
    }

    /// What this seat alone was sent.
    pub(crate) fn take_for(&mut self, seat: u16, op: i64) -> Vec<Bytes> {
        let all = std::mem::take(&mut self.sent);
        let is_own =
            |(to, sent, _): &(To, i64, Bytes)| *sent == op && *to == To::One(SeatIndex(seat));
        let (taken, kept): (Vec<_>, Vec<_>) = all.into_iter().partition(is_own);
        self.sent = kept;
        taken.into_iter().map(|(_, _, data)| data).collect()
    }

    /// Reasons that this seat was told, with the ops of its messages.
    pub(crate) fn refusals(&mut self, seat: u16) -> Vec<(u8, u8)> {
        let told = self.take_for(seat, op::REFUSED);
        told.iter().map(|bytes| (bytes[0], bytes[1])).collect()
    }
}

/// The account of a person.
pub(crate) fn user(number: u8) -> UserId {
    UserId(Uuid([number; 16]))
}

fn number(bytes: &[u8], at: usize, size: usize) -> u64 {
    let mut out = [0; 8];
    out[..size].copy_from_slice(&bytes[at..at + size]);
    u64::from_le_bytes(out)
}

/// The turn's block and the state after it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Turn {
    pub(crate) game: u16,
    pub(crate) turn: u16,
    pub(crate) phase: u8,
    pub(crate) player: u8,
    /// Bytes 6 to 9.
    pub(crate) own: [u8; 4],
    pub(crate) time_outs: [u8; 2],
    /// Bytes 12 and 13.
    pub(crate) rest: [u8; 2],
    pub(crate) winner: u8,
    pub(crate) how: u8,
    pub(crate) wait_ms: u32,
    pub(crate) left_ms: u32,
    pub(crate) state: State,
}

impl Turn {
    fn decode(table: &Physics, bytes: &[u8]) -> Self {
        Self {
            game: number(bytes, 0, 2) as u16,
            turn: number(bytes, 2, 2) as u16,
            phase: bytes[4],
            player: bytes[5],
            own: [bytes[6], bytes[7], bytes[8], bytes[9]],
            time_outs: [bytes[10], bytes[11]],
            rest: [bytes[12], bytes[13]],
            winner: bytes[14],
            how: bytes[15],
            wait_ms: number(bytes, 16, 4) as u32,
            left_ms: number(bytes, 20, 4) as u32,
            state: State::decode(table, &bytes[24..]).unwrap(),
        }
    }
}

/// Op 18.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Told {
    pub(crate) game: u16,
    pub(crate) of_turn: u16,
    pub(crate) hash: u64,
    pub(crate) rest_ms: u32,
    pub(crate) ruling: u8,
    pub(crate) pocketed: Vec<(u8, u8)>,
    pub(crate) turn: Turn,
}

impl Told {
    fn decode(table: &Physics, bytes: &[u8]) -> Self {
        let count = usize::from(bytes[17]);
        let pairs = bytes[18..18 + 2 * count].chunks(2);
        Self {
            game: number(bytes, 0, 2) as u16,
            of_turn: number(bytes, 2, 2) as u16,
            hash: number(bytes, 4, 8),
            rest_ms: number(bytes, 12, 4) as u32,
            ruling: bytes[16],
            pocketed: pairs.map(|pair| (pair[0], pair[1])).collect(),
            turn: Turn::decode(table, &bytes[18 + 2 * count..]),
        }
    }
}

/// Op 20: who watches, who wants to play again, and each chair's kind and name.
pub(crate) fn people(bytes: &[u8]) -> (u16, u8, [(u8, String); 2]) {
    let mut rest = &bytes[3..];
    let chairs = [(); 2].map(|()| {
        let (kind, length) = (rest[0], usize::from(rest[1]));
        let name = String::from_utf8(rest[2..2 + length].to_vec()).unwrap();
        rest = &rest[2 + length..];
        (kind, name)
    });
    assert!(rest.is_empty());
    (number(bytes, 0, 2) as u16, bytes[2], chairs)
}
