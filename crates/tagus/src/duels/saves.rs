//! Kept games that go on: each turn is written down before anybody is told of it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tagus_base::UnixMillis;
use tagus_duel::{GONE, News, Turn};
use tagus_players::ReadPermission;

use super::ends::news;
use super::kept::{CHALLENGED, Kept, kept};
use super::notes::{self, NOTE_TURN};
use super::objects::{Changes, TRIES_MAX, contended};
use crate::api::ApiError;
use crate::room_calls::RoomCall;

/// The room call `duel.save`; its data is a [`News`] of a kept game that goes on.
///
/// It may be called again where its answer was lost. A game that goes on in another room, or not at all, is answered
/// [`GONE`].
///
/// # Errors
/// INVALID_ARGUMENT for what is no news of a game that goes on.
pub async fn save(call: RoomCall, now: UnixMillis) -> Result<Vec<u8>, ApiError> {
    let tagus = &call.tagus;
    let news = news(&call)?;
    let Some(player) = news.player.filter(|_| news.record.end.is_none()) else {
        return Err(ApiError::invalid("The game is over."));
    };
    let player = player as usize;
    let (id, record) = (
        news.record.id,
        URL_SAFE_NO_PAD.encode(news.record.to_bytes()),
    );
    for _ in 0..TRIES_MAX {
        let mut found = kept(tagus, id).await?;
        if found.value.room() != Some(call.room) {
            return Ok(GONE.to_vec());
        }
        if found.value.record == record {
            return Ok(Vec::new());
        }
        let before = found.value.player;
        found.value.go_on(&news, player, now);
        found.value.record.clone_from(&record);
        let mut changes = Changes::default();
        changes.put(&found, ReadPermission::Nobody);
        if changes.commit(tagus).await? {
            if player != before && !news.present[player] {
                notes::tell(tagus, (id, &found.value), (player, NOTE_TURN), &[]).await;
            }
            return Ok(Vec::new());
        }
    }
    Err(contended())
}

impl Kept {
    fn go_on(&mut self, news: &News, player: usize, now: UnixMillis) {
        let turns = &news.record.turns;
        // To choose something is nobody's turn.
        let is_turn = |turn: &&Turn| !matches!(turn, Turn::Choice { .. });
        if turns.last().is_some_and(|turn| is_turn(&turn)) {
            self.is_answered |= self.player == CHALLENGED;
            self.deadline_ms = now.0 + self.turn_s * 1_000;
        }
        self.turn = turns.iter().filter(is_turn).count();
        self.player = player;
    }
}
