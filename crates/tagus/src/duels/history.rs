//! What players have played: a list of the last games of each, and the record of each of these.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use tagus_base::{UnixMillis, UserId, Uuid};
use tagus_duel::Record;
use tagus_players::{ObjectId, ReadPermission};

use super::games::Play;
use super::objects::{Changes, Found, Text, read};
use crate::api::ApiError;
use crate::tagus::Tagus;

/// Games in a player's history of one game; the oldest goes with its record.
pub(super) const HISTORY_MAX: usize = 100;

/// A player's last games.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct History {
    /// Newest first.
    games: Vec<Entry>,
}

/// A game in somebody's history.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Entry {
    id: Text<Uuid>,
    mode: String,
    opponent: Opponent,
    /// None: it is drawn.
    won: Option<bool>,
    /// As in the game's messages.
    how: u8,
    turns: usize,
    /// Its end, in seconds since 1970.
    time: u64,
}

/// Whom somebody has played against.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Opponent {
    /// None: a bot.
    id: Option<Text<UserId>>,
    name: String,
}

impl History {
    /// Those of some players, in their order.
    pub(super) async fn read(
        tagus: &Tagus,
        play: &Play,
        users: &[UserId],
    ) -> Result<Vec<Found<Self>>, ApiError> {
        let id = |owner: &UserId| ObjectId::new(COLLECTION, play.game, *owner);
        let ids: Result<Vec<_>, _> = users.iter().map(id).collect();
        read(tagus, ids?).await
    }

    pub(super) fn has(&self, id: Uuid) -> bool {
        self.games.iter().any(|entry| entry.id.0 == id)
    }

    /// Puts a game in front. Returns those that are too many.
    fn push(&mut self, entry: Entry) -> Vec<Entry> {
        self.games.insert(0, entry);
        self.games.split_off(self.games.len().min(HISTORY_MAX))
    }
}

/// A finished game of somebody.
pub(super) struct Ended<'a> {
    pub(super) play: &'static Play,
    pub(super) record: &'a Record,
    /// By the chairs.
    pub(super) names: &'a [String; 2],
    pub(super) now: UnixMillis,
}

impl Ended<'_> {
    /// Adds to `changes` that this game is in the owner's history, with its record.
    pub(super) async fn put(
        &self,
        tagus: &Tagus,
        changes: &mut Changes,
        history: &mut Found<History>,
    ) -> Result<(), ApiError> {
        let (record, owner) = (self.record, history.id.owner());
        let end = record
            .end
            .ok_or_else(|| ApiError::invalid("The game goes on."))?;
        let won = end
            .winner
            .map(|chair| record.users[chair as usize] == owner);
        let other = usize::from(record.users[0] == owner);
        let user = record.users[other];
        let dropped = history.value.push(Entry {
            id: Text(record.id),
            mode: (self.play.mode)(record.variant).to_owned(),
            opponent: Opponent {
                id: is_person(user).then_some(Text(user)),
                name: self.names[other].clone(),
            },
            won,
            how: end.how.0,
            turns: record.turns.len(),
            time: self.now.0 / 1_000,
        });
        changes.put(history, ReadPermission::Everybody);
        let id = |entry: &Entry| ObjectId::new(self.play.records, entry.id.0.to_string(), owner);
        let dropped: Result<Vec<_>, _> = dropped.iter().map(id).collect();
        for found in read::<serde_json::Value>(tagus, dropped?).await? {
            changes.delete(&found);
        }
        let kept = KeptRecord {
            mode: (self.play.mode)(record.variant).to_owned(),
            names: self.names.clone(),
            users: record
                .users
                .map(|user| is_person(user).then_some(Text(user))),
            won,
            how: end.how.0,
            turns: record.turns.len(),
            record: URL_SAFE_NO_PAD.encode(record.to_bytes()),
        };
        let id = ObjectId::new(self.play.records, record.id.to_string(), owner)?;
        changes.replace(id, &kept, ReadPermission::Everybody);
        Ok(())
    }
}

/// A game in its owner's collection.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct KeptRecord {
    pub(super) mode: String,
    /// By their chairs.
    pub(super) names: [String; 2],
    /// None: a bot.
    pub(super) users: [Option<Text<UserId>>; 2],
    /// By the owner; none: it is drawn.
    pub(super) won: Option<bool>,
    /// As in the game's messages.
    pub(super) how: u8,
    pub(super) turns: usize,
    /// As base64url.
    pub(super) record: String,
}

/// A bot has zeros.
pub(super) fn is_person(user: UserId) -> bool {
    user != UserId::default()
}

/// Everybody may read a history, as the records that it names; nobody writes it.
pub(super) const COLLECTION: &str = "duel_history";
