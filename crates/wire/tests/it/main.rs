//! Behaviour of the crate through its public API.

mod dialect;
mod garbage;
mod golden;
mod rest;
