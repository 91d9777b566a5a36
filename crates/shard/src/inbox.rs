//! How everybody else reaches a shard: a bounded list of commands and a waker.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tagus_base::{ConnIndex, RoomId, SeatIndex, SessionId, UserId, Uuid};
use tagus_net::{Permit, Socket};
use tagus_room::{CallResult, Factory, InitError, LeaveReason, Metadata, Person, StoreResult};
use tagus_wire::Format;
use tagus_wire::realtime::Envelope;

use crate::encode::Lane;
use crate::metrics::{DropReason, Drops};
use crate::upstream::Identity;
use crate::views::{ViewGate, Views};

/// One connection: its shard, its index there, and how often that index was reused.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ConnRef {
    pub(crate) shard: u16,
    pub(crate) index: ConnIndex,
    pub(crate) generation: u32,
}

/// A socket that comes to a shard.
#[derive(Debug)]
pub struct Arrival {
    /// The socket, after the upgrade (WebSocket) or right after the accept (TCP).
    pub socket: Socket,
    /// Where it comes from, after trusted proxies.
    pub address: IpAddr,
    /// Bytes that were read along with the upgrade.
    pub leftover: Bytes,
    /// What it speaks.
    pub kind: ArrivalKind,
    /// Kept until the connection closes; frees its place in the address table when dropped.
    pub permit: Permit,
}

/// What an arriving socket speaks.
#[derive(Debug)]
pub enum ArrivalKind {
    /// A WebSocket whose token was checked with the upgrade.
    WebSocket {
        /// Whose it is.
        identity: Identity,
        /// Text frames of JSON or binary frames of protobuf.
        format: Format,
        /// Negotiated extensions.
        ext: bool,
    },
    /// Length-prefixed protobuf, the hello still to come.
    Tcp,
}

/// An authoritative room to be opened.
pub struct RoomOpening {
    /// Its id.
    pub id: RoomId,
    /// Stable name of a default room, or empty.
    pub name: Arc<str>,
    /// Name of the game.
    pub game: Arc<str>,
    /// Its rules.
    pub factory: Factory,
    /// The creator's parameters.
    pub params: Bytes,
    /// Seed of the room's generator.
    pub seed: u64,
    /// Called on the shard's thread with the outcome.
    pub done: Box<dyn FnOnce(Result<(), InitError>) + Send>,
}

/// Why no seat was reserved.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NotReserved {
    /// There is no such room, or it is over.
    #[error("reserve seats in a room that does not exist")]
    NotFound,
    /// It is a relayed match, which has no seats to reserve.
    #[error("reserve seats in a relayed match")]
    Relayed,
    /// Not that many seats are free.
    #[error("reserve more seats than are free")]
    Full,
    /// They are more than [`tagus_room::RESERVE_USERS_MAX`].
    #[error("reserve seats for too many people at once")]
    TooMany,
}

pub(crate) type BytesDone = Box<dyn FnOnce(Option<Vec<u8>>) + Send>;
pub(crate) type ReserveDone = Box<dyn FnOnce(Result<(), NotReserved>) + Send>;

pub(crate) enum Command {
    Adopt(Box<Arrival>),
    Answer {
        to: ConnRef,
        envelope: Envelope,
    },
    Resume {
        to: ConnRef,
        envelope: Envelope,
    },
    Refuse {
        to: ConnRef,
        envelope: Envelope,
    },
    Push {
        to: Vec<ConnRef>,
        envelope: Envelope,
    },
    Close {
        to: ConnRef,
        reason: &'static str,
    },
    CloseToken {
        token_id: Uuid,
        reason: &'static str,
    },
    CloseUser {
        user_id: UserId,
        reason: &'static str,
    },
    Room {
        id: RoomId,
        command: RoomCommand,
    },
    /// What connections of another shard say to rooms of this one, in their order.
    Rooms(Vec<(RoomId, RoomCommand)>),
    Deliver(Vec<Delivery>),
    Views(Views),
    Terminate {
        grace: Duration,
    },
    Stop,
}

pub(crate) enum RoomCommand {
    Open(Box<RoomOpening>),
    Join(Box<JoinRequest>),
    Leave {
        from: ConnRef,
        seat: SeatIndex,
    },
    Data(RoomMessage),
    Gone {
        from: ConnRef,
        seat: SeatIndex,
    },
    Computed {
        token: u64,
        data: Bytes,
    },
    Stored {
        token: u64,
        result: StoreResult,
    },
    Called {
        token: u64,
        result: CallResult,
    },
    Signal {
        data: Vec<u8>,
        done: BytesDone,
    },
    Recording {
        done: BytesDone,
    },
    Kick {
        session_id: SessionId,
    },
    Reserve {
        users: Vec<UserId>,
        hold: Duration,
        done: ReserveDone,
    },
    Unreserve {
        users: Vec<UserId>,
    },
    Close,
}

pub(crate) struct JoinRequest {
    pub(crate) from: ConnRef,
    pub(crate) lane: Lane,
    pub(crate) gate: ViewGate,
    pub(crate) person: Person,
    pub(crate) cid: String,
    pub(crate) metadata: Metadata,
    /// The room is made if it does not exist, as a relayed match.
    pub(crate) create: bool,
}

pub(crate) struct RoomMessage {
    pub(crate) from: ConnRef,
    pub(crate) seat: SeatIndex,
    pub(crate) op: i64,
    pub(crate) data: Bytes,
    pub(crate) reliable: bool,
    pub(crate) to: Vec<SessionId>,
    /// The tick of the last snapshot that the client has applied, modulo 2^32; 0 says nothing.
    pub(crate) applied_tick: u32,
}

/// Something that a room's shard hands to a connection's shard.
pub(crate) struct Delivery {
    pub(crate) to: ConnRef,
    pub(crate) what: Parcel,
}

pub(crate) enum Parcel {
    /// An encoded frame, shared by all who get it.
    Frame(Bytes),
    /// One that may wait for so many milliseconds, so that others share its write.
    Gathered { frame: Bytes, wait_ms: u16 },
    /// The connection has a seat. Precedes the answer to the join.
    Entered {
        room: RoomId,
        number: u32,
        seat: SeatIndex,
    },
    /// The seat is no longer this connection's. The reason decides nothing; it is for the log.
    Out { room: RoomId, reason: LeaveReason },
}

/// The commands waiting for one shard.
pub(crate) struct Inbox {
    commands: Mutex<Vec<Command>>,
    awake: AtomicBool,
    waker: mio::Waker,
}

impl Inbox {
    pub(crate) fn new(waker: mio::Waker) -> Self {
        Self {
            commands: Mutex::new(Vec::new()),
            awake: AtomicBool::new(false),
            waker,
        }
    }

    /// Adds a command. False when [`COMMANDS_MAX`] are waiting and the command was dropped.
    pub(crate) fn push(&self, command: Command) -> bool {
        {
            let mut commands = self.lock();
            if commands.len() >= COMMANDS_MAX {
                return false;
            }
            commands.push(command);
        }
        if !self.awake.swap(true, Ordering::AcqRel) {
            // A failing eventfd means the poll is gone, and with it the shard.
            drop(self.waker.wake());
        }
        true
    }

    /// Moves everything that waits into `into`, which must be empty.
    pub(crate) fn take(&self, into: &mut Vec<Command>) {
        self.awake.store(false, Ordering::Release);
        std::mem::swap(&mut *self.lock(), into);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Command>> {
        self.commands.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A handle to all shards of this node; cheap to clone, usable from any thread.
#[derive(Clone)]
pub struct Shards {
    pub(crate) inboxes: Arc<Vec<Arc<Inbox>>>,
    pub(crate) drops: Drops,
}

impl Shards {
    /// The shard that holds this room; a pure function of its id.
    pub(crate) fn of_room(&self, id: &RoomId) -> u16 {
        let [a, b, c, d, ..] = id.uuid.0;
        let hash = u32::from_le_bytes([a, b, c, d]);
        (hash as usize % self.inboxes.len()) as u16
    }

    /// Hands a new socket to a shard, spread by its session. False when that shard is overloaded; the socket is closed.
    pub fn adopt(&self, turn: usize, arrival: Arrival) -> bool {
        let index = turn % self.inboxes.len();
        let adopted = self.inboxes[index].push(Command::Adopt(Box::new(arrival)));
        if !adopted {
            self.drops.inc(DropReason::CommandQueueFull);
        }
        adopted
    }

    /// Answers a request that was handed up; the next request of that connection may follow.
    pub fn answer(&self, to: ConnRef, envelope: Envelope) {
        self.send(to.shard, Command::Answer { to, envelope });
    }

    /// Lets an intercepted message go on to its room, changed or not.
    pub fn resume(&self, to: ConnRef, envelope: Envelope) {
        self.send(to.shard, Command::Resume { to, envelope });
    }

    /// Delivers an error and then closes the connection.
    pub fn refuse(&self, to: ConnRef, envelope: Envelope) {
        self.send(to.shard, Command::Refuse { to, envelope });
    }

    /// Pushes a message that is nobody's answer to many connections; each shard encodes it once for each kind of client.
    pub fn push(&self, to: impl IntoIterator<Item = ConnRef>, envelope: &Envelope) {
        let mut by_shard: Vec<Vec<ConnRef>> = vec![Vec::new(); self.inboxes.len()];
        for conn in to {
            if let Some(list) = by_shard.get_mut(usize::from(conn.shard)) {
                list.push(conn);
            }
        }
        for (shard, to) in by_shard.into_iter().enumerate() {
            if !to.is_empty() {
                let envelope = envelope.clone();
                self.send(shard as u16, Command::Push { to, envelope });
            }
        }
    }

    /// Closes one connection; what was queued for it before is still delivered.
    pub fn close(&self, to: ConnRef, reason: &'static str) {
        self.send(to.shard, Command::Close { to, reason });
    }

    /// Closes all connections that this login opened.
    pub fn close_token(&self, token_id: Uuid, reason: &'static str) {
        for index in 0..self.inboxes.len() {
            self.send(index as u16, Command::CloseToken { token_id, reason });
        }
    }

    /// Closes all connections of this account.
    pub fn close_user(&self, user_id: UserId, reason: &'static str) {
        for index in 0..self.inboxes.len() {
            self.send(index as u16, Command::CloseUser { user_id, reason });
        }
    }

    /// Opens an authoritative room on the shard that its id names.
    pub fn open_room(&self, opening: RoomOpening) {
        self.room(opening.id, RoomCommand::Open(Box::new(opening)));
    }

    /// Brings a job's result to its room.
    pub fn computed(&self, id: RoomId, token: u64, data: Bytes) {
        self.room(id, RoomCommand::Computed { token, data });
    }

    /// Brings what came of a store operation to its room.
    pub fn stored(&self, id: RoomId, token: u64, result: StoreResult) {
        self.room(id, RoomCommand::Stored { token, result });
    }

    /// Brings the answer of server code to its room.
    pub fn called(&self, id: RoomId, token: u64, result: CallResult) {
        self.room(id, RoomCommand::Called { token, result });
    }

    /// Asks a room's game; `done` gets none when the room does not exist or is a relayed match.
    pub fn signal(
        &self,
        id: RoomId,
        data: Vec<u8>,
        done: impl FnOnce(Option<Vec<u8>>) + Send + 'static,
    ) {
        self.room(
            id,
            RoomCommand::Signal {
                data,
                done: Box::new(done),
            },
        );
    }

    /// Takes a room's recording; `done` gets none when there is no such room or it is not recorded.
    pub fn recording(&self, id: RoomId, done: impl FnOnce(Option<Vec<u8>>) + Send + 'static) {
        let done = Box::new(done);
        self.room(id, RoomCommand::Recording { done });
    }

    /// Frees the seat of this connection.
    pub fn kick(&self, id: RoomId, session_id: SessionId) {
        self.room(id, RoomCommand::Kick { session_id });
    }

    /// Keeps a seat free for each of these people, for all or for none; see [`tagus_room::Host::reserve`].
    /// `done` is called on the shard's thread with the outcome, after listings have it.
    pub fn reserve(
        &self,
        id: RoomId,
        users: Vec<UserId>,
        hold: Duration,
        done: impl FnOnce(Result<(), NotReserved>) + Send + 'static,
    ) {
        let done = Box::new(done);
        self.room(id, RoomCommand::Reserve { users, hold, done });
    }

    /// Ends the reservations that these people have in the room.
    pub fn unreserve(&self, id: RoomId, users: Vec<UserId>) {
        self.room(id, RoomCommand::Unreserve { users });
    }

    /// Ends an authoritative room: every seat is freed.
    pub fn close_room(&self, id: RoomId) {
        self.room(id, RoomCommand::Close);
    }

    /// Tells every room that the server stops in `grace`.
    pub fn terminate(&self, grace: Duration) {
        for index in 0..self.inboxes.len() {
            self.send(index as u16, Command::Terminate { grace });
        }
    }

    /// Closes every connection and ends the threads.
    pub fn stop(&self) {
        for index in 0..self.inboxes.len() {
            self.send(index as u16, Command::Stop);
        }
    }

    fn room(&self, id: RoomId, command: RoomCommand) {
        self.send(self.of_room(&id), Command::Room { id, command });
    }

    pub(crate) fn send(&self, shard: u16, command: Command) {
        if let Some(inbox) = self.inboxes.get(usize::from(shard))
            && !inbox.push(command)
        {
            self.drops.inc(DropReason::CommandQueueFull);
            tracing::error!(shard, "command dropped: the shard does not keep up");
        }
    }
}

/// Commands that may wait for one shard, a batch being one. Beyond it a command is dropped, counted and logged: the shard is stuck.
const COMMANDS_MAX: usize = 1 << 20;
