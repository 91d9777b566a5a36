//! Seats that are kept free for people who are yet to come.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::Index;
use tagus_room::{Effect, Host, RESERVE_MS_MAX, RESERVE_USERS_MAX, ReserveError, replay};

use crate::probe::{Stage, factory, user};

fn refusal(stage: &mut Stage, user: u8, session: u8) -> String {
    stage.join(user, session).unwrap_err().reason
}

#[test]
fn a_reserved_seat_is_taken_for_others_and_used_up_by_its_join() {
    let mut stage = Stage::open("seats=2");
    stage.reserve(&[1], 1_000).unwrap();
    stage.join(2, 1).unwrap();
    assert_eq!(refusal(&mut stage, 3, 2), "the room is full");
    stage.lines();
    assert_eq!(stage.join(1, 3).unwrap().seat.0, 1);
    assert_eq!(stage.lines(), ["reserved 0", "all: join 1"]);
    // Another connection of the same account has none.
    assert_eq!(refusal(&mut stage, 1, 4), "the room is full");
    stage.leave(1);
    assert_eq!(stage.host.reserved(), 0);
    stage.join(3, 5).unwrap();
}

#[test]
fn all_are_reserved_or_none() {
    let mut stage = Stage::open("seats=4");
    stage.join(9, 1).unwrap();
    stage.lines();
    assert_eq!(stage.reserve(&[1, 2, 3, 4], 1_000), Err(ReserveError::Full));
    assert_eq!(stage.host.reserved(), 0);
    // Who sits there needs none, and nobody needs two.
    stage.reserve(&[1, 9, 2, 1], 1_000).unwrap();
    stage.reserve(&[2, 1, 3], 1_000).unwrap();
    stage.reserve(&[9, 1], 1_000).unwrap();
    assert_eq!(stage.reserve(&[4], 1_000), Err(ReserveError::Full));
    assert_eq!(stage.lines(), ["reserved 2", "reserved 3"]);
    stage.unreserve(&[4, 9, 2]);
    stage.unreserve(&[2]);
    assert_eq!(stage.lines(), ["reserved 2"]);
    stage.reserve(&[4], 1_000).unwrap();
    stage.host.close(stage.now, &mut stage.effects);
    assert_eq!(stage.host.reserved(), 0);
    assert_eq!(stage.reserve(&[4], 1_000), Err(ReserveError::Closed));
    let restored = Host::restore(&factory(), &stage.host.snapshot(), stage.now).unwrap();
    assert!(restored.is_closed());
}

#[test]
fn of_so_many_people_at_once() {
    let mut stage = Stage::open("seats=4");
    let longest = vec![1; RESERVE_USERS_MAX];
    stage.reserve(&longest, 1_000).unwrap();
    assert_eq!(
        stage.reserve(&[&*longest, &[1]].concat(), 1_000),
        Err(ReserveError::TooMany)
    );
}

#[test]
fn they_end_at_their_time_and_renewing_shortens_none() {
    let mut stage = Stage::open("seats=2 empty=0");
    stage.reserve(&[1], 1_000).unwrap();
    stage.reserve(&[2], 500).unwrap();
    stage.live_ms(400);
    stage.reserve(&[1, 2], 200).unwrap();
    stage.lines();
    stage.live_ms(199);
    assert_eq!(stage.host.reserved(), 2);
    stage.live_ms(1);
    assert_eq!(stage.lines(), ["reserved 1"]);
    stage.live_ms(399);
    assert_eq!(stage.lines(), [""; 0]);
    stage.live_ms(1);
    assert_eq!(stage.lines(), ["reserved 0"]);
    assert_eq!(
        (stage.ticks(), stage.host.next_due()),
        (0, None),
        "nobody woke it"
    );
}

#[test]
fn the_longest_hold() {
    let mut stage = Stage::open("empty=0");
    stage.reserve(&[1], u64::MAX).unwrap();
    stage.live_ms(u64::from(RESERVE_MS_MAX) - 1);
    assert_eq!(stage.host.reserved(), 1);
    stage.live_ms(1);
    assert_eq!(stage.host.reserved(), 0);
}

#[test]
fn an_empty_room_waits_for_those_who_are_expected() {
    let mut stage = Stage::open("empty=300");
    stage.live_ms(200);
    stage.reserve(&[1], 1_000).unwrap();
    stage.live_ms(1_299);
    assert!(!stage.host.is_closed());
    stage.live_ms(1);
    assert!(stage.host.is_closed());
    assert_eq!(stage.lines(), ["reserved 1", "reserved 0", "closed"]);
}

#[test]
fn who_is_refused_by_the_game_keeps_the_reservation() {
    let mut stage = Stage::open("seats=1");
    stage.reserve(&[13], 1_000).unwrap();
    assert_eq!(refusal(&mut stage, 13, 1), "unlucky");
    assert_eq!(stage.host.reserved(), 1);
    assert_eq!(refusal(&mut stage, 2, 2), "the room is full");
}

#[test]
fn a_held_seat_is_held_for_as_long_as_is_reserved() {
    for (reserve_ms, held_ms) in [(400, 1_000), (3_000, 3_000)] {
        let mut stage = Stage::open("seats=1 hold=1000");
        stage.join(1, 1).unwrap();
        stage.lose(0);
        stage.reserve(&[1], reserve_ms).unwrap();
        assert_eq!(stage.host.reserved(), 0);
        stage.live_ms(held_ms - 1);
        assert_eq!(refusal(&mut stage, 2, 2), "the room is full");
        let mut twin = Stage {
            host: Host::restore(&factory(), &stage.host.snapshot(), stage.now).unwrap(),
            now: stage.now,
            effects: Vec::new(),
        };
        assert_eq!(twin.join(1, 3).unwrap().seat.0, 0);
        stage.live_ms(1);
        stage.join(2, 2).unwrap();
    }
}

/// A room as simply as it can be: who sits there, and for whom a seat is kept.
struct Model {
    seats_max: usize,
    hold: Duration,
    empty: Duration,
    seats: Vec<Sitter>,
    reserved: BTreeMap<u8, Duration>,
    empty_since: Option<Duration>,
    closed: bool,
}

struct Sitter {
    index: u16,
    user: u8,
    session: u8,
    /// None: connected.
    until: Option<Duration>,
}

impl Model {
    fn join(&mut self, now: Duration, user: u8, session: u8) -> Result<u16, &'static str> {
        let holds = !self.hold.is_zero();
        if let Some(sitter) = self.seats.iter_mut().find(|one| holds && one.user == user) {
            (sitter.session, sitter.until) = (session, None);
            return Ok(sitter.index);
        }
        let is_reserved = self.reserved.contains_key(&user);
        if !is_reserved && self.free() == 0 {
            return Err("the room is full");
        }
        if user == 13 {
            return Err("unlucky");
        }
        self.reserved.remove(&user);
        let index = (0..).find(|index| self.seats.iter().all(|one| one.index != *index));
        let index = index.unwrap();
        self.seats.push(Sitter {
            index,
            user,
            session,
            until: None,
        });
        self.look(now);
        Ok(index)
    }

    fn free(&self) -> usize {
        self.seats_max - self.seats.len() - self.reserved.len()
    }

    fn reserve(&mut self, now: Duration, users: &[u8], hold: Duration) -> bool {
        let sits = |user: &u8| self.seats.iter().any(|one| one.user == *user);
        let needy = users
            .iter()
            .filter(|user| !sits(user) && !self.reserved.contains_key(user));
        if needy.count() > self.free() {
            return false;
        }
        let until = now + hold;
        for user in users {
            match self.seats.iter_mut().find(|one| one.user == *user) {
                Some(sitter) => sitter.until = sitter.until.map(|old| old.max(until)),
                None => {
                    let known = self.reserved.entry(*user).or_insert(until);
                    *known = (*known).max(until);
                }
            }
        }
        self.look(now);
        true
    }

    /// Somebody loses the connection, or leaves.
    fn go(&mut self, now: Duration, at: usize, lost: bool) {
        if lost && !self.hold.is_zero() {
            self.seats[at].until.get_or_insert(now + self.hold);
        } else {
            self.seats.remove(at);
        }
        self.look(now);
    }

    /// Everything that happens by itself from `now` to `end`.
    fn live(&mut self, now: Duration, end: Duration) {
        let holds = self.seats.iter().filter_map(|one| one.until);
        let ends = holds.chain(self.reserved.values().copied());
        let last = ends.filter(|until| *until <= end).max().unwrap_or_default();
        self.seats
            .retain(|one| one.until.is_none_or(|until| until > end));
        self.reserved.retain(|_, until| *until > end);
        self.look(last.max(now));
        self.closed = self
            .empty_since
            .is_some_and(|since| since + self.empty <= end);
    }

    fn look(&mut self, now: Duration) {
        if self.seats.is_empty() && self.reserved.is_empty() {
            self.empty_since.get_or_insert(now);
        } else {
            self.empty_since = None;
        }
    }
}

#[derive(Clone, Debug)]
enum Op {
    Join {
        user: u8,
    },
    Again,
    Lose(Index),
    Leave(Index),
    Reserve {
        users: Vec<u8>,
        hold_ms: u64,
    },
    Unreserve {
        users: Vec<u8>,
    },
    Live {
        span_ms: u64,
    },
    /// Time passes and nobody runs the room.
    Late {
        span_ms: u64,
    },
    Restore,
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let user = || prop_oneof![12 => 1_u8..8, 1 => Just(13)];
    let users = move || prop::collection::vec(user(), 0..4);
    let op = prop_oneof![
        6 => user().prop_map(|user| Op::Join { user }),
        1 => Just(Op::Again),
        2 => any::<Index>().prop_map(Op::Lose),
        2 => any::<Index>().prop_map(Op::Leave),
        5 => (users(), 0_u64..2_000).prop_map(|(users, hold_ms)| Op::Reserve { users, hold_ms }),
        1 => users().prop_map(|users| Op::Unreserve { users }),
        3 => (0_u64..900).prop_map(|span_ms| Op::Live { span_ms }),
        1 => (0_u64..900).prop_map(|span_ms| Op::Late { span_ms }),
        1 => Just(Op::Restore),
    ];
    prop::collection::vec(op, 1..60)
}

/// Does one thing to both; what the room answers must be what the model does.
fn step(stage: &mut Stage, model: &mut Model, session: &mut u8, op: Op) {
    let now = stage.now;
    match op {
        Op::Join { user } => {
            *session += 1;
            let joined = stage.join(user, *session).map(|joined| joined.seat.0);
            let expected = model.join(now, user, *session);
            assert_eq!(
                joined.map_err(|refusal| refusal.reason),
                expected.map_err(str::to_owned)
            );
        }
        Op::Again => {
            if let Some(one) = model.seats.iter().find(|one| one.until.is_none()) {
                assert_eq!(stage.join(one.user, one.session).unwrap().seat.0, one.index);
            }
        }
        Op::Lose(_) | Op::Leave(_) if model.seats.is_empty() => {}
        Op::Lose(at) => {
            let at = at.index(model.seats.len());
            stage.lose(model.seats[at].index);
            model.go(now, at, true);
        }
        Op::Leave(at) => {
            let at = at.index(model.seats.len());
            stage.leave(model.seats[at].index);
            model.go(now, at, false);
        }
        Op::Reserve { mut users, hold_ms } => {
            let reserved = stage.reserve(&users, hold_ms).is_ok();
            users.sort_unstable();
            users.dedup();
            let hold = Duration::from_millis(hold_ms);
            assert_eq!(reserved, model.reserve(now, &users, hold));
        }
        Op::Unreserve { users } => {
            stage.unreserve(&users);
            model.reserved.retain(|user, _| !users.contains(user));
            model.look(now);
        }
        Op::Live { span_ms } => {
            stage.live_ms(span_ms);
            model.live(now, stage.now);
        }
        Op::Late { span_ms } => stage.now += Duration::from_millis(span_ms),
        Op::Restore => {
            // The state is as of the last call, which a late room heard nothing after.
            let now = stage.host.now();
            let snapshot = stage.host.snapshot();
            stage.host = Host::restore(&factory(), &snapshot, now).unwrap();
            assert_eq!(stage.host.snapshot(), snapshot);
        }
    }
}

fn compare(stage: &Stage, model: &Model) {
    let host = &stage.host;
    assert_eq!(host.is_closed(), model.closed);
    assert!(usize::from(host.seat_count() + host.reserved()) <= model.seats_max);
    let told = stage.effects.iter().rev().find_map(|effect| match effect {
        Effect::Reserved(count) => Some(*count),
        Effect::Closed => Some(0),
        _ => None,
    });
    assert_eq!(told.unwrap_or(0), host.reserved());
    if model.closed {
        return;
    }
    assert_eq!(usize::from(host.reserved()), model.reserved.len());
    let mut sitters: Vec<&Sitter> = model.seats.iter().collect();
    sitters.sort_unstable_by_key(|one| one.index);
    let seats = host
        .seats()
        .map(|(index, seat)| (index.0, seat.person.user_id, seat.connected));
    let expected = sitters
        .iter()
        .map(|one| (one.index, user(one.user), one.until.is_none()));
    assert!(seats.eq(expected));
}

proptest! {
    #[test]
    fn no_seat_is_promised_twice_and_no_promise_is_broken(ops in ops(), hold_ms in prop_oneof![Just(0_u64), Just(700)]) {
        let mut stage = Stage::open(&format!("seats=4 hold={hold_ms} empty=500 record=1000000"));
        let mut model = Model {
            seats_max: 4,
            hold: Duration::from_millis(hold_ms),
            empty: Duration::from_millis(500),
            seats: Vec::new(),
            reserved: BTreeMap::new(),
            empty_since: Some(stage.now),
            closed: false,
        };
        let mut session = 0;
        for op in ops {
            step(&mut stage, &mut model, &mut session, op);
            compare(&stage, &model);
            if model.closed {
                prop_assert_eq!(stage.reserve(&[1], 1), Err(ReserveError::Closed));
                break;
            }
        }
        let file = stage.host.recording().unwrap().to_bytes("probe");
        let report = replay(&file, |_| Some(factory())).unwrap();
        prop_assert_eq!(report.tick_last, stage.host.tick_number());
    }
}
