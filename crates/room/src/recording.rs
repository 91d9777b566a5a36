//! The last part of a room's life, so that it can be replayed.

use std::collections::VecDeque;

use bytes::Bytes;
use tagus_base::Tick;

use crate::codec::{Reader, put_bytes, put_fixed, put_u64};
use crate::core::Core;
use crate::event::Event;
use crate::xxh64;

/// A ring of segments under the room's `recording_bytes_max`.
///
/// A segment is a snapshot and the events after it, at most a quarter of the whole; the oldest is dropped for a new one.
/// When a snapshot alone exceeds half of a segment, or an event does not fit beside it, there is a gap:
/// nothing is recorded until [`Self::resume`] finds a snapshot that fits. A full inbox may cause that, but not for long.
pub(crate) struct Log {
    bytes_max: usize,
    segments: VecDeque<Segment>,
    is_on: bool,
    /// Scratch of [`Self::push`].
    encoded: Vec<u8>,
}

/// A snapshot and what happened after it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Segment {
    /// 0: it begins with the room, right after `init`.
    pub(crate) number: u64,
    /// The last tick before the segment.
    pub(crate) first_tick: Tick,
    pub(crate) snapshot: Vec<u8>,
    pub(crate) events: Vec<u8>,
    /// Hash of the state after the last event. None: the last event's call panicked.
    pub(crate) end_hash: Option<u64>,
}

impl Segment {
    fn bytes(&self) -> usize {
        self.snapshot.len() + self.events.len()
    }
}

impl Log {
    pub(crate) fn of_new_room(core: &Core) -> Self {
        Self::new(core, 0)
    }

    pub(crate) fn of_old_room(core: &Core) -> Self {
        Self::new(core, 1)
    }

    fn new(core: &Core, number: u64) -> Self {
        let bytes_max = core.state.settings.recording_bytes_max as usize;
        let is_on = bytes_max > 0;
        let mut log = Self {
            bytes_max,
            segments: VecDeque::new(),
            is_on,
            encoded: Vec::new(),
        };
        if is_on {
            log.begin(number, core.snapshot(), core);
        }
        log
    }

    pub(crate) const fn is_on(&self) -> bool {
        self.is_on
    }

    /// Appends an event that is about to happen to `core`.
    pub(crate) fn push(&mut self, event: &Event, core: &Core) {
        let mut encoded = std::mem::take(&mut self.encoded);
        encoded.clear();
        event.write(&mut encoded);
        if !self.fits(encoded.len()) {
            let snapshot = core.snapshot();
            let mut number = 0;
            if let Some(last) = self.segments.back_mut() {
                last.end_hash = Some(xxh64(&snapshot));
                number = last.number + 1;
            }
            self.begin(number, snapshot, core);
            if self.is_on && !self.fits(encoded.len()) {
                self.segments.pop_back();
                self.is_on = false;
            }
        }
        if let Some(last) = self.segments.back_mut().filter(|_| self.is_on) {
            last.events.extend_from_slice(&encoded);
            last.end_hash = None;
        }
        self.encoded = encoded;
    }

    /// Ends a gap, if there is one and the state fits again.
    pub(crate) fn resume(&mut self, core: &Core) {
        if self.bytes_max > 0 && !self.is_on {
            self.is_on = true;
            // One number is left out: the gap.
            let number = self.segments.back().map_or(1, |last| last.number + 2);
            self.begin(number, core.snapshot(), core);
        }
    }

    /// The present ring, ended here.
    pub(crate) fn recording(&self, seed: u64, params: &Bytes, core: &Core) -> Option<Recording> {
        let mut segments: Vec<Segment> = self.segments.iter().cloned().collect();
        let last = segments.last_mut()?;
        // Before a gap the end is known; a broken core has no state to hash.
        if self.is_on && !core.is_broken() {
            last.end_hash = Some(core.hash());
        }
        Some(Recording {
            seed,
            params: params.clone(),
            segments,
        })
    }

    fn fits(&self, bytes: usize) -> bool {
        self.segments
            .back()
            .is_some_and(|last| last.bytes() + bytes <= self.bytes_max / SEGMENTS)
    }

    fn begin(&mut self, number: u64, snapshot: Vec<u8>, core: &Core) {
        if snapshot.len() > self.bytes_max / SEGMENTS / 2 {
            self.is_on = false;
            return;
        }
        let end_hash = Some(xxh64(&snapshot));
        let first_tick = core.state.tick;
        let segment = Segment {
            number,
            first_tick,
            snapshot,
            events: Vec::new(),
            end_hash,
        };
        self.segments.push_back(segment);
        // The new one may grow to its full share.
        let room = self.bytes_max - self.bytes_max / SEGMENTS;
        let mut others: usize = self.segments.iter().rev().skip(1).map(Segment::bytes).sum();
        while others > room
            && let Some(oldest) = self.segments.pop_front()
        {
            others -= oldest.bytes();
        }
    }
}

/// A recording on its own, ready to be kept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Recording {
    pub(crate) seed: u64,
    pub(crate) params: Bytes,
    pub(crate) segments: Vec<Segment>,
}

impl Recording {
    /// The file: magic, version, the game's name, seed, parameters, then the segments, each part with its checksum.
    /// `game` is what [`crate::replay()`] asks its lookup for.
    #[must_use]
    pub fn to_bytes(&self, game: &str) -> Vec<u8> {
        let mut out = Vec::from(*MAGIC);
        put_u64(&mut out, VERSION);
        put_bytes(&mut out, game.as_bytes());
        put_fixed(&mut out, self.seed);
        put_bytes(&mut out, &self.params);
        put_u64(&mut out, self.segments.len() as u64);
        let hash = xxh64(&out);
        put_fixed(&mut out, hash);
        for segment in &self.segments {
            let start = out.len();
            put_u64(&mut out, segment.number);
            put_u64(&mut out, segment.first_tick.0);
            out.push(u8::from(segment.end_hash.is_some()));
            put_fixed(&mut out, segment.end_hash.unwrap_or_default());
            put_bytes(&mut out, &segment.snapshot);
            put_bytes(&mut out, &segment.events);
            let hash = xxh64(&out[start..]);
            put_fixed(&mut out, hash);
        }
        out
    }

    /// The game's name and the recording of a file.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<(String, Self), Damage> {
        let mut reader = Reader::new(bytes);
        if reader.take(MAGIC.len()) != Some(MAGIC) {
            return Err(Damage::Magic);
        }
        let version = reader.u64().ok_or(Damage::Short)?;
        if version != VERSION {
            return Err(Damage::Version(version));
        }
        let (game, seed, params, count) = read_header(&mut reader).ok_or(Damage::Short)?;
        check_sum(bytes, &mut reader)?;
        let mut segments = Vec::new();
        for _ in 0..count {
            let part = reader.rest();
            segments.push(read_segment(&mut reader).ok_or(Damage::Short)?);
            check_sum(part, &mut reader)?;
        }
        if !reader.is_empty() {
            return Err(Damage::Long);
        }
        Ok((
            game,
            Self {
                seed,
                params,
                segments,
            },
        ))
    }
}

/// Why bytes are no recording.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Damage {
    /// It does not begin like one.
    #[error("not a recording")]
    Magic,
    /// It was written by another version of the software.
    #[error("format version {0} is unknown")]
    Version(u64),
    /// It ends early, or a number in it is impossible.
    #[error("cut short")]
    Short,
    /// Bytes follow its end.
    #[error("bytes follow the end")]
    Long,
    /// A checksum does not match.
    #[error("damaged: a checksum does not match")]
    Checksum,
}

fn read_header(reader: &mut Reader<'_>) -> Option<(String, u64, Bytes, u64)> {
    Some((
        reader.text()?.to_owned(),
        reader.fixed()?,
        reader.owned()?,
        reader.u64()?,
    ))
}

fn read_segment(reader: &mut Reader<'_>) -> Option<Segment> {
    let number = reader.u64()?;
    let first_tick = Tick(reader.u64()?);
    let ended = reader.flag()?;
    let end_hash = Some(reader.fixed()?).filter(|_| ended);
    let snapshot = reader.bytes()?.to_vec();
    let events = reader.bytes()?.to_vec();
    Some(Segment {
        number,
        first_tick,
        snapshot,
        events,
        end_hash,
    })
}

/// Reads the checksum of what was read since `reader` stood at the start of `part`.
fn check_sum(part: &[u8], reader: &mut Reader<'_>) -> Result<(), Damage> {
    let read = part.len() - reader.rest().len();
    let hash = reader.fixed().ok_or(Damage::Short)?;
    if hash == xxh64(&part[..read]) {
        Ok(())
    } else {
        Err(Damage::Checksum)
    }
}

const MAGIC: &[u8; 8] = b"TAGUSREC";
const VERSION: u64 = 4;
/// Segments that share the memory of a ring, at least.
const SEGMENTS: usize = 4;
