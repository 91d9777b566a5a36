//! What the viewers of an arena are sent: snapshots that share what they have in common.

use tagus_base::{SeatIndex, Tick};
use tagus_replication::{Field, Grid, Kind, KindIndex, Schema, SchemaError, View, Viewer};
use tagus_room::Encoder;

use crate::bodies::Vec2;
use crate::config::Config;
use crate::game::Arena;
use crate::messages::op;
use crate::players::PlayerKey;
use crate::rules::MASS_MAX;
use crate::view::VIEW_ASPECT;
use crate::world::World;

/// Encodes one arena for all who see it.
///
/// Once a tick [`Sight::tick`]; then [`Sight::view`] for each viewer whose last snapshot was sent wholly.
#[derive(Debug)]
pub struct Sight {
    shared: tagus_replication::World,
    /// Cells, viruses, ejected pieces and pellets.
    told: [Told; 4],
    /// By seat; none where there is no connection.
    viewers: Vec<Option<Viewer>>,
    /// Cells that are larger than [`REACH`].
    giants: Vec<(Vec2, f32)>,
    /// Places as of the last board, by key; 0 for who is not alive.
    ranks: Vec<u16>,
    /// Seconds of the world's time at which `ranks` were made.
    ranks_second: Option<u64>,
    own: Vec<u8>,
}

/// The bodies of one list of the world as of the last tick, in its order.
#[derive(Debug, Default)]
struct Told {
    ids: Vec<u32>,
    /// Those of this tick, as far as they were told.
    next: Vec<u32>,
    /// Where the rest of `ids` begins.
    at: usize,
}

impl Told {
    /// Whether the list's next body is new. What was between it and the one before is gone, and is removed:
    /// in the world's lists those that stay keep their order, and new ones come last.
    /// Any other order costs more and comes out the same.
    fn is_new(&mut self, id: u32, shared: &mut tagus_replication::World) -> bool {
        self.next.push(id);
        while let Some(known) = self.ids.get(self.at) {
            self.at += 1;
            if *known == id {
                return false;
            }
            shared.remove(*known);
        }
        true
    }

    /// The list has no more.
    fn end(&mut self, shared: &mut tagus_replication::World) {
        for gone in self.ids.drain(..).skip(self.at) {
            shared.remove(gone);
        }
        std::mem::swap(&mut self.ids, &mut self.next);
        self.at = 0;
    }
}

/// What the bodies of an arena are made of.
///
/// # Errors
/// The numbers of the [`Config`] make no grid.
pub fn schema(config: &Config) -> Result<Schema, SchemaError> {
    let size = f64::from(config.world_size);
    let view_width = f64::from(config.view_half_height) * 2.0 * f64::from(VIEW_ASPECT);
    let side = (view_width / SQUARES_IN_VIEW)
        .max(size / SQUARES_PER_SIDE_MAX)
        .min(size);
    let grid = Grid {
        min: [0.0, 0.0],
        size: [size, size],
        step: STEP,
        cell: side,
        margin: side / 16.0,
    };
    let radius_max = f64::from(crate::rules::radius_of(MASS_MAX));
    let radius = || Field::real("radius", 0.0..=radius_max, STEP).group(1);
    let hue = || Field::whole("hue", 0..=255).group(2);
    let owner_max = (config.slots() as u32).saturating_sub(1).max(1);
    let cell = Kind::new("cell")
        .field(radius())
        .field(hue())
        .field(Field::whole("owner", 0..=owner_max).group(2));
    let virus = Kind::new("virus").field(radius());
    let ejected = Kind::new("ejected").field(hue());
    let pellet = Kind::new("pellet").field(hue());
    Schema::new(&grid, vec![cell, virus, ejected, pellet], 1)
}

impl Sight {
    /// An encoder that has not told anybody anything.
    #[must_use]
    pub fn new(schema: Schema) -> Self {
        Self {
            shared: tagus_replication::World::new(schema),
            told: Default::default(),
            viewers: Vec::new(),
            giants: Vec::new(),
            ranks: Vec::new(),
            ranks_second: None,
            own: Vec::new(),
        }
    }

    /// Takes the world as it is after this tick.
    pub fn tick(&mut self, world: &World, tick: Tick) {
        let shared = &mut self.shared;
        shared.begin(tick);
        let place = |at: Vec2| (f64::from(at.x), f64::from(at.y));
        let [cells, viruses, ejected, pellets] = &mut self.told;
        self.giants.clear();
        for cell in &world.cells {
            cells.is_new(cell.id, shared);
            let ((x, y), radius) = (place(cell.at), f64::from(cell.radius));
            let (hue, owner) = (f64::from(cell.hue), f64::from(cell.owner.0));
            shared.put(cell.id, CELL, &[x, y, radius, hue, owner]);
            if cell.radius > REACH {
                self.giants.push((cell.at, cell.radius));
            }
        }
        for virus in &world.viruses {
            viruses.is_new(virus.id, shared);
            let (x, y) = place(virus.at);
            shared.put(virus.id, VIRUS, &[x, y, f64::from(virus.radius())]);
        }
        for piece in &world.ejected {
            ejected.is_new(piece.id, shared);
            let (x, y) = place(piece.at);
            shared.put(piece.id, EJECTED, &[x, y, f64::from(piece.hue)]);
        }
        for pellet in &world.pellets {
            // Most bodies are pellets, and a pellet never changes.
            if pellets.is_new(pellet.id, shared) {
                let (x, y) = place(pellet.at);
                shared.put(pellet.id, PELLET, &[x, y, f64::from(pellet.hue)]);
            }
        }
        for list in &mut self.told {
            list.end(shared);
        }
        shared.end();
        self.judge(world);
    }

    /// Keeps the places as of the last board: told every tick they would be most of a snapshot.
    fn judge(&mut self, world: &World) {
        let second = Some(world.board_number());
        if self.ranks_second == second {
            return;
        }
        self.ranks_second = second;
        let ranks = world.index.ranks();
        let rank = |slot: usize| match world.index.total(PlayerKey(slot as u16)) {
            total if total.cell_count > 0 => ranks.rank(total),
            _ => 0,
        };
        self.ranks.clear();
        self.ranks.extend((0..world.players.len()).map(rank));
    }

    /// A connection took this seat: it has nothing yet.
    pub fn open(&mut self, viewer: PlayerKey) {
        let index = viewer.index();
        if self.viewers.len() <= index {
            self.viewers.resize_with(index + 1, || None);
        }
        self.viewers[index] = Some(Viewer::new());
    }

    /// The seat has no connection any more.
    pub fn close(&mut self, viewer: PlayerKey) {
        if let Some(place) = self.viewers.get_mut(viewer.index()) {
            *place = None;
        }
    }

    /// Appends what this player is sent. False, and nothing is appended, for who was not opened or does not play.
    pub fn view(&mut self, world: &World, viewer: PlayerKey, out: &mut Vec<u8>) -> bool {
        let Some(Some(sent)) = self.viewers.get_mut(viewer.index()) else {
            return false;
        };
        let Some(camera) = world.camera_of(viewer) else {
            return false;
        };
        self.own.clear();
        let rank = self.ranks.get(viewer.index()).copied().unwrap_or_default();
        camera.put_own(rank * u16::from(camera.alive), world.size, &mut self.own);
        let screen = camera.rect();
        let mut seen = screen.grown(REACH);
        for (at, radius) in &self.giants {
            if screen.touches(*at, *radius) {
                seen = seen.with(*at);
            }
        }
        if camera.followed != PlayerKey::NOBODY {
            for index in world.index.own(camera.followed) {
                seen = seen.with(world.cells[*index as usize].at);
            }
        }
        let middle = |low: f32, high: f32| f64::from(low + high) / 2.0;
        let half = |low: f32, high: f32| f64::from(high - low) / 2.0;
        let view = View {
            centre: [
                middle(seen.min.x, seen.max.x),
                middle(seen.min.y, seen.max.y),
            ],
            half: [half(seen.min.x, seen.max.x), half(seen.min.y, seen.max.y)],
            mask: u32::MAX,
            own_id: None,
            last_input: 0,
            own: &self.own,
            bytes_max: SNAPSHOT_BYTES_MAX,
            entities_max: ENTITIES_MAX,
        };
        sent.encode(&mut self.shared, &view, out);
        true
    }
}

impl Encoder<Arena> for Sight {
    fn tick(&mut self, game: &Arena, tick: Tick) {
        Self::tick(self, game.world(), tick);
    }

    fn opened(&mut self, viewer: SeatIndex) {
        self.open(PlayerKey(viewer.0));
    }

    fn closed(&mut self, viewer: SeatIndex) {
        self.close(PlayerKey(viewer.0));
    }

    fn view(&mut self, game: &Arena, viewer: SeatIndex, out: &mut Vec<u8>) -> Option<i64> {
        Self::view(self, game.world(), PlayerKey(viewer.0), out).then_some(op::VIEW)
    }
}

const CELL: KindIndex = KindIndex(0);
const VIRUS: KindIndex = KindIndex(1);
const EJECTED: KindIndex = KindIndex(2);
const PELLET: KindIndex = KindIndex(3);
/// What positions and radii are rounded to, in units.
const STEP: f64 = 0.5;
/// Squares of the grid along the width of the smallest view.
const SQUARES_IN_VIEW: f64 = 3.0;
/// Squares along the world at most: in large worlds with small views they are larger.
const SQUARES_PER_SIDE_MAX: f64 = 200.0;
/// How far beyond the screen everything is told, in units: of what is not larger, what reaches into it is seen whole.
/// For larger cells that touch the screen the view is stretched to their centre.
const REACH: f32 = 120.0;
/// Squares that are further away wait for the next snapshot once one is so long.
const SNAPSHOT_BYTES_MAX: usize = 16 * 1_024;
/// Bodies that somebody sees at most, roughly; in a crowd the farthest ones wait.
const ENTITIES_MAX: usize = 4_000;

#[cfg(test)]
mod tests {
    use tagus_base::Rng;

    use super::*;

    #[test]
    fn lists_in_any_order_are_told_wholly() {
        let mut shared = tagus_replication::World::new(schema(&Config::default()).unwrap());
        let mut told = Told::default();
        let mut rng = Rng::new(1);
        let mut bodies: Vec<u32> = Vec::new();
        for tick in 1..=500 {
            // As in the world; but now and then in another order, or none are left.
            bodies.retain(|_| rng.below(4) > 0);
            bodies.extend((0..rng.below(8)).map(|number| tick * 8 + number));
            match rng.below(10) {
                0 => bodies.reverse(),
                1 => bodies.clear(),
                _ => {}
            }
            shared.begin(Tick(tick.into()));
            for id in &bodies {
                if told.is_new(*id, &mut shared) {
                    shared.put(*id, PELLET, &[1.0, 1.0, 0.0]);
                }
            }
            told.end(&mut shared);
            shared.end();
            assert_eq!(shared.len(), bodies.len(), "tick {tick}");
            assert_eq!(told.ids, bodies);
        }
    }
}
