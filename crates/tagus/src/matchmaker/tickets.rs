//! Tickets that players or server code make and change.

use std::collections::BTreeMap;

use tagus_base::{SessionId, UserId};
use tagus_players::matchmaker::{Entry, NewTicket, Rating, TicketId, Wish};
use tagus_players::{Party, PartyId};

use super::wish::{check_size, joint, ratings_of};
use super::{LiveMatchmaker, MatchmakerWish, entries_of};
use crate::api::ApiError;
use crate::gateway::Gateway;

/// Whether a ticket's match has to wait for [`LiveMatchmaker::answered`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Answer {
    Follows,
    None,
}

/// Ratings of players, where they count.
pub(crate) type KnownRatings = Option<BTreeMap<UserId, Rating>>;

/// A ticket of these connections.
pub(crate) async fn add(
    gateway: &Gateway,
    sessions: &[SessionId],
    asked: MatchmakerWish,
    answer: Answer,
) -> Result<TicketId, ApiError> {
    let (mut wish, rated) = asked.read(&gateway.config.matchmaker)?;
    let matchmaker = &gateway.matchmaker;
    if let Some(mode) = rated {
        let entries = matchmaker.entries(sessions)?;
        let users: Vec<UserId> = entries.iter().map(|entry| entry.user_id).collect();
        let known = ratings_of(&gateway.ratings, &mode, &users).await?;
        wish.rating = joint(&entries, &known);
    }
    matchmaker.add(sessions, wish, answer)
}

/// A ticket of a party, and who is in it: `by` is its leader, or none for server code.
pub(crate) async fn add_party(
    gateway: &Gateway,
    party: &PartyId,
    by: Option<SessionId>,
    asked: MatchmakerWish,
    answer: Answer,
) -> Result<TicketId, ApiError> {
    let (wish, rated) = asked.read(&gateway.config.matchmaker)?;
    let mut known: KnownRatings = None;
    if let Some(mode) = rated {
        let members = gateway.parties.get(party);
        let members = members.map(|party| party.members).unwrap_or_default();
        let users: Vec<UserId> = members.iter().map(|member| member.user_id).collect();
        known = Some(ratings_of(&gateway.ratings, &mode, &users).await?);
    }
    let parties = &gateway.parties;
    parties.add_ticket(party, by, |party| {
        gateway.matchmaker.add_party(party, wish, known, answer)
    })
}

/// Replaces what a ticket asks for.
pub(crate) async fn change(
    gateway: &Gateway,
    id: TicketId,
    asked: MatchmakerWish,
) -> Result<(), ApiError> {
    let (mut wish, rated) = asked.read(&gateway.config.matchmaker)?;
    let matchmaker = &gateway.matchmaker;
    if let Some(mode) = rated {
        let entries = matchmaker.entries_of_ticket(id);
        let users: Vec<UserId> = entries.iter().map(|entry| entry.user_id).collect();
        let known = ratings_of(&gateway.ratings, &mode, &users).await?;
        wish.rating = joint(&entries, &known);
    }
    matchmaker.change(id, wish)
}

impl LiveMatchmaker {
    fn add(
        &self,
        sessions: &[SessionId],
        wish: Wish,
        answer: Answer,
    ) -> Result<TicketId, ApiError> {
        let mut state = self.state();
        // Under the lock: whoever is still here is taken out later, when the connection ends.
        let entries = self.entries(sessions)?;
        check_size(&entries, None, &wish, self.users_bytes_max)?;
        let ticket = NewTicket {
            entries,
            party_id: None,
            wish,
        };
        let id = state.add(ticket, answer == Answer::Follows)?;
        drop(state);
        self.added(answer);
        Ok(id)
    }

    /// To be called under the parties' lock.
    fn add_party(
        &self,
        party: &Party,
        mut wish: Wish,
        known: KnownRatings,
        answer: Answer,
    ) -> Result<TicketId, ApiError> {
        let entries = entries_of(party);
        if let Some(known) = known {
            let rating = joint(&entries, &known);
            wish.rating = Some(rating.ok_or_else(|| ApiError::new(CODE_ABORTED, PARTY_CHANGED))?);
        }
        let party_id = party.id.to_string();
        check_size(&entries, Some(&party_id), &wish, self.users_bytes_max)?;
        let ticket = NewTicket {
            entries,
            party_id: Some(party_id.into()),
            wish,
        };
        let id = self.state().add(ticket, answer == Answer::Follows)?;
        self.added(answer);
        Ok(id)
    }

    fn change(&self, id: TicketId, wish: Wish) -> Result<(), ApiError> {
        let mut state = self.state();
        let ticket = state.matchmaker.ticket_of(id);
        if let Some(ticket) = ticket {
            let party_id = ticket.party_id.as_deref();
            check_size(&ticket.entries, party_id, &wish, self.users_bytes_max)?;
        }
        state.change(id, wish)?;
        drop(state);
        self.wake();
        Ok(())
    }

    fn entries_of_ticket(&self, id: TicketId) -> Vec<Entry> {
        let state = self.state();
        let ticket = state.matchmaker.ticket_of(id);
        ticket.map_or_else(Vec::new, |ticket| ticket.entries.to_vec())
    }

    fn added(&self, answer: Answer) {
        self.metrics.tickets.inc();
        if answer == Answer::None {
            self.wake();
        }
    }
}

const CODE_ABORTED: i32 = 10;
const PARTY_CHANGED: &str = "The party has changed meanwhile, try again.";
