//! Reading the file and the environment into the table of keys.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use toml::{Table, Value};

use super::keys::{ENVIRONMENT_PREFIX, Key, keys};
use super::setting::Kind;
use super::{Config, ConfigError};

/// Where a value came from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Origin {
    File,
    Variable(String),
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File => f.write_str("from the file"),
            Self::Variable(name) => write!(f, "from {name}"),
            Self::Flag(name) => write!(f, "from {name}"),
        }
    }
}

/// Which keys were set, and where.
pub(crate) type Origins = BTreeMap<&'static str, Origin>;

/// The defaults, under the file, under the environment.
pub(crate) fn load(
    path: Option<&Path>,
    environment: impl Iterator<Item = (String, String)>,
) -> Result<(Config, Origins), ConfigError> {
    let mut loading = Loading {
        keys: keys(),
        config: Config::default(),
        origins: Origins::new(),
    };
    if let Some(path) = path {
        let text = std::fs::read_to_string(path).map_err(|err| ConfigError::Read {
            path: path.to_owned(),
            err,
        })?;
        let tree = parse(&text)
            .map_err(|reason| ConfigError::Parse(format!("{}: {reason}", path.display())))?;
        loading.section("", &tree)?;
    }
    // Sorted, so that the first error is the same one at every start.
    let variables: BTreeMap<String, String> = environment.collect();
    for (variable, text) in &variables {
        if let Some(name) = variable.strip_prefix(ENVIRONMENT_PREFIX)
            && !name.starts_with(TEST_PREFIX)
        {
            loading.variable(variable, &name.to_lowercase().replace("__", "."), text)?;
        }
    }
    Ok((loading.config, loading.origins))
}

struct Loading {
    keys: Vec<Key>,
    config: Config,
    origins: Origins,
}

impl Loading {
    fn section(&mut self, prefix: &str, table: &Table) -> Result<(), ConfigError> {
        for (part, value) in table {
            let name = format!("{prefix}{part}");
            let inside = format!("{name}.");
            if let Some(index) = self.index(&name) {
                self.put(index, value, Origin::File)?;
            } else if self.keys.iter().any(|key| key.name.starts_with(&inside)) {
                let Value::Table(table) = value else {
                    return Err(ConfigError::Parse(format!(
                        "{name} is a section; write its keys under [{name}]"
                    )));
                };
                self.section(&inside, table)?;
            } else {
                return Err(self.unknown(name.clone(), &name));
            }
        }
        Ok(())
    }

    fn variable(&mut self, variable: &str, name: &str, text: &str) -> Result<(), ConfigError> {
        let Some(index) = self.index(name) else {
            return Err(self.unknown(format!("{name} (from {variable})"), name));
        };
        let value = value_of(self.keys[index].kind, text);
        self.put(index, &value, Origin::Variable(variable.to_owned()))
    }

    fn put(&mut self, index: usize, value: &Value, origin: Origin) -> Result<(), ConfigError> {
        let key = &self.keys[index];
        key.put(&mut self.config, value)
            .map_err(|error| match error {
                ConfigError::Value { key, reason } => ConfigError::Value {
                    key,
                    reason: format!("{reason} ({origin})"),
                },
                other => other,
            })?;
        self.origins.insert(key.name, origin);
        Ok(())
    }

    fn index(&self, name: &str) -> Option<usize> {
        self.keys.iter().position(|key| key.name == name)
    }

    fn unknown(&self, key: String, name: &str) -> ConfigError {
        let suggestion = nearest(name, self.keys.iter().map(|key| key.name));
        ConfigError::Unknown { key, suggestion }
    }
}

/// Says where the text is malformed, and never repeats a line of it: it may hold a secret.
fn parse(text: &str) -> Result<Table, String> {
    text.parse().map_err(|error: toml::de::Error| {
        let at = error.span().map_or(0, |span| span.start);
        let line = text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1;
        format!("line {line}: {}", error.message())
    })
}

/// The value that a variable's text stands for. Text that is none of the key's kind stays text, which the key refuses.
fn value_of(kind: Kind, text: &str) -> Value {
    let value = match kind {
        Kind::Text | Kind::Secret => None,
        Kind::Integer => text.trim().parse::<i64>().ok().map(Value::from),
        Kind::Boolean => text.trim().parse::<bool>().ok().map(Value::from),
        Kind::List => {
            let items = text
                .split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty());
            Some(items.collect::<Vec<_>>().into())
        }
        Kind::Tables | Kind::SecretTables => {
            let table = format!("tables = {text}").parse::<Table>().ok();
            table.and_then(|mut table| table.remove("tables"))
        }
    };
    value.unwrap_or_else(|| text.into())
}

/// The key that was probably meant: the same name in another section, or one a few letters away.
fn nearest(name: &str, keys: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    let last = |name: &str| name.rsplit('.').next().map(str::to_owned);
    keys.map(|key| {
        let moved = last(key) == last(name);
        (if moved { 1 } else { distance(name, key) }, key)
    })
    .filter(|(far, _)| *far <= DISTANCE_MAX && *far * 3 <= name.len())
    .min()
    .map(|(_, key)| key)
}

/// Letters to insert, remove or replace between two texts.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (above, letter) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = above + 1;
        for (index, candidate) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *candidate);
            diagonal = row[index + 1];
            row[index + 1] = replaced.min(row[index] + 1).min(diagonal + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

/// Variables of the tests, which a server that they start inherits.
const TEST_PREFIX: &str = "TEST_";
const DISTANCE_MAX: usize = 3;
