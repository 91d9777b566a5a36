//! Tournaments.

use tagus_base::UnixMillis;
use tagus_players::leaderboards::{
    BoardKind, NewScore, Operator, RecordPage, RecordQuery, Tournament, TournamentFilter,
};
use tagus_players::ranks::Direction;
use tagus_wire::api;

use crate::api::ApiError;
use crate::api::leaderboards::{
    delete, limit_in, list, list_around, named, operator_in, owners_in, record_out,
    record_required, signed, time_out, write,
};
use crate::api::methods::{Scope, handlers};
use crate::gateway::unix_now;
use crate::tagus::Tagus;

handlers! {
    JoinTournament => join,
    ListTournaments => list_tournaments,
    WriteTournamentRecord => write_record,
    DeleteTournamentRecord => delete_record,
    ListTournamentRecords => list_records,
    ListTournamentRecordsAroundOwner => list_records_around,
}

async fn join(scope: Scope, request: api::JoinTournamentRequest) -> Result<(), ApiError> {
    let id = named(BoardKind::Tournament, &request.tournament_id)?;
    let login = scope.login()?;
    let tagus = Tagus::of(&scope.gateway);
    tagus
        .tournament_join(id, login.user_id, &login.username)
        .await
}

async fn list_tournaments(
    scope: Scope,
    request: api::ListTournamentsRequest,
) -> Result<api::TournamentList, ApiError> {
    let time = |secs: u32| UnixMillis(0).plus_secs(secs.into());
    let filter = TournamentFilter {
        category_start: request.category_start,
        category_end: request.category_end,
        start_time: request.start_time.map(time),
        end_time: request.end_time.map(time),
    };
    let limit = request.limit.unwrap_or(1);
    let leaderboards = &scope.gateway.leaderboards;
    let page = leaderboards
        .tournaments(unix_now(), filter, limit, &request.cursor)
        .await?;
    Ok(api::TournamentList {
        tournaments: page.tournaments.into_iter().map(tournament_out).collect(),
        cursor: page.cursor,
    })
}

async fn write_record(
    scope: Scope,
    request: api::WriteTournamentRecordRequest,
) -> Result<api::LeaderboardRecord, ApiError> {
    let id = named(BoardKind::Tournament, &request.tournament_id)?;
    let record = request.record.ok_or_else(record_required)?;
    let score = NewScore {
        score: record.score,
        subscore: record.subscore,
        metadata: &record.metadata,
        operator: operator_in(record.operator)?,
    };
    write(&scope, (BoardKind::Tournament, id), score).await
}

async fn delete_record(
    scope: Scope,
    request: api::DeleteTournamentRecordRequest,
) -> Result<(), ApiError> {
    let id = named(BoardKind::Tournament, &request.tournament_id)?;
    delete(&scope, (BoardKind::Tournament, id)).await
}

async fn list_records(
    scope: Scope,
    request: api::ListTournamentRecordsRequest,
) -> Result<api::TournamentRecordList, ApiError> {
    let id = named(BoardKind::Tournament, &request.tournament_id)?;
    let owners = owners_in(&request.owner_ids)?;
    let query = RecordQuery {
        owners: &owners,
        limit: request.limit,
        cursor: &request.cursor,
        expiry_secs: request.expiry.unwrap_or_default(),
    };
    let page = list(&scope, (BoardKind::Tournament, id), query).await?;
    Ok(list_out(page))
}

async fn list_records_around(
    scope: Scope,
    request: api::ListTournamentRecordsAroundOwnerRequest,
) -> Result<api::TournamentRecordList, ApiError> {
    let id = named(BoardKind::Tournament, &request.tournament_id)?;
    let query = RecordQuery {
        limit: request.limit.map(limit_in),
        cursor: &request.cursor,
        expiry_secs: request.expiry.unwrap_or_default(),
        ..RecordQuery::default()
    };
    let board = (BoardKind::Tournament, id);
    let page = list_around(&scope, board, &request.owner_id, query).await?;
    Ok(list_out(page))
}

fn list_out(page: RecordPage) -> api::TournamentRecordList {
    api::TournamentRecordList {
        records: page.records.into_iter().map(record_out).collect(),
        owner_records: page.owner_records.into_iter().map(record_out).collect(),
        next_cursor: page.next_cursor,
        prev_cursor: page.prev_cursor,
        rank_count: signed(page.rank_count),
    }
}

fn tournament_out(tournament: Tournament) -> api::Tournament {
    let Tournament {
        board,
        period,
        size,
        can_enter,
    } = tournament;
    let rules = board.tournament.unwrap_or_default();
    let operator = match board.operator {
        Operator::Best => api::Operator::Best,
        Operator::Set => api::Operator::Set,
        Operator::Increment => api::Operator::Increment,
        Operator::Decrement => api::Operator::Decrement,
    };
    api::Tournament {
        id: board.id,
        title: rules.title,
        description: rules.description,
        category: rules.category,
        sort_order: u32::from(board.sort == Direction::Descending),
        size: u32::try_from(size).unwrap_or(u32::MAX),
        max_size: rules.size_max,
        max_num_score: rules.attempts_max,
        can_enter,
        end_active: secs_out(period.end),
        next_reset: secs_out(period.reset_after),
        metadata: board.metadata,
        create_time: Some(board.create_time.into()),
        start_time: Some(rules.start_time.into()),
        end_time: time_out(rules.end_time),
        duration: rules.duration_secs,
        start_active: secs_out(period.start),
        prev_reset: secs_out(period.reset_before),
        operator: operator.into(),
        authoritative: board.authoritative,
        join_required: rules.join_required,
    }
}

/// Seconds since 1970 as far as they fit, until 2106.
fn secs_out(time: UnixMillis) -> u32 {
    u32::try_from(time.as_secs()).unwrap_or(u32::MAX)
}
