//! Who is told what.

use tagus_base::SeatIndex;
use tagus_room::{Room, To};

use crate::course::Chair;
use crate::game::Duel;
use crate::messages::{Block, NO_LIMIT, Table, op, shot_bytes, table_bytes, verdict_bytes};
use crate::reason::Reason;
use crate::sport::Sport;

impl<S: Sport> Duel<S> {
    pub(crate) fn tell_refused(
        &self,
        room: &mut Room<'_>,
        seat: SeatIndex,
        message: i64,
        reason: Reason,
    ) {
        let turn = self.frame.as_ref().map_or(0, |frame| frame.course().turn);
        let mut bytes = vec![u8::try_from(message).unwrap_or_default(), reason as u8];
        bytes.extend_from_slice(&self.game.to_le_bytes());
        bytes.extend_from_slice(&turn.to_le_bytes());
        room.send(To::One(seat), op::REFUSED, bytes);
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

    /// What both have chosen, to everybody.
    pub(crate) fn tell_choices(&self, room: &mut Room<'_>) {
        let mut bytes = Vec::from(self.game.to_le_bytes());
        bytes.extend_from_slice(&self.chairs.choices());
        room.send(To::All, op::CHOICES, bytes);
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
                let bytes = table_bytes(&self.head(Some(chair)), &block);
                room.send(To::One(seat), op::TABLE, bytes);
            }
        }
        if !watching.is_empty() {
            let bytes = table_bytes(&self.head(None), &block);
            room.send(To::Seats(watching), op::TABLE, bytes);
        }
    }

    /// Everything about the game to one seat, with the shot that is under way.
    pub(crate) fn tell_all(&self, room: &mut Room<'_>, seat: SeatIndex) {
        let (to, head) = (To::One(seat), self.head(self.chairs.of_seat(seat)));
        let Some(running) = &self.running else {
            let block = self.block(room);
            room.send(to, op::TABLE, table_bytes(&head, &block));
            return;
        };
        let before = Block {
            frame: Some(&running.before),
            wait_ms: 0,
            left_ms: NO_LIMIT,
            ..self.block(room)
        };
        room.send(to.clone(), op::TABLE, table_bytes(&head, &before));
        let turn = running.before.course().turn;
        let age_ms = millis(room.elapsed_ms().saturating_sub(running.struck_ms));
        let shot = shot_bytes(self.game, turn, running.chair, &running.stroke, age_ms);
        room.send(to.clone(), op::SHOT, shot);
        if let Some(verdict) = &running.verdict {
            let bytes = verdict_bytes(turn, verdict, &self.block(room));
            room.send(to, op::VERDICT, bytes);
        }
    }

    fn head(&self, chair: Option<Chair>) -> Table {
        let turn_s = self.config.turn_ms().map_or(0, |limit| limit / 1_000);
        Table {
            rules: self.variant.rules,
            opponent: self.config.opponent as u8,
            chair,
            last: self.last,
            version: self.variant.table,
            turn_s: u16::try_from(turn_s).unwrap_or(u16::MAX),
        }
    }

    pub(crate) fn block(&self, room: &Room<'_>) -> Block<'_, S> {
        let now_ms = room.elapsed_ms();
        let limit_ms = self.limit_ms.filter(|_| self.is_playing());
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
}

fn millis(time_ms: u64) -> u32 {
    u32::try_from(time_ms).unwrap_or(u32::MAX)
}
