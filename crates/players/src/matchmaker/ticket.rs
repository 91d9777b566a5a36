//! What players ask for, and what is wrong with what they ask.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use tagus_base::{Millis, RoomId, SessionId, UnixMillis, UserId, Uuid};

use super::criteria::{self, Criteria};
use super::skill::Rating;
use super::teams::Side;
use crate::query::{Document, Query};

/// Most tickets that name one session at a time; the next is refused.
pub const TICKETS_PER_SESSION_MAX: usize = 3;

/// Most players of one ticket; a larger party is refused.
pub const PARTY_PLAYERS_MAX: usize = 256;

/// Most players that a ticket may ask for; more are refused.
pub const MATCH_PLAYERS_MAX: u32 = 1_024;

/// Most string and numeric properties of a ticket together; a ticket with more is refused.
pub const PROPERTIES_MAX: usize = 64;

/// Longest name of a property, in bytes; a ticket with a longer one is refused.
pub const PROPERTY_NAME_BYTES_MAX: usize = 128;

/// Longest string property, in bytes; a ticket with a longer one is refused.
pub const PROPERTY_VALUE_BYTES_MAX: usize = 256;

/// Most bytes of all names and string properties of a ticket together; a ticket with more is refused.
pub const PROPERTIES_BYTES_MAX: usize = 4_096;

/// Longest query of a ticket, in bytes of its printed form; a ticket with a longer one is refused.
pub const TICKET_QUERY_BYTES_MAX: usize = 4_096;

/// Highest cost of a ticket's query; a dearer one is refused. A clause costs 1, a wildcard 4, a fuzzy word 32, a regular
/// expression 256: eight of those and a little else are possible.
pub const QUERY_COST_MAX: u32 = 2_560;

/// Most teams of a match; a ticket that wants more is refused.
pub const TEAMS_MAX: u32 = 64;

/// Longest time that a ticket may wait for a full match, in milliseconds: an hour. A longer one is refused.
pub const GATHER_MS_MAX: u32 = 3_600_000;

/// Most regions to which a ticket reports round-trip times; a ticket with more is refused.
pub const REGIONS_MAX: usize = 32;

/// Longest name of a region, in bytes; a ticket with a longer one is refused.
pub const REGION_BYTES_MAX: usize = 64;

/// A ticket's id.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct TicketId(pub Uuid);

impl fmt::Display for TicketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A player of a ticket.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    /// The connection that plays. Nobody is matched with the same session twice.
    pub session_id: SessionId,
    /// Whose it is.
    pub user_id: UserId,
    /// As it was when the ticket was made.
    pub username: Box<str>,
}

/// What somebody asks for. [`Wish::new`] gives one that plays with anybody.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Fewest players of the match, at least 2.
    pub min_count: u32,
    /// Most players of the match, `min_count` to [`MATCH_PLAYERS_MAX`].
    pub max_count: u32,
    /// The number of players is a multiple of this, which divides both counts.
    pub count_multiple: u32,
    /// Tickets play together only if they are in the same pool, such as that of a kind of match.
    pub pool: u16,
    /// Number of teams, all of equally many players, at most [`TEAMS_MAX`]; 0 for none. It divides `count_multiple`,
    /// and a party must fit into one team. Tickets play together only if they want the same number of teams.
    pub team_count: u32,
    /// What every other ticket of the match must fulfil.
    pub query: Query,
    /// What others' queries find under `properties.NAME`.
    pub string_properties: BTreeMap<String, String>,
    /// What others' queries find under `properties.NAME`; each is finite.
    pub numeric_properties: BTreeMap<String, f64>,
    /// How long to wait for a full match before a smaller one will do, at most [`GATHER_MS_MAX`];
    /// without it that of the configuration.
    pub gather_ms: Option<Millis>,
    /// How well the players play. Who has one plays only with others who have one, within a window that widens.
    pub rating: Option<Rating>,
    /// Round-trip times to regions. Tickets that have some are matched only where they have a region in common.
    pub regions: BTreeMap<String, Millis>,
}

impl Wish {
    /// Matches of these sizes with whoever the query accepts.
    #[must_use]
    pub fn new(min_count: u32, max_count: u32, query: Query) -> Self {
        Self {
            min_count,
            max_count,
            count_multiple: 1,
            pool: 0,
            team_count: 0,
            query,
            string_properties: BTreeMap::new(),
            numeric_properties: BTreeMap::new(),
            gather_ms: None,
            rating: None,
            regions: BTreeMap::new(),
        }
    }
}

/// A ticket before it has an id.
#[derive(Clone, Debug)]
pub struct NewTicket {
    /// The players, 1 to [`PARTY_PLAYERS_MAX`], each of another session. They stay together.
    pub entries: Vec<Entry>,
    /// Their party, if they are one.
    pub party_id: Option<Box<str>>,
    /// What they ask for.
    pub wish: Wish,
}

/// A ticket that waits or is matched.
#[derive(Clone, Debug)]
pub struct Ticket {
    /// Its id.
    pub id: TicketId,
    /// The players.
    pub entries: Box<[Entry]>,
    /// Their party, if they are one.
    pub party_id: Option<Box<str>>,
    /// When it was made.
    pub created_at: UnixMillis,
    /// String properties by name, in the order of names.
    pub string_properties: Box<[(Box<str>, Box<str>)]>,
    /// Numeric properties by name, in the order of names.
    pub numeric_properties: Box<[(Box<str>, f64)]>,
    /// Fewest, most and multiple.
    pub(super) counts: Counts,
    pub(super) pool: u16,
    pub(super) team_count: u32,
    pub(super) gather_ms: Millis,
    pub(super) rating: Option<Rating>,
    /// From when on it makes no match by itself.
    pub(super) passive_at: UnixMillis,
    /// The room where its players have got seats.
    pub(super) newcomer_of: Option<Box<RoomId>>,
    /// Its place among all tickets by age; who asks for something else keeps it.
    pub(super) order: u64,
    /// Place of the region in the configuration, and the round-trip time.
    pub(super) regions: Box<[(u8, Millis)]>,
    pub(super) criteria: Arc<Criteria>,
    /// What others' queries see.
    pub(super) document: Document,
}

/// Which numbers of players a ticket allows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Counts {
    pub(super) min: u32,
    pub(super) max: u32,
    pub(super) multiple: u32,
}

impl Ticket {
    /// What the ticket's players demand of the others.
    #[must_use]
    pub fn query(&self) -> &Query {
        self.criteria.query()
    }

    /// Fewest players of the match.
    #[must_use]
    pub fn min_count(&self) -> u32 {
        self.counts.min
    }

    /// Most players of the match.
    #[must_use]
    pub fn max_count(&self) -> u32 {
        self.counts.max
    }

    /// What the number of players is a multiple of.
    #[must_use]
    pub fn count_multiple(&self) -> u32 {
        self.counts.multiple
    }

    /// How well the players play, where they said so.
    #[must_use]
    pub fn rating(&self) -> Option<Rating> {
        self.rating
    }

    /// Whether the query accepts the other's properties. A match needs this in both directions.
    #[must_use]
    pub fn accepts(&self, other: &Self) -> bool {
        self.criteria.query().matches(&other.document)
    }

    pub(super) fn side(&self) -> Side {
        Side {
            players: self.size(),
            rating: self.rating,
        }
    }

    pub(super) fn size(&self) -> u32 {
        self.entries.len() as u32
    }

    pub(super) fn shares_session(&self, other: &Self) -> bool {
        self.entries.iter().any(|one| {
            let mut others = other.entries.iter();
            others.any(|entry| entry.session_id == one.session_id)
        })
    }

    /// Makes what others' queries see from the rest.
    pub(super) fn describe(&mut self) {
        let mut document = Document::new();
        for fact in self.facts() {
            match fact.value {
                FactValue::Text(text) => document.add_text(&fact.field, text),
                FactValue::Number(number) => document.add_number(&fact.field, number),
            }
        }
        // A copy takes no more memory than it needs.
        self.document = document.clone();
    }

    /// What the ticket says of itself.
    pub(super) fn facts(&self) -> Vec<Fact<'_>> {
        let property = |name: &str| format!("{PROPERTY_PREFIX}{name}").into();
        let strings = self.string_properties.iter().map(|(name, text)| Fact {
            field: property(name),
            value: FactValue::Text(text),
        });
        let numbers = self.numeric_properties.iter().map(|(name, number)| Fact {
            field: property(name),
            value: FactValue::Number(*number),
        });
        let created_at = self.created_at.0 as f64 * NANOS_PER_MILLI;
        let own = [
            ("min_count", self.counts.min.into()),
            ("max_count", self.counts.max.into()),
            (CREATED_AT, created_at),
        ];
        let own = own.map(|(field, number)| Fact {
            field: field.into(),
            value: FactValue::Number(number),
        });
        let party = self.party_id.as_deref().map(|party_id| Fact {
            field: "party_id".into(),
            value: FactValue::Text(party_id),
        });
        strings.chain(numbers).chain(own).chain(party).collect()
    }
}

/// What a ticket says about one field.
#[derive(Clone, Debug)]
pub(super) struct Fact<'a> {
    pub(super) field: Cow<'a, str>,
    pub(super) value: FactValue<'a>,
}

/// A value of a field.
#[derive(Clone, Copy, Debug)]
pub(super) enum FactValue<'a> {
    Text(&'a str),
    Number(f64),
}

/// The field that says when a ticket was made.
pub(super) const CREATED_AT: &str = "created_at";

/// What stands before the names of properties in queries.
const PROPERTY_PREFIX: &str = "properties.";

/// The field `created_at` is in nanoseconds, as clients of the protocol expect.
const NANOS_PER_MILLI: f64 = 1e6;

/// Why a ticket is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TicketError {
    /// The smallest match has fewer than two players.
    #[error("invalid minimum count, must be >= 2")]
    MinCount,
    /// The largest match is smaller than the smallest.
    #[error("invalid maximum count, must be >= minimum count")]
    MaxCount,
    /// The largest match is too large.
    #[error("invalid maximum count, must be <= {MATCH_PLAYERS_MAX}")]
    MaxCountLimit,
    /// The multiple is 0.
    #[error("invalid count multiple, must be >= 1")]
    CountMultiple,
    /// The multiple does not divide the minimum.
    #[error("invalid count multiple for minimum count, must divide")]
    CountMultipleOfMin,
    /// The multiple does not divide the maximum.
    #[error("invalid count multiple for maximum count, must divide")]
    CountMultipleOfMax,
    /// There are too many teams, they do not divide the multiple, or the party is larger than a team.
    #[error(
        "invalid team count, must be <= {TEAMS_MAX}, divide the count multiple and leave room for the party"
    )]
    TeamCount,
    /// The ticket has no player, or too many.
    #[error("invalid number of players, must be between 1 and {PARTY_PLAYERS_MAX}")]
    Players,
    /// There are more players than the match may have.
    #[error("the party is larger than the maximum count")]
    PartySize,
    /// A session is in the ticket twice.
    #[error("duplicate session")]
    DuplicateSession,
    /// A session has too many tickets.
    #[error("too many tickets, at most {TICKETS_PER_SESSION_MAX} a session")]
    TooManyTickets,
    /// There are too many tickets.
    #[error("too many tickets are waiting")]
    PoolFull,
    /// There are too many properties.
    #[error("too many properties, at most {PROPERTIES_MAX}")]
    PropertyCount,
    /// A property's name is empty or too long.
    #[error("invalid property name, must be 1 to {PROPERTY_NAME_BYTES_MAX} bytes")]
    PropertyName,
    /// A string property is too long.
    #[error("invalid string property, must be at most {PROPERTY_VALUE_BYTES_MAX} bytes")]
    PropertyValue,
    /// The properties are too long together.
    #[error("invalid properties, must be at most {PROPERTIES_BYTES_MAX} bytes together")]
    PropertiesSize,
    /// A numeric property is infinite or not a number.
    #[error("invalid numeric property, must be finite")]
    PropertyNumber,
    /// The query is too long.
    #[error("invalid query, must be at most {TICKET_QUERY_BYTES_MAX} bytes")]
    QueryLength,
    /// The query takes too long to be put to others.
    #[error("invalid query, too many patterns")]
    QueryCost,
    /// The time to wait is too long.
    #[error("invalid gathering time, must be at most {GATHER_MS_MAX} milliseconds")]
    Gather,
    /// A rating is not finite, or its uncertainty negative.
    #[error("invalid rating, must be finite")]
    Rating,
    /// There are too many regions, or a region's name is empty or too long.
    #[error("invalid regions, at most {REGIONS_MAX} of 1 to {REGION_BYTES_MAX} bytes")]
    Regions,
    /// A room wants nobody, or more players than a match may have.
    #[error(
        "invalid number of wanted players, must be >= 1, with those present <= {MATCH_PLAYERS_MAX}"
    )]
    Wanted,
    /// No such ticket waits.
    #[error("ticket not found")]
    NotFound,
}

/// Checks what a ticket says about its players.
pub(super) fn check_entries(entries: &[Entry]) -> Result<(), TicketError> {
    if entries.is_empty() || entries.len() > PARTY_PLAYERS_MAX {
        return Err(TicketError::Players);
    }
    let mut sessions: Vec<SessionId> = entries.iter().map(|entry| entry.session_id).collect();
    sessions.sort_unstable();
    if sessions.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(TicketError::DuplicateSession);
    }
    Ok(())
}

impl Wish {
    /// Checks everything that can be checked without the other tickets, for so many players. Gives the query's text.
    pub(super) fn check(&self, players: usize) -> Result<String, TicketError> {
        self.check_counts(players)?;
        self.check_rest()
    }

    /// The same for a room, which has no counts.
    pub(super) fn check_as_backfill(&self) -> Result<String, TicketError> {
        if self.team_count > TEAMS_MAX {
            return Err(TicketError::TeamCount);
        }
        self.check_rest()
    }

    fn check_rest(&self) -> Result<String, TicketError> {
        self.check_properties()?;
        if self
            .gather_ms
            .is_some_and(|gather| gather.0 > GATHER_MS_MAX)
        {
            return Err(TicketError::Gather);
        }
        if self.rating.is_some_and(|rating| !rating.is_sound()) {
            return Err(TicketError::Rating);
        }
        let long = |name: &String| name.is_empty() || name.len() > REGION_BYTES_MAX;
        if self.regions.len() > REGIONS_MAX || self.regions.keys().any(long) {
            return Err(TicketError::Regions);
        }
        let query_text = self.query.to_string();
        if query_text.len() > TICKET_QUERY_BYTES_MAX {
            return Err(TicketError::QueryLength);
        }
        if criteria::cost(&self.query) > QUERY_COST_MAX {
            return Err(TicketError::QueryCost);
        }
        Ok(query_text)
    }

    fn check_counts(&self, players: usize) -> Result<(), TicketError> {
        let (min, max, multiple) = (self.min_count, self.max_count, self.count_multiple);
        let teams = self.team_count;
        let team_players = max.checked_div(teams).unwrap_or(max) as usize;
        let even = teams == 0 || (teams <= TEAMS_MAX && multiple.is_multiple_of(teams));
        let checks = [
            (min >= 2, TicketError::MinCount),
            (max >= min, TicketError::MaxCount),
            (max <= MATCH_PLAYERS_MAX, TicketError::MaxCountLimit),
            (multiple >= 1, TicketError::CountMultiple),
            (
                min.is_multiple_of(multiple),
                TicketError::CountMultipleOfMin,
            ),
            (
                max.is_multiple_of(multiple),
                TicketError::CountMultipleOfMax,
            ),
            (players <= max as usize, TicketError::PartySize),
            (even && players <= team_players, TicketError::TeamCount),
        ];
        let wrong = checks.into_iter().find(|(right, _)| !right);
        wrong.map_or(Ok(()), |(_, error)| Err(error))
    }

    fn check_properties(&self) -> Result<(), TicketError> {
        if self.string_properties.len() + self.numeric_properties.len() > PROPERTIES_MAX {
            return Err(TicketError::PropertyCount);
        }
        let names = || {
            self.string_properties
                .keys()
                .chain(self.numeric_properties.keys())
        };
        if names().any(|name| name.is_empty() || name.len() > PROPERTY_NAME_BYTES_MAX) {
            return Err(TicketError::PropertyName);
        }
        let values = || self.string_properties.values();
        if values().any(|value| value.len() > PROPERTY_VALUE_BYTES_MAX) {
            return Err(TicketError::PropertyValue);
        }
        if names().chain(values()).map(String::len).sum::<usize>() > PROPERTIES_BYTES_MAX {
            return Err(TicketError::PropertiesSize);
        }
        let numbers = &self.numeric_properties;
        if numbers.values().any(|number| !number.is_finite()) {
            return Err(TicketError::PropertyNumber);
        }
        Ok(())
    }
}

/// The owned form of a map, which takes less memory where there are many.
pub(super) fn boxed<V, T>(
    map: BTreeMap<String, V>,
    value: impl Fn(V) -> T,
) -> Box<[(Box<str>, T)]> {
    let pairs = map.into_iter();
    pairs.map(|(name, it)| (name.into(), value(it))).collect()
}
