//! Chat: who may speak where, what is said, and its history beside a naive model.

use proptest::prelude::*;
use tagus_base::{UnixMillis, UserId, Uuid};
use tagus_players::{
    Asker, ChannelMessage, ChannelMessageChange, ChannelPage, Chat, Friends, GroupVerb, Groups,
    Kind, NewChannelMessage, NewGroup, Notifications, PlayersError, Push, StreamId, StreamMode,
    channel_message_code, direct_channel, group_channel, notification_code, read_channel_id,
};
use tagus_store::{AccountOp, AccountPatch, AccountRow, Batch, Store, block_on};

use crate::house::{NOW, random};

struct Place {
    store: Store,
    notifications: Notifications,
    chat: Chat,
}

impl Place {
    fn new() -> Self {
        let store = Store::memory().unwrap();
        for number in 1..=4 {
            let row = AccountRow::new(user(number), format!("user{number}"), NOW);
            let insert = AccountOp::Insert(Box::new(row));
            store.commit_blocking(insert.into()).unwrap();
        }
        let notifications = Notifications::new(store.clone(), random(5));
        Self {
            chat: Chat::new(store.clone(), random(6), notifications.clone()),
            notifications,
            store,
        }
    }

    fn say(&self, channel: &StreamId, author: u8, content: &str) -> ChannelMessage {
        let mut out = Vec::new();
        let sent = self
            .chat
            .send(NOW, channel, said(author, content, true), &mut out);
        let message = block_on(sent).unwrap();
        assert_eq!(out, [Push::ChannelMessage(message.clone())]);
        message
    }

    fn list(&self, channel: &StreamId, limit: i32, forward: bool, cursor: &str) -> ChannelPage {
        block_on(self.chat.list(channel, limit, forward, cursor)).unwrap()
    }
}

fn user(number: u8) -> UserId {
    UserId(Uuid([number; 16]))
}

fn asker(number: u8) -> Asker<'static> {
    Asker {
        user_id: user(number),
        username: ["", "user1", "user2", "user3", "user4"][usize::from(number)],
    }
}

fn said(author: u8, content: &str, persistent: bool) -> NewChannelMessage<'static> {
    NewChannelMessage {
        author: Some(asker(author)),
        content: content.to_owned(),
        persistent,
    }
}

fn which(channel: &StreamId, id: Uuid, by: Option<UserId>) -> ChannelMessageChange<'_> {
    ChannelMessageChange { channel, id, by }
}

fn room(name: &str) -> StreamId {
    read_channel_id(&format!("2...{name}")).unwrap()
}

fn refusal<T: std::fmt::Debug>(result: Result<T, PlayersError>) -> (Kind, &'static str) {
    let error = result.unwrap_err();
    (error.kind(), error.client_message())
}

#[test]
fn rooms_are_everybodys_and_direct_channels_the_twos() {
    let place = Place::new();
    let join = |who, channel: &StreamId| block_on(place.chat.check_join(user(who), channel));
    let read = |who, channel: &StreamId| block_on(place.chat.check_read(user(who), channel));
    join(1, &room("lobby")).unwrap();
    let direct = direct_channel(user(1), user(2));
    for who in [1, 2] {
        join(who, &direct).unwrap();
        read(who, &direct).unwrap();
    }
    let foreign = (Kind::InvalidArgument, "Invalid channel ID.");
    assert_eq!(refusal(join(3, &direct)), foreign);
    assert_eq!(refusal(read(3, &direct)), foreign);
    let nobody = direct_channel(user(1), user(9));
    let unknown = (Kind::NotFound, "User not found.");
    assert_eq!(refusal(join(1, &nobody)), unknown);

    let friends = Friends::new(place.store.clone(), place.notifications.clone());
    block_on(friends.block(NOW, asker(2), &[user(1)], &mut Vec::new())).unwrap();
    assert_eq!(refusal(join(1, &direct)), unknown, "none learns of a block");
    let blocked = (
        Kind::FailedPrecondition,
        "A blocked user cannot be chatted with.",
    );
    assert_eq!(refusal(join(2, &direct)), blocked);
    read(1, &direct).unwrap();
    block_on(friends.remove(NOW, asker(2), &[user(1)], &mut Vec::new())).unwrap();
    join(1, &direct).unwrap();
}

#[test]
fn a_groups_channel_is_its_members() {
    let place = Place::new();
    let (notifications, chat) = (place.notifications.clone(), place.chat.clone());
    let groups = Groups::new(place.store.clone(), notifications, chat, random(7));
    let new = NewGroup {
        name: "the closed".to_owned(),
        ..NewGroup::default()
    };
    let group = block_on(groups.create(NOW, user(1), new)).unwrap();
    let channel = group_channel(group.id);
    let check = |who| {
        let join = block_on(place.chat.check_join(user(who), &channel));
        let read = block_on(place.chat.check_read(user(who), &channel));
        assert_eq!(join.is_ok(), read.is_ok());
        join
    };
    let mut out = Vec::new();
    let change = |verb, out: &mut Vec<Push>| {
        let users = [user(2)];
        let changed = groups.change(NOW, None, group.id, (verb, &users), out);
        block_on(changed).unwrap();
    };
    change(GroupVerb::Add, &mut out);
    block_on(groups.join(NOW, asker(3), group.id, &mut out)).unwrap();
    check(1).unwrap();
    check(2).unwrap();
    let refused = (Kind::InvalidArgument, "Group not found.");
    assert_eq!(refusal(check(3)), refused, "who asked to join");
    assert_eq!(refusal(check(4)), refused, "a stranger");
    out.clear();
    change(GroupVerb::Ban, &mut out);
    assert_eq!(refusal(check(2)), refused, "who is banned");
    let kick = Push::Kick {
        stream: channel.clone(),
        user_id: user(2),
    };
    assert!(out.contains(&kick), "{out:?}");

    let kept = place.list(&channel, 10, true, "");
    let kept: Vec<_> = kept
        .messages
        .iter()
        .map(|one| (one.code, one.sender_id))
        .collect();
    let expected = [
        (channel_message_code::GROUP_ADD, user(2)),
        (channel_message_code::GROUP_BAN, user(2)),
    ];
    assert_eq!(kept, expected);
    let nowhere = group_channel(user(9).0);
    let read = block_on(place.chat.check_read(user(1), &nowhere));
    assert_eq!(refusal(read), refused);
}

#[test]
fn an_invitation_to_chat_waits_for_the_other() {
    let place = Place::new();
    let mut out = Vec::new();
    let direct = direct_channel(user(2), user(1));
    block_on(place.chat.invite(NOW, asker(2), &direct, &mut out)).unwrap();
    let [Push::Notification(told)] = &out[..] else {
        panic!("{out:?}");
    };
    assert_eq!(
        (told.user_id, told.code, told.sender_id, told.persistent),
        (user(1), notification_code::DIRECT_CHAT, Some(user(2)), true)
    );
    assert_eq!(told.content, r#"{"username":"user2"}"#);
    let kept = block_on(place.notifications.list(user(1), 10, "")).unwrap();
    assert_eq!(kept.notifications.first(), Some(told));
}

#[test]
fn only_who_wrote_it_changes_a_message() {
    let place = Place::new();
    let (lobby, chat) = (room("lobby"), &place.chat);
    let said = place.say(&lobby, 1, r#"{"text":"first"}"#);
    let later = UnixMillis(NOW.0 + 9);
    let mut out = Vec::new();
    let mut update = |channel: &StreamId, by: Option<UserId>, content: &str| {
        let content = content.to_owned();
        block_on(chat.update(later, which(channel, said.id, by), content, &mut out))
    };
    let not_found = (
        Kind::NotFound,
        "Could not find message to update in channel history.",
    );
    assert_eq!(refusal(update(&lobby, Some(user(2)), "{}")), not_found);
    assert_eq!(
        refusal(update(&room("other"), Some(user(1)), "{}")),
        not_found
    );
    let bad = update(&lobby, Some(user(1)), "7").unwrap_err();
    assert_eq!(bad.kind(), Kind::InvalidArgument);
    let updated = update(&lobby, Some(user(1)), r#"{"text":"second"}"#).unwrap();
    let expected = ChannelMessage {
        code: channel_message_code::UPDATE,
        content: r#"{"text":"second"}"#.to_owned(),
        update_time: later,
        ..said.clone()
    };
    assert_eq!(updated, expected);
    assert_eq!(out, [Push::ChannelMessage(updated.clone())]);
    let kept = place.list(&lobby, 10, true, "").messages;
    let text = channel_message_code::TEXT;
    let read = ChannelMessage {
        code: text,
        ..updated
    };
    assert_eq!(kept, [read]);

    let mut out = Vec::new();
    let mut remove = |by| block_on(chat.remove(later, which(&lobby, said.id, by), &mut out));
    let gone = (
        Kind::NotFound,
        "Could not find message to remove in channel history.",
    );
    assert_eq!(refusal(remove(Some(user(2)))), gone);
    let removed = remove(Some(user(1))).unwrap();
    assert_eq!(
        (removed.code, removed.content.as_str(), removed.create_time),
        (channel_message_code::REMOVE, "{}", NOW)
    );
    assert_eq!(refusal(remove(Some(user(1)))), gone);
    assert_eq!(out, [Push::ChannelMessage(removed)]);
    assert_eq!(place.list(&lobby, 10, true, "").messages, []);
}

#[test]
fn server_code_changes_everything_and_the_servers_words_are_nobody_elses() {
    let place = Place::new();
    let (chat, channel) = (&place.chat, group_channel(user(9).0));
    let (mut ops, mut out) = (Vec::new(), Vec::new());
    let (code, content) = (channel_message_code::GROUP_JOIN, "{}".to_owned());
    chat.prepare_system(
        &channel,
        code,
        user(1),
        "user1",
        content,
        NOW,
        &mut ops,
        &mut out,
    );
    assert_eq!(place.list(&channel, 10, true, "").messages, []);
    let batch = ops.into_iter().collect::<Batch>();
    place.store.commit_blocking(batch).unwrap();
    let kept = place.list(&channel, 10, true, "").messages;
    assert_eq!(out, [Push::ChannelMessage(kept[0].clone())]);
    let id = kept[0].id;
    let mut out = Vec::new();
    let mut update = |by| {
        let content = r#"{"by":"us"}"#.to_owned();
        block_on(chat.update(NOW, which(&channel, id, by), content, &mut out))
    };
    assert!(update(Some(user(1))).is_err());
    update(None).unwrap();
    let mut remove = |by| block_on(chat.remove(NOW, which(&channel, id, by), &mut out));
    assert!(remove(Some(user(1))).is_err());
    remove(None).unwrap();
}

#[test]
fn what_is_not_kept_is_only_heard() {
    let place = Place::new();
    let (lobby, mut out) = (room("lobby"), Vec::new());
    let sent = place.chat.send(NOW, &lobby, said(1, "{}", false), &mut out);
    let sent = block_on(sent).unwrap();
    assert!(!sent.persistent);
    assert_eq!(out, [Push::ChannelMessage(sent.clone())]);
    assert_eq!(place.list(&lobby, 10, true, "").messages, []);
    let (by, mut none) = (Some(user(1)), Vec::new());
    let update = place
        .chat
        .update(NOW, which(&lobby, sent.id, by), "{}".to_owned(), &mut none);
    assert!(block_on(update).is_err());
    assert_eq!(none, []);
}

#[test]
fn contents_and_channels_out_of_range_are_refused() {
    let place = Place::new();
    let lobby = room("lobby");
    let send = |channel: &StreamId, content: &str| {
        let mut out = Vec::new();
        let sent = place
            .chat
            .send(NOW, channel, said(1, content, true), &mut out);
        let sent = block_on(sent);
        assert_eq!(out.len(), usize::from(sent.is_ok()));
        sent
    };
    let longest = format!(r#"{{"t":"{}"}}"#, "x".repeat(16_384 - 8));
    assert_eq!(longest.len(), 16_384);
    send(&lobby, &longest).unwrap();
    let invalid = Kind::InvalidArgument;
    for wrong in [
        "",
        "7",
        "[]",
        "null",
        "\"text\"",
        "{",
        "{} {}",
        "{\"a\":}",
        &format!("{longest} "),
    ] {
        assert_eq!(refusal(send(&lobby, wrong)).0, invalid, "{wrong}");
    }
    let status = StreamId {
        mode: StreamMode::STATUS,
        ..group_channel(user(1).0)
    };
    let refused = (invalid, "Invalid channel ID.");
    assert_eq!(refusal(send(&status, "{}")), refused);
    assert_eq!(place.list(&lobby, 10, true, "").messages.len(), 1);

    let list = |channel: &StreamId, limit, forward, cursor: &str| {
        refusal(block_on(place.chat.list(channel, limit, forward, cursor)))
    };
    let limits = (invalid, "Invalid limit - limit must be between 1 and 100.");
    for limit in [i32::MIN, -1, 0, 101] {
        assert_eq!(list(&lobby, limit, true, ""), limits);
    }
    let seen = place.list(&lobby, 100, true, "").cacheable_cursor;
    let malformed = (invalid, "Malformed cursor was used.");
    for (channel, forward, cursor) in [
        (&lobby, true, "x"),
        (&lobby, true, &seen[1..]),
        (&lobby, false, &seen),
        (&room("other"), true, &seen),
    ] {
        assert_eq!(list(channel, 1, forward, cursor), malformed, "{cursor}");
    }
}

#[test]
fn messages_outlive_names_and_accounts() {
    let place = Place::new();
    let lobby = room("lobby");
    let said = place.say(&lobby, 1, "{}");
    let patch = AccountPatch {
        username: Some("another".to_owned()),
        ..AccountPatch::default()
    };
    let rename = AccountOp::Update {
        id: user(1),
        patch: Box::new(patch),
    };
    place.store.commit_blocking(rename.into()).unwrap();
    let delete = AccountOp::Delete {
        id: user(1),
        tombstone_time: NOW,
    };
    place.store.commit_blocking(delete.into()).unwrap();
    assert_eq!(place.list(&lobby, 1, true, "").messages, [said]);
}

#[test]
fn an_export_has_what_a_user_wrote_and_nothing_else() {
    let place = Place::new();
    let channels = [room("a"), room("b"), direct_channel(user(1), user(2))];
    let mut written = Vec::new();
    for channel in channels.iter().cycle().take(9) {
        written.push(place.say(channel, 1, "{}"));
        place.say(channel, 2, "{}");
    }
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = block_on(place.chat.export(user(1), 2, &cursor)).unwrap();
        assert!(page.0.len() <= 2);
        found.extend(page.0);
        cursor = page.1;
        if cursor.is_empty() {
            break;
        }
    }
    written.sort_by_key(|one| (one.channel.clone(), one.id));
    found.sort_by_key(|one| (one.channel.clone(), one.id));
    assert_eq!(found, written);
    assert!(block_on(place.chat.export(user(1), 101, "")).is_err());
    let foreign = place.list(&room("a"), 1, true, "").next_cursor;
    assert!(block_on(place.chat.export(user(1), 1, &foreign)).is_err());
}

#[derive(Clone, Debug)]
enum Deed {
    Say(u8),
    /// Removes the one at this place among all.
    Remove(usize),
    /// Walks through all pages of this size, there and back.
    Walk(i32, bool),
    /// Asks what came since.
    CatchUp,
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let deed = prop_oneof![
        6 => (0..2_u8).prop_map(Deed::Say),
        2 => any::<usize>().prop_map(Deed::Remove),
        2 => (1..5_i32, any::<bool>()).prop_map(|(limit, forward)| Deed::Walk(limit, forward)),
        1 => Just(Deed::CatchUp),
    ];
    proptest::collection::vec(deed, 1..40)
}

fn ids(page: &ChannelPage) -> Vec<Uuid> {
    page.messages.iter().map(|one| one.id).collect()
}

/// All pages from the first to the last, and from there back to the first.
fn walk(place: &Place, channel: &StreamId, limit: i32, forward: bool) -> Vec<Uuid> {
    let mut pages = vec![place.list(channel, limit, forward, "")];
    assert_eq!(pages[0].prev_cursor, "");
    while let Some(last) = pages.last().filter(|page| !page.next_cursor.is_empty()) {
        let next = place.list(channel, limit, forward, &last.next_cursor);
        assert_ne!(ids(&next), [], "a next page has something");
        pages.push(next);
    }
    let mut back = pages.last().unwrap().prev_cursor.clone();
    for page in pages.iter().rev().skip(1) {
        let again = place.list(channel, limit, forward, &back);
        assert_eq!(ids(&again), ids(page));
        assert_ne!(again.next_cursor, "");
        back = again.prev_cursor;
    }
    assert_eq!(back, "", "nothing lies before the first page");
    pages.iter().flat_map(ids).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn history_is_what_was_said_and_not_removed(deeds in deeds()) {
        let place = Place::new();
        let channels = [room("model"), room("mode")];
        let (mut said, mut other): (Vec<Uuid>, Vec<Uuid>) = Default::default();
        let (mut caught_up, mut cursor) = (Vec::new(), String::new());
        for deed in deeds {
            match deed {
                Deed::Say(0) => said.push(place.say(&channels[0], 1, "{}").id),
                Deed::Say(_) => other.push(place.say(&channels[1], 1, "{}").id),
                Deed::Remove(at) if !said.is_empty() => {
                    let id = said.remove(at % said.len());
                    let mut out = Vec::new();
                    let remove = place.chat.remove(NOW, which(&channels[0], id, None), &mut out);
                    block_on(remove).unwrap();
                    caught_up.retain(|one| *one != id);
                }
                Deed::Remove(_) => {}
                Deed::Walk(limit, forward) => {
                    let mut seen = walk(&place, &channels[0], limit, forward);
                    if !forward {
                        seen.reverse();
                    }
                    prop_assert_eq!(&seen, &said);
                }
                Deed::CatchUp => {
                    // The first look is at the newest messages, those after it at what came since.
                    let page = place.list(&channels[0], 100, !cursor.is_empty(), &cursor);
                    let mut new = ids(&page);
                    if cursor.is_empty() {
                        new.reverse();
                    }
                    caught_up.extend(new);
                    cursor = page.cacheable_cursor;
                    prop_assert_eq!(&caught_up, &said);
                }
            }
        }
        prop_assert_eq!(walk(&place, &channels[1], 3, true), other);
    }
}
