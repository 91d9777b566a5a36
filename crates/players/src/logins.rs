//! Logins: issuing token pairs, and which of them still count.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use hashbrown::HashMap;
use tagus_base::{RoomId, UnixMillis, UserId, Uuid};
use tagus_store::{Batch, Logout, LogoutOp, LogoutRow, Store, block_on};

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
    /// Whether a new login of an account ends its others.
    pub single_session: bool,
}

impl Default for LoginConfig {
    fn default() -> Self {
        Self {
            session_secs: 3_600,
            refresh_secs: 30 * 86_400,
            logouts_max: 1_000_000,
            single_session: false,
        }
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
    /// All of the account's logins but one.
    Others {
        /// Whose.
        user_id: UserId,
        /// The one that goes on.
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
    /// Loads the logouts that still matter, at start: waits for the database.
    pub fn load(
        keys: &Keys,
        config: LoginConfig,
        store: Store,
        now: UnixMillis,
    ) -> Result<Self, PlayersError> {
        let rows =
            block_on(store.logouts(now)).map_err(PlayersError::store("read remembered logouts"))?;
        let mut logouts = Logouts::default();
        for row in rows {
            match row.logout {
                Logout::Token(token_id) => {
                    logouts.token_ids.insert(token_id, row.expires_at);
                }
                Logout::UserBefore { user, before } => {
                    logouts.set_ended(
                        user,
                        Ended {
                            before,
                            expires_at: row.expires_at,
                        },
                    );
                }
            }
        }
        let tokens = Tokens::new(keys);
        Ok(Self {
            tokens,
            config,
            store,
            logouts: RwLock::new(logouts),
        })
    }

    /// Checks a session token: form, signature, time, logout. Quick and without waiting.
    pub fn verify_session(&self, token: &str, now: UnixMillis) -> Result<Login, TokenError> {
        let login = self.tokens.verify_session(token, now)?;
        if self.is_logged_out(&login) {
            Err(TokenError::LoggedOut)
        } else {
            Ok(login)
        }
    }

    /// Checks a refresh token: form, signature, time, logout.
    pub fn verify_refresh(&self, token: &str, now: UnixMillis) -> Result<Login, TokenError> {
        let login = self.tokens.verify_refresh(token, now)?;
        if self.is_logged_out(&login) {
            Err(TokenError::LoggedOut)
        } else {
            Ok(login)
        }
    }

    /// Whether a login that was good once was logged out since: for connections that live longer than a request.
    #[must_use]
    pub fn is_logged_out(&self, login: &Login) -> bool {
        self.has_ended(login.user_id, login.token_id, login.issued_at)
    }

    /// As [`Self::is_logged_out`], of a login that only its parts are known of.
    #[must_use]
    pub fn has_ended(&self, user_id: UserId, token_id: Uuid, issued_at: UnixMillis) -> bool {
        self.read().contains(user_id, token_id, issued_at)
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
        let issued_at = {
            let logouts = self.read();
            logouts.check_not_shut_out(user_id, now)?;
            logouts.issue_time(user_id, now)
        };
        let expires_at = whole_secs(now.plus_secs(self.config.session_secs));
        Ok(self.sign(
            Login {
                token_id,
                user_id,
                username,
                vars,
                issued_at,
                expires_at,
            },
            now,
        ))
    }

    /// As [`Self::issue`], and ends the account's other logins where a single one is allowed. Of several at the same time
    /// the last one counts.
    pub async fn issue_single(
        &self,
        token_id: Uuid,
        user_id: UserId,
        username: Arc<str>,
        vars: BTreeMap<String, String>,
        now: UnixMillis,
    ) -> Result<(TokenPair, Option<Revoked>), PlayersError> {
        if !self.config.single_session {
            let pair = self.issue(token_id, user_id, username, vars, now)?;
            return Ok((pair, None));
        }
        check_vars(&vars)?;
        // In one step: the login begins at the very time before which all others have ended.
        let issued_at = self.end_all(user_id, now).await?;
        self.read().check_not_shut_out(user_id, now)?;
        let expires_at = whole_secs(now.plus_secs(self.config.session_secs));
        let login = Login {
            token_id,
            user_id,
            username,
            vars,
            issued_at,
            expires_at,
        };
        Ok((
            self.sign(login, now),
            Some(Revoked::Others { user_id, token_id }),
        ))
    }

    /// Issues nothing more to this account for [`SHUT_OUT_SECS`]: a login that read the account before it was banned or
    /// deleted asks for its tokens after it.
    pub(crate) fn shut_out(&self, user_id: UserId, now: UnixMillis) {
        let mut logouts = self.write();
        let until = now.plus_secs(SHUT_OUT_SECS);
        logouts.shut_out.retain(|_, until| *until > now);
        logouts.shut_out.insert(user_id, until);
    }

    /// Ends what [`Self::shut_out`] began.
    pub(crate) fn let_in(&self, user_id: UserId) {
        self.write().shut_out.remove(&user_id);
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
            if logouts.contains(login.user_id, login.token_id, login.issued_at) {
                return Err(TokenError::LoggedOut.into());
            }
            logouts.check_not_shut_out(login.user_id, now)?;
            logouts.issue_time(login.user_id, now).max(login.issued_at)
        };
        let vars = if vars.is_empty() { login.vars } else { vars };
        let expires_at = whole_secs(now.plus_secs(self.config.session_secs));
        let (token_id, user_id) = (login.token_id, login.user_id);
        Ok(self.sign(
            Login {
                token_id,
                user_id,
                username,
                vars,
                issued_at,
                expires_at,
            },
            now,
        ))
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
            .map(|token| {
                own(
                    self.tokens.verify_session(token, now),
                    "Session token invalid.",
                )
            })
            .transpose()?;
        let refresh = refresh_token
            .map(|token| {
                own(
                    self.tokens.verify_refresh(token, now),
                    "Refresh token invalid.",
                )
            })
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
        self.end_all(user_id, now).await?;
        Ok(Revoked::User(user_id))
    }

    /// Ends all logins of a user; answers the time before which they were issued.
    async fn end_all(&self, user_id: UserId, now: UnixMillis) -> Result<UnixMillis, PlayersError> {
        let expires_at = self.remembered_until(now);
        let before = {
            let mut logouts = self.write();
            // A later one replaces an earlier one of the same user, so it fits where there is one.
            if logouts.ended_before(user_id).is_none() {
                self.make_room(&mut logouts, now)?;
            }
            logouts.end_user(user_id, now, expires_at)
        };
        let logout = Logout::UserBefore {
            user: user_id,
            before,
        };
        self.store_logout(LogoutRow { logout, expires_at }).await?;
        Ok(before)
    }

    /// Forgets logouts whose tokens have all expired, in memory and in the store. To be called now and then;
    /// returns how many were forgotten in memory.
    pub async fn sweep(&self, now: UnixMillis) -> Result<usize, PlayersError> {
        let swept_count = self.write().sweep(now);
        let batch = Batch::from(LogoutOp::Sweep { before: now });
        self.store
            .commit(batch)
            .await
            .map_err(PlayersError::store("forget expired logouts"))?;
        Ok(swept_count)
    }

    /// Logouts remembered in memory, at most [`LoginConfig::logouts_max`].
    #[must_use]
    pub fn logout_count(&self) -> usize {
        self.read().count()
    }

    async fn logout_one(
        &self,
        user_id: UserId,
        token_id: Uuid,
        now: UnixMillis,
    ) -> Result<Revoked, PlayersError> {
        let expires_at = self.remembered_until(now);
        let has_room = {
            let mut logouts = self.write();
            let has_room = logouts.has_room_of_user(user_id, token_id);
            if has_room {
                self.make_room(&mut logouts, now)?;
                logouts.end_login(user_id, token_id, expires_at);
            }
            has_room
        };
        if !has_room {
            return self.logout_all(user_id, now).await;
        }
        let logout = Logout::Token(token_id);
        self.store_logout(LogoutRow { logout, expires_at }).await?;
        Ok(Revoked::Login { user_id, token_id })
    }

    /// Makes sure that one more entry fits.
    fn make_room(&self, logouts: &mut Logouts, now: UnixMillis) -> Result<(), PlayersError> {
        let logouts_max = self.config.logouts_max;
        if logouts.count() < logouts_max {
            return Ok(());
        }
        // Not at every refusal: a sweep looks at the whole table while token checks wait.
        if now >= logouts.swept_at.plus_secs(SWEEP_SECS_MIN) && logouts.sweep(now) == 0 {
            tracing::warn!(logouts_max, "table of logouts is full, logouts are refused");
        }
        if logouts.count() >= logouts_max {
            return Err(PlayersError::LogoutsFull { logouts_max });
        }
        Ok(())
    }

    async fn store_logout(&self, row: LogoutRow) -> Result<(), PlayersError> {
        let batch = Batch::from(LogoutOp::Insert(row));
        self.store
            .commit(batch)
            .await
            .map_err(PlayersError::store("store logout"))?;
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
        let refresh = Login {
            expires_at: refresh_expires_at,
            ..login.clone()
        };
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

/// Single logouts remembered of one account. While there are so many each further one ends all logins of the account
/// instead, so that nobody fills the table by logging in and out. Those from before a restart do not count.
const LOGOUTS_PER_USER_MAX: usize = 128;

/// How much longer than its tokens a logout is remembered, in seconds.
const SLACK_SECS: u64 = 3_600;

/// How long after a ban or a deletion no tokens are issued, in seconds: longer than a login takes.
const SHUT_OUT_SECS: u64 = 60;

/// Least time between two sweeps of a full table, in seconds.
const SWEEP_SECS_MIN: u64 = 10;

/// What has been logged out.
#[derive(Debug, Default)]
struct Logouts {
    /// Single logins, with the time until which that matters.
    token_ids: HashMap<Uuid, UnixMillis>,
    users: HashMap<UserId, UserLogouts>,
    /// Who gets no tokens, and until when: those banned or deleted in the last minute.
    shut_out: HashMap<UserId, UnixMillis>,
    /// Users that have an end of all logins.
    ended_count: usize,
    /// When it was last swept.
    swept_at: UnixMillis,
}

#[derive(Debug, Default)]
struct UserLogouts {
    /// Which of the single logins are this user's, as far as known.
    token_ids: Vec<Uuid>,
    ended: Option<Ended>,
}

/// All logins of a user that were issued earlier have ended.
#[derive(Clone, Copy, Debug)]
struct Ended {
    before: UnixMillis,
    expires_at: UnixMillis,
}

impl Logouts {
    fn contains(&self, user_id: UserId, token_id: Uuid, issued_at: UnixMillis) -> bool {
        self.token_ids.contains_key(&token_id)
            || self
                .ended_before(user_id)
                .is_some_and(|before| issued_at < before)
    }

    fn check_not_shut_out(&self, user_id: UserId, now: UnixMillis) -> Result<(), PlayersError> {
        match self.shut_out.get(&user_id) {
            Some(until) if *until > now => Err(PlayersError::AccountDisabled),
            _ => Ok(()),
        }
    }

    fn count(&self) -> usize {
        self.token_ids.len() + self.ended_count
    }

    fn ended_before(&self, user_id: UserId) -> Option<UnixMillis> {
        Some(self.users.get(&user_id)?.ended?.before)
    }

    /// The issue time of a login that begins now. Claims have whole seconds: in the second of a logout of everything
    /// a new login is told from those it ended by a time one second later.
    fn issue_time(&self, user_id: UserId, now: UnixMillis) -> UnixMillis {
        let now = whole_secs(now);
        self.ended_before(user_id)
            .map_or(now, |before| now.max(before))
    }

    fn has_room_of_user(&self, user_id: UserId, token_id: Uuid) -> bool {
        self.users.get(&user_id).is_none_or(|user| {
            user.token_ids.len() < LOGOUTS_PER_USER_MAX || user.token_ids.contains(&token_id)
        })
    }

    fn end_login(&mut self, user_id: UserId, token_id: Uuid, expires_at: UnixMillis) {
        if self.token_ids.insert(token_id, expires_at).is_none() {
            self.users
                .entry(user_id)
                .or_default()
                .token_ids
                .push(token_id);
        }
    }

    /// Ends all logins issued up to `now`, and those issued in the second after an earlier end; returns the time before
    /// which they were issued.
    fn end_user(&mut self, user_id: UserId, now: UnixMillis, expires_at: UnixMillis) -> UnixMillis {
        let before = self.issue_time(user_id, now).plus_secs(1);
        self.set_ended(user_id, Ended { before, expires_at });
        before
    }

    fn set_ended(&mut self, user_id: UserId, ended: Ended) {
        let earlier = self.users.entry(user_id).or_default().ended.replace(ended);
        self.ended_count += usize::from(earlier.is_none());
    }

    /// Forgets what has expired; returns how many entries.
    fn sweep(&mut self, now: UnixMillis) -> usize {
        let count_before = self.count();
        let mut ended_count = 0;
        let token_ids = &mut self.token_ids;
        token_ids.retain(|_, expires_at| *expires_at > now);
        self.users.retain(|_, user| {
            user.token_ids
                .retain(|token_id| token_ids.contains_key(token_id));
            user.ended = user.ended.filter(|ended| ended.expires_at > now);
            ended_count += usize::from(user.ended.is_some());
            !user.token_ids.is_empty() || user.ended.is_some()
        });
        self.ended_count = ended_count;
        self.swept_at = now;
        count_before - self.count()
    }
}

fn check_vars(vars: &BTreeMap<String, String>) -> Result<(), PlayersError> {
    let bytes: usize = vars
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    if vars.len() > VARS_COUNT_MAX || bytes > VARS_BYTES_MAX {
        return Err(PlayersError::InvalidArgument(
            "Session variables are too large.",
        ));
    }
    Ok(())
}

const fn whole_secs(time: UnixMillis) -> UnixMillis {
    UnixMillis(time.as_secs() * 1_000)
}
