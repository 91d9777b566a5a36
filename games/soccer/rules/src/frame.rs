//! One game as a state machine: whose turn it is, what they may do, and what came of it.

use std::sync::{Arc, OnceLock};

use serde_json::{Map, Value};
use tagus_duel::{
    Aim, Chair, Course, End, How, Played, Reader, Reason, Sport, Strength, Stroke, Variant, Verdict,
};
use tagus_physics::{SOCCER_TEAM, ShotError, State, Table};

use crate::bot::plan;
use crate::formation::FORMATIONS;

/// Goals to win at most.
pub const GOALS_MAX: u8 = 5;
/// Turns of a game at most; then more goals win.
pub const TURNS_MAX: u16 = 120;
/// Formations that a player may choose in a game.
pub const CHOICES_MAX: u8 = 20;
// A record has room for every turn, every choice, and a concession.
const _: () = assert!(TURNS_MAX + 2 * (CHOICES_MAX as u16) < tagus_duel::TURNS_MAX);

/// How a game of soccer may end besides what every game may.
pub mod how {
    use tagus_duel::How;

    /// The winner has as many goals as win.
    pub const GOALS: How = How(1);
    /// The turns are over, and the winner has more goals.
    pub const MORE_GOALS: How = How(2);
}

/// What a stroke brought: a verdict's ruling.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub enum Goal {
    /// No goal.
    None = 0,
    /// One for the player.
    Own = 1,
    /// One for the other: the ball went into the goal that the player defends.
    Other = 2,
}

/// One game of soccer.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    course: Course,
    /// That each has chosen, for the next kick-off.
    formations: [u8; 2],
    /// Of each chair.
    goals: [u8; 2],
    is_kick_off: bool,
    /// How often each has chosen.
    choices: [u8; 2],
}

impl Frame {
    /// A game that begins, with as many `goals` to win (1..=[`GOALS_MAX`]).
    #[must_use]
    pub fn new(goals: u8, first: Chair) -> Self {
        Self::begin(Course::new(pitch(), goals, 0, first))
    }

    /// The bodies: 0 is the ball, then come the discs of both chairs.
    #[must_use]
    pub const fn state(&self) -> &State {
        &self.course.state
    }

    /// The pitch.
    #[must_use]
    pub fn table(&self) -> &Table {
        &self.course.table
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

    /// Goals of a player.
    #[must_use]
    pub const fn goals(&self, chair: Chair) -> u8 {
        self.goals[chair as usize]
    }

    /// The formation that a player has chosen for the next kick-off, an index of [`FORMATIONS`].
    #[must_use]
    pub const fn formation(&self, chair: Chair) -> u8 {
        self.formations[chair as usize]
    }

    /// Is this a kick-off?
    #[must_use]
    pub const fn is_kick_off(&self) -> bool {
        self.is_kick_off
    }

    /// The discs of a player.
    pub fn discs(chair: Chair) -> impl Iterator<Item = u8> {
        let team = SOCCER_TEAM as u8;
        let first = 1 + chair as u8 * team;
        first..first + team
    }

    /// The pocket into which a player shoots.
    #[must_use]
    pub const fn target(chair: Chair) -> u8 {
        match chair {
            Chair::First => HIGH_GOAL,
            Chair::Second => LOW_GOAL,
        }
    }

    fn kick_off(&mut self) {
        let [low, high] = self.formations.map(|number| {
            let formation = FORMATIONS.get(usize::from(number));
            &formation.unwrap_or(&FORMATIONS[0]).discs
        });
        let table = &self.course.table;
        let (own, other) = (State::kick_off(table, low), State::kick_off(table, high));
        let (near, far) = (1 + SOCCER_TEAM, own.bodies().len());
        let mut bodies = own.bodies()[..near].to_vec();
        bodies.extend_from_slice(&other.bodies()[near..far]);
        self.course.state = State::new(bodies);
        self.is_kick_off = true;
    }

    /// The next turn is this player's, unless it was the last one.
    fn pass(&mut self, player: Chair) {
        self.course.pass(player);
        if self.course.turn >= TURNS_MAX {
            let [one, two] = self.goals;
            let winner = match one.cmp(&two) {
                std::cmp::Ordering::Greater => Some(Chair::First),
                std::cmp::Ordering::Less => Some(Chair::Second),
                std::cmp::Ordering::Equal => None,
            };
            self.course.end = Some(End {
                winner,
                how: winner.map_or(How::DRAWN, |_| how::MORE_GOALS),
            });
        }
    }
}

impl Sport for Frame {
    const GAME: &'static str = "soccer";
    const KEYS: &'static [&'static str] = &["goals"];
    const TURN_S: u32 = 20;
    const CHOICES: u8 = FORMATIONS.len() as u8;

    fn variant(params: Map<String, Value>) -> Result<Variant, String> {
        let goals = params
            .get("goals")
            .map_or(Some(GOALS), |goals| u8::try_from(goals.as_u64()?).ok());
        let variant = goals.map(variant_of);
        variant
            .filter(|variant| Self::table_of(*variant).is_some())
            .ok_or_else(|| format!("goals is none of 1 to {GOALS_MAX}"))
    }

    fn label(variant: Variant) -> (&'static str, Value) {
        ("goals", variant.rules.into())
    }

    fn mode(_: Variant) -> &'static str {
        "soccer"
    }

    fn table_of(variant: Variant) -> Option<Arc<Table>> {
        let is_known = (1..=GOALS_MAX).contains(&variant.rules);
        Some(pitch()).filter(|pitch| is_known && pitch.version == variant.table)
    }

    fn begin(course: Course) -> Self {
        let mut frame = Self {
            course,
            formations: [0; 2],
            goals: [0; 2],
            is_kick_off: true,
            choices: [0; 2],
        };
        frame.kick_off();
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
        let shot = &stroke.shot;
        if shot.table != self.course.table.version {
            return Err(Reason::OtherTable);
        }
        if !Self::discs(self.player()).any(|disc| disc == shot.body) {
            return Err(Reason::OtherBall);
        }
        if shot.power == 0 {
            return Err(Reason::NoPower);
        }
        if stroke.place.is_some() {
            return Err(Reason::NotInHand);
        }
        if stroke.call.is_some() {
            return Err(Reason::NoCall);
        }
        match shot.check(&self.course.table, &self.course.state) {
            Ok(()) => Ok(self.course.state.clone()),
            Err(ShotError::Offset) => Err(Reason::Offset),
            Err(ShotError::Table) => Err(Reason::OtherTable),
            Err(_) => Err(Reason::OtherBall),
        }
    }

    fn check_aim(&self, aim: &Aim) -> Result<(), Reason> {
        if aim.place.is_some() {
            return Err(Reason::NotInHand);
        }
        if (aim.side, aim.height) != (0, 0) {
            return Err(Reason::Offset);
        }
        let is_own = |disc| Self::discs(self.player()).any(|own| own == disc);
        if aim.call.is_some_and(|disc| !is_own(disc)) {
            return Err(Reason::OtherBall);
        }
        Ok(())
    }

    fn settle(&mut self, _: &Stroke, played: Played) -> Verdict {
        let player = self.player();
        let goal = played.pocketed.first().map(|(_, pocket)| *pocket);
        self.course.state = played.state;
        self.is_kick_off = false;
        let ruling = match goal {
            None => {
                self.pass(player.other());
                Goal::None
            }
            Some(pocket) => {
                let is_own = pocket == Self::target(player);
                let scorer = if is_own { player } else { player.other() };
                let goals = &mut self.goals[scorer as usize];
                *goals += 1;
                if *goals >= self.course.rules {
                    self.course.finish(Some(scorer), how::GOALS);
                } else {
                    self.pass(scorer.other());
                    if self.course.end.is_none() {
                        self.kick_off();
                    }
                }
                if is_own { Goal::Own } else { Goal::Other }
            }
        };
        Verdict {
            hash: played.hash,
            rest_ms: played.rest_ms,
            ruling: ruling as u8,
            pocketed: played.pocketed,
        }
    }

    fn time_out(&mut self) {
        self.pass(self.player().other());
    }

    /// Counts from the next kick-off on; at once where nothing was played yet.
    fn choose(&mut self, chair: Chair, choice: u8, is_at_once: bool) -> Result<(), Reason> {
        let choices = &mut self.choices[chair as usize];
        if *choices >= CHOICES_MAX {
            return Err(Reason::TooOften);
        }
        *choices += 1;
        self.formations[chair as usize] = choice;
        if is_at_once {
            self.kick_off();
        }
        Ok(())
    }

    fn pause_ms(verdict: &Verdict) -> u64 {
        if verdict.ruling == Goal::None as u8 {
            0
        } else {
            CELEBRATION_MS
        }
    }

    fn plan(&self, strength: Strength, seed: u64) -> Option<Stroke> {
        plan(self, strength, seed)
    }

    fn block(&self) -> ([u8; 4], [u8; 2]) {
        let ([one, two], [three, four]) = (self.formations, self.goals);
        let flags = [self.course.rules, u8::from(self.is_kick_off)];
        ([one, two, three, four], flags)
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.formations);
        out.extend_from_slice(&self.goals);
        out.push(u8::from(self.is_kick_off));
        out.extend_from_slice(&self.choices);
    }

    fn read(course: Course, reader: &mut Reader<'_>) -> Option<Self> {
        let formations: [u8; 2] = reader.array()?;
        let is_known = |number: &u8| usize::from(*number) < FORMATIONS.len();
        Some(Self {
            course,
            formations: Some(formations).filter(|both| both.iter().all(is_known))?,
            goals: reader.array()?,
            is_kick_off: reader.flag()?,
            choices: reader.array()?,
        })
    }
}

/// What a record says of a game with so many goals to win.
#[must_use]
pub fn variant_of(goals: u8) -> Variant {
    Variant {
        rules: goals,
        table: pitch().version,
    }
}

/// The pitch is made once in a process: all games share it, and nothing of it ever changes.
fn pitch() -> Arc<Table> {
    static PITCH: OnceLock<Arc<Table>> = OnceLock::new();
    Arc::clone(PITCH.get_or_init(|| Arc::new(Table::soccer())))
}

/// Goals to win when the parameters do not say it.
const GOALS: u8 = 2;
const LOW_GOAL: u8 = 0;
const HIGH_GOAL: u8 = 1;
/// Time after a goal before the kick-off, in milliseconds.
const CELEBRATION_MS: u64 = 2_000;
