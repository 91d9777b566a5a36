//! Tickets of the matchmaker, of single players and of parties: made and taken back.

use tagus_players::matchmaker::TicketId;
use tagus_wire::realtime::envelope::Message;
use tagus_wire::realtime::{
    MatchmakerAdd, MatchmakerTicket, PartyMatchmakerAdd, PartyMatchmakerRemove,
    PartyMatchmakerTicket,
};

use super::parties::party_id;
use super::{Asker, Failure, Reply};
use crate::matchmaker::{self, Answer, MatchmakerWish};

pub(super) async fn add(asker: &Asker, message: MatchmakerAdd) -> Result<Reply, Failure> {
    let session_id = asker.requester.session_id;
    let wish = wish(message);
    let id = matchmaker::add(&asker.gateway, &[session_id], wish, Answer::Follows).await?;
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

pub(super) async fn add_party(
    asker: &Asker,
    message: PartyMatchmakerAdd,
) -> Result<Reply, Failure> {
    let (party, by) = (party_id(&message.party_id)?, asker.requester.session_id);
    let wish = wish(MatchmakerAdd {
        min_count: message.min_count,
        max_count: message.max_count,
        query: message.query,
        string_properties: message.string_properties,
        numeric_properties: message.numeric_properties,
        count_multiple: message.count_multiple,
    });
    let gateway = &asker.gateway;
    let id = matchmaker::add_party(gateway, &party, Some(by), wish, Answer::Follows).await?;
    let answer = PartyMatchmakerTicket {
        party_id: party.to_string(),
        ticket: id.to_string(),
    };
    Ok(Reply {
        ticket: Some(id),
        ..Reply::from(Message::PartyMatchmakerTicket(answer))
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

fn wish(message: MatchmakerAdd) -> MatchmakerWish {
    // What is below 0 is refused as 0 is.
    let count = |count: i32| u32::try_from(count).unwrap_or_default();
    MatchmakerWish {
        min_count: count(message.min_count),
        max_count: count(message.max_count),
        count_multiple: message.count_multiple.map(count),
        query: message.query,
        string_properties: message.string_properties,
        numeric_properties: message.numeric_properties,
    }
}

fn ticket_id(text: &str) -> Result<TicketId, Failure> {
    let id = text.parse().map(TicketId);
    id.map_err(|_| Failure::bad_input("Invalid ticket"))
}
