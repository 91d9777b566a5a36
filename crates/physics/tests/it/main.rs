//! The physics through its public API.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "helpers of tests, too, fail by panicking and print what the tests measured"
)]

mod billiards;
mod games;
mod golden;
mod input;
mod laws;
mod tables;
