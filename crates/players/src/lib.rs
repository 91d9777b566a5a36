//! Players: accounts, logins, passwords and streams.
//! Owns: the rules about who somebody is, which token still counts, how often a password may be guessed,
//! and who is present where.
//! Must not know: SQL, HTTP, sockets, frames, rooms. Time and chance are arguments; only password hashing has threads.

mod accounts;
mod authenticate;
mod cursor;
mod error;
mod failed_passwords;
mod friends;
mod groups;
mod identity;
mod logins;
mod metrics;
mod notifications;
mod password;
mod push;
pub mod query;
pub mod ranks;
mod status;
mod streams;
mod token;

pub use accounts::{Account, AccountUpdate, Accounts, USERS_REQUEST_MAX, User};
pub use authenticate::{Authenticated, EmailLogin, IdentityLogin};
pub use error::{Kind, PlayersError};
pub use failed_passwords::{FailedPasswords, RetryAfter};
pub use friends::{
    Asker, FRIENDS_LIST_MAX, FRIENDS_MAX, FarFriendPage, Friend, FriendPage, FriendState, Friends,
};
pub use groups::{GroupRole, Groups};
pub use identity::{CustomId, DeviceId, Email, Password, Username};
pub use logins::{LoginConfig, Logins, Revoked, TokenPair};
pub use metrics::{LoginCounters, LoginMethod, LoginOutcome, PlayersMetrics};
pub use notifications::{NewNotification, NotificationPage, Notifications, notification_code};
pub use password::{Hasher, HasherConfig, HasherThreads, PasswordCost};
pub use push::{ChannelMessage, Notification, Push};
pub use status::{FOLLOWS_MAX, Followers, TooManyFollows};
pub use streams::{
    Joined, Presence, SharedStreams, StreamError, StreamEvent, StreamId, StreamLimits, StreamMode,
    Streams,
};
pub use token::{
    Keys, Login, Secret, TOKEN_BYTES_MAX, TokenError, Tokens, VARS_BYTES_MAX, VARS_COUNT_MAX,
};

use std::sync::Arc;

/// Fills a slice with bytes of the operating system's generator. Called for ids, salts and made-up names.
pub type Random = Arc<dyn Fn(&mut [u8]) + Send + Sync>;

/// A random version 4 UUID.
fn random_uuid(random: &Random) -> tagus_base::Uuid {
    let mut bytes = [0; 16];
    random(&mut bytes);
    tagus_base::Uuid::from_random(bytes)
}
