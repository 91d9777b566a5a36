//! One typed tree of settings: file, then environment, then flags. Nothing else reads the environment.

mod keys;
mod load;
mod matchmaker;
mod server_code;
mod setting;
mod show;
mod store;

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tagus_bus::BusLimits;
use tagus_net::{Limits, TrustedProxies};
use tagus_players::{FailedPasswordsConfig, HasherConfig, Secret, Sqids, StreamLimits};
use tagus_telemetry::logs::{LogFormat, check_level};

use crate::entry::ClientConfig;

pub(crate) use load::{Origin, Origins};
pub use matchmaker::{MatchmakerSettings, Mode};
pub use server_code::{RemoteConfig, ServerCodeConfig};
pub use show::configuration_reference;
pub(crate) use show::tree;
pub use store::{StoreSettings, StoreUrl};

/// All settings, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// Folder of everything durable.
    pub data: PathBuf,
    /// The address that all doors listen on.
    pub address: IpAddr,
    /// The address that the admin port listens on, whatever `address` is.
    pub admin_address: IpAddr,
    /// HTTP API, sockets and the arcade; 0 picks a free port.
    pub http_port: u16,
    /// Metrics and health.
    pub admin_port: u16,
    /// Length-prefixed protobuf.
    pub tcp_port: u16,
    /// Threads that own connections and rooms.
    pub shards: usize,
    /// Name of this node, 1..=16 of `a-z0-9-`.
    pub node: String,
    /// Time that rooms get to end when the server stops, in milliseconds.
    pub grace_ms: u32,
    /// Time that a tick of a room may take before it is counted and logged as an overrun, in milliseconds;
    /// 0: the room's period.
    pub tick_ms_max: u32,
    /// Time that data of relayed matches may wait so that several messages to a client share a write, in milliseconds
    /// (0..=1,000), default 0: it leaves at once.
    pub relayed_gather_ms: u16,
    /// How much older than what it was sent the last snapshot may be that a client says it has applied, in milliseconds
    /// (0..=60,000), default 1,000: what a bad mobile network does, and then some. Beyond it the client is sent fewer
    /// views until it has caught up. 0: whatever it says.
    pub snapshot_lag_ms_max: u32,
    /// Whether clients of the Agar protocol are let in without a token at other addresses than loopback too.
    pub agar: bool,
    /// Keys.
    pub keys: KeyRing,
    /// Life of a session token, in seconds.
    pub session_secs: u64,
    /// Life of a refresh token, in seconds.
    pub refresh_secs: u64,
    /// Logouts remembered at once, until their tokens expire.
    pub logouts_max: usize,
    /// Whether a new connection closes the user's older ones.
    pub single_socket: bool,
    /// Whether a new login ends the account's others.
    pub single_session: bool,
    /// Whether a connection that joins a party leaves its others.
    pub single_party: bool,
    /// Whether a connection that joins a match leaves its others.
    pub single_match: bool,
    /// Limits of wrong passwords.
    pub failed_passwords: FailedPasswordsConfig,
    /// Versions of clients.
    pub client: ClientConfig,
    /// Capital letters and digits that codes are written with; see [`tagus_players::Sqids::new`].
    pub codes_alphabet: String,
    /// Threads and cost of password hashing.
    pub passwords: HasherConfig,
    /// The database.
    pub store: StoreSettings,
    /// Limits of streams.
    pub streams: StreamLimits,
    /// The matchmaker and its modes.
    pub matchmaker: MatchmakerSettings,
    /// Limits of messages between the parts of the server.
    pub bus: BusLimits,
    /// Limits of the network edge.
    pub limits: Limits,
    /// Proxies whose forwarded addresses are believed.
    pub trusted: TrustedProxies,
    /// Whether every connection of a trusted proxy to HTTP and TCP begins with a PROXY protocol header, version 1 or 2.
    pub proxy_protocol: bool,
    /// Certificate chain and key of HTTP and TCP; none: no TLS.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Log filter, for example `info` or `info,tagus_shard=debug`.
    pub log: String,
    /// Shape of a log line.
    pub log_format: LogFormat,
    /// Default rooms.
    pub rooms: Vec<RoomConfig>,
    /// Limits of server code.
    pub server_code: ServerCodeConfig,
    /// Services of the studio's own that answer RPC functions and hooks.
    pub remotes: Vec<RemoteConfig>,
    /// On a local network the public default of the server key is accepted.
    pub lan: bool,
    /// Where to write the addresses as JSON once all doors are open.
    pub ready_file: Option<PathBuf>,
}

/// Keys that clients and servers show, and those that sign tokens.
#[derive(Clone, Debug)]
pub struct KeyRing {
    /// In every game client: authenticates the game.
    pub server: Secret,
    /// Server-to-server RPC.
    pub http: Secret,
    /// Operators' calls to the admin port.
    pub admin: Secret,
    /// Signs session tokens.
    pub session: Secret,
    /// Signs refresh tokens.
    pub refresh: Secret,
}

/// A room that is opened at start under a stable name.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RoomConfig {
    /// Its stable name; clients may join by it.
    pub name: String,
    /// The game.
    pub game: String,
    /// The game's parameters, as JSON text.
    #[serde(default)]
    pub params: String,
}

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("read configuration {path}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        err: std::io::Error,
    },
    /// The text is no TOML, or has a value where a section belongs.
    #[error("parse configuration: {0}")]
    Parse(String),
    /// There is no such key.
    #[error("unknown key {key}{}", meant(*suggestion))]
    Unknown {
        /// Its name, and the variable that it came from, if one.
        key: String,
        /// The key that was probably meant.
        suggestion: Option<&'static str>,
    },
    /// A value makes no sense.
    #[error("{key} {reason}")]
    Value {
        /// Which key.
        key: &'static str,
        /// What is wrong and what to do.
        reason: String,
    },
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data: PathBuf::from("data"),
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            admin_address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            http_port: 7350,
            admin_port: 7351,
            tcp_port: 7352,
            shards: std::thread::available_parallelism().map_or(1, usize::from),
            node: "tagus".to_owned(),
            grace_ms: 2_000,
            tick_ms_max: 0,
            relayed_gather_ms: 0,
            agar: false,
            snapshot_lag_ms_max: 1_000,
            keys: KeyRing {
                server: Secret::new(DEFAULT_SERVER_KEY),
                http: Secret::new(DEFAULT_HTTP_KEY),
                admin: Secret::new(DEFAULT_ADMIN_KEY),
                session: Secret::new(DEFAULT_SESSION_KEY),
                refresh: Secret::new(DEFAULT_REFRESH_KEY),
            },
            session_secs: 3_600,
            refresh_secs: 30 * 86_400,
            logouts_max: 1_000_000,
            single_socket: false,
            single_session: false,
            single_party: false,
            single_match: false,
            failed_passwords: FailedPasswordsConfig::default(),
            client: ClientConfig::default(),
            codes_alphabet: CODES_ALPHABET.to_owned(),
            passwords: HasherConfig::default(),
            store: StoreSettings::default(),
            streams: StreamLimits::default(),
            matchmaker: MatchmakerSettings::default(),
            bus: BusLimits::default(),
            limits: Limits::default(),
            trusted: TrustedProxies::default(),
            proxy_protocol: false,
            tls: None,
            log: "info".to_owned(),
            log_format: LogFormat::Auto,
            rooms: Vec::new(),
            server_code: ServerCodeConfig::default(),
            remotes: Vec::new(),
            lan: false,
            ready_file: None,
        }
    }
}

impl Config {
    /// Reads the file, if given, and lays the environment over it.
    ///
    /// # Errors
    /// See [`ConfigError`]; unknown keys are errors.
    pub fn load(
        path: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        load::load(path, environment).map(|(config, _)| config)
    }

    /// As [`Self::load`], with where each value came from.
    pub(crate) fn load_with_origins(
        path: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<(Self, Origins), ConfigError> {
        load::load(path, environment)
    }

    /// Checks every range, and what only the whole tree can show.
    ///
    /// # Errors
    /// The first value that makes no sense, and what to do about it.
    pub fn check(&self) -> Result<(), ConfigError> {
        let wrong = |key, reason: String| Err(ConfigError::Value { key, reason });
        for key in keys::keys() {
            key.check(self)?;
        }
        if self.limits.pong_wait_ms <= self.limits.ping_interval_ms {
            let (wait, interval) = (self.limits.pong_wait_ms, self.limits.ping_interval_ms);
            let reason = format!(
                "is {wait} and must be more than limits.ping_interval_ms, which is {interval}"
            );
            return wrong("limits.pong_wait_ms", reason);
        }
        if self.proxy_protocol && self.trusted.texts().next().is_none() {
            let reason = "needs trusted_proxies: the header of anybody else is not believed";
            return wrong("proxy_protocol", reason.to_owned());
        }
        if let Err((key, reason)) = self.matchmaker.check() {
            return wrong(key, reason);
        }
        if let Err(reason) = server_code::check_remotes(&self.remotes) {
            return wrong("remotes", reason);
        }
        if let Err(error) = check_level(&self.log) {
            return wrong("log", format!("cannot be read: {error}"));
        }
        if let Some((certificate, key)) = &self.tls {
            for (name, path) in [("tls.certificate", certificate), ("tls.key", key)] {
                if path.as_os_str().is_empty() {
                    let reason = "is not set; TLS needs tls.certificate and tls.key";
                    return wrong(name, reason.to_owned());
                }
            }
        }
        if self.node.parse::<tagus_base::NodeId>().is_err() {
            return wrong(
                "node",
                format!("is {:?} and must be 1 to 16 of a-z, 0-9 and -", self.node),
            );
        }
        if self.keys.session.expose() == self.keys.refresh.expose() {
            let reason = "equals keys.session; a refresh token would pass as a session token";
            return wrong("keys.refresh", reason.to_owned());
        }
        self.check_players(&wrong)?;
        if !self.admin_address.is_loopback()
            && self.keys.admin.expose() == DEFAULT_ADMIN_KEY.as_bytes()
        {
            let (variable, address) = (keys::variable("keys.admin"), self.admin_address);
            let reason = format!(
                "is the default, which is public, and admin_address {address} is not loopback; set {variable}"
            );
            return wrong("keys.admin", reason);
        }
        if self.address.is_loopback() {
            return Ok(());
        }
        let defaults: [(&'static str, &Secret, &str); 4] = [
            ("keys.server", &self.keys.server, DEFAULT_SERVER_KEY),
            ("keys.http", &self.keys.http, DEFAULT_HTTP_KEY),
            ("keys.session", &self.keys.session, DEFAULT_SESSION_KEY),
            ("keys.refresh", &self.keys.refresh, DEFAULT_REFRESH_KEY),
        ];
        for (key, secret, default) in defaults {
            if self.lan && key == "keys.server" {
                continue;
            }
            if secret.expose() == default.as_bytes() {
                let variable = keys::variable(key);
                let address = self.address;
                let reason = format!(
                    "is the default, which is public, and {address} is not loopback; set {variable}, or use --lan"
                );
                return wrong(key, reason);
            }
        }
        Ok(())
    }

    fn check_players(
        &self,
        wrong: &dyn Fn(&'static str, String) -> Result<(), ConfigError>,
    ) -> Result<(), ConfigError> {
        let waits = &self.failed_passwords;
        if waits.wait_ms_max < waits.wait_ms_min {
            let (max, min) = (waits.wait_ms_max, waits.wait_ms_min);
            let reason =
                format!("is {max} and must be at least passwords.wait_ms_min, which is {min}");
            return wrong("passwords.wait_ms_max", reason);
        }
        if waits.forget_ms <= waits.wait_ms_max {
            let (forget, max) = (waits.forget_ms, waits.wait_ms_max);
            let reason =
                format!("is {forget} and must be more than passwords.wait_ms_max, which is {max}");
            return wrong("passwords.forget_ms", reason);
        }
        if let Err(error) = self.client.version_min() {
            let reason = format!("is {:?} and {error}", self.client.version_min);
            return wrong("client.version_min", reason);
        }
        if self.client.version_required && self.client.version_min.is_empty() {
            let reason = "needs client.version_min".to_owned();
            return wrong("client.version_required", reason);
        }
        if let Err(error) = Sqids::new(&self.codes_alphabet, CODE_LENGTH_MIN) {
            return wrong("codes.alphabet", error.to_string());
        }
        Ok(())
    }

    /// For a local network: signing keys of this start's own. The server key stays, since every client has it.
    #[must_use]
    pub fn for_lan(mut self) -> Self {
        self.lan = true;
        let own = || {
            let bytes = crate::gateway::random_bytes::<24>();
            Secret::new(
                bytes
                    .iter()
                    .map(|byte| format!("{byte:02x}"))
                    .collect::<String>(),
            )
        };
        self.keys = KeyRing {
            server: self.keys.server,
            http: own(),
            // The admin port stays on loopback, unless told otherwise, where the key must be known.
            admin: self.keys.admin,
            session: own(),
            refresh: own(),
        };
        self
    }
}

/// Letters and digits that are not mistaken for each other, and no vowels, so that no code is a word.
const CODES_ALPHABET: &str = "BCDFGHJKMNPQRSTVWXYZ23456789";
/// Characters of a code, at least.
pub(crate) const CODE_LENGTH_MIN: usize = 6;

fn meant(suggestion: Option<&str>) -> String {
    suggestion.map_or_else(
        || "; docs/configuration.md has all keys".to_owned(),
        |key| format!("; did you mean {key}?"),
    )
}

const DEFAULT_SERVER_KEY: &str = "defaultkey";
const DEFAULT_HTTP_KEY: &str = "defaulthttpkey";
const DEFAULT_ADMIN_KEY: &str = "defaultadminkey";
const DEFAULT_SESSION_KEY: &str = "defaultencryptionkey";
const DEFAULT_REFRESH_KEY: &str = "defaultrefreshencryptionkey";

#[cfg(test)]
mod tests;
