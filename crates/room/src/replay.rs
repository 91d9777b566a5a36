//! Running a recording again.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tagus_base::Tick;

use crate::codec::Reader;
use crate::core::Core;
use crate::event::Event;
use crate::recording::{Damage, Recording, Segment};
use crate::{Factory, InitError, RestoreError, xxh64};

/// What a successful replay has shown.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ReplayReport {
    /// The game's name in the file.
    pub game: String,
    /// The room's seed.
    pub seed: u64,
    /// The last tick before the recording.
    pub tick_first: Tick,
    /// The last tick of it.
    pub tick_last: Tick,
    /// Segments run. Between two of them may be a gap, where a state was too large to be kept.
    pub segments: u64,
    /// Ticks run.
    pub ticks: u64,
    /// Other inputs: joins, leaves, messages, results, signals.
    pub inputs: u64,
    /// State hashes that were compared and equal.
    pub hashes_proven: u64,
    /// The recording starts with the room, and `init` made the same room again.
    pub init_proven: bool,
    /// The tick in, or after, which the recorded room panicked, as it did again.
    pub panicked: Option<Tick>,
}

/// Why a replay failed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// The bytes are no recording.
    #[error("read the recording")]
    Read(#[source] Damage),
    /// The lookup does not know the game.
    #[error("find the game {0:?}")]
    UnknownGame(String),
    /// The room cannot be made from its seed and parameters again.
    #[error("open the room")]
    Open(#[source] InitError),
    /// A segment's snapshot cannot be restored.
    #[error("restore segment {segment}")]
    Restore {
        /// The segment's number.
        segment: u64,
        /// What the game says.
        #[source]
        source: RestoreError,
    },
    /// An event cannot be read.
    #[error("read segment {segment} after tick {}", tick.0)]
    Event {
        /// The segment's number.
        segment: u64,
        /// The last tick that was run.
        tick: Tick,
    },
    /// The state differs from the recorded one: the first time that it was compared and not equal.
    #[error("compare segment {segment} after tick {}: the state is {found:016x}, recorded was {recorded:016x}", tick.0)]
    Differs {
        /// The segment's number.
        segment: u64,
        /// The last tick that was run.
        tick: Tick,
        /// The hash in the recording.
        recorded: u64,
        /// The hash of the state here.
        found: u64,
    },
    /// The game panicked where the recorded one did not, or did not where the recorded one did.
    #[error("run segment {segment} in or after tick {}: {}", tick.0, if *.here { "it panics" } else { "it does not panic" })]
    Panic {
        /// The segment's number.
        segment: u64,
        /// The last tick that was begun.
        tick: Tick,
        /// It panicked here, not there.
        here: bool,
    },
}

/// Runs every segment of a recording and compares the state with each recorded hash. `lookup` finds a game by its name.
///
/// A recorded panic happens again here, and is caught.
///
/// # Errors
/// The first thing that is wrong with the bytes or differs in the run.
pub fn replay(
    bytes: &[u8],
    lookup: impl Fn(&str) -> Option<Factory>,
) -> Result<ReplayReport, ReplayError> {
    let (game, recording) = Recording::from_bytes(bytes).map_err(ReplayError::Read)?;
    let Some(factory) = lookup(&game) else {
        return Err(ReplayError::UnknownGame(game));
    };
    let mut report = ReplayReport {
        game,
        seed: recording.seed,
        ..ReplayReport::default()
    };
    if let Some(first) = recording.segments.first() {
        report.tick_first = first.first_tick;
        report.tick_last = first.first_tick;
        if first.number == 0 {
            let made = Core::new(&factory, recording.seed, &recording.params)
                .map_err(ReplayError::Open)?;
            compare(
                first,
                made.state.tick,
                xxh64(&first.snapshot),
                &made,
                &mut report,
            )?;
            report.init_proven = true;
        }
    }
    let mut before: Option<&Segment> = None;
    for segment in &recording.segments {
        let start = xxh64(&segment.snapshot);
        let next_to = |before: &&Segment| before.number + 1 == segment.number;
        if let Some(end) = before.filter(next_to).and_then(|before| before.end_hash)
            && end != start
        {
            let tick = segment.first_tick;
            return Err(ReplayError::Differs {
                segment: segment.number,
                tick,
                recorded: end,
                found: start,
            });
        }
        run(&factory, segment, &mut report)?;
        report.segments += 1;
        before = Some(segment);
    }
    Ok(report)
}

fn run(factory: &Factory, segment: &Segment, report: &mut ReplayReport) -> Result<(), ReplayError> {
    let number = segment.number;
    let mut core = catch_unwind(AssertUnwindSafe(|| {
        Core::restore(factory, &segment.snapshot)
    }))
    .map_err(|_| ReplayError::Panic {
        segment: number,
        tick: segment.first_tick,
        here: true,
    })?
    .map_err(|source| ReplayError::Restore {
        segment: number,
        source,
    })?;
    let outcome = catch_unwind(AssertUnwindSafe(|| run_events(&mut core, segment, report)));
    let tick = core.state.tick;
    report.tick_last = tick;
    match (outcome, segment.end_hash) {
        (Ok(Err(error)), _) => Err(error),
        (Ok(Ok(())), Some(_)) => Ok(()),
        (Ok(Ok(())), None) => Err(ReplayError::Panic {
            segment: number,
            tick,
            here: false,
        }),
        (Err(_), Some(_)) => Err(ReplayError::Panic {
            segment: number,
            tick,
            here: true,
        }),
        (Err(_), None) => {
            report.panicked = Some(tick);
            Ok(())
        }
    }
}

fn run_events(
    core: &mut Core,
    segment: &Segment,
    report: &mut ReplayReport,
) -> Result<(), ReplayError> {
    // What was written, restored and written again must be the same, or the game's `restore` forgets something.
    compare(
        segment,
        core.state.tick,
        xxh64(&segment.snapshot),
        core,
        report,
    )?;
    let mut reader = Reader::new(&segment.events);
    let mut effects = Vec::new();
    while !reader.is_empty() {
        let tick = core.state.tick;
        let Some(event) = Event::read(&mut reader) else {
            return Err(ReplayError::Event {
                segment: segment.number,
                tick,
            });
        };
        if let Event::Hash(recorded) = event {
            compare(segment, tick, recorded, core, report)?;
            continue;
        }
        if event == Event::Tick {
            report.ticks += 1;
        } else {
            report.inputs += 1;
        }
        core.apply(event, &mut effects);
        effects.clear();
    }
    match segment.end_hash {
        Some(recorded) => compare(segment, core.state.tick, recorded, core, report),
        None => Ok(()),
    }
}

fn compare(
    segment: &Segment,
    tick: Tick,
    recorded: u64,
    core: &Core,
    report: &mut ReplayReport,
) -> Result<(), ReplayError> {
    let found = core.hash();
    if found != recorded {
        return Err(ReplayError::Differs {
            segment: segment.number,
            tick,
            recorded,
            found,
        });
    }
    report.hashes_proven += 1;
    Ok(())
}
