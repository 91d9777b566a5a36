//! Listings of parties.

use tagus_players::{PartyFilter, PartyListing};
use tagus_wire::api;

use crate::api::ApiError;
use crate::api::methods::{Scope, handlers};

handlers! {
    ListParties => list_parties,
}

async fn list_parties(
    scope: Scope,
    request: api::ListPartiesRequest,
) -> Result<api::PartyList, ApiError> {
    scope.login()?;
    let page = scope.gateway.parties.list(&PartyFilter {
        limit: request.limit.unwrap_or(LIMIT_DEFAULT),
        open: request.open,
        hidden: Some(false),
        query: request.query.as_deref().unwrap_or_default(),
        cursor: request.cursor.as_deref().unwrap_or_default(),
    })?;
    Ok(api::PartyList {
        parties: page.parties.into_iter().map(party_out).collect(),
        cursor: page.cursor,
    })
}

fn party_out(party: PartyListing) -> api::Party {
    let settings = party.settings;
    api::Party {
        party_id: party.id.to_string(),
        open: settings.open,
        hidden: settings.hidden,
        max_size: i32::try_from(party.size_max).unwrap_or(i32::MAX),
        label: settings.label.to_string(),
    }
}

/// Parties on a page where the request names no limit.
const LIMIT_DEFAULT: i32 = 10;
