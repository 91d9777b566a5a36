//! Settings of the matchmaker.

use tagus_players::matchmaker::MatchmakerConfig;

/// How long and how many tickets wait.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MatchmakerSettings {
    /// Time that a ticket waits for a full match before a smaller one will do, in milliseconds (0..=3,600,000).
    pub gather_ms: u32,
    /// Tickets that wait at once (1..=10,000,000); one more is refused.
    pub tickets_max: u32,
}

impl Default for MatchmakerSettings {
    fn default() -> Self {
        let config = MatchmakerConfig::default();
        Self {
            gather_ms: config.gather_ms.0,
            tickets_max: config.tickets_max,
        }
    }
}
