//! From where somebody looks, and what is told of that beside the bodies in sight.

use crate::bodies::Vec2;
use crate::grid::Rect;
use crate::players::{Life, PlayerKey};
use crate::world::{World, half_height_of};

/// From where somebody looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Camera {
    /// Whose cells are in the middle: the own ones, or those of the player who is followed; nobody's when it stands still.
    pub(crate) followed: PlayerKey,
    /// Whether these cells are the own ones.
    pub(crate) alive: bool,
    pub(crate) centre: Vec2,
    pub(crate) half_height: f32,
    /// Mass of the cells in the middle.
    pub(crate) score: u32,
}

impl Camera {
    /// What is on the screen.
    pub(crate) fn rect(&self) -> Rect {
        Rect::around(
            self.centre,
            self.half_height * VIEW_ASPECT,
            self.half_height,
        )
    }

    /// Appends the own state of a snapshot.
    pub(crate) fn put_own(&self, rank: u16, size: f32, out: &mut Vec<u8>) {
        let follows = !self.alive && self.followed != PlayerKey::NOBODY;
        out.push(u8::from(self.alive) * FLAG_ALIVE + u8::from(follows) * FLAG_FOLLOWS);
        out.extend_from_slice(&self.followed.0.to_le_bytes());
        out.extend_from_slice(&rank.to_le_bytes());
        out.extend_from_slice(&self.score.to_le_bytes());
        if self.followed == PlayerKey::NOBODY {
            let per_unit = 65_535.0 / size;
            out.extend_from_slice(&position_of(self.centre.x, per_unit));
            out.extend_from_slice(&position_of(self.centre.y, per_unit));
            out.extend_from_slice(&(self.half_height as u16).to_le_bytes());
        }
    }
}

impl World {
    /// From where this player looks; none for an unknown key.
    pub(crate) fn camera_of(&self, key: PlayerKey) -> Option<Camera> {
        let looking_at = |followed, alive| {
            let total = self.index.total(followed);
            Camera {
                followed,
                alive,
                centre: total.centre,
                half_height: half_height_of(&self.config, total),
                score: total.score(),
            }
        };
        let still = |centre, half_height| Camera {
            followed: PlayerKey::NOBODY,
            alive: false,
            centre,
            half_height,
            score: 0,
        };
        Some(match (&self.player(key)?.life, self.index.leader) {
            (Life::Alive(_), _) => looking_at(key, true),
            (Life::Watching, Some(leader)) => looking_at(leader, false),
            (Life::Watching, None) => still(
                Vec2::new(self.size * 0.5, self.size * 0.5),
                self.config.view_half_height as f32,
            ),
            (Life::Dead { at, half_height }, _) => still(*at, *half_height),
        })
    }
}

/// What a snapshot says of its viewer, where it says something: it is left out when nothing of it has changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Own {
    /// Whether the viewer has cells.
    pub alive: bool,
    /// Whose cells are in the middle of the view; [`PlayerKey::NOBODY`] when it stands still.
    pub followed: PlayerKey,
    /// The viewer's place by mass as of the last board, 1-based; 0 when not alive or not judged yet.
    pub rank: u16,
    /// Total mass of the cells in the middle.
    pub score: u32,
}

impl Own {
    /// The own state of a snapshot, without the rest of it; none when it is not told, or these bytes are no snapshot.
    #[must_use]
    pub fn peek(snapshot: &[u8]) -> Option<Self> {
        let (&[flags, _], mut rest) = snapshot.split_first_chunk()?;
        if flags & 2 == 0 {
            return None;
        }
        // A whole snapshot has its tick before it; then the own entity and the last input, which the arena has not.
        for _ in 0..(flags & 1) + 2 {
            take_varint(&mut rest)?;
        }
        let length = take_varint(&mut rest)?;
        Self::parse(rest.get(..length as usize)?)
    }

    /// What [`crate::Sight`] gave as the viewer's own state; none when these bytes are no such thing.
    #[must_use]
    pub fn parse(state: &[u8]) -> Option<Self> {
        let (&[flags, f0, f1, r0, r1, s0, s1, s2, s3], _) = state.split_first_chunk()?;
        Some(Self {
            alive: flags & FLAG_ALIVE != 0,
            followed: PlayerKey(u16::from_le_bytes([f0, f1])),
            rank: u16::from_le_bytes([r0, r1]),
            score: u32::from_le_bytes([s0, s1, s2, s3]),
        })
    }
}

fn take_varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, behind) = rest.split_first()?;
        *rest = behind;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// A coordinate in 1/65535 of the world.
fn position_of(coordinate: f32, per_unit: f32) -> [u8; 2] {
    ((coordinate * per_unit + 0.5) as u16).to_le_bytes()
}

/// Width of a view for each unit of its height.
pub(crate) const VIEW_ASPECT: f32 = 16.0 / 9.0;
const FLAG_ALIVE: u8 = 1;
const FLAG_FOLLOWS: u8 = 2;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::players::PlayerName;
    use tagus_base::Rng;

    /// Two players, of whom the first plays with one cell, in a world in which a position is a unit.
    fn world(mass: f32) -> World {
        let config = Config {
            world_size: 50_000,
            pellets: 0,
            viruses: 0,
            bots_fill: 0,
            player_limit: 4,
            ..Config::default()
        };
        let mut world = World::new(config, Rng::new(1));
        world.size = 65_535.0;
        for key in [PlayerKey(2), PlayerKey(3)] {
            assert!(world.join(key, PlayerName::nameless()));
        }
        world.spawn(PlayerKey(2), 9, PlayerName::nameless());
        world.step();
        world.cells.clear();
        world.push_cell(PlayerKey(2), 9, Vec2::new(4_096.0, 8_192.0), mass);
        world.reindex();
        world
    }

    fn own_of(world: &World, key: u16) -> Vec<u8> {
        let mut own = Vec::new();
        let camera = world.camera_of(PlayerKey(key)).unwrap();
        camera.put_own(0x0102, world.size, &mut own);
        own
    }

    #[test]
    fn the_own_state_is_as_the_protocol_says() {
        let mut world = world(300.0);
        assert_eq!(own_of(&world, 2), [1, 2, 0, 2, 1, 44, 1, 0, 0]);
        assert_eq!(own_of(&world, 3), [2, 2, 0, 2, 1, 44, 1, 0, 0]);
        world.cells.clear();
        world.reindex();
        let middle = [0, 255, 255, 2, 1, 0, 0, 0, 0, 0, 128, 0, 128, 0x1c, 2];
        assert_eq!(own_of(&world, 3), middle);
        world.bury();
        assert_eq!(own_of(&world, 2)[..9], middle[..9]);
    }

    #[test]
    fn the_own_state_is_found_in_a_snapshot() {
        let state = [1, 2, 0, 2, 1, 44, 1, 0, 0];
        let own = Own::parse(&state);
        assert_eq!(own.map(|own| (own.rank, own.score)), Some((0x0102, 300)));
        let whole = [&[3, 9, 0xff, 1, 0, 0, 9][..], &state, &[7, 7]].concat();
        assert_eq!(Own::peek(&whole), own);
        let next = [&[6, 9, 0, 0, 9][..], &state].concat();
        assert_eq!(Own::peek(&next), own);
        assert_eq!(Own::peek(&[0, 9, 1, 1]), None);
        for cut in 0..next.len() {
            assert_eq!(Own::peek(&next[..cut]), None, "{cut}");
        }
    }

    #[test]
    fn nobody_sees_nothing() {
        for key in [0, 1, 4, u16::MAX] {
            assert_eq!(world(20.0).camera_of(PlayerKey(key)), None);
        }
    }

    #[test]
    fn the_view_grows_with_the_player_up_to_its_limit() {
        for (mass, expected) in [(40.0, 540.0), (655.36, 908.2), (22_500.0, 1_600.0)] {
            let world = world(mass);
            for key in [2, 3] {
                let camera = world.camera_of(PlayerKey(key)).unwrap();
                assert!((camera.half_height - expected).abs() < 1.0, "{mass}");
            }
        }
    }
}
