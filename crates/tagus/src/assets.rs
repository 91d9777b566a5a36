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
    harden(response.headers_mut(), content_type(path));
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
    harden(headers, content_type(&path));
    Some(response)
}

fn harden(headers: &mut hyper::HeaderMap, content_type: &'static str) {
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(POLICY),
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
        .filter(|(id, ..)| gateway.games.contains_key(*id))
        .map(|(id, title, path)| serde_json::json!({ "id": id, "title": title, "path": path }))
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
        Some("json" | "webmanifest") => "application/json",
        _ => "application/octet-stream",
    }
}

/// Games with a page: name, title, path.
const GAMES: &[(&str, &str, &str)] = &[("arena", "Arena", "/games/arena/")];
const POLICY: &str = "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data:; style-src 'self'; frame-ancestors 'none'";
