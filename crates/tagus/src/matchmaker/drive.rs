//! The matchmaker's task.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tagus_base::UnixMillis;
use tagus_players::matchmaker::{Match, TicketId};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::conclude::conclude;
use super::{LiveMatchmaker, WaitingTicket, lock};
use crate::gateway::{Gateway, unix_now};
use crate::hooks::caught;
use crate::tagus::Tagus;

/// Makes matches and sees to them until the server drains.
pub(crate) async fn drive(gateway: Arc<Gateway>, mut draining: watch::Receiver<bool>) {
    let matchmaker = &gateway.matchmaker;
    let mut processor = Processor::default();
    let mut tasks = JoinSet::new();
    loop {
        while tasks.try_join_next().is_some() {}
        let mut wait = LOOK_INTERVAL;
        if tasks.len() < TASKS_MAX {
            let sought = gateway.seeks.take();
            matchmaker.seek(&gateway.config.matchmaker, sought);
            let now = unix_now();
            let decider = processor.turn(&gateway);
            let (made, due) = tokio::task::block_in_place(|| matchmaker.step(now, &decider));
            for one in made {
                conclude(&gateway, one, &mut tasks);
            }
            if let Some(due) = due {
                wait = wait.min(Duration::from_millis(due.0.saturating_sub(now.0)));
            }
            if wait.is_zero() && matches!(decider, Decider::Substitute) {
                processor.decided = Some(Decider::Substitute);
            }
            wait = wait.min(processor.pause());
        }
        if wait.is_zero() && !*draining.borrow() {
            // There is more to decide; others get at the lock and the thread before.
            tokio::task::yield_now().await;
            continue;
        }
        tokio::select! {
            _ = draining.changed() => return,
            () = matchmaker.woken.notified() => {}
            () = tokio::time::sleep(wait) => {}
            Some(_) = tasks.join_next() => {}
            Some(decided) = processor.running.join_next() => {
                processor.decided = Some(decided.unwrap_or(Decider::Substitute));
            }
        }
    }
}

/// Who decides in a turn.
enum Decider {
    /// The built-in rules.
    Rules,
    /// Server code, which has not answered yet.
    Nobody,
    /// Server code, which wants these matches.
    Code(Vec<Vec<TicketId>>),
    /// The built-in rules for once, about everything that is due: server code has failed.
    Substitute,
}

/// Server code that decides in place of the built-in rules: one call at a time.
#[derive(Default)]
struct Processor {
    running: JoinSet<Decider>,
    /// What the last call answered.
    decided: Option<Decider>,
    begun: Option<Instant>,
}

impl Processor {
    /// Who decides now. Asks server code if it is time.
    fn turn(&mut self, gateway: &Arc<Gateway>) -> Decider {
        let Some(hook) = gateway.hooks.matchmaker_processor() else {
            return Decider::Rules;
        };
        if let Some(decided) = self.decided.take() {
            return decided;
        }
        let rested = self.begun.map_or(Duration::MAX, |begun| begun.elapsed());
        if !self.running.is_empty() || rested < PROCESSOR_INTERVAL {
            return Decider::Nobody;
        }
        let Some(tickets) = gateway.matchmaker.undecided(rested >= LOOK_INTERVAL) else {
            return Decider::Nobody;
        };
        self.begun = Some(Instant::now());
        let (hook, tagus) = (hook.clone(), Tagus::of(gateway));
        self.running.spawn(async move {
            let asked = caught(async move { hook(tagus, tickets).await });
            match tokio::time::timeout(PROCESSOR_TIME_MAX, asked).await {
                Ok(Ok(matches)) => return Decider::Code(matches),
                Ok(Err(_)) => tracing::error!("the processor hook panicked, the rules decide"),
                Err(_) => tracing::error!("the processor hook takes too long, the rules decide"),
            }
            Decider::Substitute
        });
        Decider::Nobody
    }

    /// Time until server code may be asked again; long where that is not the question.
    fn pause(&self) -> Duration {
        let rested = self.begun.map(|begun| begun.elapsed());
        let rest = rested.and_then(|rested| PROCESSOR_INTERVAL.checked_sub(rested));
        rest.filter(|rest| !rest.is_zero()).unwrap_or(LOOK_INTERVAL)
    }
}

impl LiveMatchmaker {
    /// Decides what is due. Gives the matches that may go on, and when there is something to do again.
    fn step(&self, now: UnixMillis, decider: &Decider) -> (Vec<Match>, Option<UnixMillis>) {
        let ended = std::mem::take(&mut *lock(&self.ended));
        let mut state = self.state();
        state.end_sessions(&ended);
        let mut due = None;
        match decider {
            Decider::Rules | Decider::Substitute => {
                state.decide(now);
                due = state.matchmaker.next_due();
            }
            Decider::Nobody => {}
            Decider::Code(matches) => {
                for ids in matches {
                    if let Err(error) = state.form(now, ids) {
                        tracing::debug!(%error, "a match of the processor hook is not possible");
                    }
                }
            }
        }
        let waiting = state.matchmaker.len();
        self.metrics
            .waiting
            .set(i64::try_from(waiting).unwrap_or(i64::MAX));
        (state.tellable(), due)
    }

    /// The tickets for server code to decide about, if there are some, and some are new or `anyway`.
    fn undecided(&self, anyway: bool) -> Option<Vec<WaitingTicket>> {
        let mut state = self.state();
        if state.matchmaker.is_empty() || !(state.has_news || anyway) {
            return None;
        }
        state.has_news = false;
        Some(state.waiting())
    }
}

/// Matches that are seen to at once; until one of them is told no further match is made.
const TASKS_MAX: usize = 1_024;
/// Longest time between two looks, in case the clock is set, and between two calls of the processor hook while tickets
/// wait.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// Shortest time between two calls of the processor hook, which is given all tickets.
const PROCESSOR_INTERVAL: Duration = Duration::from_millis(100);
/// Time that the processor hook may take; then the built-in rules decide.
const PROCESSOR_TIME_MAX: Duration = Duration::from_secs(5);
