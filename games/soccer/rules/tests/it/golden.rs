//! What is sent, frozen in `games/soccer/golden/v1.json`: the page's tests read it too.

use tagus_duel::{Aim, Command, op};

use crate::promises::check_golden;
use crate::{Table, flick};

#[test]
fn the_file_holds_what_is_sent() {
    let mut table = Table::of_two(r#"{"turn_s":10}"#, 3);
    let player = u16::from(table.turn().player);
    let disc = if player == 0 { 4 } else { 9 };
    let aim = Aim {
        call: Some(disc),
        angle: 0x0102_0304,
        power: 0x0506,
        ..Aim::default()
    };
    let commands = [
        ("aim", Command::Aim(aim)),
        (
            "shoot",
            Command::Shoot {
                game: 0,
                turn: 0,
                stroke: flick(disc, 0x0800_0000, 60_000),
            },
        ),
        (
            "differs",
            Command::Differs {
                game: 0,
                turn: 0,
                hash: 0x0102_0304_0506_0708,
                trace: &[9],
            },
        ),
        ("choose", Command::Choose { game: 0, choice: 3 }),
        // Its refusal is what is kept.
        ("", Command::Rerack { game: 0, turn: 0 }),
        ("concede", Command::Concede { game: 0 }),
        ("rematch", Command::Rematch { game: 0 }),
        ("sit", Command::Sit),
    ];
    check_golden(table, player, &commands, &[("formations", op::CHOICES)]);
}
