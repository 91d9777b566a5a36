//! The matchmaker: who waits for players, and who plays with whom.
//!
//! A state machine of events and the time they happen at. Tell it of tickets with [`Matchmaker::handle_add`] and the
//! others, then call [`Matchmaker::poll`] until [`Matchmaker::next_due`] lies in the future; sleep until then.
//! The same seed and the same events give the same matches.
//!
//! - Two tickets play together only if the query of each accepts the other.
//! - The number of players is one that every ticket of the match allows.
//! - A full match, which no further player may join, is made at once.
//! - A smaller one is made when one of its tickets has waited for its gathering time: the largest that is possible.
//!   From then on that ticket is matched with whoever comes. A ticket without a possible match stays.
//! - A room that asks for players ([`NewBackfill`]) takes at once the most that fit, whether or not that fills it.
//!   Those present count as players of the match. A ticket looks for such a room before it looks for a new match,
//!   since players get in at once and the room has waited for them; at most one room is in a match.
//! - Where [`MatchmakerConfig::max_intervals`] is set, a ticket is passive after that many: it is found by others and by
//!   rooms, but decides nothing, and others' matches are made as if it had not waited.
//! - Older tickets are preferred, but for those that the query's optional clauses or the ratings put first.
//!
//! The bound on waiting: a ticket that is not passive is in a match as soon as one is possible by these rules, found
//! within the limits of a decision: it looks at no more than [`CANDIDATES_LOOKED_AT_MAX`] of the tickets that the index
//! gives, those with cheap queries first, then the older ones first, tries no more than [`ROOMS_TRIED_MAX`] rooms, and
//! spends a fixed effort on queries and on who agrees with whom. A dozen tickets are always searched wholly.

#![warn(
    clippy::disallowed_methods,
    clippy::iter_over_hash_type,
    clippy::wildcard_enum_match_arm
)]

mod backfill;
mod criteria;
mod decision;
mod index;
mod interval_model;
mod numbers;
mod search;
mod skill;
mod slots;
mod teams;
mod ticket;

use std::collections::BTreeSet;

use hashbrown::HashMap;
use tagus_base::{Millis, Rng, RoomId, SessionId, UnixMillis, Uuid};

use backfill::{Backfill, Rooms};
use criteria::CriteriaTable;
use decision::Brief;
use index::{Index, Reach, Skill};
use slots::{Bits, Slot};
use teams::{Side, favourite_wins};
use ticket::{Counts, boxed, check_entries};

pub use backfill::NewBackfill;
pub use decision::{CANDIDATES_LOOKED_AT_MAX, ROOMS_TRIED_MAX};
pub use interval_model::{IntervalModel, IntervalModelConfig};
pub use skill::{Rating, SkillWindow};
pub use ticket::{
    Entry, GATHER_MS_MAX, MATCH_PLAYERS_MAX, NewTicket, PARTY_PLAYERS_MAX, PROPERTIES_BYTES_MAX,
    PROPERTIES_MAX, PROPERTY_NAME_BYTES_MAX, PROPERTY_VALUE_BYTES_MAX, QUERY_COST_MAX,
    REGION_BYTES_MAX, REGIONS_MAX, TEAMS_MAX, TICKET_QUERY_BYTES_MAX, TICKETS_PER_SESSION_MAX,
    Ticket, TicketError, TicketId, Wish,
};

/// Most decisions of one [`Matchmaker::poll`], so that a burst does not hold up its caller; the rest is due at once.
pub const DECISIONS_PER_POLL_MAX: usize = 32;

/// Most regions of a [`MatchmakerConfig`]; further ones are ignored.
pub const KNOWN_REGIONS_MAX: usize = 64;

/// How a matchmaker works.
#[derive(Clone, Debug)]
pub struct MatchmakerConfig {
    /// Ids of tickets are made from it.
    pub seed: u64,
    /// How long a ticket waits for a full match before a smaller one will do, where it does not say.
    pub gather_ms: Millis,
    /// Most tickets that wait; the next is refused.
    pub tickets_max: u32,
    /// How far apart ratings may lie.
    pub skill: SkillWindow,
    /// The regions where matches can be; what tickets say of others is ignored.
    pub regions: Vec<Box<str>>,
    /// Longest round-trip time to the region of a match, but that a ticket's nearest region is always near enough.
    pub rtt_ms_max: Millis,
    /// Length of an interval, at least 1.
    pub interval_ms: Millis,
    /// After how many intervals a ticket is passive; 0 for never. During all but the last of them it wants a full match,
    /// where it does not say how long it gathers.
    pub max_intervals: u32,
    /// Whether [`Matchmaker::poll`] decides. Else nothing is ever due, and only [`Matchmaker::form`] makes matches.
    pub decides: bool,
}

impl Default for MatchmakerConfig {
    /// Three seconds of gathering, a million tickets, 150 ms, no region, no end of activity.
    fn default() -> Self {
        Self {
            seed: 0,
            gather_ms: Millis(3_000),
            tickets_max: 1_000_000,
            skill: SkillWindow::default(),
            regions: Vec::new(),
            rtt_ms_max: Millis(150),
            interval_ms: Millis(15_000),
            max_intervals: 0,
            decides: true,
        }
    }
}

impl MatchmakerConfig {
    /// How long a ticket that does not say gathers.
    fn gather_ms(&self) -> Millis {
        match self.max_intervals.checked_sub(1) {
            None => self.gather_ms,
            Some(intervals) => Millis(self.interval_ms.0.saturating_mul(intervals)),
        }
    }

    /// From when on a ticket of now is passive.
    fn passive_at(&self, now: UnixMillis) -> UnixMillis {
        if self.max_intervals == 0 {
            return NEVER;
        }
        let active_ms = u64::from(self.interval_ms.0.max(1)) * u64::from(self.max_intervals);
        UnixMillis(now.0.saturating_add(active_ms))
    }
}

/// Players who are to play together.
#[derive(Clone, Debug)]
pub struct Match {
    /// Their tickets, which wait no longer: first the one whose arrival or waiting made the match, if a ticket's did.
    pub tickets: Vec<Ticket>,
    /// Other tickets of the same sessions, which wait no longer either: nobody is in two matches.
    pub withdrawn: Vec<Ticket>,
    /// The room where they join others, if it is one that asked for players. There are no teams then, and no favourite.
    pub backfill: Option<RoomId>,
    /// When it was made.
    pub made_at: UnixMillis,
    /// Where the players play, if they said how far away regions are and the room they join, if any, where it is.
    pub region: Option<MatchRegion>,
    /// The teams, if the tickets want some: each has the indices of its `tickets`. As even as the ratings allow.
    pub teams: Vec<Vec<usize>>,
    /// The probability that the favourite wins, where all have ratings: among teams, or among tickets where there are
    /// none. 1 / their number is the evenest match.
    pub favourite_wins: Option<f64>,
    /// How long the longest wait was.
    pub wait_ms_max: u64,
    /// Difference of the highest and the lowest rating of the tickets, where there are ratings.
    pub rating_spread: Option<f64>,
}

/// The region where the longest round-trip time is the shortest.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MatchRegion {
    /// Its name.
    pub name: Box<str>,
    /// Shortest round-trip time of a ticket.
    pub rtt_ms_min: Millis,
    /// Longest round-trip time of a ticket.
    pub rtt_ms_max: Millis,
}

impl Match {
    /// A match of these tickets, without a region.
    fn new(now: UnixMillis, tickets: Vec<Ticket>) -> Self {
        let waits = tickets.iter();
        let waits = waits.map(|ticket| now.0.saturating_sub(ticket.created_at.0));
        let ratings = || tickets.iter().filter_map(|ticket| ticket.rating);
        let lowest = ratings().map(|it| it.mu).reduce(f64::min);
        let highest = ratings().map(|it| it.mu).reduce(f64::max);
        let sides: Vec<Side> = tickets.iter().map(Ticket::side).collect();
        let team_count = tickets.first().map_or(0, |ticket| ticket.team_count);
        let teams = teams::split(&sides, team_count).unwrap_or_default();
        let alone = || (0..sides.len()).map(|index| vec![index]).collect();
        let rivals = if teams.is_empty() {
            alone()
        } else {
            teams.clone()
        };
        Self {
            teams,
            favourite_wins: favourite_wins(&sides, &rivals),
            wait_ms_max: waits.max().unwrap_or_default(),
            rating_spread: highest.zip(lowest).map(|(high, low)| high - low),
            withdrawn: Vec::new(),
            backfill: None,
            made_at: now,
            region: None,
            tickets,
        }
    }

    /// How long one of its tickets has waited, in milliseconds.
    #[must_use]
    pub fn wait_ms(&self, ticket: &Ticket) -> u64 {
        self.made_at.0.saturating_sub(ticket.created_at.0)
    }

    /// Number of players.
    #[must_use]
    pub fn players(&self) -> u32 {
        self.tickets.iter().map(Ticket::size).sum()
    }
}

/// The tickets that wait.
#[derive(Debug)]
pub struct Matchmaker {
    config: MatchmakerConfig,
    rng: Rng,
    /// Number of tickets so far.
    orders: u64,
    /// Boxed, for the vector grows in leaps.
    slots: Vec<Option<Box<Waiting>>>,
    /// Of the tickets in the slots; those of free slots are nobody's.
    briefs: Vec<Brief>,
    free: Vec<Slot>,
    by_id: HashMap<TicketId, Slot>,
    by_session: HashMap<SessionId, [Slot; TICKETS_PER_SESSION_MAX]>,
    rooms: Rooms,
    criteria: CriteriaTable,
    index: Index,
    /// When a ticket is looked at next, with its order.
    due: BTreeSet<(UnixMillis, u64, Slot)>,
    /// Memory of the last decision, used again.
    found: Bits,
}

/// A ticket in its slot.
#[derive(Debug)]
struct Waiting {
    ticket: Ticket,
    /// What it is beside that, where it is a room.
    backfill: Option<Box<Backfill>>,
    due: Option<UnixMillis>,
    reach: Option<Reach>,
    /// When a match that is not full will do.
    ripe_at: UnixMillis,
    /// The regions near enough, one bit each; all for tickets that name none.
    regions: u64,
}

impl Matchmaker {
    /// One without tickets.
    #[must_use]
    pub fn new(mut config: MatchmakerConfig) -> Self {
        config.regions.truncate(KNOWN_REGIONS_MAX);
        Self {
            rng: Rng::new(config.seed),
            index: Index::new(config.seed),
            config,
            orders: 0,
            slots: Vec::new(),
            briefs: Vec::new(),
            free: Vec::new(),
            by_id: HashMap::new(),
            by_session: HashMap::new(),
            rooms: Rooms::default(),
            criteria: CriteriaTable::default(),
            due: BTreeSet::new(),
            found: Bits::default(),
        }
    }

    /// Takes a new ticket, which is due at once.
    ///
    /// # Errors
    ///
    /// The ticket exceeds a limit or contradicts itself; nothing has changed.
    pub fn handle_add(&mut self, now: UnixMillis, new: NewTicket) -> Result<TicketId, TicketError> {
        check_entries(&new.entries)?;
        let query_text = new.wish.check(new.entries.len())?;
        self.check_room(&new.entries)?;
        let identity = self.identity(now, new.entries, new.party_id);
        let id = identity.id;
        let ticket = self.ticket(identity, new.wish, &query_text);
        let slot = self.put(now, ticket, None);
        self.schedule(slot, Some(now));
        Ok(id)
    }

    /// Replaces what a ticket asks for. It keeps its age, is due at once, and its intervals begin anew.
    ///
    /// # Errors
    ///
    /// There is no such ticket, or the new wish exceeds a limit; nothing has changed.
    pub fn change(&mut self, now: UnixMillis, id: TicketId, wish: Wish) -> Result<(), TicketError> {
        let old = self.ticket_of(id).ok_or(TicketError::NotFound)?;
        let query_text = wish.check(old.entries.len())?;
        let old = self.remove(id).ok_or(TicketError::NotFound)?;
        let identity = Identity {
            passive_at: self.config.passive_at(now),
            ..Identity::of(old)
        };
        let ticket = self.ticket(identity, wish, &query_text);
        let slot = self.put(now, ticket, None);
        self.schedule(slot, Some(now));
        Ok(())
    }

    /// Puts back a ticket of a match that did not come about. It keeps its id and age, and waits for something else
    /// to happen: it is not due, or the same match would be made again. A room that it was to join wants its players
    /// again, in case of an error as well, unless it has been told otherwise in the meantime.
    ///
    /// # Errors
    ///
    /// A session has made too many other tickets in the meantime, or the pool is full.
    pub fn restore(&mut self, now: UnixMillis, mut ticket: Ticket) -> Result<(), TicketError> {
        if let Some(room) = ticket.newcomer_of.take() {
            self.give_back(now, &room, &ticket.entries);
        }
        if self.by_id.contains_key(&ticket.id) {
            return Ok(());
        }
        self.check_room(&ticket.entries)?;
        self.criteria.enter_again(&mut ticket.criteria);
        let slot = self.put(now, ticket, None);
        let due = self.next_step(now, slot);
        self.schedule(slot, due);
        Ok(())
    }

    /// Makes a ticket due no later than this, if it waits: it would be looked at in vain only where nothing has changed.
    pub fn look_again(&mut self, at: UnixMillis, id: TicketId) {
        let Some(slot) = self.by_id.get(&id).copied() else {
            return;
        };
        let due = self.waiting(slot).and_then(|waiting| waiting.due);
        self.schedule(slot, Some(due.map_or(at, |due| due.min(at))));
    }

    /// Takes a ticket out, if it waits.
    pub fn remove(&mut self, id: TicketId) -> Option<Ticket> {
        let slot = self.by_id.get(&id).copied()?;
        self.take(slot)
    }

    /// Takes out every ticket that a session is in, also those of its parties.
    pub fn remove_session(&mut self, session_id: SessionId, out: &mut Vec<Ticket>) {
        let slots = self.by_session.get(&session_id).copied();
        for slot in slots.into_iter().flatten() {
            out.extend(self.take(slot));
        }
    }

    /// The ticket of an id, if it waits.
    #[must_use]
    pub fn ticket_of(&self, id: TicketId) -> Option<&Ticket> {
        let slot = self.by_id.get(&id)?;
        self.waiting(*slot).map(|waiting| &waiting.ticket)
    }

    /// The tickets that wait, the oldest not necessarily first.
    pub fn tickets(&self) -> impl Iterator<Item = &Ticket> {
        let waiting = self.slots.iter().flatten();
        let tickets = waiting.filter(|waiting| waiting.backfill.is_none());
        tickets.map(|waiting| &waiting.ticket)
    }

    /// Number of tickets that wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether no ticket waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// When [`Self::poll`] has something to do next, if nothing else happens.
    #[must_use]
    pub fn next_due(&self) -> Option<UnixMillis> {
        self.due.first().map(|(at, _, _)| *at)
    }

    /// Decides about the tickets that are due, at most [`DECISIONS_PER_POLL_MAX`] of them, and appends the matches.
    pub fn poll(&mut self, now: UnixMillis, out: &mut Vec<Match>) {
        for _ in 0..DECISIONS_PER_POLL_MAX {
            let Some((at, _, slot)) = self.due.first().copied() else {
                return;
            };
            if at > now {
                return;
            }
            self.widen(now, slot);
            let chosen = self.decide(now, slot);
            if chosen.is_empty() {
                let due = self.next_step(now, slot);
                self.schedule(slot, due);
            } else {
                out.push(self.make_match(now, &chosen));
            }
        }
    }

    /// Makes a match of these tickets, in this order, whatever they ask for: that is the caller's affair.
    ///
    /// # Errors
    ///
    /// There is no ticket, one of them does not wait, or a session is in two of them; nothing has changed.
    pub fn form(&mut self, now: UnixMillis, ids: &[TicketId]) -> Result<Match, TicketError> {
        let slots = ids.iter().map(|id| self.by_id.get(id).copied());
        let slots: Option<Vec<Slot>> = slots.collect();
        let slots = slots.ok_or(TicketError::NotFound)?;
        let tickets = slots.iter().filter_map(|slot| self.waiting(*slot));
        let entries = tickets.flat_map(|waiting| &waiting.ticket.entries);
        let mut sessions: Vec<SessionId> = entries.map(|it| it.session_id).collect();
        sessions.sort_unstable();
        if sessions.is_empty() {
            return Err(TicketError::Players);
        }
        if sessions.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(TicketError::DuplicateSession);
        }
        Ok(self.make_match(now, &slots))
    }

    /// Takes the chosen tickets out, and fills the room among them.
    fn make_match(&mut self, now: UnixMillis, chosen: &[Slot]) -> Match {
        let region = self.region_of(chosen);
        let backfill = chosen.iter().find_map(|slot| {
            let backfill = self.waiting(*slot)?.backfill.as_deref()?;
            Some(backfill.room)
        });
        let mut tickets: Vec<Ticket> = chosen.iter().filter_map(|slot| self.take(*slot)).collect();
        if let Some(room) = backfill {
            self.fill(now, &room, &mut tickets);
        }
        let mut withdrawn = Vec::new();
        for entry in tickets.iter().flat_map(|ticket| &ticket.entries) {
            self.remove_session(entry.session_id, &mut withdrawn);
        }
        let made = Match {
            withdrawn,
            region,
            ..Match::new(now, tickets)
        };
        if backfill.is_none() {
            return made;
        }
        Match {
            backfill,
            teams: Vec::new(),
            favourite_wins: None,
            ..made
        }
    }

    /// The region that all can reach where the longest round-trip time is the shortest.
    fn region_of(&self, chosen: &[Slot]) -> Option<MatchRegion> {
        let all = || chosen.iter().filter_map(|slot| self.waiting(*slot));
        let is_somewhere = |it: &Waiting| it.backfill.is_some() && it.ticket.regions.is_empty();
        if all().any(is_somewhere) {
            return None;
        }
        let common = all().fold(u64::MAX, |common, it| common & it.regions);
        let times = |region: u8| {
            let tickets = all().filter(|it| it.backfill.is_none());
            let regions = tickets.flat_map(|it| &it.ticket.regions);
            regions.filter_map(move |(name, rtt)| (*name == region).then_some(*rtt))
        };
        let regions = (0..self.config.regions.len() as u8).filter(|it| common >> it & 1 == 1);
        let measured = regions.filter_map(|region| Some((times(region).max()?, region)));
        let (rtt_ms_max, region) = measured.min()?;
        Some(MatchRegion {
            name: self.config.regions[usize::from(region)].clone(),
            rtt_ms_min: times(region).min()?,
            rtt_ms_max,
        })
    }

    /// Whether one more ticket fits, into the pool and for each session.
    fn check_room(&self, entries: &[Entry]) -> Result<(), TicketError> {
        if self.by_id.len() >= self.config.tickets_max as usize {
            return Err(TicketError::PoolFull);
        }
        let full = |entry: &Entry| {
            let slots = self.by_session.get(&entry.session_id);
            slots.is_some_and(|slots| !slots.contains(&NO_SLOT))
        };
        if entries.iter().any(full) {
            return Err(TicketError::TooManyTickets);
        }
        Ok(())
    }

    /// Of something new.
    fn identity(
        &mut self,
        now: UnixMillis,
        entries: Vec<Entry>,
        party_id: Option<Box<str>>,
    ) -> Identity {
        let order = self.orders;
        self.orders += 1;
        Identity {
            id: TicketId(self.random_uuid()),
            entries: entries.into(),
            party_id,
            created_at: now,
            passive_at: self.config.passive_at(now),
            order,
        }
    }

    fn ticket(&mut self, identity: Identity, wish: Wish, query_text: &str) -> Ticket {
        let known = self.config.regions.iter().enumerate();
        let regions = known.filter_map(|(index, name)| {
            let rtt = wish.regions.get(&**name)?;
            Some((index as u8, *rtt))
        });
        let mut ticket = Ticket {
            id: identity.id,
            entries: identity.entries,
            party_id: identity.party_id,
            created_at: identity.created_at,
            passive_at: identity.passive_at,
            newcomer_of: None,
            order: identity.order,
            string_properties: boxed(wish.string_properties, Into::into),
            numeric_properties: boxed(wish.numeric_properties, |number| number),
            counts: Counts {
                min: wish.min_count,
                max: wish.max_count,
                multiple: wish.count_multiple,
            },
            pool: wish.pool,
            team_count: wish.team_count,
            gather_ms: wish.gather_ms.unwrap_or(self.config.gather_ms()),
            rating: wish.rating,
            regions: regions.collect(),
            criteria: self.criteria.enter(wish.query, query_text),
            document: crate::query::Document::new(),
        };
        ticket.describe();
        ticket
    }

    /// Puts a ticket into a slot, an index and all tables. Its criteria are counted.
    fn put(&mut self, now: UnixMillis, ticket: Ticket, backfill: Option<Box<Backfill>>) -> Slot {
        let slot = self.free.pop().unwrap_or(self.slots.len() as Slot);
        if slot as usize == self.slots.len() {
            self.slots.push(None);
            self.briefs.push(Brief::default());
        }
        self.briefs[slot as usize] = Brief::of(&ticket, backfill.as_deref());
        if backfill.is_none() {
            self.by_id.insert(ticket.id, slot);
        }
        for entry in &ticket.entries {
            let slots = self.by_session.entry(entry.session_id);
            let slots = slots.or_insert([NO_SLOT; TICKETS_PER_SESSION_MAX]);
            if let Some(free) = slots.iter_mut().find(|it| **it == NO_SLOT) {
                *free = slot;
            }
        }
        let needs = ticket.criteria.needs();
        self.index.insert(slot, &ticket.facts(), &needs);
        let reach = ticket.rating.map(|rating| {
            let (window, _) = self.window(now, &ticket);
            let mu = rating.mu;
            Reach { mu, window }
        });
        let skill = Skill::of(reach, backfill.is_some());
        self.index.insert_skill(slot, skill);
        let gather_ms = u64::from(ticket.gather_ms.0);
        let ripe_at = UnixMillis(ticket.created_at.0.saturating_add(gather_ms));
        let regions = near_regions(&ticket.regions, self.config.rtt_ms_max);
        self.slots[slot as usize] = Some(Box::new(Waiting {
            ticket,
            backfill,
            due: None,
            reach,
            ripe_at,
            regions,
        }));
        slot
    }

    /// Takes a ticket out; not a room.
    fn take(&mut self, slot: Slot) -> Option<Ticket> {
        let waiting = self.waiting(slot)?;
        if waiting.backfill.is_some() {
            return None;
        }
        self.take_any(slot).map(|(ticket, _)| ticket)
    }

    /// Takes a ticket or a room out of its slot, the index and all tables but that of rooms.
    fn take_any(&mut self, slot: Slot) -> Option<(Ticket, Option<Box<Backfill>>)> {
        let waiting = self.slots.get_mut(slot as usize)?.take()?;
        self.free.push(slot);
        let skill = waiting.skill();
        let ticket = waiting.ticket;
        self.by_id.remove(&ticket.id);
        for entry in &ticket.entries {
            let Some(slots) = self.by_session.get_mut(&entry.session_id) else {
                continue;
            };
            for it in slots.iter_mut().filter(|it| **it == slot) {
                *it = NO_SLOT;
            }
            if slots.iter().all(|it| *it == NO_SLOT) {
                self.by_session.remove(&entry.session_id);
            }
        }
        let needs = ticket.criteria.needs();
        self.index.remove(slot, &ticket.facts(), &needs);
        self.index.remove_skill(slot, skill);
        if let Some(due) = waiting.due {
            self.due.remove(&(due, ticket.order, slot));
        }
        self.criteria.leave(&ticket.criteria);
        Some((ticket, waiting.backfill))
    }

    /// Lets the distance to other ratings grow to what it is after this wait.
    fn widen(&mut self, now: UnixMillis, slot: Slot) {
        let Some(waiting) = self.waiting(slot) else {
            return;
        };
        let Some(old) = waiting.reach else { return };
        let (window, _) = self.window(now, &waiting.ticket);
        if window > old.window {
            let reach = Reach { window, ..old };
            self.index.remove_skill(slot, Skill::Rated(old));
            self.index.insert_skill(slot, Skill::Rated(reach));
            if let Some(waiting) = self.slots[slot as usize].as_mut() {
                waiting.reach = Some(reach);
            }
        }
    }

    /// How far other ratings may be away, and after which wait it is further. Not when the ticket is passive: it stays.
    fn window(&self, now: UnixMillis, ticket: &Ticket) -> (f64, Option<u64>) {
        let until = now.min(UnixMillis(ticket.passive_at.0.saturating_sub(1)));
        let waited_ms = until.0.saturating_sub(ticket.created_at.0);
        self.config.skill.after(waited_ms)
    }

    /// When something changes for a ticket by waiting alone, if anything does.
    fn next_step(&self, now: UnixMillis, slot: Slot) -> Option<UnixMillis> {
        let waiting = self.waiting(slot)?;
        let created_at = waiting.ticket.created_at.0;
        let ripe = Some(waiting.ripe_at).filter(|at| *at > now);
        let wider = waiting.reach.and_then(|_| {
            let (_, next) = self.window(now, &waiting.ticket);
            Some(UnixMillis(created_at.saturating_add(next?)))
        });
        ripe.into_iter().chain(wider).min()
    }

    /// Makes a ticket due, unless it is passive by then.
    fn schedule(&mut self, slot: Slot, due: Option<UnixMillis>) {
        let Some(waiting) = self.slots[slot as usize].as_mut() else {
            return;
        };
        let passive_at = waiting.ticket.passive_at;
        let due = due.filter(|at| self.config.decides && *at < passive_at);
        let order = waiting.ticket.order;
        if let Some(old) = std::mem::replace(&mut waiting.due, due) {
            self.due.remove(&(old, order, slot));
        }
        self.due.extend(due.map(|due| (due, order, slot)));
    }

    fn waiting(&self, slot: Slot) -> Option<&Waiting> {
        self.slots.get(slot as usize)?.as_deref()
    }

    fn random_uuid(&mut self) -> Uuid {
        let (high, low) = (self.rng.next_u64(), self.rng.next_u64());
        let bits = u128::from(high) << 64 | u128::from(low);
        Uuid::from_random(bits.to_be_bytes())
    }
}

/// What a ticket keeps when its wish changes.
struct Identity {
    id: TicketId,
    entries: Box<[Entry]>,
    party_id: Option<Box<str>>,
    created_at: UnixMillis,
    passive_at: UnixMillis,
    order: u64,
}

impl Identity {
    fn of(ticket: Ticket) -> Self {
        Self {
            id: ticket.id,
            entries: ticket.entries,
            party_id: ticket.party_id,
            created_at: ticket.created_at,
            passive_at: ticket.passive_at,
            order: ticket.order,
        }
    }
}

impl Waiting {
    fn skill(&self) -> Skill {
        Skill::of(self.reach, self.backfill.is_some())
    }

    /// Players so far.
    fn size(&self) -> u32 {
        let backfill = self.backfill.as_deref();
        backfill.map_or_else(|| self.ticket.size(), Backfill::present)
    }

    fn counts(&self) -> Counts {
        let backfill = self.backfill.as_deref();
        backfill.map_or(self.ticket.counts, Backfill::counts)
    }
}

/// The regions near enough, one bit each; all where none is known.
fn near_regions(regions: &[(u8, Millis)], rtt_ms_max: Millis) -> u64 {
    let Some(nearest) = regions.iter().map(|(_, rtt)| *rtt).min() else {
        return u64::MAX;
    };
    let near = regions
        .iter()
        .filter(|(_, rtt)| *rtt <= nearest.max(rtt_ms_max));
    near.fold(0, |bits, (region, _)| bits | 1 << region)
}

/// Later than anything.
const NEVER: UnixMillis = UnixMillis(u64::MAX);

/// No slot: there are fewer.
const NO_SLOT: Slot = Slot::MAX;
