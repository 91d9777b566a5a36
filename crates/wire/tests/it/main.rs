//! Behaviour of the crate through its public API.

#![expect(clippy::unwrap_used, reason = "what cannot be read fails its test")]

mod bodies;
mod dialect;
mod garbage;
mod golden;
mod rest;
