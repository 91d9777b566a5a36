//! The HTTP API: one table of methods, their handlers, and the errors they answer.

mod error;
mod http;
mod methods;
mod rpc;
mod socket;

pub use error::{ApiError, CODE_INVALID_ARGUMENT, CODE_NOT_FOUND};
pub(crate) use http::{HttpDoor, Tls};
pub(crate) use rpc::run_rpc;
