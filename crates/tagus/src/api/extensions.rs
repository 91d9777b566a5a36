//! Calls below `/v2/x/`, beside the method table: what the client protocol does not have.

use std::sync::Arc;

use serde_json::{Value, json};
use tagus_base::{UserId, Uuid};
use tagus_players::{Asker, CodeKind, GroupRole, Login, PartyId};
use tagus_wire::{Auth, percent_decode};

use crate::api::ApiError;
use crate::assets;
use crate::gateway::{Gateway, stream_of, unix_now};
use crate::hooks::BoxFuture;
use crate::tagus::Tagus;

/// One call of the table.
struct Extension {
    /// For the metrics.
    name: &'static str,
    verb: &'static str,
    /// The path below `/v2/x/`; `*` is any one segment.
    path: &'static [&'static str],
    auth: Auth,
    handle: fn(Asked) -> BoxFuture<Result<Vec<u8>, ApiError>>,
}

/// What a handler is given.
struct Asked {
    gateway: Arc<Gateway>,
    login: Option<Login>,
    /// The segment that `*` stands for, or empty.
    segment: String,
}

macro_rules! extensions {
    ($($name:literal: $verb:ident $auth:ident $path:expr => $handle:expr,)+) => {
        &[$(Extension {
            name: $name,
            verb: stringify!($verb),
            path: &$path,
            auth: Auth::$auth,
            handle: |asked| Box::pin($handle(asked)),
        }),+]
    };
}

const EXTENSIONS: &[Extension] = extensions! {
    "x/arcade": GET None ["arcade"] => arcade,
    "x/time": GET None ["time"] => time,
    "x/code": GET Bearer ["code"] => code,
    "x/code": DELETE Bearer ["code"] => revoke_code,
    "x/friend": POST Bearer ["friend", "*"] => add_friend,
    "x/group": POST Bearer ["group", "*"] => join_group,
    "x/group/code": GET Bearer ["group", "*", "code"] => group_code,
    "x/group/code": DELETE Bearer ["group", "*", "code"] => revoke_group_code,
    "x/party/code": GET Bearer ["party", "*", "code"] => party_code,
    "x/party/code": DELETE Bearer ["party", "*", "code"] => revoke_party_code,
    "x/match": POST Bearer ["match", "*"] => open_private_match,
    "x/match/code": GET Bearer ["match", "*", "code"] => match_code,
    "x/rating": GET Bearer ["rating", "*"] => rating,
};

/// A call that the table has.
pub(crate) struct Found {
    extension: &'static Extension,
    segment: String,
}

/// The call of this path; none for paths that the table does not have or that are not percent-encoded text.
///
/// # Errors
/// UNIMPLEMENTED for another verb on a path that the table has.
pub(crate) fn find(verb: &str, path: &str) -> Option<Result<Found, ApiError>> {
    let segments: Vec<&str> = path.strip_prefix("/v2/x/")?.split('/').collect();
    let fits = |extension: &&Extension| {
        let mut pairs = extension.path.iter().zip(&segments);
        extension.path.len() == segments.len()
            && pairs
                .all(|(known, segment)| known == segment || (*known == "*" && !segment.is_empty()))
    };
    let mut same_path = EXTENSIONS.iter().filter(fits).peekable();
    same_path.peek()?;
    let Some(extension) = same_path.find(|extension| serves(extension.verb, verb)) else {
        return Some(Err(ApiError::unimplemented("Method Not Allowed")));
    };
    let segment = extension.path.iter().position(|known| *known == "*");
    let segment = percent_decode(segment.map_or("", |at| segments[at]))?;
    Some(Ok(Found { extension, segment }))
}

/// Verb, path and authentication of each call of the table.
#[cfg(test)]
pub(super) fn all() -> impl Iterator<Item = (&'static str, String, Auth)> {
    EXTENSIONS.iter().map(|extension| {
        let path = format!("/v2/x/{}", extension.path.join("/"));
        (extension.verb, path, extension.auth)
    })
}

fn serves(known: &str, verb: &str) -> bool {
    known == verb || (known == "GET" && verb == "HEAD")
}

impl Found {
    pub(crate) const fn name(&self) -> &'static str {
        self.extension.name
    }

    pub(crate) const fn auth(&self) -> Auth {
        self.extension.auth
    }

    /// The body of the answer.
    pub(crate) async fn answer(
        self,
        gateway: Arc<Gateway>,
        login: Option<Login>,
    ) -> Result<Vec<u8>, ApiError> {
        (self.extension.handle)(Asked {
            gateway,
            login,
            segment: self.segment,
        })
        .await
    }
}

impl Asked {
    fn login(&self) -> Result<&Login, ApiError> {
        let login = self.login.as_ref();
        login.ok_or_else(|| ApiError::unauthenticated("Auth token invalid"))
    }
}

async fn arcade(asked: Asked) -> Result<Vec<u8>, ApiError> {
    Ok(assets::arcade(&asked.gateway))
}

async fn time(_: Asked) -> Result<Vec<u8>, ApiError> {
    body(&json!({ "unix_ms": unix_now().0 }))
}

/// The caller's friend code.
async fn code(asked: Asked) -> Result<Vec<u8>, ApiError> {
    let user_id = asked.login()?.user_id;
    // A token may outlive its account.
    if asked
        .gateway
        .accounts
        .users(&[user_id], &[])
        .await?
        .is_empty()
    {
        return Err(ApiError::not_found("Account not found."));
    }
    let code = asked.gateway.codes.code(CodeKind::Friend, user_id.0);
    body(&json!({ "code": code.await? }))
}

async fn revoke_code(asked: Asked) -> Result<Vec<u8>, ApiError> {
    let user_id = asked.login()?.user_id;
    let revoked = asked.gateway.codes.revoke(CodeKind::Friend, user_id.0);
    revoked.await?;
    body(&json!({}))
}

/// Invites the account of a code to be friends, or accepts its invitation.
async fn add_friend(asked: Asked) -> Result<Vec<u8>, ApiError> {
    let (gateway, login) = (&asked.gateway, asked.login()?);
    let subject = gateway.codes.subject(CodeKind::Friend, &asked.segment);
    let other = UserId(subject.await?);
    let mut pushes = Vec::new();
    let added = gateway
        .friends
        .add(unix_now(), asker(login), &[other], "", &mut pushes)
        .await;
    gateway.live.deliver(pushes);
    added?;
    body(&json!({ "user_id": other.to_string() }))
}

/// Joins the open group of a code, or asks the admins of a closed one.
async fn join_group(asked: Asked) -> Result<Vec<u8>, ApiError> {
    let (gateway, login) = (&asked.gateway, asked.login()?);
    let subject = gateway.codes.subject(CodeKind::Group, &asked.segment);
    let group_id = subject.await?;
    let mut pushes = Vec::new();
    let joined = gateway
        .groups
        .join(unix_now(), asker(login), group_id, &mut pushes)
        .await;
    gateway.live.deliver(pushes);
    joined?;
    body(&json!({ "group_id": group_id.to_string() }))
}

/// A group's code, for its admins.
async fn group_code(asked: Asked) -> Result<Vec<u8>, ApiError> {
    let group_id = group_of_admin(&asked).await?;
    let code = asked.gateway.codes.code(CodeKind::Group, group_id);
    body(&json!({ "code": code.await? }))
}

async fn revoke_group_code(asked: Asked) -> Result<Vec<u8>, ApiError> {
    let group_id = group_of_admin(&asked).await?;
    let revoked = asked.gateway.codes.revoke(CodeKind::Group, group_id);
    revoked.await?;
    body(&json!({}))
}

/// The group that the path names, if the caller is one of its admins.
async fn group_of_admin(asked: &Asked) -> Result<Uuid, ApiError> {
    let group_id: Result<Uuid, _> = asked.segment.parse();
    let group_id = group_id.map_err(|_| ApiError::invalid("Group ID must be a valid ID."))?;
    let user_id = asked.login()?.user_id;
    let role = asked.gateway.groups.role(group_id, user_id).await?;
    match role {
        Some(GroupRole::Superadmin | GroupRole::Admin) => Ok(group_id),
        _ => Err(ApiError::new(
            CODE_PERMISSION_DENIED,
            "Group not found, or the caller is none of its admins.",
        )),
    }
}

/// The join code of a party that the caller is in.
async fn party_code(asked: Asked) -> Result<Vec<u8>, ApiError> {
    let (id, user_id) = (party_id(&asked)?, asked.login()?.user_id);
    let code = asked.gateway.parties.code(&id, user_id)?;
    body(&json!({ "code": code }))
}

async fn revoke_party_code(asked: Asked) -> Result<Vec<u8>, ApiError> {
    let (id, user_id) = (party_id(&asked)?, asked.login()?.user_id);
    asked.gateway.parties.revoke_code(&id, user_id)?;
    body(&json!({}))
}

fn party_id(asked: &Asked) -> Result<PartyId, ApiError> {
    let id = asked.segment.parse();
    id.map_err(|_| ApiError::invalid("Invalid party ID"))
}

/// Opens a room of a mode that allows it; only those who know its id or code find it.
async fn open_private_match(asked: Asked) -> Result<Vec<u8>, ApiError> {
    let user_id = asked.login()?.user_id;
    let (id, code) = Tagus::of(&asked.gateway)
        .open_private(&asked.segment, user_id)
        .await?;
    body(&json!({ "match_id": id.to_string(), "code": code }))
}

/// The join code of a match that the caller sits in.
async fn match_code(asked: Asked) -> Result<Vec<u8>, ApiError> {
    let (tagus, user_id) = (Tagus::of(&asked.gateway), asked.login()?.user_id);
    let id = tagus.room_id(&asked.segment);
    let id = id.ok_or_else(|| ApiError::invalid("Invalid match ID"))?;
    let seats = stream_of(&id);
    let sits = {
        let streams = asked.gateway.live.streams().lock();
        let mut seated = streams.members(&seats);
        seated.any(|one| one.user_id == user_id)
    };
    if !sits {
        let text = "Match not found, or the caller does not sit in it.";
        return Err(ApiError::new(CODE_PERMISSION_DENIED, text));
    }
    body(&json!({ "code": tagus.room_code(id)? }))
}

/// The caller's rating in a mode.
async fn rating(asked: Asked) -> Result<Vec<u8>, ApiError> {
    let user_id = asked.login()?.user_id;
    let found = asked
        .gateway
        .ratings
        .rating(&asked.segment, user_id)
        .await?;
    body(&json!({
        "mu": found.rating.mu,
        "sigma": found.rating.sigma,
        "games": found.games,
        "ordinal": found.rating.ordinal(),
    }))
}

fn asker(login: &Login) -> Asker<'_> {
    Asker {
        user_id: login.user_id,
        username: &login.username,
    }
}

fn body(value: &Value) -> Result<Vec<u8>, ApiError> {
    Ok(value.to_string().into_bytes())
}

const CODE_PERMISSION_DENIED: i32 = 7;

#[cfg(test)]
mod tests {
    use super::*;

    fn found(verb: &str, path: &str) -> String {
        match find(verb, path) {
            None => "none".to_owned(),
            Some(Err(error)) => error.code.to_string(),
            Some(Ok(found)) => format!("{} {}", found.name(), found.segment),
        }
    }

    #[test]
    fn paths_are_matched_whole() {
        assert_eq!(found("GET", "/v2/x/time"), "x/time ");
        assert_eq!(found("HEAD", "/v2/x/time"), "x/time ");
        assert_eq!(found("POST", "/v2/x/time"), "12");
        assert_eq!(found("DELETE", "/v2/x/code"), "x/code ");
        assert_eq!(found("POST", "/v2/x/friend/ABC"), "x/friend ABC");
        assert_eq!(found("POST", "/v2/x/group/code"), "x/group code");
        assert_eq!(found("GET", "/v2/x/group/ABC/code"), "x/group/code ABC");
        assert_eq!(found("GET", "/v2/x/rating/a%20%2f"), "x/rating a /");
        for none in [
            "/v2/x/",
            "/v2/x/time/",
            "/v2/x/friend/",
            "/v2/x/friend/a/b",
            "/v2/x/rating/%ff",
            "/v2/time",
        ] {
            assert_eq!(found("GET", none), "none", "{none}");
        }
    }
}
