//! The rooms of this node, as listings show them. Written by the shards before anybody hears of a change.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use serde_json::Value as Json;
use tagus_base::RoomId;
use tagus_players::query::{Document, Query};
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
    /// Only authoritative ones that the query holds for, the best first. It knows the members of a label that is a JSON
    /// object as `label.` and their name, `handler_name` and `tick_rate`.
    pub query: Option<Query>,
}

#[derive(Debug, Default)]
pub(crate) struct Directory {
    rooms: Mutex<BTreeMap<RoomId, Arc<Listed>>>,
}

#[derive(Debug)]
struct Listed {
    summary: RoomSummary,
    /// Made by the first query that asks for it, since shards have no time; shared by all that have the same label.
    document: Arc<OnceLock<Document>>,
}

impl Directory {
    pub(crate) fn put(&self, summary: RoomSummary) {
        let mut rooms = self.lock();
        let before = rooms.get(&summary.id);
        let known = before.filter(|before| before.summary.label == summary.label);
        let document = known
            .map(|known| known.document.clone())
            .unwrap_or_default();
        rooms.insert(summary.id, Arc::new(Listed { summary, document }));
    }

    pub(crate) fn remove(&self, id: &RoomId) {
        self.lock().remove(id);
    }

    pub(crate) fn get(&self, id: &RoomId) -> Option<RoomSummary> {
        self.lock().get(id).map(|room| room.summary.clone())
    }

    /// Rooms that pass the filter: those that suit the query best, then the fullest first.
    pub(crate) fn list(&self, filter: &RoomFilter) -> Vec<RoomSummary> {
        let mut listing = self.listing(filter);
        listing.work(usize::MAX);
        listing.end()
    }

    /// Rooms that pass everything but the query, which is put to them outside the lock: the shards need it.
    pub(crate) fn listing<'a>(&self, filter: &'a RoomFilter) -> Listing<'a> {
        let rooms = self.lock();
        let passing = rooms.values().filter(|room| filter.passes(&room.summary));
        let passing: Vec<Arc<Listed>> = passing.cloned().collect();
        Listing {
            filter,
            waiting: passing.into_iter(),
            found: Vec::new(),
            work_done: 0,
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<RoomId, Arc<Listed>>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
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
    pub(crate) fn end(mut self) -> Vec<RoomSummary> {
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
        rooms.map(|(_, room)| room.summary.clone()).collect()
    }
}

impl RoomFilter {
    /// Whether the room passes everything but the query.
    fn passes(&self, room: &RoomSummary) -> bool {
        let is_authoritative = room.label.is_some();
        let label = room.label.as_deref();
        self.authoritative
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
    fn document(&self) -> &Document {
        self.document.get_or_init(|| {
            let mut document = Document::new();
            let label = self.summary.label.as_deref().unwrap_or_default();
            if let Ok(label @ Json::Object(_)) = serde_json::from_str(label) {
                document.add_json("label", &label);
            }
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
            seats_max: 8,
            tick_rate_hz: 10,
        }
    }

    fn directory() -> Directory {
        let directory = Directory::default();
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

    fn numbers(rooms: Vec<RoomSummary>) -> Vec<u8> {
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
