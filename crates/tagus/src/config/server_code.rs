//! Settings of server code, and of the services that run some of it elsewhere.

use std::collections::BTreeSet;

use hyper::Uri;
use serde::{Deserialize, Deserializer};
use tagus_players::Secret;
use tagus_wire::{METHODS, MessageKind};

use super::setting::MASK;

/// Limits of server code.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ServerCodeConfig {
    /// Events that wait for a worker (1..=1,048,576); one more is refused and counted.
    pub events_queue_max: usize,
    /// Bytes of names and properties of the events that wait (1,024..=2^30); more are refused and counted.
    pub events_queue_bytes_max: u32,
    /// Events that are handled at once (1..=256).
    pub event_workers: usize,
    /// Jobs that run at once on this node (1..=1,024); others that are due wait.
    pub jobs_running_max: usize,
    /// Time that one run of a job may take, in seconds (1..=86,400); then it is dropped and counts as failed.
    pub job_secs_max: u64,
}

impl Default for ServerCodeConfig {
    fn default() -> Self {
        Self {
            events_queue_max: 65_536,
            events_queue_bytes_max: 64 << 20,
            event_workers: 8,
            jobs_running_max: 16,
            job_secs_max: 600,
        }
    }
}

/// A studio's own service, to which RPC functions and hooks are signed HTTP calls.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemoteConfig {
    /// Where it is asked, `http://` or `https://`.
    pub url: String,
    /// Signs what it is asked; the service has it too.
    #[serde(deserialize_with = "secret")]
    pub secret: Secret,
    /// RPC functions that it answers.
    #[serde(default)]
    pub rpcs: Vec<String>,
    /// Those of them that may be asked twice without harm, so that a failed call is tried again.
    #[serde(default)]
    pub idempotent: Vec<String>,
    /// API methods (`WriteStorageObjects`) and socket messages (`status_update`) that it is asked about before.
    #[serde(default)]
    pub before: Vec<String>,
    /// API methods and socket messages that it is told about after.
    #[serde(default)]
    pub after: Vec<String>,
    /// Time that a call may take in all, in milliseconds (10..=60,000).
    #[serde(default = "timeout_ms")]
    pub timeout_ms: u32,
    /// Tries after the first one (0..=10).
    #[serde(default = "retries")]
    pub retries: u32,
    /// Calls under way at once, and connections at most (1..=1,024); others wait within their time.
    #[serde(default = "calls_max")]
    pub calls_max: u32,
    /// Failures in a row after which it is left alone (1..=1,000).
    #[serde(default = "failures_max")]
    pub failures_max: u32,
    /// How long it is left alone before one call tries again, in milliseconds (100..=600,000).
    #[serde(default = "pause_ms")]
    pub pause_ms: u32,
    /// File of the certificate authorities (PEM) that its certificate is checked with; none: the system's.
    #[serde(default)]
    pub ca_path: Option<std::path::PathBuf>,
}

/// Says what is wrong and what to do.
pub(super) fn check_remotes(remotes: &[RemoteConfig]) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for remote in remotes {
        remote.check()?;
        let named = [
            ("rpcs", &remote.rpcs),
            ("before", &remote.before),
            ("after", &remote.after),
        ];
        for (list, names) in named {
            for name in names {
                if !seen.insert((list, name.to_lowercase())) {
                    return Err(format!("has {name:?} twice in {list}; one service answers"));
                }
            }
        }
    }
    Ok(())
}

impl RemoteConfig {
    /// A service that answers nothing yet, with the usual limits.
    #[must_use]
    pub fn new(url: impl Into<String>, secret: Secret) -> Self {
        Self {
            url: url.into(),
            secret,
            rpcs: Vec::new(),
            idempotent: Vec::new(),
            before: Vec::new(),
            after: Vec::new(),
            timeout_ms: timeout_ms(),
            retries: retries(),
            calls_max: calls_max(),
            failures_max: failures_max(),
            pause_ms: pause_ms(),
            ca_path: None,
        }
    }

    fn check(&self) -> Result<(), String> {
        let url = &self.url;
        let parsed: Result<Uri, _> = url.parse();
        let is_good = parsed.is_ok_and(|uri| {
            let scheme = uri.scheme_str();
            matches!(scheme, Some("http" | "https"))
                && uri.host().is_some_and(|host| !host.is_empty())
                && !uri.authority().is_some_and(|it| it.as_str().contains('@'))
        });
        if !is_good {
            return Err("has a url that is no http:// or https:// address of a service".to_owned());
        }
        if self.secret.expose().len() < SECRET_BYTES_MIN {
            return Err(format!(
                "has a secret of less than {SECRET_BYTES_MIN} bytes for {url}"
            ));
        }
        let known = |name: &String| {
            METHODS.iter().any(|method| method.name == name)
                || MessageKind::ALL
                    .iter()
                    .any(|kind| kind.from_client() && kind.name() == name)
        };
        let mut hooks = self.before.iter().chain(&self.after);
        if let Some(name) = hooks.find(|name| !known(name)) {
            return Err(format!(
                "has the hook {name:?}, which is no API method such as WriteStorageObjects and no socket message such as status_update"
            ));
        }
        let mut idempotent = self.idempotent.iter();
        if let Some(id) = idempotent.find(|id| !self.rpcs.contains(id)) {
            return Err(format!("has {id:?} in idempotent, which is not in rpcs"));
        }
        let ranges = [
            ("timeout_ms", self.timeout_ms, 10, 60_000),
            ("retries", self.retries, 0, 10),
            ("calls_max", self.calls_max, 1, 1_024),
            ("failures_max", self.failures_max, 1, 1_000),
            ("pause_ms", self.pause_ms, 100, 600_000),
        ];
        for (name, value, min, max) in ranges {
            if !(min..=max).contains(&value) {
                return Err(format!(
                    "has {name} = {value}, which must be {min} to {max}"
                ));
            }
        }
        Ok(())
    }
}

fn secret<'de, D: Deserializer<'de>>(from: D) -> Result<Secret, D::Error> {
    let text = String::deserialize(from)?;
    if text == MASK {
        let reason = "the secret is one that was not shown; put the secret itself";
        return Err(serde::de::Error::custom(reason));
    }
    Ok(Secret::new(text))
}

const fn timeout_ms() -> u32 {
    1_000
}

const fn retries() -> u32 {
    2
}

const fn calls_max() -> u32 {
    64
}

const fn failures_max() -> u32 {
    5
}

const fn pause_ms() -> u32 {
    5_000
}

/// Shorter ones are guessed.
const SECRET_BYTES_MIN: usize = 16;

#[cfg(test)]
mod tests {
    use super::super::setting::Setting;
    use super::*;

    fn read(text: &str) -> Result<Vec<RemoteConfig>, String> {
        let table: toml::Table = format!("remotes = [{text}]").parse().unwrap();
        let mut remotes = Vec::<RemoteConfig>::new();
        remotes.read(&table["remotes"])?;
        check_remotes(&remotes)?;
        Ok(remotes)
    }

    const GOOD: &str = r#"url = "https://game.example/hooks", secret = "0123456789abcdef""#;

    #[test]
    fn a_service_needs_no_more_than_where_and_a_secret() {
        let remotes = read(&format!("{{ {GOOD} }}")).unwrap();
        assert_eq!(remotes[0].timeout_ms, 1_000);
        let shown = format!("{:?} {:?}", remotes, remotes.show());
        assert!(!shown.contains("0123456789abcdef"), "{shown}");
    }

    #[test]
    fn what_makes_no_sense_is_said() {
        for (text, said) in [
            (
                r#"{ url = "ftp://a", secret = "0123456789abcdef" }"#.to_owned(),
                "url",
            ),
            (
                r#"{ url = "http://u:p@a", secret = "0123456789abcdef" }"#.to_owned(),
                "url",
            ),
            (
                r#"{ url = "/only/a/path", secret = "0123456789abcdef" }"#.to_owned(),
                "url",
            ),
            (
                r#"{ url = "http://a", secret = "short" }"#.to_owned(),
                "secret",
            ),
            (
                r#"{ url = "http://a", secret = "***" }"#.to_owned(),
                "not shown",
            ),
            (r#"{ url = "http://a" }"#.to_owned(), "secret"),
            (format!(r#"{{ {GOOD}, before = ["NoSuch"] }}"#), "NoSuch"),
            (
                format!(r#"{{ {GOOD}, before = ["match_data"] }}"#),
                "match_data",
            ),
            (
                format!(r#"{{ {GOOD}, after = ["GetAccount", "GetAccount"] }}"#),
                "twice",
            ),
            (format!(r#"{{ {GOOD}, rpcs = ["a", "A"] }}"#), "twice"),
            (format!(r#"{{ {GOOD}, idempotent = ["a"] }}"#), "idempotent"),
            (format!(r#"{{ {GOOD}, timeout_ms = 9 }}"#), "timeout_ms"),
            (format!(r#"{{ {GOOD}, retries = 11 }}"#), "retries"),
            (format!(r#"{{ {GOOD}, unknown = 1 }}"#), "unknown"),
            (
                format!(r#"{{ {GOOD}, rpcs = ["a"] }}, {{ {GOOD}, rpcs = ["a"] }}"#),
                "twice",
            ),
        ] {
            let reason = read(&text).unwrap_err();
            assert!(reason.contains(said), "{reason}: {text}");
        }
    }
}
