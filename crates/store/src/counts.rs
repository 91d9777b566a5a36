//! How many rows there are.

use crate::error::StoreError;
use crate::sql::Query;
use crate::store::Store;

/// How many rows there are.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    /// Accounts.
    pub accounts: u64,
    /// Devices of all accounts.
    pub devices: u64,
    /// Deleted accounts that are remembered.
    pub tombstones: u64,
    /// Remembered logouts.
    pub logouts: u64,
    /// Values of all rooms.
    pub room_values: u64,
}

/// Counts as of one moment.
pub(crate) fn counts() -> Query<Counts> {
    let sql = "SELECT (SELECT count(*) FROM account), (SELECT count(*) FROM device),
        (SELECT count(*) FROM tombstone), (SELECT count(*) FROM logout), (SELECT count(*) FROM room_data)";
    Query::new(sql, Vec::new(), |row| {
        Ok(Counts {
            accounts: row.count(0)?,
            devices: row.count(1)?,
            tombstones: row.count(2)?,
            logouts: row.count(3)?,
            room_values: row.count(4)?,
        })
    })
}

impl Store {
    /// How many rows there are. Looks at every row: for operators, not for requests.
    ///
    /// # Errors
    ///
    /// As [`Store::account_by_id`].
    pub async fn counts(&self) -> Result<Counts, StoreError> {
        Ok(self.first(counts()).await?.unwrap_or_default())
    }
}
