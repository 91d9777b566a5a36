//! Channels: the streams that people chat in, and their names.

use tagus_base::{UserId, Uuid};

use crate::{PlayersError, StreamId, StreamMode};

/// What kind of channel it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ChannelKind {
    /// A room that anybody may join by its name.
    Room,
    /// Two users.
    Direct,
    /// The members of a group.
    Group,
}

impl ChannelKind {
    /// The kind with this number on the wire.
    #[must_use]
    pub const fn from_number(number: i32) -> Option<Self> {
        match number {
            1 => Some(Self::Room),
            2 => Some(Self::Direct),
            3 => Some(Self::Group),
            _ => None,
        }
    }
}

/// The channel that a target names: a room's name, a user's id or a group's id.
/// `own` is the one who would chat with the user.
///
/// # Errors
/// A name that is not 1 to [`ROOM_NAME_BYTES_MAX`] bytes without control characters; an id that is none;
/// a direct chat with oneself or of nobody.
pub fn channel_of(
    kind: ChannelKind,
    own: Option<UserId>,
    target: &str,
) -> Result<StreamId, PlayersError> {
    let channel = match kind {
        ChannelKind::Room if is_room_name(target) => StreamId {
            mode: StreamMode::CHANNEL,
            subject: Uuid::NIL,
            subcontext: Uuid::NIL,
            label: target.to_owned(),
        },
        ChannelKind::Room => {
            return Err(PlayersError::InvalidArgument(
                "Invalid channel target, a room name must be 1-64 bytes without control characters.",
            ));
        }
        ChannelKind::Direct => {
            let (Some(own), Ok(other)) = (own, target.parse::<UserId>()) else {
                return Err(PlayersError::InvalidArgument(
                    "Invalid channel target, must be a user ID.",
                ));
            };
            if own == other || other.0 == Uuid::NIL {
                return Err(PlayersError::InvalidArgument(
                    "Invalid channel target, must be another user's ID.",
                ));
            }
            direct_channel(own, other)
        }
        ChannelKind::Group => {
            let group = target.parse().ok().filter(|group| *group != Uuid::NIL);
            group_channel(group.ok_or(PlayersError::InvalidArgument(
                "Invalid channel target, must be a group ID.",
            ))?)
        }
    };
    Ok(channel)
}

/// The channel of two users, whoever of them is named first.
#[must_use]
pub fn direct_channel(one: UserId, other: UserId) -> StreamId {
    StreamId {
        mode: StreamMode::DIRECT,
        subject: one.min(other).0,
        subcontext: one.max(other).0,
        label: String::new(),
    }
}

/// The channel of a group.
#[must_use]
pub const fn group_channel(group: Uuid) -> StreamId {
    StreamId {
        mode: StreamMode::GROUP,
        subject: group,
        subcontext: Uuid::NIL,
        label: String::new(),
    }
}

/// Reads the id of a channel, as [`StreamId`]'s text form has it.
///
/// # Errors
/// It is none.
pub fn read_channel_id(text: &str) -> Result<StreamId, PlayersError> {
    let channel = text.parse().ok().filter(is_channel);
    channel.ok_or(INVALID_ID)
}

/// Whether a stream is one that [`channel_of`] makes.
pub(crate) fn is_channel(stream: &StreamId) -> bool {
    let StreamId {
        mode,
        subject,
        subcontext,
        label,
    } = stream;
    let (one, two) = (*subject != Uuid::NIL, *subcontext != Uuid::NIL);
    match *mode {
        StreamMode::CHANNEL => !one && !two && is_room_name(label),
        StreamMode::GROUP => one && !two && label.is_empty(),
        StreamMode::DIRECT => one && subject < subcontext && label.is_empty(),
        _ => false,
    }
}

fn is_room_name(name: &str) -> bool {
    (1..=ROOM_NAME_BYTES_MAX).contains(&name.len()) && !name.contains(char::is_control)
}

pub(crate) const INVALID_ID: PlayersError = PlayersError::InvalidArgument("Invalid channel ID.");

/// Bytes of a chat room's name, at most.
pub const ROOM_NAME_BYTES_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn user(number: u8) -> UserId {
        UserId(Uuid([number; 16]))
    }

    #[test]
    fn what_a_target_names_is_read_back() {
        let long = "x".repeat(ROOM_NAME_BYTES_MAX);
        for name in ["lobby", "a.b..c", "ä b", &long] {
            let room = channel_of(ChannelKind::Room, None, name).unwrap();
            assert_eq!(room.to_string(), format!("2...{name}"));
            assert_eq!(read_channel_id(&room.to_string()).unwrap(), room);
        }
        let (one, two) = (user(1), user(2));
        let direct = channel_of(ChannelKind::Direct, Some(two), &one.to_string()).unwrap();
        assert_eq!(direct, direct_channel(one, two));
        assert_eq!(direct.to_string(), format!("4.{one}.{two}."));
        assert_eq!(read_channel_id(&direct.to_string()).unwrap(), direct);
        let group = channel_of(ChannelKind::Group, Some(two), &one.to_string()).unwrap();
        assert_eq!(group.to_string(), format!("3.{one}.."));
        assert_eq!(read_channel_id(&group.to_string()).unwrap(), group);
    }

    #[test]
    fn what_names_no_channel_is_refused() {
        let (long, own) = ("x".repeat(ROOM_NAME_BYTES_MAX + 1), user(1).to_string());
        for (kind, target) in [
            (ChannelKind::Room, ""),
            (ChannelKind::Room, &long),
            (ChannelKind::Room, "a\nb"),
            (ChannelKind::Direct, ""),
            (ChannelKind::Direct, "somebody"),
            (ChannelKind::Direct, &own),
            (ChannelKind::Direct, &Uuid::NIL.to_string()),
            (ChannelKind::Group, "friends"),
            (ChannelKind::Group, &Uuid::NIL.to_string()),
        ] {
            let refused = channel_of(kind, Some(user(1)), target);
            assert!(refused.is_err(), "{kind:?} {target}");
        }
        assert!(channel_of(ChannelKind::Direct, None, &own).is_err());
        let (one, two) = (user(1), user(2));
        for text in [
            "",
            "lobby",
            "2...",
            "2...a\tb",
            &format!("2...{long}"),
            &format!("2.{one}..lobby"),
            &format!("3.{one}.{two}."),
            &format!("3.{one}..label"),
            "3...",
            &format!("4.{two}.{one}."),
            &format!("4.{one}.{one}."),
            &format!("4..{one}."),
            &format!("4.{one}.."),
            &format!("1.{one}.."),
            &format!("0.{one}.."),
            "6...",
            "200...lobby",
        ] {
            assert!(read_channel_id(text).is_err(), "{text}");
        }
    }
}
