//! Relayed matches against a list that is searched each time.

use proptest::prelude::*;
use tagus_base::{SeatIndex, SessionId, UserId, Uuid};
use tagus_room::{How, Person, Relay, SEATS_MAX};

use crate::probe::person;

#[derive(Clone, Debug)]
enum Step {
    Join(u8),
    Leave(u8),
    Send(u8, Option<Vec<u8>>),
}

fn step() -> impl Strategy<Value = Step> {
    let who = 0_u8..12;
    prop_oneof![
        3 => who.clone().prop_map(Step::Join),
        2 => who.clone().prop_map(Step::Leave),
        3 => (who.clone(), prop::option::of(prop::collection::vec(who, 0..20))).prop_map(|(from, to)| Step::Send(from, to)),
    ]
}

proptest! {
    #[test]
    fn a_relay_does_what_a_list_does(steps in prop::collection::vec(step(), 0..80)) {
        let mut relay = Relay::new();
        let mut seats: Vec<Option<u8>> = Vec::new();
        let find = |seats: &[Option<u8>], who: u8| seats.iter().position(|seat| *seat == Some(who));
        for step in steps {
            match step {
                Step::Join(who) => {
                    let joined = relay.join(person(who, who)).unwrap();
                    let (seat, how) = find(&seats, who).map_or_else(|| {
                        let free = find_free(&mut seats);
                        seats[free] = Some(who);
                        (free, How::New)
                    }, |seat| (seat, How::Already));
                    prop_assert_eq!((usize::from(joined.seat.0), joined.how), (seat, how));
                }
                Step::Leave(who) => {
                    let left = relay.leave(person(who, who).session_id);
                    let seat = find(&seats, who);
                    prop_assert_eq!(left.as_ref().map(|left| usize::from(left.seat.0)), seat);
                    if let (Some(left), Some(seat)) = (left, seat) {
                        seats[seat] = None;
                        prop_assert_eq!(left.person, person(who, who));
                        prop_assert_eq!(left.is_last, seats.iter().all(Option::is_none));
                    }
                }
                Step::Send(from, listed) => {
                    let sessions: Option<Vec<SessionId>> =
                        listed.as_ref().map(|listed| listed.iter().map(|who| person(*who, *who).session_id).collect());
                    let mut targets = Vec::new();
                    relay.targets(person(from, from).session_id, sessions.as_deref(), &mut targets);
                    let mut want = Vec::new();
                    for (seat, who) in (0..).zip(&seats) {
                        let Some(who) = who else { continue };
                        let wanted = listed.as_ref().map_or(*who != from, |listed| listed.contains(who));
                        if wanted && find(&seats, from).is_some() {
                            want.push(SeatIndex(seat));
                        }
                    }
                    prop_assert_eq!(targets, want);
                }
            }
            prop_assert_eq!(relay.len(), seats.iter().flatten().count());
            prop_assert!(relay.seats().all(|(seat, person)| relay.seat_of(person.session_id) == Some(seat)));
        }
    }
}

fn find_free(seats: &mut Vec<Option<u8>>) -> usize {
    seats.iter().position(Option::is_none).unwrap_or_else(|| {
        seats.push(None);
        seats.len() - 1
    })
}

#[test]
fn a_match_is_full_at_its_limit() {
    let mut relay = Relay::new();
    let numbered = |number: u16| {
        let mut bytes = [0; 16];
        bytes[..2].copy_from_slice(&number.to_be_bytes());
        Person {
            user_id: UserId(Uuid(bytes)),
            session_id: SessionId(Uuid(bytes)),
            username: "p".into(),
        }
    };
    for number in 0..SEATS_MAX {
        assert_eq!(
            relay.join(numbered(number)).unwrap().seat,
            SeatIndex(number)
        );
    }
    assert_eq!(
        relay.join(numbered(SEATS_MAX)).unwrap_err().reason,
        "the match is full"
    );
    assert_eq!(relay.join(numbered(7)).unwrap().how, How::Already);
    relay.leave(numbered(9).session_id).unwrap();
    assert_eq!(relay.join(numbered(SEATS_MAX)).unwrap().seat, SeatIndex(9));
}
