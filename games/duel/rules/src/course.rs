//! What every game has whatever its rules: its table, whose turn it is, and its end.

use std::sync::Arc;

use tagus_physics::{State, Table};

use crate::codec::{Reader, put_bytes};
use crate::stroke::{NONE, Stroke};

/// Time-outs of one player in a game; the last of them loses it.
pub const TIME_OUTS_MAX: u8 = 3;

/// One of the two players.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub enum Chair {
    /// The one who came first.
    First = 0,
    /// The other.
    Second = 1,
}

/// How a game ended: a number that is told and kept. 1 to 5 are the sport's own.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct How(pub u8);

/// The end of a game.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct End {
    /// Who won; none: it is drawn.
    pub winner: Option<Chair>,
    /// How.
    pub how: How,
}

/// Everything that changes a game.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Turn {
    /// The player whose turn it is plays.
    Stroke(Stroke),
    /// The player whose turn it is has the table laid out again, where the rules allow it.
    Rerack,
    /// The time of the player whose turn it is has run out.
    TimeOut,
    /// A player concedes.
    Concede(Chair),
    /// A player leaves.
    Leave(Chair),
    /// A player of a kept game has let the time run out, and loses by that.
    Lapse(Chair),
    /// A player chooses one of the things that the sport lets each choose for himself. It is nobody's turn.
    Choice {
        /// Who.
        chair: Chair,
        /// What.
        choice: u8,
        /// Before anything was played: it counts for the table as it lies.
        is_at_once: bool,
    },
}

/// What is played, in the numbers of a record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Variant {
    /// The rules, a number of the sport's.
    pub rules: u8,
    /// [`Table::version`].
    pub table: u16,
}

/// The part of a game that is the same in every sport. Rules change it as they see fit.
#[derive(Clone, Debug)]
pub struct Course {
    /// The table.
    pub table: Arc<Table>,
    /// [`Variant::rules`].
    pub rules: u8,
    /// Practice: one player, who may do anything, and no end.
    pub is_alone: bool,
    /// Whatever is random in the game comes from it.
    pub seed: u64,
    /// The bodies.
    pub state: State,
    /// The number of the turn that is to be played.
    pub turn: u16,
    /// Whose turn it is.
    pub player: Chair,
    /// Of each chair.
    pub time_outs: [u8; 2],
    /// None while it is played.
    pub end: Option<End>,
}

impl PartialEq for Course {
    /// Tables of one version are equal.
    fn eq(&self, other: &Self) -> bool {
        let numbers = |course: &Self| {
            let mut out = Vec::new();
            course.write(&mut out);
            out
        };
        numbers(self) == numbers(other)
    }
}

impl Course {
    /// A game that begins, without bodies.
    #[must_use]
    pub fn new(table: Arc<Table>, rules: u8, seed: u64, first: Chair) -> Self {
        Self {
            table,
            rules,
            is_alone: false,
            seed,
            state: State::default(),
            turn: 0,
            player: first,
            time_outs: [0; 2],
            end: None,
        }
    }

    /// The next turn is this player's.
    pub const fn pass(&mut self, player: Chair) {
        self.player = player;
        self.turn = self.turn.wrapping_add(1);
    }

    /// The game is over with this turn, and the other one has won.
    pub const fn lose(&mut self, chair: Chair, how: How) {
        self.finish(Some(chair.other()), how);
    }

    /// The game is over with this turn.
    pub const fn finish(&mut self, winner: Option<Chair>, how: How) {
        self.turn = self.turn.wrapping_add(1);
        self.end = Some(End { winner, how });
    }

    /// [`Variant`] of this game.
    #[must_use]
    pub fn variant(&self) -> Variant {
        Variant {
            rules: self.rules,
            table: self.table.version,
        }
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        self.variant().write(out);
        out.push(u8::from(self.is_alone));
        out.extend_from_slice(&self.seed.to_le_bytes());
        out.extend_from_slice(&self.turn.to_le_bytes());
        out.push(self.player as u8);
        out.extend_from_slice(&self.time_outs);
        put_end(out, self.end);
        let mut state = Vec::new();
        self.state.encode(&mut state);
        put_bytes(out, &state);
    }

    pub(crate) fn read(
        reader: &mut Reader<'_>,
        table_of: impl FnOnce(Variant) -> Option<Arc<Table>>,
    ) -> Option<Self> {
        let variant = Variant::read(reader)?;
        let table = table_of(variant)?;
        Some(Self {
            rules: variant.rules,
            is_alone: reader.flag()?,
            seed: reader.u64()?,
            turn: reader.u16()?,
            player: Chair::from_number(reader.u8()?)?,
            time_outs: reader.array()?,
            end: read_end(reader)?,
            state: State::decode(&table, reader.bytes()?).ok()?,
            table,
        })
    }
}

impl Variant {
    pub(crate) fn write(self, out: &mut Vec<u8>) {
        out.push(self.rules);
        out.extend_from_slice(&self.table.to_le_bytes());
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self {
            rules: reader.u8()?,
            table: reader.u16()?,
        })
    }
}

impl Chair {
    /// Both, in order.
    pub const BOTH: [Self; 2] = [Self::First, Self::Second];

    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::First => Self::Second,
            Self::Second => Self::First,
        }
    }

    /// The chair of a number; none beyond 1.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::BOTH.get(usize::from(number)).copied()
    }

    /// Who has the first turn of the first game with this seed.
    #[must_use]
    pub const fn first_of(seed: u64) -> Self {
        if seed & 1 == 0 {
            Self::First
        } else {
            Self::Second
        }
    }
}

impl How {
    /// With the loser's third time-out; in a kept game with the first.
    pub const TIME_OUTS: Self = Self(6);
    /// The loser conceded.
    pub const CONCEDED: Self = Self(7);
    /// The loser left.
    pub const LEFT: Self = Self(8);
    /// Nobody has won after as many turns as a game may have.
    pub const DRAWN: Self = Self(9);

    const fn from_number(number: u8) -> Option<Self> {
        match number {
            1..=9 => Some(Self(number)),
            _ => None,
        }
    }
}

/// `u8 winner` (255: none), `u8 how` (0: it is not over).
pub(crate) fn put_end(out: &mut Vec<u8>, end: Option<End>) {
    let winner = end.and_then(|end| end.winner);
    out.push(winner.map_or(NONE, |chair| chair as u8));
    out.push(end.map_or(0, |end| end.how.0));
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
