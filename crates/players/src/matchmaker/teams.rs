//! Who plays on whose side, and who is likely to win.

use super::skill::Rating;

/// Most steps of a search for sides; it then takes the best it has found.
/// Ten tickets for two sides are always searched wholly.
const STEPS_MAX: usize = 4_096;

/// How much luck there is: who is better by this much wins three of four games.
const BETA: f64 = 25.0 / 6.0;

/// Players who stay together, and how well they play.
#[derive(Clone, Copy, Debug)]
pub(super) struct Side {
    pub(super) players: u32,
    pub(super) rating: Option<Rating>,
}

impl Side {
    /// What the players bring together; those without a rating are all alike.
    fn strength(&self) -> f64 {
        let mu = self.rating.map_or(0.0, |rating| rating.mu);
        mu * f64::from(self.players)
    }
}

/// Splits all into teams of equally many players, as equal in strength as the search finds: which are in which team,
/// in ascending order. None if parties are too large for that.
pub(super) fn split(all: &[Side], team_count: u32) -> Option<Vec<Vec<usize>>> {
    let players: u32 = all.iter().map(|side| side.players).sum();
    if team_count == 0 || !players.is_multiple_of(team_count) {
        return None;
    }
    let mut order: Vec<usize> = (0..all.len()).collect();
    order.sort_by(|one, other| {
        let (one, other) = (&all[*one], &all[*other]);
        let by_size = other.players.cmp(&one.players);
        by_size.then(other.strength().total_cmp(&one.strength()))
    });
    let mut search = Search {
        all,
        order,
        team_players: players / team_count,
        teams: vec![(0, 0.0); team_count as usize],
        chosen: Vec::new(),
        best: None,
        steps_left: STEPS_MAX,
    };
    search.place_next();
    let (_, chosen) = search.best?;
    let mut teams = vec![Vec::new(); team_count as usize];
    for (index, team) in search.order.into_iter().zip(chosen) {
        teams[team].push(index);
    }
    teams.iter_mut().for_each(|team| team.sort_unstable());
    teams.sort_unstable();
    Some(teams)
}

struct Search<'a> {
    all: &'a [Side],
    /// Large ones first, for they are hard to place; then strong ones.
    order: Vec<usize>,
    team_players: u32,
    /// Players and strength of each team so far.
    teams: Vec<(u32, f64)>,
    /// The team of each, in the order.
    chosen: Vec<usize>,
    /// The smallest difference in strength, and the teams.
    best: Option<(f64, Vec<usize>)>,
    steps_left: usize,
}

impl Search<'_> {
    /// Places the next one in each team where there is room, the weakest team first.
    fn place_next(&mut self) {
        let Some(index) = self.order.get(self.chosen.len()) else {
            self.judge();
            return;
        };
        let side = self.all[*index];
        let mut teams: Vec<usize> = (0..self.teams.len()).collect();
        teams.sort_by(|one, other| self.teams[*one].1.total_cmp(&self.teams[*other].1));
        let mut empty_tried = false;
        for team in teams {
            let (players, strength) = self.teams[team];
            let room = players + side.players <= self.team_players;
            // Empty teams are all the same.
            if !room || (players == 0 && empty_tried) {
                continue;
            }
            empty_tried |= players == 0;
            if self.steps_left == 0 || self.best.as_ref().is_some_and(|(spread, _)| *spread == 0.0)
            {
                return;
            }
            self.steps_left -= 1;
            self.teams[team] = (players + side.players, strength + side.strength());
            self.chosen.push(team);
            self.place_next();
            self.chosen.pop();
            self.teams[team] = (players, strength);
        }
    }

    fn judge(&mut self) {
        let strengths = || self.teams.iter().map(|(_, strength)| *strength);
        let strongest = strengths().fold(f64::NEG_INFINITY, f64::max);
        let spread = strongest - strengths().fold(f64::INFINITY, f64::min);
        if self.best.as_ref().is_none_or(|(best, _)| spread < *best) {
            self.best = Some((spread, self.chosen.clone()));
        }
    }
}

/// The probability that the favourite wins, 1 / teams where nobody is one. None with fewer than two teams, or where
/// somebody has no rating.
pub(super) fn favourite_wins(all: &[Side], teams: &[Vec<usize>]) -> Option<f64> {
    let mut sums = Vec::new();
    for team in teams {
        let mut sum = (0.0, 0.0);
        for side in team.iter().map(|index| all[*index]) {
            let rating = side.rating?;
            let spread = rating.sigma.mul_add(rating.sigma, BETA * BETA);
            sum.0 += side.strength();
            sum.1 += spread * f64::from(side.players);
        }
        sums.push(sum);
    }
    let pairs = (sums.len() * sums.len().saturating_sub(1)) as f64 / 2.0;
    let wins = |index: usize| {
        let (own, own_spread) = sums[index];
        let others = sums.iter().enumerate().filter(|(other, _)| *other != index);
        let won = others.map(|(_, (mu, spread))| normal((own - mu) / (own_spread + spread).sqrt()));
        won.sum::<f64>() / pairs
    };
    let favourite = (0..sums.len()).map(wins).reduce(f64::max);
    favourite.filter(|_| sums.len() > 1)
}

/// The normal distribution's probability of less than so many deviations, to seven digits.
/// Source: Abramowitz and Stegun, 26.2.17.
fn normal(deviations: f64) -> f64 {
    const TERMS: [f64; 5] = [
        1.330_274_429,
        -1.821_255_978,
        1.781_477_937,
        -0.356_563_782,
        0.319_381_530,
    ];
    let t = 1.0 / 0.231_641_9_f64.mul_add(deviations.abs(), 1.0);
    let sum = TERMS
        .iter()
        .fold(0.0_f64, |sum, term| sum.mul_add(t, *term))
        * t;
    let density = (-deviations * deviations / 2.0).exp() / std::f64::consts::TAU.sqrt();
    let above = density * sum;
    if deviations < 0.0 { above } else { 1.0 - above }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(players: u32, mu: f64) -> Side {
        let rating = Some(Rating { mu, sigma: 0.0 });
        Side { players, rating }
    }

    #[test]
    fn teams_are_even() {
        let players = [30.0, 28.0, 26.0, 20.0, 20.0, 16.0].map(|mu| side(1, mu));
        let teams = split(&players, 2).unwrap();
        let strength = |team: &[usize]| team.iter().map(|it| players[*it].strength()).sum::<f64>();
        assert_eq!(strength(&teams[0]), strength(&teams[1]));
        let even = favourite_wins(&players, &teams).unwrap();
        assert!((even - 0.5).abs() < 1e-6, "{even}");
        assert_eq!(split(&players, 3).unwrap().len(), 3);
        assert_eq!(split(&players, 4), None);
        assert_eq!(split(&players, 0), None);
    }

    #[test]
    fn parties_stay_together() {
        let sizes = |sizes: &[u32]| sizes.iter().map(|it| side(*it, 1.0)).collect::<Vec<_>>();
        assert_eq!(split(&sizes(&[4, 4, 2]), 2), None);
        let teams = split(&sizes(&[2, 3, 3, 2]), 2).unwrap();
        assert!(teams.iter().all(|team| team.len() == 2));
        assert_eq!(
            split(&sizes(&[3, 1, 1, 1]), 2),
            Some(vec![vec![0], vec![1, 2, 3]])
        );
    }

    proptest::proptest! {
        #[test]
        fn the_evenest_teams_are_found(mus in proptest::collection::vec(0.0..50.0_f64, 8)) {
            let players: Vec<Side> = mus.iter().map(|mu| side(1, *mu)).collect();
            let total: f64 = mus.iter().sum();
            let fours = (0_u32..256).filter(|bits| bits.count_ones() == 4);
            let spreads = fours.map(|bits| {
                let team = (0..8).filter(|index| bits >> index & 1 == 1);
                (total - 2.0 * team.map(|index| mus[index]).sum::<f64>()).abs()
            });
            let expected = spreads.fold(f64::INFINITY, f64::min);
            let teams = split(&players, 2).unwrap();
            let found = total - 2.0 * teams[0].iter().map(|index| mus[*index]).sum::<f64>();
            assert!((found.abs() - expected).abs() < 1e-9);
        }
    }

    #[test]
    fn favourites() {
        let duel = |one: f64, other: f64| {
            let players = [side(1, one), side(1, other)];
            favourite_wins(&players, &[vec![0], vec![1]]).unwrap()
        };
        assert!((duel(25.0, 25.0) - 0.5).abs() < 1e-6);
        // One deviation of both together: 84.13 %.
        let one_deviation = BETA * 2.0_f64.sqrt();
        assert!((duel(25.0, 25.0 + one_deviation) - 0.841_344_7).abs() < 1e-6);
        let three = [side(1, 1.0), side(1, 1.0), side(1, 1.0)];
        let alone = [vec![0], vec![1], vec![2]];
        assert!((favourite_wins(&three, &alone).unwrap() - 1.0 / 3.0).abs() < 1e-6);
        let unknown = Side {
            players: 1,
            rating: None,
        };
        assert_eq!(favourite_wins(&[unknown, side(1, 1.0)], &alone[..2]), None);
    }
}
