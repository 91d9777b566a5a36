//! What players may wish for, and how splits and ejections are carried out.

use crate::bodies::{Ejected, Vec2};
use crate::players::{Life, Player, PlayerKey, PlayerName};
use crate::rules::{
    BOOST, CELLS_PER_PLAYER_MAX, EJECT_COST, EJECT_EVERY_TICKS, EJECT_MASS_MIN, EJECTED_MASS,
    SPLIT_MASS_MIN, SPLITS_PER_TICK_MAX, radius_of,
};
use crate::world::World;

impl World {
    /// Somebody comes and watches. False, and nothing happens, when the key is no person's or is taken.
    pub fn join(&mut self, key: PlayerKey, name: PlayerName) -> bool {
        let people = self.config.player_limit as usize;
        match self.players[..people].get_mut(key.index()) {
            Some(slot @ None) => {
                *slot = Some(Player::new(name, 0, None));
                true
            }
            Some(Some(_)) | None => false,
        }
    }

    /// Somebody goes, and the cells with them. An unknown key is left alone.
    pub fn leave(&mut self, key: PlayerKey) {
        let Some(slot) = self.players.get_mut(key.index()) else {
            return;
        };
        if slot.take().is_some_and(|player| player.is_alive()) {
            self.cells.retain(|cell| cell.owner != key);
            self.index.rebuild_cells(&self.cells);
        }
    }

    /// Heads for this point, which is moved into the world.
    pub fn steer(&mut self, key: PlayerKey, target: Vec2) {
        let target = target.clamped(0.0, self.size);
        if let Some(player) = self.player_mut(key) {
            player.target = target;
        }
    }

    /// Splits in the next step; up to four wishes a step are remembered.
    pub fn split(&mut self, key: PlayerKey) {
        if let Some(player) = self.player_mut(key) {
            player.splits = (player.splits + 1).min(SPLITS_PER_TICK_MAX);
        }
    }

    /// Ejects in the next step in which that is possible.
    pub fn eject(&mut self, key: PlayerKey) {
        if let Some(player) = self.player_mut(key) {
            player.eject = true;
        }
    }

    /// Plays from the next step on, under this name and colour. Ignored while alive.
    pub fn spawn(&mut self, key: PlayerKey, hue: u8, name: PlayerName) {
        if let Some(player) = self.player_mut(key).filter(|player| !player.is_alive()) {
            (player.hue, player.name, player.spawn) = (hue, name, true);
        }
    }

    /// Watches the largest player. Ignored while alive.
    pub fn spectate(&mut self, key: PlayerKey) {
        if let Some(player) = self.player_mut(key).filter(|player| !player.is_alive()) {
            (player.life, player.spawn) = (Life::Watching, false);
        }
    }

    /// The splits and the ejection that a player wished for.
    pub(crate) fn carry_out(&mut self, key: PlayerKey) {
        let tick = self.tick;
        let Some(player) = self.player_mut(key) else {
            return;
        };
        let (splits, target) = (core::mem::take(&mut player.splits), player.target);
        let ejects = player.eject && tick >= player.eject_from_tick;
        if ejects {
            (player.eject, player.eject_from_tick) = (false, tick + EJECT_EVERY_TICKS);
        }
        if splits == 0 && !ejects {
            return;
        }
        let mut own = [0; CELLS_PER_PLAYER_MAX];
        let mut own_count = self.index.own(key).len();
        for (place, index) in own.iter_mut().zip(self.index.own(key)) {
            *place = *index as usize;
        }
        if ejects {
            for index in &own[..own_count] {
                self.eject_from(*index, target);
            }
        }
        for _ in 0..splits {
            let before = own_count;
            for nth in 0..before {
                if own_count < CELLS_PER_PLAYER_MAX && self.cells[own[nth]].mass >= SPLIT_MASS_MIN {
                    own[own_count] = self.split_cell(own[nth], target);
                    own_count += 1;
                }
            }
        }
    }

    /// Halves a cell; answers the index of the half that flies off.
    fn split_cell(&mut self, index: usize, target: Vec2) -> usize {
        let cell = &mut self.cells[index];
        let half = cell.mass * 0.5;
        cell.set_mass(half);
        cell.age = 0;
        let direction = target.from(cell.at).unit();
        let (owner, hue, at) = (cell.owner, cell.hue, cell.at.plus(direction, SPLIT_OFFSET));
        self.push_cell(owner, hue, at, half);
        let new = self.cells.len() - 1;
        self.cells[new].boost = direction.times(BOOST);
        self.cells[new].confine(self.size);
        new
    }

    fn eject_from(&mut self, index: usize, target: Vec2) {
        if self.cells[index].mass < EJECT_MASS_MIN {
            return;
        }
        let sideways = (self.rng.unit_f32() - 0.5) * EJECT_SPREAD;
        let id = self.take_id();
        let cell = &mut self.cells[index];
        let straight = target.from(cell.at).unit();
        let direction = straight
            .plus(Vec2::new(-straight.y, straight.x), sideways)
            .unit();
        cell.set_mass(cell.mass - EJECT_COST);
        let at = cell
            .at
            .plus(direction, cell.radius + radius_of(EJECTED_MASS))
            .clamped(0.0, self.size);
        let boost = direction.times(BOOST);
        // Hue 0 means a virus on the wire.
        let hue = cell.hue.max(1);
        self.ejected.push(Ejected {
            id,
            at,
            boost,
            direction,
            hue,
            gone: false,
        });
    }
}

/// Distance at which the flying half of a split is born, in units.
const SPLIT_OFFSET: f32 = 40.0;
/// Width of the cone of ejections, as a part of their distance.
const EJECT_SPREAD: f32 = 0.6;
