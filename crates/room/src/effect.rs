//! What a host wants done.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use tagus_base::SeatIndex;

use crate::{Class, LeaveReason, Person, Seek, StoreOp, To};

/// Something the room's owner must do, in the order of the list.
#[derive(Debug)]
pub enum Effect {
    /// Deliver `data`. Seats in `to` that are free or without a connection are skipped.
    Send {
        /// The receivers.
        to: To,
        /// How it must arrive.
        class: Class,
        /// The op code.
        op: i64,
        /// The seat it is shown to come from; none: the room itself.
        sender: Option<SeatIndex>,
        /// The payload.
        data: Bytes,
    },
    /// The seat is free: announce the leave and forget its connection. Its index may be taken again by a later join.
    Freed {
        /// The seat that was freed.
        seat: SeatIndex,
        /// Who sat there.
        person: Person,
        /// Why.
        reason: LeaveReason,
        /// A sentence for the person, empty when there is none.
        told: String,
    },
    /// The room's label is this from now on.
    Label(String),
    /// Run the job elsewhere and hand its result to [`crate::Host::computed`] with the token.
    Compute {
        /// As the game gave it.
        token: u64,
        /// The work.
        job: Job,
    },
    /// Do this with the room's durable values, after its earlier ones, and hand the result to
    /// [`crate::Host::stored`] with the token.
    Store {
        /// As the game gave it.
        token: u64,
        /// What to do.
        op: StoreOp,
    },
    /// Ask the server code of this name, after the room's earlier calls, and hand the answer to [`crate::Host::called`]
    /// with the token.
    Call {
        /// As the game gave it.
        token: u64,
        /// Which piece of server code.
        name: String,
        /// What it is asked.
        data: Bytes,
    },
    /// So many seats are reserved from now on.
    Reserved(u16),
    /// Look for more people, in place of what was looked for before; none: look no longer.
    Seek(Option<Seek>),
    /// The room is over. Nothing follows; every seat has been freed, and nothing is reserved or sought any more.
    Closed,
}

/// Work that a room has handed out.
pub struct Job(Box<dyn FnOnce() -> Vec<u8> + Send>);

impl Job {
    pub(crate) fn new(work: impl FnOnce() -> Vec<u8> + Send + 'static) -> Self {
        Self(Box::new(work))
    }

    /// Does the work, on whichever thread calls it. A job that panics answers no bytes.
    #[must_use]
    pub fn run(self) -> Bytes {
        catch_unwind(AssertUnwindSafe(self.0))
            .unwrap_or_default()
            .into()
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Job")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_that_panics_answers_nothing() {
        assert_eq!(Job::new(|| vec![1, 2]).run(), Bytes::from_static(&[1, 2]));
        assert_eq!(Job::new(|| panic!("the test wants it")).run(), Bytes::new());
    }
}
