//! Rules of the open world: people walk about a large square, and each sees what is near.
//! It exists to measure rooms of thousands: see `tagus bench world` and `tagus bench rooms`.
//! Owns: the world and its tick, and the bytes of `games/open-world/PROTOCOL.md`.
//! Must not know: sockets, accounts, clocks. Arithmetic is `f32` with `+ - * /` and `sqrt` only: the same inputs give
//! the same bits.

#![warn(
    clippy::disallowed_methods,
    clippy::iter_over_hash_type,
    clippy::wildcard_enum_match_arm
)]

mod config;
mod game;
mod sight;
mod world;

pub use config::{Config, ConfigError};
pub use game::{OpenWorld, op};
pub use sight::schema;
pub use world::{SPEED, Walker, World};
