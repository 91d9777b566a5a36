//! Chat, for server code, which may write everywhere and change every message.

use tagus_base::{UserId, Uuid};
use tagus_players::{
    Asker, ChannelKind, ChannelMessage, ChannelMessageChange, ChannelPage, NewChannelMessage,
    StreamId, channel_of,
};

use super::Tagus;
use crate::api::ApiError;
use crate::gateway::unix_now;

impl Tagus {
    /// The channel that a target names: a room's name, a group's id, or the id of the user with whom `own` chats.
    /// Whether they exist is not looked at. Its text form is the id that clients know.
    ///
    /// # Errors
    /// INVALID_ARGUMENT for a target that names none.
    pub fn channel_id_build(
        &self,
        own: Option<UserId>,
        target: &str,
        kind: ChannelKind,
    ) -> Result<StreamId, ApiError> {
        Ok(channel_of(kind, own, target)?)
    }

    /// Says something in a channel; without a sender it is the server that does. `content` is a JSON object as text.
    ///
    /// # Errors
    /// INVALID_ARGUMENT for content that is out of its range, or a stream that is no channel.
    pub async fn channel_message_send(
        &self,
        channel: &StreamId,
        sender: Option<Asker<'_>>,
        content: impl Into<String>,
        persistent: bool,
    ) -> Result<ChannelMessage, ApiError> {
        let new = NewChannelMessage {
            author: sender,
            content: content.into(),
            persistent,
        };
        let (chat, mut pushes) = (&self.gateway.chat, Vec::new());
        let sent = chat.send(unix_now(), channel, new, &mut pushes);
        let message = sent.await?;
        self.gateway.live.deliver(pushes);
        Ok(message)
    }

    /// Gives a kept message another content, whoever wrote it.
    ///
    /// # Errors
    /// INVALID_ARGUMENT for content that is out of its range, NOT_FOUND where there is no such message in the channel.
    pub async fn channel_message_update(
        &self,
        channel: &StreamId,
        id: Uuid,
        content: impl Into<String>,
    ) -> Result<ChannelMessage, ApiError> {
        let (chat, mut pushes) = (&self.gateway.chat, Vec::new());
        let by = None;
        let which = ChannelMessageChange { channel, id, by };
        let updated = chat.update(unix_now(), which, content.into(), &mut pushes);
        let message = updated.await?;
        self.gateway.live.deliver(pushes);
        Ok(message)
    }

    /// Removes a kept message, whoever wrote it.
    ///
    /// # Errors
    /// NOT_FOUND where there is no such message in the channel.
    pub async fn channel_message_remove(
        &self,
        channel: &StreamId,
        id: Uuid,
    ) -> Result<ChannelMessage, ApiError> {
        let (chat, mut pushes) = (&self.gateway.chat, Vec::new());
        let by = None;
        let which = ChannelMessageChange { channel, id, by };
        let removed = chat.remove(unix_now(), which, &mut pushes);
        let message = removed.await?;
        self.gateway.live.deliver(pushes);
        Ok(message)
    }

    /// A page of a channel's history, the oldest first or the newest first.
    ///
    /// # Errors
    /// A limit that is not in 1..=100, a cursor that is none of this channel and order.
    pub async fn channel_messages(
        &self,
        channel: &StreamId,
        limit: i32,
        forward: bool,
        cursor: &str,
    ) -> Result<ChannelPage, ApiError> {
        let chat = &self.gateway.chat;
        Ok(chat.list(channel, limit, forward, cursor).await?)
    }

    /// What a user wrote in any channel, and the cursor of the next page, which is empty on the last one.
    /// Messages outlive their writer's account: this finds them, and [`Tagus::channel_message_remove`] removes them.
    ///
    /// # Errors
    /// A limit that is not in 1..=100, a cursor that is none.
    pub async fn channel_messages_of(
        &self,
        user_id: UserId,
        limit: i32,
        cursor: &str,
    ) -> Result<(Vec<ChannelMessage>, String), ApiError> {
        let chat = &self.gateway.chat;
        Ok(chat.export(user_id, limit, cursor).await?)
    }
}
