//! What an operator may set about an open world.

use serde::{Deserialize, Serialize};
use tagus_room::{OutOfRange, check_ranges};

/// Settings of one open world. As a room's parameters: a JSON object with these keys, all optional.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Side of the square in units (100..=60,000).
    pub size: u32,
    /// Side of the square that each person sees, in units (100..=60,000), with the person in its middle.
    pub view: u32,
    /// Ticks and snapshots per second (1..=60).
    pub tick_rate_hz: u32,
    /// People at most, the seats of the room (1..=16,384).
    pub seats_max: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            size: 10_000,
            view: 2_000,
            tick_rate_hz: 20,
            seats_max: 8_192,
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
            ("size", config.size, 100..=60_000),
            ("view", config.view, 100..=60_000),
            ("tick_rate_hz", config.tick_rate_hz, 1..=60),
            ("seats_max", config.seats_max, 1..=16_384),
        ])?;
        Ok(config)
    }
}

/// Why parameters make no open world.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ConfigError {
    /// No JSON object of known keys.
    #[error("the parameters are not understood: {0}")]
    Json(String),
    /// A number is out of its range.
    #[error(transparent)]
    Range(#[from] OutOfRange),
}
