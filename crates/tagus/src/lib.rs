//! Tagus: a studio's game backend as a library and as one binary.
//! Owns: configuration, the gateway between connections, logins, rooms and players, the HTTP API, hooks, shutdown.
//! Must not know: rules of any game (they hang on the feature `arcade`), SQL, frames.
//!
//! ```no_run
//! # fn main() -> anyhow::Result<()> {
//! tagus::Server::new(tagus::Config::default())
//!     .rpc("hello", async |call: tagus::RpcCall| Ok(format!("hello {}", call.payload)))
//!     .run()
//! # }
//! ```

mod admin;
mod admin_api;
pub mod admin_cli;
#[cfg(feature = "arcade")]
mod agar;
mod api;
mod arriving;
mod assets;
pub mod bench;
mod boards;
#[cfg(feature = "arcade")]
pub mod bot;
pub mod cli;
mod config;
mod directory;
mod doors;
#[cfg(feature = "arcade")]
pub mod duels;
mod entry;
mod events;
mod export;
mod gateway;
mod hooks;
mod join_codes;
mod live;
mod matchmaker;
mod ops;
mod parties;
mod realtime;
mod remote;
mod room_calls;
mod room_values;
mod routes;
mod scheduler;
mod seeks;
mod serve;
mod server;
mod server_code;
mod sessions;
mod storage_index;
mod tagus;
mod work_queue;

pub use api::{
    ApiError, CODE_INTERNAL, CODE_INVALID_ARGUMENT, CODE_NOT_FOUND, CODE_RESOURCE_EXHAUSTED,
    CODE_UNAVAILABLE,
};
pub use config::{
    Config, ConfigError, KeyRing, MatchmakerSettings, Mode, RemoteConfig, RoomConfig,
    ServerCodeConfig, StoreSettings, StoreUrl, configuration_reference,
};
pub use directory::{RoomFilter, RoomListing};
pub use entry::{ClientConfig, Maintenance};
pub use events::{Event, SentNotification};
pub use hooks::{Caller, RpcCall};
pub use live::{Appearance, JoinError};
pub use matchmaker::{Matched, MatchedQuality, MatchedUser, MatchmakerWish, WaitingTicket};
pub use ops::{backup, healthcheck, migrate_copy, migration_status, restore};
pub use room_calls::RoomCall;
pub use routes::{HttpCall, HttpReply};
pub use scheduler::JobCall;
pub use server::Server;
pub use tagus::Tagus;

pub use tagus_base as base;
pub use tagus_players::leaderboards;
pub use tagus_players::matchmaker::{MatchRegion, Rating, TicketId};
pub use tagus_players::query;
pub use tagus_players::ranks::{Direction, Ties};
pub use tagus_players::{
    AccountChange, AccountUpdate, Amounts, Asker, ChannelKind, ChannelMessage, ChannelPage, Every,
    ExpectedVersion, Group, GroupFilter, GroupPage, GroupRole, GroupUpdate, GroupUser,
    GroupUserPage, GroupVerb, Job, JobState, LedgerEntry, LedgerPage, MultiUpdate, MultiUpdated,
    NewGroup, NewJob, NewNotification, NewObject, ObjectId, OldObject, Party, PartyFilter, PartyId,
    PartyListing, PartyPage, PartySettings, PlayerRating, Presence, RankedTeam, RatingChange,
    ReadPermission, SERVER_OWNER, Secret, StorageAck, StorageIndex, StorageIndexQuery,
    StorageObject, StoragePage, StreamId, StreamMode, UserGroup, UserGroupPage, WalletUpdate,
    WalletUpdated, WritePermission, win_probability,
};
pub use tagus_players::{Schedule, ScheduleError};
pub use tagus_room as room;
pub use tagus_wire as wire;

/// The guide, whose code is compiled with the tests.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/server-code.md")]
struct ServerCodeGuide;
