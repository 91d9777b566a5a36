//! Backups are whole, checked, and taken while the store works; restores never overwrite by accident.

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use tagus_store::{SqliteConfig, Store, StoreError, backup, block_on, restore, restore_replacing};

use crate::{config, first_login, has_login};

#[test]
fn a_backup_under_load_holds_what_was_acknowledged_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(config(folder.path())).unwrap();
    let dest = folder.path().join("backup.db");
    let next = AtomicU32::new(0);
    let stop = AtomicBool::new(false);
    let write = |store: &Store| {
        let number = next.fetch_add(1, Ordering::SeqCst);
        store.commit_blocking(first_login(number)).unwrap();
    };
    for _ in 0..500 {
        write(&store);
    }
    let (before, report, during) = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    while !stop.load(Ordering::SeqCst) {
                        write(&store);
                    }
                })
            })
            .collect();
        let before = block_on(store.counts()).unwrap();
        let mut steps = Vec::new();
        let during = AtomicU32::new(0);
        let report = store.backup(&dest, |done, total| {
            steps.push((done, total));
            // Commits go on in the middle of the copy.
            write(&store);
            during.fetch_add(1, Ordering::SeqCst);
        });
        stop.store(true, Ordering::SeqCst);
        for writer in writers {
            writer.join().unwrap();
        }
        assert!(steps.is_sorted());
        assert!(steps.last().is_some_and(|(done, total)| done == total));
        (before, report.unwrap(), during.into_inner())
    });
    assert!(during > 0);
    assert!(report.counts.accounts >= before.accounts);
    assert!(report.counts.accounts < block_on(store.counts()).unwrap().accounts);
    assert_eq!(report.counts.accounts, report.counts.devices);
    assert_eq!(report.bytes, fs::metadata(&dest).unwrap().len());

    let data = folder.path().join("restored.db");
    assert_eq!(restore(&dest, &data).unwrap(), report.counts);
    let restored = Store::open(SqliteConfig::new(data)).unwrap();
    assert_eq!(block_on(restored.counts()).unwrap(), report.counts);
    assert!((0..500).all(|number| has_login(&restored, number)));
    restored.commit_blocking(first_login(1_000_000)).unwrap();
}

#[test]
fn a_store_in_memory_can_be_backed_up() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::memory().unwrap();
    store.commit_blocking(first_login(1)).unwrap();
    let dest = folder.path().join("backup.db");
    let report = store.backup(&dest, |_, _| {}).unwrap();
    assert_eq!(report.counts.accounts, 1);
    assert!(has_login(&Store::open(SqliteConfig::new(dest)).unwrap(), 1));
}

#[test]
fn nothing_is_overwritten_unless_asked() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path());
    let dest = folder.path().join("backup.db");
    let store = Store::open(config.clone()).unwrap();
    store.commit_blocking(first_login(1)).unwrap();
    backup(&config.path, &dest, |_, _| {}).unwrap();
    let again = backup(&config.path, &dest, |_, _| {});
    assert!(matches!(again, Err(StoreError::Exists { .. })));
    store.commit_blocking(first_login(2)).unwrap();

    assert!(matches!(
        restore_replacing(&dest, &config.path),
        Err(StoreError::InUse { .. })
    ));
    assert!(has_login(&store, 2));
    drop(store);
    assert!(matches!(
        restore(&dest, &config.path),
        Err(StoreError::Exists { .. })
    ));

    restore_replacing(&dest, &config.path).unwrap();
    let store = Store::open(config.clone()).unwrap();
    assert!(has_login(&store, 1) && !has_login(&store, 2));
    let replaced = Store::open(SqliteConfig::new(folder.path().join("tagus.db.replaced"))).unwrap();
    assert!(has_login(&replaced, 2));
}

#[test]
fn the_log_of_a_killed_server_does_not_leak_into_a_restore() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path());
    let dest = folder.path().join("backup.db");
    let store = Store::open(config.clone()).unwrap();
    store.commit_blocking(first_login(1)).unwrap();
    store.backup(&dest, |_, _| {}).unwrap();
    store.commit_blocking(first_login(2)).unwrap();
    // What a kill leaves behind: database, log and index as they are now.
    let killed = folder.path().join("killed.db");
    for suffix in ["", "-wal", "-shm"] {
        let copy = folder.path().join(format!("killed.db{suffix}"));
        fs::copy(folder.path().join(format!("tagus.db{suffix}")), copy).unwrap();
    }
    assert!(
        fs::metadata(folder.path().join("killed.db-wal"))
            .unwrap()
            .len()
            > 0
    );
    restore_replacing(&dest, &killed).unwrap();
    let restored = Store::open(SqliteConfig::new(killed)).unwrap();
    assert!(has_login(&restored, 1) && !has_login(&restored, 2));
    // The replaced database still has what was only in its log.
    let replaced =
        Store::open(SqliteConfig::new(folder.path().join("killed.db.replaced"))).unwrap();
    assert!(has_login(&replaced, 2));
}

#[test]
fn damaged_and_foreign_files_are_not_restored() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path());
    let store = Store::open(config.clone()).unwrap();
    for number in 0..200 {
        store.commit_blocking(first_login(number)).unwrap();
    }
    let good = folder.path().join("good.db");
    store.backup(&good, |_, _| {}).unwrap();
    let bytes = fs::read(&good).unwrap();
    let mut flipped = bytes.clone();
    for byte in &mut flipped[3 * 4_096..4 * 4_096] {
        *byte ^= 0x55;
    }
    let cut = bytes[..bytes.len() / 2].to_vec();
    let foreign = b"something else altogether".repeat(1_000);
    let target = folder.path().join("target.db");
    for (name, bytes) in [
        ("flipped", flipped),
        ("cut", cut),
        ("foreign", foreign),
        ("empty", Vec::new()),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        let err = restore(&path, &target).unwrap_err();
        assert!(matches!(err, StoreError::Damaged { .. }), "{name}: {err:?}");
        assert!(!target.exists(), "{name}");
    }
    assert!(matches!(
        restore(&folder.path().join("nothing"), &target),
        Err(StoreError::Damaged { .. })
    ));
    restore(&good, &target).unwrap();
}
