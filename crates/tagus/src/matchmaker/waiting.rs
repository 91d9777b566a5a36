//! Tickets as server code sees them.

use std::collections::BTreeMap;

use tagus_base::UnixMillis;
use tagus_players::Presence;
use tagus_players::matchmaker::{Rating, Ticket, TicketId};

use super::matched::{numbers_of, presence_of, strings_of};

/// A ticket that waits.
#[derive(Clone, Debug, PartialEq)]
pub struct WaitingTicket {
    /// Its id.
    pub id: TicketId,
    /// Its players.
    pub users: Vec<Presence>,
    /// Their party, if they came as one.
    pub party_id: Option<String>,
    /// When it was made.
    pub created_at: UnixMillis,
    /// Fewest players of the match.
    pub min_count: u32,
    /// Most players of the match.
    pub max_count: u32,
    /// What the number of players is a multiple of.
    pub count_multiple: u32,
    /// What every other ticket of the match must fulfil.
    pub query: String,
    /// What others' queries find under `properties.NAME`.
    pub string_properties: BTreeMap<String, String>,
    /// What others' queries find under `properties.NAME`.
    pub numeric_properties: BTreeMap<String, f64>,
    /// How well its players play, in a rated mode.
    pub rating: Option<Rating>,
}

impl From<&Ticket> for WaitingTicket {
    fn from(ticket: &Ticket) -> Self {
        Self {
            id: ticket.id,
            users: ticket.entries.iter().map(presence_of).collect(),
            party_id: ticket.party_id.as_deref().map(str::to_owned),
            created_at: ticket.created_at,
            min_count: ticket.min_count(),
            max_count: ticket.max_count(),
            count_multiple: ticket.count_multiple(),
            query: ticket.query().to_string(),
            string_properties: strings_of(ticket),
            numeric_properties: numbers_of(ticket),
            rating: ticket.rating(),
        }
    }
}
