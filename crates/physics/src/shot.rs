//! A shot: integers only.

use crate::number::direction;
use crate::state::{Body, Place, State};
use crate::table::{Kind, Striker, Table};
use crate::vector::Vec2;

/// What a player does in a turn. The seed of a game belongs to its rack; nothing about a shot is random.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Shot {
    /// [`Table::version`] of the table it is meant for.
    pub table: u16,
    /// The number of the body that is struck.
    pub body: u8,
    /// Where to: from `x` to the left, in units of 2⁻³² turns.
    pub angle: u32,
    /// From 0, nothing, to 65,535, the striker's full speed.
    pub power: u16,
    /// How far right of the middle the cue strikes: ±32,767 is the striker's largest offset.
    pub side: i16,
    /// How far above the middle, in the same units.
    pub height: i16,
}

/// How long a simulation may take.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// After so many events every body stops where it is, and [`Outcome::is_cut`] says so.
    ///
    /// [`Outcome::is_cut`]: crate::Outcome::is_cut
    pub events_max: u32,
}

impl Default for Limits {
    /// 20,000 events: some forty times what a full break has.
    fn default() -> Self {
        Self { events_max: 20_000 }
    }
}

/// Bytes of an encoded shot.
pub const SHOT_BYTES: usize = 13;

impl Shot {
    /// Its bytes, in the order of the fields, little-endian.
    #[must_use]
    pub fn encode(&self) -> [u8; SHOT_BYTES] {
        let [t0, t1] = self.table.to_le_bytes();
        let [a0, a1, a2, a3] = self.angle.to_le_bytes();
        let [p0, p1] = self.power.to_le_bytes();
        let [s0, s1] = self.side.to_le_bytes();
        let [h0, h1] = self.height.to_le_bytes();
        [t0, t1, self.body, a0, a1, a2, a3, p0, p1, s0, s1, h0, h1]
    }

    /// Reads what [`Shot::encode`] wrote. Whether it may be played is for [`Shot::check`].
    ///
    /// # Errors
    /// Not [`SHOT_BYTES`] bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, ShotError> {
        let bytes: [u8; SHOT_BYTES] = bytes.try_into().map_err(|_| ShotError::Length)?;
        let [t0, t1, body, a0, a1, a2, a3, p0, p1, s0, s1, h0, h1] = bytes;
        Ok(Self {
            table: u16::from_le_bytes([t0, t1]),
            body,
            angle: u32::from_le_bytes([a0, a1, a2, a3]),
            power: u16::from_le_bytes([p0, p1]),
            side: i16::from_le_bytes([s0, s1]),
            height: i16::from_le_bytes([h0, h1]),
        })
    }

    /// Whether this shot can be played. Whose turn it is, and which bodies may be struck, is the caller's business.
    ///
    /// # Errors
    /// It is for another table, strikes what is not on the table, or strikes too far from the middle.
    pub fn check(&self, table: &Table, state: &State) -> Result<(), ShotError> {
        let is_known = |body: &Body| usize::from(body.kind) < table.kinds.len();
        if self.table != table.version || !state.bodies().iter().all(is_known) {
            return Err(ShotError::Table);
        }
        if !matches!(state.place(self.body), Place::On { .. }) {
            return Err(ShotError::Body);
        }
        let (side, height) = (i64::from(self.side), i64::from(self.height));
        let offset_max = match table.striker {
            Striker::Cue { .. } => i64::from(i16::MAX),
            Striker::Flick { .. } => 0,
        };
        if side * side + height * height > offset_max * offset_max {
            return Err(ShotError::Offset);
        }
        Ok(())
    }

    /// Velocity and spin that the body gets.
    ///
    /// A level cue of mass M strikes a ball of mass m and radius R at a point a to the right of its middle and b above:
    /// v = (1 + e) V / (1 + m / M + 5 (a² + b²) / 2R²), and the impulse m v at that point turns it.
    /// Source: Leckie and Greenspan, "An event-based pool physics simulator" (2006), for e = 1.
    pub(crate) fn impulse(&self, table: &Table, kind: &Kind) -> (Vec2, [f64; 3]) {
        let aim = direction(self.angle);
        let power = f64::from(self.power) * (1.0 / 65_535.0);
        match table.striker {
            Striker::Flick { speed_max } => (aim * (power * speed_max), [0.0; 3]),
            Striker::Cue {
                speed_max,
                mass,
                restitution,
                offset_max,
            } => {
                let offset = |part: i16| f64::from(part) * (offset_max / 32_767.0);
                let (side, height) = (offset(self.side), offset(self.height));
                let stiffness = kind.stiffness();
                let drag = 1.0 + kind.mass / mass + stiffness * (side * side + height * height);
                let speed = (1.0 + restitution) * power * speed_max / drag;
                let turning = stiffness * speed / kind.radius;
                let roll = aim.left() * (turning * height);
                (aim * speed, [roll.x, roll.y, turning * side])
            }
        }
    }
}

/// Why a shot is not played.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ShotError {
    /// The bytes are not as long as a shot.
    Length,
    /// It is for another table, or a body on the table is.
    Table,
    /// The body to strike is not on the table.
    Body,
    /// It strikes too far from the middle.
    Offset,
}

impl core::fmt::Display for ShotError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Length => "the shot has a wrong length",
            Self::Table => "the shot is for another table",
            Self::Body => "the body to strike is not on the table",
            Self::Offset => "the cue strikes too far from the middle",
        })
    }
}

impl core::error::Error for ShotError {}
