//! Who is let in at all: clients of a version that is new enough, while the server is not under maintenance.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, PoisonError, RwLock};

use serde::{Deserialize, Serialize};
use tagus_store::{Batch, SettingOp, Store, StoreError};

use crate::api::ApiError;

/// The server takes nobody in. It is kept in the database, so that a restart does not end it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Maintenance {
    /// The sentence that players are told, at most 255 bytes.
    pub message: String,
    /// When trying again makes sense, in seconds from each refusal (1..=86_400).
    pub retry_secs: u32,
    /// Connections that are open are closed too.
    pub drain: bool,
}

impl Default for Maintenance {
    fn default() -> Self {
        Self {
            message: "The server is under maintenance, try again later.".to_owned(),
            retry_secs: 60,
            drain: false,
        }
    }
}

/// Settings of clients.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ClientConfig {
    /// The least version of clients, such as `1.4.2`; empty: every one.
    pub version_min: String,
    /// Whether clients that tell no version are refused.
    pub version_required: bool,
}

/// A client's version: numbers, of which missing ones are 0. What follows a `-` or `+` does not count.
#[derive(Clone, Debug)]
pub(crate) struct Version {
    text: String,
    parts: Vec<u32>,
}

/// The door to the server.
pub(crate) struct Entry {
    store: Store,
    version_min: Option<Version>,
    version_required: bool,
    maintenance: RwLock<Option<Arc<Maintenance>>>,
    /// Held while the maintenance is set, so that the database and the memory agree.
    setting: tokio::sync::Mutex<()>,
}

impl Entry {
    /// The door as it was left.
    pub(crate) async fn load(store: Store, config: &ClientConfig) -> anyhow::Result<Self> {
        let kept = store.setting(MAINTENANCE).await?;
        let maintenance: Option<Maintenance> =
            kept.as_deref().map(serde_json::from_str).transpose()?;
        if let Some(maintenance) = &maintenance {
            tracing::warn!(
                message = maintenance.message,
                "under maintenance: nobody is let in"
            );
        }
        Ok(Self {
            store,
            version_min: config.version_min()?,
            version_required: config.version_required,
            maintenance: RwLock::new(maintenance.map(Arc::new)),
            setting: tokio::sync::Mutex::new(()),
        })
    }

    /// Refuses under maintenance, and a client whose version is too old.
    pub(crate) fn check(&self, version: Option<&str>) -> Result<(), ApiError> {
        if let Some(maintenance) = self.maintenance() {
            let mut error = ApiError::unavailable(maintenance.message.clone());
            error.retry_ms = Some(u64::from(maintenance.retry_secs) * 1_000);
            return Err(error);
        }
        self.check_version(version)
    }

    /// Refuses a client whose version is too old.
    pub(crate) fn check_version(&self, version: Option<&str>) -> Result<(), ApiError> {
        let Some(least) = &self.version_min else {
            return Ok(());
        };
        let refuse = |text: String| Err(ApiError::new(CODE_FAILED_PRECONDITION, text));
        let Some(told) = version.filter(|told| !told.is_empty()) else {
            return match self.version_required {
                true => refuse(format!(
                    "Client version is required, at least {least} is needed."
                )),
                false => Ok(()),
            };
        };
        match told.parse::<Version>() {
            Ok(version) if version.is_at_least(least) => Ok(()),
            Ok(version) => refuse(format!(
                "Client version {version} is too old, at least {least} is needed."
            )),
            Err(VersionError) => refuse(format!(
                "Client version is not understood, at least {least} is needed."
            )),
        }
    }

    pub(crate) fn maintenance(&self) -> Option<Arc<Maintenance>> {
        let maintenance = self.maintenance.read();
        maintenance.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sets or ends the maintenance, in the database first.
    pub(crate) async fn set_maintenance(
        &self,
        maintenance: Option<Maintenance>,
    ) -> Result<(), ApiError> {
        let name = MAINTENANCE.to_owned();
        let op = match &maintenance {
            Some(maintenance) => {
                let bytes = maintenance.message.len();
                if !(1..=MESSAGE_BYTES_MAX).contains(&bytes) {
                    let text = format!("The message must be 1 to {MESSAGE_BYTES_MAX} bytes.");
                    return Err(ApiError::invalid(text));
                }
                if !(1..=RETRY_SECS_MAX).contains(&maintenance.retry_secs) {
                    let text = format!("retry_secs must be 1 to {RETRY_SECS_MAX}.");
                    return Err(ApiError::invalid(text));
                }
                let value = serde_json::to_string(maintenance).map_err(|_| ApiError::internal())?;
                SettingOp::Put { name, value }
            }
            None => SettingOp::Delete { name },
        };
        let _setting = self.setting.lock().await;
        let committed = self.store.commit(Batch::from(op)).await;
        committed.map_err(|error: StoreError| {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "keep the maintenance"
            );
            ApiError::internal()
        })?;
        let mut slot = self
            .maintenance
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *slot = maintenance.map(Arc::new);
        Ok(())
    }
}

impl ClientConfig {
    /// The least version, if there is one.
    pub(crate) fn version_min(&self) -> Result<Option<Version>, VersionError> {
        match self.version_min.as_str() {
            "" => Ok(None),
            text => text.parse().map(Some),
        }
    }
}

impl Version {
    fn is_at_least(&self, other: &Self) -> bool {
        let count = self.parts.len().max(other.parts.len());
        let padded = |version: &Self| {
            let mut parts = version.parts.clone();
            parts.resize(count, 0);
            parts
        };
        padded(self) >= padded(other)
    }
}

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        if text.len() > VERSION_BYTES_MAX {
            return Err(VersionError);
        }
        let numbers = text.split(['-', '+']).next().unwrap_or_default();
        let number = |part: &str| match part.bytes().all(|byte| byte.is_ascii_digit()) {
            true => part.parse().map_err(|_| VersionError),
            false => Err(VersionError),
        };
        Ok(Self {
            text: text.to_owned(),
            parts: numbers.split('.').map(number).collect::<Result<_, _>>()?,
        })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A text is no version.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("must be numbers with dots between them, such as 1.4.2")]
pub(crate) struct VersionError;

/// The login variable that tells the client's version.
pub(crate) const VERSION_VARIABLE: &str = "client_version";
/// The header that tells the client's version.
pub(crate) const VERSION_HEADER: &str = "x-client-version";
/// The setting's name.
const MAINTENANCE: &str = "maintenance";
/// Bytes of the sentence that players are told.
const MESSAGE_BYTES_MAX: usize = 255;
const RETRY_SECS_MAX: u32 = 86_400;
/// Bytes of a version's text.
const VERSION_BYTES_MAX: usize = 64;
pub(crate) const CODE_FAILED_PRECONDITION: i32 = 9;

#[cfg(test)]
mod tests {
    use super::*;

    fn at_least(version: &str, least: &str) -> bool {
        let parse = |text: &str| text.parse::<Version>().unwrap();
        parse(version).is_at_least(&parse(least))
    }

    #[test]
    fn versions_compare_by_their_numbers() {
        for (version, least) in [
            ("1.4.2", "1.4.2"),
            ("1.10", "1.9.9"),
            ("2", "1.99.99"),
            ("1.4", "1.4.0"),
            ("1.4.0", "1.4"),
            ("1.4.2-beta+7", "1.4.2"),
        ] {
            assert!(at_least(version, least), "{version} {least}");
        }
        for (version, least) in [("1.2", "1.4.2"), ("1.4.1", "1.4.2"), ("0.9", "1")] {
            assert!(!at_least(version, least), "{version} {least}");
        }
        let digits = "1".repeat(65);
        for bad in [
            "",
            "a",
            "1.",
            ".1",
            "1.x",
            "1 2",
            "+1",
            "-1",
            "4294967296",
            &digits,
        ] {
            assert!(bad.parse::<Version>().is_err(), "{bad}");
        }
    }

    #[tokio::test]
    async fn old_clients_are_refused_with_a_sentence() {
        let store = Store::memory().unwrap();
        let mut config = ClientConfig {
            version_min: "1.4.2".to_owned(),
            version_required: false,
        };
        let entry = Entry::load(store.clone(), &config).await.unwrap();
        for good in [None, Some(""), Some("1.4.2"), Some("1.5")] {
            assert_eq!(entry.check(good), Ok(()));
        }
        let refusal = entry.check(Some("1.2")).unwrap_err();
        let text = "Client version 1.2 is too old, at least 1.4.2 is needed.";
        assert_eq!((refusal.code, refusal.message.as_str()), (9, text));
        assert_eq!(entry.check(Some("x")).unwrap_err().code, 9);
        config.version_required = true;
        let entry = Entry::load(store, &config).await.unwrap();
        assert_eq!(entry.check(None).unwrap_err().code, 9);
    }

    #[tokio::test]
    async fn maintenance_outlives_a_restart() {
        let store = Store::memory().unwrap();
        let config = ClientConfig::default();
        let entry = Entry::load(store.clone(), &config).await.unwrap();
        let maintenance = Maintenance {
            message: "Back at nine.".to_owned(),
            retry_secs: 90,
            drain: true,
        };
        entry
            .set_maintenance(Some(maintenance.clone()))
            .await
            .unwrap();
        let entry = Entry::load(store.clone(), &config).await.unwrap();
        assert_eq!(entry.maintenance().as_deref(), Some(&maintenance));
        let refusal = entry.check(None).unwrap_err();
        assert_eq!((refusal.code, refusal.retry_ms), (14, Some(90_000)));
        entry.set_maintenance(None).await.unwrap();
        let entry = Entry::load(store, &config).await.unwrap();
        assert_eq!(entry.check(None), Ok(()));
    }

    #[tokio::test]
    async fn maintenance_has_its_limits() {
        let store = Store::memory().unwrap();
        let entry = Entry::load(store, &ClientConfig::default()).await.unwrap();
        let set = |bytes: usize, retry_secs| Maintenance {
            message: "x".repeat(bytes),
            retry_secs,
            drain: false,
        };
        for (bytes, retry_secs) in [(0, 1), (256, 1), (1, 0), (1, 86_401)] {
            let refused = entry.set_maintenance(Some(set(bytes, retry_secs))).await;
            assert_eq!(refused.unwrap_err().code, 3, "{bytes} {retry_secs}");
        }
        assert_eq!(entry.check(None), Ok(()));
        for (bytes, retry_secs) in [(255, 86_400), (1, 1)] {
            let taken = entry.set_maintenance(Some(set(bytes, retry_secs))).await;
            assert_eq!(taken, Ok(()));
        }
    }
}
