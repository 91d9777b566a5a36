//! Stored objects: values of accounts and of the server, by collection and key.

use tagus_base::{UnixMillis, UserId};

use crate::batch::Outcome;
use crate::error::{Conflict, StoreError};
use crate::sql::{Query, Row, RowError, Step, params};
use crate::store::Store;

/// A stored object. Its collection, owner and key name it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StorageRow {
    /// What kind of object.
    pub collection: String,
    /// Whose; the nil id is the server's, which has no account.
    pub owner: UserId,
    /// Which one; not empty.
    pub key: String,
    /// A JSON object as text.
    pub value: String,
    /// Names the value.
    pub version: String,
    /// Who may read it: a larger number lets more read it, and with 2 it is listed as public.
    pub permission_read: i64,
    /// Who may write it: a larger number lets more write it.
    pub permission_write: i64,
    /// When it was first written.
    pub create_time: UnixMillis,
    /// When it was last written.
    pub update_time: UnixMillis,
}

/// What a write may find in its place.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Overwrite {
    /// Any object or none.
    Any,
    /// None.
    Absent,
    /// An object of this version.
    Version(String),
}

/// What is written of stored objects.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum StorageOp {
    /// Adds or replaces an object; one that is replaced keeps its `create_time`.
    /// Conflicts: `Changed` where what is there is not what `over` says or may not be written, `Missing` without the
    /// owner's account.
    Put {
        /// The object as it shall be.
        row: Box<StorageRow>,
        /// What may be there.
        over: Overwrite,
        /// The least `permission_write` of an object that may be replaced.
        permission_write_min: i64,
    },
    /// Removes an object.
    /// Conflicts: `Changed` where there is none that may be removed.
    Delete {
        /// See [`StorageRow::collection`].
        collection: String,
        /// See [`StorageRow::owner`].
        owner: UserId,
        /// See [`StorageRow::key`].
        key: String,
        /// The version that it must have.
        version: Option<String>,
        /// The least `permission_write` of an object that may be removed.
        permission_write_min: i64,
    },
}

impl StorageOp {
    pub(crate) fn into_steps(self, out: &mut Vec<Step>) {
        let step = match self {
            Self::Put {
                row,
                over,
                permission_write_min,
            } => put(*row, over, permission_write_min),
            Self::Delete {
                collection,
                owner,
                key,
                version,
                permission_write_min,
            } => Step::write(
                "DELETE FROM storage WHERE collection = $1 AND owner = $2 AND key = $3
                   AND permission_write >= $4 AND version = coalesce($5, version)",
                params![collection, owner, key, permission_write_min, version],
            ),
        };
        out.push(step.or(Conflict::Changed));
    }
}

fn put(row: StorageRow, over: Overwrite, permission_write_min: i64) -> Step {
    let version = match over {
        Overwrite::Version(version) => version,
        over => return insert(row, over == Overwrite::Any, permission_write_min),
    };
    Step::returning(
        "UPDATE storage SET value = $1, version = $2, permission_read = $3, permission_write = $4, update_time = $5
         WHERE collection = $6 AND owner = $7 AND key = $8 AND version = $9 AND permission_write >= $10
         RETURNING create_time",
        params![
            row.value,
            row.version,
            row.permission_read,
            row.permission_write,
            row.update_time,
            row.collection,
            row.owner,
            row.key,
            version,
            permission_write_min,
        ],
    )
}

fn insert(row: StorageRow, replaces: bool, permission_write_min: i64) -> Step {
    Step::returning(
        "INSERT INTO storage (collection, owner, key, value, version, permission_read, permission_write,
            create_time, update_time)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (collection, owner, key) DO UPDATE SET
            value = excluded.value, version = excluded.version, permission_read = excluded.permission_read,
            permission_write = excluded.permission_write, update_time = excluded.update_time
         WHERE $10 AND storage.permission_write >= $11
         RETURNING create_time",
        params![
            row.collection,
            row.owner,
            row.key,
            row.value,
            row.version,
            row.permission_read,
            row.permission_write,
            row.create_time,
            row.update_time,
            replaces,
            permission_write_min,
        ],
    )
}

impl Outcome {
    /// When the objects that [`StorageOp::Put`] wrote were first written, in the order of the operations.
    ///
    /// # Errors
    ///
    /// `Database` where the rows cannot be read.
    pub fn storage_create_times(self) -> Result<Vec<UnixMillis>, StoreError> {
        let times = self.returned.into_iter().map(|(_, mut row)| row.time(0));
        let times: Result<Vec<_>, RowError> = times.collect();
        times.map_err(|err| StoreError::Database {
            doing: "read returned rows",
            source: std::sync::Arc::new(err),
        })
    }
}

macro_rules! storage_where {
    ($condition:literal) => {
        concat!(
            "SELECT collection, owner, key, value, version, permission_read, permission_write, create_time, update_time ",
            "FROM storage WHERE ",
            $condition
        )
    };
}

impl Store {
    /// The objects of these collections, owners and keys that may be read, in the order asked for; others are left out.
    /// With each goes the least `permission_read` that it must have. The caller bounds how many it asks for.
    ///
    /// # Errors
    ///
    /// As [`Store::account_by_id`].
    pub async fn storage_objects(
        &self,
        ids: &[(&str, UserId, &str, i64)],
    ) -> Result<Vec<StorageRow>, StoreError> {
        let sql =
            storage_where!("collection = $1 AND owner = $2 AND key = $3 AND permission_read >= $4");
        let query = |(collection, owner, key, least): &(&str, UserId, &str, i64)| {
            Query::new(sql, params![*collection, *owner, *key, *least], decode)
        };
        self.each(ids.iter().map(query).collect()).await
    }

    /// Objects of one owner in a collection, by key, behind the given one; those with at least this `permission_read`.
    ///
    /// # Errors
    ///
    /// As [`Store::account_by_id`].
    pub async fn storage_of_owner(
        &self,
        collection: &str,
        owner: UserId,
        permission_read_min: i64,
        after: &str,
        limit: u32,
    ) -> Result<Vec<StorageRow>, StoreError> {
        let sql = storage_where!(
            "collection = $1 AND owner = $2 AND permission_read >= $3 AND key > $4
             ORDER BY key LIMIT $5"
        );
        let limit = i64::from(limit);
        let params = params![collection, owner, permission_read_min, after, limit];
        self.all(Query::new(sql, params, decode)).await
    }

    /// Public objects of all owners in a collection, by key, then owner, behind the given place.
    ///
    /// # Errors
    ///
    /// As [`Store::account_by_id`].
    pub async fn storage_public(
        &self,
        collection: &str,
        after: (&str, UserId),
        limit: u32,
    ) -> Result<Vec<StorageRow>, StoreError> {
        let sql = storage_where!(
            "collection = $1 AND permission_read = 2 AND (key, owner) > ($2, $3)
             ORDER BY key, owner LIMIT $4"
        );
        let params = params![collection, after.0, after.1, i64::from(limit)];
        self.all(Query::new(sql, params, decode)).await
    }

    /// All objects of a collection, by owner, then key, behind the given place.
    ///
    /// # Errors
    ///
    /// As [`Store::account_by_id`].
    pub async fn storage_of_collection(
        &self,
        collection: &str,
        after: (UserId, &str),
        limit: u32,
    ) -> Result<Vec<StorageRow>, StoreError> {
        let sql = storage_where!(
            "collection = $1 AND (owner, key) > ($2, $3) ORDER BY owner, key LIMIT $4"
        );
        let params = params![collection, after.0, after.1, i64::from(limit)];
        self.all(Query::new(sql, params, decode)).await
    }

    /// All objects of an account, by collection, then key, behind the given place.
    ///
    /// # Errors
    ///
    /// As [`Store::account_by_id`].
    pub async fn storage_of_account(
        &self,
        account: UserId,
        after: (&str, &str),
        limit: u32,
    ) -> Result<Vec<StorageRow>, StoreError> {
        let sql = storage_where!(
            "account_id = $1 AND (collection, key) > ($2, $3) ORDER BY collection, key LIMIT $4"
        );
        let params = params![account, after.0, after.1, i64::from(limit)];
        self.all(Query::new(sql, params, decode)).await
    }
}

fn decode(row: &mut Row) -> Result<StorageRow, RowError> {
    Ok(StorageRow {
        collection: row.text(0)?,
        owner: row.user(1)?,
        key: row.text(2)?,
        value: row.text(3)?,
        version: row.text(4)?,
        permission_read: row.int(5)?,
        permission_write: row.int(6)?,
        create_time: row.time(7)?,
        update_time: row.time(8)?,
    })
}
