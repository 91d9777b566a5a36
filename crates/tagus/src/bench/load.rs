//! A client that costs little: the load must not be what is measured.

use std::io;
use std::net::SocketAddr;

use anyhow::{Context as _, bail};
use bytes::{Buf as _, Bytes, BytesMut};
use tagus_wire::realtime::envelope::Message;
use tagus_wire::realtime::{Envelope, Match, MatchJoin, match_join};
use tagus_wire::{Format, decode_envelope, encode_envelope};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::crowd::Seat;

/// A WebSocket to the measured server. Understands whole frames only, which is all that the server sends.
pub(super) struct LoadSocket {
    stream: TcpStream,
    format: Format,
    received: BytesMut,
    frame: Vec<u8>,
}

impl LoadSocket {
    /// Connects with a session token.
    pub(super) async fn open(
        server: SocketAddr,
        token: &str,
        format: Format,
        ext: bool,
    ) -> anyhow::Result<Self> {
        let name = match format {
            Format::Json => "json",
            Format::Protobuf => "protobuf",
        };
        let ext = u8::from(ext);
        let path = format!("/ws?format={name}&ext={ext}&token={token}");
        Self::upgrade(server, &path, format).await
    }

    /// Connects by any path; the format says whether the frames are text.
    pub(super) async fn upgrade(
        server: SocketAddr,
        path: &str,
        format: Format,
    ) -> anyhow::Result<Self> {
        let mut stream = TcpStream::connect(server)
            .await
            .context("connect; too few ports or open files?")?;
        stream.set_nodelay(true)?;
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {server}\r\nUpgrade: websocket\r\n\
             Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGFndXMgYmVuY2ggbG9hZA==\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await?;
        let mut received = BytesMut::with_capacity(512);
        let head_bytes = loop {
            if let Some(at) = received.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            if stream.read_buf(&mut received).await? == 0 {
                bail!("the server closed during the upgrade");
            }
        };
        if !received.starts_with(b"HTTP/1.1 101") {
            bail!(
                "upgrade refused: {}",
                String::from_utf8_lossy(&received[..head_bytes])
            );
        }
        received.advance(head_bytes);
        Ok(Self {
            stream,
            format,
            received,
            frame: Vec::new(),
        })
    }

    /// The port of this end.
    pub(super) fn port(&self) -> io::Result<u16> {
        Ok(self.stream.local_addr()?.port())
    }

    /// Waits until the server sent something. May be dropped half-way.
    pub(super) async fn readable(&self) -> io::Result<()> {
        self.stream.readable().await
    }

    /// Reads what is there without waiting, and answers whether there was anything; [`Self::next_frame`] then gives the
    /// frames.
    pub(super) fn fill(&mut self) -> anyhow::Result<bool> {
        self.received.reserve(READ_BYTES);
        match self.stream.try_read_buf(&mut self.received) {
            Ok(0) => bail!("the server closed the connection"),
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// The next whole data frame's payload and the length of the frame in bytes. Pings are answered on the way.
    pub(super) fn next_frame(&mut self) -> anyhow::Result<Option<(Bytes, usize)>> {
        while let Some((opcode, header_bytes, payload_bytes)) = parse_header(&self.received) {
            if self.received.len() < header_bytes + payload_bytes {
                return Ok(None);
            }
            self.received.advance(header_bytes);
            let payload = self.received.split_to(payload_bytes).freeze();
            match opcode {
                OPCODE_TEXT | OPCODE_BINARY => {
                    return Ok(Some((payload, header_bytes + payload_bytes)));
                }
                OPCODE_PING => self.write(OPCODE_PONG, &payload)?,
                OPCODE_CLOSE => {
                    let reason = payload.get(2..).unwrap_or_default();
                    bail!("the server closed: {}", String::from_utf8_lossy(reason));
                }
                _ => {}
            }
        }
        Ok(None)
    }

    /// Sends a message.
    pub(super) fn send(&mut self, envelope: &Envelope) -> anyhow::Result<()> {
        let mut payload = Vec::with_capacity(256);
        encode_envelope(self.format, envelope, &mut payload);
        let opcode = match self.format {
            Format::Json => OPCODE_TEXT,
            Format::Protobuf => OPCODE_BINARY,
        };
        self.write(opcode, &payload)
    }

    /// The next message, waiting for it.
    pub(super) async fn receive(&mut self) -> anyhow::Result<(Message, usize)> {
        loop {
            if let Some((payload, frame_bytes)) = self.next_frame()? {
                let envelope = decode_envelope(self.format, &payload)?;
                return Ok((envelope.message.context("an empty envelope")?, frame_bytes));
            }
            self.readable().await?;
            self.fill()?;
        }
    }

    /// Creates or joins a match and waits until it is joined.
    pub(super) async fn enter(&mut self, message: Message) -> anyhow::Result<Match> {
        self.send(&Envelope {
            cid: "1".to_owned(),
            message: Some(message),
        })?;
        loop {
            match self.receive().await?.0 {
                Message::Match(joined) => return Ok(joined),
                Message::Error(error) => bail!("the server refused: {}", error.message),
                _ => {}
            }
        }
    }

    /// Joins a room and waits until it is joined and its number is known.
    pub(super) async fn join(&mut self, match_id: &str) -> anyhow::Result<u32> {
        let id = Some(match_join::Id::MatchId(match_id.to_owned()));
        let join = MatchJoin {
            id,
            ..MatchJoin::default()
        };
        self.enter(Message::MatchJoin(join)).await?;
        loop {
            if let Message::RoomNumber(number) = self.receive().await?.0 {
                return Ok(number.room);
            }
        }
    }

    /// Joins a room, as a player's socket.
    pub(super) async fn sit(mut self, match_id: &str) -> anyhow::Result<Seat> {
        let room = self.join(match_id).await?;
        self.seat(room)
    }

    /// The socket as a player's, who names the room by this number.
    pub(super) fn seat(self, room: u32) -> anyhow::Result<Seat> {
        Ok(Seat {
            stream: self.stream.into_std()?,
            leftover: self.received.to_vec(),
            room,
        })
    }

    /// A masked frame in one write. A socket that does not take it at once means a server that does not read any more.
    pub(super) fn write(&mut self, opcode: u8, payload: &[u8]) -> anyhow::Result<()> {
        self.frame.clear();
        put_frame(opcode, payload, &mut self.frame);
        let written = self
            .stream
            .try_write(&self.frame)
            .context("the server does not keep up with its clients")?;
        if written < self.frame.len() {
            bail!("the server does not keep up with its clients");
        }
        Ok(())
    }
}

/// Appends a masked frame.
pub(super) fn put_frame(opcode: u8, payload: &[u8], out: &mut Vec<u8>) {
    out.push(0x80 | opcode);
    if let Ok(short @ 0..126) = u8::try_from(payload.len()) {
        out.push(0x80 | short);
    } else if let Ok(length) = u16::try_from(payload.len()) {
        out.push(0x80 | 126);
        out.extend_from_slice(&length.to_be_bytes());
    } else {
        out.push(0x80 | 127);
        out.extend_from_slice(&(payload.len() as u64).to_be_bytes());
    }
    out.extend_from_slice(&MASK);
    let masked = payload.iter().zip(MASK.iter().cycle());
    out.extend(masked.map(|(byte, mask)| byte ^ mask));
}

/// Opcode, bytes of the header and bytes of the payload, once the header is whole.
pub(super) fn parse_header(received: &[u8]) -> Option<(u8, usize, usize)> {
    let opcode = received.first()? & 0x0f;
    match received.get(1)? & 0x7f {
        126 => Some((
            opcode,
            4,
            usize::from(u16::from_be_bytes(received.get(2..4)?.try_into().ok()?)),
        )),
        127 => {
            let length = u64::from_be_bytes(received.get(2..10)?.try_into().ok()?);
            Some((opcode, 10, usize::try_from(length).ok()?))
        }
        short => Some((opcode, 2, usize::from(short))),
    }
}

const READ_BYTES: usize = 4_096;
const OPCODE_TEXT: u8 = 1;
pub(super) const OPCODE_BINARY: u8 = 2;
pub(super) const OPCODE_CLOSE: u8 = 8;
const OPCODE_PING: u8 = 9;
const OPCODE_PONG: u8 = 10;
/// Chance in the mask protects browsers behind proxies; here it would only cost time.
const MASK: [u8; 4] = [0x5a, 0xa5, 0x3c, 0xc3];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_have_three_lengths() {
        assert_eq!(parse_header(&[0x82]), None);
        assert_eq!(parse_header(&[0x82, 125]), Some((2, 2, 125)));
        assert_eq!(parse_header(&[0x81, 126, 1]), None);
        assert_eq!(parse_header(&[0x81, 126, 1, 2]), Some((1, 4, 258)));
        assert_eq!(
            parse_header(&[0x89, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
            Some((9, 10, 65_536))
        );
        assert_eq!(parse_header(&[0x89, 127, 0, 0, 0, 0, 0, 1, 0]), None);
    }
}
