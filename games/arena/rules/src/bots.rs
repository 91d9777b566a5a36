//! Bots: how many there are, and what steers them.

use crate::bodies::{Cell, Vec2};
use crate::grid::Rect;
use crate::players::{Life, Player, PlayerKey, PlayerName};
use crate::rules::{BOT_RESPAWN_TICKS, LARGER, PELLET_RADIUS};
use crate::world::World;

/// What a bot remembers from one thought to the next.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Brain {
    /// Where it goes when it sees nothing of interest.
    pub(crate) wander_to: Vec2,
    /// The tick until which it does not split.
    pub(crate) calm_until_tick: u64,
    /// The tick from which it plays again when dead.
    pub(crate) spawn_from_tick: u64,
}

/// What a bot wants after a look around.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Wish {
    target: Vec2,
    split: bool,
}

impl World {
    /// Brings bots until there are enough players, sends the smallest away when people came, one each a tick;
    /// and lets the dead ones play again.
    pub(crate) fn settle_bots(&mut self) {
        let seats = self.config.player_limit as usize;
        let people = self.players[..seats].iter().flatten().count();
        let bots = self.players[seats..].iter().flatten().count();
        let wanted = (self.config.bots_fill as usize).saturating_sub(people);
        if bots < wanted {
            self.bring_bot();
        } else if bots > wanted {
            self.send_bot_away();
        }
        let tick = self.tick;
        for bot in self.players[seats..].iter_mut().flatten() {
            let Some(brain) = &mut bot.brain else {
                continue;
            };
            match bot.life {
                Life::Alive(_) => brain.spawn_from_tick = tick + BOT_RESPAWN_TICKS,
                Life::Watching | Life::Dead { .. } => bot.spawn = tick >= brain.spawn_from_tick,
            }
        }
    }

    fn bring_bot(&mut self) {
        let seats = self.config.player_limit as usize;
        let Some(place) = self.players[seats..].iter().position(Option::is_none) else {
            return;
        };
        let name = NAMES[self.rng.below(NAMES.len() as u32) as usize];
        let name = PlayerName::parse(name).unwrap_or_else(PlayerName::nameless);
        let hue = self.rng.below(256) as u8;
        let brain = Brain {
            wander_to: self.random_place(),
            calm_until_tick: self.tick,
            spawn_from_tick: self.tick,
        };
        let key = PlayerKey((seats + place) as u16);
        self.players[key.index()] = Some(Player::new(name, hue, Some(brain)));
        self.news.came.push(key);
    }

    fn send_bot_away(&mut self) {
        let seats = self.config.player_limit as usize;
        let keys = (seats..self.players.len()).filter(|key| self.players[*key].is_some());
        let mass = |key: &usize| self.index.total(PlayerKey(*key as u16)).mass;
        let Some(key) = keys.min_by(|a, b| mass(a).total_cmp(&mass(b))) else {
            return;
        };
        let key = PlayerKey(key as u16);
        self.leave(key);
        self.news.gone.push(key);
    }

    /// Every fourth tick of each bot it looks around; between, it keeps its course.
    pub(crate) fn steer_bots(&mut self) {
        let seats = self.config.player_limit as usize;
        for key in seats..self.players.len() {
            if !(self.tick + key as u64).is_multiple_of(THINK_EVERY_TICKS) {
                continue;
            }
            let key = PlayerKey(key as u16);
            if self.player(key).is_none_or(|bot| !bot.is_alive()) {
                continue;
            }
            let Some(wish) = self.think(key) else {
                continue;
            };
            let total = *self.index.total(key);
            let fresh = self.random_place();
            let reckless = self.rng.below(3) == 0;
            let tick = self.tick;
            let Some(Player {
                target,
                splits,
                brain: Some(brain),
                ..
            }) = self.players[key.index()].as_mut()
            else {
                continue;
            };
            if total.centre.from(brain.wander_to).length() < WANDER_DONE + total.radius_sum {
                brain.wander_to = fresh;
            }
            *target = wish.target;
            if wish.split && reckless && tick >= brain.calm_until_tick {
                *splits = 1;
                brain.calm_until_tick = tick + SPLIT_CALM_TICKS;
            }
        }
    }

    /// Away from who could eat it, else towards prey, else to pellets, else about; none for a bot without cells.
    fn think(&self, key: PlayerKey) -> Option<Wish> {
        let own = self.index.own(key);
        let me = own
            .iter()
            .map(|index| &self.cells[*index as usize])
            .reduce(|a, b| if b.mass > a.mass { b } else { a })?;
        let sight = SIGHT + me.radius * 2.0;
        let reach = sight + self.index.cell_radius_max;
        let mut flight = Vec2::ZERO;
        let mut prey: Option<(&Cell, f32)> = None;
        for index in self.index.cells.near(Rect::around(me.at, reach, reach)) {
            let other = &self.cells[index];
            if other.owner == key {
                continue;
            }
            let way = other.at.from(me.at);
            let gap = way.length() - other.radius;
            if other.radius >= me.radius * LARGER && gap < FEAR {
                flight = flight.plus(way.unit(), -(FEAR + 100.0 - gap.max(0.0)));
            } else if me.radius >= other.radius * LARGER && gap < sight {
                let worth = other.mass / (gap.max(0.0) + 100.0);
                if prey.is_none_or(|(_, best)| worth > best) {
                    prey = Some((other, worth));
                }
            }
        }
        let afraid = flight != Vec2::ZERO;
        flight = self.avoid_viruses(me, flight);
        if flight != Vec2::ZERO {
            // Along the border where straight on leads out of the world.
            let away = me.at.plus(flight.unit(), FLIGHT);
            return Some(Wish {
                target: away.clamped(me.radius, self.size),
                split: false,
            });
        }
        if let Some((prey, _)) = prey {
            let way = prey.at.from(me.at).length();
            // A half has 0.7 of the radius, and must still outgrow the prey.
            let catches = me.radius * 0.7 >= prey.radius * LARGER && prey.mass * 8.0 > me.mass;
            let split = !afraid && catches && own.len() <= 2 && way < SPLIT_REACH + me.radius;
            return Some(Wish {
                target: prey.at,
                split,
            });
        }
        let target = self.best_pellet(me).unwrap_or_else(|| self.wander_of(key));
        Some(Wish {
            target,
            split: false,
        })
    }

    fn avoid_viruses(&self, me: &Cell, mut flight: Vec2) -> Vec2 {
        let reach = me.radius + VIRUS_FEAR;
        for index in self.index.viruses.near(Rect::around(me.at, reach, reach)) {
            let virus = &self.viruses[index];
            let way = virus.at.from(me.at);
            if me.radius >= virus.radius() * LARGER && way.length() < reach {
                flight = flight.plus(way.unit(), -FEAR);
            }
        }
        flight
    }

    /// The nearest pellet that is not under the cell.
    fn best_pellet(&self, me: &Cell) -> Option<Vec2> {
        let reach = me.radius + PELLET_SIGHT;
        let mut best: Option<(Vec2, f32)> = None;
        for index in self.index.pellets.near(Rect::around(me.at, reach, reach)) {
            let at = self.pellets[index].at;
            let way = at.from(me.at).length_squared();
            // Pellets in the corners are out of reach for a cell whose centre stays inside the border.
            let reachable = at.clamped(me.radius * 0.5, self.size).from(at).length()
                < me.radius - PELLET_RADIUS;
            if reachable && best.is_none_or(|(_, nearest)| way < nearest) {
                best = Some((at, way));
            }
        }
        best.map(|(at, _)| at)
    }

    fn wander_of(&self, key: PlayerKey) -> Vec2 {
        self.player(key)
            .and_then(|bot| bot.brain.as_ref())
            .map_or(Vec2::ZERO, |brain| brain.wander_to)
    }
}

/// Ticks between two thoughts of a bot.
const THINK_EVERY_TICKS: u64 = 4;
/// Ticks between two splits of a bot.
const SPLIT_CALM_TICKS: u64 = 250;
/// Distance to the edge of a larger cell at which a bot flees, in units.
const FEAR: f32 = 350.0;
/// Distance to a virus at which a bot that it would burst turns away, beyond its own radius.
const VIRUS_FEAR: f32 = 60.0;
/// Distance at which a bot sees prey, beyond twice its radius.
const SIGHT: f32 = 500.0;
/// Distance at which a bot sees pellets, beyond its radius.
const PELLET_SIGHT: f32 = 500.0;
/// Distance to prey at which a bot may split, beyond its radius.
const SPLIT_REACH: f32 = 450.0;
/// How far ahead a fleeing bot aims.
const FLIGHT: f32 = 800.0;
/// A wandering bot that is this near to its goal, beyond its radius, picks another.
const WANDER_DONE: f32 = 50.0;

/// Rivers, as names of bots.
const NAMES: [&str; 40] = [
    "Aare", "Amazon", "Amur", "Arno", "Boyne", "Congo", "Danube", "Dnieper", "Don", "Douro",
    "Ebro", "Elbe", "Ganges", "Garonne", "Humber", "Indus", "Isar", "Kura", "Lena", "Loire",
    "Meuse", "Mekong", "Niger", "Nile", "Ob", "Oder", "Orinoco", "Po", "Rhine", "Rhone", "Seine",
    "Severn", "Spree", "Tiber", "Tigris", "Ural", "Volga", "Weser", "Yukon", "Zambezi",
];
