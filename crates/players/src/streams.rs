//! Streams: who is present where. The one presence primitive under rooms, chat, status, notifications, groups
//! and parties.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hashbrown::HashMap;
use tagus_base::{IdError, SessionId, UserId, Uuid};

use crate::PlayersMetrics;

/// What a stream is used for. Numbers from 128 are the studio's.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct StreamMode(pub u8);

impl StreamMode {
    /// A user's notifications; the subject is the user.
    pub const NOTIFICATIONS: Self = Self(0);
    /// A user's status; the subject is the user.
    pub const STATUS: Self = Self(1);
    /// A chat room; the label is its name.
    pub const CHANNEL: Self = Self(2);
    /// A group's chat; the subject is the group.
    pub const GROUP: Self = Self(3);
    /// A chat of two users: subject and subcontext.
    pub const DIRECT: Self = Self(4);
    /// A relayed match; the subject is the match.
    pub const MATCH_RELAYED: Self = Self(5);
    /// An authoritative match; the subject is the match, the label its node.
    pub const MATCH_AUTHORITATIVE: Self = Self(6);
    /// A party; the subject is the party, the label its node.
    pub const PARTY: Self = Self(7);

    /// A relayed or authoritative match, whose members have seats.
    #[must_use]
    pub const fn is_match(self) -> bool {
        matches!(self, Self::MATCH_RELAYED | Self::MATCH_AUTHORITATIVE)
    }
}

/// Name of a stream.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct StreamId {
    /// What it is used for.
    pub mode: StreamMode,
    /// Whom or what it is about; nil when the mode needs none.
    pub subject: Uuid,
    /// A second subject; nil when the mode needs none.
    pub subcontext: Uuid,
    /// A text, at most [`StreamLimits::label_bytes_max`] bytes; empty when the mode needs none.
    pub label: String,
}

impl fmt::Display for StreamId {
    /// `mode.subject.subcontext.label`; nil subjects are left out. The wire's id of a channel.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.", self.mode.0)?;
        for subject in [self.subject, self.subcontext] {
            if subject != Uuid::NIL {
                write!(f, "{subject}")?;
            }
            f.write_str(".")?;
        }
        f.write_str(&self.label)
    }
}

impl FromStr for StreamId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let mut parts = text.splitn(4, '.');
        let mut next = || parts.next().ok_or(IdError);
        let uuid = |text: &str| match text {
            "" => Ok(Uuid::NIL),
            text => text.parse(),
        };
        let stream = Self {
            mode: StreamMode(next()?.parse().map_err(|_| IdError)?),
            subject: uuid(next()?)?,
            subcontext: uuid(next()?)?,
            label: next()?.to_owned(),
        };
        // Only the one spelling that it is shown in: ids are compared as text elsewhere.
        (stream.to_string() == text)
            .then_some(stream)
            .ok_or(IdError)
    }
}

/// One connection's presence in a stream.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Presence {
    /// The connection.
    pub session_id: SessionId,
    /// Its account.
    pub user_id: UserId,
    /// The account's name when the connection was made.
    pub username: Arc<str>,
    /// Whether what it sends is kept.
    pub persistence: bool,
    /// The status text; none when the mode has no status.
    pub status: Option<String>,
    /// A hidden presence receives, and is neither counted, listed nor announced.
    pub hidden: bool,
}

/// A change of who is seen in a stream. To be delivered to its members.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StreamEvent {
    /// The stream.
    pub stream: StreamId,
    /// Presences that are seen since.
    pub joins: Vec<Presence>,
    /// Presences that are no longer seen.
    pub leaves: Vec<Presence>,
}

/// What a join did.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Joined {
    /// False when the connection was a member before.
    pub newly: bool,
    /// The change, if anything that is seen changed. A changed presence is a leave of the old and a join of the new.
    pub event: Option<StreamEvent>,
}

/// Limits of a registry of streams.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct StreamLimits {
    /// Streams that one connection may be in.
    pub streams_per_session_max: usize,
    /// Members of one stream.
    pub members_max: usize,
    /// Bytes of a stream's label.
    pub label_bytes_max: usize,
    /// Bytes of a status text.
    pub status_bytes_max: usize,
}

impl Default for StreamLimits {
    fn default() -> Self {
        Self {
            streams_per_session_max: 256,
            members_max: 10_000,
            label_bytes_max: 128,
            status_bytes_max: 2_048,
        }
    }
}

/// A join was refused, and nothing changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError {
    /// The connection is in too many streams.
    #[error("join more than {streams_max} streams")]
    TooManyStreams {
        /// The limit.
        streams_max: usize,
    },
    /// The stream has too many members.
    #[error("join stream of {members_max} members")]
    Full {
        /// The limit.
        members_max: usize,
    },
    /// The label is too long.
    #[error("join stream with a label over {bytes_max} bytes")]
    LabelTooLong {
        /// The limit.
        bytes_max: usize,
    },
    /// The status text is too long.
    #[error("set status over {bytes_max} bytes")]
    StatusTooLong {
        /// The limit.
        bytes_max: usize,
    },
}

/// The streams of this node and their members, in order of session id.
#[derive(Debug, Default)]
pub struct Streams {
    limits: StreamLimits,
    metrics: PlayersMetrics,
    members: HashMap<StreamId, Members>,
    joined: HashMap<SessionId, BTreeSet<StreamId>>,
}

#[derive(Debug, Default)]
struct Members {
    presences: BTreeMap<SessionId, Presence>,
    hidden_count: usize,
}

impl Streams {
    /// No streams yet.
    #[must_use]
    pub fn new(limits: StreamLimits) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }

    /// Makes the connection a member, or replaces its presence.
    pub fn join(&mut self, stream: &StreamId, presence: Presence) -> Result<Joined, StreamError> {
        self.check(stream, &presence)?;
        let session_id = presence.session_id;
        let members = self.members.entry_ref(stream).or_default();
        members.hidden_count += usize::from(presence.hidden);
        let before = members.presences.insert(session_id, presence.clone());
        members.hidden_count -= before
            .as_ref()
            .map_or(0, |before| usize::from(before.hidden));
        self.joined
            .entry(session_id)
            .or_default()
            .insert(stream.clone());
        let newly = before.is_none();
        if newly {
            self.metrics.stream_members.inc();
            self.count_streams();
        }
        if before.as_ref() == Some(&presence) {
            return Ok(Joined { newly, event: None });
        }
        Ok(Joined {
            newly,
            event: event(stream, Some(presence), before),
        })
    }

    /// Ends a membership. No change when there was none or it was hidden.
    pub fn leave(&mut self, stream: &StreamId, session_id: SessionId) -> Option<StreamEvent> {
        if let Some(streams) = self.joined.get_mut(&session_id) {
            streams.remove(stream);
            if streams.is_empty() {
                self.joined.remove(&session_id);
            }
        }
        let left = self.remove_member(stream, session_id)?;
        event(stream, None, Some(left))
    }

    /// Ends all memberships of a connection that is gone, but for those in matches, which end with the seat;
    /// the changes come in order of stream.
    pub fn leave_all(&mut self, session_id: SessionId) -> Vec<StreamEvent> {
        let mut streams = self.joined.remove(&session_id).unwrap_or_default();
        let seats = streams
            .extract_if(.., |stream| stream.mode.is_match())
            .collect::<BTreeSet<_>>();
        if !seats.is_empty() {
            self.joined.insert(session_id, seats);
        }
        let leave = |stream: &StreamId| {
            let left = self.remove_member(stream, session_id)?;
            event(stream, None, Some(left))
        };
        streams.iter().filter_map(leave).collect()
    }

    /// The members that are seen, in order of session id.
    pub fn members(&self, stream: &StreamId) -> impl Iterator<Item = &Presence> {
        self.receivers(stream).filter(|presence| !presence.hidden)
    }

    /// All members, hidden ones too: those to whom a message goes, in order of session id.
    pub fn receivers(&self, stream: &StreamId) -> impl Iterator<Item = &Presence> {
        self.members
            .get(stream)
            .into_iter()
            .flat_map(|members| members.presences.values())
    }

    /// Number of members that are seen.
    #[must_use]
    pub fn count(&self, stream: &StreamId) -> usize {
        self.members
            .get(stream)
            .map_or(0, |members| members.presences.len() - members.hidden_count)
    }

    /// The connection's presence in the stream, hidden or not.
    #[must_use]
    pub fn presence(&self, stream: &StreamId, session_id: SessionId) -> Option<&Presence> {
        self.members.get(stream)?.presences.get(&session_id)
    }

    /// Number of streams that have a member.
    #[must_use]
    pub fn stream_count(&self) -> usize {
        self.members.len()
    }

    fn check(&self, stream: &StreamId, presence: &Presence) -> Result<(), StreamError> {
        let limits = &self.limits;
        if stream.label.len() > limits.label_bytes_max {
            return Err(StreamError::LabelTooLong {
                bytes_max: limits.label_bytes_max,
            });
        }
        if presence
            .status
            .as_ref()
            .is_some_and(|status| status.len() > limits.status_bytes_max)
        {
            return Err(StreamError::StatusTooLong {
                bytes_max: limits.status_bytes_max,
            });
        }
        if self.presence(stream, presence.session_id).is_some() {
            return Ok(());
        }
        let streams_count = self
            .joined
            .get(&presence.session_id)
            .map_or(0, BTreeSet::len);
        if streams_count >= limits.streams_per_session_max {
            return Err(StreamError::TooManyStreams {
                streams_max: limits.streams_per_session_max,
            });
        }
        let members_count = self
            .members
            .get(stream)
            .map_or(0, |members| members.presences.len());
        if members_count >= limits.members_max {
            return Err(StreamError::Full {
                members_max: limits.members_max,
            });
        }
        Ok(())
    }

    fn count_streams(&self) {
        let count = i64::try_from(self.members.len()).unwrap_or(i64::MAX);
        self.metrics.streams.set(count);
    }

    fn remove_member(&mut self, stream: &StreamId, session_id: SessionId) -> Option<Presence> {
        let members = self.members.get_mut(stream)?;
        let left = members.presences.remove(&session_id)?;
        members.hidden_count -= usize::from(left.hidden);
        if members.presences.is_empty() {
            self.members.remove(stream);
            self.count_streams();
        }
        self.metrics.stream_members.dec();
        Some(left)
    }
}

/// The change that others see, if they see any.
fn event(
    stream: &StreamId,
    joined: Option<Presence>,
    left: Option<Presence>,
) -> Option<StreamEvent> {
    let seen = |presence: Option<Presence>| -> Vec<Presence> {
        presence
            .into_iter()
            .filter(|presence| !presence.hidden)
            .collect()
    };
    let (joins, leaves) = (seen(joined), seen(left));
    if joins.is_empty() && leaves.is_empty() {
        return None;
    }
    Some(StreamEvent {
        stream: stream.clone(),
        joins,
        leaves,
    })
}

/// [`Streams`] behind a lock, shared by the parts of a node.
#[derive(Clone, Debug, Default)]
pub struct SharedStreams(Arc<Mutex<Streams>>);

impl SharedStreams {
    /// No streams yet.
    #[must_use]
    pub fn new(limits: StreamLimits, metrics: &PlayersMetrics) -> Self {
        let mut streams = Streams::new(limits);
        streams.metrics = metrics.clone();
        Self(Arc::new(Mutex::new(streams)))
    }

    /// The streams, held until the guard is dropped. Deliver events after that, not before.
    pub fn lock(&self) -> MutexGuard<'_, Streams> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
