//! Random worlds beside a slow and obvious model: every viewer has exactly what it should see, at the levels of the room.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tagus_base::{Rng, Tick};
use tagus_replication::{Replica, View, Viewer, World};

use crate::bodies::schema;
use crate::ground::{Ground, OUTSIDE_MAX, Thing};

/// A viewer, the replica at its other end, and where it looks.
struct Person {
    viewer: Viewer,
    replica: Replica,
    known: BTreeMap<u32, ()>,
    centre: [f64; 2],
    half: [f64; 2],
    mask: u32,
    bytes_max: usize,
    entities_max: usize,
    /// Of 256, how often a frame is missed.
    missing: u32,
    /// Frames that will be missed.
    pause: u32,
}

impl Person {
    fn new(rng: &mut Rng) -> Self {
        Self {
            viewer: Viewer::new(),
            replica: Replica::new(schema()),
            known: BTreeMap::new(),
            centre: [0, 1].map(|_| f64::from(rng.unit_f32()) * 800.0 - 400.0),
            half: [150.0, 90.0],
            mask: rng.below(4),
            bytes_max: [usize::MAX, 200, 0][rng.below(3) as usize],
            entities_max: [usize::MAX, 12, 5][rng.below(3) as usize],
            missing: [0, 30, 128][rng.below(3) as usize],
            pause: 0,
        }
    }

    fn step(&mut self, rng: &mut Rng) {
        for centre in &mut self.centre {
            *centre += f64::from(rng.unit_f32()) * 40.0 - 20.0;
        }
        match rng.below(40) {
            0 => self.centre = [0, 1].map(|_| f64::from(rng.unit_f32()) * 1_200.0 - 600.0),
            1 => self.half = [0, 1].map(|_| f64::from(rng.unit_f32()) * 300.0),
            2 => self.mask = rng.below(4),
            3 => self.viewer.reset(),
            4 => self.pause = rng.below(24),
            _ => {}
        }
        if rng.below(256) < self.missing {
            self.pause = self.pause.max(1);
        }
    }

    fn see(&mut self, world: &mut World, things: &BTreeMap<u32, Thing>) {
        if self.pause > 0 {
            self.pause -= 1;
            return;
        }
        let own = world.tick().0.to_le_bytes();
        let view = View {
            centre: self.centre,
            half: self.half,
            mask: self.mask,
            own_id: things.keys().next().copied(),
            last_input: (world.tick().0 / 7) as u32,
            own: &own[..usize::from(self.mask as u8)],
            bytes_max: self.bytes_max,
            entities_max: self.entities_max,
        };
        let mut bytes = Vec::new();
        self.viewer.encode(world, &view, &mut bytes);
        self.replica.apply(&bytes).unwrap();
        self.check(&view, world.tick(), things);
    }

    fn check(&mut self, view: &View<'_>, tick: Tick, things: &BTreeMap<u32, Thing>) {
        let replica = &self.replica;
        assert_eq!(replica.tick(), tick);
        assert_eq!(replica.own().id, view.own_id);
        assert_eq!(replica.own().last_input, view.last_input);
        assert_eq!(replica.own().state, view.own);
        assert_eq!(replica.is_waiting(), self.viewer.is_waiting());
        let crowd_max = self.entities_max.saturating_add(self.entities_max / 4);
        let near = replica.entities().filter(|entity| entity.kind.0 != 2);
        assert!(near.count() <= crowd_max || self.sees_one_cell());
        let mut seen = BTreeMap::new();
        for entity in replica.entities() {
            let thing = things.get(&entity.id).expect("it is there");
            assert_eq!(entity.kind.0, thing.kind);
            let levels: Vec<u32> = entity.levels().collect();
            assert_eq!(levels, thing.levels(), "{}", entity.id);
            assert!(thing.is_meant_for(self.mask));
            assert!(thing.distance(self.centre, self.half) <= OUTSIDE_MAX);
            assert!(seen.insert(entity.id, ()).is_none(), "once");
        }
        for (id, thing) in things {
            let is_in_view = thing.distance(self.centre, self.half) <= 0.0;
            if thing.is_meant_for(self.mask) && is_in_view && !replica.is_waiting() {
                assert!(seen.contains_key(id), "{id} is in view");
            }
        }
        for id in replica.came() {
            assert!(self.known.insert(*id, ()).is_none(), "{id} was there");
        }
        for id in replica.went() {
            assert!(self.known.remove(id).is_some(), "{id} was not there");
        }
        assert_eq!(self.known, seen);
    }

    /// What it sees could be in one cell.
    fn sees_one_cell(&self) -> bool {
        [0, 1].into_iter().all(|axis| {
            let places = || {
                self.replica
                    .entities()
                    .filter_map(|entity| entity.value(axis))
            };
            let (low, high) = (places().reduce(f64::min), places().reduce(f64::max));
            low.zip(high).is_none_or(|(low, high)| high - low < 120.0)
        })
    }
}

/// Runs a world of this seed and checks every viewer in every frame.
fn check(seed: u64, frames: u64) {
    let rng = &mut Rng::new(seed);
    let mut ground = Ground::new(rng);
    let mut people: Vec<Person> = (0..5).map(|_| Person::new(rng)).collect();
    for _ in 0..frames {
        ground.step(rng);
        for person in &mut people {
            person.step(rng);
            person.see(&mut ground.world, &ground.things);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn every_viewer_has_exactly_what_it_should_see(seed: u64) {
        check(seed, 150);
    }
}
