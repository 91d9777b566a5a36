//! Maintenance and codes, for server code.

use std::sync::Arc;

use tagus_base::{UserId, Uuid};
use tagus_players::CodeKind;

use super::Tagus;
use crate::api::ApiError;
use crate::entry::Maintenance;
use crate::sessions::MAINTENANCE;

impl Tagus {
    /// Lets nobody in any more, until [`Self::maintenance_end`], across restarts. Open connections stay, unless they are
    /// to be drained, and so do the tokens of those who have one.
    ///
    /// # Errors
    /// A message or a time out of its range; the database failed.
    pub async fn maintenance_begin(&self, maintenance: Maintenance) -> Result<(), ApiError> {
        let drain = maintenance.drain;
        self.gateway
            .entry
            .set_maintenance(Some(maintenance))
            .await?;
        if drain {
            for conn in self.gateway.live.everybody() {
                self.gateway.shards.close(conn, MAINTENANCE);
            }
        }
        Ok(())
    }

    /// Lets everybody in again; fine where there is no maintenance.
    ///
    /// # Errors
    /// The database failed.
    pub async fn maintenance_end(&self) -> Result<(), ApiError> {
        self.gateway.entry.set_maintenance(None).await
    }

    /// The maintenance that goes on.
    #[must_use]
    pub fn maintenance(&self) -> Option<Arc<Maintenance>> {
        self.gateway.entry.maintenance()
    }

    /// The short code of an account or a group, to be told by mouth; it is made when there is none. Whether the subject
    /// exists is not looked at.
    ///
    /// # Errors
    /// The database failed.
    pub async fn code(&self, kind: CodeKind, subject: Uuid) -> Result<String, ApiError> {
        Ok(self.gateway.codes.code(kind, subject).await?)
    }

    /// What a code stands for, in either case.
    ///
    /// # Errors
    /// NOT_FOUND.
    pub async fn code_subject(&self, kind: CodeKind, code: &str) -> Result<Uuid, ApiError> {
        Ok(self.gateway.codes.subject(kind, code).await?)
    }

    /// The account of a friend code.
    ///
    /// # Errors
    /// NOT_FOUND.
    pub async fn code_user(&self, code: &str) -> Result<UserId, ApiError> {
        Ok(UserId(self.code_subject(CodeKind::Friend, code).await?))
    }

    /// Revokes a subject's code; the next one is another.
    ///
    /// # Errors
    /// The database failed.
    pub async fn code_revoke(&self, kind: CodeKind, subject: Uuid) -> Result<(), ApiError> {
        Ok(self.gateway.codes.revoke(kind, subject).await?)
    }
}
