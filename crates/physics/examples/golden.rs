//! Writes the hashes of the golden games to `tests/golden/games.txt`.

use std::fmt::Write;

use tagus_physics::{Limits, simulate};

#[path = "../tests/it/games.rs"]
mod games;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut out = String::new();
    for number in 0..2_000 {
        let mut game = games::Game::new(number);
        let mut hash = 0_u64;
        while let Some(shot) = game.next_shot() {
            let outcome = simulate(&game.table, &mut game.state, &shot, Limits::default())?;
            hash = hash.wrapping_mul(31).wrapping_add(outcome.hash);
        }
        let after = if number % 8 == 7 { '\n' } else { ' ' };
        write!(out, "{hash:016x}{after}")?;
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/games.txt");
    std::fs::write(path, out)?;
    Ok(())
}
