//! Shards: one thread a core owns connections and rooms, ticks rooms, encodes and writes.
//! Owns: the connection table, the room table, the tick timer, encoding for each kind of client, and every socket write.
//! Must not know: accounts, databases, HTTP. Whatever concerns neither a connection nor a room goes to the [`Upstream`].

#[cfg(test)]
mod allocations;
mod cell;
mod connection;
mod effects;
mod encode;
mod gather;
mod inbox;
mod input;
mod lag;
mod memory;
mod messages;
mod metrics;
mod reading;
mod room_table;
mod shard;
mod start;
#[cfg(test)]
mod testing;
mod text_input;
mod upstream;
mod views;

pub use cell::error_envelope;
pub use connection::CloseCode;
pub use inbox::{Arrival, ArrivalKind, ConnRef, NotReserved, RoomOpening, Shards};
pub use metrics::{DropReason, Drops, ShardMetrics};
pub use start::{Config, ShardThreads, StartError, Unstarted, prepare};
pub use upstream::{Call, Identity, NoRoom, Refused, Requester, RoomSummary, Upstream};
