//! Groups: their rules, limits and lists, many at once, and beside a naive model.

mod model;

use tagus_base::{UnixMillis, UserId, Uuid};
use tagus_players::{
    Asker, Chat, GROUP_MEMBERS_MAX, GROUP_METADATA_BYTES_MAX, GROUP_USERS_MAX, Group, GroupFilter,
    GroupRole, GroupUpdate, GroupVerb, Groups, Kind, NewGroup, Notifications, PlayersError, Push,
    channel_message_code, group_channel, notification_code,
};
use tagus_store::{AccountOp, AccountRow, SqliteConfig, Store, block_on};

use crate::house::{NOW, random};

use GroupRole::{Admin, Banned, JoinRequest, Member, Superadmin};

fn user(number: u8) -> UserId {
    UserId(Uuid([number; 16]))
}

fn people(store: &Store, count: u8) {
    for number in 1..=count {
        let row = AccountRow::new(user(number), format!("user{number}"), NOW);
        let insert = AccountOp::Insert(Box::new(row));
        store.commit_blocking(insert.into()).unwrap();
    }
}

fn delete(store: &Store, number: u8) {
    let (id, tombstone_time) = (user(number), NOW);
    let delete = AccountOp::Delete { id, tombstone_time };
    store.commit_blocking(delete.into()).unwrap();
}

fn groups(store: &Store) -> Groups {
    let notifications = Notifications::new(store.clone(), random(5));
    let chat = Chat::new(store.clone(), random(6), notifications.clone());
    Groups::new(store.clone(), notifications, chat, random(7))
}

fn asker(number: u8) -> Asker<'static> {
    Asker {
        user_id: user(number),
        username: "somebody",
    }
}

fn new(name: &str) -> NewGroup {
    NewGroup {
        name: name.to_owned(),
        open: true,
        ..NewGroup::default()
    }
}

fn create(groups: &Groups, new: NewGroup) -> Group {
    block_on(groups.create(NOW, user(1), new)).unwrap()
}

fn join(groups: &Groups, id: Uuid, number: u8) -> Result<(), PlayersError> {
    block_on(groups.join(NOW, asker(number), id, &mut Vec::new()))
}

fn change(
    groups: &Groups,
    id: Uuid,
    caller: u8,
    verb: GroupVerb,
    users: &[u8],
) -> Result<(), PlayersError> {
    let users: Vec<UserId> = users.iter().map(|number| user(*number)).collect();
    let caller = (caller > 0).then(|| user(caller));
    block_on(groups.change(NOW, caller, id, (verb, &users), &mut Vec::new()))
}

fn role(groups: &Groups, id: Uuid, number: u8) -> Option<GroupRole> {
    block_on(groups.role(id, user(number))).unwrap()
}

fn count(groups: &Groups, id: Uuid) -> i32 {
    block_on(groups.get(&[id])).unwrap()[0].edge_count
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, PlayersError>, kind: Kind, message: &str) {
    let error = result.unwrap_err();
    assert_eq!((error.kind(), error.client_message()), (kind, message));
}

#[test]
fn a_group_has_its_makers_wishes_and_its_defaults() {
    let store = Store::memory().unwrap();
    people(&store, 1);
    let groups = groups(&store);
    let made = create(&groups, new("Otters"));
    let expected = Group {
        id: made.id,
        creator_id: user(1),
        name: "Otters".to_owned(),
        description: String::new(),
        lang_tag: "en".to_owned(),
        metadata: "{}".to_owned(),
        avatar_url: String::new(),
        open: true,
        edge_count: 1,
        max_count: 100,
        created_at: NOW,
        updated_at: NOW,
    };
    assert_eq!(made, expected);
    let found = block_on(groups.get(&[made.id, Uuid([9; 16])])).unwrap();
    assert_eq!(found, [expected]);
    assert_eq!(role(&groups, made.id, 1), Some(Superadmin));
    let taken = block_on(groups.create(NOW, user(1), new("Otters")));
    refused(taken, Kind::AlreadyExists, "Group name is in use.");
    let nobody = block_on(groups.create(NOW, user(9), new("Minks")));
    refused(nobody, Kind::NotFound, "User not found.");
    let nobody = block_on(groups.list(GroupFilter::default(), 10, "")).unwrap();
    assert_eq!(
        nobody.groups.len(),
        1,
        "nothing is left of the refused ones"
    );
}

#[test]
fn texts_and_numbers_have_limits() {
    let store = Store::memory().unwrap();
    people(&store, 1);
    let groups = groups(&store);
    let object = |bytes: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(bytes - 8));
    type Set = fn(&mut NewGroup, String);
    let texts: [(Set, usize, usize, &str); 5] = [
        (
            |new, text| new.name = text,
            1,
            255,
            "Group name invalid, must be 1-255 bytes.",
        ),
        (
            |new, text| new.description = text,
            0,
            255,
            "Group description invalid, must be at most 255 bytes.",
        ),
        (
            |new, text| new.lang_tag = text,
            0,
            18,
            "Group language tag invalid, must be at most 18 bytes.",
        ),
        (
            |new, text| new.avatar_url = text,
            0,
            512,
            "Group avatar URL invalid, must be at most 512 bytes.",
        ),
        (
            |new, text| new.metadata = text,
            8,
            GROUP_METADATA_BYTES_MAX,
            "Group metadata must be a JSON object of at most 16384 bytes.",
        ),
    ];
    for (at, (set, least, most, message)) in texts.into_iter().enumerate() {
        let text = |bytes: usize| {
            if at == 4 {
                object(bytes)
            } else {
                "n".repeat(bytes)
            }
        };
        for bytes in [least, most] {
            let mut good = new(&format!("{at} {bytes}"));
            set(&mut good, text(bytes));
            create(&groups, good);
        }
        let mut bad = new(&format!("{at}"));
        set(&mut bad, text(most + 1));
        let made = block_on(groups.create(NOW, user(1), bad));
        refused(made, Kind::InvalidArgument, message);
    }
    let nameless = block_on(groups.create(NOW, user(1), new("")));
    refused(nameless, Kind::InvalidArgument, texts[0].3);
    for metadata in ["[]", "{", "7", "{}x"] {
        let bad = NewGroup {
            metadata: metadata.to_owned(),
            ..new("bad")
        };
        let made = block_on(groups.create(NOW, user(1), bad));
        refused(made, Kind::InvalidArgument, texts[4].3);
    }
    for (max_count, good) in [
        (1, true),
        (GROUP_MEMBERS_MAX, true),
        (-1, false),
        (GROUP_MEMBERS_MAX + 1, false),
    ] {
        let wish = NewGroup {
            max_count,
            ..new(&format!("{max_count}"))
        };
        let made = block_on(groups.create(NOW, user(1), wish));
        if good {
            assert_eq!(made.unwrap().max_count, max_count);
        } else {
            let message = "Max count invalid, must be between 1 and 1000000.";
            refused(made, Kind::InvalidArgument, message);
        }
    }
}

#[test]
fn admins_update_and_superadmins_delete() {
    let store = Store::memory().unwrap();
    people(&store, 4);
    let groups = groups(&store);
    let id = create(&groups, new("Otters")).id;
    create(&groups, new("Minks"));
    for number in 2..=3 {
        join(&groups, id, number).unwrap();
    }
    change(&groups, id, 1, GroupVerb::Promote, &[2]).unwrap();
    let update = |caller: Option<u8>, update: GroupUpdate| {
        block_on(groups.update(UnixMillis(NOW.0 + 1), caller.map(user), id, update))
    };
    let named = |name: &str| GroupUpdate {
        name: Some(name.to_owned()),
        ..GroupUpdate::default()
    };
    let not_allowed = "Group not found or you're not allowed to update.";
    for caller in [3, 4, 9] {
        let updated = update(Some(caller), named("X"));
        refused(updated, Kind::NotFound, not_allowed);
    }
    update(Some(2), named("Sea otters")).unwrap();
    update(None, named("Sea otters")).unwrap();
    let found = block_on(groups.get(&[id])).unwrap();
    assert_eq!(found[0].name, "Sea otters");
    assert_eq!(found[0].updated_at, UnixMillis(NOW.0 + 1));
    let taken = update(Some(1), named("Minks"));
    refused(taken, Kind::AlreadyExists, "Group name is in use.");
    let nothing = update(Some(1), GroupUpdate::default());
    let message = "Specify at least one field to update.";
    refused(nothing, Kind::InvalidArgument, message);
    let of_count = |max_count| GroupUpdate {
        max_count: Some(max_count),
        ..GroupUpdate::default()
    };
    let message = "Max count invalid, must not be less than the number of members.";
    let few = update(None, of_count(2));
    refused(few, Kind::InvalidArgument, message);
    update(None, of_count(3)).unwrap();
    refused(
        join(&groups, id, 4),
        Kind::InvalidArgument,
        "Group is full.",
    );

    let mut out = Vec::new();
    let not_allowed = "Group not found or you're not allowed to delete.";
    for caller in [2, 3, 4] {
        let deleted = block_on(groups.delete(Some(user(caller)), id, &mut out));
        refused(deleted, Kind::NotFound, not_allowed);
    }
    block_on(groups.delete(Some(user(1)), id, &mut out)).unwrap();
    let stream = group_channel(id);
    assert_eq!(out, [Push::Close { stream }]);
    let again = block_on(groups.delete(None, id, &mut out));
    refused(again, Kind::NotFound, not_allowed);
    refused(join(&groups, id, 4), Kind::NotFound, "Group not found.");
    assert_eq!(role(&groups, id, 1), None);
    update(Some(1), named("Y")).unwrap_err();
}

#[test]
fn a_request_to_join_is_told_and_answered() {
    let store = Store::memory().unwrap();
    people(&store, 3);
    let groups = groups(&store);
    let closed = NewGroup {
        open: false,
        ..new("Otters")
    };
    let id = create(&groups, closed).id;
    let mut out = Vec::new();
    let two = Asker {
        user_id: user(2),
        username: "user2",
    };
    for _ in 0..2 {
        block_on(groups.join(NOW, two, id, &mut out)).unwrap();
    }
    assert_eq!(role(&groups, id, 2), Some(JoinRequest));
    assert_eq!(count(&groups, id), 1);
    let [Push::Notification(asked)] = &out[..] else {
        panic!("{out:?}");
    };
    assert_eq!(asked.user_id, user(1));
    assert_eq!(asked.code, notification_code::GROUP_JOIN_REQUEST);
    assert_eq!(asked.sender_id, Some(user(2)));
    assert_eq!(asked.subject, "User user2 wants to join your group");
    let content = format!(r#"{{"group_id":"{id}","username":"user2"}}"#);
    assert_eq!(asked.content, content);
    assert!(asked.persistent);

    out.clear();
    let add = (GroupVerb::Add, &[user(2)][..]);
    block_on(groups.change(NOW, Some(user(1)), id, add, &mut out)).unwrap();
    let [Push::ChannelMessage(message), Push::Notification(added)] = &out[..] else {
        panic!("{out:?}");
    };
    assert_eq!(message.channel, group_channel(id));
    assert_eq!(message.code, channel_message_code::GROUP_ADD);
    assert_eq!((message.sender_id, &*message.username), (user(2), "user2"));
    assert_eq!((&*message.content, message.persistent), ("{}", true));
    assert_eq!(added.user_id, user(2));
    assert_eq!(added.code, notification_code::GROUP_ADD);
    assert_eq!(added.sender_id, Some(user(1)));
    assert_eq!(added.subject, "You've been added to group Otters");
    let content = format!(r#"{{"group_id":"{id}","name":"Otters"}}"#);
    assert_eq!(added.content, content);
    assert_eq!(count(&groups, id), 2);

    // A group that opens takes those in who ask again.
    join(&groups, id, 3).unwrap();
    let open = GroupUpdate {
        open: Some(true),
        ..GroupUpdate::default()
    };
    block_on(groups.update(NOW, None, id, open)).unwrap();
    assert_eq!(role(&groups, id, 3), Some(JoinRequest));
    join(&groups, id, 3).unwrap();
    assert_eq!(role(&groups, id, 3), Some(Member));
}

#[test]
fn a_change_of_many_is_all_or_nothing() {
    let store = Store::memory().unwrap();
    people(&store, 6);
    let groups = groups(&store);
    let small = NewGroup {
        max_count: 4,
        ..new("Otters")
    };
    let id = create(&groups, small).id;
    let full = change(&groups, id, 1, GroupVerb::Add, &[2, 3, 4, 5]);
    refused(full, Kind::InvalidArgument, "Group is full.");
    assert_eq!(count(&groups, id), 1);
    change(&groups, id, 1, GroupVerb::Add, &[2, 3, 3, 2]).unwrap();
    assert_eq!(count(&groups, id), 3);
    let unknown = change(&groups, id, 1, GroupVerb::Kick, &[2, 9]);
    refused(unknown, Kind::NotFound, "User not found.");
    change(&groups, id, 1, GroupVerb::Promote, &[2, 3]).unwrap();
    change(&groups, id, 1, GroupVerb::Add, &[4]).unwrap();
    let message = "Only users of a lower role may be changed.";
    let equal = change(&groups, id, 2, GroupVerb::Kick, &[4, 3]);
    refused(equal, Kind::PermissionDenied, message);
    assert_eq!(role(&groups, id, 4), Some(Member));
    let many = vec![2; GROUP_USERS_MAX + 1];
    let many = change(&groups, id, 1, GroupVerb::Kick, &many);
    let message = "At most 80 users may be changed at once.";
    refused(many, Kind::InvalidArgument, message);
    change(&groups, id, 1, GroupVerb::Kick, &[2; GROUP_USERS_MAX]).unwrap();
    for (verb, message) in [
        (GroupVerb::Kick, "Cannot kick self."),
        (GroupVerb::Ban, "Cannot ban self."),
    ] {
        let own = change(&groups, id, 1, verb, &[3, 1]);
        refused(own, Kind::InvalidArgument, message);
    }
    let message = "Cannot demote the last superadmin.";
    let last = change(&groups, id, 1, GroupVerb::Demote, &[1]);
    refused(last, Kind::InvalidArgument, message);
    let message = "Cannot remove the last superadmin.";
    let last = change(&groups, id, 0, GroupVerb::Kick, &[1]);
    refused(last, Kind::InvalidArgument, message);
    let left = block_on(groups.leave(NOW, asker(1), id, &mut Vec::new()));
    let message = "Cannot leave group when you are the last superadmin.";
    refused(left, Kind::InvalidArgument, message);
}

/// The greatest request that is allowed fits into one batch.
#[test]
fn as_many_as_allowed_are_added_at_once() {
    let store = Store::memory().unwrap();
    let most = u8::try_from(GROUP_USERS_MAX).unwrap() + 1;
    people(&store, most);
    let groups = groups(&store);
    let id = create(&groups, new("Otters")).id;
    let users: Vec<u8> = (2..=most).collect();
    change(&groups, id, 1, GroupVerb::Add, &users).unwrap();
    assert_eq!(count(&groups, id), i32::from(most));
    change(&groups, id, 1, GroupVerb::Ban, &users).unwrap();
    assert_eq!(count(&groups, id), 1);
}

#[test]
fn one_of_many_gets_the_last_place() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(SqliteConfig::new(folder.path().join("tagus.db"))).unwrap();
    people(&store, 65);
    let groups = groups(&store);
    let pair = NewGroup {
        max_count: 2,
        ..new("Otters")
    };
    let id = create(&groups, pair).id;
    let results = at_once(2..=65, |number| join(&groups, id, number));
    let joined = results.iter().filter(|result| result.is_ok()).count();
    assert_eq!((joined, results.len()), (1, 64));
    for error in results.into_iter().filter(Result::is_err) {
        refused(error, Kind::InvalidArgument, "Group is full.");
    }
    assert_eq!(count(&groups, id), 2);
}

#[test]
fn two_last_superadmins_do_not_both_leave() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(SqliteConfig::new(folder.path().join("tagus.db"))).unwrap();
    people(&store, 2);
    let groups = groups(&store);
    for round in 0..10 {
        let id = create(&groups, new(&format!("round {round}"))).id;
        join(&groups, id, 2).unwrap();
        for _ in 0..2 {
            change(&groups, id, 0, GroupVerb::Promote, &[2]).unwrap();
        }
        let results = at_once(1..=2, |number| {
            block_on(groups.leave(NOW, asker(number), id, &mut Vec::new()))
        });
        let left = results.iter().filter(|result| result.is_ok()).count();
        assert_eq!((left, count(&groups, id)), (1, 1));
    }
}

/// What each of them got when all act at once.
fn at_once<T: Send>(numbers: std::ops::RangeInclusive<u8>, act: impl Fn(u8) -> T + Sync) -> Vec<T> {
    let start = std::sync::Barrier::new(numbers.len());
    std::thread::scope(|scope| {
        let actors: Vec<_> = numbers
            .map(|number| {
                let (start, act) = (&start, &act);
                scope.spawn(move || {
                    start.wait();
                    act(number)
                })
            })
            .collect();
        let actors = actors.into_iter();
        actors.map(|actor| actor.join().unwrap()).collect()
    })
}

#[test]
fn lists_have_filters_and_cursors() {
    let store = Store::memory().unwrap();
    people(&store, 3);
    let groups = groups(&store);
    let mut ids = Vec::new();
    for (name, lang_tag, open) in [
        ("Otters", "en", true),
        ("otter fans", "pt", true),
        ("Minks", "en", false),
    ] {
        let wish = NewGroup {
            lang_tag: lang_tag.to_owned(),
            open,
            ..new(name)
        };
        ids.push(create(&groups, wish).id);
    }
    change(&groups, ids[1], 0, GroupVerb::Add, &[2, 3]).unwrap();
    let list =
        |filter: GroupFilter<'_>, limit, cursor: &str| block_on(groups.list(filter, limit, cursor));
    let names = |filter: GroupFilter<'_>| {
        let (mut names, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = list(filter, 1, &cursor).unwrap();
            names.extend(page.groups.into_iter().map(|group| group.name));
            if page.cursor.is_empty() {
                return names;
            }
            cursor = page.cursor;
        }
    };
    let any = GroupFilter::default();
    assert_eq!(names(any).len(), 3);
    assert_eq!(names(any)[0], "otter fans");
    let name = |name| GroupFilter { name, ..any };
    assert_eq!(names(name("otters")), ["Otters"]);
    assert_eq!(names(name("OTTER%")), ["otter fans", "Otters"]);
    assert_eq!(names(name("otter")), [""; 0]);
    assert_eq!(names(name("%")), ["Minks", "otter fans", "Otters"]);
    let english = GroupFilter {
        lang_tag: "en",
        ..any
    };
    let closed = GroupFilter {
        open: Some(false),
        ..english
    };
    let lonely = GroupFilter {
        members: Some(2),
        open: Some(true),
        ..any
    };
    assert_eq!(names(english).len(), 2);
    assert_eq!(names(closed), ["Minks"]);
    assert_eq!(names(lonely), ["Otters"]);

    let message = "The name filter cannot be combined with any other filter.";
    let both = GroupFilter {
        name: "Otters",
        ..closed
    };
    refused(list(both, 10, ""), Kind::InvalidArgument, message);
    let nobody = GroupFilter {
        members: Some(0),
        ..any
    };
    let message = "Invalid members - members must be at least 1.";
    refused(list(nobody, 10, ""), Kind::InvalidArgument, message);
    let message = "Invalid limit - limit must be between 1 and 100.";
    for limit in [0, -1, 101] {
        refused(list(any, limit, ""), Kind::InvalidArgument, message);
        let users = block_on(groups.list_users(ids[0], limit, None, ""));
        refused(users, Kind::InvalidArgument, message);
        let of_user = block_on(groups.list_of(user(1), limit, None, ""));
        refused(of_user, Kind::InvalidArgument, message);
    }
    list(any, 100, "").unwrap();

    // A cursor is good for the list that it comes from.
    let malformed = "Malformed cursor was used.";
    let cursor = list(english, 1, "").unwrap().cursor;
    let named = list(name("otter%"), 1, "").unwrap().cursor;
    let users = block_on(groups.list_users(ids[1], 1, None, ""))
        .unwrap()
        .cursor;
    let of_user = block_on(groups.list_of(user(1), 1, None, ""))
        .unwrap()
        .cursor;
    for wrong in ["x", &named, &users, &of_user] {
        refused(list(english, 1, wrong), Kind::InvalidArgument, malformed);
    }
    refused(list(any, 1, &cursor), Kind::InvalidArgument, malformed);
    refused(
        list(name("otters"), 1, &named),
        Kind::InvalidArgument,
        malformed,
    );
    let foreign = block_on(groups.list_users(ids[0], 1, None, &users));
    refused(foreign, Kind::InvalidArgument, malformed);
    let of_role = block_on(groups.list_users(ids[1], 1, Some(Member), &users));
    refused(of_role, Kind::InvalidArgument, malformed);
    let foreign = block_on(groups.list_of(user(2), 1, None, &of_user));
    refused(foreign, Kind::InvalidArgument, malformed);
}

#[test]
fn users_and_their_groups_are_listed_by_role() {
    let store = Store::memory().unwrap();
    people(&store, 5);
    let groups = groups(&store);
    let id = create(&groups, new("Otters")).id;
    let closed = NewGroup {
        open: false,
        ..new("Minks")
    };
    let other = create(&groups, closed).id;
    for number in 2..=5 {
        join(&groups, id, number).unwrap();
    }
    join(&groups, other, 3).unwrap();
    change(&groups, id, 1, GroupVerb::Promote, &[4]).unwrap();
    change(&groups, id, 1, GroupVerb::Ban, &[5]).unwrap();
    let users = |role| {
        let (mut users, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = block_on(groups.list_users(id, 2, role, &cursor)).unwrap();
            users.extend(page.users.into_iter().map(|one| (one.user.id, one.role)));
            if page.cursor.is_empty() {
                return users;
            }
            cursor = page.cursor;
        }
    };
    let all = [
        (user(1), Superadmin),
        (user(4), Admin),
        (user(2), Member),
        (user(3), Member),
    ];
    assert_eq!(users(None), all);
    assert_eq!(users(Some(Member)), all[2..]);
    assert_eq!(users(Some(Banned)), [(user(5), Banned)]);
    let nowhere = block_on(groups.list_users(Uuid([9; 16]), 2, None, ""));
    refused(nowhere, Kind::NotFound, "Group not found.");

    let of_user = |number, role| {
        let page = block_on(groups.list_of(user(number), 10, role, "")).unwrap();
        let groups = page.groups.into_iter();
        groups
            .map(|one| (one.group.id, one.role))
            .collect::<Vec<_>>()
    };
    assert_eq!(of_user(3, None), [(id, Member), (other, JoinRequest)]);
    assert_eq!(of_user(3, Some(JoinRequest)), [(other, JoinRequest)]);
    assert_eq!(of_user(5, None), []);
    assert_eq!(of_user(9, None), []);
    let exported = |number| {
        let all = block_on(groups.export(user(number))).unwrap().into_iter();
        all.map(|one| (one.group.id, one.role)).collect::<Vec<_>>()
    };
    assert_eq!(exported(5), [(id, Banned)]);
    assert_eq!(exported(3), [(id, Member), (other, JoinRequest)]);
}
