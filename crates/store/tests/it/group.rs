//! Many callers, one commit; and what opening and closing promise.

use std::sync::Arc;

use tagus_base::UnixMillis;
use tagus_store::{
    AccountOp, Batch, Conflict, DeviceOp, LogoutOp, MigrationState, Op, SqliteConfig, Store,
    StoreError, Synchronous, block_on,
};
use tagus_telemetry::metrics::{Registry, encode};

use crate::{config, first_login, has_login, user};

#[test]
fn a_failing_batch_fails_its_own_caller_only() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(config(folder.path())).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    store.commit_blocking(first_login(1_000)).unwrap();
    let results = runtime.block_on(async {
        // All are queued before the first answer is looked at.
        let calls: Vec<_> = (0..200)
            .map(|number| {
                let mut batch = first_login(number);
                if number % 10 == 3 {
                    batch = batch.with(DeviceOp::Insert {
                        id: "device-1000".to_owned(),
                        user: user(number),
                    });
                }
                let store = store.clone();
                async move { store.commit(batch).await }
            })
            .collect();
        join_all(calls).await
    });
    for (number, result) in (0..).zip(results) {
        let conflict = result.err().map(|err| err.conflict().unwrap());
        assert_eq!(
            conflict,
            (number % 10 == 3).then_some(Conflict::DeviceTaken),
            "{number}"
        );
        assert_eq!(has_login(&store, number), conflict.is_none(), "{number}");
    }
    let groups = metric(&store, "group_batches_count");
    assert!(groups < 100, "201 batches took {groups} groups");
    assert_eq!(store.metrics().conflicts.get(), 20);
    assert_eq!(metric(&store, "commit_seconds_count"), 201);
    assert_eq!(store.metrics().queue_batches.get(), 0);
}

/// A metric as an operator reads it.
fn metric(store: &Store, name: &str) -> u64 {
    let mut registry = Registry::default();
    store.metrics().register(&mut registry);
    let text = encode(&registry);
    let prefix = format!("tagus_store_{name} ");
    let mut values = text.lines().filter_map(|line| line.strip_prefix(&prefix));
    values.next().unwrap().parse().unwrap()
}

/// Polls all futures in turn, so that each has started before one is waited for.
async fn join_all<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut futures: Vec<_> = futures.into_iter().map(Box::pin).collect();
    let mut results: Vec<_> = futures.iter().map(|_| None).collect();
    std::future::poll_fn(move |context| {
        for (future, result) in futures.iter_mut().zip(&mut results) {
            if result.is_none()
                && let std::task::Poll::Ready(value) = future.as_mut().poll(context)
            {
                *result = Some(value);
            }
        }
        if results.iter().any(Option::is_none) {
            return std::task::Poll::Pending;
        }
        std::task::Poll::Ready(results.drain(..).flatten().collect())
    })
    .await
}

#[test]
fn one_of_many_callers_gets_the_name() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(config(folder.path())).unwrap();
    let callers: Vec<_> = (0..8)
        .map(|number| {
            let store = store.clone();
            std::thread::spawn(move || {
                let mut batch = first_login(number);
                if let Op::Account(AccountOp::Insert(row)) = &mut batch.ops[0] {
                    row.username = "wanted".to_owned();
                }
                store.commit_blocking(batch).is_ok()
            })
        })
        .collect();
    let got = callers
        .into_iter()
        .filter_map(|caller| caller.join().unwrap().then_some(()));
    assert_eq!(got.count(), 1);
    assert_eq!(block_on(store.counts()).unwrap().accounts, 1);
}

#[test]
fn the_queue_refuses_what_is_above_its_limit() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(SqliteConfig {
        queue_batches_max: 2,
        ..config(folder.path())
    })
    .unwrap();
    let path = config(folder.path()).path;
    // Another connection holds the write lock, so the writer can only wait with its first job.
    let blocker = rusqlite::Connection::open(path).unwrap();
    blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let results = runtime.block_on(async {
        let mut calls: Vec<_> = (0..6)
            .map(|number| {
                let store = store.clone();
                Box::pin(async move { store.commit(first_login(number)).await })
            })
            .collect();
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(calls[0].as_mut().poll(&mut context).is_pending());
        while store.metrics().queue_batches.get() > 0 {
            std::thread::yield_now();
        }
        let mut all = std::pin::pin!(join_all(calls));
        assert!(all.as_mut().poll(&mut context).is_pending());
        assert_eq!(store.metrics().queue_batches.get(), 2);
        blocker.execute_batch("ROLLBACK").unwrap();
        all.await
    });
    let is_busy = |result: &&Result<_, _>| matches!(result, Err(StoreError::Busy));
    // One is with the writer, two wait.
    assert_eq!(results.iter().filter(is_busy).count(), 3);
    assert_eq!(store.metrics().busy.get(), 3);
    for (number, result) in (0..).zip(&results) {
        assert_eq!(has_login(&store, number), result.is_ok());
    }
    store.commit_blocking(first_login(100)).unwrap();
}

#[test]
fn rows_outlive_the_store_and_close_leaves_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path());
    let store = Store::open(config.clone()).unwrap();
    for number in 0..10 {
        store.commit_blocking(first_login(number)).unwrap();
    }
    store.close().unwrap();
    let wal = std::fs::metadata(folder.path().join("tagus.db-wal"));
    assert_eq!(wal.map_or(0, |wal| wal.len()), 0);
    let store = Store::open(config).unwrap();
    assert!((0..10).all(|number| has_login(&store, number)));
}

#[test]
fn dropping_the_last_clone_commits_what_waits() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(config(folder.path())).unwrap();
    let mut call = Box::pin({
        let store = store.clone();
        async move { store.commit(first_login(1)).await }
    });
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    // Either answered at once or given up while it waits.
    let _ = call.as_mut().poll(&mut context);
    drop(call);
    drop(store);
    let store = Store::open(config(folder.path())).unwrap();
    assert!(has_login(&store, 1));
}

#[test]
fn the_log_goes_into_the_database_while_commits_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let wal_bytes_max = 64 << 10;
    let store = Store::open(SqliteConfig {
        wal_bytes_max,
        ..config(folder.path())
    })
    .unwrap();
    for number in 0..400 {
        store.commit_blocking(first_login(number)).unwrap();
    }
    let wal = std::fs::metadata(folder.path().join("tagus.db-wal"))
        .unwrap()
        .len();
    // 400 commits of some 6 pages make 9.6 MB; between two looks at the log lie 16 of them.
    assert!(wal < wal_bytes_max + (1 << 20), "{wal}");
    assert!(metric(&store, "checkpoint_seconds_count") > 0);
}

#[test]
fn reads_see_what_was_committed_and_let_the_log_begin_anew() {
    let folder = tempfile::tempdir().unwrap();
    let config = SqliteConfig {
        synchronous: Synchronous::Off,
        wal_bytes_max: 1 << 16,
        readers: 2,
        ..config(folder.path())
    };
    let store = Store::open(config.clone()).unwrap();
    let other = std::thread::spawn({
        let store = store.clone();
        move || (0..1_500).for_each(|_| assert!(!has_login(&store, u32::MAX)))
    });
    for number in 0..1_500 {
        assert!(!has_login(&store, number));
        store.commit_blocking(first_login(number)).unwrap();
        assert!(has_login(&store, number), "{number}");
    }
    other.join().unwrap();
    let log = folder.path().join("tagus.db-wal");
    let log_bytes = std::fs::metadata(log).unwrap().len();
    assert!(log_bytes < 1 << 20, "the log has {log_bytes} bytes");
}

#[test]
fn a_second_server_is_kept_out() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(config(folder.path())).unwrap();
    let err = Store::open(config(folder.path())).unwrap_err();
    assert!(matches!(err, StoreError::InUse { .. }), "{err}");
    drop(store);
    Store::open(config(folder.path())).unwrap();
}

#[test]
fn settings_out_of_range_and_foreign_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let good = config(folder.path());
    let bad = [
        SqliteConfig {
            group_commits_max: 0,
            ..good.clone()
        },
        SqliteConfig {
            group_commits_max: 4_097,
            ..good.clone()
        },
        SqliteConfig {
            queue_batches_max: 0,
            ..good.clone()
        },
        SqliteConfig {
            queue_batches_max: 65_537,
            ..good.clone()
        },
        SqliteConfig {
            readers: 0,
            ..good.clone()
        },
        SqliteConfig {
            readers: 65,
            ..good.clone()
        },
        SqliteConfig {
            cache_kib: 63,
            ..good.clone()
        },
    ];
    for config in bad {
        assert!(matches!(Store::open(config), Err(StoreError::Config(_))));
    }
    std::fs::write(
        &good.path,
        "no database, but long enough to be one".repeat(50),
    )
    .unwrap();
    assert!(matches!(
        Store::open(good),
        Err(StoreError::Database { .. })
    ));
    let nowhere = SqliteConfig::new(folder.path().join("missing").join("tagus.db"));
    assert!(matches!(Store::open(nowhere), Err(StoreError::File { .. })));
}

#[test]
fn migration_status_names_what_is_pending() {
    let folder = tempfile::tempdir().unwrap();
    let path = config(folder.path()).path;
    let states = || {
        let status = Store::migration_status(SqliteConfig::new(&path)).unwrap();
        status
            .into_iter()
            .map(|status| status.state)
            .collect::<Vec<_>>()
    };
    let known = states().len();
    assert_eq!(states(), vec![MigrationState::Pending; known]);
    assert!(!path.exists());
    let store = Store::open(config(folder.path())).unwrap();
    assert_eq!(states(), vec![MigrationState::Applied; known]);
    drop(store);
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection
        .execute_batch("INSERT INTO migration VALUES (99, 'later', '', 0)")
        .unwrap();
    drop(connection);
    let mut newer = vec![MigrationState::Applied; known];
    newer.push(MigrationState::Unknown);
    assert_eq!(states(), newer);
    let err = Store::open(config(folder.path())).unwrap_err();
    assert!(matches!(err, StoreError::Newer { found: 99, .. }), "{err}");
}

#[test]
fn readers_wait_for_a_connection() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(SqliteConfig {
        readers: 1,
        ..config(folder.path())
    })
    .unwrap();
    store
        .commit_blocking(Batch::from(LogoutOp::Sweep {
            before: UnixMillis(0),
        }))
        .unwrap();
    store.commit_blocking(first_login(1)).unwrap();
    let store = Arc::new(store);
    let readers: Vec<_> = (0..4)
        .map(|_| {
            let store = Arc::clone(&store);
            std::thread::spawn(move || (0..100).all(|_| has_login(&store, 1)))
        })
        .collect();
    assert!(readers.into_iter().all(|reader| reader.join().unwrap()));
}
