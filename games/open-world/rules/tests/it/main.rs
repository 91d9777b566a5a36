//! The open world as its room runs it, seen through what its people are sent.

use std::time::Duration;

use bytes::Bytes;
use tagus_base::{SeatIndex, SessionId, UserId, Uuid};
use tagus_open_world::{Config, OpenWorld, op, schema};
use tagus_replication::{Replica, Seen};
use tagus_room::{Effect, Factory, Host, LeaveReason, Metadata, Opening, Person};

const PARAMS: &str = r#"{"size":4000,"view":1000,"seats_max":50}"#;

fn place_of(seen: Seen<'_>) -> [f64; 2] {
    [0, 1].map(|axis| seen.value(axis).expect("everything has a place"))
}

struct Table {
    host: Host,
    now: Duration,
    replicas: Vec<Replica>,
}

impl Table {
    fn new(people: u8) -> Self {
        let opening = Opening {
            seed: 5,
            params: Bytes::from_static(PARAMS.as_bytes()),
            now: Duration::ZERO,
        };
        let mut table = Self {
            host: Host::open(&Factory::of::<OpenWorld>(), opening)
                .expect("the parameters make a room"),
            now: Duration::ZERO,
            replicas: Vec::new(),
        };
        for number in 0..people {
            let person = Person {
                user_id: UserId(Uuid([number; 16])),
                session_id: SessionId(Uuid([number; 16])),
                username: "somebody".into(),
            };
            let mut out = Vec::new();
            let joined = table
                .host
                .join(table.now, person, Metadata::new(), &mut out);
            assert_eq!(
                joined.expect("there is room").seat,
                SeatIndex(u16::from(number))
            );
            assert!(matches!(&out[..], [Effect::Send { op: op::WORLD, .. }]));
            let config = Config::parse(PARAMS.as_bytes()).expect("the parameters are good");
            let schema = schema(&config).expect("the world has a grid");
            table.replicas.push(Replica::new(schema));
        }
        table
    }

    fn walk(&mut self, seat: u16, x: i8, y: i8) {
        let data = Bytes::copy_from_slice(&[x as u8, y as u8]);
        self.host
            .message(SeatIndex(seat), op::WALK, data)
            .expect("the inbox has room");
    }

    /// One tick, and a snapshot for those who are not left out.
    fn tick(&mut self, left_out: impl Fn(usize) -> bool) -> usize {
        self.now += Duration::from_millis(50);
        self.host.tick(self.now, &mut Vec::new());
        let mut bytes = 0;
        for (index, replica) in self.replicas.iter_mut().enumerate() {
            if left_out(index) {
                continue;
            }
            let mut out = Vec::new();
            let op = self.host.view(SeatIndex(index as u16), &mut out);
            assert_eq!(op, Some(op::SNAPSHOT));
            replica.apply(&out).expect("it is a snapshot");
            bytes += out.len();
        }
        bytes
    }

    /// Where the room has everybody, told by the own snapshot of each.
    fn own_places(&self) -> Vec<[f64; 2]> {
        let own = |(index, replica): (usize, &Replica)| {
            let own = replica.entities().find(|seen| seen.id == index as u32);
            let own = own.expect("everybody sees themselves");
            place_of(own)
        };
        self.replicas.iter().enumerate().map(own).collect()
    }
}

#[test]
fn everybody_sees_who_is_near_where_they_are() {
    let mut table = Table::new(40);
    for seat in 0..40 {
        table.walk(seat, (seat as i8 - 20) * 6, 50);
    }
    for round in 0..200_usize {
        // Some are slow now and then, and catch up.
        table.tick(|index| round != 199 && (index * 7 + round / 3).is_multiple_of(5));
        if round.is_multiple_of(40) {
            table.walk((round / 5) as u16, 100, -100);
        }
    }
    let places = table.own_places();
    let mut seen = 0;
    for (viewer, replica) in table.replicas.iter().enumerate() {
        for (id, place) in places.iter().enumerate() {
            let told = replica.entities().find(|seen| seen.id == id as u32);
            let told = told.map(place_of);
            let near = (0..2).all(|axis| (place[axis] - places[viewer][axis]).abs() <= 500.0);
            assert!(!near || told.is_some(), "{viewer} does not see {id}");
            if let Some(told) = told {
                assert_eq!(told, *place, "{viewer} sees {id} elsewhere");
                seen += 1;
            }
        }
    }
    // Nobody sees everything.
    assert!(seen > 40 && seen < 800, "{seen}");
}

#[test]
fn who_walks_straight_on_costs_next_to_nothing() {
    let mut table = Table::new(30);
    for seat in 0..30 {
        table.walk(seat, 90, seat as i8);
    }
    for _ in 0..10 {
        table.tick(|_| false);
    }
    let bytes: usize = (0..20).map(|_| table.tick(|_| false)).sum();
    let per_snapshot = bytes / (20 * 30);
    assert!(per_snapshot < 24, "{per_snapshot} bytes");
}

#[test]
fn who_leaves_is_not_seen_any_more_and_bad_input_moves_nobody() {
    let mut table = Table::new(3);
    for seat in 0..3 {
        let at = SeatIndex(seat);
        table
            .host
            .message(at, op::WALK, Bytes::from_static(&[1]))
            .unwrap();
        table
            .host
            .message(at, 99, Bytes::from_static(&[1, 1]))
            .unwrap();
    }
    table.tick(|_| false);
    let before = table.own_places();
    for _ in 0..5 {
        table.tick(|_| false);
    }
    assert_eq!(table.own_places(), before);
    let mut out = Vec::new();
    table
        .host
        .leave(table.now, SeatIndex(2), LeaveReason::Left, &mut out);
    table.replicas.pop();
    table.tick(|_| false);
    for replica in &table.replicas {
        assert!(replica.entities().all(|seen| seen.id != 2));
    }
    assert_eq!(table.host.view(SeatIndex(2), &mut Vec::new()), None);
}
