//! What an object is, and who may read and write it.

use md5::{Digest as _, Md5};
use tagus_base::{UnixMillis, UserId, Uuid};
use tagus_store::StorageRow;

use crate::PlayersError;

/// The owner of the server's own objects: the nil id, which no account has.
pub const SERVER_OWNER: UserId = UserId(Uuid::NIL);

/// What names an object.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct ObjectId {
    pub(super) collection: String,
    pub(super) owner: UserId,
    pub(super) key: String,
}

impl ObjectId {
    /// The object of this owner, or of [`SERVER_OWNER`], in the collection.
    ///
    /// # Errors
    /// A collection or key that is not 1 to [`STORAGE_NAME_BYTES_MAX`] bytes.
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
        if collection.len() > STORAGE_NAME_BYTES_MAX || key.len() > STORAGE_NAME_BYTES_MAX {
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

/// On whose behalf storage is used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum StorageRights {
    /// A user's: permissions count, and only own objects are written. At most [`crate::STORAGE_OBJECTS_MAX`] objects in one call.
    User(UserId),
    /// The server's: permissions do not count. At most `Batch::OPS_MAX` objects in one call.
    Server,
}

impl StorageRights {
    /// The least permission of objects of this owner that may be read.
    pub(super) fn read_min(self, owner: UserId) -> ReadPermission {
        match self {
            Self::Server => ReadPermission::Nobody,
            Self::User(user) if user == owner => ReadPermission::Owner,
            Self::User(_) => ReadPermission::Everybody,
        }
    }

    pub(super) const fn write_min(self) -> WritePermission {
        match self {
            Self::Server => WritePermission::Nobody,
            Self::User(_) => WritePermission::Owner,
        }
    }
}

/// MD5 of the text, in hexadecimal digits.
pub(super) fn version_of(value: &str) -> String {
    let digest: [u8; 16] = Md5::digest(value.as_bytes()).into();
    format!("{:032x}", u128::from_be_bytes(digest))
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
pub const STORAGE_NAME_BYTES_MAX: usize = 128;

pub(super) const NAME_TOO_LONG: PlayersError = PlayersError::InvalidArgument(
    "Invalid collection or key value supplied. They must be 1-128 bytes.",
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
