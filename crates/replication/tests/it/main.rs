//! Behaviour of worlds, viewers and replicas, through their public face.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail as its tests do")]

#[expect(unreachable_pub, reason = "lent to the fuzz targets")]
mod bodies;
mod converging;
mod fuzzing;
mod golden;
mod ground;
mod losing;
mod schema;
mod sight;
mod slot_golden;
mod slots;
