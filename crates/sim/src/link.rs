//! What a network does to a connection: everything late, the stream held up or cut, datagrams lost, doubled, overtaken.

use std::time::Duration;

use tagus_base::Rng;

/// How bad the network is. Chances are of a thousand messages.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Weather {
    /// Shortest time from end to end, in milliseconds.
    pub delay_ms: u32,
    /// Longest time on top of it, in milliseconds.
    pub jitter_ms: u32,
    /// Messages of a stream that are sent again and again, and everything behind them waits.
    pub stalls_per_mille: u32,
    /// Longest such wait, in milliseconds.
    pub stall_ms_max: u32,
    /// Messages of a stream with which the connection ends, unnoticed at first.
    pub cuts_per_mille: u32,
    /// Datagrams that never arrive.
    pub losses_per_mille: u32,
    /// Datagrams that arrive twice.
    pub doubles_per_mille: u32,
}

impl Weather {
    /// A telephone in a train.
    pub const ROUGH: Self = Self {
        delay_ms: 20,
        jitter_ms: 60,
        stalls_per_mille: 10,
        stall_ms_max: 1_500,
        cuts_per_mille: 4,
        losses_per_mille: 50,
        doubles_per_mille: 20,
    };

    pub(crate) fn delay(&self, rng: &mut Rng) -> Duration {
        millis(self.delay_ms) + Duration::from_micros(rng.below(self.jitter_ms * 1_000 + 1).into())
    }
}

/// One direction of a connection.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Path {
    /// When the last message of the stream arrives: the next one is not sooner.
    last: Duration,
}

impl Path {
    /// When a message that is sent at `now` arrives, or none: the connection is cut and nobody has noticed yet.
    pub(crate) fn stream(
        &mut self,
        now: Duration,
        weather: &Weather,
        rng: &mut Rng,
    ) -> Option<Duration> {
        let chance = rng.below(1_000);
        if chance < weather.cuts_per_mille {
            return None;
        }
        let stall = if chance - weather.cuts_per_mille < weather.stalls_per_mille {
            millis(rng.below(weather.stall_ms_max + 1))
        } else {
            Duration::ZERO
        };
        self.last = self.last.max(now + weather.delay(rng) + stall);
        Some(self.last)
    }

    /// When the copies of a datagram arrive that is sent at `now`.
    pub(crate) fn datagram(now: Duration, weather: &Weather, rng: &mut Rng) -> Vec<Duration> {
        let chance = rng.below(1_000);
        let copies = match chance.checked_sub(weather.losses_per_mille) {
            None => 0,
            Some(chance) if chance < weather.doubles_per_mille => 2,
            Some(_) => 1,
        };
        (0..copies).map(|_| now + weather.delay(rng)).collect()
    }
}

pub(crate) fn millis(ms: u32) -> Duration {
    Duration::from_millis(ms.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_keeps_its_order_until_it_is_cut() {
        let mut rng = Rng::new(1);
        let (mut cuts, mut stalls) = (0, 0);
        let mut path = Path::default();
        let mut last = Duration::ZERO;
        for sent in (0..100_000).map(millis) {
            match path.stream(sent, &Weather::ROUGH, &mut rng) {
                None => cuts += 1,
                Some(at) => {
                    assert!(at >= last && at >= sent + millis(20));
                    stalls += u32::from(at > sent + millis(80));
                    last = at;
                }
            }
        }
        assert!((300..500).contains(&cuts), "{cuts} cuts");
        assert!(stalls > 1_000, "{stalls} held up");
    }

    #[test]
    fn datagrams_are_lost_doubled_and_overtaken() {
        let mut rng = Rng::new(1);
        let mut counts = [0; 3];
        let (mut overtaken, mut last) = (0, Duration::ZERO);
        for sent in (0..10_000).map(millis) {
            let copies = Path::datagram(sent, &Weather::ROUGH, &mut rng);
            counts[copies.len()] += 1;
            for at in copies {
                assert!(at >= sent + millis(20) && at <= sent + millis(80));
                overtaken += u32::from(at < last);
                last = last.max(at);
            }
        }
        let [lost, once, twice] = counts;
        assert!((400..600).contains(&lost) && (100..300).contains(&twice));
        assert!(overtaken > once / 2, "{overtaken} overtaken");
    }
}
