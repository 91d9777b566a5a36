//! Stored objects that are read, changed and written back under the condition that nobody else changed them meanwhile.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tagus_players::{
    ExpectedVersion, MultiUpdate, NewObject, ObjectId, OldObject, ReadPermission, WritePermission,
};

use crate::api::{ApiError, CODE_INVALID_ARGUMENT, CODE_NOT_FOUND};
use crate::tagus::Tagus;

/// So often a change is decided anew when somebody else was faster. Of those who are at it at once one succeeds each
/// time, so it takes as many to spoil it.
pub(super) const TRIES_MAX: u32 = 64;

/// An object as it was read, or the place where none is.
#[derive(Clone, Debug)]
pub(super) struct Found<T> {
    pub(super) id: ObjectId,
    pub(super) value: T,
    /// None: there is no such object.
    version: Option<String>,
}

impl<T> Found<T> {
    pub(super) const fn is_there(&self) -> bool {
        self.version.is_some()
    }

    pub(super) fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }
}

/// Reads objects, in the order of their names; where there is none the value is the default.
pub(super) async fn read<T>(tagus: &Tagus, ids: Vec<ObjectId>) -> Result<Vec<Found<T>>, ApiError>
where
    T: Default + DeserializeOwned,
{
    let objects = tagus.storage_read(&ids).await?.into_iter();
    let mut objects: BTreeMap<_, _> = objects
        .map(|object| (object.id, (object.value, object.version)))
        .collect();
    let found = ids.into_iter().map(|id| {
        let (value, version) = match objects.remove(&id) {
            Some((text, version)) => (parsed(&id, &text)?, Some(version)),
            None => (T::default(), None),
        };
        Ok(Found { id, value, version })
    });
    found.collect()
}

fn parsed<T: DeserializeOwned>(id: &ObjectId, text: &str) -> Result<T, ApiError> {
    serde_json::from_str(text).map_err(|error| {
        tracing::error!(collection = id.collection(), key = id.key(), %error, "read an object of a duel");
        ApiError::internal()
    })
}

/// Changes that happen together, or not at all.
#[derive(Default)]
pub(super) struct Changes(MultiUpdate);

impl Changes {
    /// Writes a value back to where it was read, if nobody changed it since.
    pub(super) fn put<T: Serialize>(&mut self, found: &Found<T>, read: ReadPermission) {
        let version = match &found.version {
            Some(version) => ExpectedVersion::Exactly(version.clone()),
            None => ExpectedVersion::Absent,
        };
        self.write(found.id.clone(), &found.value, version, read);
    }

    /// Writes a value, whatever is there.
    pub(super) fn replace<T: Serialize>(&mut self, id: ObjectId, value: &T, read: ReadPermission) {
        self.write(id, value, ExpectedVersion::Any, read);
    }

    /// Deletes an object that was read, if nobody changed it since; one that was not there is fine.
    pub(super) fn delete<T>(&mut self, found: &Found<T>) {
        if let Some(version) = &found.version {
            self.0.deletes.push(OldObject {
                id: found.id.clone(),
                version: Some(version.clone()),
            });
        }
    }

    /// Makes the changes. False: something that was read has changed since, and nothing was done.
    pub(super) async fn commit(self, tagus: &Tagus) -> Result<bool, ApiError> {
        match tagus.multi_update(self.0).await {
            Ok(_) => Ok(true),
            // All of it is well-formed: it can only be another version, or an account that was deleted.
            Err(error) if [CODE_INVALID_ARGUMENT, CODE_NOT_FOUND].contains(&error.code) => {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    fn write<T: Serialize>(
        &mut self,
        id: ObjectId,
        value: &T,
        version: ExpectedVersion,
        read: ReadPermission,
    ) {
        let value = serde_json::to_string(value).expect("no map of it has keys that are not text");
        self.0.writes.push(NewObject {
            id,
            value,
            version,
            read,
            write: WritePermission::Nobody,
        });
    }
}

/// What is answered when others changed the same things [`TRIES_MAX`] times.
pub(super) fn contended() -> ApiError {
    ApiError::new(CODE_ABORTED, "Too much happens at once, try again.")
}

/// Something that is its text in JSON.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Text<T>(pub(super) T);

impl<T: fmt::Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&self.0)
    }
}

impl<'de, T: FromStr<Err: fmt::Display>> Deserialize<'de> for Text<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map(Self).map_err(D::Error::custom)
    }
}

const CODE_ABORTED: i32 = 10;
