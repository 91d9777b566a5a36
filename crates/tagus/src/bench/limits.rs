//! What this machine could do at most: syncs of the data folder, and inserts into the database.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tagus_base::{UnixMillis, UserId, Uuid};
use tagus_store::{AccountOp, AccountRow, Batch, DeviceOp, SqliteConfig, Store, Synchronous};

/// Time of one append of 4 KiB with its sync in the folder, in microseconds: the mean over a time.
pub(super) fn sync_us(folder: &Path, length: Duration) -> anyhow::Result<f64> {
    let path = folder.join("bench-sync");
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&path)
        .with_context(|| format!("write {}", path.display()))?;
    let block = [0x5a; BLOCK_BYTES];
    let mut syncs = 0.0;
    let start = Instant::now();
    while start.elapsed() < length {
        file.write_all(&block)?;
        file.sync_data()?;
        syncs += 1.0;
    }
    let took = start.elapsed();
    std::fs::remove_file(&path)?;
    Ok(took.as_secs_f64() * 1e6 / syncs)
}

/// Time of inserting one account with its device, in microseconds: many in one transaction, into a file in the folder
/// that is not synced, on one thread.
pub(super) fn insert_us(folder: &Path) -> anyhow::Result<f64> {
    let folder = folder.join("bench-insert");
    std::fs::create_dir(&folder).with_context(|| format!("create {}", folder.display()))?;
    let store = Store::open(SqliteConfig {
        synchronous: Synchronous::Off,
        wal_bytes_max: u64::MAX,
        ..SqliteConfig::new(folder.join("tagus.db"))
    })?;
    let mut took = Duration::ZERO;
    for batch_index in 0..BATCHES {
        let first = u128::from(batch_index * BATCH_ACCOUNTS);
        let numbers = first..first + u128::from(BATCH_ACCOUNTS);
        let batch = numbers.fold(Batch::new(), with_account);
        let start = Instant::now();
        store.commit_blocking(batch)?;
        took += start.elapsed();
    }
    store.close()?;
    drop(store);
    std::fs::remove_dir_all(&folder)?;
    Ok(took.as_secs_f64() * 1e6 / f64::from(BATCHES * BATCH_ACCOUNTS))
}

fn with_account(batch: Batch, number: u128) -> Batch {
    // Ids of accounts are random, so that their rows lie scattered.
    let user = UserId(Uuid(number.wrapping_mul(SCATTER).to_be_bytes()));
    let row = AccountRow::new(user, format!("bench{number:010}"), UnixMillis(0));
    let id = format!("bench-device-{number:012}");
    batch
        .with(AccountOp::Insert(Box::new(row)))
        .with(DeviceOp::Insert { id, user })
}

const BLOCK_BYTES: usize = 4_096;
const BATCHES: u32 = 64;
/// With their devices as many operations as a batch may have.
const BATCH_ACCOUNTS: u32 = 128;
/// Odd, so that all multiples differ.
const SCATTER: u128 = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_cost_something() {
        let folder = tempfile::tempdir().unwrap();
        assert!(sync_us(folder.path(), Duration::from_millis(1)).unwrap() > 0.0);
        assert!(insert_us(folder.path()).unwrap() > 0.0);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        assert_eq!(2 * BATCH_ACCOUNTS as usize, Batch::OPS_MAX);
    }
}
