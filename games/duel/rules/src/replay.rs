//! The proof that a game was played as its record says, and the game as it was told.

use crate::course::{Chair, Course, End, Turn};
use crate::messages::{
    Block, LAST_SHOT, NO_LIMIT, Table, last_of, op, shot_bytes, table_bytes, verdict_bytes,
};
use crate::reason::Reason;
use crate::record::Record;
use crate::sport::Sport;
use crate::stroke::Verdict;

/// What a replay has shown.
#[derive(Clone, Debug)]
pub struct Verified<S> {
    /// The game after its last turn.
    pub frame: S,
    /// Shots that were simulated.
    pub shots: usize,
}

/// Plays the game again, by the same rules and the same physics. A game that goes on is one, too.
///
/// # Errors
/// It is of another sport, a turn is not allowed, shots ended otherwise, or the game did.
pub fn replay<S: Sport>(record: &Record) -> Result<Verified<S>, ReplayError> {
    play::<S>(record, |_, _, _| ())
}

/// The messages in which a room tells the game to somebody who watches, op codes and bytes, from its first turn to its
/// last: op 16 at the beginning, ops 17 and 18 for each shot, op 16 for what is no shot
/// and changes the table, the turn or the end.
/// Nobody waits in it: a verdict's `wait_ms` is the time from the stroke to the next turn, and there is no limit.
///
/// # Errors
/// Those of [`replay`].
pub fn told<S: Sport>(record: &Record) -> Result<Vec<(i64, Vec<u8>)>, ReplayError> {
    let table = |frame: &S, last| {
        let head = Table {
            rules: record.variant.rules,
            opponent: 0,
            chair: None,
            last,
            version: record.variant.table,
            turn_s: 0,
        };
        (op::TABLE, table_bytes(&head, &block(frame, 0)))
    };
    let mut out = vec![table(&begin(record)?, LAST_SHOT)];
    play::<S>(record, |before, turn, after| match (turn, after) {
        (Turn::Stroke(stroke), (frame, Some(verdict))) => {
            let (number, chair) = (before.course().turn, before.course().player);
            let wait_ms = u64::from(verdict.rest_ms) + S::pause_ms(verdict);
            let told = block(frame, u32::try_from(wait_ms).unwrap_or(u32::MAX));
            out.push((op::SHOT, shot_bytes(GAME, number, chair, stroke, 0)));
            out.push((op::VERDICT, verdict_bytes(number, verdict, &told)));
        }
        (
            Turn::Choice {
                is_at_once: false, ..
            },
            _,
        ) => (),
        (_, (frame, _)) => out.push(table(frame, last_of(turn))),
    })?;
    Ok(out)
}

/// The game that goes on, ended by this turn: by [`Turn::Lapse`], say, when its time has run out and no room is open.
///
/// # Errors
/// Those of [`replay`], and that the turn is not allowed.
pub fn with_turn<S: Sport>(record: &Record, turn: Turn) -> Result<Record, ReplayError> {
    let mut frame = replay::<S>(record)?.frame;
    let index = record.turns.len();
    let verdict = frame.apply(turn);
    let verdict = verdict.map_err(|source| ReplayError::Turn { index, source })?;
    let mut out = record.clone();
    out.turns.push(turn);
    out.end = frame.course().end;
    out.hash = verdict.map_or(out.hash, |verdict| mix(out.hash, verdict.hash));
    Ok(out)
}

/// Whose turn it is after the turns of this record; none when the game is over.
///
/// # Errors
/// Those of [`replay`].
pub fn player_of<S: Sport>(record: &Record) -> Result<Option<Chair>, ReplayError> {
    let frame = replay::<S>(record)?.frame;
    let course = frame.course();
    Ok(course.end.is_none().then_some(course.player))
}

/// The game before its first turn.
pub(crate) fn begin<S: Sport>(record: &Record) -> Result<S, ReplayError> {
    let table = S::table_of(record.variant).ok_or(ReplayError::Table(record.variant.table))?;
    let course = Course::new(table, record.variant.rules, record.seed, record.first);
    Ok(S::begin(course))
}

fn play<S: Sport>(
    record: &Record,
    mut see: impl FnMut(&S, &Turn, (&S, Option<&Verdict>)),
) -> Result<Verified<S>, ReplayError> {
    let mut frame: S = begin(record)?;
    let (mut hash, mut shots) = (0, 0);
    for (index, turn) in record.turns.iter().enumerate() {
        let before = frame.clone();
        let verdict = frame.apply(*turn);
        let verdict = verdict.map_err(|source| ReplayError::Turn { index, source })?;
        if let Some(verdict) = &verdict {
            hash = mix(hash, verdict.hash);
            shots += 1;
        }
        see(&before, turn, (&frame, verdict.as_ref()));
    }
    let end = frame.course().end;
    if end != record.end {
        return Err(ReplayError::End(end));
    }
    if hash != record.hash {
        return Err(ReplayError::Hash(hash));
    }
    Ok(Verified { frame, shots })
}

fn block<S>(frame: &S, wait_ms: u32) -> Block<'_, S> {
    Block {
        game: GAME,
        frame: Some(frame),
        wait_ms,
        left_ms: NO_LIMIT,
    }
}

/// One hash out of those of all shots so far, and the next one.
#[must_use]
pub const fn mix(hash: u64, next: u64) -> u64 {
    (hash.rotate_left(5) ^ next).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Why a game was not played as its record says.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// The sport has no such rules on a table of this version.
    #[error("find table {0}")]
    Table(u16),
    /// This turn is not allowed.
    #[error("play turn {index}")]
    Turn {
        /// Its place among the turns.
        index: usize,
        /// Why not.
        #[source]
        source: Reason,
    },
    /// The game is at this end after its turns.
    #[error("compare the end: it is {0:?}")]
    End(Option<End>),
    /// The shots ended otherwise; this is their hash.
    #[error("compare the shots: their hash is {0:016x}")]
    Hash(u64),
}

/// A record is of one game, which has no number in its room.
const GAME: u16 = 0;
