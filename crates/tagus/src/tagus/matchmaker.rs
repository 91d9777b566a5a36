//! The matchmaker, for server code.

use std::time::Duration;

use tagus_base::{Millis, RoomId, SessionId};
use tagus_players::PartyId;
use tagus_players::matchmaker::{Entry, TicketId};

use super::Tagus;
use crate::api::ApiError;
use crate::gateway::stream_of;
use crate::matchmaker::{self, Answer, MatchmakerWish, WaitingTicket, entry_of_presence};

impl Tagus {
    /// Makes a ticket of these connections, whose players play together. They are not told of it, but of its match.
    ///
    /// # Errors
    /// NOT_FOUND when one of the connections is gone, INVALID_ARGUMENT for a wish or a number of players out of its
    /// limits, or when one of the connections has too many tickets.
    pub async fn matchmaker_add(
        &self,
        sessions: &[SessionId],
        wish: MatchmakerWish,
    ) -> Result<TicketId, ApiError> {
        matchmaker::add(&self.gateway, sessions, wish, Answer::None).await
    }

    /// Makes a ticket of all members of a party, who are told of it.
    ///
    /// # Errors
    /// As [`Self::matchmaker_add`]; NOT_FOUND when there is no such party.
    pub async fn matchmaker_add_party(
        &self,
        party: &PartyId,
        wish: MatchmakerWish,
    ) -> Result<TicketId, ApiError> {
        matchmaker::add_party(&self.gateway, party, None, wish, Answer::None).await
    }

    /// Replaces what a ticket asks for, whoever made it. It keeps its age, and its players are not told.
    ///
    /// # Errors
    /// NOT_FOUND when the ticket does not wait, INVALID_ARGUMENT for a wish out of its limits; nothing has changed.
    pub async fn matchmaker_change(
        &self,
        id: TicketId,
        wish: MatchmakerWish,
    ) -> Result<(), ApiError> {
        matchmaker::change(&self.gateway, id, wish).await
    }

    /// Takes a ticket out, whoever made it. Its players are not told.
    ///
    /// # Errors
    /// NOT_FOUND when the ticket does not wait.
    pub fn matchmaker_remove(&self, id: TicketId) -> Result<(), ApiError> {
        self.gateway.matchmaker.remove_any(id)
    }

    /// The tickets that wait, the oldest first. All are copied: not for every request where there are many.
    #[must_use]
    pub fn matchmaker_tickets(&self) -> Vec<WaitingTicket> {
        self.gateway.matchmaker.waiting()
    }

    /// Looks for `wanted` more players for an authoritative room, in place of what was looked for before for this room.
    /// `wish` is what they must be, and what they find of the room; its counts are only for their queries.
    /// They are taken as they come, and told the room once their seats are kept for them, for `hold` or
    /// [`tagus_room::RESERVE_MS_MAX`]. It ends when there are as many as wanted, or with the room.
    ///
    /// # Errors
    /// NOT_FOUND when there is no such room, INVALID_ARGUMENT for a wish or a number out of its limits.
    pub fn matchmaker_backfill(
        &self,
        room: RoomId,
        wanted: u32,
        wish: MatchmakerWish,
        hold: Duration,
    ) -> Result<(), ApiError> {
        let gateway = &self.gateway;
        let is_authoritative = self.room(&room).is_some_and(|room| !room.game.is_empty());
        if !is_authoritative {
            return Err(ApiError::not_found("Match not found."));
        }
        let stream = stream_of(&room);
        let streams = gateway.live.streams().lock();
        let present = streams.receivers(&stream);
        let present: Vec<Entry> = present.map(entry_of_presence).collect();
        drop(streams);
        let hold = Millis(u32::try_from(hold.as_millis()).unwrap_or(u32::MAX));
        let settings = &gateway.config.matchmaker;
        gateway
            .matchmaker
            .backfill(settings, room, (wanted, wish), present, hold)
    }

    /// Looks for nobody any more for this room. Whether it did.
    pub fn matchmaker_backfill_end(&self, room: &RoomId) -> bool {
        self.gateway.matchmaker.end_backfill(room)
    }
}
