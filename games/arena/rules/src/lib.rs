//! Rules of the arena: eat, grow, split.
//! Owns: the world and its tick, the bots, and the bytes of `games/arena/PROTOCOL.md`.
//! Must not know: sockets, accounts, clocks. Chance comes from one seeded generator, arithmetic is `f32` with
//! `+ - * /` and `sqrt` only, and nothing depends on the order of a hash: the same inputs give the same bits.

#![warn(
    clippy::disallowed_methods,
    clippy::iter_over_hash_type,
    clippy::wildcard_enum_match_arm
)]

mod agar;
mod bodies;
mod bots;
mod command;
mod config;
mod eating;
mod game;
mod grid;
mod growth;
mod index;
mod messages;
mod own_cells;
mod players;
mod rules;
mod sight;
mod snapshot;
mod view;
mod wishes;
mod world;

pub use agar::{AgarClient, AgarClose};
pub use bodies::{Cell, Ejected, Pellet, Vec2, Virus};
pub use command::{Command, CommandError};
pub use config::{Config, ConfigError};
pub use game::Arena;
pub use messages::op;
pub use players::{Player, PlayerKey, PlayerName};
pub use rules::{CELLS_PER_PLAYER_MAX, EJECTED_MAX, MASS_MAX, TICK_RATE_HZ, radius_of};
pub use sight::{Sight, schema};
pub use view::Own;
pub use world::{Death, World};
