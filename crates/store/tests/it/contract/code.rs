//! Codes and settings.

use tagus_base::UnixMillis;
use tagus_store::{AccountOp, CodeOp, Conflict, SettingOp, Store, block_on};

use super::{commit, commit_all};
use crate::{first_login, user};

pub(super) fn run(open: &dyn Fn() -> Store) {
    a_number_stands_for_one_subject(&open());
    codes_go_with_their_account(&open());
    settings_are_put_and_forgotten(&open());
}

fn give(number: u32, kind: i64, subject: u32) -> CodeOp {
    CodeOp::Insert {
        number,
        kind,
        subject: user(subject).0,
    }
}

fn a_number_stands_for_one_subject(store: &Store) {
    commit(store, give(u32::MAX, 0, 1)).unwrap();
    commit(store, give(0, 1, 1)).unwrap();
    for taken in [give(u32::MAX, 0, 2), give(u32::MAX, 1, 2), give(5, 0, 1)] {
        assert_eq!(commit(store, taken), Err((0, Conflict::Changed)));
    }
    let subject = |kind, number| block_on(store.code_subject(kind, number)).unwrap();
    assert_eq!(subject(0, u32::MAX), Some(user(1).0));
    assert_eq!(subject(1, u32::MAX), None);
    let number = |kind, subject| block_on(store.code_of(kind, user(subject).0)).unwrap();
    assert_eq!(
        (number(0, 1), number(1, 1), number(0, 2)),
        (Some(u32::MAX.into()), Some(0), None)
    );
    let delete = CodeOp::Delete {
        kind: 0,
        subject: user(1).0,
    };
    assert_eq!(commit(store, delete.clone()), Ok(1));
    assert_eq!(commit(store, delete), Ok(0));
    assert_eq!((number(0, 1), number(1, 1)), (None, Some(0)));
}

fn codes_go_with_their_account(store: &Store) {
    commit_all(store, first_login(1)).unwrap();
    commit(store, give(1, 0, 1)).unwrap();
    commit(store, give(2, 0, 2)).unwrap();
    let delete = AccountOp::Delete {
        id: user(1),
        tombstone_time: UnixMillis(1),
    };
    commit(store, delete).unwrap();
    let subject = |number| block_on(store.code_subject(0, number)).unwrap();
    assert_eq!((subject(1), subject(2)), (None, Some(user(2).0)));
}

fn settings_are_put_and_forgotten(store: &Store) {
    let setting = |name| block_on(store.setting(name)).unwrap();
    let put = |value: &str| SettingOp::Put {
        name: "one".to_owned(),
        value: value.to_owned(),
    };
    assert_eq!(setting("one"), None);
    commit(store, put("a")).unwrap();
    commit(store, put("b")).unwrap();
    assert_eq!(
        (setting("one").as_deref(), setting("two")),
        (Some("b"), None)
    );
    let name = "one".to_owned();
    commit(store, SettingOp::Delete { name }).unwrap();
    assert_eq!(setting("one"), None);
}
