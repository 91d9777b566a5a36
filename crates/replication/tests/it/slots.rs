//! Viewers of slots: what the random worlds do not show by name.

use tagus_base::{Rng, Tick};
use tagus_replication::{
    Ack, DecodeError, Field, Grid, Interpolator, Kind, KindIndex, SLOT_BYTES_MIN, SLOTS_MAX,
    Schema, SlotReplica, SlotViewer, View, World,
};

const STONE: KindIndex = KindIndex(0);
const GEM: KindIndex = KindIndex(1);

/// A hundred squares of ten by ten.
struct Scene {
    world: World,
    viewer: SlotViewer,
    replica: SlotReplica,
    centre: [f64; 2],
    half: f64,
    mask: u32,
    own_id: Option<u32>,
    own: Vec<u8>,
    bytes_max: usize,
    entities_max: usize,
}

impl Scene {
    fn new() -> Self {
        let gem = Kind::new("gem").priority(64);
        Self::of(vec![Kind::new("stone"), gem])
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
            viewer: SlotViewer::new(),
            replica: SlotReplica::new(schema),
            centre: [55.0; 2],
            half: 10.0,
            mask: 0,
            own_id: None,
            own: Vec::new(),
            bytes_max: 1_150,
            entities_max: 10_000,
        }
    }

    /// A frame with these entities and no others.
    fn frame(&mut self, entities: &[Entity]) {
        self.world.begin(self.world.tick().next());
        for (id, kind, at) in entities {
            self.world.put(*id, *kind, at);
        }
        self.world.remove_absent();
        self.world.end();
    }

    /// A snapshot that is on its way.
    fn look(&mut self) -> Vec<u8> {
        let view = View {
            centre: self.centre,
            half: [self.half; 2],
            mask: self.mask,
            own_id: self.own_id,
            last_input: 0,
            own: &self.own,
            bytes_max: self.bytes_max,
            entities_max: self.entities_max,
        };
        let mut bytes = Vec::new();
        self.viewer.encode(&mut self.world, &view, &mut bytes);
        assert!(bytes.len() <= self.bytes_max.max(SLOT_BYTES_MIN));
        bytes
    }

    /// It arrives. Answers what the client says of it.
    fn arrive(&mut self, snapshot: &[u8]) -> Ack {
        self.replica.apply(snapshot).unwrap();
        self.replica.ack().unwrap()
    }

    /// A snapshot that arrives, and so does what the client says. Answers its length.
    fn look_well(&mut self) -> usize {
        let snapshot = self.look();
        let ack = self.arrive(&snapshot);
        self.viewer.acked(ack);
        snapshot.len()
    }

    fn seen(&self) -> Vec<u32> {
        let mut ids: Vec<u32> = self.replica.entities().map(|entity| entity.id).collect();
        ids.sort_unstable();
        ids
    }
}

type Entity = (u32, KindIndex, [f64; 2]);

fn stones(ids: impl IntoIterator<Item = u32>) -> Vec<Entity> {
    let place = |id| [50.0 + f64::from(id % 10), 50.0 + f64::from(id / 10 % 10)];
    ids.into_iter().map(|id| (id, STONE, place(id))).collect()
}

#[test]
fn a_quiet_world_costs_four_bytes() {
    let mut scene = Scene::new();
    let all = stones(0..100);
    for _ in 0..3 {
        scene.frame(&all);
        scene.look_well();
    }
    scene.frame(&all);
    assert_eq!(scene.look_well(), 4);
    assert_eq!(scene.seen().len(), 100);
    assert_eq!(scene.viewer.lag(&scene.world), Some(0));
    let mut again = Vec::new();
    again.extend(scene.look());
    assert_eq!(again, [0_u8; 0], "it has this frame");
}

#[test]
fn what_moves_as_predicted_costs_two_bits() {
    let mut scene = Scene::new();
    let mut length = 0;
    for frame in 0..40 {
        let moved = |(id, kind, [x, y]): Entity| (id, kind, [x - 3.0 + f64::from(frame) * 0.1, y]);
        let all: Vec<_> = stones(0..100).into_iter().map(moved).collect();
        scene.frame(&all);
        length = scene.look_well();
        for entity in scene.replica.entities() {
            assert_eq!(entity.tick, scene.world.tick());
        }
    }
    // The head, and a hundred bits more than a bit for each slot.
    assert!(length <= 3 + (100 + 100 + 20_usize).div_ceil(8), "{length}");
}

#[test]
fn a_slot_goes_to_another_only_when_its_leaving_is_known() {
    let mut scene = Scene::new();
    scene.frame(&stones([1]));
    scene.look_well();
    // It goes, and the client hears of it, but the viewer not that it has.
    scene.frame(&stones([2]));
    let snapshot = scene.look();
    let of_leaving = scene.arrive(&snapshot);
    assert_eq!(scene.seen(), [2]);
    // It comes again, which the client hears; and goes, which it does not.
    scene.frame(&stones([1, 2]));
    let snapshot = scene.look();
    scene.arrive(&snapshot);
    assert_eq!(scene.seen(), [1, 2]);
    scene.frame(&stones([2]));
    scene.look();
    // That the client knew of the first leaving says nothing of the second.
    scene.viewer.acked(of_leaving);
    scene.frame(&stones([2, 3]));
    let snapshot = scene.look();
    scene.arrive(&snapshot);
    assert_eq!(scene.seen(), [2, 3]);
    assert_eq!(scene.replica.went(), [1]);
}

#[test]
fn what_was_told_of_the_one_before_is_no_baseline() {
    let mut scene = Scene::new();
    scene.frame(&stones([1]));
    scene.look_well();
    scene.frame(&[]);
    let gone = scene.look();
    let of_gone = scene.arrive(&gone);
    scene.viewer.acked(of_gone);
    // The slot is another's, who was not heard of.
    scene.frame(&stones([22]));
    scene.look();
    scene.viewer.acked(of_gone);
    scene.frame(&stones([22]));
    scene.look_well();
    assert_eq!(scene.seen(), [22]);
    let levels: Vec<u32> = scene.replica.entity(22).unwrap().levels().collect();
    assert_eq!(levels, [520, 520]);
}

#[test]
fn an_id_that_comes_again_at_once_is_another() {
    let mut scene = Scene::new();
    scene.frame(&stones([1]));
    scene.look_well();
    scene.world.begin(scene.world.tick().next());
    scene.world.put(1, GEM, &[51.0, 51.0]);
    scene.world.end();
    scene.look_well();
    let kinds: Vec<_> = scene.replica.entities().map(|entity| entity.kind).collect();
    assert_eq!(kinds, [GEM]);
    assert_eq!(scene.replica.came(), [0; 0], "neither did it come");
}

#[test]
fn a_crowd_fits_and_nobody_waits_for_ever() {
    let mut scene = Scene::of(vec![Kind::new("stone"), Kind::new("gem").priority(64)]);
    scene.half = 40.0;
    scene.own_id = Some(7);
    scene.bytes_max = SLOT_BYTES_MIN;
    let rng = &mut Rng::new(1);
    let mut places: Vec<[f64; 2]> = (0..SLOTS_MAX)
        .map(|_| [0, 1].map(|_| 20.0 + 70.0 * f64::from(rng.unit_f32())))
        .collect();
    places[7] = scene.centre;
    let is_far = |at: &[f64; 2]| at.iter().any(|at| (at - 55.0).abs() > 25.0);
    let is_near = |at: &[f64; 2]| at.iter().all(|at| (at - 55.0).abs() < 15.0);
    let mut told = vec![0_u32; places.len()];
    let mut last = vec![0_u64; places.len()];
    for frame in 1..=300 {
        for at in &mut places {
            *at = at.map(|at| at + f64::from(rng.unit_f32()) - 0.5);
        }
        let entity = |(id, at): (usize, &[f64; 2])| {
            let kind = if id % 16 == 0 { GEM } else { STONE };
            (id as u32, kind, *at)
        };
        let all: Vec<_> = places.iter().enumerate().map(entity).collect();
        scene.frame(&all);
        scene.look_well();
        assert!(frame > 1 || scene.viewer.is_waiting());
        for entity in scene
            .replica
            .entities()
            .filter(|entity| entity.tick.0 == frame)
        {
            told[entity.id as usize] += 1;
            last[entity.id as usize] = frame;
        }
        assert_eq!(last[7], frame, "what it steers is told first");
    }
    let oldest = last.iter().min().unwrap();
    assert!(*oldest > 200, "{oldest}");
    let mean = |part: &dyn Fn(usize) -> bool| {
        let told = told.iter().enumerate().filter(|(id, _)| part(*id));
        let (sum, count) = told.fold((0, 0), |(sum, count), (_, told)| (sum + told, count + 1));
        f64::from(sum) / f64::from(count)
    };
    let near = mean(&|id| id % 16 > 0 && is_near(&places[id]));
    let far = mean(&|id| id % 16 > 0 && is_far(&places[id]));
    assert!(near > far * 1.5, "{near} {far}");
    let gems = mean(&|id| id % 16 == 0 && is_far(&places[id]));
    assert!(gems > far * 2.0, "{gems} {far}");
}

#[test]
fn whatever_the_limit_is_it_is_kept() {
    let mut scene = Scene::new();
    let rng = &mut Rng::new(3);
    for bytes_max in 0..1_600 {
        scene.bytes_max = bytes_max;
        let mut all = stones(0..120);
        for (_, _, at) in &mut all {
            *at = at.map(|at| at + 2.0 * f64::from(rng.unit_f32()));
        }
        scene.frame(&all);
        scene.look_well();
    }
}

#[test]
fn the_largest_of_all_fits_into_the_smallest_snapshot() {
    let fields = (0..14).map(|index| {
        Field::real("f", 0.0..=8_388_607.0, 1.0)
            .linear()
            .group(index % 8)
    });
    let mut scene = Scene::of(vec![
        fields.fold(Kind::new("all"), Kind::field),
        Kind::new("gem"),
    ]);
    scene.bytes_max = 0;
    scene.half = 100.0;
    scene.own = vec![1; 300];
    scene.own_id = Some(u32::MAX - 1);
    let rng = &mut Rng::new(5);
    let large = [u32::MAX - 1, u32::MAX - 7, 1];
    let mut told = [0; 3];
    for frame in 1..200 {
        // All the others go at once, and not all acknowledgements come.
        let others = if frame % 50 < 40 {
            SLOTS_MAX as u32 - 3
        } else {
            0
        };
        let mut all: Vec<Entity> = stones(100..100 + others);
        all.iter_mut().for_each(|(_, kind, _)| *kind = GEM);
        scene.world.begin(scene.world.tick().next());
        for id in large {
            let mut values = vec![f64::from(rng.below(1_000)) / 10.0; 16];
            for value in &mut values[2..] {
                *value = f64::from(rng.below(2)) * 8_388_607.0;
            }
            scene.world.put(id, STONE, &values);
        }
        for (id, kind, at) in &all {
            scene.world.put(*id, *kind, at);
        }
        scene.world.remove_absent();
        scene.world.end();
        let snapshot = scene.look();
        let ack = scene.arrive(&snapshot);
        if rng.below(3) == 0 {
            scene.viewer.acked(ack);
        }
        for (told, id) in told.iter_mut().zip(large) {
            let entity = scene.replica.entity(id);
            *told += u32::from(entity.is_some_and(|entity| entity.tick.0 == frame));
        }
    }
    assert_eq!(told[0], 199, "what it steers is told always");
    assert!(told[1] > 30 && told[2] > 30, "{told:?}");
}

#[test]
fn the_least_urgent_are_out_of_sight() {
    let mut scene = Scene::new();
    scene.entities_max = 10;
    scene.own_id = Some(99);
    let mut all = stones(0..99);
    all.push((99, STONE, [64.0, 64.0]));
    all.push((100, GEM, [48.0, 48.0]));
    scene.frame(&all);
    scene.look_well();
    let first = scene.seen();
    assert_eq!(first.len(), 10);
    assert!(first.contains(&99), "what it steers");
    assert!(first.contains(&100), "four times as urgent");
    assert!(first.contains(&55), "the middle");
    assert!(scene.replica.is_waiting() && scene.viewer.is_waiting());
    // A little to the side they stay: those in sight are borne a quarter longer.
    scene.centre = [55.4, 55.0];
    scene.frame(&all);
    scene.look_well();
    assert_eq!(scene.seen(), first);
    scene.centre = [58.0, 58.0];
    scene.frame(&all);
    scene.look_well();
    assert_ne!(scene.seen(), first);
    assert_eq!(scene.seen().len(), 10);
    scene.frame(&stones(0..10));
    scene.look_well();
    assert_eq!(scene.seen(), Vec::from_iter(0..10));
    assert!(!scene.replica.is_waiting());
}

#[test]
fn more_than_all_slots_wait() {
    let mut scene = Scene::new();
    scene.bytes_max = 100_000;
    let count = SLOTS_MAX as u32 + 1;
    scene.frame(&stones(0..count));
    scene.look_well();
    assert_eq!(
        (scene.seen().len(), scene.replica.is_waiting()),
        (SLOTS_MAX, true)
    );
    // All go and others come: their slots are not known to be free before the next frame.
    scene.frame(&stones(count..count + 5));
    scene.look_well();
    assert_eq!((scene.seen().len(), scene.replica.is_waiting()), (0, true));
    scene.frame(&stones(count..count + 5));
    scene.look_well();
    assert_eq!((scene.seen().len(), scene.replica.is_waiting()), (5, false));
}

#[test]
fn masks_that_change_hide_and_show() {
    let mut scene = Scene::new();
    let step = |scene: &mut Scene, theirs: u32, ours: u32| {
        scene.mask = ours;
        scene.world.begin(scene.world.tick().next());
        scene.world.put_masked(1, STONE, theirs, &[55.0; 2]);
        scene.world.put(2, STONE, &[56.0; 2]);
        scene.world.end();
        scene.look_well();
        scene.seen()
    };
    assert_eq!(step(&mut scene, 0b01, 0b10), [2]);
    assert_eq!(step(&mut scene, 0b11, 0b10), [1, 2]);
    assert_eq!(step(&mut scene, 0b10, 0b10), [1, 2]);
    assert_eq!(scene.replica.came(), [0; 0], "seen all along");
    assert_eq!(step(&mut scene, 0b10, 0b01), [2]);
    assert_eq!(step(&mut scene, 0b10, 0b11), [1, 2]);
    assert_eq!(step(&mut scene, u32::MAX, 0), [1, 2]);
    assert_eq!(step(&mut scene, 0, u32::MAX), [2]);
}

#[test]
fn what_is_drawn_stands_until_it_sets_out() {
    let mut scene = Scene::new();
    let mut drawn = Interpolator::new(scene.replica.schema().clone(), 3.0);
    for frame in 1..=24 {
        let x = 50.0 + f64::from((frame - 20_u32.min(frame)) * 2);
        scene.frame(&[(1, STONE, [x, 55.0])]);
        // On its way it is heard of every second frame only.
        let snapshot = scene.look();
        if frame < 20 || frame % 2 == 0 {
            let ack = scene.arrive(&snapshot);
            scene.viewer.acked(ack);
            drawn.push_slots(&scene.replica, 100.0 + f64::from(frame));
        }
    }
    for (tick, x) in [
        (3.0, 50.0),
        (19.5, 50.0),
        (20.0, 50.0),
        (21.0, 52.0),
        (23.5, 57.0),
    ] {
        let mut values = Vec::new();
        assert_eq!(drawn.at(1, tick, &mut values), Some(STONE));
        assert!((values[0] - x).abs() < 1e-9, "{tick}: {values:?}");
    }
}

#[test]
fn after_a_silence_everything_begins_anew() {
    let mut scene = Scene::new();
    scene.frame(&stones(0..5));
    scene.look_well();
    // The client takes something that is none, and knows nothing any more.
    assert_eq!(
        scene.replica.apply(&[16, 2, 0]),
        Err(DecodeError::Truncated)
    );
    assert_eq!((scene.seen().len(), scene.replica.ack()), (0, None));
    let mut frames = 0;
    loop {
        scene.frame(&stones(0..5));
        let snapshot = scene.look();
        if scene.replica.apply(&snapshot) == Ok(true) {
            break;
        }
        assert_eq!(scene.replica.ack(), None);
        frames += 1;
        assert!(frames < 1_000);
    }
    assert_eq!(frames, 127);
    assert_eq!(scene.seen(), [0, 1, 2, 3, 4]);
    // A room whose world leaps in time does so too.
    scene.world.begin(Tick(5_000));
    scene.world.end();
    scene.look_well();
    assert_eq!(
        (scene.replica.tick(), scene.seen()),
        (Tick(5_000), vec![0, 1, 2, 3, 4])
    );
}

#[test]
fn acknowledgements_of_what_never_was_are_passed_over() {
    let mut scene = Scene::new();
    let all = |frame: u16| Ack {
        frame,
        earlier: u32::MAX,
    };
    scene.viewer.acked(all(0));
    scene.viewer.acked(all(7));
    scene.frame(&stones(0..5));
    let first = scene.look();
    scene.viewer.acked(all(0));
    scene.viewer.acked(all(2));
    scene.viewer.acked(all(u16::MAX));
    assert_eq!(scene.viewer.lag(&scene.world), None);
    let ack = scene.arrive(&first);
    assert_eq!((ack.frame, ack.earlier), (1, 0));
    for _ in 0..40 {
        scene.frame(&stones(0..5));
    }
    assert_eq!(scene.viewer.lag(&scene.world), None);
    scene.viewer.acked(ack);
    assert_eq!(scene.viewer.lag(&scene.world), Some(40));
    let snapshot = scene.look();
    let ack = scene.arrive(&snapshot);
    assert_eq!((ack.frame, ack.earlier), (41, 0), "32 are remembered");
    scene.frame(&stones(0..5));
    let snapshot = scene.look();
    let ack = scene.arrive(&snapshot);
    assert_eq!((ack.frame, ack.earlier), (42, 1));
}
