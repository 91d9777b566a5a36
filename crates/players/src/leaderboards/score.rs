//! Scores as clients know them, and as the store orders them.

use tagus_base::{UnixMillis, UserId};
use tagus_store::{Bounded, LeaderboardRecordRow, RecordChange, RecordOrder};

use super::definition::{Leaderboard, Operator};
use crate::ranks::{Direction, Ties};

/// A score to be written.
#[derive(Clone, Copy, Debug, Default)]
pub struct NewScore<'a> {
    /// At least 0.
    pub score: i64,
    /// At least 0; decides among equal scores.
    pub subscore: i64,
    /// A JSON object as text; empty: what was there stays.
    pub metadata: &'a str,
    /// What the write does; none: what the board's operator says.
    pub operator: Option<Operator>,
}

/// A record of a leaderboard or a tournament.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Record {
    /// The board.
    pub leaderboard_id: String,
    /// Whose.
    pub owner_id: UserId,
    /// The owner's name when it was last written.
    pub username: String,
    /// At least 0.
    pub score: i64,
    /// At least 0.
    pub subscore: i64,
    /// How often it was written.
    pub num_score: i32,
    /// How often it may be written; 0: any number of times.
    pub max_num_score: u32,
    /// A JSON object as text.
    pub metadata: String,
    /// When it was made.
    pub create_time: UnixMillis,
    /// When its scores were last written.
    pub update_time: UnixMillis,
    /// When its period ends; 0: never.
    pub expiry_time: UnixMillis,
    /// 1 is the first; 0: the board has no ranks.
    pub rank: u64,
}

impl Record {
    pub(super) fn new(row: LeaderboardRecordRow, rank: u64) -> Self {
        let written = row.num_score > 0;
        let shown = |order: i64| if written { order.saturating_abs() } else { 0 };
        Self {
            leaderboard_id: row.key.leaderboard_id,
            owner_id: row.key.owner_id,
            username: row.username,
            score: shown(row.order.score),
            subscore: shown(row.order.subscore),
            num_score: i32::try_from(row.num_score).unwrap_or(i32::MAX),
            max_num_score: u32::try_from(row.max_num_score).unwrap_or(u32::MAX),
            metadata: row.metadata,
            create_time: row.create_time,
            update_time: UnixMillis(row.order.time.unsigned_abs()),
            expiry_time: row.key.expiry_time,
            rank,
        }
    }
}

/// What a write makes of a record that is not there, and of one that is.
pub(super) fn change_of(
    board: &Leaderboard,
    now: UnixMillis,
    new: &NewScore<'_>,
) -> (RecordOrder, RecordChange) {
    let order = |score, subscore| RecordOrder {
        score: ordered(board.sort, score),
        subscore: ordered(board.subscore_sort, subscore),
        time: time_of(board, now),
    };
    let add = |score, subscore| RecordChange::Add {
        score: bounded(board.sort, score),
        subscore: bounded(board.subscore_sort, subscore),
    };
    let as_new = order(new.score, new.subscore);
    match new.operator.unwrap_or(board.operator) {
        Operator::Best => (as_new, RecordChange::Best),
        Operator::Set => (as_new, RecordChange::Set),
        Operator::Increment => (as_new, add(new.score, new.subscore)),
        Operator::Decrement => (order(0, 0), add(-new.score, -new.subscore)),
    }
}

/// Where a member of a tournament stands who has not written yet: behind those who have.
pub(super) fn joined_order(board: &Leaderboard, now: UnixMillis) -> RecordOrder {
    let last = |direction| match direction {
        Direction::Ascending => i64::MAX,
        Direction::Descending => 0,
    };
    RecordOrder {
        score: last(board.sort),
        subscore: last(board.subscore_sort),
        time: time_of(board, now),
    }
}

fn time_of(board: &Leaderboard, now: UnixMillis) -> i64 {
    let now = i64::try_from(now.0).unwrap_or(i64::MAX);
    match board.ties {
        Ties::EarlierFirst => now,
        Ties::LaterFirst => -now,
    }
}

/// A score as the store orders it, ascending. Scores are never negative, so the way back is the absolute value.
const fn ordered(direction: Direction, score: i64) -> i64 {
    match direction {
        Direction::Ascending => score,
        Direction::Descending => -score,
    }
}

const fn bounded(direction: Direction, add: i64) -> Bounded {
    let (least, greatest) = match direction {
        Direction::Ascending => (0, i64::MAX),
        Direction::Descending => (-i64::MAX, 0),
    };
    Bounded {
        add: ordered(direction, add),
        least,
        greatest,
    }
}
