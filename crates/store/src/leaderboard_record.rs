//! Records of leaderboards and tournaments.

use std::sync::Arc;

use tagus_base::{UnixMillis, UserId, Uuid};

use crate::batch::Outcome;
use crate::error::{Conflict, StoreError};
use crate::sql::{Query, Row, RowError, Step, locking, params};
use crate::store::Store;

/// Which record: one per board, period and owner.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct LeaderboardRecordKey {
    /// The leaderboard or tournament.
    pub leaderboard_id: String,
    /// When its period ends; 0 means never.
    pub expiry_time: UnixMillis,
    /// Whose.
    pub owner_id: UserId,
}

/// What records are ordered by: ascending, one after the other, then by owner.
/// How scores become such numbers is known above.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct RecordOrder {
    /// Compared first.
    pub score: i64,
    /// Compared next.
    pub subscore: i64,
    /// Compared last: when the scores were written.
    pub time: i64,
}

/// A record.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LeaderboardRecordRow {
    /// Which.
    pub key: LeaderboardRecordKey,
    /// The owner's name when it was last written.
    pub username: String,
    /// Where it stands.
    pub order: RecordOrder,
    /// How often it was written; 0: its owner only joined.
    pub num_score: i64,
    /// How often it may be written; 0: any number of times.
    pub max_num_score: i64,
    /// A JSON object as text.
    pub metadata: String,
    /// When it was made.
    pub create_time: UnixMillis,
}

/// What becomes of the scores of a record that is there and was written before.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RecordChange {
    /// Each becomes the lesser of old and new, by its order. Where neither is less, only the attempt is counted.
    Best,
    /// The new ones.
    Set,
    /// Score and subscore grow by these, and stay in their bounds.
    Add {
        /// For the score.
        score: Bounded,
        /// For the subscore.
        subscore: Bounded,
    },
}

/// A sum that stays in bounds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Bounded {
    /// What is added; any number but the least.
    pub add: i64,
    /// Least sum: 0, or the negated greatest number.
    pub least: i64,
    /// Greatest sum: 0, or the greatest number.
    pub greatest: i64,
}

impl Bounded {
    const NOTHING: Self = Self {
        add: 0,
        least: 0,
        greatest: 0,
    };
}

/// What is written of records. Each returns the record as it is then, see [`Outcome::leaderboard_records`].
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum LeaderboardRecordOp {
    /// Writes a record. Where there is none, `row` is added; where there is one, it gets another attempt, the username
    /// of `row` unless that is empty, and what `change` makes of its scores.
    /// Conflicts: `LimitReached` where all attempts are used, `Missing` without the board or the owner's account.
    Write {
        /// The record if there is none yet.
        row: Box<LeaderboardRecordRow>,
        /// What becomes of the one that is there.
        change: RecordChange,
        /// Whether it gets the metadata of `row`.
        metadata: bool,
        /// Whether it must be there: `Missing` if it is not.
        existing: bool,
    },
    /// Adds a record to a period of limited size.
    /// Conflicts: `Changed` where it is there, `LimitReached` where the period is full, `Missing` as above.
    Join {
        /// The record.
        row: Box<LeaderboardRecordRow>,
        /// Records in the period at most; 0 means any number.
        size_max: i64,
    },
    /// Allows more attempts, where attempts are limited.
    /// Conflicts: `Missing`.
    AddAttempts {
        /// Which record.
        key: LeaderboardRecordKey,
        /// How many more; less than zero takes some away, down to one.
        count: i64,
    },
    /// Removes a record and makes its place free.
    /// Conflicts: `Missing`.
    Delete {
        /// Which record.
        key: LeaderboardRecordKey,
    },
}

impl LeaderboardRecordOp {
    pub(crate) fn into_steps(self, out: &mut Vec<Step>) {
        match self {
            Self::Write {
                row,
                change,
                metadata,
                existing,
            } => {
                if existing {
                    out.push(present(&row.key));
                }
                out.push(write(*row, change, metadata));
            }
            Self::Join { row, size_max } => {
                let LeaderboardRecordKey {
                    leaderboard_id,
                    expiry_time,
                    ..
                } = row.key.clone();
                out.push(insert(*row));
                let sql = "INSERT INTO leaderboard_size (leaderboard_id, expiry_time, size) VALUES ($1, $2, 1)
                     ON CONFLICT (leaderboard_id, expiry_time) DO UPDATE SET size = leaderboard_size.size + 1
                     WHERE CAST($3 AS BIGINT) = 0 OR leaderboard_size.size < $3";
                let params = params![leaderboard_id, expiry_time, size_max];
                out.push(Step::write(sql, params).or(Conflict::LimitReached));
            }
            Self::AddAttempts { key, count } => out.push(add_attempts(key, count)),
            Self::Delete { key } => {
                out.push(delete(&key));
                let sql = "UPDATE leaderboard_size SET size = size - 1 WHERE leaderboard_id = $1 AND expiry_time = $2";
                let params = params![key.leaderboard_id, key.expiry_time];
                out.push(Step::write(sql, params));
            }
        }
    }
}

/// Makes the places free of an account that is about to be deleted.
pub(crate) fn leave_all(owner: UserId, out: &mut Vec<Step>) {
    // Locked first: nobody refers to the account any more until it is gone, so no place is taken in between.
    let account = locking!("SELECT id FROM account WHERE id = $1");
    out.push(Step::check(account, params![owner]).or(Conflict::Missing));
    let leave = "UPDATE leaderboard_size SET size = size - 1
         WHERE (leaderboard_id, expiry_time) IN
             (SELECT leaderboard_id, expiry_time FROM leaderboard_record WHERE owner_id = $1)";
    out.push(Step::write(leave, params![owner]));
}

fn present(key: &LeaderboardRecordKey) -> Step {
    let sql = locking!(
        "SELECT 1 FROM leaderboard_record WHERE leaderboard_id = $1 AND expiry_time = $2 AND owner_id = $3"
    );
    let params = params![key.leaderboard_id.as_str(), key.expiry_time, key.owner_id];
    Step::check(sql, params).or(Conflict::Missing)
}

/// The columns of a record, in the order of `decode`.
macro_rules! columns {
    () => {
        "leaderboard_id, expiry_time, owner_id, username, score_order, subscore_order, time_order, num_score, max_num_score, metadata, create_time"
    };
}

macro_rules! insert_record {
    ($rest:expr) => {
        concat!(
            "INSERT INTO leaderboard_record (",
            columns!(),
            ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
             ON CONFLICT (leaderboard_id, expiry_time, owner_id) ",
            $rest,
            " RETURNING ",
            columns!()
        )
    };
}

/// A column of the order after a change. The parameters are the kind of change, the summand and its bounds.
macro_rules! changed {
    ($column:literal, $add:literal, $least:literal, $greatest:literal) => {
        concat!(
            $column,
            " = CASE WHEN leaderboard_record.num_score = 0 OR $12 = 1 THEN excluded.",
            $column,
            " WHEN $12 = 0 AND excluded.",
            $column,
            " < leaderboard_record.",
            $column,
            " THEN excluded.",
            $column,
            " WHEN $12 = 0 THEN leaderboard_record.",
            $column,
            " WHEN CAST(",
            $add,
            " AS BIGINT) > 0 AND leaderboard_record.",
            $column,
            " > CAST(",
            $greatest,
            " AS BIGINT) - ",
            $add,
            " THEN ",
            $greatest,
            " WHEN ",
            $add,
            " < 0 AND leaderboard_record.",
            $column,
            " < CAST(",
            $least,
            " AS BIGINT) - ",
            $add,
            " THEN ",
            $least,
            " ELSE leaderboard_record.",
            $column,
            " + ",
            $add,
            " END"
        )
    };
}

/// Whether a write says something new, and not only that a best score was not beaten.
macro_rules! counts {
    () => {
        "(leaderboard_record.num_score = 0 OR $12 <> 0 OR excluded.score_order < leaderboard_record.score_order
            OR excluded.subscore_order < leaderboard_record.subscore_order)"
    };
}

fn write(row: LeaderboardRecordRow, change: RecordChange, metadata: bool) -> Step {
    let sql = insert_record!(concat!(
        "DO UPDATE SET ",
        changed!("score_order", "$13", "$15", "$14"),
        ", ",
        changed!("subscore_order", "$16", "$18", "$17"),
        ", time_order = CASE WHEN ",
        counts!(),
        " THEN excluded.time_order ELSE leaderboard_record.time_order END",
        ", metadata = CASE WHEN $19 AND ",
        counts!(),
        " THEN excluded.metadata ELSE leaderboard_record.metadata END",
        ", username = CASE WHEN excluded.username <> '' THEN excluded.username ELSE leaderboard_record.username END",
        ", num_score = leaderboard_record.num_score + 1
         WHERE leaderboard_record.max_num_score = 0
            OR leaderboard_record.num_score < leaderboard_record.max_num_score"
    ));
    let (kind, score, subscore) = match change {
        RecordChange::Best => (0_i64, Bounded::NOTHING, Bounded::NOTHING),
        RecordChange::Set => (1, Bounded::NOTHING, Bounded::NOTHING),
        RecordChange::Add { score, subscore } => (2, score, subscore),
    };
    let mut params = values(row);
    params.extend(params![
        kind,
        score.add,
        score.greatest,
        score.least,
        subscore.add,
        subscore.greatest,
        subscore.least,
        metadata,
    ]);
    Step::returning(sql, params).or(Conflict::LimitReached)
}

fn insert(row: LeaderboardRecordRow) -> Step {
    Step::returning(insert_record!("DO NOTHING"), values(row)).or(Conflict::Changed)
}

fn values(row: LeaderboardRecordRow) -> Vec<crate::sql::Value> {
    params![
        row.key.leaderboard_id,
        row.key.expiry_time,
        row.key.owner_id,
        row.username,
        row.order.score,
        row.order.subscore,
        row.order.time,
        row.num_score,
        row.max_num_score,
        row.metadata,
        row.create_time,
    ]
}

fn add_attempts(key: LeaderboardRecordKey, count: i64) -> Step {
    let sql = concat!(
        "UPDATE leaderboard_record SET max_num_score =
            CASE WHEN max_num_score = 0 THEN 0
                 WHEN max_num_score + CAST($1 AS BIGINT) < 1 THEN 1
                 ELSE max_num_score + $1 END
         WHERE leaderboard_id = $2 AND expiry_time = $3 AND owner_id = $4 RETURNING ",
        columns!()
    );
    let params = params![count, key.leaderboard_id, key.expiry_time, key.owner_id];
    Step::returning(sql, params).or(Conflict::Missing)
}

fn delete(key: &LeaderboardRecordKey) -> Step {
    let sql = concat!(
        "DELETE FROM leaderboard_record WHERE leaderboard_id = $1 AND expiry_time = $2 AND owner_id = $3 RETURNING ",
        columns!()
    );
    let params = params![key.leaderboard_id.as_str(), key.expiry_time, key.owner_id];
    Step::returning(sql, params).or(Conflict::Missing)
}

impl Outcome {
    /// The records as the batch's operations left them, in their order; for removed ones, as they were.
    /// For batches with no other operations that return something.
    ///
    /// # Errors
    ///
    /// `Database` where a row is none of a record.
    pub fn leaderboard_records(self) -> Result<Vec<LeaderboardRecordRow>, StoreError> {
        let rows = self.returned.into_iter();
        let rows = rows.map(|(_, mut row)| decode(&mut row));
        rows.collect::<Result<_, _>>()
            .map_err(|source| StoreError::Database {
                doing: "read returned rows",
                source: Arc::new(source),
            })
    }
}

macro_rules! records_where {
    ($condition:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM leaderboard_record WHERE ",
            $condition
        )
    };
}

impl Store {
    /// Records of a period behind the given place, in their order; from the first one if there is none.
    ///
    /// # Errors
    ///
    /// As [`Store::account_by_id`].
    pub async fn leaderboard_records_after(
        &self,
        board: (&str, UnixMillis),
        after: Option<(RecordOrder, UserId)>,
        limit: u32,
    ) -> Result<Vec<LeaderboardRecordRow>, StoreError> {
        let sql = records_where!(
            "leaderboard_id = $1 AND expiry_time = $2
             AND (score_order, subscore_order, time_order, owner_id) > ($3, $4, $5, $6)
             ORDER BY score_order, subscore_order, time_order, owner_id LIMIT $7"
        );
        let (order, owner) = after.unwrap_or(FIRST_PLACE);
        let limit = i64::from(limit);
        let mut params = params![board.0, board.1, order.score, order.subscore];
        params.extend(params![order.time, owner, limit]);
        self.all(Query::new(sql, params, decode)).await
    }

    /// The places of a period's records behind the given one, in their order; from the first one if there is none.
    ///
    /// # Errors
    ///
    /// As [`Store::account_by_id`].
    pub async fn leaderboard_places_after(
        &self,
        board: (&str, UnixMillis),
        after: Option<(RecordOrder, UserId)>,
        limit: u32,
    ) -> Result<Vec<(RecordOrder, UserId)>, StoreError> {
        let sql = "SELECT score_order, subscore_order, time_order, owner_id FROM leaderboard_record
             WHERE leaderboard_id = $1 AND expiry_time = $2
               AND (score_order, subscore_order, time_order, owner_id) > ($3, $4, $5, $6)
             ORDER BY score_order, subscore_order, time_order, owner_id LIMIT $7";
        let (order, owner) = after.unwrap_or(FIRST_PLACE);
        let limit = i64::from(limit);
        let mut params = params![board.0, board.1, order.score, order.subscore];
        params.extend(params![order.time, owner, limit]);
        let decode = |row: &mut Row| {
            let order = RecordOrder {
                score: row.int(0)?,
                subscore: row.int(1)?,
                time: row.int(2)?,
            };
            Ok((order, row.user(3)?))
        };
        self.all(Query::new(sql, params, decode)).await
    }

    /// Records of a period before the given place, in the reverse of their order.
    ///
    /// # Errors
    ///
    /// As [`Store::account_by_id`].
    pub async fn leaderboard_records_before(
        &self,
        board: (&str, UnixMillis),
        (order, owner): (RecordOrder, UserId),
        limit: u32,
    ) -> Result<Vec<LeaderboardRecordRow>, StoreError> {
        let sql = records_where!(
            "leaderboard_id = $1 AND expiry_time = $2
             AND (score_order, subscore_order, time_order, owner_id) < ($3, $4, $5, $6)
             ORDER BY score_order DESC, subscore_order DESC, time_order DESC, owner_id DESC LIMIT $7"
        );
        let limit = i64::from(limit);
        let params = params![
            board.0,
            board.1,
            order.score,
            order.subscore,
            order.time,
            owner,
            limit
        ];
        self.all(Query::new(sql, params, decode)).await
    }

    /// The records of these owners in a period, in the order of the owners; those without one are left out.
    ///
    /// # Errors
    ///
    /// As [`Store::account_by_id`].
    pub async fn leaderboard_records_of(
        &self,
        board: (&str, UnixMillis),
        owners: &[UserId],
    ) -> Result<Vec<LeaderboardRecordRow>, StoreError> {
        let sql = records_where!("leaderboard_id = $1 AND expiry_time = $2 AND owner_id = $3");
        let of = |owner: &UserId| Query::new(sql, params![board.0, board.1, *owner], decode);
        self.each(owners.iter().map(of).collect()).await
    }

    /// How many records of a period there are from the one place, or from the first, up to another, without it.
    /// Looks at each of them.
    ///
    /// # Errors
    ///
    /// As [`Store::account_by_id`].
    pub async fn leaderboard_records_between(
        &self,
        board: (&str, UnixMillis),
        from: Option<(RecordOrder, UserId)>,
        (order, owner): (RecordOrder, UserId),
    ) -> Result<u64, StoreError> {
        let sql =
            "SELECT count(*) FROM leaderboard_record WHERE leaderboard_id = $1 AND expiry_time = $2
             AND (score_order, subscore_order, time_order, owner_id) < ($3, $4, $5, $6)
             AND (score_order, subscore_order, time_order, owner_id) >= ($7, $8, $9, $10)";
        let (from, first) = from.unwrap_or(FIRST_PLACE);
        let mut params = params![
            board.0,
            board.1,
            order.score,
            order.subscore,
            order.time,
            owner
        ];
        params.extend(params![from.score, from.subscore, from.time, first]);
        let count = self.first(Query::new(sql, params, |row| row.count(0)));
        Ok(count.await?.unwrap_or_default())
    }

    /// How many records a period has. Looks at each of them.
    ///
    /// # Errors
    ///
    /// As [`Store::account_by_id`].
    pub async fn leaderboard_records_count(
        &self,
        board: (&str, UnixMillis),
    ) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM leaderboard_record WHERE leaderboard_id = $1 AND expiry_time = $2";
        let count = self.first(Query::new(sql, params![board.0, board.1], |row| {
            row.count(0)
        }));
        Ok(count.await?.unwrap_or_default())
    }

    /// How many records these periods of tournaments have, in their order.
    ///
    /// # Errors
    ///
    /// As [`Store::account_by_id`].
    pub async fn tournament_sizes(
        &self,
        boards: &[(&str, UnixMillis)],
    ) -> Result<Vec<u64>, StoreError> {
        let sql = "SELECT coalesce((SELECT size FROM leaderboard_size
             WHERE leaderboard_id = $1 AND expiry_time = $2), 0)";
        let size = |board: &(&str, UnixMillis)| {
            Query::new(sql, params![board.0, board.1], |row| row.count(0))
        };
        self.each(boards.iter().map(size).collect()).await
    }

    /// Records of an owner on all boards behind the given board and period, in the order of these.
    ///
    /// # Errors
    ///
    /// As [`Store::account_by_id`].
    pub async fn leaderboard_records_of_owner(
        &self,
        owner: UserId,
        after: (&str, UnixMillis),
        limit: u32,
    ) -> Result<Vec<LeaderboardRecordRow>, StoreError> {
        let sql = records_where!(
            "owner_id = $1 AND (leaderboard_id, expiry_time) > ($2, $3)
             ORDER BY leaderboard_id, expiry_time LIMIT $4"
        );
        let params = params![owner, after.0, after.1, i64::from(limit)];
        self.all(Query::new(sql, params, decode)).await
    }
}

fn decode(row: &mut Row) -> Result<LeaderboardRecordRow, RowError> {
    Ok(LeaderboardRecordRow {
        key: LeaderboardRecordKey {
            leaderboard_id: row.text(0)?,
            expiry_time: row.time(1)?,
            owner_id: row.user(2)?,
        },
        username: row.text(3)?,
        order: RecordOrder {
            score: row.int(4)?,
            subscore: row.int(5)?,
            time: row.int(6)?,
        },
        num_score: row.int(7)?,
        max_num_score: row.int(8)?,
        metadata: row.text(9)?,
        create_time: row.time(10)?,
    })
}

/// Before every record: no score is ordered by the least number.
const FIRST_PLACE: (RecordOrder, UserId) = (
    RecordOrder {
        score: i64::MIN,
        subscore: 0,
        time: 0,
    },
    UserId(Uuid::NIL),
);
