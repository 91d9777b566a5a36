//! What the machine allows a room: plain writes of snapshots to players and plain reads of their inputs, at the same
//! rates, by one thread of the measured server, over sockets of its own and the same load.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use prost::Message as _;
use serde::{Deserialize, Serialize};
use tagus_net::{WsOpcode, ws_frame};
use tagus_wire::ext::RoomData;
use tagus_wire::realtime::Envelope;
use tagus_wire::realtime::envelope::Message;

/// What the exchange looks like.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Exchange {
    /// Sockets that will connect.
    pub(super) players: usize,
    /// Groups of sockets; those of a group are written to at the same moment, the groups spread over the period.
    pub(super) groups: usize,
    /// Writes to each socket per second.
    pub(super) rate_hz: u32,
    /// Payload of the WebSocket frame of each write, in bytes.
    pub(super) payload_bytes: usize,
    /// How long from the last connection on, in milliseconds.
    pub(super) length_ms: u64,
}

/// What was exchanged.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct Exchanged {
    /// Writes.
    pub(super) writes: u64,
    /// Bytes read.
    pub(super) bytes_read: u64,
    /// Why it failed; empty if it did not.
    pub(super) failure: String,
}

/// The op code of what is written.
pub(super) const RAW_OP: i64 = 17;

impl Exchange {
    /// Listens on a free port, which it tells, and exchanges once all players are there.
    pub(super) fn carry_out(&self, tell: impl FnOnce(u16) -> io::Result<()>) -> Exchanged {
        self.try_carry_out(tell).unwrap_or_else(|error| Exchanged {
            failure: error.to_string(),
            ..Exchanged::default()
        })
    }

    fn try_carry_out(&self, tell: impl FnOnce(u16) -> io::Result<()>) -> io::Result<Exchanged> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        tell(listener.local_addr()?.port())?;
        let mut poll = Poll::new()?;
        let mut sockets = Vec::with_capacity(self.players);
        for index in 0..self.players {
            let (stream, _) = listener.accept()?;
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            let mut stream = TcpStream::from_std(stream);
            poll.registry()
                .register(&mut stream, Token(index), Interest::READABLE)?;
            sockets.push(stream);
        }
        self.exchange(&mut poll, &mut sockets)
    }

    fn exchange(&self, poll: &mut Poll, sockets: &mut [TcpStream]) -> io::Result<Exchanged> {
        let frame = frame_of(self.payload_bytes);
        let step = Duration::from_secs(1) / self.rate_hz / self.groups as u32;
        let mut done = Exchanged::default();
        let mut events = Events::with_capacity(1_024);
        let mut scratch = vec![0; 64 * 1_024];
        let mut turn = 0;
        let start = Instant::now();
        let end = start + Duration::from_millis(self.length_ms);
        while Instant::now() < end {
            let due = start + step * turn;
            let now = Instant::now();
            if now >= due {
                let group = turn as usize % self.groups;
                for socket in sockets.iter_mut().skip(group).step_by(self.groups) {
                    // A socket that is full gets nothing this time, as with a snapshot.
                    if socket.write(&frame).is_ok_and(|count| count == frame.len()) {
                        done.writes += 1;
                    }
                }
                turn += 1;
            }
            poll.poll(&mut events, Some(due.saturating_duration_since(now)))?;
            for event in &events {
                done.bytes_read += drain(&mut sockets[event.token().0], &mut scratch)?;
            }
        }
        Ok(done)
    }
}

fn drain(socket: &mut TcpStream, scratch: &mut [u8]) -> io::Result<u64> {
    let mut all = 0;
    loop {
        match socket.read(scratch) {
            Ok(count) => {
                all += count as u64;
                if count < scratch.len() {
                    return Ok(all);
                }
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(all),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// A frame with data of a room whose payload has about so many bytes: what is around the data takes some.
fn frame_of(payload_bytes: usize) -> bytes::Bytes {
    let envelope = |data_bytes: usize| Envelope {
        cid: String::new(),
        message: Some(Message::RoomData(RoomData {
            room: 1,
            op_code: RAW_OP,
            data: vec![0x5a; data_bytes].into(),
            ..RoomData::default()
        })),
    };
    let around = envelope(payload_bytes).encoded_len() - payload_bytes;
    let payload = envelope(payload_bytes.saturating_sub(around)).encode_to_vec();
    ws_frame(WsOpcode::Binary, &payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_about_as_long_as_asked() {
        let cases: [(usize, usize); 6] = [
            (20, 2),
            (125, 2),
            (126, 4),
            (2_000, 4),
            (60_000, 4),
            (70_000, 10),
        ];
        for (payload_bytes, header_bytes) in cases {
            let off = (payload_bytes + header_bytes).abs_diff(frame_of(payload_bytes).len());
            assert!(off <= 4, "{payload_bytes}: off by {off}");
        }
    }

    #[test]
    fn every_player_is_written_to_and_read_from() {
        let exchange = Exchange {
            players: 3,
            groups: 2,
            rate_hz: 50,
            payload_bytes: 30,
            length_ms: 200,
        };
        let mut clients = Vec::new();
        let done = exchange.carry_out(|port| {
            for _ in 0..3 {
                let mut client = std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
                client.write_all(b"input")?;
                clients.push(client);
            }
            Ok(())
        });
        assert_eq!((done.failure.as_str(), done.bytes_read), ("", 15));
        let mut heard = 0;
        for client in &mut clients {
            let mut bytes = Vec::new();
            client.read_to_end(&mut bytes).unwrap();
            assert!(!bytes.is_empty() && bytes.len() % frame_of(30).len() == 0);
            heard += (bytes.len() / frame_of(30).len()) as u64;
        }
        assert_eq!(heard, done.writes);
    }
}
