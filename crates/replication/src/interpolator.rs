//! What to draw between snapshots.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;

use tagus_base::Tick;

use crate::replica::{Replica, Seen};
use crate::schema::{Blend, Field, KindIndex, Schema};
use crate::slot_replica::SlotReplica;

/// Each entity as it was a little while ago, between the two samples around that time.
/// All times are in ticks and may have fractions; the clock is the caller's.
#[derive(Clone, Debug)]
pub struct Interpolator {
    schema: Schema,
    delay_ticks: f64,
    /// Between the server's tick and our clock, of the least delayed snapshot; none before the first.
    offset: Option<f64>,
    tracks: BTreeMap<u32, Track>,
}

#[derive(Clone, Debug)]
struct Track {
    kind: KindIndex,
    /// Oldest first.
    samples: VecDeque<Sample>,
}

#[derive(Clone, Debug)]
struct Sample {
    tick: f64,
    values: Vec<f64>,
}

impl Interpolator {
    /// Draws `delay_ticks` behind the newest snapshot: twice the distance of snapshots, and what their arrival jitters.
    #[must_use]
    pub const fn new(schema: Schema, delay_ticks: f64) -> Self {
        Self {
            schema,
            delay_ticks,
            offset: None,
            tracks: BTreeMap::new(),
        }
    }

    /// Takes what a replica of the same schema knows after a snapshot that arrived at `now_ticks` of our clock.
    pub fn push(&mut self, replica: &Replica, now_ticks: f64) {
        self.hear(replica.tick(), now_ticks);
        self.take(replica.tick(), replica.went(), replica.entities());
    }

    /// [`push`](Self::push) of a replica of slots, after a snapshot that was newer.
    pub fn push_slots(&mut self, replica: &SlotReplica, now_ticks: f64) {
        self.hear(replica.tick(), now_ticks);
        self.take(replica.tick(), replica.went(), replica.entities());
    }

    /// A snapshot of this tick has arrived.
    fn hear(&mut self, tick: Tick, now_ticks: f64) {
        let offset = tick.0 as f64 - now_ticks;
        // Followed slowly downwards, so that a clock that runs fast does not drift away from the server's for ever.
        let fallen = self.offset.map(|offset| offset - OFFSET_FALL);
        self.offset = Some(fallen.map_or(offset, |fallen| fallen.max(offset)));
    }

    fn take<'a>(&mut self, tick: Tick, went: &[u32], entities: impl Iterator<Item = Seen<'a>>) {
        for id in went {
            self.tracks.remove(id);
        }
        for entity in entities {
            // What stands where it was told is there still: it must not seem to set out long before it does.
            let tick = match entity.stands() {
                true => tick,
                false => entity.tick,
            };
            let sample = Sample {
                tick: tick.0 as f64,
                values: entity.values().collect(),
            };
            let track = self.tracks.entry(entity.id).or_insert_with(|| Track {
                kind: entity.kind,
                samples: VecDeque::new(),
            });
            if track.kind != entity.kind {
                track.kind = entity.kind;
                track.samples.clear();
            }
            match track.samples.back() {
                Some(newest) if newest.tick == sample.tick => continue,
                // The room was set back.
                Some(newest) if newest.tick > sample.tick => track.samples.clear(),
                Some(_) | None => {}
            }
            if track.samples.len() == SAMPLES_MAX {
                track.samples.pop_front();
            }
            track.samples.push_back(sample);
        }
    }

    /// The tick to draw now; none before the first snapshot.
    #[must_use]
    pub fn render_tick(&self, now_ticks: f64) -> Option<f64> {
        Some(now_ticks + self.offset? - self.delay_ticks)
    }

    /// Appends the values of an entity at a tick: between its samples, those of its first or last one outside of them.
    /// Answers its kind; none when it is not there.
    pub fn at(&self, id: u32, tick: f64, out: &mut Vec<f64>) -> Option<KindIndex> {
        let track = self.tracks.get(&id)?;
        let fields = self.schema.kind(track.kind)?.fields();
        let after = track.samples.partition_point(|sample| sample.tick <= tick);
        let newer = track.samples.get(after).or_else(|| track.samples.back())?;
        let older = track.samples.get(after.saturating_sub(1))?;
        let span = newer.tick - older.tick;
        let part = match span > 0.0 {
            true => ((tick - older.tick) / span).clamp(0.0, 1.0),
            false => 1.0,
        };
        let pairs = older.values.iter().zip(&newer.values).zip(fields);
        out.extend(pairs.map(|((from, to), field)| blend(field, *from, *to, part)));
        Some(track.kind)
    }

    /// The ids of what can be drawn, in order.
    pub fn ids(&self) -> impl Iterator<Item = u32> {
        self.tracks.keys().copied()
    }
}

fn blend(field: &Field, from: f64, to: f64, part: f64) -> f64 {
    let turn = field.turn();
    let change = to - from;
    match field.blending() {
        Blend::Step if part < 1.0 => from,
        Blend::Step => to,
        Blend::Angle if turn > 0.0 && change > turn / 2.0 => from + (change - turn) * part,
        Blend::Angle if turn > 0.0 && change < -turn / 2.0 => from + (change + turn) * part,
        Blend::Angle | Blend::Linear => from + change * part,
    }
}

/// Of one entity; the oldest is dropped.
const SAMPLES_MAX: usize = 32;
/// By how much the clock's offset falls with each snapshot, in ticks.
const OFFSET_FALL: f64 = 0.002;
