//! `cargo xtask test`: every check there is, in an order that builds as little as possible twice.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::{codegen, install, tidy};

/// Runs every step and prints a table of their times. Stops at the first failure.
///
/// # Errors
/// What is missing on this machine, or which step failed and the command that repeats it.
pub(crate) fn test(root: &Path) -> Result<()> {
    install::check(root)?;
    let steps = steps(root)?;
    let mut times = Vec::new();
    let start = Instant::now();
    for (index, step) in steps.iter().enumerate() {
        println!("\n=== {}/{} {}", index + 1, steps.len(), step.name);
        let step_start = Instant::now();
        let outcome = step.work.run(root);
        times.push((step.name, step_start.elapsed()));
        println!("=== {} took {}", step.name, seconds(step_start.elapsed()));
        if let Err(err) = outcome {
            print_table(&times, start.elapsed());
            let repeat = step.work.shown(root);
            return Err(err.context(format!(
                "step `{}` failed; to repeat it: {repeat}",
                step.name
            )));
        }
    }
    print_table(&times, start.elapsed());
    Ok(())
}

struct Step {
    name: &'static str,
    work: Work,
}

enum Work {
    /// A check of this program; `task` is its name on the command line.
    Task {
        task: &'static str,
        check: fn(&Path) -> Result<()>,
    },
    Program(Program),
}

#[derive(Default)]
struct Program {
    program: &'static str,
    arguments: Vec<String>,
    folder: PathBuf,
    variables: Vec<(&'static str, String)>,
}

fn steps(root: &Path) -> Result<Vec<Step>> {
    let browser = install::chromium().context("find a browser")?;
    let binaries = target_folder(root)?.join("debug");
    let on_server = |name, file: &str| Step {
        name,
        work: Work::Program(Program {
            program: "node",
            arguments: words(&format!(
                "--test --test-force-exit --test-reporter=spec {file}"
            )),
            folder: root.join("tests/js"),
            variables: vec![
                ("SERVER_BINARIES", binaries.display().to_string()),
                ("CHROMIUM", browser.display().to_string()),
            ],
        }),
    };
    let mut steps = vec![
        cargo(root, "format", "fmt --all --check"),
        Step {
            name: "tidy",
            work: Work::Task {
                task: "tidy",
                check: tidy::run,
            },
        },
        Step {
            name: "generated files",
            work: Work::Task {
                task: "codegen --check",
                check: |_| codegen::run(true),
            },
        },
        cargo(
            root,
            "clippy",
            "clippy --locked --workspace --all-targets -- -D warnings",
        ),
        cargo(root, "tests", "test --locked --workspace"),
        // The binary and the examples that the steps after this one start; most of it is built by the step before.
        cargo(
            root,
            "binaries",
            "build --locked --workspace --bins --examples",
        ),
        documentation(root),
    ];
    let pages = page_tests(root)?;
    if !pages.is_empty() {
        let mut arguments = words("--test --test-reporter=spec");
        arguments.extend(pages);
        steps.push(Step {
            name: "clients",
            work: Work::Program(Program {
                program: "node",
                arguments,
                folder: root.to_owned(),
                ..Program::default()
            }),
        });
    }
    steps.push(on_server("published SDK", "sdk.test.mjs"));
    steps.push(on_server("browser", "arcade.test.mjs"));
    Ok(steps)
}

fn cargo(root: &Path, name: &'static str, line: &str) -> Step {
    Step {
        name,
        work: Work::Program(Program {
            program: "cargo",
            arguments: words(line),
            folder: root.to_owned(),
            ..Program::default()
        }),
    }
}

fn documentation(root: &Path) -> Step {
    Step {
        name: "documentation",
        work: Work::Program(Program {
            program: "cargo",
            arguments: words("doc --locked --workspace --no-deps"),
            folder: root.to_owned(),
            variables: vec![("RUSTDOCFLAGS", "-D warnings".to_owned())],
        }),
    }
}

/// The tests of the browser's modules. They are named one by one: what Node makes of a folder differs by its version.
fn page_tests(root: &Path) -> Result<Vec<String>> {
    let mut files = Vec::new();
    for folder in PAGE_TEST_FOLDERS {
        let path = root.join(folder);
        if !path.is_dir() {
            continue;
        }
        for entry in path.read_dir().with_context(|| format!("list {folder}"))? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if name.ends_with(".js") || name.ends_with(".mjs") {
                files.push(format!("{folder}/{name}"));
            }
        }
    }
    files.sort();
    Ok(files)
}

/// Where cargo builds, which a person may have moved.
fn target_folder(root: &Path) -> Result<PathBuf> {
    let metadata = tidy::metadata(root)?;
    let folder = metadata["target_directory"]
        .as_str()
        .context("cargo metadata names no target folder")?;
    Ok(PathBuf::from(folder))
}

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

impl Work {
    fn run(&self, root: &Path) -> Result<()> {
        match self {
            Self::Task { check, .. } => check(root),
            Self::Program(program) => program.run(),
        }
    }

    fn shown(&self, root: &Path) -> String {
        match self {
            Self::Task { task, .. } => format!("cargo xtask {task}"),
            Self::Program(program) => program.shown(root),
        }
    }
}

impl Program {
    fn run(&self) -> Result<()> {
        let status = Command::new(self.program)
            .args(&self.arguments)
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.folder)
            .status()
            .with_context(|| format!("start {}", self.program))?;
        if !status.success() {
            bail!("{} ended with {status}", self.program);
        }
        Ok(())
    }

    /// The command as a person types it in the workspace's root.
    fn shown(&self, root: &Path) -> String {
        let variables = self
            .variables
            .iter()
            .map(|(name, value)| format!("{name}='{value}' "));
        let line = format!(
            "{}{} {}",
            variables.collect::<String>(),
            self.program,
            self.arguments.join(" ")
        );
        match self.folder.strip_prefix(root) {
            Ok(folder) if folder != Path::new("") => format!("(cd {} && {line})", folder.display()),
            _ => line,
        }
    }
}

fn print_table(times: &[(&str, Duration)], total: Duration) {
    println!();
    for (name, time) in times {
        println!("{name:<20} {:>10}", seconds(*time));
    }
    println!("{:<20} {:>10}", "all", seconds(total));
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

const PAGE_TEST_FOLDERS: [&str; 3] = [
    "clients/js/test",
    "games/arena/client/test",
    "web/arcade/test",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_step_is_shown_as_a_person_would_type_it() {
        let root = Path::new("/there");
        assert_eq!(
            documentation(root).work.shown(root),
            "RUSTDOCFLAGS='-D warnings' cargo doc --locked --workspace --no-deps"
        );
        let inside = Program {
            program: "node",
            arguments: words("--test a.mjs"),
            folder: root.join("tests/js"),
            ..Program::default()
        };
        assert_eq!(inside.shown(root), "(cd tests/js && node --test a.mjs)");
    }

    #[test]
    fn a_program_that_fails_is_an_error() {
        let program = |line: &str| Program {
            program: "cargo",
            arguments: words(line),
            folder: PathBuf::from("."),
            ..Program::default()
        };
        assert!(program("--version").run().is_ok());
        assert!(program("no-such-command-of-cargo").run().is_err());
    }
}
