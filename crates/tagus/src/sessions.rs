//! What a new connection means for its user's others, and the hooks at its start and end.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tagus_base::SessionId;
use tagus_players::{Notification, notification_code};
use tagus_shard::Requester;
use tagus_wire::realtime::envelope::Message;
use tagus_wire::realtime::{Envelope, Notifications};
use tokio::sync::oneshot;

use crate::gateway::{Gateway, random_bytes, unix_now};
use crate::hooks::Caller;
use crate::live::notification_out;
use crate::tagus::Tagus;

/// The connections whose end a hook waits for; as many as are open, at most.
#[derive(Default)]
pub(crate) struct Sessions {
    ends: Mutex<HashMap<SessionId, oneshot::Sender<()>>>,
}

impl Sessions {
    /// A connection is gone: its end hook may run.
    pub(crate) fn end(&self, session_id: SessionId) {
        self.ends().remove(&session_id);
    }

    fn ends(&self) -> MutexGuard<'_, HashMap<SessionId, oneshot::Sender<()>>> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Puts a connection that is listed already in its place: closes it if it came too late, and older ones where a single
/// one is allowed; then runs the hooks.
pub(crate) fn settle(gateway: &Arc<Gateway>, requester: &Requester) {
    let identity = &requester.identity;
    let (user_id, shards) = (identity.user_id, &gateway.shards);
    // Between the check of its token and its place in the list nobody could find it to close it.
    let logins = &gateway.logins;
    if logins.has_ended(user_id, identity.token_id, identity.issued_at) {
        shards.close(requester.conn, "logged out");
    }
    if gateway
        .entry
        .maintenance()
        .is_some_and(|maintenance| maintenance.drain)
    {
        shards.close(requester.conn, MAINTENANCE);
    }
    if gateway.config.single_socket {
        let older = gateway.live.older_than(user_id, requester.session_id);
        if !older.is_empty() {
            shards.push(older.iter().copied(), &replaced(requester));
        }
        for conn in older {
            shards.close(conn, "replaced by a newer connection");
        }
    }
    run_hooks(gateway, requester);
}

/// The notification of a connection that a newer one replaces.
fn replaced(requester: &Requester) -> Envelope {
    let notification = notification_out(Notification {
        id: tagus_base::Uuid::from_random(random_bytes()),
        user_id: requester.identity.user_id,
        subject: "single_socket".to_owned(),
        content: "{}".to_owned(),
        code: notification_code::SINGLE_SOCKET,
        sender_id: None,
        create_time: unix_now(),
        persistent: false,
    });
    Envelope {
        cid: String::new(),
        message: Some(Message::Notifications(Notifications {
            notifications: vec![notification],
        })),
    }
}

/// One task a connection runs both hooks, so that the end never overtakes the start.
fn run_hooks(gateway: &Arc<Gateway>, requester: &Requester) {
    let hooks = &gateway.hooks;
    let (start, end) = (hooks.session_start.clone(), hooks.session_end.clone());
    if start.is_none() && end.is_none() {
        return;
    }
    let caller = Caller::of_connection(requester.session_id, &requester.identity);
    let tagus = Tagus::of(gateway);
    let (sender, ended) = oneshot::channel();
    gateway.sessions.ends().insert(requester.session_id, sender);
    let run = async move {
        if let Some(start) = start {
            start(tagus.clone(), caller.clone()).await;
        }
        if let Some(end) = end {
            // Nothing is sent: the sender's end is the word.
            drop(ended.await);
            end(tagus, caller).await;
        }
    };
    // Ends with the connection.
    drop(gateway.runtime.spawn(run));
}

/// Why connections are closed under maintenance.
pub(crate) const MAINTENANCE: &str = "the server is under maintenance";
