//! Ids: sixteen bytes inside, text only at the edge.

use alloc::string::{String, ToString};
use core::fmt;
use core::str::FromStr;

use crate::UnixMillis;

/// A UUID as its sixteen bytes. Text form: 36 lower-case characters with hyphens.
#[derive(Clone, Copy, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Uuid(pub [u8; 16]);

impl Uuid {
    /// The nil UUID: all zero, which no account, connection or room has.
    pub const NIL: Self = Self([0; 16]);

    /// A version 4 UUID from sixteen random bytes of the operating system's generator.
    #[must_use]
    pub const fn from_random(mut bytes: [u8; 16]) -> Self {
        bytes[6] = (bytes[6] & 0x0f) | 0x40;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        Self(bytes)
    }

    /// A version 7 UUID: the time, then random bytes of the operating system's generator in the places that it leaves.
    /// Rows of ids that are made one after the other lie side by side in a database.
    #[must_use]
    pub fn from_time(time: UnixMillis, random: [u8; 16]) -> Self {
        let mut bytes = Self::from_random(random).0;
        bytes[..6].copy_from_slice(&time.0.to_be_bytes()[2..]);
        bytes[6] = (bytes[6] & 0x0f) | 0x70;
        Self(bytes)
    }

    /// A version 5 UUID from the first sixteen bytes of the SHA-1 of namespace and name.
    #[must_use]
    pub const fn from_sha1(mut bytes: [u8; 16]) -> Self {
        bytes[6] = (bytes[6] & 0x0f) | 0x50;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        Self(bytes)
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let mut text = [b'-'; 36];
        let mut at = 0;
        for (index, byte) in self.0.iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                at += 1;
            }
            text[at] = HEX[usize::from(byte >> 4)];
            text[at + 1] = HEX[usize::from(byte & 15)];
            at += 2;
        }
        f.write_str(core::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Uuid {
    type Err = IdError;

    /// Parses the hyphenated form, upper or lower case.
    fn from_str(text: &str) -> Result<Self, IdError> {
        let text = text.as_bytes();
        if text.len() != 36 {
            return Err(IdError);
        }
        let mut bytes = [0; 16];
        let mut at = 0;
        for (index, byte) in bytes.iter_mut().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                if text[at] != b'-' {
                    return Err(IdError);
                }
                at += 1;
            }
            *byte = (nibble(text[at])? << 4) | nibble(text[at + 1])?;
            at += 2;
        }
        Ok(Self(bytes))
    }
}

const fn nibble(digit: u8) -> Result<u8, IdError> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        b'A'..=b'F' => Ok(digit - b'A' + 10),
        _ => Err(IdError),
    }
}

/// The text is not an id of the expected form.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct IdError;

impl fmt::Display for IdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an id of the expected form")
    }
}

impl core::error::Error for IdError {}

macro_rules! uuid_newtype {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                text.parse().map(Self)
            }
        }
    };
}

uuid_newtype! {
    /// An account.
    UserId
}
uuid_newtype! {
    /// One connection, as other players see it: the wire's `session_id`.
    SessionId
}

/// Index of a connection inside its shard; dense, reused after close.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ConnIndex(pub u32);

/// Index of a seat inside its room; dense, reused after the seat is freed.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SeatIndex(pub u16);

/// Name of a node: 1 to 16 characters of `a-z`, `0-9` and `-`.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct NodeId {
    bytes: [u8; 16],
}

impl NodeId {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let length = self.bytes.iter().position(|byte| *byte == 0).unwrap_or(16);
        core::str::from_utf8(&self.bytes[..length]).unwrap_or_default()
    }
}

impl FromStr for NodeId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let allowed = |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        if text.is_empty() || text.len() > 16 || !text.as_bytes().iter().all(allowed) {
            return Err(IdError);
        }
        let mut bytes = [0; 16];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        Ok(Self { bytes })
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A room. Text form, as the wire's `match_id`: `<uuid>.<node>` for an authoritative room with a fixed home,
/// `<uuid>.` for relayed and named rooms, whose home is computed from the live nodes.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct RoomId {
    /// Random for unnamed rooms, version 5 of the name for named ones.
    pub uuid: Uuid,
    /// The node that holds the room, or none where that is computed.
    pub home: Option<NodeId>,
}

impl fmt::Display for RoomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.home {
            Some(node) => write!(f, "{}.{}", self.uuid, node),
            None => write!(f, "{}.", self.uuid),
        }
    }
}

impl FromStr for RoomId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let (uuid, node) = text.split_once('.').ok_or(IdError)?;
        let home = if node.is_empty() {
            None
        } else {
            Some(node.parse()?)
        };
        Ok(Self {
            uuid: uuid.parse()?,
            home,
        })
    }
}

impl From<RoomId> for String {
    fn from(id: RoomId) -> Self {
        id.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_read_what_they_write() {
        let text = "0189f7ea-ae2c-4a3b-9d1e-00ff10a0b0c0";
        let uuid: Uuid = text.parse().unwrap();
        assert_eq!(uuid.to_string(), text);
        assert_eq!(text.to_uppercase().parse::<Uuid>().unwrap(), uuid);
        for bad in [
            "",
            "0189f7ea",
            "0189f7eaaae2c-4a3b-9d1e-00ff10a0b0c",
            "0189f7ea-ae2c-4a3b-9d1e-00ff10a0b0cg",
        ] {
            assert_eq!(bad.parse::<Uuid>(), Err(IdError), "{bad}");
        }
    }

    #[test]
    fn versions_and_variant_are_set() {
        assert_eq!(
            Uuid::from_random([0xff; 16]).to_string(),
            "ffffffff-ffff-4fff-bfff-ffffffffffff"
        );
        assert_eq!(
            Uuid::from_time(UnixMillis(0x0123_4567_89ab_cdef), [0xff; 16]).to_string(),
            "456789ab-cdef-7fff-bfff-ffffffffffff"
        );
        assert_eq!(
            Uuid::from_sha1([0; 16]).to_string(),
            "00000000-0000-5000-8000-000000000000"
        );
    }

    #[test]
    fn room_ids_have_a_home_or_a_trailing_dot() {
        let authoritative = "0189f7ea-ae2c-4a3b-9d1e-00ff10a0b0c0.tagus1";
        let relayed = "0189f7ea-ae2c-4a3b-9d1e-00ff10a0b0c0.";
        assert_eq!(
            authoritative.parse::<RoomId>().unwrap().to_string(),
            authoritative
        );
        assert_eq!(relayed.parse::<RoomId>().unwrap().to_string(), relayed);
        assert!(
            "0189f7ea-ae2c-4a3b-9d1e-00ff10a0b0c0"
                .parse::<RoomId>()
                .is_err()
        );
        assert!(
            "0189f7ea-ae2c-4a3b-9d1e-00ff10a0b0c0.Bad Node"
                .parse::<RoomId>()
                .is_err()
        );
        assert!("bad".parse::<RoomId>().is_err());
    }
}
