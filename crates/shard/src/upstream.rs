//! What a shard asks of the house above it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use tagus_base::{RoomId, SessionId, UnixMillis, UserId, Uuid};
use tagus_room::{Job, Person, Seek, StoreOp};
use tagus_wire::MessageKind;
use tagus_wire::ext::Hello;
use tagus_wire::realtime::Envelope;

use crate::ConnRef;

/// Whose connection it is. A shard compares and shows these; what they mean is known above.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Identity {
    /// The account.
    pub user_id: UserId,
    /// Its user name at login.
    pub username: Arc<str>,
    /// The login whose token opened the connection.
    pub token_id: Uuid,
    /// When that login was issued.
    pub issued_at: UnixMillis,
    /// The login's variables.
    pub vars: BTreeMap<String, String>,
    /// The client wishes to be seen online by those who follow it.
    pub appears_online: bool,
    /// The client's language tag; empty when it named none.
    pub lang: String,
    /// A number of the house's own, which shards only carry.
    pub arrival: u64,
}

/// Who sent a request that a shard handed up.
#[derive(Clone, Debug)]
pub struct Requester {
    /// Where the answer goes.
    pub conn: ConnRef,
    /// The connection as other players see it.
    pub session_id: SessionId,
    /// The connection's login.
    pub identity: Arc<Identity>,
    /// Where the connection comes from, after trusted proxies.
    pub address: IpAddr,
}

/// Why a TCP hello was not admitted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Refused {
    /// A gRPC code, as in REST errors.
    pub code: i32,
    /// A sentence for the client.
    pub reason: String,
    /// When to try again, in milliseconds; 0: not worth trying.
    pub retry_ms: u32,
}

/// Why a join code names no room.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NoRoom {
    /// It is no join code at all.
    NoCode,
    /// There is no such room.
    NotFound,
    /// The asker tried too many wrong ones.
    TooManyWrong,
}

/// What listings show of a room.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RoomSummary {
    /// The room.
    pub id: RoomId,
    /// Stable name of a default room, or empty.
    pub name: Arc<str>,
    /// Name of the game; empty for a relayed match.
    pub game: Arc<str>,
    /// Label of an authoritative room; none for a relayed match.
    pub label: Option<Arc<str>>,
    /// Seats taken, held ones included.
    pub size: u32,
    /// Seats that are kept free for people who are yet to come.
    pub reserved: u32,
    /// Seats at most, taken and reserved ones included.
    pub seats_max: u32,
    /// Ticks per second; 0 for a relayed match.
    pub tick_rate_hz: u8,
}

/// A room's question to server code.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Call {
    /// The room's stable name, or empty.
    pub room_name: Arc<str>,
    /// Name of its game.
    pub game: Arc<str>,
    /// What the answer is handed in with.
    pub token: u64,
    /// Which piece of server code.
    pub function: String,
    /// What it is asked.
    pub data: Bytes,
}

/// The house above the shards. Every call comes from a shard's thread and must return without waiting.
pub trait Upstream: Send + Sync + 'static {
    /// May the bearer of the hello's token connect?
    ///
    /// # Errors
    /// The refusal that the client is told.
    fn admit(&self, hello: &Hello, address: IpAddr) -> Result<Identity, Refused>;

    /// The room that a matchmaker's join token names, if the token is valid.
    fn match_token(&self, token: &str) -> Option<RoomId>;

    /// The room of a text that is neither an id nor a stable name: a join code of the house's own.
    ///
    /// # Errors
    /// It names no room, and what the asker is told.
    fn room_of_code(&self, requester: &Requester, code: &str) -> Result<RoomId, NoRoom>;

    /// Is a hook registered that must see this kind of message before the shard does?
    fn intercepts(&self, kind: MessageKind) -> bool;

    /// A message that concerns no room, or that is intercepted.
    /// Exactly one [`crate::Shards::answer`], [`crate::Shards::resume`] or [`crate::Shards::refuse`] must follow:
    /// until then no other request of this connection is handed up.
    fn request(&self, requester: Requester, envelope: Envelope);

    /// A connection was admitted.
    fn connected(&self, requester: &Requester);

    /// A connection is gone.
    fn disconnected(&self, requester: &Requester);

    /// A room was opened, or what listings show of it changed. Called before the answer that caused it is sent.
    fn room_changed(&self, summary: RoomSummary);

    /// A room is gone.
    fn room_closed(&self, id: RoomId);

    /// Somebody took a seat.
    fn seat_taken(&self, id: RoomId, person: &Person);

    /// A seat was freed.
    fn seat_freed(&self, id: RoomId, person: &Person);

    /// A game panicked; its room is closed. `recording` is empty where the room was not recorded.
    fn room_failed(&self, id: RoomId, game: &str, seed: u64, recording: Vec<u8>);

    /// Runs a room's job elsewhere; [`crate::Shards::computed`] must follow.
    fn compute(&self, id: RoomId, token: u64, job: Job);

    /// Does a store operation of the room elsewhere; [`crate::Shards::stored`] must follow, in the order of the calls.
    /// `name` is the room's stable name, or empty.
    fn store(&self, id: RoomId, name: &str, token: u64, op: StoreOp);

    /// Asks server code for a room; [`crate::Shards::called`] must follow, in the order of the calls.
    fn call(&self, id: RoomId, call: Call);

    /// The room looks for more people, in place of what it looked for before; none: no longer. `present` sit there now.
    /// A room that looked for people and is gone looks for none, which is said before [`Self::room_closed`].
    fn seek(&self, id: RoomId, seek: Option<Seek>, present: &[Person]);

    /// The UUID of a room with a stable name.
    fn room_uuid(&self, name: &str) -> Uuid;

    /// Sixteen bytes of the operating system's generator.
    fn random(&self) -> [u8; 16];
}
