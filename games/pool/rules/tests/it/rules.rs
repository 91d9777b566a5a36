//! Every rule as a situation: what happened on the table, and what the game is then.

use std::sync::Arc;

use tagus_duel::{Chair, How, Played, Reason, Sport, Stroke, Turn};
use tagus_physics::{Place, PoolSize, State, Table};
use tagus_pool::{Frame, Group, Hand, Rules, how};

/// Plays a script and compares the game after it.
///
/// A step is `FIRST rN BALL@POCKET… callN`: the ball that was met first (`-`: none), how many balls met a cushion,
/// what was pocketed, and the call; or `timeout`, `rerack`, `concede0`, `leave1`.
/// The game after it is the player, `hand`, what is allowed, the groups, and the end.
fn check(rules: Rules, script: &[&str], expected: &str) {
    let mut frame = frame(rules);
    for step in script {
        let turn = frame.turn();
        match *step {
            "timeout" => drop(frame.apply(Turn::TimeOut).unwrap()),
            "rerack" => drop(frame.apply(Turn::Rerack).unwrap()),
            "concede0" => drop(frame.apply(Turn::Concede(Chair::First)).unwrap()),
            "leave1" => drop(frame.apply(Turn::Leave(Chair::Second)).unwrap()),
            step => hit(&mut frame, step),
        }
        assert_eq!(frame.turn(), turn + 1, "{script:?}: {step}");
        assert_eq!(frame.state().check(frame.table()), Ok(()), "{script:?}");
    }
    assert_eq!(describe(&frame), expected, "{script:?}");
}

fn frame(rules: Rules) -> Frame {
    let table = Arc::new(Table::pool(PoolSize::EightFoot));
    Frame::new(table, rules, 7, Chair::First)
}

fn hit(frame: &mut Frame, step: &str) {
    let mut words = step.split(' ');
    let first = words.next().unwrap().parse().ok();
    let mut bodies = frame.state().bodies().to_vec();
    let (mut rails, mut pocketed, mut stroke) = (0, Vec::new(), Stroke::default());
    for word in words {
        if let Some(count) = word.strip_prefix('r') {
            // Balls from 1 on: the cue ball does not count at a break.
            rails = (1_u32 << (count.parse::<u32>().unwrap() + 1)) - 2;
        } else if let Some(pocket) = word.strip_prefix("call") {
            stroke.call = Some(pocket.parse().unwrap());
        } else {
            let (ball, pocket) = word.split_once('@').unwrap();
            let (ball, pocket): (u8, u8) = (ball.parse().unwrap(), pocket.parse().unwrap());
            bodies[usize::from(ball)].place = Place::Pocket(pocket);
            pocketed.push((ball, pocket));
        }
    }
    let played = Played {
        state: State::new(bodies),
        hash: 1,
        rest_ms: 1,
        first,
        cushioned: rails,
        cushioned_after: rails,
        pocketed,
    };
    frame.settle(&stroke, played);
}

fn describe(frame: &Frame) -> String {
    if let Some(end) = frame.course().end {
        return format!("{:?} wins: {}", end.winner, name_of(end.how));
    }
    let mut out = format!("{:?}, hand {:?}", frame.player(), frame.hand());
    for (is_so, word) in [
        (frame.is_break(), ", break"),
        (frame.may_rerack(), ", may rerack"),
        (frame.must_place(), ", must place"),
        (frame.is_black_on(), ", black on"),
    ] {
        out += if is_so { word } else { "" };
    }
    if let Some(group) = frame.group(Chair::First) {
        out += &format!(
            ", {group:?} against {:?}",
            frame.group(Chair::Second).unwrap()
        );
    }
    out
}

fn name_of(end: How) -> &'static str {
    match end {
        how::POCKETED => "Pocketed",
        how::BLACK_EARLY => "BlackEarly",
        how::BLACK_FOUL => "BlackFoul",
        how::BLACK_ELSEWHERE => "BlackElsewhere",
        how::FOULS => "Fouls",
        How::TIME_OUTS => "TimeOuts",
        How::CONCEDED => "Conceded",
        How::LEFT => "Left",
        How::DRAWN => "Drawn",
        _ => "?",
    }
}

/// The first player has the solids, and it is his turn.
const SOLIDS: [&str; 2] = ["1 r4 9@0", "1 r1 1@0"];
/// The first player has pocketed all solids but the one with number 7.
const SEVEN_LEFT: [&str; 3] = ["1 r4 9@0", "1 r1 1@0", "2 r1 2@0 3@0 4@0 5@0 6@0"];
const BLACK_ON: [&str; 4] = [
    "1 r4 9@0",
    "1 r1 1@0",
    "2 r1 2@0 3@0 4@0 5@0 6@0",
    "7 r1 7@3",
];

fn then<const N: usize>(before: [&'static str; N], steps: &[&'static str]) -> Vec<&'static str> {
    before.iter().chain(steps).copied().collect()
}

#[test]
fn breaks_of_eight_ball() {
    let check = |script: &[&str], expected: &str| check(Rules::Eight, script, expected);
    check(&[], "First, hand Kitchen, break");
    // Legal: four balls to a cushion, or one pocketed; the table stays open.
    check(&["1 r4"], "Second, hand No");
    check(&["1 r0 3@1"], "First, hand No");
    check(&["8 r4 12@1 3@2"], "First, hand No");
    // Too weak: the other plays on or breaks himself.
    check(&["1 r3"], "Second, hand No, may rerack");
    check(&["1 r3", "rerack"], "Second, hand Kitchen, break");
    check(&["1 r3", "2 r1"], "First, hand No");
    check(
        &["1 r3", "2 r1 2@0"],
        "Second, hand No, Stripes against Solids",
    );
    // Fouls: behind the head string.
    check(&["1 r4 0@2"], "Second, hand Kitchen, must place");
    check(&["1 r4 3@1 0@2"], "Second, hand Kitchen, must place");
    check(&["- r0"], "Second, hand Kitchen, break");
    check(&["- r0 0@5"], "Second, hand Kitchen, break, must place");
    // The black comes back, and whoever plays may break again.
    check(&["1 r4 8@2"], "First, hand No, may rerack");
    check(&["1 r4 8@2", "rerack"], "First, hand Kitchen, break");
    check(
        &["1 r4 8@2 0@1"],
        "Second, hand Kitchen, may rerack, must place",
    );
    // Time-outs.
    check(&["timeout"], "Second, hand Kitchen, break");
    check(&["1 r3", "timeout"], "First, hand Anywhere");
}

#[test]
fn turns_of_eight_ball() {
    let check = |script: &[&str], expected: &str| check(Rules::Eight, script, expected);
    let solids = ", Solids against Stripes";
    let say = |text: &str| format!("{text}{solids}");
    // The first ball that falls after the break makes the groups, and only a legal one.
    check(&SOLIDS, &say("First, hand No"));
    check(&["1 r4 9@0", "10 r1 3@0 10@1"], &say("First, hand No"));
    check(
        &["1 r4 9@0", "3 r1 10@1 3@0"],
        "First, hand No, Stripes against Solids",
    );
    check(&["1 r4", "9 r1 9@1"], &say("Second, hand No"));
    check(&["1 r4 9@0", "1 r1"], "Second, hand No");
    check(&["1 r4 9@0", "8 r1 1@0"], "Second, hand Anywhere");
    check(
        &["1 r4 9@0", "1 r1 1@0 0@1"],
        "Second, hand Anywhere, must place",
    );
    // An own ball keeps the turn, another's or none does not.
    check(&then(SOLIDS, &["2 r0 2@0"]), &say("First, hand No"));
    check(&then(SOLIDS, &["2 r0 10@0 2@1"]), &say("First, hand No"));
    check(&then(SOLIDS, &["2 r0 10@0"]), &say("Second, hand No"));
    check(&then(SOLIDS, &["2 r1"]), &say("Second, hand No"));
    // Fouls.
    let foul = say("Second, hand Anywhere");
    check(&then(SOLIDS, &["10 r1"]), &foul);
    check(&then(SOLIDS, &["10 r1 2@0"]), &foul);
    check(&then(SOLIDS, &["8 r1"]), &foul);
    check(&then(SOLIDS, &["- r3"]), &foul);
    check(&then(SOLIDS, &["2 r0"]), &foul);
    check(&then(SOLIDS, &["timeout"]), &foul);
    check(
        &then(SOLIDS, &["2 r1 0@4"]),
        &say("Second, hand Anywhere, must place"),
    );
    // The hand lasts for one turn.
    check(&then(SOLIDS, &["- r0", "10 r1"]), &say("First, hand No"));
    check(
        &then(SOLIDS, &["- r0", "2 r1"]),
        &say("First, hand Anywhere"),
    );
    // Three time-outs of one player lose, not three of both; fouls in a row do not.
    check(
        &then(SOLIDS, &["timeout", "timeout", "timeout", "timeout"]),
        &say("First, hand Anywhere"),
    );
    check(
        &["timeout", "timeout", "timeout", "timeout", "timeout"],
        "Some(Second) wins: TimeOuts",
    );
    check(
        &then(
            SOLIDS,
            &["- r0", "- r0", "- r0", "- r0", "- r0", "- r0", "- r0"],
        ),
        &foul,
    );
    check(&["concede0"], "Some(Second) wins: Conceded");
    check(&then(SOLIDS, &["leave1"]), "Some(First) wins: Left");
}

#[test]
fn the_black() {
    let check = |script: &[&str], expected: &str| check(Rules::Eight, script, expected);
    let on = "First, hand No, black on, Solids against Stripes";
    check(&BLACK_ON, on);
    check(
        &then(BLACK_ON, &["8 r1 8@2 call2"]),
        "Some(First) wins: Pocketed",
    );
    check(
        &then(BLACK_ON, &["8 r1 10@0 8@2 call2"]),
        "Some(First) wins: Pocketed",
    );
    check(
        &then(BLACK_ON, &["8 r1 8@3 call2"]),
        "Some(Second) wins: BlackElsewhere",
    );
    for foul in ["8 r1 8@2 0@1 call2", "10 r1 8@2 call2"] {
        check(&then(BLACK_ON, &[foul]), "Some(Second) wins: BlackFoul");
    }
    // Too early, even with the last ball of the group.
    check(
        &then(SOLIDS, &["2 r1 8@2"]),
        "Some(Second) wins: BlackEarly",
    );
    check(
        &then(SOLIDS, &["8 r1 8@2 0@0"]),
        "Some(Second) wins: BlackEarly",
    );
    check(
        &then(SEVEN_LEFT, &["7 r1 7@0 8@2"]),
        "Some(Second) wins: BlackEarly",
    );
    check(&["1 r4", "1 r1 8@2"], "Some(First) wins: BlackEarly");
    // A miss or a foul without the black goes on.
    let next = "Second, hand No, Solids against Stripes";
    check(&then(BLACK_ON, &["8 r1 call2"]), next);
    check(&then(BLACK_ON, &["8 r1 10@2 call2"]), next);
    let foul = "Second, hand Anywhere, Solids against Stripes";
    check(&then(BLACK_ON, &["10 r1 call2"]), foul);
    check(&then(BLACK_ON, &["8 r0 call2"]), foul);
    check(&then(BLACK_ON, &["8 r1 call2", "10 r1"]), on);
}

#[test]
fn nine_ball() {
    let check = |script: &[&str], expected: &str| check(Rules::Nine, script, expected);
    check(&[], "First, hand Kitchen, break");
    check(&["1 r4"], "Second, hand No");
    check(&["1 r0 5@1"], "First, hand No");
    check(&["1 r0 9@1"], "Some(First) wins: Pocketed");
    // A weak break is a foul like any other.
    check(&["1 r3"], "Second, hand Anywhere");
    check(&["2 r4"], "Second, hand Anywhere");
    check(&["1 r4 0@1"], "Second, hand Anywhere, must place");
    check(&["- r0"], "Second, hand Kitchen, break");
    // The lowest first; any ball that falls keeps the turn; the nine wins at any time.
    check(&["1 r4", "1 r1"], "First, hand No");
    check(&["1 r4", "1 r0 7@1"], "Second, hand No");
    check(&["1 r4", "2 r1 2@1"], "First, hand Anywhere");
    check(&["1 r4 1@0", "2 r1 3@1"], "First, hand No");
    check(&["1 r4", "1 r0 9@1"], "Some(Second) wins: Pocketed");
    // With a foul the nine comes back.
    check(&["1 r4", "2 r1 9@1"], "First, hand Anywhere");
    check(
        &["1 r4", "1 r1 9@1 0@0"],
        "First, hand Anywhere, must place",
    );
    // Three fouls in a row.
    let foul = "- r0";
    check(&["1 r4", foul, "1 r1", foul, "1 r1"], "Second, hand No");
    check(
        &["1 r4", foul, "1 r1", foul, "1 r1", foul],
        "Some(First) wins: Fouls",
    );
    check(
        &["1 r4", foul, "1 r1", foul, "1 r1", "1 r1", "1 r1", foul],
        "First, hand Anywhere",
    );
    // A time-out is none of them.
    check(
        &["1 r4", foul, "1 r1", foul, "1 r1", "timeout"],
        "First, hand Anywhere",
    );
}

#[test]
fn what_a_stroke_must_say_and_must_not() {
    let check = |script: &[&str], stroke: Stroke, expected: Result<(), Reason>| {
        let mut frame = frame(Rules::Eight);
        script.iter().for_each(|step| hit(&mut frame, step));
        let mut stroke = stroke;
        (stroke.shot.table, stroke.shot.power) = (2, 9_000);
        assert_eq!(
            frame.check(&stroke).map(drop),
            expected,
            "{script:?} {stroke:?}"
        );
        let before = frame.clone();
        let applied = frame.apply(Turn::Stroke(stroke)).map(drop);
        assert_eq!(applied, expected);
        assert_eq!(frame == before, expected.is_err());
    };
    let call = |call| Stroke {
        call,
        ..Stroke::default()
    };
    let place = |at| Stroke {
        place: Some(at),
        ..Stroke::default()
    };
    // The black is called, and nothing else.
    check(&BLACK_ON, call(None), Err(Reason::MustCall));
    check(&BLACK_ON, call(Some(6)), Err(Reason::NoPocket));
    check(&BLACK_ON, call(Some(255)), Err(Reason::NoPocket));
    check(&BLACK_ON, call(Some(5)), Ok(()));
    check(&SEVEN_LEFT, call(Some(5)), Err(Reason::NoCall));
    // The cue ball is put where it may be, and must be when it is off the table.
    let (rack, scratch) = ((1_861_600, 585_900), then(SOLIDS, &["2 r1 0@4"]));
    check(&[], call(None), Ok(()));
    check(&[], place((585_000, 300_000)), Ok(()));
    check(&[], place((600_000, 300_000)), Err(Reason::HeadString));
    check(&SOLIDS, place((585_000, 300_000)), Err(Reason::NotInHand));
    check(&scratch, call(None), Err(Reason::MustPlace));
    check(&scratch, place((1_200_000, 300_000)), Ok(()));
    check(&scratch, place(rack), Err(Reason::NoFit));
    check(&scratch, place((10, 10)), Err(Reason::NoFit));
    check(&scratch, place((i32::MAX, i32::MIN)), Err(Reason::NoFit));
    check(
        &["1 r4 0@2"],
        place((1_200_000, 300_000)),
        Err(Reason::HeadString),
    );
}

#[test]
fn a_ball_that_comes_back_takes_the_next_free_place() {
    let mut frame = frame(Rules::Eight);
    hit(&mut frame, "1 r4 8@2");
    let foot = frame.table().foot_spot();
    let at = frame.state().place(8).position().unwrap();
    // The spot is free of no ball but the first of the rack, which lies there.
    let gap = 2.0 * frame.table().kinds[0].radius;
    assert!(
        at.x > foot.x + gap * 0.9 && (at.y - foot.y).abs() < 1e-6,
        "{at:?}"
    );
    assert_eq!(frame.state().check(frame.table()), Ok(()));
}

#[test]
fn a_game_without_an_end_is_drawn() {
    let mut frame = frame(Rules::Eight);
    hit(&mut frame, "1 r4");
    while frame.course().end.is_none() {
        assert!(frame.turn() < tagus_pool::TURNS_MAX);
        let step = if frame.player() == Chair::First {
            "1 r1"
        } else {
            "9 r1"
        };
        hit(&mut frame, step);
    }
    assert_eq!(frame.turn(), tagus_pool::TURNS_MAX);
    assert_eq!(describe(&frame), "None wins: Drawn");
    let before = frame.clone();
    for turn in [Turn::TimeOut, Turn::Concede(Chair::First), Turn::Rerack] {
        assert_eq!(frame.apply(turn), Err(Reason::Phase));
    }
    assert_eq!(frame, before);
}

#[test]
fn practice_has_no_turns_no_groups_and_no_end() {
    let table = Arc::new(Table::pool(PoolSize::SevenFoot));
    for rules in [Rules::Eight, Rules::Nine] {
        let mut frame = Frame::alone(table.clone(), rules, 3);
        for step in ["- r0", "3 r0 8@1", "9 r0 9@1 0@0", "2 r1 2@1 1@0"] {
            hit(&mut frame, step);
            assert_eq!(
                (frame.player(), frame.hand()),
                (Chair::First, Hand::Anywhere)
            );
            assert!(frame.course().end.is_none() && frame.may_rerack() && !frame.is_black_on());
            assert_eq!(frame.group(Chair::First), None::<Group>);
        }
        frame.apply(Turn::Rerack).unwrap();
        assert!(frame.is_break() && !frame.must_place());
        assert_eq!(frame.hand(), Hand::Anywhere);
    }
}
