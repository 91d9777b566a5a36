//! Accounts: who logs in, as whom, and what others see of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tagus_base::{UnixMillis, UserId};
use tagus_store::{AccountPatch, AccountRow, Batch, Conflict, Op, Store, StoreError};

use crate::{
    CustomId, DeviceId, Email, FailedPasswords, Hasher, Logins, Password, PlayersError, Random,
    Revoked, Secret, TokenPair, Username, random_uuid,
};

/// A log-in with an id that the client keeps: a device's, or one of another system of the studio's.
#[derive(Clone, Copy, Debug)]
pub struct IdentityLogin<'a> {
    /// The id as the client sent it.
    pub id: &'a str,
    /// Whether an account is made when there is none. The protocol's default is true.
    pub create: bool,
    /// Name of a new account; none or empty makes one up.
    pub username: Option<&'a str>,
}

/// A log-in with a password. Not to be shown, hence no `Debug`.
#[derive(Clone, Copy)]
pub struct EmailLogin<'a> {
    /// The address as the client sent it; empty to log in by name instead, which never makes an account.
    pub email: &'a str,
    /// The password as the client sent it.
    pub password: &'a str,
    /// Whether an account is made when there is none. The protocol's default is true.
    pub create: bool,
    /// Name of a new account, or of the account to log in to when the address is empty.
    pub username: Option<&'a str>,
    /// Where the request came from, to slow down guessing; none for local callers.
    pub address: Option<IpAddr>,
}

/// Somebody proved to be this account.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Authenticated {
    /// The account.
    pub user_id: UserId,
    /// Its name.
    pub username: Arc<str>,
    /// Whether it was made by this log-in.
    pub created: bool,
}

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
    store: Store,
    hasher: Hasher,
    logins: Arc<Logins>,
    random: Random,
    failed_passwords: Mutex<FailedPasswords>,
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

    /// The logins: for checking tokens and logging out.
    #[must_use]
    pub const fn logins(&self) -> &Arc<Logins> {
        &self.logins
    }

    /// Logs in by a device's id.
    pub async fn authenticate_device(
        &self,
        now: UnixMillis,
        login: IdentityLogin<'_>,
    ) -> Result<Authenticated, PlayersError> {
        let identity = Identity::Device(DeviceId::parse(login.id)?);
        self.authenticate(now, &identity, login).await
    }

    /// Logs in by a custom id.
    pub async fn authenticate_custom(
        &self,
        now: UnixMillis,
        login: IdentityLogin<'_>,
    ) -> Result<Authenticated, PlayersError> {
        let identity = Identity::Custom(CustomId::parse(login.id)?);
        self.authenticate(now, &identity, login).await
    }

    /// Logs in by a password, with an email address or, without one, with the account's name.
    ///
    /// Fails with [`PlayersError::TooManyAttempts`] after too many wrong passwords, and with
    /// [`PlayersError::HasherBusy`] when too many passwords wait to be looked at.
    pub async fn authenticate_email(
        &self,
        now: UnixMillis,
        login: EmailLogin<'_>,
    ) -> Result<Authenticated, PlayersError> {
        let username = chosen_name(login.username)?;
        let credential = match (login.email, &username) {
            ("", None) => {
                let message = "Username is required when email address is not supplied.";
                return Err(PlayersError::InvalidArgument(message));
            }
            ("", Some(username)) => Credential::Name(username.clone()),
            (email, _) => Credential::Email(Email::parse(email)?),
        };
        let password = Password::parse(login.password)?.into_secret();
        let account_key = credential.account_key();
        self.failed_passwords()
            .begin(now, &account_key, login.address)
            .map_err(|retry| PlayersError::TooManyAttempts { retry_ms: retry.ms })?;
        let result = match credential {
            Credential::Name(username) => self.enter_by_name(&username, password).await,
            Credential::Email(email) if login.create => {
                self.enter_or_create(now, email, password, username).await
            }
            Credential::Email(email) => self.enter_by_email(&email, password).await,
        };
        let mut failed_passwords = self.failed_passwords();
        match &result {
            Ok(_) => failed_passwords.succeeded(&account_key, login.address),
            Err(PlayersError::Unauthenticated(_) | PlayersError::NotFound(_)) => {}
            Err(_) => failed_passwords.withdrawn(&account_key, login.address),
        }
        drop(failed_passwords);
        result
    }

    /// The token pair of a new login.
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
        let login = self
            .logins
            .verify_refresh(refresh_token, now)
            .map_err(|_| PlayersError::Unauthenticated("Refresh token invalid or expired."))?;
        let found = self.store.account_by_id(login.user_id);
        let row = found.map_err(READ)?.ok_or(NOT_FOUND)?;
        let entered = enter(row)?;
        self.logins.renew(login, entered.username, vars, now)
    }

    /// An account as its owner sees it.
    pub async fn get_account(&self, user_id: UserId) -> Result<Account, PlayersError> {
        let found = self.store.account_by_id(user_id);
        let row = found
            .map_err(READ)?
            .ok_or(PlayersError::NotFound("Account not found."))?;
        let devices = self.store.devices_of(user_id).map_err(READ)?;
        Ok(Account {
            email: row.email.clone(),
            custom_id: row.custom_id.clone(),
            devices,
            verified_at: Some(row.verify_time).filter(|at| *at > UnixMillis(0)),
            disabled_at: disabled_at(&row),
            wallet: row.wallet.clone(),
            user: row.into(),
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
            .commit(Op::AccountUpdate { id: user_id, patch }.into())
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

    /// Deletes an account and ends its logins. Deleting one that is gone is fine.
    pub async fn delete_account(
        &self,
        now: UnixMillis,
        user_id: UserId,
    ) -> Result<Revoked, PlayersError> {
        // Logins end first: if the deletion fails its owner can log in and try again.
        let revoked = self.logins.logout_all(user_id, now).await?;
        let delete = Op::AccountDelete {
            id: user_id,
            tombstone_time: now,
        };
        match self.commit(delete.into()).await {
            Err(source) if source.conflict() != Some(Conflict::Missing) => {
                Err(PlayersError::Store {
                    attempt: "delete account",
                    source,
                })
            }
            _ => Ok(revoked),
        }
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
        let mut rows = self.store.accounts_by_ids(ids).map_err(READ)?;
        rows.extend(self.store.accounts_by_usernames(&names).map_err(READ)?);
        let mut seen = BTreeSet::new();
        Ok(rows
            .into_iter()
            .filter(|row| seen.insert(row.id))
            .map(User::from)
            .collect())
    }

    async fn authenticate(
        &self,
        now: UnixMillis,
        identity: &Identity,
        login: IdentityLogin<'_>,
    ) -> Result<Authenticated, PlayersError> {
        let username = chosen_name(login.username)?;
        if let Some(row) = self.find(identity)? {
            return enter(row);
        }
        if !login.create {
            return Err(NOT_FOUND);
        }
        match self.create(now, identity, username).await? {
            Created::New(authenticated) => Ok(authenticated),
            Created::Found(row) => enter(row),
        }
    }

    async fn enter_or_create(
        &self,
        now: UnixMillis,
        email: Email,
        password: Secret,
        username: Option<Username>,
    ) -> Result<Authenticated, PlayersError> {
        if let Some(row) = self.store.account_by_email(email.as_str()).map_err(READ)? {
            return self.enter_with_password(row, password).await;
        }
        let password_hash = self.hasher.hash(password.clone()).await?;
        match self
            .create(
                now,
                &Identity::Email {
                    email,
                    password_hash,
                },
                username,
            )
            .await?
        {
            Created::New(authenticated) => Ok(authenticated),
            Created::Found(row) => self.enter_with_password(row, password).await,
        }
    }

    async fn enter_by_email(
        &self,
        email: &Email,
        password: Secret,
    ) -> Result<Authenticated, PlayersError> {
        match self.store.account_by_email(email.as_str()).map_err(READ)? {
            Some(row) => self.enter_with_password(row, password).await,
            None => self.enter_nowhere(password).await,
        }
    }

    async fn enter_by_name(
        &self,
        username: &Username,
        password: Secret,
    ) -> Result<Authenticated, PlayersError> {
        match self
            .store
            .account_by_username(username.as_str())
            .map_err(READ)?
        {
            Some(row) => self.enter_with_password(row, password).await,
            None => self.enter_nowhere(password).await,
        }
    }

    async fn enter_with_password(
        &self,
        row: AccountRow,
        password: Secret,
    ) -> Result<Authenticated, PlayersError> {
        let Some(hash) = &row.password else {
            self.hasher.verify_nothing(password).await?;
            return Err(PlayersError::Unauthenticated("Invalid credentials."));
        };
        if !self.hasher.verify(hash.clone(), password).await? {
            return Err(PlayersError::Unauthenticated("Invalid credentials."));
        }
        enter(row)
    }

    /// Refuses an unknown account after the time that a known one takes.
    async fn enter_nowhere(&self, password: Secret) -> Result<Authenticated, PlayersError> {
        self.hasher.verify_nothing(password).await?;
        Err(NOT_FOUND)
    }

    /// Makes an account, or finds the one that another request made of the same identity at the same time.
    async fn create(
        &self,
        now: UnixMillis,
        identity: &Identity,
        username: Option<Username>,
    ) -> Result<Created, PlayersError> {
        for _ in 0..CREATE_ATTEMPTS_MAX {
            let name = username
                .clone()
                .unwrap_or_else(|| Username::random(&self.random));
            let user_id = UserId(random_uuid(&self.random));
            let Err(source) = self.commit(insert(user_id, &name, identity, now)).await else {
                let username = name.as_str().into();
                return Ok(Created::New(Authenticated {
                    user_id,
                    username,
                    created: true,
                }));
            };
            let Some(conflict) = source.conflict() else {
                return Err(PlayersError::Store {
                    attempt: "create account",
                    source,
                });
            };
            if let Some(row) = self.find(identity)? {
                return Ok(Created::Found(row));
            }
            if username.is_some() && conflict == Conflict::UsernameTaken {
                return Err(NAME_TAKEN);
            }
        }
        Err(NAME_TAKEN)
    }

    fn find(&self, identity: &Identity) -> Result<Option<AccountRow>, PlayersError> {
        let found = match identity {
            Identity::Device(id) => self.store.account_by_device(id.as_str()),
            Identity::Custom(id) => self.store.account_by_custom(id.as_str()),
            Identity::Email { email, .. } => self.store.account_by_email(email.as_str()),
        };
        found.map_err(READ)
    }

    async fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        self.store.commit(batch).await.map(|_| ())
    }

    fn failed_passwords(&self) -> MutexGuard<'_, FailedPasswords> {
        self.failed_passwords
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accounts")
            .field("logins", &self.logins)
            .finish_non_exhaustive()
    }
}

/// Made-up names and lost races in a row before giving up: of 52¹⁰ names one is free.
const CREATE_ATTEMPTS_MAX: usize = 4;

const NOT_FOUND: PlayersError = PlayersError::NotFound("User account not found.");
const NAME_TAKEN: PlayersError = PlayersError::AlreadyExists("Username is already in use.");
const READ: fn(StoreError) -> PlayersError = |source| PlayersError::Store {
    attempt: "read account",
    source,
};

/// What an account is known by when it is made.
enum Identity {
    Device(DeviceId),
    Custom(CustomId),
    Email { email: Email, password_hash: String },
}

/// What somebody with a password names the account by.
enum Credential {
    Email(Email),
    Name(Username),
}

impl Credential {
    /// Names have no space, so no name counts together with an address.
    fn account_key(&self) -> String {
        match self {
            Self::Email(email) => format!("email {}", email.as_str()),
            Self::Name(username) => format!("name {}", username.as_str()),
        }
    }
}

enum Created {
    New(Authenticated),
    Found(AccountRow),
}

/// The name that a client chose, if it did: the protocol's empty name is none.
fn chosen_name(raw: Option<&str>) -> Result<Option<Username>, PlayersError> {
    raw.filter(|raw| !raw.is_empty())
        .map(Username::parse)
        .transpose()
}

fn disabled_at(row: &AccountRow) -> Option<UnixMillis> {
    Some(row.disable_time).filter(|at| *at > UnixMillis(0))
}

fn enter(row: AccountRow) -> Result<Authenticated, PlayersError> {
    if disabled_at(&row).is_some() {
        return Err(PlayersError::AccountDisabled);
    }
    Ok(Authenticated {
        user_id: row.id,
        username: row.username.into(),
        created: false,
    })
}

fn insert(user_id: UserId, name: &Username, identity: &Identity, now: UnixMillis) -> Batch {
    let mut row = Box::new(AccountRow::new(user_id, name.as_str(), now));
    match identity {
        Identity::Device(id) => {
            let device = Op::DeviceInsert {
                id: id.as_str().to_owned(),
                user: user_id,
            };
            return Batch::from(Op::AccountInsert(row)).with(device);
        }
        Identity::Custom(id) => row.custom_id = Some(id.as_str().to_owned()),
        Identity::Email {
            email,
            password_hash,
        } => {
            row.email = Some(email.as_str().to_owned());
            row.password = Some(password_hash.clone());
        }
    }
    Op::AccountInsert(row).into()
}

fn patch(update: AccountUpdate, now: UnixMillis) -> Result<AccountPatch, PlayersError> {
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
        }
    }
}
