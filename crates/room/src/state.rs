//! A room's state but for the game: seats, chance, tick, waiting inputs. All of it is in the snapshot and in the hash.

use std::collections::{BTreeSet, VecDeque};

use bytes::Bytes;
use tagus_base::{Rng, SeatIndex, SessionId, Tick, UserId, Uuid};

use crate::asked::Asked;
use crate::call::{read_answer, write_answer};
use crate::codec::{Reader, put_bytes, put_fixed, put_i64, put_u64};
use crate::room::Waiting;
use crate::seek::{read_seek, write_seek};
use crate::store::{read_result, write_result};
use crate::{
    AHEAD_TICKS_MAX, CALLS_WAITING_MAX, CallResult, Effect, GATHER_MS_MAX, INBOX_LEN_MAX, Input,
    JOBS_MAX, LABEL_BYTES_MAX, Message, Person, ReserveError, SEAT_HOLD_MS_MAX, SEATS_MAX,
    STORE_OPS_WAITING_MAX, Seat, Seek, Settings, StoreResult, TICK_RATE_HZ_MAX,
};

pub(crate) struct State {
    pub(crate) settings: Settings,
    pub(crate) rng: Rng,
    pub(crate) tick: Tick,
    /// By index; the last one is taken.
    seats: Vec<Option<Seat>>,
    /// Number of taken seats.
    pub(crate) taken: u16,
    /// For whom a seat is kept free: people who have none. With the taken ones no more than there are seats.
    pub(crate) reserved: BTreeSet<UserId>,
    /// The people that the game looks for.
    pub(crate) seek: Option<Seek>,
    /// Number of messages in all inboxes.
    queued: usize,
    /// Number of inputs that have arrived.
    arrivals: u64,
    pub(crate) jobs: Asked<Bytes, JOBS_MAX>,
    pub(crate) store_ops: Asked<StoreResult, STORE_OPS_WAITING_MAX>,
    pub(crate) calls: Asked<CallResult, CALLS_WAITING_MAX>,
    pub(crate) closed: bool,
    // Empty between calls, hence not in the snapshot.
    pub(crate) deferred: Vec<Effect>,
    pub(crate) kicks: VecDeque<Kick>,
    pub(crate) closing: bool,
    /// Scratch of [`Self::drain`].
    waiting: Vec<(u64, Input)>,
}

/// A seat to be freed after the callback.
pub(crate) struct Kick {
    pub(crate) seat: SeatIndex,
    pub(crate) told: String,
}

impl State {
    pub(crate) fn new(settings: Settings, rng: Rng) -> Self {
        Self {
            settings: clamped(settings),
            rng,
            tick: Tick(0),
            seats: Vec::new(),
            taken: 0,
            reserved: BTreeSet::new(),
            seek: None,
            queued: 0,
            arrivals: 0,
            jobs: Asked::new(),
            store_ops: Asked::new(),
            calls: Asked::new(),
            closed: false,
            deferred: Vec::new(),
            kicks: VecDeque::new(),
            closing: false,
            waiting: Vec::new(),
        }
    }

    pub(crate) fn seats(&self) -> impl Iterator<Item = (SeatIndex, &Seat)> {
        (0..)
            .map(SeatIndex)
            .zip(&self.seats)
            .filter_map(|(index, seat)| Some((index, seat.as_ref()?)))
    }

    pub(crate) fn seat(&self, seat: SeatIndex) -> Option<&Seat> {
        self.seats.get(usize::from(seat.0))?.as_ref()
    }

    pub(crate) fn seat_mut(&mut self, seat: SeatIndex) -> Option<&mut Seat> {
        self.seats.get_mut(usize::from(seat.0))?.as_mut()
    }

    /// The seat that belongs to this connection.
    pub(crate) fn seat_of_session(&self, session_id: SessionId) -> Option<SeatIndex> {
        self.seats()
            .find(|(_, seat)| seat.session_id == session_id)
            .map(|(index, _)| index)
    }

    /// The first seat of this account.
    pub(crate) fn seat_of_user(&self, user_id: UserId) -> Option<SeatIndex> {
        self.seats()
            .find(|(_, seat)| seat.person.user_id == user_id)
            .map(|(index, _)| index)
    }

    /// Is every seat taken, or reserved for somebody else?
    pub(crate) fn is_full_for(&self, user_id: UserId) -> bool {
        self.seats_free() == 0 && !self.reserved.contains(&user_id)
    }

    /// Seats that are neither taken nor reserved.
    fn seats_free(&self) -> u16 {
        self.settings.seats_max - self.taken - self.reserved_count()
    }

    pub(crate) fn reserved_count(&self) -> u16 {
        u16::try_from(self.reserved.len()).expect("no more than there are seats")
    }

    /// Those of `users` for whom a seat would have to be reserved, each once.
    pub(crate) fn needy(&self, users: &[UserId]) -> Result<Vec<UserId>, ReserveError> {
        if self.closed {
            return Err(ReserveError::Closed);
        }
        let mut needy: BTreeSet<UserId> = users.iter().copied().collect();
        needy.retain(|user_id| !self.reserved.contains(user_id));
        for (_, seat) in self.seats() {
            needy.remove(&seat.person.user_id);
        }
        if needy.len() > usize::from(self.seats_free()) {
            return Err(ReserveError::Full);
        }
        Ok(needy.into_iter().collect())
    }

    /// Takes the free seat of the lowest index. There must be one.
    pub(crate) fn take(&mut self, person: Person) -> SeatIndex {
        assert!(self.seats_free() > 0, "a seat is free");
        let free = self
            .seats
            .iter()
            .position(Option::is_none)
            .unwrap_or_else(|| {
                self.seats.push(None);
                self.seats.len() - 1
            });
        let session_id = person.session_id;
        self.seats[free] = Some(Seat {
            person,
            connected: true,
            session_id,
            inbox: VecDeque::new(),
        });
        self.taken += 1;
        SeatIndex(u16::try_from(free).expect("fewer than SEATS_MAX seats are taken"))
    }

    /// Frees the seat, with the messages that wait in it: the next one there must not be taken for their sender.
    pub(crate) fn free(&mut self, seat: SeatIndex) -> Option<Person> {
        let freed = self.seats.get_mut(usize::from(seat.0))?.take()?;
        self.taken -= 1;
        self.queued -= freed.inbox.len();
        while self.seats.last().is_some_and(Option::is_none) {
            self.seats.pop();
        }
        Some(freed.person)
    }

    /// Queues a message; false when the seat's oldest had to go for it. A message from a free seat is ignored.
    pub(crate) fn message(&mut self, seat: SeatIndex, op: i64, data: Bytes) -> bool {
        let arrival = self.arrivals;
        let Some(seat) = self.seat_mut(seat) else {
            return true;
        };
        let full = seat.inbox.len() >= INBOX_LEN_MAX;
        if full {
            seat.inbox.pop_front();
        }
        seat.inbox.push_back(Waiting { arrival, op, data });
        self.arrivals += 1;
        self.queued += usize::from(!full);
        !full
    }

    pub(crate) fn computed(&mut self, token: u64, data: Bytes) {
        self.jobs.done(token, data, &mut self.arrivals);
    }

    pub(crate) fn stored(&mut self, token: u64, result: StoreResult) {
        self.store_ops.done(token, result, &mut self.arrivals);
    }

    pub(crate) fn called(&mut self, token: u64, result: CallResult) {
        self.calls.done(token, result, &mut self.arrivals);
    }

    /// Is there anybody, or anything, to tick for?
    pub(crate) const fn is_awake(&self) -> bool {
        !self.closed && (self.taken > 0 || self.has_results())
    }

    /// Does an input wait for the next tick?
    pub(crate) const fn has_inputs(&self) -> bool {
        self.queued > 0 || self.has_results()
    }

    const fn has_results(&self) -> bool {
        self.jobs.has_results() || self.store_ops.has_results() || self.calls.has_results()
    }

    /// Moves what waits into `inputs`, in order of arrival.
    pub(crate) fn drain(&mut self, inputs: &mut Vec<Input>) {
        if !self.has_inputs() {
            return;
        }
        let waiting = &mut self.waiting;
        for (seat, taken) in (0..).map(SeatIndex).zip(&mut self.seats) {
            let inbox = taken.iter_mut().flat_map(|seat| seat.inbox.drain(..));
            waiting.extend(inbox.map(|Waiting { arrival, op, data }| {
                (arrival, Input::Message(Message { seat, op, data }))
            }));
        }
        let computed = |token, data| Input::Computed { token, data };
        waiting.extend(self.jobs.drain(computed));
        let stored = |token, result| Input::Stored { token, result };
        waiting.extend(self.store_ops.drain(stored));
        let called = |token, result| Input::Called { token, result };
        waiting.extend(self.calls.drain(called));
        self.queued = 0;
        waiting.sort_unstable_by_key(|(arrival, _)| *arrival);
        inputs.extend(waiting.drain(..).map(|(_, input)| input));
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let settings = &self.settings;
        out.push(settings.tick_rate_hz);
        out.push(settings.ahead_ticks);
        put_u64(out, u64::from(settings.seats_max));
        put_u64(out, u64::from(settings.seat_hold_ms));
        put_u64(out, u64::from(settings.empty_ms));
        put_u64(out, u64::from(settings.recording_bytes_max));
        out.push(u8::from(settings.presences));
        put_u64(out, u64::from(settings.gather_ms));
        put_bytes(out, settings.label.as_bytes());
        for word in self.rng.state() {
            put_fixed(out, word);
        }
        put_u64(out, self.tick.0);
        put_u64(out, self.arrivals);
        out.push(u8::from(self.closed));
        self.jobs.write(out, |data, out| put_bytes(out, data));
        self.store_ops.write(out, write_result);
        self.calls.write(out, write_answer);
        put_u64(out, u64::from(self.taken));
        for (index, seat) in self.seats() {
            put_u64(out, u64::from(index.0));
            write_seat(seat, out);
        }
        let reserved: Vec<UserId> = self.reserved.iter().copied().collect();
        write_users(&reserved, out);
        out.push(u8::from(self.seek.is_some()));
        if let Some(seek) = &self.seek {
            write_seek(seek, out);
        }
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let settings = Settings {
            tick_rate_hz: reader.u8()?,
            ahead_ticks: reader.u8()?,
            seats_max: reader.u16()?,
            seat_hold_ms: reader.u32()?,
            empty_ms: reader.u32()?,
            recording_bytes_max: reader.u32()?,
            presences: reader.flag()?,
            gather_ms: reader.u16()?,
            label: reader.text()?.to_owned(),
        };
        if settings.label.len() > LABEL_BYTES_MAX || clamped(settings.clone()) != settings {
            return None;
        }
        let rng = Rng::from_state([
            reader.fixed()?,
            reader.fixed()?,
            reader.fixed()?,
            reader.fixed()?,
        ]);
        let mut state = Self::new(settings, rng);
        state.tick = Tick(reader.u64()?);
        state.arrivals = reader.u64()?;
        state.closed = reader.flag()?;
        state.jobs = Asked::read(reader, Reader::owned)?;
        state.store_ops = Asked::read(reader, read_result)?;
        state.calls = Asked::read(reader, read_answer)?;
        for _ in 0..reader.u64()? {
            let index = usize::from(reader.u16()?);
            if state.seats_free() == 0
                || index < state.seats.len()
                || index >= usize::from(SEATS_MAX)
            {
                return None;
            }
            state.seats.resize_with(index, || None);
            let seat = read_seat(reader)?;
            state.queued += seat.inbox.len();
            state.seats.push(Some(seat));
            state.taken += 1;
        }
        let reserved = read_users(reader)?;
        if !reserved.is_empty() && state.needy(&reserved).ok()? != reserved {
            return None;
        }
        state.reserved.extend(reserved);
        if reader.flag()? {
            state.seek = Some(read_seek(reader)?);
        }
        Some(state)
    }
}

fn clamped(mut settings: Settings) -> Settings {
    settings.tick_rate_hz = settings.tick_rate_hz.clamp(1, TICK_RATE_HZ_MAX);
    settings.ahead_ticks = settings.ahead_ticks.min(AHEAD_TICKS_MAX);
    settings.seats_max = settings.seats_max.clamp(1, SEATS_MAX);
    settings.seat_hold_ms = settings.seat_hold_ms.min(SEAT_HOLD_MS_MAX);
    settings.gather_ms = settings.gather_ms.min(GATHER_MS_MAX);
    settings
}

pub(crate) fn write_person(person: &Person, out: &mut Vec<u8>) {
    out.extend_from_slice(&person.user_id.0.0);
    out.extend_from_slice(&person.session_id.0.0);
    put_bytes(out, person.username.as_bytes());
}

pub(crate) fn read_person(reader: &mut Reader<'_>) -> Option<Person> {
    Some(Person {
        user_id: UserId(read_uuid(reader)?),
        session_id: SessionId(read_uuid(reader)?),
        username: reader.text()?.into(),
    })
}

/// Appends accounts.
pub(crate) fn write_users(users: &[UserId], out: &mut Vec<u8>) {
    put_u64(out, users.len() as u64);
    for user_id in users {
        out.extend_from_slice(&user_id.0.0);
    }
}

pub(crate) fn read_users(reader: &mut Reader<'_>) -> Option<Vec<UserId>> {
    let mut users = Vec::new();
    for _ in 0..reader.u64()? {
        // Reading fails at the latest at the end of the bytes, so that a wrong count does not matter.
        users.push(UserId(read_uuid(reader)?));
    }
    Some(users)
}

pub(crate) fn read_uuid(reader: &mut Reader<'_>) -> Option<Uuid> {
    Some(Uuid(reader.take(16)?.try_into().ok()?))
}

fn write_seat(seat: &Seat, out: &mut Vec<u8>) {
    write_person(&seat.person, out);
    out.push(u8::from(seat.connected));
    out.extend_from_slice(&seat.session_id.0.0);
    put_u64(out, seat.inbox.len() as u64);
    for waiting in &seat.inbox {
        put_u64(out, waiting.arrival);
        put_i64(out, waiting.op);
        put_bytes(out, &waiting.data);
    }
}

fn read_seat(reader: &mut Reader<'_>) -> Option<Seat> {
    let person = read_person(reader)?;
    let connected = reader.flag()?;
    let session_id = SessionId(read_uuid(reader)?);
    let mut inbox = VecDeque::new();
    for _ in 0..reader.u64()? {
        if inbox.len() >= INBOX_LEN_MAX {
            return None;
        }
        inbox.push_back(Waiting {
            arrival: reader.u64()?,
            op: reader.i64()?,
            data: reader.owned()?,
        });
    }
    Some(Seat {
        person,
        connected,
        session_id,
        inbox,
    })
}
