//! One game as a state machine: whose turn it is, what they may do, and what came of it.

use std::sync::{Arc, OnceLock};

use serde_json::{Map, Value};
use tagus_duel::{
    Aim, Chair, Course, End, How, Played, Reader, Reason, Sport, Strength, Stroke, Variant, Verdict,
};
use tagus_physics::{Place, PlaceError, PoolSize, ShotError, State, Table};

use crate::bot::plan;
use crate::judge::Foul;
use crate::table::{CUE, head_string, is_on, spot};

/// Fouls in a row that lose a game of nine-ball.
pub(crate) const FOULS_MAX: u8 = 3;
/// Turns of a game of two players, after which it is drawn.
pub const TURNS_MAX: u16 = 160;
const _: () = assert!(TURNS_MAX < tagus_duel::TURNS_MAX);

/// What is played.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub enum Rules {
    /// Solids against stripes, the black last, in a called pocket.
    Eight = 0,
    /// The lowest ball first; whoever pockets the nine wins.
    Nine = 1,
}

/// A player's balls in eight-ball.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub enum Group {
    /// 1 to 7.
    Solids = 1,
    /// 9 to 15.
    Stripes = 2,
}

/// What the player may do with the cue ball before the shot.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub enum Hand {
    /// Nothing.
    No = 0,
    /// Put it behind the head string.
    Kitchen = 1,
    /// Put it anywhere.
    Anywhere = 2,
}

/// How a game of pool may end besides what every game may.
pub mod how {
    use tagus_duel::How;

    /// With the winner's black, or nine.
    pub const POCKETED: How = How(1);
    /// The loser pocketed the black before it was on.
    pub const BLACK_EARLY: How = How(2);
    /// The loser pocketed the black with a foul.
    pub const BLACK_FOUL: How = How(3);
    /// The loser pocketed the black in another pocket than the called one.
    pub const BLACK_ELSEWHERE: How = How(4);
    /// With the loser's third foul in a row.
    pub const FOULS: How = How(5);
}

/// One game of pool.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    course: Course,
    rules: Rules,
    /// Racks that were made before this one.
    reracks: u16,
    hand: Hand,
    is_break: bool,
    may_rerack: bool,
    groups: [Option<Group>; 2],
    fouls: [u8; 2],
}

impl Frame {
    /// A game of two, with the balls racked by this seed.
    #[must_use]
    pub fn new(table: Arc<Table>, rules: Rules, seed: u64, breaker: Chair) -> Self {
        Self::begin(Course::new(table, rules as u8, seed, breaker))
    }

    /// Practice: no turns, no groups, no end; the cue ball is always in hand and the balls may be racked at any time.
    #[must_use]
    pub fn alone(table: Arc<Table>, rules: Rules, seed: u64) -> Self {
        let course = Course::new(table, rules as u8, seed, Chair::First);
        Self::begin(Course {
            is_alone: true,
            ..course
        })
    }

    /// The balls.
    #[must_use]
    pub const fn state(&self) -> &State {
        &self.course.state
    }

    /// The table.
    #[must_use]
    pub fn table(&self) -> &Table {
        &self.course.table
    }

    /// What is played.
    #[must_use]
    pub const fn rules(&self) -> Rules {
        self.rules
    }

    /// The number of the turn that is to be played.
    #[must_use]
    pub const fn turn(&self) -> u16 {
        self.course.turn
    }

    /// Whose turn it is.
    #[must_use]
    pub const fn player(&self) -> Chair {
        self.course.player
    }

    /// What the player may do with the cue ball.
    #[must_use]
    pub const fn hand(&self) -> Hand {
        self.hand
    }

    /// Is this a break?
    #[must_use]
    pub const fn is_break(&self) -> bool {
        self.is_break
    }

    /// May the player have the balls racked again?
    #[must_use]
    pub const fn may_rerack(&self) -> bool {
        self.may_rerack
    }

    /// A player's balls; none while the table is open.
    #[must_use]
    pub const fn group(&self, chair: Chair) -> Option<Group> {
        self.groups[chair as usize]
    }

    /// Fouls of a player in a row.
    #[must_use]
    pub const fn fouls(&self, chair: Chair) -> u8 {
        self.fouls[chair as usize]
    }

    /// Must the player call a pocket? Else he must not.
    #[must_use]
    pub fn is_black_on(&self) -> bool {
        let group = self.group(self.player());
        self.rules == Rules::Eight
            && !self.course.is_alone
            && group.is_some_and(|group| !group.balls().any(|ball| is_on(&self.course.state, ball)))
    }

    /// Is the cue ball off the table, so that it must be put?
    #[must_use]
    pub fn must_place(&self) -> bool {
        !is_on(&self.course.state, CUE)
    }

    /// May the cue ball meet this ball first?
    #[must_use]
    pub fn is_ball_on(&self, ball: u8) -> bool {
        if ball == CUE || !is_on(&self.course.state, ball) {
            return false;
        }
        match (self.rules, self.group(self.player())) {
            _ if self.course.is_alone => true,
            (Rules::Nine, _) => (1..ball).all(|lower| !is_on(&self.course.state, lower)),
            (Rules::Eight, _) if self.is_break => true,
            (Rules::Eight, _) if self.is_black_on() => ball == BLACK,
            (Rules::Eight, None) => ball != BLACK,
            (Rules::Eight, Some(group)) => Group::of(ball) == Some(group),
        }
    }

    /// The first stroke of eight-ball: the table stays open, the black comes back.
    fn settle_break(&mut self, foul: Option<Foul>, down: &[(u8, u8)]) {
        let is_black_down = has(down, BLACK);
        if is_black_down {
            spot(&self.course.table, &mut self.course.state, BLACK);
        }
        match foul {
            None if down.is_empty() => self.pass(self.player().other()),
            None => self.pass(self.player()),
            // The other takes the table as it is, or breaks himself.
            Some(Foul::WeakBreak) => self.pass(self.player().other()),
            Some(_) => self.pass_with(Hand::Kitchen),
        }
        self.may_rerack = is_black_down || foul == Some(Foul::WeakBreak);
    }

    fn settle_eight(&mut self, foul: Option<Foul>, down: &[(u8, u8)], call: Option<u8>) {
        let black = down.iter().find(|(ball, _)| *ball == BLACK);
        if let Some((_, pocket)) = black {
            match call {
                None => self.course.lose(self.player(), how::BLACK_EARLY),
                Some(_) if foul.is_some() => self.course.lose(self.player(), how::BLACK_FOUL),
                Some(called) if called != *pocket => {
                    self.course.lose(self.player(), how::BLACK_ELSEWHERE)
                }
                Some(_) => self.course.lose(self.player().other(), how::POCKETED),
            }
            return;
        }
        if foul.is_some() {
            self.pass_with(Hand::Anywhere);
            return;
        }
        let chair = self.player() as usize;
        if self.groups[chair].is_none()
            && let Some(group) = down.iter().find_map(|(ball, _)| Group::of(*ball))
        {
            self.groups[chair] = Some(group);
            self.groups[self.player().other() as usize] = Some(group.other());
        }
        let own = self.groups[chair];
        let goes_on = down.iter().any(|(ball, _)| Group::of(*ball) == own);
        self.pass(other_unless(self.player(), goes_on));
    }

    fn settle_nine(&mut self, foul: Option<Foul>, down: &[(u8, u8)]) {
        let is_nine_down = has(down, NINE);
        let fouls = &mut self.fouls[self.player() as usize];
        if foul.is_none() {
            *fouls = 0;
            if is_nine_down {
                self.course.lose(self.player().other(), how::POCKETED);
            } else {
                self.pass(other_unless(self.player(), !down.is_empty()));
            }
            return;
        }
        *fouls += 1;
        let is_lost = *fouls >= FOULS_MAX;
        if is_nine_down {
            spot(&self.course.table, &mut self.course.state, NINE);
        }
        if is_lost {
            self.course.lose(self.player(), how::FOULS);
        } else {
            self.pass_with(Hand::Anywhere);
        }
    }

    fn put_cue_ball(&self, state: &mut State, (x, y): (i32, i32)) -> Result<(), Reason> {
        match self.hand {
            Hand::No => return Err(Reason::NotInHand),
            Hand::Kitchen if x > head_string(&self.course.table) => return Err(Reason::HeadString),
            Hand::Kitchen | Hand::Anywhere => (),
        }
        let put = state.put(&self.course.table, CUE, Place::On { x, y });
        put.map_err(|_: PlaceError| Reason::NoFit)
    }

    /// The balls as a game begins, and the cue ball behind the head string.
    fn rack(&mut self) {
        let seed = self.course.seed.wrapping_add(u64::from(self.reracks));
        self.course.state = match self.rules {
            Rules::Eight => State::eight_ball(&self.course.table, seed),
            Rules::Nine => State::nine_ball(&self.course.table, seed),
        };
        self.is_break = true;
        self.hand = Hand::Kitchen;
        self.may_rerack = self.course.is_alone;
        self.groups = [None; 2];
    }

    /// The next turn is this player's, with the cue ball where it is; on a break behind the head string.
    fn pass(&mut self, player: Chair) {
        self.course.pass(player);
        self.hand = match (self.course.is_alone, self.is_break) {
            (true, _) => Hand::Anywhere,
            (false, true) => Hand::Kitchen,
            (false, false) => Hand::No,
        };
        self.may_rerack = self.course.is_alone;
        if !self.course.is_alone && self.turn() >= TURNS_MAX {
            self.course.end = Some(End {
                winner: None,
                how: How::DRAWN,
            });
        }
    }

    /// The next turn is the other player's, with the cue ball in hand; on a break behind the head string.
    fn pass_with(&mut self, hand: Hand) {
        self.pass(self.player().other());
        self.hand = if self.is_break { Hand::Kitchen } else { hand };
        let is_beyond =
            |place| matches!(place, Place::On { x, .. } if x > head_string(&self.course.table));
        if self.hand == Hand::Kitchen && is_beyond(self.course.state.place(CUE)) {
            self.course.state.take_off(CUE);
        }
    }
}

impl Sport for Frame {
    const GAME: &'static str = "pool";
    const KEYS: &'static [&'static str] = &["rules", "feet"];
    const TURN_S: u32 = 45;
    const MAY_BE_ALONE: bool = true;

    fn variant(params: Map<String, Value>) -> Result<Variant, String> {
        let rules = match params.get("rules").map(Value::as_str) {
            None | Some(Some("eight")) => Rules::Eight,
            Some(Some("nine")) => Rules::Nine,
            Some(_) => return Err("rules is neither eight nor nine".to_owned()),
        };
        let size = match params.get("feet").map(Value::as_u64) {
            Some(Some(7)) => PoolSize::SevenFoot,
            None | Some(Some(8)) => PoolSize::EightFoot,
            Some(Some(9)) => PoolSize::NineFoot,
            Some(_) => return Err("feet is none of 7 to 9".to_owned()),
        };
        Ok(variant_of(rules, &table_sized(size)))
    }

    fn label(variant: Variant) -> (&'static str, Value) {
        let rules = match Rules::from_number(variant.rules) {
            Some(Rules::Nine) => "nine",
            Some(Rules::Eight) | None => "eight",
        };
        ("rules", rules.into())
    }

    fn mode(variant: Variant) -> &'static str {
        match Rules::from_number(variant.rules) {
            Some(Rules::Nine) => "pool-nine",
            Some(Rules::Eight) | None => "pool",
        }
    }

    fn table_of(variant: Variant) -> Option<Arc<Table>> {
        Rules::from_number(variant.rules)?;
        let sizes = [PoolSize::SevenFoot, PoolSize::EightFoot, PoolSize::NineFoot];
        let mut tables = sizes.into_iter().map(table_sized);
        tables.find(|table| table.version == variant.table)
    }

    fn begin(course: Course) -> Self {
        let is_alone = course.is_alone;
        let mut frame = Self {
            rules: Rules::from_number(course.rules).unwrap_or(Rules::Eight),
            course,
            reracks: 0,
            hand: Hand::Kitchen,
            is_break: true,
            may_rerack: false,
            groups: [None; 2],
            fouls: [0; 2],
        };
        frame.rack();
        if is_alone {
            frame.hand = Hand::Anywhere;
        }
        frame
    }

    fn course(&self) -> &Course {
        &self.course
    }

    fn course_mut(&mut self) -> &mut Course {
        &mut self.course
    }

    fn check(&self, stroke: &Stroke) -> Result<State, Reason> {
        self.must_be_played()?;
        if stroke.shot.table != self.course.table.version {
            return Err(Reason::OtherTable);
        }
        if stroke.shot.body != CUE {
            return Err(Reason::OtherBall);
        }
        if stroke.shot.power == 0 {
            return Err(Reason::NoPower);
        }
        match (stroke.call, self.is_black_on()) {
            (None, true) => return Err(Reason::MustCall),
            (Some(_), false) => return Err(Reason::NoCall),
            (Some(pocket), true) if usize::from(pocket) >= self.course.table.pockets.len() => {
                return Err(Reason::NoPocket);
            }
            _ => (),
        }
        let mut state = self.course.state.clone();
        match stroke.place {
            Some(at) => self.put_cue_ball(&mut state, at)?,
            None if self.must_place() => return Err(Reason::MustPlace),
            None => (),
        }
        match stroke.shot.check(&self.course.table, &state) {
            Ok(()) => Ok(state),
            Err(ShotError::Offset) => Err(Reason::Offset),
            Err(ShotError::Table) => Err(Reason::OtherTable),
            Err(_) => Err(Reason::OtherBall),
        }
    }

    fn check_aim(&self, aim: &Aim) -> Result<(), Reason> {
        if aim.place.is_some() && self.hand == Hand::No {
            return Err(Reason::NotInHand);
        }
        Ok(())
    }

    fn settle(&mut self, stroke: &Stroke, played: Played) -> Verdict {
        let is_black_on = self.is_black_on();
        let foul = Foul::of(&played, self.is_break, |ball| self.is_ball_on(ball));
        // Who breaks and meets no ball has left the rack to the other.
        let is_rack_whole = self.is_break && played.first.is_none();
        let was_break = std::mem::replace(&mut self.is_break, is_rack_whole);
        let verdict = Verdict {
            hash: played.hash,
            rest_ms: played.rest_ms,
            ruling: foul
                .filter(|foul| !self.course.is_alone || *foul == Foul::Scratch)
                .map_or(0, |foul| foul as u8),
            pocketed: played.pocketed,
        };
        self.course.state = played.state;
        let down = verdict.pocketed.as_slice();
        if self.course.is_alone {
            self.pass(self.player());
            return verdict;
        }
        match self.rules {
            Rules::Eight if was_break => self.settle_break(foul, down),
            Rules::Eight => self.settle_eight(foul, down, stroke.call.filter(|_| is_black_on)),
            Rules::Nine => self.settle_nine(foul, down),
        }
        verdict
    }

    fn time_out(&mut self) {
        self.pass_with(Hand::Anywhere);
    }

    fn rerack(&mut self) -> Result<(), Reason> {
        if !self.may_rerack {
            return Err(Reason::NotAllowed);
        }
        self.reracks = self.reracks.wrapping_add(1);
        self.rack();
        self.pass(self.player());
        Ok(())
    }

    fn plan(&self, strength: Strength, seed: u64) -> Option<Stroke> {
        plan(self, strength, seed)
    }

    fn block(&self) -> ([u8; 4], [u8; 2]) {
        let flags = [
            self.is_break,
            self.may_rerack,
            self.is_black_on(),
            self.must_place(),
        ];
        let bits = (0..)
            .zip(flags)
            .map(|(bit, is_set)| u8::from(is_set) << bit);
        let [one, two] = self
            .groups
            .map(|group| group.map_or(0, |group| group as u8));
        ([self.hand as u8, bits.sum(), one, two], self.fouls)
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.reracks.to_le_bytes());
        out.extend_from_slice(&[
            self.hand as u8,
            u8::from(self.is_break),
            u8::from(self.may_rerack),
        ]);
        out.extend(
            self.groups
                .map(|group| group.map_or(0, |group| group as u8)),
        );
        out.extend_from_slice(&self.fouls);
    }

    fn read(course: Course, reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self {
            rules: Rules::from_number(course.rules)?,
            course,
            reracks: reader.u16()?,
            hand: Hand::from_number(reader.u8()?)?,
            is_break: reader.flag()?,
            may_rerack: reader.flag()?,
            groups: [
                Group::from_number(reader.u8()?)?,
                Group::from_number(reader.u8()?)?,
            ],
            fouls: reader.array()?,
        })
    }
}

impl Group {
    /// The group of a ball; none of the black and the cue ball.
    #[must_use]
    pub const fn of(ball: u8) -> Option<Self> {
        match ball {
            1..=7 => Some(Self::Solids),
            9..=15 => Some(Self::Stripes),
            _ => None,
        }
    }

    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Solids => Self::Stripes,
            Self::Stripes => Self::Solids,
        }
    }

    /// Its balls.
    pub fn balls(self) -> impl Iterator<Item = u8> {
        match self {
            Self::Solids => 1..=7,
            Self::Stripes => 9..=15,
        }
    }

    pub(crate) const fn from_number(number: u8) -> Option<Option<Self>> {
        Some(match number {
            0 => None,
            1 => Some(Self::Solids),
            2 => Some(Self::Stripes),
            _ => return None,
        })
    }
}

impl Rules {
    pub(crate) const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            0 => Self::Eight,
            1 => Self::Nine,
            _ => return None,
        })
    }
}

impl Hand {
    pub(crate) const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            0 => Self::No,
            1 => Self::Kitchen,
            2 => Self::Anywhere,
            _ => return None,
        })
    }
}

/// What a record says of these rules on this table.
#[must_use]
pub fn variant_of(rules: Rules, table: &Table) -> Variant {
    Variant {
        rules: rules as u8,
        table: table.version,
    }
}

/// Each size is made once in a process: all games share it, and nothing of it ever changes.
fn table_sized(size: PoolSize) -> Arc<Table> {
    static TABLES: [OnceLock<Arc<Table>>; 3] = [const { OnceLock::new() }; 3];
    let index = match size {
        PoolSize::SevenFoot => 0,
        PoolSize::EightFoot => 1,
        PoolSize::NineFoot => 2,
    };
    let made = TABLES[index].get_or_init(|| Arc::new(Table::pool(size)));
    Arc::clone(made)
}

const fn other_unless(chair: Chair, stays: bool) -> Chair {
    if stays { chair } else { chair.other() }
}

fn has(down: &[(u8, u8)], ball: u8) -> bool {
    down.iter().any(|(pocketed, _)| *pocketed == ball)
}

pub(crate) const BLACK: u8 = 8;
const NINE: u8 = 9;
