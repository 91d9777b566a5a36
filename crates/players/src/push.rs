//! What must reach connections once a change is durable.

use tagus_base::{UnixMillis, UserId, Uuid};

use crate::{StreamEvent, StreamId};

/// Something for connections to hear. Whoever made the change hands these on, in their order, after the store acknowledged it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Push {
    /// To all connections of its receiver.
    Notification(Notification),
    /// To the members of its channel.
    ChannelMessage(ChannelMessage),
    /// To the members of its stream.
    Event(StreamEvent),
    /// Takes all connections of a user out of a stream; the others are told.
    Kick {
        /// The stream.
        stream: StreamId,
        /// Whose connections.
        user_id: UserId,
    },
    /// Takes everybody out of a stream; each is told.
    Close {
        /// The stream.
        stream: StreamId,
    },
}

/// Something a user is told of, in the game or later.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Notification {
    /// Its id.
    pub id: Uuid,
    /// Who is told.
    pub user_id: UserId,
    /// A title.
    pub subject: String,
    /// A JSON object as text.
    pub content: String,
    /// What kind; negative ones are the server's own.
    pub code: i32,
    /// Who caused it; none: the server.
    pub sender_id: Option<UserId>,
    /// When.
    pub create_time: UnixMillis,
    /// Kept until it is deleted; otherwise only those hear it who are connected.
    pub persistent: bool,
}

/// A message in a channel.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ChannelMessage {
    /// The channel: a stream of mode `CHANNEL`, `GROUP` or `DIRECT`.
    pub channel: StreamId,
    /// Its id.
    pub id: Uuid,
    /// 0 text, 1 update, 2 removal, 3 to 9 what happened in a group.
    pub code: i32,
    /// Who wrote it.
    pub sender_id: UserId,
    /// The writer's user name at that time.
    pub username: String,
    /// A JSON object as text.
    pub content: String,
    /// When it was written.
    pub create_time: UnixMillis,
    /// When it was last changed.
    pub update_time: UnixMillis,
    /// Kept in the channel's history.
    pub persistent: bool,
}
