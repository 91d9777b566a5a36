//! One decision: is there a match for this ticket?

use std::collections::BinaryHeap;
use std::sync::Arc;

use tagus_base::UnixMillis;

use super::search::{self, Member};
use super::slots::Slot;
use super::teams::{self, Side};
use super::ticket::{MATCH_PLAYERS_MAX, TEAMS_MAX, Ticket};
use super::{Matchmaker, NO_SLOT, Waiting};

/// Most of the tickets the index gives that a decision looks at.
pub const CANDIDATES_LOOKED_AT_MAX: usize = 1_100;

/// Fewest tickets that a decision chooses from, if there are as many; for large matches it is twice their size.
const CANDIDATES_MIN: usize = 64;

/// What putting queries to tickets may cost a decision, in the units of a query's cost, some 50 ns each.
const COST_MAX: u32 = 8_192;

/// What it may cost in addition for each player of the largest match that the ticket allows.
const COST_PER_PLAYER: u32 = 32;

/// A query that costs more is put last, so that hostile queries hold up nobody else's matches.
const CHEAP_COST_MAX: u32 = 64;

/// How often a decision tries to split parties into teams.
const SPLITS_MAX: u32 = 64;

/// A ticket that agrees with the one decided about.
struct Candidate<'a> {
    slot: Slot,
    waiting: &'a Waiting,
    /// Whether a session of it has other tickets.
    is_elsewhere: bool,
    /// How well it fits the query's optional clauses.
    score: f64,
}

/// What decides whether a ticket is looked at, in little memory: a decision may go over all of them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Brief {
    order: u64,
    min: u16,
    max: u16,
    size: u16,
    team_count: u8,
    /// Whether its query costs more than [`CHEAP_COST_MAX`].
    is_dear: bool,
}

const _: () = assert!(MATCH_PLAYERS_MAX <= u16::MAX as u32);
const _: () = assert!(TEAMS_MAX <= u8::MAX as u32);

impl Brief {
    pub(super) fn of(ticket: &Ticket) -> Self {
        Self {
            order: ticket.order,
            min: ticket.counts.min as u16,
            max: ticket.counts.max as u16,
            size: ticket.size() as u16,
            team_count: ticket.team_count as u8,
            is_dear: ticket.criteria.cost() > CHEAP_COST_MAX,
        }
    }

    /// Whether two tickets could be in a match by the numbers of players.
    fn fits(&self, other: &Self) -> bool {
        let max = self.max.min(other.max);
        self.team_count == other.team_count
            && self.min.max(other.min) <= max
            && self.size + other.size <= max
    }
}

/// What a decision has left to spend.
struct Budget(u32);

impl Matchmaker {
    /// The slots of the best match with a ticket, itself first; none if there is no match.
    pub(super) fn decide(&mut self, now: UnixMillis, slot: Slot) -> Vec<Slot> {
        let mut found = std::mem::take(&mut self.found);
        let mut chosen = Vec::new();
        if let Some(Some(waiting)) = self.slots.get(slot as usize) {
            let ticket = &waiting.ticket;
            let needs = ticket.criteria.needs();
            self.index
                .find(&ticket.facts(), &needs, waiting.reach, &mut found);
            found.remove(slot);
            chosen = self.choose(now, slot, found.iter());
        }
        self.found = found;
        chosen
    }

    fn choose(&self, now: UnixMillis, slot: Slot, found: impl Iterator<Item = Slot>) -> Vec<Slot> {
        let Some(first) = self.waiting(slot) else {
            return Vec::new();
        };
        let max = first.ticket.counts.max;
        let mut budget = Budget(COST_MAX + max * COST_PER_PLAYER);
        let looked_at = self.oldest(first, found);
        let candidates = self.agreeing(slot, first, looked_at, &mut budget);
        let member = |waiting: &Waiting| Member {
            size: waiting.ticket.size(),
            counts: waiting.ticket.counts,
            ripe: waiting.ripe_at <= now,
            regions: waiting.regions,
        };
        let members: Vec<Member> = candidates.iter().map(|it| member(it.waiting)).collect();
        let mut known = vec![None; members.len() * members.len()];
        let agree = |one: usize, other: usize| {
            let place = one.min(other) * members.len() + one.max(other);
            *known[place].get_or_insert_with(|| {
                let (one, other) = (&candidates[one], &candidates[other]);
                one.agrees_beside(&first.ticket, other, &mut budget)
            })
        };
        let team_count = first.ticket.team_count;
        let mut splits_left = SPLITS_MAX;
        let splits = |indices: &[usize]| {
            let sides = indices.iter().map(|index| Side {
                players: members[*index].size,
                rating: None,
            });
            let sides: Vec<Side> = sides.collect();
            // Where everybody is alone, the multiple sees to it.
            if team_count == 0 || sides.iter().all(|side| side.players == 1) {
                return true;
            }
            let affordable = splits_left > 0;
            splits_left = splits_left.saturating_sub(1);
            affordable && teams::split(&sides, team_count).is_some()
        };
        let best = search::best(&members, agree, splits);
        let best = best.unwrap_or_default().into_iter();
        best.map(|index| candidates[index].slot).collect()
    }

    /// The tickets to look at in the order of preference: of those that could be in a match by their numbers, the
    /// older ones, those with dear queries last.
    fn oldest(&self, first: &Waiting, found: impl Iterator<Item = Slot>) -> Vec<Slot> {
        let own = Brief::of(&first.ticket);
        // The worst of those kept is on top.
        let mut kept = BinaryHeap::with_capacity(CANDIDATES_LOOKED_AT_MAX + 1);
        for slot in found {
            let Some(brief) = self.briefs.get(slot as usize).filter(|it| it.fits(&own)) else {
                continue;
            };
            let rank = (brief.is_dear, brief.order, slot);
            if kept.len() < CANDIDATES_LOOKED_AT_MAX {
                kept.push(rank);
            } else if kept.peek().is_some_and(|worst| rank < *worst) {
                kept.pop();
                kept.push(rank);
            }
        }
        let sorted = kept.into_sorted_vec().into_iter();
        sorted.map(|(_, _, slot)| slot).collect()
    }

    /// The ticket itself and those that agree with it, the best first.
    fn agreeing<'a>(
        &'a self,
        slot: Slot,
        first: &'a Waiting,
        looked_at: Vec<Slot>,
        budget: &mut Budget,
    ) -> Vec<Candidate<'a>> {
        let ticket = &first.ticket;
        let enough = CANDIDATES_MIN.max(2 * ticket.counts.max as usize);
        let candidate = |slot, waiting: &'a Waiting| Candidate {
            slot,
            waiting,
            is_elsewhere: self.is_elsewhere(&waiting.ticket),
            score: 0.0,
        };
        let mut candidates = vec![candidate(slot, first)];
        for slot in looked_at {
            if candidates.len() > enough || budget.0 == 0 {
                break;
            }
            let other = self.waiting(slot).map(|waiting| candidate(slot, waiting));
            let Some(mut other) = other.filter(|it| candidates[0].agrees(it, budget)) else {
                continue;
            };
            if ticket.criteria.scores() {
                let score = ticket.query().score(&other.waiting.ticket.document);
                other.score = score.unwrap_or_default();
            }
            candidates.push(other);
        }
        let distance = |it: &Candidate<'_>| match (it.waiting.reach, first.reach) {
            (Some(one), Some(other)) => (one.mu - other.mu).abs(),
            (None | Some(_), None) | (None, Some(_)) => 0.0,
        };
        candidates[1..].sort_by(|one, other| {
            let by_score = other.score.total_cmp(&one.score);
            by_score.then(distance(one).total_cmp(&distance(other)))
        });
        candidates
    }

    /// Whether a session of the ticket has other tickets too; only then players need to be compared.
    fn is_elsewhere(&self, ticket: &Ticket) -> bool {
        ticket.entries.iter().any(|entry| {
            let slots = self.by_session.get(&entry.session_id);
            slots.is_some_and(|slots| slots.iter().filter(|slot| **slot != NO_SLOT).count() > 1)
        })
    }
}

impl Candidate<'_> {
    /// Whether two tickets can be in one match, as far as it concerns these two.
    fn agrees(&self, other: &Self, budget: &mut Budget) -> bool {
        self.may_join(other)
            && self.waiting.regions & other.waiting.regions != 0
            && accept_each_other(&self.waiting.ticket, &other.waiting.ticket, budget)
    }

    /// Whether two tickets agree that each agree with a first one.
    fn agrees_beside(&self, first: &Ticket, other: &Self, budget: &mut Budget) -> bool {
        let (one, two) = (&self.waiting.ticket, &other.waiting.ticket);
        // The first ticket's query accepts both: nothing is left to ask where the queries are the same.
        let same = |it: &Ticket| Arc::ptr_eq(&it.criteria, &first.criteria);
        self.may_join(other)
            && (same(one) || accepts(one, two, budget))
            && (same(two) || accepts(two, one, budget))
    }

    /// Whether no session is in both and the ratings are near enough.
    fn may_join(&self, other: &Self) -> bool {
        let apart = self.is_elsewhere && other.is_elsewhere;
        (!apart || !self.waiting.ticket.shares_session(&other.waiting.ticket))
            && within_reach(self.waiting, other.waiting)
    }
}

/// Whether the ratings are near enough for the one who has waited longer; who has no rating plays with those without.
fn within_reach(one: &Waiting, other: &Waiting) -> bool {
    match (one.reach, other.reach) {
        (None, None) => true,
        (Some(one), Some(other)) => (one.mu - other.mu).abs() <= one.window.max(other.window),
        (Some(_), None) | (None, Some(_)) => false,
    }
}

/// Puts each one's query to the other, the cheaper one first.
fn accept_each_other(one: &Ticket, other: &Ticket, budget: &mut Budget) -> bool {
    let (cheap, dear) = if one.criteria.cost() <= other.criteria.cost() {
        (one, other)
    } else {
        (other, one)
    };
    accepts(cheap, dear, budget) && accepts(dear, cheap, budget)
}

/// Whether the query accepts the other; not if that is not to be paid for.
fn accepts(one: &Ticket, other: &Ticket, budget: &mut Budget) -> bool {
    let cost = one.criteria.cost();
    if cost > budget.0 {
        budget.0 = 0;
        return false;
    }
    budget.0 -= cost;
    one.accepts(other)
}
