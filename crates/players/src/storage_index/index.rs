//! One index: what it has heard of, what it has read, and how it is searched.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use tagus_base::UserId;
use tagus_store::{StorageRow, Store};

use super::entries::{Entries, Entry, EntryId};
use super::search::{Hit, Search};
use super::{STORAGE_INDEX_WORK_MAX, StorageIndex, StorageIndexFilter};
use crate::PlayersError;
use crate::storage::{ObjectId, SERVER_OWNER, StorageObject};

pub(super) struct Index {
    definition: StorageIndex,
    filter: Option<StorageIndexFilter>,
    entries: RwLock<Entries>,
    notices: Mutex<Notices>,
    /// Held from before the database is read until what was read is entered.
    loading: tokio::sync::Mutex<Loading>,
}

/// Something that the entries do not know yet.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Notice {
    /// An object was written or deleted.
    Touched(ObjectId),
    /// An account is gone, and all its objects.
    Gone(UserId),
}

#[derive(Default)]
struct Notices {
    /// Notices so far, and with it the number of the next one.
    count: u64,
    /// With their numbers, which rise.
    queue: VecDeque<(u64, Notice)>,
    /// There were too many, and all are forgotten.
    are_lost: bool,
}

/// How far the collection was read.
#[derive(Default)]
struct Loading {
    after: Option<(UserId, String)>,
    is_done: bool,
}

impl Index {
    pub(super) fn new(definition: StorageIndex, filter: Option<StorageIndexFilter>) -> Self {
        Self {
            definition,
            filter,
            entries: RwLock::default(),
            notices: Mutex::default(),
            loading: tokio::sync::Mutex::default(),
        }
    }

    pub(super) const fn definition(&self) -> &StorageIndex {
        &self.definition
    }

    pub(super) fn touched(&self, ids: &[ObjectId]) {
        let key = self.definition.key.as_deref();
        let ours = ids.iter().filter(|id| {
            id.collection() == self.definition.collection && key.is_none_or(|key| key == id.key())
        });
        self.notice(ours.map(|id| Notice::Touched(id.clone())));
    }

    pub(super) fn notice(&self, new: impl IntoIterator<Item = Notice>) {
        let mut notices = self.notices();
        for notice in new {
            if notices.queue.len() == NOTICES_MAX {
                notices.queue.clear();
                notices.are_lost = true;
            }
            let number = notices.count;
            notices.count += 1;
            notices.queue.push_back((number, notice));
        }
    }

    /// Loads what is not loaded, and enters all that was noticed before the call. May be dropped at any time: a notice
    /// goes only after it is entered.
    pub(super) async fn catch_up(&self, store: &Store) -> Result<(), PlayersError> {
        let until = self.notices().count;
        loop {
            let mut loading = self.loading.lock().await;
            if std::mem::take(&mut self.notices().are_lost) {
                *loading = Loading::default();
                self.entries_mut().clear();
            }
            let is_current = self.enter_notices(store, until).await?;
            if !loading.is_done {
                self.load_page(store, &mut loading).await?;
            } else if is_current {
                return Ok(());
            }
        }
    }

    /// Enters some of the notices up to this number; returns whether there were no more.
    async fn enter_notices(&self, store: &Store, until: u64) -> Result<bool, PlayersError> {
        let notices: Vec<(u64, Notice)> = {
            let notices = self.notices();
            let before = notices
                .queue
                .iter()
                .take_while(|(number, _)| *number < until);
            before.take(NOTICES_READ).cloned().collect()
        };
        let Some((last, _)) = notices.last() else {
            return Ok(true);
        };
        let last = *last;
        let mut touched = BTreeSet::new();
        let mut gone = BTreeSet::new();
        for (_, notice) in notices {
            match notice {
                Notice::Touched(id) => drop(touched.insert(id)),
                Notice::Gone(owner) => drop(gone.insert(owner)),
            }
        }
        let named = touched.iter();
        let named = named.map(|id| (id.collection(), id.owner(), id.key(), ANY_PERMISSION));
        let named: Vec<_> = named.collect();
        let rows = store.storage_objects(&named).await.map_err(READ)?;
        let mut there: BTreeMap<EntryId, Entry> = self.entries_of(rows).collect();
        let mut entries = self.entries_mut();
        for id in &touched {
            let id = EntryId::from(id);
            match there.remove_entry(&id) {
                Some((id, entry)) => entries.put(id, entry, self.definition.max_entries),
                None => entries.remove(&id),
            }
        }
        for owner in gone {
            entries.remove_owner(owner);
        }
        drop(entries);
        let mut notices = self.notices();
        while notices
            .queue
            .front()
            .is_some_and(|(number, _)| *number <= last)
        {
            notices.queue.pop_front();
        }
        Ok(false)
    }

    async fn load_page(&self, store: &Store, loading: &mut Loading) -> Result<(), PlayersError> {
        let after = loading.after.as_ref();
        let after = after.map_or((SERVER_OWNER, ""), |(owner, key)| (*owner, key.as_str()));
        let collection = &self.definition.collection;
        let rows = store.storage_of_collection(collection, after, PAGE_ROWS);
        let rows = rows.await.map_err(READ)?;
        let Some(last) = rows.last() else {
            loading.is_done = true;
            return Ok(());
        };
        let after = (last.owner, last.key.clone());
        let loaded: Vec<_> = self.entries_of(rows).collect();
        let mut entries = self.entries_mut();
        for (id, entry) in loaded {
            entries.put(id, entry, self.definition.max_entries);
        }
        loading.after = Some(after);
        Ok(())
    }

    /// Those of the objects that belong into the index.
    fn entries_of(&self, rows: Vec<StorageRow>) -> impl Iterator<Item = (EntryId, Entry)> {
        let key = self.definition.key.as_deref();
        let named = rows
            .into_iter()
            .filter(move |row| key.is_none_or(|key| key == row.key));
        let objects = named.map(StorageObject::from);
        let wanted =
            objects.filter(|object| self.filter.as_ref().is_none_or(|wants| wants(object)));
        wanted.filter_map(|object| {
            let id = EntryId::from(&object.id);
            Some((id, Entry::of(&self.definition, object)?))
        })
    }

    /// A page of what a search finds, and the place of the next one. Others go on meanwhile: the entries are looked at in
    /// portions.
    pub(super) async fn find(&self, search: &Search) -> Result<(Vec<Hit>, String), PlayersError> {
        let mut hits: Vec<Hit> = Vec::new();
        let mut behind = None;
        let mut work_left = STORAGE_INDEX_WORK_MAX;
        loop {
            behind = search.scan(&self.entries(), behind, &mut work_left, &mut hits)?;
            search.keep_first(&mut hits);
            if behind.is_none() {
                return Ok(search.page(hits));
            }
            tokio::task::yield_now().await;
        }
    }

    pub(super) fn entries(&self) -> RwLockReadGuard<'_, Entries> {
        self.entries.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn entries_mut(&self) -> RwLockWriteGuard<'_, Entries> {
        self.entries.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn notices(&self) -> MutexGuard<'_, Notices> {
        self.notices.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const READ: fn(tagus_store::StoreError) -> PlayersError = |source| PlayersError::Store {
    attempt: "read objects of a storage index",
    source,
};
/// Below every permission.
const ANY_PERMISSION: i64 = 0;
/// Notices that wait to be entered, at most; beyond, all are dropped and the index is loaded anew.
const NOTICES_MAX: usize = 65_536;
/// Notices entered together.
const NOTICES_READ: usize = 256;
/// Rows read together while loading.
const PAGE_ROWS: u32 = 1_000;
