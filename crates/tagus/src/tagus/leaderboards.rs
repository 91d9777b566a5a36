//! Leaderboards and tournaments, for server code.

use tagus_base::UserId;
use tagus_players::leaderboards::{
    BoardKind, Leaderboard, LeaderboardPage, NewScore, Operator, Record, RecordPage, RecordQuery,
    Tournament, TournamentFilter, TournamentPage, Writer,
};

use super::Tagus;
use crate::api::ApiError;
use crate::boards::run_to_end;
use crate::gateway::unix_now;

impl Tagus {
    /// Makes a leaderboard. One of this name that is there stays as it is and is returned.
    ///
    /// # Errors
    /// INVALID_ARGUMENT where something is out of its range; ALREADY_EXISTS where a tournament has the name.
    pub async fn leaderboard_create(&self, board: Leaderboard) -> Result<Leaderboard, ApiError> {
        if board.kind() != BoardKind::Leaderboard {
            return Err(ApiError::invalid(
                "A leaderboard has no tournament's rules.",
            ));
        }
        let leaderboards = &self.gateway.leaderboards;
        Ok(leaderboards.create(unix_now(), board).await?)
    }

    /// Deletes a leaderboard with all its records; one that is gone is fine.
    ///
    /// # Errors
    /// NOT_FOUND where it is a tournament.
    pub async fn leaderboard_delete(&self, id: &str) -> Result<(), ApiError> {
        let leaderboards = &self.gateway.leaderboards;
        Ok(leaderboards.delete(BoardKind::Leaderboard, id).await?)
    }

    /// A leaderboard, if there is one of this name.
    #[must_use]
    pub fn leaderboard(&self, id: &str) -> Option<Leaderboard> {
        self.gateway.leaderboards.get(BoardKind::Leaderboard, id)
    }

    /// Leaderboards by name, behind the cursor.
    ///
    /// # Errors
    /// A limit that is not in 1..=1000, a cursor that is none.
    pub fn leaderboards(&self, limit: i32, cursor: &str) -> Result<LeaderboardPage, ApiError> {
        Ok(self.gateway.leaderboards.list(limit, cursor)?)
    }

    /// Writes a score, also on a board that is for server code. An empty user name keeps the one that is there.
    ///
    /// # Errors
    /// NOT_FOUND without the board; scores below 0; metadata that is no JSON object.
    pub async fn leaderboard_record_write(
        &self,
        id: &str,
        owner: UserId,
        username: &str,
        score: NewScore<'_>,
    ) -> Result<Record, ApiError> {
        self.record_write(
            (BoardKind::Leaderboard, id),
            (owner, username),
            score,
            Writer::Server,
        )
        .await
    }

    /// Deletes an owner's record of the current period; one that is gone is fine.
    ///
    /// # Errors
    /// NOT_FOUND without the board.
    pub async fn leaderboard_record_delete(&self, id: &str, owner: UserId) -> Result<(), ApiError> {
        self.record_delete((BoardKind::Leaderboard, id), owner, Writer::Server)
            .await
    }

    /// Records, best first, and those of some owners.
    ///
    /// # Errors
    /// NOT_FOUND without the board; a limit that is not in 1..=1000; a cursor of another list.
    pub async fn leaderboard_records(
        &self,
        id: &str,
        query: RecordQuery<'_>,
    ) -> Result<RecordPage, ApiError> {
        let board = (BoardKind::Leaderboard, id);
        Ok(self
            .gateway
            .leaderboards
            .records(unix_now(), board, query)
            .await?)
    }

    /// Records around an owner's.
    ///
    /// # Errors
    /// As [`Self::leaderboard_records`]; the limit is 1..=100.
    pub async fn leaderboard_records_around(
        &self,
        id: &str,
        owner: UserId,
        query: RecordQuery<'_>,
    ) -> Result<RecordPage, ApiError> {
        let board = (BoardKind::Leaderboard, id);
        let around = self
            .gateway
            .leaderboards
            .records_around(unix_now(), board, owner, query);
        Ok(around.await?)
    }

    /// Makes a tournament: a board with [`tagus_players::leaderboards::TournamentRules`].
    /// One of this name that is there stays as it is and is returned.
    ///
    /// # Errors
    /// INVALID_ARGUMENT where something is out of its range; ALREADY_EXISTS where a leaderboard has the name.
    pub async fn tournament_create(&self, board: Leaderboard) -> Result<Leaderboard, ApiError> {
        if board.kind() != BoardKind::Tournament {
            return Err(ApiError::invalid("A tournament has rules."));
        }
        let leaderboards = &self.gateway.leaderboards;
        Ok(leaderboards.create(unix_now(), board).await?)
    }

    /// Deletes a tournament with all its records; one that is gone is fine.
    ///
    /// # Errors
    /// NOT_FOUND where it is a leaderboard.
    pub async fn tournament_delete(&self, id: &str) -> Result<(), ApiError> {
        let leaderboards = &self.gateway.leaderboards;
        Ok(leaderboards.delete(BoardKind::Tournament, id).await?)
    }

    /// The tournaments of these names, in their order; unknown ones are left out.
    ///
    /// # Errors
    /// The database failed.
    pub async fn tournaments_by_ids(&self, ids: &[&str]) -> Result<Vec<Tournament>, ApiError> {
        Ok(self
            .gateway
            .leaderboards
            .tournaments_by_ids(unix_now(), ids)
            .await?)
    }

    /// Tournaments by name, behind the cursor.
    ///
    /// # Errors
    /// A limit that is not in 1..=100, categories or times in the wrong order, a cursor that is none.
    pub async fn tournaments(
        &self,
        filter: TournamentFilter,
        limit: i32,
        cursor: &str,
    ) -> Result<TournamentPage, ApiError> {
        let leaderboards = &self.gateway.leaderboards;
        Ok(leaderboards
            .tournaments(unix_now(), filter, limit, cursor)
            .await?)
    }

    /// Joins an owner to a tournament's current period; who is in it already stays in it.
    ///
    /// # Errors
    /// NOT_FOUND without the tournament; INVALID_ARGUMENT where it is full or not active.
    pub async fn tournament_join(
        &self,
        id: &str,
        owner: UserId,
        username: &str,
    ) -> Result<(), ApiError> {
        let (gateway, id, username) = (self.gateway.clone(), id.to_owned(), username.to_owned());
        run_to_end(async move {
            let leaderboards = &gateway.leaderboards;
            Ok(leaderboards
                .join(unix_now(), &id, (owner, &username))
                .await?)
        })
        .await
    }

    /// Gives an owner more attempts in a tournament's current period, or takes some away, down to one.
    ///
    /// # Errors
    /// NOT_FOUND without the tournament or the owner's record.
    pub async fn tournament_add_attempts(
        &self,
        id: &str,
        owner: UserId,
        count: i32,
    ) -> Result<(), ApiError> {
        let leaderboards = &self.gateway.leaderboards;
        Ok(leaderboards
            .add_attempts(unix_now(), id, owner, count)
            .await?)
    }

    /// Writes a score to a tournament, also to one that is for server code.
    ///
    /// # Errors
    /// As [`Self::leaderboard_record_write`]; INVALID_ARGUMENT where the tournament is not active or full, where the
    /// owner has no attempt left, or did not join though that is required.
    pub async fn tournament_record_write(
        &self,
        id: &str,
        owner: UserId,
        username: &str,
        score: NewScore<'_>,
    ) -> Result<Record, ApiError> {
        self.record_write(
            (BoardKind::Tournament, id),
            (owner, username),
            score,
            Writer::Server,
        )
        .await
    }

    /// Deletes an owner's record of a tournament's current period; one that is gone is fine.
    ///
    /// # Errors
    /// NOT_FOUND without the tournament.
    pub async fn tournament_record_delete(&self, id: &str, owner: UserId) -> Result<(), ApiError> {
        self.record_delete((BoardKind::Tournament, id), owner, Writer::Server)
            .await
    }

    /// Records of a tournament, best first, and those of some owners.
    ///
    /// # Errors
    /// As [`Self::leaderboard_records`].
    pub async fn tournament_records(
        &self,
        id: &str,
        query: RecordQuery<'_>,
    ) -> Result<RecordPage, ApiError> {
        let board = (BoardKind::Tournament, id);
        Ok(self
            .gateway
            .leaderboards
            .records(unix_now(), board, query)
            .await?)
    }

    /// Records of a tournament around an owner's.
    ///
    /// # Errors
    /// As [`Self::leaderboard_records_around`].
    pub async fn tournament_records_around(
        &self,
        id: &str,
        owner: UserId,
        query: RecordQuery<'_>,
    ) -> Result<RecordPage, ApiError> {
        let board = (BoardKind::Tournament, id);
        let around = self
            .gateway
            .leaderboards
            .records_around(unix_now(), board, owner, query);
        Ok(around.await?)
    }

    /// Writes a score, and has it heard by memory even where the caller goes away.
    pub(crate) async fn record_write(
        &self,
        (kind, id): (BoardKind, &str),
        (owner, username): (UserId, &str),
        score: NewScore<'_>,
        writer: Writer,
    ) -> Result<Record, ApiError> {
        let (gateway, id, username) = (self.gateway.clone(), id.to_owned(), username.to_owned());
        let metadata = score.metadata.to_owned();
        let (value, subvalue, operator): (i64, i64, Option<Operator>) =
            (score.score, score.subscore, score.operator);
        run_to_end(async move {
            let score = NewScore {
                score: value,
                subscore: subvalue,
                metadata: &metadata,
                operator,
            };
            let owner = (owner, username.as_str());
            let leaderboards = &gateway.leaderboards;
            Ok(leaderboards
                .write(unix_now(), (kind, &id), owner, score, writer)
                .await?)
        })
        .await
    }

    /// Deletes a record, and has it heard by memory even where the caller goes away.
    pub(crate) async fn record_delete(
        &self,
        (kind, id): (BoardKind, &str),
        owner: UserId,
        writer: Writer,
    ) -> Result<(), ApiError> {
        let (gateway, id) = (self.gateway.clone(), id.to_owned());
        run_to_end(async move {
            let leaderboards = &gateway.leaderboards;
            Ok(leaderboards
                .delete_record(unix_now(), (kind, &id), owner, writer)
                .await?)
        })
        .await
    }
}
