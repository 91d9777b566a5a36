//! A shot under way.

use crate::frame::{Chair, Frame};
use crate::stroke::{Stroke, Verdict};

/// A shot from its stroke until the last ball rests. The table before it is kept, for whoever comes meanwhile.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Running {
    /// The game before the stroke.
    pub(crate) before: Frame,
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
