//! Random deeds, and what a look at everything finds after them.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value as Json, json};
use tagus_base::UserId;
use tagus_players::{NewObject, ReadPermission, SERVER_OWNER, StorageIndex, StorageIndexQuery};
use tagus_store::block_on;

use super::{ANA, Garage, RUI, car, definition};

/// Something that somebody does.
#[derive(Clone, Debug)]
enum Deed {
    Write(UserId, &'static str, Json, ReadPermission),
    Delete(UserId, &'static str),
    Search(usize, usize, Option<UserId>),
    CatchUp,
    /// The server starts anew.
    Start,
}

type Holds = fn(&Json, UserId, &str) -> bool;

/// Queries, and what they mean.
const QUERIES: [(&str, Holds); 7] = [
    ("", |_, _, _| true),
    ("+value.speed:>4", |value, _, _| {
        value["speed"].as_f64().is_some_and(|speed| speed > 4.0)
    }),
    ("value.name:a value.name:b", |value, _, _| {
        value["name"] == "a" || value["name"] == "b"
    }),
    ("* -value.name:*", |value, _, _| !value["name"].is_string()),
    ("+key:k1 +value.speed:<=5", |value, _, key| {
        key == "k1" && value["speed"].as_f64().is_some_and(|speed| speed <= 5.0)
    }),
    (
        "+user_id:01010101-0101-0101-0101-010101010101",
        |_, owner, _| owner == ANA,
    ),
    ("value.parts:p", |value, _, _| {
        value["parts"]
            .as_array()
            .is_some_and(|parts| parts.contains(&json!("p")))
    }),
];

/// Columns, and how the model sorts by them: by speed with those that have none last, then by id.
const ORDERS: [&[&str]; 3] = [&["value.speed"], &["-value.speed"], &["-update_time"]];

#[derive(Clone, Debug)]
struct Car {
    value: Json,
    read: ReadPermission,
    written: u64,
}

fn deeds() -> impl Strategy<Value = Deed> {
    let owner = prop_oneof![Just(ANA), Just(RUI), Just(SERVER_OWNER)];
    let key = prop_oneof![Just("k0"), Just("k1"), Just("k2")];
    let read = prop_oneof![
        Just(ReadPermission::Nobody),
        Just(ReadPermission::Owner),
        Just(ReadPermission::Everybody)
    ];
    let value = (
        proptest::option::of(0..10_i32),
        proptest::option::of("[abc]"),
        proptest::collection::vec("[pq]", 0..3),
    );
    let value = value.prop_map(|(speed, name, parts)| {
        let mut value = json!({"hidden": 1});
        if let Some(speed) = speed {
            value["speed"] = speed.into();
        }
        if let Some(name) = name {
            value["name"] = name.into();
        }
        if !parts.is_empty() {
            value["parts"] = parts.into();
        }
        value
    });
    let caller = prop_oneof![Just(None), Just(Some(ANA)), Just(Some(RUI))];
    prop_oneof![
        6 => (owner.clone(), key.clone(), value, read).prop_map(|(o, k, v, r)| Deed::Write(o, k, v, r)),
        2 => (owner, key).prop_map(|(owner, key)| Deed::Delete(owner, key)),
        4 => (0..QUERIES.len(), 0..ORDERS.len(), caller).prop_map(|(q, o, c)| Deed::Search(q, o, c)),
        1 => Just(Deed::CatchUp),
        1 => Just(Deed::Start),
    ]
}

/// What the index must find, by looking at everything.
fn expected(
    cars: &BTreeMap<(UserId, &'static str), Car>,
    (holds, order): (Holds, usize),
    caller: Option<UserId>,
) -> Vec<(UserId, String)> {
    let is_indexed = |car: &Car| car.value.as_object().unwrap().len() > 1;
    let may_read = |owner: UserId, read| match (caller, read) {
        (None, _) | (_, ReadPermission::Everybody) => true,
        (Some(caller), ReadPermission::Owner) => caller == owner,
        (Some(_), ReadPermission::Nobody) => false,
    };
    let mut found: Vec<_> = cars
        .iter()
        .filter(|((owner, key), car)| {
            is_indexed(car) && may_read(*owner, car.read) && holds(&car.value, *owner, key)
        })
        .collect();
    found.sort_by_key(|((owner, key), car)| {
        let speed = car.value["speed"].as_i64();
        let place = match order {
            0 => speed.unwrap_or(i64::MAX),
            1 => speed.map_or(i64::MAX, |speed| -speed),
            _ => -i64::try_from(car.written).unwrap(),
        };
        (place, *owner, *key)
    });
    let ids = found
        .into_iter()
        .map(|((owner, key), _)| (*owner, (*key).to_owned()));
    ids.collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn searches_find_what_a_look_at_everything_finds(
        deeds in proptest::collection::vec(deeds(), 1..60), index_only: bool,
    ) {
        let definition = StorageIndex { index_only, ..definition() };
        let mut garage = Garage::new(std::slice::from_ref(&definition));
        let mut cars: BTreeMap<(UserId, &'static str), Car> = BTreeMap::new();
        for (at, deed) in (0..).zip(deeds) {
            match deed {
                Deed::Write(owner, key, value, read) => {
                    garage.write(at, NewObject { read, ..car(owner, key, &value) });
                    cars.insert((owner, key), Car { value, read, written: at });
                }
                Deed::Delete(owner, key) => {
                    if cars.remove(&(owner, key)).is_some() {
                        garage.delete(owner, key);
                    }
                }
                Deed::Search(query, order, caller) => {
                    let (text, holds) = QUERIES[query];
                    let asked = StorageIndexQuery {
                        query: text,
                        caller,
                        order: ORDERS[order],
                        ..StorageIndexQuery::default()
                    };
                    let found = garage.pages(&asked).into_iter();
                    let found: Vec<_> = found.map(|one| (one.id.owner(), one.id.key().to_owned())).collect();
                    prop_assert_eq!(found, expected(&cars, (holds, order), caller));
                }
                Deed::CatchUp => block_on(garage.indexes.catch_up()).unwrap(),
                Deed::Start => garage = Garage::over(garage.store, std::slice::from_ref(&definition)),
            }
        }
    }
}
