//! Ratings after Weng and Lin (2011), "A Bayesian approximation method for online ranking", by the model of Plackett and
//! Luce. For two teams it gives the same as their model of Bradley and Terry; with many teams each counts less.

use crate::matchmaker::Rating;

/// The ratings of each team's players after a game; the lower rank is the better one, equal ranks are a tie. No team is
/// empty, all ratings are finite and all deviations above 0.
pub(super) fn rate(teams: &[(Vec<Rating>, u32)]) -> Vec<Vec<Rating>> {
    let sums: Vec<Sum> = teams.iter().map(|(team, _)| Sum::of(team)).collect();
    let c = width(&sums);
    let mut shifts = vec![Shift::default(); teams.len()];
    // Place by place: who might have taken this place, and how probable it was that each of them would.
    for (taker, (_, rank)) in teams.iter().enumerate() {
        let rest: Vec<usize> = (0..teams.len())
            .filter(|at| teams[*at].1 >= *rank)
            .collect();
        let chances = chances(rest.iter().map(|at| sums[*at].mu / c));
        let ties = teams.iter().filter(|(_, other)| other == rank).count() as f64;
        for (at, chance) in rest.into_iter().zip(chances) {
            let took = if at == taker { 1.0 } else { 0.0 };
            shifts[at].omega += (took - chance) / ties;
            shifts[at].delta += chance * (1.0 - chance) / ties;
        }
    }
    let all = teams.iter().zip(&sums).zip(shifts);
    let rated = all.map(|(((team, _), sum), shift)| {
        let team = team.iter();
        team.map(|player| shift.apply(*player, sum.variance, c))
            .collect()
    });
    rated.collect()
}

/// How probable it is that each team wins; together 1.
pub(super) fn win_probability(teams: &[&[Rating]]) -> Vec<f64> {
    let sums: Vec<Sum> = teams.iter().map(|team| Sum::of(team)).collect();
    let c = width(&sums);
    chances(sums.iter().map(|sum| sum.mu / c))
}

/// A team, as one player.
struct Sum {
    mu: f64,
    variance: f64,
}

impl Sum {
    fn of(team: &[Rating]) -> Self {
        Self {
            mu: team.iter().map(|player| player.mu).sum(),
            variance: team.iter().map(|player| player.sigma * player.sigma).sum(),
        }
    }
}

/// What a result says about a team.
#[derive(Clone, Copy, Default)]
struct Shift {
    omega: f64,
    delta: f64,
}

impl Shift {
    fn apply(self, player: Rating, team_variance: f64, c: f64) -> Rating {
        let variance = player.sigma * player.sigma;
        let gamma = team_variance.sqrt() / c;
        let kept = 1.0 - variance * gamma * self.delta / (c * c);
        Rating {
            mu: player.mu + variance * self.omega / c,
            sigma: (variance * kept.max(KEPT_MIN)).sqrt(),
        }
    }
}

/// How far apart teams are that one usually wins.
fn width(teams: &[Sum]) -> f64 {
    let variances = teams.iter().map(|team| team.variance + BETA * BETA);
    variances.sum::<f64>().sqrt()
}

/// The share of each one's exponential. The largest is taken as 1, so that none is beyond the numbers.
fn chances(powers: impl Iterator<Item = f64> + Clone) -> Vec<f64> {
    let largest = powers.clone().fold(f64::NEG_INFINITY, f64::max);
    let shares: Vec<f64> = powers.map(|power| (power - largest).exp()).collect();
    let sum: f64 = shares.iter().sum();
    shares.into_iter().map(|share| share / sum).collect()
}

/// How much chance there is in a game: of two whose ratings are sure, who is so much better wins two games of three.
const BETA: f64 = 25.0 / 6.0;
/// The share of a variance that is left after one game, at least.
const KEPT_MIN: f64 = 0.000_001;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn team() -> impl Strategy<Value = (Vec<Rating>, u32)> {
        let player = (-20.0..70.0, 0.5..9.0).prop_map(|(mu, sigma)| Rating { mu, sigma });
        (proptest::collection::vec(player, 1..4), 0..4_u32)
    }

    /// The logarithm of how probable a result is for teams of these strengths, of each place as often as its takers tie.
    fn log_likelihood(strengths: &[f64], ranks: &[u32]) -> f64 {
        let places = ranks.iter().zip(strengths).map(|(rank, strength)| {
            let rest = ranks
                .iter()
                .zip(strengths)
                .filter(|(other, _)| *other >= rank);
            let rest: f64 = rest.map(|(_, strength)| strength.exp()).sum();
            let ties = ranks.iter().filter(|other| *other == rank).count();
            (strength - rest.ln()) / ties as f64
        });
        places.sum()
    }

    proptest! {
        #[test]
        fn ratings_follow_the_slope_of_the_likelihood(teams in proptest::collection::vec(team(), 2..6)) {
            let variance = |team: &[Rating]| team.iter().map(|one| one.sigma.powi(2)).sum::<f64>();
            let c = teams.iter().map(|(team, _)| variance(team) + BETA.powi(2)).sum::<f64>().sqrt();
            let strength = |team: &[Rating]| team.iter().map(|one| one.mu).sum::<f64>() / c;
            let strengths: Vec<f64> = teams.iter().map(|(team, _)| strength(team)).collect();
            let ranks: Vec<u32> = teams.iter().map(|(_, rank)| *rank).collect();
            let rated = rate(&teams);
            for (at, (team, _)) in teams.iter().enumerate() {
                let [less, same, more] = [-0.001, 0.0, 0.001].map(|change| {
                    let mut strengths = strengths.clone();
                    strengths[at] += change;
                    log_likelihood(&strengths, &ranks)
                });
                let slope = (more - less) / 0.002;
                let bend = (more - 2.0 * same + less) / 0.000_001;
                let gamma = variance(team).sqrt() / c;
                for (before, after) in team.iter().zip(&rated[at]) {
                    let share = before.sigma.powi(2) / c;
                    prop_assert!((after.mu - before.mu - share * slope).abs() < 1e-4);
                    let kept = (after.sigma / before.sigma).powi(2);
                    prop_assert!((kept - 1.0 - share / c * gamma * bend).abs() < 1e-4);
                }
            }
        }
    }

    #[test]
    fn numbers_stay_finite() {
        let player = |mu| Rating { mu, sigma: 0.01 };
        let teams = [
            (vec![player(1e6); 1_022], 0),
            (vec![player(-1e6)], 1),
            (vec![player(-1e6 - 1e4)], 1),
        ];
        for rated in rate(&teams).into_iter().flatten() {
            assert!(rated.mu.is_finite() && rated.sigma > 0.0, "{rated:?}");
        }
        let players: Vec<&[Rating]> = teams.iter().map(|(team, _)| team.as_slice()).collect();
        assert_eq!(win_probability(&players), [1.0, 0.0, 0.0]);
        assert_eq!(win_probability(&players[1..2]), [1.0]);
        assert!(win_probability(&[]).is_empty());
    }

    #[test]
    fn many_newcomers_move_little() {
        let newcomers: Vec<_> = (0..64).map(|rank| (vec![Rating::NEWCOMER], rank)).collect();
        let rated = rate(&newcomers);
        let mus: Vec<f64> = rated.iter().map(|team| team[0].mu).collect();
        assert!(mus.is_sorted_by(|better, worse| better > worse));
        assert!(mus[0] < 26.0 && mus[63] > 20.0, "{mus:?}");
        assert!(rated.iter().all(|team| team[0].sigma > 8.0));
    }
}
