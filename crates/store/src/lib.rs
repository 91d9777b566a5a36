//! Durable rows in SQL: SQLite.
//! Owns: the tables, their migrations, group commit, backup and restore; all SQL text of the house is here.
//! Must not know: rules. Whether a name is good, who may change what and what a room stores is decided above;
//! this crate only says whether rows fit together.
//!
//! The primitive is [`Store::commit`]: a [`Batch`] of preconditions and writes is decided without awaiting, wholly or
//! not at all, and is on disk when it is acknowledged.
//! Reads run on the caller's thread.

mod batch;
mod config;
mod error;
mod metrics;
mod row;
mod sqlite;
mod store;

pub use batch::{Batch, Op, Outcome};
pub use config::{Config, Synchronous};
pub use error::{Conflict, StoreError};
pub use metrics::StoreMetrics;
pub use row::{AccountPatch, AccountRow, Counts, Logout, LogoutRow, RoomDataRow};
pub use sqlite::backup::{BackupReport, backup, restore, restore_replacing};
pub use sqlite::migrate::{MigrationState, MigrationStatus};
pub use store::Store;
