//! When a game has ended, server code is told until it has taken that, and the players then.

use bytes::Bytes;
use tagus_duel::{Chair, Command, FINISHED, How, News, op, replay};
use tagus_room::CallFailed;

use crate::{Knock, Table, soft};

fn concede(table: &mut Table, game: u16) {
    table.say(0, Command::Concede { game });
    table.tick();
}

fn again(table: &mut Table, game: u16) {
    for seat in 0..2 {
        table.say(seat, Command::Rematch { game });
    }
    table.tick();
}

fn no() -> tagus_room::CallResult {
    Err(CallFailed::new("no"))
}

#[test]
fn the_record_is_told_when_it_was_taken() {
    let mut table = Table::of_two("{}", 1);
    let player = table.turn().player;
    table.play(player.into(), soft());
    table.is_slow = true;
    concede(&mut table, 0);
    assert_eq!(table.turn().phase, 2, "the end is told at once");
    let (_, name, data) = table.calls[0].clone();
    let news = News::from_bytes(&data).unwrap();
    assert_eq!((name.as_str(), news.mode.as_str()), (FINISHED, "knock"));
    assert_eq!(news.names, ["person 1", "person 2"]);
    assert_eq!(
        (news.player, news.present, news.is_kept),
        (None, [true; 2], false)
    );
    let end = news.record.end.unwrap();
    assert_eq!((end.winner, end.how), (Some(Chair::Second), How::CONCEDED));
    assert_eq!(news.record.users, [1, 2].map(crate::table::user));
    assert_eq!(replay::<Knock>(&news.record).unwrap().shots, 1);
    assert_eq!(News::from_bytes(&news.to_bytes()), Ok(news.clone()));
    table.wait(1_000);
    assert_eq!(table.take(op::RECORD), []);
    table.answer(&Ok(Bytes::new()));
    table.tick();
    let (_, record) = table.take(op::RECORD).pop().unwrap();
    assert_eq!(record, news.record.to_bytes());
    table.wait(5_000);
    assert_eq!(table.calls.len(), 0, "taken is taken");
}

#[test]
fn what_is_not_taken_is_told_again_thirty_times() {
    let mut table = Table::of_two(r#"{"turn_s":0}"#, 1);
    table.is_slow = true;
    concede(&mut table, 0);
    let mut calls = 0;
    for _ in 0..100 {
        calls += table.calls.len();
        table.answer(&no());
        if calls < 30 {
            table.wait(1_000);
            assert_eq!(table.take(op::RECORD), [], "{calls}");
        }
    }
    table.tick();
    assert_eq!((calls, table.take(op::RECORD).len()), (30, 1));
    table.wait(5_000);
    assert_eq!(table.calls.len(), 0);
}

#[test]
fn who_leaves_after_the_end_takes_no_result_along() {
    let mut table = Table::of_two("{}", 1);
    table.is_slow = true;
    concede(&mut table, 0);
    let mut calls = table.calls.len();
    table.answer(&no());
    table.tick();
    table.leave(0);
    assert_eq!((calls, table.calls.len()), (1, 0), "it is not time yet");
    table.leave(1);
    for _ in 0..100 {
        calls += table.calls.len();
        table.answer(&no());
        table.tick();
    }
    assert_eq!(calls, 30, "nobody is there to wait for");
    assert_eq!(table.host.next_beat(), None, "it sleeps");
}

#[test]
fn the_players_may_play_on_meanwhile_and_the_oldest_end_is_given_up() {
    let mut table = Table::of_two(r#"{"turn_s":0}"#, 1);
    table.is_slow = true;
    for game in 0..4 {
        concede(&mut table, game);
        again(&mut table, game);
        assert_eq!((table.turn().game, table.turn().phase), (game + 1, 1));
    }
    assert_eq!((table.calls.len(), table.take(op::RECORD).len()), (4, 0));
    let first = News::from_bytes(&table.calls[0].2).unwrap().record;
    concede(&mut table, 4);
    let given_up = table.take(op::RECORD);
    assert_eq!(given_up.len(), 1);
    assert_eq!(given_up[0].1, first.to_bytes());
    assert_eq!(table.calls.len(), 5);
    // Each answer is for its own game.
    table.answer(&Ok(Bytes::new()));
    table.tick();
    assert_eq!(table.take(op::RECORD).len(), 4);
}

#[test]
fn what_is_no_news_is_found_out() {
    for bytes in ["", "{}", "7", r#"{"mode":"a"}"#] {
        assert!(News::from_bytes(bytes.as_bytes()).is_err(), "{bytes}");
    }
}
