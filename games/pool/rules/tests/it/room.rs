//! Two people, those who watch, lost connections, and a bot, in a room.

use tagus_base::SeatIndex;
use tagus_duel::{Aim, Command, Record, op, replay};
use tagus_physics::{Limits, PoolSize, State, Table as PoolTable, simulate};
use tagus_room::{How, To};

use crate::promises::check_recording;
use crate::table::people;
use crate::{Table, straight};

const QUIET: &str = r#"{"turn_s":10,"tick_rate_hz":30}"#;

#[test]
fn people_sit_down_in_order_and_the_others_watch() {
    let mut table = Table::open(QUIET, 1);
    table.join(1);
    let told = table.take_for(0, op::TABLE);
    let turn = Table::turn_of(&told[0]);
    assert_eq!((turn.phase, turn.player, turn.winner), (0, 255, 255));
    assert_eq!(
        told[0][..4],
        [0, 0, 0, 0],
        "eight-ball, a person, the first chair"
    );
    table.join(2);
    let told = table.take_for(1, op::TABLE);
    assert_eq!(told[0][2], 1, "the second chair");
    let turn = Table::turn_of(&told[0]);
    assert_eq!((turn.phase, turn.hand(), turn.flags()), (1, 1, 1));
    assert_eq!((turn.wait_ms, turn.left_ms), (2_000, 10_000));
    assert_eq!(table.take_for(0, op::TABLE).len(), 1);
    let (viewer, _) = table.join(3);
    assert_eq!(table.take_for(viewer.0, op::TABLE)[0][2], 255);
    let (_, told) = table.take(op::PEOPLE).pop().unwrap();
    let names = ["person 1", "person 2"].map(|name| (1, name.to_owned()));
    assert_eq!(people(&told), (1, 0, names));
}

#[test]
fn a_reserved_chair_is_kept_for_whom_it_is_reserved() {
    let mut table = Table::open(QUIET, 1);
    let users = [1, 2].map(|number| tagus_base::UserId(tagus_base::Uuid([number; 16])));
    let hold = std::time::Duration::from_secs(30);
    let mut out = Vec::new();
    table
        .host
        .reserve(table.now, &users, hold, &mut out)
        .unwrap();
    table.join(3);
    assert_eq!(table.take_for(0, op::TABLE)[0][2], 255, "watches");
    table.say(0, Command::Sit);
    table.tick();
    assert_eq!(table.refusals(0), [(7, 22)]);
    table.join(2);
    assert_eq!(table.take_for(1, op::TABLE)[0][2], 0);
    table.join(1);
    assert_eq!(table.take_for(2, op::TABLE)[0][2], 1);
    assert_eq!(table.turn().phase, 1);
}

#[test]
fn a_shot_is_shown_at_once_and_its_verdict_is_the_physics() {
    let mut table = Table::of_two(QUIET, 3);
    let before = table.turn();
    let seat = u16::from(before.player);
    table.sent.clear();
    table.say(
        seat,
        Command::Shoot {
            game: 0,
            turn: 0,
            stroke: straight(60_000),
        },
    );
    table.tick();
    let shots = table.take(op::SHOT);
    assert_eq!((&shots[0].0, shots[0].1.len()), (&To::All, 33));
    assert_eq!(shots[0].1[16..29], straight(60_000).shot.encode());
    assert_eq!(table.take(op::VERDICT), []);
    table.tick();
    let (to, bytes) = table.take(op::VERDICT).pop().unwrap();
    let told = Table::told_of(&bytes);
    let pool = PoolTable::pool(PoolSize::EightFoot);
    let mut state = before.state;
    let shot = straight(60_000).shot;
    let outcome = simulate(&pool, &mut state, &shot, Limits::default()).unwrap();
    assert_eq!((to, told.hash), (To::All, outcome.hash));
    assert_eq!(told.rest_ms, (outcome.seconds * 1e3) as u32);
    assert_eq!(told.turn.state, state);
    assert_eq!((told.of_turn, told.turn.turn), (0, 1));
    // The turn begins when the balls rest.
    let since = told.rest_ms - told.turn.wait_ms;
    assert!(since > 0 && since < 100, "{since}");
    assert_eq!(told.turn.left_ms, 10_000);
}

#[test]
fn who_comes_in_the_middle_of_a_shot_is_told_the_table_before_it_and_its_age() {
    let mut table = Table::of_two(QUIET, 3);
    let before = table.turn();
    let seat = u16::from(before.player);
    table.is_slow = true;
    table.say(
        seat,
        Command::Shoot {
            game: 0,
            turn: 0,
            stroke: straight(60_000),
        },
    );
    table.wait(300);
    // Before the verdict is known.
    table.lose_connection(1 - seat);
    table.sent.clear();
    assert_eq!(table.join_as(2 - seat as u8, 77).1, How::Back);
    let other = 1 - seat;
    let told = Table::turn_of(&table.take_for(other, op::TABLE)[0]);
    assert_eq!((told.turn, &told.state), (0, &before.state));
    let shot = table.take_for(other, op::SHOT);
    let age_ms = u32::from_le_bytes(shot[0][29..33].try_into().unwrap());
    assert!((200..400).contains(&age_ms), "{age_ms}");
    assert!(table.take_for(other, op::VERDICT).is_empty());
    // After it is known, and the balls still run.
    table.run_jobs();
    table.tick();
    let (_, verdict) = table.take(op::VERDICT).pop().unwrap();
    let verdict = Table::told_of(&verdict);
    table.wait(1_000);
    let (viewer, _) = table.join(9);
    let told = Table::turn_of(&table.take_for(viewer.0, op::TABLE)[0]);
    assert_eq!((told.turn, &told.state), (0, &before.state));
    let shot = table.take_for(viewer.0, op::SHOT);
    let age_ms = u32::from_le_bytes(shot[0][29..33].try_into().unwrap());
    assert!((1_200..1_500).contains(&age_ms), "{age_ms}");
    let again = Table::told_of(&table.take_for(viewer.0, op::VERDICT)[0]);
    assert_eq!(
        (again.hash, &again.turn.state),
        (verdict.hash, &verdict.turn.state)
    );
    assert!(again.turn.wait_ms < verdict.turn.wait_ms);
    // And when they rest, the table after it alone.
    table.wait(u64::from(verdict.rest_ms));
    table.sent.clear();
    let (viewer, _) = table.join(10);
    let told = Table::turn_of(&table.take_for(viewer.0, op::TABLE)[0]);
    assert_eq!((told.turn, &told.state), (1, &verdict.turn.state));
    assert!(table.take_for(viewer.0, op::SHOT).is_empty());
}

#[test]
fn aims_are_relayed_ten_times_a_second_and_the_latest_wins() {
    let mut table = Table::of_two(QUIET, 3);
    let seat = u16::from(table.turn().player);
    table.sent.clear();
    for angle in 0..60 {
        for part in 0..3 {
            let angle = angle * 10 + part;
            table.say(
                seat,
                Command::Aim(Aim {
                    angle,
                    ..Aim::default()
                }),
            );
        }
        table.tick();
    }
    let aims = table.take(op::AIMED);
    assert!(
        (18..=21).contains(&aims.len()),
        "{} in two seconds",
        aims.len()
    );
    let (to, bytes) = aims.last().unwrap();
    assert_eq!(*to, To::AllBut(SeatIndex(seat)));
    assert_eq!(bytes.len(), 25);
    let angle = u32::from_le_bytes(bytes[15..19].try_into().unwrap());
    assert_eq!(angle % 10, 2, "the last of its tick");
    assert_eq!(table.refusals(seat), []);
}

#[test]
fn time_outs_pass_the_turn_and_the_third_loses() {
    let mut table = Table::of_two(QUIET, 3);
    let first = table.turn().player;
    for round in 0..4 {
        table.wait(11_100);
        assert_eq!(table.turn().player, (first + 1 + round) % 2);
        let (_, told) = table.take(op::TABLE).pop().unwrap();
        assert_eq!(told[3], 1, "a time-out");
    }
    table.wait(11_100);
    let end = table.turn();
    assert_eq!((end.phase, end.winner, end.how), (2, 1 - first, 6));
    assert_eq!(end.left_ms, u32::MAX);
    let (_, record) = table.take(op::RECORD).pop().unwrap();
    let record = Record::from_bytes(&record).unwrap();
    assert_eq!(record.turns.len(), 5);
    replay::<tagus_pool::Frame>(&record).unwrap();
}

#[test]
fn a_rematch_begins_when_both_want_it_and_the_other_breaks() {
    let mut table = Table::of_two(QUIET, 3);
    let first = table.turn().player;
    table.say(0, Command::Concede { game: 0 });
    table.tick();
    let end = table.turn();
    assert_eq!((end.phase, end.player, end.winner, end.how), (2, 255, 1, 7));
    table.say(0, Command::Rematch { game: 0 });
    table.tick();
    let (_, told) = table.take(op::PEOPLE).pop().unwrap();
    assert_eq!(people(&told).1, 1);
    assert_eq!(table.turn().phase, 2);
    table.say(1, Command::Rematch { game: 0 });
    table.tick();
    let turn = table.turn();
    assert_eq!((turn.phase, turn.game, turn.turn), (1, 1, 0));
    assert_eq!(turn.player, 1 - first);
    assert_ne!(turn.state, end.state, "another rack");
    // What was meant for the first game does not count for the second.
    table.wait(2_100);
    table.sent.clear();
    table.say(0, Command::Concede { game: 0 });
    table.tick();
    assert_eq!(table.refusals(0), [(5, 4)]);
}

#[test]
fn who_leaves_loses_and_who_watches_may_sit_down() {
    let mut table = Table::of_two(QUIET, 3);
    let (viewer, _) = table.join(3);
    table.sent.clear();
    table.leave(0);
    let end = Table::turn_of(&table.take_for(1, op::TABLE)[0]);
    assert_eq!((end.phase, end.winner, end.how), (2, 1, 8));
    assert_eq!(table.take(op::RECORD).len(), 0, "not kept yet");
    table.tick();
    table.tick();
    assert_eq!(table.take(op::RECORD).len(), 1);
    table.say(viewer.0, Command::Sit);
    table.tick();
    let turn = table.turn();
    assert_eq!((turn.phase, turn.game), (1, 1));
    table.say(viewer.0, Command::Sit);
    table.tick();
    assert_eq!(table.refusals(viewer.0), [(7, 3)]);
}

#[test]
fn a_held_seat_that_nobody_comes_back_to_loses() {
    let mut table = Table::of_two(r#"{"turn_s":600,"tick_rate_hz":30}"#, 3);
    table.lose_connection(1);
    let (_, told) = table.take(op::PEOPLE).pop().unwrap();
    assert_eq!(people(&told).2[1].0, 2, "away");
    table.wait(59_000);
    assert_eq!(table.turn().phase, 1);
    table.sent.clear();
    table.wait(2_000);
    let end = Table::turn_of(&table.take_for(0, op::TABLE)[0]);
    assert_eq!((end.phase, end.winner, end.how), (2, 0, 8));
}

#[test]
fn practice_goes_on_alone() {
    let mut table = Table::open(r#"{"opponent":"nobody"}"#, 3);
    table.join(1);
    table.wait(2_100);
    let told = table.play(0, straight(60_000));
    assert_eq!((told.turn.player, told.turn.hand()), (0, 2));
    assert_eq!(told.turn.left_ms, u32::MAX);
    table.say(0, Command::Rerack { game: 0, turn: 1 });
    table.say(0, Command::Concede { game: 0 });
    table.tick();
    assert_eq!(table.refusals(0), [(5, 21)]);
    let turn = table.turn();
    assert_eq!((turn.turn, turn.flags() & 3), (2, 3));
    assert_eq!(table.take(op::RECORD), []);
}

#[test]
fn a_bot_plays_its_turns_by_itself() {
    let params = r#"{"opponent":"bot","strength":2,"rules":"nine","turn_s":5}"#;
    let mut table = Table::open(params, 4);
    table.join(1);
    let (_, told) = table.take(op::PEOPLE).pop().unwrap();
    assert_eq!(people(&told).2[1], (3, "Bot, fair".to_owned()));
    let (mut shots, mut aims) = (0, 0);
    for _ in 0..6_000 {
        table.tick();
        shots += table
            .take(op::SHOT)
            .iter()
            .filter(|(_, bytes)| bytes[4] == 1)
            .count();
        aims += table.take(op::AIMED).len();
        if !table.take(op::RECORD).is_empty() {
            break;
        }
    }
    // The person lets the time run out three times.
    let end = table.turn();
    assert_eq!((end.phase, end.winner), (2, 1), "{end:?}");
    assert!(end.how == 6 || end.how == 1, "{end:?}");
    assert!(shots >= 2 && aims >= shots, "{shots} shots, {aims} aims");
    table.say(0, Command::Rematch { game: 0 });
    table.tick();
    assert_eq!(table.turn().game, 1, "a bot always wants more");
}

#[test]
fn a_job_that_fails_leaves_the_turn_where_it_was() {
    let mut table = Table::of_two(QUIET, 3);
    let seat = u16::from(table.turn().player);
    table.is_slow = true;
    let shoot = Command::Shoot {
        game: 0,
        turn: 0,
        stroke: straight(60_000),
    };
    table.say(seat, shoot);
    table.tick();
    let (token, _) = table.jobs.pop().unwrap();
    table.host.computed(token, bytes::Bytes::new());
    table.tick();
    assert_eq!(table.refusals(seat), [(1, 24)]);
    assert_eq!((table.turn().turn, table.turn().player), (0, seat as u8));
    table.say(seat, shoot);
    table.tick();
    assert_eq!(table.jobs.len(), 1);
}

#[test]
fn a_restored_room_goes_on_in_the_same_way() {
    let mut table = Table::of_two(QUIET, 3);
    let seat = u16::from(table.turn().player);
    table.is_slow = true;
    table.say(
        seat,
        Command::Shoot {
            game: 0,
            turn: 0,
            stroke: straight(60_000),
        },
    );
    table.tick();
    let (token, job) = table.jobs.pop().unwrap();
    let result = job.run();
    table.check_restoring(|host, _| host.computed(token, result.clone()), 400);
}

#[test]
fn a_recording_replays() {
    let mut table = Table::of_two(QUIET, 8);
    for _ in 0..4 {
        let turn = table.turn();
        let mut stroke = straight(50_000);
        stroke.place = (turn.flags() & 8 != 0).then_some((500_000, 400_000));
        table.play(u16::from(turn.player), stroke);
    }
    let recording = check_recording(&table);
    assert!(recording.len() < 8_000, "{} bytes", recording.len());
}

#[test]
fn parameters_out_of_range_make_no_room() {
    let opens = Table::opens;
    assert!(opens("") && opens("{}") && opens(r#"{"feet":9,"rules":"nine","opponent":"bot"}"#));
    for params in [
        r#"{"feet":10}"#,
        r#"{"strength":0}"#,
        r#"{"turn_s":601}"#,
        r#"{"rules":"ten"}"#,
        r#"{"balls":3}"#,
        "7",
    ] {
        assert!(!opens(params), "{params}");
    }
}

#[test]
fn racks_of_tests_are_valid() {
    let table = PoolTable::pool(PoolSize::EightFoot);
    assert_eq!(State::eight_ball(&table, 3).check(&table), Ok(()));
}
