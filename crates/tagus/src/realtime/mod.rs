//! Requests over the socket that no room answers: hooks around them, and their answers.

mod chat;
mod matchmaker;
mod parties;
mod status;

use std::sync::Arc;

use tagus_base::SessionId;
use tagus_players::matchmaker::TicketId;
use tagus_players::{PartyId, PlayersError, Push, StreamEvent};
use tagus_shard::{Requester, error_envelope};
use tagus_wire::MessageKind;
use tagus_wire::api::Rpc;
use tagus_wire::realtime::envelope::Message;
use tagus_wire::realtime::{Envelope, PartyAccept, PartyPromote, PartyRemove, error::Code};

use crate::api::{ApiError, run_rpc};
use crate::gateway::Gateway;
use crate::hooks::{Caller, caught};
use crate::tagus::Tagus;

/// A connection that asks.
pub(crate) struct Asker {
    gateway: Arc<Gateway>,
    requester: Requester,
}

/// What a request is answered.
#[derive(Default)]
pub(crate) struct Reply {
    /// What is told before the answer.
    before: Vec<Push>,
    /// None is the empty envelope.
    message: Option<Message>,
    /// Changes of presence that are announced after the answer.
    then: Vec<StreamEvent>,
    /// A new member of a party, who is welcomed after the answer.
    welcome: Option<(PartyId, SessionId)>,
    /// A new ticket, whose match may be told after the answer.
    ticket: Option<TicketId>,
}

impl From<Message> for Reply {
    fn from(message: Message) -> Self {
        Self {
            message: Some(message),
            ..Self::default()
        }
    }
}

/// Why a request failed: the protocol's error.
pub(crate) struct Failure {
    code: Code,
    message: String,
}

impl Failure {
    fn bad_input(message: impl Into<String>) -> Self {
        Self {
            code: Code::BadInput,
            message: message.into(),
        }
    }
}

impl From<PlayersError> for Failure {
    fn from(error: PlayersError) -> Self {
        ApiError::from(error).into()
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        let code = match error.code {
            crate::api::CODE_INTERNAL | crate::api::CODE_UNAVAILABLE => Code::RuntimeException,
            _ => Code::BadInput,
        };
        Self {
            code,
            message: error.message,
        }
    }
}

/// Runs the hooks and answers, or passes a room's message on.
pub(crate) async fn handle(gateway: Arc<Gateway>, requester: Requester, envelope: Envelope) {
    let Envelope { cid, message } = envelope;
    let shards = gateway.shards.clone();
    let conn = requester.conn;
    let Some(message) = message else {
        let error = error_envelope(cid, Code::MissingPayload, "Missing message.");
        return shards.refuse(conn, error);
    };
    let caller = Caller::of_connection(requester.session_id, &requester.identity);
    let tagus = Tagus::of(&gateway);
    let message = match before(&tagus, &caller, message).await {
        Ok(Some(message)) => message,
        Ok(None) => {
            let text = "Requested resource is not available.";
            return shards.refuse(conn, error_envelope(cid, Code::UnrecognizedPayload, text));
        }
        Err(error) => {
            let code = Code::RuntimeFunctionException;
            return shards.answer(conn, error_envelope(cid, code, &error.message));
        }
    };
    let kind = MessageKind::of(&message);
    let asked = has_after(&gateway, kind).then(|| message.clone());
    let live = gateway.live.clone();
    let asker = Asker {
        gateway: gateway.clone(),
        requester,
    };
    let answered = caught(asker.answer(&caller, message)).await;
    let answered = answered.unwrap_or_else(|panicked| {
        // Without an answer the connection would wait for ever.
        Answered::Reply(Err(ApiError::from(panicked).into()))
    });
    let run_after = async move |answer: Option<Message>| {
        if let Some(asked) = asked {
            after(tagus, &caller, asked, answer).await;
        }
    };
    match answered {
        Answered::Room(message) => {
            let message = Some(message);
            shards.resume(conn, Envelope { cid, message });
            run_after(None).await;
        }
        Answered::Reply(Ok(Reply {
            before,
            message,
            then,
            welcome,
            ticket,
        })) => {
            // Before the answer, so that the connection's next request finds the hook's work done.
            run_after(message.clone()).await;
            live.deliver(before);
            shards.answer(conn, Envelope { cid, message });
            for event in &then {
                live.announce(event);
            }
            if let Some((party, session_id)) = welcome {
                gateway.parties.welcome(&party, session_id);
            }
            if let Some(ticket) = ticket {
                gateway.matchmaker.answered(ticket);
            }
        }
        Answered::Reply(Err(failure)) => {
            shards.answer(conn, error_envelope(cid, failure.code, &failure.message));
        }
    }
}

/// Server code, then a service, may change or refuse a message; none means that it is not available.
async fn before(
    tagus: &Tagus,
    caller: &Caller,
    mut message: Message,
) -> Result<Option<Message>, ApiError> {
    let gateway = &tagus.gateway;
    if let Some(hook) = gateway.hooks.before_message(MessageKind::of(&message)) {
        let hooked = caught(hook(tagus.clone(), caller.clone(), message)).await?;
        match hooked? {
            Some(changed) => message = changed,
            None => return Ok(None),
        }
    }
    gateway.remotes.before_message(caller, message).await
}

fn has_after(gateway: &Gateway, kind: MessageKind) -> bool {
    gateway.hooks.after_message(kind).is_some() || gateway.remotes.has_after(kind.name())
}

async fn after(tagus: Tagus, caller: &Caller, asked: Message, answer: Option<Message>) {
    let gateway = tagus.gateway.clone();
    let kind = MessageKind::of(&asked);
    if let Some(hook) = gateway.hooks.after_message(kind) {
        let hooked = hook(tagus, caller.clone(), asked.clone(), answer.clone());
        if caught(hooked).await.is_err() {
            tracing::error!(message = kind.name(), "a hook after a message panicked");
        }
    }
    gateway.remotes.after_message(caller, asked, answer).await;
}

enum Answered {
    /// The message is for the connection's shard, which answers it.
    Room(Message),
    Reply(Result<Reply, Failure>),
}

impl Asker {
    async fn answer(&self, caller: &Caller, message: Message) -> Answered {
        Answered::Reply(match message {
            Message::Rpc(call) => self.rpc(caller.clone(), call).await,
            Message::ChannelJoin(message) => chat::join(self, message).await,
            Message::ChannelLeave(message) => chat::leave(self, &message),
            Message::ChannelMessageSend(message) => chat::send(self, message).await,
            Message::ChannelMessageUpdate(message) => chat::update(self, message).await,
            Message::ChannelMessageRemove(message) => chat::remove(self, message).await,
            Message::MatchmakerAdd(message) => matchmaker::add(self, message).await,
            Message::MatchmakerRemove(message) => matchmaker::remove(self, &message.ticket),
            Message::PartyMatchmakerAdd(message) => matchmaker::add_party(self, message).await,
            Message::PartyMatchmakerRemove(message) => matchmaker::remove_party(self, &message),
            Message::PartyCreate(message) => parties::create(self, message),
            Message::PartyJoin(message) => parties::join(self, &message.party_id),
            Message::PartyLeave(message) => parties::leave(self, &message.party_id),
            Message::PartyPromote(PartyPromote { party_id, presence }) => {
                parties::promote(self, &party_id, presence)
            }
            Message::PartyAccept(PartyAccept { party_id, presence }) => {
                parties::accept(self, &party_id, presence)
            }
            Message::PartyRemove(PartyRemove { party_id, presence }) => {
                parties::remove(self, &party_id, presence)
            }
            Message::PartyClose(message) => parties::close(self, &message.party_id),
            Message::PartyUpdate(message) => parties::update(self, message),
            Message::PartyJoinRequestList(message) => parties::requests(self, &message.party_id),
            Message::PartyDataSend(message) => parties::send(self, message),
            Message::StatusFollow(message) => status::follow(self, message).await,
            Message::StatusUnfollow(message) => status::unfollow(self, &message),
            Message::StatusUpdate(message) => status::update(self, message),
            message @ (Message::MatchCreate(_)
            | Message::MatchJoin(_)
            | Message::MatchLeave(_)
            | Message::MatchDataSend(_)
            | Message::RoomData(_)
            | Message::Ping(_)
            | Message::Pong(_)) => return Answered::Room(message),
            other => {
                let name = MessageKind::of(&other).name();
                Err(Failure {
                    code: Code::UnrecognizedPayload,
                    message: format!("{name} is not available on this server"),
                })
            }
        })
    }

    async fn rpc(&self, caller: Caller, call: Rpc) -> Result<Reply, Failure> {
        let id = call.id.to_lowercase();
        let gateway = &self.gateway;
        let known = gateway.hooks.rpc(&id).is_some() || gateway.remotes.has_rpc(&id);
        let answer = run_rpc(&self.gateway, caller, &id, call.payload, Vec::new()).await;
        let payload = answer.map_err(|error| Failure {
            code: if known {
                Code::RuntimeFunctionException
            } else {
                Code::RuntimeFunctionNotFound
            },
            message: error.message,
        })?;
        let http_key = String::new();
        Ok(Reply::from(Message::Rpc(Rpc {
            id,
            payload,
            http_key,
        })))
    }
}
