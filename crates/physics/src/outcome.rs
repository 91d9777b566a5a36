//! What a shot did, in the words of the rules.

use alloc::vec::Vec;

use crate::state::State;

/// What a shot did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// What happened, in order.
    pub log: Vec<Entry>,
    /// Seconds until the last body rested.
    pub seconds: f64,
    /// Events simulated, changes from sliding to rolling and to rest among them.
    pub event_count: u32,
    /// Whether the shot was cut short by [`Limits`](crate::Limits).
    pub is_cut: bool,
    /// 64 bits over the end state, the log without its speeds, and the time in microseconds. Two simulations that agree
    /// on it agree on everything a rule may ask.
    pub hash: u64,
}

/// One thing that happened.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Entry {
    /// Seconds since the shot.
    pub seconds: f64,
    /// The speed of the approach in m/s, 0 or above; how loud it was.
    pub speed: f64,
    /// What it was.
    pub what: Happening,
}

/// What may happen, with the numbers of the bodies.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Happening {
    /// Two bodies met; the lower number comes first.
    Contact(u8, u8),
    /// A body met a wall of this cushion. 255 is what counts as none.
    Cushion(u8, u8),
    /// A body went into this pocket.
    Pocketed(u8, u8),
}

impl Outcome {
    /// The body that this one met first, in whichever way.
    #[must_use]
    pub fn first_contact(&self, body: u8) -> Option<u8> {
        self.log.iter().find_map(|entry| match entry.what {
            Happening::Contact(one, two) if one == body => Some(two),
            Happening::Contact(one, two) if two == body => Some(one),
            Happening::Contact(..) | Happening::Cushion(..) | Happening::Pocketed(..) => None,
        })
    }

    /// Bodies and the pockets they went into, in order.
    pub fn pocketed(&self) -> impl Iterator<Item = (u8, u8)> + '_ {
        self.log.iter().filter_map(|entry| match entry.what {
            Happening::Pocketed(body, pocket) => Some((body, pocket)),
            Happening::Contact(..) | Happening::Cushion(..) => None,
        })
    }

    /// The bodies that met a cushion, a bit each.
    #[must_use]
    pub fn cushioned(&self) -> u32 {
        cushioned(&self.log)
    }

    /// The bodies that met a cushion after `body` first met another one, a bit each; none if it met no other.
    #[must_use]
    pub fn cushioned_after_contact(&self, body: u8) -> u32 {
        let is_contact = |entry: &Entry| matches!(entry.what, Happening::Contact(one, two) if one == body || two == body);
        let first = self.log.iter().position(is_contact);
        first.map_or(0, |index| cushioned(&self.log[index..]))
    }

    pub(crate) fn seal(&mut self, state: &State) {
        let mut hash = Fnv::new();
        for body in state.bodies() {
            let (place, x, y) = body.place.numbers();
            hash.write(&[body.kind, place]);
            hash.write(&x.to_le_bytes());
            hash.write(&y.to_le_bytes());
        }
        for entry in &self.log {
            hash.write(&entry.what.numbers());
        }
        hash.write(&((self.seconds * 1e6) as u64).to_le_bytes());
        self.hash = hash.0;
    }
}

impl Happening {
    /// Which it is (0 a contact, 1 a cushion, 2 a pocket), and its two numbers.
    #[must_use]
    pub fn numbers(self) -> [u8; 3] {
        match self {
            Self::Contact(one, two) => [0, one, two],
            Self::Cushion(body, cushion) => [1, body, cushion],
            Self::Pocketed(body, pocket) => [2, body, pocket],
        }
    }
}

fn cushioned(log: &[Entry]) -> u32 {
    log.iter().fold(0, |bodies, entry| match entry.what {
        Happening::Cushion(body, cushion) if cushion != u8::MAX => bodies | 1 << body,
        Happening::Cushion(..) | Happening::Contact(..) | Happening::Pocketed(..) => bodies,
    })
}

/// FNV-1a of 64 bits. It finds differences; it is no defence against somebody who makes them on purpose, and need not be:
/// the server compares with its own simulation and takes nothing from a hash.
struct Fnv(u64);

impl Fnv {
    fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}
