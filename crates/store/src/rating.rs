//! Ratings: how well an account plays in a mode.

use bytes::Bytes;
use tagus_base::{UnixMillis, UserId};

use crate::error::{Conflict, StoreError};
use crate::sql::{Query, Row, RowError, Step, params};
use crate::store::Store;

/// The rating of an account in one mode.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RatingRow {
    /// Whose.
    pub user_id: UserId,
    /// In which mode.
    pub mode: String,
    /// The estimate, in millionths.
    pub mu_micros: i64,
    /// Its standard deviation, in millionths.
    pub sigma_micros: i64,
    /// Games counted, at least 1; each change counts one more.
    pub games: u32,
    /// The ids of the newest results that were counted, as the caller packs them.
    pub results: Bytes,
    /// When it was last changed.
    pub update_time: UnixMillis,
}

/// What is written of ratings.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum RatingOp {
    /// Writes ratings that follow from one game; the caller bounds their number and sorts them by account, so that
    /// batches do not block each other.
    /// Conflicts: `Changed` where a rating does not have one game less, or is there already at its first;
    /// `Missing` without the account.
    Put(Vec<RatingRow>),
}

impl RatingOp {
    pub(crate) fn into_steps(self, out: &mut Vec<Step>) {
        let Self::Put(rows) = self;
        out.extend(rows.into_iter().map(put));
    }
}

fn put(row: RatingRow) -> Step {
    let games = i64::from(row.games);
    let step = if games == 1 {
        Step::write(
            "INSERT INTO rating (user_id, mode, mu_micros, sigma_micros, games, results, update_time)
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (user_id, mode) DO NOTHING",
            params![
                row.user_id,
                row.mode,
                row.mu_micros,
                row.sigma_micros,
                games,
                row.results,
                row.update_time,
            ],
        )
    } else {
        Step::write(
            "UPDATE rating SET mu_micros = $1, sigma_micros = $2, games = $3, results = $4, update_time = $5
             WHERE user_id = $6 AND mode = $7 AND games = $8",
            params![
                row.mu_micros,
                row.sigma_micros,
                games,
                row.results,
                row.update_time,
                row.user_id,
                row.mode,
                games - 1,
            ],
        )
    };
    step.or(Conflict::Changed)
}

macro_rules! rating_where {
    ($condition:literal) => {
        concat!(
            "SELECT user_id, mode, mu_micros, sigma_micros, games, results, update_time FROM rating WHERE ",
            $condition
        )
    };
}

impl Store {
    /// The ratings of these accounts in a mode, in the order of the ids; those without one are left out.
    /// The caller bounds how many it asks for.
    ///
    /// # Errors
    ///
    /// As [`Store::account_by_id`].
    pub async fn ratings(&self, mode: &str, ids: &[UserId]) -> Result<Vec<RatingRow>, StoreError> {
        let sql = rating_where!("user_id = $1 AND mode = $2");
        let queries = ids
            .iter()
            .map(|id| Query::new(sql, params![*id, mode], decode));
        self.each(queries.collect()).await
    }

    /// An account's ratings in the modes after the given one, by mode, at most `limit`.
    ///
    /// # Errors
    ///
    /// As [`Store::account_by_id`].
    pub async fn ratings_of(
        &self,
        user_id: UserId,
        after: &str,
        limit: u32,
    ) -> Result<Vec<RatingRow>, StoreError> {
        let sql = rating_where!("user_id = $1 AND mode > $2 ORDER BY mode LIMIT $3");
        let params = params![user_id, after, i64::from(limit)];
        self.all(Query::new(sql, params, decode)).await
    }
}

fn decode(row: &mut Row) -> Result<RatingRow, RowError> {
    Ok(RatingRow {
        user_id: row.user(0)?,
        mode: row.text(1)?,
        mu_micros: row.int(2)?,
        sigma_micros: row.int(3)?,
        games: u32::try_from(row.count(4)?).unwrap_or(u32::MAX),
        results: row.blob(5)?,
        update_time: row.time(6)?,
    })
}
