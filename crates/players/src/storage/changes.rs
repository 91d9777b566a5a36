//! Changes of objects as operations of a batch.

use tagus_base::UnixMillis;
use tagus_store::{Op, Overwrite, StorageOp};

use super::objects::version_of;
use super::{
    ExpectedVersion, NewObject, ObjectId, OldObject, PERMISSION_DENIED, StorageAck, StorageObject,
    StorageRights, check_count,
};
use crate::PlayersError;
use crate::notifications::is_json_object;

/// Changes as operations of a batch.
#[derive(Default)]
pub(crate) struct Prepared {
    pub(crate) ops: Vec<Op>,
    /// In the order of the operations, each with its place in the request; as if all objects were new.
    acks: Vec<(usize, StorageAck)>,
    /// What the operations change; empty where nobody watches.
    pub(super) touched: Vec<ObjectId>,
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
    /// Checks changes and makes them operations, ordered by name so that batches do not block each other.
    pub(super) fn of(
        now: UnixMillis,
        rights: StorageRights,
        writes: Vec<NewObject>,
        deletes: Vec<OldObject>,
        is_watched: bool,
    ) -> Result<Self, PlayersError> {
        check_count(rights, writes.len() + deletes.len())?;
        let mut changes = Vec::with_capacity(writes.len() + deletes.len());
        for (place, one) in writes.into_iter().enumerate() {
            check_owner(rights, &one.id)?;
            if !is_json_object(&one.value) {
                return Err(PlayersError::InvalidArgument(
                    "Value must be a JSON object.",
                ));
            }
            changes.push(Change::Write(place, one));
        }
        for one in deletes {
            check_owner(rights, &one.id)?;
            changes.push(Change::Delete(one));
        }
        changes.sort_by(|one, other| one.id().cmp(other.id()));
        let mut prepared = Self::default();
        if is_watched {
            let touched = changes.iter().map(|change| change.id().clone());
            prepared.touched = touched.collect();
        }
        for change in changes {
            prepared.add(now, rights, change);
        }
        Ok(prepared)
    }

    /// The answers in the order of the request. The times are those of the objects that were written, in the order of the
    /// operations.
    pub(super) fn done(mut self, create_times: &[UnixMillis]) -> Vec<StorageAck> {
        for ((_, ack), create_time) in self.acks.iter_mut().zip(create_times) {
            ack.create_time = *create_time;
        }
        self.acks.sort_by_key(|(place, _)| *place);
        self.acks.into_iter().map(|(_, ack)| ack).collect()
    }

    fn add(&mut self, now: UnixMillis, rights: StorageRights, change: Change) {
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
                let ack = StorageAck {
                    id: object.id.clone(),
                    version: object.version.clone(),
                    create_time: now,
                    update_time: now,
                };
                self.acks.push((place, ack));
                StorageOp::Put {
                    row: Box::new(object.into()),
                    over,
                    permission_write_min,
                }
            }
            Change::Delete(one) => StorageOp::Delete {
                collection: one.id.collection,
                owner: one.id.owner,
                key: one.id.key,
                version: one.version,
                permission_write_min,
            },
        };
        self.ops.push(op.into());
    }
}

fn check_owner(rights: StorageRights, id: &ObjectId) -> Result<(), PlayersError> {
    match rights {
        StorageRights::User(user) if user != id.owner => Err(PERMISSION_DENIED),
        _ => Ok(()),
    }
}
