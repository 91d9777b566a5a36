//! Behaviour of soccer through its public face.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bot;
mod garbage;
mod golden;
#[path = "../../../../duel/rules/tests/it/promises.rs"]
mod promises;
mod record;
mod refusals;
mod room;
mod rules;
#[path = "../../../../duel/rules/tests/it/table.rs"]
mod table;

use tagus_duel::Stroke;
use tagus_physics::Shot;

type Table = table::Table<tagus_soccer::Frame>;

/// A flick along the pitch; 0 is towards the high end.
fn flick(disc: u8, angle: u32, power: u16) -> Stroke {
    let shot = Shot {
        table: 101,
        body: disc,
        angle,
        power,
        ..Shot::default()
    };
    Stroke {
        shot,
        ..Stroke::default()
    }
}

/// The direction of the low end.
const BACK: u32 = 1 << 31;
