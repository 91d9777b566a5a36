//! Op 17: what a player sees, in the simple form that lists everything in view.

use crate::bodies::{Ejected, Vec2};
use crate::grid::Rect;
use crate::messages::position_of;
use crate::players::{Life, PlayerKey};
use crate::rules::{EJECTED_MASS, PELLET_RADIUS, VIRUS_FEED, VIRUS_MASS, radius_of};
use crate::world::{World, half_height_of};

/// From where somebody looks.
struct Camera {
    flags: u8,
    centre: Vec2,
    half_height: f32,
    score: u32,
}

impl World {
    /// Appends what this player sees, the data of op 17. False, and nothing is appended, for an unknown key.
    pub fn view_of(&self, key: PlayerKey, out: &mut Vec<u8>) -> bool {
        let Some(camera) = self.camera_of(key) else {
            return false;
        };
        let half_height = camera.half_height as u16;
        // The whole number that is sent is the one that is used, so that both ends agree on what is in view.
        let height = f32::from(half_height);
        let view = Rect::around(camera.centre, height * 16.0 / 9.0, height);
        let per_unit = 65_535.0 / self.size;

        out.extend_from_slice(&(self.tick as u32).to_le_bytes());
        out.push(camera.flags);
        out.extend_from_slice(&position_of(camera.centre.x, per_unit));
        out.extend_from_slice(&position_of(camera.centre.y, per_unit));
        out.extend_from_slice(&half_height.to_le_bytes());
        out.extend_from_slice(&camera.score.to_le_bytes());

        let own = self.index.own(key);
        out.push(own.len() as u8);
        for index in own {
            out.extend_from_slice(&self.cells[*index as usize].id.to_le_bytes());
        }
        self.put_cells(out, view, per_unit);
        self.put_viruses_and_ejected(out, view, per_unit);
        self.put_pellets(out, view, per_unit);
        self.put_eaten(out, view);
        true
    }

    fn camera_of(&self, key: PlayerKey) -> Option<Camera> {
        let looking_at = |flags, followed| {
            let total = self.index.total(followed);
            let half_height = half_height_of(&self.config, total);
            Camera {
                flags,
                centre: total.centre,
                half_height,
                score: total.score(),
            }
        };
        let still = |centre, half_height| Camera {
            flags: 0,
            centre,
            half_height,
            score: 0,
        };
        Some(match (&self.player(key)?.life, self.index.leader) {
            (Life::Alive(_), _) => looking_at(FLAG_ALIVE, key),
            (Life::Watching, Some(leader)) => looking_at(FLAG_FOLLOWS, leader),
            (Life::Watching, None) => still(
                Vec2::new(self.size * 0.5, self.size * 0.5),
                self.config.view_half_height as f32,
            ),
            (Life::Dead { at, half_height }, _) => still(*at, *half_height),
        })
    }

    fn put_cells(&self, out: &mut Vec<u8>, view: Rect, per_unit: f32) {
        let count = Count::begin(out);
        let mut listed = 0;
        for index in self
            .index
            .cells
            .near(view.grown(self.index.cell_radius_max))
        {
            let cell = &self.cells[index];
            if !view.touches(cell.at, cell.radius) {
                continue;
            }
            let [i0, i1, i2, i3] = cell.id.to_le_bytes();
            let [x0, x1] = position_of(cell.at.x, per_unit);
            let [y0, y1] = position_of(cell.at.y, per_unit);
            let [r0, r1] = radius_on_the_wire(cell.radius);
            let [o0, o1] = cell.owner.0.to_le_bytes();
            out.extend_from_slice(&[i0, i1, i2, i3, x0, x1, y0, y1, r0, r1, cell.hue, o0, o1]);
            listed += 1;
        }
        count.end(out, listed);
    }

    fn put_viruses_and_ejected(&self, out: &mut Vec<u8>, view: Rect, per_unit: f32) {
        let count = Count::begin(out);
        let mut listed = 0;
        let mut put = |id: u32, at: Vec2, radius: f32, kind: u8| {
            if !view.touches(at, radius) {
                return;
            }
            let [i0, i1, i2, i3] = id.to_le_bytes();
            let [x0, x1] = position_of(at.x, per_unit);
            let [y0, y1] = position_of(at.y, per_unit);
            let [r0, r1] = radius_on_the_wire(radius);
            out.extend_from_slice(&[i0, i1, i2, i3, x0, x1, y0, y1, r0, r1, kind]);
            listed += 1;
        };
        let virus_radius_max = radius_of(VIRUS_MASS + f32::from(VIRUS_FEED) * EJECTED_MASS);
        for index in self.index.viruses.near(view.grown(virus_radius_max)) {
            let virus = &self.viruses[index];
            put(virus.id, virus.at, virus.radius(), 0);
        }
        let radius = Ejected::radius();
        for index in self.index.ejected.near(view.grown(radius)) {
            let piece = &self.ejected[index];
            put(piece.id, piece.at, radius, piece.hue);
        }
        count.end(out, listed);
    }

    fn put_pellets(&self, out: &mut Vec<u8>, view: Rect, per_unit: f32) {
        let count = Count::begin(out);
        let mut listed = 0;
        for index in self.index.pellets.near(view.grown(PELLET_RADIUS)) {
            let pellet = &self.pellets[index];
            if !view.touches(pellet.at, PELLET_RADIUS) {
                continue;
            }
            let [x0, x1] = position_of(pellet.at.x, per_unit);
            let [y0, y1] = position_of(pellet.at.y, per_unit);
            out.extend_from_slice(&[x0, x1, y0, y1, pellet.hue]);
            listed += 1;
        }
        count.end(out, listed);
    }

    /// What vanished in view in the last step; where it was more than fits, the first of it.
    fn put_eaten(&self, out: &mut Vec<u8>, view: Rect) {
        let at = out.len();
        out.push(0);
        let seen = self
            .news
            .eaten
            .iter()
            .filter(|eaten| view.touches(eaten.at, eaten.radius));
        for eaten in seen.take(usize::from(u8::MAX)) {
            out.extend_from_slice(&eaten.id.to_le_bytes());
            out.extend_from_slice(&eaten.eater_id.to_le_bytes());
            out[at] += 1;
        }
    }
}

/// Radius in eighths of a unit.
fn radius_on_the_wire(radius: f32) -> [u8; 2] {
    ((radius * 8.0 + 0.5) as u16).to_le_bytes()
}

/// The place of a `u16` count that is known only after its rows.
struct Count {
    at: usize,
}

impl Count {
    fn begin(out: &mut Vec<u8>) -> Self {
        let at = out.len();
        out.extend_from_slice(&[0; 2]);
        Self { at }
    }

    fn end(self, out: &mut [u8], listed: u16) {
        out[self.at..self.at + 2].copy_from_slice(&listed.to_le_bytes());
    }
}

const FLAG_ALIVE: u8 = 1;
const FLAG_FOLLOWS: u8 = 2;
/// Rows of each list fit its `u16`: no list can be longer.
const _: () = {
    assert!(1_200 * crate::rules::CELLS_PER_PLAYER_MAX <= u16::MAX as usize);
    assert!(500 * 3 + crate::rules::EJECTED_MAX <= u16::MAX as usize);
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bodies::{Pellet, Virus};
    use crate::config::Config;
    use crate::players::PlayerName;
    use crate::world::Eaten;
    use tagus_base::Rng;

    fn empty_world() -> World {
        let config = Config {
            world_size: 65_535,
            pellets: 0,
            viruses: 0,
            bots_fill: 0,
            player_limit: 4,
            ..Config::default()
        };
        World::new(config, Rng::new(1))
    }

    /// A world in which a position on the wire is a unit, with one of everything.
    fn small_world() -> World {
        let mut world = empty_world();
        world.tick = 0x0102_0304;
        for key in [PlayerKey(2), PlayerKey(3)] {
            assert!(world.join(key, PlayerName::nameless()));
        }
        world.spawn(PlayerKey(2), 9, PlayerName::nameless());
        world.step();
        world.cells.clear();
        world.next_id = 0x0a0b_0c0d;
        world.push_cell(PlayerKey(2), 9, Vec2::new(4_096.0, 8_192.0), 16.0);
        let beside = |x: f32| Vec2::new(x, 8_192.0);
        let boost = Vec2::ZERO;
        world.viruses.push(Virus {
            id: 7,
            at: beside(5_155.0),
            boost,
            fed: 0,
            gone: false,
        });
        world.viruses.push(Virus {
            id: 8,
            at: beside(5_157.0),
            boost,
            fed: 0,
            gone: false,
        });
        let direction = Vec2::new(1.0, 0.0);
        let at = beside(4_000.0);
        world.ejected.push(Ejected {
            id: 6,
            at,
            boost,
            direction,
            hue: 3,
            gone: false,
        });
        world.pellets.push(Pellet::new(beside(4_112.0), 200));
        world.pellets.push(Pellet::new(beside(9_000.0), 201));
        let seen = Eaten {
            id: 1,
            eater_id: 2,
            at: beside(4_096.0),
            radius: 10.0,
        };
        let unseen = Eaten {
            id: 3,
            eater_id: 2,
            at: beside(9_000.0),
            radius: 10.0,
        };
        world.news.eaten = vec![seen, unseen];
        world.reindex();
        world
    }

    #[rustfmt::skip]
    const GOLDEN: [u8; 66] = [
        5, 3, 2, 1, // tick
        1, // alive
        0x00, 0x10, 0x00, 0x20, // centre
        0x1c, 0x02, // half height 540, so half width 960
        16, 0, 0, 0, // score
        1, 0x0d, 0x0c, 0x0b, 0x0a, // own cells
        1, 0, // cells: radius 40 × 8
        0x0d, 0x0c, 0x0b, 0x0a, 0x00, 0x10, 0x00, 0x20, 0x40, 0x01, 9, 2, 0,
        2, 0, // a virus whose edge is in view, and ejected mass of radius 37.417 × 8
        7, 0, 0, 0, 0x23, 0x14, 0x00, 0x20, 0x20, 0x03, 0,
        6, 0, 0, 0, 0xa0, 0x0f, 0x00, 0x20, 0x2b, 0x01, 3,
        1, 0, // pellets
        0x10, 0x10, 0x00, 0x20, 200,
    ];
    const GOLDEN_EATEN: [u8; 9] = [1, 1, 0, 0, 0, 2, 0, 0, 0];

    #[test]
    fn a_view_is_as_the_protocol_says() {
        let mut bytes = Vec::new();
        assert!(small_world().view_of(PlayerKey(2), &mut bytes));
        assert_eq!(bytes, [&GOLDEN[..], &GOLDEN_EATEN].concat());
    }

    #[test]
    fn a_spectator_sees_what_the_leader_sees() {
        let mut bytes = Vec::new();
        assert!(small_world().view_of(PlayerKey(3), &mut bytes));
        let mut expected = [&GOLDEN[..], &GOLDEN_EATEN].concat();
        expected[4] = 2;
        expected.splice(15..20, [0]);
        assert_eq!(bytes, expected);
    }

    #[test]
    fn nobody_sees_nothing() {
        let mut bytes = Vec::new();
        for key in [0, 1, 4, u16::MAX] {
            assert!(!small_world().view_of(PlayerKey(key), &mut bytes));
        }
        assert!(bytes.is_empty());
    }

    #[test]
    fn more_meals_than_fit_are_cut() {
        let mut world = small_world();
        let seen = world.news.eaten[0];
        world.news.eaten = vec![seen; 300];
        let mut bytes = Vec::new();
        assert!(world.view_of(PlayerKey(2), &mut bytes));
        assert_eq!(bytes.len(), GOLDEN.len() + 1 + 255 * 8);
        assert_eq!(bytes[GOLDEN.len()], 255);
    }

    #[test]
    fn the_view_grows_with_the_player_up_to_its_limit() {
        let mut world = small_world();
        let half_height = |world: &World| {
            let mut bytes = Vec::new();
            assert!(world.view_of(PlayerKey(2), &mut bytes));
            u16::from_le_bytes([bytes[9], bytes[10]])
        };
        for (mass, expected) in [(40.0, 540), (655.36, 908), (22_500.0, 1_600)] {
            world.cells[0].set_mass(mass);
            world.reindex();
            assert!(half_height(&world).abs_diff(expected) <= 2, "{mass}");
        }
    }
}
