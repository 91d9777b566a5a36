//! Groups and their members.

use std::collections::BTreeMap;

use tagus_base::{Rng, UnixMillis, UserId, Uuid};
use tagus_store::{
    AccountOp, Batch, Conflict, GroupEdgeRow, GroupFilter, GroupNames, GroupOp, GroupPatch,
    GroupRow, Store, block_on,
};

use super::batch::{WRITERS, at_once};
use super::{commit, commit_all};
use crate::{account, user};

pub(super) fn run(open: &dyn Fn() -> Store) {
    groups_come_back_as_they_were_written(&open());
    names_are_unique(&open());
    edges_move_from_the_state_they_have(&open());
    expectations_are_about_the_present(&open());
    the_last_place_is_taken_once(&open());
    the_last_owner_stays(&open());
    accounts_are_deleted_while_others_join(&open());
    deleted_accounts_hand_their_groups_on(&open());
    groups_are_listed_by_size_and_by_name(&open());
    members_are_listed_by_state_and_time(&open());
    for seed in 0..4 {
        counts_match_the_edges(&open(), seed);
    }
}

const OWNER: i64 = 0;
const ADMIN: i64 = 1;
const MEMBER: i64 = 2;
const REQUEST: i64 = 3;
const BANNED: i64 = 4;

fn id(number: u8) -> Uuid {
    Uuid([number; 16])
}

fn group(number: u8, name: &str) -> GroupRow {
    GroupRow {
        id: id(number),
        creator_id: user(1),
        name: name.to_owned(),
        description: "Zoë's".to_owned(),
        lang_tag: "en".to_owned(),
        metadata: "{}".to_owned(),
        avatar_url: String::new(),
        open: true,
        edge_count: 0,
        max_count: 5,
        create_time: UnixMillis(7),
        update_time: UnixMillis(7),
    }
}

fn insert(row: GroupRow) -> GroupOp {
    GroupOp::Insert(Box::new(row))
}

fn update(number: u8, patch: GroupPatch) -> GroupOp {
    GroupOp::Update {
        id: id(number),
        patch: Box::new(patch),
    }
}

fn turn(group: u8, of: u32, from: Option<i64>, to: Option<i64>, time: u64) -> GroupOp {
    GroupOp::Move {
        group_id: id(group),
        user_id: user(of),
        from,
        to,
        time: UnixMillis(time),
    }
}

fn people(store: &Store, numbers: std::ops::RangeInclusive<u32>) {
    for number in numbers {
        commit(store, AccountOp::Insert(Box::new(account(number)))).unwrap();
    }
}

fn found(store: &Store, number: u8) -> Option<GroupRow> {
    let rows = block_on(store.groups_by_ids(&[id(number)])).unwrap();
    rows.into_iter().next()
}

fn edges(store: &Store, number: u8) -> Vec<GroupEdgeRow> {
    block_on(store.group_members(id(number), (0, 9), None, 1_000)).unwrap()
}

fn states(store: &Store, number: u8) -> Vec<(UserId, i64)> {
    let edges = edges(store, number).into_iter();
    edges.map(|edge| (edge.user_id, edge.state)).collect()
}

fn groups_come_back_as_they_were_written(store: &Store) {
    let row = group(1, "Otters");
    commit(store, insert(row.clone())).unwrap();
    assert_eq!(found(store, 1), Some(row.clone()));
    let patch = GroupPatch {
        update_time: UnixMillis(8),
        ..GroupPatch::default()
    };
    commit(store, update(1, patch.clone())).unwrap();
    let touched = GroupRow {
        update_time: UnixMillis(8),
        ..row
    };
    assert_eq!(found(store, 1), Some(touched.clone()));
    let patch = GroupPatch {
        name: Some("Minks".to_owned()),
        description: Some(String::new()),
        lang_tag: Some("pt".to_owned()),
        metadata: Some(r#"{"a":1}"#.to_owned()),
        avatar_url: Some("https://example.org/m.png".to_owned()),
        open: Some(false),
        max_count: Some(9),
        update_time: UnixMillis(9),
    };
    let changed = GroupRow {
        name: "Minks".to_owned(),
        description: String::new(),
        lang_tag: "pt".to_owned(),
        metadata: r#"{"a":1}"#.to_owned(),
        avatar_url: "https://example.org/m.png".to_owned(),
        open: false,
        max_count: 9,
        update_time: UnixMillis(9),
        ..touched
    };
    let other = update(2, patch.clone());
    assert_eq!(commit(store, other), Err((0, Conflict::Missing)));
    commit(store, update(1, patch)).unwrap();
    assert_eq!(found(store, 1), Some(changed));
    let delete = GroupOp::Delete { id: id(1) };
    commit(store, delete.clone()).unwrap();
    assert_eq!(found(store, 1), None);
    assert_eq!(commit(store, delete), Err((0, Conflict::Missing)));
}

fn names_are_unique(store: &Store) {
    commit(store, insert(group(1, "Otters"))).unwrap();
    let taken = Err((0, Conflict::GroupNameTaken));
    assert_eq!(commit(store, insert(group(2, "Otters"))), taken);
    // Upper and lower case differ.
    commit(store, insert(group(2, "otters"))).unwrap();
    let patch = GroupPatch {
        name: Some("Otters".to_owned()),
        ..GroupPatch::default()
    };
    assert_eq!(commit(store, update(2, patch.clone())), taken);
    commit(store, update(1, patch)).unwrap();
    let results = at_once(store, |store, number| {
        commit(store, insert(group(10 + number as u8, "wanted")))
    });
    assert_eq!(results.iter().filter(|result| **result == Ok(1)).count(), 1);
    assert_eq!(
        results.iter().filter(|result| **result == taken).count(),
        WRITERS as usize - 1
    );
}

fn edges_move_from_the_state_they_have(store: &Store) {
    people(store, 1..=3);
    commit(store, insert(group(1, "Otters"))).unwrap();
    let changed = Err((0, Conflict::Changed));
    let missing = Err((0, Conflict::Missing));
    let no_group = commit(store, turn(2, 1, None, Some(OWNER), 1));
    assert_eq!(no_group, missing);
    let no_account = commit(store, turn(1, 9, None, Some(OWNER), 1));
    assert_eq!(no_account, missing);
    commit(store, turn(1, 1, None, Some(OWNER), 1)).unwrap();
    assert_eq!(commit(store, turn(1, 1, None, Some(OWNER), 1)), changed);
    let wrong = commit(store, turn(1, 1, Some(MEMBER), Some(BANNED), 1));
    assert_eq!(wrong, changed);
    assert_eq!(commit(store, turn(1, 2, Some(MEMBER), None, 1)), changed);
    commit(store, turn(1, 2, None, Some(REQUEST), 2)).unwrap();
    assert_eq!(found(store, 1).unwrap().edge_count, 1);
    commit(store, turn(1, 2, Some(REQUEST), Some(MEMBER), 3)).unwrap();
    let row = found(store, 1).unwrap();
    assert_eq!((row.edge_count, row.update_time), (2, UnixMillis(3)));
    commit(store, turn(1, 2, Some(MEMBER), Some(ADMIN), 4)).unwrap();
    assert_eq!(found(store, 1).unwrap().edge_count, 2);
    commit(store, turn(1, 2, Some(ADMIN), Some(BANNED), 5)).unwrap();
    commit(store, turn(1, 3, None, Some(BANNED), 5)).unwrap();
    assert_eq!(found(store, 1).unwrap().edge_count, 1);
    commit(store, turn(1, 3, Some(BANNED), None, 6)).unwrap();
    assert_eq!(states(store, 1), [(user(1), OWNER), (user(2), BANNED)]);
    assert_eq!(found(store, 1).unwrap().edge_count, 1);
    let patch = |max_count| GroupPatch {
        max_count: Some(max_count),
        ..GroupPatch::default()
    };
    commit(store, turn(1, 3, None, Some(MEMBER), 7)).unwrap();
    let too_few = commit(store, update(1, patch(1)));
    assert_eq!(too_few, Err((0, Conflict::GroupFull)));
    commit(store, update(1, patch(2))).unwrap();
    let full = commit(store, turn(1, 2, Some(BANNED), Some(MEMBER), 8));
    assert_eq!(full, Err((0, Conflict::GroupFull)));
    commit(store, GroupOp::Delete { id: id(1) }).unwrap();
    assert_eq!(states(store, 1), []);
}

fn expectations_are_about_the_present(store: &Store) {
    people(store, 1..=1);
    commit(store, insert(group(1, "Otters"))).unwrap();
    commit(store, turn(1, 1, None, Some(ADMIN), 1)).unwrap();
    let open = |number, open| GroupOp::ExpectOpen {
        id: id(number),
        open,
    };
    let changed = Err((0, Conflict::Changed));
    assert_eq!(commit(store, open(1, true)), Ok(0));
    assert_eq!(commit(store, open(1, false)), changed);
    assert_eq!(commit(store, open(2, true)), changed);
    let edge = |number, of, state| GroupOp::ExpectEdge {
        group_id: id(number),
        user_id: user(of),
        state,
    };
    assert_eq!(commit(store, edge(1, 1, ADMIN)), Ok(0));
    assert_eq!(commit(store, edge(1, 1, OWNER)), changed);
    assert_eq!(commit(store, edge(1, 2, ADMIN)), changed);
    assert_eq!(commit(store, edge(2, 1, ADMIN)), changed);
}

fn the_last_place_is_taken_once(store: &Store) {
    people(store, 0..=WRITERS);
    let row = GroupRow {
        max_count: 2,
        ..group(1, "Otters")
    };
    commit(store, insert(row)).unwrap();
    commit(store, turn(1, WRITERS, None, Some(OWNER), 1)).unwrap();
    let results = at_once(store, |store, number| {
        commit(store, turn(1, number, None, Some(MEMBER), 2))
    });
    let joined = results.iter().filter(|result| result.is_ok()).count();
    let full = Err((0, Conflict::GroupFull));
    let refused = results.iter().filter(|result| **result == full).count();
    assert_eq!((joined, refused), (1, WRITERS as usize - 1));
    assert_eq!(found(store, 1).unwrap().edge_count, 2);
    assert_eq!(states(store, 1).len(), 2);
}

fn the_last_owner_stays(store: &Store) {
    people(store, 1..=WRITERS);
    for row in [group(1, "Otters"), group(2, "Minks")] {
        let max_count = 100;
        commit(store, insert(GroupRow { max_count, ..row })).unwrap();
    }
    for number in 1..=WRITERS {
        commit(store, turn(1, number, None, Some(OWNER), 1)).unwrap();
    }
    // All go at once, one way or another: the last is refused.
    let results = at_once(store, |store, number| {
        let to = [None, Some(MEMBER), Some(BANNED)][number as usize % 3];
        commit(store, turn(1, number + 1, Some(OWNER), to, 2))
    });
    let last = Err((0, Conflict::LastOwner));
    let refused = results.iter().filter(|result| **result == last).count();
    assert_eq!(refused, 1, "{results:?}");
    let states = states(store, 1).into_iter();
    assert_eq!(states.filter(|(_, state)| *state == OWNER).count(), 1);
    // In one batch as well.
    commit(store, turn(2, 1, None, Some(OWNER), 1)).unwrap();
    commit(store, turn(2, 2, None, Some(OWNER), 1)).unwrap();
    let both = Batch::from(turn(2, 1, Some(OWNER), None, 2));
    let both = both.with(turn(2, 2, Some(OWNER), None, 2));
    assert_eq!(commit_all(store, both), Err((1, Conflict::LastOwner)));
    assert_eq!(found(store, 2).unwrap().edge_count, 2);
}

fn accounts_are_deleted_while_others_join(store: &Store) {
    people(store, 1..=WRITERS);
    let row = GroupRow {
        max_count: 100,
        ..group(1, "Otters")
    };
    commit(store, insert(row)).unwrap();
    for number in 1..=WRITERS / 2 {
        commit(store, turn(1, number, None, Some(MEMBER), 1)).unwrap();
    }
    let results = at_once(store, |store, number| {
        let number = number + 1;
        if number == 1 {
            // Stays: a group without members would be gone before the others come.
            Ok(0)
        } else if number % 4 == 0 {
            let (id, tombstone_time) = (user(number), UnixMillis(2));
            commit(store, AccountOp::Delete { id, tombstone_time })
        } else if number <= WRITERS / 2 {
            commit(store, turn(1, number, Some(MEMBER), None, 2))
        } else {
            commit(store, turn(1, number, None, Some(MEMBER), 2))
        }
    });
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    let left = states(store, 1).len();
    assert_eq!(left, WRITERS as usize / 2 * 3 / 4 + 1);
    assert_eq!(found(store, 1).unwrap().edge_count, left as u64);
}

fn deleted_accounts_hand_their_groups_on(store: &Store) {
    people(store, 1..=5);
    for (number, name) in (1..).zip(["heir", "owned", "alone", "asked", "joined"]) {
        commit(store, insert(group(number, name))).unwrap();
    }
    for (group, of, state, time) in [
        (1, 1, OWNER, 1),
        (1, 2, MEMBER, 2),
        (1, 3, ADMIN, 4),
        (1, 4, ADMIN, 3),
        (1, 5, REQUEST, 1),
        (2, 1, OWNER, 1),
        (2, 2, OWNER, 2),
        (2, 3, MEMBER, 2),
        (3, 1, OWNER, 1),
        (4, 1, OWNER, 1),
        (4, 2, REQUEST, 1),
        (4, 3, BANNED, 1),
        (5, 1, BANNED, 1),
        (5, 2, OWNER, 1),
    ] {
        commit(store, turn(group, of, None, Some(state), time)).unwrap();
    }
    let (id, tombstone_time) = (user(1), UnixMillis(9));
    commit(store, AccountOp::Delete { id, tombstone_time }).unwrap();
    assert_eq!(
        states(store, 1),
        [
            (user(4), OWNER),
            (user(3), ADMIN),
            (user(2), MEMBER),
            (user(5), REQUEST)
        ]
    );
    assert_eq!(states(store, 2), [(user(2), OWNER), (user(3), MEMBER)]);
    assert_eq!((found(store, 3), found(store, 4)), (None, None));
    assert_eq!(states(store, 5), [(user(2), OWNER)]);
    let counts = [1, 2, 5].map(|number| found(store, number).unwrap().edge_count);
    assert_eq!(counts, [3, 2, 1]);
}

fn groups_are_listed_by_size_and_by_name(store: &Store) {
    people(store, 1..=3);
    for (number, name, open, lang_tag, members) in [
        (1, "Otters", true, "en", 1),
        (2, "otter Fans", true, "pt", 2),
        (3, "ÖTTERS", false, "en", 3),
        (4, "Minks", false, "pt", 2),
        (5, "Otter%", true, "en", 0),
        (6, "otters", true, "en", 0),
    ] {
        let row = GroupRow {
            open,
            lang_tag: lang_tag.to_owned(),
            ..group(number, name)
        };
        commit(store, insert(row)).unwrap();
        for of in 1..=members {
            commit(store, turn(number, of, None, Some(MEMBER), 1)).unwrap();
        }
    }
    let ids = |rows: &[GroupRow]| rows.iter().map(|row| row.id.0[0]).collect::<Vec<_>>();
    let listed = |filter: &GroupFilter| {
        let rows = block_on(store.groups(filter, None, 10)).unwrap();
        // Page by page it is the same.
        let (mut paged, mut after) = (Vec::new(), None);
        while let [row] = &block_on(store.groups(filter, after, 1)).unwrap()[..] {
            after = Some((row.edge_count, row.id));
            paged.push(row.clone());
        }
        assert_eq!(paged, rows);
        ids(&rows)
    };
    let any = GroupFilter::default();
    assert_eq!(listed(&any), [3, 4, 2, 1, 6, 5]);
    let open = Some(true);
    let filter = GroupFilter {
        open,
        ..any.clone()
    };
    assert_eq!(listed(&filter), [2, 1, 6, 5]);
    let edge_count_max = Some(2);
    let filter = GroupFilter {
        edge_count_max,
        ..any.clone()
    };
    assert_eq!(listed(&filter), [4, 2, 1, 6, 5]);
    let lang_tag = Some("pt".to_owned());
    let filter = GroupFilter { lang_tag, ..any };
    assert_eq!(listed(&filter), [4, 2]);
    let filter = GroupFilter { open, ..filter };
    assert_eq!(listed(&filter), [2]);

    let named = |names: GroupNames| {
        let rows = block_on(store.groups_named(&names, None, 10)).unwrap();
        let (mut paged, mut after) = (Vec::new(), None);
        loop {
            let at = after
                .as_ref()
                .map(|(name, id): &(String, Uuid)| (name.as_str(), *id));
            let page = block_on(store.groups_named(&names, at, 1)).unwrap();
            let [row] = &page[..] else { break };
            after = Some((row.name.clone(), row.id));
            paged.push(row.clone());
        }
        assert_eq!(paged, rows);
        ids(&rows)
    };
    let exactly = |name: &str| named(GroupNames::Exactly(name.to_owned()));
    let prefix = |name: &str| named(GroupNames::Prefix(name.to_owned()));
    assert_eq!(exactly("OTTERS"), [1, 6]);
    assert_eq!(exactly("otter"), [0; 0]);
    assert_eq!(exactly("öTTers"), [3]);
    assert_eq!(prefix("OTTER"), [2, 5, 1, 6]);
    assert_eq!(prefix("otter%"), [5]);
    assert_eq!(prefix("otter_"), [0; 0]);
    assert_eq!(prefix(""), [4, 2, 5, 1, 6, 3]);
}

fn members_are_listed_by_state_and_time(store: &Store) {
    people(store, 1..=4);
    for (number, name) in [(1, "Otters"), (2, "Minks")] {
        commit(store, insert(group(number, name))).unwrap();
    }
    for (group, of, state, time) in [
        (1, 1, MEMBER, 3),
        (1, 2, OWNER, 4),
        (1, 3, MEMBER, 2),
        (1, 4, BANNED, 1),
        (2, 3, REQUEST, 1),
    ] {
        commit(store, turn(group, of, None, Some(state), time)).unwrap();
    }
    let page = |states, after: Option<(i64, u64, UserId)>| {
        let after = after.map(|(state, time, id)| (state, UnixMillis(time), id));
        let found = block_on(store.group_members(id(1), states, after, 2)).unwrap();
        found.iter().map(|edge| edge.user_id).collect::<Vec<_>>()
    };
    assert_eq!(page((0, 3), None), [user(2), user(3)]);
    assert_eq!(page((0, 3), Some((MEMBER, 2, user(3)))), [user(1)]);
    assert_eq!(page((BANNED, BANNED), None), [user(4)]);
    let of = |number, states| {
        let found = block_on(store.groups_of(user(number), states, None, 10)).unwrap();
        found.iter().map(|edge| edge.group_id).collect::<Vec<_>>()
    };
    assert_eq!(of(3, (0, 3)), [id(1), id(2)]);
    assert_eq!(of(3, (REQUEST, REQUEST)), [id(2)]);
    assert_eq!(of(4, (0, 3)), []);
    let found = block_on(store.group_edges(id(1), &[user(4), user(9), user(1)])).unwrap();
    let found: Vec<_> = found
        .iter()
        .map(|edge| (edge.user_id, edge.state))
        .collect();
    assert_eq!(found, [(user(4), BANNED), (user(1), MEMBER)]);
}

/// Random moves, deletions of accounts and groups; after each the counts are those of the edges.
fn counts_match_the_edges(store: &Store, seed: u64) {
    const PEOPLE: u32 = 5;
    let mut rng = Rng::new(seed);
    let mut edges: BTreeMap<(u8, u32), i64> = BTreeMap::new();
    let mut there: BTreeMap<u32, bool> = (1..=PEOPLE).map(|number| (number, true)).collect();
    people(store, 1..=PEOPLE);
    for number in 1..=2 {
        let row = GroupRow {
            max_count: 3,
            ..group(number, &format!("group {number}"))
        };
        commit(store, insert(row)).unwrap();
    }
    for step in 0..60 {
        let (group, of) = (1 + rng.below(2) as u8, 1 + rng.below(PEOPLE));
        let state = |rng: &mut Rng| Some(i64::from(rng.below(6))).filter(|state| *state < 5);
        let guess = rng.below(4) == 0;
        let from = edges.get(&(group, of)).copied();
        let from = if guess { state(&mut rng) } else { from };
        let to = state(&mut rng);
        let delete = rng.below(20) == 0;
        let context = format!("seed {seed}, step {step}: {group} {of} {from:?} {to:?}");
        if delete && there[&of] {
            let (id, tombstone_time) = (user(of), UnixMillis(step));
            commit(store, AccountOp::Delete { id, tombstone_time }).unwrap();
            there.insert(of, false);
        } else {
            let outcome = commit(store, turn(group, of, from, to, step));
            let now = edges.get(&(group, of)).copied();
            let members = edges
                .iter()
                .filter(|((at, _), state)| *at == group && **state <= 2);
            let owners = edges
                .iter()
                .filter(|((at, whose), state)| (*at, **state) == (group, OWNER) && *whose != of);
            let is_member = |state: Option<i64>| state.is_some_and(|state| state <= 2);
            let joins = !is_member(from) && is_member(to);
            let conflict = if found(store, group).is_none() {
                Some(Conflict::Missing)
            } else if from != now && (from, to) != (None, None) {
                Some(Conflict::Changed)
            } else if from.is_none() && to.is_some() && !there[&of] {
                Some(Conflict::Missing)
            } else if joins && members.count() >= 3 {
                Some(Conflict::GroupFull)
            } else if from == Some(OWNER) && to != from && owners.count() == 0 {
                Some(Conflict::LastOwner)
            } else {
                None
            };
            match conflict {
                Some(conflict) => assert_eq!(outcome, Err((0, conflict)), "{context}"),
                None => assert!(outcome.is_ok(), "{context}: {outcome:?}"),
            }
        }
        // What deletions do is looked at in a test of its own; here the store's own edges are the truth.
        edges.clear();
        for number in 1..=2 {
            let states = states(store, number);
            let members = states.iter().filter(|(_, state)| *state <= 2).count();
            if let Some(row) = found(store, number) {
                assert_eq!(row.edge_count, members as u64, "{context}");
            } else {
                assert_eq!(states, [], "{context}");
            }
            for (of, state) in states {
                let of = (1..=PEOPLE).find(|number| user(*number) == of).unwrap();
                edges.insert((number, of), state);
            }
        }
    }
}
