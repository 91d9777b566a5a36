//! Durable rows in SQL: SQLite and PostgreSQL.
//! Owns: the tables, their migrations, group commit, backup and restore; all SQL text of the house is here.
//! Must not know: rules. Whether a name is good, who may change what and what a room stores is decided above;
//! this crate only says whether rows fit together.
//!
//! The primitive is [`Store::commit`]: a [`Batch`] of preconditions and writes is decided without awaiting, wholly or
//! not at all, and is on disk when it is acknowledged.
//! Reads on SQLite run on the caller's thread and are ready at once; [`block_on`] waits for any of them.
//!
//! A subject (accounts, devices, …) is one file of this folder. To add one:
//! 1. its tables are a migration, once for each database, listed in `migrate.rs`; its `UNIQUE`s are lines of `sql/unique.rs`;
//! 2. its file has its rows, `enum …Op` with `into_steps` (one `Step` per statement, what it must find by `or`), and
//!    an `impl Store` with its reads (one `Query` each); `batch.rs` and this file get one line each;
//! 3. the same text serves both databases: `$1`, `ON CONFLICT (…) DO UPDATE`, `RETURNING`, `CASE`; else `Sql::Differs`;
//! 4. a condition belongs into the `WHERE` of the row that it guards, as PostgreSQL runs `READ COMMITTED`; a step that
//!    depends on other rows is preceded by one that locks them (`locking!`), in ascending order of their keys;
//! 5. its cases join `tests/it/contract.rs`, which runs on every database.

mod account;
mod batch;
mod channel;
mod code;
mod config;
mod copy;
mod counts;
mod device;
mod error;
mod friend;
mod group;
mod job;
mod leaderboard;
mod leaderboard_record;
mod logout;
mod metrics;
mod migrate;
mod notification;
mod postgres;
mod rating;
mod room_data;
mod setting;
mod sql;
mod sqlite;
mod storage;
mod store;
mod wait;
mod wallet;

pub use account::{AccountOp, AccountPatch, AccountRow};
pub use batch::{Batch, Op, Outcome};
pub use channel::{ChannelMessageRow, ChannelOp};
pub use code::CodeOp;
pub use config::{Config, PostgresConfig, SqliteConfig, Synchronous};
pub use copy::{CopyProgress, CopyReport, CopyStage, copy};
pub use counts::Counts;
pub use device::DeviceOp;
pub use error::{Conflict, StoreError};
pub use friend::{FriendOp, FriendRow};
pub use group::{
    GroupEdgeRow, GroupFilter, GroupNames, GroupOp, GroupPatch, GroupRow, MEMBER_STATE_MAX,
};
pub use job::{JobOp, JobRow};
pub use leaderboard::{LeaderboardOp, LeaderboardRow, TournamentColumns};
pub use leaderboard_record::{
    Bounded, LeaderboardRecordKey, LeaderboardRecordOp, LeaderboardRecordRow, RecordChange,
    RecordOrder,
};
pub use logout::{Logout, LogoutOp, LogoutRow};
pub use metrics::StoreMetrics;
pub use migrate::{MigrationState, MigrationStatus};
pub use notification::{NotificationOp, NotificationRow};
pub use rating::{RatingOp, RatingRow};
pub use room_data::{RoomDataOp, RoomDataRow};
pub use setting::SettingOp;
pub use sqlite::backup::{BackupReport, backup, restore, restore_replacing};
pub use storage::{Overwrite, StorageOp, StorageRow};
pub use store::Store;
pub use wait::block_on;
pub use wallet::{LedgerRow, WalletOp};
