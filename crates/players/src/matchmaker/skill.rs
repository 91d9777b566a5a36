//! Ratings and how far apart they may lie.

use tagus_base::Millis;

/// How well a ticket's players play, on the scale of Weng and Lin: 25 ± 25/3 for a newcomer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rating {
    /// The estimate; for a party the mean of its players. Finite.
    pub mu: f64,
    /// Its standard deviation. Finite and not negative.
    pub sigma: f64,
}

impl Rating {
    /// Of whom no game was counted.
    pub const NEWCOMER: Self = Self {
        mu: 25.0,
        sigma: 25.0 / 3.0,
    };

    /// What the player almost surely reaches, for showing and for leaderboards: three deviations below the estimate.
    #[must_use]
    pub fn ordinal(self) -> f64 {
        self.mu - 3.0 * self.sigma
    }

    pub(super) fn is_sound(self) -> bool {
        self.mu.is_finite() && self.sigma.is_finite() && self.sigma >= 0.0
    }
}

/// How far apart two ratings in a match may lie, by the longer of the two waits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SkillWindow {
    /// Distance at the beginning; at least 0.
    pub start: f64,
    /// How much it grows at each step; at least 0.
    pub growth: f64,
    /// Time between steps; at least 1.
    pub step_ms: Millis,
    /// Number of steps; at the next one any distance will do.
    pub steps: u32,
}

impl Default for SkillWindow {
    /// 3, and 1 more each second for half a minute.
    fn default() -> Self {
        Self {
            start: 3.0,
            growth: 1.0,
            step_ms: Millis(1_000),
            steps: 30,
        }
    }
}

impl SkillWindow {
    /// The distance after waiting so long, and when it grows next, if it does.
    pub(super) fn after(&self, waited_ms: u64) -> (f64, Option<u64>) {
        let step_ms = u64::from(self.step_ms.0.max(1));
        let step = waited_ms / step_ms;
        if step > u64::from(self.steps) {
            return (f64::INFINITY, None);
        }
        let width = self.growth.mul_add(step as f64, self.start);
        (width, Some((step + 1) * step_ms))
    }
}
