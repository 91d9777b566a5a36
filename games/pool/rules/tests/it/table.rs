//! A room with people, as tests drive it.

use std::time::Duration;

use bytes::Bytes;
use tagus_base::{SeatIndex, SessionId, UserId, Uuid};
use tagus_physics::Shot;
use tagus_pool::{Command, Pool, Stroke, op};
use tagus_room::{Effect, Factory, Host, How, Job, LeaveReason, Metadata, Opening, Person, To};

use crate::decoder::{Told, Turn};

/// A room, its clock, and what it sent.
pub(crate) struct Table {
    pub(crate) host: Host,
    pub(crate) now: Duration,
    pub(crate) sent: Vec<(To, i64, Bytes)>,
    pub(crate) jobs: Vec<(u64, Job)>,
    /// Jobs stay where they are until [`Self::run_jobs`].
    pub(crate) is_slow: bool,
    pub(crate) period: Duration,
}

impl Table {
    pub(crate) fn open(params: &str, seed: u64) -> Self {
        let opening = Opening {
            seed,
            params: Bytes::copy_from_slice(params.as_bytes()),
            now: Duration::ZERO,
        };
        let host = Host::open(&Factory::of::<Pool>(), opening).unwrap();
        let rate = u64::from(host.settings().tick_rate_hz);
        Self {
            host,
            now: Duration::ZERO,
            sent: Vec::new(),
            jobs: Vec::new(),
            is_slow: false,
            period: Duration::from_micros(1_000_000 / rate + 1),
        }
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
        let person = Person {
            user_id: UserId(Uuid([number; 16])),
            session_id: SessionId(Uuid([connection; 16])),
            username: format!("person {number}").into(),
        };
        let mut out = Vec::new();
        let joined = self
            .host
            .join(self.now, person, Metadata::new(), &mut out)
            .unwrap();
        self.keep(out);
        (joined.seat, joined.how)
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

    /// Shoots and waits until the balls rest; the verdict's bytes.
    pub(crate) fn play(&mut self, seat: u16, stroke: Stroke) -> Told {
        let turn = self.turn();
        self.say(
            seat,
            Command::Shoot {
                game: turn.game,
                turn: turn.turn,
                stroke,
            },
        );
        self.tick();
        self.tick();
        let (_, verdict) = self.take(op::VERDICT).pop().unwrap();
        let told = Told::decode(&verdict);
        self.wait(u64::from(told.rest_ms));
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
            || Turn::of_table(tables.last().unwrap()),
            |bytes| Told::decode(&bytes).turn,
        );
        self.sent.retain(|(_, sent, _)| *sent != op::PEOPLE);
        turn
    }

    fn keep(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Send { to, op, data, .. } => self.sent.push((to, op, data)),
                Effect::Compute { token, job } => self.jobs.push((token, job)),
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

    /// Reasons that this seat was told, of messages of this op.
    pub(crate) fn refusals(&mut self, seat: u16) -> Vec<(u8, u8)> {
        let told = self.take_for(seat, op::REFUSED);
        told.iter().map(|bytes| (bytes[0], bytes[1])).collect()
    }
}

/// A straight shot of the eight-foot table.
pub(crate) fn straight(power: u16) -> Stroke {
    Stroke {
        shot: Shot {
            table: 2,
            power,
            ..Shot::default()
        },
        ..Stroke::default()
    }
}
