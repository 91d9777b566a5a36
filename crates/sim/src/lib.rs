//! Virtual time: rooms and players in one thread. Tests only.
//! Owns: a clock that jumps to the next thing due, random players who come, talk, vanish and come back,
//! and a bad network between them and their accounts and rooms.
//! Must not know: sockets, shards, the time of day. A run is its seed: the same seed gives the same run.

#![warn(
    clippy::disallowed_methods,
    clippy::iter_over_hash_type,
    clippy::wildcard_enum_match_arm
)]

mod code;
mod desk;
mod link;
mod node;
mod person;
mod place;
mod playground;
mod traffic;
mod values;

pub use link::Weather;
pub use place::{PlacePlan, SeatStats};
pub use playground::{Playground, PlaygroundPlan, Stats};

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use tagus_base::{Rng, SeatIndex, SessionId, UserId, Uuid};
use tagus_room::{
    CallResult, Effect, Factory, Host, InitError, LeaveReason, Metadata, Opening, Person,
    StoreResult, xxh64,
};

use crate::values::Values;

/// What a player sends next: op code and bytes.
pub type Script = fn(&mut Rng) -> (i64, Bytes);

/// One room and its players, in virtual time.
pub struct World {
    /// The room.
    pub host: Host,
    factory: Factory,
    script: Script,
    now: Duration,
    rng: Rng,
    players: Vec<Player>,
    /// Jobs under way: when they end, token, result.
    jobs: Vec<(Duration, u64, Bytes)>,
    /// The room's durable values, and the results that are on their way.
    values: Values,
    stored: VecDeque<(Duration, u64, StoreResult)>,
    /// Answers of server code that are on their way.
    called: VecDeque<(Duration, u64, CallResult)>,
    effects: Vec<Effect>,
    digest: u64,
    sessions: u64,
    pause_ms: u32,
    views_at: u64,
    /// Messages sent by players.
    pub messages: u64,
    /// Times that the room was written down and opened again.
    pub restarts: u64,
}

/// What a world is made from.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Seed of the room and of its players.
    pub seed: u64,
    /// Parameters of the room.
    pub params: Bytes,
    /// Number of accounts that play.
    pub players: u32,
    /// Longest time between two acts of a player, in milliseconds; at least 1.
    pub pause_ms: u32,
}

struct Player {
    user: u64,
    seat: Option<SeatIndex>,
    connected: bool,
    acts_at: Duration,
}

impl World {
    /// Opens a room at time zero. Nobody is there yet.
    ///
    /// # Errors
    /// The game's reason why the parameters make no room.
    pub fn open(factory: Factory, plan: Plan, script: Script) -> Result<Self, InitError> {
        let Plan {
            seed,
            params,
            players,
            pause_ms,
        } = plan;
        let host = Host::open(
            &factory,
            Opening {
                seed,
                params,
                now: Duration::ZERO,
            },
        )?;
        let mut rng = Rng::new(!seed);
        let mut player = |user| Player {
            user: u64::from(user),
            seat: None,
            connected: false,
            acts_at: pause(&mut rng, pause_ms),
        };
        let players = (0..players).map(&mut player).collect();
        Ok(Self {
            host,
            factory,
            script,
            now: Duration::ZERO,
            rng,
            players,
            jobs: Vec::new(),
            values: Values::default(),
            stored: VecDeque::new(),
            called: VecDeque::new(),
            effects: Vec::new(),
            digest: seed,
            sessions: 0,
            pause_ms,
            views_at: 0,
            messages: 0,
            restarts: 0,
        })
    }

    /// Lets `span` pass. With `restart_every` the room is written down and opened again at each so many-th event,
    /// which changes nothing else.
    pub fn live(&mut self, span: Duration, restart_every: Option<u64>) {
        let end = self.now + span;
        let mut events = 0_u64;
        while let Some(at) = self.next_event().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.turn();
            events += 1;
            if restart_every.is_some_and(|every| events.is_multiple_of(every)) {
                self.restart();
            }
        }
        self.now = end;
    }

    /// Hash of everything the room has answered and sent, in order. What it has shown is not in it: that depends on
    /// what a viewer had been shown before, which is no part of the room's state.
    #[must_use]
    pub const fn digest(&self) -> u64 {
        self.digest
    }

    /// Runs what is due now: the room first, then jobs, store operations and calls, then players.
    fn turn(&mut self) {
        if self.host.next_due().is_some_and(|due| due <= self.now) {
            self.host.tick(self.now, &mut self.effects);
            self.settle();
            self.look();
        }
        let now = self.now;
        for (_, token, data) in self.jobs.extract_if(.., |(at, ..)| *at <= now) {
            self.host.computed(token, data);
        }
        while let Some((_, token, result)) = self.stored.pop_front_if(|(at, ..)| *at <= now) {
            self.host.stored(token, result);
        }
        while let Some((_, token, result)) = self.called.pop_front_if(|(at, ..)| *at <= now) {
            self.host.called(now, token, result);
        }
        for index in 0..self.players.len() {
            if self.players[index].acts_at <= self.now {
                self.players[index].acts_at = self.now + pause(&mut self.rng, self.pause_ms);
                self.act(index);
                self.settle();
            }
        }
    }

    fn act(&mut self, index: usize) {
        let Player {
            user,
            seat,
            connected,
            ..
        } = self.players[index];
        let Some(seat) = seat.filter(|_| connected) else {
            return self.join(index, user);
        };
        match self.rng.below(40) {
            0 => self
                .host
                .leave(self.now, seat, LeaveReason::Left, &mut self.effects),
            1 => {
                self.players[index].connected = false;
                self.host.connection_lost(self.now, seat, &mut self.effects);
            }
            2 => self.join(index, user),
            3 => {
                let answer = self.host.signal(
                    self.now,
                    &[0, 1, 2, 3][..self.rng.below(5) as usize],
                    &mut self.effects,
                );
                self.absorb(&answer);
            }
            4 => self.reserve(),
            5 => {
                let users = self.some_users();
                self.host.unreserve(self.now, &users, &mut self.effects);
            }
            _ => {
                let (op, data) = (self.script)(&mut self.rng);
                self.messages += 1;
                let kept = self.host.message(seat, op, data).is_ok();
                self.absorb(&[u8::from(kept)]);
            }
        }
    }

    /// Somebody reserves seats for some of the players, whoever has one.
    fn reserve(&mut self) {
        let users = self.some_users();
        let hold = pause(&mut self.rng, self.pause_ms) * 20;
        let answer = self.host.reserve(self.now, &users, hold, &mut self.effects);
        self.absorb(format!("{answer:?}").as_bytes());
    }

    fn some_users(&mut self) -> Vec<UserId> {
        let mut users: Vec<u64> = self.players.iter().map(|player| player.user).collect();
        users.retain(|_| self.rng.below(3) == 0);
        users
            .into_iter()
            .map(|user| UserId(uuid(1, user)))
            .collect()
    }

    fn join(&mut self, index: usize, user: u64) {
        self.sessions += 1;
        let person = Person {
            user_id: UserId(uuid(1, user)),
            session_id: SessionId(uuid(2, self.sessions)),
            username: format!("player{user}").into(),
        };
        let metadata = Metadata::from([("attempt".to_owned(), self.sessions.to_string())]);
        let answer = self
            .host
            .join(self.now, person, metadata, &mut self.effects);
        self.absorb(format!("{answer:?}").as_bytes());
        if let Ok(joined) = answer {
            // Without holds, a second connection of the account takes another seat; the first one goes.
            let old = self.players[index].seat.replace(joined.seat);
            self.players[index].connected = true;
            if let Some(old) = old.filter(|old| *old != joined.seat) {
                self.host
                    .leave(self.now, old, LeaveReason::Left, &mut self.effects);
            }
        }
    }

    /// Does what the room wants done.
    fn settle(&mut self) {
        for effect in std::mem::take(&mut self.effects) {
            match effect {
                Effect::Send {
                    to,
                    class,
                    op,
                    sender,
                    data,
                } => {
                    self.absorb(format!("{to:?} {class:?} {op} {sender:?}").as_bytes());
                    self.absorb(&data);
                }
                Effect::Freed {
                    seat,
                    person,
                    reason,
                    told,
                } => {
                    self.absorb(format!("{seat:?} {person:?} {reason:?} {told}").as_bytes());
                    for player in &mut self.players {
                        if player.seat == Some(seat)
                            && person.user_id == UserId(uuid(1, player.user))
                        {
                            player.seat = None;
                            player.connected = false;
                        }
                    }
                }
                Effect::Label(label) => self.absorb(label.as_bytes()),
                Effect::Compute { token, job } => {
                    self.absorb(&token.to_le_bytes());
                    let ends_at = self.now + pause(&mut self.rng, self.pause_ms);
                    self.jobs.push((ends_at, token, job.run()));
                }
                Effect::Store { token, op } => {
                    self.absorb(format!("{token} {op:?}").as_bytes());
                    let ends_at = self.after(self.stored.back().map(|(at, ..)| *at));
                    let result = self.values.apply(op, &mut self.rng);
                    self.stored.push_back((ends_at, token, result));
                }
                Effect::Call { token, name, data } => {
                    self.absorb(format!("{token} {name} {data:?}").as_bytes());
                    let ends_at = self.after(self.called.back().map(|(at, ..)| *at));
                    let result = code::answer(&name, &data, &mut self.rng);
                    self.called.push_back((ends_at, token, result));
                }
                Effect::Reserved(count) => self.absorb(&count.to_le_bytes()),
                Effect::Seek(seek) => self.absorb(format!("{seek:?}").as_bytes()),
                Effect::Closed => self.absorb(b"closed"),
            }
        }
    }

    /// A random time, not before the one of `last`.
    fn after(&mut self, last: Option<Duration>) -> Duration {
        let at = self.now + pause(&mut self.rng, self.pause_ms);
        last.map_or(at, |last| last.max(at))
    }

    /// Encodes what each player sees, after every eighth tick: it must not change the room.
    fn look(&mut self) {
        let tick = self.host.tick_number().0;
        if tick < self.views_at {
            return;
        }
        self.views_at = tick + 8;
        let seats: Vec<SeatIndex> = self.host.seats().map(|(seat, _)| seat).collect();
        for seat in seats {
            let _op = self.host.view(seat, &mut Vec::new());
        }
    }

    fn restart(&mut self) {
        let snapshot = self.host.snapshot();
        self.host = Host::restore(&self.factory, &snapshot, self.host.now())
            .expect("a room restores what it wrote");
        assert_eq!(
            self.host.snapshot(),
            snapshot,
            "written, read and written again at {:?}",
            self.now
        );
        self.restarts += 1;
    }

    fn absorb(&mut self, bytes: &[u8]) {
        self.digest = self
            .digest
            .rotate_left(5)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            ^ xxh64(bytes);
    }

    fn next_event(&self) -> Option<Duration> {
        let players = self.players.iter().map(|player| player.acts_at);
        let jobs = self.jobs.iter().map(|(at, ..)| *at);
        let stored = self.stored.front().map(|(at, ..)| *at);
        let called = self.called.front().map(|(at, ..)| *at);
        let events = players
            .chain(jobs)
            .chain(stored)
            .chain(called)
            .chain(self.host.next_due());
        events.min().filter(|_| !self.host.is_closed())
    }
}

fn pause(rng: &mut Rng, pause_ms: u32) -> Duration {
    Duration::from_micros(1 + u64::from(rng.below(pause_ms.max(1) * 1_000)))
}

fn uuid(kind: u8, number: u64) -> Uuid {
    let mut bytes = [kind; 16];
    bytes[8..].copy_from_slice(&number.to_be_bytes());
    Uuid(bytes)
}
