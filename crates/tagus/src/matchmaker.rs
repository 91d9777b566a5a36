//! The matchmaker of this node: it is told of tickets and of connections that end, and a task of its own decides.
//!
//! A ticket's answer leaves before its match is told: matches that are made earlier are kept until then.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tagus_base::{Millis, RoomId, SessionId, UnixMillis, Uuid};
use tagus_players::matchmaker::{
    Entry, Match, Matchmaker, MatchmakerConfig, NewTicket, Ticket, TicketError, TicketId, Wish,
};
use tagus_players::{Logins, Party, PartyId, Presence};
use tagus_wire::realtime::MatchmakerMatched;
use tagus_wire::realtime::envelope::Message;
use tagus_wire::realtime::matchmaker_matched::{Id, MatchmakerUser};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use crate::api::ApiError;
use crate::config::MatchmakerSettings;
use crate::gateway::{Gateway, random_bytes, unix_now};
use crate::hooks::caught;
use crate::live::{Live, presence_out};
use crate::tagus::Tagus;

/// Players who are to play together, for the hook of [`crate::Server::matchmaker_matched`].
#[derive(Clone, Debug, PartialEq)]
pub struct Matched {
    /// The players; those of a ticket stand together.
    pub users: Vec<MatchedUser>,
}

/// One player of a [`Matched`].
#[derive(Clone, Debug, PartialEq)]
pub struct MatchedUser {
    /// The connection that waited, and whose it is.
    pub presence: Presence,
    /// The ticket; several players of a party have the same.
    pub ticket: String,
    /// Their party, if they came as one.
    pub party_id: Option<String>,
    /// The ticket's string properties.
    pub string_properties: BTreeMap<String, String>,
    /// The ticket's numeric properties.
    pub numeric_properties: BTreeMap<String, f64>,
}

/// See the module.
pub(crate) struct LiveMatchmaker {
    live: Arc<Live>,
    state: Mutex<State>,
    /// Connections that ended. Apart, since a shard notes them and a decision may hold the other lock.
    ended: Mutex<Vec<SessionId>>,
    /// Wakes the task.
    woken: Notify,
}

struct State {
    matchmaker: Matchmaker,
    /// Tickets by age.
    by_age: BTreeSet<(UnixMillis, TicketId)>,
    /// The tickets of each party that has some.
    by_party: HashMap<Box<str>, Vec<TicketId>>,
    /// Tickets whose answer has not left yet.
    unanswered: HashSet<TicketId>,
    /// Matches that are not told yet.
    made: VecDeque<Match>,
    completions: VecDeque<Completion>,
}

/// A ticket that was matched.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Completion {
    pub(crate) created_at: UnixMillis,
    pub(crate) completed_at: UnixMillis,
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
    pub(crate) fn new(settings: &MatchmakerSettings, live: Arc<Live>) -> Self {
        let seed = u64::from_le_bytes(random_bytes());
        tracing::info!(seed, "matchmaker");
        let matchmaker = Matchmaker::new(MatchmakerConfig {
            seed,
            gather_ms: Millis(settings.gather_ms),
            tickets_max: settings.tickets_max,
            ..MatchmakerConfig::default()
        });
        Self {
            live,
            state: Mutex::new(State {
                matchmaker,
                by_age: BTreeSet::new(),
                by_party: HashMap::new(),
                unanswered: HashSet::new(),
                made: VecDeque::new(),
                completions: VecDeque::new(),
            }),
            ended: Mutex::default(),
            woken: Notify::new(),
        }
    }

    /// A ticket of one connection. [`Self::answered`] must follow.
    pub(crate) fn add(&self, session_id: SessionId, wish: Wish) -> Result<TicketId, ApiError> {
        let mut state = self.state();
        // Under the lock: whoever is still here is taken out later, when the connection ends.
        let connection = self.live.connection(session_id);
        let identity = connection
            .ok_or_else(|| ApiError::not_found("no such connection"))?
            .identity;
        let entry = Entry {
            session_id,
            user_id: identity.user_id,
            username: (&*identity.username).into(),
        };
        state.add(NewTicket {
            entries: vec![entry],
            party_id: None,
            wish,
        })
    }

    /// A ticket of all members of a party, to be called under the parties' lock. [`Self::answered`] must follow.
    pub(crate) fn add_party(&self, party: &Party, wish: Wish) -> Result<TicketId, ApiError> {
        let members = party.members.iter().map(|member| Entry {
            session_id: member.session_id,
            user_id: member.user_id,
            username: (&*member.username).into(),
        });
        self.state().add(NewTicket {
            entries: members.collect(),
            party_id: Some(party.id.to_string().into()),
            wish,
        })
    }

    /// The answer about a ticket has left: now its match may be told.
    pub(crate) fn answered(&self, id: TicketId) {
        self.state().unanswered.remove(&id);
        self.woken.notify_one();
    }

    /// Takes out a ticket that this connection made.
    pub(crate) fn remove(&self, session_id: SessionId, id: TicketId) -> Result<(), ApiError> {
        self.state().remove_if(id, |ticket| {
            let mut entries = ticket.entries.iter();
            ticket.party_id.is_none() && entries.any(|entry| entry.session_id == session_id)
        })
    }

    /// Takes out a ticket of this party.
    pub(crate) fn remove_party(&self, party: &PartyId, id: TicketId) -> Result<(), ApiError> {
        let party = party.to_string();
        let own = |ticket: &Ticket| ticket.party_id.as_deref() == Some(&*party);
        self.state().remove_if(id, own)
    }

    /// Takes out all tickets of a party, which has other members than they say.
    pub(crate) fn party_changed(&self, party: &PartyId) {
        let mut state = self.state();
        let tickets = state.by_party.remove(&*party.to_string());
        for id in tickets.into_iter().flatten() {
            state.remove(id);
        }
    }

    /// A connection is gone; its tickets follow before the next decision.
    pub(crate) fn disconnected(&self, session_id: SessionId) {
        lock(&self.ended).push(session_id);
        self.woken.notify_one();
    }

    pub(crate) fn stats(&self) -> Stats {
        let state = self.state();
        Stats {
            tickets: state.matchmaker.len(),
            oldest_created_at: state.by_age.first().map(|(at, _)| *at),
            completions: state.completions.iter().copied().collect(),
        }
    }

    /// Decides what is due. Gives the matches that may be told, and when there is something to do again.
    fn step(&self, now: UnixMillis) -> (Vec<Match>, Option<UnixMillis>) {
        let ended = std::mem::take(&mut *lock(&self.ended));
        let mut state = self.state();
        state.end(&ended);
        state.decide(now);
        (state.tellable(), state.matchmaker.next_due())
    }

    /// Tells each player of a match where it is.
    fn tell(&self, matched: &Matched, id: &Id) {
        let users: Vec<MatchmakerUser> = matched.users.iter().map(user_out).collect();
        for (user, out) in matched.users.iter().zip(&users) {
            let message = MatchmakerMatched {
                ticket: user.ticket.clone(),
                id: Some(id.clone()),
                users: users.clone(),
                self_: Some(out.clone()),
            };
            let message = Message::MatchmakerMatched(message);
            self.live.send_to_session(user.presence.session_id, message);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl State {
    fn add(&mut self, ticket: NewTicket) -> Result<TicketId, ApiError> {
        let now = unix_now();
        let party_id = ticket.party_id.clone();
        let added = self.matchmaker.handle_add(now, ticket);
        let id = added.map_err(refused)?;
        self.by_age.insert((now, id));
        if let Some(party_id) = party_id {
            self.by_party.entry(party_id).or_default().push(id);
        }
        self.unanswered.insert(id);
        Ok(id)
    }

    /// Takes a ticket out if it passes; else it is none that the caller may know.
    fn remove_if(
        &mut self,
        id: TicketId,
        passes: impl Fn(&Ticket) -> bool,
    ) -> Result<(), ApiError> {
        if !self.matchmaker.ticket_of(id).is_some_and(passes) {
            return Err(refused(TicketError::NotFound));
        }
        self.remove(id);
        Ok(())
    }

    fn remove(&mut self, id: TicketId) {
        if let Some(ticket) = self.matchmaker.remove(id) {
            self.forget(&ticket);
        }
    }

    /// Takes out what ended connections waited for.
    fn end(&mut self, ended: &[SessionId]) {
        let mut gone = Vec::new();
        for session_id in ended {
            self.matchmaker.remove_session(*session_id, &mut gone);
        }
        for ticket in &gone {
            self.forget(ticket);
        }
    }

    fn decide(&mut self, now: UnixMillis) {
        let mut made = Vec::new();
        self.matchmaker.poll(now, &mut made);
        for matched in made {
            for ticket in matched.tickets.iter().chain(&matched.withdrawn) {
                self.forget(ticket);
            }
            let completions = matched.tickets.iter().map(|ticket| Completion {
                created_at: ticket.created_at,
                completed_at: now,
            });
            self.completions.extend(completions);
            self.made.push_back(matched);
        }
        let excess = self.completions.len().saturating_sub(COMPLETIONS_MAX);
        self.completions.drain(..excess);
    }

    /// The matches of whose tickets all answers have left.
    fn tellable(&mut self) -> Vec<Match> {
        let unanswered = &self.unanswered;
        let waits = |matched: &Match| {
            let mut tickets = matched.tickets.iter();
            tickets.any(|ticket| unanswered.contains(&ticket.id))
        };
        let made = std::mem::take(&mut self.made);
        let (kept, told): (VecDeque<Match>, VecDeque<Match>) = made.into_iter().partition(waits);
        self.made = kept;
        told.into()
    }

    fn forget(&mut self, ticket: &Ticket) {
        self.by_age.remove(&(ticket.created_at, ticket.id));
        let Some(party_id) = ticket.party_id.as_deref() else {
            return;
        };
        if let Some(tickets) = self.by_party.get_mut(party_id) {
            tickets.retain(|id| *id != ticket.id);
            if tickets.is_empty() {
                self.by_party.remove(party_id);
            }
        }
    }
}

/// Makes matches and tells of them until the server drains.
pub(crate) async fn drive(gateway: Arc<Gateway>, mut draining: watch::Receiver<bool>) {
    let matchmaker = &gateway.matchmaker;
    let mut hooks = JoinSet::new();
    loop {
        while hooks.try_join_next().is_some() {}
        let mut wait = LOOK_INTERVAL;
        if hooks.len() < HOOKS_RUNNING_MAX {
            let now = unix_now();
            let (made, due) = tokio::task::block_in_place(|| matchmaker.step(now));
            for matched in made {
                conclude(&gateway, matched, &mut hooks);
            }
            if let Some(due) = due {
                wait = wait.min(Duration::from_millis(due.0.saturating_sub(now.0)));
            }
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
            Some(_) = hooks.join_next() => {}
        }
    }
}

/// Tells the players of a match, after the hook if there is one.
fn conclude(gateway: &Arc<Gateway>, made: Match, hooks: &mut JoinSet<()>) {
    let matched = matched_of(made);
    let Some(hook) = gateway.hooks.matched().cloned() else {
        return gateway.matchmaker.tell(&matched, &relayed(&gateway.logins));
    };
    let tagus = Tagus::of(gateway);
    let gateway = gateway.clone();
    hooks.spawn(async move {
        let told = matched.clone();
        let room = caught(async move { hook(tagus, told).await }).await;
        let room = room.unwrap_or_else(|panicked| Err(panicked.into()));
        let id = match room {
            Ok(Some(room)) => Id::MatchId(room.to_string()),
            Ok(None) => relayed(&gateway.logins),
            Err(error) => {
                tracing::warn!(%error, "the hook of a match failed, the match is relayed");
                relayed(&gateway.logins)
            }
        };
        gateway.matchmaker.tell(&matched, &id);
    });
}

/// A token for a relayed match that is made by whoever joins it first.
fn relayed(logins: &Logins) -> Id {
    let room = RoomId {
        uuid: Uuid::from_random(random_bytes()),
        home: None,
    };
    let expires_at = unix_now().plus_secs(TOKEN_SECS);
    Id::Token(logins.sign_match_token(&room, expires_at))
}

fn matched_of(made: Match) -> Matched {
    let users = made.tickets.iter().flat_map(|ticket| {
        ticket.entries.iter().map(|entry| MatchedUser {
            presence: Presence {
                session_id: entry.session_id,
                user_id: entry.user_id,
                username: (&*entry.username).into(),
                persistence: false,
                status: None,
                hidden: false,
            },
            ticket: ticket.id.to_string(),
            party_id: ticket.party_id.as_deref().map(str::to_owned),
            string_properties: ticket
                .string_properties
                .iter()
                .map(|(name, text)| (name.to_string(), text.to_string()))
                .collect(),
            numeric_properties: ticket
                .numeric_properties
                .iter()
                .map(|(name, number)| (name.to_string(), *number))
                .collect(),
        })
    });
    Matched {
        users: users.collect(),
    }
}

fn user_out(user: &MatchedUser) -> MatchmakerUser {
    MatchmakerUser {
        presence: Some(presence_out(&user.presence)),
        party_id: user.party_id.clone().unwrap_or_default(),
        string_properties: user.string_properties.clone(),
        numeric_properties: user.numeric_properties.clone(),
    }
}

/// The error as a sentence.
fn refused(error: TicketError) -> ApiError {
    let text = error.to_string();
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    let sentence: String = first.into_iter().chain(letters).collect();
    match error {
        TicketError::NotFound => ApiError::not_found(sentence),
        _ => ApiError::invalid(sentence),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How long the token of a relayed match lets players join.
const TOKEN_SECS: u64 = 30;
/// Matched tickets that are remembered for the statistics.
const COMPLETIONS_MAX: usize = 10;
/// Hooks of matches that run at once; until one of them has ended no further match is made.
const HOOKS_RUNNING_MAX: usize = 1_024;
/// Longest time between two looks, in case the clock is set.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
