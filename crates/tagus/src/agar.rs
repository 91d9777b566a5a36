//! The door `/agar`: clients of the public Agar protocol play in the arena.
//!
//! A demonstration of a codec of one's own on a room. The shard keeps its one way of speaking: the door holds a second
//! connection to it, as a guest without an account, and between the two stands [`AgarClient`], which knows both
//! languages and no socket.

use std::io;
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::{Buf as _, Bytes, BytesMut};
use hyper::Request;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tagus_arena::{AgarClient, AgarClose};
use tagus_base::{UnixMillis, UserId, Uuid};
use tagus_net::{
    Permit, Socket, WsDecoder, WsEvent, WsOpcode, ws_check_upgrade, ws_close, ws_frame,
};
use tagus_shard::{Arrival, ArrivalKind, Identity};
use tagus_wire::realtime::envelope::Message;
use tagus_wire::realtime::{Envelope, MatchJoin, match_join};
use tagus_wire::{Format, decode_envelope, encode_envelope, ext};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::api::HttpDoor;
use crate::gateway::{Gateway, random_bytes, unix_now};

/// What the answer to the upgrade has in `Sec-WebSocket-Accept`; or a status and a sentence that refuse it.
pub(crate) fn check<B>(
    gateway: &Gateway,
    request: &Request<B>,
) -> Result<String, (u16, &'static str)> {
    let config = &gateway.config;
    if !config.agar && !config.address.is_loopback() {
        return Err((404, "Not Found"));
    }
    if gateway.entry.check(None).is_err() {
        return Err((503, "Nobody is let in at the moment"));
    }
    let find = |name: &str| {
        let value = request.headers().get(name);
        value.and_then(|value| value.to_str().ok())
    };
    ws_check_upgrade(find).map_err(|error| (error.status(), "Not a WebSocket upgrade"))
}

/// Plays until one of the two ends closes, or the server stops.
pub(crate) async fn play(door: Arc<HttpDoor>, upgrade: OnUpgrade, address: IpAddr, permit: Permit) {
    let mut draining = door.draining.clone();
    let playing = async {
        let outside = upgrade.await.map_err(io::Error::other)?;
        let inside = enter(&door, address, permit).await?;
        Bridge::new(outside, inside).run().await
    };
    tokio::select! {
        ended = playing => if let Err(error) = ended {
            tracing::debug!(%error, "a client of the agar door was lost");
        },
        _ = draining.changed() => {}
    }
}

/// A connection to a shard, made here: its other end is adopted as that of a guest.
async fn enter(door: &HttpDoor, address: IpAddr, permit: Permit) -> io::Result<TcpStream> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let near = std::net::TcpStream::connect(listener.local_addr()?)?;
    let (far, from) = listener.accept()?;
    if from != near.local_addr()? {
        return Err(io::Error::other("somebody else came first"));
    }
    for stream in [&near, &far] {
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
    }
    let arrival = Arrival {
        socket: Socket::plain(far)?,
        address,
        leftover: Bytes::new(),
        kind: ArrivalKind::WebSocket {
            identity: guest(),
            format: Format::Protobuf,
            ext: true,
        },
        permit,
    };
    let turn = NEXT.fetch_add(1, Ordering::Relaxed);
    if !door.gateway.shards.adopt(turn, arrival) {
        return Err(io::Error::other("the shard is overloaded"));
    }
    TcpStream::from_std(near)
}

/// Somebody without an account, for as long as the connection lasts.
fn guest() -> Identity {
    Identity {
        user_id: UserId(Uuid::from_random(random_bytes())),
        username: Arc::from("guest"),
        token_id: Uuid::from_random(random_bytes()),
        issued_at: UnixMillis(unix_now().0),
        vars: Default::default(),
        appears_online: false,
        lang: String::new(),
        arrival: 0,
    }
}

/// Between a client outside and a connection inside.
struct Bridge {
    outside: TokioIo<Upgraded>,
    inside: TcpStream,
    decoder: WsDecoder,
    client: AgarClient,
    heard_outside: BytesMut,
    heard_inside: BytesMut,
    /// The number of the room, once it is joined.
    room: Option<u32>,
    is_joining: bool,
    /// When the client last said something.
    last: Instant,
}

/// How a bridge ends: with a close code for the client.
struct Closed(u16, &'static str);

impl Bridge {
    fn new(outside: Upgraded, inside: TcpStream) -> Self {
        Self {
            outside: TokioIo::new(outside),
            inside,
            decoder: WsDecoder::new(),
            client: AgarClient::default(),
            heard_outside: BytesMut::new(),
            heard_inside: BytesMut::new(),
            room: None,
            is_joining: false,
            last: Instant::now(),
        }
    }

    async fn run(&mut self) -> io::Result<()> {
        loop {
            let silent_until = self.last + SILENCE_MAX;
            let done = tokio::select! {
                read = self.outside.read_buf(&mut self.heard_outside) => {
                    if read? == 0 {
                        return Ok(());
                    }
                    self.hear_outside().await?
                }
                read = self.inside.read_buf(&mut self.heard_inside) => match read? {
                    0 => Err(Closed(1001, "the server ended the connection")),
                    _ => self.hear_inside().await?,
                },
                () = tokio::time::sleep_until(silent_until) => Err(Closed(1003, "silent")),
            };
            if let Err(Closed(code, reason)) = done {
                self.outside.write_all(&ws_close(code, reason)).await?;
                return self.outside.shutdown().await;
            }
        }
    }

    /// What the client said, up to the last whole frame.
    async fn hear_outside(&mut self) -> io::Result<Result<(), Closed>> {
        let (mut to_room, mut to_client) = (Vec::new(), Vec::new());
        let mut done = Ok(());
        while done.is_ok() {
            let heard = self
                .decoder
                .next(&mut self.heard_outside, MESSAGE_BYTES_MAX);
            let (used, event) = match heard {
                Ok(Some((used, event))) => (used, event.into_owned()),
                Ok(None) => break,
                Err(error) => {
                    done = Err(Closed(error.close_code(), "not understood"));
                    break;
                }
            };
            self.heard_outside.advance(used);
            match event {
                WsEvent::Binary(frame) => {
                    self.last = Instant::now();
                    let client = &mut self.client;
                    let said = client.handle_frame(&frame, &mut to_room, &mut to_client);
                    done = said.map_err(closed);
                }
                WsEvent::Text(_) => done = Err(Closed(1003, "text")),
                WsEvent::Ping(payload) => {
                    let pong = ws_frame(WsOpcode::Pong, &payload);
                    self.outside.write_all(&pong).await?;
                }
                WsEvent::Close { .. } => done = Err(Closed(1000, "")),
                WsEvent::Pong | WsEvent::Continued => {}
            }
        }
        if self.client.is_open() && !self.is_joining {
            self.is_joining = true;
            let id = Some(match_join::Id::MatchId(ROOM.to_owned()));
            let join = MatchJoin {
                id,
                ..MatchJoin::default()
            };
            self.say_inside(Message::MatchJoin(join)).await?;
        }
        for (op_code, data) in to_room {
            self.say_room(op_code, data).await?;
        }
        self.say_outside(&to_client).await?;
        Ok(done)
    }

    /// What the shard sent, up to the last whole frame.
    async fn hear_inside(&mut self) -> io::Result<Result<(), Closed>> {
        let mut to_client = Vec::new();
        let mut done = Ok(());
        while let Some((opcode, payload)) = take_frame(&mut self.heard_inside) {
            match opcode {
                OPCODE_BINARY => done = self.hear_envelope(&payload.freeze(), &mut to_client),
                OPCODE_PING => self.write_inside(OPCODE_PONG, &payload).await?,
                OPCODE_CLOSE => done = Err(Closed(1001, "the server ended the connection")),
                _ => {}
            }
            if done.is_err() {
                break;
            }
        }
        self.say_outside(&to_client).await?;
        while let Some((op_code, data)) = self.client.poll_room() {
            self.say_room(op_code, data).await?;
        }
        Ok(done)
    }

    fn hear_envelope(
        &mut self,
        payload: &Bytes,
        to_client: &mut Vec<Vec<u8>>,
    ) -> Result<(), Closed> {
        let Ok(envelope) = decode_envelope(Format::Protobuf, payload) else {
            return Err(closed(AgarClose::Fault));
        };
        match envelope.message {
            Some(Message::RoomNumber(number)) => self.room = Some(number.room),
            Some(Message::RoomData(data)) => {
                let heard = self.client.handle_room(data.op_code, &data.data, to_client);
                return heard.map_err(closed);
            }
            // The room is full, or there is none.
            Some(Message::Error(_)) => return Err(Closed(1013, "no place in the arena")),
            _ => {}
        }
        Ok(())
    }

    async fn say_outside(&mut self, frames: &[Vec<u8>]) -> io::Result<()> {
        let mut bytes = Vec::new();
        for frame in frames {
            bytes.extend_from_slice(&ws_frame(WsOpcode::Binary, frame));
        }
        self.outside.write_all(&bytes).await
    }

    async fn say_room(&mut self, op_code: i64, data: Vec<u8>) -> io::Result<()> {
        let Some(room) = self.room else {
            return Ok(());
        };
        let data = ext::RoomData {
            room,
            op_code,
            data: data.into(),
            ..ext::RoomData::default()
        };
        self.say_inside(Message::RoomData(data)).await
    }

    async fn say_inside(&mut self, message: Message) -> io::Result<()> {
        let envelope = Envelope {
            cid: String::new(),
            message: Some(message),
        };
        let mut payload = Vec::new();
        encode_envelope(Format::Protobuf, &envelope, &mut payload);
        self.write_inside(OPCODE_BINARY, &payload).await
    }

    /// As a client writes, but with a mask that changes nothing. All that is said is shorter than 64 KiB.
    async fn write_inside(&mut self, opcode: u8, payload: &[u8]) -> io::Result<()> {
        let mut frame = vec![0x80 | opcode];
        match u8::try_from(payload.len()) {
            Ok(short @ 0..126) => frame.push(0x80 | short),
            Ok(_) | Err(_) => {
                frame.push(0x80 | 126);
                frame.extend_from_slice(&(payload.len() as u16).to_be_bytes());
            }
        }
        frame.extend_from_slice(&[0; 4]);
        frame.extend_from_slice(payload);
        self.inside.write_all(&frame).await
    }
}

/// A whole frame of a server, which is neither masked nor in parts: its opcode and payload.
fn take_frame(heard: &mut BytesMut) -> Option<(u8, BytesMut)> {
    let opcode = heard.first()? & 0x0f;
    let (header_bytes, payload_bytes) = match *heard.get(1)? {
        126 => {
            let length = heard.get(2..4)?.try_into().ok()?;
            (4, usize::from(u16::from_be_bytes(length)))
        }
        127 => {
            let length = heard.get(2..10)?.try_into().ok()?;
            (10, usize::try_from(u64::from_be_bytes(length)).ok()?)
        }
        short => (2, usize::from(short)),
    };
    if heard.len() < header_bytes + payload_bytes {
        return None;
    }
    heard.advance(header_bytes);
    Some((opcode, heard.split_to(payload_bytes)))
}

fn closed(why: AgarClose) -> Closed {
    let reason = match why {
        AgarClose::Violation => "not of the protocol",
        AgarClose::Length => "too long or empty",
        AgarClose::Fault => "the server is at fault",
    };
    Closed(why.code(), reason)
}

/// The room that is played in, by its stable name.
const ROOM: &str = "arena";
/// What a client sends at most; one byte more is told from much more by the codec alone.
const MESSAGE_BYTES_MAX: usize = 512;
/// A client that says nothing for so long is gone.
const SILENCE_MAX: Duration = Duration::from_secs(60);
const OPCODE_BINARY: u8 = 2;
const OPCODE_CLOSE: u8 = 8;
const OPCODE_PING: u8 = 9;
const OPCODE_PONG: u8 = 10;
/// Guests go to the shards in turn.
static NEXT: AtomicUsize = AtomicUsize::new(0);
