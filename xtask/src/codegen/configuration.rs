//! The page of all configuration keys, as the server itself tells them.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// Writes `docs/configuration.md`. With `check` nothing is written, and a page that differs is an error.
pub(super) fn run(check: bool) -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let output = Command::new("cargo")
        .args(["run", "--quiet", "--package", "tagus", "--bin", "tagus"])
        .args(["--", "config-reference"])
        .current_dir(&root)
        .output()
        .context("run cargo")?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "print the reference: {complaint}");
    let text = format!("{}\n", String::from_utf8(output.stdout)?.trim_end());
    let page = root.join("docs/configuration.md");
    if fs::read_to_string(&page).is_ok_and(|current| current.replace("\r\n", "\n") == text) {
        return Ok(());
    }
    ensure!(
        !check,
        "stale docs/configuration.md, run `cargo xtask codegen`"
    );
    fs::write(&page, text).with_context(|| format!("write {}", page.display()))
}
