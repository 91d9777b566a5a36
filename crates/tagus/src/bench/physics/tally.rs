//! What happened at the tables, and the line that says it.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde_json::{Value, json};
use tagus_physics::{Shot, State};

use super::super::{float, or_not_available};

/// What happened at tables within the span measured, except where it says otherwise.
pub(super) struct Tally {
    /// Strokes sent.
    pub(super) shots: u64,
    /// From before the stroke was sent until its verdict was read by who played, in microseconds.
    pub(super) verdict_us: Histogram<u64>,
    /// From before the stroke was sent until the other player had read of it, in microseconds.
    pub(super) shown_us: Histogram<u64>,
    /// Times that a player said what is aimed at, and that the other heard it.
    pub(super) aims: u64,
    pub(super) aims_seen: u64,
    /// Refusals by their reasons, at any time.
    pub(super) refused: BTreeMap<u8, u64>,
    /// Games that ended, at any time.
    pub(super) games: u64,
    /// The first of the shots, each with the state from which it began.
    pub(super) played: Vec<(State, Shot)>,
    /// How late a stroke was sent at most.
    pub(super) late_max: Duration,
    /// Tables that were played on to the end of the span, and whose last shot got its verdict.
    pub(super) alive: u64,
}

impl Tally {
    /// Nothing has happened.
    ///
    /// # Errors
    /// The histograms' bounds make none.
    pub(super) fn new() -> anyhow::Result<Self> {
        let histogram = || Histogram::new_with_bounds(1, LATENCY_US_MAX, 3);
        Ok(Self {
            shots: 0,
            verdict_us: histogram()?,
            shown_us: histogram()?,
            aims: 0,
            aims_seen: 0,
            refused: BTreeMap::new(),
            games: 0,
            played: Vec::new(),
            late_max: Duration::ZERO,
            alive: 0,
        })
    }
}

/// One line of the result.
pub(super) struct Row {
    /// What was run: an object.
    pub(super) plan: Value,
    pub(super) tables: u32,
    pub(super) seconds: f64,
    pub(super) tally: Tally,
    /// CPU time of the server per second of the span, in microseconds.
    pub(super) server_us: Option<f64>,
    /// The same while everybody had a seat and nobody played.
    pub(super) idle_us: Option<f64>,
    /// CPU time of the load per second of the span, in microseconds.
    pub(super) load_us: Option<f64>,
    pub(super) rss_bytes: Option<u64>,
    /// Mean time of simulating the same shots on one core, in microseconds.
    pub(super) simulate_us: Option<f64>,
    /// Why the first table was lost; empty if none was.
    pub(super) failure: String,
}

impl Row {
    pub(super) fn json(&self) -> Value {
        let Self { tally, .. } = self;
        let shots_per_s = float(tally.shots) / self.seconds;
        let per_shot = |us: f64| us / shots_per_s.max(f64::MIN_POSITIVE);
        let (server_us, played_us) = (
            self.server_us.map(per_shot),
            self.server_us
                .zip(self.idle_us)
                .map(|(served, idle)| per_shot(served - idle)),
        );
        let ms =
            |times: &Histogram<u64>, quantile: f64| float(times.value_at_quantile(quantile)) / 1e3;
        let cores = |us: Option<f64>| us.map(|us| us / 1e6);
        let refused: u64 = tally.refused.values().sum();
        let mut row = json!({
            "bench": "physics",
            "what": "tables",
            "seconds": self.seconds,
            "shots_per_s": shots_per_s,
            "verdict_p50_ms": ms(&tally.verdict_us, 0.5),
            "verdict_p99_ms": ms(&tally.verdict_us, 0.99),
            "verdict_max_ms": float(tally.verdict_us.max()) / 1e3,
            "in_goal_percent": tally.verdict_us.percentile_below(VERDICT_GOAL_US),
            "shown_p50_ms": ms(&tally.shown_us, 0.5),
            "shown_p99_ms": ms(&tally.shown_us, 0.99),
            "shown_max_ms": float(tally.shown_us.max()) / 1e3,
            "server_cores": cores(self.server_us),
            "idle_cores": cores(self.idle_us),
            "server_cpu_us": server_us,
            "played_cpu_us": played_us,
            "simulate_us": self.simulate_us,
            "of_simulate": self.simulate_us.zip(server_us).map(|(alone, served)| alone / served),
            "aims_per_s": float(tally.aims) / self.seconds,
            "aims_seen_per_s": float(tally.aims_seen) / self.seconds,
            "refused": refused,
            "games_over": tally.games,
            "tables_alive": tally.alive,
            "rss_bytes": self.rss_bytes,
            "load_cores": cores(self.load_us),
            "load_late_ms_max": tally.late_max.as_secs_f64() * 1e3,
        });
        if let (Some(row), Some(plan)) = (row.as_object_mut(), self.plan.as_object()) {
            row.extend(plan.clone());
        }
        row
    }

    pub(super) fn text(&self) -> String {
        let row = self.json();
        let number = |key: &str, digits: usize| match row[key].as_f64() {
            Some(value) => format!("{value:.digits$}"),
            None => "n/a".to_owned(),
        };
        let times = |what: &str| {
            let part = |end: &str| number(&format!("{what}_{end}_ms"), 1);
            format!(
                "p50 {} ms, p99 {}, max {}",
                part("p50"),
                part("p99"),
                part("max")
            )
        };
        let plan = self.plan.as_object().into_iter().flatten();
        let plan = plan.filter(|(_, value)| !value.is_null());
        let plan: Vec<String> = plan.map(|(key, value)| format!("{key} {value}")).collect();
        let mib = self.rss_bytes.map(|bytes| float(bytes) / 1_048_576.0);
        let reasons = self.tally.refused.iter();
        let reasons: Vec<String> = reasons
            .map(|(reason, count)| format!(" ({count} for reason {reason})"))
            .collect();
        let failure = match self.failure.as_str() {
            "" => String::new(),
            failure => format!("; the first was lost: {failure}"),
        };
        format!(
            "tables: {}\n\
             shots a second       {}; {} refused{}, {} games over and followed by another\n\
             stroke to verdict    {} at who plays; {} % within {} ms\n\
             stroke to shot       {} at the other player\n\
             aims a second        {}, of which the other player heard {}\n\
             server               {} cores, {} while nobody plays; {} µs a shot, {} without what nobody causes; {} resident\n\
             the same shots alone {} µs each on one core: {} of what the server takes\n\
             tables alive         {} of {}{failure}\n\
             load                 {} cores, late by {} ms at most",
            plan.join(", "),
            number("shots_per_s", 1),
            number("refused", 0),
            reasons.concat(),
            number("games_over", 0),
            times("verdict"),
            number("in_goal_percent", 2),
            VERDICT_GOAL_US / 1_000,
            times("shown"),
            number("aims_per_s", 0),
            number("aims_seen_per_s", 0),
            number("server_cores", 3),
            number("idle_cores", 3),
            number("server_cpu_us", 0),
            number("played_cpu_us", 0),
            or_not_available(mib, " MiB"),
            number("simulate_us", 1),
            number("of_simulate", 2),
            number("tables_alive", 0),
            self.tables,
            number("load_cores", 3),
            number("load_late_ms_max", 1),
        )
    }
}

const LATENCY_US_MAX: u64 = 60_000_000;
const VERDICT_GOAL_US: u64 = 20_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_per_shot_of_the_span() {
        let mut tally = Tally::new().unwrap();
        tally.shots = 400;
        tally.refused = BTreeMap::from([(16, 2), (5, 1)]);
        tally.verdict_us.record(12_000).unwrap();
        let row = Row {
            plan: json!({ "tables": 30 }),
            tables: 30,
            seconds: 2.0,
            tally,
            server_us: Some(100_000.0),
            idle_us: Some(60_000.0),
            load_us: None,
            rss_bytes: Some(1 << 20),
            simulate_us: Some(25.0),
            failure: String::new(),
        };
        let json = row.json();
        let number = |key: &str| json[key].as_f64().unwrap();
        assert_eq!(number("shots_per_s"), 200.0);
        assert_eq!((number("server_cores"), number("idle_cores")), (0.1, 0.06));
        assert_eq!(number("server_cpu_us"), 500.0);
        assert_eq!(number("played_cpu_us"), 200.0);
        assert_eq!(number("of_simulate"), 0.05);
        assert_eq!((number("refused"), number("tables")), (3.0, 30.0));
        assert!(json["load_cores"].is_null());
        let text = row.text();
        assert!(
            text.contains("3 refused (1 for reason 5) (2 for reason 16)"),
            "{text}"
        );
    }
}
