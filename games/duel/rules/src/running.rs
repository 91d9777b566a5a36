//! A shot under way.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tagus_base::Uuid;

use crate::course::Chair;
use crate::stroke::{Stroke, Verdict};

/// Server code that a room calls when a client says that its simulation of a shot ended otherwise: JSON with the keys
/// `game` (its id), `turn`, `chair` (255: who watches), `hash` (the client's, in hex) and `trace` (the client's, base64url
/// without padding). A claim of a client; for logs.
pub const DIFFERS: &str = "duel.differs";
/// Of so many such claims a room tells server code; it counts those beyond.
pub const DIFFERS_TOLD_MAX: u64 = 16;

/// A shot from its stroke until the last body rests. The table before it is kept, for whoever comes meanwhile.
#[derive(Clone, Debug)]
pub(crate) struct Running<S> {
    /// The game before the stroke.
    pub(crate) before: S,
    pub(crate) chair: Chair,
    pub(crate) stroke: Stroke,
    /// When it was struck, in the room's time.
    pub(crate) struck_ms: u64,
    /// The job that simulates it.
    pub(crate) token: u64,
    /// None until the job is done.
    pub(crate) verdict: Option<Verdict>,
}

/// A bot's turn.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Thought {
    /// The job that plans.
    pub(crate) token: u64,
    /// None until the job is done.
    pub(crate) stroke: Option<Stroke>,
}

/// A client's claim that its simulation ended elsewhere.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Report {
    pub(crate) chair: u8,
    pub(crate) game: u16,
    pub(crate) turn: u16,
    pub(crate) hash: u64,
    pub(crate) trace: Vec<u8>,
}

impl Report {
    /// As server code is told of it; `id` is that of the room's present game.
    pub(crate) fn to_json(&self, id: Uuid) -> Vec<u8> {
        let told = serde_json::json!({
            "game": id.to_string(),
            "turn": self.turn,
            "chair": self.chair,
            "hash": format!("{:016x}", self.hash),
            "trace": URL_SAFE_NO_PAD.encode(&self.trace),
        });
        told.to_string().into_bytes()
    }
}
