//! Where balls may be put.

use tagus_physics::{Place, State, Table, UNITS_PER_METRE, Vec2};

/// The cue ball.
pub(crate) const CUE: u8 = 0;

/// The head string: behind it, `x` is at most this.
pub(crate) fn head_string(table: &Table) -> i32 {
    match Place::at(table.head_spot()) {
        Place::On { x, .. } => x,
        Place::Pocket(_) | Place::Off => 0,
    }
}

/// Puts a ball back: on the foot spot, or as near to it as it fits on the line towards the foot cushion; where that is
/// full, on the line towards the head.
pub(crate) fn spot(table: &Table, state: &mut State, ball: u8) {
    let foot = table.foot_spot();
    let below = (0..).map(|index| foot.x + STEP * f64::from(index));
    let above = (1..).map(|index| foot.x - STEP * f64::from(index));
    let below = below.take_while(|x| *x < table.size.x);
    let above = above.take_while(|x| *x > 0.0);
    for x in below.chain(above) {
        if state
            .put(table, ball, Place::at(Vec2::new(x, foot.y)))
            .is_ok()
        {
            return;
        }
    }
}

pub(crate) fn is_on(state: &State, ball: u8) -> bool {
    matches!(state.place(ball), Place::On { .. })
}

/// Half a millimetre or so.
const STEP: f64 = 512.0 / UNITS_PER_METRE as f64;
