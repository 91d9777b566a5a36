//! Players who come to play: by time of day, with skills, regions, parties and demands. The same seed gives the same.

use tagus_base::{Millis, Rng, SessionId, UserId, Uuid};
use tagus_players::matchmaker::{Entry, NewTicket, Rating, Wish};
use tagus_players::query::{Query, QueryError};

/// Somebody, or a party, who comes to play.
#[derive(Clone, Debug)]
pub(super) struct Arrival {
    /// When, in milliseconds from the beginning.
    pub(super) at_ms: u64,
    pub(super) mode: &'static Mode,
    /// On the scale of ratings.
    pub(super) skill: f64,
    /// After this wait they leave.
    pub(super) patience_ms: u64,
    pub(super) ticket: NewTicket,
}

/// What is played.
#[derive(Debug)]
pub(super) struct Mode {
    pub(super) name: &'static str,
    /// Of 100 tickets.
    share: u32,
    min: u32,
    max: u32,
    pub(super) teams: u32,
    /// Of 100 tickets, how many are parties of a size; the rest are single players.
    parties: &'static [(u32, u32)],
}

/// All that come, in the order of time, without end.
pub(super) struct Arrivals {
    rng: Rng,
    tickets_per_ms: f64,
    now_ms: f64,
    players: u32,
}

impl Arrivals {
    pub(super) fn new(seed: u64, players_per_hour: u32) -> Self {
        let shares = MODES.iter();
        let size: f64 = shares
            .map(|it| f64::from(it.share) * it.ticket_size())
            .sum();
        Self {
            rng: Rng::new(seed),
            tickets_per_ms: f64::from(players_per_hour) / (size / 100.0) / HOUR_MS,
            now_ms: 0.0,
            players: 0,
        }
    }

    /// Who comes next.
    pub(super) fn next(&mut self) -> Result<Arrival, QueryError> {
        // As many as at the busiest time come, and some do not stay.
        loop {
            let busiest = self.tickets_per_ms * BUSIEST;
            self.now_ms += self.exponential(1.0 / busiest);
            if self.unit() * BUSIEST <= busyness(self.now_ms) {
                return self.arrival();
            }
        }
    }

    fn arrival(&mut self) -> Result<Arrival, QueryError> {
        let mode = self.mode();
        let size = self.size(mode);
        // The mean of a party is nearer to the middle than a player is.
        let skill = SKILL_DEVIATION.mul_add(self.normal() / f64::from(size).sqrt(), SKILL_MEAN);
        let home = self.region();
        let mut wish = Wish::new(mode.min, mode.max, self.query(mode, home, skill)?);
        wish.count_multiple = mode.teams.max(1);
        wish.team_count = mode.teams;
        let strings = [("mode", mode.name), ("region", REGIONS[home])];
        let strings = strings.map(|(name, text)| (name.to_owned(), text.to_owned()));
        wish.string_properties.extend(strings);
        let level = (skill * LEVELS_PER_SKILL).max(0.0);
        wish.numeric_properties.insert("level".to_owned(), level);
        wish.rating = Some(Rating {
            mu: skill,
            sigma: RATING_SIGMA,
        });
        let access_ms = ACCESS_MS * (0.6 * self.normal()).exp();
        for (region, between) in REGIONS.iter().zip(BETWEEN_MS[home]) {
            let rtt = Millis((between + access_ms).min(RTT_MS_MAX) as u32);
            wish.regions.insert((*region).to_owned(), rtt);
        }
        let entries = (0..size).map(|_| self.player()).collect();
        Ok(Arrival {
            at_ms: self.now_ms as u64,
            mode,
            skill,
            patience_ms: PATIENCE_MS_MIN + self.exponential(PATIENCE_MS_MORE) as u64,
            ticket: NewTicket {
                entries,
                party_id: (size > 1).then(|| format!("party{}", self.players).into()),
                wish,
            },
        })
    }

    /// Nine of ten are made of terms and ranges, one has a wildcard.
    fn query(&mut self, mode: &Mode, home: usize, skill: f64) -> Result<Query, QueryError> {
        let level = skill * LEVELS_PER_SKILL;
        let (name, region) = (mode.name, REGIONS[home]);
        let text = match self.rng.below(100) {
            0..45 => format!("+properties.mode:{name}"),
            45..65 => format!("+properties.mode:{name} +properties.region:{region}"),
            65..90 => format!(
                "+properties.mode:{name} +properties.level:>={:.0} +properties.level:<={:.0}",
                (level - LEVELS_APART).max(0.0),
                (level + LEVELS_APART).max(0.0),
            ),
            _ => format!(
                "+properties.mode:{name} +properties.region:{}*",
                &region[..1]
            ),
        };
        text.parse()
    }

    fn mode(&mut self) -> &'static Mode {
        let mut left = self.rng.below(100);
        for mode in &MODES {
            if left < mode.share {
                return mode;
            }
            left -= mode.share;
        }
        &MODES[0]
    }

    fn size(&mut self, mode: &Mode) -> u32 {
        let mut left = self.rng.below(100);
        for (size, share) in mode.parties {
            if left < *share {
                return *size;
            }
            left -= share;
        }
        1
    }

    fn region(&mut self) -> usize {
        match self.rng.below(100) {
            0..50 => 0,
            50..85 => 1,
            _ => 2,
        }
    }

    fn player(&mut self) -> Entry {
        self.players += 1;
        let uuid = Uuid::from_random(u128::from(self.players).to_be_bytes());
        Entry {
            session_id: SessionId(uuid),
            user_id: UserId(uuid),
            username: format!("player{}", self.players).into(),
        }
    }

    /// In `0.0..1.0`.
    fn unit(&mut self) -> f64 {
        f64::from(self.rng.unit_f32())
    }

    fn exponential(&mut self, mean: f64) -> f64 {
        -(1.0 - self.unit()).ln() * mean
    }

    /// With mean 0 and deviation 1.
    fn normal(&mut self) -> f64 {
        let radius = self.exponential(2.0).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }
}

impl Mode {
    /// Mean number of players of a ticket.
    fn ticket_size(&self) -> f64 {
        let more = self.parties.iter();
        let more: u32 = more.map(|(size, share)| (size - 1) * share).sum();
        1.0 + f64::from(more) / 100.0
    }
}

/// How busy it is compared with the mean of a day: the evening most, the morning least.
fn busyness(at_ms: f64) -> f64 {
    let hour = at_ms / HOUR_MS;
    let from_busiest = (hour - BUSIEST_HOUR) / 24.0 * std::f64::consts::TAU;
    (BUSIEST - 1.0).mul_add(from_busiest.cos(), 1.0)
}

/// The modes; parties of two and more where there are teams.
pub(super) const MODES: [Mode; 4] = [
    Mode {
        name: "1v1",
        share: 35,
        min: 2,
        max: 2,
        teams: 2,
        parties: &[],
    },
    Mode {
        name: "2v2",
        share: 25,
        min: 4,
        max: 4,
        teams: 2,
        parties: &[(2, 30)],
    },
    Mode {
        name: "5v5",
        share: 25,
        min: 10,
        max: 10,
        teams: 2,
        parties: &[(2, 20), (3, 10), (5, 10)],
    },
    Mode {
        name: "ffa",
        share: 15,
        min: 4,
        max: 8,
        teams: 0,
        parties: &[],
    },
];

/// The regions. Half of the players live in the first, a third in the second.
pub(super) const REGIONS: [&str; 3] = ["eu", "us", "ap"];

/// Round-trip times between regions, in milliseconds.
const BETWEEN_MS: [[f64; 3]; 3] = [
    [15.0, 95.0, 190.0],
    [95.0, 20.0, 150.0],
    [190.0, 150.0, 30.0],
];

/// What a player's own line adds, in milliseconds: the median of a distribution with a long tail.
const ACCESS_MS: f64 = 15.0;
const RTT_MS_MAX: f64 = 1_000.0;

/// Of the distribution of skills.
pub(super) const SKILL_MEAN: f64 = 25.0;
pub(super) const SKILL_DEVIATION: f64 = 6.0;
const RATING_SIGMA: f64 = 1.5;

/// Skill as the property `level`, and how far other levels may be away for those who say so.
const LEVELS_PER_SKILL: f64 = 40.0;
const LEVELS_APART: f64 = 240.0;

/// Everybody waits for the first, and the second more on the mean.
const PATIENCE_MS_MIN: u64 = 60_000;
const PATIENCE_MS_MORE: f64 = 120_000.0;

/// How busy the busiest hour is compared with the mean of a day.
const BUSIEST: f64 = 1.7;
const BUSIEST_HOUR: f64 = 20.0;

const HOUR_MS: f64 = 3_600_000.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn day(seed: u64) -> Vec<Arrival> {
        let mut arrivals = Arrivals::new(seed, 400);
        let mut day = Vec::new();
        loop {
            let arrival = arrivals.next().unwrap();
            if arrival.at_ms >= 24 * 3_600_000 {
                return day;
            }
            day.push(arrival);
        }
    }

    #[test]
    fn as_many_come_as_are_asked_for_and_most_in_the_evening() {
        let day = day(1);
        let players: usize = day.iter().map(|it| it.ticket.entries.len()).sum();
        assert!((9_100..10_100).contains(&players), "{players}");
        let around = |hour: u64| {
            let from = (hour - 1) * 3_600_000;
            let hours = from..from + 7_200_000;
            day.iter().filter(|it| hours.contains(&it.at_ms)).count()
        };
        assert!(around(20) > 4 * around(8), "{} {}", around(20), around(8));
        assert!(day.windows(2).all(|pair| pair[0].at_ms <= pair[1].at_ms));
    }

    #[test]
    fn skills_are_spread_as_they_should_be() {
        let single = day(2).into_iter().filter(|it| it.ticket.entries.len() == 1);
        let skills: Vec<f64> = single.map(|it| it.skill).collect();
        let count = skills.len() as f64;
        let mean = skills.iter().sum::<f64>() / count;
        let square = skills.iter().map(|it| (it - mean).powi(2)).sum::<f64>() / count;
        assert!((mean - SKILL_MEAN).abs() < 0.3, "{mean}");
        assert!((square.sqrt() - SKILL_DEVIATION).abs() < 0.3, "{square}");
    }

    #[test]
    fn every_ticket_is_taken() {
        use tagus_base::UnixMillis;
        use tagus_players::matchmaker::{Matchmaker, MatchmakerConfig};
        let mut maker = Matchmaker::new(MatchmakerConfig::default());
        let wildcards = day(3).into_iter().filter(|it| {
            let added = maker.handle_add(UnixMillis(it.at_ms), it.ticket.clone());
            assert!(added.is_ok());
            it.ticket.wish.query.to_string().contains('*')
        });
        let (wildcards, all) = (wildcards.count(), maker.len());
        assert!(
            (8..=12).contains(&(wildcards * 100 / all)),
            "{wildcards} of {all}"
        );
    }
}
