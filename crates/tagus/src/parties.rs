//! The parties of this node: what changes them, and what their members are told of it.
//!
//! Members are told under the lock of the parties, so that everybody hears changes in the order in which they were made.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tagus_base::{NodeId, SessionId, UserId, Uuid};
use tagus_players::matchmaker::TicketId;
use tagus_players::{
    Joinable, Parties, Party, PartyFilter, PartyId, PartyJoin, PartyLeft, PartyPage, PartyRemoved,
    PartySettings, PlayersError, Presence, StreamEvent,
};
use tagus_wire::realtime::envelope::Message;
use tagus_wire::realtime::{
    self, PartyClose, PartyData, PartyDataSend, PartyJoinRequest, PartyLeader,
    PartyMatchmakerTicket, PartyUpdate, UserPresence,
};

use crate::api::ApiError;
use crate::gateway::random_bytes;
use crate::join_codes::LiveJoinCodes;
use crate::live::{Appearance, Live, presence_out};
use crate::matchmaker::LiveMatchmaker;

/// See the module.
pub(crate) struct LiveParties {
    node: NodeId,
    live: Arc<Live>,
    matchmaker: Arc<LiveMatchmaker>,
    join_codes: Arc<LiveJoinCodes>,
    /// Whether a connection is in one party at most.
    is_single: bool,
    parties: Mutex<Parties>,
}

impl LiveParties {
    /// None yet.
    pub(crate) fn new(
        node: NodeId,
        live: Arc<Live>,
        matchmaker: Arc<LiveMatchmaker>,
        join_codes: Arc<LiveJoinCodes>,
    ) -> Self {
        Self {
            node,
            live,
            matchmaker,
            join_codes,
            is_single: false,
            parties: Mutex::default(),
        }
    }

    /// Whether a connection that joins a party leaves its others.
    pub(crate) fn with_single(self, is_single: bool) -> Self {
        Self { is_single, ..self }
    }

    /// Makes a party; the creator is to be welcomed after the answer, which is this.
    pub(crate) fn create(
        &self,
        session_id: SessionId,
        size_max: i32,
        settings: PartySettings,
    ) -> Result<(PartyId, realtime::Party), ApiError> {
        let id = PartyId {
            uuid: Uuid::from_random(random_bytes()),
            node: self.node,
        };
        let mut parties = self.lock();
        let creator = self.presence(session_id)?;
        let party = parties.create(id, creator.clone(), size_max, settings)?;
        let answer = party_out(party, &creator);
        self.enter(&mut parties, &id, session_id)?;
        Ok((id, answer))
    }

    /// Joins a party, then the new member is to be welcomed after the answer; or asks its leader.
    pub(crate) fn join(&self, id: &PartyId, session_id: SessionId) -> Result<PartyJoin, ApiError> {
        let mut parties = self.lock();
        let who = self.presence(session_id)?;
        let joined = parties.join(id, who.clone())?;
        match joined {
            PartyJoin::Member => self.enter(&mut parties, id, session_id)?,
            PartyJoin::Asked { leader } => {
                let request = requests_out(id, &[who]);
                self.live.send(&id.stream(), &[leader], request);
            }
        }
        Ok(joined)
    }

    /// Lets in who asked; the new member is to be welcomed after the answer.
    pub(crate) fn accept(
        &self,
        id: &PartyId,
        by: SessionId,
        whom: SessionId,
    ) -> Result<(), ApiError> {
        let mut parties = self.lock();
        parties.accept(id, by, whom)?;
        self.enter(&mut parties, id, whom)
    }

    /// Shows a new member the party, then tells everybody of them, unless they have left since.
    pub(crate) fn welcome(&self, id: &PartyId, session_id: SessionId) {
        let parties = self.lock();
        let party = parties.get(id);
        let Some((party, own)) = party.and_then(|party| Some((party, party.member(session_id)?)))
        else {
            return;
        };
        let stream = id.stream();
        let message = Message::Party(party_out(party, own));
        self.live.send(&stream, &[session_id], message);
        self.live.announce(&StreamEvent {
            stream,
            joins: vec![own.clone()],
            leaves: Vec::new(),
        });
    }

    /// Removes a member, who is told too, or turns down who asked to join.
    pub(crate) fn remove(
        &self,
        id: &PartyId,
        by: SessionId,
        whom: SessionId,
    ) -> Result<(), ApiError> {
        let mut parties = self.lock();
        if let PartyRemoved::Member(member) = parties.remove(id, by, whom)? {
            self.matchmaker.party_changed(id);
            let stream = id.stream();
            self.live.announce(&StreamEvent {
                stream: stream.clone(),
                joins: Vec::new(),
                leaves: vec![member],
            });
            self.live.leave(&stream, whom);
        }
        Ok(())
    }

    /// Makes a member the leader.
    pub(crate) fn promote(
        &self,
        id: &PartyId,
        by: SessionId,
        whom: SessionId,
    ) -> Result<(), ApiError> {
        let mut parties = self.lock();
        let leader = parties.promote(id, by, whom)?;
        self.send_leader(id, &leader);
        Ok(())
    }

    /// Changes what leaders decide; `by` is none for server code.
    pub(crate) fn update(
        &self,
        id: &PartyId,
        by: Option<SessionId>,
        settings: PartySettings,
    ) -> Result<(), ApiError> {
        let mut parties = self.lock();
        parties.update(id, by, settings.clone())?;
        let update = PartyUpdate {
            party_id: id.to_string(),
            label: settings.label.to_string(),
            open: settings.open,
            hidden: settings.hidden,
        };
        self.live
            .send(&id.stream(), &[], Message::PartyUpdate(update));
        Ok(())
    }

    /// Ends a party; `by` is none for server code.
    pub(crate) fn close(&self, id: &PartyId, by: Option<SessionId>) -> Result<(), ApiError> {
        let mut parties = self.lock();
        let party = parties.close(id, by)?;
        self.join_codes.forget(Joinable::Party(*id));
        self.matchmaker.party_changed(id);
        let stream = id.stream();
        let party_id = id.to_string();
        let message = Message::PartyClose(PartyClose { party_id });
        self.live.send(&stream, &[], message);
        for member in party.members {
            self.live.leave(&stream, member.session_id);
        }
        Ok(())
    }

    /// Leaves a party and its stream, or takes back the wish to join; fine where there was nothing.
    pub(crate) fn leave(&self, id: &PartyId, session_id: SessionId) {
        self.leave_one(&mut self.lock(), id, session_id);
    }

    fn leave_one(&self, parties: &mut Parties, id: &PartyId, session_id: SessionId) {
        let left = parties.leave(id, session_id);
        if left.is_some() {
            self.matchmaker.party_changed(id);
            self.forget_ended(parties, id);
        }
        let event = self.live.leave(&id.stream(), session_id);
        left.iter().for_each(|left| self.tell_leader(left));
        event.iter().for_each(|event| self.live.announce(event));
    }

    /// A connection is gone and in no stream any more, of which the members are to be told after this.
    pub(crate) fn disconnected(&self, session_id: SessionId) {
        let mut parties = self.lock();
        for left in parties.leave_all(session_id) {
            self.forget_ended(&parties, &left.party);
            self.tell_leader(&left);
        }
    }

    /// The code by which others join the party, for its members on whatever connection.
    pub(crate) fn code(&self, id: &PartyId, user_id: UserId) -> Result<String, ApiError> {
        let parties = self.lock();
        let mut members = parties.get(id).into_iter().flat_map(|party| &party.members);
        if !members.any(|member| member.user_id == user_id) {
            return Err(NO_MEMBER.into());
        }
        self.code_under(&parties, id)
    }

    /// The same for server code.
    pub(crate) fn code_of(&self, id: &PartyId) -> Result<String, ApiError> {
        self.code_under(&self.lock(), id)
    }

    /// Under the lock: a party that ends forgets its code after this.
    fn code_under(&self, parties: &Parties, id: &PartyId) -> Result<String, ApiError> {
        let party = parties.get(id);
        party.ok_or_else(|| ApiError::not_found("Party not found"))?;
        Ok(self.join_codes.code(Joinable::Party(*id))?)
    }

    /// Ends the party's code, for its leader on whatever connection; the next one is another.
    pub(crate) fn revoke_code(&self, id: &PartyId, user_id: UserId) -> Result<(), ApiError> {
        let parties = self.lock();
        let led = parties.get(id).map(|party| party.leader.user_id);
        if led != Some(user_id) {
            return Err(NO_LEADER.into());
        }
        self.join_codes.forget(Joinable::Party(*id));
        Ok(())
    }

    /// Who asks to join, for the leader.
    pub(crate) fn requests(&self, id: &PartyId, by: SessionId) -> Result<Message, ApiError> {
        Ok(requests_out(id, &self.lock().led(id, by)?.requests))
    }

    /// Makes a ticket of all members for the leader, or for server code if `by` is none, and tells the others of it.
    pub(crate) fn add_ticket(
        &self,
        id: &PartyId,
        by: Option<SessionId>,
        make: impl FnOnce(&Party) -> Result<TicketId, ApiError>,
    ) -> Result<TicketId, ApiError> {
        let parties = self.lock();
        let party = match by {
            Some(by) => parties.led(id, by)?,
            None => parties
                .get(id)
                .ok_or_else(|| ApiError::not_found("Party not found"))?,
        };
        let ticket = make(party)?;
        let message = PartyMatchmakerTicket {
            party_id: id.to_string(),
            ticket: ticket.to_string(),
        };
        let members = party.members.iter().map(|member| member.session_id);
        let others: Vec<SessionId> = members.filter(|member| Some(*member) != by).collect();
        if !others.is_empty() {
            let message = Message::PartyMatchmakerTicket(message);
            self.live.send(&id.stream(), &others, message);
        }
        Ok(ticket)
    }

    /// Takes back a ticket of the party for the leader.
    pub(crate) fn remove_ticket(
        &self,
        id: &PartyId,
        by: SessionId,
        ticket: TicketId,
    ) -> Result<(), ApiError> {
        let parties = self.lock();
        parties.led(id, by)?;
        self.matchmaker.remove_party(id, ticket)
    }

    /// Hands data to the other members.
    pub(crate) fn send(
        &self,
        id: &PartyId,
        session_id: SessionId,
        data: PartyDataSend,
    ) -> Result<(), ApiError> {
        let parties = self.lock();
        let party = parties.joined(id, session_id)?;
        let others = others(party, session_id);
        if others.is_empty() {
            return Ok(());
        }
        let data = PartyData {
            party_id: id.to_string(),
            presence: party.member(session_id).map(presence_out),
            op_code: data.op_code,
            data: data.data,
        };
        self.live
            .send(&id.stream(), &others, Message::PartyData(data));
        Ok(())
    }

    /// A party as it is now.
    pub(crate) fn get(&self, id: &PartyId) -> Option<Party> {
        self.lock().get(id).cloned()
    }

    /// A page of the parties that pass the filter.
    pub(crate) fn list(&self, filter: &PartyFilter<'_>) -> Result<PartyPage, PlayersError> {
        // Searched without the lock, which the shards wait for.
        let catalogue = self.lock().catalogue();
        catalogue.list(filter)
    }

    /// To be called under the lock: then what a connection that ends now has here is taken away after it.
    fn presence(&self, session_id: SessionId) -> Result<Presence, ApiError> {
        let connection = self.live.connection(session_id);
        let identity = connection.ok_or_else(gone)?.identity;
        Ok(Presence {
            session_id,
            user_id: identity.user_id,
            username: identity.username.clone(),
            persistence: false,
            status: None,
            hidden: false,
        })
    }

    /// Puts a member into the stream. Who cannot be there is no member either.
    fn enter(
        &self,
        parties: &mut Parties,
        id: &PartyId,
        session_id: SessionId,
    ) -> Result<(), ApiError> {
        let joined = self
            .live
            .join(&id.stream(), session_id, Appearance::default());
        if let Err(error) = joined {
            parties.leave(id, session_id);
            return Err(ApiError::invalid(error.to_string()));
        }
        self.matchmaker.party_changed(id);
        if self.is_single {
            let earlier = parties.of(session_id).into_iter();
            for other in earlier.filter(|other| other != id) {
                self.leave_one(parties, &other, session_id);
            }
        }
        Ok(())
    }

    /// Forgets the code of a party that is gone with its last member.
    fn forget_ended(&self, parties: &Parties, id: &PartyId) {
        if parties.get(id).is_none() {
            self.join_codes.forget(Joinable::Party(*id));
        }
    }

    /// Tells of a new leader, if there is one since.
    fn tell_leader(&self, left: &PartyLeft) {
        if let Some(leader) = &left.leader {
            self.send_leader(&left.party, leader);
        }
    }

    fn send_leader(&self, id: &PartyId, leader: &Presence) {
        let leader = PartyLeader {
            party_id: id.to_string(),
            presence: Some(presence_out(leader)),
        };
        self.live
            .send(&id.stream(), &[], Message::PartyLeader(leader));
    }

    fn lock(&self) -> MutexGuard<'_, Parties> {
        self.parties.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The party, as one of its members sees it.
fn party_out(party: &Party, own: &Presence) -> realtime::Party {
    let settings = &party.settings;
    realtime::Party {
        party_id: party.id.to_string(),
        open: settings.open,
        hidden: settings.hidden,
        max_size: i32::try_from(party.size_max).unwrap_or(i32::MAX),
        self_: Some(presence_out(own)),
        leader: Some(presence_out(&party.leader)),
        presences: people_out(&party.members),
        label: settings.label.to_string(),
    }
}

fn requests_out(id: &PartyId, people: &[Presence]) -> Message {
    Message::PartyJoinRequest(PartyJoinRequest {
        party_id: id.to_string(),
        presences: people_out(people),
    })
}

fn people_out(people: &[Presence]) -> Vec<UserPresence> {
    people.iter().map(presence_out).collect()
}

/// The members' connections but this one.
fn others(party: &Party, session_id: SessionId) -> Vec<SessionId> {
    let members = party.members.iter().map(|member| member.session_id);
    members.filter(|member| *member != session_id).collect()
}

fn gone() -> ApiError {
    ApiError::not_found("no such connection")
}

const NO_MEMBER: PlayersError =
    PlayersError::PermissionDenied("Party not found, or the caller is not in it.");
const NO_LEADER: PlayersError =
    PlayersError::PermissionDenied("Party not found, or the caller does not lead it.");
