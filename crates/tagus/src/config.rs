//! One typed tree of settings: file, then environment, then flags. Nothing else reads the environment.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tagus_net::{Limits, TrustedProxies};
use tagus_players::Secret;

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
    /// Keys.
    pub keys: KeyRing,
    /// Life of a session token, in seconds.
    pub session_secs: u64,
    /// Life of a refresh token, in seconds.
    pub refresh_secs: u64,
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
    /// Default rooms.
    pub rooms: Vec<RoomConfig>,
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
    /// The tree has an unknown key or a value of the wrong kind.
    #[error("parse configuration: {0}")]
    Parse(String),
    /// A value makes no sense.
    #[error("{key}: {reason}")]
    Value {
        /// Which key.
        key: &'static str,
        /// What is wrong and what to do.
        reason: String,
    },
}

/// The file's form: every key optional.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct FileConfig {
    data: Option<PathBuf>,
    address: Option<IpAddr>,
    admin_address: Option<IpAddr>,
    http_port: Option<u16>,
    admin_port: Option<u16>,
    tcp_port: Option<u16>,
    shards: Option<usize>,
    node: Option<String>,
    grace_ms: Option<u32>,
    log: Option<String>,
    trusted_proxies: Vec<String>,
    proxy_protocol: Option<bool>,
    keys: FileKeys,
    session: FileSession,
    limits: FileLimits,
    tls: Option<FileTls>,
    rooms: Option<Vec<RoomConfig>>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
struct FileKeys {
    server: Option<String>,
    http: Option<String>,
    session: Option<String>,
    refresh: Option<String>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
struct FileSession {
    token_secs: Option<u64>,
    refresh_secs: Option<u64>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
struct FileLimits {
    message_bytes_max: Option<u32>,
    request_body_bytes_max: Option<u32>,
    queue_bytes_max: Option<u32>,
    connections_max: Option<u32>,
    connections_per_address_max: Option<u32>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct FileTls {
    certificate: PathBuf,
    key: PathBuf,
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
            keys: KeyRing {
                server: Secret::new(DEFAULT_SERVER_KEY),
                http: Secret::new(DEFAULT_HTTP_KEY),
                session: Secret::new(DEFAULT_SESSION_KEY),
                refresh: Secret::new(DEFAULT_REFRESH_KEY),
            },
            session_secs: 3_600,
            refresh_secs: 30 * 86_400,
            limits: Limits::default(),
            trusted: TrustedProxies::default(),
            proxy_protocol: false,
            tls: None,
            log: "info".to_owned(),
            rooms: Vec::new(),
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
        let mut tree = toml::Table::new();
        if let Some(path) = path {
            let text = std::fs::read_to_string(path).map_err(|err| ConfigError::Read {
                path: path.to_owned(),
                err,
            })?;
            tree = text
                .parse()
                .map_err(|error: toml::de::Error| ConfigError::Parse(error.to_string()))?;
        }
        let variables: BTreeMap<String, String> = environment.collect();
        for (name, value) in &variables {
            if let Some(key) = name.strip_prefix(ENVIRONMENT_PREFIX) {
                set(&mut tree, &key.to_lowercase(), value)?;
            }
        }
        let file: FileConfig = tree
            .try_into()
            .map_err(|error| ConfigError::Parse(error.to_string()))?;
        Self::default().merged(file)
    }

    fn merged(mut self, file: FileConfig) -> Result<Self, ConfigError> {
        let put = |to: &mut Secret, value: Option<String>| {
            if let Some(value) = value {
                *to = Secret::new(value);
            }
        };
        self.data = file.data.unwrap_or(self.data);
        self.address = file.address.unwrap_or(self.address);
        self.admin_address = file.admin_address.unwrap_or(self.admin_address);
        self.proxy_protocol = file.proxy_protocol.unwrap_or(self.proxy_protocol);
        self.http_port = file.http_port.unwrap_or(self.http_port);
        self.admin_port = file.admin_port.unwrap_or(self.admin_port);
        self.tcp_port = file.tcp_port.unwrap_or(self.tcp_port);
        self.shards = file.shards.unwrap_or(self.shards);
        self.node = file.node.unwrap_or(self.node);
        self.grace_ms = file.grace_ms.unwrap_or(self.grace_ms);
        self.log = file.log.unwrap_or(self.log);
        self.rooms = file.rooms.unwrap_or(self.rooms);
        self.tls = file.tls.map(|tls| (tls.certificate, tls.key)).or(self.tls);
        put(&mut self.keys.server, file.keys.server);
        put(&mut self.keys.http, file.keys.http);
        put(&mut self.keys.session, file.keys.session);
        put(&mut self.keys.refresh, file.keys.refresh);
        self.session_secs = file.session.token_secs.unwrap_or(self.session_secs);
        self.refresh_secs = file.session.refresh_secs.unwrap_or(self.refresh_secs);
        let limits = &mut self.limits;
        limits.message_bytes_max = file
            .limits
            .message_bytes_max
            .unwrap_or(limits.message_bytes_max);
        limits.request_body_bytes_max = file
            .limits
            .request_body_bytes_max
            .unwrap_or(limits.request_body_bytes_max);
        limits.queue_bytes_max = file
            .limits
            .queue_bytes_max
            .unwrap_or(limits.queue_bytes_max);
        limits.connections_max = file
            .limits
            .connections_max
            .unwrap_or(limits.connections_max);
        limits.connections_per_address_max = file
            .limits
            .connections_per_address_max
            .unwrap_or(limits.connections_per_address_max);
        self.trusted =
            TrustedProxies::parse(&file.trusted_proxies).map_err(|error| ConfigError::Value {
                key: "trusted_proxies",
                reason: error.to_string(),
            })?;
        Ok(self)
    }

    /// Checks what only the whole tree can show.
    ///
    /// # Errors
    /// The first value that makes no sense, and what to do about it.
    pub fn check(&self) -> Result<(), ConfigError> {
        let wrong = |key, reason: String| Err(ConfigError::Value { key, reason });
        if !(1..=256).contains(&self.shards) {
            return wrong("shards", format!("{} is not in 1..=256", self.shards));
        }
        if let Err(error) = self.limits.check() {
            return wrong("limits", error.to_string());
        }
        if self.node.parse::<tagus_base::NodeId>().is_err() {
            return wrong(
                "node",
                format!("{:?} is not 1 to 16 of a-z, 0-9 and -", self.node),
            );
        }
        if self.keys.session.expose() == self.keys.refresh.expose() {
            let reason = "equals keys.session; a refresh token would pass as a session token";
            return wrong("keys.refresh", reason.to_owned());
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
                let variable = key.to_uppercase().replace('.', "__");
                let address = self.address;
                let reason = format!(
                    "the default key is public and {address} is not loopback; set {ENVIRONMENT_PREFIX}{variable}, or use --lan"
                );
                return wrong(key, reason);
            }
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
            session: own(),
            refresh: own(),
        };
        self
    }
}

/// Puts a value of the environment at `section__key`.
fn set(tree: &mut toml::Table, key: &str, value: &str) -> Result<(), ConfigError> {
    let mut at = tree;
    let mut parts = key.split("__").peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            // A key may look like a number and is text all the same.
            let value = if key.starts_with("keys__") {
                value.into()
            } else {
                guess(value)
            };
            at.insert(part.to_owned(), value);
            return Ok(());
        }
        let next = at
            .entry(part.to_owned())
            .or_insert_with(|| toml::Table::new().into());
        at = next.as_table_mut().ok_or_else(|| {
            ConfigError::Parse(format!(
                "{ENVIRONMENT_PREFIX}{key}: {part} is not a section"
            ))
        })?;
    }
    Ok(())
}

/// A number or a truth value where the text is one, else text.
fn guess(value: &str) -> toml::Value {
    if let Ok(number) = value.parse::<i64>() {
        return number.into();
    }
    match value {
        "true" => true.into(),
        "false" => false.into(),
        _ => value.into(),
    }
}

const ENVIRONMENT_PREFIX: &str = "TAGUS_";
const DEFAULT_SERVER_KEY: &str = "defaultkey";
const DEFAULT_HTTP_KEY: &str = "defaulthttpkey";
const DEFAULT_SESSION_KEY: &str = "defaultencryptionkey";
const DEFAULT_REFRESH_KEY: &str = "defaultrefreshencryptionkey";

#[cfg(test)]
mod tests {
    use super::*;

    fn load(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let variables = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Config::load(None, variables)
    }

    #[test]
    fn the_environment_reaches_every_section() {
        let config = load(&[
            ("TAGUS_HTTP_PORT", "9000"),
            ("TAGUS_KEYS__SERVER", "123"),
            ("TAGUS_LIMITS__MESSAGE_BYTES_MAX", "512"),
            ("HOME", "/nowhere"),
        ])
        .unwrap();
        assert_eq!(config.http_port, 9_000);
        assert_eq!(config.keys.server.expose(), b"123");
        assert_eq!(config.limits.message_bytes_max, 512);
    }

    #[test]
    fn unknown_keys_are_errors() {
        assert!(matches!(
            load(&[("TAGUS_HTTP_PROT", "1")]),
            Err(ConfigError::Parse(_))
        ));
        assert!(matches!(
            load(&[("TAGUS_LOG__LEVEL", "info")]),
            Err(ConfigError::Parse(_))
        ));
    }

    #[test]
    fn default_keys_stay_on_loopback() {
        let open = Config {
            address: "0.0.0.0".parse().unwrap(),
            ..Config::default()
        };
        assert!(Config::default().check().is_ok());
        let refusal = open.check().unwrap_err().to_string();
        assert!(refusal.contains("TAGUS_KEYS__SERVER"), "{refusal}");
        assert!(open.for_lan().check().is_ok());
    }

    #[test]
    fn one_key_for_both_tokens_is_refused() {
        let config = load(&[
            ("TAGUS_KEYS__SESSION", "same"),
            ("TAGUS_KEYS__REFRESH", "same"),
        ])
        .unwrap();
        assert!(matches!(
            config.check(),
            Err(ConfigError::Value {
                key: "keys.refresh",
                ..
            })
        ));
    }
}
