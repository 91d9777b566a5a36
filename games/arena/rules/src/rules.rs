//! The numbers of the game and what follows from them alone. Ticks are of 40 ms.

/// Ticks per second.
pub const TICK_RATE_HZ: u8 = 25;
/// Cells of one player at most; what would make more does nothing.
pub const CELLS_PER_PLAYER_MAX: usize = 16;
/// Mass of one cell at most; what is eaten beyond it is lost.
pub const MASS_MAX: f32 = 22_500.0;
/// Ejected pieces in the world at most; when full the oldest vanishes.
pub const EJECTED_MAX: usize = 4_000;

/// Mass of a pellet.
pub(crate) const PELLET_MASS: f32 = 1.0;
/// Radius of a pellet.
pub(crate) const PELLET_RADIUS: f32 = 10.0;
/// A cell is larger than another when its radius is at least this many times the other's.
pub(crate) const LARGER: f32 = 1.15;
/// The part of the eaten one's radius that must be inside the eater.
pub(crate) const COVERED: f32 = 0.4;
/// Mass a cell needs to split.
pub(crate) const SPLIT_MASS_MIN: f32 = 36.0;
/// Distance a split's or ejection's impulse carries, in units.
pub(crate) const BOOST: f32 = 780.0;
/// Distance a burst carries the pieces, in units.
pub(crate) const BURST_BOOST: f32 = 600.0;
/// The part of its remaining boost that a body moves each tick.
pub(crate) const BOOST_DECAY: f32 = 1.0 / 9.0;
/// Mass a cell needs to eject.
pub(crate) const EJECT_MASS_MIN: f32 = 36.0;
/// Mass that ejecting costs.
pub(crate) const EJECT_COST: f32 = 18.0;
/// Mass of an ejected piece.
pub(crate) const EJECTED_MASS: f32 = 14.0;
/// Ticks between two ejections of one player.
pub(crate) const EJECT_EVERY_TICKS: u64 = 3;
/// Splits of one player in one tick at most; more are dropped.
pub(crate) const SPLITS_PER_TICK_MAX: u8 = 4;
/// Ticks in which fresh cells of one player pass through each other.
pub(crate) const PASS_TICKS: u32 = 13;
/// Mass of a virus that was not fed.
pub(crate) const VIRUS_MASS: f32 = 100.0;
/// Ejected pieces that make a virus shoot another.
pub(crate) const VIRUS_FEED: u8 = 7;
/// Mass of the smallest piece of a burst.
pub(crate) const BURST_MASS_MIN: f32 = 18.0;
/// Cells above this mass lose some every tick.
pub(crate) const DECAY_MASS_MIN: f32 = 50.0;
/// The part of its mass that a large cell loses each tick: 0.2 % a second, and as much again for each
/// [`DECAY_DOUBLES_MASS`], so that nobody holds a small world for ever.
pub(crate) const DECAY: f32 = 0.000_08;
/// Mass at which decay is twice as quick.
pub(crate) const DECAY_DOUBLES_MASS: f32 = 500.0;
/// Ticks in which an emptied world has its pellets again.
pub(crate) const PELLET_REGROW_TICKS: usize = 250;
/// Ticks after which a dead bot plays again.
pub(crate) const BOT_RESPAWN_TICKS: u64 = 50;

/// Radius of a body of this mass, in units: its square is a hundred times the mass.
#[must_use]
pub fn radius_of(mass: f32) -> f32 {
    (mass * 100.0).sqrt()
}

/// Units a cell of this radius moves in a tick: 88 × radius^(-7/16).
pub(crate) fn speed_of(radius: f32) -> f32 {
    let root = radius.sqrt();
    let sixteenth = root.sqrt().sqrt().sqrt();
    88.0 * sixteenth / root
}

/// Age at which a cell of this radius may merge again, in ticks: 30 s and half a tick for each unit.
pub(crate) fn merge_age(radius: f32) -> u32 {
    750 + (radius * 0.5) as u32
}

/// How many times wider than the smallest view that of cells with these radii in sum is: (sum ÷ 64)^(3/8), at least 1.
pub(crate) fn zoom_of(radius_sum: f32) -> f32 {
    let ratio = (radius_sum / 64.0).max(1.0);
    let quarter = ratio.sqrt().sqrt();
    quarter * quarter.sqrt()
}

/// Sixteen directions of length 1, in order around the circle.
pub(crate) const DIRECTIONS: [(f32, f32); 16] = [
    (1.0, 0.0),
    (0.923_879_5, 0.382_683_43),
    (0.707_106_77, 0.707_106_77),
    (0.382_683_43, 0.923_879_5),
    (0.0, 1.0),
    (-0.382_683_43, 0.923_879_5),
    (-0.707_106_77, 0.707_106_77),
    (-0.923_879_5, 0.382_683_43),
    (-1.0, 0.0),
    (-0.923_879_5, -0.382_683_43),
    (-0.707_106_77, -0.707_106_77),
    (-0.382_683_43, -0.923_879_5),
    (0.0, -1.0),
    (0.382_683_43, -0.923_879_5),
    (0.707_106_77, -0.707_106_77),
    (0.923_879_5, -0.382_683_43),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_stand_in_for_powers() {
        for radius in [32.0_f32, 100.0, 316.0, 1_500.0] {
            let exact = 88.0 * f64::from(radius).powf(-7.0 / 16.0);
            assert!(
                (f64::from(speed_of(radius)) - exact).abs() < 1e-3,
                "{radius}"
            );
            let zoom = (f64::from(radius) / 64.0).max(1.0).powf(0.375);
            assert!((f64::from(zoom_of(radius)) - zoom).abs() < 1e-3, "{radius}");
        }
    }

    #[test]
    fn directions_have_length_one() {
        for (x, y) in DIRECTIONS {
            assert!((x * x + y * y - 1.0).abs() < 1e-6);
        }
    }

    #[test]
    fn larger_is_slower_and_merges_later() {
        assert!(speed_of(radius_of(20.0)) > speed_of(radius_of(21.0)));
        assert_eq!(merge_age(radius_of(25.0)), 775);
        assert_eq!(radius_of(MASS_MAX), 1_500.0);
    }
}
