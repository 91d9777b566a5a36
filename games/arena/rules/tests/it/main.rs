//! Behaviour of the arena through its public face.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bodies;
mod decoder;
mod garbage;
mod play;
mod room;
