//! Rows as the callers see them.

use bytes::Bytes;
use tagus_base::{UnixMillis, UserId, Uuid};

/// An account. Texts are stored as they are: no rule about them is known here.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AccountRow {
    /// Whose account.
    pub id: UserId,
    /// Unique; upper and lower case differ.
    pub username: String,
    /// Shown name; may be empty.
    pub display_name: String,
    /// Address of a picture; may be empty.
    pub avatar_url: String,
    /// Language tag.
    pub lang_tag: String,
    /// Free text; may be empty.
    pub location: String,
    /// Free text; may be empty.
    pub timezone: String,
    /// A JSON object as text.
    pub metadata: String,
    /// A JSON object of whole numbers, as text.
    pub wallet: String,
    /// Unique where there is one; upper and lower case differ.
    pub email: Option<String>,
    /// Hash of the password as text, never the password.
    pub password: Option<String>,
    /// Unique where there is one.
    pub custom_id: Option<String>,
    /// When the account was made.
    pub create_time: UnixMillis,
    /// When the account was last changed.
    pub update_time: UnixMillis,
    /// When the mail address was verified; 0 means never.
    pub verify_time: UnixMillis,
    /// When the account was banned; 0 means it is not.
    pub disable_time: UnixMillis,
}

impl AccountRow {
    /// A new account with the defaults: language `en`, empty JSON objects, nothing else.
    #[must_use]
    pub fn new(id: UserId, username: impl Into<String>, now: UnixMillis) -> Self {
        Self {
            id,
            username: username.into(),
            display_name: String::new(),
            avatar_url: String::new(),
            lang_tag: "en".to_owned(),
            location: String::new(),
            timezone: String::new(),
            metadata: "{}".to_owned(),
            wallet: "{}".to_owned(),
            email: None,
            password: None,
            custom_id: None,
            create_time: now,
            update_time: now,
            verify_time: UnixMillis(0),
            disable_time: UnixMillis(0),
        }
    }
}

/// What to change on an account; `None` leaves a column as it is.
/// The columns that may be absent take `Some(None)` to clear them.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct AccountPatch {
    /// See [`AccountRow::username`].
    pub username: Option<String>,
    /// See [`AccountRow::display_name`].
    pub display_name: Option<String>,
    /// See [`AccountRow::avatar_url`].
    pub avatar_url: Option<String>,
    /// See [`AccountRow::lang_tag`].
    pub lang_tag: Option<String>,
    /// See [`AccountRow::location`].
    pub location: Option<String>,
    /// See [`AccountRow::timezone`].
    pub timezone: Option<String>,
    /// See [`AccountRow::metadata`].
    pub metadata: Option<String>,
    /// See [`AccountRow::email`].
    pub email: Option<Option<String>>,
    /// See [`AccountRow::password`].
    pub password: Option<Option<String>>,
    /// See [`AccountRow::custom_id`].
    pub custom_id: Option<Option<String>>,
    /// See [`AccountRow::verify_time`].
    pub verify_time: Option<UnixMillis>,
    /// See [`AccountRow::disable_time`].
    pub disable_time: Option<UnixMillis>,
    /// When the change was made; always written.
    pub update_time: UnixMillis,
}

/// Which tokens are no longer good.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Logout {
    /// The token pair with this id.
    Token(Uuid),
    /// All tokens of the user that were issued before the given time.
    UserBefore {
        /// Whose tokens.
        user: UserId,
        /// Tokens issued earlier than this are not good.
        before: UnixMillis,
    },
}

/// A logout that has to be remembered until its tokens have run out by themselves.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct LogoutRow {
    /// Which tokens.
    pub logout: Logout,
    /// When the row is no longer needed.
    pub expires_at: UnixMillis,
}

/// A durable value of a room.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RoomDataRow {
    /// Name of the value inside its room.
    pub key: String,
    /// The value; the room alone knows what it means.
    pub value: Bytes,
}

/// How many rows there are.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    /// Accounts.
    pub accounts: u64,
    /// Devices of all accounts.
    pub devices: u64,
    /// Deleted accounts that are remembered.
    pub tombstones: u64,
    /// Remembered logouts.
    pub logouts: u64,
    /// Values of all rooms.
    pub room_values: u64,
}
