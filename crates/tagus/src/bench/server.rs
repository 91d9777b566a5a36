//! The measured server: a child process of the same program.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};

use super::proc::Process;

/// A running server; killed, and its folder removed, on drop.
pub(super) struct BenchServer {
    child: Child,
    folder: PathBuf,
    /// Its HTTP door.
    pub(super) http: SocketAddr,
    /// What the system counts for it.
    pub(super) process: Process,
}

impl BenchServer {
    /// Starts a server on free ports and waits until its doors are open.
    pub(super) async fn start(shards: usize) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("find the own program")?;
        let folder = std::env::temp_dir().join(format!("tagus-bench-{}", std::process::id()));
        std::fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
        let ready_file = folder.join("ready.json");
        let child = Command::new(program)
            .args([
                "serve",
                "--http-port",
                "0",
                "--admin-port",
                "0",
                "--tcp-port",
                "0",
                "--log",
                "warn",
            ])
            .arg("--shards")
            .arg(shards.to_string())
            .arg("--data")
            .arg(folder.join("data"))
            .arg("--ready-file")
            .arg(&ready_file)
            // All clients come from one address.
            .env("TAGUS_LIMITS__CONNECTIONS_PER_ADDRESS_MAX", "1000000")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .context("start the server")?;
        let process = Process::of(child.id());
        let mut server = Self {
            child,
            folder,
            http: SocketAddr::from(([127, 0, 0, 1], 0)),
            process,
        };
        server.http = server.wait_until_ready(&ready_file).await?;
        Ok(server)
    }

    async fn wait_until_ready(&mut self, ready_file: &Path) -> anyhow::Result<SocketAddr> {
        for _ in 0..START_POLLS_MAX {
            if let Ok(text) = std::fs::read_to_string(ready_file) {
                let ready: serde_json::Value =
                    serde_json::from_str(&text).context("read the server's addresses")?;
                let http = ready["http"]
                    .as_str()
                    .context("read the server's HTTP address")?;
                return Ok(http.parse()?);
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("the server ended at its start: {status}");
            }
            tokio::time::sleep(START_POLL).await;
        }
        bail!("the server was not ready in time")
    }
}

impl Drop for BenchServer {
    fn drop(&mut self) {
        // Nothing of it is kept, so nothing can be done about a failure either.
        drop(self.child.kill());
        drop(self.child.wait());
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

const START_POLL: Duration = Duration::from_millis(10);
/// Twenty seconds.
const START_POLLS_MAX: u32 = 2_000;
