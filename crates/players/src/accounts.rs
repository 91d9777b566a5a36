//! Accounts: their tokens, what an owner may see and change, and what others see.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex};

use tagus_base::{UnixMillis, UserId};
use tagus_store::{AccountOp, AccountPatch, AccountRow, Batch, Conflict, Store, StoreError};

use crate::authenticate::{NOT_FOUND, enter};
use crate::{
    Authenticated, FailedPasswords, FailedPasswordsConfig, Hasher, LoginMethod, LoginOutcome,
    Logins, PlayersError, Random, Revoked, TokenPair, Username, random_uuid,
};

/// What everybody may see of an account.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct User {
    /// The account.
    pub id: UserId,
    /// Its unique name.
    pub username: String,
    /// The name to show; may be empty.
    pub display_name: String,
    /// Address of a picture; may be empty.
    pub avatar_url: String,
    /// Language, by its BCP 47 tag; `en` unless set.
    pub lang_tag: String,
    /// Where the player says to be; may be empty.
    pub location: String,
    /// The player's time zone; may be empty.
    pub timezone: String,
    /// JSON object of the studio's, as text.
    pub metadata: String,
    /// When the account was made.
    pub created_at: UnixMillis,
    /// When it was last changed.
    pub updated_at: UnixMillis,
    /// Entries in its list of friends; 0 where a listing does not show it.
    pub edge_count: i32,
}

/// What an account's owner may see of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Account {
    /// The public part.
    pub user: User,
    /// The email address, if one is linked.
    pub email: Option<String>,
    /// The custom id, if one is linked.
    pub custom_id: Option<String>,
    /// The linked devices, in order of id.
    pub devices: Vec<String>,
    /// JSON object of whole numbers, as text.
    pub wallet: String,
    /// When the email address was verified, if it was.
    pub verified_at: Option<UnixMillis>,
    /// When the account was disabled, if it is.
    pub disabled_at: Option<UnixMillis>,
}

/// What an owner changes of an account. None leaves a field, an empty text clears it; the name cannot be cleared.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct AccountUpdate {
    /// The unique name.
    pub username: Option<String>,
    /// The name to show, at most 255 bytes.
    pub display_name: Option<String>,
    /// Address of a picture, at most 512 bytes.
    pub avatar_url: Option<String>,
    /// Language tag, at most 18 bytes.
    pub lang_tag: Option<String>,
    /// Location, at most 255 bytes.
    pub location: Option<String>,
    /// Time zone, at most 255 bytes.
    pub timezone: Option<String>,
}

/// Most accounts that one request for users may name.
pub const USERS_REQUEST_MAX: usize = 100;

/// The accounts and their rules.
pub struct Accounts {
    pub(crate) store: Store,
    pub(crate) hasher: Hasher,
    logins: Arc<Logins>,
    pub(crate) random: Random,
    pub(crate) failed_passwords: Mutex<FailedPasswords>,
}

impl Accounts {
    /// Accounts that lie in the store. `random` is the operating system's generator.
    #[must_use]
    pub fn new(store: Store, hasher: Hasher, logins: Arc<Logins>, random: Random) -> Self {
        let failed_passwords = Mutex::default();
        Self {
            store,
            hasher,
            logins,
            random,
            failed_passwords,
        }
    }

    /// With these limits of wrong passwords.
    #[must_use]
    pub fn with_failed_passwords(mut self, config: FailedPasswordsConfig) -> Self {
        self.failed_passwords = Mutex::new(FailedPasswords::new(config));
        self
    }

    /// The logins: for checking tokens and logging out.
    #[must_use]
    pub const fn logins(&self) -> &Arc<Logins> {
        &self.logins
    }

    /// The token pair of a new login beside the account's others.
    pub fn sessions(
        &self,
        now: UnixMillis,
        authenticated: &Authenticated,
        vars: BTreeMap<String, String>,
    ) -> Result<TokenPair, PlayersError> {
        let token_id = random_uuid(&self.random);
        let username = Arc::clone(&authenticated.username);
        self.logins
            .issue(token_id, authenticated.user_id, username, vars, now)
    }

    /// The token pair of a new login, and what it ended: the account's other logins where a single one is allowed.
    ///
    /// # Errors
    /// Variables that are too large; an account banned meanwhile; the table of remembered logouts is full.
    pub async fn enter(
        &self,
        now: UnixMillis,
        authenticated: &Authenticated,
        vars: BTreeMap<String, String>,
    ) -> Result<(TokenPair, Option<Revoked>), PlayersError> {
        let token_id = random_uuid(&self.random);
        let username = Arc::clone(&authenticated.username);
        self.logins
            .issue_single(token_id, authenticated.user_id, username, vars, now)
            .await
    }

    /// A new token pair for a refresh token, with the account's present name. Empty `vars` keep the old ones.
    ///
    /// Fails when the token does not count, was logged out, or the account is gone or disabled.
    pub async fn refresh(
        &self,
        now: UnixMillis,
        refresh_token: &str,
        vars: BTreeMap<String, String>,
    ) -> Result<TokenPair, PlayersError> {
        if refresh_token.is_empty() {
            return Err(PlayersError::InvalidArgument("Refresh token is required."));
        }
        let refreshed = self.try_refresh(now, refresh_token, vars).await;
        let outcome = refreshed
            .as_ref()
            .map_or_else(LoginOutcome::of, |_| LoginOutcome::Entered);
        let logins = &self.hasher.metrics.logins;
        logins.count(LoginMethod::Refresh, outcome);
        refreshed
    }

    async fn try_refresh(
        &self,
        now: UnixMillis,
        refresh_token: &str,
        vars: BTreeMap<String, String>,
    ) -> Result<TokenPair, PlayersError> {
        let login = self
            .logins
            .verify_refresh(refresh_token, now)
            .map_err(|_| PlayersError::Unauthenticated("Refresh token invalid or expired."))?;
        let found = self.store.account_by_id(login.user_id).await;
        let row = found.map_err(READ)?.ok_or(NOT_FOUND)?;
        let entered = enter(row)?;
        self.logins.renew(login, entered.username, vars, now)
    }

    /// An account as its owner sees it.
    pub async fn get_account(&self, user_id: UserId) -> Result<Account, PlayersError> {
        let found = self.store.account_with_links(user_id).await;
        let (row, devices, friends) = found
            .map_err(READ)?
            .ok_or(PlayersError::NotFound("Account not found."))?;
        Ok(Account {
            email: row.email.clone(),
            custom_id: row.custom_id.clone(),
            devices,
            verified_at: Some(row.verify_time).filter(|at| *at > UnixMillis(0)),
            disabled_at: disabled_at(&row),
            wallet: row.wallet.clone(),
            user: User {
                edge_count: edge_count(friends),
                ..row.into()
            },
        })
    }

    /// Changes what its owner may change of an account. An update of nothing is fine and changes nothing.
    pub async fn update_account(
        &self,
        now: UnixMillis,
        user_id: UserId,
        update: AccountUpdate,
    ) -> Result<(), PlayersError> {
        if update == AccountUpdate::default() {
            return Ok(());
        }
        let patch = Box::new(patch(update, now)?);
        let Err(source) = self
            .commit(AccountOp::Update { id: user_id, patch }.into())
            .await
        else {
            return Ok(());
        };
        match source.conflict() {
            Some(Conflict::UsernameTaken) => Err(NAME_TAKEN),
            Some(Conflict::Missing) => Err(PlayersError::NotFound("Account not found.")),
            _ => Err(PlayersError::Store {
                attempt: "update account",
                source,
            }),
        }
    }

    /// Deletes an account and ends its logins. Deleting one that is gone is fine: where its logins could not be ended, as
    /// the table of remembered logouts was full, a second time ends them.
    pub async fn delete_account(
        &self,
        now: UnixMillis,
        user_id: UserId,
    ) -> Result<Revoked, PlayersError> {
        let delete = AccountOp::Delete {
            id: user_id,
            tombstone_time: now,
        };
        match self.commit(delete.into()).await {
            Err(source) if source.conflict() != Some(Conflict::Missing) => {
                return Err(PlayersError::Store {
                    attempt: "delete account",
                    source,
                });
            }
            _ => {}
        }
        // Whoever read the account before it was deleted is refused when it wants its token.
        self.logins.shut_out(user_id, now);
        self.logins.logout_all(user_id, now).await
    }

    /// The accounts of these ids and names: each once, in the order asked for, unknown ones left out.
    ///
    /// Fails when more than [`USERS_REQUEST_MAX`] are named.
    pub async fn users(
        &self,
        ids: &[UserId],
        usernames: &[String],
    ) -> Result<Vec<User>, PlayersError> {
        if ids.len() + usernames.len() > USERS_REQUEST_MAX {
            return Err(PlayersError::InvalidArgument(
                "At most 100 users may be requested at once.",
            ));
        }
        let names: Vec<&str> = usernames.iter().map(String::as_str).collect();
        let mut rows = self.store.accounts_by_ids(ids).await.map_err(READ)?;
        let named = self.store.accounts_by_usernames(&names).await;
        rows.extend(named.map_err(READ)?);
        let mut seen = BTreeSet::new();
        rows.retain(|row| seen.insert(row.id));
        let ids: Vec<UserId> = rows.iter().map(|row| row.id).collect();
        let counts = self.store.friend_counts(&ids).await.map_err(READ)?;
        let users = rows.into_iter().zip(counts).map(|(row, count)| User {
            edge_count: edge_count(count),
            ..row.into()
        });
        Ok(users.collect())
    }

    pub(crate) async fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        self.store.commit(batch).await.map(|_| ())
    }
}

impl fmt::Debug for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accounts")
            .field("logins", &self.logins)
            .finish_non_exhaustive()
    }
}

pub(crate) const NAME_TAKEN: PlayersError =
    PlayersError::AlreadyExists("Username is already in use.");
pub(crate) const READ: fn(StoreError) -> PlayersError = |source| PlayersError::Store {
    attempt: "read account",
    source,
};

fn edge_count(count: u64) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

pub(crate) fn disabled_at(row: &AccountRow) -> Option<UnixMillis> {
    Some(row.disable_time).filter(|at| *at > UnixMillis(0))
}

pub(crate) fn patch(update: AccountUpdate, now: UnixMillis) -> Result<AccountPatch, PlayersError> {
    let username = update
        .username
        .map(|name| Username::parse(&name))
        .transpose()?;
    let checked = |text: Option<String>, bytes_max: usize, refusal| match text {
        Some(text) if text.len() > bytes_max => Err(PlayersError::InvalidArgument(refusal)),
        text => Ok(text),
    };
    Ok(AccountPatch {
        username: username.map(String::from),
        display_name: checked(
            update.display_name,
            255,
            "Display name invalid, must be at most 255 bytes.",
        )?,
        avatar_url: checked(
            update.avatar_url,
            512,
            "Avatar URL invalid, must be at most 512 bytes.",
        )?,
        lang_tag: checked(
            update.lang_tag,
            18,
            "Language tag invalid, must be at most 18 bytes.",
        )?,
        location: checked(
            update.location,
            255,
            "Location invalid, must be at most 255 bytes.",
        )?,
        timezone: checked(
            update.timezone,
            255,
            "Time zone invalid, must be at most 255 bytes.",
        )?,
        update_time: now,
        ..AccountPatch::default()
    })
}

impl From<AccountRow> for User {
    fn from(row: AccountRow) -> Self {
        Self {
            id: row.id,
            username: row.username,
            display_name: row.display_name,
            avatar_url: row.avatar_url,
            lang_tag: row.lang_tag,
            location: row.location,
            timezone: row.timezone,
            metadata: row.metadata,
            created_at: row.create_time,
            updated_at: row.update_time,
            edge_count: 0,
        }
    }
}
