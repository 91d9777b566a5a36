//! Thin words over `prometheus_client`: its types, one choice of buckets, and the text an operator's collector reads.

pub use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
pub use prometheus_client::metrics::counter::Counter;
pub use prometheus_client::metrics::family::Family;
pub use prometheus_client::metrics::gauge::Gauge;
pub use prometheus_client::metrics::histogram::Histogram;
pub use prometheus_client::registry::{Registry, Unit};

/// The media type of what [`encode`] returns.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Upper bounds of [`seconds_histogram`], in seconds: 10 µs to 10 s, three a decade.
pub const SECONDS_BUCKETS: [f64; 19] = [
    10e-6, 25e-6, 50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 0.1,
    0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// A histogram of durations in seconds, fine enough for a tick and wide enough for a slow disk.
/// What lasts longer than 10 s is counted in the bucket without a bound.
pub fn seconds_histogram() -> Histogram {
    Histogram::new(SECONDS_BUCKETS)
}

/// Everything in the registry as OpenMetrics text; see [`CONTENT_TYPE`].
pub fn encode(registry: &Registry) -> String {
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, registry)
        .expect("a String takes every write");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_holds_what_was_measured() {
        let mut registry = Registry::with_prefix("tagus");
        let (sends, open, tick) = (
            Counter::<u64>::default(),
            Gauge::<i64>::default(),
            seconds_histogram(),
        );
        registry.register("sends", "Frames written", sends.clone());
        registry.register("connections", "Open connections", open.clone());
        registry.register_with_unit("tick", "Time of a tick", Unit::Seconds, tick.clone());
        sends.inc_by(3);
        open.set(2);
        tick.observe(10e-6);
        tick.observe(11.0);
        let text = encode(&registry);
        for line in [
            "tagus_sends_total 3",
            "tagus_connections 2",
            "tagus_tick_seconds_bucket{le=\"0.00001\"} 1",
            "tagus_tick_seconds_bucket{le=\"10.0\"} 1",
            "tagus_tick_seconds_bucket{le=\"+Inf\"} 2",
            "# EOF",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in {text}");
        }
    }

    #[test]
    fn buckets_rise() {
        assert!(SECONDS_BUCKETS.is_sorted_by(|a, b| a < b));
    }
}
