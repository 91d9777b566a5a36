//! Requests put together from path, query and body.

use tagus_wire::method::{
    AuthenticateDevice, GetAccount, GetUsers, ListGroupUsers, ListGroups, RpcFunc, UpdateGroup,
    WriteLeaderboardRecord,
};
use tagus_wire::{DecodeError, Method, QUERY_PAIRS_MAX, decode_rest, route, to_json};

/// The request as JSON, or the error with its cause.
fn check<M: Method>(verb: &str, path: &str, query: &str, body: &str, expected: &str) {
    let (info, route, params) = route(verb, path).unwrap();
    assert_eq!(info.name, M::NAME);
    let found = match decode_rest::<M>(route, &params, query, body.as_bytes()) {
        Ok(request) => String::from_utf8(to_json(&request)).unwrap(),
        Err(DecodeError::Param { name, err }) => format!("{name}: {err}"),
        Err(DecodeError::Json(err)) => err.to_string(),
        Err(err) => err.to_string(),
    };
    assert_eq!(found, expected, "{path}?{query} {body}");
}

#[test]
fn body_in_a_field() {
    let check = |query: &str, body: &str, expected: &str| {
        check::<AuthenticateDevice>(
            "POST",
            "/v2/account/authenticate/device",
            query,
            body,
            expected,
        );
    };
    check(
        "create=false&username=a%20b+c&unknown=1",
        r#"{"id":"device-1","vars":{"k":"v"},"unknown":{}}"#,
        r#"{"account":{"id":"device-1","vars":{"k":"v"}},"create":false,"username":"a b c"}"#,
    );
    check("create=T", "", r#"{"create":true}"#);
    check("", "  ", "{}");
    check("", "null", "{}");
    check("account.id=x", r#"{"id":"y"}"#, r#"{"account":{"id":"y"}}"#);
    check(
        "create=maybe",
        "",
        "create: expected true or false at byte 0",
    );
    check(
        "create=1&create=0",
        "",
        "create: expected a string at byte 0",
    );
    check("", r#"{"id":"y"} x"#, "trailing text at byte 11");
    check("", "[]", "expected an object at byte 0");
    check("username=%zz", "", "decode query string");
    check("username=%ff", "", "decode query string");
    check("username", "", "{}");
}

#[test]
fn whole_body() {
    let check = |query: &str, body: &str, expected: &str| {
        check::<UpdateGroup>("PUT", "/v2/group/g%201", query, body, expected);
    };
    check(
        "name=q",
        r#"{"group_id":"other","avatarUrl":""}"#,
        r#"{"group_id":"g 1","avatar_url":""}"#,
    );
    check("", "", r#"{"group_id":"g 1"}"#);
    check("", "{", "unexpected end of text at byte 1");
}

#[test]
fn query_alone() {
    check::<GetUsers>(
        "GET",
        "/v2/user",
        "ids=a&usernames=x%26y&ids=b&facebookIds=7&ids=",
        "ignored",
        r#"{"ids":["a","b",""],"usernames":["x&y"],"facebook_ids":["7"]}"#,
    );
    check::<ListGroupUsers>(
        "GET",
        "/v2/group/g/user",
        "limit=10&state=0&group_id=h",
        "",
        r#"{"group_id":"g","limit":10,"state":0}"#,
    );
    check::<ListGroups>(
        "GET",
        "/v2/group",
        "langTag=en&open=0&limit=",
        "",
        "limit: expected a number at byte 0",
    );
    check::<ListGroups>(
        "GET",
        "/v2/group",
        "limit=2147483648",
        "",
        "limit: number out of range at byte 0",
    );
    check::<GetAccount>("GET", "/v2/account", "x=1", "", "{}");
    check::<RpcFunc>(
        "GET",
        "/v2/rpc/f",
        "payload=%7B%7D",
        "",
        r#"{"id":"f","payload":"{}"}"#,
    );
    check::<RpcFunc>(
        "POST",
        "/v2/rpc/f",
        "http_key=k",
        "\"{}\"",
        r#"{"id":"f","payload":"{}","http_key":"k"}"#,
    );
}

#[test]
fn nested_names() {
    let check = |query: &str, body: &str, expected: &str| {
        check::<WriteLeaderboardRecord>("POST", "/v2/leaderboard/l", query, body, expected);
    };
    check(
        "",
        r#"{"score":"12","operator":"SET"}"#,
        r#"{"leaderboard_id":"l","record":{"score":"12","operator":2}}"#,
    );
    // Without a body route of its own, a nested field is reached by its dotted name.
    let (_, whole, params) = route("POST", "/v2/leaderboard/l").unwrap();
    let bare = tagus_wire::Route {
        body: tagus_wire::Body::None,
        ..*whole
    };
    let query = "record.score=12&record.operator=SET&record=x&record.score.deeper=1&a.b.c=d";
    let request = decode_rest::<WriteLeaderboardRecord>(&bare, &params, query, b"").unwrap();
    assert_eq!(
        to_json(&request),
        br#"{"leaderboard_id":"l","record":{"score":"12","operator":2}}"#
    );
}

#[test]
fn queries_have_a_limit() {
    let query = |count: usize| vec!["ids=a"; count].join("&");
    let (_, route, _) = route("GET", "/v2/user").unwrap();
    let decode = |count| decode_rest::<GetUsers>(route, &[], &query(count), b"");
    assert_eq!(decode(QUERY_PAIRS_MAX).unwrap().ids.len(), QUERY_PAIRS_MAX);
    assert_eq!(decode(QUERY_PAIRS_MAX + 1), Err(DecodeError::Query));
}
