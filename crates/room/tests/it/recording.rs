//! Recordings and their replay.

use std::panic::{AssertUnwindSafe, catch_unwind};

use proptest::prelude::*;
use tagus_base::Tick;
use tagus_room::{
    CallFailed, Damage, Factory, HASH_EVERY_TICKS, ReplayError, ReplayReport, replay, xxh64,
};

use crate::probe::{CALL, COMPUTE, LABEL, PANIC, SAY, STORE, Stage, factory};

fn lookup(game: &str) -> Option<Factory> {
    (game == "probe").then(factory)
}

fn file(stage: &Stage) -> Vec<u8> {
    stage.host.recording().unwrap().to_bytes("probe")
}

fn proof(stage: &Stage) -> ReplayReport {
    replay(&file(stage), lookup).unwrap()
}

/// A minute with a bit of everything.
fn lively(params: &str) -> Stage {
    let mut stage = Stage::open(params);
    for round in 0..12 {
        let _ = stage.join(round % 3, round);
        stage.say(0, SAY, "hello");
        stage.say(0, COMPUTE, "1");
        stage.live_ms(2_000);
        stage.host.computed(0, "done".into());
        stage.say(0, STORE, "1");
        stage.live_ms(100);
        let values = [("key".to_owned(), "value".into())].into();
        stage.host.stored(0, Ok(values));
        stage.say(0, CALL, "2");
        stage.live_ms(100);
        stage.host.called(stage.now, 1, Ok("answer".into()));
        stage.host.called(stage.now, 0, Err(CallFailed::new("no")));
        stage
            .host
            .signal(stage.now, b"question", &mut stage.effects);
        stage.say(0, LABEL, "label");
        stage.lose(u16::from(round % 2));
        stage.live_ms(3_000);
    }
    stage.host.terminate(stage.now, 1_000, &mut stage.effects);
    stage
}

#[test]
fn a_recorded_room_is_proven() {
    for ahead in 0..=4 {
        is_proven(&format!(
            "rate=20 ahead={ahead} hold=2500 record=1000000 empty=0"
        ));
    }
}

fn is_proven(params: &str) {
    let mut stage = lively(params);
    let report = proof(&stage);
    assert_eq!(
        (report.segments, report.init_proven, report.seed),
        (1, true, 5)
    );
    assert_eq!(
        (report.tick_first, report.tick_last),
        (Tick(0), stage.host.tick_number())
    );
    assert_eq!(report.ticks, stage.ticks());
    // After init, at the segment's start and end, and in between.
    assert_eq!(report.hashes_proven, 3 + stage.ticks() / HASH_EVERY_TICKS);
    stage.host.close(stage.now, &mut stage.effects);
    assert_eq!(proof(&stage).inputs, report.inputs + 1);
}

#[test]
fn a_ring_keeps_the_latest_within_its_bytes() {
    let stage = lively("rate=20 hold=2500 record=2000 empty=0");
    let recording = file(&stage);
    assert!(recording.len() < 2_500, "{} bytes", recording.len());
    let report = replay(&recording, lookup).unwrap();
    assert!(report.segments >= 2 && !report.init_proven, "{report:?}");
    assert_eq!(report.tick_last, stage.host.tick_number());
    assert_eq!(report.tick_last.0 - report.tick_first.0, report.ticks);
}

#[test]
fn what_does_not_fit_leaves_a_gap() {
    assert!(Stage::open("").host.recording().is_none());
    assert!(
        Stage::open("record=4000 ballast=600")
            .host
            .recording()
            .is_none()
    );
    let mut stage = Stage::open("record=4000");
    stage.join(1, 1).unwrap();
    stage.live_ms(500);
    let before = proof(&stage);
    stage.say(0, SAY, &"x".repeat(1_001));
    stage.live_ms(500);
    let after = proof(&stage);
    assert_eq!(
        (before.ticks, after.ticks, after.tick_last),
        (5, 5, Tick(5))
    );
    assert_eq!(stage.ticks(), 10);
    stage.live_ms(10_000);
    let resumed = proof(&stage);
    assert_eq!((resumed.segments, resumed.tick_last), (2, Tick(110)));
    assert_eq!(resumed.ticks, 5 + 110 - HASH_EVERY_TICKS);
}

#[test]
fn a_panic_is_in_the_recording_and_happens_again() {
    let mut stage = Stage::open("record=4000 rate=10");
    stage.join(1, 1).unwrap();
    stage.live_ms(1_000);
    stage.say(0, PANIC, "");
    catch_unwind(AssertUnwindSafe(|| stage.live_ms(1_000))).unwrap_err();
    assert_eq!(stage.host.seed(), 5);
    assert_eq!(proof(&stage).panicked, Some(Tick(11)));
}

/// The probe, but its `tick` depends on something outside.
mod leaky {
    use std::sync::atomic::{AtomicU64, Ordering};

    use tagus_base::SeatIndex;
    use tagus_room::{Game, InitError, Input, LeaveReason, RestoreError, Room, Settings, Setup};

    static OUTSIDE: AtomicU64 = AtomicU64::new(0);

    pub(crate) struct Leaky(u64);

    impl Game for Leaky {
        fn init(_: Setup<'_>) -> Result<(Self, Settings), InitError> {
            Ok((
                Self(0),
                Settings {
                    recording_bytes_max: 10_000,
                    ..Settings::default()
                },
            ))
        }

        fn join(&mut self, _: &mut Room<'_>, _: SeatIndex) {}

        fn leave(&mut self, _: &mut Room<'_>, _: SeatIndex, _: LeaveReason) {}

        fn tick(&mut self, room: &mut Room<'_>, _: &[Input]) {
            if room.tick().0 == 70 {
                self.0 = OUTSIDE.fetch_add(1, Ordering::Relaxed);
            }
        }

        fn snapshot(&self, out: &mut Vec<u8>) {
            out.extend_from_slice(&self.0.to_le_bytes());
        }

        fn restore(_: u32, bytes: &[u8]) -> Result<Self, RestoreError> {
            Ok(Self(u64::from_le_bytes(
                bytes.try_into().map_err(|_| RestoreError::new("length"))?,
            )))
        }
    }
}

#[test]
fn the_first_difference_is_named() {
    let leaky = Factory::of::<leaky::Leaky>();
    let mut stage = Stage::open("");
    stage.host = tagus_room::Host::open(
        &leaky,
        tagus_room::Opening {
            now: stage.now,
            ..Default::default()
        },
    )
    .unwrap();
    stage.join(1, 1).unwrap();
    stage.live_ms(20_000);
    let error = replay(&file(&stage), |_| Some(leaky.clone())).unwrap_err();
    // 64 still matches, and 128 is the first hash after tick 70.
    let ReplayError::Differs {
        segment: 0,
        tick: Tick(128),
        recorded,
        found,
    } = error
    else {
        panic!("{error:?}")
    };
    assert_ne!(recorded, found);
}

#[test]
fn files_are_checked() {
    let good = file(&lively("rate=20 record=100000"));
    assert_eq!(
        replay(&good, |_| None),
        Err(ReplayError::UnknownGame("probe".to_owned()))
    );
    assert_eq!(replay(b"", lookup), Err(ReplayError::Read(Damage::Magic)));
    let mut newer = good.clone();
    newer[8] = 5;
    assert_eq!(
        replay(&newer, lookup),
        Err(ReplayError::Read(Damage::Version(5)))
    );
    assert_eq!(
        replay(&[&good[..], b"x"].concat(), lookup),
        Err(ReplayError::Read(Damage::Long))
    );
    for length in (0..good.len()).step_by(7) {
        assert!(
            matches!(replay(&good[..length], lookup), Err(ReplayError::Read(_))),
            "{length}"
        );
    }
    for at in (9..good.len()).step_by(5) {
        let mut bad = good.clone();
        bad[at] ^= 0x10;
        assert!(
            matches!(replay(&bad, lookup), Err(ReplayError::Read(_))),
            "{at}"
        );
    }
}

proptest! {
    #[test]
    fn garbage_is_no_recording(mut bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        replay(&bytes, lookup).unwrap_err();
        bytes.splice(0..0, *b"TAGUSREC\x02");
        replay(&bytes, lookup).unwrap_err();
    }

    /// Damage with a good checksum: the events and snapshots themselves are read with care.
    #[test]
    fn forged_files_never_panic(changes in prop::collection::vec((any::<u16>(), any::<u8>()), 1..4)) {
        let mut forged = file(&lively("rate=5 hold=100 record=100000 empty=0"));
        let header = header_bytes(&forged);
        let end = forged.len() - 8;
        for (at, value) in changes {
            let at = header + usize::from(at) % (end - header);
            forged[at] = value;
        }
        let hash = xxh64(&forged[header..end]);
        forged[end..].copy_from_slice(&hash.to_le_bytes());
        let _ = replay(&forged, lookup);
    }
}

/// Magic, version, "probe", seed, parameters, count, checksum.
fn header_bytes(file: &[u8]) -> usize {
    let params = 8 + 1 + 6 + 8;
    params + 1 + usize::from(file[params]) + 1 + 8
}
