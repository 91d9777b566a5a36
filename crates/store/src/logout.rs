//! Logouts that must be remembered.

use tagus_base::{UnixMillis, UserId, Uuid};

use crate::error::StoreError;
use crate::sql::{Query, Row, RowError, Sql, Step, params};
use crate::store::Store;

/// Which tokens are no longer good.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Logout {
    /// The token pair with this id.
    Token(Uuid),
    /// All tokens of the user that were issued before the given time.
    UserBefore {
        /// Whose tokens.
        user: UserId,
        /// Tokens issued earlier than this are not good.
        before: UnixMillis,
    },
}

/// A logout that has to be remembered until its tokens have run out by themselves.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct LogoutRow {
    /// Which tokens.
    pub logout: Logout,
    /// When the row is no longer needed.
    pub expires_at: UnixMillis,
}

/// What is written of logouts.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum LogoutOp {
    /// Remembers a logout. A second one for the same token or user keeps the later times of the two.
    Insert(LogoutRow),
    /// Forgets the logouts that expired before the given time.
    Sweep {
        /// Rows that expire earlier than this go.
        before: UnixMillis,
    },
}

impl LogoutOp {
    pub(crate) fn into_steps(self, out: &mut Vec<Step>) {
        out.push(match self {
            Self::Insert(row) => insert(row),
            Self::Sweep { before } => {
                Step::write("DELETE FROM logout WHERE expires_at < $1", params![before])
            }
        });
    }
}

fn insert(row: LogoutRow) -> Step {
    let (kind, id, issued_before) = match row.logout {
        Logout::Token(token) => (KIND_TOKEN, token, UnixMillis(0)),
        Logout::UserBefore { user, before } => (KIND_USER, user.0, before),
    };
    // The greater of two is called by different names.
    let sql = Sql::Differs {
        sqlite: "INSERT INTO logout (kind, id, issued_before, expires_at) VALUES ($1, $2, $3, $4)
            ON CONFLICT (kind, id) DO UPDATE SET
                issued_before = max(logout.issued_before, excluded.issued_before),
                expires_at = max(logout.expires_at, excluded.expires_at)",
        postgres: "INSERT INTO logout (kind, id, issued_before, expires_at) VALUES ($1, $2, $3, $4)
            ON CONFLICT (kind, id) DO UPDATE SET
                issued_before = greatest(logout.issued_before, excluded.issued_before),
                expires_at = greatest(logout.expires_at, excluded.expires_at)",
    };
    Step::write(sql, params![kind, id, issued_before, row.expires_at])
}

impl Store {
    /// The logouts that have not expired at `now`, to be loaded at start, in a fixed order.
    ///
    /// # Errors
    ///
    /// As [`Store::account_by_id`].
    pub async fn logouts(&self, now: UnixMillis) -> Result<Vec<LogoutRow>, StoreError> {
        self.all(Query::new(
            "SELECT kind, id, issued_before, expires_at FROM logout WHERE expires_at >= $1 ORDER BY kind, id",
            params![now],
            decode,
        ))
        .await
    }
}

fn decode(row: &mut Row) -> Result<LogoutRow, RowError> {
    let (kind, id, before) = (row.int(0)?, row.uuid(1)?, row.time(2)?);
    let logout = match kind {
        KIND_TOKEN => Logout::Token(id),
        _ => Logout::UserBefore {
            user: UserId(id),
            before,
        },
    };
    Ok(LogoutRow {
        logout,
        expires_at: row.time(3)?,
    })
}

/// `logout.kind` of a token.
const KIND_TOKEN: i64 = 0;

/// `logout.kind` of a user.
const KIND_USER: i64 = 1;
