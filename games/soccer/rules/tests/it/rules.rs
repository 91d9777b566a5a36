//! Every rule as a situation: what happened on the pitch, and what the game is then.

use tagus_duel::{Chair, How, Played, Reason, Sport, Stroke, Turn};
use tagus_physics::{Place, SOCCER_BODIES, SOCCER_TEAM, State, Table};
use tagus_soccer::{CHOICES_MAX, FORMATIONS, Frame, TURNS_MAX, how};

use crate::{BACK, flick};

/// Plays a script and compares the game after it.
///
/// A step is `-`, a stroke without a goal, `low` or `high`, one with the ball in that goal, `timeout`, `concede0`,
/// `leave1`, `lapse0`, or `0=3`, a choice of the first chair, `0!3` one that counts at once.
/// The game after it is who plays, the goals, whether it is a kick-off, and the formations, or the end.
fn check(goals: u8, script: &[&str], expected: &str) {
    let mut frame = Frame::new(goals, Chair::First);
    for step in script {
        let turn = frame.turn();
        if !play(&mut frame, step) {
            assert_eq!(frame.turn(), turn, "{script:?}: {step}");
            continue;
        }
        assert_eq!(frame.turn(), turn + 1, "{script:?}: {step}");
    }
    assert_eq!(describe(&frame), expected, "{script:?}");
}

/// Was it a turn?
fn play(frame: &mut Frame, step: &str) -> bool {
    let choice = |text: &str, is_at_once| {
        let (chair, choice) = text.split_at(1);
        Turn::Choice {
            chair: Chair::from_number(chair.parse().unwrap()).unwrap(),
            choice: choice[1..].parse().unwrap(),
            is_at_once,
        }
    };
    let turn = match step {
        "-" => return hit(frame, None),
        "low" => return hit(frame, Some(0)),
        "high" => return hit(frame, Some(1)),
        "timeout" => Turn::TimeOut,
        "concede0" => Turn::Concede(Chair::First),
        "leave1" => Turn::Leave(Chair::Second),
        "lapse0" => Turn::Lapse(Chair::First),
        text if text.contains('=') => choice(text, false),
        text => choice(text, true),
    };
    assert_eq!(frame.apply(turn).map(|verdict| verdict.is_none()), Ok(true));
    !matches!(turn, Turn::Choice { .. })
}

fn hit(frame: &mut Frame, pocket: Option<u8>) -> bool {
    let mut bodies = frame.state().bodies().to_vec();
    // Something has moved.
    bodies[0].place = pocket.map_or(
        Place::On {
            x: 900_000,
            y: 1 << 19,
        },
        Place::Pocket,
    );
    let state = State::new(bodies);
    let played = Played {
        state: state.clone(),
        hash: 1,
        rest_ms: 1,
        first: None,
        cushioned: 0,
        cushioned_after: 0,
        pocketed: pocket.map(|pocket| (0, pocket)).into_iter().collect(),
    };
    let player = frame.player();
    let verdict = frame.settle(&Stroke::default(), played);
    let own = pocket.map(|pocket| u8::from(pocket == player as u8) + 1);
    assert_eq!(verdict.ruling, own.unwrap_or(0));
    if pocket.is_none() || frame.course().end.is_some() {
        assert_eq!(*frame.state(), state);
    } else {
        assert_eq!(frame.state().check(frame.table()), Ok(()));
    }
    true
}

fn describe(frame: &Frame) -> String {
    let goals = Chair::BOTH.map(|chair| frame.goals(chair));
    if let Some(end) = frame.course().end {
        let how = match end.how {
            how::GOALS => "Goals",
            how::MORE_GOALS => "MoreGoals",
            How::TIME_OUTS => "TimeOuts",
            How::CONCEDED => "Conceded",
            How::LEFT => "Left",
            How::DRAWN => "Drawn",
            _ => "?",
        };
        return format!("{:?} wins {goals:?}: {how}", end.winner);
    }
    let kick_off = if frame.is_kick_off() {
        ", kick-off"
    } else {
        ""
    };
    let formations = Chair::BOTH.map(|chair| frame.formation(chair));
    format!("{:?} {goals:?}{kick_off}, {formations:?}", frame.player())
}

#[test]
fn goals_turns_and_kick_offs() {
    check(2, &[], "First [0, 0], kick-off, [0, 0]");
    check(2, &["-"], "Second [0, 0], [0, 0]");
    check(2, &["-", "-"], "First [0, 0], [0, 0]");
    // Who conceded kicks off, be it whose stroke it was.
    check(2, &["high"], "Second [1, 0], kick-off, [0, 0]");
    check(2, &["-", "low"], "First [0, 1], kick-off, [0, 0]");
    check(2, &["low"], "First [0, 1], kick-off, [0, 0]");
    check(2, &["-", "high"], "Second [1, 0], kick-off, [0, 0]");
    check(2, &["high", "-"], "First [1, 0], [0, 0]");
    check(2, &["high", "low"], "First [1, 1], kick-off, [0, 0]");
    // The last goal ends it, an own goal too.
    check(
        2,
        &["high", "low", "high"],
        "Some(First) wins [2, 1]: Goals",
    );
    check(2, &["low", "low"], "Some(Second) wins [0, 2]: Goals");
    check(1, &["-", "high"], "Some(First) wins [1, 0]: Goals");
    check(3, &["high", "high"], "Second [2, 0], kick-off, [0, 0]");
}

#[test]
fn time_outs_and_those_who_give_up() {
    check(2, &["timeout"], "Second [0, 0], kick-off, [0, 0]");
    check(2, &["-", "timeout"], "First [0, 0], [0, 0]");
    // The third of one player loses, not three of both; goals do not matter.
    check(2, &["timeout"; 4], "First [0, 0], kick-off, [0, 0]");
    check(2, &["timeout"; 5], "Some(Second) wins [0, 0]: TimeOuts");
    check(
        2,
        &["high", "concede0"],
        "Some(Second) wins [1, 0]: Conceded",
    );
    check(2, &["leave1"], "Some(First) wins [0, 0]: Left");
    check(2, &["-", "lapse0"], "Some(Second) wins [0, 0]: TimeOuts");
}

#[test]
fn after_the_last_turn_more_goals_win() {
    let turns = usize::from(TURNS_MAX);
    let then = |first: &'static str| {
        let mut script = vec![first];
        script.resize(turns, "-");
        script
    };
    check(2, &then("-")[1..], "Second [0, 0], [0, 0]");
    check(2, &then("-"), "None wins [0, 0]: Drawn");
    check(2, &then("high"), "Some(First) wins [1, 0]: MoreGoals");
    check(2, &then("low"), "Some(Second) wins [0, 1]: MoreGoals");
    // With the very last stroke, too.
    let mut script = vec!["-"; turns - 1];
    script.push("low");
    check(2, &script, "Some(Second) wins [0, 1]: MoreGoals");
    script.pop();
    script.push("high");
    check(1, &script, "Some(First) wins [1, 0]: Goals");
}

#[test]
fn formations_count_from_the_next_kick_off() {
    let low = |frame: &Frame| frame.state().bodies()[1..=SOCCER_TEAM].to_vec();
    let mut frame = Frame::new(2, Chair::First);
    let begin = frame.state().clone();
    assert!(!play(&mut frame, "0=3"));
    assert_eq!((frame.formation(Chair::First), frame.state()), (3, &begin));
    play(&mut frame, "-");
    let (before, standing) = (frame.state().clone(), low(&frame));
    play(&mut frame, "1=2");
    assert_eq!(frame.state(), &before);
    play(&mut frame, "high");
    assert_ne!(low(&frame), standing);
    check(
        2,
        &["0=3", "-", "1=2", "high"],
        "Second [1, 0], kick-off, [3, 2]",
    );
    // Before anything was played it may count at once, and later not.
    let mut frame = Frame::new(2, Chair::First);
    play(&mut frame, "1!4");
    assert_eq!(
        (low(&frame), frame.is_kick_off()),
        (low(&Frame::new(2, Chair::First)), true)
    );
    assert_ne!(frame.state(), &begin);
    play(&mut frame, "timeout");
    let late = Turn::Choice {
        chair: Chair::First,
        choice: 1,
        is_at_once: true,
    };
    let before = frame.clone();
    assert_eq!(frame.apply(late), Err(Reason::NotAllowed));
    let unknown = Turn::Choice {
        chair: Chair::First,
        choice: FORMATIONS.len() as u8,
        is_at_once: false,
    };
    assert_eq!(frame.apply(unknown), Err(Reason::NotAllowed));
    assert_eq!(frame, before);
}

#[test]
fn each_may_choose_so_often_and_no_more() {
    let mut frame = Frame::new(2, Chair::First);
    let turn = |chair| Turn::Choice {
        chair,
        choice: 1,
        is_at_once: false,
    };
    for _ in 0..CHOICES_MAX {
        assert_eq!(frame.apply(turn(Chair::Second)), Ok(None));
    }
    assert_eq!(frame.apply(turn(Chair::Second)), Err(Reason::TooOften));
    assert_eq!(frame.apply(turn(Chair::First)), Ok(None));
}

#[test]
fn formations_fit_with_each_other_and_stand_in_their_half() {
    let table = Table::soccer();
    let radius = table.kinds[1].radius;
    for (number, formation) in (0_u8..).zip(&FORMATIONS) {
        for at in formation.discs {
            assert!(at.x - radius > 0.0, "{}", formation.name);
            assert!(at.x + radius < 0.5 * table.size.x, "{}", formation.name);
        }
        for other in 0..FORMATIONS.len() as u8 {
            let mut frame = Frame::new(2, Chair::First);
            play(&mut frame, &format!("0!{number}"));
            play(&mut frame, &format!("1!{other}"));
            assert_eq!(frame.state().check(&table), Ok(()));
            assert_eq!(frame.state().bodies().len(), SOCCER_BODIES);
            let at = |body| frame.state().place(body).position().unwrap();
            for disc in 0..SOCCER_TEAM as u8 {
                let mirrored = table.size - FORMATIONS[usize::from(other)].discs[usize::from(disc)];
                assert!((at(1 + disc) - formation.discs[usize::from(disc)]).length() < 1e-5);
                assert!((at(6 + disc) - mirrored).length() < 1e-5);
            }
        }
    }
}

#[test]
fn what_may_be_struck() {
    let frame = Frame::new(2, Chair::First);
    let check = |stroke: Stroke, expected: Result<(), Reason>| {
        assert_eq!(frame.check(&stroke).map(drop), expected, "{stroke:?}");
    };
    for disc in 1..=5 {
        check(flick(disc, 7, 1), Ok(()));
    }
    for body in [0, 6, 10, 11, 255] {
        check(flick(body, 7, 1), Err(Reason::OtherBall));
    }
    check(flick(1, 7, 0), Err(Reason::NoPower));
    let mut stroke = flick(1, 7, 100);
    stroke.shot.side = 1;
    check(stroke, Err(Reason::Offset));
    stroke.shot = flick(1, 7, 100).shot;
    stroke.shot.height = -1;
    check(stroke, Err(Reason::Offset));
    stroke.shot = flick(1, 7, 100).shot;
    stroke.shot.table = 2;
    check(stroke, Err(Reason::OtherTable));
    stroke.shot.table = 101;
    stroke.place = Some((1, 1));
    check(stroke, Err(Reason::NotInHand));
    stroke.place = None;
    stroke.call = Some(0);
    check(stroke, Err(Reason::NoCall));
}

#[test]
fn a_played_goal_is_one() {
    // The keeper of the other is out of the way, and the ball before the goal.
    let mut frame = Frame::new(2, Chair::First);
    let mut bodies = frame.state().bodies().to_vec();
    bodies[6].place = Place::On {
        x: 1 << 20,
        y: 100_000,
    };
    bodies[0].place = Place::On {
        x: 2_000_000,
        y: 692_060,
    };
    bodies[4].place = Place::On {
        x: 1_800_000,
        y: 692_060,
    };
    frame.course_mut().state = State::new(bodies);
    assert_eq!(frame.state().check(frame.table()), Ok(()));
    let mut own = frame.clone();
    let verdict = frame.apply(Turn::Stroke(flick(4, 0, 60_000))).unwrap();
    assert_eq!(verdict.unwrap().pocketed, [(0, 1)]);
    assert_eq!(describe(&frame), "Second [1, 0], kick-off, [0, 0]");
    // The same flick by the one who defends it is an own goal.
    own.apply(Turn::TimeOut).unwrap();
    let mut bodies = own.state().bodies().to_vec();
    bodies.swap(4, 9);
    own.course_mut().state = State::new(bodies);
    let verdict = own.apply(Turn::Stroke(flick(9, 0, 60_000))).unwrap();
    assert_eq!(verdict.unwrap().ruling, 2);
    assert_eq!(describe(&own), "Second [1, 0], kick-off, [0, 0]");
    // And away from it there is none.
    let mut frame = Frame::new(2, Chair::First);
    let verdict = frame.apply(Turn::Stroke(flick(4, BACK, 9_000))).unwrap();
    assert_eq!(verdict.unwrap().pocketed, []);
}
