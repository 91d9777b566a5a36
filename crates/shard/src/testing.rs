//! What tests of this crate have in common: a house that only listens, and a shard's rooms without its thread.

use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tagus_base::{ConnIndex, RoomId, SeatIndex, SessionId, UnixMillis, UserId, Uuid};
use tagus_net::{Addresses, Socket};
use tagus_room::{Factory, Game, Job, Person, Seek, StoreOp};
use tagus_wire::ext::Hello;
use tagus_wire::realtime::Envelope;
use tagus_wire::{Format, MessageKind};

use crate::encode::Lane;
use crate::inbox::{
    Arrival, ArrivalKind, ConnRef, JoinRequest, NotReserved, RoomCommand, RoomMessage, RoomOpening,
};
use crate::metrics::ShardMetrics;
use crate::room_table::{Outgoing, RoomLimits, RoomTable};
use crate::shard::Shard;
use crate::start::{Config, prepare};
use crate::upstream::{Call, Identity, NoRoom, Refused, Requester, RoomSummary, Upstream};
use crate::views::ViewGate;

/// Notes what a room tells of its seats and of whom it looks for.
#[derive(Default)]
pub(crate) struct House {
    notes: Mutex<Vec<String>>,
    drawn: AtomicU8,
}

impl House {
    fn note(&self, line: String) {
        self.notes.lock().unwrap().push(line);
    }
}

impl Upstream for House {
    fn admit(&self, _: &Hello, _: IpAddr) -> Result<Identity, Refused> {
        unreachable!("nobody connects")
    }
    fn match_token(&self, _: &str) -> Option<RoomId> {
        None
    }
    fn room_of_code(&self, _: &Requester, _: &str) -> Result<RoomId, NoRoom> {
        unreachable!("nobody has a code")
    }
    fn intercepts(&self, _: MessageKind) -> bool {
        false
    }
    fn request(&self, _: Requester, _: Envelope) {}
    fn connected(&self, _: &Requester) {}
    fn disconnected(&self, _: &Requester) {}
    fn room_changed(&self, summary: RoomSummary) {
        self.note(format!(
            "{} taken, {} reserved",
            summary.size, summary.reserved
        ));
    }
    fn room_closed(&self, _: RoomId) {
        self.note("closed".to_owned());
    }
    fn seat_taken(&self, _: RoomId, _: &Person) {}
    fn seat_freed(&self, _: RoomId, _: &Person) {}
    fn room_failed(&self, _: RoomId, _: &str, _: u64, _: Vec<u8>) {}
    fn compute(&self, _: RoomId, _: u64, _: Job) {}
    fn store(&self, _: RoomId, _: &str, _: u64, _: StoreOp) {}
    fn call(&self, _: RoomId, _: Call) {}
    fn seek(&self, _: RoomId, seek: Option<Seek>, present: &[Person]) {
        let players = seek.map(|seek| seek.players);
        self.note(format!("seeks {players:?} beside {}", present.len()));
    }
    fn room_uuid(&self, _: &str) -> Uuid {
        Uuid::NIL
    }
    fn random(&self) -> [u8; 16] {
        [self.drawn.fetch_add(1, Ordering::Relaxed); 16]
    }
}

pub(crate) const IDLE: Duration = Duration::from_secs(1);

/// A shard without its thread.
pub(crate) fn shard() -> Shard {
    first_of(1)
}

/// The first of so many.
pub(crate) fn first_of(shard_count: usize) -> Shard {
    let metrics = ShardMetrics::register(&mut Default::default());
    let mut unstarted = prepare(shard_count, &metrics).unwrap();
    let config = Config {
        shard_count,
        message_bytes_max: 4_096,
        queue_bytes_max: 4_096,
        unsent_bytes_max: 4_096,
        hello_timeout: IDLE,
        ping_interval: IDLE * 10,
        pong_wait: IDLE * 20,
        close_linger: IDLE,
        tick_ms_max: 0,
        relayed_gather_ms: 0,
        snapshot_lag_ms_max: 0,
        single_match: false,
        named_rooms: Default::default(),
    };
    let place = (0, unstarted.polls.remove(0));
    let house = Arc::new(House::default());
    Shard::new(
        place,
        Instant::now(),
        unstarted.shards,
        Arc::new(config),
        house,
        metrics,
    )
}

/// A connection, and its other end.
pub(crate) fn connect(shard: &mut Shard, format: Format, ext: bool) -> (ConnRef, TcpStream) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    client.set_nonblocking(true).unwrap();
    client.set_nodelay(true).unwrap();
    let address = IpAddr::from(Ipv4Addr::LOCALHOST);
    let identity = Identity {
        user_id: UserId(Uuid::NIL),
        username: "somebody".into(),
        token_id: Uuid::NIL,
        issued_at: UnixMillis(0),
        vars: Default::default(),
        appears_online: true,
        lang: String::new(),
        arrival: 0,
    };
    shard.adopt(Arrival {
        socket: Socket::plain(listener.accept().unwrap().0).unwrap(),
        address,
        leftover: Bytes::new(),
        kind: ArrivalKind::WebSocket {
            identity,
            format,
            ext,
        },
        permit: Addresses::new(&Default::default()).take(address).unwrap(),
    });
    let index = shard.connections.len() as u32 - 1;
    (shard.reference(index).unwrap(), client)
}

pub(crate) fn conn(shard: u16, number: u8) -> ConnRef {
    ConnRef {
        shard,
        index: ConnIndex(number.into()),
        generation: 0,
    }
}

/// A shard's rooms of which one is open.
pub(crate) struct Rooms {
    pub(crate) table: RoomTable,
    house: Arc<House>,
    pub(crate) out: Outgoing,
}

pub(crate) const ROOM: RoomId = RoomId {
    uuid: Uuid([1; 16]),
    home: None,
};

pub(crate) fn user(number: u8) -> UserId {
    UserId(Uuid([number; 16]))
}

impl Rooms {
    /// On shard 0 of two.
    pub(crate) fn open<G: Game>(limits: RoomLimits) -> Self {
        let house = Arc::new(House::default());
        let metrics = ShardMetrics::register(&mut Default::default());
        let table = RoomTable::new(0, 2, limits, house.clone(), metrics);
        let mut rooms = Self {
            table,
            house,
            out: Outgoing::new(2),
        };
        let opening = RoomOpening {
            id: ROOM,
            name: "".into(),
            game: "tested".into(),
            factory: Factory::of::<G>(),
            params: Bytes::new(),
            seed: 1,
            done: Box::new(|opened| opened.unwrap()),
        };
        rooms.command(RoomCommand::Open(Box::new(opening)));
        rooms
    }

    pub(crate) fn command(&mut self, command: RoomCommand) {
        self.table
            .handle(Duration::ZERO, ROOM, command, &mut self.out);
    }

    /// Somebody joins from shard 0.
    pub(crate) fn join(&mut self, number: u8) -> ViewGate {
        self.join_from(0, number)
    }

    pub(crate) fn join_from(&mut self, shard: u16, number: u8) -> ViewGate {
        let gate = ViewGate::default();
        let from = conn(shard, number);
        self.command(RoomCommand::Join(Box::new(JoinRequest {
            from,
            lane: Lane::Tcp { ext: false },
            gate: gate.clone(),
            person: Person {
                user_id: user(number),
                session_id: SessionId(Uuid([number; 16])),
                username: "somebody".into(),
            },
            cid: String::new(),
            metadata: [].into(),
            create: false,
        })));
        gate
    }

    /// An empty message from the seat of this number, with the tick that it says was applied.
    pub(crate) fn say(&mut self, number: u8, applied_tick: u32) {
        self.command(RoomCommand::Data(RoomMessage {
            from: conn(0, number),
            seat: SeatIndex(number.into()),
            op: 1,
            data: Bytes::new(),
            reliable: true,
            to: Vec::new(),
            applied_tick,
        }));
    }

    pub(crate) fn reserve(&mut self, users: &[u8]) -> Result<(), NotReserved> {
        let (told, heard) = std::sync::mpsc::channel();
        let command = RoomCommand::Reserve {
            users: users.iter().copied().map(user).collect(),
            hold: Duration::from_secs(1),
            done: Box::new(move |result| told.send(result).unwrap()),
        };
        self.command(command);
        heard.recv().unwrap()
    }

    pub(crate) fn signal(&mut self, data: &[u8]) {
        self.command(RoomCommand::Signal {
            data: data.to_vec(),
            done: Box::new(drop),
        });
    }

    pub(crate) fn notes(&mut self) -> Vec<String> {
        std::mem::take(&mut *self.house.notes.lock().unwrap())
    }
}
