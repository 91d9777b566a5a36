//! How one entity is written into a snapshot of slots: in full, or by how it differs from what the client has.

use alloc::vec::Vec;

use crate::axis::{Axis, FRACTION_BITS, FRACTION_MASK};
use crate::bits::{BitWriter, Sink, bits_for};
use crate::cell::{Entity, ID_ORDER, VELOCITY_ORDER};
use crate::past::PAST;
use crate::schema::{Field, Kind, Motion, Schema};
use crate::world::World;

/// What was written of entities in this frame, once for all viewers that have the same of them.
#[derive(Debug, Default)]
pub(crate) struct Codes {
    frame: u64,
    bits: Vec<u8>,
    /// By age; in full for age 0.
    ages: [Age; PAST],
}

#[derive(Debug, Default)]
struct Age {
    frame: u64,
    /// By the entity's slot in the world: where in `bits` it begins, in bytes, and how many bits it has.
    places: Vec<(u32, u32)>,
}

/// What is to be said of one entity to those who have its state of `age` frames ago, in this frame.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Code {
    /// From [`PAST`] on it is told in full.
    age: u32,
    begin: u32,
    /// In bits; of what is as predicted there are none.
    length: u32,
}

impl Codes {
    /// Forgets what was written in other frames.
    pub(crate) fn begin(&mut self, frame: u64) {
        if self.frame != frame {
            self.frame = frame;
            self.bits.clear();
        }
    }

    pub(crate) fn code(&mut self, world: &World, index: u32, age: u32) -> Code {
        let kept = match age as usize {
            age if age < PAST => &mut self.ages[age],
            _ => &mut self.ages[0],
        };
        if kept.frame != self.frame {
            kept.frame = self.frame;
            kept.places.clear();
            kept.places.resize(world.table.entities.len(), UNWRITTEN);
        }
        let place = &mut kept.places[index as usize];
        if *place == UNWRITTEN {
            let begin = self.bits.len() as u32;
            let mut writer = BitWriter::new(&mut self.bits);
            put_entity(world, index, age, &mut writer);
            *place = (begin, writer.len() as u32);
            writer.finish();
        }
        let (begin, length) = *place;
        Code { age, begin, length }
    }

    /// Appends a code, where most of what is told rests on the state of `common_age` frames ago.
    #[inline]
    pub(crate) fn put(&self, code: Code, common_age: u32, writer: &mut BitWriter<'_>) {
        match code.age == common_age && code.length == 0 {
            true => writer.flag(true),
            false => self.put_long(code, common_age, writer),
        }
    }

    fn put_long(&self, code: Code, common_age: u32, writer: &mut BitWriter<'_>) {
        if code.age >= PAST as u32 {
            writer.bits(0b10, 2);
        } else if code.age == common_age {
            writer.bits(0b100, 3);
        } else {
            writer.bits(code.age << 3, 3 + AGE_BITS);
            writer.flag(code.length != 0);
        }
        writer.copy(&self.bits, code.begin as usize * 8, code.length as usize);
    }
}

impl Code {
    /// It is where its state of so many frames ago takes it.
    pub(crate) const fn as_predicted(age: u32) -> Self {
        Self {
            age,
            begin: 0,
            length: 0,
        }
    }

    /// How many bits [`Codes::put`] appends.
    pub(crate) const fn bits(self, common_age: u32) -> usize {
        let head = if self.age >= PAST as u32 {
            2
        } else if self.age == common_age {
            if self.length == 0 { 1 } else { 3 }
        } else {
            3 + AGE_BITS + 1
        };
        (head + self.length) as usize
    }
}

fn put_entity(world: &World, index: u32, age: u32, writer: &mut BitWriter<'_>) {
    let (schema, entity) = (world.schema(), world.entity(index));
    let axes = world.table.known(index);
    if age >= PAST as u32 {
        put_full(schema, entity, axes, writer);
        return;
    }
    let kind = &schema.kinds[usize::from(entity.kind)];
    let had = world.axes_ago(age, index);
    let changed = changed_groups(kind, had, age, axes);
    if changed != 0 {
        put_changes(kind, changed, had, age, axes, writer);
    }
}

/// Appends an entity in full.
fn put_full(schema: &Schema, entity: &Entity, axes: &[Axis], sink: &mut impl Sink) {
    let kind = &schema.kinds[usize::from(entity.kind)];
    sink.golomb(entity.id, ID_ORDER);
    sink.bits(u32::from(entity.kind), schema.kind_bits());
    for (field, axis) in kind.fields.iter().zip(axes) {
        sink.bits(axis.level(field), bits_for(field.level_max));
        if field.motion == Motion::Linear {
            sink.flag(axis.velocity != 0);
            if axis.velocity != 0 {
                sink.bits(axis.at & FRACTION_MASK, FRACTION_BITS);
                sink.golomb_signed(axis.velocity, VELOCITY_ORDER);
            }
        }
    }
}

/// The groups in which an entity is not where `frames` frames take what the client has.
fn changed_groups(kind: &Kind, had: &[Axis], frames: u32, axes: &[Axis]) -> u32 {
    let fields = kind.fields.iter().zip(had).zip(axes);
    fields.fold(0, |changed, ((field, had), axis)| {
        let is_same = had.predicted(field, frames).is_same(field, *axis);
        changed | u32::from(!is_same) << field.group
    })
}

/// Appends how the groups of `changed`, which are not none, differ.
fn put_changes(
    kind: &Kind,
    changed: u32,
    had: &[Axis],
    frames: u32,
    axes: &[Axis],
    sink: &mut impl Sink,
) {
    if kind.groups > 1 {
        sink.flag(changed != 1);
        if changed != 1 {
            sink.bits(changed, u32::from(kind.groups));
        }
    }
    for ((field, had), axis) in kind.fields.iter().zip(had).zip(axes) {
        if changed & (1 << field.group) != 0 {
            put_change(field, had.predicted(field, frames), *axis, sink);
        }
    }
}

fn put_change(field: &Field, predicted: Axis, axis: Axis, sink: &mut impl Sink) {
    let residual = field.difference(predicted.level(field), axis.level(field));
    match field.motion {
        Motion::Any => {
            sink.flag(residual != 0);
            if residual != 0 {
                sink.bits(axis.at, bits_for(field.level_max));
            }
        }
        Motion::Near => sink.golomb_signed(residual, 0),
        Motion::Linear => {
            sink.golomb_signed(residual, RESIDUAL_ORDER);
            let is_velocity = axis.velocity == predicted.velocity;
            let is_place = axis.velocity == 0 || (axis.at ^ predicted.at) & FRACTION_MASK == 0;
            sink.flag(!(is_velocity && is_place));
            if !(is_velocity && is_place) {
                sink.golomb_signed(axis.velocity - predicted.velocity, CHANGE_ORDER);
                if axis.velocity != 0 {
                    sink.bits(axis.at & FRACTION_MASK, FRACTION_BITS);
                }
            }
        }
    }
}

/// Golomb order of what a level in linear motion is off.
pub(crate) const RESIDUAL_ORDER: u32 = 2;
/// Golomb order of changes of velocity.
pub(crate) const CHANGE_ORDER: u32 = 6;
/// Bits of an age of less than [`PAST`].
pub(crate) const AGE_BITS: u32 = 5;
/// The place of what is not written yet.
const UNWRITTEN: (u32, u32) = (u32::MAX, 0);

const _: () = assert!(PAST == 1 << AGE_BITS);
