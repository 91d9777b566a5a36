//! Behaviour of the arena through its public face.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod agar;
mod bodies;
mod decoder;
mod garbage;
mod golden;
mod play;
mod room;
