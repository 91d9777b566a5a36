//! Rooms that ask for players, tickets that have become passive, and matches that others decide.

use tagus_base::{Millis, RoomId, Uuid};
use tagus_players::matchmaker::{
    MATCH_PLAYERS_MAX, MatchmakerConfig, NewBackfill, Rating, SkillWindow, Ticket, TicketError,
    Wish,
};

use super::{Driver, at, entry, sessions, ticket, wish};

const ROOM: RoomId = RoomId {
    uuid: Uuid([77; 16]),
    home: None,
};

fn seek(present: &[u8], wanted: u32, wish: Wish) -> NewBackfill {
    NewBackfill {
        room: ROOM,
        present: present.iter().map(|session| entry(*session)).collect(),
        wanted,
        wish,
    }
}

impl Driver {
    fn seek(&mut self, ms: u64, present: &[u8], wanted: u32, wish: Wish) {
        self.go(ms);
        let new = seek(present, wanted, wish);
        self.maker.handle_backfill(at(ms), new).unwrap();
        self.go(ms);
    }

    fn wanted(&self) -> Option<u32> {
        self.maker.backfill_wanted(&ROOM)
    }
}

#[test]
fn a_room_is_filled_at_once_with_whoever_fits() {
    let mut driver = Driver::new();
    driver.add(0, &[1], wish(2, 4, "*"));
    driver.seek(100, &[10], 3, wish(2, 4, "*"));
    let made = &driver.matches[0];
    assert_eq!((made.backfill, made.made_at), (Some(ROOM), at(100)));
    assert_eq!(made.wait_ms(&made.tickets[0]), 100);
    assert_eq!(driver.made(), [[1]]);
    assert_eq!(driver.wanted(), Some(2));
    // The party is too large for it, and nobody gathers.
    driver.add(200, &[2, 3, 4], wish(2, 4, "*"));
    driver.add(300, &[5], wish(2, 4, "*"));
    // A full match is possible, but the room comes first.
    assert_eq!(driver.made(), [[5]]);
    driver.add(400, &[6], wish(2, 4, "*"));
    assert_eq!(driver.matches[0].backfill, Some(ROOM));
    assert_eq!(driver.made(), [[6]]);
    assert_eq!(
        (driver.wanted(), driver.maker.backfill_count()),
        (Some(0), 0)
    );
    driver.add(500, &[7], wish(2, 4, "*"));
    assert_eq!(driver.matches[0].backfill, None);
    assert_eq!(driver.made(), [[2, 3, 4, 7]]);
    assert!(driver.maker.remove_backfill(&ROOM));
    assert!(!driver.maker.remove_backfill(&ROOM));
    assert_eq!(driver.wanted(), None);
}

#[test]
fn those_present_count() {
    let mut driver = Driver::new();
    let mut evens = wish(4, 8, "*");
    evens.count_multiple = 4;
    driver.seek(0, &[10], 5, wish(2, 8, "*"));
    // One and one are too few, and one and two are no multiple.
    driver.add(0, &[1], evens.clone());
    driver.add(0, &[2], evens.clone());
    driver.go(2_999);
    assert!(driver.matches.is_empty());
    driver.add(2_999, &[3], evens);
    assert_eq!(driver.matches[0].backfill, Some(ROOM));
    assert_eq!(driver.made(), [[1, 2, 3]]);
    assert_eq!(driver.wanted(), Some(2));
    // Five would be too many for the first, not for the second.
    driver.add(3_000, &[4], wish(2, 4, "*"));
    assert!(driver.matches.is_empty());
    driver.add(3_000, &[5], wish(2, 5, "*"));
    assert_eq!(driver.made(), [[5]]);
}

#[test]
fn a_room_takes_only_whom_it_accepts_and_who_accepts_it() {
    let mut driver = Driver::new();
    let mut arena = wish(2, 4, "+properties.mode:arena");
    arena
        .string_properties
        .insert("mode".into(), "arena".into());
    driver.seek(0, &[10], 3, arena.clone());
    driver.add(0, &[1], wish(2, 4, "*"));
    let mut picky = arena.clone();
    picky.query = "+properties.mode:chess".parse().unwrap();
    driver.add(0, &[2], picky);
    // Nobody is matched with himself, nor a user who sits there.
    driver.add(0, &[10], arena.clone());
    let mut twin = ticket(&[11], arena.clone());
    twin.entries[0].user_id = entry(10).user_id;
    let twin = driver.maker.handle_add(at(0), twin).unwrap();
    driver.go(2_999);
    assert!(driver.matches.is_empty());
    driver.maker.remove(twin);
    driver.add(2_999, &[3], arena);
    assert_eq!(driver.made(), [[3]]);
}

#[test]
fn two_rooms_are_never_in_one_match() {
    let mut driver = Driver::new();
    for number in 0..3 {
        let room = RoomId {
            uuid: Uuid([number; 16]),
            home: None,
        };
        let new = NewBackfill {
            room,
            ..seek(&[number + 10], 1, wish(2, 4, "*"))
        };
        driver.maker.handle_backfill(at(0), new).unwrap();
    }
    driver.go(10_000);
    assert!(driver.matches.is_empty());
    for session in 1..=3 {
        driver.add(10_000, &[session], wish(2, 4, "*"));
    }
    // The one that has asked first is first.
    let rooms = driver.matches.iter().map(|made| made.backfill.unwrap());
    assert!(rooms.map(|room| room.uuid.0[0]).eq(0..3));
}

#[test]
fn rooms_that_refuse_leave_time_for_tickets() {
    let mut driver = Driver::new();
    for number in 0..200 {
        let room = RoomId {
            uuid: Uuid([number; 16]),
            home: None,
        };
        let mut refusing = wish(2, 4, "-properties.mode:/a+/");
        refusing.string_properties.insert("mode".into(), "a".into());
        let new = NewBackfill {
            room,
            ..seek(&[], 1, refusing)
        };
        driver.maker.handle_backfill(at(0), new).unwrap();
    }
    let mut dear = wish(2, 2, "+properties.mode:/a*/ +properties.mode:/a+/");
    dear.string_properties.insert("mode".into(), "a".into());
    driver.add(0, &[1], dear.clone());
    driver.add(0, &[2], dear);
    assert_eq!(driver.made(), [[1, 2]]);
}

#[test]
fn seats_that_could_not_be_reserved_are_given_back() {
    let mut driver = Driver::new();
    driver.seek(0, &[10], 1, wish(2, 4, "*"));
    driver.add(0, &[1], wish(2, 4, "*"));
    let refused = driver.matches.pop().unwrap().tickets;
    assert_eq!(driver.wanted(), Some(0));
    for ticket in refused.iter().chain(&refused).cloned() {
        driver.maker.restore(at(10), ticket).unwrap();
    }
    assert_eq!((driver.wanted(), driver.maker.len()), (Some(1), 1));
    driver.go(2_999);
    assert!(driver.matches.is_empty());
    // The room knows better: what it says since is not changed by who comes back.
    driver.add(2_999, &[2], wish(2, 4, "*"));
    let refused = driver.matches.pop().unwrap().tickets;
    let present = [entry(10), entry(11)];
    driver
        .maker
        .update_backfill(at(2_999), &ROOM, &present, 1)
        .unwrap();
    driver.maker.restore(at(2_999), refused[0].clone()).unwrap();
    assert_eq!(driver.wanted(), Some(1));
    // Who was matched without a room gives nothing back.
    driver.maker.remove_backfill(&ROOM);
    driver.maker.restore(at(2_999), refused[0].clone()).unwrap();
    assert_eq!(driver.wanted(), None);
}

#[test]
fn a_changed_roster() {
    let mut driver = Driver::new();
    let missing = driver.maker.update_backfill(at(0), &ROOM, &[], 1);
    assert_eq!(missing, Err(TicketError::NotFound));
    driver.seek(0, &[10, 11, 12], 1, wish(2, 4, "*"));
    driver.add(0, &[1, 2], wish(2, 4, "*"));
    assert!(driver.matches.is_empty());
    let left = [entry(10), entry(11)];
    driver
        .maker
        .update_backfill(at(500), &ROOM, &left, 2)
        .unwrap();
    driver.go(500);
    assert_eq!(driver.made(), [[1, 2]]);
    // Even an empty room can ask.
    driver
        .maker
        .update_backfill(at(600), &ROOM, &[], 4)
        .unwrap();
    driver.add(600, &[3, 4], wish(2, 4, "*"));
    assert_eq!(driver.made(), [[3, 4]]);
}

#[test]
fn rooms_with_and_without_a_rating() {
    let rated = |mu| {
        let mut rated = wish(2, 4, "*");
        rated.rating = Some(Rating { mu, sigma: 1.0 });
        rated
    };
    let mut driver = Driver::new();
    driver.seek(0, &[10], 2, wish(2, 4, "*"));
    driver.add(0, &[1], rated(50.0));
    driver.add(0, &[2], wish(2, 4, "*"));
    assert_eq!(driver.made(), [[1], [2]]);
    driver.seek(0, &[10], 3, rated(25.0));
    driver.add(0, &[3], wish(2, 4, "*"));
    driver.add(0, &[4], rated(28.5));
    driver.go(999);
    assert!(driver.matches.is_empty());
    driver.go(1_000);
    assert_eq!(driver.matches[0].backfill, Some(ROOM));
    assert_eq!(driver.made(), [[4]]);
}

#[test]
fn the_region_of_a_room() {
    let mut driver = Driver::of(MatchmakerConfig {
        regions: vec!["eu".into(), "us".into()],
        ..MatchmakerConfig::default()
    });
    let near = |regions: &[(&str, u32)]| {
        let mut near = wish(2, 4, "*");
        let regions = regions
            .iter()
            .map(|(name, rtt)| ((*name).into(), Millis(*rtt)));
        near.regions = regions.collect();
        near
    };
    driver.seek(0, &[10], 1, near(&[("us", 0)]));
    driver.add(0, &[1], near(&[("eu", 20), ("us", 200)]));
    assert!(driver.matches.is_empty());
    driver.add(0, &[2], near(&[("eu", 20), ("us", 90)]));
    let region = driver.matches[0].region.clone().unwrap();
    assert_eq!((&*region.name, region.rtt_ms_min), ("us", Millis(90)));
    assert_eq!(driver.made(), [[2]]);
}

#[test]
fn teams_are_the_rooms_affair() {
    let mut five = wish(10, 10, "*");
    (five.count_multiple, five.team_count) = (2, 2);
    let mut driver = Driver::new();
    driver.seek(0, &[10, 11, 12, 13, 14, 15, 16, 17], 2, wish(2, 16, "*"));
    driver.add(0, &[1, 2], five.clone());
    assert!(driver.matches.is_empty());
    driver.seek(0, &[10, 11, 12, 13, 14, 15, 16, 17], 2, five);
    assert_eq!(driver.matches[0].teams, Vec::<Vec<usize>>::new());
    assert_eq!(driver.made(), [[1, 2]]);
}

#[test]
fn bad_backfills_are_refused() {
    let mut driver = Driver::of(MatchmakerConfig {
        tickets_max: 1,
        ..MatchmakerConfig::default()
    });
    let mut handle = |new| driver.maker.handle_backfill(at(0), new).err();
    let any = || wish(2, 4, "*");
    assert_eq!(handle(seek(&[], 0, any())), Some(TicketError::Wanted));
    assert_eq!(
        handle(seek(&[1], MATCH_PLAYERS_MAX, any())),
        Some(TicketError::Wanted)
    );
    assert_eq!(
        handle(seek(&[1, 1], 1, any())),
        Some(TicketError::DuplicateSession)
    );
    let mut far = any();
    far.regions = [(String::new(), Millis(1))].into();
    assert_eq!(handle(seek(&[1], 1, far)), Some(TicketError::Regions));
    assert_eq!(handle(seek(&[1], MATCH_PLAYERS_MAX - 1, any())), None);
    assert_eq!(handle(seek(&[], 1, any())), None);
    let other = NewBackfill {
        room: RoomId {
            uuid: Uuid([78; 16]),
            home: None,
        },
        ..seek(&[], 1, any())
    };
    assert_eq!(handle(other), Some(TicketError::PoolFull));
    assert_eq!(driver.wanted(), Some(1));
}

fn with_intervals(max_intervals: u32) -> Driver {
    Driver::of(MatchmakerConfig {
        max_intervals,
        ..MatchmakerConfig::default()
    })
}

#[test]
fn after_the_last_interval_a_ticket_waits_for_others() {
    let mut driver = with_intervals(2);
    driver.add(0, &[1], wish(2, 4, "*"));
    driver.add(14_000, &[2], wish(2, 4, "*"));
    driver.go(14_999);
    assert!(driver.matches.is_empty());
    driver.go(15_000);
    assert_eq!(driver.made(), [[1, 2]]);
    let passive = driver.add(15_000, &[3], wish(2, 4, "*"));
    driver.go(45_000);
    assert_eq!(driver.maker.next_due(), None);
    driver.maker.look_again(at(45_000), passive);
    assert_eq!(driver.maker.next_due(), None);
    // It is found, but the one who finds it wants a full match first.
    driver.add(45_000, &[4], wish(2, 4, "*"));
    driver.go(59_999);
    assert!(driver.matches.is_empty());
    driver.go(60_000);
    assert_eq!(driver.made(), [[3, 4]]);
    // A mode's own time to gather holds; passive it is all the same. A room finds it too.
    let mut quick = wish(2, 4, "*");
    quick.gather_ms = Some(Millis(1_000));
    let id = driver.add(60_000, &[5], quick.clone());
    driver.go(90_000);
    driver.add(90_000, &[6], wish(2, 4, "*"));
    driver.go(90_500);
    assert!(driver.matches.is_empty());
    // Who asks for something else begins anew.
    driver.maker.change(at(90_500), id, quick).unwrap();
    driver.go(90_500);
    assert_eq!(driver.made(), [[5, 6]]);
    driver.add(100_000, &[7], wish(2, 4, "*"));
    driver.go(140_000);
    driver.seek(140_000, &[10], 1, wish(2, 4, "*"));
    assert_eq!(driver.made(), [[7]]);
}

#[test]
fn the_window_of_a_passive_ticket_stays() {
    let skill = SkillWindow {
        start: 1.0,
        growth: 1.0,
        step_ms: Millis(1_000),
        steps: 5,
    };
    let mut driver = Driver::of(MatchmakerConfig {
        skill,
        interval_ms: Millis(2_000),
        max_intervals: 1,
        ..MatchmakerConfig::default()
    });
    let rated = |mu| {
        let mut rated = wish(2, 2, "*");
        rated.rating = Some(Rating { mu, sigma: 1.0 });
        rated
    };
    driver.add(0, &[1], rated(20.0));
    driver.add(5_000, &[2], rated(22.0));
    let refused = driver.matches.pop().unwrap().tickets;
    driver
        .maker
        .restore(at(10_000), refused[1].clone())
        .unwrap();
    driver.add(10_000, &[3], rated(22.5));
    driver.go(60_000);
    assert!(driver.matches.is_empty());
}

#[test]
fn with_one_interval_anything_will_do_at_once() {
    let mut driver = with_intervals(1);
    driver.add(0, &[1], wish(2, 4, "*"));
    driver.add(0, &[2], wish(2, 4, "*"));
    assert_eq!(driver.made(), [[1, 2]]);
}

#[test]
fn matches_that_others_decide() {
    let mut driver = Driver::of(MatchmakerConfig {
        decides: false,
        ..MatchmakerConfig::default()
    });
    let one = driver.add(0, &[1], wish(2, 2, "+properties.never:x"));
    let two = driver.add(0, &[2, 3], wish(3, 3, "*"));
    let again = driver.add(0, &[1], wish(2, 2, "*"));
    driver.go(100_000);
    assert!(driver.matches.is_empty());
    assert_eq!(driver.maker.next_due(), None);
    let mut form = |ids: &[_]| driver.maker.form(at(100_000), ids);
    assert_eq!(form(&[]).err(), Some(TicketError::Players));
    for twice in [[one, again], [one, one]] {
        assert_eq!(form(&twice).err(), Some(TicketError::DuplicateSession));
    }
    let made = form(&[two, one]).unwrap();
    assert_eq!((made.wait_ms_max, made.players()), (100_000, 3));
    let ids = |tickets: &[Ticket]| tickets.iter().map(|it| it.id).collect::<Vec<_>>();
    assert_eq!(
        (ids(&made.tickets), ids(&made.withdrawn)),
        (vec![two, one], vec![again])
    );
    assert_eq!(sessions(&made.tickets), [1, 2, 3]);
    assert_eq!(form(&[two]).err(), Some(TicketError::NotFound));
    assert!(driver.maker.is_empty());
}
