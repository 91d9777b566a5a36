//! What became of everybody, and the table that says it.

use std::time::Duration;

use tagus_players::matchmaker::Match;

use super::super::float;
use super::arrivals::{Arrival, MODES};
use super::contenders::Kind;

/// What became of a ticket.
struct Fate {
    mode: &'static str,
    skill: f64,
    players: usize,
    waited_ms: u64,
    /// Of its match; none if its players left.
    quality: Option<Quality>,
}

/// How good a match is.
#[derive(Clone, Debug)]
pub(super) struct Quality {
    /// The probability that the favourite wins, where there are two sides.
    favourite_wins: Option<f64>,
    skill_spread: f64,
    rtt_ms_max: Option<u32>,
    /// Whether parties are too large for the teams.
    is_without_teams: bool,
    /// Whether somebody's query does not accept somebody.
    is_against_a_query: bool,
}

impl Quality {
    /// Of a match of these, who play the same mode.
    pub(super) fn of(made: &Match, players: &[Arrival]) -> Self {
        let teams = players.first().map_or(0, |it| it.mode.teams);
        let accepted = made.tickets.iter().all(|one| {
            let mut others = made.tickets.iter().filter(|other| other.id != one.id);
            others.all(|other| one.accepts(other))
        });
        let two_sides = made.teams.len() == 2;
        Self {
            favourite_wins: made.favourite_wins.filter(|_| two_sides),
            skill_spread: made.rating_spread.unwrap_or_default(),
            rtt_ms_max: made.region.as_ref().map(|region| region.rtt_ms_max.0),
            is_without_teams: teams > 0 && made.teams.is_empty(),
            is_against_a_query: !accepted,
        }
    }
}

/// What became of everybody so far.
#[derive(Default)]
pub(super) struct Tally {
    fates: Vec<Fate>,
    matches: Vec<Quality>,
}

/// One line of a column.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Figure {
    pub(super) label: String,
    pub(super) key: String,
    pub(super) value: Option<f64>,
    decimals: usize,
}

fn figure(label: &str, key: &str, value: Option<f64>, decimals: usize) -> Figure {
    Figure {
        label: label.to_owned(),
        key: key.to_owned(),
        value,
        decimals,
    }
}

impl Tally {
    pub(super) fn left(&mut self, arrival: &Arrival) {
        self.note(arrival, arrival.patience_ms, None);
    }

    pub(super) fn matched(&mut self, at_ms: u64, players: &[Arrival], quality: &Quality) {
        self.matches.push(quality.clone());
        for arrival in players {
            self.note(arrival, at_ms - arrival.at_ms, Some(quality.clone()));
        }
    }

    fn note(&mut self, arrival: &Arrival, waited_ms: u64, quality: Option<Quality>) {
        self.fates.push(Fate {
            mode: arrival.mode.name,
            skill: arrival.skill,
            players: arrival.ticket.entries.len(),
            waited_ms,
            quality,
        });
    }

    /// The column, with how long the contender was busy.
    pub(super) fn figures(&self, busy: Duration) -> Vec<Figure> {
        let all: Vec<&Fate> = self.fates.iter().collect();
        let players: usize = all.iter().map(|it| it.players).sum();
        let whole = |count: usize| Some(float(count as u64));
        let among = |test: fn(&Quality) -> bool| {
            let count = self.matches.iter().filter(|it| test(it)).count();
            whole(count)
        };
        let rtt = |per_mille| {
            let times = self.matches.iter().filter_map(|it| it.rtt_ms_max);
            quantile(times.map(f64::from).collect(), per_mille)
        };
        let wait = |per_mille| wait_s(&all, per_mille);
        let quality = mean_quality(&self.matches.iter().collect::<Vec<_>>());
        let mut figures = vec![
            figure("players", "player_count", whole(players), 0),
            figure("tickets", "ticket_count", whole(self.fates.len()), 0),
            figure("matches", "match_count", whole(self.matches.len()), 0),
            figure("players who left, %", "left_percent", left_percent(&all), 2),
            figure("wait of the matched p50, s", "wait_p50_s", wait(500), 2),
            figure("wait of the matched p95, s", "wait_p95_s", wait(950), 2),
            figure("wait of the matched p99, s", "wait_p99_s", wait(990), 2),
            figure(
                "favourite wins, two sides, %",
                "favourite_percent",
                quality.0,
                2,
            ),
            figure("skill spread of a match", "skill_spread", quality.1, 2),
            figure("longest rtt of a match p50, ms", "rtt_p50_ms", rtt(500), 0),
            figure("longest rtt of a match p95, ms", "rtt_p95_ms", rtt(950), 0),
            figure(
                "matches against a query",
                "against_a_query",
                among(|it| it.is_against_a_query),
                0,
            ),
            figure(
                "matches without even teams",
                "without_teams",
                among(|it| it.is_without_teams),
                0,
            ),
        ];
        let mut by_skill = all.clone();
        by_skill.sort_by(|one, other| one.skill.total_cmp(&other.skill));
        for (label, key, from, to) in GROUPS {
            let part = |percent| by_skill.len() * percent / 100;
            figures.extend(group(label, key, &by_skill[part(from)..part(to)]));
        }
        for mode in &MODES {
            let part: Vec<&Fate> = all
                .iter()
                .copied()
                .filter(|it| it.mode == mode.name)
                .collect();
            figures.extend(group(mode.name, mode.name, &part));
        }
        let busy_us = busy.as_secs_f64() * 1e6;
        let each_us = busy_us / float(self.fates.len().max(1) as u64);
        figures.push(figure("time of a ticket, µs", "busy_us", Some(each_us), 1));
        figures
    }

    #[cfg(test)]
    pub(super) fn ticket_count(&self) -> usize {
        self.fates.len()
    }

    #[cfg(test)]
    pub(super) fn match_count(&self) -> usize {
        self.matches.len()
    }
}

/// What became of a part of the players.
fn group(label: &str, key: &str, part: &[&Fate]) -> [Figure; 5] {
    let qualities: Vec<&Quality> = part.iter().filter_map(|it| it.quality.as_ref()).collect();
    let (favourite, spread) = mean_quality(&qualities);
    let line = |what: &str, short: &str, value| {
        figure(
            &format!("{label}: {what}"),
            &format!("{key}_{short}"),
            value,
            2,
        )
    };
    [
        line("wait p50, s", "wait_p50_s", wait_s(part, 500)),
        line("wait p95, s", "wait_p95_s", wait_s(part, 950)),
        line("left, %", "left_percent", left_percent(part)),
        line("favourite wins, %", "favourite_percent", favourite),
        line("skill spread", "skill_spread", spread),
    ]
}

/// Means of the favourites' chances in per cent, and of the spreads.
fn mean_quality(qualities: &[&Quality]) -> (Option<f64>, Option<f64>) {
    let mean = |values: Vec<f64>| {
        let count = float(values.len() as u64);
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / count)
    };
    let favourites = qualities.iter().filter_map(|it| it.favourite_wins);
    let spreads = qualities.iter().map(|it| it.skill_spread);
    (
        mean(favourites.map(|wins| wins * 100.0).collect()),
        mean(spreads.collect()),
    )
}

/// How long players waited who were matched.
fn wait_s(fates: &[&Fate], per_mille: usize) -> Option<f64> {
    let matched = fates.iter().filter(|it| it.quality.is_some());
    let waits =
        matched.flat_map(|it| std::iter::repeat_n(float(it.waited_ms) / 1_000.0, it.players));
    quantile(waits.collect(), per_mille)
}

fn left_percent(fates: &[&Fate]) -> Option<f64> {
    let players =
        |fates: &mut dyn Iterator<Item = &&Fate>| fates.map(|it| it.players).sum::<usize>();
    let all = players(&mut fates.iter());
    let left = players(&mut fates.iter().filter(|it| it.quality.is_none()));
    (all > 0).then(|| float(left as u64) * 100.0 / float(all as u64))
}

/// The smallest value that at least so many of a thousand do not exceed.
fn quantile(mut values: Vec<f64>, per_mille: usize) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let rank = (values.len() * per_mille).div_ceil(1_000);
    values.get(rank.saturating_sub(1)).copied()
}

/// The columns side by side.
pub(super) fn table(columns: &[(Kind, Vec<Figure>)]) -> String {
    let mut lines = vec![format!("{:<34}", "")];
    for (kind, _) in columns {
        lines[0] += &format!(" {:>15}", kind.name());
    }
    let labels = columns.first().map_or(&[][..], |(_, figures)| figures);
    for (index, first) in labels.iter().enumerate() {
        let mut line = format!("{:<34}", first.label);
        for (_, figures) in columns {
            let figure = &figures[index];
            let decimals = figure.decimals;
            let value = figure.value;
            let text = value.map_or_else(|| "-".to_owned(), |it| format!("{it:.decimals$}"));
            line += &format!(" {text:>15}");
        }
        lines.push(line);
    }
    lines.join("\n")
}

/// Parts of the players by skill: names, and from which to which hundredth.
const GROUPS: [(&str, &str, usize, usize); 3] = [
    ("weakest 5 %", "weakest", 0, 5),
    ("middle 10 %", "middle", 45, 55),
    ("strongest 5 %", "strongest", 95, 100),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_occurred() {
        let hundred: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        let of = |per_mille| quantile(hundred.clone(), per_mille);
        assert_eq!(
            (of(500), of(950), of(990)),
            (Some(50.0), Some(95.0), Some(99.0))
        );
        assert_eq!(
            (of(0), of(951), of(1_000)),
            (Some(1.0), Some(96.0), Some(100.0))
        );
        assert_eq!(quantile(vec![7.0], 950), Some(7.0));
        assert_eq!(quantile(Vec::new(), 500), None);
    }

    fn fate(skill: f64, players: usize, waited_ms: u64, favourite_wins: Option<f64>) -> Fate {
        let quality = favourite_wins.map(|wins| Quality {
            favourite_wins: Some(wins),
            skill_spread: 2.0,
            rtt_ms_max: Some(30),
            is_without_teams: false,
            is_against_a_query: true,
        });
        Fate {
            mode: "1v1",
            skill,
            players,
            waited_ms,
            quality,
        }
    }

    #[test]
    fn players_count_not_tickets() {
        let fates = vec![
            fate(1.0, 3, 1_000, Some(0.5)),
            fate(2.0, 1, 9_000, Some(0.75)),
            fate(3.0, 4, 60_000, None),
        ];
        let matches = fates.iter().filter_map(|it| it.quality.clone()).collect();
        let tally = Tally { fates, matches };
        let figures = tally.figures(Duration::from_micros(30));
        let value = |key: &str| figures.iter().find(|it| it.key == key).unwrap().value;
        assert_eq!(value("player_count"), Some(8.0));
        assert_eq!(value("left_percent"), Some(50.0));
        // Three of the four matched players waited a second.
        assert_eq!(value("wait_p50_s"), Some(1.0));
        assert_eq!(value("wait_p95_s"), Some(9.0));
        assert_eq!(value("favourite_percent"), Some(62.5));
        assert_eq!(value("against_a_query"), Some(2.0));
        assert_eq!(value("busy_us"), Some(10.0));
        assert_eq!(value("5v5_wait_p50_s"), None);
        let table = table(&[(Kind::Tagus, figures)]);
        assert!(
            table
                .lines()
                .any(|line| line.starts_with("players ") && line.ends_with(" 8"))
        );
    }
}
