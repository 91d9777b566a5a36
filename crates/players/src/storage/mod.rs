//! Storage: JSON objects of accounts and of the server, by collection and key.
//!
//! A version is the MD5 of the value's text as it was sent; it says whether somebody else wrote meanwhile, and keeps no
//! secret. Which object is there is looked at by the write itself, so of several writers of one version one wins.

mod changes;
mod objects;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use tagus_base::{UnixMillis, UserId};
use tagus_store::{
    Batch, Conflict, Op, Outcome, Overwrite, StorageOp, StorageRow, Store, StoreError,
};

use crate::PlayersError;
use crate::cursor::{Cursor, MALFORMED, checked_limit};
pub(crate) use changes::Prepared;
use objects::NAME_TOO_LONG;
pub use objects::{
    ExpectedVersion, NewObject, ObjectId, OldObject, ReadPermission, SERVER_OWNER,
    STORAGE_NAME_BYTES_MAX, StorageAck, StorageObject, StorageRights, WritePermission,
};

/// A page of a listing.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct StoragePage {
    /// The objects in order.
    pub objects: Vec<StorageObject>,
    /// The place of the next page; empty on the last one.
    pub cursor: String,
}

/// Is told which objects were written or deleted, once that is durable, before the writer is answered; and those of a
/// call of which nobody knows what became of it. Calls at the same time are told in any order, so what is there has to
/// be read. The objects of a deleted account go without a word.
pub type StorageWatch = Arc<dyn Fn(&[ObjectId]) + Send + Sync>;

/// The objects and their rules.
#[derive(Clone)]
pub struct Storage {
    store: Store,
    watch: Option<StorageWatch>,
}

impl Storage {
    /// Objects that lie in the store.
    #[must_use]
    pub const fn new(store: Store) -> Self {
        Self { store, watch: None }
    }

    /// The same with somebody who is told of every change.
    #[must_use]
    pub fn watched_by(self, watch: StorageWatch) -> Self {
        Self {
            watch: Some(watch),
            ..self
        }
    }

    /// The objects of these names that are there and may be read, in the order asked for, each once.
    ///
    /// # Errors
    /// Too many names.
    pub async fn read(
        &self,
        rights: StorageRights,
        ids: &[ObjectId],
    ) -> Result<Vec<StorageObject>, PlayersError> {
        check_count(rights, ids.len())?;
        let mut seen = BTreeSet::new();
        let once = ids.iter().filter(|id| seen.insert(*id));
        let named = once.map(|id| {
            let least = rights.read_min(id.owner).number();
            (id.collection(), id.owner, id.key(), i64::from(least))
        });
        let named: Vec<_> = named.collect();
        let rows = self.store.storage_objects(&named).await.map_err(READ)?;
        Ok(rows.into_iter().map(StorageObject::from).collect())
    }

    /// Objects of a collection that may be read, behind the cursor: those of one owner by key; without an owner the public
    /// ones of all by key, then owner, or for the server all there are by owner, then key.
    ///
    /// # Errors
    /// A limit that is not in 1..=[`STORAGE_LIST_MAX`], a collection that is none, a cursor of another listing.
    pub async fn list(
        &self,
        rights: StorageRights,
        owner: Option<UserId>,
        collection: &str,
        limit: i32,
        cursor: &str,
    ) -> Result<StoragePage, PlayersError> {
        checked_limit(limit, STORAGE_LIST_MAX)?;
        if collection.is_empty() || collection.len() > STORAGE_NAME_BYTES_MAX {
            return Err(NAME_TOO_LONG);
        }
        let kind = match (owner, rights) {
            (Some(_), _) => KIND_OWNER,
            (None, StorageRights::User(_)) => KIND_PUBLIC,
            (None, StorageRights::Server) => KIND_COLLECTION,
        };
        let place = owner.unwrap_or(SERVER_OWNER);
        let after = read_cursor(kind, collection, place, cursor)?;
        let (store, count) = (&self.store, limit.unsigned_abs() + 1);
        let rows = match kind {
            KIND_OWNER => {
                let least = rights.read_min(place).number().into();
                store
                    .storage_of_owner(collection, place, least, &after.1, count)
                    .await
            }
            KIND_PUBLIC => {
                let after = (after.1.as_str(), after.0);
                store.storage_public(collection, after, count).await
            }
            _ => {
                let after = (after.0, after.1.as_str());
                store.storage_of_collection(collection, after, count).await
            }
        };
        Ok(page(kind, place, limit, rows.map_err(READ)?))
    }

    /// All objects of an account, by collection, then key: for handing its data to whom it belongs.
    ///
    /// # Errors
    /// The database failed.
    pub async fn export(&self, account: UserId) -> Result<Vec<StorageObject>, PlayersError> {
        let mut objects: Vec<StorageObject> = Vec::new();
        loop {
            let after = objects
                .last()
                .map_or(("", ""), |last| (last.id.collection(), last.id.key()));
            let rows = self.store.storage_of_account(account, after, EXPORT_ROWS);
            let rows = rows.await.map_err(READ)?;
            if rows.is_empty() {
                return Ok(objects);
            }
            objects.extend(rows.into_iter().map(StorageObject::from));
        }
    }

    /// Writes objects, all or none. Of two with the same name the later one counts, and its version is held against the
    /// earlier one. The answers are in the order of the request.
    ///
    /// # Errors
    /// Too many objects, one that is none of the caller's, a value that is no JSON object; an object there that may not be
    /// written or has another version; an owner without an account.
    pub async fn write(
        &self,
        now: UnixMillis,
        rights: StorageRights,
        objects: Vec<NewObject>,
    ) -> Result<Vec<StorageAck>, PlayersError> {
        self.commit(self.prepare(now, rights, objects, Vec::new())?)
            .await
    }

    /// Deletes objects, all or none.
    ///
    /// # Errors
    /// Too many objects, one that is none of the caller's; one that is not there, may not be deleted, or has another
    /// version.
    pub async fn delete(
        &self,
        now: UnixMillis,
        rights: StorageRights,
        objects: Vec<OldObject>,
    ) -> Result<(), PlayersError> {
        let deleted = self.commit(self.prepare(now, rights, Vec::new(), objects)?);
        deleted.await.map(drop)
    }

    async fn commit(&self, prepared: Prepared) -> Result<Vec<StorageAck>, PlayersError> {
        if prepared.ops.is_empty() {
            return Ok(Vec::new());
        }
        let ops = prepared.ops.iter().cloned();
        match self.store.commit(ops.collect::<Batch>()).await {
            Ok(outcome) => self.finish(prepared, outcome),
            Err(source) => {
                self.failed(&prepared, &source);
                let op = match source {
                    StoreError::Conflict { op_index, .. } => prepared.ops.get(op_index),
                    _ => None,
                };
                Err(self.refused(op, source).await)
            }
        }
    }

    /// Checks changes and makes them operations.
    pub(crate) fn prepare(
        &self,
        now: UnixMillis,
        rights: StorageRights,
        writes: Vec<NewObject>,
        deletes: Vec<OldObject>,
    ) -> Result<Prepared, PlayersError> {
        Prepared::of(now, rights, writes, deletes, self.watch.is_some())
    }

    /// Tells what was committed, and answers.
    pub(crate) fn finish(
        &self,
        prepared: Prepared,
        outcome: Outcome,
    ) -> Result<Vec<StorageAck>, PlayersError> {
        self.tell(&prepared);
        let create_times = outcome.storage_create_times().map_err(WRITE)?;
        Ok(prepared.done(&create_times))
    }

    /// Tells of a commit that failed in a way that leaves open whether it was made.
    pub(crate) fn failed(&self, prepared: &Prepared, error: &StoreError) {
        if error.conflict().is_none() {
            self.tell(prepared);
        }
    }

    fn tell(&self, prepared: &Prepared) {
        if let Some(watch) = &self.watch
            && !prepared.touched.is_empty()
        {
            watch(&prepared.touched);
        }
    }

    /// Why the operation was refused; what is there is looked at for the wording alone.
    pub(crate) async fn refused(&self, op: Option<&Op>, source: StoreError) -> PlayersError {
        let put = match (source.conflict(), op) {
            (Some(Conflict::Missing), _) => return PlayersError::NotFound("Account not found."),
            (Some(_), Some(Op::Storage(StorageOp::Delete { .. }))) => return DELETE_REJECTED,
            (Some(_), Some(Op::Storage(put))) => put,
            _ => return WRITE(source),
        };
        let StorageOp::Put {
            row,
            over,
            permission_write_min,
        } = put
        else {
            return WRITE(source);
        };
        if *over == Overwrite::Any {
            return PERMISSION_DENIED;
        }
        let named = (row.collection.as_str(), row.owner, row.key.as_str(), 0);
        match self.store.storage_objects(&[named]).await {
            Ok(found) => match found.first() {
                Some(found) if found.permission_write < *permission_write_min => PERMISSION_DENIED,
                _ => VERSION_FAILED,
            },
            Err(source) => READ(source),
        }
    }
}

impl fmt::Debug for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Storage").finish_non_exhaustive()
    }
}

fn check_count(rights: StorageRights, count: usize) -> Result<(), PlayersError> {
    let (max, text) = match rights {
        StorageRights::User(_) => (
            STORAGE_OBJECTS_MAX,
            "At most 100 storage objects may be named at once.",
        ),
        StorageRights::Server => (
            Batch::OPS_MAX,
            "At most 256 storage objects may be named at once.",
        ),
    };
    if count > max {
        return Err(PlayersError::InvalidArgument(text));
    }
    Ok(())
}

/// The place behind which a page begins: an owner and a key.
fn read_cursor(
    kind: u8,
    collection: &str,
    place: UserId,
    cursor: &str,
) -> Result<(UserId, String), PlayersError> {
    if cursor.is_empty() {
        return Ok((SERVER_OWNER, String::new()));
    }
    let mut read = Cursor::read(kind, cursor)?;
    if read.text()? != collection || read.user()? != place {
        return Err(MALFORMED);
    }
    let after = (read.user()?, read.text()?);
    read.end()?;
    Ok(after)
}

/// A page of rows, of which one more than the limit was read to see whether there is another page.
fn page(kind: u8, place: UserId, limit: i32, mut rows: Vec<StorageRow>) -> StoragePage {
    let limit = usize::try_from(limit).unwrap_or_default();
    let more = rows.len() > limit;
    rows.truncate(limit);
    let cursor = match rows.last() {
        Some(last) if more => Cursor::new(kind)
            .text(&last.collection)
            .uuid(place.0)
            .uuid(last.owner.0)
            .text(&last.key)
            .write(),
        _ => String::new(),
    };
    StoragePage {
        objects: rows.into_iter().map(StorageObject::from).collect(),
        cursor,
    }
}

/// Objects that a client may name in one call, at most.
pub const STORAGE_OBJECTS_MAX: usize = 100;
/// Objects on one page, at most.
pub const STORAGE_LIST_MAX: i32 = 100;

const EXPORT_ROWS: u32 = 100;
const KIND_OWNER: u8 = 21;
const KIND_PUBLIC: u8 = 22;
const KIND_COLLECTION: u8 = 23;

const READ: fn(StoreError) -> PlayersError = |source| PlayersError::Store {
    attempt: "read storage objects",
    source,
};
const WRITE: fn(StoreError) -> PlayersError = |source| PlayersError::Store {
    attempt: "write storage objects",
    source,
};
const PERMISSION_DENIED: PlayersError =
    PlayersError::InvalidArgument("Storage write rejected - permission denied.");
const VERSION_FAILED: PlayersError =
    PlayersError::InvalidArgument("Storage write rejected - version check failed.");
const DELETE_REJECTED: PlayersError = PlayersError::InvalidArgument(
    "Storage delete rejected - not found, version check failed, or permission denied.",
);
