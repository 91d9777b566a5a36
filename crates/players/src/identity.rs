//! What a client names itself by, parsed once: inside the house a bad name cannot be held.
//! The texts of the refusals are the client protocol's.

use std::fmt;

use crate::{PlayersError, Random, Secret};

macro_rules! text_newtype {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Eq, PartialEq)]
        pub struct $name(String);

        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }
    };
}

text_newtype! {
    /// The name that players see: 1 to 128 bytes without white space or control characters. Unique.
    Username
}
text_newtype! {
    /// A device's own id: 10 to 128 bytes without white space or control characters.
    DeviceId
}
text_newtype! {
    /// An id of another system of the studio's: 6 to 128 bytes without white space or control characters.
    CustomId
}
text_newtype! {
    /// An email address, its ASCII letters in lower case: 10 to 255 bytes of the form `name@host.domain`.
    Email
}

/// A password of 8 to [`Password::BYTES_MAX`] bytes. Never shown.
#[derive(Clone)]
pub struct Password(Secret);

impl Username {
    /// Parses a name that a client chose.
    pub fn parse(raw: &str) -> Result<Self, PlayersError> {
        parse_text(
            raw,
            1..=128,
            "Username invalid, no spaces or control characters allowed.",
            "Username invalid, must be 1-128 bytes.",
        )
        .map(Self)
    }

    /// Makes up a name of ten letters.
    #[must_use]
    pub fn random(random: &Random) -> Self {
        let mut bytes = [0; 10];
        random(&mut bytes);
        let letter = |byte: u8| char::from(LETTERS[usize::from(byte) % LETTERS.len()]);
        Self(bytes.map(letter).iter().collect())
    }
}

impl DeviceId {
    /// Parses an id that a client sent.
    pub fn parse(raw: &str) -> Result<Self, PlayersError> {
        if raw.is_empty() {
            return Err(PlayersError::InvalidArgument("Device ID is required."));
        }
        parse_text(
            raw,
            10..=128,
            "Device ID invalid, no spaces or control characters allowed.",
            "Device ID invalid, must be 10-128 bytes.",
        )
        .map(Self)
    }
}

impl CustomId {
    /// Parses an id that a client sent.
    pub fn parse(raw: &str) -> Result<Self, PlayersError> {
        if raw.is_empty() {
            return Err(PlayersError::InvalidArgument("Custom ID is required."));
        }
        parse_text(
            raw,
            6..=128,
            "Custom ID invalid, no spaces or control characters allowed.",
            "Custom ID invalid, must be 6-128 bytes.",
        )
        .map(Self)
    }
}

impl Email {
    /// Parses an address that a client sent. Upper and lower case are one address.
    pub fn parse(raw: &str) -> Result<Self, PlayersError> {
        if raw.is_empty() {
            return Err(PlayersError::InvalidArgument("Email address is required."));
        }
        let text = parse_text(
            raw,
            10..=255,
            "Invalid email address, no spaces or control characters allowed.",
            "Invalid email address, must be 10-255 bytes.",
        )?;
        if !has_email_shape(&text) {
            return Err(PlayersError::InvalidArgument(
                "Invalid email address format.",
            ));
        }
        Ok(Self(text.to_ascii_lowercase()))
    }
}

impl Password {
    /// Parses a password that a client sent.
    pub fn parse(raw: &str) -> Result<Self, PlayersError> {
        match raw.len() {
            0 => Err(PlayersError::InvalidArgument("Password is required.")),
            1..Self::BYTES_MIN => Err(PlayersError::InvalidArgument(
                "Password must be at least 8 characters long.",
            )),
            Self::BYTES_MIN..=Self::BYTES_MAX => Ok(Self(Secret::new(raw))),
            _ => Err(PlayersError::InvalidArgument(
                "Password must be at most 1024 bytes long.",
            )),
        }
    }

    /// Shortest password, in bytes.
    pub const BYTES_MIN: usize = 8;

    /// Longest password, in bytes.
    pub const BYTES_MAX: usize = 1_024;

    pub(crate) fn into_secret(self) -> Secret {
        self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(***)")
    }
}

const LETTERS: &[u8; 52] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

fn parse_text(
    raw: &str,
    bytes: std::ops::RangeInclusive<usize>,
    bad_characters: &'static str,
    bad_length: &'static str,
) -> Result<String, PlayersError> {
    if !bytes.contains(&raw.len()) {
        return Err(PlayersError::InvalidArgument(bad_length));
    }
    if raw
        .chars()
        .any(|character| character.is_control() || character.is_whitespace())
    {
        return Err(PlayersError::InvalidArgument(bad_characters));
    }
    Ok(raw.to_owned())
}

/// One `@` with something before it, and after it at least two labels of letters, digits and hyphens.
/// Whether anybody reads mail there only a letter can tell.
fn has_email_shape(text: &str) -> bool {
    let Some((name, host)) = text.split_once('@') else {
        return false;
    };
    let label_is_good = |label: &str| {
        !label.is_empty()
            && label
                .chars()
                .all(|character| character.is_alphanumeric() || character == '-')
    };
    !name.is_empty() && host.contains('.') && host.split('.').all(label_is_good)
}
