//! A blocking client of the three socket kinds, able to send what no good client sends.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use bytes::Bytes;
use prost::Message as _;
use socket2::{Domain, Type};
use tagus_wire::ext::{Hello, Refuse, Welcome};
use tagus_wire::realtime::envelope::Message;
use tagus_wire::realtime::{Envelope, MatchJoin, Ping, match_join};
use tagus_wire::{Format, decode_envelope, encode_envelope, tcp};

use crate::server::{PATIENCE, Server};

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Json,
    Protobuf,
    Tcp,
}

/// What came from the server.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Heard {
    Envelope(Box<Envelope>),
    /// A WebSocket's close code.
    Close(u16),
    End,
}

pub(crate) struct Client {
    pub(crate) kind: Kind,
    stream: TcpStream,
    input: Vec<u8>,
}

impl Client {
    /// A socket that is logged in.
    pub(crate) fn open(server: &Server, kind: Kind, token: &str) -> Self {
        match kind {
            Kind::Json => Self::upgrade(server, kind, &format!("token={token}")),
            Kind::Protobuf => {
                Self::upgrade(server, kind, &format!("token={token}&format=protobuf"))
            }
            Kind::Tcp => {
                let mut client = Self::tcp(server);
                client.hello(token, false);
                client.hear_welcome();
                client
            }
        }
    }

    /// A TCP connection that has said nothing yet.
    pub(crate) fn tcp(server: &Server) -> Self {
        let stream = connect(&server.tcp);
        let (kind, input) = (Kind::Tcp, Vec::new());
        Self {
            kind,
            stream,
            input,
        }
    }

    pub(crate) fn hello(&mut self, token: &str, ext: bool) {
        let hello = Hello {
            version: 1,
            token: token.to_owned(),
            ext,
            ..Default::default()
        };
        self.send(&tcp_frame(&hello.encode_to_vec()));
    }

    pub(crate) fn hear_welcome(&mut self) -> Welcome {
        let payload = self.tcp_payload().unwrap();
        let welcome = Welcome::decode(&*payload).unwrap();
        assert_eq!(welcome.session_id.len(), 36, "{welcome:?}");
        welcome
    }

    pub(crate) fn hear_refuse(&mut self) -> Refuse {
        let payload = self.tcp_payload().unwrap();
        Refuse::decode(&*payload).unwrap()
    }

    /// A WebSocket with this query.
    pub(crate) fn upgrade(server: &Server, kind: Kind, query: &str) -> Self {
        Self::upgrade_on(connect(&server.http), server, kind, query)
    }

    /// A WebSocket whose system takes little that is not read.
    pub(crate) fn upgrade_narrow(server: &Server, kind: Kind, query: &str) -> Self {
        let socket = socket2::Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_recv_buffer_size(8 * 1_024).unwrap();
        let address: std::net::SocketAddr = server.http.parse().unwrap();
        socket.connect(&address.into()).unwrap();
        Self::upgrade_on(patient(socket.into()), server, kind, query)
    }

    fn upgrade_on(mut stream: TcpStream, server: &Server, kind: Kind, query: &str) -> Self {
        let head = format!(
            "GET /ws?{query} HTTP/1.1\r\nhost: {}\r\n{UPGRADE}\r\n",
            server.http
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut client = Self {
            kind,
            stream,
            input: Vec::new(),
        };
        let end = loop {
            if let Some(at) = client.input.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            assert!(client.fill(), "no answer to the upgrade");
        };
        assert!(client.input.starts_with(b"HTTP/1.1 101"));
        client.input.drain(..end);
        client
    }

    /// Sends bytes as they are.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    pub(crate) fn say(&mut self, envelope: &Envelope) {
        let mut payload = Vec::new();
        let format = self.format();
        encode_envelope(format, envelope, &mut payload);
        let frame = match self.kind {
            Kind::Json => ws_frame(0x81, &payload),
            Kind::Protobuf => ws_frame(0x82, &payload),
            Kind::Tcp => tcp_frame(&payload),
        };
        self.send(&frame);
    }

    pub(crate) fn ask(&mut self, cid: &str, message: Message) {
        self.say(&Envelope {
            cid: cid.to_owned(),
            message: Some(message),
        });
    }

    pub(crate) fn join(&mut self, match_id: &str) {
        let join = MatchJoin {
            id: Some(match_join::Id::MatchId(match_id.to_owned())),
            ..Default::default()
        };
        self.ask("join", Message::MatchJoin(join));
    }

    /// Proves that the socket is alive: everything before the pong is answered.
    pub(crate) fn ping(&mut self) {
        self.ask("alive", Message::Ping(Ping {}));
        let envelope = self.envelope();
        assert_eq!(envelope.cid, "alive", "{envelope:?}");
        assert!(matches!(envelope.message, Some(Message::Pong(_))));
    }

    /// The next envelope; nothing else may come.
    pub(crate) fn envelope(&mut self) -> Envelope {
        match self.hear() {
            Heard::Envelope(envelope) => *envelope,
            other => panic!("{other:?} in place of an envelope"),
        }
    }

    /// The next message that `pick` wants; others are passed over.
    pub(crate) fn until<T>(&mut self, pick: impl Fn(Message) -> Option<T>) -> T {
        loop {
            if let Some(found) = self.envelope().message.and_then(&pick) {
                return found;
            }
        }
    }

    pub(crate) fn hear(&mut self) -> Heard {
        let payload = if self.kind == Kind::Tcp {
            match self.tcp_payload() {
                Some(payload) => payload,
                None => return Heard::End,
            }
        } else {
            match self.ws_payload() {
                Ok(payload) => payload,
                Err(ended) => return ended,
            }
        };
        let envelope = decode_envelope(self.format(), &Bytes::from(payload)).unwrap();
        Heard::Envelope(Box::new(envelope))
    }

    fn tcp_payload(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some((header, length)) = tcp::split_frame(&self.input, 1 << 24).unwrap() {
                let frame: Vec<u8> = self.input.drain(..header + length).collect();
                return Some(frame[header..].to_vec());
            }
            if !self.fill() {
                return None;
            }
        }
    }

    fn ws_payload(&mut self) -> Result<Vec<u8>, Heard> {
        loop {
            let Some((opcode, payload)) = self.split_ws() else {
                if !self.fill() {
                    return Err(Heard::End);
                }
                continue;
            };
            match opcode {
                0x8 => return Err(Heard::Close(u16::from_be_bytes([payload[0], payload[1]]))),
                0x1 if self.kind == Kind::Json => return Ok(payload),
                0x2 if self.kind == Kind::Protobuf => return Ok(payload),
                0x9 | 0xa => {}
                other => panic!("frame of kind {other}"),
            }
        }
    }

    fn split_ws(&mut self) -> Option<(u8, Vec<u8>)> {
        let [first, second] = *self.input.first_chunk()?;
        let (header, length) = match second {
            126 => {
                let wide = [*self.input.get(2)?, *self.input.get(3)?];
                (4, usize::from(u16::from_be_bytes(wide)))
            }
            127 => {
                let wide: [u8; 8] = self.input.get(2..10)?.try_into().ok()?;
                (10, usize::try_from(u64::from_be_bytes(wide)).ok()?)
            }
            short => (2, usize::from(short)),
        };
        let payload = self.input.get(header..header + length)?.to_vec();
        self.input.drain(..header + length);
        Some((first & 0xf, payload))
    }

    /// Reads more. False at the end.
    fn fill(&mut self) -> bool {
        let mut bytes = [0; 65_536];
        match self.stream.read(&mut bytes) {
            Ok(count) => {
                self.input.extend_from_slice(&bytes[..count]);
                count > 0
            }
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => false,
            Err(error) => panic!("nothing came: {error}"),
        }
    }

    const fn format(&self) -> Format {
        match self.kind {
            Kind::Json => Format::Json,
            Kind::Protobuf | Kind::Tcp => Format::Protobuf,
        }
    }
}

fn connect(address: &str) -> TcpStream {
    patient(TcpStream::connect(address).unwrap())
}

fn patient(stream: TcpStream) -> TcpStream {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// A masked frame; `first` is its first byte.
pub(crate) fn ws_frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        length @ 0..126 => frame.push(0x80 | length as u8),
        length => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&u16::try_from(length).unwrap().to_be_bytes());
        }
    }
    frame.extend_from_slice(&MASK);
    let masked = payload.iter().zip(MASK.iter().cycle());
    frame.extend(masked.map(|(byte, key)| byte ^ key));
    frame
}

pub(crate) fn tcp_frame(payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    tcp::write_frame(payload, &mut frame);
    frame
}

const MASK: [u8; 4] = [0x11, 0x22, 0x83, 0x44];
/// Headers of a good upgrade.
pub(crate) const UPGRADE: &str = "connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
