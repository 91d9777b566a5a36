//! Starting the shards' threads, and waiting for their end.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use mio::{Poll, Waker};
use tagus_base::RoomId;

use crate::inbox::{Inbox, Shards};
use crate::metrics::ShardMetrics;
use crate::shard::{Shard, WAKE};
use crate::upstream::Upstream;

/// What the shards are told once.
#[derive(Clone, Debug)]
pub struct Config {
    /// Threads, 1..=256.
    pub shard_count: usize,
    /// Bytes of one message from a client; beyond it the connection is closed with 1009.
    pub message_bytes_max: usize,
    /// Bytes that may wait for one connection; beyond it the client is told and closed.
    pub queue_bytes_max: usize,
    /// Bytes that the operating system may hold unsent for one connection before what follows waits here; 0: as many as
    /// it likes.
    pub unsent_bytes_max: u32,
    /// Time for the TCP hello.
    pub hello_timeout: Duration,
    /// Silence after which the server pings.
    pub ping_interval: Duration,
    /// Silence after which a connection counts as lost.
    pub pong_wait: Duration,
    /// Time that a closing connection has to read what was queued for it.
    pub close_linger: Duration,
    /// Longest time that one tick with its encoding may take, in milliseconds; a longer one is counted, and its room
    /// named in the log at most once a minute. 0: the room's own period.
    pub tick_ms_max: u32,
    /// Time that data of a relayed match may wait so that several messages share a write, in milliseconds; 0: none.
    pub relayed_gather_ms: u16,
    /// How much older than what it was sent the last snapshot may be that a client says it has applied, in
    /// milliseconds. Beyond it the client is sent fewer views until it has caught up. 0: whatever it says.
    pub snapshot_lag_ms_max: u32,
    /// Whether a connection that takes a seat gives up those it has in other rooms.
    pub single_match: bool,
    /// Default rooms: stable name to id.
    pub named_rooms: BTreeMap<String, RoomId>,
}

/// Why the shards did not start.
#[derive(Debug, thiserror::Error)]
#[error("start shard {shard}")]
pub struct StartError {
    /// Which one.
    pub shard: usize,
    #[source]
    err: io::Error,
}

/// The running threads.
#[derive(Debug)]
pub struct ShardThreads {
    threads: Vec<JoinHandle<()>>,
}

impl ShardThreads {
    /// Waits until every shard ended. Call [`Shards::stop`] first.
    pub fn join(self) {
        for thread in self.threads {
            if thread.join().is_err() {
                tracing::error!("a shard's thread panicked");
            }
        }
    }
}

/// The shards before their threads run: the house above needs their handle to be built itself.
pub struct Unstarted {
    pub(crate) polls: Vec<Poll>,
    /// The handle that commands go through.
    pub shards: Shards,
}

/// Makes the shards' queues, and counts in `metrics` what they do not take.
///
/// # Errors
/// The operating system has no more polls or wakers.
pub fn prepare(shard_count: usize, metrics: &ShardMetrics) -> Result<Unstarted, StartError> {
    let mut polls = Vec::new();
    let mut inboxes = Vec::new();
    for shard in 0..shard_count.clamp(1, SHARDS_MAX) {
        let poll = Poll::new().map_err(|err| StartError { shard, err })?;
        let waker = Waker::new(poll.registry(), WAKE).map_err(|err| StartError { shard, err })?;
        inboxes.push(Arc::new(Inbox::new(waker)));
        polls.push(poll);
    }
    Ok(Unstarted {
        polls,
        shards: Shards {
            inboxes: Arc::new(inboxes),
            drops: metrics.drops.clone(),
        },
    })
}

impl Unstarted {
    /// Starts one named thread a shard.
    ///
    /// # Errors
    /// The operating system has no more threads.
    pub fn start(
        self,
        config: Config,
        upstream: &Arc<dyn Upstream>,
        metrics: &ShardMetrics,
    ) -> Result<ShardThreads, StartError> {
        let config = Arc::new(config);
        let origin = Instant::now();
        let mut threads = Vec::new();
        for (shard, poll) in self.polls.into_iter().enumerate() {
            let shards = self.shards.clone();
            let (config, upstream, metrics) = (config.clone(), upstream.clone(), metrics.clone());
            let place = (shard as u16, poll);
            let run = move || Shard::new(place, origin, shards, config, upstream, metrics).run();
            let thread = std::thread::Builder::new()
                .name(format!("shard-{shard}"))
                .spawn(run);
            threads.push(thread.map_err(|err| StartError { shard, err })?);
        }
        Ok(ShardThreads { threads })
    }
}

/// Threads at most.
const SHARDS_MAX: usize = 256;
