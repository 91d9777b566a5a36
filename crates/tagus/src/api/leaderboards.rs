//! Leaderboards.

use tagus_base::{UnixMillis, UserId};
use tagus_players::leaderboards::{
    BoardKind, NewScore, Operator, Record, RecordPage, RecordQuery, Writer,
};
use tagus_wire::{Timestamp, api};

use crate::api::ApiError;
use crate::api::methods::{Scope, handlers};
use crate::gateway::unix_now;
use crate::tagus::Tagus;

handlers! {
    WriteLeaderboardRecord => write_record,
    DeleteLeaderboardRecord => delete_record,
    ListLeaderboardRecords => list_records,
    ListLeaderboardRecordsAroundOwner => list_records_around,
}

async fn write_record(
    scope: Scope,
    request: api::WriteLeaderboardRecordRequest,
) -> Result<api::LeaderboardRecord, ApiError> {
    let id = named(BoardKind::Leaderboard, &request.leaderboard_id)?;
    let record = request.record.ok_or_else(record_required)?;
    let score = NewScore {
        score: record.score,
        subscore: record.subscore,
        metadata: &record.metadata,
        operator: operator_in(record.operator)?,
    };
    write(&scope, (BoardKind::Leaderboard, id), score).await
}

async fn delete_record(
    scope: Scope,
    request: api::DeleteLeaderboardRecordRequest,
) -> Result<(), ApiError> {
    let id = named(BoardKind::Leaderboard, &request.leaderboard_id)?;
    delete(&scope, (BoardKind::Leaderboard, id)).await
}

async fn list_records(
    scope: Scope,
    request: api::ListLeaderboardRecordsRequest,
) -> Result<api::LeaderboardRecordList, ApiError> {
    let id = named(BoardKind::Leaderboard, &request.leaderboard_id)?;
    let owners = owners_in(&request.owner_ids)?;
    let query = RecordQuery {
        owners: &owners,
        limit: request.limit,
        cursor: &request.cursor,
        expiry_secs: request.expiry.unwrap_or_default(),
    };
    let page = list(&scope, (BoardKind::Leaderboard, id), query).await?;
    Ok(list_out(page))
}

async fn list_records_around(
    scope: Scope,
    request: api::ListLeaderboardRecordsAroundOwnerRequest,
) -> Result<api::LeaderboardRecordList, ApiError> {
    let id = named(BoardKind::Leaderboard, &request.leaderboard_id)?;
    let query = RecordQuery {
        limit: request.limit.map(limit_in),
        cursor: &request.cursor,
        expiry_secs: request.expiry.unwrap_or_default(),
        ..RecordQuery::default()
    };
    let board = (BoardKind::Leaderboard, id);
    let page = list_around(&scope, board, &request.owner_id, query).await?;
    Ok(list_out(page))
}

/// Writes the caller's record.
pub(super) async fn write(
    scope: &Scope,
    board: (BoardKind, &str),
    score: NewScore<'_>,
) -> Result<api::LeaderboardRecord, ApiError> {
    let login = scope.login()?;
    let owner = (login.user_id, &*login.username);
    let tagus = Tagus::of(&scope.gateway);
    let record = tagus.record_write(board, owner, score, Writer::Player);
    Ok(record_out(record.await?))
}

/// Deletes the caller's record.
pub(super) async fn delete(scope: &Scope, board: (BoardKind, &str)) -> Result<(), ApiError> {
    let owner = scope.login()?.user_id;
    let tagus = Tagus::of(&scope.gateway);
    tagus.record_delete(board, owner, Writer::Player).await
}

pub(super) async fn list(
    scope: &Scope,
    board: (BoardKind, &str),
    query: RecordQuery<'_>,
) -> Result<RecordPage, ApiError> {
    let leaderboards = &scope.gateway.leaderboards;
    Ok(leaderboards.records(unix_now(), board, query).await?)
}

pub(super) async fn list_around(
    scope: &Scope,
    board: (BoardKind, &str),
    owner: &str,
    query: RecordQuery<'_>,
) -> Result<RecordPage, ApiError> {
    let owner = owner.parse();
    let owner = owner.map_err(|_| ApiError::invalid("Invalid owner ID provided."))?;
    let leaderboards = &scope.gateway.leaderboards;
    let page = leaderboards.records_around(unix_now(), board, owner, query);
    Ok(page.await?)
}

/// A board's name as the path has it.
pub(super) fn named(kind: BoardKind, id: &str) -> Result<&str, ApiError> {
    match (id, kind) {
        ("", BoardKind::Leaderboard) => Err(ApiError::invalid("Invalid leaderboard ID.")),
        ("", BoardKind::Tournament) => Err(ApiError::invalid("Invalid tournament ID.")),
        _ => Ok(id),
    }
}

pub(super) fn record_required() -> ApiError {
    ApiError::invalid("Invalid input, record score value is required.")
}

pub(super) fn owners_in(ids: &[String]) -> Result<Vec<UserId>, ApiError> {
    let owners: Result<_, _> = ids.iter().map(|id| id.parse()).collect();
    owners.map_err(|_| ApiError::invalid("One or more owner IDs are invalid."))
}

/// A limit that is too great for any page stays so.
pub(super) fn limit_in(limit: u32) -> i32 {
    i32::try_from(limit).unwrap_or(i32::MAX)
}

pub(super) fn operator_in(operator: i32) -> Result<Option<Operator>, ApiError> {
    match api::Operator::try_from(operator) {
        Ok(api::Operator::NoOverride) => Ok(None),
        Ok(api::Operator::Best) => Ok(Some(Operator::Best)),
        Ok(api::Operator::Set) => Ok(Some(Operator::Set)),
        Ok(api::Operator::Increment) => Ok(Some(Operator::Increment)),
        Ok(api::Operator::Decrement) => Ok(Some(Operator::Decrement)),
        Err(_) => Err(ApiError::invalid("Invalid operator value.")),
    }
}

fn list_out(page: RecordPage) -> api::LeaderboardRecordList {
    api::LeaderboardRecordList {
        records: page.records.into_iter().map(record_out).collect(),
        owner_records: page.owner_records.into_iter().map(record_out).collect(),
        next_cursor: page.next_cursor,
        prev_cursor: page.prev_cursor,
        rank_count: signed(page.rank_count),
    }
}

pub(crate) fn record_out(record: Record) -> api::LeaderboardRecord {
    let username = record.username;
    api::LeaderboardRecord {
        leaderboard_id: record.leaderboard_id,
        owner_id: record.owner_id.to_string(),
        username: (!username.is_empty()).then_some(username),
        score: record.score,
        subscore: record.subscore,
        num_score: record.num_score,
        max_num_score: record.max_num_score,
        metadata: record.metadata,
        create_time: Some(record.create_time.into()),
        update_time: Some(record.update_time.into()),
        expiry_time: time_out(record.expiry_time),
        rank: signed(record.rank),
    }
}

/// A time that there is.
pub(super) fn time_out(time: UnixMillis) -> Option<Timestamp> {
    (time != UnixMillis(0)).then(|| time.into())
}

pub(super) fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
