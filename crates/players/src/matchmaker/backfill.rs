//! Rooms that ask for more players: they wait among the tickets, but never play with each other.

use std::collections::BTreeSet;

use hashbrown::HashMap;
use tagus_base::{Millis, RoomId, SessionId, UnixMillis, UserId};

use super::slots::Slot;
use super::ticket::{Counts, Entry, MATCH_PLAYERS_MAX, Ticket, TicketError, Wish};
use super::{Identity, Matchmaker, NEVER};

/// A room that asks for players.
#[derive(Clone, Debug)]
pub struct NewBackfill {
    /// The room. One that has asked before asks for something else now, and keeps its age.
    pub room: RoomId,
    /// Who sits there, or has a seat reserved: nobody is matched with himself. The sessions' tickets are not touched.
    pub present: Vec<Entry>,
    /// How many players are missing, at least 1; those present and these together at most [`MATCH_PLAYERS_MAX`].
    pub wanted: u32,
    /// What it asks for. Its counts are only what others' queries see, and it gathers nobody.
    /// Without a rating anybody will do, with one those near enough who have one;
    /// with regions those who are near enough to one of them, and those who name none.
    pub wish: Wish,
}

/// What a room in a slot has beside a ticket.
#[derive(Debug)]
pub(super) struct Backfill {
    pub(super) room: RoomId,
    sessions: BTreeSet<SessionId>,
    users: BTreeSet<UserId>,
    /// Never 0 while it is in a slot.
    wanted: u32,
}

/// Rooms by id.
#[derive(Debug, Default)]
pub(super) struct Rooms {
    seeking: HashMap<RoomId, Slot>,
    /// Those that have all they want: somebody may yet give back a seat.
    full: HashMap<RoomId, (Ticket, Backfill)>,
}

impl Rooms {
    /// Whether no room wants anybody.
    pub(super) fn is_empty(&self) -> bool {
        self.seeking.is_empty()
    }
}

impl Backfill {
    fn new(room: RoomId, present: &[Entry], wanted: u32) -> Result<Self, TicketError> {
        let players = u64::from(wanted) + present.len() as u64;
        if players > MATCH_PLAYERS_MAX.into() {
            return Err(TicketError::Wanted);
        }
        let mut backfill = Self {
            room,
            sessions: BTreeSet::new(),
            users: BTreeSet::new(),
            wanted,
        };
        backfill.seat(present);
        if backfill.sessions.len() != present.len() {
            return Err(TicketError::DuplicateSession);
        }
        Ok(backfill)
    }

    /// Number of players who are there.
    pub(super) fn present(&self) -> u32 {
        self.sessions.len() as u32
    }

    /// The numbers of players after somebody has come.
    pub(super) fn counts(&self) -> Counts {
        Counts {
            min: self.present() + 1,
            max: self.present() + self.wanted,
            multiple: 1,
        }
    }

    /// Whether a player of the ticket is there already.
    pub(super) fn knows(&self, ticket: &Ticket) -> bool {
        let known =
            |it: &Entry| self.sessions.contains(&it.session_id) || self.users.contains(&it.user_id);
        ticket.entries.iter().any(known)
    }

    fn seat(&mut self, entries: &[Entry]) {
        self.sessions.extend(entries.iter().map(|it| it.session_id));
        self.users.extend(entries.iter().map(|it| it.user_id));
    }

    /// The seats of those who are counted as present are wanted again.
    fn unseat(&mut self, entries: &[Entry]) {
        for entry in entries {
            if self.sessions.remove(&entry.session_id) {
                self.users.remove(&entry.user_id);
                self.wanted += 1;
            }
        }
    }
}

impl Matchmaker {
    /// Takes a room that asks for players. It is due at once, and whenever somebody has come: it takes the most players
    /// that fit, and goes on until it has as many as it wants or is removed. One that has them is still known, without
    /// taking part, until [`Self::remove_backfill`], which the end of a room must call.
    ///
    /// # Errors
    ///
    /// The wish or the numbers exceed a limit, or there are too many rooms; nothing has changed.
    pub fn handle_backfill(
        &mut self,
        now: UnixMillis,
        new: NewBackfill,
    ) -> Result<(), TicketError> {
        if new.wanted == 0 {
            return Err(TicketError::Wanted);
        }
        let query_text = new.wish.check_as_backfill()?;
        let backfill = Backfill::new(new.room, &new.present, new.wanted)?;
        let known = self.take_backfill(&new.room);
        let rooms = self.rooms.seeking.len() + self.rooms.full.len();
        if known.is_none() && rooms >= self.config.tickets_max as usize {
            return Err(TicketError::PoolFull);
        }
        let identity = match known {
            Some((ticket, _)) => Identity::of(ticket),
            None => Identity {
                passive_at: NEVER,
                ..self.identity(now, Vec::new(), None)
            },
        };
        let wish = Wish {
            gather_ms: Some(Millis(0)),
            ..new.wish
        };
        let ticket = self.ticket(identity, wish, &query_text);
        self.put_backfill(now, ticket, backfill, Some(now));
        Ok(())
    }

    /// Tells who sits in a room by now, or has a seat reserved, and how many players are missing; with 0 it rests.
    /// It is due at once.
    ///
    /// # Errors
    ///
    /// The room has not asked for players, or the numbers exceed a limit; nothing has changed.
    pub fn update_backfill(
        &mut self,
        now: UnixMillis,
        room: &RoomId,
        present: &[Entry],
        wanted: u32,
    ) -> Result<(), TicketError> {
        let backfill = Backfill::new(*room, present, wanted)?;
        let known = self.take_backfill(room);
        let (mut ticket, _) = known.ok_or(TicketError::NotFound)?;
        self.criteria.enter_again(&mut ticket.criteria);
        self.put_backfill(now, ticket, backfill, Some(now));
        Ok(())
    }

    /// The room asks for nobody any more. Whether it has asked.
    pub fn remove_backfill(&mut self, room: &RoomId) -> bool {
        self.take_backfill(room).is_some()
    }

    /// How many players a room still wants, if it has asked for some.
    #[must_use]
    pub fn backfill_wanted(&self, room: &RoomId) -> Option<u32> {
        if self.rooms.full.contains_key(room) {
            return Some(0);
        }
        let slot = self.rooms.seeking.get(room)?;
        let backfill = self.waiting(*slot)?.backfill.as_deref()?;
        Some(backfill.wanted)
    }

    /// Number of rooms that want players.
    #[must_use]
    pub fn backfill_count(&self) -> usize {
        self.rooms.seeking.len()
    }

    /// The tickets' players get seats in the room.
    pub(super) fn fill(&mut self, now: UnixMillis, room: &RoomId, tickets: &mut [Ticket]) {
        let Some((mut ticket, mut backfill)) = self.take_backfill(room) else {
            return;
        };
        for newcomer in tickets {
            backfill.seat(&newcomer.entries);
            backfill.wanted = backfill.wanted.saturating_sub(newcomer.size());
            newcomer.newcomer_of = Some(Box::new(*room));
        }
        self.criteria.enter_again(&mut ticket.criteria);
        self.put_backfill(now, ticket, backfill, Some(now));
    }

    /// Players who were to come to a room do not. It is not due, or the same match would be made again.
    pub(super) fn give_back(&mut self, now: UnixMillis, room: &RoomId, entries: &[Entry]) {
        let Some((mut ticket, mut backfill)) = self.take_backfill(room) else {
            return;
        };
        backfill.unseat(entries);
        self.criteria.enter_again(&mut ticket.criteria);
        self.put_backfill(now, ticket, backfill, None);
    }

    /// Its criteria are not counted afterwards.
    fn take_backfill(&mut self, room: &RoomId) -> Option<(Ticket, Backfill)> {
        if let Some(full) = self.rooms.full.remove(room) {
            return Some(full);
        }
        let slot = self.rooms.seeking.remove(room)?;
        let (ticket, backfill) = self.take_any(slot)?;
        Some((ticket, *backfill?))
    }

    /// Its criteria are counted. Where nothing makes it due it is when its window widens.
    fn put_backfill(
        &mut self,
        now: UnixMillis,
        ticket: Ticket,
        backfill: Backfill,
        due: Option<UnixMillis>,
    ) {
        let room = backfill.room;
        if backfill.wanted == 0 {
            self.criteria.leave(&ticket.criteria);
            self.rooms.full.insert(room, (ticket, backfill));
            return;
        }
        let slot = self.put(now, ticket, Some(Box::new(backfill)));
        self.rooms.seeking.insert(room, slot);
        let due = due.or_else(|| self.next_step(now, slot));
        self.schedule(slot, due);
    }
}
