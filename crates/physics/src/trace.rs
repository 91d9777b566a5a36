//! The motion of a shot, kept for drawing it.

use alloc::vec::Vec;

use crate::motion::Motion;
use crate::vector::Vec2;

/// Every phase of every body's motion: where each is at any time of the shot.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    // By body, each in order of its start.
    phases: Vec<Vec<Phase>>,
    seconds: f64,
}

#[derive(Clone, Debug)]
struct Phase {
    motion: Motion,
    pocket: Option<u8>,
}

/// One body at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Frame {
    /// The position in metres.
    pub at: Vec2,
    /// In m/s.
    pub velocity: Vec2,
    /// In rad/s; the third part is about the vertical.
    pub spin: [f64; 3],
    /// The pocket it has gone into; it then stands still in the middle of it.
    pub pocket: Option<u8>,
}

impl Trace {
    /// Seconds until the last body rests.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.seconds
    }

    /// How many bodies there are.
    #[must_use]
    pub fn body_count(&self) -> usize {
        self.phases.len()
    }

    /// A body at a time, in seconds since the shot; before and after the shot it stands still.
    /// `None` for one that was never on the table.
    #[must_use]
    pub fn frame(&self, body: u8, seconds: f64) -> Option<Frame> {
        let phases = self.phases.get(usize::from(body))?;
        let seconds = if seconds > self.seconds {
            self.seconds
        } else {
            seconds
        };
        let after = phases.partition_point(|phase| phase.motion.start <= seconds);
        let phase = phases.get(after.saturating_sub(1))?;
        let start = phase.motion.start;
        let moment = phase
            .motion
            .moment(if seconds > start { seconds } else { start });
        Some(Frame {
            at: moment.at,
            velocity: moment.velocity,
            spin: moment.spin,
            pocket: phase.pocket,
        })
    }

    /// When each phase of a body begins, in seconds, in order. Between two of them its path is one curve.
    pub fn turns(&self, body: u8) -> impl Iterator<Item = f64> + '_ {
        let phases = self.phases.get(usize::from(body));
        phases.into_iter().flatten().map(|phase| phase.motion.start)
    }

    pub(crate) fn clear(&mut self, body_count: usize) {
        self.seconds = 0.0;
        self.phases.clear();
        self.phases.resize(body_count, Vec::new());
    }

    pub(crate) fn push(&mut self, body: usize, motion: Motion, pocket: Option<u8>) {
        let phases = &mut self.phases[body];
        // Of two phases that begin together only the last was ever seen.
        if phases
            .last()
            .is_some_and(|last| last.motion.start == motion.start)
        {
            phases.pop();
        }
        phases.push(Phase { motion, pocket });
    }

    pub(crate) fn end(&mut self, seconds: f64) {
        self.seconds = seconds;
    }
}
