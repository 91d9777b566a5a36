//! What can go wrong.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

/// Why the store did not do what it was asked.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Rows do not fit together; nothing of the batch was written.
    #[error("operation {op_index} of the batch: {conflict}")]
    Conflict {
        /// Which operation of the batch, from 0.
        op_index: usize,
        /// What does not fit.
        conflict: Conflict,
    },
    /// Too many batches wait for the writer; nothing was written, try again later.
    #[error("too many batches wait for the writer")]
    Busy,
    /// The store was closed before the batch was decided.
    #[error("the store is closed")]
    Closed,
    /// The batch holds more than [`crate::Batch::OPS_MAX`] operations; nothing was written.
    #[error("a batch of {ops} operations is too large")]
    BatchTooLarge {
        /// Operations in the batch.
        ops: usize,
    },
    /// A text holds the character NUL, which not every database can keep; nothing was written or read.
    #[error("a text holds the character NUL")]
    NulInText,
    /// The database server cannot be reached or went away; a batch was not written, unless the connection broke
    /// while it was committed, which `in_commit` says.
    #[error("reach the database server at {server}")]
    Unreachable {
        /// Host and port, without names or passwords.
        server: String,
        /// Whether it is open if the batch was written.
        in_commit: bool,
        /// The connection's own error.
        #[source]
        source: Arc<dyn Error + Send + Sync>,
    },
    /// A setting is out of its range.
    #[error("store settings: {0}")]
    Config(&'static str),
    /// Another process, or another store of this one, has the database open.
    #[error("{} is in use by another server", path.display())]
    InUse {
        /// The database file.
        path: PathBuf,
    },
    /// The database was written by a newer version of this program.
    #[error("the database has migration {found}, this program knows migrations up to {known}")]
    Newer {
        /// Highest migration of the database.
        found: u32,
        /// Highest migration of this program.
        known: u32,
    },
    /// An applied migration is not the one this program carries.
    #[error("migration {version} in the database differs from the one this program carries")]
    MigrationChanged {
        /// Which migration.
        version: u32,
    },
    /// The file is no database of this server, or is damaged.
    #[error("{} is not an intact database of this server: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What the check said.
        reason: String,
    },
    /// The target of a copy holds rows that no copy of this source put there; nothing was written.
    #[error("the target database is not empty")]
    NotEmpty,
    /// A copy does not hold what its source holds.
    #[error("the copy of the table {table} differs from its source")]
    CopyDiffers {
        /// Which table.
        table: String,
    },
    /// A file that must not be overwritten is there.
    #[error("{} exists", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The database failed. After a failed commit it is open whether the batch was written:
    /// it is not visible, but a crash right after may bring it back.
    #[error("{doing}")]
    Database {
        /// What was attempted.
        doing: &'static str,
        /// The database's own error.
        #[source]
        source: Arc<dyn Error + Send + Sync>,
    },
    /// A file operation failed.
    #[error("{doing} {}", path.display())]
    File {
        /// What was attempted.
        doing: &'static str,
        /// On which file.
        path: PathBuf,
        /// The system's own error.
        #[source]
        source: Arc<std::io::Error>,
    },
}

impl StoreError {
    /// The conflict, if it is one.
    #[must_use]
    pub const fn conflict(&self) -> Option<Conflict> {
        match self {
            Self::Conflict { conflict, .. } => Some(*conflict),
            _ => None,
        }
    }
}

/// Why rows do not fit together.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Conflict {
    /// Another account has the id.
    #[error("the account id is taken")]
    IdTaken,
    /// Another account has the user name.
    #[error("the user name is taken")]
    UsernameTaken,
    /// An account, this one or another, has the device.
    #[error("the device is taken")]
    DeviceTaken,
    /// The account has as many devices as it may have.
    #[error("the account has too many devices")]
    DevicesFull,
    /// The account would have nothing left to log in with.
    #[error("the account needs an identity")]
    LastIdentity,
    /// Another account has the custom id.
    #[error("the custom id is taken")]
    CustomIdTaken,
    /// Another account has the mail address.
    #[error("the mail address is taken")]
    EmailTaken,
    /// Another group has the name.
    #[error("the group's name is taken")]
    GroupNameTaken,
    /// The group would have more members than its limit.
    #[error("the group is full")]
    GroupFull,
    /// The group would have no owner.
    #[error("the group needs an owner")]
    LastOwner,
    /// A limit that the rows themselves state is reached.
    #[error("a limit of the row is reached")]
    LimitReached,
    /// The row to change does not exist.
    #[error("the row does not exist")]
    Missing,
    /// The row is not, or no longer, as the operation takes it to be: read it again and decide anew.
    #[error("the row has changed")]
    Changed,
}
