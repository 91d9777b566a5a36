//! Writing records.

use tagus_base::{UnixMillis, UserId};
use tagus_store::{
    Batch, Conflict, LeaderboardRecordKey, LeaderboardRecordOp, LeaderboardRecordRow, Outcome,
    StoreError,
};

use super::board::Board;
use super::definition::{Leaderboard, METADATA_BYTES_MAX, TournamentRules};
use super::score::{change_of, joined_order};
use super::{BoardKind, Leaderboards, NewScore, Record};
use crate::PlayersError;
use crate::notifications::is_json_object;

/// Who changes a record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Writer {
    /// Its owner.
    Player,
    /// Server code, also on authoritative boards.
    Server,
}

impl Leaderboards {
    /// Writes a score of the current period, and returns the record with its rank.
    ///
    /// The future is to be run to its end: dropped before, the write may still happen, and ranks lag behind it.
    ///
    /// # Errors
    /// No such board; a board that is for server code; scores below 0; metadata that is no JSON object; for tournaments
    /// also a time when it is not active, no place left, no attempt left, and nothing joined where that is required.
    pub async fn write(
        &self,
        now: UnixMillis,
        (kind, id): (BoardKind, &str),
        (owner, username): (UserId, &str),
        new: NewScore<'_>,
        writer: Writer,
    ) -> Result<Record, PlayersError> {
        let board = self.board(kind, id)?;
        permit(&board.definition, writer)?;
        check(&new)?;
        if !board.definition.is_active(now) {
            return Err(PlayersError::InvalidArgument(
                "Tournament is not active and cannot accept new scores.",
            ));
        }
        let (order, change) = change_of(&board.definition, now, &new);
        let metadata = if new.metadata.is_empty() {
            "{}"
        } else {
            new.metadata
        };
        let rules = board.definition.tournament.as_ref();
        let row = LeaderboardRecordRow {
            key: key(&board.definition, now, owner),
            username: username.to_owned(),
            order,
            num_score: 1,
            max_num_score: rules.map_or(0, |rules| rules.attempts_max.into()),
            metadata: metadata.to_owned(),
            create_time: now,
        };
        let write = |existing| LeaderboardRecordOp::Write {
            row: Box::new(row.clone()),
            change,
            metadata: !new.metadata.is_empty(),
            existing,
        };
        let _changing = self.owner_lock(owner).lock().await;
        let written = match rules {
            None => self.commit(write(false)).await,
            Some(rules) => self.write_to_tournament(rules, write(true), &row).await?,
        };
        let written = written.map_err(|source| match source.conflict() {
            Some(Conflict::LimitReached) => PlayersError::InvalidArgument(NO_ATTEMPTS),
            other => gone(kind, other, source),
        })?;
        self.applied(&board, written).await
    }

    /// A tournament counts its records: who has none takes a place first.
    async fn write_to_tournament(
        &self,
        rules: &TournamentRules,
        write: LeaderboardRecordOp,
        row: &LeaderboardRecordRow,
    ) -> Result<Result<Outcome, StoreError>, PlayersError> {
        for _ in 0..ATTEMPTS_MAX {
            let written = self.commit(write.clone()).await;
            if conflict(&written) != Some(Conflict::Missing) {
                return Ok(written);
            }
            if rules.join_required {
                return Err(PlayersError::InvalidArgument(
                    "Must join tournament before attempting to write value.",
                ));
            }
            let joined = self.commit(join(row.clone(), rules)).await;
            match conflict(&joined) {
                Some(Conflict::LimitReached) => {
                    return Err(PlayersError::InvalidArgument(
                        "Tournament has reached max size.",
                    ));
                }
                // Written from elsewhere in between.
                Some(Conflict::Changed) => {}
                _ => return Ok(joined),
            }
        }
        Err(PlayersError::Aborted(
            "The record changed at the same time, try again.",
        ))
    }

    /// Joins a tournament's current period. Who is in it already stays in it; where joining is not required, nothing
    /// happens.
    ///
    /// # Errors
    /// No such tournament, not active, no place left.
    pub async fn join(
        &self,
        now: UnixMillis,
        id: &str,
        (owner, username): (UserId, &str),
    ) -> Result<(), PlayersError> {
        let board = self.board(BoardKind::Tournament, id)?;
        let Some(rules) = &board.definition.tournament else {
            return Ok(());
        };
        if !board.definition.is_active(now) {
            return Err(PlayersError::InvalidArgument(
                "Tournament is not active and cannot accept new joins.",
            ));
        }
        if !rules.join_required {
            return Ok(());
        }
        let row = LeaderboardRecordRow {
            key: key(&board.definition, now, owner),
            username: username.to_owned(),
            order: joined_order(&board.definition, now),
            num_score: 0,
            max_num_score: rules.attempts_max.into(),
            metadata: "{}".to_owned(),
            create_time: now,
        };
        let _changing = self.owner_lock(owner).lock().await;
        let joined = self.commit(join(row, rules)).await;
        match conflict(&joined) {
            Some(Conflict::Changed) => Ok(()),
            Some(Conflict::LimitReached) => Err(PlayersError::InvalidArgument(
                "Tournament cannot be joined as it has reached its max size.",
            )),
            other => {
                let joined = joined.map_err(|source| gone(BoardKind::Tournament, other, source));
                self.applied(&board, joined?).await.map(drop)
            }
        }
    }

    /// Gives an owner more attempts in a tournament's current period; where attempts are not limited nothing happens.
    ///
    /// # Errors
    /// No such tournament; the owner has no record in it.
    pub async fn add_attempts(
        &self,
        now: UnixMillis,
        id: &str,
        owner: UserId,
        count: i32,
    ) -> Result<(), PlayersError> {
        let board = self.board(BoardKind::Tournament, id)?;
        let key = key(&board.definition, now, owner);
        let count = count.into();
        let added = self.commit(LeaderboardRecordOp::AddAttempts { key, count });
        match added.await {
            Ok(_) => Ok(()),
            Err(source) if source.conflict() == Some(Conflict::Missing) => {
                Err(PlayersError::NotFound("Tournament record not found."))
            }
            Err(source) => Err(failed(source)),
        }
    }

    /// Deletes an owner's record of the current period. Deleting one that is gone is fine.
    ///
    /// # Errors
    /// No such board; a board that is for server code.
    pub async fn delete_record(
        &self,
        now: UnixMillis,
        (kind, id): (BoardKind, &str),
        owner: UserId,
        writer: Writer,
    ) -> Result<(), PlayersError> {
        let board = self.board(kind, id)?;
        permit(&board.definition, writer)?;
        let key = key(&board.definition, now, owner);
        let expiry = key.expiry_time;
        let _changing = self.owner_lock(owner).lock().await;
        match self.commit(LeaderboardRecordOp::Delete { key }).await {
            Err(source) if source.conflict() != Some(Conflict::Missing) => Err(failed(source)),
            _ => {
                board.apply(expiry, owner, None);
                Ok(())
            }
        }
    }

    async fn commit(&self, op: LeaderboardRecordOp) -> Result<Outcome, StoreError> {
        self.inner.store.commit(Batch::from(op)).await
    }

    /// Tells memory what was written.
    async fn applied(&self, board: &Board, outcome: Outcome) -> Result<Record, PlayersError> {
        let rows = outcome.leaderboard_records().map_err(failed)?;
        let row = rows.into_iter().next();
        let row = row.ok_or(PlayersError::Aborted("The record is gone, try again."))?;
        let key = &row.key;
        board.apply(key.expiry_time, key.owner_id, Some(row.order));
        let period = (board, key.expiry_time);
        let rank = self.ranks_of(period, std::slice::from_ref(&row)).await?;
        Ok(Record::new(row, rank.first().copied().unwrap_or_default()))
    }
}

fn permit(board: &Leaderboard, writer: Writer) -> Result<(), PlayersError> {
    if writer == Writer::Server || !board.authoritative {
        return Ok(());
    }
    Err(PlayersError::PermissionDenied(match board.kind() {
        BoardKind::Leaderboard => "Leaderboard only allows authoritative score submissions.",
        BoardKind::Tournament => "Tournament only allows authoritative score submissions.",
    }))
}

fn check(new: &NewScore<'_>) -> Result<(), PlayersError> {
    let refuse = |text| Err(PlayersError::InvalidArgument(text));
    if new.score < 0 {
        return refuse("Score value must be greater than or equal to 0.");
    }
    if new.subscore < 0 {
        return refuse("Subscore value must be greater than or equal to 0.");
    }
    if new.metadata.len() > METADATA_BYTES_MAX {
        return refuse("Metadata value must be at most 16384 bytes.");
    }
    if !new.metadata.is_empty() && !is_json_object(new.metadata) {
        return refuse("Metadata value must be JSON, if provided.");
    }
    Ok(())
}

fn key(board: &Leaderboard, now: UnixMillis, owner_id: UserId) -> LeaderboardRecordKey {
    LeaderboardRecordKey {
        leaderboard_id: board.id.clone(),
        expiry_time: board.period(now).expiry,
        owner_id,
    }
}

fn join(row: LeaderboardRecordRow, rules: &TournamentRules) -> LeaderboardRecordOp {
    LeaderboardRecordOp::Join {
        row: Box::new(row),
        size_max: rules.size_max.into(),
    }
}

fn conflict(result: &Result<Outcome, StoreError>) -> Option<Conflict> {
    result.as_ref().err().and_then(StoreError::conflict)
}

/// Where the board, or the owner's account, was deleted while the record was written.
fn gone(kind: BoardKind, conflict: Option<Conflict>, source: StoreError) -> PlayersError {
    match conflict {
        Some(_) => kind.not_found(),
        None => failed(source),
    }
}

fn failed(source: StoreError) -> PlayersError {
    PlayersError::Store {
        attempt: "write leaderboard record",
        source,
    }
}

/// Times that a write decides anew because the record appeared or vanished meanwhile; then the caller is told to try again.
const ATTEMPTS_MAX: usize = 4;
const NO_ATTEMPTS: &str = "Reached allowed max number of score attempts.";
