//! A naive model: every group of tickets, with every room and without one, judged by the rules as the documentation has
//! them.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::sample::{Index, select};
use tagus_base::{Millis, RoomId, Uuid};
use tagus_players::matchmaker::{
    Entry, Match, Matchmaker, MatchmakerConfig, NewBackfill, NewTicket, Rating, SkillWindow,
    TicketId, Wish,
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
    /// A room asks for players.
    Seek(RoomId, BTreeSet<u8>, u32, Wish),
    /// A room has these players by now.
    Seats(RoomId, BTreeSet<u8>, u32),
    SeekEnd(RoomId),
    /// The matches of the next poll do not come about.
    Refuse,
    Wait(u64),
}

/// A ticket or a room.
#[derive(Clone)]
struct Known {
    created_at: u64,
    passive_at: u64,
    entries: Vec<Entry>,
    party_id: Option<Box<str>>,
    wish: Wish,
    /// How many players a room wants.
    wanted: u32,
    /// When a room was last changed.
    changed_at: u64,
}

impl Known {
    fn document(&self) -> Document {
        let mut document = Document::new();
        for (name, value) in &self.wish.string_properties {
            document.add_text(&format!("properties.{name}"), value);
        }
        for (name, value) in &self.wish.numeric_properties {
            document.add_number(&format!("properties.{name}"), *value);
        }
        document.add_number("min_count", self.wish.min_count.into());
        document.add_number("max_count", self.wish.max_count.into());
        if let Some(party_id) = &self.party_id {
            document.add_text("party_id", party_id);
        }
        document.add_number("created_at", (START + self.created_at) as f64 * 1e6);
        document
    }

    fn accepts(&self, other: &Self) -> bool {
        self.wish.query.matches(&other.document())
    }
}

/// The naive model: every ticket and room, and the rules as the documentation has them.
struct Model {
    tickets: BTreeMap<TicketId, Known>,
    rooms: BTreeMap<RoomId, Known>,
    skill: SkillWindow,
    /// How long tickets are active.
    active_ms: u64,
    gather_ms: u32,
}

impl Model {
    fn add(&mut self, now: u64, id: TicketId, new: &NewTicket) {
        let known = Known {
            created_at: now,
            passive_at: now.saturating_add(self.active_ms),
            entries: new.entries.clone(),
            party_id: new.party_id.clone(),
            wish: new.wish.clone(),
            wanted: 0,
            changed_at: now,
        };
        self.tickets.insert(id, known);
    }

    fn seek(&mut self, now: u64, room: RoomId, entries: Vec<Entry>, wanted: u32, wish: Wish) {
        let known = self.rooms.get(&room);
        let known = Known {
            created_at: known.map_or(now, |known| known.created_at),
            passive_at: u64::MAX,
            entries,
            party_id: None,
            wish,
            wanted,
            changed_at: now,
        };
        self.rooms.insert(room, known);
    }

    fn near(&self, now: u64, one: &Known, other: &Known) -> bool {
        let window = |known: &Known| {
            let until = now.min(known.passive_at - 1);
            let steps = (until - known.created_at) / u64::from(self.skill.step_ms.0);
            let grown = self.skill.growth * steps as f64 + self.skill.start;
            if steps > u64::from(self.skill.steps) {
                f64::INFINITY
            } else {
                grown
            }
        };
        match (one.wish.rating, other.wish.rating) {
            (None, None) => true,
            (Some(a), Some(b)) => (a.mu - b.mu).abs() <= window(one).max(window(other)),
            _ => false,
        }
    }

    fn agree(&self, now: u64, one: &Known, other: &Known) -> bool {
        let pools = one.wish.pool == other.wish.pool;
        pools && self.near(now, one, other) && one.accepts(other) && other.accepts(one)
    }

    fn welcomes(&self, now: u64, room: &Known, ticket: &Known) -> bool {
        let near = room.wish.rating.is_none() || self.near(now, room, ticket);
        let teams = room.wish.team_count == ticket.wish.team_count;
        let pools = room.wish.pool == ticket.wish.pool;
        near && pools && teams && room.accepts(ticket) && ticket.accepts(room)
    }

    /// Whether these tickets may play together, or join a room: `Some(true)` if nobody may join them.
    fn judge(&self, now: u64, group: &[TicketId], room: Option<&Known>) -> Option<bool> {
        let tickets: Vec<&Known> = group.iter().map(|id| &self.tickets[id]).collect();
        let newcomers = tickets.iter().flat_map(|it| &it.entries).count() as u32;
        let all = tickets.iter().copied().chain(room);
        let unique: BTreeSet<_> = all
            .flat_map(|it| &it.entries)
            .map(|it| it.session_id)
            .collect();
        let players = newcomers + room.map_or(0, |room| room.entries.len() as u32);
        let fits = |players: u32| {
            tickets.iter().all(|it| {
                let counts = it.wish.min_count..=it.wish.max_count;
                counts.contains(&players) && players.is_multiple_of(it.wish.count_multiple)
            })
        };
        let mutual = tickets.iter().enumerate().all(|(index, one)| {
            let mut earlier = tickets[..index].iter();
            earlier.all(|other| self.agree(now, one, other))
        });
        let teams: BTreeSet<u32> = tickets.iter().map(|it| it.wish.team_count).collect();
        let sizes: Vec<u32> = tickets.iter().map(|it| it.entries.len() as u32).collect();
        let split = teams.iter().all(|it| *it == 0 || splits(&sizes, *it));
        let seated = room.map_or(split, |room| {
            newcomers <= room.wanted && tickets.iter().all(|it| self.welcomes(now, room, it))
        });
        let valid =
            fits(players) && teams.len() == 1 && seated && unique.len() as u32 == players && mutual;
        valid.then(|| !(players + 1..=8).any(fits))
    }

    /// Whether these tickets are a match: in a room, or a full one, or one of which a member has waited long enough.
    fn will_do(&self, now: u64, group: &[TicketId], room: Option<&Known>) -> bool {
        let ripe = group.iter().map(|id| &self.tickets[id]).any(|it| {
            let gather_ms = it.wish.gather_ms.map_or(self.gather_ms, |gather| gather.0);
            now >= it.created_at + u64::from(gather_ms) && now < it.passive_at
        });
        let judged = self.judge(now, group, room);
        judged.is_some_and(|full| full || ripe || room.is_some())
    }

    /// A match that should have been made, perhaps in a room.
    fn missed(&self, now: u64) -> Option<(Vec<TicketId>, Option<RoomId>)> {
        let ids: Vec<TicketId> = self.tickets.keys().copied().collect();
        let groups = (1_u32..1 << ids.len()).map(|bits| {
            let chosen = ids
                .iter()
                .enumerate()
                .filter(|(index, _)| bits >> index & 1 == 1);
            chosen.map(|(_, id)| *id).collect::<Vec<_>>()
        });
        let mut places = groups.flat_map(|group| {
            let rooms = self.rooms.iter().map(|(id, room)| (Some(*id), Some(room)));
            let rooms = rooms.chain([(None, None)]);
            rooms.map(move |(id, room)| (group.clone(), id, room))
        });
        let missed = places.find(|(group, _, room)| self.will_do(now, group, *room));
        missed.map(|(group, room, _)| (group, room))
    }

    /// Checks the matches and takes their tickets out.
    fn check(&mut self, now: u64, matches: &[Match]) {
        for made in matches {
            let group: Vec<TicketId> = made.tickets.iter().map(|it| it.id).collect();
            let room = made.backfill.map(|room| &self.rooms[&room]);
            assert!(self.will_do(now, &group, room), "not allowed: {made:?}");
            assert_eq!(made.players() as usize, sessions(&made.tickets).len());
            assert_eq!(made.made_at, at(now));
            // Somebody who is not passive began: the first, or a room that has just changed or is choosy.
            let room_began =
                room.is_some_and(|room| room.changed_at == now || room.wish.rating.is_some());
            assert!(room_began || now < self.tickets[&group[0]].passive_at);
            if let Some(room) = made.backfill.and_then(|room| self.rooms.get_mut(&room)) {
                let newcomers = made.tickets.iter().flat_map(|it| it.entries.to_vec());
                room.entries.extend(newcomers);
                room.wanted -= made.players();
                room.changed_at = now;
            }
            for ticket in made.tickets.iter().chain(&made.withdrawn) {
                assert!(self.tickets.remove(&ticket.id).is_some());
            }
            let players = sessions(&made.tickets);
            let mut left = self.tickets.values().flat_map(|it| &it.entries);
            assert!(!left.any(|it| players.contains(&it.session_id.0.0[0])));
        }
    }

    /// The tickets of a match wait again, and their seats are wanted again where they are still counted.
    fn refuse(&mut self, made: &Match, removed: &mut BTreeMap<TicketId, Known>) {
        for ticket in &made.tickets {
            if let Some(known) = removed.remove(&ticket.id) {
                self.tickets.insert(ticket.id, known);
            }
            let room = made.backfill.and_then(|room| self.rooms.get_mut(&room));
            if let Some(room) = room {
                let seats = room.entries.len();
                room.entries.retain(|it| !ticket.entries.contains(it));
                room.wanted += (seats - room.entries.len()) as u32;
            }
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

/// A matchmaker beside its model.
struct Pair {
    maker: Matchmaker,
    model: Model,
    now: u64,
    is_refused: bool,
    /// Refused matches are not made again until something else happens: then none can be called missed.
    any_refused: bool,
    made: String,
}

impl Pair {
    fn new(max_intervals: u32) -> Self {
        let skill = SkillWindow {
            start: 1.0,
            growth: 2.0,
            step_ms: Millis(500),
            steps: 3,
        };
        let config = MatchmakerConfig {
            seed: 7,
            skill,
            interval_ms: Millis(900),
            max_intervals,
            ..MatchmakerConfig::default()
        };
        let model = Model {
            tickets: BTreeMap::new(),
            rooms: BTreeMap::new(),
            skill,
            active_ms: match max_intervals {
                0 => u64::MAX,
                intervals => u64::from(intervals) * 900,
            },
            gather_ms: max_intervals
                .checked_sub(1)
                .map_or(3_000, |intervals| intervals * 900),
        };
        Self {
            maker: Matchmaker::new(config),
            model,
            now: 0,
            is_refused: false,
            any_refused: false,
            made: String::new(),
        }
    }

    fn some(&self, index: &Index) -> Option<TicketId> {
        let ids: Vec<TicketId> = self.model.tickets.keys().copied().collect();
        (!ids.is_empty()).then(|| *index.get(&ids))
    }

    /// Lets the event happen on both sides; answers how long it takes.
    fn handle(&mut self, event: &Event) -> u64 {
        let Self {
            maker, model, now, ..
        } = self;
        let now = *now;
        match event {
            Event::Add(new) if model.tickets.len() < 8 => {
                if let Ok(id) = maker.handle_add(at(now), new.clone()) {
                    model.add(now, id, new);
                }
            }
            Event::Add(_) => {}
            Event::Remove(index) => {
                if let Some(id) = self.some(index) {
                    assert!(self.maker.remove(id).is_some());
                    self.model.tickets.remove(&id);
                }
            }
            Event::Change(index, wish) => {
                if let Some(id) = self.some(index)
                    && self.maker.change(at(now), id, wish.clone()).is_ok()
                {
                    let active_ms = self.model.active_ms;
                    let known = self.model.tickets.get_mut(&id).unwrap();
                    known.wish = wish.clone();
                    known.passive_at = now.saturating_add(active_ms);
                }
            }
            Event::Disconnect(session) => {
                let session_id = entry(*session).session_id;
                maker.remove_session(session_id, &mut Vec::new());
                let stays = |it: &Known| it.entries.iter().all(|it| it.session_id != session_id);
                model.tickets.retain(|_, it| stays(it));
            }
            Event::Seek(room, present, wanted, wish) => {
                let present: Vec<Entry> = present.iter().map(|it| entry(*it)).collect();
                let new = NewBackfill {
                    room: *room,
                    present: present.clone(),
                    wanted: *wanted,
                    wish: wish.clone(),
                };
                maker.handle_backfill(at(now), new).unwrap();
                model.seek(now, *room, present, *wanted, wish.clone());
            }
            Event::Seats(room, present, wanted) => {
                let present: Vec<Entry> = present.iter().map(|it| entry(*it)).collect();
                let updated = maker.update_backfill(at(now), room, &present, *wanted);
                let wish = model.rooms.get(room).map(|known| known.wish.clone());
                assert_eq!(updated.is_ok(), wish.is_some());
                if let Some(wish) = wish {
                    model.seek(now, *room, present, *wanted, wish);
                }
            }
            Event::SeekEnd(room) => {
                let known = model.rooms.remove(room).is_some();
                assert_eq!(maker.remove_backfill(room), known);
            }
            Event::Refuse => self.is_refused = true,
            Event::Wait(ms) => return *ms,
        }
        0
    }

    /// Lets time pass, and compares after each poll.
    fn go(&mut self, until: u64) {
        loop {
            let due = self.maker.next_due().map(|due| due.0 - START);
            let due = due.filter(|due| *due <= until);
            self.now = due.unwrap_or(until).max(self.now);
            let mut matches = Vec::new();
            self.maker.poll(at(self.now), &mut matches);
            self.made += &format!("{}: {matches:?}\n", self.now);
            let mut before = BTreeMap::new();
            for made in &matches {
                for ticket in &made.tickets {
                    before.insert(ticket.id, self.model.tickets[&ticket.id].clone());
                }
            }
            self.model.check(self.now, &matches);
            if std::mem::take(&mut self.is_refused) {
                self.any_refused |= !matches.is_empty();
                for made in &matches {
                    // Told twice: it counts once.
                    for ticket in made.tickets.iter().chain(&made.tickets) {
                        let restored = self.maker.restore(at(self.now), ticket.clone());
                        restored.unwrap();
                    }
                    self.model.refuse(made, &mut before);
                }
            }
            assert_eq!(self.maker.len(), self.model.tickets.len());
            for (room, known) in &self.model.rooms {
                assert_eq!(self.maker.backfill_wanted(room), Some(known.wanted));
            }
            if !self.any_refused {
                let missed = self.model.missed(self.now);
                assert_eq!(missed, None, "a match was missed at {}", self.now);
            }
            if self.now == until {
                return;
            }
        }
    }
}

/// Lets the events happen, and gives everything that was made.
fn run(max_intervals: u32, events: &[Event]) -> String {
    let mut pair = Pair::new(max_intervals);
    for event in events {
        let ms = pair.handle(event);
        pair.go(pair.now + ms);
    }
    pair.made
}

fn events(refusals: u32) -> impl Strategy<Value = Vec<Event>> {
    let sitting = || proptest::collection::btree_set(6_u8..14, 0..4);
    let room = || (0_u8..2).prop_map(room);
    let seek = (room(), sitting(), 1_u32..5, a_wish());
    let seats = (room(), sitting(), 0_u32..4);
    let event = prop_oneof![
        8 => new_ticket().prop_map(Event::Add),
        1 => any::<Index>().prop_map(Event::Remove),
        1 => (any::<Index>(), a_wish()).prop_map(|(index, wish)| Event::Change(index, wish)),
        1 => (0_u8..12).prop_map(Event::Disconnect),
        2 => seek.prop_map(|(room, present, wanted, wish)| Event::Seek(room, present, wanted, wish)),
        1 => seats.prop_map(|(room, present, wanted)| Event::Seats(room, present, wanted)),
        1 => room().prop_map(Event::SeekEnd),
        refusals => Just(Event::Refuse),
        3 => (0_u64..2_000).prop_map(Event::Wait),
    ];
    proptest::collection::vec(event, 1..40)
}

fn room(number: u8) -> RoomId {
    RoomId {
        uuid: Uuid([number; 16]),
        home: None,
    }
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
    let pool = select(vec![0, 0, 0, 1]);
    let parts = (counts, query, mode, level, rating, gather, pool);
    parts.prop_map(
        |((min, max, multiple, teams), query, mode, level, rating, gather, pool)| {
            let mut wish = wish(min, max, query);
            wish.count_multiple = multiple;
            wish.team_count = teams;
            wish.pool = pool;
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
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn matches_are_allowed_and_none_is_missed(events in events(0)) {
        run(0, &events);
    }

    #[test]
    fn passive_tickets_begin_nothing(events in events(0), max_intervals in 1_u32..4) {
        run(max_intervals, &events);
    }

    #[test]
    fn refused_matches_give_back_seats(events in events(4), max_intervals in 0_u32..3) {
        run(max_intervals, &events);
    }

    #[test]
    fn the_same_events_give_the_same_matches(events in events(2), max_intervals in 0_u32..3) {
        assert_eq!(run(max_intervals, &events), run(max_intervals, &events));
    }
}
