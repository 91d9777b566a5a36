//! Accounts and logins over a store in memory, beside a naive model of which tokens count.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tagus_base::{Rng, UnixMillis, UserId, Uuid};
use tagus_players::{
    Accounts, Hasher, HasherConfig, IdentityLogin, Keys, Login, LoginConfig, Logins, PlayersError,
    PlayersMetrics, Random, Revoked, Secret, TokenError, TokenPair,
};
use tagus_store::Store;

/// Every answer is compared with what the model says; a difference is a panic.
pub(crate) struct Desk {
    store: Store,
    random: Random,
    hasher: Hasher,
    accounts: Accounts,
    /// The account of each device.
    users: BTreeMap<String, UserId>,
    /// Logins by token id: whose, and whether they were ended.
    issued: BTreeMap<Uuid, (UserId, bool)>,
}

impl Desk {
    pub(crate) fn new(seed: u64) -> Self {
        let random = random(seed);
        let store = Store::memory().expect("a database in memory opens");
        let (hasher, threads) = Hasher::start(
            HasherConfig::default(),
            random.clone(),
            &PlayersMetrics::default(),
        )
        .expect("the system has a thread more");
        // Devices have no passwords.
        threads.stop();
        let accounts = open(&store, &hasher, &random, Duration::ZERO);
        Self {
            store,
            random,
            hasher,
            accounts,
            users: BTreeMap::new(),
            issued: BTreeMap::new(),
        }
    }

    /// Forgets everything that is not in the store, as a restart does.
    pub(crate) fn restart(&mut self, now: Duration) {
        self.accounts = open(&self.store, &self.hasher, &self.random, now);
    }

    /// A device logs in, which makes its account the first time.
    pub(crate) fn log_in(&mut self, now: Duration, device: &str) -> TokenPair {
        let login = IdentityLogin {
            id: device,
            create: true,
            username: None,
        };
        let found = at_once(self.accounts.authenticate_device(calendar(now), login))
            .expect("a device may log in");
        assert_eq!(found.created, !self.users.contains_key(device), "{device}");
        let user = *self.users.entry(device.to_owned()).or_insert(found.user_id);
        assert_eq!(user, found.user_id, "the account of {device}");
        let pair = self
            .accounts
            .sessions(calendar(now), &found, BTreeMap::new())
            .expect("a login without variables");
        let known = self.issued.insert(pair.login.token_id, (user, false));
        assert_eq!(known, None, "a token id is used once");
        pair
    }

    /// A token pair of the same login, if it still counts.
    pub(crate) fn refresh(&mut self, now: Duration, old: &TokenPair) -> Option<TokenPair> {
        let asked = self
            .accounts
            .refresh(calendar(now), &old.refresh_token, BTreeMap::new());
        let pair = at_once(asked).ok();
        assert_eq!(
            pair.is_some(),
            !self.is_ended(&old.login),
            "refresh {:?}",
            old.login
        );
        if let Some(pair) = &pair {
            assert_eq!(pair.login.token_id, old.login.token_id);
            assert_eq!(pair.login.user_id, old.login.user_id);
        }
        pair
    }

    /// Whether this pair's session token opens a connection.
    pub(crate) fn admits(&self, now: Duration, pair: &TokenPair) -> bool {
        let verified = self
            .accounts
            .logins()
            .verify_session(&pair.token, calendar(now));
        let expired = calendar(now).as_secs() >= pair.login.expires_at.as_secs();
        let expected = match (expired, self.is_ended(&pair.login)) {
            (true, _) => Err(TokenError::Expired),
            (false, true) => Err(TokenError::LoggedOut),
            (false, false) => Ok(pair.login.user_id),
        };
        let found = verified.map(|login| login.user_id);
        assert_eq!(found, expected, "{:?}", pair.login);
        found.is_ok()
    }

    /// Logs this login out, or all of its user's. Answers false when the tokens are too old to prove whose they are.
    pub(crate) fn log_out(&mut self, now: Duration, pair: &TokenPair, everywhere: bool) -> bool {
        let tokens = (!everywhere).then_some((&*pair.token, &*pair.refresh_token));
        let (token, refresh_token) = tokens.unzip();
        let logins = self.accounts.logins();
        let asked = logins.logout(pair.login.user_id, token, refresh_token, calendar(now));
        let revoked = match at_once(asked) {
            Ok(revoked) => revoked,
            Err(PlayersError::InvalidArgument(_)) => return false,
            Err(error) => panic!("log out: {error}"),
        };
        for one in revoked {
            match one {
                Revoked::Login { user_id, token_id } => {
                    let login = self.issued.get_mut(&token_id).expect("issued before");
                    assert_eq!(login.0, user_id);
                    login.1 = true;
                }
                Revoked::Others { user_id, token_id } => {
                    let logins = self.issued.iter_mut();
                    logins
                        .filter(|(id, (user, _))| *user == user_id && **id != token_id)
                        .for_each(|(_, (_, ended))| *ended = true);
                }
                Revoked::User(user_id) => {
                    let logins = self.issued.values_mut();
                    logins
                        .filter(|(user, _)| *user == user_id)
                        .for_each(|(_, ended)| *ended = true);
                }
            }
        }
        true
    }

    /// Whether the login was logged out; the model and the real thing agree.
    pub(crate) fn is_ended(&self, login: &Login) -> bool {
        let ended = self.issued.get(&login.token_id).is_none_or(|one| one.1);
        assert_eq!(
            self.accounts.logins().is_logged_out(login),
            ended,
            "{login:?}"
        );
        ended
    }

    /// Accounts in the store are those of the devices, each with a name of its own.
    pub(crate) fn check(&self) {
        let ids: Vec<UserId> = self.users.values().copied().collect();
        let users = at_once(self.accounts.users(&ids, &[])).expect("few users");
        let names: BTreeSet<&str> = users.iter().map(|user| &*user.username).collect();
        assert_eq!((users.len(), names.len()), (ids.len(), ids.len()));
    }
}

/// The calendar at this time of the run.
fn calendar(now: Duration) -> UnixMillis {
    let since = u64::try_from(now.as_millis()).expect("a run is shorter than the calendar");
    UnixMillis(EPOCH_MS + since)
}

fn open(store: &Store, hasher: &Hasher, random: &Random, now: Duration) -> Accounts {
    let keys = Keys {
        session: Secret::new("session key of the simulation"),
        refresh: Secret::new("refresh key of the simulation"),
    };
    let config = LoginConfig {
        session_secs: SESSION_SECS,
        ..LoginConfig::default()
    };
    let logins = at_once(async { Logins::load(&keys, config, store.clone(), calendar(now)) });
    let logins = Arc::new(logins.expect("the store has the logouts"));
    Accounts::new(store.clone(), hasher.clone(), logins, random.clone())
}

/// Bytes of a seeded generator in place of the operating system's.
fn random(seed: u64) -> Random {
    let rng = Mutex::new(Rng::new(seed));
    Arc::new(move |bytes: &mut [u8]| {
        let mut rng = rng.lock().unwrap_or_else(PoisonError::into_inner);
        bytes.fill_with(|| rng.next_u64().to_le_bytes()[0]);
    })
}

/// The result of a future that has nothing to wait for.
fn at_once<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("a store in memory has nothing to wait for"),
    }
}

/// The calendar when a run begins.
const EPOCH_MS: u64 = 1_800_000_000_000;
/// Life of a session token, so short that runs see tokens expire.
const SESSION_SECS: u64 = 90;
