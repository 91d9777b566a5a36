//! How far a client is behind what it was sent, as it says itself, and how many views it is sent then.

/// What is known of one client. Time is the room's tick.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Lag {
    /// The tick of the last view that it was sent; 0: none.
    viewed: u64,
    /// Ticks between what it had been sent and what it had applied, when it last told.
    behind: u32,
    /// When it last told; 0: never.
    told: u64,
}

impl Lag {
    /// The client says, in this tick, that it has applied the snapshot of `applied`, modulo 2^32.
    /// A claim: one that cannot be true is taken as that it follows.
    pub(crate) const fn tell(&mut self, tick: u64, applied: u32) {
        let behind = (self.viewed as u32).wrapping_sub(applied);
        self.behind = if behind > u32::MAX / 2 { 0 } else { behind };
        self.told = tick;
    }

    /// Whether it is sent no view of this tick: the more of `ticks_max` it is behind, the more ticks are left out
    /// between two, up to [`LEFT_OUT_MAX`], so that what waits on the way to it becomes less.
    /// A client that tells nothing, or has not told for long, is sent every view.
    pub(crate) fn leaves_out(&self, tick: u64, ticks_max: u32) -> bool {
        let silent = tick.saturating_sub(self.told);
        if self.told == 0 || silent > u64::from(ticks_max) * FORGOTTEN_AFTER {
            return false;
        }
        let left_out = (self.behind / ticks_max.max(1)).min(LEFT_OUT_MAX);
        tick.saturating_sub(self.viewed) <= left_out.into()
    }

    /// It is sent a view of this tick.
    pub(crate) const fn view(&mut self, tick: u64) {
        self.viewed = tick;
    }
}

/// Ticks at most of which a client that lags is sent nothing, one after the other.
const LEFT_OUT_MAX: u32 = 7;
/// A client's word counts for so many times as long as it may lag.
const FORGOTTEN_AFTER: u64 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    /// Ticks of which a view is sent, of the 80 after the client told in tick 1,000.
    fn sent(applied: u32, ticks_max: u32) -> Vec<u64> {
        let mut lag = Lag::default();
        lag.view(1_000);
        lag.tell(1_000, applied);
        let sends = |tick: &u64| {
            let sends = !lag.leaves_out(*tick, ticks_max);
            if sends {
                lag.view(*tick);
            }
            sends
        };
        (1_001..1_081).filter(sends).collect()
    }

    #[test]
    fn the_rate_falls_with_the_lag_down_to_an_eighth() {
        assert_eq!(sent(1_000, 20).len(), 80);
        assert_eq!(sent(981, 20).len(), 80, "just not behind");
        assert_eq!(sent(980, 20).len(), 40);
        assert_eq!(sent(960, 20), (1_003..1_081).step_by(3).collect::<Vec<_>>());
        assert_eq!(sent(1, 20).len(), 10);
    }

    #[test]
    fn what_cannot_be_true_is_as_if_it_followed() {
        assert_eq!(sent(1_001, 20).len(), 80);
        assert_eq!(sent(2_000_000_000, 20).len(), 80);
    }

    #[test]
    fn silence_is_no_lag() {
        let sent = sent(1, 5);
        assert_eq!(sent[..2], [1_008, 1_016], "as long as it is believed");
        assert_eq!(sent[2..], (1_021..1_081).collect::<Vec<_>>());
        assert!(!Lag::default().leaves_out(5_000, 20), "who never told");
    }

    #[test]
    fn rare_views_are_no_lag_of_their_own() {
        let mut lag = Lag::default();
        lag.view(1_000);
        lag.tell(1_000, 900);
        assert!(lag.leaves_out(1_001, 10));
        // It has all that it was sent, though that is seven ticks old.
        lag.tell(1_007, 1_000);
        assert!(!lag.leaves_out(1_008, 10));
    }

    #[test]
    fn ticks_may_exceed_32_bits() {
        let mut lag = Lag::default();
        lag.view(1 << 32 | 5);
        lag.tell(1 << 32 | 5, u32::MAX - 14);
        assert!(lag.leaves_out(1 << 32 | 6, 20));
        assert!(!lag.leaves_out(1 << 32 | 7, 20));
    }
}
