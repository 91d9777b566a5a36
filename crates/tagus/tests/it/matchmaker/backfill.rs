//! Rooms that ask for players: nobody is told of a room without a seat there.

use std::time::Duration;

use tagus::MatchmakerWish;
use tagus::wire::realtime::MatchLeave;
use tagus::wire::realtime::envelope::Message;

use super::table::{House, in_mode, room_of};
use super::{KINDS, Player, names};

const HOLD: Duration = Duration::from_secs(10);

fn players<const N: usize>(house: &House) -> [Player; N] {
    std::array::from_fn(|number| {
        let name = format!("guest{number}");
        Player::open(&house.server, KINDS[number % 3], &name)
    })
}

fn wish() -> MatchmakerWish {
    MatchmakerWish {
        min_count: 1,
        max_count: 1,
        query: "+properties.mode:seat".to_owned(),
        ..MatchmakerWish::default()
    }
}

#[test]
fn a_game_finds_the_players_it_looks_for() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::open(folder.path(), |_| {}, |server| server);
    let [mut host, mut first, mut second, mut third, mut stranger] = players(&house);
    let room = house.room("3+2").to_string();
    // They wait for each other, who are too few.
    let ticket = first.add(in_mode("seat", 8, 8)).unwrap();
    let mut second_add = in_mode("seat", 2, 8);
    // The room is to be one of these.
    second_add.query = "+properties.kind:table".to_owned();
    host.sits_down(&room).unwrap();
    first.add(in_mode("elsewhere", 2, 8)).unwrap();
    let mut any = in_mode("seat", 2, 8);
    any.query = String::new();
    first.add(any.clone()).unwrap();
    let matched = first.matched();
    assert_eq!(room_of(&matched), room);
    assert_eq!(names(&matched), ["guest1"]);
    assert_ne!(matched.ticket, ticket);
    house.waits(0);
    second.add(second_add).unwrap();
    assert_eq!(room_of(&second.matched()), room);
    // It has all that it wants.
    let late = third.add(any).unwrap();
    assert_eq!(stranger.sits_down(&room).unwrap_err(), "the room is full");
    assert_eq!(second.sits_down(&room), Ok(2));
    assert_eq!(first.sits_down(&room), Ok(3));
    assert_eq!(third.remove(&late), Ok(()));
    house.measures(r#"tagus_matchmaker_matches_total{outcome="backfill"} 2"#);
}

#[test]
fn a_room_without_a_seat_is_told_to_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::open(folder.path(), |_| {}, |server| server);
    let [mut host, mut first, mut second] = players(&house);
    let tagus = &house.tagus;
    let room = house.room("2");
    let fill = |wanted| tagus.matchmaker_backfill(room, wanted, wish(), HOLD);
    host.sits_down(&room.to_string()).unwrap();
    // More than there are seats: the first one gets the last seat, the second one waits.
    fill(2).unwrap();
    let mut any = in_mode("seat", 2, 8);
    any.query = String::new();
    first.add(any.clone()).unwrap();
    assert_eq!(room_of(&first.matched()), room.to_string());
    let ticket = second.add(any.clone()).unwrap();
    house.measures(r#"tagus_matchmaker_matches_total{outcome="failed"} 1"#);
    house.waits(1);
    assert_eq!(tagus.matchmaker_tickets()[0].id.to_string(), ticket);
    assert!(tagus.matchmaker_backfill_end(&room));
    assert!(!tagus.matchmaker_backfill_end(&room));
    assert_eq!(first.sits_down(&room.to_string()), Ok(2));
    second.client.ping();
    assert_eq!(second.remove(&ticket), Ok(()));
}

#[test]
fn the_end_of_a_room_ends_its_search() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::open(folder.path(), |_| {}, |server| server);
    let [mut host, mut guest] = players(&house);
    let tagus = &house.tagus;
    let room = house.room("4");
    let fill = |wanted| tagus.matchmaker_backfill(room, wanted, wish(), HOLD);
    assert!(fill(0).is_err());
    assert!(fill(1_025).is_err());
    let mut wrong = wish();
    wrong.query = "+".to_owned();
    assert!(tagus.matchmaker_backfill(room, 1, wrong, HOLD).is_err());
    assert!(!tagus.matchmaker_backfill_end(&room));

    host.sits_down(&room.to_string()).unwrap();
    fill(1).unwrap();
    let leave = MatchLeave {
        match_id: room.to_string(),
    };
    host.client.ask("leave", Message::MatchLeave(leave));
    while host.client.envelope().cid != "leave" {}
    while tagus.room(&room).is_some() {
        std::thread::yield_now();
    }
    let mut any = in_mode("seat", 2, 8);
    any.query = String::new();
    guest.add(any).unwrap();
    guest.client.ping();
    house.waits(1);
    let refused = fill(1).unwrap_err();
    assert_eq!(refused.message, "Match not found.");
}
