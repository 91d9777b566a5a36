//! What `cargo xtask codegen` writes: message types, their JSON code, the method table and the message kinds.

#![allow(
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    clippy::large_enum_variant,
    clippy::use_self,
    reason = "generated from the protocol files; names and shapes are theirs"
)]

pub mod api;
pub mod kind;
pub mod method;
pub mod realtime;
pub mod tagus;
