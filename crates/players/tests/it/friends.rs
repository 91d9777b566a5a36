//! Friends and notifications, alone and beside a naive model.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use tagus_base::{UnixMillis, UserId, Uuid};
use tagus_players::{
    Asker, FriendState, Friends, Kind, NewNotification, Notifications, PlayersError, Push,
    direct_channel, notification_code,
};
use tagus_store::{AccountOp, AccountRow, SqliteConfig, Store, block_on};

use crate::house::{NOW, random};

fn user(number: u8) -> UserId {
    UserId(Uuid([number; 16]))
}

fn people(store: &Store, count: u8) {
    for number in 1..=count {
        let row = AccountRow::new(user(number), format!("user{number}"), NOW);
        store
            .commit_blocking(AccountOp::Insert(Box::new(row)).into())
            .unwrap();
    }
}

fn friends(store: &Store) -> (Friends, Notifications) {
    let notifications = Notifications::new(store.clone(), random(5));
    (
        Friends::new(store.clone(), notifications.clone()),
        notifications,
    )
}

fn asker(number: u8) -> Asker<'static> {
    Asker {
        user_id: user(number),
        username: ["", "user1", "user2", "user3"][usize::from(number)],
    }
}

fn codes(pushes: &[Push]) -> Vec<(UserId, i32)> {
    let told = pushes.iter().map(|push| match push {
        Push::Notification(one) => (one.user_id, one.code),
        other => panic!("{other:?}"),
    });
    told.collect()
}

#[test]
fn an_invitation_is_accepted_and_a_friend_removed() {
    let store = Store::memory().unwrap();
    people(&store, 3);
    let (friends, notifications) = friends(&store);
    let state = |one, other| block_on(friends.state(user(one), user(other))).unwrap();
    let mut out = Vec::new();
    let metadata = r#"{"from":"a match"}"#;
    block_on(friends.add(NOW, asker(1), &[user(2)], metadata, &mut out)).unwrap();
    assert_eq!(state(1, 2), Some(FriendState::InviteSent));
    assert_eq!(state(2, 1), Some(FriendState::InviteReceived));
    block_on(friends.add(NOW, asker(1), &[user(2)], "", &mut out)).unwrap();
    block_on(friends.add(NOW, asker(2), &[user(1), user(1)], "", &mut out)).unwrap();
    assert_eq!(state(1, 2), Some(FriendState::Friend));
    assert_eq!(state(2, 1), Some(FriendState::Friend));
    block_on(friends.remove(NOW, asker(1), &[user(2), user(3)], &mut out)).unwrap();
    assert_eq!((state(1, 2), state(2, 1)), (None, None));
    assert_eq!(
        codes(&out),
        [
            (user(2), notification_code::FRIEND_REQUEST),
            (user(1), notification_code::FRIEND_ACCEPT),
            (user(2), notification_code::FRIEND_REMOVE),
        ]
    );
    let kept = block_on(notifications.list(user(2), 10, "")).unwrap();
    let [invitation] = &kept.notifications[..] else {
        panic!("{kept:?}");
    };
    assert_eq!(invitation.subject, "user1 wants to add you as a friend");
    assert_eq!(invitation.content, r#"{"username":"user1"}"#);
    assert_eq!(invitation.sender_id, Some(user(1)));
}

#[test]
fn a_block_ends_everything_and_is_not_told() {
    let store = Store::memory().unwrap();
    people(&store, 2);
    let (friends, _) = friends(&store);
    let state = |one, other| block_on(friends.state(user(one), user(other))).unwrap();
    let mut out = Vec::new();
    block_on(friends.add(NOW, asker(1), &[user(2)], "", &mut out)).unwrap();
    out.clear();
    block_on(friends.block(NOW, asker(2), &[user(1)], &mut out)).unwrap();
    block_on(friends.add(NOW, asker(1), &[user(2)], "", &mut out)).unwrap();
    block_on(friends.remove(NOW, asker(1), &[user(2)], &mut out)).unwrap();
    assert_eq!(
        (state(1, 2), state(2, 1)),
        (None, Some(FriendState::Blocked))
    );
    block_on(friends.block(NOW, asker(1), &[user(2)], &mut out)).unwrap();
    block_on(friends.remove(NOW, asker(2), &[user(1)], &mut out)).unwrap();
    assert_eq!(
        (state(1, 2), state(2, 1)),
        (Some(FriendState::Blocked), None)
    );
    let kick = |number| Push::Kick {
        stream: direct_channel(user(1), user(2)),
        user_id: user(number),
    };
    // Only that the two no longer chat shows.
    assert_eq!(out, [kick(2), kick(1), kick(1), kick(2)]);
}

fn refusal<T: std::fmt::Debug>(result: Result<T, PlayersError>) -> (Kind, &'static str) {
    let error = result.unwrap_err();
    (error.kind(), error.client_message())
}

#[test]
fn wrong_input_changes_nothing() {
    let store = Store::memory().unwrap();
    people(&store, 2);
    let (friends, notifications) = friends(&store);
    let mut out = Vec::new();
    let mut add = |others: &[UserId], metadata: &str| {
        refusal(block_on(friends.add(
            NOW,
            asker(1),
            others,
            metadata,
            &mut out,
        )))
    };
    let invalid = Kind::InvalidArgument;
    assert_eq!(add(&[user(1)], ""), (invalid, "Cannot add self as friend."));
    assert_eq!(
        add(&[user(2), user(9)], ""),
        (Kind::NotFound, "User not found.")
    );
    assert_eq!(add(&[user(2)], "[]").0, invalid);
    let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(2_048));
    assert_eq!(add(&[user(2)], &long).0, invalid);
    assert_eq!(add(&vec![user(2); 101], "").0, invalid);
    assert_eq!(out, []);
    let list =
        |limit, state, cursor| refusal(block_on(friends.list(user(1), limit, state, cursor))).0;
    for (limit, state, cursor) in [
        (0, None, ""),
        (1_001, None, ""),
        (1, Some(4), ""),
        (1, None, "x"),
    ] {
        assert_eq!(
            list(limit, state, cursor),
            invalid,
            "{limit} {state:?} {cursor}"
        );
    }
    let sent = |subject: &str, content: &str, code| {
        let one = NewNotification {
            user_id: user(1),
            subject: subject.to_owned(),
            content: content.to_owned(),
            code,
            sender_id: None,
            persistent: true,
        };
        refusal(block_on(notifications.send(
            NOW,
            vec![one],
            &mut Vec::new(),
        )))
        .0
    };
    assert_eq!(sent("", "{}", 1), invalid);
    assert_eq!(sent(&"s".repeat(256), "{}", 1), invalid);
    assert_eq!(sent("s", "7", 1), invalid);
    assert_eq!(sent("s", "{}", 0), invalid);
    let cursor = refusal(block_on(notifications.list(user(1), 1, "AAAA")));
    assert_eq!(cursor, (invalid, "Malformed cursor was used."));
}

#[test]
fn pages_show_each_entry_once_and_only_their_own_listing() {
    let store = Store::memory().unwrap();
    people(&store, 9);
    let (friends, notifications) = friends(&store);
    let others: Vec<UserId> = (2..=9).map(user).collect();
    block_on(friends.add(NOW, asker(1), &others, "", &mut Vec::new())).unwrap();
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = block_on(friends.list(user(1), 3, None, &cursor)).unwrap();
        seen.extend(page.friends.iter().map(|friend| friend.user.id));
        cursor = page.cursor;
        if cursor.is_empty() {
            break;
        }
        assert!(
            block_on(friends.list(user(1), 3, Some(1), &cursor)).is_err(),
            "a cursor of another filter"
        );
    }
    seen.sort_unstable();
    assert_eq!(seen, others);

    let one = |number: u8| NewNotification {
        user_id: user(1),
        subject: format!("{number}"),
        content: "{}".to_owned(),
        code: 1,
        sender_id: None,
        persistent: number != 2,
    };
    let send = |at, number| {
        let now = UnixMillis(at);
        let mut out = Vec::new();
        block_on(notifications.send(now, vec![one(number)], &mut out)).unwrap();
        assert_eq!(out.len(), 1);
    };
    send(10, 1);
    send(11, 2);
    let first = block_on(notifications.list(user(1), 10, "")).unwrap();
    assert_eq!(
        first.notifications.len(),
        1,
        "one was only for the connected"
    );
    send(12, 3);
    let since = block_on(notifications.list(user(1), 10, &first.cacheable_cursor)).unwrap();
    assert_eq!(since.notifications[0].subject, "3");
    let none = block_on(notifications.list(user(1), 10, &since.cacheable_cursor)).unwrap();
    assert_eq!(none.cacheable_cursor, since.cacheable_cursor);
}

#[test]
fn both_invite_at_once_and_become_friends() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(SqliteConfig::new(folder.path().join("db"))).unwrap();
    people(&store, 2);
    let friends = Arc::new(friends(&store).0);
    for _ in 0..20 {
        let told: usize = std::thread::scope(|scope| {
            let add = |one: u8, other: u8| {
                let friends = friends.clone();
                scope.spawn(move || {
                    let mut out = Vec::new();
                    block_on(friends.add(NOW, asker(one), &[user(other)], "", &mut out)).unwrap();
                    out.len()
                })
            };
            let (one, other) = (add(1, 2), add(2, 1));
            one.join().unwrap() + other.join().unwrap()
        });
        assert_eq!(told, 2, "one invitation and one acceptance");
        for (one, other) in [(1, 2), (2, 1)] {
            let state = block_on(friends.state(user(one), user(other))).unwrap();
            assert_eq!(state, Some(FriendState::Friend));
        }
        block_on(friends.remove(NOW, asker(1), &[user(2)], &mut Vec::new())).unwrap();
    }
}

#[derive(Clone, Copy, Debug)]
enum Verb {
    Add,
    Remove,
    Block,
}

/// What a person wants of another, in the plainest words: who invited, who is friends with, who blocked whom.
#[derive(Default)]
struct Model {
    invited: BTreeMap<(u8, u8), ()>,
    friends: BTreeMap<(u8, u8), ()>,
    blocked: BTreeMap<(u8, u8), ()>,
}

impl Model {
    fn apply(&mut self, verb: Verb, one: u8, other: u8) {
        let pair = (one.min(other), one.max(other));
        match verb {
            Verb::Add => {
                let hindered = self.blocked.contains_key(&(one, other))
                    || self.blocked.contains_key(&(other, one));
                if hindered || self.friends.contains_key(&pair) {
                    return;
                }
                if self.invited.remove(&(other, one)).is_some() {
                    self.friends.insert(pair, ());
                } else {
                    self.invited.insert((one, other), ());
                }
            }
            Verb::Remove => {
                self.end(pair);
                self.blocked.remove(&(one, other));
            }
            Verb::Block => {
                self.end(pair);
                self.blocked.insert((one, other), ());
            }
        }
    }

    fn end(&mut self, (one, other): (u8, u8)) {
        self.friends.remove(&(one, other));
        self.invited.remove(&(one, other));
        self.invited.remove(&(other, one));
    }

    fn state(&self, one: u8, other: u8) -> Option<FriendState> {
        if self.blocked.contains_key(&(one, other)) {
            return Some(FriendState::Blocked);
        }
        if self.friends.contains_key(&(one.min(other), one.max(other))) {
            return Some(FriendState::Friend);
        }
        if self.invited.contains_key(&(one, other)) {
            return Some(FriendState::InviteSent);
        }
        let asked = self.invited.contains_key(&(other, one));
        asked.then_some(FriendState::InviteReceived)
    }
}

fn steps() -> impl Strategy<Value = Vec<(Verb, u8, u8)>> {
    let verb = prop_oneof![3 => Just(Verb::Add), 2 => Just(Verb::Remove), 1 => Just(Verb::Block)];
    let step = (verb, 1..=3_u8, 1..=3_u8).prop_filter("two people", |step| step.1 != step.2);
    proptest::collection::vec(step, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn edges_are_what_people_want(steps in steps()) {
        let store = Store::memory().unwrap();
        people(&store, 3);
        let (friends, _) = friends(&store);
        let mut model = Model::default();
        for (verb, one, other) in steps {
            let (asker, others, mut out) = (asker(one), [user(other)], Vec::new());
            match verb {
                Verb::Add => block_on(friends.add(NOW, asker, &others, "", &mut out)).unwrap(),
                Verb::Remove => block_on(friends.remove(NOW, asker, &others, &mut out)).unwrap(),
                Verb::Block => block_on(friends.block(NOW, asker, &others, &mut out)).unwrap(),
            }
            model.apply(verb, one, other);
            for (one, other) in [(1, 2), (1, 3), (2, 3), (2, 1), (3, 1), (3, 2)] {
                let state = block_on(friends.state(user(one), user(other))).unwrap();
                prop_assert_eq!(state, model.state(one, other), "{} to {}", one, other);
            }
        }
    }
}
