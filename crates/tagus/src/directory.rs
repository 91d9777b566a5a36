//! The rooms of this node, as listings show them. Written by the shards before anybody hears of a change.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tagus_base::RoomId;
use tagus_shard::RoomSummary;

/// A room in a listing.
pub type RoomListing = RoomSummary;

/// Which rooms a listing shall have.
#[derive(Clone, Debug, Default)]
pub struct RoomFilter {
    /// Rooms at most, 1..=100.
    pub limit: usize,
    /// Only authoritative (true) or only relayed (false) ones; none: both.
    pub authoritative: Option<bool>,
    /// Exactly this label.
    pub label: Option<String>,
    /// Seats taken at least.
    pub size_min: Option<u32>,
    /// Seats taken at most.
    pub size_max: Option<u32>,
}

#[derive(Debug, Default)]
pub(crate) struct Directory {
    rooms: Mutex<BTreeMap<RoomId, RoomSummary>>,
}

impl Directory {
    pub(crate) fn put(&self, summary: RoomSummary) {
        self.lock().insert(summary.id, summary);
    }

    pub(crate) fn remove(&self, id: &RoomId) {
        self.lock().remove(id);
    }

    pub(crate) fn get(&self, id: &RoomId) -> Option<RoomSummary> {
        self.lock().get(id).cloned()
    }

    /// Rooms that pass the filter, fullest first.
    pub(crate) fn list(&self, filter: &RoomFilter) -> Vec<RoomSummary> {
        let passes = |room: &&RoomSummary| {
            filter
                .authoritative
                .is_none_or(|wanted| wanted == room.label.is_some())
                && filter
                    .label
                    .as_deref()
                    .is_none_or(|wanted| room.label.as_deref() == Some(wanted))
                && filter.size_min.is_none_or(|least| room.size >= least)
                && filter.size_max.is_none_or(|most| room.size <= most)
        };
        let mut found: Vec<RoomSummary> = self.lock().values().filter(passes).cloned().collect();
        found.sort_by(|a, b| b.size.cmp(&a.size).then(a.id.cmp(&b.id)));
        found.truncate(filter.limit);
        found
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<RoomId, RoomSummary>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
