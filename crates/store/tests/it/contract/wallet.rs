//! Wallets and the ledger.

use tagus_base::{UnixMillis, UserId, Uuid};
use tagus_store::{AccountOp, Batch, Conflict, LedgerRow, Store, StoreError, WalletOp, block_on};

use super::{commit, commit_all};
use crate::{first_login, user};

pub(super) fn run(open: &dyn Fn() -> Store) {
    wallets_are_set_where_they_are_as_they_were_read(&open());
    many_writers_lose_nothing(&open());
    ledgers_are_listed_newest_first(&open());
    ledgers_go_with_their_account(&open());
}

const END: (UnixMillis, Uuid) = (UnixMillis(u64::MAX), Uuid([0xff; 16]));

fn set(user_id: UserId, from: &str, to: &str) -> WalletOp {
    WalletOp::Set {
        user_id,
        from: from.to_owned(),
        to: to.to_owned(),
        update_time: UnixMillis(3_000),
    }
}

fn entry(number: u8, user_id: UserId, time: u64) -> LedgerRow {
    LedgerRow {
        id: Uuid([number; 16]),
        user_id,
        changeset: format!("{{\"coins\":{number}}}"),
        metadata: "{}".to_owned(),
        create_time: UnixMillis(time),
        update_time: UnixMillis(time),
    }
}

fn record(row: LedgerRow) -> WalletOp {
    WalletOp::Record(Box::new(row))
}

fn wallets_are_set_where_they_are_as_they_were_read(store: &Store) {
    for number in [1, 2] {
        store.commit_blocking(first_login(number)).unwrap();
    }
    assert_eq!(commit(store, set(user(1), "{}", "{\"a\":1}")), Ok(1));
    for wrong in [
        set(user(1), "{}", "{}"),
        set(user(1), "{\"A\":1}", "{}"),
        set(user(9), "{}", "{}"),
    ] {
        assert_eq!(commit(store, wrong), Err((0, Conflict::Changed)));
    }
    let both = Batch::from(set(user(2), "{}", "{\"b\":1}")).with(set(user(1), "{}", "{}"));
    assert_eq!(commit_all(store, both), Err((1, Conflict::Changed)));
    let ids = [user(2), user(9), user(1)];
    let expected = [
        (user(2), "{}".to_owned()),
        (user(1), "{\"a\":1}".to_owned()),
    ];
    assert_eq!(block_on(store.wallets(&ids)).unwrap(), expected);
    let account = block_on(store.account_by_id(user(1))).unwrap().unwrap();
    assert_eq!(
        (account.wallet.as_str(), account.update_time),
        ("{\"a\":1}", UnixMillis(3_000))
    );
}

/// Each reads, adds one and writes, again and again until it was not too late.
fn many_writers_lose_nothing(store: &Store) {
    store.commit_blocking(first_login(1)).unwrap();
    commit(store, set(user(1), "{}", "0")).unwrap();
    let too_late = std::sync::atomic::AtomicU32::new(0);
    std::thread::scope(|scope| {
        for writer in 1..=64 {
            let too_late = &too_late;
            scope.spawn(move || {
                loop {
                    let wallet = block_on(store.wallets(&[user(1)])).unwrap().remove(0).1;
                    let more = wallet.parse::<u32>().unwrap() + 1;
                    let batch = Batch::from(set(user(1), &wallet, &more.to_string()))
                        .with(record(entry(writer, user(1), 1)));
                    match store.commit_blocking(batch) {
                        Ok(_) => return,
                        Err(StoreError::Conflict {
                            op_index: 0,
                            conflict: Conflict::Changed,
                        }) => too_late.fetch_add(1, std::sync::atomic::Ordering::Relaxed),
                        Err(err) => panic!("{err:?}"),
                    };
                }
            });
        }
    });
    let wallet = block_on(store.wallets(&[user(1)])).unwrap();
    assert_eq!(wallet, [(user(1), "64".to_owned())]);
    assert_eq!(block_on(store.ledger(user(1), END, 100)).unwrap().len(), 64);
}

fn ledgers_are_listed_newest_first(store: &Store) {
    for number in [1, 2] {
        store.commit_blocking(first_login(number)).unwrap();
    }
    let rows = [
        entry(5, user(1), 1_000),
        entry(1, user(1), 2_000),
        entry(2, user(1), 2_000),
        entry(3, user(2), 1_500),
        entry(4, user(1), 3_000),
    ];
    for row in rows.clone() {
        commit(store, record(row)).unwrap();
    }
    let missing = record(entry(6, user(9), 1));
    assert_eq!(commit(store, missing), Err((0, Conflict::Missing)));
    let ledger = |before, limit| block_on(store.ledger(user(1), before, limit)).unwrap();
    let [oldest, first, second, _, newest] = rows;
    let all = [newest, second, first, oldest];
    assert_eq!(ledger(END, 9), all);
    assert_eq!(ledger(END, 2), all[..2]);
    let last = (all[1].create_time, all[1].id);
    assert_eq!(ledger(last, 2), all[2..]);

    let annotate = |number| WalletOp::Annotate {
        id: Uuid([number; 16]),
        metadata: "{\"why\":1}".to_owned(),
        update_time: UnixMillis(4_000),
    };
    assert_eq!(commit(store, annotate(1)), Ok(1));
    assert_eq!(commit(store, annotate(9)), Err((0, Conflict::Missing)));
    let annotated = LedgerRow {
        metadata: "{\"why\":1}".to_owned(),
        update_time: UnixMillis(4_000),
        ..all[2].clone()
    };
    let found = block_on(store.ledger_entry(annotated.id)).unwrap();
    assert_eq!(found, Some(annotated));
    assert_eq!(block_on(store.ledger_entry(Uuid::NIL)).unwrap(), None);
}

fn ledgers_go_with_their_account(store: &Store) {
    for number in [1, 2] {
        store.commit_blocking(first_login(number)).unwrap();
        let id = u8::try_from(number).unwrap();
        commit(store, record(entry(id, user(number), 1))).unwrap();
    }
    let deleted = AccountOp::Delete {
        id: user(1),
        tombstone_time: UnixMillis(2_000),
    };
    commit(store, deleted).unwrap();
    assert_eq!(block_on(store.ledger(user(1), END, 9)).unwrap(), []);
    assert_eq!(block_on(store.ledger(user(2), END, 9)).unwrap().len(), 1);
}
