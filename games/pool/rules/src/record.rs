//! A finished game in bytes, and the proof that it was played so.

use tagus_base::{UserId, Uuid};
use tagus_physics::{SHOT_BYTES, Shot};

use crate::codec::Reader;
use crate::config::table_of;
use crate::frame::{Chair, End, Frame, How, Rules, TURNS_MAX, Turn};
use crate::reason::Reason;
use crate::stroke::{NONE, Stroke};
use crate::table::CUE;

/// A game of two players: its seed and its turns, from which everything else follows.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Record {
    /// Names the game for ever.
    pub id: Uuid,
    /// What was played.
    pub rules: Rules,
    /// Version of the table.
    pub table: u16,
    /// Seed of the rack.
    pub seed: u64,
    /// Who broke.
    pub breaker: Chair,
    /// The accounts of both chairs; zeros for a bot.
    pub users: [UserId; 2],
    /// The turns, in order; at most [`TURNS_MAX`] and one.
    pub turns: Vec<Turn>,
    /// How it ended.
    pub end: End,
    /// One hash out of those of all shots, in order.
    pub hash: u64,
}

/// What a replay has shown.
#[derive(Clone, Debug)]
pub struct Verified {
    /// The game after its last turn.
    pub frame: Frame,
    /// Shots that were simulated.
    pub shots: usize,
}

/// Bytes of a record before its turns.
const HEAD_BYTES: usize = 1 + 16 + 1 + 2 + 8 + 1 + 32 + 2 + 8 + 2;
/// Bytes of a record at most: under 4 KB.
pub(crate) const RECORD_BYTES_MAX: usize = HEAD_BYTES + (TURNS_MAX as usize + 1) * TURN_BYTES_MAX;
/// Kind, call, place, and a shot without its table and its ball.
const TURN_BYTES_MAX: usize = 1 + 1 + 8 + SHOT_BYTES - 3;
const _: () = assert!(RECORD_BYTES_MAX < 4_000);

impl Record {
    /// At most 3,293 bytes, a typical game some 500: `u8 1`, 16 bytes of id, `u8 rules`, `u16 table`, `u64 seed`,
    /// `u8 breaker`, two accounts of 16 bytes, `u8 winner` (255: none), `u8 how`, `u64 hash`, `u16 n`, then n turns.
    ///
    /// A turn begins with its kind: 0 a shot, 1 a rerack, 2 a time-out, 3 and 4 the first and the second chair
    /// concedes, 5 and 6 leaves. To a shot's kind 16 is added where the cue ball is put and 32 where a pocket is called;
    /// then follow `i32 x, i32 y` and `u8 call` if so, and `u32 angle, u16 power, i16 side, i16 height`.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        out.extend_from_slice(&self.id.0);
        out.push(self.rules as u8);
        out.extend_from_slice(&self.table.to_le_bytes());
        out.extend_from_slice(&self.seed.to_le_bytes());
        out.push(self.breaker as u8);
        for user in &self.users {
            out.extend_from_slice(&user.0.0);
        }
        put_end(&mut out, Some(self.end));
        out.extend_from_slice(&self.hash.to_le_bytes());
        put_turns(&mut out, &self.turns);
        out
    }

    /// Reads what [`Self::to_bytes`] wrote. Whether it was played so is for [`replay`].
    ///
    /// # Errors
    /// The bytes are no record, or one of more turns than a game has.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RecordError> {
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
        let rules = Rules::from_number(reader.u8()?)?;
        let table = reader.u16()?;
        Some(Self {
            id,
            rules,
            table,
            seed: reader.u64()?,
            breaker: Chair::from_number(reader.u8()?)?,
            users: [UserId(Uuid(reader.array()?)), UserId(Uuid(reader.array()?))],
            end: read_end(reader)??,
            hash: reader.u64()?,
            turns: read_turns(reader, table)?,
        })
    }
}

/// Plays the game again, by the same rules and the same physics.
///
/// # Errors
/// It is of an unknown table, a turn is not allowed, shots ended otherwise, or the game did.
pub fn replay(record: &Record) -> Result<Verified, ReplayError> {
    let table = table_of(record.table).ok_or(ReplayError::Table(record.table))?;
    let mut frame = Frame::new(table, record.rules, record.seed, record.breaker);
    let (mut hash, mut shots) = (0, 0);
    for (index, turn) in record.turns.iter().enumerate() {
        let verdict = frame.apply(*turn);
        let verdict = verdict.map_err(|source| ReplayError::Turn { index, source })?;
        if let Some(verdict) = verdict {
            hash = mix(hash, verdict.hash);
            shots += 1;
        }
    }
    if frame.end() != Some(record.end) {
        return Err(ReplayError::End(frame.end()));
    }
    if hash != record.hash {
        return Err(ReplayError::Hash(hash));
    }
    Ok(Verified { frame, shots })
}

/// One hash out of those of all shots so far, and the next one.
pub(crate) const fn mix(hash: u64, next: u64) -> u64 {
    (hash.rotate_left(5) ^ next).wrapping_mul(0x9e37_79b9_7f4a_7c15)
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

/// Why a record is not the game that it says it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// There is no table of this version.
    #[error("find table {0}")]
    Table(u16),
    /// This turn is not allowed.
    #[error("play turn {index}")]
    Turn {
        /// Its place among the turns.
        index: usize,
        /// Why not.
        #[source]
        source: Reason,
    },
    /// The game is at this end after its turns.
    #[error("compare the end: it is {0:?}")]
    End(Option<End>),
    /// The shots ended otherwise; this is their hash.
    #[error("compare the shots: their hash is {0:016x}")]
    Hash(u64),
}

pub(crate) fn put_end(out: &mut Vec<u8>, end: Option<End>) {
    let winner = end.and_then(|end| end.winner);
    out.push(winner.map_or(NONE, |chair| chair as u8));
    out.push(end.map_or(0, |end| end.how as u8));
}

pub(crate) fn read_end(reader: &mut Reader<'_>) -> Option<Option<End>> {
    let winner = match reader.u8()? {
        NONE => None,
        number => Some(Chair::from_number(number)?),
    };
    match reader.u8()? {
        0 => winner.is_none().then_some(None),
        how => {
            let how = How::from_number(how)?;
            Some(Some(End { winner, how }))
        }
    }
}

pub(crate) fn put_turns(out: &mut Vec<u8>, turns: &[Turn]) {
    out.extend_from_slice(&(turns.len() as u16).to_le_bytes());
    for turn in turns {
        match turn {
            Turn::Stroke(stroke) => put_stroke(out, stroke),
            Turn::Rerack => out.push(RERACK),
            Turn::TimeOut => out.push(TIME_OUT),
            Turn::Concede(chair) => out.push(CONCEDE + *chair as u8),
            Turn::Leave(chair) => out.push(LEAVE + *chair as u8),
        }
    }
}

/// None for more turns than a game has, too.
pub(crate) fn read_turns(reader: &mut Reader<'_>, table: u16) -> Option<Vec<Turn>> {
    let count = reader.u16()?;
    if count > TURNS_MAX + 1 {
        return None;
    }
    (0..count).map(|_| read_turn(reader, table)).collect()
}

fn read_turn(reader: &mut Reader<'_>, table: u16) -> Option<Turn> {
    let kind = reader.u8()?;
    Some(match kind {
        RERACK => Turn::Rerack,
        TIME_OUT => Turn::TimeOut,
        CONCEDE..LEAVE => Turn::Concede(Chair::from_number(kind - CONCEDE)?),
        LEAVE..=LEAVE_LAST => Turn::Leave(Chair::from_number(kind - LEAVE)?),
        _ if kind & !(PLACED | CALLED) == 0 => Turn::Stroke(read_stroke(reader, kind, table)?),
        _ => return None,
    })
}

fn put_stroke(out: &mut Vec<u8>, stroke: &Stroke) {
    let placed = stroke.place.map_or(0, |_| PLACED);
    out.push(placed | stroke.call.map_or(0, |_| CALLED));
    if let Some((x, y)) = stroke.place {
        out.extend_from_slice(&x.to_le_bytes());
        out.extend_from_slice(&y.to_le_bytes());
    }
    out.extend(stroke.call);
    let shot = &stroke.shot;
    out.extend_from_slice(&shot.angle.to_le_bytes());
    out.extend_from_slice(&shot.power.to_le_bytes());
    out.extend_from_slice(&shot.side.to_le_bytes());
    out.extend_from_slice(&shot.height.to_le_bytes());
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
    let shot = Shot {
        table,
        body: CUE,
        angle: reader.u32()?,
        power: reader.u16()?,
        side: reader.i16()?,
        height: reader.i16()?,
    };
    Some(Stroke { place, call, shot })
}

const VERSION: u8 = 1;
const RERACK: u8 = 1;
const TIME_OUT: u8 = 2;
const CONCEDE: u8 = 3;
const LEAVE: u8 = 5;
const LEAVE_LAST: u8 = 6;
const PLACED: u8 = 16;
const CALLED: u8 = 32;
