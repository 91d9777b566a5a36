//! Rooms that look for more people.

use std::time::Duration;

use tagus_room::{Host, replay};

use crate::probe::{CLOSE, SEEK, SEEK_END, Stage, factory, seek};

#[test]
fn a_seek_replaces_the_one_before_and_ends_once() {
    let mut stage = Stage::open("seats=4 record=100000");
    stage.join(1, 1).unwrap();
    stage.lines();
    for (op, text) in [
        (SEEK_END, ""),
        (SEEK, "3"),
        (SEEK, "3"),
        (SEEK, "5"),
        (SEEK, "0"),
        (SEEK_END, ""),
        (SEEK_END, ""),
    ] {
        stage.say(0, op, text);
    }
    stage.live_ms(100);
    let refused = "one0: look for nobody, or for more people than there are seats";
    assert_eq!(
        stage.lines(),
        [
            "seek Some(3)",
            "seek Some(3)",
            refused,
            refused,
            "seek None"
        ]
    );
    assert_eq!(stage.host.seek(), None);
    let file = stage.host.recording().unwrap().to_bytes("probe");
    replay(&file, |_| Some(factory())).unwrap();
}

#[test]
fn it_is_state_until_the_room_ends() {
    let mut stage = Stage::open("seats=4");
    stage.join(1, 1).unwrap();
    let before = stage.host.state_hash();
    let mut twin = Stage::open("seats=4");
    twin.join(1, 1).unwrap();
    assert_eq!(twin.host.state_hash(), before);
    stage.say(0, SEEK, "4");
    twin.say(0, SEEK, "3");
    stage.live_ms(100);
    twin.live_ms(100);
    assert_ne!(stage.host.state_hash(), twin.host.state_hash());
    let restored = Host::restore(&factory(), &stage.host.snapshot(), Duration::ZERO).unwrap();
    assert_eq!(restored.seek(), Some(&seek(4)));
    stage.lines();
    stage.say(0, CLOSE, "");
    stage.live_ms(100);
    assert_eq!(stage.lines().last().unwrap(), "closed");
    assert_eq!(stage.host.seek(), None);
}
