//! Devices of accounts.

use tagus_base::UserId;

use crate::error::{Conflict, StoreError};
use crate::sql::{Query, Step, params};
use crate::store::Store;

/// What is written of devices.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum DeviceOp {
    /// Gives an account a device.
    /// Conflicts: `DeviceTaken`, also where this account has it already; `Missing` without the account.
    Insert {
        /// Unique over all accounts.
        id: String,
        /// Whose device.
        user: UserId,
    },
    /// Takes a device from an account.
    /// Conflicts: `Missing` where this account has no such device.
    Delete {
        /// Which device.
        id: String,
        /// Whose device.
        user: UserId,
    },
}

impl DeviceOp {
    pub(crate) fn into_steps(self, out: &mut Vec<Step>) {
        out.push(match self {
            Self::Insert { id, user } => Step::write(
                "INSERT INTO device (id, user_id) VALUES ($1, $2)",
                params![id, user],
            ),
            Self::Delete { id, user } => Step::write(
                "DELETE FROM device WHERE id = $1 AND user_id = $2",
                params![id, user],
            )
            .or(Conflict::Missing),
        });
    }
}

impl Store {
    /// The devices of an account, in the order of their ids.
    ///
    /// # Errors
    ///
    /// As [`Store::account_by_id`].
    pub async fn devices_of(&self, user: UserId) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT id FROM device WHERE user_id = $1 ORDER BY id";
        self.all(Query::new(sql, params![user], |row| row.text(0)))
            .await
    }
}
