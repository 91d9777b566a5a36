//! A cell: a square of the grid as those see it who share a mask. A viewer sees a cell wholly or not at all.

use alloc::vec::Vec;
use core::ops::Range;

use crate::axis::{Axis, FRACTION_BITS, FRACTION_MASK, GAIN_BITS, Miss, Track};
use crate::bits::{BitWriter, Nowhere, Sink, bits_for, put_varint};
use crate::schema::{FIELDS_MAX, Field, Kind, Motion, Schema, Squares};
use crate::world::RING;

/// All entities of a world, by slot.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) entities: Vec<Entity>,
    /// As the room gave them, `stride` for each slot: levels, in linear motion with binary places.
    next: Vec<u32>,
    /// How it moved, `stride` for each slot.
    tracks: Vec<Track>,
    /// What viewers know, `stride` for each slot.
    known: Vec<Axis>,
    pub(crate) stride: usize,
    free: Vec<u32>,
    /// Left in this frame; free once the cells have seen it.
    left: Vec<u32>,
    pub(crate) frame: u64,
}

#[derive(Debug)]
pub(crate) struct Entity {
    pub(crate) id: u32,
    /// Where it is to be at the end of the frame; [`NO_CELL`] before the first.
    pub(crate) cell: u32,
    /// The cell that it is a member of, as viewers know.
    home: u32,
    pub(crate) mask: u32,
    /// Of its cell.
    pub(crate) corner: [i32; 2],
    pub(crate) put_frame: u64,
    /// The frame that it came in: with its slot, what tells it from all others.
    pub(crate) born_frame: u64,
    /// The last frame in which it was not as predicted.
    pub(crate) changed_frame: u64,
    pub(crate) kind: u8,
    pub(crate) is_alive: bool,
    /// It is predicted to be elsewhere in the next frame.
    pub(crate) moves: bool,
}

impl Entity {
    /// Still in its cell, of which the margin is a part.
    #[inline]
    pub(crate) const fn is_within(&self, squares: &Squares, [x, y]: [u32; 2]) -> bool {
        let reach = squares.reach();
        let [left, top] = self.corner;
        (x.cast_signed() - left).cast_unsigned() <= reach
            && (y.cast_signed() - top).cast_unsigned() <= reach
    }
}

impl Table {
    pub(crate) const fn new(stride: usize) -> Self {
        Self {
            entities: Vec::new(),
            next: Vec::new(),
            tracks: Vec::new(),
            known: Vec::new(),
            stride,
            free: Vec::new(),
            left: Vec::new(),
            frame: 0,
        }
    }

    /// A slot for a new entity at the lowest levels.
    pub(crate) fn take_slot(&mut self, id: u32, kind: u8) -> u32 {
        let entity = Entity {
            id,
            cell: NO_CELL,
            home: NO_CELL,
            mask: 0,
            corner: [0; 2],
            put_frame: 0,
            born_frame: self.frame,
            changed_frame: self.frame,
            kind,
            is_alive: true,
            moves: false,
        };
        let slot = match self.free.pop() {
            Some(slot) => {
                self.entities[slot as usize] = entity;
                slot
            }
            None => {
                self.entities.push(entity);
                self.next.resize(self.next.len() + self.stride, 0);
                self.tracks
                    .resize(self.tracks.len() + self.stride, Track::default());
                self.known
                    .resize(self.known.len() + self.stride, Axis::default());
                self.entities.len() as u32 - 1
            }
        };
        self.next_mut(slot).fill(0);
        slot
    }

    /// The entity is gone. Answers the cell that has still to tell it.
    pub(crate) fn leave_slot(&mut self, slot: u32) -> u32 {
        self.left.push(slot);
        let entity = &mut self.entities[slot as usize];
        entity.is_alive = false;
        entity.cell
    }

    pub(crate) fn free_left_slots(&mut self) {
        self.free.append(&mut self.left);
    }

    pub(crate) fn next_mut(&mut self, slot: u32) -> &mut [u32] {
        let begin = slot as usize * self.stride;
        &mut self.next[begin..begin + self.stride]
    }

    /// What viewers know of all entities, `stride` for each slot.
    pub(crate) fn all_known(&self) -> &[Axis] {
        &self.known
    }

    #[inline]
    pub(crate) fn known(&self, slot: u32) -> &[Axis] {
        let begin = slot as usize * self.stride;
        &self.known[begin..begin + self.stride]
    }

    /// Moves what is known of an entity one frame on. Answers the groups that changed otherwise than predicted.
    #[inline]
    fn advance(&mut self, slot: u32, kind: &Kind, misses: &mut Misses) -> u32 {
        let range = self.range(slot, kind);
        let next = &self.next[range.clone()];
        let tracks = &mut self.tracks[range.clone()];
        let known = &mut self.known[range];
        let mut changed = 0;
        for (index, field) in kind.fields.iter().enumerate() {
            let (axis, next) = (&mut known[index], next[index]);
            let miss = match field.motion {
                Motion::Linear => tracks[index].advance(axis, field, next),
                Motion::Near => Miss::of(field.difference(axis.at, next)),
                Motion::Any => Miss::of(i32::from(axis.at != next)),
            };
            if field.motion != Motion::Linear {
                axis.at = next;
            }
            misses[index] = miss;
            changed |= u32::from(miss.residual != 0) << field.group;
        }
        if changed != 0 {
            let entity = &mut self.entities[slot as usize];
            entity.changed_frame = self.frame;
            entity.moves = known.iter().any(|axis| axis.velocity != 0);
        }
        changed
    }

    fn start(&mut self, slot: u32, kind: &Kind) {
        let range = self.range(slot, kind);
        for (index, field) in range.zip(&kind.fields) {
            let next = self.next[index];
            self.tracks[index].start(next);
            self.known[index] = Axis::still(field, field.level_of_next(next));
        }
    }

    const fn range(&self, slot: u32, kind: &Kind) -> Range<usize> {
        let begin = slot as usize * self.stride;
        begin..begin + kind.fields.len()
    }
}

type Misses = [Miss; FIELDS_MAX];

#[derive(Debug)]
pub(crate) struct Cell {
    /// [`EVERYWHERE`] for those of no square.
    pub(crate) square: u32,
    pub(crate) mask: u32,
    /// What positions in it are relative to.
    pub(crate) corner: [i32; 2],
    /// Slots, in the order that viewers have them in too: of entry.
    pub(crate) members: Vec<u32>,
    /// Slots that are to become members in this frame, unless they leave again.
    pub(crate) entering: Vec<u32>,
    /// A member may have left.
    pub(crate) is_leaving: bool,
    /// The last frame in which a viewer was brought up to date; 0 when never.
    pub(crate) watched_frame: u64,
    /// Of [`crate::World`]'s last list of cells that this one is in.
    pub(crate) mark: u64,
    /// The frame of `whole_range`, which is its full form in the world's buffer.
    pub(crate) whole_frame: u64,
    pub(crate) whole_range: Range<usize>,
}

impl Cell {
    pub(crate) fn of_square(squares: &Squares, square: u32, mask: u32) -> Self {
        Self {
            corner: squares.corner(square),
            square,
            ..Self::everywhere(mask)
        }
    }

    pub(crate) const fn everywhere(mask: u32) -> Self {
        Self {
            square: EVERYWHERE,
            mask,
            corner: [0; 2],
            members: Vec::new(),
            entering: Vec::new(),
            is_leaving: false,
            watched_frame: 0,
            mark: 0,
            whole_frame: 0,
            whole_range: 0..0,
        }
    }

    /// Somebody may ask for the delta into `frame`.
    pub(crate) const fn is_watched(&self, frame: u64) -> bool {
        self.watched_frame > 0 && self.watched_frame + RING as u64 > frame
    }

    /// One frame on. The delta is appended; nothing is, when all is as predicted.
    pub(crate) fn advance_watched(
        &mut self,
        index: u32,
        table: &mut Table,
        schema: &Schema,
        out: &mut Vec<u8>,
    ) {
        let begin = out.len();
        let mut writer = BitWriter::new(out);
        let is_news = self.advance(index, table, schema, &mut writer);
        writer.finish();
        if !is_news {
            out.truncate(begin);
        }
    }

    /// One frame on, for nobody.
    pub(crate) fn advance_unwatched(&mut self, index: u32, table: &mut Table, schema: &Schema) {
        self.advance(index, table, schema, &mut Nowhere);
    }

    fn advance(
        &mut self,
        index: u32,
        table: &mut Table,
        schema: &Schema,
        sink: &mut impl Sink,
    ) -> bool {
        let mut is_news = false;
        if self.is_leaving {
            is_news |= self.put_gone(index, table, sink);
        }
        sink.flag(false);
        is_news |= self.put_changed(table, schema, sink);
        sink.flag(false);
        if !self.entering.is_empty() {
            is_news |= self.put_entering(index, table, schema, sink);
        }
        sink.flag(false);
        is_news
    }

    fn put_gone(&mut self, index: u32, table: &Table, sink: &mut impl Sink) -> bool {
        self.is_leaving = false;
        let count = self.members.len();
        let mut stayed = 0;
        self.members.retain(|slot| {
            let entity = &table.entities[*slot as usize];
            let stays = entity.is_alive && entity.cell == index;
            if stays {
                stayed += 1;
            } else {
                sink.flag(true);
                sink.golomb(stayed, 0);
                stayed = 0;
            }
            stays
        });
        self.members.len() != count
    }

    fn put_changed(&self, table: &mut Table, schema: &Schema, sink: &mut impl Sink) -> bool {
        let mut misses = [Miss::default(); FIELDS_MAX];
        let mut as_predicted = 0;
        let mut is_news = false;
        for slot in &self.members {
            let kind = &schema.kinds[usize::from(table.entities[*slot as usize].kind)];
            let changed = table.advance(*slot, kind, &mut misses);
            if changed == 0 {
                as_predicted += 1;
                continue;
            }
            is_news = true;
            sink.flag(true);
            sink.golomb(as_predicted, 0);
            as_predicted = 0;
            if kind.groups > 1 {
                sink.flag(changed != 1);
                if changed != 1 {
                    sink.bits(changed, u32::from(kind.groups));
                }
            }
            let fields = kind.fields.iter().zip(&misses).zip(table.known(*slot));
            for ((field, miss), axis) in fields {
                if changed & (1 << field.group) != 0 {
                    put_miss(field, *miss, *axis, sink);
                }
            }
        }
        is_news
    }

    fn put_entering(
        &mut self,
        index: u32,
        table: &mut Table,
        schema: &Schema,
        sink: &mut impl Sink,
    ) -> bool {
        self.entering.retain(|slot| {
            let entity = &table.entities[*slot as usize];
            entity.is_alive && entity.cell == index && entity.home != index
        });
        self.entering
            .sort_unstable_by_key(|slot| table.entities[*slot as usize].id);
        self.entering.dedup();
        let is_news = !self.entering.is_empty();
        for slot in self.entering.drain(..) {
            let entity = &mut table.entities[slot as usize];
            let kind = &schema.kinds[usize::from(entity.kind)];
            let is_new = entity.home == NO_CELL;
            entity.home = index;
            match is_new {
                true => table.start(slot, kind),
                false => {
                    table.advance(slot, kind, &mut [Miss::default(); FIELDS_MAX]);
                }
            }
            sink.flag(true);
            put_entity(table, slot, self.corner, schema, sink);
            self.members.push(slot);
        }
        is_news
    }

    /// Appends which square it is.
    pub(crate) fn put_square(&self, out: &mut Vec<u8>) {
        put_varint(out, u64::from(self.square.wrapping_add(1)));
    }

    /// Appends the members behind the first `begin` with all that is known of them, until they are `bytes_max` long.
    /// Answers behind how many it ended.
    pub(crate) fn put_members(
        &self,
        begin: usize,
        bytes_max: usize,
        table: &Table,
        schema: &Schema,
        out: &mut Vec<u8>,
    ) -> usize {
        let mut writer = BitWriter::new(out);
        let bits_max = bytes_max.saturating_mul(8);
        let mut end = begin;
        for slot in &self.members[begin..] {
            if writer.len() >= bits_max && end > begin {
                break;
            }
            writer.flag(true);
            put_entity(table, *slot, self.corner, schema, &mut writer);
            end += 1;
        }
        writer.flag(false);
        writer.finish();
        end
    }
}

fn put_miss(field: &Field, miss: Miss, axis: Axis, sink: &mut impl Sink) {
    if field.motion == Motion::Any {
        sink.flag(miss.residual != 0);
        if miss.residual != 0 {
            sink.bits(axis.at, bits_for(field.level_max));
        }
        return;
    }
    sink.golomb_signed(miss.residual, 0);
    if miss.residual.abs() == 1 && field.motion == Motion::Linear {
        sink.flag(miss.told.is_some());
        if let Some(told) = miss.told {
            sink.bits(axis.at & FRACTION_MASK, FRACTION_BITS);
            sink.golomb_signed(told, TOLD_ORDER);
        }
    }
}

fn put_entity(table: &Table, slot: u32, corner: [i32; 2], schema: &Schema, sink: &mut impl Sink) {
    let entity = &table.entities[slot as usize];
    let known = table.known(slot);
    sink.golomb(entity.id, ID_ORDER);
    sink.bits(u32::from(entity.kind), schema.kind_bits());
    let kind = &schema.kinds[usize::from(entity.kind)];
    for (index, (field, axis)) in kind.fields.iter().zip(known).enumerate() {
        let level = axis.level(field);
        match index {
            0 | 1 if !kind.everywhere => {
                let from_corner = (level.cast_signed() - corner[index]).cast_unsigned();
                sink.bits(from_corner, bits_for(schema.squares.reach()));
            }
            _ => sink.bits(level, bits_for(field.level_max)),
        }
        if field.motion == Motion::Linear {
            let moves = *axis != Axis::still(field, level);
            sink.flag(moves);
            if moves {
                sink.bits(axis.at & FRACTION_MASK, FRACTION_BITS);
                sink.golomb_signed(axis.velocity, VELOCITY_ORDER);
                sink.bits(u32::from(axis.gain), GAIN_BITS);
            }
        }
    }
}

/// The square of what is in none.
pub(crate) const EVERYWHERE: u32 = u32::MAX;
/// The cell of an entity that has none yet.
const NO_CELL: u32 = u32::MAX;
/// Golomb order of ids.
pub(crate) const ID_ORDER: u32 = 8;
/// Golomb order of velocities.
pub(crate) const VELOCITY_ORDER: u32 = 4;
/// Golomb order of changes of velocity when it is told exactly: less than a level, mostly.
pub(crate) const TOLD_ORDER: u32 = 5;
