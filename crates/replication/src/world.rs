//! The server's side of a room's entities: quantised once a frame, kept in cells, each cell's change encoded once.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::mem;

use hashbrown::HashMap;
use tagus_base::Tick;

use crate::axis::{Axis, FRACTION_BITS};
use crate::cell::{Cell, EVERYWHERE, Entity, Table};
use crate::past::Past;
use crate::schema::{KindIndex, Schema};
use crate::sight::Open;
use crate::slot_viewer::Workshop;

/// What all viewers of one room share. It is outside the room's state: lose it, and every viewer starts anew.
///
/// Once a frame: [`begin`](Self::begin), then [`put`](Self::put) every entity that is or may be new or changed and
/// [`remove`](Self::remove) what is gone, or put all that are there and [`remove_absent`](Self::remove_absent),
/// then [`end`](Self::end). After that each viewer is encoded by [`crate::Viewer::encode`], in any order.
#[derive(Debug)]
pub struct World {
    schema: Schema,
    tick: Tick,
    /// Counted from 1; 0 before the first.
    frame: u64,
    /// Frames before this one cannot be continued.
    frame_first: u64,
    ids: HashMap<u32, u32>,
    pub(crate) table: Table,
    past: Past,
    /// Squares first, by their index; then the one for all; then those of masks.
    cells: Vec<Cell>,
    /// The cells under masks, by square and mask.
    masked: BTreeMap<(u32, u32), u32>,
    cells_free: Vec<u32>,
    /// Counts changes of `masked`.
    layout: u64,
    ring: [Deltas; RING],
    /// Whole cells as of this frame, as far as somebody asked.
    wholes: Vec<u8>,
    /// What viewers need while they are encoded.
    scratch: Vec<(u32, Open)>,
    pub(crate) workshop: Workshop,
    /// By slot; see [`stamp`](Self::stamp).
    pub(crate) stamps: Vec<u64>,
    /// Cells with this mark are in the list that was marked last.
    mark: u64,
}

/// The deltas of all cells into one frame.
#[derive(Debug, Default)]
struct Deltas {
    bytes: Vec<u8>,
    /// Begin and end in `bytes`, by cell; equal when there is no news.
    ranges: Vec<(u32, u32)>,
}

impl World {
    /// An empty world.
    #[must_use]
    pub fn new(schema: Schema) -> Self {
        let squares = schema.squares.count();
        let cells = (0..squares)
            .map(|square| Cell::of_square(&schema.squares, square, u32::MAX))
            .chain([Cell::everywhere(u32::MAX)]);
        Self {
            tick: Tick(0),
            frame: 0,
            frame_first: 1,
            ids: HashMap::new(),
            table: Table::new(schema.fields_max()),
            past: Past::default(),
            cells: cells.collect(),
            masked: BTreeMap::new(),
            cells_free: Vec::new(),
            layout: 0,
            ring: Default::default(),
            wholes: Vec::new(),
            scratch: Vec::new(),
            workshop: Workshop::default(),
            stamps: Vec::new(),
            mark: 0,
            schema,
        }
    }

    /// What the entities are made of.
    #[must_use]
    pub const fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The tick of the last frame.
    #[must_use]
    pub const fn tick(&self) -> Tick {
        self.tick
    }

    /// Entities that are there.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Nothing is there.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Begins the frame of this tick. When it is not [`Schema::frame_ticks`] ticks after the last one,
    /// every viewer starts anew.
    pub fn begin(&mut self, tick: Tick) {
        let expected = self.tick.0 + u64::from(self.schema.frame_ticks);
        self.frame += 1;
        self.table.frame = self.frame;
        if tick.0 != expected {
            self.frame_first = self.frame;
        }
        self.tick = tick;
    }

    /// An entity is there, new or not, with these values: x, y and then the fields of its kind in order.
    /// Missing values keep their level, or are the lowest when the entity is new.
    /// Seen by everybody. An unknown kind is ignored.
    /// What leaps is best put under a new id, so that no client draws it on its way.
    #[inline]
    pub fn put(&mut self, id: u32, kind: KindIndex, values: &[f64]) {
        self.put_masked(id, kind, u32::MAX, values);
    }

    /// [`put`](Self::put) of an entity that only those see who share a bit with `mask`: a team's, or what is not in the fog.
    /// Each mask within a square is a cell of its own, so few masks are cheaper than many.
    pub fn put_masked(&mut self, id: u32, kind: KindIndex, mask: u32, values: &[f64]) {
        if usize::from(kind.0) >= self.schema.kinds.len() {
            return;
        }
        let mut known = self.ids.get(&id).copied();
        if known.is_some_and(|slot| self.table.entities[slot as usize].kind != kind.0) {
            self.remove(id);
            known = None;
        }
        let slot = known.unwrap_or_else(|| {
            let slot = self.table.take_slot(id, kind.0);
            self.ids.insert(id, slot);
            slot
        });
        let shape = &self.schema.kinds[usize::from(kind.0)];
        let next = self.table.next_mut(slot);
        for ((level, field), value) in next.iter_mut().zip(&shape.fields).zip(values) {
            *level = field.next_of(*value);
        }
        let at = [next[0] >> FRACTION_BITS, next[1] >> FRACTION_BITS];
        let entity = &mut self.table.entities[slot as usize];
        entity.put_frame = self.frame;
        let has_cell = known.is_some() && entity.mask == mask;
        let everywhere = shape.everywhere;
        if !has_cell || !(everywhere || entity.is_within(&self.schema.squares, at)) {
            self.settle(slot, mask, everywhere, at);
        }
    }

    /// Gives an entity its cell.
    fn settle(&mut self, slot: u32, mask: u32, everywhere: bool, [x, y]: [u32; 2]) {
        let squares = &self.schema.squares;
        let square = match everywhere {
            true => EVERYWHERE,
            false => squares.square_at(x, y),
        };
        let cell = self.cell_of(square, mask);
        let old = self.table.entities[slot as usize].cell;
        if old == cell {
            return;
        }
        if let Some(old) = self.cells.get_mut(old as usize) {
            old.is_leaving = true;
        }
        let entity = &mut self.table.entities[slot as usize];
        entity.cell = cell;
        entity.mask = mask;
        entity.corner = self.cells[cell as usize].corner;
        self.cells[cell as usize].entering.push(slot);
    }

    /// The cell of a square, or of none, under a mask. It is made when there is none.
    fn cell_of(&mut self, square: u32, mask: u32) -> u32 {
        if mask == u32::MAX {
            return square.min(self.schema.squares.count());
        }
        if let Some(cell) = self.masked.get(&(square, mask)) {
            return *cell;
        }
        let made = match square {
            EVERYWHERE => Cell::everywhere(mask),
            _ => Cell::of_square(&self.schema.squares, square, mask),
        };
        let index = match self.cells_free.pop() {
            Some(index) => {
                self.cells[index as usize] = made;
                index
            }
            None => {
                self.cells.push(made);
                self.cells.len() as u32 - 1
            }
        };
        self.masked.insert((square, mask), index);
        self.layout += 1;
        index
    }

    /// An entity is gone. Unknown ones are ignored. Put again in the same frame, it is a new one with the same id.
    pub fn remove(&mut self, id: u32) {
        if let Some(slot) = self.ids.remove(&id) {
            let cell = self.table.leave_slot(slot);
            self.cells[cell as usize].is_leaving = true;
        }
    }

    /// Every entity that was not put since [`begin`](Self::begin) is gone.
    pub fn remove_absent(&mut self) {
        for slot in 0..self.table.entities.len() {
            let entity = &self.table.entities[slot];
            if entity.is_alive && entity.put_frame != self.frame {
                self.remove(entity.id);
            }
        }
    }

    /// Ends the frame: every cell that somebody watches gets its delta.
    pub fn end(&mut self) {
        let mut deltas = mem::take(&mut self.ring[self.frame as usize % RING]);
        deltas.bytes.clear();
        deltas.ranges.clear();
        self.wholes.clear();
        for index in 0..self.cells.len() as u32 {
            let cell = &mut self.cells[index as usize];
            let begin = deltas.bytes.len() as u32;
            if cell.is_watched(self.frame) {
                cell.advance_watched(index, &mut self.table, &self.schema, &mut deltas.bytes);
            } else {
                cell.advance_unwatched(index, &mut self.table, &self.schema);
            }
            deltas.ranges.push((begin, deltas.bytes.len() as u32));
        }
        self.ring[self.frame as usize % RING] = deltas;
        self.table.free_left_slots();
        self.free_cells();
    }

    /// Forgets the cells under masks that are empty and that nobody could continue.
    fn free_cells(&mut self) {
        let (cells, frame) = (&self.cells, self.frame);
        let free = &mut self.cells_free;
        let count = self.masked.len();
        self.masked.retain(|_, index| {
            let cell = &cells[*index as usize];
            let stays = !cell.members.is_empty() || cell.is_watched(frame);
            if !stays {
                free.push(*index);
            }
            stays
        });
        self.layout += u64::from(self.masked.len() != count);
    }

    pub(crate) const fn frame(&self) -> u64 {
        self.frame
    }

    pub(crate) const fn layout(&self) -> u64 {
        self.layout
    }

    /// The frames that followed `frame` can be sent one by one.
    pub(crate) const fn can_continue(&self, frame: u64) -> bool {
        self.frame_first <= frame && frame <= self.frame && frame + RING as u64 > self.frame
    }

    /// A cell's change into a frame of the ring; empty when everything is as predicted.
    #[inline]
    pub(crate) fn delta(&self, frame: u64, cell: u32) -> &[u8] {
        let deltas = &self.ring[frame as usize % RING];
        let (begin, end) = deltas
            .ranges
            .get(cell as usize)
            .copied()
            .unwrap_or_default();
        &deltas.bytes[begin as usize..end as usize]
    }

    /// Somebody has this cell as of this frame.
    #[inline]
    pub(crate) fn watch(&mut self, cell: u32) {
        self.cells[cell as usize].watched_frame = self.frame;
    }

    /// Appends a cell in its full form, if that is no longer than `bytes_max`, or which square it is; and watches it.
    /// Answers whether it was the full form; else [`put_part`](Self::put_part) must follow.
    pub(crate) fn put_whole(&mut self, cell: u32, bytes_max: usize, out: &mut Vec<u8>) -> bool {
        let frame = self.frame;
        let watched = &mut self.cells[cell as usize];
        watched.watched_frame = frame;
        if watched.whole_frame != frame {
            let begin = self.wholes.len();
            watched.put_square(&mut self.wholes);
            watched.put_members(0, usize::MAX, &self.table, &self.schema, &mut self.wholes);
            watched.whole_frame = frame;
            watched.whole_range = begin..self.wholes.len();
        }
        let is_whole = watched.whole_range.len() <= bytes_max || watched.members.len() < 2;
        match is_whole {
            true => out.extend_from_slice(&self.wholes[watched.whole_range.clone()]),
            false => watched.put_square(out),
        }
        is_whole
    }

    /// Appends those of a cell's entities that come after the first `told`, until they are `bytes_max` long: one at least,
    /// if there is one. Answers how many are told by then, when that is not all.
    pub(crate) fn put_part(
        &self,
        cell: u32,
        told: usize,
        bytes_max: usize,
        out: &mut Vec<u8>,
    ) -> Option<usize> {
        let cell = &self.cells[cell as usize];
        let told = cell.put_members(told, bytes_max, &self.table, &self.schema, out);
        (told < cell.members.len()).then_some(told)
    }

    /// The cells of a square that somebody with `mask` may see; [`EVERYWHERE`] for those of no square.
    pub(crate) fn cells_of(&self, square: u32, mask: u32) -> impl Iterator<Item = u32> {
        let base = square.min(self.schema.squares.count());
        let masked = self.masked.range((square, 0)..=(square, u32::MAX));
        let shared = masked.filter(move |((_, theirs), _)| theirs & mask != 0);
        core::iter::once(base).chain(shared.map(|(_, cell)| *cell))
    }

    /// How many entities are in a cell.
    #[inline]
    pub(crate) fn count_in(&self, cell: u32) -> usize {
        self.cells[cell as usize].members.len()
    }

    /// This cell is still of that square, and those with `mask` may see it.
    pub(crate) fn cell_is_seen(&self, cell: u32, square: u32, mask: u32) -> bool {
        let cell = &self.cells[cell as usize];
        cell.square == square && (cell.mask == u32::MAX || cell.mask & mask != 0)
    }

    /// An empty list, to be given back.
    pub(crate) fn take_scratch(&mut self) -> Vec<(u32, Open)> {
        let mut scratch = mem::take(&mut self.scratch);
        scratch.clear();
        scratch
    }

    pub(crate) fn give_scratch(&mut self, scratch: Vec<(u32, Open)>) {
        self.scratch = scratch;
    }

    /// Marks these cells and no others.
    pub(crate) fn mark(&mut self, cells: impl Iterator<Item = u32>) {
        self.mark += 1;
        for cell in cells {
            self.cells[cell as usize].mark = self.mark;
        }
    }

    /// A number that no entity has in `stamps`, of which there is one for each.
    pub(crate) fn stamp(&mut self) -> u64 {
        self.stamps.resize(self.table.entities.len(), 0);
        // Marks are never given twice.
        self.mark
    }

    /// The entity that came into a slot in a frame with these lowest bits is still there, in a cell with the mark.
    #[inline]
    pub(crate) fn is_in_marked(&self, slot: u32, born: u32) -> bool {
        let entity = &self.table.entities[slot as usize];
        let is_there = entity.is_alive && entity.born_frame as u32 == born;
        is_there && self.is_marked(entity.cell)
    }

    #[inline]
    pub(crate) fn entity(&self, slot: u32) -> &Entity {
        &self.table.entities[slot as usize]
    }

    /// The slot of an entity that is there.
    pub(crate) fn slot_of(&self, id: u32) -> Option<u32> {
        self.ids.get(&id).copied()
    }

    /// The slots of what is in a cell.
    pub(crate) fn members(&self, cell: u32) -> &[u32] {
        &self.cells[cell as usize].members
    }

    /// What an entity was so many frames ago, in a frame that was kept.
    pub(crate) fn axes_ago(&self, frames: u32, slot: u32) -> &[Axis] {
        let frame = self.frame - u64::from(frames);
        self.past.axes(frame, slot, self.table.stride)
    }

    /// What entities are in this frame can be named in the next ones.
    pub(crate) fn keep_past(&mut self) {
        self.past.keep(&self.table);
    }

    /// Viewers cannot rest on frames before this one.
    pub(crate) const fn frame_first(&self) -> u64 {
        self.frame_first
    }

    pub(crate) fn is_marked(&self, cell: u32) -> bool {
        self.cells[cell as usize].mark == self.mark
    }
}

/// Frames for which deltas are kept: a viewer that missed fewer is sent them all; one that missed more starts anew.
pub(crate) const RING: usize = 16;
