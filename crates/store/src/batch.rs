//! What callers ask to be written.

use bytes::Bytes;
use tagus_base::{UnixMillis, UserId};

use crate::row::{AccountPatch, AccountRow, LogoutRow};

/// Operations that happen in order, all or none.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Batch {
    /// The operations; a later one sees what an earlier one wrote.
    pub ops: Vec<Op>,
}

impl Batch {
    /// Operations in one batch at most; a longer batch is refused with `StoreError::BatchTooLarge`.
    pub const OPS_MAX: usize = 256;

    /// An empty batch; committing it does nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self { ops: Vec::new() }
    }

    /// The batch with one more operation.
    #[must_use]
    pub fn with(mut self, op: Op) -> Self {
        self.ops.push(op);
        self
    }
}

impl From<Op> for Batch {
    fn from(op: Op) -> Self {
        Self { ops: vec![op] }
    }
}

impl FromIterator<Op> for Batch {
    fn from_iter<I: IntoIterator<Item = Op>>(ops: I) -> Self {
        Self {
            ops: ops.into_iter().collect(),
        }
    }
}

/// One operation. What it takes for granted is its precondition: where that does not hold, the whole batch
/// fails with the named [`crate::Conflict`]; where two of them apply, it is open which one is named.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Op {
    /// Adds an account.
    /// Conflicts: `IdTaken`, `UsernameTaken`, `EmailTaken`, `CustomIdTaken`.
    AccountInsert(Box<AccountRow>),
    /// Changes an account.
    /// Conflicts: `Missing`, `UsernameTaken`, `EmailTaken`, `CustomIdTaken`.
    AccountUpdate {
        /// Whose account.
        id: UserId,
        /// What to change.
        patch: Box<AccountPatch>,
    },
    /// Deletes an account with its devices and remembers that it was there.
    /// Conflicts: `Missing`.
    AccountDelete {
        /// Whose account.
        id: UserId,
        /// When it was deleted.
        tombstone_time: UnixMillis,
    },
    /// Gives an account a device.
    /// Conflicts: `DeviceTaken`, also where this account has it already; `Missing` without the account.
    DeviceInsert {
        /// Unique over all accounts.
        id: String,
        /// Whose device.
        user: UserId,
    },
    /// Takes a device from an account.
    /// Conflicts: `Missing` where this account has no such device.
    DeviceDelete {
        /// Which device.
        id: String,
        /// Whose device.
        user: UserId,
    },
    /// Remembers a logout. A second one for the same token or user keeps the later times of the two.
    LogoutInsert(LogoutRow),
    /// Forgets the logouts that expired before the given time.
    LogoutSweep {
        /// Rows that expire earlier than this go.
        before: UnixMillis,
    },
    /// Sets a durable value of a room, replacing what was there.
    RoomDataPut {
        /// Stable name of the room.
        room_key: String,
        /// Name of the value inside the room.
        key: String,
        /// The value.
        value: Bytes,
    },
    /// Removes a durable value of a room; it need not exist.
    RoomDataDelete {
        /// Stable name of the room.
        room_key: String,
        /// Name of the value inside the room.
        key: String,
    },
}

/// What a committed batch did.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Outcome {
    /// Rows that were added, changed or removed, those removed with their account included.
    pub rows_changed: u64,
}
