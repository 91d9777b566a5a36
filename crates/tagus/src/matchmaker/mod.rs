//! The matchmaker of this node: it is told of tickets and of connections that end, and a task of its own decides.
//!
//! A ticket's answer leaves before its match is told: matches that are made earlier are kept until then.
//! From the time that a match is made its tickets are held: they are nobody else's, and wait again if it does not come
//! about. Until it is decided it falls apart where one of its players leaves.

mod backfill;
mod conclude;
mod drive;
mod held;
mod matched;
mod metrics;
mod state;
mod tickets;
mod waiting;
mod wish;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tagus_base::{Millis, SessionId, UnixMillis};
use tagus_players::matchmaker::{Entry, Matchmaker, MatchmakerConfig, Ticket, TicketId};
use tagus_players::{Party, PartyId};
use tagus_telemetry::metrics::Registry;
use tokio::sync::Notify;

use crate::api::ApiError;
use crate::config::Config;
use crate::gateway::random_bytes;
use crate::live::Live;
use metrics::MatchmakerMetrics;
use state::State;

pub(crate) use backfill::entry_of_presence;
pub(crate) use drive::drive;
pub use matched::{Matched, MatchedQuality, MatchedUser};
pub(crate) use state::Completion;
pub(crate) use tickets::{Answer, add, add_party, change};
pub use waiting::WaitingTicket;
pub use wish::MatchmakerWish;

/// See the module.
pub(crate) struct LiveMatchmaker {
    live: Arc<Live>,
    state: Mutex<State>,
    /// Connections that ended. Apart, since a shard notes them and a decision may hold the other lock.
    ended: Mutex<Vec<SessionId>>,
    /// Wakes the task.
    woken: Notify,
    metrics: MatchmakerMetrics,
    /// What all players of a match may take, in bytes of the message that tells of it.
    users_bytes_max: usize,
}

/// How many wait, and for how long.
pub(crate) struct Stats {
    pub(crate) tickets: usize,
    pub(crate) oldest_created_at: Option<UnixMillis>,
    /// The newest, oldest first.
    pub(crate) completions: Vec<Completion>,
}

impl LiveMatchmaker {
    /// No ticket yet.
    pub(crate) fn new(config: &Config, live: Arc<Live>) -> Self {
        let settings = &config.matchmaker;
        let seed = u64::from_le_bytes(random_bytes());
        tracing::info!(seed, "matchmaker");
        let matchmaker = Matchmaker::new(MatchmakerConfig {
            seed,
            gather_ms: Millis(settings.gather_ms),
            tickets_max: settings.tickets_max,
            max_intervals: settings.max_intervals,
            interval_ms: Millis(settings.interval_ms),
            regions: settings
                .regions
                .iter()
                .map(|it| it.as_str().into())
                .collect(),
            rtt_ms_max: Millis(settings.rtt_ms_max),
            ..MatchmakerConfig::default()
        });
        let queue_bytes = config.limits.queue_bytes_max as usize;
        Self {
            live,
            state: Mutex::new(State::new(matchmaker)),
            ended: Mutex::default(),
            woken: Notify::new(),
            metrics: MatchmakerMetrics::default(),
            users_bytes_max: queue_bytes / QUEUE_PARTS * USERS_PARTS,
        }
    }

    pub(crate) fn register(&self, registry: &mut Registry) {
        self.metrics.register(registry);
    }

    /// The answer about a ticket has left: now its match may be told.
    pub(crate) fn answered(&self, id: TicketId) {
        self.state().answered(id);
        self.wake();
    }

    /// Takes out a ticket that this connection made, or server code for it.
    pub(crate) fn remove(&self, session_id: SessionId, id: TicketId) -> Result<(), ApiError> {
        self.state().remove_if(id, |sessions, party_id| {
            party_id.is_none() && sessions.contains(&session_id)
        })
    }

    /// Takes out a ticket of this party.
    pub(crate) fn remove_party(&self, party: &PartyId, id: TicketId) -> Result<(), ApiError> {
        let party = party.to_string();
        self.state()
            .remove_if(id, |_, party_id| party_id == Some(&*party))
    }

    /// Takes out any ticket.
    pub(crate) fn remove_any(&self, id: TicketId) -> Result<(), ApiError> {
        self.state().remove_if(id, |_, _| true)
    }

    /// Takes out all tickets of a party, which has other members than they say.
    pub(crate) fn party_changed(&self, party: &PartyId) {
        self.state().end_party(&party.to_string());
    }

    /// A connection is gone; its tickets follow before the next decision.
    pub(crate) fn disconnected(&self, session_id: SessionId) {
        lock(&self.ended).push(session_id);
        self.wake();
    }

    /// Lets the task look what there is to do.
    pub(crate) fn wake(&self) {
        self.woken.notify_one();
    }

    /// The tickets that wait, the oldest first.
    pub(crate) fn waiting(&self) -> Vec<WaitingTicket> {
        self.state().waiting()
    }

    pub(crate) fn stats(&self) -> Stats {
        self.state().stats()
    }

    /// The players of these connections, as a ticket has them.
    fn entries(&self, sessions: &[SessionId]) -> Result<Vec<Entry>, ApiError> {
        let entries = sessions.iter().map(|session_id| {
            let connection = self.live.connection(*session_id);
            let identity = connection.ok_or_else(gone)?.identity;
            Ok(Entry {
                session_id: *session_id,
                user_id: identity.user_id,
                username: (&*identity.username).into(),
            })
        });
        entries.collect()
    }

    fn is_connected(&self, ticket: &Ticket) -> bool {
        let mut entries = ticket.entries.iter();
        entries.all(|entry| self.live.connection(entry.session_id).is_some())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

fn entries_of(party: &Party) -> Vec<Entry> {
    let members = party.members.iter().map(|member| Entry {
        session_id: member.session_id,
        user_id: member.user_id,
        username: (&*member.username).into(),
    });
    members.collect()
}

fn gone() -> ApiError {
    ApiError::not_found("no such connection")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Of so many parts of what may wait for a slow reader …
const QUEUE_PARTS: usize = 4;
/// … so many may be the players of a match; the rest is for what else is on its way.
const USERS_PARTS: usize = 3;
