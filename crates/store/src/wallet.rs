//! Wallets, which are a column of accounts, and the ledger of their changes.

use tagus_base::{UnixMillis, UserId, Uuid};

use crate::error::{Conflict, StoreError};
use crate::sql::{Query, Row, RowError, Step, params};
use crate::store::Store;

/// An entry of the ledger.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LedgerRow {
    /// Its id.
    pub id: Uuid,
    /// Whose wallet was changed.
    pub user_id: UserId,
    /// A JSON object of whole numbers, as text: what was added to each entry of the wallet.
    pub changeset: String,
    /// A JSON object as text.
    pub metadata: String,
    /// When the wallet was changed.
    pub create_time: UnixMillis,
    /// When the metadata was last changed.
    pub update_time: UnixMillis,
}

/// What is written of wallets.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum WalletOp {
    /// Sets a wallet.
    /// Conflicts: `Changed` where it is not, or no longer, `from`, or the account is gone.
    Set {
        /// Whose.
        user_id: UserId,
        /// The wallet until now, as it was read.
        from: String,
        /// The wallet as it shall be.
        to: String,
        /// When; the account's time of its last change.
        update_time: UnixMillis,
    },
    /// Adds an entry to the ledger.
    /// Conflicts: `Missing` without the account.
    Record(Box<LedgerRow>),
    /// Replaces the metadata of an entry of the ledger.
    /// Conflicts: `Missing`.
    Annotate {
        /// The entry.
        id: Uuid,
        /// See [`LedgerRow::metadata`].
        metadata: String,
        /// When.
        update_time: UnixMillis,
    },
}

impl WalletOp {
    pub(crate) fn into_steps(self, out: &mut Vec<Step>) {
        out.push(match self {
            Self::Set {
                user_id,
                from,
                to,
                update_time,
            } => Step::write(
                "UPDATE account SET wallet = $1, update_time = $2 WHERE id = $3 AND wallet = $4",
                params![to, update_time, user_id, from],
            )
            .or(Conflict::Changed),
            Self::Record(row) => Step::write(
                "INSERT INTO wallet_ledger (id, user_id, changeset, metadata, create_time, update_time)
                 VALUES ($1, $2, $3, $4, $5, $6)",
                params![
                    row.id,
                    row.user_id,
                    row.changeset,
                    row.metadata,
                    row.create_time,
                    row.update_time,
                ],
            ),
            Self::Annotate {
                id,
                metadata,
                update_time,
            } => Step::write(
                "UPDATE wallet_ledger SET metadata = $1, update_time = $2 WHERE id = $3",
                params![metadata, update_time, id],
            )
            .or(Conflict::Missing),
        });
    }
}

macro_rules! ledger_where {
    ($condition:literal) => {
        concat!(
            "SELECT id, user_id, changeset, metadata, create_time, update_time FROM wallet_ledger WHERE ",
            $condition
        )
    };
}

impl Store {
    /// The wallets of these accounts, in the order of the ids; unknown ids are left out.
    /// The caller bounds how many it asks for.
    ///
    /// # Errors
    ///
    /// As [`Store::account_by_id`].
    pub async fn wallets(&self, ids: &[UserId]) -> Result<Vec<(UserId, String)>, StoreError> {
        let sql = "SELECT id, wallet FROM account WHERE id = $1";
        let decode = |row: &mut Row| Ok((row.user(0)?, row.text(1)?));
        let queries = ids.iter().map(|id| Query::new(sql, params![*id], decode));
        self.each(queries.collect()).await
    }

    /// Entries of an account's ledger before the given one, newest first, at most `limit`.
    ///
    /// # Errors
    ///
    /// As [`Store::account_by_id`].
    pub async fn ledger(
        &self,
        user_id: UserId,
        before: (UnixMillis, Uuid),
        limit: u32,
    ) -> Result<Vec<LedgerRow>, StoreError> {
        let sql = ledger_where!(
            "user_id = $1 AND (create_time, id) < ($2, $3)
             ORDER BY create_time DESC, id DESC LIMIT $4"
        );
        let params = params![user_id, before.0, before.1, i64::from(limit)];
        self.all(Query::new(sql, params, decode)).await
    }

    /// An entry of the ledger.
    ///
    /// # Errors
    ///
    /// As [`Store::account_by_id`].
    pub async fn ledger_entry(&self, id: Uuid) -> Result<Option<LedgerRow>, StoreError> {
        let sql = ledger_where!("id = $1");
        self.first(Query::new(sql, params![id], decode)).await
    }
}

fn decode(row: &mut Row) -> Result<LedgerRow, RowError> {
    Ok(LedgerRow {
        id: row.uuid(0)?,
        user_id: row.user(1)?,
        changeset: row.text(2)?,
        metadata: row.text(3)?,
        create_time: row.time(4)?,
        update_time: row.time(5)?,
    })
}
