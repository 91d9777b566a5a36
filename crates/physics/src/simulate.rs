//! A shot from its integers to those of its end, from event to event.

use alloc::vec;
use alloc::vec::Vec;

use crate::impact;
use crate::motion::Motion;
use crate::outcome::{Entry, Happening, Outcome};
use crate::predict::{self, Own};
use crate::shot::{Limits, Shot, ShotError};
use crate::state::{Place, State};
use crate::table::{Kind, Table};
use crate::trace::Trace;

/// Plays a shot: `state` becomes what it is when every body rests, in whole units again, which is exactly what the next
/// shot starts from.
///
/// The same table, state, shot and limits give the same bits on every platform.
/// `state` must be one of that table ([`State::check`]); what was decoded or placed is.
///
/// # Errors
/// Those of [`Shot::check`]; the state is then as it was.
pub fn simulate(
    table: &Table,
    state: &mut State,
    shot: &Shot,
    limits: Limits,
) -> Result<Outcome, ShotError> {
    run(table, state, shot, limits, None)
}

/// The same, and keeps the motion in `trace` for drawing. The outcome has the same bits as without.
///
/// # Errors
/// Those of [`Shot::check`]; state and trace are then as they were.
pub fn simulate_traced(
    table: &Table,
    state: &mut State,
    shot: &Shot,
    limits: Limits,
    trace: &mut Trace,
) -> Result<Outcome, ShotError> {
    run(table, state, shot, limits, Some(trace))
}

fn run(
    table: &Table,
    state: &mut State,
    shot: &Shot,
    limits: Limits,
    mut trace: Option<&mut Trace>,
) -> Result<Outcome, ShotError> {
    shot.check(table, state)?;
    if let Some(trace) = &mut trace {
        trace.clear(state.bodies().len());
    }
    let mut world = World::new(table, state, trace);
    world.strike(shot);
    while let Some((time, event)) = world.next_event() {
        if world.outcome.event_count == limits.events_max {
            world.outcome.is_cut = true;
            break;
        }
        world.outcome.event_count += 1;
        world.now = time;
        world.handle(event);
    }
    Ok(world.finish(state))
}

struct World<'a> {
    table: &'a Table,
    now: f64,
    movers: Vec<Mover>,
    /// When movers i < j meet, at i · count + j.
    meetings: Vec<f64>,
    outcome: Outcome,
    trace: Option<&'a mut Trace>,
}

/// A body on the table. Those that are not have no mover.
struct Mover {
    body: u8,
    kind: u8,
    motion: Motion,
    /// Its next event without another body.
    own: (f64, Own),
    pocket: Option<u8>,
}

#[derive(Clone, Copy)]
enum Event {
    Own(usize, Own),
    Meeting(usize, usize),
}

impl<'a> World<'a> {
    fn new(table: &'a Table, state: &State, mut trace: Option<&'a mut Trace>) -> Self {
        let mut movers = Vec::with_capacity(state.bodies().len());
        for (number, body) in (0_u8..).zip(state.bodies()) {
            if let Some(at) = body.place.position() {
                let motion = Motion::at_rest(0.0, at);
                if let Some(trace) = &mut trace {
                    trace.push(usize::from(number), motion, None);
                }
                movers.push(Mover {
                    body: number,
                    kind: body.kind,
                    motion,
                    own: (f64::INFINITY, Own::Phase),
                    pocket: None,
                });
            }
        }
        let count = movers.len();
        Self {
            table,
            now: 0.0,
            movers,
            meetings: vec![f64::INFINITY; count * count],
            outcome: Outcome::default(),
            trace,
        }
    }

    fn strike(&mut self, shot: &Shot) {
        let struck = self.movers.iter().position(|mover| mover.body == shot.body);
        let Some(index) = struck else { return };
        let mut moment = self.movers[index].motion.moment(0.0);
        (moment.velocity, moment.spin) = shot.impulse(self.table, self.kind(index));
        let motion = Motion::new(&self.table.materials, self.kind(index), 0.0, moment);
        self.set(index, motion);
        self.predict(index);
    }

    /// The earliest event; of several at once that of the lowest numbers, a meeting last.
    fn next_event(&self) -> Option<(f64, Event)> {
        let mut best = (f64::INFINITY, None);
        for (index, mover) in self.movers.iter().enumerate() {
            if mover.own.0 < best.0 {
                best = (mover.own.0, Some(Event::Own(index, mover.own.1)));
            }
        }
        let count = self.movers.len();
        for one in 0..count {
            let row = &self.meetings[one * count..][..count];
            for (two, time) in row.iter().enumerate().skip(one + 1) {
                if *time < best.0 {
                    best = (*time, Some(Event::Meeting(one, two)));
                }
            }
        }
        best.1.map(|event| (best.0, event))
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Own(index, Own::Phase) => {
                let kind = self.kind(index);
                let motion = self.movers[index].motion.next(&self.table.materials, kind);
                self.set(index, motion);
                self.predict(index);
            }
            Event::Own(index, Own::Wall(wall)) => self.bounce(index, wall),
            Event::Own(index, Own::Pocket(pocket)) => self.fall(index, pocket),
            Event::Meeting(one, two) => self.collide(one, two),
        }
    }

    fn bounce(&mut self, index: usize, wall: usize) {
        let wall = &self.table.walls[wall];
        let mut moment = self.movers[index].motion.moment(self.now);
        let normal = wall.normal(moment.at);
        let kind = self.kind(index);
        let curvature = wall.curvature(kind.radius);
        let materials = &self.table.materials;
        let speed = impact::of_wall(materials, kind, &mut moment, normal, curvature);
        let motion = Motion::new(&self.table.materials, kind, self.now, moment);
        self.note(
            Happening::Cushion(self.movers[index].body, wall.cushion),
            speed,
        );
        self.set(index, motion);
        self.predict(index);
    }

    fn fall(&mut self, index: usize, pocket: usize) {
        let speed = self.movers[index].motion.moment(self.now).velocity.length();
        let middle = self.table.pockets[pocket].middle();
        let pocket = pocket as u8;
        self.note(Happening::Pocketed(self.movers[index].body, pocket), speed);
        self.movers[index].pocket = Some(pocket);
        self.set(index, Motion::at_rest(self.now, middle));
        self.predict(index);
    }

    fn collide(&mut self, one: usize, two: usize) {
        let mut first = self.movers[one].motion.moment(self.now);
        let mut second = self.movers[two].motion.moment(self.now);
        let kinds = (self.kind(one), self.kind(two));
        let materials = &self.table.materials;
        let speed = impact::of_bodies(materials, kinds, &mut first, &mut second);
        let first = Motion::new(materials, kinds.0, self.now, first);
        let second = Motion::new(materials, kinds.1, self.now, second);
        let bodies = (self.movers[one].body, self.movers[two].body);
        self.note(Happening::Contact(bodies.0, bodies.1), speed);
        self.set(one, first);
        self.set(two, second);
        self.predict(one);
        self.predict(two);
    }

    fn set(&mut self, index: usize, motion: Motion) {
        let mover = &mut self.movers[index];
        mover.motion = motion;
        if let Some(trace) = &mut self.trace {
            trace.push(usize::from(mover.body), motion, mover.pocket);
        }
    }

    /// Computes again everything that depends on the motion of one body.
    fn predict(&mut self, index: usize) {
        let count = self.movers.len();
        let mover = &self.movers[index];
        if mover.pocket.is_some() {
            self.movers[index].own = (f64::INFINITY, Own::Phase);
            for other in 0..count {
                self.meet(index, other, f64::INFINITY);
            }
            return;
        }
        let own = predict::alone(self.table, mover.kind, &mover.motion);
        self.movers[index].own = own;
        for other in 0..count {
            let (one, two) = (&self.movers[index], &self.movers[other]);
            if other == index || two.pocket.is_some() {
                continue;
            }
            // What either does alone before that changes its motion, and is predicted anew then.
            let end = if two.own.0 < own.0 { two.own.0 } else { own.0 };
            let radii = self.kind(index).radius + self.kind(other).radius;
            let time = predict::of_two(self.now, end, radii, &one.motion, &two.motion);
            self.meet(index, other, time);
        }
    }

    fn meet(&mut self, one: usize, two: usize, time: f64) {
        let (low, high) = if one < two { (one, two) } else { (two, one) };
        self.meetings[low * self.movers.len() + high] = time;
    }

    fn note(&mut self, what: Happening, speed: f64) {
        self.outcome.log.push(Entry {
            seconds: self.now,
            speed,
            what,
        });
    }

    fn kind(&self, index: usize) -> &'a Kind {
        &self.table.kinds[usize::from(self.movers[index].kind)]
    }

    fn finish(mut self, state: &mut State) -> Outcome {
        let bodies = state.bodies_mut();
        for mover in &self.movers {
            bodies[usize::from(mover.body)].place = match mover.pocket {
                Some(pocket) => Place::Pocket(pocket),
                None => Place::at(mover.motion.moment(self.now).at),
            };
        }
        self.outcome.seconds = self.now;
        if let Some(trace) = &mut self.trace {
            trace.end(self.now);
        }
        self.outcome.seal(state);
        self.outcome
    }
}
