//! What a fan-out's rounds add up to, and the line that says it.

use std::time::Instant;

use hdrhistogram::Histogram;
use tagus_wire::Format;

use super::fanout::{FanoutArgs, Load, ROUNDS};
use super::proc::Process;
use super::raw::Written;
use super::server::{BenchServer, ShardCounts};
use super::{float, median, or_not_available};

/// The counts at one moment.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    at: Instant,
    sent: u64,
    /// Deliveries that the clients have received.
    pub(super) delivered: u64,
    reads: u64,
    shards: ShardCounts,
    server_cpu_us: Option<f64>,
    load_cpu_us: Option<f64>,
    server_wakes: Option<u64>,
    load_wakes: Option<u64>,
}

impl Sample {
    /// Counts.
    pub(super) async fn take(load: &Load, server: &BenchServer) -> anyhow::Result<Self> {
        let shards = server.shard_counts().await?;
        let me = Process::of(std::process::id());
        Ok(Self {
            at: Instant::now(),
            sent: load.sent.get(),
            delivered: load.delivered.get(),
            reads: load.reads.get(),
            shards,
            server_cpu_us: server.process.cpu_us(),
            load_cpu_us: me.cpu_us(),
            server_wakes: server.process.wakes("shard-"),
            load_wakes: me.wakes(""),
        })
    }
}

/// From one moment to another.
#[derive(Clone, Debug)]
pub(super) struct Span {
    /// Its beginning.
    pub(super) before: Sample,
    /// Its end.
    pub(super) after: Sample,
}

impl Span {
    fn seconds(&self) -> f64 {
        (self.after.at - self.before.at).as_secs_f64()
    }

    fn delivered(&self) -> f64 {
        float(self.after.delivered - self.before.delivered)
    }

    fn per_delivery(&self, value: impl Fn(&Sample) -> Option<f64>) -> Option<f64> {
        Some((value(&self.after)? - value(&self.before)?) / self.delivered())
    }

    /// How often the server's shards woke.
    pub(super) fn server_wakes_per_s(&self) -> Option<f64> {
        self.per_s(|sample| sample.server_wakes)
    }

    fn per_s(&self, value: impl Fn(&Sample) -> Option<u64>) -> Option<f64> {
        Some(float(value(&self.after)? - value(&self.before)?) / self.seconds())
    }
}

/// The rounds so far.
#[derive(Default)]
pub(super) struct Totals {
    seconds: f64,
    sent: f64,
    delivered: f64,
    reads: f64,
    frames: f64,
    writes: f64,
    server_us: Vec<f64>,
    load_us: Vec<f64>,
    raw_us: Vec<f64>,
    raw_thread_us: Vec<f64>,
    server_wakes: Vec<f64>,
    raw_wakes: Vec<f64>,
    load_wakes: Vec<f64>,
    raw_load_wakes: Vec<f64>,
}

impl Totals {
    /// Adds an alternation: plain writes, then the server.
    pub(super) fn add(&mut self, (raw, written): &(Span, Written), served: &Span) {
        let Span { before, after } = served;
        self.seconds += served.seconds();
        self.sent += float(after.sent - before.sent);
        self.delivered += served.delivered();
        self.reads += float(after.reads - before.reads);
        self.frames += after.shards.sent - before.shards.sent;
        self.writes += after.shards.writes - before.shards.writes;
        self.server_us
            .extend(served.per_delivery(|sample| sample.server_cpu_us));
        self.load_us
            .extend(served.per_delivery(|sample| sample.load_cpu_us));
        self.raw_us
            .extend(raw.per_delivery(|sample| sample.server_cpu_us));
        let writes = float(written.writes);
        self.raw_thread_us
            .extend(written.cpu_us.map(|cpu_us| cpu_us / writes));
        self.server_wakes.extend(served.server_wakes_per_s());
        self.raw_wakes.push(float(written.sleeps) / written.seconds);
        self.load_wakes
            .extend(served.per_s(|sample| sample.load_wakes));
        self.raw_load_wakes
            .extend(raw.per_s(|sample| sample.load_wakes));
    }

    /// The medians of the costs, and the means of the counts.
    pub(super) fn row(
        self,
        format: Format,
        frame_bytes: usize,
        args: &FanoutArgs,
        latency_us: &Histogram<u64>,
    ) -> Row {
        let (server_cpu_us, raw_cpu_us) = (median(&self.server_us), median(&self.raw_us));
        Row {
            format,
            frame_bytes,
            sent_per_s: self.sent / self.seconds,
            delivered_per_s: self.delivered / self.seconds,
            expected_per_s: self.sent / self.seconds * (f64::from(args.clients) - 1.0),
            delivered_per_read: self.delivered / self.reads,
            delivered_per_write: self.frames / self.writes,
            latency_us: [
                latency_us.value_at_quantile(0.5),
                latency_us.value_at_quantile(0.99),
                latency_us.max(),
            ],
            server_cpu_us,
            raw_cpu_us,
            raw_thread_cpu_us: median(&self.raw_thread_us),
            ratio: server_cpu_us
                .zip(raw_cpu_us)
                .map(|(server, raw)| server / raw),
            load_cpu_us: median(&self.load_us),
            server_wakes_per_s: median(&self.server_wakes),
            raw_wakes_per_s: median(&self.raw_wakes),
            load_wakes_per_s: median(&self.load_wakes),
            raw_load_wakes_per_s: median(&self.raw_load_wakes),
        }
    }
}

/// One line of the result.
pub(super) struct Row {
    format: Format,
    frame_bytes: usize,
    sent_per_s: f64,
    delivered_per_s: f64,
    expected_per_s: f64,
    delivered_per_read: f64,
    delivered_per_write: f64,
    latency_us: [u64; 3],
    server_cpu_us: Option<f64>,
    raw_cpu_us: Option<f64>,
    raw_thread_cpu_us: Option<f64>,
    ratio: Option<f64>,
    load_cpu_us: Option<f64>,
    server_wakes_per_s: Option<f64>,
    raw_wakes_per_s: Option<f64>,
    load_wakes_per_s: Option<f64>,
    raw_load_wakes_per_s: Option<f64>,
}

impl Row {
    pub(super) fn json(&self, args: &FanoutArgs) -> serde_json::Value {
        serde_json::json!({
            "bench": "fanout",
            "format": name(self.format),
            "shards": args.shards,
            "matches": args.matches,
            "clients": args.clients,
            "rate": args.rate,
            "bytes": args.bytes,
            "seconds": args.seconds,
            "gather_ms": args.gather_ms,
            "frame_bytes": self.frame_bytes,
            "sent_per_s": self.sent_per_s,
            "delivered_per_s": self.delivered_per_s,
            "expected_per_s": self.expected_per_s,
            "delivered_per_read": self.delivered_per_read,
            "delivered_per_write": self.delivered_per_write,
            "latency_p50_us": self.latency_us[0],
            "latency_p99_us": self.latency_us[1],
            "latency_max_us": self.latency_us[2],
            "server_cpu_us": self.server_cpu_us,
            "raw_cpu_us": self.raw_cpu_us,
            "raw_thread_cpu_us": self.raw_thread_cpu_us,
            "ratio": self.ratio,
            "load_cpu_us": self.load_cpu_us,
            "server_wakes_per_s": self.server_wakes_per_s,
            "raw_wakes_per_s": self.raw_wakes_per_s,
            "load_wakes_per_s": self.load_wakes_per_s,
            "raw_load_wakes_per_s": self.raw_load_wakes_per_s,
        })
    }

    pub(super) fn text(&self) -> String {
        let whole = |value: Option<f64>| {
            value.map_or_else(|| "n/a".to_owned(), |value| format!("{value:.0}"))
        };
        format!(
            "{:<9} {:>6} {:>12.0} {:>12.0} {:>6.2} {:>6.2} {:>7} {:>7} {:>7} {:>7} {:>6} {:>6} {:>8} {:>8} {:>8} {:>8}",
            name(self.format),
            self.frame_bytes,
            self.delivered_per_s,
            self.expected_per_s,
            self.delivered_per_read,
            self.delivered_per_write,
            self.latency_us[0],
            self.latency_us[1],
            or_not_available(self.server_cpu_us, ""),
            or_not_available(self.raw_cpu_us, ""),
            or_not_available(self.ratio, ""),
            or_not_available(self.load_cpu_us, ""),
            whole(self.server_wakes_per_s),
            whole(self.raw_wakes_per_s),
            whole(self.load_wakes_per_s),
            whole(self.raw_load_wakes_per_s),
        )
    }
}

/// What is run, and the names of the columns.
pub(super) fn header(args: &FanoutArgs) -> String {
    let FanoutArgs {
        matches,
        clients,
        rate,
        bytes,
        seconds,
        shards,
        gather_ms,
        ..
    } = args;
    format!(
        "fanout: {matches} matches of {clients} clients, {rate} messages a second of {bytes} bytes from each, \
         {seconds} s in {ROUNDS} rounds, {shards} shard(s), deliveries may wait {gather_ms} ms\n\
         deliveries per read of the load and per write of the server; latency in microseconds;\n\
         CPU in microseconds: the server's per delivery, its plain write's, the load's own per delivery;\n\
         wakes per second of the server's shards (s), of the plain writer (r), of the load beside each (ls, lr)\n\
         {:<9} {:>6} {:>12} {:>12} {:>6} {:>6} {:>7} {:>7} {:>7} {:>7} {:>6} {:>6} {:>8} {:>8} {:>8} {:>8}",
        "format",
        "frame",
        "delivered/s",
        "expected/s",
        "/read",
        "/write",
        "p50",
        "p99",
        "server",
        "raw",
        "ratio",
        "load",
        "wakes s",
        "wakes r",
        "wakes ls",
        "wakes lr",
    )
}

/// A format as `--format` calls it.
pub(super) const fn name(format: Format) -> &'static str {
    match format {
        Format::Json => "json",
        Format::Protobuf => "protobuf",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn sample(at: Instant, delivered: u64, server_cpu_us: Option<f64>) -> Sample {
        Sample {
            at,
            sent: delivered / 10,
            delivered,
            reads: delivered / 2,
            shards: ShardCounts {
                sent: float(delivered),
                writes: float(delivered) / 4.0,
                ticks: 0.0,
            },
            server_cpu_us,
            load_cpu_us: None,
            server_wakes: Some(delivered),
            load_wakes: None,
        }
    }

    #[test]
    fn costs_are_per_delivery_of_a_round() {
        let at = Instant::now();
        let span = |cpu_us: f64| Span {
            before: sample(at, 100, Some(0.0)),
            after: sample(at + Duration::from_secs(2), 300, Some(cpu_us)),
        };
        let written = Written {
            writes: 200,
            sleeps: 50,
            seconds: 2.0,
            cpu_us: Some(500.0),
            failure: String::new(),
        };
        let mut totals = Totals::default();
        totals.add(&(span(600.0), written), &span(1_000.0));
        assert_eq!((totals.server_us, totals.load_us), (vec![5.0], vec![]));
        assert_eq!(
            (totals.raw_us, totals.raw_thread_us),
            (vec![3.0], vec![2.5])
        );
        assert_eq!(
            (totals.sent, totals.delivered, totals.reads),
            (20.0, 200.0, 100.0)
        );
        assert_eq!((totals.frames, totals.writes), (200.0, 50.0));
        assert_eq!(
            (totals.server_wakes, totals.raw_wakes),
            (vec![100.0], vec![25.0])
        );
    }
}
