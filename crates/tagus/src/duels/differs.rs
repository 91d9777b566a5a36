//! Shots that ended otherwise on a client, as that client says.

use crate::api::ApiError;
use crate::room_calls::RoomCall;

/// The room call [`tagus_duel::DIFFERS`]: the claim goes to the log, with what is needed to look into it.
/// The game goes on by what the server simulated.
///
/// # Errors
/// INVALID_ARGUMENT for what is no claim.
pub async fn differs(call: RoomCall) -> Result<Vec<u8>, ApiError> {
    let claim: serde_json::Value = serde_json::from_slice(&call.data)
        .map_err(|error| ApiError::invalid(format!("This is no claim: {error}.")))?;
    tracing::warn!(
        kind = &*call.game,
        room = %call.room.uuid,
        game = claim["game"].as_str(),
        turn = claim["turn"].as_u64(),
        chair = claim["chair"].as_u64(),
        hash = claim["hash"].as_str(),
        trace = claim["trace"].as_str(),
        "a client's simulation of a shot ended otherwise",
    );
    Ok(Vec::new())
}
