//! Protocol messages, their JSON dialect, the method table and TCP framing.
//! Owns: what every byte between a client and the server means, in protobuf and in JSON.
//! Must not know: sockets, connections, rooms, players. It decodes, encodes and looks up, and keeps no state.
//!
//! The message types are generated from `proto/`, the table of methods and its OpenAPI document from `methods.txt` and
//! the list of socket messages from `messages.txt`, all by `cargo xtask codegen`; the results are committed.

#![warn(
    clippy::disallowed_methods,
    clippy::iter_over_hash_type,
    clippy::wildcard_enum_match_arm
)]
#![warn(clippy::indexing_slicing, clippy::cast_possible_truncation)]

mod envelope;
mod generated;
pub mod json;
mod query;
mod rest;
mod table;
pub mod tcp;
mod timestamp;

pub use envelope::{DecodeError, Format, decode_envelope, encode_envelope};
pub use generated::kind::MessageKind;
pub use generated::method::METHODS;
pub use generated::{api, method, realtime, tagus as ext};
pub use json::{Json, JsonError, JsonReader, from_json, to_json};
pub use query::percent_decode;
pub use rest::{QUERY_PAIRS_MAX, decode_rest, query_pairs};
pub use table::{
    Auth, Body, ClientMessage, Method, MethodInfo, Route, RouteError, Routed, Segment, Verb, route,
};
pub use timestamp::Timestamp;

/// The method table as an OpenAPI document, in JSON: every method, whether a server answers it or not.
pub const OPENAPI: &str = include_str!("generated/openapi.json");
