//! The codec against tungstenite as the client, in both directions, seeded.

use std::io;

use bytes::Bytes;
use tagus_base::Rng;
use tagus_net::{WS_HEADER_BYTES_MAX, WsDecoder, WsError, WsEvent, WsOpcode, ws_close, ws_frame};
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocket};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::bodies::{MESSAGE_BYTES_MAX, Pipe, ws_codec};

#[test]
fn what_tungstenite_sends_is_understood_however_it_is_cut() {
    for seed in 0..300 {
        let mut rng = Rng::new(seed);
        let mut client = client();
        let mut expected = Vec::new();
        for _ in 0..20 {
            send_random(&mut client, &mut rng, &mut expected);
        }
        client
            .close(Some(CloseFrame {
                code: 1001.into(),
                reason: "gone".into(),
            }))
            .unwrap();
        client.flush().unwrap();
        let reason = "gone".to_owned();
        expected.push(WsEvent::Close {
            code: Some(1001),
            reason,
        });

        let sent = std::mem::take(&mut client.get_mut().outgoing);
        assert_eq!(receive(&sent, &mut rng), Ok(expected), "seed {seed}");
    }
}

#[test]
fn what_is_sent_is_understood_by_tungstenite_however_it_is_cut() {
    for seed in 0..300 {
        let mut rng = Rng::new(seed);
        let mut sent = Vec::new();
        let mut expected = Vec::new();
        for _ in 0..20 {
            let text = random_text(&mut rng);
            let bytes = random_bytes(&mut rng);
            let short = Bytes::from(vec![9; rng.below(126) as usize]);
            let (opcode, payload, message) = match rng.below(4) {
                0 => (
                    WsOpcode::Text,
                    Bytes::from(text.clone()),
                    Message::text(text),
                ),
                1 => (WsOpcode::Binary, bytes.clone(), Message::Binary(bytes)),
                2 => (WsOpcode::Ping, short.clone(), Message::Ping(short)),
                _ => (WsOpcode::Pong, short.clone(), Message::Pong(short)),
            };
            sent.extend_from_slice(&ws_frame(opcode, &payload));
            expected.push(message);
        }
        sent.extend_from_slice(&ws_close(4001, "full"));
        expected.push(Message::Close(Some(CloseFrame {
            code: 4001.into(),
            reason: "full".into(),
        })));

        let mut client = client();
        let mut got = Vec::new();
        let mut rest = &sent[..];
        while !rest.is_empty() {
            let (chunk, after) = rest.split_at(random_cut(&mut rng, rest.len()));
            client.get_mut().incoming.extend(chunk);
            rest = after;
            loop {
                match client.read() {
                    Ok(message) => got.push(message),
                    Err(Error::Io(err)) if err.kind() == io::ErrorKind::WouldBlock => break,
                    Err(Error::ConnectionClosed) => break,
                    Err(err) => panic!("seed {seed}: {err}"),
                }
            }
        }
        assert_eq!(got, expected, "seed {seed}");
    }
}

#[test]
fn fragments_of_any_length_may_be_cut_inside_a_character() {
    let text = "a\u{e9}\u{20ac}\u{1f30a}".repeat(3);
    for step in 1..text.len() {
        let mut client = client();
        let mut chunks = text.as_bytes().chunks(step).peekable();
        let mut opcode = Data::Text;
        while let Some(chunk) = chunks.next() {
            let frame = Frame::message(
                chunk.to_vec(),
                OpCode::Data(opcode),
                chunks.peek().is_none(),
            );
            client.write(Message::Frame(frame)).unwrap();
            opcode = Data::Continue;
        }
        client.flush().unwrap();
        let sent = std::mem::take(&mut client.get_mut().outgoing);
        let got = receive(&sent, &mut Rng::new(1));
        assert_eq!(
            got,
            Ok(vec![WsEvent::Text(Bytes::from(text.clone()))]),
            "step {step}"
        );
    }
}

#[test]
fn damaged_streams_are_read_the_same_however_they_are_cut() {
    for seed in 0..3_000 {
        let mut rng = Rng::new(seed);
        let mut client = client();
        for _ in 0..rng.below(4) {
            send_random(&mut client, &mut rng, &mut Vec::new());
        }
        client.flush().unwrap();
        let mut input = std::mem::take(&mut client.get_mut().outgoing);
        input.insert(0, rng.next_u64().to_le_bytes()[0]);
        for _ in 0..rng.below(4) {
            let at = rng.below(u32::try_from(input.len().min(40)).unwrap()) as usize;
            input[at] = rng.next_u64().to_le_bytes()[0];
        }
        ws_codec(&input);
    }
}

/// One random message from the client, perhaps in fragments with pings between them, and what must come of it.
fn send_random(client: &mut WebSocket<Pipe>, rng: &mut Rng, expected: &mut Vec<WsEvent>) {
    let (kind, payload) = match rng.below(2) {
        0 => (Data::Text, Bytes::from(random_text(rng))),
        _ => (Data::Binary, random_bytes(rng)),
    };
    let mut rest = payload.clone();
    let mut opcode = kind;
    while rng.below(2) == 0 {
        let part = rest.split_to(rng.below(u32::try_from(rest.len() + 1).unwrap()) as usize);
        let frame = Frame::message(part, OpCode::Data(opcode), false);
        client.write(Message::Frame(frame)).unwrap();
        opcode = Data::Continue;
        if rng.below(3) == 0 {
            let data = Bytes::from(vec![5; rng.below(126) as usize]);
            client.write(Message::Ping(data.clone())).unwrap();
            expected.push(WsEvent::Ping(data));
        }
        if rng.below(5) == 0 {
            client.write(Message::Pong(Bytes::new())).unwrap();
            expected.push(WsEvent::Pong);
        }
    }
    let frame = Frame::message(rest, OpCode::Data(opcode), true);
    client.write(Message::Frame(frame)).unwrap();
    expected.push(match kind {
        Data::Text => WsEvent::Text(payload),
        _ => WsEvent::Binary(payload),
    });
}

/// Decodes `sent` as it arrives in random pieces, through a buffer as small as the docs promise to be enough.
fn receive(sent: &[u8], rng: &mut Rng) -> Result<Vec<WsEvent>, WsError> {
    let mut decoder = WsDecoder::new();
    let mut buffer: Vec<u8> = Vec::new();
    let mut events = Vec::new();
    let mut rest = sent;
    while !rest.is_empty() {
        let room = MESSAGE_BYTES_MAX + WS_HEADER_BYTES_MAX - buffer.len();
        assert_ne!(room, 0, "a full buffer must hold a whole frame");
        let (chunk, after) = rest.split_at(random_cut(rng, rest.len()).min(room));
        buffer.extend_from_slice(chunk);
        rest = after;
        while let Some((consumed, event)) = decoder.next(&mut buffer, MESSAGE_BYTES_MAX)? {
            let event = event.into_owned();
            drop(buffer.drain(..consumed));
            if event != WsEvent::Continued {
                events.push(event);
            }
        }
    }
    assert!(buffer.is_empty());
    Ok(events)
}

/// From one byte to all of `length`, short cuts as likely as long ones.
fn random_cut(rng: &mut Rng, length: usize) -> usize {
    let bound = [2, 8, 200, 10_000][rng.below(4) as usize];
    (1 + rng.below(bound) as usize).min(length)
}

fn random_text(rng: &mut Rng) -> String {
    let length = rng.below(300);
    (0..length)
        .map(|_| ['a', '\u{e9}', '\u{20ac}', '\u{1f30a}'][rng.below(4) as usize])
        .collect()
}

fn random_bytes(rng: &mut Rng) -> Bytes {
    let length = [0, 125, 126, 1_000, MESSAGE_BYTES_MAX][rng.below(5) as usize];
    (0..length)
        .map(|_| rng.next_u64().to_le_bytes()[0])
        .collect()
}

fn client() -> WebSocket<Pipe> {
    WebSocket::from_raw_socket(Pipe::default(), Role::Client, None)
}
