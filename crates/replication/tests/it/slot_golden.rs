//! The format of snapshots of slots, and what lines make of them, frozen in a file that the browser's decoder reads too.

use std::fmt::Write;

use serde_json::{Value, json};
use tagus_base::Tick;
use tagus_replication::{Ack, DecodeError, Replica, SlotReplica, SlotViewer, View, World};

use crate::bodies::schema;
use crate::golden::{Bits, check_file, hex, put_frame};

/// What becomes of each frame's snapshot: `.` it arrives, `x` it is lost, `2` it comes twice, `~` behind the next one,
/// `-` it is not made; and `_` stands for forty frames without a viewer, `=` for a hundred and thirty.
const DOWN: &str = "x.x...2.~..........xx......x..2.~~..........-..---....._....xxxxxx....=.....";
/// What becomes of the acknowledgements.
const UP: &str = "xxxx...x.~.....xxx.........~.......xxxxxxxxx.......~..............xxx........";

/// Where the viewer looks.
fn centre(frame: usize) -> [f64; 2] {
    match frame {
        ..20 => [0.0, 0.0],
        20..28 => [180.0, 0.0],
        28..32 => [0.0, 0.0],
        32..40 => [-300.0, 0.0],
        _ => [20.0, 0.0],
    }
}

/// Which snapshots arrive in which order, and the viewer hears of it.
fn conversation() -> Vec<(Vec<u8>, SlotReplica, bool)> {
    let mut world = World::new(schema());
    // The lowest bits of the frame's number pass over zero on the way.
    for frame in 1..65_500 {
        world.begin(Tick(frame * 2));
        world.end();
    }
    let mut viewer = SlotViewer::new();
    let mut replica = SlotReplica::new(schema());
    let mut out = Vec::new();
    let (mut held, mut held_ack) = (Vec::new(), None);
    let mut time = 0;
    for (frame, (down, up)) in DOWN.chars().zip(UP.chars()).enumerate() {
        let frames = match down {
            '_' => 40,
            '=' => 130,
            _ => 1,
        };
        for _ in 0..frames {
            time += 1;
            put_frame(&mut world, time);
        }
        if down == '-' {
            continue;
        }
        let own = (time as f32).to_le_bytes();
        let view = View {
            centre: centre(frame),
            half: [120.0, 80.0],
            mask: if frame % 16 < 12 { 1 } else { 2 },
            own_id: (frame > 3).then_some(70_000),
            last_input: (frame / 4) as u32 * 100,
            own: if frame < 9 { &[] } else { &own },
            bytes_max: 640,
            entities_max: if frame % 24 < 18 { 1_000 } else { 7 },
        };
        let mut snapshot = Vec::new();
        viewer.encode(&mut world, &view, &mut snapshot);
        let late = std::mem::take(&mut held);
        let mut arriving = match down {
            'x' => vec![],
            '2' => vec![snapshot.clone(), snapshot],
            '~' => {
                held.push(snapshot);
                vec![]
            }
            _ => vec![snapshot],
        };
        arriving.extend(late);
        for snapshot in arriving {
            let is_newer = replica.apply(&snapshot).unwrap();
            out.push((snapshot, replica.clone(), is_newer));
        }
        let late: Option<Ack> = held_ack.take();
        match up {
            'x' => {}
            '~' => held_ack = replica.ack(),
            _ => replica.ack().into_iter().for_each(|ack| viewer.acked(ack)),
        }
        late.into_iter().for_each(|ack| viewer.acked(ack));
    }
    out
}

fn state(replica: &SlotReplica, snapshot: &[u8], is_newer: bool) -> Value {
    let entity = |entity: tagus_replication::Seen<'_>| {
        let levels: Vec<u32> = entity.levels().collect();
        json!({"id": entity.id, "kind": entity.kind.0, "tick": entity.tick.0, "levels": levels})
    };
    let own = replica.own();
    let mut ack = Vec::new();
    replica.ack().unwrap().write(&mut ack);
    json!({
        "snapshot": hex(snapshot),
        "newer": is_newer,
        "tick": replica.tick().0,
        "waiting": replica.is_waiting(),
        "own": {"id": own.id, "last_input": own.last_input, "state": hex(&own.state)},
        "came": replica.came(),
        "went": replica.went(),
        "ack": hex(&ack),
        "entities": replica.entities().map(entity).collect::<Vec<_>>(),
    })
}

/// The head of the snapshot that follows the last one.
fn head(last: &[u8]) -> Vec<u8> {
    let frame = u16::from_le_bytes([last[1], last[2]]).wrapping_add(1);
    let [low, high] = frame.to_le_bytes();
    vec![16, low, high]
}

/// A snapshot that follows, with these bits behind its head.
fn next(last: &[u8], put: impl Fn(&mut Bits)) -> Vec<u8> {
    let mut bits = Bits::default();
    put(&mut bits);
    [head(last), bits.bytes()].concat()
}

/// Messages that are refused after the whole conversation, and why.
fn refused(last: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let flags = |flags: u8| [vec![flags], head(last)[1..].to_vec()].concat();
    vec![
        ("nothing", vec![]),
        ("half a head", vec![16, 0]),
        ("a snapshot of cells", vec![1, 0, 0]),
        ("an unknown flag", flags(16 | 4)),
        ("no news", head(last)),
        (
            "the same beginning at another time",
            [flags(17), vec![200, 200, 200, 1, 0]].concat(),
        ),
        (
            "bytes behind the end",
            next(last, |bits| {
                bits.push(0, 1).push(0, 5).push(0, 1).push(0, 1).push(0, 8);
            }),
        ),
        (
            "padding",
            next(last, |bits| {
                bits.push(0, 1).push(0, 5).push(0, 1).push(0, 1).push(1, 1);
            }),
        ),
        (
            "leaving a slot that cannot be",
            next(last, |bits| {
                bits.push(1, 1).golomb(1_024, 0).push(0, 20);
            }),
        ),
        (
            "a list that is too long",
            next(last, |bits| {
                bits.push(0, 1).push(0, 5).push(1, 1).push(1_025, 11);
                (0..40).for_each(|_| _ = bits.push(0, 32));
            }),
        ),
        (
            "nobody has it",
            next(last, |bits| {
                bits.push(0, 1).push(1, 5).push(0, 1);
                bits.push(1, 1).golomb(900, 0).push(1, 1).push(0, 1);
            }),
        ),
        (
            "as in no frame",
            next(last, |bits| {
                bits.push(0, 1).push(0, 5).push(0, 1);
                bits.push(1, 1).golomb(0, 0).push(1, 1).push(0, 1);
            }),
        ),
        (
            "as in a frame in which it was not told",
            next(last, |bits| {
                bits.push(0, 1).push(31, 5).push(0, 1);
                bits.push(1, 1).golomb(0, 0).push(1, 1).push(0, 1);
            }),
        ),
        (
            "an unknown kind",
            next(last, |bits| {
                bits.push(0, 1).push(0, 5).push(0, 1);
                bits.push(1, 1)
                    .golomb(0, 0)
                    .push(0b10, 2)
                    .golomb(9, 8)
                    .push(3, 2);
            }),
        ),
        ("beside the world", stone(last, 4_001, None)),
        (
            "faster than the world is wide",
            stone(last, 7, Some(4_000 * 64 + 1)),
        ),
    ]
}

/// A stone in full in slot 900, which may move.
fn stone(last: &[u8], x: u32, velocity: Option<u32>) -> Vec<u8> {
    next(last, |bits| {
        bits.push(0, 1).push(0, 5).push(0, 1);
        bits.push(1, 1)
            .golomb(900, 0)
            .push(0b10, 2)
            .golomb(9, 8)
            .push(1, 2);
        bits.push(x, 12);
        match velocity {
            Some(velocity) => bits.push(1, 1).push(0, 6).golomb(velocity * 2, 4),
            None => bits.push(0, 1),
        };
        bits.push(8, 11).push(0, 1).push(0, 1);
    })
}

#[test]
fn what_is_possible_is_taken() {
    let talk = conversation();
    let (last, replica, _) = talk.last().unwrap();
    let check = |bytes: &[u8]| {
        let mut replica = replica.clone();
        replica.apply(bytes).map(|_| {
            let levels = replica
                .entity(9)
                .map(|stone| stone.levels().collect::<Vec<_>>());
            levels.unwrap_or_default()
        })
    };
    assert_eq!(check(&stone(last, 4_000, None)), Ok(vec![4_000, 8]));
    assert_eq!(check(&stone(last, 7, Some(4_000 * 64))), Ok(vec![7, 8]));
    assert_eq!(check(&stone(last, 4_001, None)), Err(DecodeError::Number));
    // The two kinds of snapshots are never taken for each other.
    assert!(Replica::new(schema()).apply(&talk[0].0).is_err());
}

fn text() -> String {
    let talk = conversation();
    let mut out = String::new();
    writeln!(out, "{{\"schema\": \"{}\",", hex(&schema().describe())).unwrap();
    out.push_str("\"snapshots\": [\n");
    for (index, (snapshot, replica, is_newer)) in talk.iter().enumerate() {
        let comma = if index + 1 < talk.len() { "," } else { "" };
        writeln!(out, "{}{comma}", state(replica, snapshot, *is_newer)).unwrap();
    }
    out.push_str("],\n\"refused\": {\n");
    let (last, replica, _) = talk.last().unwrap();
    let refused = refused(last);
    for (index, (why, bytes)) in refused.iter().enumerate() {
        assert!(replica.clone().apply(bytes).is_err(), "{why}");
        let comma = if index + 1 < refused.len() { "," } else { "" };
        writeln!(out, "\"{why}\": \"{}\"{comma}", hex(bytes)).unwrap();
    }
    out.push_str("}}\n");
    out
}

#[test]
fn the_format_of_slots_is_that_of_the_file() {
    let new = text();
    let parsed: Value = serde_json::from_str(&new).unwrap();
    let snapshots = parsed["snapshots"].as_array().unwrap();
    let all = |part: &dyn Fn(&Value) -> bool| snapshots.iter().filter(|one| part(one)).count();
    assert!(all(&|one| one["newer"] == false) > 3, "late or twice");
    assert!(all(&|one| one["waiting"] == true) > 3);
    assert!(all(&|one| one["went"] != json!([])) > 3);
    check_file("slots-v1.json", &new);
}
