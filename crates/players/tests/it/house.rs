//! A small house for the tests: a store in memory, quick passwords, seeded chance.

use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use tagus_base::{Rng, UnixMillis};
use tagus_players::{
    Accounts, Authenticated, EmailLogin, Hasher, HasherConfig, HasherThreads, IdentityLogin, Keys,
    LoginConfig, Logins, PasswordCost, PlayersError, PlayersMetrics, Random, Secret,
};
use tagus_store::{SqliteConfig, Store};
use tempfile::TempDir;

/// The tests' present.
pub(crate) const NOW: UnixMillis = UnixMillis(1_700_000_000_500);

/// The cheapest argon2id there is.
pub(crate) const QUICK: HasherConfig = HasherConfig {
    threads: 1,
    queue_len_max: 256,
    cost: PasswordCost {
        memory_kib: 8,
        passes: 1,
    },
};

/// Chance with a seed.
pub(crate) fn random(seed: u64) -> Random {
    let rng = Mutex::new(Rng::new(seed));
    Arc::new(move |bytes: &mut [u8]| {
        let mut rng = rng.lock().unwrap();
        bytes.fill_with(|| rng.next_u64() as u8);
    })
}

/// Keys of the tests.
pub(crate) fn keys() -> Keys {
    Keys {
        session: Secret::new("session key"),
        refresh: Secret::new("refresh key"),
    }
}

/// Everything that accounts need.
pub(crate) struct House {
    pub(crate) store: Store,
    pub(crate) accounts: Accounts,
    pub(crate) metrics: PlayersMetrics,
    _threads: HasherThreads,
}

impl House {
    /// A house with an empty store.
    pub(crate) fn new() -> Self {
        Self::with(Store::memory().unwrap(), LoginConfig::default(), random(1))
    }

    /// An empty house on disk, where commits take time: other requests look between a look and a commit.
    pub(crate) fn on_disk() -> (Self, TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(SqliteConfig::new(folder.path().join("tagus.db"))).unwrap();
        (Self::with(store, LoginConfig::default(), random(1)), folder)
    }

    /// A house over this store, as after a restart.
    pub(crate) fn with(store: Store, config: LoginConfig, random: Random) -> Self {
        let logins = Logins::load(&keys(), config, store.clone(), NOW).unwrap();
        let metrics = PlayersMetrics::default();
        let (hasher, threads) = Hasher::start(QUICK, random.clone(), &metrics).unwrap();
        let accounts = Accounts::new(store.clone(), hasher, Arc::new(logins), random);
        Self {
            store,
            accounts,
            metrics,
            _threads: threads,
        }
    }

    /// The logins.
    pub(crate) fn logins(&self) -> &Logins {
        self.accounts.logins()
    }

    /// Logs a device in; its account is made if need be.
    pub(crate) async fn device(&self, id: &str) -> Authenticated {
        self.accounts
            .authenticate_device(NOW, device(id))
            .await
            .unwrap()
    }
}

/// A device's login that makes an account.
pub(crate) fn device(id: &str) -> IdentityLogin<'_> {
    IdentityLogin {
        id,
        create: true,
        username: None,
    }
}

/// A login by email that makes an account.
pub(crate) fn email<'a>(email: &'a str, password: &'a str) -> EmailLogin<'a> {
    let address: IpAddr = [192, 0, 2, 1].into();
    EmailLogin {
        email,
        password,
        create: true,
        username: None,
        address: Some(address),
    }
}

/// The code and the text that a client would get.
pub(crate) fn refusal<T>(result: Result<T, PlayersError>) -> (i32, &'static str) {
    match result {
        Ok(_) => (0, ""),
        Err(error) => (error.grpc_code(), error.client_message()),
    }
}

/// A device's login that makes an account of this name.
pub(crate) fn named<'a>(id: &'a str, username: &'a str) -> IdentityLogin<'a> {
    IdentityLogin {
        username: Some(username),
        ..device(id)
    }
}

/// Runs a future to its end where there are timers.
pub(crate) fn run<F: Future>(future: F) -> F::Output {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_time().build().unwrap().block_on(future)
}

/// Runs the futures side by side on this thread and returns their results in order.
pub(crate) async fn join_all<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut running: Vec<_> = futures
        .into_iter()
        .map(|future| (Box::pin(future), None))
        .collect();
    std::future::poll_fn(|context| {
        for (future, result) in running.iter_mut().filter(|(_, result)| result.is_none()) {
            if let std::task::Poll::Ready(value) = future.as_mut().poll(context) {
                *result = Some(value);
            }
        }
        match running.iter().all(|(_, result)| result.is_some()) {
            true => std::task::Poll::Ready(()),
            false => std::task::Poll::Pending,
        }
    })
    .await;
    running
        .into_iter()
        .filter_map(|(_, result)| result)
        .collect()
}
