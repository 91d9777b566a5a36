//! What is allocated on the way of a message: nothing, once everything has been used.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use mio::Events;
use tagus_base::SeatIndex;
use tagus_room::{
    Factory, Game, InitError, Input, LeaveReason, RestoreError, Room, Settings, Setup, To,
};
use tagus_wire::ext::RoomData;
use tagus_wire::realtime::envelope::Message;
use tagus_wire::realtime::{Envelope, MatchCreate, MatchDataSend, MatchJoin, match_join};
use tagus_wire::{Format, encode_envelope};

use crate::inbox::{RoomCommand, RoomOpening};
use crate::shard::Shard;
use crate::testing::{ROOM, connect, shard};

/// Counts what each thread asks the system for.
struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

#[expect(unsafe_code, reason = "an allocator hands out raw memory")]
// SAFETY: everything is the system's own; the counter neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: the caller's promises are handed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are handed on.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_bytes: usize) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: the caller's promises are handed on.
        unsafe { System.realloc(block, layout, new_bytes) }
    }
}

/// Sends each message back to its sender, and shows everybody something after each tick.
struct Echo;

impl Game for Echo {
    fn init(_: Setup<'_>) -> Result<(Self, Settings), InitError> {
        let settings = Settings {
            tick_rate_hz: 60,
            ..Settings::default()
        };
        Ok((Self, settings))
    }
    fn join(&mut self, _: &mut Room<'_>, _: SeatIndex) {}
    fn leave(&mut self, _: &mut Room<'_>, _: SeatIndex, _: LeaveReason) {}
    fn tick(&mut self, room: &mut Room<'_>, inputs: &[Input]) {
        for input in inputs {
            if let Input::Message(message) = input {
                room.send(To::One(message.seat), message.op, message.data.clone());
            }
        }
    }
    fn view(&self, _: SeatIndex, out: &mut Vec<u8>) -> Option<i64> {
        out.extend_from_slice(&[7; 100]);
        Some(VIEW)
    }
    fn snapshot(&self, _: &mut Vec<u8>) {}
    fn restore(_: u32, _: &[u8]) -> Result<Self, RestoreError> {
        Ok(Self)
    }
}

const VIEW: i64 = 9;
const MEMBERS: usize = 8;
const ROUNDS: u64 = 200;

/// A room with people on one shard.
struct Crowd {
    shard: Shard,
    events: Events,
    clients: Vec<TcpStream>,
    format: Format,
    match_id: String,
    number: u32,
}

impl Crowd {
    fn relayed(format: Format) -> Self {
        let mut crowd = Self::of(format, false);
        crowd.say(0, Message::MatchCreate(MatchCreate::default()));
        crowd.turn();
        let (id, _) = crowd.shard.rooms.rooms.iter().next().unwrap();
        crowd.match_id = id.to_string();
        crowd.enter(1);
        crowd
    }

    fn hosted(format: Format, ext: bool) -> Self {
        let mut crowd = Self::of(format, ext);
        let opening = RoomOpening {
            id: ROOM,
            name: "".into(),
            game: "echo".into(),
            factory: Factory::of::<Echo>(),
            params: Default::default(),
            seed: 1,
            done: Box::new(|opened| opened.unwrap()),
        };
        let command = RoomCommand::Open(Box::new(opening));
        crowd.shard.send_room(ROOM, command);
        crowd.match_id = ROOM.to_string();
        crowd.number = crowd.shard.rooms.rooms[&ROOM].number;
        crowd.enter(0);
        crowd
    }

    fn of(format: Format, ext: bool) -> Self {
        let mut shard = shard();
        let clients = (0..MEMBERS).map(|_| connect(&mut shard, format, ext).1);
        Self {
            clients: clients.collect(),
            shard,
            events: Events::with_capacity(64),
            format,
            match_id: String::new(),
            number: 0,
        }
    }

    fn enter(&mut self, first: usize) {
        for client in first..MEMBERS {
            let id = Some(match_join::Id::MatchId(self.match_id.clone()));
            let join = MatchJoin {
                id,
                ..Default::default()
            };
            self.say(client, Message::MatchJoin(join));
            self.turn();
        }
        let cell = self.shard.rooms.rooms.values().next().unwrap();
        assert_eq!(cell.size() as usize, MEMBERS);
    }

    fn frame(&self, message: Message) -> Vec<u8> {
        let envelope = Envelope {
            cid: String::new(),
            message: Some(message),
        };
        let mut payload = Vec::new();
        encode_envelope(self.format, &envelope, &mut payload);
        let opcode = if self.format == Format::Json { 1 } else { 2 };
        let mut frame = vec![0x80 | opcode];
        match u8::try_from(payload.len()).unwrap() {
            short @ ..126 => frame.push(0x80 | short),
            long => frame.extend([0x80 | 126, 0, long]),
        }
        // A mask of zeroes.
        frame.extend([0; 4]);
        frame.extend(payload);
        frame
    }

    fn say(&mut self, client: usize, message: Message) {
        let frame = self.frame(message);
        self.clients[client].write_all(&frame).unwrap();
    }

    /// One turn a tick later, and what it allocates.
    fn turn(&mut self) -> u64 {
        self.shard.origin -= Duration::from_millis(17);
        let before = COUNT.get();
        assert!(self.shard.turn(&mut self.events));
        COUNT.get() - before
    }

    /// Everybody reads what there is; answers how many bytes it was.
    fn hear(&mut self) -> usize {
        let mut bytes = [0; 16_384];
        let mut heard = 0;
        for client in &mut self.clients {
            loop {
                match client.read(&mut bytes) {
                    Ok(0) => panic!("the server has closed the connection"),
                    Ok(count) => heard += count,
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(error) => panic!("{error}"),
                }
            }
        }
        heard
    }

    fn data(&self) -> Message {
        Message::MatchDataSend(MatchDataSend {
            match_id: self.match_id.clone(),
            op_code: 1,
            data: vec![7; 48].into(),
            ..Default::default()
        })
    }

    fn short_data(&self) -> Message {
        Message::RoomData(RoomData {
            room: self.number,
            op_code: 1,
            data: vec![7; 48].into(),
            ..Default::default()
        })
    }

    /// Everybody says this in each of many turns; what a message costs then in allocations, and how many bytes all heard.
    fn cost(&mut self, message: Message) -> (f64, usize) {
        let frame = self.frame(message);
        let (mut allocated, mut heard) = (0, 0);
        for round in 0..ROUNDS * 2 {
            for client in &mut self.clients {
                client.write_all(&frame).unwrap();
            }
            let count = self.turn();
            if round >= ROUNDS {
                allocated += count;
            }
            heard += self.hear();
        }
        (allocated as f64 / (ROUNDS as f64 * MEMBERS as f64), heard)
    }

    /// What a view costs, in allocations.
    fn view_cost(&mut self) -> f64 {
        let (mut allocated, mut views) = (0, 0);
        for round in 0..40 {
            let before = self.shard.metrics.sent.get();
            let count = self.turn();
            if round >= 10 {
                allocated += count;
                views += self.shard.metrics.sent.get() - before;
            }
            self.hear();
        }
        assert!(views > 0);
        allocated as f64 / views as f64
    }
}

/// A new piece of memory now and then, but nothing for each message.
const COST_MAX: f64 = 0.1;

#[test]
fn relayed_data_costs_nothing() {
    for format in [Format::Protobuf, Format::Json] {
        let mut crowd = Crowd::relayed(format);
        let data = crowd.data();
        let (cost, heard) = crowd.cost(data);
        assert!(cost < COST_MAX, "{format:?}: {cost} allocations a message");
        assert!(heard >= ROUNDS as usize * 2 * MEMBERS * (MEMBERS - 1) * 48);
    }
}

#[test]
fn data_to_games_and_their_answers_cost_nothing() {
    for format in [Format::Protobuf, Format::Json] {
        for ext in [false, true] {
            let mut crowd = Crowd::hosted(format, ext);
            let mut messages = vec![crowd.data()];
            messages.extend(ext.then(|| crowd.short_data()));
            for message in messages {
                let (cost, heard) = crowd.cost(message);
                assert!(cost < COST_MAX, "{format:?} {ext}: {cost} a message");
                assert!(heard >= ROUNDS as usize * 2 * MEMBERS * (48 + 100));
            }
        }
    }
}

#[test]
fn views_cost_nothing() {
    for format in [Format::Protobuf, Format::Json] {
        for ext in [false, true] {
            let cost = Crowd::hosted(format, ext).view_cost();
            assert!(cost < COST_MAX, "{format:?} {ext}: {cost} a view");
        }
    }
}
