//! The arena in a room: who is told what, and that a restored room runs on.

use std::time::Duration;

use bytes::Bytes;
use tagus_arena::{Arena, Command, Config, op, schema};
use tagus_base::{SeatIndex, SessionId, UserId, Uuid};
use tagus_replication::{Replica, Schema};
use tagus_room::{Effect, Factory, Host, LeaveReason, Metadata, Opening, Person, To};

use crate::decoder::{Ball, Players, View};

pub(crate) struct Table {
    host: Host,
    now: Duration,
    /// What was sent since the last look: receivers, op, data.
    pub(crate) sent: Vec<(To, i64, Bytes)>,
    /// What each seat knows, by its place; none where nobody looked yet.
    replicas: Vec<Option<Replica>>,
}

impl Table {
    pub(crate) fn open(params: &[u8]) -> Self {
        let params = Bytes::copy_from_slice(params);
        let opening = Opening {
            seed: 11,
            params,
            now: Duration::ZERO,
        };
        let host = Host::open(&Factory::of::<Arena>(), opening).unwrap();
        Self {
            host,
            now: Duration::ZERO,
            sent: Vec::new(),
            replicas: vec![None; 8],
        }
    }

    pub(crate) fn join(&mut self, number: u8, username: &str) -> SeatIndex {
        let mut out = Vec::new();
        let joined = self
            .host
            .join(
                self.now,
                person(number, username),
                Metadata::new(),
                &mut out,
            )
            .unwrap();
        self.keep(out);
        self.replicas[usize::from(joined.seat.0)] = None;
        joined.seat
    }

    pub(crate) fn say(&mut self, seat: SeatIndex, command: Command<'_>) {
        let mut data = Vec::new();
        let op = command.encode(&mut data);
        self.host.message(seat, op, data.into()).unwrap();
    }

    pub(crate) fn hand(&mut self, seat: SeatIndex, op: i64, data: Bytes) {
        self.host.message(seat, op, data).unwrap();
    }

    pub(crate) fn tick(&mut self) {
        self.now += Duration::from_millis(40);
        let mut out = Vec::new();
        self.host.tick(self.now, &mut out);
        self.keep(out);
    }

    pub(crate) fn snapshot(&mut self, seat: SeatIndex) -> Vec<u8> {
        let mut bytes = Vec::new();
        assert_eq!(self.host.view(seat, &mut bytes), Some(op::VIEW));
        bytes
    }

    fn view(&mut self, seat: SeatIndex) -> View {
        let replica = self.replicas[usize::from(seat.0)]
            .get_or_insert_with(|| Replica::new(schema(&Config::parse(QUIET).unwrap()).unwrap()));
        let tick = self.host.tick_number();
        if replica.tick() != tick || tick.0 == 0 {
            let mut bytes = Vec::new();
            assert_eq!(self.host.view(seat, &mut bytes), Some(op::VIEW));
            replica.apply(&bytes).unwrap();
        }
        View::of(replica)
    }

    fn keep(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            if let Effect::Send { to, op, data, .. } = effect {
                self.sent.push((to, op, data));
            }
        }
    }

    /// What everybody is told next about who is there, within a fifth of a second.
    fn next_players(&mut self) -> Players {
        for _ in 0..5 {
            self.tick();
            if let Some((to, bytes)) = self.take(op::PLAYERS).pop() {
                assert_eq!(to, To::All);
                return Players::decode(&bytes);
            }
        }
        panic!("nobody is told");
    }

    pub(crate) fn take(&mut self, op: i64) -> Vec<(To, Bytes)> {
        let (taken, kept) = std::mem::take(&mut self.sent)
            .into_iter()
            .partition(|(_, sent, _)| *sent == op);
        self.sent = kept;
        let taken: Vec<(To, i64, Bytes)> = taken;
        taken.into_iter().map(|(to, _, data)| (to, data)).collect()
    }
}

pub(crate) fn person(number: u8, username: &str) -> Person {
    Person {
        user_id: UserId(Uuid([number; 16])),
        session_id: SessionId(Uuid([number + 100; 16])),
        username: username.into(),
    }
}

const QUIET: &[u8] =
    br#"{"world_size":1000,"pellets":0,"viruses":0,"bots_fill":0,"mass_start":40,"player_limit":3}"#;

#[test]
fn newcomers_are_told_everything_and_others_of_them() {
    let mut table = Table::open(QUIET);
    let ann = table.join(1, "ann");
    table.sent.clear();
    let bob = table.join(2, "a user name of more than twenty-four bytes");
    let worlds = table.take(op::WORLD);
    assert_eq!(worlds[0].0, To::One(bob));
    let head = [0, 0, 0x7a, 0x44, 25, 1, 0, 3, 0, 0x1c, 2, 0x40, 6];
    assert_eq!(worlds[0].1[..13], head);
    let told = Schema::parse(&worlds[0].1[13..]);
    assert_eq!(told, Ok(schema(&Config::parse(QUIET).unwrap()).unwrap()));
    let players = table.take(op::PLAYERS);
    assert_eq!(players[0].0, To::One(bob));
    let whole = Players::decode(&players[0].1);
    assert!(whole.whole);
    let cut = String::from("a user name of more than");
    assert_eq!(
        whole.rows,
        [(0, 0, 0, String::from("ann")), (1, 0, 0, cut.clone())]
    );
    assert_eq!(players.len(), 1);
    let change = table.next_players();
    assert!(!change.whole);
    assert_eq!(
        change.rows,
        [(0, 0, 0, String::from("ann")), (1, 0, 0, cut)]
    );

    table.say(
        ann,
        Command::Spawn {
            hue: 9,
            name: "  \u{7} ",
        },
    );
    table.say(
        bob,
        Command::Spawn {
            hue: 8,
            name: " Bob ",
        },
    );
    let change = table.next_players();
    assert_eq!(
        change.rows,
        [
            (0, 0, 9, String::from("ann")),
            (1, 0, 8, String::from("Bob"))
        ]
    );

    let mut out = Vec::new();
    table
        .host
        .leave(table.now, bob, LeaveReason::Left, &mut out);
    table.keep(out);
    assert_eq!(table.next_players().gone, [1]);
    for _ in 0..50 {
        table.tick();
    }
    assert!(table.take(op::PLAYERS).is_empty(), "nothing has changed");
    assert_eq!(table.view(ann).cells_of(0).len(), 1);
    assert_eq!(table.view(ann).cells.len(), 1);
}

#[test]
fn a_fight_ends_with_statistics_and_boards_come_once_a_second() {
    let mut table = Table::open(QUIET);
    let (ann, bob) = (table.join(1, "ann"), table.join(2, "bob"));
    for seat in [ann, bob] {
        table.say(seat, Command::Spawn { hue: 1, name: "" });
    }
    let mut died = Vec::new();
    let mut boards = 0;
    let mut ball = None;
    for tick in 1..=500 {
        for seat in [ann, bob] {
            // Each heads for Ann, and Bob feeds her on the way.
            let (x, y) = match table.view(ann).cells_of(0).first() {
                Some(cell) => cell.at,
                None => (0, 0),
            };
            let (x, y) = ((x * 65_535 / 2_000) as u16, (y * 65_535 / 2_000) as u16);
            table.say(seat, Command::Steer { x, y });
        }
        table.say(bob, Command::Eject);
        table.tick();
        let now = table.take(op::BOARD);
        assert_eq!(now.len(), usize::from(tick % 25 == 0));
        assert_eq!(table.take(op::MINIMAP).len(), usize::from(tick % 25 == 0));
        boards += now.len();
        died = table.take(op::DIED);
        let eaten = table.view(ann).cells_of(1).first().copied();
        if !died.is_empty() {
            assert_eq!(eaten, None);
            let (eater, eaten) = (table.view(ann).cells_of(0)[0], ball.unwrap());
            // That it was eaten, and by whom, is seen: what is gone lies inside of the one who grew.
            assert!(lies_in(&eaten, &eater), "{eaten:?} in {eater:?}");
            assert_eq!(table.view(bob).cells, [eater]);
            break;
        }
        ball = eaten;
    }
    assert!(boards > 0 || table.host.tick_number().0 < 25);
    assert_eq!(died.len(), 1, "nobody ate anybody");
    assert_eq!(died[0].0, To::One(bob));
    let bytes = &died[0].1;
    assert_eq!(bytes.len(), 12);
    assert_eq!(
        bytes[..6],
        [0, 0, 40, 0, 0, 0],
        "by Ann, with 40 points at best"
    );
    let ticks = u32::from_le_bytes(bytes[6..10].try_into().unwrap());
    assert_eq!(u64::from(ticks), table.host.tick_number().0 - 1);

    let grave = table.view(bob);
    assert_eq!((grave.flags, grave.score, grave.rank), (0, 0, 0));
    assert!(grave.still.is_some() && grave.cells_of(1).is_empty());
    table.say(bob, Command::Spectate);
    table.tick();
    let following = table.view(bob);
    assert_eq!((following.flags, following.followed), (2, 0));
    assert_eq!(following.score, table.view(ann).score);
    table.say(bob, Command::Spawn { hue: 1, name: "" });
    table.tick();
    let again = table.view(bob);
    assert_eq!((again.flags, again.cells_of(1).len()), (1, 1));
    for _ in 0..25 {
        table.tick();
    }
    let ranks = [ann, bob].map(|seat| table.view(seat).rank);
    assert!(ranks == [1, 2] || ranks == [2, 1], "{ranks:?}");
}

fn lies_in(inner: &Ball, outer: &Ball) -> bool {
    let [x, y] = [
        inner.at.0.abs_diff(outer.at.0),
        inner.at.1.abs_diff(outer.at.1),
    ];
    x * x + y * y <= outer.radius * outer.radius
}

#[test]
fn a_held_seat_keeps_its_cells_and_is_greeted_when_back() {
    let mut table = Table::open(QUIET);
    let (ann, bob) = (table.join(1, "ann"), table.join(2, "bob"));
    table.say(ann, Command::Spawn { hue: 1, name: "" });
    table.tick();
    let mut out = Vec::new();
    table.host.connection_lost(table.now, ann, &mut out);
    for _ in 0..50 {
        table.tick();
    }
    assert_eq!(table.view(bob).cells.len(), 1);
    table.sent.clear();
    assert_eq!(table.join(1, "ann"), ann);
    assert_eq!(table.take(op::WORLD).len(), 1);
    assert!(Players::decode(&table.take(op::PLAYERS)[0].1).whole);
    assert_eq!(table.view(ann).cells_of(0).len(), 1);

    table.host.connection_lost(table.now, ann, &mut out);
    for _ in 0..400 {
        table.tick();
    }
    assert_eq!(
        table.view(bob).cells.len(),
        0,
        "after the hold the cells go"
    );
}

#[test]
fn malformed_messages_are_ignored_and_counted() {
    let mut table = Table::open(QUIET);
    let ann = table.join(1, "ann");
    let cases: [(i64, &[u8]); 6] = [
        (1, &[1]),
        (2, &[1]),
        (4, &[]),
        (4, &[1, 0xff]),
        (0, &[]),
        (17, &[0; 64]),
    ];
    for (op, data) in cases {
        table
            .host
            .message(ann, op, Bytes::copy_from_slice(data))
            .unwrap();
    }
    table.say(ann, Command::Spectate);
    table.tick();
    let answer = table.host.signal(table.now, b"", &mut Vec::new());
    let answer = String::from_utf8(answer).unwrap();
    assert_eq!(
        answer,
        r#"{"alive":0,"bots":0,"cells":0,"messages_ignored":6,"people":1}"#
    );
}

#[test]
fn parameters_become_settings_or_a_reason() {
    let table = Table::open(br#"{"name":"north","player_limit":7,"empty_ms":5000}"#);
    let settings = table.host.settings();
    assert_eq!((settings.tick_rate_hz, settings.seats_max), (25, 7));
    assert_eq!(
        (
            settings.seat_hold_ms,
            settings.empty_ms,
            settings.recording_bytes_max
        ),
        (15_000, 5_000, 8 << 20)
    );
    assert_eq!(table.host.label(), r#"{"game":"arena","name":"north"}"#);
    let opening = Opening {
        params: Bytes::from_static(br#"{"pellets":50001}"#),
        ..Opening::default()
    };
    let err = Host::open(&Factory::of::<Arena>(), opening).err().unwrap();
    assert_eq!(err.reason, "pellets is 50001, allowed are 0 to 50000");
}

#[test]
fn a_restored_room_runs_on() {
    let mut table = Table::open(br#"{"world_size":1500,"bots_fill":6,"pellets":300}"#);
    let ann = table.join(1, "ann");
    table.say(ann, Command::Spawn { hue: 1, name: "" });
    for _ in 0..120 {
        table.tick();
    }
    let snapshot = table.host.snapshot();
    let host = Host::restore(&Factory::of::<Arena>(), &snapshot, table.now).unwrap();
    let mut twin = Table {
        host,
        now: table.now,
        sent: Vec::new(),
        replicas: Vec::new(),
    };
    table.sent.clear();
    for tick in 0..80_u16 {
        for table in [&mut table, &mut twin] {
            table.say(
                ann,
                Command::Steer {
                    x: tick * 800,
                    y: 65_535 - tick * 800,
                },
            );
            table.tick();
        }
        assert_eq!(
            table.host.state_hash(),
            twin.host.state_hash(),
            "tick {tick}"
        );
    }
    assert_eq!(table.sent, twin.sent);
}
