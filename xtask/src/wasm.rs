//! The WebAssembly module of the physics: built here by a maintainer and committed, so that nobody else needs its target.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::steps;

/// Builds the module, puts it into `crates/physics-wasm/dist`, and writes the note of what it was built from.
///
/// # Errors
/// The target is not installed (`rustup target add wasm32-unknown-unknown`), or it does not build.
pub(crate) fn run(root: &Path) -> Result<()> {
    let mut build = Command::new("cargo");
    build
        .args([
            "build",
            "--locked",
            "--profile",
            "wasm",
            "-p",
            "tagus-physics-wasm",
        ])
        .args(["--target", TARGET])
        .env(
            "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS",
            format!("-Clink-arg=-zstack-size={STACK_BYTES}"),
        )
        .current_dir(root);
    succeed(&mut build)?;
    let built = steps::target_folder(root)?
        .join(TARGET)
        .join("wasm")
        .join("tagus_physics_wasm.wasm");
    let dist = root.join("crates/physics-wasm/dist");
    fs::create_dir_all(&dist).context("make crates/physics-wasm/dist")?;
    // Read and written, not copied: what runs in a browser needs no permission to be executed.
    let bytes = fs::read(&built).with_context(|| format!("read {}", built.display()))?;
    fs::write(dist.join("physics.wasm"), bytes).context("write physics.wasm")?;
    let version = Command::new("rustc")
        .arg("--version")
        .current_dir(root)
        .output()
        .context("ask rustc for its version")?;
    let version = String::from_utf8_lossy(&version.stdout);
    let mut note = Command::new("node");
    note.args(["crates/physics-wasm/note.mjs", "write", version.trim()])
        .current_dir(root);
    succeed(&mut note)
}

fn succeed(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("start {command:?}"))?;
    if !status.success() {
        bail!("{command:?}: {status}");
    }
    Ok(())
}

const TARGET: &str = "wasm32-unknown-unknown";
/// The default of 1 MiB would be most of what the module uses.
const STACK_BYTES: u32 = 65_536;
