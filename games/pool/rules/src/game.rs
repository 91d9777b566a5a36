//! Pool as a game of a room: chairs, turns and their time, jobs, and who is told what.

use std::sync::Arc;

use bytes::Bytes;
use tagus_base::{SeatIndex, Uuid};
use tagus_physics::Table;
use tagus_room::{
    Game, InitError, Input, LeaveReason, Message, RestoreError, Room, Settings, Setup, To,
};

use crate::config::{Config, Opponent};
use crate::frame::{Chair, Frame, Turn};
use crate::messages::{Aim, Command, op};
use crate::people::{Chairs, Sitter, Who};
use crate::reason::Reason;
use crate::running::{Report, Running, Thought};
use crate::stroke::NONE;

/// The game. Its parameters are a [`Config`] as JSON.
#[derive(Debug)]
pub struct Pool {
    pub(crate) config: Config,
    pub(crate) table: Arc<Table>,
    pub(crate) chairs: Chairs,
    /// Number of the game, from 0.
    pub(crate) game: u16,
    /// Names the game for ever.
    pub(crate) id: Uuid,
    /// None until the first begins, and when who practised has left.
    pub(crate) frame: Option<Frame>,
    pub(crate) breaker: Chair,
    /// What the record needs, in games of two.
    pub(crate) turns: Vec<Turn>,
    pub(crate) hash: u64,
    /// What the last turn was: 0 none or a shot, 1 a time-out, 2 a rerack.
    pub(crate) last: u8,
    /// When the present turn begins: the balls rest then.
    pub(crate) turn_from_ms: u64,
    pub(crate) running: Option<Running>,
    pub(crate) thought: Option<Thought>,
    /// The token of the next job.
    pub(crate) token: u64,
    /// What waits to be relayed, and when the last one was.
    pub(crate) aim: Option<(Chair, Aim)>,
    pub(crate) aimed_ms: u64,
    /// Messages refused, and shots that clients claim to have ended otherwise.
    pub(crate) refused_count: u64,
    pub(crate) differs_count: u64,
    pub(crate) report: Option<Report>,
    /// The last finished game of two players, as a record.
    pub(crate) record: Option<Bytes>,
}

/// Answers to one seat in one tick at most; what is refused beyond them is counted only.
const REFUSED_PER_TICK_MAX: usize = 4;
/// Time before the first turn of a game, in milliseconds.
const START_MS: u64 = 2_000;
/// Time for which a seat is held, in milliseconds.
const SEAT_HOLD_MS: u32 = 60_000;

impl Game for Pool {
    fn init(setup: Setup<'_>) -> Result<(Self, Settings), InitError> {
        let config =
            Config::parse(setup.params).map_err(|error| InitError::new(error.to_string()))?;
        let label = serde_json::json!({
            "game": "pool",
            "rules": config.rules,
            "opponent": config.opponent,
        });
        let settings = Settings {
            tick_rate_hz: config.tick_rate_hz as u8,
            seats_max: 2 + config.watching_max as u16,
            seat_hold_ms: SEAT_HOLD_MS,
            empty_ms: config.empty_ms,
            recording_bytes_max: config.recording_kib * 1_024,
            label: label.to_string(),
            ..Settings::default()
        };
        Ok((Self::new(config), settings))
    }

    fn join(&mut self, room: &mut Room<'_>, seat: SeatIndex) {
        let begins = !self.is_playing() && self.sit(room, seat);
        self.tell_people(room, None);
        if begins && self.can_begin() {
            self.begin(room);
        } else {
            self.tell_all(room, seat);
        }
    }

    fn leave(&mut self, room: &mut Room<'_>, seat: SeatIndex, _reason: LeaveReason) {
        if let Some(chair) = self.chairs.of_seat(seat) {
            if self.config.opponent == Opponent::Nobody {
                self.frame = None;
                self.running = None;
            } else if self.is_playing() {
                self.end_by(room, Turn::Leave(chair));
            }
            self.chairs.put(chair, None);
        }
        self.tell_people(room, Some(seat));
    }

    fn connection_lost(&mut self, room: &mut Room<'_>, seat: SeatIndex) {
        if self.chairs.of_seat(seat).is_some() {
            self.tell_people(room, None);
        }
    }

    fn connection_back(&mut self, room: &mut Room<'_>, seat: SeatIndex) {
        self.tell_people(room, None);
        self.tell_all(room, seat);
    }

    fn tick(&mut self, room: &mut Room<'_>, inputs: &[Input]) {
        let mut refused: Vec<SeatIndex> = Vec::new();
        for input in inputs {
            match input {
                Input::Message(message) => {
                    if let Err(reason) = self.hear(room, message) {
                        self.refused_count += 1;
                        let seat = message.seat;
                        let told = refused.iter().filter(|other| **other == seat).count();
                        if told < REFUSED_PER_TICK_MAX {
                            self.tell_refused(room, seat, message.op, reason);
                            refused.push(seat);
                        }
                    }
                }
                Input::Computed { token, data } => self.computed(room, *token, data),
                Input::Stored { .. } => (),
            }
        }
        self.keep_time(room);
        self.think(room);
        self.relay_aim(room);
    }

    fn signal(&mut self, _room: &mut Room<'_>, data: &[u8]) -> Vec<u8> {
        match data {
            b"record" => self.record.clone().unwrap_or_default().to_vec(),
            b"counts" => self.counts().to_string().into_bytes(),
            _ => Vec::new(),
        }
    }

    fn snapshot(&self, out: &mut Vec<u8>) {
        self.write(out);
    }

    fn restore(version: u32, bytes: &[u8]) -> Result<Self, RestoreError> {
        let impossible = || RestoreError::new("the snapshot is of another version or damaged");
        if version != Self::SNAPSHOT_VERSION {
            return Err(impossible());
        }
        Self::read(bytes).ok_or_else(impossible)
    }
}

impl Pool {
    pub(crate) fn new(config: Config) -> Self {
        let mut chairs = Chairs::default();
        if config.opponent == Opponent::Bot {
            chairs.put(Chair::Second, Some(Sitter::bot(config.bot())));
        }
        Self {
            table: config.table(),
            chairs,
            game: 0,
            id: Uuid::default(),
            frame: None,
            breaker: Chair::First,
            turns: Vec::new(),
            hash: 0,
            last: 0,
            turn_from_ms: 0,
            running: None,
            thought: None,
            token: 0,
            aim: None,
            aimed_ms: 0,
            refused_count: 0,
            differs_count: 0,
            report: None,
            record: None,
            config,
        }
    }

    /// The present game, to look at; none before the first.
    #[must_use]
    pub const fn frame(&self) -> Option<&Frame> {
        self.frame.as_ref()
    }

    pub(crate) fn is_playing(&self) -> bool {
        self.frame
            .as_ref()
            .is_some_and(|frame| frame.end().is_none())
    }

    /// What has been counted, and the last report of a client, for server code.
    fn counts(&self) -> serde_json::Value {
        let report = self.report.as_ref().map(|report| {
            serde_json::json!({
                "chair": report.chair,
                "game": report.game,
                "turn": report.turn,
                "hash": format!("{:016x}", report.hash),
                "trace_bytes": report.trace.len(),
            })
        });
        serde_json::json!({
            "refused": self.refused_count,
            "differs": self.differs_count,
            "report": report,
        })
    }

    fn hear(&mut self, room: &mut Room<'_>, message: &Message) -> Result<(), Reason> {
        let seat = message.seat;
        let chair = self.chairs.of_seat(seat);
        let player = chair.ok_or(Reason::Watching);
        match Command::decode(message.op, &message.data)? {
            Command::Shoot { game, turn, stroke } => {
                self.check_turn(room, player?, game, turn)?;
                self.shoot(room, player?, stroke)
            }
            Command::Aim(aim) => {
                self.check_turn(room, player?, aim.game, aim.turn)?;
                self.hear_aim(player?, aim)
            }
            Command::Differs {
                game,
                turn,
                hash,
                trace,
            } => self.hear_report(Report {
                chair: chair.map_or(NONE, |chair| chair as u8),
                game,
                turn,
                hash,
                trace: trace.to_vec(),
            }),
            Command::Rerack { game, turn } => {
                self.check_turn(room, player?, game, turn)?;
                self.rerack(room)
            }
            Command::Concede { game } => self.hear_concede(room, player?, game),
            Command::Rematch { game } => self.hear_rematch(room, player?, game),
            Command::Sit => self.hear_sit(room, seat),
        }
    }

    fn hear_concede(&mut self, room: &mut Room<'_>, chair: Chair, game: u16) -> Result<(), Reason> {
        self.check_game(game)?;
        if self.config.opponent == Opponent::Nobody {
            return Err(Reason::NotAllowed);
        }
        self.end_by(room, Turn::Concede(chair));
        Ok(())
    }

    /// The person takes a free chair; false: there is none, or they are reserved for others.
    fn sit(&mut self, room: &Room<'_>, seat: SeatIndex) -> bool {
        let (chairs, reserved): (&[Chair], _) = match self.config.opponent {
            Opponent::Person => (&Chair::BOTH, room.reserved()),
            Opponent::Nobody | Opponent::Bot => (&[Chair::First], 0),
        };
        let mut free = chairs
            .iter()
            .filter(|chair| self.chairs.get(**chair).is_none());
        // Whose reservation it was has used it up already.
        let is_kept = free.clone().count() <= usize::from(reserved);
        let (Some(chair), Some(taken), false) = (free.next(), room.seat(seat), is_kept) else {
            return false;
        };
        let person = &taken.person;
        let sitter = Sitter::person(seat, person.user_id, &person.username);
        self.chairs.put(*chair, Some(sitter));
        true
    }

    fn hear_sit(&mut self, room: &mut Room<'_>, seat: SeatIndex) -> Result<(), Reason> {
        if self.is_playing() {
            return Err(Reason::Phase);
        }
        if self.chairs.of_seat(seat).is_some() || !self.sit(room, seat) {
            return Err(Reason::NoChair);
        }
        self.tell_people(room, None);
        if self.can_begin() {
            self.begin(room);
        } else {
            self.tell_all(room, seat);
        }
        Ok(())
    }

    fn can_begin(&self) -> bool {
        let is_taken = |chair| self.chairs.get(chair).is_some();
        is_taken(Chair::First)
            && (is_taken(Chair::Second) || self.config.opponent == Opponent::Nobody)
    }

    /// Begins a game. The first break is by lot, and from then on the other breaks.
    fn begin(&mut self, room: &mut Room<'_>) {
        if self.id == Uuid::default() {
            let is_second = self.config.opponent != Opponent::Nobody && room.rng().below(2) == 1;
            self.breaker = Chair::BOTH[usize::from(is_second)];
        } else {
            self.game = self.game.wrapping_add(1);
            if self.config.opponent != Opponent::Nobody {
                self.breaker = self.breaker.other();
            }
        }
        let mut id = [0; 16];
        for part in id.chunks_exact_mut(8) {
            part.copy_from_slice(&room.rng().next_u64().to_le_bytes());
        }
        self.id = Uuid::from_random(id);
        let (table, seed) = (Arc::clone(&self.table), room.rng().next_u64());
        let rules = self.config.rules;
        self.frame = Some(if self.config.opponent == Opponent::Nobody {
            Frame::alone(table, rules, seed)
        } else {
            Frame::new(table, rules, seed, self.breaker)
        });
        for sitter in self.chairs.0.iter_mut().flatten() {
            sitter.wants_more = matches!(sitter.who, Who::Bot(_));
        }
        self.turns.clear();
        (self.hash, self.last) = (0, 0);
        (self.running, self.thought, self.aim) = (None, None, None);
        self.turn_from_ms = room.elapsed_ms() + START_MS;
        self.tell_people(room, None);
        self.tell_table(room);
    }

    fn hear_rematch(&mut self, room: &mut Room<'_>, chair: Chair, game: u16) -> Result<(), Reason> {
        if game != self.game {
            return Err(Reason::OtherGame);
        }
        if self.frame.is_none() || self.is_playing() {
            return Err(Reason::Phase);
        }
        if let Some(sitter) = &mut self.chairs.0[chair as usize] {
            sitter.wants_more = true;
        }
        let mut sitters = self.chairs.0.iter();
        if sitters.all(|sitter| sitter.as_ref().is_some_and(|sitter| sitter.wants_more)) {
            self.begin(room);
        } else {
            self.tell_people(room, None);
        }
        Ok(())
    }

    /// Kept for whoever looks into it: the last one, and how many there were. Nothing follows from it.
    fn hear_report(&mut self, report: Report) -> Result<(), Reason> {
        let same = |kept: &Report| {
            (kept.chair, kept.game, kept.turn) == (report.chair, report.game, report.turn)
        };
        if report.game != self.game {
            return Err(Reason::OtherGame);
        }
        let frame = self.frame.as_ref().ok_or(Reason::Phase)?;
        if report.turn.wrapping_sub(frame.turn()).cast_signed() >= 0 {
            return Err(Reason::NotYet);
        }
        if self.report.as_ref().is_some_and(same) {
            return Err(Reason::TooOften);
        }
        self.differs_count += 1;
        self.report = Some(report);
        Ok(())
    }

    pub(crate) fn tell_refused(
        &self,
        room: &mut Room<'_>,
        seat: SeatIndex,
        message: i64,
        reason: Reason,
    ) {
        let turn = self.frame.as_ref().map_or(0, Frame::turn);
        let mut bytes = vec![u8::try_from(message).unwrap_or_default(), reason as u8];
        bytes.extend_from_slice(&self.game.to_le_bytes());
        bytes.extend_from_slice(&turn.to_le_bytes());
        room.send(To::One(seat), op::REFUSED, bytes);
    }
}
