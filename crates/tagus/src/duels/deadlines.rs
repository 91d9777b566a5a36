//! Kept games whose time runs out.
//!
//! Each has a job that looks at it at the end of the turn that was the present one when the job was planned, and plans
//! itself anew. The job is planned before the game is written, so there is none without.

use tagus_base::{UnixMillis, Uuid};
use tagus_duel::{Chair, Turn};
use tagus_players::NewJob;

use super::ends::{By, End, Written};
use super::kept::{Kept, forget, kept};
use super::notes::{self, NOTE_DECLINED};
use super::objects::{Changes, Found, TRIES_MAX, contended};
use crate::api::ApiError;
use crate::scheduler::JobCall;
use crate::tagus::Tagus;

/// Time that a room with somebody in it is given to end the turn by itself, in milliseconds.
const ROOM_MS: u64 = 300_000;
/// Between two looks meanwhile, in milliseconds.
const LOOK_MS: u64 = 30_000;
/// The kind of the jobs.
pub(super) const JOB: &str = "duel.deadline";

/// Plans the look at a game.
pub(super) async fn plan(tagus: &Tagus, id: Uuid, at: UnixMillis) -> Result<(), ApiError> {
    let text = id.to_string();
    let job = NewJob {
        name: &name(&text),
        kind: JOB,
        payload: &text,
    };
    tagus.schedule_at(job, at).await
}

/// Forgets the look at a game that is none. One that stays finds that, and goes.
pub(super) async fn unplan(tagus: &Tagus, id: Uuid) {
    if let Err(error) = tagus.unschedule(&name(&id.to_string())).await {
        tracing::debug!(%error, game = %id, "forget to look at a kept game");
    }
}

fn name(id: &str) -> String {
    format!("{JOB} {id}")
}

/// The job.
pub(super) async fn run(call: JobCall, now: UnixMillis) -> Result<(), ApiError> {
    let id = call.payload.parse();
    let id = id.map_err(|_| ApiError::invalid("The payload is no id."))?;
    if let Some(again) = look(&call.tagus, id, now).await? {
        plan(&call.tagus, id, again).await?;
    }
    Ok(())
}

/// Ends a kept game whose time ran out: who let it pass loses; a challenge that was not answered has no result.
/// Returns when to look again; none: the game is kept no more.
///
/// # Errors
/// The database failed.
pub async fn look(
    tagus: &Tagus,
    id: Uuid,
    now: UnixMillis,
) -> Result<Option<UnixMillis>, ApiError> {
    for _ in 0..TRIES_MAX {
        let found = kept(tagus, id).await?;
        if !found.is_there() {
            return Ok(None);
        }
        if let Some(again) = again(tagus, &found.value, now) {
            return Ok(Some(again));
        }
        let is_over = if found.value.is_answered {
            lose(tagus, &found, now).await?
        } else {
            end_without_result(tagus, id, &found).await?
        };
        if is_over {
            if let Some(room) = found.value.room() {
                tagus.room_close(room);
            }
            return Ok(None);
        }
    }
    Err(contended())
}

/// When to look again; none: the time ran out.
fn again(tagus: &Tagus, game: &Kept, now: UnixMillis) -> Option<UnixMillis> {
    let deadline = game.deadline();
    if now < deadline {
        return Some(deadline);
    }
    let room = game.room().and_then(|room| tagus.room(&room));
    let is_played = room.is_some_and(|room| room.size > 0);
    let last = deadline.0 + ROOM_MS;
    (is_played && now.0 < last).then(|| UnixMillis(last.min(now.0 + LOOK_MS)))
}

/// Whoever's turn it is loses. False: the game has changed since it was read.
async fn lose(tagus: &Tagus, found: &Found<Kept>, now: UnixMillis) -> Result<bool, ApiError> {
    let (play, _) = found.value.mode()?;
    let record = found.value.record()?;
    let (id, lapse) = (record.id, Turn::Lapse(Chair::BOTH[found.value.player]));
    // It is played again, so that what is kept can be proven.
    let ended = tokio::task::spawn_blocking(move || (play.with_turn)(&record, lapse)).await;
    let record = match ended.map_err(|_| ApiError::internal())? {
        Ok(record) => record,
        Err(error) => {
            // Nobody could go on with it either.
            tracing::error!(error = &error as &dyn std::error::Error, game = %id, "play a kept game again");
            return end_without_result(tagus, id, found).await;
        }
    };
    let end = End {
        play,
        record: &record,
        names: &found.value.names,
        present: [false; 2],
        by: By::Time(found),
    };
    Ok(end.keep(tagus, now).await? == Written::Yes)
}

/// Ends a game that leaves no trace, and tells both. False: it has changed since it was read.
pub(super) async fn end_without_result(
    tagus: &Tagus,
    id: Uuid,
    found: &Found<Kept>,
) -> Result<bool, ApiError> {
    let mut changes = Changes::default();
    forget(tagus, &mut changes, found).await?;
    let is_over = changes.commit(tagus).await?;
    if is_over {
        for chair in 0..2 {
            notes::tell(tagus, (id, &found.value), (chair, NOTE_DECLINED), &[]).await;
        }
    }
    Ok(is_over)
}
