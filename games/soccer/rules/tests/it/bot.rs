//! The bot plays legal strokes, and the stronger one wins.

use tagus_duel::{Chair, Sport, Strength, Turn, mix};
use tagus_soccer::{Frame, plan};

/// A game of two bots: its turns, its end, and the hash over its shots.
pub(crate) fn game(goals: u8, bots: [Strength; 2], seed: u64) -> (Vec<Turn>, Frame, u64) {
    let mut frame = Frame::new(goals, Chair::first_of(seed));
    let (mut turns, mut hash) = (Vec::new(), 0);
    while frame.course().end.is_none() {
        let strength = bots[frame.player() as usize];
        let seed = seed.wrapping_mul(1_000) + u64::from(frame.turn());
        let turn = Turn::Stroke(plan(&frame, strength, seed).unwrap());
        let verdict = frame.apply(turn).unwrap().unwrap();
        hash = mix(hash, verdict.hash);
        turns.push(turn);
    }
    (turns, frame, hash)
}

#[test]
fn the_strong_beats_the_weak() {
    let (mut won, mut turns) = (0, 0);
    for seed in 0..GAMES {
        // Each kicks off every other time, in either half.
        let strong = Chair::BOTH[seed as usize / 2 % 2];
        let mut bots = [Strength::Weak; 2];
        bots[strong as usize] = Strength::Strong;
        let (played, frame, _) = game(2, bots, seed);
        won += u64::from(frame.course().end.unwrap().winner == Some(strong));
        turns += played.len();
    }
    println!("the strong one won {won} of {GAMES}, {turns} turns");
    assert!(won * 100 >= GAMES * 75, "{won} of {GAMES}");
}

#[test]
fn plans_are_the_same_for_the_same_seed_and_the_game_over_has_none() {
    let mut frame = Frame::new(2, Chair::Second);
    for strength in [Strength::Weak, Strength::Fair, Strength::Strong] {
        let one = plan(&frame, strength, 9);
        assert_eq!(one, plan(&frame, strength, 9));
        assert_ne!(one, plan(&frame, strength, 10));
        assert!(frame.check(&one.unwrap()).is_ok());
    }
    frame.apply(Turn::Concede(Chair::First)).unwrap();
    assert_eq!(plan(&frame, Strength::Fair, 9), None);
}

const GAMES: u64 = 16;
