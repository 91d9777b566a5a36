//! What one viewer has, and the snapshot that brings it up to date.

use alloc::vec::Vec;

use tagus_base::Tick;

use crate::bits::{BitReader, put_varint};
use crate::cell::EVERYWHERE;
use crate::sight::{Open, Settled};
use crate::world::World;

/// What a viewer is to see of a world in this frame.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The middle of what it sees, in units.
    pub centre: [f64; 2],
    /// Half of the width and height that it sees, in units.
    /// What is drawn larger than a point is seen whole when the largest radius is added.
    pub half: [f64; 2],
    /// It sees the entities whose mask shares a bit with this one, and those that everybody sees.
    pub mask: u32,
    /// The entity that it steers.
    pub own_id: Option<u32>,
    /// The newest of its inputs that the room has worked in, by whatever number inputs have.
    pub last_input: u32,
    /// Its own state as exactly as its prediction needs it, in a form that room and client agree on;
    /// at most [`OWN_BYTES_MAX`] bytes, what is longer is cut. Sent when it is not as it was.
    pub own: &'a [u8],
    /// Once a snapshot is so long, further cells wait for the next one; a cell that is longer by itself is told in parts.
    /// News of what is in sight is never put off. For a [`crate::SlotViewer`] it is the hard limit of all that is sent.
    pub bytes_max: usize,
    /// In a crowd the view shrinks: cells that would make it more than so many entities wait, the farthest ones,
    /// and are closed when it is a quarter more. The nearest cell is seen whatever is in it,
    /// and so is what is seen everywhere, which does not count.
    /// For a [`crate::SlotViewer`] it is how many entities are in sight, whatever they are: those that are most urgent.
    pub entities_max: usize,
}

impl View<'_> {
    fn own_bytes(&self) -> &[u8] {
        &self.own[..self.own.len().min(OWN_BYTES_MAX)]
    }
}

/// Appends what a viewer is told of itself.
pub(crate) fn put_own(view: &View<'_>, out: &mut Vec<u8>) {
    let own = view.own_bytes();
    put_varint(out, view.own_id.map_or(0, |id| u64::from(id) + 1));
    put_varint(out, u64::from(view.last_input));
    put_varint(out, own.len() as u64);
    out.extend_from_slice(own);
}

/// What one viewer has been sent. Outside the room's state, one for each connection that sees the room.
///
/// It belongs to one world. It assumes that what [`encode`](Self::encode) appended arrives, wholly and in order, as on TCP and WebSocket.
/// While an earlier snapshot is still unwritten, do not encode another: the next one catches up.
/// When a snapshot was thrown away, say [`reset`](Self::reset). Nothing needs to be said when a viewer is dropped.
#[derive(Debug, Default)]
pub struct Viewer {
    /// The frame that it has; 0 before the first.
    frame: u64,
    /// What it has, in the order that the client has it in too.
    open: Vec<Open>,
    /// Of the last open cell, how many entities it has, when that is not all: so far only these were told.
    part: Option<usize>,
    /// As when `open` was last made to agree with a view.
    settled: Option<Settled>,
    own_id: Option<u32>,
    last_input: u32,
    own: Vec<u8>,
}

impl Viewer {
    /// A viewer that has nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The last snapshot will not arrive: the next one starts anew.
    pub const fn reset(&mut self) {
        self.frame = 0;
    }

    /// It waits for cells that did not fit into its last snapshot.
    #[must_use]
    pub const fn is_waiting(&self) -> bool {
        self.settled.is_none()
    }

    /// Appends a snapshot that brings it from what it has to the world's last frame, of which there must be one.
    /// Its layout is in `FORMAT.md`.
    pub fn encode(&mut self, world: &mut World, view: &View<'_>, out: &mut Vec<u8>) {
        let begin = out.len();
        let is_whole = self.frame == 0 || !world.can_continue(self.frame);
        if is_whole {
            *self = Self { ..Self::default() };
        }
        let frame = world.frame();
        let mut flags = if is_whole { FLAG_WHOLE } else { 0 };
        out.extend_from_slice(&[0, frame as u8]);
        if is_whole {
            put_varint(out, world.tick().0);
        }
        if self.put_own(view, is_whole, out) {
            flags |= FLAG_OWN;
        }
        let settled = Settled::of(world, view);
        let farthest = self.farthest(world, view);
        let moved = self.settled != Some(settled) || farthest.is_some();
        if moved && self.put_closed(world, view, &settled, farthest, out) {
            flags |= FLAG_CLOSED;
        }
        if !is_whole {
            for step in self.frame + 1..=frame {
                self.put_deltas(world, step, out);
            }
        }
        for open in &self.open {
            world.watch(open.cell);
        }
        if moved {
            let told = self.part;
            let is_part =
                told.is_some_and(|told| self.put_part(world, told, view.bytes_max, begin, out));
            let waits = is_part || self.put_opened(world, view, &settled, begin, out);
            flags |= if waits { FLAG_WAITING } else { 0 };
            self.settled = (!waits).then_some(settled);
        }
        if self.part.is_some() {
            flags |= FLAG_PART;
        }
        out[begin] = flags;
        self.frame = frame;
    }

    /// Appends its own state. Nothing is appended, and the answer is no, when it is as before.
    fn put_own(&mut self, view: &View<'_>, is_whole: bool, out: &mut Vec<u8>) -> bool {
        let own = view.own_bytes();
        let is_same = self.own_id == view.own_id && self.last_input == view.last_input;
        let is_same = is_same && self.own.len() == own.len() && (own.is_empty() || self.own == own);
        if is_same && !is_whole {
            return false;
        }
        put_own(view, out);
        self.own_id = view.own_id;
        self.last_input = view.last_input;
        self.own.clear();
        self.own.extend_from_slice(own);
        true
    }

    /// In a crowd, the last cell that stays open, by its distance; none when there is no crowd.
    fn farthest(&self, world: &World, view: &View<'_>) -> Option<(u32, u32)> {
        let counts = self.open.iter().map(|open| open.count(world));
        if counts.sum::<usize>() <= view.entities_max.saturating_add(view.entities_max / 4) {
            return None;
        }
        let key = |open: &Open| (open.distance(world, view), *open);
        let mut ordered: Vec<(u32, Open)> = self.open.iter().map(key).collect();
        ordered.sort_unstable_by_key(|(distance, open)| (*distance, open.cell));
        let mut seen = 0;
        let fits = |(_, open): &&(u32, Open)| {
            let is_first = seen == 0;
            seen += open.count(world);
            is_first || seen <= view.entities_max
        };
        let (distance, open) = ordered.iter().take_while(fits).last()?;
        Some((*distance, open.cell))
    }

    /// Closes what is out of sight: how many, then the place of each in the list, as the distance from the one before.
    fn put_closed(
        &mut self,
        world: &World,
        view: &View<'_>,
        settled: &Settled,
        farthest: Option<(u32, u32)>,
        out: &mut Vec<u8>,
    ) -> bool {
        let stays = |open: &Open| {
            let fits = farthest.is_none_or(|last| (open.distance(world, view), open.cell) <= last);
            settled.keeps(world, open) && fits
        };
        let count = self.open.iter().filter(|open| !stays(open)).count();
        if count == 0 {
            return false;
        }
        put_varint(out, count as u64);
        if !self.open.last().is_some_and(stays) {
            self.part = None;
        }
        let mut stayed = 0;
        self.open.retain(|open| {
            let stays = stays(open);
            if stays {
                stayed += 1;
            } else {
                put_varint(out, stayed);
                stayed = 0;
            }
            stays
        });
        true
    }

    /// For one frame: a bit for each open cell that says whether it has news, then the news.
    fn put_deltas(&mut self, world: &World, frame: u64, out: &mut Vec<u8>) {
        let news = out.len();
        out.resize(news + self.open.len().div_ceil(8), 0);
        for (index, open) in self.open.iter().enumerate() {
            let delta = world.delta(frame, open.cell);
            if delta.is_empty() {
                continue;
            }
            out[news + index / 8] |= 1 << (index % 8);
            if index + 1 == self.open.len()
                && let Some(told) = &mut self.part
            {
                // The client cannot read what it says of those that were not told, and passes over it.
                put_varint(out, delta.len() as u64);
                *told -= gone_before(delta, *told);
            }
            out.extend_from_slice(delta);
        }
    }

    /// Opens what has come into sight, the nearest first. Answers whether some must wait.
    fn put_opened(
        &mut self,
        world: &mut World,
        view: &View<'_>,
        settled: &Settled,
        begin: usize,
        out: &mut Vec<u8>,
    ) -> bool {
        let mut missing = world.take_scratch();
        missing.clear();
        world.mark(self.open.iter().map(|open| open.cell));
        let squares = settled.enter.squares(&world.schema().squares);
        for square in core::iter::once(EVERYWHERE).chain(squares) {
            for cell in world.cells_of(square, settled.mask) {
                let open = Open { cell, square };
                if !world.is_marked(cell) {
                    missing.push((open.distance(world, view), open));
                }
            }
        }
        missing.sort_unstable_by_key(|(distance, open)| (*distance, open.cell));
        let mut waits = false;
        let first = out.len();
        let mut seen: usize = self.open.iter().map(|open| open.count(world)).sum();
        for (_, open) in &missing {
            let is_full = out.len() - begin >= view.bytes_max && out.len() > first;
            let is_first = seen == 0;
            seen += open.count(world);
            let is_crowd = seen > view.entities_max && !is_first;
            if is_full || is_crowd || self.open.len() >= CELLS_MAX {
                waits = true;
                break;
            }
            self.open.push(*open);
            let is_whole = world.put_whole(open.cell, view.bytes_max, out);
            if !is_whole && self.put_part(world, 0, view.bytes_max, begin, out) {
                waits = true;
                break;
            }
        }
        world.give_scratch(missing);
        waits
    }

    /// Tells more of the last cell than the first `told` entities. Answers whether there is still more.
    fn put_part(
        &mut self,
        world: &World,
        told: usize,
        bytes_max: usize,
        begin: usize,
        out: &mut Vec<u8>,
    ) -> bool {
        let room = bytes_max.saturating_sub(out.len() - begin);
        let room = room.max(bytes_max / 4);
        let last = self.open.last();
        self.part = last.and_then(|open| world.put_part(open.cell, told, room, out));
        self.part.is_some()
    }

    /// The tick that it has, were all that was encoded delivered; none before the first.
    #[must_use]
    pub fn tick(&self, world: &World) -> Option<Tick> {
        let missed = world.frame().checked_sub(self.frame)?;
        let ticks = missed * u64::from(world.schema().frame_ticks());
        (self.frame > 0).then(|| Tick(world.tick().0.saturating_sub(ticks)))
    }
}

/// How many of the first `count` entities of a cell are gone by its delta.
fn gone_before(delta: &[u8], count: usize) -> usize {
    let mut reader = BitReader::new(delta);
    let (mut at, mut gone) = (0, 0);
    while let Ok(true) = reader.flag()
        && let Ok(stayed) = reader.golomb(0)
    {
        at += stayed as usize;
        gone += usize::from(at < count);
        at += 1;
    }
    gone
}

/// Length at most of a viewer's own state.
pub const OWN_BYTES_MAX: usize = 256;
/// Cells that a viewer has at most; further ones wait.
pub const CELLS_MAX: usize = 4_096;
/// All that the client has is forgotten first.
pub(crate) const FLAG_WHOLE: u8 = 1;
/// The own state follows.
pub(crate) const FLAG_OWN: u8 = 2;
/// A list of closed cells follows.
pub(crate) const FLAG_CLOSED: u8 = 4;
/// More of what is in view comes with the next snapshots.
pub(crate) const FLAG_WAITING: u8 = 8;
/// The last cell is told in part: more of it comes with the next snapshots.
pub(crate) const FLAG_PART: u8 = 32;
