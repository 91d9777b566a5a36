//! The handle that server code holds: everything the server can do, without its inside.

mod accounts;
mod chat;
mod groups;
mod jobs;
mod leaderboards;
mod matchmaker;
mod operation;
mod parties;
mod ratings;
mod rooms;
mod social;
mod storage;
mod streams;

use std::sync::Arc;

use tagus_base::UnixMillis;

use crate::gateway::Gateway;

/// The running server, for server code; cheap to clone.
#[derive(Clone)]
pub struct Tagus {
    pub(crate) gateway: Arc<Gateway>,
}

impl Tagus {
    pub(crate) fn of(gateway: &Arc<Gateway>) -> Self {
        Self {
            gateway: gateway.clone(),
        }
    }

    /// Calendar time of the server.
    #[must_use]
    pub fn now(&self) -> UnixMillis {
        crate::gateway::unix_now()
    }
}
