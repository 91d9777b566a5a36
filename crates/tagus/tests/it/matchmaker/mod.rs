//! The matchmaker at the server: tickets and matches over every socket, the hook, and what wrong requests are answered.

mod backfill;
mod code;
mod modes;
mod table;

use std::collections::BTreeMap;

use serde_json::json;
use tagus::base::RoomId;
use tagus::wire::realtime::envelope::Message;
use tagus::wire::realtime::matchmaker_matched::Id;
use tagus::wire::realtime::{
    MatchJoin, MatchLeave, MatchmakerAdd, MatchmakerMatched, MatchmakerRemove, PartyCreate,
    PartyJoin, PartyLeave, PartyMatchmakerAdd, PartyMatchmakerRemove, match_join,
};
use tagus::{ApiError, Matched, Tagus};

use crate::server::{Server, bearer, server_key};
use crate::socket::{Client, Kind};

const KINDS: [Kind; 3] = [Kind::Json, Kind::Protobuf, Kind::Tcp];

/// A player on a socket.
struct Player {
    client: Client,
    name: String,
    token: String,
}

impl Player {
    fn open(server: &Server, kind: Kind, name: &str) -> Self {
        Self::open_with(server, kind, name, false)
    }

    fn open_with(server: &Server, kind: Kind, name: &str, ext: bool) -> Self {
        let path = format!("/v2/account/authenticate/device?username={name}");
        let body = json!({ "id": format!("device-of-{name}") }).to_string();
        let answer = server.call("POST", &path, &server_key(), body.as_bytes());
        let token = answer.text("token");
        Self {
            client: match (ext, kind) {
                (false, _) => Client::open(server, kind, &token),
                (true, Kind::Json) => {
                    Client::upgrade(server, kind, &format!("token={token}&ext=1"))
                }
                (true, Kind::Protobuf) => {
                    let query = format!("token={token}&ext=1&format=protobuf");
                    Client::upgrade(server, kind, &query)
                }
                (true, Kind::Tcp) => {
                    let mut client = Client::tcp(server);
                    client.hello(&token, true);
                    client.hear_welcome();
                    client
                }
            },
            name: name.to_owned(),
            token,
        }
    }

    /// Adds a ticket; its id, or the error.
    fn add(&mut self, add: MatchmakerAdd) -> Result<String, String> {
        self.client.ask("add", Message::MatchmakerAdd(add));
        let answer = self.client.envelope();
        assert_eq!(answer.cid, "add");
        match answer.message {
            Some(Message::MatchmakerTicket(ticket)) => Ok(ticket.ticket),
            Some(Message::Error(error)) => Err(format!("{} {}", error.code, error.message)),
            other => panic!("{other:?}"),
        }
    }

    /// Takes a ticket back; the error if there is one.
    fn remove(&mut self, ticket: &str) -> Result<(), String> {
        let ticket = ticket.to_owned();
        let remove = Message::MatchmakerRemove(MatchmakerRemove { ticket });
        self.client.ask("remove", remove);
        match self.answer("remove") {
            None => Ok(()),
            Some(Message::Error(error)) => Err(format!("{} {}", error.code, error.message)),
            other => panic!("{other:?}"),
        }
    }

    /// The next message, which is a match.
    fn matched(&mut self) -> MatchmakerMatched {
        let envelope = self.client.envelope();
        match envelope.message {
            Some(Message::MatchmakerMatched(matched)) if envelope.cid.is_empty() => matched,
            other => panic!("{other:?}"),
        }
    }

    /// Joins by the token of a match; the match's id and how many are there.
    fn join(&mut self, matched: &MatchmakerMatched) -> (String, i32) {
        let Some(Id::Token(token)) = matched.id.clone() else {
            panic!("{:?}", matched.id);
        };
        let join = MatchJoin {
            id: Some(match_join::Id::Token(token)),
            ..MatchJoin::default()
        };
        self.client.ask("join", Message::MatchJoin(join));
        self.client.until(|message| match message {
            Message::Match(joined) => Some((joined.match_id, joined.size)),
            Message::Error(error) => panic!("{error:?}"),
            _ => None,
        })
    }
}

/// A ticket for anybody.
fn of(min_count: i32, max_count: i32) -> MatchmakerAdd {
    MatchmakerAdd {
        min_count,
        max_count,
        query: "*".to_owned(),
        ..MatchmakerAdd::default()
    }
}

fn strings(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
    pairs.iter().map(owned).collect()
}

fn names(matched: &MatchmakerMatched) -> Vec<String> {
    let presences = matched.users.iter().map(|user| user.presence.clone());
    let mut names: Vec<String> = presences.map(|one| one.unwrap().username).collect();
    names.sort();
    names
}

fn start(folder: &std::path::Path, gather_ms: u32) -> Server {
    let configure = |config: &mut tagus::Config| config.matchmaker.gather_ms = gather_ms;
    Server::own_with(folder, configure, |server| {
        server.matchmaker_matched(async |_: Tagus, matched: Matched| hook(&matched))
    })
}

/// Fails or panics where the tickets want it to.
fn hook(matched: &Matched) -> Result<Option<RoomId>, ApiError> {
    let first = &matched.users[0];
    match first.string_properties.get("hook").map(String::as_str) {
        None => Ok(None),
        Some("fails") => Err(ApiError::invalid("not this time")),
        Some(room) => Ok(Some(room.parse().expect("the test wants a panic"))),
    }
}

#[test]
fn two_find_each_other_over_all_sockets() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path(), 60_000);
    for turn in 0..3 {
        let kind = |number: usize| KINDS[(turn + number) % 3];
        let mut ann = Player::open(&server, kind(0), &format!("ann{turn}"));
        let mut bob = Player::open(&server, kind(1), &format!("bob{turn}"));
        let mut cyd = Player::open(&server, kind(2), &format!("cyd{turn}"));
        let add = |mode: &str, rank: f64| MatchmakerAdd {
            query: format!("+properties.mode:{mode} +properties.rank:>=5"),
            string_properties: strings(&[("mode", mode)]),
            numeric_properties: BTreeMap::from([("rank".to_owned(), rank)]),
            ..of(2, 2)
        };
        let first = ann.add(add("duel", 7.5)).unwrap();
        let other = cyd.add(add("race", 9.0)).unwrap();
        let second = bob.add(add("duel", 5.0)).unwrap();
        let (to_ann, to_bob) = (ann.matched(), bob.matched());
        assert_eq!([&to_ann.ticket, &to_bob.ticket], [&first, &second]);
        assert_eq!(names(&to_ann), [ann.name.clone(), bob.name.clone()]);
        assert_eq!(to_ann.users, to_bob.users);
        assert_eq!(to_ann.id, to_bob.id);
        let own = to_bob.self_.clone().unwrap();
        assert!(to_bob.users.contains(&own));
        assert_eq!(own.presence.unwrap().username, bob.name);
        assert_eq!(own.string_properties, strings(&[("mode", "duel")]));
        assert_eq!(own.numeric_properties["rank"], 5.0);
        assert_eq!(own.party_id, "");

        let (id, size) = ann.join(&to_ann);
        assert!(id.ends_with('.'), "{id}");
        assert_eq!(size, 1);
        assert_eq!(bob.join(&to_bob), (id, 2));

        assert_eq!(ann.remove(&first).unwrap_err(), "3 Ticket not found");
        assert_eq!(ann.remove(&other).unwrap_err(), "3 Ticket not found");
        assert_eq!(cyd.remove(&other), Ok(()));
        assert_eq!(cyd.remove(&other).unwrap_err(), "3 Ticket not found");
        cyd.client.ping();
    }
}

#[test]
fn ranges_are_filled_or_wait_for_the_gathering_time() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path(), 100);
    let mut players: Vec<Player> = (0..3)
        .map(|number| Player::open(&server, KINDS[number], &format!("gathers{number}")))
        .collect();
    // Three of 2 to 4: not full, so that they gather.
    for player in &mut players {
        player.add(of(2, 4)).unwrap();
    }
    let all = players[0].matched();
    assert!((2..=3).contains(&all.users.len()), "{}", all.users.len());
    // Two and one: of what waits, an odd one stays where the multiple is two.
    let mut players: Vec<Player> = (0..3)
        .map(|number| Player::open(&server, KINDS[number], &format!("evens{number}")))
        .collect();
    for player in &mut players {
        let even = MatchmakerAdd {
            count_multiple: Some(2),
            query: "properties.even:T".to_owned(),
            string_properties: strings(&[("even", "T")]),
            ..of(2, 4)
        };
        player.add(even).unwrap();
    }
    assert_eq!(players[0].matched().users.len(), 2);
}

#[test]
fn who_leaves_is_matched_with_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path(), 60_000);
    let stats = |token: &str| {
        let path = "/v2/matchmaker/stats";
        let answer = server.call("GET", path, &bearer(token), b"");
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()
    };
    let mut ann = Player::open(&server, Kind::Json, "stays");
    assert_eq!(stats(&ann.token), json!({}));
    let bob = Player::open(&server, Kind::Tcp, "goes");
    let mut gone = bob;
    gone.add(of(2, 2)).unwrap();
    let waiting = stats(&ann.token);
    assert_eq!(waiting["ticket_count"], 1);
    assert!(waiting["oldest_ticket_create_time"].is_string());
    drop(gone);
    while stats(&ann.token) != json!({}) {
        std::thread::yield_now();
    }
    ann.add(of(2, 2)).unwrap();
    ann.client.ping();
    let mut cyd = Player::open(&server, Kind::Protobuf, "comes");
    cyd.add(of(2, 2)).unwrap();
    assert_eq!(names(&ann.matched()), ["comes", "stays"]);
    assert_eq!(names(&cyd.matched()), ["comes", "stays"]);
    let done = stats(&ann.token);
    assert_eq!(done["ticket_count"], json!(null));
    let completions = done["completions"].as_array().unwrap();
    assert_eq!(completions.len(), 2);
    assert!(completions[0]["complete_time"].is_string());
    // Many more are not all remembered.
    for _ in 0..6 {
        ann.add(of(2, 2)).unwrap();
        cyd.add(of(2, 2)).unwrap();
        ann.matched();
        cyd.matched();
    }
    let done = stats(&ann.token);
    assert_eq!(done["completions"].as_array().unwrap().len(), 10);
    let answer = server.call("GET", "/v2/matchmaker/stats", "", b"");
    assert_eq!(answer.status, 401);
}

#[test]
fn the_hook_says_where_the_match_is() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path(), 60_000);
    let mut ann = Player::open(&server, Kind::Json, "hooked1");
    let mut bob = Player::open(&server, Kind::Protobuf, "hooked2");
    let room = "11111111-2222-4333-8444-555555555555.tagus";
    for (wish, expected) in [(room, Some(room)), ("fails", None), ("panics", None)] {
        let add = || MatchmakerAdd {
            string_properties: strings(&[("hook", wish)]),
            ..of(2, 2)
        };
        ann.add(add()).unwrap();
        bob.add(add()).unwrap();
        let (to_ann, to_bob) = (ann.matched(), bob.matched());
        assert_eq!(to_ann.id, to_bob.id);
        match expected {
            Some(room) => assert_eq!(to_ann.id, Some(Id::MatchId(room.to_owned()))),
            None => {
                let (match_id, _) = ann.join(&to_ann);
                let leave = Message::MatchLeave(MatchLeave { match_id });
                ann.client.ask("leave", leave);
                while ann.client.envelope().cid != "leave" {}
            }
        }
    }
}

/// Makes an open party of a leader and one other, and reads what they hear of it.
fn party(players: &mut [Player]) -> String {
    let open = PartyCreate {
        open: true,
        max_size: 4,
        ..PartyCreate::default()
    };
    players[0].client.ask("create", Message::PartyCreate(open));
    let party = |message| match message {
        Message::Party(party) => Some(party.party_id),
        _ => None,
    };
    let party_id = players[0].client.until(party);
    let (leader, others) = players.split_at_mut(1);
    leader[0].hears_of(&leader[0].name.clone());
    for other in others {
        other.joins(&party_id);
        other.hears_of(&other.name.clone());
        leader[0].hears_of(&other.name);
    }
    party_id
}

impl Player {
    fn joins(&mut self, party_id: &str) {
        let party_id = party_id.to_owned();
        let join = Message::PartyJoin(PartyJoin { party_id });
        self.client.ask("join", join);
        while self.client.envelope().cid != "join" {}
    }

    /// Reads until somebody comes into a party.
    fn hears_of(&mut self, name: &str) {
        self.client.until(|message| match message {
            Message::PartyPresenceEvent(event) => {
                let mut joins = event.joins.iter();
                joins.any(|one| one.username == name).then_some(())
            }
            _ => None,
        });
    }

    /// Adds a ticket for the party; its id, or the error.
    fn add_party(&mut self, party_id: &str, add: MatchmakerAdd) -> Result<String, String> {
        let add = PartyMatchmakerAdd {
            party_id: party_id.to_owned(),
            min_count: add.min_count,
            max_count: add.max_count,
            query: add.query,
            ..PartyMatchmakerAdd::default()
        };
        self.client.ask("add", Message::PartyMatchmakerAdd(add));
        let answer = self.answer("add");
        match answer {
            Some(Message::PartyMatchmakerTicket(ticket)) => {
                assert_eq!(ticket.party_id, party_id);
                Ok(ticket.ticket)
            }
            Some(Message::Error(error)) => Err(format!("{} {}", error.code, error.message)),
            other => panic!("{other:?}"),
        }
    }

    fn remove_party(&mut self, party_id: &str, ticket: &str) -> Result<(), String> {
        let remove = PartyMatchmakerRemove {
            party_id: party_id.to_owned(),
            ticket: ticket.to_owned(),
        };
        self.client
            .ask("remove", Message::PartyMatchmakerRemove(remove));
        match self.answer("remove") {
            None => Ok(()),
            Some(Message::Error(error)) => Err(format!("{} {}", error.code, error.message)),
            other => panic!("{other:?}"),
        }
    }

    /// The answer with this cid; what comes before it is passed over.
    fn answer(&mut self, cid: &str) -> Option<Message> {
        loop {
            let envelope = self.client.envelope();
            if envelope.cid == cid {
                return envelope.message;
            }
        }
    }
}

#[test]
fn a_party_stays_together() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path(), 60_000);
    let open = |name: &str, kind| Player::open(&server, kind, name);
    let mut two = [open("lead", Kind::Json), open("member", Kind::Tcp)];
    let id = party(&mut two);
    let refused = two[1].add_party(&id, of(4, 4)).unwrap_err();
    assert_eq!(refused, "3 Party leader only");
    let ticket = two[0].add_party(&id, of(4, 4)).unwrap();
    let [lead, member] = &mut two;
    let Some(Message::PartyMatchmakerTicket(told)) = member.client.envelope().message else {
        panic!("the member is told of the ticket");
    };
    assert_eq!((&told.party_id, &told.ticket), (&id, &ticket));
    // It is nobody's own, and only the leader takes it back.
    assert_eq!(lead.remove(&ticket).unwrap_err(), "3 Ticket not found");
    assert!(member.remove_party(&id, &ticket).is_err());
    assert_eq!(lead.remove_party(&id, &ticket), Ok(()));
    assert_eq!(
        lead.remove_party(&id, &ticket).unwrap_err(),
        "3 Ticket not found"
    );

    let ticket = lead.add_party(&id, of(4, 4)).unwrap();
    member.client.envelope();
    let mut singles = [open("single1", Kind::Protobuf), open("single2", Kind::Json)];
    for single in &mut singles {
        single.add(of(4, 4)).unwrap();
    }
    for player in [&mut *lead, &mut *member] {
        let matched = player.matched();
        assert_eq!(matched.ticket, ticket);
        assert_eq!(names(&matched), ["lead", "member", "single1", "single2"]);
        assert_eq!(matched.self_.unwrap().party_id, id);
    }
    assert_eq!(singles[0].matched().self_.unwrap().party_id, "");
}

#[test]
fn a_party_that_changes_waits_no_longer() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path(), 60_000);
    let open = |name: &str| Player::open(&server, Kind::Json, name);
    let mut watcher = open("watcher");
    let mut check = |waiting: i64| {
        let token = bearer(&watcher.token);
        let answer = || {
            server
                .call("GET", "/v2/matchmaker/stats", &token, b"")
                .json()
        };
        let count = || answer()["ticket_count"].as_i64().unwrap_or_default();
        while count() != waiting {
            std::thread::yield_now();
        }
        watcher.client.ping();
    };
    let mut three = [open("leads"), open("leaves"), open("vanishes")];
    let id = party(&mut three[..2]);
    let [lead, leaves, vanishes] = &mut three;
    lead.add_party(&id, of(8, 8)).unwrap();
    check(1);
    vanishes.joins(&id);
    check(0);
    lead.add_party(&id, of(8, 8)).unwrap();
    check(1);
    let party_id = id.clone();
    let leave = Message::PartyLeave(PartyLeave { party_id });
    leaves.client.ask("leave", leave);
    leaves.answer("leave");
    check(0);
    lead.add_party(&id, of(8, 8)).unwrap();
    check(1);
    drop(three);
    check(0);
}

#[test]
fn bad_tickets_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let configure = |config: &mut tagus::Config| config.matchmaker.tickets_max = 4;
    let server = Server::own_with(folder.path(), configure, |server| server);
    let multiple = |count: i32, min: i32, max: i32| MatchmakerAdd {
        count_multiple: Some(count),
        ..of(min, max)
    };
    let query = |query: &str| MatchmakerAdd {
        query: query.to_owned(),
        ..of(2, 2)
    };
    let numbers = |number: f64| MatchmakerAdd {
        numeric_properties: BTreeMap::from([("a".to_owned(), number)]),
        ..of(2, 2)
    };
    let named = |name: &str, text: &str| MatchmakerAdd {
        string_properties: strings(&[(name, text)]),
        ..of(2, 2)
    };
    let many = MatchmakerAdd {
        string_properties: (0..65).map(|it| (it.to_string(), String::new())).collect(),
        ..of(2, 2)
    };
    let least = "3 Invalid minimum count, must be >= 2";
    let most = "3 Invalid maximum count, must be >= minimum count";
    let multiples = "3 Invalid count multiple, must be >= 1";
    let cases = [
        (of(1, 2), least),
        (of(0, 0), least),
        (of(-3, 2), least),
        (of(3, 2), most),
        (of(2, i32::MIN), most),
        (of(2, 1_025), "3 Invalid maximum count, must be <= 1024"),
        (multiple(0, 2, 2), multiples),
        (multiple(-2, 2, 2), multiples),
        (
            multiple(2, 3, 4),
            "3 Invalid count multiple for minimum count, must divide",
        ),
        (
            multiple(2, 2, 5),
            "3 Invalid count multiple for maximum count, must divide",
        ),
        (
            query("+properties.a:>=x"),
            "3 Invalid query: a number or a date in quotation marks is expected at byte 16.",
        ),
        (
            query("a:/(/"),
            "3 Invalid query: the regular expression cannot be read at byte 2.",
        ),
        (
            named("", ""),
            "3 Invalid property name, must be 1 to 128 bytes",
        ),
        (
            named("a", &"x".repeat(257)),
            "3 Invalid string property, must be at most 256 bytes",
        ),
        (many, "3 Too many properties, at most 64"),
    ];
    for kind in KINDS {
        let mut ann = Player::open(&server, kind, &format!("wrong{kind:?}"));
        for (add, expected) in &cases {
            let refused = ann.add(add.clone()).unwrap_err();
            assert_eq!(&refused, expected, "{add:?}");
        }
        if kind != Kind::Json {
            let refused = ann.add(numbers(f64::INFINITY)).unwrap_err();
            assert_eq!(refused, "3 Invalid numeric property, must be finite");
        }
        assert_eq!(ann.remove("").unwrap_err(), "3 Invalid ticket");
        assert_eq!(ann.remove("x").unwrap_err(), "3 Invalid ticket");
        let none = "11111111-2222-4333-8444-555555555555";
        assert_eq!(ann.remove(none).unwrap_err(), "3 Ticket not found");

        let tickets: Vec<String> = (0..3).map(|_| ann.add(of(2, 2)).unwrap()).collect();
        let refused = ann.add(of(2, 2)).unwrap_err();
        assert_eq!(refused, "3 Too many tickets, at most 3 a session");
        let mut bob = Player::open(&server, kind, &format!("more{kind:?}"));
        // They must not match with those that wait.
        let alone = || query("properties.nobody:T");
        let last = bob.add(alone()).unwrap();
        let refused = bob.add(alone()).unwrap_err();
        assert_eq!(refused, "3 Too many tickets are waiting");
        assert_eq!(bob.remove(&tickets[0]).unwrap_err(), "3 Ticket not found");
        assert_eq!(bob.remove(&last), Ok(()));
        for ticket in &tickets {
            assert_eq!(ann.remove(ticket), Ok(()));
        }
    }
}
