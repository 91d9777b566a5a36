//! Random rooms, replayed and restored. A failure names its seed; the same test with that seed alone repeats it.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests, too, fail by panicking"
)]

mod arena;
mod nasty;
mod playground;
mod rooms;
