//! What a client knows of a world.

#![warn(clippy::cast_possible_truncation, clippy::indexing_slicing)]

use alloc::vec::Vec;

use tagus_base::Tick;

use crate::axis::{Axis, FRACTION_BITS, GAIN_BITS, GAIN_MAX};
use crate::bits::{BitReader, bits_for, take_byte, take_bytes, take_varint, take_varint_u32};
use crate::cell::{ID_ORDER, TOLD_ORDER, VELOCITY_ORDER};
use crate::error::DecodeError;
use crate::schema::{Field, Kind, KindIndex, Motion, Schema};
use crate::viewer::{
    CELLS_MAX, FLAG_CLOSED, FLAG_OWN, FLAG_PART, FLAG_WAITING, FLAG_WHOLE, OWN_BYTES_MAX,
};
use crate::world::RING;

/// A client's copy of what its viewer sees.
///
/// [`apply`](Self::apply) each snapshot in order, then look at [`entities`](Self::entities),
/// at who [`came`](Self::came) and who [`went`](Self::went).
/// Any bytes are safe to apply: what is no snapshot is an error, and the memory is bounded by
/// [`CELLS_MAX`](crate::CELLS_MAX) and [`ENTITIES_MAX`].
#[derive(Clone, Debug)]
pub struct Replica {
    schema: Schema,
    tick: Tick,
    frame: u8,
    /// A whole snapshot was applied, and nothing failed since.
    is_sound: bool,
    is_waiting: bool,
    /// The last cell was told in part.
    is_part: bool,
    cells: Vec<Cell>,
    entity_count: usize,
    own: Own,
    came: Vec<u32>,
    went: Vec<u32>,
}

/// What a viewer is told of itself.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Own {
    /// The entity that it steers.
    pub id: Option<u32>,
    /// The newest of its inputs that the room has worked in.
    pub last_input: u32,
    /// Its own state as exactly as its prediction needs it, in a form that room and client agree on.
    pub state: Vec<u8>,
}

impl Own {
    pub(crate) const NONE: Self = Self {
        id: None,
        last_input: 0,
        state: Vec::new(),
    };
}

#[derive(Clone, Debug)]
struct Cell {
    corner: [i32; 2],
    everywhere: bool,
    is_closed: bool,
    entities: Vec<Entity>,
}

#[derive(Clone, Debug)]
struct Entity {
    id: u32,
    kind: u8,
    axes: Vec<Axis>,
}

/// One entity that a replica knows.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// As the room named it.
    pub id: u32,
    /// Which kind it is of.
    pub kind: KindIndex,
    /// The tick that its levels are of.
    pub tick: Tick,
    pub(crate) fields: &'a [Field],
    pub(crate) axes: &'a [Axis],
}

impl<'a> Seen<'a> {
    /// The levels of its fields; x and y first.
    pub fn levels(self) -> impl Iterator<Item = u32> + 'a {
        let pairs = self.axes.iter().zip(self.fields);
        pairs.map(|(axis, field)| axis.level(field))
    }

    /// The values of its fields, x and y first.
    pub fn values(self) -> impl Iterator<Item = f64> + 'a {
        let pairs = self.axes.iter().zip(self.fields);
        pairs.map(|(axis, field)| field.value_of(axis.level(field)))
    }

    /// Nothing of it is known to move.
    #[must_use]
    pub fn stands(self) -> bool {
        self.axes.iter().all(|axis| axis.velocity == 0)
    }

    /// The value of one field.
    #[must_use]
    pub fn value(self, index: usize) -> Option<f64> {
        let field = self.fields.get(index)?;
        Some(field.value_of(self.axes.get(index)?.level(field)))
    }
}

impl Replica {
    /// A replica that knows nothing yet.
    #[must_use]
    pub const fn new(schema: Schema) -> Self {
        Self {
            schema,
            tick: Tick(0),
            frame: 0,
            is_sound: false,
            is_waiting: false,
            is_part: false,
            cells: Vec::new(),
            entity_count: 0,
            own: Own::NONE,
            came: Vec::new(),
            went: Vec::new(),
        }
    }

    /// What the entities are made of.
    #[must_use]
    pub const fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The tick of the last snapshot.
    #[must_use]
    pub const fn tick(&self) -> Tick {
        self.tick
    }

    /// More of what is in view comes with the next snapshots.
    #[must_use]
    pub const fn is_waiting(&self) -> bool {
        self.is_waiting
    }

    /// What it was told of itself.
    #[must_use]
    pub const fn own(&self) -> &Own {
        &self.own
    }

    /// Everything it knows, a cell after the other.
    pub fn entities(&self) -> impl Iterator<Item = Seen<'_>> {
        let all = self.cells.iter().flat_map(|cell| &cell.entities);
        all.filter_map(|entity| self.seen(entity))
    }

    fn seen<'a>(&'a self, entity: &'a Entity) -> Option<Seen<'a>> {
        let kind = self.schema.kinds.get(usize::from(entity.kind))?;
        Some(Seen {
            id: entity.id,
            kind: KindIndex(entity.kind),
            tick: self.tick,
            fields: &kind.fields,
            axes: &entity.axes,
        })
    }

    /// How many entities it knows.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.entity_count
    }

    /// It knows no entity.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.entity_count == 0
    }

    /// The ids that the last snapshot brought into sight, in order.
    /// What went from one cell to another was in sight before.
    #[must_use]
    pub fn came(&self) -> &[u32] {
        &self.came
    }

    /// The ids that the last snapshot took out of sight, in order.
    #[must_use]
    pub fn went(&self) -> &[u32] {
        &self.went
    }

    /// Brings it up to date.
    ///
    /// # Errors
    /// The bytes are no snapshot, or not the one that follows.
    /// Then nothing is known, and all that follow are refused, until the next whole one.
    pub fn apply(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        let was_sound = core::mem::take(&mut self.is_sound);
        self.came.clear();
        self.went.clear();
        let applied = self.apply_parts(bytes, was_sound);
        if applied.is_err() {
            self.close_all();
            self.came.clear();
            self.went.clear();
        }
        net(&mut self.came, &mut self.went);
        self.is_sound = applied.is_ok();
        applied
    }

    fn apply_parts(&mut self, bytes: &[u8], was_sound: bool) -> Result<(), DecodeError> {
        let mut rest = bytes;
        let flags = take_byte(&mut rest)?;
        let frame = take_byte(&mut rest)?;
        if flags & !FLAGS != 0 {
            return Err(DecodeError::Number);
        }
        let steps = if flags & FLAG_WHOLE != 0 {
            self.close_all();
            self.tick = Tick(take_varint(&mut rest)?);
            0
        } else if was_sound {
            frame.wrapping_sub(self.frame)
        } else {
            return Err(DecodeError::OutOfOrder);
        };
        if usize::from(steps) >= RING {
            return Err(DecodeError::OutOfOrder);
        }
        if flags & FLAG_OWN != 0 {
            self.own = take_own(&mut rest)?;
        }
        if flags & FLAG_CLOSED != 0 {
            self.take_closed(&mut rest)?;
        }
        for _ in 0..steps {
            self.take_deltas(&mut rest)?;
        }
        if self.is_part {
            self.take_part(&mut rest)?;
        }
        while !rest.is_empty() {
            self.take_opened(&mut rest)?;
        }
        self.is_part = flags & FLAG_PART != 0;
        if self.is_part && self.cells.is_empty() {
            return Err(DecodeError::Unknown);
        }
        self.frame = frame;
        self.tick.0 += u64::from(steps) * u64::from(self.schema.frame_ticks);
        self.is_waiting = flags & FLAG_WAITING != 0;
        Ok(())
    }

    fn close_all(&mut self) {
        let entities = self.cells.iter().flat_map(|cell| &cell.entities);
        self.went.extend(entities.map(|entity| entity.id));
        self.cells.clear();
        self.entity_count = 0;
        self.is_part = false;
    }

    fn take_closed(&mut self, rest: &mut &[u8]) -> Result<(), DecodeError> {
        let count = take_varint_u32(rest)? as usize;
        if count == 0 || count > self.cells.len() {
            return Err(DecodeError::Unknown);
        }
        let mut at = 0_usize;
        for _ in 0..count {
            at = at.saturating_add(take_varint_u32(rest)? as usize);
            let Some(cell) = self.cells.get_mut(at) else {
                return Err(DecodeError::Unknown);
            };
            self.went
                .extend(cell.entities.iter().map(|entity| entity.id));
            self.entity_count -= cell.entities.len();
            // Taken out below; until then it keeps the places of those behind it.
            cell.entities = Vec::new();
            cell.is_closed = true;
            at += 1;
        }
        if self.cells.last().is_some_and(|cell| cell.is_closed) {
            self.is_part = false;
        }
        self.cells.retain(|cell| !cell.is_closed);
        Ok(())
    }

    /// One frame: which cells have news, then the news. The others move as predicted.
    fn take_deltas(&mut self, rest: &mut &[u8]) -> Result<(), DecodeError> {
        let count = self.cells.len();
        let news = take_bytes(rest, count.div_ceil(8))?;
        let mut hands = Hands {
            schema: &self.schema,
            came: &mut self.came,
            went: &mut self.went,
            entity_count: &mut self.entity_count,
        };
        for (index, cell) in self.cells.iter_mut().enumerate() {
            let byte = news.get(index / 8).copied().unwrap_or_default();
            if byte & (1 << (index % 8)) == 0 {
                hands.predict(cell);
            } else if self.is_part && index + 1 == count {
                let length = take_varint_u32(rest)? as usize;
                hands.delta_of_part(cell, take_bytes(rest, length)?)?;
            } else {
                *rest = hands.delta(cell, rest)?;
            }
        }
        let spare = news.last().copied().unwrap_or_default();
        match self.cells.len() % 8 {
            0 => Ok(()),
            used if spare >> used == 0 => Ok(()),
            _ => Err(DecodeError::Number),
        }
    }

    /// More entities of the last cell.
    fn take_part(&mut self, rest: &mut &[u8]) -> Result<(), DecodeError> {
        let cell = self.cells.last_mut().ok_or(DecodeError::Unknown)?;
        let mut hands = Hands {
            schema: &self.schema,
            came: &mut self.came,
            went: &mut self.went,
            entity_count: &mut self.entity_count,
        };
        let mut reader = BitReader::new(rest);
        hands.entering(cell, &mut reader)?;
        *rest = reader.finish()?;
        Ok(())
    }

    fn take_opened(&mut self, rest: &mut &[u8]) -> Result<(), DecodeError> {
        if self.cells.len() >= CELLS_MAX {
            return Err(DecodeError::Limit);
        }
        let squares = &self.schema.squares;
        let mut cell = match take_varint_u32(rest)?.checked_sub(1) {
            None => Cell::new([0; 2], true),
            Some(square) if square < squares.count() => Cell::new(squares.corner(square), false),
            Some(_) => return Err(DecodeError::Unknown),
        };
        let mut hands = Hands {
            schema: &self.schema,
            came: &mut self.came,
            went: &mut self.went,
            entity_count: &mut self.entity_count,
        };
        let mut reader = BitReader::new(rest);
        hands.entering(&mut cell, &mut reader)?;
        *rest = reader.finish()?;
        self.cells.push(cell);
        Ok(())
    }
}

/// What changing a cell needs besides the cell.
struct Hands<'a> {
    schema: &'a Schema,
    came: &'a mut Vec<u32>,
    went: &'a mut Vec<u32>,
    entity_count: &'a mut usize,
}

impl Hands<'_> {
    fn kind(&self, index: u8) -> Result<&Kind, DecodeError> {
        let kind = self.schema.kinds.get(usize::from(index));
        kind.ok_or(DecodeError::Unknown)
    }

    fn predict(&self, cell: &mut Cell) {
        for entity in &mut cell.entities {
            let Ok(kind) = self.kind(entity.kind) else {
                continue;
            };
            for (axis, field) in entity.axes.iter_mut().zip(&kind.fields) {
                axis.predict(field);
            }
        }
    }

    /// Answers what is behind the delta.
    fn delta<'b>(&mut self, cell: &mut Cell, bytes: &'b [u8]) -> Result<&'b [u8], DecodeError> {
        let mut reader = BitReader::new(bytes);
        let gone = gone(&mut reader)?;
        if gone.last().is_some_and(|at| *at >= cell.entities.len()) {
            return Err(DecodeError::Unknown);
        }
        self.leave(cell, gone);
        if !self.changed(cell, &mut reader)? {
            return Err(DecodeError::Unknown);
        }
        self.entering(cell, &mut reader)?;
        reader.finish()
    }

    /// What the delta of a cell says of the entities that were told; the others are behind them.
    fn delta_of_part(&mut self, cell: &mut Cell, bytes: &[u8]) -> Result<(), DecodeError> {
        let mut reader = BitReader::new(bytes);
        let gone = gone(&mut reader)?;
        self.leave(cell, gone);
        self.changed(cell, &mut reader)?;
        Ok(())
    }

    /// Those at these places are gone; places behind the end are nobody's.
    fn leave(&mut self, cell: &mut Cell, gone: Vec<usize>) {
        if gone.is_empty() {
            return;
        }
        let count = cell.entities.len();
        let mut gone = gone.into_iter().peekable();
        let mut index = 0;
        cell.entities.retain(|entity| {
            let goes = gone.next_if_eq(&index).is_some();
            if goes {
                self.went.push(entity.id);
            }
            index += 1;
            !goes
        });
        *self.entity_count -= count - cell.entities.len();
    }

    /// Answers whether all that is told is of entities that are there; what is behind that cannot be read.
    fn changed(&self, cell: &mut Cell, reader: &mut BitReader<'_>) -> Result<bool, DecodeError> {
        let mut entities = cell.entities.iter_mut();
        while reader.flag()? {
            for _ in 0..reader.golomb(0)? {
                let Some(entity) = entities.next() else {
                    return Ok(false);
                };
                self.advance(entity, None)?;
            }
            let Some(entity) = entities.next() else {
                return Ok(false);
            };
            self.advance(entity, Some(reader))?;
        }
        entities.try_for_each(|entity| self.advance(entity, None))?;
        Ok(true)
    }

    /// One frame on; with what the bits say, if there are any.
    fn advance(
        &self,
        entity: &mut Entity,
        reader: Option<&mut BitReader<'_>>,
    ) -> Result<(), DecodeError> {
        let kind = self.kind(entity.kind)?;
        let Some(reader) = reader else {
            for (axis, field) in entity.axes.iter_mut().zip(&kind.fields) {
                axis.predict(field);
            }
            return Ok(());
        };
        let is_first_only = kind.groups == 1 || !reader.flag()?;
        let changed = match is_first_only {
            true => 1,
            false => reader.bits(kind.groups.into())?,
        };
        for (axis, field) in entity.axes.iter_mut().zip(&kind.fields) {
            let before = axis.predict(field);
            if changed & (1 << field.group) == 0 {
                continue;
            }
            let level = axis.level(field);
            if field.motion == Motion::Any {
                if reader.flag()? {
                    axis.at = take_level(field, reader)?;
                }
                continue;
            }
            let residual = reader.golomb_signed(0)?;
            let actual = field.offset(level, residual).ok_or(DecodeError::Number)?;
            let is_small = field.motion == Motion::Linear && residual.abs() == 1;
            if is_small && reader.flag()? {
                let fraction = reader.bits(FRACTION_BITS)?;
                let change = reader.golomb_signed(TOLD_ORDER)?;
                let velocity = axis.velocity.checked_add(change);
                let velocity = velocity.filter(|velocity| field.can_move(*velocity));
                let velocity = velocity.ok_or(DecodeError::Number)?;
                axis.tell((actual << FRACTION_BITS) | fraction, velocity);
            } else if residual != 0 {
                axis.correct(field, before, actual, residual);
            }
        }
        Ok(())
    }

    fn entering(&mut self, cell: &mut Cell, reader: &mut BitReader<'_>) -> Result<(), DecodeError> {
        while reader.flag()? {
            if *self.entity_count >= ENTITIES_MAX {
                return Err(DecodeError::Limit);
            }
            let entity = self.entity(cell, reader)?;
            self.came.push(entity.id);
            *self.entity_count += 1;
            cell.entities.push(entity);
        }
        Ok(())
    }

    fn entity(&self, cell: &Cell, reader: &mut BitReader<'_>) -> Result<Entity, DecodeError> {
        let id = reader.golomb(ID_ORDER)?;
        let index = reader.bits(self.schema.kind_bits())?;
        let index = u8::try_from(index).map_err(|_| DecodeError::Unknown)?;
        let kind = self.kind(index)?;
        if kind.everywhere != cell.everywhere {
            return Err(DecodeError::Unknown);
        }
        let mut axes = Vec::with_capacity(kind.fields.len());
        let mut corner = cell.corner.iter();
        for field in &kind.fields {
            let level = match corner.next() {
                Some(corner) if !cell.everywhere => {
                    let from_corner = reader.bits(bits_for(self.schema.squares.reach()))?;
                    let level = i64::from(*corner) + i64::from(from_corner);
                    u32::try_from(level).map_err(|_| DecodeError::Number)?
                }
                _ => reader.bits(bits_for(field.level_max))?,
            };
            if level > field.level_max {
                return Err(DecodeError::Number);
            }
            axes.push(match field.motion == Motion::Linear && reader.flag()? {
                true => take_moving(field, level, reader)?,
                false => Axis::still(field, level),
            });
        }
        Ok(Entity {
            id,
            kind: index,
            axes,
        })
    }
}

impl Cell {
    const fn new(corner: [i32; 2], everywhere: bool) -> Self {
        Self {
            corner,
            everywhere,
            is_closed: false,
            entities: Vec::new(),
        }
    }
}

/// The places of those that are gone from a cell, in order.
fn gone(reader: &mut BitReader<'_>) -> Result<Vec<usize>, DecodeError> {
    let mut at = 0_usize;
    let mut gone = Vec::new();
    while reader.flag()? {
        at = at.saturating_add(reader.golomb(0)? as usize);
        gone.push(at);
        at = at.saturating_add(1);
    }
    Ok(gone)
}

pub(crate) fn take_own(rest: &mut &[u8]) -> Result<Own, DecodeError> {
    let id = take_varint(rest)?;
    let id = match id.checked_sub(1).map(u32::try_from) {
        None => None,
        Some(id) => Some(id.map_err(|_| DecodeError::Number)?),
    };
    let last_input = take_varint_u32(rest)?;
    let length = take_varint_u32(rest)? as usize;
    if length > OWN_BYTES_MAX {
        return Err(DecodeError::Limit);
    }
    Ok(Own {
        id,
        last_input,
        state: take_bytes(rest, length)?.to_vec(),
    })
}

pub(crate) fn take_level(field: &Field, reader: &mut BitReader<'_>) -> Result<u32, DecodeError> {
    let level = reader.bits(bits_for(field.level_max))?;
    match level <= field.level_max {
        true => Ok(level),
        false => Err(DecodeError::Number),
    }
}

fn take_moving(field: &Field, level: u32, reader: &mut BitReader<'_>) -> Result<Axis, DecodeError> {
    let fraction = reader.bits(FRACTION_BITS)?;
    let velocity = reader.golomb_signed(VELOCITY_ORDER)?;
    let gain = reader.bits(GAIN_BITS)?;
    let gain = u8::try_from(gain).map_err(|_| DecodeError::Number)?;
    if !field.can_move(velocity) || gain > GAIN_MAX {
        return Err(DecodeError::Number);
    }
    Ok(Axis {
        at: (level << FRACTION_BITS) | fraction,
        velocity,
        gain,
    })
}

/// Leaves in each list what is in it more often than in the other, once and in order.
pub(crate) fn net(came: &mut Vec<u32>, went: &mut Vec<u32>) {
    if came.is_empty() && went.is_empty() {
        return;
    }
    came.sort_unstable();
    went.sort_unstable();
    let (mut arrived, mut left) = (Vec::new(), Vec::new());
    let mut ins = came.iter().copied().peekable();
    let mut outs = went.iter().copied().peekable();
    while let Some(id) = [ins.peek(), outs.peek()]
        .into_iter()
        .flatten()
        .min()
        .copied()
    {
        let mut count = 0;
        while ins.next_if_eq(&id).is_some() {
            count += 1;
        }
        while outs.next_if_eq(&id).is_some() {
            count -= 1;
        }
        match count {
            0 => {}
            1.. => arrived.push(id),
            _ => left.push(id),
        }
    }
    *came = arrived;
    *went = left;
}

/// Entities that a replica holds at most; a snapshot with more is refused.
pub const ENTITIES_MAX: usize = 65_536;
const FLAGS: u8 = FLAG_WHOLE | FLAG_OWN | FLAG_CLOSED | FLAG_WAITING | FLAG_PART;
