//! Rooms that act ahead of their beat.

use std::time::Duration;

use proptest::prelude::*;
use tagus_room::{AHEAD_TICKS_MAX, Host, replay};

use crate::probe::{COMPUTE, SAY, Stage, factory};

const MILLISECOND: Duration = Duration::from_millis(1);

#[test]
fn an_input_is_answered_at_once_and_the_beat_goes_on() {
    let mut stage = Stage::open("rate=2 ahead=1");
    stage.join(1, 1).unwrap();
    let start = stage.now;
    stage.live_ms(20);
    stage.lines();
    stage.say(0, SAY, "now");
    assert!(stage.host.next_due().unwrap() <= stage.now);
    stage.live_ms(0);
    assert_eq!(stage.lines(), ["all: t1 now"]);
    // The first tick is used up, so that the second one waits until the first was due.
    assert_eq!(stage.host.next_beat(), Some(start + 1_000 * MILLISECOND));
    stage.say(0, SAY, "later");
    assert_eq!(stage.host.next_due(), Some(start + 500 * MILLISECOND));
    stage.live_ms(479);
    assert_eq!(stage.lines(), [""; 0]);
    stage.live_ms(1);
    assert_eq!(stage.lines(), ["all: t2 later"]);
    // Nothing waits: the third one is on the beat, neither earlier nor twice.
    stage.live_ms(999);
    assert_eq!(stage.ticks(), 2);
    stage.live_ms(1);
    assert_eq!((stage.ticks(), stage.now), (3, start + 1_500 * MILLISECOND));
    assert_eq!(stage.host.counters().ticks_late, 0);
}

#[test]
fn results_are_inputs_and_views_are_not() {
    let mut stage = Stage::open("rate=1 ahead=2");
    stage.join(1, 1).unwrap();
    stage.say(0, COMPUTE, "1");
    stage.live_ms(0);
    assert_eq!(stage.ticks(), 1);
    stage.host.computed(0, "done".into());
    stage.live_ms(0);
    assert_eq!(stage.ticks(), 2);
    assert_eq!(
        stage.host.signal(stage.now, b"", &mut stage.effects),
        b"you said "
    );
    stage.live_ms(999);
    assert_eq!(stage.ticks(), 2);
}

#[test]
fn a_room_on_its_beat_waits_for_it() {
    let mut stage = Stage::open("rate=2");
    stage.join(1, 1).unwrap();
    let due = stage.host.next_due();
    stage.say(0, SAY, "hello");
    assert_eq!(stage.host.next_due(), due);
    stage.pass_ms(499);
    assert_eq!(stage.ticks(), 0);
}

#[test]
fn more_than_the_most_is_cut() {
    for (asked, granted) in [
        (AHEAD_TICKS_MAX, AHEAD_TICKS_MAX),
        (AHEAD_TICKS_MAX + 1, AHEAD_TICKS_MAX),
    ] {
        let mut stage = Stage::open(&format!("rate=1 ahead={asked}"));
        assert_eq!(stage.host.settings().ahead_ticks, granted);
        stage.join(1, 1).unwrap();
        for _ in 0..10 {
            stage.say(0, SAY, "");
            stage.live_ms(0);
        }
        assert_eq!(stage.ticks(), u64::from(granted));
    }
}

/// What a message ahead of the beat takes is given back by the ticks after it, to the nanosecond.
#[test]
fn the_beat_is_caught_up_with_exactly() {
    for rate in [1, 7, 25, 60] {
        let mut stage = Stage::open(&format!("rate={rate} ahead=3"));
        let mut steady = Stage::open(&format!("rate={rate}"));
        for stage in [&mut stage, &mut steady] {
            stage.join(1, 1).unwrap();
        }
        let mut most = 0;
        for _ in 0..5_000 {
            for stage in [&mut stage, &mut steady] {
                stage.say(0, SAY, "");
                stage.live_ms(3);
            }
            let ahead = stage.ticks() - steady.ticks();
            assert!(ahead <= 3, "{ahead} ahead");
            most = most.max(ahead);
        }
        assert_eq!(most, 3);
        for stage in [&mut stage, &mut steady] {
            stage.live_ms(10_000);
        }
        assert_eq!(stage.ticks(), steady.ticks());
        assert_eq!(stage.host.next_due(), steady.host.next_due());
        let counters = stage.host.counters();
        assert_eq!((counters.ticks_late, counters.ticks_skipped), (0, 0));
    }
}

#[test]
fn sleep_pays_no_debt_early() {
    let mut stage = Stage::open("rate=1 ahead=4 empty=0");
    let start = stage.now;
    for _ in 0..50 {
        stage.join(1, 1).unwrap();
        stage.say(0, SAY, "");
        stage.live_ms(10);
        stage.leave(0);
        // What is owed is part of a snapshot.
        stage.host = Host::restore(&factory(), &stage.host.snapshot(), stage.now).unwrap();
    }
    assert_eq!(stage.ticks(), 4);
    stage.join(1, 1).unwrap();
    assert_eq!(stage.host.next_due(), Some(start + 5_000 * MILLISECOND));
    // Once it is paid, sleep begins the beat anew as ever.
    stage.leave(0);
    stage.live_ms(60_000);
    stage.join(1, 1).unwrap();
    assert_eq!(stage.host.next_due(), Some(stage.now + 1_000 * MILLISECOND));
}

#[derive(Clone, Debug)]
enum Act {
    Join,
    Leave,
    Say,
    Compute,
    Done,
    /// Asks for what is due on the way.
    Live(u64),
    /// Asks at the end alone.
    Pass(u64),
    Restore,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        2 => Just(Act::Join),
        1 => Just(Act::Leave),
        12 => Just(Act::Say),
        2 => Just(Act::Compute),
        2 => Just(Act::Done),
        12 => (0_u64..300).prop_map(Act::Live),
        2 => (0_u64..3_000).prop_map(Act::Pass),
        1 => Just(Act::Restore),
    ]
}

proptest! {
    /// Whatever comes, no tick runs before the time of the one that is so many before it, and the run replays.
    #[test]
    fn never_further_ahead_than_allowed(
        rate in prop::sample::select(vec![1_u32, 3, 7, 10, 60]),
        ahead in 0_u32..=4,
        acts in prop::collection::vec(act(), 1..200),
    ) {
        let params = format!("rate={rate} ahead={ahead} empty=0 record=1000000");
        let mut stage = Stage::open(&params);
        let start = stage.now;
        // A result alone is answered at once in any room.
        let mut alone = 0;
        for act in acts {
            match act {
                Act::Join => drop(stage.join(1, 1)),
                Act::Leave => stage.leave(0),
                Act::Say => drop(stage.say(0, SAY, "x")),
                Act::Compute => drop(stage.say(0, COMPUTE, "1")),
                Act::Done => {
                    alone += u64::from(stage.host.seat_count() == 0);
                    stage.host.computed(0, "done".into());
                }
                Act::Live(span_ms) => stage.live_ms(span_ms),
                Act::Pass(span_ms) => stage.pass_ms(span_ms),
                Act::Restore => {
                    let snapshot = stage.host.snapshot();
                    stage.host = Host::restore(&factory(), &snapshot, stage.now).unwrap();
                }
            }
            stage.live_ms(0);
            // Beats are whole nanoseconds, rounded down.
            let passed = (stage.now - start).as_nanos() + 1;
            let beats = passed * u128::from(rate) / 1_000_000_000;
            let most = beats + u128::from(ahead) + u128::from(alone);
            prop_assert!(u128::from(stage.ticks()) <= most, "{} of {most}", stage.ticks());
        }
        let file = stage.host.recording().unwrap().to_bytes("probe");
        let report = replay(&file, |_| Some(factory())).unwrap();
        prop_assert_eq!(report.tick_last, stage.host.tick_number());
    }
}
