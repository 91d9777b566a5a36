//! Ratings over HTTP, and the results that server code tells.

use serde_json::{Value, json};
use tagus::base::{UserId, Uuid};
use tagus::{ApiError, RankedTeam, RpcCall};

use crate::server::{Answer, Server, bearer};

/// Counts a duel of the two players that the payload names, the first of whom wins; answers how many ratings changed.
async fn duel(call: RpcCall) -> Result<String, ApiError> {
    let named: Value = serde_json::from_str(&call.payload).unwrap();
    let players = named["players"].as_array().unwrap();
    let teams: Vec<RankedTeam> = players
        .iter()
        .zip(0..)
        .map(|(id, rank)| RankedTeam {
            users: vec![UserId(id.as_str().unwrap().parse().unwrap())],
            rank,
        })
        .collect();
    let result = Some(Uuid([9; 16]));
    let mode = named["mode"].as_str().unwrap();
    let changes = call.tagus.rate(mode, &teams, result).await?;
    let users: Vec<UserId> = teams.into_iter().flat_map(|team| team.users).collect();
    let known = call.tagus.ratings(mode, &users).await?;
    for change in &changes {
        let asked = call.tagus.rating(mode, change.after.user_id).await?;
        assert!(asked == change.after && known.contains(&asked));
    }
    Ok(changes.len().to_string())
}

async fn export(call: RpcCall) -> Result<String, ApiError> {
    let user_id = call.caller.user_id.expect("called by a user");
    let kept = call.tagus.account_export(user_id).await?;
    Ok(kept["ratings"].to_string())
}

struct Player {
    bearer: String,
    id: String,
}

fn player(server: &Server, device: &str) -> Player {
    let bearer = bearer(&server.token(device));
    let account = server.call("GET", "/v2/account", &bearer, b"").json();
    let id = account["user"]["id"].as_str().unwrap().to_owned();
    Player { bearer, id }
}

fn call(server: &Server, player: &Player, id: &str, payload: &Value) -> Answer {
    let body = Value::String(payload.to_string()).to_string();
    let path = format!("/v2/rpc/{id}");
    server.call("POST", &path, &player.bearer, body.as_bytes())
}

fn rating(server: &Server, player: &Player, mode: &str) -> Answer {
    let path = format!("/v2/x/rating/{mode}");
    server.call("GET", &path, &player.bearer, b"")
}

fn refusal(answer: &Answer) -> (u16, i64, String) {
    let code = answer.json()["code"].as_i64().unwrap_or_default();
    (answer.status, code, answer.text("message"))
}

#[test]
fn results_are_counted_and_players_see_their_ratings() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::own(data.path(), |server| {
        server.rpc("duel", duel).rpc("export", export)
    });
    let [ana, rui] = ["device-rating-ana", "device-rating-rui"].map(|id| player(&server, id));
    let newcomer = json!({ "mu": 25.0, "sigma": 25.0 / 3.0, "games": 0, "ordinal": 0.0 });
    assert_eq!(rating(&server, &ana, "duel").json(), newcomer);

    let payload = json!({ "mode": "my duel", "players": [ana.id, rui.id] });
    for changes in ["2", "0"] {
        let answer = call(&server, &ana, "duel", &payload);
        assert_eq!(
            (answer.status, answer.text("payload")),
            (200, changes.to_owned())
        );
    }
    let won = rating(&server, &ana, "my%20duel").json();
    let lost = rating(&server, &rui, "my%20duel").json();
    for (one, mu) in [(&won, 27.635_231), (&lost, 22.364_769)] {
        assert_eq!(one["mu"], mu);
        assert_eq!(one["sigma"], 8.065_506);
        assert_eq!(one["games"], 1);
        let ordinal = one["ordinal"].as_f64().unwrap();
        assert!((ordinal - (mu - 3.0 * 8.065_506)).abs() < 1e-9);
    }
    assert_eq!(rating(&server, &ana, "duel").json(), newcomer);
    let kept = call(&server, &ana, "export", &Value::Null).text("payload");
    let kept: Value = serde_json::from_str(&kept).unwrap();
    let expected = json!([{ "mode": "my duel", "mu": 27.635_231, "sigma": 8.065_506, "games": 1 }]);
    assert_eq!(kept, expected);
}

#[test]
fn what_is_wrong_is_refused() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::own(data.path(), |server| server.rpc("duel", duel));
    let ana = player(&server, "device-rating-ana");
    let long = "m".repeat(65);
    let mode = (400, 3, "Mode must have a name of 1-64 bytes.".to_owned());
    assert_eq!(refusal(&rating(&server, &ana, &long)), mode);
    assert_eq!(rating(&server, &ana, &long[1..]).status, 200);
    let nul = "Text invalid, must not contain null characters.".to_owned();
    assert_eq!(refusal(&rating(&server, &ana, "%00")), (400, 3, nul));
    for (verb, path, status) in [
        ("POST", "duel", 501),
        ("GET", "", 404),
        ("GET", "%ff", 404),
        ("GET", "a/b", 404),
    ] {
        let path = format!("/v2/x/rating/{path}");
        assert_eq!(
            server.call(verb, &path, &ana.bearer, b"").status,
            status,
            "{path}"
        );
    }
    assert_eq!(server.call("GET", "/v2/x/rating/duel", "", b"").status, 401);

    let nobody = Uuid([1; 16]).to_string();
    let twice = "A player may be in a result only once.".to_owned();
    let teams = "A result must have 2-64 teams.".to_owned();
    for (mode_name, players, refused) in [
        (
            "duel",
            json!([ana.id, nobody]),
            (404, 5, "User not found.".to_owned()),
        ),
        ("duel", json!([ana.id, ana.id]), (400, 3, twice)),
        ("duel", json!([ana.id]), (400, 3, teams)),
        ("", json!([ana.id, nobody]), mode),
    ] {
        let payload = json!({ "mode": mode_name, "players": players });
        assert_eq!(refusal(&call(&server, &ana, "duel", &payload)), refused);
    }
    assert_eq!(rating(&server, &ana, "duel").json()["games"], 0);
}
