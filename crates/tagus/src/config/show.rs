//! The effective tree and the reference, both made from the table of keys.

use std::fmt::Write as _;

use super::Config;
use super::keys::{Key, keys};
use super::load::Origins;
use super::setting::{Kind, MASK};

/// The tree as TOML that can be fed back. A secret is a comment, masked.
pub(crate) fn tree(config: &Config, origins: &Origins) -> String {
    let default = Config::default();
    let mut out = String::new();
    let mut section = "";
    for key in keys() {
        let (prefix, name) = split(&key);
        if prefix != section {
            section = prefix;
            line(&mut out, format_args!("\n[{section}]"));
        }
        let origin = origins.get(key.name).map(|origin| format!("; {origin}"));
        let origin = origin.unwrap_or_default();
        match (key.show)(config) {
            None => line(&mut out, format_args!("# {name} is not set")),
            Some(_) if key.kind.is_secret() => {
                let state = if origin.is_empty() { "default" } else { "set" };
                line(
                    &mut out,
                    format_args!("# {name} = \"{MASK}\" # {state}{origin}"),
                );
            }
            Some(value) => {
                let usual = (key.show)(&default);
                let note = if usual.as_ref() == Some(&value) {
                    String::new()
                } else {
                    let usual =
                        usual.map_or_else(|| "not set".to_owned(), |usual| usual.to_string());
                    format!(" # default: {usual}{origin}")
                };
                line(&mut out, format_args!("{name} = {value}{note}"));
            }
        }
    }
    out
}

/// The page `docs/configuration.md`.
#[must_use]
pub fn configuration_reference() -> String {
    let default = Config::default();
    let mut out = REFERENCE_HEAD.to_owned();
    let mut section = None;
    for key in keys() {
        let (prefix, _) = split(&key);
        if section != Some(prefix) {
            section = Some(prefix);
            let title = if prefix.is_empty() {
                "Top level".to_owned()
            } else {
                format!("`[{prefix}]`")
            };
            line(&mut out, format_args!("\n## {title}\n"));
            line(
                &mut out,
                format_args!("| key | takes | default | meaning |"),
            );
            line(&mut out, format_args!("| --- | --- | --- | --- |"));
        }
        let usual = match (key.show)(&default) {
            _ if key.name == "shards" => "one for each processor".to_owned(),
            None => "not set".to_owned(),
            Some(_) if key.kind == Kind::Secret => "public; refused beyond loopback".to_owned(),
            Some(value) => format!("`{value}`"),
        };
        let mut takes = key.kind.word().to_owned();
        if let Some((min, max)) = key.range {
            let _ = write!(takes, ", {min} to {max}");
        }
        if !key.unit.is_empty() {
            let _ = write!(takes, " {}", key.unit);
        }
        line(
            &mut out,
            format_args!("| `{}` | {takes} | {usual} | {} |", key.name, key.doc),
        );
    }
    out
}

fn split(key: &Key) -> (&'static str, &'static str) {
    key.name.rsplit_once('.').unwrap_or(("", key.name))
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{text}");
}

const REFERENCE_HEAD: &str = "\
<!-- Written by `cargo xtask codegen` from crates/tagus/src/config/keys.rs; change it there. -->

# Configuration

Settings come from a TOML file (`tagus --config FILE`), over it the environment, over it the flags.
A key's variable is `TAGUS_` and its name in capitals, with two underscores for the dot: `limits.message_bytes_max` is `TAGUS_LIMITS__MESSAGE_BYTES_MAX`.
An unknown key, a value of the wrong kind and a value out of its range each end the start with a sentence that says what to do.
`tagus check-config` takes the same flags, says what is wrong, and prints the effective settings as TOML that can be fed back; secrets are comments there, masked.
`--lan` and `--ready-file` are flags only, since they belong to one start.
";
