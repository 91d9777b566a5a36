//! Behaviour of rooms through the public interface.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests, too, fail by panicking"
)]

mod ahead;
mod closing;
mod probe;
mod recording;
mod relay;
mod reservations;
mod seats;
mod seeks;
mod snapshot;
mod ticking;
