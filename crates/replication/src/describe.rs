//! A schema as bytes, which a client is told once.

#![warn(clippy::cast_possible_truncation, clippy::indexing_slicing)]

use alloc::string::String;
use alloc::vec::Vec;

use crate::bits::put_varint;
use crate::bits::{take_byte, take_bytes, take_varint_u32};
use crate::error::DecodeError;
use crate::schema::{Blend, Field, Kind, Motion, Schema, Squares};

impl Schema {
    /// The schema as bytes, for clients. Their layout is in `FORMAT.md`.
    #[must_use]
    pub fn describe(&self) -> Vec<u8> {
        let mut out = alloc::vec![VERSION, self.frame_ticks];
        for axis in &self.squares.axes {
            put_field(&mut out, axis);
        }
        put_varint(&mut out, self.squares.side.into());
        put_varint(&mut out, self.squares.margin.into());
        put_varint(&mut out, self.kinds.len() as u64);
        for kind in &self.kinds {
            put_name(&mut out, &kind.name);
            out.push(kind.everywhere.into());
            let fields = kind.fields.get(2..).unwrap_or_default();
            put_varint(&mut out, fields.len() as u64);
            for field in fields {
                put_field(&mut out, field);
            }
        }
        out
    }

    /// The schema that [`describe`](Self::describe) described.
    ///
    /// # Errors
    /// The bytes are of another version, cut short or impossible.
    pub fn parse(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut rest = bytes;
        if take_byte(&mut rest)? != VERSION {
            return Err(DecodeError::Version);
        }
        let frame_ticks = take_byte(&mut rest)?;
        let axes = [take_field(&mut rest)?, take_field(&mut rest)?];
        let side = take_varint_u32(&mut rest)?;
        let margin = take_varint_u32(&mut rest)?;
        let squares = Squares::checked(axes, side, margin).map_err(DecodeError::Schema)?;
        let mut kinds = Vec::new();
        for _ in 0..take_varint_u32(&mut rest)? {
            kinds.push(take_kind(&mut rest, &squares)?);
        }
        if !rest.is_empty() {
            return Err(DecodeError::Trailing);
        }
        Self::checked(kinds, squares, frame_ticks).map_err(DecodeError::Schema)
    }
}

fn put_field(out: &mut Vec<u8>, field: &Field) {
    put_name(out, &field.name);
    out.extend_from_slice(&field.min.to_le_bytes());
    out.extend_from_slice(&field.step.to_le_bytes());
    put_varint(out, field.level_max.into());
    let motion = match field.motion {
        Motion::Linear => 0,
        Motion::Near => 1,
        Motion::Any => 2,
    };
    let blend = match field.blend {
        Blend::Step => 0,
        Blend::Linear => 1,
        Blend::Angle => 2,
    };
    out.push(motion | blend << 2 | u8::from(field.wraps) << 4 | field.group << 5);
}

fn take_field(bytes: &mut &[u8]) -> Result<Field, DecodeError> {
    let name = take_name(bytes)?;
    let min = take_f64(bytes)?;
    let step = take_f64(bytes)?;
    let level_max = take_varint_u32(bytes)?;
    let how = take_byte(bytes)?;
    let motion = match how & 3 {
        0 => Motion::Linear,
        1 => Motion::Near,
        2 => Motion::Any,
        _ => return Err(DecodeError::Number),
    };
    let blend = match (how >> 2) & 3 {
        0 => Blend::Step,
        1 => Blend::Linear,
        2 => Blend::Angle,
        _ => return Err(DecodeError::Number),
    };
    Ok(Field {
        name,
        min,
        step,
        level_max,
        motion,
        blend,
        wraps: how & 16 != 0,
        group: how >> 5,
    })
}

fn take_kind(bytes: &mut &[u8], squares: &Squares) -> Result<Kind, DecodeError> {
    let mut kind = Kind::new("");
    kind.name = take_name(bytes)?;
    kind.everywhere = match take_byte(bytes)? {
        0 => false,
        1 => true,
        _ => return Err(DecodeError::Number),
    };
    kind.fields = squares.axes.to_vec();
    for _ in 0..take_varint_u32(bytes)? {
        kind = kind.field(take_field(bytes)?);
    }
    Ok(kind)
}

fn put_name(out: &mut Vec<u8>, name: &str) {
    put_varint(out, name.len() as u64);
    out.extend_from_slice(name.as_bytes());
}

fn take_name(bytes: &mut &[u8]) -> Result<String, DecodeError> {
    let length = take_varint_u32(bytes)?;
    let name = take_bytes(bytes, length as usize)?;
    let name = core::str::from_utf8(name).map_err(|_| DecodeError::Text)?;
    Ok(name.into())
}

fn take_f64(bytes: &mut &[u8]) -> Result<f64, DecodeError> {
    let (head, rest) = bytes
        .split_first_chunk::<8>()
        .ok_or(DecodeError::Truncated)?;
    *bytes = rest;
    Ok(f64::from_le_bytes(*head))
}

/// Of the description and of the snapshots that it belongs to.
const VERSION: u8 = 1;
