//! What the command line does beside serving.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use crate::config::StoreUrl;
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

/// Which migrations a database has, a line each. Without an address it is the one in the folder `data`.
///
/// # Errors
/// The database cannot be read.
pub fn migration_status(data: &Path, url: Option<&StoreUrl>) -> anyhow::Result<String> {
    let database = match url {
        Some(url) => tagus_store::Config::parse(url.as_str())?,
        None => tagus_store::SqliteConfig::new(data.join("tagus.db")).into(),
    };
    let status = tagus_store::Store::migration_status(database).context("read the migrations")?;
    let line = |one: tagus_store::MigrationStatus| {
        format!("{:04} {} {:?}", one.version, one.name, one.state)
    };
    Ok(status.into_iter().map(line).collect::<Vec<_>>().join("\n"))
}

/// Copies all rows of one database into another, empty one, and compares them; one that was interrupted goes on.
/// `progress` is given a line now and then.
///
/// # Errors
/// A database cannot be opened, the target has rows of its own, or the copy differs.
pub fn migrate_copy(
    from: &StoreUrl,
    to: &StoreUrl,
    mut progress: impl FnMut(String),
) -> anyhow::Result<String> {
    let open = |url: &StoreUrl, what| {
        let config = tagus_store::Config::parse(url.as_str())?;
        let opened = tagus_store::Store::open(config);
        opened.with_context(|| format!("open the database to copy {what}"))
    };
    if let tagus_store::Config::Sqlite(sqlite) = tagus_store::Config::parse(from.as_str())?
        && !sqlite.path.exists()
    {
        bail!("there is no database {}", sqlite.path.display());
    }
    let (source, target) = (open(from, "from")?, open(to, "to")?);
    let started = Instant::now();
    let mut told = Instant::now();
    let copied = tagus_store::copy(&source, &target, |step| {
        if told.elapsed() < TELL_EVERY {
            return;
        }
        told = Instant::now();
        let verb = match step.stage {
            tagus_store::CopyStage::Copying => "copying",
            tagus_store::CopyStage::Verifying => "verifying",
        };
        progress(format!("{verb} {}: {} rows", step.table, step.rows));
    });
    let report = tagus_store::block_on(copied)
        .context("copy; the same command goes on where this one ended")?;
    source.close()?;
    target.close()?;
    let (rows, written, tables) = (report.rows, report.rows_copied, report.tables);
    let seconds = started.elapsed().as_secs_f64();
    Ok(format!(
        "{rows} rows in {tables} tables are the same in both; {written} were copied now, in {seconds:.1} s"
    ))
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

/// Time between two lines of progress.
const TELL_EVERY: Duration = Duration::from_secs(1);
