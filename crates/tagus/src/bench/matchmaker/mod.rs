//! The matchmaker beside a model of another, under the same arrivals in virtual time: no server, and a day in seconds.

mod arrivals;
mod contenders;
mod results;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use clap::Args;
use tagus_base::UnixMillis;

use super::progress::Progress;
use super::report::Reporter;
use arrivals::{Arrival, Arrivals};
use contenders::{Contender, Judge, Kind};
use results::{Figure, Quality, Tally};

/// What `tagus bench matchmaker` runs.
#[derive(Args, Clone, Debug)]
pub(super) struct MatchmakerArgs {
    /// Virtual hours, the first from midnight.
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    hours: u16,
    /// Players who come in an hour, on the mean of a day.
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    players_per_hour: u32,
    /// The same seed gives the same arrivals, and the same matches.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

pub(super) async fn run(args: MatchmakerArgs, reporter: &Reporter) -> anyhow::Result<()> {
    let begin = Instant::now();
    let hours = u32::from(args.hours);
    let mut progress = Progress::new(Duration::ZERO);
    let mut columns = Vec::new();
    for (done, kind) in (0..).zip(Kind::ALL) {
        let mut simulation = Simulation::new(kind, &args)?;
        for hour in 0..hours {
            let steps = done * hours + hour;
            let all = hours * Kind::ALL.len() as u32;
            let left = begin.elapsed() * (all - steps) / steps.max(1);
            progress = Progress::new(left);
            progress.show(&format!("{}: hour {} of {hours}", kind.name(), hour + 1));
            simulation.run_until(u64::from(hour + 1) * HOUR_MS)?;
            // So that Ctrl-C is heard.
            tokio::task::yield_now().await;
        }
        simulation.run_until(u64::MAX)?;
        let busy = simulation.contender.busy;
        columns.push((kind, simulation.tally.figures(busy)));
    }
    if !reporter.json() {
        progress.say(&header(&args));
        progress.say(&results::table(&columns));
    }
    for (kind, figures) in &columns {
        let row = json_of(&args, *kind, figures);
        if reporter.json() {
            progress.say(&row.to_string());
        } else if let Some(changes) = reporter.changes(&row) {
            progress.say(&format!("{}: {changes}", kind.name()));
        }
    }
    Ok(())
}

fn header(args: &MatchmakerArgs) -> String {
    let MatchmakerArgs {
        hours,
        players_per_hour,
        seed,
    } = args;
    format!(
        "matchmaker: {hours} virtual hours, {players_per_hour} players an hour on the mean of a day, seed {seed}; \
         who waits too long leaves\n\
         tagus: the server's matchmaker with its defaults, ratings and round-trip times\n\
         query only: the same without ratings and round-trip times\n\
         interval model: model of an interval matchmaker (15 s, query only, first fit)\n\
         interval mutual: that model, but nobody plays against anybody's query\n\
         all matches are judged alike: the evenest teams that are possible, the best region for all players"
    )
}

fn json_of(args: &MatchmakerArgs, kind: Kind, figures: &[Figure]) -> serde_json::Value {
    let own = serde_json::json!({
        "bench": "matchmaker",
        "matchmaker": kind.name(),
        "hours": args.hours,
        "players_per_hour": args.players_per_hour,
        "seed": args.seed,
    });
    let mut row = own.as_object().cloned().unwrap_or_default();
    let figures = figures.iter();
    row.extend(figures.map(|figure| (figure.key.clone(), figure.value.into())));
    serde_json::Value::Object(row)
}

/// One contender and the players who come to it.
struct Simulation {
    contender: Contender,
    judge: Judge,
    arrivals: Arrivals,
    next: Option<Arrival>,
    /// Who comes later does not.
    end_ms: u64,
    /// Those who wait, by number.
    waiting: BTreeMap<usize, Arrival>,
    /// When they lose patience.
    leaving: BTreeSet<(u64, usize)>,
    tally: Tally,
    number: usize,
}

/// What happens next.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Event {
    Decision,
    Leave,
    Arrival,
}

impl Simulation {
    fn new(kind: Kind, args: &MatchmakerArgs) -> anyhow::Result<Self> {
        let mut simulation = Self {
            contender: Contender::new(kind, args.seed),
            judge: Judge::new(),
            arrivals: Arrivals::new(args.seed, args.players_per_hour),
            next: None,
            end_ms: u64::from(args.hours) * HOUR_MS,
            waiting: BTreeMap::new(),
            leaving: BTreeSet::new(),
            tally: Tally::default(),
            number: 0,
        };
        simulation.prepare()?;
        Ok(simulation)
    }

    /// Makes the next arrival, if there is one before the end.
    fn prepare(&mut self) -> anyhow::Result<()> {
        let next = self.arrivals.next()?;
        self.next = Some(next).filter(|it| it.at_ms < self.end_ms);
        Ok(())
    }

    /// Lets time pass, but not beyond the last player's leaving.
    fn run_until(&mut self, until_ms: u64) -> anyhow::Result<()> {
        while let Some((at_ms, event)) = self.next_event().filter(|(at, _)| *at < until_ms) {
            let now = UnixMillis(at_ms);
            match event {
                Event::Decision => {
                    for group in self.contender.poll(now) {
                        self.matched(at_ms, &group)?;
                    }
                }
                Event::Leave => {
                    if let Some((_, number)) = self.leaving.pop_first()
                        && let Some(arrival) = self.waiting.remove(&number)
                    {
                        self.contender.remove(number);
                        self.tally.left(&arrival);
                    }
                }
                Event::Arrival => {
                    if let Some(arrival) = self.next.take() {
                        self.arrive(now, arrival)?;
                    }
                    self.prepare()?;
                }
            }
        }
        Ok(())
    }

    fn next_event(&self) -> Option<(u64, Event)> {
        let arrival = self.next.as_ref();
        let arrival = arrival.map(|it| (it.at_ms, Event::Arrival));
        let leave = self.leaving.first().map(|(at, _)| (*at, Event::Leave));
        let due = self.contender.next_due();
        let decision = due.map(|due| (due.0, Event::Decision));
        let people = arrival.into_iter().chain(leave).min()?;
        Some(decision.map_or(people, |decision| decision.min(people)))
    }

    fn arrive(&mut self, now: UnixMillis, arrival: Arrival) -> anyhow::Result<()> {
        let number = self.number;
        self.number += 1;
        let ticket = arrival.ticket.clone();
        self.contender.add(now, number, ticket)?;
        self.leaving.insert((now.0 + arrival.patience_ms, number));
        self.waiting.insert(number, arrival);
        Ok(())
    }

    fn matched(&mut self, at_ms: u64, group: &[usize]) -> anyhow::Result<()> {
        let mut players = Vec::new();
        for number in group {
            let arrival = self.waiting.remove(number);
            players.extend(arrival.inspect(|arrival| {
                let leaves_at = arrival.at_ms + arrival.patience_ms;
                self.leaving.remove(&(leaves_at, *number));
            }));
        }
        let tickets = players.iter().map(|arrival| arrival.ticket.clone());
        let made = self.judge.judge(tickets.collect())?;
        self.tally
            .matched(at_ms, &players, &Quality::of(&made, &players));
        Ok(())
    }
}

const HOUR_MS: u64 = 3_600_000;

#[cfg(test)]
mod tests {
    use super::*;

    const ARGS: MatchmakerArgs = MatchmakerArgs {
        hours: 2,
        players_per_hour: 300,
        seed: 4,
    };

    fn figures(kind: Kind, args: &MatchmakerArgs) -> (Tally, Vec<Figure>) {
        let mut simulation = Simulation::new(kind, args).unwrap();
        simulation.run_until(u64::MAX).unwrap();
        assert!(simulation.waiting.is_empty() && simulation.leaving.is_empty());
        let figures = simulation.tally.figures(Duration::ZERO);
        (simulation.tally, figures)
    }

    #[test]
    fn the_same_seed_gives_the_same_table() {
        for kind in Kind::ALL {
            let (tally, one) = figures(kind, &ARGS);
            assert_eq!(one, figures(kind, &ARGS).1);
            let other = MatchmakerArgs { seed: 5, ..ARGS };
            assert_ne!(one, figures(kind, &other).1);
            assert!(tally.match_count() > 50, "{}", tally.match_count());
        }
    }

    #[test]
    fn everybody_comes_to_each_contender_and_is_accounted_for() {
        let tickets = Kind::ALL.map(|kind| figures(kind, &ARGS).0.ticket_count());
        assert!(
            tickets[0] > 100 && tickets.iter().all(|it| *it == tickets[0]),
            "{tickets:?}"
        );
    }

    #[test]
    fn the_matchmaker_keeps_its_rules_here_too() {
        let value = |figures: &[Figure], key: &str| {
            let figure = figures.iter().find(|it| it.key == key);
            figure.and_then(|it| it.value).unwrap()
        };
        for kind in [Kind::Tagus, Kind::QueryOnly, Kind::IntervalMutual] {
            let (_, figures) = figures(kind, &ARGS);
            assert_eq!(value(&figures, "against_a_query"), 0.0);
            let teams = value(&figures, "without_teams");
            assert!(kind == Kind::IntervalMutual || teams == 0.0, "{teams}");
        }
        let (_, model) = figures(Kind::Interval, &ARGS);
        assert!(value(&model, "against_a_query") > 0.0);
        // Nobody is matched between the rounds.
        assert!(value(&model, "wait_p50_s") > 5.0);
    }
}
