//! The rules of the house that no compiler checks.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::service::SERVICES;
use crate::{arrows, links, packages};

/// Checks every rule and prints each breach on a line of its own.
///
/// # Errors
/// The number of breaches, or a file that could not be read.
pub(crate) fn run(root: &Path) -> Result<()> {
    let problems = problems(root)?;
    for problem in &problems {
        println!("{problem}");
    }
    let (count, count_max) = (packages::count(root)?, packages::PACKAGES_MAX);
    println!("packages for this platform: {count} of at most {count_max}");
    match problems.len() {
        0 => Ok(()),
        count => bail!("breaches of the house rules: {count}"),
    }
}

/// What `cargo metadata` says about the packages of this workspace.
///
/// # Errors
/// When cargo fails, which is when a manifest cannot be read.
pub(crate) fn metadata(root: &Path) -> Result<Value> {
    let output = Command::new("cargo")
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(root)
        .output()
        .context("start cargo metadata")?;
    if !output.status.success() {
        bail!(
            "cargo metadata: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    serde_json::from_slice(&output.stdout).context("read the answer of cargo metadata")
}

fn problems(root: &Path) -> Result<Vec<String>> {
    let mut out = arrows::problems(&metadata(root)?);
    out.extend(packages::problems(root)?);
    out.extend(undeclared(root)?);
    for (path, text) in texts(root, "")? {
        out.extend(length(&path, &text));
        out.extend(header(&path, &text));
        out.extend(leftovers(&path, &text));
        out.extend(lock_file(&path, &text));
        out.extend(ignored_tests(&path, &text));
        out.extend(links::problems(root, &path, &text));
    }
    Ok(out)
}

/// The paths and texts of every Rust file that git knows or should know.
///
/// # Errors
/// A folder or file could not be read.
pub(crate) fn sources(root: &Path) -> Result<Vec<(String, String)>> {
    let mut out = texts(root, "")?;
    out.retain(|(path, _)| path.ends_with(".rs"));
    Ok(out)
}

/// The paths and texts of the files below `folder`. What is not text, an image for one, has no lines to judge.
fn texts(root: &Path, folder: &str) -> Result<Vec<(String, String)>> {
    let mut files = Vec::new();
    walk(root, folder, &mut files)?;
    let mut out = Vec::new();
    for path in files {
        let bytes = fs::read(root.join(&path)).with_context(|| format!("read {path}"))?;
        if let Ok(text) = String::from_utf8(bytes) {
            out.push((path, text));
        }
    }
    Ok(out)
}

/// Everything at the top is in [`TOP_LEVEL`]: a newcomer can be told what each of it is.
fn undeclared(root: &Path) -> Result<Vec<String>> {
    let mut out = Vec::new();
    for entry in root.read_dir().context("list the workspace")? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let declared = TOP_LEVEL.contains(&name.as_str()) || IGNORED.contains(&name.as_str());
        if !declared && !name.ends_with(".log") {
            out.push(format!(
                "{name}: not declared in TOP_LEVEL of xtask/src/tidy.rs"
            ));
        }
    }
    out.sort();
    Ok(out)
}

/// Appends every file below `folder`, by its path from `root` with `/` between the names, in order.
fn walk(root: &Path, folder: &str, out: &mut Vec<String>) -> Result<()> {
    let mut entries = Vec::new();
    for entry in root
        .join(folder)
        .read_dir()
        .with_context(|| format!("list {folder}"))?
    {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        entries.push((name, entry.file_type()?));
    }
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    for (name, kind) in entries {
        let path = match folder {
            "" => name.clone(),
            _ => format!("{folder}/{name}"),
        };
        if kind.is_dir() && !IGNORED.contains(&name.as_str()) {
            walk(root, &path, out)?;
        } else if kind.is_file() && !name.ends_with(".log") {
            out.push(path);
        }
    }
    Ok(())
}

fn length(path: &str, text: &str) -> Option<String> {
    let lines_max = match path {
        _ if path.contains("/generated/") || path.ends_with(".lock") => return None,
        _ if path.ends_with("package-lock.json") => return None,
        // The protocol is as long as it is.
        _ if path.ends_with(".proto") => return None,
        "ARCHITECTURE.md" => 250,
        _ if path.ends_with(".js") || path.ends_with(".mjs") => 400,
        _ => 800,
    };
    let lines = text.lines().count();
    (lines > lines_max).then(|| format!("{path}: {lines} lines, at most {lines_max}"))
}

/// A crate's door says what lives there.
fn header(path: &str, text: &str) -> Option<String> {
    if !path.ends_with("src/lib.rs") {
        return None;
    }
    let header: String = text
        .lines()
        .take_while(|line| line.starts_with("//!"))
        .collect();
    let missing = ["Owns", "Must not know"]
        .into_iter()
        .find(|word| !header.contains(word))?;
    Some(format!(
        "{path}: its `//!` header does not say \"{missing}\""
    ))
}

fn leftovers(path: &str, text: &str) -> Vec<String> {
    let mut out = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        for mark in MARKS {
            let rest = line.split_once(mark).map(|(_, rest)| rest);
            if rest.is_some_and(|rest| !numbered(rest)) {
                out.push(format!(
                    "{path}:{number}: {mark} without the number of an issue"
                ));
            }
        }
        for place in PLACES {
            if line.contains(place) {
                out.push(format!(
                    "{path}:{number}: names {place}, which is one machine's"
                ));
            }
        }
    }
    out
}

/// `(#17)`, right after the mark.
fn numbered(rest: &str) -> bool {
    let number = rest
        .strip_prefix("(#")
        .and_then(|rest| rest.split_once(')'));
    number.is_some_and(|(digits, _)| {
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}

fn lock_file(path: &str, text: &str) -> Vec<String> {
    let mut out = Vec::new();
    if path.ends_with("package-lock.json") && text.contains("\"resolved\"") {
        out.push(format!(
            "{path}: names a registry's host; run npm with the .npmrc beside it"
        ));
    }
    if !path.ends_with("Cargo.lock") {
        return out;
    }
    let foreign = |line: &&str| line.starts_with("source = ") && !line.contains(CRATES_IO);
    for line in text.lines().filter(foreign) {
        out.push(format!("{path}: {line} is not crates.io"));
    }
    out
}

/// An ignored test says which service it needs, in the words that `cargo xtask test` looks for.
fn ignored_tests(path: &str, text: &str) -> Vec<String> {
    let mut out = Vec::new();
    if !path.ends_with(".rs") {
        return out;
    }
    for (index, line) in text.lines().enumerate() {
        let Some(rest) = line.trim_start().strip_prefix("#[ignore") else {
            continue;
        };
        let is_known = SERVICES
            .iter()
            .any(|service| rest == format!(" = \"{}\"]", service.reason()));
        if !is_known {
            out.push(format!(
                "{path}:{}: ignored, but not for a service of xtask/src/service.rs",
                index + 1
            ));
        }
    }
    out
}

const TOP_LEVEL: [&str; 27] = [
    ".cargo",
    ".ci",
    ".dockerignore",
    ".github",
    ".gitignore",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "DESIGN.md",
    "DETERMINISM.md",
    "Dockerfile",
    "LICENSE",
    "README.md",
    "clients",
    "clippy.toml",
    "crates",
    "deny.toml",
    "docs",
    "fuzz",
    "games",
    "packaging",
    "rustfmt.toml",
    "tests",
    "web",
    "xtask",
];
/// What tools write and git ignores.
const IGNORED: [&str; 9] = [
    ".git",
    "__pycache__",
    "artefacts",
    "artifacts",
    "corpus",
    "data",
    "node_modules",
    "packages",
    "target",
];
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";
// Put together from halves, so that this file does not break its own rules.
const MARKS: [&str; 2] = [concat!("FIX", "ME"), concat!("TO", "DO")];
const PLACES: [&str; 6] = [
    concat!("/ho", "me/"),
    concat!("/ro", "ot/"),
    concat!("/Us", "ers/"),
    concat!("/wo", "rk/"),
    concat!("registry.", "npmjs"),
    concat!("index.", "crates.io"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_house_is_tidy() {
        let found = problems(&crate::workspace_root()).unwrap();
        assert!(found.is_empty(), "\n{}", found.join("\n"));
    }

    #[test]
    fn lengths_at_the_limit_and_one_past_it() {
        let lines = |count: usize| "x\n".repeat(count);
        for (path, lines_max) in [
            ("crates/room/src/host.rs", 800),
            ("clients/js/socket.js", 400),
            ("ARCHITECTURE.md", 250),
            ("docs/protocol.md", 800),
            ("web/arcade/arcade.css", 800),
        ] {
            assert_eq!(length(path, &lines(lines_max)), None);
            assert!(length(path, &lines(lines_max + 1)).is_some(), "{path}");
        }
        for path in [
            "crates/wire/src/generated/api.rs",
            "crates/wire/proto/api.proto",
            "Cargo.lock",
            "tests/js/package-lock.json",
        ] {
            assert_eq!(length(path, &lines(9000)), None, "{path}");
        }
    }

    #[test]
    fn a_door_says_what_lives_there() {
        let path = "crates/room/src/lib.rs";
        assert_eq!(
            header(path, "//! Rooms.\n//! Owns: a.\n//! Must not know: b.\n"),
            None
        );
        assert_eq!(header("crates/room/src/host.rs", "//! Host."), None);
        for text in [
            "",
            "//! Owns: a.",
            "//! Must not know: b.",
            "// Owns, Must not know",
            "\n//! Owns Must not know",
        ] {
            assert!(header(path, text).is_some(), "{text:?}");
        }
    }

    #[test]
    fn leftovers_need_a_number() {
        let [fix, todo] = MARKS;
        assert_eq!(
            leftovers("a.rs", &format!("// {todo}(#17): later")),
            [""; 0]
        );
        for bad in ["", "(17)", "(#)", "(#x)", ": later", "(#17"] {
            assert_eq!(
                leftovers("a.rs", &format!("\n// {fix}{bad}")).len(),
                1,
                "{bad}"
            );
        }
        for place in PLACES {
            assert_eq!(
                leftovers("a.md", &format!("see {place}x")).len(),
                1,
                "{place}"
            );
        }
    }

    #[test]
    fn a_test_is_ignored_for_a_known_service_only() {
        let check = |line: &str| ignored_tests("a.rs", &format!("\n    {line}\n")).len();
        assert_eq!(check("#[ignore = \"needs PostgreSQL\"]"), 0);
        assert_eq!(check("#[ignored]x"), 1);
        assert_eq!(check("#[ignore]"), 1);
        assert_eq!(check("#[ignore = \"slow\"]"), 1);
        assert_eq!(check("// #[ignore]"), 0);
    }

    #[test]
    fn lock_files_name_no_stranger() {
        let source = format!("name = \"bytes\"\nsource = \"{CRATES_IO}\"");
        assert_eq!(lock_file("Cargo.lock", &source), [""; 0]);
        for path in ["Cargo.lock", "fuzz/Cargo.lock"] {
            let bad = "source = \"git+https://example.org/x\"";
            assert_eq!(lock_file(path, bad).len(), 1, "{path}");
        }
        let npm = "{\"resolved\": \"https://example.org/x.tgz\"}";
        assert_eq!(lock_file("tests/js/package-lock.json", npm).len(), 1);
        assert_eq!(
            lock_file("tests/js/package-lock.json", "{\"version\": \"1\"}"),
            [""; 0]
        );
    }
}
