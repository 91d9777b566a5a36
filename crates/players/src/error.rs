//! What can go wrong with players, and what the client is told about it.

use tagus_store::StoreError;

use crate::query::QueryError;
use crate::token::TokenError;

/// Why a request about players failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlayersError {
    /// The request itself is wrong; the text says how, in the protocol's words.
    #[error("refuse request: {0}")]
    InvalidArgument(&'static str),
    /// A query is none; the text says what is wrong and where.
    #[error("Invalid query: {0}.")]
    Query(#[from] QueryError),
    /// What was asked for does not exist.
    #[error("find: {0}")]
    NotFound(&'static str),
    /// A name or identity belongs to another account.
    #[error("claim identity: {0}")]
    AlreadyExists(&'static str),
    /// The caller did not prove who they are.
    #[error("authenticate: {0}")]
    Unauthenticated(&'static str),
    /// The caller may not do this.
    #[error("permit: {0}")]
    PermissionDenied(&'static str),
    /// The state of things does not allow it.
    #[error("meet condition: {0}")]
    FailedPrecondition(&'static str),
    /// Others changed the same thing at the same time, again and again.
    #[error("decide: {0}")]
    Aborted(&'static str),
    /// The token does not count.
    #[error("check token")]
    Token(#[from] TokenError),
    /// The account is disabled.
    #[error("admit disabled account")]
    AccountDisabled,
    /// Too many wrong passwords for this account or from this address.
    #[error("try password again before {retry_ms} ms are over")]
    TooManyAttempts {
        /// Time until the next attempt is looked at, in milliseconds.
        retry_ms: u64,
    },
    /// The table of remembered logouts is full; nothing was logged out.
    #[error("remember more than {logouts_max} logouts")]
    LogoutsFull {
        /// The limit that was reached.
        logouts_max: usize,
    },
    /// The queue of passwords to hash is full.
    #[error("queue password for hashing")]
    HasherBusy,
    /// The hashing threads have stopped: the server is shutting down.
    #[error("hash password after the hashing threads stopped")]
    HasherStopped,
    /// A password could not be hashed or a stored hash could not be read.
    #[error("hash password: {0}")]
    Hash(String),
    /// A wallet's entry would fall below zero.
    #[error("wallet update rejected negative value at path '{path}'")]
    NegativeWallet {
        /// The entry.
        path: String,
    },
    /// A stored row is not what was stored.
    #[error("read damaged {0}")]
    Damaged(&'static str),
    /// The database refused or failed.
    #[error("{attempt}")]
    Store {
        /// What was attempted.
        attempt: &'static str,
        /// The database's own error.
        #[source]
        source: StoreError,
    },
}

/// Kinds of failure, as the client protocol counts them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// The request is wrong.
    InvalidArgument,
    /// It does not exist.
    NotFound,
    /// It exists already.
    AlreadyExists,
    /// The caller may not.
    PermissionDenied,
    /// A limit was reached; later may work.
    ResourceExhausted,
    /// The state of things does not allow it.
    FailedPrecondition,
    /// Others changed the same thing at the same time.
    Aborted,
    /// We are wrong.
    Internal,
    /// Our surroundings are wrong; later may work.
    Unavailable,
    /// The caller did not prove who they are.
    Unauthenticated,
}

impl Kind {
    /// The code of the gRPC numbering that error bodies carry.
    #[must_use]
    pub const fn grpc_code(self) -> i32 {
        match self {
            Self::InvalidArgument => 3,
            Self::NotFound => 5,
            Self::AlreadyExists => 6,
            Self::PermissionDenied => 7,
            Self::ResourceExhausted => 8,
            Self::FailedPrecondition => 9,
            Self::Aborted => 10,
            Self::Internal => 13,
            Self::Unavailable => 14,
            Self::Unauthenticated => 16,
        }
    }
}

impl PlayersError {
    /// What kind of failure it is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::InvalidArgument(_) | Self::Query(_) => Kind::InvalidArgument,
            Self::NotFound(_) => Kind::NotFound,
            Self::AlreadyExists(_) => Kind::AlreadyExists,
            Self::Unauthenticated(_) | Self::Token(_) => Kind::Unauthenticated,
            Self::AccountDisabled | Self::PermissionDenied(_) => Kind::PermissionDenied,
            Self::FailedPrecondition(_) | Self::NegativeWallet { .. } => Kind::FailedPrecondition,
            Self::Aborted(_) => Kind::Aborted,
            Self::TooManyAttempts { .. } | Self::LogoutsFull { .. } | Self::HasherBusy => {
                Kind::ResourceExhausted
            }
            Self::HasherStopped => Kind::Unavailable,
            Self::Hash(_) | Self::Damaged(_) => Kind::Internal,
            Self::Store { source, .. } => store_kind(source),
        }
    }

    /// The code of the gRPC numbering that error bodies carry.
    #[must_use]
    pub const fn grpc_code(&self) -> i32 {
        self.kind().grpc_code()
    }

    /// The text for the client. It names nothing of our inside.
    #[must_use]
    pub const fn client_message(&self) -> &'static str {
        match self {
            Self::InvalidArgument(message)
            | Self::NotFound(message)
            | Self::AlreadyExists(message)
            | Self::Unauthenticated(message)
            | Self::PermissionDenied(message)
            | Self::FailedPrecondition(message)
            | Self::Aborted(message) => message,
            Self::Query(_) => "Invalid query.",
            Self::Token(_) => "Auth token invalid",
            Self::AccountDisabled => "User account banned.",
            Self::TooManyAttempts { .. } => "Too many attempts, try again later.",
            Self::LogoutsFull { .. } | Self::HasherBusy => "Server busy, try again later.",
            Self::HasherStopped => "Server is shutting down.",
            Self::NegativeWallet { .. } => "Wallet update rejected negative value.",
            Self::Hash(_) | Self::Damaged(_) => "Internal server error.",
            Self::Store { source, .. } => match store_kind(source) {
                Kind::Internal => "Internal server error.",
                Kind::InvalidArgument => "Text invalid, must not contain null characters.",
                _ => "Server busy, try again later.",
            },
        }
    }

    /// When trying again makes sense, in milliseconds from now.
    #[must_use]
    pub const fn retry_ms(&self) -> Option<u64> {
        match self {
            Self::TooManyAttempts { retry_ms } => Some(*retry_ms),
            _ => None,
        }
    }

    /// For `map_err` on calls of the store.
    pub(crate) const fn store(attempt: &'static str) -> impl Fn(StoreError) -> Self {
        move |source| Self::Store { attempt, source }
    }
}

const fn store_kind(error: &StoreError) -> Kind {
    match error {
        StoreError::NulInText => Kind::InvalidArgument,
        StoreError::Busy | StoreError::Closed | StoreError::Unreachable { .. } => Kind::Unavailable,
        _ => Kind::Internal,
    }
}
