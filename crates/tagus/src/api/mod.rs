//! The HTTP API: one table of methods, their handlers, and the errors they answer.

mod account;
mod chat;
mod error;
mod extensions;
mod friends;
mod groups;
mod http;
mod matches;
mod methods;
mod metrics;
mod notifications;
mod rpc;
mod socket;
mod storage;

pub(crate) use account::account_out;
pub use error::{ApiError, CODE_INTERNAL, CODE_INVALID_ARGUMENT, CODE_NOT_FOUND, CODE_UNAVAILABLE};
pub(crate) use friends::friend_out;
pub(crate) use http::HttpDoor;
pub(crate) use metrics::HttpMetrics;
pub(crate) use rpc::run_rpc;
