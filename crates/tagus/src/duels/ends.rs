//! The end of a game: its record and the history of both players are written at once, and it is kept no more.

use tagus_base::{UnixMillis, UserId};
use tagus_duel::{GONE, News, Record, Turn};

use super::deadlines::end_without_result;
use super::games::{Play, play};
use super::history::{Ended, History, is_person};
use super::kept::{CHALLENGED, Kept, forget, kept};
use super::notes::{self, NOTE_OVER};
use super::objects::{Changes, Found, TRIES_MAX, contended};
use super::rating;
use crate::api::ApiError;
use crate::room_calls::RoomCall;
use crate::tagus::Tagus;

/// The room call `duel.finished`; its data is a [`News`] of a game that is over.
///
/// It writes the record and the history of each player, counts the result in the ratings unless the room is private or a
/// bot played, and ends the kept game if it is one. It may be called again where its answer was lost. A kept game that goes
/// on in another room, or not at all, is answered [`GONE`]; so is one that ends before who was challenged has played,
/// which has no result.
///
/// # Errors
/// INVALID_ARGUMENT for what is no news of a game that is over, NOT_FOUND for a game that is none of two players.
pub async fn finished(call: RoomCall, now: UnixMillis) -> Result<Vec<u8>, ApiError> {
    let tagus = &call.tagus;
    let news = news(&call)?;
    let room = tagus.room(&call.room);
    let end = End {
        play: play(&call.game)?,
        record: &news.record,
        names: &news.names,
        present: news.present,
        by: if news.is_kept {
            By::KeptRoom(&call)
        } else {
            By::Room {
                is_public: room.is_some_and(|room| !room.private),
            }
        },
    };
    Ok(match end.keep(tagus, now).await? {
        Written::Yes => Vec::new(),
        Written::Gone => GONE.to_vec(),
    })
}

/// What a room says.
pub(super) fn news(call: &RoomCall) -> Result<News, ApiError> {
    News::from_bytes(&call.data)
        .map_err(|error| ApiError::invalid(format!("These are no news of a game: {error}.")))
}

/// A game that is over.
pub(super) struct End<'a> {
    pub(super) play: &'static Play,
    pub(super) record: &'a Record,
    /// By the chairs.
    pub(super) names: &'a [String; 2],
    /// Who hears of it in the room.
    pub(super) present: [bool; 2],
    pub(super) by: By<'a>,
}

/// Who says that a game is over.
#[derive(Clone, Copy)]
pub(super) enum By<'a> {
    /// The room of a game that is not kept.
    Room { is_public: bool },
    /// That of a kept game.
    KeptRoom(&'a RoomCall),
    /// The time of a kept game ran out; this is what was read of it.
    Time(&'a Found<Kept>),
}

/// Whether the end of a game is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Written {
    Yes,
    /// It is a kept game that has changed since it was read, goes on in another room, or not at all.
    Gone,
}

impl End<'_> {
    /// Writes it down, unless that is done.
    pub(super) async fn keep(&self, tagus: &Tagus, now: UnixMillis) -> Result<Written, ApiError> {
        if self.record.end.is_none() {
            return Err(ApiError::invalid("The game goes on."));
        }
        let id = self.record.id;
        for _ in 0..TRIES_MAX {
            let kept = match self.by {
                By::Room { .. } => None,
                By::KeptRoom(_) | By::Time(_) => Some(kept(tagus, id).await?),
            };
            if kept.as_ref().is_some_and(|kept| self.is_gone(kept)) {
                return Ok(Written::Gone);
            }
            if let Some(kept) = kept.as_ref().filter(|kept| kept.is_there())
                && !self.is_answered(&kept.value)
            {
                if end_without_result(tagus, id, kept).await? {
                    return Ok(Written::Gone);
                }
                continue;
            }
            let users = self.players(tagus).await?;
            let mut histories = History::read(tagus, self.play, &users).await?;
            histories.retain(|history| !history.value.has(id));
            let is_over = kept.as_ref().is_none_or(|kept| !kept.is_there());
            if histories.is_empty() && is_over {
                // An answer was lost, and the call is made again.
                self.count(tagus).await;
                return Ok(Written::Yes);
            }
            if is_over && kept.is_some() {
                return Ok(Written::Gone);
            }
            let changes = self.changes(tagus, now, histories, kept.as_ref()).await?;
            if changes.commit(tagus).await? {
                self.count(tagus).await;
                if let Some(kept) = &kept {
                    self.tell(tagus, &kept.value).await;
                }
                return Ok(Written::Yes);
            }
        }
        Err(contended())
    }

    fn is_gone(&self, kept: &Found<Kept>) -> bool {
        match self.by {
            By::Room { .. } => false,
            By::KeptRoom(call) => kept.is_there() && kept.value.room() != Some(call.room),
            By::Time(read) => read.version() != kept.version(),
        }
    }

    /// Whether who was challenged has played, be it with the last turn.
    fn is_answered(&self, kept: &Kept) -> bool {
        let last = self.record.turns.last();
        let is_played = matches!(last, Some(Turn::Stroke(_) | Turn::Rerack));
        kept.is_answered || kept.player == CHALLENGED && is_played
    }

    /// Those who played and whose accounts are there, each once.
    async fn players(&self, tagus: &Tagus) -> Result<Vec<UserId>, ApiError> {
        let mut ids = self.record.users.to_vec();
        ids.retain(|user| is_person(*user));
        let users = tagus.users(&ids, &[]).await?;
        Ok(users.into_iter().map(|user| user.id).collect())
    }

    async fn changes(
        &self,
        tagus: &Tagus,
        now: UnixMillis,
        mut histories: Vec<Found<History>>,
        kept: Option<&Found<Kept>>,
    ) -> Result<Changes, ApiError> {
        let mut changes = Changes::default();
        let ended = Ended {
            play: self.play,
            record: self.record,
            names: self.names,
            now,
        };
        for history in &mut histories {
            ended.put(tagus, &mut changes, history).await?;
        }
        let is_counted = match self.by {
            By::Room { is_public } => is_public,
            By::KeptRoom(_) | By::Time(_) => true,
        };
        if is_counted && histories.len() == 2 {
            rating::note(&mut changes, self.play, self.record)?;
        }
        if let Some(kept) = kept {
            forget(tagus, &mut changes, kept).await?;
        }
        Ok(changes)
    }

    async fn count(&self, tagus: &Tagus) {
        let id = self.record.id;
        if let Err(error) = rating::count(tagus, id).await {
            tracing::warn!(%error, game = %id, "count a result: it is tried again");
        }
    }

    /// Tells the players of a kept game who do not hear of it in the room.
    async fn tell(&self, tagus: &Tagus, kept: &Kept) {
        let Some(end) = self.record.end else { return };
        let winner = end.winner.map(|chair| chair as usize);
        for chair in (0..2).filter(|chair| !self.present[*chair]) {
            let won = winner.map(|winner| winner == chair);
            let more = [("won", won.into()), ("how", end.how.0.into())];
            notes::tell(tagus, (self.record.id, kept), (chair, NOTE_OVER), &more).await;
        }
    }
}
