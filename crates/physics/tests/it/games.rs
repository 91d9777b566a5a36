//! Games of random shots that every implementation must play with the same bits.
//!
//! Game g is played on a table of kind g mod 4: 0 a seven-foot and 1 an eight-foot table with an eight-ball rack, 2 a
//! nine-foot table with a nine-ball rack, 3 soccer; its seed is g, and so is that of a splitmix64 generator.
//! A turn takes two numbers from it. The first gives, from its low bits on: the body (soccer: the remainder by the count
//! of bodies; pool: 0), from bit 16 the side and from bit 32 the height (signed 16 bits, halved towards zero; soccer: 0),
//! from bit 48 the power. The low 32 bits of the second are the angle.
//! A game ends after ten turns, or when body 0 is not on the table any more.
//! Its hash begins with 0; each shot makes it hash · 31 + the shot's.

use tagus_physics::{Place, PoolSize, Shot, State, TWO_AND_TWO, Table};

pub(crate) struct Game {
    pub(crate) table: Table,
    pub(crate) state: State,
    random: Random,
    turn: u32,
}

impl Game {
    pub(crate) fn new(number: u64) -> Self {
        let table = match number % 4 {
            0 => Table::pool(PoolSize::SevenFoot),
            1 => Table::pool(PoolSize::EightFoot),
            2 => Table::pool(PoolSize::NineFoot),
            _ => Table::soccer(),
        };
        let state = match number % 4 {
            0 | 1 => State::eight_ball(&table, number),
            2 => State::nine_ball(&table, number),
            _ => State::kick_off(&table, &TWO_AND_TWO),
        };
        Self {
            table,
            state,
            random: Random(number),
            turn: 0,
        }
    }

    /// The shot of the next turn; the caller plays it on `state`.
    pub(crate) fn next_shot(&mut self) -> Option<Shot> {
        if self.turn == TURNS || !matches!(self.state.place(0), Place::On { .. }) {
            return None;
        }
        self.turn += 1;
        let (word, angle) = (self.random.next(), self.random.next());
        let is_pool = self.table.version < 100;
        let spin = |shift: u32| {
            if is_pool {
                (word >> shift) as i16 / 2
            } else {
                0
            }
        };
        let count = self.state.bodies().len() as u64;
        Some(Shot {
            table: self.table.version,
            body: if is_pool { 0 } else { (word % count) as u8 },
            angle: angle as u32,
            power: (word >> 48) as u16,
            side: spin(16),
            height: spin(32),
        })
    }
}

/// splitmix64.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }
}

const TURNS: u32 = 10;
