//! The physics for browsers: a WebAssembly module whose exports take and give numbers, without generated glue.
//! Owns: one table with its bodies for a page, and the memory that page and module share.
//! Must not know: rules, the network, drawing. What a shot does is `tagus-physics`.
//!
//! `physics.js` beside this crate is the other half. `cargo xtask wasm` builds the module into `dist`; a test compares
//! the hash of the sources it was built from. The modules `heap` and `exports` exist for WebAssembly only, and hold the
//! unsafe code: an allocator, and the one session that the exports share.

#![cfg_attr(target_arch = "wasm32", no_std)]
#![warn(clippy::disallowed_methods, clippy::iter_over_hash_type)]

extern crate alloc;

#[cfg(target_arch = "wasm32")]
mod exports;
#[cfg(target_arch = "wasm32")]
mod heap;
mod session;

pub use session::{INPUT_BYTES, Session, Status};
