//! The connections of this node, and what reaches them: streams, their presence events, and messages to users.
//!
//! Everything goes through the bus, so that it reaches the members of a stream on whatever node they are.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Instant;

use bytes::Bytes;
use prost::Message as _;
use tagus_base::{SessionId, UserId, Uuid};
use tagus_bus::{Bus, Listener};
use tagus_players::{
    ChannelMessage, Followers, Joined, Notification, PartyId, Presence, Push, SharedStreams,
    StreamError, StreamEvent, StreamId, StreamMode,
};
use tagus_shard::{ConnRef, Identity, Requester, Shards};
use tagus_wire::api;
use tagus_wire::ext::StreamPush;
use tagus_wire::realtime::envelope::Message;
use tagus_wire::realtime::{
    ChannelPresenceEvent, Envelope, Notifications, PartyPresenceEvent, StatusPresenceEvent, Stream,
    StreamPresenceEvent, UserPresence,
};

use crate::arriving::Arriving;
use crate::events::SentNotification;
use crate::work_queue::WorkQueue;

/// See the module.
pub(crate) struct Live {
    shards: Shards,
    streams: SharedStreams,
    people: Mutex<People>,
    bus: Bus,
    sent_notifications: Arc<WorkQueue<SentNotification>>,
}

#[derive(Default)]
struct People {
    connections: HashMap<SessionId, Connection>,
    by_user: HashMap<UserId, Vec<SessionId>>,
    followers: Followers,
    arriving: Arriving,
}

impl People {
    /// Whether a user has a connection, or is about to have one.
    fn hears(&self, user_id: UserId) -> bool {
        self.by_user.contains_key(&user_id) || self.arriving.of(user_id)
    }
}

/// An open connection.
#[derive(Clone)]
pub(crate) struct Connection {
    pub(crate) conn: ConnRef,
    pub(crate) identity: Arc<Identity>,
}

/// How a connection appears in a stream.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Appearance {
    /// What it sends is kept.
    pub persistence: bool,
    /// It receives, and is neither counted, listed nor announced.
    pub hidden: bool,
    /// Its status text.
    pub status: Option<String>,
}

/// Why a connection did not join a stream.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum JoinError {
    /// There is no such connection.
    #[error("no such connection")]
    NotConnected,
    /// The stream refused it.
    #[error(transparent)]
    Stream(#[from] StreamError),
}

impl Live {
    /// Nobody yet. It hears the bus for as long as the listener is kept.
    pub(crate) fn start(
        shards: Shards,
        streams: SharedStreams,
        bus: &Bus,
        sent_notifications: Arc<WorkQueue<SentNotification>>,
    ) -> anyhow::Result<(Arc<Self>, Listener)> {
        let live = Arc::new(Self {
            shards,
            streams,
            people: Mutex::default(),
            bus: bus.clone(),
            sent_notifications,
        });
        let hearing: Weak<Self> = Arc::downgrade(&live);
        let listener = bus.listen(SUBJECT, move |_, message| {
            if let Some(live) = hearing.upgrade() {
                live.hear(message);
            }
        })?;
        Ok((live, listener))
    }

    pub(crate) fn connected(&self, requester: &Requester) {
        let (session_id, identity) = (requester.session_id, requester.identity.clone());
        let user_id = identity.user_id;
        let appears_online = identity.appears_online;
        let connection = Connection {
            conn: requester.conn,
            identity,
        };
        let mut people = self.people();
        let missed = people.arriving.take(user_id, connection.identity.arrival);
        for envelope in &missed {
            // Before the lock is given back, so that nothing later overtakes it.
            self.shards.push([connection.conn], envelope);
        }
        people.connections.insert(session_id, connection);
        people.by_user.entry(user_id).or_default().push(session_id);
        drop(people);
        if appears_online {
            let online = Appearance {
                status: Some(String::new()),
                ..Appearance::default()
            };
            match self.join(&status_of(user_id), session_id, online) {
                Ok(joined) => joined.event.iter().for_each(|event| self.announce(event)),
                Err(error) => tracing::debug!(%error, "appear online"),
            }
        }
    }

    /// From now on a user's messages are kept for a connection that is about to be made; answers its number.
    pub(crate) fn expect(&self, user_id: UserId) -> u64 {
        self.people().arriving.expect(user_id, Instant::now())
    }

    /// Forgets a connection. The changes that others see are to be announced.
    pub(crate) fn disconnected(&self, requester: &Requester) -> Vec<StreamEvent> {
        let (session_id, user_id) = (requester.session_id, requester.identity.user_id);
        let mut people = self.people();
        people.connections.remove(&session_id);
        people.followers.remove(session_id);
        if let Some(sessions) = people.by_user.get_mut(&user_id) {
            sessions.retain(|session| *session != session_id);
            if sessions.is_empty() {
                people.by_user.remove(&user_id);
            }
        }
        drop(people);
        // It joins nothing any more, so that this is all.
        self.streams.lock().leave_all(session_id)
    }

    /// An open connection of this node.
    pub(crate) fn connection(&self, session_id: SessionId) -> Option<Connection> {
        self.people().connections.get(&session_id).cloned()
    }

    /// The open connections of a user, oldest first.
    pub(crate) fn sessions_of(&self, user_id: UserId) -> Vec<SessionId> {
        let people = self.people();
        people.by_user.get(&user_id).cloned().unwrap_or_default()
    }

    /// The open connections of a user, oldest first.
    pub(crate) fn connections_of(&self, user_id: UserId) -> Vec<Connection> {
        let people = self.people();
        let sessions = people.by_user.get(&user_id).into_iter().flatten();
        sessions
            .filter_map(|session| people.connections.get(session).cloned())
            .collect()
    }

    /// The connections that the user of this one had open before it.
    pub(crate) fn older_than(&self, user_id: UserId, session_id: SessionId) -> Vec<ConnRef> {
        let people = self.people();
        let sessions = people.by_user.get(&user_id).into_iter().flatten();
        sessions
            .take_while(|session| **session != session_id)
            .filter_map(|session| people.connections.get(session))
            .map(|connection| connection.conn)
            .collect()
    }

    /// All open connections.
    pub(crate) fn everybody(&self) -> Vec<ConnRef> {
        let people = self.people();
        let connections = people.connections.values();
        connections.map(|connection| connection.conn).collect()
    }

    /// Whether a user shows a status.
    pub(crate) fn is_online(&self, user_id: UserId) -> bool {
        self.streams.lock().count(&status_of(user_id)) > 0
    }

    pub(crate) const fn streams(&self) -> &SharedStreams {
        &self.streams
    }

    /// The connection's followed users, to be changed.
    pub(crate) fn with_followers<T>(&self, change: impl FnOnce(&mut Followers) -> T) -> T {
        change(&mut self.people().followers)
    }

    /// Makes a connection a member. The change, if others see one, is to be announced.
    pub(crate) fn join(
        &self,
        stream: &StreamId,
        session_id: SessionId,
        appearance: Appearance,
    ) -> Result<Joined, JoinError> {
        // Under the lock of the connections, so that none joins after it was taken out of all streams.
        let people = self.people();
        let connection = people.connections.get(&session_id);
        let identity = &connection.ok_or(JoinError::NotConnected)?.identity;
        let presence = Presence {
            session_id,
            user_id: identity.user_id,
            username: identity.username.clone(),
            persistence: appearance.persistence,
            status: appearance.status,
            hidden: appearance.hidden,
        };
        Ok(self.streams.lock().join(stream, presence)?)
    }

    /// Ends a membership. The change, if others see one, is to be announced.
    pub(crate) fn leave(&self, stream: &StreamId, session_id: SessionId) -> Option<StreamEvent> {
        self.streams.lock().leave(stream, session_id)
    }

    /// Tells the members of a stream who came and who went.
    pub(crate) fn announce(&self, event: &StreamEvent) {
        if let Some(message) = event_message(event) {
            self.send(&event.stream, &[], message);
        }
    }

    /// Sends to all members of a stream, or to the listed ones.
    pub(crate) fn send(&self, stream: &StreamId, only: &[SessionId], message: Message) {
        let envelope = Envelope {
            cid: String::new(),
            message: Some(message),
        };
        let push = StreamPush {
            mode: stream.mode.0.into(),
            subject: stream.subject.0.to_vec().into(),
            subcontext: stream.subcontext.0.to_vec().into(),
            label: stream.label.clone(),
            envelope: envelope.encode_to_vec().into(),
            sessions: only.iter().flat_map(|session| session.0.0).collect(),
        };
        let subject = format!("{SUBJECT}.{}.{}", stream.mode.0, stream.subject);
        if let Err(error) = self.bus.publish(&subject, &push.encode_to_vec().into()) {
            tracing::warn!(%error, "send to a stream");
        }
    }

    /// Sends to all connections of a user.
    pub(crate) fn send_to_user(&self, user_id: UserId, message: Message) {
        let stream = StreamId {
            mode: StreamMode::NOTIFICATIONS,
            subject: user_id.0,
            subcontext: Uuid::NIL,
            label: String::new(),
        };
        self.send(&stream, &[], message);
    }

    /// Sends to one connection of this node, if it is open.
    pub(crate) fn send_to_session(&self, session_id: SessionId, message: Message) {
        let envelope = Envelope {
            cid: String::new(),
            message: Some(message),
        };
        let people = self.people();
        if let Some(connection) = people.connections.get(&session_id) {
            // Before the lock is given back, so that messages to one connection keep their order.
            self.shards.push([connection.conn], &envelope);
        }
    }

    /// Hands on what a change of durable things must tell, in its order.
    pub(crate) fn deliver(&self, pushes: Vec<Push>) {
        for push in pushes {
            match push {
                Push::Notification(one) => {
                    let user_id = one.user_id;
                    // Where the sink's queue is full this is counted there; the receiver loses nothing.
                    let sent = SentNotification {
                        notification: one.clone(),
                        is_connected: self.people().hears(user_id),
                    };
                    let _ = self.sent_notifications.send(sent);
                    let notifications = vec![notification_out(one)];
                    let message = Message::Notifications(Notifications { notifications });
                    self.send_to_user(user_id, message);
                }
                Push::ChannelMessage(message) => {
                    let channel = message.channel.clone();
                    let message = Message::ChannelMessage(channel_message_out(message));
                    self.send(&channel, &[], message);
                }
                Push::Event(event) => self.announce(&event),
                Push::Kick { stream, user_id } => {
                    for session_id in self.sessions_of(user_id) {
                        let event = self.leave(&stream, session_id);
                        event.iter().for_each(|event| self.announce(event));
                    }
                }
                Push::Close { stream } => self.close(&stream),
            }
        }
    }

    /// Ends a stream; its members hear that all of them have left.
    fn close(&self, stream: &StreamId) {
        let members: Vec<Presence> = self.streams.lock().receivers(stream).cloned().collect();
        let seen: Vec<Presence> = members.iter().filter(|one| !one.hidden).cloned().collect();
        for leaves in seen.chunks(LEAVES_MAX) {
            self.announce(&StreamEvent {
                stream: stream.clone(),
                joins: Vec::new(),
                leaves: leaves.to_vec(),
            });
        }
        for member in members {
            self.leave(stream, member.session_id);
        }
    }

    fn hear(&self, message: &Bytes) {
        let Some((stream, envelope, only)) = read_push(message) else {
            return tracing::error!("unreadable message on the bus");
        };
        let user = UserId(stream.subject);
        let mut people = self.people();
        let mut sessions = match stream.mode {
            StreamMode::NOTIFICATIONS => {
                people.arriving.keep(user, &envelope);
                people.by_user.get(&user).cloned().unwrap_or_default()
            }
            // Others must not learn by a stream's members who follows whom.
            StreamMode::STATUS => {
                let mut sessions = people.by_user.get(&user).cloned().unwrap_or_default();
                sessions.extend(people.followers.of(user));
                sessions.sort_unstable();
                sessions.dedup();
                sessions
            }
            _ => {
                let streams = self.streams.lock();
                let members = streams.receivers(&stream);
                members.map(|presence| presence.session_id).collect()
            }
        };
        if !only.is_empty() {
            sessions.retain(|session| only.contains(session));
        }
        let conns: Vec<ConnRef> = sessions
            .iter()
            .filter_map(|session| people.connections.get(session))
            .map(|connection| connection.conn)
            .collect();
        // Before the lock is given back, so that messages to one connection keep their order.
        self.shards.push(conns, &envelope);
    }

    fn people(&self) -> MutexGuard<'_, People> {
        self.people.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read_push(message: &Bytes) -> Option<(StreamId, Envelope, Vec<SessionId>)> {
    let push = StreamPush::decode(message.clone()).ok()?;
    let uuid = |bytes: &[u8]| bytes.try_into().ok().map(Uuid);
    let stream = StreamId {
        mode: StreamMode(u8::try_from(push.mode).ok()?),
        subject: uuid(&push.subject)?,
        subcontext: uuid(&push.subcontext)?,
        label: push.label,
    };
    let envelope = Envelope::decode(push.envelope).ok()?;
    let sessions = push.sessions.chunks(16);
    let only: Option<Vec<SessionId>> = sessions.map(|bytes| uuid(bytes).map(SessionId)).collect();
    Some((stream, envelope, only?))
}

/// What a change of presence is called on the wire; none where rooms tell it themselves.
fn event_message(event: &StreamEvent) -> Option<Message> {
    let joins = event.joins.iter().map(presence_out).collect();
    let leaves = event.leaves.iter().map(presence_out).collect();
    let stream = &event.stream;
    Some(match stream.mode {
        StreamMode::NOTIFICATIONS | StreamMode::MATCH_RELAYED | StreamMode::MATCH_AUTHORITATIVE => {
            return None;
        }
        StreamMode::STATUS => Message::StatusPresenceEvent(StatusPresenceEvent { joins, leaves }),
        StreamMode::CHANNEL | StreamMode::GROUP | StreamMode::DIRECT => {
            let names = ChannelNames::of(stream);
            Message::ChannelPresenceEvent(ChannelPresenceEvent {
                channel_id: stream.to_string(),
                joins,
                leaves,
                room_name: names.room_name,
                group_id: names.group_id,
                user_id_one: names.user_id_one,
                user_id_two: names.user_id_two,
            })
        }
        StreamMode::PARTY => Message::PartyPresenceEvent(PartyPresenceEvent {
            party_id: PartyId::of_stream(stream)?.to_string(),
            joins,
            leaves,
        }),
        _ => Message::StreamPresenceEvent(StreamPresenceEvent {
            stream: Some(stream_out(stream)),
            joins,
            leaves,
        }),
    })
}

/// The parts of a channel's id, as its messages repeat them; those of other kinds of channel are empty.
#[derive(Default)]
pub(crate) struct ChannelNames {
    pub(crate) room_name: String,
    pub(crate) group_id: String,
    pub(crate) user_id_one: String,
    pub(crate) user_id_two: String,
}

impl ChannelNames {
    pub(crate) fn of(stream: &StreamId) -> Self {
        let mut names = Self::default();
        match stream.mode {
            StreamMode::CHANNEL => names.room_name.clone_from(&stream.label),
            StreamMode::GROUP => names.group_id = stream.subject.to_string(),
            StreamMode::DIRECT => {
                names.user_id_one = stream.subject.to_string();
                names.user_id_two = stream.subcontext.to_string();
            }
            _ => {}
        }
        names
    }
}

pub(crate) fn notification_out(one: Notification) -> api::Notification {
    api::Notification {
        id: one.id.to_string(),
        subject: one.subject,
        content: one.content,
        code: one.code,
        sender_id: one.sender_id.map(|id| id.to_string()).unwrap_or_default(),
        create_time: Some(one.create_time.into()),
        persistent: one.persistent,
    }
}

pub(crate) fn channel_message_out(message: ChannelMessage) -> api::ChannelMessage {
    let names = ChannelNames::of(&message.channel);
    api::ChannelMessage {
        channel_id: message.channel.to_string(),
        message_id: message.id.to_string(),
        code: Some(message.code),
        // The server has none.
        sender_id: match message.sender_id.0 {
            Uuid::NIL => String::new(),
            sender => sender.to_string(),
        },
        username: message.username,
        content: message.content,
        create_time: Some(message.create_time.into()),
        update_time: Some(message.update_time.into()),
        persistent: Some(message.persistent),
        room_name: names.room_name,
        group_id: names.group_id,
        user_id_one: names.user_id_one,
        user_id_two: names.user_id_two,
    }
}

pub(crate) fn presence_out(presence: &Presence) -> UserPresence {
    UserPresence {
        user_id: presence.user_id.to_string(),
        session_id: presence.session_id.to_string(),
        username: presence.username.to_string(),
        persistence: presence.persistence,
        status: presence.status.clone(),
    }
}

pub(crate) fn stream_out(stream: &StreamId) -> Stream {
    let text = |subject: Uuid| match subject {
        Uuid::NIL => String::new(),
        subject => subject.to_string(),
    };
    Stream {
        mode: stream.mode.0.into(),
        subject: text(stream.subject),
        subcontext: text(stream.subcontext),
        label: stream.label.clone(),
    }
}

/// The stream of a user's status.
pub(crate) const fn status_of(user_id: UserId) -> StreamId {
    StreamId {
        mode: StreamMode::STATUS,
        subject: user_id.0,
        subcontext: Uuid::NIL,
        label: String::new(),
    }
}

/// Where the bus carries messages to streams.
const SUBJECT: &str = "stream";

/// Leaves in one message where a stream ends, so that it fits into a frame.
const LEAVES_MAX: usize = 100;
