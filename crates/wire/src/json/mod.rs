//! The protocol's JSON dialect, read and written without a tree in between.
//!
//! Written: declared snake_case names, 64-bit integers as text, bytes as padded base64, times as RFC 3339 in UTC,
//! unset fields left out. Read: also camelCase names, integers as number or text, any base64, `null` for unset.
//! Unknown members are skipped, and of two members with one name the last counts.

mod reader;
mod writer;

use std::fmt;

pub use reader::{JSON_DEPTH_MAX, JsonReader};
pub use writer::ObjectWriter;
pub(crate) use writer::write_string;

/// A message that has a JSON form. Implemented by generated code.
pub trait Json: Sized + Default {
    /// Appends the message as one JSON object.
    fn write_json(&self, out: &mut Vec<u8>);

    /// Reads the value of the member `key` into its field, and returns whether there is such a field.
    /// When there is not, nothing has been read, and the caller skips the value.
    ///
    /// # Errors
    /// When the value does not suit the field.
    fn merge_field(&mut self, key: &str, reader: &mut JsonReader<'_>) -> Result<bool, JsonError>;
}

/// The protocol's `Empty`.
impl Json for () {
    fn write_json(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{}");
    }

    fn merge_field(&mut self, _key: &str, _reader: &mut JsonReader<'_>) -> Result<bool, JsonError> {
        Ok(false)
    }
}

/// Room for most messages' texts, in bytes.
const TEXT_BYTES: usize = 512;

/// The message as JSON text.
#[must_use]
pub fn to_json(message: &impl Json) -> Vec<u8> {
    let mut out = Vec::with_capacity(TEXT_BYTES);
    message.write_json(&mut out);
    out
}

/// Reads a message from a JSON text. The text must be an object and nothing else.
///
/// # Errors
/// When the text is not UTF-8, not JSON, nested deeper than [`JSON_DEPTH_MAX`] or does not suit the message.
pub fn from_json<M: Json>(text: &[u8]) -> Result<M, JsonError> {
    let mut reader = JsonReader::new(text)?;
    let mut message = M::default();
    reader.merge(&mut message)?;
    reader.finish()?;
    Ok(message)
}

/// Why a JSON text was refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{kind} at byte {offset}")]
pub struct JsonError {
    /// Where in the text, in bytes from its start.
    pub offset: usize,
    /// What is wrong there.
    pub kind: JsonErrorKind,
}

/// What is wrong with a JSON text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum JsonErrorKind {
    /// The text is not UTF-8.
    NotUtf8,
    /// The text ends inside a value.
    UnexpectedEnd,
    /// Something else stands where this was expected.
    Expected(&'static str),
    /// A control character or an unknown or broken escape inside a string.
    BadString,
    /// An integer is outside the range of its field, or not whole.
    NumberOutOfRange,
    /// Text that is not base64.
    BadBase64,
    /// Text that is not an RFC 3339 time.
    BadTime,
    /// A name that the enumeration does not have.
    UnknownEnumName,
    /// Nested deeper than [`JSON_DEPTH_MAX`].
    TooDeep,
    /// Something follows the value.
    TrailingText,
}

impl fmt::Display for JsonErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotUtf8 => f.write_str("text is not utf-8"),
            Self::UnexpectedEnd => f.write_str("unexpected end of text"),
            Self::Expected(what) => write!(f, "expected {what}"),
            Self::BadString => f.write_str("bad character or escape in a string"),
            Self::NumberOutOfRange => f.write_str("number out of range"),
            Self::BadBase64 => f.write_str("bad base64"),
            Self::BadTime => f.write_str("bad time"),
            Self::UnknownEnumName => f.write_str("unknown enum name"),
            Self::TooDeep => write!(f, "nested deeper than {JSON_DEPTH_MAX}"),
            Self::TrailingText => f.write_str("trailing text"),
        }
    }
}
