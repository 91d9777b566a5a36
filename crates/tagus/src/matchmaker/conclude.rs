//! What becomes of a match: who is asked about it, where it is played, and how its players hear of it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tagus_base::{RoomId, UnixMillis, UserId, Uuid};
use tagus_players::Logins;
use tagus_players::matchmaker::Match;
use tagus_wire::realtime::MatchmakerMatched;
use tagus_wire::realtime::envelope::Message;
use tagus_wire::realtime::matchmaker_matched::{Id, MatchmakerUser};
use tokio::task::JoinSet;

use super::metrics::Outcome;
use super::{LiveMatchmaker, Matched};
use crate::api::{ApiError, CODE_NOT_FOUND};
use crate::config::Mode;
use crate::gateway::{Gateway, random_bytes, unix_now};
use crate::hooks::caught;
use crate::tagus::Tagus;

/// Sees a match to its end: at once if it can be, else in a task.
pub(super) fn conclude(gateway: &Arc<Gateway>, made: Match, tasks: &mut JoinSet<()>) {
    let matched = Matched::of(&made);
    let hooks = &gateway.hooks;
    let is_simple = hooks.matchmaker_override().is_none()
        && hooks.matched().is_none()
        && made.backfill.is_none()
        && game_of(gateway, &matched).is_none()
        && matched.users.len() <= TOLD_AT_ONCE_MAX;
    if !is_simple {
        let gateway = gateway.clone();
        tasks.spawn(async move { conclude_in_time(&gateway, made, matched).await });
        return;
    }
    let matchmaker = &gateway.matchmaker;
    if let Some(made) = matchmaker.settle(made) {
        matchmaker.complete(&made, &matched, Outcome::Relayed);
        let id = relayed(&gateway.logins);
        matchmaker.tell(&matched, &id, 0..matched.users.len());
    }
}

async fn conclude_in_time(gateway: &Arc<Gateway>, made: Match, matched: Matched) {
    let matchmaker = &gateway.matchmaker;
    if !is_approved(gateway, &matched).await {
        return matchmaker.dissolve(made, Outcome::Rejected);
    }
    let Some(made) = matchmaker.settle(made) else {
        return;
    };
    let (id, outcome) = match place(gateway, &matched).await {
        Ok(place) => place,
        Err(error) => {
            match matched.room {
                // Others were faster, or the room is gone.
                Some(room) => tracing::debug!(%error, %room, "no seat for those who were found"),
                None => {
                    let mode = &matched.mode;
                    tracing::error!(%error, mode, "a match has no room; its tickets wait again");
                }
            }
            return matchmaker.dissolve(made, Outcome::Failed);
        }
    };
    matchmaker.complete(&made, &matched, outcome);
    // Each message of a large match is large: the first ones shall be written before the last ones are made.
    let count = matched.users.len();
    for first in (0..count).step_by(TOLD_AT_ONCE_MAX) {
        if first > 0 {
            tokio::time::sleep(TELL_PAUSE).await;
        }
        let told = first..count.min(first + TOLD_AT_ONCE_MAX);
        matchmaker.tell(&matched, &id, told);
    }
}

/// Asks the override hook. One that fails has nothing against the match.
async fn is_approved(gateway: &Arc<Gateway>, matched: &Matched) -> bool {
    let Some(hook) = gateway.hooks.matchmaker_override().cloned() else {
        return true;
    };
    let (tagus, candidate) = (Tagus::of(gateway), matched.clone());
    let asked = caught(async move { hook(tagus, candidate).await });
    match tokio::time::timeout(OVERRIDE_TIME_MAX, asked).await {
        Ok(Ok(is_approved)) => return is_approved,
        Ok(Err(_)) => tracing::error!("the override hook panicked, the match takes place"),
        Err(_) => tracing::error!("the override hook takes too long, the match takes place"),
    }
    true
}

/// Where a match is played; seats are kept for its players.
async fn place(gateway: &Arc<Gateway>, matched: &Matched) -> Result<(Id, Outcome), ApiError> {
    let in_room = |room: RoomId| Id::MatchId(room.to_string());
    let tagus = Tagus::of(gateway);
    if let Some(room) = matched.room {
        let hold = gateway.matchmaker.hold_of(&room);
        let hold = hold.ok_or_else(|| ApiError::not_found("the room looks for nobody"))?;
        let reserved = tagus.room_reserve(room, &users_of(matched), hold).await;
        if reserved.as_ref().is_err_and(|it| it.code == CODE_NOT_FOUND) {
            gateway.matchmaker.end_backfill(&room);
        }
        return reserved.map(|()| (in_room(room), Outcome::Backfill));
    }
    if let Some(hook) = gateway.hooks.matched().cloned() {
        let (tagus, told) = (tagus.clone(), matched.clone());
        let room = caught(async move { hook(tagus, told).await }).await;
        match room.unwrap_or_else(|panicked| Err(panicked.into())) {
            Ok(Some(room)) => return Ok((in_room(room), Outcome::Room)),
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "the hook of a match failed"),
        }
    }
    let Some(mode) = game_of(gateway, matched) else {
        return Ok((relayed(&gateway.logins), Outcome::Relayed));
    };
    let params = Bytes::from(mode.params.clone());
    let room = tagus.room_create(&mode.game, params).await?;
    let hold = Duration::from_millis(gateway.config.matchmaker.reserve_ms.into());
    let reserved = tagus.room_reserve(room, &users_of(matched), hold).await;
    if reserved.is_err() {
        tagus.room_close(room);
    }
    reserved.map(|()| (in_room(room), Outcome::Room))
}

/// The mode of a match, if it opens a room.
fn game_of<'a>(gateway: &'a Gateway, matched: &Matched) -> Option<&'a Mode> {
    let mode = gateway.config.matchmaker.mode(&matched.mode);
    mode.filter(|mode| !mode.game.is_empty())
}

fn users_of(matched: &Matched) -> Vec<UserId> {
    let users = matched.users.iter();
    users.map(|user| user.presence.user_id).collect()
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

impl LiveMatchmaker {
    /// Decides that a match takes place, unless somebody has left; then its others wait again, and are looked at at once.
    fn settle(&self, made: Match) -> Option<Match> {
        let mut state = self.state();
        if state.held.settle(&made) && made.tickets.iter().all(|it| self.is_connected(it)) {
            return Some(made);
        }
        self.metrics.count(Outcome::Left);
        state.dissolve(made, unix_now(), |ticket| self.is_connected(ticket));
        drop(state);
        self.wake();
        None
    }

    /// Puts the tickets of a match back. They are looked at again after a while, or when somebody else comes.
    fn dissolve(&self, made: Match, outcome: Outcome) {
        self.metrics.count(outcome);
        let again_at = UnixMillis(unix_now().0.saturating_add(AGAIN_MS));
        // Under the lock: whoever is still here is taken out later, when the connection ends.
        let mut state = self.state();
        state.dissolve(made, again_at, |ticket| self.is_connected(ticket));
        drop(state);
        self.wake();
    }

    fn complete(&self, made: &Match, matched: &Matched, outcome: Outcome) {
        self.metrics.count(outcome);
        self.metrics.observe(matched);
        self.state().complete(made);
    }

    /// Tells some of the players of a match where it is, and before, those who understand it, how good it is.
    fn tell(&self, matched: &Matched, id: &Id, told: std::ops::Range<usize>) {
        let users: Vec<MatchmakerUser> = matched.users.iter().map(|it| it.to_wire()).collect();
        for index in told {
            let (Some(user), Some(out)) = (matched.users.get(index), users.get(index)) else {
                return;
            };
            let session_id = user.presence.session_id;
            let quality = Message::MatchQuality(matched.quality_out(user));
            self.live.send_to_session(session_id, quality);
            let message = MatchmakerMatched {
                ticket: user.ticket.clone(),
                id: Some(id.clone()),
                users: users.clone(),
                self_: Some(out.clone()),
            };
            let message = Message::MatchmakerMatched(message);
            self.live.send_to_session(session_id, message);
        }
    }
}

/// How long the token of a relayed match lets players join.
const TOKEN_SECS: u64 = 30;
/// Players who are told of a match at once; in larger ones the others follow.
const TOLD_AT_ONCE_MAX: usize = 32;
/// Time between two such groups.
const TELL_PAUSE: Duration = Duration::from_millis(2);
/// Time that the override hook may take; then the match takes place.
const OVERRIDE_TIME_MAX: Duration = Duration::from_secs(5);
/// After how long the tickets of a match that did not come about are looked at again, if nobody else comes before.
const AGAIN_MS: u64 = 1_000;
