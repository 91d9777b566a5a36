//! Listings of parties.

use std::cmp::Reverse;
use std::sync::Arc;

use super::{Parties, Party, PartyId, PartySettings};
use crate::PlayersError;
use crate::cursor::{Cursor, MALFORMED, checked_limit};
use crate::query::{Document, Query};

/// Parties on a page, at most.
pub const PARTIES_LIST_MAX: i32 = 100;

/// Work of one listing at most, in the units of [`Query::work`]; one that is more is refused.
/// Ten thousand parties can be held against a hundred clauses that compare, and of those that go over texts against few.
pub const PARTIES_WORK_MAX: usize = 1_024 * 1_024;

/// Which parties a listing shall have.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct PartyFilter<'a> {
    /// Parties on the page, 1..=[`PARTIES_LIST_MAX`].
    pub limit: i32,
    /// Open or closed ones; none: both.
    pub open: Option<bool>,
    /// Hidden or shown ones; none: both.
    pub hidden: Option<bool>,
    /// Those that the query holds for, the best first. It knows the members of a label that is a JSON object as `label.` and
    /// their name, any other label as `label`, and `open` and `max_size`. Empty: all.
    pub query: &'a str,
    /// The place of the page; empty for the first one.
    pub cursor: &'a str,
}

/// What listings show of a party.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PartyListing {
    /// Its name.
    pub id: PartyId,
    /// What its leader decided.
    pub settings: PartySettings,
    /// Members at most.
    pub size_max: usize,
}

/// A page of parties.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct PartyPage {
    /// Those that suit the query best, then the newest first.
    pub parties: Vec<PartyListing>,
    /// The place of the next page; empty on the last one.
    pub cursor: String,
}

/// What is searched of a party.
#[derive(Debug)]
pub(super) struct Card {
    /// The first party has 1, the next 2.
    pub(super) number: u64,
    listing: PartyListing,
    document: Document,
}

impl Card {
    pub(super) fn of(number: u64, party: &Party) -> Arc<Self> {
        let settings = &party.settings;
        let mut document = Document::new();
        if !document.add_label(&settings.label) {
            document.add_text("label", &settings.label);
        }
        document.add_bool("open", settings.open);
        document.add_number("max_size", party.size_max as f64);
        document.shrink();
        Arc::new(Self {
            number,
            listing: PartyListing {
                id: party.id,
                settings: settings.clone(),
                size_max: party.size_max,
            },
            document,
        })
    }
}

/// The parties of one moment, to be searched while others change them.
#[derive(Debug)]
pub struct PartyCatalogue(Vec<Arc<Card>>);

impl Parties {
    /// What can be listed now.
    #[must_use]
    pub fn catalogue(&self) -> PartyCatalogue {
        let cards = self.parties.values().map(|entry| entry.card.clone());
        PartyCatalogue(cards.collect())
    }
}

impl PartyCatalogue {
    /// A page of the parties that pass the filter.
    ///
    /// # Errors
    /// A limit, query or cursor that is none; a query that is more than [`PARTIES_WORK_MAX`].
    pub fn list(&self, filter: &PartyFilter<'_>) -> Result<PartyPage, PlayersError> {
        checked_limit(filter.limit, PARTIES_LIST_MAX)?;
        let limit = filter.limit.unsigned_abs() as usize;
        let query = Query::parse(filter.query)?;
        let after = read_cursor(filter)?;
        let mut found = Vec::new();
        let mut work_left = PARTIES_WORK_MAX;
        for card in self.0.iter().filter(|card| filter.passes(&card.listing)) {
            let work = query.work(&card.document);
            work_left = work_left.checked_sub(work).ok_or(TOO_MUCH_WORK)?;
            let place = query.score(&card.document).map(|score| Place {
                score: order_of(score),
                number: card.number,
            });
            let behind = place.filter(|place| after.is_none_or(|after| *place < after));
            found.extend(behind.map(|place| (place, &card.listing)));
        }
        found.sort_unstable_by_key(|(place, _)| Reverse(*place));
        let last = found.get(limit - 1).filter(|_| found.len() > limit);
        let cursor = last.map_or_else(String::new, |(place, _)| write_cursor(filter, *place));
        let page = found.into_iter().take(limit);
        Ok(PartyPage {
            parties: page.map(|(_, listing)| listing.clone()).collect(),
            cursor,
        })
    }
}

impl PartyFilter<'_> {
    /// Whether the party passes everything but the query.
    fn passes(&self, party: &PartyListing) -> bool {
        let settings = &party.settings;
        self.open.is_none_or(|open| open == settings.open)
            && self.hidden.is_none_or(|hidden| hidden == settings.hidden)
    }
}

/// A place in the order of listings, which goes from the highest to the lowest.
#[derive(Clone, Copy, Eq, Ord, PartialEq, PartialOrd)]
struct Place {
    score: i64,
    number: u64,
}

/// Numbers in the order of the scores.
const fn order_of(score: f64) -> i64 {
    let bits = score.to_bits().cast_signed();
    bits ^ ((bits >> 63).cast_unsigned() >> 1).cast_signed()
}

fn write_cursor(filter: &PartyFilter<'_>, place: Place) -> String {
    Cursor::new(KIND)
        .int(flag(filter.open))
        .int(flag(filter.hidden))
        .text(filter.query)
        .int(place.score)
        .int(place.number.cast_signed())
        .write()
}

fn read_cursor(filter: &PartyFilter<'_>) -> Result<Option<Place>, PlayersError> {
    if filter.cursor.is_empty() {
        return Ok(None);
    }
    let mut read = Cursor::read(KIND, filter.cursor)?;
    let (open, hidden, query) = (read.int()?, read.int()?, read.text()?);
    let place = Place {
        score: read.int()?,
        number: read.int()?.cast_unsigned(),
    };
    read.end()?;
    if (open, hidden, query.as_str()) != (flag(filter.open), flag(filter.hidden), filter.query) {
        return Err(MALFORMED);
    }
    Ok(Some(place))
}

fn flag(wanted: Option<bool>) -> i64 {
    wanted.map_or(-1, i64::from)
}

const KIND: u8 = 40;
const TOO_MUCH_WORK: PlayersError = PlayersError::FailedPrecondition(
    "The query takes too much work on the parties there are, ask with fewer patterns.",
);
