//! What an operator may set about an arena.

use serde::{Deserialize, Serialize};
use tagus_room::{OutOfRange, check_ranges};

/// Settings of one arena. As a room's parameters: a JSON object with these keys, all optional.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Name in the label and in lists, at most 64 bytes.
    pub name: String,
    /// Side of the square world in units (1,000..=50,000).
    pub world_size: u32,
    /// Pellets that the world is kept filled with (0..=50,000).
    pub pellets: u32,
    /// Viruses that the world is kept filled with (0..=500); feeding may raise them to three times that.
    pub viruses: u32,
    /// People at most, the seats of the room (1..=4,096).
    pub player_limit: u32,
    /// Bots fill the world up to this many players in all (0..=200).
    pub bots_fill: u32,
    /// Mass a player starts with (10..=1,000).
    pub mass_start: u32,
    /// Half the height of the view of the smallest player, in units (200..=2,000).
    pub view_half_height: u32,
    /// Half the height of the view of the largest player, in units (200..=4,000), not below `view_half_height`.
    pub view_half_height_max: u32,
    /// Time a seat stays held after its connection is lost, in milliseconds (0..=120,000).
    pub seat_hold_ms: u32,
    /// Time after which the room closes when empty, in milliseconds (0..=86,400,000); 0: never.
    pub empty_ms: u32,
    /// Memory for the recording, in bytes (0..=1 GiB); 0: not recorded.
    pub recording_bytes_max: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            name: String::from("arena"),
            world_size: 6_000,
            pellets: 2_000,
            viruses: 30,
            player_limit: 150,
            bots_fill: 20,
            mass_start: 20,
            view_half_height: 540,
            view_half_height_max: 1_600,
            seat_hold_ms: 15_000,
            empty_ms: 0,
            recording_bytes_max: 8 << 20,
        }
    }
}

impl Config {
    /// The settings in a room's parameters; empty parameters are the defaults.
    ///
    /// # Errors
    /// [`ConfigError`] names the key that is unknown, of the wrong type or out of range.
    pub fn parse(params: &[u8]) -> Result<Self, ConfigError> {
        if params.trim_ascii().is_empty() {
            return Ok(Self::default());
        }
        let config: Self = serde_json::from_slice(params).map_err(|err| ConfigError::Json {
            reason: err.to_string(),
        })?;
        config.checked()
    }

    /// These settings, if every value is in its range.
    ///
    /// # Errors
    /// [`ConfigError`] names the first key that is not.
    pub fn checked(self) -> Result<Self, ConfigError> {
        check_ranges([
            ("world_size", self.world_size, 1_000..=50_000),
            ("pellets", self.pellets, 0..=50_000),
            ("viruses", self.viruses, 0..=500),
            ("player_limit", self.player_limit, 1..=4_096),
            ("bots_fill", self.bots_fill, 0..=200),
            ("mass_start", self.mass_start, 10..=1_000),
            ("view_half_height", self.view_half_height, 200..=2_000),
            (
                "view_half_height_max",
                self.view_half_height_max,
                self.view_half_height..=4_000,
            ),
            ("seat_hold_ms", self.seat_hold_ms, 0..=120_000),
            ("empty_ms", self.empty_ms, 0..=86_400_000),
            ("recording_bytes_max", self.recording_bytes_max, 0..=1 << 30),
        ])?;
        if self.name.len() > NAME_BYTES_MAX {
            return Err(ConfigError::Name {
                bytes: self.name.len(),
            });
        }
        Ok(self)
    }

    /// The label of the room: what lists show.
    #[must_use]
    pub fn label(&self) -> String {
        serde_json::json!({ "game": "arena", "name": self.name }).to_string()
    }

    /// Players at most, bots included: one key each.
    pub(crate) fn slots(&self) -> usize {
        (self.player_limit + self.bots_fill) as usize
    }
}

/// Why parameters make no arena.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Not JSON, an unknown key, or a value of the wrong type.
    #[error("parameters are not an arena's: {reason}")]
    Json {
        /// The parser's words, which name key and position.
        reason: String,
    },
    /// A number is out of its range.
    #[error(transparent)]
    Range(#[from] OutOfRange),
    /// The room's name is too long.
    #[error("name has {bytes} bytes, allowed are {NAME_BYTES_MAX}")]
    Name {
        /// Its length.
        bytes: usize,
    },
}

const NAME_BYTES_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_parameters_are_the_defaults() {
        for params in ["", "  \n", "{}"] {
            assert_eq!(
                Config::parse(params.as_bytes()),
                Ok(Config::default()),
                "{params:?}"
            );
        }
        assert!(Config::default().checked().is_ok());
    }

    #[test]
    fn a_refusal_names_the_key() {
        let cases = [
            (r#"{"world_size":999}"#, "world_size is 999"),
            (r#"{"world_size":50001}"#, "world_size is 50001"),
            (r#"{"pellets":50001}"#, "pellets is"),
            (r#"{"viruses":501}"#, "viruses is"),
            (r#"{"player_limit":0}"#, "player_limit is 0"),
            (r#"{"player_limit":4097}"#, "player_limit is 4097"),
            (r#"{"bots_fill":201}"#, "bots_fill is"),
            (
                r#"{"view_half_height_max":539}"#,
                "view_half_height_max is 539, allowed are 540",
            ),
            (r#"{"seat_hold_ms":120001}"#, "seat_hold_ms is"),
            (r#"{"pelets":1}"#, "pelets"),
            (r#"{"pellets":-1}"#, "parameters are not"),
            (r#"{"pellets":"many"}"#, "parameters are not"),
            ("[1]", "parameters are not"),
            ("{", "parameters are not"),
        ];
        for (params, words) in cases {
            let err = Config::parse(params.as_bytes()).unwrap_err().to_string();
            assert!(err.contains(words), "{params}: {err}");
        }
        let long = Config {
            name: "x".repeat(65),
            ..Config::default()
        };
        assert_eq!(long.checked(), Err(ConfigError::Name { bytes: 65 }));
    }

    #[test]
    fn limits_themselves_are_allowed() {
        let params = r#"{"world_size":50000,"pellets":50000,"viruses":500,"player_limit":4096,"bots_fill":200,
            "seat_hold_ms":120000,"name":"a \"b\""}"#;
        let config = Config::parse(params.as_bytes()).unwrap();
        assert_eq!(config.slots(), 4_296);
        assert_eq!(config.label(), r#"{"game":"arena","name":"a \"b\""}"#);
    }
}
