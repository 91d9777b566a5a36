//! The arena, replayed and restored.

use std::time::Duration;

use bytes::Bytes;
use tagus_arena::{Arena, Command};
use tagus_base::Rng;
use tagus_room::{Factory, replay};
use tagus_sim::{Plan, World};

fn world(seed: u64) -> World {
    let params = format!(
        r#"{{"world_size":2000,"pellets":300,"viruses":10,"player_limit":20,"bots_fill":{},"mass_start":{},"recording_bytes_max":{}}}"#,
        seed % 7,
        60,
        4 << 20,
    );
    let plan = Plan {
        seed,
        params: params.into(),
        players: 12,
        pause_ms: 150,
    };
    World::open(Factory::of::<Arena>(), plan, script).unwrap()
}

pub(crate) fn script(rng: &mut Rng) -> (i64, Bytes) {
    let mut data = Vec::new();
    let op = match rng.below(12) {
        0 => Command::Split.encode(&mut data),
        1 => Command::Eject.encode(&mut data),
        2 | 3 => {
            data.extend_from_slice(&[7, b'x']);
            4
        }
        4 => i64::from(rng.below(100)),
        _ => {
            data.extend_from_slice(&rng.next_u64().to_le_bytes()[..4]);
            1
        }
    };
    (op, Bytes::from(data))
}

fn prove(world: &World, seed: u64) {
    let file = world.host.recording().unwrap().to_bytes("arena");
    let report = replay(&file, |_| Some(Factory::of::<Arena>()))
        .unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    assert_eq!(report.tick_last, world.host.tick_number(), "seed {seed}");
    assert!(report.ticks > 50, "seed {seed}: {report:?}");
}

#[test]
fn replayed_it_is_the_same_bit_for_bit() {
    for seed in 0..20 {
        let mut world = world(seed);
        world.live(Duration::from_secs(15), None);
        prove(&world, seed);
    }
}

#[test]
fn restored_it_runs_on_as_if_never_stopped() {
    for seed in 100..115 {
        let mut straight = world(seed);
        let mut broken = world(seed);
        for second in 0..10 {
            straight.live(Duration::from_secs(1), None);
            broken.live(Duration::from_secs(1), Some(5 + seed % 50));
            assert_eq!(
                straight.host.state_hash(),
                broken.host.state_hash(),
                "seed {seed} second {second}"
            );
            assert_eq!(
                straight.digest(),
                broken.digest(),
                "seed {seed} second {second}"
            );
        }
        assert!(broken.restarts > 10, "seed {seed}");
    }
}
