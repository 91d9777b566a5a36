//! What operators set while the server runs, by name.

use crate::error::StoreError;
use crate::sql::{Query, Step, params};
use crate::store::Store;

/// What is written of settings.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum SettingOp {
    /// Sets a value, whether there is one or not.
    Put {
        /// Which setting.
        name: String,
        /// Its value.
        value: String,
    },
    /// Forgets a value; fine where there is none.
    Delete {
        /// Which setting.
        name: String,
    },
}

impl SettingOp {
    pub(crate) fn into_steps(self, out: &mut Vec<Step>) {
        out.push(match self {
            Self::Put { name, value } => Step::write(
                "INSERT INTO setting (name, value) VALUES ($1, $2)
                 ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                params![name, value],
            ),
            Self::Delete { name } => {
                Step::write("DELETE FROM setting WHERE name = $1", params![name])
            }
        });
    }
}

impl Store {
    /// The value of a setting, if it has one.
    ///
    /// # Errors
    ///
    /// As [`Store::account_by_id`].
    pub async fn setting(&self, name: &str) -> Result<Option<String>, StoreError> {
        let sql = "SELECT value FROM setting WHERE name = $1";
        self.first(Query::new(sql, params![name], |row| row.text(0)))
            .await
    }
}
