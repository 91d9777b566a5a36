//! Rooms written down and opened again.

use std::time::Duration;

use proptest::prelude::*;
use tagus_room::{CallFailed, Host, Metadata, StoreFailed};

use crate::probe::{CALL, COMPUTE, SAY, SEEK, STORE, Stage, factory, person};

/// A room with something in every part of its state.
fn busy() -> Stage {
    let mut stage = Stage::open("rate=60 ahead=2 hold=1000 record=100000");
    for number in 1..=3 {
        stage.join(number, number).unwrap();
    }
    stage.say(0, COMPUTE, "2");
    stage.say(0, STORE, "3");
    stage.say(0, CALL, "3");
    stage.say(0, SEEK, "3");
    stage.live_ms(333);
    stage.host.computed(1, "result".into());
    let values = [("key".to_owned(), "value".into())].into();
    stage.host.stored(2, Ok(values));
    let reason = "disk full".to_owned();
    stage.host.stored(0, Err(StoreFailed { reason }));
    stage.host.called(stage.now, 2, Ok("answer".into()));
    stage.host.called(stage.now, 1, Err(CallFailed::new("no")));
    stage.reserve(&[7, 8], 700).unwrap();
    stage.lose(1);
    stage.leave(0);
    stage.say(2, SAY, "waiting");
    stage.lines();
    stage
}

#[test]
fn a_restored_room_runs_on_at_another_time_of_day() {
    for restored_at in [Duration::ZERO, Duration::from_secs(1_000_000)] {
        let mut stage = busy();
        let snapshot = stage.host.snapshot();
        let mut twin = Stage {
            host: Host::restore(&factory(), &snapshot, restored_at).unwrap(),
            now: restored_at,
            effects: Vec::new(),
        };
        assert_eq!(twin.host.snapshot(), snapshot);
        for _ in 0..100 {
            stage.live_ms(17);
            twin.live_ms(17);
            assert_eq!(stage.lines(), twin.lines());
            assert_eq!(stage.host.state_hash(), twin.host.state_hash());
        }
        assert_eq!((twin.host.seed(), twin.host.calls()), (5, &[0][..]));
    }
}

#[test]
fn a_late_room_is_as_late_when_restored() {
    let mut stage = busy();
    stage.now += Duration::from_millis(140);
    assert!(
        stage
            .host
            .join(stage.now, person(1, 9), Metadata::new(), &mut stage.effects)
            .is_ok()
    );
    let host = Host::restore(&factory(), &stage.host.snapshot(), stage.now).unwrap();
    assert!(host.next_due().unwrap() < stage.now);
    assert_eq!(host.next_due(), stage.host.next_due());
}

#[test]
fn every_cut_snapshot_is_refused() {
    let snapshot = busy().host.snapshot();
    for length in 0..snapshot.len() - 9 {
        assert!(
            Host::restore(&factory(), &snapshot[..length], Duration::ZERO).is_err(),
            "{length}"
        );
    }
}

proptest! {
    #[test]
    fn a_damaged_snapshot_never_panics(at in 0_usize..400, value: u8, more in prop::collection::vec(any::<u8>(), 0..40)) {
        let mut snapshot = busy().host.snapshot();
        let at = at % snapshot.len();
        snapshot[at] = value;
        snapshot.extend(more);
        if let Ok(host) = Host::restore(&factory(), &snapshot, Duration::from_secs(1)) {
            let mut stage = Stage { host, now: Duration::from_secs(1), effects: Vec::new() };
            stage.pass_ms(5_000);
            stage.pass_ms(500_000);
        }
    }
}
