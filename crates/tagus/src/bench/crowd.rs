//! Thousands of players on one thread: sockets in a poll of their own, inputs at a rate, and what they hear counted.
//! The load must cost little, or it is what is measured.

use std::io::{ErrorKind, Read as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use hdrhistogram::Histogram;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use super::framing::Framing;
use super::load::{OPCODE_BINARY, OPCODE_CLOSE, parse_header};

/// A player's socket in a room.
pub(super) struct Seat {
    /// The socket, after its upgrade.
    pub(super) stream: std::net::TcpStream,
    /// What was read of it beyond the last whole frame.
    pub(super) leftover: Vec<u8>,
    /// The number by which it names its room.
    pub(super) room: u32,
}

/// What players say and hear.
pub(super) trait Script: Send + 'static {
    /// How messages lie in the server's frames.
    fn framing(&self) -> Framing {
        Framing::Tagus
    }

    /// What this player says now: an op code, and its data appended to `out`; it is asked at the rate of inputs.
    fn speak(&mut self, player: usize, out: &mut Vec<u8>) -> i64;
    /// Whether a message of the room is an update of the world.
    fn hears(&mut self, player: usize, op: i64, data: &[u8]) -> bool;
}

/// What was heard in a while.
#[derive(Clone, Debug)]
pub(super) struct Heard {
    /// How long.
    pub(super) seconds: f64,
    /// Updates of the world, by player.
    pub(super) updates: Vec<u32>,
    /// Payload of all WebSocket frames, in bytes.
    pub(super) payload_bytes: u64,
    /// Payload of those frames that were updates, in bytes.
    pub(super) update_bytes: u64,
    /// Time between two updates of a player, in microseconds.
    pub(super) gap_us: Histogram<u64>,
    /// Inputs that were sent.
    pub(super) inputs: u64,
    /// Inputs that the socket did not take.
    pub(super) inputs_refused: u64,
    /// How late inputs were at most: if it is long, the load was too slow.
    pub(super) late_ms_max: f64,
}

impl Heard {
    fn new(players: usize) -> anyhow::Result<Self> {
        Ok(Self {
            seconds: 0.0,
            updates: vec![0; players],
            payload_bytes: 0,
            update_bytes: 0,
            gap_us: Histogram::new_with_bounds(1, GAP_US_MAX, 3)?,
            inputs: 0,
            inputs_refused: 0,
            late_ms_max: 0.0,
        })
    }

    /// All updates.
    pub(super) fn updates_all(&self) -> u64 {
        self.updates.iter().copied().map(u64::from).sum()
    }

    /// What the player who got the fewest updates got, as a part of the mean.
    pub(super) fn slowest(&self) -> f64 {
        let mean = super::float(self.updates_all()) / super::float(self.updates.len() as u64);
        let least = self.updates.iter().min().copied().unwrap_or_default();
        f64::from(least) / mean.max(f64::MIN_POSITIVE)
    }
}

/// The thread that plays; it ends with this handle.
pub(super) struct Crowd {
    shared: Arc<Shared>,
    heard: mpsc::Receiver<anyhow::Result<Heard>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    measuring: AtomicBool,
    stopping: AtomicBool,
    lost: AtomicU32,
}

impl Crowd {
    /// Players with these sockets, each saying something so often a second.
    pub(super) fn start(
        seats: Vec<Seat>,
        script: impl Script,
        inputs_hz: f64,
    ) -> anyhow::Result<Self> {
        let shared = Arc::new(Shared::default());
        let (tell, heard) = mpsc::channel();
        let mut playing = Playing::new(seats, script, inputs_hz, shared.clone())?;
        let thread = std::thread::Builder::new()
            .name("bench-crowd".to_owned())
            .spawn(move || playing.run(&tell))?;
        Ok(Self {
            shared,
            heard,
            thread: Some(thread),
        })
    }

    /// What is heard from now on for so long. None of the players may have been lost until then.
    pub(super) async fn listen(&self, length: Duration) -> anyhow::Result<Heard> {
        self.shared.measuring.store(true, Ordering::Relaxed);
        tokio::time::sleep(length).await;
        self.shared.measuring.store(false, Ordering::Relaxed);
        let heard = loop {
            match self.heard.try_recv() {
                Ok(heard) => break heard?,
                Err(mpsc::TryRecvError::Empty) => tokio::time::sleep(TURN).await,
                Err(error) => return Err(error).context("the players' thread ended"),
            }
        };
        let lost = self.shared.lost.load(Ordering::Relaxed);
        ensure!(lost == 0, "{lost} players lost their connection");
        Ok(heard)
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic of it was said by then.
            drop(thread.join());
        }
    }
}

struct Playing<S> {
    poll: Poll,
    players: Vec<Player>,
    script: S,
    shared: Arc<Shared>,
    /// Between two inputs of all players together.
    step: Duration,
    start: Instant,
    /// Inputs so far, and those that were not sent.
    turn: u64,
    heard: Option<Heard>,
    scratch: Vec<u8>,
    frame: Vec<u8>,
    said: Vec<u8>,
}

struct Player {
    stream: Option<TcpStream>,
    /// The beginning of a frame.
    partial: Vec<u8>,
    room: u32,
    updated_at: Option<Instant>,
}

impl<S: Script> Playing<S> {
    fn new(
        seats: Vec<Seat>,
        script: S,
        inputs_hz: f64,
        shared: Arc<Shared>,
    ) -> anyhow::Result<Self> {
        let poll = Poll::new()?;
        let mut players = Vec::with_capacity(seats.len());
        for (index, seat) in seats.into_iter().enumerate() {
            seat.stream.set_nonblocking(true)?;
            let mut stream = TcpStream::from_std(seat.stream);
            let interest = Interest::READABLE;
            poll.registry()
                .register(&mut stream, Token(index), interest)?;
            players.push(Player {
                stream: Some(stream),
                partial: seat.leftover,
                room: seat.room,
                updated_at: None,
            });
        }
        let count = super::float(players.len() as u64);
        Ok(Self {
            poll,
            step: Duration::from_secs_f64(1.0 / (inputs_hz * count)),
            players,
            script,
            shared,
            start: Instant::now(),
            turn: 0,
            heard: None,
            scratch: vec![0; SCRATCH_BYTES],
            frame: Vec::new(),
            said: Vec::new(),
        })
    }

    fn run(&mut self, tell: &mpsc::Sender<anyhow::Result<Heard>>) {
        let mut events = Events::with_capacity(EVENTS_PER_TURN);
        let mut began = Instant::now();
        while !self.shared.stopping.load(Ordering::Relaxed) {
            let measuring = self.shared.measuring.load(Ordering::Relaxed);
            if measuring && self.heard.is_none() {
                began = Instant::now();
                match Heard::new(self.players.len()) {
                    Ok(heard) => self.heard = Some(heard),
                    Err(error) => return drop(tell.send(Err(error))),
                }
            }
            if !measuring && let Some(mut heard) = self.heard.take() {
                heard.seconds = began.elapsed().as_secs_f64();
                drop(tell.send(Ok(heard)));
            }
            self.speak();
            if self.poll.poll(&mut events, Some(TURN)).is_err() {
                continue;
            }
            for event in &events {
                self.read(event.token().0);
            }
        }
    }

    /// Says what is due.
    fn speak(&mut self) {
        let elapsed = self.start.elapsed();
        let due = (elapsed.as_secs_f64() / self.step.as_secs_f64()) as u64;
        if let Some(heard) = &mut self.heard {
            let late = self.step.as_secs_f64() * super::float(due.saturating_sub(self.turn));
            heard.late_ms_max = heard.late_ms_max.max(late * 1e3);
        }
        while self.turn < due {
            let index = (self.turn % self.players.len() as u64) as usize;
            self.turn += 1;
            self.say(index);
        }
    }

    fn say(&mut self, index: usize) {
        self.said.clear();
        let op = self.script.speak(index, &mut self.said);
        let player = &mut self.players[index];
        let Some(stream) = &mut player.stream else {
            return;
        };
        self.frame.clear();
        let framing = self.script.framing();
        framing.put(player.room, op, &self.said, &mut self.frame);
        let taken = stream.write(&self.frame).ok() == Some(self.frame.len());
        if let Some(heard) = &mut self.heard {
            heard.inputs += u64::from(taken);
            heard.inputs_refused += u64::from(!taken);
        }
    }

    fn read(&mut self, index: usize) {
        loop {
            let player = &mut self.players[index];
            let Some(stream) = &mut player.stream else {
                return;
            };
            let held = player.partial.len();
            if self.scratch.len() < held + SCRATCH_BYTES {
                self.scratch.resize(held + SCRATCH_BYTES, 0);
            }
            self.scratch[..held].copy_from_slice(&player.partial);
            match stream.read(&mut self.scratch[held..]) {
                Ok(0) => return self.lose(index),
                Ok(count) => {
                    let drained = held + count < self.scratch.len();
                    let used = self.hear(index, held + count);
                    let partial = &mut self.players[index].partial;
                    partial.clear();
                    partial.extend_from_slice(&self.scratch[used..held + count]);
                    if drained {
                        return;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return self.lose(index),
            }
        }
    }

    fn lose(&mut self, index: usize) {
        if self.players[index].stream.take().is_some() {
            self.shared.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Takes whole frames of what was read; answers how many bytes they were.
    fn hear(&mut self, index: usize, filled: usize) -> usize {
        let mut used = 0;
        while let Some((opcode, header, payload)) = parse_header(&self.scratch[used..filled]) {
            let (begin, end) = (used + header, used + header + payload);
            if end > filled {
                break;
            }
            used = end;
            if opcode == OPCODE_CLOSE {
                self.lose(index);
            }
            let Some(heard) = &mut self.heard else {
                continue;
            };
            heard.payload_bytes += payload as u64;
            if opcode != OPCODE_BINARY {
                continue;
            }
            let Some((op, data)) = self.script.framing().message(&self.scratch[begin..end]) else {
                continue;
            };
            if !self.script.hears(index, op, data) {
                continue;
            }
            heard.updates[index] += 1;
            heard.update_bytes += payload as u64;
            let now = Instant::now();
            if let Some(last) = self.players[index].updated_at.replace(now) {
                let gap_us = u64::try_from((now - last).as_micros()).unwrap_or(u64::MAX);
                heard.gap_us.saturating_record(gap_us);
            }
        }
        used
    }
}

/// The load looks for due inputs so often.
const TURN: Duration = Duration::from_millis(1);
const EVENTS_PER_TURN: usize = 4_096;
const SCRATCH_BYTES: usize = 64 * 1_024;
const GAP_US_MAX: u64 = 60_000_000;
