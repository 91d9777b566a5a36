//! The pages of the arcade, embedded in the binary, and what the arcade shows.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use hyper::header::{self, HeaderValue};

use crate::directory::RoomFilter;
use crate::gateway::Gateway;

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// Pages of server code by path.
pub(crate) type Pages = BTreeMap<&'static str, &'static [u8]>;

/// The page of server code at this path.
pub(crate) fn serve_page(pages: &Pages, path: &str) -> Option<Response<Full<Bytes>>> {
    let bytes = pages.get(path)?;
    let mut response = Response::new(Full::from(*bytes));
    harden(response.headers_mut(), content_type(path), POLICY);
    Some(response)
}

/// The file at this path, or not modified; none when there is no such file.
pub(crate) fn serve(
    path: &str,
    if_none_match: Option<&HeaderValue>,
) -> Option<Response<Full<Bytes>>> {
    let path = if path.ends_with('/') {
        Cow::from(format!("{path}index.html"))
    } else {
        Cow::from(path)
    };
    let index = ASSETS
        .binary_search_by(|(known, ..)| (*known).cmp(&path))
        .ok()?;
    let (_, bytes, etag) = ASSETS[index];
    let same = if_none_match.is_some_and(|value| value.as_bytes() == etag.as_bytes());
    let mut response = Response::new(if same {
        Full::default()
    } else {
        Full::from(bytes)
    });
    if same {
        *response.status_mut() = hyper::StatusCode::NOT_MODIFIED;
    }
    let headers = response.headers_mut();
    headers.insert(header::ETAG, HeaderValue::from_static(etag));
    harden(headers, content_type(&path), policy(&path));
    Some(response)
}

fn harden(headers: &mut hyper::HeaderMap, content_type: &'static str, policy: &'static str) {
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(policy),
    );
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
}

/// What the arcade's page lists: games and live rooms, as JSON.
pub(crate) fn arcade(gateway: &Gateway) -> Vec<u8> {
    let filter = RoomFilter {
        limit: 100,
        authoritative: Some(true),
        ..RoomFilter::default()
    };
    let rooms: Vec<serde_json::Value> = gateway
        .directory
        .list(&filter)
        .into_iter()
        .map(|room| {
            serde_json::json!({
                "match_id": room.id.to_string(),
                "name": &*room.name,
                "game": &*room.game,
                "size": room.size,
                "seats_max": room.seats_max,
                "label": room.label.as_deref(),
            })
        })
        .collect();
    let games: Vec<serde_json::Value> = GAMES
        .iter()
        .filter(|game| gateway.games.contains_key(game.id))
        .map(|game| {
            let Page { id, path, .. } = game;
            // A mode of the game's own name is what the arcade's players wait for.
            let mode = gateway.config.matchmaker.mode(id);
            let mode = mode.filter(|mode| mode.game == *id);
            serde_json::json!({
                "id": id,
                "title": game.title,
                "path": path,
                "quick_play": mode.is_some(),
                "private": mode.is_some_and(|mode| mode.private),
                "players_max": game.players_max,
            })
        })
        .collect();
    serde_json::json!({ "games": games, "rooms": rooms })
        .to_string()
        .into_bytes()
}

fn content_type(path: &str) -> &'static str {
    if path.ends_with('/') {
        return "text/html; charset=utf-8";
    }
    match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("wasm") => "application/wasm",
        Some("json" | "webmanifest") => "application/json",
        _ => "application/octet-stream",
    }
}

/// A page may run scripts of this server only, and WebAssembly where it shows the physics.
fn policy(path: &str) -> &'static str {
    let runs_wasm = |page: &Page| page.runs_wasm && path.starts_with(page.path);
    if GAMES.iter().any(runs_wasm) {
        POLICY_WITH_WASM
    } else {
        POLICY
    }
}

/// A game with a page of its own.
struct Page {
    id: &'static str,
    title: &'static str,
    path: &'static str,
    /// Players of a match that quick play finds, at most.
    players_max: u8,
    runs_wasm: bool,
}

const GAMES: &[Page] = &[
    Page {
        id: "arena",
        title: "Arena",
        path: "/games/arena/",
        players_max: 4,
        runs_wasm: false,
    },
    Page {
        id: "pool",
        title: "Pool",
        path: "/games/pool/",
        players_max: 2,
        runs_wasm: true,
    },
    Page {
        id: "soccer",
        title: "Soccer",
        path: "/games/soccer/",
        players_max: 2,
        runs_wasm: true,
    },
];
const POLICY: &str = "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data:; style-src 'self'; frame-ancestors 'none'";
const POLICY_WITH_WASM: &str = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self' ws: wss:; img-src 'self' data:; style-src 'self'; frame-ancestors 'none'";

#[cfg(all(test, feature = "arcade"))]
mod tests {
    use super::*;

    #[test]
    fn only_pages_that_show_the_physics_run_webassembly() {
        let header = |path, name| {
            let response = serve(path, None).unwrap();
            response.headers()[name].to_str().unwrap().to_owned()
        };
        let policy = |path| header(path, header::CONTENT_SECURITY_POLICY);
        for path in ["/games/pool/", "/games/soccer/"] {
            let script = "script-src 'self' 'wasm-unsafe-eval'";
            assert!(policy(path).contains(script), "{path}");
        }
        for path in [
            "/",
            "/games/arena/",
            "/duel/client/visit.js",
            "/sdk/tagus.js",
        ] {
            assert!(!policy(path).contains("unsafe"), "{path}");
        }
        let module = header("/physics/dist/physics.wasm", header::CONTENT_TYPE);
        assert_eq!(module, "application/wasm");
        assert!(serve("/physics/bench.mjs", None).is_none());
    }
}
