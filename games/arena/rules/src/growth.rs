//! What comes into the world: pellets, viruses and players.

use crate::bodies::{Pellet, Vec2, Virus};
use crate::grid::Rect;
use crate::players::{Life, PlayerKey, Record};
use crate::rules::{PELLET_REGROW_TICKS, VIRUS_MASS, radius_of};
use crate::world::World;

impl World {
    pub(crate) fn regrow(&mut self) {
        let target = self.config.pellets as usize;
        let missing = target.saturating_sub(self.pellets.len());
        for _ in 0..missing.min(target / PELLET_REGROW_TICKS + 1) {
            self.grow_pellet();
        }
        if self.viruses.len() < self.config.viruses as usize {
            self.grow_virus();
        }
    }

    pub(crate) fn grow_pellet(&mut self) {
        let at = self.random_place();
        let hue = self.rng.below(256) as u8;
        let id = self.take_id();
        self.pellets.push(Pellet::new(id, at, hue));
    }

    /// One try: where a cell is in the way nothing grows.
    pub(crate) fn grow_virus(&mut self) {
        let at = self
            .random_place()
            .clamped(radius_of(VIRUS_MASS), self.size);
        if self.is_free(at, radius_of(VIRUS_MASS) + 50.0) {
            let id = self.take_id();
            self.viruses.push(Virus {
                id,
                at,
                boost: Vec2::ZERO,
                fed: 0,
                gone: false,
            });
        }
    }

    pub(crate) fn spawn_waiting(&mut self) {
        for key in 0..self.players.len() {
            let Some(player) = &mut self.players[key] else {
                continue;
            };
            if !core::mem::take(&mut player.spawn) {
                continue;
            }
            (player.splits, player.eject) = (0, false);
            player.life = Life::Alive(Record {
                since_tick: self.tick,
                score_best: self.config.mass_start,
                rank_best: u16::MAX,
                eater: PlayerKey::NOBODY,
            });
            let hue = player.hue;
            let key = PlayerKey(key as u16);
            let mass = self.config.mass_start as f32;
            let at = self.place_to_spawn(radius_of(mass));
            if let Some(player) = self.player_mut(key) {
                player.target = at;
            }
            self.push_cell(key, hue, at, mass);
        }
    }

    fn place_to_spawn(&mut self, radius: f32) -> Vec2 {
        let mut at = self.random_place();
        for _ in 0..SPAWN_TRIES {
            if self.is_free(at, radius + SPAWN_MARGIN) {
                break;
            }
            at = self.random_place();
        }
        at
    }

    pub(crate) fn random_place(&mut self) -> Vec2 {
        let x = self.rng.unit_f32() * self.size;
        Vec2::new(x, self.rng.unit_f32() * self.size)
    }

    /// Whether no cell comes nearer to `at` than `margin`.
    fn is_free(&self, at: Vec2, margin: f32) -> bool {
        let reach = margin + self.index.cell_radius_max;
        let near = Rect::around(at, reach, reach);
        self.index.cells.near(near).all(|index| {
            let cell = &self.cells[index];
            cell.at.from(at).length() >= margin + cell.radius
        })
    }
}

/// Places that are looked at for a start; the last is taken however crowded it is.
const SPAWN_TRIES: usize = 16;
/// Distance to the next cell that a start should have, in units.
const SPAWN_MARGIN: f32 = 300.0;
