//! What this machine could do at most: syncs of the data folder, and inserts into the database.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tagus_base::{UnixMillis, UserId, Uuid};
use tagus_store::{
    AccountOp, AccountRow, Batch, DeviceOp, Overwrite, SqliteConfig, StorageOp, StorageRow, Store,
    Synchronous,
};

use super::api::object_value;

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
    with_store(folder, |store| {
        let mut took = Duration::ZERO;
        for batch_index in 0..BATCHES {
            let first = batch_index * BATCH_ACCOUNTS;
            let batch = (first..first + BATCH_ACCOUNTS).fold(Batch::new(), with_account);
            took += commit(store, batch)?;
        }
        Ok(took.as_secs_f64() * 1e6 / f64::from(BATCHES * BATCH_ACCOUNTS))
    })
}

/// Time of overwriting one object of an account with another value, in microseconds; as [`insert_us`].
pub(super) fn put_us(folder: &Path) -> anyhow::Result<f64> {
    with_store(folder, |store| {
        commit(store, (0..BATCH_ACCOUNTS).fold(Batch::new(), with_account))?;
        let objects = |round| (0..BATCH_ACCOUNTS).map(move |number| object(number, round));
        commit(store, objects(0).collect())?;
        let mut took = Duration::ZERO;
        for round in 1..=BATCHES {
            took += commit(store, objects(round).collect())?;
        }
        Ok(took.as_secs_f64() * 1e6 / f64::from(BATCHES * BATCH_ACCOUNTS))
    })
}

/// Runs something with a database in the folder that is not synced and goes afterwards.
fn with_store(
    folder: &Path,
    work: impl FnOnce(&Store) -> anyhow::Result<f64>,
) -> anyhow::Result<f64> {
    let folder = folder.join("bench-rows");
    std::fs::create_dir(&folder).with_context(|| format!("create {}", folder.display()))?;
    let store = Store::open(SqliteConfig {
        synchronous: Synchronous::Off,
        wal_bytes_max: u64::MAX,
        ..SqliteConfig::new(folder.join("tagus.db"))
    })?;
    let measured = work(&store)?;
    store.close()?;
    drop(store);
    std::fs::remove_dir_all(&folder)?;
    Ok(measured)
}

/// Commits a batch; how long that took.
fn commit(store: &Store, batch: Batch) -> anyhow::Result<Duration> {
    let start = Instant::now();
    store.commit_blocking(batch)?;
    Ok(start.elapsed())
}

/// Looks random.
fn scatter(number: u32) -> u128 {
    (u128::from(number) + 1).wrapping_mul(SCATTER)
}

/// Ids as accounts get them.
fn user(number: u32) -> UserId {
    let random = scatter(number).to_be_bytes();
    UserId(Uuid::from_time(UnixMillis(number.into()), random))
}

fn with_account(batch: Batch, number: u32) -> Batch {
    let user = user(number);
    // Names are random, so that their index is written all over.
    let mut name = format!("{:032x}", scatter(number));
    name.truncate(10);
    let row = AccountRow::new(user, name, UnixMillis(0));
    let id = format!("bench-device-{number:012}");
    batch
        .with(AccountOp::Insert(Box::new(row)))
        .with(DeviceOp::Insert { id, user })
}

/// The one object of an account, as the requests of the bench write it.
fn object(number: u32, round: u32) -> StorageOp {
    let row = StorageRow {
        collection: "bench".to_owned(),
        owner: user(number),
        key: "slot".to_owned(),
        value: object_value(&format!("{round:012}")),
        version: format!("{round:032x}"),
        permission_read: 1,
        permission_write: 1,
        create_time: UnixMillis(0),
        update_time: UnixMillis(round.into()),
    };
    StorageOp::Put {
        row: Box::new(row),
        over: Overwrite::Any,
        permission_write_min: 1,
    }
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
    fn all_cost_something() {
        let folder = tempfile::tempdir().unwrap();
        assert!(sync_us(folder.path(), Duration::from_millis(1)).unwrap() > 0.0);
        assert!(insert_us(folder.path()).unwrap() > 0.0);
        assert!(put_us(folder.path()).unwrap() > 0.0);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        assert_eq!(2 * BATCH_ACCOUNTS as usize, Batch::OPS_MAX);
    }
}
