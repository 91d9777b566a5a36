//! Password hashing on threads of its own, so that neither a socket nor the API waits for it.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{Error, PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::oneshot;

use crate::{PlayersError, PlayersMetrics, Random, Secret};

/// What one password hash costs. The default is OWASP's first recommendation for argon2id.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PasswordCost {
    /// Memory in KiB (8 or more).
    pub memory_kib: u32,
    /// Passes over that memory (1 or more).
    pub passes: u32,
}

impl Default for PasswordCost {
    fn default() -> Self {
        Self {
            memory_kib: 19_456,
            passes: 2,
        }
    }
}

/// Settings of the hashing threads.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct HasherConfig {
    /// Number of threads (1 or more); also the number of hashes in work at once, each with its own memory.
    pub threads: usize,
    /// Passwords that may wait; one more is refused as busy.
    pub queue_len_max: usize,
    /// Cost of new hashes. Stored hashes are verified at the cost they were made with.
    pub cost: PasswordCost,
}

impl Default for HasherConfig {
    fn default() -> Self {
        Self {
            threads: 1,
            queue_len_max: 256,
            cost: PasswordCost::default(),
        }
    }
}

/// Hashes and verifies passwords. A cheap handle: clone it freely.
#[derive(Clone)]
pub struct Hasher {
    queue: Arc<Queue>,
    random: Random,
    dummy_hash: Arc<str>,
    pub(crate) metrics: PlayersMetrics,
}

/// The running threads. Dropping it leaves them running until [`HasherThreads::stop`] or the process's end.
#[derive(Debug)]
pub struct HasherThreads {
    queue: Arc<Queue>,
    threads: Vec<JoinHandle<()>>,
}

impl Hasher {
    /// Starts the threads `password-0`, `password-1`, …
    ///
    /// `metrics` are those of the node's players. Fails when the cost is out of argon2's range or a thread cannot be started.
    pub fn start(
        config: HasherConfig,
        random: Random,
        metrics: &PlayersMetrics,
    ) -> io::Result<(Self, HasherThreads)> {
        let params = Params::new(config.cost.memory_kib, config.cost.passes, 1, None)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error.to_string()))?;
        let queue = Arc::new(Queue {
            state: Mutex::new(QueueState {
                jobs: VecDeque::new(),
                stopped: false,
            }),
            ready: Condvar::new(),
            len_max: config.queue_len_max,
            metrics: metrics.clone(),
        });
        let mut handle = HasherThreads {
            queue: Arc::clone(&queue),
            threads: Vec::new(),
        };
        for index in 0..config.threads.max(1) {
            let queue = Arc::clone(&queue);
            let params = params.clone();
            let builder = thread::Builder::new().name(format!("password-{index}"));
            match builder.spawn(move || work(&queue, &params)) {
                Ok(thread) => handle.threads.push(thread),
                Err(error) => {
                    handle.stop();
                    return Err(error);
                }
            }
        }
        let dummy_hash = dummy_hash(config.cost).into();
        Ok((
            Self {
                queue,
                random,
                dummy_hash,
                metrics: metrics.clone(),
            },
            handle,
        ))
    }

    /// The metrics that it was started with.
    #[must_use]
    pub const fn metrics(&self) -> &PlayersMetrics {
        &self.metrics
    }

    /// Hashes a password with a fresh salt; the result is a PHC string (`$argon2id$…`).
    ///
    /// Fails with [`PlayersError::HasherBusy`] when the queue is full.
    pub async fn hash(&self, password: Secret) -> Result<String, PlayersError> {
        let mut salt = [0; SALT_BYTES];
        (self.random)(&mut salt);
        let (answer, hashed) = oneshot::channel();
        self.queue.push(Job::Hash {
            password,
            salt,
            answer,
        })?;
        hashed.await.map_err(|_| PlayersError::HasherStopped)?
    }

    /// Whether the password is the one of the hash.
    ///
    /// Fails with [`PlayersError::HasherBusy`] when the queue is full, with [`PlayersError::Hash`] when the stored
    /// hash cannot be read.
    pub async fn verify(&self, hash: String, password: Secret) -> Result<bool, PlayersError> {
        let (answer, verified) = oneshot::channel();
        self.queue.push(Job::Verify {
            hash,
            password,
            answer,
        })?;
        verified.await.map_err(|_| PlayersError::HasherStopped)?
    }

    /// Takes as long as [`Hasher::verify`] and says nothing: for accounts that do not exist or have no password,
    /// so that the time of the answer does not tell them from others.
    pub async fn verify_nothing(&self, password: Secret) -> Result<(), PlayersError> {
        self.verify(self.dummy_hash.to_string(), password)
            .await
            .map(|_| ())
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hasher")
            .field("queue", &self.queue)
            .finish_non_exhaustive()
    }
}

impl HasherThreads {
    /// Refuses new passwords, drops the waiting ones (their callers get [`PlayersError::HasherStopped`]), and waits
    /// for those in work: a fraction of a second.
    pub fn stop(self) {
        self.queue.stop();
        for thread in self.threads {
            // A panic of the thread was reported when it happened; here it only means that it has ended.
            let _ended = thread.join();
        }
    }
}

/// Bytes of a salt; the length that the argon2 document recommends.
const SALT_BYTES: usize = 16;

type Answer<T> = oneshot::Sender<Result<T, PlayersError>>;

enum Job {
    Hash {
        password: Secret,
        salt: [u8; SALT_BYTES],
        answer: Answer<String>,
    },
    Verify {
        hash: String,
        password: Secret,
        answer: Answer<bool>,
    },
}

struct Queue {
    state: Mutex<QueueState>,
    ready: Condvar,
    len_max: usize,
    metrics: PlayersMetrics,
}

struct QueueState {
    /// With the time when each came.
    jobs: VecDeque<(Instant, Job)>,
    stopped: bool,
}

impl Queue {
    fn push(&self, job: Job) -> Result<(), PlayersError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.stopped {
            return Err(PlayersError::HasherStopped);
        }
        if state.jobs.len() >= self.len_max {
            return Err(PlayersError::HasherBusy);
        }
        state.jobs.push_back((Instant::now(), job));
        self.metrics.passwords_waiting.inc();
        drop(state);
        self.ready.notify_one();
        Ok(())
    }

    /// The next job, waiting for one; none after the stop.
    fn pop(&self) -> Option<Job> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if state.stopped {
                return None;
            }
            if let Some((came, job)) = state.jobs.pop_front() {
                self.metrics.passwords_waiting.dec();
                let waited = came.elapsed().as_secs_f64();
                self.metrics.password_wait_seconds.observe(waited);
                return Some(job);
            }
            state = self
                .ready
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn stop(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.stopped = true;
        state.jobs.clear();
        self.metrics.passwords_waiting.set(0);
        drop(state);
        self.ready.notify_all();
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue")
            .field("len_max", &self.len_max)
            .finish_non_exhaustive()
    }
}

/// The body of a hashing thread. Callers that have gone away cost nothing; nobody minds an answer they do not take.
fn work(queue: &Queue, params: &Params) {
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
    while let Some(job) = queue.pop() {
        match job {
            Job::Hash {
                password,
                salt,
                answer,
            } => {
                if !answer.is_closed() {
                    let hashed = argon2.hash_password_with_salt(password.expose(), &salt);
                    let _gone = answer.send(match hashed {
                        Ok(hash) => Ok(hash.to_string()),
                        Err(error) => Err(PlayersError::Hash(error.to_string())),
                    });
                }
            }
            Job::Verify {
                hash,
                password,
                answer,
            } => {
                if !answer.is_closed() {
                    let _gone = answer.send(verify(&argon2, &hash, &password));
                }
            }
        }
    }
}

fn verify(argon2: &Argon2<'_>, hash: &str, password: &Secret) -> Result<bool, PlayersError> {
    let hash = PasswordHash::new(hash).map_err(|error| PlayersError::Hash(error.to_string()))?;
    match argon2.verify_password(password.expose(), &hash) {
        Ok(()) => Ok(true),
        Err(Error::PasswordInvalid) => Ok(false),
        Err(error) => Err(PlayersError::Hash(error.to_string())),
    }
}

/// A well-formed hash of no known password, at the cost of new hashes.
fn dummy_hash(cost: PasswordCost) -> String {
    let salt = "A".repeat(22);
    let output = "A".repeat(43);
    format!(
        "$argon2id$v=19$m={},t={},p=1${salt}${output}",
        cost.memory_kib, cost.passes
    )
}
