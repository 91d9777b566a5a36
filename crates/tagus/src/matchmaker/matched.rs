//! Players who are to play together, as server code and clients see them.

use std::collections::BTreeMap;

use tagus_base::{RoomId, SessionId};
use tagus_players::Presence;
use tagus_players::matchmaker::{Entry, Match, MatchRegion, Ticket};
use tagus_wire::ext::{MatchQuality, MatchTeam};
use tagus_wire::realtime::matchmaker_matched::MatchmakerUser;

use crate::live::presence_out;

/// Players who are to play together, for the hooks [`crate::Server::matchmaker_matched`] and
/// [`crate::Server::matchmaker_override`].
#[derive(Clone, Debug, PartialEq)]
pub struct Matched {
    /// The players; those of a ticket stand together.
    pub users: Vec<MatchedUser>,
    /// The mode that all of them named; empty where they named none, or not all the same.
    pub mode: String,
    /// The room that they join, where they are found for one that asked for players.
    pub room: Option<RoomId>,
    /// How good the match is.
    pub quality: MatchedQuality,
}

/// How good a match is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MatchedQuality {
    /// How long its oldest ticket waited, in milliseconds.
    pub wait_ms_max: u64,
    /// The probability that the favourite side wins, 0 to 1, where all have ratings; 1 / the number of sides is best.
    pub favourite_wins: Option<f64>,
    /// Difference of the highest and the lowest rating, where there are ratings.
    pub rating_spread: Option<f64>,
    /// Where to play: the region whose longest round-trip time is the shortest, if the tickets tell of regions.
    pub region: Option<MatchRegion>,
    /// The teams, as even as the ratings allow; empty where the mode has none.
    pub teams: Vec<Vec<SessionId>>,
}

/// One player of a [`Matched`].
#[derive(Clone, Debug, PartialEq)]
pub struct MatchedUser {
    /// The connection that waited, and whose it is.
    pub presence: Presence,
    /// The ticket; several players of a party have the same.
    pub ticket: String,
    /// Their party, if they came as one.
    pub party_id: Option<String>,
    /// How long the ticket waited, in milliseconds.
    pub wait_ms: u64,
    /// The ticket's string properties.
    pub string_properties: BTreeMap<String, String>,
    /// The ticket's numeric properties.
    pub numeric_properties: BTreeMap<String, f64>,
}

impl Matched {
    pub(super) fn of(made: &Match) -> Self {
        let teams = made.teams.iter().map(|team| {
            let tickets = team.iter().filter_map(|index| made.tickets.get(*index));
            let entries = tickets.flat_map(|ticket| &ticket.entries);
            entries.map(|entry| entry.session_id).collect()
        });
        let quality = MatchedQuality {
            wait_ms_max: made.wait_ms_max,
            favourite_wins: made.favourite_wins,
            rating_spread: made.rating_spread,
            region: made.region.clone(),
            teams: teams.collect(),
        };
        let mut modes = made.tickets.iter().map(mode_of);
        let first = modes.next().flatten();
        let mode = first.filter(|first| modes.all(|mode| mode == Some(*first)));
        let users = made.tickets.iter().flat_map(|ticket| {
            let wait_ms = made.wait_ms(ticket);
            let entries = ticket.entries.iter();
            entries.map(move |entry| MatchedUser::of(ticket, entry, wait_ms))
        });
        Self {
            users: users.collect(),
            mode: mode.unwrap_or_default().to_owned(),
            room: made.backfill,
            quality,
        }
    }

    /// What one of its players is told of its quality.
    pub(super) fn quality_out(&self, user: &MatchedUser) -> MatchQuality {
        let quality = &self.quality;
        let millis = |ms: u64| u32::try_from(ms).unwrap_or(u32::MAX);
        let region = quality.region.as_ref();
        let teams = quality.teams.iter().map(|team| MatchTeam {
            session_ids: team.iter().map(SessionId::to_string).collect(),
        });
        MatchQuality {
            ticket: user.ticket.clone(),
            wait_ms: millis(user.wait_ms),
            wait_ms_max: millis(quality.wait_ms_max),
            favourite_wins: quality.favourite_wins,
            region: region.map_or_else(String::new, |region| region.name.to_string()),
            rtt_ms_min: region.map_or(0, |region| region.rtt_ms_min.0),
            rtt_ms_max: region.map_or(0, |region| region.rtt_ms_max.0),
            teams: teams.collect(),
            mode: self.mode.clone(),
        }
    }
}

impl MatchedUser {
    fn of(ticket: &Ticket, entry: &Entry, wait_ms: u64) -> Self {
        Self {
            presence: presence_of(entry),
            ticket: ticket.id.to_string(),
            party_id: ticket.party_id.as_deref().map(str::to_owned),
            wait_ms,
            string_properties: strings_of(ticket),
            numeric_properties: numbers_of(ticket),
        }
    }

    pub(super) fn to_wire(&self) -> MatchmakerUser {
        MatchmakerUser {
            presence: Some(presence_out(&self.presence)),
            party_id: self.party_id.clone().unwrap_or_default(),
            string_properties: self.string_properties.clone(),
            numeric_properties: self.numeric_properties.clone(),
        }
    }
}

pub(super) fn presence_of(entry: &Entry) -> Presence {
    Presence {
        session_id: entry.session_id,
        user_id: entry.user_id,
        username: (&*entry.username).into(),
        persistence: false,
        status: None,
        hidden: false,
    }
}

pub(super) fn strings_of(ticket: &Ticket) -> BTreeMap<String, String> {
    let pairs = ticket.string_properties.iter();
    pairs
        .map(|(name, text)| (name.to_string(), text.to_string()))
        .collect()
}

pub(super) fn numbers_of(ticket: &Ticket) -> BTreeMap<String, f64> {
    let pairs = ticket.numeric_properties.iter();
    pairs
        .map(|(name, number)| (name.to_string(), *number))
        .collect()
}

fn mode_of(ticket: &Ticket) -> Option<&str> {
    let mut pairs = ticket.string_properties.iter();
    let mode = pairs.find(|(name, _)| &**name == MODE_PROPERTY);
    mode.map(|(_, mode)| &**mode)
}

/// The string property by which a ticket names its mode.
pub(super) const MODE_PROPERTY: &str = "mode";
