//! One game as a state machine: whose turn it is, what they may do, and what came of it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tagus_physics::{Place, PlaceError, ShotError, State, Table};

use crate::judge::Foul;
use crate::reason::Reason;
use crate::stroke::{Played, Stroke, Verdict};
use crate::table::{CUE, head_string, is_on, spot};

/// Time-outs of one player in a game; the last of them loses it.
pub const TIME_OUTS_MAX: u8 = 3;
/// Fouls in a row that lose a game of nine-ball.
pub(crate) const FOULS_MAX: u8 = 3;
/// Turns of a game of two players, after which it is drawn.
pub const TURNS_MAX: u16 = 160;

/// What is played.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Rules {
    /// Solids against stripes, the black last, in a called pocket.
    Eight = 0,
    /// The lowest ball first; whoever pockets the nine wins.
    Nine = 1,
}

/// One of the two players.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub enum Chair {
    /// The one who came first.
    First = 0,
    /// The other.
    Second = 1,
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

/// How a game ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub enum How {
    /// With the winner's black, or nine.
    Pocketed = 1,
    /// The loser pocketed the black before it was on.
    BlackEarly = 2,
    /// The loser pocketed the black with a foul.
    BlackFoul = 3,
    /// The loser pocketed the black in another pocket than the called one.
    BlackElsewhere = 4,
    /// With the loser's third foul in a row.
    Fouls = 5,
    /// With the loser's third time-out.
    TimeOuts = 6,
    /// The loser conceded.
    Conceded = 7,
    /// The loser left.
    Left = 8,
    /// After [`TURNS_MAX`] turns nobody has won.
    Drawn = 9,
}

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
    /// The player whose turn it is has the balls racked again.
    Rerack,
    /// The time of the player whose turn it is has run out.
    TimeOut,
    /// A player concedes.
    Concede(Chair),
    /// A player leaves.
    Leave(Chair),
}

/// One game. Every change goes through [`Frame::apply`], or, where a stroke is simulated elsewhere, through
/// [`Frame::check`] and [`Frame::settle`]; a turn that is refused leaves it as it was.
#[derive(Clone, Debug)]
pub struct Frame {
    pub(crate) table: Arc<Table>,
    pub(crate) rules: Rules,
    /// Practice: one player, who may do anything, and no end.
    pub(crate) is_alone: bool,
    pub(crate) seed: u64,
    /// Racks that were made before this one.
    pub(crate) reracks: u16,
    pub(crate) state: State,
    pub(crate) turn: u16,
    pub(crate) player: Chair,
    pub(crate) hand: Hand,
    pub(crate) is_break: bool,
    pub(crate) may_rerack: bool,
    pub(crate) groups: [Option<Group>; 2],
    pub(crate) time_outs: [u8; 2],
    pub(crate) fouls: [u8; 2],
    pub(crate) end: Option<End>,
}

impl PartialEq for Frame {
    /// Tables of one version are equal.
    fn eq(&self, other: &Self) -> bool {
        let numbers = |frame: &Self| {
            let mut out = Vec::new();
            frame.write(&mut out);
            out
        };
        numbers(self) == numbers(other)
    }
}

impl Frame {
    /// A game of two, with the balls racked by this seed.
    #[must_use]
    pub fn new(table: Arc<Table>, rules: Rules, seed: u64, breaker: Chair) -> Self {
        let mut frame = Self {
            table,
            rules,
            is_alone: false,
            seed,
            reracks: 0,
            state: State::default(),
            turn: 0,
            player: breaker,
            hand: Hand::Kitchen,
            is_break: true,
            may_rerack: false,
            groups: [None; 2],
            time_outs: [0; 2],
            fouls: [0; 2],
            end: None,
        };
        frame.rack();
        frame
    }

    /// Practice: no turns, no groups, no end; the cue ball is always in hand and the balls may be racked at any time.
    #[must_use]
    pub fn alone(table: Arc<Table>, rules: Rules, seed: u64) -> Self {
        let mut frame = Self::new(table, rules, seed, Chair::First);
        frame.is_alone = true;
        frame.may_rerack = true;
        frame.hand = Hand::Anywhere;
        frame
    }

    /// The balls.
    #[must_use]
    pub const fn state(&self) -> &State {
        &self.state
    }

    /// The table.
    #[must_use]
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// What is played.
    #[must_use]
    pub const fn rules(&self) -> Rules {
        self.rules
    }

    /// The number of the turn that is to be played.
    #[must_use]
    pub const fn turn(&self) -> u16 {
        self.turn
    }

    /// Whose turn it is.
    #[must_use]
    pub const fn player(&self) -> Chair {
        self.player
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

    /// Time-outs of a player.
    #[must_use]
    pub const fn time_outs(&self, chair: Chair) -> u8 {
        self.time_outs[chair as usize]
    }

    /// Fouls of a player in a row.
    #[must_use]
    pub const fn fouls(&self, chair: Chair) -> u8 {
        self.fouls[chair as usize]
    }

    /// How it ended; none while it is played.
    #[must_use]
    pub const fn end(&self) -> Option<End> {
        self.end
    }

    /// Must the player call a pocket? Else he must not.
    #[must_use]
    pub fn is_black_on(&self) -> bool {
        let group = self.group(self.player);
        self.rules == Rules::Eight
            && !self.is_alone
            && group.is_some_and(|group| !group.balls().any(|ball| is_on(&self.state, ball)))
    }

    /// Is the cue ball off the table, so that it must be put?
    #[must_use]
    pub fn must_place(&self) -> bool {
        !is_on(&self.state, CUE)
    }

    /// May the cue ball meet this ball first?
    #[must_use]
    pub fn is_ball_on(&self, ball: u8) -> bool {
        if ball == CUE || !is_on(&self.state, ball) {
            return false;
        }
        match (self.rules, self.group(self.player)) {
            _ if self.is_alone => true,
            (Rules::Nine, _) => (1..ball).all(|lower| !is_on(&self.state, lower)),
            (Rules::Eight, _) if self.is_break => true,
            (Rules::Eight, _) if self.is_black_on() => ball == BLACK,
            (Rules::Eight, None) => ball != BLACK,
            (Rules::Eight, Some(group)) => Group::of(ball) == Some(group),
        }
    }

    /// Plays a turn. Returns what the rules say to a stroke.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn apply(&mut self, turn: Turn) -> Result<Option<Verdict>, Reason> {
        self.must_be_played()?;
        match turn {
            Turn::Stroke(stroke) => {
                let state = self.check(&stroke)?;
                let played = Played::of(&self.table, state, &stroke.shot).ok_or(Reason::Failed)?;
                return Ok(Some(self.settle(&stroke, played)));
            }
            Turn::Rerack => {
                self.check_rerack()?;
                self.reracks = self.reracks.wrapping_add(1);
                self.rack();
                self.pass(self.player);
            }
            Turn::TimeOut => self.time_out(),
            Turn::Concede(chair) => self.lose(chair, How::Conceded),
            Turn::Leave(chair) => self.lose(chair, How::Left),
        }
        Ok(None)
    }

    /// The table as the shot of this stroke begins, if the player may play it.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self, stroke: &Stroke) -> Result<State, Reason> {
        self.must_be_played()?;
        if stroke.shot.table != self.table.version {
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
            (Some(pocket), true) if usize::from(pocket) >= self.table.pockets.len() => {
                return Err(Reason::NoPocket);
            }
            _ => (),
        }
        let mut state = self.state.clone();
        match stroke.place {
            Some(at) => self.put_cue_ball(&mut state, at)?,
            None if self.must_place() => return Err(Reason::MustPlace),
            None => (),
        }
        match stroke.shot.check(&self.table, &state) {
            Ok(()) => Ok(state),
            Err(ShotError::Offset) => Err(Reason::Offset),
            Err(ShotError::Table) => Err(Reason::OtherTable),
            Err(_) => Err(Reason::OtherBall),
        }
    }

    /// May the balls be racked again?
    ///
    /// # Errors
    /// [`Reason::NotAllowed`], or the game is over.
    pub fn check_rerack(&self) -> Result<(), Reason> {
        self.must_be_played()?;
        if self.may_rerack {
            Ok(())
        } else {
            Err(Reason::NotAllowed)
        }
    }

    /// Decides about a stroke that was checked and played.
    pub fn settle(&mut self, stroke: &Stroke, played: Played) -> Verdict {
        let is_black_on = self.is_black_on();
        let foul = Foul::of(&played, self.is_break, |ball| self.is_ball_on(ball));
        // Who breaks and meets no ball has left the rack to the other.
        let is_rack_whole = self.is_break && played.first.is_none();
        let was_break = std::mem::replace(&mut self.is_break, is_rack_whole);
        let verdict = Verdict {
            hash: played.hash,
            rest_ms: played.rest_ms,
            foul: foul.filter(|foul| !self.is_alone || *foul == Foul::Scratch),
            pocketed: played.pocketed,
        };
        self.state = played.state;
        let down = verdict.pocketed.as_slice();
        if self.is_alone {
            self.pass(self.player);
            return verdict;
        }
        match self.rules {
            Rules::Eight if was_break => self.settle_break(foul, down),
            Rules::Eight => self.settle_eight(foul, down, stroke.call.filter(|_| is_black_on)),
            Rules::Nine => self.settle_nine(foul, down),
        }
        verdict
    }

    /// The first stroke of eight-ball: the table stays open, the black comes back.
    fn settle_break(&mut self, foul: Option<Foul>, down: &[(u8, u8)]) {
        let is_black_down = has(down, BLACK);
        if is_black_down {
            spot(&self.table, &mut self.state, BLACK);
        }
        match foul {
            None if down.is_empty() => self.pass(self.player.other()),
            None => self.pass(self.player),
            // The other takes the table as it is, or breaks himself.
            Some(Foul::WeakBreak) => self.pass(self.player.other()),
            Some(_) => self.pass_with(Hand::Kitchen),
        }
        self.may_rerack = is_black_down || foul == Some(Foul::WeakBreak);
    }

    fn settle_eight(&mut self, foul: Option<Foul>, down: &[(u8, u8)], call: Option<u8>) {
        let black = down.iter().find(|(ball, _)| *ball == BLACK);
        if let Some((_, pocket)) = black {
            match call {
                None => self.lose(self.player, How::BlackEarly),
                Some(_) if foul.is_some() => self.lose(self.player, How::BlackFoul),
                Some(called) if called != *pocket => self.lose(self.player, How::BlackElsewhere),
                Some(_) => self.lose(self.player.other(), How::Pocketed),
            }
            return;
        }
        if foul.is_some() {
            self.pass_with(Hand::Anywhere);
            return;
        }
        let chair = self.player as usize;
        if self.groups[chair].is_none()
            && let Some(group) = down.iter().find_map(|(ball, _)| Group::of(*ball))
        {
            self.groups[chair] = Some(group);
            self.groups[self.player.other() as usize] = Some(group.other());
        }
        let own = self.groups[chair];
        let goes_on = down.iter().any(|(ball, _)| Group::of(*ball) == own);
        self.pass(self.player.other_unless(goes_on));
    }

    fn settle_nine(&mut self, foul: Option<Foul>, down: &[(u8, u8)]) {
        let is_nine_down = has(down, NINE);
        let fouls = &mut self.fouls[self.player as usize];
        if foul.is_none() {
            *fouls = 0;
            if is_nine_down {
                self.lose(self.player.other(), How::Pocketed);
            } else {
                self.pass(self.player.other_unless(!down.is_empty()));
            }
            return;
        }
        *fouls += 1;
        let is_lost = *fouls >= FOULS_MAX;
        if is_nine_down {
            spot(&self.table, &mut self.state, NINE);
        }
        if is_lost {
            self.lose(self.player, How::Fouls);
        } else {
            self.pass_with(Hand::Anywhere);
        }
    }

    fn time_out(&mut self) {
        let time_outs = &mut self.time_outs[self.player as usize];
        *time_outs += 1;
        if *time_outs >= TIME_OUTS_MAX {
            self.lose(self.player, How::TimeOuts);
        } else {
            self.pass_with(Hand::Anywhere);
        }
    }

    fn must_be_played(&self) -> Result<(), Reason> {
        if self.end.is_some() {
            return Err(Reason::Phase);
        }
        Ok(())
    }

    fn put_cue_ball(&self, state: &mut State, (x, y): (i32, i32)) -> Result<(), Reason> {
        match self.hand {
            Hand::No => return Err(Reason::NotInHand),
            Hand::Kitchen if x > head_string(&self.table) => return Err(Reason::HeadString),
            Hand::Kitchen | Hand::Anywhere => (),
        }
        let put = state.put(&self.table, CUE, Place::On { x, y });
        put.map_err(|_: PlaceError| Reason::NoFit)
    }

    /// The balls as a game begins, and the cue ball behind the head string.
    fn rack(&mut self) {
        let seed = self.seed.wrapping_add(u64::from(self.reracks));
        self.state = match self.rules {
            Rules::Eight => State::eight_ball(&self.table, seed),
            Rules::Nine => State::nine_ball(&self.table, seed),
        };
        self.is_break = true;
        self.hand = Hand::Kitchen;
        self.may_rerack = self.is_alone;
        self.groups = [None; 2];
    }

    /// The next turn is this player's, with the cue ball where it is; on a break behind the head string.
    fn pass(&mut self, player: Chair) {
        self.player = player;
        self.turn = self.turn.wrapping_add(1);
        self.hand = match (self.is_alone, self.is_break) {
            (true, _) => Hand::Anywhere,
            (false, true) => Hand::Kitchen,
            (false, false) => Hand::No,
        };
        self.may_rerack = self.is_alone;
        if !self.is_alone && self.turn >= TURNS_MAX {
            self.end = Some(End {
                winner: None,
                how: How::Drawn,
            });
        }
    }

    /// The next turn is the other player's, with the cue ball in hand; on a break behind the head string.
    fn pass_with(&mut self, hand: Hand) {
        self.pass(self.player.other());
        self.hand = if self.is_break { Hand::Kitchen } else { hand };
        let is_beyond =
            |place| matches!(place, Place::On { x, .. } if x > head_string(&self.table));
        if self.hand == Hand::Kitchen && is_beyond(self.state.place(CUE)) {
            self.state.take_off(CUE);
        }
    }

    fn lose(&mut self, chair: Chair, how: How) {
        self.turn = self.turn.wrapping_add(1);
        self.end = Some(End {
            winner: Some(chair.other()),
            how,
        });
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

    const fn other_unless(self, stays: bool) -> Self {
        if stays { self } else { self.other() }
    }

    pub(crate) fn from_number(number: u8) -> Option<Self> {
        Self::BOTH.get(usize::from(number)).copied()
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

impl How {
    pub(crate) const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::Pocketed,
            2 => Self::BlackEarly,
            3 => Self::BlackFoul,
            4 => Self::BlackElsewhere,
            5 => Self::Fouls,
            6 => Self::TimeOuts,
            7 => Self::Conceded,
            8 => Self::Left,
            9 => Self::Drawn,
            _ => return None,
        })
    }
}

fn has(down: &[(u8, u8)], ball: u8) -> bool {
    down.iter().any(|(pocketed, _)| *pocketed == ball)
}

pub(crate) const BLACK: u8 = 8;
const NINE: u8 = 9;
