//! Publish and subscribe between the parts of a node.
//! Owns: subjects and their subscribers' queues. A message is bytes under an exact subject and is delivered to each
//! subscriber **at most once**: to nobody when nobody subscribes, and not to one whose queue is full.
//! Must not know: what the bytes mean, who players are, tasks and runtimes. Subscribers poll.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use bytes::Bytes;

/// Limits of a bus.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BusLimits {
    /// Messages that wait for one subscriber. When it is full the new message is dropped for that subscriber
    /// and counted.
    pub queue_len_max: usize,
    /// Bytes of one message.
    pub message_bytes_max: usize,
    /// Bytes of a subject, which has at least one.
    pub subject_bytes_max: usize,
}

impl Default for BusLimits {
    fn default() -> Self {
        Self {
            queue_len_max: 1_024,
            message_bytes_max: 262_144,
            subject_bytes_max: 255,
        }
    }
}

/// A message or subscription was refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BusError {
    /// The subject is empty or too long.
    #[error("use subject of {bytes} bytes, 1 to {bytes_max} are allowed")]
    Subject {
        /// Its length.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// The message is too long.
    #[error("publish message of {bytes} bytes, at most {bytes_max} are allowed")]
    Message {
        /// Its length.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
}

/// What became of a published message.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Published {
    /// Subscribers in whose queue it lies.
    pub queued_count: usize,
    /// Subscribers whose queue was full.
    pub dropped_count: usize,
}

/// An in-process bus. A cheap handle: clone it freely.
#[derive(Clone)]
pub struct Bus {
    shared: Arc<Shared>,
}

struct Shared {
    limits: BusLimits,
    subjects: RwLock<HashMap<Box<str>, Queues>>,
}

/// The queues of one subject's subscribers.
type Queues = Vec<Arc<Mutex<Queue>>>;

#[derive(Default)]
struct Queue {
    messages: VecDeque<Bytes>,
    dropped_count: u64,
}

impl Bus {
    /// A bus without subscribers.
    #[must_use]
    pub fn new(limits: BusLimits) -> Self {
        Self {
            shared: Arc::new(Shared {
                limits,
                subjects: RwLock::default(),
            }),
        }
    }

    /// Receives what is published under exactly this subject from this call on, until it is dropped.
    pub fn subscribe(&self, subject: &str) -> Result<Subscription, BusError> {
        self.check_subject(subject)?;
        let queue = Arc::new(Mutex::new(Queue::default()));
        let mut subjects = self
            .shared
            .subjects
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        subjects
            .entry(subject.into())
            .or_default()
            .push(Arc::clone(&queue));
        drop(subjects);
        Ok(Subscription {
            shared: Arc::clone(&self.shared),
            subject: subject.into(),
            queue,
        })
    }

    /// Puts the message into the queue of each subscriber of the subject. Never waits for a subscriber.
    ///
    /// Messages of one publishing thread arrive in their order.
    pub fn publish(&self, subject: &str, message: &Bytes) -> Result<Published, BusError> {
        self.check_subject(subject)?;
        let bytes_max = self.shared.limits.message_bytes_max;
        if message.len() > bytes_max {
            return Err(BusError::Message {
                bytes: message.len(),
                bytes_max,
            });
        }
        let subjects = self
            .shared
            .subjects
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let mut published = Published::default();
        for queue in subjects.get(subject).into_iter().flatten() {
            let mut queue = lock(queue);
            if queue.messages.len() < self.shared.limits.queue_len_max {
                queue.messages.push_back(message.clone());
                published.queued_count += 1;
            } else {
                queue.dropped_count += 1;
                published.dropped_count += 1;
            }
        }
        Ok(published)
    }

    /// Number of subjects that have a subscriber.
    #[must_use]
    pub fn subject_count(&self) -> usize {
        self.shared
            .subjects
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .len()
    }

    fn check_subject(&self, subject: &str) -> Result<(), BusError> {
        let bytes_max = self.shared.limits.subject_bytes_max;
        if subject.is_empty() || subject.len() > bytes_max {
            return Err(BusError::Subject {
                bytes: subject.len(),
                bytes_max,
            });
        }
        Ok(())
    }
}

impl Default for Bus {
    fn default() -> Self {
        Self::new(BusLimits::default())
    }
}

impl fmt::Debug for Bus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bus")
            .field("limits", &self.shared.limits)
            .finish_non_exhaustive()
    }
}

/// One subscriber's queue. Dropping it ends the subscription.
pub struct Subscription {
    shared: Arc<Shared>,
    subject: Box<str>,
    queue: Arc<Mutex<Queue>>,
}

impl Subscription {
    /// The oldest waiting message, or none. Never waits.
    #[must_use]
    pub fn poll(&self) -> Option<Bytes> {
        lock(&self.queue).messages.pop_front()
    }

    /// Messages lost to a full queue since the subscription began.
    #[must_use]
    pub fn dropped_count(&self) -> u64 {
        lock(&self.queue).dropped_count
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut subjects = self
            .shared
            .subjects
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(queues) = subjects.get_mut(&self.subject) {
            queues.retain(|queue| !Arc::ptr_eq(queue, &self.queue));
            if queues.is_empty() {
                subjects.remove(&self.subject);
            }
        }
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("subject", &self.subject)
            .finish_non_exhaustive()
    }
}

fn lock(queue: &Mutex<Queue>) -> MutexGuard<'_, Queue> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}
