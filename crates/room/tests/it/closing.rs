//! Order of effects; kicks, labels, jobs, the end of a room.

use tagus_base::SeatIndex;
use tagus_room::{
    CALLS_WAITING_MAX, CallFailed, Host, JOBS_MAX, LABEL_BYTES_MAX, Opening, STORE_OPS_WAITING_MAX,
    StoreFailed,
};

use crate::probe::{
    CALL, CLOSE, COMPUTE, DEFER, KICK, KICK_ALL_ON_LEAVE, LABEL, SAY, STORE, Stage, factory,
};

fn three() -> Stage {
    let mut stage = Stage::open("");
    for number in 1..=3 {
        stage.join(number, number).unwrap();
    }
    stage.lines();
    stage
}

#[test]
fn immediate_then_kicks_then_deferred() {
    let mut stage = three();
    stage.say(0, DEFER, "");
    stage.say(0, SAY, "more");
    stage.live_ms(100);
    let want = [
        "all: first",
        "all: t1 more",
        "but1: leave 1 Kicked",
        "freed 1 Kicked between",
        "all: last",
    ];
    assert_eq!(stage.lines(), want);
}

#[test]
fn kicks_among_leaves_come_to_an_end() {
    let mut stage = three();
    stage.say(0, KICK_ALL_ON_LEAVE, "");
    stage.say(0, KICK, "1");
    stage.say(0, KICK, "1");
    stage.say(0, KICK, "9");
    stage.live_ms(100);
    let freed: Vec<String> = stage
        .lines()
        .into_iter()
        .filter(|line| line.starts_with("freed"))
        .collect();
    assert_eq!(
        freed,
        [
            "freed 1 Kicked go away",
            "freed 0 Kicked all must go",
            "freed 2 Kicked all must go"
        ]
    );
}

#[test]
fn closing_frees_every_seat_and_is_the_last_word() {
    let mut stage = three();
    stage.say(0, KICK_ALL_ON_LEAVE, "");
    stage.say(0, CLOSE, "");
    stage.say(0, SAY, "before the end");
    stage.live_ms(1_000);
    let lines = stage.lines();
    assert_eq!(
        lines
            .iter()
            .filter(|line| line.ends_with("Closed") && line.starts_with("freed"))
            .count(),
        3
    );
    assert_eq!(
        (lines[0].as_str(), lines.last().unwrap().as_str()),
        ("all: t1 before the end", "closed")
    );
    stage.host.close(stage.now, &mut stage.effects);
    stage.host.terminate(stage.now, 1, &mut stage.effects);
    assert_eq!(stage.host.signal(stage.now, b"", &mut stage.effects), b"");
    assert_eq!(stage.lines(), [""; 0]);
}

#[test]
fn labels_have_a_limit() {
    let mut stage = three();
    stage.say(0, LABEL, &"x".repeat(LABEL_BYTES_MAX));
    stage.say(0, LABEL, &"x".repeat(LABEL_BYTES_MAX));
    stage.say(0, LABEL, &"y".repeat(LABEL_BYTES_MAX + 1));
    stage.live_ms(100);
    assert_eq!(stage.lines(), ["label of 2048", "one0: label too long"]);
    assert_eq!(stage.host.label().len(), LABEL_BYTES_MAX);
    for (length, opens) in [(LABEL_BYTES_MAX, true), (LABEL_BYTES_MAX + 1, false)] {
        let params = format!("label={length}").into();
        assert_eq!(
            Host::open(
                &factory(),
                Opening {
                    params,
                    ..Opening::default()
                }
            )
            .is_ok(),
            opens
        );
    }
}

#[test]
fn jobs_have_a_limit() {
    let mut stage = three();
    stage.say(0, COMPUTE, &(JOBS_MAX + 1).to_string());
    stage.live_ms(100);
    let lines = stage.lines();
    assert_eq!(lines.len(), JOBS_MAX + 1);
    assert_eq!(lines[JOBS_MAX], "one0: too many jobs");
}

#[test]
fn store_operations_have_a_limit_until_their_results_were_seen() {
    let most = STORE_OPS_WAITING_MAX as u64;
    let refused = format!("one0: begin more than {most} store operations at once");
    let mut stage = three();
    stage.say(0, STORE, &(most + 1).to_string());
    stage.live_ms(100);
    let lines = stage.lines();
    assert_eq!(lines[0], "store 0 List");
    assert_eq!(lines.len(), STORE_OPS_WAITING_MAX + 1);
    assert_eq!(lines[STORE_OPS_WAITING_MAX], refused);
    assert_eq!(stage.host.store_ops(), (0..most).collect::<Vec<_>>());
    // A result that waits for its tick still counts.
    stage
        .host
        .stored(3, Ok([("key".to_owned(), "value".into())].into()));
    stage.host.stored(3, Ok([].into()));
    stage.host.stored(most, Ok([].into()));
    let reason = "disk full".to_owned();
    stage.host.stored(0, Err(StoreFailed { reason }));
    stage.say(0, STORE, "1");
    stage.live_ms(100);
    let told = [
        "all: stored 3 Ok({\"key\": b\"value\"})",
        "all: stored 0 Err(StoreFailed { reason: \"disk full\" })",
        "store 0 List",
    ];
    assert_eq!(stage.lines(), told);
}

#[test]
fn calls_have_a_limit_until_their_answers_were_seen() {
    let most = CALLS_WAITING_MAX as u64;
    let mut stage = three();
    stage.say(0, CALL, &(most + 1).to_string());
    stage.live_ms(100);
    let lines = stage.lines();
    assert_eq!(lines[0], "call 0 code b\"asked\"");
    assert_eq!(lines.len(), CALLS_WAITING_MAX + 1);
    let refused = format!("one0: begin more than {most} calls at once");
    assert_eq!(lines[CALLS_WAITING_MAX], refused);
    assert_eq!(stage.host.calls(), (0..most).collect::<Vec<_>>());
    // An answer that waits for its tick still counts.
    stage.host.called(stage.now, 3, Ok("yes".into()));
    stage.host.called(stage.now, 3, Ok("again".into()));
    stage
        .host
        .called(stage.now, most, Ok("nobody asked".into()));
    let failed = CallFailed::new("panicked");
    stage.host.called(stage.now, 0, Err(failed));
    stage.say(0, CALL, "1");
    stage.live_ms(100);
    let told = [
        "all: called 3 Ok(b\"yes\")",
        "all: called 0 Err(CallFailed { reason: \"panicked\" })",
        "call 0 code b\"asked\"",
    ];
    assert_eq!(stage.lines(), told);
}

#[test]
fn an_answer_wakes_a_sleeping_room_for_one_tick_at_once() {
    let mut stage = Stage::open("empty=0");
    stage.join(1, 1).unwrap();
    stage.say(0, CALL, "1");
    stage.live_ms(100);
    stage.leave(0);
    let slept = stage.ticks();
    assert_eq!(stage.host.next_due(), None);
    stage.now += std::time::Duration::from_secs(5);
    stage.host.called(stage.now, 0, Ok("yes".into()));
    assert_eq!(stage.host.next_due(), Some(stage.now));
    stage.live_ms(1_000);
    assert_eq!((stage.ticks(), stage.host.next_due()), (slept + 1, None));
}

#[test]
fn a_room_may_call_as_its_last_act() {
    let mut stage = three();
    stage.say(0, CLOSE, "");
    stage.say(0, CALL, "1");
    stage.live_ms(100);
    let lines = stage.lines();
    assert_eq!(lines[0], "call 0 code b\"asked\"");
    assert_eq!(lines.last().unwrap(), "closed");
    stage.host.called(stage.now, 0, Ok("too late".into()));
    stage.live_ms(1_000);
    assert_eq!((stage.lines(), stage.host.next_due()), (vec![], None));
}

#[test]
fn a_stored_result_wakes_a_sleeping_room_for_one_tick() {
    let mut stage = Stage::open("empty=0");
    stage.join(1, 1).unwrap();
    stage.say(0, STORE, "1");
    stage.live_ms(100);
    stage.leave(0);
    let slept = stage.ticks();
    assert_eq!(stage.host.next_due(), None);
    stage.host.stored(0, Ok([].into()));
    stage.live_ms(1_000);
    assert_eq!((stage.ticks(), stage.host.next_due()), (slept + 1, None));
}

#[test]
fn views_are_for_those_who_sit() {
    let mut stage = three();
    let mut out = Vec::new();
    assert_eq!(stage.host.view(SeatIndex(2), &mut out), Some(99));
    assert_eq!(stage.host.view(SeatIndex(3), &mut out), None);
    assert_eq!(out, [2]);
}

#[test]
fn bad_parameters_open_nothing() {
    let opening = Opening {
        params: "nonsense".into(),
        ..Opening::default()
    };
    let error = Host::open(&factory(), opening).err().unwrap();
    assert_eq!(error.to_string(), "make a room: no = in a parameter");
}
