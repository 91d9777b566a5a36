//! Whatever people send, a pitch keeps its laws.

use proptest::collection::vec;
use proptest::prelude::*;
use tagus_duel::{Aim, Command};
use tagus_physics::{Place, SOCCER_BODIES, Table as Physics};

use crate::promises::next_turn;
use crate::table::Turn;
use crate::{Table, flick};

/// Something somebody does.
#[derive(Clone, Debug)]
enum Act {
    /// Any bytes under any op.
    Noise(u16, i64, Vec<u8>),
    /// A shot of the present turn, whoever sends it.
    Shoot(u16, u8, u32, u16),
    Aim(u16, u8),
    Choose(u16, u8),
    Concede(u16),
    Rematch(u16),
    Wait(u16),
}

fn act() -> impl Strategy<Value = Act> {
    let seat = || 0..3_u16;
    prop_oneof![
        3 => (seat(), -2..25_i64, vec(any::<u8>(), 0..40))
            .prop_map(|(seat, op, bytes)| Act::Noise(seat, op, bytes)),
        8 => (seat(), 0..12_u8, any::<u32>(), any::<u16>())
            .prop_map(|(seat, disc, angle, power)| Act::Shoot(seat, disc, angle, power)),
        1 => (seat(), 0..12_u8).prop_map(|(seat, disc)| Act::Aim(seat, disc)),
        2 => (seat(), 0..6_u8).prop_map(|(seat, choice)| Act::Choose(seat, choice)),
        1 => seat().prop_map(Act::Concede),
        1 => seat().prop_map(Act::Rematch),
        8 => (0..9_000_u16).prop_map(Act::Wait),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn whatever_is_sent_the_laws_hold(seed in any::<u64>(), acts in vec(act(), 1..60)) {
        let mut table = Table::of_two(r#"{"turn_s":10}"#, seed);
        table.join(3);
        let mut last = table.turn();
        for act in acts {
            let (game, turn) = (last.game, last.turn);
            match act {
                Act::Noise(seat, op, bytes) => table.say_bytes(seat, op, bytes),
                Act::Shoot(seat, disc, angle, power) => {
                    let stroke = flick(disc, angle, power);
                    table.say(seat, Command::Shoot { game, turn, stroke });
                }
                Act::Aim(seat, disc) => {
                    let aim = Aim { game, turn, call: Some(disc), ..Aim::default() };
                    table.say(seat, Command::Aim(aim));
                }
                Act::Choose(seat, choice) => table.say(seat, Command::Choose { game, choice }),
                Act::Concede(seat) => table.say(seat, Command::Concede { game }),
                Act::Rematch(seat) => table.say(seat, Command::Rematch { game }),
                Act::Wait(time_ms) => table.wait(u64::from(time_ms)),
            }
            let next = next_turn(&mut table, game);
            laws(&last, &next);
            last = next;
        }
    }
}

fn laws(last: &Turn, next: &Turn) {
    assert_eq!(next.state.check(&Physics::soccer()), Ok(()));
    assert_eq!(next.state.bodies().len(), SOCCER_BODIES);
    if (next.game, next.turn) == (last.game, last.turn) {
        // Nothing happens but in a new turn; before the first one formations may change.
        assert!(next.turn == 0 || next.state == last.state);
        assert_eq!((next.player, &next.own[2..]), (last.player, &last.own[2..]));
    } else if next.game == last.game {
        assert!(next.turn > last.turn, "{last:?} {next:?}");
        assert!(next.own[2] >= last.own[2] && next.own[3] >= last.own[3]);
    } else {
        assert_eq!(next.game, last.game + 1);
        assert_eq!(last.phase, 2);
    }
    let ball = next.state.place(0);
    match next.phase {
        1 => {
            assert!(next.player < 2 && next.winner == 255 && next.how == 0);
            assert!(matches!(ball, Place::On { .. }), "the ball can be played");
        }
        2 => assert!(next.player == 255 && next.how > 0),
        phase => panic!("phase {phase}"),
    }
    assert!(next.own[..2].iter().all(|formation| *formation < 5));
    assert!(next.own[2..].iter().all(|goals| *goals <= 2));
    assert_eq!((next.rest[0], next.rest[1] & !1), (2, 0));
    assert!(next.time_outs.iter().all(|count| *count <= 3));
    for disc in 1..SOCCER_BODIES as u8 {
        assert!(matches!(next.state.place(disc), Place::On { .. }));
    }
}
