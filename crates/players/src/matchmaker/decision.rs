//! One decision: is there a match for this ticket?

use std::collections::BinaryHeap;
use std::sync::Arc;

use tagus_base::UnixMillis;

use super::backfill::Backfill;
use super::index::Skill;
use super::search::{self, Effort, Member};
use super::slots::{Bits, Slot};
use super::teams::{self, Side};
use super::ticket::{MATCH_PLAYERS_MAX, TEAMS_MAX, Ticket};
use super::{Matchmaker, NO_SLOT, Waiting};

/// Most of the tickets the index gives that a decision looks at.
pub const CANDIDATES_LOOKED_AT_MAX: usize = 1_100;

/// Most rooms in want of players that a decision tries to fill with others, of those that agree with the ticket.
pub const ROOMS_TRIED_MAX: usize = 8;

/// Most of the rooms the index gives that a decision looks at.
const ROOMS_LOOKED_AT_MAX: usize = 64;

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
    pool: u16,
    team_count: u8,
    /// Whether its query costs more than [`CHEAP_COST_MAX`].
    is_dear: bool,
    is_room: bool,
}

const _: () = assert!(MATCH_PLAYERS_MAX <= u16::MAX as u32);
const _: () = assert!(TEAMS_MAX <= u8::MAX as u32);

impl Brief {
    pub(super) fn of(ticket: &Ticket, backfill: Option<&Backfill>) -> Self {
        let counts = backfill.map_or(ticket.counts, Backfill::counts);
        let size = backfill.map_or_else(|| ticket.size(), Backfill::present);
        Self {
            order: ticket.order,
            min: counts.min as u16,
            max: counts.max as u16,
            size: size as u16,
            pool: ticket.pool,
            team_count: ticket.team_count as u8,
            is_dear: ticket.criteria.cost() > CHEAP_COST_MAX,
            is_room: backfill.is_some(),
        }
    }

    /// Whether two tickets could be in a match by the numbers of players.
    fn fits(&self, other: &Self) -> bool {
        let max = self.max.min(other.max);
        self.pool == other.pool
            && self.team_count == other.team_count
            && !(self.is_room && other.is_room)
            && self.min.max(other.min) <= max
            && self.size + other.size <= max
    }
}

/// What a decision has left to spend.
struct Budget(u32);

impl Matchmaker {
    /// The slots of the best match with a ticket or a room, itself first; none if there is no match.
    pub(super) fn decide(&mut self, now: UnixMillis, slot: Slot) -> Vec<Slot> {
        let mut found = std::mem::take(&mut self.found);
        let mut chosen = Vec::new();
        if let Some(Some(waiting)) = self.slots.get(slot as usize) {
            let ticket = &waiting.ticket;
            let needs = ticket.criteria.needs();
            self.index
                .find(&ticket.facts(), &needs, waiting.skill(), &mut found);
            found.remove(slot);
            chosen = self.choose(now, slot, &found);
        }
        self.found = found;
        chosen
    }

    fn choose(&self, now: UnixMillis, slot: Slot, found: &Bits) -> Vec<Slot> {
        let Some(first) = self.waiting(slot) else {
            return Vec::new();
        };
        let max = first.counts().max;
        let mut budget = Budget(COST_MAX + max * COST_PER_PLAYER);
        // Apart, so that rooms which refuse leave enough for the tickets.
        let mut room_budget = Budget(COST_MAX);
        let rooms = if self.rooms.is_empty() {
            Vec::new()
        } else {
            let looked_at = self.oldest(slot, found, ROOMS_LOOKED_AT_MAX, |it| it.is_room);
            self.agreeing(slot, first, looked_at, ROOMS_TRIED_MAX, &mut room_budget)
        };
        let looked_at = self.oldest(slot, found, CANDIDATES_LOOKED_AT_MAX, |it| !it.is_room);
        let enough = CANDIDATES_MIN.max(2 * max as usize);
        let mut candidates = vec![self.candidate(slot, first)];
        candidates.extend(self.agreeing(slot, first, looked_at, enough, &mut budget));
        Choosing {
            now,
            known: vec![None; candidates.len() * candidates.len()],
            candidates,
            budget,
            room_budget,
            splits_left: SPLITS_MAX,
        }
        .best(&rooms)
    }

    /// The tickets, or the rooms, to look at in the order of preference: of those that could be in a match by their
    /// numbers, the older ones, those with dear queries last.
    fn oldest(
        &self,
        first: Slot,
        found: &Bits,
        at_most: usize,
        is_wanted: impl Fn(&Brief) -> bool,
    ) -> Vec<Slot> {
        let own = self.briefs[first as usize];
        // The worst of those kept is on top.
        let mut kept = BinaryHeap::with_capacity(at_most + 1);
        for slot in found.iter() {
            let brief = self.briefs.get(slot as usize);
            let Some(brief) = brief.filter(|it| is_wanted(it) && it.fits(&own)) else {
                continue;
            };
            let rank = (brief.is_dear, brief.order, slot);
            if kept.len() < at_most {
                kept.push(rank);
            } else if kept.peek().is_some_and(|worst| rank < *worst) {
                kept.pop();
                kept.push(rank);
            }
        }
        let sorted = kept.into_sorted_vec().into_iter();
        sorted.map(|(_, _, slot)| slot).collect()
    }

    /// Those that agree with the first one, the best first.
    fn agreeing<'a>(
        &'a self,
        slot: Slot,
        first: &'a Waiting,
        looked_at: Vec<Slot>,
        enough: usize,
        budget: &mut Budget,
    ) -> Vec<Candidate<'a>> {
        let own = self.candidate(slot, first);
        let ticket = &first.ticket;
        let mut candidates = Vec::new();
        for slot in looked_at {
            if candidates.len() >= enough || budget.0 == 0 {
                break;
            }
            let other = self.waiting(slot);
            let other = other.map(|waiting| self.candidate(slot, waiting));
            let Some(mut other) = other.filter(|it| own.agrees(it, budget)) else {
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
        candidates.sort_by(|one, other| {
            let by_score = other.score.total_cmp(&one.score);
            by_score.then(distance(one).total_cmp(&distance(other)))
        });
        candidates
    }

    fn candidate<'a>(&self, slot: Slot, waiting: &'a Waiting) -> Candidate<'a> {
        Candidate {
            slot,
            waiting,
            is_elsewhere: self.is_elsewhere(&waiting.ticket),
            score: 0.0,
        }
    }

    /// Whether a session of the ticket has other tickets too; only then players need to be compared.
    fn is_elsewhere(&self, ticket: &Ticket) -> bool {
        ticket.entries.iter().any(|entry| {
            let slots = self.by_session.get(&entry.session_id);
            slots.is_some_and(|slots| slots.iter().filter(|slot| **slot != NO_SLOT).count() > 1)
        })
    }
}

/// What is found for one decision, and what is left to spend.
struct Choosing<'a> {
    now: UnixMillis,
    /// The one decided about, then the tickets that agree with it.
    candidates: Vec<Candidate<'a>>,
    /// Whether two of them agree, as far as it was asked.
    known: Vec<Option<bool>>,
    budget: Budget,
    /// For asking rooms and being asked by them.
    room_budget: Budget,
    splits_left: u32,
}

impl Choosing<'_> {
    /// The slots of the best match. Who can join a room does: that is to play at once.
    fn best(mut self, rooms: &[Candidate<'_>]) -> Vec<Slot> {
        let all: Vec<usize> = (0..self.candidates.len()).collect();
        let own: Vec<Member> = all.iter().map(|index| self.member(*index)).collect();
        let mut effort = Effort::new(own.len());
        for room in rooms {
            let found = self.best_with(room, &own, &mut effort);
            if !found.is_empty() {
                return found;
            }
        }
        let is_room = self.candidates[0].waiting.backfill.is_some();
        let mut effort = Effort::new(own.len());
        self.search(&all, &own, !is_room, &mut effort)
    }

    /// The best match of the first candidate in a room, the room last.
    fn best_with(
        &mut self,
        room: &Candidate<'_>,
        own: &[Member],
        effort: &mut Effort,
    ) -> Vec<Slot> {
        let first = own[0];
        let together = Member {
            size: first.size + room.waiting.size(),
            counts: first.counts.and(room.waiting.counts()),
            ripe: true,
            regions: first.regions & room.waiting.regions,
        };
        let (mut indices, mut members) = (vec![0], vec![together]);
        // Most rooms want one player: nobody else need be asked.
        if together.size < together.counts.max {
            for (index, member) in own.iter().enumerate().skip(1) {
                if self.candidates[index].agrees(room, &mut self.room_budget) {
                    indices.push(index);
                    members.push(*member);
                }
            }
        }
        let mut found = self.search(&indices, &members, false, effort);
        if !found.is_empty() {
            found.push(room.slot);
        }
        found
    }

    /// The best match of the candidates with these indices, of which the first is one.
    fn search(
        &mut self,
        indices: &[usize],
        members: &[Member],
        in_teams: bool,
        effort: &mut Effort,
    ) -> Vec<Slot> {
        let Self {
            candidates,
            known,
            budget,
            splits_left,
            ..
        } = self;
        let first = &candidates[0].waiting.ticket;
        let agree = |one: usize, other: usize| {
            let (one, other) = (indices[one], indices[other]);
            let place = one.min(other) * candidates.len() + one.max(other);
            *known[place].get_or_insert_with(|| {
                candidates[one].agrees_beside(first, &candidates[other], budget)
            })
        };
        let splits = |chosen: &[usize]| {
            let sides = chosen.iter().map(|index| Side {
                players: members[*index].size,
                rating: None,
            });
            let sides: Vec<Side> = sides.collect();
            let teams = if in_teams { first.team_count } else { 0 };
            // Where everybody is alone, the multiple sees to it.
            if teams == 0 || sides.iter().all(|side| side.players == 1) {
                return true;
            }
            let affordable = *splits_left > 0;
            *splits_left = splits_left.saturating_sub(1);
            affordable && teams::split(&sides, teams).is_some()
        };
        let best = search::best(members, effort, agree, splits);
        let best = best.unwrap_or_default().into_iter();
        best.map(|place| candidates[indices[place]].slot).collect()
    }

    /// What a search needs to know. Only the one decided about may be passive and still ripe: its time has come late.
    fn member(&self, index: usize) -> Member {
        let waiting = self.candidates[index].waiting;
        let active = index == 0 || self.now < waiting.ticket.passive_at;
        Member {
            size: waiting.size(),
            counts: waiting.counts(),
            ripe: active && waiting.ripe_at <= self.now,
            regions: waiting.regions,
        }
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
        let both = [(self, other), (other, self)];
        let sits_there = both.into_iter().any(|(room, newcomer)| {
            let backfill = room.waiting.backfill.as_deref();
            backfill.is_some_and(|it| it.knows(&newcomer.waiting.ticket))
        });
        let apart = self.is_elsewhere && other.is_elsewhere;
        !sits_there
            && (!apart || !self.waiting.ticket.shares_session(&other.waiting.ticket))
            && within_reach(self.waiting, other.waiting)
    }
}

/// Whether the ratings are near enough for the one who has waited longer; who has no rating plays with those without.
fn within_reach(one: &Waiting, other: &Waiting) -> bool {
    match (one.skill(), other.skill()) {
        (Skill::Any, _) | (_, Skill::Any) | (Skill::Unrated, Skill::Unrated) => true,
        (Skill::Rated(one), Skill::Rated(other)) => {
            (one.mu - other.mu).abs() <= one.window.max(other.window)
        }
        (Skill::Rated(_), Skill::Unrated) | (Skill::Unrated, Skill::Rated(_)) => false,
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
