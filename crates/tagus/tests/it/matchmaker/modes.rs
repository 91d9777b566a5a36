//! Modes of the configuration: their rooms, their regions, their ratings, and how good their matches are.

use tagus::base::UserId;
use tagus::wire::ext::MatchQuality;
use tagus::wire::realtime::MatchmakerAdd;
use tagus::wire::realtime::envelope::Message;
use tagus::{Mode, RankedTeam};

use super::table::{House, in_mode, room_of, table};
use super::{KINDS, Player, names, of, strings};
use crate::socket::Kind;

impl Player {
    /// The next message, which says how good the match is that is told after it.
    pub(super) fn quality(&mut self) -> MatchQuality {
        let envelope = self.client.envelope();
        match envelope.message {
            Some(Message::MatchQuality(quality)) if envelope.cid.is_empty() => quality,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_mode_with_a_game_has_a_room_with_a_seat_for_each() {
    let folder = tempfile::tempdir().unwrap();
    let configure = |config: &mut tagus::Config| {
        config.matchmaker.modes = vec![table("cards", "4")];
    };
    let house = House::open(folder.path(), configure, |server| server);
    let mut players: Vec<Player> = (0..6)
        .map(|number| {
            let name = format!("cards{number}");
            // Three understand extensions, three do not.
            Player::open_with(&house.server, KINDS[number % 3], &name, number < 3)
        })
        .collect();
    let mut stranger = Player::open(&house.server, Kind::Json, "stranger");
    let mut four: Vec<Player> = players.drain(1..5).collect();
    let tickets = four.iter_mut().map(|it| it.add(in_mode("cards", 4, 4)));
    let tickets: Vec<String> = tickets.map(Result::unwrap).collect();
    let mut rooms = Vec::new();
    for (index, player) in four.iter_mut().enumerate() {
        if index < 2 {
            let quality = player.quality();
            assert_eq!(quality.ticket, tickets[index]);
            assert_eq!(quality.mode, "cards");
            assert!(quality.wait_ms <= quality.wait_ms_max);
            let rest = MatchQuality {
                ticket: quality.ticket.clone(),
                mode: quality.mode.clone(),
                wait_ms: quality.wait_ms,
                wait_ms_max: quality.wait_ms_max,
                ..MatchQuality::default()
            };
            assert_eq!(quality, rest);
        }
        let matched = player.matched();
        assert_eq!(names(&matched), ["cards1", "cards2", "cards3", "cards4"]);
        rooms.push(room_of(&matched));
    }
    rooms.dedup();
    let [room] = rooms.as_slice() else {
        panic!("{rooms:?}");
    };
    assert!(room.ends_with(".tagus"), "{room}");
    // Nobody has sat down, and yet there is no seat for anybody else.
    assert_eq!(stranger.sits_down(room).unwrap_err(), "the room is full");
    for (index, player) in four.iter_mut().enumerate() {
        assert_eq!(player.sits_down(room), Ok(index as i32 + 1));
    }
    house.measures(r#"tagus_matchmaker_matches_total{outcome="room"} 1"#);
    house.measures("tagus_matchmaker_wait_seconds_count 4");
    house.measures("tagus_matchmaker_favourite_wins_count 0");
    house.measures("tagus_matchmaker_tickets_total 4");
    house.measures("tagus_matchmaker_waiting 0");
}

#[test]
fn a_match_without_a_room_is_told_to_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let configure = |config: &mut tagus::Config| {
        config.matchmaker.modes = vec![table("broken", "x"), table("small", "1")];
    };
    let house = House::open(folder.path(), configure, |server| server);
    let mut ann = Player::open(&house.server, Kind::Json, "patient1");
    let mut bob = Player::open(&house.server, Kind::Tcp, "patient2");
    for (failed, mode) in [(1, "broken"), (2, "small")] {
        let tickets = [&mut ann, &mut bob].map(|it| it.add(in_mode(mode, 2, 2)).unwrap());
        house.waits(2);
        let outcome = r#"tagus_matchmaker_matches_total{outcome="failed"}"#;
        house.measures(&format!("{outcome} {failed}"));
        house.waits(2);
        let waiting = house.tagus.matchmaker_tickets();
        let mut ids: Vec<String> = waiting.iter().map(|it| it.id.to_string()).collect();
        ids.sort();
        let mut expected = tickets.to_vec();
        expected.sort();
        assert_eq!(ids, expected);
        assert_eq!(ann.remove(&tickets[0]), Ok(()));
        assert_eq!(bob.remove(&tickets[1]), Ok(()));
        ann.client.ping();
        bob.client.ping();
    }
    // The rooms that were too small are closed.
    let filter = tagus::RoomFilter {
        limit: 100,
        ..tagus::RoomFilter::default()
    };
    while !house.tagus.rooms(&filter).is_empty() {
        std::thread::yield_now();
    }
}

#[test]
fn a_mode_says_how_long_its_tickets_gather() {
    let folder = tempfile::tempdir().unwrap();
    let configure = |config: &mut tagus::Config| {
        config.matchmaker.modes = vec![Mode {
            name: "quick".to_owned(),
            gather_ms: Some(50),
            ..Mode::default()
        }];
    };
    let house = House::open(folder.path(), configure, |server| server);
    let mut ann = Player::open(&house.server, Kind::Json, "quick1");
    let mut bob = Player::open(&house.server, Kind::Tcp, "quick2");
    for player in [&mut ann, &mut bob] {
        player.add(in_mode("slow", 2, 8)).unwrap();
        player.add(in_mode("quick", 2, 8)).unwrap();
    }
    let matched = ann.matched();
    assert_eq!(bob.matched().id, matched.id);
    assert_eq!(
        matched.self_.unwrap().string_properties,
        strings(&[("mode", "quick")])
    );
    // Their other tickets went with it, and nobody hears of that.
    house.waits(0);
    ann.client.ping();
}

#[test]
fn intervals_decide_where_they_are_set() {
    let folder = tempfile::tempdir().unwrap();
    let configure = |config: &mut tagus::Config| {
        // Without intervals a match that is not full would take ten minutes.
        config.matchmaker.gather_ms = 600_000;
        config.matchmaker.max_intervals = 2;
        config.matchmaker.interval_ms = 50;
    };
    let house = House::open(folder.path(), configure, |server| server);
    let mut ann = Player::open(&house.server, Kind::Json, "interval1");
    let mut bob = Player::open(&house.server, Kind::Protobuf, "interval2");
    ann.add(in_mode("any", 2, 8)).unwrap();
    bob.add(in_mode("any", 2, 8)).unwrap();
    assert_eq!(ann.matched().id, bob.matched().id);
}

#[test]
fn players_meet_where_the_longest_way_is_the_shortest() {
    let folder = tempfile::tempdir().unwrap();
    let configure = |config: &mut tagus::Config| {
        config.matchmaker.regions = vec!["east".to_owned(), "west".to_owned()];
        config.matchmaker.rtt_ms_max = 100;
    };
    let house = House::open(folder.path(), configure, |server| server);
    let far = |rtts: &[(&str, f64)]| MatchmakerAdd {
        numeric_properties: rtts
            .iter()
            .map(|(region, rtt)| (format!("rtt_ms.{region}"), *rtt))
            .collect(),
        ..of(2, 2)
    };
    let open = |name: &str, kind| Player::open_with(&house.server, kind, name, true);
    let mut ann = open("eastern", Kind::Json);
    let mut bob = open("western", Kind::Protobuf);
    let mut cyd = open("middle", Kind::Tcp);
    let refused = ann.add(far(&[("west", -1.0)])).unwrap_err();
    let invalid = "3 Invalid property rtt_ms.west, must be from 0 to 60000";
    assert_eq!(refused, invalid);
    // Both regions are near enough for both of them.
    ann.add(far(&[("east", 20.0), ("west", 90.0)])).unwrap();
    let middle = [("east", 60.0), ("west", 70.0), ("moon", 1.0)];
    cyd.add(far(&middle)).unwrap();
    let quality = cyd.quality();
    assert_eq!(quality.region, "east");
    assert_eq!((quality.rtt_ms_min, quality.rtt_ms_max), (20, 60));
    assert_eq!(names(&cyd.matched()), ["eastern", "middle"]);
    assert_eq!(ann.quality().region, "east");
    let own = ann.matched().self_.unwrap();
    assert_eq!(own.numeric_properties["rtt_ms.west"], 90.0);
    // No region is near enough for these; who comes plays with the one whose region is.
    bob.add(far(&[("east", 101.0), ("west", 20.0)])).unwrap();
    ann.add(far(&[("east", 20.0), ("west", 101.0)])).unwrap();
    cyd.add(far(&[("east", 101.0), ("west", 30.0)])).unwrap();
    assert_eq!(bob.quality().region, "west");
    assert_eq!(names(&bob.matched()), ["middle", "western"]);
    house.waits(1);
    house.measures("tagus_matchmaker_rtt_seconds_count 2");
}

#[test]
fn rated_players_meet_their_equals_in_even_teams() {
    let folder = tempfile::tempdir().unwrap();
    let configure = |config: &mut tagus::Config| {
        config.matchmaker.modes = vec![Mode {
            name: "ranked".to_owned(),
            team_count: 2,
            rated: true,
            ..Mode::default()
        }];
    };
    let house = House::open(folder.path(), configure, |server| server);
    let mut players: Vec<Player> = (0..4)
        .map(|number| {
            let name = format!("ranked{number}");
            Player::open_with(&house.server, KINDS[number % 3], &name, true)
        })
        .collect();
    let users: Vec<UserId> = players
        .iter_mut()
        .map(|player| {
            let id = player.add(of(2, 1_000)).unwrap();
            let tickets = house.tagus.matchmaker_tickets();
            let own = tickets.iter().find(|ticket| ticket.id.to_string() == id);
            player.remove(&id).unwrap();
            own.unwrap().users[0].user_id
        })
        .collect();
    let team = |first: usize, second: usize, rank| RankedTeam {
        users: vec![users[first], users[second]],
        rank,
    };
    // The ties bring them so near to each other that they meet at once.
    for rank in [2, 1, 1, 1] {
        let teams = [team(0, 2, 1), team(1, 3, rank)];
        let rated = house.tagus.rate("ranked", &teams, None);
        house.wait(rated).unwrap();
    }
    for player in &mut players {
        player.add(in_mode("ranked", 4, 4)).unwrap();
    }
    let tickets = |player: &mut Player| {
        let quality = player.quality();
        let matched = player.matched();
        let sessions = matched.users.into_iter().map(|user| {
            let presence = user.presence.unwrap();
            (presence.session_id, presence.username)
        });
        (quality, sessions.collect::<Vec<_>>())
    };
    let (quality, sessions) = tickets(&mut players[0]);
    let name = |session: &String| {
        let found = sessions.iter().find(|(id, _)| id == session);
        found.unwrap().1.clone()
    };
    // Each team has one who has won and one who has lost.
    let mut teams: Vec<Vec<String>> = Vec::new();
    for team in &quality.teams {
        let mut team: Vec<String> = team.session_ids.iter().map(name).collect();
        team.sort();
        teams.push(team);
    }
    teams.sort();
    let [first, second] = teams.as_slice() else {
        panic!("{teams:?}");
    };
    assert_eq!((first.len(), second.len()), (2, 2));
    assert_eq!(first[0], "ranked0");
    assert_ne!(first[1], "ranked2");
    let favourite = quality.favourite_wins.unwrap();
    assert!((favourite - 0.5).abs() < 1e-9, "{favourite}");
    for player in &mut players[1..] {
        assert_eq!(tickets(player).0.teams, quality.teams);
    }
    house.measures("tagus_matchmaker_favourite_wins_count 1");
    // A party has to fit into one team.
    let mut odd = in_mode("ranked", 3, 3);
    odd.count_multiple = Some(3);
    let refused = players[0].add(odd).unwrap_err();
    assert!(refused.contains("team"), "{refused}");
}

#[test]
fn messages_of_a_match_fit_into_the_queue() {
    let folder = tempfile::tempdir().unwrap();
    let configure = |config: &mut tagus::Config| config.limits.queue_bytes_max = 65_536;
    let house = House::open(folder.path(), configure, |server| server);
    let mut ann = Player::open(&house.server, Kind::Json, "verbose");
    let with = |bytes: usize, count: i32| MatchmakerAdd {
        string_properties: (0..bytes / 256)
            .map(|name| (format!("{name:04}"), "x".repeat(252)))
            .collect(),
        ..of(count, count)
    };
    let refused = ann.add(with(2_048, 32)).unwrap_err();
    assert!(refused.starts_with("3 Invalid properties, "), "{refused}");
    let end = "bytes for each player are too many for a match of 32";
    assert!(refused.ends_with(end), "{refused}");
    ann.add(with(2_048, 16)).unwrap();
    ann.add(with(1_024, 32)).unwrap();
    let tickets = house.tagus.matchmaker_tickets();
    let refused = house.tagus.matchmaker_change(
        tickets[1].id,
        tagus::MatchmakerWish {
            min_count: 2,
            max_count: 1_024,
            ..tagus::MatchmakerWish::default()
        },
    );
    assert!(house.wait(refused).is_err());
    assert_eq!(house.tagus.matchmaker_tickets(), tickets);
}
