//! Behaviour of worlds, viewers and replicas, through their public face.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail as its tests do")]

#[expect(unreachable_pub, reason = "lent to the fuzz targets")]
mod bodies;
mod converging;
mod fuzzing;
mod golden;
mod schema;
mod sight;
