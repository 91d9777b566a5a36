//! The bot plays legal shots, and the stronger one wins.

use std::sync::Arc;

use tagus_duel::{Chair, Sport, Strength, Turn};
use tagus_physics::{PoolSize, Table};
use tagus_pool::{Frame, Rules, plan};

/// A game of two bots: its turns, its end, and the hash over its shots.
pub(crate) fn game(rules: Rules, bots: [Strength; 2], seed: u64) -> (Vec<Turn>, Frame, u64) {
    let table = Arc::new(Table::pool(PoolSize::EightFoot));
    let mut frame = Frame::new(table, rules, seed, Chair::First);
    let (mut turns, mut hash) = (Vec::new(), 0_u64);
    while frame.course().end.is_none() {
        let strength = bots[frame.player() as usize];
        let seed = seed.wrapping_mul(1_000) + u64::from(frame.turn());
        let turn = Turn::Stroke(plan(&frame, strength, seed).unwrap());
        let verdict = frame.apply(turn).unwrap().unwrap();
        // The sum that a record has over its shots.
        hash = (hash.rotate_left(5) ^ verdict.hash).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        turns.push(turn);
    }
    (turns, frame, hash)
}

#[test]
fn the_strong_beats_the_weak() {
    let (mut won, mut turns) = (0, 0);
    for seed in 0..GAMES {
        // Each breaks every other time.
        let strong = Chair::BOTH[seed as usize % 2];
        let mut bots = [Strength::Weak; 2];
        bots[strong as usize] = Strength::Strong;
        let rules = [Rules::Eight, Rules::Nine][seed as usize / 2 % 2];
        let (played, frame, _) = game(rules, bots, seed);
        let end = frame.course().end.unwrap();
        won += u64::from(end.winner == Some(strong));
        turns += played.len();
    }
    println!("the strong one won {won} of {GAMES}, {turns} turns");
    assert!(won * 100 >= GAMES * 80, "{won} of {GAMES}");
}

#[test]
fn plans_are_the_same_for_the_same_seed_and_the_game_over_has_none() {
    let table = Arc::new(Table::pool(PoolSize::NineFoot));
    let mut frame = Frame::new(table, Rules::Eight, 4, Chair::First);
    for strength in [Strength::Weak, Strength::Fair, Strength::Strong] {
        let one = plan(&frame, strength, 9);
        assert_eq!(one, plan(&frame, strength, 9));
        assert_ne!(one, plan(&frame, strength, 10));
    }
    frame.apply(Turn::Concede(Chair::First)).unwrap();
    assert_eq!(plan(&frame, Strength::Fair, 9), None);
}

const GAMES: u64 = 24;
