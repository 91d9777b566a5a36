//! Against published billiards physics: the rows of the table in `docs/physics.md`, in its order.
//!
//! Each case plays a shot on a table without pockets and compares with the closed formula. Where a formula leaves out
//! friction or loss, so does the table.

use tagus_physics::{
    Body, Corner, Frame, Friction, Limits, Outcome, Place, PoolSize, Shot, State, Table, Trace,
    Vec2, simulate_traced,
};

const G: f64 = 9.81;
const SLIDING: f64 = 0.2;
const ROLLING: f64 = 0.01;
const RADIUS: f64 = 1.125 * 0.0254;
/// Units of a position round what starts and ends.
const UNIT: f64 = 1.0 / (1 << 20) as f64;

#[test]
fn a_ball_struck_in_the_middle_slides_then_rolls() {
    let played = play(&hall(), &[(5.0, 5.0)], shot(0.0, 2.0, 0.0, 0.0));
    let [start, rolling, rest] = played.turns(0)[..] else {
        panic!("{:?}", played.turns(0));
    };
    let speed = played.frame(0, start).velocity.length();
    row(
        "sliding time",
        2.0 * speed / (7.0 * SLIDING * G),
        rolling,
        1e-9,
    );
    let at = played.frame(0, rolling);
    let distance = 12.0 * speed * speed / (49.0 * SLIDING * G);
    row("sliding distance", distance, at.at.x - 5.0, 1e-9);
    row(
        "speed when it rolls",
        5.0 / 7.0 * speed,
        at.velocity.length(),
        1e-9,
    );
    let slow = 5.0 / 7.0 * speed;
    row("rolling time", slow / (ROLLING * G), rest - rolling, 1e-9);
    let roll = played.frame(0, rest).at.x - at.at.x;
    row(
        "rolling distance",
        slow * slow / (2.0 * ROLLING * G),
        roll,
        1e-9,
    );
}

#[test]
fn the_cue_gives_speed_and_spin() {
    for (side, height) in [(0.0, 0.0), (0.3, 0.0), (0.0, -0.4), (-0.2, 0.35)] {
        let played = play(&hall(), &[(5.0, 5.0)], shot(0.0, 2.0, side, height));
        let frame = played.frame(0, 0.0);
        // Alciatore TP A.30 writes it with the cue's mass and the tip's loss; e is the tip's restitution.
        let (e, mass_ratio) = (0.75, 0.17 / 0.54);
        let offset: f64 = side * side + height * height;
        let expected = (1.0 + e) * cue_speed(2.0) / (1.0 + mass_ratio + 2.5 * offset);
        row("speed from the cue", expected, frame.velocity.x, 1e-4);
        let turning = 2.5 * frame.velocity.x / RADIUS;
        row("follow from the cue", turning * height, frame.spin[1], 1e-4);
        row("side from the cue", turning * side, frame.spin[2], 1e-4);
    }
}

#[test]
fn a_ball_struck_at_seven_tenths_rolls_at_once() {
    let played = play(&hall(), &[(5.0, 5.0)], shot(0.0, 2.0, 0.0, 0.4));
    let slip = played.frame(0, 0.0).velocity.x - RADIUS * played.frame(0, 0.0).spin[1];
    row("slip when struck at 7/5 R", 0.0, slip, 1e-4);
}

#[test]
fn draw_and_follow_end_at_their_speed() {
    for height in [-0.5, -0.3, 0.2, 0.45] {
        let played = play(&hall(), &[(5.0, 5.0)], shot(0.0, 3.0, 0.0, height));
        let start = played.frame(0, 0.0);
        let expected = (5.0 * start.velocity.x + 2.0 * RADIUS * start.spin[1]) / 7.0;
        let rolling = played.frame(0, played.turns(0)[1]);
        row(
            "speed after draw and follow",
            expected,
            rolling.velocity.x,
            1e-9,
        );
    }
}

#[test]
fn side_spin_wears_off_and_bends_nothing() {
    let played = play(&hall(), &[(5.0, 5.0)], shot(0.0, 2.0, 0.5, 0.0));
    let start = played.frame(0, 0.0).spin[2];
    row(
        "side after one second",
        start - 10.0,
        played.frame(0, 1.0).spin[2],
        1e-9,
    );
    row("sideways", 0.0, played.frame(0, 9.0).at.y - 5.0, 1e-6);
}

#[test]
fn a_stun_shot_parts_at_a_right_angle() {
    for cut in [10.0, 30.0, 45.0, 60.0] {
        let (played, cue, object) = hit(&smooth(), cut, 0.0, 0.0);
        let angle = degrees(cue).abs() + degrees(object).abs();
        row("stun: angle between the balls", 90.0, angle, 1e-3);
        row(
            "cut: the object ball's direction",
            cut,
            degrees(object).abs(),
            1e-3,
        );
        // Straight after, the object ball has v cos φ.
        let speed = played.before.length() * cut.to_radians().cos();
        row("cut: the object ball's speed", speed, object.length(), 1e-4);
    }
}

#[test]
fn a_straight_stun_shot_stops_the_cue_ball() {
    let (played, _, _) = hit(&smooth(), 0.0, 0.0, 0.0);
    let moved = distance(played.frame(0, 60.0).at, played.frame(0, played.contact).at);
    row("stop shot: way of the cue ball", 0.0, moved, 1e-5);
}

#[test]
fn a_straight_follow_or_draw_ends_where_it_should() {
    for roll in [1.0, -0.6] {
        let (played, _, _) = hit(&smooth(), 0.0, roll, 0.0);
        // It keeps its spin R ω = roll · v alone: it slides v_f = 2/7 R ω up, then rolls out.
        let surface = roll * played.before.length();
        let slid = 2.0 * surface * surface / (49.0 * SLIDING * G);
        let speed = 2.0 / 7.0 * surface;
        let rolled = speed * speed / (2.0 * ROLLING * G);
        let way = played.frame(0, 60.0).at.x - played.frame(0, played.contact).at.x;
        row(
            "follow and draw: way",
            (slid + rolled) * roll.signum(),
            way,
            1e-3,
        );
    }
}

#[test]
fn a_rolling_cue_ball_goes_off_by_thirty_degrees() {
    let mut peak = (0.0, 0.0);
    for step in 2..=28 {
        let cut = f64::from(step) * 2.5;
        let (played, _, _) = hit(&smooth(), cut, 1.0, 0.0);
        let (sin, cos) = cut.to_radians().sin_cos();
        let expected = (sin * cos / (sin * sin + 0.4)).atan().to_degrees();
        let found = degrees(played.final_direction(0)).abs();
        row("rolling: the cue ball's direction", expected, found, 2e-3);
        if found > peak.1 {
            peak = (cut, found);
        }
    }
    assert!((33.5..34.0).contains(&peak.1), "{peak:?}");
    assert!((25.0..=30.0).contains(&peak.0), "{peak:?}");
    // With the loss and friction of real balls the rule still holds.
    let (played, _, object) = hit(&hall(), 30.0, 1.0, 0.0);
    let cue = degrees(played.final_direction(0)).abs();
    near("30° rule, real balls", 33.67, cue, 1.0);
    row(
        "half-ball hit, real balls",
        30.0,
        degrees(object).abs(),
        4.0,
    );
}

#[test]
fn throw_is_what_friction_and_slip_make_it() {
    let mut table = hall();
    table.materials.body_restitution = 1.0;
    for (speed, cut, roll, side) in [
        (0.5, 30.0, 0.0, 0.0),
        (3.0, 30.0, 0.0, 0.0),
        (1.0, 45.0, 1.0, 0.0),
        (1.5, 0.0, 0.0, 0.8),
        (1.5, 20.0, 0.0, -0.5),
        (2.0, 5.0, 0.0, 0.0),
    ] {
        let (played, _, object) = hit_at(&table, speed, cut, roll, side);
        let speed = played.before.length();
        let (sin, cos) = f64::to_radians(cut).sin_cos();
        let spin = played.frame_before(0).spin;
        let across = speed * sin - RADIUS * spin[2];
        let slip = (across * across + (RADIUS * spin[1] * cos).powi(2)).sqrt();
        let friction = 9.951e-3 + 0.108 * (-1.088 * slip).exp();
        let part = (friction * speed * cos / slip).min(1.0 / 7.0);
        let throw = (part * across / (speed * cos)).atan().to_degrees();
        let found = cut - degrees(object).abs() * if degrees(object) < -1e-9 { -1.0 } else { 1.0 };
        row("throw", throw, found, 2e-3);
        assert!(throw.abs() < 7.0);
    }
    // Slow shots throw more, and enough side in the right direction throws nothing.
    let throw = |speed: f64, side: f64| {
        let (_, _, object) = hit_at(&table, speed, 30.0, 0.0, side);
        30.0 - degrees(object)
    };
    assert!(throw(0.5, 0.0) > throw(2.0, 0.0) + 1.0);
    assert!(throw(2.0, 0.5).abs() < 0.01, "{}", throw(2.0, 0.5));
    assert!(throw(2.0, 0.8) < -0.5);
}

#[test]
fn a_cushion_gives_back_what_its_source_says() {
    // Head on without spin: the nose takes cos² of (1 + e), friction at the nose gives some of it to spin.
    let (sine, e, friction) = (0.27_f64, 0.85, 0.2);
    let cosine = (1.0 - sine * sine).sqrt();
    let (before, after) = rail(90.0, 0.0, 0.0);
    let speed = before.velocity.length();
    let slip = speed * sine - RADIUS * roll_towards(&before, Vec2::new(0.0, 1.0));
    let push = (1.0 + e) * speed * cosine;
    let grip = (friction * push).min(slip.abs() / 3.5) * slip.signum();
    let expected = push * cosine + grip * sine - speed;
    row(
        "cushion: rebound of a sliding ball",
        expected,
        -after.velocity.y,
        1e-3,
    );
    // A rolling ball slips all the way at the nose, and has lost more once it rolls again.
    let (before, after) = rail(90.0, 1.0, 0.0);
    let up = Vec2::new(0.0, 1.0);
    let grip = friction * (1.0 + e) * cosine;
    let expected =
        (5.0 * ((1.0 + e) * cosine * cosine + grip * sine - 1.0) - 2.0 * (1.0 - 2.5 * grip)) / 7.0;
    let rolling = -(5.0 * after.velocity.y + 2.0 * RADIUS * roll_towards(&after, up)) / 7.0;
    row(
        "cushion: speed kept by a rolling ball",
        expected,
        rolling / before.velocity.y,
        1e-3,
    );
    assert!((0.5..0.65).contains(&expected), "{expected}");
    // Rebound angles, from the normal: running side opens the angle, check side closes it.
    let angle = |side: f64| {
        let (_, after) = rail(45.0, 1.0, side);
        (after.velocity.x / -after.velocity.y).atan().to_degrees()
    };
    let (check, plain, running) = (angle(-0.7), angle(0.0), angle(0.7));
    println!("cushion at 45°: check {check:.1}°, plain {plain:.1}°, running {running:.1}°");
    assert!(check + 1.0 < plain, "{check} {plain}");
    assert!(plain + 3.0 < running, "{plain} {running}");
    // A ball without side gets some: running, as a wheel along a road would.
    let (_, after) = rail(45.0, 1.0, 0.0);
    assert!(after.spin[2] > 1.0, "{:?}", after.spin);
}

/// Compares by the relative error; below 1 by the absolute one.
fn row(what: &str, expected: f64, found: f64, error_max: f64) {
    near(what, expected, found, error_max * expected.abs().max(1.0));
}

fn near(what: &str, expected: f64, found: f64, error_max: f64) {
    println!("{what}: expected {expected:.6}, found {found:.6}");
    let error = (found - expected).abs();
    // What is measured from places on the table is rounded to units.
    assert!(
        error <= error_max + 4.0 * UNIT,
        "{what}: expected {expected}, found {found}"
    );
}

/// A hall without pockets, large enough for every shot here.
fn hall() -> Table {
    let pool = Table::pool(PoolSize::NineFoot);
    let corner = |(x, y)| Corner {
        at: Vec2::new(x, y),
        radius: 0.0,
        cushion: 0,
    };
    let corners = [(-90.0, -90.0), (90.0, -90.0), (90.0, 90.0), (-90.0, 90.0)].map(corner);
    let mut table = Table::new(&corners);
    table.kinds = pool.kinds;
    table.materials = pool.materials;
    table.striker = pool.striker;
    table
}

/// Balls without loss and friction between them.
fn smooth() -> Table {
    let mut table = hall();
    table.materials.body_restitution = 1.0;
    table.materials.body_friction = Friction {
        floor: 0.0,
        rise: 0.0,
        fall: 0.0,
    };
    table
}

/// The cue's speed that gives this speed to a ball struck in the middle.
fn cue_speed(ball: f64) -> f64 {
    ball * (1.0 + 0.17 / 0.54) / 1.75
}

/// A shot at `angle` degrees; side and height as parts of the radius.
fn shot(angle: f64, speed: f64, side: f64, height: f64) -> Shot {
    let offset = |part: f64| (part / 0.5 * 32_767.0).round() as i16;
    Shot {
        angle: (angle / 360.0 * 4_294_967_296.0).round() as i64 as u32,
        power: (cue_speed(speed) / 8.2 * 65_535.0).round() as u16,
        side: offset(side),
        height: offset(height),
        ..Shot::default()
    }
}

struct Played {
    trace: Trace,
    outcome: Outcome,
    /// When the first two balls met, and the velocity that the first had then.
    contact: f64,
    before: Vec2,
}

impl Played {
    fn frame(&self, body: u8, seconds: f64) -> Frame {
        self.trace.frame(body, seconds).unwrap()
    }

    fn turns(&self, body: u8) -> Vec<f64> {
        self.trace.turns(body).collect()
    }

    fn frame_before(&self, body: u8) -> Frame {
        self.frame(body, self.contact - 1e-9)
    }

    /// Once it rolls.
    fn final_direction(&self, body: u8) -> Vec2 {
        let rolling = self.turns(body).into_iter().rev().nth(1).unwrap();
        self.frame(body, rolling).velocity
    }
}

fn play(table: &Table, balls: &[(f64, f64)], shot: Shot) -> Played {
    let body = |(x, y): &(f64, f64)| Body::new(0, Place::at(Vec2::new(*x, *y)));
    let mut state = State::new(balls.iter().map(body).collect());
    assert_eq!(state.check(table), Ok(()));
    let mut trace = Trace::default();
    let outcome = simulate_traced(table, &mut state, &shot, Limits::default(), &mut trace).unwrap();
    let contact = outcome.log.first().map_or(0.0, |entry| entry.seconds);
    let before = trace.frame(0, contact - 1e-9).unwrap().velocity;
    Played {
        trace,
        outcome,
        contact,
        before,
    }
}

/// A ball hits another at a cut angle of `cut` degrees, arriving with `roll` of natural roll and with side spin of
/// `side` · v / R. Returns the directions of both straight after. The object ball leaves to the left.
fn hit(table: &Table, cut: f64, roll: f64, side: f64) -> (Played, Vec2, Vec2) {
    hit_at(table, 1.2, cut, roll, side)
}

fn hit_at(table: &Table, speed: f64, cut: f64, roll: f64, side: f64) -> (Played, Vec2, Vec2) {
    // Close before the contact, so that what the cue gave is what arrives.
    let (sin, cos) = cut.to_radians().sin_cos();
    let object = (4.0 * UNIT + 2.0 * RADIUS * cos, 2.0 * RADIUS * sin);
    let played = play(
        table,
        &[(0.0, 0.0), object],
        shot(0.0, speed, 0.4 * side, 0.4 * roll),
    );
    assert!(!played.outcome.log.is_empty());
    let after = |body| played.frame(body, played.contact).velocity;
    let (cue, object) = (after(0), after(1));
    (played, cue, object)
}

/// A ball meets a cushion at `angle` degrees from its line, sliding without spin or rolling, with side of `side` · v / R.
/// Returns it before and after.
fn rail(angle: f64, roll: f64, side: f64) -> (Frame, Frame) {
    let start = (-20.0, 90.0 - RADIUS - 0.0001);
    let played = play(&hall(), &[start], shot(angle, 1.5, 0.4 * side, 0.4 * roll));
    let before = played.frame(0, played.contact - 1e-9);
    (before, played.frame(0, played.contact))
}

/// The part of the spin that rolls towards a direction.
fn roll_towards(frame: &Frame, towards: Vec2) -> f64 {
    Vec2::new(frame.spin[0], frame.spin[1]).dot(towards.left())
}

fn degrees(velocity: Vec2) -> f64 {
    velocity.y.atan2(velocity.x).to_degrees()
}

fn distance(one: Vec2, two: Vec2) -> f64 {
    (one - two).length()
}
