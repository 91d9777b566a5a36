//! The people of [`super::world`] on a Colyseus server, the one of `tests/peers/colyseus`.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use clap::Args;
use serde::Deserialize;
use serde_json::json;
use tagus_wire::Format;
use tokio::task::JoinSet;

use super::crowd::{Crowd, Script, Seat};
use super::framing::Framing;
use super::http::{HttpConnection, Request};
use super::load::{LoadSocket, OPCODE_BINARY};
use super::proc::Process;
use super::progress::Progress;
use super::report::Reporter;
use super::row::{Row, span};
use super::world::Walkers;

/// What `tagus bench colyseus` runs.
#[derive(Args, Clone, Debug)]
pub(super) struct ColyseusArgs {
    /// Address of the server.
    #[arg(long, value_name = "ADDRESS")]
    server: SocketAddr,
    /// Its process, whose CPU time and memory are told.
    #[arg(long)]
    pid: u32,
    /// People in the one room.
    #[arg(long, default_value_t = 800, value_parser = clap::value_parser!(u32).range(1..=16_384))]
    players: u32,
    /// Inputs of each person per second.
    #[arg(long, default_value_t = 10.0)]
    inputs: f64,
    /// Seconds between two changes of a person's direction, on average.
    #[arg(long, default_value_t = 3.0)]
    heading: f64,
    /// Seconds measured.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=3_600))]
    seconds: u16,
}

/// Codes of Colyseus' frames: the first byte of each. Source: `@colyseus/shared-types` 0.18.
pub(super) mod code {
    /// The bits of the first byte that are the code; the others tell of something before the data.
    pub(in crate::bench) const MASK: u8 = 0x1f;
    /// The server's first frame; the client sends the code back when it is ready.
    pub(in crate::bench) const JOIN_ROOM: u8 = 10;
    /// The server refuses: a number, and why.
    pub(in crate::bench) const ERROR: u8 = 11;
    /// From a client: a type, and its data as MessagePack.
    pub(in crate::bench) const ROOM_DATA: u8 = 13;
    /// What has changed of the state.
    pub(in crate::bench) const ROOM_STATE_PATCH: u8 = 15;
}

pub(super) async fn run(args: ColyseusArgs, reporter: &Reporter) -> anyhow::Result<()> {
    let length = Duration::from_secs(args.seconds.into());
    let progress = Progress::new(JOIN_TIME + SETTLE + length);
    progress.show("players join");
    let seats = sit(args.server, args.players as usize).await?;
    let walkers = Walkers::new(args.players, args.inputs, args.heading);
    let crowd = Crowd::start(seats, Strangers(walkers), args.inputs)?;
    progress.show("settling");
    tokio::time::sleep(SETTLE).await;
    progress.show("measuring");
    let process = Process::of(args.pid);
    let served = span(&crowd, &process, length).await?;
    let row = Row {
        name: "colyseus",
        plan: json!({ "players": args.players, "inputs": args.inputs }),
        seconds: args.seconds,
        players: args.players,
        rate_hz: PATCHES_HZ,
        tick_hz: None,
        served,
        raw: None,
        rss_bytes: process.rss_bytes(),
    };
    reporter.report(&progress, &row.json(), &row.text());
    Ok(())
}

/// Opens a room and seats everybody in it.
async fn sit(server: SocketAddr, players: usize) -> anyhow::Result<Vec<Seat>> {
    let first = Reservation::ask(server, "create/world").await;
    let first = first.context("open a room; is this the server of tests/peers/colyseus?")?;
    let join = format!("joinById/{}", first.room_id);
    let mut seats = vec![first.sit(server).await?];
    let mut sitting = JoinSet::new();
    while seats.len() < players {
        while sitting.len() < AT_ONCE && seats.len() + sitting.len() < players {
            let join = join.clone();
            sitting.spawn_local(async move {
                let reservation = Reservation::ask(server, &join).await?;
                reservation.sit(server).await
            });
        }
        if let Some(sat) = sitting.join_next().await {
            seats.push(sat??);
        }
    }
    Ok(seats)
}

/// A seat that the server holds for a while.
#[derive(Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "camelCase")]
struct Reservation {
    process_id: String,
    room_id: String,
    session_id: String,
}

impl Reservation {
    async fn ask(server: SocketAddr, wish: &str) -> anyhow::Result<Self> {
        let request = Request::new(&format!("POST /matchmake/{wish}"), None, "{}");
        let mut connection = HttpConnection::open(server).await?;
        let answer = connection.exchange(&request).await?;
        serde_json::from_slice(answer).context("read a seat's reservation")
    }

    /// Connects, and says that the player is ready once the server has let them in.
    async fn sit(self, server: SocketAddr) -> anyhow::Result<Seat> {
        let mut socket = LoadSocket::upgrade(server, &self.path(), Format::Protobuf).await?;
        loop {
            while let Some((payload, _)) = socket.next_frame()? {
                if is_welcome(&payload)? {
                    socket.write(OPCODE_BINARY, &[code::JOIN_ROOM])?;
                    return socket.seat(ROOM_OF_THE_CONNECTION);
                }
            }
            socket.readable().await?;
            socket.fill()?;
        }
    }

    fn path(&self) -> String {
        let Self {
            process_id,
            room_id,
            session_id,
        } = self;
        format!("/{process_id}/{room_id}?sessionId={session_id}")
    }
}

fn is_welcome(payload: &Bytes) -> anyhow::Result<bool> {
    match payload.first().map(|first| first & code::MASK) {
        Some(code::ERROR) => bail!("refused: {}", String::from_utf8_lossy(&payload[1..])),
        first => Ok(first == Some(code::JOIN_ROOM)),
    }
}

/// The same people, who speak another language.
struct Strangers(Walkers);

impl Script for Strangers {
    fn framing(&self) -> Framing {
        Framing::Colyseus
    }

    fn speak(&mut self, player: usize, out: &mut Vec<u8>) -> i64 {
        out.push(MSGPACK_TWO);
        for byte in self.0.walk(player) {
            put_msgpack(byte.cast_signed(), out);
        }
        WALK
    }

    fn hears(&mut self, _player: usize, op: i64, _data: &[u8]) -> bool {
        op == i64::from(code::ROOM_STATE_PATCH)
    }
}

/// The shortest form of a number.
fn put_msgpack(number: i8, out: &mut Vec<u8>) {
    if number < MSGPACK_SMALL_MIN {
        out.push(MSGPACK_I8);
    }
    out.push(number.cast_unsigned());
}

/// The message's type in `tests/peers/colyseus/world.mjs`.
const WALK: i64 = 1;
/// Its patches per second.
const PATCHES_HZ: u32 = 20;
/// Nothing in a frame names it.
const ROOM_OF_THE_CONNECTION: u32 = 0;
/// The beginning of a list of two.
const MSGPACK_TWO: u8 = 0x92;
/// The beginning of an `i8` that is too small to stand alone.
const MSGPACK_I8: u8 = 0xd0;
const MSGPACK_SMALL_MIN: i8 = -32;
/// Sockets that are being opened at any moment.
const AT_ONCE: usize = 64;
/// About what joining takes.
const JOIN_TIME: Duration = Duration::from_secs(5);
/// Longer than in [`super::world`]: the server compiles what it runs often.
const SETTLE: Duration = Duration::from_secs(6);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reservation_says_where_to_connect() {
        let answer = r#"{"name":"world","sessionId":"s1","roomId":"r2","processId":"p3","reconnectionToken":"t"}"#;
        let reservation: Reservation = serde_json::from_str(answer).unwrap();
        assert_eq!(reservation.path(), "/p3/r2?sessionId=s1");
        let refusal = r#"{"code":522,"error":"no such room"}"#;
        assert!(serde_json::from_str::<Reservation>(refusal).is_err());
    }

    #[test]
    fn a_welcome_is_told_from_a_refusal() {
        let is_welcome = |payload: &'static [u8]| is_welcome(&Bytes::from_static(payload)).ok();
        assert_eq!(is_welcome(&[10, 0, 0]), Some(true));
        assert_eq!(is_welcome(&[13, 1]), Some(false));
        assert_eq!(is_welcome(&[]), Some(false));
        assert_eq!(is_welcome(&[11, 1]), None);
    }

    #[test]
    fn directions_are_the_shortest_messagepack() {
        let encoded = |number| {
            let mut out = Vec::new();
            put_msgpack(number, &mut out);
            out
        };
        assert_eq!(encoded(127), [0x7f]);
        assert_eq!(encoded(0), [0]);
        assert_eq!(encoded(-32), [0xe0]);
        assert_eq!(encoded(-33), [0xd0, 0xdf]);
        assert_eq!(encoded(-128), [0xd0, 0x80]);
    }

    #[test]
    fn strangers_walk_as_the_people_of_the_world_do() {
        let mut people = Walkers::new(3, 10.0, 3.0);
        let mut strangers = Strangers(Walkers::new(3, 10.0, 3.0));
        for turn in 0..300 {
            let mut out = Vec::new();
            assert_eq!(strangers.speak(turn % 3, &mut out), WALK);
            let mut expected = vec![MSGPACK_TWO];
            for byte in people.walk(turn % 3) {
                put_msgpack(byte.cast_signed(), &mut expected);
            }
            assert_eq!(out, expected);
        }
        assert!(strangers.hears(0, 15, &[]));
        assert!(!strangers.hears(0, 14, &[]));
    }
}
