//! People, formations, lost connections and a bot, in a room.

use tagus_duel::{Command, Record, op, replay};
use tagus_room::To;
use tagus_soccer::{FORMATIONS, Frame};

use crate::promises::check_recording;
use crate::table::people;
use crate::{BACK, Table, flick};

const QUIET: &str = r#"{"turn_s":10}"#;

#[test]
fn a_game_from_its_kick_off_to_its_record() {
    let mut table = Table::open(r#"{"turn_s":10,"goals":1}"#, 1);
    table.join(1);
    let told = table.take_for(0, op::TABLE);
    assert_eq!(told[0][..8], [1, 0, 0, 0, 101, 0, 10, 0]);
    let turn = Table::turn_of(&told[0]);
    assert_eq!(
        (turn.phase, turn.player, turn.own, turn.rest),
        (0, 255, [0; 4], [0; 2])
    );
    table.join(2);
    let turn = table.turn();
    assert_eq!((turn.phase, turn.own, turn.rest), (1, [0; 4], [1, 1]));
    assert_eq!((turn.wait_ms, turn.left_ms), (2_000, 10_000));
    table.wait(2_100);
    // They kick about, until the time of one is out for the third time.
    let mut turns = 0;
    while table.turn().phase == 1 && turns < 20 {
        let turn = table.turn();
        if turns % 3 == 0 {
            table.wait(11_500);
        } else {
            let (disc, angle) = if turn.player == 0 { (2, 0) } else { (7, BACK) };
            table.play(turn.player.into(), flick(disc, angle, 20_000));
        }
        turns += 1;
    }
    let end = table.turn();
    assert_eq!(end.phase, 2);
    table.tick();
    let (_, record) = table.take(op::RECORD).pop().unwrap();
    let record = Record::from_bytes(&record).unwrap();
    assert_eq!(record.end.map(|end| end.how.0), Some(end.how));
    assert_eq!(replay::<Frame>(&record).unwrap().frame.state(), &end.state);
}

#[test]
fn a_goal_is_celebrated_before_the_kick_off() {
    let mut table = Table::of_two(r#"{"goals":5,"turn_s":600}"#, 2);
    // The ball is driven on until it is in.
    for index in 0..200_u32 {
        let turn = table.turn();
        let disc = 1 + turn.player * 5 + (index % 5) as u8;
        let at = |body| turn.state.place(body).position().unwrap();
        let angle = tagus_duel::angle_of(at(0) - at(disc));
        let told = table.play(turn.player.into(), flick(disc, angle, 60_000));
        if told.ruling == 0 {
            continue;
        }
        let [(0, pocket)] = told.pocketed[..] else {
            panic!("{told:?}");
        };
        let scorer = 1 - pocket;
        assert_eq!(told.turn.own[2 + usize::from(scorer)], 1);
        assert_eq!((told.turn.player, told.turn.rest), (1 - scorer, [5, 1]));
        assert_eq!(told.ruling, 1 + u8::from(scorer != turn.player));
        let pause_ms = told.turn.wait_ms + 200 - told.rest_ms;
        assert!((2_000..=2_200).contains(&pause_ms), "{pause_ms}");
        return;
    }
    panic!("no goal in 200 turns");
}

#[test]
fn formations_of_the_first_kick_off_and_of_the_next_game() {
    let mut table = Table::open(QUIET, 3);
    let at = |table: &mut Table, disc: u8| {
        let turn = table.turn();
        turn.state.place(disc).position().unwrap()
    };
    table.join(1);
    table.say(0, Command::Choose { game: 0, choice: 1 });
    table.tick();
    table.join(2);
    // Whoever waited stands as he chose; who came chooses while they find their seats.
    assert!((at(&mut table, 2) - FORMATIONS[1].discs[1]).length() < 1e-5);
    table.sent.clear();
    table.say(1, Command::Choose { game: 0, choice: 4 });
    table.tick();
    assert_eq!(table.take(op::TABLE).len(), 2);
    assert_eq!(table.take(op::CHOICES), []);
    let pitch = tagus_physics::Table::soccer().size;
    assert!((at(&mut table, 7) - (pitch - FORMATIONS[4].discs[1])).length() < 1e-5);
    // When the turn has begun, only who is to kick off may still.
    table.wait(2_200);
    let player = u16::from(table.turn().player);
    let before = table.turn().state;
    table.say(1 - player, Command::Choose { game: 0, choice: 2 });
    table.tick();
    assert_eq!(table.turn().state, before);
    assert_eq!(table.take(op::CHOICES).len(), 1);
    table.say(player, Command::Choose { game: 0, choice: 3 });
    table.tick();
    assert_ne!(table.turn().state, before);
    let own = [table.turn().own[0], table.turn().own[1]];
    // A kept choice is one of the next game's.
    table.say(0, Command::Concede { game: 0 });
    table.tick();
    table.tick();
    let (_, record) = table.take(op::RECORD).pop().unwrap();
    replay::<Frame>(&Record::from_bytes(&record).unwrap()).unwrap();
    table.say(0, Command::Choose { game: 0, choice: 0 });
    for seat in 0..2 {
        table.say(seat, Command::Rematch { game: 0 });
    }
    table.tick();
    let next = table.turn();
    assert_eq!((next.game, next.phase), (1, 1));
    assert_eq!([next.own[0], next.own[1]], [0, own[1]]);
    assert_eq!(next.state.check(&tagus_physics::Table::soccer()), Ok(()));
}

#[test]
fn who_goes_away_gains_nothing() {
    let mut table = Table::of_two(QUIET, 3);
    let player = table.turn().player;
    // The clock runs on without a connection.
    table.lose_connection(player.into());
    table.wait(11_500);
    let turn = table.turn();
    assert_eq!(
        (turn.player, turn.time_outs[usize::from(player)]),
        (1 - player, 1)
    );
    // And runs out, before the seat is free.
    table.wait(45_500);
    let end = table.turn();
    assert_eq!((end.phase, end.winner, end.how), (2, 1 - player, 6));
    // Who leaves has lost.
    let mut table = Table::of_two(QUIET, 3);
    table.leave(0);
    let told = table.take_for(1, op::TABLE).pop().unwrap();
    let end = Table::turn_of(&told);
    assert_eq!((end.phase, end.winner, end.how), (2, 1, 8));
}

#[test]
fn a_bot_plays_its_turns_by_itself() {
    let mut table = Table::open(r#"{"opponent":"bot","strength":1,"turn_s":5}"#, 4);
    table.join(1);
    let (_, told) = table.take(op::PEOPLE).pop().unwrap();
    assert_eq!(people(&told).2[1], (3, "Bot, easy".to_owned()));
    let (mut shots, mut aims) = (0, 0);
    for _ in 0..3_000 {
        table.tick();
        let struck = table.take(op::SHOT);
        shots += struck.iter().filter(|(_, bytes)| bytes[4] == 1).count();
        for (to, bytes) in table.take(op::AIMED) {
            assert_eq!((to, bytes[0]), (To::All, 1));
            assert!((6..=10).contains(&bytes[6]), "the disc is told");
            aims += 1;
        }
        if !table.take(op::RECORD).is_empty() {
            break;
        }
    }
    let end = table.turn();
    assert_eq!((end.phase, end.winner), (2, 1), "{end:?}");
    assert!(shots >= 2 && aims >= shots, "{shots} shots, {aims} aims");
}

#[test]
fn a_restored_room_goes_on_in_the_same_way() {
    let mut table = Table::of_two(QUIET, 3);
    let seat = u16::from(table.turn().player);
    table.say(1 - seat, Command::Choose { game: 0, choice: 2 });
    table.tick();
    table.is_slow = true;
    table.say(
        seat,
        Command::Shoot {
            game: 0,
            turn: 0,
            stroke: flick(2 + seat as u8 * 5, 1 << 30, 50_000),
        },
    );
    table.tick();
    let (token, job) = table.jobs.pop().unwrap();
    let result = job.run();
    table.check_restoring(|host, _| host.computed(token, result.clone()), 200);
}

#[test]
fn a_recording_replays() {
    let mut table = Table::of_two(QUIET, 8);
    for _ in 0..4 {
        let turn = table.turn();
        let disc = 2 + turn.player * 5;
        table.play(turn.player.into(), flick(disc, 1 << 30, 30_000));
    }
    check_recording(&table);
}

#[test]
fn parameters_out_of_range_make_no_room() {
    let opens = Table::opens;
    assert!(opens("") && opens("{}") && opens(r#"{"goals":5,"opponent":"bot"}"#));
    for params in [
        r#"{"goals":0}"#,
        r#"{"goals":6}"#,
        r#"{"goals":257}"#,
        r#"{"goals":"2"}"#,
        r#"{"opponent":"nobody"}"#,
        r#"{"turn_s":601}"#,
        r#"{"rules":"eight"}"#,
        "7",
    ] {
        assert!(!opens(params), "{params}");
    }
}
