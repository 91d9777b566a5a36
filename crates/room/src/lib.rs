//! Rooms: the [`Game`] trait, the [`Host`] that drives a game, seats, recording and relayed matches.
//! Owns: who sits where, when a tick is due, what a game may do, and how a run is recorded and replayed.
//! Must not know: frames, sockets, accounts, databases. Payloads are opaque bytes; time and chance are arguments.

#![warn(clippy::disallowed_methods, clippy::iter_over_hash_type, clippy::wildcard_enum_match_arm)]

mod game;

pub use game::{
    Class, Game, InitError, Input, LeaveReason, Message, Metadata, Person, Refusal, RestoreError, Settings, Setup, To,
};
