//! The HTTP API: one table of methods, their handlers, and the errors they answer.

mod account;
mod chat;
mod error;
mod events;
mod extensions;
mod friends;
mod groups;
mod http;
mod leaderboards;
mod matches;
mod matchmaker;
mod methods;
mod metrics;
mod notifications;
mod openapi;
mod parties;
mod rpc;
mod socket;
mod storage;
mod tournaments;

pub(crate) use account::account_out;
pub use error::{
    ApiError, CODE_INTERNAL, CODE_INVALID_ARGUMENT, CODE_NOT_FOUND, CODE_RESOURCE_EXHAUSTED,
    CODE_UNAVAILABLE,
};
pub(crate) use friends::friend_out;
pub(crate) use groups::group_out;
pub(crate) use http::HttpDoor;
pub(crate) use leaderboards::record_out;
pub(crate) use metrics::HttpMetrics;
pub(crate) use rpc::run_rpc;
pub(crate) use storage::object_out;
