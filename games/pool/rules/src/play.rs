//! Turns in a room: whose they are and until when, shots and their jobs, the bot, and what everybody is told.

use std::sync::Arc;

use bytes::Bytes;
use tagus_base::SeatIndex;
use tagus_room::{Class, Room, To};

use crate::bot::plan;
use crate::codec::Reader;
use crate::config::Opponent;
use crate::frame::{Chair, Frame, Hand, Turn};
use crate::game::Pool;
use crate::messages::{Aim, Block, op, shot_bytes, verdict_bytes};
use crate::reason::Reason;
use crate::record::{Record, mix};
use crate::running::{Running, Thought};
use crate::stroke::{NONE, Played, Stroke};

/// So much earlier than the balls rest a turn may be played: the player's own picture of it may be ahead, in
/// milliseconds.
const EARLY_MS: u64 = 250;
/// So much later than the time ran out a turn may be played, for what was under way, in milliseconds.
const GRACE_MS: u64 = 1_000;
/// Between two aims that are relayed, in milliseconds.
const AIM_EVERY_MS: u64 = 100;
/// How long a bot aims, in milliseconds.
const BOT_AIMS_MS: u64 = 1_200;
const NO_LIMIT: u32 = u32::MAX;

impl Pool {
    /// Is it this game, and is it played?
    pub(crate) fn check_game(&self, game: u16) -> Result<&Frame, Reason> {
        if game != self.game {
            return Err(Reason::OtherGame);
        }
        let frame = self.frame.as_ref().filter(|frame| frame.end().is_none());
        frame.ok_or(Reason::Phase)
    }

    /// Is it this chair's turn, and this one, and now?
    pub(crate) fn check_turn(
        &self,
        room: &Room<'_>,
        chair: Chair,
        game: u16,
        turn: u16,
    ) -> Result<(), Reason> {
        let frame = self.check_game(game)?;
        let ahead = turn.wrapping_sub(frame.turn()).cast_signed();
        if ahead < 0 || ahead == 0 && self.is_undecided() {
            let is_late = ahead == -1 && self.last == TIMED_OUT && chair != frame.player();
            return Err(if is_late {
                Reason::TooLate
            } else {
                Reason::OldTurn
            });
        }
        if ahead > 0 {
            return Err(Reason::NotYet);
        }
        if chair != frame.player() {
            return Err(Reason::NotYourTurn);
        }
        if room.elapsed_ms() + EARLY_MS < self.turn_from_ms {
            return Err(Reason::TooEarly);
        }
        Ok(())
    }

    /// Has a shot been struck, and its job not ended?
    fn is_undecided(&self) -> bool {
        self.running
            .as_ref()
            .is_some_and(|running| running.verdict.is_none())
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
        let bytes = shot_bytes(self.game, frame.turn(), chair, &stroke, 0);
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
        if let Some(thought) = self.thought.filter(|thought| thought.token == token) {
            self.thought_ready(thought, data);
        }
        let running = self.running.take_if(|running| running.token == token);
        let (Some(mut running), Some(frame)) = (running, &mut self.frame) else {
            return;
        };
        let Some(played) = Played::from_bytes(&self.table, data) else {
            // The job has failed: it is as if nobody had struck.
            if let Some(seat) = self.chairs.seat(running.chair) {
                self.tell_refused(room, seat, op::SHOOT, Reason::Failed);
            }
            self.tell_table(room);
            return;
        };
        let turn = frame.turn();
        let verdict = frame.settle(&running.stroke, played);
        self.hash = mix(self.hash, verdict.hash);
        self.turn_from_ms = running.struck_ms + u64::from(verdict.rest_ms);
        let stroke = Turn::Stroke(running.stroke);
        running.verdict = Some(verdict.clone());
        self.running = Some(running);
        self.keep(stroke);
        let bytes = verdict_bytes(turn, &verdict, &self.block(room));
        room.send(To::All, op::VERDICT, bytes);
        self.finish(room);
    }

    pub(crate) fn rerack(&mut self, room: &mut Room<'_>) -> Result<(), Reason> {
        let frame = self.frame.as_mut().ok_or(Reason::Phase)?;
        frame.apply(Turn::Rerack)?;
        self.keep(Turn::Rerack);
        self.turn_without_shot(room);
        Ok(())
    }

    /// A player concedes or leaves.
    pub(crate) fn end_by(&mut self, room: &mut Room<'_>, turn: Turn) {
        if let Some(frame) = &mut self.frame
            && frame.apply(turn).is_ok()
        {
            self.keep(turn);
            self.turn_without_shot(room);
            self.finish(room);
        }
    }

    /// Ends the turn of whoever's time ran out, and the shot whose balls rest.
    pub(crate) fn keep_time(&mut self, room: &mut Room<'_>) {
        let now_ms = room.elapsed_ms();
        if !self.is_undecided() && now_ms >= self.turn_from_ms {
            self.running = None;
        }
        let limit_ms = self.config.turn_ms();
        let is_over =
            limit_ms.is_some_and(|limit_ms| now_ms > self.turn_from_ms + limit_ms + GRACE_MS);
        if is_over
            && self.running.is_none()
            && let Some(frame) = &mut self.frame
            && frame.apply(Turn::TimeOut).is_ok()
        {
            self.keep(Turn::TimeOut);
            self.turn_without_shot(room);
            self.finish(room);
        }
    }

    /// Lets a bot whose turn it is plan, while the balls still run, and play.
    pub(crate) fn think(&mut self, room: &mut Room<'_>) {
        let Some(frame) = self.frame.as_ref().filter(|frame| frame.end().is_none()) else {
            return;
        };
        let chair = frame.player();
        let Some(strength) = self.chairs.bot(chair) else {
            return;
        };
        match self.thought {
            None if !self.is_undecided() => {
                let (token, seed, copy) = (self.token, room.rng().next_u64(), frame.clone());
                let work = move || {
                    let mut out = Vec::new();
                    if let Some(stroke) = plan(&copy, strength, seed) {
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
            let aim = Aim {
                game: self.game,
                turn: frame.turn(),
                place: stroke.place,
                call: stroke.call,
                angle: shot.angle,
                power: shot.power,
                side: shot.side,
                height: shot.height,
            };
            self.aim = Some((frame.player(), aim));
        }
    }

    /// Takes what a player is about to play, in place of what still waits.
    pub(crate) fn hear_aim(&mut self, chair: Chair, aim: Aim) -> Result<(), Reason> {
        let frame = self.frame.as_ref().ok_or(Reason::Phase)?;
        if aim.place.is_some() && frame.hand() == Hand::No {
            return Err(Reason::NotInHand);
        }
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

    /// Who is there, to everybody. Somebody who is leaving is not counted.
    pub(crate) fn tell_people(&self, room: &mut Room<'_>, leaving: Option<SeatIndex>) {
        let is_watching =
            |seat: &SeatIndex| Some(*seat) != leaving && self.chairs.of_seat(*seat).is_none();
        let watching = room.seats().filter(|(seat, _)| is_watching(seat)).count();
        let is_connected = |seat| room.seat(seat).is_some_and(|taken| taken.connected);
        let bytes = self.chairs.to_bytes(watching as u16, is_connected);
        room.send(To::All, op::PEOPLE, bytes);
    }

    /// Everything about the game to everybody.
    pub(crate) fn tell_table(&self, room: &mut Room<'_>) {
        let block = self.block(room);
        let mut watching = Vec::new();
        for (seat, _) in room.seats() {
            if self.chairs.of_seat(seat).is_none() {
                watching.push(seat);
            }
        }
        for chair in Chair::BOTH {
            if let Some(seat) = self.chairs.seat(chair) {
                room.send(
                    To::One(seat),
                    op::TABLE,
                    self.table_bytes(Some(chair), &block),
                );
            }
        }
        if !watching.is_empty() {
            room.send(
                To::Seats(watching),
                op::TABLE,
                self.table_bytes(None, &block),
            );
        }
    }

    /// Everything about the game to one seat, with the shot that is under way.
    pub(crate) fn tell_all(&self, room: &mut Room<'_>, seat: SeatIndex) {
        let (to, chair) = (To::One(seat), self.chairs.of_seat(seat));
        let Some(running) = &self.running else {
            let block = self.block(room);
            room.send(to, op::TABLE, self.table_bytes(chair, &block));
            return;
        };
        let before = Block {
            frame: Some(&running.before),
            wait_ms: 0,
            left_ms: NO_LIMIT,
            ..self.block(room)
        };
        room.send(to.clone(), op::TABLE, self.table_bytes(chair, &before));
        let turn = running.before.turn();
        let age_ms = millis(room.elapsed_ms().saturating_sub(running.struck_ms));
        let shot = shot_bytes(self.game, turn, running.chair, &running.stroke, age_ms);
        room.send(to.clone(), op::SHOT, shot);
        if let Some(verdict) = &running.verdict {
            let bytes = verdict_bytes(turn, verdict, &self.block(room));
            room.send(to, op::VERDICT, bytes);
        }
    }

    fn table_bytes(&self, chair: Option<Chair>, block: &Block<'_>) -> Vec<u8> {
        let limit_s = self.config.turn_ms().map_or(0, |limit| limit / 1_000) as u16;
        let mut out = vec![
            self.config.rules as u8,
            self.config.opponent as u8,
            chair.map_or(NONE, |chair| chair as u8),
            self.last,
        ];
        out.extend_from_slice(&self.table.version.to_le_bytes());
        out.extend_from_slice(&limit_s.to_le_bytes());
        block.write(&mut out);
        out
    }

    fn block(&self, room: &Room<'_>) -> Block<'_> {
        let now_ms = room.elapsed_ms();
        let limit_ms = self.config.turn_ms().filter(|_| self.is_playing());
        let left_ms = |limit_ms| {
            let late_ms = now_ms.saturating_sub(self.turn_from_ms);
            millis(u64::saturating_sub(limit_ms, late_ms))
        };
        Block {
            game: self.game,
            frame: self.frame.as_ref(),
            wait_ms: millis(self.turn_from_ms.saturating_sub(now_ms)),
            left_ms: limit_ms.map_or(NO_LIMIT, left_ms),
        }
    }

    /// Remembers a turn for the record.
    fn keep(&mut self, turn: Turn) {
        self.last = match turn {
            Turn::TimeOut => TIMED_OUT,
            Turn::Rerack => RERACKED,
            Turn::Stroke(_) | Turn::Concede(_) | Turn::Leave(_) => 0,
        };
        if self.config.opponent != Opponent::Nobody {
            self.turns.push(turn);
        }
    }

    /// The balls were changed or the turn has passed by other means than a shot.
    fn turn_without_shot(&mut self, room: &mut Room<'_>) {
        (self.running, self.thought, self.aim) = (None, None, None);
        self.turn_from_ms = room.elapsed_ms();
        self.tell_table(room);
    }

    /// When the game is over: makes its record and tells everybody.
    fn finish(&mut self, room: &mut Room<'_>) {
        let Some((frame, end)) = self
            .frame
            .as_ref()
            .and_then(|frame| Some((frame, frame.end()?)))
        else {
            return;
        };
        let record = Record {
            id: self.id,
            rules: frame.rules(),
            table: self.table.version,
            seed: frame.seed,
            breaker: self.breaker,
            users: Chair::BOTH.map(|chair| self.chairs.user(chair)),
            turns: std::mem::take(&mut self.turns),
            end,
            hash: self.hash,
        };
        let bytes = Bytes::from(record.to_bytes());
        self.record = Some(bytes.clone());
        room.send(To::All, op::RECORD, bytes);
    }
}

fn millis(time_ms: u64) -> u32 {
    u32::try_from(time_ms).unwrap_or(u32::MAX)
}

const TIMED_OUT: u8 = 1;
const RERACKED: u8 = 2;
