//! The history of channels.
//!
//! What is kept has a number in its channel, in the order in which it became visible; a place in the history is such a
//! number, so that reading on neither misses nor repeats anything while others write.

use tagus_base::UserId;
use tagus_store::ChannelMessageRow;

use super::{Chat, read_row};
use crate::cursor::{Cursor, MALFORMED, checked_limit};
use crate::{ChannelMessage, PlayersError, StreamId};

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

impl Chat {
    /// A page of a channel's history, the oldest first or the newest first.
    ///
    /// # Errors
    /// A limit that is not in 1..=100; a cursor that is none of this channel and order.
    pub async fn list(
        &self,
        channel: &StreamId,
        limit: i32,
        forward: bool,
        cursor: &str,
    ) -> Result<ChannelPage, PlayersError> {
        let limit = checked_limit(limit, LIST_MAX)?;
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
        // Beyond the page lies what was found to be more; on the other side the page that the cursor is from.
        let has_next = more || !from.onward;
        let has_prev = if from.onward {
            !cursor.is_empty()
        } else {
            more
        };
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
    /// A limit that is not in 1..=100; a cursor that is none.
    pub async fn export(
        &self,
        user_id: UserId,
        limit: i32,
        cursor: &str,
    ) -> Result<(Vec<ChannelMessage>, String), PlayersError> {
        let limit = checked_limit(limit, LIST_MAX)?;
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
        same.then_some(place).ok_or(MALFORMED)
    }
}

/// Messages on one page, at most.
pub const LIST_MAX: i32 = 100;
const KIND_HISTORY: u8 = 16;
const KIND_EXPORT: u8 = 17;
