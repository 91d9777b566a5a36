//! Snapshots and recordings that are broken in random ways.

use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;
use proptest::sample::Index;
use tagus_arena::{Arena, Config, World};
use tagus_base::Rng;
use tagus_room::{Factory, Host, Metadata, Opening};

use crate::bodies::{PARAMS, recording, room_snapshot_restore};
use crate::room::person;

/// A small world in the middle of its life, alone and in its room.
fn snapshots() -> [Vec<u8>; 2] {
    let config = Config::parse(PARAMS).unwrap();
    let mut world = World::new(config, Rng::new(1));
    for _ in 0..50 {
        world.step();
    }
    let mut alone = Vec::new();
    world.snapshot(&mut alone);
    let opening = Opening {
        params: Bytes::from_static(PARAMS),
        ..Opening::default()
    };
    let mut host = Host::open(&Factory::of::<Arena>(), opening).unwrap();
    host.join(
        Duration::ZERO,
        person(1, "ann"),
        Metadata::new(),
        &mut Vec::new(),
    )
    .unwrap();
    for tick in 1..50 {
        host.tick(Duration::from_millis(40) * tick, &mut Vec::new());
    }
    [alone, host.snapshot()]
}

#[test]
fn whole_snapshots_pass() {
    let [world, host] = snapshots();
    World::restore(&world).unwrap();
    Host::restore(&Factory::of::<Arena>(), &host, Duration::ZERO).unwrap();
    room_snapshot_restore(&world);
    room_snapshot_restore(&host);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn damaged_snapshots(
        which in 0_usize..2,
        hits in prop::collection::vec((any::<Index>(), any::<u8>()), 0..4),
        cut: Option<Index>,
    ) {
        let mut input = snapshots()[which].clone();
        for (at, byte) in hits {
            let at = at.index(input.len());
            input[at] = byte;
        }
        if let Some(cut) = cut {
            input.truncate(cut.index(input.len()));
        }
        room_snapshot_restore(&input);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn played_and_damaged_recordings(input in prop::collection::vec(any::<u8>(), 0..160)) {
        recording(&input);
    }
}
