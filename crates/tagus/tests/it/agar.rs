//! The door `/agar`: raw WebSocket frames of the Agar protocol, versions 5 and 6. What the frames hold byte by byte is
//! tested with the arena's rules.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::server::{PATIENCE, Server};
use crate::socket::{UPGRADE, ws_frame};

/// A small world of its own, in which there is always something to eat.
const ROOMS: &str = r#"[{ name = "arena", game = "arena", params = '{"world_size":1000,"pellets":400,"viruses":0,"bots_fill":0,"mass_start":100}' }]"#;

struct Player {
    stream: TcpStream,
    input: Vec<u8>,
}

impl Player {
    fn connect(server: &Server) -> Self {
        let mut stream = TcpStream::connect(&server.http).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let head = format!(
            "GET /agar HTTP/1.1\r\nhost: {}\r\n{UPGRADE}\r\n",
            server.http
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut player = Self {
            stream,
            input: Vec::new(),
        };
        while !player.input.windows(4).any(|four| four == b"\r\n\r\n") {
            player.fill();
        }
        let head = player
            .input
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .unwrap();
        assert!(player.input.starts_with(b"HTTP/1.1 101"));
        player.input.drain(..head + 4);
        player
    }

    /// Connected, and greeted by the border of the map.
    fn join(server: &Server) -> Self {
        let mut player = Self::connect(server);
        player.say(&[0xfe, 6, 0, 0, 0]);
        player.say(&[0xff, 1, 0, 0, 0]);
        let (opcode, border) = player.hear();
        assert_eq!((opcode, border[0], border.len()), (2, 64, 43));
        player
    }

    fn say(&mut self, payload: &[u8]) {
        self.stream.write_all(&ws_frame(0x82, payload)).unwrap();
    }

    /// The next frame of the server: opcode and payload.
    fn hear(&mut self) -> (u8, Vec<u8>) {
        loop {
            if let Some(frame) = self.take() {
                return frame;
            }
            self.fill();
        }
    }

    /// The next message that begins with this byte.
    fn hear_op(&mut self, op: u8) -> Vec<u8> {
        loop {
            let (opcode, payload) = self.hear();
            assert_eq!(opcode, 2);
            if payload[0] == op {
                return payload;
            }
        }
    }

    fn hear_close(&mut self) -> u16 {
        loop {
            let (opcode, payload) = self.hear();
            if opcode == 8 {
                return u16::from_be_bytes([payload[0], payload[1]]);
            }
        }
    }

    fn take(&mut self) -> Option<(u8, Vec<u8>)> {
        let opcode = *self.input.first()? & 0x0f;
        let (header, length) = match *self.input.get(1)? {
            126 => {
                let length = self.input.get(2..4)?.try_into().unwrap();
                (4, usize::from(u16::from_be_bytes(length)))
            }
            short => (2, usize::from(short)),
        };
        let payload = self.input.get(header..header + length)?.to_vec();
        self.input.drain(..header + length);
        Some((opcode, payload))
    }

    fn fill(&mut self) {
        let mut some = [0; 4_096];
        let read = self.stream.read(&mut some).unwrap();
        assert!(read > 0, "the server has closed");
        self.input.extend_from_slice(&some[..read]);
    }
}

#[test]
fn a_client_of_another_protocol_plays_in_the_same_world() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start_with(data.path(), &[("ROOMS", ROOMS)]);
    let mut ann = Player::join(&server);
    // An update after every tick, with the pellets around the middle of the map at first.
    let update = ann.hear_op(16);
    assert!(update.len() > 100);
    ann.say(b"\0Ann\0");
    let created = ann.hear_op(32);
    let id = u32::from_le_bytes(created[1..5].try_into().unwrap());
    let update = ann.hear_op(16);
    assert!(update.windows(4).any(|four| four == id.to_le_bytes()));
    // Whoever steers is moved: its cell has a record in a later update.
    ann.say(
        &[
            &[16][..],
            &900_i32.to_le_bytes(),
            &900_i32.to_le_bytes(),
            &[0; 4],
        ]
        .concat(),
    );
    let moved = |update: &[u8]| update.windows(4).any(|four| four == id.to_le_bytes());
    while !moved(&ann.hear_op(16)) {}
    ann.say(&[17]);
    let second = ann.hear_op(32);
    assert_ne!(second[1..], created[1..]);
    // Statistics are answered at once, a ping too.
    ann.say(&[254]);
    let statistics = ann.hear_op(254);
    assert!(
        String::from_utf8(statistics[1..].to_vec())
            .unwrap()
            .contains("\"name\":\"Tagus\"")
    );
    ann.stream.write_all(&ws_frame(0x89, b"here?")).unwrap();
    while ann.hear() != (10, b"here?".to_vec()) {}
    // Somebody else sees her on the board.
    let mut bob = Player::join(&server);
    let board = bob.hear_op(49);
    assert_eq!(board, b"\x31\x01\0\0\0\0\0\0\0Ann\0");
    // So does somebody with an older client, in whose encoding the server and she are named.
    let mut eve = Player::connect(&server);
    eve.say(&[0xfe, 5, 0, 0, 0]);
    eve.say(&[0xff, 1, 0, 0, 0]);
    let border = eve.hear_op(64);
    assert_eq!(border[37..], *b"T\0a\0g\0u\0s\0\0\0");
    let board = eve.hear_op(49);
    assert_eq!(board, b"\x31\x01\0\0\0\0\0\0\0A\0n\0n\0\0\0");
    // All in one flight, as some clients say it.
    drop(ann);
    ann = Player::connect(&server);
    ann.say(&[0xfe, 6, 0, 0, 0]);
    ann.say(&[0xff, 1, 0, 0, 0]);
    ann.say(b"\0Ann again\0");
    ann.hear_op(32);
}

#[test]
fn bad_input_closes_the_connection_with_its_code() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start_with(data.path(), &[("ROOMS", ROOMS)]);
    let text = ws_frame(0x81, b"hello");
    let long = ws_frame(0x82, &[0xfe; 513]);
    for (frame, code) in [
        (ws_frame(0x82, &[]), 1009),
        (long, 1009),
        (ws_frame(0x82, &[1]), 1003),
        (ws_frame(0x82, &[0xfe, 4, 0, 0, 0]), 1003),
        (ws_frame(0x82, &[0xfe, 11, 0, 0, 0]), 1003),
        (text, 1003),
        (ws_frame(0x83, &[1]), 1002),
    ] {
        let mut player = Player::connect(&server);
        player.stream.write_all(&frame).unwrap();
        assert_eq!(player.hear_close(), code, "{frame:?}");
    }
    for bad in [&[0xff, 1, 0, 0, 0][..], &[77], &[16, 1, 2]] {
        let mut player = Player::join(&server);
        player.say(bad);
        assert_eq!(player.hear_close(), 1003, "{bad:?}");
    }
}

#[test]
fn without_an_upgrade_or_a_place_nobody_plays() {
    let data = tempfile::tempdir().unwrap();
    let rooms = ROOMS.replace("\"mass_start\"", "\"player_limit\":1,\"mass_start\"");
    let server = Server::start_with(data.path(), &[("ROOMS", &rooms)]);
    assert_eq!(server.call("GET", "/agar", "", b"").status, 400);
    let mut ann = Player::join(&server);
    let mut bob = Player::connect(&server);
    bob.say(&[0xfe, 6, 0, 0, 0]);
    bob.say(&[0xff, 1, 0, 0, 0]);
    assert_eq!(bob.hear_close(), 1013);
    ann.hear_op(16);
}
