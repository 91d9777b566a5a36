//! What the matchmaker says about itself.

use tagus_telemetry::metrics::{Counter, Family, Gauge, Histogram, Registry};

use super::Matched;

/// What became of a match.
#[derive(Clone, Copy, Debug)]
pub(super) enum Outcome {
    /// Its players were told of a relayed match.
    Relayed,
    /// Its players were told of an authoritative room.
    Room,
    /// Its players were told of a room that had asked for them.
    Backfill,
    /// A hook was against it.
    Rejected,
    /// Somebody left before it was decided.
    Left,
    /// Its room could not be opened, or had no seats.
    Failed,
}

impl Outcome {
    const fn name(self) -> &'static str {
        match self {
            Self::Relayed => "relayed",
            Self::Room => "room",
            Self::Backfill => "backfill",
            Self::Rejected => "rejected",
            Self::Left => "left",
            Self::Failed => "failed",
        }
    }
}

pub(super) struct MatchmakerMetrics {
    /// Tickets that wait. Do players find each other?
    pub(super) waiting: Gauge,
    /// Tickets made.
    pub(super) tickets: Counter,
    matches: Family<[(&'static str, &'static str); 1], Counter>,
    wait_seconds: Histogram,
    favourite_wins: Histogram,
    rtt_seconds: Histogram,
}

impl Default for MatchmakerMetrics {
    fn default() -> Self {
        Self {
            waiting: Gauge::default(),
            tickets: Counter::default(),
            matches: Family::default(),
            wait_seconds: Histogram::new(WAIT_SECONDS_BUCKETS),
            favourite_wins: Histogram::new(FAVOURITE_WINS_BUCKETS),
            rtt_seconds: Histogram::new(RTT_SECONDS_BUCKETS),
        }
    }
}

impl MatchmakerMetrics {
    /// Makes the metrics visible as `tagus_matchmaker_*`.
    pub(super) fn register(&self, registry: &mut Registry) {
        let sub = registry.sub_registry_with_prefix("tagus_matchmaker");
        sub.register("waiting", "Tickets that wait", self.waiting.clone());
        sub.register("tickets", "Tickets made", self.tickets.clone());
        let matches = "Matches made, by what became of them";
        sub.register("matches", matches, self.matches.clone());
        let wait = "Time that tickets of told matches had waited";
        sub.register("wait_seconds", wait, self.wait_seconds.clone());
        let favourite =
            "Predicted probability that the favourite wins, of told matches with ratings";
        sub.register("favourite_wins", favourite, self.favourite_wins.clone());
        let rtt = "Longest round-trip time to the region of told matches with regions";
        sub.register("rtt_seconds", rtt, self.rtt_seconds.clone());
    }

    pub(super) fn count(&self, outcome: Outcome) {
        let label = [("outcome", outcome.name())];
        self.matches.get_or_create(&label).inc();
    }

    /// A match is told.
    pub(super) fn observe(&self, matched: &Matched) {
        let seconds = |ms: u64| ms as f64 / 1_000.0;
        let mut last = None;
        for user in &matched.users {
            // Players of one ticket stand together.
            if last != Some(&user.ticket) {
                self.wait_seconds.observe(seconds(user.wait_ms));
            }
            last = Some(&user.ticket);
        }
        if let Some(favourite_wins) = matched.quality.favourite_wins {
            self.favourite_wins.observe(favourite_wins);
        }
        if let Some(region) = &matched.quality.region {
            self.rtt_seconds
                .observe(seconds(region.rtt_ms_max.0.into()));
        }
    }
}

const WAIT_SECONDS_BUCKETS: [f64; 14] = [
    0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3_600.0,
];
const FAVOURITE_WINS_BUCKETS: [f64; 9] = [0.1, 0.25, 0.5, 0.55, 0.6, 0.7, 0.8, 0.9, 0.95];
const RTT_SECONDS_BUCKETS: [f64; 8] = [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5];
