//! Wallets, the ledger and changes of several things at once.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tagus_base::{UnixMillis, UserId, Uuid};
use tagus_players::{
    AccountChange, AccountUpdate, Amounts, ExpectedVersion, LedgerEntry, MultiUpdate, NewObject,
    ObjectId, OldObject, PlayersError, ReadPermission, Storage, StorageRights, WalletUpdate,
    WalletUpdated, Wallets, WritePermission, multi_update,
};
use tagus_store::{AccountOp, AccountRow, SqliteConfig, Store, block_on};

use crate::house::{NOW, join_all, random, refusal, run};

fn user(number: u8) -> UserId {
    UserId(Uuid([number; 16]))
}

fn people(store: &Store) {
    for number in 1..=3 {
        let row = AccountRow::new(user(number), format!("user{number}"), NOW);
        let insert = AccountOp::Insert(Box::new(row));
        store.commit_blocking(insert.into()).unwrap();
    }
}

fn house() -> (Store, Wallets) {
    let store = Store::memory().unwrap();
    people(&store);
    let wallets = Wallets::new(store.clone(), random(7));
    (store, wallets)
}

fn amounts(all: &[(&str, i64)]) -> Amounts {
    let all = all
        .iter()
        .map(|(path, amount)| ((*path).to_owned(), *amount));
    all.collect()
}

fn change(number: u8, changeset: &[(&str, i64)]) -> WalletUpdate {
    WalletUpdate {
        user_id: user(number),
        changeset: amounts(changeset),
        ledger: None,
    }
}

fn recorded(update: WalletUpdate) -> WalletUpdate {
    WalletUpdate {
        ledger: Some("{\"why\":\"won\"}".to_owned()),
        ..update
    }
}

fn update(wallets: &Wallets, all: &[WalletUpdate]) -> Result<Vec<WalletUpdated>, PlayersError> {
    block_on(wallets.update(NOW, all))
}

fn wallet(store: &Store, number: u8) -> String {
    block_on(store.wallets(&[user(number)]))
        .unwrap()
        .remove(0)
        .1
}

fn ledger(wallets: &Wallets, number: u8) -> Vec<LedgerEntry> {
    block_on(wallets.export(user(number))).unwrap()
}

#[test]
fn wallets_are_changed_all_or_none() {
    let (store, wallets) = house();
    let all = [
        change(2, &[("gems", 1)]),
        recorded(change(1, &[("coins", 10), ("gems", 0)])),
        recorded(change(1, &[("coins", -3)])),
    ];
    let updated = update(&wallets, &all).unwrap();
    let steps = updated
        .iter()
        .map(|one| (one.user_id, &one.previous, &one.updated));
    let ten = amounts(&[("coins", 10), ("gems", 0)]);
    let seven = amounts(&[("coins", 7), ("gems", 0)]);
    let expected = [
        (user(2), &Amounts::new(), &amounts(&[("gems", 1)])),
        (user(1), &Amounts::new(), &ten),
        (user(1), &ten, &seven),
    ];
    assert!(steps.eq(expected));
    assert_eq!(wallet(&store, 1), r#"{"coins":7,"gems":0}"#);
    assert_eq!(ledger(&wallets, 1).len(), 2);
    assert_eq!(ledger(&wallets, 2), []);

    let wrong = [
        (change(1, &[("coins", -8)]), 9),
        (change(1, &[("coins", i64::MAX)]), 3),
        (change(1, &[("silver", -1)]), 9),
        (change(1, &[("", 1)]), 3),
        (change(1, &[(&"p".repeat(129), 1)]), 3),
        (change(9, &[("coins", 1)]), 5),
    ];
    for (wrong, code) in wrong {
        let both = [recorded(change(2, &[("gems", 1)])), wrong];
        assert_eq!(refusal(update(&wallets, &both)).0, code, "{both:?}");
    }
    let metadata = |text: &str| WalletUpdate {
        ledger: Some(text.to_owned()),
        ..change(2, &[])
    };
    let long = format!("{{}}{}", " ".repeat(16_383));
    for wrong in ["", "[]", "1", &long] {
        assert_eq!(refusal(update(&wallets, &[metadata(wrong)])).0, 3);
    }
    assert_eq!(wallet(&store, 1), r#"{"coins":7,"gems":0}"#);
    assert_eq!(wallet(&store, 2), r#"{"gems":1}"#);
    assert_eq!(ledger(&wallets, 2), []);
    assert_eq!(
        update(&wallets, &[metadata(&long[..16_384])])
            .unwrap()
            .len(),
        1
    );
    assert_eq!(update(&wallets, &[]).unwrap(), []);
}

#[test]
fn a_refusal_names_the_entry() {
    let (_, wallets) = house();
    let error = update(&wallets, &[change(1, &[("coins", -1)])]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "wallet update rejected negative value at path 'coins'"
    );
}

#[test]
fn wallets_and_batches_have_their_limits() {
    let (store, wallets) = house();
    let names: Vec<String> = (0..=1_024).map(|number| format!("{number}")).collect();
    let entries = |count: usize| {
        let all: Vec<(&str, i64)> = names[..count]
            .iter()
            .map(|name| (name.as_str(), 1))
            .collect();
        change(1, &all)
    };
    assert_eq!(refusal(update(&wallets, &[entries(1_025)])).0, 3);
    assert_eq!(refusal(update(&wallets, &[entries(1_024)])).0, 0);
    let many = |count| vec![recorded(change(2, &[("coins", 1)])); count];
    let refused = refusal(update(&wallets, &many(256)));
    assert_eq!(refused, (3, "At most 256 changes may be made at once."));
    assert_eq!(update(&wallets, &many(255)).unwrap().len(), 255);
    assert_eq!(wallet(&store, 2), r#"{"coins":255}"#);
}

#[test]
fn at_the_same_time_on_two_nodes_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(SqliteConfig::new(folder.path().join("tagus.db"))).unwrap();
    people(&store);
    let nodes = [1, 2].map(|seed| Wallets::new(store.clone(), random(seed)));
    let some = [recorded(change(1, &[("coins", 40)]))];
    update(&nodes[0], &some).unwrap();
    // 64 spend where 40 can; whoever gives to another takes the same wallets in the other order.
    let updates: Vec<_> = (0..64)
        .map(|number| {
            let spend = recorded(change(1, &[("coins", -1)]));
            let gain = recorded(change(2, &[("coins", 1)]));
            if number % 2 == 0 {
                [spend, gain]
            } else {
                [gain, spend]
            }
        })
        .collect();
    let spends = updates.iter().zip(nodes.iter().cycle());
    let spends = spends.map(|(updates, node)| node.update(NOW, updates));
    let results = run(join_all(spends.collect()));
    let spent = results.iter().filter(|result| result.is_ok()).count();
    assert_eq!(spent, 40);
    let refused = results.into_iter().filter(Result::is_err);
    assert!(
        refused
            .map(|result| refusal(result).0)
            .all(|code| code == 9)
    );
    assert_eq!(wallet(&store, 1), r#"{"coins":0}"#);
    assert_eq!(wallet(&store, 2), r#"{"coins":40}"#);
    for (number, count) in [(1, 41), (2, 40)] {
        let ledger = ledger(&nodes[0], number);
        assert_eq!(ledger.len(), count);
    }
}

#[test]
fn ledgers_are_read_in_pages_and_annotated() {
    let (_, wallets) = house();
    for time in 0..5 {
        let now = UnixMillis(NOW.0 + time);
        let amount = i64::try_from(time).unwrap();
        let updates = [recorded(change(1, &[("coins", amount)]))];
        block_on(wallets.update(now, &updates)).unwrap();
    }
    let page = |number, limit, cursor: &str| block_on(wallets.ledger(user(number), limit, cursor));
    let (mut coins, mut cursor) = (Vec::new(), String::new());
    for length in [2, 2, 1] {
        let found = page(1, 2, &cursor).unwrap();
        assert_eq!(found.entries.len(), length);
        coins.extend(found.entries.iter().map(|entry| entry.changeset["coins"]));
        cursor = found.cursor;
    }
    assert_eq!(
        (coins.as_slice(), cursor.as_str()),
        (&[4, 3, 2, 1, 0][..], "")
    );
    assert_eq!(page(1, 5, "").unwrap().cursor, "");

    let cursor = page(1, 2, "").unwrap().cursor;
    for (number, cursor) in [(2, cursor.as_str()), (1, "x")] {
        let expected = (3, "Malformed cursor was used.");
        assert_eq!(refusal(page(number, 2, cursor)), expected);
    }
    for limit in [0, 101] {
        let expected = (3, "Invalid limit - limit must be between 1 and 100.");
        assert_eq!(refusal(page(1, limit, "")), expected);
    }
    assert_eq!(page(3, 100, "").unwrap().entries, []);

    let entry = page(1, 1, "").unwrap().entries.remove(0);
    assert_eq!(entry.metadata, "{\"why\":\"won\"}");
    let later = UnixMillis(NOW.0 + 9);
    let annotate = |id, metadata: &str| block_on(wallets.annotate(later, id, metadata.to_owned()));
    let annotated = LedgerEntry {
        metadata: "{\"refund\":true}".to_owned(),
        update_time: later,
        ..entry.clone()
    };
    assert_eq!(annotate(entry.id, "{\"refund\":true}").unwrap(), annotated);
    assert_eq!(ledger(&wallets, 1)[0], annotated);
    assert_eq!(refusal(annotate(entry.id, "[]")).0, 3);
    assert_eq!(
        refusal(annotate(Uuid::NIL, "{}")),
        (5, "Ledger item not found.")
    );
}

fn object(number: u8, key: &str) -> NewObject {
    NewObject {
        id: ObjectId::new("saves", key, user(number)).unwrap(),
        value: "{}".to_owned(),
        version: ExpectedVersion::Any,
        read: ReadPermission::Owner,
        write: WritePermission::Nobody,
    }
}

fn renamed(number: u8, name: &str) -> AccountChange {
    AccountChange {
        user_id: user(number),
        update: AccountUpdate {
            username: Some(name.to_owned()),
            ..AccountUpdate::default()
        },
        metadata: Some("{\"level\":2}".to_owned()),
    }
}

/// Puts something wrong into a good request.
type Spoil = fn(&mut MultiUpdate);

/// Everything that is kept of the people.
fn state(store: &Store, storage: &Storage, wallets: &Wallets) -> String {
    let all = (1..=3).map(|number| {
        let account = block_on(store.account_by_id(user(number))).unwrap();
        let objects = block_on(storage.export(user(number))).unwrap();
        format!("{account:?} {objects:?} {:?}", ledger(wallets, number))
    });
    all.collect()
}

#[test]
fn several_things_change_together_or_not_at_all() {
    let (store, wallets) = house();
    let storage = Storage::new(store.clone());
    let update = |all| block_on(multi_update(&storage, &wallets, NOW, all));
    let first = MultiUpdate {
        writes: vec![object(2, "old"), object(1, "a")],
        ..MultiUpdate::default()
    };
    update(first).unwrap();
    let old = |key: &str| OldObject {
        id: object(2, key).id,
        version: None,
    };
    let good = MultiUpdate {
        accounts: vec![renamed(3, "rui"), renamed(1, "ana")],
        writes: vec![object(2, "new"), object(1, "b")],
        deletes: vec![old("old"), old("new")],
        wallets: vec![
            recorded(change(2, &[("coins", 5)])),
            change(1, &[("coins", 1)]),
        ],
    };
    let before = state(&store, &storage, &wallets);
    let bad: [(Spoil, i32); 10] = [
        (|all| all.accounts.push(renamed(2, "ana")), 6),
        (|all| all.accounts.push(renamed(9, "eva")), 5),
        (|all| all.accounts[0].metadata = Some("[]".to_owned()), 3),
        (
            |all| all.accounts[0].update.username = Some("a b".to_owned()),
            3,
        ),
        (|all| all.writes.push(object(9, "k")), 5),
        (
            |all| all.writes[1].version = ExpectedVersion::Exactly("x".to_owned()),
            3,
        ),
        (|all| all.writes[1].value.clear(), 3),
        (|all| all.deletes.push(all.deletes[0].clone()), 3),
        (|all| all.wallets.push(change(1, &[("coins", -2)])), 9),
        (
            |all| {
                all.writes
                    .extend((0..249).map(|number| object(3, &number.to_string())))
            },
            3,
        ),
    ];
    for (place, (spoil, code)) in bad.into_iter().enumerate() {
        let mut all = good.clone();
        spoil(&mut all);
        assert_eq!(refusal(update(all)).0, code, "{place}");
        assert_eq!(state(&store, &storage, &wallets), before, "{place}");
    }
    let mut most = good.clone();
    most.writes
        .extend((0..247).map(|number| object(3, &number.to_string())));
    // Two accounts, two and 247 writes, two deletes, two wallets and an entry of the ledger.
    assert_eq!(refusal(update(most)).0, 0);
    let rest = block_on(storage.export(user(2))).unwrap();
    assert_eq!(rest, []);
    let account = block_on(store.account_by_username("ana")).unwrap().unwrap();
    assert_eq!(
        (account.id, account.metadata.as_str()),
        (user(1), "{\"level\":2}")
    );
    assert_eq!(
        (wallet(&store, 2).as_str(), ledger(&wallets, 2).len()),
        ("{\"coins\":5}", 1)
    );
    let ids = [object(1, "b").id];
    let found = block_on(storage.read(StorageRights::Server, &ids)).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(update(MultiUpdate::default()).unwrap(), Default::default());
}

/// Changes of a few entries of three wallets, in one call.
fn updates() -> impl Strategy<Value = Vec<WalletUpdate>> {
    let changeset = proptest::collection::btree_map("[ab]", -5..8_i64, 0..3);
    let one = (1..=3_u8, changeset).prop_map(|(number, changeset)| {
        recorded(WalletUpdate {
            changeset,
            ..change(number, &[])
        })
    });
    proptest::collection::vec(one, 1..4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn wallets_are_the_sum_of_their_ledgers(calls in proptest::collection::vec(updates(), 1..20)) {
        let (store, wallets) = house();
        let mut model: BTreeMap<UserId, Amounts> = BTreeMap::new();
        for all in calls {
            let mut next = model.clone();
            let mut is_good = true;
            for one in &all {
                let wallet = next.entry(one.user_id).or_default();
                for (path, amount) in &one.changeset {
                    *wallet.entry(path.clone()).or_default() += amount;
                }
                is_good &= wallet.values().all(|amount| *amount >= 0);
            }
            prop_assert_eq!(update(&wallets, &all).is_ok(), is_good);
            if is_good {
                model = next;
            }
        }
        for number in 1..=3 {
            let mut sum = Amounts::new();
            for entry in ledger(&wallets, number) {
                for (path, amount) in entry.changeset {
                    *sum.entry(path).or_default() += amount;
                }
            }
            let kept: Amounts = serde_json::from_str(&wallet(&store, number)).unwrap();
            prop_assert_eq!(&kept, &sum);
            prop_assert_eq!(&kept, &model.remove(&user(number)).unwrap_or_default());
        }
    }
}
