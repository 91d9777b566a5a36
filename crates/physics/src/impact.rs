//! What two bodies, or a body and a wall, do to each other: impulses.

use crate::motion::{Moment, slip};
use crate::number::{decay, sqrt};
use crate::table::{Kind, Materials, Surface};
use crate::vector::Vec2;

/// Two bodies that touch: the first one's kind and moment, then the other's. Returns the speed of the approach.
///
/// Restitution along the line of centres, Coulomb friction across it and along the vertical, at most what ends the
/// slip. The vertical part turns the balls and does not lift them. Friction falls with the speed of the slip, which is
/// what makes slow shots throw more. Source: Alciatore, TP A.14, "The effects of cut angle, speed, and spin on object
/// ball throw", with its measured friction.
pub(crate) fn of_bodies(
    materials: &Materials,
    kinds: (&Kind, &Kind),
    one: &mut Moment,
    two: &mut Moment,
) -> f64 {
    let normal = (two.at - one.at).unit();
    let before = kinds.0.energy(one.velocity, one.spin) + kinds.1.energy(two.velocity, two.spin);
    let approach = (one.velocity - two.velocity).dot(normal);
    let approach = if approach > 0.0 { approach } else { 0.0 };
    let pressing =
        pressing(materials, kinds.0, one, normal) + pressing(materials, kinds.1, two, -normal);
    let apart = parting(materials.body_restitution * approach, pressing);
    let inverse = 1.0 / kinds.0.mass + 1.0 / kinds.1.mass;
    let push = (approach + apart) / inverse;

    let tangent = normal.left();
    let across = (one.velocity - two.velocity).dot(tangent)
        + kinds.0.radius * one.spin[2]
        + kinds.1.radius * two.spin[2];
    let upwards = rising(kinds.0, one, normal) + rising(kinds.1, two, normal);
    let slip = sqrt(across * across + upwards * upwards);
    let friction = &materials.body_friction;
    let coefficient = friction.floor + friction.rise * decay(friction.fall * slip);
    // Bodies of a table are of one stiffness, or of two that differ little: the larger never overshoots.
    let stiffness = larger(kinds.0.stiffness(), kinds.1.stiffness());
    let grip = smaller(coefficient * push, slip / ((1.0 + stiffness) * inverse));
    let (across, upwards) = if slip > 0.0 {
        (-grip * across / slip, -grip * upwards / slip)
    } else {
        (0.0, 0.0)
    };

    let impulse = tangent * across - normal * push;
    one.velocity = one.velocity + impulse * (1.0 / kinds.0.mass);
    two.velocity = two.velocity - impulse * (1.0 / kinds.1.mass);
    for (kind, moment) in [(kinds.0, &mut *one), (kinds.1, &mut *two)] {
        let lever = kind.stiffness() / (kind.mass * kind.radius);
        moment.spin[0] += lever * upwards * normal.y;
        moment.spin[1] -= lever * upwards * normal.x;
        moment.spin[2] += lever * across;
    }
    let after = kinds.0.energy(one.velocity, one.spin) + kinds.1.energy(two.velocity, two.spin);
    if after > before {
        let factor = sqrt(before / after);
        one.slow(factor);
        two.slow(factor);
    }
    approach
}

/// A body that touches a wall; `normal` points from the wall to it, and `curvature` in 1/m is that of the path along a
/// hollow wall. Returns the speed of the approach.
///
/// The nose of the cushion touches a ball above its middle. Restitution acts along the line from there to the middle,
/// friction across it, at most what ends the slip; the cloth keeps the ball down.
/// Source: Han, "Dynamics in carom and three cushion billiards" (2005).
pub(crate) fn of_wall(
    materials: &Materials,
    kind: &Kind,
    body: &mut Moment,
    normal: Vec2,
    curvature: f64,
) -> f64 {
    let before = kind.energy(body.velocity, body.spin);
    // The frame of the source: x into the wall, y to the left of that, z up.
    let (x, y) = (-normal, -normal.left());
    let into = body.velocity.dot(x);
    let into = if into > 0.0 { into } else { 0.0 };
    let along_wall = body.velocity.dot(y);
    let pressing = pressing(materials, kind, body, x) + along_wall * along_wall * curvature;
    let spin = Vec2::new(body.spin[0], body.spin[1]);
    let (spin_x, spin_y) = (spin.dot(x), spin.dot(y));
    let (sine, cosine, rolling) = if kind.is_ball() {
        let sine = materials.nose_sine;
        let cosine = sqrt(1.0 - sine * sine);
        (sine, cosine, into * sine + kind.radius * spin_y)
    } else {
        (0.0, 1.0, 0.0)
    };
    let across = along_wall + kind.radius * (body.spin[2] * cosine - spin_x * sine);
    let slip = sqrt(rolling * rolling + across * across);
    let push = (1.0 + materials.wall_restitution) * kind.mass * into * cosine;
    let grip = smaller(
        materials.wall_friction * push,
        slip * kind.mass / (1.0 + kind.stiffness()),
    );
    let (along, across) = if slip > 0.0 {
        (-grip * rolling / slip, -grip * across / slip)
    } else {
        (0.0, 0.0)
    };
    let impulse = (along * sine - push * cosine, across);
    let lever = kind.stiffness() / (kind.mass * kind.radius);
    let turned = x * (-lever * sine * across) + y * (lever * along);
    body.spin[0] += turned.x;
    body.spin[1] += turned.y;
    body.spin[2] += lever * cosine * across;
    let out = impulse.0 / kind.mass + into;
    let parting = parting(-out, pressing);
    let sideways = along_wall + impulse.1 / kind.mass;
    body.velocity = y * sideways - x * parting;
    let after = kind.energy(body.velocity, body.spin);
    if after > before {
        body.slow(sqrt(before / after));
    }
    into
}

impl Moment {
    #[inline(never)]
    fn slow(&mut self, factor: f64) {
        self.velocity = self.velocity * factor;
        for part in &mut self.spin {
            *part *= factor;
        }
    }
}

/// How fast the surface of a ball that faces `normal`, or its opposite, moves up. Discs do not turn that way.
fn rising(kind: &Kind, moment: &Moment, normal: Vec2) -> f64 {
    if kind.is_ball() {
        kind.radius * (moment.spin[0] * normal.y - moment.spin[1] * normal.x)
    } else {
        0.0
    }
}

/// How strongly the friction of its own spin drives a ball towards `towards`, in m/s².
fn pressing(materials: &Materials, kind: &Kind, moment: &Moment, towards: Vec2) -> f64 {
    let Surface::Ball { sliding, .. } = kind.surface else {
        return 0.0;
    };
    let slip = slip(kind, moment);
    let length = slip.length();
    let drive = -slip.dot(towards);
    if drive > 0.0 && length > 0.0 {
        sliding * materials.gravity * drive / length
    } else {
        0.0
    }
}

/// The speed at which bodies part: by restitution, but fast enough that what presses them together takes
/// [`SECONDS_APART`] to bring them back. That bounds the number of impacts in a second, which restitution alone does not.
fn parting(by_restitution: f64, pressing: f64) -> f64 {
    let least = PARTING_MIN + 0.5 * SECONDS_APART * pressing;
    larger(by_restitution, least)
}

fn larger(a: f64, b: f64) -> f64 {
    if b > a { b } else { a }
}

fn smaller(a: f64, b: f64) -> f64 {
    if b < a { b } else { a }
}

/// In m/s.
const PARTING_MIN: f64 = 2e-5;
const SECONDS_APART: f64 = 4e-3;
