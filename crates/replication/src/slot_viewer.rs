//! What one viewer has of which some may be lost, and snapshots that rest on what it has acknowledged.

use alloc::vec::Vec;
use core::cmp::Reverse;
use core::mem;

use crate::ack::Ack;
use crate::axis::FRACTION_BITS;
use crate::bits::{BitWriter, Sink, golomb_bits, put_varint};
use crate::cell::EVERYWHERE;
use crate::past::PAST;
use crate::schema::FIELDS_MAX;
use crate::sight::{Eye, Open, Settled};
use crate::slot_code::{AGE_BITS, Code, Codes};
use crate::viewer::{FLAG_OWN, FLAG_WAITING, FLAG_WHOLE, OWN_BYTES_MAX, View, put_own};
use crate::world::World;

/// A frame, counted from 1 at the one in which its viewer began anew; 0 is never.
type Moment = u32;

/// What one viewer has been sent where snapshots may be lost, come twice or in the wrong order: over datagrams,
/// or in a room that thins what a slow line gets. Outside the room's state, one for each connection that sees the room.
///
/// Every snapshot stands alone: what it says rests on snapshots that the client has acknowledged, and on nothing else.
/// An entity in view has a slot. It is told in full until that is acknowledged, then by how it differs from where
/// the state that was acknowledged last takes it; what is where that takes it costs two bits.
/// A slot whose entity is out of sight says so until that is acknowledged, and only then gets another.
///
/// No snapshot is longer than [`View::bytes_max`]. Where not everything fits, those are told first that have waited longest,
/// weighed by [`crate::Kind::priority`] and by how near they are, and the entity that the viewer steers before all.
/// So a slow line hears of far things at a lower rate. Beyond [`View::entities_max`] the least urgent are out of sight.
///
/// Give what [`Ack`]s arrive to [`acked`](Self::acked), in any order; say nothing of what is lost.
/// After 128 frames without one it begins anew, as with a client that knows nothing.
///
/// ```
/// use tagus_base::Tick;
/// use tagus_replication::{Grid, Kind, KindIndex, Schema, SlotReplica, SlotViewer, View, World};
///
/// # fn main() -> Result<(), Box<dyn core::error::Error>> {
/// let grid = Grid { min: [0.0; 2], size: [1_000.0; 2], step: 0.125, cell: 100.0, margin: 6.0 };
/// let schema = Schema::new(&grid, vec![Kind::new("walker").priority(32)], 1)?;
/// let (mut world, mut viewer) = (World::new(schema.clone()), SlotViewer::new());
/// let mut replica = SlotReplica::new(schema);
/// for tick in 1..10 {
///     world.begin(Tick(tick));
///     world.put(7, KindIndex(0), &[120.0 + tick as f64, 80.0]);
///     world.end();
///     let view = View {
///         centre: [120.0, 80.0],
///         half: [100.0; 2],
///         mask: 0,
///         own_id: Some(7),
///         last_input: 0,
///         own: &[],
///         bytes_max: 1_150,
///         entities_max: 256,
///     };
///     let mut datagram = Vec::new();
///     viewer.encode(&mut world, &view, &mut datagram);
///     // One in three is lost. What the client says of the others comes back with its inputs.
///     if tick % 3 > 0 {
///         replica.apply(&datagram)?;
///         replica.ack().into_iter().for_each(|ack| viewer.acked(ack));
///         let seen = replica.entity(7).expect("it is in view");
///         assert_eq!((seen.tick, seen.value(0)), (Tick(tick), Some(120.0 + tick as f64)));
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Default)]
pub struct SlotViewer {
    /// The frame of the last snapshot; 0 before the first.
    frame: u64,
    /// The frame of the first snapshot since it began anew.
    start: u64,
    /// The newest frame since then that was acknowledged; 0 when none was.
    acked: u64,
    is_waiting: bool,
    /// The entity of some slot is out of sight.
    is_leaving: bool,
    own: Own,
    open: Vec<Open>,
    /// As when `open` was last made to agree with a view.
    settled: Option<Settled>,
    slots: Vec<Slot>,
    /// What was in the last snapshots, by their frame.
    sent: Vec<Sent>,
}

#[derive(Debug, Default)]
struct Own {
    /// As it is written.
    bytes: Vec<u8>,
    /// The first frame in which it was so.
    since: u64,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Phase {
    Free,
    /// Its entity is in sight.
    Seen,
    /// Its entity is not, and the client may not know.
    Left,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    /// The entity's slot in the world.
    entity: u32,
    /// The lowest bits of the frame in which the entity came into the world, which gives its slots again too.
    born: u32,
    /// When the phase began: what is acknowledged from before is another story.
    since: Moment,
    /// The newest in which the client is known to have been told of the entity.
    base: Moment,
    /// When the entity was last told.
    told: Moment,
    phase: Phase,
}

#[derive(Debug, Default)]
struct Sent {
    /// 0 when it was acknowledged.
    frame: u64,
    told: Vec<u16>,
    left: Vec<u16>,
}

/// What encoding needs for a moment, lent by the world.
#[derive(Debug, Default)]
pub(crate) struct Workshop {
    /// The entities that came into sight.
    entering: Vec<u32>,
    ranks: Vec<(Reverse<u64>, Candidate)>,
    news: Vec<News>,
    /// How long all of them are together.
    news_bits: usize,
    order: Vec<(Reverse<u64>, u32)>,
    codes: Codes,
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Candidate {
    Slot(u16),
    Entity(u32),
}

/// What is to be said of an entity.
#[derive(Clone, Copy, Debug)]
struct News {
    slot: u16,
    is_chosen: bool,
    code: Code,
}

impl SlotViewer {
    /// A viewer that has nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Some of what is in view was never told: it did not fit, or is beyond [`View::entities_max`].
    #[must_use]
    pub const fn is_waiting(&self) -> bool {
        self.is_waiting
    }

    /// How many frames ago the newest snapshot was encoded that the client has acknowledged; none when there is none.
    /// When that grows, send less often.
    #[must_use]
    pub const fn lag(&self, world: &World) -> Option<u64> {
        match self.acked {
            0 => None,
            acked => world.frame().checked_sub(acked),
        }
    }

    /// The client says what has arrived. What it says of snapshots long ago, or of some that were never sent, is passed over.
    pub fn acked(&mut self, ack: Ack) {
        let behind = (self.frame as u16).wrapping_sub(ack.frame);
        let Some(newest) = self.frame.checked_sub(u64::from(behind)) else {
            return;
        };
        self.acked_frame(newest);
        for bit in 0..u64::from(u32::BITS) {
            if ack.earlier & (1 << bit) != 0 && newest > bit + 1 {
                self.acked_frame(newest - bit - 1);
            }
        }
    }

    fn acked_frame(&mut self, frame: u64) {
        let Some(sent) = self.sent.get_mut(frame as usize % PAST) else {
            return;
        };
        if frame == 0 || sent.frame != frame {
            return;
        }
        sent.frame = 0;
        self.acked = self.acked.max(frame);
        let moment = moment(self.start, frame);
        for slot in &sent.told {
            // What is not there any more was free.
            if let Some(slot) = self.slots.get_mut(usize::from(*slot))
                && slot.phase == Phase::Seen
                && slot.since <= moment
            {
                slot.base = slot.base.max(moment);
            }
        }
        for slot in &sent.left {
            if let Some(slot) = self.slots.get_mut(usize::from(*slot))
                && slot.phase == Phase::Left
                && slot.since <= moment
            {
                slot.phase = Phase::Free;
            }
        }
    }

    /// Appends a snapshot of the world's last frame, of which there must be one; nothing when it has that frame already.
    /// Its layout is in `FORMAT.md`.
    pub fn encode(&mut self, world: &mut World, view: &View<'_>, out: &mut Vec<u8>) {
        let frame = world.frame();
        if self.frame == frame {
            return;
        }
        let heard = self.acked.max(self.start);
        if heard < world.frame_first() || frame - heard >= SILENCE_FRAMES_MAX {
            *self = Self {
                start: frame,
                ..Self::default()
            };
            self.sent.resize_with(PAST, Sent::default);
        }
        self.frame = frame;
        world.keep_past();
        let mut shop = mem::take(&mut world.workshop);
        self.look(world, view, &mut shop);
        let mut sent = mem::take(&mut self.sent[frame as usize % PAST]);
        sent.frame = frame;
        let begin = out.len();
        self.put_head(world, view, out);
        let bytes_left = view.bytes_max.max(SLOT_BYTES_MIN) - (out.len() - begin);
        let mut writer = BitWriter::new(out);
        self.put_left(&mut writer, &mut sent.left);
        self.gather(world, &mut shop);
        let room = bytes_left * 8 - writer.len();
        self.choose(world, view, room, &mut shop);
        self.put_news(&shop, &mut writer, &mut sent.told);
        writer.finish();
        if self.is_waiting {
            out[begin] |= FLAG_WAITING;
        }
        self.sent[frame as usize % PAST] = sent;
        world.workshop = shop;
    }

    fn put_head(&mut self, world: &World, view: &View<'_>, out: &mut Vec<u8>) {
        let begin = out.len();
        out.push(FLAG_SLOTS);
        out.extend_from_slice(&(self.frame as u16).to_le_bytes());
        if self.acked == 0 {
            out[begin] |= FLAG_WHOLE;
            put_varint(out, world.tick().0);
            put_varint(out, self.frame - self.start);
        }
        let place = out.len();
        put_own(view, out);
        if out[place..] != self.own.bytes {
            self.own.since = self.frame;
            self.own.bytes.clear();
            self.own.bytes.extend_from_slice(&out[place..]);
        }
        if self.acked >= self.own.since {
            out.truncate(place);
        } else {
            out[begin] |= FLAG_OWN;
        }
    }

    /// Gives what came into sight a slot, and finds what left it.
    fn look(&mut self, world: &mut World, view: &View<'_>, shop: &mut Workshop) {
        let settled = Settled::of(world, view);
        if self.settled != Some(settled) {
            self.settle(world, &settled);
            self.settled = Some(settled);
        }
        world.mark(self.open.iter().map(|open| open.cell));
        let stamp = world.stamp();
        let now = moment(self.start, self.frame);
        let mut count = 0;
        self.is_leaving = false;
        for slot in &mut self.slots {
            if slot.phase == Phase::Free {
                continue;
            }
            if world.is_in_marked(slot.entity, slot.born) {
                world.stamps[slot.entity as usize] = stamp;
                slot.stay(now);
                count += 1;
            } else {
                slot.leave(now);
                self.is_leaving |= slot.phase == Phase::Left;
            }
        }
        shop.entering.clear();
        for open in &self.open {
            let members = world.members(open.cell).iter().copied();
            let new = members.filter(|entity| world.stamps[*entity as usize] != stamp);
            shop.entering.extend(new);
        }
        let seen_max = view.entities_max.min(SLOTS_MAX);
        self.is_waiting = count + shop.entering.len() > seen_max;
        if self.is_waiting {
            self.limit(world, view, seen_max, shop);
        }
        let mut free = 0;
        for entity in shop.entering.drain(..) {
            let Some(slot) = self.free_slot(&mut free) else {
                self.is_waiting = true;
                break;
            };
            *slot = Slot {
                phase: Phase::Seen,
                entity,
                born: world.entity(entity).born_frame as u32,
                since: now,
                base: 0,
                told: 0,
            };
        }
        let is_free = |slot: &&Slot| slot.phase == Phase::Free;
        let spare = self.slots.iter().rev().take_while(is_free).count();
        self.slots.truncate(self.slots.len() - spare);
    }

    /// Makes the list of open cells agree with a view.
    fn settle(&mut self, world: &mut World, settled: &Settled) {
        self.open.retain(|open| settled.keeps(world, open));
        world.mark(self.open.iter().map(|open| open.cell));
        let squares = settled.enter.squares(&world.schema().squares);
        for square in core::iter::once(EVERYWHERE).chain(squares) {
            for cell in world.cells_of(square, settled.mask) {
                if !world.is_marked(cell) {
                    self.open.push(Open { cell, square });
                }
            }
        }
    }

    /// In a crowd: only the most urgent stay in sight or come into it. Those in sight are borne a quarter longer.
    fn limit(&mut self, world: &World, view: &View<'_>, seen_max: usize, shop: &mut Workshop) {
        shop.ranks.clear();
        let now = moment(self.start, self.frame);
        let eye = Eye::new(world, view);
        for (index, slot) in self.slots.iter().enumerate() {
            if slot.phase == Phase::Seen {
                let weight = eye.weight(world, slot.entity);
                let weight = weight.saturating_add(weight / 4);
                let candidate = Candidate::Slot(index as u16);
                shop.ranks.push((Reverse(weight), candidate));
            }
        }
        for entity in shop.entering.drain(..) {
            let weight = eye.weight(world, entity);
            shop.ranks
                .push((Reverse(weight), Candidate::Entity(entity)));
        }
        if seen_max < shop.ranks.len() {
            shop.ranks.select_nth_unstable(seen_max);
        }
        for (place, (_, candidate)) in shop.ranks.iter().enumerate() {
            match *candidate {
                Candidate::Slot(slot) if place >= seen_max => {
                    self.slots[usize::from(slot)].leave(now);
                    self.is_leaving = true;
                }
                Candidate::Entity(entity) if place < seen_max => shop.entering.push(entity),
                Candidate::Slot(_) | Candidate::Entity(_) => {}
            }
        }
    }

    /// The first free slot from `from` on, which moves behind it; none when there are too many.
    fn free_slot(&mut self, from: &mut usize) -> Option<&mut Slot> {
        while self
            .slots
            .get(*from)
            .is_some_and(|slot| slot.phase != Phase::Free)
        {
            *from += 1;
        }
        if *from >= SLOTS_MAX {
            return None;
        }
        if *from == self.slots.len() {
            self.slots.push(Slot::FREE);
        }
        *from += 1;
        self.slots.get_mut(*from - 1)
    }

    /// Which slots' entities are out of sight: two bits for each slot at most.
    fn put_left(&self, writer: &mut BitWriter<'_>, left: &mut Vec<u16>) {
        left.clear();
        let mut before = 0;
        let slots = if self.is_leaving {
            &self.slots[..]
        } else {
            &[]
        };
        for (index, slot) in slots.iter().enumerate() {
            if slot.phase == Phase::Left {
                writer.flag(true);
                writer.golomb(index as u32 - before, 0);
                before = index as u32 + 1;
                left.push(index as u16);
            }
        }
        writer.flag(false);
    }

    /// The state that most of what was told rests on, as frames before this one; 0 when there is none.
    const fn common_age(&self) -> u32 {
        let age = self.frame - self.acked;
        if self.acked == 0 || age >= PAST as u64 {
            return 0;
        }
        age as u32
    }

    /// Finds what is to be said of every entity in sight.
    fn gather(&self, world: &World, shop: &mut Workshop) {
        shop.news.clear();
        shop.news_bits = 0;
        let common_age = self.common_age();
        shop.codes.begin(self.frame);
        let now = moment(self.start, self.frame);
        for (index, slot) in self.slots.iter().enumerate() {
            if slot.phase != Phase::Seen {
                continue;
            }
            let entity = world.entity(slot.entity);
            let told_frame = self.start + u64::from(slot.base);
            let is_as_predicted = slot.base > 0 && told_frame > entity.changed_frame;
            if is_as_predicted && !entity.moves {
                continue;
            }
            let age = match slot.base {
                0 => PAST as u32,
                base => now - base,
            };
            let code = match is_as_predicted && age < PAST as u32 {
                true => Code::as_predicted(age),
                false => shop.codes.code(world, slot.entity, age),
            };
            shop.news_bits += code.bits(common_age);
            shop.news.push(News {
                slot: index as u16,
                is_chosen: true,
                code,
            });
        }
    }

    /// Leaves of the news what fits into `room` bits.
    fn choose(&mut self, world: &World, view: &View<'_>, room: usize, shop: &mut Workshop) {
        // The common age, which form the list has, and its end.
        let room = room - (AGE_BITS as usize + 2);
        let dense = LENGTH_BITS as usize + self.slots.len();
        let list = |count: usize| dense.min(count * NAME_BITS_MAX);
        if shop.news_bits + list(shop.news.len()) <= room {
            return;
        }
        let common_age = self.common_age();
        let eye = Eye::new(world, view);
        let now = moment(self.start, self.frame);
        shop.order.clear();
        for (index, news) in shop.news.iter().enumerate() {
            let slot = &self.slots[usize::from(news.slot)];
            let weight = eye.weight(world, slot.entity);
            let waited = match slot.told {
                0 => now - slot.since + NEW_FRAMES,
                told => now - told,
            };
            let urgency = weight.saturating_mul(u64::from(waited));
            shop.order.push((Reverse(urgency), index as u32));
        }
        shop.order.sort_unstable();
        let (mut count, mut bits) = (0, 0);
        for (_, index) in &shop.order {
            let news = &mut shop.news[*index as usize];
            let length = news.code.bits(common_age);
            if bits + length + list(count + 1) <= room {
                count += 1;
                bits += length;
            } else {
                news.is_chosen = false;
                let never = self.slots[usize::from(news.slot)].told == 0;
                self.is_waiting |= never;
            }
        }
        shop.news.retain(|news| news.is_chosen);
    }

    /// Appends the news, in the order of slots.
    fn put_news(&mut self, shop: &Workshop, writer: &mut BitWriter<'_>, told: &mut Vec<u16>) {
        told.clear();
        let now = moment(self.start, self.frame);
        let common_age = self.common_age();
        writer.bits(common_age, AGE_BITS);
        let last = shop.news.last();
        let length = last.map_or(0, |news| usize::from(news.slot) + 1);
        let is_dense = LENGTH_BITS as usize + length < sparse_bits(&shop.news, length);
        writer.flag(is_dense);
        if is_dense {
            writer.bits(length as u32, LENGTH_BITS);
        }
        let mut before = 0;
        for news in &shop.news {
            let gap = u32::from(news.slot) - before;
            before = u32::from(news.slot) + 1;
            if is_dense {
                for _ in 0..gap {
                    writer.flag(false);
                }
                writer.flag(true);
            } else {
                writer.flag(true);
                writer.golomb(gap, 0);
            }
            shop.codes.put(news.code, common_age, writer);
            told.push(news.slot);
            self.slots[usize::from(news.slot)].told = now;
        }
        if !is_dense {
            writer.flag(false);
        }
    }
}

impl Slot {
    const FREE: Self = Self {
        entity: 0,
        born: 0,
        since: 0,
        base: 0,
        told: 0,
        phase: Phase::Free,
    };

    /// Its entity is in sight. When it was not, the client may have dropped it, and nothing that it had counts.
    const fn stay(&mut self, now: Moment) {
        if matches!(self.phase, Phase::Left) {
            self.phase = Phase::Seen;
            self.since = now;
        }
    }

    /// Its entity is out of sight.
    const fn leave(&mut self, now: Moment) {
        if matches!(self.phase, Phase::Seen) {
            self.phase = match self.told {
                0 => Phase::Free,
                _ => Phase::Left,
            };
            self.since = now;
            self.base = 0;
        }
    }
}

/// How long the list of names is in which each has its distance from the one before; or somewhat less,
/// when already two bits for each are longer than `length`.
fn sparse_bits(news: &[News], length: usize) -> usize {
    if news.len() * 2 > length + LENGTH_BITS as usize {
        return news.len() * 2 + 1;
    }
    let mut before = 0;
    let names = news.iter().map(|news| {
        let gap = u32::from(news.slot) - before;
        before = u32::from(news.slot) + 1;
        1 + golomb_bits(gap) as usize
    });
    names.sum::<usize>() + 1
}

/// When a frame was, for a viewer that began anew in `start`.
const fn moment(start: u64, frame: u64) -> Moment {
    (frame - start) as Moment + 1
}

/// Slots of a viewer at most: it sees no more entities at once.
pub const SLOTS_MAX: usize = 1_024;
/// A snapshot of slots may be at least so long, in bytes; a smaller limit counts as this one.
/// So it has room for the head with the longest own state, for all that left, and for the largest of entities.
pub const SLOT_BYTES_MIN: usize = 768;
/// After so many frames without an acknowledgement a viewer begins anew.
const SILENCE_FRAMES_MAX: u64 = 128;
/// What was never told is as urgent as if it had waited so much longer.
const NEW_FRAMES: u32 = 4;
/// Bits of a number of slots.
pub(crate) const LENGTH_BITS: u32 = 11;
/// To name a slot in a list: a one and its distance from the one before.
const NAME_BITS_MAX: usize = 1 + golomb_bits(SLOTS_MAX as u32 - 1) as usize;

/// A snapshot of slots.
pub(crate) const FLAG_SLOTS: u8 = 16;

const _: () = assert!(SLOTS_MAX < 1 << LENGTH_BITS);
const _: () = {
    let head = 3 + 8 + 2 + OWN_BYTES_MAX + 12;
    let left = 2 * SLOTS_MAX + 1;
    // Off by how much, whether it moves otherwise, how otherwise, and the fraction.
    let field = 47 + 1 + 57 + FRACTION_BITS as usize;
    let news = AGE_BITS as usize + 2 + NAME_BITS_MAX + 9 + 9 + FIELDS_MAX * field;
    assert!(head * 8 + left + news <= SLOT_BYTES_MIN * 8);
};
