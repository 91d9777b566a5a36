//! Behaviour of the network edge through its public words.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail as its tests do")]

mod bodies;
mod door;
mod proxy;
mod tls;
mod ws;
