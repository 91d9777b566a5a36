//! What callers ask to be written.

use crate::account::AccountOp;
use crate::channel::ChannelOp;
use crate::code::CodeOp;
use crate::device::DeviceOp;
use crate::friend::FriendOp;
use crate::group::GroupOp;
use crate::job::JobOp;
use crate::leaderboard::LeaderboardOp;
use crate::leaderboard_record::LeaderboardRecordOp;
use crate::logout::LogoutOp;
use crate::notification::NotificationOp;
use crate::rating::RatingOp;
use crate::room_data::RoomDataOp;
use crate::setting::SettingOp;
use crate::sql::{Kind, Row, Step};
use crate::storage::StorageOp;
use crate::wallet::WalletOp;

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
    pub fn with(mut self, op: impl Into<Op>) -> Self {
        self.ops.push(op.into());
        self
    }
}

impl<T: Into<Op>> From<T> for Batch {
    fn from(op: T) -> Self {
        Self {
            ops: vec![op.into()],
        }
    }
}

impl<T: Into<Op>> FromIterator<T> for Batch {
    fn from_iter<I: IntoIterator<Item = T>>(ops: I) -> Self {
        Self {
            ops: ops.into_iter().map(Into::into).collect(),
        }
    }
}

/// One variant of [`Op`] per subject.
macro_rules! subjects {
    ($($(#[doc = $doc:literal])+ $subject:ident($op:ty),)+) => {
        /// One operation. What it takes for granted is its precondition: where that does not hold, the whole batch
        /// fails with the named [`crate::Conflict`]; where two of them apply, it is open which one is named.
        #[derive(Clone, Debug, Eq, PartialEq)]
        #[non_exhaustive]
        pub enum Op {
            $($(#[doc = $doc])+ $subject($op),)+
        }

        impl Op {
            /// Appends the statements of the operation.
            pub(crate) fn into_steps(self, out: &mut Vec<Step>) {
                match self {
                    $(Self::$subject(op) => op.into_steps(out),)+
                }
            }
        }

        $(impl From<$op> for Op {
            fn from(op: $op) -> Self {
                Self::$subject(op)
            }
        })+
    };
}

subjects! {
    /// See [`AccountOp`].
    Account(AccountOp),
    /// See [`ChannelOp`].
    Channel(ChannelOp),
    /// See [`CodeOp`].
    Code(CodeOp),
    /// See [`DeviceOp`].
    Device(DeviceOp),
    /// See [`FriendOp`].
    Friend(FriendOp),
    /// See [`GroupOp`].
    Group(GroupOp),
    /// See [`JobOp`].
    Job(JobOp),
    /// See [`LeaderboardOp`].
    Leaderboard(LeaderboardOp),
    /// See [`LeaderboardRecordOp`].
    LeaderboardRecord(LeaderboardRecordOp),
    /// See [`LogoutOp`].
    Logout(LogoutOp),
    /// See [`NotificationOp`].
    Notification(NotificationOp),
    /// See [`RatingOp`].
    Rating(RatingOp),
    /// See [`RoomDataOp`].
    RoomData(RoomDataOp),
    /// See [`SettingOp`].
    Setting(SettingOp),
    /// See [`StorageOp`].
    Storage(StorageOp),
    /// See [`WalletOp`].
    Wallet(WalletOp),
}

/// What a committed batch did.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Outcome {
    /// Rows that the operations added, changed or removed; rows that went along, such as the devices of a deleted
    /// account, are not counted.
    pub rows_changed: u64,
    /// What statements with `RETURNING` gave, each row with the index of its operation.
    pub(crate) returned: Vec<(usize, Row)>,
}

impl Outcome {
    /// Adds what a step did.
    pub(crate) fn take(&mut self, op_index: usize, kind: Kind, rows: u64, returned: Vec<Row>) {
        if kind != Kind::Check {
            self.rows_changed += rows;
        }
        let returned = returned.into_iter();
        self.returned.extend(returned.map(|row| (op_index, row)));
    }
}
