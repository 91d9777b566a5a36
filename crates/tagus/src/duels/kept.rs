//! Games that go on over days, as they are stored: one object for each, and for each player a list of theirs.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use tagus_base::{RoomId, UnixMillis, UserId, Uuid};
use tagus_duel::Record;
use tagus_players::{ObjectId, ReadPermission, SERVER_OWNER};

use super::games::{Mode, Play, mode};
use super::objects::{Changes, Found, Text, read};
use crate::api::ApiError;
use crate::tagus::Tagus;

/// A game that goes on. It is there until the game ends, by whatever way.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct Kept {
    pub(super) mode: String,
    /// By their chairs: who challenged, and who was challenged.
    pub(super) users: [Text<UserId>; 2],
    /// Their user names when the game began.
    pub(super) names: [String; 2],
    /// Whether who was challenged has played: until then they may decline, and nobody loses anything.
    pub(super) is_answered: bool,
    /// Time for a turn, in seconds.
    pub(super) turn_s: u64,
    /// When the present turn ends, in milliseconds since 1970.
    pub(super) deadline_ms: u64,
    /// The chair whose turn it is.
    pub(super) player: usize,
    /// Turns that were played, but for what somebody only chose.
    pub(super) turn: usize,
    /// The game so far, as base64url; empty until the first turn was played.
    pub(super) record: String,
    pub(super) seed: u64,
    /// The only room that may go on with it. It may be gone.
    pub(super) room: Option<Text<RoomId>>,
}

impl Kept {
    pub(super) fn mode(&self) -> Result<(&'static Play, &'static Mode), ApiError> {
        mode(&self.mode).ok_or_else(|| {
            tracing::error!(
                mode = self.mode,
                "a kept game is of a mode that is not known"
            );
            ApiError::internal()
        })
    }

    pub(super) const fn deadline(&self) -> UnixMillis {
        UnixMillis(self.deadline_ms)
    }

    pub(super) fn chair_of(&self, user: UserId) -> Option<usize> {
        self.users.iter().position(|one| one.0 == user)
    }

    /// The game so far, which somebody has played.
    pub(super) fn record(&self) -> Result<Record, ApiError> {
        let bytes = URL_SAFE_NO_PAD.decode(&self.record);
        let record = bytes.ok().and_then(|bytes| Record::from_bytes(&bytes).ok());
        record.ok_or_else(|| {
            tracing::error!(mode = self.mode, record = self.record, "read a kept game");
            ApiError::internal()
        })
    }

    pub(super) fn room(&self) -> Option<RoomId> {
        self.room.map(|room| room.0)
    }
}

/// The kept games of a player.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct List {
    games: Vec<Text<Uuid>>,
    /// The last day on which the player challenged somebody, in days since 1970, and how often on that day.
    #[serde(default)]
    day: u64,
    #[serde(default)]
    challenges: u32,
}

impl List {
    pub(super) fn len(&self) -> usize {
        self.games.len()
    }

    pub(super) fn push(&mut self, id: Uuid) {
        self.games.push(Text(id));
    }

    /// Games that are in both lists.
    pub(super) fn shared(&self, other: &Self) -> usize {
        self.ids()
            .filter(|id| other.ids().any(|one| one == *id))
            .count()
    }

    pub(super) const fn challenges_today(&self, now: UnixMillis) -> u32 {
        if self.day == day(now) {
            self.challenges
        } else {
            0
        }
    }

    pub(super) const fn count_challenge(&mut self, now: UnixMillis) {
        self.challenges = self.challenges_today(now) + 1;
        self.day = day(now);
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = Uuid> {
        self.games.iter().map(|id| id.0)
    }
}

/// A kept game; not there where it is over or never was.
pub(super) async fn kept(tagus: &Tagus, id: Uuid) -> Result<Found<Kept>, ApiError> {
    let mut found = kept_all(tagus, [id]).await?;
    found.pop().ok_or_else(ApiError::internal)
}

/// Kept games, in the order of the ids.
pub(super) async fn kept_all(
    tagus: &Tagus,
    ids: impl IntoIterator<Item = Uuid>,
) -> Result<Vec<Found<Kept>>, ApiError> {
    let ids: Result<Vec<_>, _> = ids.into_iter().map(kept_place).collect();
    read(tagus, ids?).await
}

/// The lists of some players, in their order.
pub(super) async fn lists(tagus: &Tagus, users: &[UserId]) -> Result<Vec<Found<List>>, ApiError> {
    let place = |owner: &UserId| ObjectId::new(COLLECTION, LIST, *owner);
    let ids: Result<Vec<_>, _> = users.iter().map(place).collect();
    read(tagus, ids?).await
}

/// The object of a kept game that is to be.
pub(super) fn kept_place(id: Uuid) -> Result<ObjectId, ApiError> {
    Ok(ObjectId::new(COLLECTION, id.to_string(), SERVER_OWNER)?)
}

/// Adds to `changes` that a game is kept no more. Its players may be gone.
pub(super) async fn forget(
    tagus: &Tagus,
    changes: &mut Changes,
    found: &Found<Kept>,
) -> Result<(), ApiError> {
    changes.delete(found);
    for mut list in lists(tagus, &found.value.users.map(|user| user.0)).await? {
        let before = list.value.len();
        list.value
            .games
            .retain(|id| id.0.to_string() != found.id.key());
        if list.value.len() < before {
            changes.put(&list, ReadPermission::Nobody);
        }
    }
    Ok(())
}

const fn day(now: UnixMillis) -> u64 {
    now.0 / 86_400_000
}

/// The chair of who challenged.
pub(super) const CHALLENGER: usize = 0;
/// The chair of who was challenged.
pub(super) const CHALLENGED: usize = 1;
pub(super) const COLLECTION: &str = "duel_games";
const LIST: &str = "list";
