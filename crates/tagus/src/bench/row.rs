//! What players in rooms were told and what it cost, and the line that says it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::crowd::{Crowd, Heard};
use super::float;
use super::proc::Process;

/// What was heard, and what it cost.
pub(super) struct Served {
    pub(super) heard: Heard,
    server_cpu_us: Option<f64>,
    load_cpu_us: Option<f64>,
}

/// Listens to what players are told, and looks what it costs the server's process and this one.
pub(super) async fn span(
    crowd: &Crowd,
    server: &Process,
    length: Duration,
) -> anyhow::Result<Served> {
    let load = Process::of(std::process::id());
    let cpu = || (server.cpu_us(), load.cpu_us(), Instant::now());
    let before = cpu();
    let heard = crowd.listen(length).await?;
    let after = cpu();
    // Per second of the span, whose ends are not quite those of what was heard.
    let seconds = (after.2 - before.2).as_secs_f64();
    let spent = |after: Option<f64>, before: Option<f64>| Some((after? - before?) / seconds);
    Ok(Served {
        server_cpu_us: spent(after.0, before.0),
        load_cpu_us: spent(after.1, before.1),
        heard,
    })
}

/// One line of the result.
pub(super) struct Row {
    /// As `tagus bench` calls it.
    pub(super) name: &'static str,
    /// What was run: an object.
    pub(super) plan: Value,
    /// Seconds measured, as they were asked for.
    pub(super) seconds: u16,
    pub(super) players: u32,
    /// Updates that each player should get per second.
    pub(super) rate_hz: u32,
    /// Ticks that each room ran per second; none where the server does not say.
    pub(super) tick_hz: Option<f64>,
    pub(super) served: Served,
    /// The same numbers of bytes, plainly; none where the server cannot do that.
    pub(super) raw: Option<Served>,
    /// Of the server.
    pub(super) rss_bytes: Option<u64>,
}

impl Row {
    pub(super) fn json(&self) -> Value {
        let heard = &self.served.heard;
        let players = f64::from(self.players);
        let gap = |quantile: f64| float(heard.gap_us.value_at_quantile(quantile)) / 1e3;
        let mut row = json!({
            "bench": self.name,
            "seconds": self.seconds,
            "hz": self.hz(heard),
            "tick_hz": self.tick_hz,
            "gap_p50_ms": gap(0.5),
            "gap_p99_ms": gap(0.99),
            "gap_max_ms": float(heard.gap_us.max()) / 1e3,
            "slowest": heard.slowest(),
            "server_cores": self.served.cores(),
            "server_cpu_us": self.served.cpu_us_per_update(),
            "payload_bytes_per_player_s": float(heard.payload_bytes) / heard.seconds / players,
            "update_bytes": float(heard.update_bytes) / float(heard.updates_all().max(1)),
            "rss_bytes": self.rss_bytes,
            "inputs_per_player_s": float(heard.inputs) / heard.seconds / players,
            "inputs_refused": heard.inputs_refused,
            "load_cores": self.served.load_cpu_us.map(|cpu_us| cpu_us / 1e6),
            "load_late_ms_max": heard.late_ms_max,
        });
        if let (Some(row), Some(plan)) = (row.as_object_mut(), self.plan.as_object()) {
            row.extend(plan.clone());
        }
        if let Some(raw) = &self.raw {
            let served_cpu_us = self.served.cpu_us_per_update();
            let ratio = raw.cpu_us_per_update().zip(served_cpu_us);
            row["raw_hz"] = self.hz(&raw.heard).into();
            row["raw_cores"] = raw.cores().into();
            row["raw_cpu_us"] = raw.cpu_us_per_update().into();
            row["of_raw"] = ratio.map(|(raw, served)| raw / served).into();
        }
        row
    }

    pub(super) fn text(&self) -> String {
        let row = self.json();
        let number = |key: &str, digits: usize| match row[key].as_f64() {
            Some(value) => format!("{value:.digits$}"),
            None => "n/a".to_owned(),
        };
        let plan = self.plan.as_object().into_iter().flatten();
        let plan: Vec<String> = plan.map(|(key, value)| format!("{key} {value}")).collect();
        let mib = self.rss_bytes.map_or("n/a".to_owned(), |bytes| {
            format!("{:.1} MiB", float(bytes) / 1_048_576.0)
        });
        let raw = match self.raw {
            Some(_) => format!(
                "plain writes, reads  {} cores, {} µs an update at {} Hz: {} of it are reached\n",
                number("raw_cores", 3),
                number("raw_cpu_us", 2),
                number("raw_hz", 2),
                number("of_raw", 2),
            ),
            None => String::new(),
        };
        format!(
            "{}: {}\n\
             ticks a second       {} of {} in each room\n\
             updates a second     {} of {} for each player; the slowest got {} of the mean\n\
             time between two     p50 {} ms, p99 {} ms, max {} ms\n\
             server               {} cores, {} µs an update, {mib} resident\n\
             payload              {} bytes a second for each player, {} an update\n\
             {raw}load                 {} cores, {} inputs a second for each player ({} refused), late by {} ms at most",
            self.name,
            plan.join(", "),
            number("tick_hz", 2),
            self.rate_hz,
            number("hz", 2),
            self.rate_hz,
            number("slowest", 3),
            number("gap_p50_ms", 1),
            number("gap_p99_ms", 1),
            number("gap_max_ms", 1),
            number("server_cores", 3),
            number("server_cpu_us", 2),
            number("payload_bytes_per_player_s", 0),
            number("update_bytes", 1),
            number("load_cores", 3),
            number("inputs_per_player_s", 1),
            number("inputs_refused", 0),
            number("load_late_ms_max", 1),
        )
    }

    fn hz(&self, heard: &Heard) -> f64 {
        float(heard.updates_all()) / heard.seconds / f64::from(self.players)
    }
}

impl Served {
    fn cores(&self) -> Option<f64> {
        self.server_cpu_us.map(|cpu_us| cpu_us / 1e6)
    }

    fn cpu_us_per_update(&self) -> Option<f64> {
        let per_s = float(self.heard.updates_all()) / self.heard.seconds;
        self.server_cpu_us.map(|cpu_us| cpu_us / per_s)
    }
}
