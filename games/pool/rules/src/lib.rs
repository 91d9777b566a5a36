//! Rules of pool: eight-ball and nine-ball, alone, against a person or against a bot.
//! Owns: a game as a state machine ([`Frame`]), its record, the bot, and the bytes of `games/pool/PROTOCOL.md`.
//! Must not know: sockets, accounts, clocks, and how a table is drawn.
//!
//! What happens on the table is decided by `tagus_physics` alone, from integers; a client's word about it counts for
//! nothing. A game is its seed and its turns, which [`Record`] keeps and [`replay`] proves.

#![warn(
    clippy::disallowed_methods,
    clippy::iter_over_hash_type,
    clippy::wildcard_enum_match_arm
)]

mod bot;
mod codec;
mod config;
mod frame;
mod game;
mod judge;
mod messages;
mod people;
mod play;
mod reason;
mod record;
mod running;
mod snapshot;
mod stroke;
mod table;

pub use bot::{Strength, plan};
pub use config::{Config, ConfigError, Opponent};
pub use frame::{Chair, End, Frame, Group, Hand, How, Rules, TIME_OUTS_MAX, TURNS_MAX, Turn};
pub use game::Pool;
pub use judge::Foul;
pub use messages::{AIM_BYTES, Aim, Command, SHOOT_BYTES, TRACE_BYTES_MAX, op};
pub use reason::Reason;
pub use record::{Record, RecordError, ReplayError, Verified, replay};
pub use stroke::{Played, Stroke, Verdict};
