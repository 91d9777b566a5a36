//! A naive model: every group of tickets, judged by the rules as the documentation has them.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::sample::{Index, select};
use tagus_base::Millis;
use tagus_players::matchmaker::{
    Match, Matchmaker, MatchmakerConfig, NewTicket, Rating, SkillWindow, TicketId, Wish,
};
use tagus_players::query::Document;

use super::{START, at, entry, sessions, ticket, wish};

/// What happens to a matchmaker.
#[derive(Clone, Debug)]
enum Event {
    Add(NewTicket),
    Remove(Index),
    Change(Index, Wish),
    Disconnect(u8),
    Wait(u64),
}

/// The naive model: every ticket, and the rules as the documentation has them.
struct Model {
    tickets: BTreeMap<TicketId, (u64, NewTicket)>,
    skill: SkillWindow,
}

impl Model {
    fn accepts(&self, one: TicketId, other: TicketId) -> bool {
        let (created_at, seen) = &self.tickets[&other];
        let mut document = Document::new();
        for (name, value) in &seen.wish.string_properties {
            document.add_text(&format!("properties.{name}"), value);
        }
        for (name, value) in &seen.wish.numeric_properties {
            document.add_number(&format!("properties.{name}"), *value);
        }
        document.add_number("min_count", seen.wish.min_count.into());
        document.add_number("max_count", seen.wish.max_count.into());
        if let Some(party_id) = &seen.party_id {
            document.add_text("party_id", party_id);
        }
        document.add_number("created_at", (START + created_at) as f64 * 1e6);
        self.tickets[&one].1.wish.query.matches(&document)
    }

    fn agree(&self, now: u64, one: TicketId, other: TicketId) -> bool {
        let (left, right) = (&self.tickets[&one], &self.tickets[&other]);
        let window = |created_at: u64| {
            let steps = (now - created_at) / u64::from(self.skill.step_ms.0);
            let grown = self.skill.growth * steps as f64 + self.skill.start;
            if steps > u64::from(self.skill.steps) {
                f64::INFINITY
            } else {
                grown
            }
        };
        let near = match (left.1.wish.rating, right.1.wish.rating) {
            (None, None) => true,
            (Some(a), Some(b)) => (a.mu - b.mu).abs() <= window(left.0).max(window(right.0)),
            _ => false,
        };
        near && self.accepts(one, other) && self.accepts(other, one)
    }

    /// Whether these tickets may play together: `Some(true)` if nobody may join them.
    fn judge(&self, now: u64, group: &[TicketId]) -> Option<bool> {
        let wishes = || group.iter().map(|id| &self.tickets[id].1.wish);
        let entries = || group.iter().flat_map(|id| &self.tickets[id].1.entries);
        let players = entries().count() as u32;
        let fits = |players: u32| {
            wishes().all(|it| {
                let counts = it.min_count..=it.max_count;
                counts.contains(&players) && players.is_multiple_of(it.count_multiple)
            })
        };
        let unique: BTreeSet<_> = entries().map(|it| it.session_id).collect();
        let mutual = group
            .iter()
            .enumerate()
            .all(|(index, one)| group[..index].iter().all(|it| self.agree(now, *one, *it)));
        let teams: BTreeSet<_> = wishes().map(|it| it.team_count).collect();
        let sizes: Vec<u32> = group
            .iter()
            .map(|id| self.tickets[id].1.entries.len() as u32)
            .collect();
        let split = teams
            .first()
            .is_none_or(|teams| *teams == 0 || splits(&sizes, *teams));
        let valid = fits(players)
            && teams.len() == 1
            && split
            && unique.len() == players as usize
            && mutual;
        valid.then(|| !(players + 1..=8).any(fits))
    }

    /// Whether these tickets are a match: a full one, or one of which a member has waited long enough.
    fn will_do(&self, now: u64, group: &[TicketId]) -> bool {
        let ripe = group.iter().any(|id| {
            let (created_at, ticket) = &self.tickets[id];
            now >= created_at + u64::from(ticket.wish.gather_ms.unwrap_or(Millis(3_000)).0)
        });
        self.judge(now, group).is_some_and(|full| full || ripe)
    }

    /// A match that should have been made.
    fn missed(&self, now: u64) -> Option<Vec<TicketId>> {
        let ids: Vec<TicketId> = self.tickets.keys().copied().collect();
        let mut groups = (1_u32..1 << ids.len()).map(|bits| {
            let chosen = ids
                .iter()
                .enumerate()
                .filter(|(index, _)| bits >> index & 1 == 1);
            chosen.map(|(_, id)| *id).collect::<Vec<_>>()
        });
        groups.find(|group| self.will_do(now, group))
    }

    /// Checks the matches and takes their tickets out.
    fn check(&mut self, now: u64, matches: &[Match]) {
        for made in matches {
            let group: Vec<TicketId> = made.tickets.iter().map(|it| it.id).collect();
            assert!(self.will_do(now, &group), "not allowed: {made:?}");
            assert_eq!(made.players() as usize, sessions(&made.tickets).len());
            for ticket in made.tickets.iter().chain(&made.withdrawn) {
                assert!(self.tickets.remove(&ticket.id).is_some());
            }
            let players = sessions(&made.tickets);
            let left = self.tickets.values().flat_map(|(_, it)| &it.entries);
            assert!(
                !left
                    .into_iter()
                    .any(|it| players.contains(&it.session_id.0.0[0]))
            );
        }
    }
}

/// Whether parties of these sizes can be split into equal teams, by trying everything.
fn splits(sizes: &[u32], teams: u32) -> bool {
    let players: u32 = sizes.iter().sum();
    (0..teams.pow(sizes.len() as u32)).any(|mut choice| {
        let mut each = vec![0; teams as usize];
        for size in sizes {
            each[(choice % teams) as usize] += size;
            choice /= teams;
        }
        each.iter().all(|it| it * teams == players)
    })
}

/// Lets the events happen, compares with the model after each, and gives everything that was made.
fn run(events: &[Event]) -> String {
    let skill = SkillWindow {
        start: 1.0,
        growth: 2.0,
        step_ms: Millis(500),
        steps: 3,
    };
    let mut maker = Matchmaker::new(MatchmakerConfig {
        seed: 7,
        skill,
        ..MatchmakerConfig::default()
    });
    let tickets = BTreeMap::new();
    let mut model = Model { tickets, skill };
    let mut now = 0;
    let mut made = String::new();
    for event in events {
        let mut until = now;
        let some = |model: &Model, index: &Index| {
            let ids: Vec<TicketId> = model.tickets.keys().copied().collect();
            (!ids.is_empty()).then(|| *index.get(&ids))
        };
        match event {
            Event::Add(new) if model.tickets.len() < 9 => {
                if let Ok(id) = maker.handle_add(at(now), new.clone()) {
                    model.tickets.insert(id, (now, new.clone()));
                }
            }
            Event::Add(_) => {}
            Event::Remove(index) => {
                if let Some(id) = some(&model, index) {
                    assert!(maker.remove(id).is_some());
                    model.tickets.remove(&id);
                }
            }
            Event::Change(index, wish) => {
                if let Some(id) = some(&model, index)
                    && maker.change(at(now), id, wish.clone()).is_ok()
                {
                    model.tickets.get_mut(&id).unwrap().1.wish = wish.clone();
                }
            }
            Event::Disconnect(session) => {
                let session_id = entry(*session).session_id;
                maker.remove_session(session_id, &mut Vec::new());
                let stays =
                    |it: &NewTicket| it.entries.iter().all(|it| it.session_id != session_id);
                model.tickets.retain(|_, (_, it)| stays(it));
            }
            Event::Wait(ms) => until += ms,
        }
        loop {
            let due = maker.next_due().map(|due| due.0 - START);
            now = due.filter(|due| *due <= until).unwrap_or(until).max(now);
            let mut matches = Vec::new();
            maker.poll(at(now), &mut matches);
            model.check(now, &matches);
            made += &format!("{now}: {matches:?}\n");
            assert_eq!(maker.len(), model.tickets.len());
            assert_eq!(model.missed(now), None, "a match was missed at {now}");
            if now == until {
                break;
            }
        }
    }
    made
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        8 => new_ticket().prop_map(Event::Add),
        1 => any::<Index>().prop_map(Event::Remove),
        1 => (any::<Index>(), a_wish()).prop_map(|(index, wish)| Event::Change(index, wish)),
        1 => (0_u8..12).prop_map(Event::Disconnect),
        3 => (0_u64..2_000).prop_map(Event::Wait),
    ];
    proptest::collection::vec(event, 1..40)
}

fn new_ticket() -> impl Strategy<Value = NewTicket> {
    let alone = (0_u8..12).prop_map(|session| vec![session]);
    let party = proptest::collection::btree_set(0_u8..12, 2..4);
    let sessions = prop_oneof![4 => alone, 1 => party.prop_map(|it| it.into_iter().collect())];
    (sessions, a_wish()).prop_map(|(sessions, wish)| ticket(&sessions, wish))
}

fn a_wish() -> impl Strategy<Value = Wish> {
    let counts = select(vec![
        (2, 2, 1, 0),
        (2, 4, 1, 0),
        (2, 4, 2, 0),
        (3, 6, 3, 0),
        (2, 8, 1, 0),
        (2, 8, 2, 2),
        (4, 6, 2, 2),
        (3, 6, 3, 3),
    ]);
    let query = select(vec![
        "*",
        "*",
        "*",
        "+properties.mode:a",
        "+properties.mode:a +properties.level:>=3 +properties.level:<6",
        "+properties.level:>=2 +properties.level:<=5.5",
        "+properties.level:5 -properties.mode:b",
        "+properties.mode:/a|b/ properties.level:>3^2",
        "+properties.mode:?* +max_count:<=4",
        "properties.mode:c~1 properties.level:<0",
        "-party_id:party",
        "+properties.mode:5",
        "+created_at:>=1000000000000 +min_count:2",
    ]);
    let mode = select(vec![None, Some("a"), Some("a"), Some("b"), Some("5")]);
    let level = select(vec![
        None,
        Some(-1.0),
        Some(2.0),
        Some(4.0),
        Some(5.0),
        Some(5.5),
    ]);
    let rating = select(vec![None, None, None, Some(20.0), Some(22.5), Some(40.0)]);
    let gather = select(vec![None, Some(0), Some(700), Some(10_000)]);
    let parts = (counts, query, mode, level, rating, gather);
    parts.prop_map(
        |((min, max, multiple, teams), query, mode, level, rating, gather)| {
            let mut wish = wish(min, max, query);
            wish.count_multiple = multiple;
            wish.team_count = teams;
            wish.gather_ms = gather.map(Millis);
            wish.rating = rating.map(|mu| Rating { mu, sigma: 1.0 });
            let mode = mode.map(|mode| ("mode".to_owned(), mode.to_owned()));
            wish.string_properties.extend(mode);
            let level = level.map(|level| ("level".to_owned(), level));
            wish.numeric_properties.extend(level);
            wish
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn matches_are_allowed_and_none_is_missed(events in events()) {
        run(&events);
    }

    #[test]
    fn the_same_events_give_the_same_matches(events in events()) {
        assert_eq!(run(&events), run(&events));
    }
}
