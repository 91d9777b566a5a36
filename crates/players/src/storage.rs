//! Storage: JSON objects of accounts and of the server, by collection and key.
//!
//! A version is the MD5 of the value's text as it was sent; it says whether somebody else wrote meanwhile, and keeps no
//! secret. Which object is there is looked at by the write itself, so of several writers of one version one wins.

use std::fmt;
use std::sync::Arc;

use md5::{Digest as _, Md5};
use tagus_base::{UnixMillis, UserId, Uuid};
use tagus_store::{
    Batch, Conflict, Op, Outcome, Overwrite, StorageOp, StorageRow, Store, StoreError,
};

use crate::PlayersError;
use crate::cursor::Cursor;
use crate::notifications::is_json_object;

/// The owner of the server's own objects: the nil id, which no account has.
pub const SERVER_OWNER: UserId = UserId(Uuid::NIL);

/// What names an object.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct ObjectId {
    collection: String,
    owner: UserId,
    key: String,
}

impl ObjectId {
    /// The object of this owner, or of [`SERVER_OWNER`], in the collection.
    ///
    /// # Errors
    /// A collection or key that is not 1 to [`NAME_BYTES_MAX`] bytes.
    pub fn new(
        collection: impl Into<String>,
        key: impl Into<String>,
        owner: UserId,
    ) -> Result<Self, PlayersError> {
        let (collection, key) = (collection.into(), key.into());
        if collection.is_empty() || key.is_empty() {
            return Err(PlayersError::InvalidArgument(
                "Invalid collection or key value supplied. They must be set.",
            ));
        }
        if collection.len() > NAME_BYTES_MAX || key.len() > NAME_BYTES_MAX {
            return Err(NAME_TOO_LONG);
        }
        Ok(Self {
            collection,
            owner,
            key,
        })
    }

    /// What kind of object it is.
    #[must_use]
    pub fn collection(&self) -> &str {
        &self.collection
    }

    /// Which of its owner's objects of that kind it is.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Whose it is.
    #[must_use]
    pub const fn owner(&self) -> UserId {
        self.owner
    }
}

/// Who may read an object beside server code.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ReadPermission {
    /// Nobody; 0 on the wire.
    Nobody,
    /// Its owner; 1 on the wire.
    #[default]
    Owner,
    /// Everybody; 2 on the wire.
    Everybody,
}

impl ReadPermission {
    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> i32 {
        match self {
            Self::Nobody => 0,
            Self::Owner => 1,
            Self::Everybody => 2,
        }
    }

    /// The permission with this number.
    ///
    /// # Errors
    /// A number that is not in 0..=2.
    pub const fn parse(number: i32) -> Result<Self, PlayersError> {
        match number {
            0 => Ok(Self::Nobody),
            1 => Ok(Self::Owner),
            2 => Ok(Self::Everybody),
            _ => Err(PlayersError::InvalidArgument(
                "Invalid Read permission supplied. It must be either 0, 1 or 2.",
            )),
        }
    }
}

/// Who may write an object beside server code.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum WritePermission {
    /// Nobody; 0 on the wire.
    Nobody,
    /// Its owner; 1 on the wire.
    #[default]
    Owner,
}

impl WritePermission {
    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> i32 {
        match self {
            Self::Nobody => 0,
            Self::Owner => 1,
        }
    }

    /// The permission with this number.
    ///
    /// # Errors
    /// A number that is neither 0 nor 1.
    pub const fn parse(number: i32) -> Result<Self, PlayersError> {
        match number {
            0 => Ok(Self::Nobody),
            1 => Ok(Self::Owner),
            _ => Err(PlayersError::InvalidArgument(
                "Invalid Write permission supplied. It must be either 0 or 1.",
            )),
        }
    }
}

/// What a write may find in its place.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum ExpectedVersion {
    /// Anything: the last write wins.
    #[default]
    Any,
    /// Nothing.
    Absent,
    /// An object of this version.
    Exactly(String),
}

impl From<&str> for ExpectedVersion {
    /// As the protocol has it: empty for any, `*` for none, else the version.
    fn from(text: &str) -> Self {
        match text {
            "" => Self::Any,
            "*" => Self::Absent,
            version => Self::Exactly(version.to_owned()),
        }
    }
}

/// An object to be written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NewObject {
    /// Its name.
    pub id: ObjectId,
    /// A JSON object as text; it is kept as it is.
    pub value: String,
    /// What may be there.
    pub version: ExpectedVersion,
    /// Who may read it.
    pub read: ReadPermission,
    /// Who may write it.
    pub write: WritePermission,
}

/// An object to be deleted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OldObject {
    /// Its name.
    pub id: ObjectId,
    /// The version that it must have.
    pub version: Option<String>,
}

/// A stored object.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StorageObject {
    /// Its name.
    pub id: ObjectId,
    /// A JSON object as text, as it was written.
    pub value: String,
    /// MD5 of the value's text, in hexadecimal digits.
    pub version: String,
    /// Who may read it.
    pub read: ReadPermission,
    /// Who may write it.
    pub write: WritePermission,
    /// When it was first written.
    pub create_time: UnixMillis,
    /// When it was last written.
    pub update_time: UnixMillis,
}

/// What became of a write.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StorageAck {
    /// What was written.
    pub id: ObjectId,
    /// Its version from here on.
    pub version: String,
    /// When it was first written.
    pub create_time: UnixMillis,
    /// When it was written.
    pub update_time: UnixMillis,
}

/// A page of a listing.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct StoragePage {
    /// The objects in order.
    pub objects: Vec<StorageObject>,
    /// The place of the next page; empty on the last one.
    pub cursor: String,
}

/// On whose behalf storage is used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum StorageRights {
    /// A user's: permissions count, and only own objects are written. At most [`OBJECTS_MAX`] objects in one call.
    User(UserId),
    /// The server's: permissions do not count. At most `Batch::OPS_MAX` objects in one call.
    Server,
}

impl StorageRights {
    /// The least permission of objects of this owner that may be read.
    fn read_min(self, owner: UserId) -> ReadPermission {
        match self {
            Self::Server => ReadPermission::Nobody,
            Self::User(user) if user == owner => ReadPermission::Owner,
            Self::User(_) => ReadPermission::Everybody,
        }
    }

    const fn write_min(self) -> WritePermission {
        match self {
            Self::Server => WritePermission::Nobody,
            Self::User(_) => WritePermission::Owner,
        }
    }
}

/// What became of an object.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum StorageChange {
    /// It was written.
    Written(StorageObject),
    /// It was deleted.
    Deleted(ObjectId),
}

/// Is told what became of objects once that is durable. Changes of one call come in their order; those of calls at the
/// same time come in any order. The objects of a deleted account go without a word.
pub type StorageWatch = Arc<dyn Fn(&[StorageChange]) + Send + Sync>;

/// The objects and their rules.
#[derive(Clone)]
pub struct Storage {
    pub(crate) store: Store,
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
        let mut seen = std::collections::BTreeSet::new();
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
    /// A limit that is not in 1..=[`OBJECTS_LIST_MAX`], a collection that is none, a cursor of another listing.
    pub async fn list(
        &self,
        rights: StorageRights,
        owner: Option<UserId>,
        collection: &str,
        limit: i32,
        cursor: &str,
    ) -> Result<StoragePage, PlayersError> {
        if !(1..=OBJECTS_LIST_MAX).contains(&limit) {
            return Err(PlayersError::InvalidArgument(
                "Invalid limit - limit must be between 1 and 100.",
            ));
        }
        if collection.is_empty() || collection.len() > NAME_BYTES_MAX {
            return Err(NAME_TOO_LONG);
        }
        let kind = match (owner, rights) {
            (Some(_), _) => KIND_OWNER,
            (None, StorageRights::User(_)) => KIND_PUBLIC,
            (None, StorageRights::Server) => KIND_COLLECTION,
        };
        let place = owner.unwrap_or(SERVER_OWNER);
        let after = read_cursor(kind, collection, place, cursor)?;
        let limit_and_one = limit.unsigned_abs() + 1;
        let (after_owner, after_key) = (after.0, after.1.as_str());
        let rows = match kind {
            KIND_OWNER => {
                let least = i64::from(rights.read_min(place).number());
                let store = &self.store;
                store
                    .storage_of_owner(collection, place, least, after_key, limit_and_one)
                    .await
            }
            KIND_PUBLIC => {
                let after = (after_key, after_owner);
                self.store
                    .storage_public(collection, after, limit_and_one)
                    .await
            }
            _ => {
                let after = (after_owner, after_key);
                self.store
                    .storage_of_collection(collection, after, limit_and_one)
                    .await
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
                let op = match source {
                    StoreError::Conflict { op_index, .. } => prepared.ops.get(op_index),
                    _ => None,
                };
                Err(self.refused(op, source).await)
            }
        }
    }

    /// Checks changes and makes them operations, ordered by name so that batches do not block each other.
    pub(crate) fn prepare(
        &self,
        now: UnixMillis,
        rights: StorageRights,
        writes: Vec<NewObject>,
        deletes: Vec<OldObject>,
    ) -> Result<Prepared, PlayersError> {
        check_count(rights, writes.len() + deletes.len())?;
        writes.iter().try_for_each(|one| check(rights, one))?;
        let mut changes = Vec::with_capacity(writes.len() + deletes.len());
        for (place, one) in writes.into_iter().enumerate() {
            changes.push(Change::Write(place, one));
        }
        for one in deletes {
            check_owner(rights, &one.id)?;
            changes.push(Change::Delete(one));
        }
        changes.sort_by(|one, other| one.id().cmp(other.id()));
        let mut prepared = Prepared::default();
        for change in changes {
            prepared.add(now, rights, change, self.watch.is_some());
        }
        Ok(prepared)
    }

    /// Tells what was committed, and answers.
    pub(crate) fn finish(
        &self,
        prepared: Prepared,
        outcome: Outcome,
    ) -> Result<Vec<StorageAck>, PlayersError> {
        let Prepared {
            mut acks,
            mut changes,
            ..
        } = prepared;
        let create_times = outcome.storage_create_times().map_err(WRITE)?;
        let written = changes.iter_mut().filter_map(|change| match change {
            StorageChange::Written(object) => Some(object),
            StorageChange::Deleted(_) => None,
        });
        for (object, create_time) in written.zip(&create_times) {
            object.create_time = *create_time;
        }
        for ((_, ack), create_time) in acks.iter_mut().zip(&create_times) {
            ack.create_time = *create_time;
        }
        if let Some(watch) = &self.watch {
            watch(&changes);
        }
        acks.sort_by_key(|(place, _)| *place);
        Ok(acks.into_iter().map(|(_, ack)| ack).collect())
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

/// Changes as operations of a batch.
#[derive(Default)]
pub(crate) struct Prepared {
    pub(crate) ops: Vec<Op>,
    /// In the order of the operations, each with its place in the request; without the first time of writing.
    acks: Vec<(usize, StorageAck)>,
    /// In the order of the operations; empty where nobody watches.
    changes: Vec<StorageChange>,
}

enum Change {
    /// With its place in the request.
    Write(usize, NewObject),
    Delete(OldObject),
}

impl Change {
    const fn id(&self) -> &ObjectId {
        match self {
            Self::Write(_, one) => &one.id,
            Self::Delete(one) => &one.id,
        }
    }
}

impl Prepared {
    fn add(&mut self, now: UnixMillis, rights: StorageRights, change: Change, is_watched: bool) {
        let permission_write_min = rights.write_min().number().into();
        let op = match change {
            Change::Write(place, one) => {
                let over = match one.version {
                    ExpectedVersion::Any => Overwrite::Any,
                    ExpectedVersion::Absent => Overwrite::Absent,
                    ExpectedVersion::Exactly(version) => Overwrite::Version(version),
                };
                let object = StorageObject {
                    id: one.id,
                    version: version_of(&one.value),
                    value: one.value,
                    read: one.read,
                    write: one.write,
                    create_time: now,
                    update_time: now,
                };
                self.acks.push((
                    place,
                    StorageAck {
                        id: object.id.clone(),
                        version: object.version.clone(),
                        create_time: now,
                        update_time: now,
                    },
                ));
                if is_watched {
                    self.changes.push(StorageChange::Written(object.clone()));
                }
                StorageOp::Put {
                    row: Box::new(object.into()),
                    over,
                    permission_write_min,
                }
            }
            Change::Delete(one) => {
                if is_watched {
                    self.changes.push(StorageChange::Deleted(one.id.clone()));
                }
                StorageOp::Delete {
                    collection: one.id.collection,
                    owner: one.id.owner,
                    key: one.id.key,
                    version: one.version,
                    permission_write_min,
                }
            }
        };
        self.ops.push(op.into());
    }
}

fn check_count(rights: StorageRights, count: usize) -> Result<(), PlayersError> {
    let (max, text) = match rights {
        StorageRights::User(_) => (
            OBJECTS_MAX,
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

fn check(rights: StorageRights, one: &NewObject) -> Result<(), PlayersError> {
    check_owner(rights, &one.id)?;
    if !is_json_object(&one.value) {
        return Err(PlayersError::InvalidArgument(
            "Value must be a JSON object.",
        ));
    }
    Ok(())
}

fn check_owner(rights: StorageRights, id: &ObjectId) -> Result<(), PlayersError> {
    match rights {
        StorageRights::User(user) if user != id.owner => Err(PERMISSION_DENIED),
        _ => Ok(()),
    }
}

/// MD5 of the text, in hexadecimal digits.
fn version_of(value: &str) -> String {
    let digest: [u8; 16] = Md5::digest(value.as_bytes()).into();
    format!("{:032x}", u128::from_be_bytes(digest))
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
        return Err(PlayersError::InvalidArgument("Malformed cursor was used."));
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

impl From<StorageRow> for StorageObject {
    fn from(row: StorageRow) -> Self {
        Self {
            id: ObjectId {
                collection: row.collection,
                owner: row.owner,
                key: row.key,
            },
            value: row.value,
            version: row.version,
            read: match row.permission_read {
                2 => ReadPermission::Everybody,
                1 => ReadPermission::Owner,
                _ => ReadPermission::Nobody,
            },
            write: match row.permission_write {
                1 => WritePermission::Owner,
                _ => WritePermission::Nobody,
            },
            create_time: row.create_time,
            update_time: row.update_time,
        }
    }
}

impl From<StorageObject> for StorageRow {
    fn from(object: StorageObject) -> Self {
        Self {
            collection: object.id.collection,
            owner: object.id.owner,
            key: object.id.key,
            value: object.value,
            version: object.version,
            permission_read: object.read.number().into(),
            permission_write: object.write.number().into(),
            create_time: object.create_time,
            update_time: object.update_time,
        }
    }
}

/// Bytes of a collection's name and of a key, at most.
pub const NAME_BYTES_MAX: usize = 128;
/// Objects that a client may name in one call, at most.
pub const OBJECTS_MAX: usize = 100;
/// Objects on one page, at most.
pub const OBJECTS_LIST_MAX: i32 = 100;

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
const NAME_TOO_LONG: PlayersError = PlayersError::InvalidArgument(
    "Invalid collection or key value supplied. They must be 1-128 bytes.",
);
const PERMISSION_DENIED: PlayersError =
    PlayersError::InvalidArgument("Storage write rejected - permission denied.");
const VERSION_FAILED: PlayersError =
    PlayersError::InvalidArgument("Storage write rejected - version check failed.");
const DELETE_REJECTED: PlayersError = PlayersError::InvalidArgument(
    "Storage delete rejected - not found, version check failed, or permission denied.",
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_the_md5_of_the_text() {
        assert_eq!(version_of("{}"), "99914b932bd37a50b983c5e7c90ae93b");
        assert_eq!(version_of("{\"n\":37}").len(), 32);
    }
}
