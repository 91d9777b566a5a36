//! Numbers that stand for something, to be told by mouth.

use tagus_base::Uuid;

use crate::error::StoreError;
use crate::sql::{Query, Step, params};
use crate::store::Store;

/// What is written of codes. What the kinds are is known above.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum CodeOp {
    /// Gives a subject its number.
    /// Conflicts: `Changed` where the number is taken or the subject has one.
    Insert {
        /// Unique over all kinds, at most [`u32::MAX`].
        number: u32,
        /// A small number.
        kind: i64,
        /// What it stands for.
        subject: Uuid,
    },
    /// Takes a subject's number away; fine where it has none.
    Delete {
        /// A small number.
        kind: i64,
        /// What it stood for.
        subject: Uuid,
    },
}

impl CodeOp {
    pub(crate) fn into_steps(self, out: &mut Vec<Step>) {
        out.push(match self {
            Self::Insert {
                number,
                kind,
                subject,
            } => Step::write(
                "INSERT INTO code (number, kind, subject) VALUES ($1, $2, $3)",
                params![i64::from(number), kind, subject],
            ),
            Self::Delete { kind, subject } => Step::write(
                "DELETE FROM code WHERE kind = $1 AND subject = $2",
                params![kind, subject],
            ),
        });
    }
}

/// Takes the numbers of an account or a group that is deleted.
pub(crate) fn delete_all(subject: Uuid) -> Step {
    Step::write("DELETE FROM code WHERE subject = $1", params![subject])
}

impl Store {
    /// The number of a subject, if it has one.
    ///
    /// # Errors
    ///
    /// As [`Store::account_by_id`].
    pub async fn code_of(&self, kind: i64, subject: Uuid) -> Result<Option<u64>, StoreError> {
        let sql = "SELECT number FROM code WHERE kind = $1 AND subject = $2";
        self.first(Query::new(sql, params![kind, subject], |row| row.count(0)))
            .await
    }

    /// What a number stands for, if it stands for something of this kind.
    ///
    /// # Errors
    ///
    /// As [`Store::account_by_id`].
    pub async fn code_subject(&self, kind: i64, number: u32) -> Result<Option<Uuid>, StoreError> {
        let sql = "SELECT subject FROM code WHERE number = $1 AND kind = $2";
        let params = params![i64::from(number), kind];
        self.first(Query::new(sql, params, |row| row.uuid(0))).await
    }
}
