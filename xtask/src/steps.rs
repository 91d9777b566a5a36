//! `cargo xtask test`: every check there is, in an order that builds as little as possible twice.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::scratch::Scratch;
use crate::service::{SERVICES, Service};
use crate::{codegen, install, packages, tidy};

/// Runs every step, or the one that is named, and prints a table of their times. Stops at the first failure.
///
/// # Errors
/// What is missing on this machine, or which step failed and the command that repeats it.
pub(crate) fn test(root: &Path, only: Option<&str>) -> Result<()> {
    install::check(root)?;
    let mut steps = steps(root)?;
    if let Some(only) = only {
        let names: Vec<&str> = steps.iter().map(|step| step.name).collect();
        let names = names.join(", ");
        steps.retain(|step| step.name == only);
        if steps.is_empty() {
            bail!("no step `{only}`; there are {names}");
        }
    }
    let mut scratch = Scratch::new()?;
    let mut times = Vec::new();
    let start = Instant::now();
    for (index, step) in steps.iter().enumerate() {
        println!("\n=== {}/{} {}", index + 1, steps.len(), step.name);
        let step_start = Instant::now();
        let outcome = step.work.run(root, &mut scratch);
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
    println!("{:<20} {:>10}", "packages", packages::count(root)?);
    match only {
        None => println!("\nall {} steps passed", steps.len()),
        Some(only) => println!("\nonly step `{only}` was run; it passed"),
    }
    Ok(())
}

/// Starts every service, runs a command that finds them by their variables, and ends them.
///
/// # Errors
/// A service could not be started, or the command failed.
pub(crate) fn with_services(root: &Path, line: &[&str]) -> Result<()> {
    let [program, arguments @ ..] = line else {
        bail!("name a command to run with the services");
    };
    let mut scratch = Scratch::new()?;
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root);
    let mut processes = Vec::new();
    for service in SERVICES {
        let running = service.start(&mut scratch)?;
        command.env(service.variable, running.url);
        processes.push(running.process);
    }
    let outcome = scratch.run(&mut command);
    for process in &mut processes {
        scratch.end(process)?;
    }
    outcome
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
    /// The ignored tests that need this.
    Service(&'static Service),
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
    let on_server = |name, files: &[String]| Step {
        name,
        work: Work::Program(Program {
            program: "node",
            arguments: [
                words("--test --test-force-exit --test-reporter=spec"),
                files.to_vec(),
            ]
            .concat(),
            folder: root.to_owned(),
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
        cargo(
            root,
            "physics unoptimised",
            "test --locked --profile plain -p tagus-physics first_games",
        ),
        // The binary and the examples that the steps after this one start; most of it is built by the step before.
        cargo(
            root,
            "binaries",
            "build --locked --workspace --bins --examples",
        ),
        documentation(root),
    ];
    steps.extend(install::services(root)?.into_iter().map(|service| Step {
        name: service.name,
        work: Work::Service(service),
    }));
    let mut arguments = words("--test --test-reporter=spec");
    for folder in PAGE_TEST_FOLDERS {
        arguments.extend(page_tests(root, folder)?);
    }
    steps.push(Step {
        name: "clients",
        work: Work::Program(Program {
            program: "node",
            arguments,
            folder: root.to_owned(),
            ..Program::default()
        }),
    });
    let browser = format!("{SERVER_TEST_FOLDER}/arcade.test.mjs");
    let mut sdk = page_tests(root, SERVER_TEST_FOLDER)?;
    sdk.retain(|file| *file != browser);
    steps.push(on_server("published SDK", &sdk));
    steps.push(on_server("browser", &[browser]));
    steps.push(Step {
        name: "published Python SDK",
        work: Work::Program(Program {
            program: "python3",
            arguments: words("tests/python/smoke.py"),
            folder: root.to_owned(),
            variables: vec![
                ("SERVER_BINARIES", binaries.display().to_string()),
                (
                    "PYTHONPATH",
                    root.join(install::PYTHON_PACKAGES).display().to_string(),
                ),
            ],
        }),
    });
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

/// The tests of a folder of browser modules. They are named one by one: what Node makes of a folder differs by its
/// version.
///
/// # Errors
/// There are none.
fn page_tests(root: &Path, folder: &str) -> Result<Vec<String>> {
    let entries = root.join(folder).read_dir();
    let mut files = Vec::new();
    for entry in entries.with_context(|| format!("list {folder}"))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".test.mjs") {
            files.push(format!("{folder}/{name}"));
        }
    }
    if files.is_empty() {
        bail!("{folder} has no test: no file in it is named *.test.mjs");
    }
    files.sort();
    Ok(files)
}

/// Runs the ignored tests that need a service, with it.
///
/// # Errors
/// An ignored test needs no known service, none needs this one, or one failed.
fn test_with(service: &Service, root: &Path, scratch: &mut Scratch) -> Result<()> {
    let output = Command::new("cargo")
        .args(words(IGNORED_TESTS))
        .args(["--list", "--format=terse"])
        .current_dir(root)
        .output()
        .context("list the ignored tests")?;
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr);
        bail!("list the ignored tests: {why}");
    }
    check_ignored(service, &String::from_utf8_lossy(&output.stdout))?;
    let mut running = service.start(scratch)?;
    let mut tests = Command::new("cargo");
    tests
        .args(words(IGNORED_TESTS))
        .arg(service.filter)
        .env(service.variable, &running.url)
        .env("TMPDIR", scratch.temporary())
        .current_dir(root);
    let outcome = scratch.run(&mut tests);
    scratch.end(&mut running.process)?;
    outcome
}

/// Looks through the list that the test programs print: every ignored test is run by somebody, and some by `service`.
fn check_ignored(service: &Service, list: &str) -> Result<()> {
    let names: Vec<&str> = list
        .lines()
        .filter_map(|line| line.strip_suffix(": test"))
        .collect();
    let is_known = |name: &&&str| SERVICES.iter().any(|known| name.contains(known.filter));
    if let Some(name) = names.iter().find(|name| !is_known(name)) {
        bail!("nothing runs {name}: no name of a service is in its path (xtask/src/service.rs)");
    }
    let count = names
        .iter()
        .filter(|name| name.contains(service.filter))
        .count();
    if count == 0 {
        let (name, filter) = (service.name, service.filter);
        bail!("tests that need {name} must have `{filter}` in their path, and none has");
    }
    println!("tests that need {}: {count}", service.name);
    Ok(())
}

/// Where cargo builds, which a person may have moved.
pub(crate) fn target_folder(root: &Path) -> Result<PathBuf> {
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
    fn run(&self, root: &Path, scratch: &mut Scratch) -> Result<()> {
        match self {
            Self::Task { check, .. } => check(root),
            Self::Program(program) => program.run(scratch),
            Self::Service(service) => test_with(service, root, scratch),
        }
    }

    fn shown(&self, root: &Path) -> String {
        match self {
            Self::Task { task, .. } => format!("cargo xtask {task}"),
            Self::Program(program) => program.shown(root),
            Self::Service(service) => format!(
                "cargo xtask with-services cargo {IGNORED_TESTS} {}",
                service.filter
            ),
        }
    }
}

impl Program {
    fn run(&self, scratch: &mut Scratch) -> Result<()> {
        let mut command = Command::new(self.program);
        command
            .args(&self.arguments)
            .env("TMPDIR", scratch.temporary())
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.folder);
        scratch.run(&mut command)
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

/// The same packages and features as the tests before, so that nothing is built again; what ignores itself runs.
const IGNORED_TESTS: &str = "test --locked --workspace --tests -- --ignored";
const SERVER_TEST_FOLDER: &str = "tests/js";
const PAGE_TEST_FOLDERS: [&str; 6] = [
    "clients/js/test",
    "games/arena/client/test",
    "games/duel/client/test",
    "games/pool/client/test",
    "games/soccer/client/test",
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
        let mut scratch = Scratch::new().unwrap();
        assert!(program("--version").run(&mut scratch).is_ok());
        assert!(
            program("no-such-command-of-cargo")
                .run(&mut scratch)
                .is_err()
        );
    }

    #[test]
    fn a_folder_without_tests_fails() {
        let root = crate::workspace_root();
        for folder in PAGE_TEST_FOLDERS {
            assert!(!page_tests(&root, folder).unwrap().is_empty());
        }
        assert!(page_tests(&root, "xtask/src").is_err());
        assert!(page_tests(&root, "no/such/folder").is_err());
    }

    #[test]
    fn an_ignored_test_that_nothing_runs_fails() {
        let check = |list: &str| check_ignored(&SERVICES[0], list).is_ok();
        assert!(check(
            "contract::postgres::rows: test\npostgres_batches: test\n"
        ));
        assert!(!check("contract::postgres::rows: test\nslow: test\n"));
        assert!(!check(""));
        assert!(!check("postgres: bench\n"));
    }
}
