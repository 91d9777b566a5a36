//! Behaviour of pool through its public face.

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

use crate::table::Turn;

type Table = table::Table<tagus_pool::Frame>;

/// What is pool's own in the turn's block.
impl Turn {
    const fn hand(&self) -> u8 {
        self.own[0]
    }

    const fn flags(&self) -> u8 {
        self.own[1]
    }

    const fn groups(&self) -> [u8; 2] {
        [self.own[2], self.own[3]]
    }

    const fn fouls(&self) -> [u8; 2] {
        self.rest
    }
}

/// A straight shot of the eight-foot table.
fn straight(power: u16) -> Stroke {
    let shot = Shot {
        table: 2,
        power,
        ..Shot::default()
    };
    Stroke {
        shot,
        ..Stroke::default()
    }
}
