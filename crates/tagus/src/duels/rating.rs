//! Results that are to be counted in the ratings. Each is written down together with the game itself, and forgotten once
//! it is counted, so that a server that ends in between loses none.

use serde::{Deserialize, Serialize};
use tagus_base::{UserId, Uuid};
use tagus_duel::Record;
use tagus_players::{ObjectId, RankedTeam, ReadPermission, SERVER_OWNER};

use super::games::Play;
use super::objects::{Changes, Found, Text, read};
use crate::api::{ApiError, CODE_INVALID_ARGUMENT, CODE_NOT_FOUND};
use crate::scheduler::JobCall;
use crate::tagus::Tagus;

/// A result that is not counted yet.
#[derive(Debug, Default, Deserialize, Serialize)]
struct Uncounted {
    mode: String,
    users: [Text<UserId>; 2],
    /// The winner's place among the users; none: it is drawn.
    winner: Option<usize>,
}

/// Adds to `changes` that the game is to be counted.
pub(super) fn note(changes: &mut Changes, play: &Play, record: &Record) -> Result<(), ApiError> {
    let uncounted = Uncounted {
        mode: (play.mode)(record.variant).to_owned(),
        users: record.users.map(Text),
        winner: record
            .end
            .and_then(|end| end.winner)
            .map(|chair| chair as usize),
    };
    changes.replace(place(record.id)?, &uncounted, ReadPermission::Nobody);
    Ok(())
}

/// Counts a game, if it is noted.
pub(super) async fn count(tagus: &Tagus, id: Uuid) -> Result<(), ApiError> {
    let [found] = read(tagus, vec![place(id)?])
        .await?
        .try_into()
        .map_err(|_| ApiError::internal())?;
    let found: Found<Uncounted> = found;
    if !found.is_there() {
        return Ok(());
    }
    let team = |chair: usize| RankedTeam {
        users: vec![found.value.users[chair].0],
        rank: u32::from(found.value.winner.is_some_and(|winner| winner != chair)),
    };
    let counted = tagus
        .rate(&found.value.mode, &[0, 1].map(team), Some(id))
        .await;
    match counted {
        Ok(_) => {}
        // An account is gone: there is nobody to be compared with.
        Err(error) if [CODE_NOT_FOUND, CODE_INVALID_ARGUMENT].contains(&error.code) => {
            tracing::debug!(%error, game = %id, "a result is not counted");
        }
        Err(error) => return Err(error),
    }
    let mut changes = Changes::default();
    changes.delete(&found);
    // Else somebody else has counted it as well, which the ratings know by its id.
    changes.commit(tagus).await.map(drop)
}

/// The job that counts what was left: results whose server ended, or whose database failed.
pub(super) async fn count_left(call: JobCall) -> Result<(), ApiError> {
    let tagus = &call.tagus;
    let page = tagus
        .storage_list(Some(SERVER_OWNER), COLLECTION, LEFT_MAX, "")
        .await?;
    for object in page.objects {
        match object.id.key().parse() {
            Ok(id) => count(tagus, id).await?,
            Err(error) => {
                tracing::error!(key = object.id.key(), ?error, "read the key of a result")
            }
        }
    }
    Ok(())
}

fn place(id: Uuid) -> Result<ObjectId, ApiError> {
    Ok(ObjectId::new(COLLECTION, id.to_string(), SERVER_OWNER)?)
}

/// The kind and the name of the job.
pub(super) const JOB: &str = "duel.count";
const COLLECTION: &str = "duel_uncounted";
/// Results counted in one run of the job; the rest waits for the next.
const LEFT_MAX: i32 = 100;
