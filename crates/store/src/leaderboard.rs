//! Definitions of leaderboards and tournaments.

use tagus_base::UnixMillis;

use crate::error::{Conflict, StoreError};
use crate::sql::{Query, Row, RowError, Step, params};
use crate::store::Store;

/// A leaderboard or a tournament. What the numbers mean is known above.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LeaderboardRow {
    /// Its name.
    pub id: String,
    /// Only server code writes its records.
    pub authoritative: bool,
    /// Which scores come first.
    pub sort_order: i64,
    /// Which subscores come first.
    pub subscore_order: i64,
    /// Who comes first among equals.
    pub tie_order: i64,
    /// What a write does to a record that is there.
    pub operator: i64,
    /// When its periods end, or empty.
    pub reset_schedule: String,
    /// Whether its records have ranks.
    pub ranks: bool,
    /// A JSON object as text.
    pub metadata: String,
    /// When it was made.
    pub create_time: UnixMillis,
    /// Up to when resets have been told.
    pub reset_mark: UnixMillis,
    /// Up to when ends have been told.
    pub end_mark: UnixMillis,
    /// What a tournament has beside that.
    pub tournament: Option<TournamentColumns>,
}

/// What only tournaments have.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TournamentColumns {
    /// A title.
    pub title: String,
    /// A description.
    pub description: String,
    /// A small number.
    pub category: i64,
    /// When it begins.
    pub start_time: UnixMillis,
    /// When it is over; 0 means never.
    pub end_time: UnixMillis,
    /// How long each of its periods is active, in seconds.
    pub duration_secs: i64,
    /// Who did not join may not write.
    pub join_required: bool,
    /// Records in one period at most; 0 means any number.
    pub size_max: i64,
    /// Writes of an owner in one period at most; 0 means any number.
    pub attempts_max: i64,
}

/// What is written of definitions.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum LeaderboardOp {
    /// Adds a definition.
    /// Conflicts: `Changed` where one of its name is there.
    Insert(Box<LeaderboardRow>),
    /// Notes up to when resets and ends have been told; a mark never goes back.
    /// Conflicts: `Missing`.
    Mark {
        /// Whose.
        id: String,
        /// Resets up to then.
        reset: UnixMillis,
        /// Ends up to then.
        end: UnixMillis,
    },
    /// Deletes a definition with all its records.
    /// Conflicts: `Missing`.
    Delete {
        /// Which.
        id: String,
    },
}

impl LeaderboardOp {
    pub(crate) fn into_steps(self, out: &mut Vec<Step>) {
        out.push(match self {
            Self::Insert(row) => insert(*row),
            Self::Mark { id, reset, end } => Step::write(
                "UPDATE leaderboard SET
                    reset_mark = CASE WHEN reset_mark < $1 THEN $1 ELSE reset_mark END,
                    end_mark = CASE WHEN end_mark < $2 THEN $2 ELSE end_mark END
                 WHERE id = $3",
                params![reset, end, id],
            )
            .or(Conflict::Missing),
            Self::Delete { id } => {
                Step::write("DELETE FROM leaderboard WHERE id = $1", params![id])
                    .or(Conflict::Missing)
            }
        });
    }
}

fn insert(row: LeaderboardRow) -> Step {
    let is_tournament = row.tournament.is_some();
    let own = row.tournament.unwrap_or_else(|| TournamentColumns {
        title: String::new(),
        description: String::new(),
        category: 0,
        start_time: UnixMillis(0),
        end_time: UnixMillis(0),
        duration_secs: 0,
        join_required: false,
        size_max: 0,
        attempts_max: 0,
    });
    let number = i64::from;
    Step::write(
        "INSERT INTO leaderboard (id, authoritative, sort_order, subscore_order, tie_order, operator,
            reset_schedule, ranks, metadata, create_time, reset_mark, end_mark, tournament, title, description,
            category, start_time, end_time, duration_secs, join_required, size_max, attempts_max)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)
         ON CONFLICT (id) DO NOTHING",
        params![
            row.id,
            number(row.authoritative),
            row.sort_order,
            row.subscore_order,
            row.tie_order,
            row.operator,
            row.reset_schedule,
            number(row.ranks),
            row.metadata,
            row.create_time,
            row.reset_mark,
            row.end_mark,
            number(is_tournament),
            own.title,
            own.description,
            own.category,
            own.start_time,
            own.end_time,
            own.duration_secs,
            number(own.join_required),
            own.size_max,
            own.attempts_max,
        ],
    )
    .or(Conflict::Changed)
}

macro_rules! leaderboard_where {
    ($condition:literal) => {
        concat!(
            "SELECT id, authoritative, sort_order, subscore_order, tie_order, operator, reset_schedule, ranks, ",
            "metadata, create_time, reset_mark, end_mark, tournament, title, description, category, start_time, ",
            "end_time, duration_secs, join_required, size_max, attempts_max FROM leaderboard ",
            $condition
        )
    };
}

impl Store {
    /// The definition of this name.
    ///
    /// # Errors
    ///
    /// As [`Store::account_by_id`].
    pub async fn leaderboard(&self, id: &str) -> Result<Option<LeaderboardRow>, StoreError> {
        let sql = leaderboard_where!("WHERE id = $1");
        self.first(Query::new(sql, params![id], decode)).await
    }

    /// Definitions after the given name, in the order of their names.
    ///
    /// # Errors
    ///
    /// As [`Store::account_by_id`].
    pub async fn leaderboards(
        &self,
        after: &str,
        limit: u32,
    ) -> Result<Vec<LeaderboardRow>, StoreError> {
        let sql = leaderboard_where!("WHERE id > $1 ORDER BY id LIMIT $2");
        let params = params![after, i64::from(limit)];
        self.all(Query::new(sql, params, decode)).await
    }
}

fn decode(row: &mut Row) -> Result<LeaderboardRow, RowError> {
    let tournament = if row.bool(12)? {
        Some(TournamentColumns {
            title: row.text(13)?,
            description: row.text(14)?,
            category: row.int(15)?,
            start_time: row.time(16)?,
            end_time: row.time(17)?,
            duration_secs: row.int(18)?,
            join_required: row.bool(19)?,
            size_max: row.int(20)?,
            attempts_max: row.int(21)?,
        })
    } else {
        None
    };
    Ok(LeaderboardRow {
        id: row.text(0)?,
        authoritative: row.bool(1)?,
        sort_order: row.int(2)?,
        subscore_order: row.int(3)?,
        tie_order: row.int(4)?,
        operator: row.int(5)?,
        reset_schedule: row.text(6)?,
        ranks: row.bool(7)?,
        metadata: row.text(8)?,
        create_time: row.time(9)?,
        reset_mark: row.time(10)?,
        end_mark: row.time(11)?,
        tournament,
    })
}
