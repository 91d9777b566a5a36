//! The whole state of a world as bytes, and back.
//!
//! What follows from the rest (the index) and what only the last step's listeners need (the news) is not in it.

use tagus_base::Rng;
use tagus_room::RestoreError;

use crate::bodies::{Cell, Ejected, Pellet, Vec2, Virus};
use crate::bots::Brain;
use crate::config::Config;
use crate::players::{Life, Player, PlayerKey, PlayerName, Record};
use crate::rules::{CELLS_PER_PLAYER_MAX, EJECTED_MAX, MASS_MAX, SPLITS_PER_TICK_MAX, VIRUS_FEED};
use crate::world::World;

impl World {
    /// Appends the whole state.
    pub fn snapshot(&self, out: &mut Vec<u8>) {
        put_config(out, &self.config);
        self.rng.state().iter().for_each(|word| put(out, *word));
        put(out, self.tick);
        put(out, self.next_id);
        for (key, player) in self.players() {
            put(out, key.0);
            put_player(out, player);
        }
        put(out, PlayerKey::NOBODY.0);
        put_list(out, &self.cells, |out, cell| {
            put(out, cell.id);
            put(out, cell.owner.0);
            put(out, cell.hue);
            put_vec2(out, cell.at);
            put_vec2(out, cell.boost);
            put(out, cell.mass);
            put(out, cell.age);
        });
        put_list(out, &self.pellets, |out, pellet| {
            put(out, pellet.id);
            put_vec2(out, pellet.at);
            put(out, pellet.hue);
        });
        put_list(out, &self.ejected, |out, piece| {
            put(out, piece.id);
            put_vec2(out, piece.at);
            put_vec2(out, piece.boost);
            put_vec2(out, piece.direction);
            put(out, piece.hue);
        });
        put_list(out, &self.viruses, |out, virus| {
            put(out, virus.id);
            put_vec2(out, virus.at);
            put_vec2(out, virus.boost);
            put(out, virus.fed);
        });
    }

    /// The world as it was when [`World::snapshot`] wrote these bytes; all of them must be used.
    ///
    /// # Errors
    /// The bytes are cut short, too many or impossible.
    pub fn restore(bytes: &[u8]) -> Result<Self, RestoreError> {
        let mut reader = Reader { rest: bytes };
        let world = read_world(&mut reader).ok_or_else(|| {
            RestoreError::new(format!(
                "impossible or missing at byte {}",
                bytes.len() - reader.rest.len()
            ))
        })?;
        if !reader.rest.is_empty() {
            return Err(RestoreError::new(format!(
                "{} bytes too many",
                reader.rest.len()
            )));
        }
        Ok(world)
    }
}

fn put_config(out: &mut Vec<u8>, config: &Config) {
    put(out, config.name.len() as u8);
    out.extend_from_slice(config.name.as_bytes());
    let Config {
        world_size,
        pellets,
        viruses,
        player_limit,
        bots_fill,
        mass_start,
        ..
    } = *config;
    let Config {
        view_half_height,
        view_half_height_max,
        seat_hold_ms,
        empty_ms,
        recording_bytes_max,
        ..
    } = *config;
    let world = [
        world_size,
        pellets,
        viruses,
        player_limit,
        bots_fill,
        mass_start,
    ];
    let room = [
        view_half_height,
        view_half_height_max,
        seat_hold_ms,
        empty_ms,
        recording_bytes_max,
    ];
    world.iter().chain(&room).for_each(|value| put(out, *value));
}

fn put_player(out: &mut Vec<u8>, player: &Player) {
    put(out, player.name.as_str().len() as u8);
    out.extend_from_slice(player.name.as_str().as_bytes());
    put(out, player.hue);
    put_vec2(out, player.target);
    put(out, player.splits);
    put(out, u8::from(player.eject));
    put(out, u8::from(player.spawn));
    put(out, player.eject_from_tick);
    match &player.life {
        Life::Watching => put(out, 0_u8),
        Life::Alive(record) => {
            put(out, 1_u8);
            put(out, record.since_tick);
            put(out, record.score_best);
            put(out, record.rank_best);
            put(out, record.eater.0);
        }
        Life::Dead { at, half_height } => {
            put(out, 2_u8);
            put_vec2(out, *at);
            put(out, *half_height);
        }
    }
    if let Some(brain) = &player.brain {
        put_vec2(out, brain.wander_to);
        put(out, brain.calm_until_tick);
        put(out, brain.spawn_from_tick);
    }
}

fn read_world(reader: &mut Reader<'_>) -> Option<World> {
    let config = read_config(reader)?;
    let rng = Rng::from_state([reader.get()?, reader.get()?, reader.get()?, reader.get()?]);
    let (slots, player_limit, size) = (
        config.slots(),
        config.player_limit as usize,
        config.world_size as f32,
    );
    let mut world = World::empty(config, rng);
    world.tick = reader.get().filter(|tick| *tick < TICK_MAX)?;
    world.next_id = reader.get().filter(|id| *id != 0)?;

    let mut key_next = 0;
    loop {
        let key = PlayerKey(reader.get()?);
        if key == PlayerKey::NOBODY {
            break;
        }
        if key.index() < key_next || key.index() >= slots {
            return None;
        }
        key_next = key.index() + 1;
        world.players[key.index()] = Some(read_player(
            reader,
            key.index() >= player_limit,
            world.tick,
        )?);
    }
    world.cells = reader.list(slots * CELLS_PER_PLAYER_MAX, |reader| {
        let (id, owner, hue) = (reader.get()?, PlayerKey(reader.get()?), reader.get()?);
        let (at, boost) = (reader.point(size)?, reader.vec2()?);
        let (mass, age) = (reader.get::<f32>()?, reader.get()?);
        let mut cell = Cell {
            id,
            owner,
            hue,
            at,
            boost,
            mass,
            radius: 0.0,
            age,
            gone: false,
        };
        cell.set_mass(mass);
        (mass > 0.0 && mass <= MASS_MAX).then_some(cell)
    })?;
    world.pellets = reader.list(world.config.pellets as usize, |reader| {
        Some(Pellet::new(
            reader.get()?,
            reader.point(size)?,
            reader.get()?,
        ))
    })?;
    world.ejected = reader.list(EJECTED_MAX, |reader| {
        let (id, at, boost, direction) = (
            reader.get()?,
            reader.point(size)?,
            reader.vec2()?,
            reader.vec2()?,
        );
        Some(Ejected {
            id,
            at,
            boost,
            direction,
            hue: reader.get()?,
            gone: false,
        })
    })?;
    world.viruses = reader.list(world.config.viruses as usize * 3, |reader| {
        let (id, at, boost) = (reader.get()?, reader.point(size)?, reader.vec2()?);
        let fed = reader.get()?;
        (fed < VIRUS_FEED).then_some(Virus {
            id,
            at,
            boost,
            fed,
            gone: false,
        })
    })?;
    let is_owned =
        |cell: &Cell| matches!(world.player(cell.owner), Some(player) if player.is_alive());
    if !world.cells.iter().all(is_owned) {
        return None;
    }
    world.reindex();
    let cell_count_fits =
        |key: usize| world.index.own(PlayerKey(key as u16)).len() <= CELLS_PER_PLAYER_MAX;
    (0..slots).all(cell_count_fits).then_some(world)
}

fn read_config(reader: &mut Reader<'_>) -> Option<Config> {
    Config {
        name: reader.text()?.to_owned(),
        world_size: reader.get()?,
        pellets: reader.get()?,
        viruses: reader.get()?,
        player_limit: reader.get()?,
        bots_fill: reader.get()?,
        mass_start: reader.get()?,
        view_half_height: reader.get()?,
        view_half_height_max: reader.get()?,
        seat_hold_ms: reader.get()?,
        empty_ms: reader.get()?,
        recording_bytes_max: reader.get()?,
    }
    .checked()
    .ok()
}

fn read_player(reader: &mut Reader<'_>, is_bot: bool, tick: u64) -> Option<Player> {
    let text = reader.text()?;
    let name = PlayerName::parse(text).filter(|name| name.as_str() == text)?;
    let mut player = Player::new(name, reader.get()?, None);
    player.target = reader.vec2()?;
    player.splits = reader
        .get::<u8>()
        .filter(|splits| *splits <= SPLITS_PER_TICK_MAX)?;
    player.eject = reader.flag()?;
    player.spawn = reader.flag()?;
    player.eject_from_tick = reader.get()?;
    player.life = match reader.get::<u8>()? {
        0 => Life::Watching,
        1 => Life::Alive(Record {
            since_tick: reader.get().filter(|since| *since <= tick)?,
            score_best: reader.get()?,
            rank_best: reader.get()?,
            eater: PlayerKey(reader.get()?),
        }),
        2 => Life::Dead {
            at: reader.vec2()?,
            half_height: reader.get()?,
        },
        _ => return None,
    };
    if is_bot {
        let (wander_to, calm_until_tick) = (reader.vec2()?, reader.get()?);
        player.brain = Some(Brain {
            wander_to,
            calm_until_tick,
            spawn_from_tick: reader.get()?,
        });
    }
    Some(player)
}

/// Ticks beyond this, which take longer than the sun lasts, are not believed.
const TICK_MAX: u64 = 1 << 60;

/// A number with a fixed width, little-endian.
trait Number: Sized {
    fn put(self, out: &mut Vec<u8>);
    fn get(reader: &mut Reader<'_>) -> Option<Self>;
}

macro_rules! number {
    ($($type:ty),*) => {$(
        impl Number for $type {
            fn put(self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }

            fn get(reader: &mut Reader<'_>) -> Option<Self> {
                reader.array().map(Self::from_le_bytes)
            }
        }
    )*};
}

number!(u8, u16, u32, u64);

impl Number for f32 {
    fn put(self, out: &mut Vec<u8>) {
        self.to_bits().put(out);
    }

    /// Only finite numbers are state.
    fn get(reader: &mut Reader<'_>) -> Option<Self> {
        reader
            .array()
            .map(Self::from_le_bytes)
            .filter(|value| value.is_finite())
    }
}

fn put(out: &mut Vec<u8>, number: impl Number) {
    number.put(out);
}

fn put_vec2(out: &mut Vec<u8>, vec2: Vec2) {
    put(out, vec2.x);
    put(out, vec2.y);
}

fn put_list<T>(out: &mut Vec<u8>, list: &[T], put_one: impl Fn(&mut Vec<u8>, &T)) {
    put(out, list.len() as u32);
    list.iter().for_each(|one| put_one(out, one));
}

/// Reads what the `put` functions wrote; `None` at the first byte that is missing or impossible.
struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(*taken)
    }

    fn get<T: Number>(&mut self) -> Option<T> {
        T::get(self)
    }

    fn flag(&mut self) -> Option<bool> {
        match self.get::<u8>()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    fn text(&mut self) -> Option<&'a str> {
        let length = self.get::<u8>()?;
        let (taken, rest) = self.rest.split_at_checked(usize::from(length))?;
        self.rest = rest;
        str::from_utf8(taken).ok()
    }

    fn vec2(&mut self) -> Option<Vec2> {
        Some(Vec2::new(self.get()?, self.get()?))
    }

    /// A point of the world.
    fn point(&mut self, size: f32) -> Option<Vec2> {
        self.vec2()
            .filter(|point| *point == point.clamped(0.0, size))
    }

    /// A list of at most `max` entries; allocates as it reads, so never beyond what the bytes hold.
    fn list<T>(&mut self, max: usize, read_one: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = self.get::<u32>()? as usize;
        (count <= max).then(|| (0..count).map(|_| read_one(self)).collect())?
    }
}
