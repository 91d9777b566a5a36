//! What a client knows of a world of whose snapshots some may be lost.

#![warn(clippy::cast_possible_truncation, clippy::indexing_slicing)]

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::ops::Range;

use tagus_base::Tick;

use crate::ack::Ack;
use crate::axis::{Axis, FRACTION_BITS, FRACTION_MASK};
use crate::bits::{BitReader, take_byte, take_varint};
use crate::cell::{ID_ORDER, VELOCITY_ORDER};
use crate::error::DecodeError;
use crate::past::PAST;
use crate::replica::{Own, Seen, net, take_level, take_own};
use crate::schema::{Field, Kind, KindIndex, Motion, Schema};
use crate::slot_code::{AGE_BITS, CHANGE_ORDER, RESIDUAL_ORDER};
use crate::slot_viewer::{FLAG_SLOTS, LENGTH_BITS, SLOTS_MAX};
use crate::viewer::{FLAG_OWN, FLAG_WAITING, FLAG_WHOLE};

/// A client's copy of what its [`crate::SlotViewer`] sees.
///
/// [`apply`](Self::apply) the snapshots that arrive, and send [`ack`](Self::ack) with every input.
/// Each of the [`entities`](Self::entities) is shown as it was at the tick that it was last told for, which may be another for each.
/// Any bytes are safe to apply: what is no snapshot is an error, and the memory is bounded by [`SLOTS_MAX`](crate::SLOTS_MAX).
/// It belongs to one viewer: a room that tells its schema anew has another.
#[derive(Clone, Debug)]
pub struct SlotReplica {
    schema: Schema,
    tick: Tick,
    frame: u16,
    /// The frame that the viewer began with; none before the first whole snapshot, and after what was none.
    start: Option<u16>,
    /// Of the frames before the last, those that were applied.
    earlier: u32,
    is_waiting: bool,
    slots: Vec<Option<Ghost>>,
    /// Slots by the ids of what is in them.
    ids: BTreeMap<u32, u16>,
    own: Own,
    came: Vec<u32>,
    went: Vec<u32>,
}

/// An entity as it was told in the last frames.
#[derive(Clone, Debug)]
struct Ghost {
    id: u32,
    kind: u8,
    /// Of the last frame in which it was told.
    newest: usize,
    /// When it was told, by the frame's number modulo [`PAST`]; none when it was not.
    ticks: [Option<Tick>; PAST],
    /// What it was then, so many for each.
    axes: Vec<Axis>,
    count: usize,
}

impl SlotReplica {
    /// A replica that knows nothing yet.
    #[must_use]
    pub const fn new(schema: Schema) -> Self {
        Self {
            schema,
            tick: Tick(0),
            frame: 0,
            start: None,
            earlier: 0,
            is_waiting: false,
            slots: Vec::new(),
            ids: BTreeMap::new(),
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

    /// The tick of the newest snapshot.
    #[must_use]
    pub const fn tick(&self) -> Tick {
        self.tick
    }

    /// Some of what is in view was never told.
    #[must_use]
    pub const fn is_waiting(&self) -> bool {
        self.is_waiting
    }

    /// What it was told of itself.
    #[must_use]
    pub const fn own(&self) -> &Own {
        &self.own
    }

    /// Everything it knows.
    pub fn entities(&self) -> impl Iterator<Item = Seen<'_>> {
        let ghosts = self.slots.iter().flatten();
        ghosts.filter_map(|ghost| self.seen(ghost))
    }

    /// The entity of this id.
    #[must_use]
    pub fn entity(&self, id: u32) -> Option<Seen<'_>> {
        let slot = self.ids.get(&id)?;
        self.seen(self.slots.get(usize::from(*slot))?.as_ref()?)
    }

    fn seen<'a>(&'a self, ghost: &'a Ghost) -> Option<Seen<'a>> {
        let kind = self.schema.kinds.get(usize::from(ghost.kind))?;
        Some(Seen {
            id: ghost.id,
            kind: KindIndex(ghost.kind),
            tick: (*ghost.ticks.get(ghost.newest)?)?,
            fields: &kind.fields,
            axes: ghost.axes.get(ghost.range(ghost.newest))?,
        })
    }

    /// How many entities it knows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// It knows no entity.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The ids that the last applied snapshot brought into sight, in order.
    #[must_use]
    pub fn came(&self) -> &[u32] {
        &self.came
    }

    /// The ids that the last applied snapshot took out of sight, in order.
    #[must_use]
    pub fn went(&self) -> &[u32] {
        &self.went
    }

    /// What to tell the viewer; none before the first snapshot.
    #[must_use]
    pub fn ack(&self) -> Option<Ack> {
        self.start.map(|_| Ack {
            frame: self.frame,
            earlier: self.earlier,
        })
    }

    /// Takes a snapshot. Answers whether it is newer than what is known: one that is not changes nothing.
    ///
    /// # Errors
    /// The bytes are no snapshot, or rest on what is not known here.
    /// Then nothing is known, and all that follow are refused, until one that rests on nothing.
    pub fn apply(&mut self, bytes: &[u8]) -> Result<bool, DecodeError> {
        let applied = self.apply_parts(bytes);
        match applied {
            Ok(false) => return applied,
            Ok(true) => {}
            Err(_) => {
                self.forget_all();
                self.start = None;
                self.came.clear();
                self.went.clear();
            }
        }
        net(&mut self.came, &mut self.went);
        applied
    }

    fn apply_parts(&mut self, bytes: &[u8]) -> Result<bool, DecodeError> {
        let mut rest = bytes;
        let flags = take_byte(&mut rest)?;
        if flags & FLAG_SLOTS == 0 || flags & !FLAGS != 0 {
            return Err(DecodeError::Number);
        }
        let frame = u16::from_le_bytes([take_byte(&mut rest)?, take_byte(&mut rest)?]);
        if !self.begin(flags, frame, &mut rest)? {
            return Ok(false);
        }
        if flags & FLAG_OWN != 0 {
            self.own = take_own(&mut rest)?;
        }
        let mut reader = BitReader::new(rest);
        self.take_left(&mut reader)?;
        self.take_news(&mut reader)?;
        if !reader.finish()?.is_empty() {
            return Err(DecodeError::Trailing);
        }
        self.is_waiting = flags & FLAG_WAITING != 0;
        Ok(true)
    }

    /// Moves on to a frame. Answers whether it is a newer one.
    fn begin(&mut self, flags: u8, frame: u16, rest: &mut &[u8]) -> Result<bool, DecodeError> {
        let ahead = match frame.wrapping_sub(self.frame) {
            ahead if ahead <= u16::MAX / 2 => ahead,
            _ => 0,
        };
        let ticks = u64::from(ahead) * u64::from(self.schema.frame_ticks);
        let next = Tick(self.tick.0 + ticks);
        if flags & FLAG_WHOLE != 0 {
            let tick = Tick(take_varint(rest)?);
            let age = u16::try_from(take_varint(rest)?).map_err(|_| DecodeError::Number)?;
            let start = Some(frame.wrapping_sub(age));
            if self.start.is_some() && tick <= self.tick {
                return Ok(false);
            }
            self.came.clear();
            self.went.clear();
            if self.start != start {
                self.forget_all();
                self.start = start;
                self.earlier = 0;
            } else if tick == next {
                self.pass(ahead);
            } else {
                return Err(DecodeError::OutOfOrder);
            }
            self.tick = tick;
        } else {
            if self.start.is_none() {
                return Err(DecodeError::OutOfOrder);
            }
            if next <= self.tick {
                return Ok(false);
            }
            self.came.clear();
            self.went.clear();
            self.pass(ahead);
            self.tick = next;
        }
        self.frame = frame;
        Ok(true)
    }

    /// So many frames on, which are not none, remembers which of those before were applied.
    fn pass(&mut self, frames: u16) {
        let applied = u64::from(self.earlier) << 1 | 1;
        self.earlier = match frames {
            1..=32 => low(applied << (frames - 1)),
            _ => 0,
        };
    }

    fn forget_all(&mut self) {
        self.went.extend(self.ids.keys());
        self.ids.clear();
        self.slots.clear();
    }

    fn forget(&mut self, slot: usize) {
        if let Some(ghost) = self.slots.get_mut(slot).and_then(Option::take) {
            self.ids.remove(&ghost.id);
            self.went.push(ghost.id);
        }
    }

    /// Those whose entities are out of sight.
    fn take_left(&mut self, reader: &mut BitReader<'_>) -> Result<(), DecodeError> {
        let mut at = 0_usize;
        while reader.flag()? {
            at = at.saturating_add(reader.golomb(0)? as usize);
            if at >= SLOTS_MAX {
                return Err(DecodeError::Limit);
            }
            self.forget(at);
            at += 1;
        }
        Ok(())
    }

    fn take_news(&mut self, reader: &mut BitReader<'_>) -> Result<(), DecodeError> {
        let common_age = reader.bits(AGE_BITS)?;
        if reader.flag()? {
            let length = reader.bits(LENGTH_BITS)? as usize;
            if length > SLOTS_MAX {
                return Err(DecodeError::Limit);
            }
            for slot in 0..length {
                if reader.flag()? {
                    self.take_entity(slot, common_age, reader)?;
                }
            }
            return Ok(());
        }
        let mut at = 0_usize;
        while reader.flag()? {
            at = at.saturating_add(reader.golomb(0)? as usize);
            if at >= SLOTS_MAX {
                return Err(DecodeError::Limit);
            }
            self.take_entity(at, common_age, reader)?;
            at += 1;
        }
        Ok(())
    }

    fn take_entity(
        &mut self,
        slot: usize,
        common_age: u32,
        reader: &mut BitReader<'_>,
    ) -> Result<(), DecodeError> {
        if reader.flag()? {
            return self.move_on(slot, common_age, None);
        }
        if reader.flag()? {
            return self.take_full(slot, reader);
        }
        if reader.flag()? {
            return self.move_on(slot, common_age, Some(reader));
        }
        let age = reader.bits(AGE_BITS)?;
        let is_changed = reader.flag()?;
        self.move_on(slot, age, is_changed.then_some(reader))
    }

    /// An entity is where its state of so many frames ago takes it; or elsewhere, if the bits say how.
    fn move_on(
        &mut self,
        slot: usize,
        age: u32,
        reader: Option<&mut BitReader<'_>>,
    ) -> Result<(), DecodeError> {
        let ticks = u64::from(age) * u64::from(self.schema.frame_ticks);
        let base = self.tick.0.checked_sub(ticks).filter(|_| age > 0);
        let base = base.ok_or(DecodeError::Unknown)?;
        let frames_ago = u16::try_from(age).map_err(|_| DecodeError::Unknown)?;
        let place = place(self.frame.wrapping_sub(frames_ago));
        let ghost = self.slots.get_mut(slot).and_then(Option::as_mut);
        let ghost = ghost.ok_or(DecodeError::Unknown)?;
        if ghost.ticks.get(place) != Some(&Some(Tick(base))) {
            return Err(DecodeError::Unknown);
        }
        let kind = self.schema.kinds.get(usize::from(ghost.kind));
        let kind = kind.ok_or(DecodeError::Unknown)?;
        let base = ghost.range(place);
        let axes = ghost.tell(self.tick, self.frame, base);
        for (axis, field) in axes.iter_mut().zip(&kind.fields) {
            *axis = axis.predicted(field, age);
        }
        match reader {
            Some(reader) => take_changes(kind, axes, reader),
            None => Ok(()),
        }
    }

    fn take_full(&mut self, slot: usize, reader: &mut BitReader<'_>) -> Result<(), DecodeError> {
        let id = reader.golomb(ID_ORDER)?;
        let index = reader.bits(self.schema.kind_bits())?;
        let index = u8::try_from(index).map_err(|_| DecodeError::Unknown)?;
        let kind = self.schema.kinds.get(usize::from(index));
        let count = kind.ok_or(DecodeError::Unknown)?.fields.len();
        let known = self.slots.get(slot).and_then(Option::as_ref);
        if known.is_none_or(|ghost| ghost.id != id || ghost.kind != index) {
            self.enter(slot, Ghost::new(id, index, count))?;
        }
        let ghost = self.slots.get_mut(slot).and_then(Option::as_mut);
        let ghost = ghost.ok_or(DecodeError::Unknown)?;
        let axes = ghost.tell(self.tick, self.frame, 0..0);
        let kind = self.schema.kinds.get(usize::from(index));
        for (axis, field) in axes.iter_mut().zip(kind.into_iter().flat_map(Kind::fields)) {
            let level = take_level(field, reader)?;
            *axis = match field.motion == Motion::Linear && reader.flag()? {
                true => take_moving(field, level, reader)?,
                false => Axis::still(field, level),
            };
        }
        Ok(())
    }

    /// Somebody else is in a slot.
    fn enter(&mut self, slot: usize, ghost: Ghost) -> Result<(), DecodeError> {
        self.forget(slot);
        // An id is one entity: what had it before is gone, though its slot did not say so yet.
        if let Some(other) = self.ids.get(&ghost.id) {
            self.forget(usize::from(*other));
        }
        let name = u16::try_from(slot).map_err(|_| DecodeError::Limit)?;
        self.ids.insert(ghost.id, name);
        self.came.push(ghost.id);
        if self.slots.len() <= slot {
            self.slots.resize_with(slot + 1, || None);
        }
        if let Some(place) = self.slots.get_mut(slot) {
            *place = Some(ghost);
        }
        Ok(())
    }
}

impl Ghost {
    fn new(id: u32, kind: u8, count: usize) -> Self {
        Self {
            id,
            kind,
            newest: 0,
            ticks: [None; PAST],
            axes: alloc::vec![Axis::default(); PAST * count],
            count,
        }
    }

    const fn range(&self, place: usize) -> Range<usize> {
        let begin = place * self.count;
        begin..begin + self.count
    }

    /// It is told in this frame. Answers what it is then, which begins as what it was.
    fn tell(&mut self, tick: Tick, frame: u16, was: Range<usize>) -> &mut [Axis] {
        self.newest = place(frame);
        if let Some(told) = self.ticks.get_mut(self.newest) {
            *told = Some(tick);
        }
        let range = self.range(self.newest);
        if was.end <= self.axes.len() && range.end <= self.axes.len() {
            self.axes.copy_within(was, range.start);
        }
        self.axes.get_mut(range).unwrap_or_default()
    }
}

/// Of a frame in what is kept of the last ones.
fn place(frame: u16) -> usize {
    usize::from(frame) % PAST
}

/// What differs from the prediction.
fn take_changes(
    kind: &Kind,
    axes: &mut [Axis],
    reader: &mut BitReader<'_>,
) -> Result<(), DecodeError> {
    let is_first_only = kind.groups == 1 || !reader.flag()?;
    let changed = match is_first_only {
        true => 1,
        false => reader.bits(kind.groups.into())?,
    };
    for (axis, field) in axes.iter_mut().zip(&kind.fields) {
        if changed & (1 << field.group) == 0 {
            continue;
        }
        if field.motion == Motion::Any {
            if reader.flag()? {
                axis.at = take_level(field, reader)?;
            }
            continue;
        }
        let order = match field.motion {
            Motion::Linear => RESIDUAL_ORDER,
            Motion::Near | Motion::Any => 0,
        };
        let residual = reader.golomb_signed(order)?;
        let level = field.offset(axis.level(field), residual);
        let level = level.ok_or(DecodeError::Number)?;
        if field.motion == Motion::Near {
            axis.at = level;
            continue;
        }
        let mut fraction = axis.at & FRACTION_MASK;
        if reader.flag()? {
            let change = reader.golomb_signed(CHANGE_ORDER)?;
            let velocity = axis.velocity.checked_add(change);
            let velocity = velocity.filter(|velocity| field.can_move(*velocity));
            axis.velocity = velocity.ok_or(DecodeError::Number)?;
            if axis.velocity != 0 {
                fraction = reader.bits(FRACTION_BITS)?;
            }
        }
        axis.at = (level << FRACTION_BITS) | fraction;
    }
    Ok(())
}

fn take_moving(field: &Field, level: u32, reader: &mut BitReader<'_>) -> Result<Axis, DecodeError> {
    let fraction = reader.bits(FRACTION_BITS)?;
    let velocity = reader.golomb_signed(VELOCITY_ORDER)?;
    if !field.can_move(velocity) {
        return Err(DecodeError::Number);
    }
    Ok(Axis {
        at: (level << FRACTION_BITS) | fraction,
        velocity,
        gain: 0,
    })
}

/// The lower half.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the lower half is what is asked for"
)]
const fn low(word: u64) -> u32 {
    word as u32
}

const FLAGS: u8 = FLAG_SLOTS | FLAG_WHOLE | FLAG_OWN | FLAG_WAITING;
