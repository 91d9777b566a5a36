//! Rooms: the [`Game`] trait, the [`Host`] that drives a game, seats, recording and relayed matches.
//! Owns: who sits where, when a tick is due, what a game may do, and how a run is recorded and replayed.
//! Must not know: frames, sockets, accounts, databases. Payloads are opaque bytes; time and chance are arguments.

#![warn(
    clippy::disallowed_methods,
    clippy::iter_over_hash_type,
    clippy::wildcard_enum_match_arm
)]

mod asked;
mod call;
mod codec;
mod core;
mod effect;
mod encoder;
mod event;
mod factory;
mod game;
mod hash;
mod host;
mod pace;
mod params;
mod recording;
mod relay;
mod replay;
mod room;
mod seek;
mod state;
mod store;

pub use call::{CallFailed, CallRefused, CallResult};
pub use effect::{Effect, Job};
pub use encoder::{EachView, Encoder};
pub use factory::Factory;
pub use game::{
    Class, Game, InitError, Input, LeaveReason, Message, Metadata, Person, Refusal, RestoreError,
    Settings, Setup, To,
};
pub use hash::xxh64;
pub use host::{Counters, Host, How, InboxFull, Joined, Opening, ReserveError};
pub use params::{OutOfRange, check_ranges};
pub use recording::{Damage, Recording};
pub use relay::{Left, Relay};
pub use replay::{ReplayError, ReplayReport, replay};
pub use room::{JobsFull, LabelTooLong, Room, Seat};
pub use seek::{Seek, SeekRefused};
pub use store::{StoreFailed, StoreOp, StoreRefused, StoreResult};

/// Seats of one room at most, whatever its settings say. A join beyond it is refused.
pub const SEATS_MAX: u16 = 16_384;

/// Length of a label in bytes. A longer one is refused and the old one stays.
pub const LABEL_BYTES_MAX: usize = 2_048;

/// Entries in a join's metadata. A join with more is refused before the game is asked.
pub const METADATA_ENTRIES_MAX: usize = 32;

/// Keys and values of a join's metadata together, in bytes. A join with more is refused before the game is asked.
pub const METADATA_BYTES_MAX: usize = 8_192;

/// Messages of one seat that wait for the next tick. When full the seat's oldest is dropped and counted.
pub const INBOX_LEN_MAX: usize = 64;

/// Jobs of one room that run at the same time. A further one is refused.
pub const JOBS_MAX: usize = 64;

/// Store operations of one room that are under way, or done and waiting for the next tick. A further one is refused.
pub const STORE_OPS_WAITING_MAX: usize = 16;

/// Durable values of one room. A further key is answered with a failure; whoever keeps the values sees to it.
pub const STORE_VALUES_MAX: usize = 64;

/// Length of a durable value's key in bytes. A longer one, or an empty one, is refused.
pub const STORE_KEY_BYTES_MAX: usize = 128;

/// Length of a durable value in bytes. A longer one is refused.
pub const STORE_VALUE_BYTES_MAX: usize = 16 * 1024;

/// Calls of one room to server code that are under way, or done and waiting for the next tick. A further one is refused.
pub const CALLS_WAITING_MAX: usize = 16;

/// Length of the name of a call in bytes. A longer one, or an empty one, is refused.
pub const CALL_NAME_BYTES_MAX: usize = 64;

/// Length in bytes of what a call is made with, which is refused beyond it, and of its answer, which is a failure beyond
/// it; whoever does the calls sees to that.
pub const CALL_BYTES_MAX: usize = 64 * 1024;

/// Ticks run in one go when a room is late. Those still missing then are skipped and counted.
pub const CATCH_UP_TICKS_MAX: u32 = 3;

/// Ticks that may run before their time, [`Settings::ahead_ticks`]. A larger number is cut to it.
pub const AHEAD_TICKS_MAX: u8 = 4;

/// Ticks per second at most.
pub const TICK_RATE_HZ_MAX: u8 = 60;

/// Time for which a seat can be held, in milliseconds.
pub const SEAT_HOLD_MS_MAX: u32 = 120_000;

/// Time for which what a room sends can wait for company, in milliseconds. A longer one is cut to it.
pub const GATHER_MS_MAX: u16 = 1_000;

/// Time for which a seat can be reserved for somebody who is yet to come, in milliseconds. A longer one is cut to it.
pub const RESERVE_MS_MAX: u32 = 120_000;

/// People for whom seats are reserved in one call. One with more is refused.
pub const RESERVE_USERS_MAX: usize = 1_024;

/// Length of the query of a [`Seek`] in bytes. A longer one is refused.
pub const SEEK_QUERY_BYTES_MAX: usize = 2_048;

/// Properties of a [`Seek`], both kinds together. One with more is refused.
pub const SEEK_PROPERTIES_MAX: usize = 64;

/// Names and texts of the properties of a [`Seek`] together, in bytes. One with more is refused.
pub const SEEK_PROPERTIES_BYTES_MAX: usize = 4_096;

/// A recorded room's state hash is recorded once in so many ticks.
pub const HASH_EVERY_TICKS: u64 = 64;
