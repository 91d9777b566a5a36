//! Games of two players that go on over days: from the challenge to the end, and what is refused.

use std::collections::BTreeSet;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tagus::duels;
use tagus_duel::{Chair, News, Record, Turn, with_turn};
use tagus_pool::Frame;

use crate::duels::{Player, at_once, players, start};
use crate::server::{PATIENCE, Server, run};

const DAY_S: u64 = 24 * 60 * 60;

/// One challenges the other to a game with three days for a turn; answers its id.
pub(crate) fn challenge(server: &Server, one: &Player, other: &Player) -> String {
    let payload = json!({ "mode": "pool", "user_id": other.id, "days": 3 });
    let answer = one.ask(server, "duel.challenge", &payload);
    answer["id"].as_str().unwrap().to_owned()
}

pub(crate) fn open(server: &Server, player: &Player, id: &str) -> String {
    let answer = player.ask(server, "duel.open", &json!({ "id": id }));
    answer["match_id"].as_str().unwrap().to_owned()
}

pub(crate) fn list(server: &Server, player: &Player) -> Vec<Value> {
    listed(&player.ask(server, "duel.list", &json!({})))
}

/// The list as it is so many seconds later.
fn list_later(server: &Server, player: &Player, seconds: u64) -> Vec<Value> {
    let answer = player.ask_text(server, "later.list", &format!("{seconds} "));
    listed(&serde_json::from_str(&answer).unwrap())
}

fn listed(answer: &Value) -> Vec<Value> {
    answer["games"].as_array().unwrap().clone()
}

/// A kept game as it is stored; null when it is none.
fn kept(server: &Server, player: &Player, id: &str) -> Value {
    let text = player.ask_text(server, "test.kept", id);
    serde_json::from_str(&text).unwrap()
}

/// The record of a kept game as far as it is stored.
pub(crate) fn stored_record(server: &Server, player: &Player, id: &str) -> Record {
    let game = kept(server, player, id);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let record = text(&game["record"]);
    if record.is_empty() {
        let users = [0, 1].map(|chair| text(&game["users"][chair]));
        let begun = crate::duels::begun(id.parse().unwrap(), [&*users[0], &*users[1]]);
        let seed = game["seed"].as_u64().unwrap();
        return Record::begin(begun.id, begun.variant, seed, begun.users);
    }
    Record::from_bytes(&URL_SAFE_NO_PAD.decode(record).unwrap()).unwrap()
}

/// A room's word that a turn without a shot was played, as `test.save` takes it: the turn passes.
fn turn_passed(record: &mut Record, room: &str) -> String {
    *record = with_turn::<Frame>(record, Turn::TimeOut).unwrap();
    let player = tagus_duel::player_of::<Frame>(record).unwrap();
    said(record.clone(), room, player)
}

fn said(record: Record, room: &str, player: Option<Chair>) -> String {
    let news = News {
        mode: "pool".to_owned(),
        names: ["one".to_owned(), "two".to_owned()],
        player,
        present: [false; 2],
        is_kept: true,
        record,
    };
    format!("{room} {}", URL_SAFE_NO_PAD.encode(news.to_bytes()))
}

/// Lets both play a turn, so that the challenge is answered.
fn answer(server: &Server, player: &Player, id: &str, room: &str) -> Record {
    let mut record = stored_record(server, player, id);
    for _ in 0..2 {
        let said = turn_passed(&mut record, room);
        assert_eq!(player.ask_text(server, "test.save", &said), "");
        // The answer was lost.
        assert_eq!(player.ask_text(server, "test.save", &said), "");
    }
    record
}

pub(crate) fn codes(server: &Server, player: &Player) -> Vec<i32> {
    let notes = player.notes(server).into_iter();
    notes
        .map(|(code, _)| i32::try_from(code).unwrap())
        .collect()
}

#[test]
fn a_challenge_is_listed_and_declined() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path());
    let [one, two] = &players(&server);
    let payload = json!({ "mode": "pool-nine", "username": two.name, "days": 14 });
    let answer = one.ask(&server, "duel.challenge", &payload);
    let id = answer["id"].as_str().unwrap();
    let mut own_turns = 0;
    for (player, opponent) in [(one, two), (two, one)] {
        let games = list(&server, player);
        assert_eq!(games.len(), 1);
        let game = &games[0];
        own_turns += u32::from(game["is_own_turn"].as_bool().unwrap());
        let deadline = game["deadline"].as_u64().unwrap();
        let due = now_s() + 14 * DAY_S;
        assert!((due - 10..=due).contains(&deadline));
        let expected = json!({
            "id": id,
            "mode": "pool-nine",
            "opponent": { "id": opponent.id, "name": opponent.name },
            "is_own_turn": game["is_own_turn"],
            "turn": 0,
            "deadline": deadline,
            "is_new": player.id == two.id,
        });
        assert_eq!(*game, expected);
    }
    assert_eq!(own_turns, 1);
    let (code, content) = &two.notes(&server)[0];
    assert_eq!(*code, i64::from(duels::NOTE_CHALLENGE));
    let opponent = json!({ "id": one.id, "name": one.name });
    let expected = json!({ "id": id, "mode": "pool-nine", "opponent": opponent, "days": 14 });
    assert_eq!(*content, expected);

    let which = json!({ "id": id });
    assert_eq!(two.ask(&server, "duel.decline", &which), json!({}));
    for player in [one, two] {
        assert!(list(&server, player).is_empty());
        let (code, content) = player.notes(&server).pop().unwrap();
        assert_eq!(code, i64::from(duels::NOTE_DECLINED));
        assert_eq!(content["id"], id);
        assert!(player.history(&server).is_empty());
    }
}

#[test]
fn what_is_wrong_is_refused() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path());
    let [one, two, three] = &players(&server);
    let id = challenge(&server, one, two);
    let room = open(&server, one, &id);
    let with = |name: &str, value: Value| {
        let mut payload = json!({ "mode": "pool", "user_id": two.id, "days": 3 });
        payload[name] = value;
        payload.to_string()
    };
    let nobody = "11111111-2222-4333-8444-555555555555";
    let not_found = |what: &str| (404, 5, format!("{what} not found."));
    let invalid = |text: &str| (400, 3, text.to_owned());
    let id_of = |id: &str| json!({ "id": id }).to_string();
    let no_mode = "There is no such mode, or it cannot be played over days.";
    let days = "Invalid days - days must be between 1 and 14.";
    let either = "Either user_id or username must be given.";
    let cases = [
        (
            "duel.challenge",
            with("mode", json!("pool-bot-1")),
            (404, 5, no_mode.to_owned()),
        ),
        (
            "duel.challenge",
            with("mode", json!("")),
            (404, 5, no_mode.to_owned()),
        ),
        ("duel.challenge", with("days", json!(0)), invalid(days)),
        ("duel.challenge", with("days", json!(15)), invalid(days)),
        (
            "duel.challenge",
            with("username", json!(two.name)),
            invalid(either),
        ),
        (
            "duel.challenge",
            with("user_id", Value::Null),
            invalid(either),
        ),
        (
            "duel.challenge",
            with("user_id", json!("me")),
            invalid("Invalid user ID."),
        ),
        (
            "duel.challenge",
            with("user_id", json!(one.id)),
            invalid("You cannot challenge yourself."),
        ),
        (
            "duel.challenge",
            with("user_id", json!(nobody)),
            not_found("User"),
        ),
        (
            "duel.challenge",
            r#"{"mode":"pool","username":"nobody","days":1}"#.to_owned(),
            not_found("User"),
        ),
        ("duel.open", id_of("me"), invalid("Invalid game ID.")),
        ("duel.open", id_of(nobody), not_found("Game")),
        ("duel.decline", id_of("me"), invalid("Invalid game ID.")),
        ("duel.decline", id_of(nobody), not_found("Game")),
        (
            "duel.replay",
            json!({ "user_id": "me", "id": nobody }).to_string(),
            invalid("Invalid user ID."),
        ),
        (
            "duel.replay",
            json!({ "user_id": one.id, "id": "me" }).to_string(),
            invalid("Invalid game ID."),
        ),
        (
            "duel.replay",
            json!({ "user_id": one.id, "id": id }).to_string(),
            not_found("Game"),
        ),
    ];
    for (function, payload, expected) in cases {
        assert_eq!(
            one.refusal(&server, function, &payload),
            expected,
            "{payload}"
        );
    }
    for function in ["duel.challenge", "duel.open", "duel.decline", "duel.replay"] {
        for payload in ["", "{", "[]", "7", r#"{"id":7}"#, r#"{"more":1}"#] {
            let (status, code, text) = one.refusal(&server, function, payload);
            assert_eq!((status, code), (400, 3), "{function} {payload}: {text}");
            assert!(
                text.starts_with("The payload is not understood: "),
                "{text}"
            );
        }
    }
    assert_eq!(one.refusal(&server, "duel.list", r#"{"more":1}"#).0, 400);
    for function in [
        "duel.challenge",
        "duel.list",
        "duel.open",
        "duel.decline",
        "duel.replay",
    ] {
        let path = format!("/v2/rpc/{function}?http_key=defaulthttpkey&unwrap");
        let answer = server.call("POST", &path, "", b"{}");
        let refused = (answer.status, answer.text("message"));
        let players = "Only players may call this function.";
        assert_eq!(refused, (401, players.to_owned()), "{function}");
    }
    // A stranger sees nothing of it.
    for function in ["duel.open", "duel.decline"] {
        assert_eq!(
            three.refusal(&server, function, &id_of(&id)),
            not_found("Game")
        );
    }
    assert!(list(&server, three).is_empty());

    // Who blocks somebody does not challenge them, and is not challenged.
    let path = format!("/v2/friend/block?ids={}", three.id);
    assert_eq!(server.call("POST", &path, &two.bearer, b"").status, 200);
    let to = |player: &Player| with("user_id", json!(player.id));
    let blocked = (400, 9, "You have blocked this user.".to_owned());
    assert_eq!(two.refusal(&server, "duel.challenge", &to(three)), blocked);
    assert_eq!(
        three.refusal(&server, "duel.challenge", &to(two)),
        not_found("User")
    );

    // Once who was challenged has played there is no way back.
    let record = answer(&server, one, &id, &room);
    let begun = "The game has begun; concede in its match.";
    for player in [one, two] {
        let refused = player.refusal(&server, "duel.decline", &id_of(&id));
        assert_eq!(refused, (400, 9, begun.to_owned()));
    }
    // Neither is a room that is not this game's, nor one of a game that is none.
    let gone = turn_passed(&mut record.clone(), "-");
    assert_eq!(one.ask_text(&server, "test.save", &gone), "gone");
    assert_eq!(
        one.ask_text(
            &server,
            "test.finished",
            &said(conceded(&record), "-", None)
        ),
        "gone"
    );
    let mut other = Record {
        id: nobody.parse().unwrap(),
        ..record.clone()
    };
    assert_eq!(
        one.ask_text(&server, "test.save", &turn_passed(&mut other, &room)),
        "gone"
    );
    assert_eq!(
        one.ask_text(
            &server,
            "test.finished",
            &said(conceded(&other), &room, None)
        ),
        "gone"
    );
    assert_eq!(stored_record(&server, one, &id), record);

    let over = said(conceded(&record), &room, None);
    assert_eq!(
        one.refusal(&server, "test.save", &over),
        invalid("The game is over.")
    );
    for _ in 0..2 {
        assert_eq!(one.ask_text(&server, "test.finished", &over), "");
    }
    for function in ["duel.open", "duel.decline"] {
        assert_eq!(
            one.refusal(&server, function, &id_of(&id)),
            not_found("Game")
        );
    }
    let late = turn_passed(&mut record.clone(), &room);
    assert_eq!(one.ask_text(&server, "test.save", &late), "gone");
    assert_eq!(
        [one, two].map(|player| player.history(&server).len()),
        [1, 1]
    );
    assert_eq!([one, two].map(|player| player.games_rated(&server)), [1, 1]);
    let last = [one, two].map(|player| player.notes(&server).pop().unwrap());
    for ((code, content), won) in last.into_iter().zip([false, true]) {
        assert_eq!(code, i64::from(duels::NOTE_OVER));
        assert_eq!((&content["won"], &content["how"]), (&json!(won), &json!(7)));
    }
}

/// The game after the first chair has conceded.
fn conceded(record: &Record) -> Record {
    with_turn::<Frame>(record, Turn::Concede(Chair::First)).unwrap()
}

#[test]
fn who_lets_the_time_pass_loses_if_the_challenge_was_answered() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path());
    let [one, two] = &players(&server);
    let unanswered = challenge(&server, one, two);
    let answered = challenge(&server, two, one);
    let record = answer(&server, one, &answered, &open(&server, one, &answered));
    let turn = tagus_duel::player_of::<Frame>(&record).unwrap().unwrap();
    // In the second game the other one challenged.
    let loser = if turn == Chair::First { two } else { one };
    assert_eq!(list_later(&server, one, 3 * DAY_S - 10).len(), 2);
    assert!(list_later(&server, one, 3 * DAY_S + 10).is_empty());
    for player in [one, two] {
        assert!(list(&server, player).is_empty());
        let history = player.history(&server);
        assert_eq!(history.len(), 1, "{history:?}");
        assert_eq!(history[0]["id"], answered);
        assert_eq!(history[0]["won"], player.id != loser.id);
        assert_eq!(history[0]["how"], 6);
        assert_eq!(player.games_rated(&server), 1);
        let codes = codes(&server, player);
        let count = |code| codes.iter().filter(|one| **one == code).count();
        assert_eq!(count(duels::NOTE_DECLINED), 1, "{codes:?}");
        assert_eq!(count(duels::NOTE_OVER), 1, "{codes:?}");
        assert_eq!(count(duels::NOTE_TURN), 1, "{codes:?}");
    }
    let not_there = json!({ "user_id": one.id, "id": unanswered }).to_string();
    assert_eq!(one.refusal(&server, "duel.replay", &not_there).0, 404);

    // What was kept is a game that can be proven, from bytes and from text.
    let (_, kept) = one.objects(&server, two, "pool_games").pop().unwrap();
    let text = kept["record"].as_str().unwrap();
    let file = data.path().join("record");
    let bytes = URL_SAFE_NO_PAD.decode(text).unwrap();
    for content in [format!("{text}\n").into_bytes(), bytes.clone()] {
        std::fs::write(&file, content).unwrap();
        let replayed = run(&["replay", file.to_str().unwrap()]);
        assert!(replayed.status.success(), "{replayed:?}");
        let said = String::from_utf8_lossy(&replayed.stdout).into_owned();
        let winner = if turn == Chair::First {
            "second"
        } else {
            "first"
        };
        let expected = format!(
            "pool: game {answered}, 3 turns, 0 shots: they end as recorded; the {winner} player has won: by time\n"
        );
        assert_eq!(said, expected);
    }
    let mut other = Record::from_bytes(&bytes).unwrap();
    other.end = other.end.map(|mut end| {
        end.winner = end.winner.map(Chair::other);
        end
    });
    std::fs::write(&file, other.to_bytes()).unwrap();
    let replayed = run(&["replay", file.to_str().unwrap()]);
    assert!(!replayed.status.success());
    let said = String::from_utf8_lossy(&replayed.stderr).into_owned();
    assert!(said.contains("compare the end"), "{said}");
    std::fs::write(&file, &bytes[1..]).unwrap();
    assert!(!run(&["replay", file.to_str().unwrap()]).status.success());
}

#[test]
fn a_game_of_an_account_that_is_gone_ends_for_the_other() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path());
    let [one, two] = &players(&server);
    let id = challenge(&server, one, two);
    answer(&server, one, &id, &open(&server, one, &id));
    let deleted = server.call("DELETE", "/v2/account", &two.bearer, b"");
    assert_eq!(deleted.status, 200);
    assert_eq!(list(&server, one)[0]["opponent"]["name"], two.name);
    assert!(list_later(&server, one, 3 * DAY_S + 10).is_empty());
    let history = one.history(&server);
    assert_eq!(history.len(), 1);
    assert_eq!(history[0]["opponent"]["name"], two.name);
    assert_eq!(one.games_rated(&server), 0);
    for collection in ["duel_games", "duel_uncounted"] {
        // The list of the one who is left is empty, and still there.
        let left = one.ask_text(&server, "test.stored", collection);
        let expected = if collection == "duel_games" { "1" } else { "0" };
        assert_eq!(left, expected);
    }
}

#[test]
fn a_room_with_somebody_in_it_keeps_the_time_itself_for_a_while() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path());
    let [one, two] = &players(&server);
    let id = challenge(&server, one, two);
    let room = open(&server, one, &id);
    answer(&server, one, &id, &room);
    let _client = one.join(&server, &room);
    let look = |seconds: u64| one.ask_text(&server, "test.look", &format!("{seconds} {id}"));
    assert!(look(3 * DAY_S + 10).starts_with("Some("));
    assert!(look(3 * DAY_S + 290).starts_with("Some("));
    assert_eq!(list(&server, one).len(), 1);
    assert_eq!(look(3 * DAY_S + 310), "None");
    assert!(list(&server, one).is_empty());
    assert_eq!(one.history(&server).len(), 1);
    wait_until(|| one.ask_text(&server, "test.is_open", &room) == "false");
    assert_eq!(look(0), "None");
}

#[test]
fn nobody_has_too_many_games_however_many_challenge_at_once() {
    let data = tempfile::tempdir().unwrap();
    let server = &start(data.path());
    let [one, two, others @ ..] = &players::<10>(server);
    let (others, more) = others.split_at(4);
    for number in 0..duels::DUELS_MAX - 2 {
        let other = more.get(number / duels::DUELS_WITH_ONE_MAX).unwrap_or(two);
        let (by, to) = if number % 2 == 0 {
            (one, other)
        } else {
            (other, one)
        };
        challenge(server, by, to);
    }
    let payload = json!({ "mode": "pool", "user_id": one.id, "days": 3 }).to_string();
    let payload = &payload;
    let works = others.iter().map(|other| {
        let work = move || other.refusal(server, "duel.challenge", payload);
        Box::new(work) as Box<dyn FnOnce() -> (u16, i64, String) + Send>
    });
    let mut answers = at_once(works.collect());
    answers.sort();
    let too_many = |who: &str| {
        (
            429,
            8,
            format!(
                "{who} too many games{}",
                if who == "You have" {
                    ", let one of them end."
                } else {
                    "."
                }
            ),
        )
    };
    assert_eq!(
        answers[..2],
        [(200, 0, String::new()), (200, 0, String::new())]
    );
    assert_eq!(
        answers[2..],
        [
            too_many("The other player has"),
            too_many("The other player has")
        ]
    );
    assert_eq!(list(server, one).len(), duels::DUELS_MAX);
    let payload = json!({ "mode": "pool", "user_id": two.id, "days": 3 }).to_string();
    assert_eq!(
        one.refusal(server, "duel.challenge", &payload),
        too_many("You have")
    );
    let id = list(server, one)[0]["id"].as_str().unwrap().to_owned();
    one.ask(server, "duel.decline", &json!({ "id": id }));
    challenge(server, one, two);
}

#[test]
fn nobody_is_challenged_without_end_and_what_is_over_or_refused_leaves_no_job() {
    let data = tempfile::tempdir().unwrap();
    let server = &start(data.path());
    let [one, two, three] = &players(server);
    let planned = || one.ask_text(server, "test.planned", "");
    let refused = |by: &Player, to: &Player| {
        let payload = json!({ "mode": "pool", "user_id": to.id, "days": 3 });
        let (status, code, text) = by.refusal(server, "duel.challenge", &payload.to_string());
        assert_eq!((status, code), (429, 8));
        text
    };
    let mut ids: Vec<_> = (0..duels::DUELS_WITH_ONE_MAX)
        .map(|_| challenge(server, one, two))
        .collect();
    let too_many = "You have too many games with this player, let one of them end.";
    assert_eq!(refused(one, two), too_many);
    assert_eq!(refused(two, one), too_many);
    ids.push(challenge(server, three, two));
    assert_eq!(planned(), ids.len().to_string());
    for id in &ids {
        two.ask(server, "duel.decline", &json!({ "id": id }));
    }
    assert_eq!(planned(), "0");
    let so_far = duels::DUELS_WITH_ONE_MAX as u32;
    for _ in so_far..duels::CHALLENGES_PER_DAY_MAX {
        let id = challenge(server, one, two);
        one.ask(server, "duel.decline", &json!({ "id": id }));
    }
    assert_eq!(refused(one, three), "You have challenged too often today.");
    assert_eq!(planned(), "0");
    challenge(server, two, one);
}

#[test]
fn those_who_open_a_game_at_once_meet_in_one_room() {
    let data = tempfile::tempdir().unwrap();
    let server = &start(data.path());
    let [one, two] = &players(server);
    let id = &challenge(server, one, two);
    for _ in 0..3 {
        let works = (0..8).map(|number| {
            let player = if number % 2 == 0 { one } else { two };
            Box::new(move || open(server, player, id)) as Box<dyn FnOnce() -> String + Send>
        });
        let rooms: BTreeSet<String> = at_once(works.collect()).into_iter().collect();
        assert_eq!(rooms.len(), 1, "{rooms:?}");
        // The game is theirs alone.
        let listed = server.call("GET", "/v2/match?limit=100", &one.bearer, b"");
        assert_eq!(listed.json(), json!({}));
        let room = rooms.first().unwrap();
        assert_eq!(open(server, two, id), *room);
        one.ask_text(server, "test.close", room);
        wait_until(|| open(server, one, id) != *room);
    }
}

#[test]
fn of_what_happens_to_a_game_at_once_one_counts() {
    let data = tempfile::tempdir().unwrap();
    let server = &start(data.path());
    let [one, two] = &players(server);
    let mut ended = 0;
    for _ in 0..10 {
        // The first turn of who was challenged, and that they decline.
        let id = &challenge(server, one, two);
        let room = open(server, one, id);
        let mut record = stored_record(server, one, id);
        if record.first == Chair::First {
            let said = turn_passed(&mut record, &room);
            one.ask_text(server, "test.save", &said);
        }
        let played = &turn_passed(&mut record, &room);
        let which = &json!({ "id": id }).to_string();
        let works: Vec<Box<dyn FnOnce() -> String + Send>> = vec![
            Box::new(move || one.ask_text(server, "test.save", played)),
            Box::new(move || two.rpc(server, "duel.decline", which).status.to_string()),
        ];
        let answers = at_once(works);
        match [&*answers[0], &*answers[1]] {
            ["gone", "200"] => continue,
            ["", "400"] => {}
            other => panic!("{other:?}"),
        }
        // That its time runs out, and that somebody concedes.
        let over = &said(conceded(&record), &room, None);
        let look = &format!("{} {id}", 4 * DAY_S);
        let works: Vec<Box<dyn FnOnce() -> String + Send>> = vec![
            Box::new(move || one.ask_text(server, "test.finished", over)),
            Box::new(move || one.ask_text(server, "test.look", look)),
            Box::new(move || two.ask_text(server, "test.finished", over)),
        ];
        assert_eq!(at_once(works)[1], "None");
        ended += 1;
        for player in [one, two] {
            assert_eq!(player.history(server).len(), ended);
            assert_eq!(player.games_rated(server), ended as u64);
            assert!(list(server, player).is_empty());
        }
    }
}

#[test]
fn a_game_that_ends_before_it_is_answered_has_no_result() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path());
    let [one, two] = &players(&server);
    let id = challenge(&server, one, two);
    let room = open(&server, one, &id);
    let record = stored_record(&server, one, &id);
    let over = said(conceded(&record), &room, None);
    assert_eq!(one.ask_text(&server, "test.finished", &over), "gone");
    for player in [one, two] {
        assert!(list(&server, player).is_empty());
        assert!(player.history(&server).is_empty());
        assert_eq!(codes(&server, player).last(), Some(&duels::NOTE_DECLINED));
    }
}

pub(crate) fn wait_until(mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < PATIENCE, "it does not come about");
        std::thread::yield_now();
    }
}

fn now_s() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap().as_secs()
}
