//! What is sent, frozen in `games/soccer/golden/v1.json`: the page's tests read it too.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::json;
use tagus_duel::{Aim, Command, op};

use crate::{Table, flick};

#[test]
fn the_file_holds_what_is_sent() {
    let mut table = Table::of_two(r#"{"turn_s":10}"#, 3);
    let player = u16::from(table.turn().player);
    let disc = if player == 0 { 4 } else { 9 };
    let mut lines = Vec::new();
    let mut keep = |what: &str, op: i64, bytes: &[u8]| {
        lines.push(json!({ "what": what, "op": op, "bytes": hex(bytes) }).to_string());
    };
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
        ("refused", Command::Rerack { game: 0, turn: 0 }),
        ("concede", Command::Concede { game: 0 }),
        ("rematch", Command::Rematch { game: 0 }),
        ("sit", Command::Sit),
    ];
    for (what, command) in commands {
        let mut bytes = Vec::new();
        let op = command.encode(&mut bytes);
        if what != "refused" {
            keep(what, op, &bytes);
        }
        table.say(player, command);
        table.tick();
        table.tick();
    }
    let (viewer, _) = table.join(3);
    for (what, op) in [
        ("table", op::TABLE),
        ("shot", op::SHOT),
        ("verdict", op::VERDICT),
        ("aimed", op::AIMED),
        ("people", op::PEOPLE),
        ("refused", op::REFUSED),
        ("record", op::RECORD),
        ("formations", op::CHOICES),
    ] {
        let all = table.take(op);
        let (_, bytes) = all.first().unwrap_or_else(|| panic!("{what} is not sent"));
        keep(what, op, bytes);
    }
    assert_eq!(viewer.0, 2);
    let made = format!("[\n{}\n]\n", lines.join(",\n"));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../golden/v1.json");
    let kept = fs::read_to_string(&path).unwrap_or_default();
    if kept != made {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("soccer-v1.json");
        fs::write(&path, made).unwrap();
        panic!(
            "the protocol has changed; if it shall, keep {}",
            path.display()
        );
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut out = String::new();
    for byte in bytes {
        write!(out, "{byte:02x}").unwrap();
    }
    out
}
