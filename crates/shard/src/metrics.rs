//! What the shards count.

use tagus_telemetry::metrics::{Counter, Family, Gauge, Histogram, Registry, seconds_histogram};

/// Counters of all shards of a node; cheap to clone.
#[derive(Clone, Debug)]
pub struct ShardMetrics {
    /// Open connections. How many players are here?
    pub connections: Gauge,
    /// Open rooms, asleep or awake.
    pub rooms: Gauge,
    /// Ticks run.
    pub ticks: Counter,
    /// Time of one tick with its encoding. Is a game too slow for its rate?
    pub tick_seconds: Histogram,
    /// How late ticks start. Are we missing ticks? Alert above 5 ms at p99.
    pub tick_late_seconds: Histogram,
    /// Ticks that took longer than they may; the log names the room. Alert above 1 % of the ticks.
    pub tick_overruns: Counter,
    /// Messages received from clients.
    pub received: Counter,
    /// Frames queued to clients.
    pub sent: Counter,
    /// Write system calls; `sent / writes` is what batching saves.
    pub writes: Counter,
    /// What was not delivered or not done, by reason. Who does not keep up: clients, rooms or the shard?
    pub drops: Drops,
    /// Rooms closed because their game panicked. Alert above 0.
    pub rooms_failed: Counter,
}

impl ShardMetrics {
    /// Metrics registered under `tagus_shard_*`.
    pub fn register(registry: &mut Registry) -> Self {
        let by_reason = Family::<[(&'static str, &'static str); 1], Counter>::default();
        let metrics = Self {
            connections: Gauge::default(),
            rooms: Gauge::default(),
            ticks: Counter::default(),
            tick_seconds: seconds_histogram(),
            tick_late_seconds: seconds_histogram(),
            tick_overruns: Counter::default(),
            received: Counter::default(),
            sent: Counter::default(),
            writes: Counter::default(),
            drops: Drops(DropReason::ALL.map(|reason| {
                by_reason
                    .get_or_create(&[("reason", reason.name())])
                    .clone()
            })),
            rooms_failed: Counter::default(),
        };
        let sub = registry.sub_registry_with_prefix("tagus_shard");
        sub.register(
            "connections",
            "Open connections",
            metrics.connections.clone(),
        );
        sub.register("rooms", "Open rooms", metrics.rooms.clone());
        sub.register("ticks", "Ticks run", metrics.ticks.clone());
        sub.register(
            "tick_seconds",
            "Time of one tick with its encoding",
            metrics.tick_seconds.clone(),
        );
        sub.register(
            "tick_late_seconds",
            "How late ticks start",
            metrics.tick_late_seconds.clone(),
        );
        sub.register(
            "tick_overruns",
            "Ticks that took longer than they may",
            metrics.tick_overruns.clone(),
        );
        sub.register(
            "received",
            "Messages received from clients",
            metrics.received.clone(),
        );
        sub.register("sent", "Frames queued to clients", metrics.sent.clone());
        sub.register("writes", "Write system calls", metrics.writes.clone());
        sub.register(
            "drops",
            "What was not delivered or not done, by reason",
            by_reason,
        );
        sub.register(
            "rooms_failed",
            "Rooms closed because their game panicked",
            metrics.rooms_failed.clone(),
        );
        metrics
    }
}

/// Why something was not delivered or not done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DropReason {
    /// A client's message to a room: its seat had too many waiting, and the oldest went.
    InputQueueFull,
    /// A view: an earlier one to the same client was still unsent.
    ViewSuperseded,
    /// A view: the shard had no time for it before the room's next tick.
    ViewGivenUp,
    /// A view: the client says that it is far behind with those it was sent.
    ViewLagging,
    /// A connection with all that waited for it: the client did not read.
    SlowReader,
    /// A connection: what it sent is not the protocol.
    Malformed,
    /// A command to a shard: too many were waiting.
    CommandQueueFull,
    /// A client's message to a room: its seat there was gone when the message arrived.
    StaleSeat,
}

impl DropReason {
    /// All of them, in order.
    pub const ALL: [Self; 8] = [
        Self::InputQueueFull,
        Self::ViewSuperseded,
        Self::ViewGivenUp,
        Self::ViewLagging,
        Self::SlowReader,
        Self::Malformed,
        Self::CommandQueueFull,
        Self::StaleSeat,
    ];

    /// The label's value.
    const fn name(self) -> &'static str {
        match self {
            Self::InputQueueFull => "input_queue_full",
            Self::ViewSuperseded => "view_superseded",
            Self::ViewGivenUp => "view_given_up",
            Self::ViewLagging => "view_lagging",
            Self::SlowReader => "slow_reader",
            Self::Malformed => "malformed",
            Self::CommandQueueFull => "command_queue_full",
            Self::StaleSeat => "stale_seat",
        }
    }
}

/// One counter for each [`DropReason`].
#[derive(Clone, Debug)]
pub struct Drops([Counter; DropReason::ALL.len()]);

impl Drops {
    /// Counts one.
    pub fn inc(&self, reason: DropReason) {
        self.0[reason as usize].inc();
    }

    /// How many there were.
    #[must_use]
    pub fn count(&self, reason: DropReason) -> u64 {
        self.0[reason as usize].get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_shown_before_it_happens_and_counts_for_itself() {
        let mut registry = Registry::default();
        let metrics = ShardMetrics::register(&mut registry);
        let shown = |reason: DropReason, count: u64| {
            let line = format!(
                "tagus_shard_drops_total{{reason=\"{}\"}} {count}",
                reason.name()
            );
            let text = tagus_telemetry::metrics::encode(&registry);
            assert!(text.lines().any(|found| found == line), "{line} in {text}");
        };
        for (index, reason) in DropReason::ALL.into_iter().enumerate() {
            shown(reason, 0);
            for _ in 0..=index {
                metrics.drops.inc(reason);
            }
        }
        for (index, reason) in DropReason::ALL.into_iter().enumerate() {
            shown(reason, index as u64 + 1);
        }
    }
}
