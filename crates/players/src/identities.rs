//! Linking further identities to an account, and unlinking them, so that one always remains.

use tagus_base::{UnixMillis, UserId};
use tagus_store::{AccountOp, AccountPatch, Batch, Conflict, DeviceOp, StoreError};

use crate::accounts::Accounts;
use crate::{CustomId, DeviceId, Email, Password, PlayersError};

impl Accounts {
    /// Links a device to an account. Linking one that it has is fine.
    ///
    /// # Errors
    /// The id's form; a device of another account; [`DEVICES_MAX`] devices.
    pub async fn link_device(
        &self,
        now: UnixMillis,
        user_id: UserId,
        id: &str,
    ) -> Result<(), PlayersError> {
        let id = DeviceId::parse(id)?.into();
        let link = DeviceOp::Link {
            id,
            user: user_id,
            devices_max: DEVICES_MAX,
        };
        self.link(touch(user_id, now).with(link)).await
    }

    /// Links a custom id to an account, in place of the one it has.
    ///
    /// # Errors
    /// The id's form; an id of another account.
    pub async fn link_custom(
        &self,
        now: UnixMillis,
        user_id: UserId,
        id: &str,
    ) -> Result<(), PlayersError> {
        let id = CustomId::parse(id)?.into();
        let patch = AccountPatch {
            custom_id: Some(Some(id)),
            ..at(now)
        };
        self.link(update(user_id, patch)).await
    }

    /// Links an email address with its password to an account, in place of those it has.
    ///
    /// # Errors
    /// The address's form, the password's length; an address of another account; too many passwords to hash.
    pub async fn link_email(
        &self,
        now: UnixMillis,
        user_id: UserId,
        email: &str,
        password: &str,
    ) -> Result<(), PlayersError> {
        if email.is_empty() || password.is_empty() {
            return Err(PlayersError::InvalidArgument(
                "Email address and password is required.",
            ));
        }
        let email = Email::parse(email)?;
        let password = Password::parse(password)?.into_secret();
        // A look first, so that taken addresses cost no hash; the commit decides.
        let found = self.store.account_by_email(email.as_str()).await;
        let found = found.map_err(crate::accounts::READ)?;
        if found.is_some_and(|row| row.id != user_id) {
            return Err(EMAIL_TAKEN);
        }
        let hash = self.hasher.hash(password).await?;
        let patch = AccountPatch {
            email: Some(Some(email.into())),
            password: Some(Some(hash)),
            verify_time: Some(UnixMillis(0)),
            ..at(now)
        };
        self.link(update(user_id, patch)).await
    }

    /// Takes a device from an account.
    ///
    /// # Errors
    /// The id's form; the account has no such device, or nothing else to log in with.
    pub async fn unlink_device(
        &self,
        now: UnixMillis,
        user_id: UserId,
        id: &str,
    ) -> Result<(), PlayersError> {
        let delete = DeviceOp::Delete {
            id: DeviceId::parse(id)?.into(),
            user: user_id,
        };
        self.unlink(user_id, touch(user_id, now).with(delete)).await
    }

    /// Takes the custom id from an account; an empty one stands for whatever it has.
    ///
    /// # Errors
    /// The id's form; the account does not have it, or has nothing else to log in with.
    pub async fn unlink_custom(
        &self,
        now: UnixMillis,
        user_id: UserId,
        id: &str,
    ) -> Result<(), PlayersError> {
        let named = (!id.is_empty()).then(|| CustomId::parse(id)).transpose()?;
        let unlink = AccountOp::UnlinkCustom {
            id: user_id,
            custom_id: named.map(String::from),
            update_time: now,
        };
        self.unlink(user_id, unlink.into()).await
    }

    /// Takes the email address and the password from an account; an empty address stands for whatever it has.
    ///
    /// # Errors
    /// The address's form; the account does not have it, or has nothing else to log in with.
    pub async fn unlink_email(
        &self,
        now: UnixMillis,
        user_id: UserId,
        email: &str,
    ) -> Result<(), PlayersError> {
        let named = (!email.is_empty()).then(|| Email::parse(email));
        let unlink = AccountOp::UnlinkEmail {
            id: user_id,
            email: named.transpose()?.map(String::from),
            update_time: now,
        };
        self.unlink(user_id, unlink.into()).await
    }

    async fn link(&self, batch: Batch) -> Result<(), PlayersError> {
        let Err(source) = self.commit(batch).await else {
            return Ok(());
        };
        Err(match source.conflict() {
            Some(Conflict::DeviceTaken) => PlayersError::AlreadyExists("Device ID already in use."),
            Some(Conflict::CustomIdTaken) => {
                PlayersError::AlreadyExists("Custom ID is already in use.")
            }
            Some(Conflict::EmailTaken) => EMAIL_TAKEN,
            Some(Conflict::DevicesFull) => {
                PlayersError::FailedPrecondition("Too many devices are linked to this account.")
            }
            Some(Conflict::Missing) => PlayersError::NotFound("Account not found."),
            _ => failed(source),
        })
    }

    async fn unlink(&self, user_id: UserId, batch: Batch) -> Result<(), PlayersError> {
        let keep = AccountOp::KeepIdentity { id: user_id };
        let Err(source) = self.commit(batch.with(keep)).await else {
            return Ok(());
        };
        Err(match source.conflict() {
            Some(Conflict::LastIdentity | Conflict::Missing) => PlayersError::PermissionDenied(
                "Cannot unlink last account identifier. Check profile exists and is not last link.",
            ),
            _ => failed(source),
        })
    }
}

const EMAIL_TAKEN: PlayersError = PlayersError::AlreadyExists("Email is already in use.");

/// Devices that one account may have.
pub const DEVICES_MAX: u32 = 100;

fn at(now: UnixMillis) -> AccountPatch {
    AccountPatch {
        update_time: now,
        ..AccountPatch::default()
    }
}

fn update(id: UserId, patch: AccountPatch) -> Batch {
    let patch = Box::new(patch);
    AccountOp::Update { id, patch }.into()
}

/// A change of the account alone: others that change its identities wait for this one's end.
fn touch(id: UserId, now: UnixMillis) -> Batch {
    update(id, at(now))
}

const fn failed(source: StoreError) -> PlayersError {
    PlayersError::Store {
        attempt: "change identities",
        source,
    }
}
