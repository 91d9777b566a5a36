//! Notifications that wait for their receivers.

use tagus_base::{UnixMillis, UserId, Uuid};

use crate::error::StoreError;
use crate::sql::{Query, Row, RowError, Step, params};
use crate::store::Store;

/// A notification that is kept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NotificationRow {
    /// Its id.
    pub id: Uuid,
    /// Who is told.
    pub user_id: UserId,
    /// A title.
    pub subject: String,
    /// A JSON object as text.
    pub content: String,
    /// What kind.
    pub code: i64,
    /// Who caused it.
    pub sender_id: Option<UserId>,
    /// When.
    pub create_time: UnixMillis,
}

/// What is written of notifications.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum NotificationOp {
    /// Keeps a notification. One of the same id that is there stays as it is.
    /// Conflicts: `Missing` without the receiver's account.
    Insert(Box<NotificationRow>),
    /// Forgets a notification of a user; it need not exist.
    Delete {
        /// Whose.
        user_id: UserId,
        /// Which.
        id: Uuid,
    },
}

impl NotificationOp {
    pub(crate) fn into_steps(self, out: &mut Vec<Step>) {
        out.push(match self {
            Self::Insert(row) => Step::write(
                "INSERT INTO notification (id, user_id, subject, content, code, sender_id, create_time)
                 VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING",
                params![
                    row.id,
                    row.user_id,
                    row.subject,
                    row.content,
                    row.code,
                    row.sender_id,
                    row.create_time,
                ],
            ),
            Self::Delete { user_id, id } => Step::write(
                "DELETE FROM notification WHERE id = $1 AND user_id = $2",
                params![id, user_id],
            ),
        });
    }
}

impl Store {
    /// Notifications of a user that came after the given one, oldest first, at most `limit`.
    ///
    /// # Errors
    ///
    /// As [`Store::account_by_id`].
    pub async fn notifications(
        &self,
        user_id: UserId,
        after: (UnixMillis, Uuid),
        limit: u32,
    ) -> Result<Vec<NotificationRow>, StoreError> {
        let sql =
            "SELECT id, user_id, subject, content, code, sender_id, create_time FROM notification
             WHERE user_id = $1 AND (create_time, id) > ($2, $3)
             ORDER BY create_time, id LIMIT $4";
        let params = params![user_id, after.0, after.1, i64::from(limit)];
        self.all(Query::new(sql, params, decode)).await
    }
}

fn decode(row: &mut Row) -> Result<NotificationRow, RowError> {
    Ok(NotificationRow {
        id: row.uuid(0)?,
        user_id: row.user(1)?,
        subject: row.text(2)?,
        content: row.text(3)?,
        code: row.int(4)?,
        sender_id: row.opt_uuid(5)?.map(UserId),
        create_time: row.time(6)?,
    })
}
