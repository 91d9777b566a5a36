//! Bad input and cheats: each is refused with its reason, and the pitch is as it was.

use tagus_duel::{Aim, Command, Reason, Stroke, TRACE_BYTES_MAX, op};
use tagus_soccer::CHOICES_MAX;

use crate::promises::check_refusal as check;
use crate::{BACK, Table, flick};

const QUIET: &str = r#"{"turn_s":10,"recording_kib":0}"#;

/// A pitch at the second turn: the seat of who is to play, and the other's.
fn second_turn() -> (Table, u16, u16) {
    let mut table = Table::of_two(QUIET, 5);
    let first = u16::from(table.turn().player);
    let told = table.play(first, gentle(first));
    assert_eq!((told.ruling, told.turn.player), (0, 1 - first as u8));
    table.sent.clear();
    (table, 1 - first, first)
}

/// A flick by a seat's keeper that meets nothing.
fn gentle(seat: u16) -> Stroke {
    let angle = if seat == 0 { 0 } else { BACK };
    flick(1 + seat as u8 * 5, angle, 9_000)
}

fn bytes(command: Command<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    command.encode(&mut out);
    out
}

fn shoot(game: u16, turn: u16, stroke: Stroke) -> Vec<u8> {
    bytes(Command::Shoot { game, turn, stroke })
}

#[test]
fn every_bad_shot_has_its_reason() {
    let (mut table, mine, other) = second_turn();
    let good = gentle(mine);
    let (viewer, _) = table.join(3);
    table.sent.clear();
    let byte = |at: usize, byte: u8| {
        let mut bytes = shoot(0, 1, good);
        bytes[at] = byte;
        bytes
    };
    let with = |change: &dyn Fn(&mut Stroke)| {
        let mut stroke = good;
        change(&mut stroke);
        shoot(0, 1, stroke)
    };
    let body = |body| with(&|stroke| stroke.shot.body = body);
    let theirs = gentle(other).shot.body;
    let cases: Vec<(&str, u16, Vec<u8>, Reason)> = vec![
        ("no bytes", mine, Vec::new(), Reason::Malformed),
        (
            "cut short",
            mine,
            shoot(0, 1, good)[..26].to_vec(),
            Reason::Malformed,
        ),
        ("an unknown flag", mine, byte(4, 2), Reason::Malformed),
        (
            "a place without its flag",
            mine,
            byte(6, 1),
            Reason::Malformed,
        ),
        ("who watches", viewer.0, shoot(0, 1, good), Reason::Watching),
        ("another game", mine, shoot(1, 1, good), Reason::OtherGame),
        (
            "a recorded one",
            other,
            shoot(0, 0, gentle(other)),
            Reason::OldTurn,
        ),
        ("an old turn", mine, shoot(0, 0, good), Reason::OldTurn),
        ("the next turn", mine, shoot(0, 2, good), Reason::NotYet),
        ("out of turn", other, shoot(0, 1, good), Reason::NotYourTurn),
        (
            "a pool table",
            mine,
            with(&|stroke| stroke.shot.table = 2),
            Reason::OtherTable,
        ),
        ("the ball", mine, body(0), Reason::OtherBall),
        ("a disc of the other", mine, body(theirs), Reason::OtherBall),
        ("no body", mine, body(11), Reason::OtherBall),
        ("the last number", mine, body(255), Reason::OtherBall),
        (
            "side spin",
            mine,
            with(&|stroke| stroke.shot.side = -1),
            Reason::Offset,
        ),
        (
            "above the middle",
            mine,
            with(&|stroke| stroke.shot.height = i16::MAX),
            Reason::Offset,
        ),
        (
            "no power",
            mine,
            with(&|stroke| stroke.shot.power = 0),
            Reason::NoPower,
        ),
        (
            "a disc moved",
            mine,
            with(&|stroke| stroke.place = Some((500_000, 500_000))),
            Reason::NotInHand,
        ),
        (
            "a goal called",
            mine,
            with(&|stroke| stroke.call = Some(1)),
            Reason::NoCall,
        ),
    ];
    for (name, seat, bytes, reason) in cases {
        check(&mut table, name, seat, op::SHOOT, bytes, reason);
    }
    table.say_bytes(mine, op::SHOOT, shoot(0, 1, good));
    table.tick();
    assert_eq!(table.take(op::SHOT).len(), 1);
}

#[test]
fn every_other_bad_message_has_its_reason() {
    let (mut table, mine, other) = second_turn();
    let (viewer, _) = table.join(3);
    table.sent.clear();
    let own = gentle(mine).shot.body;
    let theirs = gentle(other).shot.body;
    let aim = |change: &dyn Fn(&mut Aim)| {
        let mut aim = Aim {
            turn: 1,
            call: Some(own),
            ..Aim::default()
        };
        change(&mut aim);
        bytes(Command::Aim(aim))
    };
    let choose = |game, choice| bytes(Command::Choose { game, choice });
    let cases: Vec<(&str, u16, i64, Vec<u8>, Reason)> = vec![
        ("an unknown op", mine, 9, Vec::new(), Reason::Malformed),
        (
            "a message of the server's",
            mine,
            op::CHOICES,
            vec![0; 4],
            Reason::Malformed,
        ),
        (
            "another's aim",
            other,
            op::AIM,
            aim(&|_| ()),
            Reason::NotYourTurn,
        ),
        (
            "an aim with a disc of the other",
            mine,
            op::AIM,
            aim(&|aim| aim.call = Some(theirs)),
            Reason::OtherBall,
        ),
        (
            "an aim with the ball",
            mine,
            op::AIM,
            aim(&|aim| aim.call = Some(0)),
            Reason::OtherBall,
        ),
        (
            "an aim with a disc moved",
            mine,
            op::AIM,
            aim(&|aim| aim.place = Some((1, 1))),
            Reason::NotInHand,
        ),
        (
            "an aim with spin",
            mine,
            op::AIM,
            aim(&|aim| aim.height = 1),
            Reason::Offset,
        ),
        (
            "to lay it out again",
            mine,
            op::RERACK,
            bytes(Command::Rerack { game: 0, turn: 1 }),
            Reason::NotAllowed,
        ),
        (
            "an unknown formation",
            mine,
            op::CHOOSE,
            choose(0, 5),
            Reason::Malformed,
        ),
        (
            "a formation cut short",
            mine,
            op::CHOOSE,
            vec![0, 0],
            Reason::Malformed,
        ),
        (
            "a formation of who watches",
            viewer.0,
            op::CHOOSE,
            choose(0, 1),
            Reason::Watching,
        ),
        (
            "a formation of another game",
            other,
            op::CHOOSE,
            choose(1, 1),
            Reason::OtherGame,
        ),
        (
            "a trace too long",
            mine,
            op::DIFFERS,
            vec![0; 12 + TRACE_BYTES_MAX + 1],
            Reason::Malformed,
        ),
        (
            "a rematch too early",
            mine,
            op::REMATCH,
            vec![0, 0],
            Reason::Phase,
        ),
    ];
    for (name, seat, op, bytes, reason) in cases {
        check(&mut table, name, seat, op, bytes, reason);
    }
    table.say_bytes(mine, op::AIM, aim(&|_| ()));
    table.say_bytes(mine, op::AIM, aim(&|aim| aim.call = None));
    table.wait(200);
    assert_eq!(table.take(op::AIMED).len(), 1);
    assert_eq!(table.refusals(mine), []);
}

#[test]
fn too_early_too_late_and_twice() {
    let (mut table, mine, other) = second_turn();
    table.is_slow = true;
    let long = flick(gentle(mine).shot.body, 1 << 30, 40_000);
    for _ in 0..2 {
        table.say_bytes(mine, op::SHOOT, shoot(0, 1, long));
    }
    table.tick();
    assert_eq!(table.take(op::SHOT).len(), 1);
    assert_eq!(table.refusals(mine), [(1, Reason::OldTurn as u8)]);
    table.say_bytes(other, op::SHOOT, shoot(0, 2, gentle(other)));
    table.tick();
    assert_eq!(table.refusals(other), [(1, Reason::NotYet as u8)]);
    table.run_jobs();
    table.tick();
    let (_, verdict) = table.take(op::VERDICT).pop().unwrap();
    let told = Table::told_of(&verdict);
    let early = |table: &mut Table, name| {
        let bytes = shoot(0, 2, gentle(other));
        check(table, name, other, op::SHOOT, bytes, Reason::TooEarly);
    };
    early(&mut table, "while they move");
    table.wait(u64::from(told.turn.wait_ms) + 10_000 + 700);
    // Within the grace it is still taken; after it, the turn is over.
    assert_eq!(table.turn().player, other as u8);
    table.wait(600);
    assert_eq!(table.turn().player, mine as u8);
    table.sent.clear();
    let late = shoot(0, 2, gentle(other));
    check(
        &mut table,
        "too late",
        other,
        op::SHOOT,
        late,
        Reason::TooLate,
    );
}

#[test]
fn a_formation_does_not_block_a_shot_and_is_not_chosen_for_ever() {
    let (mut table, mine, other) = second_turn();
    let before = table.turn();
    table.say(other, Command::Choose { game: 0, choice: 4 });
    table.tick();
    let (_, told) = table.take(op::CHOICES).pop().unwrap();
    assert_eq!(
        told[..],
        [[0, 0], if other == 0 { [4, 0] } else { [0, 4] }].concat()
    );
    let after = table.turn();
    assert_eq!((after.turn, &after.state), (before.turn, &before.state));
    assert_eq!(after.own[usize::from(other)], 4);
    for _ in 1..CHOICES_MAX {
        table.say(other, Command::Choose { game: 0, choice: 2 });
        table.tick();
    }
    table.say(other, Command::Choose { game: 0, choice: 1 });
    table.tick();
    assert_eq!(table.refusals(other), [(8, Reason::TooOften as u8)]);
    assert_eq!(table.turn().own[usize::from(other)], 2);
    table.sent.clear();
    // The shot that was meant is played on what the player saw.
    let told = table.play(mine, gentle(mine));
    assert_eq!(told.turn.turn, 2);
    assert_eq!(table.refusals(mine), []);
}

#[test]
fn a_claimed_hash_changes_nothing_and_a_flood_is_answered_a_few_times() {
    let (mut table, mine, other) = second_turn();
    let before = table.turn();
    let claim = Command::Differs {
        game: 0,
        turn: 0,
        hash: 0xdead_beef,
        trace: &[],
    };
    table.say(mine, claim);
    table.say(mine, claim);
    for _ in 0..50 {
        table.say_bytes(other, 99, vec![0; 100]);
    }
    table.tick();
    assert_eq!(table.refusals(mine), [(3, Reason::TooOften as u8)]);
    assert_eq!(table.refusals(other).len(), 4);
    assert_eq!(table.turn().state, before.state);
    let counts = table.host.signal(table.now, b"counts", &mut Vec::new());
    let counts: serde_json::Value = serde_json::from_slice(&counts).unwrap();
    assert_eq!(
        (&counts["differs"], &counts["refused"]),
        (&1.into(), &51.into())
    );
}
