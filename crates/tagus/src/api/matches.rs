//! Listings of matches.

use tagus_players::PlayersError;
use tagus_players::query::Query;
use tagus_wire::api;

use crate::api::ApiError;
use crate::api::methods::{Scope, handlers};
use crate::directory::{RoomFilter, RoomListing};

handlers! {
    ListMatches => list_matches,
}

async fn list_matches(
    scope: Scope,
    request: api::ListMatchesRequest,
) -> Result<api::MatchList, ApiError> {
    scope.login()?;
    let limit = request.limit.unwrap_or(1);
    if !(1..=100).contains(&limit) {
        return Err(ApiError::invalid(
            "Invalid limit - limit must be between 1 and 100.",
        ));
    }
    let size = |value: Option<i32>, what| match value.map(u32::try_from).transpose() {
        Ok(size) => Ok(size),
        Err(_) => Err(ApiError::invalid(format!(
            "Invalid {what} size - must be >= 0."
        ))),
    };
    // These two hold for every match, relayed ones too.
    let query = request
        .query
        .filter(|query| !["", "*"].contains(&query.as_str()));
    let query = query.map(|query| Query::parse(&query)).transpose();
    let filter = RoomFilter {
        limit: limit.unsigned_abs() as usize,
        authoritative: request.authoritative,
        label: request.label,
        size_min: size(request.min_size, "minimum")?,
        size_max: size(request.max_size, "maximum")?,
        private: false,
        query: query.map_err(PlayersError::from)?,
    };
    let mut listing = scope.gateway.directory.listing(&filter);
    while listing.work(QUERY_PORTION_WORK) {
        if listing.work_done() >= QUERY_WORK_MAX {
            return Err(ApiError::from(TOO_MUCH_WORK));
        }
        tokio::task::yield_now().await;
    }
    let rooms = listing.end();
    Ok(api::MatchList {
        matches: rooms.into_iter().map(match_out).collect(),
    })
}

fn match_out(room: RoomListing) -> api::Match {
    api::Match {
        match_id: room.id.to_string(),
        authoritative: room.label.is_some(),
        label: room.label.map(|label| label.to_string()),
        size: i32::try_from(room.size).unwrap_or(i32::MAX),
        tick_rate: i32::from(room.tick_rate_hz),
        handler_name: room.game.to_string(),
    }
}

const TOO_MUCH_WORK: PlayersError = PlayersError::FailedPrecondition(
    "The query takes too much work on so many matches, use fewer patterns.",
);
/// Work of a query before others have their turn, in the units of [`Query::work`]: some 2 ms at worst.
const QUERY_PORTION_WORK: usize = 16 * 1_024;
/// Work of a query after which it is refused unless it has seen all matches. Ten thousand of them can be held against a
/// hundred clauses that compare, and of those that go over texts against one.
const QUERY_WORK_MAX: usize = 64 * QUERY_PORTION_WORK;
