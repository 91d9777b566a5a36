//! Players: accounts, logins, passwords and streams.
//! Owns: the rules about who somebody is, which token still counts, how often a password may be guessed,
//! and who is present where.
//! Must not know: SQL, HTTP, sockets, frames, rooms. Time and chance are arguments; only password hashing has threads.

mod accounts;
mod authenticate;
mod bans;
mod calendar;
mod channel;
mod chat;
mod codes;
mod cron;
mod cursor;
mod error;
mod failed_passwords;
mod friends;
mod groups;
mod identities;
mod identity;
mod jobs;
mod join_codes;
pub mod leaderboards;
mod logins;
pub mod matchmaker;
mod metrics;
mod multi_update;
mod notifications;
mod parties;
mod password;
mod push;
pub mod query;
pub mod ranks;
mod ratings;
mod sqids;
mod status;
mod storage;
mod storage_index;
mod streams;
mod token;
mod turns;
mod wallets;

pub use accounts::{Account, AccountUpdate, Accounts, USERS_REQUEST_MAX, User};
pub use authenticate::{Authenticated, EmailLogin, IdentityLogin};
pub use channel::{
    ChannelKind, ROOM_NAME_BYTES_MAX, channel_of, direct_channel, group_channel, read_channel_id,
};
pub use chat::{
    ChannelMessageChange, ChannelPage, Chat, LIST_MAX as CHANNEL_MESSAGES_LIST_MAX,
    NewChannelMessage, channel_message_code,
};
pub use codes::{CodeKind, Codes};
pub use cron::{Schedule, ScheduleError};
pub use error::{Kind, PlayersError};
pub use failed_passwords::{FailedPasswords, FailedPasswordsConfig, RetryAfter};
pub use friends::{
    Asker, FRIENDS_LIST_MAX, FRIENDS_MAX, FarFriendPage, Friend, FriendPage, FriendState, Friends,
};
pub use groups::{
    GROUP_AVATAR_URL_BYTES_MAX, GROUP_DESCRIPTION_BYTES_MAX, GROUP_LANG_TAG_BYTES_MAX,
    GROUP_MEMBERS_DEFAULT, GROUP_MEMBERS_MAX, GROUP_METADATA_BYTES_MAX, GROUP_NAME_BYTES_MAX,
    GROUP_USERS_MAX, GROUPS_LIST_MAX, Group, GroupFilter, GroupPage, GroupRole, GroupUpdate,
    GroupUser, GroupUserPage, GroupVerb, Groups, NewGroup, UserGroup, UserGroupPage,
};
pub use identities::DEVICES_MAX;
pub use identity::{CustomId, DeviceId, Email, Password, Username};
pub use jobs::{
    CLAIM_MS, Every, JOB_ATTEMPTS_MAX, JOB_NAME_BYTES_MAX, JOB_PAYLOAD_BYTES_MAX, JOBS_LIST_MAX,
    Job, JobEnd, JobRun, JobState, Jobs, NewJob, PERIOD_MS_MAX, RENEW_MS, UNKNOWN_MS,
};
pub use join_codes::{
    CodeAsker, CodeRefused, JOIN_CODES_MAX, JoinCodes, Joinable, WRONG_CODES_FREE_MAX,
};
pub use logins::{LoginConfig, Logins, Revoked, TokenPair};
pub use metrics::{LoginCounters, LoginMethod, LoginOutcome, PlayersMetrics};
pub use multi_update::{AccountChange, MultiUpdate, MultiUpdated, multi_update};
pub use notifications::{
    CONTENT_BYTES_MAX as NOTIFICATION_CONTENT_BYTES_MAX, LIST_MAX as NOTIFICATIONS_LIST_MAX,
    NewNotification, NotificationPage, Notifications, SEND_MAX as NOTIFICATIONS_SEND_MAX,
    SUBJECT_BYTES_MAX as NOTIFICATION_SUBJECT_BYTES_MAX, notification_code,
};
pub use parties::{
    PARTIES_LIST_MAX, PARTIES_PER_SESSION_MAX, PARTIES_WORK_MAX, PARTY_LABEL_BYTES_MAX,
    PARTY_REQUESTS_MAX, PARTY_SIZE_MAX, Parties, Party, PartyCatalogue, PartyFilter, PartyId,
    PartyJoin, PartyLeft, PartyListing, PartyPage, PartyRemoved, PartySettings,
};
pub use password::{Hasher, HasherConfig, HasherThreads, PasswordCost};
pub use push::{ChannelMessage, Notification, Push};
pub use ratings::{
    PlayerRating, RATED_TEAMS_MAX, RATED_USERS_MAX, RATING_MODE_BYTES_MAX, RESULTS_KEPT,
    RankedTeam, RatingChange, Ratings, win_probability,
};
pub use sqids::{AlphabetError, Sqids};
pub use status::{FOLLOWS_MAX, Followers, TooManyFollows};
pub use storage::{
    ExpectedVersion, NewObject, ObjectId, OldObject, ReadPermission, SERVER_OWNER,
    STORAGE_LIST_MAX, STORAGE_NAME_BYTES_MAX, STORAGE_OBJECTS_MAX, Storage, StorageAck,
    StorageObject, StoragePage, StorageRights, StorageWatch, WritePermission,
};
pub use storage_index::{
    STORAGE_INDEX_ENTRIES_MAX, STORAGE_INDEX_FIELDS_MAX, STORAGE_INDEX_ORDER_MAX,
    STORAGE_INDEX_WORK_MAX, STORAGE_INDEXES_MAX, StorageIndex, StorageIndexFilter,
    StorageIndexQuery, StorageIndexes,
};
pub use streams::{
    Joined, Presence, SharedStreams, StreamError, StreamEvent, StreamId, StreamLimits, StreamMode,
    Streams,
};
pub use token::{
    Keys, Login, Secret, TOKEN_BYTES_MAX, TokenError, Tokens, VARS_BYTES_MAX, VARS_COUNT_MAX,
};
pub use wallets::{
    Amounts, LEDGER_LIST_MAX, LEDGER_METADATA_BYTES_MAX, LedgerEntry, LedgerPage,
    WALLET_ENTRIES_MAX, WALLET_PATH_BYTES_MAX, WalletUpdate, WalletUpdated, Wallets,
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
