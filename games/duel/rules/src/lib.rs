//! Games of two players who take turns on a table of the physics: all of it but the rules, which are a [`Sport`].
//! Owns: chairs, turns and their time, the jobs that simulate, bots' turns, refusals, records, kept games, and the bytes
//! of `games/pool/PROTOCOL.md` that are not pool's own.
//! Must not know: which sports there are, sockets, accounts, clocks, and how a table is drawn.
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
mod course;
mod game;
mod keep;
mod messages;
mod people;
mod play;
mod reason;
mod record;
mod replay;
mod running;
mod snapshot;
mod sport;
mod stroke;
mod tell;

pub use bot::{Arm, Strength, angle_of};
pub use codec::Reader;
pub use config::{Config, ConfigError, KEPT_TURN_S_MAX, Kept, Opponent};
pub use course::{Chair, Course, End, How, TIME_OUTS_MAX, Turn, Variant};
pub use game::Duel;
pub use keep::{FINISHED, GONE, News, NewsError, SAVE};
pub use messages::{AIM_BYTES, Aim, Command, SHOOT_BYTES, TRACE_BYTES_MAX, op};
pub use reason::Reason;
pub use record::{RECORD_BYTES_MAX, Record, RecordError, TURNS_MAX};
pub use replay::{ReplayError, Verified, mix, player_of, replay, told, with_turn};
pub use running::{DIFFERS, DIFFERS_TOLD_MAX};
pub use sport::Sport;
pub use stroke::{Played, Stroke, Verdict};
