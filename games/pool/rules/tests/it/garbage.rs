//! Whatever people send, a table keeps its laws.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use tagus_base::{Rng, SeatIndex};
use tagus_duel::{Aim, Command, Stroke};
use tagus_physics::{Place, PoolSize, Table as PoolTable};

use crate::promises::next_turn;
use crate::table::Turn;
use crate::{Table, straight};

/// Something somebody does.
#[derive(Clone, Debug)]
enum Act {
    /// Any bytes under any op.
    Noise(u16, i64, Vec<u8>),
    /// A shot of the present turn, wherever it goes and whoever sends it.
    Shoot(u16, u32, u16, Option<(i32, i32)>),
    Aim(u16),
    Rerack(u16),
    Concede(u16),
    Rematch(u16),
    Wait(u16),
}

fn act() -> impl Strategy<Value = Act> {
    let seat = 0..3_u16;
    let place = proptest::option::of((0..2_400_000_i32, 0..1_200_000_i32));
    prop_oneof![
        3 => (seat.clone(), -2..25_i64, vec(any::<u8>(), 0..40))
            .prop_map(|(seat, op, bytes)| Act::Noise(seat, op, bytes)),
        8 => (seat.clone(), any::<u32>(), 1..=u16::MAX, place)
            .prop_map(|(seat, angle, power, place)| Act::Shoot(seat, angle, power, place)),
        1 => seat.clone().prop_map(Act::Aim),
        1 => seat.clone().prop_map(Act::Rerack),
        1 => seat.clone().prop_map(Act::Rematch),
        8 => (0..12_000_u16).prop_map(Act::Wait),
        1 => seat.prop_map(Act::Concede),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn whatever_is_sent_the_laws_hold(seed in any::<u64>(), is_nine in any::<bool>(), acts in vec(act(), 1..60)) {
        let rules = if is_nine { r#"{"rules":"nine","turn_s":10}"# } else { r#"{"turn_s":10}"# };
        let mut table = Table::of_two(rules, seed);
        table.join(3);
        let mut last = table.turn();
        for act in acts {
            let (game, turn) = (last.game, last.turn);
            match act {
                Act::Noise(seat, op, bytes) => table.say_bytes(seat, op, bytes),
                Act::Shoot(seat, angle, power, place) => {
                    let mut stroke = Stroke { place, ..straight(power) };
                    stroke.shot.angle = angle;
                    table.say(seat, Command::Shoot { game, turn, stroke });
                }
                Act::Aim(seat) => table.say(seat, Command::Aim(Aim { game, turn, ..Aim::default() })),
                Act::Rerack(seat) => table.say(seat, Command::Rerack { game, turn }),
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
    let table = PoolTable::pool(PoolSize::EightFoot);
    assert_eq!(next.state.check(&table), Ok(()));
    let balls = |turn: &Turn| turn.state.bodies().len();
    assert_eq!(balls(next), balls(last));
    // Nothing happens but in a new turn, which is the next one unless time ran out meanwhile; nothing goes back.
    if (next.game, next.turn) == (last.game, last.turn) {
        assert_eq!((&next.state, next.player), (&last.state, last.player));
    } else if next.game == last.game {
        assert!(next.turn > last.turn, "{last:?} {next:?}");
    } else {
        assert_eq!(next.game, last.game + 1);
        assert_eq!(last.phase, 2);
    }
    match next.phase {
        1 => {
            assert!(next.player < 2 && next.winner == 255 && next.how == 0);
            let is_off = !matches!(next.state.place(0), Place::On { .. });
            assert_eq!(next.flags() & 8 != 0, is_off);
            assert!(!is_off || next.hand() > 0, "it can be put");
        }
        2 => assert!(next.player == 255 && next.how > 0),
        phase => panic!("phase {phase}"),
    }
    let [one, two] = next.groups();
    assert!(matches!((one, two), (0, 0) | (1, 2) | (2, 1)));
    assert!(next.time_outs.iter().all(|count| *count <= 3));
    assert!(next.fouls().iter().all(|count| *count <= 3));
}

#[test]
fn bytes_of_any_kind_are_no_message_or_one_that_writes_them_again() {
    let mut rng = Rng::new(3);
    let mut read = 0;
    for _ in 0..200_000 {
        let op = i64::from(rng.below(9));
        let length = [27, 24, 12, 4, 2, 2, 0][(op.clamp(1, 7) - 1) as usize];
        let mut bytes: Vec<u8> = (0..length).map(|_| rng.next_u64() as u8).collect();
        if let Some(flags) = bytes.get_mut(4) {
            *flags &= 1;
        }
        if let Ok(command) = Command::decode(op, &bytes) {
            let mut out = Vec::new();
            assert_eq!(command.encode(&mut out), op);
            assert_eq!(out, bytes);
            read += 1;
        }
    }
    assert!(read > 50_000, "{read}");
}

#[test]
fn nobody_without_a_seat_is_heard() {
    let mut table = Table::of_two("{}", 1);
    let bytes = Bytes::from_static(&[0; 27]);
    table.host.message(SeatIndex(9), 1, bytes).unwrap();
    table.sent.clear();
    table.tick();
    assert_eq!(table.sent, []);
}
