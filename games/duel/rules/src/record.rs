//! A game in bytes: its seed and its turns.

use tagus_base::{UserId, Uuid};
use tagus_physics::{SHOT_BYTES, Shot};

use crate::codec::Reader;
use crate::course::{Chair, End, Turn, Variant, put_end, read_end};
use crate::stroke::Stroke;

/// A game of two players: its seed and its turns, from which everything else follows.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Record {
    /// Names the game for ever.
    pub id: Uuid,
    /// What was played, and on which table: these tell the sport, too.
    pub variant: Variant,
    /// Seed of the game.
    pub seed: u64,
    /// Who had the first turn.
    pub first: Chair,
    /// The accounts of both chairs; zeros for a bot.
    pub users: [UserId; 2],
    /// The turns, in order; at most [`TURNS_MAX`].
    pub turns: Vec<Turn>,
    /// How it ended; none: it goes on.
    pub end: Option<End>,
    /// One hash out of those of all shots, in order.
    pub hash: u64,
}

/// Bytes of a record before its turns.
const HEAD_BYTES: usize = 1 + 16 + 1 + 2 + 8 + 1 + 32 + 2 + 8 + 2;
/// Bytes of a record at most. Longer ones are not read.
pub const RECORD_BYTES_MAX: usize = 4_000;
/// Kind, call, place, and a shot without its table and its body.
const TURN_BYTES_MAX: usize = 1 + 1 + 8 + SHOT_BYTES - 3;
/// Turns of a game at most, of every sport: what follows keeps the longest below [`RECORD_BYTES_MAX`].
pub const TURNS_MAX: u16 = 161;
const _: () = assert!(HEAD_BYTES + TURNS_MAX as usize * TURN_BYTES_MAX <= RECORD_BYTES_MAX);

impl Record {
    /// A game that begins. Who has the first turn follows from the seed.
    #[must_use]
    pub const fn begin(id: Uuid, variant: Variant, seed: u64, users: [UserId; 2]) -> Self {
        Self {
            id,
            variant,
            seed,
            first: Chair::first_of(seed),
            users,
            turns: Vec::new(),
            end: None,
            hash: 0,
        }
    }

    /// At most 3,293 bytes, a typical game some 500: `u8 1`, 16 bytes of id, `u8 rules`, `u16 table`, `u64 seed`,
    /// `u8 first`, two accounts of 16 bytes, `u8 winner` (255: none), `u8 how` (0: the game goes on), `u64 hash`,
    /// `u16 n`, then n turns.
    ///
    /// A turn begins with its kind: 0 a shot, 1 a rerack, 2 a time-out, 3 and 4 the first and the second chair
    /// concedes, 5 and 6 leaves, 7 and 8 lets a kept game's time run out, 9 and 10 chooses, 11 and 12 chooses at once,
    /// which is followed by `u8 choice`. To a shot's kind 16 is added where a body is put, 32 where a pocket is
    /// called, and 64 where another body than the first is struck; then follow `i32 x, i32 y` and `u8 call` if so, then
    /// `u32 angle, u16 power, i16 side, i16 height`, or in the last case `u8 body, u32 angle, u16 power`.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        out.extend_from_slice(&self.id.0);
        self.variant.write(&mut out);
        out.extend_from_slice(&self.seed.to_le_bytes());
        out.push(self.first as u8);
        for user in &self.users {
            out.extend_from_slice(&user.0.0);
        }
        put_end(&mut out, self.end);
        out.extend_from_slice(&self.hash.to_le_bytes());
        put_turns(&mut out, &self.turns);
        out
    }

    /// Reads what [`Self::to_bytes`] wrote. Whether it was played so is for [`replay`](crate::replay).
    ///
    /// # Errors
    /// The bytes are no record, or one of more turns than a game has.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RecordError> {
        if bytes.len() > RECORD_BYTES_MAX {
            return Err(RecordError::Damaged);
        }
        let mut reader = Reader(bytes);
        match reader.u8() {
            Some(VERSION) => (),
            Some(version) => return Err(RecordError::Version(version)),
            None => return Err(RecordError::Damaged),
        }
        Self::read(&mut reader)
            .filter(|_| reader.is_empty())
            .ok_or(RecordError::Damaged)
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let id = Uuid(reader.array()?);
        let variant = Variant::read(reader)?;
        Some(Self {
            id,
            variant,
            seed: reader.u64()?,
            first: Chair::from_number(reader.u8()?)?,
            users: [UserId(Uuid(reader.array()?)), UserId(Uuid(reader.array()?))],
            end: read_end(reader)?,
            hash: reader.u64()?,
            turns: read_turns(reader, variant.table)?,
        })
    }
}

/// Why bytes are no record.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// Of a version that is not known here.
    #[error("read a record of version {0}")]
    Version(u8),
    /// Cut short, too long, or impossible.
    #[error("read a record that is damaged")]
    Damaged,
}

pub(crate) fn put_turns(out: &mut Vec<u8>, turns: &[Turn]) {
    out.extend_from_slice(&(turns.len() as u16).to_le_bytes());
    for turn in turns {
        turn.write(out);
    }
}

/// None for more than [`TURNS_MAX`], too.
pub(crate) fn read_turns(reader: &mut Reader<'_>, table: u16) -> Option<Vec<Turn>> {
    let count = reader.u16()?;
    if count > TURNS_MAX {
        return None;
    }
    (0..count).map(|_| Turn::read(reader, table)).collect()
}

impl Turn {
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Stroke(stroke) => put_stroke(out, stroke),
            Self::Rerack => out.push(RERACK),
            Self::TimeOut => out.push(TIME_OUT),
            Self::Concede(chair) => out.push(CONCEDE + *chair as u8),
            Self::Leave(chair) => out.push(LEAVE + *chair as u8),
            Self::Lapse(chair) => out.push(LAPSE + *chair as u8),
            Self::Choice {
                chair,
                choice,
                is_at_once,
            } => {
                let kind = if *is_at_once { CHOICE_AT_ONCE } else { CHOICE };
                out.extend_from_slice(&[kind + *chair as u8, *choice]);
            }
        }
    }

    pub(crate) fn read(reader: &mut Reader<'_>, table: u16) -> Option<Self> {
        let kind = reader.u8()?;
        let chair = |from| Chair::from_number(kind - from);
        Some(match kind {
            RERACK => Self::Rerack,
            TIME_OUT => Self::TimeOut,
            CONCEDE..LEAVE => Self::Concede(chair(CONCEDE)?),
            LEAVE..LAPSE => Self::Leave(chair(LEAVE)?),
            LAPSE..CHOICE => Self::Lapse(chair(LAPSE)?),
            CHOICE..CHOICE_AT_ONCE => Self::Choice {
                chair: chair(CHOICE)?,
                choice: reader.u8()?,
                is_at_once: false,
            },
            CHOICE_AT_ONCE..=CHOICE_LAST => Self::Choice {
                chair: chair(CHOICE_AT_ONCE)?,
                choice: reader.u8()?,
                is_at_once: true,
            },
            _ if kind & !(PLACED | CALLED | OTHER_BODY) == 0 => {
                Self::Stroke(read_stroke(reader, kind, table)?)
            }
            _ => return None,
        })
    }
}

fn put_stroke(out: &mut Vec<u8>, stroke: &Stroke) {
    let shot = &stroke.shot;
    let placed = stroke.place.map_or(0, |_| PLACED);
    let other = if shot.body > 0 { OTHER_BODY } else { 0 };
    out.push(placed | stroke.call.map_or(0, |_| CALLED) | other);
    if let Some((x, y)) = stroke.place {
        out.extend_from_slice(&x.to_le_bytes());
        out.extend_from_slice(&y.to_le_bytes());
    }
    out.extend(stroke.call);
    if shot.body > 0 {
        out.push(shot.body);
    }
    out.extend_from_slice(&shot.angle.to_le_bytes());
    out.extend_from_slice(&shot.power.to_le_bytes());
    if shot.body == 0 {
        out.extend_from_slice(&shot.side.to_le_bytes());
        out.extend_from_slice(&shot.height.to_le_bytes());
    }
}

fn read_stroke(reader: &mut Reader<'_>, kind: u8, table: u16) -> Option<Stroke> {
    let place = match kind & PLACED {
        0 => None,
        _ => Some((reader.i32()?, reader.i32()?)),
    };
    let call = match kind & CALLED {
        0 => None,
        _ => Some(reader.u8()?),
    };
    let is_first = kind & OTHER_BODY == 0;
    let body = if is_first { 0 } else { reader.u8()? };
    let (angle, power) = (reader.u32()?, reader.u16()?);
    let (side, height) = if is_first {
        (reader.i16()?, reader.i16()?)
    } else {
        (0, 0)
    };
    let shot = Shot {
        table,
        body,
        angle,
        power,
        side,
        height,
    };
    // One stroke, one way to write it.
    (is_first == (body == 0)).then_some(Stroke { place, call, shot })
}

const VERSION: u8 = 1;
const RERACK: u8 = 1;
const TIME_OUT: u8 = 2;
const CONCEDE: u8 = 3;
const LEAVE: u8 = 5;
const LAPSE: u8 = 7;
const CHOICE: u8 = 9;
const CHOICE_AT_ONCE: u8 = 11;
const CHOICE_LAST: u8 = 12;
const PLACED: u8 = 16;
const CALLED: u8 = 32;
const OTHER_BODY: u8 = 64;
