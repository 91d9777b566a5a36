//! Shots and states that cannot be, and those that are just possible.

use tagus_physics::{
    BODIES_MAX, Body, Limits, Place, PlaceError, PoolSize, SHOT_BYTES, Shot, ShotError, State,
    StateError, TWO_AND_TWO, Table, Trace, Vec2, simulate, simulate_traced,
};

use crate::games::Random;

fn table() -> Table {
    Table::pool(PoolSize::EightFoot)
}

fn shot() -> Shot {
    Shot {
        table: 2,
        power: 30_000,
        ..Shot::default()
    }
}

#[test]
fn a_refused_shot_leaves_the_state_alone() {
    let table = table();
    let mut state = State::eight_ball(&table, 1);
    state.take_off(3);
    let before = state.clone();
    let cases = [
        (Shot { table: 3, ..shot() }, ShotError::Table),
        (Shot { body: 3, ..shot() }, ShotError::Body),
        (Shot { body: 16, ..shot() }, ShotError::Body),
        (
            Shot {
                side: i16::MIN,
                ..shot()
            },
            ShotError::Offset,
        ),
        (
            Shot {
                side: 32_767,
                height: 1,
                ..shot()
            },
            ShotError::Offset,
        ),
        (
            Shot {
                side: 23_171,
                height: -23_170,
                ..shot()
            },
            ShotError::Offset,
        ),
    ];
    for (shot, error) in cases {
        let found = simulate(&table, &mut state, &shot, Limits::default());
        assert_eq!(found.err(), Some(error), "{shot:?}");
        assert_eq!(state, before);
    }
    for (side, height) in [(32_767, 0), (0, -32_767), (23_169, 23_169)] {
        let shot = Shot {
            side,
            height,
            ..shot()
        };
        assert_eq!(shot.check(&table, &state), Ok(()), "{shot:?}");
    }
    let pitch = Table::soccer();
    let mut foreign = State::new(vec![Body::new(0, Place::Off), Body::new(2, Place::Off)]);
    let flick = Shot {
        table: 101,
        ..Shot::default()
    };
    let found = simulate(&pitch, &mut foreign, &flick, Limits::default());
    assert_eq!(found.err(), Some(ShotError::Table));
    let kick_off = State::kick_off(&pitch, &TWO_AND_TWO);
    let spun = Shot {
        table: 101,
        side: 1,
        ..Shot::default()
    };
    assert_eq!(spun.check(&pitch, &kick_off), Err(ShotError::Offset));
}

#[test]
fn nothing_happens_without_power() {
    let table = table();
    let mut state = State::eight_ball(&table, 1);
    let before = state.clone();
    let shot = Shot { power: 0, ..shot() };
    let outcome = simulate(&table, &mut state, &shot, Limits::default()).unwrap();
    assert_eq!((outcome.log.len(), outcome.seconds), (0, 0.0));
    assert_eq!(state, before);
}

#[test]
fn a_shot_survives_its_bytes() {
    let mut random = Random(1);
    for _ in 0..1_000 {
        let mut bytes = [0; SHOT_BYTES];
        bytes.fill_with(|| random.next() as u8);
        let shot = Shot::decode(&bytes).unwrap();
        assert_eq!(shot.encode(), bytes);
    }
    for length in [0, SHOT_BYTES - 1, SHOT_BYTES + 1] {
        assert_eq!(Shot::decode(&vec![0; length]), Err(ShotError::Length));
    }
}

#[test]
fn a_state_survives_its_bytes() {
    let table = table();
    let mut state = State::eight_ball(&table, 5);
    state.take_off(4);
    let mut bytes = Vec::new();
    state.encode(&mut bytes);
    assert_eq!(State::decode(&table, &bytes), Ok(state));
    for length in 0..bytes.len() {
        assert_eq!(
            State::decode(&table, &bytes[..length]),
            Err(StateError::Length)
        );
    }
    bytes.push(0);
    assert_eq!(State::decode(&table, &bytes), Err(StateError::Length));
}

#[test]
fn random_bytes_are_no_state_or_one_that_plays() {
    let table = table();
    let mut rack = Vec::new();
    State::eight_ball(&table, 5).encode(&mut rack);
    let mut random = Random(9);
    let mut played = 0;
    for _ in 0..20_000 {
        let mut bytes = rack.clone();
        for _ in 0..1 + random.next() % 3 {
            let index = random.next() as usize % bytes.len();
            bytes[index] = random.next() as u8;
        }
        let Ok(mut state) = State::decode(&table, &bytes) else {
            continue;
        };
        let outcome = simulate(&table, &mut state, &shot(), Limits::default());
        if let Ok(outcome) = outcome {
            assert!(!outcome.is_cut);
            assert_eq!(state.check(&table), Ok(()));
            played += 1;
        }
    }
    assert!(played > 100, "{played}");
}

#[test]
fn states_of_another_table_are_refused() {
    let table = table();
    let check = |bodies: Vec<Body>| State::new(bodies).check(&table);
    let on = |x: f64, y: f64| Body::new(0, Place::at(Vec2::new(x, y)));
    assert_eq!(
        check(vec![on(0.5, 0.5), on(0.5, 0.5 + 2.25 * 0.0254)]),
        Ok(())
    );
    for (bad, why) in [
        (on(0.5, 0.55), "in the other"),
        (on(-0.5, 0.5), "outside"),
        (on(0.3, 0.02), "in a cushion"),
        (on(0.3, -0.1), "behind a cushion"),
        (on(-0.029, -0.029), "over a pocket"),
        (on(2_000.0, 2_000.0), "far away"),
        (Body::new(1, Place::Off), "of an unknown kind"),
        (Body::new(0, Place::Pocket(6)), "in an unknown pocket"),
    ] {
        assert_eq!(
            check(vec![on(0.5, 0.5), bad]),
            Err(StateError::Body(1)),
            "{why}"
        );
    }
    for good in [Place::Off, Place::Pocket(5)] {
        assert_eq!(check(vec![on(0.5, 0.5), Body::new(0, good)]), Ok(()));
    }
    let many = vec![Body::new(0, Place::Off); BODIES_MAX];
    let mut bytes = Vec::new();
    State::new(many).encode(&mut bytes);
    assert!(State::decode(&table, &bytes).is_ok());
    bytes[0] += 1;
    bytes.extend([0, 254, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(State::decode(&table, &bytes), Err(StateError::Length));
}

#[test]
fn a_ball_in_hand_goes_where_there_is_room() {
    let table = table();
    let mut state = State::eight_ball(&table, 2);
    let before = state.clone();
    let at = |x: f64, y: f64| Place::at(Vec2::new(x, y));
    let foot = table.foot_spot();
    for (place, error) in [
        (at(foot.x, foot.y), PlaceError::Taken),
        (at(0.01, 0.5), PlaceError::Outside),
        (Place::Pocket(6), PlaceError::Pocket),
    ] {
        assert_eq!(state.put(&table, 0, place), Err(error));
        assert_eq!(state, before);
    }
    assert_eq!(state.put(&table, 99, at(0.3, 0.3)), Err(PlaceError::Body));
    assert_eq!(state.put(&table, 0, at(0.3, 0.3)), Ok(()));
    assert_eq!(state.place(0), at(0.3, 0.3));
}

#[test]
fn the_limit_of_events_stops_a_shot() {
    let table = table();
    let mut free = State::eight_ball(&table, 3);
    let mut cut = free.clone();
    let hard = Shot {
        power: u16::MAX,
        ..shot()
    };
    let all = simulate(&table, &mut free, &hard, Limits::default()).unwrap();
    assert!(!all.is_cut);
    let at_limit = Limits {
        events_max: all.event_count,
    };
    let outcome = simulate(&table, &mut cut.clone(), &hard, at_limit).unwrap();
    assert_eq!(outcome, all);
    let below = Limits {
        events_max: all.event_count - 1,
    };
    let outcome = simulate(&table, &mut cut, &hard, below).unwrap();
    assert!(outcome.is_cut);
    assert_eq!(cut.check(&table), Ok(()));
}

#[test]
fn tracing_a_shot_changes_nothing() {
    let table = table();
    let mut state = State::eight_ball(&table, 4);
    let mut traced = state.clone();
    let mut trace = Trace::default();
    for power in [u16::MAX, 20_000, 40_000] {
        let shot = Shot { power, ..shot() };
        let limits = Limits::default();
        let plain = simulate(&table, &mut state, &shot, limits).unwrap();
        let kept = simulate_traced(&table, &mut traced, &shot, limits, &mut trace).unwrap();
        assert_eq!((&plain, &state), (&kept, &traced));
        assert_eq!(trace.seconds(), plain.seconds);
        for (number, body) in (0_u8..).zip(state.bodies()) {
            let frame = trace.frame(number, plain.seconds + 1.0);
            match body.place {
                Place::On { .. } => {
                    assert_eq!(frame.map(|frame| Place::at(frame.at)), Some(body.place))
                }
                Place::Pocket(pocket) => {
                    assert!(frame.is_none_or(|frame| frame.pocket == Some(pocket)))
                }
                Place::Off => assert_eq!(frame, None),
            }
        }
        if !matches!(state.place(0), Place::On { .. }) {
            break;
        }
    }
}

#[test]
fn racks_lie_clear_and_each_seed_has_its_own() {
    for size in [PoolSize::SevenFoot, PoolSize::EightFoot, PoolSize::NineFoot] {
        let table = Table::pool(size);
        for seed in 0..200 {
            for state in [
                State::eight_ball(&table, seed),
                State::nine_ball(&table, seed),
            ] {
                assert_eq!(state.check(&table), Ok(()));
            }
        }
        assert_ne!(State::eight_ball(&table, 1), State::eight_ball(&table, 2));
        assert_eq!(State::eight_ball(&table, 1), State::eight_ball(&table, 1));
    }
    let pitch = Table::soccer();
    let state = State::kick_off(&pitch, &TWO_AND_TWO);
    assert_eq!(state.check(&pitch), Ok(()));
}
