//! Deterministic physics of discs and balls on a table: pool and table soccer, one shot at a time.
//! Owns: motion on cloth, impacts, cushions, pockets, racks, and the integers between which shots are simulated.
//! Must not know: rules, turns, players, clocks, or how anything is drawn.
//!
//! A shot starts from integers and ends in integers: [`State`] holds positions in units of 2⁻²⁰ m, [`Shot`] is made of
//! integers, and [`simulate`] turns the one into the other. In between it computes in `f64` with `+ - * /` only, which
//! IEEE 754 fixes to the last bit; square roots, directions and the one exponential are made of these. The crate is
//! `no_std`, so that a transcendental function of the platform does not even compile.
//!
//! Motion under constant friction is a quadratic in time, so the simulation goes from event to event at exact times and
//! has no step that something could slip through. `docs/physics.md` has the formulas, their sources and the errors.

#![no_std]
#![warn(
    clippy::disallowed_methods,
    clippy::iter_over_hash_type,
    clippy::wildcard_enum_match_arm
)]

extern crate alloc;

mod chance;
mod impact;
mod motion;
mod number;
mod outcome;
mod outline;
mod pool;
mod predict;
mod roots;
mod shot;
mod simulate;
mod soccer;
mod state;
mod table;
mod trace;
mod vector;

pub use number::direction;
pub use outcome::{Entry, Happening, Outcome};
pub use outline::Corner;
pub use pool::{EIGHT_BALLS, NINE_BALLS, PoolSize};
pub use shot::{Limits, SHOT_BYTES, Shot, ShotError};
pub use simulate::{simulate, simulate_traced};
pub use soccer::{SOCCER_BODIES, SOCCER_TEAM, TWO_AND_TWO};
pub use state::{BODIES_MAX, Body, Place, PlaceError, State, StateError, UNITS_PER_METRE};
pub use table::{Friction, Kind, Materials, Mouth, Pocket, Shape, Striker, Surface, Table, Wall};
pub use trace::{Frame, Trace};
pub use vector::Vec2;
