//! What can be wrong with bytes that came from afar, and with a schema.

use core::fmt;

/// Why bytes are no snapshot or no schema.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum DecodeError {
    /// The bytes end in the middle.
    Truncated,
    /// A number that cannot be: too long, out of its field's range, or padding that is not zero.
    Number,
    /// Something is named that is not there: a cell, an entity, a kind.
    Unknown,
    /// More cells or entities than a replica holds.
    Limit,
    /// Bytes behind the end.
    Trailing,
    /// A snapshot that does not follow the one before it, or the first one is not whole.
    OutOfOrder,
    /// A version of the format that is not known here.
    Version,
    /// Not UTF-8.
    Text,
    /// A schema that breaks a rule.
    Schema(SchemaError),
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Truncated => "the bytes end too early",
            Self::Number => "a number is out of range",
            Self::Unknown => "something is named that is not there",
            Self::Limit => "more than a replica holds",
            Self::Trailing => "there are bytes behind the end",
            Self::OutOfOrder => "the snapshot does not follow the last one",
            Self::Version => "the version is unknown",
            Self::Text => "a name is not UTF-8",
            Self::Schema(_) => "the schema breaks a rule",
        })
    }
}

impl core::error::Error for DecodeError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Schema(error) => Some(error),
            Self::Truncated
            | Self::Number
            | Self::Unknown
            | Self::Limit
            | Self::Trailing
            | Self::OutOfOrder
            | Self::Version
            | Self::Text => None,
        }
    }
}

/// Why a schema is none.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum SchemaError {
    /// The world, its step or its cells: not finite, not positive, a margin of half a cell or more, or too many cells.
    Grid,
    /// No kind, or more than [`crate::KINDS_MAX`].
    Kinds,
    /// More than [`crate::FIELDS_MAX`] fields in a kind, x and y included.
    Fields,
    /// A field's range: not finite, empty, or with more levels than its motion allows.
    Range,
    /// A change group of [`crate::GROUPS_MAX`] or more.
    Group,
    /// A name longer than [`crate::NAME_BYTES_MAX`].
    Name,
    /// No tick between two frames.
    FrameTicks,
}

impl fmt::Display for SchemaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Grid => "the grid is impossible or has too many cells",
            Self::Kinds => "no kind, or too many",
            Self::Fields => "too many fields in a kind",
            Self::Range => "a field's range is impossible or has too many levels",
            Self::Group => "a change group is out of range",
            Self::Name => "a name is too long",
            Self::FrameTicks => "a frame must be at least one tick",
        })
    }
}

impl core::error::Error for SchemaError {}
