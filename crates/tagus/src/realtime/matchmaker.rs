//! Tickets of the matchmaker, of single players and of parties: made and taken back.

use tagus_players::PlayersError;
use tagus_players::matchmaker::{TicketId, Wish};
use tagus_players::query::Query;
use tagus_wire::realtime::envelope::Message;
use tagus_wire::realtime::{
    MatchmakerAdd, MatchmakerTicket, PartyMatchmakerAdd, PartyMatchmakerRemove,
};

use super::parties::party_id;
use super::{Asker, Failure, Reply};

pub(super) fn add(asker: &Asker, message: MatchmakerAdd) -> Result<Reply, Failure> {
    let wish = wish(message)?;
    let session_id = asker.requester.session_id;
    let id = asker.gateway.matchmaker.add(session_id, wish)?;
    let ticket = id.to_string();
    Ok(Reply {
        ticket: Some(id),
        ..Reply::from(Message::MatchmakerTicket(MatchmakerTicket { ticket }))
    })
}

pub(super) fn remove(asker: &Asker, ticket: &str) -> Result<Reply, Failure> {
    let id = ticket_id(ticket)?;
    let session_id = asker.requester.session_id;
    asker.gateway.matchmaker.remove(session_id, id)?;
    Ok(Reply::default())
}

pub(super) fn add_party(asker: &Asker, message: PartyMatchmakerAdd) -> Result<Reply, Failure> {
    let (party, by) = (party_id(&message.party_id)?, asker.requester.session_id);
    let wish = wish(MatchmakerAdd {
        min_count: message.min_count,
        max_count: message.max_count,
        query: message.query,
        string_properties: message.string_properties,
        numeric_properties: message.numeric_properties,
        count_multiple: message.count_multiple,
    })?;
    let (id, ticket) = asker.gateway.parties.add_ticket(&party, by, wish)?;
    Ok(Reply {
        ticket: Some(id),
        ..Reply::from(Message::PartyMatchmakerTicket(ticket))
    })
}

pub(super) fn remove_party(
    asker: &Asker,
    message: &PartyMatchmakerRemove,
) -> Result<Reply, Failure> {
    let (party, by) = (party_id(&message.party_id)?, asker.requester.session_id);
    let ticket = ticket_id(&message.ticket)?;
    asker.gateway.parties.remove_ticket(&party, by, ticket)?;
    Ok(Reply::default())
}

fn wish(message: MatchmakerAdd) -> Result<Wish, Failure> {
    let query = Query::parse(&message.query).map_err(PlayersError::from)?;
    // What is below 0 is refused as 0 is.
    let count = |count: i32| u32::try_from(count).unwrap_or_default();
    Ok(Wish {
        count_multiple: message.count_multiple.map_or(1, count),
        string_properties: message.string_properties,
        numeric_properties: message.numeric_properties,
        ..Wish::new(count(message.min_count), count(message.max_count), query)
    })
}

fn ticket_id(text: &str) -> Result<TicketId, Failure> {
    let id = text.parse().map(TicketId);
    id.map_err(|_| Failure::bad_input("Invalid ticket"))
}
