//! Logging in: finding the account of an identity, making it, checking its password.

use std::net::IpAddr;
use std::sync::{Arc, MutexGuard, PoisonError};

use tagus_base::{UnixMillis, UserId, Uuid};
use tagus_store::{AccountOp, AccountRow, Batch, Conflict, DeviceOp};

use crate::accounts::{Accounts, NAME_TAKEN, READ, disabled_at};
use crate::{
    CustomId, DeviceId, Email, FailedPasswords, LoginMethod, Password, PlayersError, Secret,
    Username,
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

impl Accounts {
    /// Logs in by a device's id.
    pub async fn authenticate_device(
        &self,
        now: UnixMillis,
        login: IdentityLogin<'_>,
    ) -> Result<Authenticated, PlayersError> {
        let result = match DeviceId::parse(login.id) {
            Ok(id) => self.authenticate(now, &Identity::Device(id), login).await,
            Err(err) => Err(err),
        };
        self.hasher
            .metrics
            .logins
            .observe(LoginMethod::Device, &result);
        result
    }

    /// Logs in by a custom id.
    pub async fn authenticate_custom(
        &self,
        now: UnixMillis,
        login: IdentityLogin<'_>,
    ) -> Result<Authenticated, PlayersError> {
        let result = match CustomId::parse(login.id) {
            Ok(id) => self.authenticate(now, &Identity::Custom(id), login).await,
            Err(err) => Err(err),
        };
        self.hasher
            .metrics
            .logins
            .observe(LoginMethod::Custom, &result);
        result
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
        let result = self.authenticate_password(now, login).await;
        let metrics = &self.hasher.metrics;
        metrics.logins.observe(LoginMethod::Password, &result);
        if let Err(PlayersError::TooManyAttempts { .. }) = result {
            metrics.password_refusals.inc();
        }
        result
    }

    async fn authenticate_password(
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

    async fn authenticate(
        &self,
        now: UnixMillis,
        identity: &Identity,
        login: IdentityLogin<'_>,
    ) -> Result<Authenticated, PlayersError> {
        let username = chosen_name(login.username)?;
        if let Some(row) = self.find(identity).await? {
            return enter(row);
        }
        if !login.create {
            return Err(NOT_FOUND);
        }
        match self.create(now, identity, username).await? {
            Created::New(authenticated) => Ok(authenticated),
            Created::Found(row) => enter(*row),
        }
    }

    async fn enter_or_create(
        &self,
        now: UnixMillis,
        email: Email,
        password: Secret,
        username: Option<Username>,
    ) -> Result<Authenticated, PlayersError> {
        let found = self.store.account_by_email(email.as_str()).await;
        if let Some(row) = found.map_err(READ)? {
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
            Created::Found(row) => self.enter_with_password(*row, password).await,
        }
    }

    async fn enter_by_email(
        &self,
        email: &Email,
        password: Secret,
    ) -> Result<Authenticated, PlayersError> {
        let found = self.store.account_by_email(email.as_str()).await;
        match found.map_err(READ)? {
            Some(row) => self.enter_with_password(row, password).await,
            None => self.enter_nowhere(password).await,
        }
    }

    async fn enter_by_name(
        &self,
        username: &Username,
        password: Secret,
    ) -> Result<Authenticated, PlayersError> {
        let found = self.store.account_by_username(username.as_str()).await;
        match found.map_err(READ)? {
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
            let mut random = [0; 16];
            (self.random)(&mut random);
            let user_id = UserId(Uuid::from_time(now, random));
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
            if let Some(row) = self.find(identity).await? {
                return Ok(Created::Found(Box::new(row)));
            }
            if username.is_some() && conflict == Conflict::UsernameTaken {
                return Err(NAME_TAKEN);
            }
        }
        Err(NAME_TAKEN)
    }

    async fn find(&self, identity: &Identity) -> Result<Option<AccountRow>, PlayersError> {
        let found = match identity {
            Identity::Device(id) => self.store.account_by_device(id.as_str()).await,
            Identity::Custom(id) => self.store.account_by_custom(id.as_str()).await,
            Identity::Email { email, .. } => self.store.account_by_email(email.as_str()).await,
        };
        found.map_err(READ)
    }

    fn failed_passwords(&self) -> MutexGuard<'_, FailedPasswords> {
        self.failed_passwords
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Made-up names and lost races in a row before giving up: of 52¹⁰ names one is free.
const CREATE_ATTEMPTS_MAX: usize = 4;

pub(crate) const NOT_FOUND: PlayersError = PlayersError::NotFound("User account not found.");

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
    Found(Box<AccountRow>),
}

/// The name that a client chose, if it did: the protocol's empty name is none.
fn chosen_name(raw: Option<&str>) -> Result<Option<Username>, PlayersError> {
    raw.filter(|raw| !raw.is_empty())
        .map(Username::parse)
        .transpose()
}

pub(crate) fn enter(row: AccountRow) -> Result<Authenticated, PlayersError> {
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
            let device = DeviceOp::Insert {
                id: id.as_str().to_owned(),
                user: user_id,
            };
            return Batch::from(AccountOp::Insert(row)).with(device);
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
    AccountOp::Insert(row).into()
}
