//! The format, frozen in a file that the browser's decoder reads too.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tagus_base::Tick;
use tagus_replication::{DecodeError, KindIndex, Replica, Schema, View, Viewer, World};

use crate::bodies::schema;

const WALKER: KindIndex = KindIndex(0);
const STONE: KindIndex = KindIndex(1);
const FLAG: KindIndex = KindIndex(2);

/// What the viewer does in a frame.
#[derive(Clone, Copy)]
enum Step {
    /// Is encoded, looking at this x.
    Look(f64),
    /// Misses so many frames before.
    MissThenLook(u64, f64),
    /// Has its last snapshot lost.
    LoseThenLook(f64),
}

use Step::{Look, LoseThenLook, MissThenLook};

const STEPS: [Step; 40] = [
    Look(0.0),
    Look(0.0),
    Look(0.0),
    Look(0.0),
    Look(0.0),
    Look(0.0),
    Look(0.0),
    Look(0.0),
    Look(0.0),
    Look(0.0),
    Look(0.0),
    Look(0.0),
    Look(0.0),
    Look(0.0),
    Look(5.0),
    Look(60.0),
    Look(180.0),
    MissThenLook(3, 200.0),
    Look(200.0),
    LoseThenLook(-300.0),
    Look(-300.0),
    MissThenLook(15, -300.0),
    MissThenLook(16, -300.0),
    Look(-300.0),
    // A crowd, which is told in parts.
    Look(430.0),
    Look(430.0),
    Look(430.0),
    MissThenLook(2, 430.0),
    Look(430.0),
    Look(430.0),
    Look(430.0),
    Look(430.0),
    Look(430.0),
    Look(430.0),
    // Half told it goes out of sight, and comes again.
    LoseThenLook(430.0),
    Look(430.0),
    Look(430.0),
    Look(0.0),
    Look(430.0),
    Look(430.0),
];

/// A conversation in which everything happens that the format has words for.
fn conversation() -> (Schema, Vec<Vec<u8>>) {
    let mut world = World::new(schema());
    let mut viewer = Viewer::new();
    let mut frame = 0_u64;
    let mut out = Vec::new();
    for step in STEPS {
        let (missed, x) = match step {
            Look(x) => (0, x),
            MissThenLook(frames, x) => (frames, x),
            LoseThenLook(x) => {
                viewer.reset();
                (0, x)
            }
        };
        for _ in 0..=missed {
            frame += 1;
            put_frame(&mut world, frame);
        }
        let own = [1.5_f32.to_le_bytes(), (frame as f32).to_le_bytes()].concat();
        let view = View {
            centre: [x, 0.0],
            half: [120.0, 80.0],
            mask: 1,
            own_id: (frame > 1).then_some(70_000),
            last_input: (frame / 2) as u32 * 100,
            own: if frame < 4 { &[] } else { &own },
            bytes_max: 90,
            entities_max: 1_000,
        };
        let mut bytes = Vec::new();
        viewer.encode(&mut world, &view, &mut bytes);
        out.push(bytes);
    }
    (schema(), out)
}

pub(crate) fn put_frame(world: &mut World, frame: u64) {
    let time = frame as f64;
    world.begin(Tick(1_000 + frame * 2));
    // Straight on, round a corner, standing, turning on the spot, and from square to square.
    world.put(1, WALKER, &[time * 7.3 - 20.0, 3.0, 20.0, time * 0.2, 5.0]);
    let turned = (time - 3.0).max(0.0);
    world.put(
        70_000,
        WALKER,
        &[
            time * 2.1,
            turned * -4.4,
            10.0 + (time / 4.0).floor(),
            0.0,
            77.0,
        ],
    );
    world.put(
        3,
        WALKER,
        &[-30.0, 40.0, 1.0, time * -0.5, (frame % 3) as f64 * 100.0],
    );
    // Never steady, so that its velocity is searched for, and what is told is told again.
    let swing = |period: f64| (time % period - period / 2.0) * (time % period - period / 2.0);
    let sway = [swing(20.0) * 0.07, swing(46.0) * -0.013];
    world.put(4, WALKER, &[sway[0], sway[1], 2.0, sway[0] * 0.1, 1.0]);
    world.put(5, STONE, &[20.0 + time * 0.1, -9.0 - time * 0.33]);
    // Trembles, so that it never moves steadily, walks a little and stops.
    let tremble = [0.03, -0.03][(frame % 2) as usize];
    let walked = (time.min(7.0) / 2.0).floor() * 0.25;
    world.put(6, STONE, &[25.0 + walked + tremble, -3.0]);
    // Creeps steadily, then trembles on its way.
    let creeping = 62.0 + time * 0.02 + if frame > 15 { tremble } else { 0.0 };
    world.put(7, STONE, &[creeping, -3.0]);
    for id in 0..6 {
        world.put(10 + id, STONE, &[f64::from(id) * 90.0 - 320.0, 50.0]);
    }
    // A crowd of which some stand, some tremble, some come and some go.
    for id in 0..60 {
        let x = 412.0 + f64::from(id % 12) * 6.0 + if id % 5 == 0 { tremble * 20.0 } else { 0.0 };
        if !(frame + u64::from(id)).is_multiple_of(31) {
            world.put(100 + id, STONE, &[x, -88.0 + f64::from(id / 12) * 13.0]);
        }
    }
    world.put_masked(20, STONE, 1, &[10.0, 10.0]);
    world.put_masked(21, STONE, 2, &[10.0, 20.0]);
    if frame.is_multiple_of(2) {
        world.put(30, STONE, &[0.25, -0.25]);
    }
    world.put(4_000_000_000, FLAG, &[-500.0, 250.0, 4e9 + time]);
    world.remove_absent();
    world.end();
}

fn state(replica: &Replica, snapshot: &[u8]) -> Value {
    let entity = |entity: tagus_replication::Seen<'_>| {
        let levels: Vec<u32> = entity.levels().collect();
        let values: Vec<f64> = entity.values().collect();
        json!({"id": entity.id, "kind": entity.kind.0, "levels": levels, "values": values})
    };
    let own = replica.own();
    json!({
        "snapshot": hex(snapshot),
        "tick": replica.tick().0,
        "waiting": replica.is_waiting(),
        "own": {"id": own.id, "last_input": own.last_input, "state": hex(&own.state)},
        "came": replica.came(),
        "went": replica.went(),
        "entities": replica.entities().map(entity).collect::<Vec<_>>(),
    })
}

/// Messages that are refused after the whole conversation, and why.
fn refused(last: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let next = last[1].wrapping_add(1);
    vec![
        ("nothing", vec![]),
        ("half a head", vec![0]),
        ("a snapshot of slots", vec![16, next]),
        ("an unknown flag", vec![64, next]),
        ("a part of nothing", vec![33, next, 1]),
        ("too far ahead", vec![0, next.wrapping_add(15)]),
        ("no news", vec![0, next]),
        ("closing nothing", vec![4, next.wrapping_sub(1), 0]),
        (
            "closing what is not there",
            vec![4, next.wrapping_sub(1), 1, 200, 1],
        ),
        (
            "an own state too long",
            vec![2, next.wrapping_sub(1), 0, 0, 129, 2],
        ),
        (
            "an unknown square",
            vec![0, next.wrapping_sub(1), 200, 1, 0],
        ),
        (
            "an endless number",
            vec![1, 0, 128, 128, 128, 128, 128, 128, 128, 128, 1],
        ),
        ("padding", vec![1, 0, 0, 1, 2]),
        ("beside the world", whole(39, None)),
        (
            "faster than the world is wide",
            whole(40, Some((FASTEST + 1, 6))),
        ),
        ("an unknown gain", whole(40, Some((1, 7)))),
    ]
}

/// The whole of the first square with a stone in it, so far from its corner, which may move.
fn whole(from_corner: u32, moving: Option<(u32, u32)>) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.push(1, 1).golomb(9, 8).push(1, 2).push(from_corner, 9);
    match moving {
        Some((velocity, gain)) => bits
            .push(1, 1)
            .push(0, 6)
            .golomb(velocity * 2, 4)
            .push(gain, 3),
        None => bits.push(0, 1),
    };
    bits.push(40, 9).push(0, 1).push(0, 1);
    [&[1, 0, 0, 1], &bits.bytes()[..]].concat()
}

/// The stone that stood there is one level off, and is told to move so.
fn told(velocity: u32) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.push(0, 1).push(1, 1).golomb(0, 0);
    bits.golomb(2, 0)
        .push(1, 1)
        .push(0, 6)
        .golomb(velocity * 2, 5);
    bits.golomb(0, 0).push(0, 1).push(0, 1);
    [&[0, 1, 1], &bits.bytes()[..]].concat()
}

/// From side to side in a frame, in sixty-fourths of a level.
const FASTEST: u32 = 4_000 * 64;

/// The format's bits, written as its description says.
#[derive(Default)]
pub(crate) struct Bits(Vec<bool>);

impl Bits {
    pub(crate) fn push(&mut self, value: u32, count: u32) -> &mut Self {
        self.0.extend((0..count).map(|bit| value >> bit & 1 == 1));
        self
    }

    pub(crate) fn golomb(&mut self, value: u32, order: u32) -> &mut Self {
        let high = (value >> order) + 1;
        let length = high.ilog2();
        self.push(0, length)
            .push(1, 1)
            .push(high, length)
            .push(value, order)
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let byte = |bits: &[bool]| {
            bits.iter()
                .rev()
                .fold(0, |byte, bit| byte << 1 | u8::from(*bit))
        };
        self.0.chunks(8).map(byte).collect()
    }
}

#[test]
fn what_is_impossible_is_refused_and_what_is_not_is_taken() {
    let check = |snapshots: &[Vec<u8>]| {
        let mut replica = Replica::new(schema());
        let taken = snapshots.iter().try_for_each(|bytes| replica.apply(bytes));
        taken.map(|()| {
            replica
                .entities()
                .next()
                .unwrap()
                .levels()
                .collect::<Vec<_>>()
        })
    };
    assert_eq!(check(&[whole(40, None)]), Ok(vec![0, 0]));
    assert_eq!(check(&[whole(40, Some((FASTEST, 6)))]), Ok(vec![0, 0]));
    let number = Err(DecodeError::Number);
    assert_eq!(check(&[whole(39, None)]), number);
    assert_eq!(check(&[whole(40, Some((FASTEST + 1, 6)))]), number);
    assert_eq!(check(&[whole(40, Some((FASTEST, 7)))]), number);
    assert_eq!(check(&[whole(40, None), told(FASTEST)]), Ok(vec![1, 0]));
    assert_eq!(check(&[whole(40, None), told(FASTEST + 1)]), number);
    assert_eq!(check(&[told(0)]), Err(DecodeError::OutOfOrder));
}

/// The file's text: a line for each snapshot.
fn text() -> String {
    let (schema, snapshots) = conversation();
    let mut replica = Replica::new(schema);
    let mut out = String::new();
    let described = hex(&replica.schema().describe());
    writeln!(out, "{{\"schema\": \"{described}\",").unwrap();
    out.push_str("\"snapshots\": [\n");
    for (index, snapshot) in snapshots.iter().enumerate() {
        replica.apply(snapshot).unwrap();
        let comma = if index + 1 < snapshots.len() { "," } else { "" };
        writeln!(out, "{}{comma}", state(&replica, snapshot)).unwrap();
    }
    out.push_str("],\n\"refused\": {\n");
    let refused = refused(snapshots.last().unwrap());
    for (index, (why, bytes)) in refused.iter().enumerate() {
        let error = replica.clone().apply(bytes);
        assert!(error.is_err(), "{why}");
        let comma = if index + 1 < refused.len() { "," } else { "" };
        writeln!(out, "\"{why}\": \"{}\"{comma}", hex(bytes)).unwrap();
    }
    out.push_str("}}\n");
    out
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

#[test]
fn the_format_is_that_of_the_file() {
    let new = text();
    let parsed: Value = serde_json::from_str(&new).unwrap();
    assert_eq!(parsed["snapshots"].as_array().unwrap().len(), STEPS.len());
    check_file("v1.json", &new);
}

/// The text is that of a file of this name.
pub(crate) fn check_file(name: &str, new: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("golden")
        .join(name);
    if fs::read_to_string(&path).unwrap_or_default() != new {
        let made = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::write(&made, new).unwrap();
        panic!(
            "{} is not {}: the format changed",
            path.display(),
            made.display()
        );
    }
}
