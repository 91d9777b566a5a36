//! Replication: what of a room's entities each viewer is sent, and what a client makes of it.
//! Owns: schemas, the grid of cells and who sees which, shared deltas and snapshots and their format,
//! history for lag compensation, inputs, interpolation and prediction.
//! Must not know: rooms, seats, sockets, frames of a wire, what an entity means. Time is a tick number and an argument.
//!
//! ```text
//!  rules ──put──▶ World ──delta of each cell, once──▶ Viewer ──snapshot──▶ Replica ──▶ Interpolator ──▶ picture
//!                   │ (quantised, in cells)             (one per connection)  │
//!                   └ ring of the last deltas                                 └ own state ──▶ Predictor
//! ```
//!
//! | part | where |
//! | --- | --- |
//! | what entities are made of | `schema.rs`, and as bytes `describe.rs` |
//! | the layout of snapshots | `FORMAT.md`; `bits.rs` has its numbers |
//! | how both ends predict a field | `axis.rs` |
//! | the server's side: entities, cells, deltas, who sees which | `world.rs`, `cell.rs`, `sight.rs` |
//! | a viewer on a line that loses nothing, and its client | `viewer.rs`, `replica.rs` |
//! | a viewer of which snapshots may be lost, and its client | `slot_viewer.rs`, `slot_code.rs`, `past.rs`, `slot_replica.rs`, `ack.rs` |
//! | what clients do besides | `interpolator.rs`, `predictor.rs` |
//! | what rules ask | `history.rs`, `inputs.rs` |
//!
//! There are two kinds of viewers of one world. A [`Viewer`] has cells, whose changes are encoded once for all:
//! the cost of a frame is that of its entities, once, and for each viewer a bit and a copy for each cell in view.
//! It is for TCP and WebSocket. A [`SlotViewer`] has entities, each with a baseline that its client acknowledged:
//! it costs some tens of nanoseconds for each entity in view, and bears loss, a limit of bytes and priorities.
//! Nothing here is part of a room's state: a room that was restored begins with an empty world, and its viewers anew.
//! [`History`] and [`InputBuffer`] are for rules, and belong into the state of a room that uses them.
//!
//! ```
//! use tagus_base::Tick;
//! use tagus_replication::{Field, Grid, Kind, KindIndex, Replica, Schema, View, Viewer, World};
//!
//! # fn main() -> Result<(), Box<dyn core::error::Error>> {
//! // Once, for each kind of room.
//! const WALKER: KindIndex = KindIndex(0);
//! let grid = Grid { min: [0.0; 2], size: [10_000.0; 2], step: 0.125, cell: 500.0, margin: 30.0 };
//! let walker = Kind::new("walker")
//!     .field(Field::angle("heading", 256).linear())
//!     .field(Field::whole("hue", 0..=255).group(1));
//! let schema = Schema::new(&grid, vec![walker], 1)?;
//! let described = schema.describe(); // Told to each client before its first snapshot.
//!
//! // Once a tick, for each room, after its rules.
//! let mut world = World::new(schema);
//! world.begin(Tick(1));
//! world.put(7, WALKER, &[120.0, 80.0, 0.5, 200.0]);
//! world.remove_absent();
//! world.end();
//!
//! // Then for each connection whose last snapshot is written.
//! let mut viewer = Viewer::new();
//! let view = View {
//!     centre: [120.0, 80.0],
//!     half: [1_000.0; 2],
//!     mask: 0,
//!     own_id: Some(7),
//!     last_input: 12,
//!     own: &120.0_f32.to_le_bytes(),
//!     bytes_max: 8_192,
//!     entities_max: 500,
//! };
//! let mut snapshot = Vec::new();
//! viewer.encode(&mut world, &view, &mut snapshot);
//!
//! // At the other end.
//! let mut replica = Replica::new(Schema::parse(&described)?);
//! replica.apply(&snapshot)?;
//! assert_eq!(replica.came(), [7]);
//! let seen = replica.entities().next().expect("it came");
//! assert_eq!(seen.value(0), Some(120.0));
//! # Ok(())
//! # }
//! ```

#![no_std]
#![warn(
    clippy::disallowed_methods,
    clippy::iter_over_hash_type,
    clippy::wildcard_enum_match_arm
)]

extern crate alloc;

mod ack;
mod axis;
mod bits;
mod cell;
mod describe;
mod error;
mod history;
mod inputs;
mod interpolator;
mod past;
mod predictor;
mod replica;
mod schema;
mod sight;
mod slot_code;
mod slot_replica;
mod slot_viewer;
mod viewer;
mod world;

pub use ack::{ACK_BYTES, Ack};
pub use error::{DecodeError, SchemaError};
pub use history::{HISTORY_TICKS_MAX, History};
pub use inputs::{INPUTS_MAX, InputBuffer, Pace};
pub use interpolator::Interpolator;
pub use predictor::{PENDING_MAX, Predictor};
pub use replica::{ENTITIES_MAX, Own, Replica, Seen};
pub use schema::{
    Blend, FIELDS_MAX, Field, GROUPS_MAX, Grid, KINDS_MAX, Kind, KindIndex, Motion, NAME_BYTES_MAX,
    Schema,
};
pub use slot_replica::SlotReplica;
pub use slot_viewer::{SLOT_BYTES_MIN, SLOTS_MAX, SlotViewer};
pub use viewer::{CELLS_MAX, OWN_BYTES_MAX, View, Viewer};
pub use world::World;
