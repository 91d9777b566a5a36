//! Messages in bytes: `games/pool/PROTOCOL.md` and `games/soccer/PROTOCOL.md`.

use tagus_physics::State;

use crate::codec::Reader;
use crate::course::{Chair, Turn, put_end};
use crate::reason::Reason;
use crate::sport::Sport;
use crate::stroke::{NONE, STROKE_BYTES, Stroke, Verdict, put_place, read_place};

/// Op codes.
pub mod op {
    /// From the client: play.
    pub const SHOOT: i64 = 1;
    /// From the client: what it is about to play.
    pub const AIM: i64 = 2;
    /// From the client: its own simulation ended elsewhere.
    pub const DIFFERS: i64 = 3;
    /// From the client: rack again.
    pub const RERACK: i64 = 4;
    /// From the client: lose.
    pub const CONCEDE: i64 = 5;
    /// From the client: play again.
    pub const REMATCH: i64 = 6;
    /// From the client: take a free chair.
    pub const SIT: i64 = 7;
    /// From the client: choose.
    pub const CHOOSE: i64 = 8;
    /// To the client: everything about the game.
    pub const TABLE: i64 = 16;
    /// To the client: a shot was struck.
    pub const SHOT: i64 = 17;
    /// To the client: what came of it.
    pub const VERDICT: i64 = 18;
    /// To the client: what a player is about to play.
    pub const AIMED: i64 = 19;
    /// To the client: who is there.
    pub const PEOPLE: i64 = 20;
    /// To the client: its message changed nothing.
    pub const REFUSED: i64 = 21;
    /// To the client: the finished game.
    pub const RECORD: i64 = 22;
    /// To the client: what each player has chosen.
    pub const CHOICES: i64 = 23;
}

/// Bytes of op 1.
pub const SHOOT_BYTES: usize = 4 + STROKE_BYTES;
/// Bytes of op 2.
pub const AIM_BYTES: usize = 24;
/// Bytes of a trace at most. A longer one makes the message malformed.
pub const TRACE_BYTES_MAX: usize = 2_048;

/// What a client asks for; a claim, never a fact.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Command<'a> {
    /// Play this stroke.
    Shoot {
        /// The game it is of.
        game: u16,
        /// The turn it is of.
        turn: u16,
        /// The stroke.
        stroke: Stroke,
    },
    /// Show the others what is about to be played.
    Aim(Aim),
    /// The own simulation ended elsewhere.
    Differs {
        /// The game it is of.
        game: u16,
        /// The turn of the shot.
        turn: u16,
        /// What the client has in place of [`Verdict::hash`].
        hash: u64,
        /// How it came about; up to [`TRACE_BYTES_MAX`] bytes in whichever form.
        trace: &'a [u8],
    },
    /// Rack again.
    Rerack {
        /// The game it is of.
        game: u16,
        /// The turn it is of.
        turn: u16,
    },
    /// Lose the game.
    Concede {
        /// The game it is of.
        game: u16,
    },
    /// Play again.
    Rematch {
        /// The game that is over.
        game: u16,
    },
    /// Take a free chair.
    Sit,
    /// Choose one of the things that each player has for himself.
    Choose {
        /// The game it is of.
        game: u16,
        /// What.
        choice: u8,
    },
}

/// What a player is about to play.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Aim {
    /// The game it is of.
    pub game: u16,
    /// The turn it is of.
    pub turn: u16,
    /// Where the body would be put.
    pub place: Option<(i32, i32)>,
    /// The pocket that would be called; where there is a choice of bodies to strike, the body.
    pub call: Option<u8>,
    /// As in a shot.
    pub angle: u32,
    /// As in a shot.
    pub power: u16,
    /// As in a shot.
    pub side: i16,
    /// As in a shot.
    pub height: i16,
}

impl<'a> Command<'a> {
    /// Reads a message.
    ///
    /// # Errors
    /// [`Reason::Malformed`] for whatever is no message.
    pub fn decode(op: i64, data: &'a [u8]) -> Result<Self, Reason> {
        let mut reader = Reader(data);
        let command = Self::read(op, &mut reader).filter(|_| reader.is_empty());
        command.ok_or(Reason::Malformed)
    }

    fn read(op: i64, reader: &mut Reader<'a>) -> Option<Self> {
        Some(match op {
            op::SHOOT => Self::Shoot {
                game: reader.u16()?,
                turn: reader.u16()?,
                stroke: Stroke::read(reader)?,
            },
            op::AIM => Self::Aim(Aim::read(reader)?),
            op::DIFFERS => {
                let (game, turn, hash) = (reader.u16()?, reader.u16()?, reader.u64()?);
                let trace = std::mem::take(&mut reader.0);
                (trace.len() <= TRACE_BYTES_MAX).then_some(Self::Differs {
                    game,
                    turn,
                    hash,
                    trace,
                })?
            }
            op::RERACK => Self::Rerack {
                game: reader.u16()?,
                turn: reader.u16()?,
            },
            op::CONCEDE => Self::Concede {
                game: reader.u16()?,
            },
            op::REMATCH => Self::Rematch {
                game: reader.u16()?,
            },
            op::SIT => Self::Sit,
            op::CHOOSE => Self::Choose {
                game: reader.u16()?,
                choice: reader.u8()?,
            },
            _ => return None,
        })
    }

    /// Appends the message's bytes and returns its op code.
    pub fn encode(&self, out: &mut Vec<u8>) -> i64 {
        let mut put = |number: &u16| out.extend_from_slice(&number.to_le_bytes());
        match self {
            Self::Shoot { game, turn, stroke } => {
                put(game);
                put(turn);
                stroke.write(out);
                op::SHOOT
            }
            Self::Aim(aim) => {
                aim.write(out);
                op::AIM
            }
            Self::Differs {
                game,
                turn,
                hash,
                trace,
            } => {
                put(game);
                put(turn);
                out.extend_from_slice(&hash.to_le_bytes());
                out.extend_from_slice(trace);
                op::DIFFERS
            }
            Self::Rerack { game, turn } => {
                put(game);
                put(turn);
                op::RERACK
            }
            Self::Concede { game } => {
                put(game);
                op::CONCEDE
            }
            Self::Rematch { game } => {
                put(game);
                op::REMATCH
            }
            Self::Sit => op::SIT,
            Self::Choose { game, choice } => {
                put(game);
                out.push(*choice);
                op::CHOOSE
            }
        }
    }
}

impl Aim {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let (game, turn) = (reader.u16()?, reader.u16()?);
        let (place, call) = read_place(reader)?;
        Some(Self {
            game,
            turn,
            place,
            call,
            angle: reader.u32()?,
            power: reader.u16()?,
            side: reader.i16()?,
            height: reader.i16()?,
        })
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.game.to_le_bytes());
        out.extend_from_slice(&self.turn.to_le_bytes());
        put_place(out, self.place, self.call);
        out.extend_from_slice(&self.angle.to_le_bytes());
        out.extend_from_slice(&self.power.to_le_bytes());
        out.extend_from_slice(&self.side.to_le_bytes());
        out.extend_from_slice(&self.height.to_le_bytes());
    }
}

/// A turn's block without its game: where the game is, and the state of the table after `wait_ms` and `left_ms`.
pub(crate) struct Block<'a, S> {
    pub(crate) game: u16,
    /// None: there is no game yet.
    pub(crate) frame: Option<&'a S>,
    pub(crate) wait_ms: u32,
    pub(crate) left_ms: u32,
}

impl<S: Sport> Block<'_, S> {
    /// The 24 bytes of `T` and the state.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.game.to_le_bytes());
        let Some(frame) = self.frame else {
            out.extend_from_slice(&[0, 0, WAITING, NONE, 0, 0, 0, 0, 0, 0, 0, 0, NONE, 0]);
            self.put_times(out);
            State::default().encode(out);
            return;
        };
        let (course, (four, two)) = (frame.course(), frame.block());
        out.extend_from_slice(&course.turn.to_le_bytes());
        let is_over = course.end.is_some();
        out.push(if is_over { OVER } else { PLAYING });
        out.push(if is_over { NONE } else { course.player as u8 });
        out.extend_from_slice(&four);
        out.extend_from_slice(&course.time_outs);
        out.extend_from_slice(&two);
        put_end(out, course.end);
        self.put_times(out);
        course.state.encode(out);
    }

    fn put_times(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.wait_ms.to_le_bytes());
        out.extend_from_slice(&self.left_ms.to_le_bytes());
    }
}

/// What op 16 says besides the turn's block.
pub(crate) struct Table {
    pub(crate) rules: u8,
    pub(crate) opponent: u8,
    /// Of whom it is for; none: he watches.
    pub(crate) chair: Option<Chair>,
    pub(crate) last: u8,
    pub(crate) version: u16,
    /// Time of a turn in seconds; 0: no limit.
    pub(crate) turn_s: u16,
}

/// Op 16.
pub(crate) fn table_bytes<S: Sport>(table: &Table, block: &Block<'_, S>) -> Vec<u8> {
    let mut out = vec![
        table.rules,
        table.opponent,
        table.chair.map_or(NONE, |chair| chair as u8),
        table.last,
    ];
    out.extend_from_slice(&table.version.to_le_bytes());
    out.extend_from_slice(&table.turn_s.to_le_bytes());
    block.write(&mut out);
    out
}

/// Op 17.
pub(crate) fn shot_bytes(
    game: u16,
    turn: u16,
    chair: Chair,
    stroke: &Stroke,
    age_ms: u32,
) -> Vec<u8> {
    let mut body = Vec::with_capacity(STROKE_BYTES);
    stroke.write(&mut body);
    let (head, rest) = body.split_at(2);
    let mut out = Vec::with_capacity(33);
    out.extend_from_slice(&game.to_le_bytes());
    out.extend_from_slice(&turn.to_le_bytes());
    out.push(chair as u8);
    out.extend_from_slice(head);
    out.push(0);
    out.extend_from_slice(rest);
    out.extend_from_slice(&age_ms.to_le_bytes());
    out
}

/// Op 18.
pub(crate) fn verdict_bytes<S: Sport>(
    turn: u16,
    verdict: &Verdict,
    block: &Block<'_, S>,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    out.extend_from_slice(&block.game.to_le_bytes());
    out.extend_from_slice(&turn.to_le_bytes());
    verdict.write(&mut out);
    block.write(&mut out);
    out
}

/// What the last turn was: nothing, or a shot or an end.
pub(crate) const LAST_SHOT: u8 = 0;
/// The time had run out.
pub(crate) const LAST_TIME_OUT: u8 = 1;
/// The table was laid out again.
const LAST_RERACK: u8 = 2;

/// What op 16 says that this turn was.
pub(crate) const fn last_of(turn: &Turn) -> u8 {
    match turn {
        Turn::TimeOut => LAST_TIME_OUT,
        Turn::Rerack
        | Turn::Choice {
            is_at_once: true, ..
        } => LAST_RERACK,
        Turn::Stroke(_)
        | Turn::Concede(_)
        | Turn::Leave(_)
        | Turn::Lapse(_)
        | Turn::Choice { .. } => LAST_SHOT,
    }
}

pub(crate) const NO_LIMIT: u32 = u32::MAX;
const WAITING: u8 = 0;
const PLAYING: u8 = 1;
const OVER: u8 = 2;
