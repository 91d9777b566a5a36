//! Where rows go, and how they compare with an earlier run's.

use std::path::PathBuf;

use anyhow::Context as _;
use serde_json::Value;

use super::progress::Progress;

/// Prints rows as text or JSON.
pub(super) struct Reporter {
    json: bool,
    /// Rows of an earlier run.
    earlier: Vec<Value>,
}

impl Reporter {
    /// For text or JSON, and with the rows of an earlier run's file.
    ///
    /// # Errors
    /// The file cannot be read, or is none of lines of JSON objects.
    pub(super) fn new(json: bool, earlier: Option<PathBuf>) -> anyhow::Result<Self> {
        let earlier = match earlier {
            Some(path) => {
                let text = std::fs::read_to_string(&path)
                    .with_context(|| format!("read {}", path.display()))?;
                let rows = text.lines().map(serde_json::from_str);
                rows.collect::<Result<_, _>>()
                    .with_context(|| format!("{} is no output of --json", path.display()))?
            }
            None => Vec::new(),
        };
        Ok(Self { json, earlier })
    }

    pub(super) const fn json(&self) -> bool {
        self.json
    }

    /// Prints a row, and what changed since the earlier one of the same plan.
    pub(super) fn report(&self, progress: &Progress, row: &Value, text: &str) {
        if self.json {
            progress.say(&row.to_string());
            return;
        }
        progress.say(text);
        if let Some(changes) = self.changes(row) {
            progress.say(&changes);
        }
    }

    /// One line: each number that was measured in both runs, with its change.
    pub(super) fn changes(&self, row: &Value) -> Option<String> {
        let old = self.earlier.iter().find(|old| same_plan(old, row))?;
        let changes = row.as_object()?.iter().filter_map(|(key, new)| {
            let (new, old) = (new.as_f64()?, old[key].as_f64()?);
            let is_plan = key == "seconds" || PLAN.contains(&key.as_str());
            let is_measured = !is_plan && (new != 0.0 || old != 0.0);
            let change = (new - old) / old.abs().max(f64::MIN_POSITIVE) * 100.0;
            is_measured.then(|| match old == 0.0 {
                true => format!("{key} 0 to {new:.2}"),
                false => format!("{key} {change:+.1} %"),
            })
        });
        let changes: Vec<String> = changes.collect();
        Some(format!("since the earlier run: {}", changes.join(", ")))
    }
}

/// Whether two rows are of the same bench with the same settings.
fn same_plan(one: &Value, other: &Value) -> bool {
    PLAN.iter().all(|key| one.get(*key) == other.get(*key))
}

/// Keys that say what was run, in any of the benches.
const PLAN: &[&str] = &[
    "bench",
    "format",
    "shards",
    "matches",
    "clients",
    "rate",
    "bytes",
    "count",
    "connections",
    "request",
    "store",
    "players",
    "rooms",
    "size",
    "view",
    "inputs",
    "splits",
    "contended",
    "matchmaker",
    "hours",
    "players_per_hour",
    "seed",
    "what",
    "tables",
    "every",
    "aims",
];

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_row_is_compared_with_the_one_of_its_plan() {
        let reporter = Reporter {
            json: false,
            earlier: vec![
                json!({ "bench": "world", "players": 100, "hz": 10.0 }),
                json!({ "bench": "world", "players": 200, "hz": 20.0, "seconds": 3, "refused": 0 }),
            ],
        };
        let row = json!({ "bench": "world", "players": 200, "hz": 15.0, "refused": 2, "new": 1.0 });
        let changes = reporter.changes(&row).unwrap();
        assert_eq!(
            changes,
            "since the earlier run: hz -25.0 %, refused 0 to 2.00"
        );
        let other = json!({ "bench": "world", "players": 300, "hz": 15.0 });
        assert_eq!(reporter.changes(&other), None);
    }
}
