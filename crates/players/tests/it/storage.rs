//! Stored objects, alone and beside a naive model.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use tagus_base::{UnixMillis, UserId, Uuid};
use tagus_players::{
    ExpectedVersion, NewObject, ObjectId, OldObject, PlayersError, ReadPermission, SERVER_OWNER,
    STORAGE_OBJECTS_MAX, Storage, StorageAck, StorageObject, StorageRights, WritePermission,
};
use tagus_store::{AccountOp, AccountRow, SqliteConfig, Store, block_on};

use crate::house::{NOW, join_all, refusal};

const ANA: UserId = UserId(Uuid([1; 16]));
const RUI: UserId = UserId(Uuid([2; 16]));
const SERVER: StorageRights = StorageRights::Server;

const DENIED: (i32, &str) = (3, "Storage write rejected - permission denied.");
const STALE: (i32, &str) = (3, "Storage write rejected - version check failed.");
const GONE: (i32, &str) = (
    3,
    "Storage delete rejected - not found, version check failed, or permission denied.",
);
const MALFORMED: (i32, &str) = (3, "Malformed cursor was used.");

fn storage() -> Storage {
    let store = Store::memory().unwrap();
    people(&store);
    Storage::new(store)
}

fn people(store: &Store) {
    for (id, name) in [(ANA, "ana"), (RUI, "rui")] {
        let row = Box::new(AccountRow::new(id, name, NOW));
        store
            .commit_blocking(AccountOp::Insert(row).into())
            .unwrap();
    }
}

fn of(user: UserId) -> StorageRights {
    StorageRights::User(user)
}

fn id(owner: UserId, key: &str) -> ObjectId {
    ObjectId::new("saves", key, owner).unwrap()
}

fn new(owner: UserId, key: &str, number: u32) -> NewObject {
    NewObject {
        id: id(owner, key),
        value: format!("{{\"n\": {number}}}"),
        version: ExpectedVersion::Any,
        read: ReadPermission::Owner,
        write: WritePermission::Owner,
    }
}

fn versioned(object: NewObject, version: &str) -> NewObject {
    NewObject {
        version: version.into(),
        ..object
    }
}

fn old(owner: UserId, key: &str, version: Option<&str>) -> OldObject {
    OldObject {
        id: id(owner, key),
        version: version.map(str::to_owned),
    }
}

fn write(
    storage: &Storage,
    rights: StorageRights,
    objects: Vec<NewObject>,
) -> Result<Vec<StorageAck>, PlayersError> {
    block_on(storage.write(NOW, rights, objects))
}

fn delete(storage: &Storage, rights: StorageRights, object: OldObject) -> Result<(), PlayersError> {
    block_on(storage.delete(NOW, rights, vec![object]))
}

fn read(storage: &Storage, rights: StorageRights, id: ObjectId) -> Option<StorageObject> {
    block_on(storage.read(rights, &[id])).unwrap().pop()
}

#[test]
fn objects_are_kept_as_they_were_sent() {
    let storage = storage();
    let objects = ["b", "a", "c"].map(|key| new(ANA, key, 1));
    let acks = write(&storage, of(ANA), objects.to_vec()).unwrap();
    let keys: Vec<&str> = acks.iter().map(|ack| ack.id.key()).collect();
    assert_eq!(keys, ["b", "a", "c"]);
    assert!(acks.iter().all(|ack| ack.version == acks[0].version));
    assert_eq!((acks[0].create_time, acks[0].update_time), (NOW, NOW));

    let object = read(&storage, of(ANA), id(ANA, "b")).unwrap();
    assert_eq!(object.value, "{\"n\": 1}");
    assert_eq!(object.version, acks[0].version);
    let permissions = (object.read, object.write);
    let defaults = (ReadPermission::default(), WritePermission::default());
    assert_eq!(permissions, defaults);

    let later = UnixMillis(NOW.0 + 5);
    let again = storage.write(later, of(ANA), vec![new(ANA, "b", 2)]);
    let ack = block_on(again).unwrap().remove(0);
    assert_eq!((ack.create_time, ack.update_time), (NOW, later));
    assert_ne!(ack.version, object.version);
    let object = read(&storage, of(ANA), id(ANA, "b")).unwrap();
    assert_eq!((object.create_time, object.update_time), (NOW, later));
}

#[test]
fn of_two_with_the_same_name_the_later_one_counts() {
    let storage = storage();
    let first = new(ANA, "k", 1);
    let acks = write(&storage, of(ANA), vec![first.clone(), new(ANA, "k", 2)]).unwrap();
    let object = read(&storage, of(ANA), id(ANA, "k")).unwrap();
    assert_eq!(object.value, "{\"n\": 2}");
    assert_eq!(object.version, acks[1].version);
    assert_ne!(acks[0].version, acks[1].version);

    let chain = vec![first.clone(), versioned(new(ANA, "k", 3), &acks[0].version)];
    assert_eq!(refusal(write(&storage, of(ANA), chain)), (0, ""));
    let twice = vec![versioned(new(ANA, "l", 1), "*"); 2];
    assert_eq!(refusal(write(&storage, of(ANA), twice)), STALE);
    assert_eq!(read(&storage, of(ANA), id(ANA, "l")), None);
}

#[test]
fn versions_are_checked_and_nothing_is_written_by_half() {
    let storage = storage();
    let put = |version: &str, number| {
        let object = versioned(new(ANA, "k", number), version);
        write(&storage, of(ANA), vec![new(ANA, "beside", number), object])
    };
    assert_eq!(refusal(put("no such version", 1)), STALE);
    assert_eq!(read(&storage, SERVER, id(ANA, "beside")), None);
    let first = put("*", 2).unwrap().remove(1).version;
    assert_eq!(refusal(put("*", 3)), STALE);
    let second = put(&first, 4).unwrap().remove(1).version;
    assert_eq!(refusal(put(&first, 5)), STALE);
    let beside = read(&storage, of(ANA), id(ANA, "beside")).unwrap();
    assert_eq!(beside.value, "{\"n\": 4}");

    let stale = old(ANA, "k", Some(&first));
    assert_eq!(refusal(delete(&storage, of(ANA), stale)), GONE);
    let both = vec![old(ANA, "beside", None), old(ANA, "absent", None)];
    assert_eq!(refusal(block_on(storage.delete(NOW, of(ANA), both))), GONE);
    let exact = old(ANA, "k", Some(&second));
    assert_eq!(refusal(delete(&storage, of(ANA), exact)), (0, ""));
    assert_eq!(read(&storage, of(ANA), id(ANA, "k")), None);
    assert!(read(&storage, of(ANA), id(ANA, "beside")).is_some());
}

#[test]
fn permissions_hold_for_users_and_not_for_the_server() {
    let storage = storage();
    let kept = NewObject {
        read: ReadPermission::Nobody,
        write: WritePermission::Nobody,
        ..new(ANA, "k", 1)
    };
    let version = write(&storage, of(ANA), vec![kept.clone()])
        .unwrap()
        .remove(0)
        .version;
    for expected in ["", "*", version.as_str()] {
        let object = versioned(new(ANA, "k", 2), expected);
        assert_eq!(
            refusal(write(&storage, of(ANA), vec![object])),
            DENIED,
            "{expected}"
        );
    }
    assert_eq!(
        refusal(delete(&storage, of(ANA), old(ANA, "k", None))),
        GONE
    );
    assert_eq!(read(&storage, of(ANA), id(ANA, "k")), None);
    let seen = read(&storage, SERVER, id(ANA, "k")).unwrap();
    assert_eq!(seen.value, kept.value);

    for foreign in [RUI, SERVER_OWNER] {
        let object = new(foreign, "k", 1);
        assert_eq!(refusal(write(&storage, of(ANA), vec![object])), DENIED);
        let object = old(foreign, "k", None);
        assert_eq!(refusal(delete(&storage, of(ANA), object)), DENIED);
    }
    let next = versioned(kept, &version);
    let servers = NewObject {
        read: ReadPermission::Everybody,
        ..new(SERVER_OWNER, "motd", 1)
    };
    write(&storage, SERVER, vec![next, servers]).unwrap();
    assert!(read(&storage, of(ANA), id(SERVER_OWNER, "motd")).is_some());
    delete(&storage, SERVER, old(ANA, "k", None)).unwrap();
    let nobody = new(UserId(Uuid([9; 16])), "k", 1);
    assert_eq!(
        refusal(write(&storage, SERVER, vec![nobody])),
        (5, "Account not found.")
    );
}

#[test]
fn others_see_what_is_public() {
    let storage = storage();
    let permissions = [
        ReadPermission::Nobody,
        ReadPermission::Owner,
        ReadPermission::Everybody,
    ];
    for (key, read) in ["a", "b", "c"].into_iter().zip(permissions) {
        for owner in [ANA, SERVER_OWNER] {
            let object = NewObject {
                read,
                ..new(owner, key, 1)
            };
            write(&storage, SERVER, vec![object]).unwrap();
        }
    }
    let seen = |rights, owner| {
        let ids = ["c", "a", "b", "c"].map(|key| id(owner, key));
        let objects = block_on(storage.read(rights, &ids)).unwrap();
        let keys = objects.iter().map(|object| object.id.key());
        keys.collect::<String>()
    };
    assert_eq!(seen(of(ANA), ANA), "cb");
    assert_eq!(seen(of(RUI), ANA), "c");
    assert_eq!(seen(of(ANA), SERVER_OWNER), "c");
    assert_eq!(seen(SERVER, ANA), "cab");

    let listed = |rights, owner| {
        let page = block_on(storage.list(rights, owner, "saves", 100, "")).unwrap();
        assert_eq!(page.cursor, "");
        let keys = page.objects.iter().map(|object| object.id.key());
        keys.collect::<String>()
    };
    assert_eq!(listed(of(ANA), Some(ANA)), "bc");
    assert_eq!(listed(of(RUI), Some(ANA)), "c");
    assert_eq!(listed(of(ANA), Some(SERVER_OWNER)), "c");
    assert_eq!(listed(of(RUI), None), "cc");
    assert_eq!(listed(SERVER, Some(ANA)), "abc");
    assert_eq!(listed(SERVER, None), "abcabc");
}

#[test]
fn pages_follow_each_other_without_gap() {
    let storage = storage();
    let public = |owner, key: &str| NewObject {
        read: ReadPermission::Everybody,
        ..new(owner, key, 1)
    };
    let keys: Vec<String> = (0..7).map(|number| format!("k{number}")).collect();
    for owner in [ANA, RUI, SERVER_OWNER] {
        let objects = keys.iter().map(|key| public(owner, key)).collect();
        write(&storage, SERVER, objects).unwrap();
    }
    let pages = |rights, owner, limit| {
        let (mut all, mut cursor) = (Vec::new(), String::new());
        loop {
            let listed = storage.list(rights, owner, "saves", limit, &cursor);
            let page = block_on(listed).unwrap();
            let length = i32::try_from(page.objects.len()).unwrap();
            all.extend(page.objects.into_iter().map(|object| object.id));
            if page.cursor.is_empty() {
                return all;
            }
            assert_eq!(length, limit);
            cursor = page.cursor;
        }
    };
    let own: Vec<ObjectId> = keys.iter().map(|key| id(ANA, key)).collect();
    for limit in [1, 3, 6, 7, 100] {
        assert_eq!(pages(of(ANA), Some(ANA), limit), own, "{limit}");
        let all = pages(of(ANA), None, limit);
        let by_key = |id: &ObjectId| (id.key().to_owned(), id.owner());
        assert!(all.is_sorted_by_key(by_key) && all.len() == 21, "{limit}");
        let all = pages(SERVER, None, limit);
        assert!(all.is_sorted() && all.len() == 21, "{limit}");
    }

    let page = |rights, owner, collection, limit, cursor: &str| {
        block_on(storage.list(rights, owner, collection, limit, cursor))
    };
    for limit in [0, -1, 101, i32::MIN] {
        let expected = (3, "Invalid limit - limit must be between 1 and 100.");
        assert_eq!(refusal(page(of(ANA), None, "saves", limit, "")), expected);
    }
    let cursor = page(of(ANA), Some(ANA), "saves", 2, "").unwrap().cursor;
    for (rights, owner, collection) in [
        (of(ANA), Some(RUI), "saves"),
        (of(ANA), Some(ANA), "other"),
        (of(ANA), None, "saves"),
        (SERVER, None, "saves"),
    ] {
        assert_eq!(
            refusal(page(rights, owner, collection, 2, &cursor)),
            MALFORMED
        );
    }
    assert_eq!(refusal(page(of(ANA), None, "saves", 2, "x")), MALFORMED);
}

#[test]
fn bad_objects_are_refused() {
    let storage = storage();
    let long = "k".repeat(128);
    assert!(ObjectId::new(&*long, &*long, ANA).is_ok());
    for (collection, key) in [("", "k"), ("c", ""), ("c", "k129"), ("k129", "k")] {
        let longer = |text: &str| {
            if text == "k129" {
                "k".repeat(129)
            } else {
                text.to_owned()
            }
        };
        let refused = refusal(ObjectId::new(longer(collection), longer(key), ANA));
        assert_eq!(refused.0, 3, "{collection} {key}");
    }
    for value in ["", "1", "[]", "\"{}\"", "{", "{}x", "{\"a\":}", "null"] {
        let object = NewObject {
            value: value.to_owned(),
            ..new(ANA, "k", 1)
        };
        let refused = refusal(write(&storage, of(ANA), vec![object]));
        assert_eq!(refused, (3, "Value must be a JSON object."), "{value}");
    }
    assert!(ReadPermission::parse(3).is_err() && ReadPermission::parse(-1).is_err());
    assert!(WritePermission::parse(2).is_err() && WritePermission::parse(-1).is_err());

    let named = |count: usize| (0..count).map(|number| id(ANA, &number.to_string()));
    let objects = |count| {
        named(count)
            .map(|id| NewObject {
                id,
                ..new(ANA, "k", 1)
            })
            .collect()
    };
    for (rights, most) in [(of(ANA), STORAGE_OBJECTS_MAX), (SERVER, 256)] {
        let ids: Vec<ObjectId> = named(most + 1).collect();
        assert_eq!(refusal(block_on(storage.read(rights, &ids))).0, 3);
        assert_eq!(refusal(write(&storage, rights, objects(most + 1))).0, 3);
        assert_eq!(write(&storage, rights, objects(most)).unwrap().len(), most);
        let found = block_on(storage.read(rights, &ids[..most])).unwrap();
        assert_eq!(found.len(), most);
    }
    assert_eq!(write(&storage, of(ANA), Vec::new()).unwrap(), []);
}

#[test]
fn of_64_writers_of_one_version_one_wins() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(SqliteConfig::new(folder.path().join("tagus.db"))).unwrap();
    people(&store);
    let storage = Storage::new(store);
    let first = write(&storage, of(ANA), vec![new(ANA, "k", 1_000)]).unwrap();
    let writers = (0..64).map(|number| {
        let object = versioned(new(ANA, "k", number), &first[0].version);
        storage.write(NOW, of(ANA), vec![object])
    });
    let results = block_on(join_all(writers.collect()));
    let mut won = Vec::new();
    for (number, result) in results.into_iter().enumerate() {
        match result {
            Ok(acks) => won.push((number, acks[0].version.clone())),
            refused => assert_eq!(refusal(refused), STALE),
        }
    }
    let object = read(&storage, of(ANA), id(ANA, "k")).unwrap();
    let [(number, version)] = won.as_slice() else {
        panic!("{won:?}");
    };
    assert_eq!(object.value, format!("{{\"n\": {number}}}"));
    assert_eq!(object.version, *version);
}

#[test]
fn a_watch_is_told_what_is_durable() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let (hears, reads) = (told.clone(), storage());
    let storage = reads.clone().watched_by(Arc::new(move |ids: &[ObjectId]| {
        for id in ids {
            let value = read(&reads, SERVER, id.clone()).map(|object| object.value);
            hears.lock().unwrap().push((id.key().to_owned(), value));
        }
    }));
    write(&storage, of(ANA), vec![new(ANA, "b", 1), new(ANA, "a", 1)]).unwrap();
    write(&storage, of(ANA), vec![new(ANA, "a", 2)]).unwrap();
    assert!(write(&storage, of(ANA), vec![versioned(new(ANA, "a", 3), "*")]).is_err());
    delete(&storage, of(ANA), old(ANA, "b", None)).unwrap();
    let expected = [("a", Some(1)), ("b", Some(1)), ("a", Some(2)), ("b", None)];
    let expected = expected.map(|(key, number): (&str, Option<u32>)| {
        let value = number.map(|number| format!("{{\"n\": {number}}}"));
        (key.to_owned(), value)
    });
    assert_eq!(*told.lock().unwrap(), expected);
}

#[test]
fn everything_of_an_account_is_exported_and_goes_with_it() {
    let storage = storage();
    for collection in ["b", "a"] {
        let named = (0..100).map(|number| NewObject {
            id: ObjectId::new(collection, format!("{number:03}"), ANA).unwrap(),
            read: ReadPermission::Nobody,
            ..new(ANA, "k", number)
        });
        write(&storage, SERVER, named.collect()).unwrap();
    }
    write(
        &storage,
        SERVER,
        vec![new(RUI, "k", 1), new(SERVER_OWNER, "k", 1)],
    )
    .unwrap();
    let all = block_on(storage.export(ANA)).unwrap();
    assert_eq!(all.len(), 200);
    assert!(all.is_sorted_by_key(|object| object.id.clone()));
    assert_eq!(block_on(storage.export(SERVER_OWNER)).unwrap(), []);
}

/// What a random call names: a key, whose, with which value and version.
#[derive(Clone, Debug)]
struct Call {
    caller: Option<bool>,
    owner: usize,
    key: &'static str,
    number: u32,
    expected: u8,
    permissions: (i32, i32),
    deletes: bool,
}

const OWNERS: [UserId; 3] = [ANA, RUI, SERVER_OWNER];

fn call() -> impl Strategy<Value = Call> {
    (
        proptest::option::of(any::<bool>()),
        0..3_usize,
        prop_oneof![Just("a"), Just("b")],
        0..3_u32,
        0..4_u8,
        (0..3, 0..2),
        proptest::bool::weighted(0.2),
    )
        .prop_map(
            |(caller, owner, key, number, expected, permissions, deletes)| Call {
                caller,
                owner,
                key,
                number,
                expected,
                permissions,
                deletes,
            },
        )
}

/// Value, version and permissions of each object.
type Model = BTreeMap<(usize, &'static str), (String, String, (i32, i32))>;

/// The version that a call names: any, none, the right one, or a wrong one.
fn expected(model: &Model, call: &Call) -> String {
    let there = model.get(&(call.owner, call.key));
    match call.expected {
        0 => String::new(),
        1 => "*".to_owned(),
        2 => there.map_or("none", |(_, version, _)| version).to_owned(),
        _ => "wrong".to_owned(),
    }
}

/// What the model says of the call; a version is not its to compute.
fn allows(model: &Model, rights: StorageRights, call: &Call) -> bool {
    if matches!(rights, StorageRights::User(user) if user != OWNERS[call.owner]) {
        return false;
    }
    let there = model.get(&(call.owner, call.key));
    let guarded = there.is_some_and(|(_, _, permissions)| permissions.1 == 0);
    if guarded && rights != SERVER {
        return false;
    }
    match (call.expected, call.deletes) {
        (0, true) | (2, _) => there.is_some(),
        (0, false) => true,
        (1, false) => there.is_none(),
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn objects_match_a_naive_model(calls in proptest::collection::vec(call(), 1..40)) {
        let storage = storage();
        let mut model = Model::new();
        for call in calls {
            let rights = match call.caller {
                None => SERVER,
                Some(is_ana) => of(if is_ana { ANA } else { RUI }),
            };
            let (owner, version) = (OWNERS[call.owner], expected(&model, &call));
            let allowed = allows(&model, rights, &call);
            let place = (call.owner, call.key);
            if call.deletes {
                let version = Some(version).filter(|version| !version.is_empty());
                let gone = delete(&storage, rights, old(owner, call.key, version.as_deref()));
                prop_assert_eq!(gone.is_ok(), allowed, "{:?}", call);
                if allowed {
                    model.remove(&place);
                }
            } else {
                let object = NewObject {
                    read: ReadPermission::parse(call.permissions.0).unwrap(),
                    write: WritePermission::parse(call.permissions.1).unwrap(),
                    ..versioned(new(owner, call.key, call.number), &version)
                };
                let value = object.value.clone();
                let written = write(&storage, rights, vec![object]);
                prop_assert_eq!(written.is_ok(), allowed, "{:?}", call);
                if let Ok(acks) = written {
                    model.insert(place, (value, acks[0].version.clone(), call.permissions));
                }
            }
            for (place, owner) in OWNERS.iter().enumerate() {
                let page = block_on(storage.list(SERVER, Some(*owner), "saves", 100, "")).unwrap();
                let found = page.objects.into_iter().map(|object| {
                    let permissions = (object.read.number(), object.write.number());
                    (object.id.key().to_owned(), (object.value, object.version, permissions))
                });
                let known = model.iter().filter(|((of, _), _)| *of == place);
                let known = known.map(|((_, key), object)| ((*key).to_owned(), object.clone()));
                prop_assert_eq!(found.collect::<Vec<_>>(), known.collect::<Vec<_>>());
            }
        }
    }
}
