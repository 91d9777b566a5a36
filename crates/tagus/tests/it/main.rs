//! The server binary as clients and operators meet it.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail as its tests do")]

mod bad_input;
mod hooks;
mod rooms;
mod server;
mod sessions;
mod socket;
