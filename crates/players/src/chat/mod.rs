//! Chat: who may speak where, and what is said.

mod history;

pub use history::{ChannelPage, LIST_MAX};

use std::fmt;

use tagus_base::{UnixMillis, UserId, Uuid};
use tagus_store::{
    Batch, ChannelMessageRow, ChannelOp, Conflict, FriendRow, Op, Store, StoreError,
};

use crate::channel::{INVALID_ID, is_channel};
use crate::groups::role_in;
use crate::notifications::is_json_object;
use crate::{
    Asker, ChannelMessage, FriendState, GroupRole, NewNotification, Notifications, PlayersError,
    Push, Random, StreamId, StreamMode, notification_code, random_uuid,
};

/// Codes of the messages in channels.
pub mod channel_message_code {
    /// What somebody wrote.
    pub const TEXT: i32 = 0;
    /// Another message has a new content.
    pub const UPDATE: i32 = 1;
    /// Another message was removed.
    pub const REMOVE: i32 = 2;
    /// Somebody joined the group.
    pub const GROUP_JOIN: i32 = 3;
    /// Somebody was added to the group.
    pub const GROUP_ADD: i32 = 4;
    /// Somebody left the group.
    pub const GROUP_LEAVE: i32 = 5;
    /// Somebody was removed from the group.
    pub const GROUP_KICK: i32 = 6;
    /// Somebody was promoted.
    pub const GROUP_PROMOTE: i32 = 7;
    /// Somebody was banned.
    pub const GROUP_BAN: i32 = 8;
    /// Somebody was demoted.
    pub const GROUP_DEMOTE: i32 = 9;
}

/// Something to be said.
#[derive(Clone, Debug)]
pub struct NewChannelMessage<'a> {
    /// Who says it; none is the server.
    pub author: Option<Asker<'a>>,
    /// A JSON object as text, at most 16,384 bytes.
    pub content: String,
    /// Kept in the channel's history; otherwise only those hear it who are there.
    pub persistent: bool,
}

/// Which kept message is to be changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ChannelMessageChange<'a> {
    /// Its channel.
    pub channel: &'a StreamId,
    /// Its id.
    pub id: Uuid,
    /// Who changes it, which must be its author; none is server code, which may change every message.
    pub by: Option<UserId>,
}

/// The chat and its rules.
#[derive(Clone)]
pub struct Chat {
    store: Store,
    random: Random,
    notifications: Notifications,
}

impl Chat {
    /// Chat whose history lies in the store.
    #[must_use]
    pub const fn new(store: Store, random: Random, notifications: Notifications) -> Self {
        Self {
            store,
            random,
            notifications,
        }
    }

    /// Whether a user may join a channel: a room always, a direct channel as one of the two while neither has blocked the
    /// other, a group's as its member.
    ///
    /// # Errors
    /// They may not, or the other account does not exist.
    pub async fn check_join(
        &self,
        user_id: UserId,
        channel: &StreamId,
    ) -> Result<(), PlayersError> {
        self.check_read(user_id, channel).await?;
        let Some(other) = other_of(channel, user_id) else {
            return Ok(());
        };
        let account = self.store.account_by_id(other).await.map_err(READ)?;
        let edges = self.store.friend_edges(user_id, other).await;
        let [mine, theirs] = edges.map_err(READ)?;
        let blocks = |edge: Option<FriendRow>| {
            edge.is_some_and(|edge| edge.state == i64::from(FriendState::Blocked.number()))
        };
        // None is told that they were blocked.
        if account.is_none() || blocks(theirs) {
            return Err(PlayersError::NotFound("User not found."));
        }
        if blocks(mine) {
            return Err(PlayersError::FailedPrecondition(
                "A blocked user cannot be chatted with.",
            ));
        }
        Ok(())
    }

    /// Whether a user may read a channel's history: a room's always, a direct channel's as one of the two, a group's as its
    /// member.
    ///
    /// # Errors
    /// They may not.
    pub async fn check_read(
        &self,
        user_id: UserId,
        channel: &StreamId,
    ) -> Result<(), PlayersError> {
        match channel.mode {
            StreamMode::CHANNEL => Ok(()),
            StreamMode::GROUP => {
                let role = role_in(&self.store, channel.subject, user_id).await?;
                let is_member = role.is_some_and(GroupRole::is_member);
                is_member
                    .then_some(())
                    .ok_or(PlayersError::InvalidArgument("Group not found."))
            }
            _ => other_of(channel, user_id).map(drop).ok_or(INVALID_ID),
        }
    }

    /// Tells the other one of a direct channel that somebody wants to chat.
    ///
    /// # Errors
    /// The other account does not exist, or the database failed.
    pub async fn invite(
        &self,
        now: UnixMillis,
        asker: Asker<'_>,
        channel: &StreamId,
        out: &mut Vec<Push>,
    ) -> Result<(), PlayersError> {
        let told = NewNotification {
            user_id: other_of(channel, asker.user_id).ok_or(INVALID_ID)?,
            subject: format!("{} wants to chat", asker.username),
            content: serde_json::json!({ "username": asker.username }).to_string(),
            code: notification_code::DIRECT_CHAT,
            sender_id: Some(asker.user_id),
            persistent: true,
        };
        self.notifications.send(now, vec![told], out).await
    }

    /// Says something in a channel.
    ///
    /// # Errors
    /// Content that is no JSON object, or longer than 16,384 bytes.
    pub async fn send(
        &self,
        now: UnixMillis,
        channel: &StreamId,
        new: NewChannelMessage<'_>,
        out: &mut Vec<Push>,
    ) -> Result<ChannelMessage, PlayersError> {
        if !is_channel(channel) {
            return Err(INVALID_ID);
        }
        check_content(&new.content)?;
        let author = new.author;
        let message = ChannelMessage {
            channel: channel.clone(),
            id: random_uuid(&self.random),
            code: channel_message_code::TEXT,
            sender_id: author.map_or(UserId(Uuid::NIL), |author| author.user_id),
            username: author.map_or("", |author| author.username).to_owned(),
            content: new.content,
            create_time: now,
            update_time: now,
            persistent: new.persistent,
        };
        if message.persistent {
            let insert = ChannelOp::Insert(Box::new(message.clone().into()));
            let kept = self.store.commit(Batch::from(insert)).await;
            kept.map_err(PlayersError::store("keep a channel message"))?;
        }
        out.push(Push::ChannelMessage(message.clone()));
        Ok(message)
    }

    /// A message of the server about somebody, kept, as part of a larger change: `ops` join its batch, and `out` is told
    /// after it. The code is one of [`channel_message_code`].
    #[expect(clippy::too_many_arguments, reason = "the parts of a message")]
    pub fn prepare_system(
        &self,
        channel: &StreamId,
        code: i32,
        sender: UserId,
        username: &str,
        content: String,
        now: UnixMillis,
        ops: &mut Vec<Op>,
        out: &mut Vec<Push>,
    ) {
        let message = ChannelMessage {
            channel: channel.clone(),
            id: random_uuid(&self.random),
            code,
            sender_id: sender,
            username: username.to_owned(),
            content,
            create_time: now,
            update_time: now,
            persistent: true,
        };
        ops.push(ChannelOp::Insert(Box::new(message.clone().into())).into());
        out.push(Push::ChannelMessage(message));
    }

    /// Gives a kept message another content.
    ///
    /// # Errors
    /// As [`Chat::send`]; there is no such message in the channel, or it is not theirs.
    pub async fn update(
        &self,
        now: UnixMillis,
        of: ChannelMessageChange<'_>,
        content: String,
        out: &mut Vec<Push>,
    ) -> Result<ChannelMessage, PlayersError> {
        check_content(&content)?;
        let not_found = NOT_FOUND_TO_UPDATE;
        let mut message = self.changeable(of, not_found).await?;
        let update = ChannelOp::Update {
            channel: of.channel.to_string(),
            id: of.id,
            content: content.clone(),
            update_time: now,
        };
        self.change(update, not_found).await?;
        message.code = channel_message_code::UPDATE;
        message.content = content;
        message.update_time = now;
        out.push(Push::ChannelMessage(message.clone()));
        Ok(message)
    }

    /// Removes a kept message.
    ///
    /// # Errors
    /// There is no such message in the channel, or it is not theirs.
    pub async fn remove(
        &self,
        now: UnixMillis,
        of: ChannelMessageChange<'_>,
        out: &mut Vec<Push>,
    ) -> Result<ChannelMessage, PlayersError> {
        let not_found = NOT_FOUND_TO_REMOVE;
        let mut message = self.changeable(of, not_found).await?;
        let remove = ChannelOp::Remove {
            channel: of.channel.to_string(),
            id: of.id,
        };
        self.change(remove, not_found).await?;
        message.code = channel_message_code::REMOVE;
        "{}".clone_into(&mut message.content);
        message.update_time = now;
        out.push(Push::ChannelMessage(message.clone()));
        Ok(message)
    }

    /// A kept message that may be changed.
    async fn changeable(
        &self,
        of: ChannelMessageChange<'_>,
        not_found: &'static str,
    ) -> Result<ChannelMessage, PlayersError> {
        let channel = of.channel.to_string();
        let row = self.store.channel_message(&channel, of.id).await;
        let row = row.map_err(PlayersError::store("read a channel message"))?;
        // What the server says about somebody is not theirs.
        let is_theirs = |row: &ChannelMessageRow| {
            of.by.is_none_or(|by| {
                by == row.sender_id && row.code == i64::from(channel_message_code::TEXT)
            })
        };
        let row = row.filter(is_theirs);
        let row = row.ok_or(PlayersError::NotFound(not_found))?;
        Ok(read_row(of.channel.clone(), row))
    }

    async fn change(&self, op: ChannelOp, not_found: &'static str) -> Result<(), PlayersError> {
        let changed = self.store.commit(Batch::from(op)).await;
        changed.map(drop).map_err(|source| match source.conflict() {
            Some(Conflict::Missing) => PlayersError::NotFound(not_found),
            _ => PlayersError::Store {
                attempt: "change a channel message",
                source,
            },
        })
    }
}

impl fmt::Debug for Chat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chat").finish_non_exhaustive()
    }
}

fn check_content(content: &str) -> Result<(), PlayersError> {
    if content.len() > CONTENT_BYTES_MAX {
        return Err(PlayersError::InvalidArgument(
            "Invalid message content, must be at most 16384 bytes.",
        ));
    }
    if !is_json_object(content) {
        return Err(PlayersError::InvalidArgument(
            "Invalid message content, must be a valid JSON object.",
        ));
    }
    Ok(())
}

/// The other one of a direct channel.
fn other_of(channel: &StreamId, user_id: UserId) -> Option<UserId> {
    let pair = [UserId(channel.subject), UserId(channel.subcontext)];
    let other = match pair {
        [one, other] | [other, one] if one == user_id => other,
        _ => return None,
    };
    (channel.mode == StreamMode::DIRECT).then_some(other)
}

impl From<ChannelMessage> for ChannelMessageRow {
    fn from(message: ChannelMessage) -> Self {
        Self {
            channel: message.channel.to_string(),
            id: message.id,
            code: message.code.into(),
            sender_id: message.sender_id,
            username: message.username,
            content: message.content,
            create_time: message.create_time,
            update_time: message.update_time,
        }
    }
}

fn read_row(channel: StreamId, row: ChannelMessageRow) -> ChannelMessage {
    ChannelMessage {
        channel,
        id: row.id,
        code: i32::try_from(row.code).unwrap_or_default(),
        sender_id: row.sender_id,
        username: row.username,
        content: row.content,
        create_time: row.create_time,
        update_time: row.update_time,
        persistent: true,
    }
}

const READ: fn(StoreError) -> PlayersError = |source| PlayersError::Store {
    attempt: "read who may chat",
    source,
};

const NOT_FOUND_TO_UPDATE: &str = "Could not find message to update in channel history.";
const NOT_FOUND_TO_REMOVE: &str = "Could not find message to remove in channel history.";

/// Bytes of a message's content, at most.
const CONTENT_BYTES_MAX: usize = 16_384;
