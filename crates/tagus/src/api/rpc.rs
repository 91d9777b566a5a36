//! RPC functions over HTTP; the socket's way to them is the gateway's.

use std::sync::Arc;

use crate::api::ApiError;
use crate::gateway::Gateway;
use crate::hooks::{Caller, RpcCall, caught};
use crate::tagus::Tagus;

/// Runs the function named `id`, already in lower case.
pub(crate) async fn run_rpc(
    gateway: &Arc<Gateway>,
    caller: Caller,
    id: &str,
    payload: String,
    query: Vec<(String, String)>,
) -> Result<String, ApiError> {
    let Some(function) = gateway.hooks.rpc(id).cloned() else {
        let asked = gateway.remotes.rpc(id, &caller, &payload, &query).await;
        return asked.unwrap_or_else(|| Err(ApiError::not_found("RPC function not found")));
    };
    let tagus = Tagus::of(gateway);
    let call = RpcCall {
        tagus,
        caller,
        payload,
        query,
    };
    caught(async move { function(call).await }).await?
}
