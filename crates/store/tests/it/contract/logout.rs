//! Logouts.

use tagus_base::{UnixMillis, Uuid};
use tagus_store::{Logout, LogoutOp, LogoutRow, Store, block_on};

use super::commit;
use crate::user;

pub(super) fn run(open: &dyn Fn() -> Store) {
    logouts_keep_the_later_times(&open());
}

fn logouts_keep_the_later_times(store: &Store) {
    let before = |before, expires_at| LogoutRow {
        logout: Logout::UserBefore {
            user: user(1),
            before: UnixMillis(before),
        },
        expires_at: UnixMillis(expires_at),
    };
    let token = LogoutRow {
        logout: Logout::Token(Uuid([1; 16])),
        expires_at: UnixMillis(100),
    };
    for row in [token, before(50, 300), before(60, 200), before(40, 250)] {
        commit(store, LogoutOp::Insert(row)).unwrap();
    }
    assert_eq!(
        block_on(store.logouts(UnixMillis(100))).unwrap(),
        [token, before(60, 300)]
    );
    assert_eq!(
        block_on(store.logouts(UnixMillis(101))).unwrap(),
        [before(60, 300)]
    );
    commit(
        store,
        LogoutOp::Sweep {
            before: UnixMillis(100),
        },
    )
    .unwrap();
    assert_eq!(block_on(store.counts()).unwrap().logouts, 2);
    commit(
        store,
        LogoutOp::Sweep {
            before: UnixMillis(101),
        },
    )
    .unwrap();
    assert_eq!(
        block_on(store.logouts(UnixMillis(0))).unwrap(),
        [before(60, 300)]
    );
    let for_ever = LogoutRow {
        logout: Logout::Token(Uuid([2; 16])),
        expires_at: UnixMillis(u64::MAX),
    };
    commit(store, LogoutOp::Insert(for_ever)).unwrap();
    assert_eq!(
        block_on(store.logouts(UnixMillis(u64::MAX))).unwrap().len(),
        1
    );
}
