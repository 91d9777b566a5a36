//! Errors as the client protocol has them: a gRPC code, a sentence, an HTTP status.

use tagus_players::PlayersError;

use crate::work_queue::NotTaken;

/// Why a call failed, in the client protocol's words.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    /// A gRPC code, 1..=16.
    pub code: i32,
    /// A sentence for the client.
    pub message: String,
    /// When to try again, in milliseconds; answered as `Retry-After`.
    pub retry_ms: Option<u64>,
}

/// The request itself is wrong: HTTP 400.
pub const CODE_INVALID_ARGUMENT: i32 = 3;
/// What was asked for does not exist: HTTP 404.
pub const CODE_NOT_FOUND: i32 = 5;
/// Too many of something: HTTP 429.
pub const CODE_RESOURCE_EXHAUSTED: i32 = 8;
/// The server is at fault: HTTP 500.
pub const CODE_INTERNAL: i32 = 13;
/// Not now: HTTP 503.
pub const CODE_UNAVAILABLE: i32 = 14;

impl ApiError {
    /// An error with this gRPC code.
    pub fn new(code: i32, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            retry_ms: None,
        }
    }

    /// The request is wrong.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(CODE_INVALID_ARGUMENT, message)
    }

    /// It does not exist.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(CODE_NOT_FOUND, message)
    }

    /// The caller did not prove who they are.
    pub fn unauthenticated(message: impl Into<String>) -> Self {
        Self::new(16, message)
    }

    /// Known, and not built.
    pub fn unimplemented(message: impl Into<String>) -> Self {
        Self::new(12, message)
    }

    /// Not now.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(CODE_UNAVAILABLE, message)
    }

    /// We are wrong.
    pub fn internal() -> Self {
        Self::new(CODE_INTERNAL, "Internal server error.")
    }

    /// The HTTP status of the code, as the protocol's gateway maps it.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self.code {
            3 | 9 | 11 => 400,
            16 => 401,
            7 => 403,
            5 => 404,
            6 | 10 => 409,
            8 => 429,
            1 => 499,
            12 => 501,
            14 => 503,
            4 => 504,
            _ => 500,
        }
    }

    /// The body: `{"code":N,"message":"..."}`.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        serde_json::json!({ "code": self.code, "message": self.message })
            .to_string()
            .into_bytes()
    }

    /// The body of a failed RPC, which has one member more.
    #[must_use]
    pub fn rpc_body(&self) -> Vec<u8> {
        let body = serde_json::json!({ "error": self.message, "message": self.message, "code": self.code });
        body.to_string().into_bytes()
    }
}

impl From<NotTaken> for ApiError {
    fn from(reason: NotTaken) -> Self {
        match reason {
            NotTaken::Full => {
                Self::new(CODE_RESOURCE_EXHAUSTED, "Too many events, try again later.")
            }
            NotTaken::Closed => Self::unavailable("The server stops."),
        }
    }
}

impl From<PlayersError> for ApiError {
    fn from(error: PlayersError) -> Self {
        if error.grpc_code() == 13 {
            tracing::error!(error = &error as &dyn std::error::Error, "request failed");
        }
        let message = match &error {
            PlayersError::NegativeWallet { .. } | PlayersError::Query(_) => error.to_string(),
            _ => error.client_message().to_owned(),
        };
        Self {
            code: error.grpc_code(),
            message,
            retry_ms: error.retry_ms(),
        }
    }
}
