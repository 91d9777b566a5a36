//! What a game sees of its room, and what it may do there.

use std::collections::VecDeque;

use bytes::Bytes;
use tagus_base::{Rng, SeatIndex, SessionId, Tick};

use crate::call;
use crate::state::{Kick, State};
use crate::{
    CallRefused, Class, Effect, JOBS_MAX, Job, LABEL_BYTES_MAX, Person, Seek, SeekRefused, StoreOp,
    StoreRefused, To,
};

/// The room, as lent to a callback of [`crate::Game`].
///
/// Sends and the like happen in the order of the calls, after the callback returned.
/// Of one callback's effects come first the immediate ones, then the leaves of those it kicked, then the deferred sends,
/// and last of all the closing.
pub struct Room<'a> {
    pub(crate) state: &'a mut State,
    pub(crate) out: &'a mut Vec<Effect>,
}

impl Room<'_> {
    /// Number of the tick that runs, or of the last one between ticks; 0 before the first, which has number 1.
    #[must_use]
    pub const fn tick(&self) -> Tick {
        self.state.tick
    }

    /// Ticks per second, 1..=60.
    #[must_use]
    pub const fn tick_rate_hz(&self) -> u8 {
        self.state.settings.tick_rate_hz
    }

    /// Time the room has lived through, in milliseconds of its own ticks. It stands still while the room sleeps, and may
    /// be ahead of the clock by [`crate::Settings::ahead_ticks`].
    #[must_use]
    pub const fn elapsed_ms(&self) -> u64 {
        self.state.tick.0.saturating_mul(1_000) / self.state.settings.tick_rate_hz as u64
    }

    /// The room's generator, part of its state.
    pub const fn rng(&mut self) -> &mut Rng {
        &mut self.state.rng
    }

    /// The taken seats, held ones too, in order of their index.
    pub fn seats(&self) -> impl Iterator<Item = (SeatIndex, &Seat)> {
        self.state.seats()
    }

    /// Who sits there, or none when the seat is free.
    #[must_use]
    pub fn seat(&self, seat: SeatIndex) -> Option<&Seat> {
        self.state.seat(seat)
    }

    /// Number of taken seats, held ones too.
    #[must_use]
    pub const fn seat_count(&self) -> u16 {
        self.state.taken
    }

    /// Number of seats that are kept free for people who are yet to come.
    #[must_use]
    pub fn reserved(&self) -> u16 {
        self.state.reserved_count()
    }

    /// Sends reliably and in order, as coming from the room.
    pub fn send(&mut self, to: To, op: i64, data: impl Into<Bytes>) {
        self.send_class(to, Class::ReliableOrdered, op, data);
    }

    /// Sends in the given class, as coming from the room.
    pub fn send_class(&mut self, to: To, class: Class, op: i64, data: impl Into<Bytes>) {
        self.out.push(Effect::Send {
            to,
            class,
            op,
            sender: None,
            data: data.into(),
        });
    }

    /// Sends after everything else of this callback, reliably and in order.
    pub fn send_deferred(&mut self, to: To, op: i64, data: impl Into<Bytes>) {
        let class = Class::ReliableOrdered;
        self.state.deferred.push(Effect::Send {
            to,
            class,
            op,
            sender: None,
            data: data.into(),
        });
    }

    /// Sends reliably and in order, shown to come from the person on `sender`.
    pub fn send_as(&mut self, sender: SeatIndex, to: To, op: i64, data: impl Into<Bytes>) {
        let class = Class::ReliableOrdered;
        self.out.push(Effect::Send {
            to,
            class,
            op,
            sender: Some(sender),
            data: data.into(),
        });
    }

    /// Frees the seat after this callback; the game's `leave` is called for it. A free seat is left alone.
    /// `reason` is a sentence for the person.
    pub fn kick(&mut self, seat: SeatIndex, reason: &str) {
        let known = self.state.kicks.iter().any(|kick| kick.seat == seat);
        if self.seat(seat).is_some() && !known {
            self.state.kicks.push_back(Kick {
                seat,
                told: reason.to_owned(),
            });
        }
    }

    /// Changes what match listings show.
    ///
    /// # Errors
    /// The label is longer than [`LABEL_BYTES_MAX`]; the old one stays.
    pub fn set_label(&mut self, label: String) -> Result<(), LabelTooLong> {
        if label.len() > LABEL_BYTES_MAX {
            return Err(LabelTooLong);
        }
        if label != self.state.settings.label {
            self.state.settings.label.clone_from(&label);
            self.out.push(Effect::Label(label));
        }
        Ok(())
    }

    /// Runs `job` on another thread. Its result comes as [`crate::Input::Computed`] with `token` in a later tick,
    /// and is recorded, so the job itself may take any time; it should depend on nothing but what it captures.
    ///
    /// # Errors
    /// [`JOBS_MAX`] jobs of this room are under way, or done and waiting for the next tick.
    pub fn compute(
        &mut self,
        token: u64,
        job: impl FnOnce() -> Vec<u8> + Send + 'static,
    ) -> Result<(), JobsFull> {
        if self.state.jobs.is_full() {
            return Err(JobsFull);
        }
        self.state.jobs.begin(token);
        self.out.push(Effect::Compute {
            token,
            job: Job::new(job),
        });
        Ok(())
    }

    /// Reads or writes the room's durable values, in the order of the calls. The result comes as
    /// [`crate::Input::Stored`] with `token` in a later tick, and is recorded.
    ///
    /// # Errors
    /// [`crate::STORE_OPS_WAITING_MAX`] are waiting, or a key or value is too long; nothing was begun.
    pub fn store(&mut self, token: u64, op: StoreOp) -> Result<(), StoreRefused> {
        op.check()?;
        if self.state.store_ops.is_full() {
            return Err(StoreRefused::Full);
        }
        self.state.store_ops.begin(token);
        self.out.push(Effect::Store { token, op });
        Ok(())
    }

    /// Asks server code, in the order of the calls. The answer comes as [`crate::Input::Called`] with `token` in a later
    /// tick, and is recorded. What a room asks as its last act is still done.
    ///
    /// # Errors
    /// [`crate::CALLS_WAITING_MAX`] are waiting, or the name or the data are too long; nothing was begun.
    pub fn call(
        &mut self,
        token: u64,
        name: &str,
        data: impl Into<Bytes>,
    ) -> Result<(), CallRefused> {
        let data = data.into();
        call::check(name, &data)?;
        if self.state.calls.is_full() {
            return Err(CallRefused::Full);
        }
        self.state.calls.begin(token);
        self.out.push(Effect::Call {
            token,
            name: name.to_owned(),
            data,
        });
        Ok(())
    }

    /// Looks for more people, in place of what was looked for before. A seat is reserved for each who is found, and
    /// they join like everybody else. It ends when `players` were found, with [`Self::seek_end`] or with the room;
    /// whoever was found and does not come must be looked for anew.
    ///
    /// # Errors
    /// The seek is beyond its limits; an earlier one goes on.
    pub fn seek(&mut self, seek: Seek) -> Result<(), SeekRefused> {
        seek.check(self.state.settings.seats_max)?;
        self.state.seek = Some(seek.clone());
        self.out.push(Effect::Seek(Some(seek)));
        Ok(())
    }

    /// Looks for nobody any more.
    pub fn seek_end(&mut self) {
        if self.state.seek.take().is_some() {
            self.out.push(Effect::Seek(None));
        }
    }

    /// Ends the room after this callback: every seat is freed, the game's `leave` is called for each.
    pub const fn close(&mut self) {
        self.state.closing = true;
    }
}

/// A taken seat.
#[derive(Clone, Debug)]
pub struct Seat {
    /// Who sits there.
    pub person: Person,
    /// False while the seat is held for a person whose connection is lost.
    pub connected: bool,
    /// The connection that the seat belongs to at present, or belonged to last.
    pub(crate) session_id: SessionId,
    /// Messages for the next tick, oldest first.
    pub(crate) inbox: VecDeque<Waiting>,
}

/// A message that waits for the next tick.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    /// Its place in the room's order of arrival.
    pub(crate) arrival: u64,
    pub(crate) op: i64,
    pub(crate) data: Bytes,
}

impl Seat {
    /// The connection that the seat belongs to at present, or belonged to last.
    /// [`Person::session_id`] is the first one and stays the seat's public name.
    #[must_use]
    pub const fn session_id(&self) -> SessionId {
        self.session_id
    }
}

/// The label is longer than [`LABEL_BYTES_MAX`].
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("set a label of more than {LABEL_BYTES_MAX} bytes")]
pub struct LabelTooLong;

/// The room has [`JOBS_MAX`] jobs under way.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("start more than {JOBS_MAX} jobs at once")]
pub struct JobsFull;
