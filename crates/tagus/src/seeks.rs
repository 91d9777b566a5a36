//! What rooms ask of the matchmaker, from the shards' threads to its task.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tagus_base::RoomId;
use tagus_room::{Person, Seek};

/// The latest that each room has asked for since the matchmaker looked. Apart from its tickets, since a shard must not
/// wait for a decision.
#[derive(Debug, Default)]
pub(crate) struct Seeks {
    latest: Mutex<BTreeMap<RoomId, Sought>>,
}

/// What a room looks for, in place of everything before.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sought {
    /// None: nobody any more, or the room is gone.
    pub(crate) seek: Option<Seek>,
    /// Who sat there then.
    pub(crate) present: Vec<Person>,
}

impl Seeks {
    pub(crate) fn put(&self, id: RoomId, seek: Option<Seek>, present: &[Person]) {
        let mut latest = self.lock();
        // An end is always kept: there are no more of them than rooms that were heard.
        if seek.is_some() && latest.len() >= ROOMS_WAITING_MAX && !latest.contains_key(&id) {
            return tracing::warn!(room = %id, "a room's seek is dropped: too many wait");
        }
        let present = present.to_vec();
        latest.insert(id, Sought { seek, present });
    }

    /// Everything since the last call.
    pub(crate) fn take(&self) -> BTreeMap<RoomId, Sought> {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<RoomId, Sought>> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Rooms whose seeks may wait for the matchmaker. Beyond it a further room's is dropped, with a warning.
const ROOMS_WAITING_MAX: usize = 16_384;

#[cfg(test)]
mod tests {
    use tagus_base::Uuid;

    use super::*;

    fn room(number: usize) -> RoomId {
        RoomId {
            uuid: Uuid((number as u128).to_be_bytes()),
            home: None,
        }
    }

    fn seek(players: u16) -> Option<Seek> {
        Some(Seek {
            players,
            query: String::new(),
            string_properties: BTreeMap::new(),
            numeric_properties: BTreeMap::new(),
            hold_ms: 1,
        })
    }

    #[test]
    fn the_latest_counts_and_ends_are_never_lost() {
        let seeks = Seeks::default();
        for number in 0..=ROOMS_WAITING_MAX {
            seeks.put(room(number), seek(1), &[]);
        }
        seeks.put(room(0), seek(2), &[]);
        seeks.put(room(1), None, &[]);
        seeks.put(room(ROOMS_WAITING_MAX + 1), None, &[]);
        let taken = seeks.take();
        let of = |number| taken.get(&room(number)).map(|sought| sought.seek.clone());
        assert_eq!(of(0), Some(seek(2)));
        assert_eq!(of(1), Some(None));
        assert_eq!(of(ROOMS_WAITING_MAX), None);
        assert_eq!(of(ROOMS_WAITING_MAX + 1), Some(None));
        assert!(seeks.take().is_empty());
    }
}
