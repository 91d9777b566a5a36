//! What operators ask of a running server: calls below `/v2/admin/` of the admin port, with the admin key.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::{Request, Response};
use serde_json::{Value, json};
use tagus_base::UserId;

use crate::api::{ApiError, account_out};
use crate::entry::Maintenance;
use crate::export::value;
use crate::tagus::Tagus;

/// Answers a call below [`PREFIX`].
pub(crate) async fn answer(tagus: &Tagus, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let answered = match authorize(tagus, request.headers()) {
        Ok(()) => answer_operator(tagus, request).await,
        Err(error) => Err(error),
    };
    let (status, body) = match answered {
        Ok(value) => (200, value.to_string().into_bytes()),
        Err(error) => (error.status(), error.body()),
    };
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = hyper::StatusCode::from_u16(status).unwrap_or_default();
    let headers = response.headers_mut();
    let json = HeaderValue::from_static("application/json");
    headers.insert(header::CONTENT_TYPE, json);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn authorize(tagus: &Tagus, headers: &hyper::HeaderMap) -> Result<(), ApiError> {
    let given = headers.get(header::AUTHORIZATION);
    let given = given.and_then(|value| value.to_str().ok()?.split_once(' '));
    match given {
        Some((scheme, key)) if scheme.eq_ignore_ascii_case("bearer") => {
            let own = &tagus.gateway.config.keys.admin;
            match own.matches(key.trim().as_bytes()) {
                true => Ok(()),
                false => Err(ApiError::unauthenticated("Admin key invalid")),
            }
        }
        _ => Err(ApiError::unauthenticated("Admin key required")),
    }
}

async fn answer_operator(tagus: &Tagus, request: Request<Incoming>) -> Result<Value, ApiError> {
    let path = request.uri().path().to_owned();
    let query = request.uri().query().unwrap_or_default().to_owned();
    let segments: Vec<&str> = path[PREFIX.len()..].split('/').collect();
    let verb = request.method().as_str().to_owned();
    match (verb.as_str(), segments.as_slice()) {
        ("GET", ["users"]) => find(tagus, &query).await,
        ("GET", ["users", id]) => account(tagus, user_id(id)?).await,
        ("DELETE", ["users", id]) => done("delete", id, tagus.account_delete(user_id(id)?).await),
        ("POST", ["users", id, "ban"]) => done("ban", id, tagus.account_ban(user_id(id)?).await),
        ("POST", ["users", id, "unban"]) => {
            done("unban", id, tagus.account_unban(user_id(id)?).await)
        }
        ("POST", ["users", id, "logout"]) => done("logout", id, tagus.logout(user_id(id)?).await),
        ("GET", ["users", id, "export"]) => tagus.account_export(user_id(id)?).await,
        ("PUT", ["users", id, "metadata"]) => {
            let metadata = text(request).await?;
            let set = tagus.account_set_metadata(user_id(id)?, &metadata);
            done("set metadata", id, set.await)
        }
        ("GET", ["maintenance"]) => Ok(maintenance(tagus)),
        ("PUT", ["maintenance"]) => {
            let maintenance: Maintenance = match text(request).await?.as_str() {
                "" => Maintenance::default(),
                text => serde_json::from_str(text)
                    .map_err(|error| ApiError::invalid(format!("The body: {error}.")))?,
            };
            done(
                "maintenance",
                "",
                tagus.maintenance_begin(maintenance).await,
            )
        }
        ("DELETE", ["maintenance"]) => done("maintenance end", "", tagus.maintenance_end().await),
        _ => Err(ApiError::not_found("Not Found")),
    }
}

/// The answer to a change, which is logged.
fn done(action: &str, id: &str, outcome: Result<(), ApiError>) -> Result<Value, ApiError> {
    outcome?;
    tracing::info!(action, id, "an operator changed something");
    Ok(json!({}))
}

fn user_id(text: &str) -> Result<UserId, ApiError> {
    text.parse()
        .map_err(|_| ApiError::invalid("ID must be a valid UUID."))
}

async fn account(tagus: &Tagus, id: UserId) -> Result<Value, ApiError> {
    let account = tagus.account(id).await?;
    value(&account_out(&tagus.gateway, account))
}

/// The account of a user name.
async fn find(tagus: &Tagus, query: &str) -> Result<Value, ApiError> {
    let pairs = tagus_wire::query_pairs(query).unwrap_or_default();
    let name = pairs.into_iter().find(|(key, _)| key == "username");
    let Some((_, name)) = name else {
        return Err(ApiError::invalid("Name a user: ?username=NAME."));
    };
    match tagus.users(&[], &[name]).await?.first() {
        Some(user) => account(tagus, user.id).await,
        None => Err(ApiError::not_found("User not found.")),
    }
}

fn maintenance(tagus: &Tagus) -> Value {
    let maintenance: Option<Arc<Maintenance>> = tagus.maintenance();
    json!({ "maintenance": maintenance.as_deref() })
}

async fn text(request: Request<Incoming>) -> Result<String, ApiError> {
    let body = Limited::new(request.into_body(), BODY_BYTES_MAX).collect();
    let body = match tokio::time::timeout(BODY_WAIT, body).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(_)) => {
            let text = format!("The body must be read and have at most {BODY_BYTES_MAX} bytes.");
            return Err(ApiError::invalid(text));
        }
        Err(_) => return Err(ApiError::invalid("The body did not arrive in time.")),
    };
    String::from_utf8(body.into()).map_err(|_| ApiError::invalid("The body is not UTF-8."))
}

/// Where the calls lie.
pub(crate) const PREFIX: &str = "/v2/admin/";
/// Bytes of a call's body.
const BODY_BYTES_MAX: usize = 65_536;
/// Time that a call's body may take.
const BODY_WAIT: Duration = Duration::from_secs(10);
