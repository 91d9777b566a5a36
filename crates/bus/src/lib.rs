//! Publish and subscribe between the parts of a house.
//! Owns: subjects and who listens. A message is bytes under a subject and reaches each listener **at most once**:
//! nobody when nobody listens.
//! Must not know: what the bytes mean, who players are, tasks and runtimes.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;

/// Limits of a bus.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BusLimits {
    /// Bytes of one message. A longer one is refused.
    pub message_bytes_max: usize,
    /// Bytes of a subject, which has at least one. A longer one is refused.
    pub subject_bytes_max: usize,
}

impl Default for BusLimits {
    fn default() -> Self {
        Self {
            message_bytes_max: 524_288,
            subject_bytes_max: 255,
        }
    }
}

/// A message or a listener was refused.
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

/// Called with a subject and a message, on the publisher's thread: it hands over and returns without waiting.
pub type Sink = Arc<dyn Fn(&str, &Bytes) + Send + Sync>;

/// An in-process bus. A cheap handle: clone it freely.
#[derive(Clone)]
pub struct Bus {
    limits: BusLimits,
    entries: Arc<RwLock<Vec<Entry>>>,
}

#[derive(Clone)]
struct Entry {
    prefix: Arc<str>,
    sink: Sink,
}

impl Bus {
    /// A bus without listeners.
    #[must_use]
    pub fn new(limits: BusLimits) -> Self {
        Self {
            limits,
            entries: Arc::default(),
        }
    }

    /// Hears what is published under this subject, and under those below it (`a` hears `a`, `a.b` and `a.b.c`, not `ab`),
    /// until the listener is dropped.
    ///
    /// # Errors
    /// [`BusError::Subject`].
    pub fn listen(
        &self,
        subject: &str,
        sink: impl Fn(&str, &Bytes) + Send + Sync + 'static,
    ) -> Result<Listener, BusError> {
        self.check_subject(subject)?;
        let sink: Sink = Arc::new(sink);
        let entry = Entry {
            prefix: subject.into(),
            sink: sink.clone(),
        };
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        entries.push(entry);
        drop(entries);
        let bus = self.clone();
        Ok(Listener { bus, sink })
    }

    /// Calls every listener of the subject, in the order in which they came; answers how many there were.
    ///
    /// Messages of one publishing thread arrive in their order.
    ///
    /// # Errors
    /// The subject or the message is too long; nobody was called.
    pub fn publish(&self, subject: &str, message: &Bytes) -> Result<usize, BusError> {
        self.check_subject(subject)?;
        let bytes_max = self.limits.message_bytes_max;
        if message.len() > bytes_max {
            return Err(BusError::Message {
                bytes: message.len(),
                bytes_max,
            });
        }
        // Called without the lock, so that a sink may listen and publish itself.
        let sinks: Vec<Sink> = {
            let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
            let hearing = entries.iter().filter(|entry| entry.hears(subject));
            hearing.map(|entry| entry.sink.clone()).collect()
        };
        for sink in &sinks {
            sink(subject, message);
        }
        Ok(sinks.len())
    }

    fn check_subject(&self, subject: &str) -> Result<(), BusError> {
        let bytes_max = self.limits.subject_bytes_max;
        if subject.is_empty() || subject.len() > bytes_max {
            return Err(BusError::Subject {
                bytes: subject.len(),
                bytes_max,
            });
        }
        Ok(())
    }
}

impl Entry {
    fn hears(&self, subject: &str) -> bool {
        let rest = subject.strip_prefix(&*self.prefix);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
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
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// Keeps a sink listening. Dropping it ends that; a call under way on another thread still finishes.
pub struct Listener {
    bus: Bus,
    sink: Sink,
}

impl Drop for Listener {
    fn drop(&mut self) {
        let entries = &self.bus.entries;
        let mut entries = entries.write().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|entry| !Arc::ptr_eq(&entry.sink, &self.sink));
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").finish_non_exhaustive()
    }
}
