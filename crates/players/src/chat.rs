//! Chat: what is said in channels, and their history.
//!
//! What is kept has a number in its channel, in the order in which it became visible; a place in the history is such a
//! number, so that reading on neither misses nor repeats anything while others write.

use std::fmt;

use tagus_base::{UnixMillis, UserId, Uuid};
use tagus_store::{Batch, ChannelMessageRow, ChannelOp, Conflict, Op, Store};

use crate::channel::INVALID_ID;
use crate::cursor::Cursor;
use crate::notifications::is_json_object;
use crate::{
    Asker, ChannelMessage, FriendState, NewNotification, Notifications, PlayersError, Push, Random,
    StreamId, StreamMode, notification_code, random_uuid,
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

/// A page of a channel's history.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ChannelPage {
    /// In the order that was asked for.
    pub messages: Vec<ChannelMessage>,
    /// The place of the page after this one, in the same order; empty on the last one.
    pub next_cursor: String,
    /// The place of the page before this one, in the same order; empty on the first one.
    pub prev_cursor: String,
    /// The place behind the newest message of this page, for asking later, forward, what came since.
    pub cacheable_cursor: String,
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

    /// Says something in a channel, which is kept if it shall be. A nil author without a name is the server.
    ///
    /// # Errors
    /// Content that is no JSON object, or longer than [`CONTENT_BYTES_MAX`].
    pub async fn send(
        &self,
        now: UnixMillis,
        channel: &StreamId,
        author: Asker<'_>,
        content: String,
        persistent: bool,
        out: &mut Vec<Push>,
    ) -> Result<ChannelMessage, PlayersError> {
        check_content(&content)?;
        let message = ChannelMessage {
            channel: channel.clone(),
            id: random_uuid(&self.random),
            code: channel_message_code::TEXT,
            sender_id: author.user_id,
            username: author.username.to_owned(),
            content,
            create_time: now,
            update_time: now,
            persistent,
        };
        if persistent {
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

    /// Gives a kept message another content. Who is named may do so with what they wrote themselves;
    /// nobody named is server code, which may with every message.
    ///
    /// # Errors
    /// As [`Chat::send`]; there is no such message in the channel, or it is not theirs.
    pub async fn update(
        &self,
        now: UnixMillis,
        channel: &StreamId,
        id: Uuid,
        by: Option<UserId>,
        content: String,
        out: &mut Vec<Push>,
    ) -> Result<ChannelMessage, PlayersError> {
        check_content(&content)?;
        let not_found = NOT_FOUND_TO_UPDATE;
        let mut message = self.changeable(channel, id, by, not_found).await?;
        let update = ChannelOp::Update {
            channel: channel.to_string(),
            id,
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

    /// Removes a kept message; who may is as with [`Chat::update`].
    ///
    /// # Errors
    /// There is no such message in the channel, or it is not theirs.
    pub async fn remove(
        &self,
        now: UnixMillis,
        channel: &StreamId,
        id: Uuid,
        by: Option<UserId>,
        out: &mut Vec<Push>,
    ) -> Result<ChannelMessage, PlayersError> {
        let not_found = NOT_FOUND_TO_REMOVE;
        let mut message = self.changeable(channel, id, by, not_found).await?;
        let channel = channel.to_string();
        self.change(ChannelOp::Remove { channel, id }, not_found)
            .await?;
        message.code = channel_message_code::REMOVE;
        "{}".clone_into(&mut message.content);
        message.update_time = now;
        out.push(Push::ChannelMessage(message.clone()));
        Ok(message)
    }

    /// A page of a channel's history, the oldest first or the newest first.
    ///
    /// # Errors
    /// A limit that is not in 1..=[`LIST_MAX`]; a cursor that is none of this channel and order.
    pub async fn list(
        &self,
        channel: &StreamId,
        limit: i32,
        forward: bool,
        cursor: &str,
    ) -> Result<ChannelPage, PlayersError> {
        let limit = checked_limit(limit)?;
        let id = channel.to_string();
        let from = if cursor.is_empty() {
            Place::start(forward)
        } else {
            Place::read(&id, forward, cursor)?
        };
        // Backwards from a place in a backward listing is ahead in the channel.
        let ascending = forward == from.onward;
        let (store, many) = (&self.store, limit + 1);
        let rows = if ascending {
            store.channel_messages_after(&id, from.number, many).await
        } else {
            store.channel_messages_before(&id, from.number, many).await
        };
        let mut rows = rows.map_err(PlayersError::store("list channel messages"))?;
        let more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        if !from.onward {
            rows.reverse();
        }
        let place = |row: Option<&(i64, ChannelMessageRow)>, onward: bool| {
            let number = row.map(|(number, _)| *number);
            let place = number.map(|number| Place { onward, number });
            place.map_or_else(String::new, |place| place.write(&id, forward))
        };
        let (first, last) = (rows.first(), rows.last());
        let comes_from_a_page = !cursor.is_empty();
        let has_next = if from.onward { more } else { true };
        let has_prev = if from.onward { comes_from_a_page } else { more };
        let newest = if forward { last } else { first };
        let newest = newest.map_or(from.number, |(number, _)| *number);
        let seen = Place {
            onward: true,
            // An empty channel, listed from its end.
            number: if newest == i64::MAX { 0 } else { newest },
        };
        Ok(ChannelPage {
            next_cursor: place(last.filter(|_| has_next), true),
            prev_cursor: place(first.filter(|_| has_prev), false),
            cacheable_cursor: seen.write(&id, true),
            messages: rows
                .into_iter()
                .map(|(_, row)| read_row(channel.clone(), row))
                .collect(),
        })
    }

    /// What a user wrote, by channel, from the cursor on; with the cursor of the next page, which is empty on the last one.
    ///
    /// # Errors
    /// A limit that is not in 1..=[`LIST_MAX`]; a cursor that is none.
    pub async fn export(
        &self,
        user_id: UserId,
        limit: i32,
        cursor: &str,
    ) -> Result<(Vec<ChannelMessage>, String), PlayersError> {
        let limit = checked_limit(limit)?;
        let (mut channel, mut number) = (String::new(), 0);
        if !cursor.is_empty() {
            let mut read = Cursor::read(KIND_EXPORT, cursor)?;
            (channel, number) = (read.text()?, read.int()?);
            read.end()?;
        }
        let written = self
            .store
            .channel_messages_of(user_id, (&channel, number), limit + 1);
        let mut rows = written
            .await
            .map_err(PlayersError::store("export channel messages"))?;
        let more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let next = rows.last().filter(|_| more).map(|(number, row)| {
            let cursor = Cursor::new(KIND_EXPORT).text(&row.channel).int(*number);
            cursor.write()
        });
        // Every channel was written as an id, so that none is left out here.
        let messages = rows.into_iter().filter_map(|(_, row)| {
            let channel = row.channel.parse().ok()?;
            Some(read_row(channel, row))
        });
        Ok((messages.collect(), next.unwrap_or_default()))
    }

    /// A kept message that may be changed.
    async fn changeable(
        &self,
        channel: &StreamId,
        id: Uuid,
        by: Option<UserId>,
        not_found: &'static str,
    ) -> Result<ChannelMessage, PlayersError> {
        let row = self.store.channel_message(&channel.to_string(), id).await;
        let row = row.map_err(PlayersError::store("read a channel message"))?;
        // What the server says about somebody is not theirs.
        let is_theirs = |row: &ChannelMessageRow| {
            by.is_none_or(|by| by == row.sender_id && row.code == channel_message_code::TEXT.into())
        };
        let row = row.filter(is_theirs);
        let row = row.ok_or(PlayersError::NotFound(not_found))?;
        Ok(read_row(channel.clone(), row))
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

/// A place in a listing: the messages beyond `number`, on in the listing's order or back.
#[derive(Clone, Copy, Debug)]
struct Place {
    onward: bool,
    number: i64,
}

impl Place {
    const fn start(forward: bool) -> Self {
        Self {
            onward: true,
            number: if forward { 0 } else { i64::MAX },
        }
    }

    fn write(self, channel: &str, forward: bool) -> String {
        let cursor = Cursor::new(KIND_HISTORY).text(channel).int(forward.into());
        cursor.int(self.onward.into()).int(self.number).write()
    }

    fn read(channel: &str, forward: bool, text: &str) -> Result<Self, PlayersError> {
        let mut read = Cursor::read(KIND_HISTORY, text)?;
        let same = read.text()? == channel && read.int()? == i64::from(forward);
        let place = Self {
            onward: read.int()? != 0,
            number: read.int()?,
        };
        read.end()?;
        same.then_some(place)
            .ok_or(PlayersError::InvalidArgument("Malformed cursor was used."))
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

fn checked_limit(limit: i32) -> Result<u32, PlayersError> {
    let in_range = (1..=LIST_MAX).contains(&limit);
    in_range
        .then_some(limit.unsigned_abs())
        .ok_or(PlayersError::InvalidArgument(
            "Invalid limit - limit must be between 1 and 100.",
        ))
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

const NOT_FOUND_TO_UPDATE: &str = "Could not find message to update in channel history.";
const NOT_FOUND_TO_REMOVE: &str = "Could not find message to remove in channel history.";

/// Messages on one page, at most.
pub const LIST_MAX: i32 = 100;
/// Bytes of a message's content, at most.
pub const CONTENT_BYTES_MAX: usize = 16_384;
const KIND_HISTORY: u8 = 16;
const KIND_EXPORT: u8 = 17;
