//! The arena in a room: who is told what, and that a restored room runs on.

use std::time::Duration;

use bytes::Bytes;
use tagus_arena::{Arena, Command, op};
use tagus_base::{SeatIndex, SessionId, UserId, Uuid};
use tagus_room::{Effect, Factory, Host, LeaveReason, Metadata, Opening, Person, To};

use crate::decoder::{Players, View};

struct Table {
    host: Host,
    now: Duration,
    /// What was sent since the last look: receivers, op, data.
    sent: Vec<(To, i64, Bytes)>,
}

impl Table {
    fn open(params: &str) -> Self {
        let params = Bytes::copy_from_slice(params.as_bytes());
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
        }
    }

    fn join(&mut self, number: u8, username: &str) -> SeatIndex {
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
        joined.seat
    }

    fn say(&mut self, seat: SeatIndex, command: Command<'_>) {
        let mut data = Vec::new();
        let op = command.encode(&mut data);
        self.host.message(seat, op, data.into()).unwrap();
    }

    fn tick(&mut self) {
        self.now += Duration::from_millis(40);
        let mut out = Vec::new();
        self.host.tick(self.now, &mut out);
        self.keep(out);
    }

    fn view(&self, seat: SeatIndex) -> View {
        let mut bytes = Vec::new();
        assert_eq!(self.host.view(seat, &mut bytes), Some(op::VIEW));
        View::decode(&bytes)
    }

    fn keep(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            if let Effect::Send { to, op, data, .. } = effect {
                self.sent.push((to, op, data));
            }
        }
    }

    fn take(&mut self, op: i64) -> Vec<(To, Bytes)> {
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

const QUIET: &str =
    r#"{"world_size":1000,"pellets":0,"viruses":0,"bots_fill":0,"mass_start":40,"player_limit":3}"#;

#[test]
fn newcomers_are_told_everything_and_others_of_them() {
    let mut table = Table::open(QUIET);
    let ann = table.join(1, "ann");
    table.sent.clear();
    let bob = table.join(2, "a user name of more than twenty-four bytes");
    assert_eq!(
        table.take(op::WORLD),
        [(
            To::One(bob),
            Bytes::from_static(&[0, 0, 0x7a, 0x44, 25, 1, 0, 3, 0])
        )]
    );
    let players = table.take(op::PLAYERS);
    assert_eq!(players[0].0, To::One(bob));
    let whole = Players::decode(&players[0].1);
    assert!(whole.whole);
    let cut = String::from("a user name of more than");
    assert_eq!(
        whole.rows,
        [(0, 0, 0, String::from("ann")), (1, 0, 0, cut.clone())]
    );
    assert_eq!(players[1].0, To::AllBut(bob));
    let change = Players::decode(&players[1].1);
    assert!(!change.whole);
    assert_eq!(change.rows, [(1, 0, 0, cut)]);

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
    table.tick();
    let change = Players::decode(&table.take(op::PLAYERS)[0].1);
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
    let change = table.take(op::PLAYERS);
    assert_eq!(change[0].0, To::AllBut(bob));
    assert_eq!(Players::decode(&change[0].1).gone, [1]);
    table.tick();
    assert_eq!(table.view(ann).own.len(), 1);
    assert!(table.view(ann).cells.iter().all(|cell| cell.owner == 0));
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
    for tick in 1..=500 {
        for seat in [ann, bob] {
            // Each heads for Ann, and Bob feeds her on the way.
            let (x, y) = table.view(ann).centre;
            table.say(seat, Command::Steer { x, y });
        }
        table.say(bob, Command::Eject);
        table.tick();
        let now = table.take(op::BOARD);
        assert_eq!(now.len(), if tick % 25 == 0 { 2 } else { 0 });
        assert_eq!(table.take(op::MINIMAP).len(), usize::from(tick % 25 == 0));
        boards += now.len();
        died = table.take(op::DIED);
        if !died.is_empty() {
            let eaten = table.view(bob).eaten;
            assert_eq!(eaten.len(), 1);
            assert_eq!(table.view(ann).own, [eaten[0].1]);
            break;
        }
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
    assert_eq!((grave.flags, grave.score, grave.own.len()), (0, 0, 0));
    table.say(bob, Command::Spectate);
    table.tick();
    let following = table.view(bob);
    assert_eq!(
        (following.flags, following.centre),
        (2, table.view(ann).centre)
    );
    assert_eq!(following.score, table.view(ann).score);
    table.say(bob, Command::Spawn { hue: 1, name: "" });
    table.tick();
    assert_eq!((table.view(bob).flags, table.view(bob).own.len()), (1, 1));
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
    assert_eq!(table.view(ann).own.len(), 1);

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
    let table = Table::open(r#"{"name":"north","player_limit":7,"empty_ms":5000}"#);
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
    let mut table = Table::open(r#"{"world_size":1500,"bots_fill":6,"pellets":300}"#);
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
