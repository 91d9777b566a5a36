//! Tokens: JSON Web Tokens signed with HMAC-SHA-256, and nothing else that goes by that name.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::{digest, hmac};
use serde::{Deserialize, Serialize};
use tagus_base::{RoomId, UnixMillis, UserId, Uuid};

/// Bytes that are never shown: a signing key or a password.
#[derive(Clone)]
pub struct Secret(Box<[u8]>);

impl Secret {
    /// A secret of these bytes.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into().into_boxed_slice())
    }

    /// The bytes themselves. Not for logs.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Whether these are the same bytes, in a time that tells nothing but the length.
    #[must_use]
    pub fn matches(&self, candidate: &[u8]) -> bool {
        // How far two digests are alike tells nothing of what they were made of.
        let digest = |bytes: &[u8]| digest::digest(&digest::SHA256, bytes);
        self.0.len() == candidate.len() && digest(&self.0).as_ref() == digest(candidate).as_ref()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

/// The two signing keys. They should differ: with equal keys a refresh token would pass as a session token.
#[derive(Clone, Debug)]
pub struct Keys {
    /// Signs session tokens and match tokens.
    pub session: Secret,
    /// Signs refresh tokens.
    pub refresh: Secret,
}

/// What a token says: somebody proved at `issued_at` to be `user_id`.
///
/// All tokens that descend from one authentication share a `token_id`: the session token, the refresh token,
/// and every pair that a refresh made of them. Logging out ends them together.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Login {
    /// Claim `tid`.
    pub token_id: Uuid,
    /// Claim `uid`.
    pub user_id: UserId,
    /// Claim `usn`.
    pub username: Arc<str>,
    /// Claim `vrs`: the client's own session variables.
    pub vars: BTreeMap<String, String>,
    /// Claim `iat`; whole seconds.
    pub issued_at: UnixMillis,
    /// Claim `exp`; whole seconds. The token counts while the time is below it.
    pub expires_at: UnixMillis,
}

/// Why a token does not count.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TokenError {
    /// Not a token of ours in form: parts, encoding, algorithm or claims.
    #[error("token is malformed")]
    Malformed,
    /// The signature is of another key or of another text.
    #[error("token has a bad signature")]
    BadSignature,
    /// Its time is over.
    #[error("token has expired")]
    Expired,
    /// It was logged out.
    #[error("token was logged out")]
    LoggedOut,
}

/// Signs and checks tokens. Knows no logouts: for those ask [`crate::Logins`].
pub struct Tokens {
    session: hmac::Key,
    refresh: hmac::Key,
}

impl Tokens {
    /// A signer with these keys.
    #[must_use]
    pub fn new(keys: &Keys) -> Self {
        Self {
            session: hmac::Key::new(hmac::HMAC_SHA256, keys.session.expose()),
            refresh: hmac::Key::new(hmac::HMAC_SHA256, keys.refresh.expose()),
        }
    }

    /// A session token with this login's claims.
    #[must_use]
    pub fn sign_session(&self, login: &Login) -> String {
        sign(&self.session, &LoginClaims::from(login))
    }

    /// A refresh token with this login's claims.
    #[must_use]
    pub fn sign_refresh(&self, login: &Login) -> String {
        sign(&self.refresh, &LoginClaims::from(login))
    }

    /// Checks form, signature and time of a session token.
    pub fn verify_session(&self, token: &str, now: UnixMillis) -> Result<Login, TokenError> {
        verify_login(&self.session, token, now)
    }

    /// Checks form, signature and time of a refresh token.
    pub fn verify_refresh(&self, token: &str, now: UnixMillis) -> Result<Login, TokenError> {
        verify_login(&self.refresh, token, now)
    }

    /// A token that lets its holder join, and for a relayed room create, this room until `expires_at`.
    #[must_use]
    pub fn sign_match_token(&self, room: &RoomId, expires_at: UnixMillis) -> String {
        let claims = MatchClaims {
            mid: room.to_string(),
            exp: expires_at.as_secs(),
        };
        sign(&self.session, &claims)
    }

    /// The room of a match token.
    pub fn verify_match_token(&self, token: &str, now: UnixMillis) -> Result<RoomId, TokenError> {
        let claims: MatchClaims = verify(&self.session, token)?;
        if now.as_secs() >= claims.exp {
            return Err(TokenError::Expired);
        }
        claims.mid.parse().map_err(|_| TokenError::Malformed)
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens(***)")
    }
}

/// Longest token that is looked at, in bytes; a longer one is malformed.
/// Room for [`VARS_BYTES_MAX`] of text that JSON escapes to six times its size.
pub const TOKEN_BYTES_MAX: usize = 20_480;

/// Most session variables in one login.
pub const VARS_COUNT_MAX: usize = 64;

/// Most bytes of keys and values together in the variables of one login.
pub const VARS_BYTES_MAX: usize = 2_048;

/// The claims of session and refresh tokens, as they are written.
#[derive(Deserialize, Serialize)]
struct LoginClaims {
    tid: String,
    uid: String,
    usn: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    vrs: BTreeMap<String, String>,
    exp: u64,
    #[serde(default)]
    iat: u64,
}

impl From<&Login> for LoginClaims {
    fn from(login: &Login) -> Self {
        Self {
            tid: login.token_id.to_string(),
            uid: login.user_id.to_string(),
            usn: login.username.to_string(),
            vrs: login.vars.clone(),
            exp: login.expires_at.as_secs(),
            iat: login.issued_at.as_secs(),
        }
    }
}

/// The claims of match tokens, as they are written.
#[derive(Deserialize, Serialize)]
struct MatchClaims {
    mid: String,
    exp: u64,
}

/// The only claim of the header that decides anything.
#[derive(Deserialize)]
struct Header {
    alg: String,
}

/// `{"alg":"HS256","typ":"JWT"}` in base64url: the header that we write.
const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";

fn sign(key: &hmac::Key, claims: &impl Serialize) -> String {
    let claims =
        serde_json::to_vec(claims).expect("claims are strings and numbers under string keys");
    let mut token = String::with_capacity(HEADER.len() + claims.len() * 4 / 3 + 48);
    token.push_str(HEADER);
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(claims, &mut token);
    let tag = hmac::sign(key, token.as_bytes());
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(tag, &mut token);
    token
}

fn verify<C: for<'de> Deserialize<'de>>(key: &hmac::Key, token: &str) -> Result<C, TokenError> {
    if token.len() > TOKEN_BYTES_MAX {
        return Err(TokenError::Malformed);
    }
    let (signed, tag) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
    let (header, claims) = signed.split_once('.').ok_or(TokenError::Malformed)?;
    check_header(header)?;
    let tag = decode(tag)?;
    // Constant-time, and before anything of the claims is believed or even parsed.
    hmac::verify(key, signed.as_bytes(), &tag).map_err(|_| TokenError::BadSignature)?;
    serde_json::from_slice(&decode(claims)?).map_err(|_| TokenError::Malformed)
}

fn check_header(header: &str) -> Result<(), TokenError> {
    if header == HEADER {
        return Ok(());
    }
    let header: Header =
        serde_json::from_slice(&decode(header)?).map_err(|_| TokenError::Malformed)?;
    if header.alg == "HS256" {
        Ok(())
    } else {
        Err(TokenError::Malformed)
    }
}

fn decode(part: &str) -> Result<Vec<u8>, TokenError> {
    URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| TokenError::Malformed)
}

fn verify_login(key: &hmac::Key, token: &str, now: UnixMillis) -> Result<Login, TokenError> {
    let claims: LoginClaims = verify(key, token)?;
    if now.as_secs() >= claims.exp {
        return Err(TokenError::Expired);
    }
    Ok(Login {
        token_id: claims.tid.parse().map_err(|_| TokenError::Malformed)?,
        user_id: claims.uid.parse().map_err(|_| TokenError::Malformed)?,
        username: claims.usn.into(),
        vars: claims.vrs,
        issued_at: UnixMillis(0).plus_secs(claims.iat),
        expires_at: UnixMillis(0).plus_secs(claims.exp),
    })
}
