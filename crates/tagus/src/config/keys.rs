//! The one table of all keys: name, field, range, unit and meaning.

use std::path::PathBuf;

use tagus_net::Limits;
use tagus_players::matchmaker::GATHER_MS_MAX;
use tagus_room::{GATHER_MS_MAX as GATHER_MS_ROOM_MAX, RESERVE_MS_MAX};
use toml::Value;

use super::setting::{Kind, Setting};
use super::{Config, ConfigError};

/// One key of the configuration.
pub(crate) struct Key {
    /// Section and name, for example `limits.message_bytes_max`.
    pub(crate) name: &'static str,
    /// What it takes.
    pub(crate) kind: Kind,
    /// Smallest and greatest number allowed.
    pub(crate) range: Option<(i64, i64)>,
    /// What a number counts; empty where the name says it.
    pub(crate) unit: &'static str,
    /// Its meaning.
    pub(crate) doc: &'static str,
    /// Its value as TOML; none: not set. Secrets are masked.
    pub(crate) show: fn(&Config) -> Option<Value>,
    read: fn(&mut Config, &Value) -> Result<(), String>,
}

impl Key {
    /// Takes a value that lies in the range.
    pub(crate) fn put(&self, config: &mut Config, value: &Value) -> Result<(), ConfigError> {
        self.in_range(value)
            .and_then(|()| (self.read)(config, value))
            .map_err(|reason| self.wrong(reason))
    }

    /// Checks the value that is there, however it came there.
    pub(crate) fn check(&self, config: &Config) -> Result<(), ConfigError> {
        match (self.show)(config) {
            Some(value) => self.in_range(&value).map_err(|reason| self.wrong(reason)),
            None => Ok(()),
        }
    }

    fn in_range(&self, value: &Value) -> Result<(), String> {
        match (self.range, value.as_integer()) {
            (Some((min, max)), Some(number)) if !(min..=max).contains(&number) => {
                Err(format!("is {number} and must be from {min} to {max}"))
            }
            _ => Ok(()),
        }
    }

    fn wrong(&self, reason: String) -> ConfigError {
        ConfigError::Value {
            key: self.name,
            reason,
        }
    }
}

fn kind<T: Setting>(_: fn(&Config) -> &T) -> Kind {
    T::KIND
}

macro_rules! keys {
    ($($name:literal = $($field:ident).+, $range:expr, $unit:literal, $doc:literal;)*) => {
        vec![$(Key {
            name: $name,
            kind: kind(|config| &config.$($field).+),
            range: $range,
            unit: $unit,
            doc: $doc,
            show: |config| config.$($field).+.show(),
            read: |config, value| config.$($field).+.read(value),
        }),*]
    };
}

/// All keys; those of a section stand together.
pub(crate) fn keys() -> Vec<Key> {
    let mut keys = keys! {
        "data" = data, ANY, "",
            "Folder of everything durable; made at the first start.";
        "address" = address, ANY, "",
            "Address that HTTP and TCP listen on. Another than loopback needs keys of your own.";
        "admin_address" = admin_address, ANY, "",
            "Address that the admin port (metrics and health) listens on. Keep it away from the internet.";
        "http_port" = http_port, PORT, "",
            "Port of the HTTP API, sockets and the arcade; 0 picks a free one.";
        "admin_port" = admin_port, PORT, "",
            "Port of metrics and health; 0 picks a free one.";
        "tcp_port" = tcp_port, PORT, "",
            "Port of length-prefixed protobuf; 0 picks a free one.";
        "node" = node, ANY, "",
            "Name of this node: 1 to 16 of a-z, 0-9 and -.";
        "shards" = shards, from(1, 256), "threads",
            "Threads that own connections and rooms.";
        "grace_ms" = grace_ms, from(0, 600_000), "ms",
            "Time that rooms get to end when the server stops.";
        "tick_ms_max" = tick_ms_max, from(0, 60_000), "ms",
            "Time that a tick of a room may take before it is counted and logged as an overrun; 0: the room's period.";
        "relayed_gather_ms" = relayed_gather_ms, from(0, GATHER_MS_ROOM_MAX.into()), "ms",
            "Time that data of relayed matches may wait so that several messages to a client share a write. 0: it leaves at once.";
        "snapshot_lag_ms_max" = snapshot_lag_ms_max, from(0, 60_000), "ms",
            "How much older than what it was sent the last snapshot may be that a client says it has applied. Beyond it the client is sent fewer views until it has caught up. 0: whatever it says. Clients that say nothing are sent all.";
        "agar" = agar, ANY, "",
            "Whether clients of the public Agar protocol are let into the room `arena` at `/agar`, without a token. On loopback they always are.";
        "log" = log, ANY, "",
            "Level of the log, or levels by target, for example `info,tagus_shard=debug`.";
        "log_format" = log_format, ANY, "",
            "Shape of a log line: `human`, `json`, or `auto` for human on a terminal and JSON otherwise.";
        "trusted_proxies" = trusted, ANY, "",
            "Proxies whose word about a client's address is believed, such as `10.0.0.0/8`; in the environment separated by commas.";
        "proxy_protocol" = proxy_protocol, ANY, "",
            "Whether every connection of a trusted proxy to HTTP and TCP begins with a PROXY protocol header, version 1 or 2.";
        "rooms" = rooms, ANY, "",
            "Rooms opened at start: `name` (stable, clients join by it), `game`, and `params` as JSON text. In the environment as a TOML list.";
        "remotes" = remotes, ANY, "",
            "Services of your own that answer RPC functions and hooks: tables with `url` and `secret`, described in docs/server-code.md. In the environment as a TOML list.";
        "keys.server" = keys.server, ANY, "",
            "In every game client: tells that it is this game's.";
        "keys.http" = keys.http, ANY, "",
            "Authenticates your own servers when they call RPC functions.";
        "keys.admin" = keys.admin, ANY, "",
            "Authenticates operators on the admin port, and `tagus admin`. An `admin_address` other than loopback needs one of your own.";
        "keys.session" = keys.session, ANY, "",
            "Signs session tokens. Whoever has it can be any player.";
        "keys.refresh" = keys.refresh, ANY, "",
            "Signs refresh tokens. Must differ from `keys.session`.";
        "session.token_secs" = session_secs, LIFE, "s",
            "Life of a session token.";
        "session.refresh_secs" = refresh_secs, LIFE, "s",
            "Life of a refresh token.";
        "session.logouts_max" = logouts_max, from(1, 100_000_000), "logouts",
            "Logouts remembered at once, until their tokens expire. One more is refused.";
        "session.single_socket" = single_socket, ANY, "",
            "Whether a new connection closes the user's older ones, which are told by a notification of code -7.";
        "session.single_session" = single_session, ANY, "",
            "Whether a new login ends the account's other logins.";
        "session.single_party" = single_party, ANY, "",
            "Whether a connection that joins a party leaves the other parties that it is in.";
        "session.single_match" = single_match, ANY, "",
            "Whether a connection that joins a match leaves the other matches that it is in.";
        "client.version_min" = client.version_min, ANY, "",
            "Least version of clients, such as `1.4.2`; older ones are refused at login and socket. Clients tell theirs in the login variable `client_version` or the header `X-Client-Version`. Empty: every version.";
        "client.version_required" = client.version_required, ANY, "",
            "Whether clients that tell no version are refused too.";
        "codes.alphabet" = codes_alphabet, ANY, "",
            "The characters of friend and group codes, 16 to 36 of A-Z and 0-9, each once. Another order makes other codes; a change voids the codes that were told.";
        "passwords.wrong_per_account_max" = failed_passwords.account_free_max, from(1, 1_000_000), "attempts",
            "Wrong passwords on one account before each further one makes it wait. Whoever is logged in does not notice.";
        "passwords.wrong_per_address_max" = failed_passwords.address_free_max, from(1, 1_000_000), "attempts",
            "Wrong passwords from one IPv4 address or IPv6 /64 before each further one makes it wait.";
        "passwords.wait_ms_min" = failed_passwords.wait_ms_min, from(1, 86_400_000), "ms",
            "The first such wait; it doubles with each further wrong password.";
        "passwords.wait_ms_max" = failed_passwords.wait_ms_max, from(1, 86_400_000), "ms",
            "The longest such wait.";
        "passwords.forget_ms" = failed_passwords.forget_ms, from(1, 864_000_000), "ms",
            "Quiet time after which wrong passwords are forgotten. More than `passwords.wait_ms_max`.";
        "passwords.threads" = passwords.threads, from(1, 256), "threads",
            "Threads that hash passwords; as many hashes are in work at once, each with its own memory.";
        "passwords.queue_len_max" = passwords.queue_len_max, from(1, 65_536), "passwords",
            "Passwords that may wait for a thread. One more is refused as busy.";
        "passwords.memory_kib" = passwords.cost.memory_kib, from(8, 1_048_576), "KiB",
            "Memory of one hash. Stored hashes keep the cost they were made with.";
        "passwords.passes" = passwords.cost.passes, from(1, 64), "passes",
            "Passes over that memory.";
        "store.url" = store.url, ANY, "",
            "The database: `sqlite:` and a file, or `postgres://user:password@host/name`. Not set: `tagus.db` in the data folder.";
        "store.group_commits_max" = store.group_commits_max, from(1, 4_096), "batches",
            "SQLite: batches committed together at most. More make a sync cheaper per batch and the first caller's wait longer.";
        "store.queue_batches_max" = store.queue_batches_max, from(1, 65_536), "batches",
            "Batches that wait for the writer at most. One more is refused as busy.";
        "store.readers" = store.readers, from(1, 64), "connections",
            "Connections for reads. When all are taken a reader waits for one.";
        "store.wal_bytes_max" = store.wal_bytes_max, from(65_536, 1 << 34), "bytes",
            "SQLite: size of the write-ahead log from which it is moved into the database even while commits wait.";
        "store.cache_kib" = store.cache_kib, from(64, 1_048_576), "KiB",
            "SQLite: page cache of one connection.";
        "store.ca_path" = store.ca_path, ANY, "",
            "PostgreSQL: file of the certificate authorities (PEM) that its certificate is checked with. Not set: the system's.";
        "store.connections_max" = store.connections_max, from(1, 1_024), "connections",
            "PostgreSQL: connections for batches at most. A batch waits for one to be free.";
        "store.statement_ms_max" = store.statement_ms_max, from(1, 3_600_000), "ms",
            "PostgreSQL: time that one statement may take, waiting for other transactions included.";
        "store.connect_ms_max" = store.connect_ms_max, from(1, 3_600_000), "ms",
            "PostgreSQL: time that connecting may take.";
        "server_code.events_queue_max" = server_code.events_queue_max, from(1, 1_048_576), "events",
            "Events that wait for a worker. One more is refused and counted.";
        "server_code.events_queue_bytes_max" = server_code.events_queue_bytes_max, from(1_024, 1 << 30), "bytes",
            "Bytes of names and properties of the events that wait. More are refused and counted.";
        "server_code.event_workers" = server_code.event_workers, from(1, 256), "events",
            "Events that are handled at once.";
        "server_code.jobs_running_max" = server_code.jobs_running_max, from(1, 1_024), "jobs",
            "Jobs that run at once on this node. Others that are due wait.";
        "server_code.job_secs_max" = server_code.job_secs_max, from(1, 86_400), "s",
            "Time that one run of a job may take. Then it is dropped and counts as failed.";
        "streams.streams_per_session_max" = streams.streams_per_session_max, COUNT, "streams",
            "Streams that one connection may be in. One more join is refused.";
        "streams.members_max" = streams.members_max, COUNT, "members",
            "Members of one stream. One more join is refused.";
        "streams.label_bytes_max" = streams.label_bytes_max, from(1, 65_536), "bytes",
            "Longest label of a stream.";
        "streams.status_bytes_max" = streams.status_bytes_max, from(1, 65_536), "bytes",
            "Longest status text.";
        "matchmaker.gather_ms" = matchmaker.gather_ms, from(0, i64::from(GATHER_MS_MAX)), "ms",
            "Time that a matchmaker's ticket waits for a full match before a smaller one will do.";
        "matchmaker.tickets_max" = matchmaker.tickets_max, from(1, 10_000_000), "tickets",
            "Matchmaker's tickets that wait at once. One more is refused.";
        "matchmaker.max_intervals" = matchmaker.max_intervals, from(0, 1_000), "intervals",
            "Intervals after which a ticket makes no match by itself and is only found by others; until the last of them it waits for a full match, whatever `matchmaker.gather_ms` says. 0: every ticket looks until it is matched.";
        "matchmaker.interval_ms" = matchmaker.interval_ms, from(1, 3_600_000), "ms",
            "Length of such an interval.";
        "matchmaker.regions" = matchmaker.regions, ANY, "",
            "Regions where matches can be, at most 64. A ticket tells its round-trip time to one in the numeric property `rtt_ms.REGION`; players are matched where they have a region in common that is near enough. In the environment separated by commas.";
        "matchmaker.rtt_ms_max" = matchmaker.rtt_ms_max, from(1, 60_000), "ms",
            "Longest round-trip time to the region of a match, but that a ticket's nearest region is always near enough.";
        "matchmaker.reserve_ms" = matchmaker.reserve_ms, from(1, RESERVE_MS_MAX.into()), "ms",
            "Time that the seats of a match's players are kept free for them.";
        "matchmaker.private_rooms_max" = matchmaker.private_rooms_max, from(1, 1_000), "rooms",
            "Private rooms that one user has opened and that are not over. One more is refused. A mode's game must close a room that is empty.";
        "matchmaker.modes" = matchmaker.modes, ANY, "",
            "Modes of play, which tickets name in the string property `mode`: tables with `name`, and as wanted `gather_ms`, `team_count`, `rated`, `game` with `params` as JSON text (a room is opened for each match), `private` (players may open private rooms of the game). In the environment as a TOML list.";
        "bus.message_bytes_max" = bus.message_bytes_max, from(1_024, 67_108_864), "bytes",
            "Longest message between the parts of the server. A longer one is refused.";
        "bus.subject_bytes_max" = bus.subject_bytes_max, from(64, 65_535), "bytes",
            "Longest subject of such a message.";
        "limits.message_bytes_max" = limits.message_bytes_max, limit("message_bytes_max"), "bytes",
            "Longest message from a client on WebSocket and TCP. A longer one closes its connection; WebSocket says 1009.";
        "limits.request_body_bytes_max" = limits.request_body_bytes_max, limit("request_body_bytes_max"), "bytes",
            "Longest body of an HTTP request. A longer one is refused.";
        "limits.queue_bytes_max" = limits.queue_bytes_max, limit("queue_bytes_max"), "bytes",
            "What may wait for one slow reader. Beyond it the connection is told and closed.";
        "limits.unsent_bytes_max" = limits.unsent_bytes_max, limit("unsent_bytes_max"), "bytes",
            "What the operating system may hold for one connection without having sent it, on Linux. What follows waits in the server, where views are left out for a slow reader. 0: as much as it likes.";
        "limits.connections_max" = limits.connections_max, limit("connections_max"), "connections",
            "Connections open at once, on all doors. One more is closed at accept. The limit of open files may lower it.";
        "limits.connections_per_address_max" = limits.connections_per_address_max, limit("connections_per_address_max"), "connections",
            "Connections open at once from one IPv4 address or one IPv6 /64. One more is closed at accept.";
        "limits.hello_timeout_ms" = limits.hello_timeout_ms, limit("hello_timeout_ms"), "ms",
            "Time for TLS and the hello on a TCP connection. Then it is closed.";
        "limits.http_header_timeout_ms" = limits.http_header_timeout_ms, limit("http_header_timeout_ms"), "ms",
            "Time for the whole head of an HTTP request, TLS included. Then the connection is closed.";
        "limits.http_headers_bytes_max" = limits.http_headers_bytes_max, limit("http_headers_bytes_max"), "bytes",
            "Longest head of an HTTP request. A longer one is refused.";
        "limits.idle_http_ms" = limits.idle_http_ms, limit("idle_http_ms"), "ms",
            "Time an HTTP connection may stay open without a request. Then it is closed.";
        "limits.ping_interval_ms" = limits.ping_interval_ms, limit("ping_interval_ms"), "ms",
            "Time between pings to a connection.";
        "limits.pong_wait_ms" = limits.pong_wait_ms, limit("pong_wait_ms"), "ms",
            "Time without any sign of life after which a connection counts as lost. More than `limits.ping_interval_ms`.";
        "limits.close_linger_ms" = limits.close_linger_ms, limit("close_linger_ms"), "ms",
            "Time a closing connection gets to take its last bytes and answer. Then it is closed all the same.";
    };
    keys.push(Key {
        name: "tls.certificate",
        kind: PathBuf::KIND,
        range: ANY,
        unit: "",
        doc: "File of the certificate chain (PEM) of HTTP and TCP. Not set: no TLS.",
        show: |config| config.tls.as_ref().and_then(|tls| tls.0.show()),
        read: |config, value| config.tls.get_or_insert_default().0.read(value),
    });
    keys.push(Key {
        name: "tls.key",
        kind: PathBuf::KIND,
        range: ANY,
        unit: "",
        doc: "File of the certificate's private key (PEM).",
        show: |config| config.tls.as_ref().and_then(|tls| tls.1.show()),
        read: |config, value| config.tls.get_or_insert_default().1.read(value),
    });
    keys
}

/// The variable that sets a key.
pub(crate) fn variable(key: &str) -> String {
    let name = key.to_uppercase().replace('.', "__");
    format!("{ENVIRONMENT_PREFIX}{name}")
}

const fn from(min: i64, max: i64) -> Option<(i64, i64)> {
    Some((min, max))
}

/// The network edge knows its own ranges.
fn limit(name: &str) -> Option<(i64, i64)> {
    Limits::range(name).map(|(min, max)| (min.into(), max.into()))
}

const ANY: Option<(i64, i64)> = None;
const PORT: Option<(i64, i64)> = from(0, 65_535);
const COUNT: Option<(i64, i64)> = from(1, 1_000_000);
/// Ten years, so that times stay far from overflow.
const LIFE: Option<(i64, i64)> = from(1, 315_360_000);
pub(crate) const ENVIRONMENT_PREFIX: &str = "TAGUS_";
