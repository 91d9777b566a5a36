//! When a room is due.

use std::time::Duration;

use tagus_base::{SeatIndex, UserId};

use crate::SEATS_MAX;
use crate::codec::{Reader, put_i64, put_u64};
use crate::state::{State, read_uuid};

/// The clock side of a room: deadlines only, no state of the game. Not in the state hash.
#[derive(Debug)]
pub(crate) struct Pace {
    /// The latest time heard of; it never goes back.
    pub(crate) now: Duration,
    /// Deadline of the next tick; none while the room sleeps.
    next: Option<Duration>,
    /// The deadline of the last tick before the room fell asleep, which may be ahead of the time: the beat begins anew no
    /// earlier.
    slept_at: Duration,
    /// Which tick of its second that is, so that the periods of a second add up to exactly one.
    phase: u8,
    /// When held seats are freed, soonest first.
    holds: Vec<(Duration, SeatIndex)>,
    /// When reservations end, soonest first.
    reservations: Vec<(Duration, UserId)>,
    /// When the empty room closes.
    empty_until: Option<Duration>,
}

impl Pace {
    pub(crate) const fn new(now: Duration) -> Self {
        Self {
            now,
            next: None,
            slept_at: Duration::ZERO,
            phase: 0,
            holds: Vec::new(),
            reservations: Vec::new(),
            empty_until: None,
        }
    }

    pub(crate) fn hear(&mut self, now: Duration) {
        self.now = self.now.max(now);
    }

    /// Brings the deadlines into step with the state, after every call.
    pub(crate) fn follow(&mut self, state: &State) {
        if state.closed {
            *self = Self::new(self.now);
            return;
        }
        self.holds
            .retain(|(_, seat)| state.seat(*seat).is_some_and(|seat| !seat.connected));
        if self.reservations.len() > state.reserved.len() {
            self.reservations
                .retain(|(_, user_id)| state.reserved.contains(user_id));
        }
        if !state.is_awake() {
            if let Some(next) = self.next.take() {
                self.slept_at = next.saturating_sub(self.period_before(1, state));
            }
        } else if self.next.is_none() {
            self.phase = 0;
            // With people a period from now; for a result alone at once.
            let wait = if state.taken > 0 {
                self.period(state)
            } else {
                Duration::ZERO
            };
            self.next = Some(self.now.max(self.slept_at).saturating_add(wait));
        }
        let is_empty = state.taken == 0 && state.reserved.is_empty();
        if !is_empty || state.settings.empty_ms == 0 {
            self.empty_until = None;
        } else if self.empty_until.is_none() {
            let wait = Duration::from_millis(u64::from(state.settings.empty_ms));
            self.empty_until = Some(self.now.saturating_add(wait));
        }
    }

    /// Starts the hold of a seat whose connection was just lost.
    pub(crate) fn hold(&mut self, seat: SeatIndex, state: &State) {
        let wait = Duration::from_millis(u64::from(state.settings.seat_hold_ms));
        if state.seat(seat).is_some_and(|seat| !seat.connected)
            && !self.holds.iter().any(|(_, held)| *held == seat)
        {
            schedule(&mut self.holds, self.now.saturating_add(wait), seat);
        }
    }

    /// Lets reservations last for `wait` from now, and so the holds of those who have a seat without a connection.
    /// None ends earlier than it would have.
    pub(crate) fn reserve(&mut self, users: &[UserId], wait: Duration, state: &State) {
        let until = self.now.saturating_add(wait);
        for user_id in users {
            if state.reserved.contains(user_id) {
                schedule(&mut self.reservations, until, *user_id);
            } else if let Some(seat) = state.seat_of_user(*user_id)
                && state.seat(seat).is_some_and(|seat| !seat.connected)
            {
                schedule(&mut self.holds, until, seat);
            }
        }
    }

    /// Whose reservations have run out.
    pub(crate) fn expired_reservations(&self) -> Vec<UserId> {
        let expired = self.reservations.iter();
        let expired = expired.take_while(|(until, _)| *until <= self.now);
        expired.map(|(_, user_id)| *user_id).collect()
    }

    /// A seat whose hold has run out.
    pub(crate) fn expired_hold(&self) -> Option<SeatIndex> {
        self.holds
            .first()
            .filter(|(until, _)| *until <= self.now)
            .map(|(_, seat)| *seat)
    }

    /// Has the room been empty for too long?
    pub(crate) fn is_over(&self) -> bool {
        self.empty_until.is_some_and(|until| until <= self.now)
    }

    /// How late the next tick is; none when it is not due.
    pub(crate) fn lateness(&self) -> Option<Duration> {
        self.now.checked_sub(self.next?)
    }

    /// May the next tick run before its deadline?
    pub(crate) fn may_act_ahead(&self, state: &State) -> bool {
        self.lateness().is_none() && self.tick_due(state).is_some_and(|due| due <= self.now)
    }

    /// When the next tick may run: at its deadline, or when an input waits so many deadlines earlier as the room may be
    /// ahead.
    fn tick_due(&self, state: &State) -> Option<Duration> {
        let next = self.next?;
        if !state.has_inputs() {
            return Some(next);
        }
        let ahead = (1..=state.settings.ahead_ticks).map(|back| self.period_before(back, state));
        let ahead = next.saturating_sub(ahead.sum());
        Some(ahead.max(self.now).min(next))
    }

    /// The deadline of the next tick; none while the room sleeps.
    pub(crate) const fn beat(&self) -> Option<Duration> {
        self.next
    }

    /// From the next deadline to the one after it.
    pub(crate) fn period(&self, state: &State) -> Duration {
        period_of(self.phase.into(), state.settings.tick_rate_hz)
    }

    /// The last periods up to the next deadline, counted backwards from 1.
    fn period_before(&self, back: u8, state: &State) -> Duration {
        let rate = u32::from(state.settings.tick_rate_hz);
        let phase = (u32::from(self.phase) + rate * u32::from(back) - u32::from(back)) % rate;
        period_of(phase, state.settings.tick_rate_hz)
    }

    /// Sets the deadline after the present one.
    pub(crate) fn advance(&mut self, state: &State) {
        let period = self.period(state);
        self.next = self.next.map(|next| next.saturating_add(period));
        self.phase = (self.phase + 1) % state.settings.tick_rate_hz;
    }

    /// Moves the next deadline past the present without losing the beat. Answers how many deadlines were passed over.
    pub(crate) fn skip(&mut self, state: &State) -> u64 {
        let Some(late) = self.lateness() else {
            return 0;
        };
        let seconds = Duration::from_secs(late.as_secs());
        self.next = self.next.map(|next| next.saturating_add(seconds));
        let mut skipped = seconds
            .as_secs()
            .saturating_mul(u64::from(state.settings.tick_rate_hz));
        // What is left is less than a second.
        for _ in 0..=state.settings.tick_rate_hz {
            if self.lateness().is_none() {
                break;
            }
            self.advance(state);
            skipped = skipped.saturating_add(1);
        }
        skipped
    }

    pub(crate) fn next_due(&self, state: &State) -> Option<Duration> {
        let hold = self.holds.first().map(|(until, _)| *until);
        let reservation = self.reservations.first().map(|(until, _)| *until);
        [self.tick_due(state), hold, reservation, self.empty_until]
            .into_iter()
            .flatten()
            .min()
    }

    /// Appends the deadlines as spans from now, negative for those that are late.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        for until in [self.next, self.empty_until] {
            out.push(u8::from(until.is_some()));
            put_i64(out, self.span(until.unwrap_or(self.now)));
        }
        put_i64(out, self.span(self.slept_at.max(self.now)));
        out.push(self.phase);
        put_u64(out, self.holds.len() as u64);
        for (until, seat) in &self.holds {
            put_i64(out, self.span(*until));
            put_u64(out, u64::from(seat.0));
        }
        put_u64(out, self.reservations.len() as u64);
        for (until, user_id) in &self.reservations {
            put_i64(out, self.span(*until));
            out.extend_from_slice(&user_id.0.0);
        }
    }

    /// The deadlines as seen from another present. One that was late before time began is late since then.
    pub(crate) fn read(reader: &mut Reader<'_>, now: Duration) -> Option<Self> {
        let mut pace = Self::new(now);
        let (ticks, next) = (reader.flag()?, reader.i64()?);
        let (ends, empty_until) = (reader.flag()?, reader.i64()?);
        pace.next = ticks.then(|| pace.at(next));
        pace.empty_until = ends.then(|| pace.at(empty_until));
        pace.slept_at = pace.at(reader.i64()?);
        pace.phase = reader.u8()?;
        for _ in 0..reader.u64()? {
            if pace.holds.len() >= usize::from(SEATS_MAX) {
                return None;
            }
            let until = pace.at(reader.i64()?);
            pace.holds.push((until, SeatIndex(reader.u16()?)));
        }
        for _ in 0..reader.u64()? {
            if pace.reservations.len() >= usize::from(SEATS_MAX) {
                return None;
            }
            let until = pace.at(reader.i64()?);
            pace.reservations.push((until, UserId(read_uuid(reader)?)));
        }
        Some(pace)
    }

    /// From now until then, in nanoseconds.
    fn span(&self, until: Duration) -> i64 {
        let nanos = |span: Duration| i64::try_from(span.as_nanos()).unwrap_or(i64::MAX);
        match until.checked_sub(self.now) {
            Some(left) => nanos(left),
            None => -nanos(self.now - until),
        }
    }

    /// The time `span` nanoseconds from now.
    const fn at(&self, span: i64) -> Duration {
        let distance = Duration::from_nanos(span.unsigned_abs());
        if span < 0 {
            self.now.saturating_sub(distance)
        } else {
            self.now.saturating_add(distance)
        }
    }

    /// Are these the deadlines of a room in this state?
    pub(crate) fn suits(&self, state: &State) -> bool {
        let held = |seat: SeatIndex| state.seat(seat).is_some_and(|seat| !seat.connected);
        let mut users: Vec<UserId> = self.reservations.iter().map(|(_, user)| *user).collect();
        users.sort_unstable();
        self.phase < state.settings.tick_rate_hz
            && self.holds.is_sorted_by_key(|(until, _)| *until)
            && self.holds.iter().all(|(_, seat)| held(*seat))
            && self.reservations.is_sorted_by_key(|(until, _)| *until)
            && self.reservations.len() == state.reserved.len()
            && users.is_sorted_by(|one, other| one < other)
            && users.iter().all(|user_id| state.reserved.contains(user_id))
    }
}

/// The period of this number in its second.
fn period_of(phase: u32, tick_rate_hz: u8) -> Duration {
    let at = |phase: u32| 1_000_000_000 * u64::from(phase) / u64::from(tick_rate_hz);
    Duration::from_nanos(at(phase + 1) - at(phase))
}

/// Puts a deadline into a list that has the soonest first. One that is there is moved, but never to an earlier time.
fn schedule<T: PartialEq>(list: &mut Vec<(Duration, T)>, until: Duration, what: T) {
    if let Some(at) = list.iter().position(|(_, known)| *known == what) {
        if list[at].0 >= until {
            return;
        }
        list.remove(at);
    }
    let at = list.partition_point(|(known, _)| *known <= until);
    list.insert(at, (until, what));
}
