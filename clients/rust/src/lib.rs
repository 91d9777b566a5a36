//! Client of the Tagus API and socket, on tokio.
//! Owns: requests over HTTP, login sessions, the socket in both formats.
//! Must not know: rules of any game, rendering, or what the server keeps. It starts no task: whoever calls it drives it.
//!
#![doc = include_str!("../README.md")]

mod client;
mod error;
mod http;
mod session;
mod socket;

pub use client::Client;
pub use error::ClientError;
pub use session::Session;
pub use socket::{PENDING_MAX, Socket};

pub use tagus_wire::Format;
pub use tagus_wire::realtime::envelope::Message;
pub use tagus_wire::realtime::{Envelope, Match};
