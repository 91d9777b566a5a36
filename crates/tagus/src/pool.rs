//! What the server keeps of a game of pool: its record in the storage of both players, and their ratings.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tagus_base::{RoomId, UserId};
use tagus_players::{
    ExpectedVersion, NewObject, ObjectId, RankedTeam, ReadPermission, WritePermission,
};
use tagus_pool::{Chair, Record, Rules};

use crate::api::ApiError;
use crate::hooks::RpcCall;
use crate::tagus::Tagus;

/// Collection of records. Everybody may read them, so that a link to one can be shared; nobody writes them.
const COLLECTION: &str = "pool_games";

/// The RPC function `pool.keep`, called by a player when a game is over; its payload is the match's id.
///
/// It takes the last finished game of that room, writes its record into the collection `pool_games` of each player,
/// under the game's id, and counts its result in the ratings of the mode `pool` or `pool-nine`, unless the match was
/// private or against a bot. Nothing of it comes from the caller, and calling it again changes nothing.
///
/// # Errors
/// NOT_FOUND when there is no such match of pool, no game has ended there, or the caller did not play it; those of
/// [`Tagus::storage_write`] and [`Tagus::rate`].
pub async fn keep(call: RpcCall) -> Result<String, ApiError> {
    let (tagus, not_found) = (call.tagus, || ApiError::not_found("Game not found."));
    let id = tagus.room_id(call.payload.trim()).ok_or_else(not_found)?;
    let listing = tagus.room(&id).filter(|room| &*room.game == GAME);
    let is_private = listing.ok_or_else(not_found)?.private;
    let record = record_of(&tagus, id).await.ok_or_else(not_found)?;
    let caller = call.caller.user_id.ok_or_else(not_found)?;
    if !record.users.contains(&caller) {
        return Err(not_found());
    }
    let people: Vec<UserId> = record.users.into_iter().filter(is_person).collect();
    let objects = people.iter().map(|owner| object(&record, *owner));
    tagus
        .storage_write(objects.collect::<Result<_, _>>()?)
        .await?;
    if !is_private && people.len() == 2 {
        let team = |chair: Chair| RankedTeam {
            users: vec![record.users[chair as usize]],
            rank: u32::from(record.end.winner == Some(chair.other())),
        };
        let mode = match record.rules {
            Rules::Eight => "pool",
            Rules::Nine => "pool-nine",
        };
        let teams = Chair::BOTH.map(team);
        tagus.rate(mode, &teams, Some(record.id)).await?;
    }
    Ok(serde_json::json!({ "collection": COLLECTION, "key": record.id.to_string() }).to_string())
}

async fn record_of(tagus: &Tagus, id: RoomId) -> Option<Record> {
    let bytes = tagus.room_signal(id, "record").await?;
    Record::from_bytes(&bytes).ok()
}

fn object(record: &Record, owner: UserId) -> Result<NewObject, ApiError> {
    let winner = record.end.winner.map(|chair| record.users[chair as usize]);
    let value = serde_json::json!({
        "rules": match record.rules {
            Rules::Eight => "eight",
            Rules::Nine => "nine",
        },
        "users": record.users.map(|user| is_person(&user).then(|| user.to_string())),
        "won": winner.map(|winner| winner == owner),
        "how": record.end.how as u8,
        "turns": record.turns.len(),
        "record": URL_SAFE_NO_PAD.encode(record.to_bytes()),
    });
    Ok(NewObject {
        id: ObjectId::new(COLLECTION, record.id.to_string(), owner)?,
        value: value.to_string(),
        version: ExpectedVersion::Any,
        read: ReadPermission::Everybody,
        write: WritePermission::Nobody,
    })
}

/// A bot has zeros.
fn is_person(user: &UserId) -> bool {
    *user != UserId::default()
}

const GAME: &str = "pool";
