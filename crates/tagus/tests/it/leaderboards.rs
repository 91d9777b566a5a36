//! Leaderboards and tournaments over HTTP, and their hooks.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use serde_json::{Value, json};
use tagus::leaderboards::{BoardEventKind, Leaderboard, NewScore, TournamentRules};
use tagus::{ApiError, RpcCall};

use crate::server::{Answer, PATIENCE, Server, bearer};

/// Makes the board that the payload names.
async fn make(call: RpcCall) -> Result<String, ApiError> {
    let board = Leaderboard::new(call.payload.as_str());
    let rules = TournamentRules {
        duration_secs: 3_600,
        ..TournamentRules::default()
    };
    let tournament = |rules| Leaderboard {
        tournament: Some(rules),
        ..board.clone()
    };
    match call.payload.as_str() {
        "open" => call.tagus.leaderboard_create(board).await?,
        "closed" => {
            let authoritative = true;
            let board = Leaderboard {
                authoritative,
                ..board
            };
            call.tagus.leaderboard_create(board).await?
        }
        "cup" => call.tagus.tournament_create(tournament(rules)).await?,
        "joined" => {
            let rules = TournamentRules {
                join_required: true,
                size_max: 1,
                attempts_max: 1,
                ..rules
            };
            call.tagus.tournament_create(tournament(rules)).await?
        }
        _ => {
            let rules = TournamentRules {
                start_time: call.tagus.now().plus_secs(1_000),
                join_required: true,
                ..rules
            };
            call.tagus.tournament_create(tournament(rules)).await?
        }
    };
    Ok(String::new())
}

fn start(data: &Path) -> Server {
    let server = Server::own(data, |server| {
        server
            .rpc("make", make)
            .rpc("forced", async |call: RpcCall| {
                let owner = call.caller.user_id.ok_or_else(ApiError::internal)?;
                let score = NewScore {
                    score: 7,
                    ..NewScore::default()
                };
                let record = call
                    .tagus
                    .leaderboard_record_write("closed", owner, "", score);
                Ok(record.await?.score.to_string())
            })
    });
    let token = server.token("device-of-the-maker");
    for id in ["open", "closed", "cup", "joined", "future"] {
        let made = rpc(&server, &token, "make", id);
        assert_eq!(made.status, 200, "{id}: {}", made.body);
    }
    server
}

fn rpc(server: &Server, token: &str, id: &str, payload: &str) -> Answer {
    let body = json!(payload).to_string();
    server.call(
        "POST",
        &format!("/v2/rpc/{id}"),
        &bearer(token),
        body.as_bytes(),
    )
}

#[test]
fn wrong_requests_are_refused_in_the_protocols_words() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path());
    let token = server.token("device-of-a-player");
    let other = server.token("device-of-another");
    let call = |verb: &str, path: &str, body: &str| {
        server.call(verb, path, &bearer(&token), body.as_bytes())
    };
    assert_eq!(call("POST", "/v2/tournament/joined/join", "").status, 200);
    let around = "11111111-1111-4111-8111-111111111111";
    let (limit, limit_around) = (
        "Invalid limit - limit must be between 1 and 1000.",
        "Invalid limit - limit must be between 1 and 100.",
    );
    let long = json!({ "score": 1, "metadata": "x".repeat(16_385) }).to_string();
    let cases: &[(&str, &str, &str, u16, i64, &str)] = &[
        (
            "POST",
            "/v2/leaderboard/none",
            r#"{"score":"1"}"#,
            404,
            5,
            "Leaderboard not found.",
        ),
        (
            "POST",
            "/v2/leaderboard/cup",
            r#"{"score":"1"}"#,
            404,
            5,
            "Leaderboard not found.",
        ),
        (
            "POST",
            "/v2/leaderboard/closed",
            r#"{"score":"1"}"#,
            403,
            7,
            "Leaderboard only allows authoritative score submissions.",
        ),
        (
            "POST",
            "/v2/leaderboard/open",
            r#"{"score":"-1"}"#,
            400,
            3,
            "Score value must be greater than or equal to 0.",
        ),
        (
            "POST",
            "/v2/leaderboard/open",
            r#"{"subscore":"-1"}"#,
            400,
            3,
            "Subscore value must be greater than or equal to 0.",
        ),
        (
            "POST",
            "/v2/leaderboard/open",
            r#"{"metadata":"x"}"#,
            400,
            3,
            "Metadata value must be JSON, if provided.",
        ),
        (
            "POST",
            "/v2/leaderboard/open",
            &long,
            400,
            3,
            "Metadata value must be at most 16384 bytes.",
        ),
        (
            "POST",
            "/v2/leaderboard/open",
            r#"{"score":{}}"#,
            400,
            3,
            "",
        ),
        (
            "POST",
            "/v2/leaderboard/open",
            r#"{"operator":9}"#,
            400,
            3,
            "",
        ),
        (
            "POST",
            "/v2/leaderboard/open",
            r#"{"operator":"WORST"}"#,
            400,
            3,
            "",
        ),
        (
            "POST",
            "/v2/leaderboard/open",
            r#"{"score":"9223372036854775808"}"#,
            400,
            3,
            "",
        ),
        (
            "DELETE",
            "/v2/leaderboard/none",
            "",
            404,
            5,
            "Leaderboard not found.",
        ),
        (
            "DELETE",
            "/v2/leaderboard/closed",
            "",
            403,
            7,
            "Leaderboard only allows authoritative score submissions.",
        ),
        (
            "GET",
            "/v2/leaderboard/none",
            "",
            404,
            5,
            "Leaderboard not found.",
        ),
        ("GET", "/v2/leaderboard/open?limit=0", "", 400, 3, limit),
        ("GET", "/v2/leaderboard/open?limit=1001", "", 400, 3, limit),
        ("GET", "/v2/leaderboard/open?limit=many", "", 400, 3, ""),
        (
            "GET",
            "/v2/leaderboard/open?owner_ids=me",
            "",
            400,
            3,
            "One or more owner IDs are invalid.",
        ),
        (
            "GET",
            "/v2/leaderboard/open?cursor=x",
            "",
            400,
            3,
            "Malformed cursor was used.",
        ),
        (
            "GET",
            "/v2/leaderboard/open?expiry=-1",
            "",
            400,
            3,
            "Expiry must be a time since 1970, in seconds.",
        ),
        (
            "GET",
            "/v2/leaderboard/open/owner/me",
            "",
            400,
            3,
            "Invalid owner ID provided.",
        ),
        (
            "GET",
            &format!("/v2/leaderboard/open/owner/{around}?limit=101"),
            "",
            400,
            3,
            limit_around,
        ),
        (
            "GET",
            &format!("/v2/leaderboard/open/owner/{around}?limit=0"),
            "",
            400,
            3,
            limit_around,
        ),
        (
            "POST",
            "/v2/tournament/none/join",
            "",
            404,
            5,
            "Tournament not found.",
        ),
        (
            "POST",
            "/v2/tournament/open/join",
            "",
            404,
            5,
            "Tournament not found.",
        ),
        (
            "POST",
            "/v2/tournament/future/join",
            "",
            400,
            3,
            "Tournament is not active and cannot accept new joins.",
        ),
        (
            "PUT",
            "/v2/tournament/none",
            r#"{"score":"1"}"#,
            404,
            5,
            "Tournament not found.",
        ),
        (
            "POST",
            "/v2/tournament/future",
            r#"{"score":"1"}"#,
            400,
            3,
            "Tournament is not active and cannot accept new scores.",
        ),
        (
            "PUT",
            "/v2/tournament/cup",
            r#"{"score":"-1"}"#,
            400,
            3,
            "Score value must be greater than or equal to 0.",
        ),
        (
            "DELETE",
            "/v2/tournament/none",
            "",
            404,
            5,
            "Tournament not found.",
        ),
        ("GET", "/v2/tournament?limit=0", "", 400, 3, limit_around),
        ("GET", "/v2/tournament?limit=101", "", 400, 3, limit_around),
        (
            "GET",
            "/v2/tournament?category_start=128",
            "",
            400,
            3,
            "Tournament category start must be between 0 and 127.",
        ),
        (
            "GET",
            "/v2/tournament?category_start=5&category_end=4",
            "",
            400,
            3,
            "Tournament category end must be greater than or equal to category start.",
        ),
        (
            "GET",
            "/v2/tournament?cursor=x",
            "",
            400,
            3,
            "Malformed cursor was used.",
        ),
        (
            "GET",
            "/v2/tournament/none",
            "",
            404,
            5,
            "Tournament not found.",
        ),
        ("GET", "/v2/tournament/cup?limit=0", "", 400, 3, limit),
        (
            "GET",
            &format!("/v2/tournament/cup/owner/{around}?limit=101"),
            "",
            400,
            3,
            limit_around,
        ),
    ];
    for (verb, path, body, status, code, message) in cases {
        let answer = call(verb, path, body);
        let found = (answer.status, answer.json()["code"].as_i64());
        assert_eq!(
            found,
            (*status, Some(*code)),
            "{verb} {path}: {}",
            answer.body
        );
        if !message.is_empty() {
            assert_eq!(answer.text("message"), *message, "{verb} {path}");
        }
        assert_eq!(
            server.call(verb, path, "", body.as_bytes()).status,
            401,
            "{verb} {path}"
        );
    }
    // What depends on what was done before.
    let score = |token: &str, path: &str| {
        server
            .call("POST", path, &bearer(token), br#"{"score":"1"}"#)
            .text("message")
    };
    assert_eq!(
        score(&other, "/v2/tournament/joined"),
        "Must join tournament before attempting to write value."
    );
    let join = server.call("POST", "/v2/tournament/joined/join", &bearer(&other), b"");
    assert_eq!(
        join.text("message"),
        "Tournament cannot be joined as it has reached its max size."
    );
    assert_eq!(score(&token, "/v2/tournament/joined"), "");
    assert_eq!(
        score(&token, "/v2/tournament/joined"),
        "Reached allowed max number of score attempts."
    );
    assert_eq!(rpc(&server, &token, "forced", "").json()["payload"], "7");
}

#[test]
fn records_are_answered_as_the_protocol_has_them() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path());
    wait_until_ready(&server);
    let token = server.token("device-of-a-player");
    let path = "/v2/leaderboard/open";
    let empty = server.call("GET", path, &bearer(&token), b"");
    assert_eq!((empty.status, empty.body.as_str()), (200, "{}"));
    let body = br#"{"score":"5","subscore":"2","metadata":"{\"car\":1}","operator":"SET"}"#;
    let written = server.call("POST", path, &bearer(&token), body).json();
    let member = |record: &Value, name: &str| record[name].as_str().unwrap_or_default().to_owned();
    assert_eq!(
        (member(&written, "score"), member(&written, "rank")),
        ("5".into(), "1".into())
    );
    assert_eq!(written["num_score"], 1);
    assert_eq!(member(&written, "metadata"), r#"{"car":1}"#);
    assert_eq!(written.get("expiry_time"), None);
    let owner = member(&written, "owner_id");
    let listed = server
        .call(
            "GET",
            &format!("{path}?owner_ids={owner}"),
            &bearer(&token),
            b"",
        )
        .json();
    assert_eq!(listed["rank_count"], "1");
    assert_eq!(listed["owner_records"][0], written);
    assert_eq!(listed.get("records"), None);
    let around = server.call(
        "GET",
        &format!("{path}/owner/{owner}"),
        &bearer(&token),
        b"",
    );
    assert_eq!(around.json()["records"][0], written);
    assert_eq!(server.call("DELETE", path, &bearer(&token), b"").body, "{}");
    // An account that is deleted leaves its rank to the next.
    let other = server.token("device-of-another");
    for token in [&token, &other] {
        server.call(
            "PUT",
            "/v2/tournament/cup",
            &bearer(token),
            br#"{"score":1}"#,
        );
    }
    server.call("DELETE", "/v2/account", &bearer(&token), b"");
    let cup = server
        .call("GET", "/v2/tournament/cup?limit=9", &bearer(&other), b"")
        .json();
    assert_eq!(cup["records"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&cup["records"][0]["rank"], &cup["rank_count"]),
        (&json!("1"), &json!("1"))
    );
    let cups = server
        .call("GET", "/v2/tournament?limit=9", &bearer(&other), b"")
        .json();
    let cups = cups["tournaments"].as_array().unwrap();
    let names: Vec<_> = cups.iter().map(|cup| member(cup, "id")).collect();
    assert_eq!(names, ["cup", "future", "joined"]);
    assert_eq!(
        (&cups[0]["size"], &cups[0]["can_enter"]),
        (&json!(1), &json!(true))
    );
    assert_eq!(cups[1].get("can_enter"), None);
}

fn wait_until_ready(server: &Server) {
    let started = Instant::now();
    loop {
        let answer = server.admin("/readyz");
        if answer.status == 200 {
            return;
        }
        assert_eq!(
            answer.body,
            "not ready: loading the ranks of leaderboards\n"
        );
        assert!(started.elapsed() < PATIENCE);
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

static ENDS: AtomicU32 = AtomicU32::new(0);

/// The hook fails once and is called again, and then no more.
#[test]
fn the_end_of_a_tournament_is_told() {
    let data = tempfile::tempdir().unwrap();
    let (told, hear) = std::sync::mpsc::channel();
    let server = Server::own(data.path(), |server| {
        server
            .rpc("make", async |call: RpcCall| {
                let rules = TournamentRules {
                    duration_secs: 1,
                    ..TournamentRules::default()
                };
                let board = Leaderboard {
                    tournament: Some(rules),
                    ..Leaderboard::new("short")
                };
                call.tagus.tournament_create(board).await?;
                Ok(String::new())
            })
            .tournament_end(move |_, event| {
                let told = told.clone();
                async move {
                    assert_eq!(event.kind, BoardEventKind::End);
                    if ENDS.fetch_add(1, Ordering::Relaxed) == 0 {
                        return Err(ApiError::internal());
                    }
                    told.send(event.board.id).map_err(|_| ApiError::internal())
                }
            })
    });
    let token = server.token("device-of-the-maker");
    assert_eq!(rpc(&server, &token, "make", "").status, 200);
    assert_eq!(hear.recv_timeout(PATIENCE).unwrap(), "short");
    assert_eq!(ENDS.load(Ordering::Relaxed), 2);
}
