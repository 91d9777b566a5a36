//! What the command line does beside serving.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};

use crate::server::Server;

/// Asks a server's `/readyz`.
///
/// # Errors
/// Nobody answers, or the server is not ready.
pub fn healthcheck(address: &str) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect(address)
        .with_context(|| format!("connect to {address}; is the server running?"))?;
    stream.set_read_timeout(Some(Duration::from_secs(3)))?;
    write!(
        stream,
        "GET /readyz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream
        .take(4_096)
        .read_to_string(&mut answer)
        .context("read the answer")?;
    if !answer.starts_with("HTTP/1.1 200") {
        bail!(
            "not ready: {}",
            answer.lines().next().unwrap_or("no answer")
        );
    }
    Ok(())
}

/// Copies the database of a running or stopped server into one verified file.
///
/// # Errors
/// There is no database, the file exists, or the copy does not verify.
pub fn backup(data: &Path, file: &Path) -> anyhow::Result<String> {
    let database = data.join("tagus.db");
    let report = tagus_store::backup(&database, file, |_, _| {})
        .with_context(|| format!("back up {}", database.display()))?;
    let (accounts, bytes) = (report.counts.accounts, report.bytes);
    Ok(format!(
        "{}: verified, {accounts} accounts, {bytes} bytes",
        file.display()
    ))
}

/// Which migrations the database has, a line each.
///
/// # Errors
/// The database cannot be read.
pub fn migration_status(data: &Path) -> anyhow::Result<String> {
    let database = data.join("tagus.db");
    let status = tagus_store::Store::migration_status(tagus_store::SqliteConfig::new(&database))
        .with_context(|| format!("read {}", database.display()))?;
    let line = |one: tagus_store::MigrationStatus| {
        format!("{:04} {} {:?}", one.version, one.name, one.state)
    };
    Ok(status.into_iter().map(line).collect::<Vec<_>>().join("\n"))
}

/// Puts a verified backup in place of a stopped server's database.
///
/// # Errors
/// The backup does not verify, or a database is there and `replace` is false.
pub fn restore(file: &Path, data: &Path, replace: bool) -> anyhow::Result<String> {
    let database = data.join("tagus.db");
    std::fs::create_dir_all(data)?;
    if replace {
        tagus_store::restore_replacing(file, &database)
    } else {
        tagus_store::restore(file, &database)
    }
    .with_context(|| format!("restore {}", database.display()))?;
    Ok(format!("{} holds the backup", database.display()))
}

impl Server {
    /// Re-runs a recording of a room and answers what it proved, as a sentence.
    ///
    /// # Errors
    /// The file is no recording, its game is not registered, or a state differs from the recorded one.
    pub fn replay(self, file: &Path) -> anyhow::Result<String> {
        let bytes = std::fs::read(file).with_context(|| format!("read {}", file.display()))?;
        let report = tagus_room::replay(&bytes, |game| self.games.get(game).cloned())?;
        let (first, last) = (report.tick_first.0, report.tick_last.0);
        let (segments, inputs, hashes) = (report.segments, report.inputs, report.hashes_proven);
        Ok(format!(
            "{}: seed {}, ticks {first} to {last}, {segments} segments, {inputs} inputs: {hashes} state hashes are the same",
            report.game, report.seed,
        ))
    }
}
