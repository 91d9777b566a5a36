//! Random play of whole worlds: what must hold after every tick, and that a restored world runs on as if never stopped.

use std::collections::BTreeSet;

use proptest::prelude::*;
use tagus_arena::{
    CELLS_PER_PLAYER_MAX, Config, EJECTED_MAX, MASS_MAX, PlayerKey, PlayerName, Vec2, World,
    radius_of,
};
use tagus_base::Rng;

use crate::decoder::View;

fn config() -> Config {
    Config {
        world_size: 1_500,
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
    assert!(world.pellets().iter().all(|pellet| inside(pellet.at)));
    assert!(
        world.pellets().len() <= 200
            && world.viruses().len() <= 18
            && world.ejected().len() <= EJECTED_MAX
    );
}

/// Compares a view with a scan of the whole world.
fn check_view(world: &World, key: PlayerKey) {
    let mut bytes = Vec::new();
    assert_eq!(world.view_of(key, &mut bytes), world.player(key).is_some());
    let Some(player) = world.player(key) else {
        return;
    };
    let view = View::decode(&bytes);
    assert_eq!(u64::from(view.tick), world.tick());
    assert_eq!(view.flags & 1 == 1, player.is_alive());
    let own: Vec<u32> = world
        .cells()
        .iter()
        .filter(|cell| cell.owner == key)
        .map(|cell| cell.id)
        .collect();
    assert_eq!(view.own, own);
    if player.is_alive() {
        assert_eq!(view.score, world.score(key));
    }
    let size = world.config().world_size as f32;
    let unit = size / 65_535.0;
    let centre = (
        f32::from(view.centre.0) * unit,
        f32::from(view.centre.1) * unit,
    );
    let height = f32::from(view.half_height);
    // The decoder knows the centre to a twentieth of a unit only, so the border itself is not judged.
    let depth = |at: Vec2, radius: f32| {
        let (x, y) = ((at.x - centre.0).abs(), (at.y - centre.1).abs());
        (height * 16.0 / 9.0 + radius - x).min(height + radius - y)
    };
    let mut listed: BTreeSet<u32> = BTreeSet::new();
    for ball in view.cells.iter().chain(&view.others) {
        assert!(listed.insert(ball.id));
    }
    let cells = world
        .cells()
        .iter()
        .map(|cell| (cell.id, cell.at, cell.radius, cell.hue, cell.owner.0));
    let viruses = world
        .viruses()
        .iter()
        .map(|virus| (virus.id, virus.at, virus.radius(), 0, u16::MAX));
    let radius = tagus_arena::Ejected::radius();
    let ejected = world
        .ejected()
        .iter()
        .map(|piece| (piece.id, piece.at, radius, piece.hue, u16::MAX));
    for (id, at, radius, hue, owner) in cells.chain(viruses).chain(ejected) {
        let depth = depth(at, radius);
        let ball = view
            .cells
            .iter()
            .chain(&view.others)
            .find(|ball| ball.id == id);
        assert!(
            depth.abs() < 0.2 || ball.is_some() == (depth > 0.0),
            "{id} at {at:?}, {depth} deep"
        );
        let Some(ball) = ball else { continue };
        assert_eq!((ball.kind_or_hue, ball.owner), (hue, owner));
        assert!((f32::from(ball.at.0) * unit - at.x).abs() < 0.1);
        assert!((f32::from(ball.at.1) * unit - at.y).abs() < 0.1);
        assert!((f32::from(ball.radius) / 8.0 - radius).abs() < 0.1);
    }
    let pellets = world.pellets().iter();
    let sure = pellets
        .clone()
        .filter(|pellet| depth(pellet.at, 10.0) > 0.2)
        .count();
    let perhaps = pellets
        .filter(|pellet| depth(pellet.at, 10.0) > -0.2)
        .count();
    assert!((sure..=perhaps).contains(&view.pellets.len()));
    for (eaten, _) in &view.eaten {
        assert!(
            !listed.contains(eaten),
            "{eaten} was eaten and is still there"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn random_play_keeps_the_rules(seed in any::<u64>()) {
        let mut world = World::new(config(), Rng::new(seed));
        let mut rng = Rng::new(!seed);
        for tick in 0..400 {
            for _ in 0..rng.below(12) {
                meddle(&mut world, &mut rng);
            }
            world.step();
            check_world(&world);
            if tick % 16 == 0 {
                for key in 0..20 {
                    check_view(&world, PlayerKey(key));
                }
            }
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
            let (mut seen, mut twin_seen) = (Vec::new(), Vec::new());
            world.view_of(PlayerKey(0), &mut seen);
            twin.view_of(PlayerKey(0), &mut twin_seen);
            prop_assert_eq!(seen, twin_seen);
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
                    world.view_of(PlayerKey(0), &mut Vec::new());
                }
            }
        }
    }
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
