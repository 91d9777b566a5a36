//! Running rooms that are due, and doing what their games want done.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tagus_base::{RoomId, SeatIndex};
use tagus_room::{Class, Effect, LeaveReason};

use crate::cell::{Cell, GameData, Member, Rules};
use crate::encode::frame;
use crate::inbox::Parcel;
use crate::room_table::{Outgoing, RoomTable};

impl RoomTable {
    /// Runs every room that is due.
    pub(crate) fn run_due(&mut self, now: Duration, out: &mut Outgoing) {
        self.now = now;
        while let Some((at, id)) = self.due.first().copied() {
            if at > now {
                return;
            }
            let started = Instant::now();
            let before = self.tick_number(id);
            self.with_host(id, out, |host, effects| host.tick(now, effects));
            let ticks = self.tick_number(id).saturating_sub(before);
            if let Ok(ticks @ 1..) = u32::try_from(ticks) {
                self.send_views(id, out);
                self.metrics.ticks.inc_by(ticks.into());
                self.metrics
                    .tick_late_seconds
                    .observe((now - at).as_secs_f64());
                let took = started.elapsed();
                self.metrics.tick_seconds.observe(took.as_secs_f64());
                self.watch_overrun(id, took / ticks);
            }
            // A room that is due at the same instant again waits for the next turn.
            if self.due.first().is_some_and(|first| *first == (at, id)) {
                return;
            }
        }
    }

    /// Number of the room's last tick; 0 when it is gone.
    fn tick_number(&self, id: RoomId) -> u64 {
        let cell = self.rooms.get(&id);
        cell.and_then(Cell::tick_number).unwrap_or_default()
    }

    /// Counts a tick that took too long, and says so once in a while.
    fn watch_overrun(&mut self, id: RoomId, took: Duration) {
        let Some(cell) = self.rooms.get_mut(&id) else {
            return;
        };
        let Rules::Hosted(host) = &cell.rules else {
            return;
        };
        let period = Duration::from_secs(1) / u32::from(host.settings().tick_rate_hz);
        let most = self.tick_max.unwrap_or(period);
        if took <= most {
            return;
        }
        self.metrics.tick_overruns.inc();
        let recent = |told: Duration| self.now.saturating_sub(told) < OVERRUN_TOLD_EVERY;
        if cell.overrun_told.is_some_and(recent) {
            return;
        }
        cell.overrun_told = Some(self.now);
        tracing::warn!(
            room = %id,
            game = %cell.game,
            tick_ms = took.as_secs_f64() * 1e3,
            tick_ms_max = most.as_secs_f64() * 1e3,
            "a tick took too long"
        );
    }

    pub(crate) fn apply_effects(&mut self, id: RoomId, out: &mut Outgoing) {
        let mut effects = std::mem::take(&mut self.effects);
        for effect in effects.drain(..) {
            let Some(cell) = self.rooms.get_mut(&id) else {
                break;
            };
            match effect {
                Effect::Send {
                    to,
                    class,
                    op,
                    sender,
                    data: bytes,
                } => {
                    let data = GameData {
                        op,
                        class,
                        sender,
                        bytes,
                    };
                    cell.send(&to, &data, out);
                }
                Effect::Freed {
                    seat,
                    person,
                    reason,
                    ..
                } => {
                    if let Some(member) = cell.take_member(seat) {
                        if let Some(conn) = member.conn
                            && reason != LeaveReason::Left
                        {
                            cell.tell_gone(conn, &member, reason, out);
                        }
                        cell.announce_gone(&member, out);
                    }
                    self.upstream.seat_freed(id, &person);
                    self.upstream.room_changed(cell.summary());
                }
                Effect::Label(label) => {
                    cell.label = Some(Arc::from(label));
                    self.upstream.room_changed(cell.summary());
                }
                Effect::Compute { token, job } => self.upstream.compute(id, token, job),
                Effect::Store { token, op } => self.upstream.store(id, &cell.name, token, op),
                Effect::Closed => self.close(id, out),
            }
        }
        self.effects = effects;
    }

    /// What each viewer sees. On the wire it has the default class: that it may be left out for a slow reader is
    /// decided before it is a frame.
    fn send_views(&mut self, id: RoomId, out: &mut Outgoing) {
        let Some(cell) = self.rooms.get(&id) else {
            return;
        };
        let Rules::Hosted(host) = &cell.rules else {
            return;
        };
        for (index, member) in cell.members.iter().enumerate() {
            let Some(Member {
                conn: Some(conn),
                lane,
                ..
            }) = member
            else {
                continue;
            };
            self.view.clear();
            let Some(op) = host.view(SeatIndex(index as u16), &mut self.view) else {
                continue;
            };
            let data = GameData {
                op,
                class: Class::ReliableOrdered,
                sender: None,
                bytes: Bytes::copy_from_slice(&self.view),
            };
            out.send(*conn, Parcel::View(frame(*lane, &cell.data(*lane, &data))));
        }
    }
}

/// How often the log says that one room's ticks take too long.
const OVERRUN_TOLD_EVERY: Duration = Duration::from_secs(60);
