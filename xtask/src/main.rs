//! Workspace tasks, run as `cargo xtask TASK`.
//! Owns: what has to hold before a change is merged, and the one command that checks all of it.
//! Must not know: how the server works; it builds it, starts it and reads its files.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a tool for people at a terminal"
)]

mod arrows;
mod codegen;
mod colyseus;
mod fuzz;
mod install;
mod links;
mod packages;
mod scratch;
mod service;
mod steps;
mod tidy;
mod wasm;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, bail};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            eprintln!("error: {err:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[&str]) -> Result<()> {
    match words {
        ["test"] => steps::test(&workspace_root(), None),
        ["test", "--only", step] => steps::test(&workspace_root(), Some(step)),
        ["test", "--install"] => {
            install::install(&workspace_root())?;
            steps::test(&workspace_root(), None)
        }
        ["tidy"] => tidy::run(&workspace_root()),
        ["codegen"] => codegen::run(false),
        ["codegen", "--check"] => codegen::run(true),
        ["with-services", line @ ..] => steps::with_services(&workspace_root(), line),
        ["wasm"] => wasm::run(&workspace_root()),
        ["wasm-cost"] => wasm::cost(&workspace_root()),
        ["colyseus", line @ ..] => colyseus::run(&workspace_root(), line),
        ["fuzz", line @ ..] => fuzz::run(&workspace_root(), line),
        [] | ["help" | "--help" | "-h"] => {
            println!("{HELP}");
            Ok(())
        }
        other => bail!("unknown task `{}`\n\n{HELP}", other.join(" ")),
    }
}

fn workspace_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask lies in the workspace")
        .to_owned()
}

const HELP: &str = "\
cargo xtask test             everything that is checked before a merge; installs nothing
cargo xtask test --install   the same, after getting what it needs (npm packages, a browser, PostgreSQL)
cargo xtask test --only STEP one of its steps
cargo xtask tidy             the rules a compiler does not know: arrows, lengths, headers, packages, links
cargo xtask codegen          write the generated files again
cargo xtask codegen --check  fail when a generated file is not as it would be written
cargo xtask wasm             build the committed WebAssembly of the physics again; needs its target
cargo xtask wasm-cost        the physics' shots natively and in Node, and the ratio; needs Node
cargo xtask with-services COMMAND...
                             run a command with PostgreSQL started for it (TAGUS_TEST_POSTGRES)
cargo xtask fuzz [TARGET] [--seconds N]
                             fuzz one target, or all, for 60 seconds each; needs nightly and cargo-fuzz
cargo xtask colyseus [--players N] [--seconds S] [--server-cpus LIST]
                             play the same open world on this server and on Colyseus and print a row of each; needs npm";
