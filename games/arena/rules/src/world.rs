//! The world and its tick.

use tagus_base::Rng;

use crate::bodies::{Cell, Ejected, Pellet, Vec2, Virus};
use crate::config::Config;
use crate::index::{Index, Ranks, Total};
use crate::players::{Life, Player, PlayerKey};
use crate::rules::{EJECTED_MAX, TICK_RATE_HZ, zoom_of};

/// Everything in an arena, and its rules. Needs no room: players come by key, wishes by method, time by [`World::step`].
///
/// Driving order: any number of player methods, then `step`; after it, until the next call that changes something,
/// read [`World::deaths`], [`World::came`], [`World::gone`] and the views.
#[derive(Clone, Debug)]
pub struct World {
    pub(crate) config: Config,
    pub(crate) size: f32,
    pub(crate) rng: Rng,
    pub(crate) tick: u64,
    pub(crate) next_id: u32,
    pub(crate) players: Vec<Option<Player>>,
    pub(crate) cells: Vec<Cell>,
    pub(crate) pellets: Vec<Pellet>,
    pub(crate) ejected: Vec<Ejected>,
    pub(crate) viruses: Vec<Virus>,
    /// Follows from the lists above.
    pub(crate) index: Index,
    /// What the last step did; not part of the state.
    pub(crate) news: News,
}

/// What one step did, for those who are told.
#[derive(Clone, Debug, Default)]
pub(crate) struct News {
    pub(crate) deaths: Vec<Death>,
    pub(crate) came: Vec<PlayerKey>,
    pub(crate) gone: Vec<PlayerKey>,
}

/// The end of a life.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Death {
    /// Who died.
    pub key: PlayerKey,
    /// Who ate the last cell; [`PlayerKey::NOBODY`] when nobody did.
    pub eater: PlayerKey,
    /// Largest total mass of that life.
    pub score_best: u32,
    /// Length of that life in ticks.
    pub ticks_alive: u32,
    /// Best place by mass of that life, 1-based.
    pub rank_best: u16,
}

impl World {
    /// A world with its pellets and viruses, without players. `config` must have passed [`Config::checked`].
    #[must_use]
    pub fn new(config: Config, rng: Rng) -> Self {
        let mut world = Self::empty(config, rng);
        while world.pellets.len() < world.config.pellets as usize {
            world.grow_pellet();
        }
        for _ in 0..world.config.viruses {
            world.grow_virus();
        }
        world.reindex();
        world
    }

    /// A world without anything in it.
    pub(crate) fn empty(config: Config, rng: Rng) -> Self {
        let (size, slots) = (config.world_size as f32, config.slots());
        Self {
            size,
            rng,
            tick: 0,
            next_id: 1,
            players: vec![None; slots],
            cells: Vec::new(),
            pellets: Vec::new(),
            ejected: Vec::new(),
            viruses: Vec::new(),
            index: Index::new(size, slots),
            news: News::default(),
            config,
        }
    }

    /// One tick of 40 ms.
    pub fn step(&mut self) {
        self.tick += 1;
        self.news.deaths.clear();
        self.news.came.clear();
        self.news.gone.clear();

        self.regrow();
        self.settle_bots();
        self.spawn_waiting();
        self.steer_bots();
        for key in 0..self.players.len() {
            self.carry_out(PlayerKey(key as u16));
        }
        let overfull = self.ejected.len().saturating_sub(EJECTED_MAX);
        self.ejected.drain(..overfull);

        self.advance();
        self.reindex();
        self.resolve();
        self.bury();
        self.sweep();
        self.reindex();
        self.keep_records();
    }

    fn advance(&mut self) {
        for piece in &mut self.ejected {
            piece.advance(self.size);
        }
        for virus in &mut self.viruses {
            virus.advance(self.size);
        }
        for cell in &mut self.cells {
            if let Some(player) = &self.players[cell.owner.index()] {
                cell.advance(player.target, self.size);
            }
        }
        self.index.rebuild_owners(&self.cells);
        self.settle_own_cells();
        self.cells.retain(|cell| !cell.gone);
    }

    /// Ends the lives of those whose last cell is gone. Before the sweep, while their last view is known.
    pub(crate) fn bury(&mut self) {
        for (key, slot) in self.players.iter_mut().enumerate() {
            let Some(player) = slot else { continue };
            let Life::Alive(record) = &player.life else {
                continue;
            };
            let key = PlayerKey(key as u16);
            let total = self.index.total(key);
            if total.cell_count > 0 {
                continue;
            }
            self.news.deaths.push(Death {
                key,
                eater: record.eater,
                score_best: record.score_best,
                ticks_alive: (self.tick - record.since_tick).min(u64::from(u32::MAX)) as u32,
                rank_best: record.rank_best.min(self.index.rank(key)),
            });
            player.life = Life::Dead {
                at: total.centre,
                half_height: half_height_of(&self.config, total),
            };
        }
    }

    fn sweep(&mut self) {
        self.cells.retain(|cell| !cell.gone);
        self.pellets.retain(|pellet| !pellet.gone);
        self.ejected.retain(|piece| !piece.gone);
        self.viruses.retain(|virus| !virus.gone);
    }

    pub(crate) fn reindex(&mut self) {
        self.index
            .rebuild_food(&self.pellets, &self.ejected, &self.viruses);
        self.index.rebuild_cells(&self.cells);
    }

    fn keep_records(&mut self) {
        let is_board_due = self.is_board_due();
        let ranks = match is_board_due {
            true => self.index.ranks(),
            false => Ranks::default(),
        };
        for (key, slot) in self.players.iter_mut().enumerate() {
            let Some(Player {
                life: Life::Alive(record),
                ..
            }) = slot
            else {
                continue;
            };
            let key = PlayerKey(key as u16);
            record.score_best = record.score_best.max(self.index.total(key).score());
            if is_board_due {
                record.rank_best = record.rank_best.min(ranks.rank(self.index.total(key)));
            }
        }
    }

    pub(crate) fn push_cell(&mut self, owner: PlayerKey, hue: u8, at: Vec2, mass: f32) {
        let (id, boost) = (self.take_id(), Vec2::ZERO);
        let mut cell = Cell {
            id,
            owner,
            hue,
            at,
            boost,
            mass,
            radius: 0.0,
            age: 0,
            gone: false,
        };
        cell.set_mass(mass);
        cell.confine(self.size);
        self.cells.push(cell);
    }

    /// Ids wrap after 2³² bodies, which takes days of the hardest play; 0 is skipped.
    pub(crate) fn take_id(&mut self) -> u32 {
        let id = self.next_id;
        self.next_id = self.next_id.wrapping_add(1).max(1);
        id
    }

    pub(crate) fn player_mut(&mut self, key: PlayerKey) -> Option<&mut Player> {
        self.players.get_mut(key.index())?.as_mut()
    }
}

/// What may be read between steps.
impl World {
    /// The settings.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// Steps taken.
    #[must_use]
    pub const fn tick(&self) -> u64 {
        self.tick
    }

    /// Whether this step is one of those after which boards and minimaps are sent: one a second.
    #[must_use]
    pub const fn is_board_due(&self) -> bool {
        self.tick.is_multiple_of(TICK_RATE_HZ as u64)
    }

    /// How many boards were due until now.
    pub(crate) const fn board_number(&self) -> u64 {
        self.tick / TICK_RATE_HZ as u64
    }

    /// All cells, oldest first.
    #[must_use]
    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// All pellets.
    #[must_use]
    pub fn pellets(&self) -> &[Pellet] {
        &self.pellets
    }

    /// All ejected pieces, oldest first.
    #[must_use]
    pub fn ejected(&self) -> &[Ejected] {
        &self.ejected
    }

    /// All viruses, oldest first.
    #[must_use]
    pub fn viruses(&self) -> &[Virus] {
        &self.viruses
    }

    /// The player with this key.
    #[must_use]
    pub fn player(&self, key: PlayerKey) -> Option<&Player> {
        self.players.get(key.index())?.as_ref()
    }

    /// All players, in order of their keys.
    pub fn players(&self) -> impl Iterator<Item = (PlayerKey, &Player)> {
        self.players
            .iter()
            .enumerate()
            .filter_map(|(key, slot)| Some((PlayerKey(key as u16), slot.as_ref()?)))
    }

    /// Total mass of a player's cells, rounded; 0 when not alive.
    #[must_use]
    pub fn score(&self, key: PlayerKey) -> u32 {
        self.player(key)
            .map_or(0, |_| self.index.total(key).score())
    }

    /// Place of a player by mass, 1-based; 0 when not alive.
    #[must_use]
    pub fn rank(&self, key: PlayerKey) -> u16 {
        match self.player(key) {
            Some(player) if player.is_alive() => self.index.rank(key),
            Some(_) | None => 0,
        }
    }

    /// Who died in the last step.
    #[must_use]
    pub fn deaths(&self) -> &[Death] {
        &self.news.deaths
    }

    /// The bots that came in the last step.
    #[must_use]
    pub fn came(&self) -> &[PlayerKey] {
        &self.news.came
    }

    /// The bots that left in the last step.
    #[must_use]
    pub fn gone(&self) -> &[PlayerKey] {
        &self.news.gone
    }
}

/// Half the height of the view of somebody with these cells, in units.
pub(crate) fn half_height_of(config: &Config, total: &Total) -> f32 {
    (config.view_half_height as f32 * zoom_of(total.radius_sum))
        .min(config.view_half_height_max as f32)
}
