//! The same bits, for ever: the hashes of 2,000 games, more than 10,000 shots.
//!
//! `games.txt` holds eight hashes a line, game 0 first. It changes when the physics does, which is then a new version of every
//! table; `cargo run --release -p tagus-physics --example golden` writes it again.

use tagus_physics::{Limits, simulate};

use crate::games::Game;

#[test]
fn all_games_have_their_hashes() {
    let shots = check(usize::MAX);
    assert!(shots >= 10_000, "{shots}");
}

/// Quick enough to be run without optimisation: `cargo test --profile plain -p tagus-physics first_games`.
#[test]
fn first_games_have_their_hashes() {
    let shots = check(120);
    assert!(shots >= 500, "{shots}");
}

fn check(games: usize) -> usize {
    let mut shots = 0;
    let golden = include_str!("../golden/games.txt");
    for (number, expected) in (0..).zip(golden.split_whitespace()).take(games) {
        let mut game = Game::new(number);
        let mut hash = 0_u64;
        while let Some(shot) = game.next_shot() {
            let outcome = simulate(&game.table, &mut game.state, &shot, Limits::default()).unwrap();
            hash = hash.wrapping_mul(31).wrapping_add(outcome.hash);
            shots += 1;
        }
        assert_eq!(format!("{hash:016x}"), expected, "game {number}");
    }
    shots
}
