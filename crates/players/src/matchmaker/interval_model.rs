//! A model, for comparison only, of a matchmaker that decides at fixed intervals.
//!
//! It does what the protocol's first server is known to do: at each interval every active ticket takes, in the order of
//! age, the tickets that its own query accepts, whether or not theirs accept it; the first that fit are the match.
//! For some intervals it wants the largest number of players, at the last the smallest will do; after that the ticket
//! is no longer active, and others may still find it. It looks at every pair, so it is not for large pools.

use std::collections::BTreeMap;

use tagus_base::{SessionId, UnixMillis};

use super::Match;
use super::ticket::{Counts, Ticket, TicketId};

/// How the model works.
#[derive(Clone, Copy, Debug)]
pub struct IntervalModelConfig {
    /// Time between two rounds, in milliseconds; at least 1.
    pub interval_ms: u64,
    /// In how many rounds a ticket is active.
    pub intervals_max: u32,
    /// Whether it asks everybody's query, as the first server does not: shows what its intervals alone cost.
    pub is_mutual: bool,
}

impl Default for IntervalModelConfig {
    /// 15 seconds, two rounds, one query.
    fn default() -> Self {
        Self {
            interval_ms: 15_000,
            intervals_max: 2,
            is_mutual: false,
        }
    }
}

/// The model: tickets that wait for the next round.
#[derive(Debug)]
pub struct IntervalModel {
    config: IntervalModelConfig,
    next_round: UnixMillis,
    /// By age, with the number of rounds so far.
    tickets: BTreeMap<u64, (Ticket, u32)>,
}

impl IntervalModel {
    /// One without tickets, of which the first round is an interval from now.
    #[must_use]
    pub fn new(now: UnixMillis, config: IntervalModelConfig) -> Self {
        Self {
            config,
            next_round: UnixMillis(now.0.saturating_add(config.interval_ms.max(1))),
            tickets: BTreeMap::new(),
        }
    }

    /// Takes a ticket, which comes from [`super::Matchmaker::remove`], always of the same matchmaker.
    pub fn handle_add(&mut self, ticket: Ticket) {
        self.tickets.insert(ticket.order, (ticket, 0));
    }

    /// Takes a ticket out, if it waits.
    pub fn remove(&mut self, id: TicketId) -> Option<Ticket> {
        let (order, _) = self
            .tickets
            .iter()
            .find(|(_, (ticket, _))| ticket.id == id)?;
        let order = *order;
        self.tickets.remove(&order).map(|(ticket, _)| ticket)
    }

    /// Number of tickets that wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tickets.len()
    }

    /// Whether no ticket waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tickets.is_empty()
    }

    /// When the next round is.
    #[must_use]
    pub const fn next_due(&self) -> UnixMillis {
        self.next_round
    }

    /// Has the round, if it is time, and appends the matches.
    pub fn poll(&mut self, now: UnixMillis, out: &mut Vec<Match>) {
        if now < self.next_round {
            return;
        }
        self.next_round = UnixMillis(now.0.saturating_add(self.config.interval_ms.max(1)));
        let keys: Vec<u64> = self.tickets.keys().copied().collect();
        for key in &keys {
            let Some((_, rounds)) = self.tickets.get_mut(key) else {
                continue;
            };
            if *rounds >= self.config.intervals_max {
                continue;
            }
            *rounds += 1;
            let last = *rounds == self.config.intervals_max;
            if let Some(chosen) = self.first_fit(key, &keys, last) {
                out.push(self.make_match(now, &chosen));
            }
        }
    }

    /// The first tickets that the ticket accepts and that make a match.
    fn first_fit(&self, active: &u64, keys: &[u64], last_round: bool) -> Option<Vec<u64>> {
        let (first, _) = self.tickets.get(active)?;
        let mut chosen = vec![*active];
        let mut sessions: Vec<SessionId> = sessions(first).collect();
        let mut counts = first.counts;
        let mut enough = None;
        for key in keys.iter().filter(|key| *key != active) {
            if sessions.len() as u32 == counts.max {
                break;
            }
            let Some((other, _)) = self.tickets.get(key) else {
                continue;
            };
            let both = counts.and(other.counts);
            let fits = both.min <= both.max && sessions.len() as u32 + other.size() <= both.max;
            let known = self::sessions(other).any(|session| sessions.contains(&session));
            if !fits || known || !self.accepts(first, &chosen, other) {
                continue;
            }
            chosen.push(*key);
            sessions.extend(self::sessions(other));
            counts = both;
            if allows(counts, sessions.len() as u32) {
                enough = Some(chosen.len());
            }
        }
        let full = sessions.len() as u32 == counts.max && allows(counts, counts.max);
        if !full && !last_round {
            return None;
        }
        chosen.truncate(enough?);
        Some(chosen)
    }

    fn accepts(&self, first: &Ticket, chosen: &[u64], other: &Ticket) -> bool {
        if !self.config.is_mutual {
            return first.accepts(other);
        }
        let chosen = chosen.iter().filter_map(|key| self.tickets.get(key));
        let mut tickets = chosen.map(|(ticket, _)| ticket);
        tickets.all(|ticket| ticket.accepts(other) && other.accepts(ticket))
    }

    fn make_match(&mut self, now: UnixMillis, chosen: &[u64]) -> Match {
        let taken = chosen.iter().filter_map(|key| self.tickets.remove(key));
        Match::new(now, taken.map(|(ticket, _)| ticket).collect())
    }
}

fn sessions(ticket: &Ticket) -> impl Iterator<Item = SessionId> {
    ticket.entries.iter().map(|entry| entry.session_id)
}

const fn allows(counts: Counts, players: u32) -> bool {
    players >= counts.min && players <= counts.max && players.is_multiple_of(counts.multiple)
}
