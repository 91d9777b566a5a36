//! Groups: their making and changing, and who is what in them.
mod role;
pub use role::GroupRole;
pub(crate) use role::role_in;

use std::fmt;

use tagus_base::{UserId, Uuid};
use tagus_store::{Store, StoreError};

use crate::{Notifications, PlayersError};

/// The groups and their rules.
#[derive(Clone)]
pub struct Groups {
    store: Store,
    notifications: Notifications,
}

impl Groups {
    /// What an account is in a group, if anything.
    ///
    /// # Errors
    /// The database failed.
    pub async fn role(
        &self,
        group_id: Uuid,
        user_id: UserId,
    ) -> Result<Option<GroupRole>, PlayersError> {
        role_in(&self.store, group_id, user_id).await
    }
}

impl fmt::Debug for Groups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Groups").finish_non_exhaustive()
    }
}

const READ: fn(StoreError) -> PlayersError = |source| PlayersError::Store {
    attempt: "read groups",
    source,
};
