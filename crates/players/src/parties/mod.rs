//! Parties: who is in one, who leads it, and who asks to join.
//!
//! A state machine without surroundings: whoever calls it puts connections into the party's stream and tells the members.
//! Nothing is kept: a party ends with its last member or the server.

#![warn(
    clippy::disallowed_methods,
    clippy::iter_over_hash_type,
    clippy::wildcard_enum_match_arm
)]

mod list;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use hashbrown::HashMap;
use tagus_base::{IdError, NodeId, SessionId, UserId, Uuid};

use crate::{PlayersError, Presence, StreamId, StreamMode};
use list::Card;
pub use list::{
    PARTIES_LIST_MAX, PARTIES_WORK_MAX, PartyCatalogue, PartyFilter, PartyListing, PartyPage,
};

/// Members of a party, at most; a party that names no size has room for as many.
pub const PARTY_SIZE_MAX: usize = 256;

/// Bytes of a party's label, at most.
pub const PARTY_LABEL_BYTES_MAX: usize = 2_048;

/// People who ask to join a party, at most; more are refused until the leader answers some.
pub const PARTY_REQUESTS_MAX: usize = 100;

/// Parties that one connection may be in or ask to join; more are refused.
pub const PARTIES_PER_SESSION_MAX: usize = 16;

/// Name of a party. Text form, as the wire's `party_id`: `<uuid>.<node>`.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct PartyId {
    /// Random.
    pub uuid: Uuid,
    /// The node that holds the party.
    pub node: NodeId,
}

impl PartyId {
    /// The stream whose members are the party's.
    #[must_use]
    pub fn stream(&self) -> StreamId {
        StreamId {
            mode: StreamMode::PARTY,
            subject: self.uuid,
            subcontext: Uuid::NIL,
            label: self.node.to_string(),
        }
    }

    /// The party whose stream it is.
    #[must_use]
    pub fn of_stream(stream: &StreamId) -> Option<Self> {
        if stream.mode != StreamMode::PARTY {
            return None;
        }
        Some(Self {
            uuid: stream.subject,
            node: stream.label.parse().ok()?,
        })
    }
}

impl fmt::Display for PartyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.uuid, self.node)
    }
}

impl FromStr for PartyId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let (uuid, node) = text.split_once('.').ok_or(IdError)?;
        Ok(Self {
            uuid: uuid.parse()?,
            node: node.parse()?,
        })
    }
}

/// What a leader decides about a party.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct PartySettings {
    /// Anybody joins; otherwise the leader is asked.
    pub open: bool,
    /// Left out of listings for players.
    pub hidden: bool,
    /// What listings search: a JSON object or any text, at most [`PARTY_LABEL_BYTES_MAX`] bytes.
    pub label: Arc<str>,
}

/// A party.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Party {
    /// Its name.
    pub id: PartyId,
    /// What its leader decided.
    pub settings: PartySettings,
    /// Members at most, 1..=[`PARTY_SIZE_MAX`].
    pub size_max: usize,
    /// The member who decides.
    pub leader: Presence,
    /// Who is in it, in the order of joining; each user once.
    pub members: Vec<Presence>,
    /// Who asks to join, in the order of asking; none of them a member.
    pub requests: Vec<Presence>,
}

impl Party {
    /// The connection's presence, if it is a member.
    #[must_use]
    pub fn member(&self, session_id: SessionId) -> Option<&Presence> {
        find(&self.members, session_id)
    }

    fn led_by(&self, session_id: SessionId) -> Result<(), PlayersError> {
        if self.leader.session_id == session_id {
            Ok(())
        } else {
            Err(NOT_LEADER)
        }
    }

    fn check_room(&self) -> Result<(), PlayersError> {
        if self.members.len() < self.size_max {
            Ok(())
        } else {
            Err(FULL)
        }
    }
}

/// What an attempt to join did.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PartyJoin {
    /// The connection is a member.
    Member,
    /// The leader is to be asked.
    Asked {
        /// The leader's connection.
        leader: SessionId,
    },
}

/// Somebody is no longer in a party.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PartyLeft {
    /// The party, which is gone if nobody was left.
    pub party: PartyId,
    /// Who leads since, where the leader left others behind: who was in the party longest.
    pub leader: Option<Presence>,
}

/// Whom a leader removed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum PartyRemoved {
    /// A member.
    Member(Presence),
    /// Somebody who asked to join.
    Request(Presence),
}

/// The parties of a node. Errors are sentences of the protocol, and nothing changed then.
#[derive(Debug, Default)]
pub struct Parties {
    parties: BTreeMap<PartyId, Entry>,
    /// The parties that connections are in or ask to join.
    of_session: HashMap<SessionId, BTreeSet<PartyId>>,
    /// Parties made so far.
    count: u64,
}

#[derive(Debug)]
struct Entry {
    party: Party,
    card: Arc<Card>,
}

impl Parties {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a party that its creator leads. `id` must be new; a `size_max` of 0 is the largest there is.
    ///
    /// # Errors
    /// A size or label over its limit; the connection is in too many parties.
    pub fn create(
        &mut self,
        id: PartyId,
        creator: Presence,
        size_max: i32,
        settings: PartySettings,
    ) -> Result<&Party, PlayersError> {
        let size_max = match usize::try_from(size_max) {
            Ok(0) => PARTY_SIZE_MAX,
            Ok(size) if size <= PARTY_SIZE_MAX => size,
            _ => return Err(BAD_SIZE),
        };
        check_label(&settings.label)?;
        self.note(creator.session_id, id)?;
        self.count += 1;
        let party = Party {
            id,
            settings,
            size_max,
            leader: creator.clone(),
            members: vec![creator],
            requests: Vec::new(),
        };
        let card = Card::of(self.count, &party);
        let entry = self.parties.entry(id).insert_entry(Entry { party, card });
        Ok(&entry.into_mut().party)
    }

    /// A party.
    #[must_use]
    pub fn get(&self, id: &PartyId) -> Option<&Party> {
        self.parties.get(id).map(|entry| &entry.party)
    }

    /// Joins an open party, or asks to join a closed one.
    ///
    /// # Errors
    /// No such party; the user is in it or asks already; it is full or asked by too many; the connection is in too many.
    pub fn join(&mut self, id: &PartyId, who: Presence) -> Result<PartyJoin, PlayersError> {
        let party = &self.party(id)?.party;
        if has_user(&party.members, who.user_id) {
            return Err(ALREADY_MEMBER);
        }
        if party.settings.open {
            party.check_room()?;
            self.note(who.session_id, *id)?;
            self.admit(id, who)?;
            return Ok(PartyJoin::Member);
        }
        if has_user(&party.requests, who.user_id) {
            return Err(ALREADY_ASKED);
        }
        if party.requests.len() >= PARTY_REQUESTS_MAX {
            return Err(REQUESTS_FULL);
        }
        let leader = party.leader.session_id;
        self.note(who.session_id, *id)?;
        self.party(id)?.party.requests.push(who);
        Ok(PartyJoin::Asked { leader })
    }

    /// The leader lets in who asked to join.
    ///
    /// # Errors
    /// No such party or request; not the leader; it is full.
    pub fn accept(
        &mut self,
        id: &PartyId,
        by: SessionId,
        whom: SessionId,
    ) -> Result<(), PlayersError> {
        let party = &self.party(id)?.party;
        party.led_by(by)?;
        let who = find(&party.requests, whom).cloned().ok_or(NO_REQUEST)?;
        party.check_room()?;
        self.admit(id, who)
    }

    /// The leader removes a member or turns down who asked to join.
    ///
    /// # Errors
    /// No such party, member or request; not the leader; the leader cannot be removed.
    pub fn remove(
        &mut self,
        id: &PartyId,
        by: SessionId,
        whom: SessionId,
    ) -> Result<PartyRemoved, PlayersError> {
        let party = &mut self.party(id)?.party;
        party.led_by(by)?;
        if whom == by {
            return Err(NOT_ONESELF);
        }
        let removed = if let Some(member) = take(&mut party.members, whom) {
            PartyRemoved::Member(member)
        } else {
            PartyRemoved::Request(take(&mut party.requests, whom).ok_or(NO_MEMBER)?)
        };
        self.forget(whom, id);
        Ok(removed)
    }

    /// The leader makes a member the leader; returns the new one.
    ///
    /// # Errors
    /// No such party or member; not the leader.
    pub fn promote(
        &mut self,
        id: &PartyId,
        by: SessionId,
        whom: SessionId,
    ) -> Result<Presence, PlayersError> {
        let party = &mut self.party(id)?.party;
        party.led_by(by)?;
        let member = find(&party.members, whom).ok_or(NO_MEMBER)?;
        party.leader = member.clone();
        Ok(party.leader.clone())
    }

    /// Changes what a leader decides; `by` is none for the server.
    ///
    /// # Errors
    /// No such party; not the leader; a label over its limit.
    pub fn update(
        &mut self,
        id: &PartyId,
        by: Option<SessionId>,
        settings: PartySettings,
    ) -> Result<(), PlayersError> {
        let entry = self.party(id)?;
        by.map_or(Ok(()), |by| entry.party.led_by(by))?;
        check_label(&settings.label)?;
        entry.party.settings = settings;
        entry.card = Card::of(entry.card.number, &entry.party);
        Ok(())
    }

    /// Ends a party; `by` is none for the server. Returns what it was.
    ///
    /// # Errors
    /// No such party; not the leader.
    pub fn close(&mut self, id: &PartyId, by: Option<SessionId>) -> Result<Party, PlayersError> {
        let party = &self.party(id)?.party;
        by.map_or(Ok(()), |by| party.led_by(by))?;
        let party = self.parties.remove(id).ok_or(NOT_FOUND)?.party;
        for one in party.members.iter().chain(&party.requests) {
            self.forget(one.session_id, id);
        }
        Ok(party)
    }

    /// Ends a membership, or takes back a request. None when there was no membership.
    pub fn leave(&mut self, id: &PartyId, session_id: SessionId) -> Option<PartyLeft> {
        let party = &mut self.parties.get_mut(id)?.party;
        take(&mut party.requests, session_id);
        let was_member = take(&mut party.members, session_id).is_some();
        let mut leader = None;
        if let Some(oldest) = party.members.first() {
            if party.leader.session_id == session_id {
                party.leader = oldest.clone();
                leader = Some(party.leader.clone());
            }
        } else if let Some(ended) = self.parties.remove(id) {
            for one in ended.party.requests {
                self.forget(one.session_id, id);
            }
        }
        self.forget(session_id, id);
        let party = *id;
        was_member.then_some(PartyLeft { party, leader })
    }

    /// The parties that a connection is a member of.
    #[must_use]
    pub fn of(&self, session_id: SessionId) -> Vec<PartyId> {
        let noted = self.of_session.get(&session_id).into_iter().flatten();
        let is_member = |id: &&PartyId| {
            let party = self.get(id);
            party.is_some_and(|party| party.member(session_id).is_some())
        };
        noted.filter(is_member).copied().collect()
    }

    /// Ends all memberships and requests of a connection that is gone.
    pub fn leave_all(&mut self, session_id: SessionId) -> Vec<PartyLeft> {
        let parties = self.of_session.get(&session_id).cloned();
        let parties = parties.unwrap_or_default();
        let left = parties.iter().map(|id| self.leave(id, session_id));
        left.flatten().collect()
    }

    /// The party, which the connection must lead.
    ///
    /// # Errors
    /// No such party; not the leader.
    pub fn led(&self, id: &PartyId, by: SessionId) -> Result<&Party, PlayersError> {
        let party = self.get(id).ok_or(NOT_FOUND)?;
        party.led_by(by)?;
        Ok(party)
    }

    /// The party, which the connection must be a member of.
    ///
    /// # Errors
    /// No such party; no member of it.
    pub fn joined(&self, id: &PartyId, session_id: SessionId) -> Result<&Party, PlayersError> {
        let party = self.get(id).ok_or(NOT_FOUND)?;
        party.member(session_id).ok_or(NO_MEMBER)?;
        Ok(party)
    }

    fn party(&mut self, id: &PartyId) -> Result<&mut Entry, PlayersError> {
        self.parties.get_mut(id).ok_or(NOT_FOUND)
    }

    /// Makes a member of somebody who is noted; of their requests, on whatever connection, none is left.
    fn admit(&mut self, id: &PartyId, who: Presence) -> Result<(), PlayersError> {
        let party = &mut self.party(id)?.party;
        let user_id = who.user_id;
        let asked = party.requests.extract_if(.., |one| one.user_id == user_id);
        let asked: Vec<Presence> = asked.collect();
        let session_id = who.session_id;
        party.members.push(who);
        for other in asked.iter().filter(|one| one.session_id != session_id) {
            self.forget(other.session_id, id);
        }
        Ok(())
    }

    fn note(&mut self, session_id: SessionId, id: PartyId) -> Result<(), PlayersError> {
        let parties = self.of_session.entry(session_id).or_default();
        if parties.len() >= PARTIES_PER_SESSION_MAX && !parties.contains(&id) {
            return Err(TOO_MANY);
        }
        parties.insert(id);
        Ok(())
    }

    fn forget(&mut self, session_id: SessionId, id: &PartyId) {
        if let Some(parties) = self.of_session.get_mut(&session_id) {
            parties.remove(id);
            if parties.is_empty() {
                self.of_session.remove(&session_id);
            }
        }
    }
}

fn find(people: &[Presence], session_id: SessionId) -> Option<&Presence> {
    people.iter().find(|one| one.session_id == session_id)
}

fn take(people: &mut Vec<Presence>, session_id: SessionId) -> Option<Presence> {
    let mut found = people.iter();
    let at = found.position(|one| one.session_id == session_id)?;
    Some(people.remove(at))
}

fn has_user(people: &[Presence], user_id: UserId) -> bool {
    people.iter().any(|one| one.user_id == user_id)
}

const fn check_label(label: &str) -> Result<(), PlayersError> {
    if label.len() > PARTY_LABEL_BYTES_MAX {
        return Err(LONG_LABEL);
    }
    Ok(())
}

const BAD_SIZE: PlayersError =
    PlayersError::InvalidArgument("Invalid party max size, must be between 0 and 256");
const LONG_LABEL: PlayersError =
    PlayersError::InvalidArgument("Invalid party label, must be at most 2048 bytes");
const NOT_FOUND: PlayersError = PlayersError::NotFound("Party not found");
const NO_MEMBER: PlayersError = PlayersError::NotFound("Party member not found");
const NO_REQUEST: PlayersError = PlayersError::NotFound("Party join request not found");
const NOT_LEADER: PlayersError = PlayersError::PermissionDenied("Party leader only");
const NOT_ONESELF: PlayersError = PlayersError::InvalidArgument("Party leader cannot be removed");
const ALREADY_MEMBER: PlayersError = PlayersError::AlreadyExists("Already a member of the party");
const ALREADY_ASKED: PlayersError = PlayersError::AlreadyExists("Already asked to join the party");
const FULL: PlayersError = PlayersError::FailedPrecondition("Party full");
const REQUESTS_FULL: PlayersError =
    PlayersError::FailedPrecondition("Party has too many join requests");
const TOO_MANY: PlayersError =
    PlayersError::FailedPrecondition("At most 16 parties may be joined at once");
