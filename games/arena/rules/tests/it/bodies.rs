//! What snapshots and recordings of arenas promise for any bytes. Run on seeds by these tests, and by `fuzz/`.

use std::time::Duration;

use bytes::Bytes;
use tagus_arena::{Arena, World};
use tagus_base::{SeatIndex, SessionId, UserId, Uuid};
use tagus_room::{Factory, Host, LeaveReason, Metadata, Opening, Person, replay};

/// Restores a world from the bytes, or a room. What can be restored is written as it was, and runs.
pub(crate) fn room_snapshot_restore(input: &[u8]) {
    if let Ok(mut world) = World::restore(input) {
        let mut again = Vec::new();
        world.snapshot(&mut again);
        assert_eq!(again, input);
        for _ in 0..STEPS {
            world.step();
        }
    }
    let now = Duration::from_secs(1);
    if let Ok(mut host) = Host::restore(&Factory::of::<Arena>(), input, now) {
        let snapshot = host.snapshot();
        let twin = Host::restore(&Factory::of::<Arena>(), &snapshot, now).unwrap();
        assert_eq!(twin.snapshot(), snapshot);
        for step in 1..=STEPS {
            host.tick(now + Duration::from_millis(40) * step, &mut Vec::new());
        }
    }
}

/// Plays what the bytes say and replays it; then the file is damaged where the bytes say, which is noticed.
pub(crate) fn recording(input: &[u8]) {
    let lookup = |_: &str| Some(Factory::of::<Arena>());
    let _ = replay(input, lookup);
    let [at_low, at_high, value, commands @ ..] = input else {
        return;
    };
    let mut file = play(commands);
    let report = replay(&file, lookup).unwrap();
    assert!(report.init_proven && report.panicked.is_none());
    let at = usize::from(u16::from_le_bytes([*at_low, *at_high])) % file.len();
    file[at] ^= value;
    assert_eq!(replay(&file, lookup).is_ok(), *value == 0, "byte {at}");
}

/// A short life of an arena, one command for each two bytes, as its recording.
pub(crate) fn play(commands: &[u8]) -> Vec<u8> {
    let opening = Opening {
        seed: 3,
        params: Bytes::from_static(PARAMS),
        now: Duration::ZERO,
    };
    let mut host = Host::open(&Factory::of::<Arena>(), opening).unwrap();
    let mut now = Duration::ZERO;
    let out = &mut Vec::new();
    for command in commands.chunks(2).take(COMMANDS_MAX) {
        let [what, which] = [command[0], *command.last().unwrap_or(&0)];
        let seat = SeatIndex(u16::from(which % 4));
        match what % 8 {
            0 => drop(host.join(now, person(which % 4), Metadata::new(), out)),
            1 => host.leave(now, seat, LeaveReason::Left, out),
            2 => host.connection_lost(now, seat, out),
            3 => drop(host.signal(now, &[which], out)),
            // Sensible, and not.
            4 => drop(host.message(seat, i64::from(which >> 2), Bytes::from(vec![what; 4]))),
            5 => drop(host.message(seat, 4, Bytes::from_static(&[9]))),
            _ => {
                now += Duration::from_millis(u64::from(which));
                host.tick(now, out);
            }
        }
        out.clear();
    }
    host.recording().unwrap().to_bytes("arena")
}

fn person(number: u8) -> Person {
    Person {
        user_id: UserId(Uuid([number; 16])),
        session_id: SessionId(Uuid([number; 16])),
        username: format!("player {number}").into(),
    }
}

/// A world that is quickly written down.
pub(crate) const PARAMS: &[u8] =
    br#"{"world_size":1000,"pellets":20,"viruses":2,"bots_fill":3,"player_limit":4}"#;
const STEPS: u32 = 8;
const COMMANDS_MAX: usize = 200;
