//! Accounts, several rooms and people with bad connections, in virtual time; everything is checked after every step.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use tagus_base::Rng;
use tagus_room::{CallResult, StoreResult, xxh64};

use crate::desk::Desk;
use crate::link::{Weather, millis};
use crate::node::Asked;
use crate::person::{Call, Gamer, Reply};
use crate::place::{Conn, Out, Place, PlacePlan, SeatStats};
use crate::traffic::{Connection, Packet, ServerEnd};

/// What a playground is made from. The same plan gives the same run.
#[derive(Clone)]
pub struct PlaygroundPlan {
    /// Seed of everything.
    pub seed: u64,
    /// Number of accounts.
    pub players: u32,
    /// Longest time between two acts of a player, in milliseconds; at least 1.
    pub pause_ms: u32,
    /// The network between players and rooms.
    pub weather: Weather,
    /// The rooms. One that closes is proven and opened anew.
    pub places: Vec<PlacePlan>,
}

/// What happened, so that a test can tell whether a run was as bad as it should be.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Stats {
    /// Messages of players that reached a game.
    pub messages: u64,
    /// Messages that arrived for a seat that their connection had no more.
    pub stale: u64,
    /// Messages that reached a player.
    pub delivered: u64,
    /// Datagrams that never arrived.
    pub lost: u64,
    /// Datagrams that arrived after later ones, or twice.
    pub out_of_order: u64,
    /// Connections that were cut.
    pub cuts: u64,
    /// Times that half of the players were cut off for a while.
    pub partitions: u64,
    /// Connections that were admitted.
    pub admitted: u64,
    /// Connections that were refused for their token.
    pub refused: u64,
    /// Logouts.
    pub logouts: u64,
}

/// A node, its players, and the network between them.
pub struct Playground {
    pub(crate) now: Duration,
    pub(crate) rng: Rng,
    pause_ms: u32,
    pub(crate) weather: Weather,
    /// What is on its way, in order of time and then of sending.
    queue: BTreeMap<(Duration, u64), Event>,
    /// Events and packets so far, which are numbered.
    pub(crate) sent: u64,
    pub(crate) desk: Desk,
    pub(crate) places: Vec<Place>,
    pub(crate) gamers: Vec<Gamer>,
    pub(crate) connections: BTreeMap<Conn, Connection>,
    /// Connections that were ever opened.
    pub(crate) conns: Conn,
    pub(crate) out: Vec<Out>,
    pub(crate) stats: Stats,
    digest: u64,
}

pub(crate) enum Event {
    Act(usize),
    Packet(Conn, Packet),
    ServerLoses(Conn),
    ClientLoses(Conn),
    Call(usize, Call),
    Reply(usize, Reply),
    Computed(Asked, Bytes),
    Stored(Asked, StoreResult),
    Called(Asked, CallResult),
    Partition,
    Restart,
}

impl Playground {
    /// Opens the rooms at time zero. Nobody is there yet.
    #[must_use]
    pub fn open(plan: PlaygroundPlan) -> Self {
        let mut rng = Rng::new(plan.seed);
        let places = plan.places.into_iter();
        let places = places.map(|place| Place::open(place, rng.next_u64(), Duration::ZERO));
        let places: Vec<Place> = places.collect();
        let mut playground = Self {
            now: Duration::ZERO,
            desk: Desk::new(rng.next_u64()),
            pause_ms: plan.pause_ms,
            weather: plan.weather,
            queue: BTreeMap::new(),
            sent: 0,
            gamers: (0..plan.players).map(Gamer::new).collect(),
            places,
            connections: BTreeMap::new(),
            conns: 0,
            out: Vec::new(),
            stats: Stats::default(),
            digest: plan.seed,
            rng,
        };
        for index in 0..playground.gamers.len() {
            playground.act_later(index);
        }
        playground.after(5_000, 30_000, Event::Partition);
        playground.after(20_000, 60_000, Event::Restart);
        playground
    }

    /// Lets `span` pass, checking everything after every step; whatever does not hold is a panic.
    pub fn live(&mut self, span: Duration) {
        let end = self.now + span;
        while let Some(at) = self.next().filter(|at| *at <= end) {
            self.now = at;
            self.step();
            self.check();
        }
        self.now = end;
    }

    /// Replays the recording of every room as it is at present, and answers the hash of everything that happened.
    #[must_use]
    pub fn prove(&mut self) -> u64 {
        for index in 0..self.places.len() {
            let report = self.places[index].prove();
            self.places[index].stats.hashes_proven += report.hashes_proven;
            let hash = self.places[index].host.state_hash();
            self.absorb(&hash.to_le_bytes());
        }
        self.desk.check();
        self.digest
    }

    /// What happened so far.
    #[must_use]
    pub const fn stats(&self) -> Stats {
        self.stats
    }

    /// What happened to the seats of each room.
    pub fn seat_stats(&self) -> impl Iterator<Item = SeatStats> {
        self.places.iter().map(|place| place.stats)
    }

    fn next(&self) -> Option<Duration> {
        let queued = self.queue.first_key_value().map(|((at, _), _)| *at);
        let rooms = self.places.iter().filter_map(|place| place.host.next_due());
        rooms.chain(queued).min().map(|at| at.max(self.now))
    }

    /// Runs the first room that is due, or else what is due of everything else.
    fn step(&mut self) {
        let due = |place: &Place| place.host.next_due().is_some_and(|due| due <= self.now);
        if let Some(place) = self.places.iter().position(due) {
            self.places[place].tick(self.now, &mut self.out);
            return self.dispatch(place);
        }
        let Some(((at, _), event)) = self.queue.pop_first() else {
            return;
        };
        debug_assert!(at <= self.now);
        match event {
            Event::Act(gamer) => {
                self.act(gamer);
                self.act_later(gamer);
            }
            Event::Packet(conn, packet) => self.arrive(conn, packet),
            Event::ServerLoses(conn) => self.close_server(conn),
            Event::ClientLoses(conn) => self.close_client(conn),
            Event::Call(gamer, call) => {
                self.answer(gamer, call);
                self.check_logins();
            }
            Event::Reply(gamer, reply) => self.hear(gamer, reply),
            Event::Computed(asked, data) => {
                if let Some(place) = self.asked(&asked) {
                    place.host.computed(asked.token, data);
                }
            }
            Event::Stored(asked, result) => {
                if let Some(place) = self.asked(&asked) {
                    place.host.stored(asked.token, result);
                }
            }
            Event::Called(asked, result) => {
                let now = self.now;
                if let Some(place) = self.asked(&asked) {
                    place.host.called(now, asked.token, result);
                }
            }
            Event::Partition => self.partition(),
            Event::Restart => {
                self.desk.restart(self.now);
                self.check_logins();
                self.after(20_000, 60_000, Event::Restart);
            }
        }
    }

    fn act_later(&mut self, gamer: usize) {
        self.after(0, self.pause_ms, Event::Act(gamer));
    }

    /// Queues an event for a random time between these two.
    pub(crate) fn after(&mut self, ms_min: u32, ms_max: u32, event: Event) {
        let wait = 1 + self.rng.below((ms_max - ms_min) * 1_000);
        let at = self.now + millis(ms_min) + Duration::from_micros(wait.into());
        self.push(at, event);
    }

    pub(crate) fn push(&mut self, at: Duration, event: Event) {
        self.sent += 1;
        self.queue.insert((at, self.sent), event);
    }

    pub(crate) fn absorb(&mut self, bytes: &[u8]) {
        let mixed = self.digest.rotate_left(5) ^ xxh64(bytes);
        self.digest = mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    /// Nobody is connected whose login was ended. Only calls and restarts could change that.
    fn check_logins(&self) {
        for connection in self.connections.values() {
            if let ServerEnd::Open(login) = &connection.server {
                assert!(!self.desk.is_ended(login), "{login:?}");
            }
        }
    }

    /// What must hold after every step.
    fn check(&self) {
        assert!(
            self.connections.len() <= self.gamers.len() * 10,
            "forgotten"
        );
        for (index, place) in self.places.iter().enumerate() {
            place.check(self.now);
            for (seat, conn) in place.live() {
                let connection = &self.connections[&conn];
                assert_eq!(connection.seats.get(&index), Some(&seat));
            }
        }
        for connection in self.connections.values() {
            let is_open = matches!(connection.server, ServerEnd::Open(_));
            assert!(is_open || connection.seats.is_empty());
            for (place, seat) in &connection.seats {
                assert!(self.places[*place].host.seat(*seat).is_some());
            }
        }
    }
}
