//! How a field of the settings is read from TOML and shown as TOML.

use std::net::IpAddr;
use std::path::PathBuf;

use serde::Deserialize as _;
use tagus_net::TrustedProxies;
use tagus_players::Secret;
use tagus_telemetry::logs::LogFormat;
use toml::Value;

use super::{Mode, RemoteConfig, RoomConfig, StoreUrl};

/// What kind of value a key takes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Boolean,
    Integer,
    Text,
    Secret,
    List,
    Tables,
    SecretTables,
}

impl Kind {
    /// Whether its values are not to be shown.
    pub(crate) const fn is_secret(self) -> bool {
        matches!(self, Self::Secret | Self::SecretTables)
    }

    /// The word for it in the reference and in errors.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Boolean => "true or false",
            Self::Integer => "an integer",
            Self::Text => "text",
            Self::Secret => "secret text",
            Self::List => "a list of texts",
            Self::Tables | Self::SecretTables => "a list of tables",
        }
    }
}

/// A field that a key stands for.
pub(crate) trait Setting {
    const KIND: Kind;

    /// The value as TOML; none: it is not set. Secrets are masked.
    fn show(&self) -> Option<Value>;

    /// Takes a value. The error says what the value must be, and never repeats a secret.
    fn read(&mut self, value: &Value) -> Result<(), String>;
}

macro_rules! integers {
    ($($integer:ty),*) => {$(
        impl Setting for $integer {
            const KIND: Kind = Kind::Integer;

            fn show(&self) -> Option<Value> {
                // What is too great for TOML is too great for every range.
                Some(i64::try_from(*self).unwrap_or(i64::MAX).into())
            }

            fn read(&mut self, value: &Value) -> Result<(), String> {
                let number = value.as_integer().ok_or_else(|| wrong(value, Self::KIND))?;
                *self = Self::try_from(number).map_err(|_| format!("is {number}, which is out of range"))?;
                Ok(())
            }
        }
    )*};
}

integers!(u16, u32, u64, usize);

impl Setting for bool {
    const KIND: Kind = Kind::Boolean;

    fn show(&self) -> Option<Value> {
        Some((*self).into())
    }

    fn read(&mut self, value: &Value) -> Result<(), String> {
        *self = value.as_bool().ok_or_else(|| wrong(value, Self::KIND))?;
        Ok(())
    }
}

impl Setting for String {
    const KIND: Kind = Kind::Text;

    fn show(&self) -> Option<Value> {
        Some(self.as_str().into())
    }

    fn read(&mut self, value: &Value) -> Result<(), String> {
        text(value)?.clone_into(self);
        Ok(())
    }
}

impl Setting for PathBuf {
    const KIND: Kind = Kind::Text;

    fn show(&self) -> Option<Value> {
        (!self.as_os_str().is_empty()).then(|| self.to_string_lossy().as_ref().into())
    }

    fn read(&mut self, value: &Value) -> Result<(), String> {
        let text = text(value)?;
        if text.is_empty() {
            return Err("is empty and must be a path".to_owned());
        }
        *self = text.into();
        Ok(())
    }
}

impl Setting for Option<PathBuf> {
    const KIND: Kind = Kind::Text;

    fn show(&self) -> Option<Value> {
        self.as_ref().and_then(PathBuf::show)
    }

    fn read(&mut self, value: &Value) -> Result<(), String> {
        self.get_or_insert_default().read(value)
    }
}

impl Setting for IpAddr {
    const KIND: Kind = Kind::Text;

    fn show(&self) -> Option<Value> {
        Some(self.to_string().into())
    }

    fn read(&mut self, value: &Value) -> Result<(), String> {
        let text = text(value)?;
        *self = text
            .parse()
            .map_err(|_| format!("is {text:?} and must be an IP address such as 127.0.0.1"))?;
        Ok(())
    }
}

impl Setting for LogFormat {
    const KIND: Kind = Kind::Text;

    fn show(&self) -> Option<Value> {
        let name = match self {
            Self::Auto => "auto",
            Self::Human => "human",
            Self::Json => "json",
        };
        Some(name.into())
    }

    fn read(&mut self, value: &Value) -> Result<(), String> {
        let text = text(value)?;
        *self = text
            .parse()
            .map_err(|_| format!("is {text:?} and must be auto, human or json"))?;
        Ok(())
    }
}

impl Setting for Secret {
    const KIND: Kind = Kind::Secret;

    fn show(&self) -> Option<Value> {
        Some(MASK.into())
    }

    fn read(&mut self, value: &Value) -> Result<(), String> {
        let text = value
            .as_str()
            .ok_or_else(|| "must be text in quotation marks".to_owned())?;
        if text.is_empty() {
            return Err("is empty; choose a long random text".to_owned());
        }
        if text == MASK {
            return Err(format!(
                "is {MASK:?}, which stands for a secret that was not shown; put the secret itself"
            ));
        }
        *self = Self::new(text);
        Ok(())
    }
}

impl Setting for Option<StoreUrl> {
    const KIND: Kind = Kind::Secret;

    fn show(&self) -> Option<Value> {
        self.as_ref().map(|_| MASK.into())
    }

    fn read(&mut self, value: &Value) -> Result<(), String> {
        let text = value
            .as_str()
            .ok_or_else(|| "must be text in quotation marks".to_owned())?;
        *self = Some(text.parse()?);
        Ok(())
    }
}

impl Setting for TrustedProxies {
    const KIND: Kind = Kind::List;

    fn show(&self) -> Option<Value> {
        Some(self.texts().collect::<Vec<_>>().into())
    }

    fn read(&mut self, value: &Value) -> Result<(), String> {
        *self = Self::parse(&texts(value)?).map_err(|error| error.to_string())?;
        Ok(())
    }
}

impl Setting for Vec<String> {
    const KIND: Kind = Kind::List;

    fn show(&self) -> Option<Value> {
        Some(self.clone().into())
    }

    fn read(&mut self, value: &Value) -> Result<(), String> {
        let texts = texts(value)?;
        *self = texts.into_iter().map(str::to_owned).collect();
        Ok(())
    }
}

macro_rules! tables {
    ($($table:ty),*) => {$(
        impl Setting for Vec<$table> {
            const KIND: Kind = Kind::Tables;

            fn show(&self) -> Option<Value> {
                let tables = self.iter().map(Value::try_from);
                Some(Value::Array(tables.collect::<Result<_, _>>().ok()?))
            }

            fn read(&mut self, value: &Value) -> Result<(), String> {
                *self = Self::deserialize(value.clone()).map_err(|error| error.message().to_owned())?;
                Ok(())
            }
        }
    )*};
}

tables!(Mode, RoomConfig);

impl Setting for Vec<RemoteConfig> {
    const KIND: Kind = Kind::SecretTables;

    /// None for no service: there is nothing to mask.
    fn show(&self) -> Option<Value> {
        (!self.is_empty()).then(|| MASK.into())
    }

    fn read(&mut self, value: &Value) -> Result<(), String> {
        *self = Self::deserialize(value.clone()).map_err(|error| error.message().to_owned())?;
        Ok(())
    }
}

fn text(value: &Value) -> Result<&str, String> {
    value.as_str().ok_or_else(|| wrong(value, Kind::Text))
}

fn texts(value: &Value) -> Result<Vec<&str>, String> {
    let array = value.as_array();
    let texts = array.and_then(|array| array.iter().map(Value::as_str).collect());
    texts.ok_or_else(|| wrong(value, Kind::List))
}

fn wrong(value: &Value, kind: Kind) -> String {
    format!("is {value} and must be {}", kind.word())
}

/// Stands for every secret that is shown.
pub(crate) const MASK: &str = "***";
