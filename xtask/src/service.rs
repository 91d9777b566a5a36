//! Programs that some tests talk to: which, how they are got, and starting them for one run.

use std::fs::{self, File};
use std::io::Read;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::scratch::Scratch;

/// A program that some tests talk to. Those are ignored by a plain `cargo test`, for [`Service::reason`].
pub(crate) struct Service {
    pub(crate) name: &'static str,
    /// Occurs in the path of each test that needs the service, and of no other ignored one.
    pub(crate) filter: &'static str,
    /// Tells tests the service's address.
    pub(crate) variable: &'static str,
    /// The package of Debian and Ubuntu that has it.
    pub(crate) package: &'static str,
    pub(crate) find: fn() -> Option<PathBuf>,
    start: fn(&mut Scratch) -> Result<Running>,
}

/// Every service there is.
pub(crate) const SERVICES: &[Service] = &[Service {
    name: "PostgreSQL",
    filter: "postgres",
    variable: "TAGUS_TEST_POSTGRES",
    package: "postgresql",
    find: find_postgres,
    start: start_postgres,
}];

/// A service that was started; whoever started it ends it through its [`Scratch`].
pub(crate) struct Running {
    pub(crate) process: Child,
    pub(crate) url: String,
}

impl Service {
    /// What stands in `#[ignore = "…"]`.
    pub(crate) fn reason(&self) -> String {
        format!("needs {}", self.name)
    }

    /// What to do when it is not on this machine.
    pub(crate) fn help(&self) -> String {
        format!(
            "{}: `cargo xtask test --install`, or install it (package {} of Debian and Ubuntu)",
            self.name, self.package
        )
    }

    /// Starts it on a free port, with its data in the run's folder, and waits until it answers.
    ///
    /// # Errors
    /// It is not on this machine, or the end of what it wrote before it gave up.
    pub(crate) fn start(&self, scratch: &mut Scratch) -> Result<Running> {
        let start = Instant::now();
        let running = (self.start)(scratch).with_context(|| format!("start {}", self.name))?;
        let seconds = start.elapsed().as_secs_f64();
        println!("{} answers after {seconds:.1} s", self.name);
        Ok(running)
    }
}

/// The folder with `postgres` and `initdb`: in `PATH`, else the newest where Debian keeps them.
fn find_postgres() -> Option<PathBuf> {
    let is_complete = |folder: &PathBuf| {
        ["postgres", "initdb"]
            .iter()
            .all(|name| folder.join(name).is_file())
    };
    let path = std::env::var_os("PATH")?;
    if let Some(folder) = std::env::split_paths(&path).find(is_complete) {
        return Some(folder);
    }
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    versions
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|folder| is_complete(&folder.join("bin")))
        .max_by_key(|folder| version(folder))
        .map(|folder| folder.join("bin"))
}

/// The number that a folder is named by.
fn version(folder: &Path) -> Option<u32> {
    folder.file_name()?.to_str()?.parse().ok()
}

/// A cluster of its own, with a password nobody else on the machine knows, whose owner may do everything in it.
fn start_postgres(scratch: &mut Scratch) -> Result<Running> {
    let programs = find_postgres().context("postgres and initdb were not found")?;
    let folder = scratch.folder().join("postgres");
    let password = random_hex()?;
    fs::create_dir(&folder).context("create its folder")?;
    fs::write(folder.join("password"), &password).context("write its password")?;
    let user = unprivileged(&[&folder, &folder.join("password")])?;
    let log = folder.join("log");
    let output = File::create(&log).context("create its log")?;
    let command = |program: &str| -> Result<Command> {
        let mut command = Command::new(programs.join(program));
        command.current_dir(&folder).env("LC_ALL", "C");
        command
            .stdout(output.try_clone()?)
            .stderr(output.try_clone()?);
        become_user(&mut command, user);
        Ok(command)
    };

    let mut initdb = command("initdb")?;
    initdb.args([
        "--pgdata=data",
        "--username=tagus",
        "--pwfile=password",
        "--auth=scram-sha-256",
    ]);
    // The new files need not survive anything; the server that runs on them syncs as ever.
    initdb.args(["--encoding=UTF8", "--locale=C", "--no-sync"]);
    scratch
        .run(&mut initdb)
        .with_context(|| format!("initdb wrote: {}", read_end(&log)))?;

    let port = free_port()?.to_string();
    let mut server = command("postgres")?;
    server.args(["-D", "data", "-h", "127.0.0.1", "-p", &port, "-k"]);
    let mut process = scratch.spawn(server.arg(&folder))?;
    let start = Instant::now();
    while !fs::read_to_string(&log)?.contains("ready to accept connections") {
        if process.try_wait()?.is_some() || start.elapsed() > START_MAX {
            bail!("it wrote: {}", read_end(&log));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let url = format!("postgres://tagus:{password}@127.0.0.1:{port}/postgres");
    Ok(Running { process, url })
}

/// A port that nobody listens on at this moment.
fn free_port() -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").context("find a free port")?;
    Ok(listener.local_addr()?.port())
}

fn random_hex() -> Result<String> {
    let mut bytes = [0; 16];
    File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut bytes))
        .context("read /dev/urandom")?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The end of what a program wrote.
fn read_end(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
}

/// User and group.
type User = (u32, u32);

/// PostgreSQL refuses to run as root, so for root another user is found and given `paths`.
fn unprivileged(paths: &[&Path]) -> Result<Option<User>> {
    if number_of("-u", None) != Some(0) {
        return Ok(None);
    }
    for name in ["postgres", "nobody"] {
        if let (Some(user), Some(group)) =
            (number_of("-u", Some(name)), number_of("-g", Some(name)))
        {
            for path in paths {
                give(path, (user, group)).with_context(|| format!("give {name} its files"))?;
            }
            return Ok(Some((user, group)));
        }
    }
    bail!("it does not run as root, and there is neither a user postgres nor nobody")
}

#[cfg(unix)]
fn give(path: &Path, (user, group): User) -> std::io::Result<()> {
    std::os::unix::fs::chown(path, Some(user), Some(group))
}

#[cfg(unix)]
fn become_user(command: &mut Command, user: Option<User>) {
    use std::os::unix::process::CommandExt;
    if let Some((user, group)) = user {
        command.uid(user).gid(group);
    }
}

#[cfg(not(unix))]
fn give(_: &Path, _: User) -> std::io::Result<()> {
    Ok(())
}

#[cfg(not(unix))]
fn become_user(_: &mut Command, _: Option<User>) {}

/// What `id` answers.
fn number_of(kind: &str, name: Option<&str>) -> Option<u32> {
    let output = Command::new("id").arg(kind).args(name).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

const START_MAX: Duration = Duration::from_secs(60);
const LOG_LINES: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_is_taken_by_number() {
        assert!(version(Path::new("/x/9")) < version(Path::new("/x/15")));
        assert!(version(Path::new("/x/lib")) < version(Path::new("/x/9")));
    }

    #[test]
    fn services_are_told_apart() {
        for (index, service) in SERVICES.iter().enumerate() {
            assert_ne!(service.filter, "");
            for other in &SERVICES[index + 1..] {
                assert!(!other.filter.contains(service.filter));
                assert!(!service.filter.contains(other.filter));
                assert_ne!(other.variable, service.variable);
            }
        }
    }

    #[test]
    fn only_the_end_of_a_log_is_shown() {
        let folder = std::env::temp_dir().join(format!("tagus-log-{}", std::process::id()));
        let lines: Vec<String> = (0..50).map(|line| line.to_string()).collect();
        fs::write(&folder, lines.join("\n")).unwrap();
        assert_eq!(read_end(&folder), lines[30..].join("\n"));
        fs::remove_file(&folder).unwrap();
        assert_eq!(read_end(&folder), "");
    }
}
