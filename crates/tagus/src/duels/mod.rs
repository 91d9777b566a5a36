//! Games of two players: what is kept of those that are over, and games that go on over days.
//!
//! Rooms decide what happens, and ask this module to write it down: `duel.finished` when a game is over, `duel.save` after
//! each turn of one that is kept. Players reach it by RPC functions. Everything lies in the storage, and what belongs
//! together is written together under the condition that nobody else changed it, so that any number of rooms, players and
//! servers may do so at once. What follows a write and is cut off with the server is either noted in the same write and
//! done later (ratings), or said by what is stored as well (notifications).

mod calls;
mod deadlines;
mod differs;
mod ends;
mod games;
mod history;
mod kept;
mod notes;
mod objects;
mod rating;
mod replay;
mod saves;

use std::time::Duration;

use tagus_players::NewJob;

pub use calls::{
    CHALLENGES_PER_DAY_MAX, DAYS_MAX, DUELS_MAX, DUELS_WITH_ONE_MAX, challenge, decline, list, open,
};
pub use deadlines::look;
pub use differs::differs;
pub use ends::finished;
pub use notes::{NOTE_CHALLENGE, NOTE_DECLINED, NOTE_OVER, NOTE_TURN};
pub use replay::{REPLAYS_MAX, replay, verify};
pub use saves::save;

use crate::boards::run_to_end;
use crate::server::Server;

/// Registers what rooms and players call, and the jobs.
#[must_use]
pub fn register(server: Server) -> Server {
    let records = games::PLAYS.iter().map(|play| play.records);
    // An object that a player put there first would stand for games that were not played, or be in the way of those that
    // were.
    let guarded = records.chain([history::COLLECTION, kept::COLLECTION]);
    guarded
        .fold(server, Server::guarded_collection)
        .room_call(tagus_duel::FINISHED, |call| {
            let now = call.tagus.now();
            finished(call, now)
        })
        .room_call(tagus_duel::SAVE, |call| {
            let now = call.tagus.now();
            save(call, now)
        })
        .room_call(tagus_duel::DIFFERS, differs)
        // Who goes away in between leaves nothing half done.
        .rpc("duel.challenge", |call| {
            let now = call.tagus.now();
            run_to_end(challenge(call, now))
        })
        .rpc("duel.list", |call| {
            let now = call.tagus.now();
            run_to_end(list(call, now))
        })
        .rpc("duel.open", |call| {
            let now = call.tagus.now();
            run_to_end(open(call, now))
        })
        .rpc("duel.decline", |call| run_to_end(decline(call)))
        .rpc("duel.replay", replay)
        .job(deadlines::JOB, |call| {
            let now = call.tagus.now();
            deadlines::run(call, now)
        })
        .job(rating::JOB, rating::count_left)
        .on_start(async |tagus| {
            let job = NewJob {
                name: rating::JOB,
                kind: rating::JOB,
                payload: "",
            };
            tagus.schedule_every(job, COUNT_EVERY).await
        })
}

/// Between two looks for results that were left uncounted.
const COUNT_EVERY: Duration = Duration::from_secs(60);
