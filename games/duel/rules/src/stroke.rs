//! A stroke, what came of it on the table, and what the rules say.

use tagus_physics::{Limits, Outcome, SHOT_BYTES, Shot, State, Table, simulate};

use crate::codec::{Reader, put_bytes};

/// What a player does in a turn: put the body that is struck, call a pocket, shoot. A sport may have less than that.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Stroke {
    /// Where the body is put first, in units of the physics.
    pub place: Option<(i32, i32)>,
    /// The pocket that is called.
    pub call: Option<u8>,
    /// The shot.
    pub shot: Shot,
}

/// Bytes of flags, call, place and shot, as messages and snapshots have them.
pub(crate) const STROKE_BYTES: usize = 10 + SHOT_BYTES;

impl Stroke {
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        put_place(out, self.place, self.call);
        out.extend_from_slice(&self.shot.encode());
    }

    /// None for unknown flags, and for a place without its flag.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let (place, call) = read_place(reader)?;
        let shot = Shot::decode(&reader.array::<SHOT_BYTES>()?).ok()?;
        Some(Self { place, call, shot })
    }
}

/// `u8 flags, u8 call, i32 x, i32 y`.
pub(crate) fn put_place(out: &mut Vec<u8>, place: Option<(i32, i32)>, call: Option<u8>) {
    let (x, y) = place.unwrap_or_default();
    out.extend_from_slice(&[u8::from(place.is_some()), call.unwrap_or(NONE)]);
    out.extend_from_slice(&x.to_le_bytes());
    out.extend_from_slice(&y.to_le_bytes());
}

pub(crate) fn read_place(reader: &mut Reader<'_>) -> Option<Placing> {
    let (is_placed, call) = (reader.flag()?, reader.u8()?);
    let at = (reader.i32()?, reader.i32()?);
    if !is_placed && at != (0, 0) {
        return None;
    }
    Some((is_placed.then_some(at), (call != NONE).then_some(call)))
}

type Placing = (Option<(i32, i32)>, Option<u8>);

/// What came of a stroke on the table: all that rules may ask.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Played {
    /// The table after it, before anything is put back.
    pub state: State,
    /// [`Outcome::hash`].
    pub hash: u64,
    /// From the stroke until the last ball rests, in milliseconds.
    pub rest_ms: u32,
    /// The body that the struck one met first.
    pub first: Option<u8>,
    /// Bodies that met a cushion, a bit each.
    pub cushioned: u32,
    /// Those that did after the struck body first met another one.
    pub cushioned_after: u32,
    /// Bodies and their pockets, in order.
    pub pocketed: Vec<(u8, u8)>,
}

impl Played {
    /// Plays the shot from `state`, which must be checked. None: it cannot be played.
    #[must_use]
    pub fn of(table: &Table, mut state: State, shot: &Shot) -> Option<Self> {
        let outcome = simulate(table, &mut state, shot, Limits::default()).ok()?;
        Some(Self::new(state, shot.body, &outcome))
    }

    fn new(state: State, struck: u8, outcome: &Outcome) -> Self {
        Self {
            state,
            hash: outcome.hash,
            rest_ms: (outcome.seconds * 1_000.0) as u32,
            first: outcome.first_contact(struck),
            cushioned: outcome.cushioned(),
            cushioned_after: outcome.cushioned_after_contact(struck),
            pocketed: outcome.pocketed().collect(),
        }
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(256);
        out.extend_from_slice(&self.hash.to_le_bytes());
        out.extend_from_slice(&self.rest_ms.to_le_bytes());
        out.push(self.first.unwrap_or(NONE));
        out.extend_from_slice(&self.cushioned.to_le_bytes());
        out.extend_from_slice(&self.cushioned_after.to_le_bytes());
        put_pocketed(&mut out, &self.pocketed);
        let mut state = Vec::new();
        self.state.encode(&mut state);
        put_bytes(&mut out, &state);
        out
    }

    pub(crate) fn from_bytes(table: &Table, bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let (hash, rest_ms, first) = (reader.u64()?, reader.u32()?, reader.u8()?);
        let (cushioned, cushioned_after) = (reader.u32()?, reader.u32()?);
        let pocketed = read_pocketed(&mut reader)?;
        let state = State::decode(table, reader.bytes()?).ok()?;
        reader.is_empty().then_some(Self {
            state,
            hash,
            rest_ms,
            first: (first != NONE).then_some(first),
            cushioned,
            cushioned_after,
            pocketed,
        })
    }
}

/// What the rules say to a stroke.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Verdict {
    /// [`Played::hash`].
    pub hash: u64,
    /// [`Played::rest_ms`].
    pub rest_ms: u32,
    /// What the rules say, in a number of the sport's; 0: nothing.
    pub ruling: u8,
    /// Bodies and their pockets, in order. Some may have been put back since.
    pub pocketed: Vec<(u8, u8)>,
}

impl Verdict {
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.hash.to_le_bytes());
        out.extend_from_slice(&self.rest_ms.to_le_bytes());
        out.push(self.ruling);
        put_pocketed(out, &self.pocketed);
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self {
            hash: reader.u64()?,
            rest_ms: reader.u32()?,
            ruling: reader.u8()?,
            pocketed: read_pocketed(reader)?,
        })
    }
}

fn put_pocketed(out: &mut Vec<u8>, pocketed: &[(u8, u8)]) {
    out.push(pocketed.len() as u8);
    for (ball, pocket) in pocketed {
        out.extend_from_slice(&[*ball, *pocket]);
    }
}

fn read_pocketed(reader: &mut Reader<'_>) -> Option<Vec<(u8, u8)>> {
    let count = reader.u8()?;
    let pair = |_| reader.array().map(|[ball, pocket]| (ball, pocket));
    (0..count).map(pair).collect()
}

/// No pocket, no body, nobody.
pub(crate) const NONE: u8 = 255;
