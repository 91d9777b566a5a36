//! Behaviour of the arena through its public face.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod decoder;
mod play;
mod room;
