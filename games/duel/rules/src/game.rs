//! A game of two as a game of a room: chairs, messages, and who may begin what.

use std::sync::Arc;

use bytes::Bytes;
use tagus_base::{SeatIndex, Uuid};
use tagus_physics::Table;
use tagus_room::{
    Game, InitError, Input, LeaveReason, Message, Metadata, Person, Refusal, RestoreError, Room,
    Settings, Setup,
};

use crate::config::{Config, Opponent};
use crate::course::{Chair, Course, Turn, Variant};
use crate::keep::{Ending, Held};
use crate::messages::{Aim, Command, LAST_SHOT};
use crate::people::{Chairs, Sitter, Who};
use crate::reason::Reason;
use crate::running::{DIFFERS, DIFFERS_TOLD_MAX, Report, Running, Thought};
use crate::sport::Sport;
use crate::stroke::NONE;

/// A game of this sport in a room. Its parameters are a [`Config`] as JSON.
#[derive(Debug)]
pub struct Duel<S> {
    pub(crate) config: Config,
    pub(crate) variant: Variant,
    pub(crate) table: Arc<Table>,
    pub(crate) chairs: Chairs,
    /// Number of the game, from 0.
    pub(crate) game: u16,
    /// Names the game for ever.
    pub(crate) id: Uuid,
    /// None until the first begins, and when who practised has left.
    pub(crate) frame: Option<S>,
    /// Who had the first turn.
    pub(crate) first: Chair,
    /// What the record needs, in games of two.
    pub(crate) turns: Vec<Turn>,
    pub(crate) hash: u64,
    /// What the last turn was.
    pub(crate) last: u8,
    /// When the present turn begins: the bodies rest then.
    pub(crate) turn_from_ms: u64,
    /// Time of the present turn; none: no limit.
    pub(crate) limit_ms: Option<u64>,
    pub(crate) running: Option<Running<S>>,
    pub(crate) thought: Option<Thought>,
    /// The token of the next job or call.
    pub(crate) token: u64,
    /// The job that plays a kept game again.
    pub(crate) loading: Option<u64>,
    /// The turn of a kept game that is being saved.
    pub(crate) held: Option<Held<S>>,
    /// Ends that are being told.
    pub(crate) endings: Vec<Ending>,
    /// What waits to be relayed, and when the last one was.
    pub(crate) aim: Option<(Chair, Aim)>,
    pub(crate) aimed_ms: u64,
    /// Somebody has chosen, and it is to be told.
    pub(crate) has_chosen: bool,
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
/// Who waits for an answer gets it at once, and not with the next tick: an aim, the shot after it, and what came of it
/// take a tick each.
const AHEAD_TICKS: u8 = 3;

impl<S: Sport> Game for Duel<S> {
    const SNAPSHOT_VERSION: u32 = 2;

    fn init(setup: Setup<'_>) -> Result<(Self, Settings), InitError> {
        let (config, variant) =
            Config::parse::<S>(setup.params).map_err(|error| InitError::new(error.to_string()))?;
        let (key, value) = S::label(variant);
        let label = serde_json::json!({
            "game": S::GAME,
            key: value,
            "opponent": config.opponent,
        });
        let settings = Settings {
            tick_rate_hz: config.tick_rate_hz as u8,
            ahead_ticks: AHEAD_TICKS,
            seats_max: 2 + config.watching_max as u16,
            seat_hold_ms: SEAT_HOLD_MS,
            empty_ms: config.empty_ms,
            recording_bytes_max: config.recording_kib * 1_024,
            label: label.to_string(),
            ..Settings::default()
        };
        let game = Self::new(config, variant);
        let game = game.ok_or_else(|| InitError::new("there is no such table"))?;
        Ok((game, settings))
    }

    /// In a kept game those who watch leave room for those whose game it is.
    fn join_attempt(
        &mut self,
        room: &mut Room<'_>,
        person: &Person,
        _metadata: &Metadata,
    ) -> Result<(), Refusal> {
        let watching = room
            .seats()
            .filter(|(seat, _)| self.chairs.of_seat(*seat).is_none());
        let is_full = watching.count() >= self.config.watching_max as usize;
        let is_player = self.chairs.of_user(person.user_id).is_some();
        if self.config.kept.is_some() && is_full && !is_player {
            return Err(Refusal::new("as many watch as may"));
        }
        Ok(())
    }

    fn join(&mut self, room: &mut Room<'_>, seat: SeatIndex) {
        let may_sit = !self.is_playing() || self.config.kept.is_some();
        let begins = may_sit && self.sit(room, seat);
        self.tell_people(room, None);
        if begins && self.can_begin() {
            self.begin(room);
        } else {
            self.tell_all(room, seat);
        }
    }

    fn leave(&mut self, room: &mut Room<'_>, seat: SeatIndex, _reason: LeaveReason) {
        self.call_again(room, Some(seat));
        if let Some(chair) = self.chairs.of_seat(seat) {
            if self.config.kept.is_some() {
                self.chairs.get_up(chair);
                self.tell_people(room, Some(seat));
                return;
            }
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
                Input::Called { token, result } => self.called(room, *token, result),
                Input::Stored { .. } => (),
            }
        }
        self.load(room);
        self.call_again(room, None);
        self.keep_time(room);
        self.think(room);
        self.relay_aim(room);
        if std::mem::take(&mut self.has_chosen) {
            self.tell_choices(room);
        }
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

impl<S: Sport> Duel<S> {
    /// None: there is no such variant.
    fn new(config: Config, variant: Variant) -> Option<Self> {
        let mut duel = Self {
            table: S::table_of(variant)?,
            limit_ms: config.turn_ms(),
            variant,
            chairs: Chairs::default(),
            game: 0,
            id: Uuid::default(),
            frame: None,
            first: Chair::First,
            turns: Vec::new(),
            hash: 0,
            last: LAST_SHOT,
            turn_from_ms: 0,
            running: None,
            thought: None,
            token: 0,
            loading: None,
            held: None,
            endings: Vec::new(),
            aim: None,
            aimed_ms: 0,
            has_chosen: false,
            refused_count: 0,
            differs_count: 0,
            report: None,
            record: None,
            config,
        };
        if duel.config.opponent == Opponent::Bot {
            let bot = Sitter::bot(duel.config.bot());
            duel.chairs.put(Chair::Second, Some(bot));
        }
        if let Some(kept) = duel.config.kept.clone() {
            duel.seat_both(&kept);
        }
        Some(duel)
    }

    /// The present game, to look at; none before the first.
    #[must_use]
    pub const fn frame(&self) -> Option<&S> {
        self.frame.as_ref()
    }

    pub(crate) fn is_playing(&self) -> bool {
        self.frame
            .as_ref()
            .is_some_and(|frame| frame.course().end.is_none())
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
            } => self.hear_report(
                room,
                Report {
                    chair: chair.map_or(NONE, |chair| chair as u8),
                    game,
                    turn,
                    hash,
                    trace: trace.to_vec(),
                },
            ),
            Command::Rerack { game, turn } => {
                self.check_turn(room, player?, game, turn)?;
                self.rerack(room)
            }
            Command::Choose { game, choice } => self.choose(room, player?, game, choice),
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
        self.must_be_settled()?;
        self.end_by(room, Turn::Concede(chair));
        Ok(())
    }

    /// The person takes a free chair; false: there is none, or they are reserved for others.
    fn sit(&mut self, room: &Room<'_>, seat: SeatIndex) -> bool {
        if self.config.kept.is_some() {
            // The chairs are theirs already, wherever they are.
            let user = room.seat(seat).map(|taken| taken.person.user_id);
            let own = user.and_then(|user| self.chairs.of_user(user));
            own.inspect(|chair| self.chairs.sit_down(*chair, seat));
            return own.is_some();
        }
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
        let sitter = Sitter::person(Some(seat), person.user_id, &person.username);
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

    /// A kept game begins by being loaded.
    fn can_begin(&self) -> bool {
        if self.config.kept.is_some() {
            return false;
        }
        let is_taken = |chair| self.chairs.get(chair).is_some();
        is_taken(Chair::First)
            && (is_taken(Chair::Second) || self.config.opponent == Opponent::Nobody)
    }

    /// Begins a game. The first turn of the first is by lot, and from then on the other has it.
    fn begin(&mut self, room: &mut Room<'_>) {
        let is_alone = self.config.opponent == Opponent::Nobody;
        if self.id == Uuid::default() {
            let is_second = !is_alone && room.rng().below(2) == 1;
            self.first = Chair::BOTH[usize::from(is_second)];
        } else {
            self.game = self.game.wrapping_add(1);
            if !is_alone {
                self.first = self.first.other();
            }
        }
        let mut id = [0; 16];
        for part in id.chunks_exact_mut(8) {
            part.copy_from_slice(&room.rng().next_u64().to_le_bytes());
        }
        self.id = Uuid::from_random(id);
        let (table, seed) = (Arc::clone(&self.table), room.rng().next_u64());
        let course = Course::new(table, self.variant.rules, seed, self.first);
        let mut frame = S::begin(Course { is_alone, ..course });
        self.turns.clear();
        self.hash = 0;
        // What was chosen before counts on; 0 is what a game begins with.
        for (chair, choice) in Chair::BOTH.into_iter().zip(self.chairs.choices()) {
            let turn = Turn::Choice {
                chair,
                choice,
                is_at_once: true,
            };
            if choice > 0 && frame.apply(turn).is_ok() {
                self.turns.push(turn);
            }
        }
        for sitter in self.chairs.0.iter_mut().flatten() {
            sitter.wants_more = matches!(sitter.who, Who::Bot(_));
        }
        self.start(room, frame);
        self.tell_people(room, None);
        self.tell_table(room);
    }

    /// This is the game from now on.
    pub(crate) fn start(&mut self, room: &Room<'_>, frame: S) {
        let is_first = frame.course().turn == 0;
        self.frame = Some(frame);
        self.last = LAST_SHOT;
        (self.running, self.thought, self.aim) = (None, None, None);
        self.turn_from_ms = room.elapsed_ms() + if is_first { START_MS } else { 0 };
        self.limit_ms = self.config.turn_ms();
    }

    fn hear_rematch(&mut self, room: &mut Room<'_>, chair: Chair, game: u16) -> Result<(), Reason> {
        if game != self.game {
            return Err(Reason::OtherGame);
        }
        if self.frame.is_none() || self.is_playing() {
            return Err(Reason::Phase);
        }
        if self.config.kept.is_some() {
            return Err(Reason::NotAllowed);
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

    /// Server code is told of the first ones, the last is kept, and all are counted. Nothing else follows from it.
    fn hear_report(&mut self, room: &mut Room<'_>, report: Report) -> Result<(), Reason> {
        let same = |kept: &Report| {
            (kept.chair, kept.game, kept.turn) == (report.chair, report.game, report.turn)
        };
        if report.game != self.game {
            return Err(Reason::OtherGame);
        }
        let frame = self.frame.as_ref().ok_or(Reason::Phase)?;
        if report.turn.wrapping_sub(frame.course().turn).cast_signed() >= 0 {
            return Err(Reason::NotYet);
        }
        if self.report.as_ref().is_some_and(same) {
            return Err(Reason::TooOften);
        }
        self.differs_count += 1;
        if self.differs_count <= DIFFERS_TOLD_MAX {
            // Were it refused, it would be counted all the same.
            let _refused = room.call(self.token, DIFFERS, report.to_json(self.id));
            self.token += 1;
        }
        self.report = Some(report);
        Ok(())
    }
}
