//! What a client of the Agar protocol is told: little-endian frames whose first byte says what they are.

use std::collections::BTreeMap;

use serde_json::json;

use super::Seated;
use super::dialect::{Dialect, IS_EJECTED, IS_SPIKED, Looks};
use crate::players::PlayerKey;
use crate::rules::{EJECTED_MASS, PELLET_RADIUS, TICK_RATE_HZ, radius_of, zoom_of};
use crate::view::Own;

/// A body as the client was told of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Known {
    x: i32,
    y: i32,
    size: u16,
    kind: Kind,
    hue: u8,
    owner: u16,
    name: String,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Cell,
    Virus,
    Ejected,
    Pellet,
}

impl Seated {
    /// Appends the frames of one tick: cells that have become the client's own, where it looks, and what has changed.
    pub(super) fn tell(&mut self, own: Own, to_client: &mut Vec<Vec<u8>>) {
        let now = self.bodies();
        let before = std::mem::take(&mut self.known);
        let mut came = Vec::new();
        let mut changed = Vec::new();
        for (id, body) in &now {
            match before.get(id) {
                None => {
                    if body.kind == Kind::Cell && body.owner == self.own {
                        to_client.push([&[OP_OWN_CELL][..], &id.to_le_bytes()].concat());
                    }
                    self.put_record(&mut came, *id, body, None);
                }
                Some(known) if known != body => {
                    self.put_record(&mut changed, *id, body, Some(known));
                }
                Some(_) => {}
            }
        }
        if !own.alive && own.followed != PlayerKey::NOBODY {
            to_client.push(self.spectated(own.followed, &now));
        }
        let gone: Vec<(&u32, &Known)> = before
            .iter()
            .filter(|(id, _)| !now.contains_key(id))
            .collect();
        let mut frame = vec![OP_UPDATE];
        put_eaten(&mut frame, &gone, &now);
        frame.append(&mut came);
        frame.append(&mut changed);
        frame.extend_from_slice(&0_u32.to_le_bytes());
        self.dialect.put_gone_count(&mut frame, count_of(&gone));
        for (id, _) in gone.iter().take(LIST_MAX) {
            frame.extend_from_slice(&id.to_le_bytes());
        }
        to_client.push(frame);
        self.known = now;
    }

    fn bodies(&self) -> BTreeMap<u32, Known> {
        let mut bodies = BTreeMap::new();
        for seen in self.replica.entities() {
            let value = |index| seen.value(index).unwrap_or_default();
            let pellet = f64::from(PELLET_RADIUS);
            let ejected = f64::from(radius_of(EJECTED_MASS));
            let (kind, radius, hue, owner) = match seen.kind.0 {
                0 => (Kind::Cell, value(2), value(3), value(4) as u16),
                1 => (Kind::Virus, value(2), 0.0, u16::MAX),
                2 => (Kind::Ejected, ejected, value(2), u16::MAX),
                _ => (Kind::Pellet, pellet, value(2), u16::MAX),
            };
            let name = match kind {
                Kind::Cell => self.name(owner).to_owned(),
                Kind::Virus | Kind::Ejected | Kind::Pellet => String::new(),
            };
            let body = Known {
                x: value(0) as i32,
                y: value(1) as i32,
                size: (radius + 0.5) as u16,
                kind,
                hue: hue as u8,
                owner,
                name,
            };
            bodies.insert(seen.id, body);
        }
        bodies
    }

    /// A body, and as what the client knows it.
    fn put_record(&self, out: &mut Vec<u8>, id: u32, body: &Known, before: Option<&Known>) {
        out.extend_from_slice(&id.to_le_bytes());
        out.extend_from_slice(&body.x.to_le_bytes());
        out.extend_from_slice(&body.y.to_le_bytes());
        out.extend_from_slice(&body.size.to_le_bytes());
        let is_named = before.is_none_or(|before| before.name != body.name);
        let looks = Looks {
            kind: match body.kind {
                Kind::Virus => IS_SPIKED,
                Kind::Ejected => IS_EJECTED,
                Kind::Cell | Kind::Pellet => 0,
            },
            colour: match body.kind {
                Kind::Virus => VIRUS_COLOUR,
                Kind::Cell | Kind::Ejected | Kind::Pellet => colour_of(body.hue),
            },
            is_new: before.is_none(),
            name: is_named.then_some(&body.name),
        };
        self.dialect.put_looks(out, &looks);
    }

    /// Where somebody looks who follows another: the mean of that player's cells, and the scale of the picture.
    fn spectated(&self, followed: PlayerKey, now: &BTreeMap<u32, Known>) -> Vec<u8> {
        let cells = now.values().filter(|body| body.owner == followed.0);
        let (mut count, mut x, mut y, mut radii) = (0.0, 0.0, 0.0, 0.0);
        for cell in cells {
            count += 1.0;
            x += cell.x as f32;
            y += cell.y as f32;
            radii += f32::from(cell.size);
        }
        let count = f32::max(count, 1.0);
        let mut frame = vec![OP_CAMERA];
        for value in [x / count, y / count, 1.0 / zoom_of(radii)] {
            frame.extend_from_slice(&value.to_le_bytes());
        }
        frame
    }
}

/// Who ate what: what is gone, and lies inside somebody larger, was eaten by the nearest of those.
fn put_eaten(out: &mut Vec<u8>, gone: &[(&u32, &Known)], now: &BTreeMap<u32, Known>) {
    let eaters: Vec<(&u32, &Known)> = now
        .iter()
        .filter(|(_, body)| matches!(body.kind, Kind::Cell | Kind::Virus))
        .collect();
    let distance = |one: &Known, other: &Known| {
        let [x, y] = [one.x - other.x, one.y - other.y].map(i64::from);
        x * x + y * y
    };
    let eaten: Vec<(u32, u32)> = gone
        .iter()
        .filter_map(|(id, prey)| {
            let holds = |eater: &Known| {
                let reach = i64::from(eater.size);
                eater.size > prey.size && distance(eater, prey) <= reach * reach
            };
            let eater = eaters.iter().filter(|(_, eater)| holds(eater));
            let (eater, _) = eater.min_by_key(|(_, eater)| distance(eater, prey))?;
            Some((**eater, **id))
        })
        .collect();
    out.extend_from_slice(&count_of(&eaten).to_le_bytes());
    for (eater, prey) in eaten.iter().take(LIST_MAX) {
        out.extend_from_slice(&eater.to_le_bytes());
        out.extend_from_slice(&prey.to_le_bytes());
    }
}

/// The border of the map, and what this server is called.
pub(super) fn border(dialect: Dialect, size: f32) -> Vec<u8> {
    let mut frame = vec![OP_BORDER];
    for side in [0.0, 0.0, f64::from(size), f64::from(size)] {
        frame.extend_from_slice(&side.to_le_bytes());
    }
    frame.extend_from_slice(&FREE_FOR_ALL.to_le_bytes());
    dialect.put_text(&mut frame, SERVER_NAME);
    frame
}

/// How the server is, as far as a seat knows.
pub(super) fn statistics(seat: &Seated) -> Vec<u8> {
    let players = seat.names.len();
    let statistics = json!({
        "name": SERVER_NAME,
        "mode": "FFA",
        "gamemode": "FFA",
        "update": 1_000.0 / f64::from(TICK_RATE_HZ),
        "playersTotal": players,
        "external": players,
    });
    let mut frame = vec![OP_STATISTICS];
    seat.dialect.put_text(&mut frame, &statistics.to_string());
    frame
}

/// How many of a list are told.
fn count_of<T>(list: &[T]) -> u16 {
    list.len().min(LIST_MAX) as u16
}

/// Around the circle, with one channel full and one nearly empty.
fn colour_of(hue: u8) -> [u8; 3] {
    let (part, rest) = (u16::from(hue) * 6 / 256, u16::from(hue) * 6 % 256);
    let low = u16::from(DARKEST);
    let rising = (low + rest * (255 - low) / 255) as u8;
    let falling = (255 - rest * (255 - low) / 255) as u8;
    match part {
        0 => [255, rising, DARKEST],
        1 => [falling, 255, DARKEST],
        2 => [DARKEST, 255, rising],
        3 => [DARKEST, falling, 255],
        4 => [rising, DARKEST, 255],
        _ => [255, DARKEST, falling],
    }
}

const OP_UPDATE: u8 = 16;
const OP_CAMERA: u8 = 17;
const OP_OWN_CELL: u8 = 32;
pub(super) const OP_BOARD: u8 = 49;
const OP_BORDER: u8 = 64;
const OP_STATISTICS: u8 = 254;
const VIRUS_COLOUR: [u8; 3] = [0x33, 0xff, 0x33];
const DARKEST: u8 = 0x10;
const FREE_FOR_ALL: u32 = 0;
const SERVER_NAME: &str = "Tagus";
/// Ids in a list at most; a replica has no more bodies.
const LIST_MAX: usize = u16::MAX as usize;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_go_around_the_circle() {
        assert_eq!(colour_of(0), [255, 16, 16]);
        for hue in 0..=255 {
            let mut colour = colour_of(hue);
            colour.sort_unstable();
            assert_eq!([colour[0], colour[2]], [16, 255], "{hue}");
        }
    }

    #[test]
    fn the_border_is_as_the_protocol_says() {
        let frame = border(Dialect::Utf8, 6_000.0);
        assert_eq!(frame.len(), 1 + 4 * 8 + 4 + 6);
        assert_eq!(frame[0], 64);
        assert_eq!(frame[1..17], [0; 16]);
        assert_eq!(frame[17..25], [0, 0, 0, 0, 0, 0x70, 0xb7, 0x40]);
        assert_eq!(frame[33..], *b"\0\0\0\0Tagus\0");
        let old = border(Dialect::Utf16, 6_000.0);
        assert_eq!(old[..37], frame[..37]);
        assert_eq!(old[37..], *b"T\0a\0g\0u\0s\0\0\0");
    }
}
