//! Chat: joining and leaving channels, and what is said there.

use tagus_base::UserId;
use tagus_players::{
    Asker as Author, ChannelKind, ChannelMessage, ChannelMessageChange, NewChannelMessage,
    Presence, Push, StreamId, channel_of, read_channel_id,
};
use tagus_wire::realtime::envelope::Message;
use tagus_wire::realtime::{
    Channel, ChannelJoin, ChannelLeave, ChannelMessageAck, ChannelMessageRemove,
    ChannelMessageSend, ChannelMessageUpdate,
};

use super::{Asker, Failure, Reply};
use crate::gateway::unix_now;
use crate::live::{Appearance, ChannelNames, presence_out};

/// Joins a room, a direct channel or a group's; the answer names those who are seen there.
pub(super) async fn join(asker: &Asker, message: ChannelJoin) -> Result<Reply, Failure> {
    let (live, chat) = (&asker.gateway.live, &asker.gateway.chat);
    let session_id = asker.requester.session_id;
    let author = author(asker);
    let kind = ChannelKind::from_number(message.r#type);
    let kind = kind.ok_or_else(|| Failure::bad_input("Unrecognized channel type"))?;
    let channel = channel_of(kind, Some(author.user_id), &message.target)?;
    chat.check_join(author.user_id, &channel).await?;
    let appearance = Appearance {
        persistence: message.persistence.unwrap_or(true),
        hidden: message.hidden.unwrap_or(false),
        status: None,
    };
    let joined = live.join(&channel, session_id, appearance);
    let joined = joined.map_err(|error| Failure::bad_input(error.to_string()))?;
    // Who was taken out of the channel after the first look, and before there was anything to take, is found by this one.
    if let Err(refused) = chat.check_join(author.user_id, &channel).await {
        let left = live.leave(&channel, session_id).filter(|_| !joined.newly);
        left.iter().for_each(|event| live.announce(event));
        return Err(refused.into());
    }
    let mut before = Vec::new();
    if joined.newly && kind == ChannelKind::Direct && is_alone(asker, &channel) {
        let invited = chat.invite(unix_now(), author, &channel, &mut before);
        if let Err(error) = invited.await {
            tracing::warn!(%error, "tell a user of a direct chat");
        }
    }
    Ok(Reply {
        before,
        message: Some(Message::Channel(answer(asker, &channel, joined.newly))),
        then: joined.event.into_iter().collect(),
        ..Reply::default()
    })
}

/// Leaves a channel; it need not have been joined.
pub(super) fn leave(asker: &Asker, message: &ChannelLeave) -> Result<Reply, Failure> {
    let channel = read_channel_id(&message.channel_id)?;
    let left = asker
        .gateway
        .live
        .leave(&channel, asker.requester.session_id);
    Ok(Reply {
        then: left.into_iter().collect(),
        ..Reply::default()
    })
}

/// Says something; it is kept if the connection joined so.
pub(super) async fn send(asker: &Asker, message: ChannelMessageSend) -> Result<Reply, Failure> {
    let (channel, own) = joined(asker, &message.channel_id)?;
    let (chat, mut before) = (&asker.gateway.chat, Vec::new());
    let new = NewChannelMessage {
        author: Some(author(asker)),
        content: message.content,
        persistent: own.persistence,
    };
    let sent = chat.send(unix_now(), &channel, new, &mut before);
    Ok(acknowledged(sent.await?, before))
}

/// Changes what the caller wrote.
pub(super) async fn update(asker: &Asker, message: ChannelMessageUpdate) -> Result<Reply, Failure> {
    let (channel, own) = joined(asker, &message.channel_id)?;
    let own = own_message(&channel, &message.message_id, own.user_id)?;
    let (chat, mut before) = (&asker.gateway.chat, Vec::new());
    let updated = chat.update(unix_now(), own, message.content, &mut before);
    Ok(acknowledged(updated.await?, before))
}

/// Removes what the caller wrote.
pub(super) async fn remove(asker: &Asker, message: ChannelMessageRemove) -> Result<Reply, Failure> {
    let (channel, own) = joined(asker, &message.channel_id)?;
    let own = own_message(&channel, &message.message_id, own.user_id)?;
    let (chat, mut before) = (&asker.gateway.chat, Vec::new());
    let removed = chat.remove(unix_now(), own, &mut before);
    Ok(acknowledged(removed.await?, before))
}

fn author(asker: &Asker) -> Author<'_> {
    let identity = &asker.requester.identity;
    Author {
        user_id: identity.user_id,
        username: &identity.username,
    }
}

/// The channel that a request is about, and the caller's presence there.
fn joined(asker: &Asker, channel_id: &str) -> Result<(StreamId, Presence), Failure> {
    let channel = read_channel_id(channel_id)?;
    let streams = asker.gateway.live.streams().lock();
    let own = streams.presence(&channel, asker.requester.session_id);
    let own = own.cloned().ok_or_else(|| {
        Failure::bad_input("Must join channel before sending, updating or removing messages")
    })?;
    drop(streams);
    Ok((channel, own))
}

/// Whether the caller's is the first connection in the channel: the other was not told before.
fn is_alone(asker: &Asker, channel: &StreamId) -> bool {
    let session_id = asker.requester.session_id;
    let streams = asker.gateway.live.streams().lock();
    let mut there = streams.receivers(channel);
    there.all(|one| one.session_id == session_id)
}

/// Who joins newly is not among those who are there.
fn answer(asker: &Asker, channel: &StreamId, newly: bool) -> Channel {
    let session_id = asker.requester.session_id;
    let names = ChannelNames::of(channel);
    let streams = asker.gateway.live.streams().lock();
    let there = streams.members(channel);
    let there = there.filter(|one| !(newly && one.session_id == session_id));
    Channel {
        id: channel.to_string(),
        presences: there.map(presence_out).collect(),
        self_: streams.presence(channel, session_id).map(presence_out),
        room_name: names.room_name,
        group_id: names.group_id,
        user_id_one: names.user_id_one,
        user_id_two: names.user_id_two,
    }
}

/// Members, the caller among them, hear the message before the caller gets this answer.
fn acknowledged(message: ChannelMessage, before: Vec<Push>) -> Reply {
    let names = ChannelNames::of(&message.channel);
    let ack = ChannelMessageAck {
        channel_id: message.channel.to_string(),
        message_id: message.id.to_string(),
        code: Some(message.code),
        username: message.username,
        create_time: Some(message.create_time.into()),
        update_time: Some(message.update_time.into()),
        persistent: Some(message.persistent),
        room_name: names.room_name,
        group_id: names.group_id,
        user_id_one: names.user_id_one,
        user_id_two: names.user_id_two,
    };
    Reply {
        before,
        ..Reply::from(Message::ChannelMessageAck(ack))
    }
}

fn own_message<'a>(
    channel: &'a StreamId,
    id: &str,
    user_id: UserId,
) -> Result<ChannelMessageChange<'a>, Failure> {
    let id = id.parse();
    Ok(ChannelMessageChange {
        channel,
        id: id.map_err(|_| Failure::bad_input("Invalid message identifier"))?,
        by: Some(user_id),
    })
}
