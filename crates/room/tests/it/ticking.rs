//! When a room ticks, catches up, sleeps and ends.

use std::time::Duration;

use bytes::Bytes;
use tagus_room::CATCH_UP_TICKS_MAX;

use crate::probe::{SAY, Stage};

#[test]
fn a_rate_that_divides_no_second_does_not_drift() {
    for rate in [7_u64, 25, 60] {
        let mut stage = Stage::open(&format!("rate={rate}"));
        stage.join(1, 1).unwrap();
        let start = stage.now;
        stage.live_ms(600_000);
        assert_eq!(stage.ticks(), 600 * rate);
        let next = stage.host.next_due().unwrap();
        assert_eq!(
            next,
            start + Duration::from_secs(600) + Duration::from_nanos(1_000_000_000 / rate)
        );
        assert_eq!(stage.host.counters().ticks_late, 0);
    }
}

#[test]
fn a_late_call_moves_no_later_deadline() {
    let mut stage = Stage::open("rate=10");
    stage.join(1, 1).unwrap();
    stage.pass_ms(99);
    assert_eq!(stage.ticks(), 0);
    stage.pass_ms(51);
    assert_eq!((stage.ticks(), stage.host.counters().ticks_late), (1, 0));
    stage.pass_ms(50);
    assert_eq!(stage.ticks(), 2);
    stage.pass_ms(200);
    assert_eq!((stage.ticks(), stage.host.counters().ticks_late), (4, 1));
}

#[test]
fn beyond_the_catch_up_ticks_are_skipped_on_the_beat() {
    for (late_ms, ran, skipped) in [(300, 3, 0), (399, 3, 0), (400, 3, 1), (3_650, 3, 33)] {
        let mut stage = Stage::open("rate=10");
        stage.join(1, 1).unwrap();
        let start = stage.now;
        stage.pass_ms(late_ms);
        assert_eq!(ran, u64::from(CATCH_UP_TICKS_MAX));
        assert_eq!(
            (stage.ticks(), stage.host.counters().ticks_skipped),
            (ran, skipped),
            "{late_ms}"
        );
        let deadlines = u32::try_from(ran + skipped + 1).unwrap();
        assert_eq!(
            stage.host.next_due(),
            Some(start + Duration::from_millis(100) * deadlines)
        );
    }
}

#[test]
fn time_that_goes_back_or_ends_does_no_harm() {
    let mut stage = Stage::open("rate=60 hold=1000");
    stage.join(1, 1).unwrap();
    stage.host.tick(Duration::ZERO, &mut stage.effects);
    assert_eq!(stage.ticks(), 0);
    stage.host.tick(Duration::MAX, &mut stage.effects);
    assert_eq!(stage.ticks(), 3);
    stage
        .host
        .connection_lost(Duration::MAX, tagus_base::SeatIndex(0), &mut stage.effects);
    stage.host.tick(Duration::MAX, &mut stage.effects);
}

#[test]
fn a_room_without_people_sleeps() {
    let mut stage = Stage::open("rate=10 empty=0");
    assert_eq!(stage.host.next_due(), None);
    stage.join(1, 1).unwrap();
    stage.live_ms(1_050);
    stage.leave(0);
    assert_eq!(stage.host.next_due(), None);
    stage.pass_ms(60_000);
    assert_eq!(stage.ticks(), 10);
    stage.join(2, 2).unwrap();
    assert_eq!(
        stage.host.next_due(),
        Some(stage.now + Duration::from_millis(100)),
        "no tick is made up for"
    );
}

#[test]
fn a_result_wakes_a_sleeping_room_for_one_tick() {
    let mut stage = Stage::open("rate=10 empty=0");
    assert_eq!(
        stage.host.signal(stage.now, b"compute", &mut stage.effects),
        b"you said compute"
    );
    assert_eq!(stage.lines(), ["compute 7"]);
    stage.host.computed(8, Bytes::new());
    assert_eq!(
        (stage.host.next_due(), stage.host.jobs()),
        (None, &[7][..]),
        "nobody asked for 8"
    );
    stage.host.computed(7, Bytes::from_static(&[1]));
    assert_eq!(stage.host.next_due(), Some(stage.now));
    stage.live_ms(10_000);
    assert_eq!(stage.lines(), [r#"all: computed 7 b"\x01""#]);
    assert_eq!((stage.ticks(), stage.host.next_due()), (1, None));
    stage.host.computed(7, Bytes::new());
    assert_eq!(stage.host.next_due(), None, "answered once");
}

#[test]
fn an_empty_room_closes_after_its_time() {
    let mut stage = Stage::open("empty=5000 hold=3000");
    stage.live_ms(4_999);
    assert!(!stage.host.is_closed());
    stage.join(1, 1).unwrap();
    stage.live_ms(10_000);
    stage.lose(0);
    stage.lines();
    stage.live_ms(7_999);
    assert!(!stage.host.is_closed(), "a held seat is not empty");
    stage.live_ms(1);
    assert_eq!(
        stage.lines(),
        [
            "but0: leave 0 Disconnected",
            "freed 0 Disconnected",
            "closed"
        ]
    );
    assert_eq!(stage.host.next_due(), None);
    assert_eq!(stage.join(1, 2).unwrap_err().reason, "the room is closed");
}

#[test]
fn inputs_come_in_order_of_arrival() {
    let mut stage = Stage::open("");
    stage.join(1, 1).unwrap();
    stage.join(2, 2).unwrap();
    stage.lines();
    for (seat, text) in [(1, "a"), (0, "b"), (1, "c")] {
        stage.say(seat, SAY, text);
    }
    stage.live_ms(200);
    assert_eq!(stage.lines(), ["all: t1 a", "all: t1 b", "all: t1 c"]);
}
