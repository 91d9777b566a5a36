//! What operators and server code change of an account and its owner may not.

use tagus_base::{UnixMillis, UserId};
use tagus_store::{AccountOp, AccountPatch, Conflict};

use crate::accounts::Accounts;
use crate::authenticate::NOT_FOUND;
use crate::notifications::is_json_object;
use crate::{NewNotification, Notifications, PlayersError, Push, Revoked, User, notification_code};

impl Accounts {
    /// Bans an account: it is disabled and its logins end. Its connections are to be told what is in `out`, then closed.
    /// Banning one that is banned is fine.
    ///
    /// # Errors
    /// No such account; the table of remembered logouts is full, with the account disabled all the same.
    pub async fn ban(
        &self,
        now: UnixMillis,
        user_id: UserId,
        notifications: &Notifications,
        out: &mut Vec<Push>,
    ) -> Result<Revoked, PlayersError> {
        self.set_disabled(now, user_id, now).await?;
        // Whoever read the account before the ban is refused when it wants its token.
        self.logins().shut_out(user_id, now);
        let revoked = self.logins().logout_all(user_id, now).await?;
        let told = NewNotification {
            user_id,
            subject: "banned".to_owned(),
            content: "{}".to_owned(),
            code: notification_code::USER_BANNED,
            sender_id: None,
            persistent: false,
        };
        notifications.send(now, vec![told], out).await?;
        Ok(revoked)
    }

    /// Ends a ban; fine where there is none.
    ///
    /// # Errors
    /// No such account.
    pub async fn unban(&self, now: UnixMillis, user_id: UserId) -> Result<(), PlayersError> {
        self.set_disabled(now, user_id, UnixMillis(0)).await?;
        self.logins().let_in(user_id);
        Ok(())
    }

    /// Replaces an account's metadata, which everybody may see.
    ///
    /// # Errors
    /// No such account; a text that is no JSON object or longer than [`User::METADATA_BYTES_MAX`].
    pub async fn set_metadata(
        &self,
        now: UnixMillis,
        user_id: UserId,
        metadata: &str,
    ) -> Result<(), PlayersError> {
        if metadata.len() > User::METADATA_BYTES_MAX || !is_json_object(metadata) {
            return Err(PlayersError::InvalidArgument(
                "Metadata must be a JSON object of at most 16384 bytes.",
            ));
        }
        let patch = AccountPatch {
            metadata: Some(metadata.to_owned()),
            update_time: now,
            ..AccountPatch::default()
        };
        self.change(user_id, patch).await
    }

    async fn set_disabled(
        &self,
        now: UnixMillis,
        user_id: UserId,
        disable_time: UnixMillis,
    ) -> Result<(), PlayersError> {
        let patch = AccountPatch {
            disable_time: Some(disable_time),
            update_time: now,
            ..AccountPatch::default()
        };
        self.change(user_id, patch).await
    }

    async fn change(&self, id: UserId, patch: AccountPatch) -> Result<(), PlayersError> {
        let patch = Box::new(patch);
        let changed = self.commit(AccountOp::Update { id, patch }.into()).await;
        changed.map_err(|source| match source.conflict() {
            Some(Conflict::Missing) => NOT_FOUND,
            _ => PlayersError::Store {
                attempt: "change account",
                source,
            },
        })
    }
}

impl User {
    /// Bytes of an account's metadata, at most.
    pub const METADATA_BYTES_MAX: usize = 16_384;
}
