//! Turns in a room: whose they are and until when, shots and their jobs, and bots.

use std::sync::Arc;

use bytes::Bytes;
use tagus_room::{Class, Room, To};

use crate::codec::Reader;
use crate::config::Opponent;
use crate::course::{Chair, Course, Turn};
use crate::game::Duel;
use crate::messages::{Aim, LAST_TIME_OUT, last_of, op, shot_bytes, verdict_bytes};
use crate::reason::Reason;
use crate::record::Record;
use crate::replay::mix;
use crate::running::{Running, Thought};
use crate::sport::Sport;
use crate::stroke::{Played, Stroke, Verdict};

/// So much earlier than the bodies rest a turn may be played, in milliseconds: the room's time may have been some ticks
/// ahead when it told the player, and the player's own picture of it may be ahead.
const EARLY_MS: u64 = 400;
/// So much later than the time ran out a turn may be played, for what was under way, in milliseconds.
const GRACE_MS: u64 = 1_000;
/// Between two aims that are relayed, in milliseconds.
const AIM_EVERY_MS: u64 = 100;
/// How long a bot aims, in milliseconds.
const BOT_AIMS_MS: u64 = 1_200;

impl<S: Sport> Duel<S> {
    /// Is it this game, and is it played?
    pub(crate) fn check_game(&self, game: u16) -> Result<&S, Reason> {
        if game != self.game {
            return Err(Reason::OtherGame);
        }
        let frame = self.frame.as_ref().ok_or(Reason::Phase)?;
        frame.must_be_played()?;
        Ok(frame)
    }

    /// Is it this chair's turn, and this one, and now?
    pub(crate) fn check_turn(
        &self,
        room: &Room<'_>,
        chair: Chair,
        game: u16,
        turn: u16,
    ) -> Result<(), Reason> {
        let course = self.check_game(game)?.course();
        let ahead = turn.wrapping_sub(course.turn).cast_signed();
        // What is no shot is told when it is saved, and until then nobody can know of it.
        if ahead == 0 && self.held.is_some() && self.running.is_none() {
            return Err(Reason::Failed);
        }
        if ahead < 0 || ahead == 0 && self.is_undecided() {
            let is_late = ahead == -1 && self.last == LAST_TIME_OUT && chair != course.player;
            return Err(if is_late {
                Reason::TooLate
            } else {
                Reason::OldTurn
            });
        }
        if ahead > 0 {
            return Err(Reason::NotYet);
        }
        if chair != course.player {
            return Err(Reason::NotYourTurn);
        }
        if room.elapsed_ms() + EARLY_MS < self.turn_from_ms {
            return Err(Reason::TooEarly);
        }
        Ok(())
    }

    /// Has a shot been struck, and its job not ended? Or is a turn of a kept game not saved yet?
    fn is_undecided(&self) -> bool {
        let is_running = |running: &Running<S>| running.verdict.is_none();
        self.running.as_ref().is_some_and(is_running) || self.held.is_some()
    }

    /// What is not a shot changes a kept game between two turns only, so that each is saved by itself.
    ///
    /// # Errors
    /// [`Reason::Failed`]: a turn is being played or saved.
    pub(crate) fn must_be_settled(&self) -> Result<(), Reason> {
        if self.config.kept.is_some() && self.is_undecided() {
            return Err(Reason::Failed);
        }
        Ok(())
    }

    /// Strikes, for the player whose turn it is: everybody is shown the shot, and a job plays it.
    pub(crate) fn shoot(
        &mut self,
        room: &mut Room<'_>,
        chair: Chair,
        stroke: Stroke,
    ) -> Result<(), Reason> {
        let frame = self.frame.as_ref().ok_or(Reason::Phase)?;
        let state = frame.check(&stroke)?;
        let (table, token) = (Arc::clone(&self.table), self.token);
        let work = move || {
            let played = Played::of(&table, state, &stroke.shot);
            played.map_or_else(Vec::new, |played| played.to_bytes())
        };
        room.compute(token, work).map_err(|_| Reason::Failed)?;
        self.token += 1;
        let bytes = shot_bytes(self.game, frame.course().turn, chair, &stroke, 0);
        self.running = Some(Running {
            before: frame.clone(),
            chair,
            stroke,
            struck_ms: room.elapsed_ms(),
            token,
            verdict: None,
        });
        (self.thought, self.aim) = (None, None);
        room.send(To::All, op::SHOT, bytes);
        Ok(())
    }

    pub(crate) fn computed(&mut self, room: &mut Room<'_>, token: u64, data: &Bytes) {
        if self.loading.take_if(|loading| *loading == token).is_some() {
            self.loaded(room, data);
            return;
        }
        if let Some(thought) = self.thought.filter(|thought| thought.token == token) {
            self.thought_ready(thought, data);
        }
        let Some(running) = self.running.take_if(|running| running.token == token) else {
            return;
        };
        let (Some(played), Some(frame)) = (Played::from_bytes(&self.table, data), &self.frame)
        else {
            // The job has failed: it is as if nobody had struck.
            if let Some(seat) = self.chairs.seat(running.chair) {
                self.tell_refused(room, seat, op::SHOOT, Reason::Failed);
            }
            self.tell_table(room);
            return;
        };
        let (stroke, mut after) = (running.stroke, frame.clone());
        let verdict = after.settle(&stroke, played);
        self.running = Some(running);
        self.count(room, Turn::Stroke(stroke), after, Some(verdict));
    }

    pub(crate) fn rerack(&mut self, room: &mut Room<'_>) -> Result<(), Reason> {
        let mut after = self.frame.clone().ok_or(Reason::Phase)?;
        after.apply(Turn::Rerack)?;
        self.count(room, Turn::Rerack, after, None);
        Ok(())
    }

    /// A player concedes or leaves, or his time runs out.
    pub(crate) fn end_by(&mut self, room: &mut Room<'_>, turn: Turn) {
        if let Some(mut after) = self.frame.clone()
            && after.apply(turn).is_ok()
        {
            self.count(room, turn, after, None);
        }
    }

    /// A player chooses: for this game, or while none is played for the next one.
    pub(crate) fn choose(
        &mut self,
        room: &mut Room<'_>,
        chair: Chair,
        game: u16,
        choice: u8,
    ) -> Result<(), Reason> {
        if choice >= S::CHOICES {
            return Err(Reason::Malformed);
        }
        if game != self.game {
            return Err(Reason::OtherGame);
        }
        self.must_be_settled()?;
        let playing = self.frame.as_ref().filter(|_| self.is_playing());
        let counting = playing.map(|frame| {
            let (course, mut after) = (frame.course(), frame.clone());
            let has_begun = room.elapsed_ms() + EARLY_MS >= self.turn_from_ms;
            let is_first = course.turn == 0 && self.running.is_none();
            let turn = Turn::Choice {
                chair,
                choice,
                is_at_once: is_first && (chair == course.player || !has_begun),
            };
            after.apply(turn).map(|_| (turn, after))
        });
        let counting = counting.transpose()?;
        if let Some(sitter) = &mut self.chairs.0[chair as usize] {
            sitter.choice = choice;
        }
        match counting {
            Some((turn, after)) => self.count(room, turn, after, None),
            None => self.has_chosen = true,
        }
        Ok(())
    }

    /// A turn was played, and this is the game after it. One of a kept game counts once it is saved.
    fn count(&mut self, room: &mut Room<'_>, turn: Turn, after: S, verdict: Option<Verdict>) {
        if self.config.kept.is_some() {
            self.hold(room, turn, after, verdict);
        } else {
            self.count_now(room, turn, after, verdict);
        }
    }

    /// The turn counts: everybody is told.
    pub(crate) fn count_now(
        &mut self,
        room: &mut Room<'_>,
        turn: Turn,
        after: S,
        verdict: Option<Verdict>,
    ) {
        let number = self.frame.as_ref().map_or(0, |frame| frame.course().turn);
        self.frame = Some(after);
        if self.config.opponent != Opponent::Nobody {
            self.turns.push(turn);
        }
        match (turn, &mut self.running, verdict) {
            (Turn::Stroke(_), Some(running), Some(verdict)) => {
                self.hash = mix(self.hash, verdict.hash);
                let rest_ms = u64::from(verdict.rest_ms) + S::pause_ms(&verdict);
                // Nobody's time runs before it can be known whose it is.
                self.turn_from_ms = (running.struck_ms + rest_ms).max(room.elapsed_ms());
                self.limit_ms = self.config.turn_ms();
                self.last = last_of(&turn);
                running.verdict = Some(verdict.clone());
                let bytes = verdict_bytes(number, &verdict, &self.block(room));
                room.send(To::All, op::VERDICT, bytes);
            }
            (Turn::Choice { is_at_once, .. }, ..) if !is_at_once => self.has_chosen = true,
            (Turn::Choice { .. }, ..) => {
                self.last = last_of(&turn);
                (self.thought, self.aim) = (None, None);
                self.tell_table(room);
            }
            _ => {
                self.last = last_of(&turn);
                (self.running, self.thought, self.aim) = (None, None, None);
                self.turn_from_ms = room.elapsed_ms();
                self.limit_ms = self.config.turn_ms();
                self.tell_table(room);
            }
        }
        self.finish(room);
    }

    /// When the game of two is over: makes its record.
    fn finish(&mut self, room: &mut Room<'_>) {
        let over = self.frame.as_ref().map(Sport::course);
        let Some(course) = over.filter(|course| course.end.is_some()) else {
            return;
        };
        let record = self.record_of(course, self.turns.clone(), self.hash);
        self.turns.clear();
        self.end(room, record);
    }

    /// The game after these turns as a record.
    pub(crate) fn record_of(&self, course: &Course, turns: Vec<Turn>, hash: u64) -> Record {
        Record {
            id: self.id,
            variant: course.variant(),
            seed: course.seed,
            first: self.first,
            users: Chair::BOTH.map(|chair| self.chairs.user(chair)),
            turns,
            end: course.end,
            hash,
        }
    }

    /// Ends the turn of whoever's time ran out, and the shot whose bodies rest.
    pub(crate) fn keep_time(&mut self, room: &mut Room<'_>) {
        let now_ms = room.elapsed_ms();
        if self.is_undecided() {
            return;
        }
        if now_ms >= self.turn_from_ms {
            self.running = None;
        }
        let is_over = self
            .limit_ms
            .is_some_and(|limit_ms| now_ms > self.turn_from_ms + limit_ms + GRACE_MS);
        let player = self.frame.as_ref().map(|frame| frame.course().player);
        if let Some(player) = player.filter(|_| is_over && self.running.is_none()) {
            let is_kept = self.config.kept.is_some();
            let lapse = Turn::Lapse(player);
            self.end_by(room, if is_kept { lapse } else { Turn::TimeOut });
        }
    }

    /// Lets a bot whose turn it is plan, while the bodies still move, and play.
    pub(crate) fn think(&mut self, room: &mut Room<'_>) {
        let Some(frame) = self.frame.as_ref().filter(|_| self.is_playing()) else {
            return;
        };
        let chair = frame.course().player;
        let Some(strength) = self.chairs.bot(chair) else {
            return;
        };
        match self.thought {
            None if !self.is_undecided() => {
                let (token, seed, copy) = (self.token, room.rng().next_u64(), frame.clone());
                let work = move || {
                    let mut out = Vec::new();
                    if let Some(stroke) = copy.plan(strength, seed) {
                        stroke.write(&mut out);
                    }
                    out
                };
                if room.compute(token, work).is_ok() {
                    self.token += 1;
                    self.thought = Some(Thought {
                        token,
                        stroke: None,
                    });
                }
            }
            Some(Thought {
                stroke: Some(stroke),
                ..
            }) if room.elapsed_ms() >= self.turn_from_ms + BOT_AIMS_MS => {
                // What a bot plans was checked; were it refused, its time would run out.
                let _refused = self.shoot(room, chair, stroke);
            }
            _ => (),
        }
    }

    fn thought_ready(&mut self, thought: Thought, data: &Bytes) {
        let stroke = Stroke::read(&mut Reader(data));
        // A plan that failed is not made again: the bot's time runs out.
        self.thought = Some(Thought { stroke, ..thought });
        if let (Some(stroke), Some(frame)) = (stroke, &self.frame) {
            let shot = stroke.shot;
            let other_body = (shot.body > 0).then_some(shot.body);
            let aim = Aim {
                game: self.game,
                turn: frame.course().turn,
                place: stroke.place,
                call: stroke.call.or(other_body),
                angle: shot.angle,
                power: shot.power,
                side: shot.side,
                height: shot.height,
            };
            self.aim = Some((frame.course().player, aim));
        }
    }

    /// Takes what a player is about to play, in place of what still waits.
    pub(crate) fn hear_aim(&mut self, chair: Chair, aim: Aim) -> Result<(), Reason> {
        let frame = self.frame.as_ref().ok_or(Reason::Phase)?;
        frame.check_aim(&aim)?;
        self.aim = Some((chair, aim));
        Ok(())
    }

    pub(crate) fn relay_aim(&mut self, room: &mut Room<'_>) {
        let now_ms = room.elapsed_ms();
        if now_ms < self.aimed_ms + AIM_EVERY_MS || now_ms + EARLY_MS < self.turn_from_ms {
            return;
        }
        let Some((chair, aim)) = self.aim.take() else {
            return;
        };
        self.aimed_ms = now_ms;
        let mut bytes = vec![chair as u8];
        aim.write(&mut bytes);
        let to = self.chairs.seat(chair).map_or(To::All, To::AllBut);
        room.send_class(to, Class::Sequenced, op::AIMED, bytes);
    }
}
