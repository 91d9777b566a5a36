//! What a studio's server may hear of beside its calls: named events, and notifications on their way to players.

use std::collections::BTreeMap;

use tagus_base::UnixMillis;
use tagus_players::Notification;

use crate::hooks::Caller;
use crate::work_queue::{TEXT_BYTES, Work};

/// Something that happened, for statistics and the like.
#[derive(Clone, Debug, Default)]
pub struct Event {
    /// Its name.
    pub name: String,
    /// What there is to say about it.
    pub properties: BTreeMap<String, String>,
    /// When it happened, as its sender says.
    pub time: UnixMillis,
    /// Whether it came from a client, which may say anything.
    pub external: bool,
    /// Who sent it; nobody for server code.
    pub caller: Caller,
}

impl Work for Event {
    const METRICS: &'static str = "tagus_events";

    fn name(&self) -> String {
        self.name.clone()
    }

    fn bytes(&self) -> usize {
        let pairs = self.properties.iter();
        let texts: usize = pairs
            .map(|(key, value)| key.len() + value.len() + TEXT_BYTES)
            .sum();
        texts + self.name.len() + TEXT_BYTES
    }
}

/// A notification that was sent, for services that push to phones.
#[derive(Clone, Debug)]
pub struct SentNotification {
    /// What its receiver is told.
    pub notification: Notification,
    /// Whether the receiver has a connection to this node, and hears it there.
    pub is_connected: bool,
}

impl Work for SentNotification {
    const METRICS: &'static str = "tagus_notification_sink";

    fn name(&self) -> String {
        format!("notification {}", self.notification.code)
    }

    fn bytes(&self) -> usize {
        self.notification.subject.len() + self.notification.content.len() + TEXT_BYTES
    }
}
