//! The one place where a connection, a login, a player and a room meet.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use ring::rand::{SecureRandom, SystemRandom};
use tagus_base::{NodeId, RoomId, UnixMillis, Uuid};
use tagus_bus::Listener;
use tagus_players::leaderboards::Leaderboards;
use tagus_players::{
    Accounts, Chat, CodeRefused, Codes, Friends, Groups, Joinable, Login, Logins, Notifications,
    Presence, Ratings, Revoked, Storage, StorageIndexes, StreamId, StreamMode, TokenError, Wallets,
};
use tagus_room::{Factory, Job, Person, Seek, StoreOp};
use tagus_shard::{Call, Identity, NoRoom, Refused, Requester, RoomSummary, Shards, Upstream};
use tagus_wire::MessageKind;
use tagus_wire::ext::Hello;
use tagus_wire::realtime::Envelope;

use crate::assets::Pages;
use crate::config::Config;
use crate::directory::Directory;
use crate::entry::{Entry, VERSION_VARIABLE};
use crate::events::{Event, SentNotification};
use crate::hooks::Hooks;
use crate::join_codes::LiveJoinCodes;
use crate::live::Live;
use crate::matchmaker::LiveMatchmaker;
use crate::parties::LiveParties;
use crate::realtime;
use crate::remote::Remotes;
use crate::room_calls::RoomCalls;
use crate::room_values::RoomValues;
use crate::scheduler::Scheduler;
use crate::seeks::Seeks;
use crate::sessions::Sessions;
use crate::work_queue::WorkQueue;

pub(crate) struct Gateway {
    pub(crate) config: Config,
    pub(crate) node: NodeId,
    pub(crate) shards: Shards,
    pub(crate) accounts: Accounts,
    pub(crate) logins: Arc<Logins>,
    pub(crate) notifications: Notifications,
    pub(crate) friends: Friends,
    pub(crate) storage: Storage,
    pub(crate) storage_indexes: StorageIndexes,
    pub(crate) wallets: Wallets,
    pub(crate) ratings: Ratings,
    pub(crate) leaderboards: Leaderboards,
    pub(crate) chat: Chat,
    pub(crate) groups: Groups,
    pub(crate) codes: Codes,
    pub(crate) join_codes: Arc<LiveJoinCodes>,
    pub(crate) entry: Entry,
    pub(crate) sessions: Sessions,
    pub(crate) live: Arc<Live>,
    pub(crate) parties: LiveParties,
    pub(crate) matchmaker: Arc<LiveMatchmaker>,
    /// Keeps `live` hearing the bus.
    pub(crate) _listener: Listener,
    pub(crate) directory: Directory,
    pub(crate) seeks: Seeks,
    pub(crate) games: BTreeMap<String, Factory>,
    pub(crate) hooks: Hooks,
    pub(crate) events: WorkQueue<Event>,
    pub(crate) sent_notifications: Arc<WorkQueue<SentNotification>>,
    pub(crate) scheduler: Scheduler,
    pub(crate) remotes: Remotes,
    pub(crate) pages: Pages,
    pub(crate) runtime: tokio::runtime::Handle,
    pub(crate) recordings: PathBuf,
    pub(crate) room_values: RoomValues,
    pub(crate) room_calls: RoomCalls,
}

/// The gateway as the shards know it.
pub(crate) struct Door(pub(crate) Arc<Gateway>);

impl Gateway {
    pub(crate) fn verify(&self, token: &str) -> Result<Login, TokenError> {
        self.logins.verify_session(token, unix_now())
    }

    /// Closes the connections that a logout ended.
    pub(crate) fn close_revoked(&self, revoked: &[Revoked]) {
        for ended in revoked {
            match ended {
                Revoked::Login { token_id, .. } => self.shards.close_token(*token_id, "logged out"),
                Revoked::Others { user_id, token_id } => {
                    let connections = self.live.connections_of(*user_id).into_iter();
                    for other in connections.filter(|one| one.identity.token_id != *token_id) {
                        self.shards.close(other.conn, "logged in elsewhere");
                    }
                }
                Revoked::User(user_id) => self.shards.close_user(*user_id, "logged out"),
            }
        }
    }
}

impl Upstream for Door {
    fn admit(&self, hello: &Hello, _address: IpAddr) -> Result<Identity, Refused> {
        match self.0.verify(&hello.token) {
            Ok(login) => match self.0.entry.check(version_of(&login)) {
                Ok(()) => Ok(identity(login, hello.status, hello.lang.clone())),
                Err(error) => Err(Refused {
                    code: error.code,
                    reason: error.message,
                    retry_ms: error
                        .retry_ms
                        .and_then(|ms| u32::try_from(ms).ok())
                        .unwrap_or_default(),
                }),
            },
            Err(error) => {
                tracing::debug!(%error, "hello refused");
                Err(Refused {
                    code: 16,
                    reason: "Auth token invalid".to_owned(),
                    retry_ms: 0,
                })
            }
        }
    }

    fn match_token(&self, token: &str) -> Option<RoomId> {
        self.0.logins.verify_match_token(token, unix_now()).ok()
    }

    fn room_of_code(&self, requester: &Requester, code: &str) -> Result<RoomId, NoRoom> {
        let room = self.0.join_codes.room(requester, code);
        room.map_err(|refused| match refused {
            CodeRefused::NoCode => NoRoom::NoCode,
            CodeRefused::Unknown => NoRoom::NotFound,
            CodeRefused::TooManyWrong(_) => NoRoom::TooManyWrong,
        })
    }

    fn intercepts(&self, kind: MessageKind) -> bool {
        let hooks = &self.0.hooks;
        let is_local = hooks.before_message(kind).is_some() || hooks.after_message(kind).is_some();
        is_local || self.0.remotes.intercepts(kind)
    }

    fn request(&self, requester: Requester, envelope: Envelope) {
        // At most one task a connection: the shard hands up the next request after the answer to this one.
        let gateway = self.0.clone();
        drop(
            self.0
                .runtime
                .spawn(realtime::handle(gateway, requester, envelope)),
        );
    }

    fn connected(&self, requester: &Requester) {
        tracing::debug!(session_id = %requester.session_id, user_id = %requester.identity.user_id, "connected");
        self.0.live.connected(requester);
        crate::sessions::settle(&self.0, requester);
    }

    fn disconnected(&self, requester: &Requester) {
        tracing::debug!(session_id = %requester.session_id, "disconnected");
        let left = self.0.live.disconnected(requester);
        self.0.parties.disconnected(requester.session_id);
        self.0.matchmaker.disconnected(requester.session_id);
        left.iter().for_each(|event| self.0.live.announce(event));
        self.0.sessions.end(requester.session_id);
    }

    fn room_changed(&self, summary: RoomSummary) {
        self.0.directory.put(summary);
    }

    fn room_closed(&self, id: RoomId) {
        self.0.directory.remove(&id);
        self.0.seeks.put(id, None, &[]);
        self.0.join_codes.forget(Joinable::Room(id));
        self.0.room_values.room_closed(id);
    }

    fn seat_taken(&self, id: RoomId, person: &Person) {
        let presence = Presence {
            session_id: person.session_id,
            user_id: person.user_id,
            username: person.username.clone(),
            persistence: false,
            status: None,
            hidden: false,
        };
        if let Err(error) = self.0.live.streams().lock().join(&stream_of(&id), presence) {
            tracing::warn!(%error, "register a seat as a stream's member");
        }
    }

    fn seat_freed(&self, id: RoomId, person: &Person) {
        self.0
            .live
            .streams()
            .lock()
            .leave(&stream_of(&id), person.session_id);
    }

    fn room_failed(&self, id: RoomId, game: &str, seed: u64, recording: Vec<u8>) {
        if recording.is_empty() {
            return;
        }
        let path = self
            .0
            .recordings
            .join(format!("{game}-{}-{seed:016x}.rec", id.uuid));
        let write = move || match std::fs::write(&path, recording) {
            Ok(()) => {
                tracing::error!(path = %path.display(), "recording of the failed room kept: tagus replay FILE")
            }
            Err(error) => tracing::error!(%error, "keep the recording of a failed room"),
        };
        drop(self.0.runtime.spawn_blocking(write));
    }

    fn compute(&self, id: RoomId, token: u64, job: Job) {
        let shards = self.0.shards.clone();
        let run = move || shards.computed(id, token, job.run());
        drop(self.0.runtime.spawn_blocking(run));
    }

    fn store(&self, id: RoomId, name: &str, token: u64, op: StoreOp) {
        self.0.room_values.begin(id, name, token, op);
    }

    fn call(&self, id: RoomId, call: Call) {
        self.0.room_calls.begin(&self.0, id, call);
    }

    fn seek(&self, id: RoomId, seek: Option<Seek>, present: &[Person]) {
        self.0.seeks.put(id, seek, present);
        self.0.matchmaker.wake();
    }

    fn room_uuid(&self, name: &str) -> Uuid {
        uuid_of_name(name)
    }

    fn random(&self) -> [u8; 16] {
        random_bytes()
    }
}

/// The client's version, if its login tells it.
pub(crate) fn version_of(login: &Login) -> Option<&str> {
    login.vars.get(VERSION_VARIABLE).map(String::as_str)
}

/// What a shard needs to know of a login and of what its connection asked for.
pub(crate) fn identity(login: Login, appears_online: bool, lang: String) -> Identity {
    Identity {
        user_id: login.user_id,
        username: login.username,
        token_id: login.token_id,
        issued_at: login.issued_at,
        vars: login.vars,
        appears_online,
        lang,
        arrival: 0,
    }
}

/// The id of the room with this stable name.
pub(crate) fn named_room(name: &str) -> RoomId {
    RoomId {
        uuid: uuid_of_name(name),
        home: None,
    }
}

/// The version 5 UUID of a name in the DNS namespace: the id of a named room.
fn uuid_of_name(name: &str) -> Uuid {
    let mut hash = ring::digest::Context::new(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY);
    hash.update(&DNS_NAMESPACE);
    hash.update(name.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.finish().as_ref()[..16]);
    Uuid::from_sha1(bytes)
}

/// Calendar time at the edge.
pub(crate) fn unix_now() -> UnixMillis {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    UnixMillis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

pub(crate) fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    fill_random(&mut bytes);
    bytes
}

/// Fills with bytes of the operating system's generator.
pub(crate) fn fill_random(bytes: &mut [u8]) {
    SystemRandom::new()
        .fill(bytes)
        .expect("the operating system has a random generator");
}

/// The stream whose members sit in a room.
pub(crate) fn stream_of(id: &RoomId) -> StreamId {
    let mode = if id.home.is_some() {
        StreamMode::MATCH_AUTHORITATIVE
    } else {
        StreamMode::MATCH_RELAYED
    };
    let label = id.home.map(|node| node.to_string()).unwrap_or_default();
    StreamId {
        mode,
        subject: id.uuid,
        subcontext: Uuid::NIL,
        label,
    }
}

const DNS_NAMESPACE: [u8; 16] = [
    0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8,
];
