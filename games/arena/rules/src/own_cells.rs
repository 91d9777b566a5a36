//! How the cells of one player treat each other: they pass while fresh, then push apart, then merge.

use crate::bodies::Cell;
use crate::eating::Mouth;
use crate::players::PlayerKey;
use crate::rules::{PASS_TICKS, merge_age};
use crate::world::World;

impl World {
    /// Merges what may merge and pushes the rest of each player's cells apart.
    pub(crate) fn settle_own_cells(&mut self) {
        for key in 0..self.players.len() {
            let own = self.index.own(PlayerKey(key as u16));
            for (nth, first) in own.iter().enumerate() {
                for second in &own[nth + 1..] {
                    let [first, second] = self
                        .cells
                        .get_disjoint_mut([*first as usize, *second as usize])
                        .expect("a player's cells are different cells of the list");
                    if first.gone || second.gone {
                        continue;
                    }
                    settle(first, second);
                    first.confine(self.size);
                    second.confine(self.size);
                }
            }
        }
    }
}

/// Merges two cells of one player, older first, or pushes them apart, or lets them pass.
fn settle(first: &mut Cell, second: &mut Cell) {
    let way = second.at.from(first.at);
    let touch = first.radius + second.radius;
    if way.length_squared() >= touch * touch {
        return;
    }
    if first.age >= merge_age(first.radius) && second.age >= merge_age(second.radius) {
        let (eater, prey) = if first.mass >= second.mass {
            (first, second)
        } else {
            (second, first)
        };
        if !(Mouth {
            at: eater.at,
            radius: eater.radius,
        })
        .covers(prey.at, prey.radius)
        {
            return;
        }
        prey.gone = true;
        eater.set_mass(eater.mass + prey.mass);
        return;
    }
    if first.age >= PASS_TICKS && second.age >= PASS_TICKS {
        let direction = way.unit();
        let overlap = touch - way.length();
        let mass = first.mass + second.mass;
        first.at = first.at.plus(direction, -overlap * second.mass / mass);
        second.at = second.at.plus(direction, overlap * first.mass / mass);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bodies::Vec2;
    use crate::config::Config;
    use crate::players::PlayerName;
    use crate::rules::radius_of;
    use tagus_base::Rng;

    #[test]
    fn own_cells_part_until_they_may_merge() {
        let config = Config {
            pellets: 0,
            viruses: 0,
            bots_fill: 0,
            ..Config::default()
        };
        let mut world = World::new(config, Rng::new(1));
        assert!(world.join(PlayerKey(0), PlayerName::nameless()));
        world.spawn(PlayerKey(0), 0, PlayerName::nameless());
        world.step();
        world.cells.clear();
        for (x, mass) in [(1_000.0, 50.0), (1_005.0, 25.0)] {
            world.push_cell(PlayerKey(0), 0, Vec2::new(x, 1_000.0), mass);
        }
        world.steer(PlayerKey(0), Vec2::new(1_000.0, 1_000.0));
        for _ in 0..PASS_TICKS + 2 {
            world.step();
        }
        let gap = world.cells[1].at.from(world.cells[0].at).length();
        assert!(
            (gap - world.cells[0].radius - world.cells[1].radius).abs() < 15.0,
            "{gap}"
        );
        let due = merge_age(radius_of(50.0));
        while world.cells[0].age < due - 1 {
            world.step();
            assert_eq!(world.cells.len(), 2);
        }
        for _ in 0..100 {
            world.step();
        }
        assert_eq!(world.cells.len(), 1);
        assert!((world.cells[0].mass - 75.0).abs() < 1.0);
    }
}
