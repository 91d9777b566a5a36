//! Who sees what, when: what the random worlds do not show by name.

use std::collections::BTreeMap;

use tagus_base::Tick;
use tagus_replication::{
    Grid, Interpolator, Kind, KindIndex, Replica, Schema, View, Viewer, World,
};

const STONE: KindIndex = KindIndex(0);

/// A hundred squares of ten by ten.
struct Scene {
    world: World,
    viewer: Viewer,
    replica: Replica,
    centre: [f64; 2],
    mask: u32,
    bytes_max: usize,
    entities_max: usize,
    /// Of the last snapshot.
    bytes: usize,
}

impl Scene {
    fn new() -> Self {
        Self::of(vec![Kind::new("stone")])
    }

    fn of(kinds: Vec<Kind>) -> Self {
        let grid = Grid {
            min: [0.0; 2],
            size: [99.9; 2],
            step: 0.1,
            cell: 10.0,
            margin: 1.0,
        };
        let schema = Schema::new(&grid, kinds, 1).unwrap();
        Self {
            world: World::new(schema.clone()),
            viewer: Viewer::new(),
            replica: Replica::new(schema),
            centre: [55.0; 2],
            mask: 0,
            bytes_max: 10_000,
            entities_max: 10_000,
            bytes: 0,
        }
    }

    /// A frame with these entities and no others.
    fn frame(&mut self, entities: &[(u32, [f64; 2])]) {
        self.world.begin(self.world.tick().next());
        for (id, at) in entities {
            self.world.put(*id, STONE, at);
        }
        self.world.remove_absent();
        self.world.end();
    }

    fn look(&mut self) {
        let view = View {
            centre: self.centre,
            half: [10.0; 2],
            mask: self.mask,
            own_id: None,
            last_input: 0,
            own: &[],
            bytes_max: self.bytes_max,
            entities_max: self.entities_max,
        };
        let mut bytes = Vec::new();
        self.viewer.encode(&mut self.world, &view, &mut bytes);
        self.bytes = bytes.len();
        self.replica.apply(&bytes).unwrap();
    }

    fn seen(&self) -> Vec<u32> {
        let mut ids: Vec<u32> = self.replica.entities().map(|entity| entity.id).collect();
        ids.sort_unstable();
        ids
    }
}

#[test]
fn what_crosses_a_border_neither_came_nor_went() {
    let mut scene = Scene::new();
    for step in 0..100 {
        scene.frame(&[(1, [45.0 + f64::from(step) * 0.2, 55.0])]);
        scene.look();
        assert_eq!(scene.seen(), [1]);
        let came: &[u32] = if step == 0 { &[1] } else { &[] };
        assert_eq!(
            (scene.replica.came(), scene.replica.went()),
            (came, &[][..])
        );
    }
}

#[test]
fn a_quiet_world_costs_two_bytes_and_a_bit_for_each_cell() {
    let mut scene = Scene::new();
    let stones: Vec<(u32, [f64; 2])> = (0..99).map(|id| (id, [f64::from(id), 55.0])).collect();
    scene.frame(&stones);
    scene.look();
    scene.frame(&stones);
    scene.look();
    // The squares that 20 by 20 and the margin touch, and the one for all.
    assert_eq!(scene.bytes, 2 + (9_usize + 1).div_ceil(8));
}

#[test]
fn what_moves_straight_is_as_quiet() {
    let mut scene = Scene::new();
    let mut quiet = 0;
    for frame in 0..80 {
        let x = 48.0 + f64::from(frame) * 0.17;
        scene.frame(&[(1, [x, 55.0])]);
        scene.look();
        quiet += u32::from(scene.bytes <= 5);
    }
    assert!(quiet > 65, "{quiet}");
}

#[test]
fn walking_to_and_fro_over_a_border_opens_nothing_twice() {
    let mut scene = Scene::new();
    let stones: Vec<(u32, [f64; 2])> = (0..99).map(|id| (id, [f64::from(id), 55.0])).collect();
    for step in 0..20 {
        // With the margin the view's edge goes from 69.5 to 71.5, over the border at 70.
        scene.centre = [58.5 + f64::from(step % 2) * 2.0, 55.0];
        scene.frame(&stones);
        scene.look();
        let expected: &[u32] = &[];
        assert_eq!(scene.replica.went(), expected, "{step}");
        assert!(step < 2 || scene.replica.came().is_empty(), "{step}");
    }
    scene.centre = [45.0, 55.0];
    scene.frame(&stones);
    scene.look();
    assert!(!scene.replica.went().is_empty());
}

#[test]
fn a_join_is_spread_over_snapshots_the_nearest_first() {
    let mut scene = Scene::new();
    scene.bytes_max = 150;
    let stones: Vec<(u32, [f64; 2])> = (0..2_000)
        .map(|id| (id, [f64::from(id % 50) * 2.0, f64::from(id / 50) * 2.5]))
        .collect();
    let mut snapshots = 0;
    loop {
        scene.frame(&stones);
        scene.look();
        snapshots += 1;
        let nearest = stones
            .iter()
            .filter(|(_, [x, y])| (50.0..60.0).contains(x) && (50.0..60.0).contains(y));
        for (id, _) in nearest {
            assert!(scene.seen().contains(id), "{id} is near");
        }
        // A cell of twenty stones is some seventy bytes.
        assert!(scene.bytes < 150 + 100, "{}", scene.bytes);
        if !scene.replica.is_waiting() {
            break;
        }
        assert!(scene.viewer.is_waiting());
    }
    assert!((5..20).contains(&snapshots), "{snapshots}");
    assert!(scene.seen().len() == 9 * 20);
}

#[test]
fn a_crowded_cell_is_told_in_parts_while_it_moves() {
    let mut scene = Scene::new();
    scene.bytes_max = 300;
    let crowd = |frame: u32| {
        let place = move |id: u32| {
            let walked = f64::from((id + frame) % 40) * 0.1;
            (id, [51.0 + f64::from(id % 64) * 0.1 + walked, 53.0])
        };
        // One in two hundred goes in each frame, and others come.
        let all = (0..600).filter(move |id| !(id + frame).is_multiple_of(200));
        all.map(place).collect::<Vec<_>>()
    };
    let mut snapshots = 0;
    let mut counts = Vec::new();
    while counts.is_empty() || scene.replica.is_waiting() {
        let entities = crowd(snapshots);
        scene.frame(&entities);
        if snapshots % 4 == 3 {
            // A snapshot is passed over now and then.
            snapshots += 1;
            continue;
        }
        scene.look();
        snapshots += 1;
        counts.push(scene.seen().len());
        let places: BTreeMap<u32, [f64; 2]> = entities.into_iter().collect();
        for entity in scene.replica.entities() {
            let value = |axis| entity.value(axis).unwrap();
            let [x, y] = places[&entity.id];
            assert!((value(0) - x).abs() < 0.051 && (value(1) - y).abs() < 0.051);
        }
        assert!(snapshots < 100);
    }
    assert_eq!(scene.seen().len(), crowd(snapshots - 1).len());
    assert!((4..40).contains(&counts.len()), "{counts:?}");
    assert!(counts[0] > 30 && counts[1] > counts[0] + 10, "{counts:?}");
    // What is told in part is forgotten wholly when it goes out of sight.
    scene.viewer.reset();
    scene.frame(&crowd(0));
    scene.look();
    assert!(scene.replica.is_waiting());
    scene.centre = [5.0, 5.0];
    scene.frame(&crowd(1));
    scene.look();
    assert_eq!((scene.seen().len(), scene.replica.is_waiting()), (0, false));
    scene.centre = [55.0; 2];
    scene.bytes_max = 100_000;
    scene.frame(&crowd(2));
    scene.look();
    assert_eq!(scene.seen().len(), crowd(2).len());
}

#[test]
fn a_viewer_whose_mask_changes_sees_others() {
    let mut scene = Scene::new();
    let look = |scene: &mut Scene, mask| {
        scene.mask = mask;
        scene.world.begin(scene.world.tick().next());
        for (id, mask) in [(1, 0b01), (2, 0b10), (3, u32::MAX)] {
            scene.world.put_masked(id, STONE, mask, &[55.0; 2]);
        }
        scene.world.end();
        scene.look();
        scene.seen()
    };
    assert_eq!(look(&mut scene, 0b01), [1, 3]);
    assert_eq!(look(&mut scene, 0b10), [2, 3]);
    assert_eq!(
        (scene.replica.came(), scene.replica.went()),
        (&[2][..], &[1][..])
    );
    assert_eq!(look(&mut scene, 0b11), [1, 2, 3]);
    assert_eq!(look(&mut scene, 0), [3]);
}

#[test]
fn what_is_seen_everywhere_may_be_seen_by_some_only() {
    let mut scene = Scene::of(vec![Kind::new("flag").everywhere()]);
    scene.centre = [5.0; 2];
    let look = |scene: &mut Scene, theirs, ours, entities_max| {
        scene.mask = ours;
        scene.entities_max = entities_max;
        scene.world.begin(scene.world.tick().next());
        scene.world.put_masked(1, STONE, theirs, &[95.0; 2]);
        scene.world.put(2, STONE, &[90.0; 2]);
        scene.world.end();
        scene.look();
        scene.seen()
    };
    assert_eq!(look(&mut scene, 0b01, 0b01, 0), [1, 2], "it is no crowd");
    assert_eq!(look(&mut scene, 0b10, 0b01, 0), [2]);
    assert_eq!(look(&mut scene, 0b10, 0b10, 0), [1, 2]);
    assert_eq!(look(&mut scene, u32::MAX, 0, 0), [1, 2]);
}

#[test]
fn a_crowd_shrinks_the_view_until_it_is_gone() {
    let mut scene = Scene::new();
    let near = |count: u32| (0..count).map(|id| (id, [55.0, 55.0]));
    let far = |count: u32| (0..count).map(|id| (1_000 + id, [45.0, 45.0]));
    let crowd = |a, b| near(a).chain(far(b)).collect::<Vec<_>>();
    scene.entities_max = 40;
    scene.frame(&crowd(20, 20));
    scene.look();
    assert_eq!(
        (scene.seen().len(), scene.replica.is_waiting()),
        (40, false)
    );
    scene.frame(&crowd(30, 20));
    scene.look();
    assert_eq!(scene.seen().len(), 50, "a quarter more is borne");
    scene.frame(&crowd(30, 21));
    scene.look();
    assert_eq!((scene.seen().len(), scene.replica.is_waiting()), (30, true));
    scene.frame(&crowd(30, 11));
    scene.look();
    assert_eq!(scene.seen().len(), 30, "eleven more do not fit");
    scene.frame(&crowd(60, 10));
    scene.look();
    assert_eq!(
        scene.seen().len(),
        60,
        "the nearest is seen whatever is in it"
    );
    scene.frame(&crowd(30, 10));
    scene.look();
    assert_eq!(
        (scene.seen().len(), scene.replica.is_waiting()),
        (40, false)
    );
}

#[test]
fn a_viewer_that_missed_too_much_starts_anew() {
    let mut scene = Scene::new();
    let walk = |scene: &mut Scene, frames: u32| {
        for frame in 0..frames {
            scene.frame(&[(1, [50.0 + f64::from(frame), 55.0]), (2, [55.0, 55.0])]);
        }
        scene.look();
        scene.bytes
    };
    let whole = walk(&mut scene, 1);
    // A head and the list of cells for each frame, but no full forms.
    assert_eq!(scene.viewer.tick(&scene.world), Some(Tick(1)));
    let (came, went) = (scene.replica.came().to_vec(), scene.replica.went().to_vec());
    assert_eq!((came, went), (vec![1, 2], vec![]));
    walk(&mut scene, 15);
    assert_eq!(scene.replica.came(), [0; 0]);
    walk(&mut scene, 1);
    let again = walk(&mut scene, 16);
    assert!(again >= whole, "{again} {whole}");
    assert_eq!(scene.replica.came(), [0; 0], "it was in sight before");
    assert_eq!(scene.seen(), [1, 2]);
}

#[test]
fn a_leap_in_time_starts_everybody_anew() {
    let mut scene = Scene::new();
    scene.frame(&[(1, [55.0; 2])]);
    scene.look();
    scene.world.begin(Tick(50));
    scene.world.end();
    scene.look();
    assert_eq!(scene.replica.tick(), Tick(50));
    assert_eq!(scene.seen(), [1]);
}

#[test]
fn a_mask_that_changes_hides_and_shows() {
    let mut scene = Scene::new();
    let masked = |scene: &mut Scene, mask| {
        scene.world.begin(scene.world.tick().next());
        scene.world.put_masked(1, STONE, mask, &[55.0; 2]);
        scene.world.end();
        scene.look();
        scene.seen()
    };
    scene.mask = 0b10;
    assert_eq!(masked(&mut scene, 0b01), [0; 0]);
    assert_eq!(masked(&mut scene, 0b11), [1]);
    assert_eq!(masked(&mut scene, 0b10), [1]);
    assert_eq!(scene.replica.came(), [0; 0], "seen all along");
    assert_eq!(masked(&mut scene, 0), [0; 0]);
    scene.mask = 0;
    assert_eq!(masked(&mut scene, u32::MAX), [1]);
}

#[test]
fn an_entity_of_another_kind_is_another() {
    let mut scene = Scene::new();
    scene.frame(&[(1, [55.0; 2])]);
    scene.look();
    scene.world.begin(scene.world.tick().next());
    scene.world.put(1, KindIndex(9), &[0.0; 2]);
    assert_eq!(scene.world.len(), 1, "an unknown kind is ignored");
    scene.world.remove(1);
    scene.world.remove(1);
    scene.world.put(1, STONE, &[50.0; 2]);
    scene.world.end();
    scene.look();
    assert_eq!(scene.seen(), [1]);
    let seen = scene.replica.entities().next().unwrap();
    let levels: Vec<u32> = seen.levels().collect();
    assert_eq!(levels, [500, 500]);
}

#[test]
fn what_is_drawn_is_between_two_snapshots() {
    let mut scene = Scene::new();
    let mut drawn = Interpolator::new(scene.replica.schema().clone(), 3.0);
    assert_eq!(drawn.render_tick(100.0), None);
    for (frame, x) in [50.0, 52.0, 56.0].into_iter().enumerate() {
        scene.frame(&[(1, [x, 55.0])]);
        scene.look();
        // The last one arrives late.
        let late = if frame == 2 { 0.5 } else { 0.0 };
        drawn.push(&scene.replica, 100.0 + frame as f64 + late);
    }
    let tick = drawn.render_tick(102.5).unwrap();
    assert!((tick - 0.5).abs() < 0.01, "{tick}");
    for (tick, x) in [
        (0.0, 50.0),
        (1.0, 50.0),
        (1.5, 51.0),
        (2.25, 53.0),
        (9.0, 56.0),
    ] {
        let mut values = Vec::new();
        assert_eq!(drawn.at(1, tick, &mut values), Some(STONE));
        assert!((values[0] - x).abs() < 1e-9, "{tick}: {values:?}");
    }
    assert_eq!(drawn.ids().collect::<Vec<_>>(), [1]);
    scene.frame(&[]);
    scene.look();
    drawn.push(&scene.replica, 104.0);
    assert_eq!(drawn.at(1, 1.0, &mut Vec::new()), None);
}
