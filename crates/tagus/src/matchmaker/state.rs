//! What the matchmaker of a node knows beside the tickets' own state machine.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

use tagus_base::{Millis, RoomId, SessionId, UnixMillis};
use tagus_players::matchmaker::{
    Match, Matchmaker, NewTicket, Ticket, TicketError, TicketId, Wish,
};

use super::held::Held;
use super::{Stats, WaitingTicket};
use crate::api::ApiError;
use crate::gateway::unix_now;

pub(super) struct State {
    pub(super) matchmaker: Matchmaker,
    /// Matches that are made and not told.
    pub(super) held: Held,
    /// How long seats are kept in rooms that asked for players.
    pub(super) holds: BTreeMap<RoomId, Millis>,
    /// Tickets came or changed since server code decided.
    pub(super) has_news: bool,
    /// Tickets by age.
    by_age: BTreeSet<(UnixMillis, TicketId)>,
    /// The tickets of each party that has some.
    by_party: HashMap<Box<str>, Vec<TicketId>>,
    /// Tickets whose answer has not left yet.
    unanswered: HashSet<TicketId>,
    /// Matches of tickets whose answer has not left yet.
    made: VecDeque<Match>,
    completions: VecDeque<Completion>,
}

/// A ticket that was matched.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Completion {
    pub(crate) created_at: UnixMillis,
    pub(crate) completed_at: UnixMillis,
}

impl State {
    pub(super) fn new(matchmaker: Matchmaker) -> Self {
        Self {
            matchmaker,
            held: Held::default(),
            holds: BTreeMap::new(),
            has_news: false,
            by_age: BTreeSet::new(),
            by_party: HashMap::new(),
            unanswered: HashSet::new(),
            made: VecDeque::new(),
            completions: VecDeque::new(),
        }
    }

    /// With `is_unanswered` nobody is told of its match before [`Self::answered`].
    pub(super) fn add(
        &mut self,
        ticket: NewTicket,
        is_unanswered: bool,
    ) -> Result<TicketId, ApiError> {
        let now = unix_now();
        let party_id = ticket.party_id.clone();
        let id = self.matchmaker.handle_add(now, ticket).map_err(refused)?;
        self.note(id, now, party_id);
        if is_unanswered {
            self.unanswered.insert(id);
        }
        Ok(id)
    }

    pub(super) fn change(&mut self, id: TicketId, wish: Wish) -> Result<(), ApiError> {
        self.has_news = true;
        self.matchmaker
            .change(unix_now(), id, wish)
            .map_err(refused)
    }

    pub(super) fn answered(&mut self, id: TicketId) {
        self.unanswered.remove(&id);
    }

    /// Takes a ticket out if it passes, by its sessions and its party; else it is none that the caller may know.
    pub(super) fn remove_if(
        &mut self,
        id: TicketId,
        passes: impl Fn(&[SessionId], Option<&str>) -> bool,
    ) -> Result<(), ApiError> {
        let Some(ticket) = self.matchmaker.ticket_of(id) else {
            let was_there = self.held.take_back(id, passes);
            return was_there
                .then_some(())
                .ok_or_else(|| refused(TicketError::NotFound));
        };
        let sessions: Vec<SessionId> = ticket.entries.iter().map(|it| it.session_id).collect();
        if !passes(&sessions, ticket.party_id.as_deref()) {
            return Err(refused(TicketError::NotFound));
        }
        self.remove(id);
        Ok(())
    }

    fn remove(&mut self, id: TicketId) {
        if let Some(ticket) = self.matchmaker.remove(id) {
            self.forget(&ticket);
        }
    }

    /// Takes out what a party waited for.
    pub(super) fn end_party(&mut self, party_id: &str) {
        for id in self.by_party.remove(party_id).into_iter().flatten() {
            self.remove(id);
        }
        self.held.end_party(party_id);
    }

    /// Takes out what ended connections waited for.
    pub(super) fn end_sessions(&mut self, ended: &[SessionId]) {
        let mut gone = Vec::new();
        for session_id in ended {
            self.matchmaker.remove_session(*session_id, &mut gone);
            self.held.end_session(*session_id);
        }
        for ticket in &gone {
            self.forget(ticket);
        }
    }

    /// Makes the matches that are due.
    pub(super) fn decide(&mut self, now: UnixMillis) {
        let mut made = Vec::new();
        self.matchmaker.poll(now, &mut made);
        for one in made {
            self.keep(one);
        }
    }

    /// Makes a match of server code's choice.
    pub(super) fn form(&mut self, now: UnixMillis, ids: &[TicketId]) -> Result<(), TicketError> {
        let made = self.matchmaker.form(now, ids)?;
        self.keep(made);
        Ok(())
    }

    fn keep(&mut self, made: Match) {
        for ticket in made.tickets.iter().chain(&made.withdrawn) {
            self.forget(ticket);
        }
        self.held.hold(&made);
        self.made.push_back(made);
    }

    /// The matches of whose tickets all answers have left.
    pub(super) fn tellable(&mut self) -> Vec<Match> {
        let unanswered = &self.unanswered;
        let waits = |made: &Match| {
            let mut tickets = made.tickets.iter();
            tickets.any(|ticket| unanswered.contains(&ticket.id))
        };
        let made = std::mem::take(&mut self.made);
        let (kept, told): (VecDeque<Match>, VecDeque<Match>) = made.into_iter().partition(waits);
        self.made = kept;
        told.into()
    }

    /// The players of a match are told. What they asked for since is withdrawn as well: nobody plays in two matches.
    pub(super) fn complete(&mut self, made: &Match) {
        for ticket in made.tickets.iter().chain(&made.withdrawn) {
            self.held.release(ticket);
        }
        let entries = made.tickets.iter().flat_map(|ticket| &ticket.entries);
        let mut withdrawn = Vec::new();
        for entry in entries {
            self.matchmaker
                .remove_session(entry.session_id, &mut withdrawn);
        }
        for ticket in &withdrawn {
            self.forget(ticket);
        }
        let now = unix_now();
        let completions = made.tickets.iter().map(|ticket| Completion {
            created_at: ticket.created_at,
            completed_at: now,
        });
        self.completions.extend(completions);
        let excess = self.completions.len().saturating_sub(COMPLETIONS_MAX);
        self.completions.drain(..excess);
    }

    /// Lets a match fall apart. Its tickets wait again, those that `may_wait`, and are looked at no later than `again_at`.
    pub(super) fn dissolve(
        &mut self,
        made: Match,
        again_at: UnixMillis,
        may_wait: impl Fn(&Ticket) -> bool,
    ) {
        let now = unix_now();
        for ticket in made.tickets.into_iter().chain(made.withdrawn) {
            let waits = self.held.release(&ticket) && may_wait(&ticket);
            let (id, created_at, party_id) =
                (ticket.id, ticket.created_at, ticket.party_id.clone());
            // In any case, so that a room which it was to join gets its seat back.
            match self.matchmaker.restore(now, ticket) {
                Ok(()) if waits => {
                    self.note(id, created_at, party_id);
                    self.matchmaker.look_again(again_at, id);
                }
                Ok(()) => drop(self.matchmaker.remove(id)),
                Err(error) => tracing::debug!(%error, ticket = %id, "a ticket does not wait again"),
            }
        }
    }

    /// The tickets that wait, the oldest first.
    pub(super) fn waiting(&self) -> Vec<WaitingTicket> {
        let tickets = self.by_age.iter();
        let tickets = tickets.filter_map(|(_, id)| self.matchmaker.ticket_of(*id));
        tickets.map(WaitingTicket::from).collect()
    }

    pub(super) fn stats(&self) -> Stats {
        Stats {
            tickets: self.matchmaker.len(),
            oldest_created_at: self.by_age.first().map(|(at, _)| *at),
            completions: self.completions.iter().copied().collect(),
        }
    }

    fn note(&mut self, id: TicketId, created_at: UnixMillis, party_id: Option<Box<str>>) {
        self.has_news = true;
        self.by_age.insert((created_at, id));
        if let Some(party_id) = party_id {
            self.by_party.entry(party_id).or_default().push(id);
        }
    }

    fn forget(&mut self, ticket: &Ticket) {
        self.by_age.remove(&(ticket.created_at, ticket.id));
        let Some(party_id) = ticket.party_id.as_deref() else {
            return;
        };
        if let Some(tickets) = self.by_party.get_mut(party_id) {
            tickets.retain(|id| *id != ticket.id);
            if tickets.is_empty() {
                self.by_party.remove(party_id);
            }
        }
    }
}

/// The error as a sentence.
pub(super) fn refused(error: TicketError) -> ApiError {
    let text = error.to_string();
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    let sentence: String = first.into_iter().chain(letters).collect();
    match error {
        TicketError::NotFound => ApiError::not_found(sentence),
        _ => ApiError::invalid(sentence),
    }
}

/// Matched tickets that are remembered for the statistics.
const COMPLETIONS_MAX: usize = 10;
