//! Logins: issuing token pairs, and which of them still count.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use hashbrown::HashMap;
use tagus_base::{RoomId, UnixMillis, UserId, Uuid};
use tagus_store::{Batch, LogoutInsert, Op, Store};

use crate::{Keys, Login, PlayersError, TokenError, Tokens, VARS_BYTES_MAX, VARS_COUNT_MAX};

/// Settings of logins.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LoginConfig {
    /// Life of a session token, in seconds.
    pub session_secs: u64,
    /// Life of a refresh token, in seconds.
    pub refresh_secs: u64,
    /// Logouts remembered at once. When full, expired ones are swept; if that frees nothing, a logout is refused
    /// with [`PlayersError::LogoutsFull`].
    pub logouts_max: usize,
}

impl Default for LoginConfig {
    fn default() -> Self {
        Self { session_secs: 3_600, refresh_secs: 30 * 86_400, logouts_max: 1_000_000 }
    }
}

/// A session token and the refresh token that renews it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TokenPair {
    /// The session token.
    pub token: String,
    /// The refresh token.
    pub refresh_token: String,
    /// What the session token says.
    pub login: Login,
}

/// What a logout ended. The caller closes the connections it opened.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Revoked {
    /// All tokens with this token id.
    Login {
        /// Whose.
        user_id: UserId,
        /// Which.
        token_id: Uuid,
    },
    /// All of the account's logins.
    User(UserId),
}

/// Issues tokens and remembers logouts, in memory for the look-up and in the store for the next start.
///
/// A logout counts before it is stored: if the store fails the caller learns it, and until a restart the token is
/// logged out all the same.
#[derive(Debug)]
pub struct Logins {
    tokens: Tokens,
    config: LoginConfig,
    store: Store,
    logouts: RwLock<Logouts>,
}

impl Logins {
    /// Loads the logouts that still matter.
    pub async fn load(
        keys: &Keys,
        config: LoginConfig,
        store: Store,
        now: UnixMillis,
    ) -> Result<Self, PlayersError> {
        let rows =
            store.logouts(now).await.map_err(PlayersError::store("read remembered logouts"))?;
        let mut logouts = Logouts::default();
        for row in rows {
            match row.token_id {
                Some(token_id) => logouts.insert_login(row.user_id, token_id, row.expires_at),
                None => logouts.insert_user(row.user_id, row.created_at, row.expires_at),
            }
        }
        let tokens = Tokens::new(keys);
        Ok(Self { tokens, config, store, logouts: RwLock::new(logouts) })
    }

    /// Checks a session token: form, signature, time, logout. Quick and without waiting.
    pub fn verify_session(&self, token: &str, now: UnixMillis) -> Result<Login, TokenError> {
        let login = self.tokens.verify_session(token, now)?;
        if self.is_logged_out(&login) { Err(TokenError::LoggedOut) } else { Ok(login) }
    }

    /// Checks a refresh token: form, signature, time, logout.
    pub fn verify_refresh(&self, token: &str, now: UnixMillis) -> Result<Login, TokenError> {
        let login = self.tokens.verify_refresh(token, now)?;
        if self.is_logged_out(&login) { Err(TokenError::LoggedOut) } else { Ok(login) }
    }

    /// Whether a login that was good once was logged out since: for connections that live longer than a request.
    #[must_use]
    pub fn is_logged_out(&self, login: &Login) -> bool {
        self.read().contains(login)
    }

    /// A token that lets its holder join, and for a relayed room create, this room until `expires_at`.
    #[must_use]
    pub fn sign_match_token(&self, room: &RoomId, expires_at: UnixMillis) -> String {
        self.tokens.sign_match_token(room, expires_at)
    }

    /// The room of a match token.
    pub fn verify_match_token(&self, token: &str, now: UnixMillis) -> Result<RoomId, TokenError> {
        self.tokens.verify_match_token(token, now)
    }

    /// A token pair for an account that has just authenticated. `token_id` is a new random id.
    pub fn issue(
        &self,
        token_id: Uuid,
        user_id: UserId,
        username: Arc<str>,
        vars: BTreeMap<String, String>,
        now: UnixMillis,
    ) -> Result<TokenPair, PlayersError> {
        check_vars(&vars)?;
        let issued_at = self.read().issue_time(user_id, now);
        let expires_at = whole_secs(now.plus_secs(self.config.session_secs));
        Ok(self.sign(Login { token_id, user_id, username, vars, issued_at, expires_at }, now))
    }

    /// A new pair of the same login: same token id, so that a logout ends what came of it too. Empty `vars` keep the
    /// old ones. Fails with [`TokenError::LoggedOut`] when the login was logged out since it was verified.
    pub fn renew(
        &self,
        login: Login,
        username: Arc<str>,
        vars: BTreeMap<String, String>,
        now: UnixMillis,
    ) -> Result<TokenPair, PlayersError> {
        check_vars(&vars)?;
        let issued_at = {
            let logouts = self.read();
            if logouts.contains(&login) {
                return Err(TokenError::LoggedOut.into());
            }
            logouts.issue_time(login.user_id, now).max(login.issued_at)
        };
        let vars = if vars.is_empty() { login.vars } else { vars };
        let expires_at = whole_secs(now.plus_secs(self.config.session_secs));
        let (token_id, user_id) = (login.token_id, login.user_id);
        Ok(self.sign(Login { token_id, user_id, username, vars, issued_at, expires_at }, now))
    }

    /// Logs out what the caller named: the logins of the given tokens, or all of the user's when none is given.
    ///
    /// Fails with the protocol's texts when a token is not a valid one of this user. One logged out before is fine.
    pub async fn logout(
        &self,
        user_id: UserId,
        token: Option<&str>,
        refresh_token: Option<&str>,
        now: UnixMillis,
    ) -> Result<Vec<Revoked>, PlayersError> {
        let own = |verified: Result<Login, TokenError>, refusal| match verified {
            Ok(login) if login.user_id == user_id => Ok(login.token_id),
            _ => Err(PlayersError::InvalidArgument(refusal)),
        };
        let session = token
            .map(|token| own(self.tokens.verify_session(token, now), "Session token invalid."))
            .transpose()?;
        let refresh = refresh_token
            .map(|token| own(self.tokens.verify_refresh(token, now), "Refresh token invalid."))
            .transpose()?;
        let token_ids: BTreeSet<Uuid> = session.into_iter().chain(refresh).collect();
        if token_ids.is_empty() {
            return Ok(vec![self.logout_all(user_id, now).await?]);
        }
        let mut revoked = Vec::new();
        for token_id in token_ids {
            revoked.push(self.logout_one(user_id, token_id, now).await?);
        }
        Ok(revoked)
    }

    /// Logs out everything that the user holds. Who authenticates after it is logged in again.
    pub async fn logout_all(
        &self,
        user_id: UserId,
        now: UnixMillis,
    ) -> Result<Revoked, PlayersError> {
        let expires_at = self.remembered_until(now);
        let ended_at = {
            let mut logouts = self.write();
            // It replaces the user's entries, so it fits where there is one.
            if !logouts.users.contains_key(&user_id) {
                self.make_room(&mut logouts, now)?;
            }
            logouts.insert_user(user_id, whole_secs(now), expires_at)
        };
        self.store_logout(user_id, None, ended_at, expires_at).await?;
        Ok(Revoked::User(user_id))
    }

    /// Forgets logouts whose tokens have all expired, in memory and in the store. To be called now and then;
    /// returns how many were forgotten in memory.
    pub async fn sweep(&self, now: UnixMillis) -> Result<usize, PlayersError> {
        let swept_count = self.write().sweep(now);
        let mut batch = Batch::new();
        batch.push(Op::LogoutsExpire { now });
        self.store.commit(batch).await.map_err(PlayersError::store("forget expired logouts"))?;
        Ok(swept_count)
    }

    /// Logouts remembered in memory, at most [`LoginConfig::logouts_max`].
    #[must_use]
    pub fn logout_count(&self) -> usize {
        self.read().count
    }

    async fn logout_one(
        &self,
        user_id: UserId,
        token_id: Uuid,
        now: UnixMillis,
    ) -> Result<Revoked, PlayersError> {
        let expires_at = self.remembered_until(now);
        let inserted = {
            let mut logouts = self.write();
            if logouts.login_count(user_id) < LOGOUTS_PER_USER_MAX {
                self.make_room(&mut logouts, now)?;
                logouts.insert_login(user_id, token_id, expires_at);
                true
            } else {
                false
            }
        };
        if !inserted {
            return self.logout_all(user_id, now).await;
        }
        self.store_logout(user_id, Some(token_id), whole_secs(now), expires_at).await?;
        Ok(Revoked::Login { user_id, token_id })
    }

    /// Makes sure that one more entry fits.
    fn make_room(&self, logouts: &mut Logouts, now: UnixMillis) -> Result<(), PlayersError> {
        let logouts_max = self.config.logouts_max;
        if logouts.count >= logouts_max {
            logouts.sweep(now);
        }
        if logouts.count >= logouts_max {
            tracing::warn!(logouts_max, "table of logouts is full");
            return Err(PlayersError::LogoutsFull { logouts_max });
        }
        Ok(())
    }

    async fn store_logout(
        &self,
        user_id: UserId,
        token_id: Option<Uuid>,
        created_at: UnixMillis,
        expires_at: UnixMillis,
    ) -> Result<(), PlayersError> {
        let mut batch = Batch::new();
        batch.push(Op::LogoutInsert(LogoutInsert { user_id, token_id, created_at, expires_at }));
        self.store.commit(batch).await.map_err(PlayersError::store("store logout"))?;
        Ok(())
    }

    /// When the last token that a logout at `now` concerns has expired: a renewal that runs at the same time may sign
    /// one that lives a little longer than those known, hence the slack.
    fn remembered_until(&self, now: UnixMillis) -> UnixMillis {
        let life_secs = self.config.refresh_secs.max(self.config.session_secs);
        now.plus_secs(life_secs.saturating_add(SLACK_SECS))
    }

    fn sign(&self, login: Login, now: UnixMillis) -> TokenPair {
        let refresh_expires_at = whole_secs(now.plus_secs(self.config.refresh_secs));
        let refresh = Login { expires_at: refresh_expires_at, ..login.clone() };
        TokenPair {
            token: self.tokens.sign_session(&login),
            refresh_token: self.tokens.sign_refresh(&refresh),
            login,
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Logouts> {
        self.logouts.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Logouts> {
        self.logouts.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Single logouts remembered for one account. One more ends all logins of the account and frees their entries, so that
/// nobody fills the table by logging in and out.
pub(crate) const LOGOUTS_PER_USER_MAX: usize = 128;

/// How much longer than its tokens a logout is remembered, in seconds.
const SLACK_SECS: u64 = 3_600;

/// Logouts by account.
#[derive(Debug, Default)]
struct Logouts {
    users: HashMap<UserId, UserLogouts>,
    /// Single logouts and logouts of everything together.
    count: usize,
}

#[derive(Debug, Default)]
struct UserLogouts {
    /// Token ids that were logged out, with the time until which that matters.
    logins: Vec<(Uuid, UnixMillis)>,
    /// Logins issued up to the first time were logged out; it matters until the second.
    everything: Option<(UnixMillis, UnixMillis)>,
}

impl Logouts {
    fn contains(&self, login: &Login) -> bool {
        self.users.get(&login.user_id).is_some_and(|user| {
            user.everything.is_some_and(|(ended_at, _)| login.issued_at <= ended_at)
                || user.logins.iter().any(|(token_id, _)| *token_id == login.token_id)
        })
    }

    /// The issue time of a login that begins now. Claims have whole seconds: in the second of a logout of everything
    /// a new login is told from those it ended by a time one second later.
    fn issue_time(&self, user_id: UserId, now: UnixMillis) -> UnixMillis {
        let ended = self.users.get(&user_id).and_then(|user| user.everything);
        ended.map_or(whole_secs(now), |(ended_at, _)| whole_secs(now).max(ended_at.plus_secs(1)))
    }

    fn login_count(&self, user_id: UserId) -> usize {
        self.users.get(&user_id).map_or(0, |user| user.logins.len())
    }

    fn insert_login(&mut self, user_id: UserId, token_id: Uuid, expires_at: UnixMillis) {
        let user = self.users.entry(user_id).or_default();
        match user.logins.iter_mut().find(|(known, _)| *known == token_id) {
            Some((_, known_expires_at)) => *known_expires_at = expires_at.max(*known_expires_at),
            None => {
                user.logins.push((token_id, expires_at));
                self.count += 1;
            }
        }
    }

    /// Ends all logins issued up to `now`; returns the time up to which they have ended, which is later than that of
    /// an earlier logout of everything and at least the issue time of any login there is.
    fn insert_user(
        &mut self,
        user_id: UserId,
        now: UnixMillis,
        expires_at: UnixMillis,
    ) -> UnixMillis {
        let ended_at = self.issue_time(user_id, now);
        let user = self.users.entry(user_id).or_default();
        self.count -= user.logins.len() + usize::from(user.everything.is_some());
        *user = UserLogouts { logins: Vec::new(), everything: Some((ended_at, expires_at)) };
        self.count += 1;
        ended_at
    }

    /// Forgets what has expired; returns how many entries.
    fn sweep(&mut self, now: UnixMillis) -> usize {
        let count_before = self.count;
        let mut count = 0;
        self.users.retain(|_, user| {
            user.logins.retain(|(_, expires_at)| *expires_at > now);
            user.everything = user.everything.filter(|(_, expires_at)| *expires_at > now);
            count += user.logins.len() + usize::from(user.everything.is_some());
            !user.logins.is_empty() || user.everything.is_some()
        });
        self.count = count;
        count_before - count
    }
}

fn check_vars(vars: &BTreeMap<String, String>) -> Result<(), PlayersError> {
    let bytes: usize = vars.iter().map(|(name, value)| name.len() + value.len()).sum();
    if vars.len() > VARS_COUNT_MAX || bytes > VARS_BYTES_MAX {
        return Err(PlayersError::InvalidArgument("Session variables are too large."));
    }
    Ok(())
}

const fn whole_secs(time: UnixMillis) -> UnixMillis {
    UnixMillis(time.as_secs() * 1_000)
}
