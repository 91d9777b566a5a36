//! Tickets of matches that are decided about or prepared: nobody else gets them, and their players are not told yet.

use std::collections::HashMap;

use tagus_base::SessionId;
use tagus_players::matchmaker::{Match, Ticket, TicketId};

/// See the module.
#[derive(Default)]
pub(super) struct Held {
    tickets: HashMap<TicketId, HeldTicket>,
    by_session: HashMap<SessionId, Vec<TicketId>>,
}

struct HeldTicket {
    sessions: Vec<SessionId>,
    party_id: Option<Box<str>>,
    /// It may be taken back: the match is not decided.
    is_open: bool,
    /// It waits no more, even if the match does not come about.
    is_gone: bool,
}

impl Held {
    /// Takes the tickets of a match, those that it made useless too. An earlier match of the same players loses them.
    pub(super) fn hold(&mut self, made: &Match) {
        for ticket in &made.tickets {
            for entry in &ticket.entries {
                self.end_session(entry.session_id);
            }
        }
        for ticket in made.tickets.iter().chain(&made.withdrawn) {
            let sessions = ticket.entries.iter().map(|entry| entry.session_id);
            for session_id in sessions.clone() {
                self.by_session
                    .entry(session_id)
                    .or_default()
                    .push(ticket.id);
            }
            let held = HeldTicket {
                sessions: sessions.collect(),
                party_id: ticket.party_id.clone(),
                is_open: true,
                is_gone: false,
            };
            self.tickets.insert(ticket.id, held);
        }
    }

    /// Whether a match can take place: all of its tickets are still there. From now on none can be taken back.
    pub(super) fn settle(&mut self, made: &Match) -> bool {
        for ticket in made.tickets.iter().chain(&made.withdrawn) {
            if let Some(held) = self.tickets.get_mut(&ticket.id) {
                held.is_open = false;
            }
        }
        let mut tickets = made.tickets.iter();
        tickets.all(|ticket| {
            let held = self.tickets.get(&ticket.id);
            held.is_some_and(|held| !held.is_gone)
        })
    }

    /// Lets a ticket go. Whether it may wait again.
    pub(super) fn release(&mut self, ticket: &Ticket) -> bool {
        let Some(held) = self.tickets.remove(&ticket.id) else {
            return false;
        };
        for session_id in &held.sessions {
            if let Some(ids) = self.by_session.get_mut(session_id) {
                ids.retain(|id| *id != ticket.id);
                if ids.is_empty() {
                    self.by_session.remove(session_id);
                }
            }
        }
        !held.is_gone
    }

    /// A connection is gone, or its player plays elsewhere.
    pub(super) fn end_session(&mut self, session_id: SessionId) {
        for id in self.by_session.get(&session_id).into_iter().flatten() {
            if let Some(held) = self.tickets.get_mut(id) {
                held.is_gone = true;
            }
        }
    }

    /// A party has other members than its tickets say. There are few tickets here, so that all are looked at.
    pub(super) fn end_party(&mut self, party_id: &str) {
        for held in self.tickets.values_mut() {
            held.is_gone |= held.party_id.as_deref() == Some(party_id);
        }
    }

    /// Takes back a ticket of server code's choice, or one that `passes` by its sessions and its party.
    /// Whether it was there.
    pub(super) fn take_back(
        &mut self,
        id: TicketId,
        passes: impl FnOnce(&[SessionId], Option<&str>) -> bool,
    ) -> bool {
        let Some(held) = self.tickets.get_mut(&id) else {
            return false;
        };
        let is_there = held.is_open && !held.is_gone;
        if !is_there || !passes(&held.sessions, held.party_id.as_deref()) {
            return false;
        }
        held.is_gone = true;
        true
    }
}
