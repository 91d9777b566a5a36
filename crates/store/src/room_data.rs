//! Durable values of rooms.

use bytes::Bytes;

use crate::error::StoreError;
use crate::sql::{Query, Step, params};
use crate::store::Store;

/// A durable value of a room.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RoomDataRow {
    /// Name of the value inside its room.
    pub key: String,
    /// The value; the room alone knows what it means.
    pub value: Bytes,
}

/// What is written of rooms' values.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum RoomDataOp {
    /// Sets a durable value of a room, replacing what was there.
    Put {
        /// Stable name of the room.
        room_key: String,
        /// Name of the value inside the room.
        key: String,
        /// The value.
        value: Bytes,
    },
    /// Removes a durable value of a room; it need not exist.
    Delete {
        /// Stable name of the room.
        room_key: String,
        /// Name of the value inside the room.
        key: String,
    },
}

impl RoomDataOp {
    pub(crate) fn into_steps(self, out: &mut Vec<Step>) {
        out.push(match self {
            Self::Put {
                room_key,
                key,
                value,
            } => Step::write(
                "INSERT INTO room_data (room_key, key, value) VALUES ($1, $2, $3)
                 ON CONFLICT (room_key, key) DO UPDATE SET value = excluded.value",
                params![room_key, key, value],
            ),
            Self::Delete { room_key, key } => Step::write(
                "DELETE FROM room_data WHERE room_key = $1 AND key = $2",
                params![room_key, key],
            ),
        });
    }
}

impl Store {
    /// The durable values of a room, in the order of their keys.
    ///
    /// # Errors
    ///
    /// As [`Store::account_by_id`].
    pub async fn room_data(&self, room_key: &str) -> Result<Vec<RoomDataRow>, StoreError> {
        let sql = "SELECT key, value FROM room_data WHERE room_key = $1 ORDER BY key";
        self.all(Query::new(sql, params![room_key], |row| {
            Ok(RoomDataRow {
                key: row.text(0)?,
                value: row.blob(1)?,
            })
        }))
        .await
    }
}
