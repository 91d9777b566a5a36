//! The bodies of the fuzz targets.
//! Owns: nothing; it lends the functions that the seeded tests of the crates run.
//! Must not know: what they check.

#[path = "../games/arena/rules/tests/it/bodies.rs"]
mod arena;
#[path = "../crates/net/tests/it/bodies.rs"]
mod net;
#[path = "../crates/players/tests/it/bodies.rs"]
mod players;
#[path = "../crates/replication/tests/it/bodies.rs"]
mod replication;
#[path = "../crates/wire/tests/it/bodies.rs"]
mod wire;

/// A body: it takes any bytes and panics when a promise does not hold for them.
pub type Body = fn(&[u8]);

/// See `crates/wire/tests/it/bodies.rs`.
pub const REST_BODY: Body = wire::rest_body;
/// See `crates/wire/tests/it/bodies.rs`.
pub const JSON_ENVELOPE: Body = wire::json_envelope;
/// See `crates/wire/tests/it/bodies.rs`.
pub const PROTOBUF_ENVELOPE: Body = wire::protobuf_envelope;
/// See `crates/wire/tests/it/bodies.rs`.
pub const TCP_FRAMING: Body = wire::tcp_framing;
/// See `crates/net/tests/it/bodies.rs`.
pub const WS_CODEC: Body = net::ws_codec;
/// See `crates/net/tests/it/bodies.rs`.
pub const PROXY_HEADER: Body = net::proxy_header;
/// See `crates/players/tests/it/bodies.rs`.
pub const QUERY_TEXT: Body = players::query_text;
/// See `games/arena/rules/tests/it/bodies.rs`.
pub const ROOM_SNAPSHOT_RESTORE: Body = arena::room_snapshot_restore;
/// See `games/arena/rules/tests/it/bodies.rs`.
pub const RECORDING: Body = arena::recording;
/// See `crates/replication/tests/it/bodies.rs`.
pub const SNAPSHOTS: Body = replication::snapshots;
/// See `crates/replication/tests/it/bodies.rs`.
pub const SLOT_SNAPSHOTS: Body = replication::slot_snapshots;
/// See `crates/replication/tests/it/bodies.rs`.
pub const SCHEMA_DESCRIPTION: Body = replication::description;
