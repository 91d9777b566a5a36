//! The way of a view: encoded after the tick into one buffer for many viewers, and written from there.
//! In the steady state nothing is allocated for it and nothing is queued.
//!
//! Views take what time a turn has left. When a room's next tick comes before all of its views are written, the tick
//! runs, and the round goes on with those who have not had their turn: what is given up is views, evenly.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tagus_base::{RoomId, SeatIndex};
use tagus_room::Class;
use tagus_wire::Format;
use tagus_wire::realtime::envelope::Message;

use crate::cell::{Cell, Rules, match_data, room_data};
use crate::connection::Flushed;
use crate::encode::put_room_data_frame;
use crate::inbox::ConnRef;
use crate::metrics::{DropReason, ShardMetrics};
use crate::room_table::{Outgoing, RoomTable};
use crate::shard::Shard;

/// Whether a connection can be sent a view: not while an earlier one is on its way to the connection's shard, nor while
/// the socket does not take what was sent before. The shards of its rooms ask before they encode.
#[derive(Clone, Debug, Default)]
pub(crate) struct ViewGate(Arc<Gate>);

#[derive(Debug, Default)]
struct Gate {
    is_blocked: AtomicBool,
    is_passing: AtomicBool,
}

impl ViewGate {
    fn is_shut(&self) -> bool {
        self.0.is_blocked.load(Ordering::Relaxed) || self.0.is_passing.load(Ordering::Relaxed)
    }

    /// The socket takes no more, or does again.
    pub(crate) fn set_blocked(&self, is_blocked: bool) {
        self.0.is_blocked.store(is_blocked, Ordering::Relaxed);
    }

    /// A view leaves for another shard, or has arrived there.
    fn set_passing(&self, is_passing: bool) {
        self.0.is_passing.store(is_passing, Ordering::Relaxed);
    }
}

/// How far a room is in sending the views of its last tick. Seats have their turn in a circle; who was left out by a
/// tick that came too early is the first in the next round.
#[derive(Debug, Default)]
pub(crate) struct Round {
    /// The seat to go on with.
    next: usize,
    /// Seats that have not had their turn.
    left: usize,
    /// Time that the ticks and their views took so far.
    took: Duration,
    ticks: u32,
}

impl Round {
    /// So many seats were added at the end.
    pub(crate) const fn grow(&mut self, seats: usize) {
        if self.left > 0 {
            self.left += seats;
        }
    }

    /// The seat whose turn it is, of `count`; none when all had theirs.
    const fn turn(&mut self, count: usize) -> Option<usize> {
        if self.left == 0 || count == 0 {
            self.left = 0;
            return None;
        }
        let index = self.next % count;
        self.next = index + 1;
        self.left -= 1;
        Some(index)
    }
}

/// Frames with views for the connections of one shard, one behind the other.
#[derive(Debug, Default)]
pub(crate) struct Views {
    bytes: Vec<u8>,
    list: Vec<(ConnRef, Range<usize>)>,
}

impl Views {
    pub(crate) const fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.list.clear();
        if self.bytes.capacity() > VIEW_BYTES_KEPT_MAX {
            self.bytes = Vec::new();
        }
    }
}

impl RoomTable {
    /// Everybody in the room is to be sent what they see after the ticks that just ran.
    pub(crate) fn begin_views(&mut self, id: RoomId, ticks: u32, took: Duration) {
        if self.rooms.get(&id).is_some_and(|cell| cell.round.left > 0) {
            self.end_round(id);
        } else {
            self.viewing.push_back(id);
        }
        let Some(cell) = self.rooms.get_mut(&id) else {
            return;
        };
        cell.round = Round {
            next: cell.round.next,
            left: cell.members.len(),
            took,
            ticks,
        };
    }

    /// Encodes views of one room, for a few seats. False when no room has any to send.
    pub(crate) fn encode_views(&mut self, out: &mut Outgoing) -> bool {
        let Some(id) = self.viewing.pop_front() else {
            return false;
        };
        let Some(cell) = self.rooms.get_mut(&id) else {
            return true;
        };
        let mut encoding = Encoding {
            shard: self.shard,
            lag_max: self.limits.snapshot_lag_max,
            view: &mut self.view,
            metrics: &self.metrics,
            out,
        };
        let started = Instant::now();
        let encoded = catch_unwind(AssertUnwindSafe(|| cell.encode_views(&mut encoding)));
        cell.round.took += started.elapsed();
        match encoded {
            Err(_) => self.panicked(id, out),
            Ok(()) if cell.round.left > 0 => self.viewing.push_back(id),
            Ok(()) => self.end_round(id),
        }
        true
    }

    /// All that is to be done for the ticks that ran last is done, or given up.
    fn end_round(&mut self, id: RoomId) {
        let Some(cell) = self.rooms.get(&id) else {
            return;
        };
        let Round { took, ticks, .. } = cell.round;
        let given_up = cell.views_left();
        self.is_behind = given_up > 0;
        for _ in 0..given_up {
            self.metrics.drops.inc(DropReason::ViewGivenUp);
        }
        self.metrics.tick_seconds.observe(took.as_secs_f64());
        self.watch_overrun(id, took / ticks.max(1));
    }
}

/// What encoding views needs beside the room.
struct Encoding<'a> {
    shard: u16,
    lag_max: Duration,
    view: &'a mut Vec<u8>,
    metrics: &'a ShardMetrics,
    out: &'a mut Outgoing,
}

impl Cell {
    /// People who have not had their turn in this round.
    fn views_left(&self) -> usize {
        let count = self.members.len();
        let turns = self.round.next..self.round.next + self.round.left;
        let members = turns.filter_map(|turn| self.members[turn % count].as_ref());
        members.filter(|member| member.conn.is_some()).count()
    }

    /// On the wire a view has the default class: that it may be left out for a slow reader is decided before it is
    /// encoded.
    fn encode_views(&mut self, encoding: &mut Encoding<'_>) {
        let Rules::Hosted(host) = &mut self.rules else {
            return;
        };
        let tick = host.tick_number().0;
        let rate = u64::from(host.settings().tick_rate_hz);
        let lag_ticks_max = (encoding.lag_max.as_millis() as u64 * rate).div_ceil(1_000) as u32;
        for _ in 0..VIEWS_AT_ONCE {
            let Some(index) = self.round.turn(self.members.len()) else {
                return;
            };
            let Some(member) = &mut self.members[index] else {
                continue;
            };
            let Some(conn) = member.conn.filter(|_| member.since < tick) else {
                continue;
            };
            let Outgoing { views, frames, .. } = &mut *encoding.out;
            let Some(views) = views.get_mut(usize::from(conn.shard)) else {
                continue;
            };
            if member.gate.is_shut() {
                encoding.metrics.drops.inc(DropReason::ViewSuperseded);
                continue;
            }
            if lag_ticks_max > 0 && member.lag.leaves_out(tick, lag_ticks_max) {
                encoding.metrics.drops.inc(DropReason::ViewLagging);
                continue;
            }
            let view = &mut *encoding.view;
            view.clear();
            let Some(op) = host.view(SeatIndex(index as u16), view) else {
                continue;
            };
            member.lag.view(tick);
            if conn.shard != encoding.shard {
                member.gate.set_passing(true);
            }
            let start = views.bytes.len();
            if member.lane.ext() && member.lane.format() == Format::Protobuf {
                put_room_data_frame(member.lane, self.number, op, view, &mut views.bytes);
            } else {
                let data = frames.memory.keep(view);
                let envelope = if member.lane.ext() {
                    room_data(self.number, op, Class::ReliableOrdered, data)
                } else {
                    match_data(std::mem::take(&mut self.text), None, op, data, true)
                };
                frames.put(member.lane, &envelope, &mut views.bytes);
                if let Some(Message::MatchData(lent)) = envelope.message {
                    self.text = lent.match_id;
                }
            }
            views.list.push((conn, start..views.bytes.len()));
        }
    }
}

impl Shard {
    /// Encodes and writes views until all are written, their part of the turn is used, or a tick is due.
    /// Those for other shards are left for [`Shard::hand_over`].
    pub(crate) fn send_views(&mut self) {
        let until = self.now + VIEWS_TIME_MAX;
        while self.rooms.encode_views(&mut self.out) {
            let own = usize::from(self.index);
            let mut views = std::mem::take(&mut self.out.views[own]);
            self.write_views(&views);
            views.clear();
            self.out.views[own] = views;
            let now = self.origin.elapsed();
            if now >= until || self.rooms.next_due().is_some_and(|due| due <= now) {
                return;
            }
        }
    }

    /// Views of rooms on another shard.
    pub(crate) fn take_views(&mut self, views: &Views) {
        self.write_views(views);
        for (to, _) in &views.list {
            if let Some(connection) = self.connection(*to) {
                connection.gate.set_passing(false);
            }
        }
    }

    fn write_views(&mut self, views: &Views) {
        let mut writes = 0;
        for (to, range) in &views.list {
            let Some(Some(connection)) = self.connections.get_mut(to.index.0 as usize) else {
                continue;
            };
            if connection.generation != to.generation || connection.open().is_none() {
                continue;
            }
            let frame = &views.bytes[range.clone()];
            let memory = &mut self.out.frames.memory;
            match connection.write_view(frame, memory, &mut writes) {
                Some(Flushed::Broken) => self.drop_connection(to.index.0),
                Some(Flushed::All | Flushed::Blocked) => {}
                None => self.mark_dirty(to.index.0),
            }
        }
        self.metrics.sent.inc_by(views.list.len() as u64);
        self.metrics.writes.inc_by(writes);
    }
}

/// Seats that have their turn between two looks at the clock.
const VIEWS_AT_ONCE: usize = 64;
/// Time of a turn for views, before sockets are read again.
const VIEWS_TIME_MAX: Duration = Duration::from_millis(5);
/// Room for views that is kept for the next turn; a burst beyond it is given back.
const VIEW_BYTES_KEPT_MAX: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use tagus_room::{Game, InitError, Input, LeaveReason, RestoreError, Room, Settings, Setup};

    use super::*;
    use crate::inbox::RoomCommand;
    use crate::room_table::RoomLimits;
    use crate::testing::{ROOM, Rooms, conn};

    /// Ten ticks a second, and everybody sees something.
    struct Seen;

    impl Game for Seen {
        fn init(_: Setup<'_>) -> Result<(Self, Settings), InitError> {
            let settings = Settings {
                seats_max: 200,
                presences: false,
                ..Settings::default()
            };
            Ok((Self, settings))
        }
        fn join(&mut self, _: &mut Room<'_>, _: SeatIndex) {}
        fn leave(&mut self, _: &mut Room<'_>, _: SeatIndex, _: LeaveReason) {}
        fn tick(&mut self, _: &mut Room<'_>, _: &[Input]) {}
        fn view(&self, _: SeatIndex, out: &mut Vec<u8>) -> Option<i64> {
            out.push(7);
            Some(1)
        }
        fn snapshot(&self, _: &mut Vec<u8>) {}
        fn restore(_: u32, _: &[u8]) -> Result<Self, RestoreError> {
            Ok(Self)
        }
    }

    impl Rooms {
        fn tick(&mut self, number: u32) {
            let now = Duration::from_millis(u64::from(number) * 100);
            self.table.run_due(now, &mut self.out);
        }

        /// Connections on shard 0 whose views are encoded in so many goes, or until all are.
        fn encoded(&mut self, goes: usize) -> Vec<u32> {
            for _ in 0..goes {
                if !self.table.encode_views(&mut self.out) {
                    break;
                }
            }
            let views = std::mem::take(&mut self.out.views[0]);
            assert_eq!(
                views.bytes.len(),
                views.list.last().map_or(0, |(_, range)| range.end)
            );
            views.list.iter().map(|(to, _)| to.index.0).collect()
        }

        fn drops(&self, reason: DropReason) -> u64 {
            self.table.metrics.drops.count(reason)
        }
    }

    fn room_of(people: u8) -> Rooms {
        let mut rooms = Rooms::open::<Seen>(RoomLimits::default());
        for number in 0..people {
            rooms.join(number);
        }
        rooms
    }

    #[test]
    fn everybody_is_sent_one_view_of_a_tick() {
        let mut rooms = room_of(150);
        rooms.tick(1);
        let everybody: Vec<u32> = (0..150).collect();
        assert_eq!(rooms.encoded(9), everybody);
        assert_eq!(rooms.encoded(9), [0_u32; 0]);
        rooms.tick(2);
        assert_eq!(rooms.encoded(9), everybody);
        assert_eq!(rooms.drops(DropReason::ViewGivenUp), 0);
        assert_eq!(rooms.table.metrics.ticks.get(), 2);
    }

    #[test]
    fn a_shard_that_is_too_slow_gives_up_views_evenly_and_no_tick() {
        let mut rooms = room_of(150);
        rooms.command(RoomCommand::Leave {
            from: conn(0, 70),
            seat: SeatIndex(70),
        });
        let mut views = [0_u32; 150];
        let mut longest = [0_u32; 150];
        let mut last = [0_u32; 150];
        for tick in 1..=100 {
            rooms.tick(tick);
            // Time for no more than 64 of them.
            for index in rooms.encoded(1) {
                let index = index as usize;
                views[index] += 1;
                longest[index] = longest[index].max(tick - last[index]);
                last[index] = tick;
            }
        }
        assert_eq!(rooms.table.metrics.ticks.get(), 100);
        let (here, gone) = (|at: &usize| *at != 70, views[70]);
        let fewest = (0..150).filter(here).map(|at| views[at]).min().unwrap();
        let most = (0..150).map(|at| views[at]).max().unwrap();
        assert_eq!((fewest, most, gone), (42, 43, 0));
        assert!(longest.iter().all(|ticks| *ticks <= 3), "{longest:?}");
        let sent: u32 = views.iter().sum();
        let left = rooms.table.rooms[&ROOM].views_left() as u64;
        let given_up = rooms.drops(DropReason::ViewGivenUp);
        assert_eq!(u64::from(sent) + given_up + left, 100 * 149);
    }

    #[test]
    fn who_comes_between_two_ticks_sees_the_second() {
        let mut rooms = room_of(100);
        rooms.tick(1);
        assert_eq!(rooms.encoded(1).len(), 64);
        rooms.join(100);
        rooms.command(RoomCommand::Leave {
            from: conn(0, 99),
            seat: SeatIndex(99),
        });
        assert_eq!(rooms.encoded(9), (64..99).collect::<Vec<u32>>());
        rooms.tick(2);
        let mut seen = rooms.encoded(9);
        seen.sort_unstable();
        assert_eq!(seen, (0..99).chain([100]).collect::<Vec<u32>>());
    }

    #[test]
    fn a_view_on_its_way_to_another_shard_lets_no_second_one_follow() {
        let mut rooms = Rooms::open::<Seen>(RoomLimits::default());
        let far = rooms.join_from(1, 0);
        let near = rooms.join(1);
        for tick in 1..=3 {
            rooms.tick(tick);
            assert_eq!(rooms.encoded(9), [1]);
        }
        assert_eq!(rooms.out.views[1].list.len(), 1);
        assert_eq!(rooms.drops(DropReason::ViewSuperseded), 2);
        far.set_passing(false);
        near.set_blocked(true);
        rooms.tick(4);
        assert_eq!(rooms.encoded(9), [0_u32; 0]);
        assert_eq!(rooms.out.views[1].list.len(), 2);
    }

    #[test]
    fn who_says_that_it_is_behind_is_sent_fewer() {
        let limits = RoomLimits {
            snapshot_lag_max: Duration::from_secs(1),
            ..RoomLimits::default()
        };
        let mut rooms = Rooms::open::<Seen>(limits);
        for number in 0..3 {
            rooms.join(number);
        }
        let mut views = [0; 3];
        for tick in 1..=100 {
            rooms.tick(tick);
            for index in rooms.encoded(9) {
                views[index as usize] += 1;
            }
            rooms.say(0, tick);
            // Two seconds behind from the first one on.
            rooms.say(1, tick.saturating_sub(20).max(1));
        }
        assert_eq!(views[0], 100);
        assert_eq!(views[2], 100, "who says nothing");
        assert!((40..60).contains(&views[1]), "{views:?}");
        assert_eq!(rooms.drops(DropReason::ViewLagging), 100 - views[1]);
    }
}
