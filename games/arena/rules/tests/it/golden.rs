//! What the page is sent, frozen in `games/arena/golden/v1.json`: the client's own tests read it too.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tagus_arena::{Command, op};
use tagus_replication::Replica;

use crate::decoder::View;
use crate::room::Table;

/// A world in which something happens at once.
const LIVELY: &[u8] =
    br#"{"world_size":1200,"pellets":60,"viruses":1,"bots_fill":3,"mass_start":60,
    "view_half_height":300,"player_limit":2}"#;
const TICKS: usize = 40;

#[test]
fn the_file_holds_what_is_sent() {
    let mut table = Table::open(LIVELY);
    let ann = table.join(1, "ann");
    let world = table.take(op::WORLD)[0].1.clone();
    let mut replica = Replica::new(tagus_replication::Schema::parse(&world[13..]).unwrap());
    table.say(ann, Command::Spawn { hue: 9, name: "" });
    let mut snapshots = Vec::new();
    for tick in 0..TICKS {
        if tick == 20 {
            table.say(ann, Command::Split);
            table.say(ann, Command::Eject);
        }
        table.say(ann, Command::Steer { x: 900, y: 40_000 });
        table.tick();
        let bytes = table.snapshot(ann);
        replica.apply(&bytes).unwrap();
        snapshots.push(json!({ "bytes": hex(&bytes), "view": known(&replica) }));
    }
    let lines: Vec<String> = snapshots.iter().map(Value::to_string).collect();
    let (world, lines) = (hex(&world), lines.join(",\n"));
    let made = format!("{{\"world\":\"{world}\",\"snapshots\":[\n{lines}\n]}}\n");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../golden/v1.json");
    let kept = fs::read_to_string(&path).unwrap_or_default();
    if kept != made {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("arena-v1.json");
        fs::write(&path, made).unwrap();
        panic!(
            "the protocol has changed; if it shall, keep {}",
            path.display()
        );
    }
}

/// What the page makes of it.
fn known(replica: &Replica) -> Value {
    let view = View::of(replica);
    let half = |level: u32| f64::from(level) / 2.0;
    let mut cells = view.cells.clone();
    cells.sort_by_key(|cell| cell.id);
    let cells: Vec<Value> = cells
        .iter()
        .map(|cell| {
            json!({
                "id": cell.id, "x": half(cell.at.0), "y": half(cell.at.1), "radius": half(cell.radius),
                "hue": cell.hue, "owner": cell.owner,
            })
        })
        .collect();
    let viruses = view.viruses.iter().map(|virus| (virus.id, 0));
    let ejected = view.ejected.iter().map(|piece| (piece.id, piece.hue));
    let mut specks: Vec<(u32, u8)> = viruses.chain(ejected).collect();
    specks.sort_unstable();
    let mut pellets: Vec<u32> = view.pellets.iter().map(|pellet| pellet.id).collect();
    pellets.sort_unstable();
    let ([x, y], half_height) = view.screen(1_200.0, [300.0, 1_600.0]);
    let rounded = |value: f64| (value * 10.0).round() / 10.0;
    json!({
        "tick": view.tick, "alive": view.flags & 1 == 1, "score": view.score, "rank": view.rank,
        "cells": cells, "specks": specks, "pellets": pellets,
        "focus": { "x": rounded(x), "y": rounded(y), "halfHeight": rounded(half_height) },
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
