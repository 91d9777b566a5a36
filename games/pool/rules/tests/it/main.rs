//! Behaviour of pool through its public face.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bot;
mod decoder;
mod garbage;
mod golden;
mod record;
mod refusals;
mod room;
mod rules;
mod table;
