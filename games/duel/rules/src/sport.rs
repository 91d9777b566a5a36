//! What a sport decides for itself.

use std::fmt::Debug;
use std::sync::Arc;

use serde_json::{Map, Value};
use tagus_physics::{State, Table};

use crate::bot::Strength;
use crate::codec::Reader;
use crate::course::{Chair, Course, How, TIME_OUTS_MAX, Turn, Variant};
use crate::messages::Aim;
use crate::reason::Reason;
use crate::stroke::{Played, Stroke, Verdict};

/// The rules of one kind of game. A value is one game of it as a state machine: plain data, which knows nothing of rooms,
/// people and clocks.
///
/// Every change goes through [`apply`](Self::apply), or, where a stroke is simulated elsewhere, through
/// [`check`](Self::check) and [`settle`](Self::settle); a turn that is refused leaves the game as it was. The same turns
/// make the same game, which is what a record relies on.
pub trait Sport: Clone + Debug + Send + Sized + 'static {
    /// The name under which its rooms are made.
    const GAME: &'static str;
    /// Keys of the room's parameters that are the sport's own, for [`variant`](Self::variant).
    const KEYS: &'static [&'static str];
    /// Time of a turn when the parameters do not say it, in seconds (1..=600).
    const TURN_S: u32;
    /// Can it be practised alone?
    const MAY_BE_ALONE: bool = false;
    /// How many things a player has to choose from with op 8; 0: there is nothing to choose.
    const CHOICES: u8 = 0;

    /// What the room's parameters ask for; they have no other keys than [`KEYS`](Self::KEYS).
    ///
    /// # Errors
    /// What is wrong with them.
    fn variant(params: Map<String, Value>) -> Result<Variant, String>;

    /// The key and the value that say in a room's label what is played.
    fn label(variant: Variant) -> (&'static str, Value);

    /// The mode in whose ratings a game of two people counts.
    fn mode(variant: Variant) -> &'static str;

    /// The table of a variant; none where there is no such variant.
    fn table_of(variant: Variant) -> Option<Arc<Table>>;

    /// Lays the table out for a game that begins. The variant is one that has a [`table_of`](Self::table_of).
    fn begin(course: Course) -> Self;

    /// What it has in common with others.
    fn course(&self) -> &Course;

    /// The same, to change it.
    fn course_mut(&mut self) -> &mut Course;

    /// The table as the shot of this stroke begins, if the player may play it.
    ///
    /// # Errors
    /// Why not.
    fn check(&self, stroke: &Stroke) -> Result<State, Reason>;

    /// May the player show this as what he is about to play?
    ///
    /// # Errors
    /// Why not.
    fn check_aim(&self, aim: &Aim) -> Result<(), Reason>;

    /// Decides about a stroke that was checked and played.
    fn settle(&mut self, stroke: &Stroke, played: Played) -> Verdict;

    /// The player's time has run out, which has not lost him the game: passes the turn.
    fn time_out(&mut self);

    /// Lays the table out again for the player.
    ///
    /// # Errors
    /// The rules do not allow it.
    fn rerack(&mut self) -> Result<(), Reason> {
        Err(Reason::NotAllowed)
    }

    /// A player chooses one of [`CHOICES`](Self::CHOICES). `is_at_once` comes with the first turn only.
    ///
    /// # Errors
    /// The rules do not allow it.
    fn choose(&mut self, chair: Chair, choice: u8, is_at_once: bool) -> Result<(), Reason> {
        let _ = (chair, choice, is_at_once);
        Err(Reason::NotAllowed)
    }

    /// Time between the rest of the bodies and the next turn, in milliseconds.
    fn pause_ms(verdict: &Verdict) -> u64 {
        let _ = verdict;
        0
    }

    /// The stroke of a bot for the player whose turn it is; none when the game is over. Only of the game, the strength and
    /// the seed. It runs as a job, and may take some ten milliseconds.
    fn plan(&self, strength: Strength, seed: u64) -> Option<Stroke>;

    /// What the turn's block has at 6 to 9, and at 12 and 13.
    fn block(&self) -> ([u8; 4], [u8; 2]);

    /// Appends what is not in the [`Course`].
    fn write(&self, out: &mut Vec<u8>);

    /// Reads what [`write`](Self::write) wrote; none for what it cannot have written.
    fn read(course: Course, reader: &mut Reader<'_>) -> Option<Self>;

    /// Plays a turn. Returns what the rules say to a stroke.
    ///
    /// # Errors
    /// Why it is refused.
    fn apply(&mut self, turn: Turn) -> Result<Option<Verdict>, Reason> {
        self.must_be_played()?;
        match turn {
            Turn::Stroke(stroke) => {
                let state = self.check(&stroke)?;
                let played = Played::of(&self.course().table, state, &stroke.shot);
                let played = played.ok_or(Reason::Failed)?;
                return Ok(Some(self.settle(&stroke, played)));
            }
            Turn::Rerack => self.rerack()?,
            Turn::TimeOut => {
                let course = self.course_mut();
                let time_outs = &mut course.time_outs[course.player as usize];
                *time_outs += 1;
                if *time_outs >= TIME_OUTS_MAX {
                    course.lose(course.player, How::TIME_OUTS);
                } else {
                    self.time_out();
                }
            }
            Turn::Concede(chair) => self.course_mut().lose(chair, How::CONCEDED),
            Turn::Leave(chair) => self.course_mut().lose(chair, How::LEFT),
            Turn::Lapse(chair) => self.course_mut().lose(chair, How::TIME_OUTS),
            Turn::Choice {
                chair,
                choice,
                is_at_once,
            } => {
                if choice >= Self::CHOICES || is_at_once && self.course().turn > 0 {
                    return Err(Reason::NotAllowed);
                }
                self.choose(chair, choice, is_at_once)?;
            }
        }
        Ok(None)
    }

    /// Is the game not over?
    ///
    /// # Errors
    /// [`Reason::Phase`]: it is.
    fn must_be_played(&self) -> Result<(), Reason> {
        if self.course().end.is_some() {
            return Err(Reason::Phase);
        }
        Ok(())
    }
}

/// The whole game in bytes.
pub(crate) fn write_game<S: Sport>(game: &S, out: &mut Vec<u8>) {
    game.course().write(out);
    game.write(out);
}

/// Reads what [`write_game`] wrote.
pub(crate) fn read_game<S: Sport>(reader: &mut Reader<'_>) -> Option<S> {
    let course = Course::read(reader, S::table_of)?;
    S::read(course, reader)
}
