//! What an index holds of objects.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use serde_json::{Map, Value as Json};
use tagus_base::{UnixMillis, UserId};

use super::StorageIndex;
use super::search::SortValue;
use crate::query::Document;
use crate::storage::{ObjectId, ReadPermission, StorageObject};

/// Which object of the index's collection.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct EntryId {
    pub(super) owner: UserId,
    pub(super) key: Box<str>,
}

impl From<&ObjectId> for EntryId {
    fn from(id: &ObjectId) -> Self {
        Self {
            owner: id.owner(),
            key: id.key().into(),
        }
    }
}

/// An object, as it is searched.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) document: Document,
    /// Those of the sortable fields, in their order.
    pub(super) sort: Box<[SortValue]>,
    pub(super) read: ReadPermission,
    pub(super) create_time: UnixMillis,
    pub(super) update_time: UnixMillis,
    /// What searches answer where the database is not asked.
    pub(super) kept: Option<Arc<StorageObject>>,
}

impl Entry {
    /// The entry of an object, if it has one of the index's fields.
    pub(super) fn of(definition: &StorageIndex, mut object: StorageObject) -> Option<Self> {
        let members: Map<String, Json> = serde_json::from_str(&object.value).ok()?;
        let known = |(field, _): &(String, Json)| definition.fields.contains(field);
        let members: Map<String, Json> = members.into_iter().filter(known).collect();
        if members.is_empty() {
            return None;
        }
        let sort = definition.sortable_fields.iter();
        let sort = sort.map(|field| SortValue::of(members.get(field)));
        let mut document = Document::new();
        document.add_text("key", object.id.key());
        document.add_text("user_id", &object.id.owner().to_string());
        document.add_text("version", &object.version);
        document.add_time("create_time", object.create_time);
        document.add_time("update_time", object.update_time);
        let sort = sort.collect();
        let members = Json::Object(members);
        document.add_json("value", &members);
        document.shrink();
        Some(Self {
            document,
            sort,
            read: object.read,
            create_time: object.create_time,
            update_time: object.update_time,
            kept: definition.index_only.then(|| {
                object.value = members.to_string();
                Arc::new(object)
            }),
        })
    }
}

/// The entries of an index.
#[derive(Debug, Default)]
pub(super) struct Entries {
    by_id: BTreeMap<Arc<EntryId>, Entry>,
    by_update: BTreeSet<(UnixMillis, Arc<EntryId>)>,
}

impl Entries {
    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Adds or replaces an entry. Beyond the maximum the one of the oldest update goes.
    pub(super) fn put(&mut self, id: EntryId, entry: Entry, max: usize) {
        self.remove(&id);
        let id = Arc::new(id);
        self.by_update.insert((entry.update_time, id.clone()));
        self.by_id.insert(id, entry);
        if self.by_id.len() > max
            && let Some((_, oldest)) = self.by_update.pop_first()
        {
            self.by_id.remove(&oldest);
        }
    }

    pub(super) fn remove(&mut self, id: &EntryId) {
        if let Some((id, entry)) = self.by_id.remove_entry(id) {
            self.by_update.remove(&(entry.update_time, id));
        }
    }

    pub(super) fn remove_owner(&mut self, owner: UserId) {
        let gone: Vec<Arc<EntryId>> = self
            .of(Some(owner), None)
            .map(|(id, _)| id.clone())
            .collect();
        for id in gone {
            self.remove(&id);
        }
    }

    /// The entries of one owner or of all, in the order of their ids, behind one of them or from the beginning.
    pub(super) fn of(
        &self,
        owner: Option<UserId>,
        behind: Option<&EntryId>,
    ) -> impl Iterator<Item = (&Arc<EntryId>, &Entry)> {
        let first = owner.map(|owner| EntryId {
            owner,
            key: Box::default(),
        });
        let from = match (behind, &first) {
            (Some(behind), _) => Bound::Excluded(behind),
            (None, Some(first)) => Bound::Included(first),
            (None, None) => Bound::Unbounded,
        };
        self.by_id
            .range::<EntryId, _>((from, Bound::Unbounded))
            .take_while(move |(id, _)| owner.is_none_or(|owner| id.owner == owner))
    }
}
