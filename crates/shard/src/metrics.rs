//! What the shards count.

use tagus_telemetry::metrics::{Counter, Gauge, Histogram, Registry, seconds_histogram};

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
    /// Messages received from clients.
    pub received: Counter,
    /// Frames queued to clients.
    pub sent: Counter,
    /// Write system calls; `sent / writes` is what batching saves.
    pub writes: Counter,
    /// Views skipped because an earlier one was still unsent. Are clients too slow?
    pub views_skipped: Counter,
    /// Connections closed because they did not read.
    pub slow_readers: Counter,
    /// Connections closed for malformed input.
    pub malformed: Counter,
    /// Messages to rooms dropped because an inbox was full.
    pub inputs_dropped: Counter,
    /// Rooms closed because their game panicked. Alert above 0.
    pub rooms_failed: Counter,
}

impl ShardMetrics {
    /// Metrics registered under `tagus_shard_*`.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            connections: Gauge::default(),
            rooms: Gauge::default(),
            ticks: Counter::default(),
            tick_seconds: seconds_histogram(),
            tick_late_seconds: seconds_histogram(),
            received: Counter::default(),
            sent: Counter::default(),
            writes: Counter::default(),
            views_skipped: Counter::default(),
            slow_readers: Counter::default(),
            malformed: Counter::default(),
            inputs_dropped: Counter::default(),
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
            "received",
            "Messages received from clients",
            metrics.received.clone(),
        );
        sub.register("sent", "Frames queued to clients", metrics.sent.clone());
        sub.register("writes", "Write system calls", metrics.writes.clone());
        sub.register(
            "views_skipped",
            "Views skipped for slow readers",
            metrics.views_skipped.clone(),
        );
        sub.register(
            "slow_readers",
            "Connections closed as slow readers",
            metrics.slow_readers.clone(),
        );
        sub.register(
            "malformed",
            "Connections closed for malformed input",
            metrics.malformed.clone(),
        );
        sub.register(
            "inputs_dropped",
            "Messages to rooms dropped",
            metrics.inputs_dropped.clone(),
        );
        sub.register(
            "rooms_failed",
            "Rooms closed because their game panicked",
            metrics.rooms_failed.clone(),
        );
        metrics
    }
}
