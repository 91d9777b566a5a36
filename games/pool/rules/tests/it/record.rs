//! Records of games: bytes, replays, and records that lie.

use std::sync::Arc;

use tagus_base::{Rng, UserId, Uuid};
use tagus_duel::{Chair, Record, RecordError, ReplayError, Sport, Strength, Turn, Variant, replay};
use tagus_physics::{PoolSize, Table};
use tagus_pool::{Frame, Rules, TURNS_MAX, plan};

use crate::bot::game;
use crate::promises::{check_lies, check_record, lie};

fn record(rules: Rules, seed: u64) -> Record {
    let (turns, frame, hash) = game(rules, [Strength::Fair, Strength::Strong], seed);
    Record {
        id: Uuid([7; 16]),
        variant: Variant {
            rules: rules as u8,
            table: 2,
        },
        seed,
        first: Chair::First,
        users: [UserId(Uuid([1; 16])), UserId::default()],
        turns,
        end: frame.course().end,
        hash,
    }
}

#[test]
fn records_read_what_they_write_and_replay() {
    for (rules, seed) in [(Rules::Eight, 1), (Rules::Nine, 2), (Rules::Eight, 3)] {
        let record = record(rules, seed);
        let bytes = record.to_bytes();
        assert!(bytes.len() < 2_000, "{} bytes", bytes.len());
        check_record::<Frame>(&record);
    }
}

#[test]
fn a_record_that_lies_is_found_out() {
    let honest = record(Rules::Eight, 5);
    check_lies::<Frame>(&honest);
    let lie = |change: &dyn Fn(&mut Record)| lie::<Frame>(&honest, change);
    assert_eq!(
        lie(&|record| record.variant.table = 9),
        ReplayError::Table(9)
    );
    // Another seed makes another game.
    lie(&|record| record.seed += 1);
}

#[test]
fn damaged_records_are_refused_or_found_out() {
    let honest = record(Rules::Nine, 2);
    let (bytes, end) = (honest.to_bytes(), replay::<Frame>(&honest).unwrap());
    let mut rng = Rng::new(1);
    let mut read = 0;
    for _ in 0..200 {
        let mut damaged = bytes.clone();
        let at = rng.below(bytes.len() as u32) as usize;
        damaged[at] ^= 1 << rng.below(8);
        let Ok(record) = Record::from_bytes(&damaged) else {
            continue;
        };
        read += 1;
        assert_ne!(record, honest);
        // Names may differ, and the last bits of a shot that ended on the same micrometre: nothing that was decided.
        if let Ok(verified) = replay::<Frame>(&record) {
            assert_eq!(record.end, honest.end);
            assert_eq!(verified.frame.state(), end.frame.state());
        }
    }
    assert!(read > 100, "{read}");
}

#[test]
fn the_longest_game_is_below_four_kilobytes() {
    let table = Arc::new(Table::pool(PoolSize::EightFoot));
    let frame = Frame::new(table, Rules::Eight, 1, Chair::First);
    let mut stroke = plan(&frame, Strength::Weak, 1).unwrap();
    stroke.place = Some((1, 1));
    stroke.call = Some(1);
    let mut record = record(Rules::Nine, 2);
    record.turns = vec![Turn::Stroke(stroke); usize::from(TURNS_MAX) + 1];
    let bytes = record.to_bytes();
    assert!(bytes.len() < 4_000, "{}", bytes.len());
    assert_eq!(Record::from_bytes(&bytes), Ok(record.clone()));
    record.turns.push(Turn::TimeOut);
    assert_eq!(
        Record::from_bytes(&record.to_bytes()),
        Err(RecordError::Damaged)
    );
}

#[test]
fn every_kind_of_turn_survives() {
    let mut record = record(Rules::Nine, 2);
    record.turns = vec![
        Turn::Rerack,
        Turn::TimeOut,
        Turn::Concede(Chair::First),
        Turn::Concede(Chair::Second),
        Turn::Leave(Chair::First),
        Turn::Leave(Chair::Second),
    ];
    assert_eq!(Record::from_bytes(&record.to_bytes()), Ok(record));
}
