//! Listings of matches.

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
    if request
        .query
        .is_some_and(|query| !query.is_empty() && query != "*")
    {
        return Err(ApiError::unimplemented(
            "Match listing by query is not available on this server.",
        ));
    }
    let filter = RoomFilter {
        limit: limit.unsigned_abs() as usize,
        authoritative: request.authoritative,
        label: request.label,
        size_min: size(request.min_size, "minimum")?,
        size_max: size(request.max_size, "maximum")?,
    };
    let rooms = scope.gateway.directory.list(&filter);
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
