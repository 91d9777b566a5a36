//! What one viewer has, and the snapshot that brings it up to date.

use alloc::vec::Vec;

use tagus_base::Tick;

use crate::bits::put_varint;
use crate::cell::EVERYWHERE;
use crate::schema::Squares;
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
    /// Once a snapshot is so long, further cells wait for the next one.
    pub bytes_max: usize,
    /// In a crowd the view shrinks: cells that would make it more than so many entities wait, the farthest ones,
    /// and are closed when it is a quarter more. The nearest cell is seen whatever is in it,
    /// and so is what is seen everywhere, which does not count.
    pub entities_max: usize,
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
    /// As when `open` was last made to agree with a view.
    settled: Option<Settled>,
    own_id: Option<u32>,
    last_input: u32,
    own: Vec<u8>,
}

/// A cell that a viewer has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Open {
    cell: u32,
    square: u32,
}

impl Open {
    /// How far it is from the middle of the view; what is in no square is nowhere far.
    fn distance(&self, world: &World, view: &View<'_>) -> u32 {
        let squares = &world.schema().squares;
        match self.square {
            EVERYWHERE => 0,
            square => 1 + squares.distance(squares.square_of(view.centre), square),
        }
    }

    /// How many entities in it count towards a crowd.
    fn count(&self, world: &World) -> usize {
        match self.square {
            EVERYWHERE => 0,
            _ => world.count_in(self.cell),
        }
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Settled {
    layout: u64,
    mask: u32,
    enter: Area,
    stay: Area,
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
            let waits = self.put_opened(world, view, &settled, begin, out);
            flags |= if waits { FLAG_WAITING } else { 0 };
            self.settled = (!waits).then_some(settled);
        }
        out[begin] = flags;
        self.frame = frame;
    }

    /// Appends its own state. Nothing is appended, and the answer is no, when it is as before.
    fn put_own(&mut self, view: &View<'_>, is_whole: bool, out: &mut Vec<u8>) -> bool {
        let own = &view.own[..view.own.len().min(OWN_BYTES_MAX)];
        let is_same = self.own_id == view.own_id && self.last_input == view.last_input;
        let is_same = is_same && self.own.len() == own.len() && (own.is_empty() || self.own == own);
        if is_same && !is_whole {
            return false;
        }
        put_varint(out, view.own_id.map_or(0, |id| u64::from(id) + 1));
        put_varint(out, u64::from(view.last_input));
        put_varint(out, own.len() as u64);
        out.extend_from_slice(own);
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
        let squares = &world.schema().squares;
        let stays = |open: &Open| {
            let is_seen = world.cell_is_seen(open.cell, settled.mask);
            let fits = farthest.is_none_or(|last| (open.distance(world, view), open.cell) <= last);
            let is_near = open.square == EVERYWHERE || settled.stay.has(squares, open.square);
            is_seen && is_near && fits
        };
        let count = self.open.iter().filter(|open| !stays(open)).count();
        if count == 0 {
            return false;
        }
        put_varint(out, count as u64);
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
    fn put_deltas(&self, world: &World, frame: u64, out: &mut Vec<u8>) {
        let news = out.len();
        out.resize(news + self.open.len().div_ceil(8), 0);
        for (index, open) in self.open.iter().enumerate() {
            let delta = world.delta(frame, open.cell);
            if !delta.is_empty() {
                out[news + index / 8] |= 1 << (index % 8);
                out.extend_from_slice(delta);
            }
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
            world.put_whole(open.cell, out);
            self.open.push(*open);
        }
        world.give_scratch(missing);
        waits
    }

    /// The tick that it has, were all that was encoded delivered; none before the first.
    #[must_use]
    pub fn tick(&self, world: &World) -> Option<Tick> {
        let missed = world.frame().checked_sub(self.frame)?;
        let ticks = missed * u64::from(world.schema().frame_ticks());
        (self.frame > 0).then(|| Tick(world.tick().0.saturating_sub(ticks)))
    }
}

impl Settled {
    fn of(world: &World, view: &View<'_>) -> Self {
        let squares = &world.schema().squares;
        Self {
            layout: world.layout(),
            mask: view.mask,
            // What is in view may be as far outside its square as the margin.
            enter: Area::around(squares, view, squares.margin),
            stay: Area::around(squares, view, squares.margin + squares.side / 4),
        }
    }
}

/// A rectangle of squares, borders included.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Area {
    first: [u32; 2],
    last: [u32; 2],
}

impl Area {
    /// The squares that a view touches when it is grown by so many levels; around its centre, when they are too many.
    fn around(squares: &Squares, view: &View<'_>, grown: u32) -> Self {
        let span = |axis: usize| {
            let field = &squares.axes[axis];
            let middle = field.level_of(view.centre[axis]);
            let low = field.level_of(view.centre[axis] - view.half[axis]);
            let high = field.level_of(view.centre[axis] + view.half[axis]);
            let (first, last, middle) = (
                low.saturating_sub(grown) / squares.side,
                high.saturating_add(grown).min(field.level_max) / squares.side,
                middle / squares.side,
            );
            let half = SPAN_MAX / 2;
            [
                first.max(middle.saturating_sub(half)),
                last.min(middle + half - 1).max(first),
            ]
        };
        let ([left, right], [top, bottom]) = (span(0), span(1));
        Self {
            first: [left, top],
            last: [right, bottom],
        }
    }

    fn has(&self, squares: &Squares, square: u32) -> bool {
        let [column, row] = squares.place(square);
        (self.first[0]..=self.last[0]).contains(&column)
            && (self.first[1]..=self.last[1]).contains(&row)
    }

    fn squares(self, squares: &Squares) -> impl Iterator<Item = u32> {
        let columns = squares.columns;
        (self.first[1]..=self.last[1]).flat_map(move |row| {
            (self.first[0]..=self.last[0]).map(move |column| row * columns + column)
        })
    }
}

/// Length at most of a viewer's own state.
pub const OWN_BYTES_MAX: usize = 256;
/// Cells that a viewer has at most; further ones wait.
pub const CELLS_MAX: usize = 4_096;
/// Squares along an axis of a view at most.
const SPAN_MAX: u32 = 64;

/// All that the client has is forgotten first.
pub(crate) const FLAG_WHOLE: u8 = 1;
/// The own state follows.
pub(crate) const FLAG_OWN: u8 = 2;
/// A list of closed cells follows.
pub(crate) const FLAG_CLOSED: u8 = 4;
/// More of what is in view comes with the next snapshots.
pub(crate) const FLAG_WAITING: u8 = 8;
