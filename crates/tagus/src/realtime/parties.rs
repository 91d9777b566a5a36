//! Parties: their members and leaders. What is asked of a leader about somebody names their connection.

use tagus_base::SessionId;
use tagus_players::{PartyId, PartyJoin, PartySettings};
use tagus_wire::realtime::envelope::Message;
use tagus_wire::realtime::{PartyCreate, PartyDataSend, PartyUpdate, UserPresence};

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

pub(super) fn join(asker: &Asker, party: &str) -> Result<Reply, Failure> {
    let (id, session_id) = (party_id(party)?, asker.requester.session_id);
    let joined = asker.gateway.parties.join(&id, session_id)?;
    Ok(Reply {
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

fn session_of(presence: Option<UserPresence>) -> Result<SessionId, Failure> {
    let presence = presence.ok_or_else(|| Failure::bad_input("Missing presence"))?;
    let id = presence.session_id.parse();
    id.map_err(|_| Failure::bad_input("Invalid presence"))
}
