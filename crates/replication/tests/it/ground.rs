//! A world in which everything happens, and a slow and obvious model of what is in it.

use std::collections::BTreeMap;

use tagus_base::{Rng, Tick};
use tagus_replication::{KindIndex, World};

use crate::bodies::schema;

/// The world, and what was put into it.
pub(crate) struct Ground {
    pub(crate) world: World,
    pub(crate) things: BTreeMap<u32, Thing>,
    tick: Tick,
    by_absence: bool,
    next_id: u32,
}

impl Ground {
    pub(crate) fn new(rng: &mut Rng) -> Self {
        Self {
            world: World::new(schema()),
            things: BTreeMap::new(),
            tick: Tick(0),
            by_absence: rng.below(2) == 0,
            next_id: 0,
        }
    }

    /// A frame in which things come, go, move and change.
    pub(crate) fn step(&mut self, rng: &mut Rng) {
        self.tick.0 += 2 + u64::from(rng.below(100) == 0);
        self.world.begin(self.tick);
        let ids = self.things.keys().copied();
        let gone: Vec<u32> = ids.filter(|_| rng.below(60) == 0).collect();
        for id in gone {
            self.things.remove(&id);
            if !self.by_absence {
                self.world.remove(id);
            }
        }
        for (id, thing) in &mut self.things {
            let before = thing.values();
            let (mask, kind) = (thing.mask, thing.kind);
            thing.step(rng);
            let is_thrice = rng.below(20) == 0;
            if is_thrice {
                // What is put thrice is as it was put last, wherever it was between.
                thing.put(&mut self.world, *id);
                let far = [f64::from(rng.below(1_000)) - 500.0, 0.0];
                self.world.put_masked(*id, KindIndex(thing.kind), 1, &far);
            }
            let is_same = before == thing.values() && (mask, kind) == (thing.mask, thing.kind);
            if self.by_absence || !is_same || is_thrice || rng.below(2) == 0 {
                thing.put(&mut self.world, *id);
            }
        }
        while self.things.len() < 30 || rng.below(3) == 0 {
            let thing = Thing::new(rng);
            self.next_id += 1 + rng.below(300);
            thing.put(&mut self.world, self.next_id);
            self.things.insert(self.next_id, thing);
        }
        self.end();
    }

    /// A frame in which nothing does.
    pub(crate) fn rest(&mut self) {
        self.tick.0 += 2;
        self.world.begin(self.tick);
        for (id, thing) in &self.things {
            thing.put(&mut self.world, *id);
        }
        self.end();
    }

    fn end(&mut self) {
        if self.by_absence {
            self.world.remove_absent();
        }
        self.world.end();
        assert_eq!(self.world.len(), self.things.len());
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Thing {
    pub(crate) kind: u8,
    pub(crate) mask: u32,
    pub(crate) at: [f64; 2],
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

    fn put(&self, world: &mut World, id: u32) {
        world.put_masked(id, KindIndex(self.kind), self.mask, &self.values());
    }

    fn values(&self) -> Vec<f64> {
        let [x, y] = self.at;
        match self.kind {
            0 => vec![x, y, self.radius, self.heading, f64::from(self.hue)],
            1 => vec![x, y],
            _ => vec![x, y, f64::from(self.hue) * 1e7],
        }
    }

    pub(crate) fn levels(&self) -> Vec<u32> {
        let schema = schema();
        let fields = schema.kind(KindIndex(self.kind)).unwrap().fields();
        let pairs = fields.iter().zip(self.values());
        pairs.map(|(field, value)| field.level_of(value)).collect()
    }

    pub(crate) fn is_meant_for(&self, mask: u32) -> bool {
        self.mask == u32::MAX || self.mask & mask != 0
    }

    /// How far outside a view it is, as the room rounds it; what is seen everywhere never is.
    pub(crate) fn distance(&self, centre: [f64; 2], half: [f64; 2]) -> f64 {
        if self.kind == 2 {
            return 0.0;
        }
        let [x, y] = self.at;
        let at = [x.clamp(-500.0, 500.0), y.clamp(-250.0, 250.0)];
        let limits = [500.0, 250.0];
        let outside = |axis: usize| {
            let low = (centre[axis] - half[axis]).clamp(-limits[axis], limits[axis]);
            let high = (centre[axis] + half[axis]).clamp(-limits[axis], limits[axis]);
            (low - at[axis]).max(at[axis] - high)
        };
        outside(0).max(outside(1))
    }
}

/// How far outside its view a viewer sees: a square, its margin on both sides, and a quarter by which it is kept longer.
pub(crate) const OUTSIDE_MAX: f64 = 100.0 + 2.0 * 10.0 + 25.0 + 1.0;
