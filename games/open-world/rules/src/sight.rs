//! What people see of the world: snapshots of what is near them.

use tagus_base::{SeatIndex, Tick};
use tagus_replication::{Grid, Kind, KindIndex, Schema, SchemaError, View, Viewer, World};
use tagus_room::Encoder;

use crate::config::Config;
use crate::game::{OpenWorld, op};

/// Encodes one open world. Everybody is a point; what is near is told in tenths of a unit.
pub(crate) struct Sight {
    world: World,
    /// By seat; none where there is no connection.
    viewers: Vec<Option<Viewer>>,
    half: f64,
}

/// What the people of an open world are made of.
///
/// # Errors
/// The numbers of the [`Config`] make no grid, for example one of too many cells.
pub fn schema(config: &Config) -> Result<Schema, SchemaError> {
    let size = f64::from(config.size);
    let cell = (f64::from(config.view) / CELLS_IN_VIEW).min(size);
    let grid = Grid {
        min: [0.0, 0.0],
        size: [size, size],
        step: STEP,
        cell,
        margin: cell / 16.0,
    };
    let walker = Kind::new("walker");
    Schema::new(&grid, vec![walker], 1)
}

impl Sight {
    pub(crate) fn new(schema: Schema, config: &Config) -> Self {
        Self {
            world: World::new(schema),
            viewers: Vec::new(),
            half: f64::from(config.view) / 2.0,
        }
    }

    fn viewer(&mut self, seat: SeatIndex) -> &mut Option<Viewer> {
        let index = usize::from(seat.0);
        if self.viewers.len() <= index {
            self.viewers.resize_with(index + 1, || None);
        }
        &mut self.viewers[index]
    }
}

impl Encoder<OpenWorld> for Sight {
    fn tick(&mut self, game: &OpenWorld, tick: Tick) {
        self.world.begin(tick);
        for (seat, walker) in game.world().walkers() {
            let at = [f64::from(walker.x), f64::from(walker.y)];
            self.world.put(u32::from(seat.0), WALKER, &at);
        }
        self.world.remove_absent();
        self.world.end();
    }

    fn opened(&mut self, viewer: SeatIndex) {
        *self.viewer(viewer) = Some(Viewer::new());
    }

    fn closed(&mut self, viewer: SeatIndex) {
        *self.viewer(viewer) = None;
    }

    fn view(&mut self, game: &OpenWorld, viewer: SeatIndex, out: &mut Vec<u8>) -> Option<i64> {
        let walker = game.world().walker(viewer)?;
        let viewer_index = usize::from(viewer.0);
        let seen = self.viewers.get_mut(viewer_index)?.as_mut()?;
        let view = View {
            centre: [f64::from(walker.x), f64::from(walker.y)],
            half: [self.half, self.half],
            mask: u32::MAX,
            own_id: Some(u32::from(viewer.0)),
            last_input: 0,
            own: &[],
            bytes_max: SNAPSHOT_BYTES_MAX,
            entities_max: usize::MAX,
        };
        seen.encode(&mut self.world, &view, out);
        Some(op::SNAPSHOT)
    }
}

const WALKER: KindIndex = KindIndex(0);
/// What a position is rounded to, in units.
const STEP: f64 = 0.1;
/// Cells along the side of a view.
const CELLS_IN_VIEW: f64 = 4.0;
/// Cells that are further away wait for the next snapshot once one is so long.
const SNAPSHOT_BYTES_MAX: usize = 16 * 1_024;
