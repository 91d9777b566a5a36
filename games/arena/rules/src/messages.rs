//! The bytes of `games/arena/PROTOCOL.md`: op codes, and all messages to clients but snapshots.

use core::cmp::Ordering;

use tagus_replication::Schema;

use crate::bodies::Vec2;
use crate::players::{Player, PlayerKey};
use crate::rules::TICK_RATE_HZ;
use crate::world::{Death, World};

/// Op codes.
pub mod op {
    /// From the client: head for a position.
    pub const STEER: i64 = 1;
    /// From the client: split.
    pub const SPLIT: i64 = 2;
    /// From the client: eject mass.
    pub const EJECT: i64 = 3;
    /// From the client: play.
    pub const SPAWN: i64 = 4;
    /// From the client: watch the largest player.
    pub const SPECTATE: i64 = 5;
    /// To the client: the world's properties.
    pub const WORLD: i64 = 16;
    /// To the client: a snapshot of what is in view.
    pub const VIEW: i64 = 17;
    /// To the client: names and colours.
    pub const PLAYERS: i64 = 18;
    /// To the client: the ten best.
    pub const BOARD: i64 = 19;
    /// To the client: the largest cells.
    pub const MINIMAP: i64 = 20;
    /// To the client: the end of a life.
    pub const DIED: i64 = 21;
}

/// The point of a position on the wire, in units.
pub(crate) fn point_of(x: u16, y: u16, size: f32) -> Vec2 {
    Vec2::new(
        f32::from(x) * size / 65_535.0,
        f32::from(y) * size / 65_535.0,
    )
}

/// Appends op 16 for this seat.
pub(crate) fn put_world(out: &mut Vec<u8>, world: &World, schema: &Schema, own: PlayerKey) {
    out.extend_from_slice(&world.size.to_le_bytes());
    out.push(TICK_RATE_HZ);
    out.extend_from_slice(&own.0.to_le_bytes());
    out.extend_from_slice(&(world.config.player_limit as u16).to_le_bytes());
    out.extend_from_slice(&(world.config.view_half_height as u16).to_le_bytes());
    out.extend_from_slice(&(world.config.view_half_height_max as u16).to_le_bytes());
    out.extend_from_slice(&schema.describe());
}

/// Appends op 18 with every player, which replaces what the client knew.
pub(crate) fn put_players_whole(out: &mut Vec<u8>, world: &World) {
    out.push(1);
    out.extend_from_slice(&(world.players().count() as u16).to_le_bytes());
    for (key, player) in world.players() {
        put_player(out, key, player);
    }
    out.extend_from_slice(&0_u16.to_le_bytes());
}

/// Appends op 18 for these keys: those who are there as rows, the others as gone.
pub(crate) fn put_players_change(out: &mut Vec<u8>, world: &World, keys: &[PlayerKey]) {
    let rows = keys
        .iter()
        .filter_map(|key| Some((*key, world.player(*key)?)));
    out.push(0);
    out.extend_from_slice(&(rows.clone().count() as u16).to_le_bytes());
    for (key, player) in rows {
        put_player(out, key, player);
    }
    let gone = keys.iter().filter(|key| world.player(**key).is_none());
    out.extend_from_slice(&(gone.clone().count() as u16).to_le_bytes());
    for key in gone {
        out.extend_from_slice(&key.0.to_le_bytes());
    }
}

fn put_player(out: &mut Vec<u8>, key: PlayerKey, player: &Player) {
    let name = player.name.as_str().as_bytes();
    out.extend_from_slice(&key.0.to_le_bytes());
    out.extend_from_slice(&[u8::from(player.is_bot()), player.hue, name.len() as u8]);
    out.extend_from_slice(name);
}

/// Appends op 19: the ten best, and how many play.
pub(crate) fn put_board(out: &mut Vec<u8>, world: &World) {
    let mut rows: Vec<(f32, PlayerKey)> = world
        .players()
        .filter(|(_, player)| player.is_alive())
        .map(|(key, _)| (world.index.total(key).mass, key))
        .collect();
    let order = |(mass_a, key_a): &(f32, PlayerKey), (mass_b, key_b): &(f32, PlayerKey)| {
        mass_b.total_cmp(mass_a).then(key_a.cmp(key_b))
    };
    let alive_count = rows.len() as u16;
    keep_first(&mut rows, BOARD_ROWS_MAX, order);
    out.push(rows.len() as u8);
    for (_, key) in rows {
        out.extend_from_slice(&key.0.to_le_bytes());
        out.extend_from_slice(&world.score(key).to_le_bytes());
    }
    out.extend_from_slice(&alive_count.to_le_bytes());
}

/// Appends op 20: the largest cells, largest first.
pub(crate) fn put_minimap(out: &mut Vec<u8>, world: &World) {
    let mut largest: Vec<usize> = (0..world.cells.len()).collect();
    let order = |a: &usize, b: &usize| {
        world.cells[*b]
            .mass
            .total_cmp(&world.cells[*a].mass)
            .then(a.cmp(b))
    };
    keep_first(&mut largest, MINIMAP_CELLS_MAX, order);
    let per_unit = 255.0 / world.size;
    let per_size = 255.0 / world.index.cell_radius_max.max(1.0);
    out.push(largest.len() as u8);
    for index in largest {
        let cell = &world.cells[index];
        let scaled = |value: f32, per: f32| (value * per + 0.5) as u8;
        let (x, y) = (scaled(cell.at.x, per_unit), scaled(cell.at.y, per_unit));
        out.extend_from_slice(&[x, y, cell.hue, scaled(cell.radius, per_size)]);
    }
}

/// Appends op 21.
pub(crate) fn put_died(out: &mut Vec<u8>, death: &Death) {
    out.extend_from_slice(&death.eater.0.to_le_bytes());
    out.extend_from_slice(&death.score_best.to_le_bytes());
    out.extend_from_slice(&death.ticks_alive.to_le_bytes());
    out.extend_from_slice(&death.rank_best.to_le_bytes());
}

/// The first of a list by this order, in order; the rest is dropped unsorted.
fn keep_first<T>(list: &mut Vec<T>, count: usize, order: impl Fn(&T, &T) -> Ordering) {
    if list.len() > count {
        list.select_nth_unstable_by(count, &order);
        list.truncate(count);
    }
    list.sort_unstable_by(&order);
}

/// Rows of the board.
const BOARD_ROWS_MAX: usize = 10;
/// Cells on the minimap.
const MINIMAP_CELLS_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::players::PlayerName;
    use tagus_base::Rng;

    #[test]
    fn positions_reach_both_ends() {
        let size = 6_000.0;
        for position in [0, 1, 32_768, 65_534, 65_535] {
            let point = point_of(position, position, size);
            assert!((0.0..=size).contains(&point.x));
            let back = (point.x * 65_535.0 / size + 0.5) as u16;
            assert_eq!(back, position);
        }
    }

    /// Two people, of whom the first plays with mass 20, and one bot behind them.
    fn world() -> World {
        let config = Config {
            world_size: 1_000,
            pellets: 0,
            viruses: 0,
            bots_fill: 3,
            player_limit: 2,
            ..Config::default()
        };
        let mut world = World::new(config, Rng::new(1));
        for (key, name) in [(0, "Ann"), (1, "Zo\u{eb}")] {
            assert!(world.join(PlayerKey(key), PlayerName::parse(name).unwrap()));
        }
        world.spawn(PlayerKey(0), 7, PlayerName::parse("Ann").unwrap());
        world.step();
        world
    }

    #[test]
    fn the_world_is_as_the_protocol_says() {
        let mut bytes = Vec::new();
        let world = world();
        let schema = crate::sight::schema(world.config()).unwrap();
        put_world(&mut bytes, &world, &schema, PlayerKey(1));
        let head = [0, 0, 0x7a, 0x44, 25, 1, 0, 2, 0, 0x1c, 2, 0x40, 6];
        assert_eq!(bytes[..13], head);
        assert_eq!(Schema::parse(&bytes[13..]), Ok(schema));
    }

    #[test]
    fn players_are_as_the_protocol_says() {
        let mut world = world();
        let bot = PlayerKey(2);
        let name = world.player(bot).unwrap().name.as_str().to_owned();
        let hue = world.player(bot).unwrap().hue;
        let ann = [&[0, 0, 0, 7, 3][..], b"Ann"].concat();
        let zoe = [&[1, 0, 0, 0, 4][..], "Zoë".as_bytes()].concat();
        let bot_row = [&[2, 0, 1, hue, name.len() as u8][..], name.as_bytes()].concat();

        let mut bytes = Vec::new();
        put_players_whole(&mut bytes, &world);
        assert_eq!(
            bytes,
            [&[1, 3, 0][..], &ann, &zoe, &bot_row, &[0, 0]].concat()
        );

        world.leave(PlayerKey(1));
        let mut bytes = Vec::new();
        put_players_change(&mut bytes, &world, &[PlayerKey(0), PlayerKey(1)]);
        assert_eq!(bytes, [&[0, 1, 0][..], &ann, &[1, 0, 1, 0]].concat());
    }

    #[test]
    fn the_board_is_as_the_protocol_says() {
        let mut world = world();
        world.cells[1].set_mass(300.4);
        world.reindex();
        let mut bytes = Vec::new();
        put_board(&mut bytes, &world);
        assert_eq!(bytes, [2, 2, 0, 44, 1, 0, 0, 0, 0, 20, 0, 0, 0, 2, 0]);
    }

    #[test]
    fn only_the_first_are_kept_in_order() {
        for count in [0, 1, 10, 63, 64, 65, 300] {
            let list: Vec<u32> = (0..count).map(|nth| nth * 7_919 % 301).collect();
            let mut sorted = list.clone();
            sorted.sort_unstable();
            sorted.truncate(64);
            let mut kept = list;
            keep_first(&mut kept, 64, Ord::cmp);
            assert_eq!(kept, sorted);
        }
    }

    #[test]
    fn the_minimap_is_as_the_protocol_says() {
        let mut world = world();
        for (cell, (x, y, mass)) in world
            .cells
            .iter_mut()
            .zip([(500.0, 1_000.0, 25.0), (0.0, 200.0, 100.0)])
        {
            cell.at = Vec2::new(x, y);
            cell.hue = 9;
            cell.set_mass(mass);
        }
        world.reindex();
        let mut bytes = Vec::new();
        put_minimap(&mut bytes, &world);
        assert_eq!(bytes, [2, 0, 51, 9, 255, 128, 255, 9, 128]);
    }

    #[test]
    fn a_death_is_as_the_protocol_says() {
        let death = Death {
            key: PlayerKey(0),
            eater: PlayerKey::NOBODY,
            score_best: 0x0403_0201,
            ticks_alive: 0x0807_0605,
            rank_best: 0x0a09,
        };
        let mut bytes = Vec::new();
        put_died(&mut bytes, &death);
        assert_eq!(bytes, [255, 255, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    }
}
