//! What server code does with tickets: makes and changes them, decides in place of the rules, and has the last word.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};

use tagus::base::{SessionId, Uuid};
use tagus::{Matched, MatchmakerWish, Tagus, TicketId, WaitingTicket};

use super::table::{House, in_mode};
use super::{KINDS, Player, names, of, party};
use crate::server::PATIENCE;
use crate::socket::Kind;

fn wish(mode: &str, count: u32) -> MatchmakerWish {
    MatchmakerWish {
        min_count: count,
        max_count: count,
        query: format!("+properties.mode:{mode}"),
        string_properties: [("mode".to_owned(), mode.to_owned())].into(),
        ..MatchmakerWish::default()
    }
}

fn three(house: &House) -> [Player; 3] {
    let open = |number: usize| {
        let name = format!("player{number}");
        Player::open(&house.server, KINDS[number], &name)
    };
    [open(0), open(1), open(2)]
}

#[test]
fn server_code_makes_and_changes_tickets() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::open(folder.path(), |_| {}, |server| server);
    let [mut ann, mut bob, mut cyd] = three(&house);
    let sessions = [house.session(&mut ann), house.session(&mut bob)];
    let tagus = &house.tagus;
    let add = |sessions: &[SessionId], wish| house.wait(tagus.matchmaker_add(sessions, wish));
    let both = add(&sessions, wish("trio", 3)).unwrap();
    let waiting = tagus.matchmaker_tickets();
    assert_eq!(waiting.len(), 1);
    let one = &waiting[0];
    let users = one.users.iter().map(|user| user.session_id);
    assert_eq!((one.id, users.collect()), (both, sessions.to_vec()));
    assert_eq!(
        (one.min_count, one.max_count, one.count_multiple),
        (3, 3, 1)
    );
    assert_eq!(one.query, "+properties.mode:\"trio\"");
    assert_eq!((&one.party_id, one.rating), (&None, None));

    // A ticket of somebody's own, changed by server code until it fits.
    let own = cyd.add(in_mode("other", 3, 3)).unwrap();
    let own = TicketId(own.parse().unwrap());
    let change = |id, wish| house.wait(tagus.matchmaker_change(id, wish));
    let refused = change(own, wish("trio", 1)).unwrap_err();
    assert_eq!(refused.message, "Invalid minimum count, must be >= 2");
    assert_eq!(tagus.matchmaker_tickets().len(), 2);
    change(own, wish("trio", 3)).unwrap();
    for player in [&mut ann, &mut bob, &mut cyd] {
        let matched = player.matched();
        assert_eq!(names(&matched), ["player0", "player1", "player2"]);
        let ids = [both, both, own].map(|id| id.to_string());
        assert!(ids.contains(&matched.ticket));
    }

    let gone = SessionId(Uuid([7; 16]));
    let refused = add(&[sessions[0], gone], wish("trio", 3)).unwrap_err();
    assert_eq!(refused.message, "no such connection");
    assert!(add(&[], wish("trio", 3)).is_err());
    assert!(add(&[sessions[0], sessions[0]], wish("trio", 3)).is_err());
    for refused in [change(own, wish("trio", 3)), tagus.matchmaker_remove(own)] {
        assert_eq!(refused.unwrap_err().message, "Ticket not found");
    }
    // Any of its players may take it back, and so may server code.
    let again = add(&sessions, wish("trio", 3)).unwrap();
    assert_eq!(bob.remove(&again.to_string()), Ok(()));
    let again = add(&sessions, wish("trio", 3)).unwrap();
    tagus.matchmaker_remove(again).unwrap();
    assert_eq!(tagus.matchmaker_tickets(), []);
}

#[test]
fn server_code_makes_a_partys_ticket() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::open(folder.path(), |_| {}, |server| server);
    let [ann, bob, mut cyd] = three(&house);
    let mut members = [ann, bob];
    let id = party(&mut members);
    let tagus = &house.tagus;
    let party_id = id.parse().unwrap();
    let add = tagus.matchmaker_add_party(&party_id, wish("trio", 3));
    let ticket = house.wait(add).unwrap();
    for member in &mut members {
        let envelope = member.client.envelope();
        let told = format!("{:?}", envelope.message);
        assert!(told.contains(&ticket.to_string()), "{told}");
    }
    cyd.add(in_mode("trio", 3, 3)).unwrap();
    for member in &mut members {
        assert_eq!(member.matched().self_.unwrap().party_id, id);
    }
    tagus.party_close(&party_id).unwrap();
    let add = tagus.matchmaker_add_party(&party_id, wish("trio", 3));
    assert_eq!(house.wait(add).unwrap_err().message, "Party not found");
}

/// What an override hook was asked, and its answer.
type Asked = (Matched, tokio::sync::oneshot::Sender<bool>);

/// A server whose override hook asks the test.
fn judged(folder: &std::path::Path) -> (House, mpsc::Receiver<Asked>) {
    let (sender, asked) = mpsc::channel();
    let sender = Mutex::new(sender);
    let hook = move |_: Tagus, matched: Matched| {
        let (answer, answered) = tokio::sync::oneshot::channel();
        sender.lock().unwrap().send((matched, answer)).unwrap();
        async move { answered.await.expect("the test wants a panic") }
    };
    let house = House::open(folder, |_| {}, |server| server.matchmaker_override(hook));
    (house, asked)
}

#[test]
fn what_a_hook_rejects_waits_again() {
    let folder = tempfile::tempdir().unwrap();
    let (house, asked) = judged(folder.path());
    let [mut ann, mut bob, mut cyd] = three(&house);
    let first = ann.add(of(2, 2)).unwrap();
    bob.add(of(2, 2)).unwrap();
    let (matched, answer) = asked.recv_timeout(PATIENCE).unwrap();
    let found: Vec<&str> = matched
        .users
        .iter()
        .map(|user| &*user.presence.username)
        .collect();
    assert_eq!(found.len(), 2);
    // While it is thought about, they are nobody else's.
    house.waits(0);
    let third = cyd.add(of(2, 2)).unwrap();
    cyd.client.ping();
    answer.send(false).unwrap();
    // They are looked at again when somebody else has come, or after a while.
    let (matched, answer) = asked.recv_timeout(PATIENCE).unwrap();
    answer.send(true).unwrap();
    let told: Vec<String> = matched
        .users
        .iter()
        .map(|user| user.presence.username.to_string())
        .collect();
    for player in [&mut ann, &mut bob, &mut cyd] {
        if told.contains(&player.name) {
            let mut expected = told.clone();
            expected.sort();
            assert_eq!(names(&player.matched()), expected);
        }
    }
    house.waits(1);
    let rest = house.tagus.matchmaker_tickets()[0].id.to_string();
    assert!(!matched.users.iter().any(|user| user.ticket == rest));
    assert!([first, third].contains(&rest) || told.contains(&"player2".to_owned()));
    house.measures(r#"tagus_matchmaker_matches_total{outcome="rejected"} 1"#);
}

#[test]
fn who_leaves_before_the_decision_spoils_the_match() {
    let folder = tempfile::tempdir().unwrap();
    let (house, asked) = judged(folder.path());
    let [mut ann, mut bob, mut cyd] = three(&house);
    // Taken back.
    let first = ann.add(of(2, 2)).unwrap();
    let second = bob.add(of(2, 2)).unwrap();
    let (_, answer) = asked.recv_timeout(PATIENCE).unwrap();
    assert_eq!(cyd.remove(&first).unwrap_err(), "3 Ticket not found");
    assert_eq!(ann.remove(&first), Ok(()));
    assert_eq!(ann.remove(&first).unwrap_err(), "3 Ticket not found");
    answer.send(true).unwrap();
    house.waits(1);
    house.measures(r#"tagus_matchmaker_matches_total{outcome="left"} 1"#);
    // Gone.
    ann.add(of(2, 2)).unwrap();
    let (_, answer) = asked.recv_timeout(PATIENCE).unwrap();
    let session_id = house.session(&mut ann);
    drop(ann);
    while house
        .wait(house.tagus.matchmaker_add(&[session_id], wish("x", 2)))
        .is_ok()
    {
        std::thread::yield_now();
    }
    answer.send(true).unwrap();
    house.measures(r#"tagus_matchmaker_matches_total{outcome="left"} 2"#);
    house.waits(1);
    // Whose connection stays is found by the next one, with the old ticket.
    cyd.add(of(2, 2)).unwrap();
    let (_, answer) = asked.recv_timeout(PATIENCE).unwrap();
    answer.send(true).unwrap();
    assert_eq!(names(&cyd.matched()), ["player1", "player2"]);
    assert_eq!(bob.matched().ticket, second);
    house.waits(0);
}

#[test]
fn nobody_plays_in_two_matches() {
    let folder = tempfile::tempdir().unwrap();
    let (house, asked) = judged(folder.path());
    let [mut ann, mut bob, mut cyd] = three(&house);
    let old = ann.add(in_mode("slow", 2, 2)).unwrap();
    bob.add(in_mode("slow", 2, 2)).unwrap();
    let (_, first) = asked.recv_timeout(PATIENCE).unwrap();
    // The hook still thinks about the first match when its player is in a second one.
    ann.add(in_mode("fast", 2, 2)).unwrap();
    cyd.add(in_mode("fast", 2, 2)).unwrap();
    let (_, second) = asked.recv_timeout(PATIENCE).unwrap();
    second.send(true).unwrap();
    assert_eq!(names(&cyd.matched()), ["player0", "player2"]);
    first.send(true).unwrap();
    house.waits(1);
    assert_ne!(ann.matched().ticket, old);
    let waiting = house.tagus.matchmaker_tickets();
    assert_eq!(&*waiting[0].users[0].username, "player1");
    ann.client.ping();
}

#[test]
fn a_hook_that_panics_has_nothing_against_the_match() {
    let folder = tempfile::tempdir().unwrap();
    let (house, asked) = judged(folder.path());
    let [mut ann, mut bob, _] = three(&house);
    ann.add(of(2, 2)).unwrap();
    bob.add(of(2, 2)).unwrap();
    drop(asked.recv_timeout(PATIENCE).unwrap());
    assert_eq!(ann.matched().id, bob.matched().id);
}

#[test]
fn server_code_decides_in_place_of_the_rules() {
    let folder = tempfile::tempdir().unwrap();
    let calls = Arc::new(AtomicUsize::new(0));
    let panics = Arc::new(AtomicBool::new(false));
    let (counted, panicking) = (calls.clone(), panics.clone());
    // Those come together whose sum is ten, and a ticket that is none is in every answer.
    let pairs = move |_: Tagus, tickets: Vec<WaitingTicket>| {
        counted.fetch_add(1, Ordering::SeqCst);
        let panics = panicking.load(Ordering::SeqCst);
        async move {
            assert!(!panics, "the test wants a panic");
            let rank = |ticket: &WaitingTicket| ticket.numeric_properties["rank"];
            let mut matches = vec![vec![TicketId(Uuid([7; 16]))], Vec::new()];
            for (index, one) in tickets.iter().enumerate() {
                let mut others = tickets[index + 1..].iter();
                let other = others.find(|other| rank(one) + rank(other) == 10.0);
                matches.extend(other.map(|other| vec![one.id, other.id]));
            }
            matches
        }
    };
    let build = |server: tagus::Server| server.matchmaker_processor(pairs);
    let house = House::open(folder.path(), |_| {}, build);
    let [mut ann, mut bob, mut cyd] = three(&house);
    let add = |player: &mut Player, rank: f64| {
        let mut add = of(2, 2);
        add.numeric_properties.insert("rank".to_owned(), rank);
        player.add(add).unwrap()
    };
    add(&mut ann, 4.0);
    add(&mut bob, 3.0);
    add(&mut cyd, 6.0);
    assert_eq!(names(&cyd.matched()), ["player0", "player2"]);
    assert_eq!(names(&ann.matched()), ["player0", "player2"]);
    house.waits(1);
    bob.client.ping();
    // Who waits is shown again, with nobody new.
    let before = calls.load(Ordering::SeqCst);
    while calls.load(Ordering::SeqCst) < before + 2 {
        std::thread::yield_now();
    }
    panics.store(true, Ordering::SeqCst);
    add(&mut ann, 1.0);
    assert_eq!(names(&ann.matched()), ["player0", "player1"]);
    assert_eq!(names(&bob.matched()), ["player0", "player1"]);
    let mut dan = Player::open(&house.server, Kind::Json, "dan");
    let ticket = add(&mut dan, 1.0);
    assert_eq!(dan.remove(&ticket), Ok(()));
}
