//! Rules of table soccer: five discs each, one ball, and a flick in turn.
//! Owns: a game as a state machine ([`Frame`]), the formations, and the bot.
//! Must not know: rooms, messages, accounts, clocks, and how a pitch is drawn; all that is [`tagus_duel`]'s.

#![warn(
    clippy::disallowed_methods,
    clippy::iter_over_hash_type,
    clippy::wildcard_enum_match_arm
)]

mod bot;
mod formation;
mod frame;

pub use bot::plan;
pub use formation::{FORMATIONS, Formation};
pub use frame::{CHOICES_MAX, Frame, GOALS_MAX, Goal, TURNS_MAX, how, variant_of};

/// The game of a room. Its parameters are a [`tagus_duel::Config`] with the key `goals`, how many win (1..=5, else 2).
pub type Soccer = tagus_duel::Duel<Frame>;
