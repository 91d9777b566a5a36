//! What is counted of HTTP requests.

use std::time::Duration;

use hyper::StatusCode;
use tagus_telemetry::metrics::{Counter, Family, Histogram, Registry, seconds_histogram};

/// Counters of the HTTP port.
pub(crate) struct HttpMetrics {
    /// Answers by method and status class. What are clients asking for, and what of it fails? Alert on `5xx`.
    requests: Family<[(&'static str, &'static str); 2], Counter>,
    /// Time from a request's head to its answer. Does the API keep up? Alert above 250 ms at p99.
    request_seconds: Histogram,
}

impl HttpMetrics {
    /// Metrics registered under `tagus_http_*`.
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            requests: Family::default(),
            request_seconds: seconds_histogram(),
        };
        let sub = registry.sub_registry_with_prefix("tagus_http");
        sub.register(
            "requests",
            "HTTP requests answered, by method and status class",
            metrics.requests.clone(),
        );
        sub.register(
            "request_seconds",
            "Time from the head of an HTTP request to its answer",
            metrics.request_seconds.clone(),
        );
        metrics
    }

    /// Counts an answer. `method` is a name of the method table, of an extension, or one of the names below.
    pub(super) fn answered(&self, method: &'static str, status: StatusCode, took: Duration) {
        let labels = [("method", method), ("status", class(status))];
        self.requests.get_or_create(&labels).inc();
        self.request_seconds.observe(took.as_secs_f64());
    }
}

const fn class(status: StatusCode) -> &'static str {
    match status.as_u16() {
        ..200 => "1xx",
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        500.. => "5xx",
    }
}

/// Pages, their files, and what the arcade asks for.
pub(super) const PAGE: &str = "page";
/// Routes of server code.
pub(super) const ROUTE: &str = "route";
/// Upgrades to a WebSocket.
pub(super) const WS: &str = "ws";
/// What is nothing of the method table.
pub(super) const OTHER: &str = "other";
