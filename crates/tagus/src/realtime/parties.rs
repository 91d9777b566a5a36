//! Parties: their members and leaders. What is asked of a leader about somebody names their connection.

use tagus_base::SessionId;
use tagus_players::{CodeRefused, PartyId, PartyJoin, PartySettings};
use tagus_wire::realtime::envelope::Message;
use tagus_wire::realtime::{
    PartyCreate, PartyDataSend, PartyJoin as PartyJoinMessage, PartyUpdate, UserPresence,
};

use super::{Asker, Failure, Reply};

pub(super) fn create(asker: &Asker, message: PartyCreate) -> Result<Reply, Failure> {
    let settings = PartySettings {
        open: message.open,
        hidden: message.hidden,
        label: message.label.into(),
    };
    let session_id = asker.requester.session_id;
    let parties = &asker.gateway.parties;
    let (id, party) = parties.create(session_id, message.max_size, settings)?;
    Ok(Reply {
        welcome: Some((id, session_id)),
        ..Reply::from(Message::Party(party))
    })
}

/// By its id, or by its join code: then the answer tells the id.
pub(super) fn join(asker: &Asker, party: &str) -> Result<Reply, Failure> {
    let (id, is_code) = match party.parse() {
        Ok(id) => (id, false),
        Err(_) => (party_of_code(asker, party)?, true),
    };
    let session_id = asker.requester.session_id;
    let joined = asker.gateway.parties.join(&id, session_id)?;
    let party_id = id.to_string();
    Ok(Reply {
        message: is_code.then_some(Message::PartyJoin(PartyJoinMessage { party_id })),
        welcome: (joined == PartyJoin::Member).then_some((id, session_id)),
        ..Reply::default()
    })
}

pub(super) fn leave(asker: &Asker, party: &str) -> Result<Reply, Failure> {
    let id = party_id(party)?;
    asker.gateway.parties.leave(&id, asker.requester.session_id);
    Ok(Reply::default())
}

pub(super) fn accept(
    asker: &Asker,
    party: &str,
    whom: Option<UserPresence>,
) -> Result<Reply, Failure> {
    let (id, whom) = (party_id(party)?, session_of(whom)?);
    let by = asker.requester.session_id;
    asker.gateway.parties.accept(&id, by, whom)?;
    Ok(Reply {
        welcome: Some((id, whom)),
        ..Reply::default()
    })
}

pub(super) fn remove(
    asker: &Asker,
    party: &str,
    whom: Option<UserPresence>,
) -> Result<Reply, Failure> {
    let (id, whom) = (party_id(party)?, session_of(whom)?);
    let by = asker.requester.session_id;
    asker.gateway.parties.remove(&id, by, whom)?;
    Ok(Reply::default())
}

pub(super) fn promote(
    asker: &Asker,
    party: &str,
    whom: Option<UserPresence>,
) -> Result<Reply, Failure> {
    let (id, whom) = (party_id(party)?, session_of(whom)?);
    let by = asker.requester.session_id;
    asker.gateway.parties.promote(&id, by, whom)?;
    Ok(Reply::default())
}

pub(super) fn close(asker: &Asker, party: &str) -> Result<Reply, Failure> {
    let (id, by) = (party_id(party)?, asker.requester.session_id);
    asker.gateway.parties.close(&id, Some(by))?;
    Ok(Reply::default())
}

pub(super) fn update(asker: &Asker, message: PartyUpdate) -> Result<Reply, Failure> {
    let (id, by) = (party_id(&message.party_id)?, asker.requester.session_id);
    let settings = PartySettings {
        open: message.open,
        hidden: message.hidden,
        label: message.label.into(),
    };
    asker.gateway.parties.update(&id, Some(by), settings)?;
    Ok(Reply::default())
}

pub(super) fn requests(asker: &Asker, party: &str) -> Result<Reply, Failure> {
    let (id, by) = (party_id(party)?, asker.requester.session_id);
    Ok(Reply::from(asker.gateway.parties.requests(&id, by)?))
}

pub(super) fn send(asker: &Asker, message: PartyDataSend) -> Result<Reply, Failure> {
    let (id, by) = (party_id(&message.party_id)?, asker.requester.session_id);
    asker.gateway.parties.send(&id, by, message)?;
    Ok(Reply::default())
}

pub(super) fn party_id(text: &str) -> Result<PartyId, Failure> {
    let id = text.parse();
    id.map_err(|_| Failure::bad_input("Invalid party ID"))
}

fn party_of_code(asker: &Asker, code: &str) -> Result<PartyId, Failure> {
    let party = asker.gateway.join_codes.party(&asker.requester, code);
    party.map_err(|refused| {
        Failure::bad_input(match refused {
            CodeRefused::NoCode => "Invalid party ID",
            CodeRefused::Unknown => "Party not found",
            CodeRefused::TooManyWrong(_) => "Too many wrong join codes, try again later.",
        })
    })
}

fn session_of(presence: Option<UserPresence>) -> Result<SessionId, Failure> {
    let presence = presence.ok_or_else(|| Failure::bad_input("Missing presence"))?;
    let id = presence.session_id.parse();
    id.map_err(|_| Failure::bad_input("Invalid presence"))
}
