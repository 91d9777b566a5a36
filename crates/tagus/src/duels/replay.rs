//! Finished games, shown again and proven.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::{Value, json};
use tagus_base::UserId;
use tagus_duel::{Chair, How, Record};
use tagus_players::ObjectId;
use tokio::sync::Semaphore;

use super::calls::{caller, uuid, wish};
use super::games::{Messages, PLAYS, Play, play_of};
use super::history::KeptRecord;
use super::objects::read;
use crate::api::{ApiError, CODE_RESOURCE_EXHAUSTED};
use crate::hooks::RpcCall;

/// Replays that run or wait at once; a further one is refused.
pub const REPLAYS_MAX: usize = 32;

/// One at a time simulates: a long game takes some hundred milliseconds of a processor.
static RUNNING: Semaphore = Semaphore::const_new(1);
static ADMITTED: Semaphore = Semaphore::const_new(REPLAYS_MAX);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Which {
    user_id: String,
    id: String,
}

/// The RPC function `duel.replay`: `{user_id, id}` answers a finished game of anybody's: `{game, mode, users, names, won,
/// how, turns, messages: [{op, data}]}`, the last as its room told them to who watched; `data` is base64.
///
/// # Errors
/// INVALID_ARGUMENT for a payload that is not understood, NOT_FOUND for a game that is not kept, RESOURCE_EXHAUSTED where
/// [`REPLAYS_MAX`] are asked for at once.
pub async fn replay(call: RpcCall) -> Result<String, ApiError> {
    caller(&call)?;
    let which: Which = wish(&call)?;
    let owner = UserId(uuid(&which.user_id, "user ID")?);
    let id = uuid(&which.id, "game ID")?.to_string();
    let place = |play: &Play| ObjectId::new(play.records, &*id, owner);
    let places: Result<Vec<_>, _> = PLAYS.iter().map(place).collect();
    let found = read::<KeptRecord>(&call.tagus, places?).await?;
    let found = PLAYS.iter().zip(found).find(|(_, found)| found.is_there());
    let (play, found) = found.ok_or_else(|| ApiError::not_found("Game not found."))?;
    let kept = found.value;
    let messages = told(play, kept.record).await?;
    let messages: Vec<Value> = messages
        .iter()
        .map(|(op, data)| json!({ "op": op, "data": STANDARD.encode(data) }))
        .collect();
    let answer = json!({
        "game": play.game,
        "mode": kept.mode,
        "users": kept.users,
        "names": kept.names,
        "won": kept.won,
        "how": kept.how,
        "turns": kept.turns,
        "messages": messages,
    });
    Ok(answer.to_string())
}

async fn told(play: &'static Play, record: String) -> Result<Messages, ApiError> {
    let too_many = |_| {
        ApiError::new(
            CODE_RESOURCE_EXHAUSTED,
            "Too many replays at once, try again.",
        )
    };
    let admitted = ADMITTED.try_acquire().map_err(too_many)?;
    let running = RUNNING.acquire().await.map_err(|_| ApiError::internal())?;
    let work = move || {
        // It goes on when whoever asked has gone away, and so long it counts.
        let _permits = (admitted, running);
        let bytes = URL_SAFE_NO_PAD.decode(record)?;
        let record = Record::from_bytes(&bytes)?;
        anyhow::Ok((play.told)(&record)?)
    };
    let told = tokio::task::spawn_blocking(work).await;
    told.map_err(|_| ApiError::internal())?.map_err(|error| {
        tracing::error!(error = format!("{error:#}"), "replay a kept record");
        ApiError::internal()
    })
}

/// Plays the record in a file again, raw or as base64url text, and answers what it proved, as a sentence. None: the file
/// is no record.
///
/// # Errors
/// The file cannot be read, or the game was not played as it says.
pub fn verify(file: &Path) -> anyhow::Result<Option<String>> {
    let bytes = std::fs::read(file).with_context(|| format!("read {}", file.display()))?;
    let text = URL_SAFE_NO_PAD.decode(bytes.trim_ascii());
    let record = match text {
        Ok(record) => Record::from_bytes(&record),
        Err(_) => Record::from_bytes(&bytes),
    };
    let Ok(record) = record else {
        return Ok(None);
    };
    proven(&record).map(Some)
}

fn proven(record: &Record) -> anyhow::Result<String> {
    let play = play_of(record).context("no game here is of this table and these rules")?;
    let shots = (play.prove)(record)?;
    let (mode, turns) = ((play.mode)(record.variant), record.turns.len());
    let mut text = format!(
        "{mode}: game {}, {turns} turns, {shots} shots: they end as recorded; ",
        record.id
    );
    match record.end {
        None => text.push_str("the game goes on"),
        Some(end) => {
            let won = match end.winner {
                Some(Chair::First) => "the first player has won",
                Some(Chair::Second) => "the second player has won",
                None => "nobody has won",
            };
            let how = match end.how {
                How::TIME_OUTS => "by time",
                How::CONCEDED => "the other conceded",
                How::LEFT => "the other left",
                How::DRAWN => "it is drawn",
                _ => "by the rules",
            };
            write!(text, "{won}: {how}")?;
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use tagus_base::Uuid;
    use tagus_duel::Variant;

    use super::*;
    use crate::api::CODE_INTERNAL;

    static GATE: Barrier = Barrier::new(2);

    /// Its replays begin and end when somebody else comes to the gate.
    static SLOW: Play = Play {
        game: "slow",
        records: "slow_games",
        modes: &[],
        mode: |_| "slow",
        has: |_| false,
        prove: |_| Ok(0),
        told: |_| {
            GATE.wait();
            GATE.wait();
            Ok(Vec::new())
        },
        with_turn: |record, _| Ok(record.clone()),
    };

    async fn pass_the_gate() {
        tokio::task::spawn_blocking(|| GATE.wait()).await.unwrap();
    }

    #[tokio::test]
    async fn one_replay_too_many_is_refused_and_one_without_a_caller_counts_until_it_ends() {
        let code = async || {
            let told = told(&PLAYS[0], "no record".to_owned()).await;
            told.unwrap_err().code
        };
        let admitted = ADMITTED.try_acquire_many(REPLAYS_MAX as u32).unwrap();
        assert_eq!(code().await, CODE_RESOURCE_EXHAUSTED);
        drop(admitted);
        assert_eq!(code().await, CODE_INTERNAL);

        let variant = Variant { rules: 0, table: 1 };
        let record = Record::begin(Uuid::NIL, variant, 0, [UserId::default(); 2]);
        let asked = tokio::spawn(told(&SLOW, URL_SAFE_NO_PAD.encode(record.to_bytes())));
        pass_the_gate().await;
        asked.abort();
        assert!(asked.await.unwrap_err().is_cancelled());
        assert_eq!(ADMITTED.available_permits(), REPLAYS_MAX - 1);
        assert_eq!(RUNNING.available_permits(), 0);
        pass_the_gate().await;
        let all = ADMITTED.acquire_many(REPLAYS_MAX as u32).await;
        assert!(all.is_ok());
    }
}
