//! Random worlds beside a slow and obvious model: every viewer has exactly what it should see, at the levels of the room.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tagus_base::{Rng, Tick};
use tagus_replication::{KindIndex, Replica, View, Viewer, World};

use crate::bodies::schema;

#[derive(Clone, Debug)]
struct Thing {
    kind: u8,
    mask: u32,
    at: [f64; 2],
    velocity: [f64; 2],
    radius: f64,
    heading: f64,
    hue: u32,
}

impl Thing {
    fn new(rng: &mut Rng) -> Self {
        let unit = |rng: &mut Rng| f64::from(rng.unit_f32());
        let mut thing = Self {
            kind: rng.below(3) as u8,
            mask: [u32::MAX, u32::MAX, 1, 2, 3][rng.below(5) as usize],
            at: [unit(rng) * 1_100.0 - 550.0, unit(rng) * 550.0 - 275.0],
            velocity: [0.0; 2],
            radius: unit(rng) * 50.0,
            heading: 0.0,
            hue: rng.below(360),
        };
        thing.turn(rng);
        thing
    }

    fn turn(&mut self, rng: &mut Rng) {
        let speed = [0.0, 0.3, 4.0, 60.0][rng.below(4) as usize];
        self.velocity = [0, 1].map(|_| (f64::from(rng.unit_f32()) - 0.5) * speed);
    }

    fn step(&mut self, rng: &mut Rng) {
        match rng.below(30) {
            0 => self.turn(rng),
            1 => self.radius += 1.0,
            2 => self.hue = rng.below(360),
            3 if rng.below(4) == 0 => self.mask = [u32::MAX, 1, 2][rng.below(3) as usize],
            4 if rng.below(4) == 0 => self.kind = rng.below(3) as u8,
            _ => {}
        }
        self.heading += self.velocity[0] * 0.1;
        for (at, velocity) in self.at.iter_mut().zip(self.velocity) {
            *at += velocity;
        }
    }

    fn values(&self) -> Vec<f64> {
        let [x, y] = self.at;
        match self.kind {
            0 => vec![x, y, self.radius, self.heading, f64::from(self.hue)],
            1 => vec![x, y],
            _ => vec![x, y, f64::from(self.hue) * 1e7],
        }
    }

    fn levels(&self) -> Vec<u32> {
        let schema = schema();
        let fields = schema.kind(KindIndex(self.kind)).unwrap().fields();
        let pairs = fields.iter().zip(self.values());
        pairs.map(|(field, value)| field.level_of(value)).collect()
    }
}

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
            assert!(thing.mask == u32::MAX || thing.mask & self.mask != 0);
            // A square, its margin on both sides, and a quarter by which it is kept open longer.
            assert!(thing.kind == 2 || self.distance(thing) <= 100.0 + 2.0 * 10.0 + 25.0 + 1.0);
            assert!(seen.insert(entity.id, ()).is_none(), "once");
        }
        for (id, thing) in things {
            let is_meant = thing.mask == u32::MAX || thing.mask & self.mask != 0;
            let is_in_view = thing.kind == 2 || self.distance(thing) <= 0.0;
            if is_meant && is_in_view && !replica.is_waiting() {
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

    /// How far outside the view it is, as the room rounds it.
    fn distance(&self, thing: &Thing) -> f64 {
        let [x, y] = thing.at;
        let at = [x.clamp(-500.0, 500.0), y.clamp(-250.0, 250.0)];
        let limits = [500.0, 250.0];
        let outside = |axis: usize| {
            let centre = self.centre[axis];
            let low = (centre - self.half[axis]).clamp(-limits[axis], limits[axis]);
            let high = (centre + self.half[axis]).clamp(-limits[axis], limits[axis]);
            (low - at[axis]).max(at[axis] - high)
        };
        outside(0).max(outside(1))
    }
}

/// Runs a world of this seed and checks every viewer in every frame.
fn check(seed: u64, frames: u64) {
    let rng = &mut Rng::new(seed);
    let mut world = World::new(schema());
    let mut things: BTreeMap<u32, Thing> = BTreeMap::new();
    let mut people: Vec<Person> = (0..5).map(|_| Person::new(rng)).collect();
    let by_absence = rng.below(2) == 0;
    let mut tick = Tick(0);
    let mut next_id = 0;
    for _ in 0..frames {
        tick.0 += 2 + u64::from(rng.below(100) == 0);
        world.begin(tick);
        let gone: Vec<u32> = things
            .keys()
            .copied()
            .filter(|_| rng.below(60) == 0)
            .collect();
        for id in gone {
            things.remove(&id);
            if !by_absence {
                world.remove(id);
            }
        }
        for (id, thing) in &mut things {
            let before = thing.values();
            let (mask, kind) = (thing.mask, thing.kind);
            thing.step(rng);
            let is_thrice = rng.below(20) == 0;
            if is_thrice {
                // What is put thrice is as it was put last, wherever it was between.
                world.put_masked(*id, KindIndex(thing.kind), thing.mask, &thing.values());
                let far = [f64::from(rng.below(1_000)) - 500.0, 0.0];
                world.put_masked(*id, KindIndex(thing.kind), 1, &far);
            }
            let is_same = before == thing.values() && (mask, kind) == (thing.mask, thing.kind);
            if by_absence || !is_same || is_thrice || rng.below(2) == 0 {
                world.put_masked(*id, KindIndex(thing.kind), thing.mask, &thing.values());
            }
        }
        while things.len() < 30 || rng.below(3) == 0 {
            let thing = Thing::new(rng);
            next_id += 1 + rng.below(300);
            world.put_masked(next_id, KindIndex(thing.kind), thing.mask, &thing.values());
            things.insert(next_id, thing);
        }
        if by_absence {
            world.remove_absent();
        }
        world.end();
        assert_eq!(world.len(), things.len());
        for person in &mut people {
            person.step(rng);
            person.see(&mut world, &things);
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
