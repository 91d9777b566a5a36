//! What two players at a table of pool were told, and what they play next: legal strokes at balls that are theirs, of
//! any fullness and speed. Nothing is simulated.

use anyhow::{Context as _, ensure};
use tagus_base::Rng;
use tagus_physics::{Place, PoolSize, Shot, State, Table, UNITS_PER_METRE};

/// The turn's block `T` of `games/pool/PROTOCOL.md`, with the table's state.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Turn {
    pub(super) game: u16,
    pub(super) number: u16,
    pub(super) phase: Phase,
    /// The chair whose turn it is; only while the game is played.
    pub(super) player: u8,
    /// The cue ball, when it is put, is put behind the head string.
    is_kitchen: bool,
    is_break: bool,
    is_black_on: bool,
    must_place: bool,
    /// Of each chair: 0 none yet, 1 solids, 2 stripes.
    groups: [u8; 2],
    /// Until it begins, in milliseconds.
    pub(super) wait_ms: u32,
    state: State,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Phase {
    Waiting,
    Playing,
    Over,
}

/// What is told to a player.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Told {
    /// Everything about the table.
    Table {
        /// Of who is told.
        chair: u8,
        turn: Turn,
    },
    /// A shot was struck.
    Shot { game: u16, number: u16 },
    /// What came of it, and the turn after it.
    Verdict { game: u16, number: u16, turn: Turn },
    /// What the other player aims at.
    Aimed,
    /// A message changed nothing.
    Refused { reason: u8 },
    /// What players of a bench need not know.
    Else,
}

impl Told {
    /// # Errors
    /// It is no message of a table of this version.
    pub(super) fn read(table: &Table, op: i64, data: &[u8]) -> anyhow::Result<Self> {
        let read = Self::parse(table, op, data);
        read.with_context(|| format!("op {op} of {} bytes is not understood", data.len()))
    }

    fn parse(table: &Table, op: i64, data: &[u8]) -> Option<Self> {
        Some(match op {
            op::TABLE => Self::Table {
                chair: *data.get(2)?,
                turn: Turn::read(table, data.get(8..)?)?,
            },
            op::SHOT => Self::Shot {
                game: u16_at(data, 0)?,
                number: u16_at(data, 2)?,
            },
            op::VERDICT => {
                let pocketed = usize::from(*data.get(17)?);
                Self::Verdict {
                    game: u16_at(data, 0)?,
                    number: u16_at(data, 2)?,
                    turn: Turn::read(table, data.get(18 + 2 * pocketed..)?)?,
                }
            }
            op::AIMED => Self::Aimed,
            op::REFUSED => Self::Refused {
                reason: *data.get(1)?,
            },
            _ => Self::Else,
        })
    }
}

impl Turn {
    fn read(table: &Table, data: &[u8]) -> Option<Self> {
        let (block, state) = data.split_at_checked(BLOCK_BYTES)?;
        let phase = match block[4] {
            0 => Phase::Waiting,
            1 => Phase::Playing,
            _ => Phase::Over,
        };
        let flag = |bit: u8| block[7] >> bit & 1 == 1;
        let state = match phase {
            // Before the first game there are no balls.
            Phase::Waiting => State::default(),
            Phase::Playing | Phase::Over => State::decode(table, state).ok()?,
        };
        Some(Self {
            game: u16_at(block, 0)?,
            number: u16_at(block, 2)?,
            phase,
            player: block[5],
            is_kitchen: block[6] == 1,
            is_break: flag(0),
            is_black_on: flag(2),
            must_place: flag(3),
            groups: [block[8], block[9]],
            wait_ms: u32::from_le_bytes(*block[16..].first_chunk()?),
            state,
        })
    }

    /// A stroke that the player may play: the data of the message, and the state from which the shot begins.
    ///
    /// # Errors
    /// No place is free for the cue ball, or there is no ball to play.
    pub(super) fn stroke(&self, table: &Table, rng: &mut Rng) -> anyhow::Result<Stroke> {
        let mut state = self.state.clone();
        let mut at = (0, 0);
        if self.must_place {
            at = self.place(table, &mut state, rng)?;
        }
        let Place::On { x, y } = state.place(CUE) else {
            anyhow::bail!("the cue ball is off the table and not to be put");
        };
        let balls = (1..state.bodies().len() as u8).filter(|ball| self.is_ball_on(*ball));
        let places: Vec<Place> = match self.is_break {
            true => vec![Place::at(table.foot_spot())],
            false => balls.map(|ball| state.place(ball)).collect(),
        };
        let aims = places.iter().filter_map(|place| match place {
            Place::On { x, y } => Some((*x, *y)),
            Place::Pocket(_) | Place::Off => None,
        });
        let aims: Vec<(i32, i32)> = aims.collect();
        ensure!(!aims.is_empty(), "no ball to play");
        let aim = aims[rng.below(aims.len() as u32) as usize];
        let shot = Shot {
            table: table.version,
            angle: angle_to((x, y), aim, rng),
            power: match self.is_break {
                true => u16::MAX,
                false => POWER_MIN + rng.below(POWERS) as u16,
            },
            ..Shot::default()
        };
        let call = match self.is_black_on {
            true => rng.below(table.pockets.len() as u32) as u8,
            false => NONE,
        };
        let mut data = Vec::with_capacity(27);
        data.extend_from_slice(&self.game.to_le_bytes());
        data.extend_from_slice(&self.number.to_le_bytes());
        data.extend_from_slice(&[u8::from(self.must_place), call]);
        data.extend_from_slice(&at.0.to_le_bytes());
        data.extend_from_slice(&at.1.to_le_bytes());
        data.extend_from_slice(&shot.encode());
        Ok(Stroke { data, state, shot })
    }

    /// Op 2: what the player is about to play, in any direction.
    pub(super) fn aim(&self, rng: &mut Rng) -> Vec<u8> {
        let mut data = Vec::with_capacity(24);
        data.extend_from_slice(&self.game.to_le_bytes());
        data.extend_from_slice(&self.number.to_le_bytes());
        data.extend_from_slice(&[0, NONE]);
        data.extend_from_slice(&[0; 8]);
        data.extend_from_slice(&(rng.next_u64() as u32).to_le_bytes());
        data.extend_from_slice(&POWER_MIN.to_le_bytes());
        data.extend_from_slice(&[0; 4]);
        data
    }

    /// Puts the cue ball anywhere it may be; what does not fit is tried elsewhere.
    fn place(&self, table: &Table, state: &mut State, rng: &mut Rng) -> anyhow::Result<(i32, i32)> {
        let units = |metres: f64| (metres * f64::from(UNITS_PER_METRE)) as u32;
        let width = match self.is_kitchen {
            true => units(table.head_spot().x),
            false => units(table.size.x),
        };
        for _ in 0..PLACES_TRIED_MAX {
            let x = rng.below(width) as i32;
            let y = rng.below(units(table.size.y)) as i32;
            if state.put(table, CUE, Place::On { x, y }).is_ok() {
                return Ok((x, y));
            }
        }
        anyhow::bail!("no place for the cue ball")
    }

    /// May the cue ball meet it first, in eight-ball?
    fn is_ball_on(&self, ball: u8) -> bool {
        let group = self.groups.get(usize::from(self.player));
        match (self.is_black_on, group) {
            (true, _) => ball == BLACK,
            (false, Some(1)) => ball < BLACK,
            (false, Some(2)) => ball > BLACK,
            _ => ball != BLACK,
        }
    }
}

/// A stroke as it is sent, and what its shot begins with.
pub(super) struct Stroke {
    /// Op 1.
    pub(super) data: Vec<u8>,
    pub(super) state: State,
    pub(super) shot: Shot,
}

/// Op 6: play again.
pub(super) fn rematch(game: u16) -> Vec<u8> {
    game.to_le_bytes().to_vec()
}

/// The table that all benches play on.
pub(super) fn table() -> Table {
    Table::pool(PoolSize::EightFoot)
}

/// From here towards a ball that lies there, full or thin, in 2⁻³² turns.
fn angle_to((x, y): (i32, i32), (to_x, to_y): (i32, i32), rng: &mut Rng) -> u32 {
    let (dx, dy) = (
        f64::from(to_x) - f64::from(x),
        f64::from(to_y) - f64::from(y),
    );
    let ball = BALL_METRES * f64::from(UNITS_PER_METRE);
    let thinness = (f64::from(rng.below(2_001)) / 1_000.0 - 1.0) * THINNESS_MAX;
    let beside = (ball * thinness / dx.hypot(dy)).clamp(-1.0, 1.0).asin();
    let turns = (dy.atan2(dx) + beside) / std::f64::consts::TAU;
    (turns.rem_euclid(1.0) * 4_294_967_296.0) as u32
}

fn u16_at(data: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*data.get(at..)?.first_chunk()?))
}

/// Op codes of `games/pool/PROTOCOL.md`.
pub(super) mod op {
    pub(in super::super) const SHOOT: i64 = 1;
    pub(in super::super) const AIM: i64 = 2;
    pub(in super::super) const REMATCH: i64 = 6;
    pub(super) const TABLE: i64 = 16;
    pub(super) const SHOT: i64 = 17;
    pub(super) const VERDICT: i64 = 18;
    pub(super) const AIMED: i64 = 19;
    pub(super) const REFUSED: i64 = 21;
}

const BLOCK_BYTES: usize = 24;
const CUE: u8 = 0;
const BLACK: u8 = 8;
const NONE: u8 = 255;
const POWER_MIN: u16 = 12_000;
const POWERS: u32 = 40_000;
const PLACES_TRIED_MAX: u32 = 1_000;
const BALL_METRES: f64 = 0.057_15;
/// Of a whole ball: no nearer to a miss.
const THINNESS_MAX: f64 = 0.9;

#[cfg(test)]
mod tests {
    use tagus_physics::{Limits, simulate};

    use super::*;

    /// What the golden messages to clients tell, by their names.
    fn told(what: &str) -> Told {
        let golden = include_str!("../../../../../games/pool/golden/v1.json");
        let golden: Vec<serde_json::Value> = serde_json::from_str(golden).unwrap();
        let message = golden.iter().find(|message| message["what"] == what);
        let message = message.unwrap();
        let hex = message["bytes"].as_str().unwrap().as_bytes();
        let digits = hex.as_chunks::<2>().0.iter();
        let byte = |digits: &[u8; 2]| u8::from_str_radix(str::from_utf8(digits).unwrap(), 16);
        let bytes: Vec<u8> = digits.map(|digits| byte(digits).unwrap()).collect();
        Told::read(&table(), message["op"].as_i64().unwrap(), &bytes).unwrap()
    }

    fn turn_after_the_break() -> Turn {
        match told("verdict") {
            Told::Verdict { turn, .. } => turn,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_the_server_says_is_understood() {
        let Told::Table { chair, turn } = told("table") else {
            panic!("no table");
        };
        assert_eq!((chair, turn.phase), (0, Phase::Waiting));
        let (game, number) = (0, 0);
        assert_eq!(told("shot"), Told::Shot { game, number });
        assert_eq!(told("refused"), Told::Refused { reason: 5 });
        assert_eq!(told("aimed"), Told::Aimed);
        assert_eq!(told("people"), Told::Else);
        let turn = turn_after_the_break();
        assert_eq!((turn.game, turn.number, turn.phase), (0, 1, Phase::Playing));
        assert!(turn.player < 2 && turn.wait_ms > 1_000 && !turn.must_place);
        for op in [op::TABLE, op::SHOT, op::VERDICT, op::REFUSED] {
            assert!(Told::read(&table(), op, &[0]).is_err());
        }
    }

    #[test]
    fn strokes_are_played_at_balls_that_are_on() {
        let (table, mut rng) = (table(), Rng::new(2));
        let mut turn = turn_after_the_break();
        turn.groups = [1, 1];
        let mut hits = 0;
        for _ in 0..200 {
            let stroke = turn.stroke(&table, &mut rng).unwrap();
            assert_eq!((stroke.data.len(), turn.aim(&mut rng).len()), (27, 24));
            assert_eq!(Shot::decode(&stroke.data[14..]), Ok(stroke.shot));
            assert_eq!(&stroke.data[4..14], &[0, NONE, 0, 0, 0, 0, 0, 0, 0, 0]);
            let mut state = stroke.state;
            let played = simulate(&table, &mut state, &stroke.shot, Limits::default());
            let first = played.unwrap().first_contact(CUE);
            hits += u32::from(first.is_some_and(|ball| ball < BLACK));
        }
        // Others lie in the way of some.
        assert!(hits > 100, "{hits}");
    }

    #[test]
    fn a_cue_ball_in_hand_is_put_where_it_may_be() {
        let (table, mut rng) = (table(), Rng::new(3));
        let mut turn = turn_after_the_break();
        turn.state.take_off(CUE);
        assert!(turn.stroke(&table, &mut rng).is_err());
        turn.must_place = true;
        turn.is_black_on = true;
        for is_kitchen in [false, true] {
            turn.is_kitchen = is_kitchen;
            for _ in 0..100 {
                let stroke = turn.stroke(&table, &mut rng).unwrap();
                assert_eq!(stroke.state.check(&table), Ok(()));
                let Place::On { x, y } = stroke.state.place(CUE) else {
                    panic!("not put");
                };
                assert_eq!(stroke.data[6..10], x.to_le_bytes());
                assert_eq!(stroke.data[10..14], y.to_le_bytes());
                assert!(stroke.data[4] == 1 && stroke.data[5] < 6);
                let Place::On { x: head, .. } = Place::at(table.head_spot()) else {
                    panic!("no head string");
                };
                assert!(!is_kitchen || x <= head);
            }
        }
    }
}
