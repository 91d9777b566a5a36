//! `tagus bot`: players from outside, through the same doors as people.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::bail;
use bytes::Bytes;
use clap::{Args, Subcommand};
use hdrhistogram::Histogram;
use tagus_arena::{Command, Own, op};
use tagus_base::Rng;
use tagus_client::{Client, ClientError, Format, Message, Socket};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Fill a room with players from outside.
#[derive(Args, Debug)]
pub struct BotArgs {
    #[command(subcommand)]
    game: BotGame,
}

#[derive(Debug, Subcommand)]
enum BotGame {
    /// Players of the arena, who steer at random and sometimes split.
    Arena(ArenaBots),
}

/// What `tagus bot arena` runs.
#[derive(Args, Clone, Debug)]
pub struct ArenaBots {
    /// Players.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=50_000))]
    count: u32,
    /// Address of the server.
    #[arg(long, default_value = "http://127.0.0.1:7350")]
    url: String,
    /// The server's key for clients.
    #[arg(long, default_value = "defaultkey")]
    server_key: String,
    /// Id or stable name of the room.
    #[arg(long, default_value = "arena")]
    room: String,
    /// Seconds to play; without it until Ctrl-C.
    #[arg(long)]
    seconds: Option<u64>,
    /// Same seed, same accounts and same wishes.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Plays until the time is over, and says each second how it goes.
///
/// # Errors
/// The address makes no sense, or every player failed; the first failure is shown.
pub fn run(args: BotArgs) -> anyhow::Result<()> {
    let BotGame::Arena(arena) = args.game;
    tagus_net::raise_open_files()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, play(arena))
}

async fn play(args: ArenaBots) -> anyhow::Result<()> {
    let client = Client::new(&args.url, &args.server_key)?;
    let crowd = Rc::new(Crowd {
        joined: Cell::new(0),
        alive: Cell::new(0),
        updates: Cell::new(0),
        gap_us: RefCell::new(Histogram::new_with_bounds(1, GAP_US_MAX, 3)?),
    });
    let doors = Rc::new(Semaphore::new(LOGINS_AT_ONCE));
    let mut bots = JoinSet::new();
    for number in 0..args.count {
        let (client, crowd, doors) = (client.clone(), crowd.clone(), doors.clone());
        let (seed, room) = (args.seed, args.room.clone());
        bots.spawn_local(async move {
            let guard = doors.acquire().await;
            let mut bot = Bot::join(&client, &room, seed, number, crowd).await?;
            drop(guard);
            bot.play().await
        });
    }
    let (start, mut failed) = (Instant::now(), 0);
    let mut second = tokio::time::interval_at((start + SECOND).into(), SECOND);
    loop {
        tokio::select! {
            _ = second.tick() => say(&crowd.report(start.elapsed(), failed)),
            Some(ended) = bots.join_next() => {
                failed += 1;
                if let Err(error) = ended? {
                    if failed == 1 {
                        say(&format!("the first player lost: {}", chain(&error)));
                    }
                    if failed == args.count {
                        bail!("every player was lost");
                    }
                }
            }
        }
        if args
            .seconds
            .is_some_and(|seconds| start.elapsed().as_secs() >= seconds)
        {
            return Ok(());
        }
    }
}

/// What all bots share.
struct Crowd {
    joined: Cell<u32>,
    alive: Cell<u32>,
    updates: Cell<u64>,
    gap_us: RefCell<Histogram<u64>>,
}

impl Crowd {
    /// One line about the time since the last one.
    fn report(&self, elapsed: Duration, failed: u32) -> String {
        let mut gap_us = self.gap_us.borrow_mut();
        let [p50, p99] =
            [0.5, 0.99].map(|quantile| gap_us.value_at_quantile(quantile).div_ceil(1_000));
        let line = format!(
            "{:>5} s  joined {:>5}  alive {:>5}  lost {failed:>4}  updates/s {:>7}  gap p50 {p50:>4} ms, p99 {p99:>4} ms",
            elapsed.as_secs(),
            self.joined.get(),
            self.alive.get(),
            self.updates.take(),
        );
        gap_us.reset();
        line
    }
}

/// One player.
struct Bot {
    crowd: Rc<Crowd>,
    socket: Socket,
    match_id: String,
    name: String,
    /// Kept for life: looks are told to everybody when they change.
    hue: u8,
    rng: Rng,
    target: (u16, u16),
    alive: bool,
    last_update: Option<Instant>,
}

impl Bot {
    async fn join(
        client: &Client,
        room: &str,
        seed: u64,
        number: u32,
        crowd: Rc<Crowd>,
    ) -> Result<Self, ClientError> {
        let device = format!("tagus-bot-{seed:06}-{number:06}");
        let session = client.authenticate_device(&device, true, None).await?;
        let mut socket = Socket::connect(&session, Format::Protobuf, false).await?;
        let match_id = socket.join_match(room).await?.match_id;
        crowd.joined.set(crowd.joined.get() + 1);
        Ok(Self {
            crowd,
            socket,
            match_id,
            name: format!("bot {number}"),
            hue: number.to_le_bytes()[0],
            rng: Rng::new(seed.wrapping_mul(SEED_STEP).wrapping_add(number.into())),
            target: (0, 0),
            alive: false,
            last_update: None,
        })
    }

    async fn play(&mut self) -> Result<(), ClientError> {
        // Not in step with each other.
        let first = tokio::time::Instant::now() + Duration::from_millis(self.rng.below(200).into());
        let mut wish = tokio::time::interval_at(first, WISH_EVERY);
        loop {
            tokio::select! {
                _ = wish.tick() => self.wish().await?,
                envelope = self.socket.next() => {
                    if let Some(Message::MatchData(data)) = envelope?.message {
                        self.handle_data(data.op_code, &data.data);
                    }
                }
            }
        }
    }

    /// Steers, or comes back to life.
    async fn wish(&mut self) -> Result<(), ClientError> {
        if !self.alive {
            let hue = self.hue;
            let name = self.name.clone();
            return self.send(&Command::Spawn { hue, name: &name }).await;
        }
        if self.rng.below(8) == 0 {
            self.target = (self.coordinate(), self.coordinate());
        }
        let (x, y) = self.target;
        self.send(&Command::Steer { x, y }).await?;
        if self.rng.below(40) == 0 {
            self.send(&Command::Split).await?;
        }
        Ok(())
    }

    fn handle_data(&mut self, op_code: i64, data: &[u8]) {
        match op_code {
            op::VIEW => {
                let now = Instant::now();
                if let Some(last) = self.last_update.replace(now) {
                    let gap_us = u64::try_from((now - last).as_micros()).unwrap_or(u64::MAX);
                    self.crowd.gap_us.borrow_mut().saturating_record(gap_us);
                }
                self.crowd.updates.set(self.crowd.updates.get() + 1);
                if let Some(own) = Own::peek(data) {
                    self.set_alive(own.alive);
                }
            }
            op::DIED => self.set_alive(false),
            _ => {}
        }
    }

    fn set_alive(&mut self, alive: bool) {
        let count = self.crowd.alive.get() - u32::from(self.alive) + u32::from(alive);
        self.crowd.alive.set(count);
        self.alive = alive;
    }

    async fn send(&mut self, command: &Command<'_>) -> Result<(), ClientError> {
        let mut data = Vec::new();
        let op_code = command.encode(&mut data);
        self.socket
            .send_match_data(&self.match_id, op_code, Bytes::from(data))
            .await
    }

    fn coordinate(&mut self) -> u16 {
        u16::try_from(self.rng.below(65_536)).unwrap_or(u16::MAX)
    }
}

impl Drop for Bot {
    fn drop(&mut self) {
        self.set_alive(false);
        self.crowd.joined.set(self.crowd.joined.get() - 1);
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

#[expect(clippy::print_stdout, reason = "a command's result is for its caller")]
fn say(text: &str) {
    println!("{text}");
}

const SECOND: Duration = Duration::from_secs(1);
/// Five wishes a second.
const WISH_EVERY: Duration = Duration::from_millis(200);
const LOGINS_AT_ONCE: usize = 32;
const GAP_US_MAX: u64 = 60_000_000;
const SEED_STEP: u64 = 0x9e37_79b9_7f4a_7c15;
