//! What entities were in the last frames: the states that viewers name as what a client is known to have.

use alloc::vec::Vec;

use crate::axis::Axis;
use crate::cell::Table;

/// The states of all entities in those of the last [`PAST`] frames in which a viewer asked for them.
#[derive(Debug, Default)]
pub(crate) struct Past {
    ring: [Kept; PAST],
}

#[derive(Debug, Default)]
struct Kept {
    frame: u64,
    /// By slot, as the table has them.
    axes: Vec<Axis>,
}

impl Past {
    /// Keeps what entities are in this frame.
    pub(crate) fn keep(&mut self, table: &Table) {
        let kept = &mut self.ring[table.frame as usize % PAST];
        if kept.frame != table.frame {
            kept.frame = table.frame;
            kept.axes.clear();
            kept.axes.extend_from_slice(table.all_known());
        }
    }

    /// What the entity in a slot was in a frame that was kept and is less than [`PAST`] frames ago.
    #[inline]
    pub(crate) fn axes(&self, frame: u64, slot: u32, stride: usize) -> &[Axis] {
        let kept = &self.ring[frame as usize % PAST];
        debug_assert_eq!(kept.frame, frame, "it was kept");
        let begin = slot as usize * stride;
        &kept.axes[begin..begin + stride]
    }
}

/// Frames that are kept.
pub(crate) const PAST: usize = 32;
