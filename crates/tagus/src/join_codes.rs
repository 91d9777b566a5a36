//! The join codes of this node's parties and rooms.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tagus_base::RoomId;
use tagus_players::{
    CodeAsker, CodeRefused, JOIN_CODES_MAX, JoinCodes, Joinable, PartyId, PlayersError, Sqids,
};
use tagus_shard::Requester;

use crate::gateway::{random_bytes, unix_now};

/// See the module.
pub(crate) struct LiveJoinCodes(Mutex<JoinCodes>);

impl LiveJoinCodes {
    /// None yet.
    pub(crate) fn new(sqids: Sqids) -> Self {
        Self(Mutex::new(JoinCodes::new(sqids, JOIN_CODES_MAX)))
    }

    /// The code of something that is there. Whoever ends it calls [`Self::forget`] after that.
    pub(crate) fn code(&self, what: Joinable) -> Result<String, PlayersError> {
        self.lock()
            .code(what, || u32::from_le_bytes(random_bytes()))
    }

    pub(crate) fn forget(&self, what: Joinable) {
        self.lock().forget(what);
    }

    pub(crate) fn party(&self, requester: &Requester, code: &str) -> Result<PartyId, CodeRefused> {
        self.lock().party(unix_now(), asker(requester), code)
    }

    pub(crate) fn room(&self, requester: &Requester, code: &str) -> Result<RoomId, CodeRefused> {
        self.lock().room(unix_now(), asker(requester), code)
    }

    fn lock(&self) -> MutexGuard<'_, JoinCodes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn asker(requester: &Requester) -> CodeAsker {
    CodeAsker {
        user_id: requester.identity.user_id,
        address: requester.address,
    }
}
