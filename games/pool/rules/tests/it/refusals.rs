//! Bad input and cheats: each is refused with its reason, and the table is as it was.

use tagus_duel::{
    AIM_BYTES, Aim, Command, DIFFERS, Reason, SHOOT_BYTES, Stroke, TRACE_BYTES_MAX, op,
};
use tagus_physics::{BODIES_MAX, Place, PoolSize, Shot, State, Table as PoolTable};

use crate::promises::check_refusal as check;
use crate::{Table, straight};

const QUIET: &str = r#"{"turn_s":10,"recording_kib":0,"tick_rate_hz":30}"#;

/// A table at the second turn: the first chair to break has shot, weakly, and the other is to play.
/// The seat of who is to play, and the other's.
fn second_turn() -> (Table, u16, u16) {
    let mut table = Table::of_two(QUIET, 5);
    let first = u16::from(table.turn().player);
    let told = table.play(first, straight(9_000));
    assert_eq!((told.ruling, told.turn.player), (5, 1 - first as u8));
    table.sent.clear();
    (table, 1 - first, first)
}

fn shoot(game: u16, turn: u16, stroke: Stroke) -> Vec<u8> {
    let mut out = Vec::new();
    assert_eq!(
        Command::Shoot { game, turn, stroke }.encode(&mut out),
        op::SHOOT
    );
    assert_eq!(out.len(), SHOOT_BYTES);
    out
}

fn with(change: impl FnOnce(&mut Shot)) -> Stroke {
    let mut stroke = straight(20_000);
    change(&mut stroke.shot);
    stroke
}

#[test]
fn every_bad_shot_has_its_reason() {
    let (mut table, mine, other) = second_turn();
    let good = straight(20_000);
    let (viewer, _) = table.join(3);
    table.sent.clear();
    let bad_flag = |at: usize, byte: u8| {
        let mut bytes = shoot(0, 1, good);
        bytes[at] = byte;
        bytes
    };
    let placed = |at| Stroke {
        place: Some(at),
        ..good
    };
    let called = |pocket| Stroke {
        call: Some(pocket),
        ..good
    };
    let cases: Vec<(&str, u16, Vec<u8>, Reason)> = vec![
        ("no bytes", mine, Vec::new(), Reason::Malformed),
        (
            "cut short",
            mine,
            shoot(0, 1, good)[..SHOOT_BYTES - 1].to_vec(),
            Reason::Malformed,
        ),
        (
            "too long",
            mine,
            [shoot(0, 1, good), vec![0]].concat(),
            Reason::Malformed,
        ),
        ("an unknown flag", mine, bad_flag(4, 2), Reason::Malformed),
        (
            "a place without its flag",
            mine,
            bad_flag(6, 1),
            Reason::Malformed,
        ),
        ("who watches", viewer.0, shoot(0, 1, good), Reason::Watching),
        ("another game", mine, shoot(1, 1, good), Reason::OtherGame),
        (
            "the last turn again",
            other,
            shoot(0, 0, good),
            Reason::OldTurn,
        ),
        ("an old turn", mine, shoot(0, 0, good), Reason::OldTurn),
        (
            "a very old turn",
            mine,
            shoot(0, u16::MAX, good),
            Reason::OldTurn,
        ),
        ("the next turn", mine, shoot(0, 2, good), Reason::NotYet),
        ("out of turn", other, shoot(0, 1, good), Reason::NotYourTurn),
        (
            "another table",
            mine,
            shoot(0, 1, with(|shot| shot.table = 1)),
            Reason::OtherTable,
        ),
        (
            "the pitch",
            mine,
            shoot(0, 1, with(|shot| shot.table = 101)),
            Reason::OtherTable,
        ),
        (
            "an object ball",
            mine,
            shoot(0, 1, with(|shot| shot.body = 1)),
            Reason::OtherBall,
        ),
        (
            "no ball",
            mine,
            shoot(0, 1, with(|shot| shot.body = 255)),
            Reason::OtherBall,
        ),
        (
            "no power",
            mine,
            shoot(0, 1, with(|shot| shot.power = 0)),
            Reason::NoPower,
        ),
        (
            "beside the ball",
            mine,
            shoot(0, 1, with(|shot| shot.side = i16::MIN)),
            Reason::Offset,
        ),
        (
            "just beside the ball",
            mine,
            shoot(0, 1, with(|shot| (shot.side, shot.height) = (i16::MAX, 1))),
            Reason::Offset,
        ),
        (
            "the cue ball moved",
            mine,
            shoot(0, 1, placed((500_000, 500_000))),
            Reason::NotInHand,
        ),
        ("a call", mine, shoot(0, 1, called(2)), Reason::NoCall),
        (
            "a call of nothing",
            mine,
            shoot(0, 1, called(6)),
            Reason::NoCall,
        ),
    ];
    for (name, seat, bytes, reason) in cases {
        check(&mut table, name, seat, op::SHOOT, bytes, reason);
    }
    // The last allowed offset is.
    let edge = with(|shot| shot.height = i16::MAX);
    table.say_bytes(mine, op::SHOOT, shoot(0, 1, edge));
    table.tick();
    assert_eq!(table.take(op::SHOT).len(), 1);
}

#[test]
fn every_other_bad_message_has_its_reason() {
    let (mut table, mine, other) = second_turn();
    let game_turn = |game: u16, turn: u16| [game.to_le_bytes(), turn.to_le_bytes()].concat();
    let aim = |aim: Aim| {
        let mut out = Vec::new();
        Command::Aim(aim).encode(&mut out);
        assert_eq!(out.len(), AIM_BYTES);
        out
    };
    let at = Aim {
        turn: 1,
        ..Aim::default()
    };
    let placed = Aim {
        place: Some((1, 1)),
        ..at
    };
    let differs = |turn: u16, bytes: usize| {
        let trace = vec![7; bytes];
        let mut out = Vec::new();
        Command::Differs {
            game: 0,
            turn,
            hash: 9,
            trace: &trace,
        }
        .encode(&mut out);
        out
    };
    let cases: Vec<(&str, u16, i64, Vec<u8>, Reason)> = vec![
        ("an unknown op", mine, 99, Vec::new(), Reason::Malformed),
        ("a negative op", mine, -1, Vec::new(), Reason::Malformed),
        (
            "a message of the server's",
            mine,
            op::VERDICT,
            Vec::new(),
            Reason::Malformed,
        ),
        (
            "an aim cut short",
            mine,
            op::AIM,
            aim(at)[1..].to_vec(),
            Reason::Malformed,
        ),
        (
            "another's aim",
            other,
            op::AIM,
            aim(at),
            Reason::NotYourTurn,
        ),
        (
            "an aim with the ball moved",
            mine,
            op::AIM,
            aim(placed),
            Reason::NotInHand,
        ),
        (
            "an old aim",
            mine,
            op::AIM,
            aim(Aim::default()),
            Reason::OldTurn,
        ),
        (
            "a trace too long",
            mine,
            op::DIFFERS,
            differs(0, TRACE_BYTES_MAX + 1),
            Reason::Malformed,
        ),
        (
            "a hash of what was not played",
            mine,
            op::DIFFERS,
            differs(1, 0),
            Reason::NotYet,
        ),
        (
            "another's rerack",
            other,
            op::RERACK,
            game_turn(0, 1),
            Reason::NotYourTurn,
        ),
        (
            "an old rerack",
            mine,
            op::RERACK,
            game_turn(0, 0),
            Reason::OldTurn,
        ),
        (
            "to choose what there is not",
            mine,
            op::CHOOSE,
            vec![0, 0, 0],
            Reason::Malformed,
        ),
        (
            "to concede another game",
            mine,
            op::CONCEDE,
            vec![1, 0],
            Reason::OtherGame,
        ),
        (
            "a rematch too early",
            mine,
            op::REMATCH,
            vec![0, 0],
            Reason::Phase,
        ),
        (
            "a rematch of another game",
            mine,
            op::REMATCH,
            vec![9, 0],
            Reason::OtherGame,
        ),
        (
            "to sit during a game",
            mine,
            op::SIT,
            Vec::new(),
            Reason::Phase,
        ),
        (
            "to sit with bytes",
            mine,
            op::SIT,
            vec![0],
            Reason::Malformed,
        ),
    ];
    for (name, seat, op, bytes, reason) in cases {
        check(&mut table, name, seat, op, bytes, reason);
    }
    // A rerack is allowed here, as the break was weak; once.
    table.say_bytes(mine, op::RERACK, game_turn(0, 1));
    table.tick();
    assert_eq!(table.take(op::TABLE).len(), 2);
    let again = game_turn(0, 2);
    check(
        &mut table,
        "a second rerack",
        mine,
        op::RERACK,
        again,
        Reason::NotAllowed,
    );
    // And a ball behind the head string, for it is a break.
    let cases = [
        (
            "beyond the head string",
            (700_000, 500_000),
            Reason::HeadString,
        ),
        ("on the cushion", (0, 300_000), Reason::NoFit),
        ("far away", (i32::MIN, i32::MAX), Reason::NoFit),
    ];
    for (name, at, reason) in cases {
        let stroke = Stroke {
            place: Some(at),
            ..straight(9_000)
        };
        check(
            &mut table,
            name,
            mine,
            op::SHOOT,
            shoot(0, 2, stroke),
            reason,
        );
    }
    table.say_bytes(mine, op::CONCEDE, vec![0, 0]);
    table.tick();
    table.tick();
    table.sent.clear();
    let late = shoot(0, 3, straight(9_000));
    check(
        &mut table,
        "after the end",
        mine,
        op::SHOOT,
        late,
        Reason::Phase,
    );
    check(
        &mut table,
        "to concede twice",
        other,
        op::CONCEDE,
        vec![0, 0],
        Reason::Phase,
    );
}

#[test]
fn too_early_too_late_and_twice() {
    let (mut table, mine, other) = second_turn();
    table.is_slow = true;
    // Twice in the same tick, then while it is simulated, then while the balls run.
    for _ in 0..2 {
        table.say_bytes(mine, op::SHOOT, shoot(0, 1, straight(30_000)));
    }
    table.tick();
    assert_eq!(table.take(op::SHOT).len(), 1);
    assert_eq!(table.refusals(mine), [(1, Reason::OldTurn as u8)]);
    table.say_bytes(mine, op::SHOOT, shoot(0, 1, straight(30_000)));
    table.say_bytes(other, op::SHOOT, shoot(0, 2, straight(30_000)));
    table.tick();
    assert_eq!(table.refusals(mine), [(1, Reason::OldTurn as u8)]);
    assert_eq!(table.refusals(other), [(1, Reason::NotYet as u8)]);
    assert_eq!(table.jobs.len(), 1);
    table.run_jobs();
    table.tick();
    let told = Table::told_of(&table.take(op::VERDICT)[0].1);
    let next = u16::from(told.turn.player);
    let stroke = straight(20_000);
    let of = |stroke| shoot(0, 2, stroke);
    let stroke = Stroke {
        place: (told.turn.flags() & 8 != 0).then_some((500_000, 500_000)),
        ..stroke
    };
    table.sent.clear();
    check(
        &mut table,
        "while they run",
        next,
        op::SHOOT,
        of(stroke),
        Reason::TooEarly,
    );
    table.wait(u64::from(told.rest_ms) - 600);
    check(
        &mut table,
        "just before",
        next,
        op::SHOOT,
        of(stroke),
        Reason::TooEarly,
    );
    table.wait(500 + 10_000 + 800);
    // Within the grace it is still taken; after it, the turn is over.
    assert_eq!(table.turn().player, next as u8);
    table.wait(400);
    assert_eq!(table.turn().player, 1 - next as u8);
    table.sent.clear();
    check(
        &mut table,
        "too late",
        next,
        op::SHOOT,
        of(stroke),
        Reason::TooLate,
    );
}

#[test]
fn the_grace_is_kept() {
    let (mut table, mine, _) = second_turn();
    table.wait(10_700);
    table.say_bytes(mine, op::SHOOT, shoot(0, 1, straight(20_000)));
    table.tick();
    assert_eq!(table.take(op::SHOT).len(), 1);
}

#[test]
fn a_claimed_hash_changes_nothing_is_counted_and_told_to_server_code() {
    let (mut table, mine, _) = second_turn();
    table.is_slow = true;
    let trace = [5; TRACE_BYTES_MAX];
    let claim = Command::Differs {
        game: 0,
        turn: 0,
        hash: 0xdead_beef,
        trace: &trace,
    };
    let before = table.turn();
    table.say(mine, claim);
    table.say(mine, claim);
    table.tick();
    assert_eq!(table.refusals(mine), [(3, Reason::TooOften as u8)]);
    assert_eq!(table.turn().state, before.state);
    let mut out = Vec::new();
    let counts = table.host.signal(table.now, b"counts", &mut out);
    let counts: serde_json::Value = serde_json::from_slice(&counts).unwrap();
    assert_eq!(counts["differs"], 1);
    assert_eq!(counts["refused"], 1);
    assert_eq!(counts["report"]["hash"], "00000000deadbeef");
    assert_eq!(counts["report"]["trace_bytes"], TRACE_BYTES_MAX);
    let [(_, name, told)] = &table.calls[..] else {
        panic!("one call, not {:?}", table.calls);
    };
    assert_eq!(name, DIFFERS);
    let told: serde_json::Value = serde_json::from_slice(told).unwrap();
    assert_eq!((&told["turn"], &told["chair"]), (&0.into(), &mine.into()));
    assert_eq!(told["hash"], "00000000deadbeef");
    assert_eq!(
        told["trace"].as_str().map(str::len),
        Some((TRACE_BYTES_MAX * 4).div_ceil(3))
    );
}

#[test]
fn a_flood_is_answered_a_few_times_only() {
    let (mut table, mine, other) = second_turn();
    for _ in 0..60 {
        table.say_bytes(other, 99, vec![0; 100]);
    }
    table.say_bytes(mine, op::SHOOT, shoot(0, 1, straight(20_000)));
    table.tick();
    assert_eq!(table.refusals(other).len(), 4);
    assert_eq!(table.take(op::SHOT).len(), 1);
}

#[test]
fn the_tables_of_these_tests_are_those_of_the_physics() {
    let table = PoolTable::pool(PoolSize::EightFoot);
    assert_eq!(table.version, 2);
    let rack = State::eight_ball(&table, 1);
    assert!(rack.bodies().len() <= BODIES_MAX);
    assert!(matches!(rack.place(0), Place::On { x, .. } if x < 700_000));
}
