//! The matchmaker, alone and beside a naive model.

mod backfill;
mod model;

use std::collections::{BTreeMap, BTreeSet};

use tagus_base::{Millis, Rng, SessionId, UnixMillis, UserId, Uuid};
use tagus_players::matchmaker::{
    DECISIONS_PER_POLL_MAX, Entry, GATHER_MS_MAX, IntervalModel, IntervalModelConfig,
    MATCH_PLAYERS_MAX, Match, Matchmaker, MatchmakerConfig, NewTicket, PARTY_PLAYERS_MAX,
    PROPERTIES_MAX, PROPERTY_NAME_BYTES_MAX, PROPERTY_VALUE_BYTES_MAX, Rating, SkillWindow,
    TEAMS_MAX, TICKET_QUERY_BYTES_MAX, TICKETS_PER_SESSION_MAX, Ticket, TicketError, TicketId,
    Wish,
};
use tagus_players::query::Query;

const START: u64 = 1_000_000;

fn at(ms: u64) -> UnixMillis {
    UnixMillis(START + ms)
}

fn wish(min: u32, max: u32, query: &str) -> Wish {
    Wish::new(min, max, query.parse().unwrap())
}

fn entry(session: u8) -> Entry {
    Entry {
        session_id: SessionId(Uuid([session; 16])),
        user_id: UserId(Uuid([session; 16])),
        username: format!("player{session}").into(),
    }
}

fn ticket(sessions: &[u8], wish: Wish) -> NewTicket {
    NewTicket {
        entries: sessions.iter().map(|session| entry(*session)).collect(),
        party_id: (sessions.len() > 1).then(|| "party".into()),
        wish,
    }
}

/// A matchmaker and what it made.
struct Driver {
    maker: Matchmaker,
    matches: Vec<Match>,
}

impl Driver {
    fn new() -> Self {
        Self::of(MatchmakerConfig::default())
    }

    fn of(config: MatchmakerConfig) -> Self {
        let maker = Matchmaker::new(config);
        let matches = Vec::new();
        Self { maker, matches }
    }

    fn add(&mut self, ms: u64, sessions: &[u8], wish: Wish) -> TicketId {
        self.go(ms);
        let id = self.maker.handle_add(at(ms), ticket(sessions, wish));
        self.go(ms);
        id.unwrap()
    }

    /// Lets time pass as a driver does.
    fn go(&mut self, ms: u64) {
        while let Some(due) = self.maker.next_due().filter(|due| *due <= at(ms)) {
            self.maker
                .poll(due.max(UnixMillis(START)), &mut self.matches);
        }
        self.maker.poll(at(ms), &mut self.matches);
    }

    /// The sessions of the matches since the last call, in order.
    fn made(&mut self) -> Vec<Vec<u8>> {
        let matches = self.matches.drain(..);
        matches.map(|it| sessions(&it.tickets)).collect()
    }
}

fn sessions(tickets: &[Ticket]) -> Vec<u8> {
    let entries = tickets.iter().flat_map(|ticket| &ticket.entries);
    let mut sessions: Vec<u8> = entries.map(|entry| entry.session_id.0.0[0]).collect();
    sessions.sort_unstable();
    sessions
}

#[test]
fn a_full_match_is_made_at_once() {
    let mut driver = Driver::new();
    driver.add(0, &[1], wish(2, 2, "*"));
    assert_eq!(driver.made(), Vec::<Vec<u8>>::new());
    driver.add(0, &[2], wish(2, 2, "*"));
    assert_eq!(driver.made(), [[1, 2]]);
    assert!(driver.maker.is_empty());
    assert_eq!(driver.maker.next_due(), None);
}

#[test]
fn below_max_the_oldest_ticket_gathers() {
    let mut driver = Driver::new();
    driver.add(0, &[1], wish(2, 4, "*"));
    driver.add(1_000, &[2], wish(2, 4, "*"));
    driver.add(2_500, &[3], wish(2, 4, "*"));
    driver.go(2_999);
    assert!(driver.matches.is_empty());
    driver.go(3_000);
    assert_eq!(driver.matches[0].wait_ms_max, 3_000);
    assert_eq!(driver.made(), [[1, 2, 3]]);
    // Who has waited long enough is matched with whoever comes.
    driver.add(4_000, &[4], wish(2, 4, "*"));
    driver.go(60_000);
    assert!(driver.matches.is_empty());
    driver.add(60_000, &[5], wish(2, 4, "*"));
    assert_eq!(driver.made(), [[4, 5]]);
}

#[test]
fn multiples_and_parties() {
    let mut driver = Driver::new();
    let mut pairs = wish(2, 6, "*");
    pairs.count_multiple = 2;
    for session in 1..=5 {
        driver.add(0, &[session], pairs.clone());
    }
    driver.go(3_000);
    assert_eq!(driver.made(), [[1, 2, 3, 4]]);
    driver.add(3_000, &[6, 7, 8], pairs.clone());
    assert_eq!(driver.made(), [[5, 6, 7, 8]]);
    // A party that is the whole match plays at once.
    driver.add(4_000, &[1, 2], wish(2, 2, "*"));
    assert_eq!(driver.made(), [[1, 2]]);
}

#[test]
fn queries_are_mutual() {
    let mut driver = Driver::new();
    let mut picky = wish(2, 2, "+properties.mode:a +properties.level:>=10");
    picky.string_properties.insert("mode".into(), "a".into());
    picky.numeric_properties.insert("level".into(), 20.0);
    let mut low = wish(2, 2, "*");
    low.string_properties.insert("mode".into(), "a".into());
    low.numeric_properties.insert("level".into(), 9.0);
    let mut high = low.clone();
    high.numeric_properties.insert("level".into(), 10.0);
    driver.add(0, &[1], picky.clone());
    driver.add(0, &[2], low.clone());
    assert!(driver.matches.is_empty());
    driver.add(0, &[3], picky.clone());
    assert_eq!(driver.made(), [[1, 3]]);
    driver.add(0, &[4], high);
    assert_eq!(driver.made(), [[2, 4]]);
}

#[test]
fn own_fields_of_tickets() {
    let query = "+min_count:2 +max_count:<=4 -party_id:party +created_at:>=1000000000000";
    let mut driver = Driver::new();
    driver.add(0, &[1], wish(2, 4, query));
    driver.add(0, &[2, 3], wish(2, 4, "*"));
    driver.add(0, &[4], wish(2, 5, "*"));
    driver.add(0, &[5], wish(3, 4, "*"));
    driver.go(10_000);
    driver.made();
    driver.add(10_000, &[6], wish(2, 2, "*"));
    assert_eq!(driver.made(), [[1, 6]]);
    let late = "+created_at:<1000000000000";
    driver.add(10_000, &[1], wish(2, 2, late));
    driver.add(10_000, &[2], wish(2, 2, "*"));
    assert!(driver.matches.is_empty());
}

#[test]
fn preferred_tickets_come_first() {
    let mut driver = Driver::new();
    let mut seek = wish(2, 2, "* properties.region:eu^5 properties.region:us^2");
    for (session, region) in [(1, "ap"), (2, "us"), (3, "eu")] {
        // They do not play with each other.
        let mut there = wish(2, 2, "+properties.seek:T");
        there
            .string_properties
            .insert("region".into(), region.into());
        driver.add(0, &[session], there);
    }
    seek.string_properties.insert("seek".into(), "T".into());
    seek.query = "+properties.region:* properties.region:eu^5 properties.region:us^2"
        .parse()
        .unwrap();
    for session in 4..=6 {
        driver.add(0, &[session], seek.clone());
    }
    assert_eq!(driver.made(), [[3, 4], [2, 5], [1, 6]]);
}

#[test]
fn nobody_is_in_two_matches() {
    let mut driver = Driver::new();
    let first = driver.add(0, &[1], wish(2, 2, "+properties.mode:a"));
    let second = driver.add(0, &[1], wish(2, 3, "*"));
    let party = driver.add(0, &[1, 2], wish(4, 4, "*"));
    let full = driver
        .maker
        .handle_add(at(0), ticket(&[1, 9], wish(2, 2, "*")));
    assert_eq!(full, Err(TicketError::TooManyTickets));
    // Not with itself, although the tickets would fit.
    driver.go(10_000);
    assert!(driver.matches.is_empty());
    let mut a = wish(2, 2, "*");
    a.string_properties.insert("mode".into(), "a".into());
    driver.add(10_000, &[3], a);
    let withdrawn = driver.matches[0].withdrawn.iter().map(|it| it.id);
    assert!(withdrawn.eq([second, party]));
    assert_eq!(driver.made(), [[1, 3]]);
    assert!(driver.maker.is_empty());
    assert!(driver.maker.remove(first).is_none());
}

#[test]
fn tickets_leave_and_change() {
    let mut driver = Driver::new();
    let one = driver.add(0, &[1], wish(2, 2, "+properties.never:x"));
    let two = driver.add(0, &[2], wish(2, 4, "*"));
    driver.add(0, &[2, 3], wish(4, 4, "*"));
    let mut gone = Vec::new();
    driver.maker.remove_session(entry(3).session_id, &mut gone);
    assert_eq!(sessions(&gone), [2, 3]);
    assert_eq!(driver.maker.len(), 2);
    // A changed ticket keeps its age: it has waited long enough.
    driver.go(5_000);
    driver
        .maker
        .change(at(5_000), one, wish(2, 4, "*"))
        .unwrap();
    assert_eq!(driver.maker.ticket_of(one).unwrap().created_at, at(0));
    driver.go(5_000);
    assert_eq!(driver.made(), [[1, 2]]);
    let missing = driver.maker.change(at(5_000), two, wish(2, 4, "*"));
    assert_eq!(missing, Err(TicketError::NotFound));
    let third = driver.add(5_000, &[1], wish(2, 2, "*"));
    let refused = driver.maker.change(at(5_000), third, wish(2, 1, "*"));
    assert_eq!(refused, Err(TicketError::MaxCount));
    assert_eq!(driver.maker.remove(third).unwrap().max_count(), 2);
    assert_eq!(driver.maker.next_due(), None);
}

#[test]
fn a_match_that_did_not_come_about() {
    let mut driver = Driver::new();
    driver.add(0, &[1], wish(2, 2, "*"));
    driver.add(0, &[2], wish(2, 2, "*"));
    let tickets = driver.matches.remove(0).tickets;
    for ticket in tickets.iter().chain(&tickets).cloned() {
        driver.maker.restore(at(10), ticket).unwrap();
    }
    assert_eq!(driver.maker.len(), 2);
    // It is made neither again at once nor never.
    driver.go(2_999);
    assert!(driver.matches.is_empty());
    driver.add(2_999, &[3], wish(2, 2, "*"));
    assert_eq!(driver.made().len(), 1);
}

#[test]
fn ratings_and_windows() {
    let skill = SkillWindow {
        start: 2.0,
        growth: 1.0,
        step_ms: Millis(1_000),
        steps: 5,
    };
    let mut driver = Driver::of(MatchmakerConfig {
        skill,
        ..MatchmakerConfig::default()
    });
    let rated = |mu| {
        let mut rated = wish(2, 2, "*");
        rated.rating = Some(Rating { mu, sigma: 1.0 });
        rated
    };
    driver.add(0, &[1], rated(20.0));
    driver.add(0, &[2], rated(25.5));
    driver.add(0, &[3], wish(2, 2, "*"));
    driver.add(0, &[4], rated(100.0));
    driver.go(3_999);
    assert!(driver.matches.is_empty());
    driver.go(4_000);
    assert_eq!(driver.matches[0].rating_spread, Some(5.5));
    assert_eq!(driver.made(), [[1, 2]]);
    // After the last step anybody will do, but only with a rating. The nearest is preferred.
    driver.go(6_000);
    assert_eq!(driver.maker.next_due(), None);
    driver.add(6_000, &[5], rated(-20.0));
    assert_eq!(driver.made(), [[4, 5]]);
    for (session, mu) in [(6, 10.0), (7, 15.0), (8, 13.0)] {
        driver.add(6_000, &[session], rated(mu));
    }
    driver.add(6_000, &[9], rated(14.5));
    assert_eq!(driver.made(), [[7, 8]]);
    assert_eq!(driver.maker.len(), 3);
}

#[test]
fn teams_keep_parties_together() {
    let five = |mu| {
        let mut five = wish(10, 10, "*");
        (five.count_multiple, five.team_count) = (2, 2);
        five.rating = Some(Rating { mu, sigma: 1.0 });
        five
    };
    let mut driver = Driver::new();
    driver.add(0, &[1, 2, 3, 4], five(25.0));
    driver.add(0, &[5, 6, 7, 8], five(25.5));
    // Ten players, but not twice five.
    driver.add(0, &[9, 10], five(25.0));
    driver.add(0, &[11], wish(10, 10, "*"));
    assert!(driver.matches.is_empty());
    driver.add(0, &[12], five(26.0));
    driver.add(0, &[13], five(24.0));
    let made = &driver.matches[0];
    let teams = made.teams.iter().map(|team| {
        let tickets: Vec<Ticket> = team
            .iter()
            .map(|index| made.tickets[*index].clone())
            .collect();
        sessions(&tickets)
    });
    let teams: BTreeSet<Vec<u8>> = teams.collect();
    assert_eq!(teams, [vec![1, 2, 3, 4, 12], vec![5, 6, 7, 8, 13]].into());
    let favourite = made.favourite_wins.unwrap();
    assert!((0.5..0.51).contains(&favourite), "{favourite}");
    assert_eq!(made.rating_spread, Some(2.0));
    assert_eq!(driver.maker.len(), 2);
}

#[test]
fn regions_in_common() {
    let mut driver = Driver::of(MatchmakerConfig {
        regions: vec!["eu".into(), "us".into(), "ap".into()],
        ..MatchmakerConfig::default()
    });
    let near = |regions: &[(&str, u32)]| {
        let mut near = wish(2, 3, "*");
        let regions = regions.iter();
        near.regions = regions
            .map(|(name, rtt)| ((*name).into(), Millis(*rtt)))
            .collect();
        near
    };
    driver.add(0, &[1], near(&[("eu", 20), ("us", 100)]));
    driver.add(0, &[2], near(&[("eu", 190), ("us", 60), ("ap", 150)]));
    driver.add(0, &[3], near(&[("ap", 250), ("eu", 400), ("mars", 1)]));
    driver.go(3_000);
    let region = driver.matches[0].region.clone().unwrap();
    assert_eq!(&*region.name, "us");
    assert_eq!(
        (region.rtt_ms_min, region.rtt_ms_max),
        (Millis(60), Millis(100))
    );
    assert_eq!(driver.made(), [[1, 2]]);
    // Who says nothing can play anywhere.
    driver.add(3_000, &[4], wish(2, 2, "*"));
    assert_eq!(&*driver.matches[0].region.clone().unwrap().name, "ap");
    assert_eq!(driver.made(), [[3, 4]]);
}

#[test]
fn large_matches_fill_up() {
    let mut driver = Driver::new();
    let party: Vec<NewTicket> = (0..100_u8)
        .map(|session| ticket(&[session], wish(100, 100, "+min_count:100")))
        .collect();
    for (index, ticket) in party.into_iter().enumerate() {
        assert_eq!(driver.maker.len(), index);
        driver.maker.handle_add(at(0), ticket).unwrap();
        driver.go(0);
    }
    assert_eq!(driver.matches[0].players(), 100);
}

/// Enough tickets for every form of the index's sets.
#[test]
fn among_many_the_oldest_that_agrees_is_found() {
    let mut rng = Rng::new(3);
    let mut driver = Driver::new();
    let mut add = |driver: &mut Driver, count: u64, query: &dyn Fn(u32) -> String| {
        let skill = rng.below(2_000);
        let mut wish = wish(2, 2, &query(skill));
        let mode = format!("m{}", rng.below(3));
        wish.string_properties.insert("mode".into(), mode);
        wish.numeric_properties.insert("skill".into(), skill.into());
        let mut new = ticket(&[0], wish);
        new.entries[0].session_id = SessionId(Uuid(u128::from(count).to_be_bytes()));
        driver.maker.handle_add(at(count), new).unwrap()
    };
    for count in 0..1_500 {
        // Everybody wants somebody better: nobody agrees.
        let better = |skill| format!("+properties.mode:/m[01]/ +properties.skill:>{skill}");
        add(&mut driver, count, &better);
    }
    driver.go(1_500);
    assert_eq!(driver.maker.len(), 1_500);
    let mut partners = 0;
    for count in 1_500..1_600 {
        let worse = |skill| format!("+properties.skill:<={} -properties.mode:m0", skill / 2);
        let id = add(&mut driver, count, &worse);
        let own = driver.maker.ticket_of(id).unwrap().clone();
        let others = driver.maker.tickets().filter(|it| it.id != id);
        let agreeing = others.filter(|it| it.accepts(&own) && own.accepts(it));
        let expected = agreeing.min_by_key(|it| it.created_at).map(|it| it.id);
        driver.go(count);
        let found = driver.matches.pop().map(|it| it.tickets[1].id);
        assert_eq!(found, expected);
        partners += u32::from(found.is_some());
        driver.maker.remove(id);
    }
    assert!(partners > 20, "{partners}");
}

#[test]
fn a_burst_is_decided_in_pieces() {
    let mut driver = Driver::new();
    for session in 0..=255 {
        for _ in 0..2 {
            let lonely = ticket(&[session], wish(2, 2, "+properties.never:x"));
            driver.maker.handle_add(at(0), lonely).unwrap();
        }
    }
    for _ in 1..driver.maker.len() / DECISIONS_PER_POLL_MAX {
        driver.maker.poll(at(0), &mut driver.matches);
        assert_eq!(driver.maker.next_due(), Some(at(0)));
    }
    driver.maker.poll(at(0), &mut driver.matches);
    assert_eq!(driver.maker.next_due(), Some(at(3_000)));
}

#[test]
fn bad_tickets_are_refused() {
    let add = |new: NewTicket| {
        let mut maker = Matchmaker::new(MatchmakerConfig::default());
        let added = maker.handle_add(at(0), new);
        assert_eq!(maker.len(), usize::from(added.is_ok()));
        added.err()
    };
    let with = |edit: &dyn Fn(&mut NewTicket)| {
        let mut new = ticket(&[1], wish(2, 4, "*"));
        edit(&mut new);
        add(new)
    };
    let number = |names: std::ops::Range<usize>| {
        let names = names.map(|name| (name.to_string(), 1.0));
        names.collect::<BTreeMap<_, _>>()
    };
    let party = |players: usize| {
        (0..players).map(|player| Entry {
            session_id: SessionId(Uuid((player as u128).to_be_bytes())),
            ..entry(0)
        })
    };
    let long = |bytes| "x".repeat(bytes);
    let phrase = |bytes: usize| Query::parse(&format!("\"{}\"", long(bytes - 2))).unwrap();
    assert_eq!(with(&|_| ()), None);
    assert_eq!(
        with(&|it| it.wish.min_count = 1),
        Some(TicketError::MinCount)
    );
    assert_eq!(
        with(&|it| it.wish.max_count = 1),
        Some(TicketError::MaxCount)
    );
    assert_eq!(with(&|it| it.wish.max_count = MATCH_PLAYERS_MAX), None);
    assert_eq!(
        with(&|it| it.wish.max_count = MATCH_PLAYERS_MAX + 1),
        Some(TicketError::MaxCountLimit)
    );
    assert_eq!(
        with(&|it| it.wish.count_multiple = 0),
        Some(TicketError::CountMultiple)
    );
    assert_eq!(
        with(&|it| it.wish.count_multiple = 4),
        Some(TicketError::CountMultipleOfMin)
    );
    assert_eq!(
        with(&|it| (it.wish.max_count, it.wish.count_multiple) = (5, 2)),
        Some(TicketError::CountMultipleOfMax)
    );
    let teams = |it: &mut NewTicket, teams, players| {
        it.entries = party(players).collect();
        (it.wish.min_count, it.wish.max_count) = (teams, 4 * teams);
        (it.wish.count_multiple, it.wish.team_count) = (teams, teams);
    };
    assert_eq!(with(&|it| teams(it, TEAMS_MAX, 4)), None);
    for (count, players) in [(TEAMS_MAX + 1, 4), (2, 5)] {
        let refused = with(&|it| teams(it, count, players));
        assert_eq!(refused, Some(TicketError::TeamCount));
    }
    assert_eq!(
        with(&|it| it.wish.team_count = 2),
        Some(TicketError::TeamCount)
    );
    assert_eq!(with(&|it| it.entries.clear()), Some(TicketError::Players));
    assert_eq!(
        with(&|it| it.entries = party(5).collect()),
        Some(TicketError::PartySize)
    );
    let crowd = |it: &mut NewTicket, players| {
        it.entries = party(players).collect();
        it.wish.max_count = 512;
    };
    assert_eq!(with(&|it| crowd(it, PARTY_PLAYERS_MAX)), None);
    assert_eq!(
        with(&|it| crowd(it, PARTY_PLAYERS_MAX + 1)),
        Some(TicketError::Players)
    );
    assert_eq!(
        with(&|it| it.entries = vec![entry(1), entry(1)]),
        Some(TicketError::DuplicateSession)
    );
    assert_eq!(
        with(&|it| it.wish.numeric_properties = number(0..PROPERTIES_MAX)),
        None
    );
    assert_eq!(
        with(&|it| it.wish.numeric_properties = number(0..PROPERTIES_MAX + 1)),
        Some(TicketError::PropertyCount)
    );
    let string = |it: &mut NewTicket, name: String, value: String| {
        it.wish.string_properties.insert(name, value);
    };
    assert_eq!(
        with(&|it| string(it, String::new(), String::new())),
        Some(TicketError::PropertyName)
    );
    let longest = || {
        (
            long(PROPERTY_NAME_BYTES_MAX),
            long(PROPERTY_VALUE_BYTES_MAX),
        )
    };
    assert_eq!(with(&|it| string(it, longest().0, longest().1)), None);
    assert_eq!(
        with(&|it| string(it, longest().0 + "x", String::new())),
        Some(TicketError::PropertyName)
    );
    assert_eq!(
        with(&|it| string(it, "a".into(), longest().1 + "x")),
        Some(TicketError::PropertyValue)
    );
    assert_eq!(
        with(&|it| (0..16).for_each(|name| string(it, format!("{name:02}"), longest().1))),
        Some(TicketError::PropertiesSize)
    );
    assert_eq!(
        with(&|it| it.wish.numeric_properties = [("a".into(), f64::NAN)].into()),
        Some(TicketError::PropertyNumber)
    );
    assert_eq!(
        with(&|it| it.wish.query = phrase(TICKET_QUERY_BYTES_MAX)),
        None
    );
    assert_eq!(
        with(&|it| it.wish.query = phrase(TICKET_QUERY_BYTES_MAX + 1)),
        Some(TicketError::QueryLength)
    );
    let costly = |fuzzy| "a:/b/ ".repeat(8) + &"a:b~ ".repeat(fuzzy);
    assert_eq!(
        with(&|it| it.wish.query = costly(16).parse().unwrap()),
        None
    );
    assert_eq!(
        with(&|it| it.wish.query = costly(17).parse().unwrap()),
        Some(TicketError::QueryCost)
    );
    assert_eq!(
        with(&|it| it.wish.gather_ms = Some(Millis(GATHER_MS_MAX + 1))),
        Some(TicketError::Gather)
    );
    let rating = |mu, sigma| Some(Rating { mu, sigma });
    assert_eq!(with(&|it| it.wish.rating = rating(0.0, 0.0)), None);
    for wrong in [rating(f64::INFINITY, 1.0), rating(0.0, -1.0)] {
        assert_eq!(
            with(&|it| it.wish.rating = wrong),
            Some(TicketError::Rating)
        );
    }
    assert_eq!(
        with(&|it| it.wish.regions = [(String::new(), Millis(1))].into()),
        Some(TicketError::Regions)
    );
}

#[test]
fn a_full_pool_refuses() {
    let mut maker = Matchmaker::new(MatchmakerConfig {
        tickets_max: 1,
        ..MatchmakerConfig::default()
    });
    let new = |session| ticket(&[session], wish(2, 2, "*"));
    let first = maker.handle_add(at(0), new(1)).unwrap();
    assert_eq!(maker.handle_add(at(0), new(2)), Err(TicketError::PoolFull));
    maker.remove(first);
    assert!(maker.handle_add(at(0), new(2)).is_ok());
}

#[test]
fn limits_hold_a_session_at_a_time() {
    let mut maker = Matchmaker::new(MatchmakerConfig::default());
    let never = || ticket(&[1], wish(2, 2, "+properties.never:x"));
    let ids: Vec<TicketId> = (0..TICKETS_PER_SESSION_MAX)
        .map(|_| maker.handle_add(at(0), never()).unwrap())
        .collect();
    assert_eq!(
        maker.handle_add(at(0), never()),
        Err(TicketError::TooManyTickets)
    );
    maker.remove(ids[1]);
    assert!(maker.handle_add(at(0), never()).is_ok());
}

#[test]
fn the_model_of_fixed_intervals() {
    let mut model = IntervalModel::new(at(0), IntervalModelConfig::default());
    let mut maker = Matchmaker::new(MatchmakerConfig::default());
    let mut mode = wish(2, 2, "*");
    mode.string_properties.insert("mode".into(), "a".into());
    let wishes = [
        wish(2, 2, "+properties.mode:a"),
        // It is taken although its own query would not have it.
        Wish {
            query: "+properties.never:x".parse().unwrap(),
            ..mode
        },
        wish(2, 4, "*"),
        wish(2, 4, "*"),
        wish(2, 4, "*"),
    ];
    for (session, wish) in (1..).zip(wishes) {
        let id = maker.handle_add(at(0), ticket(&[session], wish)).unwrap();
        model.handle_add(maker.remove(id).unwrap());
    }
    let mut round = |ms| {
        let mut matches = Vec::new();
        model.poll(at(ms), &mut matches);
        matches
            .iter()
            .map(|it| sessions(&it.tickets))
            .collect::<Vec<_>>()
    };
    assert_eq!(round(14_999), Vec::<Vec<u8>>::new());
    assert_eq!(round(15_000), [[1, 2]]);
    assert_eq!(round(29_999), Vec::<Vec<u8>>::new());
    assert_eq!(round(30_000), [[3, 4, 5]]);
    assert!(model.is_empty());
    let mut mutual = IntervalModel::new(
        at(0),
        IntervalModelConfig {
            is_mutual: true,
            ..IntervalModelConfig::default()
        },
    );
    for (session, query) in [(1, "*"), (2, "+properties.never:x"), (3, "*")] {
        let new = ticket(&[session], wish(2, 2, query));
        let id = maker.handle_add(at(0), new).unwrap();
        mutual.handle_add(maker.remove(id).unwrap());
    }
    let mut matches = Vec::new();
    mutual.poll(at(15_000), &mut matches);
    assert_eq!(sessions(&matches[0].tickets), [1, 3]);
    let left = maker
        .handle_add(at(0), ticket(&[9], wish(2, 2, "*")))
        .unwrap();
    assert!(mutual.remove(left).is_none());
    assert_eq!((matches.len(), mutual.len()), (1, 1));
}
