//! What is where, and whose: everything about the world that follows from its bodies, rebuilt from them.

use crate::bodies::{Cell, Ejected, Pellet, Vec2, Virus};
use crate::grid::Grid;
use crate::players::PlayerKey;

/// Lookups into the lists of bodies. Good until a list shrinks; bodies appended since are not in it.
#[derive(Clone, Debug)]
pub(crate) struct Index {
    pub(crate) cells: Grid,
    pub(crate) pellets: Grid,
    pub(crate) ejected: Grid,
    pub(crate) viruses: Grid,
    /// Radius of the largest cell; 0 without cells.
    pub(crate) cell_radius_max: f32,
    /// The alive player with the most mass, the lowest key among equals.
    pub(crate) leader: Option<PlayerKey>,
    totals: Vec<Total>,
    own_starts: Vec<u32>,
    own: Vec<u32>,
}

/// What the cells of one player are together.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Total {
    pub(crate) cell_count: usize,
    pub(crate) mass: f32,
    pub(crate) radius_sum: f32,
    /// Mean of the cells' centres, weighted by mass.
    pub(crate) centre: Vec2,
}

/// The masses of all players who are alive, the largest first.
#[derive(Debug, Default)]
pub(crate) struct Ranks {
    masses: Vec<f32>,
}

impl Ranks {
    /// Place of a player who is alive, 1-based; equals share the better place.
    pub(crate) fn rank(&self, total: &Total) -> u16 {
        1 + self.masses.partition_point(|mass| *mass > total.mass) as u16
    }
}

impl Total {
    /// The mass as a whole number of points.
    pub(crate) fn score(&self) -> u32 {
        (self.mass + 0.5) as u32
    }
}

impl Index {
    /// An index of an empty world of this size and so many keys.
    pub(crate) fn new(size: f32, slots: usize) -> Self {
        Self {
            cells: Grid::new(size),
            pellets: Grid::new(size),
            ejected: Grid::new(size),
            viruses: Grid::new(size),
            cell_radius_max: 0.0,
            leader: None,
            totals: vec![Total::default(); slots],
            own_starts: vec![0; slots + 1],
            own: Vec::new(),
        }
    }

    pub(crate) fn rebuild_food(
        &mut self,
        pellets: &[Pellet],
        ejected: &[Ejected],
        viruses: &[Virus],
    ) {
        self.pellets.rebuild(pellets, |pellet| pellet.at);
        self.ejected.rebuild(ejected, |piece| piece.at);
        self.viruses.rebuild(viruses, |virus| virus.at);
    }

    pub(crate) fn rebuild_cells(&mut self, cells: &[Cell]) {
        self.cells.rebuild(cells, |cell| cell.at);
        self.cell_radius_max = cells.iter().map(|cell| cell.radius).fold(0.0, f32::max);
        self.rebuild_owners(cells);
    }

    /// Only who owns which cells, and what they are together.
    pub(crate) fn rebuild_owners(&mut self, cells: &[Cell]) {
        self.own_starts.fill(0);
        self.totals.fill(Total::default());
        for cell in cells {
            let owner = cell.owner.index();
            self.own_starts[owner + 1] += 1;
            let total = &mut self.totals[owner];
            total.cell_count += 1;
            total.mass += cell.mass;
            total.radius_sum += cell.radius;
            total.centre = total.centre.plus(cell.at, cell.mass);
        }
        let mut sum = 0;
        for start in &mut self.own_starts {
            sum += *start;
            *start = sum;
        }
        self.own.clear();
        self.own.resize(cells.len(), 0);
        for (index, cell) in cells.iter().enumerate() {
            let place = &mut self.own_starts[cell.owner.index()];
            self.own[*place as usize] = index as u32;
            *place += 1;
        }
        let last = self.own_starts.len() - 1;
        self.own_starts.copy_within(0..last, 1);
        self.own_starts[0] = 0;

        self.leader = None;
        let mut mass_max = 0.0;
        for (key, total) in self.totals.iter_mut().enumerate() {
            if total.cell_count == 0 {
                continue;
            }
            total.centre = total.centre.times(1.0 / total.mass);
            if total.mass > mass_max {
                mass_max = total.mass;
                self.leader = Some(PlayerKey(key as u16));
            }
        }
    }

    /// Indexes of a player's cells, oldest first.
    pub(crate) fn own(&self, key: PlayerKey) -> &[u32] {
        let range =
            self.own_starts[key.index()] as usize..self.own_starts[key.index() + 1] as usize;
        &self.own[range]
    }

    pub(crate) fn total(&self, key: PlayerKey) -> &Total {
        &self.totals[key.index()]
    }

    /// Counts a cell that a burst made, until the next rebuild.
    pub(crate) fn count_cell_made(&mut self, key: PlayerKey) {
        self.totals[key.index()].cell_count += 1;
    }

    /// Counts a cell that is gone, until the next rebuild.
    pub(crate) fn count_cell_gone(&mut self, key: PlayerKey) {
        self.totals[key.index()].cell_count -= 1;
    }

    /// The places of all, where many are asked for.
    pub(crate) fn ranks(&self) -> Ranks {
        let masses = self.totals.iter().map(|total| total.mass);
        let mut masses: Vec<f32> = masses.filter(|mass| *mass > 0.0).collect();
        masses.sort_unstable_by(|a, b| b.total_cmp(a));
        Ranks { masses }
    }

    /// Place of a player by mass, 1-based; equals share the better place.
    pub(crate) fn rank(&self, key: PlayerKey) -> u16 {
        let mass = self.total(key).mass;
        1 + self.totals.iter().filter(|total| total.mass > mass).count() as u16
    }
}
