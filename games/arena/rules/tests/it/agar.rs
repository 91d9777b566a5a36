//! A client of the Agar protocol, versions 5 and 6, in a room: its frames byte by byte, and a whole life.

use std::collections::BTreeMap;

use bytes::Bytes;
use proptest::prelude::*;
use tagus_arena::{AgarClient, AgarClose, Command, op};
use tagus_base::SeatIndex;
use tagus_room::To;

use crate::room::Table;

/// A client and what it understood, as an independent reading of the protocol.
struct Player {
    version: u8,
    client: AgarClient,
    seat: SeatIndex,
    /// Frames since the last look.
    frames: Vec<Vec<u8>>,
    bodies: BTreeMap<u32, Body>,
    own: Vec<u32>,
    eaten: Vec<(u32, u32)>,
    border: Option<f64>,
    board: Vec<(u32, String)>,
}

#[derive(Clone, Debug)]
struct Body {
    x: i32,
    y: i32,
    size: u16,
    flags: u8,
    name: String,
}

impl Player {
    fn join(table: &mut Table, number: u8, version: u8) -> Self {
        let mut client = AgarClient::default();
        for hello in [&[0xfe, version, 0, 0, 0], &[0xff, 1, 0, 0, 0]] {
            let nothing = &mut Vec::new();
            client
                .handle_frame(hello, nothing, &mut Vec::new())
                .unwrap();
        }
        assert!(client.is_open());
        let seat = table.join(number, "guest");
        let mut player = Self {
            version,
            client,
            seat,
            frames: Vec::new(),
            bodies: BTreeMap::new(),
            own: Vec::new(),
            eaten: Vec::new(),
            border: None,
            board: Vec::new(),
        };
        player.hear(table);
        player
    }

    fn say(&mut self, table: &mut Table, frame: &[u8]) {
        let mut said = Vec::new();
        self.client
            .handle_frame(frame, &mut said, &mut self.frames)
            .unwrap();
        for (op, data) in said {
            table.hand(self.seat, op, data.into());
        }
    }

    fn spawn(&mut self, table: &mut Table, name: &str) {
        let frame = match self.version {
            // Without an end, as a client of it does.
            5 => [0].into_iter().chain(utf16(name)).collect(),
            _ => [b"\0", name.as_bytes(), b"\0"].concat(),
        };
        self.say(table, &frame);
    }

    fn point(&mut self, table: &mut Table, x: i32, y: i32) {
        let frame = [&[16][..], &x.to_le_bytes(), &y.to_le_bytes(), &[0; 4]].concat();
        self.say(table, &frame);
    }

    /// Everything that the room has sent since, in its order, and then the snapshot of the last tick.
    fn hear(&mut self, table: &mut Table) {
        let mut messages: Vec<(i64, Bytes)> = Vec::new();
        for op in [op::WORLD, op::PLAYERS, op::BOARD, op::DIED] {
            let mine = |to: &To| matches!(to, To::All) || *to == To::One(self.seat);
            let taken = table.take(op).into_iter().filter(|(to, _)| mine(to));
            messages.extend(taken.map(|(_, data)| (op, data)));
        }
        for (op, data) in messages {
            let frames = &mut self.frames;
            self.client.handle_room(op, &data, frames).unwrap();
        }
    }

    fn see(&mut self, table: &mut Table) {
        self.hear(table);
        let snapshot = table.snapshot(self.seat);
        let frames = &mut self.frames;
        self.client
            .handle_room(op::VIEW, &snapshot, frames)
            .unwrap();
        for frame in std::mem::take(&mut self.frames) {
            self.read(&frame);
        }
    }

    fn read(&mut self, frame: &[u8]) {
        let mut rest = Rest {
            bytes: &frame[1..],
            version: self.version,
        };
        match frame[0] {
            16 => return self.read_update(&mut rest),
            17 => rest.skip(12),
            32 => {
                let id = rest.u32();
                assert!(!self.bodies.contains_key(&id), "told before it is seen");
                self.own.push(id);
            }
            49 => {
                self.board.clear();
                for _ in 0..rest.u32() {
                    self.board.push((rest.u32(), rest.text()));
                }
            }
            64 => {
                assert!(self.bodies.is_empty(), "the border comes first");
                rest.skip(16);
                self.border = Some(f64::from_le_bytes(rest.take()));
                rest.skip(12);
                assert_eq!(rest.text(), "Tagus");
            }
            254 => assert!(rest.text().contains(r#""name":"Tagus""#)),
            other => panic!("an unknown frame {other}"),
        }
        rest.end();
    }

    fn read_update(&mut self, rest: &mut Rest<'_>) {
        for _ in 0..rest.u16() {
            let (eater, eaten) = (rest.u32(), rest.u32());
            assert!(self.bodies.contains_key(&eaten));
            self.eaten.push((eater, eaten));
        }
        let mut were_known = false;
        loop {
            let id = rest.u32();
            if id == 0 {
                break;
            }
            let (x, y) = (rest.u32().cast_signed(), rest.u32().cast_signed());
            let size = rest.u16();
            let is_new = !self.bodies.contains_key(&id);
            let (flags, name) = match self.version {
                5 => Self::read_old_looks(rest),
                _ => Self::read_looks(rest, is_new),
            };
            assert!(!is_new || !were_known, "the new ones first");
            were_known |= !is_new;
            let old = self.bodies.get(&id).map(|body| body.name.clone());
            let name = name.or(old).unwrap_or_default();
            let body = Body {
                x,
                y,
                size,
                flags,
                name,
            };
            self.bodies.insert(id, body);
        }
        let gone = match self.version {
            5 => rest.u32(),
            _ => rest.u16().into(),
        };
        for _ in 0..gone {
            let id = rest.u32();
            assert!(self.bodies.remove(&id).is_some());
            self.own.retain(|own| *own != id);
        }
        rest.end();
    }

    /// Flags, and the name if there is one.
    fn read_looks(rest: &mut Rest<'_>, is_new: bool) -> (u8, Option<String>) {
        let flags = rest.u8();
        if flags & 2 != 0 {
            rest.skip(3);
        }
        if flags & 4 != 0 {
            assert_eq!(rest.text(), "");
        }
        assert_eq!(flags & 6 == 6, is_new, "all fields of what is new");
        (flags, (flags & 8 != 0).then(|| rest.text()))
    }

    /// A colour always, and a name always, of which an empty one changes nothing.
    fn read_old_looks(rest: &mut Rest<'_>) -> (u8, Option<String>) {
        rest.skip(3);
        let flags = rest.u8();
        assert_eq!(flags & !0x21, 0, "neither skipped bytes nor a skin");
        (flags, Some(rest.text()).filter(|name| !name.is_empty()))
    }

    fn own_cell(&self) -> &Body {
        &self.bodies[&self.own[0]]
    }
}

struct Rest<'a> {
    bytes: &'a [u8],
    version: u8,
}

impl Rest<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let (head, rest) = self.bytes.split_first_chunk().unwrap();
        self.bytes = rest;
        *head
    }

    fn skip(&mut self, count: usize) {
        self.bytes = &self.bytes[count..];
    }

    fn u8(&mut self) -> u8 {
        self.take::<1>()[0]
    }

    fn u16(&mut self) -> u16 {
        u16::from_le_bytes(self.take())
    }

    fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.take())
    }

    fn text(&mut self) -> String {
        let mut units = Vec::new();
        while let unit @ 1.. = self.unit() {
            units.push(unit);
        }
        match self.version {
            5 => String::from_utf16(&units).unwrap(),
            _ => String::from_utf8(units.into_iter().map(|unit| unit as u8).collect()).unwrap(),
        }
    }

    fn unit(&mut self) -> u16 {
        match self.version {
            5 => self.u16(),
            _ => self.u8().into(),
        }
    }

    fn end(&self) {
        let many = self.bytes.len();
        assert_eq!(many, 0, "bytes too many");
    }
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

const QUIET: &[u8] =
    br#"{"world_size":1000,"pellets":0,"viruses":0,"bots_fill":0,"mass_start":100,"player_limit":3}"#;

/// What stands behind the size in a first cell's records.
struct Golden {
    version: u8,
    new: Vec<u8>,
    named: Vec<u8>,
    end: Vec<u8>,
}

#[test]
fn a_first_cell_is_told_byte_by_byte() {
    let red = [0xff, 0x10, 0x10];
    // Behind the size: when it is new, and when its name has come. Then the end of the list, and none are gone.
    let old = Golden {
        version: 5,
        new: [&red, &b"\0g\0u\0e\0s\0t\0\0\0"[..]].concat(),
        named: [&red, &b"\0Z\0o\0\xeb\0\0\0"[..]].concat(),
        end: vec![0; 8],
    };
    let current = Golden {
        version: 6,
        new: [&[0x0e], &red[..], b"\0guest\0"].concat(),
        named: b"\x08Zo\xc3\xab\0".to_vec(),
        end: vec![0; 6],
    };
    for golden in [old, current] {
        let Golden {
            version,
            new,
            named,
            end,
        } = golden;
        let mut table = Table::open(QUIET);
        let mut ann = Player::join(&mut table, 1, version);
        let border = &ann.frames[0];
        assert_eq!(border[0], 64);
        ann.see(&mut table);
        ann.spawn(&mut table, "<skin>Zo\u{eb}");
        let tick = |table: &mut Table, ann: &mut Player| {
            table.tick();
            ann.hear(table);
            ann.frames.clear();
            let snapshot = table.snapshot(ann.seat);
            let frames = &mut ann.frames;
            ann.client.handle_room(op::VIEW, &snapshot, frames).unwrap();
        };
        tick(&mut table, &mut ann);
        let [created, update] = &ann.frames[..] else {
            panic!("{:?}", ann.frames);
        };
        assert_eq!(created[0], 32);
        let place = &update[7..15];
        for at in [&place[..4], &place[4..]] {
            let at = i32::from_le_bytes(at.try_into().unwrap());
            assert!((50..=950).contains(&at));
        }
        // Its place does not change, and so stands in the second record too.
        let head = [&[16, 0, 0], &created[1..], place, &[100, 0]].concat();
        assert_eq!(*update, [&head[..], &new, &end].concat());
        // The roster comes every fifth tick: until then the cell has its user's name, and nothing is told.
        let nothing = [&[16, 0, 0], &end[..]].concat();
        let mut updates = Vec::new();
        for _ in 0..5 {
            tick(&mut table, &mut ann);
            updates.append(&mut ann.frames);
        }
        updates.retain(|update| *update != nothing);
        assert_eq!(updates, [[head, named, end].concat()]);
    }
}

#[test]
fn clients_of_two_versions_spawn_move_split_eat_and_are_eaten() {
    for versions in [(6, 6), (5, 6), (6, 5)] {
        live(versions);
    }
}

fn live((anns, bobs): (u8, u8)) {
    let params = br#"{"world_size":3000,"pellets":600,"viruses":0,"bots_fill":0,"mass_start":100,"player_limit":2}"#;
    let mut table = Table::open(params);
    let mut ann = Player::join(&mut table, 1, anns);
    let mut bob = Player::join(&mut table, 2, bobs);
    let tick = |table: &mut Table, ann: &mut Player, bob: &mut Player| {
        table.tick();
        let sent = table.sent.clone();
        ann.see(table);
        table.sent = sent;
        bob.see(table);
        table.sent.clear();
    };
    ann.spawn(&mut table, "Ann");
    tick(&mut table, &mut ann, &mut bob);
    assert_eq!((ann.border, ann.own.len()), (Some(3_000.0), 1));
    // Bob watches her, and is told where.
    assert_eq!(bob.own.len(), 0);
    for _ in 0..6 {
        tick(&mut table, &mut ann, &mut bob);
    }
    assert_eq!(bob.bodies[&ann.own[0]].name, "Ann");
    assert!(bob.bodies.values().any(|body| body.size == 10), "pellets");

    let (from, size) = (ann.own_cell().clone(), ann.own_cell().size);
    let [x, y] = [from.x, from.y].map(|at| if at < 1_500 { 2_800 } else { 200 });
    for _ in 0..150 {
        ann.point(&mut table, x, y);
        tick(&mut table, &mut ann, &mut bob);
    }
    let to = ann.own_cell();
    let way = f64::from(to.x - from.x).hypot(f64::from(to.y - from.y));
    assert!(way > 500.0, "moved {way}");
    assert!(to.size > size, "pellets on the way: {size} -> {}", to.size);
    assert!(ann.eaten.iter().any(|(eater, _)| *eater == ann.own[0]));

    ann.say(&mut table, &[17]);
    tick(&mut table, &mut ann, &mut bob);
    assert_eq!(ann.own.len(), 2);
    ann.say(&mut table, &[21]);
    tick(&mut table, &mut ann, &mut bob);
    assert!(ann.bodies.values().any(|body| body.flags & 0x20 != 0));
    for _ in 0..30 {
        tick(&mut table, &mut ann, &mut bob);
    }
    assert_eq!(ann.board, [(1, String::from("Ann"))]);
    assert_eq!(bob.board, [(0, String::from("Ann"))]);

    // Bob plays, and both head for her first cell until one has eaten the other's last one.
    bob.spawn(&mut table, "Bob");
    tick(&mut table, &mut ann, &mut bob);
    let mut lived = 0;
    while !ann.own.is_empty() && !bob.own.is_empty() {
        lived += 1;
        assert!(lived < 3_000, "nobody dies");
        let Body { x, y, .. } = *bob.own_cell();
        ann.point(&mut table, x, y);
        let Body { x, y, .. } = *ann.own_cell();
        bob.point(&mut table, x, y);
        tick(&mut table, &mut ann, &mut bob);
    }
    let (winner, loser) = match ann.own.is_empty() {
        true => (&bob, &mut ann),
        false => (&ann, &mut bob),
    };
    assert!(
        loser
            .eaten
            .iter()
            .any(|(eater, _)| winner.own.contains(eater))
    );
    loser.say(&mut table, &[254]);
    loser.say(&mut table, &[18]);
    loser.spawn(&mut table, "");
    tick(&mut table, &mut ann, &mut bob);
    assert!(!ann.own.is_empty() && !bob.own.is_empty(), "plays again");
}

#[test]
fn who_plays_before_there_is_a_seat_plays_once_there_is_one() {
    let mut table = Table::open(QUIET);
    let mut client = AgarClient::default();
    let early: [&[u8]; 4] = [
        &[0xfe, 6, 0, 0, 0],
        &[0xff, 1, 0, 0, 0],
        b"\x01",
        b"\0Ann\0",
    ];
    let (room, out) = (&mut Vec::new(), &mut Vec::new());
    for frame in early {
        client.handle_frame(frame, room, out).unwrap();
        assert_eq!(client.poll_room(), None);
    }
    assert!(room.is_empty());
    table.join(1, "guest");
    let world = table.take(op::WORLD).remove(0).1;
    client.handle_room(op::WORLD, &world, out).unwrap();
    assert_eq!(client.poll_room(), Some((op::SPAWN, b"\0Ann".to_vec())));
    assert_eq!(client.poll_room(), None);
}

#[test]
fn bad_input_closes_with_its_code() {
    let hello: [&[u8]; 2] = [&[0xfe, 6, 0, 0, 0], &[0xff, 1, 0, 0, 0]];
    let long = vec![0; 513];
    let cases: [(usize, &[u8], AgarClose); 16] = [
        (0, &[], AgarClose::Length),
        (0, &long, AgarClose::Length),
        (0, &[0xfe, 6, 0, 0], AgarClose::Violation),
        (0, &[0xfe, 0, 0, 0, 0], AgarClose::Violation),
        (0, &[0xfe, 4, 0, 0, 0], AgarClose::Violation),
        (0, &[0xfe, 5, 0, 0, 1], AgarClose::Violation),
        (0, &[0xfe, 11, 0, 0, 0], AgarClose::Violation),
        (0, &[1, 3, 0, 0, 0], AgarClose::Violation),
        (1, &[0xff, 1, 0, 0], AgarClose::Violation),
        (1, &[], AgarClose::Length),
        (2, &[0xff, 1, 0, 0, 0], AgarClose::Violation),
        (2, &[], AgarClose::Length),
        (2, &[16, 0], AgarClose::Violation),
        (2, &[99], AgarClose::Violation),
        (2, &[77], AgarClose::Violation),
        (2, &long, AgarClose::Length),
    ];
    for (said, frame, expected) in cases {
        let mut client = AgarClient::default();
        let (room, out) = (&mut Vec::new(), &mut Vec::new());
        for hello in &hello[..said] {
            client.handle_frame(hello, room, out).unwrap();
        }
        let closed = client.handle_frame(frame, room, out).unwrap_err();
        assert_eq!(closed, expected, "{said} {frame:?}");
    }
    let codes = [AgarClose::Violation, AgarClose::Length, AgarClose::Fault].map(AgarClose::code);
    assert_eq!(codes, [1003, 1009, 1011]);

    // The longest that is allowed, a version that is, and what comes before the key.
    let mut client = AgarClient::default();
    let (room, out) = (&mut Vec::new(), &mut Vec::new());
    let mut version = vec![0; 512];
    version[..2].copy_from_slice(&[0xfe, 10]);
    client.handle_frame(&version, room, out).unwrap();
    client.handle_frame(&[77], room, out).unwrap();
    assert!(!client.is_open());
    client.handle_frame(hello[1], room, out).unwrap();
    assert!(client.is_open());
    client.handle_frame(&[17], room, out).unwrap();
    assert!(room.is_empty(), "there is no seat yet");
    let fault = client.handle_room(op::WORLD, &[1, 2, 3], out);
    assert_eq!(fault, Err(AgarClose::Fault));
}

proptest! {
    #[test]
    fn whatever_a_client_says_is_a_command_or_refused(
        is_old: bool,
        op in prop::sample::select(vec![0_u8, 1, 16, 17, 18, 21, 80, 99, 254, 255]),
        rest in prop::collection::vec(any::<u8>(), 0..80),
    ) {
        let mut table = Table::open(QUIET);
        let mut player = Player::join(&mut table, 1, if is_old { 5 } else { 6 });
        let said = &mut Vec::new();
        let frame = [&[op], &rest[..]].concat();
        let heard = player.client.handle_frame(&frame, said, &mut player.frames);
        prop_assert!(matches!(heard, Ok(()) | Err(AgarClose::Violation)));
        for (op, data) in said {
            prop_assert!(Command::decode(*op, data).is_ok(), "{op} {data:?}");
        }
    }
}
