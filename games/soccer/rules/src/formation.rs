//! How a team stands at a kick-off.

use tagus_physics::{SOCCER_TEAM, Vec2};

/// A formation, as the team has it that defends the low end; the other stands mirrored at the middle.
#[derive(Clone, Copy, Debug)]
pub struct Formation {
    /// What it is called.
    pub name: &'static str,
    /// Where the discs stand, in metres.
    pub discs: [Vec2; SOCCER_TEAM],
}

/// The formations, by the number with which they are chosen.
pub static FORMATIONS: [Formation; 5] = [
    Formation {
        name: "two and two",
        discs: [
            Vec2::new(0.11, 0.66),
            Vec2::new(0.44, 0.3696),
            Vec2::new(0.44, 0.9504),
            Vec2::new(0.836, 0.4752),
            Vec2::new(0.836, 0.8448),
        ],
    },
    Formation {
        name: "diamond",
        discs: [
            Vec2::new(0.11, 0.66),
            Vec2::new(0.396, 0.66),
            Vec2::new(0.616, 0.3168),
            Vec2::new(0.616, 1.0032),
            Vec2::new(0.902, 0.66),
        ],
    },
    Formation {
        name: "wall",
        discs: [
            Vec2::new(0.11, 0.66),
            Vec2::new(0.352, 0.396),
            Vec2::new(0.352, 0.66),
            Vec2::new(0.352, 0.924),
            Vec2::new(0.836, 0.66),
        ],
    },
    Formation {
        name: "attack",
        discs: [
            Vec2::new(0.11, 0.66),
            Vec2::new(0.484, 0.66),
            Vec2::new(0.88, 0.2904),
            Vec2::new(0.924, 0.66),
            Vec2::new(0.88, 1.0296),
        ],
    },
    Formation {
        name: "two keepers",
        discs: [
            Vec2::new(0.11, 0.5544),
            Vec2::new(0.11, 0.7656),
            Vec2::new(0.33, 0.396),
            Vec2::new(0.33, 0.924),
            Vec2::new(0.792, 0.66),
        ],
    },
];
