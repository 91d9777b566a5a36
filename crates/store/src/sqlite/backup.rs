//! Backup while the database is in use, and restore.

use std::fs::{self, File};
use std::path::Path;

use rusqlite::OpenFlags;
use rusqlite::backup::{Backup, StepResult};

use crate::counts::{Counts, counts};
use crate::error::StoreError;
use crate::sqlite::file::{beside, lock};
use crate::sqlite::migrate::{check_known, damaged};
use crate::sqlite::{Connection, failed, file_failed, open_existing, read};

/// What a finished backup holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BackupReport {
    /// Size of the file.
    pub bytes: u64,
    /// Rows in it.
    pub counts: Counts,
}

/// Copies the database `data` into the new file `dest`, while a server uses it or not: the state of one moment.
/// The copy is written under another name, checked, synced and then renamed, so that `dest` is whole where it exists.
/// `progress` gets pages done and pages in all. While it runs the write-ahead log of the database grows.
///
/// # Errors
///
/// `Exists` where `dest` exists; `Damaged` where the copy did not pass the check; `Database`, `File`.
pub fn backup(
    data: &Path,
    dest: &Path,
    progress: impl FnMut(u64, u64),
) -> Result<BackupReport, StoreError> {
    let source = open_existing(data).map_err(failed("open the database for a backup"))?;
    backup_connection(&source, dest, progress)
}

/// [`backup`] of the database that `source` has open.
pub(crate) fn backup_connection(
    source: &Connection,
    dest: &Path,
    progress: impl FnMut(u64, u64),
) -> Result<BackupReport, StoreError> {
    refuse_existing(dest)?;
    let temporary = beside(dest, ".part");
    remove_if_there(&temporary)?;
    let done = copy_pages(source, &temporary, progress)
        .map_err(failed("copy the database"))
        .and_then(|counts_expected| {
            let counts = verify(&temporary)?;
            if counts != counts_expected {
                return Err(StoreError::Damaged {
                    path: temporary.clone(),
                    reason: format!("it holds {counts:?}, the database {counts_expected:?}"),
                });
            }
            let bytes = sync(&temporary)?;
            rename(&temporary, dest)?;
            Ok(BackupReport { bytes, counts })
        });
    if done.is_err() {
        remove_if_there(&temporary)?;
    }
    done
}

/// Makes the database `data` from a backup. No server may use `data`.
///
/// # Errors
///
/// `Damaged` or `Newer` where the backup is not good, `Exists` where `data` exists, `InUse`, `File`.
pub fn restore(backup: &Path, data: &Path) -> Result<Counts, StoreError> {
    let _lock = lock(data)?;
    refuse_existing(data)?;
    // The log of a database that is gone would be taken for the log of the restored one.
    refuse_existing(&beside(data, "-wal"))?;
    let (counts, temporary) = prepare(backup, data)?;
    rename(&temporary, data)?;
    Ok(counts)
}

/// [`restore`] over an existing database, which is kept beside it under a name with `.replaced`
/// (its write-ahead log with `.replaced-wal`); what had these names before is removed.
///
/// # Errors
///
/// Those of [`restore`] but `Exists`. After an error `data` is as it was, or was moved aside as described.
pub fn restore_replacing(backup: &Path, data: &Path) -> Result<Counts, StoreError> {
    let _lock = lock(data)?;
    let (counts, temporary) = prepare(backup, data)?;
    let replaced = beside(data, ".replaced");
    for suffix in ["", "-wal"] {
        remove_if_there(&beside(&replaced, suffix))?;
        let old = beside(data, suffix);
        if old.exists() {
            rename(&old, &beside(&replaced, suffix))?;
        }
    }
    // The log's index is computed anew from the log.
    remove_if_there(&beside(data, "-shm"))?;
    rename(&temporary, data)?;
    Ok(counts)
}

/// Verifies a backup and puts a synced copy of it beside `data`.
fn prepare(backup: &Path, data: &Path) -> Result<(Counts, std::path::PathBuf), StoreError> {
    let counts = verify(backup)?;
    let temporary = beside(data, ".part");
    fs::copy(backup, &temporary).map_err(file_failed("copy the backup to", &temporary))?;
    sync(&temporary)?;
    Ok((counts, temporary))
}

/// Copies all pages as of one moment and returns the rows of that moment.
fn copy_pages(
    source: &Connection,
    dest: &Path,
    mut progress: impl FnMut(u64, u64),
) -> rusqlite::Result<Counts> {
    // The open read transaction keeps the moment: without it every commit in between starts the copy anew.
    let moment = source.unchecked_transaction()?;
    let counts = read_counts(source)?;
    let mut copy = Connection::open(dest)?;
    // Synced once at the end, by name.
    copy.pragma_update(None, "synchronous", "off")?;
    let backup = Backup::new(source, &mut copy)?;
    loop {
        let step = backup.step(PAGES_PER_STEP)?;
        let state = backup.progress();
        let pages = u64::from(state.pagecount.unsigned_abs());
        progress(pages - u64::from(state.remaining.unsigned_abs()), pages);
        match step {
            StepResult::Done => break,
            StepResult::More => {}
            // Nobody else can hold the copy's lock, and reads of a write-ahead log wait for nobody.
            _ => {
                let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY);
                return Err(rusqlite::Error::SqliteFailure(code, None));
            }
        }
    }
    drop(backup);
    // One file, without a log beside it.
    copy.pragma_update(None, "journal_mode", "delete")?;
    copy.close().map_err(|(_, err)| err)?;
    moment.finish()?;
    Ok(counts)
}

/// Checks that the file is an intact database of this server and returns its rows. Changes nothing.
fn verify(path: &Path) -> Result<Counts, StoreError> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .map_err(|err| damaged(path, &err))?;
    let found: String = connection
        .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
        .map_err(|err| damaged(path, &err))?;
    if found != "ok" {
        return Err(StoreError::Damaged {
            path: path.to_owned(),
            reason: found,
        });
    }
    check_known(&connection, path)?;
    read_counts(&connection).map_err(|err| damaged(path, &err))
}

fn read_counts(connection: &Connection) -> rusqlite::Result<Counts> {
    let found = read::each(connection, &[counts()])?;
    found
        .into_iter()
        .next()
        .ok_or(rusqlite::Error::QueryReturnedNoRows)
}

fn refuse_existing(path: &Path) -> Result<(), StoreError> {
    if path.exists() {
        return Err(StoreError::Exists {
            path: path.to_owned(),
        });
    }
    Ok(())
}

fn remove_if_there(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(err) if err.kind() != std::io::ErrorKind::NotFound => {
            Err(file_failed("remove", path)(err))
        }
        _ => Ok(()),
    }
}

/// Waits until the file is on the disk; returns its size in bytes.
fn sync(path: &Path) -> Result<u64, StoreError> {
    let open = || {
        let file = File::options().read(true).write(true).open(path)?;
        file.sync_all()?;
        Ok(file.metadata()?.len())
    };
    open().map_err(file_failed("sync", path))
}

/// Renames, and waits until the new name is on the disk.
fn rename(from: &Path, to: &Path) -> Result<(), StoreError> {
    fs::rename(from, to).map_err(file_failed("rename a file to", to))?;
    #[cfg(unix)]
    {
        let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        let synced = File::open(folder).and_then(|folder| folder.sync_all());
        synced.map_err(file_failed("sync the folder", folder))?;
    }
    Ok(())
}

/// Pages copied between two reports of progress: 1 MiB.
const PAGES_PER_STEP: i32 = 256;
