//! Rules of pool: eight-ball and nine-ball, alone, against a person or against a bot.
//! Owns: a game as a state machine ([`Frame`]), fouls, and the bot.
//! Must not know: rooms, messages, accounts, clocks, and how a table is drawn; all that is [`tagus_duel`]'s.

#![warn(
    clippy::disallowed_methods,
    clippy::iter_over_hash_type,
    clippy::wildcard_enum_match_arm
)]

mod bot;
mod frame;
mod judge;
mod table;

pub use bot::plan;
pub use frame::{Frame, Group, Hand, Rules, TURNS_MAX, how, variant_of};
pub use judge::Foul;

/// The game of a room. Its parameters are a [`tagus_duel::Config`] with the keys `rules` (`"eight"` or `"nine"`) and
/// `feet`, the length of the table (7..=9, else 8).
pub type Pool = tagus_duel::Duel<Frame>;
