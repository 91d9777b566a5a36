//! A second language for the same world: the public Agar protocol, versions 5 to 10, so that an existing client of it
//! plays here. One [`AgarClient`] stands between such a client and a seat: its frames become commands of the room, and
//! the room's messages become its frames. The room knows nothing of it.
//!
//! What differs from the servers that this protocol comes from: the rules are this arena's, the corner of the map is at
//! (0, 0), chat is not passed on, and skins are not shown.

mod dialect;
mod request;
mod update;

use std::collections::BTreeMap;

use tagus_replication::{Replica, Schema};

use crate::command::Command;
use crate::messages::op;
use crate::players::PlayerName;
use crate::view::Own;
use dialect::Dialect;
use request::Request;
use update::Known;

/// Why the connection ends: a close code of WebSocket.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AgarClose {
    /// What the client sent is not of the protocol: 1003.
    Violation,
    /// A message of no or of too many bytes: 1009.
    Length,
    /// The room sent what it should not: 1011.
    Fault,
}

impl AgarClose {
    /// The code.
    #[must_use]
    pub const fn code(self) -> u16 {
        match self {
            Self::Violation => 1003,
            Self::Length => 1009,
            Self::Fault => 1011,
        }
    }
}

/// One client of the Agar protocol on a seat of an arena.
///
/// Take the seat when [`AgarClient::is_open`] is true for the first time; after the room's messages ask
/// [`AgarClient::poll_room`] until it answers none.
#[derive(Debug, Default)]
pub struct AgarClient {
    opening: Opening,
    seat: Option<Seated>,
    /// The last wish to play or to watch from before the seat was taken.
    early: Option<Request>,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Opening {
    #[default]
    Version,
    Key(Dialect),
    Done(Dialect),
}

/// What is known of the world since the room greeted.
#[derive(Debug)]
struct Seated {
    dialect: Dialect,
    size: f32,
    own: u16,
    replica: Replica,
    /// Names by owner.
    names: BTreeMap<u16, String>,
    /// What the client was told, by id.
    known: BTreeMap<u32, Known>,
    alive: bool,
}

impl AgarClient {
    /// The client has said which protocol it speaks.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.opening, Opening::Done(_))
    }

    /// A binary message of the client. Appends what it says to the room, each with its op code, and answers to it.
    ///
    /// # Errors
    /// The connection is to be closed.
    pub fn handle_frame(
        &mut self,
        frame: &[u8],
        to_room: &mut Vec<(i64, Vec<u8>)>,
        to_client: &mut Vec<Vec<u8>>,
    ) -> Result<(), AgarClose> {
        if frame.is_empty() || frame.len() > FRAME_BYTES_MAX {
            return Err(AgarClose::Length);
        }
        match (self.opening, frame) {
            (Opening::Version, [OP_VERSION, version @ ..]) => {
                let (version, _) = version.split_first_chunk().ok_or(AgarClose::Violation)?;
                let dialect = Dialect::of_version(u32::from_le_bytes(*version));
                self.opening = Opening::Key(dialect.ok_or(AgarClose::Violation)?);
                Ok(())
            }
            (Opening::Version, _) => Err(AgarClose::Violation),
            (Opening::Key(dialect), [OP_KEY, key @ ..]) if key.len() >= 4 => {
                self.opening = Opening::Done(dialect);
                Ok(())
            }
            (Opening::Key(_), [OP_KEY, ..]) => Err(AgarClose::Violation),
            // What comes before the key is not listened to.
            (Opening::Key(_), _) => Ok(()),
            (Opening::Done(dialect), _) => {
                let request = Request::decode(dialect, frame).ok_or(AgarClose::Violation)?;
                self.handle_request(&request, to_room, to_client);
                Ok(())
            }
        }
    }

    fn handle_request(
        &mut self,
        request: &Request,
        to_room: &mut Vec<(i64, Vec<u8>)>,
        to_client: &mut Vec<Vec<u8>>,
    ) {
        let Some(seat) = &self.seat else {
            if matches!(request, Request::Spawn { .. } | Request::Spectate) {
                self.early = Some(request.clone());
            }
            return;
        };
        let mut say = |command: Command<'_>| {
            let mut data = Vec::new();
            let op = command.encode(&mut data);
            to_room.push((op, data));
        };
        match request {
            Request::Spawn { name } => say(Command::Spawn {
                hue: (seat.own as u8).wrapping_mul(HUE_STEP),
                name: cut(name),
            }),
            Request::Spectate => say(Command::Spectate),
            Request::Pointer { x, y } => {
                let position = |at: &i32| {
                    let part = f64::from(*at) / f64::from(seat.size);
                    (part.clamp(0.0, 1.0) * 65_535.0 + 0.5) as u16
                };
                let (x, y) = (position(x), position(y));
                say(Command::Steer { x, y });
            }
            Request::Split => say(Command::Split),
            Request::Eject => say(Command::Eject),
            Request::QDown => {
                // Who lets go never says so in one client: each press counts.
                if !seat.alive {
                    say(Command::Spectate);
                }
            }
            Request::Statistics => to_client.push(update::statistics(seat)),
            Request::QUp | Request::Ignored => {}
        }
    }

    /// What the client said too early and the room is to hear now.
    pub fn poll_room(&mut self) -> Option<(i64, Vec<u8>)> {
        self.seat.as_ref()?;
        let request = self.early.take()?;
        let mut to_room = Vec::new();
        self.handle_request(&request, &mut to_room, &mut Vec::new());
        to_room.pop()
    }

    /// A message of the room. Appends the frames that it is for the client, in order.
    ///
    /// # Errors
    /// The room's messages are not an arena's.
    pub fn handle_room(
        &mut self,
        op: i64,
        data: &[u8],
        to_client: &mut Vec<Vec<u8>>,
    ) -> Result<(), AgarClose> {
        let Opening::Done(dialect) = self.opening else {
            return Err(AgarClose::Fault);
        };
        if op == op::WORLD {
            let seated = Seated::new(dialect, data).ok_or(AgarClose::Fault)?;
            to_client.push(update::border(dialect, seated.size));
            self.seat = Some(seated);
            return Ok(());
        }
        let Some(seat) = &mut self.seat else {
            return Ok(());
        };
        match op {
            op::PLAYERS => seat.take_players(data).ok_or(AgarClose::Fault),
            op::BOARD => {
                to_client.push(seat.board(data).ok_or(AgarClose::Fault)?);
                Ok(())
            }
            op::VIEW => {
                seat.replica.apply(data).map_err(|_| AgarClose::Fault)?;
                let own = Own::parse(&seat.replica.own().state).ok_or(AgarClose::Fault)?;
                seat.alive = own.alive;
                seat.tell(own, to_client);
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

impl Seated {
    fn new(dialect: Dialect, mut world: &[u8]) -> Option<Self> {
        let size = f32::from_le_bytes(take(&mut world)?);
        let [_rate] = take(&mut world)?;
        let own = u16::from_le_bytes(take(&mut world)?);
        // Players at most, and how near and far the camera goes.
        let _: [u8; 6] = take(&mut world)?;
        let schema = Schema::parse(world).ok()?;
        Some(Self {
            dialect,
            size,
            own,
            replica: Replica::new(schema),
            names: BTreeMap::new(),
            known: BTreeMap::new(),
            alive: false,
        })
    }

    fn take_players(&mut self, mut data: &[u8]) -> Option<()> {
        let [whole] = take(&mut data)?;
        if whole == 1 {
            self.names.clear();
        }
        for _ in 0..u16::from_le_bytes(take(&mut data)?) {
            let owner = u16::from_le_bytes(take(&mut data)?);
            let [_flags, _hue, length] = take(&mut data)?;
            let (name, rest) = data.split_at_checked(usize::from(length))?;
            data = rest;
            let name = str::from_utf8(name).ok()?;
            self.names.insert(owner, name.to_owned());
        }
        for _ in 0..u16::from_le_bytes(take(&mut data)?) {
            self.names.remove(&u16::from_le_bytes(take(&mut data)?));
        }
        Some(())
    }

    fn board(&self, mut data: &[u8]) -> Option<Vec<u8>> {
        let [count] = take(&mut data)?;
        let mut frame = vec![update::OP_BOARD];
        frame.extend_from_slice(&u32::from(count).to_le_bytes());
        for _ in 0..count {
            let owner = u16::from_le_bytes(take(&mut data)?);
            let _score: [u8; 4] = take(&mut data)?;
            frame.extend_from_slice(&u32::from(owner == self.own).to_le_bytes());
            self.dialect.put_text(&mut frame, self.name(owner));
        }
        Some(frame)
    }

    fn name(&self, owner: u16) -> &str {
        self.names.get(&owner).map_or("", String::as_str)
    }
}

/// A name at most as long as the room takes it.
fn cut(name: &str) -> &str {
    let mut length = name.len().min(PlayerName::BYTES_MAX);
    while !name.is_char_boundary(length) {
        length -= 1;
    }
    &name[..length]
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, behind) = rest.split_first_chunk()?;
    *rest = behind;
    Some(*head)
}

/// Length of a message of a client at most, in bytes.
const FRAME_BYTES_MAX: usize = 512;
const OP_VERSION: u8 = 0xfe;
const OP_KEY: u8 = 0xff;
/// Seats beside each other get colours that are far apart.
const HUE_STEP: u8 = 97;
