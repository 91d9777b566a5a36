//! Who is whose friend: edges from one account to another.

use tagus_base::{UnixMillis, UserId};

use crate::error::{Conflict, StoreError};
use crate::sql::{Query, Row, RowError, Step, params};
use crate::store::Store;

/// How `source` stands to `destination`. What the states mean, and that edges come in pairs, is known above.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FriendRow {
    /// Whose list it is in.
    pub source: UserId,
    /// Who is in it.
    pub destination: UserId,
    /// A small number.
    pub state: i64,
    /// A JSON object as text.
    pub metadata: String,
    /// When it got this state.
    pub update_time: UnixMillis,
}

/// What is written of friends. Each operation names the state that it takes for granted.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum FriendOp {
    /// Adds an edge.
    /// Conflicts: `Changed` where there is one, `Missing` without one of the accounts.
    Insert(Box<FriendRow>),
    /// Gives an edge another state.
    /// Conflicts: `Changed` where it is not in the state `from`.
    Move {
        /// The edge as it shall be.
        row: Box<FriendRow>,
        /// Its state until now.
        from: i64,
    },
    /// Removes an edge.
    /// Conflicts: `Changed` where it is not in the state `from`.
    Delete {
        /// Whose list.
        source: UserId,
        /// Who is in it.
        destination: UserId,
        /// Its state until now.
        from: i64,
    },
}

impl FriendOp {
    pub(crate) fn into_steps(self, out: &mut Vec<Step>) {
        out.push(match self {
            Self::Insert(row) => Step::write(
                "INSERT INTO friend (source, destination, state, metadata, update_time)
                 VALUES ($1, $2, $3, $4, $5)",
                params![
                    row.source,
                    row.destination,
                    row.state,
                    row.metadata,
                    row.update_time
                ],
            ),
            Self::Move { row, from } => Step::write(
                "UPDATE friend SET state = $1, metadata = $2, update_time = $3
                 WHERE source = $4 AND destination = $5 AND state = $6",
                params![
                    row.state,
                    row.metadata,
                    row.update_time,
                    row.source,
                    row.destination,
                    from
                ],
            )
            .or(Conflict::Changed),
            Self::Delete {
                source,
                destination,
                from,
            } => Step::write(
                "DELETE FROM friend WHERE source = $1 AND destination = $2 AND state = $3",
                params![source, destination, from],
            )
            .or(Conflict::Changed),
        });
    }
}

impl Store {
    /// The edges between two accounts: the first one's, then the second one's.
    ///
    /// # Errors
    ///
    /// As [`Store::account_by_id`].
    pub async fn friend_edges(
        &self,
        one: UserId,
        other: UserId,
    ) -> Result<[Option<FriendRow>; 2], StoreError> {
        // One statement, so that both edges are as they were at one moment.
        let sql = "SELECT source, destination, state, metadata, update_time FROM friend
             WHERE (source = $1 AND destination = $2) OR (source = $2 AND destination = $1)";
        let found = self.all(Query::new(sql, params![one, other], decode));
        let mut edges = [None, None];
        for edge in found.await? {
            let place = usize::from(edge.source == other);
            edges[place] = Some(edge);
        }
        Ok(edges)
    }

    /// The edges of an account after the given place, by state, then time, then destination; of one state if it is named.
    ///
    /// # Errors
    ///
    /// As [`Store::account_by_id`].
    pub async fn friends(
        &self,
        source: UserId,
        state: Option<i64>,
        after: (i64, UnixMillis, UserId),
        limit: u32,
    ) -> Result<Vec<FriendRow>, StoreError> {
        let sql = "SELECT source, destination, state, metadata, update_time FROM friend
             WHERE source = $1 AND state BETWEEN $2 AND $3
               AND (state, update_time, destination) > ($4, $5, $6)
             ORDER BY state, update_time, destination LIMIT $7";
        let (least, most) = state.map_or((i64::MIN, i64::MAX), |state| (state, state));
        let limit = i64::from(limit);
        let params = params![source, least, most, after.0, after.1, after.2, limit];
        self.all(Query::new(sql, params, decode)).await
    }

    /// Friends of an account's friends who are none of its own, each once, with the friend who knows them (the least id),
    /// in order of their ids, after the given one. `friend` is the number of the state of friends.
    ///
    /// # Errors
    ///
    /// As [`Store::account_by_id`].
    pub async fn friends_of_friends(
        &self,
        source: UserId,
        friend: i64,
        after: UserId,
        limit: u32,
    ) -> Result<Vec<(UserId, UserId)>, StoreError> {
        let sql = "SELECT destination, source FROM (
             SELECT far.destination, far.source,
               row_number() OVER (PARTITION BY far.destination ORDER BY far.source) AS place
             FROM friend near
             JOIN friend far ON far.source = near.destination AND far.state = near.state
             WHERE near.source = $1 AND near.state = $2 AND far.destination > $3 AND far.destination <> near.source
               AND NOT EXISTS (SELECT 1 FROM friend own WHERE own.source = $1 AND own.destination = far.destination)
               AND NOT EXISTS (SELECT 1 FROM friend back WHERE back.source = far.destination AND back.destination = $1)
             ) AS far WHERE place = 1 ORDER BY destination LIMIT $4";
        let params = params![source, friend, after, i64::from(limit)];
        let decode = |row: &mut Row| Ok((row.user(0)?, row.user(1)?));
        self.all(Query::new(sql, params, decode)).await
    }

    /// Numbers of edges of these accounts, in the order of the ids.
    ///
    /// # Errors
    ///
    /// As [`Store::account_by_id`].
    pub async fn friend_counts(&self, sources: &[UserId]) -> Result<Vec<u64>, StoreError> {
        let count = |source: &UserId| {
            let sql = "SELECT count(*) FROM friend WHERE source = $1";
            Query::new(sql, params![*source], |row| row.count(0))
        };
        self.each(sources.iter().map(count).collect()).await
    }
}

fn decode(row: &mut Row) -> Result<FriendRow, RowError> {
    Ok(FriendRow {
        source: row.user(0)?,
        destination: row.user(1)?,
        state: row.int(2)?,
        metadata: row.text(3)?,
        update_time: row.time(4)?,
    })
}
