//! What was said in channels, and is kept.

use tagus_base::{UnixMillis, UserId, Uuid};

use crate::error::{Conflict, StoreError};
use crate::sql::{Query, Row, RowError, Step, params};
use crate::store::Store;

/// A message that is kept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ChannelMessageRow {
    /// In which channel: its id as text.
    pub channel: String,
    /// Its id.
    pub id: Uuid,
    /// What kind.
    pub code: i64,
    /// Who wrote it; their account need not exist any more. Nil: nobody.
    pub sender_id: UserId,
    /// The writer's name at that time.
    pub username: String,
    /// A JSON object as text.
    pub content: String,
    /// When it was written.
    pub create_time: UnixMillis,
    /// When it was last changed.
    pub update_time: UnixMillis,
}

/// What is written of channels.
///
/// A message takes the number after the channel's last. The channel's row is locked from then until the batch is decided,
/// so that numbers become visible in their order: who has read up to a number has not missed one before it.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ChannelOp {
    /// Adds a message at the end of its channel.
    Insert(Box<ChannelMessageRow>),
    /// Gives a message another content.
    /// Conflicts: `Missing`.
    Update {
        /// Which channel.
        channel: String,
        /// Which message.
        id: Uuid,
        /// A JSON object as text.
        content: String,
        /// When.
        update_time: UnixMillis,
    },
    /// Removes a message.
    /// Conflicts: `Missing`.
    Remove {
        /// Which channel.
        channel: String,
        /// Which message.
        id: Uuid,
    },
}

impl ChannelOp {
    pub(crate) fn into_steps(self, out: &mut Vec<Step>) {
        match self {
            Self::Insert(row) => insert(*row, out),
            Self::Update {
                channel,
                id,
                content,
                update_time,
            } => out.push(
                Step::write(
                    "UPDATE channel_message SET content = $1, update_time = $2
                     WHERE id = $3 AND channel = $4",
                    params![content, update_time, id, channel],
                )
                .or(Conflict::Missing),
            ),
            Self::Remove { channel, id } => out.push(
                Step::write(
                    "DELETE FROM channel_message WHERE id = $1 AND channel = $2",
                    params![id, channel],
                )
                .or(Conflict::Missing),
            ),
        }
    }
}

fn insert(row: ChannelMessageRow, out: &mut Vec<Step>) {
    out.push(Step::write(
        "INSERT INTO channel (id, last_number) VALUES ($1, 1)
         ON CONFLICT (id) DO UPDATE SET last_number = channel.last_number + 1",
        params![row.channel.as_str()],
    ));
    out.push(Step::write(
        "INSERT INTO channel_message
            (channel, number, id, code, sender_id, username, content, create_time, update_time)
         VALUES ($1, (SELECT last_number FROM channel WHERE channel.id = $1), $2, $3, $4, $5, $6, $7, $8)",
        params![
            row.channel,
            row.id,
            row.code,
            row.sender_id,
            row.username,
            row.content,
            row.create_time,
            row.update_time,
        ],
    ));
}

/// A read of messages with their numbers.
macro_rules! messages_where {
    ($condition:literal) => {
        concat!(
            "SELECT number, channel, id, code, sender_id, username, content, create_time, update_time ",
            "FROM channel_message WHERE ",
            $condition
        )
    };
}

impl Store {
    /// The message of this id in the channel.
    ///
    /// # Errors
    ///
    /// As [`Store::account_by_id`].
    pub async fn channel_message(
        &self,
        channel: &str,
        id: Uuid,
    ) -> Result<Option<ChannelMessageRow>, StoreError> {
        let sql = messages_where!("id = $1 AND channel = $2");
        let found = self.first(Query::new(sql, params![id, channel], decode));
        Ok(found.await?.map(|(_, row)| row))
    }

    /// Messages of a channel with their numbers, from the one after the given number on, at most `limit`.
    ///
    /// # Errors
    ///
    /// As [`Store::account_by_id`].
    pub async fn channel_messages_after(
        &self,
        channel: &str,
        number: i64,
        limit: u32,
    ) -> Result<Vec<(i64, ChannelMessageRow)>, StoreError> {
        let sql = messages_where!("channel = $1 AND number > $2 ORDER BY number LIMIT $3");
        let params = params![channel, number, i64::from(limit)];
        self.all(Query::new(sql, params, decode)).await
    }

    /// Messages of a channel with their numbers, from the one before the given number backwards, at most `limit`.
    ///
    /// # Errors
    ///
    /// As [`Store::account_by_id`].
    pub async fn channel_messages_before(
        &self,
        channel: &str,
        number: i64,
        limit: u32,
    ) -> Result<Vec<(i64, ChannelMessageRow)>, StoreError> {
        let sql = messages_where!("channel = $1 AND number < $2 ORDER BY number DESC LIMIT $3");
        let params = params![channel, number, i64::from(limit)];
        self.all(Query::new(sql, params, decode)).await
    }

    /// Messages that a user wrote, with their numbers, by channel and number, after the given place, at most `limit`.
    ///
    /// # Errors
    ///
    /// As [`Store::account_by_id`].
    pub async fn channel_messages_of(
        &self,
        sender: UserId,
        after: (&str, i64),
        limit: u32,
    ) -> Result<Vec<(i64, ChannelMessageRow)>, StoreError> {
        let sql = messages_where!(
            "sender_id = $1 AND (channel, number) > ($2, $3) ORDER BY channel, number LIMIT $4"
        );
        let params = params![sender, after.0, after.1, i64::from(limit)];
        self.all(Query::new(sql, params, decode)).await
    }
}

fn decode(row: &mut Row) -> Result<(i64, ChannelMessageRow), RowError> {
    let message = ChannelMessageRow {
        channel: row.text(1)?,
        id: row.uuid(2)?,
        code: row.int(3)?,
        sender_id: row.user(4)?,
        username: row.text(5)?,
        content: row.text(6)?,
        create_time: row.time(7)?,
        update_time: row.time(8)?,
    };
    Ok((row.int(0)?, message))
}
