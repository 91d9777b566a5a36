//! Storage indexes, alone and beside a naive model.

mod model;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use serde_json::{Value as Json, json};
use tagus_base::{UnixMillis, UserId, Uuid};
use tagus_players::{
    ExpectedVersion, NewObject, ObjectId, OldObject, PlayersError, ReadPermission, SERVER_OWNER,
    STORAGE_INDEX_ENTRIES_MAX, STORAGE_INDEX_FIELDS_MAX, STORAGE_INDEX_ORDER_MAX,
    STORAGE_INDEX_WORK_MAX, STORAGE_INDEXES_MAX, Storage, StorageIndex, StorageIndexQuery,
    StorageIndexes, StorageObject, StorageRights, WritePermission,
};
use tagus_store::{AccountOp, AccountRow, SqliteConfig, Store, block_on};

use crate::house::{NOW, join_all, refusal};

const ANA: UserId = UserId(Uuid([1; 16]));
const RUI: UserId = UserId(Uuid([2; 16]));
const SERVER: StorageRights = StorageRights::Server;

fn definition() -> StorageIndex {
    StorageIndex {
        name: "cars".to_owned(),
        collection: "cars".to_owned(),
        key: None,
        fields: ["name", "speed", "parts"].map(str::to_owned).to_vec(),
        sortable_fields: ["speed", "name"].map(str::to_owned).to_vec(),
        max_entries: 1_000,
        index_only: false,
    }
}

/// An index and the storage that it watches.
struct Garage {
    store: Store,
    indexes: StorageIndexes,
    storage: Storage,
}

impl Garage {
    fn new(definitions: &[StorageIndex]) -> Self {
        let store = Store::memory().unwrap();
        people(&store);
        Self::over(store, definitions)
    }

    fn over(store: Store, definitions: &[StorageIndex]) -> Self {
        let declared = definitions.iter().map(|one| (one.clone(), None));
        let indexes = StorageIndexes::new(store.clone(), declared.collect()).unwrap();
        let storage = Storage::new(store.clone()).watched_by(indexes.watch());
        Self {
            store,
            indexes,
            storage,
        }
    }

    fn write(&self, at: u64, object: NewObject) {
        let written = self
            .storage
            .write(UnixMillis(NOW.0 + at), SERVER, vec![object]);
        block_on(written).unwrap();
    }

    fn delete(&self, owner: UserId, key: &str) {
        let object = OldObject {
            id: id(owner, key),
            version: None,
        };
        block_on(self.storage.delete(NOW, SERVER, vec![object])).unwrap();
    }

    fn list(&self, query: &StorageIndexQuery<'_>) -> Result<Vec<StorageObject>, PlayersError> {
        Ok(block_on(self.indexes.list("cars", query))?.objects)
    }

    /// The keys that a query finds for the server.
    fn keys(&self, query: &str) -> Vec<String> {
        self.keys_by(query, &[])
    }

    fn keys_by(&self, query: &str, order: &[&str]) -> Vec<String> {
        let query = StorageIndexQuery {
            query,
            order,
            ..StorageIndexQuery::default()
        };
        keys(self.list(&query).unwrap())
    }

    /// All pages of a query, a few objects at a time.
    fn pages(&self, query: &StorageIndexQuery<'_>) -> Vec<StorageObject> {
        let mut objects = Vec::new();
        let mut cursor = String::new();
        loop {
            let query = StorageIndexQuery {
                limit: 2,
                cursor: &cursor,
                ..*query
            };
            let page = block_on(self.indexes.list("cars", &query)).unwrap();
            objects.extend(page.objects);
            if page.cursor.is_empty() {
                return objects;
            }
            cursor = page.cursor;
        }
    }
}

fn people(store: &Store) {
    for (id, name) in [(ANA, "ana"), (RUI, "rui")] {
        let row = Box::new(AccountRow::new(id, name, NOW));
        let insert = AccountOp::Insert(row);
        store.commit_blocking(insert.into()).unwrap();
    }
}

fn id(owner: UserId, key: &str) -> ObjectId {
    ObjectId::new("cars", key, owner).unwrap()
}

fn car(owner: UserId, key: &str, value: &Json) -> NewObject {
    NewObject {
        id: id(owner, key),
        value: value.to_string(),
        version: ExpectedVersion::Any,
        read: ReadPermission::Owner,
        write: WritePermission::Owner,
    }
}

fn keys(objects: Vec<StorageObject>) -> Vec<String> {
    let keys = objects.iter().map(|object| object.id.key().to_owned());
    keys.collect()
}

fn garage() -> Garage {
    let garage = Garage::new(&[definition()]);
    let cars = [
        (
            ANA,
            "a",
            json!({"name": "Alfa", "speed": 100, "hidden": "x"}),
        ),
        (
            ANA,
            "b",
            json!({"name": "Beetle", "speed": 60, "parts": {"wheels": 4}}),
        ),
        (RUI, "c", json!({"name": "Cart", "parts": ["wood", "iron"]})),
        (SERVER_OWNER, "d", json!({"name": "Dacia", "speed": 90})),
        (RUI, "e", json!({"hidden": "nothing that is indexed"})),
    ];
    for (at, (owner, key, value)) in (0..).zip(cars) {
        garage.write(at, car(owner, key, &value));
    }
    garage
}

#[test]
fn queries_know_the_named_fields_and_the_object_itself() {
    let garage = garage();
    let ana = format!("+user_id:{ANA}");
    for (query, expected) in [
        ("", &["d", "c", "b", "a"][..]),
        ("value.name:Alfa", &["a"]),
        ("value.speed:>=90", &["d", "a"]),
        ("value.speed:>=90^2 value.name:/B.*/^3", &["b", "d", "a"]),
        ("+value.speed:* -value.parts.wheels:4", &["d", "a"]),
        ("value.parts:iron", &["c"]),
        ("value.hidden:*", &[]),
        ("key:c key:d", &["d", "c"]),
        (&ana, &["b", "a"]),
        (&format!("{ana} -key:b"), &["a"]),
        (&format!("{ana} +user_id:{RUI}"), &[]),
        (&format!("-user_id:{ANA}"), &["d", "c"]),
        (&format!("* -user_id:{ANA}"), &["d", "c"]),
        (&format!("user_id:{ANA} key:c"), &["c", "b", "a"]),
        ("+user_id:nobody", &[]),
        ("update_time:>=\"2023-11-14T22:13:20.502Z\"", &["d", "c"]),
        (
            "+create_time:2023* -create_time:>\"2023-11-14T22:13:20.501Z\"",
            &["b", "a"],
        ),
    ] {
        assert_eq!(garage.keys(query), expected, "{query}");
    }
    let version = block_on(garage.storage.read(SERVER, &[id(RUI, "c")]))
        .unwrap()
        .remove(0);
    assert_eq!(
        garage.keys(&format!("version:\"{}\"", version.version)),
        ["c"]
    );
}

#[test]
fn orders_are_those_of_sortable_fields() {
    let garage = garage();
    for (order, expected) in [
        (&["value.speed"][..], ["b", "d", "a", "c"]),
        (&["-value.speed"], ["a", "d", "b", "c"]),
        (&["-value.name"], ["d", "c", "b", "a"]),
        (&["user_id", "-value.speed"], ["d", "a", "b", "c"]),
        (&["-key"], ["d", "c", "b", "a"]),
        (&["create_time"], ["a", "b", "c", "d"]),
        (&["score", "update_time"], ["a", "b", "c", "d"]),
    ] {
        assert_eq!(garage.keys_by("", order), expected, "{order:?}");
        let query = StorageIndexQuery {
            order,
            ..StorageIndexQuery::default()
        };
        assert_eq!(keys(garage.pages(&query)), expected, "{order:?}");
    }
}

#[test]
fn callers_find_what_they_may_read() {
    let garage = garage();
    let open = NewObject {
        read: ReadPermission::Everybody,
        ..car(RUI, "open", &json!({"name": "Opel"}))
    };
    garage.write(10, open);
    let closed = NewObject {
        read: ReadPermission::Nobody,
        ..car(ANA, "closed", &json!({"name": "Citroën"}))
    };
    garage.write(11, closed);
    let of = |caller| {
        let query = StorageIndexQuery {
            caller,
            ..StorageIndexQuery::default()
        };
        keys(garage.list(&query).unwrap())
    };
    assert_eq!(of(Some(ANA)), ["open", "b", "a"]);
    assert_eq!(of(Some(RUI)), ["open", "c"]);
    assert_eq!(of(None), ["closed", "open", "d", "c", "b", "a"]);
}

#[test]
fn an_index_answers_the_object_or_the_fields_alone() {
    let only = StorageIndex {
        name: "only".to_owned(),
        index_only: true,
        ..definition()
    };
    let garage = Garage::new(&[definition(), only]);
    let value = json!({"hidden": 5, "speed": 7, "name": "Zoë"});
    garage.write(0, car(ANA, "a", &value));
    let listed = |name: &str| {
        let query = StorageIndexQuery::default();
        block_on(garage.indexes.list(name, &query)).unwrap().objects
    };
    let stored = block_on(garage.storage.read(SERVER, &[id(ANA, "a")])).unwrap();
    assert_eq!(listed("cars"), stored);
    let mut fields = stored;
    fields[0].value = json!({"speed": 7, "name": "Zoë"}).to_string();
    assert_eq!(listed("only"), fields);
}

#[test]
fn keys_and_filters_keep_objects_out() {
    let store = Store::memory().unwrap();
    people(&store);
    let one_key = StorageIndex {
        name: "best".to_owned(),
        key: Some("best".to_owned()),
        ..definition()
    };
    let fast = |object: &StorageObject| object.value.contains("9");
    let declared = vec![(definition(), Some(Arc::new(fast) as _)), (one_key, None)];
    let indexes = StorageIndexes::new(store.clone(), declared).unwrap();
    let storage = Storage::new(store.clone()).watched_by(indexes.watch());
    let garage = Garage {
        store,
        indexes,
        storage,
    };
    let keys_of = |name: &str| {
        let query = StorageIndexQuery::default();
        keys(block_on(garage.indexes.list(name, &query)).unwrap().objects)
    };
    garage.write(0, car(ANA, "best", &json!({"speed": 90})));
    garage.write(1, car(ANA, "other", &json!({"speed": 9})));
    assert_eq!(keys_of("cars"), ["other", "best"]);
    assert_eq!(keys_of("best"), ["best"]);
    // An object that no longer belongs there leaves.
    garage.write(2, car(ANA, "other", &json!({"speed": 8})));
    garage.write(3, car(ANA, "best", &json!({"hidden": 9})));
    assert_eq!(keys_of("cars"), [""; 0]);
    assert_eq!(keys_of("best"), [""; 0]);
}

#[test]
fn beyond_the_maximum_the_oldest_write_goes() {
    let garage = Garage::new(&[StorageIndex {
        max_entries: 2,
        ..definition()
    }]);
    let write = |at, key| {
        garage.write(at, car(ANA, key, &json!({"speed": at})));
        garage.keys("")
    };
    assert_eq!(write(1, "a"), ["a"]);
    assert_eq!(write(2, "b"), ["b", "a"]);
    assert_eq!(write(3, "a"), ["a", "b"]);
    assert_eq!(write(4, "c"), ["c", "a"]);
    garage.delete(ANA, "c");
    assert_eq!(garage.keys(""), ["a"]);
    assert_eq!(write(5, "b"), ["b", "a"]);
    // A start finds the newest, in whatever order they lie in the database.
    assert_eq!(write(6, "0"), ["0", "b"]);
    let again = Garage::over(
        garage.store.clone(),
        &[StorageIndex {
            max_entries: 2,
            ..definition()
        }],
    );
    assert_eq!(again.keys(""), ["0", "b"]);
    assert_eq!(again.indexes.entry_count("cars"), Some(2));
    assert_eq!(again.indexes.entry_count("none"), None);
}

#[test]
fn a_start_loads_what_is_there_while_others_write() {
    let garage = Garage::new(&[]);
    for page in 0..21 {
        let objects = (0..100).map(|number| {
            let key = format!("{:04}", page * 100 + number);
            car(ANA, &key, &json!({"speed": number}))
        });
        let written = garage.storage.write(NOW, SERVER, objects.collect());
        block_on(written).unwrap();
    }
    let garage = Garage::over(
        garage.store,
        &[StorageIndex {
            max_entries: 5_000,
            ..definition()
        }],
    );
    garage.delete(ANA, "0000");
    garage.write(1, car(ANA, "0001", &json!({"speed": 1_000})));
    assert_eq!(garage.keys("value.speed:1000"), ["0001"]);
    garage.delete(ANA, "2099");
    garage.write(2, car(ANA, "2100", &json!({"speed": 1_000})));
    assert_eq!(garage.keys("value.speed:1000"), ["2100", "0001"]);
    assert_eq!(garage.indexes.entry_count("cars"), Some(2_099));
}

#[test]
fn more_writes_than_are_remembered_load_the_index_anew() {
    let garage = garage();
    assert_eq!(garage.keys("").len(), 4);
    let watch = garage.indexes.watch();
    // This one is forgotten among the others.
    garage.delete(ANA, "a");
    let ids: Vec<ObjectId> = (0..1_000)
        .map(|number| id(ANA, &number.to_string()))
        .collect();
    for _ in 0..66 {
        watch(&ids);
    }
    assert_eq!(garage.keys(""), ["d", "c", "b"]);
}

#[test]
fn objects_of_a_deleted_account_go() {
    let garage = garage();
    let only_new = car(ANA, "f", &json!({"speed": 1}));
    assert_eq!(garage.keys("").len(), 4);
    garage.write(9, only_new);
    let delete = AccountOp::Delete {
        id: ANA,
        tombstone_time: NOW,
    };
    garage.store.commit_blocking(delete.into()).unwrap();
    garage.indexes.forget(ANA);
    assert_eq!(garage.keys(""), ["d", "c"]);
    assert_eq!(garage.indexes.entry_count("cars"), Some(2));
}

#[test]
fn what_is_wrong_is_refused() {
    let garage = garage();
    let default = StorageIndexQuery::default();
    let refused = |query: StorageIndexQuery<'_>| refusal(garage.list(&query));
    let limit = (3, "Invalid limit - limit must be between 1 and 100.");
    let order = (
        3,
        "A storage index can only be sorted by its sortable fields.",
    );
    let malformed = (3, "Malformed cursor was used.");
    for wrong in [0, -1, 101] {
        assert_eq!(
            refused(StorageIndexQuery {
                limit: wrong,
                ..default
            }),
            limit
        );
    }
    for wrong in [
        "",
        "-",
        "speed",
        "value.parts",
        "value.",
        "value.hidden",
        "--key",
        "version",
    ] {
        let order_of = [wrong];
        let query = StorageIndexQuery {
            order: &order_of,
            ..default
        };
        assert_eq!(refused(query), order, "{wrong}");
    }
    let many = ["key"; STORAGE_INDEX_ORDER_MAX + 1];
    assert_eq!(
        refused(StorageIndexQuery {
            order: &many[1..],
            ..default
        }),
        (0, "")
    );
    let (code, _) = refused(StorageIndexQuery {
        order: &many,
        ..default
    });
    assert_eq!(code, 3);
    let error = garage.list(&StorageIndexQuery {
        query: "value.name:\"x",
        ..default
    });
    let error = error.unwrap_err();
    assert_eq!(
        (error.grpc_code(), error.to_string().as_str()),
        (
            3,
            "Invalid query: the quotation mark is never closed at byte 11."
        )
    );
    let none = block_on(garage.indexes.list("none", &default));
    assert_eq!(refusal(none), (5, "Storage index not found."));

    let first = StorageIndexQuery {
        limit: 1,
        order: &["value.speed"],
        ..default
    };
    let cursor = block_on(garage.indexes.list("cars", &first))
        .unwrap()
        .cursor;
    let on = StorageIndexQuery {
        cursor: &cursor,
        ..first
    };
    assert_eq!(keys(garage.list(&on).unwrap()), ["d"]);
    for wrong in [
        StorageIndexQuery {
            order: &["-value.speed"],
            ..on
        },
        StorageIndexQuery { order: &[], ..on },
        StorageIndexQuery { query: "*", ..on },
        StorageIndexQuery {
            cursor: &cursor[1..],
            ..on
        },
        StorageIndexQuery {
            cursor: "AAAA",
            ..on
        },
    ] {
        assert_eq!(refused(wrong), malformed);
    }
    // Whose it is does not matter: everybody sees their own behind it.
    let other = StorageIndexQuery {
        caller: Some(ANA),
        ..on
    };
    assert_eq!(keys(garage.list(&other).unwrap()), ["a"]);
}

#[test]
fn declarations_have_limits() {
    let store = Store::memory().unwrap();
    let code = |declared: Vec<StorageIndex>| {
        let declared = declared.into_iter().map(|one| (one, None)).collect();
        refusal(StorageIndexes::new(store.clone(), declared)).0
    };
    let fields = |count: usize| (0..count).map(|number| number.to_string()).collect();
    let good = StorageIndex {
        name: "n".repeat(128),
        collection: "c".repeat(128),
        key: Some("k".repeat(128)),
        fields: fields(STORAGE_INDEX_FIELDS_MAX),
        sortable_fields: fields(STORAGE_INDEX_FIELDS_MAX),
        max_entries: STORAGE_INDEX_ENTRIES_MAX,
        index_only: true,
    };
    assert_eq!(code(vec![good.clone()]), 0);
    assert_eq!(code(vec![good.clone(), good.clone()]), 3);
    let named = |number: usize| StorageIndex {
        name: number.to_string(),
        ..good.clone()
    };
    assert_eq!(code((0..STORAGE_INDEXES_MAX).map(named).collect()), 0);
    assert_eq!(code((0..=STORAGE_INDEXES_MAX).map(named).collect()), 3);
    let text = |bytes: usize| "x".repeat(bytes);
    for bad in [
        StorageIndex {
            name: String::new(),
            ..good.clone()
        },
        StorageIndex {
            name: text(129),
            ..good.clone()
        },
        StorageIndex {
            collection: String::new(),
            ..good.clone()
        },
        StorageIndex {
            collection: text(129),
            ..good.clone()
        },
        StorageIndex {
            key: Some(String::new()),
            ..good.clone()
        },
        StorageIndex {
            key: Some(text(129)),
            ..good.clone()
        },
        StorageIndex {
            fields: Vec::new(),
            sortable_fields: Vec::new(),
            ..good.clone()
        },
        StorageIndex {
            fields: fields(STORAGE_INDEX_FIELDS_MAX + 1),
            ..good.clone()
        },
        StorageIndex {
            fields: vec![text(251)],
            sortable_fields: Vec::new(),
            ..good.clone()
        },
        StorageIndex {
            fields: vec![String::new()],
            sortable_fields: Vec::new(),
            ..good.clone()
        },
        StorageIndex {
            sortable_fields: vec!["x".to_owned()],
            ..good.clone()
        },
        StorageIndex {
            max_entries: 0,
            ..good.clone()
        },
        StorageIndex {
            max_entries: STORAGE_INDEX_ENTRIES_MAX + 1,
            ..good.clone()
        },
    ] {
        assert_eq!(code(vec![bad.clone()]), 3, "{bad:?}");
    }
}

#[test]
fn a_search_has_a_limit() {
    let garage = Garage::new(&[definition()]);
    // One expression goes over each of the texts.
    let text = "x".repeat(200_000);
    let count = STORAGE_INDEX_WORK_MAX / text.len();
    for number in 0..count {
        garage.write(
            0,
            car(ANA, &format!("{number:03}"), &json!({"name": &text})),
        );
    }
    let pattern = StorageIndexQuery {
        query: "value.name:a*",
        ..StorageIndexQuery::default()
    };
    assert_eq!(garage.list(&pattern).unwrap(), []);
    garage.write(0, car(ANA, "more", &json!({"name": &text})));
    let text = "The query takes too much work on this storage index, ask for one user or with fewer patterns.";
    assert_eq!(refusal(garage.list(&pattern)), (9, text));
    let of_rui = format!("+user_id:{RUI} +value.name:a*");
    assert_eq!(garage.keys(&of_rui), [""; 0]);
    assert_eq!(garage.keys("value.name:a").len(), 0);
}

#[test]
fn after_64_writers_at_once_the_index_is_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(SqliteConfig::new(folder.path().join("tagus.db"))).unwrap();
    people(&store);
    let garage = Garage::over(
        store,
        &[StorageIndex {
            index_only: true,
            ..definition()
        }],
    );
    let number = AtomicU32::new(0);
    let writer = |writer: u32| {
        let (garage, number) = (&garage, &number);
        async move {
            for round in 0..8 {
                let n = number.fetch_add(1, Ordering::Relaxed);
                // Each object has writers and deleters that meet, and is changed for the last time at some moment.
                let key = format!("k{}", (writer * 7 + round * 5) % 61);
                if n % 4 == 3 {
                    let object = OldObject {
                        id: id(ANA, &key),
                        version: None,
                    };
                    drop(garage.storage.delete(NOW, SERVER, vec![object]).await);
                } else {
                    let object = car(ANA, &key, &json!({"speed": n}));
                    garage
                        .storage
                        .write(UnixMillis(u64::from(n)), SERVER, vec![object])
                        .await
                        .unwrap();
                }
            }
        }
    };
    // The index reads all the time, so that notices come while others are read.
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                block_on(garage.indexes.catch_up()).unwrap();
            }
        });
        block_on(join_all((0..64).map(writer).collect()));
        is_over.store(true, Ordering::Relaxed);
    });
    let query = StorageIndexQuery {
        order: &["key"],
        ..StorageIndexQuery::default()
    };
    let stored = garage.storage.list(SERVER, Some(ANA), "cars", 100, "");
    assert_eq!(
        garage.list(&query).unwrap(),
        block_on(stored).unwrap().objects
    );
}
