//! What is sent, frozen in `games/pool/golden/v1.json`: the page's tests read it too.

use tagus_duel::{Aim, Command};

use crate::promises::check_golden;
use crate::{Table, straight};

#[test]
fn the_file_holds_what_is_sent() {
    let mut table = Table::of_two(r#"{"turn_s":10,"tick_rate_hz":30}"#, 3);
    let player = u16::from(table.turn().player);
    let aim = Aim {
        place: Some((500_000, 600_000)),
        angle: 0x0102_0304,
        power: 0x0506,
        side: -2,
        height: 0x0708,
        ..Aim::default()
    };
    let commands = [
        ("aim", Command::Aim(aim)),
        (
            "shoot",
            Command::Shoot {
                game: 0,
                turn: 0,
                stroke: straight(60_000),
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
        ("rerack", Command::Rerack { game: 0, turn: 0 }),
        ("concede", Command::Concede { game: 0 }),
        ("rematch", Command::Rematch { game: 0 }),
        ("sit", Command::Sit),
    ];
    check_golden(table, player, &commands, &[]);
}
