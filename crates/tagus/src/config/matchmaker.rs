//! Settings of the matchmaker.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use tagus_players::RATING_MODE_BYTES_MAX;
use tagus_players::matchmaker::{
    GATHER_MS_MAX, KNOWN_REGIONS_MAX, MatchmakerConfig, REGION_BYTES_MAX, TEAMS_MAX,
};

/// How tickets wait, and what becomes of matches.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MatchmakerSettings {
    /// Time that a ticket waits for a full match before a smaller one will do, in milliseconds (0..=3,600,000).
    pub gather_ms: u32,
    /// Tickets that wait at once (1..=10,000,000); one more is refused.
    pub tickets_max: u32,
    /// Intervals after which a ticket makes no match by itself (0..=1,000); 0: it always does.
    pub max_intervals: u32,
    /// Length of an interval, in milliseconds (1..=3,600,000).
    pub interval_ms: u32,
    /// Regions where matches can be, at most [`KNOWN_REGIONS_MAX`].
    pub regions: Vec<String>,
    /// Longest round-trip time to the region of a match, in milliseconds (1..=60,000). A ticket's nearest region is
    /// always near enough.
    pub rtt_ms_max: u32,
    /// How long the seats of a match's players are kept free, in milliseconds (1..=[`tagus_room::RESERVE_MS_MAX`]).
    pub reserve_ms: u32,
    /// Private rooms that one user has opened and that are not over (1..=1,000); one more is refused.
    pub private_rooms_max: u32,
    /// The modes that are more than a name.
    pub modes: Vec<Mode>,
}

/// What a mode of play means to the matchmaker. A ticket names its mode in the string property `mode`;
/// one without a mode, or of a mode that is not described, has the defaults.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Mode {
    /// Its name, 1..=[`RATING_MODE_BYTES_MAX`] bytes.
    pub name: String,
    /// Time that a ticket waits for a full match, in milliseconds; none: [`MatchmakerSettings::gather_ms`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gather_ms: Option<u32>,
    /// Teams of equally many players, 2..=[`TEAMS_MAX`]; 0: none.
    #[serde(default)]
    pub team_count: u32,
    /// Whether players meet others of about their rating in this mode.
    #[serde(default)]
    pub rated: bool,
    /// The registered game of which a room is opened for each match; empty: the match is relayed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub game: String,
    /// The game's parameters, as JSON text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub params: String,
    /// Whether players may open private rooms of the game by themselves.
    #[serde(default)]
    pub private: bool,
}

impl Default for MatchmakerSettings {
    fn default() -> Self {
        let config = MatchmakerConfig::default();
        Self {
            gather_ms: config.gather_ms.0,
            tickets_max: config.tickets_max,
            max_intervals: config.max_intervals,
            interval_ms: config.interval_ms.0,
            regions: Vec::new(),
            rtt_ms_max: config.rtt_ms_max.0,
            reserve_ms: 30_000,
            private_rooms_max: 4,
            modes: Vec::new(),
        }
    }
}

impl MatchmakerSettings {
    /// The mode of this name, if it is described.
    #[must_use]
    pub fn mode(&self, name: &str) -> Option<&Mode> {
        self.modes.iter().find(|mode| mode.name == name)
    }

    /// Says which key is wrong, and what to do.
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        let regions = &self.regions;
        if regions.len() > KNOWN_REGIONS_MAX {
            let reason = format!("has more than {KNOWN_REGIONS_MAX} regions");
            return Err(("matchmaker.regions", reason));
        }
        let wrong = |name: &&String| !(1..=REGION_BYTES_MAX).contains(&name.len());
        if let Some(name) = regions.iter().find(wrong) {
            let reason = format!("has {name:?}, which must have 1 to {REGION_BYTES_MAX} bytes");
            return Err(("matchmaker.regions", reason));
        }
        if let Some(name) = twice(regions.iter()) {
            return Err(("matchmaker.regions", format!("has {name:?} twice")));
        }
        let named = self.modes.iter().map(|mode| &mode.name);
        if let Some(name) = twice(named) {
            return Err(("matchmaker.modes", format!("has {name:?} twice")));
        }
        for mode in &self.modes {
            let wrong = |reason| ("matchmaker.modes", format!("{:?} {reason}", mode.name));
            mode.check().map_err(wrong)?;
        }
        Ok(())
    }
}

impl Mode {
    fn check(&self) -> Result<(), String> {
        let wrong = |reason: String| Err(reason);
        if !(1..=RATING_MODE_BYTES_MAX).contains(&self.name.len()) {
            return wrong(format!(
                "must have a name of 1 to {RATING_MODE_BYTES_MAX} bytes"
            ));
        }
        if let Some(gather) = self.gather_ms.filter(|gather| *gather > GATHER_MS_MAX) {
            return wrong(format!(
                "has gather_ms {gather}, which must be at most {GATHER_MS_MAX}"
            ));
        }
        let teams = self.team_count;
        if teams == 1 || teams > TEAMS_MAX {
            return wrong(format!(
                "has team_count {teams}, which must be 0 or from 2 to {TEAMS_MAX}"
            ));
        }
        if self.game.is_empty() && self.private {
            return wrong("is private and has no game that a private room could be of".to_owned());
        }
        if self.game.is_empty() && !self.params.is_empty() {
            return wrong("has params and no game that they could be for".to_owned());
        }
        Ok(())
    }
}

fn twice<'a>(mut names: impl Iterator<Item = &'a String>) -> Option<&'a String> {
    let mut seen = BTreeSet::new();
    names.find(|name| !seen.insert(*name))
}
