//! The trait that a game implements, and the words in which it and its room talk.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use tagus_base::{Rng, SeatIndex, SessionId, UserId};

use crate::{CallResult, EachView, Encoder, Room, StoreResult};

/// Rules of one kind of room. A plain struct: no clock, no I/O, no thread; the same calls give the same bytes.
///
/// Order of calls: [`init`](Self::init) once; then, between ticks and as they arrive, `join_attempt` + `join`, `leave`,
/// `connection_lost`, `connection_back` and `signal`; and [`tick`](Self::tick) at the room's rate while anybody holds a seat.
/// Everything that happened is recorded, so a run can be replayed bit for bit.
/// A panic closes this room alone, with its seed and last inputs kept.
pub trait Game: Send + Sized + 'static {
    /// Version of the snapshot's layout, given back to [`restore`](Self::restore). Raise it when the layout changes.
    const SNAPSHOT_VERSION: u32 = 1;

    /// Makes a room. `setup.params` are the creator's bytes, JSON by convention, empty when none were given.
    ///
    /// # Errors
    /// A reason why these parameters make no room; it reaches the creator.
    fn init(setup: Setup<'_>) -> Result<(Self, Settings), InitError>;

    /// May this person take a seat? Called before the seat exists; changes made here stay even when the answer is no.
    ///
    /// # Errors
    /// A [`Refusal`] whose reason the person is told.
    fn join_attempt(
        &mut self,
        room: &mut Room<'_>,
        person: &Person,
        metadata: &Metadata,
    ) -> Result<(), Refusal> {
        let _ = (room, person, metadata);
        Ok(())
    }

    /// The seat is taken. Sends made here reach the newcomer after the answer to the join.
    fn join(&mut self, room: &mut Room<'_>, seat: SeatIndex);

    /// The seat is free again; [`Room::seat`] still knows it during this call.
    fn leave(&mut self, room: &mut Room<'_>, seat: SeatIndex, reason: LeaveReason);

    /// The connection is gone and the seat is held for [`Settings::seat_hold_ms`].
    fn connection_lost(&mut self, room: &mut Room<'_>, seat: SeatIndex) {
        let _ = (room, seat);
    }

    /// The person is back on the same seat with another connection.
    fn connection_back(&mut self, room: &mut Room<'_>, seat: SeatIndex) {
        let _ = (room, seat);
    }

    /// One step of [`Settings::tick_rate_hz`]. `inputs` are what arrived since the last tick, in order of arrival.
    fn tick(&mut self, room: &mut Room<'_>, inputs: &[Input]);

    /// What `viewer` sees after this tick, appended to `out`; answers the op code to send it under, or none to send nothing.
    ///
    /// Read-only, never recorded and outside the state hash: encoding is not state. A game with many viewers has an
    /// [`encoder`](Self::encoder) of its own instead.
    fn view(&self, viewer: SeatIndex, out: &mut Vec<u8>) -> Option<i64> {
        let _ = (viewer, out);
        None
    }

    /// What encodes the views of this room. By default each viewer's [`view`](Self::view), without a memory.
    fn encoder(&self) -> Box<dyn Encoder<Self>> {
        Box::new(EachView)
    }

    /// A question from server code; the bytes returned are its answer.
    fn signal(&mut self, room: &mut Room<'_>, data: &[u8]) -> Vec<u8> {
        let _ = (room, data);
        Vec::new()
    }

    /// The server stops in `grace_ms` milliseconds; ticks go on until then unless the game closes the room.
    fn terminate(&mut self, room: &mut Room<'_>, grace_ms: u32) {
        let _ = (room, grace_ms);
    }

    /// Appends the whole state. The state hash is the hash of these bytes, so nothing that matters may be left out.
    fn snapshot(&self, out: &mut Vec<u8>);

    /// The game as it was when [`snapshot`](Self::snapshot) wrote `bytes` under `version`.
    ///
    /// # Errors
    /// The bytes are of an unknown version, cut short or impossible.
    fn restore(version: u32, bytes: &[u8]) -> Result<Self, RestoreError>;
}

/// What a new room is made from.
#[derive(Debug)]
pub struct Setup<'a> {
    /// The creator's parameters, opaque here; JSON by convention.
    pub params: &'a [u8],
    /// The room's generator, already seeded; later calls get the same one as [`Room::rng`].
    pub rng: &'a mut Rng,
}

/// Properties of a room that its host keeps for it. Fixed at `init`, but for the label.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Settings {
    /// Ticks per second, 1..=60; other values are clamped.
    pub tick_rate_hz: u8,
    /// Ticks that may run before their time (0..=[`crate::AHEAD_TICKS_MAX`]). When an input waits for a tick, one runs at
    /// once; those that follow wait until the beat has caught up. Tick numbers, and [`Room::elapsed_ms`] with them, are
    /// never further ahead of the beat than this. For games whose players wait for an answer and not for a movement.
    pub ahead_ticks: u8,
    /// Seats at most, 1..=[`crate::SEATS_MAX`]. A join beyond it is refused before the game is asked.
    pub seats_max: u16,
    /// Time a seat stays reserved after its connection is lost, in milliseconds (0..=120,000).
    /// 0: the seat is freed at once, as clients of the old protocol expect.
    pub seat_hold_ms: u32,
    /// Time after which an empty room closes, in milliseconds; 0: never.
    pub empty_ms: u32,
    /// Memory for the recording, in bytes; 0: not recorded.
    pub recording_bytes_max: u32,
    /// Whether members are told of each other: who is there at their join, who comes and who goes.
    /// In a room of thousands that is more than the game itself; there the game shows who is in sight.
    pub presences: bool,
    /// Time that what the room sends may wait on its way so that several messages to a client share a write, in
    /// milliseconds (0..=1,000). 0: each leaves with the turn of the server in which it was sent. Views never wait, and
    /// take along what does.
    pub gather_ms: u16,
    /// What match listings show, at most [`crate::LABEL_BYTES_MAX`] bytes; JSON by convention.
    pub label: String,
}

impl Default for Settings {
    /// 10 Hz and never ahead, 64 seats, nothing held, closes when empty for a minute, not recorded, members know of each
    /// other, nothing waits, no label.
    fn default() -> Self {
        Self {
            tick_rate_hz: 10,
            ahead_ticks: 0,
            seats_max: 64,
            seat_hold_ms: 0,
            empty_ms: 60_000,
            recording_bytes_max: 0,
            presences: true,
            gather_ms: 0,
            label: String::new(),
        }
    }
}

/// Who sits, or wants to sit, on a seat.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Person {
    /// The account.
    pub user_id: UserId,
    /// The connection that took the seat. It stays the seat's public name when the connection is replaced.
    pub session_id: SessionId,
    /// The account's user name at login.
    pub username: Arc<str>,
}

/// What a client sent along with its join: up to [`crate::METADATA_ENTRIES_MAX`] entries.
pub type Metadata = BTreeMap<String, String>;

/// Something that reached the room since the last tick.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Input {
    /// A message from a seat.
    Message(Message),
    /// The result of [`Room::compute`] with this token.
    Computed {
        /// As given to the call.
        token: u64,
        /// What the job returned; empty if it panicked.
        data: Bytes,
    },
    /// The result of [`Room::store`] with this token.
    Stored {
        /// As given to the call.
        token: u64,
        /// The values asked for, or why there are none.
        result: StoreResult,
    },
    /// The answer to [`Room::call`] with this token.
    Called {
        /// As given to the call.
        token: u64,
        /// What server code answered, or why it did not.
        result: CallResult,
    },
}

/// A client's message to an authoritative room.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Message {
    /// Whose message it is.
    pub seat: SeatIndex,
    /// The client's op code.
    pub op: i64,
    /// The client's bytes; a claim, never a fact.
    pub data: Bytes,
}

/// Whom a send reaches. Seats whose connection is lost are left out.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum To {
    /// Everybody in the room.
    All,
    /// Everybody else.
    AllBut(SeatIndex),
    /// One seat.
    One(SeatIndex),
    /// These seats, in this order; unknown ones are skipped.
    Seats(Vec<SeatIndex>),
}

/// How a message must arrive. On WebSocket and TCP everything is reliable and ordered;
/// the classes count on transports and connections that negotiated extensions.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Class {
    /// Every message, in order.
    #[default]
    ReliableOrdered,
    /// Every message, in any order.
    ReliableUnordered,
    /// The latest wins; older ones are never delivered after newer ones.
    Sequenced,
    /// Perhaps, in any order.
    Unreliable,
}

/// Why a seat was freed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LeaveReason {
    /// The client asked for it.
    Left,
    /// The connection was lost and nothing was held, or the hold ran out.
    Disconnected,
    /// [`Room::kick`], or server code.
    Kicked,
    /// The room closes.
    Closed,
}

/// Why a person may not take a seat; `reason` reaches the client.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("join refused: {reason}")]
pub struct Refusal {
    /// A sentence for the person, without a full stop.
    pub reason: String,
}

impl Refusal {
    /// A refusal with this reason.
    pub fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
        }
    }
}

/// Why parameters make no room.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("make a room: {reason}")]
pub struct InitError {
    /// What is wrong with the parameters.
    pub reason: String,
}

impl InitError {
    /// An error with this reason.
    pub fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
        }
    }
}

/// Why a snapshot is not one of this game.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("restore a room: {reason}")]
pub struct RestoreError {
    /// What is wrong with the bytes.
    pub reason: String,
}

impl RestoreError {
    /// An error with this reason.
    pub fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
        }
    }
}
