//! The rooms of this node, as listings show them. Written by the shards before anybody hears of a change.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tagus_base::{RoomId, UserId};
use tagus_players::query::{Document, Query};
use tagus_shard::RoomSummary;

/// A room in a listing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RoomListing {
    /// The room.
    pub id: RoomId,
    /// Stable name of a default room, or empty.
    pub name: Arc<str>,
    /// Name of the game; empty for a relayed match.
    pub game: Arc<str>,
    /// Label of an authoritative room; none for a relayed match.
    pub label: Option<Arc<str>>,
    /// Seats taken, held ones included.
    pub size: u32,
    /// Seats that are kept free for people who are yet to come.
    pub reserved: u32,
    /// Seats at most, taken and reserved ones included.
    pub seats_max: u32,
    /// Ticks per second; 0 for a relayed match.
    pub tick_rate_hz: u8,
    /// Opened by a player for those who are told: players' listings leave it out.
    pub private: bool,
}

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
    /// Private rooms too; by default they are left out.
    pub private: bool,
    /// Only authoritative ones that the query holds for, the best first. It knows the members of a label that is a JSON
    /// object as `label.` and their name, `handler_name` and `tick_rate`.
    pub query: Option<Query>,
}

#[derive(Debug)]
pub(crate) struct Directory {
    /// Private rooms that one user has, at most.
    private_max: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    rooms: BTreeMap<RoomId, Arc<Listed>>,
    /// The private rooms, those among them that are not there yet, and the users for whom they count.
    private: BTreeMap<RoomId, Option<UserId>>,
    /// How many of these a user has; none who has none.
    private_counts: BTreeMap<UserId, usize>,
}

/// Why a user opens no private room.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct TooManyPrivate;

#[derive(Debug)]
struct Listed {
    summary: RoomSummary,
    is_private: bool,
    /// Made by the first query that asks for it, since shards have no time; shared by all that have the same label.
    document: Arc<OnceLock<Document>>,
}

impl Directory {
    /// No rooms; one user has so many private ones at most.
    pub(crate) fn new(private_max: usize) -> Self {
        Self {
            private_max,
            state: Mutex::default(),
        }
    }

    pub(crate) fn put(&self, summary: RoomSummary) {
        let mut state = self.lock();
        let before = state.rooms.get(&summary.id);
        let known = before.filter(|before| before.summary.label == summary.label);
        let document = known
            .map(|known| known.document.clone())
            .unwrap_or_default();
        let (id, is_private) = (summary.id, state.private.contains_key(&summary.id));
        let listed = Listed {
            summary,
            is_private,
            document,
        };
        state.rooms.insert(id, Arc::new(listed));
    }

    /// Notes that a room that is about to be opened is private, and for whom it counts: for nobody where server code
    /// opens it. [`Self::remove`] must follow where it is not opened.
    pub(crate) fn put_private(
        &self,
        id: RoomId,
        user_id: Option<UserId>,
    ) -> Result<(), TooManyPrivate> {
        let mut state = self.lock();
        if let Some(user_id) = user_id {
            let count = state.private_counts.entry(user_id).or_default();
            if *count >= self.private_max {
                return Err(TooManyPrivate);
            }
            *count += 1;
        }
        state.private.insert(id, user_id);
        Ok(())
    }

    pub(crate) fn remove(&self, id: &RoomId) {
        let mut state = self.lock();
        state.rooms.remove(id);
        let Some(Some(user_id)) = state.private.remove(id) else {
            return;
        };
        if let Some(count) = state.private_counts.get_mut(&user_id) {
            *count -= 1;
            if *count == 0 {
                state.private_counts.remove(&user_id);
            }
        }
    }

    pub(crate) fn get(&self, id: &RoomId) -> Option<RoomListing> {
        self.lock().rooms.get(id).map(|room| room.listing())
    }

    /// Rooms that pass the filter: those that suit the query best, then the fullest first.
    pub(crate) fn list(&self, filter: &RoomFilter) -> Vec<RoomListing> {
        let mut listing = self.listing(filter);
        listing.work(usize::MAX);
        listing.end()
    }

    /// Rooms that pass everything but the query, which is put to them outside the lock: the shards need it.
    pub(crate) fn listing<'a>(&self, filter: &'a RoomFilter) -> Listing<'a> {
        let state = self.lock();
        let passing = state.rooms.values().filter(|room| filter.passes(room));
        let passing: Vec<Arc<Listed>> = passing.cloned().collect();
        Listing {
            filter,
            waiting: passing.into_iter(),
            found: Vec::new(),
            work_done: 0,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A listing on its way. Call [`Self::work`] until nothing waits, then [`Self::end`].
pub(crate) struct Listing<'a> {
    filter: &'a RoomFilter,
    waiting: std::vec::IntoIter<Arc<Listed>>,
    /// With their scores.
    found: Vec<(f64, Arc<Listed>)>,
    work_done: usize,
}

impl Listing<'_> {
    /// Puts the query to rooms until this much work is done, in the units of [`Query::work`]; returns whether more wait.
    pub(crate) fn work(&mut self, work_max: usize) -> bool {
        let end = self.work_done.saturating_add(work_max);
        while self.work_done < end {
            let Some(room) = self.waiting.next() else {
                return false;
            };
            let score = match &self.filter.query {
                None => Some(0.0),
                Some(query) => {
                    let document = room.document();
                    self.work_done += query.work(document);
                    query.score(document)
                }
            };
            self.found.extend(score.map(|score| (score, room)));
        }
        self.waiting.len() > 0
    }

    /// Work so far, in the units of [`Query::work`].
    pub(crate) const fn work_done(&self) -> usize {
        self.work_done
    }

    /// What was found, in order.
    pub(crate) fn end(mut self) -> Vec<RoomListing> {
        self.found
            .sort_by(|(one_score, one), (other_score, other)| {
                let (one, other) = (&one.summary, &other.summary);
                let by_score = other_score.total_cmp(one_score);
                by_score
                    .then(other.size.cmp(&one.size))
                    .then(one.id.cmp(&other.id))
            });
        self.found.truncate(self.filter.limit);
        let rooms = self.found.into_iter();
        rooms.map(|(_, room)| room.listing()).collect()
    }
}

impl RoomFilter {
    /// Whether the room passes everything but the query.
    fn passes(&self, listed: &Listed) -> bool {
        let room = &listed.summary;
        let is_authoritative = room.label.is_some();
        let label = room.label.as_deref();
        (self.private || !listed.is_private)
            && self
                .authoritative
                .is_none_or(|wanted| wanted == is_authoritative)
            && (is_authoritative || self.query.is_none())
            && self
                .label
                .as_deref()
                .is_none_or(|wanted| label == Some(wanted))
            && self.size_min.is_none_or(|least| room.size >= least)
            && self.size_max.is_none_or(|most| room.size <= most)
    }
}

impl Listed {
    fn listing(&self) -> RoomListing {
        let room = self.summary.clone();
        RoomListing {
            id: room.id,
            name: room.name,
            game: room.game,
            label: room.label,
            size: room.size,
            reserved: room.reserved,
            seats_max: room.seats_max,
            tick_rate_hz: room.tick_rate_hz,
            private: self.is_private,
        }
    }

    fn document(&self) -> &Document {
        self.document.get_or_init(|| {
            let mut document = Document::new();
            // A label that is no object is compared whole, by the filter.
            document.add_label(self.summary.label.as_deref().unwrap_or_default());
            document.add_text("handler_name", &self.summary.game);
            document.add_number("tick_rate", self.summary.tick_rate_hz.into());
            document.shrink();
            document
        })
    }
}

#[cfg(test)]
mod tests {
    use tagus_base::Uuid;

    use super::*;

    fn room(number: u8, label: Option<&str>, size: u32) -> RoomSummary {
        RoomSummary {
            id: RoomId {
                uuid: Uuid([number; 16]),
                home: None,
            },
            name: "".into(),
            game: "chess".into(),
            label: label.map(Into::into),
            size,
            reserved: 0,
            seats_max: 8,
            tick_rate_hz: 10,
        }
    }

    fn directory() -> Directory {
        let directory = Directory::new(2);
        let rooms = [
            (1, Some(r#"{"mode":"duel","rank":5}"#), 1),
            (2, Some(r#"{"mode":"duel","rank":9}"#), 3),
            (3, Some(r#"{"mode":"race"}"#), 2),
            (4, Some("duel"), 2),
            (5, None, 2),
        ];
        for (number, label, size) in rooms {
            directory.put(room(number, label, size));
        }
        directory
    }

    fn filter(query: &str) -> RoomFilter {
        RoomFilter {
            limit: 100,
            query: Some(Query::parse(query).unwrap()),
            ..RoomFilter::default()
        }
    }

    fn numbers(rooms: Vec<RoomListing>) -> Vec<u8> {
        rooms.into_iter().map(|room| room.id.uuid.0[0]).collect()
    }

    #[test]
    fn queries_know_labels_that_are_objects_and_the_best_come_first() {
        let directory = directory();
        for (query, expected) in [
            ("label.mode:duel", &[2, 1][..]),
            ("+label.mode:duel -label.rank:>5", &[1]),
            (
                "label.mode:duel label.rank:<6^3 label.mode:race",
                &[1, 2, 3],
            ),
            ("label.mode:/r.*/ label.mode:d*", &[2, 3, 1]),
            ("label:duel", &[]),
            ("+handler_name:chess +tick_rate:10", &[2, 3, 4, 1]),
            ("", &[2, 3, 4, 1]),
        ] {
            assert_eq!(numbers(directory.list(&filter(query))), expected, "{query}");
        }
        let both = RoomFilter {
            label: Some("duel".to_owned()),
            ..filter("*")
        };
        assert_eq!(numbers(directory.list(&both)), [4]);
        let relayed = RoomFilter {
            authoritative: Some(false),
            ..filter("*")
        };
        assert!(directory.list(&relayed).is_empty());
        let all = RoomFilter {
            query: None,
            ..filter("")
        };
        assert_eq!(numbers(directory.list(&all)), [2, 3, 4, 5, 1]);
    }

    #[test]
    fn a_changed_label_is_found_and_the_old_one_is_not() {
        let directory = directory();
        let race = filter("label.mode:race");
        assert_eq!(numbers(directory.list(&race)), [3]);
        directory.put(room(3, Some(r#"{"mode":"race"}"#), 7));
        assert_eq!(directory.list(&race)[0].size, 7);
        directory.put(room(3, Some(r#"{"mode":"duel"}"#), 7));
        directory.put(room(1, Some(r#"{"mode":"race"}"#), 7));
        assert_eq!(numbers(directory.list(&race)), [1]);
        directory.remove(&room(1, None, 0).id);
        assert!(directory.list(&race).is_empty());
    }

    #[test]
    fn private_rooms_are_listed_where_they_are_asked_for_and_counted_until_they_are_over() {
        let directory = directory();
        let (one, other) = (UserId(Uuid([1; 16])), UserId(Uuid([2; 16])));
        let private = |number| room(number, Some(r#"{"mode":"race"}"#), 0);
        assert_eq!(directory.put_private(private(6).id, Some(one)), Ok(()));
        assert_eq!(directory.put_private(private(7).id, Some(one)), Ok(()));
        let refused = directory.put_private(private(8).id, Some(one));
        assert_eq!(refused, Err(TooManyPrivate));
        assert_eq!(directory.put_private(private(8).id, Some(other)), Ok(()));
        for number in [6, 7, 8] {
            directory.put(private(number));
        }
        let race = filter("label.mode:race");
        assert_eq!(numbers(directory.list(&race)), [3]);
        let all = RoomFilter {
            private: true,
            ..race
        };
        assert_eq!(numbers(directory.list(&all)), [3, 6, 7, 8]);
        let shown = directory.list(&all).into_iter();
        let flags: Vec<bool> = shown.map(|room| room.private).collect();
        assert_eq!(flags, [false, true, true, true]);
        // One that was never opened, and one that is over.
        directory.remove(&private(6).id);
        directory.remove(&private(6).id);
        assert_eq!(directory.put_private(private(9).id, Some(one)), Ok(()));
        directory.remove(&private(9).id);
        directory.remove(&private(7).id);
        directory.remove(&private(8).id);
        for number in 1..=3 {
            assert_eq!(directory.put_private(private(number).id, None), Ok(()));
            directory.remove(&private(number).id);
        }
        assert!(directory.lock().private_counts.is_empty());
        assert!(directory.lock().private.is_empty());
    }

    #[test]
    fn a_listing_is_the_same_in_portions() {
        let directory = directory();
        let filter = filter("label.mode:/.*/^2 handler_name:chess");
        let mut listing = directory.listing(&filter);
        for left in [3, 2, 1] {
            assert!(listing.work(1));
            assert_eq!(listing.waiting.len(), left);
        }
        assert!(!listing.work(1));
        assert!(!listing.work(1));
        assert_eq!(listing.end(), directory.list(&filter));
    }
}
