//! One hosted room with its connections, beside a naive model of who sits where.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use tagus_base::{Rng, SeatIndex, Tick};
use tagus_room::{
    Class, Effect, Factory, Host, How, Job, LeaveReason, Metadata, Opening, Person, ReplayReport,
    StoreOp, StoreResult, To, replay,
};

use crate::Script;
use crate::link::millis;
use crate::values::Values;

/// A kind of room that a playground has.
#[derive(Clone)]
pub struct PlacePlan {
    /// The game's name in recordings.
    pub game: &'static str,
    /// The game, which must record its rooms.
    pub factory: Factory,
    /// Parameters of its rooms.
    pub params: Bytes,
    /// What its players send.
    pub script: Script,
}

/// A connection, for ever: numbers are not used again.
pub(crate) type Conn = u64;

/// What a room wants done. Sends are already taken apart into connections.
pub(crate) enum Out {
    Data {
        to: Conn,
        class: Class,
        op: i64,
        data: Bytes,
    },
    /// The connection has no seat here any more.
    Gone(Conn),
    Compute(u64, Job),
    Store(u64, StoreOp),
    Call(u64, String, Bytes),
}

pub(crate) struct Place {
    pub(crate) plan: PlacePlan,
    pub(crate) host: Host,
    /// Rooms of this kind that were opened, this one included.
    pub(crate) generation: u64,
    pub(crate) stats: SeatStats,
    /// Who receives what is sent to a seat.
    live: BTreeMap<SeatIndex, Conn>,
    /// Until when a seat without a connection is held.
    held: BTreeMap<SeatIndex, Duration>,
    values: Values,
    effects: Vec<Effect>,
}

/// What happened to seats.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct SeatStats {
    /// Held seats that their people took again.
    pub resumed: u64,
    /// Seats that a later connection of the same account took over.
    pub replaced: u64,
    /// Held seats that nobody came back to.
    pub expired: u64,
    /// Rooms that closed, were proven, and were opened anew.
    pub closed: u64,
    /// State hashes that replays compared.
    pub hashes_proven: u64,
}

impl Place {
    pub(crate) fn open(plan: PlacePlan, seed: u64, now: Duration) -> Self {
        let opening = Opening {
            seed,
            params: plan.params.clone(),
            now,
        };
        let host = Host::open(&plan.factory, opening).expect("the plan makes a room");
        Self {
            plan,
            host,
            generation: 1,
            stats: SeatStats::default(),
            live: BTreeMap::new(),
            held: BTreeMap::new(),
            values: Values::default(),
            effects: Vec::new(),
        }
    }

    /// Proves a room that is over and opens another one; its durable values stay.
    pub(crate) fn reopen(&mut self, seed: u64, now: Duration) {
        let report = self.prove();
        let fresh = Self::open(self.plan.clone(), seed, now);
        self.host = fresh.host;
        self.generation += 1;
        self.stats.closed += 1;
        self.stats.hashes_proven += report.hashes_proven;
    }

    /// Joins on behalf of a connection. Answers its seat.
    pub(crate) fn join(
        &mut self,
        now: Duration,
        conn: Conn,
        person: Person,
        out: &mut Vec<Out>,
    ) -> Option<SeatIndex> {
        let session_id = person.session_id;
        let metadata = Metadata::from([("attempt".to_owned(), conn.to_string())]);
        let joined = self
            .host
            .join(now, person, metadata, &mut self.effects)
            .ok();
        if let Some(joined) = joined {
            let seat = joined.seat;
            // The game may have thrown somebody out of this very seat to make room.
            let before = self.effects.iter().rposition(|effect| {
                matches!(effect, Effect::Freed { seat: freed, person, .. }
                    if *freed == seat && person.session_id != session_id)
            });
            if let Some(last) = before {
                let rest = self.effects.split_off(last + 1);
                self.settle(now, out);
                self.effects = rest;
            }
            let held = self.held.remove(&seat);
            let old = self.live.insert(seat, conn);
            match joined.how {
                How::New => assert_eq!((held, old), (None, None), "a new seat was free"),
                How::Back => {
                    assert!(old.is_none() && held.is_some_and(|until| now <= until));
                    self.stats.resumed += 1;
                }
                How::Replaced => {
                    assert!(held.is_none() && old.is_some_and(|old| old != conn));
                    self.stats.replaced += 1;
                    out.extend(old.map(Out::Gone));
                }
                How::Already => assert_eq!((held, old), (None, Some(conn))),
            }
        }
        self.settle(now, out);
        // The game may have thrown the newcomer out again.
        joined
            .map(|joined| joined.seat)
            .filter(|seat| self.live.get(seat) == Some(&conn))
    }

    pub(crate) fn leave(&mut self, now: Duration, conn: Conn, seat: SeatIndex, out: &mut Vec<Out>) {
        assert_eq!(self.live.get(&seat), Some(&conn));
        self.host
            .leave(now, seat, LeaveReason::Left, &mut self.effects);
        self.settle(now, out);
    }

    pub(crate) fn lost(&mut self, now: Duration, conn: Conn, seat: SeatIndex, out: &mut Vec<Out>) {
        let removed = self.live.remove(&seat);
        assert_eq!(removed, Some(conn));
        let hold_ms = self.host.settings().seat_hold_ms;
        if hold_ms > 0 {
            self.held.insert(seat, now + millis(hold_ms));
        }
        self.host.connection_lost(now, seat, &mut self.effects);
        self.settle(now, out);
    }

    /// A message of the connection that has the seat.
    pub(crate) fn message(&mut self, conn: Conn, seat: SeatIndex, op: i64, data: Bytes) -> bool {
        assert_eq!(self.live.get(&seat), Some(&conn));
        self.host.message(seat, op, data).is_ok()
    }

    pub(crate) fn store(&mut self, op: StoreOp, rng: &mut Rng) -> StoreResult {
        self.values.apply(op, rng)
    }

    /// Runs what is due, and shows everybody what there is to see after every fourth tick.
    pub(crate) fn tick(&mut self, now: Duration, out: &mut Vec<Out>) {
        let before = self.host.tick_number();
        self.host.tick(now, &mut self.effects);
        self.settle(now, out);
        let Tick(after) = self.host.tick_number();
        if before.0 == after || !after.is_multiple_of(VIEW_EVERY_TICKS) || self.host.is_closed() {
            return;
        }
        for (seat, conn) in &self.live {
            let mut view = Vec::new();
            if let Some(op) = self.host.view(*seat, &mut view) {
                out.push(Out::Data {
                    to: *conn,
                    class: Class::Sequenced,
                    op,
                    data: view.into(),
                });
            }
        }
    }

    /// Plays the recording again; a difference is a panic.
    pub(crate) fn prove(&self) -> ReplayReport {
        let recording = self.host.recording().expect("the game records its rooms");
        let file = recording.to_bytes(self.plan.game);
        let report = replay(&file, |_| Some(self.plan.factory.clone()))
            .unwrap_or_else(|error| panic!("{}: {error}", self.plan.game));
        assert_eq!(report.tick_last, self.host.tick_number());
        report
    }

    /// Who receives what is sent to a seat, for every seat with a connection.
    pub(crate) fn live(&self) -> impl Iterator<Item = (SeatIndex, Conn)> {
        self.live.iter().map(|(seat, conn)| (*seat, *conn))
    }

    /// The host and the model agree on every seat.
    pub(crate) fn check(&self, now: Duration) {
        let settings = self.host.settings();
        let mut users = Vec::new();
        let mut seats = 0;
        for (index, seat) in self.host.seats() {
            seats += 1;
            users.push(seat.person.user_id);
            assert_eq!(seat.connected, self.live.contains_key(&index), "{index:?}");
            assert_eq!(!seat.connected, self.held.contains_key(&index), "{index:?}");
        }
        assert_eq!(seats, self.host.seat_count());
        assert_eq!(usize::from(seats), self.live.len() + self.held.len());
        assert!(seats <= settings.seats_max);
        if settings.seat_hold_ms > 0 {
            users.sort_unstable();
            assert!(users.is_sorted_by(|a, b| a < b), "one seat an account");
        }
        let mut conns: Vec<Conn> = self.live.values().copied().collect();
        conns.sort_unstable();
        assert!(conns.is_sorted_by(|a, b| a < b), "one seat a connection");
        assert!(self.held.values().all(|until| *until >= now), "overdue");
    }

    /// Takes what the host wants done apart.
    fn settle(&mut self, now: Duration, out: &mut Vec<Out>) {
        for effect in std::mem::take(&mut self.effects) {
            match effect {
                Effect::Send {
                    to,
                    class,
                    op,
                    data,
                    ..
                } => self.send(&to, class, op, &data, out),
                Effect::Freed { seat, reason, .. } => {
                    let held = self.held.remove(&seat);
                    if reason == LeaveReason::Disconnected && self.host.settings().seat_hold_ms > 0
                    {
                        assert_eq!(held, Some(now), "{seat:?} is freed when its hold ends");
                        self.stats.expired += 1;
                    }
                    out.extend(self.live.remove(&seat).map(Out::Gone));
                }
                Effect::Label(_) | Effect::Reserved(_) | Effect::Seek(_) => {}
                Effect::Compute { token, job } => out.push(Out::Compute(token, job)),
                Effect::Store { token, op } => out.push(Out::Store(token, op)),
                Effect::Call { token, name, data } => out.push(Out::Call(token, name, data)),
                Effect::Closed => {
                    assert!(
                        self.live.is_empty() && self.held.is_empty(),
                        "all are freed"
                    );
                }
            }
        }
    }

    fn send(&self, to: &To, class: Class, op: i64, data: &Bytes, out: &mut Vec<Out>) {
        let mut one = |conn: &Conn| {
            out.push(Out::Data {
                to: *conn,
                class,
                op,
                data: data.clone(),
            });
        };
        match to {
            To::All => self.live.values().for_each(one),
            To::AllBut(but) => self
                .live
                .iter()
                .filter(|(seat, _)| *seat != but)
                .for_each(|(_, conn)| one(conn)),
            To::One(seat) => self.live.get(seat).into_iter().for_each(one),
            To::Seats(seats) => seats
                .iter()
                .filter_map(|seat| self.live.get(seat))
                .for_each(one),
        }
    }
}

/// Views are the bulk of a run; the fourth part of them shows as much.
const VIEW_EVERY_TICKS: u64 = 4;
