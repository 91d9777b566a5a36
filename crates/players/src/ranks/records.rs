//! Records of a board and the way from an owner to theirs.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};
use tagus_base::Uuid;

use super::{Standing, bytes_of};

#[derive(Clone, Copy, Debug)]
pub(super) struct Record {
    pub(super) standing: Standing,
    pub(super) owner: Uuid,
}

/// Records by index, in pages, so that growing copies nothing and leaves no slack.
#[derive(Debug, Default)]
pub(super) struct Records {
    /// All but the last have `PAGE_LEN` records.
    pages: Vec<Vec<Record>>,
    /// How many there are in the pages.
    len: u32,
    /// Indices of removed records.
    free: Vec<u32>,
}

impl Records {
    pub(super) fn get(&self, index: u32) -> &Record {
        let index = index as usize;
        &self.pages[index / PAGE_LEN][index % PAGE_LEN]
    }

    pub(super) fn get_mut(&mut self, index: u32) -> &mut Record {
        let index = index as usize;
        &mut self.pages[index / PAGE_LEN][index % PAGE_LEN]
    }

    pub(super) fn add(&mut self, record: Record) -> u32 {
        if let Some(index) = self.free.pop() {
            *self.get_mut(index) = record;
            return index;
        }
        let index = self.len;
        self.len = index.checked_add(1).expect("at most 2^32 - 1 records");
        match self.pages.last_mut().filter(|page| page.len() < PAGE_LEN) {
            Some(page) => page.push(record),
            None => {
                // The only page of a small board grows as it must; the others fill up anyway.
                let capacity = if self.pages.is_empty() { 1 } else { PAGE_LEN };
                let mut page = Vec::with_capacity(capacity);
                page.push(record);
                self.pages.push(page);
            }
        }
        index
    }

    /// Frees the record's index; until it is taken again the record can still be read.
    pub(super) fn remove(&mut self, index: u32) {
        self.free.push(index);
    }

    /// How many indices were ever taken: each is below.
    pub(super) const fn len(&self) -> u32 {
        self.len
    }

    pub(super) fn memory_bytes(&self) -> usize {
        let pages = self.pages.iter().map(bytes_of);
        pages.sum::<usize>() + bytes_of(&self.pages) + bytes_of(&self.free)
    }
}

/// Indices of records by owner.
#[derive(Debug, Default)]
pub(super) struct Owners {
    indices: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl Owners {
    pub(super) fn len(&self) -> u64 {
        self.indices.len() as u64
    }

    pub(super) fn find(&self, owner: Uuid, records: &Records) -> Option<u32> {
        let is_owners = |index: &u32| records.get(*index).owner == owner;
        let hash = self.hasher.hash_one(owner);
        self.indices.find(hash, is_owners).copied()
    }

    pub(super) fn add(&mut self, index: u32, records: &Records) {
        let hasher = &self.hasher;
        let hash = |index: &u32| hasher.hash_one(records.get(*index).owner);
        self.indices.insert_unique(hash(&index), index, hash);
    }

    pub(super) fn remove(&mut self, index: u32, records: &Records) {
        let hash = self.hasher.hash_one(records.get(index).owner);
        if let Ok(entry) = self.indices.find_entry(hash, |other| *other == index) {
            entry.remove();
        }
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.indices.allocation_size()
    }
}

/// Records of a page: 40 KiB.
const PAGE_LEN: usize = if cfg!(test) { 16 } else { 1_024 };

const _: () = assert!(size_of::<Record>() == 40);
