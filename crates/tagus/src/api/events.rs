//! Events of clients.

use tagus_base::UnixMillis;
use tagus_wire::{Timestamp, api};

use crate::api::ApiError;
use crate::api::methods::{Scope, caller_of, handlers};
use crate::events;
use crate::gateway::unix_now;

handlers! {
    Event => event,
}

async fn event(scope: Scope, request: api::Event) -> Result<(), ApiError> {
    let login = scope.login()?;
    if request.name.is_empty() {
        return Err(ApiError::invalid("Event name must be set."));
    }
    let event = events::Event {
        name: request.name,
        properties: request.properties,
        time: request.timestamp.map_or_else(unix_now, time_of),
        // Whatever the client says.
        external: true,
        caller: caller_of(Some(login)),
    };
    Ok(scope.gateway.events.send(event)?)
}

/// Times before 1970 become its beginning.
fn time_of(timestamp: Timestamp) -> UnixMillis {
    let seconds = u64::try_from(timestamp.seconds).unwrap_or(0);
    let millis = u64::try_from(timestamp.nanos / 1_000_000).unwrap_or(0);
    UnixMillis(seconds.saturating_mul(1_000).saturating_add(millis))
}
