//! Records of games: bytes, replays, and records that lie.

use proptest::collection::vec;
use proptest::prelude::*;
use tagus_base::{Rng, UserId, Uuid};
use tagus_duel::{
    Chair, How, Record, ReplayError, Sport, Strength, Turn, mix, replay, told, with_turn,
};
use tagus_soccer::{CHOICES_MAX, FORMATIONS, Frame, TURNS_MAX, variant_of};

use crate::bot::game;
use crate::flick;
use crate::promises::{check_lies, check_record, lie};

fn record_of(goals: u8, first: Chair, turns: Vec<Turn>) -> Record {
    let begun = Record::begin(Uuid([7; 16]), variant_of(goals), 0, [UserId::default(); 2]);
    let mut frame = Frame::new(goals, first);
    let mut record = Record { first, ..begun };
    for turn in turns {
        if frame.course().end.is_some() {
            break;
        }
        if let Ok(verdict) = frame.apply(turn) {
            record.hash = verdict.map_or(record.hash, |verdict| mix(record.hash, verdict.hash));
            record.turns.push(turn);
        }
    }
    record.end = frame.course().end;
    record
}

fn of_bots(goals: u8, seed: u64) -> Record {
    let (turns, frame, hash) = game(goals, [Strength::Fair, Strength::Weak], seed);
    let record = record_of(goals, Chair::first_of(seed), turns);
    assert_eq!((record.end, record.hash), (frame.course().end, hash));
    record
}

#[test]
fn records_read_what_they_write_and_replay() {
    for (goals, seed) in [(1, 1), (2, 2), (5, 3)] {
        let record = of_bots(goals, seed);
        let bytes = record.to_bytes();
        assert_eq!(bytes.len(), 73 + 8 * record.turns.len());
        check_record::<Frame>(&record);
    }
}

#[test]
fn a_record_that_lies_is_found_out() {
    let honest = of_bots(2, 5);
    check_lies::<Frame>(&honest);
    let lie = |change: &dyn Fn(&mut Record)| lie::<Frame>(&honest, change);
    let winner = honest.end.unwrap().winner.unwrap();
    let error = lie(&|record| record.end = None);
    assert!(matches!(error, ReplayError::End(Some(_))), "{error}");
    let error = lie(&|record| record.first = record.first.other());
    assert!(
        matches!(error, ReplayError::Turn { index: 0, .. }),
        "{error}"
    );
    assert_eq!(
        lie(&|record| record.variant.table = 2),
        ReplayError::Table(2)
    );
    assert_eq!(
        lie(&|record| record.variant.rules = 0),
        ReplayError::Table(101)
    );
    lie(&|record| record.variant.rules = 1);
    // A formation that was not chosen stands in the way.
    let choice = |is_at_once| Turn::Choice {
        chair: winner,
        choice: 4,
        is_at_once,
    };
    lie(&|record| record.turns.insert(0, choice(true)));
    let error = lie(&|record| record.turns.insert(1, choice(true)));
    assert!(
        matches!(error, ReplayError::Turn { index: 1, .. }),
        "{error}"
    );
}

#[test]
fn the_longest_game_is_below_four_kilobytes() {
    let choices = [Chair::First, Chair::Second].map(|chair| Turn::Choice {
        chair,
        choice: 1,
        is_at_once: false,
    });
    let mut turns: Vec<_> = choices.repeat(usize::from(CHOICES_MAX));
    for turn in 0..TURNS_MAX {
        let disc = if turn % 2 == 0 { 1 } else { 6 };
        turns.push(Turn::Stroke(flick(disc, 1 << 30, 1)));
    }
    let record = record_of(2, Chair::First, turns);
    assert_eq!(record.turns.len(), 160);
    assert_eq!(record.end.unwrap().how, How::DRAWN);
    let bytes = record.to_bytes();
    assert!(bytes.len() < 1_200, "{}", bytes.len());
    assert_eq!(Record::from_bytes(&bytes), Ok(record.clone()));
    replay::<Frame>(&record).unwrap();
}

/// Something that may be a turn.
fn turn() -> impl Strategy<Value = Turn> {
    let chair = || any::<bool>().prop_map(|second| Chair::BOTH[usize::from(second)]);
    let choice = (chair(), 0..FORMATIONS.len() as u8 + 1, any::<bool>());
    prop_oneof![
        20 => (0..12_u8, any::<u32>(), any::<u16>())
            .prop_map(|(disc, angle, power)| Turn::Stroke(flick(disc, angle, power))),
        2 => choice.prop_map(|(chair, choice, is_at_once)| Turn::Choice { chair, choice, is_at_once }),
        2 => Just(Turn::TimeOut),
        1 => Just(Turn::Rerack),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Whatever is played: the record proves it, and one that was changed proves nothing else.
    #[test]
    fn every_game_proves_itself(
        goals in 1..=5_u8,
        turns in vec(turn(), 1..200),
        end in any::<bool>(),
        seed in any::<u64>(),
    ) {
        let mut honest = record_of(goals, Chair::first_of(seed), turns);
        if end && honest.end.is_none() {
            honest = with_turn::<Frame>(&honest, Turn::Lapse(Chair::Second)).unwrap();
        }
        let bytes = honest.to_bytes();
        prop_assert!(bytes.len() < 4_000);
        prop_assert_eq!(&Record::from_bytes(&bytes).unwrap(), &honest);
        let verified = replay::<Frame>(&honest).unwrap();
        let told = told::<Frame>(&honest).unwrap();
        prop_assert!(told.len() > verified.shots);
        let mut rng = Rng::new(seed);
        for _ in 0..8 {
            let mut damaged = bytes.clone();
            let at = rng.below(bytes.len() as u32) as usize;
            damaged[at] ^= 1 << rng.below(8);
            let Ok(record) = Record::from_bytes(&damaged) else { continue };
            // Names may differ, the seed, which nothing follows from, and a choice that came to nothing.
            if let Ok(other) = replay::<Frame>(&record) {
                prop_assert_eq!(record.end, honest.end);
                prop_assert_eq!(other.frame.state(), verified.frame.state());
            }
        }
    }
}
