//! Streams, alone and beside a naive model.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use tagus_base::{SessionId, UserId, Uuid};
use tagus_players::{
    Presence, StreamError, StreamEvent, StreamId, StreamLimits, StreamMode, Streams,
};

fn session(number: u8) -> SessionId {
    SessionId(Uuid([number; 16]))
}

fn presence(number: u8) -> Presence {
    Presence {
        session_id: session(number),
        user_id: UserId(Uuid([number; 16])),
        username: format!("user{number}").into(),
        persistence: true,
        status: None,
        hidden: false,
    }
}

fn with_status(number: u8, status: &str) -> Presence {
    Presence {
        status: Some(status.to_owned()),
        ..presence(number)
    }
}

fn hidden(number: u8) -> Presence {
    Presence {
        hidden: true,
        ..presence(number)
    }
}

fn stream(label: &str) -> StreamId {
    StreamId {
        mode: StreamMode::CHANNEL,
        subject: Uuid::NIL,
        subcontext: Uuid::NIL,
        label: label.to_owned(),
    }
}

fn sessions(streams: &Streams, stream: &StreamId) -> Vec<SessionId> {
    streams
        .members(stream)
        .map(|presence| presence.session_id)
        .collect()
}

#[test]
fn mode_numbers_are_the_protocols() {
    let modes = [
        StreamMode::NOTIFICATIONS,
        StreamMode::STATUS,
        StreamMode::CHANNEL,
        StreamMode::GROUP,
        StreamMode::DIRECT,
        StreamMode::MATCH_RELAYED,
        StreamMode::MATCH_AUTHORITATIVE,
        StreamMode::PARTY,
    ];
    assert_eq!(modes.map(|mode| mode.0), [0, 1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn joins_and_leaves_are_told_once() {
    let mut streams = Streams::default();
    let room = stream("room");
    let joined = streams.join(&room, presence(1)).unwrap();
    assert!(joined.newly);
    let event = StreamEvent {
        stream: room.clone(),
        joins: vec![presence(1)],
        leaves: Vec::new(),
    };
    assert_eq!(joined.event, Some(event));
    let again = streams.join(&room, presence(1)).unwrap();
    assert_eq!((again.newly, again.event), (false, None));
    assert_eq!(streams.count(&room), 1);
    let event = StreamEvent {
        stream: room.clone(),
        joins: Vec::new(),
        leaves: vec![presence(1)],
    };
    assert_eq!(streams.leave(&room, session(1)), Some(event));
    assert_eq!(streams.leave(&room, session(1)), None);
    assert_eq!((streams.count(&room), streams.stream_count()), (0, 0));
}

#[test]
fn a_new_status_is_a_join_of_the_new_and_a_leave_of_the_old() {
    let mut streams = Streams::default();
    let status = stream("");
    streams.join(&status, with_status(1, "")).unwrap();
    let changed = streams.join(&status, with_status(1, "hi")).unwrap();
    let event = changed.event.unwrap();
    assert!(!changed.newly);
    assert_eq!(
        (event.joins, event.leaves),
        (vec![with_status(1, "hi")], vec![with_status(1, "")])
    );
    assert_eq!(
        streams.presence(&status, session(1)),
        Some(&with_status(1, "hi"))
    );
}

#[test]
fn hidden_members_receive_and_are_not_seen() {
    let mut streams = Streams::default();
    let room = stream("room");
    assert_eq!(streams.join(&room, hidden(1)).unwrap().event, None);
    streams.join(&room, presence(2)).unwrap();
    assert_eq!(
        (streams.count(&room), sessions(&streams, &room)),
        (1, vec![session(2)])
    );
    assert_eq!(streams.receivers(&room).count(), 2);
    let shown = streams.join(&room, presence(1)).unwrap().event.unwrap();
    assert_eq!((shown.joins, shown.leaves), (vec![presence(1)], Vec::new()));
    assert_eq!(streams.count(&room), 2);
    let hid = streams.join(&room, hidden(1)).unwrap().event.unwrap();
    assert_eq!((hid.joins, hid.leaves), (Vec::new(), vec![presence(1)]));
    assert_eq!(streams.leave(&room, session(1)), None);
}

#[test]
fn limits_hold_and_a_refused_join_changes_nothing() {
    let limits = StreamLimits {
        streams_per_session_max: 2,
        members_max: 2,
        label_bytes_max: 4,
        status_bytes_max: 3,
    };
    let mut streams = Streams::new(limits);
    let [first, second, third] = ["1", "2", "3"].map(stream);
    streams.join(&first, presence(1)).unwrap();
    streams.join(&second, presence(1)).unwrap();
    let refused = streams.join(&third, presence(1)).unwrap_err();
    assert_eq!(refused, StreamError::TooManyStreams { streams_max: 2 });
    streams
        .join(&first, presence(1))
        .expect("who is in may change their presence at the limit");
    streams.join(&first, presence(2)).unwrap();
    let refused = streams.join(&first, presence(3)).unwrap_err();
    assert_eq!(refused, StreamError::Full { members_max: 2 });
    assert!(streams.leave_all(session(3)).is_empty());
    streams.leave(&second, session(1));
    streams
        .join(&third, presence(1))
        .expect("a leave makes room");
    streams.join(&stream("four"), presence(4)).unwrap();
    let refused = streams.join(&stream("fiver"), presence(4)).unwrap_err();
    assert_eq!(refused, StreamError::LabelTooLong { bytes_max: 4 });
    streams
        .join(&stream("four"), with_status(4, "abc"))
        .unwrap();
    let refused = streams
        .join(&stream("four"), with_status(4, "abcd"))
        .unwrap_err();
    assert_eq!(refused, StreamError::StatusTooLong { bytes_max: 3 });
    assert_eq!(streams.stream_count(), 3);
}

#[derive(Clone, Debug)]
enum Step {
    Join {
        label: u8,
        session: u8,
        hidden: bool,
    },
    Leave {
        label: u8,
        session: u8,
    },
    LeaveAll {
        session: u8,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..4_u8, 0..6_u8, any::<bool>())
            .prop_map(|(label, session, hidden)| Step::Join { label, session, hidden }),
        2 => (0..4_u8, 0..6_u8).prop_map(|(label, session)| Step::Leave { label, session }),
        1 => (0..6_u8).prop_map(|session| Step::LeaveAll { session }),
    ]
}

/// Who is seen where, kept from events alone.
fn apply(seen: &mut BTreeMap<StreamId, BTreeSet<SessionId>>, event: StreamEvent) {
    let members = seen.entry(event.stream).or_default();
    for left in event.leaves {
        assert!(
            members.remove(&left.session_id),
            "a leave of somebody not seen"
        );
    }
    for joined in event.joins {
        assert!(members.insert(joined.session_id), "a join of somebody seen");
    }
}

proptest! {
    #[test]
    fn events_tell_exactly_what_a_set_of_members_would(steps in prop::collection::vec(step(), 0..80)) {
        let limits = StreamLimits { streams_per_session_max: 3, members_max: 4, ..StreamLimits::default() };
        let mut streams = Streams::new(limits);
        let mut model: BTreeMap<(u8, u8), bool> = BTreeMap::new();
        let mut seen = BTreeMap::new();
        for step in steps {
            match step {
                Step::Join { label, session: number, hidden: is_hidden } => {
                    let is_member = model.contains_key(&(label, number));
                    let of_session = model.keys().filter(|(_, member)| *member == number).count();
                    let of_stream = model.keys().filter(|(of, _)| *of == label).count();
                    let fits = is_member || (of_session < 3 && of_stream < 4);
                    let presence = if is_hidden { hidden(number) } else { presence(number) };
                    match streams.join(&stream(&label.to_string()), presence) {
                        Ok(joined) => {
                            prop_assert!(fits);
                            prop_assert_eq!(joined.newly, !is_member);
                            model.insert((label, number), is_hidden);
                            joined.event.into_iter().for_each(|event| apply(&mut seen, event));
                        }
                        Err(_) => prop_assert!(!fits),
                    }
                }
                Step::Leave { label, session: number } => {
                    model.remove(&(label, number));
                    let event = streams.leave(&stream(&label.to_string()), session(number));
                    event.into_iter().for_each(|event| apply(&mut seen, event));
                }
                Step::LeaveAll { session: number } => {
                    model.retain(|(_, member), _| *member != number);
                    let events = streams.leave_all(session(number));
                    prop_assert!(events.is_sorted_by_key(|event| event.stream.clone()));
                    events.into_iter().for_each(|event| apply(&mut seen, event));
                }
            }
            for label in 0..4_u8 {
                let of_label = |is_hidden: Option<bool>| -> Vec<SessionId> {
                    let here = model.iter().filter(|((of, _), _)| *of == label);
                    let chosen = here.filter(|(_, hid)| is_hidden.is_none_or(|wanted| **hid == wanted));
                    chosen.map(|((_, number), _)| session(*number)).collect()
                };
                let name = stream(&label.to_string());
                let receivers: Vec<SessionId> =
                    streams.receivers(&name).map(|presence| presence.session_id).collect();
                prop_assert_eq!(receivers, of_label(None));
                prop_assert_eq!(streams.count(&name), of_label(Some(false)).len());
                prop_assert_eq!(sessions(&streams, &name), of_label(Some(false)));
                let told: Vec<SessionId> = seen.get(&name).into_iter().flatten().copied().collect();
                prop_assert_eq!(told, of_label(Some(false)));
            }
            let labels: BTreeSet<u8> = model.keys().map(|(label, _)| *label).collect();
            prop_assert_eq!(streams.stream_count(), labels.len());
        }
    }
}

#[test]
fn ids_are_text_and_back_in_one_spelling() {
    let room = StreamId {
        mode: StreamMode::CHANNEL,
        subject: Uuid::NIL,
        subcontext: Uuid::NIL,
        label: "room.1".to_owned(),
    };
    assert_eq!(room.to_string(), "2...room.1");
    let one = Uuid([1; 16]);
    let direct = StreamId {
        mode: StreamMode::DIRECT,
        subject: one,
        subcontext: Uuid([2; 16]),
        label: String::new(),
    };
    for stream in [room, direct] {
        assert_eq!(stream.to_string().parse(), Ok(stream));
    }
    let upper = format!("3.{}..", Uuid([0xab; 16]).to_string().to_uppercase());
    for wrong in [
        "", "2", "2..", "x...a", "256...a", "02...a", "2.no..a", &upper,
    ] {
        assert!(wrong.parse::<StreamId>().is_err(), "{wrong}");
    }
}

#[test]
fn a_lost_connection_stays_in_its_matches() {
    let mut streams = Streams::new(StreamLimits::default());
    let room = StreamId {
        mode: StreamMode::MATCH_AUTHORITATIVE,
        ..stream("node")
    };
    streams.join(&room, presence(1)).unwrap();
    streams.join(&stream("chat"), presence(1)).unwrap();
    assert_eq!(streams.leave_all(session(1)).len(), 1);
    assert_eq!(streams.count(&room), 1);
    assert!(streams.leave(&room, session(1)).is_some());
    assert_eq!(streams.stream_count(), 0);
}
