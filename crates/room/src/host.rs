//! The host of one room: a game, its seats and its clock.

use std::time::Duration;

use bytes::Bytes;
use tagus_base::{SeatIndex, Tick, UserId};

use crate::codec::{Reader, put_bytes, put_fixed};
use crate::core::Core;
use crate::event::Event;
use crate::pace::Pace;
use crate::recording::Log;
use crate::{
    CATCH_UP_TICKS_MAX, CallResult, Effect, Factory, HASH_EVERY_TICKS, InitError, LeaveReason,
    Metadata, Person, RESERVE_MS_MAX, RESERVE_USERS_MAX, Recording, Refusal, RestoreError, Seat,
    Seek, Settings, StoreResult,
};

/// Drives one game. A plain struct without a clock: its owner calls it with the time since any fixed moment.
///
/// Driving order: after every call do the appended effects in their order, then ask [`Self::next_due`] when to call
/// [`Self::tick`] next. Times that go back are taken as the latest one heard.
///
/// Nothing is caught here. After a panic of the game, which the owner catches, the host may only be asked for
/// [`Self::seed`] and [`Self::recording`]; what was appended to the effects during that call is to be thrown away.
pub struct Host {
    core: Core,
    pace: Pace,
    log: Log,
    seed: u64,
    params: Bytes,
    counters: Counters,
}

/// What a room is opened with.
#[derive(Clone, Debug, Default)]
pub struct Opening {
    /// Seed of the room's generator.
    pub seed: u64,
    /// The creator's parameters.
    pub params: Bytes,
    /// The present.
    pub now: Duration,
}

/// A join that was granted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Joined {
    /// The seat.
    pub seat: SeatIndex,
    /// What happened to it.
    pub how: How,
}

/// How a join came by its seat.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum How {
    /// The seat was free.
    New,
    /// The seat was held for this account, and is the person's again.
    Back,
    /// The seat had a live connection of the same account, which has lost it to this one.
    Replaced,
    /// This connection had the seat already; nothing happened.
    Already,
}

/// The seat's oldest message was dropped for this one.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("queue a message for the next tick: the seat's inbox is full")]
pub struct InboxFull;

/// Why no seat was reserved.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ReserveError {
    /// The room is over.
    #[error("reserve seats in a room that is closed")]
    Closed,
    /// Not that many seats are free.
    #[error("reserve more seats than are free")]
    Full,
    /// They are more than [`RESERVE_USERS_MAX`].
    #[error("reserve seats for more than {RESERVE_USERS_MAX} people at once")]
    TooMany,
}

/// What a host has counted since it was opened or restored.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counters {
    /// Ticks that ran a whole period late, or later.
    pub ticks_late: u64,
    /// Ticks that never ran because the room was too late for them.
    pub ticks_skipped: u64,
    /// Messages dropped from full inboxes.
    pub inputs_dropped: u64,
}

impl Host {
    /// Opens a room. It sleeps until somebody joins.
    ///
    /// # Errors
    /// The game's reason why the parameters make no room, or a label that is too long.
    pub fn open(factory: &Factory, opening: Opening) -> Result<Self, InitError> {
        let Opening { seed, params, now } = opening;
        let core = Core::new(factory, seed, &params)?;
        let log = Log::of_new_room(&core);
        let mut pace = Pace::new(now);
        pace.follow(&core.state);
        Ok(Self {
            core,
            pace,
            log,
            seed,
            params,
            counters: Counters::default(),
        })
    }

    /// The room that [`Self::snapshot`] wrote, as if [`Self::now`] had been `now` then. Its recording starts anew.
    /// Jobs, store operations and calls that were under way are still waited for: the owner hands in their results, or
    /// empty ones for [`Self::jobs`] and failures for [`Self::store_ops`] and [`Self::calls`] when those were lost.
    ///
    /// # Errors
    /// The bytes are not a snapshot of a room of this game.
    pub fn restore(factory: &Factory, bytes: &[u8], now: Duration) -> Result<Self, RestoreError> {
        let damaged = || RestoreError::new("the snapshot is cut short or impossible");
        let mut reader = Reader::new(bytes);
        let version = reader.u8().ok_or_else(damaged)?;
        if version != SNAPSHOT_VERSION {
            return Err(RestoreError::new(format!(
                "snapshot version {version} is unknown"
            )));
        }
        let seed = reader.fixed().ok_or_else(damaged)?;
        let params = reader.owned().ok_or_else(damaged)?;
        let mut pace = Pace::read(&mut reader, now).ok_or_else(damaged)?;
        let core = Core::restore(factory, reader.rest())?;
        if !pace.suits(&core.state) {
            return Err(damaged());
        }
        pace.follow(&core.state);
        let log = Log::of_old_room(&core);
        Ok(Self {
            core,
            pace,
            log,
            seed,
            params,
            counters: Counters::default(),
        })
    }

    /// Asks the game for a seat and takes it.
    ///
    /// In a room that holds seats an account has one: a join while it is held takes it back, a join while it is live
    /// replaces its connection, and both are `connection_back` to the game.
    /// In other rooms each connection of an account takes a seat of its own.
    ///
    /// # Errors
    /// The game's refusal, or the room is closed or full, or there is too much metadata.
    pub fn join(
        &mut self,
        now: Duration,
        person: Person,
        metadata: Metadata,
        out: &mut Vec<Effect>,
    ) -> Result<Joined, Refusal> {
        self.pace.hear(now);
        self.record(|| Event::Join {
            person: person.clone(),
            metadata: metadata.clone(),
        });
        let answer = self.core.join(person, &metadata, out);
        self.pace.follow(&self.core.state);
        answer
    }

    /// Keeps a seat free for each of these people, for `hold` or [`RESERVE_MS_MAX`]: for all of them or for none.
    /// For others these seats are taken; whoever joins uses the reservation up.
    /// A reservation that exists is renewed and ends no earlier than before.
    /// Who has a seat needs none; where the connection is lost, the seat is held for at least as long.
    ///
    /// # Errors
    /// The room is closed, not that many seats are free, or there are more than [`RESERVE_USERS_MAX`] people.
    pub fn reserve(
        &mut self,
        now: Duration,
        users: &[UserId],
        hold: Duration,
        out: &mut Vec<Effect>,
    ) -> Result<(), ReserveError> {
        self.pace.hear(now);
        if users.len() > RESERVE_USERS_MAX {
            return Err(ReserveError::TooMany);
        }
        let needy = self.core.state.needy(users)?;
        if !needy.is_empty() {
            self.record(|| Event::Reserve {
                users: needy.clone(),
            });
            self.core.reserve(&needy, out);
        }
        let hold = hold.min(Duration::from_millis(RESERVE_MS_MAX.into()));
        self.pace.reserve(users, hold, &self.core.state);
        self.pace.follow(&self.core.state);
        Ok(())
    }

    /// Ends reservations before their time; people without one are passed over, and seats are left alone.
    pub fn unreserve(&mut self, now: Duration, users: &[UserId], out: &mut Vec<Effect>) {
        self.pace.hear(now);
        let reserved = |user_id: &&UserId| self.core.state.reserved.contains(*user_id);
        let users: Vec<UserId> = users.iter().filter(reserved).copied().collect();
        self.end_reservations(users, out);
    }

    /// Frees a seat: the client left, or server code removes it. A free seat is left alone.
    pub fn leave(
        &mut self,
        now: Duration,
        seat: SeatIndex,
        reason: LeaveReason,
        out: &mut Vec<Effect>,
    ) {
        self.pace.hear(now);
        self.free(seat, reason, out);
    }

    /// The seat's connection is gone. Its seat is held, or freed at once in a room that holds none.
    /// Not to be called for a connection that had lost its seat to another one before.
    pub fn connection_lost(&mut self, now: Duration, seat: SeatIndex, out: &mut Vec<Effect>) {
        self.pace.hear(now);
        self.record(|| Event::Lost { seat });
        self.core.lost(seat, out);
        self.pace.hold(seat, &self.core.state);
        self.pace.follow(&self.core.state);
    }

    /// Queues a client's message for the next tick. One from a free seat is ignored.
    ///
    /// # Errors
    /// The message is queued, but the seat's oldest had to go: [`crate::INBOX_LEN_MAX`] were waiting.
    pub fn message(&mut self, seat: SeatIndex, op: i64, data: Bytes) -> Result<(), InboxFull> {
        if self.core.state.seat(seat).is_none() {
            return Ok(());
        }
        self.record(|| Event::Message {
            seat,
            op,
            data: data.clone(),
        });
        if self.core.message(seat, op, data) {
            Ok(())
        } else {
            Err(InboxFull)
        }
    }

    /// Queues a job's result for the next tick, which wakes a sleeping room for one tick.
    /// A result that was not asked for is ignored.
    pub fn computed(&mut self, token: u64, data: Bytes) {
        if !self.core.state.jobs.tokens().contains(&token) {
            return;
        }
        self.record(|| Event::Computed {
            token,
            data: data.clone(),
        });
        self.core.state.computed(token, data);
        self.pace.follow(&self.core.state);
    }

    /// Queues a store operation's result for the next tick, which wakes a sleeping room for one tick.
    /// A result that was not asked for is ignored.
    pub fn stored(&mut self, token: u64, result: StoreResult) {
        if !self.core.state.store_ops.tokens().contains(&token) {
            return;
        }
        self.record(|| Event::Stored {
            token,
            result: result.clone(),
        });
        self.core.state.stored(token, result);
        self.pace.follow(&self.core.state);
    }

    /// Queues the answer to a call for the next tick, which wakes a sleeping room for one tick.
    /// An answer to a call that was not made is ignored.
    pub fn called(&mut self, now: Duration, token: u64, result: CallResult) {
        self.pace.hear(now);
        if !self.core.state.calls.tokens().contains(&token) {
            return;
        }
        self.record(|| Event::Called {
            token,
            result: result.clone(),
        });
        self.core.state.called(token, result);
        self.pace.follow(&self.core.state);
    }

    /// Asks the game a question of server code. A closed room answers no bytes.
    pub fn signal(&mut self, now: Duration, data: &[u8], out: &mut Vec<Effect>) -> Vec<u8> {
        self.pace.hear(now);
        self.record(|| Event::Signal {
            data: Bytes::copy_from_slice(data),
        });
        let answer = self.core.signal(data, out);
        self.pace.follow(&self.core.state);
        answer
    }

    /// Tells the game that the server stops in `grace_ms` milliseconds.
    pub fn terminate(&mut self, now: Duration, grace_ms: u32, out: &mut Vec<Effect>) {
        self.pace.hear(now);
        self.record(|| Event::Terminate { grace_ms });
        self.core.terminate(grace_ms, out);
        self.pace.follow(&self.core.state);
    }

    /// Ends the room: every seat is freed. A closed room is left alone.
    pub fn close(&mut self, now: Duration, out: &mut Vec<Effect>) {
        self.pace.hear(now);
        self.record(|| Event::Close);
        self.core.close(out);
        self.pace.follow(&self.core.state);
    }

    /// When to call [`Self::tick`]: the next tick, the end of a hold, of a reservation or of an empty room's
    /// patience, whichever is first. None: only another call can make the room due.
    /// In a room that acts ahead of its beat every input may bring it forward.
    #[must_use]
    pub fn next_due(&self) -> Option<Duration> {
        self.pace.next_due(&self.core.state)
    }

    /// When the next tick is due on the room's beat, whatever waits for it; none while the room sleeps.
    #[must_use]
    pub const fn next_beat(&self) -> Option<Duration> {
        self.pace.beat()
    }

    /// Does everything due at `now`: frees seats whose hold or reservation ran out, runs ticks, closes a room that was
    /// empty too long.
    ///
    /// Deadlines are absolute, so a late call shifts no later tick.
    /// At most [`CATCH_UP_TICKS_MAX`] ticks run; those due beyond them are skipped and counted.
    /// A room on its beat runs one more ahead of it if an input waits and [`Settings::ahead_ticks`] allow it.
    pub fn tick(&mut self, now: Duration, out: &mut Vec<Effect>) {
        self.pace.hear(now);
        // Each turn frees a seat, so this ends.
        while let Some(seat) = self.pace.expired_hold() {
            self.free(seat, LeaveReason::Disconnected, out);
        }
        self.end_reservations(self.pace.expired_reservations(), out);
        for _ in 0..CATCH_UP_TICKS_MAX {
            let Some(late) = self.pace.lateness() else {
                break;
            };
            self.counters.ticks_late += u64::from(late >= self.pace.period(&self.core.state));
            self.pace.advance(&self.core.state);
            self.run_tick(out);
        }
        self.counters.ticks_skipped += self.pace.skip(&self.core.state);
        if self.pace.may_act_ahead(&self.core.state) {
            self.pace.advance(&self.core.state);
            self.run_tick(out);
        }
        if self.pace.is_over() {
            self.close(now, out);
        }
    }

    /// Appends what `seat` is sent after the last tick. Answers the op code, or none when there is nothing to send.
    #[must_use]
    pub fn view(&mut self, seat: SeatIndex, out: &mut Vec<u8>) -> Option<i64> {
        self.core.view(seat, out)
    }

    /// The taken seats, held ones too, in order of their index.
    pub fn seats(&self) -> impl Iterator<Item = (SeatIndex, &Seat)> {
        self.core.state.seats()
    }

    /// Who sits there, or none when the seat is free.
    #[must_use]
    pub fn seat(&self, seat: SeatIndex) -> Option<&Seat> {
        self.core.state.seat(seat)
    }

    /// Number of taken seats, held ones too.
    #[must_use]
    pub const fn seat_count(&self) -> u16 {
        self.core.state.taken
    }

    /// Number of seats that are kept free for people who are yet to come.
    #[must_use]
    pub fn reserved(&self) -> u16 {
        self.core.state.reserved_count()
    }

    /// The people that the game has asked for last, found or not. The owner of a restored room looks for them again.
    #[must_use]
    pub const fn seek(&self) -> Option<&Seek> {
        self.core.state.seek.as_ref()
    }

    /// The game's settings, clamped to their ranges; the label is the present one.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.core.state.settings
    }

    /// What match listings show.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.core.state.settings.label
    }

    /// Number of the last tick; 0 before the first.
    #[must_use]
    pub const fn tick_number(&self) -> Tick {
        self.core.state.tick
    }

    /// Is the room over?
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.core.state.closed
    }

    /// Tokens of the jobs whose results are waited for, in the order they were asked for.
    #[must_use]
    pub fn jobs(&self) -> &[u64] {
        self.core.state.jobs.tokens()
    }

    /// Tokens of the store operations whose results are waited for, in the order they were asked for.
    #[must_use]
    pub fn store_ops(&self) -> &[u64] {
        self.core.state.store_ops.tokens()
    }

    /// Tokens of the calls whose answers are waited for, in the order they were made.
    #[must_use]
    pub fn calls(&self) -> &[u64] {
        self.core.state.calls.tokens()
    }

    /// What has been counted.
    #[must_use]
    pub const fn counters(&self) -> Counters {
        Counters {
            inputs_dropped: self.core.inputs_dropped,
            ..self.counters
        }
    }

    /// The latest time heard of, from which a snapshot's deadlines count.
    #[must_use]
    pub const fn now(&self) -> Duration {
        self.pace.now
    }

    /// The seed the room was opened with.
    #[must_use]
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// The whole room: seats, generator, waiting inputs, deadlines as spans from [`Self::now`], and the game.
    #[must_use]
    pub fn snapshot(&self) -> Vec<u8> {
        let mut out = vec![SNAPSHOT_VERSION];
        put_fixed(&mut out, self.seed);
        put_bytes(&mut out, &self.params);
        self.pace.write(&mut out);
        self.core.write(&mut out);
        out
    }

    /// [`crate::xxh64`] of the room's part and the game's snapshot, without the clock's part:
    /// what replaying the same inputs must reproduce.
    #[must_use]
    pub fn state_hash(&self) -> u64 {
        self.core.hash()
    }

    /// What has been recorded so far; none in a room that records nothing.
    #[must_use]
    pub fn recording(&self) -> Option<Recording> {
        self.log.recording(self.seed, &self.params, &self.core)
    }

    fn free(&mut self, seat: SeatIndex, reason: LeaveReason, out: &mut Vec<Effect>) {
        self.record(|| Event::Leave { seat, reason });
        self.core.leave(seat, reason, out);
        self.pace.follow(&self.core.state);
    }

    fn end_reservations(&mut self, users: Vec<UserId>, out: &mut Vec<Effect>) {
        if users.is_empty() {
            return;
        }
        self.record(|| Event::Unreserve {
            users: users.clone(),
        });
        self.core.unreserve(&users, out);
        self.pace.follow(&self.core.state);
    }

    fn run_tick(&mut self, out: &mut Vec<Effect>) {
        self.record(|| Event::Tick);
        self.core.tick(out);
        if !self.core.state.closed {
            self.core.encode();
        }
        if self.core.state.tick.0.is_multiple_of(HASH_EVERY_TICKS) && !self.core.state.closed {
            self.prove();
        }
        self.pace.follow(&self.core.state);
    }

    /// Records the state's hash. The inboxes are empty here, which is when a log with a gap may find room again.
    fn prove(&mut self) {
        if self.log.is_on() {
            let hash = self.core.hash();
            self.record(|| Event::Hash(hash));
        } else {
            self.log.resume(&self.core);
        }
    }

    /// Records before the call is made, so that the call that panics is in the recording.
    fn record(&mut self, event: impl FnOnce() -> Event) {
        if self.log.is_on() && !self.core.state.closed {
            self.log.push(&event(), &self.core);
        }
    }
}

const SNAPSHOT_VERSION: u8 = 4;
