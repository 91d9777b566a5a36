//! Games of two players: what is kept of them, and games over days.

use std::path::Path;
use std::sync::Barrier;
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};
use tagus::base::{RoomId, UnixMillis, UserId, Uuid};
use tagus::{
    ApiError, ExpectedVersion, NewJob, NewObject, ObjectId, ReadPermission, RoomCall, RpcCall,
    SERVER_OWNER, WritePermission, duels,
};

use tagus_duel::{Chair, End, How, News, Record, Sport as _, Turn, op, with_turn};
use tagus_pool::Frame;
use tagus_wire::realtime::MatchDataSend;
use tagus_wire::realtime::envelope::Message;

use crate::server::{Answer, PATIENCE, Server, bearer};
use crate::socket::{Client, Kind};

const NO_ROOM: RoomId = RoomId {
    uuid: Uuid::NIL,
    home: None,
};

pub(crate) struct Player {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) bearer: String,
}

impl Player {
    pub(crate) fn new(server: &Server, device: &str) -> Self {
        let bearer = bearer(&server.token(device));
        let account = server.call("GET", "/v2/account", &bearer, b"").json();
        let text = |member: &str| account["user"][member].as_str().unwrap().to_owned();
        Self {
            id: text("id"),
            name: text("username"),
            bearer,
        }
    }

    /// A connection that sits in the room.
    pub(crate) fn join(&self, server: &Server, room: &str) -> Client {
        let token = self.bearer.strip_prefix("Bearer ").unwrap();
        let mut client = Client::open(server, Kind::Tcp, token);
        client.join(room);
        client.until(|message| match message {
            Message::Match(_) => Some(()),
            _ => None,
        });
        client
    }

    pub(crate) fn rpc(&self, server: &Server, id: &str, payload: &str) -> Answer {
        let path = format!("/v2/rpc/{id}?unwrap");
        server.call("POST", &path, &self.bearer, payload.as_bytes())
    }

    /// What an RPC function answers that must not fail.
    pub(crate) fn ask(&self, server: &Server, id: &str, payload: &Value) -> Value {
        let answer = self.rpc(server, id, &payload.to_string());
        assert_eq!(answer.status, 200, "{id} {payload}: {}", answer.body);
        answer.json()
    }

    /// The same with a payload and an answer that are any text.
    pub(crate) fn ask_text(&self, server: &Server, id: &str, payload: &str) -> String {
        let answer = self.rpc(server, id, payload);
        assert_eq!(answer.status, 200, "{id} {payload}: {}", answer.body);
        answer.body
    }

    /// Status, code and sentence of a refusal.
    pub(crate) fn refusal(&self, server: &Server, id: &str, payload: &str) -> (u16, i64, String) {
        let answer = self.rpc(server, id, payload);
        let code = answer.json()["code"].as_i64().unwrap_or_default();
        (answer.status, code, answer.text("message"))
    }

    /// Own stored objects of a collection, by their keys; `by` asks.
    pub(crate) fn objects(
        &self,
        server: &Server,
        by: &Self,
        collection: &str,
    ) -> Vec<(String, Value)> {
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let id = &self.id;
            let path = format!("/v2/storage/{collection}?user_id={id}&limit=60&cursor={cursor}");
            let page = server.call("GET", &path, &by.bearer, b"").json();
            for object in page["objects"].as_array().into_iter().flatten() {
                let text = |member: &str| object[member].as_str().unwrap();
                let value = serde_json::from_str(text("value")).unwrap();
                found.push((text("key").to_owned(), value));
            }
            match page["cursor"].as_str() {
                Some(next) if !next.is_empty() => cursor = next.to_owned(),
                _ => return found,
            }
        }
    }

    /// Entries of the history of pool.
    pub(crate) fn history(&self, server: &Server) -> Vec<Value> {
        let mut found = self.objects(server, self, "duel_history");
        let history = found.pop().map(|(_, value)| value["games"].clone());
        history.map_or(Vec::new(), |games| games.as_array().unwrap().clone())
    }

    pub(crate) fn games_rated(&self, server: &Server) -> u64 {
        let rating = server.call("GET", "/v2/x/rating/pool", &self.bearer, b"");
        rating.json()["games"].as_u64().unwrap()
    }

    /// Codes and contents of the notifications that wait.
    pub(crate) fn notes(&self, server: &Server) -> Vec<(i64, Value)> {
        let path = "/v2/notification?limit=100";
        let found = server.call("GET", path, &self.bearer, b"").json();
        let notes = found["notifications"].as_array().into_iter().flatten();
        let note = |note: &Value| {
            let content = serde_json::from_str(note["content"].as_str().unwrap()).unwrap();
            (note["code"].as_i64().unwrap(), content)
        };
        notes.map(note).collect()
    }
}

/// A game of pool that begins.
pub(crate) fn begun(id: Uuid, users: [&str; 2]) -> Record {
    let users = users.map(|user| UserId(user.parse().unwrap_or_default()));
    Record::begin(id, Frame::variant(Map::new()).unwrap(), 7, users)
}

/// A game that the second player won, since the first conceded at once.
fn conceded(id: Uuid, [one, two]: [&Player; 2]) -> Record {
    let record = begun(id, [&one.id, &two.id]);
    with_turn::<Frame>(&record, Turn::Concede(Chair::First)).unwrap()
}

/// What the room of a game that is not kept says of it, for [`room_call`].
fn news(record: Record, names: [&str; 2]) -> String {
    let news = News {
        mode: "pool".to_owned(),
        names: names.map(str::to_owned),
        player: None,
        present: [true; 2],
        is_kept: false,
        record,
    };
    URL_SAFE_NO_PAD.encode(news.to_bytes())
}

/// What a room would call; the payload is its id, or anything, and the data as base64url.
fn room_call(call: &RpcCall) -> RoomCall {
    let (room, data) = call.payload.split_once(' ').unwrap();
    RoomCall {
        tagus: call.tagus.clone(),
        room: room.parse().unwrap_or(NO_ROOM),
        game: "pool".into(),
        name: "".into(),
        data: URL_SAFE_NO_PAD.decode(data).unwrap().into(),
    }
}

/// Splits off how many seconds later it shall be.
fn later(mut call: RpcCall) -> (RpcCall, UnixMillis) {
    let (seconds, payload) = call.payload.split_once(' ').unwrap();
    let seconds: u64 = seconds.parse().unwrap();
    call.payload = payload.to_owned();
    let now = UnixMillis(call.tagus.now().0 + seconds * 1_000);
    (call, now)
}

pub(crate) fn served(server: tagus::Server) -> tagus::Server {
    duels::register(server)
        .game::<tagus_pool::Pool>("pool")
        .game::<tagus_soccer::Soccer>("soccer")
        .mode(tagus::Mode {
            name: "pool".to_owned(),
            game: "pool".to_owned(),
            private: true,
            ..tagus::Mode::default()
        })
        .rpc("test.room", async |call: RpcCall| {
            let room = call.tagus.room_create(&call.payload, "").await?;
            Ok(room.to_string())
        })
        .rpc("test.finished", async |call: RpcCall| {
            let now = call.tagus.now();
            let answer = duels::finished(room_call(&call), now).await?;
            Ok(String::from_utf8(answer).unwrap())
        })
        .rpc("test.save", async |call: RpcCall| {
            let now = call.tagus.now();
            let answer = duels::save(room_call(&call), now).await?;
            Ok(String::from_utf8(answer).unwrap())
        })
        .rpc("test.look", async |call: RpcCall| {
            let (call, now) = later(call);
            let id = call.payload.parse().unwrap();
            let again = duels::look(&call.tagus, id, now).await?;
            Ok(format!("{again:?}"))
        })
        .rpc("later.list", |call: RpcCall| {
            let (call, now) = later(call);
            duels::list(call, now)
        })
        .rpc("later.open", |call: RpcCall| {
            let (call, now) = later(call);
            duels::open(call, now)
        })
        .rpc("test.stored", stored)
        .rpc("test.put", put)
        .rpc("test.kept", kept)
        .rpc("test.planned", async |call: RpcCall| {
            let jobs = call.tagus.scheduled("duel.deadline", 1_000).await?;
            let jobs = jobs.iter().filter(|job| job.kind == "duel.deadline");
            Ok(jobs.count().to_string())
        })
        .rpc("test.is_open", async |call: RpcCall| {
            let room = call.payload.parse().unwrap();
            Ok(call.tagus.room(&room).is_some().to_string())
        })
        .rpc("test.close", async |call: RpcCall| {
            let room = call.payload.parse().unwrap();
            call.tagus.room_close(room);
            Ok(String::new())
        })
        .rpc("test.count", async |call: RpcCall| {
            let job = NewJob {
                name: "at once",
                kind: "duel.count",
                payload: "",
            };
            call.tagus.schedule_at(job, UnixMillis(0)).await?;
            Ok(String::new())
        })
}

/// How many objects there are in a collection, of whomever.
async fn stored(call: RpcCall) -> Result<String, ApiError> {
    let page = call
        .tagus
        .storage_list(None, &call.payload, 100, "")
        .await?;
    Ok(page.objects.len().to_string())
}

/// Stores an object of the server's; the payload is its collection, its key and its value.
async fn put(call: RpcCall) -> Result<String, ApiError> {
    let mut words = call.payload.splitn(3, ' ');
    let mut word = || words.next().unwrap().to_owned();
    let object = NewObject {
        id: ObjectId::new(word(), word(), SERVER_OWNER)?,
        value: word(),
        version: ExpectedVersion::Any,
        read: ReadPermission::Nobody,
        write: WritePermission::Nobody,
    };
    call.tagus.storage_write(vec![object]).await?;
    Ok(String::new())
}

/// A kept game as it is stored; the payload is its id.
async fn kept(call: RpcCall) -> Result<String, ApiError> {
    let id = ObjectId::new("duel_games", call.payload, SERVER_OWNER)?;
    let found = call.tagus.storage_read(&[id]).await?.pop();
    Ok(found.map_or("null".to_owned(), |object| object.value))
}

pub(crate) fn start(data: &Path) -> Server {
    Server::own(data, served)
}

pub(crate) fn players<const N: usize>(server: &Server) -> [Player; N] {
    std::array::from_fn(|number| Player::new(server, &format!("device-of-duelist-{number}")))
}

/// Does all of it at once, and answers what came of each, in order.
pub(crate) fn at_once<T: Send>(works: Vec<Box<dyn FnOnce() -> T + Send + '_>>) -> Vec<T> {
    let barrier = &Barrier::new(works.len());
    std::thread::scope(|scope| {
        let mut threads = Vec::new();
        for work in works {
            threads.push(scope.spawn(move || {
                barrier.wait();
                work()
            }));
        }
        let ended = threads.into_iter().map(|thread| thread.join().unwrap());
        ended.collect()
    })
}

const fn id(number: u8) -> Uuid {
    Uuid::from_random([number; 16])
}

/// Everybody plays everybody twice; all games end at once, and each is told twice at once.
fn many_games_end_at_once(servers: &[Server]) {
    let one = &servers[0];
    let players: &[Player; 5] = &players(one);
    let rooms = servers
        .iter()
        .map(|server| players[0].rpc(server, "test.room", "pool").body);
    let rooms: Vec<String> = rooms.collect();
    let mut games = Vec::new();
    for first in 0..players.len() {
        for second in (0..players.len()).filter(|second| *second != first) {
            let number = games.len() as u8;
            let both = [&players[first], &players[second]];
            let told = news(conceded(id(number), both), both.map(|one| &*one.name));
            games.push((first, second, told));
        }
    }
    let mut works: Vec<Box<dyn FnOnce() -> u16 + Send>> = Vec::new();
    for (number, (first, _, told)) in games.iter().enumerate() {
        for time in 0..2 {
            let node = (number + time) % servers.len();
            let (server, caller) = (&servers[node], &players[*first]);
            let payload = format!("{} {told}", rooms[node]);
            works.push(Box::new(move || {
                caller.rpc(server, "test.finished", &payload).status
            }));
        }
    }
    let told = at_once(works);
    assert!(told.iter().all(|status| *status == 200), "{told:?}");
    for (place, player) in players.iter().enumerate() {
        let mut expected: Vec<String> = (0_u8..)
            .zip(&games)
            .filter(|(_, (first, second, _))| [*first, *second].contains(&place))
            .map(|(number, _)| id(number).to_string())
            .collect();
        expected.sort();
        let history = player.history(one);
        let ids = history
            .iter()
            .map(|game| game["id"].as_str().unwrap().to_owned());
        let mut ids: Vec<String> = ids.collect();
        ids.sort();
        assert_eq!(ids, expected);
        let records = player.objects(one, player, "pool_games").into_iter();
        let mut keys: Vec<String> = records.map(|(key, _)| key).collect();
        keys.sort();
        assert_eq!(keys, expected);
        assert_eq!(player.games_rated(one), expected.len() as u64);
    }
    assert_eq!(
        players[0].rpc(one, "test.stored", "duel_uncounted").body,
        "0"
    );
}

#[test]
fn games_that_end_at_once_lose_nothing_and_are_kept_once() {
    let data = tempfile::tempdir().unwrap();
    many_games_end_at_once(&[start(data.path())]);
}

#[test]
fn a_history_has_a_hundred_games_and_records_of_no_more() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path());
    let [one, two, three] = &players(&server);
    for number in 0..102 {
        let told = news(conceded(id(number), [one, two]), [&one.name, &two.name]);
        one.ask_text(&server, "test.finished", &format!("- {told}"));
        if number < 2 {
            let told = news(conceded(id(200 + number), [two, three]), [""; 2]);
            one.ask_text(&server, "test.finished", &format!("- {told}"));
        }
    }
    for (player, kept) in [(one, 2..102), (two, 2..102)] {
        let ids: Vec<Uuid> = kept.rev().map(id).collect();
        let history = player.history(&server);
        let found = history.iter().map(|game| game["id"].as_str().unwrap());
        let found: Vec<Uuid> = found.map(|id| id.parse().unwrap()).collect();
        assert_eq!(found, ids);
        let records = player.objects(&server, three, "pool_games");
        let mut keys: Vec<Uuid> = records
            .iter()
            .map(|(key, _)| key.parse().unwrap())
            .collect();
        keys.sort();
        let mut sorted = ids;
        sorted.sort();
        assert_eq!(keys, sorted);
    }
    // What falls out of one history stays in the other.
    assert_eq!(three.history(&server).len(), 2);
    assert_eq!(three.objects(&server, one, "pool_games").len(), 2);
    // None of them was of a room that is there: they are not rated.
    assert_eq!(one.games_rated(&server), 0);
    let newest = &one.history(&server)[0];
    let time = newest["time"].as_u64().unwrap();
    let expected = json!({
        "id": id(101).to_string(),
        "mode": "pool",
        "opponent": { "id": two.id, "name": two.name },
        "won": false,
        "how": How::CONCEDED.0,
        "turns": 1,
        "time": time,
    });
    assert_eq!(*newest, expected);
    assert_eq!(two.history(&server)[0]["won"], true);
}

#[test]
fn nobody_makes_up_what_was_played() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path());
    let [one, two] = &players(&server);
    for (collection, key) in [
        ("duel_history", "pool"),
        ("duel_games", "list"),
        ("pool_games", "11111111-2222-4333-8444-555555555555"),
        ("soccer_games", "11111111-2222-4333-8444-555555555555"),
    ] {
        for value in [r#"{"games":7}"#, r#"{"games":[]}"#] {
            let object = json!({ "collection": collection, "key": key, "value": value });
            let body = json!({ "objects": [object] }).to_string();
            let answer = server.call("PUT", "/v2/storage", &one.bearer, body.as_bytes());
            assert_eq!(answer.status, 400, "{collection}");
            let text = "Storage write rejected - permission denied.";
            assert_eq!(answer.text("message"), text);
        }
    }
    let record = conceded(id(1), [one, two]);
    let said = format!("none {}", news(record, ["one", "two"]));
    one.ask_text(&server, "test.finished", &said);
    assert_eq!(
        (one.history(&server).len(), two.history(&server).len()),
        (1, 1)
    );
}

#[test]
fn bots_and_accounts_that_are_gone_have_no_history() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path());
    let [one, two] = &players(&server);
    let room = one.rpc(&server, "test.room", "pool").body;
    let drawn = End {
        winner: None,
        how: How::DRAWN,
    };
    let of_bot = Record {
        end: Some(drawn),
        ..begun(id(1), [&one.id, ""])
    };
    let names = [&*one.name, "Bot, easy"];
    let payload = format!("{room} {}", news(of_bot.clone(), names));
    one.ask_text(&server, "test.finished", &payload);
    let game = &one.history(&server)[0];
    assert_eq!(game["won"], Value::Null);
    assert_eq!(game["opponent"], json!({ "id": null, "name": names[1] }));
    let (_, record) = one.objects(&server, two, "pool_games").pop().unwrap();
    assert_eq!(record["users"], json!([one.id, null]));
    assert_eq!(record["record"], URL_SAFE_NO_PAD.encode(of_bot.to_bytes()));

    let deleted = server.call("DELETE", "/v2/account", &two.bearer, b"");
    assert_eq!(deleted.status, 200);
    let told = news(conceded(id(2), [one, two]), [&one.name, &two.name]);
    let payload = format!("{room} {told}");
    one.ask_text(&server, "test.finished", &payload);
    let opponent = &one.history(&server)[0]["opponent"];
    assert_eq!(*opponent, json!({ "id": two.id, "name": two.name }));
    // One who played against themselves, on two connections.
    let told = news(conceded(id(3), [one, one]), [&*one.name; 2]);
    let payload = format!("{room} {told}");
    one.ask_text(&server, "test.finished", &payload);
    assert_eq!(one.history(&server).len(), 3);
    assert_eq!(one.games_rated(&server), 0);
    let left = one.rpc(&server, "test.stored", "duel_uncounted");
    assert_eq!(left.body, "0");

    let goes_on = news(begun(id(4), [&one.id, &two.id]), [""; 2]);
    for (data, reason) in [
        ("", "These are no news of a game: read news of a game."),
        (&*goes_on, "The game goes on."),
    ] {
        let refused = one.refusal(&server, "test.finished", &format!("{room} {data}"));
        assert_eq!(refused, (400, 3, reason.to_owned()));
    }
}

#[test]
fn a_result_whose_server_ended_is_counted_later() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path());
    let [one, two] = &players(&server);
    let uncounted = json!({ "mode": "pool", "users": [one.id, two.id], "winner": 1 });
    let name = format!("duel_uncounted {} {uncounted}", id(1));
    one.ask_text(&server, "test.put", &name);
    one.ask_text(&server, "test.count", "");
    let started = Instant::now();
    while one.rpc(&server, "test.stored", "duel_uncounted").body != "0" {
        assert!(started.elapsed() < PATIENCE, "it is not counted");
        std::thread::yield_now();
    }
    assert_eq!([one, two].map(|player| player.games_rated(&server)), [1, 1]);
}

#[test]
#[ignore = "needs PostgreSQL"]
fn games_that_end_at_once_on_two_servers_and_postgres_lose_nothing() {
    let url = std::env::var("TAGUS_TEST_POSTGRES").expect("TAGUS_TEST_POSTGRES names a server");
    let name = format!("duels_{}", std::process::id());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let execute = |sql: String| {
        runtime.block_on(async {
            let connected = tokio_postgres::connect(&url, tokio_postgres::NoTls).await;
            let (client, connection) = connected.unwrap();
            tokio::spawn(connection);
            client.batch_execute(&sql).await.unwrap();
        });
    };
    execute(format!("CREATE DATABASE {name}"));
    let (server, _) = url.rsplit_once('/').unwrap();
    let database = format!("{server}/{name}");
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let servers = [0, 1].map(|node| {
        let configure = |config: &mut tagus::Config| {
            config.store.url = Some(database.parse().unwrap());
            config.node = format!("node-{node}");
        };
        Server::own_with(folders[node].path(), configure, served)
    });
    many_games_end_at_once(&servers);
    execute(format!("DROP DATABASE {name} WITH (FORCE)"));
}

/// A room of the game whose second player has won, since the first conceded.
fn concede(server: &Server, room: &str, [one, two]: [&Player; 2]) -> Record {
    let mut clients = [one, two].map(|player| player.join(server, room));
    let concede = MatchDataSend {
        match_id: room.to_owned(),
        op_code: op::CONCEDE,
        data: vec![0, 0].into(),
        ..MatchDataSend::default()
    };
    clients[0].ask("", Message::MatchDataSend(concede));
    let [first, second] = clients.map(|mut client| {
        client.until(|message| match message {
            Message::MatchData(data) if data.op_code == op::RECORD => Some(data.data),
            _ => None,
        })
    });
    assert_eq!(first, second);
    Record::from_bytes(&first).unwrap()
}

#[test]
fn a_rooms_game_is_kept_before_its_record_is_told_and_a_private_one_is_not_rated() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path());
    let [one, two] = &players(&server);
    for (is_private, rated) in [(false, 1), (true, 1)] {
        let room = if is_private {
            let opened = server.call("POST", "/v2/x/match/pool", &one.bearer, b"");
            opened.text("match_id")
        } else {
            one.ask_text(&server, "test.room", "pool")
        };
        let record = concede(&server, &room, [one, two]);
        for (player, won) in [(one, false), (two, true)] {
            let newest = &player.history(&server)[0];
            assert_eq!(newest["id"], record.id.to_string());
            assert_eq!(newest["won"], won);
            assert_eq!(player.games_rated(&server), rated);
        }
    }
}

#[test]
fn soccer_has_a_history_and_records_of_its_own() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path());
    let [one, two] = &players(&server);
    let room = one.ask_text(&server, "test.room", "soccer");
    let record = concede(&server, &room, [one, two]);
    for player in [one, two] {
        let (key, history) = player.objects(&server, one, "duel_history").pop().unwrap();
        assert_eq!(
            (&*key, &history["games"][0]["mode"]),
            ("soccer", &json!("soccer"))
        );
        let which = json!({ "user_id": player.id, "id": record.id.to_string() });
        let replayed = one.ask(&server, "duel.replay", &which);
        assert_eq!(replayed["game"], "soccer");
        assert_eq!(replayed["won"], player.id == two.id);
        let ops = replayed["messages"].as_array().unwrap().iter();
        let ops: Vec<i64> = ops.map(|message| message["op"].as_i64().unwrap()).collect();
        assert_eq!(ops, [op::TABLE, op::TABLE]);
    }
    let rating = server.call("GET", "/v2/x/rating/soccer", &one.bearer, b"");
    assert_eq!(rating.json()["games"], 1);
    let challenge = json!({ "mode": "soccer", "user_id": two.id, "days": 1 });
    let game = one.ask(&server, "duel.challenge", &challenge);
    two.ask(&server, "duel.open", &json!({ "id": game["id"] }));
}
