//! The square and who walks on it.

use tagus_base::{Rng, SeatIndex};

/// Units that a person walks in a second.
pub const SPEED: f32 = 300.0;

/// A person on the square.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Walker {
    /// From the left edge, in units, 0 to the world's size.
    pub x: f32,
    /// From the upper edge, in units, 0 to the world's size.
    pub y: f32,
    /// Direction, of length 1; or nothing for who stands.
    pub direction: (f32, f32),
}

/// The square. What leaves it on one side comes back on the other.
#[derive(Clone, Debug, PartialEq)]
pub struct World {
    size: f32,
    step: f32,
    /// By seat.
    walkers: Vec<Option<Walker>>,
}

impl World {
    /// An empty square of so many units a side, with so many ticks a second.
    #[must_use]
    pub fn new(size: u32, tick_rate_hz: u32) -> Self {
        Self {
            size: size as f32,
            step: SPEED / tick_rate_hz as f32,
            walkers: Vec::new(),
        }
    }

    /// Side of the square, in units.
    #[must_use]
    pub const fn size(&self) -> f32 {
        self.size
    }

    /// The person on a seat.
    #[must_use]
    pub fn walker(&self, seat: SeatIndex) -> Option<&Walker> {
        self.walkers.get(usize::from(seat.0))?.as_ref()
    }

    /// Everybody, in the order of seats.
    pub fn walkers(&self) -> impl Iterator<Item = (SeatIndex, &Walker)> {
        let all = self.walkers.iter().enumerate();
        all.filter_map(|(index, walker)| Some((SeatIndex(index as u16), walker.as_ref()?)))
    }

    /// Puts somebody down anywhere, standing.
    pub(crate) fn enter(&mut self, seat: SeatIndex, rng: &mut Rng) {
        let index = usize::from(seat.0);
        if self.walkers.len() <= index {
            self.walkers.resize(index + 1, None);
        }
        self.walkers[index] = Some(Walker {
            x: rng.unit_f32() * self.size,
            y: rng.unit_f32() * self.size,
            direction: (0.0, 0.0),
        });
    }

    pub(crate) fn leave(&mut self, seat: SeatIndex) {
        if let Some(walker) = self.walkers.get_mut(usize::from(seat.0)) {
            *walker = None;
        }
    }

    /// From now on this person walks that way; nowhere for (0, 0).
    pub(crate) fn head(&mut self, seat: SeatIndex, x: i8, y: i8) {
        if let Some(Some(walker)) = self.walkers.get_mut(usize::from(seat.0)) {
            let (x, y) = (f32::from(x), f32::from(y));
            let length = (x * x + y * y).sqrt();
            walker.direction = if length > 0.0 {
                (x / length, y / length)
            } else {
                (0.0, 0.0)
            };
        }
    }

    pub(crate) fn step(&mut self) {
        for walker in self.walkers.iter_mut().flatten() {
            walker.x = wrapped(walker.x + walker.direction.0 * self.step, self.size);
            walker.y = wrapped(walker.y + walker.direction.1 * self.step, self.size);
        }
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.size.to_le_bytes());
        out.extend_from_slice(&self.step.to_le_bytes());
        for walker in &self.walkers {
            out.push(u8::from(walker.is_some()));
            for number in walker.iter().flat_map(Walker::numbers) {
                out.extend_from_slice(&number.to_le_bytes());
            }
        }
    }

    /// What [`Self::write`] wrote; none where that is impossible.
    pub(crate) fn read(mut bytes: &[u8]) -> Option<Self> {
        let number = |bytes: &mut &[u8]| {
            let (number, rest) = bytes.split_first_chunk()?;
            *bytes = rest;
            Some(f32::from_le_bytes(*number)).filter(|number| number.is_finite())
        };
        let mut world = Self {
            size: number(&mut bytes)?,
            step: number(&mut bytes)?,
            walkers: Vec::new(),
        };
        while let Some((is_there, rest)) = bytes.split_first() {
            bytes = rest;
            world.walkers.push(match is_there {
                0 => None,
                1 => Some(Walker {
                    x: number(&mut bytes)?,
                    y: number(&mut bytes)?,
                    direction: (number(&mut bytes)?, number(&mut bytes)?),
                }),
                _ => return None,
            });
        }
        Some(world)
    }
}

impl Walker {
    const fn numbers(&self) -> [f32; 4] {
        [self.x, self.y, self.direction.0, self.direction.1]
    }
}

fn wrapped(at: f32, size: f32) -> f32 {
    if at < 0.0 {
        // A little below nothing is so near the size that it may round to it.
        (at + size).min(size)
    } else if at >= size {
        at - size
    } else {
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_leaves_on_one_side_comes_back_on_the_other() {
        let mut world = World::new(1_000, 20);
        let seat = SeatIndex(3);
        world.enter(seat, &mut Rng::new(1));
        let start = *world.walker(seat).unwrap();
        world.head(seat, -3, 4);
        for _ in 0..10_000 {
            world.step();
            let walker = world.walker(seat).unwrap();
            assert!((0.0..=1_000.0).contains(&walker.x) && (0.0..=1_000.0).contains(&walker.y));
        }
        let end = *world.walker(seat).unwrap();
        assert_eq!(end.direction, (-0.6, 0.8));
        // 10,000 steps of 15 units are a whole number of rounds, up to rounding.
        let off = |one: f32, other: f32| {
            let distance = (one - other).abs();
            distance.min(1_000.0 - distance)
        };
        assert!(off(start.x, end.x) < 5.0 && off(start.y, end.y) < 5.0);
        assert!(world.walker(SeatIndex(0)).is_none() && world.walker(SeatIndex(9)).is_none());
    }

    #[test]
    fn a_world_is_read_as_it_was_written() {
        let mut world = World::new(2_000, 20);
        let mut rng = Rng::new(7);
        for seat in [0, 2, 5] {
            world.enter(SeatIndex(seat), &mut rng);
            world.head(SeatIndex(seat), 1, -1);
        }
        world.leave(SeatIndex(5));
        world.step();
        let mut bytes = Vec::new();
        world.write(&mut bytes);
        assert_eq!(World::read(&bytes).as_ref(), Some(&world));
        for cut in [1, 7, 9, 24] {
            assert_eq!(World::read(&bytes[..cut]), None, "{cut}");
        }
        let mut endless = bytes.clone();
        endless[0..4].copy_from_slice(&f32::NAN.to_le_bytes());
        assert_eq!(World::read(&endless), None);
    }
}
