//! Who waits for players.

use tagus_wire::api;

use crate::api::ApiError;
use crate::api::methods::{Scope, handlers};

handlers! {
    GetMatchmakerStats => stats,
}

async fn stats(scope: Scope, (): ()) -> Result<api::MatchmakerStats, ApiError> {
    scope.login()?;
    let stats = scope.gateway.matchmaker.stats();
    let completions = stats.completions.into_iter();
    Ok(api::MatchmakerStats {
        ticket_count: i32::try_from(stats.tickets).unwrap_or(i32::MAX),
        oldest_ticket_create_time: stats.oldest_created_at.map(Into::into),
        completions: completions
            .map(|completion| api::MatchmakerCompletionStats {
                create_time: Some(completion.created_at.into()),
                complete_time: Some(completion.completed_at.into()),
            })
            .collect(),
    })
}
