//! The measured server: a child process of the same program.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::exchange::{Exchange, Exchanged};
use super::proc::Process;
use super::raw::{Asked, Order, Written};

/// How a server is started.
#[derive(Clone, Debug, Default)]
pub(super) struct Plan {
    /// Threads that own connections and rooms.
    pub(super) shards: usize,
    /// Where its folder is made; none: among the system's temporary files.
    pub(super) beside: Option<PathBuf>,
    /// Its database, by URL; none: a file in its folder.
    pub(super) store: Option<String>,
    /// Rooms that it opens, as the configuration's `rooms`; none: those that it always opens.
    pub(super) rooms: Option<String>,
    /// Time that data of its relayed matches may wait for company, in milliseconds.
    pub(super) relayed_gather_ms: u16,
    /// Processors that it may use, as `taskset -c` takes them; none: all.
    pub(super) cpus: Option<String>,
}

/// A running server; killed, and its folder removed, on drop.
pub(super) struct BenchServer {
    // Dropped in this order: the server, then its folder.
    _child: Running,
    folder: Folder,
    control: BufReader<TcpStream>,
    /// Its HTTP door.
    pub(super) http: SocketAddr,
    admin: SocketAddr,
    /// What the system counts for it.
    pub(super) process: Process,
}

struct Running(Child);

/// A process that does nothing as fast as it can; it ends on drop.
pub(super) struct Busy {
    _child: Running,
}

impl Busy {
    /// On these processors, as `taskset -c` takes them.
    pub(super) fn start(cpus: &str) -> anyhow::Result<Self> {
        let mut command = on_cpus(Some(cpus), Path::new("sh"));
        let child = command.args(["-c", "while :; do :; done"]).spawn();
        Ok(Self {
            _child: Running(child.context("start a busy loop")?),
        })
    }
}

/// A command that runs on these processors, or on all.
fn on_cpus(cpus: Option<&str>, program: &Path) -> Command {
    let Some(cpus) = cpus else {
        return Command::new(program);
    };
    let mut command = Command::new("taskset");
    command.args(["-c", cpus]).arg(program);
    command
}

struct Folder(PathBuf);

/// What the shards counted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct ShardCounts {
    /// Frames queued to clients.
    pub(super) sent: f64,
    /// Write system calls.
    pub(super) writes: f64,
    /// Ticks of all rooms.
    pub(super) ticks: f64,
}

impl BenchServer {
    /// Starts a server on free ports and waits until its doors are open.
    pub(super) async fn start(plan: &Plan) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("find the own program")?;
        let folder = Folder::make(plan.beside.as_deref())?;
        let ready_file = folder.0.join("ready.json");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let mut command = on_cpus(plan.cpus.as_deref(), &program);
        command
            .arg("bench-server")
            .arg("--control")
            .arg(listener.local_addr()?.to_string())
            .args(["--http-port", "0", "--admin-port", "0", "--tcp-port", "0"])
            .args(["--log", "error"])
            .arg("--shards")
            .arg(plan.shards.to_string())
            .arg("--data")
            .arg(folder.data())
            .arg("--ready-file")
            .arg(&ready_file)
            // All clients come from one address.
            .env("TAGUS_LIMITS__CONNECTIONS_PER_ADDRESS_MAX", "1000000")
            .env(
                "TAGUS_RELAYED_GATHER_MS",
                plan.relayed_gather_ms.to_string(),
            )
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        if let Some(url) = &plan.store {
            command.env("TAGUS_STORE__URL", url);
        }
        if let Some(rooms) = &plan.rooms {
            // Thousands are too long for the environment.
            let file = folder.0.join("config.toml");
            std::fs::write(&file, format!("rooms = {rooms}\n"))?;
            command.arg("--config").arg(file);
        }
        // Ctrl-C reaches the bench alone, which then ends its server.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = Running(command.spawn().context("start the server")?);
        let process = Process::of(child.0.id());
        let ready = child.wait_until_ready(&ready_file).await?;
        let address = |door: &str| -> anyhow::Result<SocketAddr> {
            let text = ready[door].as_str();
            let text = text.with_context(|| format!("read the server's {door} address"))?;
            Ok(text.parse()?)
        };
        let (http, admin) = (address("http")?, address("admin")?);
        // It connected before it opened its doors.
        let (control, _) = listener.accept().await?;
        Ok(Self {
            _child: child,
            folder,
            control: BufReader::new(control),
            http,
            admin,
            process,
        })
    }

    /// The server's data folder.
    pub(super) fn data(&self) -> PathBuf {
        self.folder.data()
    }

    /// Has a thread of the server write plainly to the sockets of its clients.
    pub(super) async fn write_raw(&mut self, order: &Order) -> anyhow::Result<Written> {
        self.ask(&Asked::Write(order.clone())).await?;
        let written: Written = self.answer().await?;
        ensure!(
            written.failure.is_empty(),
            "plain writes: {}",
            written.failure
        );
        Ok(written)
    }

    /// Has a thread of the server listen for so many players, to write to them and read from them plainly; answers the
    /// address.
    pub(super) async fn begin_exchange(
        &mut self,
        exchange: &Exchange,
    ) -> anyhow::Result<SocketAddr> {
        self.ask(&Asked::Exchange(exchange.clone())).await?;
        let port: u16 = self.answer().await?;
        Ok((Ipv4Addr::LOCALHOST, port).into())
    }

    /// Waits for the end of the exchange.
    pub(super) async fn end_exchange(&mut self) -> anyhow::Result<Exchanged> {
        let done: Exchanged = self.answer().await?;
        ensure!(
            done.failure.is_empty(),
            "plain writes and reads: {}",
            done.failure
        );
        Ok(done)
    }

    async fn ask(&mut self, asked: &Asked) -> anyhow::Result<()> {
        let line = format!("{}\n", serde_json::to_string(asked)?);
        Ok(self.control.get_mut().write_all(line.as_bytes()).await?)
    }

    async fn answer<T: serde::de::DeserializeOwned>(&mut self) -> anyhow::Result<T> {
        let mut answer = String::new();
        self.control.read_line(&mut answer).await?;
        serde_json::from_str(&answer).context("read the writer's answer")
    }

    /// Asks the server's metrics.
    pub(super) async fn shard_counts(&self) -> anyhow::Result<ShardCounts> {
        let stream = TcpStream::connect(self.admin).await;
        let mut stream = stream.context("ask the server's metrics; did it end?")?;
        let request = "GET /metrics HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        counts_of(&answer).context("the server's metrics lack what was sent, written and run")
    }
}

fn counts_of(metrics: &str) -> Option<ShardCounts> {
    let value = |name: &str| -> Option<f64> {
        let mut lines = metrics.lines();
        lines
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?
            .trim()
            .parse()
            .ok()
    };
    Some(ShardCounts {
        sent: value("tagus_shard_sent_total")?,
        writes: value("tagus_shard_writes_total")?,
        ticks: value("tagus_shard_ticks_total")?,
    })
}

impl Running {
    async fn wait_until_ready(&mut self, ready_file: &Path) -> anyhow::Result<serde_json::Value> {
        for _ in 0..START_POLLS_MAX {
            if let Ok(text) = std::fs::read_to_string(ready_file) {
                return serde_json::from_str(&text).context("read the server's addresses");
            }
            if let Some(status) = self.0.try_wait()? {
                bail!("the server ended at its start: {status}");
            }
            tokio::time::sleep(START_POLL).await;
        }
        bail!("the server was not ready in time")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Nothing of it is kept, so nothing can be done about a failure either.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Folder {
    fn make(beside: Option<&Path>) -> anyhow::Result<Self> {
        let beside = beside.map_or_else(std::env::temp_dir, Path::to_owned);
        let path = beside.join(format!("tagus-bench-{}", std::process::id()));
        // One of a bench that was killed and had the same number.
        drop(std::fs::remove_dir_all(&path));
        std::fs::create_dir_all(&path).with_context(|| format!("create {}", path.display()))?;
        Ok(Self(path))
    }

    fn data(&self) -> PathBuf {
        self.0.join("data")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed now, the system's cleaning of temporary files removes.
        drop(std::fs::remove_dir_all(&self.0));
    }
}

const START_POLL: Duration = Duration::from_millis(10);
/// Twenty seconds.
const START_POLLS_MAX: u32 = 2_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_found_by_their_whole_names() {
        let metrics = "# HELP tagus_shard_sent x\ntagus_shard_sent_total_x 9\n\
                       tagus_shard_sent_total 12\ntagus_shard_writes_total 4\n\
                       tagus_shard_ticks_total 7\n";
        let counts = ShardCounts {
            sent: 12.0,
            writes: 4.0,
            ticks: 7.0,
        };
        assert_eq!(counts_of(metrics), Some(counts));
        assert_eq!(counts_of("tagus_shard_sent_total 12\n"), None);
    }
}
