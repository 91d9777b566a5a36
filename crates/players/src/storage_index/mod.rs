//! Storage indexes: objects of a collection in memory, found by queries over named fields of their values.
//!
//! What counts is the database. Writers say which objects they touched once that is durable; the index reads these again,
//! one reader at a time, so that in whatever order it hears of them, an entry is what the database had after the last word
//! about it. Who searches waits until all that was touched before is read: a search sees every write that was answered.
//! An index knows the writes of its own node.

mod entries;
mod index;
mod search;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use tagus_base::UserId;
use tagus_store::Store;

use crate::PlayersError;
use crate::query::FIELD_BYTES_MAX;
use crate::storage::{
    ObjectId, STORAGE_LIST_MAX, STORAGE_NAME_BYTES_MAX, Storage, StorageObject, StoragePage,
    StorageRights, StorageWatch,
};
use index::{Index, Notice};
use search::Search;

/// What an index is to hold.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct StorageIndex {
    /// Names it for searches; 1 to [`STORAGE_NAME_BYTES_MAX`] bytes.
    pub name: String,
    /// The collection whose objects it holds.
    pub collection: String,
    /// Only objects of this key.
    pub key: Option<String>,
    /// Members of the values that queries know, as `value.` and their name; 1 to [`STORAGE_INDEX_FIELDS_MAX`]. An object
    /// that has none of them is left out.
    pub fields: Vec<String>,
    /// Those of the fields that an order may name.
    pub sortable_fields: Vec<String>,
    /// Objects at most, 1 to [`STORAGE_INDEX_ENTRIES_MAX`]. Beyond, the one whose last write is the longest ago is
    /// dropped; it comes back when it is written, or with the next start if there is room.
    pub max_entries: usize,
    /// Whether searches answer what the index holds, which are the fields alone, and spare the database; else they answer
    /// the objects as they are.
    pub index_only: bool,
}

/// Says whether an object belongs into an index, by nothing but the object.
pub type StorageIndexFilter = Arc<dyn Fn(&StorageObject) -> bool + Send + Sync>;

/// A search.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct StorageIndexQuery<'a> {
    /// In the language of [`crate::query`], over `value.` and a field's name, `key`, `user_id`, `version`, `create_time`
    /// and `update_time`. Empty for everything.
    pub query: &'a str,
    /// Whose permissions count; none for the server, which sees everything.
    pub caller: Option<UserId>,
    /// Objects on a page, 1 to [`STORAGE_LIST_MAX`].
    pub limit: i32,
    /// What to sort by, the most important first, at most [`STORAGE_INDEX_ORDER_MAX`]: `value.` and a sortable field's
    /// name, `key`, `user_id`, `create_time`, `update_time` or `score`, with a `-` before it for the largest first.
    /// Numbers come before texts, and objects without the field last. Empty for the highest score, then the newest write
    /// first.
    pub order: &'a [&'a str],
    /// Where the page begins: empty, or what the page before said.
    pub cursor: &'a str,
}

impl Default for StorageIndexQuery<'_> {
    /// The first page of everything, for the server.
    fn default() -> Self {
        Self {
            query: "",
            caller: None,
            limit: STORAGE_LIST_MAX,
            order: &[],
            cursor: "",
        }
    }
}

/// All indexes. Clones are the same.
#[derive(Clone)]
pub struct StorageIndexes {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    indexes: BTreeMap<String, Index>,
}

impl StorageIndexes {
    /// Indexes that hold nothing yet; [`Self::catch_up`] loads them.
    ///
    /// # Errors
    /// A declaration is out of its range, or two have one name.
    pub fn new(
        store: Store,
        declared: Vec<(StorageIndex, Option<StorageIndexFilter>)>,
    ) -> Result<Self, PlayersError> {
        if declared.len() > STORAGE_INDEXES_MAX {
            return Err(PlayersError::InvalidArgument(
                "There are too many storage indexes.",
            ));
        }
        let mut indexes = BTreeMap::new();
        for (definition, filter) in declared {
            let definition = definition.checked()?;
            let name = definition.name.clone();
            let before = indexes.insert(name, Index::new(definition, filter));
            if before.is_some() {
                return Err(PlayersError::InvalidArgument(
                    "Two storage indexes have the same name.",
                ));
            }
        }
        let inner = Arc::new(Inner { store, indexes });
        Ok(Self { inner })
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.inner.indexes.is_empty()
    }

    /// For [`Storage::watched_by`].
    #[must_use]
    pub fn watch(&self) -> StorageWatch {
        let inner = self.inner.clone();
        Arc::new(move |touched: &[ObjectId]| {
            for index in inner.indexes.values() {
                index.touched(touched);
            }
        })
    }

    /// Takes the objects of a deleted account out.
    pub fn forget(&self, account: UserId) {
        for index in self.inner.indexes.values() {
            index.notice([Notice::Gone(account)]);
        }
    }

    /// Loads what is not loaded yet and reads what was touched. To be called at start, and again and again, so that
    /// searches find little to wait for.
    ///
    /// # Errors
    /// The database failed; the next call goes on.
    pub async fn catch_up(&self) -> Result<(), PlayersError> {
        for index in self.inner.indexes.values() {
            index.catch_up(&self.inner.store).await?;
        }
        Ok(())
    }

    /// Objects that an index has at the moment; none where there is no such index.
    #[must_use]
    pub fn entry_count(&self, name: &str) -> Option<usize> {
        Some(self.inner.indexes.get(name)?.entries().len())
    }

    /// The objects that a query finds and the caller may read, a page at a time. Waits until the index is loaded. An
    /// object that is changed between two pages may be on both or none; one that is changed during the search is answered
    /// as it is then.
    ///
    /// # Errors
    /// `NotFound` without the index; a query, order, limit or cursor that is none; a query that is more than
    /// [`STORAGE_INDEX_WORK_MAX`]; the database failed.
    pub async fn list(
        &self,
        name: &str,
        query: &StorageIndexQuery<'_>,
    ) -> Result<StoragePage, PlayersError> {
        let index = self.inner.indexes.get(name);
        let index = index.ok_or(PlayersError::NotFound("Storage index not found."))?;
        let search = Search::new(index.definition(), query)?;
        index.catch_up(&self.inner.store).await?;
        let (hits, cursor) = index.find(&search).await?;
        let objects = if index.definition().index_only {
            let kept = hits.into_iter().filter_map(|hit| hit.kept);
            kept.map(|object| (*object).clone()).collect()
        } else {
            let rights = query
                .caller
                .map_or(StorageRights::Server, StorageRights::User);
            let collection = &index.definition().collection;
            let id =
                |hit: search::Hit| ObjectId::new(collection.as_str(), &*hit.id.key, hit.id.owner);
            let ids: Result<Vec<_>, _> = hits.into_iter().map(id).collect();
            Storage::new(self.inner.store.clone())
                .read(rights, &ids?)
                .await?
        };
        Ok(StoragePage { objects, cursor })
    }
}

impl fmt::Debug for StorageIndexes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.inner.indexes.keys();
        f.debug_set().entries(names).finish()
    }
}

impl StorageIndex {
    fn checked(self) -> Result<Self, PlayersError> {
        let is_name = |text: &str| (1..=STORAGE_NAME_BYTES_MAX).contains(&text.len());
        let names = [&self.name, &self.collection].into_iter().chain(&self.key);
        if !names.into_iter().all(|text| is_name(text)) {
            return Err(PlayersError::InvalidArgument(
                "A storage index needs a name, a collection and a key of 1-128 bytes each; the key may be none.",
            ));
        }
        let is_field = |text: &String| (1..=FIELD_BYTES_MAX - VALUE.len()).contains(&text.len());
        let has_fields = (1..=STORAGE_INDEX_FIELDS_MAX).contains(&self.fields.len());
        if !has_fields || !self.fields.iter().all(is_field) {
            return Err(PlayersError::InvalidArgument(
                "A storage index needs 1-64 fields with names of 1-250 bytes.",
            ));
        }
        let is_known = |field: &String| self.fields.contains(field);
        if !self.sortable_fields.iter().all(is_known) {
            return Err(PlayersError::InvalidArgument(
                "The sortable fields of a storage index must be among its fields.",
            ));
        }
        if !(1..=STORAGE_INDEX_ENTRIES_MAX).contains(&self.max_entries) {
            return Err(PlayersError::InvalidArgument(
                "The maximum of entries of a storage index must be 1-1000000.",
            ));
        }
        Ok(self)
    }
}

/// Indexes of a server, at most.
pub const STORAGE_INDEXES_MAX: usize = 64;
/// Fields of an index, at most.
pub const STORAGE_INDEX_FIELDS_MAX: usize = 64;
/// Objects of an index, at most.
pub const STORAGE_INDEX_ENTRIES_MAX: usize = 1_000_000;
/// Columns to sort by in one search, at most.
pub const STORAGE_INDEX_ORDER_MAX: usize = 8;
/// Work of one search at most, in the units of [`crate::query::Query::work`]; a search that is more is refused. A million
/// objects can be held against seven clauses that compare, and of those that go over texts against few.
pub const STORAGE_INDEX_WORK_MAX: usize = 16 * 1_024 * 1_024;

/// Before the names of members of the value.
const VALUE: &str = "value.";
const _: () = assert!(FIELD_BYTES_MAX - VALUE.len() == 250);
