//! A game of pool over sockets, and what is kept of it.

use serde_json::{Value, json};
use tagus::RpcCall;
use tagus_wire::realtime::MatchDataSend;
use tagus_wire::realtime::envelope::Message;

use crate::server::{Answer, Server, bearer};
use crate::socket::{Client, Kind};

/// To the client: the finished game.
const RECORD: i64 = 22;

struct Player {
    id: String,
    bearer: String,
    client: Client,
}

impl Player {
    fn new(server: &Server, device: &str) -> Self {
        let token = server.token(device);
        let bearer = bearer(&token);
        let account = server.call("GET", "/v2/account", &bearer, b"").json();
        Self {
            id: account["user"]["id"].as_str().unwrap().to_owned(),
            bearer,
            client: Client::open(server, Kind::Json, &token),
        }
    }

    fn join(&mut self, room: &str) {
        self.client.join(room);
        self.client.until(|message| match message {
            Message::Match(_) => Some(()),
            _ => None,
        });
    }

    fn wait_for_record(&mut self) {
        self.client.until(|message| match message {
            Message::MatchData(data) if data.op_code == RECORD => Some(()),
            _ => None,
        });
    }

    fn keep(&self, server: &Server, room: &str) -> Answer {
        rpc(server, &self.bearer, "pool.keep", room)
    }

    fn games_rated(&self, server: &Server) -> Value {
        let rating = server.call("GET", "/v2/x/rating/pool", &self.bearer, b"");
        rating.json()["games"].clone()
    }
}

fn rpc(server: &Server, bearer: &str, id: &str, payload: &str) -> Answer {
    let path = format!("/v2/rpc/{id}?unwrap");
    server.call("POST", &path, bearer, payload.as_bytes())
}

fn start(data: &std::path::Path) -> Server {
    Server::own(data, |server| {
        server
            .game::<tagus_pool::Pool>("pool")
            .rpc("pool.keep", tagus::pool::keep)
            .rpc("open", async |call: RpcCall| {
                let room = call.tagus.room_create("pool", call.payload).await?;
                Ok(room.to_string())
            })
            .mode(tagus::Mode {
                name: "pool".to_owned(),
                game: "pool".to_owned(),
                private: true,
                ..tagus::Mode::default()
            })
    })
}

/// Two players sit down, and the first concedes.
fn play(room: &str, players: &mut [Player]) {
    for player in &mut *players {
        player.join(room);
    }
    players[0].client.ask(
        "",
        Message::MatchDataSend(MatchDataSend {
            match_id: room.to_owned(),
            op_code: 5,
            data: vec![0, 0].into(),
            ..MatchDataSend::default()
        }),
    );
    for player in players {
        player.wait_for_record();
    }
}

#[test]
fn a_finished_game_is_kept_for_both_players_and_rated_once() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path());
    let mut players =
        ["one", "two"].map(|name| Player::new(&server, &format!("device-{name}-pool")));
    let stranger = Player::new(&server, "device-of-a-stranger");
    let room = rpc(&server, &players[0].bearer, "open", "").body;
    assert_eq!(
        players[0].keep(&server, &room).status,
        404,
        "nothing has ended"
    );
    play(&room, &mut players);
    let [loser, winner] = &players;
    assert_eq!(stranger.keep(&server, &room).status, 404);
    assert_eq!(winner.keep(&server, "arena").status, 404);
    assert_eq!(loser.games_rated(&server), 0);
    let kept = winner.keep(&server, &room);
    assert_eq!(kept.status, 200, "{}", kept.body);
    assert_eq!(loser.keep(&server, &room).body, kept.body);
    let kept = kept.json();
    for (player, has_won) in [(loser, false), (winner, true)] {
        assert_eq!(player.games_rated(&server), 1);
        let path = format!("/v2/storage/pool_games?user_id={}&limit=10", player.id);
        // Everybody may read it.
        let found = server.call("GET", &path, &stranger.bearer, b"").json();
        assert_eq!(found["objects"].as_array().unwrap().len(), 1, "{found}");
        assert_eq!(found["objects"][0]["key"], kept["key"]);
        let text = found["objects"][0]["value"].as_str().unwrap();
        let value: Value = serde_json::from_str(text).unwrap();
        assert_eq!(value["won"], json!(has_won));
        assert_eq!(value["users"], json!([loser.id, winner.id]));
    }
}

#[test]
fn a_private_game_is_kept_and_not_rated() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path());
    let mut players =
        ["one", "two"].map(|name| Player::new(&server, &format!("device-{name}-pool")));
    let opened = server.call("POST", "/v2/x/match/pool", &players[0].bearer, b"");
    let room = opened.text("match_id");
    play(&room, &mut players);
    assert_eq!(players[0].keep(&server, &room).status, 200);
    assert_eq!(players[0].games_rated(&server), 0);
}
