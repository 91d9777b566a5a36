//! Thousands of short random rooms.

use std::time::Duration;

use tagus_room::{Factory, replay};
use tagus_sim::{Plan, World};

use crate::nasty::{Nasty, script};

const ROOMS: u64 = 2_000;
/// A seed whose room has several seats and ticks 60 times a second.
const LONG: u64 = 11;

fn world(seed: u64) -> World {
    let pause_ms = [20, 60, 400][usize::try_from(seed % 3).unwrap()];
    let plan = Plan {
        seed,
        params: "nasty".into(),
        players: 6,
        pause_ms,
    };
    World::open(Factory::of::<Nasty>(), plan, script).unwrap()
}

fn prove(world: &World, seed: u64) -> (u64, bool) {
    let file = world.host.recording().unwrap().to_bytes("nasty");
    let report = replay(&file, |_| Some(Factory::of::<Nasty>()))
        .unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    assert_eq!(report.tick_last, world.host.tick_number(), "seed {seed}");
    (report.ticks, report.init_proven)
}

#[test]
fn replayed_they_are_the_same_bit_for_bit() {
    let (mut ticks, mut whole, mut closed) = (0, 0, 0);
    for seed in 0..ROOMS {
        let mut world = world(seed);
        world.live(Duration::from_secs(4), None);
        let (ran, init_proven) = prove(&world, seed);
        ticks += ran;
        whole += u64::from(init_proven);
        closed += u64::from(world.host.is_closed());
    }
    // The rooms must have lived, or this shows nothing.
    assert!(ticks > ROOMS * 10, "{ticks} ticks");
    assert!(
        whole > ROOMS / 10 && whole < ROOMS,
        "{whole} from their start"
    );
    assert!(closed > ROOMS / 100 && closed < ROOMS, "{closed} closed");
}

#[test]
fn restored_they_run_on_as_if_never_stopped() {
    let mut restarts = 0;
    for seed in 0..ROOMS / 2 {
        let mut straight = world(seed);
        let mut broken = world(seed);
        let every = 1 + seed % 40;
        for second in 0..3 {
            straight.live(Duration::from_secs(1), None);
            broken.live(Duration::from_secs(1), Some(every));
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
        prove(&broken, seed);
        restarts += broken.restarts;
    }
    assert!(restarts > ROOMS, "{restarts} restarts");
}

#[test]
fn another_seed_is_another_run() {
    let digest = |seed| {
        let mut world = world(seed);
        world.live(Duration::from_secs(2), None);
        world.digest()
    };
    assert_eq!(digest(3), digest(3));
    assert_ne!(digest(3), digest(6));
}

#[test]
fn ten_minutes_of_play() {
    // Nobody tells this room to close, and somebody always holds a seat.
    let plan = Plan {
        seed: LONG,
        params: "long".into(),
        players: 6,
        pause_ms: 200,
    };
    let mut world = World::open(Factory::of::<Nasty>(), plan, |rng| {
        let (op, data) = script(rng);
        (if op == 5 { 0 } else { op }, data)
    })
    .unwrap();
    world.live(Duration::from_secs(600), None);
    prove(&world, LONG);
    assert!(world.messages > 10_000, "{} messages", world.messages);
    assert!(
        world.host.tick_number().0 > 10_000,
        "{:?}",
        world.host.tick_number()
    );
}
