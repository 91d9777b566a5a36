//! Log output: lines for people on a terminal, JSON objects otherwise.

use std::io::{self, IsTerminal};
use std::str::FromStr;

use thiserror::Error;
use tracing::Subscriber;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;

/// How and how much to log.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LogConfig {
    /// A level (`off`, `error`, `warn`, `info`, `debug`, `trace`), or a list of levels per target separated by commas,
    /// such as `info,tagus_shard=debug`. The longest target that fits decides; case does not matter for levels.
    pub level: String,
    /// The shape of a line.
    pub format: LogFormat,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            level: "info".to_owned(),
            format: LogFormat::Auto,
        }
    }
}

/// The shape of a log line.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum LogFormat {
    /// [`LogFormat::Human`] when standard error is a terminal, [`LogFormat::Json`] otherwise.
    #[default]
    Auto,
    /// One line for a person, in colour when standard error is a terminal.
    Human,
    /// One JSON object a line: `timestamp` (RFC 3339, UTC), `level`, `target`, `message`, the event's fields beside
    /// them, and the spans around it.
    Json,
}

impl FromStr for LogFormat {
    type Err = LogError;

    /// Reads `auto`, `human` or `json`.
    fn from_str(text: &str) -> Result<Self, LogError> {
        match text {
            "auto" => Ok(Self::Auto),
            "human" => Ok(Self::Human),
            "json" => Ok(Self::Json),
            other => Err(LogError::Format(other.to_owned())),
        }
    }
}

/// Why logging could not be set up.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LogError {
    /// One entry of the level is neither a level nor `target=level`.
    #[error("unknown log level {entry:?} in {level:?}, expected {}", LEVEL_NAMES.join(", "))]
    Level {
        /// The entry that could not be read.
        entry: String,
        /// The whole text that was given.
        level: String,
    },
    /// The format is not `auto`, `human` or `json`.
    #[error("unknown log format {0:?}, expected auto, human or json")]
    Format(String),
    /// Logging of this process was set up before.
    #[error("logging is already set up")]
    AlreadySet,
}

/// Sends the logs of this process to standard error from here on. Call it once, before any other thread starts.
///
/// # Errors
/// [`LogError::Level`] when `config.level` cannot be read, [`LogError::AlreadySet`] at a second call.
pub fn init(config: &LogConfig) -> Result<(), LogError> {
    let terminal = io::stderr().is_terminal();
    let human = match config.format {
        LogFormat::Auto => terminal,
        LogFormat::Human => true,
        LogFormat::Json => false,
    };
    let targets = parse_level(&config.level)?;
    let set = if human {
        tracing::subscriber::set_global_default(human_lines(targets, terminal, io::stderr))
    } else {
        tracing::subscriber::set_global_default(json_lines(targets, io::stderr))
    };
    set.map_err(|_| LogError::AlreadySet)
}

/// Whether `level` would be accepted by [`init`]; for checking a configuration without applying it.
///
/// # Errors
/// [`LogError::Level`] when it would not.
pub fn check_level(level: &str) -> Result<(), LogError> {
    parse_level(level).map(drop)
}

/// Stricter than the parser of `Targets`, which reads a misspelt level (`infos`) as the name of a target at `trace`: the
/// opposite of what was meant.
fn parse_level(level: &str) -> Result<Targets, LogError> {
    let mut targets = Targets::new();
    for entry in level.split(',').map(str::trim) {
        let (target, name) = match entry.split_once('=') {
            Some((target, name)) => (Some(target.trim()), name.trim()),
            None => (None, entry),
        };
        let filter = match LEVEL_NAMES
            .iter()
            .any(|known| known.eq_ignore_ascii_case(name))
        {
            true => LevelFilter::from_str(name).ok(),
            false => None,
        };
        targets = match (filter, target) {
            (Some(filter), None) => targets.with_default(filter),
            (Some(filter), Some(target)) if !target.is_empty() => {
                targets.with_target(target, filter)
            }
            _ => {
                return Err(LogError::Level {
                    entry: entry.to_owned(),
                    level: level.to_owned(),
                });
            }
        };
    }
    Ok(targets)
}

fn human_lines<W>(targets: Targets, colour: bool, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(colour)
        .with_writer(writer);
    tracing_subscriber::registry().with(targets).with(lines)
}

fn json_lines<W>(targets: Targets, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_writer(writer);
    tracing_subscriber::registry().with(targets).with(lines)
}

const LEVEL_NAMES: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use tracing::{debug, info, info_span};

    use super::*;

    #[test]
    fn a_level_per_target() {
        let seen = |level: &str| {
            written(|to| human_lines(parse_level(level).unwrap(), false, to))
                .lines()
                .map(|line| line.rsplit(' ').next().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(seen("off"), [""; 0]);
        assert_eq!(seen("info"), ["opened"]);
        assert_eq!(seen("DEBUG"), ["opened", "chosen", "other"]);
        assert_eq!(seen("info, other=debug"), ["opened", "other"]);
        assert_eq!(seen("trace,other=off"), ["opened", "chosen"]);
        assert_eq!(seen("other=debug"), ["other"]);
    }

    #[test]
    fn a_misspelt_level_is_an_error_that_names_it() {
        for (bad, entry) in [
            ("infos", "infos"),
            ("", ""),
            ("info,", ""),
            ("info, tagus=loud", "tagus=loud"),
            ("tagus=", "tagus="),
            ("=info", "=info"),
            ("3", "3"),
            ("a=b=info", "a=b=info"),
        ] {
            let text = check_level(bad).expect_err(bad).to_string();
            let start = format!("unknown log level {entry:?} in {bad:?}");
            assert!(text.starts_with(&start), "{text}");
        }
    }

    #[test]
    fn json_has_one_object_a_line_with_fields_beside_the_message() {
        let text = written(|to| json_lines(parse_level("info").unwrap(), to));
        assert_eq!(text.lines().count(), 1);
        let line = text.trim_end();
        assert!(line.starts_with('{') && line.ends_with('}'), "{line}");
        for part in [
            r#""level":"INFO""#,
            r#""message":"opened""#,
            r#""seats":8"#,
            r#""room":17"#,
        ] {
            assert!(line.contains(part), "{part} in {line}");
        }
    }

    #[test]
    fn colour_only_when_asked() {
        let text = |colour| written(|to| human_lines(parse_level("info").unwrap(), colour, to));
        assert!(text(true).contains('\u{1b}'));
        assert!(!text(false).contains('\u{1b}'));
    }

    #[test]
    fn formats_by_name() {
        assert_eq!("json".parse::<LogFormat>().unwrap(), LogFormat::Json);
        assert_eq!("human".parse::<LogFormat>().unwrap(), LogFormat::Human);
        assert_eq!("auto".parse::<LogFormat>().unwrap(), LogFormat::default());
        assert!("xml".parse::<LogFormat>().is_err());
    }

    fn written<S: Subscriber + Send + Sync>(subscriber: impl FnOnce(Buffer) -> S) -> String {
        let buffer = Buffer::default();
        tracing::subscriber::with_default(subscriber(buffer.clone()), || {
            let _span = info_span!("room", room = 17).entered();
            info!(target: "tagus_shard", seats = 8, "opened");
            debug!(target: "tagus_shard", "chosen");
            debug!(target: "other", "other");
        });
        let bytes = buffer.0.lock().unwrap().clone();
        // `opened` carries a field after its message; the last word of a line is what the tests compare.
        String::from_utf8(bytes)
            .unwrap()
            .replace("opened seats=8", "seats=8 opened")
    }

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl MakeWriter<'_> for Buffer {
        type Writer = Self;

        fn make_writer(&self) -> Self {
            self.clone()
        }
    }
}
