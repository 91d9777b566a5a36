//! Tables and what happens at their edges.

use tagus_physics::{
    Body, Happening, Limits, Mouth, Outcome, Place, PoolSize, Shot, State, Table, Vec2, simulate,
};

#[test]
fn every_pocket_takes_a_ball_that_is_shot_at_it() {
    for size in [PoolSize::SevenFoot, PoolSize::EightFoot, PoolSize::NineFoot] {
        let table = Table::pool(size);
        for (number, pocket) in (0_u8..).zip(&table.pockets) {
            let Mouth::Hole { centre, .. } = pocket.mouth else {
                panic!("a pool table has holes");
            };
            // The middle of the mouth: a straight line to the hole itself may pass over a nose.
            let inside = |part: f64, size: f64| part.clamp(0.041, size - 0.041);
            let aim = Vec2::new(
                inside(centre.x, table.size.x),
                inside(centre.y, table.size.y),
            );
            for power in [12_000, 30_000, 65_535] {
                let start = table.size * 0.5 + Vec2::new(0.01, 0.0);
                let outcome = roll(&table, start, aim, power);
                let pocketed: Vec<_> = outcome.pocketed().collect();
                assert_eq!(pocketed, [(0, number)], "{size:?} {power}");
            }
        }
    }
}

#[test]
fn a_ball_along_the_cushion_falls_and_passes_the_side_pocket() {
    let table = Table::pool(PoolSize::EightFoot);
    let near = 1.125 * 0.0254 + 0.002;
    let from = Vec2::new(0.5 * table.size.x + 0.3, near);
    let outcome = roll(&table, from, Vec2::new(table.size.x, near), 20_000);
    assert_eq!(outcome.pocketed().collect::<Vec<_>>(), [(0, 2)]);
    // Fast enough, it goes on over the mouth of the side pocket.
    let from = Vec2::new(0.5 * table.size.x - 0.5, near + 0.02);
    let outcome = roll(&table, from, from + Vec2::new(1.0, 0.0), 20_000);
    assert!(outcome.pocketed().all(|(_, pocket)| pocket != 1));
}

#[test]
fn a_ball_that_meets_a_jaw_stays_out() {
    let table = Table::pool(PoolSize::EightFoot);
    // Nearly along the long cushion, at the point where it turns into the corner pocket.
    let from = Vec2::new(1.4, 0.5);
    let outcome = roll(&table, from, Vec2::new(table.size.x - 0.02, 0.09), 40_000);
    assert_eq!(outcome.pocketed().count(), 0);
    assert_eq!(cushions(&outcome).first(), Some(&2));
}

#[test]
fn cushions_have_their_numbers() {
    let table = Table::pool(PoolSize::NineFoot);
    let (x, y) = (table.size.x, table.size.y);
    let points = [
        (0.25 * x, 0.0),
        (0.75 * x, 0.0),
        (x, 0.5 * y),
        (0.75 * x, y),
        (0.25 * x, y),
        (0.0, 0.5 * y),
    ];
    for (number, (x, y)) in (0_u8..).zip(points) {
        let outcome = roll(&table, table.size * 0.5, Vec2::new(x, y), 9_000);
        assert_eq!(cushions(&outcome).first(), Some(&number));
    }
}

#[test]
fn a_table_is_as_symmetric_as_its_balls_move() {
    let table = Table::pool(PoolSize::EightFoot);
    let state = |x: f64, y: f64| {
        let place = Place::at(Vec2::new(x, y));
        State::new(vec![Body::new(0, place)])
    };
    let (mut one, mut two) = (
        state(0.7, 0.4),
        state(table.size.x - 0.7, table.size.y - 0.4),
    );
    for turn in 1..40_u32 {
        let shot = |half: u32| Shot {
            table: table.version,
            angle: turn.wrapping_mul(0x1234_5678).wrapping_add(half << 31),
            power: 45_000,
            ..Shot::default()
        };
        let first = simulate(&table, &mut one, &shot(0), Limits::default()).unwrap();
        let second = simulate(&table, &mut two, &shot(1), Limits::default()).unwrap();
        let around = |(_, pocket): (u8, u8)| (pocket + 3) % 6;
        let pockets = (first.pocketed().next(), second.pocketed().next());
        assert_eq!(pockets.0.map(around), pockets.1.map(|(_, pocket)| pocket));
        let (Some(here), Some(there)) = (one.place(0).position(), two.place(0).position()) else {
            return;
        };
        let off = (here + there - table.size).length();
        assert!(off < 1e-4, "turn {turn}: {off}");
        two = state(table.size.x - here.x, table.size.y - here.y);
    }
}

#[test]
fn goals_take_the_ball_and_leave_the_discs() {
    let table = Table::soccer();
    let middle = 0.5 * table.size.y;
    let alone = |kind| State::new(vec![Body::new(kind, Place::at(table.size * 0.5))]);
    for (angle, goal) in [(0, 1), (1 << 31, 0)] {
        let shot = Shot {
            table: table.version,
            angle,
            power: 40_000,
            ..Shot::default()
        };
        let mut ball = alone(0);
        let outcome = simulate(&table, &mut ball, &shot, Limits::default()).unwrap();
        assert_eq!(outcome.pocketed().collect::<Vec<_>>(), [(0, goal)]);
        assert_eq!(ball.place(0), Place::Pocket(goal));
        let mut disc = alone(1);
        let outcome = simulate(&table, &mut disc, &shot, Limits::default()).unwrap();
        assert_eq!(outcome.pocketed().count(), 0);
        assert!(matches!(disc.place(0), Place::On { .. }));
        // It went into the goal, and met its back.
        let back = if goal == 1 { 2 } else { 5 };
        assert_eq!(cushions(&outcome).first(), Some(&back));
    }
    // Past the post.
    let at = Vec2::new(0.4, middle + 0.3);
    let mut ball = State::new(vec![Body::new(0, Place::at(at))]);
    let shot = Shot {
        table: table.version,
        angle: 1 << 31,
        power: 20_000,
        ..Shot::default()
    };
    let outcome = simulate(&table, &mut ball, &shot, Limits::default()).unwrap();
    assert_eq!((outcome.pocketed().count(), cushions(&outcome)[0]), (0, 4));
}

#[test]
fn discs_slide_and_share_their_momentum() {
    let table = Table::soccer();
    let (ball, disc) = (&table.kinds[0], &table.kinds[1]);
    let start = Vec2::new(0.4, 0.66);
    let gap = ball.radius + disc.radius + 0.1;
    let mut state = State::new(vec![
        Body::new(0, Place::at(start + Vec2::new(gap, 0.0))),
        Body::new(1, Place::at(start)),
    ]);
    let shot = Shot {
        table: table.version,
        body: 1,
        power: 14_563,
        ..Shot::default()
    };
    let outcome = simulate(&table, &mut state, &shot, Limits::default()).unwrap();
    assert_eq!(outcome.first_contact(1), Some(0));
    let speed = 4.5 * 14_563.0 / 65_535.0;
    let arriving = f64::sqrt(speed * speed - 2.0 * 0.12 * 9.81 * 0.1);
    let share = disc.mass / (disc.mass + ball.mass);
    let after = arriving * (1.0 - (1.0 - share) * 1.9);
    let way = after * after / (2.0 * 0.12 * 9.81);
    let moved = state.place(1).position().unwrap().x - start.x - 0.1;
    assert!((moved - way).abs() < 1e-5, "{moved} {way}");
    assert!((outcome.log[0].speed - arriving).abs() < 1e-5);
}

#[test]
fn what_rules_ask_is_in_the_log() {
    let table = Table::pool(PoolSize::EightFoot);
    let at = |x: f64| Body::new(0, Place::at(Vec2::new(x, 0.4)));
    let mut state = State::new(vec![at(0.5), at(1.0), at(1.5)]);
    let shot = Shot {
        table: table.version,
        power: 20_000,
        ..Shot::default()
    };
    let outcome = simulate(&table, &mut state, &shot, Limits::default()).unwrap();
    assert_eq!(outcome.first_contact(0), Some(1));
    assert_eq!(outcome.first_contact(1), Some(0));
    assert_eq!(outcome.first_contact(2), Some(1));
    assert_eq!(outcome.cushioned() & 0b100, 0b100);
    assert_eq!(outcome.cushioned(), outcome.cushioned_after_contact(0));
    assert_eq!(outcome.cushioned_after_contact(9), 0);
}

fn roll(table: &Table, from: Vec2, to: Vec2, power: u16) -> Outcome {
    let mut state = State::new(vec![Body::new(0, Place::at(from))]);
    assert_eq!(state.check(table), Ok(()));
    let way = to - from;
    let turns = way.y.atan2(way.x) / std::f64::consts::TAU;
    let shot = Shot {
        table: table.version,
        angle: (turns * 4_294_967_296.0) as i64 as u32,
        power,
        ..Shot::default()
    };
    simulate(table, &mut state, &shot, Limits::default()).unwrap()
}

fn cushions(outcome: &Outcome) -> Vec<u8> {
    let each = outcome.log.iter().filter_map(|entry| match entry.what {
        Happening::Cushion(_, cushion) => Some(cushion),
        Happening::Contact(..) | Happening::Pocketed(..) => None,
    });
    each.collect()
}
