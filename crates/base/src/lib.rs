//! Words of the house: ids, ticks, calendar time and seeded chance.
//! Owns: the types that two crates would otherwise define twice.
//! Must not know: anything else. No I/O, no allocation on the way, no dependency.

#![no_std]
#![warn(
    clippy::disallowed_methods,
    clippy::iter_over_hash_type,
    clippy::wildcard_enum_match_arm
)]

extern crate alloc;

mod id;
mod rng;
mod time;

pub use id::{ConnIndex, IdError, NodeId, RoomId, SeatIndex, SessionId, UserId, Uuid};
pub use rng::Rng;
pub use time::{Millis, Tick, UnixMillis};
