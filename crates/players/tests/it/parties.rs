//! Parties, alone and beside a naive model, and their listings.

use proptest::prelude::*;
use tagus_base::{SessionId, UserId, Uuid};
use tagus_players::{
    PARTIES_PER_SESSION_MAX, PARTIES_WORK_MAX, PARTY_LABEL_BYTES_MAX, PARTY_REQUESTS_MAX,
    PARTY_SIZE_MAX, Parties, Party, PartyFilter, PartyId, PartyJoin, PartyRemoved, PartySettings,
    PlayersError, Presence, StreamId, StreamMode,
};

fn id(number: u16) -> PartyId {
    let [high, low] = number.to_be_bytes();
    let mut uuid = [0; 16];
    uuid[..2].copy_from_slice(&[high, low]);
    PartyId {
        uuid: Uuid(uuid),
        node: "tagus1".parse().unwrap(),
    }
}

fn session(number: u16) -> SessionId {
    SessionId(id(number).uuid)
}

/// Two connections each have one user: 0 and 1 have user 0.
fn presence(number: u16) -> Presence {
    Presence {
        session_id: session(number),
        user_id: UserId(id(number / 2).uuid),
        username: format!("user{}", number / 2).into(),
        persistence: false,
        status: None,
        hidden: false,
    }
}

fn settings(open: bool) -> PartySettings {
    PartySettings {
        open,
        ..PartySettings::default()
    }
}

fn labelled(label: &str) -> PartySettings {
    PartySettings {
        label: label.into(),
        ..settings(true)
    }
}

/// Party 1, led by the connection 0.
fn one_party(open: bool, size_max: i32) -> Parties {
    let mut parties = Parties::new();
    let created = parties.create(id(1), presence(0), size_max, settings(open));
    created.unwrap();
    parties
}

fn numbers(people: &[Presence]) -> Vec<u16> {
    let number = |one: &Presence| {
        let [high, low, ..] = one.session_id.0.0;
        u16::from_be_bytes([high, low])
    };
    people.iter().map(number).collect()
}

fn party(parties: &Parties) -> &Party {
    parties.get(&id(1)).unwrap()
}

fn text<T: std::fmt::Debug>(refused: Result<T, PlayersError>) -> &'static str {
    refused.unwrap_err().client_message()
}

#[test]
fn ids_read_what_they_write_and_name_a_stream() {
    let text = "0189f7ea-ae2c-4a3b-9d1e-00ff10a0b0c0.tagus1";
    let party: PartyId = text.parse().unwrap();
    assert_eq!(party.to_string(), text);
    for bad in ["", "bad", ".tagus1", &text[..36], &text[..37], "a.b"] {
        assert!(bad.parse::<PartyId>().is_err(), "{bad}");
    }
    let stream = party.stream();
    assert_eq!((stream.mode.0, stream.label.as_str()), (7, "tagus1"));
    assert_eq!(PartyId::of_stream(&stream), Some(party));
    let other = StreamId {
        mode: StreamMode::CHANNEL,
        ..stream.clone()
    };
    assert_eq!(PartyId::of_stream(&other), None);
    let nameless = StreamId {
        label: String::new(),
        ..stream
    };
    assert_eq!(PartyId::of_stream(&nameless), None);
}

#[test]
fn an_open_party_is_joined_up_to_its_size() {
    let mut parties = one_party(true, 2);
    assert_eq!(
        parties.join(&id(1), presence(2)).unwrap(),
        PartyJoin::Member
    );
    assert_eq!(text(parties.join(&id(1), presence(4))), "Party full");
    // Neither twice nor through another connection.
    let again = "Already a member of the party";
    for number in 0..4 {
        assert_eq!(text(parties.join(&id(1), presence(number))), again);
    }
    assert_eq!(numbers(&party(&parties).members), [0, 2]);
    assert_eq!(text(parties.join(&id(2), presence(4))), "Party not found");
}

#[test]
fn sizes_and_labels_have_limits() {
    let mut parties = Parties::new();
    let max = i32::try_from(PARTY_SIZE_MAX).unwrap();
    for (size, expected) in [(0, Some(256)), (1, Some(1)), (max, Some(256))]
        .into_iter()
        .chain([-1, max + 1, i32::MIN, i32::MAX].map(|size| (size, None)))
    {
        let created = parties.create(id(1), presence(0), size, settings(true));
        assert_eq!(created.ok().map(|party| party.size_max), expected, "{size}");
        drop(parties.close(&id(1), None));
    }
    let longest = "x".repeat(PARTY_LABEL_BYTES_MAX);
    let longer = labelled(&format!("{longest}x"));
    let created = parties.create(id(1), presence(0), 1, longer.clone());
    let refused = "Invalid party label, must be at most 2048 bytes";
    assert_eq!(text(created), refused);
    let created = parties.create(id(1), presence(0), 1, labelled(&longest));
    created.unwrap();
    let updated = parties.update(&id(1), Some(session(0)), longer);
    assert_eq!(text(updated), refused);
    assert_eq!(&*party(&parties).settings.label, longest);
}

#[test]
fn a_closed_party_is_joined_by_the_leaders_leave() {
    let mut parties = one_party(false, 2);
    let asked = PartyJoin::Asked { leader: session(0) };
    assert_eq!(parties.join(&id(1), presence(2)).unwrap(), asked);
    for number in [2, 3] {
        let again = parties.join(&id(1), presence(number));
        assert_eq!(text(again), "Already asked to join the party");
    }
    // Who asks may take it back.
    assert_eq!(parties.leave(&id(1), session(2)), None);
    assert_eq!(parties.join(&id(1), presence(3)).unwrap(), asked);
    parties.join(&id(1), presence(4)).unwrap();
    let leader = session(0);
    assert_eq!(
        numbers(&parties.led(&id(1), leader).unwrap().requests),
        [3_u16, 4]
    );
    let refused = parties.led(&id(1), session(3));
    assert_eq!(text(refused), "Party leader only");
    let unasked = parties.accept(&id(1), leader, session(2));
    assert_eq!(text(unasked), "Party join request not found");
    parties.accept(&id(1), leader, session(3)).unwrap();
    assert_eq!(
        text(parties.accept(&id(1), leader, session(4))),
        "Party full"
    );
    assert_eq!(numbers(&party(&parties).requests), [4]);
    let removed = parties.remove(&id(1), leader, session(4)).unwrap();
    assert_eq!(removed, PartyRemoved::Request(presence(4)));
    let removed = parties.remove(&id(1), leader, session(3)).unwrap();
    assert_eq!(removed, PartyRemoved::Member(presence(3)));
    let removed = parties.remove(&id(1), leader, session(3));
    assert_eq!(text(removed), "Party member not found");
    let removed = parties.remove(&id(1), leader, leader);
    assert_eq!(text(removed), "Party leader cannot be removed");
}

#[test]
fn who_asked_joins_directly_once_it_is_open() {
    let mut parties = one_party(false, 3);
    parties.join(&id(1), presence(2)).unwrap();
    parties
        .update(&id(1), Some(session(0)), settings(true))
        .unwrap();
    // Through the user's other connection; the request of the first is gone with it.
    let joined = parties.join(&id(1), presence(3)).unwrap();
    assert_eq!(joined, PartyJoin::Member);
    assert_eq!(numbers(&party(&parties).requests), [0_u16; 0]);
    assert_eq!(numbers(&party(&parties).members), [0, 3]);
    assert!(parties.leave_all(session(2)).is_empty());
}

#[test]
fn the_oldest_follows_a_leader_who_is_lost() {
    let mut parties = one_party(true, 0);
    for number in [2, 4, 6] {
        parties.join(&id(1), presence(number)).unwrap();
    }
    let promoted = parties.promote(&id(1), session(0), session(6)).unwrap();
    assert_eq!(promoted, presence(6));
    let refused = parties.promote(&id(1), session(0), session(0));
    assert_eq!(text(refused), "Party leader only");
    let unknown = parties.promote(&id(1), session(6), session(8));
    assert_eq!(text(unknown), "Party member not found");
    // A member who is not the leader goes, and nothing changes.
    assert_eq!(
        parties.leave(&id(1), session(0)).unwrap(),
        tagus_players::PartyLeft {
            party: id(1),
            leader: None,
        }
    );
    let left = parties.leave_all(session(6));
    assert_eq!(left[0].leader, Some(presence(2)));
    assert_eq!(party(&parties).leader, presence(2));
    parties.leave(&id(1), session(2)).unwrap();
    assert_eq!(parties.leave(&id(1), session(4)).unwrap().leader, None);
    assert_eq!(parties.get(&id(1)), None);
}

#[test]
fn closing_frees_everybody() {
    let mut parties = one_party(false, 0);
    parties.join(&id(1), presence(2)).unwrap();
    assert_eq!(
        text(parties.close(&id(1), Some(session(2)))),
        "Party leader only"
    );
    let closed = parties.close(&id(1), Some(session(0))).unwrap();
    assert_eq!(numbers(&closed.members), [0]);
    assert_eq!(text(parties.close(&id(1), None)), "Party not found");
    assert_eq!(text(parties.joined(&id(1), session(0))), "Party not found");
    for number in [0, 2] {
        assert!(parties.leave_all(session(number)).is_empty());
        for party in 0..PARTIES_PER_SESSION_MAX as u16 {
            let created = parties.create(id(party), presence(number), 0, settings(true));
            created.unwrap();
        }
        for party in 0..PARTIES_PER_SESSION_MAX as u16 {
            parties.close(&id(party), None).unwrap();
        }
    }
}

#[test]
fn a_connection_is_in_so_many_parties() {
    let mut parties = Parties::new();
    let max = PARTIES_PER_SESSION_MAX as u16;
    for number in 0..max {
        let created = parties.create(id(number), presence(0), 0, settings(true));
        created.unwrap();
    }
    let refused = "At most 16 parties may be joined at once";
    let created = parties.create(id(max), presence(0), 0, settings(true));
    assert_eq!(text(created), refused);
    for (number, open) in [(max, true), (max + 1, false)] {
        let created = parties.create(id(number), presence(2), 0, settings(open));
        created.unwrap();
        assert_eq!(text(parties.join(&id(number), presence(0))), refused);
        assert_eq!(parties.get(&id(number)).unwrap().requests, []);
    }
    parties.leave(&id(0), session(0)).unwrap();
    parties.join(&id(max), presence(0)).unwrap();
}

#[test]
fn so_many_may_ask() {
    let mut parties = one_party(false, 0);
    let max = PARTY_REQUESTS_MAX as u16;
    for number in 1..=max {
        parties.join(&id(1), presence(2 * number)).unwrap();
    }
    let refused = parties.join(&id(1), presence(2 * max + 2));
    assert_eq!(text(refused), "Party has too many join requests");
    parties.remove(&id(1), session(0), session(2)).unwrap();
    parties.join(&id(1), presence(2 * max + 2)).unwrap();
}

#[derive(Clone, Debug)]
enum Step {
    Create(u16, u16, i32, bool),
    Join(u16, u16),
    Accept(u16, u16, u16),
    Remove(u16, u16, u16),
    Promote(u16, u16, u16),
    Update(u16, u16, bool),
    Close(u16, u16),
    Leave(u16, u16),
    LeaveAll(u16),
}

fn step() -> impl Strategy<Value = Step> {
    let (party, who) = (0..3_u16, 0..10_u16);
    let three = (party.clone(), who.clone(), who.clone());
    let two = (party.clone(), who.clone());
    prop_oneof![
        2 => (two.clone(), 1..4, any::<bool>())
            .prop_map(|((party, who), size, open)| Step::Create(party, who, size, open)),
        8 => two.clone().prop_map(|(party, who)| Step::Join(party, who)),
        4 => three.clone().prop_map(|(party, by, whom)| Step::Accept(party, by, whom)),
        2 => three.clone().prop_map(|(party, by, whom)| Step::Remove(party, by, whom)),
        2 => three.prop_map(|(party, by, whom)| Step::Promote(party, by, whom)),
        2 => (two.clone(), any::<bool>())
            .prop_map(|((party, by), open)| Step::Update(party, by, open)),
        1 => two.clone().prop_map(|(party, by)| Step::Close(party, by)),
        2 => two.prop_map(|(party, who)| Step::Leave(party, who)),
        1 => who.prop_map(Step::LeaveAll),
    ]
}

/// A party as three lists that are searched from the beginning each time.
#[derive(Clone, Debug)]
struct Plain {
    id: u16,
    open: bool,
    size_max: usize,
    leader: u16,
    members: Vec<u16>,
    requests: Vec<u16>,
}

fn same_user(people: &[u16], who: u16) -> bool {
    people.iter().any(|one| one / 2 == who / 2)
}

/// Does a step; returns whether it is allowed.
fn model_step(model: &mut Vec<Plain>, step: &Step) -> bool {
    if let Step::Create(id, who, size, open) = *step {
        model.push(Plain {
            id,
            open,
            size_max: usize::try_from(size).unwrap(),
            leader: who,
            members: vec![who],
            requests: Vec::new(),
        });
        return true;
    }
    if let Step::LeaveAll(who) = *step {
        for id in 0..3 {
            model_step(model, &Step::Leave(id, who));
        }
        return true;
    }
    let (Step::Join(id, by)
    | Step::Accept(id, by, _)
    | Step::Remove(id, by, _)
    | Step::Promote(id, by, _)
    | Step::Update(id, by, _)
    | Step::Close(id, by)
    | Step::Leave(id, by)) = *step
    else {
        unreachable!("done before");
    };
    let Some(party) = model.iter_mut().find(|party| party.id == id) else {
        return false;
    };
    let is_leader = party.leader == by;
    let has_room = party.members.len() < party.size_max;
    match *step {
        Step::Join(..) => {
            let is_in = same_user(&party.members, by);
            let may = if party.open {
                has_room
            } else {
                !same_user(&party.requests, by)
            };
            if is_in || !may {
                return false;
            }
            if party.open {
                party.requests.retain(|one| one / 2 != by / 2);
                party.members.push(by);
            } else {
                party.requests.push(by);
            }
        }
        Step::Accept(_, _, whom) => {
            if !is_leader || !has_room || !party.requests.contains(&whom) {
                return false;
            }
            party.requests.retain(|one| *one != whom);
            party.members.push(whom);
        }
        Step::Remove(_, _, whom) => {
            let known = party.members.contains(&whom) || party.requests.contains(&whom);
            if !is_leader || whom == by || !known {
                return false;
            }
            party.members.retain(|one| *one != whom);
            party.requests.retain(|one| *one != whom);
        }
        Step::Promote(_, _, whom) => {
            if !is_leader || !party.members.contains(&whom) {
                return false;
            }
            party.leader = whom;
        }
        Step::Update(_, _, open) => {
            if !is_leader {
                return false;
            }
            party.open = open;
        }
        Step::Close(..) => {
            if !is_leader {
                return false;
            }
            model.retain(|party| party.id != id);
        }
        Step::Leave(..) => {
            party.requests.retain(|one| *one != by);
            let was_member = party.members.contains(&by);
            party.members.retain(|one| *one != by);
            if is_leader && let Some(oldest) = party.members.first() {
                party.leader = *oldest;
            }
            model.retain(|party| !party.members.is_empty());
            return was_member;
        }
        Step::Create(..) | Step::LeaveAll(..) => unreachable!("done before"),
    }
    true
}

/// Does a step; returns whether it was allowed.
fn real_step(parties: &mut Parties, step: &Step) -> bool {
    match *step {
        Step::Create(party, who, size, open) => parties
            .create(id(party), presence(who), size, settings(open))
            .is_ok(),
        Step::Join(party, who) => parties.join(&id(party), presence(who)).is_ok(),
        Step::Accept(party, by, whom) => parties
            .accept(&id(party), session(by), session(whom))
            .is_ok(),
        Step::Remove(party, by, whom) => parties
            .remove(&id(party), session(by), session(whom))
            .is_ok(),
        Step::Promote(party, by, whom) => parties
            .promote(&id(party), session(by), session(whom))
            .is_ok(),
        Step::Update(party, by, open) => parties
            .update(&id(party), Some(session(by)), settings(open))
            .is_ok(),
        Step::Close(party, by) => parties.close(&id(party), Some(session(by))).is_ok(),
        Step::Leave(party, who) => parties.leave(&id(party), session(who)).is_some(),
        Step::LeaveAll(who) => {
            parties.leave_all(session(who));
            true
        }
    }
}

fn check_invariants(party: &Party) {
    let users = |people: &[Presence]| {
        let users: std::collections::BTreeSet<UserId> =
            people.iter().map(|one| one.user_id).collect();
        users
    };
    assert!(!party.members.is_empty());
    assert!(party.members.len() <= party.size_max);
    assert!(party.member(party.leader.session_id).is_some());
    assert_eq!(users(&party.members).len(), party.members.len());
    assert_eq!(users(&party.requests).len(), party.requests.len());
    assert!(users(&party.members).is_disjoint(&users(&party.requests)));
}

proptest! {
    #[test]
    fn parties_are_what_plain_lists_say(steps in prop::collection::vec(step(), 0..120)) {
        let mut parties = Parties::new();
        let mut model: Vec<Plain> = Vec::new();
        for step in &steps {
            // The caller draws ids at random: none is made twice.
            if matches!(step, Step::Create(id, ..) if model.iter().any(|party| party.id == *id)) {
                continue;
            }
            let allowed = model_step(&mut model, step);
            prop_assert_eq!(real_step(&mut parties, step), allowed, "{:?}", step);
            for number in 0..3 {
                let plain = model.iter().find(|party| party.id == number);
                let party = parties.get(&id(number));
                prop_assert_eq!(party.is_some(), plain.is_some());
                let (Some(party), Some(plain)) = (party, plain) else {
                    continue;
                };
                check_invariants(party);
                prop_assert_eq!(numbers(&party.members), &plain.members[..]);
                prop_assert_eq!(numbers(&party.requests), &plain.requests[..]);
                prop_assert_eq!(party.leader.session_id, session(plain.leader));
                prop_assert_eq!(party.settings.open, plain.open);
            }
        }
        // Nothing is remembered of connections that are gone.
        (0..10).for_each(|who| drop(parties.leave_all(session(who))));
        prop_assert_eq!(format!("{:?}", parties.catalogue()), "PartyCatalogue([])");
        let state = format!("{parties:?}");
        prop_assert!(state.starts_with("Parties { parties: {}, of_session: {}"), "{}", state);
    }
}

fn listed(parties: &Parties, filter: PartyFilter<'_>) -> (Vec<u16>, String) {
    let page = parties.catalogue().list(&filter).unwrap();
    let number = |id: PartyId| u16::from_be_bytes([id.uuid.0[0], id.uuid.0[1]]);
    let numbers = page.parties.iter().map(|party| number(party.id));
    (numbers.collect(), page.cursor)
}

const ALL: PartyFilter<'static> = PartyFilter {
    limit: 100,
    open: None,
    hidden: None,
    query: "",
    cursor: "",
};

fn catalogue_of_five() -> Parties {
    let mut parties = Parties::new();
    let labels = [
        r#"{"mode":"duel","rank":5}"#,
        r#"{"mode":"duel","rank":9}"#,
        r#"{"mode":"race"}"#,
        "duel",
        "",
    ];
    for (number, label) in (1..).zip(labels) {
        let mut settings = labelled(label);
        settings.open = number != 2;
        settings.hidden = number == 4;
        let size = i32::from(number);
        let created = parties.create(id(number), presence(2 * number), size, settings);
        created.unwrap();
    }
    parties
}

#[test]
fn listings_are_filtered_and_the_best_come_first() {
    let mut parties = catalogue_of_five();
    for (query, expected) in [
        ("", &[5, 4, 3, 2, 1][..]),
        ("*", &[5, 4, 3, 2, 1]),
        ("label.mode:duel", &[2, 1]),
        ("+label.mode:duel -label.rank:>5", &[1]),
        (
            "label.mode:duel label.rank:<6^3 label.mode:race",
            &[1, 3, 2],
        ),
        ("label:duel", &[4]),
        ("+open:T +max_size:>=3", &[5, 4, 3]),
        ("label.mode:/r.*/", &[3]),
        ("nothing:1", &[]),
    ] {
        let filter = PartyFilter { query, ..ALL };
        assert_eq!(listed(&parties, filter).0, expected, "{query}");
    }
    let [open, hidden] = [true, false].map(Some);
    let filter = PartyFilter { open, ..ALL };
    assert_eq!(listed(&parties, filter).0, [5, 4, 3, 1]);
    let filter = PartyFilter { hidden, ..ALL };
    assert_eq!(listed(&parties, filter).0, [5, 3, 2, 1]);

    // A change is found at once and keeps the place; what ended is not found.
    parties
        .update(&id(1), None, labelled(r#"{"mode":"race"}"#))
        .unwrap();
    parties.leave_all(session(4));
    let race = PartyFilter {
        query: "label.mode:race",
        ..ALL
    };
    assert_eq!(listed(&parties, race).0, [3, 1]);
    assert_eq!(listed(&parties, ALL).0, [5, 4, 3, 1]);
}

#[test]
fn pages_follow_each_other_through_changes() {
    let mut parties = catalogue_of_five();
    let query = "label.mode:duel^2 label.mode:race *";
    for (query, all) in [("", [5, 4, 3, 2, 1]), (query, [2, 1, 3, 5, 4])] {
        for limit in 1..=5 {
            let mut found = Vec::new();
            let mut cursor = String::new();
            loop {
                let (page, next) = listed(
                    &parties,
                    PartyFilter {
                        limit,
                        query,
                        cursor: &cursor,
                        ..ALL
                    },
                );
                found.extend(page);
                cursor = next;
                if cursor.is_empty() {
                    break;
                }
            }
            assert_eq!(found, all, "{query} {limit}");
        }
    }
    let two = PartyFilter { limit: 2, ..ALL };
    let cursor = listed(&parties, two).1;
    parties.leave_all(session(8));
    parties
        .create(id(9), presence(0), 0, settings(true))
        .unwrap();
    let filter = PartyFilter {
        cursor: &cursor,
        ..two
    };
    assert_eq!(listed(&parties, filter).0, [3, 2]);

    let catalogue = parties.catalogue();
    let others = [
        PartyFilter {
            open: Some(true),
            ..filter
        },
        PartyFilter {
            query: "*",
            ..filter
        },
        PartyFilter {
            cursor: "bad",
            ..filter
        },
    ];
    for other in others {
        assert_eq!(text(catalogue.list(&other)), "Malformed cursor was used.");
    }
    for limit in [i32::MIN, -1, 0, 101, i32::MAX] {
        let refused = text(catalogue.list(&PartyFilter { limit, ..ALL }));
        assert_eq!(refused, "Invalid limit - limit must be between 1 and 100.");
    }
    let refused = catalogue.list(&PartyFilter {
        query: "a:/(/",
        ..ALL
    });
    assert!(matches!(refused, Err(PlayersError::Query(_))));
}

#[test]
fn a_hostile_query_is_given_up() {
    let mut parties = Parties::new();
    let label = "x".repeat(PARTY_LABEL_BYTES_MAX);
    for number in 0..200 {
        let created = parties.create(id(number), presence(number), 0, labelled(&label));
        created.unwrap();
    }
    let clause = "label:/(x*)*y/ ";
    let query = clause.repeat(PARTIES_WORK_MAX / PARTY_LABEL_BYTES_MAX / 200);
    let filter = PartyFilter {
        query: &query,
        ..ALL
    };
    assert_eq!(listed(&parties, filter).0, [0_u16; 0]);
    let query = format!("{query} {}", clause.repeat(2));
    let filter = PartyFilter {
        query: &query,
        ..ALL
    };
    let refused = parties.catalogue().list(&filter);
    assert!(text(refused).starts_with("The query takes too much work"));
}
