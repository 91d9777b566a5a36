//! One table of a page: what the exports do, in safe code that tests can call.

use alloc::vec::Vec;

use tagus_physics::{
    BODIES_MAX, Body, Entry, Limits, Mouth, Outcome, Place, Pocket, PoolSize, Shape, Shot, State,
    TWO_AND_TWO, Table, Trace, Vec2, Wall, simulate_traced,
};

/// Bytes of the buffer through which states and shots come in and go out.
pub const INPUT_BYTES: usize = 512;

/// How a call ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u32)]
pub enum Status {
    /// It did what it was called for.
    Done = 0,
    /// No table has this version, or no rack this number, or this table not that rack.
    Unknown = 1,
    /// The bytes in the buffer are no state of this table.
    State = 2,
    /// The bytes in the buffer are no shot that can be played now.
    Shot = 3,
}

/// A table, what lies on it, and the last shot.
pub struct Session {
    /// What comes in before a call and goes out after one.
    pub input: [u8; INPUT_BYTES],
    table: Table,
    state: State,
    outcome: Outcome,
    trace: Trace,
    numbers: Vec<f64>,
}

impl Default for Session {
    fn default() -> Self {
        Self::new()
    }
}

impl Session {
    /// An eight-foot pool table with nothing on it.
    #[must_use]
    pub fn new() -> Self {
        Self {
            input: [0; INPUT_BYTES],
            table: Table::pool(PoolSize::EightFoot),
            state: State::default(),
            outcome: Outcome::default(),
            trace: Trace::default(),
            numbers: Vec::new(),
        }
    }

    /// Takes the table of this version, with nothing on it.
    pub fn open(&mut self, version: u32) -> Status {
        let table = match version {
            1 => Table::pool(PoolSize::SevenFoot),
            2 => Table::pool(PoolSize::EightFoot),
            3 => Table::pool(PoolSize::NineFoot),
            101 => Table::soccer(),
            _ => return Status::Unknown,
        };
        *self = Self {
            table,
            input: self.input,
            ..Self::new()
        };
        Status::Done
    }

    /// Puts a rack on the table: 0 eight-ball, 1 nine-ball, 2 the kick-off of soccer.
    pub fn rack(&mut self, rack: u32, seed: u64) -> Status {
        let is_pool = self.table.version < 100;
        self.state = match rack {
            0 if is_pool => State::eight_ball(&self.table, seed),
            1 if is_pool => State::nine_ball(&self.table, seed),
            2 if !is_pool => State::kick_off(&self.table, &TWO_AND_TWO),
            _ => return Status::Unknown,
        };
        Status::Done
    }

    /// Takes the state in the first `length` bytes of the buffer.
    pub fn load(&mut self, length: usize) -> Status {
        let bytes = self.input.get(..length).unwrap_or_default();
        let Ok(state) = State::decode(&self.table, bytes) else {
            return Status::State;
        };
        self.state = state;
        Status::Done
    }

    /// Writes the state into the buffer; returns its length.
    pub fn save(&mut self) -> usize {
        let mut bytes = Vec::with_capacity(INPUT_BYTES);
        self.state.encode(&mut bytes);
        self.input[..bytes.len()].copy_from_slice(&bytes);
        bytes.len()
    }

    /// Plays the shot in the first `length` bytes of the buffer.
    pub fn shoot(&mut self, length: usize) -> Status {
        let bytes = self.input.get(..length).unwrap_or_default();
        let Ok(shot) = Shot::decode(bytes) else {
            return Status::Shot;
        };
        let (table, state, trace) = (&self.table, &mut self.state, &mut self.trace);
        let Ok(outcome) = simulate_traced(table, state, &shot, Limits::default(), trace) else {
            return Status::Shot;
        };
        self.outcome = outcome;
        Status::Done
    }

    /// What the last shot did.
    #[must_use]
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// Every body at a time of the last shot, six numbers each: x and y in metres, the three parts of the spin in rad/s,
    /// and the pocket it is in, −1 for none and −2 for a body that was not on the table.
    pub fn frames(&mut self, seconds: f64) -> &[f64] {
        let trace = &self.trace;
        let bodies = 0..trace.body_count() as u8;
        let row = |body| match trace.frame(body, seconds) {
            Some(frame) => {
                let [x, y, z] = frame.spin;
                let pocket = frame.pocket.map_or(ON_TABLE, f64::from);
                [frame.at.x, frame.at.y, x, y, z, pocket]
            }
            None => [0.0, 0.0, 0.0, 0.0, 0.0, OFF_TABLE],
        };
        list(&mut self.numbers, bodies.map(row))
    }

    /// Every body at rest as it lies now, in rows like those of [`Session::frames`].
    pub fn places(&mut self) -> &[f64] {
        let row = |body: &Body| {
            let at = body.place.position().unwrap_or_default();
            let pocket = match body.place {
                Place::On { .. } => ON_TABLE,
                Place::Off => OFF_TABLE,
                Place::Pocket(pocket) => f64::from(pocket),
            };
            [at.x, at.y, 0.0, 0.0, 0.0, pocket]
        };
        list(&mut self.numbers, self.state.bodies().iter().map(row))
    }

    /// What the last shot did, five numbers an entry: seconds, speed in m/s, which it was, and its two numbers, as
    /// [`tagus_physics::Happening::numbers`] has them.
    pub fn log(&mut self) -> &[f64] {
        let row = |entry: &Entry| {
            let [what, one, two] = entry.what.numbers().map(f64::from);
            [entry.seconds, entry.speed, what, one, two]
        };
        list(&mut self.numbers, self.outcome.log.iter().map(row))
    }

    /// The outline, nine numbers a wall: its cushion, then 0 for a line with its first end, the unit vector along it and
    /// its length, or 1 for an arc with its centre, radius and the unit vectors to its ends; 2 for one that is hollow.
    /// Pockets follow: 3 for a hole with its centre and radius, 4 for a gate in the form of a line.
    pub fn geometry(&mut self) -> &[f64] {
        let line = |shape, from: &Vec2, along: &Vec2, length| {
            [
                255.0, shape, from.x, from.y, along.x, along.y, length, 0.0, 0.0,
            ]
        };
        let wall = |wall: &Wall| {
            let mut row = match &wall.shape {
                Shape::Line {
                    from,
                    along,
                    length,
                } => line(0.0, from, along, *length),
                Shape::Arc {
                    centre,
                    radius,
                    from,
                    to,
                    is_hollow,
                } => {
                    let shape = if *is_hollow { 2.0 } else { 1.0 };
                    let (x, y) = (centre.x, centre.y);
                    [0.0, shape, x, y, *radius, from.x, from.y, to.x, to.y]
                }
            };
            row[0] = f64::from(wall.cushion);
            row
        };
        let pocket = |pocket: &Pocket| match &pocket.mouth {
            Mouth::Hole { centre, radius } => {
                [255.0, 3.0, centre.x, centre.y, *radius, 0.0, 0.0, 0.0, 0.0]
            }
            Mouth::Gate {
                from,
                along,
                length,
            } => line(4.0, from, along, *length),
        };
        let walls = self.table.walls.iter().map(wall);
        list(
            &mut self.numbers,
            walls.chain(self.table.pockets.iter().map(pocket)),
        )
    }

    /// Radius and mass of each body, two numbers each; after them the size of the table.
    pub fn sizes(&mut self) -> &[f64] {
        let kinds = &self.table.kinds;
        let row = |body: &Body| {
            let kind = &kinds[usize::from(body.kind)];
            [kind.radius, kind.mass]
        };
        let size = [self.table.size.x, self.table.size.y];
        let bodies = self.state.bodies().iter().map(row);
        list(&mut self.numbers, bodies.chain([size]))
    }
}

/// Writes rows one after the other into `out`, and nothing else.
fn list<const N: usize>(out: &mut Vec<f64>, rows: impl Iterator<Item = [f64; N]>) -> &[f64] {
    out.clear();
    for row in rows {
        out.extend_from_slice(&row);
    }
    out
}

const ON_TABLE: f64 = -1.0;
const OFF_TABLE: f64 = -2.0;
// The largest state fits into the buffer.
const _: () = assert!(10 * BODIES_MAX < INPUT_BYTES);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_plays_a_shot_and_shows_it() {
        let mut session = Session::new();
        assert_eq!(session.open(4), Status::Unknown);
        assert_eq!(session.open(3), Status::Done);
        assert_eq!(session.rack(2, 0), Status::Unknown);
        assert_eq!(session.rack(1, 7), Status::Done);
        let before = session.places().to_vec();
        assert_eq!(before.len(), 6 * 10);
        let shot = Shot {
            table: 3,
            power: 60_000,
            ..Shot::default()
        };
        session.input[..13].copy_from_slice(&shot.encode());
        assert_eq!(session.shoot(12), Status::Shot);
        assert_eq!(session.shoot(INPUT_BYTES + 1), Status::Shot);
        assert_eq!(session.shoot(13), Status::Done);
        let seconds = session.outcome().seconds;
        assert!(seconds > 1.0);
        assert_eq!(session.frames(0.0)[6..], before[6..]);
        let end = session.frames(seconds).to_vec();
        let places = session.places().to_vec();
        for (end, place) in end.chunks(6).zip(places.chunks(6)) {
            assert_eq!(end[5], place[5]);
            let is_on = end[5] == -1.0;
            assert!(!is_on || (end[0] - place[0]).abs() < 1e-6);
        }
        assert_eq!(session.log().len() % 5, 0);
        assert_eq!(session.geometry().len(), 9 * (24 + 12 + 6));
        assert_eq!(session.sizes().len(), 22);
        let length = session.save();
        assert_eq!(length, 101);
        assert_eq!(session.load(length - 1), Status::State);
        assert_eq!(session.load(length), Status::Done);
        assert_eq!(session.places(), places);
    }
}
