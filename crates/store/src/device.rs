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
    /// Gives an account a device; fine where it has it already. To be preceded by an operation that changes the account,
    /// so that two at once count each other's.
    /// Conflicts: `DeviceTaken` where another account has it, `DevicesFull`, `Missing` without the account.
    Link {
        /// Unique over all accounts.
        id: String,
        /// Whose device.
        user: UserId,
        /// Devices that one account may have.
        devices_max: u32,
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
        let step = match self {
            Self::Insert { id, user } => Step::write(
                "INSERT INTO device (id, user_id) VALUES ($1, $2)",
                params![id, user],
            ),
            Self::Link {
                id,
                user,
                devices_max,
            } => {
                out.push(
                    Step::write(
                        "INSERT INTO device (id, user_id) VALUES ($1, $2)
                         ON CONFLICT (id) DO UPDATE SET user_id = device.user_id
                         WHERE device.user_id = excluded.user_id",
                        params![id, user],
                    )
                    .or(Conflict::DeviceTaken),
                );
                Step::check(
                    "SELECT 1 FROM device WHERE user_id = $1 LIMIT 1 OFFSET $2",
                    params![user, i64::from(devices_max)],
                )
                .or_if_found(Conflict::DevicesFull)
            }
            Self::Delete { id, user } => Step::write(
                "DELETE FROM device WHERE id = $1 AND user_id = $2",
                params![id, user],
            )
            .or(Conflict::Missing),
        };
        out.push(step);
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
