//! What the players' side says about itself.

use tagus_telemetry::metrics::{Counter, Family, Gauge, Histogram, Registry, seconds_histogram};

use crate::{Authenticated, Kind, PlayersError};

/// Metrics of one node's players; clones share their values.
#[derive(Clone, Debug)]
pub struct PlayersMetrics {
    /// Logins by method and outcome. Who comes in, and who is turned away?
    pub logins: LoginCounters,
    /// Attempts refused because too many passwords before them were wrong. Is somebody guessing?
    pub password_refusals: Counter,
    /// Passwords that wait for a hashing thread. Are there enough of them?
    pub passwords_waiting: Gauge,
    /// Time that a password waited for a hashing thread, in seconds. Alert above 1 s at the 99th percentile.
    pub password_wait_seconds: Histogram,
    /// Streams that have a member.
    pub streams: Gauge,
    /// Memberships of all streams, hidden ones too. How much presence does the node hold?
    pub stream_members: Gauge,
}

impl Default for PlayersMetrics {
    fn default() -> Self {
        Self {
            logins: LoginCounters::default(),
            password_refusals: Counter::default(),
            passwords_waiting: Gauge::default(),
            password_wait_seconds: seconds_histogram(),
            streams: Gauge::default(),
            stream_members: Gauge::default(),
        }
    }
}

impl PlayersMetrics {
    /// Makes the metrics visible as `tagus_players_*`.
    pub fn register(&self, registry: &mut Registry) {
        let sub = registry.sub_registry_with_prefix("tagus_players");
        sub.register(
            "logins",
            "Logins by method and outcome",
            self.logins.family.clone(),
        );
        sub.register(
            "password_refusals",
            "Attempts refused because too many passwords before them were wrong",
            self.password_refusals.clone(),
        );
        sub.register(
            "passwords_waiting",
            "Passwords that wait for a hashing thread",
            self.passwords_waiting.clone(),
        );
        sub.register(
            "password_wait_seconds",
            "Time that a password waited for a hashing thread",
            self.password_wait_seconds.clone(),
        );
        sub.register(
            "streams",
            "Streams that have a member",
            self.streams.clone(),
        );
        sub.register(
            "stream_members",
            "Memberships of all streams",
            self.stream_members.clone(),
        );
    }
}

/// How somebody logs in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LoginMethod {
    /// By a device's id.
    Device,
    /// By a custom id.
    Custom,
    /// By a password.
    Password,
    /// By a refresh token.
    Refresh,
}

/// What came of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LoginOutcome {
    /// An account was made.
    Created,
    /// An account was there.
    Entered,
    /// The client was wrong, or too quick.
    Refused,
    /// We or our surroundings were wrong.
    Failed,
}

type Labels = [(&'static str, &'static str); 2];

/// Logins by method and outcome.
#[derive(Clone, Debug)]
pub struct LoginCounters {
    family: Family<Labels, Counter>,
    /// By method, then by outcome.
    counters: [[Counter; 4]; 4],
}

impl Default for LoginCounters {
    fn default() -> Self {
        let family = Family::<Labels, Counter>::default();
        let counters = LoginMethod::LABELS.map(|method| {
            LoginOutcome::LABELS.map(|outcome| {
                let labels = [("method", method), ("outcome", outcome)];
                family.get_or_create(&labels).clone()
            })
        });
        Self { family, counters }
    }
}

impl LoginCounters {
    /// How many logins by this method had this outcome.
    #[must_use]
    pub fn get(&self, method: LoginMethod, outcome: LoginOutcome) -> u64 {
        self.counter(method, outcome).get()
    }

    /// Counts a login.
    pub(crate) fn count(&self, method: LoginMethod, outcome: LoginOutcome) {
        self.counter(method, outcome).inc();
    }

    /// Counts what came of an authentication.
    pub(crate) fn observe(
        &self,
        method: LoginMethod,
        result: &Result<Authenticated, PlayersError>,
    ) {
        let outcome = match result {
            Ok(authenticated) if authenticated.created => LoginOutcome::Created,
            Ok(_) => LoginOutcome::Entered,
            Err(err) => LoginOutcome::of(err),
        };
        self.count(method, outcome);
    }

    const fn counter(&self, method: LoginMethod, outcome: LoginOutcome) -> &Counter {
        &self.counters[method as usize][outcome as usize]
    }
}

impl LoginMethod {
    /// Their labels, in the order of their declaration.
    const LABELS: [&str; 4] = ["device", "custom", "password", "refresh"];
}

impl LoginOutcome {
    /// Their labels, in the order of their declaration.
    const LABELS: [&str; 4] = ["created", "entered", "refused", "failed"];

    /// The outcome of a login that failed.
    pub(crate) const fn of(err: &PlayersError) -> Self {
        match err.kind() {
            Kind::Internal | Kind::Unavailable => Self::Failed,
            _ => Self::Refused,
        }
    }
}
