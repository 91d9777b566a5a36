//! Those that are compared: each is told of the same arrivals.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tagus_base::{Millis, UnixMillis};
use tagus_players::matchmaker::{
    IntervalModel, IntervalModelConfig, Match, Matchmaker, MatchmakerConfig, NewTicket, TicketId,
};

use super::arrivals::REGIONS;

/// Who makes the matches.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// The server's matchmaker.
    Tagus,
    /// The same without ratings and round-trip times.
    QueryOnly,
    /// The model of another.
    Interval,
    /// The same, but everybody's query is asked.
    IntervalMutual,
}

impl Kind {
    pub(super) const ALL: [Self; 4] = [
        Self::Tagus,
        Self::QueryOnly,
        Self::Interval,
        Self::IntervalMutual,
    ];

    /// The head of its column.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Tagus => "tagus",
            Self::QueryOnly => "query only",
            Self::Interval => "interval model",
            Self::IntervalMutual => "interval mutual",
        }
    }

    const fn is_model(self) -> bool {
        match self {
            Self::Tagus | Self::QueryOnly => false,
            Self::Interval | Self::IntervalMutual => true,
        }
    }
}

/// A matchmaker to which arrivals are numbers.
pub(super) struct Contender {
    kind: Kind,
    /// For a model it only makes tickets.
    maker: Matchmaker,
    model: IntervalModel,
    arrivals: HashMap<TicketId, usize>,
    tickets: HashMap<usize, TicketId>,
    /// How long it was at work.
    pub(super) busy: Duration,
}

impl Contender {
    pub(super) fn new(kind: Kind, seed: u64) -> Self {
        let config = MatchmakerConfig {
            seed,
            regions: REGIONS.map(Into::into).into(),
            ..MatchmakerConfig::default()
        };
        Self {
            kind,
            maker: Matchmaker::new(config),
            model: IntervalModel::new(
                UnixMillis(0),
                IntervalModelConfig {
                    is_mutual: kind == Kind::IntervalMutual,
                    ..IntervalModelConfig::default()
                },
            ),
            arrivals: HashMap::new(),
            tickets: HashMap::new(),
            busy: Duration::ZERO,
        }
    }

    pub(super) fn add(
        &mut self,
        now: UnixMillis,
        arrival: usize,
        mut new: NewTicket,
    ) -> anyhow::Result<()> {
        if self.kind == Kind::QueryOnly {
            new.wish.rating = None;
            new.wish.regions.clear();
        }
        let begin = Instant::now();
        let id = self.maker.handle_add(now, new)?;
        if self.kind.is_model() {
            let ticket = self.maker.remove(id).context("a ticket vanished")?;
            self.model.handle_add(ticket);
        } else {
            // The model would have to check its tickets and describe them too, but that is not known of it.
            self.busy += begin.elapsed();
        }
        self.arrivals.insert(id, arrival);
        self.tickets.insert(arrival, id);
        Ok(())
    }

    /// Somebody leaves.
    pub(super) fn remove(&mut self, arrival: usize) {
        if let Some(id) = self.tickets.remove(&arrival) {
            self.arrivals.remove(&id);
            if self.kind.is_model() {
                self.model.remove(id);
            } else {
                self.maker.remove(id);
            }
        }
    }

    /// When [`Self::poll`] has something to do.
    pub(super) fn next_due(&self) -> Option<UnixMillis> {
        if self.kind.is_model() {
            Some(self.model.next_due())
        } else {
            self.maker.next_due()
        }
    }

    /// Who plays together.
    pub(super) fn poll(&mut self, now: UnixMillis) -> Vec<Vec<usize>> {
        let begin = Instant::now();
        let mut made = Vec::new();
        if self.kind.is_model() {
            self.model.poll(now, &mut made);
        } else {
            while self.maker.next_due().is_some_and(|due| due <= now) {
                self.maker.poll(now, &mut made);
            }
        }
        self.busy += begin.elapsed();
        let groups = made.iter().map(|made| {
            let ids = made.tickets.iter().map(|ticket| ticket.id);
            let arrivals = ids.filter_map(|id| self.arrivals.remove(&id));
            arrivals.collect::<Vec<usize>>()
        });
        let groups: Vec<Vec<usize>> = groups.collect();
        for arrival in groups.iter().flatten() {
            self.tickets.remove(arrival);
        }
        groups
    }
}

/// Judges all matches by the same rules, whoever made them: the evenest teams, the best region of all.
pub(super) struct Judge(Matchmaker);

impl Judge {
    pub(super) fn new() -> Self {
        Self(Matchmaker::new(MatchmakerConfig {
            regions: REGIONS.map(Into::into).into(),
            rtt_ms_max: Millis(u32::MAX),
            decides: false,
            ..MatchmakerConfig::default()
        }))
    }

    /// The match of these.
    pub(super) fn judge(&mut self, tickets: Vec<NewTicket>) -> anyhow::Result<Match> {
        let ids = tickets.into_iter();
        let ids = ids.map(|new| self.0.handle_add(UnixMillis(0), new));
        let ids = ids.collect::<Result<Vec<TicketId>, _>>()?;
        Ok(self.0.form(UnixMillis(0), &ids)?)
    }
}
