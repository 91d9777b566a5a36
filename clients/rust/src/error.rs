//! What can go wrong.

use std::io;

use tagus_wire::{DecodeError, JsonError};

/// Why a call, a connection or a request on the socket failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The server's address is not `http://HOST:PORT`. Behind TLS, speak to the terminating proxy's plain side.
    #[error("server address {url:?} is not http://HOST:PORT")]
    Address {
        /// What was given.
        url: String,
    },
    /// A text that goes into a header has a character that headers cannot have.
    #[error("token has characters that no token has")]
    Token,
    /// The network failed.
    #[error("{what}")]
    Io {
        /// What was attempted.
        what: &'static str,
        /// Why it failed.
        #[source]
        err: io::Error,
    },
    /// The answer is not HTTP, is cut short, or is longer than the client reads.
    #[error("answer is not usable: {reason}")]
    Answer {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The server refused the call.
    #[error("server refused with status {status}, code {code}: {message}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The protocol's code, 0 when the body had none.
        code: i32,
        /// The server's reason.
        message: String,
    },
    /// The body is not the JSON of the expected message.
    #[error("decode the answer")]
    Body(#[from] JsonError),
    /// A session token is not a JSON web token with the protocol's claims.
    #[error("session token has no readable claims")]
    Claims,
    /// The WebSocket failed or was refused.
    #[error("socket")]
    Socket(#[source] Box<tokio_tungstenite::tungstenite::Error>),
    /// A message on the socket is not an envelope in the connection's format.
    #[error("decode a message of the socket")]
    Envelope(#[from] DecodeError),
    /// The server answered a request on the socket with an error.
    #[error("server answered with error {code}: {message}")]
    Server {
        /// The protocol's error code.
        code: i32,
        /// The server's reason.
        message: String,
    },
    /// The server answered a request on the socket with a message of another kind.
    #[error("server answered with another message than asked for")]
    Unexpected,
    /// No answer came in time.
    #[error("no answer in time to {what}")]
    TimedOut {
        /// What was attempted.
        what: &'static str,
    },
    /// More than [`crate::PENDING_MAX`] other messages came before an answer.
    #[error("too many messages wait to be taken")]
    Behind,
    /// The socket is closed.
    #[error("socket closed{}", .reason.as_deref().map(|text| format!(": {text}")).unwrap_or_default())]
    Closed {
        /// The server's reason, when it gave one.
        reason: Option<String>,
    },
}

impl From<tokio_tungstenite::tungstenite::Error> for ClientError {
    fn from(error: tokio_tungstenite::tungstenite::Error) -> Self {
        Self::Socket(Box::new(error))
    }
}
