//! What players ask about games over days: the RPC functions.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tagus_base::{UnixMillis, UserId, Uuid};
use tagus_duel::Chair;
use tagus_players::{FriendState, ReadPermission, User};

use super::deadlines::{self, end_without_result, look};
use super::games::{Mode, mode};
use super::kept::{CHALLENGED, CHALLENGER, Kept, List, kept, kept_all, kept_place, lists};
use super::notes::{self, NOTE_CHALLENGE};
use super::objects::{Changes, Found, TRIES_MAX, Text, contended};
use crate::api::{ApiError, CODE_RESOURCE_EXHAUSTED};
use crate::entry::CODE_FAILED_PRECONDITION;
use crate::gateway::random_bytes;
use crate::hooks::RpcCall;
use crate::tagus::Tagus;

/// Kept games of one player at once; neither a challenge by nor one of somebody who has so many is taken.
pub const DUELS_MAX: usize = 50;
/// Kept games of the same two players at once, so that nobody fills somebody else's list alone.
pub const DUELS_WITH_ONE_MAX: usize = 10;
/// Challenges by one player in a day (UTC), those that are over by now among them: whoever is challenged is told each time.
pub const CHALLENGES_PER_DAY_MAX: u32 = 100;
/// Days for a turn, at most.
pub const DAYS_MAX: u64 = 14;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Challenge {
    mode: String,
    user_id: Option<String>,
    username: Option<String>,
    days: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Which {
    id: String,
}

/// The RPC function `duel.challenge`: `{mode, user_id or username, days}` begins a kept game; answers `{id}`.
///
/// # Errors
/// INVALID_ARGUMENT for a payload that is not understood, days beyond 1 to [`DAYS_MAX`], the caller themselves; NOT_FOUND
/// for a mode or a user that there is not, or who has blocked the caller; FAILED_PRECONDITION for one whom the caller has
/// blocked; RESOURCE_EXHAUSTED where one of them has [`DUELS_MAX`] games, both have [`DUELS_WITH_ONE_MAX`] with each other,
/// or the caller has challenged [`CHALLENGES_PER_DAY_MAX`] times today.
pub async fn challenge(call: RpcCall, now: UnixMillis) -> Result<String, ApiError> {
    let (tagus, caller) = (&call.tagus, caller(&call)?);
    let wish: Challenge = wish(&call)?;
    let (_, mode) = mode(&wish.mode).ok_or_else(|| {
        ApiError::not_found("There is no such mode, or it cannot be played over days.")
    })?;
    if !(1..=DAYS_MAX).contains(&wish.days) {
        let text = format!("Invalid days - days must be between 1 and {DAYS_MAX}.");
        return Err(ApiError::invalid(text));
    }
    let users = both(tagus, caller, &wish).await?;
    let id = Uuid::from_random(random_bytes());
    let seed = u64::from_le_bytes(random_bytes());
    let turn_s = wish.days * DAY_S;
    let game = Kept {
        mode: mode.name.to_owned(),
        users: [Text(users[0].id), Text(users[1].id)],
        names: users.map(|user| user.username),
        is_answered: false,
        turn_s,
        deadline_ms: now.0 + turn_s * 1_000,
        player: Chair::first_of(seed) as usize,
        turn: 0,
        record: String::new(),
        seed,
        room: None,
    };
    let users = game.users.map(|user| user.0);
    // What is refused leaves nothing behind.
    may_begin(&lists(tagus, &users).await?, now)?;
    deadlines::plan(tagus, id, game.deadline()).await?;
    for _ in 0..TRIES_MAX {
        let mut lists = lists(tagus, &users).await?;
        if let Err(refused) = may_begin(&lists, now) {
            deadlines::unplan(tagus, id).await;
            return Err(refused);
        }
        let mut changes = Changes::default();
        lists[CHALLENGER].value.count_challenge(now);
        for list in &mut lists {
            list.value.push(id);
            changes.put(list, ReadPermission::Nobody);
        }
        changes.replace(kept_place(id)?, &game, ReadPermission::Nobody);
        if changes.commit(tagus).await? {
            let more = [("days", wish.days.into())];
            notes::tell(tagus, (id, &game), (CHALLENGED, NOTE_CHALLENGE), &more).await;
            return Ok(json!({ "id": id.to_string() }).to_string());
        }
    }
    Err(contended())
}

/// The RPC function `duel.list`: the caller's kept games, those where it is their turn first, then by the time that is left.
///
/// # Errors
/// INVALID_ARGUMENT for a payload that is none.
pub async fn list(call: RpcCall, now: UnixMillis) -> Result<String, ApiError> {
    let (tagus, caller) = (&call.tagus, caller(&call)?);
    let _: Nothing = wish(&call)?;
    let mut games = mine(tagus, caller).await?;
    let late = games.iter().filter(|(_, game)| game.deadline() <= now);
    let late: Vec<Uuid> = late.map(|(id, _)| *id).collect();
    if !late.is_empty() {
        for id in late {
            // One that cannot be ended now is listed as it is.
            if let Err(error) = look(tagus, id, now).await {
                tracing::warn!(%error, game = %id, "end a kept game whose time ran out");
            }
        }
        games = mine(tagus, caller).await?;
    }
    let mut rows: Vec<_> = games.iter().filter_map(|game| row(game, caller)).collect();
    rows.sort_by_key(|(order, _)| *order);
    let rows: Vec<Value> = rows.into_iter().map(|(_, row)| row).collect();
    Ok(json!({ "games": rows }).to_string())
}

/// The RPC function `duel.open`: `{id}` answers `{match_id}`, of the room that has this game of the caller's. It is opened
/// when there is none.
///
/// # Errors
/// INVALID_ARGUMENT for a payload that is not understood, NOT_FOUND for a game that is none of the caller's or over;
/// those of [`Tagus::room_create_private`].
pub async fn open(call: RpcCall, now: UnixMillis) -> Result<String, ApiError> {
    let (tagus, caller) = (&call.tagus, caller(&call)?);
    let id = which(&call)?;
    own(tagus, id, caller).await?;
    look(tagus, id, now).await?;
    for _ in 0..TRIES_MAX {
        let (mut found, _) = own(tagus, id, caller).await?;
        let open = found.value.room().filter(|room| tagus.room(room).is_some());
        let room = match open {
            Some(room) => room,
            None => {
                let (play, mode) = found.value.mode()?;
                let params = params(mode, id, &found.value, now)?;
                let room = tagus.room_create_private(play.game, params).await?;
                found.value.room = Some(Text(room));
                let mut changes = Changes::default();
                changes.put(&found, ReadPermission::Nobody);
                let committed = changes.commit(tagus).await;
                if !matches!(committed, Ok(true)) {
                    // Somebody else was faster; or nobody knows, and who asks next finds a room that is gone.
                    tagus.room_close(room);
                    committed?;
                    continue;
                }
                room
            }
        };
        return Ok(json!({ "match_id": room.to_string() }).to_string());
    }
    Err(contended())
}

/// The RPC function `duel.decline`: `{id}` ends a game without a result; either of its players may, until whoever was
/// challenged has played.
///
/// # Errors
/// INVALID_ARGUMENT for a payload that is not understood, NOT_FOUND for a game that is none of the caller's or over,
/// FAILED_PRECONDITION where it is too late.
pub async fn decline(call: RpcCall) -> Result<String, ApiError> {
    let (tagus, caller) = (&call.tagus, caller(&call)?);
    let id = which(&call)?;
    for _ in 0..TRIES_MAX {
        let (found, _) = own(tagus, id, caller).await?;
        let game = &found.value;
        if game.is_answered {
            let text = "The game has begun; concede in its match.";
            return Err(ApiError::new(CODE_FAILED_PRECONDITION, text));
        }
        if end_without_result(tagus, id, &found).await? {
            deadlines::unplan(tagus, id).await;
            if let Some(room) = game.room() {
                tagus.room_close(room);
            }
            return Ok("{}".to_owned());
        }
    }
    Err(contended())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// The player who calls.
pub(super) fn caller(call: &RpcCall) -> Result<UserId, ApiError> {
    let caller = call.caller.user_id;
    caller.ok_or_else(|| ApiError::unauthenticated("Only players may call this function."))
}

/// What the payload says; an empty one is an empty object.
pub(super) fn wish<T: DeserializeOwned>(call: &RpcCall) -> Result<T, ApiError> {
    let text = match call.payload.trim() {
        "" => "{}",
        text => text,
    };
    serde_json::from_str(text)
        .map_err(|error| ApiError::invalid(format!("The payload is not understood: {error}.")))
}

/// An id in a payload.
pub(super) fn uuid(text: &str, what: &str) -> Result<Uuid, ApiError> {
    text.parse()
        .map_err(|_| ApiError::invalid(format!("Invalid {what}.")))
}

fn which(call: &RpcCall) -> Result<Uuid, ApiError> {
    let which: Which = wish(call)?;
    uuid(&which.id, "game ID")
}

/// The caller and whom they challenge.
async fn both(tagus: &Tagus, caller: UserId, wish: &Challenge) -> Result<[User; 2], ApiError> {
    let (ids, names) = match (&wish.user_id, &wish.username) {
        (Some(id), None) => (vec![UserId(uuid(id, "user ID")?)], Vec::new()),
        (None, Some(name)) => (Vec::new(), vec![name.clone()]),
        _ => {
            let text = "Either user_id or username must be given.";
            return Err(ApiError::invalid(text));
        }
    };
    let not_found = || ApiError::not_found("User not found.");
    let other = tagus.users(&ids, &names).await?.pop();
    let other = other.ok_or_else(not_found)?;
    let own = tagus.users(&[caller], &[]).await?.pop();
    let own = own.ok_or_else(not_found)?;
    if own.id == other.id {
        return Err(ApiError::invalid("You cannot challenge yourself."));
    }
    let blocked = Some(FriendState::Blocked);
    if tagus.friend_state(own.id, other.id).await? == blocked {
        let text = "You have blocked this user.";
        return Err(ApiError::new(CODE_FAILED_PRECONDITION, text));
    }
    // None is told that they were blocked.
    if tagus.friend_state(other.id, own.id).await? == blocked {
        return Err(not_found());
    }
    Ok([own, other])
}

/// May whose lists these are, by their chairs, begin one more game?
fn may_begin(lists: &[Found<List>], now: UnixMillis) -> Result<(), ApiError> {
    let text = match lists {
        [own, _] if own.value.len() >= DUELS_MAX => "You have too many games, let one of them end.",
        [_, other] if other.value.len() >= DUELS_MAX => "The other player has too many games.",
        [own, other] if own.value.shared(&other.value) >= DUELS_WITH_ONE_MAX => {
            "You have too many games with this player, let one of them end."
        }
        [own, _] if own.value.challenges_today(now) >= CHALLENGES_PER_DAY_MAX => {
            "You have challenged too often today."
        }
        _ => return Ok(()),
    };
    Err(ApiError::new(CODE_RESOURCE_EXHAUSTED, text))
}

/// The kept games of a player.
async fn mine(tagus: &Tagus, user: UserId) -> Result<Vec<(Uuid, Kept)>, ApiError> {
    let lists = lists(tagus, &[user]).await?;
    let ids: Vec<Uuid> = lists.iter().flat_map(|list| list.value.ids()).collect();
    let games = kept_all(tagus, ids.iter().copied()).await?;
    let games = ids.into_iter().zip(games);
    // One that has ended since the list was read is over.
    let there = games.filter(|(_, found)| found.is_there());
    Ok(there.map(|(id, found)| (id, found.value)).collect())
}

/// A kept game and the chair that the caller has in it.
async fn own(tagus: &Tagus, id: Uuid, caller: UserId) -> Result<(Found<Kept>, usize), ApiError> {
    let found = kept(tagus, id).await?;
    let chair = found.value.chair_of(caller).filter(|_| found.is_there());
    let chair = chair.ok_or_else(|| ApiError::not_found("Game not found."))?;
    Ok((found, chair))
}

/// A game as its player lists it, behind what it is sorted by.
fn row((id, game): &(Uuid, Kept), caller: UserId) -> Option<((bool, u64), Value)> {
    let chair = game.chair_of(caller)?;
    let is_own_turn = game.player == chair;
    let row = json!({
        "id": id.to_string(),
        "mode": game.mode,
        "opponent": {
            "id": game.users[1 - chair].0.to_string(),
            "name": game.names[1 - chair],
        },
        "is_own_turn": is_own_turn,
        "turn": game.turn,
        "deadline": game.deadline_ms / 1_000,
        "is_new": !game.is_answered && chair == CHALLENGED,
    });
    Some(((!is_own_turn, game.deadline_ms), row))
}

/// What the room of a kept game is made from.
fn params(mode: &Mode, id: Uuid, game: &Kept, now: UnixMillis) -> Result<String, ApiError> {
    let mut params: Value = serde_json::from_str(mode.params).map_err(|_| ApiError::internal())?;
    params["kept"] = json!({
        "id": id.to_string(),
        "users": game.users,
        "names": game.names,
        "turn_s": game.turn_s,
        "left_s": game.deadline_ms.saturating_sub(now.0).div_ceil(1_000),
        "record": game.record,
        "seed": game.seed,
    });
    Ok(params.to_string())
}

const DAY_S: u64 = 24 * 60 * 60;
