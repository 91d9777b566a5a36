//! Who gets which seat, and for how long.

use tagus_base::SeatIndex;
use tagus_room::{
    How, INBOX_LEN_MAX, METADATA_BYTES_MAX, METADATA_ENTRIES_MAX, Metadata, SEAT_HOLD_MS_MAX,
    SEATS_MAX,
};

use crate::probe::{KICK, SAY, Stage, person};

fn how(stage: &mut Stage, user: u8, session: u8) -> (u16, How) {
    let joined = stage.join(user, session).unwrap();
    (joined.seat.0, joined.how)
}

#[test]
fn without_holds_each_connection_has_its_own_seat() {
    let mut stage = Stage::open("");
    assert_eq!(how(&mut stage, 1, 1), (0, How::New));
    assert_eq!(how(&mut stage, 1, 2), (1, How::New));
    assert_eq!(how(&mut stage, 1, 1), (0, How::Already));
    assert_eq!(stage.lines(), ["all: join 0", "all: join 1"]);
    stage.lose(0);
    assert_eq!(
        stage.lines(),
        ["but0: leave 0 Disconnected", "freed 0 Disconnected"]
    );
    assert_eq!(
        how(&mut stage, 2, 3),
        (0, How::New),
        "the lowest free index is taken again"
    );
}

#[test]
fn a_held_seat_waits_for_its_person() {
    let mut stage = Stage::open("hold=15000");
    assert_eq!(how(&mut stage, 1, 1), (0, How::New));
    stage.lose(0);
    stage.lose(0);
    stage.live_ms(14_999);
    assert!(!stage.host.seat(SeatIndex(0)).unwrap().connected);
    assert_eq!(how(&mut stage, 1, 2), (0, How::Back));
    assert_eq!(stage.lines(), ["all: join 0", "all: lost 0", "all: back 0"]);
    let seat = stage.host.seat(SeatIndex(0)).unwrap();
    assert_eq!(seat.person, person(1, 1), "the public name stays");
    assert_eq!(seat.session_id(), person(1, 2).session_id);

    stage.lose(0);
    stage.lines();
    stage.live_ms(14_999);
    assert_eq!(
        stage.lines(),
        [""; 0],
        "the first hold's end does not count"
    );
    stage.live_ms(1);
    assert_eq!(
        stage.lines(),
        ["but0: leave 0 Disconnected", "freed 0 Disconnected"]
    );
}

#[test]
fn two_live_connections_never_share_a_held_kind_of_seat() {
    let mut stage = Stage::open("hold=1000");
    assert_eq!(how(&mut stage, 1, 1), (0, How::New));
    assert_eq!(how(&mut stage, 1, 2), (0, How::Replaced));
    assert_eq!(how(&mut stage, 1, 2), (0, How::Already));
    assert_eq!(how(&mut stage, 1, 1), (0, How::Replaced));
    assert_eq!(stage.host.seat_count(), 1);
}

#[test]
fn a_kicked_held_seat_is_not_freed_twice() {
    let mut stage = Stage::open("hold=1000");
    how(&mut stage, 1, 1);
    how(&mut stage, 2, 2);
    stage.lose(1);
    stage.say(0, KICK, "1");
    stage.live_ms(100);
    assert_eq!(how(&mut stage, 3, 3), (1, How::New));
    stage.lines();
    stage.live_ms(5_000);
    assert_eq!(stage.lines(), [""; 0]);
    assert!(stage.host.seat(SeatIndex(1)).unwrap().connected);
}

#[test]
fn a_full_room_refuses_but_lets_its_own_come_back() {
    let mut stage = Stage::open("seats=2 hold=1000");
    how(&mut stage, 1, 1);
    how(&mut stage, 2, 2);
    assert_eq!(stage.join(3, 3).unwrap_err().reason, "the room is full");
    stage.lose(0);
    assert_eq!(stage.join(3, 3).unwrap_err().reason, "the room is full");
    assert_eq!(how(&mut stage, 1, 4), (0, How::Back));
    assert_eq!(stage.join(13, 5).unwrap_err().reason, "the room is full");
    stage.leave(0);
    assert_eq!(
        stage.join(13, 5).unwrap_err().reason,
        "unlucky",
        "the game's own refusal"
    );
    assert_eq!(stage.host.seat_count(), 1);
}

#[test]
fn settings_are_clamped() {
    let stage = Stage::open("rate=0 seats=0 hold=4000000000");
    let settings = stage.host.settings();
    assert_eq!(
        (
            settings.tick_rate_hz,
            settings.seats_max,
            settings.seat_hold_ms
        ),
        (1, 1, SEAT_HOLD_MS_MAX)
    );
    let stage = Stage::open("rate=255 seats=65535");
    assert_eq!(
        (
            stage.host.settings().tick_rate_hz,
            stage.host.settings().seats_max
        ),
        (60, SEATS_MAX)
    );
}

#[test]
fn metadata_has_limits() {
    let mut stage = Stage::open("");
    let entries = |count: usize| -> Metadata {
        (0..count)
            .map(|key| (key.to_string(), String::new()))
            .collect()
    };
    let bytes = |count: usize| Metadata::from([("k".to_owned(), "v".repeat(count - 1))]);
    for (session, metadata, granted) in [
        (1, entries(METADATA_ENTRIES_MAX), true),
        (2, entries(METADATA_ENTRIES_MAX + 1), false),
        (3, bytes(METADATA_BYTES_MAX), true),
        (4, bytes(METADATA_BYTES_MAX + 1), false),
    ] {
        let answer = stage.host.join(
            stage.now,
            person(session, session),
            metadata,
            &mut stage.effects,
        );
        assert_eq!(answer.is_ok(), granted, "session {session}");
    }
}

#[test]
fn a_full_inbox_drops_its_oldest_and_nobody_elses() {
    let mut stage = Stage::open("");
    how(&mut stage, 1, 1);
    how(&mut stage, 2, 2);
    assert!(stage.say(1, SAY, "other"));
    for number in 0..INBOX_LEN_MAX {
        assert!(stage.say(0, SAY, &number.to_string()));
    }
    assert_eq!(stage.host.counters().inputs_dropped, 0);
    assert!(!stage.say(0, SAY, "one more"));
    assert_eq!(stage.host.counters().inputs_dropped, 1);
    stage.lines();
    stage.live_ms(100);
    let lines = stage.lines();
    assert_eq!(lines.len(), INBOX_LEN_MAX + 1);
    assert_eq!(lines[..2], ["all: t1 other", "all: t1 1"]);
    assert_eq!(lines[INBOX_LEN_MAX], "all: t1 one more");
}

#[test]
fn what_a_leaver_sent_is_not_taken_for_the_next_ones() {
    let mut stage = Stage::open("");
    how(&mut stage, 1, 1);
    stage.say(0, SAY, "mine");
    stage.leave(0);
    how(&mut stage, 2, 2);
    stage.lines();
    stage.live_ms(100);
    assert_eq!(stage.lines(), [""; 0]);
    assert!(stage.say(7, SAY, "from nowhere"), "ignored");
}
