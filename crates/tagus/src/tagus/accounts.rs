//! Accounts and their identities, for server code.

use tagus_base::UserId;
use tagus_players::{Account, AccountUpdate, User};

use super::Tagus;
use crate::api::ApiError;
use crate::boards::run_to_end;
use crate::export::export;
use crate::gateway::unix_now;

impl Tagus {
    /// An account as its owner sees it.
    ///
    /// # Errors
    /// NOT_FOUND.
    pub async fn account(&self, user_id: UserId) -> Result<Account, ApiError> {
        Ok(self.gateway.accounts.get_account(user_id).await?)
    }

    /// Accounts as everybody sees them: each once, in the order asked for, unknown ones left out.
    ///
    /// # Errors
    /// More than 100 are named.
    pub async fn users(&self, ids: &[UserId], usernames: &[String]) -> Result<Vec<User>, ApiError> {
        Ok(self.gateway.accounts.users(ids, usernames).await?)
    }

    /// Changes what the owner of an account may change too.
    ///
    /// # Errors
    /// As the client's call.
    pub async fn account_update(
        &self,
        user_id: UserId,
        update: AccountUpdate,
    ) -> Result<(), ApiError> {
        let accounts = &self.gateway.accounts;
        Ok(accounts.update_account(unix_now(), user_id, update).await?)
    }

    /// Replaces an account's metadata: a JSON object that everybody may see, and only server code changes.
    ///
    /// # Errors
    /// NOT_FOUND; INVALID_ARGUMENT for what is no JSON object or too long.
    pub async fn account_set_metadata(
        &self,
        user_id: UserId,
        metadata: &str,
    ) -> Result<(), ApiError> {
        let accounts = &self.gateway.accounts;
        Ok(accounts.set_metadata(unix_now(), user_id, metadata).await?)
    }

    /// Bans an account: its logins end, its connections are told by a notification of code -8 and closed, and it cannot
    /// log in until [`Self::account_unban`].
    ///
    /// # Errors
    /// NOT_FOUND; RESOURCE_EXHAUSTED where too many logouts are remembered: then the account is disabled, and to ban it
    /// again ends its logins.
    pub async fn account_ban(&self, user_id: UserId) -> Result<(), ApiError> {
        let gateway = &self.gateway;
        let mut pushes = Vec::new();
        let banned = gateway
            .accounts
            .ban(unix_now(), user_id, &gateway.notifications, &mut pushes)
            .await;
        gateway.live.deliver(pushes);
        gateway.close_revoked(&[banned?]);
        Ok(())
    }

    /// Ends a ban; fine where there is none.
    ///
    /// # Errors
    /// NOT_FOUND.
    pub async fn account_unban(&self, user_id: UserId) -> Result<(), ApiError> {
        Ok(self.gateway.accounts.unban(unix_now(), user_id).await?)
    }

    /// Deletes an account with everything of it, ends its logins and closes its connections. That it was there is
    /// remembered. Deleting one that is gone is fine.
    ///
    /// # Errors
    /// The database failed.
    pub async fn account_delete(&self, user_id: UserId) -> Result<(), ApiError> {
        let gateway = self.gateway.clone();
        run_to_end(async move {
            let deleted = gateway.accounts.delete_account(unix_now(), user_id);
            gateway.close_revoked(&[deleted.await?]);
            gateway.leaderboards.forget(user_id).await;
            gateway.storage_indexes.forget(user_id);
            Ok(())
        })
        .await
    }

    /// Everything that is kept of an account, as one JSON document; each subject is a member. What changes meanwhile may
    /// be in it or not.
    ///
    /// # Errors
    /// NOT_FOUND.
    pub async fn account_export(&self, user_id: UserId) -> Result<serde_json::Value, ApiError> {
        export(&self.gateway, user_id).await
    }

    /// Links a device to an account; fine where it has it.
    ///
    /// # Errors
    /// As the client's call.
    pub async fn link_device(&self, user_id: UserId, id: &str) -> Result<(), ApiError> {
        let accounts = &self.gateway.accounts;
        Ok(accounts.link_device(unix_now(), user_id, id).await?)
    }

    /// Links a custom id to an account, in place of the one it has.
    ///
    /// # Errors
    /// As the client's call.
    pub async fn link_custom(&self, user_id: UserId, id: &str) -> Result<(), ApiError> {
        let accounts = &self.gateway.accounts;
        Ok(accounts.link_custom(unix_now(), user_id, id).await?)
    }

    /// Links an email address with its password to an account, in place of those it has.
    ///
    /// # Errors
    /// As the client's call.
    pub async fn link_email(
        &self,
        user_id: UserId,
        email: &str,
        password: &str,
    ) -> Result<(), ApiError> {
        let accounts = &self.gateway.accounts;
        let linked = accounts.link_email(unix_now(), user_id, email, password);
        Ok(linked.await?)
    }

    /// Takes a device from an account that has something else to log in with.
    ///
    /// # Errors
    /// As the client's call.
    pub async fn unlink_device(&self, user_id: UserId, id: &str) -> Result<(), ApiError> {
        let accounts = &self.gateway.accounts;
        Ok(accounts.unlink_device(unix_now(), user_id, id).await?)
    }

    /// Takes the custom id from an account that has something else to log in with; an empty one stands for whatever it
    /// has.
    ///
    /// # Errors
    /// As the client's call.
    pub async fn unlink_custom(&self, user_id: UserId, id: &str) -> Result<(), ApiError> {
        let accounts = &self.gateway.accounts;
        Ok(accounts.unlink_custom(unix_now(), user_id, id).await?)
    }

    /// Takes email address and password from an account that has something else to log in with; an empty address stands
    /// for whatever it has.
    ///
    /// # Errors
    /// As the client's call.
    pub async fn unlink_email(&self, user_id: UserId, email: &str) -> Result<(), ApiError> {
        let accounts = &self.gateway.accounts;
        Ok(accounts.unlink_email(unix_now(), user_id, email).await?)
    }

    /// Ends all logins of an account and closes their connections.
    ///
    /// # Errors
    /// RESOURCE_EXHAUSTED where too many logouts are remembered.
    pub async fn logout(&self, user_id: UserId) -> Result<(), ApiError> {
        let revoked = self.gateway.logins.logout_all(user_id, unix_now()).await?;
        self.gateway.close_revoked(&[revoked]);
        Ok(())
    }
}
