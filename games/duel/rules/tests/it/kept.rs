//! Games that go on over days.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use serde_json::json;
use tagus_base::{SeatIndex, Uuid};
use tagus_duel::{
    Chair, Command, FINISHED, GONE, How, News, Record, SAVE, Turn, Variant, op, player_of, replay,
    told, with_turn,
};
use tagus_room::{CallFailed, CallResult, How as Joined};

use crate::table::{people, user};
use crate::{Knock, Table, soft};

const DAY_S: u32 = 86_400;

fn params(record: &[u8], left_s: u32) -> String {
    json!({"kept": {
        "id": Uuid([9; 16]).to_string(),
        "users": [user(1).to_string(), user(2).to_string()],
        "names": ["one", "two"],
        "turn_s": DAY_S,
        "left_s": left_s,
        "record": URL_SAFE_NO_PAD.encode(record),
        "seed": 4,
    }})
    .to_string()
}

fn begun() -> Record {
    let users = [user(1), user(2)];
    Record::begin(Uuid([9; 16]), Variant { rules: 0, table: 1 }, 4, users)
}

/// The room of a game that goes on, with the first player alone in it.
fn open(record: &[u8], left_s: u32) -> Table {
    let mut table = Table::open(&params(record, left_s), 1);
    assert_eq!(table.join(1).0.0, 0);
    table.wait(2_500);
    table.sent.clear();
    table
}

fn shoot(turn: u16) -> Command<'static> {
    Command::Shoot {
        game: 0,
        turn,
        stroke: soft(),
    }
}

fn no() -> CallResult {
    Err(CallFailed::new("no"))
}

fn yes() -> CallResult {
    Ok(Bytes::new())
}

fn news(table: &Table) -> (String, News) {
    let [(_, name, data)] = &table.calls[..] else {
        panic!("{} calls", table.calls.len());
    };
    (name.clone(), News::from_bytes(data).unwrap())
}

#[test]
fn it_begins_with_one_player_there_and_who_comes_has_the_own_chair() {
    let mut table = open(&[], DAY_S);
    let turn = table.turn();
    assert_eq!((turn.phase, turn.turn, turn.player), (1, 0, 0));
    // Nobody counts the seconds of a day in a test.
    assert!(turn.left_ms > 86_390_000, "{turn:?}");
    // Somebody else watches, and cannot sit down.
    let (viewer, _) = table.join(3);
    assert_eq!(table.take_for(viewer.0, op::TABLE)[0][2], 255);
    table.say(viewer.0, Command::Sit);
    table.tick();
    assert_eq!(table.refusals(viewer.0), [(7, 3)]);
    let (other, _) = table.join(2);
    let told = table.take_for(other.0, op::TABLE);
    assert_eq!((told[0][2], &told[0][6..8]), (1, &[255, 255][..]));
    // And from another device.
    assert_eq!(table.join_as(1, 50), (SeatIndex(0), Joined::Replaced));
    assert_eq!(table.take_for(0, op::TABLE)[0][2], 0);
    table.say(0, shoot(0));
    table.tick();
    assert_eq!(table.take(op::SHOT).len(), 1);
    // Who comes back has it again.
    table.leave(0);
    let (_, told) = table.take(op::PEOPLE).pop().unwrap();
    let names = [(2, "one".to_owned()), (1, "two".to_owned())];
    assert_eq!(people(&told), (1, 0, names));
    let (seat, _) = table.join(1);
    assert_eq!(table.take_for(seat.0, op::TABLE)[0][2], 0);
}

#[test]
fn those_who_watch_leave_room_for_the_players() {
    let mut all: serde_json::Value = serde_json::from_str(&params(&[], 9)).unwrap();
    all["watching_max"] = 1.into();
    let mut table = Table::open(&all.to_string(), 1);
    let may_join = [3, 4, 1, 2].map(|number| table.try_to_join(number, number).is_some());
    assert_eq!(may_join, [true, false, true, true]);
}

#[test]
fn nobody_is_told_of_a_turn_before_it_is_saved() {
    let mut table = open(&[], DAY_S);
    table.is_slow = true;
    let before = table.turn();
    table.say(0, shoot(0));
    table.tick();
    table.run_jobs();
    table.tick();
    let (name, saved) = news(&table);
    assert_eq!((name.as_str(), saved.player), (SAVE, Some(Chair::Second)));
    assert_eq!((saved.present, saved.is_kept), ([true, false], true));
    assert_eq!(saved.names, ["one", "two"]);
    assert_eq!((saved.record.end, saved.record.id), (None, Uuid([9; 16])));
    assert_eq!(replay::<Knock>(&saved.record).unwrap().shots, 1);
    assert_eq!(player_of::<Knock>(&saved.record), Ok(Some(Chair::Second)));
    assert_eq!(table.take(op::SHOT).len(), 1);
    // Whoever comes sees the shot alone, and nothing goes on.
    let shown = table.turn();
    assert_eq!((shown.turn, shown.state), (before.turn, before.state));
    table.say(0, shoot(0));
    table.say(0, Command::Concede { game: 0 });
    table.say(0, Command::Choose { game: 0, choice: 1 });
    table.tick();
    assert_eq!(table.refusals(0), [(1, 5), (5, 24), (8, 24)]);
    // A save that fails is tried again every second.
    for _ in 0..3 {
        table.answer(&no());
        table.wait(900);
        assert_eq!(table.calls.len(), 0);
        table.wait(200);
        assert_eq!(news(&table).1, saved);
    }
    assert_eq!(table.take(op::VERDICT), []);
    table.answer(&yes());
    table.tick();
    let (_, verdict) = table.take(op::VERDICT).pop().unwrap();
    let after = Table::told_of(&verdict);
    assert_eq!(
        (after.of_turn, after.turn.turn, after.turn.player),
        (0, 1, 1)
    );
    assert_eq!(table.calls.len(), 0);
    assert_eq!(table.turn().state, after.turn.state);
}

#[test]
fn what_is_no_shot_is_saved_as_well_and_a_lost_connection_is_nothing() {
    let mut table = open(&[], DAY_S);
    table.is_slow = true;
    table.say(0, Command::Choose { game: 0, choice: 1 });
    table.tick();
    let (name, saved) = news(&table);
    assert_eq!((name.as_str(), saved.player), (SAVE, Some(Chair::First)));
    let choice = Turn::Choice {
        chair: Chair::First,
        choice: 1,
        is_at_once: true,
    };
    assert_eq!(saved.record.turns, [choice]);
    table.say(0, shoot(0));
    table.tick();
    assert_eq!(table.refusals(0), [(1, 24)]);
    assert_eq!(
        (table.turn().rest, table.take(op::TABLE).len()),
        ([0; 2], 0)
    );
    table.answer(&yes());
    table.tick();
    assert_eq!(
        (table.turn().rest, table.take(op::TABLE).len()),
        ([1, 0], 1)
    );
    // Who is away for longer than a seat is held comes back to the same game.
    table.join(3);
    table.lose_connection(0);
    table.wait(61_000);
    let (seat, _) = table.join(1);
    let told = table.take_for(seat.0, op::TABLE);
    let turn = Table::turn_of(&told[0]);
    assert_eq!((told[0][2], turn.phase, turn.turn), (0, 1, 0));
}

#[test]
fn what_goes_on_elsewhere_ends_the_room_and_has_not_happened() {
    let mut table = open(&[], DAY_S);
    table.is_slow = true;
    table.say(0, shoot(0));
    table.tick();
    table.run_jobs();
    table.tick();
    table.answer(&Ok(Bytes::from_static(GONE)));
    table.tick();
    assert!(table.is_closed);
    assert_eq!(table.take(op::VERDICT), []);
}

#[test]
fn it_goes_on_where_it_was_in_another_room() {
    let mut table = open(&[], DAY_S);
    table.say(0, Command::Choose { game: 0, choice: 1 });
    table.tick();
    table.tick();
    table.say(0, shoot(0));
    table.is_slow = true;
    table.tick();
    table.run_jobs();
    table.tick();
    let saved = news(&table).1.record;
    table.answer(&yes());
    table.tick();
    // He leaves, and has lost nothing.
    table.leave(0);
    let mut other = open(&saved.to_bytes(), 3_600);
    let turn = other.turn();
    assert_eq!((turn.phase, turn.turn, turn.player), (1, 1, 1));
    assert_eq!(
        turn.state,
        replay::<Knock>(&saved).unwrap().frame.course.state
    );
    assert_eq!(turn.rest, [1, 0], "what was chosen");
    assert!(
        (3_590_000..=3_600_000).contains(&turn.left_ms),
        "{}",
        turn.left_ms
    );
    other.say(0, shoot(1));
    other.tick();
    assert_eq!(other.refusals(0), [(1, 8)]);
    let (seat, _) = other.join(2);
    let told = other.play(seat.0, soft());
    assert_eq!((told.turn.turn, told.turn.player), (2, 0));
    assert!(
        told.turn.left_ms > 86_390_000,
        "the next has its whole time"
    );
}

#[test]
fn whose_time_runs_out_has_lost_by_that_alone() {
    let mut table = open(&[], 5);
    table.is_slow = true;
    table.wait(5_000);
    assert_eq!((table.turn().phase, table.calls.len()), (1, 0));
    table.wait(1_000);
    let (name, ended) = news(&table);
    assert_eq!((name.as_str(), ended.player), (FINISHED, None));
    let end = ended.record.end.unwrap();
    assert_eq!((end.winner, end.how), (Some(Chair::Second), How::TIME_OUTS));
    // Server code comes to the same without a room.
    let lapse = with_turn::<Knock>(&begun(), Turn::Lapse(Chair::First));
    assert_eq!(lapse, Ok(ended.record.clone()));
    assert!(with_turn::<Knock>(&ended.record, Turn::Lapse(Chair::First)).is_err());
    assert_eq!(table.turn().phase, 1, "not taken yet");
    table.answer(&no());
    table.wait(1_100);
    assert_eq!(news(&table).1, ended);
    table.answer(&yes());
    table.tick();
    assert_eq!((table.turn().phase, table.turn().how), (2, 6));
    let (_, record) = table.take(op::RECORD).pop().unwrap();
    assert_eq!(record, ended.record.to_bytes());
    table.say(0, Command::Rematch { game: 0 });
    table.tick();
    assert_eq!(table.refusals(0), [(6, 21)]);
}

#[test]
fn a_restored_room_goes_on_saving() {
    let mut table = open(&[], DAY_S);
    table.is_slow = true;
    table.say(0, shoot(0));
    table.tick();
    table.run_jobs();
    table.tick();
    let (token, ..) = table.calls.pop().unwrap();
    table.check_restoring(|host, now| host.called(now, token, no()), 40);
}

#[test]
fn a_replay_is_told_as_the_room_told_it() {
    let mut table = Table::of_two("{}", 1);
    let (viewer, _) = table.join(3);
    table.sent.clear();
    let mut heard = Vec::new();
    for turn in 0..4 {
        let player = table.turn().player;
        if turn == 2 {
            table.wait(11_100);
        } else {
            table.play(player.into(), soft());
        }
    }
    table.say(0, Command::Concede { game: 0 });
    table.tick();
    table.tick();
    for (to, op, bytes) in std::mem::take(&mut table.sent) {
        let for_viewer = match to {
            tagus_room::To::One(seat) => seat == viewer,
            _ => true,
        };
        if for_viewer && matches!(op, op::TABLE | op::SHOT | op::VERDICT) {
            heard.push((op, bytes));
        }
    }
    // `play` has taken the verdicts.
    let record = table.host.signal(table.now, b"record", &mut Vec::new());
    let told = told::<Knock>(&Record::from_bytes(&record).unwrap()).unwrap();
    let ops: Vec<i64> = told.iter().map(|(op, _)| *op).collect();
    assert_eq!(ops, [16, 17, 18, 17, 18, 16, 17, 18, 16]);
    let rest = told.iter().skip(1).filter(|(op, _)| *op != op::VERDICT);
    assert_eq!(heard.len(), 5);
    for ((op, bytes), (heard_op, heard)) in rest.zip(&heard) {
        assert_eq!(op, heard_op);
        // All but the times.
        let same = |bytes: &[u8]| match *op {
            op::TABLE => [&bytes[..6], &bytes[8..24], &bytes[32..]].concat(),
            _ => bytes[..29].to_vec(),
        };
        assert_eq!(same(bytes), same(heard));
    }
    let last = Table::turn_of(&told[8].1);
    assert_eq!((last.phase, last.winner, last.how), (2, 1, 7));
    assert_eq!(Table::told_of(&told[7].1).turn.state, last.state);
}

#[test]
fn what_is_no_kept_game_makes_no_room() {
    let with = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut all = serde_json::from_str(&params(&begun().to_bytes(), 9)).unwrap();
        change(&mut all);
        Table::opens(&all.to_string())
    };
    assert!(with(&|_| ()));
    assert!(with(&|all| all["kept"]["turn_s"] = (14 * DAY_S).into()));
    assert!(!with(&|all| all["kept"]["turn_s"] = (14 * DAY_S + 1).into()));
    assert!(!with(&|all| all["kept"]["turn_s"] = 0.into()));
    assert!(!with(&|all| all["kept"]["id"] = "x".into()));
    assert!(!with(
        &|all| all["kept"]["id"] = Uuid([8; 16]).to_string().into()
    ));
    assert!(!with(
        &|all| all["kept"]["users"] = json!([user(1).to_string(), user(1).to_string()])
    ));
    assert!(!with(
        &|all| all["kept"]["users"][0] = user(7).to_string().into()
    ));
    assert!(!with(&|all| all["kept"]["record"] = "AAAA".into()));
    assert!(!with(&|all| all["kept"]["more"] = 1.into()));
    assert!(!with(&|all| all["opponent"] = "bot".into()));
    let over = with_turn::<Knock>(&begun(), Turn::Concede(Chair::First)).unwrap();
    assert!(!Table::opens(&params(&over.to_bytes(), 9)));
    let elsewhere = Record {
        variant: Variant { rules: 0, table: 2 },
        ..begun()
    };
    assert!(!Table::opens(&params(&elsewhere.to_bytes(), 9)));
}

#[test]
fn a_record_that_does_not_replay_closes_the_room() {
    let lie = Record {
        turns: vec![Turn::Rerack],
        ..begun()
    };
    let mut table = Table::open(&params(&lie.to_bytes(), 9), 1);
    table.join(1);
    table.wait(1_000);
    assert!(table.is_closed);
}
