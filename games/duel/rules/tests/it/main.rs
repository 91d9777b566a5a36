//! What every game of two has, by the smallest of sports.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod endings;
mod kept;
mod table;
mod time;

use std::sync::{Arc, OnceLock};

use serde_json::{Map, Value};
use tagus_duel::{
    Aim, Chair, Course, How, Played, Reader, Reason, Sport, Strength, Stroke, Variant, Verdict,
};
use tagus_physics::{PoolSize, Shot, State, Table as Physics};

type Table = table::Table<Knock>;

/// Whoever pockets a ball with the cue ball has won.
#[derive(Clone, Debug)]
struct Knock {
    course: Course,
    chosen: [u8; 2],
}

fn physics() -> Arc<Physics> {
    static TABLE: OnceLock<Arc<Physics>> = OnceLock::new();
    Arc::clone(TABLE.get_or_init(|| Arc::new(Physics::pool(PoolSize::SevenFoot))))
}

impl Sport for Knock {
    const GAME: &'static str = "knock";
    const KEYS: &'static [&'static str] = &[];
    const TURN_S: u32 = 10;
    const CHOICES: u8 = 2;

    fn variant(_: Map<String, Value>) -> Result<Variant, String> {
        Ok(Variant { rules: 0, table: 1 })
    }

    fn label(_: Variant) -> (&'static str, Value) {
        ("rules", "knock".into())
    }

    fn mode(_: Variant) -> &'static str {
        "knock"
    }

    fn table_of(variant: Variant) -> Option<Arc<Physics>> {
        Some(physics()).filter(|_| variant == Variant { rules: 0, table: 1 })
    }

    fn begin(mut course: Course) -> Self {
        course.state = State::eight_ball(&course.table, course.seed);
        Self {
            course,
            chosen: [0; 2],
        }
    }

    fn course(&self) -> &Course {
        &self.course
    }

    fn course_mut(&mut self) -> &mut Course {
        &mut self.course
    }

    fn check(&self, stroke: &Stroke) -> Result<State, Reason> {
        let shot = stroke.shot.check(&self.course.table, &self.course.state);
        let is_good = stroke.shot.body == 0 && shot.is_ok();
        is_good
            .then(|| self.course.state.clone())
            .ok_or(Reason::OtherBall)
    }

    fn check_aim(&self, _: &Aim) -> Result<(), Reason> {
        Ok(())
    }

    fn settle(&mut self, _: &Stroke, played: Played) -> Verdict {
        let player = self.course.player;
        self.course.state = played.state;
        match played.pocketed.first() {
            Some((0, _)) => self.course.lose(player, How(2)),
            Some(_) => self.course.finish(Some(player), How(1)),
            None => self.course.pass(player.other()),
        }
        Verdict {
            hash: played.hash,
            rest_ms: played.rest_ms,
            ruling: 0,
            pocketed: played.pocketed,
        }
    }

    fn time_out(&mut self) {
        self.course.pass(self.course.player.other());
    }

    fn choose(&mut self, chair: Chair, choice: u8, _: bool) -> Result<(), Reason> {
        self.chosen[chair as usize] = choice;
        Ok(())
    }

    fn plan(&self, _: Strength, _: u64) -> Option<Stroke> {
        Some(soft())
    }

    fn block(&self) -> ([u8; 4], [u8; 2]) {
        ([0; 4], self.chosen)
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.chosen);
    }

    fn read(course: Course, reader: &mut Reader<'_>) -> Option<Self> {
        let chosen = reader.array()?;
        Some(Self { course, chosen })
    }
}

/// A stroke that pockets nothing.
fn soft() -> Stroke {
    let shot = Shot {
        table: 1,
        angle: 1 << 30,
        power: 2_000,
        ..Shot::default()
    };
    Stroke {
        shot,
        ..Stroke::default()
    }
}
