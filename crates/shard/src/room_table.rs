//! The rooms of one shard: joins, data, ticks, and what they send, as parcels for connections.

use std::collections::{BTreeSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashMap;
use tagus_base::{RoomId, SeatIndex, SessionId, UserId};
use tagus_room::{Effect, Host, How, LeaveReason, Opening, ReserveError};
use tagus_wire::realtime::error::Code;

use crate::cell::{Cell, Member, Rules, error_frame};
use crate::encode::Frames;
use crate::inbox::{
    ConnRef, Delivery, JoinRequest, NotReserved, Parcel, RoomCommand, RoomMessage, RoomOpening,
};
use crate::metrics::{DropReason, ShardMetrics};
use crate::upstream::Upstream;
use crate::views::{Round, Views};

/// What leaves for connections in this turn, by shard.
pub(crate) struct Outgoing {
    pub(crate) by_shard: Vec<Vec<Delivery>>,
    /// Views leave after everything else of their tick.
    pub(crate) views: Vec<Views>,
    /// What connections say to rooms of other shards.
    pub(crate) commands: Vec<Vec<(RoomId, RoomCommand)>>,
    /// Makes what leaves.
    pub(crate) frames: Frames,
}

impl Outgoing {
    pub(crate) fn new(shard_count: usize) -> Self {
        Self {
            by_shard: (0..shard_count).map(|_| Vec::new()).collect(),
            views: (0..shard_count).map(|_| Views::default()).collect(),
            commands: (0..shard_count).map(|_| Vec::new()).collect(),
            frames: Frames::default(),
        }
    }

    pub(crate) fn send(&mut self, to: ConnRef, what: Parcel) {
        if let Some(list) = self.by_shard.get_mut(usize::from(to.shard)) {
            list.push(Delivery { to, what });
        }
    }
}

/// What all rooms are held to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RoomLimits {
    /// Longest time of one tick; none: the room's period.
    pub(crate) tick_max: Option<Duration>,
    /// Time that data of a relayed match may wait for company, in milliseconds.
    pub(crate) relayed_gather_ms: u16,
    /// How far a client may be behind what it was sent before it is sent fewer views; zero: never too far.
    pub(crate) snapshot_lag_max: Duration,
}

pub(crate) struct RoomTable {
    pub(crate) shard: u16,
    pub(crate) rooms: HashMap<RoomId, Cell>,
    /// When each awake room wants to run.
    pub(crate) due: BTreeSet<(Duration, RoomId)>,
    /// The next room's number on the wire; unique on this node because shards count in steps of their count.
    next_number: u32,
    /// Time of this turn.
    pub(crate) now: Duration,
    number_step: u32,
    pub(crate) limits: RoomLimits,
    pub(crate) upstream: Arc<dyn Upstream>,
    pub(crate) metrics: ShardMetrics,
    pub(crate) effects: Vec<Effect>,
    pub(crate) view: Vec<u8>,
    /// Rooms whose last tick is not sent to everybody, in the order in which they go on; some may be gone.
    pub(crate) viewing: VecDeque<RoomId>,
    /// Views of the round that ended last were given up for want of time.
    pub(crate) is_behind: bool,
    /// Scratch of [`Self::data`].
    targets: Vec<SeatIndex>,
}

impl RoomTable {
    pub(crate) fn new(
        shard: u16,
        shard_count: usize,
        limits: RoomLimits,
        upstream: Arc<dyn Upstream>,
        metrics: ShardMetrics,
    ) -> Self {
        Self {
            shard,
            rooms: HashMap::new(),
            due: BTreeSet::new(),
            next_number: u32::from(shard) + 1,
            now: Duration::ZERO,
            number_step: shard_count as u32,
            limits,
            upstream,
            metrics,
            effects: Vec::new(),
            view: Vec::new(),
            viewing: VecDeque::new(),
            is_behind: false,
            targets: Vec::new(),
        }
    }

    pub(crate) fn next_due(&self) -> Option<Duration> {
        self.due.first().map(|(at, _)| *at)
    }

    pub(crate) fn handle(
        &mut self,
        now: Duration,
        id: RoomId,
        command: RoomCommand,
        out: &mut Outgoing,
    ) {
        self.now = now;
        match command {
            RoomCommand::Open(opening) => self.open(*opening),
            RoomCommand::Join(request) => self.join(id, *request, out),
            RoomCommand::Data(message) => self.data(id, message, out),
            RoomCommand::Leave { from, seat } => self.free(id, from, seat, LeaveReason::Left, out),
            RoomCommand::Gone { from, seat } => {
                self.free(id, from, seat, LeaveReason::Disconnected, out)
            }
            RoomCommand::Computed { token, data } => {
                self.with_host(id, out, |host, _| host.computed(token, data));
            }
            RoomCommand::Stored { token, result } => {
                self.with_host(id, out, |host, _| host.stored(token, result));
            }
            RoomCommand::Called { token, result } => {
                self.with_host(id, out, |host, _| host.called(now, token, result));
            }
            RoomCommand::Signal { data, done } => {
                let answer =
                    self.with_host(id, out, |host, effects| host.signal(now, &data, effects));
                done(answer);
            }
            RoomCommand::Recording { done } => done(self.rooms.get(&id).and_then(Cell::recording)),
            RoomCommand::Kick { session_id } => self.kick(id, session_id, out),
            RoomCommand::Reserve { users, hold, done } => done(self.reserve(id, &users, hold, out)),
            RoomCommand::Unreserve { users } => {
                self.with_host(id, out, |host, effects| {
                    host.unreserve(now, &users, effects)
                });
            }
            RoomCommand::Close => {
                self.with_host(id, out, |host, effects| host.close(now, effects));
            }
        }
    }

    pub(crate) fn terminate(&mut self, now: Duration, grace: Duration, out: &mut Outgoing) {
        let grace_ms = u32::try_from(grace.as_millis()).unwrap_or(u32::MAX);
        let mut ids: Vec<RoomId> = self.rooms.keys().copied().collect();
        ids.sort_unstable();
        for id in ids {
            self.with_host(id, out, |host, effects| {
                host.terminate(now, grace_ms, effects)
            });
        }
    }

    fn open(&mut self, opening: RoomOpening) {
        let now = self.now;
        if self.rooms.contains_key(&opening.id) {
            (opening.done)(Ok(()));
            return;
        }
        let start = Opening {
            seed: opening.seed,
            params: opening.params,
            now,
        };
        let host = match catch_unwind(AssertUnwindSafe(|| Host::open(&opening.factory, start))) {
            Ok(Ok(host)) => host,
            Ok(Err(error)) => return (opening.done)(Err(error)),
            Err(_) => {
                let error = tagus_room::InitError::new("the game panicked");
                return (opening.done)(Err(error));
            }
        };
        tracing::info!(room = %opening.id, game = %opening.game, seed = opening.seed, "room opened");
        let label = Some(Arc::from(host.label()));
        let number = self.number();
        let gather_ms = host.settings().gather_ms;
        let cell = Cell {
            id: opening.id,
            text: opening.id.to_string(),
            number,
            name: opening.name,
            game: opening.game,
            seed: opening.seed,
            label,
            due: None,
            overrun_told: None,
            seeks: false,
            members: Vec::new(),
            round: Round::default(),
            gather_ms,
            rules: Rules::Hosted(Box::new(host)),
        };
        self.upstream.room_changed(cell.summary());
        self.rooms.insert(opening.id, cell);
        self.metrics.rooms.inc();
        self.reschedule(opening.id);
        (opening.done)(Ok(()));
    }

    const fn number(&mut self) -> u32 {
        let number = self.next_number;
        self.next_number = self.next_number.wrapping_add(self.number_step);
        number
    }

    fn join(&mut self, id: RoomId, request: JoinRequest, out: &mut Outgoing) {
        if !self.rooms.contains_key(&id) {
            if !request.create {
                let failed = error_frame(
                    &mut out.frames,
                    request.lane,
                    request.cid,
                    Code::MatchNotFound,
                    "Match not found",
                );
                return out.send(request.from, Parcel::Frame(failed));
            }
            let number = self.number();
            self.rooms
                .insert(id, Cell::relayed(id, number, self.limits.relayed_gather_ms));
            self.metrics.rooms.inc();
        }
        let Some(cell) = self.rooms.get_mut(&id) else {
            return;
        };
        if matches!(cell.rules, Rules::Relayed(_)) {
            self.join_relayed(id, request, out);
        } else {
            self.join_hosted(id, request, out);
        }
    }

    fn join_relayed(&mut self, id: RoomId, request: JoinRequest, out: &mut Outgoing) {
        let Some(cell) = self.rooms.get_mut(&id) else {
            return;
        };
        let Rules::Relayed(relay) = &mut cell.rules else {
            return;
        };
        let (seat, known) = match relay.join(request.person.clone()) {
            Ok(joined) => (joined.seat, joined.how == How::Already),
            Err(refusal) => {
                let failed = error_frame(
                    &mut out.frames,
                    request.lane,
                    request.cid,
                    Code::MatchJoinRejected,
                    &refusal.reason,
                );
                return out.send(request.from, Parcel::Frame(failed));
            }
        };
        cell.seat_member(seat, &request);
        if !known {
            self.upstream.seat_taken(id, &request.person);
            self.upstream.room_changed(cell.summary());
        }
        cell.answer_join(seat, &request, out);
        if !known {
            cell.announce(&[seat], &[], out);
        }
    }

    fn join_hosted(&mut self, id: RoomId, request: JoinRequest, out: &mut Outgoing) {
        let now = self.now;
        let person = request.person.clone();
        let metadata = request.metadata.clone();
        let Some(joined) = self.call_host(id, out, |host, effects| {
            host.join(now, person, metadata, effects)
        }) else {
            let failed = error_frame(
                &mut out.frames,
                request.lane,
                request.cid,
                Code::MatchNotFound,
                "Match not found",
            );
            return out.send(request.from, Parcel::Frame(failed));
        };
        if let Ok(joined) = &joined
            && joined.how == How::New
        {
            self.clear_seat(id, joined.seat, out);
        }
        let Some(cell) = self.rooms.get_mut(&id) else {
            return;
        };
        match joined {
            Err(refusal) => {
                let failed = error_frame(
                    &mut out.frames,
                    request.lane,
                    request.cid,
                    Code::MatchJoinRejected,
                    &refusal.reason,
                );
                out.send(request.from, Parcel::Frame(failed));
            }
            Ok(joined) => {
                let seat = joined.seat;
                // Told first: after it the seat's frames are of the newcomer's kind.
                if let Some(old) = cell.member(seat).and_then(|member| member.conn)
                    && old != request.from
                {
                    cell.tell_out(old, seat, LeaveReason::Disconnected, out);
                }
                cell.seat_member(seat, &request);
                if joined.how == How::New {
                    self.upstream.seat_taken(id, &request.person);
                    self.upstream.room_changed(cell.summary());
                }
                cell.answer_join(seat, &request, out);
                if joined.how == How::New {
                    cell.announce(&[seat], &[], out);
                }
            }
        }
        self.apply_effects(id, out);
        self.reschedule(id);
    }

    /// Does what the host wants done up to the freeing of the seat, if somebody was thrown out of it for a newcomer.
    fn clear_seat(&mut self, id: RoomId, seat: SeatIndex, out: &mut Outgoing) {
        let Some(member) = self.rooms.get(&id).and_then(|cell| cell.member(seat)) else {
            return;
        };
        let session_id = member.person.session_id;
        let freed = |effect: &Effect| {
            matches!(effect, Effect::Freed { seat: freed, person, .. }
                if *freed == seat && person.session_id == session_id)
        };
        if let Some(at) = self.effects.iter().position(freed) {
            let rest = self.effects.split_off(at + 1);
            self.apply_effects(id, out);
            self.effects = rest;
        }
    }

    fn data(&mut self, id: RoomId, message: RoomMessage, out: &mut Outgoing) {
        let Some(cell) = self.rooms.get_mut(&id) else {
            self.metrics.drops.inc(DropReason::StaleSeat);
            return;
        };
        let from = Some(message.from);
        let members = &mut cell.members;
        let Some(member) = members
            .get_mut(usize::from(message.seat.0))
            .and_then(Option::as_mut)
            .filter(|member| member.conn == from)
        else {
            self.metrics.drops.inc(DropReason::StaleSeat);
            return;
        };
        let sender = member.person.session_id;
        match &mut cell.rules {
            Rules::Hosted(host) => {
                if message.applied_tick > 0 {
                    member.lag.tell(host.tick_number().0, message.applied_tick);
                }
                if host
                    .message(message.seat, message.op, message.data)
                    .is_err()
                {
                    self.metrics.drops.inc(DropReason::InputQueueFull);
                }
                if host.settings().ahead_ticks > 0 {
                    self.reschedule(id);
                }
            }
            Rules::Relayed(relay) => {
                let listed = (!message.to.is_empty()).then_some(message.to.as_slice());
                let mut targets = std::mem::take(&mut self.targets);
                relay.targets(sender, listed, &mut targets);
                let seat = message.seat;
                let mut shared = cell.lend(message.op, Some(seat), message.data, message.reliable);
                for seat in targets.drain(..) {
                    cell.deliver(seat, &mut shared, out);
                }
                cell.take_back(shared, Some(seat));
                self.targets = targets;
            }
        }
    }

    fn free(
        &mut self,
        id: RoomId,
        from: ConnRef,
        seat: SeatIndex,
        reason: LeaveReason,
        out: &mut Outgoing,
    ) {
        let Some(cell) = self.rooms.get_mut(&id) else {
            return;
        };
        if cell
            .member(seat)
            .is_none_or(|member| member.conn != Some(from))
        {
            return;
        }
        if let Rules::Relayed(relay) = &mut cell.rules {
            let Some(member) = cell
                .members
                .get_mut(usize::from(seat.0))
                .and_then(Option::take)
            else {
                return;
            };
            relay.leave(member.person.session_id);
            let empty = relay.is_empty();
            cell.announce_gone(&member, out);
            self.upstream.seat_freed(id, &member.person);
            if empty {
                self.close(id, out);
            } else if let Some(cell) = self.rooms.get(&id) {
                self.upstream.room_changed(cell.summary());
            }
            return;
        }
        if reason == LeaveReason::Disconnected
            && let Some(Some(member)) = cell.members.get_mut(usize::from(seat.0))
        {
            member.conn = None;
        }
        let now = self.now;
        self.with_host(id, out, |host, effects| match reason {
            LeaveReason::Disconnected => host.connection_lost(now, seat, effects),
            LeaveReason::Left | LeaveReason::Kicked | LeaveReason::Closed => {
                host.leave(now, seat, reason, effects)
            }
        });
    }

    fn kick(&mut self, id: RoomId, session_id: SessionId, out: &mut Outgoing) {
        let now = self.now;
        let Some(cell) = self.rooms.get_mut(&id) else {
            return;
        };
        let sits = |slot: &Option<Member>| {
            slot.as_ref()
                .is_some_and(|member| member.person.session_id == session_id)
        };
        let found = cell.members.iter().position(sits);
        let Some(seat) = found
            .and_then(|index| u16::try_from(index).ok())
            .map(SeatIndex)
        else {
            return;
        };
        if matches!(cell.rules, Rules::Hosted(_)) {
            self.with_host(id, out, |host, effects| {
                host.leave(now, seat, LeaveReason::Kicked, effects)
            });
            return;
        }
        let Some(conn) = cell.member(seat).and_then(|member| member.conn) else {
            return;
        };
        cell.tell_out(conn, seat, LeaveReason::Kicked, out);
        self.free(id, conn, seat, LeaveReason::Kicked, out);
    }

    fn reserve(
        &mut self,
        id: RoomId,
        users: &[UserId],
        hold: Duration,
        out: &mut Outgoing,
    ) -> Result<(), NotReserved> {
        let cell = self.rooms.get(&id).ok_or(NotReserved::NotFound)?;
        if matches!(cell.rules, Rules::Relayed(_)) {
            return Err(NotReserved::Relayed);
        }
        let now = self.now;
        let reserve =
            |host: &mut Host, effects: &mut Vec<Effect>| host.reserve(now, users, hold, effects);
        match self.with_host(id, out, reserve) {
            Some(Ok(())) => Ok(()),
            Some(Err(ReserveError::Full)) => Err(NotReserved::Full),
            Some(Err(ReserveError::TooMany)) => Err(NotReserved::TooMany),
            Some(Err(ReserveError::Closed)) | None => Err(NotReserved::NotFound),
        }
    }

    /// Calls the host, applies its effects and notes when it is due next.
    /// None when there is no such authoritative room or its game panicked.
    pub(crate) fn with_host<T>(
        &mut self,
        id: RoomId,
        out: &mut Outgoing,
        call: impl FnOnce(&mut Host, &mut Vec<Effect>) -> T,
    ) -> Option<T> {
        let answer = self.call_host(id, out, call)?;
        self.apply_effects(id, out);
        self.reschedule(id);
        Some(answer)
    }

    /// Calls the host and leaves its effects to be applied. A panic closes the room, and only it.
    fn call_host<T>(
        &mut self,
        id: RoomId,
        out: &mut Outgoing,
        call: impl FnOnce(&mut Host, &mut Vec<Effect>) -> T,
    ) -> Option<T> {
        let cell = self.rooms.get_mut(&id)?;
        let Rules::Hosted(host) = &mut cell.rules else {
            return None;
        };
        let effects = &mut self.effects;
        match catch_unwind(AssertUnwindSafe(|| call(host, effects))) {
            Ok(answer) => Some(answer),
            Err(_) => {
                self.panicked(id, out);
                None
            }
        }
    }

    /// Closes a room whose game panicked.
    pub(crate) fn panicked(&mut self, id: RoomId, out: &mut Outgoing) {
        let Some(cell) = self.rooms.get(&id) else {
            return;
        };
        let recording = cell.recording().unwrap_or_default();
        tracing::error!(room = %id, game = %cell.game, seed = cell.seed, "game panicked; room closed");
        self.metrics.rooms_failed.inc();
        self.upstream
            .room_failed(id, &cell.game, cell.seed, recording);
        self.effects.clear();
        self.close(id, out);
    }

    fn reschedule(&mut self, id: RoomId) {
        let Some(cell) = self.rooms.get_mut(&id) else {
            return;
        };
        let Rules::Hosted(host) = &cell.rules else {
            return;
        };
        let next = host.next_due();
        if next == cell.due {
            return;
        }
        if let Some(old) = cell.due {
            self.due.remove(&(old, id));
        }
        if let Some(next) = next {
            self.due.insert((next, id));
        }
        cell.due = next;
    }

    pub(crate) fn close(&mut self, id: RoomId, out: &mut Outgoing) {
        let Some(mut cell) = self.rooms.remove(&id) else {
            return;
        };
        if let Some(due) = cell.due {
            self.due.remove(&(due, id));
        }
        for index in 0..cell.members.len() {
            let Some(member) = cell.members[index].take() else {
                continue;
            };
            if let Some(conn) = member.conn {
                cell.tell_gone(conn, &member, LeaveReason::Closed, out);
            }
            self.upstream.seat_freed(id, &member.person);
        }
        self.metrics.rooms.dec();
        if cell.seeks {
            self.upstream.seek(id, None, &[]);
        }
        self.upstream.room_closed(id);
    }
}
