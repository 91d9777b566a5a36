//! The WebAssembly module of the physics: built here by a maintainer and committed, so that nobody else needs its target;
//! and what it costs beside native code.

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

/// Times the same shots natively and in Node, in turns, and prints the best of each and their ratio.
///
/// # Errors
/// Node is missing, or one of the two does not run.
pub(crate) fn cost(root: &Path) -> Result<()> {
    let native = || {
        let mut bench = Command::new("cargo");
        let shots = [
            "bench",
            "--locked",
            "-p",
            "tagus-physics",
            "--bench",
            "shots",
        ];
        mean_us(bench.args(shots).args(["--", "golden"]).current_dir(root))
    };
    let wasm = || {
        let mut bench = Command::new("node");
        mean_us(bench.arg("crates/physics-wasm/bench.mjs").current_dir(root))
    };
    let (mut native_us, mut wasm_us) = (f64::MAX, f64::MAX);
    for _ in 0..TURNS {
        native_us = native_us.min(native()?);
        wasm_us = wasm_us.min(wasm()?);
    }
    println!("native {native_us:.1} µs a shot, in Node {wasm_us:.1} µs, the best of {TURNS} turns");
    println!("ratio {:.2}; goal 2", wasm_us / native_us);
    Ok(())
}

/// The mean that a bench of the golden games prints.
fn mean_us(command: &mut Command) -> Result<f64> {
    let output = command
        .output()
        .with_context(|| format!("start {command:?}"))?;
    let said = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        bail!("{command:?}: {}\n{said}{complaint}", output.status);
    }
    read_mean(&said).with_context(|| format!("{command:?} printed no mean:\n{said}"))
}

fn read_mean(said: &str) -> Option<f64> {
    let mut lines = said.lines();
    let line = lines.find_map(|line| line.trim_start().strip_prefix("mean "))?;
    line.split(' ').next()?.parse().ok()
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
/// Each measures so often, so that other work on the machine meets both.
const TURNS: u32 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_is_found_among_other_lines() {
        let said = "1151 shots of 200 golden games, each its best of 7:\n  mean 15.8 µs, 692 ns an event\n";
        assert_eq!(read_mean(said), Some(15.8));
        assert_eq!(read_mean("no means here"), None);
    }
}
