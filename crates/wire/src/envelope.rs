//! The socket's two formats.

use bytes::Bytes;
use prost::Message;

use crate::json::{Json, JsonError, from_json};
use crate::realtime::Envelope;

/// How a connection's messages are written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Format {
    /// JSON text.
    Json,
    /// Protobuf bytes.
    Protobuf,
}

/// Why a message or a request was refused.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The text is not the JSON of this message.
    #[error("decode json")]
    Json(#[from] JsonError),
    /// The bytes are not the protobuf of this message.
    #[error("decode protobuf")]
    Protobuf(#[from] prost::DecodeError),
    /// A value in the URL does not suit its field.
    #[error("decode url parameter {name}")]
    Param {
        /// The field's name, as it stood in the URL.
        name: String,
        /// What is wrong with the value.
        #[source]
        err: JsonError,
    },
    /// The URL's query has more than [`crate::QUERY_PAIRS_MAX`] pairs, or one that is not percent-encoded text.
    #[error("decode query string")]
    Query,
}

/// Appends an envelope in a format.
pub fn encode_envelope(format: Format, envelope: &Envelope, out: &mut Vec<u8>) {
    match format {
        Format::Json => envelope.write_json(out),
        Format::Protobuf => envelope.encode_raw(out),
    }
}

/// Reads an envelope in a format. Members that are not known are skipped: when there are no others, the envelope has no
/// message. In protobuf, data fields share the memory of `bytes`.
///
/// # Errors
/// When the bytes are not an envelope in that format.
pub fn decode_envelope(format: Format, bytes: &Bytes) -> Result<Envelope, DecodeError> {
    match format {
        Format::Json => Ok(from_json(bytes)?),
        Format::Protobuf => Ok(Envelope::decode(bytes.clone())?),
    }
}
