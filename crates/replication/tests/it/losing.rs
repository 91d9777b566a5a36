//! Random worlds over lines that lose, delay, repeat and reorder, beside a slow and obvious model:
//! nothing is ever shown that was not true and meant for the viewer, and where the line is good again,
//! every viewer has exactly what it should see.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use tagus_base::{Rng, Tick};
use tagus_replication::{Ack, SLOT_BYTES_MIN, SlotReplica, SlotViewer, View};

use crate::bodies::schema;
use crate::ground::{Ground, OUTSIDE_MAX, Thing};

/// One way of a line.
struct Way<T> {
    /// Of 256.
    loss: u32,
    delay_max: u32,
    /// By the frames until it arrives.
    flying: Vec<(u32, T)>,
}

impl<T: Clone> Way<T> {
    fn new(rng: &mut Rng) -> Self {
        Self {
            loss: [0, 25, 128, 230][rng.below(4) as usize],
            delay_max: [1, 3, 40][rng.below(3) as usize],
            flying: Vec::new(),
        }
    }

    fn send(&mut self, rng: &mut Rng, what: T) {
        let copies = 1 + rng.below(8) / 7;
        for _ in 0..copies {
            if rng.below(256) >= self.loss {
                let delay = rng.below(self.delay_max);
                self.flying.push((delay, what.clone()));
            }
        }
    }

    /// What arrives in this frame.
    fn step(&mut self) -> Vec<T> {
        let mut arrived = Vec::new();
        self.flying.retain_mut(|(delay, what)| {
            let is_there = *delay == 0;
            if is_there {
                arrived.push(what.clone());
            }
            *delay = delay.saturating_sub(1);
            !is_there
        });
        arrived
    }

    fn mend(&mut self) {
        self.loss = 0;
        self.delay_max = 1;
    }
}

/// Where a viewer looked in a frame, and what there was.
struct Moment {
    centre: [f64; 2],
    half: [f64; 2],
    mask: u32,
    own_id: Option<u32>,
    last_input: u32,
    things: BTreeMap<u32, Thing>,
}

struct Person {
    viewer: SlotViewer,
    replica: SlotReplica,
    down: Way<Vec<u8>>,
    up: Way<Ack>,
    known: BTreeSet<u32>,
    moments: BTreeMap<u64, Moment>,
    centre: [f64; 2],
    half: [f64; 2],
    mask: u32,
    bytes_max: usize,
    entities_max: usize,
    /// It is sent a snapshot every so many frames.
    every: u32,
}

impl Person {
    fn new(rng: &mut Rng) -> Self {
        Self {
            viewer: SlotViewer::new(),
            replica: SlotReplica::new(schema()),
            down: Way::new(rng),
            up: Way::new(rng),
            known: BTreeSet::new(),
            moments: BTreeMap::new(),
            centre: [0, 1].map(|_| f64::from(rng.unit_f32()) * 800.0 - 400.0),
            half: [150.0, 90.0],
            mask: rng.below(4),
            bytes_max: [0, SLOT_BYTES_MIN, 1_150][rng.below(3) as usize],
            entities_max: [usize::MAX, 12, 5][rng.below(3) as usize],
            every: [1, 1, 3][rng.below(3) as usize],
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
            3 => self.down.loss = [0, 100, 256][rng.below(3) as usize],
            4 => self.up.loss = [0, 100, 256][rng.below(3) as usize],
            _ => {}
        }
    }

    /// A frame: what is encoded, what arrives, and what the client says of it.
    fn see(&mut self, ground: &mut Ground, rng: &mut Rng) {
        if rng.below(self.every) == 0 {
            self.look(ground, rng);
        }
        for bytes in self.down.step() {
            let tick = self.replica.tick();
            let is_newer = self.replica.apply(&bytes).unwrap();
            assert_eq!(is_newer, self.replica.tick() > tick);
            if is_newer {
                self.check_came_and_went();
            }
            self.check_truth();
            if let Some(ack) = self.replica.ack() {
                self.up.send(rng, ack);
            }
        }
        for ack in self.up.step() {
            let mut bytes = Vec::new();
            ack.write(&mut bytes);
            let mut rest = bytes.as_slice();
            assert_eq!(Ack::read(&mut rest), Ok(ack));
            assert_eq!(rest, [0_u8; 0]);
            self.viewer.acked(ack);
        }
    }

    fn look(&mut self, ground: &mut Ground, rng: &mut Rng) {
        let tick = ground.world.tick().0;
        let moment = Moment {
            centre: self.centre,
            half: self.half,
            mask: self.mask,
            own_id: ground.things.keys().nth(2).copied(),
            last_input: (tick / 7) as u32,
            things: ground.things.clone(),
        };
        let view = View {
            centre: self.centre,
            half: self.half,
            mask: self.mask,
            own_id: moment.own_id,
            last_input: moment.last_input,
            own: &tick.to_le_bytes()[..self.mask as usize],
            bytes_max: self.bytes_max,
            entities_max: self.entities_max,
        };
        let mut bytes = vec![7];
        self.viewer.encode(&mut ground.world, &view, &mut bytes);
        let snapshot = bytes.split_off(1);
        assert_eq!(bytes, [7]);
        assert!(snapshot.len() <= self.bytes_max.max(SLOT_BYTES_MIN));
        self.moments.insert(tick, moment);
        self.down.send(rng, snapshot);
    }

    fn check_came_and_went(&mut self) {
        for id in self.replica.came() {
            assert!(self.known.insert(*id), "{id} was there");
        }
        for id in self.replica.went() {
            assert!(self.known.remove(id), "{id} was not there");
        }
    }

    /// Whatever is shown was so when it was told, and was meant for this viewer.
    fn check_truth(&self) {
        let ids: BTreeSet<u32> = self.replica.entities().map(|entity| entity.id).collect();
        assert_eq!(ids, self.known);
        assert_eq!(ids.len(), self.replica.len());
        let Some(newest) = self.moments.get(&self.replica.tick().0) else {
            return;
        };
        assert_eq!(self.replica.own().id, newest.own_id);
        assert_eq!(self.replica.own().last_input, newest.last_input);
        let own = &self.replica.tick().0.to_le_bytes()[..newest.mask as usize];
        assert_eq!(self.replica.own().state, own);
        for entity in self.replica.entities() {
            assert!(entity.tick <= self.replica.tick());
            let moment = &self.moments[&entity.tick.0];
            let thing = moment.things.get(&entity.id).expect("it was there");
            assert_eq!(entity.kind.0, thing.kind);
            let levels: Vec<u32> = entity.levels().collect();
            assert_eq!(levels, thing.levels(), "{} at {:?}", entity.id, entity.tick);
            assert!(thing.is_meant_for(moment.mask));
            assert!(thing.distance(moment.centre, moment.half) <= OUTSIDE_MAX);
            let same = self.replica.entity(entity.id).unwrap();
            assert!(same.levels().eq(entity.levels()));
        }
    }

    /// What is shown is what there is.
    fn check_converged(&self, tick: Tick, things: &BTreeMap<u32, Thing>) {
        assert_eq!(self.replica.tick(), tick);
        assert_eq!(self.replica.is_waiting(), self.viewer.is_waiting());
        assert!(self.replica.len() <= self.entities_max);
        if self.replica.is_waiting() {
            assert_eq!(self.replica.len(), self.entities_max);
        }
        for entity in self.replica.entities() {
            let thing = things.get(&entity.id).expect("it is there");
            let levels: Vec<u32> = entity.levels().collect();
            assert_eq!(levels, thing.levels(), "{}", entity.id);
            assert!(thing.is_meant_for(self.mask));
            assert!(thing.distance(self.centre, self.half) <= OUTSIDE_MAX);
        }
        for (id, thing) in things {
            let is_in_view = thing.distance(self.centre, self.half) <= 0.0;
            if thing.is_meant_for(self.mask) && is_in_view && !self.replica.is_waiting() {
                assert!(self.known.contains(id), "{id} is in view");
            }
        }
    }
}

/// Runs a world of this seed over bad lines, then over good ones.
fn check(seed: u64, frames: u64) {
    let rng = &mut Rng::new(seed);
    let mut ground = Ground::new(rng);
    let mut people: Vec<Person> = (0..4).map(|_| Person::new(rng)).collect();
    for _ in 0..frames {
        ground.step(rng);
        for person in &mut people {
            person.step(rng);
            person.see(&mut ground, rng);
        }
    }
    let is_moving = rng.below(2) == 0;
    for person in &mut people {
        person.down.mend();
        person.up.mend();
        person.every = 1;
        if is_moving {
            person.bytes_max = 100_000;
        }
    }
    for _ in 0..CALM_FRAMES {
        match is_moving {
            true => ground.step(rng),
            false => ground.rest(),
        }
        for person in &mut people {
            person.see(&mut ground, rng);
        }
    }
    for person in &people {
        person.check_converged(ground.world.tick(), &ground.things);
    }
}

/// What flies is down after 40, and what rests is told a few frames later.
const CALM_FRAMES: u64 = 60;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn nothing_is_shown_that_was_not_and_everything_is_in_the_end(seed: u64) {
        check(seed, 150);
    }
}
