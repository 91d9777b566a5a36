//! `cargo xtask fuzz`: the bodies that the tests run with seeds, driven by coverage and for as long as one likes.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::scratch::Scratch;

/// Fuzzes one target or all of them, for a time each.
///
/// # Errors
/// What must be installed, an unknown target, or what was found.
pub(crate) fn run(root: &Path, line: &[&str]) -> Result<()> {
    let manifest =
        fs::read_to_string(root.join("fuzz/Cargo.toml")).context("read fuzz's manifest")?;
    let wish = Wish::parse(line, &targets(&manifest)?)?;
    check_tools()?;
    let mut scratch = Scratch::new()?;
    for target in &wish.targets {
        println!("\n=== {target}, {} s", wish.seconds);
        let mut command = cargo_fuzz();
        command.args(["run", "--fuzz-dir", "fuzz", target, "--"]);
        command.arg(format!("-max_total_time={}", wish.seconds));
        command.arg("-max_len=8192");
        let temporary = scratch.temporary();
        scratch
            .run(command.current_dir(root).env("TMPDIR", temporary))
            .with_context(|| format!("{target} found something, see above"))?;
    }
    println!("\nnothing found by {}", wish.targets.join(", "));
    Ok(())
}

/// What the command line asks for.
#[derive(Debug, Eq, PartialEq)]
struct Wish {
    targets: Vec<String>,
    seconds: u32,
}

impl Wish {
    fn parse(line: &[&str], known: &[String]) -> Result<Self> {
        let mut targets = Vec::new();
        let mut seconds = SECONDS;
        let mut words = line.iter();
        while let Some(word) = words.next() {
            if *word == "--seconds" {
                let number = words.next().context("--seconds needs a number")?;
                seconds = number
                    .parse()
                    .with_context(|| format!("--seconds {number}"))?;
            } else if known.iter().any(|target| target == word) {
                targets.push((*word).to_owned());
            } else {
                bail!("no fuzz target {word}; there are {}", known.join(", "));
            }
        }
        if targets.is_empty() {
            targets = known.to_vec();
        }
        Ok(Self { targets, seconds })
    }
}

/// The names of the manifest's binaries.
fn targets(manifest: &str) -> Result<Vec<String>> {
    let table: toml::Table = manifest.parse().context("read fuzz's manifest")?;
    let binaries = table.get("bin").and_then(toml::Value::as_array);
    let name = |binary: &toml::Value| Some(binary.get("name")?.as_str()?.to_owned());
    Ok(binaries
        .context("fuzz has no targets")?
        .iter()
        .filter_map(name)
        .collect())
}

fn check_tools() -> Result<()> {
    let answers = |command: &mut Command| {
        let command = command.stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let nightly = ["run", "nightly", "rustc", "--version"];
    if !answers(Command::new("rustup").args(nightly)) {
        bail!("missing the nightly compiler: `rustup toolchain install nightly`");
    }
    if !answers(cargo_fuzz().arg("--version")) {
        bail!("missing cargo-fuzz: `cargo install --locked cargo-fuzz`");
    }
    Ok(())
}

fn cargo_fuzz() -> Command {
    let mut command = Command::new("rustup");
    command.args(["run", "nightly", "cargo", "fuzz"]);
    command
}

/// For each target, when nothing else is asked for.
const SECONDS: u32 = 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_a_target_and_a_time() {
        let known = ["a".to_owned(), "b".to_owned()];
        let parse = |line: &[&str]| {
            let wish = Wish::parse(line, &known).ok()?;
            Some((wish.targets.join(" "), wish.seconds))
        };
        assert_eq!(parse(&[]), Some(("a b".to_owned(), SECONDS)));
        assert_eq!(parse(&["b"]), Some(("b".to_owned(), SECONDS)));
        let both = Some(("a".to_owned(), 7));
        assert_eq!(parse(&["a", "--seconds", "7"]), both);
        assert_eq!(parse(&["--seconds", "7", "a"]), both);
        for bad in [&["c"][..], &["--seconds"], &["--seconds", "x"], &["--fast"]] {
            assert_eq!(parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn every_target_has_its_file() {
        let folder = crate::workspace_root().join("fuzz");
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        let mut targets = targets(&manifest).unwrap();
        targets.sort();
        let mut files: Vec<String> = fs::read_dir(folder.join("targets"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
            .collect();
        files.sort();
        assert_eq!(targets, files);
    }
}
