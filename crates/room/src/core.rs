//! A game and its room without a clock: the part that is recorded, replayed and hashed.

use bytes::Bytes;
use tagus_base::{Rng, SeatIndex, Tick, UserId};

use crate::codec::{Reader, put_bytes, put_u64};
use crate::event::Event;
use crate::factory::AnyGame;
use crate::host::{How, Joined};
use crate::room::Room;
use crate::state::{Kick, State};
use crate::{
    Effect, Factory, InitError, Input, LABEL_BYTES_MAX, LeaveReason, METADATA_BYTES_MAX,
    METADATA_ENTRIES_MAX, Metadata, Person, Refusal, RestoreError, Setup, xxh64,
};

pub(crate) struct Core {
    version: u32,
    game: Box<dyn AnyGame>,
    pub(crate) state: State,
    /// Messages lost to full inboxes. Not state.
    pub(crate) inputs_dropped: u64,
    /// True while a callback runs, and for ever when it panicked.
    busy: bool,
    /// Scratch of [`Self::tick`].
    inputs: Vec<Input>,
}

impl Core {
    pub(crate) fn new(factory: &Factory, seed: u64, params: &[u8]) -> Result<Self, InitError> {
        let mut rng = Rng::new(seed);
        let (game, settings) = (factory.init)(Setup {
            params,
            rng: &mut rng,
        })?;
        if settings.label.len() > LABEL_BYTES_MAX {
            return Err(InitError::new(format!(
                "the label is longer than {LABEL_BYTES_MAX} bytes"
            )));
        }
        Ok(Self::with(factory, game, State::new(settings, rng)))
    }

    /// The room that [`Self::write`] wrote.
    pub(crate) fn restore(factory: &Factory, bytes: &[u8]) -> Result<Self, RestoreError> {
        let mut reader = Reader::new(bytes);
        let parts = State::read(&mut reader)
            .zip(reader.u32())
            .zip(reader.bytes());
        let Some(((state, version), game)) = parts.filter(|_| reader.is_empty()) else {
            return Err(RestoreError::new(
                "the room's part is cut short or impossible",
            ));
        };
        Ok(Self::with(
            factory,
            (factory.restore)(version, game)?,
            state,
        ))
    }

    fn with(factory: &Factory, game: Box<dyn AnyGame>, state: State) -> Self {
        Self {
            version: factory.version,
            game,
            state,
            inputs_dropped: 0,
            busy: false,
            inputs: Vec::new(),
        }
    }

    /// Appends the whole state.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        self.state.write(out);
        put_u64(out, u64::from(self.version));
        let mut game = Vec::new();
        self.game.snapshot(&mut game);
        put_bytes(out, &game);
    }

    pub(crate) fn snapshot(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.write(&mut bytes);
        bytes
    }

    pub(crate) fn hash(&self) -> u64 {
        xxh64(&self.snapshot())
    }

    /// Did a callback panic?
    pub(crate) const fn is_broken(&self) -> bool {
        self.busy
    }

    /// The encoder's part of a tick. What it panics with breaks the room, as a callback would.
    pub(crate) fn encode(&mut self) {
        self.busy = true;
        self.game.encode(self.state.tick);
        self.busy = false;
    }

    pub(crate) fn view(&mut self, viewer: SeatIndex, out: &mut Vec<u8>) -> Option<i64> {
        self.state.seat(viewer)?;
        self.busy = true;
        let op = self.game.view(viewer, out);
        self.busy = false;
        op
    }

    /// The call that the event stands for.
    pub(crate) fn apply(&mut self, event: Event, out: &mut Vec<Effect>) {
        match event {
            Event::Join { person, metadata } => drop(self.join(person, &metadata, out)),
            Event::Leave { seat, reason } => self.leave(seat, reason, out),
            Event::Lost { seat } => self.lost(seat, out),
            Event::Message { seat, op, data } => drop(self.message(seat, op, data)),
            Event::Computed { token, data } => self.state.computed(token, data),
            Event::Stored { token, result } => self.state.stored(token, result),
            Event::Called { token, result } => self.state.called(token, result),
            Event::Signal { data } => drop(self.signal(&data, out)),
            Event::Terminate { grace_ms } => self.terminate(grace_ms, out),
            Event::Close => self.close(out),
            Event::Reserve { users } => {
                if let Ok(needy) = self.state.needy(&users) {
                    self.reserve(&needy, out);
                }
            }
            Event::Unreserve { users } => self.unreserve(&users, out),
            Event::Tick => self.tick(out),
            Event::Hash(_) => {}
        }
    }

    pub(crate) fn join(
        &mut self,
        person: Person,
        metadata: &Metadata,
        out: &mut Vec<Effect>,
    ) -> Result<Joined, Refusal> {
        if self.state.closed {
            return Err(Refusal::new("the room is closed"));
        }
        if let Some(seat) = self.state.seat_of_session(person.session_id)
            && self.state.seat(seat).is_some_and(|taken| taken.connected)
        {
            return Ok(Joined {
                seat,
                how: How::Already,
            });
        }
        if self.state.settings.seat_hold_ms > 0
            && let Some(seat) = self.state.seat_of_user(person.user_id)
        {
            return Ok(self.come_back(seat, &person, out));
        }
        check(metadata)?;
        if self.state.is_full_for(person.user_id) {
            return Err(Refusal::new("the room is full"));
        }
        self.call(out, |game, room| game.join_attempt(room, &person, metadata))?;
        if self.state.closed {
            return Err(Refusal::new("the room is closed"));
        }
        self.unreserve(&[person.user_id], out);
        let seat = self.state.take(person);
        self.game.opened(seat);
        self.call(out, |game, room| game.join(room, seat));
        Ok(Joined {
            seat,
            how: How::New,
        })
    }

    /// Reserves a seat for each of these, as [`State::needy`] answered them.
    pub(crate) fn reserve(&mut self, needy: &[UserId], out: &mut Vec<Effect>) {
        self.state.reserved.extend(needy);
        if !needy.is_empty() {
            out.push(Effect::Reserved(self.state.reserved_count()));
        }
    }

    /// Ends the reservations of those who have one.
    pub(crate) fn unreserve(&mut self, users: &[UserId], out: &mut Vec<Effect>) {
        let before = self.state.reserved.len();
        for user_id in users {
            self.state.reserved.remove(user_id);
        }
        if self.state.reserved.len() < before {
            out.push(Effect::Reserved(self.state.reserved_count()));
        }
    }

    /// Another connection for a seat that its account holds, be the old one lost or alive.
    fn come_back(&mut self, index: SeatIndex, person: &Person, out: &mut Vec<Effect>) -> Joined {
        let mut how = How::Back;
        if let Some(seat) = self.state.seat_mut(index) {
            if seat.connected {
                how = How::Replaced;
            }
            seat.connected = true;
            seat.session_id = person.session_id;
        }
        self.game.opened(index);
        self.call(out, |game, room| game.connection_back(room, index));
        Joined { seat: index, how }
    }

    pub(crate) fn leave(&mut self, seat: SeatIndex, reason: LeaveReason, out: &mut Vec<Effect>) {
        self.busy = true;
        self.free(seat, reason, String::new(), out);
        self.finish(out);
        self.busy = false;
    }

    /// The connection is gone; without a hold that frees the seat.
    pub(crate) fn lost(&mut self, index: SeatIndex, out: &mut Vec<Effect>) {
        if self.state.settings.seat_hold_ms == 0 {
            return self.leave(index, LeaveReason::Disconnected, out);
        }
        let Some(seat) = self.state.seat_mut(index) else {
            return;
        };
        if seat.connected {
            seat.connected = false;
            self.game.closed(index);
            self.call(out, |game, room| game.connection_lost(room, index));
        }
    }

    /// False when the seat's oldest message was dropped.
    pub(crate) fn message(&mut self, seat: SeatIndex, op: i64, data: Bytes) -> bool {
        let kept = self.state.message(seat, op, data);
        self.inputs_dropped += u64::from(!kept);
        kept
    }

    pub(crate) fn signal(&mut self, data: &[u8], out: &mut Vec<Effect>) -> Vec<u8> {
        if self.state.closed {
            return Vec::new();
        }
        self.call(out, |game, room| game.signal(room, data))
    }

    pub(crate) fn terminate(&mut self, grace_ms: u32, out: &mut Vec<Effect>) {
        if !self.state.closed {
            self.call(out, |game, room| game.terminate(room, grace_ms));
        }
    }

    pub(crate) fn close(&mut self, out: &mut Vec<Effect>) {
        self.busy = true;
        self.state.closing = true;
        self.finish(out);
        self.busy = false;
    }

    pub(crate) fn tick(&mut self, out: &mut Vec<Effect>) {
        if self.state.closed {
            return;
        }
        self.state.tick = Tick(self.state.tick.0.saturating_add(1));
        let mut inputs = std::mem::take(&mut self.inputs);
        self.state.drain(&mut inputs);
        self.call(out, |game, room| game.tick(room, &inputs));
        inputs.clear();
        self.inputs = inputs;
    }

    /// A callback and what follows from it.
    fn call<R>(
        &mut self,
        out: &mut Vec<Effect>,
        f: impl FnOnce(&mut dyn AnyGame, &mut Room<'_>) -> R,
    ) -> R {
        self.busy = true;
        let answer = f(
            &mut *self.game,
            &mut Room {
                state: &mut self.state,
                out,
            },
        );
        self.finish(out);
        self.busy = false;
        answer
    }

    /// Does what a callback left to do: kicks, deferred sends, the closing.
    fn finish(&mut self, out: &mut Vec<Effect>) {
        // Each kick frees a taken seat and none is taken meanwhile, so this ends.
        while let Some(Kick { seat, told }) = self.state.kicks.pop_front() {
            self.free(seat, LeaveReason::Kicked, told, out);
        }
        out.append(&mut self.state.deferred);
        if !self.state.closing || self.state.closed {
            return;
        }
        let seats: Vec<SeatIndex> = self.state.seats().map(|(seat, _)| seat).collect();
        for seat in seats {
            self.free(seat, LeaveReason::Closed, String::new(), out);
        }
        self.state.kicks.clear();
        self.state.deferred.clear();
        self.state.reserved.clear();
        self.state.seek = None;
        self.state.closing = false;
        self.state.closed = true;
        out.push(Effect::Closed);
    }

    fn free(&mut self, seat: SeatIndex, reason: LeaveReason, told: String, out: &mut Vec<Effect>) {
        if self.state.seat(seat).is_none() {
            return;
        }
        self.game.leave(
            &mut Room {
                state: &mut self.state,
                out,
            },
            seat,
            reason,
        );
        self.game.closed(seat);
        if let Some(person) = self.state.free(seat) {
            out.push(Effect::Freed {
                seat,
                person,
                reason,
                told,
            });
        }
    }
}

fn check(metadata: &Metadata) -> Result<(), Refusal> {
    let bytes: usize = metadata
        .iter()
        .map(|(key, value)| key.len() + value.len())
        .sum();
    if metadata.len() > METADATA_ENTRIES_MAX || bytes > METADATA_BYTES_MAX {
        return Err(Refusal::new("too much metadata"));
    }
    Ok(())
}
