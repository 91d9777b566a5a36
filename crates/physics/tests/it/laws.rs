//! What holds for every shot, looked at along its whole path with the slow and obvious means.

use tagus_physics::{
    Frame, Limits, Outcome, Place, Shape, State, Table, Trace, Vec2, simulate_traced,
};

use crate::games::Game;

/// In metres: how deep bodies may ever lie in each other or in a wall. Two units of a position, which is what rounding
/// at the end of a shot may do; within a shot it never gets deeper by more than [`DEEPER_MAX`].
const OVERLAP_MAX: f64 = 2.0 / (1 << 20) as f64;
const DEEPER_MAX: f64 = 1e-9;

#[test]
fn random_shots_keep_the_laws() {
    // All 100,000 take some ten seconds in release, and longer here.
    let shots_min = if cfg!(debug_assertions) {
        6_000
    } else {
        100_000
    };
    let mut shots = 0;
    let mut worst = Worst::default();
    let mut number = 1_000_000;
    while shots < shots_min {
        let mut game = Game::new(number);
        while let Some(shot) = game.next_shot() {
            let mut trace = Trace::default();
            let before = game.state.clone();
            let limits = Limits::default();
            let outcome =
                simulate_traced(&game.table, &mut game.state, &shot, limits, &mut trace).unwrap();
            let name = format!("game {number}, {shot:?}");
            assert!(!outcome.is_cut, "{name}");
            assert_eq!(game.state.check(&game.table), Ok(()), "{name}");
            let walk = Walk {
                table: &game.table,
                before: &before,
                after: &game.state,
                trace: &trace,
            };
            walk.check(&outcome, &name, &mut worst);
            shots += 1;
        }
        number += 1;
    }
    println!("{shots} shots: {worst:?}");
}

#[derive(Debug, Default)]
struct Worst {
    events: u32,
    seconds: f64,
    overlap: f64,
    deeper: f64,
    in_wall: f64,
    growth: f64,
}

struct Walk<'a> {
    table: &'a Table,
    before: &'a State,
    after: &'a State,
    trace: &'a Trace,
}

impl Walk<'_> {
    fn check(&self, outcome: &Outcome, name: &str, worst: &mut Worst) {
        let count = self.before.bodies().len() as u8;
        let mut times: Vec<f64> = (0..count).flat_map(|body| self.trace.turns(body)).collect();
        times.push(outcome.seconds);
        times.sort_by(f64::total_cmp);
        times.dedup();
        worst.events = worst.events.max(outcome.event_count);
        worst.seconds = worst.seconds.max(outcome.seconds);
        let mut energy = f64::INFINITY;
        for pair in times.windows(2) {
            // At every event, and at moments between them.
            for part in [0.0, 0.31, 0.77] {
                let now = self.frames(pair[0] + (pair[1] - pair[0]) * part);
                let found = self.energy(&now);
                let growth = (found - energy) / found.max(1e-12);
                worst.growth = worst
                    .growth
                    .max(if energy.is_finite() { growth } else { 0.0 });
                assert!(growth < 1e-11, "{name}: energy {energy:e} -> {found:e}");
                energy = found;
                self.apart(&now, name, worst);
            }
        }
        self.ends(outcome, name);
    }

    fn frames(&self, seconds: f64) -> Vec<Option<Frame>> {
        let count = self.before.bodies().len() as u8;
        let frame = |body| {
            let frame = self.trace.frame(body, seconds)?;
            frame.pocket.is_none().then_some(frame)
        };
        (0..count).map(frame).collect()
    }

    fn energy(&self, frames: &[Option<Frame>]) -> f64 {
        let each = frames.iter().zip(self.before.bodies());
        each.filter_map(|(frame, body)| {
            let frame = (*frame)?;
            let kind = &self.table.kinds[usize::from(body.kind)];
            let spin = frame.spin.iter().map(|part| part * part).sum::<f64>();
            let part = if self.table.version < 100 { 0.4 } else { 0.5 };
            let turning = part * kind.radius * kind.radius * spin;
            Some(0.5 * kind.mass * (frame.velocity.dot(frame.velocity) + turning))
        })
        .sum()
    }

    fn apart(&self, frames: &[Option<Frame>], name: &str, worst: &mut Worst) {
        let radius = |body: usize| {
            let kind = self.before.bodies()[body].kind;
            self.table.kinds[usize::from(kind)].radius
        };
        for (one, frame) in frames.iter().enumerate() {
            let Some(frame) = frame else { continue };
            for (two, other) in frames.iter().enumerate().skip(one + 1) {
                let Some(other) = other else { continue };
                // Looked at when they came to rest.
                if is_rest(frame) && is_rest(other) {
                    continue;
                }
                let reach = radius(one) + radius(two);
                let overlap = reach - distance(frame.at, other.at);
                if overlap > 0.0 {
                    let start = |body: usize| self.before.place(body as u8).position().unwrap();
                    let at_start = (reach - distance(start(one), start(two))).max(0.0);
                    worst.overlap = worst.overlap.max(overlap);
                    worst.deeper = worst.deeper.max(overlap - at_start);
                    assert!(
                        overlap < OVERLAP_MAX + DEEPER_MAX,
                        "{name}: {one} {two} {overlap:e}"
                    );
                    assert!(
                        overlap < at_start + DEEPER_MAX,
                        "{name}: {one} {two} {overlap:e}"
                    );
                }
            }
            if is_rest(frame) {
                continue;
            }
            let depth = radius(one) - to_outline(self.table, frame.at);
            worst.in_wall = worst.in_wall.max(depth);
            assert!(
                depth < OVERLAP_MAX + DEEPER_MAX,
                "{name}: {one} in a wall by {depth:e}"
            );
            // A body that had got through a wall would be clear of it on the other side.
            assert!(is_inside(self.table, frame.at), "{name}: {one} outside");
        }
    }

    /// Whoever is not on the table any more went into a pocket, and the log says so.
    fn ends(&self, outcome: &Outcome, name: &str) {
        let pocketed: Vec<(u8, u8)> = outcome.pocketed().collect();
        for body in 0..self.before.bodies().len() as u8 {
            let pocket = pocketed.iter().find(|(number, _)| *number == body);
            match (self.before.place(body), self.after.place(body)) {
                (Place::On { .. }, Place::Pocket(into)) => {
                    assert_eq!(pocket, Some(&(body, into)), "{name}");
                }
                (Place::On { .. }, Place::On { .. }) => assert_eq!(pocket, None, "{name}"),
                (before, after) => assert_eq!((before, pocket), (after, None), "{name}"),
            }
        }
    }
}

fn is_rest(frame: &Frame) -> bool {
    frame.velocity == Vec2::ZERO
}

fn distance(one: Vec2, two: Vec2) -> f64 {
    (one - two).dot(one - two).sqrt()
}

/// How far a point is from the nearest wall.
fn to_outline(table: &Table, at: Vec2) -> f64 {
    let each = table.walls.iter().map(|wall| match &wall.shape {
        Shape::Line {
            from,
            along,
            length,
        } => {
            let reach = (at - *from).dot(*along).clamp(0.0, *length);
            distance(at, *from + *along * reach)
        }
        Shape::Arc {
            centre,
            radius,
            from,
            to,
            ..
        } => {
            let out = at - *centre;
            if from.cross(out) >= 0.0 && out.cross(*to) >= 0.0 {
                (distance(at, *centre) - radius).abs()
            } else {
                let ends = [*from, *to].map(|end| distance(at, *centre + end * *radius));
                ends[0].min(ends[1])
            }
        }
    });
    each.fold(f64::INFINITY, f64::min)
}

/// Whether the walls, taken as a polygon, go around the point.
fn is_inside(table: &Table, at: Vec2) -> bool {
    let mut points = Vec::new();
    for wall in &table.walls {
        match &wall.shape {
            Shape::Line {
                from,
                along,
                length,
            } => points.extend([*from, *from + *along * *length]),
            Shape::Arc {
                centre,
                radius,
                from,
                to,
                ..
            } => points.push(*centre + (*from + *to).unit() * *radius),
        }
    }
    let crossings = points.iter().enumerate().filter(|(index, point)| {
        let (one, two) = (**point - at, points[(index + 1) % points.len()] - at);
        let to_the_right = one.x - one.y * (two.x - one.x) / (two.y - one.y) > 0.0;
        (one.y > 0.0) != (two.y > 0.0) && to_the_right
    });
    crossings.count() % 2 == 1
}
