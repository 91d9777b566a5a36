//! What an operator may set about a table.

use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};
use tagus_physics::{PoolSize, Table};
use tagus_room::{OutOfRange, check_ranges};

use crate::bot::Strength;
use crate::frame::Rules;

/// Settings of one table. As a room's parameters: a JSON object with these keys, all optional.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// `"eight"` or `"nine"`.
    pub rules: Rules,
    /// `"person"`, `"nobody"` (practice), or `"bot"`.
    pub opponent: Opponent,
    /// Of the bot (1..=3).
    pub strength: u32,
    /// Length of the table in feet (7..=9).
    pub feet: u32,
    /// Time of a turn in seconds (0..=600); 0: no limit. Practice has none.
    pub turn_s: u32,
    /// People who may watch (0..=200).
    pub watching_max: u32,
    /// Ticks per second (5..=60): a message waits for the next tick, and a verdict for the one after it.
    pub tick_rate_hz: u32,
    /// Time after which an empty room closes, in milliseconds (1,000..=3,600,000).
    pub empty_ms: u32,
    /// Memory for the recording, in KiB (0..=4,096); 0: not recorded.
    pub recording_kib: u32,
}

/// Against whom.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Opponent {
    /// Whoever takes the other chair.
    Person = 0,
    /// Practice.
    Nobody = 1,
    /// A bot of [`Config::strength`].
    Bot = 2,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            rules: Rules::Eight,
            opponent: Opponent::Person,
            strength: 2,
            feet: 8,
            turn_s: 45,
            watching_max: 30,
            tick_rate_hz: 30,
            empty_ms: 60_000,
            recording_kib: 128,
        }
    }
}

impl Config {
    /// The settings in a room's parameters; empty parameters are the defaults.
    ///
    /// # Errors
    /// [`ConfigError`] says which key is unknown, of the wrong type or out of range.
    pub fn parse(params: &[u8]) -> Result<Self, ConfigError> {
        if params.trim_ascii().is_empty() {
            return Ok(Self::default());
        }
        let config: Self =
            serde_json::from_slice(params).map_err(|error| ConfigError::Json(error.to_string()))?;
        check_ranges([
            ("strength", config.strength, 1..=3),
            ("feet", config.feet, 7..=9),
            ("turn_s", config.turn_s, 0..=600),
            ("watching_max", config.watching_max, 0..=200),
            ("tick_rate_hz", config.tick_rate_hz, 5..=60),
            ("empty_ms", config.empty_ms, 1_000..=3_600_000),
            ("recording_kib", config.recording_kib, 0..=4_096),
        ])?;
        Ok(config)
    }

    pub(crate) const fn bot(&self) -> Strength {
        match self.strength {
            1 => Strength::Weak,
            2 => Strength::Fair,
            _ => Strength::Strong,
        }
    }

    pub(crate) fn table(&self) -> Arc<Table> {
        table(match self.feet {
            7 => PoolSize::SevenFoot,
            8 => PoolSize::EightFoot,
            _ => PoolSize::NineFoot,
        })
    }

    /// In milliseconds; none: no limit.
    pub(crate) fn turn_ms(&self) -> Option<u64> {
        let is_limited = self.turn_s > 0 && self.opponent != Opponent::Nobody;
        is_limited.then_some(u64::from(self.turn_s) * 1_000)
    }
}

/// The table of a version.
pub(crate) fn table_of(version: u16) -> Option<Arc<Table>> {
    let sizes = [PoolSize::SevenFoot, PoolSize::EightFoot, PoolSize::NineFoot];
    sizes
        .into_iter()
        .map(table)
        .find(|table| table.version == version)
}

/// Each size is made once in a process: all rooms share it, and nothing of it ever changes.
fn table(size: PoolSize) -> Arc<Table> {
    static TABLES: [OnceLock<Arc<Table>>; 3] = [const { OnceLock::new() }; 3];
    let index = match size {
        PoolSize::SevenFoot => 0,
        PoolSize::EightFoot => 1,
        PoolSize::NineFoot => 2,
    };
    let made = TABLES[index].get_or_init(|| Arc::new(Table::pool(size)));
    Arc::clone(made)
}

/// Why parameters make no table.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ConfigError {
    /// No JSON object of known keys.
    #[error("the parameters are not understood: {0}")]
    Json(String),
    /// A number is out of its range.
    #[error(transparent)]
    Range(#[from] OutOfRange),
}
