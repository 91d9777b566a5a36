//! Random play of whole worlds: what must hold after every tick, and that a restored world runs on as if never stopped.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use tagus_arena::{
    CELLS_PER_PLAYER_MAX, Config, EJECTED_MAX, MASS_MAX, Own, PlayerKey, PlayerName, Sight, Vec2,
    World, radius_of, schema,
};
use tagus_base::{Rng, Tick};
use tagus_replication::Replica;

use crate::decoder::{Ball, View};

/// People and bots have keys below this one.
const VIEWERS: u16 = 20;

fn config() -> Config {
    Config {
        world_size: 2_500,
        view_half_height: 200,
        view_half_height_max: 700,
        pellets: 200,
        viruses: 6,
        player_limit: 12,
        bots_fill: 8,
        mass_start: 60,
        ..Config::default()
    }
}

fn name(text: &str) -> PlayerName {
    PlayerName::parse(text).unwrap()
}

/// One random wish of a random person, sometimes of one who is not there.
fn meddle(world: &mut World, rng: &mut Rng) {
    let key = PlayerKey(rng.below(14) as u16);
    match rng.below(40) {
        0 => _ = world.join(key, name("somebody")),
        1 => world.leave(key),
        2..=5 => world.spawn(key, rng.below(256) as u8, name("player")),
        6 => world.spectate(key),
        7..=9 => world.split(key),
        10..=14 => world.eject(key),
        _ => world.steer(
            key,
            Vec2::new(
                rng.unit_f32() * 2_000.0 - 250.0,
                rng.unit_f32() * 2_000.0 - 250.0,
            ),
        ),
    }
}

fn check_world(world: &World) {
    let size = world.config().world_size as f32;
    let inside = |at: Vec2| (0.0..=size).contains(&at.x) && (0.0..=size).contains(&at.y);
    let mut ids = BTreeSet::new();
    let mut counts = [0; 20];
    for cell in world.cells() {
        assert!(inside(cell.at), "{cell:?}");
        assert!(cell.mass > 0.0 && cell.mass <= MASS_MAX, "{cell:?}");
        assert_eq!(cell.radius, radius_of(cell.mass));
        assert!(ids.insert(cell.id), "two bodies with id {}", cell.id);
        assert!(
            world
                .player(cell.owner)
                .is_some_and(|player| player.is_alive()),
            "{cell:?}"
        );
        counts[usize::from(cell.owner.0)] += 1;
    }
    for (key, player) in world.players() {
        let count = counts[usize::from(key.0)];
        assert!(count <= CELLS_PER_PLAYER_MAX);
        assert_eq!(player.is_alive(), count > 0, "{key:?}");
        assert_eq!(player.is_bot(), key.0 >= 12);
    }
    for piece in world.ejected() {
        assert!(inside(piece.at) && piece.hue > 0 && ids.insert(piece.id));
    }
    for virus in world.viruses() {
        assert!(inside(virus.at) && virus.fed < 7 && ids.insert(virus.id));
    }
    for pellet in world.pellets() {
        assert!(inside(pellet.at) && ids.insert(pellet.id));
    }
    assert!(
        world.pellets().len() <= 200
            && world.viruses().len() <= 18
            && world.ejected().len() <= EJECTED_MAX
    );
}

/// The viewers of a world and what they know, some of whom miss snapshots now and then.
struct Viewers {
    sight: Sight,
    replicas: Vec<Option<Replica>>,
}

impl Viewers {
    fn new(config: &Config) -> Self {
        Self {
            sight: Sight::new(schema(config).unwrap()),
            replicas: vec![None; usize::from(VIEWERS)],
        }
    }

    /// One tick of the world, told to all viewers but those who are slow.
    fn tick(&mut self, world: &World, rng: &mut Rng) {
        self.sight.tick(world, Tick(world.tick()));
        for key in (0..VIEWERS).map(PlayerKey) {
            let replica = &mut self.replicas[usize::from(key.0)];
            if rng.below(200) == 0 {
                // Another connection takes the seat.
                *replica = None;
            }
            let replica = replica.get_or_insert_with(|| {
                self.sight.open(key);
                Replica::new(schema(world.config()).unwrap())
            });
            let is_slow = key.0.is_multiple_of(3) && rng.below(4) == 0;
            let mut bytes = Vec::new();
            if is_slow || !self.sight.view(world, key, &mut bytes) {
                continue;
            }
            replica.apply(&bytes).unwrap();
            check_view(world, key, replica);
            let own = Own::parse(&replica.own().state).unwrap();
            assert!(Own::peek(&bytes).is_none_or(|peeked| peeked == own));
        }
    }
}

/// Compares what a viewer knows with a scan of the whole world: all that is on the screen is known,
/// and all that is known is there, exactly as rounded.
fn check_view(world: &World, key: PlayerKey, replica: &Replica) {
    let view = View::of(replica);
    let player = world.player(key).unwrap();
    assert_eq!(view.tick, world.tick());
    assert_eq!(view.flags & 1 == 1, player.is_alive());
    if player.is_alive() {
        assert_eq!((view.followed, view.score), (key.0, world.score(key)));
        assert!(view.rank <= 20);
    } else {
        assert_eq!(view.flags & 2 == 2, view.followed != u16::MAX);
        assert_eq!(view.rank, 0);
    }
    let theirs = |cell: &&tagus_arena::Cell| cell.owner.0 == view.followed;
    let all = world.cells().iter().filter(theirs).count();
    assert_eq!(
        view.cells_of(view.followed).len(),
        all,
        "cells in the middle"
    );
    let config = world.config();
    let limits = [config.view_half_height, config.view_half_height_max].map(f64::from);
    let (centre, half_height) = view.screen(f64::from(config.world_size), limits);
    // The edge itself is not judged: the camera is known to a part of a unit only.
    let is_on_screen = |at: Vec2, radius: f32| {
        let x = (f64::from(at.x) - centre[0]).abs() - f64::from(radius);
        let y = (f64::from(at.y) - centre[1]).abs() - f64::from(radius);
        x < half_height * 16.0 / 9.0 - 1.0 && y < half_height - 1.0
    };
    let half_units = |value: f32| (value * 2.0 + 0.5) as u32;
    let check = |known: &[Ball], bodies: &mut dyn Iterator<Item = (Ball, Vec2, f32)>| {
        let bodies: BTreeMap<u32, (Ball, Vec2, f32)> =
            bodies.map(|body| (body.0.id, body)).collect();
        let ids: BTreeSet<u32> = known.iter().map(|ball| ball.id).collect();
        assert_eq!(ids.len(), known.len(), "a body is known twice");
        for ball in known {
            assert_eq!(Some(ball), bodies.get(&ball.id).map(|(body, ..)| body));
        }
        for (body, at, radius) in bodies.values() {
            let is_seen = ids.contains(&body.id);
            assert!(is_seen || !is_on_screen(*at, *radius), "{body:?}");
        }
    };
    let ball = |id, at: Vec2, radius, hue, owner| Ball {
        id,
        at: (half_units(at.x), half_units(at.y)),
        radius: half_units(radius),
        hue,
        owner,
    };
    let cells = world.cells().iter().map(|it| {
        let ball = ball(it.id, it.at, it.radius, it.hue, it.owner.0);
        (ball, it.at, it.radius)
    });
    check(&view.cells, &mut { cells });
    let viruses = world.viruses().iter().map(|it| {
        let ball = ball(it.id, it.at, it.radius(), 0, u16::MAX);
        (ball, it.at, it.radius())
    });
    check(&view.viruses, &mut { viruses });
    let ejected = world.ejected().iter().map(|it| {
        let ball = ball(it.id, it.at, 0.0, it.hue, u16::MAX);
        (ball, it.at, tagus_arena::Ejected::radius())
    });
    check(&view.ejected, &mut { ejected });
    let pellets = world.pellets().iter().map(|it| {
        let ball = ball(it.id, it.at, 0.0, it.hue, u16::MAX);
        (ball, it.at, 10.0)
    });
    check(&view.pellets, &mut { pellets });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn random_play_keeps_the_rules(seed in any::<u64>()) {
        let mut world = World::new(config(), Rng::new(seed));
        let mut rng = Rng::new(!seed);
        let mut viewers = Viewers::new(world.config());
        for _ in 0..400 {
            for _ in 0..rng.below(12) {
                meddle(&mut world, &mut rng);
            }
            world.step();
            check_world(&world);
            viewers.tick(&world, &mut rng);
        }
    }

    #[test]
    fn a_restored_world_runs_on(seed in any::<u64>(), stop in 1_u32..200) {
        let mut world = World::new(config(), Rng::new(seed));
        let mut rng = Rng::new(!seed);
        for _ in 0..stop {
            for _ in 0..rng.below(12) {
                meddle(&mut world, &mut rng);
            }
            world.step();
        }
        // Between ticks, with wishes waiting.
        for _ in 0..20 {
            meddle(&mut world, &mut rng);
        }
        let bytes = snapshot(&world);
        let mut twin = World::restore(&bytes).unwrap();
        prop_assert_eq!(&snapshot(&twin), &bytes);
        for _ in 0..60 {
            world.step();
            twin.step();
            let mut twin_rng = rng.clone();
            meddle(&mut world, &mut rng);
            meddle(&mut twin, &mut twin_rng);
            prop_assert_eq!(snapshot(&world), snapshot(&twin));
            prop_assert_eq!(first_view(&world), first_view(&twin));
        }
    }

    #[test]
    fn damaged_snapshots_are_refused_or_play_on(seed in any::<u64>()) {
        let mut rng = Rng::new(seed);
        let mut world = World::new(Config { pellets: 20, ..config() }, Rng::new(seed));
        for _ in 0..60 {
            for _ in 0..10 {
                meddle(&mut world, &mut rng);
            }
            world.step();
        }
        let bytes = snapshot(&world);
        for cut in 0..bytes.len() {
            prop_assert!(World::restore(&bytes[..cut]).is_err(), "cut at {}", cut);
        }
        let mut long = bytes.clone();
        long.push(0);
        prop_assert!(World::restore(&long).is_err());
        for _ in 0..200 {
            let mut damaged = bytes.clone();
            let at = rng.below(damaged.len() as u32) as usize;
            damaged[at] ^= 1 << rng.below(8);
            if let Ok(mut world) = World::restore(&damaged) {
                for _ in 0..3 {
                    world.step();
                    first_view(&world);
                }
            }
        }
    }
}

/// What the first player is sent who knows nothing.
fn first_view(world: &World) -> Vec<u8> {
    let mut sight = Sight::new(schema(world.config()).unwrap());
    sight.open(PlayerKey(0));
    sight.tick(world, Tick(world.tick()));
    let mut bytes = Vec::new();
    sight.view(world, PlayerKey(0), &mut bytes);
    bytes
}

fn snapshot(world: &World) -> Vec<u8> {
    let mut bytes = Vec::new();
    world.snapshot(&mut bytes);
    bytes
}

/// A world in which nobody lives but those who are asked to.
fn quiet_world(mass_start: u32) -> World {
    let config = Config {
        pellets: 0,
        viruses: 0,
        bots_fill: 0,
        world_size: 3_000,
        mass_start,
        ..Config::default()
    };
    let mut world = World::new(config, Rng::new(5));
    assert!(world.join(PlayerKey(0), name("one")));
    world.spawn(PlayerKey(0), 0, name("one"));
    world.step();
    world
}

#[test]
fn splitting_doubles_up_to_sixteen_and_keeps_the_mass() {
    let mut world = quiet_world(1_000);
    let key = PlayerKey(0);
    for expected in [2, 4, 8, 16, 16] {
        world.split(key);
        world.step();
        assert_eq!(world.cells().len(), expected);
        let mass: f32 = world.cells().iter().map(|cell| cell.mass).sum();
        assert!((mass - 1_000.0).abs() < 1.0, "{mass}");
    }
    for (mass, expected) in [(35, 1), (36, 2)] {
        let mut world = quiet_world(mass);
        world.split(key);
        world.step();
        assert_eq!(world.cells().len(), expected, "mass {mass}");
    }
}

#[test]
fn wishes_beyond_four_splits_a_tick_are_dropped() {
    let mut world = quiet_world(1_000);
    for _ in 0..300 {
        world.split(PlayerKey(0));
    }
    world.step();
    assert_eq!(world.cells().len(), 16);
}

#[test]
fn ejecting_costs_eighteen_and_gives_fourteen() {
    for (mass, left, pieces) in [(35, 35.0, 0), (36, 18.0, 1), (40, 22.0, 1)] {
        let mut world = quiet_world(mass);
        world.eject(PlayerKey(0));
        world.step();
        assert_eq!(world.cells()[0].mass, left);
        assert_eq!(world.ejected().len(), pieces);
    }
    let mut world = quiet_world(900);
    for _ in 0..9 {
        world.eject(PlayerKey(0));
        world.step();
    }
    assert_eq!(world.ejected().len(), 3, "one in three ticks");
}

#[test]
fn the_large_decay_and_the_small_do_not() {
    for (mass, least, most) in [
        (1_000.0, 790.0, 810.0),
        (50.0, 50.0, 50.0),
        (20.0, 20.0, 20.0),
    ] {
        let mut world = quiet_world(mass as u32);
        for _ in 0..1_000 {
            world.step();
        }
        assert!(
            (least..=most).contains(&world.cells()[0].mass),
            "{mass}: {}",
            world.cells()[0].mass
        );
    }
}

#[test]
fn bots_fill_up_make_room_and_eat() {
    let mut world = World::new(config(), Rng::new(3));
    for _ in 0..1_500 {
        world.step();
        check_world(&world);
    }
    let bots = |world: &World| {
        world
            .players()
            .filter(|(_, player)| player.is_bot())
            .count()
    };
    assert_eq!(bots(&world), 8);
    assert!(
        world.cells().iter().any(|cell| cell.mass > 120.0),
        "a minute of play feeds somebody"
    );
    for key in 0..12 {
        assert!(world.join(PlayerKey(key), name("guest")));
    }
    assert!(!world.join(PlayerKey(0), name("again")), "the key is taken");
    assert!(
        !world.join(PlayerKey(12), name("too many")),
        "the key is a bot's"
    );
    let mut gone = 0;
    for _ in 0..8 {
        world.step();
        gone += world.gone().len();
    }
    assert_eq!((bots(&world), gone), (0, 8));
    for key in 0..6 {
        world.leave(PlayerKey(key));
    }
    for _ in 0..2 {
        world.step();
    }
    assert_eq!(bots(&world), 2);
}

#[test]
fn same_seed_same_world() {
    let play = |seed| {
        let mut world = World::new(config(), Rng::new(seed));
        let mut rng = Rng::new(9);
        for _ in 0..300 {
            for _ in 0..5 {
                meddle(&mut world, &mut rng);
            }
            world.step();
        }
        snapshot(&world)
    };
    assert_eq!(play(1), play(1));
    assert_ne!(play(1), play(2));
}
