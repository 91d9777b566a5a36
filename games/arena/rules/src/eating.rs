//! Who eats and who bursts. Decided cell by cell in order of birth: the older cell moves first, and what is
//! gone neither eats nor is eaten.

use crate::bodies::{Vec2, Virus};
use crate::grid::Rect;
use crate::players::{Life, PlayerKey};
use crate::rules::{
    BOOST, BURST_BOOST, BURST_MASS_MIN, CELLS_PER_PLAYER_MAX, COVERED, DECAY, DECAY_DOUBLES_MASS,
    DECAY_MASS_MIN, DIRECTIONS, EJECTED_MASS, LARGER, PELLET_MASS, PELLET_RADIUS, VIRUS_FEED,
    VIRUS_MASS, radius_of,
};
use crate::world::World;

/// A circle that eats.
#[derive(Clone, Copy)]
pub(crate) struct Mouth {
    pub(crate) at: Vec2,
    pub(crate) radius: f32,
}

impl Mouth {
    /// Whether something of this radius is so far inside that it is eaten.
    pub(crate) fn covers(self, at: Vec2, radius: f32) -> bool {
        let reach = self.radius - radius * COVERED;
        reach > 0.0 && at.from(self.at).length_squared() <= reach * reach
    }

    /// Whether this is larger, by the ratio that eating needs.
    fn outgrows(self, radius: f32) -> bool {
        self.radius >= radius * LARGER
    }

    /// What is eaten has its centre in here.
    fn rect(self) -> Rect {
        Rect::around(self.at, self.radius, self.radius)
    }
}

impl World {
    /// Everything that is eaten in this tick, and the decay of the large.
    pub(crate) fn resolve(&mut self) {
        // Bursts append cells, which neither eat nor are eaten in the tick of their birth.
        for eater in 0..self.cells.len() {
            if self.cells[eater].gone {
                continue;
            }
            let mouth = Mouth {
                at: self.cells[eater].at,
                radius: self.cells[eater].radius,
            };
            let fed = self.cells[eater].mass + self.eat_food(mouth) + self.eat_cells(eater, mouth);
            let virus_count = self.eat_viruses(mouth);
            self.cells[eater].set_mass(decayed(fed + virus_count as f32 * VIRUS_MASS));
            if virus_count > 0 {
                self.burst(eater);
            }
        }
        self.feed_viruses();
    }

    /// Eats pellets and ejected pieces; answers their mass.
    fn eat_food(&mut self, mouth: Mouth) -> f32 {
        let mut mass = 0.0;
        for index in self.index.pellets.near(mouth.rect()) {
            let pellet = &mut self.pellets[index];
            if !pellet.gone && mouth.covers(pellet.at, PELLET_RADIUS) {
                pellet.gone = true;
                mass += PELLET_MASS;
            }
        }
        let radius = radius_of(EJECTED_MASS);
        if !mouth.outgrows(radius) {
            return mass;
        }
        for index in self.index.ejected.near(mouth.rect()) {
            let piece = &mut self.ejected[index];
            if !piece.gone && mouth.covers(piece.at, radius) {
                piece.gone = true;
                mass += EJECTED_MASS;
            }
        }
        mass
    }

    /// Eats cells of others; answers their mass.
    fn eat_cells(&mut self, eater: usize, mouth: Mouth) -> f32 {
        let owner = self.cells[eater].owner;
        let mut mass = 0.0;
        let mut eaten_owners = [PlayerKey::NOBODY; EATEN_PER_CELL_MAX];
        let mut eaten_count = 0;
        for index in self.index.cells.near(mouth.rect()) {
            let prey = &mut self.cells[index];
            let is_food = prey.owner != owner && !prey.gone;
            if !is_food || !mouth.outgrows(prey.radius) || !mouth.covers(prey.at, prey.radius) {
                continue;
            }
            prey.gone = true;
            mass += prey.mass;
            eaten_owners[eaten_count] = prey.owner;
            eaten_count += 1;
            if eaten_count == EATEN_PER_CELL_MAX {
                break;
            }
        }
        for prey in &eaten_owners[..eaten_count] {
            self.index.count_cell_gone(*prey);
            if let Some(Life::Alive(record)) = self.players[prey.index()]
                .as_mut()
                .map(|player| &mut player.life)
            {
                record.eater = owner;
            }
        }
        mass
    }

    /// Eats viruses that are smaller; answers how many.
    fn eat_viruses(&mut self, mouth: Mouth) -> usize {
        let mut count = 0;
        for index in self.index.viruses.near(mouth.rect()) {
            let virus = &mut self.viruses[index];
            let radius = virus.radius();
            if !virus.gone && mouth.outgrows(radius) && mouth.covers(virus.at, radius) {
                virus.gone = true;
                count += 1;
            }
        }
        count
    }

    /// Half of the cell flies off in equal pieces, in all directions, as many as the player may still have.
    /// A player with all cells keeps it whole.
    fn burst(&mut self, index: usize) {
        let cell = &mut self.cells[index];
        let owner = cell.owner;
        let free = CELLS_PER_PLAYER_MAX.saturating_sub(self.index.total(owner).cell_count);
        let half = cell.mass * 0.5;
        let pieces = free.min((half / BURST_MASS_MIN) as usize);
        if pieces == 0 {
            return;
        }
        cell.set_mass(half);
        cell.age = 0;
        let (hue, at) = (cell.hue, cell.at);
        let first = self.rng.below(DIRECTIONS.len() as u32) as usize;
        for piece in 0..pieces {
            let (x, y) = DIRECTIONS[(first + piece * DIRECTIONS.len() / pieces) % DIRECTIONS.len()];
            self.push_cell(owner, hue, at, half / pieces as f32);
            if let Some(new) = self.cells.last_mut() {
                new.boost = Vec2::new(x, y).times(BURST_BOOST);
            }
            self.index.count_cell_made(owner);
        }
    }

    /// Viruses eat ejected pieces; the last of a meal shoots a new virus the way it flew.
    /// While the world holds three times its viruses none eats.
    fn feed_viruses(&mut self) {
        let virus_count_max = self.config.viruses as usize * VIRUSES_TIMES_MAX;
        let radius = radius_of(EJECTED_MASS);
        for feeder in 0..self.viruses.len() {
            let Virus { at, gone, .. } = self.viruses[feeder];
            if gone {
                continue;
            }
            let mouth = Mouth {
                at,
                radius: self.viruses[feeder].radius(),
            };
            for index in self.index.ejected.near(mouth.rect()) {
                let piece = &mut self.ejected[index];
                if self.viruses.len() >= virus_count_max
                    || piece.gone
                    || !mouth.covers(piece.at, radius)
                {
                    continue;
                }
                piece.gone = true;
                self.viruses[feeder].fed += 1;
                if self.viruses[feeder].fed == VIRUS_FEED {
                    self.viruses[feeder].fed = 0;
                    let boost = piece.direction.times(BOOST);
                    let id = self.next_id;
                    self.next_id = id.wrapping_add(1).max(1);
                    self.viruses.push(Virus {
                        id,
                        at,
                        boost,
                        fed: 0,
                        gone: false,
                    });
                }
            }
        }
    }
}

/// This mass a tick later.
fn decayed(mass: f32) -> f32 {
    if mass > DECAY_MASS_MIN {
        (mass - mass * DECAY * (1.0 + mass / DECAY_DOUBLES_MASS)).max(DECAY_MASS_MIN)
    } else {
        mass
    }
}

/// Cells that one cell eats in one tick at most; the rest waits for the next.
const EATEN_PER_CELL_MAX: usize = 64;
/// Viruses at most, as a multiple of those the world is kept filled with.
const VIRUSES_TIMES_MAX: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::players::PlayerName;
    use tagus_base::Rng;

    /// A world without food or bots, with one player per list of (x, mass), all at y 1,000.
    fn world(players: &[&[(f32, f32)]]) -> World {
        let config = Config {
            world_size: 2_000,
            pellets: 0,
            viruses: 0,
            bots_fill: 0,
            player_limit: 8,
            ..Config::default()
        };
        let mut world = World::new(config, Rng::new(1));
        for key in (0..players.len()).map(|key| PlayerKey(key as u16)) {
            assert!(world.join(key, PlayerName::nameless()));
            world.spawn(key, 9, PlayerName::nameless());
        }
        world.step();
        world.cells.clear();
        for (key, cells) in players.iter().enumerate() {
            for (x, mass) in *cells {
                world.push_cell(PlayerKey(key as u16), 9, Vec2::new(*x, 1_000.0), *mass);
            }
        }
        world.reindex();
        // Steering to the own place keeps everybody still enough to be judged.
        for (key, cells) in players.iter().enumerate() {
            let at = Vec2::new(cells[0].0, 1_000.0);
            world.steer(PlayerKey(key as u16), at);
        }
        world
    }

    fn masses(world: &World, key: u16) -> Vec<f32> {
        world
            .cells()
            .iter()
            .filter(|cell| cell.owner.0 == key)
            .map(|cell| cell.mass)
            .collect()
    }

    #[test]
    fn the_ratio_of_radii_decides() {
        // 1.15² = 1.3225 in mass.
        let mut larger = world(&[&[(1_000.0, 40.1 * 1.3225)], &[(1_000.0, 40.0)]]);
        larger.step();
        assert_eq!(masses(&larger, 1).len(), 0);
        assert_eq!(larger.deaths()[0].key, PlayerKey(1));
        assert_eq!(larger.deaths()[0].eater, PlayerKey(0));
        let mut similar = world(&[&[(1_000.0, 39.9 * 1.3225)], &[(1_000.0, 40.0)]]);
        similar.step();
        assert_eq!(masses(&similar, 1), [40.0]);
    }

    #[test]
    fn the_overlap_decides() {
        // Radii 200 and 50: eaten at a distance of 200 − 0.4 × 50 = 180.
        for (distance, left) in [(179.0, 0), (181.0, 1)] {
            let mut world = world(&[&[(500.0, 400.0)], &[(500.0 + distance, 25.0)]]);
            world.step();
            assert_eq!(masses(&world, 1).len(), left, "{distance}");
        }
    }

    #[test]
    fn a_chain_is_eaten_from_the_oldest() {
        let mut world = world(&[&[(1_000.0, 30.0)], &[(1_000.0, 60.0)], &[(1_000.0, 120.0)]]);
        world.step();
        // The middle one is older than the largest: it eats first, and is eaten then.
        assert_eq!(world.cells.len(), 1);
        assert_eq!(
            world
                .deaths()
                .iter()
                .map(|death| death.eater.0)
                .collect::<Vec<_>>(),
            [1, 2]
        );
        assert!((masses(&world, 2)[0] - 210.0).abs() < 0.1);
    }

    #[test]
    fn a_virus_bursts_the_large_and_spares_the_small() {
        let mut world = world(&[&[(1_000.0, 400.0)], &[(300.0, 50.0)]]);
        for (id, x) in [(900, 1_000.0), (901, 300.0)] {
            world.viruses.push(Virus {
                id,
                at: Vec2::new(x, 1_000.0),
                boost: Vec2::ZERO,
                fed: 0,
                gone: false,
            });
        }
        world.reindex();
        world.step();
        let masses_now = masses(&world, 0);
        assert_eq!(
            masses_now.len(),
            1 + 13,
            "half of 500 in pieces of at least 18"
        );
        assert!((masses_now.iter().sum::<f32>() - 500.0).abs() < 0.1);
        assert_eq!(masses(&world, 1), [50.0]);
        assert_eq!(world.viruses.len(), 1);
    }

    #[test]
    fn with_all_cells_a_virus_is_only_food() {
        let mut cells = vec![(1_000.0, 400.0)];
        cells.extend([(100.0, 20.0); 15]);
        let mut world = world(&[&cells]);
        world.viruses.push(Virus {
            id: 9,
            at: world.cells[0].at,
            boost: Vec2::ZERO,
            fed: 0,
            gone: false,
        });
        world.reindex();
        world.step();
        assert_eq!(world.cells.len(), 16);
        assert!(world.cells[0].mass > 499.0);
    }

    #[test]
    fn the_seventh_meal_shoots_a_virus() {
        let mut world = world(&[]);
        world.config.viruses = 1;
        let at = Vec2::new(1_000.0, 1_000.0);
        world.viruses.push(Virus {
            id: 500,
            at,
            boost: Vec2::ZERO,
            fed: 0,
            gone: false,
        });
        for meal in 1..=7_u32 {
            let id = 600 + meal;
            let direction = Vec2::new(0.0, 1.0);
            world.ejected.push(crate::Ejected {
                id,
                at,
                boost: Vec2::ZERO,
                direction,
                hue: 1,
                gone: false,
            });
            world.step();
            assert_eq!(world.viruses.len(), if meal < 7 { 1 } else { 2 });
            assert_eq!(world.viruses[0].fed, (meal % 7) as u8);
        }
        world.step();
        assert!(world.viruses[1].at.y > 1_080.0);
        assert_eq!(world.ejected.len(), 0);
    }
}
