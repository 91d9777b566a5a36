//! What an operator may set about a table.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tagus_base::{UserId, Uuid};
use tagus_room::{OutOfRange, check_ranges};

use crate::bot::Strength;
use crate::course::Variant;
use crate::record::Record;
use crate::sport::Sport;

/// Settings of one table. As a room's parameters: a JSON object with these keys and those of the sport, all optional.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// `"person"`, `"nobody"` (practice), or `"bot"`.
    pub opponent: Opponent,
    /// Of the bot (1..=3).
    pub strength: u32,
    /// Time of a turn in seconds (0..=600); 0: no limit; [`Sport::TURN_S`] when it is not said. Practice has none.
    pub turn_s: u32,
    /// People who may watch (0..=200).
    pub watching_max: u32,
    /// Ticks per second (5..=60). What a player sends is mostly answered ahead of the next one.
    pub tick_rate_hz: u32,
    /// Time after which an empty room closes, in milliseconds (1,000..=3,600,000).
    pub empty_ms: u32,
    /// Memory for the recording, in KiB (0..=4,096); 0: not recorded.
    pub recording_kib: u32,
    /// The game goes on over days, and this is what is known of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept: Option<Kept>,
}

/// A game that goes on over days, in a room that is made for it whenever somebody looks at it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// Names the game for ever.
    pub id: String,
    /// The accounts of both chairs.
    pub users: [String; 2],
    /// Their names.
    pub names: [String; 2],
    /// Time of a turn in seconds (1..=1,209,600, which is 14 days).
    pub turn_s: u32,
    /// What is left of the present turn, in seconds.
    pub left_s: u32,
    /// The game so far as base64url without padding; empty: it begins.
    #[serde(default)]
    pub record: String,
    /// Seed of a game that begins.
    #[serde(default)]
    pub seed: u64,
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
            opponent: Opponent::Person,
            strength: 2,
            turn_s: 45,
            watching_max: 30,
            tick_rate_hz: 10,
            empty_ms: 60_000,
            recording_kib: 128,
            kept: None,
        }
    }
}

impl Config {
    /// The settings in a room's parameters, and what is to be played; empty parameters are the defaults.
    ///
    /// # Errors
    /// [`ConfigError`] says which key is unknown, of the wrong type or out of range.
    pub fn parse<S: Sport>(params: &[u8]) -> Result<(Self, Variant), ConfigError> {
        let json = |error: serde_json::Error| ConfigError::Json(error.to_string());
        let mut all: Map<String, Value> = if params.trim_ascii().is_empty() {
            Map::new()
        } else {
            serde_json::from_slice(params).map_err(json)?
        };
        let mut own = Map::new();
        for key in S::KEYS {
            own.extend(all.remove_entry(*key));
        }
        let variant = S::variant(own).map_err(ConfigError::Json)?;
        all.entry("turn_s").or_insert_with(|| S::TURN_S.into());
        let config: Self = serde_json::from_value(Value::Object(all)).map_err(json)?;
        check_ranges([
            ("strength", config.strength, 1..=3),
            ("turn_s", config.turn_s, 0..=600),
            ("watching_max", config.watching_max, 0..=200),
            ("tick_rate_hz", config.tick_rate_hz, 5..=60),
            ("empty_ms", config.empty_ms, 1_000..=3_600_000),
            ("recording_kib", config.recording_kib, 0..=4_096),
        ])?;
        if config.opponent == Opponent::Nobody && !S::MAY_BE_ALONE {
            return Err(ConfigError::Alone);
        }
        if let Some(kept) = &config.kept {
            check_ranges([("kept.turn_s", kept.turn_s, 1..=KEPT_TURN_S_MAX)])?;
            let begun = kept.record(variant)?;
            let is_of_two = config.opponent == Opponent::Person && begun.users[0] != begun.users[1];
            if !is_of_two || begun.end.is_some() || begun.variant != variant {
                return Err(ConfigError::Kept);
            }
        }
        Ok((config, variant))
    }

    pub(crate) const fn bot(&self) -> Strength {
        match self.strength {
            1 => Strength::Weak,
            2 => Strength::Fair,
            _ => Strength::Strong,
        }
    }

    /// In milliseconds; none: no limit.
    pub(crate) fn turn_ms(&self) -> Option<u64> {
        let turn_s = self.kept.as_ref().map_or(self.turn_s, |kept| kept.turn_s);
        let is_limited = turn_s > 0 && self.opponent != Opponent::Nobody;
        is_limited.then_some(u64::from(turn_s) * 1_000)
    }
}

impl Kept {
    /// The game so far; one that begins is of this variant.
    ///
    /// # Errors
    /// The id, an account or the record cannot be read.
    pub fn record(&self, variant: Variant) -> Result<Record, ConfigError> {
        let id = |text: &str| text.parse::<Uuid>().map_err(|_| ConfigError::Kept);
        let game = id(&self.id)?;
        let users = [UserId(id(&self.users[0])?), UserId(id(&self.users[1])?)];
        if self.record.is_empty() {
            return Ok(Record::begin(game, variant, self.seed, users));
        }
        let bytes = URL_SAFE_NO_PAD.decode(&self.record);
        let record = Record::from_bytes(&bytes.map_err(|_| ConfigError::Kept)?);
        let record = record.map_err(|_| ConfigError::Kept)?;
        let is_same = record.id == game && record.users == users;
        is_same.then_some(record).ok_or(ConfigError::Kept)
    }
}

/// Time for a turn of a kept game at most, in seconds: 14 days.
pub const KEPT_TURN_S_MAX: u32 = 14 * 86_400;

/// Why parameters make no table.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// No JSON object of known keys.
    #[error("the parameters are not understood: {0}")]
    Json(String),
    /// A number is out of its range.
    #[error(transparent)]
    Range(#[from] OutOfRange),
    /// This sport takes two.
    #[error("nobody plays this alone")]
    Alone,
    /// What is said of a kept game is no game of two people that goes on.
    #[error("the kept game is none")]
    Kept,
}
